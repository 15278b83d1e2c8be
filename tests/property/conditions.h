/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random conditions about some decision points, and making them smaller. Knows which fields are worth asking about
 * where; not what they mean.
 */
#ifndef TERCEL_TESTS_PROPERTY_CONDITIONS_H
#define TERCEL_TESTS_PROPERTY_CONDITIONS_H

#include "world.h"

struct expr {
	char op; /* '&', '|', '!', or 'l': a leaf */
	char *leaf;
	struct expr *kids[3];
	size_t nkids;
};

/* Points that see the like: 1 << enum tercel_point. */
uint32_t points_random(struct random *r);

struct expr *expr_random(struct random *r, unsigned int depth, uint32_t points);
/* The same about one event type of the points', as rules are. */
struct expr *expr_of_one_event(struct random *r, unsigned int depth, uint32_t points);
/* The expression, which is taken over, and one more comparison. */
struct expr *expr_and(struct expr *e, const char *leaf);
void expr_free(struct expr *e);
struct expr *expr_copy(const struct expr *e);
void expr_print(struct buf *out, const struct expr *e);
size_t expr_size(const struct expr *e);
/* The copy of `e` with its node number `n` replaced by that node's kid number `kid`. NULL if there is none. */
struct expr *expr_shrink(const struct expr *e, size_t n, size_t kid);

#endif
