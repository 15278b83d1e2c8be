/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One automaton for all patterns of a text domain (Aho–Corasick, made deterministic), and its compact form.
 *
 * Patterns are texts framed by marks: equal is ^text$, prefix ^text, suffix text$, contains text, exists ^. One table
 * look-up for each byte: a state's row holds only the transitions that differ from the root's, and all rows share one
 * table. Knows nothing of rules or images; deterministic in its input's order.
 */
#ifndef TERCEL_POLICY_AUTOMATON_H
#define TERCEL_POLICY_AUTOMATON_H

#include <stddef.h>
#include <stdint.h>

/* States, so that building stays within some 100 MiB; "policy-too-large". */
#define AUTOMATON_STATES_MAX 200000

struct automaton_row {
	uint32_t check; /* state + 1; 0: free */
	uint32_t next;
};

struct automaton {
	uint8_t classes[256];
	uint32_t nclasses;
	uint32_t nstates;
	uint32_t *root;  /* nclasses: where a state without an entry goes */
	uint32_t *base;  /* nstates */
	uint32_t *ids;   /* the outputs of state s are ids[first[s] … first[s + 1]), ascending, each once */
	uint32_t *first; /* nstates + 1 */
	struct automaton_row *rows;
	uint32_t nrows; /* base + class is always below */
};

enum pattern_anchor {
	PATTERN_BEGIN = 1 << 0,
	PATTERN_END = 1 << 1,
};

struct pattern {
	const char *bytes;
	size_t len;
	unsigned int anchors; /* enum pattern_anchor */
	uint32_t id;          /* what is reported when it is seen */
};

/* 0, -ENOMEM, or -E2BIG past AUTOMATON_STATES_MAX; *out is untouched on failure. */
int automaton_build(struct automaton *out, const struct pattern *patterns, size_t n);
void automaton_free(struct automaton *a);

#endif
