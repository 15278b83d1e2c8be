/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The derivation. Every leaf becomes a constant, an atom (or two), or is lost; and/or/not are folded on the way up.
 */
#include "policy/derive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/derive_internal.h"
#include "policy/mutation.h"

#define EFFECT_POSITIVE "taken as false for blocking: acts that match only through it are detected, not blocked"
#define EFFECT_NEGATED "its exception is taken to apply: acts that it might except are detected, not blocked"

static struct formula formula_false = {.kind = FORMULA_FALSE};
static struct formula formula_true = {.kind = FORMULA_TRUE};

const char *policy_class_name(enum policy_class c)
{
	static const char *const names[] = {"exact", "narrow", "detect-only"};

	return names[(unsigned int)c <= POLICY_DETECT_ONLY ? c : POLICY_DETECT_ONLY];
}

/* Without memory every formula is false, and the error is kept: a caller looks once. */
static struct formula *formula_new(struct deriver *v, enum formula_kind kind, size_t nkids)
{
	struct derivation *d = v->d;
	struct formula *f = calloc(1, sizeof(*f) + nkids * sizeof(f->kids[0]));
	void **memory = realloc(d->memory, (d->nmemory + 1) * sizeof(void *));

	if (memory)
		d->memory = memory;
	if (!f || !memory) {
		free(f);
		v->error = -ENOMEM;
		return &formula_false;
	}
	d->memory[d->nmemory++] = f;
	f->kind = kind;
	f->nkids = nkids;
	return f;
}

struct formula *formula_constant(bool value)
{
	return value ? &formula_true : &formula_false;
}

struct formula *formula_lost(struct deriver *v, const struct filter_node *node, bool negated, const char *reason)
{
	struct derivation *d = v->d;
	struct lost_leaf *lost = realloc(d->lost, (d->nlost + 1) * sizeof(*lost));
	struct formula *f;

	if (!lost) {
		v->error = -ENOMEM;
		return &formula_false;
	}
	d->lost = lost;
	f = formula_new(v, FORMULA_LOST, 0);
	if (f->kind != FORMULA_LOST)
		return f;
	f->negated = negated;
	f->lost = (uint32_t)d->nlost;
	lost[d->nlost++] = (struct lost_leaf){
	        .node = node, .reason = reason, .effect = negated ? EFFECT_NEGATED : EFFECT_POSITIVE};
	return f;
}

struct formula *formula_lost_partly(struct deriver *v, const struct filter_node *node, bool negated, const char *reason)
{
	struct formula *f = formula_lost(v, node, negated, reason);

	if (f->kind == FORMULA_LOST)
		v->d->lost[f->lost].partly = true;
	return f;
}

static struct formula *never(struct deriver *v, const struct filter_node *node, bool negated, const char *reason)
{
	struct formula *f = formula_lost(v, node, negated, reason);

	if (f->kind == FORMULA_LOST)
		v->d->lost[f->lost].never = true;
	return f;
}

struct formula *formula_atom(struct deriver *v, const struct atom *model, bool negated)
{
	struct formula *f = formula_new(v, FORMULA_ATOM, 0);
	int r;

	if (f->kind != FORMULA_ATOM)
		return f;
	r = atoms_add(v->atoms, model, &f->atom);
	if (r) {
		v->error = r;
		return &formula_false;
	}
	f->negated = negated;
	return f;
}

/* Whether acts of the point may have values of the choice that have no bit: its atoms do not tell all then. */
static bool is_open_choice(const struct point_info *p, enum match_domain domain)
{
	for (size_t i = 0; i < p->nfields; i++)
		if (p->fields[i].how == POINT_CHOICE && p->fields[i].domain == domain && p->fields[i].beyond)
			return true;
	return false;
}

/*
 * Whether no value of a choice fulfils all of these atoms: "the protocol is TCP, and it is not". Of an OR the opposite,
 * whether every value fulfils one of them. One of the atoms must ask for some value, since there may be none.
 */
static bool is_settled(const struct deriver *v, const struct formula *f)
{
	uint64_t left[MATCH_CONTAINER_FACTS - MATCH_EVENT];
	bool asks[MATCH_CONTAINER_FACTS - MATCH_EVENT] = {false};

	memset(left, 0xff, sizeof(left));
	for (size_t i = 0; i < f->nkids; i++) {
		const struct atom *a;
		bool negated = f->kids[i]->negated != (f->kind == FORMULA_OR);

		if (f->kids[i]->kind != FORMULA_ATOM)
			continue;
		a = atoms_get(v->atoms, f->kids[i]->atom);
		if (a->domain < MATCH_EVENT || a->domain >= MATCH_CONTAINER_FACTS || a->test != ATOM_BITS)
			continue;
		left[a->domain - MATCH_EVENT] &= negated ? ~a->bits : a->bits;
		asks[a->domain - MATCH_EVENT] |= !negated;
		if (asks[a->domain - MATCH_EVENT] && !left[a->domain - MATCH_EVENT] &&
		    !is_open_choice(v->d->point, a->domain))
			return true;
	}
	return false;
}

/* AND or OR of the kids, folded: constants vanish, kids of the same kind are merged. */
struct formula *formula_join(struct deriver *v, enum formula_kind kind, struct formula **kids, size_t n)
{
	enum formula_kind neutral = kind == FORMULA_AND ? FORMULA_TRUE : FORMULA_FALSE;
	enum formula_kind absorbing = kind == FORMULA_AND ? FORMULA_FALSE : FORMULA_TRUE;
	struct formula *f, *only = NULL;
	size_t total = 0;

	for (size_t i = 0; i < n; i++) {
		if (kids[i]->kind == absorbing)
			return kids[i];
		if (kids[i]->kind == neutral)
			continue;
		only = kids[i];
		total += kids[i]->kind == kind ? kids[i]->nkids : 1;
	}
	if (!total)
		return formula_constant(kind == FORMULA_AND);
	if (total == 1)
		return only;
	f = formula_new(v, kind, total);
	if (f->kind != kind)
		return f;
	total = 0;
	for (size_t i = 0; i < n; i++) {
		if (kids[i]->kind == neutral)
			continue;
		if (kids[i]->kind != kind)
			f->kids[total++] = kids[i];
		else
			for (size_t k = 0; k < kids[i]->nkids; k++)
				f->kids[total++] = kids[i]->kids[k];
	}
	f->nkids = total;
	return is_settled(v, f) ? formula_constant(kind == FORMULA_OR) : f;
}

struct formula *formula_join2(struct deriver *v, enum formula_kind kind, struct formula *a, struct formula *b)
{
	return formula_join(v, kind, (struct formula *[]){a, b}, 2);
}

struct formula *formula_exists(struct deriver *v, enum match_domain domain, unsigned int level, bool always,
                               bool negated)
{
	if (always)
		return formula_constant(!negated);
	return formula_atom(v, &(struct atom){.domain = domain, .level = level, .test = ATOM_EXISTS}, negated);
}

/* ---- leaves ---------------------------------------------------------------------------------------------------- */

#define EXECVEAT                                                                                                 \
	"a program that starts is an execve to Falco, whichever call started it: execveat is only seen when it " \
	"fails"

static const char *event_name(unsigned int bit)
{
	return bit < MATCH_EVENTS ? point_event_name((enum match_event)bit) : NULL;
}

static bool is_exec(const struct point_info *p)
{
	return p->backend == POINT_BY_EXEC || p->point == TERCEL_POINT_EXEC_CHECK;
}

/*
 * Which of its event types an act of this point is, is known; that it is one of them at all (and no connect by
 * io_uring, no exec by the kernel itself) is asked of every act, whatever the rule.
 */
static struct formula *event_leaf(struct deriver *v, const struct filter_node *n, bool negated)
{
	const struct point_info *p = v->d->point;
	uint64_t events = point_events(p), some;
	struct atom model = {.domain = MATCH_EVENT, .test = ATOM_BITS};

	if (n->op == FILTER_OP_EXISTS)
		return formula_constant(!negated);
	some = derive_names(v, n, event_name, events);
	if (negated)
		some = events & ~some;
	/* Every successful exec is an execve to Falco. */
	if (is_exec(p) && some == MATCH_BIT_OF(MATCH_EVENT_EXECVEAT))
		return never(v, n, negated, EXECVEAT);
	if (is_exec(p) || !some || some == events)
		return formula_constant(some != 0);
	model.bits = some;
	return formula_atom(v, &model, false);
}

static bool same_note(const void *ctx, size_t entry, const void *key)
{
	const struct leaf_note *have = &((const struct derivation *)ctx)->notes[entry], *wanted = key;

	return have->code == wanted->code && filter_equal(have->node, wanted->node);
}

/* Once for each leaf, however often the condition has it. */
static void note(struct deriver *v, const char *code, const struct filter_node *n)
{
	const struct leaf_note wanted = {.code = code, .node = n};
	struct derivation *d = v->d;
	_autobuf_ struct buf text = BUF_INIT;
	struct leaf_note *notes;
	uint64_t hash;

	if (!code)
		return;
	filter_print(&text, n);
	hash = table_hash(buf_str(&text), text.len);
	if (!buf_error(&text) && table_find(&v->noted, hash, same_note, d, &wanted) != TABLE_NONE)
		return;
	notes = realloc(d->notes, (d->nnotes + 1) * sizeof(*notes));
	if (notes)
		d->notes = notes;
	if (!notes || buf_error(&text) || table_add(&v->noted, hash, d->nnotes)) {
		v->error = -ENOMEM;
		return;
	}
	notes[d->nnotes++] = wanted;
}

static struct formula *field_leaf(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                  bool negated)
{
	switch (field->how) {
	case POINT_MISSING:
		return formula_constant(negated);
	case POINT_TEXT:
		return derive_fixed_text(v, n, field, negated);
	case POINT_RANGE:
		return derive_range(v, n, field, negated);
	case POINT_AT_LEAST:
		return derive_at_least(v, n, field, negated);
	case POINT_EITHER_END:
		return derive_either_end(v, n, field, negated);
	case POINT_BIT:
		return derive_bit(v, n, field, negated);
	case POINT_SET:
		return derive_set(v, n, field, negated);
	case POINT_CHOICE:
		return derive_choice(v, n, field, negated);
	case POINT_VALUE:
		return field->domain < MATCH_UID ? derive_text(v, n, field, negated)
		                                 : derive_number(v, n, field, negated);
	default:
		return formula_lost(v, n, negated, field->reason);
	}
}

static struct formula *leaf(struct deriver *v, const struct filter_node *n, bool negated)
{
	const struct point_field *field;
	struct atom model = {.domain = MATCH_EVENT, .test = ATOM_BITS};
	uint64_t events = point_events(v->d->point);
	struct formula *f;

	if (n->left->field->id == FIELD_EVT_TYPE)
		return event_leaf(v, n, negated);
	field = point_field(v->d->point, n->left->field->id, n->left->arg_text);
	note(v, field->note, n);
	f = field_leaf(v, n, field, negated);
	if (!field->events || !(events & ~field->events) || MUTATED(EVENTS_IGNORED))
		return f;
	model.bits = events & field->events;
	return formula_join2(v, negated ? FORMULA_OR : FORMULA_AND, formula_atom(v, &model, negated), f);
}

/* ---- conditions on containers ---------------------------------------------------------------------------------------
 */

static bool is_container_term(const struct filter_term *t)
{
	if (t->kind == FILTER_TERM_FIELD)
		return point_is_container_field(t->field->id);
	for (size_t i = 0; i < t->nargs; i++)
		if (!is_container_term(t->args[i]))
			return false;
	return true;
}

/* Whether the condition asks about nothing but the container and its pod. */
static bool is_about_container(const struct filter_node *n)
{
	if (n->kind == FILTER_LEAF || n->kind == FILTER_CHECK)
		return is_container_term(n->left) && (!n->right || is_container_term(n->right));
	for (size_t i = 0; i < n->nkids; i++)
		if (!is_about_container(n->kids[i]))
			return false;
	return true;
}

/* What is known of a container depends on who runs it: each comparison about it says so. */
static void note_container(struct deriver *v, const struct filter_node *n)
{
	if (n->kind == FILTER_LEAF || n->kind == FILTER_CHECK)
		note(v, "container-facts", n);
	for (size_t i = 0; i < n->nkids; i++)
		note_container(v, n->kids[i]);
}

/* The exact evaluator answers in user space, once for each container. */
static struct formula *container_atom(struct deriver *v, const struct filter_node *n, bool negated)
{
	_autobuf_ struct buf text = BUF_INIT;
	struct atom_text condition;
	struct atom model = {.domain = MATCH_CONTAINER_FACTS, .test = ATOM_CONTAINER, .texts = &condition, .ntexts = 1};

	if (n->kind == FILTER_NOT)
		return container_atom(v, n->kids[0], !negated);
	note_container(v, n);
	filter_print(&text, n);
	if (buf_error(&text)) {
		v->error = -ENOMEM;
		return &formula_false;
	}
	condition = (struct atom_text){.bytes = buf_str(&text), .len = text.len};
	return formula_atom(v, &model, negated);
}

#define GENERAL                                                                                                     \
	"comparisons with transformers, val() or a modifier, and those that Falco answers unlike their words, are " \
	"not decided in the kernel"

/* ---- the tree -------------------------------------------------------------------------------------------------- */

/* An AND or OR whose kids about the container are asked as one: its other kids come first, *nrest of them. */
static struct formula *container_part(struct deriver *v, const struct filter_node *n, bool negated,
                                      const struct filter_node **rest, size_t *nrest)
{
	_autofree_ struct filter_node **about = calloc(n->nkids + 1, sizeof(struct filter_node *));
	struct filter_node part = *n;

	*nrest = 0;
	part.kids = about;
	part.nkids = 0;
	if (!about) {
		v->error = -ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < n->nkids; i++) {
		if (is_about_container(n->kids[i]))
			about[part.nkids++] = n->kids[i];
		else
			rest[(*nrest)++] = n->kids[i];
	}
	if (!part.nkids)
		return NULL;
	return container_atom(v, part.nkids == 1 ? about[0] : &part, negated);
}

static struct formula *walk(struct deriver *v, const struct filter_node *n, bool negated)
{
	_autofree_ struct formula **kids = NULL;
	_autofree_ const struct filter_node **rest = NULL;
	struct formula *container;
	bool conjunction;
	size_t nrest;

	if (is_about_container(n))
		return container_atom(v, n, negated);
	if (n->kind == FILTER_LEAF)
		return leaf(v, n, negated);
	if (n->kind == FILTER_CHECK)
		return formula_lost(v, n, negated, GENERAL);
	if (n->kind == FILTER_NOT)
		return walk(v, n->kids[0], !negated);
	kids = calloc(n->nkids + 1, sizeof(struct formula *));
	rest = calloc(n->nkids + 1, sizeof(struct filter_node *));
	if (!kids || !rest) {
		v->error = -ENOMEM;
		return &formula_false;
	}
	container = container_part(v, n, negated, rest, &nrest);
	for (size_t i = 0; i < nrest; i++)
		kids[i] = walk(v, rest[i], negated);
	if (container)
		kids[nrest++] = container;
	conjunction = (n->kind == FILTER_AND) != negated;
	return formula_join(v, conjunction ? FORMULA_AND : FORMULA_OR, kids, nrest);
}

/* The formula with the leaves that never hold as what they are, false. */
static struct formula *settle(struct deriver *v, struct formula *f)
{
	_autofree_ struct formula **kids = NULL;

	if (f->kind == FORMULA_LOST)
		return v->d->lost[f->lost].never ? formula_constant(false) : f;
	if (f->kind != FORMULA_AND && f->kind != FORMULA_OR)
		return f;
	kids = calloc(f->nkids, sizeof(struct formula *));
	if (!kids) {
		v->error = -ENOMEM;
		return &formula_false;
	}
	for (size_t i = 0; i < f->nkids; i++)
		kids[i] = settle(v, f->kids[i]);
	return formula_join(v, f->kind, kids, f->nkids);
}

/* ---- acts that do not come by the point -----------------------------------------------------------------------------
 */

/* Whether the condition, or its opposite, may hold for an act in the point's gap. */
static bool admits_gap(struct deriver *v, const struct filter_node *n, bool negated)
{
	const struct point_gap *gap = &v->d->point->gap;
	const struct point_field *field;
	bool conjunction = (n->kind == FILTER_AND) != negated;
	uint64_t outside;

	if (n->kind == FILTER_NOT)
		return admits_gap(v, n->kids[0], !negated);
	if (n->kind == FILTER_CHECK)
		return true;
	if (n->kind == FILTER_LEAF) {
		if (n->left->field->id == FIELD_EVT_TYPE) {
			uint64_t events = gap->events ? gap->events : point_events(v->d->point);
			uint64_t some = derive_names(v, n, event_name, events);

			return n->op == FILTER_OP_EXISTS ? !negated : (negated ? events & ~some : some) != 0;
		}
		field = point_field(gap->rows ? point_info(gap->rows) : v->d->point, n->left->field->id,
		                    n->left->arg_text);
		if (field->how == POINT_RANGE || field->how == POINT_TEXT || field->how == POINT_MISSING)
			return field_leaf(v, n, field, negated)->kind != FORMULA_FALSE;
		/* A boolean that has to be true, and is of no act in the gap. */
		if (field->how == POINT_BIT && gap->domain == MATCH_BITS && gap->covered >> field->bit & 1 &&
		    (n->op == FILTER_OP_EQ || n->op == FILTER_OP_NE))
			return negated != ((n->values[0].as.u64 != 0) != (n->op == FILTER_OP_EQ));
		if (field->how != POINT_CHOICE || field->domain != gap->domain || n->op == FILTER_OP_EXISTS)
			return true;
		outside = derive_names(v, n, field->names, ~gap->covered);
		/* There are values without a name, too, which are unlike any. */
		if (negated && n->op == FILTER_OP_NE)
			return (derive_named(field->names) & ~gap->covered & ~outside) != 0;
		return negated || outside;
	}
	for (size_t i = 0; i < n->nkids; i++)
		if (admits_gap(v, n->kids[i], negated) != conjunction)
			return !conjunction;
	return conjunction;
}

/* The leaf that a loss of the whole condition is told at: the first that asks for the event's type, or the first. */
static const struct filter_node *telling_leaf(const struct filter_node *n, bool event)
{
	const struct filter_node *found = NULL;

	if (n->kind == FILTER_LEAF)
		return !event || n->left->field->id == FIELD_EVT_TYPE ? n : NULL;
	if (n->kind == FILTER_CHECK)
		return event ? NULL : n;
	for (size_t i = 0; !found && i < n->nkids; i++)
		found = telling_leaf(n->kids[i], event);
	return found;
}

/* Whether the point that sees acts in the gap, if there is one, sees any that the condition may hold for. */
static bool holds_beyond(struct deriver *v, const struct filter_node *condition)
{
	const struct point_gap *gap = &v->d->point->gap;
	struct derivation beyond = {0};
	bool holds;
	int r;

	if (!gap->rows)
		return true;
	r = derive(&beyond, condition, point_info(gap->rows), 0, v->atoms);
	if (r)
		v->error = r;
	holds = beyond.applies;
	derivation_free(&beyond);
	return holds;
}

/* What does not come by, if the condition can match it: the rule blocks less than it says, also if nothing that does
 * come by is matched. */
static void lose_gap(struct deriver *v, const struct filter_node *condition, uint32_t points)
{
	const struct point_gap *gap = &v->d->point->gap;
	const struct filter_node *n;
	struct derivation *d = v->d;

	if (!gap->reason || (gap->rows && points >> gap->rows & 1) || !admits_gap(v, condition, false) ||
	    !holds_beyond(v, condition))
		return;
	n = telling_leaf(condition, true);
	if (!n)
		n = telling_leaf(condition, false);
	if (n && formula_lost(v, n, false, gap->reason)->kind == FORMULA_LOST) {
		d->lost[d->nlost - 1].effect = gap->effect;
		d->lost[d->nlost - 1].used = true;
	}
}

static void mark_lost(struct derivation *d, const struct formula *f)
{
	if (f->kind == FORMULA_LOST)
		d->lost[f->lost].used = true;
	for (size_t i = 0; i < f->nkids; i++)
		mark_lost(d, f->kids[i]);
}

bool formula_is(const struct formula *f, bool value, bool lost)
{
	bool all = (f->kind == FORMULA_OR) != value;

	switch (f->kind) {
	case FORMULA_FALSE:
		return !value;
	case FORMULA_TRUE:
		return value;
	case FORMULA_LOST:
		return lost == value;
	case FORMULA_ATOM:
		return false;
	default:
		/* false: every kid of an OR, some kid of an AND; true: the other way round. */
		for (size_t i = 0; i < f->nkids; i++)
			if (formula_is(f->kids[i], value, lost) != all)
				return !all;
		return all;
	}
}

static void drop_unused_lost(struct derivation *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->nlost; i++)
		if (d->lost[i].used)
			d->lost[kept++] = d->lost[i];
	d->nlost = kept;
}

int derive(struct derivation *out, const struct filter_node *condition, const struct point_info *point, uint32_t points,
           struct atoms *atoms)
{
	struct derivation d = {.point = point};
	struct deriver v = {.d = &d, .atoms = atoms};
	struct formula *whole, *settled;

	whole = walk(&v, condition, false);
	settled = settle(&v, whole);
	/* If nothing else is left, what never holds is why. */
	d.formula = settled->kind == FORMULA_FALSE ? whole : settled;
	lose_gap(&v, condition, points);
	table_free(&v.noted);
	if (v.error) {
		derivation_free(&d);
		return v.error;
	}
	mark_lost(&d, d.formula);
	drop_unused_lost(&d);
	d.applies = d.formula->kind != FORMULA_FALSE || d.nlost;
	if (formula_is(d.formula, false, false))
		d.class = POLICY_DETECT_ONLY;
	else
		d.class = POLICY_EXACT;
	if (d.class == POLICY_EXACT && d.nlost)
		d.class = POLICY_NARROW;
	*out = d;
	return 0;
}

void derivation_free(struct derivation *d)
{
	for (size_t i = 0; i < d->nmemory; i++)
		free(d->memory[i]);
	free(d->memory);
	free(d->lost);
	free(d->notes);
	*d = (struct derivation){0};
}
