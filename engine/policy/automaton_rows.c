/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines, and how one is packed: what the end marks report becomes states of their own, one for each set of ids, and
 * each row is put at the first place where it fits.
 */
#include <stdlib.h>
#include <string.h>

#include "bpf/match.h"
#include "policy/automaton_internal.h"

int automaton_reserve(void *array, size_t *size, size_t want, size_t element)
{
	void *old, *grown;
	size_t n = *size < 32 ? 32 : *size * 2;

	if (want <= *size)
		return 0;
	if (n < want)
		n = want;
	memcpy(&old, array, sizeof(old));
	grown = reallocarray(old, n, element);
	if (!grown)
		return -ENOMEM;
	memcpy(array, &grown, sizeof(grown));
	*size = n;
	return 0;
}

/* ---- reports ---------------------------------------------------------------------------------------------- */

void reports_free(struct reports *r)
{
	free(r->ids);
	free(r->first);
	free(r->slots);
	*r = (struct reports){0};
}

static int compare_ids(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

static size_t sort_ids(uint32_t *ids, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < n; i++)
		if (!kept || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

static uint64_t hash_ids(const uint32_t *ids, size_t n)
{
	uint64_t hash = n;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ ids[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* Where set number r is, or the free slot for it. */
static uint32_t *slot_of(const struct reports *r, const uint32_t *ids, size_t n)
{
	size_t slot = hash_ids(ids, n) & (r->nslots - 1);

	for (; r->slots[slot]; slot = (slot + 1) & (r->nslots - 1)) {
		const uint32_t *range = &r->first[r->slots[slot]];

		if (range[1] - range[0] == n && memcmp(r->ids + range[0], ids, n * sizeof(*ids)) == 0)
			break;
	}
	return &r->slots[slot];
}

static int grow_slots(struct reports *r)
{
	size_t nslots = r->nslots ? r->nslots * 2 : 64;
	uint32_t *slots = calloc(nslots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(r->slots);
	r->slots = slots;
	r->nslots = nslots;
	for (uint32_t i = 1; i < r->n; i++)
		*slot_of(r, r->ids + r->first[i], r->first[i + 1] - r->first[i]) = i;
	return 0;
}

/* Makes room for one more set, the empty one if there is none yet. */
static int reserve_set(struct reports *r, size_t nids)
{
	if (automaton_reserve(&r->first, &r->first_size, r->n + 3, sizeof(*r->first)))
		return -ENOMEM;
	if (!r->n) {
		r->first[0] = r->first[1] = 0;
		r->n = 1;
	}
	if (r->first[r->n] + nids > AUTOMATON_IDS_MAX)
		return -E2BIG;
	if (automaton_reserve(&r->ids, &r->ids_size, r->first[r->n] + nids, sizeof(*r->ids)))
		return -ENOMEM;
	return r->n * 2 >= r->nslots ? grow_slots(r) : 0;
}

int reports_number(struct reports *r, uint32_t *ids, size_t n, uint32_t *number)
{
	uint32_t *slot;
	int error;

	*number = 0;
	if (!n)
		return 0;
	n = sort_ids(ids, n);
	error = reserve_set(r, n);
	if (error)
		return error;
	slot = slot_of(r, ids, n);
	if (!*slot) {
		memcpy(r->ids + r->first[r->n], ids, n * sizeof(*ids));
		*slot = (uint32_t)r->n++;
		r->first[r->n] = r->first[*slot] + (uint32_t)n;
	}
	*number = *slot;
	return 0;
}

/* ---- machines --------------------------------------------------------------------------------------------- */

int machine_reserve(struct machine *m, size_t nstates, size_t nclasses)
{
	bool failed;

	m->nstates = (uint32_t)nstates;
	m->nclasses = (uint32_t)nclasses;
	m->root = calloc(nclasses, sizeof(*m->root));
	m->rows = calloc(nstates, sizeof(*m->rows));
	failed = !m->root || !m->rows;
	for (size_t i = 0; i < REPORT_TIMES; i++) {
		m->reports[i] = calloc(nstates, sizeof(*m->reports[i]));
		failed |= !m->reports[i];
	}
	return failed ? -ENOMEM : 0;
}

int machine_add_cell(struct machine *m, struct machine_row *row, uint32_t class, uint32_t next)
{
	if (m->ncells >= AUTOMATON_ROWS_MAX)
		return -E2BIG;
	if (automaton_reserve(&m->cells, &m->cells_size, m->ncells + 1, sizeof(*m->cells)))
		return -ENOMEM;
	m->cells[m->ncells++] = (struct machine_cell){.class = class, .next = next};
	row->n++;
	return 0;
}

void machine_free(struct machine *m)
{
	free(m->root);
	free(m->rows);
	free(m->cells);
	for (size_t i = 0; i < REPORT_TIMES; i++)
		free(m->reports[i]);
	reports_free(&m->sets);
	*m = (struct machine){0};
}

/* ---- packing ---------------------------------------------------------------------------------------------- */

struct bits {
	uint64_t *words;
	size_t n; /* words */
};

/* By how many places rows have, larger ones first: 0, 1, 2 … 3, 4 … 7, up to 128 … 255. */
enum {
	SIZES = 9,
	TRIES = 64, /* that a row may make before others of its size begin behind where it found its place */
};

struct packing {
	const struct machine *m;
	struct automaton *a;
	size_t rows_max;
	uint32_t nstates;   /* of the machine, and then those that only report */
	uint32_t *reporter; /* by set: the state that only reports it; 0: none */
	uint32_t *reported; /* by state - m->nstates: its set */
	uint32_t root_end, root_end_dir;
	uint32_t *base;
	uint32_t *order, *sizes;
	struct bits used, bases; /* places, and bases that are taken */
};

static void packing_free(struct packing *p)
{
	free(p->reporter);
	free(p->reported);
	free(p->base);
	free(p->order);
	free(p->sizes);
	free(p->used.words);
	free(p->bases.words);
}

static bool bits_has(const struct bits *b, size_t i)
{
	return b->words[i / 64] >> (i & 63) & 1;
}

static void bits_add(struct bits *b, size_t i)
{
	b->words[i / 64] |= UINT64_C(1) << (i & 63);
}

/* Makes bit i, and those of a whole row behind it, exist. */
static int bits_reserve(struct bits *b, size_t i)
{
	size_t old = b->n, want = i / 64 + 8;

	if (automaton_reserve(&b->words, &b->n, want, sizeof(*b->words)))
		return -ENOMEM;
	if (b->n > old)
		memset(b->words + old, 0, (b->n - old) * sizeof(*b->words));
	return 0;
}

/* The first that is clear from i on; the last word is never full. */
static size_t bits_next_clear(const struct bits *b, size_t i)
{
	uint64_t word = ~b->words[i / 64] & UINT64_MAX << (i & 63);

	for (i /= 64; !word;)
		word = ~b->words[++i];
	return i * 64 + (size_t)__builtin_ctzll(word);
}

/* Which classes of a state lead elsewhere than the root's, or to its report. */
static struct byte_set row_places(const struct packing *p, uint32_t state)
{
	const struct machine *m = p->m;
	struct byte_set places = {0};

	if (state >= m->nstates || m->reports[REPORT_HERE][state])
		byte_set_add(&places, MATCH_CLASS_REPORT);
	if (state >= m->nstates)
		return places;
	if (m->reports[REPORT_END][state] != p->root_end)
		byte_set_add(&places, MATCH_CLASS_END);
	if (m->reports[REPORT_END_DIR][state] != p->root_end_dir)
		byte_set_add(&places, MATCH_CLASS_END_DIR);
	for (uint32_t i = 0; i < m->rows[state].n; i++)
		byte_set_add(&places, m->cells[m->rows[state].first + i].class);
	return places;
}

static unsigned int first_place(const struct byte_set *s)
{
	unsigned int i = 0;

	while (i < 3 && !s->words[i])
		i++;
	return i * 64 + (s->words[i] ? (unsigned int)__builtin_ctzll(s->words[i]) : 0);
}

/* Counts down to place 0. */
static void shift_places(struct byte_set *s, unsigned int by)
{
	for (; by >= 64; by -= 64) {
		memmove(s->words, s->words + 1, 3 * sizeof(*s->words));
		s->words[3] = 0;
	}
	for (size_t i = 0; by && i < 4; i++)
		s->words[i] = s->words[i] >> by | (i < 3 ? s->words[i + 1] << (64 - by) : 0);
}

/* Whether all places are free if the first is at `at`. */
static bool fits(const struct packing *p, const struct byte_set *places, size_t at)
{
	const uint64_t *words = p->used.words + at / 64;
	unsigned int by = at & 63;
	uint64_t taken = 0;

	for (size_t i = 0; i < 4; i++)
		taken |= (words[i] >> by | (by ? words[i + 1] << (64 - by) : 0)) & places->words[i];
	return !taken;
}

static void take_places(struct packing *p, const struct byte_set *places, size_t at)
{
	for (unsigned int i = 0; i < 256; i++)
		if (byte_set_has(places, i))
			bits_add(&p->used, at + i);
}

/* `from` is where rows of this size begin to look. */
static int place_row(struct packing *p, uint32_t state, size_t *from)
{
	struct byte_set places = row_places(p, state);
	unsigned int first = first_place(&places), tries = 0;
	bool empty = byte_set_count(&places) == 0;
	size_t at = *from;

	shift_places(&places, first);
	for (;; at++, tries++) {
		if (bits_reserve(&p->used, at) || bits_reserve(&p->bases, at))
			return -ENOMEM;
		at = bits_next_clear(empty ? &p->bases : &p->used, at);
		if (at > first && at - first + p->m->nclasses > p->rows_max)
			return -E2BIG;
		if (bits_reserve(&p->used, at) || bits_reserve(&p->bases, at))
			return -ENOMEM;
		if (at > first && !bits_has(&p->bases, at - first) && fits(p, &places, at))
			break;
	}
	take_places(p, &places, at);
	bits_add(&p->bases, at - first);
	p->base[state] = (uint32_t)(at - first);
	if (p->base[state] + p->m->nclasses > p->a->nrows)
		p->a->nrows = p->base[state] + p->m->nclasses;
	if (tries > TRIES || empty)
		*from = at;
	return 0;
}

static unsigned int size_of(const struct packing *p, uint32_t state)
{
	struct byte_set places = row_places(p, state);
	unsigned int n = byte_set_count(&places);

	return n ? 32 - (unsigned int)__builtin_clz(n) : 0;
}

/* States by the size of their rows, large ones first. */
static void sort_rows(struct packing *p, uint32_t ends[SIZES])
{
	uint32_t at[SIZES] = {0}, sum = 0;

	for (uint32_t s = 0; s < p->nstates; s++) {
		p->sizes[s] = size_of(p, s);
		at[SIZES - 1 - p->sizes[s]]++;
	}
	for (size_t i = 0; i < SIZES; i++) {
		uint32_t n = at[i];

		at[i] = sum;
		sum += n;
		ends[i] = sum;
	}
	for (uint32_t s = 0; s < p->nstates; s++)
		p->order[at[SIZES - 1 - p->sizes[s]]++] = s;
}

static int place_rows(struct packing *p)
{
	uint32_t ends[SIZES], i = 0;
	int r = 0;

	sort_rows(p, ends);
	for (size_t size = 0; size < SIZES; size++) {
		size_t from = 1;

		for (; !r && i < ends[size]; i++)
			r = place_row(p, p->order[i], &from);
	}
	return r;
}

/* The set that most states report then. */
static int most_frequent(const struct machine *m, const uint32_t *reports, uint32_t *set)
{
	_autofree_ uint32_t *counts = calloc(m->sets.n + 1, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	*set = 0;
	for (uint32_t s = 0; s < m->nstates; s++)
		counts[reports[s]]++;
	for (uint32_t i = 1; i < m->sets.n; i++)
		if (counts[i] > counts[*set])
			*set = i;
	return 0;
}

/* Numbers the states that only report, one for each set that an end mark reports. */
static void number_reporters(struct packing *p)
{
	const struct machine *m = p->m;

	p->nstates = m->nstates;
	for (unsigned int time = REPORT_END; time < REPORT_TIMES; time++)
		for (uint32_t s = 0; s < m->nstates; s++) {
			uint32_t set = m->reports[time][s];

			if (!set || p->reporter[set])
				continue;
			p->reported[p->nstates - m->nstates] = set;
			p->reporter[set] = p->nstates++;
		}
}

static uint32_t set_of(const struct packing *p, uint32_t state)
{
	return state < p->m->nstates ? p->m->reports[REPORT_HERE][state] : p->reported[state - p->m->nstates];
}

/* How a state is told to the walker. */
static uint32_t target(const struct packing *p, uint32_t state)
{
	return p->base[state] | (set_of(p, state) ? MATCH_STATE_REPORTS : 0);
}

static uint32_t end_target(const struct packing *p, uint32_t set)
{
	/* State 0 reports nothing, and nothing follows an end mark. */
	return target(p, p->reporter[set]);
}

static void set_cell(struct packing *p, uint32_t state, uint32_t class, uint32_t next)
{
	p->a->rows[p->base[state] + class] = (struct automaton_row){.check = p->base[state], .next = next};
}

static void fill_row(struct packing *p, uint32_t state)
{
	const struct machine *m = p->m;

	/* The empty set has no number outside. */
	if (set_of(p, state))
		set_cell(p, state, MATCH_CLASS_REPORT, set_of(p, state) - 1);
	if (state >= m->nstates)
		return;
	if (m->reports[REPORT_END][state] != p->root_end)
		set_cell(p, state, MATCH_CLASS_END, end_target(p, m->reports[REPORT_END][state]));
	if (m->reports[REPORT_END_DIR][state] != p->root_end_dir)
		set_cell(p, state, MATCH_CLASS_END_DIR, end_target(p, m->reports[REPORT_END_DIR][state]));
	for (uint32_t i = 0; i < m->rows[state].n; i++) {
		const struct machine_cell *cell = &m->cells[m->rows[state].first + i];

		set_cell(p, state, cell->class, target(p, cell->next));
	}
}

static void fill_root(struct packing *p)
{
	uint32_t *root = p->a->root;

	root[MATCH_CLASS_REPORT] = 0;
	root[MATCH_CLASS_OTHER] = target(p, p->m->root[MATCH_CLASS_OTHER]);
	root[MATCH_CLASS_BEGIN] = target(p, p->m->start);
	root[MATCH_CLASS_END] = end_target(p, p->root_end);
	root[MATCH_CLASS_END_DIR] = end_target(p, p->root_end_dir);
	for (uint32_t class = MATCH_CLASS_FIRST; class < p->m->nclasses; class += 1)
		root[class] = target(p, p->m->root[class]);
}

static int fill(struct packing *p, uint8_t zero_is)
{
	const struct machine *m = p->m;
	struct automaton *a = p->a;

	a->nclasses = m->nclasses;
	a->nstates = p->nstates;
	a->nreports = m->sets.n ? (uint32_t)m->sets.n - 1 : 0;
	a->root = calloc(a->nclasses, sizeof(*a->root));
	a->rows = calloc(a->nrows, sizeof(*a->rows));
	a->first = calloc(a->nreports + 1, sizeof(*a->first));
	a->ids = calloc((a->nreports ? m->sets.first[m->sets.n] : 0) + 1, sizeof(*a->ids));
	if (!a->root || !a->rows || !a->first || !a->ids)
		return -ENOMEM;
	memcpy(a->classes, m->classes, sizeof(a->classes));
	a->classes[0] = zero_is ? m->classes[zero_is] : MATCH_CLASS_OTHER;
	a->start = target(p, m->start);
	fill_root(p);
	for (uint32_t s = 0; s < p->nstates; s++)
		fill_row(p, s);
	for (uint32_t i = 0; i < a->nreports; i++)
		a->first[i + 1] = m->sets.first[i + 2];
	if (a->nreports)
		memcpy(a->ids, m->sets.ids, a->first[a->nreports] * sizeof(*a->ids));
	return 0;
}

static int pack(struct packing *p, uint8_t zero_is, struct automaton_room *room)
{
	const struct machine *m = p->m;
	size_t most = m->nstates + m->sets.n;
	int r;

	p->rows_max = room->rows;
	p->reporter = calloc(m->sets.n + 1, sizeof(*p->reporter));
	p->reported = calloc(m->sets.n + 1, sizeof(*p->reported));
	p->base = calloc(most, sizeof(*p->base));
	p->order = calloc(most, sizeof(*p->order));
	p->sizes = calloc(most, sizeof(*p->sizes));
	if (!p->reporter || !p->reported || !p->base || !p->order || !p->sizes)
		return -ENOMEM;
	number_reporters(p);
	if (p->nstates > room->states)
		return -E2BIG;
	if (most_frequent(m, m->reports[REPORT_END], &p->root_end) ||
	    most_frequent(m, m->reports[REPORT_END_DIR], &p->root_end_dir))
		return -ENOMEM;
	r = place_rows(p);
	if (r)
		return r;
	room->states -= p->nstates;
	room->rows -= p->a->nrows;
	return fill(p, zero_is);
}

int machine_pack(struct automaton *out, const struct machine *m, uint8_t zero_is, struct automaton_room *room)
{
	struct automaton a = {0};
	_cleanup_(packing_free) struct packing p = {.m = m, .a = &a};
	int r = pack(&p, zero_is, room);

	if (!r) {
		*out = a;
		return 0;
	}
	free(a.root);
	free(a.rows);
	free(a.ids);
	free(a.first);
	return r;
}
