/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on either side of an operator: fields and transformers looked up and typed as libsinsp types them.
 * Private to engine/filter.
 */
#ifndef TERCEL_FILTER_TERM_H
#define TERCEL_FILTER_TERM_H

#include "filter/syntax.h"

/* What compiling needs and leaves behind. */
struct compile_state {
	struct arena *arena; /* of the tree */
	struct diag_list *diags;
	bool failed;        /* something was reported, or a macro's text is known to be wrong */
	bool out_of_memory; /* nothing made from here on counts */
};

/* Memory of the tree; NULL sets out_of_memory. */
void *compile_alloc(struct compile_state *c, size_t size);
char *compile_copy(struct compile_state *c, const char *text, size_t len);

/* Reports an error at a place. */
#define COMPILE_FAIL(c, pos, code, ...)                                     \
	do {                                                                \
		(c)->failed = true;                                         \
		diag_add((c)->diags, DIAG_ERROR, (pos), code, __VA_ARGS__); \
	} while (0)

/* The typed term; NULL after an error (reported) or without memory. */
struct filter_term *term_compile(struct compile_state *c, const struct syntax_term *s);

/* "proc.name" or "tolower()", for messages. */
const char *term_name(const struct filter_term *t);

/* "a string", "an IP address", "a list of type string", … as a message has it, in the tree's memory. */
const char *term_type_name(struct compile_state *c, const struct filter_term *t);

#endif
