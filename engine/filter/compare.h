/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value against constants, as libsinsp's filter_compare.cpp and sinsp_filtercheck.cpp answer. Private to
 * engine/filter; knows neither events nor conditions as a whole.
 */
#ifndef TERCEL_FILTER_COMPARE_H
#define TERCEL_FILTER_COMPARE_H

#include "base/table.h"
#include "filter/eval.h"
#include "filter/paths.h"
#include "filter/regex.h"

/* A comparison whose left-hand value is given. */
struct comparison {
	enum filter_op op;
	enum filter_mod mod;
	enum field_type type; /* of the left-hand value */
	size_t n;             /* constants */
	struct eval_item *items;
	uint8_t *prefixes;     /* NET: bits of each network */
	unsigned char *memory; /* decoded constants of bcontains and bstartswith */
	/* Sets of many constants: numbers of `items` by their bytes; `lengths` has a bit for each length below 64, and
	 * the last for all others. */
	struct table members;
	uint64_t lengths;
	struct path_set *paths; /* PMATCH */
	struct regex **regexes; /* REGEX: n of them */
};

/*
 * Prepares the constants of a check, of which the first `limit` count. 0, -EINVAL with `err` set, or -ENOMEM; free it
 * in any case. Texts stay the check's.
 */
int comparison_init(struct comparison *c, const struct filter_node *check, size_t limit, struct error *err);
void comparison_free(struct comparison *c);

/* Makes the scratch large enough for its regular expressions: 0 or -ENOMEM. */
int comparison_fit(const struct comparison *c, struct regex_scratch *scratch);

/* Whether a single value compares; a modifier counts. */
bool comparison_holds(const struct comparison *c, const struct eval_item *item, struct regex_scratch *scratch);

/* Whether a value of a list is among the constants: not the same as for a single value (libsinsp does not cut the NULs
 * that transformers leave behind texts). */
bool comparison_has(const struct comparison *c, const struct eval_item *item);

/* The same two with the values of a right-hand field in place of constants. */
bool comparison_holds_for(const struct comparison *c, const struct eval_item *item, const struct eval_item *right,
                          size_t n);
bool comparison_has_of(const struct comparison *c, const struct eval_item *item, const struct eval_item *right,
                       size_t n);

/* Two values by an operator that takes one constant. */
bool compare_items(enum filter_op op, enum field_type type, const struct eval_item *a, const struct eval_item *b);

/* Whether an address is in the network. */
bool address_in(const struct eval_item *address, const struct eval_item *network, uint8_t prefix);

#endif
