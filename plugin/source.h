/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system-event source: a sensor's records as batches of Falco's events, and the processes behind them. Knows
 * sensor, process table and encoder; knows neither the plugin's configuration text nor its exported functions.
 *
 * source_next() and the other functions may be called from different threads; not so source_close().
 */
#ifndef TERCEL_PLUGIN_SOURCE_H
#define TERCEL_PLUGIN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "compat/plugin_api.h"
#include "threads.h"

struct source;

struct source_config {
	uint32_t records; /* 1 << enum tercel_record_type: asked for; what the host's state needs is added */
	bool open_reads;
	uint32_t buffer_mb;
};

/* Opens the sensor and takes in who runs already. As sensor_open(): `err` says what is missing and what to do. */
int source_open(struct source **out, const struct source_config *config, struct error *err);
void source_close(struct source *s);

/*
 * The next events: 1 and *number > 0, valid until the next call; 0 if none came within a tenth of a second; -errno with
 * `err` if the sensor failed.
 */
int source_next(struct source *s, uint32_t *number, struct scap_header ***events, struct error *err);

/* Writes those who ran before into the host's table, once. */
int source_write_threads(struct source *s, const struct threads *t, const struct falco_listen_input *in,
                         struct error *err);

/* Facts about the process that an event of the current batch is about; false: nobody known. */
bool source_lineage(struct source *s, const struct scap_header *event, unsigned depth, struct buf *out);
bool source_exec_id(struct source *s, const struct scap_header *event, struct buf *out);
bool source_parent_exec_id(struct source *s, const struct scap_header *event, struct buf *out);

/* What was delivered, and what was not, by cause. */
struct source_stats {
	uint64_t events;
	uint64_t records_malformed;
	uint64_t records_dropped;   /* ring buffer full, from the sensor's counters */
	uint64_t paths_completed;   /* events whose path is not the requested one, but completed for the host */
	uint64_t seeds_lost;        /* threads from before the start that the host was not told of */
	uint64_t cgroups_lost;      /* cgroup paths that were not kept */
	uint64_t processes_evicted; /* left the process table for want of room */
};
void source_stats(struct source *s, struct source_stats *out);

#endif
