/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upstream rule files, if they are at hand ($TERCEL_SHARED, or ../shared beside the source tree), and operations
 * with words of theirs.
 */
#ifndef TERCEL_TESTS_PROPERTY_UPSTREAM_H
#define TERCEL_TESTS_PROPERTY_UPSTREAM_H

#include "rules/rules.h"
#include "world.h"

struct upstream_words {
	const char **words;
	uint32_t n;
};

struct upstream {
	struct rules *rules;
	const struct filter_node **roots;
	const char **names; /* of the rules */
	size_t n;
	struct upstream_words programs, paths, others;
};

/* 0, -ENOENT if there are none, or -errno. */
int upstream_load(struct upstream **out);
void upstream_free(struct upstream *u);

/* Puts words of the rules into a random world. */
void upstream_spice(const struct upstream *u, struct world *w, struct random *r);

#endif
