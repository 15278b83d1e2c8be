/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of live decisions share: a scratch cgroup that is named like a container's, programs to start in it, a
 * sensor that decides there alone, and its verdicts.
 */
#ifndef TERCEL_TESTS_PROPERTY_DECIDE_H
#define TERCEL_TESTS_PROPERTY_DECIDE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "base/buf.h"
#include "policy/placement.h"
#include "policy/policy.h"
#include "rules/rules.h"
#include "sensor/load.h"
#include "sensor/sensor.h"
#include "tests/kernel/int80.h"

#define SKIPPED 77
#define CONTAINER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static struct sensor *sensor;
static char outer[PATH_MAX], cgroup[PATH_MAX + 128], below[PATH_MAX + 140], host[PATH_MAX + 128];
static char work[] = "/tmp/tercel-decide-XXXXXX";
static int listener = -1;
static pid_t *actor; /* shared with the children: who acts */
static uint16_t port;
/* 1 << enum tercel_point: where is decided. */
static uint32_t decide_points;
/* What a test does with an image before it is in force. */
static void (*before_policy)(const struct image *image);

/* ---- the scratch place --------------------------------------------------------------------------------------------
 */

static inline int find_v2(char *out, size_t size)
{
	_autofclose_ FILE *f = fopen("/proc/mounts", "re");
	char line[2048], dir[1024], type[64];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %1023s %63s", dir, type) == 2 && strcmp(type, "cgroup2") == 0) {
			snprintf(out, size, "%s", dir);
			return 0;
		}
	return -ENOENT;
}

static inline int write_text(const char *path, const char *text)
{
	_autoclose_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
}

static inline void copy_program(const char *from, const char *name)
{
	_autobuf_ struct buf to = BUF_INIT;
	_autoclose_ int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	char bytes[65536];
	ssize_t n;

	buf_addf(&to, "%s/%s", work, name);
	out = open(buf_str(&to), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
}

static inline void listen_on_loopback(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0) {
		fail_msg("socket: %s", strerror(errno));
		return;
	}
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	port = ntohs(a.sin_port);
}

/* Accepts what is waiting; returns how many connections that were. */
static inline int accepted(void)
{
	int n = 0, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		close(fd);
		n++;
	}
	return n;
}

static inline void remove_place(void)
{
	static const char *const files[] = {"tctarget", "tctargex", "tctrue", "tcshell",
	                                    "tcgone",   "tclink",   "marker", "passwd"};
	_autobuf_ struct buf path = BUF_INIT;

	if (listener >= 0)
		close(listener);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		buf_reset(&path);
		buf_addf(&path, "%s/%s", work, files[i]);
		unlink(buf_str(&path));
	}
	rmdir(work);
	rmdir(below);
	rmdir(cgroup);
	rmdir(host);
	rmdir(outer);
}

static inline int make_place(void)
{
	char root[1024];

	if (find_v2(root, sizeof(root)))
		return -ENOENT;
	snprintf(outer, sizeof(outer), "%s/tercel-decide-%d", root, getpid());
	snprintf(cgroup, sizeof(cgroup), "%s/docker-%s.scope", outer, CONTAINER);
	snprintf(below, sizeof(below), "%s/below", cgroup);
	snprintf(host, sizeof(host), "%s/plain", outer);
	if (mkdir(outer, 0755) || mkdir(cgroup, 0755) || mkdir(below, 0755) || mkdir(host, 0755) || !mkdtemp(work) ||
	    chmod(work, 0755))
		return -errno;
	actor = mmap(NULL, sizeof(*actor), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (actor == MAP_FAILED)
		return -errno;
	copy_program("/bin/touch", "tctarget");
	copy_program("/bin/touch", "tctargex");
	copy_program("/bin/true", "tctrue");
	copy_program("/bin/bash", "tcshell");
	listen_on_loopback();
	return 0;
}

/* ---- acting --------------------------------------------------------------------------------------------------------
 */

/* Runs a program of the scratch place inside the cgroup; returns its wait status. */
static inline int run(const char *name, const char *const *args, pid_t *pid)
{
	_autobuf_ struct buf procs = BUF_INIT, path = BUF_INIT;
	char *argv[8] = {(char *)name};
	int status;

	buf_addf(&procs, "%s/cgroup.procs", cgroup);
	buf_addf(&path, "%s/%s", work, name);
	for (size_t i = 0; args[i]; i++)
		argv[i + 1] = (char *)args[i];
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid == 0) {
		alarm(20);
		(void)!freopen("/dev/null", "w", stderr);
		if (write_text(buf_str(&procs), "0") == 0)
			execv(buf_str(&path), argv);
		_exit(99);
	}
	assert_int_equal(waitpid(*pid, &status, 0), *pid);
	return status;
}

static inline bool marker_exists(void)
{
	_autobuf_ struct buf path = BUF_INIT;
	bool there;

	buf_addf(&path, "%s/marker", work);
	there = access(buf_str(&path), F_OK) == 0;
	unlink(buf_str(&path));
	return there;
}

static inline int touch(const char *name, const char *extra, pid_t *pid)
{
	_autobuf_ struct buf marker = BUF_INIT;

	buf_addf(&marker, "%s/marker", work);
	return run(name, (const char *const[]){buf_str(&marker), extra, NULL}, pid);
}

static inline int connect_out(pid_t *pid)
{
	_autobuf_ struct buf command = BUF_INIT;

	buf_addf(&command, "exec 3<>/dev/tcp/127.0.0.1/%u", port);
	return run("tcshell", (const char *const[]){"-c", buf_str(&command), NULL}, pid);
}

/* The texts of the verdict that verdicts_of() gave. */
static char told_path[TERCEL_PATH_MAX + 1], told_other[TERCEL_PATH_MAX + 1];

static inline void take_span(char *out, const struct tercel_hdr *record, struct tercel_span span)
{
	assert_true(span.len <= TERCEL_PATH_MAX && (!span.len || span.off + span.len <= record->size));
	memcpy(out, (const char *)record + span.off, span.len);
	out[span.len] = '\0';
}

/* The verdicts of a process; returns how many, and the first in *out. */
static inline int verdicts_of(pid_t pid, struct tercel_verdict *out)
{
	const struct tercel_hdr *record;
	int n = 0;

	/* Records come in order of time with a delay: the end is a while without any. */
	for (int quiet = 0; quiet < 3;) {
		int r = sensor_next(sensor, 100, &record);

		quiet = r == 1 ? 0 : quiet + 1;
		if (r != 1 || record->type != TERCEL_VERDICT || record->tgid != (uint32_t)pid)
			continue;
		if (n++)
			continue;
		memcpy(out, record, sizeof(*out));
		take_span(told_path, record, out->path);
		take_span(told_other, record, out->other);
	}
	return n;
}

static inline void apply(const char *rules_text, const char *policy_text)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autopolicy_ struct policy *policy = NULL;
	_autoimage_ struct image *image = NULL;
	struct error err = {""};
	int r = rules_load_buffer(&rules, "test.yaml", rules_text, strlen(rules_text), &diags);

	if (!r)
		r = policy_load_buffer(&policy, "policy.yaml", policy_text, strlen(policy_text), &diags);
	if (!r)
		r = policy_apply(&image, policy, rules, decide_points, 7, &diags);
	diag_print(&diags, stderr);
	if (r || !image) {
		fail_msg("the policy is refused: %d", r);
		return;
	}
	if (before_policy)
		before_policy(image);
	r = sensor_set_policy(sensor, image->data, image->size, &err);
	if (r)
		fail_msg("%s", err.text);
}

#define POLICY(mode, uncertain)      \
	"rules_files: [test.yaml]\n" \
	"rules:\n"                   \
	"  - name: '*'\n"            \
	"    mode: " mode "\n"       \
	"    on_uncertain: " uncertain "\n"

#define ONE_RULE "- rule: one\n  desc: d\n  condition: %s\n  output: o\n  priority: WARNING\n"

static inline void apply_one(const char *condition, const char *policy_text)
{
	_autobuf_ struct buf rules = BUF_INIT;

	buf_addf(&rules, ONE_RULE, condition);
	apply(buf_str(&rules), policy_text);
}

/*
 * Starts a deed of a process that was made in `place`, a cgroup, and has so many seconds. Returns the pid of one that
 * ends as it does; its own is in *actor.
 */
static inline pid_t start_in(const char *place, int (*deed)(void *), void *arg, unsigned int seconds)
{
	_autobuf_ struct buf procs = BUF_INIT;
	int status = 0;
	pid_t mover;

	buf_addf(&procs, "%s/cgroup.procs", place);
	mover = fork();
	assert_true(mover >= 0);
	if (mover == 0) {
		pid_t child;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(seconds);
		if (write_text(buf_str(&procs), "0"))
			_exit(99);
		/* The container is that of the fork. */
		child = fork();
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			*actor = getpid();
			alarm(seconds);
			_exit(deed(arg));
		}
		waitpid(child, &status, 0);
		if (WIFSIGNALED(status))
			raise(WTERMSIG(status));
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
	}
	return mover;
}

/* The same to its end. Returns its wait status. */
static inline int done_in(const char *place, int (*deed)(void *), void *arg)
{
	const pid_t mover = start_in(place, deed, arg, 20);
	int status = 0;

	assert_int_equal(waitpid(mover, &status, 0), mover);
	return status;
}

/*
 * What the verifier looked at in each program that makes decisions, of the 1,000,000 instructions at which it gives up:
 * other kernels count more for the same program.
 */
#define VERIFIED_LIMIT 500000

static inline void the_verifier_has_room_left(void **unused)
{
	unsigned int loaded = 0;
	__u32 id = 0;

	(void)unused;
	while (!bpf_prog_get_next_id(id, &id)) {
		_autoclose_ int fd = bpf_prog_get_fd_by_id(id);
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ||
		    (strncmp(info.name, "lsm_", 4) != 0 && strncmp(info.name, "on_", 3) != 0 &&
		     strncmp(info.name, "tercel_", 7) != 0))
			continue;
		printf("%-15s %7u instructions verified\n", info.name, info.verified_insns);
		assert_true(info.verified_insns < VERIFIED_LIMIT);
		loaded++;
	}
	assert_true(loaded > 0);
}

#ifdef __x86_64__
/* Memory that a call of 32 bits can be given: `size` bytes, with these in them. */
static inline long low_copy(const void *bytes, size_t size)
{
	void *low = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		_exit(98);
	memcpy(low, bytes, size);
	return (long)low;
}

static inline int has_no_32_bit_calls(void *unused)
{
	(void)unused;
	return int80(20 /* getpid */, 0, 0, 0) != getpid();
}
#endif

static inline bool is_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static inline void in_work(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", work, name);
}

static inline int decide(int (*group)(void))
{
	struct sensor_config config = {.records = 1U << TERCEL_EXEC | 1U << TERCEL_VERDICT, .cgroup = outer};
	struct error err = {""};
	int r, failed;

	if (!decide_points)
		decide_points = sensor_points() & placement_without_lsm();
	config.points = decide_points;
	r = sensor_open(&sensor, &config, &err);
	if (r) {
		fprintf(stderr, "%s\n", err.text);
		/* As root on a kernel that describes itself it has to load. */
		return access("/sys/kernel/btf/vmlinux", R_OK) ? SKIPPED : 1;
	}
	r = sensor_seed(sensor, &err);
	if (r)
		fprintf(stderr, "%s\n", err.text);
	failed = r ? 1 : group();
	sensor_close(sensor);
	return failed;
}

static pid_t decider;

static inline void end_decider(int number)
{
	(void)number;
	(void)kill(decider, SIGKILL);
}

/*
 * Runs the group of tests in the scratch place, with a sensor that decides there; the exit status of the program. At
 * the points that need no BPF LSM, unless decide_points names others. In a child, so that the place is removed also
 * when the program is told to end.
 */
static inline int decide_main(int (*group)(void))
{
	const struct sigaction end = {.sa_handler = end_decider, .sa_flags = SA_RESTART};
	int r, status = 0;

	if (geteuid() != 0) {
		printf("skipped: needs root\n");
		return SKIPPED;
	}
	r = make_place();
	if (r) {
		remove_place();
		printf("skipped: no cgroup v2 hierarchy to make a scratch cgroup in: %s\n", strerror(-r));
		return SKIPPED;
	}
	(void)fflush(stdout);
	decider = fork();
	if (decider == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(decide(group));
	}
	(void)sigaction(SIGTERM, &end, NULL);
	(void)sigaction(SIGINT, &end, NULL);
	if (decider < 0 || waitpid(decider, &status, 0) != decider)
		status = -1;
	remove_place();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

#endif
