/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one YAML text to definitions in a collection. Private to engine/rules.
 */
#ifndef TERCEL_RULES_READ_H
#define TERCEL_RULES_READ_H

#include "rules/collect.h"

/* Reads all items; errors go to the collection's diagnostics. `source` must outlive the collection. */
void read_rules(struct collection *c, const struct source_text *source);

#endif
