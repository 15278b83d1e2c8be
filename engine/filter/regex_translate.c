/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a tree as a pattern of PCRE2 in which nothing depends on PCRE2's idea of a character: bytes and explicit
 * classes of bytes, plain groups, greedy repetitions, and anchors whose meaning is the same. Knows no syntax of RE2.
 */
#include "filter/regex_translate.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct step {
	const struct regex_node *node;
	size_t next; /* kid to write */
};

struct translator {
	struct buf *out;
	enum regex_texts texts;
	bool wide;
	struct step *steps;
	size_t nsteps, steps_size;
};

static void translator_free(struct translator *t)
{
	free(t->steps);
}

static int push_step(struct translator *t, const struct regex_node *node)
{
	void *steps = t->steps;
	int r = regex_reserve(&steps, &t->steps_size, t->nsteps + 1, sizeof(*t->steps));

	t->steps = steps;
	if (!r)
		t->steps[t->nsteps++] = (struct step){.node = node};
	return r;
}

static void add_byte(struct buf *out, uint8_t byte)
{
	if (byte < 0x80 && isalnum(byte))
		buf_addc(out, (char)byte);
	else
		buf_addf(out, "\\x%02x", byte);
}

static void add_byte_range(struct buf *out, uint8_t lo, uint8_t hi)
{
	add_byte(out, lo);
	if (hi == lo)
		return;
	if (hi > lo + 1)
		buf_addc(out, '-');
	add_byte(out, hi);
}

static void add_nothing(struct buf *out)
{
	buf_adds(out, "(?!)");
}

static void add_literal(struct translator *t, const struct regex_node *node)
{
	for (size_t i = 0; i < node->n; i++) {
		uint32_t rune = node->runes[i];
		uint8_t bytes[REGEX_UTF8_MAX];
		size_t n = regex_encode(rune, bytes);

		t->wide |= n > 1;
		if (n > 1 && t->texts == REGEX_TEXTS_ASCII) {
			add_nothing(t->out);
			return;
		}
		if (node->fold)
			buf_addf(t->out, "[%c%c]", (int)rune, (int)(rune - 'a' + 'A'));
		for (size_t k = 0; k < n && !node->fold; k++)
			add_byte(t->out, bytes[k]);
	}
}

/* What is below 0x80 of a class. Where other bytes do not occur, they are in it if that makes it simpler. */
static void add_ascii_class(struct buf *out, const struct regex_node *node, enum regex_texts texts)
{
	bool member[0x80] = {false};
	bool negate;

	for (size_t i = 0; i < node->n; i++)
		for (uint32_t c = node->ranges[i].lo; c <= node->ranges[i].hi && c < 0x80; c++)
			member[c] = true;
	if (!memchr(member, true, 0x80)) {
		add_nothing(out);
		return;
	}
	negate = texts == REGEX_TEXTS_ASCII && member[0x7f];
	if (negate && !memchr(member, false, 0x80)) {
		buf_addc(out, '.');
		return;
	}
	buf_adds(out, negate ? "[^" : "[");
	for (unsigned int lo = 0; lo < 0x80; lo++) {
		unsigned int hi = lo;

		if (member[lo] == negate)
			continue;
		while (hi + 1 < 0x80 && member[hi + 1] != negate)
			hi++;
		add_byte_range(out, (uint8_t)lo, (uint8_t)hi);
		lo = hi;
	}
	buf_addc(out, ']');
}

struct alternatives {
	struct buf *out;
	bool begun;
};

static int add_sequence(void *ctx, const struct regex_sequence *s)
{
	struct alternatives *a = ctx;
	struct buf *out = a->out;

	if (a->begun)
		buf_addc(out, '|');
	a->begun = true;
	for (size_t i = 0; i < s->n; i++) {
		if (s->lo[i] < s->hi[i])
			buf_addc(out, '[');
		add_byte_range(out, s->lo[i], s->hi[i]);
		if (s->lo[i] < s->hi[i])
			buf_addc(out, ']');
	}
	return out->len > REGEX_TRANSLATION_MAX ? -E2BIG : 0;
}

static bool is_ascii_class(const struct regex_node *node)
{
	return node->n == 0 || node->ranges[node->n - 1].hi < 0x80;
}

static int add_class(struct translator *t, const struct regex_node *node)
{
	struct alternatives a = {.out = t->out};
	int r = 0;

	t->wide |= !is_ascii_class(node);
	if (t->texts == REGEX_TEXTS_ASCII || is_ascii_class(node)) {
		add_ascii_class(t->out, node, t->texts);
		return 0;
	}
	buf_adds(t->out, "(?:");
	for (size_t i = 0; i < node->n && node->ranges[i].lo < 0x80; i++) {
		uint32_t hi = node->ranges[i].hi < 0x80 ? node->ranges[i].hi : 0x7f;

		if (!a.begun)
			buf_addc(t->out, '[');
		a.begun = true;
		add_byte_range(t->out, (uint8_t)node->ranges[i].lo, (uint8_t)hi);
	}
	if (a.begun)
		buf_addc(t->out, ']');
	for (size_t i = 0; i < node->n && !r; i++) {
		uint32_t lo = node->ranges[i].lo < 0x80 ? 0x80 : node->ranges[i].lo;

		r = regex_split(lo, node->ranges[i].hi, add_sequence, &a);
	}
	buf_addc(t->out, ')');
	return r;
}

/* Whether an operator behind what is written for the node applies to all of it. */
static bool is_unit(const struct translator *t, const struct regex_node *node)
{
	while (node->op == REGEX_GROUP)
		node = node->kid;
	if (node->op == REGEX_LITERAL)
		return node->n == 1 && node->runes[0] < 0x80;
	if (node->op == REGEX_CLASS)
		return node->n > 0 && (node->ranges[0].lo < 0x80 || t->texts == REGEX_TEXTS_ANY);
	return node->op == REGEX_ALTERNATE;
}

static bool is_repetition(const struct regex_node *node)
{
	return node->op >= REGEX_STAR && node->op <= REGEX_REPEAT;
}

/* Before the kids. */
static int begin_node(struct translator *t, const struct regex_node *node)
{
	switch (node->op) {
	case REGEX_LITERAL:
		add_literal(t, node);
		return 0;
	case REGEX_CLASS:
		return add_class(t, node);
	case REGEX_LINE_BEGIN:
		buf_addc(t->out, '^');
		return 0;
	case REGEX_LINE_END:
		buf_addc(t->out, '$');
		return 0;
	case REGEX_ALTERNATE:
		buf_adds(t->out, "(?:");
		return 0;
	default:
		if (is_repetition(node) && !is_unit(t, node->kid))
			buf_adds(t->out, "(?:");
		return 0;
	}
}

/* Behind the kids. */
static void end_node(struct translator *t, const struct regex_node *node)
{
	if (node->op == REGEX_ALTERNATE || (is_repetition(node) && !is_unit(t, node->kid)))
		buf_addc(t->out, ')');
	if (node->op == REGEX_STAR)
		buf_addc(t->out, '*');
	else if (node->op == REGEX_PLUS)
		buf_addc(t->out, '+');
	else if (node->op == REGEX_QUEST)
		buf_addc(t->out, '?');
	else if (node->op == REGEX_REPEAT && node->max == -1)
		buf_addf(t->out, "{%d,}", node->min);
	else if (node->op == REGEX_REPEAT)
		buf_addf(t->out, "{%d,%d}", node->min, node->max);
}

int regex_translate(struct buf *out, const struct regex_node *root, enum regex_texts texts, bool *wide)
{
	_cleanup_(translator_free) struct translator t = {.out = out, .texts = texts};
	int r;

	buf_adds(out, "\\A(?:");
	r = push_step(&t, root);
	while (!r && t.nsteps > 0) {
		struct step *step = &t.steps[t.nsteps - 1];
		const struct regex_node *node = step->node;

		if (step->next == 0)
			r = begin_node(&t, node);
		else if (node->op == REGEX_ALTERNATE && step->next < node->n)
			buf_addc(out, '|');
		if (!r && step->next < regex_nkids(node)) {
			r = push_step(&t, regex_kids(node)[step->next++]);
			continue;
		}
		end_node(&t, node);
		t.nsteps--;
		if (out->len > REGEX_TRANSLATION_MAX)
			r = -E2BIG;
	}
	buf_adds(out, ")\\z");
	/* What was not written may be wide too. */
	*wide = t.wide || r;
	return r ? r : buf_error(out);
}
