/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growing image, and its lists of atoms and rules. Equal lists are written once.
 */
#include "policy/image_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ULL;
	return hash;
}

uint32_t image_append(struct builder *b, const void *bytes, size_t len)
{
	static const uint8_t zero[8];
	uint32_t off;

	buf_add(&b->out, zero, -b->out.len & 7);
	off = (uint32_t)b->out.len;
	buf_add(&b->out, bytes, len);
	return off;
}

static void grow_buckets(struct builder *b)
{
	struct list_table *t = &b->lists;
	size_t n = t->nbuckets ? t->nbuckets * 2 : 1024;
	uint32_t *buckets = calloc(n, sizeof(*buckets));
	struct list_ref *lists = realloc(t->lists, n / 2 * sizeof(*lists));

	if (lists)
		t->lists = lists;
	if (!buckets || !lists) {
		free(buckets);
		b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < t->n; i++) {
		size_t at = t->lists[i].hash & (n - 1);

		while (buckets[at])
			at = (at + 1) & (n - 1);
		buckets[at] = (uint32_t)i + 1;
	}
	free(t->buckets);
	t->buckets = buckets;
	t->nbuckets = n;
}

/* The offset of a list of these bytes. */
static uint32_t intern(struct builder *b, const void *bytes, size_t size)
{
	struct list_table *t = &b->lists;
	uint64_t hash = hash_bytes(HASH_START, bytes, size);
	size_t at;

	if (t->n * 2 >= t->nbuckets)
		grow_buckets(b);
	if (b->error)
		return 0;
	for (at = hash & (t->nbuckets - 1); t->buckets[at]; at = (at + 1) & (t->nbuckets - 1)) {
		const struct list_ref *l = &t->lists[t->buckets[at] - 1];

		if (l->hash == hash && l->size == size && memcmp(b->out.data + l->off, bytes, size) == 0)
			return l->off;
	}
	t->lists[t->n] = (struct list_ref){.hash = hash, .size = (uint32_t)size, .off = image_append(b, bytes, size)};
	t->buckets[at] = (uint32_t)++t->n;
	if (buf_error(&b->out))
		b->error = -ENOMEM;
	return b->error ? 0 : t->lists[t->n - 1].off;
}

static uint32_t add_pairs(struct match_pair *pairs, const uint64_t *words, size_t nwords)
{
	uint32_t n = 0;

	for (size_t w = 0; w < nwords; w++)
		if (words[w])
			pairs[n++] = (struct match_pair){.mask = words[w], .word = w};
	return n;
}

static uint32_t write_list(struct builder *b, const uint64_t *atoms, const uint64_t *rules)
{
	struct {
		struct match_list_head head;
		struct match_pair pairs[TERCEL_ATOM_WORDS + TERCEL_RULE_WORDS];
	} list;

	memset(&list, 0, sizeof(list));
	list.head.atoms = add_pairs(list.pairs, atoms, b->atom_words);
	list.head.rules = add_pairs(list.pairs + list.head.atoms, rules, b->rule_words);
	if (!list.head.atoms && !list.head.rules)
		return 0;
	return intern(b, &list, sizeof(list.head) + (list.head.atoms + list.head.rules) * sizeof(struct match_pair));
}

uint32_t image_write_list(struct builder *b, const uint32_t *bits, size_t n)
{
	uint64_t atoms[TERCEL_ATOM_WORDS] = {0}, rules[TERCEL_RULE_WORDS] = {0};

	for (size_t i = 0; i < n; i++) {
		const struct waiting *w = &b->waiting[bits[i]];

		image_set_bit(atoms, bits[i]);
		for (size_t r = 0; r < w->n; r++)
			image_set_bit(rules, w->rules[r]);
	}
	return write_list(b, atoms, rules);
}

uint32_t image_write_rules(struct builder *b, const uint64_t *rules)
{
	static const uint64_t none[TERCEL_ATOM_WORDS];

	return write_list(b, none, rules);
}
