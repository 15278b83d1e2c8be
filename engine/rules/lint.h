/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is allowed in conditions and outputs, and hardly meant. Private to engine/rules. Knows nothing of how they came
 * to be.
 */
#ifndef TERCEL_RULES_LINT_H
#define TERCEL_RULES_LINT_H

#include "rules/collect.h"

/* Warns of fields that say nothing any more, and of words that look like a mistyped list. */
void lint_condition(struct collection *c, const struct filter_node *node);

/* Warns of fields that say nothing any more. */
void lint_output(struct collection *c, const struct text *output);

/* Adds an output to `kept` without %container.info, which Falco takes out of it, and warns of that. */
void lint_container_info(struct collection *c, const struct text *output, struct text_builder *kept);

#endif
