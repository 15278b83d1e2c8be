/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

void table_free(struct table *t)
{
	free(t->slots);
	*t = (struct table){0};
}

uint64_t table_hash(const void *bytes, size_t len)
{
	const unsigned char *s = bytes;
	/* 16 bytes of the kernel's, at an address that it hands over as a number. */
	const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM); // NOLINT(performance-no-int-to-ptr)
	uint64_t hash = UINT64_C(0xcbf29ce484222325), seed = 0;
	if (random)
		memcpy(&seed, random, sizeof(seed));
	hash ^= __builtin_bswap64(seed);
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ s[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

size_t table_find(const struct table *t, uint64_t hash, table_same *same, const void *ctx, const void *key)
{
	if (!t->cap)
		return TABLE_NONE;
	for (size_t i = hash & (t->cap - 1); t->slots[i].entry; i = (i + 1) & (t->cap - 1))
		if (t->slots[i].hash == hash && same(ctx, t->slots[i].entry - 1, key))
			return t->slots[i].entry - 1;
	return TABLE_NONE;
}

static void put(struct table *t, struct table_slot slot)
{
	size_t i = slot.hash & (t->cap - 1);
	while (t->slots[i].entry)
		i = (i + 1) & (t->cap - 1);
	t->slots[i] = slot;
	t->count++;
}

static int grow(struct table *t)
{
	struct table larger = {.cap = t->cap ? t->cap * 2 : 64};
	larger.slots = calloc(larger.cap, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].entry)
			put(&larger, t->slots[i]);
	table_free(t);
	*t = larger;
	return 0;
}

int table_add(struct table *t, uint64_t hash, size_t entry)
{
	/* Half of the slots stay free. */
	int error = t->count * 2 >= t->cap ? grow(t) : 0;
	if (!error)
		put(t, (struct table_slot){hash, entry + 1});
	return error;
}
