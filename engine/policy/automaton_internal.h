/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of automaton.h pass to each other: patterns become ways (a program over sets of bytes) or stay texts,
 * either becomes a machine (states and their transitions), and a machine is packed into an automaton.
 */
#ifndef TERCEL_POLICY_AUTOMATON_INTERNAL_H
#define TERCEL_POLICY_AUTOMATON_INTERNAL_H

#include <errno.h>

#include "base/cleanup.h"
#include "policy/automaton.h"

/* Byte classes of an automaton, the marks and MATCH_CLASS_OTHER included: a class is a byte. */
#define AUTOMATON_CLASSES_MAX 255

/* ---- sets of bytes ---------------------------------------------------------------------------------------- */

struct byte_set {
	uint64_t words[4];
};

static inline bool byte_set_has(const struct byte_set *s, unsigned int byte)
{
	return s->words[byte / 64] >> (byte & 63) & 1;
}

static inline void byte_set_add(struct byte_set *s, unsigned int byte)
{
	s->words[byte / 64] |= UINT64_C(1) << (byte & 63);
}

static inline void byte_set_remove(struct byte_set *s, unsigned int byte)
{
	s->words[byte / 64] &= ~(UINT64_C(1) << (byte & 63));
}

static inline unsigned int byte_set_count(const struct byte_set *s)
{
	unsigned int n = 0;

	for (size_t i = 0; i < 4; i++)
		n += (unsigned int)__builtin_popcountll(s->words[i]);
	return n;
}

static inline uint8_t fold_byte(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

/* ---- arrays ----------------------------------------------------------------------------------------------- */

/* Makes room in a growing array, `array` being the address of its pointer, for `want` elements. 0 or -ENOMEM. */
int automaton_reserve(void *array, size_t *size, size_t want, size_t element);

/* ---- reports ---------------------------------------------------------------------------------------------- */

/* Sets of ids, each once. Set 0 is the empty one. */
struct reports {
	uint32_t *ids, *first; /* set r is ids[first[r] … first[r + 1]) */
	size_t n, ids_size, first_size;
	uint32_t *slots; /* by hash; 0: free */
	size_t nslots;
};

void reports_free(struct reports *r);
/* The number of a set, which is sorted and freed of duplicates in place. 0, -E2BIG past AUTOMATON_IDS_MAX, -ENOMEM. */
int reports_number(struct reports *r, uint32_t *ids, size_t n, uint32_t *number);

/* ---- machines --------------------------------------------------------------------------------------------- */

enum report_time {
	REPORT_HERE = 0, /* as soon as the state is reached */
	REPORT_END,
	REPORT_END_DIR,
	REPORT_TIMES,
};

struct machine_cell {
	uint32_t class, next;
};

/* A deterministic automaton over the bytes alone: what the end marks report is told for each state. */
struct machine {
	uint8_t classes[256]; /* that of a NUL does not matter */
	uint32_t nclasses;
	uint32_t nstates; /* 0 reports nothing here */
	uint32_t start;
	uint32_t *root; /* by class: where most states go */
	struct machine_row {
		uint32_t first, n; /* cells: where this one goes elsewhere, by ascending class */
	} *rows;
	struct machine_cell *cells;
	size_t ncells, cells_size;
	uint32_t *reports[REPORT_TIMES]; /* by state: numbers of sets */
	struct reports sets;
};

/* The arrays by state and class. 0 or -ENOMEM. */
int machine_reserve(struct machine *m, size_t nstates, size_t nclasses);
/* Adds a cell to the row that was begun last. 0, -E2BIG past AUTOMATON_ROWS_MAX, or -ENOMEM. */
int machine_add_cell(struct machine *m, struct machine_row *row, uint32_t class, uint32_t next);
void machine_free(struct machine *m);
#define _automachine_ _cleanup_(machine_free)

/* What is left of the limits of one call. */
struct automaton_room {
	size_t states, rows;
};

/* Packs a machine into an automaton, which the caller owns. 0, -E2BIG past `room`, which it takes from, or -ENOMEM. */
int machine_pack(struct automaton *out, const struct machine *m, uint8_t zero_is, struct automaton_room *room);

/* ---- literal texts ---------------------------------------------------------------------------------------- */

/*
 * Makes one machine of texts, none of which holds a NUL; with `fold`, without regard to case. They must not have too
 * many different bytes. 0; -E2BIG past `states` or the limits of machines; -ENOMEM. To be freed in any case.
 */
int machine_of_texts(struct machine *m, const struct pattern *texts, size_t n, bool fold, size_t states);

/* ---- globs ------------------------------------------------------------------------------------------------ */

struct glob_item {
	bool star;           /* any bytes; never two in a row */
	uint8_t byte;        /* the one byte that is meant, 0 for other sets */
	struct byte_set set; /* else: one of these, in both cases if case does not matter */
};

struct glob {
	struct glob_item *items;
	size_t n, size;
};

/* As fnmatch(3) of the C locale reads it. 0; -EINVAL with *why set, where it does so in an obscure way; -ENOMEM. */
int glob_parse(struct glob *g, const char *pattern, size_t len, bool fold, const char **why);
void glob_free(struct glob *g);
#define _autoglob_ _cleanup_(glob_free)

/* ---- ways ------------------------------------------------------------------------------------------------- */

enum way_op {
	WAY_FAIL = 0,
	WAY_JUMP,
	WAY_SPLIT, /* goes on at `out` and at `other` */
	WAY_BYTE,  /* takes a byte of the set, and goes on at `out` */
	WAY_LINE_BEGIN,
	WAY_LINE_END,
	WAY_MATCH, /* if the text ends here, it matches */
	WAY_DONE,  /* whatever follows, the text matches */
};

struct way_step {
	struct byte_set set;
	uint32_t out, other;
	uint8_t op; /* enum way_op */
	/*
	 * A byte that is any of those before the next part: who is here gains nothing from being also at a step from
	 * `other` up to this one.
	 */
	bool star;
};

struct way {
	uint32_t first, n, start; /* its steps */
	uint32_t id;
	uint32_t nstates; /* of its machine alone */
};

struct ways {
	struct way_step *steps;
	size_t nsteps, steps_size;
	struct way *items;
	size_t n, size;
};

/* 0; -EINVAL with *why set if it cannot be told; -ENOMEM. */
int ways_add_glob(struct ways *w, const struct glob *g, uint32_t id, const char **why);
int ways_add_pmatch(struct ways *w, const struct pattern *p, const char **why);
int ways_add_regex(struct ways *w, const struct pattern *p, const char **why);
void ways_free(struct ways *w);
#define _autoways_ _cleanup_(ways_free)

/* Whether a path has a component at all: pmatch with one that has none matches every text. */
bool pmatch_is_empty(const struct pattern *p);

/* How much a machine of ways may take; past it, the attempt ends. */
struct way_limits {
	size_t states;
	uint64_t work; /* steps and bytes looked at; some hundred million a second */
};

/*
 * Makes one machine of ways (the subset construction). 0; -E2BIG past the limits, with *why set if it is not the
 * number of states; -ENOMEM. To be freed in any case.
 */
int machine_of_ways(struct machine *m, const struct ways *w, size_t first, size_t n, const struct way_limits *limits,
                    const char **why);

#endif
