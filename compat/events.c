/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables behind compat/events.h. One row is one fact.
 */
#include "compat/events.h"

/* The kernel's own values: libc's <fcntl.h> says 0 for O_LARGEFILE on 64-bit machines, and clashes with these. */
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>

#define PID SCAP_S64
#define RES SCAP_S64
#define FD SCAP_S64
#define UID SCAP_U32

/* res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm cgroups: fork and exec alike. */
#define PROCESS_PARAMS                                                                                         \
	RES, SCAP_TEXT, SCAP_LIST, PID, PID, PID, SCAP_TEXT, SCAP_U64, SCAP_U64, SCAP_U64, SCAP_U32, SCAP_U32, \
	        SCAP_U32, SCAP_TEXT, SCAP_LIST
/* flags uid gid vtid vpid pidns_init_start_ts */
#define CLONE_PARAMS PROCESS_PARAMS, SCAP_U32, SCAP_U32, SCAP_U32, PID, PID, SCAP_U64
/* env tty vpgid loginuid flags cap_inheritable cap_permitted cap_effective exe_ino ctime mtime uid exepath pgid gid */
#define EXEC_PARAMS                                                                                                \
	PROCESS_PARAMS, SCAP_LIST, SCAP_U32, PID, UID, SCAP_U32, SCAP_U64, SCAP_U64, SCAP_U64, SCAP_U64, SCAP_U64, \
	        SCAP_U64, UID, SCAP_TEXT, PID, UID

const struct scap_event_info scap_events[] = {
        {"open", SCAP_OPEN_X, 6, 6, {FD, SCAP_TEXT, SCAP_U32, SCAP_U32, SCAP_U32, SCAP_U64}},
        {"socket", SCAP_SOCKET_X, 5, 4, {FD, SCAP_U32, SCAP_U32, SCAP_U32, SCAP_U32}},
        {"connect", SCAP_CONNECT_X, 4, 4, {RES, SCAP_TUPLE, FD, SCAP_ADDR}},
        {"creat", SCAP_CREAT_X, 6, 6, {FD, SCAP_TEXT, SCAP_U32, SCAP_U32, SCAP_U64, SCAP_U16}},
        {"chdir", SCAP_CHDIR_X, 2, 2, {RES, SCAP_TEXT}},
        {"fchdir", SCAP_FCHDIR_X, 2, 2, {RES, FD}},
        {"procexit", SCAP_PROCEXIT_1_E, 5, 5, {RES, RES, SCAP_U8, SCAP_U8, PID}},
        {"clone", SCAP_CLONE_20_X, 21, 21, {CLONE_PARAMS}},
        {"fork", SCAP_FORK_20_X, 21, 21, {CLONE_PARAMS}},
        {"vfork", SCAP_VFORK_20_X, 21, 21, {CLONE_PARAMS}},
        {"execve", SCAP_EXECVE_19_X, 31, 31, {EXEC_PARAMS, SCAP_TEXT}},
        {"openat", SCAP_OPENAT_2_X, 7, 7, {FD, FD, SCAP_TEXT, SCAP_U32, SCAP_U32, SCAP_U32, SCAP_U64}},
        {"openat2", SCAP_OPENAT2_X, 8, 8, {FD, FD, SCAP_TEXT, SCAP_U32, SCAP_U32, SCAP_U32, SCAP_U32, SCAP_U64}},
        {"execveat", SCAP_EXECVEAT_X, 30, 30, {EXEC_PARAMS}},
        {"clone3", SCAP_CLONE3_X, 21, 21, {CLONE_PARAMS}},
};
const size_t scap_event_count = sizeof(scap_events) / sizeof(*scap_events);

const struct scap_event_info *scap_event_info(uint16_t type)
{
	for (size_t i = 0; i < scap_event_count; i++)
		if (scap_events[i].type == type)
			return &scap_events[i];
	return NULL;
}

const char *const scap_cgroup_controllers[] = {"cpuset", "cpu", "cpuacct", "io", "memory"};
const size_t scap_cgroup_controller_count = sizeof(scap_cgroup_controllers) / sizeof(*scap_cgroup_controllers);

/* A kernel value of one or several bits, and what it is for Falco. */
struct flag {
	uint64_t kernel;
	uint32_t scap;
};

static uint32_t translate(const struct flag *table, size_t count, uint64_t value)
{
	uint32_t out = 0;
	for (size_t i = 0; i < count; i++)
		if (value & table[i].kernel)
			out |= table[i].scap;
	return out;
}
#define TRANSLATE(table, value) translate(table, sizeof(table) / sizeof(*(table)), value)

/*
 * O_SYNC and O_TMPFILE contain the bits of O_DSYNC and O_DIRECTORY. Falco's driver asks for any of their bits, not for
 * all (driver/ppm_flag_helpers.h, open_flags_to_scap): with it, every open of a directory says O_TMPFILE and every
 * O_DSYNC says O_SYNC. So do we: a rule must see the same flags whoever tells of the open.
 */
static const struct flag open_flags[] = {
        {O_CREAT, SCAP_O_CREAT},         {O_APPEND, SCAP_O_APPEND},     {O_DSYNC, SCAP_O_DSYNC},
        {O_EXCL, SCAP_O_EXCL},           {O_NONBLOCK, SCAP_O_NONBLOCK}, {O_SYNC, SCAP_O_SYNC},
        {O_TRUNC, SCAP_O_TRUNC},         {O_DIRECT, SCAP_O_DIRECT},     {O_DIRECTORY, SCAP_O_DIRECTORY},
        {O_LARGEFILE, SCAP_O_LARGEFILE}, {O_CLOEXEC, SCAP_O_CLOEXEC},   {O_TMPFILE, SCAP_O_TMPFILE},
};

static const struct flag resolve_flags[] = {
        {RESOLVE_BENEATH, SCAP_RESOLVE_BENEATH},
        {RESOLVE_IN_ROOT, SCAP_RESOLVE_IN_ROOT},
        {RESOLVE_NO_MAGICLINKS, SCAP_RESOLVE_NO_MAGICLINKS},
        {RESOLVE_NO_SYMLINKS, SCAP_RESOLVE_NO_SYMLINKS},
        {RESOLVE_NO_XDEV, SCAP_RESOLVE_NO_XDEV},
        {RESOLVE_CACHED, SCAP_RESOLVE_CACHED},
};

static const struct flag clone_flags[] = {
        {CLONE_FILES, SCAP_CLONE_FILES},
        {CLONE_FS, SCAP_CLONE_FS},
        {CLONE_IO, SCAP_CLONE_IO},
        {CLONE_NEWIPC, SCAP_CLONE_NEWIPC},
        {CLONE_NEWNET, SCAP_CLONE_NEWNET},
        {CLONE_NEWNS, SCAP_CLONE_NEWNS},
        {CLONE_NEWPID, SCAP_CLONE_NEWPID},
        {CLONE_NEWUTS, SCAP_CLONE_NEWUTS},
        {CLONE_PARENT, SCAP_CLONE_PARENT},
        {CLONE_PARENT_SETTID, SCAP_CLONE_PARENT_SETTID},
        {CLONE_PTRACE, SCAP_CLONE_PTRACE},
        {CLONE_SIGHAND, SCAP_CLONE_SIGHAND},
        {CLONE_SYSVSEM, SCAP_CLONE_SYSVSEM},
        {CLONE_THREAD, SCAP_CLONE_THREAD},
        {CLONE_UNTRACED, SCAP_CLONE_UNTRACED},
        {CLONE_VM, SCAP_CLONE_VM},
        {CLONE_NEWUSER, SCAP_CLONE_NEWUSER},
        {CLONE_CHILD_CLEARTID, SCAP_CLONE_CHILD_CLEARTID},
        {CLONE_CHILD_SETTID, SCAP_CLONE_CHILD_SETTID},
        {CLONE_SETTLS, SCAP_CLONE_SETTLS},
        {CLONE_VFORK, SCAP_CLONE_VFORK},
        {CLONE_NEWCGROUP, SCAP_CLONE_NEWCGROUP},
};

uint32_t scap_open_flags(uint64_t flags)
{
	uint32_t access;
	switch (flags & O_ACCMODE) {
	case O_WRONLY:
		access = SCAP_O_WRONLY;
		break;
	case O_RDWR:
		access = SCAP_O_RDWR;
		break;
	default:
		access = SCAP_O_RDONLY;
		break;
	}
	return access | TRANSLATE(open_flags, flags);
}

/* Falco's mode bits have the values of stat(2) (sticky 01000, setgid 02000, setuid 04000); any others are dropped. */
uint32_t scap_open_mode(uint32_t mode)
{
	return mode & 07777;
}

uint32_t scap_resolve_flags(uint64_t resolve)
{
	return TRANSLATE(resolve_flags, resolve);
}

uint32_t scap_clone_flags(uint64_t flags)
{
	return TRANSLATE(clone_flags, flags);
}

uint32_t scap_socket_flags(uint32_t type)
{
	/* SOCK_NONBLOCK and SOCK_CLOEXEC are these values by definition. */
	return scap_open_flags(type & (O_NONBLOCK | O_CLOEXEC)) & ~(uint32_t)SCAP_O_RDONLY;
}

uint32_t scap_socket_family(uint32_t family)
{
	if (family > SCAP_AF_LAST || (family >= SCAP_AF_GAP_FIRST && family <= SCAP_AF_GAP_LAST))
		return 0;
	return family;
}

uint64_t scap_capabilities(uint64_t capabilities)
{
	return capabilities & ((1ULL << (SCAP_CAP_LAST + 1)) - 1);
}

uint32_t scap_device(uint32_t dev)
{
	uint32_t major = dev >> 20;
	uint32_t minor = dev & 0xfffff;
	return (minor & 0xff) | (major << 8) | ((minor & ~0xffU) << 12);
}
