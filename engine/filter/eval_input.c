/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values from JSON. Names are looked up once and remembered as they are written.
 */
#include "filter/eval_input.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/table.h"
#include "filter/term.h"

/* A field whose values are wanted: the program reads it, or one that follows from it. */
struct wanted {
	char *name; /* as filter_print_term() writes it */
	enum field_type type;
	bool is_list, takes_many;
	bool empty_is_missing;          /* an empty list, or no bytes */
	size_t field;                   /* number in the program; NO_FIELD: read only for others */
	const struct json_value *given; /* of this event */
	struct span {
		size_t first, n; /* of items */
		bool there;
	} values;
};

#define NO_FIELD SIZE_MAX

/* What a name in the lines was found to be. */
enum { NAME_UNUSED = -1, NAME_UNKNOWN = -2, NAME_NO_MEMORY = -3 };

struct alias {
	char *name;
	ptrdiff_t wanted; /* its number, or NAME_* */
};

/* Names that lines use; more than that are looked up each time. */
enum { ALIASES_MAX = 4096 };

struct eval_input {
	const struct eval *program;
	struct wanted *wanted;
	size_t nwanted;
	struct table names; /* of wanted */
	struct alias *aliases;
	size_t naliases;
	struct table alias_names;
	struct json_object object;
	struct eval_item *items; /* of this event */
	size_t nitems, items_cap;
	void (*unknown)(void *ctx, const char *name);
	void *ctx;
};

/* Where a field's values come from if they are not given: pairs in order of preference, the first with a value counts.
 */
struct source {
	enum field_id field;
	const char *names[4]; /* two pairs */
};

static const struct source sources[] = {
        {FIELD_FD_IP, {"fd.cip", "fd.sip", "fd.lip", "fd.rip"}},
        {FIELD_FD_NET, {"fd.cip", "fd.sip", "fd.lip", "fd.rip"}},
        {FIELD_FD_PORT, {"fd.cport", "fd.sport", "fd.lport", "fd.rport"}},
        {FIELD_FD_PROTO, {"fd.cport", "fd.sport", "fd.lport", "fd.rport"}},
        {FIELD_FD_CNET, {"fd.cip"}},
        {FIELD_FD_SNET, {"fd.sip"}},
        {FIELD_FD_LNET, {"fd.lip"}},
        {FIELD_FD_RNET, {"fd.rip"}},
        {FIELD_EVT_AROUND, {"evt.rawtime"}},
};

static const struct source *source_of(const struct filter_term *t)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (sources[i].field == t->field->id)
			return &sources[i];
	return NULL;
}

/* One ancestor by its number, such as proc.aname[2]: an element of proc.aname. */
static bool is_one_ancestor(const struct filter_term *t)
{
	return (t->field->flags & FIELD_ANY_ANCESTOR) && t->is_index && t->arg_index > 0 &&
	       !(t->ref_flags & FIELD_REF_ANY_ANCESTOR);
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static bool same_wanted(const void *ctx, size_t entry, const void *key)
{
	return strcmp(((const struct eval_input *)ctx)->wanted[entry].name, key) == 0;
}

static bool same_alias(const void *ctx, size_t entry, const void *key)
{
	return strcmp(((const struct eval_input *)ctx)->aliases[entry].name, key) == 0;
}

static size_t find_wanted(const struct eval_input *in, const char *name)
{
	return table_find(&in->names, table_hash(name, strlen(name)), same_wanted, in, name);
}

static char *name_of(const struct filter_term *t)
{
	_autobuf_ struct buf text = BUF_INIT;

	filter_print_term(&text, t);
	return buf_error(&text) ? NULL : buf_take(&text);
}

/* A plugin has no way to give an empty list, and libsinsp none to give a raw argument of no bytes: a text has its NUL.
 */
static bool empty_is_missing(const struct filter_term *t)
{
	if (t->field->id == FIELD_EVT_RAWARG)
		return t->type == FIELD_TYPE_BYTES;
	return t->is_list && field_class(t->field->in_class)->provider != FIELD_FROM_FALCO;
}

/* Adds a field, or gives its number to one that is there. */
static int want(struct eval_input *in, const struct filter_term *t, size_t field)
{
	_autofree_ char *name = name_of(t);
	size_t i = name ? find_wanted(in, name) : TABLE_NONE;
	unsigned int flags = t->field->flags;

	if (!name)
		return -ENOMEM;
	if (i != TABLE_NONE) {
		if (field != NO_FIELD)
			in->wanted[i].field = field;
		return 0;
	}
	if (table_add(&in->names, table_hash(name, strlen(name)), in->nwanted))
		return -ENOMEM;
	in->wanted[in->nwanted++] = (struct wanted){
	        .name = TAKE_PTR(name),
	        .type = t->type,
	        .is_list = t->is_list,
	        .takes_many = t->is_list || (flags & FIELD_EITHER_END) || (t->ref_flags & FIELD_REF_ANY_ANCESTOR),
	        .empty_is_missing = empty_is_missing(t),
	        .field = field,
	};
	return 0;
}

static int want_sources(struct eval_input *in, const struct filter_term *t)
{
	const struct source *s = source_of(t);
	const struct filter_term ancestors = {.kind = FILTER_TERM_FIELD,
	                                      .type = t->type,
	                                      .field = t->field,
	                                      .ref_flags = FIELD_REF_ANY_ANCESTOR,
	                                      .selector = -1};
	int r = is_one_ancestor(t) ? want(in, &ancestors, NO_FIELD) : 0;

	for (size_t i = 0; s && !r && i < 4 && s->names[i]; i++) {
		const struct field_info *f = field_by_name(s->names[i], strlen(s->names[i]), NULL);
		const struct filter_term source = {
		        .kind = FILTER_TERM_FIELD, .type = f->type, .field = f, .selector = -1};

		r = want(in, &source, NO_FIELD);
	}
	return r;
}

/* The field that a name is, as text that names are compared by; *out is NULL if it is none. Or -ENOMEM. */
static int canonical(char **out, const char *name, size_t len)
{
	_autodiag_ struct diag_list quiet = DIAG_LIST_INIT;
	struct arena memory = {0};
	struct compile_state c = {.arena = &memory, .diags = &quiet};
	const struct filter_text text = {.bytes = name, .len = len};
	struct syntax_term *s = NULL;
	struct filter_term *t = NULL;
	size_t taken = 0;
	int r = syntax_parse_term(&text, 0, &memory, &s, &taken, &quiet);

	*out = NULL;
	if (!r && s && taken == len && s->kind == FILTER_TERM_FIELD)
		t = term_compile(&c, s);
	if (t)
		*out = name_of(t);
	arena_free(&memory);
	return r == -ENOMEM || c.out_of_memory || quiet.out_of_memory || (t && !*out) ? -ENOMEM : 0;
}

/* What a name is that is met for the first time; remembered while there is room. */
static ptrdiff_t learn(struct eval_input *in, const char *name, size_t len)
{
	_autofree_ char *whole = NULL, *copy = NULL;
	size_t found;
	ptrdiff_t what;

	if (canonical(&whole, name, len))
		return NAME_NO_MEMORY;
	found = whole ? find_wanted(in, whole) : TABLE_NONE;
	what = !whole ? NAME_UNKNOWN : found == TABLE_NONE ? NAME_UNUSED : (ptrdiff_t)found;
	if (in->naliases == ALIASES_MAX)
		return what;
	if (what == NAME_UNKNOWN && in->unknown)
		in->unknown(in->ctx, name);
	copy = strdup(name);
	if (!copy || table_add(&in->alias_names, table_hash(name, strlen(name)), in->naliases))
		return what;
	in->aliases[in->naliases++] = (struct alias){TAKE_PTR(copy), what};
	return what;
}

static ptrdiff_t look_up(struct eval_input *in, const char *name, size_t len)
{
	size_t i = table_find(&in->alias_names, table_hash(name, strlen(name)), same_alias, in, name);

	return i == TABLE_NONE ? learn(in, name, len) : in->aliases[i].wanted;
}

int eval_input_new(struct eval_input **out, const struct eval *e, void (*unknown)(void *ctx, const char *name),
                   void *ctx)
{
	_autoinput_ struct eval_input *in = calloc(1, sizeof(*in));
	int r = 0;

	if (!in)
		return -ENOMEM;
	in->program = e;
	in->unknown = unknown;
	in->ctx = ctx;
	/* Each field, and at most four that it follows from. */
	in->wanted = calloc(eval_fields(e) * 5 + 1, sizeof(*in->wanted));
	in->aliases = calloc(ALIASES_MAX, sizeof(*in->aliases));
	if (!in->wanted || !in->aliases)
		return -ENOMEM;
	for (size_t i = 0; !r && i < eval_fields(e); i++)
		r = want(in, eval_field(e, i), i);
	for (size_t i = 0; !r && i < eval_fields(e); i++)
		r = want_sources(in, eval_field(e, i));
	if (r)
		return r;
	*out = TAKE_PTR(in);
	return 0;
}

void eval_input_free(struct eval_input *in)
{
	if (!in)
		return;
	for (size_t i = 0; i < in->nwanted; i++)
		free(in->wanted[i].name);
	for (size_t i = 0; i < in->naliases; i++)
		free(in->aliases[i].name);
	free(in->wanted);
	free(in->aliases);
	table_free(&in->names);
	table_free(&in->alias_names);
	json_object_free(&in->object);
	free(in->items);
	free(in);
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* Whether it begins as numbers do in JSON, where they are text, too: strtoll() and its like also take blanks, '+' and
 * words. */
static bool begins_as_number(const struct json_value *v)
{
	const char *digit = v->bytes + (v->bytes[0] == '-');

	return *digit >= '0' && *digit <= '9';
}

/* NULL, or what the value is not. */
static const char *read_signed(struct eval_item *item, const struct json_value *v, unsigned int bits)
{
	int64_t limit = bits == 64 ? INT64_MAX : (INT64_C(1) << (bits - 1)) - 1;
	char *end;

	errno = 0;
	item->as.s64 = strtoll(v->bytes, &end, 10);
	if (!begins_as_number(v) || end != v->bytes + v->len)
		return "not a whole decimal number";
	if (errno || item->as.s64 > limit || item->as.s64 < -limit - 1)
		return "out of the range of the field";
	return NULL;
}

static const char *read_unsigned(struct eval_item *item, const struct json_value *v, unsigned int bits)
{
	uint64_t limit = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	char *end;

	errno = 0;
	item->as.u64 = strtoull(v->bytes, &end, 10);
	if (!begins_as_number(v) || end != v->bytes + v->len)
		return "not a whole decimal number";
	if (errno || v->bytes[0] == '-' || item->as.u64 > limit)
		return "out of the range of the field";
	return NULL;
}

static const char *read_double(struct eval_item *item, const struct json_value *v)
{
	char *end;

	item->as.d = strtod(v->bytes, &end);
	return begins_as_number(v) && end == v->bytes + v->len ? NULL : "not a number";
}

static const char *read_bool(struct eval_item *item, const struct json_value *v)
{
	bool text = v->kind == JSON_STRING || v->kind == JSON_NUMBER;
	bool yes = v->kind == JSON_TRUE || (text && (!strcmp(v->bytes, "true") || !strcmp(v->bytes, "1")));
	bool no = v->kind == JSON_FALSE || (text && (!strcmp(v->bytes, "false") || !strcmp(v->bytes, "0")));

	item->as.u64 = yes;
	return yes || no ? NULL : "not a boolean, which is true or false";
}

static const char *read_address(struct eval_item *item, const struct json_value *v)
{
	bool v4 = memchr(v->bytes, '.', v->len) && !memchr(v->bytes, ':', v->len);

	item->as.address.family = v4 ? AF_INET : AF_INET6;
	if (strlen(v->bytes) != v->len || inet_pton(item->as.address.family, v->bytes, item->as.address.bytes) != 1)
		return "not an IP address such as 10.0.0.1 or fd00::1";
	return NULL;
}

/* How Falco writes what JSON has words for. */
static const char *read_text(struct eval_item *item, const struct json_value *v)
{
	if (v->kind == JSON_TRUE || v->kind == JSON_FALSE)
		*item = eval_text(v->kind == JSON_TRUE ? "true" : "false", v->kind == JSON_TRUE ? 4 : 5);
	else
		*item = eval_text(v->bytes, v->len);
	return NULL;
}

static const char *read_item(struct eval_item *item, const struct json_value *v, enum field_type type)
{
	*item = (struct eval_item){0};
	if (v->kind == JSON_NULL)
		return "null within an array; leave it out";
	if (type == FIELD_TYPE_BOOL)
		return read_bool(item, v);
	if (type == FIELD_TYPE_STRING || type == FIELD_TYPE_BYTES)
		return read_text(item, v);
	if (type == FIELD_TYPE_OPAQUE)
		return NULL;
	if (v->kind != JSON_STRING && v->kind != JSON_NUMBER)
		return "of the wrong kind for the field";
	switch (type) {
	case FIELD_TYPE_INT8:
		return read_signed(item, v, 8);
	case FIELD_TYPE_INT16:
		return read_signed(item, v, 16);
	case FIELD_TYPE_INT32:
		return read_signed(item, v, 32);
	case FIELD_TYPE_INT64:
		return read_signed(item, v, 64);
	case FIELD_TYPE_UINT8:
		return read_unsigned(item, v, 8);
	case FIELD_TYPE_UINT16:
	case FIELD_TYPE_PORT:
		return read_unsigned(item, v, 16);
	case FIELD_TYPE_UINT32:
		return read_unsigned(item, v, 32);
	case FIELD_TYPE_DOUBLE:
		return read_double(item, v);
	case FIELD_TYPE_IP:
	case FIELD_TYPE_NET:
		return read_address(item, v);
	default:
		return read_unsigned(item, v, 64);
	}
}

static bool reserve_items(struct eval_input *in, size_t more)
{
	size_t cap = in->items_cap ? in->items_cap : 64;
	struct eval_item *grown;

	while (cap < in->nitems + more)
		cap *= 2;
	if (cap == in->items_cap)
		return true;
	grown = reallocarray(in->items, cap, sizeof(*grown));
	if (!grown)
		return false;
	in->items = grown;
	in->items_cap = cap;
	return true;
}

/* The field's own value. */
static int read_given(struct eval_input *in, struct wanted *w, size_t *offset, struct error *err)
{
	const struct json_value *v = w->given;
	bool array = v->kind == JSON_ARRAY;
	size_t n = array ? v->n : 1;

	*offset = v->offset;
	if (array && !w->takes_many)
		return error_set(err, -EINVAL, "the field %s has one value, not an array", w->name);
	if (w->empty_is_missing && (n == 0 || (v->kind == JSON_STRING && v->len == 0 && !w->is_list)))
		return 0;
	if (!reserve_items(in, n + 1))
		return -ENOMEM;
	w->values.first = in->nitems;
	w->values.n = n;
	w->values.there = true;
	for (size_t i = 0; i < n; i++) {
		const struct json_value *element = array ? &in->object.values[v->first + i] : v;
		const char *wrong = read_item(&in->items[in->nitems], element, w->type);

		*offset = element->offset;
		if (wrong)
			return error_set(err, -EINVAL, "the value of %s is %s", w->name, wrong);
		in->nitems++;
	}
	return 0;
}

/* The values of two other fields, if at least one has a value. */
static int follow(struct eval_input *in, struct wanted *w, const char *const names[2])
{
	size_t first = in->nitems;

	if (!reserve_items(in, 2))
		return -ENOMEM;
	for (size_t i = 0; i < 2 && names[i]; i++) {
		const struct wanted *from = &in->wanted[find_wanted(in, names[i])];

		if (!from->values.there)
			continue;
		in->items[in->nitems++] = in->items[from->values.first];
		w->values.there = true;
	}
	w->values.first = first;
	w->values.n = in->nitems - first;
	return 0;
}

static void follow_ancestors(const struct eval_input *in, struct wanted *w, const struct filter_term *t)
{
	const struct span *all = &in->wanted[find_wanted(in, t->field->name)].values;

	if (all->there && t->arg_index <= all->n)
		w->values = (struct span){.first = all->first + (size_t)t->arg_index - 1, .n = 1, .there = true};
}

static int follow_others(struct eval_input *in, struct wanted *w)
{
	const struct filter_term *t = eval_field(in->program, w->field);
	const struct source *s = source_of(t);
	int r = s ? follow(in, w, s->names) : 0;

	if (is_one_ancestor(t))
		follow_ancestors(in, w, t);
	return r || !s || w->values.there || !s->names[2] ? r : follow(in, w, s->names + 2);
}

/* Finds what the line gives to each field. */
static int sort_members(struct eval_input *in, size_t *offset, struct error *err)
{
	for (size_t i = 0; i < in->nwanted; i++) {
		in->wanted[i].given = NULL;
		in->wanted[i].values = (struct span){0};
	}
	for (size_t i = 0; i < in->object.n; i++) {
		const struct json_member *m = &in->object.members[i];

		*offset = m->offset;
		if (memchr(m->name, '\0', m->name_len))
			return error_set(err, -EINVAL, "a zero byte in a name");
		ptrdiff_t number = look_up(in, m->name, m->name_len);

		if (number == NAME_NO_MEMORY)
			return -ENOMEM;
		if (number < 0)
			continue;
		if (in->wanted[number].given)
			return error_set(err, -EINVAL, "a second value of %s", in->wanted[number].name);
		in->wanted[number].given = &m->value;
	}
	return 0;
}

int eval_input_read(struct eval_input *in, struct eval_event *ev, const char *line, size_t len, size_t *offset,
                    struct error *err)
{
	int r = json_read(&in->object, line, len, offset, err);

	eval_event_clear(ev);
	in->nitems = 0;
	if (!r)
		r = sort_members(in, offset, err);
	for (size_t i = 0; !r && i < in->nwanted; i++)
		if (in->wanted[i].given && in->wanted[i].given->kind != JSON_NULL)
			r = read_given(in, &in->wanted[i], offset, err);
	for (size_t i = 0; !r && i < in->nwanted; i++)
		if (!in->wanted[i].given && in->wanted[i].field != NO_FIELD)
			r = follow_others(in, &in->wanted[i]);
	for (size_t i = 0; !r && i < in->nwanted; i++) {
		const struct wanted *w = &in->wanted[i];

		if (w->field != NO_FIELD && w->values.there)
			eval_event_set(ev, w->field, in->items + w->values.first, w->values.n);
	}
	return r;
}
