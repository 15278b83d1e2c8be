// SPDX-License-Identifier: Apache-2.0
/*
 * Attacks in time: while a process makes a call, a second thread of it rewrites what the call was given (the path, an
 * argument, the address, flags), or puts another symbolic link in the path's place. A rule forbids one of the two
 * things that the call may come to. However the race ends, what is forbidden is never reached, and what is permitted
 * never blocked: each verdict is true of what the kernel resolved.
 *
 * Usage: test_time_of_check RACED0 RACED1: programs that tell which of the two they are (raced.c); 1 is forbidden.
 * $TERCEL_TEST_DIVISOR: of the 100,000 tries of each race, one share of so many; for machines that are slow.
 */
#include "../property/decide.h"

#include <ctype.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>

#define TRIES 100000
#define PERMITTED 0
#define FORBIDDEN 1

/* How a try ended. */
enum outcome {
	REACHED,     /* what is permitted */
	BLOCKED,     /* with the verdict's error or signal */
	NEITHER,     /* for another reason */
	BYPASSED,    /* what is forbidden was reached */
	FALSE_BLOCK, /* blocked, although it had come to what is permitted */
	OUTCOMES,
};

/* What the racing process and its threads share with the test. */
static struct shared {
	/* What is given to the kernel, and rewritten: by one byte, so that it is always one of the two. */
	_Alignas(64) char path[PATH_MAX];
	_Alignas(64) char argument[64];
	_Alignas(64) struct sockaddr_in address;
	_Alignas(64) struct open_how how;
	_Alignas(64) atomic_bool stop;
	atomic_uint turns; /* how often it was rewritten */
	atomic_long told[OUTCOMES];
	atomic_long witnessed; /* tries of which something else than Tercel told what they came to */
} *shared;

struct race {
	const char *title;
	const char *condition; /* '@' is the scratch directory */
	void (*prepare)(void);
	enum outcome (*attempt)(void);
	char *byte; /* what is rewritten, in turn, by … */
	char values[2];
	void (*swap)(void);    /* or this is done instead */
	const char *object;    /* what verdicts name, from the scratch directory; NULL: no file */
	unsigned int part;     /* of the tries: one of so many, where a try is slow */
	bool verdict_has_addr; /* of the peer */
};

static const char *programs[2];
static int listeners[2] = {-1, -1};
static int witness = -1;
static ino_t inodes[2];

static const char *file(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 4];

	in_work(path, PATH_MAX, name);
	return path;
}

static void set_path(const char *name)
{
	snprintf(shared->path, sizeof(shared->path), "%s", file(name));
}

static char *last_of(char *text)
{
	return text + strlen(text) - 1;
}

static ino_t inode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(file(name), &st), 0);
	return st.st_ino;
}

static void make_file(const char *name, const char *text)
{
	int fd;

	unlink(file(name));
	fd = open(file(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

/* As it was before somebody got through, if that is possible. */
static void restore(const char *name)
{
	int fd = open(file(name), O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd >= 0 && write(fd, "text", 4) != 4)
		abort();
	if (fd >= 0)
		close(fd);
	chmod(file(name), 0644);
}

static bool has_text(const char *name, const char *text)
{
	char bytes[16] = "";
	int fd = open(file(name), O_RDONLY | O_CLOEXEC);
	bool same = fd >= 0 && read(fd, bytes, sizeof(bytes) - 1) == (ssize_t)strlen(text) && strcmp(bytes, text) == 0;

	close(fd);
	return same;
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

/* The kernel's notifications tell which file was opened to be started: not Tercel's own word. */
static void watch_programs(void)
{
	witness =
	        fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	for (int i = 0; witness >= 0 && i < 2; i++)
		if (fanotify_mark(witness, FAN_MARK_ADD, FAN_OPEN_EXEC, AT_FDCWD, file(i ? "raced1" : "raced0"))) {
			close(witness);
			witness = -1;
		}
}

/* Which one was opened since the last call: an index, or -1: not known. */
static int witnessed(void)
{
	struct fanotify_event_metadata events[8];
	int seen = -1;
	ssize_t n;

	while (witness >= 0 && (n = read(witness, events, sizeof(events))) > 0)
		for (struct fanotify_event_metadata *e = events; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
			struct stat st;

			if (e->fd < 0)
				continue;
			if (fstat(e->fd, &st) == 0)
				seen = st.st_ino == inodes[FORBIDDEN];
			close(e->fd);
		}
	return seen;
}

static void prepare_programs(void)
{
	set_path("raced0");
	snprintf(shared->argument, sizeof(shared->argument), "an-argument-of-some-length-0");
	inodes[PERMITTED] = inode_of("raced0");
	inodes[FORBIDDEN] = inode_of("raced1");
	watch_programs();
}

/* Returns the exit status of the program, or 64 + the error of its start, or 256: killed. */
static int start_raced(void)
{
	char *const argv[] = {(char *)"raced", shared->argument, NULL}, *const envp[] = {NULL};
	int status = 0;
	/* The other thread runs on in the same memory: only this one waits for the exec. */
	const pid_t pid = vfork(); /* NOLINT(bugprone-unsafe-functions) */

	if (pid == 0) {
		execve(shared->path, argv, envp);
		_exit(64 + (errno & 63)); /* NOLINT(clang-analyzer-unix.Vfork): the address of errno is known */
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

static enum outcome attempt_program(void)
{
	const int status = start_raced(), opened = witnessed();

	shared->witnessed += opened >= 0;
	if (status == 256 || status == 64 + EPERM)
		return opened == PERMITTED ? FALSE_BLOCK : BLOCKED;
	if (status >= 64)
		return NEITHER;
	return status & 1 ? BYPASSED : REACHED;
}

static enum outcome attempt_argument(void)
{
	const int status = start_raced();

	(void)witnessed();
	if (status == 256 || status == 64 + EPERM)
		return BLOCKED;
	if (status >= 64)
		return NEITHER;
	return status & 2 ? BYPASSED : REACHED;
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static const char *const addresses[] = {"127.81.0.10", "127.81.0.11"};

/* One on each address, on the same port; none where nobody may reach it. */
static void prepare_connections(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);

	for (int i = 0; i < 2; i++) {
		listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		inet_pton(AF_INET, addresses[i], &a.sin_addr);
		if (listeners[i] < 0 || bind(listeners[i], (struct sockaddr *)&a, sizeof(a)) ||
		    listen(listeners[i], 128) || getsockname(listeners[i], (struct sockaddr *)&a, &len))
			abort();
	}
	shared->address = a;
}

static void end_at_once(int fd)
{
	const struct linger none = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
}

static bool somebody_came(int which)
{
	int fd = accept4(listeners[which], NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		end_at_once(fd);
	return fd >= 0;
}

static enum outcome attempt_connection(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), error;
	struct sockaddr_in peer = {0};
	socklen_t len = sizeof(peer);
	struct in_addr forbidden;

	inet_pton(AF_INET, addresses[FORBIDDEN], &forbidden);
	if (fd < 0)
		abort();
	error = connect(fd, (const struct sockaddr *)&shared->address, sizeof(shared->address)) ? errno : 0;
	if (!error && getpeername(fd, (struct sockaddr *)&peer, &len))
		abort();
	end_at_once(fd);
	if (type == SOCK_STREAM && somebody_came(FORBIDDEN))
		return BYPASSED;
	if (error)
		return error == EPERM ? BLOCKED : NEITHER;
	shared->witnessed++;
	if (type == SOCK_STREAM && peer.sin_addr.s_addr != forbidden.s_addr && !somebody_came(PERMITTED))
		return NEITHER;
	return peer.sin_addr.s_addr == forbidden.s_addr ? BYPASSED : REACHED;
}

static enum outcome attempt_tcp(void)
{
	return attempt_connection(SOCK_STREAM);
}

static enum outcome attempt_udp(void)
{
	return attempt_connection(SOCK_DGRAM);
}

/* ---- files (BPF LSM) --------------------------------------------------------------------------------------------- */

static const struct timespec long_ago[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

static void prepare_files(void)
{
	unlink(file("link0"));
	unlink(file("link1"));
	make_file("file0", "text");
	make_file("file1", "text");
	inodes[PERMITTED] = inode_of("file0");
	inodes[FORBIDDEN] = inode_of("file1");
	if (symlink(file("file0"), file("link0")) || symlink(file("file1"), file("link1")))
		abort();
	set_path("file0");
}

static void prepare_links(void)
{
	prepare_files();
	set_path("link0");
}

/* That a link was followed is told by the time when it was last read. */
static bool was_followed(const char *link)
{
	struct stat st;

	return lstat(file(link), &st) == 0 && st.st_atim.tv_sec != long_ago[0].tv_sec;
}

static enum outcome outcome_of_open(int fd, int error)
{
	struct stat st = {0};

	if (fd < 0)
		return error == EPERM ? BLOCKED : NEITHER;
	if (fstat(fd, &st))
		abort();
	close(fd);
	return st.st_ino == inodes[FORBIDDEN] ? BYPASSED : REACHED;
}

static enum outcome attempt_open(void)
{
	int fd = open(shared->path, O_RDONLY | O_CLOEXEC);

	return outcome_of_open(fd, errno);
}

static enum outcome attempt_open_by_link(void)
{
	static const char *const links[] = {"link0", "link1"};
	enum outcome outcome;
	bool followed[2];
	int fd, error;

	for (int i = 0; i < 2; i++)
		utimensat(AT_FDCWD, file(links[i]), long_ago, AT_SYMLINK_NOFOLLOW);
	fd = open(shared->path, O_RDONLY | O_CLOEXEC);
	error = errno;
	for (int i = 0; i < 2; i++)
		followed[i] = was_followed(links[i]);
	outcome = outcome_of_open(fd, error);
	shared->witnessed += followed[0] != followed[1];
	return outcome == BLOCKED && followed[PERMITTED] && !followed[FORBIDDEN] ? FALSE_BLOCK : outcome;
}

static void swap_links(void)
{
	static char links[2][PATH_MAX];

	if (!links[0][0])
		for (int i = 0; i < 2; i++)
			in_work(links[i], sizeof(links[i]), i ? "link1" : "link0");
	syscall(SYS_renameat2, AT_FDCWD, links[0], AT_FDCWD, links[1], 2 /* RENAME_EXCHANGE */);
}

static enum outcome attempt_truncation(void)
{
	int fd = open(shared->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	enum outcome outcome = outcome_of_open(fd, errno);
	/* Read without a path that the other thread writes to. */
	const bool untouched[] = {has_text("file0", "text"), has_text("file1", "text")};

	if (!untouched[FORBIDDEN]) {
		restore("file1");
		return BYPASSED;
	}
	if (!untouched[PERMITTED])
		make_file("file0", "text");
	shared->witnessed += outcome == REACHED;
	return outcome == BLOCKED && !untouched[PERMITTED] ? FALSE_BLOCK : outcome;
}

static void prepare_mode_of_open(void)
{
	prepare_files();
	set_path("file1");
	shared->how = (struct open_how){.flags = O_RDONLY | O_CLOEXEC};
}

/* The flags of openat2 are in memory. It may be read, and not written. */
static enum outcome attempt_mode_of_open(void)
{
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, shared->path, &shared->how, sizeof(shared->how)), flags;

	if (fd < 0)
		return errno == EPERM ? BLOCKED : NEITHER;
	flags = fcntl(fd, F_GETFL);
	close(fd);
	shared->witnessed++;
	return (flags & O_ACCMODE) == O_RDONLY ? REACHED : BYPASSED;
}

static enum outcome attempt_removal(void)
{
	const int error = unlink(shared->path) ? errno : 0;

	if (access(file("file1"), F_OK)) {
		make_file("file1", "text");
		return BYPASSED;
	}
	if (access(file("file0"), F_OK)) {
		make_file("file0", "text");
		return error == EPERM ? FALSE_BLOCK : REACHED;
	}
	return error == EPERM ? BLOCKED : NEITHER;
}

static enum outcome attempt_mode(void)
{
	const int error = chmod(shared->path, 0600) ? errno : 0;
	struct stat st[2];

	if (stat(file("file0"), &st[0]) || stat(file("file1"), &st[1]))
		abort();
	if ((st[FORBIDDEN].st_mode & 07777) != 0644) {
		restore("file1");
		return BYPASSED;
	}
	if ((st[PERMITTED].st_mode & 07777) == 0644)
		return error == EPERM ? BLOCKED : NEITHER;
	if (chmod(file("file0"), 0644))
		abort();
	return error ? FALSE_BLOCK : REACHED;
}

/* ---- the race ---------------------------------------------------------------------------------------------------- */

static void rewrite(const struct race *r, unsigned int turn)
{
	if (r->swap)
		r->swap();
	else
		*(volatile char *)r->byte = r->values[turn & 1];
}

/* Rewrites after intervals of all lengths up to some microseconds: whatever moment of the call it takes. */
static void *disturb(void *arg)
{
	const struct race *r = arg;
	unsigned int chance = 4711;

	for (unsigned int turn = 0; !atomic_load_explicit(&shared->stop, memory_order_relaxed); turn++) {
		chance = chance * 1664525 + 1013904223;
		for (volatile unsigned int i = chance >> (20 + (chance & 7)); i; i--)
			;
		rewrite(r, turn);
		atomic_store_explicit(&shared->turns, turn + 1, memory_order_relaxed);
		/*
		 * Where a processor is short, the process that is to be disturbed has to run, too. By the upper bits:
		 * the lowest come round with the turns, so that it would always be the same value that is left there.
		 */
		if (chance >> 27 == 0)
			sched_yield();
	}
	return NULL;
}

/* Where processors are short, many tries would else go by while the other thread waits for one, and be no race. */
static void await_turn(void)
{
	static unsigned int last;

	for (int i = 0; i < 100 && atomic_load_explicit(&shared->turns, memory_order_relaxed) == last; i++)
		sched_yield();
	last = atomic_load_explicit(&shared->turns, memory_order_relaxed);
}

struct run {
	const struct race *race;
	long tries;
};

/* What the racing process does: `tries` tries, with a thread that disturbs them. */
static int race(void *arg)
{
	const struct run *run = arg;
	const struct race *r = run->race;
	pthread_t thread;

	if (pthread_create(&thread, NULL, disturb, (void *)r))
		return 1;
	for (long i = 0; i < run->tries; i++) {
		if (i % 16 == 0)
			await_turn();
		shared->told[r->attempt()]++;
	}
	shared->stop = true;
	pthread_join(thread, NULL);
	/* Who waits at the forbidden listener has got through, too. */
	shared->told[BYPASSED] += listeners[FORBIDDEN] >= 0 && somebody_came(FORBIDDEN);
	return 0;
}

static void finish(void)
{
	int *const fds[] = {&listeners[0], &listeners[1], &witness};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* The byte of `r`, in the memory of this run. */
static struct race placed(struct race r)
{
	set_path(r.object ? r.object : "raced0");
	if (r.byte == NULL && !r.swap)
		r.byte = last_of(shared->path);
	return r;
}

struct told {
	long enforced, monitored, uncertain, wrong;
};

static bool names_object(const struct race *r, const struct tercel_hdr *record)
{
	const struct tercel_verdict *v = (const void *)record;
	struct in_addr forbidden;

	if (r->verdict_has_addr) {
		inet_pton(AF_INET, addresses[FORBIDDEN], &forbidden);
		return v->remote.family == AF_INET && memcmp(v->remote.addr, &forbidden, 4) == 0;
	}
	if (!r->object || v->point == TERCEL_POINT_EXEC_COMMIT)
		return true;
	take_span(told_path, record, v->path);
	return strcmp(told_path, file(r->object)) == 0;
}

static void take_verdicts(const struct race *r, struct told *t, int timeout)
{
	const struct tercel_hdr *record;

	while (sensor_next(sensor, timeout, &record) == 1) {
		const struct tercel_verdict *v = (const void *)record;

		if (record->type != TERCEL_VERDICT)
			continue;
		if (v->uncertain)
			t->uncertain++;
		else if (v->enforced)
			t->enforced++;
		else
			t->monitored++;
		t->wrong += !names_object(r, record);
	}
}

/* Runs it in the scratch cgroup, and takes verdicts meanwhile. */
static struct told run_race(const struct race *which, const char *mode, long tries)
{
	_autobuf_ struct buf condition = BUF_INIT, policy = BUF_INIT;
	const struct race r = placed(*which);
	struct run run = {.race = &r, .tries = tries};
	struct told t = {0};
	int status = 0;
	pid_t pid;

	for (const char *c = r.condition; *c; c++)
		if (*c == '@')
			buf_adds(&condition, work);
		else
			buf_addc(&condition, *c);
	buf_addf(&policy, "rules_files: [test.yaml]\nrules:\n  - name: '*'\n    mode: %s\n", mode);
	memset(shared->told, 0, sizeof(shared->told));
	shared->stop = false;
	shared->witnessed = 0;
	take_verdicts(&r, &t, 50);
	t = (struct told){0};
	/* Before it is forbidden. */
	r.prepare();
	apply_one(buf_str(&condition), buf_str(&policy));
	pid = start_in(cgroup, race, &run, 400);
	while (waitpid(pid, &status, WNOHANG) == 0)
		take_verdicts(&r, &t, 5);
	take_verdicts(&r, &t, 300);
	finish();
	assert_int_equal(status, 0);
	return t;
}

static long divisor(void)
{
	const char *text = getenv("TERCEL_TEST_DIVISOR");
	const long n = text ? strtol(text, NULL, 10) : 1;

	return n > 0 ? n : 1;
}

/* Whether both ends of the race have come in these tries; fails if one of them was a wrong one. */
static bool race_enforced(const struct race *r, long tries)
{
	struct tercel_stats before, after;
	struct timespec begin, end;
	struct told t;

	assert_int_equal(sensor_stats(sensor, &before), 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	t = run_race(r, "enforce", tries);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(sensor_stats(sensor, &after), 0);
	printf("%-38s %6ld tries in %3ld s: %ld permitted, %ld blocked, %ld neither; %ld verdicts; %ld had a witness\n",
	       r->title, tries, end.tv_sec - begin.tv_sec, shared->told[REACHED], shared->told[BLOCKED],
	       shared->told[NEITHER], t.enforced, shared->witnessed);
	if (shared->told[BYPASSED] || shared->told[FALSE_BLOCK] || t.uncertain || t.monitored || t.wrong)
		fail_msg("%s: %ld bypassed, %ld blocked falsely; verdicts: %ld uncertain, %ld monitored, %ld wrong",
		         r->title, shared->told[BYPASSED], shared->told[FALSE_BLOCK], t.uncertain, t.monitored,
		         t.wrong);
	assert_int_equal(after.dropped[TERCEL_VERDICT], before.dropped[TERCEL_VERDICT]);
	assert_int_equal(t.enforced, shared->told[BLOCKED]);
	assert_int_equal(after.policy_errors, before.policy_errors);
	for (int i = 0; i < TERCEL_POINTS; i++)
		assert_int_equal(after.undecided[i], before.undecided[i]);
	return shared->told[REACHED] > tries / 200 && shared->told[BLOCKED] > tries / 200;
}

static void expect_race(const struct race *r)
{
	const long tries = TRIES / divisor() / (r->part ? r->part : 1), trial = tries / 20 > 100 ? tries / 20 : 100;
	struct told t;
	bool both = false;

	/* Unless it is enforced, the race does come to what is forbidden: the attack is one, and it would be seen. */
	for (int i = 0; i < 5; i++) {
		t = run_race(r, "monitor", trial);
		if (shared->told[BYPASSED] && shared->told[REACHED])
			break;
	}
	if (!shared->told[BYPASSED] || !shared->told[REACHED] || !t.monitored || t.enforced)
		fail_msg("%s: without enforcement %ld permitted, %ld forbidden; %ld verdicts, %ld enforced", r->title,
		         shared->told[REACHED], shared->told[BYPASSED], t.monitored, t.enforced);
	/* Both ends of the race have to come; where there are few tries, they may not at once. */
	for (int i = 0; i < 5 && !both; i++)
		both = race_enforced(r, tries);
	assert_true(both);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

#define EXECS "evt.type in (execve, execveat) and "
#define OPENS "evt.type in (open, openat, openat2, creat) and "

static void a_path_that_changes_starts_no_forbidden_program(void **unused)
{
	(void)unused;
	expect_race(&(struct race){.title = "the path of a program",
	                           .condition = EXECS "proc.exepath = @/raced1",
	                           .prepare = prepare_programs,
	                           .attempt = attempt_program,
	                           .values = "01",
	                           .part = 2,
	                           .object = "raced1"});
}

static void a_name_that_changes_starts_no_forbidden_program(void **unused)
{
	(void)unused;
	expect_race(&(struct race){.title = "the name of a program",
	                           .condition = EXECS "proc.name = raced1 and container.id != host",
	                           .prepare = prepare_programs,
	                           .attempt = attempt_program,
	                           .values = "01",
	                           .part = 4,
	                           .object = "raced1"});
}

static void an_argument_that_changes_reaches_no_program_that_runs(void **unused)
{
	(void)unused;
	expect_race(&(struct race){.title = "an argument",
	                           .condition = EXECS "proc.args endswith length-1",
	                           .prepare = prepare_programs,
	                           .attempt = attempt_argument,
	                           .byte = shared->argument + strlen("an-argument-of-some-length-"),
	                           .values = "01",
	                           .part = 4});
}

static void an_address_that_changes_is_not_connected_to(void **unused)
{
	const struct race tcp = {.title = "the address of a TCP connection",
	                         .condition = "evt.type = connect and fd.l4proto = tcp and fd.sip = 127.81.0.11",
	                         .prepare = prepare_connections,
	                         .attempt = attempt_tcp,
	                         .byte = (char *)&shared->address.sin_addr + 3,
	                         .values = "\x0a\x0b",
	                         .verdict_has_addr = true};
	struct race udp = tcp;

	(void)unused;
	expect_race(&tcp);
	udp.title = "the address of a UDP socket";
	udp.condition = "evt.type = connect and fd.l4proto = udp and fd.sip = 127.81.0.11";
	udp.attempt = attempt_udp;
	expect_race(&udp);
}

static void a_path_that_changes_opens_no_forbidden_file(void **unused)
{
	const struct race open = {.title = "the path of an open",
	                          .condition = OPENS "fd.name = @/file1",
	                          .prepare = prepare_files,
	                          .attempt = attempt_open,
	                          .values = "01",
	                          .object = "file1"};
	struct race r = open;

	(void)unused;
	expect_race(&r);
	r.title = "the path of an open, by links";
	r.prepare = prepare_links;
	r.attempt = attempt_open_by_link;
	r.part = 2;
	expect_race(&r);
	r.title = "a link on the way of an open";
	r.attempt = attempt_open;
	r.swap = swap_links;
	expect_race(&r);
}

static void what_changes_writes_to_no_forbidden_file(void **unused)
{
	struct race r = {.title = "the path of an open that truncates",
	                 .condition = OPENS "evt.is_open_write = true and fd.name = @/file1",
	                 .prepare = prepare_files,
	                 .attempt = attempt_truncation,
	                 .values = "01",
	                 .object = "file1",
	                 .part = 4};

	(void)unused;
	expect_race(&r);
	r.title = "the flags of openat2";
	r.prepare = prepare_mode_of_open;
	r.attempt = attempt_mode_of_open;
	r.byte = (char *)&shared->how.flags;
	r.values[0] = O_RDONLY;
	r.values[1] = O_RDWR;
	r.part = 2;
	expect_race(&r);
}

static void a_path_that_changes_alters_no_forbidden_file(void **unused)
{
	struct race r = {.title = "the path of a removal",
	                 .condition = "evt.type in (unlink, unlinkat) and fs.path.name = @/file1",
	                 .prepare = prepare_files,
	                 .attempt = attempt_removal,
	                 .values = "01",
	                 .object = "file1",
	                 .part = 4};

	(void)unused;
	expect_race(&r);
	r.title = "the path of a change of mode";
	r.condition = "evt.type in (chmod, fchmod, fchmodat) and fs.path.name = @/file1";
	r.attempt = attempt_mode;
	expect_race(&r);
}

static void remove_files(void)
{
	static const char *const names[] = {"raced0", "raced1", "file0", "file1", "link0", "link1"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(file(names[i]));
}

static bool lsm;

static int group(void)
{
	const struct CMUnitTest everywhere[] = {
	        cmocka_unit_test(a_path_that_changes_starts_no_forbidden_program),
	        cmocka_unit_test(a_name_that_changes_starts_no_forbidden_program),
	        cmocka_unit_test(an_argument_that_changes_reaches_no_program_that_runs),
	        cmocka_unit_test(an_address_that_changes_is_not_connected_to),
	};
	const struct CMUnitTest by_lsm[] = {
	        cmocka_unit_test(a_path_that_changes_opens_no_forbidden_file),
	        cmocka_unit_test(what_changes_writes_to_no_forbidden_file),
	        cmocka_unit_test(a_path_that_changes_alters_no_forbidden_file),
	};
	int failed;

	copy_program(programs[0], "raced0");
	copy_program(programs[1], "raced1");
	failed = cmocka_run_group_tests(everywhere, NULL, NULL);
	if (lsm)
		failed += cmocka_run_group_tests(by_lsm, NULL, NULL);
	remove_files();
	return failed;
}

int main(int argc, char **argv)
{
	struct error err = {""};

	if (argc != 3) {
		fprintf(stderr, "usage: test_time_of_check RACED0 RACED1\n");
		return 2;
	}
	programs[0] = argv[1];
	programs[1] = argv[2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	lsm = load_check_lsm(&(struct load_options){0}, &err) == 0;
	if (lsm)
		decide_points = sensor_points();
	return decide_main(group) ? 1 : 0;
}
