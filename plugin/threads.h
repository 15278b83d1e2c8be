/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's process table ("threads"): the accessors of the fields we read or write, and entries for threads that ran
 * before the capture. Knows Falco's table interface and SEED records; no sensor, no configuration.
 */
#ifndef TERCEL_PLUGIN_THREADS_H
#define TERCEL_PLUGIN_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "bpf/abi.h"
#include "compat/encode.h"
#include "compat/plugin_api.h"

/* Fields of the threads table that we write. A host that lacks one is served without it. */
enum thread_field {
	THREAD_PID,
	THREAD_PTID,
	THREAD_SID,
	THREAD_COMM,
	THREAD_EXE,
	THREAD_EXE_PATH,
	THREAD_EXE_WRITABLE,
	THREAD_EXE_UPPER_LAYER,
	THREAD_EXE_LOWER_LAYER,
	THREAD_EXE_FROM_MEMFD,
	THREAD_FLAGS,
	THREAD_UID,
	THREAD_GID,
	THREAD_LOGINUID,
	THREAD_EXE_INO,
	THREAD_EXE_CTIME,
	THREAD_EXE_MTIME,
	THREAD_VTID,
	THREAD_VPID,
	THREAD_VPGID,
	THREAD_PGID,
	THREAD_PIDNS_START,
	THREAD_TTY,
	THREAD_FDLIMIT,
	THREAD_ARGS,
	THREAD_ENV,
	THREAD_CGROUPS,
	THREAD_FIELDS,
};

struct threads {
	falco_table *table; /* NULL: the host has none */
	falco_accessor *fields[THREAD_FIELDS];
	/* Of the tables inside an entry: a list's "value", a controller's name and path. */
	falco_accessor *arg_value, *env_value, *cgroup_name, *cgroup_path;
};

/* To be called in init: gets what the host offers. -ENOTSUP with `err`: it has no threads table. */
int threads_init(struct threads *t, const struct falco_init_input *in, struct error *err);

/*
 * Copies of SEED records until the capture opens and the host's table can be written. Bounded by TERCEL_SEEDS_MAX.
 */
struct seeds {
	struct tercel_exec **items; /* each a whole record, owned */
	size_t count, cap;
	uint64_t lost;
};

#define TERCEL_SEEDS_MAX 262144

/* Keeps a copy of a SEED record that scap_record_ok() accepts; else, or without memory, counts it as lost. */
void seeds_add(struct seeds *s, const struct tercel_exec *record);
void seeds_free(struct seeds *s);

/* Told of each process that the host knows already: its working directory is not unknown. */
struct threads_known {
	void (*cwd_unknown)(void *data, uint32_t tgid, bool unknown);
	void *data;
};

/*
 * Writes entries for all seeds, parents first, leaders before their threads, except for threads that the host knows
 * already from its own look at /proc, which tells it as much and more: capabilities, working directory, descriptors are
 * fields that no plugin can write. Returns how many entries were written, or -EIO with `err` if the host refused all of
 * them.
 */
int threads_write(const struct threads *t, const struct falco_listen_input *in, struct seeds *s,
                  const struct scap_context *ctx, const struct threads_known *known, struct error *err);

#endif
