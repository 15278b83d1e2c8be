/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs all ways of a program at once, with states that are made when they are first met. Knows nothing of how programs
 * are made.
 */
#include "filter/regex_machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	STATES = 256,       /* that are kept; when they are used up, all are forgotten */
	PLACES = 1 << 14,   /* of all states together, at least */
	SLOTS = 2 * STATES, /* a power of two */
	BYTES = 256,
};

/* States that are none of those that are kept. */
enum {
	NONE = 0, /* not known yet */
	DEAD,     /* without places */
	FIRST,
};

/* A set of numbers that is emptied without a loop: a member's index points to where the list has it. */
struct set {
	uint32_t *list, *index;
	size_t n;
};

/* Where a program is between two bytes. */
struct state {
	const uint32_t *places; /* the instructions that the byte before led to */
	uint32_t n;
	uint32_t hash;
	bool line_begin;         /* behind a newline, or at the beginning */
	bool end_known, accepts; /* whether the program matches if the text ends here */
};

struct regex_machine {
	/* Of the instructions: `size` of each, in one allocation. */
	uint32_t *words;
	size_t size;
	struct set splits; /* gone through at this place */
	struct set out;    /* the places of the next state */
	uint32_t *stack;   /* each split adds one at most, and is gone through once */
	uint32_t *places;  /* of the states that are kept */
	size_t places_size, nplaces;
	const struct regex_program *program; /* that the states are of */
	uint16_t nstates;
	uint16_t slots[SLOTS];
	struct state states[STATES];
	uint16_t next[STATES][BYTES];
};

int regex_machine_new(struct regex_machine **out)
{
	struct regex_machine *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*out = m;
	return 0;
}

static void forget(struct regex_machine *m)
{
	m->nstates = FIRST;
	m->nplaces = 0;
	memset(m->slots, 0, sizeof(m->slots));
}

int regex_machine_fit(struct regex_machine *m, const struct regex_program *p)
{
	size_t size = p->size;

	m->program = NULL;
	if (size <= m->size)
		return 0;
	size_t places_size = size > PLACES ? size : PLACES;
	uint32_t *words = calloc(5 * size + places_size, sizeof(*words));

	if (!words)
		return -ENOMEM;
	free(m->words);
	m->words = words;
	m->size = size;
	m->splits = (struct set){.list = words, .index = words + size};
	m->out = (struct set){.list = words + 2 * size, .index = words + 3 * size};
	m->stack = words + 4 * size;
	m->places = words + 5 * size;
	m->places_size = places_size;
	return 0;
}

void regex_machine_free(struct regex_machine *m)
{
	if (!m)
		return;
	free(m->words);
	free(m);
}

static bool set_add(struct set *s, uint32_t member)
{
	uint32_t i = s->index[member];

	if (i < s->n && s->list[i] == member)
		return false;
	s->index[member] = (uint32_t)s->n;
	s->list[s->n++] = member;
	return true;
}

static bool takes(const struct regex_instruction *in, int byte)
{
	if (in->fold && byte >= 'A' && byte <= 'Z')
		byte += 'a' - 'A';
	return in->lo <= byte && byte <= in->hi;
}

/*
 * Goes wherever a place leads to without a byte, and from there with the next byte, -1 at the end of the text, into
 * m->out. Returns whether the program matches here.
 */
static bool follow(struct regex_machine *m, uint32_t place, bool line_begin, int byte)
{
	bool matches = false;
	size_t n = 0;

	m->stack[n++] = place;
	while (n > 0) {
		uint32_t i = m->stack[--n];
		const struct regex_instruction *in = &m->program->code[i];

		switch (in->op) {
		case REGEX_OP_SPLIT:
			if (set_add(&m->splits, i)) {
				m->stack[n++] = in->other;
				m->stack[n++] = in->out;
			}
			break;
		case REGEX_OP_BYTE:
			if (takes(in, byte))
				(void)set_add(&m->out, in->out);
			break;
		case REGEX_OP_LINE_BEGIN:
			if (line_begin)
				m->stack[n++] = in->out;
			break;
		case REGEX_OP_LINE_END:
			if (byte == -1 || byte == '\n')
				m->stack[n++] = in->out;
			break;
		case REGEX_OP_MATCH:
			matches |= byte == -1;
			break;
		default:
			break;
		}
	}
	return matches;
}

static bool leave(struct regex_machine *m, uint16_t state, int byte)
{
	const struct state *s = &m->states[state];
	bool matches = false;

	m->splits.n = 0;
	m->out.n = 0;
	for (uint32_t i = 0; i < s->n; i++)
		matches |= follow(m, s->places[i], s->line_begin, byte);
	return matches;
}

static uint32_t hash_places(const uint32_t *places, size_t n, bool line_begin)
{
	uint32_t hash = line_begin;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ places[i]) * UINT32_C(0x9e3779b1);
	return hash ^ hash >> 16;
}

/* The state with the places in m->out. May forget all others; then it is the first. */
static uint16_t enter(struct regex_machine *m, bool line_begin)
{
	const uint32_t *places = m->out.list;
	uint32_t n = (uint32_t)m->out.n, hash = hash_places(places, n, line_begin);
	size_t slot = hash % SLOTS;

	if (n == 0)
		return DEAD;
	for (; m->slots[slot] != NONE; slot = (slot + 1) % SLOTS) {
		const struct state *s = &m->states[m->slots[slot]];

		if (s->hash == hash && s->n == n && s->line_begin == line_begin &&
		    memcmp(s->places, places, n * sizeof(*places)) == 0)
			return m->slots[slot];
	}
	if (m->nstates == STATES || n > m->places_size - m->nplaces) {
		forget(m);
		slot = hash % SLOTS;
	}
	struct state *s = &m->states[m->nstates];

	*s = (struct state){.places = m->places + m->nplaces, .n = n, .hash = hash, .line_begin = line_begin};
	memcpy(m->places + m->nplaces, places, n * sizeof(*places));
	memset(m->next[m->nstates], 0, sizeof(m->next[0]));
	m->nplaces += n;
	m->slots[slot] = m->nstates;
	return m->nstates++;
}

static uint16_t begin(struct regex_machine *m, const struct regex_program *p)
{
	if (m->program != p)
		forget(m);
	m->program = p;
	m->out.n = 0;
	(void)set_add(&m->out, p->start);
	return enter(m, true);
}

static uint16_t step(struct regex_machine *m, uint16_t state, uint8_t byte)
{
	uint16_t nstates = m->nstates, next;

	(void)leave(m, state, byte);
	next = enter(m, byte == '\n');
	/* Unless all was forgotten. */
	if (m->nstates >= nstates)
		m->next[state][byte] = next;
	return next;
}

bool regex_machine_matches(struct regex_machine *m, const struct regex_program *p, const char *text, size_t len)
{
	uint16_t state = begin(m, p);

	for (size_t i = 0; i < len; i++) {
		uint16_t next = m->next[state][(uint8_t)text[i]];

		if (next == NONE)
			next = step(m, state, (uint8_t)text[i]);
		if (next == DEAD)
			return false;
		state = next;
	}
	struct state *s = &m->states[state];

	if (!s->end_known) {
		s->accepts = leave(m, state, -1);
		s->end_known = true;
	}
	return s->accepts;
}
