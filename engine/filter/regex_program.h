/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A regular expression as a program over bytes. Knows no syntax and no PCRE2.
 *
 * It has the instructions that RE2's would have, since RE2 refuses patterns by their number.
 */
#ifndef TERCEL_FILTER_REGEX_PROGRAM_H
#define TERCEL_FILTER_REGEX_PROGRAM_H

#include "filter/regex_tree.h"

/* What RE2 allows by default: two thirds of 8 MiB, less 432 bytes of its own, at 8 bytes each. */
enum { REGEX_INSTRUCTIONS_MAX = 698996 };

enum regex_opcode {
	REGEX_OP_FAIL = 0,
	REGEX_OP_SPLIT, /* goes on at `out` and at `other` */
	REGEX_OP_BYTE,  /* takes a byte from lo to hi */
	REGEX_OP_LINE_BEGIN,
	REGEX_OP_LINE_END,
	REGEX_OP_PASS, /* goes on; nothing leads to it in a program that is done */
	REGEX_OP_MATCH,
};

struct regex_instruction {
	uint8_t op; /* enum regex_opcode */
	uint8_t lo, hi;
	uint8_t fold; /* BYTE: upper-case letters are taken as lower-case ones */
	uint32_t out, other;
};

struct regex_program {
	struct regex_instruction *code; /* owned; the first is FAIL */
	uint32_t size, start;
};

/*
 * Simplifies the tree, which is used up by that, and compiles it. 0 with *out set (the caller owns it), -E2BIG if RE2
 * would refuse it with that limit of instructions, or -ENOMEM.
 */
int regex_program_new(struct regex_program **out, struct arena *arena, enum regex_release release,
                      struct regex_node *root, size_t limit);
void regex_program_free(struct regex_program *p);
static inline void cleanup_regex_program(struct regex_program **p)
{
	regex_program_free(*p);
}

#endif
