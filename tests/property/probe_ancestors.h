/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ancestors of a decision, as tests hand them to the matcher in the kernel and natively.
 */
#ifndef TERCEL_TESTS_PROPERTY_PROBE_ANCESTORS_H
#define TERCEL_TESTS_PROPERTY_PROBE_ANCESTORS_H

#include "match.h"

/* The longest path that the probe looks up in a hash map, for comparison; padded with zeros. */
#define PROBE_PATH_MAX 256

struct probe_ancestors {
	__u32 count; /* nearest first */
	__u32 cut;   /* 1: there are more */
	struct match_ancestor items[TERCEL_ANCESTORS_MAX];
};

#endif
