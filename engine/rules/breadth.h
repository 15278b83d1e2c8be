/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how many kinds of events a rule is evaluated, counted as Falco counts for its warning: by event codes, not names.
 * Private to engine/rules. Knows conditions, and no rules.
 */
#ifndef TERCEL_RULES_BREADTH_H
#define TERCEL_RULES_BREADTH_H

#include <stddef.h>

#include "filter/filter.h"

/* How many event codes there are for which the condition can hold. */
size_t breadth_count(const struct filter_node *node);

#endif
