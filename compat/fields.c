/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-up in the field catalogue. Knows the table's form, and of single fields only what may stand behind their dot.
 */
#include "compat/fields.h"

#include <assert.h>
#include <string.h>

#include "base/suggest.h"
#include "compat/event_params.h"

static const struct field_info fields[FIELD_COUNT] = {
#define X(id, name, type, arg, provider, flags, description)                                                 \
	[FIELD_##id] = {FIELD_##id, (name),       FIELD_TYPE_##type, FIELD_ARG_##arg, FIELD_FROM_##provider, \
	                (flags),    (description)},
        TERCEL_FIELDS(X)
#undef X
};

#define X(id, name, type, arg, provider, flags, description) \
	static_assert(sizeof(name) <= SUGGEST_MAX_LEN, "a field's name is too long for field_suggest()");
TERCEL_FIELDS(X)
#undef X

const struct field_info *field_by_id(enum field_id id)
{
	return &fields[id];
}

static bool is_word(const char *word, const char *name, size_t len)
{
	return strlen(word) == len && memcmp(word, name, len) == 0;
}

static bool is_event_param(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(event_params) / sizeof(*event_params); i++)
		if (is_word(event_params[i], name, len))
			return true;
	return false;
}

static bool consists_of(const char *name, size_t len, const char *set)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] == '\0' || !strchr(set, name[i]))
			return false;
	return len > 0;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

/* Whether the field takes that argument behind a dot: what libsinsp accepts there is up to the field. */
static bool takes_dotted(const struct field_info *f, const char *arg, size_t len)
{
	switch (f->id) {
	case FIELD_EVT_ARG:
	case FIELD_EVT_RAWARG:
		return is_event_param(arg, len);
	case FIELD_EVT_ABSPATH:
		return is_word("src", arg, len) || is_word("dst", arg, len);
	case FIELD_THREAD_CGROUP:
		return consists_of(arg, len, LETTERS);
	case FIELD_EVT_TYPE_IS:
		return consists_of(arg, len, LETTERS "0123456789");
	default:
		return false;
	}
}

const struct field_info *field_by_name(const char *name, size_t len, const char **arg)
{
	const struct field_info *dotted = NULL;
	const char *dotted_arg = NULL;

	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const struct field_info *f = &fields[i];
		size_t n = strlen(f->name);

		if (n > len || memcmp(f->name, name, n) != 0)
			continue;
		if (n == len) {
			if (arg)
				*arg = NULL;
			return f;
		}
		if (name[n] == '.' && takes_dotted(f, name + n + 1, len - n - 1)) {
			dotted = f;
			dotted_arg = name + n + 1;
		}
	}
	if (dotted && arg)
		*arg = dotted_arg;
	return dotted;
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
