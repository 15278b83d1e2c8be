/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Correlated events: a record together with whose act it was, written for machines (JSON lines in Tetragon's export
 * schema) or for people (one aligned line of text). Reads the process table and the container identities, writes into a
 * buffer; does no input or output.
 *
 * What only some records tell is left out where it is not known; nothing is guessed.
 */
#ifndef TERCEL_EVENTS_EVENT_H
#define TERCEL_EVENTS_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bpf/abi.h"
#include "events/process.h"
#include "identity/identity.h"

enum event_format {
	EVENT_TEXT = 0,
	EVENT_JSON = 1,
};

enum event_colour {
	EVENT_PLAIN = 0,
	EVENT_COLOUR = 1, /* ANSI colours, text only */
};

/* Ancestors in an event and names in a lineage, unless the context says otherwise. */
enum { EVENT_ANCESTORS_DEFAULT = 64 };

/* The names of the rules of one policy, by the index that its verdicts have. */
struct event_rules {
	uint32_t generation; /* of the policy; 0: of any */
	size_t count;
	const char *const *names;
};

/* What an event is seen against. All pointers are borrowed, and must outlive the calls. */
struct event_context {
	const struct process_table *processes;
	const struct identity *identity;
	int64_t clock_offset;               /* CLOCK_REALTIME - CLOCK_BOOTTIME in ns: sensor_clock_offset() */
	const struct event_rules *policies; /* those that verdicts may come from */
	size_t npolicies;
	unsigned max_ancestors; /* 0: EVENT_ANCESTORS_DEFAULT */
	enum event_colour colour;
	uint64_t folded;    /* of the next verdict: for how many others, which said the same, it stands */
	struct buf scratch; /* for the writers' use; freed by the context's owner */
};

/*
 * Adds the event of a record as one line, newline included. The record must have been applied to the process table
 * before. Returns 1, 0 if the record is not an event (forks, seeds, threads' exits, sockets, directories: nothing is
 * added), -EBADMSG for a malformed one, or -ENOMEM.
 *
 * JSON: EXEC is `process_exec`, EXIT `process_exit`; OPEN, CONNECT and VERDICT are `process_lsm` with `function_name`
 * file_open, socket_connect, or, for a verdict, the LSM hook of the operation that was judged (the point itself is in
 * `tercel`), and with `args`; the last argument of OPEN and CONNECT, labelled "return", is the call's result. Each has
 * a `tercel` object with the lineage; for a verdict it says all that design and policy know, and in `folded` for how
 * many others before it, which say the same, it stands.
 */
int event_write(struct buf *b, struct event_context *c, const struct tercel_hdr *r, enum event_format format);

/* "sched_process_exec", "cgroup_connect4" …, and "kill-before-run", "deny"; never NULL for a valid value. */
const char *event_point_name(enum tercel_point point);
const char *event_point_strength(enum tercel_point point);

#endif
