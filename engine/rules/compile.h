/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From definitions to typed rules: lists into texts, macros into trees, everything checked. Private to engine/rules.
 *
 * Falco compiles everything after each file. Here what a file changed is compiled after it, and what depends on that,
 * so that many files cost little more than one.
 */
#ifndef TERCEL_RULES_COMPILE_H
#define TERCEL_RULES_COMPILE_H

#include "rules/collect.h"

/* What one rule of the collection became; `filter` is owned. */
struct compiled_rule {
	struct filter *filter;
	struct filter_event_set events;
	enum rule_state state;
	const char *skipped_for; /* in the collection's arena; NULL unless it is RULE_SKIPPED */
};

struct compiler;

/* 0 or -ENOMEM. The collection must outlive the compiler. */
int compiler_new(struct compiler **out, struct collection *c);
void compiler_free(struct compiler *k);

enum compile_rest { COMPILE_LAST, COMPILE_MORE_FILES };

/* Brings everything up to date; errors go to the collection's diagnostics. `rest` is whether definitions follow. */
void compiler_update(struct compiler *k, enum compile_rest rest);

/* Warns of macros and lists that nothing uses. */
void compiler_warn_unused(struct compiler *k);

/* What became of the rule of that number. */
struct compiled_rule *compiler_rule(struct compiler *k, size_t number);

#endif
