/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building: a trie over byte classes, failure links breadth first, the full transition function row by row, and the
 * placement of each row's own entries into the shared table (first fit).
 */
#include "policy/automaton.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/match.h"

struct builder {
	uint32_t nclasses;
	uint32_t nstates, cap;
	uint32_t *delta; /* nstates × nclasses; 0 while a trie edge is missing */
	uint32_t *fail;
	uint32_t *queue;
	struct outputs {
		uint32_t *ids;
		size_t n;
	} *outputs;
};

static void builder_free(struct builder *b)
{
	for (uint32_t s = 0; b->outputs && s < b->nstates; s++)
		free(b->outputs[s].ids);
	free(b->outputs);
	free(b->delta);
	free(b->fail);
	free(b->queue);
}

/* No value holds a NUL, so a pattern with one never matches, and NUL shares the class of the bytes that no pattern has.
 */
static bool never_matches(const struct pattern *p)
{
	return memchr(p->bytes, 0, p->len) != NULL;
}

static int assign_classes(struct automaton *a, const struct pattern *patterns, size_t n)
{
	bool used[256] = {false};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < patterns[i].len; k++)
			used[(uint8_t)patterns[i].bytes[k]] = true;
	a->nclasses = MATCH_CLASS_FIRST;
	for (unsigned int c = 1; c < 256; c++) {
		if (!used[c])
			continue;
		/* A class is a byte. A class shared by two bytes of patterns would match what no pattern says. */
		if (a->nclasses > UINT8_MAX)
			return -E2BIG;
		a->classes[c] = (uint8_t)a->nclasses++;
	}
	return 0;
}

static int add_state(struct builder *b, uint32_t *state)
{
	if (b->nstates == b->cap) {
		uint32_t cap = b->cap ? b->cap * 2 : 64;
		uint32_t *delta;
		struct outputs *outputs;

		if (b->nstates >= AUTOMATON_STATES_MAX)
			return -E2BIG;
		delta = realloc(b->delta, (size_t)cap * b->nclasses * sizeof(*delta));
		if (!delta)
			return -ENOMEM;
		b->delta = delta;
		outputs = realloc(b->outputs, cap * sizeof(*outputs));
		if (!outputs)
			return -ENOMEM;
		memset(outputs + b->cap, 0, (cap - b->cap) * sizeof(*outputs));
		b->outputs = outputs;
		b->cap = cap;
	}
	memset(b->delta + (size_t)b->nstates * b->nclasses, 0, b->nclasses * sizeof(*b->delta));
	*state = b->nstates++;
	return 0;
}

static int add_output(struct outputs *o, uint32_t id)
{
	uint32_t *ids = realloc(o->ids, (o->n + 1) * sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	o->ids = ids;
	ids[o->n++] = id;
	return 0;
}

static int step(struct builder *b, uint32_t *state, uint32_t class)
{
	uint32_t next = b->delta[(size_t)*state * b->nclasses + class];
	int r;

	if (!next) {
		r = add_state(b, &next);
		if (r)
			return r;
		b->delta[(size_t)*state * b->nclasses + class] = next;
	}
	*state = next;
	return 0;
}

static int add_pattern(struct builder *b, const struct automaton *a, const struct pattern *p)
{
	uint32_t state = 0;
	int r = 0;

	if (p->anchors & PATTERN_BEGIN)
		r = step(b, &state, MATCH_CLASS_BEGIN);
	for (size_t i = 0; !r && i < p->len; i++)
		r = step(b, &state, a->classes[(uint8_t)p->bytes[i]]);
	if (!r && p->anchors & PATTERN_END)
		r = step(b, &state, MATCH_CLASS_END);
	return r ? r : add_output(&b->outputs[state], p->id);
}

static int compare_ids(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

static int inherit_outputs(struct builder *b, uint32_t state)
{
	const struct outputs *from = &b->outputs[b->fail[state]];
	struct outputs *to = &b->outputs[state];
	size_t kept = 0;

	for (size_t i = 0; i < from->n; i++)
		if (add_output(to, from->ids[i]))
			return -ENOMEM;
	if (to->n)
		qsort(to->ids, to->n, sizeof(*to->ids), compare_ids);
	for (size_t i = 0; i < to->n; i++)
		if (!kept || to->ids[kept - 1] != to->ids[i])
			to->ids[kept++] = to->ids[i];
	to->n = kept;
	return 0;
}

/* Breadth first, so that a state's failure state, which is nearer to the root, is complete before it is used. */
static int make_deterministic(struct builder *b)
{
	uint32_t head = 0, tail = 0;

	b->fail = calloc(b->nstates, sizeof(*b->fail));
	b->queue = calloc(b->nstates, sizeof(*b->queue));
	if (!b->fail || !b->queue)
		return -ENOMEM;
	for (uint32_t c = 0; c < b->nclasses; c++)
		if (b->delta[c])
			b->queue[tail++] = b->delta[c];
	while (head < tail) {
		uint32_t s = b->queue[head++];
		uint32_t *row = b->delta + (size_t)s * b->nclasses;
		const uint32_t *fail_row = b->delta + (size_t)b->fail[s] * b->nclasses;

		if (inherit_outputs(b, s))
			return -ENOMEM;
		for (uint32_t c = 0; c < b->nclasses; c++) {
			if (row[c]) {
				b->fail[row[c]] = fail_row[c];
				b->queue[tail++] = row[c];
			} else {
				row[c] = fail_row[c];
			}
		}
	}
	return 0;
}

static int grow_rows(struct automaton *a, uint32_t need)
{
	uint32_t n = a->nrows ? a->nrows : 1024;
	struct automaton_row *rows;

	if (need <= a->nrows)
		return 0;
	while (n < need)
		n *= 2;
	rows = realloc(a->rows, n * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	memset(rows + a->nrows, 0, (n - a->nrows) * sizeof(*rows));
	a->rows = rows;
	a->nrows = n;
	return 0;
}

/* First fit from the first place that may be free on; `hint` only moves forward, so that full regions are not searched
 * again. */
static int place_row(struct automaton *a, const uint32_t *row, uint32_t state, uint32_t *hint, uint32_t *end)
{
	uint32_t first = UINT32_MAX;

	for (uint32_t c = 0; c < a->nclasses; c++)
		if (row[c] != a->root[c] && first == UINT32_MAX)
			first = c;
	if (first == UINT32_MAX)
		return 0;
	for (uint32_t base = *hint > first ? *hint - first : 0;; base++) {
		bool fits = true;

		if (grow_rows(a, base + a->nclasses))
			return -ENOMEM;
		for (uint32_t c = first; fits && c < a->nclasses; c++)
			fits = row[c] == a->root[c] || !a->rows[base + c].check;
		if (!fits)
			continue;
		for (uint32_t c = first; c < a->nclasses; c++)
			if (row[c] != a->root[c])
				a->rows[base + c] = (struct automaton_row){.check = state + 1, .next = row[c]};
		a->base[state] = base;
		if (base + a->nclasses > *end)
			*end = base + a->nclasses;
		break;
	}
	while (*hint < a->nrows && a->rows[*hint].check)
		(*hint)++;
	return 0;
}

static int compact(struct automaton *a, const struct builder *b)
{
	uint32_t hint = 0, end = b->nclasses;
	size_t total = 0;

	a->nstates = b->nstates;
	a->root = calloc(b->nclasses, sizeof(*a->root));
	a->base = calloc(b->nstates, sizeof(*a->base));
	a->first = calloc(b->nstates + 1, sizeof(*a->first));
	for (uint32_t s = 0; s < b->nstates; s++)
		total += b->outputs[s].n;
	a->ids = calloc(total + 1, sizeof(*a->ids));
	if (!a->root || !a->base || !a->first || !a->ids || grow_rows(a, b->nclasses))
		return -ENOMEM;
	memcpy(a->root, b->delta, b->nclasses * sizeof(*a->root));
	total = 0;
	for (uint32_t s = 0; s < b->nstates; s++) {
		if (place_row(a, b->delta + (size_t)s * b->nclasses, s, &hint, &end))
			return -ENOMEM;
		for (size_t i = 0; i < b->outputs[s].n; i++)
			a->ids[total++] = b->outputs[s].ids[i];
		a->first[s + 1] = (uint32_t)total;
	}
	a->nrows = end;
	return 0;
}

int automaton_build(struct automaton *out, const struct pattern *patterns, size_t n)
{
	struct automaton a = {0};
	struct builder b = {0};
	uint32_t state;
	int r;

	r = assign_classes(&a, patterns, n);
	if (r)
		return r;
	b.nclasses = a.nclasses;
	r = add_state(&b, &state);
	for (size_t i = 0; !r && i < n; i++)
		if (!never_matches(&patterns[i]))
			r = add_pattern(&b, &a, &patterns[i]);
	if (!r)
		r = make_deterministic(&b);
	if (!r)
		r = compact(&a, &b);
	builder_free(&b);
	if (r) {
		automaton_free(&a);
		return r;
	}
	*out = a;
	return 0;
}

void automaton_free(struct automaton *a)
{
	free(a->root);
	free(a->base);
	free(a->ids);
	free(a->first);
	free(a->rows);
	*a = (struct automaton){0};
}
