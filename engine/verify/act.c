/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/act.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

/* Of an act, that one first which is done as a rule. Newer architectures have those alone that take a descriptor. */
static const struct call {
	const char *name;
	enum verify_act act;
	bool at; /* it takes a directory's descriptor */
} calls[] = {
        {"execve", VERIFY_EXEC, false},
        {"execveat", VERIFY_EXEC, true},
        {"openat", VERIFY_OPEN, true},
#ifdef SYS_open
        {"open", VERIFY_OPEN, false},
#endif
        {"openat2", VERIFY_OPEN, true},
#ifdef SYS_creat
        {"creat", VERIFY_OPEN, false},
#endif
        {"open_by_handle_at", VERIFY_OPEN, false},
        {"connect", VERIFY_CONNECT, false},
        {"bind", VERIFY_BIND, false},
        {"listen", VERIFY_LISTEN, false},
#ifdef SYS_unlink
        {"unlink", VERIFY_UNLINK, false},
        {"rmdir", VERIFY_RMDIR, false},
        {"rename", VERIFY_RENAME, false},
        {"link", VERIFY_LINK, false},
        {"symlink", VERIFY_SYMLINK, false},
        {"chmod", VERIFY_CHMOD, false},
        {"chown", VERIFY_CHOWN, false},
        {"lchown", VERIFY_CHOWN, false},
        {"mkdir", VERIFY_MKDIR, false},
        {"mknod", VERIFY_MKNOD, false},
#endif
        {"unlinkat", VERIFY_UNLINK, true},
        {"unlinkat", VERIFY_RMDIR, true},
#ifdef SYS_renameat
        {"renameat", VERIFY_RENAME, true},
#endif
        {"renameat2", VERIFY_RENAME, true},
        {"linkat", VERIFY_LINK, true},
        {"symlinkat", VERIFY_SYMLINK, true},
        {"fchmodat", VERIFY_CHMOD, true},
        {"fchmod", VERIFY_CHMOD, false},
        {"fchownat", VERIFY_CHOWN, true},
        {"fchown", VERIFY_CHOWN, false},
        {"mkdirat", VERIFY_MKDIR, true},
        {"mknodat", VERIFY_MKNOD, true},
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))
_Static_assert(CALLS <= 64, "a set of calls has a bit for each");

const char *verify_act_name(enum verify_act act)
{
	static const char *const names[] = {"exec",   "open", "connect", "bind",  "listen", "unlink", "rmdir",
	                                    "rename", "link", "symlink", "chmod", "chown",  "mkdir",  "mknod"};

	return names[act];
}

call_set calls_named(const char *name)
{
	call_set out = 0;

	for (size_t i = 0; i < CALLS; i++)
		out |= (call_set)!strcmp(calls[i].name, name) << i;
	return out;
}

call_set calls_of(enum verify_act act)
{
	call_set out = 0;

	for (size_t i = 0; i < CALLS; i++)
		out |= (call_set)(calls[i].act == act) << i;
	return out;
}

static const struct call *first(call_set set)
{
	return &calls[__builtin_ctzll(set)];
}

const char *calls_first(call_set set)
{
	return first(set)->name;
}

enum verify_act calls_act(call_set set)
{
	return first(set)->act;
}

call_set calls_at(call_set set)
{
	call_set out = 0;

	for (size_t i = 0; i < CALLS; i++)
		out |= (call_set)calls[i].at << i;
	return set & out;
}
