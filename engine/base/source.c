/* SPDX-License-Identifier: Apache-2.0 */
#include "base/source.h"

#include <errno.h>
#include <string.h>

int source_init(struct source_text *s, const char *name, const char *bytes, size_t len)
{
	if (len >= UINT32_MAX)
		return -EFBIG;
	char end = len && memchr(bytes, '\n', len) ? '\n' : '\r';
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += bytes[i] == end;
	*s = (struct source_text){.name = name, .bytes = bytes, .len = len};
	s->lines = calloc(n, sizeof(*s->lines));
	if (!s->lines)
		return -ENOMEM;
	s->nlines = 1;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == end)
			s->lines[s->nlines++] = (uint32_t)i + 1;
	return 0;
}

void source_free(struct source_text *s)
{
	free(s->lines);
	*s = (struct source_text){0};
}

struct source_pos source_place(const struct source_text *s, size_t offset)
{
	size_t low = 0, high = s->nlines;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return (struct source_pos){s->name, (uint32_t)low + 1, (uint32_t)(offset - s->lines[low]) + 1};
}

bool source_line(const struct source_text *s, uint32_t line, const char **text, size_t *len)
{
	if (line == 0 || line > s->nlines)
		return false;
	size_t from = s->lines[line - 1], to = line < s->nlines ? s->lines[line] - 1 : s->len;

	if (to > from && s->bytes[to - 1] == '\r')
		to--;
	*text = s->bytes + from;
	*len = to - from;
	return true;
}

void source_list_free(struct source_list *l)
{
	free((void *)l->items);
	*l = (struct source_list){0};
}

int source_list_add(struct source_list *l, const struct source_text *s)
{
	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 4;
		const struct source_text **items = realloc((void *)l->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->cap = cap;
	}
	l->items[l->count++] = s;
	return 0;
}

const struct source_text *source_list_find(const struct source_list *l, const char *name)
{
	for (size_t i = l->count; i; i--)
		if (l->items[i - 1]->name == name)
			return l->items[i - 1];
	for (size_t i = l->count; i; i--)
		if (strcmp(l->items[i - 1]->name, name) == 0)
			return l->items[i - 1];
	return NULL;
}
