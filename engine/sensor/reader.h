/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads several BPF ring buffers as one stream in order of time. Knows the kernel's ring buffer layout and the record
 * header; nothing else of records.
 *
 * Not libbpf's ring_buffer: that one hands over each ring's records as they come and cannot look at a record without
 * taking it, which merging needs.
 */
#ifndef TERCEL_SENSOR_READER_H
#define TERCEL_SENSOR_READER_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct reader;

/*
 * A record is delivered this long after its time stamp at the earliest, and not before every record is sent whose time
 * stamp is older (struct tercel_underway). This is the batch that a wake-up collects under load, and allows for clocks
 * of several CPUs that differ.
 */
#define READER_WINDOW_NS 1000000

/* What to read: map descriptors (kept open by the caller) and sizes. */
struct reader_maps {
	const int *rings;
	const size_t *sizes; /* in bytes */
	size_t count;
	int underway;
	size_t cpus; /* entries of `underway` */
};

/* Maps all of it. -errno on failure. */
int reader_new(struct reader **out, const struct reader_maps *maps);
void reader_free(struct reader *r);

/* As sensor_next(), over the rings alone. */
int reader_next(struct reader *r, int timeout_ms, const struct tercel_hdr **record);

/* ---- for tests: the same over memory that a test writes ---- */

/* One ring as the kernel maps it: positions that only grow, and the data, `size` bytes (a power of two) mapped twice in
 * a row. */
struct reader_ring {
	uint64_t *consumer;       /* written by the reader */
	const uint64_t *producer; /* written by the kernel */
	const uint8_t *data;
	uint64_t mask;
	uint64_t at;    /* next record to look at: consumer position */
	uint64_t limit; /* producer position, as last read */
};

/*
 * The oldest record of all rings that is not younger than `horizon`, or NULL; *from is its ring, and *next_ts the time
 * stamp of the oldest record that is younger (UINT64_MAX: none). Looks only below the limits; refreshes nothing.
 */
const struct tercel_hdr *reader_oldest(struct reader_ring *rings, size_t count, uint64_t horizon,
                                       struct reader_ring **from, uint64_t *next_ts);

/*
 * The time up to which all records are sent: `now` if no CPU makes any, or just before the oldest that is under way.
 * `last` (what this returned before, at most) if a CPU is held up as it takes its time stamp.
 */
uint64_t reader_complete_until(const struct tercel_underway *underway, size_t cpus, uint64_t now, uint64_t last);

/* Gives the record at the ring's position back to the kernel. */
void reader_release(struct reader_ring *ring);

#endif
