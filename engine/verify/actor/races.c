/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks in time: what is asked for is changed while it is done, by a thread, a symbolic link or a tracer. */
#include "verify/actor/actor.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* Where there is a file of the same name that nobody forbids. */
#define CALM ACTOR_SCRATCH "/calm"

/* ---- what is done, and what came of it --------------------------------------------------------------------------- */

/* What the act is given: its memory is rewritten. */
union asked {
	char path[PATH_MAX];
	union address address;
};

static bool is_on_address(const struct spec *s)
{
	return s->act == ACT_CONNECT || s->act == ACT_BIND || s->act == ACT_LISTEN;
}

/* Of an act on names it has the same name, for a directory that is exchanged. */
static void harmless_path(const struct spec *s, char out[PATH_MAX])
{
	if (s->act == ACT_NAMES && strchr(subject_of(s), '/'))
		(void)snprintf(out, PATH_MAX, CALM "/%.255s", base_of(subject_of(s)));
	else
		(void)snprintf(out, PATH_MAX, ACTOR_HARMLESS);
}

static void ask(const struct spec *s, bool harmless, union asked *out)
{
	if (!is_on_address(s)) {
		if (harmless)
			harmless_path(s, out->path);
		else
			(void)snprintf(out->path, sizeof(out->path), "%s", subject_of(s));
		return;
	}
	memcpy(&out->address, &s->to, s->to_len);
	if (harmless && s->family == AF_INET)
		out->address.in = (struct sockaddr_in){.sin_family = AF_INET,
		                                       .sin_port = htons(HARMLESS_PORT),
		                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (harmless && s->family == AF_INET6)
		out->address.in6 = (struct sockaddr_in6){
		        .sin6_family = AF_INET6, .sin6_port = htons(HARMLESS_PORT), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

/*
 * Whether an opened file, or a socket, is none that the rule asks for. An address that is half of the one and half of
 * the other is another one, which the rule may well except.
 */
static bool is_harmless(const struct spec *s, int fd)
{
	union address end = {0};
	socklen_t len = sizeof(end);
	struct stat a, b;

	if (s->act == ACT_OPEN)
		return fstat(fd, &a) || stat(s->path, &b) || a.st_ino != b.st_ino || a.st_dev != b.st_dev;
	if (s->act == ACT_CONNECT ? getpeername(fd, &end.any, &len) : getsockname(fd, &end.any, &len))
		return true; /* nobody was reached */
	if (s->family == AF_INET)
		return end.in.sin_port != s->to.in.sin_port || end.in.sin_addr.s_addr != s->to.in.sin_addr.s_addr;
	return end.in6.sin6_port != s->to.in6.sin6_port ||
	       memcmp(&end.in6.sin6_addr, &s->to.in6.sin6_addr, sizeof(end.in6.sin6_addr)) != 0;
}

/* An open, a connect or a bind. */
static int act_on_descriptor(const struct spec *s, const union asked *what)
{
	int fd, error = 0;

	if (s->act == ACT_OPEN) {
		fd = open_by_call(s, what->path);
		error = fd < 0 ? errno : 0;
	} else {
		fd = make_socket(s, 0);
		if (s->act == ACT_BIND)
			error = bind_to(s, fd, &what->address);
		else if (syscall(SYS_connect, fd, what, s->to_len))
			error = came_through(errno);
	}
	if (error)
		return error == ENOENT ? ACTOR_HARMLESS_RAN : outcome(error);
	error = is_harmless(s, fd) ? ACTOR_HARMLESS_RAN : ACTOR_THROUGH;
	(void)close(fd);
	return error;
}

static int act_on_names(const struct spec *s, const union asked *what)
{
	struct spec other = *s;
	int error;

	set_subject(&other, what->path);
	error = call_on_names(&other);
	/* A path that is half of the one and half of the other leads nowhere. */
	if (error == ENOENT || error == ENOTDIR || error == EEXIST)
		return ACTOR_HARMLESS_RAN;
	if (error)
		return outcome(error);
	return was_done_to(s, subject_of(s)) ? ACTOR_THROUGH : ACTOR_HARMLESS_RAN;
}

/* Once, with what may change meanwhile. */
static int act_on(const struct spec *s, const union asked *what)
{
	switch (s->act) {
	case ACT_EXEC:
		return outcome(start(s, what->path));
	case ACT_NAMES:
		return act_on_names(s, what);
	default:
		return act_on_descriptor(s, what);
	}
}

/* Before each try. */
static void prepare(const struct spec *s)
{
	union asked harmless;

	if (s->act != ACT_NAMES)
		return;
	if (mkdir(CALM, 0777) && errno != EEXIST)
		impossible("mkdir");
	ask(s, true, &harmless);
	make_ready(s, harmless.path);
	make_ready(s, subject_of(s));
}

/* ---- over and over ---------------------------------------------------------------------------------------------- */

struct rewriting {
	union asked both[2];
	union asked *now;
	size_t len; /* that is rewritten */
	volatile bool stop;
	volatile unsigned int turns;
};

static void *rewrite_on_and_on(void *arg)
{
	struct rewriting *r = arg;

	for (; !r->stop; r->turns++)
		memcpy(r->now, &r->both[r->turns % 2], r->len);
	return NULL;
}

static int one_race(const struct spec *s, unsigned int try)
{
	static struct rewriting r;
	static union asked now;
	pthread_t thread;
	int result;

	r.now = &now;
	ask(s, true, &r.both[0]);
	ask(s, false, &r.both[1]);
	r.len = is_on_address(s) ? s->to_len : strlen(r.both[1].path) + strlen(r.both[0].path) + 1;
	now = r.both[0];
	if (pthread_create(&thread, NULL, rewrite_on_and_on, &r))
		impossible("thread");
	/* Each at another moment of the turns. */
	while (r.turns < 2 + try * 37 % 997)
		;
	result = act_on(s, &now);
	r.stop = true;
	(void)pthread_join(thread, NULL);
	return result;
}

struct outcomes {
	int refused, harmless, through;
};

/* Each try is a process of its own. True: it was enough. */
static bool count(const struct spec *s, struct outcomes *o, pid_t child, uint64_t since_ns)
{
	const int result = child < 0 ? ACTOR_IMPOSSIBLE : awaited(child);

	if (result == ACTOR_THROUGH)
		say("through %d %" PRIu64 "\n", (int)child, since_ns);
	o->through += result == ACTOR_THROUGH;
	o->refused += result == ACTOR_REFUSED;
	o->harmless += result == ACTOR_HARMLESS_RAN;
	return o->through && !s->all;
}

static void try_often(const struct spec *s, int (*once)(const struct spec *s, unsigned int try), struct outcomes *o)
{
	bool enough = false;

	for (int i = 0; !enough && i < s->tries; i++) {
		uint64_t since_ns;
		pid_t child;

		prepare(s);
		since_ns = now_ns();
		child = fork();
		if (child == 0) {
			acts_now();
			_exit(once(s, (unsigned int)i));
		}
		enough = count(s, o, child, since_ns);
	}
}

static int race(const struct spec *s, int (*once)(const struct spec *s, unsigned int try))
{
	struct outcomes o = {0};

	try_often(s, once, &o);
	if (o.through)
		return ACTOR_THROUGH;
	if (o.refused && o.harmless)
		return ACTOR_REFUSED;
	say("why of %d tries %d came to the one and %d to the other: no race here\n", s->tries, o.refused, o.harmless);
	return ACTOR_IMPOSSIBLE;
}

int by_rewriting(const struct spec *s)
{
	return race(s, one_race);
}

/* The last argument is rewritten: between what is asked for, and something of the same length. */
static int one_race_of_arguments(const struct spec *s, unsigned int try)
{
	static char now[PATH_MAX];
	static struct rewriting r;
	struct spec other = *s;
	pthread_t thread;
	int result;

	memcpy(r.both[1].path, s->args[s->nargs - 1], strlen(s->args[s->nargs - 1]) + 1);
	memset(r.both[0].path, 'x', strlen(r.both[1].path));
	memcpy(now, r.both[0].path, sizeof(now));
	r.now = (union asked *)(void *)now;
	r.len = strlen(r.both[1].path);
	other.args[s->nargs - 1] = now;
	if (pthread_create(&thread, NULL, rewrite_on_and_on, &r))
		impossible("thread");
	while (r.turns < 2 + try * 37 % 997)
		;
	result = outcome(start(&other, s->path));
	r.stop = true;
	(void)pthread_join(thread, NULL);
	return result;
}

int by_rewriting_arguments(const struct spec *s)
{
	static char asked[PATH_MAX + sizeof(ACTOR_ASKED)];

	if (!s->nargs || strlen(s->args[s->nargs - 1]) >= PATH_MAX) {
		say("why the rule asks for no argument\n");
		return ACTOR_IMPOSSIBLE;
	}
	(void)snprintf(asked, sizeof(asked), ACTOR_ASKED "=%s", s->args[s->nargs - 1]);
	add_variable(asked);
	return race(s, one_race_of_arguments);
}

/* Exchanges what a symbolic link leads to, on and on: of an open the file, of others the directory. */
static pid_t start_swapping(const struct spec *s)
{
	const bool of_file = s->act == ACT_OPEN;
	const pid_t swapper = fork();
	char dir[PATH_MAX];

	if (swapper < 0)
		impossible("fork");
	if (swapper)
		return swapper;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	directory_of(place_of(s), dir);
	for (unsigned int i = 0;; i++) {
		(void)unlink(ACTOR_SCRATCH "/next");
		(void)symlink(i % 2 ? (of_file ? s->path : dir) : (of_file ? ACTOR_HARMLESS : CALM),
		              ACTOR_SCRATCH "/next");
		(void)rename(ACTOR_SCRATCH "/next", ACTOR_SCRATCH "/swapped");
	}
}

static int one_swapped(const struct spec *s, unsigned int try)
{
	static union asked path = {.path = ACTOR_SCRATCH "/swapped"};

	(void)try;
	if (s->act == ACT_NAMES)
		(void)snprintf(path.path, sizeof(path.path), ACTOR_SCRATCH "/swapped/%.255s", base_of(place_of(s)));
	return act_on(s, &path);
}

int by_swapped_link(const struct spec *s)
{
	struct outcomes o = {0};
	pid_t swapper;

	if (s->act == ACT_NAMES && place_of(s) != subject_of(s)) {
		say("why the rule asks for no path\n");
		return ACTOR_IMPOSSIBLE;
	}
	prepare(s);
	swapper = start_swapping(s);
	try_often(s, one_swapped, &o);
	(void)kill(swapper, SIGKILL);
	(void)waitpid(swapper, NULL, 0);
	if (o.through)
		return ACTOR_THROUGH;
	if (o.refused)
		return ACTOR_REFUSED;
	say("why of %d tries none came to the file, %d to the other\n", s->tries, o.harmless);
	return ACTOR_IMPOSSIBLE;
}

/* ---- injection --------------------------------------------------------------------------------------------------- */

/* The call that the act is done by, and which of its arguments is what the rule asks about; -1: none. */
static long call_of(const struct spec *s, int *argument)
{
	static const struct {
		const char *name;
		long number;
		int argument;
	} calls[] = {
	        {"execve", SYS_execve, 0},   {"execveat", SYS_execveat, 1}, {"openat", SYS_openat, 1},
	        {"openat2", SYS_openat2, 1}, {"connect", SYS_connect, 1},   {"bind", SYS_bind, 1},
#ifdef SYS_open
	        {"open", SYS_open, 0},       {"creat", SYS_creat, 0},
#endif
	};

	if (s->act == ACT_NAMES)
		return number_of_call(s, argument);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, s->call)) {
			*argument = calls[i].argument;
			return calls[i].number;
		}
	*argument = -1;
	return -1;
}

/* At the call's entry its argument is replaced in the traced process's memory. */
static void inject(const struct spec *s, pid_t child, const struct __ptrace_syscall_info *call, int argument)
{
	static union asked what;
	const size_t len = is_on_address(s) ? s->to_len : strlen(subject_of(s)) + 1;
	struct iovec from = {.iov_base = &what, .iov_len = len};
	struct iovec to = {.iov_base = (void *)(uintptr_t)call->entry.args[argument], .iov_len = len};

	ask(s, false, &what);
	if (process_vm_writev(child, &from, 1, &to, 1, 0) != (ssize_t)len)
		impossible("writing to the traced process");
}

int by_injection(const struct spec *s)
{
	static union asked harmless;
	int status = 0, argument;
	const long number = call_of(s, &argument);
	bool injected = false;
	pid_t child;

	if (argument < 0) {
		say("why no argument of the call can be replaced\n");
		return ACTOR_IMPOSSIBLE;
	}
	prepare(s);
	child = fork();
	if (child < 0)
		impossible("fork");
	ask(s, true, &harmless);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			impossible("ptrace");
		acts_now();
		(void)raise(SIGSTOP);
		_exit(act_on(s, &harmless));
	}
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		struct __ptrace_syscall_info call = {0};

		(void)ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && !injected &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(call), &call) > 0 &&
		    call.op == PTRACE_SYSCALL_INFO_ENTRY && call.entry.nr == (uint64_t)number) {
			inject(s, child, &call, argument);
			injected = true;
		}
		(void)ptrace(injected ? PTRACE_CONT : PTRACE_SYSCALL, child, NULL, NULL);
	}
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ? ACTOR_REFUSED : ACTOR_IMPOSSIBLE;
	return WEXITSTATUS(status);
}
