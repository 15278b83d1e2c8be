// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads that ran before the sensor: a task iterator that makes their process records and writes SEED and CGROUP
 * records to the iterator's file, where no ring buffer can be full.
 */
#include "record.h"

/* False if the file's buffer is full: then the kernel drops what this call has written, and calls again for the task.
 */
static __always_inline bool seed_write(struct seq_file *seq, struct scratch *s, __u32 type, __u64 size)
{
	OPAQUE(size);
	if (size > TERCEL_RECORD_MAX)
		return false;
	s->hdr.size = (__u32)size;
	s->hdr.type = (__u16)type;
	s->hdr.cpu = (__u16)bpf_get_smp_processor_id();
	return bpf_seq_write(seq, s->bytes, (__u32)size) == 0;
}

/* The parent's image, as it is now: what made this process is not known any more. */
static __always_inline void seed_parent(struct tercel_proc *p, struct task_struct *task)
{
	struct tercel_proc *parent = proc_of(p->ppid);

	if (parent) {
		p->parent_exec_id = parent->exec_id;
	} else if (p->ppid) {
		/* Not seeded yet: this is what its record will say. */
		p->parent_exec_id = task_exec_id(BPF_CORE_READ(task, real_parent));
	}
}

/* The process record of a thread group leader. What came alive meanwhile has told its own story: BPF_NOEXIST. */
static __always_inline void seed_proc(struct scratch *s, struct task_struct *task)
{
	struct tercel_exec_id id = s->exec.proc.exec_id;
	__u32 tgid = s->hdr.tgid;
	struct tercel_proc *p = proc_of(tgid);

	if (p) {
		/* Made after attaching by somebody who was not seeded yet: nobody keeps its strings so far. */
		if (same_exec_id(&p->image_id, &id) && !image_of(&id)) {
			image_keep(s);
			/* It may have ended before. */
			if (!proc_of(tgid))
				image_put(&id);
		}
		return;
	}
	image_keep(s);
	if (bpf_map_update_elem(&procs, &tgid, &s->exec.proc, BPF_NOEXIST)) {
		if (!proc_of(tgid))
			COUNT(procs_full);
		image_put(&s->exec.proc.image_id);
		return;
	}
	/* It may have ended between the iterator's look and ours: its exit found no record to delete. */
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		proc_forget(tgid);
}

SEC("iter/task")
int on_seed(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq;
	struct tercel_proc *p;
	struct scratch *s;
	__u64 size, cgroup_id;
	__u32 cgroup_size, place = 0;
	bool written = true;

	if (!task)
		return 0;
	s = scratch_get();
	if (!s)
		return 1; /* called again for this task */
	seq = ctx->meta->seq;
	cgroup_size = task_cgroup_first_sight(s, task);
	cgroup_id = cgroup_size ? s->cgroup.cgroup_id : 0;
	if (cgroup_size) {
		hdr_fill_cgroup(&s->hdr, task, BPF_CORE_READ(task, start_boottime));
		written = seed_write(seq, s, TERCEL_CGROUP, cgroup_size);
	}
	if (BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid) && !proc_of((__u32)BPF_CORE_READ(task, tgid)))
		place = proc_place(s, task);
	__builtin_memset(&s->exec, 0, sizeof(s->exec));
	s->hdr.ts = BPF_CORE_READ(task, start_boottime);
	s->hdr.tid = (__u32)BPF_CORE_READ(task, pid);
	s->hdr.tgid = (__u32)BPF_CORE_READ(task, tgid);
	proc_fill(&s->exec.proc, task);
	s->exec.proc.proc_flags |= TERCEL_PROC_SEEDED | place;
	s->exec.proc.exec_id = task_exec_id(task);
	s->exec.proc.image_id = s->exec.proc.exec_id;
	seed_parent(&s->exec.proc, task);
	exec_fill(s, task);
	size = sizeof(s->exec);
	if (s->hdr.tid == s->hdr.tgid) {
		struct file *exe = BPF_CORE_READ(task, mm, exe_file);

		task_exe(&s->exec.proc.exe, task, exe);
		if (exe)
			size = append_exe_path(s, size, task, exe);
		seed_proc(s, task);
	}
	p = proc_of(s->hdr.tgid);
	s->hdr.exec_id = p ? p->exec_id : s->exec.proc.exec_id;
	written = seed_write(seq, s, TERCEL_SEED, size) && written;
	if (written)
		count(TERCEL_SEED, FATE_DELIVERED);
	if (written && cgroup_size)
		count(TERCEL_CGROUP, FATE_DELIVERED);
	if (!written && cgroup_size)
		bpf_map_delete_elem(&cgroups, &cgroup_id); /* to be told of again */
	scratch_put(s);
	return 0;
}
