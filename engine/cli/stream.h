/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow that `events` and `run` have in common: records from a sensor or a recording, through the process table, to
 * the outputs as events; ends on a signal, after a time, a number of events, or with the recording, and accounts for
 * what was lost. Inner header of engine/cli.
 */
#ifndef TERCEL_CLI_STREAM_H
#define TERCEL_CLI_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "events/recording.h"
#include "policy/image.h"
#include "sensor/sensor.h"

enum stream_filter {
	STREAM_ALL = 0,
	STREAM_VERDICTS = 1, /* only verdicts reach the outputs */
};

/* Who else takes part in the flow: the daemon. What is NULL is not called. */
struct stream_hooks {
	void *ctx;
	void (*tick)(void *ctx, uint64_t now_ns); /* about ten times a second; CLOCK_MONOTONIC */
	void (*verdict)(void *ctx, const struct tercel_verdict *v);
	/* SIGHUP; NULL: it ends the stream, as SIGINT and SIGTERM do, and as it does when the terminal is closed. */
	void (*hangup)(void *ctx);
};

struct stream_config {
	/* Exactly one of the two; borrowed. A sensor must have been seeded if it shall be. */
	struct sensor *sensor;
	struct recording_reader *recording;

	bool to_stdout;
	enum event_format format; /* of stdout */
	const char *file;         /* JSON lines are appended to it (made with mode 0600); NULL: none */
	const char *record;       /* all records are written to it, as a recording; NULL: none */
	bool lasting;             /* what cannot be written is counted (output.h), and ends nothing */
	enum stream_filter filter;
	uint32_t pid;                 /* only this process and its descendants; 0: all */
	const char *cgroup;           /* only processes in this cgroup v2 directory and below; NULL: all */
	uint64_t duration_ns;         /* 0: no end */
	uint64_t max_events;          /* 0: no end */
	const struct image *recorded; /* with `record`: the policy of which it will have verdicts; for stream_open() */
	struct stream_hooks hooks;
};

/* Prepared: signals are caught and the outputs open, so that the caller may say that it is ready. */
struct stream;

/* What is wrong was said on stderr if this fails: a status other than CLI_OK, and *out untouched. */
enum cli_status stream_open(struct stream **out, const struct command *c, const struct stream_config *config);

/* For a stream of decisions, before the first policy: takes in what ran before the sensor did (it must have been
 * seeded). Failures are said, as above. */
enum cli_status stream_prepare(struct stream *s);

/* For a sensor that goes on with what another process has pinned, after stream_prepare(): takes in what was recorded
 * until now. stream_remember() names the rules of the policies that decided meanwhile. */
enum cli_status stream_catch_up(struct stream *s);
void stream_remember(struct stream *s, uint32_t generation, const char *const *names, size_t n);

/*
 * Puts a policy in force in place of the one before. First the sensor is given what is known of the host, its users and
 * its containers for it; from then on the stream keeps that up to date. The generation is the image's, and differs from
 * those before. 0, or -errno with its reason in `err`: the policy before is then still in force. -EBUSY: a recording is
 * made, which has verdicts of one set of rules.
 */
struct stream_policy {
	const struct image *image;
	uint32_t generation;
	/* Outputs from now on, as in struct stream_config; borrowed for the call. */
	bool to_stdout;
	const char *file;
};
int stream_set_policy(struct stream *s, const struct stream_policy *policy, struct error *err);

/* How many containers nothing is known of, and how many answers could not be kept. 0 without a policy. */
size_t stream_containers_unknown(const struct stream *s);
uint64_t stream_answers_lost(const struct stream *s);

/* Events that an output could not be given: 0 unless the stream is lasting. */
uint64_t stream_unwritten(const struct stream *s);

/* Verdicts that were folded into others that say the same. */
uint64_t stream_folded(const struct stream *s);

/* The verdicts of acts before this time, CLOCK_BOOTTIME ns, were all taken. */
uint64_t stream_drained(const struct stream *s);

/* Runs to the end. The account of records is on stderr afterwards. */
enum cli_status stream_run(struct stream *s);

/* Of a lasting stream, after its end: whether an output did not get its last events, or the recording is not whole. */
bool stream_is_broken(const struct stream *s);

void stream_close(struct stream *s);
static inline void cleanup_stream(struct stream **s)
{
	stream_close(*s);
}
#define _autostream_ _cleanup_(cleanup_stream)

#endif
