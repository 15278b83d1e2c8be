/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last verdicts, for who has just done something and asks what came of it (`tercel verify`). A fixed number of
 * them; older ones are in the outputs alone.
 */
#ifndef TERCEL_DAEMON_RECENT_H
#define TERCEL_DAEMON_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

#define RECENT_MAX 1024

struct recent {
	struct tercel_verdict items[RECENT_MAX]; /* without their texts; a ring */
	uint64_t count;                          /* so far, of all that there were */
};

void recent_add(struct recent *r, const struct tercel_verdict *v);

/* The verdicts on that process which are still here, the oldest first: the first from *at on, or NULL. *at is 0 in the
 * beginning. */
const struct tercel_verdict *recent_next(const struct recent *r, uint32_t tgid, uint64_t *at);

/* CLOCK_BOOTTIME ns from which on all of them are here; 0: none had to go yet. */
uint64_t recent_since(const struct recent *r);

#endif
