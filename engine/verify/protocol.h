/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How `tercel verify` and the actor understand each other. The actor is a static program of its own (actor/), which
 * does one act in one way, and whose file can be copied, linked, renamed and started as anything.
 *
 * What it shall do stands in its arguments, NAME=VALUE each; what came of it is its exit status; what else there is to
 * say it writes to ACTOR_FD, a line each: "pid N T" before the act, for the process that does it and when
 * (CLOCK_BOOTTIME ns), "through N T" for one of several that came through, and "why TEXT".
 */
#ifndef TERCEL_VERIFY_PROTOCOL_H
#define TERCEL_VERIFY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ACTOR_FD 3

/* In the environment of a program that is started as the act: then it has been let through, and says so. */
#define ACTOR_RAN "TERCEL_VERIFY_RAN=1"
/* And the argument that it was let through with, if others are harmless. */
#define ACTOR_ASKED "TERCEL_VERIFY_ASKED"

/* Below the actor's root: where it makes its links, and a program and file that nobody forbids. */
#define ACTOR_SCRATCH "/tercel-verify"
#define ACTOR_HARMLESS ACTOR_SCRATCH "/harmless"

/* What its ways to do it name things there, and what a hard link and a rename put behind a name. */
#define ACTOR_OTHER_NAME "other-name"
#define ACTOR_COPY "copy"
#define ACTOR_SCRIPT "script"
#define ACTOR_LOADER "ld.so"
#define ACTOR_BOUND ACTOR_SCRATCH "/bound"
#define ACTOR_LINKED ".tercel-link"
#define ACTOR_RENAMED ".tercel-renamed"

enum actor_status {
	ACTOR_THROUGH = 10,    /* the act was done */
	ACTOR_REFUSED = 11,    /* it failed with EPERM or EACCES, or its process was killed */
	ACTOR_IMPOSSIBLE = 12, /* this way does not exist here; "why" says what failed */
	ACTOR_HARMLESS_RAN = 13,
};

/* Paths that are as long as a call takes, and longer. */
#define ACTOR_DEEP 4095
#define ACTOR_DEEPER 5000
#define ACTOR_DEEP_NAME "tercel-deep"

/*
 * The path of a file of this one's name that lies so far below its directory that its path has `length` bytes; with its
 * end. False: its own is too long for that.
 */
static inline bool actor_deep_path(char *out, size_t length, const char *path)
{
	const char *base = strrchr(path, '/');
	const size_t of_base = strlen(base), of_directory = (size_t)(base - path);
	size_t at = of_directory;

	if (of_base + of_directory + 300 > length)
		return false;
	memcpy(out, path, of_directory);
	while (at + of_base < length) {
		const size_t left = length - at - of_base;
		/* A name has a byte and its slash at least, and 255 and it at most. */
		const size_t len = left <= 200 ? left : left < 202 ? 100 : 200;

		memset(out + at, 'd', len);
		out[at] = '/';
		memcpy(out + at + 1, ACTOR_DEEP_NAME, len > sizeof(ACTOR_DEEP_NAME) ? sizeof(ACTOR_DEEP_NAME) - 1 : 1);
		at += len;
	}
	memcpy(out + at, base, of_base + 1);
	return true;
}

/*
 *   act=exec|open|connect|bind|listen|unlink|rmdir|rename|link|symlink|chmod|chown|mkdir|mknod
 *   call=NAME              the system call that does it
 *   trick=NAME             the way; see actor/main.c
 *   next=PATH              starts itself under that name first, and waits: its parents, in order
 *   path=PATH              of all but connect, bind and listen
 *   other=PATH|TEXT        the second path of rename and link; the text of a symbolic link
 *   subject=path|other     what of both the rule is about
 *   mode=N                 of chmod, mkdir and mknod
 *   arg=TEXT               of exec, any number
 *   memory=1               of exec: the program is a file in memory, with the bytes of that one
 *   env=TEXT               of exec, a variable of its environment
 *   flags=N                of open
 *   family=4|6 addr=HEX port=N proto=tcp|udp    of connect, bind and listen
 *   tries=N                of attacks in time
 *   all=1                  of those, the ones after one that came through as well
 */

#endif
