/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an automaton should say: each pattern asked by itself with the function that it stands for; and what it does
 * say, walked as bpf/match.h walks. For the tests and the fuzzer.
 */
#ifndef TERCEL_TESTS_AUTOMATON_ORACLE_H
#define TERCEL_TESTS_AUTOMATON_ORACLE_H

#include "filter/regex.h"
#include "policy/automaton.h"

struct path_set;

/* A pattern made ready to be asked. */
struct oracle {
	const struct pattern *pattern;
	char *glob;
	struct path_set *paths;
	struct regex *regex;
	struct regex_scratch *scratch;
};

/* False if it is no pattern at all: a regular expression that does not compile. */
bool oracle_init(struct oracle *o, const struct pattern *p);
void oracle_free(struct oracle *o);

#define NO_DIRECTORY SIZE_MAX

/* Whether a text without a NUL matches; its directory ends before byte `dir`, if it has one. */
bool oracle_says(const struct oracle *o, const char *text, size_t len, size_t dir);

/* Sets seen[id] for what the automata report. */
void walk_automata(const struct automata *a, const char *text, size_t len, size_t dir, bool *seen);

/* NULL, or what an automaton breaks of the promises of its type. */
const char *automaton_fault(const struct automaton *a);

#endif
