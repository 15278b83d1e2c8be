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

#endif
