/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor: loads the kernel programs, attaches what is asked for, delivers their records in order of time,
 * and holds the policy image that their decisions use. Knows libbpf and bpf/abi.h; knows no rule text.
 *
 * A sensor belongs to one thread at a time. Several sensors may exist in one process and on one machine.
 */
#ifndef TERCEL_SENSOR_SENSOR_H
#define TERCEL_SENSOR_SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "bpf/abi.h"

struct sensor;

/* The decision points, 1 << enum tercel_point, that this version has kernel programs for. Whether the running kernel
 * takes them is another question: sensor_open() answers it. */
uint32_t sensor_points(void);

/* How sensor_points_here() finds out. */
enum sensor_trial {
	SENSOR_TRIAL_SMALL = 0, /* by one small program for all points of the BPF LSM: some milliseconds */
	SENSOR_TRIAL_WHOLE,     /* then by loading and attaching all programs once, which may take seconds */
};

/*
 * Which of them this machine offers: tries it, without a policy, so that nothing is decided. `reasons`: NULL, or
 * TERCEL_POINTS of them; of each point that is not offered, why.
 */
uint32_t sensor_points_here(enum sensor_trial trial, struct error *reasons);

struct sensor_config {
	/* Record types to deliver, 1 << enum tercel_record_type. Programs that serve none of them are not attached. */
	uint32_t records;
	/* Also opens that succeeded without write access. */
	bool open_reads;
	/* Ring buffer size in MiB for each CPU; 0: the default (8). Rounded up to a power of two. */
	uint32_t ring_mb;
	/* Processes that the kernel can keep records of; 0: the default (65536). */
	uint32_t max_procs;
	/* Cgroups, those of each cgroup v1 hierarchy included, that the kernel can keep the containers of; 0: the
	 * default (16384). Of more, the container is unknown; counted in cgroups_full. */
	uint32_t max_cgroups;
	/* 1 << enum tercel_point: decision points to attach. 0: a sensor that only watches. */
	uint32_t points;
	/* Those that sensor_attach_points() may add later. */
	uint32_t more_points;
	/*
	 * Where the network decision points attach: a cgroup v2 directory; NULL: the root of the v2 hierarchy. With a
	 * directory, exec commits outside of it (and its descendants) are not decided either. For tests and scoped use.
	 */
	const char *cgroup;
	/*
	 * A directory of a BPF file system, which belongs to this sensor then (-EBUSY if it is another's). If a sensor
	 * of the same version and configuration has pinned itself there and is gone, this one goes on with what runs in
	 * the kernel: its records, its policy, its counters, and what it has recorded meanwhile. NULL: does not look.
	 * sensor_pin() is what pins.
	 */
	const char *pin_dir;
};

/*
 * Probes the kernel, loads and attaches. On failure *out is untouched, everything is undone, and `err` says in one line
 * what is missing and what to do: -EPERM (privileges), -EOPNOTSUPP (kernel without BTF, feature missing, lockdown),
 * -EINVAL (configuration), -ENOMEM. Prints nothing.
 */
int sensor_open(struct sensor **out, const struct sensor_config *config, struct error *err);
void sensor_close(struct sensor *s);
static inline void cleanup_sensor(struct sensor **s)
{
	sensor_close(*s);
}
#define _autosensor_ _cleanup_(cleanup_sensor)

/*
 * Delivers every thread that already runs as a SEED record (and cgroups as CGROUP records) through the following calls
 * of sensor_next(), before any live record, and fills the kernel's process records. To be called once, after
 * sensor_open(): what happens in between is already recorded live, so that nothing is missed.
 */
int sensor_seed(struct sensor *s, struct error *err);

/*
 * The next record in order of hdr.ts. Returns 1 and sets *record (valid until the next call on this sensor), 0 if none
 * came within timeout_ms (0: does not wait; -1: waits until one comes or a signal), or -errno (-EINTR after a signal).
 * No allocation, no copy; system calls only to wait.
 */
int sensor_next(struct sensor *s, int timeout_ms, const struct tercel_hdr **record);

/*
 * Makes the programs decide by this policy image (engine/policy/image.h builds it) from some instant on: each decision
 * is made wholly by the old or wholly by the new one. The image is copied. NULL: no policy, nothing is decided. -E2BIG:
 * larger than the sensor's tables allow, -EINVAL: not an image; the old policy stays in force.
 */
int sensor_set_policy(struct sensor *s, const void *image, size_t size, struct error *err);

/*
 * The answers of a container to what the policy of that generation asks about containers (engine/identity/facts.h).
 * `cgroup_id` is that of a CGROUP record, also of a cgroup v1 hierarchy's; 0 is the host. Without an entry the answers
 * are unknown, so that they are best set before the policy. Of a cgroup that was removed the entry is let go when room
 * is needed. 0 or -errno: -E2BIG says that there are more than max_cgroups.
 */
int sensor_set_container_facts(struct sensor *s, uint64_t cgroup_id, uint32_t generation,
                               const struct tercel_container_facts *facts);
int sensor_forget_container_facts(struct sensor *s, uint64_t cgroup_id, uint32_t generation);

/* Lets go of all entries of a generation. 0 or -errno. */
int sensor_forget_generation(struct sensor *s, uint32_t generation);

/* Lets go of the entries of cgroups that the kernel has removed. Returns how many, or -errno. */
int sensor_prune_container_facts(struct sensor *s);

/* The name of a user of the host (engine/identity/users.h); a user without an entry is unknown. 0 or -errno. */
int sensor_set_user(struct sensor *s, uint32_t uid, const struct tercel_user *user);
int sensor_forget_user(struct sensor *s, uint32_t uid);

/* Forgets the users that `keep` does not want. */
void sensor_retain_users(struct sensor *s, bool (*keep)(uint32_t uid, const void *ctx), const void *ctx);

/* Changes what is delivered while running. Record types whose programs were not attached at open cannot be added:
 * -EINVAL. */
int sensor_set_interest(struct sensor *s, uint32_t records, bool open_reads, struct error *err);

/* Which pid namespace this process is in. */
enum sensor_pid_namespace {
	SENSOR_PIDNS_INITIAL = 0,
	/* Processes outside of the own namespace that ran before the sensor are unknown until they exec, and block
	 * nothing: a container that runs a sensor needs the host's pid namespace (hostPID: true). */
	SENSOR_PIDNS_PRIVATE = 1,
};

/* For callers to warn of; the kernel's answer, so that it does not depend on /proc. */
enum sensor_pid_namespace sensor_pid_namespace(const struct sensor *s);

/*
 * Attaches decision points beside those that are, of those that sensor_open() was told of. What is loaded for it takes
 * up to seconds; acts are recorded and decided meanwhile as before. On failure, errors as sensor_open(), what was
 * attached before is. sensor_detach_points() undoes it; the programs stay loaded, so that attaching again is quick.
 */
int sensor_attach_points(struct sensor *s, uint32_t points, struct error *err);
void sensor_detach_points(struct sensor *s, uint32_t points);
uint32_t sensor_attached_points(const struct sensor *s);

/*
 * Pins everything at pin_dir, and beside it what sensor_keep() was last given, so that it stays in force when this
 * process is gone; in place of what another sensor has pinned there, which stays until that instant. To be called when
 * this one's policy is in force. What is attached or detached later follows. sensor_unpin() takes it away again: then
 * everything ends with the sensor. 0, or -errno with its reason: -EOPNOTSUPP if pin_dir is not in a BPF file system.
 * After a failure sensor_is_kept() says whether it was pinned all the same.
 */
int sensor_pin(struct sensor *s, struct error *err);
int sensor_unpin(struct sensor *s, struct error *err);
bool sensor_is_kept(const struct sensor *s);

/* Whether it goes on with what another process has pinned. */
bool sensor_is_adopted(const struct sensor *s);

/* Why it does not, though something is pinned there; NULL: it does, or there is nothing. */
const char *sensor_why_not_adopted(const struct sensor *s);

/*
 * Verdicts of what it did not go on with are delivered by sensor_next() as the others are, until it is taken away. If
 * they are of a version that this one cannot read, they are counted: after sensor_pin(), how many.
 */
uint64_t sensor_unread_verdicts(const struct sensor *s);

/* 1: something whole is pinned there, with all its programs attached, so that it is in force; 0: nothing, or it is not
 * whole; -EINVAL: it is of another version; -errno: it could not be looked at. And the generation of its policy (0: it
 * has none, or one of another version). */
int sensor_is_in_force(const char *dir, uint32_t *generation);

/*
 * Keeps some bytes beside the pins, in place of those before, for whoever goes on with them (not pinned yet: when it
 * is); and reads them: *out from malloc(). For what verdicts need to be understood. 0 or -errno.
 */
int sensor_keep(struct sensor *s, const void *bytes, size_t size);
int sensor_kept(const char *dir, void **out, size_t *size);

/* Takes away what is pinned at `dir`, whoever did it. Returns how many objects that were, or -errno with its reason:
 * -EBUSY if it is in use. */
int sensor_remove_pins(const char *dir, struct error *err);

/* Sums of the kernel's counters over all CPUs. */
int sensor_stats(struct sensor *s, struct tercel_stats *out);

/* One program's share of the machine: for benchmarks and `tercel status`. Needs BPF statistics to be switched on. */
struct sensor_prog_stats {
	const char *name; /* valid as long as the sensor */
	uint64_t run_count, run_ns;
};

/* Fills up to `max` entries and returns how many programs are loaded, or -errno. */
int sensor_prog_stats(struct sensor *s, struct sensor_prog_stats *out, size_t max);

/* CLOCK_REALTIME minus CLOCK_BOOTTIME in ns, measured now: add it to hdr.ts for the time of day. */
int64_t sensor_clock_offset(void);

#endif
