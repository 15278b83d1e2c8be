/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how many kinds of events a rule is evaluated, counted as Falco counts for its warning: by event codes, not names.
 * Private to engine/rules. Knows conditions, and no rules.
 */
#ifndef TERCEL_RULES_BREADTH_H
#define TERCEL_RULES_BREADTH_H

#include <stddef.h>

#include "filter/filter.h"

/*
 * The event codes for which the condition can hold. 0 with *codes; -EINVAL with the place of a comparison that Falco
 * refuses here: evt.type within a transformer, or with a field.
 */
int breadth_count(const struct filter_node *node, size_t *codes, struct source_pos *wrong);

#endif
