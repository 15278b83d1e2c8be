/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions on the running kernel, in a scratch cgroup that is named like a container's: what a policy enforces is
 * blocked before it happens, what it monitors is only reported, and everything else is untouched.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/policy.h"
#include "rules/rules.h"
#include "sensor/sensor.h"

#define SKIPPED 77
#define CONTAINER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static struct sensor *sensor;
static char outer[PATH_MAX], cgroup[PATH_MAX + 128], work[] = "/tmp/tercel-decide-XXXXXX";
static int listener = -1;
static uint16_t port;

/* ---- the scratch place --------------------------------------------------------------------------------------------
 */

static int find_v2(char *out, size_t size)
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

static int write_text(const char *path, const char *text)
{
	_autoclose_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
}

static void copy_program(const char *from, const char *name)
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

static void listen_on_loopback(void)
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
static int accepted(void)
{
	int n = 0, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		close(fd);
		n++;
	}
	return n;
}

static void remove_place(void)
{
	static const char *const files[] = {"tctarget", "tctargex", "tcshell", "marker"};
	_autobuf_ struct buf path = BUF_INIT;

	sensor_close(sensor);
	sensor = NULL;
	if (listener >= 0)
		close(listener);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		buf_reset(&path);
		buf_addf(&path, "%s/%s", work, files[i]);
		unlink(buf_str(&path));
	}
	rmdir(work);
	rmdir(cgroup);
	rmdir(outer);
}

static int make_place(void)
{
	char root[1024];

	if (find_v2(root, sizeof(root)))
		return -ENOENT;
	snprintf(outer, sizeof(outer), "%s/tercel-decide-%d", root, getpid());
	snprintf(cgroup, sizeof(cgroup), "%s/docker-%s.scope", outer, CONTAINER);
	if (mkdir(outer, 0755) || mkdir(cgroup, 0755) || !mkdtemp(work))
		return -errno;
	copy_program("/bin/touch", "tctarget");
	copy_program("/bin/touch", "tctargex");
	copy_program("/bin/bash", "tcshell");
	listen_on_loopback();
	return 0;
}

/* ---- acting --------------------------------------------------------------------------------------------------------
 */

/* Runs a program of the scratch place inside the cgroup; returns its wait status. */
static int run(const char *name, const char *const *args, pid_t *pid)
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

static bool marker_exists(void)
{
	_autobuf_ struct buf path = BUF_INIT;
	bool there;

	buf_addf(&path, "%s/marker", work);
	there = access(buf_str(&path), F_OK) == 0;
	unlink(buf_str(&path));
	return there;
}

static int touch(const char *name, const char *extra, pid_t *pid)
{
	_autobuf_ struct buf marker = BUF_INIT;

	buf_addf(&marker, "%s/marker", work);
	return run(name, (const char *const[]){buf_str(&marker), extra, NULL}, pid);
}

static int connect_out(pid_t *pid)
{
	_autobuf_ struct buf command = BUF_INIT;

	buf_addf(&command, "exec 3<>/dev/tcp/127.0.0.1/%u", port);
	return run("tcshell", (const char *const[]){"-c", buf_str(&command), NULL}, pid);
}

/* The verdicts of a process; returns how many, and the first in *out. */
static int verdicts_of(pid_t pid, struct tercel_verdict *out)
{
	const struct tercel_hdr *record;
	int n = 0;

	/* Records come in order of time with a delay: the end is a while without any. */
	for (int quiet = 0; quiet < 3;) {
		int r = sensor_next(sensor, 100, &record);

		quiet = r == 1 ? 0 : quiet + 1;
		if (r != 1 || record->type != TERCEL_VERDICT || record->tgid != (uint32_t)pid)
			continue;
		if (!n++)
			memcpy(out, record, sizeof(*out));
	}
	return n;
}

static void apply(const char *rules_text, const char *policy_text)
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
		r = policy_apply(&image, policy, rules, 7, &diags);
	diag_print(&diags, stderr);
	if (r || !image) {
		fail_msg("the policy is refused: %d", r);
		return;
	}
	r = sensor_set_policy(sensor, image->data, image->size, &err);
	if (r)
		fail_msg("%s", err.text);
}

static const char rules_text[] =
        "- rule: target\n"
        "  desc: d\n"
        "  condition: evt.type in (execve, execveat) and container.id != host and proc.name = tctarget\n"
        "  output: o\n"
        "  priority: WARNING\n"
        "- rule: calls\n"
        "  desc: d\n"
        "  condition: >\n"
        "    evt.type = connect and evt.rawres >= 0 and container.id startswith fedcba and\n"
        "    proc.name = tcshell and fd.typechar = 4 and fd.l4proto = tcp and fd.sip = 127.0.0.1\n"
        "  output: o\n"
        "  priority: WARNING\n"
        "- rule: ending\n"
        "  desc: d\n"
        "  condition: evt.type = execve and proc.name = tctargex and proc.cmdline endswith zz\n"
        "  output: o\n"
        "  priority: WARNING\n";

#define POLICY(mode, uncertain)      \
	"rules_files: [test.yaml]\n" \
	"rules:\n"                   \
	"  - name: '*'\n"            \
	"    mode: " mode "\n"       \
	"    on_uncertain: " uncertain "\n"

/* ---- tests ---------------------------------------------------------------------------------------------------------
 */

static void an_enforced_rule_kills_before_the_first_instruction(void **unused)
{
	struct tercel_verdict v;
	pid_t pid;
	int status;

	(void)unused;
	apply(rules_text, POLICY("enforce", "audit"));
	status = touch("tctarget", NULL, &pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_false(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.rule, 0);
	assert_int_equal(v.point, TERCEL_POINT_EXEC_COMMIT);
	assert_int_equal(v.action, TERCEL_ACTION_KILL);
	assert_int_equal(v.enforced, 1);
	assert_int_equal(v.generation, 7);
	assert_int_equal(v.uncertain, 0);
}

static void a_near_miss_is_untouched(void **unused)
{
	struct tercel_verdict v;
	pid_t pid;

	(void)unused;
	apply(rules_text, POLICY("enforce", "audit"));
	assert_int_equal(touch("tctargex", NULL, &pid), 0);
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 0);
}

static void monitor_changes_nothing_and_says_what_it_would_do(void **unused)
{
	struct tercel_verdict v;
	pid_t pid;

	(void)unused;
	apply(rules_text, POLICY("monitor", "audit"));
	assert_int_equal(touch("tctarget", NULL, &pid), 0);
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.mode, TERCEL_MODE_MONITOR);
	assert_int_equal(v.action, TERCEL_ACTION_KILL);
	assert_int_equal(v.enforced, 0);
	assert_int_equal(connect_out(&pid), 0);
	assert_int_equal(accepted(), 1);
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.point, TERCEL_POINT_CONNECT4);
	assert_int_equal(v.action, TERCEL_ACTION_DENY);
	assert_int_equal(v.enforced, 0);
}

static void an_enforced_rule_denies_the_connection(void **unused)
{
	struct tercel_stats before, after;
	struct tercel_verdict v;
	pid_t pid;
	int status;

	(void)unused;
	apply(rules_text, POLICY("enforce", "audit"));
	assert_int_equal(sensor_stats(sensor, &before), 0);
	status = connect_out(&pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	assert_int_equal(accepted(), 0);
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.enforced, 1);
	assert_int_equal(v.remote.port, port);
	assert_memory_equal(v.remote.addr, "\x7f\x00\x00\x01", 4);
	assert_int_equal(sensor_stats(sensor, &after), 0);
	assert_int_equal(after.blocked[TERCEL_POINT_CONNECT4] - before.blocked[TERCEL_POINT_CONNECT4], 1);
	assert_int_equal(after.policy_errors, 0);
}

static void what_is_cut_is_uncertain_and_not_blocked_unless_the_policy_says_so(void **unused)
{
	_autofree_ char *longest = malloc(6001);
	struct tercel_verdict v;
	pid_t pid;
	int status;

	(void)unused;
	/* More arguments than are kept: whether they end in zz cannot be known. touch fails on the name, having run. */
	memset(longest, 'a', 6000);
	longest[6000] = 0;
	apply(rules_text, POLICY("enforce", "audit"));
	status = touch("tctargex", longest, &pid);
	assert_true(WIFEXITED(status));
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.rule, 2);
	assert_int_equal(v.uncertain, TERCEL_U_ARGS);
	assert_int_equal(v.action, TERCEL_ACTION_AUDIT);
	assert_int_equal(v.enforced, 0);

	apply(rules_text, POLICY("enforce", "allow"));
	status = touch("tctargex", longest, &pid);
	assert_true(WIFEXITED(status));
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 0);

	apply(rules_text, POLICY("enforce", "deny"));
	status = touch("tctargex", longest, &pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_false(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.uncertain, TERCEL_U_ARGS);
	assert_int_equal(v.enforced, 1);
}

static const char peer_rules[] = "- rule: peer\n"
                                 "  desc: d\n"
                                 "  condition: evt.type = connect and container.id = fedcba987654 and %s\n"
                                 "  output: o\n"
                                 "  priority: WARNING\n";

struct caller {
	int protocol;         /* of the socket */
	const char *new_name; /* set before the connection; NULL: none */
	bool thread;          /* connect in a second thread, which sets the name */
};

static void *call(void *arg)
{
	const struct caller *c = arg;
	const struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, c->protocol);

	if (c->new_name)
		prctl(PR_SET_NAME, c->new_name);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? NULL : arg;
}

/* Whether a child of this process, in the scratch cgroup, is let through under a policy with the peer rule. */
static bool connects(const char *condition, struct caller c, pid_t *pid)
{
	_autobuf_ struct buf rules = BUF_INIT, procs = BUF_INIT;
	int status;

	buf_addf(&rules, peer_rules, condition);
	apply(buf_str(&rules), POLICY("enforce", "audit"));
	buf_addf(&procs, "%s/cgroup.procs", cgroup);
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid == 0) {
		pthread_t thread;
		void *failed = &c;
		pid_t inner;

		alarm(20);
		/* The container is that of the fork: move first. */
		if (write_text(buf_str(&procs), "0"))
			_exit(99);
		inner = fork();
		if (inner) {
			waitpid(inner, &status, 0);
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
		}
		if (!c.thread)
			failed = call(&c);
		else if (pthread_create(&thread, NULL, call, &c) == 0)
			pthread_join(thread, &failed);
		_exit(failed ? 1 : 0);
	}
	assert_int_equal(waitpid(*pid, &status, 0), *pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	assert_int_equal(accepted(), WEXITSTATUS(status) == 0);
	return WEXITSTATUS(status) == 0;
}

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 /* include/uapi/linux/in.h */
#endif

static void the_protocol_of_an_mptcp_socket_is_not_taken_for_tcp(void **unused)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	pid_t pid;

	(void)unused;
	if (fd < 0)
		skip();
	close(fd);
	assert_false(connects("fd.l4proto = tcp", (struct caller){.protocol = IPPROTO_TCP}, &pid));
	assert_true(connects("fd.l4proto = tcp", (struct caller){.protocol = IPPROTO_MPTCP}, &pid));
	assert_true(connects("not fd.l4proto = udp", (struct caller){.protocol = IPPROTO_MPTCP}, &pid));
	assert_false(connects("fd.sip = 127.0.0.1", (struct caller){.protocol = IPPROTO_MPTCP}, &pid));
}

static void a_process_that_renames_itself_keeps_the_name_that_falco_knows(void **unused)
{
	pid_t pid;

	(void)unused;
	assert_false(connects("proc.name = test_decide_liv", (struct caller){.new_name = "other"}, &pid));
	assert_true(connects("proc.name = other", (struct caller){.new_name = "other"}, &pid));
	assert_false(connects("proc.name = test_decide_liv", (struct caller){.thread = true}, &pid));
	assert_true(connects("proc.name = other", (struct caller){.new_name = "other", .thread = true}, &pid));
	assert_true(connects("proc.name != another", (struct caller){.new_name = "other", .thread = true}, &pid));
}

static void without_a_policy_nothing_is_decided(void **unused)
{
	struct error err = {""};
	struct tercel_verdict v;
	pid_t pid;

	(void)unused;
	assert_int_equal(sensor_set_policy(sensor, NULL, 0, &err), 0);
	assert_int_equal(touch("tctarget", NULL, &pid), 0);
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 0);
}

static void a_damaged_policy_is_refused_and_the_old_one_stays(void **unused)
{
	static const uint8_t magic[] = {'T', 'R', 'C', 'L'};
	_autofree_ uint8_t *bytes = calloc(1, TERCEL_IMAGE_MAX);
	struct error err = {""};
	pid_t pid;
	int status;

	(void)unused;
	apply(rules_text, POLICY("enforce", "audit"));
	memcpy(bytes, magic, sizeof(magic));
	assert_int_equal(sensor_set_policy(sensor, bytes, 4096, &err), -EINVAL);
	status = touch("tctarget", NULL, &pid);
	assert_true(WIFSIGNALED(status));
	assert_false(marker_exists());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_enforced_rule_kills_before_the_first_instruction),
	        cmocka_unit_test(a_near_miss_is_untouched),
	        cmocka_unit_test(monitor_changes_nothing_and_says_what_it_would_do),
	        cmocka_unit_test(an_enforced_rule_denies_the_connection),
	        cmocka_unit_test(what_is_cut_is_uncertain_and_not_blocked_unless_the_policy_says_so),
	        cmocka_unit_test(the_protocol_of_an_mptcp_socket_is_not_taken_for_tcp),
	        cmocka_unit_test(a_process_that_renames_itself_keeps_the_name_that_falco_knows),
	        cmocka_unit_test(without_a_policy_nothing_is_decided),
	        cmocka_unit_test(a_damaged_policy_is_refused_and_the_old_one_stays),
	};
	struct sensor_config config = {.records = 1U << TERCEL_EXEC | 1U << TERCEL_VERDICT,
	                               .points = (1U << TERCEL_POINTS) - 1,
	                               .cgroup = cgroup};
	struct error err = {""};
	int r, failed;

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
	r = sensor_open(&sensor, &config, &err);
	if (r) {
		fprintf(stderr, "%s\n", err.text);
		remove_place();
		return r == -EPERM || r == -EOPNOTSUPP ? SKIPPED : 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	remove_place();
	return failed;
}
