/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a rule came to an error that is written elsewhere: through which macros, or which list. Private to engine/rules.
 */
#ifndef TERCEL_RULES_TRACE_H
#define TERCEL_RULES_TRACE_H

#include "rules/macros.h"

/* What a rule was compiled from. */
struct trace {
	const struct macros *macros;
	const struct rule_def *rule;
	const struct text *text;            /* its condition, with exceptions and lists */
	const struct filter_syntax *syntax; /* NULL: it could not be parsed */
	const struct uses *lists;           /* put into the text */
	size_t budget;                      /* messages that may still be explained: each costs a search */
};

/* Adds notes to the last of `diags` if its place is not in the rule itself. */
void trace_explain(struct trace *t, struct diag_list *diags);

#endif
