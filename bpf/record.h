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

/*
 * Whether the record is of the image that the task runs now. It may be an older one's if our program was not run at an
 * exec or exit, as the kernel does not let a program interrupt itself. A rough id comes from /proc, which counts in
 * ticks: of such a process only the use of its id by another one shows.
 */
static __always_inline bool proc_is_current(const struct tercel_proc *p, struct task_struct *task)
{
	struct tercel_exec_id now = task_exec_id(task);

	if (p->proc_flags & TERCEL_PROC_ROUGH)
		return now.ktime - p->exec_id.ktime + tick_ns < 3ULL * tick_ns;
	return p->exec_id.ktime == now.ktime && p->exec_id.tgid == now.tgid;
}

/* The record of a task's process; NULL if there is none, or only that of an earlier image. */
static __always_inline struct tercel_proc *proc_of_task(struct task_struct *task)
{
	struct tercel_proc *p = proc_of((__u32)BPF_CORE_READ(task, tgid));

	return p && proc_is_current(p, task) ? p : NULL;
}

static __always_inline __u32 current_tgid(void)
{
	return (__u32)(bpf_get_current_pid_tgid() >> 32);
}

/* Of the process, not of its thread: CLOCK_BOOTTIME ns. */
static __always_inline __u64 current_start(void)
{
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader, start_boottime);
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
	p->proc_flags = unseen_marks | (BPF_CORE_READ(task, flags) & PF_KTHREAD ? TERCEL_PROC_KTHREAD : 0);
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

/* Forgets the process. Returns true for one caller only: deleting a map entry succeeds once. */
static __always_inline bool proc_forget(__u32 tgid)
{
	struct tercel_proc *p = proc_of(tgid);
	struct tercel_exec_id image;
	__u32 flags;

	if (!p)
		return false;
	image = p->image_id;
	flags = p->proc_flags;
	if (bpf_map_delete_elem(&procs, &tgid))
		return false;
	if (flags & TERCEL_PROC_PLACED)
		bpf_map_delete_elem(&placed, &tgid);
	image_put(&image);
	return true;
}

/*
 * Notes where the container of the task is told, if not in its cgroup of the v2 hierarchy, before its record goes into
 * the map. Returns TERCEL_PROC_PLACED for the record's flags, or 0. Uses the scratch buffer's record.
 */
static __always_inline __u32 proc_place(struct scratch *s, struct task_struct *task)
{
	__u64 key = container_cgroup(s, task);
	__u32 tgid = (__u32)BPF_CORE_READ(task, tgid);

	if (key == task_cgroup_id(task))
		return 0;
	/* Without an entry it counts as not known. */
	if (bpf_map_update_elem(&placed, &tgid, &key, BPF_ANY)) {
		bpf_map_delete_elem(&placed, &tgid);
		COUNT(cgroups_full);
	}
	return TERCEL_PROC_PLACED;
}

/* The key in `cgroups` of what tells the process's container; 0: not known. */
static __always_inline __u64 proc_container_cgroup(const struct tercel_proc *p)
{
	__u32 tgid = p->tgid;
	__u64 *key;

	if (!(p->proc_flags & TERCEL_PROC_PLACED))
		return p->cgroup_id;
	key = bpf_map_lookup_elem(&placed, &tgid);
	return key ? *key : 0;
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
	image->head.made = s->exec.proc.proc_flags & TERCEL_PROC_EXECED ? s->hdr.ts : 0;
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
 * filename are empty; proc.cgroup_id is that of the cgroup that tells the container (0: not known). Returns the
 * record's size in bytes, 0 if the process has no record (counted). A record of an earlier image is forgotten.
 */
static __noinline __attribute__((unused)) __u32 current_as_exec(struct scratch *s)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct tercel_proc *p = proc_of_task(task);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct tercel_image_head *image;
	struct tercel_exec_id id;
	__u64 off = sizeof(struct tercel_exec), size;
	__u32 len, flags = 0;

	__builtin_memset(&s->exec, 0, sizeof(s->exec));
	hdr_fill(&s->hdr, p, bpf_ktime_get_boot_ns());
	if (!p) {
		s->hdr.flags |= TERCEL_F_FAULT_ARGS | TERCEL_F_FAULT_PATH;
		s->exec.proc.exe.flags = TERCEL_EXE_UNKNOWN;
		proc_forget(s->hdr.tgid);
		return 0;
	}
	s->exec.proc = *p;
	s->exec.proc.cgroup_id = proc_container_cgroup(p);
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
/* What stands behind the verdict: the texts that its spans are of. */
#define VERDICT_TEXT_MAX (2 * TERCEL_PATH_MAX)

/* `v` has `text` bytes of text behind it. */
static __always_inline void send_verdict(struct tercel_verdict *v, __u64 text)
{
	struct tercel_underway *mark;

	OPAQUE(text);
	if (text > VERDICT_TEXT_MAX)
		return;
	v->hdr.ts = act_begin(&mark);
	v->hdr.size = (__u32)(sizeof(*v) + text);
	v->hdr.type = TERCEL_VERDICT;
	v->hdr.cpu = (__u16)bpf_get_smp_processor_id();
	v->hdr.pad = 0;
	count(TERCEL_VERDICT, bpf_ringbuf_output(&verdicts, v, sizeof(*v) + text, 0) ? FATE_DROPPED : FATE_DELIVERED);
	act_end(mark);
}

/* Whether decisions at exec commit apply to the current task: inside the cgroup that the sensor was limited to, if any.
 */
static __always_inline bool is_in_scope(void)
{
	return !scoped || bpf_current_task_under_cgroup(&scope, 0) == 1;
}

#endif
