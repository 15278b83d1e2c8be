/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind a field's name: which argument libsinsp 0.25 takes there, and what it makes of it. Knows single
 * fields' arguments, nothing of conditions and values.
 *
 * libsinsp joins name and brackets to one text, lets the field read from its start, and refuses the field unless it
 * read all of it. So nothing may follow an argument, and a ']' within it ends it too early.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compat/event_codes.h"
#include "compat/event_params.h"
#include "compat/fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Not NUL-terminated. */
struct text {
	const char *bytes;
	size_t len;
};

static int compare_text(const struct text *text, const char *name)
{
	size_t len = strlen(name), shorter = len < text->len ? len : text->len;
	int order = memcmp(text->bytes, name, shorter);

	return order ? order : (text->len > len) - (text->len < len);
}

static int compare_param(const void *key, const void *entry)
{
	return compare_text(key, ((const struct event_param *)entry)->name);
}

static int compare_type(const void *key, const void *entry)
{
	return compare_text(key, ((const struct event_codes *)entry)->name);
}

static const struct event_param *find_param(struct text name)
{
	return bsearch(&name, event_params, COUNT(event_params), sizeof(*event_params), compare_param);
}

/* Only names of libscap's event table: evt.type.is knows no system call without an event of its own. */
static bool is_event_type(struct text name)
{
	return compare_text(&name, GENERIC_EVENT_NAME) == 0 ||
	       bsearch(&name, event_codes, COUNT(event_codes), sizeof(*event_codes), compare_type) != NULL;
}

/* Numbers, as scanf of the C library reads them: blanks and a sign before the digits, nothing behind, and what is too
 * large for 64 bits becomes the largest. */

struct number {
	bool negative;
	bool overflow;
	uint64_t magnitude;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool read_number(struct number *n, struct text t)
{
	size_t i = 0;

	*n = (struct number){0};
	while (i < t.len && is_blank(t.bytes[i]))
		i++;
	if (i < t.len && (t.bytes[i] == '-' || t.bytes[i] == '+'))
		n->negative = t.bytes[i++] == '-';
	if (i == t.len)
		return false;
	for (; i < t.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)t.bytes[i] - '0';

		if (!is_digit(t.bytes[i]))
			return false;
		n->overflow |= __builtin_mul_overflow(n->magnitude, 10, &n->magnitude);
		n->overflow |= __builtin_add_overflow(n->magnitude, digit, &n->magnitude);
	}
	return true;
}

static int64_t as_signed(struct number n)
{
	if (n.negative)
		return n.overflow || n.magnitude > (uint64_t)INT64_MAX ? INT64_MIN : -(int64_t)n.magnitude;
	return n.overflow || n.magnitude > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)n.magnitude;
}

/* The same bits, unsigned. */
static int64_t as_unsigned(struct number n)
{
	uint64_t value = n.overflow ? UINT64_MAX : n.negative ? -n.magnitude : n.magnitude;

	return (int64_t)value;
}

static int64_t cut_to_32_bits(int64_t value)
{
	return (int32_t)(uint32_t)(uint64_t)value;
}

static bool is_all_digits(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!is_digit(t.bytes[i]))
			return false;
	return t.len > 0;
}

/* Behind a dot */

static bool is_cgroup(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		char c = t.bytes[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_')
			return false;
	}
	return true;
}

static bool takes_dotted(const struct field_info *f, struct text arg)
{
	struct number n;

	switch (f->id) {
	case FIELD_EVT_ARG:
	case FIELD_EVT_RAWARG:
		return find_param(arg) != NULL;
	case FIELD_EVT_ABSPATH:
		return compare_text(&arg, "src") == 0 || compare_text(&arg, "dst") == 0;
	case FIELD_THREAD_CGROUP:
		return is_cgroup(arg);
	case FIELD_EVT_TYPE_IS:
		return read_number(&n, arg) || is_event_type(arg);
	default:
		return false;
	}
}

static bool may_be_dotted(const struct field_info *f)
{
	return f->arg == FIELD_ARG_DOTTED || f->arg == FIELD_ARG_DOTTED_OPTIONAL || f->arg == FIELD_ARG_DOTTED_OR_INDEX;
}

/* Lengths sort out nearly every row before any name is read: large rule files ask for fields a hundred thousand times.
 */
static const unsigned char name_lengths[FIELD_COUNT] = {
#define X(id, name, in_class, type, arg, flags, description) [FIELD_##id] = sizeof(name) - 1,
        TERCEL_FIELDS(X)
#undef X
};

/* The field of that name; else the one that the name is of up to a dot, with what follows the dot. */
static const struct field_info *split(struct text name, struct text *dotted)
{
	const struct field_info *found = NULL;

	*dotted = (struct text){0};
	for (enum field_id id = 0; id < FIELD_COUNT; id++) {
		size_t n = name_lengths[id];

		if (n > name.len || (n < name.len && name.bytes[n] != '.'))
			continue;
		const struct field_info *f = field_by_id(id);

		if (memcmp(f->name, name.bytes, n) != 0)
			continue;
		if (n == name.len) {
			*dotted = (struct text){0};
			return f;
		}
		if (may_be_dotted(f)) {
			*dotted = (struct text){name.bytes + n + 1, name.len - n - 1};
			found = f;
		}
	}
	return found;
}

const struct field_info *field_by_name(const char *name, size_t len, const char **arg)
{
	struct text dotted;
	const struct field_info *f = split((struct text){name, len}, &dotted);

	if (!f || (dotted.bytes && !takes_dotted(f, dotted)))
		return NULL;
	if (arg)
		*arg = dotted.bytes;
	return f;
}

/* Parameters of events */

struct param_traits {
	enum field_type type;
	unsigned int flags;
};

/* What conditions can do with a parameter. Types that libsinsp compares with nothing are left OPAQUE. */
static struct param_traits param_traits(enum param_type type)
{
	switch (type) {
	case PARAM_INT16:
		return (struct param_traits){FIELD_TYPE_INT16, 0};
	case PARAM_INT32:
		return (struct param_traits){FIELD_TYPE_INT32, 0};
	case PARAM_INT64:
	case PARAM_PID:
		return (struct param_traits){FIELD_TYPE_INT64, FIELD_REF_PRINTED};
	case PARAM_FD:
	case PARAM_ERRNO:
		return (struct param_traits){FIELD_TYPE_INT64, 0};
	case PARAM_UINT8:
	case PARAM_FLAGS8:
	case PARAM_ENUMFLAGS8:
		return (struct param_traits){FIELD_TYPE_UINT8, 0};
	case PARAM_SIGTYPE:
		return (struct param_traits){FIELD_TYPE_UINT8, FIELD_REF_NO_CONSTANT};
	case PARAM_UINT16:
	case PARAM_FLAGS16:
	case PARAM_ENUMFLAGS16:
		return (struct param_traits){FIELD_TYPE_UINT16, 0};
	case PARAM_SYSCALLID:
		return (struct param_traits){FIELD_TYPE_UINT16, FIELD_REF_NO_CONSTANT};
	case PARAM_UINT32:
	case PARAM_FLAGS32:
	case PARAM_ENUMFLAGS32:
		return (struct param_traits){FIELD_TYPE_UINT32, 0};
	case PARAM_UINT64:
		return (struct param_traits){FIELD_TYPE_UINT64, FIELD_REF_PRINTED};
	case PARAM_RELTIME:
		return (struct param_traits){FIELD_TYPE_RELTIME, 0};
	case PARAM_ABSTIME:
		return (struct param_traits){FIELD_TYPE_ABSTIME, 0};
	case PARAM_PORT:
		return (struct param_traits){FIELD_TYPE_PORT, 0};
	case PARAM_IPV4ADDR:
		return (struct param_traits){FIELD_TYPE_IP, FIELD_REF_IPV4};
	case PARAM_CHARBUF:
		return (struct param_traits){FIELD_TYPE_STRING, 0};
	case PARAM_FSPATH:
	case PARAM_FSRELPATH:
		return (struct param_traits){FIELD_TYPE_STRING, FIELD_REF_PATH};
	case PARAM_BYTEBUF:
		return (struct param_traits){FIELD_TYPE_BYTES, FIELD_REF_NO_CONSTANT};
	case PARAM_SOCKADDR:
	case PARAM_SOCKTUPLE:
	case PARAM_FDLIST:
	case PARAM_DYN:
	case PARAM_UID:
	case PARAM_GID:
	case PARAM_SIGSET:
	case PARAM_CHARBUFARRAY:
	case PARAM_PID32:
		break;
	}
	return (struct param_traits){FIELD_TYPE_OPAQUE, 0};
}

static void set_type(struct field_ref *ref)
{
	const struct field_info *f = ref->field;

	ref->type = f->type;
	if (f->type == FIELD_TYPE_INT64 || f->type == FIELD_TYPE_UINT64)
		ref->flags |= FIELD_REF_PRINTED;
	if (f->type != FIELD_TYPE_DYNAMIC)
		return;
	const struct event_param *p = find_param((struct text){ref->key, ref->key_len});
	struct param_traits traits = param_traits(p->type);

	ref->type = traits.type;
	ref->flags |= traits.flags;
	if ((traits.flags & FIELD_REF_PRINTED) && p->print == PRINT_HEX)
		ref->flags |= FIELD_REF_HEX;
}

/* Arguments */

static int refuse_as(int code, struct error *err, const struct field_info *f, const char *why)
{
	return error_set(err, code, "the field %s takes %s%s%s", f->name, field_arg_form(f->arg), *why ? "; " : "",
	                 why);
}

/* To libsinsp a field of its own that can do without an argument does not exist with a wrong one. */
static int refuse(struct error *err, const struct field_info *f, const char *why)
{
	bool optional = f->arg == FIELD_ARG_NONE || f->arg == FIELD_ARG_DOTTED_OPTIONAL ||
	                (f->arg == FIELD_ARG_INDEX_OPTIONAL && f->id != FIELD_FD_TYPES);
	bool own = field_class(f->in_class)->provider == FIELD_FROM_FALCO;

	return refuse_as(optional && own ? -ENXIO : -EINVAL, err, f, why);
}

/* libsinsp reads as much of it as is a parameter's name, and finds no field with the rest. */
static bool begins_as_param(struct text name)
{
	while (name.len > 0 && !find_param(name))
		name.len--;
	return name.len > 0;
}

static int set_dotted(struct field_ref *ref, struct text dotted, struct error *err)
{
	const struct field_info *f = ref->field;
	int len = dotted.len < 100 ? (int)dotted.len : 100;
	struct number n;

	if (!takes_dotted(f, dotted)) {
		if (f->id == FIELD_EVT_TYPE_IS)
			return error_set(err, -ENXIO, "'%.*s' is no event type that Falco knows", len, dotted.bytes);
		if (f->id == FIELD_EVT_ABSPATH)
			return refuse(err, f, "it is src or dst");
		if (f->id == FIELD_THREAD_CGROUP)
			return refuse_as(-ENXIO, err, f, "it is letters and underscores");
		return error_set(err, begins_as_param(dotted) ? -ENXIO : -EINVAL,
		                 "no event has a parameter named '%.*s' (%s.%.*s)", len, dotted.bytes, f->name, len,
		                 dotted.bytes);
	}
	ref->kind = FIELD_REF_KEY;
	ref->key = dotted.bytes;
	ref->key_len = dotted.len;
	if (f->id == FIELD_EVT_TYPE_IS && read_number(&n, dotted)) {
		ref->kind = FIELD_REF_INDEX;
		ref->index = (int64_t)(uint32_t)(uint64_t)as_unsigned(n);
	}
	return 0;
}

/* The fields that keep their number in a signed one, of which -1 stands for "no argument". */
static bool is_none(const struct field_info *f, int64_t index)
{
	if (f->id == FIELD_PROC_ARGS)
		return index < 0;
	return f->arg == FIELD_ARG_INDEX_OPTIONAL && index == -1;
}

static int set_index(struct field_ref *ref, struct text arg, struct error *err)
{
	const struct field_info *f = ref->field;
	struct number n;

	if (!read_number(&n, arg))
		return refuse(err, f, "a number is digits, with a sign or without");
	if (f->id == FIELD_EVT_AROUND)
		ref->index = as_unsigned(n);
	else if (f->id == FIELD_FD_TYPES)
		ref->index = as_signed(n);
	else
		ref->index = cut_to_32_bits(as_signed(n));
	ref->kind = is_none(f, ref->index) ? FIELD_REF_PLAIN : FIELD_REF_INDEX;
	return 0;
}

/* proc.env and proc.aenv: a number picks an ancestor, of which proc.env knows none. */
static void set_variable(struct field_ref *ref, struct text arg)
{
	struct number n;

	ref->kind = FIELD_REF_KEY;
	ref->key = arg.bytes;
	ref->key_len = arg.len;
	if (arg.len && !is_all_digits(arg))
		return;
	ref->kind = FIELD_REF_PLAIN;
	if (ref->field->id != FIELD_PROC_AENV || !read_number(&n, arg))
		return;
	ref->index = cut_to_32_bits(as_signed(n));
	if (ref->index > 0)
		ref->kind = FIELD_REF_INDEX;
}

/* A plugin's field. libsinsp reads it up to the first blank. */
static int set_key(struct field_ref *ref, struct text arg, struct error *err)
{
	const struct field_info *f = ref->field;
	struct number n;

	if (memchr(arg.bytes, ' ', arg.len))
		return refuse(err, f, "Falco takes no blank in it");
	ref->kind = FIELD_REF_KEY;
	ref->key = arg.bytes;
	ref->key_len = arg.len;
	if (f->arg == FIELD_ARG_KEY_OR_INDEX && is_all_digits(arg) && (arg.len == 1 || arg.bytes[0] != '0') &&
	    read_number(&n, arg) && !n.overflow) {
		ref->kind = FIELD_REF_INDEX;
		ref->index = as_unsigned(n);
	}
	return 0;
}

static int set_bracket(struct field_ref *ref, struct text arg, struct error *err)
{
	ref->flags |= FIELD_REF_BRACKET;
	switch (ref->field->arg) {
	case FIELD_ARG_INDEX:
	case FIELD_ARG_INDEX_OPTIONAL:
	case FIELD_ARG_DOTTED_OR_INDEX:
		return set_index(ref, arg, err);
	case FIELD_ARG_KEY_OPTIONAL:
		set_variable(ref, arg);
		return 0;
	case FIELD_ARG_KEY:
	case FIELD_ARG_KEY_OR_INDEX:
		return set_key(ref, arg, err);
	case FIELD_ARG_NONE:
	case FIELD_ARG_DOTTED:
	case FIELD_ARG_DOTTED_OPTIONAL:
	case FIELD_ARGS:
		break;
	}
	return refuse(err, ref->field, "");
}

static bool may_be_left_out(enum field_arg arg)
{
	return arg == FIELD_ARG_NONE || arg == FIELD_ARG_INDEX_OPTIONAL || arg == FIELD_ARG_KEY_OPTIONAL ||
	       arg == FIELD_ARG_DOTTED_OPTIONAL;
}

static int resolve(struct field_ref *ref, struct text dotted, const struct text *bracket, struct error *err)
{
	const struct field_info *f = ref->field;
	int error = 0;

	if (dotted.bytes && bracket)
		return refuse_as(-ENXIO, err, f, "not both a dot and brackets");
	if (bracket && memchr(bracket->bytes, ']', bracket->len))
		return refuse(err, f, "a ']' cannot be part of it");
	if (dotted.bytes)
		error = set_dotted(ref, dotted, err);
	else if (bracket)
		error = set_bracket(ref, *bracket, err);
	else if (!may_be_left_out(f->arg))
		error = refuse(err, f, "");
	if (error)
		return error;
	if ((f->flags & FIELD_ANY_ANCESTOR) &&
	    (ref->kind == FIELD_REF_PLAIN || (f->id == FIELD_PROC_AENV && ref->kind == FIELD_REF_INDEX)))
		ref->flags |= FIELD_REF_ANY_ANCESTOR;
	set_type(ref);
	return 0;
}

/* The field that takes a key in brackets, where the key was put behind a dot. */
static const struct field_info *keyed_prefix(struct text name)
{
	for (enum field_id id = 0; id < FIELD_COUNT; id++) {
		const struct field_info *f = field_by_id(id);
		size_t n = name_lengths[id];

		if ((f->arg == FIELD_ARG_KEY || f->arg == FIELD_ARG_KEY_OPTIONAL || f->arg == FIELD_ARG_KEY_OR_INDEX) &&
		    name.len > n + 1 && name.bytes[n] == '.' && memcmp(f->name, name.bytes, n) == 0)
			return f;
	}
	return NULL;
}

static int unknown(struct error *err, struct text name)
{
	if (!err) /* a suggestion is dear */
		return -ENOENT;
	const struct field_info *keyed = keyed_prefix(name);
	size_t key = keyed ? strlen(keyed->name) + 1 : 0;

	if (keyed && name.len < 100)
		return error_set(err, -ENOENT, "unknown field %.*s; its key stands in brackets: %s[%.*s]",
		                 (int)name.len, name.bytes, keyed->name, (int)(name.len - key), name.bytes + key);

	const struct field_info *near = field_suggest(name.bytes, name.len);
	int len = name.len < 200 ? (int)name.len : 200;

	return error_set(err, -ENOENT, "unknown field %.*s%s%s; 'tercel check --list-fields' lists all", len,
	                 name.bytes, near ? ", did you mean " : "", near ? near->name : "");
}

static int resolve_texts(struct field_ref *out, struct text name, const struct text *bracket, struct error *err)
{
	struct text dotted;
	struct field_ref ref = {.field = split(name, &dotted)};

	if (!ref.field)
		return unknown(err, name);
	int error = resolve(&ref, dotted, bracket, err);

	if (!error && out)
		*out = ref;
	return error;
}

int field_resolve(struct field_ref *out, const char *name, size_t len, const char *bracket, struct error *err)
{
	struct text arg = {bracket, bracket ? strlen(bracket) : 0};

	return resolve_texts(out, (struct text){name, len}, bracket ? &arg : NULL, err);
}

bool field_is_reference(const char *text, size_t len)
{
	const char *open = memchr(text, '[', len);
	size_t name_len = open ? (size_t)(open - text) : len;
	struct text name = {text, name_len};

	if (!open)
		return resolve_texts(NULL, name, NULL, NULL) == 0;
	if (text[len - 1] != ']' || len - name_len < 2)
		return false;
	struct text arg = {open + 1, len - name_len - 2};

	return resolve_texts(NULL, name, &arg, NULL) == 0;
}
