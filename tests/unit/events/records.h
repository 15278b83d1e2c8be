/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records made by hand, as the kernel would write them. Each call returns the same static buffer. For tests of
 * engine/events.
 */
#ifndef TERCEL_TESTS_RECORDS_H
#define TERCEL_TESTS_RECORDS_H

#include <stdio.h>
#include <string.h>

#include "bpf/abi.h"

struct made {
	_Alignas(8) char bytes[TERCEL_RECORD_MAX];
};

static struct made made;

static inline struct tercel_exec_id id_of(__u64 tgid, __u64 ktime)
{
	return (struct tercel_exec_id){.ktime = ktime, .tgid = (__u32)tgid};
}

static inline void *make(__u16 type, size_t size, __u64 ts, struct tercel_exec_id actor, __u32 tid)
{
	memset(&made, 0, size);
	struct tercel_hdr *h = (void *)made.bytes;
	*h = (struct tercel_hdr){.ts = ts,
	                         .size = (__u32)size,
	                         .type = type,
	                         .tid = tid ? tid : actor.tgid,
	                         .tgid = actor.tgid,
	                         .exec_id = actor};
	return h;
}

static inline struct tercel_span append(const void *bytes, size_t len)
{
	struct tercel_hdr *h = (void *)made.bytes;
	struct tercel_span span = {h->size, (__u32)len};
	memcpy(made.bytes + h->size, bytes, len);
	h->size += (__u32)len;
	return span;
}

static inline struct tercel_hdr *make_fork(__u64 ts, struct tercel_exec_id actor, struct tercel_exec_id child,
                                           const char *comm)
{
	struct tercel_fork *f = make(TERCEL_FORK, sizeof(*f), ts, actor, 0);
	f->child_exec_id = child;
	f->child_start_time = child.ktime;
	f->child_tid = f->child_tgid = f->child_vtgid = f->child_vtid = child.tgid;
	f->child_ppid = actor.tgid;
	f->syscall = TERCEL_SYS_CLONE;
	(void)snprintf(f->comm, sizeof(f->comm), "%.15s", comm);
	return &f->hdr;
}

static inline struct tercel_hdr *make_thread(__u64 ts, struct tercel_exec_id actor, __u32 tid)
{
	struct tercel_fork *f = make(TERCEL_FORK, sizeof(*f), ts, actor, 0);
	f->child_exec_id = actor;
	f->child_start_time = ts;
	f->child_tid = f->child_vtid = tid;
	f->child_tgid = f->child_vtgid = actor.tgid;
	f->is_thread = 1;
	f->syscall = TERCEL_SYS_CLONE;
	return &f->hdr;
}

/* `args` as one text with blanks between. */
static inline struct tercel_exec *make_image(__u16 type, struct tercel_exec_id id, struct tercel_exec_id parent,
                                             __u64 start_time, const char *path, const char *args)
{
	struct tercel_exec *x = make(type, sizeof(*x), type == TERCEL_SEED ? start_time : id.ktime, id, 0);
	const char *base = strrchr(path, '/');
	x->proc.exec_id = x->proc.image_id = id;
	x->proc.parent_exec_id = parent;
	x->proc.start_time = start_time;
	x->proc.tgid = x->proc.vtgid = id.tgid;
	x->proc.ppid = parent.tgid;
	x->proc.loginuid = 0xffffffff;
	x->proc.cgroup_id = 1;
	x->proc.proc_flags = type == TERCEL_SEED ? TERCEL_PROC_SEEDED : TERCEL_PROC_EXECED;
	(void)snprintf(x->proc.comm, sizeof(x->proc.comm), "%.15s", base ? base + 1 : path);
	x->old_tid = x->vtid = id.tgid;
	x->exe_path = append(path, strlen(path));
	x->args = append(args, strlen(args) + 1);
	for (char *c = made.bytes + x->args.off; *c; c++)
		*c = *c == ' ' ? '\0' : *c;
	x->cwd = append("/", 1);
	return x;
}

static inline struct tercel_hdr *make_exec(struct tercel_exec_id id, struct tercel_exec_id parent, __u64 start_time,
                                           const char *path, const char *args)
{
	return &make_image(TERCEL_EXEC, id, parent, start_time, path, args)->hdr;
}

static inline struct tercel_hdr *make_seed(struct tercel_exec_id id, struct tercel_exec_id parent, const char *path)
{
	return &make_image(TERCEL_SEED, id, parent, id.ktime, path, path)->hdr;
}

static inline struct tercel_hdr *make_exit(__u64 ts, struct tercel_exec_id actor, __u32 code)
{
	struct tercel_exit *x = make(TERCEL_EXIT, sizeof(*x), ts, actor, 0);
	x->exit_code = x->group_exit_code = code;
	x->group_dead = 1;
	return &x->hdr;
}

static inline struct tercel_hdr *make_thread_exit(__u64 ts, struct tercel_exec_id actor, __u32 tid)
{
	return make(TERCEL_EXIT, sizeof(struct tercel_exit), ts, actor, tid);
}

#endif
