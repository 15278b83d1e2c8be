/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Process records and the strings of their images: made, shared, counted, forgotten. Also the header of every record,
 * because it names the acting process. This is what decisions (decide.h) may call; see the list at the end.
 */
#ifndef TERCEL_BPF_RECORD_H
#define TERCEL_BPF_RECORD_H

#include "cgroup.h"
#include "deliver.h"
#include "path.h"
#include "task.h"

/* ---- records ------------------------------------------------------------------------------------------ */

static __always_inline struct tercel_proc *proc_of(__u32 tgid)
{
	return bpf_map_lookup_elem(&procs, &tgid);
}

static __always_inline __u32 current_tgid(void)
{
	return (__u32)(bpf_get_current_pid_tgid() >> 32);
}

/* The header for an act of the current task, whose process has the record `proc` (NULL: none, counted). */
static __always_inline void hdr_fill(struct tercel_hdr *hdr, struct tercel_proc *proc, __u64 ts)
{
	__u64 ids = bpf_get_current_pid_tgid();
	struct task_struct *task;

	hdr->ts = ts;
	hdr->flags = 0;
	hdr->tid = (__u32)ids;
	hdr->tgid = (__u32)(ids >> 32);
	hdr->pad = 0;
	if (proc) {
		hdr->exec_id = proc->exec_id;
		return;
	}
	task = (void *)bpf_get_current_task();
	hdr->exec_id = task_exec_id(task);
	hdr->flags = TERCEL_F_PROC_UNKNOWN;
	COUNT(proc_unknown);
}

/* The header of a CGROUP record that tells where `task` is; hdr->flags stay. */
static __always_inline void hdr_fill_cgroup(struct tercel_hdr *hdr, struct task_struct *task, __u64 ts)
{
	struct tercel_proc *proc;

	hdr->ts = ts;
	hdr->tid = (__u32)BPF_CORE_READ(task, pid);
	hdr->tgid = (__u32)BPF_CORE_READ(task, tgid);
	proc = proc_of(hdr->tgid);
	hdr->exec_id = proc ? proc->exec_id : task_exec_id(task);
}

/* Everything of a process record that a task shows now; not the exec ids, which are history, nor the executable. */
static __noinline void proc_fill(struct tercel_proc *p, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct pid *pgrp = task_pid_of(task, PIDTYPE_PGID), *session = task_pid_of(task, PIDTYPE_SID);
	struct pid_namespace *ns = task_pidns(task);

	p->start_time = BPF_CORE_READ(leader, start_boottime);
	p->cgroup_id = task_cgroup_id(task);
	p->pidns_start = pidns_start(ns);
	p->tgid = (__u32)BPF_CORE_READ(task, tgid);
	p->vtgid = pid_nr_in(BPF_CORE_READ(leader, thread_pid), ns);
	p->ppid = (__u32)BPF_CORE_READ(task, real_parent, tgid);
	p->sid = pid_nr(session);
	p->vsid = pid_nr_in(session, ns);
	p->pgid = pid_nr(pgrp);
	p->vpgid = pid_nr_in(pgrp, ns);
	p->pidns = BPF_CORE_READ(ns, ns.inum);
	p->loginuid = task_loginuid(task);
	p->tty = task_tty(task);
	p->pad = 0;
	p->proc_flags = BPF_CORE_READ(task, flags) & PF_KTHREAD ? TERCEL_PROC_KTHREAD : 0;
	task_creds(&p->creds, task);
	BPF_CORE_READ_INTO(&p->comm, task, comm);
}

/* ---- images ------------------------------------------------------------------------------------------- */

static __always_inline bool exec_id_is_none(const struct tercel_exec_id *id)
{
	return !id->ktime && !id->tgid;
}

static __always_inline bool same_exec_id(const struct tercel_exec_id *a, const struct tercel_exec_id *b)
{
	return a->ktime == b->ktime && a->tgid == b->tgid;
}

/* One more process has this image. False if nobody keeps its strings. */
static __always_inline bool image_get(const struct tercel_exec_id *id)
{
	__u32 *refs = bpf_map_lookup_elem(&image_refs, id);

	if (!refs)
		return false;
	__sync_fetch_and_add(refs, 1);
	return true;
}

/* One process less; the last one deletes. The count goes first: see sensor's seeding, which adds strings and looks
 * again. */
static __always_inline void image_put(const struct tercel_exec_id *id)
{
	__u32 *refs = bpf_map_lookup_elem(&image_refs, id);

	if (!refs || __sync_fetch_and_add(refs, (__u32)-1) != 1)
		return;
	bpf_map_delete_elem(&image_refs, id);
	if (bpf_map_delete_elem(&images_small, id))
		bpf_map_delete_elem(&images_large, id);
}

/* Keeps the exe path and the arguments of the exec record in `s` under its image_id, with one reference. */
static __noinline void image_keep(struct scratch *s)
{
	struct tercel_exec_id id = s->exec.proc.image_id;
	__u64 exe = s->exec.exe_path.len, args = s->exec.args.len;
	struct tercel_image_large *image = &s->image;
	__u32 one = 1;
	long err;

	OPAQUE(exe);
	OPAQUE(args);
	if (exe > TERCEL_PATH_MAX || args > TERCEL_ARGS_MAX)
		return;
	image->head.flags = s->exec.hdr.flags & (TERCEL_F_TRUNC_ARGS | TERCEL_F_TRUNC_PATH | TERCEL_F_FAULT_ARGS |
	                                         TERCEL_F_FAULT_PATH | TERCEL_F_PATH_DELETED);
	image->head.size = (__u32)(sizeof(image->head) + exe + args);
	image->head.exe_path.off = sizeof(image->head);
	image->head.exe_path.len = (__u32)exe;
	image->head.args.off = (__u32)(sizeof(image->head) + exe);
	image->head.args.len = (__u32)args;
	bpf_probe_read_kernel(image->data, (__u32)exe, s->bytes + s->exec.exe_path.off);
	bpf_probe_read_kernel(image->data + exe, (__u32)args, s->bytes + s->exec.args.off);
	if (bpf_map_update_elem(&image_refs, &id, &one, BPF_NOEXIST)) {
		COUNT(images_full);
		return;
	}
	if (exe + args <= TERCEL_IMAGE_SMALL_DATA)
		err = bpf_map_update_elem(&images_small, &id, image, BPF_ANY);
	else
		err = bpf_map_update_elem(&images_large, &id, image, BPF_ANY);
	if (err) {
		COUNT(images_full);
		bpf_map_delete_elem(&image_refs, &id);
	}
}

static __always_inline struct tercel_image_head *image_of(const struct tercel_exec_id *id)
{
	struct tercel_image_head *small = bpf_map_lookup_elem(&images_small, id);

	return small ? small : bpf_map_lookup_elem(&images_large, id);
}

/* ---- for decisions ------------------------------------------------------------------------------------ */

/*
 * The current process as a struct tercel_exec in `s`, for decisions elsewhere than at exec: its process record,
 * exe_path and args as they were at its exec, and cwd as it is now; hdr.flags says what is missing or cut. env and
 * filename are empty. Returns the record's size in bytes, 0 if the process has no record (counted).
 */
static __noinline __attribute__((unused)) __u32 current_as_exec(struct scratch *s)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct tercel_proc *p = proc_of((__u32)BPF_CORE_READ(task, tgid));
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct tercel_image_head *image;
	struct tercel_exec_id id;
	__u64 off = sizeof(struct tercel_exec), size;
	__u32 len, flags = 0;

	__builtin_memset(&s->exec, 0, sizeof(s->exec));
	hdr_fill(&s->hdr, p, bpf_ktime_get_boot_ns());
	if (!p)
		return 0;
	s->exec.proc = *p;
	BPF_CORE_READ_INTO(&s->exec.proc.comm, task, comm);
	id = s->exec.proc.image_id;
	image = image_of(&id);
	if (image) {
		size = image->size - sizeof(*image);
		OPAQUE(size);
		if (size > TERCEL_IMAGE_LARGE_DATA)
			return 0;
		bpf_probe_read_kernel(s->bytes + off, (__u32)size, image + 1);
		s->hdr.flags |= image->flags;
		s->exec.exe_path.off = (__u32)off;
		s->exec.exe_path.len = image->exe_path.len;
		s->exec.args.off = (__u32)off + image->exe_path.len;
		s->exec.args.len = image->args.len;
		off += size;
	} else {
		s->hdr.flags |= TERCEL_F_FAULT_ARGS | TERCEL_F_FAULT_PATH;
	}
	len = path_of(s, fs, BPF_CORE_READ(fs, pwd.dentry), BPF_CORE_READ(fs, pwd.mnt), &flags);
	off = append_walk(s, off, &s->exec.cwd, len);
	if (flags & TERCEL_F_TRUNC_PATH)
		s->hdr.flags |= TERCEL_F_TRUNC_CWD;
	s->hdr.size = (__u32)off;
	s->hdr.type = TERCEL_EXEC;
	return (__u32)off;
}

/* Sends a verdict to its own ring. hdr.exec_id, tid and the like are filled by the caller (copy the record's header);
 * this sets type, size, cpu and ts. Counted like every record. */
static __always_inline void send_verdict(struct tercel_verdict *v)
{
	v->hdr.ts = bpf_ktime_get_boot_ns();
	v->hdr.size = sizeof(*v);
	v->hdr.type = TERCEL_VERDICT;
	v->hdr.cpu = (__u16)bpf_get_smp_processor_id();
	v->hdr.pad = 0;
	count(TERCEL_VERDICT, bpf_ringbuf_output(&verdicts, v, sizeof(*v), 0) ? FATE_DROPPED : FATE_DELIVERED);
}

/* Whether decisions at exec commit apply to the current task: inside the cgroup that the sensor was limited to, if any.
 */
static __always_inline bool is_in_scope(void)
{
	return !scoped || bpf_current_task_under_cgroup(&scope, 0) == 1;
}

#endif
