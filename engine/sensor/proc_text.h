/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of /proc/PID say, parsed: proc(5). Knows texts only; opens nothing, so that it is tested with recorded
 * ones. Texts end with a NUL.
 */
#ifndef TERCEL_SENSOR_PROC_TEXT_H
#define TERCEL_SENSOR_PROC_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"

/* Of the flags in /proc/PID/stat: include/linux/sched.h. */
#define PROC_EXITING 0x00000004
#define PROC_KTHREAD 0x00200000

struct proc_stat {
	char comm[TERCEL_COMM_LEN];
	char state;
	uint32_t ppid, pgid, sid;
	uint32_t tty;   /* in the kernel's encoding: major << 20 | minor */
	uint32_t flags; /* PROC_… */
	uint64_t min_flt, maj_flt;
	uint64_t start_ticks; /* since boot, in units of 1 / sysconf(_SC_CLK_TCK) s, rounded down */
};

/* Parses a `stat` file. -EINVAL, with *out in any state. */
int proc_parse_stat(struct proc_stat *out, const char *text);

struct proc_status {
	struct tercel_creds creds;
	uint32_t vtgid, vtid, vpgid, vsid; /* in the innermost pid namespace of the process */
	bool nested;                       /* that namespace is not the one of the reader's /proc */
	uint32_t vm_size, vm_rss, vm_swap; /* KiB; 0 for a kernel thread */
};

/* Parses a `status` file. -EINVAL if credentials or ids are missing, with *out in any state. */
int proc_parse_status(struct proc_status *out, const char *text);

/* Whether a `status` file lists the supplementary group. */
bool proc_has_group(const char *status, uint32_t gid);

/* The path in the cgroup v2 hierarchy, of *len bytes, within the text of a `cgroup` file; NULL if there is none. */
const char *proc_parse_cgroup(const char *text, uint32_t *len);

/* The soft limit of descriptors in a `limits` file; UINT64_MAX: none; 0 if it does not say. */
uint64_t proc_parse_fdlimit(const char *text);

#endif
