/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macros: parsed once each, and checked for what they name: unknown ones, later ones, themselves. Private to
 * engine/rules.
 */
#ifndef TERCEL_RULES_MACROS_H
#define TERCEL_RULES_MACROS_H

#include "rules/expand.h"

struct macro_state {
	struct filter_macro macro;    /* first: filter_compile() hands it back */
	struct filter_syntax *parsed; /* owned; NULL if the text is wrong */
	struct text text;             /* that was parsed, with its lists */
	struct uses lists;            /* put into the text */
	struct uses names;            /* macros that it names */
	size_t component;             /* those that lead to each other share it; 0: not known yet */
	bool stale;                   /* it, or what it is made of, has changed */
};

struct macros {
	struct collection *c;
	struct arena arena;         /* of the texts */
	struct macro_state *states; /* as c->macros; owned */
	size_t count, cap;
};

void macros_free(struct macros *m);

/* Makes room for the macros that the collection has. 0 or -ENOMEM. */
int macros_grow(struct macros *m);

/* Reads the text of a macro again. */
void macro_parse(struct macros *m, size_t number, struct expander *x);

/* Finds the cycles among all macros, and checks what those name that are stale; to be called after parsing. */
void macros_check(struct macros *m, const struct expander *x);

/* For filter_compile(): what a name means within a macro, or in a condition. `ctx` is a struct macros. */
const struct filter_macro *macros_find(const void *ctx, const struct filter_macro *inside, const char *name);

/* Says that a name is no macro, and what it may have been meant to be. `written` is the text that it came from, before
 * `lists` were put in. */
void macros_report_unknown(const struct expander *x, const char *name, struct source_pos pos,
                           const struct text *written, const struct uses *lists);

/* The last of `diags` in other words if it is a syntax error for the only reason that a list stands in the place of a
 * check. */
bool macros_restate_list(struct diag_list *diags, const struct expander *x, const struct text *written,
                         const struct uses *lists);

#endif
