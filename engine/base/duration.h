/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lengths of time as people write them: a whole number and a unit.
 */
#ifndef TERCEL_BASE_DURATION_H
#define TERCEL_BASE_DURATION_H

#include <stdint.h>

/* "500ms", "60s", "5m" or "1h" in nanoseconds. 0; -EINVAL if it is none of these, is 0, or is longer than a year. */
int duration_parse(const char *text, uint64_t *out_ns);

#endif
