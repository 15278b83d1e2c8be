/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line that a message is about, and the mark below it. Knows lines of text, and no messages.
 */
#ifndef TERCEL_BASE_EXCERPT_H
#define TERCEL_BASE_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/source.h"

/* A line, or as much of a long one around the place as fits a terminal. */
struct excerpt {
	char *text; /* owned; NULL: not known. Its bytes as they are, without what ends the line */
	size_t len;
	size_t at; /* the place in it; at most len */
	bool cut_before, cut_after;
};

/* Copies from the text. Leaves *out without a text if the place is not in it or memory is short: a message is good
 * without its line. */
void excerpt_take(struct excerpt *out, const struct source_text *s, struct source_pos pos);
void excerpt_free(struct excerpt *e);

/*
 * Adds two lines: the text with its number, and below it ^ under the place and ~ under the rest of the word there. Tabs
 * are blanks up to the next multiple of eight, nothing can steer a terminal. Adds nothing if there is no text.
 */
void excerpt_write(struct buf *out, const struct excerpt *e, uint32_t line);

#endif
