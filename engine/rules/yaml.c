/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in YAML. libyaml says where a scalar starts; where each byte of its value comes from is found again by
 * walking the source beside the value: folding and chomping only touch blanks, escapes are known.
 */
#include "rules/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHARS_STEP = 64 };

void yaml_source_free(struct yaml_source *s)
{
	free(s->lines);
	free(s->chars);
	*s = (struct yaml_source){0};
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

int yaml_source_init(struct yaml_source *s, const char *file, const char *bytes, size_t len)
{
	size_t nlines = 1, nchars = 0, start = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (size_t i = 0; i < len; i++)
		nlines += bytes[i] == '\n';
	*s = (struct yaml_source){.file = file, .bytes = bytes, .len = len};
	s->lines = calloc(nlines, sizeof(*s->lines));
	s->chars = calloc(len / CHARS_STEP + 2, sizeof(*s->chars));
	if (!s->lines || !s->chars) {
		yaml_source_free(s);
		return -ENOMEM;
	}
	s->lines[s->nlines++] = start;
	s->chars[s->nchars++] = start;
	for (size_t i = start; i < len; i++) {
		if (bytes[i] == '\n')
			s->lines[s->nlines++] = i + 1;
		if (is_continuation(bytes[i]))
			continue;
		if (nchars && nchars % CHARS_STEP == 0)
			s->chars[s->nchars++] = i;
		nchars++;
	}
	return 0;
}

/* The byte offset of a mark, which counts characters. */
static size_t mark_offset(const struct yaml_source *s, const yaml_mark_t *mark)
{
	size_t step = mark->index / CHARS_STEP, rest = mark->index % CHARS_STEP;

	if (step >= s->nchars)
		return s->len;
	size_t at = s->chars[step];

	while (rest && at < s->len) {
		at++;
		while (at < s->len && is_continuation(s->bytes[at]))
			at++;
		rest--;
	}
	return at;
}

struct source_pos yaml_offset_pos(const struct yaml_source *s, size_t offset)
{
	size_t low = 0, high = s->nlines;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	size_t column = offset >= s->lines[low] ? offset - s->lines[low] : 0;

	return (struct source_pos){.file = s->file, .line = (uint32_t)low + 1, .column = (uint32_t)column + 1};
}

struct source_pos yaml_mark_pos(const struct yaml_source *s, const yaml_mark_t *mark)
{
	return yaml_offset_pos(s, mark_offset(s, mark));
}

struct source_pos yaml_pos(const struct yaml_source *s, const yaml_node_t *node)
{
	return yaml_mark_pos(s, &node->start_mark);
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The walk beside the value. */
struct walk {
	const char *src;
	size_t at, end;
	yaml_scalar_style_t style;
};

static void skip_white(struct walk *w)
{
	while (w->at < w->end && is_white(w->src[w->at]))
		w->at++;
}

static void skip_line(struct walk *w)
{
	while (w->at < w->end && w->src[w->at] != '\n')
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

int yaml_text(struct text *out, const struct yaml_source *s, const yaml_node_t *node, struct arena *arena)
{
	const char *value = (const char *)node->data.scalar.value;
	size_t len = node->data.scalar.length;

	if (len > FILTER_MAX_TEXT)
		return -E2BIG;
	struct source_pos *pos = arena_alloc(arena, (len + 1) * sizeof(*pos));
	char *bytes = arena_strndup(arena, value, len);

	if (!pos || !bytes)
		return -ENOMEM;
	struct walk w = {s->bytes, mark_offset(s, &node->start_mark), mark_offset(s, &node->end_mark),
	                 node->data.scalar.style};
	size_t offset = w.at;

	skip_head(&w);
	if (len == 0)
		w.at = offset;
	for (size_t i = 0; i < len;) {
		for (size_t n = step(&w, value + i, len - i, &offset); n; n--)
			pos[i++] = yaml_offset_pos(s, offset);
	}
	pos[len] = yaml_offset_pos(s, w.at < w.end ? w.at : w.end);
	*out = (struct text){.bytes = bytes, .pos = pos, .len = len};
	return 0;
}

yaml_node_t *yaml_get(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
	if (map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *k = yaml_document_get_node(doc, p->key);

		if (k && k->type == YAML_SCALAR_NODE && k->data.scalar.length == strlen(key) &&
		    memcmp(k->data.scalar.value, key, k->data.scalar.length) == 0)
			return yaml_document_get_node(doc, p->value);
	}
	return NULL;
}

bool yaml_is_null(const yaml_node_t *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (node->type == YAML_NO_NODE)
		return true;
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp((const char *)node->data.scalar.value, words[i]) == 0)
			return true;
	return false;
}

const char *yaml_kind(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return yaml_is_null(node) ? "nothing" : "a single value";
	case YAML_SEQUENCE_NODE:
		return "a sequence";
	case YAML_MAPPING_NODE:
		return "a mapping";
	case YAML_NO_NODE:
		break;
	}
	return "nothing";
}
