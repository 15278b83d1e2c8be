/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles conditions to jump code over distinct comparisons, and runs it. What one comparison means, compare.c and
 * transform.c know.
 */
#include "filter/eval.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "filter/compare.h"
#include "filter/transform.h"

/* Where code ends: no instruction has these numbers. */
#define CODE_TRUE UINT32_MAX
#define CODE_FALSE (UINT32_MAX - 1)

/* Makes a comparison, then goes on at one of two instructions. */
struct instruction {
	uint32_t leaf, yes, no;
};

/* How the values of a field are put to the comparison. */
enum shape {
	SHAPE_SINGLE = 0,
	SHAPE_LIST,
	SHAPE_ANY_ANCESTOR, /* holds if it holds for some value */
	SHAPE_EITHER_END,   /* the same, but != must hold for all */
	SHAPE_AROUND,       /* evt.around: the event's time, not farther from the index than the constant says */
	SHAPE_NEVER,        /* what Falco never matches */
};

#define NO_TERM UINT32_MAX

struct leaf {
	enum shape shape;
	enum filter_op op;
	uint32_t term, right; /* numbers of terms; right: NO_TERM if there are constants */
	struct comparison comparison;
};

/* Something that has values in an event. */
struct term {
	const struct filter_term *source;
	struct eval_item text; /* TEXT: its one value */
	uint32_t *args;        /* LIST, CALL: numbers of terms */
};

struct eval {
	struct term *terms;
	size_t nterms, terms_cap;
	uint32_t *fields; /* numbers of the terms that are fields */
	size_t nfields, fields_cap;
	struct leaf *leaves;
	size_t nleaves, leaves_cap;
	struct instruction *code;
	size_t ncode, code_cap;
	uint32_t *starts; /* by condition: an instruction, or an end */
};

/* Values of an event: of this one if it carries its number. */
struct slot {
	struct values values;
	uint64_t event;
};

struct eval_event {
	const struct eval *program;
	uint64_t event;
	struct slot *slots; /* by term */
	uint64_t *answers;  /* by leaf: the event's number times 2, plus 1 if it holds */
	struct scratch scratch;
	struct regex_scratch *regex;
};

/* ---- compiling ------------------------------------------------------------------------------------------------- */

/* Finds equal terms and leaves by how they are written. */
struct names {
	struct table table;
	char **texts; /* by number */
	size_t n, cap;
};

struct builder {
	struct eval *e;
	struct names terms, leaves;
	struct error *err;
	int error; /* 0 until something failed */
};

static void names_free(struct names *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->texts[i]);
	free(n->texts);
	table_free(&n->table);
}

static void builder_free(struct builder *b)
{
	names_free(&b->terms);
	names_free(&b->leaves);
}

static bool same_name(const void *ctx, size_t entry, const void *key)
{
	return strcmp(((const struct names *)ctx)->texts[entry], key) == 0;
}

/* Makes room for one more in an array. */
static bool grow(void *array_ptr, size_t n, size_t *cap, size_t size)
{
	void **array = array_ptr, *grown;
	size_t wanted = *cap ? *cap * 2 : 16;

	if (n < *cap)
		return true;
	grown = reallocarray(*array, wanted, size);
	if (!grown)
		return false;
	*array = grown;
	*cap = wanted;
	return true;
}

enum { NAME_OLD = 0, NAME_NEW = 1 };

/* The name's number into *out; the name is taken over. NAME_NEW the first time, or -ENOMEM. */
static int number_of(struct names *n, struct buf *text, uint32_t *out)
{
	_autofree_ char *name = buf_error(text) ? NULL : buf_take(text);
	uint64_t hash = name ? table_hash(name, strlen(name)) : 0;
	size_t i = name ? table_find(&n->table, hash, same_name, n, name) : TABLE_NONE;

	*out = (uint32_t)i;
	if (i != TABLE_NONE)
		return NAME_OLD;
	if (!name || !grow(&n->texts, n->n, &n->cap, sizeof(char *)) || table_add(&n->table, hash, n->n))
		return -ENOMEM;
	*out = (uint32_t)n->n;
	n->texts[n->n++] = TAKE_PTR(name);
	return NAME_NEW;
}

/* The arguments are taken over. */
static bool push_term(struct eval *e, const struct filter_term *t, uint32_t **args)
{
	struct term term = {.source = t};

	if (!grow(&e->terms, e->nterms, &e->terms_cap, sizeof(*e->terms)))
		return false;
	if (t->kind == FILTER_TERM_FIELD) {
		if (!grow(&e->fields, e->nfields, &e->fields_cap, sizeof(*e->fields)))
			return false;
		e->fields[e->nfields++] = (uint32_t)e->nterms;
	} else if (t->kind == FILTER_TERM_TEXT) {
		term.text = eval_text(t->text, t->len);
	} else {
		term.args = TAKE_PTR(*args);
	}
	e->terms[e->nterms++] = term;
	return true;
}

/* What terms are the same by. Arguments stand as their numbers: written out, each would be there again at every level
 * that transformers nest. */
static void name_term(struct buf *text, const struct filter_term *t, const uint32_t *args)
{
	if (t->kind == FILTER_TERM_FIELD || t->kind == FILTER_TERM_TEXT) {
		filter_print_term(text, t);
		return;
	}
	buf_addf(text, "%s%d(", t->kind == FILTER_TERM_CALL ? filter_call_name(t->call) : "", t->selector);
	for (size_t i = 0; i < t->nargs; i++)
		buf_addf(text, "#%" PRIu32, args[i]);
}

/* The term's number. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static uint32_t add_term(struct builder *b, const struct filter_term *t)
{
	_autofree_ uint32_t *args = calloc(t->nargs + 1, sizeof(*args));
	_autobuf_ struct buf text = BUF_INIT;
	uint32_t number = 0;
	int r = args ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < t->nargs; i++) {
		args[i] = add_term(b, t->args[i]);
		r = b->error;
	}
	if (!r) {
		name_term(&text, t, args);
		r = number_of(&b->terms, &text, &number);
	}
	if (r < 0 || (r == NAME_NEW && !push_term(b->e, t, &args)))
		b->error = -ENOMEM;
	return number;
}

static unsigned int field_flags(const struct filter_term *t)
{
	return t->kind == FILTER_TERM_FIELD ? t->field->flags : 0;
}

static bool never_matches(const struct filter_node *n)
{
	bool in = n->op == FILTER_OP_IN || n->op == FILTER_OP_INTERSECTS;
	enum field_id id = n->left->kind == FILTER_TERM_FIELD ? n->left->field->id : FIELD_COUNT;

	/* libsinsp looks these up by no bytes at all. */
	if (in && (id == FIELD_FD_IP || (id == FIELD_PROC_APID && (n->left->ref_flags & FIELD_REF_ANY_ANCESTOR))))
		return true;
	return in && id == FIELD_EVT_RAWARG && n->left->type != FIELD_TYPE_STRING;
}

static enum shape shape_of(const struct filter_node *n, const struct filter_term *left)
{
	unsigned int flags = field_flags(left);

	if (never_matches(n))
		return SHAPE_NEVER;
	if (left->kind == FILTER_TERM_FIELD && left->field->id == FIELD_EVT_AROUND)
		return SHAPE_AROUND;
	if (left->ref_flags & FIELD_REF_ANY_ANCESTOR)
		return SHAPE_ANY_ANCESTOR;
	if (flags & FIELD_EITHER_END)
		return SHAPE_EITHER_END;
	return left->is_list ? SHAPE_LIST : SHAPE_SINGLE;
}

/* Where libsinsp compares by code of the field's own it knows no modifier, and of the constants the first; but `in` it
 * knows, save for networks. */
static bool looks_at_first_only(const struct filter_node *n, enum shape shape)
{
	bool own = shape == SHAPE_ANY_ANCESTOR || shape == SHAPE_EITHER_END ||
	           (n->left->kind == FILTER_TERM_FIELD && n->left->field->id == FIELD_EVT_RAWARG);

	return own && (n->mod || (shape == SHAPE_EITHER_END && n->left->type == FIELD_TYPE_NET));
}

static void init_leaf(struct builder *b, struct leaf *leaf, const struct filter_node *n)
{
	const struct eval *e = b->e;
	struct filter_node check = *n;
	size_t limit = SIZE_MAX;
	int r;

	leaf->op = n->op;
	leaf->shape = shape_of(n, e->terms[leaf->term].source);
	if (looks_at_first_only(n, leaf->shape)) {
		check.mod = FILTER_MOD_NONE;
		limit = 1;
	}
	r = comparison_init(&leaf->comparison, &check, limit, b->err);
	if (r)
		b->error = r;
}

/* The leaf's number. */
static uint32_t add_leaf(struct builder *b, const struct filter_node *n)
{
	struct eval *e = b->e;
	_autobuf_ struct buf text = BUF_INIT;
	uint32_t number = 0;
	int r;

	filter_print(&text, n);
	r = number_of(&b->leaves, &text, &number);
	if (r == NAME_OLD)
		return number;
	if (r < 0 || !grow(&e->leaves, e->nleaves, &e->leaves_cap, sizeof(*e->leaves))) {
		b->error = -ENOMEM;
		return 0;
	}
	e->leaves[e->nleaves++] = (struct leaf){.right = NO_TERM};
	uint32_t left = add_term(b, n->left), right = n->right ? add_term(b, n->right) : NO_TERM;

	e->leaves[number].term = left;
	e->leaves[number].right = right;
	if (!b->error)
		init_leaf(b, &e->leaves[number], n);
	return number;
}

/*
 * Code for a tree, from its end: `yes` and `no` are where to go on after it. Returns where it starts.
 */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which is bounded
static uint32_t add_code(struct builder *b, const struct filter_node *n, uint32_t yes, uint32_t no)
{
	struct eval *e = b->e;
	uint32_t next;

	if (b->error)
		return CODE_FALSE;
	switch (n->kind) {
	case FILTER_NOT:
		return add_code(b, n->kids[0], no, yes);
	case FILTER_AND:
		next = yes;
		for (size_t i = n->nkids; i > 0; i--)
			next = add_code(b, n->kids[i - 1], next, no);
		return next;
	case FILTER_OR:
		next = no;
		for (size_t i = n->nkids; i > 0; i--)
			next = add_code(b, n->kids[i - 1], yes, next);
		return next;
	case FILTER_LEAF:
	case FILTER_CHECK:
		break;
	}
	if (!grow(&e->code, e->ncode, &e->code_cap, sizeof(*e->code))) {
		b->error = -ENOMEM;
		return CODE_FALSE;
	}
	uint32_t leaf = add_leaf(b, n);

	e->code[e->ncode] = (struct instruction){.leaf = leaf, .yes = yes, .no = no};
	return (uint32_t)e->ncode++;
}

int eval_compile(struct eval **out, const struct filter_node *const *conditions, size_t n, struct error *err)
{
	_autoeval_ struct eval *e = calloc(1, sizeof(*e));
	_cleanup_(builder_free) struct builder b = {.e = e, .err = err};

	if (!e)
		return -ENOMEM;
	e->starts = calloc(n + 1, sizeof(*e->starts));
	if (!e->starts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		e->starts[i] = add_code(&b, conditions[i], CODE_TRUE, CODE_FALSE);
	if (b.error)
		return b.error;
	*out = TAKE_PTR(e);
	return 0;
}

void eval_free(struct eval *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nterms; i++)
		free(e->terms[i].args);
	for (size_t i = 0; i < e->nleaves; i++)
		comparison_free(&e->leaves[i].comparison);
	free(e->terms);
	free(e->fields);
	free(e->leaves);
	free(e->code);
	free(e->starts);
	free(e);
}

size_t eval_fields(const struct eval *e)
{
	return e->nfields;
}

const struct filter_term *eval_field(const struct eval *e, size_t i)
{
	return e->terms[e->fields[i]].source;
}

size_t eval_comparisons(const struct eval *e)
{
	return e->nleaves;
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

int eval_event_new(struct eval_event **out, const struct eval *e)
{
	_autoevent_ struct eval_event *ev = calloc(1, sizeof(*ev));
	int r;

	if (!ev)
		return -ENOMEM;
	ev->program = e;
	ev->event = 1;
	ev->slots = calloc(e->nterms + 1, sizeof(*ev->slots));
	ev->answers = calloc(e->nleaves + 1, sizeof(*ev->answers));
	if (!ev->slots || !ev->answers)
		return -ENOMEM;
	r = regex_scratch_new(&ev->regex);
	for (size_t i = 0; !r && i < e->nleaves; i++)
		r = comparison_fit(&e->leaves[i].comparison, ev->regex);
	if (r)
		return r;
	*out = TAKE_PTR(ev);
	return 0;
}

void eval_event_free(struct eval_event *ev)
{
	if (!ev)
		return;
	free(ev->slots);
	free(ev->answers);
	scratch_free(&ev->scratch);
	regex_scratch_free(ev->regex);
	free(ev);
}

void eval_event_clear(struct eval_event *ev)
{
	ev->event++;
	scratch_reset(&ev->scratch);
}

void eval_event_set(struct eval_event *ev, size_t field, const struct eval_item *items, size_t n)
{
	ev->slots[ev->program->fields[field]] = (struct slot){.values = {items, n}, .event = ev->event};
}

const struct eval_item *eval_event_get(const struct eval_event *ev, size_t field, size_t *n)
{
	const struct slot *slot = &ev->slots[ev->program->fields[field]];

	*n = slot->event == ev->event ? slot->values.n : 0;
	return slot->event == ev->event ? slot->values.items : NULL;
}

int eval_event_error(const struct eval_event *ev)
{
	return ev->scratch.out_of_memory ? -ENOMEM : 0;
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static struct values values_of(const struct eval *e, struct eval_event *ev, uint32_t number);

/* The elements of a list, those that are lists themselves put in; numbers as they are printed. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static struct values list_of(const struct eval *e, struct eval_event *ev, const struct term *t)
{
	size_t total = 0, n = t->source->nargs;
	struct values *parts = scratch_alloc(&ev->scratch, (n + 1) * sizeof(*parts));
	struct eval_item *items;

	for (size_t i = 0; parts && i < n; i++) {
		const struct filter_term *element = e->terms[t->args[i]].source;

		parts[i] = values_of(e, ev, t->args[i]);
		if (element->type != FIELD_TYPE_STRING)
			parts[i] = transform_print(&ev->scratch, element, parts[i]);
		if (!parts[i].items)
			return (struct values){0};
		total += parts[i].n;
	}
	items = scratch_alloc(&ev->scratch, (total + 1) * sizeof(*items));
	if (!parts || !items)
		return (struct values){0};
	total = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parts[i].n; k++)
			items[total++] = parts[i].items[k];
	return (struct values){items, total};
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static struct values concat_of(const struct eval *e, struct eval_event *ev, const struct term *t)
{
	size_t n = t->source->nargs;
	struct values *args = scratch_alloc(&ev->scratch, (n + 1) * sizeof(*args));

	for (size_t i = 0; args && i < n; i++)
		args[i] = values_of(e, ev, t->args[i]);
	return args ? transform_concat(&ev->scratch, args, n) : (struct values){0};
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static struct values call_of(const struct eval *e, struct eval_event *ev, const struct term *t)
{
	const struct filter_term *s = t->source;

	switch (s->call) {
	case FILTER_CALL_JOIN:
		return transform_join(&ev->scratch, values_of(e, ev, t->args[0]), values_of(e, ev, t->args[1]));
	case FILTER_CALL_CONCAT:
		return concat_of(e, ev, t);
	case FILTER_CALL_GETOPT:
		return transform_getopt(&ev->scratch, values_of(e, ev, t->args[0]), values_of(e, ev, t->args[1]),
		                        s->selector);
	default:
		return transform_values(&ev->scratch, s->call, s->args[0]->type, s->args[0]->is_list,
		                        values_of(e, ev, t->args[0]));
	}
}

/* The values of a term in this event, made at most once. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static struct values values_of(const struct eval *e, struct eval_event *ev, uint32_t number)
{
	const struct term *t = &e->terms[number];
	struct slot *slot = &ev->slots[number];

	if (slot->event == ev->event)
		return slot->values;
	slot->event = ev->event;
	switch (t->source->kind) {
	case FILTER_TERM_FIELD:
		slot->values = (struct values){0};
		break;
	case FILTER_TERM_TEXT:
		slot->values = (struct values){&t->text, 1};
		break;
	case FILTER_TERM_LIST:
		slot->values = list_of(e, ev, t);
		break;
	case FILTER_TERM_CALL:
		slot->values = call_of(e, ev, t);
		break;
	}
	return slot->values;
}

/* One value against constants or the right-hand side's values. */
static bool item_holds(const struct leaf *leaf, struct eval_event *ev, const struct eval_item *item,
                       struct values right)
{
	if (leaf->right != NO_TERM)
		return comparison_holds_for(&leaf->comparison, item, right.items, right.n);
	return comparison_holds(&leaf->comparison, item, ev->regex);
}

static bool list_holds(const struct leaf *leaf, struct values left, struct values right)
{
	bool all = leaf->op == FILTER_OP_IN;

	for (size_t i = 0; i < left.n; i++) {
		bool has = leaf->right != NO_TERM
		                   ? comparison_has_of(&leaf->comparison, &left.items[i], right.items, right.n)
		                   : comparison_has(&leaf->comparison, &left.items[i]);

		if (has != all)
			return has;
	}
	return all;
}

static bool ends_hold(const struct leaf *leaf, struct eval_event *ev, struct values left)
{
	bool all = leaf->op == FILTER_OP_NE;

	if (leaf->op == FILTER_OP_EXISTS)
		return true;
	/* Of networks, `intersects` is known to libsinsp for the one end of a listening socket. */
	if (leaf->op == FILTER_OP_INTERSECTS && left.n != 1)
		return false;
	for (size_t i = 0; i < left.n; i++)
		if (item_holds(leaf, ev, &left.items[i], (struct values){0}) != all)
			return !all;
	return all && left.n;
}

static bool some_holds(const struct leaf *leaf, struct eval_event *ev, struct values left)
{
	if (leaf->op == FILTER_OP_EXISTS)
		return left.n > 0;
	for (size_t i = 0; i < left.n; i++)
		if (item_holds(leaf, ev, &left.items[i], (struct values){0}))
			return true;
	return false;
}

/* In the arithmetic of libsinsp, which wraps round. */
static bool around_holds(const struct eval *e, const struct leaf *leaf, struct values left)
{
	uint64_t middle = e->terms[leaf->term].source->arg_index;
	uint64_t distance = leaf->comparison.n ? leaf->comparison.items[0].as.u64 * 1000000 : 0;
	uint64_t time = left.n ? left.items[0].as.u64 : 0;

	return left.n && middle >= time - distance && middle <= time + distance;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static bool leaf_holds(const struct eval *e, struct eval_event *ev, const struct leaf *leaf)
{
	struct values left = values_of(e, ev, leaf->term), right = {0};

	if (!left.items)
		return false;
	if (leaf->right != NO_TERM) {
		right = values_of(e, ev, leaf->right);
		if (!right.items)
			return false;
	}
	switch (leaf->shape) {
	case SHAPE_LIST:
		return leaf->op == FILTER_OP_EXISTS || list_holds(leaf, left, right);
	case SHAPE_ANY_ANCESTOR:
		return some_holds(leaf, ev, left);
	case SHAPE_EITHER_END:
		return ends_hold(leaf, ev, left);
	case SHAPE_AROUND:
		return around_holds(e, leaf, left);
	case SHAPE_NEVER:
		return false;
	case SHAPE_SINGLE:
		break;
	}
	if (!left.n)
		return false;
	return leaf->op == FILTER_OP_EXISTS || item_holds(leaf, ev, &left.items[0], right);
}

bool eval_run(const struct eval *e, struct eval_event *ev, size_t condition)
{
	uint32_t at = e->starts[condition];

	while (at < CODE_FALSE) {
		const struct instruction *in = &e->code[at];
		uint64_t *answer = &ev->answers[in->leaf];

		if (*answer >> 1 != ev->event)
			*answer = ev->event << 1 | leaf_holds(e, ev, &e->leaves[in->leaf]);
		at = *answer & 1 ? in->yes : in->no;
	}
	return at == CODE_TRUE;
}
