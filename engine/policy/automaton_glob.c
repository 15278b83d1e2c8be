/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs as glibc's fnmatch() reads them in the C locale. Where what a bracket says depends on which of its parts a byte
 * meets first, the pattern is refused.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "policy/automaton_internal.h"

static const char unclear_bracket[] = "it has a bracket expression whose meaning is unclear";
static const char collation[] = "it has a collating symbol or an equivalence class";

struct reader {
	const char *at, *end;
	bool fold;
};

/* The byte `ahead` of the next; 0 behind the end. */
static uint8_t peek(const struct reader *r, size_t ahead)
{
	return ahead < (size_t)(r->end - r->at) ? (uint8_t)r->at[ahead] : 0;
}

static uint8_t take(struct reader *r)
{
	return r->at < r->end ? (uint8_t)*r->at++ : 0;
}

static uint8_t folded(const struct reader *r, uint8_t byte)
{
	return r->fold ? fold_byte(byte) : byte;
}

/* Bytes are compared after folding, so that a range is one of folded bytes. */
static void add_range(const struct reader *r, struct byte_set *set, uint8_t lo, uint8_t hi)
{
	for (unsigned int byte = 1; byte < 256; byte++)
		if (lo <= folded(r, (uint8_t)byte) && folded(r, (uint8_t)byte) <= hi)
			byte_set_add(set, byte);
}

static bool in_class(const char *name, unsigned int byte)
{
	static const struct {
		const char *name;
		int (*has)(int);
	} classes[] = {
	        {"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
	        {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
	        {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
	};

	/* Of the C locale, whatever the process has. */
	for (size_t i = 0; byte < 0x80 && i < sizeof(classes) / sizeof(*classes); i++)
		if (strcmp(classes[i].name, name) == 0)
			return classes[i].has((int)byte);
	return false;
}

/* Reads "[:name:]" behind its first byte. False if it is none. Classes do not fold: no upper-case letter is a lower. */
static bool take_class(struct reader *r, struct byte_set *set)
{
	const char *name = r->at + 1;
	char copy[8] = {0};
	size_t n = 0;
	bool any = false;

	while (n < sizeof(copy) - 1 && peek(r, 1 + n) >= 'a' && peek(r, 1 + n) <= 'y')
		n++;
	if (peek(r, 1 + n) != ':' || peek(r, 2 + n) != ']')
		return false;
	memcpy(copy, name, n);
	for (unsigned int byte = 1; byte < 0x80; byte++) {
		if (!in_class(copy, byte))
			continue;
		byte_set_add(set, byte);
		any = true;
	}
	r->at += 1 + n + 2;
	return any;
}

/* Whether "[." "[=" or "[:" is next. */
static bool is_named(const struct reader *r)
{
	return peek(r, 0) == '[' && (peek(r, 1) == '.' || peek(r, 1) == '=' || peek(r, 1) == ':');
}

/* A byte of a bracket, perhaps escaped; 0 at the end of the pattern. */
static uint8_t take_member(struct reader *r)
{
	uint8_t byte = take(r);

	return folded(r, byte == '\\' ? take(r) : byte);
}

enum part {
	PART_MEMBER,
	PART_LAST,
	PART_MISSING, /* the bracket is not closed */
	PART_REFUSED,
};

static enum part take_named(struct reader *r, struct byte_set *set, const char **why)
{
	bool class = peek(r, 1) == ':';

	(void)take(r);
	if (class && take_class(r, set))
		return PART_MEMBER;
	*why = class ? unclear_bracket : collation;
	return PART_REFUSED;
}

static enum part take_part(struct reader *r, struct byte_set *set, bool first, const char **why)
{
	uint8_t lo, hi;

	if (peek(r, 0) == ']' && !first) {
		(void)take(r);
		return PART_LAST;
	}
	if (is_named(r))
		return take_named(r, set, why);
	lo = take_member(r);
	if (!lo)
		return PART_MISSING;
	if (peek(r, 0) != '-' || peek(r, 1) == ']') {
		add_range(r, set, lo, lo);
		return PART_MEMBER;
	}
	(void)take(r);
	*why = unclear_bracket;
	if (is_named(r))
		return PART_REFUSED;
	hi = take_member(r);
	add_range(r, set, lo, hi);
	return hi ? PART_MEMBER : PART_REFUSED;
}

static int add_item(struct glob *g, struct glob_item item)
{
	if (item.star && g->n && g->items[g->n - 1].star)
		return 0;
	if (automaton_reserve(&g->items, &g->size, g->n + 1, sizeof(*g->items)))
		return -ENOMEM;
	g->items[g->n++] = item;
	return 0;
}

static struct glob_item byte_item(const struct reader *r, uint8_t byte)
{
	struct glob_item item = {.byte = byte};

	/* Behind a backslash at the end there is none: no text matches. */
	if (byte)
		add_range(r, &item.set, folded(r, byte), folded(r, byte));
	return item;
}

static int add_bracket(struct glob *g, struct reader *r, const char **why)
{
	struct reader inside = *r;
	struct glob_item item = {0};
	bool negated = peek(&inside, 0) == '!' || peek(&inside, 0) == '^';
	enum part part;

	if (negated)
		(void)take(&inside);
	part = take_part(&inside, &item.set, true, why);
	while (part == PART_MEMBER)
		part = take_part(&inside, &item.set, false, why);
	if (part == PART_REFUSED)
		return -EINVAL;
	/* What is not closed is no bracket. */
	if (part == PART_MISSING)
		return add_item(g, byte_item(r, '['));
	for (size_t i = 0; negated && i < 4; i++)
		item.set.words[i] = ~item.set.words[i];
	byte_set_remove(&item.set, 0);
	*r = inside;
	return add_item(g, item);
}

static int add_next(struct glob *g, struct reader *r, const char **why)
{
	struct glob_item item = {0};
	uint8_t byte = take(r);

	switch (byte) {
	case '*':
		item.star = true;
		return add_item(g, item);
	case '?':
		memset(&item.set, 0xff, sizeof(item.set));
		byte_set_remove(&item.set, 0);
		return add_item(g, item);
	case '[':
		return add_bracket(g, r, why);
	case '\\':
		return add_item(g, byte_item(r, take(r)));
	default:
		return add_item(g, byte_item(r, byte));
	}
}

int glob_parse(struct glob *g, const char *pattern, size_t len, bool fold, const char **why)
{
	/* A C string for fnmatch(). */
	struct reader r = {.at = pattern, .end = pattern + strnlen(pattern, len), .fold = fold};
	int error = 0;

	while (!error && r.at < r.end)
		error = add_next(g, &r, why);
	return error;
}

void glob_free(struct glob *g)
{
	free(g->items);
	*g = (struct glob){0};
}
