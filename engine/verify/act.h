/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acts that can be made up, and the system calls that each is done by, by Falco's names of them. Knows nothing of
 * how they are done (actor/).
 */
#ifndef TERCEL_VERIFY_ACT_H
#define TERCEL_VERIFY_ACT_H

#include <stdbool.h>
#include <stdint.h>

enum verify_act {
	VERIFY_EXEC = 0,
	VERIFY_OPEN,
	VERIFY_CONNECT,
	VERIFY_BIND,
	VERIFY_LISTEN,
	VERIFY_UNLINK,
	VERIFY_RMDIR,
	VERIFY_RENAME,
	VERIFY_LINK,
	VERIFY_SYMLINK,
	VERIFY_CHMOD,
	VERIFY_CHOWN,
	VERIFY_MKDIR,
	VERIFY_MKNOD,
	VERIFY_ACTS,
};

/* Sets of acts. */
#define ACT(act) (1U << VERIFY_##act)
#define ACTS_ON_ADDRESSES (ACT(CONNECT) | ACT(BIND) | ACT(LISTEN))
/* On names of files, other than opening or starting what they name. */
#define ACTS_ON_NAMES                                                                                               \
	(ACT(UNLINK) | ACT(RMDIR) | ACT(RENAME) | ACT(LINK) | ACT(SYMLINK) | ACT(CHMOD) | ACT(CHOWN) | ACT(MKDIR) | \
	 ACT(MKNOD))
/* That give two files, or a file and a text, to one call. */
#define ACTS_ON_TWO (ACT(RENAME) | ACT(LINK) | ACT(SYMLINK))

static inline bool act_is_one_of(enum verify_act act, unsigned int acts)
{
	return acts >> act & 1;
}

/* "exec"; never NULL for a valid value. */
const char *verify_act_name(enum verify_act act);

/* A set of calls, each of which does one act: unlinkat is two, as it removes files and directories. */
typedef uint64_t call_set;

/* The calls of that name; 0: none that is known. */
call_set calls_named(const char *name);
call_set calls_of(enum verify_act act);
/* Of a set, the name of the call that is to be taken, and what it does. The set is not empty. */
const char *calls_first(call_set set);
enum verify_act calls_act(call_set set);
/* Of a set those that take a directory's descriptor. */
call_set calls_at(call_set set);

#endif
