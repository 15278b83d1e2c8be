/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How `tercel verify` and the actor understand each other. The actor is a static program of its own (actor.c), which
 * does one act in one way, and whose file can be copied, linked, renamed and started as anything.
 *
 * What it shall do stands in its arguments, NAME=VALUE each; what came of it is its exit status; what else there is to
 * say it writes to ACTOR_FD, a line each: "pid N T" before the act, for the process that does it and when
 * (CLOCK_BOOTTIME ns), "through N T" for one of several that came through, and "why TEXT".
 */
#ifndef TERCEL_VERIFY_PROTOCOL_H
#define TERCEL_VERIFY_PROTOCOL_H

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

/*
 *   act=exec|open|connect  trick=NAME (see tricks.h)
 *   next=PATH              starts itself under that name first, and waits: its parents, in order
 *   path=PATH              of exec and open
 *   arg=TEXT               of exec, any number
 *   memory=1               of exec: the program is a file in memory, with the bytes of that one
 *   env=TEXT               of exec, a variable of its environment
 *   flags=N                of open
 *   family=4|6 addr=HEX port=N proto=tcp|udp    of connect
 *   tries=N                of attacks in time
 *   all=1                  of those, the ones after one that came through as well
 */

#endif
