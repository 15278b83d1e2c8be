/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree between parser and compiler: Falco's grammar applied, nothing looked up. Private to engine/filter.
 */
#ifndef TERCEL_FILTER_SYNTAX_H
#define TERCEL_FILTER_SYNTAX_H

#include "filter/arena.h"
#include "filter/filter.h"

enum syntax_kind { SYNTAX_AND, SYNTAX_OR, SYNTAX_NOT, SYNTAX_LEAF, SYNTAX_NAME };

struct syntax_value {
	const char *text;
	size_t len;
	struct source_pos pos;
	struct syntax_value *next;
};

struct syntax_node {
	enum syntax_kind kind;
	struct source_pos pos;
	struct syntax_node *kids; /* AND, OR, NOT */
	size_t nkids;
	struct syntax_node *next; /* sibling */

	const char *name; /* LEAF: the field as written, without the bracket; NAME: the macro */
	const char *arg;  /* LEAF: what is in the brackets, unquoted; NULL: no brackets */
	struct source_pos arg_pos;
	enum filter_op op;
	struct source_pos op_pos;
	struct syntax_value *values;
	size_t nvalues;
};

struct filter_syntax {
	struct arena arena;
	struct syntax_node *root;
};

/* A field and its argument at the start of a text, for output formats. Returns the bytes taken, 0 if none stands there.
 * name_len gets the length of the name alone, arg and arg_len the argument's raw text (NULL without one). */
size_t syntax_lex_field(const char *text, size_t len, size_t *name_len, const char **arg, size_t *arg_len);

/* The place of an offset of a text, by its mapping or by counting. */
struct source_pos filter_text_pos(const struct filter_text *text, size_t offset);

/* The length of the transformer's name if `text` starts with one and its parenthesis ("tolower("), else 0. */
size_t syntax_transformer(const char *text, size_t len);

#endif
