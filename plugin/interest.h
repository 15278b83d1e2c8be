/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records the configured rules need. Knows rule sets and record types; no sensor, no host.
 */
#ifndef TERCEL_PLUGIN_INTEREST_H
#define TERCEL_PLUGIN_INTEREST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "config.h"

struct interest {
	uint32_t records;  /* 1 << enum tercel_record_type */
	bool open_reads;   /* also opens that succeed without write access */
	struct error note; /* one line for the host's log, "" if there is nothing to say */
};

/*
 * Everything, if the configuration names no rules or says not to filter (the files are read even then, so that an error
 * in them does not wait); else what the event types of the enabled syscall rules need. -EINVAL: a file cannot be read
 * or is wrong, with the first error in `err`.
 */
int interest_load(struct interest *out, const struct plugin_config *config, struct error *err);

#endif
