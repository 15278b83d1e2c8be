/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory freed all at once. Knows nothing of what is kept in it.
 */
#include "filter/arena.h"

#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	max_align_t data[];
};

enum { BLOCK_SIZE = 4096 };

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = sizeof(max_align_t);
	size_t rounded = (size + align - 1) / align * align;

	if (rounded < size)
		return NULL;
	if (!a->blocks || rounded > a->size - a->used) {
		size_t want = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;
		struct arena_block *b = calloc(1, sizeof(*b) + want);

		if (!b)
			return NULL;
		b->next = a->blocks;
		a->blocks = b;
		a->used = 0;
		a->size = want;
	}
	void *p = (char *)a->blocks->data + a->used;

	a->used += rounded;
	return p;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->used = a->size = 0;
}
