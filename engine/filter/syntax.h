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

/* A field, or a transformer with its arguments. */
struct syntax_term {
	enum filter_term_kind kind;
	struct source_pos pos;
	const char *name; /* FIELD: as written, without the bracket */
	const char *arg;  /* FIELD, CALL: what is in the brackets, unquoted; NULL: no brackets */
	struct source_pos arg_pos;
	const char *text; /* TEXT */
	size_t len;
	enum filter_call call;
	struct syntax_term *args; /* CALL, LIST */
	size_t nargs;
	struct syntax_term *next; /* sibling */
};

struct syntax_node {
	enum syntax_kind kind;
	struct source_pos pos;
	struct syntax_node *kids; /* AND, OR, NOT */
	size_t nkids;
	struct syntax_node *next; /* sibling */
	const char *name;         /* NAME: the macro */
	/* LEAF */
	struct syntax_term *left;
	enum filter_op op;
	struct source_pos op_pos;
	enum filter_mod mod;
	struct source_pos mod_pos;
	struct syntax_value *values;
	size_t nvalues;
	struct syntax_term *right; /* instead of values; of val(field) the field */
};

struct filter_syntax {
	struct arena arena;
	struct syntax_node *root;
};

/* The place of an offset of a text, by its mapping or by counting. */
struct source_pos filter_text_pos(const struct filter_text *text, size_t offset);

/* The bytes of the character that stands here, as libsinsp takes them outside quotes: UTF-8, longer forms than needed
 * and surrogates too. 0 if none does. */
size_t syntax_character(const char *s, size_t len);

/*
 * For output formats: reads the field or transformer that starts at `offset` of the text, as far as it reaches. 0 with
 * *out in the arena (NULL: neither stands there) and the bytes that it takes, -EINVAL after adding the error to
 * `diags`, or -ENOMEM. The text must have no zero byte.
 */
int syntax_parse_term(const struct filter_text *text, size_t offset, struct arena *arena, struct syntax_term **out,
                      size_t *taken, struct diag_list *diags);

#endif
