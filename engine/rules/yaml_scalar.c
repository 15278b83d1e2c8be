/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads scalars line by line, as yaml-cpp does, oddities included: how lines fold, what ends a plain value, which
 * escapes there are. Knows no tokens.
 */
#include "rules/yaml_scalar.h"

#include <string.h>

int yaml_look(const struct yaml_scanner *s, size_t ahead)
{
	return s->at + ahead < s->source->len ? (unsigned char)s->source->bytes[s->at + ahead] : YAML_END;
}

char yaml_take(struct yaml_scanner *s)
{
	if (s->at >= s->source->len)
		return '\0';
	char c = s->source->bytes[s->at++];

	s->column++;
	if (!s->line_end && yaml_break(c))
		s->line_end = c == '\r' && yaml_look(s, 0) != '\n' ? '\r' : '\n';
	if (s->line_end && c == s->line_end) {
		s->column = 0;
		s->line++;
	}
	return c;
}

void yaml_skip(struct yaml_scanner *s, size_t n)
{
	while (n--)
		(void)yaml_take(s);
}

bool yaml_blank(int c)
{
	return c == ' ' || c == '\t';
}

bool yaml_break(int c)
{
	return c == '\n' || c == '\r';
}

bool yaml_space_or_end(int c)
{
	return yaml_blank(c) || yaml_break(c) || c == YAML_END;
}

bool yaml_document_mark(const struct yaml_scanner *s, char c)
{
	return s->column == 0 && yaml_look(s, 0) == c && yaml_look(s, 1) == c && yaml_look(s, 2) == c &&
	       yaml_space_or_end(yaml_look(s, 3));
}

/* Bytes of the line's end here, 0 if there is none. */
static size_t break_length(const struct yaml_scanner *s)
{
	if (!yaml_break(yaml_look(s, 0)))
		return 0;
	return yaml_look(s, 0) == '\r' && yaml_look(s, 1) == '\n' ? 2 : 1;
}

static bool is_plain(enum yaml_style style)
{
	return style == YAML_STYLE_PLAIN || style == YAML_STYLE_IN_FLOW;
}

static bool is_quoted(enum yaml_style style)
{
	return style == YAML_STYLE_SINGLE || style == YAML_STYLE_DOUBLE;
}

static bool is_block(enum yaml_style style)
{
	return style == YAML_STYLE_LITERAL || style == YAML_STYLE_FOLDED;
}

static bool is_one_of(int c, const char *set)
{
	return c > 0 && strchr(set, c) != NULL;
}

static bool ends_plain(const struct yaml_scanner *s, const char *flow_ends)
{
	int c = yaml_look(s, 0), next = yaml_look(s, 1);

	if (c == ':')
		return yaml_space_or_end(next) || (*flow_ends && is_one_of(next, ",]}"));
	if (is_one_of(c, flow_ends))
		return true;
	/* A comment ends it, also one that takes the next line whole. */
	size_t n = yaml_blank(c) ? 1 : break_length(s);

	return n && yaml_look(s, n) == '#';
}

/* Whether what ends the scalar stands here; a line's end or less indentation are no such. */
static bool ends_here(const struct yaml_scanner *s, enum yaml_style style)
{
	switch (style) {
	case YAML_STYLE_PLAIN:
		return ends_plain(s, "");
	case YAML_STYLE_IN_FLOW:
		return ends_plain(s, ",?[]{}");
	case YAML_STYLE_SINGLE:
		return yaml_look(s, 0) == '\'' && yaml_look(s, 1) != '\'';
	case YAML_STYLE_DOUBLE:
		return yaml_look(s, 0) == '"';
	case YAML_STYLE_LITERAL:
	case YAML_STYLE_FOLDED:
		break;
	}
	return false;
}

static void add(struct yaml_scanner *s, const char *bytes, size_t n, size_t offset)
{
	text_add_bytes(&s->scratch, bytes, n, yaml_place(s, offset));
}

static void add_repeated(struct yaml_scanner *s, char c, size_t n, size_t offset)
{
	while (n--)
		add(s, &c, 1, offset);
}

/* Escapes */

static int hex_digit(int c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* Adds a character by its code. */
static bool add_code(struct yaml_scanner *s, uint32_t code, size_t offset)
{
	char utf8[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff) {
		yaml_fail(s, offset, "yaml", "the escape is no character of Unicode");
		return false;
	}
	for (size_t i = n; i; i--, code >>= 6)
		utf8[i - 1] = (char)(i > 1 ? 0x80 | (code & 0x3f) : n == 1 ? code : (0xf00U >> n & 0xf0U) | code);
	add(s, utf8, n, offset);
	return true;
}

static bool add_hex(struct yaml_scanner *s, size_t digits, size_t offset)
{
	uint32_t code = 0;

	for (; digits; digits--) {
		int digit = hex_digit(yaml_look(s, 0));

		if (digit < 0) {
			yaml_fail(s, offset, "yaml",
			          "the escape needs hexadecimal digits: two behind \\x, four behind \\u, eight behind "
			          "\\U");
			return false;
		}
		code = code << 4 | (uint32_t)digit;
		(void)yaml_take(s);
	}
	return add_code(s, code, offset);
}

/* Adds what an escape in double quotes stands for. */
static bool add_escape(struct yaml_scanner *s)
{
	static const char letters[] = "0abt\tnvfre \"'\\/";
	static const char values[] = "\0\a\b\t\t\n\v\f\r\x1b \"'\\/";
	size_t offset = s->at;

	(void)yaml_take(s);
	int c = yaml_look(s, 0);
	const char *letter = c > 0 ? strchr(letters, c) : NULL;

	(void)yaml_take(s);
	if (letter)
		add(s, values + (letter - letters), 1, offset);
	else if (c == 'N')
		add(s, "\x85", 1, offset);
	else if (c == '_')
		add(s, "\xa0", 1, offset);
	else if (c == 'L' || c == 'P')
		return add_code(s, c == 'L' ? 0x2028 : 0x2029, offset);
	else if (c == 'x' || c == 'u' || c == 'U')
		return add_hex(s, c == 'x' ? 2 : c == 'u' ? 4 : 8, offset);
	else
		yaml_fail(s, offset, "yaml",
		          "unknown escape in double quotes; write \\\\ for a backslash, or use single quotes");
	return !s->error.code;
}

/* Lines */

/* Where reading a scalar is. */
struct lines {
	struct yaml_scalar *how;
	bool any_text;      /* some line had text */
	bool opened;        /* the line that opens a block is over */
	bool empty, deeper; /* the line before was empty, or indented deeper */
	bool joined;        /* a backslash took the line's end away */
	size_t folded;      /* empty lines in a row */
	bool folded_deeper; /* the line before them was indented deeper */
	size_t escaped;     /* up to here the value must not be cut; SIZE_MAX: no escape yet */
};

enum line_end { LINE_WRONG, LINE_LAST, LINE_MORE };

/* The escape that stands here. */
static bool take_escape(struct yaml_scanner *s, struct lines *l)
{
	if (l->how->style == YAML_STYLE_SINGLE) {
		add(s, "'", 1, s->at);
		yaml_skip(s, 2);
	} else if (!add_escape(s)) {
		return false;
	}
	l->escaped = s->scratch.len;
	return true;
}

static bool escape_here(const struct yaml_scanner *s, enum yaml_style style)
{
	return (style == YAML_STYLE_DOUBLE && yaml_look(s, 0) == '\\') ||
	       (style == YAML_STYLE_SINGLE && yaml_look(s, 0) == '\'');
}

/* Whether a line that starts like a document ends the scalar, or must not be there. */
static bool document_here(const struct yaml_scanner *s, enum yaml_style style)
{
	return s->column == 0 && !is_block(style) && (yaml_document_mark(s, '-') || yaml_document_mark(s, '.'));
}

/* Bytes that stand for themselves, from here on. */
static void take_bytes(struct yaml_scanner *s, enum yaml_style style, size_t *trimmed)
{
	size_t from = s->at;

	do {
		if (!yaml_blank((unsigned char)yaml_take(s)))
			*trimmed = s->scratch.len + (s->at - from);
	} while (s->at < s->source->len && !yaml_break(yaml_look(s, 0)) && !ends_here(s, style) &&
	         !escape_here(s, style));
	add(s, s->source->bytes + from, s->at - from, from);
}

/* Reads to the line's end. */
static enum line_end take_line(struct yaml_scanner *s, struct lines *l)
{
	enum yaml_style style = l->how->style;
	size_t trimmed = s->scratch.len; /* without blanks at the end */

	l->joined = false;
	while (s->at < s->source->len && !ends_here(s, style) && !yaml_break(yaml_look(s, 0))) {
		if (document_here(s, style)) {
			if (is_quoted(style))
				yaml_fail(s, s->at, "yaml",
				          "a document starts or ends within a quoted value; end the value before");
			return is_quoted(style) ? LINE_WRONG : LINE_LAST;
		}
		l->any_text = l->opened = true;
		if (style == YAML_STYLE_DOUBLE && yaml_look(s, 0) == '\\' && yaml_break(yaml_look(s, 1))) {
			(void)yaml_take(s);
			l->escaped = trimmed = s->scratch.len;
			l->joined = true;
			break;
		}
		if (!escape_here(s, style)) {
			take_bytes(s, style, &trimmed);
			continue;
		}
		if (!take_escape(s, l))
			return LINE_WRONG;
		trimmed = s->scratch.len;
	}
	if (s->at >= s->source->len)
		return is_quoted(style) ? LINE_WRONG : LINE_LAST;
	if (document_here(s, style))
		return LINE_LAST;
	if (ends_here(s, style)) {
		if (is_quoted(style))
			(void)yaml_take(s);
		return LINE_LAST;
	}
	if (!is_block(style))
		text_cut(&s->scratch, trimmed);
	return LINE_MORE;
}

/* Steps over the indentation of the next line. False after an error. */
static bool take_indent(struct yaml_scanner *s, struct lines *l)
{
	struct yaml_scalar *how = l->how;
	bool detect = how->detect_indent && !l->any_text;

	while (yaml_look(s, 0) == ' ' && (s->column < how->indent || detect) && !ends_here(s, how->style))
		(void)yaml_take(s);
	if (detect && s->column > how->indent)
		how->indent = s->column;
	while (yaml_blank(yaml_look(s, 0))) {
		if (yaml_look(s, 0) == '\t' && s->column < how->indent && !is_quoted(how->style)) {
			yaml_fail(s, s->at, "yaml", "a tab cannot indent; use blanks");
			return false;
		}
		if (is_block(how->style) || ends_here(s, how->style))
			break;
		(void)yaml_take(s);
	}
	return true;
}

/* What the line's end at `offset` becomes in a folded block. */
static void fold_block(struct yaml_scanner *s, struct lines *l, bool empty, bool deeper, size_t offset)
{
	if (!l->empty && !empty && !l->deeper && !deeper && s->column >= l->how->indent)
		add(s, " ", 1, offset);
	else if (empty)
		l->folded++;
	else
		add(s, "\n", 1, offset);
	if (empty || !l->folded)
		return;
	add_repeated(s, '\n', l->folded - 1 + (l->folded_deeper || deeper || !l->any_text), offset);
	l->folded = 0;
}

/* Adds what the line's end at `offset` becomes; the next line's indentation is behind us. */
static void fold(struct yaml_scanner *s, struct lines *l, size_t offset)
{
	bool empty = yaml_break(yaml_look(s, 0)), deeper = yaml_blank(yaml_look(s, 0));
	enum yaml_style style = l->how->style;

	if (style == YAML_STYLE_FOLDED && l->folded == 0 && empty)
		l->folded_deeper = l->deeper;
	if (!l->opened)
		; /* the line that opens a block */
	else if (style == YAML_STYLE_LITERAL)
		add(s, "\n", 1, offset);
	else if (style == YAML_STYLE_FOLDED)
		fold_block(s, l, empty, deeper, offset);
	else if (empty)
		add(s, "\n", 1, offset);
	else if (!l->empty && !l->joined)
		add(s, " ", 1, offset);
	l->empty = empty;
	l->deeper = deeper;
	l->opened = true;
}

/* The value up to its last byte that is not in `set`, escapes included; SIZE_MAX if there is none. */
static size_t last_but(const struct yaml_scanner *s, const struct lines *l, const char *set)
{
	size_t n = s->scratch.len;

	while (n && is_one_of(s->scratch.bytes[n - 1], set))
		n--;
	if (l->escaped != SIZE_MAX && (n == 0 || n - 1 < l->escaped))
		return l->escaped;
	return n ? n - 1 : SIZE_MAX;
}

/* Takes blanks and line ends off the end. */
static void chomp(struct yaml_scanner *s, const struct lines *l)
{
	if (is_plain(l->how->style)) {
		size_t last = last_but(s, l, " \t");

		if (last != SIZE_MAX)
			text_cut(&s->scratch, last + 1);
	}
	if (l->how->chomp == YAML_KEEP)
		return;
	size_t last = last_but(s, l, "\n");

	if (last == SIZE_MAX)
		text_cut(&s->scratch, 0);
	else
		text_cut(&s->scratch, last + (l->how->chomp == YAML_CLIP ? 2 : 1));
}

bool yaml_scan_scalar(struct yaml_scanner *s, struct yaml_scalar *how)
{
	struct lines l = {.how = how, .opened = !is_block(how->style), .escaped = SIZE_MAX};
	size_t from = s->at ? s->at - 1 : 0;

	text_builder_reset(&s->scratch);
	how->ended_by_line = false;
	while (s->at < s->source->len) {
		enum line_end end = take_line(s, &l);

		if (s->error.code)
			return false;
		if (end == LINE_WRONG) {
			yaml_fail(s, from, "yaml", "the quoted value does not end");
			return false;
		}
		if (end == LINE_LAST)
			break;
		size_t offset = s->at;

		yaml_skip(s, break_length(s));
		if (!take_indent(s, &l))
			return false;
		fold(s, &l, offset);
		if (!l.empty && s->column < how->indent) {
			how->ended_by_line = true;
			break;
		}
		if (s->at >= s->source->len && is_quoted(how->style))
			s->open_quote = from;
	}
	chomp(s, &l);
	return true;
}
