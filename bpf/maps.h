/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map of the sensor, and the constants that user space sets before loading. Only declarations: what is done with
 * them stands in the file of each concern. Sizes given as 1 are set by user space (engine/sensor/load.c).
 */
#ifndef TERCEL_BPF_MAPS_H
#define TERCEL_BPF_MAPS_H

#include "abi.h"
#include "kernel.h"

/* ---- constants, set before loading --------------------------------------------------------------------- */

/* CPUs that scratch buffers exist for. */
const volatile __u32 cpu_count = 1;
/* 1 << enum tercel_point: what is to be decided at all. */
const volatile __u32 points = 0;
/* 1: decide exec commits only inside the cgroup in the map `scope`. */
const volatile __u32 scoped = 0;
/* 1: sched_process_exit passes group_dead (6.16 and later). */
const volatile __u32 exit_has_group_dead = 0;
/* enum tercel_proc_flags: what every process has to be taken for, as this kernel cannot tell when it becomes true. */
const volatile __u32 unseen_marks = 0;
/* Nanoseconds of a clock tick, in which /proc counts. */
const volatile __u32 tick_ns = 10000000;
/* log2 of the page size, minus 10: pages << this is KiB. */
const volatile __u32 page_kib_shift = 2;

/* ---- delivery ----------------------------------------------------------------------------------------- */

/* One ring for each CPU: records of one CPU are in order of time, and CPUs do not fight for one lock. */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/*
 * Verdicts have their own, so that no flood of events can displace them. Nobody may read for a while (a daemon that
 * starts again): it holds some 32,000 of programs, and 500 of the longest.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} verdicts SEC(".maps");

/* Indexed by CPU. Not a per-CPU map: those cannot be mapped. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tercel_underway);
} underway SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tercel_stats);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tercel_interest);
} interest SEC(".maps");

/* ---- what is known of processes and cgroups ------------------------------------------------------------ */

/* Keyed by thread group id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tercel_proc);
} procs SEC(".maps");

/*
 * How many process records have this image_id. Apart from the strings, so that user space can add the strings of a
 * process that ran before without touching a count that changes meanwhile.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct tercel_exec_id);
	__type(value, __u32);
} image_refs SEC(".maps");

/* The strings of an image, in one of two size classes: most fit the small one. Allocated on demand. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct tercel_exec_id);
	__type(value, struct tercel_image_small);
} images_small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct tercel_exec_id);
	__type(value, struct tercel_image_large);
} images_large SEC(".maps");

/* Keyed by cgroup id; of a v1 hierarchy's, by cgroup_key(). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct tercel_cgroup_info);
} cgroups SEC(".maps");

/* The last attempt to keep a cgroup found the map full, and none was removed since. */
__u32 cgroups_are_full = 0;

/*
 * Keyed by thread group id, for those whose record has TERCEL_PROC_PLACED: the key in `cgroups` of the cgroup that
 * tells its container, where that is not proc.cgroup_id; 0: it is not known.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} placed SEC(".maps");

/* ---- decisions ---------------------------------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct tercel_container_key);
	__type(value, struct tercel_container_facts);
} container_facts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct tercel_user);
} users SEC(".maps");

/* The cgroup that decisions at exec commit are limited to, if `scoped`. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} scope SEC(".maps");

/*
 * Processes that have ended a moment ago, where the kernel does not tell which thread was the last one: several may
 * find none alive.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct tercel_exec_id);
	__type(value, __u32);
} ended SEC(".maps");

/* ---- scratch ------------------------------------------------------------------------------------------ */

/* Room behind the largest offset that a masked index can give, for one more component. */
#define WALK_SIZE (TERCEL_PATH_MAX + 256)

/*
 * State of the loops in path.h and cgroup.h. It lives in a map and not on the stack because the verifier knows nothing
 * of what it reads from a map: it follows a loop's body once, not once for every value.
 */
struct path_walk {
	struct dentry *dentry, *root_dentry;
	struct vfsmount *mnt, *root_mnt;
	__u64 pos; /* first byte in use of scratch.walk */
	__u32 done;
	__u32 truncated;
};

struct cgroup_walk {
	__u64 off;
	__u32 count; /* nodes collected, leaf first */
	__u32 under_pods;
	__u32 failed;
	__u32 pad;
	struct tercel_cgroup_info info;
	__u64 nodes[TERCEL_CGROUP_DEPTH];
	char name[256];
};

struct scratch {
	__u32 busy;
	__u32 key; /* its own, since it was first taken */
	union {
		__u8 bytes[TERCEL_RECORD_MAX];
		struct tercel_hdr hdr;
		struct tercel_exec exec;
		struct tercel_open open;
		struct tercel_connect connect;
		struct tercel_chdir chdir;
		struct tercel_cgroup cgroup;
	};
	/* A path is built here backwards, from its end. */
	__u8 walk[WALK_SIZE];
	/* The value of an image map; its header is common to both classes. */
	struct tercel_image_large image;
	struct path_walk path_walk;
	struct cgroup_walk cgroup_walk;
	/* Beside the child's process record; too large for the stack, which up to Linux 6.1 is counted in steps of 32.
	 */
	struct tercel_fork fork;
};

/* Indexed by cpu * TERCEL_SCRATCH_SLOTS + slot. Not a per-CPU map: the kernel limits those values to 32 KiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

#endif
