/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten ways to break the compiler and the matcher, for the test that shows that the proofs notice each
 * (tests/property/test_mutation.sh). Without TERCEL_MUTATIONS, which only that test's own libraries have, every one is
 * a constant 0; with it, this header comes before all others (bpf/match.h knows nothing of it).
 */
#ifndef TERCEL_POLICY_MUTATION_H
#define TERCEL_POLICY_MUTATION_H

/* clang-format off */
#define TERCEL_MUTATION_NAMES(X) \
	X(EVENTS_IGNORED)        /* derive.c: a field is asked of event types that do not have it, too */ \
	X(MISSING_IS_UNEQUAL)    /* derive_text.c: what is missing is unequal to everything */ \
	X(LE_IS_LT)              /* derive_number.c: a bound is not part of its range */ \
	X(CHOICE_CLOSED)         /* derive_set.c: there is no value beyond those that have bits */ \
	X(DECIDED_NOWHERE)       /* placement.c: of points that see the same act each leaves it to the other */ \
	X(LOST_HOLDS)            /* image.c: what is lost is taken to hold, in must as in may */ \
	X(GUARD_OF_FIRST)        /* image.c: only the first branch of an "or" wakes the rule */ \
	X(UNKNOWN_WAKES_NOBODY)  /* image_domains.c: the rules that wait for a domain are not listed */ \
	X(STAR_STOPS_AT_SLASH)   /* automaton_ways.c: a glob's star does not cross a slash */ \
	X(CUT_IS_WHOLE)          /* bpf/match.h: what a text that was cut goes on with is not thought of */
/* clang-format on */

#ifdef TERCEL_MUTATIONS
enum mutation {
	MUTATION_NONE = 0,
#define X(name) MUTATION_##name,
	TERCEL_MUTATION_NAMES(X)
#undef X
};

/* The test's: set once, by its main(). */
extern enum mutation mutation_in_force;

#define MUTATED(name) (mutation_in_force == MUTATION_##name)
#endif

#ifndef MUTATED
#define MUTATED(name) 0
#endif

#endif
