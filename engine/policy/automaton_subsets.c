/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subset construction: a state is the set of steps that some byte may be taken at, in order, and whether a line
 * begins there if that still matters. Ends as soon as a limit is passed.
 */
#include <stdlib.h>
#include <string.h>

#include "bpf/match.h"
#include "policy/automaton_internal.h"

/* Steps of all states together. */
enum { ITEMS_MAX = 1 << 22 };

struct subset {
	uint32_t first, n; /* items */
	uint32_t hash;
	bool line_begin;
};

struct list {
	uint32_t *items;
	size_t n;
};

struct subsets {
	const struct ways *ways;
	const struct way_limits *limits;
	const char **why;
	uint32_t first_step;
	uint64_t work;
	struct subset *states;
	size_t nstates, states_size;
	uint32_t *items;
	size_t nitems, items_size;
	uint32_t *slots; /* states + 1 by hash; 0: free */
	size_t nslots;
	uint32_t (*next)[256];
	size_t next_size;
	/* Which steps were met, those since the beginning of this generation only. */
	uint32_t *mark, generation;
	struct list stack, found, here;
	uint32_t *ids;
	struct byte_set changes; /* bytes that some state tells from the byte before */
};

static void subsets_free(struct subsets *b)
{
	free(b->states);
	free(b->items);
	free(b->slots);
	free(b->next);
	free(b->mark);
	free(b->stack.items);
	free(b->found.items);
	free(b->here.items);
	free(b->ids);
}

static int subsets_init(struct subsets *b, size_t first, size_t n)
{
	const struct way *ways = b->ways->items;
	size_t steps = ways[first + n - 1].first + ways[first + n - 1].n - ways[first].first;

	b->first_step = ways[first].first;
	b->nslots = 64;
	while (b->nslots < b->limits->states * 2)
		b->nslots *= 2;
	b->slots = calloc(b->nslots, sizeof(*b->slots));
	b->mark = calloc(steps, sizeof(*b->mark));
	b->stack.items = calloc(steps, sizeof(uint32_t));
	b->found.items = calloc(steps, sizeof(uint32_t));
	b->here.items = calloc(steps, sizeof(uint32_t));
	b->ids = calloc(steps, sizeof(*b->ids));
	if (!b->slots || !b->mark || !b->stack.items || !b->found.items || !b->here.items || !b->ids)
		return -ENOMEM;
	return 0;
}

static int give_up(struct subsets *b, const char *why)
{
	*b->why = why;
	return -E2BIG;
}

static const struct way_step *step_at(const struct subsets *b, uint32_t step)
{
	return &b->ways->steps[step];
}

static void meet(struct subsets *b, uint32_t step)
{
	if (b->mark[step - b->first_step] == b->generation)
		return;
	b->mark[step - b->first_step] = b->generation;
	b->stack.items[b->stack.n++] = step;
}

/*
 * Finds the steps where a byte or the end is waited for, going on wherever a step leads to without one. A line's end
 * is waited for, unless it is here.
 */
static void follow(struct subsets *b, uint32_t step, bool line_begin, bool line_end)
{
	meet(b, step);
	while (b->stack.n > 0) {
		uint32_t i = b->stack.items[--b->stack.n];
		const struct way_step *s = step_at(b, i);

		b->work++;
		switch (s->op) {
		case WAY_SPLIT:
			meet(b, s->other);
			meet(b, s->out);
			break;
		case WAY_JUMP:
			meet(b, s->out);
			break;
		case WAY_LINE_BEGIN:
			if (line_begin)
				meet(b, s->out);
			break;
		case WAY_LINE_END:
			if (line_end)
				meet(b, s->out);
			else
				b->found.items[b->found.n++] = i;
			break;
		case WAY_FAIL:
			break;
		default:
			b->found.items[b->found.n++] = i;
			break;
		}
	}
}

static void begin_set(struct subsets *b)
{
	b->generation++;
	b->found.n = 0;
}

static int compare_steps(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

/* They are found almost in order. */
static void sort_steps(uint32_t *items, size_t n)
{
	size_t moves = 0;

	for (size_t i = 1; i < n && moves < 8 * n; i++) {
		uint32_t item = items[i];
		size_t k = i;

		for (; k > 0 && items[k - 1] > item; k--, moves++)
			items[k] = items[k - 1];
		items[k] = item;
	}
	if (n && moves >= 8 * n)
		qsort(items, n, sizeof(*items), compare_steps);
}

/* Drops those that gain nothing beside a star behind them. The set is in order. */
static void prune(struct subsets *b)
{
	uint32_t from = UINT32_MAX, to = 0;
	uint32_t *items = b->found.items;
	size_t kept = b->found.n;

	for (size_t i = b->found.n; i-- > 0;) {
		const struct way_step *s = step_at(b, items[i]);

		if (from <= items[i] && items[i] < to)
			continue;
		items[--kept] = items[i];
		if (s->op == WAY_BYTE && s->star) {
			from = s->other;
			to = items[kept];
		}
	}
	if (kept > 0)
		memmove(items, items + kept, (b->found.n - kept) * sizeof(*items));
	b->found.n -= kept;
}

static bool waits_for_line_end(const struct subsets *b, const uint32_t *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (step_at(b, items[i])->op == WAY_LINE_END)
			return true;
	return false;
}

static int add_state(struct subsets *b, uint32_t hash, bool line_begin, uint32_t *state)
{
	size_t n = b->found.n;

	if (b->nstates >= b->limits->states)
		return give_up(b, NULL);
	if (b->nitems + n > ITEMS_MAX)
		return give_up(b, "it is too large");
	if (automaton_reserve(&b->states, &b->states_size, b->nstates + 1, sizeof(*b->states)) ||
	    automaton_reserve(&b->next, &b->next_size, b->nstates + 1, sizeof(*b->next)) ||
	    automaton_reserve(&b->items, &b->items_size, b->nitems + n, sizeof(*b->items)))
		return -ENOMEM;
	if (n)
		memcpy(b->items + b->nitems, b->found.items, n * sizeof(*b->items));
	b->states[b->nstates] =
	        (struct subset){.first = (uint32_t)b->nitems, .n = (uint32_t)n, .hash = hash, .line_begin = line_begin};
	b->nitems += n;
	*state = (uint32_t)b->nstates++;
	return 0;
}

static bool is_found(const struct subsets *b, const struct subset *s)
{
	if (s->n != b->found.n)
		return false;
	/* Without items, all sets are empty. */
	for (uint32_t i = 0; b->items && i < s->n; i++)
		if (b->items[s->first + i] != b->found.items[i])
			return false;
	return true;
}

/* The state of the set that was found. */
static int enter(struct subsets *b, bool line_begin, uint32_t *state)
{
	uint32_t hash = 0, *slot;
	int r;

	sort_steps(b->found.items, b->found.n);
	prune(b);
	line_begin = line_begin && waits_for_line_end(b, b->found.items, b->found.n);
	for (size_t i = 0; i < b->found.n; i++)
		hash = (hash ^ b->found.items[i]) * UINT32_C(0x9e3779b1);
	hash ^= hash >> 16;
	for (size_t i = hash & (b->nslots - 1);; i = (i + 1) & (b->nslots - 1)) {
		const struct subset *s;

		slot = &b->slots[i];
		if (!*slot)
			break;
		s = &b->states[*slot - 1];
		if (s->hash == hash && s->line_begin == line_begin && is_found(b, s)) {
			*state = *slot - 1;
			return 0;
		}
	}
	r = add_state(b, hash, line_begin, state);
	if (!r)
		*slot = *state + 1;
	return r;
}

/* Collects the steps of a state into b->here, and those that are reached only where a line ends. */
static void open_state(struct subsets *b, const struct subset *s)
{
	const uint32_t *items = b->items + s->first;

	begin_set(b);
	for (uint32_t i = 0; i < s->n; i++) {
		b->mark[items[i] - b->first_step] = b->generation;
		b->here.items[i] = items[i];
	}
	for (uint32_t i = 0; i < s->n; i++)
		if (step_at(b, items[i])->op == WAY_LINE_END)
			follow(b, step_at(b, items[i])->out, s->line_begin, true);
	if (b->found.n)
		memcpy(b->here.items + s->n, b->found.items, b->found.n * sizeof(uint32_t));
	b->here.n = s->n + b->found.n;
}

/* The bytes at which some step takes what it did not take the byte before, or the other way round. */
static struct byte_set changes_of(const struct subsets *b, size_t n)
{
	struct byte_set changes = {0};

	for (size_t i = 0; i < n; i++) {
		const struct way_step *s = step_at(b, b->here.items[i]);
		uint64_t carry = 0;

		for (size_t k = 0; s->op == WAY_BYTE && k < 4; k++) {
			changes.words[k] |= s->set.words[k] ^ (s->set.words[k] << 1 | carry);
			carry = s->set.words[k] >> 63;
		}
	}
	byte_set_add(&changes, 1);
	/* Lines matter to what is waited for. */
	byte_set_add(&changes, '\n');
	byte_set_add(&changes, '\n' + 1);
	return changes;
}

static int take_byte(struct subsets *b, size_t n, unsigned int byte, uint32_t *next)
{
	begin_set(b);
	for (size_t i = 0; i < n; i++) {
		const struct way_step *s = step_at(b, b->here.items[i]);

		if (s->op == WAY_BYTE && byte_set_has(&s->set, byte))
			follow(b, s->out, byte == '\n', false);
	}
	b->work += n;
	if (b->work > b->limits->work)
		return give_up(b, "it is too large");
	return enter(b, byte == '\n', next);
}

static int leave(struct subsets *b, uint32_t state)
{
	const struct subset s = b->states[state];
	uint32_t next = 0;
	int r = 0;

	open_state(b, &s);
	struct byte_set changes = changes_of(b, b->here.n);

	for (unsigned int byte = 1; !r && byte < 256; byte++) {
		if (byte_set_has(&changes, byte))
			r = take_byte(b, byte == '\n' ? b->here.n : s.n, byte, &next);
		b->next[state][byte] = next;
	}
	for (size_t i = 0; i < 4; i++)
		b->changes.words[i] |= changes.words[i];
	return r;
}

/* ---- the machine ------------------------------------------------------------------------------------------ */

static int set_report(struct subsets *b, struct machine *m, uint32_t state, enum report_time time, enum way_op op)
{
	size_t n = 0;

	for (size_t i = 0; i < b->here.n; i++)
		if (step_at(b, b->here.items[i])->op == op)
			b->ids[n++] = step_at(b, b->here.items[i])->out;
	return reports_number(&m->sets, b->ids, n, &m->reports[time][state]);
}

static int set_reports(struct subsets *b, struct machine *m)
{
	int r = 0;

	for (uint32_t s = 0; !r && s < b->nstates; s++) {
		open_state(b, &b->states[s]);
		r = set_report(b, m, s, REPORT_HERE, WAY_DONE);
		if (!r)
			r = set_report(b, m, s, REPORT_END, WAY_MATCH);
	}
	return r;
}

/* Bytes that every state treats alike: by byte, the least of them. */
struct columns {
	uint8_t least[256];
	uint64_t hash[256];
};

static bool same_column(const struct subsets *b, unsigned int x, unsigned int y)
{
	for (size_t s = 0; s < b->nstates; s++)
		if (b->next[s][x] != b->next[s][y])
			return false;
	return true;
}

static void compare_columns(const struct subsets *b, struct columns *c)
{
	for (size_t s = 0; s < b->nstates; s++)
		for (unsigned int byte = 1; byte < 256; byte++)
			if (byte_set_has(&b->changes, byte))
				c->hash[byte] = (c->hash[byte] ^ b->next[s][byte]) * UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned int byte = 1; byte < 256; byte++) {
		c->least[byte] = (uint8_t)byte;
		if (!byte_set_has(&b->changes, byte)) {
			c->least[byte] = c->least[byte - 1];
			continue;
		}
		for (unsigned int other = 1; other < byte; other++)
			if (c->least[other] == other && c->hash[other] == c->hash[byte] &&
			    same_column(b, other, byte)) {
				c->least[byte] = (uint8_t)other;
				break;
			}
	}
}

/* The class with the most bytes is MATCH_CLASS_OTHER: patterns name few bytes. */
static int assign_classes(struct subsets *b, struct machine *m, uint8_t byte_of[256])
{
	struct columns c = {0};
	unsigned int counts[256] = {0}, other = 1;

	compare_columns(b, &c);
	for (unsigned int byte = 1; byte < 256; byte++)
		counts[c.least[byte]]++;
	for (unsigned int byte = 1; byte < 256; byte++)
		if (counts[byte] > counts[other])
			other = byte;
	m->nclasses = MATCH_CLASS_FIRST;
	byte_of[MATCH_CLASS_OTHER] = (uint8_t)other;
	for (unsigned int byte = 1; byte < 256; byte++) {
		if (c.least[byte] != byte) {
			m->classes[byte] = m->classes[c.least[byte]];
			continue;
		}
		if (byte == other) {
			m->classes[byte] = MATCH_CLASS_OTHER;
			continue;
		}
		if (m->nclasses >= AUTOMATON_CLASSES_MAX)
			return give_up(b, "it tells too many bytes apart");
		byte_of[m->nclasses] = (uint8_t)byte;
		m->classes[byte] = (uint8_t)m->nclasses++;
	}
	return 0;
}

static bool is_mark(uint32_t class)
{
	return class < MATCH_CLASS_FIRST && class != MATCH_CLASS_OTHER;
}

static int set_root(const struct subsets *b, struct machine *m, const uint8_t byte_of[256])
{
	_autofree_ uint32_t *counts = calloc(b->nstates, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	for (uint32_t class = 0; class < m->nclasses; class += 1) {
		uint32_t most = 0;

		if (is_mark(class))
			continue;
		memset(counts, 0, b->nstates * sizeof(*counts));
		for (size_t s = 0; s < b->nstates; s++) {
			uint32_t next = b->next[s][byte_of[class]];

			if (++counts[next] > counts[most])
				most = next;
		}
		m->root[class] = most;
	}
	return 0;
}

static int set_rows(const struct subsets *b, struct machine *m, const uint8_t byte_of[256])
{
	int r = 0;

	for (uint32_t s = 0; !r && s < b->nstates; s++) {
		m->rows[s].first = (uint32_t)m->ncells;
		for (uint32_t class = 0; !r && class < m->nclasses; class += 1) {
			uint32_t next = b->next[s][byte_of[class]];

			if (!is_mark(class) && next != m->root[class])
				r = machine_add_cell(m, &m->rows[s], class, next);
		}
	}
	return r;
}

static int make_machine(struct subsets *b, struct machine *m)
{
	uint8_t byte_of[256] = {0};
	int r = assign_classes(b, m, byte_of);

	if (!r)
		r = machine_reserve(m, b->nstates, m->nclasses);
	if (!r)
		r = set_root(b, m, byte_of);
	if (!r)
		r = set_rows(b, m, byte_of);
	return r ? r : set_reports(b, m);
}

static int find_states(struct subsets *b, size_t first, size_t n)
{
	uint32_t start;
	int r;

	begin_set(b);
	for (size_t i = 0; i < n; i++)
		follow(b, b->ways->items[first + i].start, true, false);
	r = enter(b, true, &start);
	for (uint32_t s = 0; !r && s < b->nstates; s++)
		r = leave(b, s);
	return r;
}

int machine_of_ways(struct machine *m, const struct ways *w, size_t first, size_t n, const struct way_limits *limits,
                    const char **why)
{
	_cleanup_(subsets_free) struct subsets b = {.ways = w, .limits = limits, .why = why};
	int r = subsets_init(&b, first, n);

	if (!r)
		r = find_states(&b, first, n);
	return r ? r : make_machine(&b, m);
}
