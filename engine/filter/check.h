/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One comparison: whether the operator suits what it compares, and the constants as typed values. Private to
 * engine/filter.
 */
#ifndef TERCEL_FILTER_CHECK_H
#define TERCEL_FILTER_CHECK_H

#include "filter/term.h"

/* Fills in a leaf of the tree (kind included) from its syntax; errors and warnings are reported. */
void check_compile(struct compile_state *c, struct filter_node *n, const struct syntax_node *s);

#endif
