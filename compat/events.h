/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco's system events as facts: codes, parameter counts and types, the packed header, and the flag encodings that
 * their parameters use. Event schema 4.x. Must not know records, engines or plugins.
 *
 * Every number is part of Falco's capture format and never changes once released; tests/falco/abi_check.cpp compares
 * all of them, at compile time and at run time, with the headers and the event table of Debian's libfalcosecurity0-dev.
 */
#ifndef TERCEL_COMPAT_EVENTS_H
#define TERCEL_COMPAT_EVENTS_H

#include <stddef.h>
#include <stdint.h>

/* An event: this header, then the lengths of all parameters (u16 each), then their values, without any padding. */
struct scap_header {
	uint64_t ts;  /* ns since the epoch */
	uint64_t tid; /* of the initial pid namespace */
	uint32_t len; /* of the whole event in bytes, header included */
	uint16_t type;
	uint32_t nparams;
} __attribute__((packed));

enum scap_event_type {
	SCAP_OPEN_X = 3,
	SCAP_SOCKET_X = 19,
	SCAP_CONNECT_X = 23,
	SCAP_CREAT_X = 59,
	SCAP_CHDIR_X = 95,
	SCAP_FCHDIR_X = 97,
	SCAP_PROCEXIT_1_E = 186,
	SCAP_CLONE_20_X = 223,
	SCAP_FORK_20_X = 225,
	SCAP_VFORK_20_X = 227,
	SCAP_EXECVE_19_X = 293,
	SCAP_OPENAT_2_X = 307,
	SCAP_OPENAT2_X = 327,
	SCAP_EXECVEAT_X = 331,
	SCAP_CLONE3_X = 335,
	SCAP_ASYNCEVENT_E = 402,
};

/*
 * Types of parameters, by what is on the wire. The names are ours, the tests map them to Falco's PT_*.
 * A text is ended by one NUL; length 0 is "not available". A list is texts in a row, each ended by a NUL.
 */
enum scap_param_type {
	SCAP_S64,   /* errno, pid, descriptor, int64 */
	SCAP_U64,   /* uint64, absolute time in ns */
	SCAP_U32,   /* uint32, uid, gid, flags32, mode */
	SCAP_U16,   /* flags16 */
	SCAP_U8,    /* uint8, signal number */
	SCAP_TEXT,  /* charbuf, path, path relative to a descriptor */
	SCAP_LIST,  /* bytes that are a list */
	SCAP_ADDR,  /* socket address: family u8, then address and port, or a path */
	SCAP_TUPLE, /* two addresses: family u8, source, destination */
};

#define SCAP_PARAMS_MAX 32

struct scap_event_info {
	const char *name;
	uint16_t type; /* enum scap_event_type */
	uint8_t nparams;
	/*
	 * How many of them schema 4.1 (the oldest supported) knows. A host reads the smaller of what it knows and what
	 * is there, so that an event may carry the parameters of the newest schema.
	 */
	uint8_t nparams_oldest;
	uint8_t params[SCAP_PARAMS_MAX]; /* enum scap_param_type */
};

extern const struct scap_event_info scap_events[];
extern const size_t scap_event_count;

/* The row of a type, or NULL: not one of ours. */
const struct scap_event_info *scap_event_info(uint16_t type);

/* ---- flag encodings ----------------------------------------------------------------------------------- */

/* Parameter "flags" of open, openat, openat2 and socket. */
enum scap_open_flags {
	SCAP_O_RDONLY = 1 << 0,
	SCAP_O_WRONLY = 1 << 1,
	SCAP_O_RDWR = SCAP_O_RDONLY | SCAP_O_WRONLY,
	SCAP_O_CREAT = 1 << 2,
	SCAP_O_APPEND = 1 << 3,
	SCAP_O_DSYNC = 1 << 4,
	SCAP_O_EXCL = 1 << 5,
	SCAP_O_NONBLOCK = 1 << 6,
	SCAP_O_SYNC = 1 << 7,
	SCAP_O_TRUNC = 1 << 8,
	SCAP_O_DIRECT = 1 << 9,
	SCAP_O_DIRECTORY = 1 << 10,
	SCAP_O_LARGEFILE = 1 << 11,
	SCAP_O_CLOEXEC = 1 << 12,
	SCAP_O_TMPFILE = 1 << 13,
	SCAP_O_F_CREATED = 1 << 14,
	SCAP_FD_UPPER_LAYER = 1 << 15,
	SCAP_FD_LOWER_LAYER = 1 << 16,
};

/* Parameter "creat_flags" of creat, which has no other flags. */
enum scap_creat_flags {
	SCAP_CREAT_UPPER_LAYER = 1 << 0,
	SCAP_CREAT_LOWER_LAYER = 1 << 1,
};

/* Parameter "resolve" of openat2. */
enum scap_resolve_flags {
	SCAP_RESOLVE_BENEATH = 1 << 0,
	SCAP_RESOLVE_IN_ROOT = 1 << 1,
	SCAP_RESOLVE_NO_MAGICLINKS = 1 << 2,
	SCAP_RESOLVE_NO_SYMLINKS = 1 << 3,
	SCAP_RESOLVE_NO_XDEV = 1 << 4,
	SCAP_RESOLVE_CACHED = 1 << 5,
};

/* Parameter "flags" of clone, clone3, fork and vfork. */
enum scap_clone_flags {
	SCAP_CLONE_FILES = 1 << 0,
	SCAP_CLONE_FS = 1 << 1,
	SCAP_CLONE_IO = 1 << 2,
	SCAP_CLONE_NEWIPC = 1 << 3,
	SCAP_CLONE_NEWNET = 1 << 4,
	SCAP_CLONE_NEWNS = 1 << 5,
	SCAP_CLONE_NEWPID = 1 << 6,
	SCAP_CLONE_NEWUTS = 1 << 7,
	SCAP_CLONE_PARENT = 1 << 8,
	SCAP_CLONE_PARENT_SETTID = 1 << 9,
	SCAP_CLONE_PTRACE = 1 << 10,
	SCAP_CLONE_SIGHAND = 1 << 11,
	SCAP_CLONE_SYSVSEM = 1 << 12,
	SCAP_CLONE_THREAD = 1 << 13,
	SCAP_CLONE_UNTRACED = 1 << 14,
	SCAP_CLONE_VM = 1 << 15,
	SCAP_CLONE_ACTIVE = 1 << 19, /* only in the host's table: the thread has been seen to act */
	SCAP_CLONE_NEWUSER = 1 << 20,
	SCAP_CLONE_CHILD_CLEARTID = 1 << 23,
	SCAP_CLONE_CHILD_SETTID = 1 << 24,
	SCAP_CLONE_SETTLS = 1 << 25,
	SCAP_CLONE_VFORK = 1 << 27,
	SCAP_CLONE_NEWCGROUP = 1 << 28,
	SCAP_CLONE_CHILD_IN_PIDNS = 1 << 29, /* the child is not in the initial pid namespace */
};

/* Parameter "flags" of execve and execveat: facts about the executable. */
enum scap_exe_flags {
	SCAP_EXE_WRITABLE = 1 << 0,
	SCAP_EXE_UPPER_LAYER = 1 << 1,
	SCAP_EXE_FROM_MEMFD = 1 << 2,
	SCAP_EXE_LOWER_LAYER = 1 << 3,
};

/* Address families keep Linux's numbers up to this one (AF_NFC); Falco knows no later ones and says unspecified. */
#define SCAP_AF_LAST 39
/* Families below it that Falco does not know (AF_IB, AF_MPLS). */
#define SCAP_AF_GAP_FIRST 27
#define SCAP_AF_GAP_LAST 28

/* Capability sets keep Linux's bits up to this one (CAP_CHECKPOINT_RESTORE). */
#define SCAP_CAP_LAST 40

/* The cgroup controllers whose path Falco's driver reports, in its order. */
extern const char *const scap_cgroup_controllers[];
extern const size_t scap_cgroup_controller_count;

/* From the kernel's values (of the architecture this is compiled for) to Falco's. */
uint32_t scap_open_flags(uint64_t flags);
uint32_t scap_open_mode(uint32_t mode); /* as recorded: 0 for a call that takes none */
uint32_t scap_resolve_flags(uint64_t resolve);
uint32_t scap_clone_flags(uint64_t flags);
uint32_t scap_socket_flags(uint32_t type);
uint32_t scap_socket_family(uint32_t family);
uint64_t scap_capabilities(uint64_t capabilities);
/* From the kernel's own device number (major << 20 | minor) to the one that stat(2) shows, which Falco uses. */
uint32_t scap_device(uint32_t dev);

#endif
