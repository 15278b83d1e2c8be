/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One act, done once in one way by an actor in a place of its own: a cgroup, and namespaces of mounts, network and IPC
 * with a root in memory, where every file that there is was made for the trial, and every address is its own. Nothing
 * of the machine is touched, whatever the act is, and it all goes with its processes.
 */
#ifndef TERCEL_VERIFY_TRIAL_H
#define TERCEL_VERIFY_TRIAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "verify/need.h"

/* What to do: a need made whole. */
struct trial {
	enum verify_act act;
	const char *call;               /* the system call that does it */
	char path[2 * NEED_TEXT_MAX];   /* of the program that is started or the file that it is done to */
	char other[2 * NEED_TEXT_MAX];  /* the second path of a rename or a link; the text of a symbolic link */
	bool other_is_subject;          /* of both it is that one that the rule asks for */
	char actor[2 * NEED_TEXT_MAX];  /* the program that acts */
	char parent[2 * NEED_TEXT_MAX]; /* that starts it; "": none */
	struct need_text args[NEED_ARGS];
	size_t nargs;
	struct need_text env; /* of the program that is started */
	int flags;            /* of the open */
	unsigned int mode;    /* that a file is made with, or gets */
	uint8_t address[16];
	int family, protocol;
	uint16_t port;
	enum need_choice upper_layer;
	bool memory; /* of exec: the program is a file in memory, with the bytes of that at the path */
	bool in_container, as_root, with_terminal;
};

/* Makes a trial of a need. False if there is none that fits; the reason is in `why`. */
bool trial_of(struct trial *out, const struct need *n, char *why, size_t size);

/* Adds it in words: "open /etc/shadow by /opt/tercel/nc". */
void trial_print(struct buf *out, const struct trial *t);

#define TRIAL_PROCESSES 256

struct trial_process {
	uint32_t pid;      /* in this pid namespace */
	uint64_t since_ns; /* CLOCK_BOOTTIME, before it acted */
};

/* The last ones, in a ring; `count` is that of all. */
struct trial_processes {
	struct trial_process items[TRIAL_PROCESSES];
	size_t count;
};

struct trial_result {
	int status; /* enum actor_status */
	struct trial_processes acted;
	struct trial_processes through; /* of an attack in time, those that came through */
	char why[256];                  /* what the actor said; "" if nothing */
};

/* The cgroups that trials are made in. */
struct trial_place {
	char *path;          /* owned; of the one that both are in */
	int host, container; /* descriptors of their directories */
};

/* Makes them below a directory of the cgroup v2 hierarchy; those of earlier runs that died are removed. */
int trial_place_make(struct trial_place *out, const char *above, struct error *err);
void trial_place_remove(struct trial_place *p);

/* A way to do it; of an attack in time, how often, and whether it goes on after one that came through. */
struct trial_way {
	const char *name;
	const char *call; /* another system call than that of the trial; NULL: the same */
	unsigned int tries;
	bool all;
};

/* Does it. 0, or -errno with the reason if nothing could be done at all. */
int trial_run(struct trial_result *out, const struct trial *t, const struct trial_way *way,
              const struct trial_place *place, struct error *err);

#endif
