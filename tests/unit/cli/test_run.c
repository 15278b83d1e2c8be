/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel run` on this kernel: what the policy enforces is blocked, in the scratch cgroup alone, as long as it runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "identity/identity.h"
#include "run.h"

enum {
	PATIENCE_MS = 20000,
	STEP_MS = 20,
};

static char cgroup[256];
static char below[300]; /* where the acts are: --cgroup means a directory and what is below */

static void sleep_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	(void)nanosleep(&t, NULL);
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *f = fopen(path, "we");
	bool written = f && fputs(text, f) >= 0;
	assert_true(f && !fclose(f) && written);
}

static int make_world(void **state)
{
	char *root = NULL;
	if (make_directory(state) || identity_cgroup_root(&root))
		return -1;
	(void)snprintf(cgroup, sizeof(cgroup), "%s/tercel-test-run-%d", root, getpid());
	free(root);
	(void)snprintf(below, sizeof(below), "%s/below", cgroup);
	if (mkdir(cgroup, 0755) || mkdir(below, 0755))
		return -1;
	write_file("rules.yaml",
	           "- rule: victim\n"
	           "  desc: d\n"
	           "  condition: evt.type in (execve, execveat) and proc.name = victim and proc.cmdline contains evil\n"
	           "  output: o\n"
	           "  priority: INFO\n");
	_autoran_ struct ran copied = run("cp \"$(readlink -f /bin/true)\" $D/victim");
	return copied.status;
}

static int clean_world(void **state)
{
	(void)rmdir(below);
	(void)rmdir(cgroup);
	return clean_directory(state);
}

/* `prefix`: a shell command before the program's. */
static pid_t start_with(const char *mode, const char *prefix)
{
	char text[2048];
	(void)snprintf(text, sizeof(text),
	               "rules_files: [rules.yaml]\n"
	               "rules: [{name: victim, mode: %s, action: kill}]\n"
	               "outputs: {stdout: true, file: %s/events.jsonl}\n",
	               mode, directory);
	write_file("policy.yaml", text);
	write_file("err", "");
	(void)snprintf(
	        text, sizeof(text),
	        "rm -f %s/events.jsonl; %s exec %s run --config %s/policy.yaml --cgroup %s >%s/out 2>%s/err </dev/null",
	        directory, prefix, TERCEL_PROGRAM, directory, cgroup, directory, directory);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* Mounts are the program's own. */
		if (*prefix && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
			_exit(126);
		(void)execl("/bin/sh", "sh", "-c", text, (char *)NULL);
		_exit(127);
	}
	for (int ms = 0; ms < PATIENCE_MS; ms += STEP_MS) {
		_autofree_ char *err = read_whole("err");
		int status = 0;
		if (strstr(err, "ready: "))
			return pid;
		if (waitpid(pid, &status, WNOHANG) == pid)
			fail_msg("tercel ended: %s", err);
		sleep_ms(STEP_MS);
	}
	(void)kill(pid, SIGKILL);
	fail_msg("tercel was not ready in time");
	return -1;
}

static pid_t start(const char *mode)
{
	return start_with(mode, "");
}

static struct ran stop(pid_t pid)
{
	int status = 0;
	sleep_ms(300); /* the last records are on their way */
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (struct ran){.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	                    .out = read_whole("out"),
	                    .err = read_whole("err")};
}

enum place {
	OUTSIDE = 0,
	INSIDE = 1,
};

/* Runs the victim; returns its wait status. */
static int victim(enum place place, const char *argument)
{
	char program[64], procs[600];
	(void)snprintf(program, sizeof(program), "%s/victim", directory);
	(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", below);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int fd = place == INSIDE ? open(procs, O_WRONLY | O_CLOEXEC) : -1;
		if (place == OUTSIDE || (fd >= 0 && write(fd, "0", 1) == 1))
			(void)execl(program, "victim", argument, (char *)NULL);
		_exit(99);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* The verdict in the policy's file output; owned by *document. */
static const cJSON *verdict(cJSON **document)
{
	_autofree_ char *text = read_whole("events.jsonl");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		cJSON *o = cJSON_Parse(line);
		assert_non_null(o);
		const cJSON *lsm = cJSON_GetObjectItem(o, "process_lsm");
		if (cJSON_GetObjectItem(lsm, "policy_name")) {
			*document = o;
			return lsm;
		}
		cJSON_Delete(o);
	}
	fail_msg("no verdict");
	return NULL;
}

static void expect(const cJSON *o, const char *name, const char *value)
{
	const cJSON *item = cJSON_GetObjectItem(o, name);
	assert_non_null(item);
	assert_string_equal(item->valuestring, value);
}

static void an_enforced_rule_kills_in_its_cgroup_alone_and_only_while_it_runs(void **state)
{
	(void)state;
	assert_int_equal(victim(INSIDE, "evil"), 0);
	pid_t pid = start("enforce");
	int evil = victim(INSIDE, "evil"), good = victim(INSIDE, "good"), outside = victim(OUTSIDE, "evil");
	_autoran_ struct ran r = stop(pid);
	assert_true(WIFSIGNALED(evil) && WTERMSIG(evil) == SIGKILL);
	assert_int_equal(good, 0);
	assert_int_equal(outside, 0);
	assert_int_equal(victim(INSIDE, "evil"), 0); /* nothing stays in force */

	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.err, "ready: rules that enforce: 1, that monitor: 0, that only detect: 0"));
	assert_non_null(strstr(r.err, "blocked: 1\n"));
	assert_non_null(strstr(r.out, "test_run>victim "));
	assert_non_null(strstr(r.out, "→ killed \"victim\": exec "));
	cJSON *document = NULL;
	const cJSON *v = verdict(&document), *tercel = cJSON_GetObjectItem(v, "tercel");
	expect(v, "policy_name", "victim");
	expect(v, "action", "KPROBE_ACTION_SIGKILL");
	expect(cJSON_GetObjectItem(v, "process"), "arguments", "evil");
	expect(tercel, "rule", "victim");
	expect(tercel, "mode", "enforce");
	expect(tercel, "action", "kill");
	expect(tercel, "point", "sched_process_exec");
	expect(tercel, "strength", "kill-before-run");
	cJSON_Delete(document);
}

static void a_monitored_rule_only_says_what_it_would_do(void **state)
{
	(void)state;
	pid_t pid = start("monitor");
	int evil = victim(INSIDE, "evil");
	_autoran_ struct ran r = stop(pid);
	assert_int_equal(evil, 0);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "→ would kill \"victim\": exec "));
	assert_null(strstr(r.out, "→ killed"));
	cJSON *document = NULL;
	const cJSON *v = verdict(&document);
	expect(v, "action", "KPROBE_ACTION_POST");
	expect(cJSON_GetObjectItem(v, "tercel"), "mode", "monitor");
	cJSON_Delete(document);
}

/* ---- what the kernel cannot find out itself ---- */

#define CONTAINER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

/* The wait status of a victim that was made in a cgroup below ours, as that user. */
static int victim_in(const char *name, uid_t uid)
{
	char program[64], procs[600];
	(void)snprintf(program, sizeof(program), "%s/victim", directory);
	(void)snprintf(procs, sizeof(procs), "%s/%s/cgroup.procs", cgroup, name);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int fd = open(procs, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, "0", 1) == 1 && !setresgid(uid, uid, uid) && !setresuid(uid, uid, uid))
			(void)execl(program, "victim", (char *)NULL);
		_exit(99);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* A process that stays there; returns when it is there. */
static pid_t pause_in(const char *name)
{
	char procs[600];
	(void)snprintf(procs, sizeof(procs), "%s/%s/cgroup.procs", cgroup, name);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		(void)alarm(60);
		for (;;)
			(void)pause();
	}
	char text[32];
	int fd = open(procs, O_WRONLY | O_CLOEXEC), n = snprintf(text, sizeof(text), "%d", pid);
	bool moved = fd >= 0 && write(fd, text, (size_t)n) == n;
	(void)close(fd);
	assert_true(moved);
	return pid;
}

static bool is_killed_in(const char *name, uid_t uid)
{
	int status = victim_in(name, uid);
	assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || !status);
	return status != 0;
}

static bool is_killed_in_time(const char *name, uid_t uid)
{
	for (int ms = 0; ms < PATIENCE_MS; ms += 10 * STEP_MS) {
		if (is_killed_in(name, uid))
			return true;
		sleep_ms(10L * STEP_MS);
	}
	return false;
}

static void rules_for(const char *condition)
{
	char text[512];
	(void)snprintf(text, sizeof(text),
	               "- rule: victim\n"
	               "  desc: d\n"
	               "  condition: evt.type in (execve, execveat) and proc.name = victim and %s\n"
	               "  output: o\n"
	               "  priority: INFO\n",
	               condition);
	write_file("rules.yaml", text);
}

static void the_host_and_its_users_are_known_from_the_start_and_changes_are_followed(void **state)
{
	(void)state;
	rules_for("container.name = host and user.name in (mallory, eve)");
	write_file("passwd", "root:x:0:0::/:/bin/sh\nmallory:x:60001:60001::/:/bin/sh\n");
	char prefix[256];
	(void)snprintf(prefix, sizeof(prefix), "mount --bind %s/passwd /etc/passwd &&", directory);
	pid_t pid = start_with("enforce", prefix);
	bool mallory = is_killed_in("below", 60001), eve = is_killed_in("below", 60002),
	     root = is_killed_in("below", 0);
	write_file("passwd", "root:x:0:0::/:/bin/sh\neve:x:60002:60002::/:/bin/sh\n");
	bool eve_later = is_killed_in_time("below", 60002), mallory_later = is_killed_in("below", 60001);
	_autoran_ struct ran r = stop(pid);
	assert_true(mallory && !eve && !root && eve_later && !mallory_later);
	assert_int_equal(r.status, 0);
	assert_null(strstr(r.err, "could not be kept"));
}

static void a_container_is_left_alone_until_its_image_is_known(void **state)
{
	static const char name[] = "docker-" CONTAINER ".scope";
	char path[512], prefix[512];
	(void)state;
	rules_for("container.image.repository = shop/front");
	_autoran_ struct ran made = run("mkdir -p $D/docker/containers $D/docker/image/overlay2");
	assert_int_equal(made.status, 0);
	write_file("docker/image/overlay2/repositories.json",
	           "{\"Repositories\":{\"shop/front\":{\"shop/front:1\":\"sha256:aaaa\"}}}");
	(void)snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(
	        prefix, sizeof(prefix),
	        "mount -t tmpfs none /var/lib && mkdir /var/lib/docker && mount --bind %s/docker /var/lib/docker &&",
	        directory);
	pid_t pid = start_with("enforce", prefix);
	bool unknown = is_killed_in(name, 0), host = is_killed_in("below", 0);
	(void)snprintf(path, sizeof(path), "%s/docker/containers/" CONTAINER, directory);
	assert_int_equal(mkdir(path, 0755), 0); /* not with run(): the program's output is being written */
	write_file("docker/containers/" CONTAINER "/config.v2.json",
	           "{\"Name\":\"/web\",\"Driver\":\"overlay2\",\"Image\":\"sha256:aaaa\",\"Config\":{}}");
	write_file("docker/containers/" CONTAINER "/hostconfig.json", "{}");
	bool later = is_killed_in_time(name, 0);
	_autoran_ struct ran r = stop(pid);
	/* A container that runs already is known from the start. */
	pid_t inhabitant = pause_in(name);
	pid = start_with("enforce", prefix);
	bool at_once = is_killed_in(name, 0);
	_autoran_ struct ran again = stop(pid);
	(void)kill(inhabitant, SIGKILL);
	(void)waitpid(inhabitant, NULL, 0);
	(void)snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	assert_int_equal(rmdir(path), 0);
	if (unknown || host || !later || !at_once)
		fail_msg("%d %d %d %d: %s", unknown, host, later, at_once, r.err);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.err, "decisions left uncertain (container): "));
	assert_null(strstr(again.err, "decisions left uncertain (container)"));
}

int main(void)
{
	if (geteuid()) {
		(void)fprintf(stderr, "needs root\n");
		return 77;
	}
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_enforced_rule_kills_in_its_cgroup_alone_and_only_while_it_runs),
	        cmocka_unit_test(a_monitored_rule_only_says_what_it_would_do),
	        cmocka_unit_test(the_host_and_its_users_are_known_from_the_start_and_changes_are_followed),
	        cmocka_unit_test(a_container_is_left_alone_until_its_image_is_known),
	};
	return cmocka_run_group_tests(tests, make_world, clean_world);
}
