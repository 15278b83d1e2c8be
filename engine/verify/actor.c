/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does one act in one way; see protocol.h. Linked statically, as nothing of the machine is in its root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "verify/protocol.h"

#define MAX_ARGS 64

enum act { ACT_EXEC, ACT_OPEN, ACT_CONNECT };

struct spec {
	enum act act;
	const char *trick;
	const char *path, *plain_path; /* by this way; and as it was asked for */
	int flags;
	char *args[MAX_ARGS];
	int nargs;
	int family, proto;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to;
	socklen_t to_len;
	int tries;
	bool all;    /* not to the first that comes through only */
	bool memory; /* the program is a file in memory */
	int at;      /* directory descriptor of a relative path */
};

/* Of the program that is started as the act; room for two variables more. */
static char *ran[] = {(char *)ACTOR_RAN, NULL, NULL, NULL};

static void add_variable(char *text)
{
	ran[ran[1] ? 2 : 1] = text;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n > 0 && write(ACTOR_FD, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
		return;
}

/* This way does not exist here. */
static void impossible(const char *what) __attribute__((noreturn));
static void impossible(const char *what)
{
	say("why %s: %s\n", what, strerror(errno));
	_exit(ACTOR_IMPOSSIBLE);
}

/* What an error of the act itself means. */
static int outcome(int error)
{
	if (!error)
		return ACTOR_THROUGH;
	if (error == EPERM || error == EACCES)
		return ACTOR_REFUSED;
	say("why the act failed: %s\n", strerror(error));
	return ACTOR_IMPOSSIBLE;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void acts_now(void)
{
	say("pid %d %" PRIu64 "\n", (int)getpid(), now_ns());
}

/* ---- the acts, plainly ------------------------------------------------------------------------------------------- */

/* Whatever the way, the program is told the same. */
static void arguments(const struct spec *s, char *argv[MAX_ARGS + 2])
{
	argv[0] = (char *)s->plain_path;
	for (int i = 0; i < s->nargs; i++)
		argv[i + 1] = s->args[i];
	argv[s->nargs + 1] = NULL;
}

static int start(const struct spec *s, const char *path)
{
	char *argv[MAX_ARGS + 2];

	arguments(s, argv);
	(void)syscall(SYS_execve, path, argv, ran);
	return errno;
}

static int start_at(const struct spec *s, int fd, const char *path, int flags)
{
	char *argv[MAX_ARGS + 2];

	arguments(s, argv);
	(void)syscall(SYS_execveat, fd, path, argv, ran, flags);
	return errno;
}

static int open_at(int dir, const char *path, int flags)
{
	const int fd = (int)syscall(SYS_openat, dir, path, flags, 0600);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int make_socket(const struct spec *s, int flags)
{
	const int fd =
	        socket(s->family, (s->proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		impossible("socket");
	return fd;
}

/* A connection that is under way has been let through. */
static int came_through(int error)
{
	switch (error) {
	case EINPROGRESS:
	case ECONNREFUSED:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ETIMEDOUT:
		return 0;
	default:
		return error;
	}
}

static int connect_to(const struct spec *s, int flags)
{
	const int fd = make_socket(s, flags);
	const int error = syscall(SYS_connect, fd, &s->to.any, s->to_len) ? came_through(errno) : 0;

	(void)close(fd);
	return error;
}

static int start_memory(const struct spec *s);

/* Returns the error that it fails with; an exec that does not fail does not return. */
static int do_act(const struct spec *s)
{
	switch (s->act) {
	case ACT_EXEC:
		return s->memory ? start_memory(s) : start(s, s->path);
	case ACT_OPEN:
		return open_at(s->at, s->path, s->flags);
	default:
		return connect_to(s, 0);
	}
}

static int plain(const struct spec *s)
{
	acts_now();
	return outcome(do_act(s));
}

/* ---- other ways to the same file --------------------------------------------------------------------------------- */

static int by_path(const struct spec *s, const char *path)
{
	struct spec other = *s;

	other.path = path;
	return plain(&other);
}

static const char *base_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static void directory_of(const char *path, char out[PATH_MAX])
{
	const size_t len = (size_t)(base_of(path) - path);

	memcpy(out, path, len);
	out[len > 1 ? len - 1 : len] = '\0';
}

static int by_link_named(const struct spec *s, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), ACTOR_SCRATCH "/links/%s", name);
	if (mkdir(ACTOR_SCRATCH "/links", 0755) || symlink(s->path, path))
		impossible("symlink");
	return by_path(s, path);
}

static int by_symlink(const struct spec *s)
{
	return by_link_named(s, base_of(s->path));
}

static int by_other_name(const struct spec *s)
{
	return by_link_named(s, ACTOR_OTHER_NAME);
}

static void go_to_its_directory(const struct spec *s)
{
	char dir[PATH_MAX];

	directory_of(s->path, dir);
	if (chdir(dir))
		impossible("chdir");
}

static int by_relative_path(const struct spec *s)
{
	char path[PATH_MAX];

	go_to_its_directory(s);
	(void)snprintf(path, sizeof(path), "./%s", base_of(s->path));
	return by_path(s, path);
}

static int by_dots(const struct spec *s)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), ACTOR_SCRATCH "/..%s", s->path);
	return by_path(s, path);
}

static int by_proc_root(const struct spec *s)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "/proc/self/root%s", s->path);
	return by_path(s, path);
}

/* 4095 bytes and the end. */
static int by_long_path(const struct spec *s)
{
	static char path[PATH_MAX];
	const size_t len = strlen(s->path);
	size_t at = 0;

	while (at + 2 + len < sizeof(path)) {
		memcpy(path + at, "/.", 2);
		at += 2;
	}
	if (at + len + 1 < sizeof(path))
		path[at++] = '/';
	memcpy(path + at, s->path, len + 1);
	return by_path(s, path);
}

static void copy_to(int out, const char *from)
{
	char bytes[65536];
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (in < 0 || out < 0)
		impossible("copy");
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			impossible("copy");
	(void)close(in);
}

static int memory_with(const struct spec *s)
{
	const int fd = memfd_create(base_of(s->path), 0);

	copy_to(fd, s->path);
	return fd;
}

static int by_descriptor(const struct spec *s)
{
	const int fd = s->memory ? memory_with(s) : open(s->path, O_PATH | O_CLOEXEC);
	char path[64];

	if (fd < 0)
		impossible("open with O_PATH");
	acts_now();
	if (s->act == ACT_EXEC)
		return outcome(start_at(s, fd, "", AT_EMPTY_PATH));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return outcome(open_at(AT_FDCWD, path, s->flags));
}

static int by_directory(const struct spec *s)
{
	char dir[PATH_MAX];
	int fd;

	directory_of(s->path, dir);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		impossible("open of its directory");
	acts_now();
	if (s->act == ACT_OPEN)
		return outcome(open_at(fd, base_of(s->path), s->flags));
	return outcome(start_at(s, fd, base_of(s->path), 0));
}

static int by_openat2(const struct spec *s)
{
	struct open_how how = {.flags = (uint32_t)s->flags, .mode = s->flags & O_CREAT ? 0600 : 0};

	acts_now();
	if (syscall(SYS_openat2, AT_FDCWD, s->path, &how, sizeof(how)) >= 0)
		return ACTOR_THROUGH;
	return outcome(errno);
}

static int by_creat(const struct spec *s)
{
	acts_now();
#ifdef SYS_creat
	return outcome(syscall(SYS_creat, s->path, 0600) < 0 ? errno : 0);
#else
	errno = ENOSYS;
	impossible("creat");
#endif
}

static int by_hard_link(const struct spec *s)
{
	char to[PATH_MAX];

	(void)snprintf(to, sizeof(to), "%s" ACTOR_LINKED, s->path);
	if (link(s->path, to))
		impossible("link");
	return by_path(s, to);
}

static int by_rename(const struct spec *s)
{
	char to[PATH_MAX];

	(void)snprintf(to, sizeof(to), "%s" ACTOR_RENAMED, s->path);
	if (rename(s->path, to))
		impossible("rename");
	return by_path(s, to);
}

static int by_bind_mount(const struct spec *s)
{
	char dir[PATH_MAX], path[PATH_MAX];

	directory_of(s->path, dir);
	if (mkdir(ACTOR_BOUND, 0755) || mount(dir, ACTOR_BOUND, NULL, MS_BIND, NULL))
		impossible("bind mount");
	(void)snprintf(path, sizeof(path), ACTOR_BOUND "/%s", base_of(s->path));
	return by_path(s, path);
}

static int by_handle(const struct spec *s)
{
	struct {
		struct file_handle h;
		char bytes[128];
	} handle = {.h = {.handle_bytes = 128}};
	int id, dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (name_to_handle_at(AT_FDCWD, s->path, &handle.h, &id, 0))
		impossible("name_to_handle_at");
	acts_now();
	fd = open_by_handle_at(dir, &handle.h, s->flags & ~O_CREAT);
	return outcome(fd < 0 ? errno : 0);
}

/* ---- other files with the same program --------------------------------------------------------------------------- */

static int by_copy(const struct spec *s)
{
	const int out = open(ACTOR_SCRATCH "/" ACTOR_COPY, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	copy_to(out, s->path);
	(void)close(out);
	return by_path(s, ACTOR_SCRATCH "/" ACTOR_COPY);
}

static int start_memory(const struct spec *s)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory_with(s));
	return start(s, path);
}

static int by_memfd(const struct spec *s)
{
	const int fd = memory_with(s);

	acts_now();
	return outcome(start_at(s, fd, "", AT_EMPTY_PATH));
}

static int by_script(const struct spec *s)
{
	const int out = open(ACTOR_SCRATCH "/" ACTOR_SCRIPT, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	if (out < 0 || dprintf(out, "#!%s\n", s->path) < 0 || close(out))
		impossible("script");
	return by_path(s, ACTOR_SCRATCH "/" ACTOR_SCRIPT);
}

static int by_loader(const struct spec *s)
{
	char *argv[] = {(char *)ACTOR_SCRATCH "/" ACTOR_LOADER, (char *)"--library-path", (char *)ACTOR_SCRATCH,
	                (char *)s->path, NULL};

	if (access(ACTOR_SCRATCH "/" ACTOR_LOADER, X_OK))
		impossible("the machine's ld.so");
	acts_now();
	(void)syscall(SYS_execve, argv[0], argv, ran);
	return outcome(errno);
}

/* 128 KiB, the most that the kernel takes in one argument, less its end. */
static int with_long_arguments(const struct spec *s)
{
	static char longest[131071];
	struct spec other = *s;

	memset(longest, 'a', sizeof(longest) - 1);
	other.args[other.nargs++] = longest;
	return plain(&other);
}

/* ---- by whom ----------------------------------------------------------------------------------------------------- */

/* What becomes of a process that does the act and ends. */
static int awaited(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, __WALL) < 0)
		if (errno != EINTR)
			impossible("waitpid");
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ? ACTOR_REFUSED : ACTOR_IMPOSSIBLE;
	return WEXITSTATUS(status);
}

static int with_other_name(const struct spec *s)
{
	if (prctl(PR_SET_NAME, "tercel-other", 0, 0, 0))
		impossible("prctl");
	return plain(s);
}

static void *act_of_thread(void *arg)
{
	_exit(plain(arg));
}

static int in_thread(const struct spec *s)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, act_of_thread, (void *)s))
		impossible("thread");
	(void)pthread_join(thread, NULL);
	return ACTOR_IMPOSSIBLE;
}

static int act_of_child(void *arg)
{
	_exit(plain(arg));
}

/* As vfork() does it, with a stack of the child's own. */
static int by_vfork(const struct spec *s)
{
	static char stack[1 << 20] __attribute__((aligned(16)));
	const pid_t child = clone(act_of_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)s);

	if (child < 0)
		impossible("vfork");
	return awaited(child);
}

/* ---- attacks in time --------------------------------------------------------------------------------------------- */

/* What the act is given: its memory is rewritten. */
union asked {
	char path[PATH_MAX];
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static void ask(const struct spec *s, bool harmless, union asked *out)
{
	if (s->act != ACT_CONNECT) {
		(void)snprintf(out->path, sizeof(out->path), "%s", harmless ? ACTOR_HARMLESS : s->path);
		return;
	}
	memcpy(out, &s->to, s->to_len);
	if (harmless && s->family == AF_INET)
		out->in = (struct sockaddr_in){
		        .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (harmless && s->family == AF_INET6)
		out->in6 = (struct sockaddr_in6){
		        .sin6_family = AF_INET6, .sin6_port = htons(1), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

/* Which of both an opened file, or a connected socket, is. */
static bool is_harmless(const struct spec *s, int fd)
{
	union asked peer = {0};
	socklen_t len = sizeof(peer);
	struct stat a, b;

	if (s->act == ACT_OPEN)
		return fstat(fd, &a) || stat(ACTOR_HARMLESS, &b) || (a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	if (getpeername(fd, &peer.any, &len))
		return true; /* nobody was reached */
	return ntohs(s->family == AF_INET ? peer.in.sin_port : peer.in6.sin6_port) == 1;
}

/* Once, with what may change meanwhile. */
static int act_on(const struct spec *s, union asked *what)
{
	int fd, error = 0;

	switch (s->act) {
	case ACT_EXEC:
		return outcome(start(s, what->path));
	case ACT_OPEN:
		fd = (int)syscall(SYS_openat, AT_FDCWD, what->path, s->flags & ~O_CREAT, 0600);
		if (fd < 0)
			error = errno;
		break;
	default:
		fd = make_socket(s, 0);
		if (syscall(SYS_connect, fd, what, s->to_len))
			error = came_through(errno);
	}
	if (error)
		return error == ENOENT ? ACTOR_HARMLESS_RAN : outcome(error);
	error = is_harmless(s, fd) ? ACTOR_HARMLESS_RAN : ACTOR_THROUGH;
	(void)close(fd);
	return error;
}

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
	r.len = s->act == ACT_CONNECT ? s->to_len : strlen(r.both[1].path) + sizeof(ACTOR_HARMLESS);
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

static int race(const struct spec *s, int (*once)(const struct spec *s, unsigned int try))
{
	struct outcomes o = {0};
	bool enough = false;

	for (int i = 0; !enough && i < s->tries; i++) {
		const uint64_t since_ns = now_ns();
		const pid_t child = fork();

		if (child == 0) {
			acts_now();
			_exit(once(s, (unsigned int)i));
		}
		enough = count(s, &o, child, since_ns);
	}
	if (o.through)
		return ACTOR_THROUGH;
	if (o.refused && o.harmless)
		return ACTOR_REFUSED;
	say("why of %d tries %d came to the one and %d to the other: no race here\n", s->tries, o.refused, o.harmless);
	return ACTOR_IMPOSSIBLE;
}

static int by_rewriting(const struct spec *s)
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

static int by_rewriting_arguments(const struct spec *s)
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

/* A symbolic link that leads elsewhere from one moment to the next. */
static int by_swapped_link(const struct spec *s)
{
	static union asked path = {.path = ACTOR_SCRATCH "/swapped"};
	struct outcomes o = {0};
	bool enough = false;
	const pid_t swapper = fork();

	if (swapper < 0)
		impossible("fork");
	if (swapper == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned int i = 0;; i++) {
			(void)unlink(ACTOR_SCRATCH "/next");
			(void)symlink(i % 2 ? s->path : ACTOR_HARMLESS, ACTOR_SCRATCH "/next");
			(void)rename(ACTOR_SCRATCH "/next", ACTOR_SCRATCH "/swapped");
		}
	}
	for (int i = 0; !enough && i < s->tries; i++) {
		const uint64_t since_ns = now_ns();
		const pid_t child = fork();

		if (child == 0) {
			acts_now();
			_exit(act_on(s, &path));
		}
		enough = count(s, &o, child, since_ns);
	}
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

static bool is_call_of(const struct spec *s, uint64_t nr)
{
	return nr == (s->act == ACT_EXEC ? SYS_execve : s->act == ACT_OPEN ? SYS_openat : SYS_connect);
}

/* At the call's entry its argument is replaced in the traced process's memory. */
static void inject(const struct spec *s, pid_t child, const struct __ptrace_syscall_info *call)
{
	static union asked what;
	const size_t len = s->act == ACT_CONNECT ? s->to_len : strlen(s->path) + 1;
	struct iovec from = {.iov_base = &what, .iov_len = len};
	struct iovec to = {.iov_base = (void *)(uintptr_t)call->entry.args[s->act == ACT_EXEC ? 0 : 1], .iov_len = len};

	ask(s, false, &what);
	if (process_vm_writev(child, &from, 1, &to, 1, 0) != (ssize_t)len)
		impossible("writing to the traced process");
}

static int by_injection(const struct spec *s)
{
	static union asked harmless;
	const pid_t child = fork();
	bool injected = false;
	int status = 0;

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
		    call.op == PTRACE_SYSCALL_INFO_ENTRY && is_call_of(s, call.entry.nr)) {
			inject(s, child, &call);
			injected = true;
		}
		(void)ptrace(injected ? PTRACE_CONT : PTRACE_SYSCALL, child, NULL, NULL);
	}
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ? ACTOR_REFUSED : ACTOR_IMPOSSIBLE;
	return WEXITSTATUS(status);
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static int without_waiting(const struct spec *s)
{
	acts_now();
	return outcome(connect_to(s, SOCK_NONBLOCK));
}

static int as_mapped(const struct spec *s)
{
	struct spec other = *s;

	if (s->family != AF_INET) {
		errno = EAFNOSUPPORT;
		impossible("the address is none of IPv4");
	}
	other.family = AF_INET6;
	other.to.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = s->to.in.sin_port};
	other.to.in6.sin6_addr.s6_addr[10] = other.to.in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(other.to.in6.sin6_addr.s6_addr + 12, &s->to.in.sin_addr, 4);
	other.to_len = sizeof(other.to.in6);
	return plain(&other);
}

static int by_fast_open(const struct spec *s)
{
	const int fd = make_socket(s, 0);

	if (s->proto != IPPROTO_TCP) {
		errno = EPROTONOSUPPORT;
		impossible("fast open is TCP's");
	}
	acts_now();
	return outcome(sendto(fd, "x", 1, MSG_FASTOPEN, &s->to.any, s->to_len) < 0 ? came_through(errno) : 0);
}

static int by_sendto(const struct spec *s)
{
	struct spec other = *s;
	int fd;

	other.proto = IPPROTO_UDP;
	fd = make_socket(&other, 0);
	acts_now();
	return outcome(sendto(fd, "x", 1, 0, &s->to.any, s->to_len) < 0 ? came_through(errno) : 0);
}

static int by_sendmsg(const struct spec *s)
{
	struct iovec data = {.iov_base = (void *)"x", .iov_len = 1};
	struct msghdr m = {.msg_name = (void *)&s->to.any, .msg_namelen = s->to_len, .msg_iov = &data, .msg_iovlen = 1};
	struct spec other = *s;
	int fd;

	other.proto = IPPROTO_UDP;
	fd = make_socket(&other, 0);
	acts_now();
	return outcome(sendmsg(fd, &m, 0) < 0 ? came_through(errno) : 0);
}

/* ---- io_uring ---------------------------------------------------------------------------------------------------- */

/* One operation on a ring of its own. Returns its result. */
static int uring(const struct io_uring_sqe *op)
{
	struct io_uring_params p = {0};
	const int fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	char *sq, *cq;

	if (fd < 0)
		impossible("io_uring");
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	          IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	          IORING_OFF_CQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		impossible("io_uring's memory");
	sqes[0] = *op;
	((uint32_t *)(void *)(sq + p.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(void *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	acts_now();
	if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		impossible("io_uring_enter");
	cqes = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
	return cqes[0].res;
}

static int by_uring(const struct spec *s)
{
	struct io_uring_sqe op = {0};
	int result;

	if (s->act == ACT_OPEN) {
		op.opcode = IORING_OP_OPENAT;
		op.fd = AT_FDCWD;
		op.addr = (uint64_t)(uintptr_t)s->path;
		op.len = 0600;
		op.open_flags = (uint32_t)s->flags;
	} else {
		op.opcode = IORING_OP_CONNECT;
		op.fd = make_socket(s, 0);
		op.addr = (uint64_t)(uintptr_t)&s->to;
		op.off = s->to_len;
	}
	result = uring(&op);
	if (result == -EINVAL) {
		errno = EINVAL;
		impossible("this operation of io_uring");
	}
	return outcome(result < 0 ? came_through(-result) : 0);
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*act)(const struct spec *s);
} tricks[] = {
        {"plain", plain},
        {"symlink", by_symlink},
        {"link-name", by_other_name},
        {"relative", by_relative_path},
        {"dot-dot", by_dots},
        {"proc-root", by_proc_root},
        {"long-path", by_long_path},
        {"descriptor", by_descriptor},
        {"directory", by_directory},
        {"openat2", by_openat2},
        {"creat", by_creat},
        {"hard-link", by_hard_link},
        {"rename", by_rename},
        {"bind-mount", by_bind_mount},
        {"handle", by_handle},
        {"copy", by_copy},
        {"memfd", by_memfd},
        {"shebang", by_script},
        {"ld.so", by_loader},
        {"long-arguments", with_long_arguments},
        {"comm", with_other_name},
        {"thread", in_thread},
        {"vfork", by_vfork},
        {"rewriting", by_rewriting},
        {"rewriting-arguments", by_rewriting_arguments},
        {"swapped-link", by_swapped_link},
        {"ptrace", by_injection},
        {"non-blocking", without_waiting},
        {"mapped", as_mapped},
        {"fast-open", by_fast_open},
        {"sendto", by_sendto},
        {"sendmsg", by_sendmsg},
        {"io_uring", by_uring},
};

/* ---- what to do -------------------------------------------------------------------------------------------------- */

static const char *value_of(const char *arg, const char *name)
{
	const size_t len = strlen(name);

	return !strncmp(arg, name, len) && arg[len] == '=' ? arg + len + 1 : NULL;
}

static void read_address(struct spec *s, const char *hex, int port)
{
	uint8_t bytes[16] = {0};

	for (size_t i = 0; i < sizeof(bytes) && hex[2 * i] && hex[2 * i + 1]; i++) {
		const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	if (s->family == AF_INET) {
		s->to.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
		memcpy(&s->to.in.sin_addr, bytes, 4);
		s->to_len = sizeof(s->to.in);
	} else {
		s->to.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
		memcpy(&s->to.in6.sin6_addr, bytes, 16);
		s->to_len = sizeof(s->to.in6);
	}
}

/* Somebody answers at every address of this place. */
static void listen_at(const struct spec *s, int port)
{
	const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0, on = 1;
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	(void)s;
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) || listen(fd, 1024))
		(void)close(fd);
}

/* One generation further down; the child's end is this one's. */
static void become_parent(int argc, char **argv, int next)
{
	char *args[MAX_ARGS * 2] = {(char *)value_of(argv[next], "next")};
	pid_t child;
	int n = 1;

	for (int i = 1; i < argc && n < MAX_ARGS * 2 - 1; i++)
		if (i != next)
			args[n++] = argv[i];
	child = fork();
	if (child < 0)
		impossible("fork");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execv(args[0], args);
		impossible("starting a child");
	}
	_exit(awaited(child));
}

static int act(const struct spec *s)
{
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++)
		if (!strcmp(tricks[i].name, s->trick))
			return tricks[i].act(s);
	errno = EINVAL;
	impossible(s->trick);
}

static void read_spec(struct spec *s, int argc, char **argv)
{
	const char *v, *addr = "";
	int port = 0;

	for (int i = 1; i < argc; i++) {
		if ((v = value_of(argv[i], "act")))
			s->act = *v == 'e' ? ACT_EXEC : *v == 'o' ? ACT_OPEN : ACT_CONNECT;
		else if ((v = value_of(argv[i], "trick")))
			s->trick = v;
		else if ((v = value_of(argv[i], "path")))
			s->path = s->plain_path = v;
		else if ((v = value_of(argv[i], "flags")))
			s->flags = (int)strtol(v, NULL, 10);
		else if ((v = value_of(argv[i], "arg")) && s->nargs < MAX_ARGS - 1)
			s->args[s->nargs++] = (char *)v;
		else if ((v = value_of(argv[i], "family")))
			s->family = *v == '4' ? AF_INET : AF_INET6;
		else if ((v = value_of(argv[i], "addr")))
			addr = v;
		else if ((v = value_of(argv[i], "port")))
			port = (int)strtol(v, NULL, 10);
		else if ((v = value_of(argv[i], "proto")))
			s->proto = *v == 'u' ? IPPROTO_UDP : IPPROTO_TCP;
		else if ((v = value_of(argv[i], "tries")))
			s->tries = (int)strtol(v, NULL, 10);
		else if ((v = value_of(argv[i], "env")))
			add_variable((char *)v);
		else if ((v = value_of(argv[i], "memory")))
			s->memory = *v == '1';
		else if ((v = value_of(argv[i], "all")))
			s->all = *v == '1';
	}
	if (s->act != ACT_CONNECT)
		return;
	read_address(s, addr, port);
	listen_at(s, port);
	listen_at(s, 1);
}

/* What it means that this program was started as the act. */
static int has_run(int argc, char **argv)
{
	const char *as = (const char *)getauxval(AT_EXECFN), *asked = getenv(ACTOR_ASKED);

	if (as && !strcmp(as, ACTOR_HARMLESS))
		return ACTOR_HARMLESS_RAN;
	for (int i = 1; asked && i < argc; i++)
		if (!strcmp(argv[i], asked))
			return ACTOR_THROUGH;
	return asked ? ACTOR_HARMLESS_RAN : ACTOR_THROUGH;
}

int main(int argc, char **argv)
{
	static struct spec s = {.trick = "plain",
	                        .path = "",
	                        .plain_path = "",
	                        .family = AF_INET,
	                        .proto = IPPROTO_TCP,
	                        .tries = 100,
	                        .at = AT_FDCWD};

	if (getenv("TERCEL_VERIFY_RAN"))
		_exit(has_run(argc, argv));
	for (int i = 1; i < argc; i++)
		if (value_of(argv[i], "next"))
			become_parent(argc, argv, i);
	read_spec(&s, argc, argv);
	_exit(act(&s));
}
