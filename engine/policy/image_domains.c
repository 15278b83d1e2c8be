/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the domains: automata for texts, sorted keys for numbers, a list for each bit of a set.
 */
#include "policy/image_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton.h"
#include "policy/mutation.h"

/* ---- texts ------------------------------------------------------------------------------------------------------ */

/* How the values of an atom are looked for. */
static struct pattern pattern_of(const struct atom *a)
{
	struct pattern p = {.id = a->bit, .bytes = "", .flags = a->fold ? PATTERN_FOLD : 0};

	switch (a->test) {
	case ATOM_EQUALS:
		p.flags |= PATTERN_BEGIN | PATTERN_END;
		break;
	case ATOM_DIRECTORY:
		p.flags |= PATTERN_BEGIN | PATTERN_END_DIR;
		break;
	case ATOM_EXISTS:
	case ATOM_PREFIX:
		p.flags |= PATTERN_BEGIN;
		break;
	case ATOM_SUFFIX:
		p.flags |= PATTERN_END;
		break;
	case ATOM_GLOB:
		p.kind = PATTERN_GLOB;
		break;
	case ATOM_PMATCH:
		p.kind = PATTERN_PMATCH;
		break;
	case ATOM_REGEX:
		p.kind = PATTERN_REGEX;
		break;
	default:
		break;
	}
	return p;
}

static void add_patterns(struct pattern *patterns, size_t *n, const struct atom *a)
{
	const struct pattern p = pattern_of(a);

	if (a->test == ATOM_EXISTS)
		patterns[(*n)++] = p;
	for (size_t i = 0; i < a->ntexts; i++) {
		patterns[*n] = p;
		patterns[*n].bytes = a->texts[i].bytes;
		patterns[(*n)++].len = a->texts[i].len;
	}
}

/* The atoms of a domain: part of the order of bits. */
static const uint32_t *atoms_of(const struct builder *b, uint32_t domain, size_t *n)
{
	size_t all, first = 0;
	const uint32_t *order = atoms_order(b->atoms, &all);

	while (first < all && atoms_get(b->atoms, order[first])->domain < domain)
		first++;
	*n = 0;
	while (first + *n < all && atoms_get(b->atoms, order[first + *n])->domain == domain)
		(*n)++;
	return order + first;
}

/* States become offsets of their rows in the image, reports offsets of lists. */
static uint32_t moved(uint32_t state, uint32_t rows)
{
	return (state & MATCH_STATE_REPORTS) |
	       (rows + (state & ~MATCH_STATE_REPORTS) * (uint32_t)sizeof(struct automaton_row));
}

static void move_rows(struct builder *b, struct automaton *a, uint32_t rows)
{
	_autofree_ uint32_t *lists = calloc(a->nreports + 1, sizeof(*lists));

	if (!lists) {
		b->error = -ENOMEM;
		return;
	}
	for (uint32_t r = 0; r < a->nreports; r++)
		lists[r] = image_write_list(b, a->ids + a->first[r], a->first[r + 1] - a->first[r]);
	for (uint32_t i = 0; i < a->nrows; i++) {
		struct automaton_row *row = &a->rows[i];

		if (!row->check)
			continue;
		if (row->check + MATCH_CLASS_REPORT == i)
			row->next = lists[row->next];
		else
			row->next = moved(row->next, rows);
		row->check = moved(row->check, rows);
	}
	for (uint32_t c = 0; c < a->nclasses; c++)
		a->root[c] = moved(a->root[c], rows);
}

/* Whether some rule waits for an atom of the automaton. */
static bool guards(const struct builder *b, const struct automaton *a)
{
	for (uint32_t i = 0; i < a->first[a->nreports]; i++)
		if (b->waiting[a->ids[i]].n)
			return true;
	return false;
}

static struct match_automaton write_automaton(struct builder *b, struct automaton *a)
{
	/* Room first: the rows tell where they are. */
	const uint32_t rows = image_append(b, a->rows, a->nrows * sizeof(*a->rows));
	struct match_automaton out = {.start = moved(a->start, rows), .guards = guards(b, a)};

	b->nstates += a->nstates;
	move_rows(b, a, rows);
	if (b->error || buf_error(&b->out))
		return out;
	memcpy(b->out.data + rows, a->rows, a->nrows * sizeof(*a->rows));
	out.classes = image_append(b, a->classes, sizeof(a->classes));
	out.root = image_append(b, a->root, a->nclasses * sizeof(*a->root));
	return out;
}

/* Texts in which a NUL ends an argument, which are joined by blanks. */
static uint8_t zero_in(uint32_t domain)
{
	return domain == MATCH_ENV || domain == MATCH_ARGS || domain == MATCH_CMDLINE || domain == MATCH_ACMDLINE ? ' '
	                                                                                                          : 0;
}

static void write_texts(struct builder *b, uint32_t domain)
{
	struct match_domain_table *table = &b->header.domains[domain];
	struct match_automaton written[AUTOMATA_MAX];
	_autofree_ struct pattern *patterns = NULL;
	struct automata automata;
	size_t natoms, room = 0, n = 0;
	const uint32_t *ids = atoms_of(b, domain, &natoms);
	int error;

	if (!natoms)
		return;
	for (size_t i = 0; i < natoms; i++)
		room += atoms_get(b->atoms, ids[i])->ntexts + 1;
	patterns = calloc(room, sizeof(*patterns));
	if (!patterns) {
		b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < natoms; i++)
		add_patterns(patterns, &n, atoms_get(b->atoms, ids[i]));
	/* What went wrong before stays. */
	error = automata_build(&automata, patterns, n, zero_in(domain));
	if (error) {
		b->error = error;
		return;
	}
	for (size_t i = 0; i < automata.n; i++)
		written[i] = write_automaton(b, &automata.items[i]);
	table->count = (uint32_t)automata.n;
	table->tables = image_append(b, written, automata.n * sizeof(written[0]));
	automata_free(&automata);
	if (!b->error && b->nstates > AUTOMATON_STATES_MAX)
		b->error = -E2BIG;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

struct key {
	uint64_t high, low;
};

static int compare_keys(const void *x, const void *y)
{
	const struct key *a = x, *b = y;

	if (a->high != b->high)
		return a->high > b->high ? 1 : -1;
	return (a->low > b->low) - (a->low < b->low);
}

static bool is_wide(uint32_t domain)
{
	return domain == MATCH_ADDR6 || domain == MATCH_LOCAL6;
}

/* Where the atoms of a domain's ranges stand. */
static uint32_t home_of(uint32_t domain)
{
	return is_wide(domain) ? domain - 1 : domain;
}

/* Every number at which some range begins or has ended; in between, the answers are the same. */
static size_t collect_keys(const struct builder *b, uint32_t domain, const uint32_t *ids, size_t natoms,
                           struct key *keys)
{
	size_t n = 1, kept = 0;

	keys[0] = (struct key){0, 0};
	for (size_t i = 0; i < natoms; i++) {
		const struct atom *a = atoms_get(b->atoms, ids[i]);

		for (size_t k = 0; k < a->nranges; k++) {
			const struct atom_range *r = &a->ranges[k];

			if (r->domain != domain)
				continue;
			keys[n++] = (struct key){r->from_high, r->from_low};
			if (r->to_low != UINT64_MAX)
				keys[n++] = (struct key){r->to_high, r->to_low + 1};
			else if (r->to_high != UINT64_MAX && is_wide(domain))
				keys[n++] = (struct key){r->to_high + 1, 0};
		}
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++)
		if (!kept || compare_keys(&keys[kept - 1], &keys[i]) != 0)
			keys[kept++] = keys[i];
	return kept;
}

static size_t find_key(const struct key *keys, size_t n, const struct key *key)
{
	const struct key *found = bsearch(key, keys, n, sizeof(*keys), compare_keys);

	return (size_t)(found - keys);
}

/* Where an atom's range begins among the keys, or has just ended: from there on it holds, or no more. */
struct edge {
	size_t key;
	uint32_t atom; /* index among the domain's */
	int change;
};

static int compare_edges(const void *x, const void *y)
{
	const struct edge *a = x, *b = y;

	if (a->key != b->key)
		return a->key > b->key ? 1 : -1;
	return (a->atom > b->atom) - (a->atom < b->atom);
}

/* Every range begins at a key, and the key behind its end is one, if there is a number behind its end. */
static size_t collect_edges(const struct builder *b, uint32_t domain, const uint32_t *ids, size_t natoms,
                            const struct key *keys, size_t n, struct edge *edges)
{
	size_t count = 0;

	for (size_t i = 0; i < natoms; i++) {
		const struct atom *a = atoms_get(b->atoms, ids[i]);

		if (a->test == ATOM_EXISTS)
			edges[count++] = (struct edge){.atom = (uint32_t)i, .change = 1};
		for (size_t r = 0; r < a->nranges; r++) {
			const struct key from = {a->ranges[r].from_high, a->ranges[r].from_low},
			                 to = {a->ranges[r].to_high, a->ranges[r].to_low};
			size_t first, last = n;

			if (a->ranges[r].domain != domain)
				continue;
			first = find_key(keys, n, &from);
			/* The first key above the end. */
			for (size_t low = first, high = n; low < high;) {
				const size_t middle = low + (high - low) / 2;

				if (compare_keys(&keys[middle], &to) > 0)
					high = last = middle;
				else
					low = middle + 1;
			}
			edges[count++] = (struct edge){.key = first, .atom = (uint32_t)i, .change = 1};
			edges[count++] = (struct edge){.key = last, .atom = (uint32_t)i, .change = -1};
		}
	}
	qsort(edges, count, sizeof(*edges), compare_edges);
	return count;
}

/* The atoms that hold between two keys, as a set that changes from key to key. */
struct holding {
	int *depth;      /* by atom: how many of its ranges are open */
	uint32_t *place; /* by atom: where it stands in `bits` */
	uint32_t *bits, *atoms;
	size_t n;
};

static void holding_free(struct holding *h)
{
	free(h->depth);
	free(h->place);
	free(h->bits);
	free(h->atoms);
}

static void holding_change(struct holding *h, const struct edge *e, uint32_t bit)
{
	const int before = h->depth[e->atom];

	h->depth[e->atom] += e->change;
	if (!before && e->change > 0) {
		h->place[e->atom] = (uint32_t)h->n;
		h->atoms[h->n] = e->atom;
		h->bits[h->n++] = bit;
	} else if (before && !h->depth[e->atom]) {
		const uint32_t at = h->place[e->atom];

		h->n--;
		h->atoms[at] = h->atoms[h->n];
		h->bits[at] = h->bits[h->n];
		h->place[h->atoms[at]] = at;
	}
}

/* One list for each key; a sweep, so that the cost is that of the ranges and of what is written. */
static void write_key_lists(struct builder *b, uint32_t domain, const uint32_t *ids, size_t natoms,
                            const struct key *keys, size_t n, uint32_t *lists)
{
	__attribute__((cleanup(holding_free))) struct holding h = {
	        .depth = calloc(natoms, sizeof(*h.depth)),
	        .place = calloc(natoms, sizeof(*h.place)),
	        .bits = calloc(natoms, sizeof(*h.bits)),
	        .atoms = calloc(natoms, sizeof(*h.atoms)),
	};
	_autofree_ struct edge *edges = NULL;
	size_t room = natoms, count, at = 0;

	for (size_t i = 0; i < natoms; i++)
		room += 2 * atoms_get(b->atoms, ids[i])->nranges;
	edges = calloc(room, sizeof(*edges));
	if (!edges || !h.depth || !h.place || !h.bits || !h.atoms) {
		b->error = -ENOMEM;
		return;
	}
	count = collect_edges(b, domain, ids, natoms, keys, n, edges);
	for (size_t k = 0; k < n && !b->error; k++) {
		const size_t before = at;

		for (; at < count && edges[at].key == k; at++)
			holding_change(&h, &edges[at], atoms_get(b->atoms, ids[edges[at].atom])->bit);
		lists[k] = k && before == at ? lists[k - 1] : image_write_list(b, h.bits, h.n);
	}
}

/* As many parts as keys, within reason. */
#define BUCKETS_MAX 4096

/* The part of the numbers that a key is in, as bpf/match.h finds it for a value. */
static uint32_t bucket_of(const struct match_domain_table *t, uint32_t domain, const struct key *key)
{
	const uint64_t value = is_wide(domain) ? key->high : key->low;
	const uint64_t part = value > t->base ? (value - t->base) >> t->shift : 0;

	return part < t->buckets ? (uint32_t)part : t->buckets - 1;
}

static void write_index(struct builder *b, uint32_t domain, const struct key *keys, size_t n)
{
	struct match_domain_table *t = &b->header.domains[domain];
	const struct key *first = &keys[n > 1 ? 1 : 0], *last = &keys[n - 1];
	uint64_t span = is_wide(domain) ? last->high - first->high : last->low - first->low;
	_autofree_ uint32_t *index = NULL;
	size_t k = 0;

	t->base = is_wide(domain) ? first->high : first->low;
	t->buckets = 1;
	while (t->buckets < n && t->buckets < BUCKETS_MAX)
		t->buckets *= 2;
	while (span >> t->shift >= t->buckets)
		t->shift++;
	index = calloc(t->buckets + 1U, sizeof(*index));
	if (!index) {
		b->error = -ENOMEM;
		return;
	}
	/* Of each part the last key before it: the first one is before all. */
	for (uint32_t part = 0; part <= t->buckets; part++) {
		while (k + 1 < n && bucket_of(t, domain, &keys[k + 1]) < part)
			k++;
		index[part] = (uint32_t)k;
	}
	t->index = image_append(b, index, (t->buckets + 1U) * sizeof(*index));
}

static void write_numbers(struct builder *b, uint32_t domain)
{
	struct match_domain_table *table = &b->header.domains[domain];
	_autofree_ struct key *keys = NULL;
	_autofree_ uint32_t *lists = NULL;
	size_t natoms, n = 1;
	const uint32_t *ids = atoms_of(b, home_of(domain), &natoms);

	if (!natoms)
		return;
	for (size_t i = 0; i < natoms; i++)
		n += 2 * atoms_get(b->atoms, ids[i])->nranges;
	keys = calloc(n, sizeof(*keys));
	lists = calloc(n, sizeof(*lists));
	if (!keys || !lists) {
		b->error = -ENOMEM;
		return;
	}
	n = collect_keys(b, domain, ids, natoms, keys);
	write_key_lists(b, domain, ids, natoms, keys, n, lists);
	table->tables = image_append(b, keys, n * sizeof(*keys));
	table->count = (uint32_t)n;
	table->lists = image_append(b, lists, n * sizeof(*lists));
	write_index(b, domain, keys, n);
	if (n >= 1ULL << MATCH_SEARCH_STEPS)
		b->error = -E2BIG;
}

/* ---- sets ------------------------------------------------------------------------------------------------------- */

static void write_set(struct builder *b, uint32_t domain)
{
	uint32_t lists[64];
	size_t natoms;
	const uint32_t *ids = atoms_of(b, domain, &natoms);
	_autofree_ uint32_t *bits = calloc(natoms + 1, sizeof(*bits));
	uint64_t waited = 0;

	if (!bits)
		b->error = -ENOMEM;
	if (!natoms || !bits)
		return;
	for (unsigned int bit = 0; bit < 64; bit++) {
		size_t found = 0;

		for (size_t i = 0; i < natoms; i++)
			if (atoms_get(b->atoms, ids[i])->bits >> bit & 1)
				bits[found++] = atoms_get(b->atoms, ids[i])->bit;
		lists[bit] = image_write_list(b, bits, found);
		for (size_t i = 0; i < found; i++)
			waited |= b->waiting[bits[i]].n ? 1ULL << bit : 0;
	}
	b->header.domains[domain].waited = waited;
	b->header.domains[domain].lists = image_append(b, lists, sizeof(lists));
}

/* ---- all -------------------------------------------------------------------------------------------------------- */

/* Rules that must be looked at when nothing is known of the domain. */
static void write_guarded(struct builder *b, uint32_t domain)
{
	uint64_t rules[TERCEL_RULE_WORDS] = {0};
	size_t natoms;
	const uint32_t *ids = atoms_of(b, domain, &natoms);

	for (size_t i = 0; i < natoms; i++) {
		const struct waiting *w = &b->waiting[atoms_get(b->atoms, ids[i])->bit];

		for (size_t r = 0; r < w->n && !MUTATED(UNKNOWN_WAKES_NOBODY); r++)
			image_set_bit(rules, w->rules[r]);
	}
	b->header.domains[domain].guarded = image_write_rules(b, rules);
}

void image_write_domains(struct builder *b)
{
	for (uint32_t d = 0; d < MATCH_DOMAINS && !b->error; d++) {
		write_guarded(b, d);
		if (d < MATCH_UID)
			write_texts(b, d);
		else if (d < MATCH_BITS)
			write_numbers(b, d);
		else if (d < MATCH_CONTAINER_FACTS)
			write_set(b, d);
	}
}
