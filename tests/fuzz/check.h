/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers promise. Without assert(), which a build may leave out. */
#ifndef TERCEL_FUZZ_CHECK_H
#define TERCEL_FUZZ_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                            \
	do {                                                                        \
		if (!(condition)) {                                                 \
			(void)fprintf(stderr, "property failed: %s\n", #condition); \
			abort();                                                    \
		}                                                                   \
	} while (0)

#endif
