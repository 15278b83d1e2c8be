/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of event codes: comparisons of evt.type give one, all other checks every code, negation is pushed to the leaves.
 */
#include "rules/breadth.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compat/event_codes.h"

enum { NAMES = sizeof(event_codes) / sizeof(*event_codes), GENERIC = NAMES, WORDS = 4 };
static_assert(GENERIC < WORDS * 64, "a bit for each name, and one for all that have none of their own");

/* Names whose codes are in the set. */
struct code_set {
	uint64_t words[WORDS];
};

static const struct code_set none;

static void add(struct code_set *s, size_t i)
{
	s->words[i / 64] |= UINT64_C(1) << (i % 64);
}

static struct code_set all(void)
{
	struct code_set s;

	for (size_t i = 0; i < WORDS; i++) {
		size_t left = GENERIC + 1 > i * 64 ? GENERIC + 1 - i * 64 : 0;

		s.words[i] = left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
	}
	return s;
}

static struct code_set complement(struct code_set s)
{
	struct code_set every = all();

	for (size_t i = 0; i < WORDS; i++)
		s.words[i] = every.words[i] & ~s.words[i];
	return s;
}

static size_t count(const struct code_set *s)
{
	size_t n = 0;

	for (size_t i = 0; i <= GENERIC; i++)
		if (s->words[i / 64] >> (i % 64) & 1)
			n += i == GENERIC ? (size_t)GENERIC_EVENT_CODES : event_codes[i].codes;
	return n;
}

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct event_codes *)row)->name);
}

static void add_name(struct code_set *s, const char *name)
{
	const struct event_codes *row = bsearch(name, event_codes, NAMES, sizeof(*event_codes), compare);

	/* "syscall" itself is the name of no event that comes. */
	if (row)
		add(s, (size_t)(row - event_codes));
	else if (strcmp(name, "syscall") != 0)
		add(s, GENERIC);
}

static bool is_event_type(const struct filter_term *t)
{
	return t->kind == FILTER_TERM_FIELD && !t->has_arg &&
	       (t->field->id == FIELD_EVT_TYPE || t->field->id == FIELD_SYSCALL_TYPE);
}

/* Whether Falco looks at the operands of this operator. */
static bool looks_at(const struct filter_node *n)
{
	return n->mod == FILTER_MOD_NONE && (n->op == FILTER_OP_EQ || n->op == FILTER_OP_NE || n->op == FILTER_OP_IN);
}

static struct code_set check_codes(const struct filter_node *n, bool negated)
{
	struct code_set codes = none;

	if (!is_event_type(n->left))
		return all();
	if (n->op == FILTER_OP_EXISTS)
		return negated ? none : all();
	if (!looks_at(n))
		return all();
	for (size_t i = 0; i < n->nvalues; i++)
		add_name(&codes, n->values[i].text);
	return negated != (n->op == FILTER_OP_NE) ? complement(codes) : codes;
}

static struct code_set node_codes(const struct filter_node *n, bool negated)
{
	if (n->kind == FILTER_LEAF || n->kind == FILTER_CHECK)
		return check_codes(n, negated);
	if (n->kind == FILTER_NOT)
		return node_codes(n->kids[0], !negated);

	/* De Morgan: under a negation "and" joins and "or" intersects. */
	bool intersect = (n->kind == FILTER_AND) != negated;
	struct code_set codes = intersect ? all() : none;

	for (size_t k = 0; k < n->nkids; k++) {
		struct code_set kid = node_codes(n->kids[k], negated);

		for (size_t i = 0; i < WORDS; i++)
			codes.words[i] = intersect ? codes.words[i] & kid.words[i] : codes.words[i] | kid.words[i];
	}
	return codes;
}

size_t breadth_count(const struct filter_node *node)
{
	struct code_set set = node_codes(node, false);

	return count(&set);
}
