/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text with places. Knows no YAML and no rules.
 */
#include "rules/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct source_pos text_place_pos(struct text_place place)
{
	return place.source ? source_place(place.source, place.offset) : (struct source_pos){0};
}

void text_builder_free(struct text_builder *b)
{
	free(b->bytes);
	free(b->runs);
	*b = (struct text_builder){0};
}

void text_builder_reset(struct text_builder *b)
{
	b->len = b->nruns = 0;
	b->out_of_memory = b->too_large = false;
}

/* Room for `need` items of `size` bytes. */
static bool reserve(struct text_builder *b, void *array_ptr, size_t *cap, size_t need, size_t size)
{
	void **array = array_ptr;

	if (need <= *cap)
		return true;
	size_t larger = *cap * 2 > need ? *cap * 2 : need + 32;
	void *grown = realloc(*array, larger * size);

	if (!grown) {
		b->out_of_memory = true;
		return false;
	}
	*array = grown;
	*cap = larger;
	return true;
}

/* Room for so many bytes more, and for a run. */
static bool make_room(struct text_builder *b, size_t more)
{
	if (b->out_of_memory || b->too_large)
		return false;
	if (more > FILTER_MAX_TEXT || b->len + more > FILTER_MAX_TEXT) {
		b->too_large = true;
		return false;
	}
	return reserve(b, &b->bytes, &b->cap, b->len + more, 1) &&
	       reserve(b, &b->runs, &b->runs_cap, b->nruns + 1, sizeof(*b->runs));
}

/* Whether bytes at the end of the text that stand at `offset` go on where the last run ends. */
static bool goes_on(const struct text_builder *b, const struct source_text *source, uint32_t offset, bool fixed)
{
	if (!b->nruns)
		return false;
	const struct text_run *last = &b->runs[b->nruns - 1];

	return last->source == source && last->fixed == fixed &&
	       offset == last->offset + (fixed ? 0 : (uint32_t)b->len - last->at);
}

/* Adds bytes of one run; there is room. */
static void add_run(struct text_builder *b, const char *bytes, size_t n, struct text_place place, bool fixed)
{
	if (!goes_on(b, place.source, place.offset, fixed))
		b->runs[b->nruns++] = (struct text_run){
		        .at = (uint32_t)b->len,
		        .offset = place.offset & INT32_MAX,
		        .fixed = fixed,
		        .source = place.source,
		};
	memcpy(b->bytes + b->len, bytes, n);
	b->len += n;
}

void text_add_bytes(struct text_builder *b, const char *bytes, size_t n, struct text_place place)
{
	if (n && make_room(b, n))
		add_run(b, bytes, n, place, false);
}

void text_adds(struct text_builder *b, const char *words, struct text_place place)
{
	size_t n = strlen(words);

	if (n && make_room(b, n))
		add_run(b, words, n, place, true);
}

/* The number of the run that the byte at `at` of the runs is in. */
static size_t run_index(const struct text *t, size_t at)
{
	size_t low = 0, high = t->nruns;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->runs[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void text_add_slice(struct text_builder *b, const struct text *t, size_t from, size_t to)
{
	if (from >= to)
		return;
	for (size_t r = run_index(t, t->skipped + from); from < to; r++) {
		const struct text_run *run = &t->runs[r];
		size_t end = r + 1 < t->nruns ? t->runs[r + 1].at - t->skipped : to, at = t->skipped + from;
		size_t n = (end < to ? end : to) - from;
		uint32_t offset = run->offset + (run->fixed ? 0 : (uint32_t)(at - run->at));

		if (!make_room(b, n))
			return;
		add_run(b, t->bytes + from, n, (struct text_place){run->source, offset}, run->fixed);
		from += n;
	}
}

void text_add(struct text_builder *b, const struct text *t)
{
	text_add_slice(b, t, 0, t->len);
}

void text_cut(struct text_builder *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	while (b->nruns && b->runs[b->nruns - 1].at >= len)
		b->nruns--;
}

int text_finish(struct text *out, const struct text_builder *b, struct text_place start, struct arena *arena)
{
	if (b->out_of_memory)
		return -ENOMEM;
	if (b->too_large)
		return -E2BIG;
	size_t nruns = b->len ? b->nruns : 1;
	char *bytes = arena_strndup(arena, b->bytes, b->len);
	struct text_run *runs = arena_alloc(arena, nruns * sizeof(*runs));

	if (!bytes || !runs)
		return -ENOMEM;
	if (b->len)
		memcpy(runs, b->runs, nruns * sizeof(*runs));
	else
		*runs = (struct text_run){.offset = start.offset & INT32_MAX, .source = start.source};
	*out = (struct text){.bytes = bytes, .len = b->len, .runs = runs, .nruns = nruns};
	return 0;
}

struct text text_view(const struct text_builder *b)
{
	return (struct text){.bytes = b->bytes, .len = b->len, .runs = b->runs, .nruns = b->nruns};
}

struct text_place text_place_at(const struct text *t, size_t offset)
{
	if (!t->nruns)
		return (struct text_place){0};
	/* What is behind the end follows the last byte. */
	size_t at = t->skipped + (offset < t->len || !t->len ? offset : t->len - 1), behind = t->skipped + offset - at;
	const struct text_run *run = &t->runs[run_index(t, at)];
	size_t steps = run->fixed ? 0 : at - run->at + behind;

	return (struct text_place){run->source, run->offset + (uint32_t)steps};
}

struct source_pos text_pos(const struct text *t, size_t offset)
{
	return text_place_pos(text_place_at(t, offset));
}

struct text_place text_start(const struct text *t)
{
	return text_place_at(t, 0);
}

/* Whether the run, which ends before `end`, has a byte at that place. */
static bool run_covers(const struct text_run *run, size_t end, struct source_pos pos)
{
	size_t n = run->fixed ? 1 : end - run->at;

	if (!run->source || pos.line == 0 || pos.column == 0 || pos.line > run->source->nlines ||
	    strcmp(run->source->name, pos.file) != 0)
		return false;
	size_t offset = run->source->lines[pos.line - 1] + pos.column - 1;

	return offset >= run->offset && offset < run->offset + n;
}

bool text_covers(const struct text *t, struct source_pos pos)
{
	for (size_t i = 0; t->bytes && pos.file && i < t->nruns; i++)
		if (run_covers(&t->runs[i], i + 1 < t->nruns ? t->runs[i + 1].at : t->skipped + t->len, pos))
			return true;
	return false;
}

static struct source_pos place(const void *ctx, size_t offset)
{
	return text_pos(ctx, offset);
}

struct filter_text text_for_filter(const struct text *t)
{
	return (struct filter_text){.bytes = t->bytes, .len = t->len, .pos = place, .ctx = t};
}

struct text text_slice(const struct text *t, size_t from, size_t to)
{
	struct text slice = *t;

	slice.bytes += from;
	slice.len = to - from;
	slice.skipped += from;
	return slice;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(const struct text *t)
{
	size_t from = 0, to = t->len;

	while (from < to && is_blank(t->bytes[from]))
		from++;
	while (to > from && is_blank(t->bytes[to - 1]))
		to--;
	return text_slice(t, from, to);
}

bool text_is(const struct text *t, const char *word)
{
	return t->bytes && strlen(word) == t->len && memcmp(t->bytes, word, t->len) == 0;
}
