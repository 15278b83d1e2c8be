/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients of the control socket may ask of a daemon, and the answers: one JSON object each.
 *
 * A request has "command": show, status, metrics, reload, confirm; rule with "name"; verdicts with
 * "pid"; apply with "file" (an absolute path) and perhaps
 * "confirm_ms"; set-mode with "rules" (a glob) and "mode". An answer has "ok"; without it "status", the exit status
 * that the command line is to end with; "messages", lines for people; and what was asked for.
 */
#ifndef TERCEL_DAEMON_REQUESTS_H
#define TERCEL_DAEMON_REQUESTS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/live.h"
#include "daemon/recent.h"
#include "sensor/sensor.h"

/* What the answers are about. All borrowed. */
struct requests {
	struct live *live;
	struct sensor *sensor;
	const char *pins;          /* where enforcement is pinned; NULL: it ends with the daemon */
	size_t containers_unknown; /* see stream_containers_unknown() */
	uint64_t answers_lost;     /* see stream_answers_lost() */
	uint64_t events_unwritten; /* see stream_unwritten() */
	uint64_t verdicts_folded;  /* see stream_folded() */
	const char *cgroup;        /* that decisions are limited to; NULL: none */
	const struct recent *recent;
	uint64_t drained_ns; /* see stream_drained() */
	uint64_t started_s;  /* seconds since the epoch */
	uint64_t now_ns;     /* CLOCK_MONOTONIC */
};

/* The answer to one request, from malloc(); NULL without memory. Whatever the request is, there is an answer. */
char *requests_answer(const struct requests *r, const char *request);

#endif
