/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes, classes of characters, and characters as bytes. Knows no syntax.
 */
#include "filter/regex_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct regex_node *regex_new(struct arena *arena, enum regex_op op)
{
	struct regex_node *node = arena_alloc(arena, sizeof(*node));

	if (node) {
		node->op = op;
		node->copies = 1;
	}
	return node;
}

struct regex_node *regex_new_literal(struct arena *arena, uint32_t *runes, size_t n, bool fold)
{
	struct regex_node *node = regex_new(arena, n ? REGEX_LITERAL : REGEX_EMPTY);

	if (node) {
		node->fold = n && fold;
		node->runes = runes;
		node->n = n;
	}
	return node;
}

struct regex_node *regex_new_unary(struct arena *arena, enum regex_op op, struct regex_node *kid)
{
	struct regex_node *node = regex_new(arena, op);

	if (node) {
		node->n = 1;
		node->kid = kid;
		node->copies = kid->copies;
	}
	return node;
}

static struct regex_node *join_flat(struct arena *arena, enum regex_op op, struct regex_node *const *kids, size_t n)
{
	if (n == 1)
		return kids[0];
	struct regex_node *node = regex_new(arena, op);

	if (!node)
		return NULL;
	node->kids = arena_alloc(arena, n * sizeof(struct regex_node *));
	if (!node->kids)
		return NULL;
	node->n = n;
	for (size_t i = 0; i < n; i++) {
		node->kids[i] = kids[i];
		if (kids[i]->copies > node->copies)
			node->copies = kids[i]->copies;
	}
	return node;
}

struct regex_node *regex_join(struct arena *arena, enum regex_op op, struct regex_node *const *kids, size_t n)
{
	size_t nparts = (n + REGEX_KIDS_MAX - 1) / REGEX_KIDS_MAX;

	if (nparts == 1)
		return join_flat(arena, op, kids, n);
	_autofree_ struct regex_node **parts = calloc(nparts, sizeof(struct regex_node *));

	if (!parts)
		return NULL;
	for (size_t i = 0; i < nparts; i++) {
		size_t first = i * REGEX_KIDS_MAX, left = n - first;

		parts[i] = join_flat(arena, op, kids + first, left < REGEX_KIDS_MAX ? left : REGEX_KIDS_MAX);
		if (!parts[i])
			return NULL;
	}
	return join_flat(arena, op, parts, nparts);
}

static bool same_character(const struct regex_node *a, const struct regex_node *b)
{
	if (a->op != b->op || a->n != b->n || !regex_is_character(a))
		return false;
	if (a->op == REGEX_LITERAL)
		return a->fold == b->fold && a->runes[0] == b->runes[0];
	return a->n == 0 || memcmp(a->ranges, b->ranges, a->n * sizeof(*a->ranges)) == 0;
}

bool regex_same_simple(const struct regex_node *a, const struct regex_node *b)
{
	if (a->op != b->op)
		return false;
	if (a->op == REGEX_LINE_BEGIN || a->op == REGEX_LINE_END)
		return true;
	if (a->op == REGEX_REPEAT)
		return a->min == b->min && a->max == b->max && same_character(a->kid, b->kid);
	return same_character(a, b);
}

int regex_reserve(void **array, size_t *size, size_t want, size_t element)
{
	if (want <= *size)
		return 0;
	size_t grown = *size < 16 ? 16 : *size * 2;
	void *p = reallocarray(*array, grown < want ? want : grown, element);

	if (!p)
		return -ENOMEM;
	*array = p;
	*size = grown < want ? want : grown;
	return 0;
}

int regex_ranges_add(struct regex_ranges *r, uint32_t lo, uint32_t hi)
{
	void *items = r->items;
	int error = regex_reserve(&items, &r->size, r->n + 1, sizeof(*r->items));

	r->items = items;
	if (!error)
		r->items[r->n++] = (struct regex_range){.lo = lo, .hi = hi};
	return error;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct regex_range *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

void regex_ranges_normalize(struct regex_ranges *r)
{
	size_t n = 0;

	if (r->n == 0)
		return;
	qsort(r->items, r->n, sizeof(*r->items), compare_ranges);
	for (size_t i = 1; i < r->n; i++) {
		const struct regex_range *next = &r->items[i];
		struct regex_range *last = &r->items[n];

		if (next->lo > last->hi + 1)
			r->items[++n] = *next;
		else if (next->hi > last->hi)
			last->hi = next->hi;
	}
	r->n = n + 1;
}

int regex_ranges_negate(struct regex_ranges *r)
{
	_autoranges_ struct regex_ranges rest = {0};
	uint32_t next = 0;
	int error = 0;

	for (size_t i = 0; i < r->n && !error; i++) {
		if (next < r->items[i].lo)
			error = regex_ranges_add(&rest, next, r->items[i].lo - 1);
		next = r->items[i].hi + 1;
	}
	if (next <= REGEX_RUNE_MAX && !error)
		error = regex_ranges_add(&rest, next, REGEX_RUNE_MAX);
	if (error)
		return error;
	struct regex_ranges old = *r;

	*r = rest;
	rest = old;
	return 0;
}

void regex_ranges_free(struct regex_ranges *r)
{
	free(r->items);
	*r = (struct regex_ranges){0};
}

struct regex_node *regex_new_class(struct arena *arena, const struct regex_ranges *r)
{
	struct regex_node *node = regex_new(arena, REGEX_CLASS);

	if (!node || r->n == 0)
		return node;
	node->ranges = arena_alloc(arena, r->n * sizeof(*r->items));
	if (!node->ranges)
		return NULL;
	memcpy(node->ranges, r->items, r->n * sizeof(*r->items));
	node->n = r->n;
	return node;
}

size_t regex_encode(uint32_t rune, uint8_t bytes[REGEX_UTF8_MAX])
{
	static const uint8_t marks[] = {0, 0xc0, 0xe0, 0xf0};
	size_t more = rune < 0x80 ? 0 : rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;

	bytes[0] = (uint8_t)(marks[more] | rune >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		bytes[i] = (uint8_t)(0x80 | (rune >> (6 * (more - i)) & 0x3f));
	return more + 1;
}

/* How much of lo to hi has one byte sequence that describes it: the highest code point of that part. */
static uint32_t first_part(uint32_t lo, uint32_t hi)
{
	static const uint32_t last_of_length[] = {0x7f, 0x7ff, 0xffff};

	for (size_t i = 0; i < sizeof(last_of_length) / sizeof(*last_of_length); i++)
		if (lo <= last_of_length[i] && last_of_length[i] < hi) {
			hi = last_of_length[i];
			break;
		}
	if (hi < 0x80)
		return hi;
	/* Where the upper bytes differ, the lower ones must run from first to last. */
	for (unsigned int bits = 6; bits < 6 * REGEX_UTF8_MAX; bits += 6) {
		uint32_t low = (UINT32_C(1) << bits) - 1;

		if ((lo & ~low) == (hi & ~low))
			break;
		if (lo & low)
			return lo | low;
		if ((hi & low) != low)
			hi = (hi & ~low) - 1;
	}
	return hi;
}

int regex_split(uint32_t lo, uint32_t hi, int (*visit)(void *ctx, const struct regex_sequence *s), void *ctx)
{
	static const struct regex_sequence all[] = {
	        {.n = 2, .lo = {0xc2, 0x80}, .hi = {0xdf, 0xbf}},
	        {.n = 3, .lo = {0xe0, 0x80, 0x80}, .hi = {0xef, 0xbf, 0xbf}},
	        {.n = 4, .lo = {0xf0, 0x80, 0x80, 0x80}, .hi = {0xf4, 0xbf, 0xbf, 0xbf}},
	};
	int r = 0;

	while (lo <= hi && r == 0) {
		if (lo == 0x80 && hi == REGEX_RUNE_MAX) {
			for (size_t i = 0; i < sizeof(all) / sizeof(*all) && r == 0; i++)
				r = visit(ctx, &all[i]);
			return r;
		}
		struct regex_sequence s;
		uint32_t end = first_part(lo, hi);

		s.n = regex_encode(lo, s.lo);
		(void)regex_encode(end, s.hi);
		r = visit(ctx, &s);
		lo = end + 1;
	}
	return r;
}
