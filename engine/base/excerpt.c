/* SPDX-License-Identifier: Apache-2.0 */
#include "base/excerpt.h"

#include <string.h>

#include "base/text.h"

/* Of a longer line, so many bytes are shown at most, and so many of them before the place. */
enum { SHOWN_MAX = 110, SHOWN_BEFORE = 60, TAB = 8 };

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Where the character around `at` starts; invalid bytes are characters of their own. */
static size_t char_start(const char *line, size_t at)
{
	size_t start = at;

	while (start && at - start < 3 && is_continuation(line[start]))
		start--;
	return is_continuation(line[start]) ? at : start;
}

void excerpt_take(struct excerpt *out, const struct source_text *s, struct source_pos pos)
{
	const char *line = NULL;
	size_t len = 0;

	*out = (struct excerpt){0};
	if (!pos.column || !source_line(s, pos.line, &line, &len))
		return;
	size_t at = pos.column - 1 < len ? pos.column - 1 : len, from = 0, to = len;

	if (len > SHOWN_MAX) {
		from = at > SHOWN_BEFORE ? char_start(line, at - SHOWN_BEFORE) : 0;
		to = len - from > SHOWN_MAX ? char_start(line, from + SHOWN_MAX) : len;
	}
	char *text = malloc(to - from + 1);

	if (!text)
		return;
	memcpy(text, line + from, to - from);
	text[to - from] = '\0';
	*out = (struct excerpt){text, to - from, at - from, from > 0, to < len};
}

void excerpt_free(struct excerpt *e)
{
	free(e->text);
	*e = (struct excerpt){0};
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* The bytes of the word, the operator or the quoted text at the place; at least one. */
static size_t word_length(const struct excerpt *e)
{
	static const char ends[] = " \t()[]{},:=<>!\"'";
	static const char operators[] = "=<>!";
	const char *s = e->text + e->at;
	size_t left = e->len - e->at, n = 0;

	if (left && (*s == '"' || *s == '\'')) {
		const char *end = memchr(s + 1, *s, left - 1);

		return end ? (size_t)(end - s) + 1 : 1;
	}
	bool operator= left && is_one_of(*s, operators);

	while (n < left && (operator? is_one_of(s[n], operators) : !is_one_of(s[n], ends)))
		n++;
	return n ? n : 1;
}

/* Adds the character at `i`, which starts in that column; returns its bytes. */
static size_t add_char(struct buf *out, const struct excerpt *e, size_t i, size_t column, size_t *columns)
{
	if (e->text[i] != '\t')
		return text_visible_char(out, e->text + i, e->len - i, columns);
	*columns = TAB - column % TAB;
	buf_addf(out, "%*s", (int)*columns, "");
	return 1;
}

void excerpt_write(struct buf *out, const struct excerpt *e, uint32_t line)
{
	static const char cut[] = "…";
	size_t column = 0, caret = 0, end = 0, word = e->text ? e->at + word_length(e) : 0;

	if (!e->text)
		return;
	buf_addf(out, "%5u | %s", line, e->cut_before ? cut : "");
	for (size_t i = 0; i < e->len;) {
		size_t columns, n = add_char(out, e, i, column, &columns);

		/* The place may be within a character. */
		if (i + n <= e->at)
			caret = column + columns;
		column += columns;
		i += n;
		if (i <= word)
			end = column;
	}
	buf_addf(out, "%s\n      | %*s^", e->cut_after ? cut : "", (int)(caret + e->cut_before), "");
	for (size_t i = caret + 1; i < end; i++)
		buf_addc(out, '~');
	buf_addc(out, '\n');
}
