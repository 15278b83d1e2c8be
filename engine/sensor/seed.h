/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that ran before the sensor, as records in user memory. Knows the task iterator and /proc; not the rings.
 */
#ifndef TERCEL_SENSOR_SEED_H
#define TERCEL_SENSOR_SEED_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "bpf/abi.h"
#include "sensor/sensor.h"

/* PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h: the inode number of the initial pid namespace. */
#define INITIAL_PIDNS 0xEFFFFFFCU

/* What was made from /proc: the kernel's counters do not know of it. */
struct seed_counts {
	uint64_t seeds, cgroups;
	uint64_t procs_full, images_full, cgroups_full;
};

struct seed {
	uint8_t *bytes; /* owned: records one after the other, each at a multiple of 8 */
	size_t len, cap;
	struct seed_counts counts;
	const struct tercel_hdr **order; /* owned: by time stamp */
	size_t count, next;
};

/* Descriptors of the maps of bpf/maps.h, and what else is to be known of the sensor that is seeded. */
struct seed_maps {
	int procs, image_refs, images_small, images_large, cgroups;
	const char *cgroup_root; /* where the cgroup v2 hierarchy is mounted; NULL: nowhere */
	uint64_t attached;       /* CLOCK_BOOTTIME ns: what was made since has told of itself */
	enum sensor_pid_namespace pidns;
};

/*
 * Runs the iterator behind `iter_link_fd`, which fills the kernel's process records; adds to each process's SEED its
 * arguments, environment and working directory from /proc, and keeps path and arguments in the image maps; then adds
 * what the iterator did not deliver (seed_proc.h). -errno, with *out untouched.
 */
int seed_collect(struct seed *out, int iter_link_fd, const struct seed_maps *maps, struct error *err);

/* The next record, or NULL, which also frees the memory. Valid until the next call. */
const struct tercel_hdr *seed_next(struct seed *s);

void seed_free(struct seed *s);

/* ---- for those who make records: inside seed.c and seed_proc.c ------------------------------------------ */

/* A record's size, padded to where the next one begins. */
static inline size_t seed_aligned(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Room for a record of any size behind the last one, aligned; NULL without memory. Valid until the next call. */
void *seed_room(struct seed *s);

/* Counts the record that stands there now (its header's size is right) among the others. */
void seed_append(struct seed *s);

/* Appends to `e`, which has room, what `dir`, a process's directory in /proc, says of arguments and working directory.
 * -1: flags their lack. */
void seed_add_strings(struct tercel_exec *e, int dir);

/* Keeps path and arguments for decisions, if the image is in use. `image` is a buffer. */
void seed_keep_image(const struct tercel_exec *e, const struct seed_maps *maps, struct tercel_image_large *image);

#endif
