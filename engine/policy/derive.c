/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The derivation. Every leaf becomes a constant, an atom (or two), or is lost; and/or/not are folded on the way up.
 *
 * `x != v` is "there is a value, and not x = v", as in Falco, where a comparison with a missing value is false.
 */
#include "policy/derive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/table.h"
#include "compat/capabilities.h"

#define EFFECT_POSITIVE "taken as false for blocking: acts that match only through it are detected, not blocked"
#define EFFECT_NEGATED "its exception is taken to apply: acts that it might except are detected, not blocked"

struct deriver {
	struct derivation *d;
	struct atoms *atoms;
	struct table noted; /* the derivation's notes, by what they say */
	int error;
};

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

static struct formula *constant(bool value)
{
	return value ? &formula_true : &formula_false;
}

static struct formula *lose(struct deriver *v, const struct filter_node *node, bool negated, const char *reason)
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

static struct formula *never(struct deriver *v, const struct filter_node *node, bool negated, const char *reason)
{
	struct formula *f = lose(v, node, negated, reason);

	if (f->kind == FORMULA_LOST)
		v->d->lost[f->lost].never = true;
	return f;
}

static struct formula *atom(struct deriver *v, const struct atom *model, bool negated)
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

/* AND or OR of the kids, folded: constants vanish, kids of the same kind are merged. */
static struct formula *join(struct deriver *v, enum formula_kind kind, struct formula **kids, size_t n)
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
		return constant(kind == FORMULA_AND);
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
	return f;
}

static struct formula *join2(struct deriver *v, enum formula_kind kind, struct formula *a, struct formula *b)
{
	return join(v, kind, (struct formula *[]){a, b}, 2);
}

/* ---- leaves ---------------------------------------------------------------------------------------------------- */

static bool text_matches(const char *text, enum filter_op op, const struct filter_value *value)
{
	size_t len = strlen(text);

	switch (op) {
	case FILTER_OP_CONTAINS:
		return memmem(text, len, value->text, value->len) != NULL;
	case FILTER_OP_STARTSWITH:
		return value->len <= len && memcmp(text, value->text, value->len) == 0;
	case FILTER_OP_ENDSWITH:
		return value->len <= len && memcmp(text + len - value->len, value->text, value->len) == 0;
	default:
		return value->len == len && memcmp(text, value->text, len) == 0;
	}
}

/* A field that has the same text at every decision of this point. */
static struct formula *fixed_text(struct deriver *v, const struct filter_node *n, const char *text, bool negated)
{
	bool holds = false;

	switch (n->op) {
	case FILTER_OP_EXISTS:
		return constant(!negated);
	case FILTER_OP_EQ:
	case FILTER_OP_NE:
	case FILTER_OP_IN:
	case FILTER_OP_CONTAINS:
	case FILTER_OP_STARTSWITH:
	case FILTER_OP_ENDSWITH:
		for (size_t i = 0; i < n->nvalues; i++)
			holds |= text_matches(text, n->op, &n->values[i]);
		return constant((holds != (n->op == FILTER_OP_NE)) != negated);
	default:
		return lose(v, n, negated, "this operator is not decided in the kernel yet");
	}
}

static bool is_signed(enum field_type type)
{
	return type == FIELD_TYPE_INT16 || type == FIELD_TYPE_INT32 || type == FIELD_TYPE_INT64;
}

static uint64_t number_of(const struct filter_node *n, const struct filter_value *value)
{
	return is_signed(n->left->field->type) ? match_signed(value->as.s64) : value->as.u64;
}

/* The numbers for which a comparison with `value` holds; false if there is none. */
static bool range_of(enum filter_op op, uint64_t value, struct atom_range *out)
{
	out->from_low = 0;
	out->to_low = UINT64_MAX;
	switch (op) {
	case FILTER_OP_LT:
		out->to_low = value - 1;
		return value > 0;
	case FILTER_OP_LE:
		out->to_low = value;
		return true;
	case FILTER_OP_GT:
		out->from_low = value + 1;
		return value < UINT64_MAX;
	case FILTER_OP_GE:
		out->from_low = value;
		return true;
	default:
		out->from_low = value;
		out->to_low = value;
		return true;
	}
}

static bool is_number_op(enum filter_op op)
{
	return op == FILTER_OP_EQ || op == FILTER_OP_NE || op == FILTER_OP_IN || op == FILTER_OP_LT ||
	       op == FILTER_OP_LE || op == FILTER_OP_GT || op == FILTER_OP_GE;
}

/* A field of which only [low, high] is known, for every decision of this point. */
static struct formula *fixed_range(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                   bool negated)
{
	uint64_t low = is_signed(n->left->field->type) ? match_signed(field->low) : (uint64_t)field->low;
	uint64_t high = is_signed(n->left->field->type) ? match_signed(field->high) : (uint64_t)field->high;
	bool some = false, all = false;

	if (n->op == FILTER_OP_EXISTS)
		return constant(!negated);
	if (!is_number_op(n->op))
		return lose(v, n, negated, "this operator is not decided in the kernel yet");
	for (size_t i = 0; i < n->nvalues; i++) {
		struct atom_range range;

		if (!range_of(n->op, number_of(n, &n->values[i]), &range))
			continue;
		some |= range.from_low <= high && low <= range.to_low;
		all |= range.from_low <= low && high <= range.to_low;
	}
	if (some != all)
		return lose(v, n, negated, "the value is not known before the operation has its result");
	return constant((all != (n->op == FILTER_OP_NE)) != negated);
}

static struct formula *exists(struct deriver *v, enum match_domain domain, unsigned int level, bool always,
                              bool negated)
{
	if (always)
		return constant(!negated);
	return atom(v, &(struct atom){.domain = domain, .level = level, .test = ATOM_EXISTS}, negated);
}

static struct formula *text_leaf(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                 enum match_domain domain, unsigned int level, bool negated)
{
	struct atom model = {.domain = domain, .level = level};
	_autofree_ struct atom_text *texts = NULL;
	struct formula *there;

	switch (n->op) {
	case FILTER_OP_EXISTS:
		return exists(v, domain, level, field->always, negated);
	case FILTER_OP_EQ:
	case FILTER_OP_NE:
	case FILTER_OP_IN:
		model.test = ATOM_EQUALS;
		break;
	case FILTER_OP_STARTSWITH:
		model.test = ATOM_PREFIX;
		break;
	case FILTER_OP_ENDSWITH:
		model.test = ATOM_SUFFIX;
		break;
	case FILTER_OP_CONTAINS:
		model.test = ATOM_CONTAINS;
		break;
	default:
		return lose(v, n, negated, "this operator is not decided in the kernel yet");
	}
	/* Every text begins and ends with nothing, and contains it. */
	if (model.test != ATOM_EQUALS && n->values[0].len == 0)
		return exists(v, domain, level, field->always, negated);
	if (!n->nvalues)
		return constant(negated);
	texts = calloc(n->nvalues, sizeof(*texts));
	if (!texts) {
		v->error = -ENOMEM;
		return &formula_false;
	}
	for (size_t i = 0; i < n->nvalues; i++)
		texts[i] = (struct atom_text){.bytes = n->values[i].text, .len = n->values[i].len};
	model.texts = texts;
	model.ntexts = n->nvalues;
	if (n->op != FILTER_OP_NE)
		return atom(v, &model, negated);
	there = exists(v, domain, level, field->always, negated);
	return join2(v, negated ? FORMULA_OR : FORMULA_AND, there, atom(v, &model, !negated));
}

static struct formula *ancestor_leaf(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                     bool negated)
{
	static const struct point_field self = {.how = POINT_VALUE, .domain = MATCH_NAME, .always = true};

	if (n->left->field->id == FIELD_PROC_PNAME)
		return text_leaf(v, n, field, MATCH_ANCESTORS, 1, negated);
	if (n->left->has_arg) {
		if (n->left->arg_index == 0)
			return text_leaf(v, n, &self, MATCH_NAME, 0, negated);
		if (n->left->arg_index > TERCEL_ANCESTOR_LEVELS)
			return lose(v, n, negated, "ancestors are decided up to the distance 15");
		return text_leaf(v, n, field, MATCH_ANCESTORS, (unsigned int)n->left->arg_index, negated);
	}
	if (n->op == FILTER_OP_NE || n->op == FILTER_OP_EXISTS)
		return lose(v, n, negated, "of any ancestor only =, in, contains, startswith and endswith are decided");
	return text_leaf(v, n, field, MATCH_ANCESTORS, 0, negated);
}

static uint64_t load_be64(const uint8_t *p)
{
	uint64_t be;

	memcpy(&be, p, sizeof(be));
	return __builtin_bswap64(be);
}

static struct atom_range range_of_network(const struct filter_value *value)
{
	struct atom_range r = {.domain = MATCH_ADDR6};
	unsigned int bits = value->as.net.prefix;
	uint64_t high, low;

	if (value->as.net.family == AF_INET) {
		uint32_t be, mask = bits >= 32 ? UINT32_MAX : ~(UINT32_MAX >> bits);

		memcpy(&be, value->as.net.addr, sizeof(be));
		r.domain = MATCH_ADDR4;
		r.from_low = __builtin_bswap32(be) & mask;
		r.to_low = r.from_low | ~mask;
		return r;
	}
	high = bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
	low = bits >= 128 ? UINT64_MAX : bits <= 64 ? 0 : ~(UINT64_MAX >> (bits - 64));
	r.from_high = load_be64(value->as.net.addr) & high;
	r.from_low = load_be64(value->as.net.addr + 8) & low;
	r.to_high = r.from_high | ~high;
	r.to_low = r.from_low | ~low;
	return r;
}

/* The positive form of a comparison of numbers or addresses: one atom over ranges, or false. */
static struct formula *range_atom(struct deriver *v, const struct filter_node *n, enum match_domain domain,
                                  bool negated)
{
	_autofree_ struct atom_range *ranges = calloc(n->nvalues + 1, sizeof(*ranges));
	struct atom model = {.domain = domain, .test = ATOM_RANGE};

	if (!ranges) {
		v->error = -ENOMEM;
		return &formula_false;
	}
	for (size_t i = 0; i < n->nvalues; i++) {
		if (domain == MATCH_ADDR4)
			ranges[model.nranges++] = range_of_network(&n->values[i]);
		else if (range_of(n->op, number_of(n, &n->values[i]), &ranges[model.nranges]))
			ranges[model.nranges++].domain = domain;
	}
	if (!model.nranges)
		return constant(negated);
	model.ranges = ranges;
	return atom(v, &model, negated);
}

static struct formula *number_leaf(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                   bool negated)
{
	bool address = field->domain == MATCH_ADDR4;

	if (n->op == FILTER_OP_EXISTS)
		return exists(v, field->domain, 0, field->always, negated);
	if (!is_number_op(n->op) ||
	    (address && n->op != FILTER_OP_EQ && n->op != FILTER_OP_NE && n->op != FILTER_OP_IN))
		return lose(v, n, negated, "this operator is not decided in the kernel yet");
	/* No number or address of these points is ever missing (points.c), so != is the plain negation. */
	return range_atom(v, n, field->domain, negated != (n->op == FILTER_OP_NE));
}

static struct formula *either_end_leaf(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                       bool negated)
{
	struct formula *known;

	if (n->op == FILTER_OP_EXISTS)
		return constant(!negated);
	if (n->op == FILTER_OP_NE || !is_number_op(n->op) ||
	    (field->domain == MATCH_ADDR4 && n->op != FILTER_OP_EQ && n->op != FILTER_OP_IN))
		return lose(v, n, negated, field->reason);
	known = range_atom(v, n, field->domain, negated);
	return join2(v, negated ? FORMULA_AND : FORMULA_OR, known, lose(v, n, negated, field->reason));
}

static struct formula *capability_leaf(struct deriver *v, const struct filter_node *n, bool negated)
{
	struct atom model = {.domain = MATCH_CAPS, .test = ATOM_BITS};

	if (n->op == FILTER_OP_EXISTS)
		return constant(!negated);
	/* The text is names joined by blanks: one without a blank can only be within a name. */
	if (n->op != FILTER_OP_CONTAINS || memchr(n->values[0].text, ' ', n->values[0].len))
		return lose(v, n, negated, "of capability sets only contains with a part of one name is decided");
	if (!n->values[0].len)
		return constant(!negated);
	for (unsigned int bit = 0; capability_name(bit); bit++)
		if (text_matches(capability_name(bit), FILTER_OP_CONTAINS, &n->values[0]))
			model.bits |= 1ULL << bit;
	return model.bits ? atom(v, &model, negated) : constant(negated);
}

#define EXECVEAT                                                                                                 \
	"a program that starts is an execve to Falco, whichever call started it: execveat is only seen when it " \
	"fails"
#define OTHER_SOCKETS                                                                                           \
	"connections of raw, SCTP and other sockets that are neither TCP nor UDP do not pass this point; with " \
	"fd.l4proto in (tcp, udp) the rule asks for none of them"
#define EFFECT_OTHER_SOCKETS "detected, not blocked, on such sockets"

/* Whether a leaf, negated or not, holds for an event of this name; `exists` does for every one. */
static bool accepts(const struct filter_node *n, const char *event, bool negated)
{
	bool some = n->op == FILTER_OP_EXISTS;

	for (size_t i = 0; i < n->nvalues && n->op != FILTER_OP_EXISTS; i++)
		some |= text_matches(event, n->op, &n->values[i]);
	return (some != (n->op == FILTER_OP_NE)) != negated;
}

/*
 * A comparison that no event type of this point meets is false here. One that all meet stays a question: the hook also
 * runs for other calls (a connect by io_uring, an exec by the kernel itself), of which Falco sees no such event.
 */
static struct formula *event_leaf(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                  bool negated)
{
	const struct point_info *p = v->d->point;
	bool some = false;

	if (p->point == TERCEL_POINT_EXEC_COMMIT && accepts(n, "execveat", negated) && !accepts(n, "execve", negated))
		return never(v, n, negated, EXECVEAT);
	if (n->op != FILTER_OP_EQ && n->op != FILTER_OP_NE && n->op != FILTER_OP_IN)
		return text_leaf(v, n, field, MATCH_EVENT, 0, negated);
	for (size_t e = 0; e < p->nevents; e++)
		for (size_t i = 0; i < n->nvalues; i++)
			some |= text_matches(filter_event_name(p->events[e]), FILTER_OP_EQ, &n->values[i]);
	if (!some)
		return constant((n->op == FILTER_OP_NE) != negated);
	return text_leaf(v, n, field, MATCH_EVENT, 0, negated);
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

static struct formula *leaf(struct deriver *v, const struct filter_node *n, bool negated)
{
	const struct point_field *field = point_field(v->d->point, n->left->field->id);

	note(v, field->note, n);
	switch (field->how) {
	case POINT_TEXT:
		return fixed_text(v, n, field->text, negated);
	case POINT_RANGE:
		return fixed_range(v, n, field, negated);
	case POINT_EITHER_END:
		return either_end_leaf(v, n, field, negated);
	case POINT_VALUE:
		if (field->domain == MATCH_EVENT)
			return event_leaf(v, n, field, negated);
		if (field->domain == MATCH_ANCESTORS)
			return ancestor_leaf(v, n, field, negated);
		if (field->domain < MATCH_ANCESTORS)
			return text_leaf(v, n, field, field->domain, 0, negated);
		if (field->domain == MATCH_CAPS)
			return capability_leaf(v, n, negated);
		return number_leaf(v, n, field, negated);
	default:
		return lose(v, n, negated, field->reason);
	}
}

#define GENERAL                                                                                                     \
	"comparisons with transformers, val() or a modifier, and those that Falco answers unlike their words, are " \
	"not decided in the kernel yet"

/* ---- the tree -------------------------------------------------------------------------------------------------- */

static struct formula *walk(struct deriver *v, const struct filter_node *n, bool negated)
{
	_autofree_ struct formula **kids = NULL;
	bool conjunction;

	if (n->kind == FILTER_LEAF)
		return leaf(v, n, negated);
	if (n->kind == FILTER_CHECK)
		return lose(v, n, negated, GENERAL);
	if (n->kind == FILTER_NOT)
		return walk(v, n->kids[0], !negated);
	kids = calloc(n->nkids + 1, sizeof(struct formula *));
	if (!kids) {
		v->error = -ENOMEM;
		return &formula_false;
	}
	for (size_t i = 0; i < n->nkids; i++)
		kids[i] = walk(v, n->kids[i], negated);
	conjunction = (n->kind == FILTER_AND) != negated;
	return join(v, conjunction ? FORMULA_AND : FORMULA_OR, kids, n->nkids);
}

/* The formula with the leaves that never hold as what they are, false. */
static struct formula *settle(struct deriver *v, struct formula *f)
{
	_autofree_ struct formula **kids = NULL;

	if (f->kind == FORMULA_LOST)
		return v->d->lost[f->lost].never ? constant(false) : f;
	if (f->kind != FORMULA_AND && f->kind != FORMULA_OR)
		return f;
	kids = calloc(f->nkids, sizeof(struct formula *));
	if (!kids) {
		v->error = -ENOMEM;
		return &formula_false;
	}
	for (size_t i = 0; i < f->nkids; i++)
		kids[i] = settle(v, f->kids[i]);
	return join(v, f->kind, kids, f->nkids);
}

/* Whether the formula may hold for a socket that is neither TCP nor UDP. */
static bool admits_other_sockets(const struct deriver *v, const struct formula *f)
{
	const struct atom *a;

	switch (f->kind) {
	case FORMULA_FALSE:
		return false;
	case FORMULA_ATOM:
		a = atoms_get(v->atoms, f->atom);
		if (f->negated || a->domain != MATCH_L4PROTO || a->test != ATOM_EQUALS)
			return true;
		for (size_t i = 0; i < a->ntexts; i++)
			if (strcmp(a->texts[i].bytes, "tcp") != 0 && strcmp(a->texts[i].bytes, "udp") != 0)
				return true;
		return false;
	case FORMULA_AND:
		for (size_t i = 0; i < f->nkids; i++)
			if (!admits_other_sockets(v, f->kids[i]))
				return false;
		return true;
	case FORMULA_OR:
		for (size_t i = 0; i < f->nkids; i++)
			if (admits_other_sockets(v, f->kids[i]))
				return true;
		return false;
	default:
		return true;
	}
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

/* Sockets that the connect points do not see, if the condition can match one: the rule blocks less than it says. */
static void lose_other_sockets(struct deriver *v, const struct filter_node *condition, const struct formula *settled)
{
	const struct filter_node *n = telling_leaf(condition, true);
	struct derivation *d = v->d;

	if (d->point->point == TERCEL_POINT_EXEC_COMMIT || !admits_other_sockets(v, settled))
		return;
	if (!n)
		n = telling_leaf(condition, false);
	if (n && lose(v, n, false, OTHER_SOCKETS)->kind == FORMULA_LOST) {
		d->lost[d->nlost - 1].effect = EFFECT_OTHER_SOCKETS;
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

int derive(struct derivation *out, const struct filter_node *condition, const struct point_info *point,
           struct atoms *atoms)
{
	struct derivation d = {.point = point};
	struct deriver v = {.d = &d, .atoms = atoms};
	struct formula *whole, *settled;

	whole = walk(&v, condition, false);
	settled = settle(&v, whole);
	/* If nothing else is left, what never holds is why. */
	d.formula = settled->kind == FORMULA_FALSE ? whole : settled;
	lose_other_sockets(&v, condition, settled);
	table_free(&v.noted);
	if (v.error) {
		derivation_free(&d);
		return v.error;
	}
	mark_lost(&d, d.formula);
	d.applies = d.formula->kind != FORMULA_FALSE;
	if (formula_is(d.formula, false, false))
		d.class = POLICY_DETECT_ONLY;
	else
		d.class = POLICY_EXACT;
	drop_unused_lost(&d);
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
