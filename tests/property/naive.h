/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evaluator written as plainly as can be: the tree as it stands, every value copied, every set searched from its
 * start. What the real one is compared with. Of engine/filter it shares the tree, the types of values and regular
 * expressions, no more.
 */
#ifndef TERCEL_TESTS_NAIVE_H
#define TERCEL_TESTS_NAIVE_H

#include "filter/eval.h"

/* The values of an event, as they were given to the real one. */
struct naive_event {
	const struct eval *program; /* for its list of fields alone */
	const struct eval_event *values;
};

bool naive_holds(const struct filter_node *n, const struct naive_event *ev);

#endif
