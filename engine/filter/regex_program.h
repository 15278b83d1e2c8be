/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A regular expression as a program over bytes, and a machine that runs all its ways at once, in time linear in the
 * text. Knows no syntax and no PCRE2.
 *
 * The program has the instructions that RE2's would have, since RE2 refuses patterns by their number.
 */
#ifndef TERCEL_FILTER_REGEX_PROGRAM_H
#define TERCEL_FILTER_REGEX_PROGRAM_H

#include "filter/regex_tree.h"

/* What RE2 allows by default: two thirds of 8 MiB, less 432 bytes of its own, at 8 bytes each. */
enum { REGEX_INSTRUCTIONS_MAX = 698996 };

struct regex_program;

/*
 * Simplifies the tree, which is used up by that, and compiles it. 0 with *out set (the caller owns it), -E2BIG if it is
 * too large for RE2, or -ENOMEM.
 */
int regex_program_new(struct regex_program **out, struct arena *arena, enum regex_release release,
                      struct regex_node *root);
void regex_program_free(struct regex_program *p);
static inline void cleanup_regex_program(struct regex_program **p)
{
	regex_program_free(*p);
}

/* How many instructions it has. */
size_t regex_program_size(const struct regex_program *p);

/* Where the machine keeps its states; zeroed at first. */
struct regex_machine {
	uint32_t *words; /* owned */
	size_t size;     /* instructions that it has room for */
};

/* Makes room for programs of that size. 0 or -ENOMEM. */
int regex_machine_fit(struct regex_machine *m, size_t size);
void regex_machine_free(struct regex_machine *m);

/* Whether the whole text matches. The machine must fit the program. */
bool regex_program_matches(const struct regex_program *p, struct regex_machine *m, const char *text, size_t len);

#endif
