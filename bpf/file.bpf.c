// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Opens and changes of the working directory, at the call's return: fills OPEN and CHDIR. Knows no backend.
 */

/* include/uapi/linux/openat2.h */
struct open_how {
	__u64 flags, mode, resolve;
};

/* Flags, mode, descriptor and the address of the path, as passed; no record yet. */
struct open_args {
	struct open_how how;
	__u64 path;
	__s32 dirfd;
	__u32 faults;
};

static __always_inline void open_read_args(struct open_args *a, const struct call *c)
{
	a->dirfd = AT_FDCWD;
	switch (c->syscall) {
	case TERCEL_SYS_OPEN:
		a->path = c->args.a[0];
		a->how.flags = (__u32)c->args.a[1];
		a->how.mode = c->args.a[2];
		break;
	case TERCEL_SYS_CREAT:
		a->path = c->args.a[0];
		a->how.flags = O_CREAT | O_WRONLY | O_TRUNC;
		a->how.mode = c->args.a[1];
		break;
	case TERCEL_SYS_OPENAT:
		a->dirfd = (__s32)c->args.a[0];
		a->path = c->args.a[1];
		a->how.flags = (__u32)c->args.a[2];
		a->how.mode = c->args.a[3];
		break;
	case TERCEL_SYS_OPENAT2:
		a->dirfd = (__s32)c->args.a[0];
		a->path = c->args.a[1];
		if (bpf_probe_read_user(&a->how, sizeof(a->how), (const void *)c->args.a[2]))
			a->faults = TERCEL_F_FAULT_PATH;
		break;
	}
	/* The kernel ignores the mode otherwise; a variadic caller leaves garbage there. */
	if (!(a->how.flags & (O_CREAT | O_TMPFILE_BIT)))
		a->how.mode = 0;
}

/* A successful open that can change nothing: most opens are. */
static __always_inline bool open_is_read(const struct open_args *a, __s64 ret)
{
	return ret >= 0 && !a->faults && !(a->how.flags & (O_ACCMODE | O_CREAT | O_TRUNC));
}

static __always_inline bool open_is_wanted(const struct open_args *a, __s64 ret)
{
	__u32 zero = 0;
	struct tercel_interest *i = bpf_map_lookup_elem(&interest, &zero);

	if (!i || !(i->records & 1U << TERCEL_OPEN))
		return false;
	return i->open_reads || !open_is_read(a, ret);
}

static __always_inline void open_file(struct tercel_open *o, struct task_struct *task, __s64 fd)
{
	struct file *file = fd < 0 ? NULL : task_file(task, fd);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	enum layer layer;

	if (!file || !inode)
		return;
	o->ino = BPF_CORE_READ(inode, i_ino);
	o->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	layer = file_layer(file);
	if (BPF_CORE_READ(file, f_mode) & FMODE_CREATED)
		o->file_flags |= TERCEL_FILE_CREATED;
	if (layer == LAYER_UPPER)
		o->file_flags |= TERCEL_FILE_UPPER_LAYER;
	if (layer == LAYER_LOWER)
		o->file_flags |= TERCEL_FILE_LOWER_LAYER;
}

static __noinline void on_open(struct call *c)
{
	struct tercel_underway *mark;
	struct open_args a = {};
	struct scratch *s;
	__u64 size;

	open_read_args(&a, c);
	if (!open_is_wanted(&a, c->ret)) {
		count(TERCEL_OPEN, FATE_FILTERED);
		return;
	}
	s = scratch_get();
	if (!s) {
		count(TERCEL_OPEN, FATE_SCRATCH_BUSY);
		return;
	}
	__builtin_memset(&s->open, 0, sizeof(s->open));
	hdr_fill(&s->hdr, proc_of(current_tgid()), act_begin(&mark));
	s->hdr.flags |= a.faults | (c->compat ? TERCEL_F_COMPAT : 0);
	s->open.ret = c->ret;
	s->open.flags = a.how.flags;
	s->open.resolve = a.how.resolve;
	s->open.mode = (__u32)a.how.mode;
	s->open.dirfd = a.dirfd;
	s->open.syscall = c->syscall;
	open_file(&s->open, c->task, c->ret);
	size = append_user_path(s, sizeof(s->open), &s->open.path, a.path, &s->hdr.flags);
	send(&s->hdr, TERCEL_OPEN, size);
	act_end(mark);
	scratch_put(s);
}

static __noinline void on_chdir(struct call *c)
{
	struct task_struct *task = c->task;
	struct tercel_underway *mark;
	struct fs_struct *fs;
	struct scratch *s;
	__u32 len, flags = 0;
	__u64 size;

	if (!is_wanted(TERCEL_CHDIR)) {
		count(TERCEL_CHDIR, FATE_FILTERED);
		return;
	}
	s = scratch_get();
	if (!s) {
		count(TERCEL_CHDIR, FATE_SCRATCH_BUSY);
		return;
	}
	__builtin_memset(&s->chdir, 0, sizeof(s->chdir));
	hdr_fill(&s->hdr, proc_of(current_tgid()), act_begin(&mark));
	s->hdr.flags |= c->compat ? TERCEL_F_COMPAT : 0;
	s->chdir.ret = c->ret;
	s->chdir.syscall = c->syscall;
	size = sizeof(s->chdir);
	if (c->syscall == TERCEL_SYS_FCHDIR) {
		s->chdir.fd = (__s32)c->args.a[0];
	} else {
		s->chdir.fd = -1;
		size = append_user_path(s, size, &s->chdir.path, c->args.a[0], &s->hdr.flags);
	}
	fs = BPF_CORE_READ(task, fs);
	len = path_of(s, fs, BPF_CORE_READ(fs, pwd.dentry), BPF_CORE_READ(fs, pwd.mnt), &flags);
	if (flags & TERCEL_F_TRUNC_PATH)
		s->hdr.flags |= TERCEL_F_TRUNC_CWD;
	size = append_walk(s, size, &s->chdir.cwd, len);
	send(&s->hdr, TERCEL_CHDIR, size);
	act_end(mark);
	scratch_put(s);
}
