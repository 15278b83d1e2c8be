/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes counted repetitions out of a tree, in the way RE2 does before it compiles: the size of its program, and so what
 * it refuses as too large, follows from that. Changes nothing of what matches. Knows no syntax.
 */
#include "filter/regex_tree.h"

#include <errno.h>
#include <stdlib.h>

/* RE2 gives up on larger trees, before anything is repeated. */
enum { TREE_MAX = 1000000 };

struct simplifier {
	struct arena *arena;
	enum regex_release release;
	size_t nodes, max_nodes;
	bool expanding; /* the second pass: what is repeated no time is left out */
};

/* What is being walked. */
struct step {
	struct regex_node **slot;
	size_t next; /* kid to go to */
};

struct steps {
	struct step *items;
	size_t n, size;
};

static void steps_free(struct steps *s)
{
	free(s->items);
}

static int steps_push(struct steps *s, struct regex_node **slot)
{
	void *items = s->items;
	int r = regex_reserve(&items, &s->size, s->n + 1, sizeof(*s->items));

	s->items = items;
	if (!r)
		s->items[s->n++] = (struct step){.slot = slot};
	return r;
}

typedef int visitor(struct simplifier *s, struct regex_node **slot);

/* Calls `visit` for every node, kids first; it may replace the node. */
static int walk(struct simplifier *s, struct regex_node **root, visitor *visit)
{
	_cleanup_(steps_free) struct steps steps = {0};
	int r = steps_push(&steps, root);

	while (!r && steps.n > 0) {
		struct step *step = &steps.items[steps.n - 1];
		struct regex_node *node = *step->slot;
		bool skip = s->expanding && node->op == REGEX_REPEAT && node->max == 0;
		size_t nkids = skip ? 0 : regex_nkids(node);

		if (step->next < nkids) {
			size_t kid = step->next++;

			r = steps_push(&steps, node->op >= REGEX_CONCAT ? &node->kids[kid] : &node->kid);
		} else {
			steps.n--;
			r = visit(s, step->slot);
		}
	}
	return r;
}

/* --- First pass: repetitions of one character that follow each other become one --- */

static bool is_repetition(const struct regex_node *node)
{
	return node->op >= REGEX_STAR && node->op <= REGEX_REPEAT;
}

/* How many of the runes at the beginning of the literal are the character that is repeated. */
static size_t leading_copies(const struct regex_node *literal, const struct regex_node *character)
{
	size_t n = 0;

	if (literal->op != REGEX_LITERAL || character->op != REGEX_LITERAL || literal->fold != character->fold)
		return 0;
	while (n < literal->n && literal->runes[n] == character->runes[0])
		n++;
	return n;
}

static bool can_coalesce(const struct regex_node *a, const struct regex_node *b)
{
	if (!is_repetition(a) || !regex_is_character(a->kid))
		return false;
	return (is_repetition(b) && regex_same_simple(a->kid, b->kid)) || regex_same_simple(a->kid, b) ||
	       leading_copies(b, a->kid) > 0;
}

static void bounds(const struct regex_node *node, int *min, int *max)
{
	*min = node->op == REGEX_PLUS ? 1 : node->op == REGEX_REPEAT ? node->min : 0;
	*max = node->op == REGEX_QUEST ? 1 : node->op == REGEX_REPEAT ? node->max : -1;
}

/* b, a repetition or a number of characters, goes into the repetition a. What is left of b is *b, before it a or
 * nothing. */
static int coalesce(struct simplifier *s, struct regex_node **a, struct regex_node **b)
{
	struct regex_node *one = regex_new_unary(s->arena, REGEX_REPEAT, (*a)->kid);
	struct regex_node *empty = regex_new(s->arena, REGEX_EMPTY);
	size_t copies = leading_copies(*b, (*a)->kid);
	int min, max;

	if (!one || !empty)
		return -ENOMEM;
	bounds(*a, &one->min, &one->max);
	if (is_repetition(*b)) {
		bounds(*b, &min, &max);
	} else {
		min = max = copies ? (int)copies : 1;
	}
	one->min += min;
	one->max = one->max == -1 || max == -1 ? -1 : one->max + max;
	if (copies > 0 && copies < (*b)->n) {
		(*b)->runes += copies;
		(*b)->n -= copies;
		*a = one;
	} else {
		*a = empty;
		*b = one;
	}
	return 0;
}

static int coalesce_kids(struct simplifier *s, struct regex_node **slot)
{
	struct regex_node *node = *slot;
	bool changed = false;
	size_t out = 0;

	if (++s->nodes > TREE_MAX)
		return -E2BIG;
	if (node->op != REGEX_CONCAT)
		return 0;
	for (size_t i = 0; i + 1 < node->n; i++) {
		if (!can_coalesce(node->kids[i], node->kids[i + 1]))
			continue;
		int r = coalesce(s, &node->kids[i], &node->kids[i + 1]);

		if (r)
			return r;
		changed = true;
	}
	if (!changed)
		return 0;
	for (size_t i = 0; i < node->n; i++)
		if (node->kids[i]->op != REGEX_EMPTY)
			node->kids[out++] = node->kids[i];
	node->n = out;
	return 0;
}

/* --- Second pass: x{2,4} becomes xx(x(x)?)? --- */

/* A repetition of a repetition is one. */
static struct regex_node *repeated(struct simplifier *s, enum regex_op op, struct regex_node *kid)
{
	if (kid->op == op || kid->op == REGEX_STAR)
		return kid;
	if (kid->op == REGEX_PLUS || kid->op == REGEX_QUEST)
		return regex_new_unary(s->arena, REGEX_STAR, kid->kid);
	return regex_new_unary(s->arena, op, kid);
}

static bool is_anchor(const struct regex_node *node)
{
	return node->op == REGEX_LINE_BEGIN || node->op == REGEX_LINE_END;
}

static bool only_anchors(const struct regex_node *node)
{
	if (node->op < REGEX_CONCAT)
		return is_anchor(node);
	for (size_t i = 0; i < node->n; i++)
		if (!is_anchor(node->kids[i]))
			return false;
	return true;
}

/* `n` times `kid`, then `last` if that is not NULL. */
static struct regex_node *copies_of(struct simplifier *s, struct regex_node *kid, size_t n, struct regex_node *last)
{
	_autofree_ struct regex_node **all = calloc(n + 1, sizeof(struct regex_node *));

	if (!all)
		return NULL;
	for (size_t i = 0; i < n; i++)
		all[i] = kid;
	all[n] = last;
	return regex_join(s->arena, REGEX_CONCAT, all, n + (last != NULL));
}

/* Up to n times `kid`, n > 0: each inside the one before, so that few parts are active at a time. */
static struct regex_node *up_to(struct simplifier *s, struct regex_node *kid, int n)
{
	struct regex_node *all = repeated(s, REGEX_QUEST, kid);

	for (int i = 1; i < n && all; i++) {
		struct regex_node *pair[2] = {kid, all};

		all = regex_join(s->arena, REGEX_CONCAT, pair, 2);
		all = all ? repeated(s, REGEX_QUEST, all) : NULL;
	}
	return all;
}

static struct regex_node *expand(struct simplifier *s, struct regex_node *kid, int min, int max)
{
	if (max == -1) {
		struct regex_node *last = repeated(s, min ? REGEX_PLUS : REGEX_STAR, kid);

		return min > 1 && last ? copies_of(s, kid, (size_t)min - 1, last) : last;
	}
	struct regex_node *parts[2] = {min ? copies_of(s, kid, (size_t)min, NULL) : NULL, NULL};

	if (max == min || (min && !parts[0]))
		return parts[0];
	parts[1] = up_to(s, kid, max - min);
	if (!min || !parts[1])
		return parts[1];
	return regex_join(s->arena, REGEX_CONCAT, parts, 2);
}

static int simplify(struct simplifier *s, struct regex_node **slot)
{
	struct regex_node *node = *slot;

	if (!is_repetition(node))
		return 0;
	if (node->op == REGEX_REPEAT && node->max == 0) {
		*slot = regex_new(s->arena, REGEX_EMPTY);
		return *slot ? 0 : -ENOMEM;
	}
	if (node->kid->op == REGEX_EMPTY || node->kid->op == node->op) {
		*slot = node->kid;
		return 0;
	}
	if (node->op != REGEX_REPEAT)
		return 0;
	int min = node->min, max = node->max;

	if (s->release != REGEX_RE2_2022 && only_anchors(node->kid)) {
		min = min > 1 ? 1 : min;
		max = max > 1 ? 1 : max;
	}
	/* Each copy will be a node of its own to RE2's compiler, so that there is no need to make more of them. */
	s->nodes += (size_t)(max > min ? max : min);
	if (s->nodes > s->max_nodes)
		return -E2BIG;
	*slot = expand(s, node->kid, min, max);
	return *slot ? 0 : -ENOMEM;
}

int regex_simplify(struct arena *arena, enum regex_release release, struct regex_node **root, size_t max_nodes)
{
	struct simplifier s = {.arena = arena, .release = release, .max_nodes = max_nodes};
	int r = walk(&s, root, coalesce_kids);

	s.nodes = 0;
	s.expanding = true;
	return r ? r : walk(&s, root, simplify);
}
