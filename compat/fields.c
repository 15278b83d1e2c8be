/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field catalogue as data: rows, classes and words. Knows the table's form and nothing of single fields; what
 * stands behind their names is read in field_ref.c.
 */
#include "compat/fields.h"

#include <assert.h>
#include <string.h>

#include "base/suggest.h"

static const struct field_info fields[FIELD_COUNT] = {
#define X(id, name, in_class, type, arg, flags, description)                                 \
	[FIELD_##id] = {FIELD_##id,      (name),  FIELD_CLASS_##in_class, FIELD_TYPE_##type, \
	                FIELD_ARG_##arg, (flags), (description)},
        TERCEL_FIELDS(X)
#undef X
};

#define X(id, name, in_class, type, arg, flags, description) \
	static_assert(sizeof(name) <= SUGGEST_MAX_LEN, "a field's name is too long for field_suggest()");
TERCEL_FIELDS(X)
#undef X

const struct field_info *field_by_id(enum field_id id)
{
	return &fields[id];
}

const struct field_class_info *field_class(enum field_class class_id)
{
	static const struct field_class_info classes[FIELD_CLASSES] = {
#define X(id, name, title, provider) [FIELD_CLASS_##id] = {(name), (title), FIELD_FROM_##provider},
	        TERCEL_FIELD_CLASSES(X)
#undef X
	};

	return &classes[class_id];
}

const char *field_provider_name(enum field_provider provider)
{
	static const char *const names[FIELD_PROVIDERS] = {
	        [FIELD_FROM_FALCO] = "falco",
	        [FIELD_FROM_CONTAINER] = "container",
	        [FIELD_FROM_TERCEL] = "tercel",
	};

	return names[provider];
}

const char *field_arg_form(enum field_arg arg)
{
	static const char *const forms[FIELD_ARGS] = {
	        [FIELD_ARG_NONE] = "no argument",
	        [FIELD_ARG_INDEX] = "a number in brackets",
	        [FIELD_ARG_INDEX_OPTIONAL] = "a number in brackets, or none",
	        [FIELD_ARG_KEY_OPTIONAL] = "a name or number in brackets, or none",
	        [FIELD_ARG_KEY] = "a key in brackets",
	        [FIELD_ARG_KEY_OR_INDEX] = "a key or number in brackets",
	        [FIELD_ARG_DOTTED] = "a name behind a dot",
	        [FIELD_ARG_DOTTED_OPTIONAL] = "a name behind a dot, or none",
	        [FIELD_ARG_DOTTED_OR_INDEX] = "a name behind a dot or a number in brackets",
	};

	return forms[arg];
}

const struct field_info *field_suggest(const char *name, size_t len)
{
	const struct field_info *best = NULL;
	struct suggestion s = suggestion_for(name, len);

	for (size_t i = 0; i < FIELD_COUNT; i++) {
		suggestion_offer(&s, fields[i].name);
		if (s.best == fields[i].name)
			best = &fields[i];
	}
	return best;
}

const char *field_type_name(enum field_type type)
{
	static const char *const names[FIELD_TYPES] = {
	        [FIELD_TYPE_STRING] = "string",
	        [FIELD_TYPE_BYTES] = "bytes",
	        [FIELD_TYPE_BOOL] = "boolean",
	        [FIELD_TYPE_INT8] = "8-bit signed number",
	        [FIELD_TYPE_INT16] = "16-bit signed number",
	        [FIELD_TYPE_INT32] = "32-bit signed number",
	        [FIELD_TYPE_INT64] = "64-bit signed number",
	        [FIELD_TYPE_UINT8] = "8-bit unsigned number",
	        [FIELD_TYPE_UINT16] = "16-bit unsigned number",
	        [FIELD_TYPE_UINT32] = "32-bit unsigned number",
	        [FIELD_TYPE_UINT64] = "64-bit unsigned number",
	        [FIELD_TYPE_DOUBLE] = "floating point number",
	        [FIELD_TYPE_RELTIME] = "duration in nanoseconds",
	        [FIELD_TYPE_ABSTIME] = "time in nanoseconds",
	        [FIELD_TYPE_PORT] = "port",
	        [FIELD_TYPE_IP] = "IP address",
	        [FIELD_TYPE_NET] = "IP network",
	        [FIELD_TYPE_DYNAMIC] = "value of the parameter's type",
	        [FIELD_TYPE_OPAQUE] = "value that nothing compares with",
	};

	return names[type];
}

const char *field_type_word(enum field_type type)
{
	static const char *const words[FIELD_TYPES] = {
	        [FIELD_TYPE_STRING] = "string",   [FIELD_TYPE_BYTES] = "bytes",     [FIELD_TYPE_BOOL] = "bool",
	        [FIELD_TYPE_INT8] = "int8",       [FIELD_TYPE_INT16] = "int16",     [FIELD_TYPE_INT32] = "int32",
	        [FIELD_TYPE_INT64] = "int64",     [FIELD_TYPE_UINT8] = "uint8",     [FIELD_TYPE_UINT16] = "uint16",
	        [FIELD_TYPE_UINT32] = "uint32",   [FIELD_TYPE_UINT64] = "uint64",   [FIELD_TYPE_DOUBLE] = "double",
	        [FIELD_TYPE_RELTIME] = "reltime", [FIELD_TYPE_ABSTIME] = "abstime", [FIELD_TYPE_PORT] = "port",
	        [FIELD_TYPE_IP] = "ip",           [FIELD_TYPE_NET] = "net",         [FIELD_TYPE_DYNAMIC] = "dynamic",
	        [FIELD_TYPE_OPAQUE] = "opaque",
	};

	return words[type];
}

bool field_type_is_number(enum field_type type)
{
	switch (type) {
	case FIELD_TYPE_INT8:
	case FIELD_TYPE_INT16:
	case FIELD_TYPE_INT32:
	case FIELD_TYPE_INT64:
	case FIELD_TYPE_UINT8:
	case FIELD_TYPE_UINT16:
	case FIELD_TYPE_UINT32:
	case FIELD_TYPE_UINT64:
	case FIELD_TYPE_DOUBLE:
	case FIELD_TYPE_RELTIME:
	case FIELD_TYPE_ABSTIME:
	case FIELD_TYPE_PORT:
		return true;
	case FIELD_TYPE_STRING:
	case FIELD_TYPE_BYTES:
	case FIELD_TYPE_BOOL:
	case FIELD_TYPE_IP:
	case FIELD_TYPE_NET:
	case FIELD_TYPE_DYNAMIC:
	case FIELD_TYPE_OPAQUE:
	case FIELD_TYPES:
		break;
	}
	return false;
}
