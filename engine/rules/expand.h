/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists: put into lists, and into the text of conditions. Falco does it before a text is parsed, name after name in the
 * order of definition. Private to engine/rules. Knows no conditions.
 */
#ifndef TERCEL_RULES_EXPAND_H
#define TERCEL_RULES_EXPAND_H

#include "rules/collect.h"

/* Numbers of definitions that one uses. */
struct uses {
	uint32_t *items; /* owned */
	size_t count, cap;
};

void uses_free(struct uses *u);
/* 0 or -ENOMEM. */
int uses_add(struct uses *u, size_t number);

/* A list with the items of other lists put in. */
struct expanded {
	struct text *items;
	size_t nitems;
};

struct expander {
	struct collection *c;
	struct arena arena;
	struct expanded *lists; /* as c->lists; owned */
	size_t nlists, cap;
	size_t items; /* of all of them */
	size_t odd;   /* lists whose name holds a delimiter */
	struct text_builder buffers[2];
};

void expander_free(struct expander *x);

/* Makes room for the lists that the collection has. 0 or -ENOMEM. */
int expander_grow(struct expander *x);

/* Puts lists into the list of that number. */
void expand_list(struct expander *x, size_t number);

/*
 * Puts all lists into a text, in order; *t gets the result, which is valid until the next call. `used` gets the numbers
 * of those that were put in. False after an error, which is reported.
 */
bool expand_text(struct expander *x, struct text *t, struct uses *used);

/*
 * The name of a list that stands in a text as written where a check is expected, and to which a mistake at *pos is due:
 * *pos becomes that place. NULL if there is none. `used` are the lists that were put into the text.
 */
const char *expand_misused(const struct expander *x, const struct text *written, const struct uses *used,
                           struct source_pos *pos);

/* Whether no text can name the list as a word. */
bool is_odd_name(const char *name);

/* Calls `visit` for each word of a text that could be a list's name. */
void expand_words(const struct text *t, void (*visit)(void *ctx, const char *word, size_t len), void *ctx);

#endif
