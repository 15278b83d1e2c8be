/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of a daemon as its users see them: as JSON, and as text for Prometheus. One table for both.
 */
#ifndef TERCEL_DAEMON_COUNTERS_H
#define TERCEL_DAEMON_COUNTERS_H

#include "base/buf.h"
#include "daemon/requests.h"

struct cJSON;

/* Adds the members "points", "uncertain", "records" and "lost" to an object. 0, or -errno if the kernel's counters
 * cannot be read; -ENOMEM. */
int counters_add_json(struct cJSON *to, const struct requests *r);

/* Text in Prometheus' exposition format 0.0.4. As counters_add_json(). Errors of memory stick in the buffer. */
int counters_add_metrics(struct buf *to, const struct requests *r);

#endif
