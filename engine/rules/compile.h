/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From definitions to typed rules: lists into texts, macros into trees, everything checked. Private to engine/rules.
 */
#ifndef TERCEL_RULES_COMPILE_H
#define TERCEL_RULES_COMPILE_H

#include "rules/collect.h"

/* What one rule of the collection became; `filter` is owned. */
struct compiled_rule {
	struct filter *filter;
	struct filter_event_set events;
	enum rule_state state;
};

/* Compiles every rule (out[i] belongs to c->rules[i]; `out` has c->nrules zeroed entries). Errors go to c->diags. */
void compile_rules(struct collection *c, struct compiled_rule *out);

#endif
