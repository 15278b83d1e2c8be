/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a rule is decided: of all decision points that there are, those that its condition can hold at, and of points
 * that see the same act the strongest one at which must is as wide as it gets. Knows derivations; no images, no text.
 */
#ifndef TERCEL_POLICY_PLACEMENT_H
#define TERCEL_POLICY_PLACEMENT_H

#include "policy/derive.h"

/* Sets of decision points: 1 << enum tercel_point. */
#define PLACEMENT_FULL ((1U << TERCEL_POINTS) - 1)

/* Those that need no BPF LSM: cgroup hooks, exec commits, entries of system calls. */
uint32_t placement_without_lsm(void);

struct placement {
	struct derivation at[TERCEL_POINTS]; /* `applies` where the rule is decided; empty elsewhere */
};

/* Derives the condition at the points of the set. 0 or -ENOMEM; free it with placement_free() in any case. */
int placement_make(struct placement *out, const struct filter_node *condition, uint32_t points, struct atoms *atoms);
void placement_free(struct placement *p);
#define _autoplacement_ __attribute__((cleanup(placement_free)))

#endif
