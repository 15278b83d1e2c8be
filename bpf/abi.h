/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel programs and user space tell each other: records, map keys and values, limits.
 *
 * The one description of that boundary: included by bpf/ and by engine/ alike. It must not know any libc,
 * libbpf or kernel header, nor anything about rules: only fixed-size integers, laid out without implicit
 * padding (checked by the static assertions at the end).
 */
#ifndef TERCEL_BPF_ABI_H
#define TERCEL_BPF_ABI_H

#ifdef __bpf__
/* bpf/kernel.h has declared the integer types before. */
#else
#include <linux/types.h>
#endif

/* ---- limits ------------------------------------------------------------------------------------------- */

/* TASK_COMM_LEN of the kernel: 15 bytes and a NUL. */
#define TERCEL_COMM_LEN 16
/* PATH_MAX of the kernel, and as many bytes of arguments and of environment as Falco's driver keeps. */
#define TERCEL_PATH_MAX 4096
#define TERCEL_ARGS_MAX 4096
#define TERCEL_ENV_MAX 4096
/* sizeof(struct sockaddr_storage). */
#define TERCEL_SOCKADDR_MAX 128
/* A container id as runtimes write it (64 hex digits), and a NUL. */
#define TERCEL_CONTAINER_ID_LEN 72
/* How many characters of it Falco shows. */
#define TERCEL_CONTAINER_ID_SHORT 12
/* Levels of a cgroup path and of a file path that a kernel program walks before it calls it truncated. */
#define TERCEL_CGROUP_DEPTH 24
#define TERCEL_PATH_DEPTH 256
/* Ancestors that a decision looks at; a deeper tree makes "no ancestor is …" uncertain, which is counted. */
#define TERCEL_ANCESTORS_MAX 64
/* A record, strings included, never exceeds this; it is also the size of the per-CPU scratch buffer. */
#define TERCEL_RECORD_MAX 32768

/*
 * Scratch buffers for each CPU: a program may be preempted by another one on the same CPU (a cgroup hook by an exec,
 * say), and on kernels that run tracepoints preemptibly by several.
 */
#define TERCEL_SCRATCH_SLOTS 5
/* The last of them is for execs alone, whose program does not interrupt itself: a decision at exec must not depend on
 * what else the CPU is doing. */
#define TERCEL_SCRATCH_EXEC (TERCEL_SCRATCH_SLOTS - 1)

/* ---- records ------------------------------------------------------------------------------------------ */

/* Every record starts with a struct tercel_hdr. Order of values is fixed: counters are indexed by it. */
enum tercel_record_type {
	TERCEL_EXEC = 0,    /* struct tercel_exec: a program image was committed */
	TERCEL_FORK = 1,    /* struct tercel_fork: a process or thread was made */
	TERCEL_EXIT = 2,    /* struct tercel_exit: a thread ended */
	TERCEL_OPEN = 3,    /* struct tercel_open: open, openat, openat2 or creat returned */
	TERCEL_CONNECT = 4, /* struct tercel_connect: connect returned */
	TERCEL_SOCKET = 5,  /* struct tercel_socket: socket returned */
	TERCEL_CHDIR = 6,   /* struct tercel_chdir: chdir or fchdir returned */
	TERCEL_SEED = 7,    /* struct tercel_exec: a thread that ran before the sensor started */
	TERCEL_CGROUP = 8,  /* struct tercel_cgroup: a cgroup was seen for the first time */
	TERCEL_VERDICT = 9, /* struct tercel_verdict: a rule decided, or would have */
	TERCEL_RECORD_TYPES = 10,
};

/* Bits of tercel_hdr.flags: what in this record is incomplete, so that nobody takes a cut value for a whole one. */
enum tercel_record_flags {
	TERCEL_F_TRUNC_ARGS = 1 << 0,      /* more than TERCEL_ARGS_MAX bytes of arguments */
	TERCEL_F_TRUNC_ENV = 1 << 1,       /* more than TERCEL_ENV_MAX bytes of environment */
	TERCEL_F_TRUNC_PATH = 1 << 2,      /* a path was longer or deeper than the limits */
	TERCEL_F_FAULT_ARGS = 1 << 3,      /* the arguments could not be read (page not present) */
	TERCEL_F_FAULT_PATH = 1 << 4,      /* a path or address argument could not be read from user memory */
	TERCEL_F_TRUNC_CWD = 1 << 5,       /* the working directory was longer or deeper than the limits */
	TERCEL_F_PATH_DELETED = 1 << 6,    /* the executable has no name any more (unlinked or memfd) */
	TERCEL_F_FAULT_ENV = 1 << 7,       /* the environment could not be read */
	TERCEL_F_PROC_UNKNOWN = 1 << 8,    /* no process record: made between attach and seed, or the map was full */
	TERCEL_F_COMPAT = 1 << 9,          /* the call came through the 32-bit system call table */
	TERCEL_F_NO_PARENT_PROC = 1 << 10, /* the parent has no process record; parent ids come from the task alone */
};

/* A byte string inside a record: `off` counts from the record's first byte. Not NUL-terminated; len 0 is empty. */
struct tercel_span {
	__u32 off;
	__u32 len;
};

/*
 * One program image of one process. `ktime` is the start time of the process (CLOCK_BOOTTIME in ns) plus the kernel's
 * own count of its execs (task_struct.self_exec_id; a child begins with its parent's count). Both are facts of the
 * kernel: every sensor of a machine, whenever it started, gives an image the same id. {0, 0} is "none".
 */
struct tercel_exec_id {
	__u64 ktime;
	__u32 tgid;
	__u32 pad;
};

/* `ts` is CLOCK_BOOTTIME in ns. tid and tgid are those of the initial pid namespace. */
struct tercel_hdr {
	__u64 ts;
	__u32 size; /* of the whole record in bytes, strings included */
	__u16 type; /* enum tercel_record_type */
	__u16 cpu;
	__u32 flags; /* enum tercel_record_flags */
	__u32 tid;
	__u32 tgid;
	__u32 pad;
	struct tercel_exec_id exec_id; /* the acting process at the time of the act (for EXEC: the new image) */
};

struct tercel_creds {
	__u32 uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	__u64 cap_inheritable, cap_permitted, cap_effective;
};

/* Bits of tercel_exe.flags, as the kernel knows them of the executable's inode. */
enum tercel_exe_flags {
	TERCEL_EXE_WRITABLE = 1 << 0,    /* the executing credentials may write to the file */
	TERCEL_EXE_UPPER_LAYER = 1 << 1, /* on the upper layer of an overlay mount */
	TERCEL_EXE_LOWER_LAYER = 1 << 2, /* on an overlay mount, only in a lower layer */
	TERCEL_EXE_MEMFD = 1 << 3,       /* anonymous memory: memfd_create */
	TERCEL_EXE_UNKNOWN = 1 << 4,     /* layers and memory are not known: bits 1 to 3 say nothing */
};

struct tercel_exe {
	__u64 ino;
	__u64 ctime_ns, mtime_ns; /* since the epoch */
	__u32 dev;                /* in the encoding of the kernel: major << 20 | minor */
	__u32 flags;              /* enum tercel_exe_flags */
};

/*
 * The process record, kept in the kernel per thread group and sent with EXEC and SEED.
 * Ids are those of the initial pid namespace unless they begin with v (the process's own namespace).
 */
struct tercel_proc {
	struct tercel_exec_id exec_id;  /* this process, this image */
	struct tercel_exec_id image_id; /* whose strings these are: exec_id, or that of the ancestor it forked from */
	struct tercel_exec_id parent_exec_id; /* the image of the parent process when this process was made */
	__u64 start_time;                     /* CLOCK_BOOTTIME ns of the thread group leader */
	__u64 cgroup_id;                      /* inode number of the cgroup v2 directory */
	__u64 pidns_start; /* start time of the init of its pid namespace, CLOCK_BOOTTIME ns; 0 for the initial one */
	__u32 tgid, vtgid;
	__u32 ppid; /* thread group of the real parent */
	__u32 sid, vsid;
	__u32 pgid, vpgid;
	__u32 pidns; /* inode number of the pid namespace */
	__u32 loginuid;
	__u32 tty;        /* device number, as tty_devnum(); 0: none */
	__u32 proc_flags; /* enum tercel_proc_flags */
	__u32 pad;
	struct tercel_creds creds;
	struct tercel_exe exe;
	char comm[TERCEL_COMM_LEN];
};

enum tercel_proc_flags {
	TERCEL_PROC_KTHREAD = 1 << 0,
	TERCEL_PROC_EXECED = 1 << 1, /* exec_id is that of an exec, not of a fork or seed */
	TERCEL_PROC_SEEDED = 1 << 2, /* ran before the sensor: arguments, cwd come from /proc */
	/* Within the kernel programs: since the record was made … */
	TERCEL_PROC_RENAMED = 1 << 3, /* … one of its threads has set a name */
	TERCEL_PROC_MOVED = 1 << 4,   /* … it was moved to another cgroup */
	TERCEL_PROC_PLACED = 1 << 5,  /* a cgroup v1 hierarchy tells its container: map `placed` */
	TERCEL_PROC_ROUGH = 1 << 6,   /* from /proc: exec_id and start_time are right to a clock tick only */
	TERCEL_PROC_RIGHTS = 1 << 7,  /* within the kernel programs: it has called setuid or the like since */
};

/* EXEC and SEED. For a SEED, hdr.ts is the thread's start time; a thread that is no leader has hdr.tid != hdr.tgid. */
struct tercel_exec {
	struct tercel_hdr hdr;
	struct tercel_proc proc;
	__u32 vtid;
	__u32 old_tid; /* the thread that called exec had this id (differs from hdr.tid when it was not the leader) */
	__u32 syscall; /* enum tercel_syscall; NONE in an EXEC: made by the kernel itself (a user mode helper) */
	__u32 argc;
	__u64 fdlimit;
	__u64 pgft_maj, pgft_min;
	/* KiB; from 6.2 on the kernel counts rss and swap per CPU, and this is only what was added up so far */
	__u32 vm_size, vm_rss, vm_swap;
	__u32 pad;
	struct tercel_span exe_path; /* resolved in the process's root */
	struct tercel_span args;     /* argv[0] first, each ended by a NUL */
	struct tercel_span env;      /* each ended by a NUL */
	struct tercel_span cwd;
	struct tercel_span filename; /* as the kernel got it (bprm->filename) */
};

/* The system calls that records name. Which number means which is the kernel side's table, per architecture. */
enum tercel_syscall {
	TERCEL_SYS_NONE = 0,
	TERCEL_SYS_FORK = 1,
	TERCEL_SYS_VFORK = 2,
	TERCEL_SYS_CLONE = 3,
	TERCEL_SYS_CLONE3 = 4,
	TERCEL_SYS_EXECVE = 5,
	TERCEL_SYS_EXECVEAT = 6,
	TERCEL_SYS_OPEN = 7,
	TERCEL_SYS_OPENAT = 8,
	TERCEL_SYS_OPENAT2 = 9,
	TERCEL_SYS_CREAT = 10,
	TERCEL_SYS_SOCKET = 11,
	TERCEL_SYS_CONNECT = 12,
	TERCEL_SYS_CHDIR = 13,
	TERCEL_SYS_FCHDIR = 14,
	TERCEL_SYSCALLS = 15,
};

/* hdr is the parent's thread (who called); the rest is the child. */
struct tercel_fork {
	struct tercel_hdr hdr;
	struct tercel_exec_id child_exec_id; /* of a thread: the exec id of its process */
	__u64 clone_flags;                   /* as passed to the call, exit signal included; 0 if unreadable */
	__u64 child_start_time;              /* CLOCK_BOOTTIME ns */
	__u64 cgroup_id;                     /* of the child */
	__u64 pidns_start;                   /* of the child's pid namespace, as in struct tercel_proc */
	__u64 fdlimit, pgft_maj, pgft_min;   /* of the parent */
	__u32 vm_size, vm_rss, vm_swap;      /* of the parent, KiB */
	__u32 syscall;                       /* enum tercel_syscall; NONE: made by the kernel itself */
	__u32 child_tid, child_tgid;
	__u32 child_vtid, child_vtgid;
	__u32 child_tid_in_parent_ns; /* what the call returned to the parent */
	__u32 parent_vtid, parent_vtgid;
	__u32 child_ppid;      /* thread group of the child's real parent (differs from hdr.tgid with CLONE_PARENT) */
	__u32 ppid;            /* thread group of the caller's own real parent */
	__u32 uid, gid;        /* of the child */
	__u32 is_thread;       /* 1: same thread group as the caller */
	__u32 is_kthread;      /* 1: child is a kernel thread */
	__u32 child_new_pidns; /* 1: the child is in another pid namespace than the caller */
	char comm[TERCEL_COMM_LEN];
};

struct tercel_exit {
	struct tercel_hdr hdr;
	__u32 exit_code;  /* as wait(2) gives it: status << 8 | signal | 0x80 if dumped */
	__u32 group_dead; /* 1: the last thread of the process; sent once per process */
	__u32 reaper_tid; /* the thread that takes over its children; 0: none known */
	__u32 group_exit_code;
};

/* Bits of tercel_open.file_flags, true of the opened file; 0 on failure. */
enum tercel_file_flags {
	TERCEL_FILE_CREATED = 1 << 0, /* this call created it (FMODE_CREATED) */
	TERCEL_FILE_UPPER_LAYER = 1 << 1,
	TERCEL_FILE_LOWER_LAYER = 1 << 2,
};

struct tercel_open {
	struct tercel_hdr hdr;
	__s64 ret;     /* descriptor or -errno */
	__u64 flags;   /* O_…, the kernel's values for this architecture */
	__u64 resolve; /* openat2's RESOLVE_… */
	__u64 ino;
	__u32 mode;       /* as passed; 0 unless O_CREAT or O_TMPFILE */
	__s32 dirfd;      /* AT_FDCWD for open and creat */
	__u32 dev;        /* kernel's encoding, of the opened file; 0 on failure */
	__u32 syscall;    /* enum tercel_syscall */
	__u32 file_flags; /* enum tercel_file_flags */
	__u32 pad;
	struct tercel_span path; /* as requested */
};

/* Addresses in network byte order as bytes, IPv4 in the first four; ports in host byte order. */
struct tercel_endpoint {
	__u8 addr[16];
	__u16 port;
	__u16 family; /* AF_INET or AF_INET6; 0: none */
	__u32 pad;
};

struct tercel_connect {
	struct tercel_hdr hdr;
	__s64 ret; /* 0 or -errno */
	__s32 fd;
	__u16 family;                         /* of the socket (AF_…); 0: fd is no socket */
	__u16 sock_type;                      /* SOCK_… */
	__u32 protocol;                       /* of the socket: IPPROTO_… */
	__u32 addr_len;                       /* bytes valid in addr */
	struct tercel_endpoint local, remote; /* the socket's own view after the call */
	__u64 unix_sock, unix_peer;           /* AF_UNIX: addresses of the two kernel sockets */
	__u8 addr[TERCEL_SOCKADDR_MAX];       /* struct sockaddr as passed by the caller */
};

struct tercel_socket {
	struct tercel_hdr hdr;
	__s64 ret;                         /* descriptor or -errno */
	__u32 domain, sock_type, protocol; /* as passed */
	__u32 pad;
};

struct tercel_chdir {
	struct tercel_hdr hdr;
	__s64 ret;
	__s32 fd;                /* fchdir */
	__u32 syscall;           /* enum tercel_syscall */
	struct tercel_span path; /* chdir: as requested */
	struct tercel_span cwd;  /* the working directory after the call, resolved */
};

struct tercel_cgroup {
	struct tercel_hdr hdr;
	__u64 cgroup_id;
	struct tercel_span path; /* in the cgroup v2 hierarchy, from its root: "/" … */
};

/* ---- decisions ---------------------------------------------------------------------------------------- */

/* Order of values is fixed: counters are indexed by it. engine/policy/points.c says what each of them knows. */
enum tercel_point {
	TERCEL_POINT_EXEC_COMMIT = 0, /* sched_process_exec: kill before the first instruction */
	TERCEL_POINT_CONNECT4 = 1,    /* cgroup/connect4: deny */
	TERCEL_POINT_CONNECT6 = 2,    /* cgroup/connect6: deny */
	TERCEL_POINT_SENDMSG4 = 3,    /* cgroup/sendmsg4: deny; datagrams with an address */
	TERCEL_POINT_SENDMSG6 = 4,    /* cgroup/sendmsg6 */
	/* BPF LSM hooks: deny */
	TERCEL_POINT_EXEC_CHECK = 5, /* bprm_creds_from_file */
	TERCEL_POINT_FILE_OPEN = 6,
	TERCEL_POINT_LINK = 7, /* path_link, and so on up to chown */
	TERCEL_POINT_SYMLINK = 8,
	TERCEL_POINT_UNLINK = 9,
	TERCEL_POINT_RMDIR = 10,
	TERCEL_POINT_RENAME = 11,
	TERCEL_POINT_MKDIR = 12,
	TERCEL_POINT_MKNOD = 13,
	TERCEL_POINT_CHMOD = 14,
	TERCEL_POINT_CHOWN = 15,
	TERCEL_POINT_SOCKET = 16, /* socket_create */
	TERCEL_POINT_BIND = 17,   /* socket_bind */
	TERCEL_POINT_LISTEN = 18, /* socket_listen */
	TERCEL_POINT_MOUNT = 19,  /* sb_mount */
	TERCEL_POINT_PTRACE = 20, /* ptrace_access_check */
	TERCEL_POINT_TRACEME = 21,
	TERCEL_POINT_MODULE_FILE = 22, /* kernel_read_file: finit_module */
	TERCEL_POINT_MODULE_DATA = 23, /* kernel_load_data: init_module */
	TERCEL_POINT_BPF = 24,
	TERCEL_POINT_KILL = 25,        /* task_kill */
	TERCEL_POINT_SETUID = 26,      /* task_fix_setuid */
	TERCEL_POINT_USERFAULTFD = 27, /* inode_init_security_anon */
	TERCEL_POINT_SYSCALL = 28,     /* entry of a system call: a weak kill where no hook exists */
	TERCEL_POINT_SOCKET_CONNECT = 29,
	TERCEL_POINT_SOCKET_SENDMSG = 30,
	TERCEL_POINTS = 31,
};

enum tercel_mode {
	TERCEL_MODE_OFF = 0,
	TERCEL_MODE_MONITOR = 1,
	TERCEL_MODE_ENFORCE = 2,
};

enum tercel_action {
	TERCEL_ACTION_AUDIT = 0, /* nothing was done */
	TERCEL_ACTION_DENY = 1,
	TERCEL_ACTION_KILL = 2,
};

/* Why a decision was uncertain (semantics, section 7); a bit set. */
enum tercel_uncertain {
	TERCEL_U_CONTAINER = 1 << 0, /* the cgroup is not classified yet */
	TERCEL_U_PATH = 1 << 1,      /* a path was not resolved or cut */
	TERCEL_U_ARGS = 1 << 2,      /* arguments cut or unreadable */
	TERCEL_U_ANCESTORS = 1 << 3, /* the process tree is deeper than TERCEL_ANCESTORS_MAX */
	TERCEL_U_PROCESS = 1 << 4,   /* no process record, or a thread whose name at its start is not known */
	TERCEL_U_CALL = 1 << 5,      /* not a system call that rules name (io_uring, fast open, the kernel itself), or
	                                what it asks for cannot be known */
	TERCEL_U_SOCKET = 1 << 6,    /* the peer's address, the socket's role or its protocol may differ from Falco's */
	TERCEL_U_USER = 1 << 7,      /* a user's name or rights as Falco has them are not known */
	TERCEL_U_PROTECTED = 1 << 8, /* nothing was done because the program is, or may be, a protected one */
	TERCEL_U_BITS = 9,           /* number of reasons above */
};

/* One rule that decided at one point. A point at which several rules decide sends one record for each. */
struct tercel_verdict {
	struct tercel_hdr hdr;
	__u32 generation; /* of the policy image that decided */
	__u32 rule;       /* index into that image's rules */
	__u16 point;      /* enum tercel_point */
	__u8 mode;        /* enum tercel_mode of the rule */
	__u8 action;      /* enum tercel_action: what was done, or in monitor mode what would have been */
	__u32 uncertain;  /* enum tercel_uncertain; non-zero: the rule might have matched, or the program is protected,
	                     and nothing was done unless the rule says deny */
	__u32 protocol;   /* connect points: IPPROTO_… */
	__u32 enforced;   /* 1: this verdict blocked; 0: it would have */
	__u32 target;     /* of a signal or a trace: the other process, in the initial pid namespace; 0: none */
	__u32 pad;
	struct tercel_endpoint remote; /* connect points: what was asked for */
	struct tercel_span path;       /* the file that is acted upon; of an exec commit, none: the process has it */
	struct tercel_span other;      /* link, rename: the new name; symlink: its target; mount: the source */
};

/* ---- maps --------------------------------------------------------------------------------------------- */

/* Value of the map `cgroups`, keyed by cgroup id: filled on first sight, by the kernel itself. */
struct tercel_cgroup_info {
	__u32 state; /* enum tercel_cgroup_state */
	__u32 pad;
	char container_id[TERCEL_CONTAINER_ID_LEN]; /* NUL-terminated; "" on the host */
};

enum tercel_cgroup_state {
	TERCEL_CGROUP_UNKNOWN = 0, /* the path could not be read whole: container unknown */
	TERCEL_CGROUP_HOST = 1,
	TERCEL_CGROUP_CONTAINER = 2,
};

/*
 * Values of the maps `images_small` and `images_large`, keyed by tercel_proc.image_id: the strings that processes of
 * one image share. An image is in one of the two. Its spans count from the first byte of the value. The working
 * directory is not here: a process may change its own at any time.
 */
#define TERCEL_IMAGE_SMALL_DATA 992
#define TERCEL_IMAGE_LARGE_DATA (TERCEL_PATH_MAX + TERCEL_ARGS_MAX)
struct tercel_image_head {
	__u64 made;  /* CLOCK_BOOTTIME ns of the exec; 0: before the sensor started */
	__u32 flags; /* enum tercel_record_flags: which string is cut, deleted or unreadable */
	__u32 size;  /* bytes in use, this head included */
	struct tercel_span exe_path;
	struct tercel_span args;
};
struct tercel_image_small {
	struct tercel_image_head head;
	__u8 data[TERCEL_IMAGE_SMALL_DATA];
};
struct tercel_image_large {
	struct tercel_image_head head;
	__u8 data[TERCEL_IMAGE_LARGE_DATA];
};

/*
 * The map `container_facts`: what user space has found out about a container by the questions of a policy image. The
 * host has the cgroup id 0.
 */
#define TERCEL_CONTAINER_WORDS 16
struct tercel_container_key {
	__u64 cgroup_id;
	__u32 generation;
	__u32 pad;
};
struct tercel_container_facts {
	__u64 bits[TERCEL_CONTAINER_WORDS];
	__u64 unknown[TERCEL_CONTAINER_WORDS]; /* questions without an answer; their bits say nothing */
};

/*
 * Value of the map `users`, keyed by user id: the host's user database. The id -1, which nobody has, says what a user
 * without a name is called.
 */
#define TERCEL_USER_NAME_LEN 32
struct tercel_user {
	__u32 len;   /* bytes of the name; more than there is room for: it is unknown */
	__u32 whole; /* of the id -1, 1: all others that the map lacks have no name; 0: nobody knows */
	char name[TERCEL_USER_NAME_LEN];
};

/* What user space asks of the running programs; map `interest`, one entry. Bits are 1 << enum tercel_record_type. */
struct tercel_interest {
	__u32 records;    /* record types to deliver; process records are kept up to date in any case */
	__u32 open_reads; /* 1: also successful opens without write access */
};

/*
 * For each CPU, map `underway`, which user space maps into its memory: since when its program is making a record that
 * is not sent yet. A CPU may be held up in there for long (by interrupts, by a hypervisor); other CPUs' younger records
 * have to wait for that one. Each in a cache line of its own.
 */
#define TERCEL_UNDERWAY_NONE 0
#define TERCEL_UNDERWAY_STARTS 1 /* about to take its time stamp */
struct tercel_underway {
	__u64 since; /* hdr.ts of the record, or one of the above */
	__u64 pad[7];
};

/* Per CPU, map `stats`. For every type: generated = delivered + filtered + dropped. */
struct tercel_stats {
	__u64 generated[TERCEL_RECORD_TYPES];
	__u64 delivered[TERCEL_RECORD_TYPES];
	__u64 filtered[TERCEL_RECORD_TYPES]; /* nobody asked (interest) */
	__u64 dropped[TERCEL_RECORD_TYPES];  /* ring buffer full */
	__u64 procs_full;                    /* a process record could not be kept: map full */
	__u64 images_full;                   /* the strings of an image could not be kept */
	__u64 cgroups_full;
	__u64 proc_unknown;             /* an act of a process without a record */
	__u64 scratch_busy;             /* the per-CPU buffer was in use: the record is counted as dropped, too */
	__u64 uncertain[TERCEL_U_BITS]; /* decisions left uncertain, by reason */
	__u64 blocked[TERCEL_POINTS];
	__u64 would_block[TERCEL_POINTS];
	__u64 policy_errors;  /* an image that the matcher could not walk: nothing was blocked */
	__u64 missed;         /* runs of our programs that the kernel skipped (a program does not interrupt itself) */
	__u64 compat_unknown; /* 32-bit calls that look like one of ours but could not be read */
	/* Acts that passed although a policy was in force: no buffer was free, or the signal could not be sent. */
	__u64 undecided[TERCEL_POINTS];
};

#define TERCEL_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has padding or changed")
TERCEL_ASSERT_SIZE(struct tercel_hdr, 48);
TERCEL_ASSERT_SIZE(struct tercel_creds, 56);
TERCEL_ASSERT_SIZE(struct tercel_exe, 32);
TERCEL_ASSERT_SIZE(struct tercel_proc, 224);
TERCEL_ASSERT_SIZE(struct tercel_endpoint, 24);
TERCEL_ASSERT_SIZE(struct tercel_image_head, 32);
TERCEL_ASSERT_SIZE(struct tercel_image_small, 1024);
TERCEL_ASSERT_SIZE(struct tercel_underway, 64);
TERCEL_ASSERT_SIZE(struct tercel_user, 40);

#endif
