/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which definitions have a word in them: what must be compiled again when the word gets another meaning. Private to
 * engine/rules. Knows owners by number only.
 */
#ifndef TERCEL_RULES_DEPEND_H
#define TERCEL_RULES_DEPEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

/* That an owner has a word; those of the same word are chained. */
struct dependency {
	uint64_t word; /* its hash: two words of one hash cost a compilation too many */
	uint32_t owner;
	uint32_t next; /* number + 1 in `items`; 0: the last */
};

struct depend {
	struct dependency *items; /* owned */
	size_t count, cap;
	struct table words; /* the first of each chain */
};

void depend_free(struct depend *d);

/* 0 or -ENOMEM. */
int depend_add(struct depend *d, const char *word, size_t len, uint32_t owner);

/* Calls `visit` for each owner of the word, for some more than once. */
void depend_each(const struct depend *d, const char *word, void (*visit)(void *ctx, uint32_t owner), void *ctx);

#endif
