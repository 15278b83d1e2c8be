/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs all ways of a program at once, in time linear in the text. Knows nothing of how programs are made.
 *
 * The sets of places that a program can be at are kept as states while they fit the machine's memory, so that most
 * bytes of a longer text cost one look-up.
 */
#ifndef TERCEL_FILTER_REGEX_MACHINE_H
#define TERCEL_FILTER_REGEX_MACHINE_H

#include "filter/regex_program.h"

struct regex_machine;

/* 0 or -ENOMEM. About 200 KiB. */
int regex_machine_new(struct regex_machine **out);
/* Makes room for a program, 24 bytes for each instruction, and forgets all states. 0 or -ENOMEM. */
int regex_machine_fit(struct regex_machine *m, const struct regex_program *p);
void regex_machine_free(struct regex_machine *m);

/* Whether the whole text matches. Allocates nothing. The machine must fit the program since it was made. */
bool regex_machine_matches(struct regex_machine *m, const struct regex_program *p, const char *text, size_t len);

#endif
