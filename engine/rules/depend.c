/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/depend.h"

#include <errno.h>
#include <string.h>

void depend_free(struct depend *d)
{
	free(d->items);
	table_free(&d->words);
	*d = (struct depend){0};
}

static bool same_word(const void *ctx, size_t entry, const void *key)
{
	return ((const struct depend *)ctx)->items[entry].word == *(const uint64_t *)key;
}

static size_t first_of(const struct depend *d, uint64_t word)
{
	return table_find(&d->words, word, same_word, d, &word);
}

int depend_add(struct depend *d, const char *word, size_t len, uint32_t owner)
{
	uint64_t hash = table_hash(word, len);
	size_t first = first_of(d, hash);

	/* The owner that was added last comes second. */
	if (first != TABLE_NONE) {
		const struct dependency *head = &d->items[first];

		if (head->owner == owner || (head->next && d->items[head->next - 1].owner == owner))
			return 0;
	}
	if (d->count >= UINT32_MAX - 1)
		return -ENOMEM;
	if (d->count == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 1024;
		struct dependency *grown = realloc(d->items, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		d->items = grown;
		d->cap = cap;
	}
	d->items[d->count] = (struct dependency){.word = hash, .owner = owner};
	if (first == TABLE_NONE)
		return table_add(&d->words, hash, d->count++);
	d->items[d->count].next = d->items[first].next;
	d->items[first].next = (uint32_t)++d->count;
	return 0;
}

void depend_each(const struct depend *d, const char *word, void (*visit)(void *ctx, uint32_t owner), void *ctx)
{
	size_t i = first_of(d, table_hash(word, strlen(word)));

	if (i == TABLE_NONE)
		return;
	for (size_t next = i + 1; next; next = d->items[next - 1].next)
		visit(ctx, d->items[next - 1].owner);
}
