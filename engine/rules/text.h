/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that knows where each of its bytes is written, through folding, cutting, joining and list expansion. Private to
 * engine/rules. Knows no YAML.
 *
 * Places are kept by runs: bytes that stand in a row in one file, as nearly all do, cost one run together.
 */
#ifndef TERCEL_RULES_TEXT_H
#define TERCEL_RULES_TEXT_H

#include "base/source.h"
#include "filter/arena.h"
#include "filter/filter.h"

/* A byte of a file. */
struct text_place {
	const struct source_text *source; /* NULL: nowhere */
	uint32_t offset;
};

struct source_pos text_place_pos(struct text_place place);

/* Bytes of a text from `at` up to the next run. */
struct text_run {
	uint32_t at;
	uint32_t offset : 31;
	uint32_t fixed : 1; /* nobody wrote them: all stand for the one byte at `offset`; else they follow it */
	const struct source_text *source;
};

/* Immutable; lives in an arena, or within another text. In an arena bytes[len] is NUL. */
struct text {
	const char *bytes; /* NULL: no text */
	size_t len;
	const struct text_run *runs; /* at least one, also of an empty text, unless bytes is NULL */
	size_t nruns;
	size_t skipped; /* bytes of the runs before bytes[0] */
};

/* A text that is being built. Failures stick. */
struct text_builder {
	char *bytes;
	size_t len, cap;
	struct text_run *runs;
	size_t nruns, runs_cap;
	bool out_of_memory;
	bool too_large; /* past FILTER_MAX_TEXT; the rest was dropped */
};

void text_builder_free(struct text_builder *b);
#define _autotext_ _cleanup_(text_builder_free)

/* Forgets the text and the failures, keeps the memory. */
void text_builder_reset(struct text_builder *b);

void text_add(struct text_builder *b, const struct text *t);
void text_add_slice(struct text_builder *b, const struct text *t, size_t from, size_t to);
/* `n` bytes that stand in a row from `place` on. */
void text_add_bytes(struct text_builder *b, const char *bytes, size_t n, struct text_place place);
/* Words that nobody wrote; all of them get the place `place`. */
void text_adds(struct text_builder *b, const char *words, struct text_place place);
/* Shortens the text to `len` bytes. */
void text_cut(struct text_builder *b, size_t len);

/* Copies the result into the arena. `start` is the place of an empty text. -ENOMEM, or -E2BIG if it was too large. */
int text_finish(struct text *out, const struct text_builder *b, struct text_place start, struct arena *arena);

/* Looks into the builder as a text, which must not be empty; valid until the next change. */
struct text text_view(const struct text_builder *b);

/* The place of a byte, or behind the last (offset == len). */
struct text_place text_place_at(const struct text *t, size_t offset);
struct source_pos text_pos(const struct text *t, size_t offset);

/* The place of the first byte; nowhere if there is no text. */
struct text_place text_start(const struct text *t);

/* Whether one of its bytes stands at that place. Linear in the runs. */
bool text_covers(const struct text *t, struct source_pos pos);

/* For filter_syntax_parse(). The text must outlive the result's use. */
struct filter_text text_for_filter(const struct text *t);

/* The text without blanks at both ends, as isspace() knows them. */
struct text text_trim(const struct text *t);

/* The bytes from `from` to `to`. */
struct text text_slice(const struct text *t, size_t from, size_t to);

bool text_is(const struct text *t, const char *word);

#endif
