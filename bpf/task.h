/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Facts of one task, read from its kernel structures: ids in their namespaces, credentials, memory, terminal,
 * executable. Knows the kernel and the plain structures of abi.h; no maps.
 */
#ifndef TERCEL_BPF_TASK_H
#define TERCEL_BPF_TASK_H

#include "abi.h"
#include "kernel.h"

/* ---- ids ---------------------------------------------------------------------------------------------- */

static __always_inline void pid_at(struct pid *pid, __u32 level, struct upid *out)
{
	__u64 size = bpf_core_type_size(struct upid);
	char *at = (char *)pid + bpf_core_field_offset(struct pid, numbers) + level * size;

	out->nr = 0;
	out->ns = NULL;
	if (!pid)
		return;
	out->nr = BPF_CORE_READ((struct upid *)at, nr);
	out->ns = BPF_CORE_READ((struct upid *)at, ns);
}

/* The namespace that a task's pid was made in. */
static __always_inline struct pid_namespace *task_pidns(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid u;

	pid_at(pid, BPF_CORE_READ(pid, level), &u);
	return u.ns;
}

/* The number of `pid` seen from `ns`; 0 if it has none there. */
static __always_inline __u32 pid_nr_in(struct pid *pid, struct pid_namespace *ns)
{
	__u32 level = BPF_CORE_READ(ns, level);
	struct upid u;

	if (!pid || !ns || level > BPF_CORE_READ(pid, level))
		return 0;
	pid_at(pid, level, &u);
	return u.ns == ns ? (__u32)u.nr : 0;
}

static __always_inline __u32 pid_nr(struct pid *pid)
{
	struct upid u;

	pid_at(pid, 0, &u);
	return (__u32)u.nr;
}

static __always_inline struct pid *task_pid_of(struct task_struct *task, int type)
{
	return BPF_CORE_READ(task, signal, pids[type]);
}

/* Start time of the init of a pid namespace; 0 for the initial one. */
static __always_inline __u64 pidns_start(struct pid_namespace *ns)
{
	if (!ns || !BPF_CORE_READ(ns, level))
		return 0;
	return BPF_CORE_READ(ns, child_reaper, start_boottime);
}

/* The id of the image that a task runs; see struct tercel_exec_id. All threads of a process have the same count. */
static __always_inline struct tercel_exec_id task_exec_id(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct tercel_exec_id id = {
	        .ktime = BPF_CORE_READ(leader, start_boottime) + BPF_CORE_READ(task, self_exec_id),
	        .tgid = (__u32)BPF_CORE_READ(task, tgid),
	};

	return id;
}

static __always_inline __u64 task_cgroup_id(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

static __always_inline __u32 task_loginuid(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->loginuid))
		return (__u32)-1;
	return BPF_CORE_READ(task, loginuid.val);
}

static __always_inline __u32 task_tty(struct task_struct *task)
{
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	struct tty_driver *driver = BPF_CORE_READ(tty, driver);

	if (!tty || !driver)
		return 0;
	return ((__u32)BPF_CORE_READ(driver, major) << 20 | (__u32)BPF_CORE_READ(driver, minor_start)) +
	       (__u32)BPF_CORE_READ(tty, index);
}

/* ---- credentials -------------------------------------------------------------------------------------- */

/* The one and the other layout of kernel_cap_t hold the same bytes on little-endian machines. */
static __always_inline __u64 cap_value(__u64 raw)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	if (bpf_core_field_exists(((struct kernel_cap_struct *)0)->cap))
		return raw << 32 | raw >> 32;
#endif
	return raw;
}

#define READ_CAP(cred, member)                                                                       \
	({                                                                                           \
		__u64 _raw = 0;                                                                      \
		bpf_probe_read_kernel(&_raw, sizeof(_raw),                                           \
		                      (const char *)(cred) + bpf_core_field_offset((cred)->member)); \
		cap_value(_raw);                                                                     \
	})

static __always_inline void task_creds(struct tercel_creds *out, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	out->uid = BPF_CORE_READ(cred, uid.val);
	out->gid = BPF_CORE_READ(cred, gid.val);
	out->euid = BPF_CORE_READ(cred, euid.val);
	out->egid = BPF_CORE_READ(cred, egid.val);
	out->suid = BPF_CORE_READ(cred, suid.val);
	out->sgid = BPF_CORE_READ(cred, sgid.val);
	out->fsuid = BPF_CORE_READ(cred, fsuid.val);
	out->fsgid = BPF_CORE_READ(cred, fsgid.val);
	out->cap_inheritable = READ_CAP(cred, cap_inheritable);
	out->cap_permitted = READ_CAP(cred, cap_permitted);
	out->cap_effective = READ_CAP(cred, cap_effective);
}

/* ---- memory ------------------------------------------------------------------------------------------- */

struct memory {
	__u32 size, rss, swap; /* KiB */
};

static __always_inline __s64 mm_counter(struct mm_struct *mm, int which)
{
	if (bpf_core_type_exists(struct mm_rss_stat))
		return BPF_CORE_READ((struct mm_struct___old *)mm, rss_stat.count[which].counter);
	return BPF_CORE_READ(mm, rss_stat[which].count);
}

/* The kernel's counters are approximate and may be negative for a moment. */
static __always_inline __u32 pages_to_kib(__s64 pages)
{
	return pages < 0 ? 0 : (__u32)((__u64)pages << page_kib_shift);
}

static __always_inline void task_memory(struct memory *out, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	out->size = out->rss = out->swap = 0;
	if (!mm)
		return;
	out->size = pages_to_kib((__s64)BPF_CORE_READ(mm, total_vm));
	out->rss = pages_to_kib(mm_counter(mm, MM_FILEPAGES) + mm_counter(mm, MM_ANONPAGES) +
	                        mm_counter(mm, MM_SHMEMPAGES));
	out->swap = pages_to_kib(mm_counter(mm, MM_SWAPENTS));
}

static __always_inline __u64 task_fdlimit(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_cur);
}

/* ---- files -------------------------------------------------------------------------------------------- */

/* The file behind a descriptor of the current process. Another thread may have closed it meanwhile. */
static __always_inline struct file *task_file(struct task_struct *task, __s64 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **table = BPF_CORE_READ(fdt, fd);
	struct file *file = NULL;

	if (fd < 0 || !table || (__u64)fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), table + fd);
	return file;
}

enum layer {
	LAYER_NONE,
	LAYER_UPPER,
	LAYER_LOWER,
};

/* struct ovl_inode has the pointer to the upper dentry right behind its inode; non-NULL once the file is there. */
static __always_inline enum layer file_layer(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry), *upper = NULL;

	if (BPF_CORE_READ(dentry, d_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return LAYER_NONE;
	bpf_probe_read_kernel(&upper, sizeof(upper),
	                      (char *)BPF_CORE_READ(dentry, d_inode) + bpf_core_type_size(struct inode));
	return upper && BPF_CORE_READ(upper, d_inode, i_ino) ? LAYER_UPPER : LAYER_LOWER;
}

/* memfd_create() makes a file without a directory, named "memfd:…". */
static __always_inline bool file_is_memfd(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	char name[8] = {};

	if (!dentry || BPF_CORE_READ(dentry, d_parent) != dentry)
		return false;
	bpf_probe_read_kernel_str(name, 7, BPF_CORE_READ(dentry, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' && name[4] == 'd' && name[5] == ':';
}

static __always_inline __u64 time_ns(__s64 sec, __s64 nsec)
{
	return sec < 0 ? 0 : (__u64)sec * 1000000000ULL + (__u64)nsec;
}

/* 6.13 and later mark in the top bit that somebody has looked at the time (I_CTIME_QUERIED). */
#define CTIME_NSEC 0x7fffffff

static __always_inline __u64 inode_ctime(struct inode *inode)
{
	struct inode___old *old = (void *)inode;
	struct inode___v6_6 *v6_6 = (void *)inode;

	if (bpf_core_field_exists(old->i_ctime))
		return time_ns(BPF_CORE_READ(old, i_ctime.tv_sec), BPF_CORE_READ(old, i_ctime.tv_nsec));
	if (bpf_core_field_exists(v6_6->__i_ctime))
		return time_ns(BPF_CORE_READ(v6_6, __i_ctime.tv_sec), BPF_CORE_READ(v6_6, __i_ctime.tv_nsec));
	return time_ns(BPF_CORE_READ(inode, i_ctime_sec), BPF_CORE_READ(inode, i_ctime_nsec) & CTIME_NSEC);
}

static __always_inline __u64 inode_mtime(struct inode *inode)
{
	struct inode___old *old = (void *)inode;
	struct inode___v6_6 *v6_6 = (void *)inode;

	if (bpf_core_field_exists(old->i_mtime))
		return time_ns(BPF_CORE_READ(old, i_mtime.tv_sec), BPF_CORE_READ(old, i_mtime.tv_nsec));
	if (bpf_core_field_exists(v6_6->__i_mtime))
		return time_ns(BPF_CORE_READ(v6_6, __i_mtime.tv_sec), BPF_CORE_READ(v6_6, __i_mtime.tv_nsec));
	return time_ns(BPF_CORE_READ(inode, i_mtime_sec), BPF_CORE_READ(inode, i_mtime_nsec));
}

/* ---- may the executing credentials write to the executable? -------------------------------------------- */

/* log2 of NGROUPS_MAX: the supplementary groups are sorted. */
#define GROUPS_DEPTH 17

static __always_inline bool in_groups(const struct cred *cred, __u32 gid)
{
	struct group_info *groups = BPF_CORE_READ(cred, group_info);
	__u32 left = 0, right = (__u32)BPF_CORE_READ(groups, ngroups);

	for (int i = 0; i < GROUPS_DEPTH && left < right; i++) {
		__u32 mid = (left + right) / 2, g = 0;

		bpf_probe_read_kernel(&g, sizeof(g),
		                      (char *)groups + bpf_core_field_offset(struct group_info, gid) + mid * sizeof(g));
		if (g == gid)
			return true;
		if (gid > g)
			left = mid + 1;
		else
			right = mid;
	}
	return false;
}

struct extent_search {
	const char *extents;
	__u32 count, id, found, pad;
};

static long extent_step(__u32 i, struct extent_search *x)
{
	struct uid_gid_extent e = {};

	if (i >= x->count)
		return 1;
	bpf_probe_read_kernel(&e, sizeof(e), x->extents + i * sizeof(e));
	if (x->id < e.lower_first || x->id - e.lower_first >= e.count)
		return 0;
	x->found = 1;
	return 1;
}

/* Whether a kernel id has a number in a user namespace. */
static __always_inline bool is_mapped(struct uid_gid_map *map, __u32 id)
{
	struct extent_search x = {.count = BPF_CORE_READ(map, nr_extents), .id = id};

	if (x.count <= UID_GID_MAP_MAX_BASE_EXTENTS)
		x.extents = (const char *)map + bpf_core_field_offset(struct uid_gid_map, extent);
	else
		x.extents = (const char *)BPF_CORE_READ(map, reverse);
	bpf_loop(UID_GID_MAP_MAX_EXTENTS, extent_step, &x, 0);
	return x.found;
}

/* As Falco's driver answers it: owner, mode bits and capabilities; neither ACLs nor the mount being read-only. */
static __noinline bool inode_writable(struct inode *inode, const struct cred *cred)
{
	__u32 mode = BPF_CORE_READ(inode, i_mode), kind = mode & S_IFMT;
	__u32 uid = BPF_CORE_READ(inode, i_uid.val), gid = BPF_CORE_READ(inode, i_gid.val);
	struct user_namespace *ns = BPF_CORE_READ(cred, user_ns);
	bool uid_mapped, gid_mapped;
	__u64 caps;

	if ((BPF_CORE_READ(inode, i_sb, s_flags) & SB_RDONLY) &&
	    (kind == S_IFREG || kind == S_IFDIR || kind == S_IFLNK))
		return false;
	if (BPF_CORE_READ(inode, i_flags) & S_IMMUTABLE)
		return false;
	if (uid == (__u32)-1 || gid == (__u32)-1)
		return false;
	if (BPF_CORE_READ(cred, fsuid.val) == uid)
		return true;
	if (gid == BPF_CORE_READ(cred, fsgid.val) || in_groups(cred, gid))
		mode >>= 3;
	if (mode & MAY_WRITE)
		return true;
	caps = READ_CAP(cred, cap_effective);
	if (!ns || !(caps & (1 << CAP_DAC_OVERRIDE | 1 << CAP_FOWNER)))
		return false;
	uid_mapped = is_mapped((void *)ns + bpf_core_field_offset(struct user_namespace, uid_map), uid);
	gid_mapped = is_mapped((void *)ns + bpf_core_field_offset(struct user_namespace, gid_map), gid);
	return ((caps & (1 << CAP_DAC_OVERRIDE)) && uid_mapped && gid_mapped) ||
	       ((caps & (1 << CAP_FOWNER)) && uid_mapped);
}

static __always_inline void task_exe(struct tercel_exe *out, struct task_struct *task, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	enum layer layer;

	out->ino = out->ctime_ns = out->mtime_ns = 0;
	out->dev = out->flags = 0;
	if (!inode) {
		out->flags = TERCEL_EXE_UNKNOWN;
		return;
	}
	out->ino = BPF_CORE_READ(inode, i_ino);
	out->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	out->ctime_ns = inode_ctime(inode);
	out->mtime_ns = inode_mtime(inode);
	layer = file_layer(file);
	if (layer == LAYER_UPPER)
		out->flags |= TERCEL_EXE_UPPER_LAYER;
	if (layer == LAYER_LOWER)
		out->flags |= TERCEL_EXE_LOWER_LAYER;
	if (file_is_memfd(file))
		out->flags |= TERCEL_EXE_MEMFD;
	if (inode_writable(inode, BPF_CORE_READ(task, cred)))
		out->flags |= TERCEL_EXE_WRITABLE;
}

#endif
