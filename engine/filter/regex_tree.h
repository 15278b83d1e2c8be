/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A regular expression as a tree, in the form that RE2 gives it: what the parser makes, and what translator and program
 * are made from. Knows no syntax and no PCRE2.
 *
 * The form matters twice: RE2 limits the size of what it makes from the tree, and one of its rewritings changes what
 * matches (regex_factor.c).
 */
#ifndef TERCEL_FILTER_REGEX_TREE_H
#define TERCEL_FILTER_REGEX_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "filter/arena.h"

/* Whose RE2 is followed. They differ in one answer and in the size of repeated anchors (docs/regex-notes.md). */
enum regex_release {
	REGEX_RE2_2022 = 0, /* 2022-06-01, which Falco's own builds carry */
	REGEX_RE2_2023,     /* 2023-12 and later */
};

enum {
	REGEX_RUNE_MAX = 0x10ffff,
	REGEX_REPEAT_MAX = 1000, /* copies of one thing, also by nested repetitions; as in RE2 */
	REGEX_KIDS_MAX = 65535,  /* parts of one node; more make a tree of two levels, as in RE2 */
	REGEX_UTF8_MAX = 4,      /* bytes of one character */
};

enum regex_op {
	REGEX_EMPTY = 0,  /* the empty text */
	REGEX_LITERAL,    /* runes */
	REGEX_CLASS,      /* one character out of ranges; without ranges: nothing matches */
	REGEX_LINE_BEGIN, /* ^: at the beginning of the text or behind a newline */
	REGEX_LINE_END,   /* $: at the end of the text or before a newline */
	REGEX_GROUP,      /* parentheses: one kid; they count in the size */
	REGEX_STAR,
	REGEX_PLUS,
	REGEX_QUEST,
	REGEX_REPEAT, /* {min,max} */
	REGEX_CONCAT,
	REGEX_ALTERNATE,
};

struct regex_range {
	uint32_t lo, hi; /* code points, both included */
};

struct regex_node {
	enum regex_op op;
	bool fold;       /* LITERAL: letters match in both cases; all are lower-case ASCII letters */
	int min, max;    /* REPEAT; max -1: no limit */
	uint32_t copies; /* how often a counted repetition inside repeats its innermost kid, at most */
	size_t n;        /* runes, ranges (ascending, neither overlapping nor touching) or kids */
	union {
		uint32_t *runes;
		struct regex_range *ranges;
		struct regex_node **kids; /* CONCAT and ALTERNATE */
		struct regex_node *kid;   /* GROUP to REPEAT */
	};
};

static inline struct regex_node *const *regex_kids(const struct regex_node *node)
{
	return node->op >= REGEX_CONCAT ? node->kids : &node->kid;
}

static inline size_t regex_nkids(const struct regex_node *node)
{
	return node->op >= REGEX_GROUP ? node->n : 0;
}

/* One literal character, or a class: what repetitions are coalesced of, and alternatives merged. */
static inline bool regex_is_character(const struct regex_node *node)
{
	return (node->op == REGEX_LITERAL && node->n == 1) || node->op == REGEX_CLASS;
}

/* Constructors. All memory is the arena's; NULL without memory. */
struct regex_node *regex_new(struct arena *arena, enum regex_op op);
/* Takes the runes as they are; they must live in the arena. No rune makes EMPTY. */
struct regex_node *regex_new_literal(struct arena *arena, uint32_t *runes, size_t n, bool fold);
/* GROUP to REPEAT; the last comes as {0,0}. */
struct regex_node *regex_new_unary(struct arena *arena, enum regex_op op, struct regex_node *kid);
/* CONCAT or ALTERNATE of copies of the pointers; the kid itself if it is one. n > 0. */
struct regex_node *regex_join(struct arena *arena, enum regex_op op, struct regex_node *const *kids, size_t n);

/* Whether two nodes are the same character, anchor, or fixed repetition of a character. Others never are. */
bool regex_same_simple(const struct regex_node *a, const struct regex_node *b);

/* Makes room in a growing array for `want` elements of `element` bytes. 0 or -ENOMEM. */
int regex_reserve(void **array, size_t *size, size_t want, size_t element);

/* A class while it is collected. */
struct regex_ranges {
	struct regex_range *items; /* owned */
	size_t n, size;
};

int regex_ranges_add(struct regex_ranges *r, uint32_t lo, uint32_t hi);
/* Sorts them and makes one of what overlaps or touches. */
void regex_ranges_normalize(struct regex_ranges *r);
/* All that is not in it; it must be normal. 0 or -ENOMEM. */
int regex_ranges_negate(struct regex_ranges *r);
void regex_ranges_free(struct regex_ranges *r);
#define _autoranges_ _cleanup_(regex_ranges_free)

/* A CLASS of ranges that are normal. */
struct regex_node *regex_new_class(struct arena *arena, const struct regex_ranges *r);

/* Bytes of a code point, surrogates too; 1 to 4. */
size_t regex_encode(uint32_t rune, uint8_t bytes[REGEX_UTF8_MAX]);

/* A run of code points as bytes: the i-th byte is between lo[i] and hi[i]. */
struct regex_sequence {
	size_t n;
	uint8_t lo[REGEX_UTF8_MAX], hi[REGEX_UTF8_MAX];
};

/*
 * Visits the byte sequences that RE2 takes for lo to hi, ascending, until `visit` does not return 0; returns the last
 * result. All from 0x80 on is taken generously, as RE2 does: also overlong forms of three and four bytes, and beyond
 * 0x10ffff.
 */
int regex_split(uint32_t lo, uint32_t hi, int (*visit)(void *ctx, const struct regex_sequence *s), void *ctx);

/*
 * regex_factor.c: what the alternatives have in common at their beginnings is put before them, and neighbours that are
 * single characters become a class. Works on the array; 0 with the new number in *n, or -ENOMEM.
 */
int regex_factor(struct arena *arena, enum regex_release release, struct regex_node **alternatives, size_t *n);

/*
 * regex_simplify.c: the tree without counted repetitions, which is what the size is limited of. Kids may be shared
 * afterwards. 0, -E2BIG past `max_nodes` (it then would have more), or -ENOMEM; *root is replaced.
 */
int regex_simplify(struct arena *arena, enum regex_release release, struct regex_node **root, size_t max_nodes);

#endif
