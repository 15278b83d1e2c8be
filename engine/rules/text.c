/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text with places. Knows no YAML and no rules.
 */
#include "rules/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void text_builder_free(struct text_builder *b)
{
	free(b->bytes);
	free(b->pos);
	*b = (struct text_builder){0};
}

static bool reserve(struct text_builder *b, size_t more)
{
	if (b->out_of_memory || b->too_large)
		return false;
	if (more > FILTER_MAX_TEXT || b->len + more > FILTER_MAX_TEXT) {
		b->too_large = true;
		return false;
	}
	if (b->len + more <= b->cap)
		return true;
	size_t cap = b->cap * 2 > b->len + more ? b->cap * 2 : b->len + more + 64;
	char *bytes = realloc(b->bytes, cap);

	if (bytes)
		b->bytes = bytes;
	struct source_pos *pos = realloc(b->pos, cap * sizeof(*pos));

	if (pos)
		b->pos = pos;
	if (!bytes || !pos) {
		b->out_of_memory = true;
		return false;
	}
	b->cap = cap;
	return true;
}

void text_add_slice(struct text_builder *b, const struct text *t, size_t from, size_t to)
{
	size_t n = to - from;

	if (!n || !reserve(b, n))
		return;
	memcpy(b->bytes + b->len, t->bytes + from, n);
	memcpy(b->pos + b->len, t->pos + from, n * sizeof(*b->pos));
	b->len += n;
}

void text_add(struct text_builder *b, const struct text *t)
{
	text_add_slice(b, t, 0, t->len);
}

void text_adds(struct text_builder *b, const char *words, struct source_pos pos)
{
	size_t n = strlen(words);

	if (!n || !reserve(b, n))
		return;
	memcpy(b->bytes + b->len, words, n);
	for (size_t i = 0; i < n; i++)
		b->pos[b->len + i] = pos;
	b->len += n;
}

int text_finish(struct text *out, const struct text_builder *b, struct arena *arena)
{
	if (b->out_of_memory)
		return -ENOMEM;
	if (b->too_large)
		return -E2BIG;
	char *bytes = arena_alloc(arena, b->len + 1);
	struct source_pos *pos = arena_alloc(arena, (b->len + 1) * sizeof(*pos));

	if (!bytes || !pos)
		return -ENOMEM;
	if (b->len) {
		memcpy(bytes, b->bytes, b->len);
		memcpy(pos, b->pos, b->len * sizeof(*pos));
		pos[b->len] = pos[b->len - 1];
		pos[b->len].column++;
	}
	*out = (struct text){.bytes = bytes, .pos = pos, .len = b->len};
	return 0;
}

struct text text_view(const struct text_builder *b)
{
	return (struct text){.bytes = b->bytes ? b->bytes : "", .pos = b->pos, .len = b->len};
}

struct source_pos text_start(const struct text *t)
{
	return t->pos ? t->pos[0] : (struct source_pos){0};
}

static struct source_pos place(const void *ctx, size_t offset)
{
	const struct text *t = ctx;

	return t->pos[offset < t->len ? offset : t->len];
}

struct filter_text text_for_filter(const struct text *t)
{
	return (struct filter_text){.bytes = t->bytes, .len = t->len, .pos = place, .ctx = t};
}

struct text text_trim(const struct text *t)
{
	static const char blanks[] = " \t\n\r\f\v";
	size_t from = 0, to = t->len;

	while (from < to && t->bytes[from] && strchr(blanks, t->bytes[from]))
		from++;
	while (to > from && t->bytes[to - 1] && strchr(blanks, t->bytes[to - 1]))
		to--;
	return (struct text){.bytes = t->bytes + from, .pos = t->pos + from, .len = to - from};
}
