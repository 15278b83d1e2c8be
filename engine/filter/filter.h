/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco's condition language: from text to a typed expression tree.
 *
 * Knows the field catalogue (compat/fields.h) and nothing about YAML, rules, policies or kernels. Macros and
 * lists are resolved through callbacks, so that the caller owns what a name means.
 */
#ifndef TERCEL_FILTER_FILTER_H
#define TERCEL_FILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "compat/fields.h"

enum filter_kind {
	FILTER_AND = 0, /* all kids; at least one */
	FILTER_OR = 1,  /* some kid; at least one */
	FILTER_NOT = 2, /* exactly one kid */
	FILTER_LEAF = 3,
};

enum filter_op {
	FILTER_OP_EQ = 0, /* = and == */
	FILTER_OP_NE,
	FILTER_OP_LT,
	FILTER_OP_LE,
	FILTER_OP_GT,
	FILTER_OP_GE,
	FILTER_OP_IN,
	FILTER_OP_INTERSECTS,
	FILTER_OP_PMATCH,
	FILTER_OP_EXISTS, /* no value */
	FILTER_OP_CONTAINS,
	FILTER_OP_ICONTAINS,
	FILTER_OP_BCONTAINS,
	FILTER_OP_STARTSWITH,
	FILTER_OP_BSTARTSWITH,
	FILTER_OP_ENDSWITH,
	FILTER_OP_GLOB,
	FILTER_OP_IGLOB,
	FILTER_OP_REGEX,
	FILTER_OPS,
};

/* The operator as it is written ("startswith"); never NULL for a valid value. */
const char *filter_op_name(enum filter_op op);

/* One right-hand value, as text and as the type of its field. */
struct filter_value {
	const char *text; /* unquoted, NUL-terminated; owned by the tree */
	size_t len;
	struct source_pos pos;
	union {
		uint64_t u64;   /* unsigned, boolean (0/1), time and port types */
		int64_t s64;    /* signed types */
		struct {        /* addresses and networks */
			uint8_t addr[16]; /* network byte order; IPv4 in the first four bytes */
			uint8_t family;   /* AF_INET or AF_INET6 */
			uint8_t prefix;   /* bits */
		} net;
	} as; /* which member: by the field's type (compat/fields.h); unset for strings */
};

struct filter_node {
	enum filter_kind kind;
	/* Where it stands in the text given to the parser, mapped by the caller's position function. */
	struct source_pos pos;
	/* AND, OR, NOT */
	struct filter_node **kids;
	size_t nkids;
	/* LEAF */
	const struct field_info *field;
	bool has_arg;    /* proc.aname[2]: has_arg, arg_index 2; a key argument is in arg_text as well */
	uint64_t arg_index;
	const char *arg_text;
	enum filter_op op;
	struct filter_value *values; /* one for most operators, any number for in/intersects/pmatch, none for exists */
	size_t nvalues;
};

/* A parsed condition: a tree and the memory that it lives in. */
struct filter;

void filter_free(struct filter *f);
static inline void cleanup_filter(struct filter **f)
{
	filter_free(*f);
}
#define _autofilter_ _cleanup_(cleanup_filter)

/* The tree's root; owned by the filter. */
const struct filter_node *filter_root(const struct filter *f);

#endif
