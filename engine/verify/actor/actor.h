/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actor does one act in one way; see protocol.h. Linked statically, as nothing of the machine is in its root.
 *
 * acts.c has the acts done plainly, calls.c those of them that are on names of files; the others are the ways: paths.c
 * goes there by other paths and files, whom.c lets another thread or child do it, races.c changes what is asked for
 * meanwhile, network.c and uring.c do it by other means.
 */
#ifndef TERCEL_VERIFY_ACTOR_H
#define TERCEL_VERIFY_ACTOR_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "verify/protocol.h"

#define MAX_ARGS 64
/* Where it connects to, or binds to, that nobody forbids. */
#define HARMLESS_PORT 1

/* ACT_NAMES: all that is done to names of files, by one of the calls of calls.c. */
enum act { ACT_EXEC, ACT_OPEN, ACT_CONNECT, ACT_BIND, ACT_LISTEN, ACT_NAMES };

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct spec {
	enum act act;
	const char *act_name;
	const char *call; /* the system call that it is done by */
	const char *trick;
	const char *path, *plain_path; /* by this way; and as it was asked for */
	const char *other;             /* of two names the second one; of a symbolic link, its text */
	bool other_is_subject;         /* the rule is about that one */
	int at;                        /* directory descriptor of relative paths */
	int flags;
	unsigned int mode;
	char *args[MAX_ARGS];
	int nargs;
	int family, proto;
	union address to;
	socklen_t to_len;
	int tries;
	bool all;    /* not to the first that comes through only */
	bool memory; /* the program is a file in memory */
};

/* ---- main.c: what is said ---- */

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* This way does not exist here. */
void impossible(const char *what) __attribute__((noreturn));
/* What an error of the act itself means: enum actor_status. */
int outcome(int error);
uint64_t now_ns(void);
void acts_now(void);

/* ---- acts.c ---- */

/* Of the environment of the program that is started as the act; there is room for two. */
void add_variable(char *text);
/* Each returns the error that it fails with; an exec that does not fail does not return. */
int start(const struct spec *s, const char *path);
int start_at(const struct spec *s, int fd, const char *path, int flags);
int start_program(char *const argv[]);
int do_act(const struct spec *s);
/* Does it as it is asked for. */
int plain(const struct spec *s);
/* Opens it by the call that is asked for: a descriptor, or -1. */
int open_by_call(const struct spec *s, const char *path);

/* ---- calls.c: acts on names ---- */

bool has_two_paths(const struct spec *s);
/* The path that the rule is about, or the only one. */
const char *place_of(const struct spec *s);
void set_place(struct spec *s, const char *path);
bool is_call_on_names(const char *call);
int call_on_names(const struct spec *s);
/* The number of the call, and which of its arguments is the path that the rule is about; -1: none. */
long number_of_call(const struct spec *s, int *argument);
/* What the rule is about of the names: the place, or the text of a symbolic link. */
const char *subject_of(const struct spec *s);
void set_subject(struct spec *s, const char *text);
/* Makes the names anew, such that the act can be done; and whether it was done to this subject. */
void make_ready(const struct spec *s, const char *subject);
bool was_done_to(const struct spec *s, const char *subject);

/* ---- paths.c ---- */

const char *base_of(const char *path);
void directory_of(const char *path, char out[PATH_MAX]);
int start_memory(const struct spec *s);

/* ---- network.c ---- */

int make_socket(const struct spec *s, int flags);
/* What became of a connection: one that is under way has been let through. */
int came_through(int error);
int connect_to(const struct spec *s, int flags);
int bind_to(const struct spec *s, int fd, const union address *to);
int listen_on(const struct spec *s);

/* ---- whom.c ---- */

/* What becomes of a process that does the act and ends. */
int awaited(pid_t child);

/* ---- the ways; which there are stands in main.c. Each returns enum actor_status. ---- */

int by_symlink(const struct spec *s);
int by_other_name(const struct spec *s);
int by_linked_directory(const struct spec *s);
int by_relative_path(const struct spec *s);
int by_dots(const struct spec *s);
int by_proc_root(const struct spec *s);
int by_long_path(const struct spec *s);
int by_descriptor(const struct spec *s);
int by_directory(const struct spec *s);
int by_hard_link(const struct spec *s);
int by_rename(const struct spec *s);
int by_renamed_directory(const struct spec *s);
int by_bind_mount(const struct spec *s);
int by_deep_file(const struct spec *s);
int by_deeper_file(const struct spec *s);
int by_exchange(const struct spec *s);
int by_copy(const struct spec *s);
int by_memfd(const struct spec *s);
int by_script(const struct spec *s);
int by_loader(const struct spec *s);
int with_long_arguments(const struct spec *s);
int with_other_name(const struct spec *s);
int in_thread(const struct spec *s);
int by_vfork(const struct spec *s);
int by_rewriting(const struct spec *s);
int by_rewriting_arguments(const struct spec *s);
int by_swapped_link(const struct spec *s);
int by_injection(const struct spec *s);
int without_waiting(const struct spec *s);
int as_mapped(const struct spec *s);
int by_fast_open(const struct spec *s);
int by_sendto(const struct spec *s);
int by_sendmsg(const struct spec *s);
int by_uring(const struct spec *s);

#endif
