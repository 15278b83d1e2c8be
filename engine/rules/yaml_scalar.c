/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk beside the value.
 */
#include "rules/yaml_scalar.h"

#include <string.h>

struct walk {
	const char *src;
	size_t at, end;
	yaml_scalar_style_t style;
};

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_white(struct walk *w)
{
	while (w->at < w->end && is_white(w->src[w->at]))
		w->at++;
}

static void skip_line(struct walk *w)
{
	while (w->at < w->end && w->src[w->at] != '\n' && w->src[w->at] != '\r')
		w->at++;
	if (w->at < w->end)
		w->at++;
}

/* Steps over tag and anchor, and over what opens the scalar. */
static void skip_head(struct walk *w)
{
	for (;;) {
		skip_white(w);
		if (w->at >= w->end)
			return;
		if (w->src[w->at] == '#')
			skip_line(w);
		else if (w->src[w->at] == '&' || w->src[w->at] == '!')
			while (w->at < w->end && !is_white(w->src[w->at]))
				w->at++;
		else
			break;
	}
	if (w->style == YAML_LITERAL_SCALAR_STYLE || w->style == YAML_FOLDED_SCALAR_STYLE)
		skip_line(w);
	else if (w->style != YAML_PLAIN_SCALAR_STYLE)
		w->at++; /* the quote */
}

/* Bytes of the escape at a backslash in a double-quoted scalar. */
static size_t escape_length(const struct walk *w)
{
	char c = w->at + 1 < w->end ? w->src[w->at + 1] : '\0';
	size_t n = c == 'x' ? 4 : c == 'u' ? 6 : c == 'U' ? 10 : 2;

	return n < w->end - w->at ? n : w->end - w->at;
}

static size_t utf8_length(char lead)
{
	unsigned char c = (unsigned char)lead;

	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* A backslash at the end of a line joins it with the next. */
static bool skip_joint(struct walk *w)
{
	if (w->at + 1 >= w->end || w->src[w->at] != '\\' || (w->src[w->at + 1] != '\n' && w->src[w->at + 1] != '\r'))
		return false;
	w->at++;
	skip_white(w);
	return true;
}

/* Finds the source of value[0]; returns how many bytes of the value come from there, and its offset. */
static size_t step(struct walk *w, const char *value, size_t len, size_t *offset)
{
	bool quoted = w->style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;

	if (quoted)
		while (skip_joint(w))
			;
	if (is_white(*value) && w->at < w->end && is_white(w->src[w->at])) {
		*offset = w->at;
		if (w->src[w->at] == *value)
			w->at++;
		return 1;
	}
	do {
		if (!is_white(*value))
			skip_white(w);
	} while (quoted && skip_joint(w));
	*offset = w->at < w->end ? w->at : w->end;
	if (w->at >= w->end)
		return 1;
	if (quoted && w->src[w->at] == '\\') {
		size_t n = utf8_length(*value);

		w->at += escape_length(w);
		return n < len ? n : len;
	}
	w->at++;
	if (w->style == YAML_SINGLE_QUOTED_SCALAR_STYLE && *value == '\'')
		w->at++;
	return 1;
}

/* The bytes from here on that stand in a row in source and value: most of a text. */
static size_t plain_run(const struct walk *w, const char *value, size_t len)
{
	size_t n = 0;

	while (n < len && w->at + n < w->end && value[n] == w->src[w->at + n] && !is_white(value[n]) &&
	       value[n] != '\\' && value[n] != '\'')
		n++;
	return n;
}

void yaml_scalar_text(struct text_builder *out, const struct source_text *source, size_t from, size_t to,
                      const yaml_event_t *scalar)
{
	const char *value = (const char *)scalar->data.scalar.value;
	size_t len = scalar->data.scalar.length;
	struct walk w = {source->bytes, from, to, scalar->data.scalar.style};

	if (len)
		skip_head(&w);
	for (size_t i = 0, offset; i < len;) {
		size_t n = plain_run(&w, value + i, len - i);

		if (n) {
			text_add_bytes(out, value + i, n, (struct text_place){source, (uint32_t)w.at});
			w.at += n;
			i += n;
			continue;
		}
		/* An escape may stand for several bytes, all of which are written at one place. */
		for (n = step(&w, value + i, len - i, &offset); n; n--, i++)
			text_add_bytes(out, value + i, 1, (struct text_place){source, (uint32_t)offset});
	}
}
