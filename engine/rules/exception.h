/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions of rules: what Falco takes for one, and the condition that it becomes. Private to engine/rules. Knows no
 * YAML.
 */
#ifndef TERCEL_RULES_EXCEPTION_H
#define TERCEL_RULES_EXCEPTION_H

#include "rules/collect.h"

/* Checks an exception of a rule that is defined and fills in what it left out. False after an error. */
bool exception_check(struct collection *c, struct exception *ex, bool known_source);

/* Adds the values of `from` to an exception of the same name, or the exception to the rule. False after an error. */
bool exception_append(struct collection *c, struct rule_def *rule, const struct exception *from);

/* condition + exceptions as Falco joins them, into `out`. False after an error. */
bool exception_join(struct collection *c, struct text_builder *out, const struct rule_def *rule);

/*
 * Says which value of the exceptions is no value for the grammar, and how to write it, for a condition that became
 * wrong by joining. `reads` tells whether a comparison can be read. False if it is none of the values.
 */
bool exception_report(struct collection *c, const struct rule_def *rule, bool (*reads)(void *ctx, const struct text *t),
                      void *ctx);

/* The exception of the rule that has the place in its fields, comps or values; NULL if none has. */
const struct exception *exception_at(const struct rule_def *rule, struct source_pos pos);

/* Gives each comparison of an exception the place of its value, of several the first: the field is written once for
 * all rows. */
void exception_place(struct collection *c, struct filter *filter, const struct rule_def *rule);

#endif
