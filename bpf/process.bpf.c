// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of processes: exec, fork, exit. Keeps the process records and sends EXEC, FORK and EXIT.
 */
#include "record.h"

/* Sends the CGROUP record of a task's cgroup on first sight; uses and leaves the scratch buffer. */
static __always_inline void tell_cgroup(struct scratch *s, struct task_struct *task, __u64 ts)
{
	__u32 size = task_cgroup_first_sight(s, task);

	if (!size)
		return;
	hdr_fill_cgroup(&s->hdr, task, ts);
	send(&s->hdr, TERCEL_CGROUP, size);
}

/* The part of EXEC and SEED that comes from the task alone. */
static __always_inline void exec_fill(struct scratch *s, struct task_struct *task)
{
	struct memory memory;

	s->exec.vtid = pid_nr_in(BPF_CORE_READ(task, thread_pid), task_pidns(task));
	s->exec.old_tid = s->hdr.tid;
	s->exec.fdlimit = task_fdlimit(task);
	s->exec.pgft_maj = BPF_CORE_READ(task, maj_flt);
	s->exec.pgft_min = BPF_CORE_READ(task, min_flt);
	task_memory(&memory, task);
	s->exec.vm_size = memory.size;
	s->exec.vm_rss = memory.rss;
	s->exec.vm_swap = memory.swap;
}

static __always_inline __u64 append_exe_path(struct scratch *s, __u64 off, struct task_struct *task, struct file *file)
{
	__u32 len = path_of(s, BPF_CORE_READ(task, fs), BPF_CORE_READ(file, f_path.dentry),
	                    BPF_CORE_READ(file, f_path.mnt), &s->hdr.flags);

	return append_walk(s, off, &s->exec.exe_path, len);
}

static __always_inline __u64 append_cwd(struct scratch *s, __u64 off, struct tercel_span *span,
                                        struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	__u32 flags = 0;
	__u32 len = path_of(s, fs, BPF_CORE_READ(fs, pwd.dentry), BPF_CORE_READ(fs, pwd.mnt), &flags);

	if (flags & TERCEL_F_TRUNC_PATH)
		s->hdr.flags |= TERCEL_F_TRUNC_CWD;
	return append_walk(s, off, span, len);
}

/* The strings of the new image. The order matters: exe_path and args first, because decisions and image_keep() need
 * those. */
static __always_inline __u64 exec_strings(struct scratch *s, struct task_struct *task, struct linux_binprm *bprm)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 off = sizeof(struct tercel_exec);

	off = append_exe_path(s, off, task, BPF_CORE_READ(mm, exe_file));
	off = append_user_bytes(s, off, &s->exec.args, BPF_CORE_READ(mm, arg_start), BPF_CORE_READ(mm, arg_end),
	                        TERCEL_F_TRUNC_ARGS, TERCEL_F_FAULT_ARGS, &s->hdr.flags);
	off = append_cwd(s, off, &s->exec.cwd, task);
	off = append_kernel_str(s, off, &s->exec.filename, BPF_CORE_READ(bprm, filename));
	return append_user_bytes(s, off, &s->exec.env, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end),
	                         TERCEL_F_TRUNC_ENV, TERCEL_F_FAULT_ENV, &s->hdr.flags);
}

/* What the new image inherits from the process's old record. */
static __always_inline void exec_history(struct scratch *s, struct task_struct *task, struct tercel_proc *old)
{
	struct tercel_proc *parent;

	s->exec.proc.exec_id = task_exec_id(task);
	s->exec.proc.image_id = s->exec.proc.exec_id;
	s->hdr.exec_id = s->exec.proc.exec_id;
	s->exec.proc.proc_flags |= TERCEL_PROC_EXECED;
	if (old) {
		s->exec.proc.parent_exec_id = old->parent_exec_id;
		return;
	}
	COUNT(proc_unknown);
	s->hdr.flags |= TERCEL_F_PROC_UNKNOWN;
	parent = proc_of(s->exec.proc.ppid);
	if (parent)
		s->exec.proc.parent_exec_id = parent->exec_id;
	else
		s->hdr.flags |= TERCEL_F_NO_PARENT_PROC;
}

/* The record that the process had before this exec; NULL if there is none, or it was left by another one that had the
 * same id. */
static __always_inline struct tercel_proc *exec_predecessor(struct task_struct *task, __u32 tgid)
{
	struct tercel_proc *old = proc_of(tgid);
	__u64 start = BPF_CORE_READ(task, group_leader, start_boottime);

	if (!old || old->start_time == start)
		return old;
	if (old->proc_flags & TERCEL_PROC_ROUGH && start - old->start_time + tick_ns < 3ULL * tick_ns)
		return old;
	proc_forget(tgid);
	return NULL;
}

/*
 * The call that made the exec. The registers cannot tell: the new image's are set up already. A path by descriptor
 * comes from execveat alone. User mode helpers (module loaders, core dump handlers, release agents) are children of
 * kernel threads and began without a program: their first exec is no call at all, and no event to Falco.
 */
static __always_inline __u32 exec_call(struct task_struct *task, struct linux_binprm *bprm, struct tercel_proc *old)
{
	if (BPF_CORE_READ(task, real_parent, flags) & PF_KTHREAD && !(old && old->proc_flags & TERCEL_PROC_EXECED))
		return TERCEL_SYS_NONE;
	return BPF_CORE_READ(bprm, fdpath) ? TERCEL_SYS_EXECVEAT : TERCEL_SYS_EXECVE;
}

/* Makes the record in `s` that of the process. On failure it has none: the old one is of an image that is gone. */
static __always_inline void exec_keep(struct scratch *s, __u32 tgid, struct tercel_proc *old)
{
	struct tercel_exec_id old_image = {};

	if (old) {
		old_image = old->image_id;
		if (old->proc_flags & ~s->exec.proc.proc_flags & TERCEL_PROC_PLACED)
			bpf_map_delete_elem(&placed, &tgid);
	}
	/* Seeded between the kernel's count of this exec and now: the record is of this image already. */
	if (same_exec_id(&old_image, &s->exec.proc.exec_id)) {
		image_put(&old_image);
		old_image.ktime = old_image.tgid = 0;
	}
	image_keep(s);
	if (bpf_map_update_elem(&procs, &tgid, &s->exec.proc, BPF_ANY)) {
		COUNT(procs_full);
		image_put(&s->exec.proc.image_id);
		if (s->exec.proc.proc_flags & TERCEL_PROC_PLACED)
			bpf_map_delete_elem(&placed, &tgid);
		bpf_map_delete_elem(&procs, &tgid);
	}
	if (!exec_id_is_none(&old_image))
		image_put(&old_image);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 tgid = (__u32)BPF_CORE_READ(task, tgid);
	struct scratch *s = scratch_get_exec();
	struct tercel_underway *mark;
	struct tercel_proc *old;
	__u64 ts, size;
	__u32 place;

	if (!s) {
		count(TERCEL_EXEC, FATE_SCRATCH_BUSY);
		/* What it says is of the old image. */
		proc_forget(tgid);
		if (points & 1U << TERCEL_POINT_EXEC_COMMIT && is_in_scope())
			COUNT(undecided[TERCEL_POINT_EXEC_COMMIT]);
		return 0;
	}
	ts = act_begin(&mark);
	tell_cgroup(s, task, ts);
	place = proc_place(s, task);

	__builtin_memset(&s->exec, 0, sizeof(s->exec));
	s->hdr.ts = ts;
	s->hdr.tid = (__u32)BPF_CORE_READ(task, pid);
	s->hdr.tgid = tgid;
	old = exec_predecessor(task, tgid);
	proc_fill(&s->exec.proc, task);
	s->exec.proc.proc_flags |= place;
	exec_history(s, task, old);
	exec_fill(s, task);
	s->exec.old_tid = (__u32)old_pid;
	s->exec.argc = (__u32)BPF_CORE_READ(bprm, argc);
	s->exec.syscall = exec_call(task, bprm, old);
	task_exe(&s->exec.proc.exe, task, BPF_CORE_READ(task, mm, exe_file));
	size = exec_strings(s, task, bprm);
	s->hdr.size = (__u32)size;
	exec_keep(s, tgid, old);
	send(&s->hdr, TERCEL_EXEC, size);
	act_end(mark);
	s->exec.proc.cgroup_id = proc_container_cgroup(&s->exec.proc);
	if (points & 1U << TERCEL_POINT_EXEC_COMMIT && is_in_scope())
		decide_exec(s);
	scratch_put(s);
	return 0;
}

/* clone's flags as the caller gave them, from the registers of its system call. */
static __always_inline void fork_call(struct tercel_fork *f, struct task_struct *parent, struct task_struct *child)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
	bool compat = arch_is_compat();
	__u32 nr = arch_syscall_nr(regs);
	struct syscall_args args;
	struct {
		__u64 flags, pidfd, child_tid, parent_tid, exit_signal;
	} clone3 = {};

	f->syscall = TERCEL_SYS_NONE;
	f->clone_flags = 0;
	/* Kernel threads and io_uring's workers are made by the kernel, whatever call is under way. */
	if (BPF_CORE_READ(parent, flags) & PF_KTHREAD || BPF_CORE_READ(child, flags) & PF_IO_WORKER)
		return;
	arch_args(&args, regs, compat);
	f->syscall = compat ? arch_compat_syscall(nr) : arch_syscall(nr);
	if (compat)
		f->hdr.flags |= TERCEL_F_COMPAT;
	switch (f->syscall) {
	case TERCEL_SYS_FORK:
		f->clone_flags = SIGCHLD;
		break;
	case TERCEL_SYS_VFORK:
		f->clone_flags = CLONE_VFORK | CLONE_VM | SIGCHLD;
		break;
	case TERCEL_SYS_CLONE:
		f->clone_flags = args.a[ARCH_CLONE_FLAGS];
		break;
	case TERCEL_SYS_CLONE3:
		/* struct clone_args, include/uapi/linux/sched.h */
		if (!bpf_probe_read_user(&clone3, sizeof(clone3), (const void *)args.a[0]))
			f->clone_flags = clone3.flags | clone3.exit_signal;
		break;
	default:
		f->syscall = TERCEL_SYS_NONE;
	}
}

static __always_inline void fork_ids(struct tercel_fork *f, struct task_struct *parent, struct task_struct *child)
{
	struct pid_namespace *parent_ns = task_pidns(parent), *child_ns = task_pidns(child);
	struct pid *child_pid = BPF_CORE_READ(child, thread_pid);

	f->child_tid = (__u32)BPF_CORE_READ(child, pid);
	f->child_tgid = (__u32)BPF_CORE_READ(child, tgid);
	f->child_vtid = pid_nr_in(child_pid, child_ns);
	f->child_vtgid = pid_nr_in(BPF_CORE_READ(child, group_leader, thread_pid), child_ns);
	f->child_tid_in_parent_ns = pid_nr_in(child_pid, parent_ns);
	f->parent_vtid = pid_nr_in(BPF_CORE_READ(parent, thread_pid), parent_ns);
	f->parent_vtgid = pid_nr_in(BPF_CORE_READ(parent, group_leader, thread_pid), parent_ns);
	f->child_ppid = (__u32)BPF_CORE_READ(child, real_parent, tgid);
	f->ppid = (__u32)BPF_CORE_READ(parent, real_parent, tgid);
	f->is_thread = f->child_tgid == f->hdr.tgid;
	f->is_kthread = BPF_CORE_READ(child, flags) & PF_KTHREAD ? 1 : 0;
	f->child_new_pidns = child_ns != parent_ns;
	f->pidns_start = pidns_start(child_ns);
}

/* The child's process record, sharing the caller's image. */
static __always_inline void fork_proc(struct scratch *s, struct tercel_fork *f, struct task_struct *child,
                                      struct tercel_proc *creator)
{
	struct tercel_proc *p = &s->exec.proc, *parent = creator;
	__u32 place;
	bool counted = false;

	/* What is left of another process with this id, whose exit was not seen. */
	proc_forget(f->child_tgid);
	place = proc_place(s, child);
	__builtin_memset(p, 0, sizeof(*p));
	proc_fill(p, child);
	p->proc_flags |= place;
	p->exec_id = task_exec_id(child);
	p->image_id = p->exec_id;
	if (f->child_ppid != f->hdr.tgid)
		parent = proc_of(f->child_ppid);
	if (parent)
		p->parent_exec_id = parent->exec_id;
	else
		f->hdr.flags |= TERCEL_F_NO_PARENT_PROC;
	if (creator) {
		p->exe = creator->exe;
		/* Of what nobody keeps the strings of, seeding will, for each process. */
		if (image_get(&creator->image_id)) {
			p->image_id = creator->image_id;
			counted = true;
		}
	} else {
		task_exe(&p->exe, child, BPF_CORE_READ(child, mm, exe_file));
	}
	if (bpf_map_update_elem(&procs, &f->child_tgid, p, BPF_ANY)) {
		COUNT(procs_full);
		if (counted)
			image_put(&p->image_id);
		if (p->proc_flags & TERCEL_PROC_PLACED)
			bpf_map_delete_elem(&placed, &f->child_tgid);
	}
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct tercel_proc *creator = proc_of_task((void *)bpf_get_current_task());
	__u32 child_tgid = (__u32)BPF_CORE_READ(child, tgid);
	struct scratch *s = scratch_get();
	struct tercel_underway *mark;
	struct tercel_fork *f;
	struct memory memory;
	__u64 ts;

	if (!s) {
		count(TERCEL_FORK, FATE_SCRATCH_BUSY);
		if (child_tgid != current_tgid())
			proc_forget(child_tgid);
		return 0;
	}
	f = &s->fork;
	__builtin_memset(f, 0, sizeof(*f));
	ts = act_begin(&mark);
	tell_cgroup(s, child, ts);
	hdr_fill(&f->hdr, creator, ts);
	fork_ids(f, parent, child);
	fork_call(f, parent, child);
	f->child_start_time = BPF_CORE_READ(child, start_boottime);
	f->cgroup_id = task_cgroup_id(child);
	f->fdlimit = task_fdlimit(parent);
	f->pgft_maj = BPF_CORE_READ(parent, maj_flt);
	f->pgft_min = BPF_CORE_READ(parent, min_flt);
	task_memory(&memory, parent);
	f->vm_size = memory.size;
	f->vm_rss = memory.rss;
	f->vm_swap = memory.swap;
	f->uid = BPF_CORE_READ(child, cred, uid.val);
	f->gid = BPF_CORE_READ(child, cred, gid.val);
	BPF_CORE_READ_INTO(&f->comm, child, comm);
	if (f->is_thread) {
		f->child_exec_id = f->hdr.exec_id;
	} else {
		fork_proc(s, f, child, creator);
		f->child_exec_id = s->exec.proc.exec_id;
	}
	send(&f->hdr, TERCEL_FORK, sizeof(*f));
	act_end(mark);
	scratch_put(s);
	return 0;
}

/* ---- exit --------------------------------------------------------------------------------------------- */

/* As the kernel's find_new_reaper(): threads, then ancestors, looked at before the answer is "unknown". */
#define REAPER_THREADS 32
#define REAPER_ANCESTORS 32

/* Global, so that it is verified once and not for each ancestor. A number is what such a function can be given. */
__noinline int alive_thread(__u64 task_ptr)
{
	struct task_struct *task = (void *)task_ptr;
	__u64 head = (__u64)BPF_CORE_READ(task, signal) + bpf_core_field_offset(struct signal_struct, thread_head);
	__u64 at = (__u64)BPF_CORE_READ((struct list_head *)head, next);

	for (int i = 0; i < REAPER_THREADS && at && at != head; i++) {
		struct task_struct *t = (void *)(at - bpf_core_field_offset(struct task_struct, thread_node));

		if (!(BPF_CORE_READ(t, flags) & PF_EXITING))
			return BPF_CORE_READ(t, pid);
		at = (__u64)BPF_CORE_READ((struct list_head *)at, next);
	}
	return 0;
}

/* Who takes over the children of the exiting `task`; 0 if it has none, or none can be found. */
static __noinline __u32 find_reaper(struct task_struct *task)
{
	__u64 children = (__u64)task + bpf_core_field_offset(struct task_struct, children);
	struct task_struct *init = BPF_CORE_READ(task_pidns(task), child_reaper), *ancestor = task;
	__u32 level = BPF_CORE_READ(task, thread_pid, level), tid;
	struct signal_struct *signal;

	if ((__u64)BPF_CORE_READ((struct list_head *)children, next) == children)
		return 0;
	tid = (__u32)alive_thread((__u64)task);
	if (tid || init == task)
		return tid;
	signal = BPF_CORE_READ(task, signal);
	if (!BPF_CORE_READ_BITFIELD_PROBED(signal, has_child_subreaper))
		return (__u32)BPF_CORE_READ(init, pid);
	for (int i = 0; i < REAPER_ANCESTORS; i++) {
		ancestor = BPF_CORE_READ(ancestor, real_parent);
		if (!ancestor || ancestor == init || BPF_CORE_READ(ancestor, thread_pid, level) != level)
			return (__u32)BPF_CORE_READ(init, pid);
		signal = BPF_CORE_READ(ancestor, signal);
		if (!BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper))
			continue;
		tid = (__u32)alive_thread((__u64)ancestor);
		if (tid)
			return tid;
	}
	return 0;
}

/* Several threads may see live == 0, as it was lowered before. One of them is the first to say so. */
static __always_inline bool ends_first(struct task_struct *task)
{
	struct tercel_exec_id id;
	__u32 one = 1;

	if (BPF_CORE_READ(task, signal, live.counter))
		return false;
	id = task_exec_id(task);
	return !bpf_map_update_elem(&ended, &id, &one, BPF_NOEXIST);
}

SEC("tp_btf/sched_process_exit")
int on_exit(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct tercel_underway *mark;
	struct tercel_exit x = {};
	bool dead;

	hdr_fill(&x.hdr, proc_of(current_tgid()), act_begin(&mark));
	if (exit_has_group_dead)
		dead = ctx[1] & 1;
	else
		dead = ends_first(task);
	if (dead)
		proc_forget(x.hdr.tgid);
	x.group_dead = dead;
	x.exit_code = (__u32)BPF_CORE_READ(task, exit_code);
	x.group_exit_code = (__u32)BPF_CORE_READ(task, signal, group_exit_code);
	/* The current task, as a number. */
	x.reaper_tid = find_reaper((void *)bpf_get_current_task());
	send(&x.hdr, TERCEL_EXIT, sizeof(x));
	act_end(mark);
	return 0;
}

/* A removed cgroup can hold no process any more, and its id is never used again. */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_cgroup_rmdir, struct cgroup *cgroup)
{
	__u64 id = cgroup_key(BPF_CORE_READ(cgroup, kn, id), (__u32)BPF_CORE_READ(cgroup, root, hierarchy_id));

	if (!bpf_map_delete_elem(&cgroups, &id))
		cgroups_are_full = 0;
	return 0;
}
