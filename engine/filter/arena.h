/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given out piece by piece and freed all at once: a tree lives in one. Knows nothing of trees.
 */
#ifndef TERCEL_FILTER_ARENA_H
#define TERCEL_FILTER_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used, size;          /* of the newest */
};

/* Zeroed memory, aligned for any type; NULL without memory. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of `len` bytes with a NUL behind; NULL without memory. */
char *arena_strndup(struct arena *a, const char *text, size_t len);

void arena_free(struct arena *a);

#endif
