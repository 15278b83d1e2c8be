/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where events are written to: standard output or a file, buffered. Inner header of engine/cli.
 *
 * One of a daemon is lasting: what cannot be written now is kept, up to a bound, and tried again; what is beyond it is
 * counted. It neither fails nor blocks. Any other fails at once, and waits for its reader.
 */
#ifndef TERCEL_CLI_OUTPUT_H
#define TERCEL_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "events/event.h"

struct output {
	char *name; /* owned; for messages; NULL: none is open */
	int fd;
	bool owned;
	bool lasting;
	bool regular; /* a file: writing does not wait for a reader */
	enum event_format format;
	struct buf pending;
	int error;          /* why the rest could not be written; -EAGAIN: nobody reads; 0: nothing is wrong */
	uint64_t unwritten; /* events that were let go */
};

/* What is to be written where; `file` NULL: standard output. */
struct output_config {
	const char *file; /* JSON lines are appended to it; made with mode 0600 */
	enum event_format format;
	bool lasting;
};

/* 0; -EINVAL: the file cannot be written to, or it is something that would make a daemon wait; -ENOMEM. */
int output_open(struct output *out, const struct output_config *config, struct error *err);

/* Without a last try to write; of an output that was never opened, nothing. */
void output_close(struct output *o);

/* Adds the event, if the record is one. 1 if it is, 0, -ENOMEM. Of a lasting one, what finds no room is counted. */
int output_add(struct output *o, struct event_context *c, const struct tercel_hdr *record);

/* Writes what is pending, or of a lasting one what can be written now. 0 or -errno; a lasting one has 0 always. */
int output_flush(struct output *o);

/* Events that were not written, or not to their end, those that are still pending among them. */
uint64_t output_missing(const struct output *o);

#endif
