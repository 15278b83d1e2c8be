/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Resolves a kernel path to its name in the root of a task, and appends strings to a record.
 *
 * bpf_d_path() is allowed in few programs only, so the dentries are walked from the end to the root, across mounts, and
 * the name is built backwards. The walk takes no locks: a rename at the same time can give a name of neither moment, as
 * it can for every tracer. Knows no record layout.
 */
#ifndef TERCEL_BPF_PATH_H
#define TERCEL_BPF_PATH_H

#include "deliver.h"

static __always_inline struct mount *real_mount(struct vfsmount *mnt)
{
	return (struct mount *)((char *)mnt - bpf_core_field_offset(struct mount, mnt));
}

/* Puts `/` and the dentry's name before what is there. */
static __always_inline void walk_prepend(struct scratch *s, struct dentry *dentry)
{
	struct path_walk *w = &s->path_walk;
	__u64 len = BPF_CORE_READ(dentry, d_name.len);
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u64 pos = w->pos;

	if (len > 255 || pos > TERCEL_PATH_MAX || pos < len + 1) {
		w->truncated = 1;
		w->done = 1;
		return;
	}
	pos -= len;
	OPAQUE(len);
	OPAQUE(pos);
	bpf_probe_read_kernel(s->walk + (pos & (TERCEL_PATH_MAX - 1)), len & 255, name);
	pos--;
	OPAQUE(pos);
	s->walk[pos & (TERCEL_PATH_MAX - 1)] = '/';
	w->pos = pos;
}

/* One dentry, or one mount to cross. */
static long walk_step(__u32 i, struct scratch **ctx)
{
	struct scratch *s = *ctx;
	struct path_walk *w = &s->path_walk;
	struct dentry *dentry = w->dentry, *parent;
	struct vfsmount *mnt = w->mnt;

	if (dentry == w->root_dentry && mnt == w->root_mnt) {
		w->done = 1;
		return 1;
	}
	if (dentry == BPF_CORE_READ(mnt, mnt_root)) {
		struct mount *m = real_mount(mnt), *up = BPF_CORE_READ(m, mnt_parent);

		if (up == m) {
			w->done = 1;
			return 1;
		}
		w->dentry = BPF_CORE_READ(m, mnt_mountpoint);
		w->mnt = (struct vfsmount *)((char *)up + bpf_core_field_offset(struct mount, mnt));
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (!parent || parent == dentry) {
		w->done = 1;
		return 1;
	}
	walk_prepend(s, dentry);
	w->dentry = parent;
	return w->done != 0;
}

/*
 * The name of a dentry on a mount, in the root of `fs`, put into s->walk. Returns its length; sets TERCEL_F_TRUNC_PATH
 * in *flags if only the tail is there, TERCEL_F_PATH_DELETED if the file has no name any more. The text is
 * s->walk[TERCEL_PATH_MAX - length …]. A function of its own for the verifier, too (not static): the kernel pointers
 * are passed as numbers.
 */
__noinline int path_resolve(struct scratch *s, __u64 fs_ptr, __u64 dentry_ptr, __u64 mnt_ptr, __u32 *flags)
{
	struct fs_struct *fs = (void *)fs_ptr;
	struct dentry *dentry = (void *)dentry_ptr, *parent;
	struct vfsmount *mnt = (void *)mnt_ptr;
	struct path_walk *w;
	__u64 pos;

	if (!s || !flags || !dentry || !mnt)
		return 0;
	w = &s->path_walk;
	w->dentry = dentry;
	w->mnt = mnt;
	w->root_dentry = BPF_CORE_READ(fs, root.dentry);
	w->root_mnt = BPF_CORE_READ(fs, root.mnt);
	w->pos = TERCEL_PATH_MAX;
	w->done = w->truncated = 0;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry && dentry != BPF_CORE_READ(mnt, mnt_root)) {
		/* A pseudo file: no directory above. */
		*flags |= TERCEL_F_PATH_DELETED;
		walk_prepend(s, dentry);
		w->done = 1;
	} else {
		if (parent != dentry && !BPF_CORE_READ(dentry, d_hash.pprev))
			*flags |= TERCEL_F_PATH_DELETED;
		bpf_loop(TERCEL_PATH_DEPTH, walk_step, &s, 0);
	}
	if (!w->done || w->truncated)
		*flags |= TERCEL_F_TRUNC_PATH;
	pos = w->pos;
	if (pos > TERCEL_PATH_MAX)
		return 0;
	if (pos == TERCEL_PATH_MAX) {
		/* The root itself. */
		s->walk[TERCEL_PATH_MAX - 1] = '/';
		return 1;
	}
	return (int)(TERCEL_PATH_MAX - pos);
}

static __always_inline __u32 path_of(struct scratch *s, struct fs_struct *fs, struct dentry *dentry,
                                     struct vfsmount *mnt, __u32 *flags)
{
	return (__u32)path_resolve(s, (__u64)fs, (__u64)dentry, (__u64)mnt, flags);
}

/* Room that one string may take; every append checks it. */
#define APPEND_LAST (TERCEL_RECORD_MAX - TERCEL_PATH_MAX)

/* Appends the `len` bytes that path_resolve() left. Returns the record's new length. */
static __always_inline __u64 append_walk(struct scratch *s, __u64 off, struct tercel_span *span, __u64 len)
{
	span->off = (__u32)off;
	span->len = 0;
	OPAQUE(off);
	OPAQUE(len);
	if (off > APPEND_LAST || len > TERCEL_PATH_MAX)
		return off;
	if (bpf_probe_read_kernel(s->bytes + off, (__u32)len, s->walk + (TERCEL_PATH_MAX - len)))
		return off;
	span->len = (__u32)len;
	return off + len;
}

static __always_inline __u64 append_kernel_str(struct scratch *s, __u64 off, struct tercel_span *span, const char *text)
{
	long n;

	span->off = (__u32)off;
	span->len = 0;
	OPAQUE(off);
	if (off > APPEND_LAST)
		return off;
	n = bpf_probe_read_kernel_str(s->bytes + off, TERCEL_PATH_MAX, text);
	if (n <= 0 || n > TERCEL_PATH_MAX)
		return off;
	span->len = (__u32)n - 1;
	return off + (__u64)n - 1;
}

/* A path argument of the current call. A fault sets TERCEL_F_FAULT_PATH. */
static __always_inline __u64 append_user_path(struct scratch *s, __u64 off, struct tercel_span *span, __u64 address,
                                              __u32 *flags)
{
	long n;

	span->off = (__u32)off;
	span->len = 0;
	OPAQUE(off);
	if (off > APPEND_LAST)
		return off;
	n = bpf_probe_read_user_str(s->bytes + off, TERCEL_PATH_MAX, (const void *)address);
	if (n <= 0 || n > TERCEL_PATH_MAX) {
		*flags |= TERCEL_F_FAULT_PATH;
		return off;
	}
	if (n == TERCEL_PATH_MAX)
		*flags |= TERCEL_F_TRUNC_PATH;
	span->len = (__u32)n - 1;
	return off + (__u64)n - 1;
}

/* Bytes `from` up to `to` of the current process's memory, cut at 4096. */
static __always_inline __u64 append_user_bytes(struct scratch *s, __u64 off, struct tercel_span *span, __u64 from,
                                               __u64 to, __u32 flag_cut, __u32 flag_fault, __u32 *flags)
{
	__u64 len = to > from ? to - from : 0;

	span->off = (__u32)off;
	span->len = 0;
	if (len > TERCEL_ARGS_MAX) {
		len = TERCEL_ARGS_MAX;
		*flags |= flag_cut;
	}
	OPAQUE(len);
	OPAQUE(off);
	if (off > APPEND_LAST || len > TERCEL_ARGS_MAX)
		return off;
	if (bpf_probe_read_user(s->bytes + off, (__u32)len, (const void *)from)) {
		*flags |= flag_fault;
		return off;
	}
	span->len = (__u32)len;
	return off + len;
}

#endif
