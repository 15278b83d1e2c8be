/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that knows where each of its bytes is written, through cutting, joining and list expansion. Private to
 * engine/rules. Knows no YAML.
 */
#ifndef TERCEL_RULES_TEXT_H
#define TERCEL_RULES_TEXT_H

#include "filter/arena.h"
#include "filter/filter.h"

/* Immutable; lives in an arena. bytes[len] is NUL, pos[len] the end's place. */
struct text {
	const char *bytes; /* NULL: no text */
	const struct source_pos *pos;
	size_t len;
};

/* A text that is being built. Failures stick. */
struct text_builder {
	char *bytes;
	struct source_pos *pos;
	size_t len, cap;
	bool out_of_memory;
	bool too_large; /* past FILTER_MAX_TEXT; the rest was dropped */
};

void text_builder_free(struct text_builder *b);
#define _autotext_ _cleanup_(text_builder_free)

void text_add(struct text_builder *b, const struct text *t);
void text_add_slice(struct text_builder *b, const struct text *t, size_t from, size_t to);
/* Words that nobody wrote; all of them get the place `pos`. */
void text_adds(struct text_builder *b, const char *words, struct source_pos pos);

/* Copies the result into the arena. -ENOMEM, or -E2BIG if it was too large. */
int text_finish(struct text *out, const struct text_builder *b, struct arena *arena);

/* Looks into the builder as a text; valid until the next change. */
struct text text_view(const struct text_builder *b);

/* The place of the first byte. */
struct source_pos text_start(const struct text *t);

/* For filter_syntax_parse(). The text must outlive the result's use. */
struct filter_text text_for_filter(const struct text *t);

/* The text without blanks at both ends. */
struct text text_trim(const struct text *t);

#endif
