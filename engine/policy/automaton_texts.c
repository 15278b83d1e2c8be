/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aho-Corasick, made deterministic: a trie of the framed texts, made from them in order, and each state's transitions
 * from those of the longest suffix of it that is a state, which is nearer to the root. The end marks are no part of the
 * trie.
 */
#include <stdlib.h>
#include <string.h>

#include "bpf/match.h"
#include "policy/automaton_internal.h"

/* A text as the classes of its bytes, behind that of the begin mark if it is bound to it. */
struct key {
	const uint8_t *classes;
	size_t len;
	enum report_time time;
	uint32_t id;
	uint32_t node;
};

struct trie {
	struct key *keys; /* in order, so that those of a node follow each other */
	size_t nkeys, longest;
	uint8_t *classes; /* of all keys */
	/* By node; in each array, a node's children follow each other by class. */
	uint32_t n;
	size_t parent_size, class_size;
	uint32_t *parent;
	uint8_t *class;
	uint32_t *children, *first_child; /* n + 1 */
	uint32_t *first_key;              /* n + 1 */
	uint32_t *path;                   /* the nodes of the last key */
	uint32_t *fail, *queue;
	uint32_t *ids; /* for a set while it is collected */
	size_t ids_size;
};

static void trie_free(struct trie *t)
{
	free(t->keys);
	free(t->classes);
	free(t->parent);
	free(t->class);
	free(t->children);
	free(t->first_child);
	free(t->first_key);
	free(t->path);
	free(t->fail);
	free(t->queue);
	free(t->ids);
}

static void assign_classes(struct machine *m, const struct pattern *texts, size_t n, bool fold)
{
	struct byte_set used = {0};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < texts[i].len; k++) {
			uint8_t byte = (uint8_t)texts[i].bytes[k];

			byte_set_add(&used, fold ? fold_byte(byte) : byte);
		}
	memset(m->classes, MATCH_CLASS_OTHER, sizeof(m->classes));
	m->nclasses = MATCH_CLASS_FIRST;
	for (unsigned int byte = 1; byte < 256; byte++)
		if (byte_set_has(&used, byte))
			m->classes[byte] = (uint8_t)m->nclasses++;
	for (unsigned int byte = 'A'; fold && byte <= 'Z'; byte++)
		m->classes[byte] = m->classes[fold_byte((uint8_t)byte)];
}

static int compare_keys(const void *x, const void *y)
{
	const struct key *a = x, *b = y;
	int order = memcmp(a->classes, b->classes, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static enum report_time time_of(unsigned int flags)
{
	if (flags & PATTERN_END_DIR)
		return REPORT_END_DIR;
	return flags & PATTERN_END ? REPORT_END : REPORT_HERE;
}

static int make_keys(struct trie *t, const struct machine *m, const struct pattern *texts, size_t n)
{
	size_t total = 0;
	uint8_t *to;

	for (size_t i = 0; i < n; i++)
		total += texts[i].len + 1;
	t->keys = calloc(n + 1, sizeof(*t->keys));
	t->classes = to = malloc(total + 1);
	if (!t->keys || !to)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct key *key = &t->keys[t->nkeys++];

		*key = (struct key){.classes = to, .time = time_of(texts[i].flags), .id = texts[i].id};
		/* What is in every text is seen in it at once, not once more at each byte. */
		if (texts[i].flags & PATTERN_BEGIN || (!texts[i].len && key->time == REPORT_HERE))
			*to++ = MATCH_CLASS_BEGIN;
		for (size_t k = 0; k < texts[i].len; k++)
			*to++ = m->classes[(uint8_t)texts[i].bytes[k]];
		key->len = (size_t)(to - key->classes);
		if (key->len > t->longest)
			t->longest = key->len;
	}
	qsort(t->keys, n, sizeof(*t->keys), compare_keys);
	return 0;
}

static int add_node(struct trie *t, uint32_t parent, uint8_t class, size_t most)
{
	if (t->n >= most)
		return -E2BIG;
	if (automaton_reserve(&t->parent, &t->parent_size, t->n + 1, sizeof(*t->parent)) ||
	    automaton_reserve(&t->class, &t->class_size, t->n + 1, sizeof(*t->class)))
		return -ENOMEM;
	t->parent[t->n] = parent;
	t->class[t->n] = class;
	t->n++;
	return 0;
}

static size_t common_prefix(const struct key *a, const struct key *b)
{
	size_t n = 0, most = a->len < b->len ? a->len : b->len;

	while (n < most && a->classes[n] == b->classes[n])
		n++;
	return n;
}

/* As the keys are in order, a node is left for good once a key does not share it. */
static int add_nodes(struct trie *t, size_t most)
{
	int r = add_node(t, 0, 0, most);

	t->path = calloc(t->longest + 1, sizeof(*t->path));
	if (!t->path)
		return -ENOMEM;
	for (size_t i = 0; !r && i < t->nkeys; i++) {
		struct key *key = &t->keys[i];
		size_t depth = i ? common_prefix(key - 1, key) : 0;

		for (; !r && depth < key->len; depth++) {
			r = add_node(t, t->path[depth], key->classes[depth], most);
			t->path[depth + 1] = t->n - 1;
		}
		key->node = t->path[key->len];
	}
	return r;
}

/* Turns counts into where each range begins. */
static void sum_up(uint32_t *first, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i <= n; i++) {
		uint32_t count = first[i];

		first[i] = sum;
		sum += count;
	}
}

static int index_nodes(struct trie *t)
{
	_autofree_ uint32_t *at = NULL;

	t->children = calloc(t->n, sizeof(*t->children));
	t->first_child = calloc(t->n + 1, sizeof(*t->first_child));
	t->first_key = calloc(t->n + 1, sizeof(*t->first_key));
	t->fail = calloc(t->n, sizeof(*t->fail));
	t->queue = calloc(t->n, sizeof(*t->queue));
	at = calloc(t->n + 1, sizeof(*at));
	if (!t->children || !t->first_child || !t->first_key || !t->fail || !t->queue || !at)
		return -ENOMEM;
	for (uint32_t node = 1; node < t->n; node++)
		t->first_child[t->parent[node]]++;
	for (size_t i = 0; i < t->nkeys; i++)
		t->first_key[t->keys[i].node]++;
	sum_up(t->first_child, t->n);
	/* Nodes are numbered in the order of their keys. */
	sum_up(t->first_key, t->n);
	memcpy(at, t->first_child, (t->n + 1) * sizeof(*at));
	for (uint32_t node = 1; node < t->n; node++)
		t->children[at[t->parent[node]]++] = node;
	return 0;
}

static int add_id(struct trie *t, size_t *n, uint32_t id)
{
	if (automaton_reserve(&t->ids, &t->ids_size, *n + 1, sizeof(*t->ids)))
		return -ENOMEM;
	t->ids[(*n)++] = id;
	return 0;
}

/* What is seen at a node: what its fail node sees, and its own. */
static int set_report(struct machine *m, struct trie *t, uint32_t node, enum report_time time)
{
	uint32_t inherited = node ? m->reports[time][t->fail[node]] : 0;
	size_t n = 0;

	for (uint32_t i = t->first_key[node]; i < t->first_key[node + 1]; i++)
		if (t->keys[i].time == time && add_id(t, &n, t->keys[i].id))
			return -ENOMEM;
	m->reports[time][node] = inherited;
	if (!n)
		return 0;
	for (uint32_t i = inherited ? m->sets.first[inherited] : 0; inherited && i < m->sets.first[inherited + 1]; i++)
		if (add_id(t, &n, m->sets.ids[i]))
			return -ENOMEM;
	return reports_number(&m->sets, t->ids, n, &m->reports[time][node]);
}

static uint32_t next_of(const struct machine *m, uint32_t state, uint32_t class)
{
	const struct machine_row *row = &m->rows[state];
	uint32_t low = row->first, high = row->first + row->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->cells[middle].class < class)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < row->first + row->n && m->cells[low].class == class)
		return m->cells[low].next;
	return m->root[class];
}

/* Its own edges, and those transitions of its fail node that are none of the root's, by class. */
static int set_row(struct machine *m, const struct trie *t, uint32_t node)
{
	struct machine_row *row = &m->rows[node], from = m->rows[t->fail[node]];
	uint32_t child = t->first_child[node], children = t->first_child[node + 1], i = 0;
	int r = 0;

	row->first = (uint32_t)m->ncells;
	while (!r && (child < children || i < from.n)) {
		const struct machine_cell *other = i < from.n ? &m->cells[from.first + i] : NULL;
		uint32_t edge = child < children ? t->children[child] : 0;

		if (edge && (!other || t->class[edge] <= other->class)) {
			i += other && other->class == t->class[edge];
			child++;
			r = machine_add_cell(m, row, t->class[edge], edge);
		} else if (other) {
			i++;
			r = machine_add_cell(m, row, other->class, other->next);
		}
	}
	return r;
}

static int finish_node(struct machine *m, struct trie *t, uint32_t node)
{
	int r = 0;

	for (unsigned int time = 0; !r && time < REPORT_TIMES; time++)
		r = set_report(m, t, node, time);
	return r || !node ? r : set_row(m, t, node);
}

/* Breadth first, so that a fail node is complete before it is used. */
static int make_deterministic(struct machine *m, struct trie *t)
{
	uint32_t head = 0, tail = 0;
	int r = 0;

	for (uint32_t i = t->first_child[0]; i < t->first_child[1]; i++)
		if (t->class[t->children[i]] != MATCH_CLASS_BEGIN)
			m->root[t->class[t->children[i]]] = t->children[i];
		else
			m->start = t->children[i];
	t->queue[tail++] = 0;
	while (!r && head < tail) {
		uint32_t node = t->queue[head++];

		r = finish_node(m, t, node);
		for (uint32_t i = t->first_child[node]; !r && i < t->first_child[node + 1]; i++) {
			uint32_t child = t->children[i];

			t->fail[child] = node ? next_of(m, t->fail[node], t->class[child]) : 0;
			t->queue[tail++] = child;
		}
	}
	return r;
}

int machine_of_texts(struct machine *m, const struct pattern *texts, size_t n, bool fold, size_t states)
{
	_cleanup_(trie_free) struct trie t = {0};
	int r;

	assign_classes(m, texts, n, fold);
	r = make_keys(&t, m, texts, n);
	if (!r)
		r = add_nodes(&t, states);
	if (!r)
		r = index_nodes(&t);
	if (!r)
		r = machine_reserve(m, t.n, m->nclasses);
	return r ? r : make_deterministic(m, &t);
}
