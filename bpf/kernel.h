/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel structures that the programs read, each with only the members that they read.
 *
 * No generated vmlinux.h: a build needs no BTF, and what we depend on is visible here. Offsets and sizes are those of
 * the running kernel, filled in when the programs are loaded (preserve_access_index). A type with a triple underscore
 * is the same kernel type as an older or newer kernel lays it out; the programs choose with bpf_core_field_exists().
 * Must not know maps, records or system call numbers.
 */
#ifndef TERCEL_BPF_KERNEL_H
#define TERCEL_BPF_KERNEL_H

/* The user-space interface of BPF itself: helper enums, map types, contexts; and the __u32 family. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* ---- constants of the kernel, from the header named with each ----------------------------------------- */

/* include/linux/sched.h */
#define PF_EXITING 0x00000004
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000
/* enum pid_type, include/linux/pid.h (since 4.19) */
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3
/* include/uapi/asm-generic/resource.h */
#define RLIMIT_NOFILE 7
/* include/linux/mm_types_task.h */
#define MM_FILEPAGES 0
#define MM_ANONPAGES 1
#define MM_SWAPENTS 2
#define MM_SHMEMPAGES 3
/* include/uapi/linux/magic.h */
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
/* include/linux/fs.h */
#define SB_RDONLY 1
#define S_IMMUTABLE (1 << 3)
#define MAY_WRITE 2
#define FMODE_PATH 0x4000
#define FMODE_CREATED 0x100000
/* include/uapi/linux/stat.h */
#define S_IFMT 00170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFDIR 0040000
/* include/uapi/linux/capability.h */
#define CAP_DAC_OVERRIDE 1
#define CAP_FOWNER 3
/* include/linux/socket.h */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
/* include/uapi/asm-generic/fcntl.h; these values are the same on every architecture that arch.h knows */
#define O_ACCMODE 00000003
#define O_WRONLY 00000001
#define O_RDWR 00000002
#define O_CREAT 00000100
#define O_EXCL 00000200
#define O_TRUNC 00001000
#define O_APPEND 00002000
#define O_NONBLOCK 00004000
#define O_DSYNC 00010000
#define O_CLOEXEC 02000000
#define O_SYNC 04010000
#define O_TMPFILE_BIT 020000000
#define AT_FDCWD (-100)
/* include/uapi/linux/sched.h */
#define CLONE_VM 0x00000100
#define CLONE_VFORK 0x00004000
#define SIGCHLD 17

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_bl_node {
	void *next, **pprev;
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

/* 6.3 replaced the array `cap` by the one `val`; both are 8 bytes, read as such. */
typedef struct {
	__u64 val;
} kernel_cap_t;

struct kernel_cap_struct {
	__u32 cap[2];
};

/* ---- files and paths ---- */

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_flags;
	unsigned long s_magic;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode {
	unsigned short i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	unsigned int i_flags;
	struct super_block *i_sb;
	unsigned long i_ino;
	/* 6.11 and later */
	__s64 i_mtime_sec, i_ctime_sec;
	__u32 i_mtime_nsec, i_ctime_nsec;
};

/* up to 6.5 (ctime) and 6.6 (mtime) */
struct inode___old {
	struct timespec64 i_mtime, i_ctime;
};

/* from there up to 6.10 */
struct inode___v6_6 {
	struct timespec64 __i_mtime, __i_ctime;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fs_struct {
	struct path root, pwd;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

/* ---- identity ---- */

struct uid_gid_extent {
	__u32 first;
	__u32 lower_first;
	__u32 count;
};

/* include/linux/user_namespace.h: UID_GID_MAP_MAX_BASE_EXTENTS is 5; with more, `reverse` is sorted by lower_first. */
#define UID_GID_MAP_MAX_BASE_EXTENTS 5
#define UID_GID_MAP_MAX_EXTENTS 340
struct uid_gid_map {
	__u32 nr_extents;
	struct uid_gid_extent extent[UID_GID_MAP_MAX_BASE_EXTENTS];
	struct uid_gid_extent *reverse;
};

struct user_namespace {
	struct uid_gid_map uid_map;
	struct uid_gid_map gid_map;
};

struct group_info {
	int ngroups;
	kgid_t gid[];
};

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t suid;
	kgid_t sgid;
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	kgid_t fsgid;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct task_struct *child_reaper;
	unsigned int level;
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[];
};

/* ---- cgroups ---- */

#define CGROUP_CONTROLLERS_MAX 16

struct kernfs_node {
	struct kernfs_node *parent; /* up to 6.14 */
	const char *name;
	__u64 id;
};

struct kernfs_node___v6_15 {
	struct kernfs_node *__parent;
};

struct cgroup_root {
	int hierarchy_id; /* 0: the v2 hierarchy */
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	/* As many as controllers are compiled in; the kernel keeps sets of them in 16 bits. */
	struct cgroup_subsys_state *subsys[CGROUP_CONTROLLERS_MAX];
	struct cgroup *dfl_cgrp;
};

/* ---- processes ---- */

struct rlimit {
	unsigned long rlim_cur, rlim_max;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	struct tty_driver *driver;
	int index;
};

struct signal_struct {
	atomic_t live;
	struct list_head thread_head;
	int group_exit_code;
	unsigned int is_child_subreaper : 1;
	unsigned int has_child_subreaper : 1;
	struct pid *pids[4];
	struct tty_struct *tty;
	struct rlimit rlim[16];
};

/* 6.2 and later: one approximate counter for each kind of page */
struct percpu_counter {
	__s64 count;
};

/* up to 6.1 */
struct mm_rss_stat {
	atomic64_t count[4];
};

struct mm_struct {
	unsigned long total_vm;
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
	struct percpu_counter rss_stat[4];
};

struct mm_struct___old {
	struct mm_rss_stat rss_stat;
};

struct thread_info {
	unsigned long flags;
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	struct mm_struct *mm;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct list_head children;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct list_head thread_node;
	__u64 start_boottime;
	__u64 self_exec_id;
	unsigned long min_flt, maj_flt;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	kuid_t loginuid;
	struct css_set *cgroups;
};

struct linux_binprm {
	int argc;
	const char *filename;
	const char *fdpath;
};

/* ---- sockets ---- */

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport; /* network byte order */
	__u16 skc_num;   /* host byte order */
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type, sk_protocol;
};

struct socket {
	short type;
	struct sock *sk;
};

struct ipv6_pinfo {
	struct in6_addr saddr;
};

struct inet_sock {
	struct sock sk;
	struct ipv6_pinfo *pinet6;
	__u32 inet_saddr;
};

struct unix_sock {
	struct sock sk;
	struct sock *peer;
};

/* ---- contexts ---- */

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
