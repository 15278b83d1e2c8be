/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one YAML text to definitions in a collection. Private to engine/rules.
 */
#ifndef TERCEL_RULES_READ_H
#define TERCEL_RULES_READ_H

#include "rules/collect.h"

/* Reads all items; errors go to the collection's diagnostics. `file` must outlive the collection. */
void read_rules(struct collection *c, const char *file, const char *bytes, size_t len);

/* The priority of that name in any case ("info" too); false if there is none. */
bool read_priority(const char *name, enum rule_priority *out);

#endif
