/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All patterns of a text domain as a few deterministic automata, in the compact form that bpf/match.h walks.
 *
 * Literal patterns are texts framed by marks: equal is ^text$, prefix ^text, suffix text$, contains text, exists ^.
 * They go into one Aho-Corasick automaton, whose size is linear in theirs; those without regard to case into a second
 * one. Globs, pmatch paths and regular expressions are joined by subset construction, in as few automata as the budget
 * of states allows. One table look-up for each byte and automaton: a state's row holds only the transitions that differ
 * from the automaton's common ones, and all rows share one table. Knows nothing of rules or images; deterministic in
 * its input's order.
 */
#ifndef TERCEL_POLICY_AUTOMATON_H
#define TERCEL_POLICY_AUTOMATON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* States of all automata of one call together; "policy-too-large". */
#define AUTOMATON_STATES_MAX 65536
/* Places of the rows of all automata of one call together, so that they are 32 MiB; "policy-too-large". */
#define AUTOMATON_ROWS_MAX (1U << 22)
/* Ids in all reports of one automaton; "policy-too-large". */
#define AUTOMATON_IDS_MAX (1U << 22)
/* Automata of one domain (MATCH_AUTOMATA of bpf/match.h); "policy-too-large". */
#define AUTOMATA_MAX 8
/* States that one glob, pmatch path or regular expression may need alone: more, and its leaf is lost. */
#define AUTOMATON_PATTERN_STATES 1024

struct automaton_row {
	uint32_t check; /* the base of the row it belongs to; 0: free */
	uint32_t next;  /* a state, with MATCH_STATE_REPORTS if it reports; in a row's first place: a report's number */
};

/*
 * A state is the base of its row: rows[state + class] leads on if its check is the state, else root[class] does. No two
 * states have the same base, none is 0. A state that reports has MATCH_STATE_REPORTS set wherever it is led to, and its
 * row has a place of class MATCH_CLASS_REPORT, whose `next` is the number of the report; root[MATCH_CLASS_REPORT] is 0.
 *
 * What holds whatever follows is reported at once, so that it is certain of a text that was cut: prefix, contains, a
 * glob that ends in a star, a pmatch path when a slash follows it. The rest is reported by an end mark.
 */
struct automaton {
	uint8_t classes[256];
	uint32_t nclasses;
	uint32_t nstates;
	uint32_t start; /* after the begin mark; with MATCH_STATE_REPORTS if it reports */
	uint32_t *root; /* nclasses */
	struct automaton_row *rows;
	uint32_t nrows; /* state + class is always below */
	/* What report r says is ids[first[r] … first[r + 1]), ascending, each once. Equal reports are one. */
	uint32_t *ids;
	uint32_t *first;
	uint32_t nreports;
};

struct automata {
	struct automaton items[AUTOMATA_MAX];
	size_t n;
};

enum pattern_kind {
	PATTERN_TEXT = 0,
	PATTERN_GLOB,   /* fnmatch(3) without flags, of the whole text */
	PATTERN_PMATCH, /* Falco's pmatch with this one path (engine/filter/paths.h) */
	PATTERN_REGEX,  /* as engine/filter/regex.h, of the whole text */
};

enum pattern_flags {
	PATTERN_BEGIN = 1 << 0,   /* TEXT: at the begin mark */
	PATTERN_END = 1 << 1,     /* TEXT: at the end mark */
	PATTERN_END_DIR = 1 << 2, /* TEXT: at the mark of a directory's end, MATCH_CLASS_END_DIR, in place of END */
	PATTERN_FOLD = 1 << 3,    /* TEXT and GLOB: upper and lower case of ASCII letters are the same */
};

struct pattern {
	enum pattern_kind kind;
	unsigned int flags; /* enum pattern_flags */
	const char *bytes;
	size_t len;
	uint32_t id; /* what is reported when it is seen */
};

/*
 * Builds the automata. `zero_is` is the byte whose class a NUL gets (' ' where NULs end the arguments of a command
 * line), 0 for texts that cannot hold one. 0; -E2BIG past a limit above; -EINVAL for a pattern that
 * automaton_accepts() refuses; -ENOMEM. *out is untouched on failure.
 */
int automata_build(struct automata *out, const struct pattern *patterns, size_t n, uint8_t zero_is);
void automata_free(struct automata *a);

/*
 * Whether one pattern can be part of an automaton: NULL, or why not, a clause without a full stop in static memory
 * ("it needs more than 1024 states"). *err is set to -ENOMEM without memory, else 0.
 */
const char *automaton_accepts(const struct pattern *p, int *err);

#endif
