/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks fields up and types transformers as libsinsp 0.25 does. Knows no operators and no constants on the right.
 */
#include "filter/term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void *compile_alloc(struct compile_state *c, size_t size)
{
	void *m = arena_alloc(c->arena, size);

	if (!m)
		c->out_of_memory = true;
	return m;
}

char *compile_copy(struct compile_state *c, const char *text, size_t len)
{
	char *s = arena_strndup(c->arena, text, len);

	if (!s)
		c->out_of_memory = true;
	return s;
}

/* Fields */

static struct filter_term *new_term(struct compile_state *c, const struct syntax_term *s, enum field_type type,
                                    bool is_list)
{
	struct filter_term *t = compile_alloc(c, sizeof(*t));

	if (t)
		*t = (struct filter_term){
		        .kind = s->kind, .pos = s->pos, .type = type, .is_list = is_list, .selector = -1};
	return t;
}

/* The argument as libsinsp understands it, however it was written. */
static void set_argument(struct compile_state *c, struct filter_term *t, const struct field_ref *ref)
{
	char number[24];

	t->ref_flags = ref->flags;
	/* Falco forgets the number of proc.aenv[2]. */
	if (ref->kind == FIELD_REF_PLAIN || (ref->flags & FIELD_REF_ANY_ANCESTOR))
		return;
	t->has_arg = true;
	t->is_index = ref->kind == FIELD_REF_INDEX;
	t->arg_index = (uint64_t)ref->index;
	if (t->is_index)
		(void)snprintf(number, sizeof(number), ref->field->id == FIELD_EVT_AROUND ? "%" PRIu64 : "%" PRId64,
		               ref->index);
	t->arg_text = t->is_index ? compile_copy(c, number, strlen(number)) : compile_copy(c, ref->key, ref->key_len);
}

static struct filter_term *compile_field(struct compile_state *c, const struct syntax_term *s)
{
	struct field_ref ref;
	struct filter_term *t;
	struct error why = {0};
	int r = field_resolve(&ref, s->name, strlen(s->name), s->arg, &why);

	if (r) {
		COMPILE_FAIL(c, r != -ENOENT && s->arg ? s->arg_pos : s->pos,
		             r == -EINVAL ? "bad-argument" : "unknown-field", "%s", why.text);
		return NULL;
	}
	t = new_term(c, s, ref.type, (ref.field->flags & FIELD_LIST) != 0);
	if (!t)
		return NULL;
	t->field = ref.field;
	set_argument(c, t, &ref);
	return t;
}

/* Transformers */

/*
 * The type that libsinsp looks at when a transformer of several arguments checks them: it does not see what
 * transformers of one argument make of a type.
 */
struct base_type {
	enum field_type type;
	bool is_list;
	const struct field_info *field; /* NULL: no field */
	bool is_path;                   /* of a type that is no plain text to libsinsp */
};

static struct base_type base_of(const struct filter_term *t)
{
	while (t->kind == FILTER_TERM_CALL && t->nargs == 1)
		t = t->args[0];
	if (t->kind == FILTER_TERM_FIELD)
		return (struct base_type){t->type, t->is_list, t->field, (t->ref_flags & FIELD_REF_PATH) != 0};
	return (struct base_type){FIELD_TYPE_STRING, t->kind == FILTER_TERM_LIST, NULL, false};
}

static bool is_text(const struct filter_term *t)
{
	return t->type == FIELD_TYPE_STRING && !t->is_list;
}

/* A text that is one to libsinsp, too. */
static bool is_plain_text(const struct filter_term *t)
{
	const struct base_type base = base_of(t);

	return is_text(t) && base.type == FIELD_TYPE_STRING && !base.is_list && !base.is_path;
}

/* Numbers are printed in a list; of other types Falco takes the raw bytes, which nobody can mean. */
static bool may_be_listed(const struct filter_term *t)
{
	return t->type == FIELD_TYPE_STRING || (t->kind == FILTER_TERM_FIELD && (t->ref_flags & FIELD_REF_PRINTED));
}

static bool is_single(enum filter_call call)
{
	return call != FILTER_CALL_JOIN && call != FILTER_CALL_CONCAT && call != FILTER_CALL_GETOPT;
}

/* What has no value of its own to transform: libsinsp takes some other's in its place. */
static bool check_argument(struct compile_state *c, const struct filter_term *of, const struct filter_term *arg)
{
	if (arg->kind != FILTER_TERM_FIELD ||
	    !((arg->field->flags & FIELD_FILTER_ONLY) || (arg->ref_flags & FIELD_REF_ANY_ANCESTOR)))
		return true;
	COMPILE_FAIL(c, arg->pos, "bad-transformer", "the field %s has no value that could be transformed%s",
	             arg->field->name,
	             !(arg->ref_flags & FIELD_REF_ANY_ANCESTOR) ? ""
	             : of->kind == FILTER_TERM_CALL && is_single(of->call)
	                     ? "; compare the field itself"
	                     : "; name one ancestor by a number in brackets");
	return false;
}

static bool compile_args(struct compile_state *c, struct filter_term *t, const struct syntax_term *s)
{
	t->args = compile_alloc(c, (s->nargs + 1) * sizeof(struct filter_term *));
	for (const struct syntax_term *a = s->args; a && t->args; a = a->next) {
		struct filter_term *arg = term_compile(c, a);

		if (!arg || !check_argument(c, t, arg))
			return false;
		t->args[t->nargs++] = arg;
	}
	return t->args != NULL;
}

static struct filter_term *compile_list(struct compile_state *c, const struct syntax_term *s)
{
	struct filter_term *t = new_term(c, s, FIELD_TYPE_STRING, true);

	if (!t || !compile_args(c, t, s))
		return NULL;
	for (size_t i = 0; i < t->nargs; i++) {
		if (may_be_listed(t->args[i]))
			continue;
		COMPILE_FAIL(c, t->args[i]->pos, "bad-transformer",
		             "%s is %s: Falco would take its bytes in memory as a text; list texts, process ids or "
		             "other 64-bit numbers",
		             term_name(t->args[i]), term_type_name(c, t->args[i]));
		return NULL;
	}
	return t;
}

/* One argument: the type follows from the argument's. */
static bool type_single(struct compile_state *c, struct filter_term *t)
{
	const struct filter_term *arg = t->args[0];
	const struct base_type base = base_of(arg);
	bool fits = arg->type == FIELD_TYPE_STRING;

	if (base.field && (base.field->flags & FIELD_NO_TRANSFORMER)) {
		COMPILE_FAIL(c, t->pos, "bad-transformer",
		             "the field %s cannot be transformed; compare the field itself", base.field->name);
		return false;
	}
	if (t->call == FILTER_CALL_LEN && arg->is_list && !base.is_list) {
		COMPILE_FAIL(c, t->pos, "bad-transformer",
		             "len() of all that getopt() finds makes Falco fail; take one option: getopt(…)[x]");
		return false;
	}
	if (t->call == FILTER_CALL_LEN)
		fits = fits || arg->type == FIELD_TYPE_BYTES || arg->is_list;
	if (t->call == FILTER_CALL_B64)
		fits = fits || arg->type == FIELD_TYPE_BYTES;
	if (!fits) {
		COMPILE_FAIL(c, t->pos, "bad-transformer", "%s() does not take %s, which is %s",
		             filter_call_name(t->call), term_name(arg), term_type_name(c, arg));
		return false;
	}
	t->type = t->call == FILTER_CALL_LEN ? FIELD_TYPE_UINT64 : arg->type;
	t->is_list = t->call != FILTER_CALL_LEN && arg->is_list;
	return true;
}

static const char *wrong_join(const struct filter_term *t)
{
	if (t->nargs != 2)
		return "takes a separator and a list: join(\",\", (proc.name, proc.pname))";
	if (!is_text(t->args[0]) || base_of(t->args[0]).is_list)
		return "takes a text as its separator";
	if (!t->args[1]->is_list || !base_of(t->args[1]).is_list || t->args[1]->type != FIELD_TYPE_STRING)
		return "joins a list of texts: join(\",\", (proc.name, proc.pname))";
	return NULL;
}

static const char *wrong_concat(const struct filter_term *t)
{
	if (t->nargs < 2)
		return "takes two or more texts";
	for (size_t i = 0; i < t->nargs; i++)
		if (!is_plain_text(t->args[i]))
			return "takes texts only";
	return NULL;
}

static const char *wrong_getopt(const struct filter_term *t)
{
	if (t->nargs != 2)
		return "takes a list of arguments and an option string: getopt((proc.args[0], proc.args[1]), \"ab:\")";
	if (!t->args[0]->is_list || !base_of(t->args[0]).is_list || t->args[0]->type != FIELD_TYPE_STRING)
		return "takes a list of texts first: getopt((proc.args[0], proc.args[1]), \"ab:\")";
	if (!is_plain_text(t->args[1]))
		return "takes the option string, a text, as its second argument";
	return NULL;
}

static const char *wrong_arguments(const struct filter_term *t)
{
	switch (t->call) {
	case FILTER_CALL_JOIN:
		return wrong_join(t);
	case FILTER_CALL_CONCAT:
		return wrong_concat(t);
	case FILTER_CALL_GETOPT:
		return wrong_getopt(t);
	default:
		return t->nargs == 1 ? NULL : "takes one argument";
	}
}

/* getopt(…)[x] gives one option's argument; no other transformer has brackets. */
static bool set_selector(struct compile_state *c, struct filter_term *t, const struct syntax_term *s)
{
	if (!s->arg)
		return true;
	if (t->call == FILTER_CALL_GETOPT && strlen(s->arg) == 1) {
		t->selector = (unsigned char)s->arg[0];
		t->is_list = false;
		return true;
	}
	COMPILE_FAIL(c, s->arg_pos, "bad-argument",
	             t->call == FILTER_CALL_GETOPT ? "%s() takes one option character in brackets"
	                                           : "%s() takes no argument in brackets",
	             filter_call_name(t->call));
	return false;
}

static struct filter_term *compile_call(struct compile_state *c, const struct syntax_term *s)
{
	struct filter_term *t = new_term(c, s, FIELD_TYPE_STRING, s->call == FILTER_CALL_GETOPT);
	const char *wrong;

	if (!t)
		return NULL;
	t->call = s->call;
	if (!compile_args(c, t, s))
		return NULL;
	wrong = wrong_arguments(t);
	if (wrong) {
		COMPILE_FAIL(c, t->pos, "bad-transformer", "%s() %s", filter_call_name(t->call), wrong);
		return NULL;
	}
	if (is_single(t->call) && !type_single(c, t))
		return NULL;
	return set_selector(c, t, s) ? t : NULL;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
struct filter_term *term_compile(struct compile_state *c, const struct syntax_term *s)
{
	struct filter_term *t;

	switch (s->kind) {
	case FILTER_TERM_FIELD:
		return compile_field(c, s);
	case FILTER_TERM_LIST:
		return compile_list(c, s);
	case FILTER_TERM_CALL:
		return compile_call(c, s);
	case FILTER_TERM_TEXT:
		break;
	}
	t = new_term(c, s, FIELD_TYPE_STRING, false);
	if (!t)
		return NULL;
	t->text = compile_copy(c, s->text, s->len);
	t->len = s->len;
	return t;
}

const char *term_name(const struct filter_term *t)
{
	static const char *const calls[FILTER_CALLS] = {"tolower()", "toupper()", "b64()",    "basename()",
	                                                "len()",     "join()",    "concat()", "getopt()"};

	switch (t->kind) {
	case FILTER_TERM_FIELD:
		return t->field->name;
	case FILTER_TERM_TEXT:
		return "the text";
	case FILTER_TERM_LIST:
		return "the list";
	case FILTER_TERM_CALL:
		break;
	}
	return calls[t->call];
}

const char *term_type_name(struct compile_state *c, const struct filter_term *t)
{
	const char *name = field_type_name(t->type);
	/* "bytes" are many; "an IP address", "an 8-bit signed number". */
	const char *article = t->is_list                         ? "a list of type "
	                      : t->type == FIELD_TYPE_BYTES      ? ""
	                      : name[0] == 'I' || name[0] == '8' ? "an "
	                                                         : "a ";
	size_t size = strlen(article) + strlen(name) + 1;
	char *whole = compile_alloc(c, size);

	if (!whole)
		return name;
	(void)snprintf(whole, size, "%s%s", article, name);
	return whole;
}
