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
#include "sensor/sensor.h"

enum stream_filter {
	STREAM_ALL = 0,
	STREAM_VERDICTS = 1, /* only verdicts reach the outputs */
};

struct stream_config {
	/* Exactly one of the two; borrowed. A sensor must have been seeded if it shall be. */
	struct sensor *sensor;
	struct recording_reader *recording;

	bool to_stdout;
	enum event_format format; /* of stdout */
	const char *file;         /* JSON lines are appended to it (made with mode 0600); NULL: none */
	const char *record;       /* all records are written to it, as a recording; NULL: none */
	enum stream_filter filter;
	uint32_t pid;             /* only this process and its descendants; 0: all */
	const char *cgroup;       /* only processes in this cgroup v2 directory and below; NULL: all */
	uint64_t duration_ns;     /* 0: no end */
	uint64_t max_events;      /* 0: no end */
	const char *const *rules; /* names for verdicts; borrowed. A recording brings its own. */
	size_t nrules;
	/* Conditions on containers that the policy asks (struct image.containers); for stream_prepare(). */
	const char *const *containers;
	size_t ncontainers;
	uint32_t generation; /* of that policy */
};

/* Prepared: signals are caught and the outputs open, so that the caller may say that it is ready. */
struct stream;

/* What is wrong was said on stderr if this fails: a status other than CLI_OK, and *out untouched. */
enum cli_status stream_open(struct stream **out, const struct command *c, const struct stream_config *config);

/*
 * For a stream of decisions, between opening it and setting the policy: takes in what ran before the sensor did (it
 * must have been seeded), and gives the sensor what is known of the host, its users and its containers. From then on
 * the stream keeps that up to date. Failures are said, as above.
 */
enum cli_status stream_prepare(struct stream *s);

/* Runs to the end. The account of records is on stderr afterwards. */
enum cli_status stream_run(struct stream *s);

void stream_close(struct stream *s);
static inline void cleanup_stream(struct stream **s)
{
	stream_close(*s);
}
#define _autostream_ _cleanup_(cleanup_stream)

#endif
