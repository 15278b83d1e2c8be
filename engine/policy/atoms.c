/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of atoms: each is kept under a key of bytes that says all of it, so that equality and order are memcmp's.
 */
#include "policy/atoms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct entry {
	struct atom atom;
	struct buf key;
	uint64_t hash;
};

struct atoms {
	struct entry **entries;
	size_t count, cap;
	uint32_t *buckets; /* id + 1; 0: free. Open addressing, at most half full */
	size_t nbuckets;   /* a power of two */
	uint32_t *order;
	size_t norder;
};

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->atom.ntexts; i++)
		free((char *)e->atom.texts[i].bytes);
	free(e->atom.texts);
	free(e->atom.ranges);
	buf_free(&e->key);
	free(e);
}

static void cleanup_entry(struct entry **e)
{
	entry_free(*e);
}

int atoms_new(struct atoms **out)
{
	struct atoms *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	*out = a;
	return 0;
}

void atoms_free(struct atoms *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->count; i++)
		entry_free(a->entries[i]);
	free(a->entries);
	free(a->buckets);
	free(a->order);
	free(a);
}

static int compare_texts(const void *x, const void *y)
{
	const struct atom_text *a = x, *b = y;
	int order = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_ranges(const void *x, const void *y)
{
	const struct atom_range *a = x, *b = y;
	int order = compare_u64(a->domain, b->domain);

	if (!order)
		order = compare_u64(a->from_high, b->from_high);
	if (!order)
		order = compare_u64(a->from_low, b->from_low);
	if (!order)
		order = compare_u64(a->to_high, b->to_high);
	if (!order)
		order = compare_u64(a->to_low, b->to_low);
	return order;
}

static int copy_texts(struct atom *to, const struct atom *from)
{
	size_t kept = 0;

	to->texts = calloc(from->ntexts, sizeof(*to->texts));
	if (!to->texts)
		return -ENOMEM;
	for (size_t i = 0; i < from->ntexts; i++) {
		char *bytes = malloc(from->texts[i].len + 1);

		if (!bytes)
			return -ENOMEM;
		memcpy(bytes, from->texts[i].bytes, from->texts[i].len);
		bytes[from->texts[i].len] = 0;
		to->texts[i] = (struct atom_text){.bytes = bytes, .len = from->texts[i].len};
		to->ntexts = i + 1;
	}
	qsort(to->texts, to->ntexts, sizeof(*to->texts), compare_texts);
	for (size_t i = 0; i < to->ntexts; i++) {
		if (kept && compare_texts(&to->texts[kept - 1], &to->texts[i]) == 0)
			free((char *)to->texts[i].bytes);
		else
			to->texts[kept++] = to->texts[i];
	}
	to->ntexts = kept;
	return 0;
}

static int copy_ranges(struct atom *to, const struct atom *from)
{
	to->ranges = calloc(from->nranges, sizeof(*to->ranges));
	if (!to->ranges)
		return -ENOMEM;
	memcpy(to->ranges, from->ranges, from->nranges * sizeof(*to->ranges));
	to->nranges = from->nranges;
	qsort(to->ranges, to->nranges, sizeof(*to->ranges), compare_ranges);
	return 0;
}

/* Big-endian, so that keys sort as their numbers do. */
static void key_number(struct buf *key, uint64_t v)
{
	uint64_t be = __builtin_bswap64(v);

	buf_add(key, &be, sizeof(be));
}

static void make_key(struct entry *e)
{
	const struct atom *a = &e->atom;

	key_number(&e->key, a->domain);
	key_number(&e->key, a->level);
	key_number(&e->key, a->test);
	key_number(&e->key, a->fold);
	key_number(&e->key, a->bits);
	key_number(&e->key, a->ntexts);
	for (size_t i = 0; i < a->ntexts; i++) {
		key_number(&e->key, a->texts[i].len);
		buf_add(&e->key, a->texts[i].bytes, a->texts[i].len);
	}
	for (size_t i = 0; i < a->nranges; i++) {
		key_number(&e->key, a->ranges[i].domain);
		key_number(&e->key, a->ranges[i].from_high);
		key_number(&e->key, a->ranges[i].from_low);
		key_number(&e->key, a->ranges[i].to_high);
		key_number(&e->key, a->ranges[i].to_low);
	}
	e->hash = 0xcbf29ce484222325ULL; /* FNV-1a */
	for (size_t i = 0; i < e->key.len; i++)
		e->hash = (e->hash ^ (uint8_t)e->key.data[i]) * 0x100000001b3ULL;
}

static int entry_new(struct entry **out, const struct atom *model)
{
	_cleanup_(cleanup_entry) struct entry *e = calloc(1, sizeof(*e));
	int r = 0;

	if (!e)
		return -ENOMEM;
	e->atom = (struct atom){.domain = model->domain,
	                        .level = model->level,
	                        .test = model->test,
	                        .fold = model->fold,
	                        .bits = model->bits};
	if (model->ntexts)
		r = copy_texts(&e->atom, model);
	if (!r && model->nranges)
		r = copy_ranges(&e->atom, model);
	if (r)
		return r;
	make_key(e);
	r = buf_error(&e->key);
	if (r)
		return r;
	*out = TAKE_PTR(e);
	return 0;
}

static int grow(struct atoms *a)
{
	size_t n = a->nbuckets ? a->nbuckets * 2 : 256;
	uint32_t *buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < a->count; i++) {
		size_t at = a->entries[i]->hash & (n - 1);

		while (buckets[at])
			at = (at + 1) & (n - 1);
		buckets[at] = (uint32_t)i + 1;
	}
	free(a->buckets);
	a->buckets = buckets;
	a->nbuckets = n;
	return 0;
}

int atoms_add(struct atoms *a, const struct atom *model, uint32_t *id)
{
	_cleanup_(cleanup_entry) struct entry *e = NULL;
	size_t at;
	int r = entry_new(&e, model);

	if (r)
		return r;
	if (a->count * 2 >= a->nbuckets) {
		r = grow(a);
		if (r)
			return r;
	}
	for (at = e->hash & (a->nbuckets - 1); a->buckets[at]; at = (at + 1) & (a->nbuckets - 1)) {
		const struct entry *other = a->entries[a->buckets[at] - 1];

		if (other->hash == e->hash && other->key.len == e->key.len &&
		    memcmp(other->key.data, e->key.data, e->key.len) == 0) {
			*id = a->buckets[at] - 1;
			return 0;
		}
	}
	if (a->count == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 64;
		struct entry **entries = realloc(a->entries, cap * sizeof(struct entry *));

		if (!entries)
			return -ENOMEM;
		a->entries = entries;
		a->cap = cap;
	}
	a->buckets[at] = (uint32_t)a->count + 1;
	*id = (uint32_t)a->count;
	a->entries[a->count++] = TAKE_PTR(e);
	return 0;
}

size_t atoms_count(const struct atoms *a)
{
	return a->count;
}

const struct atom *atoms_get(const struct atoms *a, uint32_t id)
{
	return &a->entries[id]->atom;
}

const uint32_t *atoms_order(const struct atoms *a, size_t *n)
{
	*n = a->norder;
	return a->order;
}

static int compare_entries(const void *x, const void *y, void *ctx)
{
	const struct atoms *atoms = ctx;
	const struct buf *a = &atoms->entries[*(const uint32_t *)x]->key,
	                 *b = &atoms->entries[*(const uint32_t *)y]->key;
	int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

int atoms_place(struct atoms *a, const bool *used, uint32_t *first_word, uint32_t *words)
{
	uint32_t *order = calloc(a->count + 1, sizeof(*order));
	uint32_t bit = 0;
	size_t i = 0;

	if (!order)
		return -ENOMEM;
	free(a->order);
	a->order = order;
	a->norder = 0;
	for (size_t k = 0; k < a->count; k++)
		if (used[k])
			order[a->norder++] = (uint32_t)k;
	qsort_r(order, a->norder, sizeof(*order), compare_entries, a);
	for (uint32_t domain = 0; domain < MATCH_DOMAIN_ROOM; domain++) {
		first_word[domain] = bit / 64;
		for (; i < a->norder && a->entries[order[i]]->atom.domain == domain; i++)
			a->entries[order[i]]->atom.bit = bit++;
		bit = (bit + 63) / 64 * 64;
		words[domain] = bit / 64 - first_word[domain];
	}
	return bit / 64 > TERCEL_ATOM_WORDS ? -E2BIG : (int)(bit / 64);
}
