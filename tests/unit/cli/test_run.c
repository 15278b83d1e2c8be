/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel run` on this kernel: what the policy enforces is blocked, in the scratch cgroup alone, as long as it runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

static pid_t start(const char *mode)
{
	char text[1024];
	(void)snprintf(text, sizeof(text),
	               "rules_files: [rules.yaml]\n"
	               "rules: [{name: victim, mode: %s, action: kill}]\n"
	               "outputs: {stdout: true, file: %s/events.jsonl}\n",
	               mode, directory);
	write_file("policy.yaml", text);
	write_file("err", "");
	(void)snprintf(
	        text, sizeof(text),
	        "rm -f %s/events.jsonl; exec %s run --config %s/policy.yaml --cgroup %s >%s/out 2>%s/err </dev/null",
	        directory, TERCEL_PROGRAM, directory, cgroup, directory, directory);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
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

int main(void)
{
	if (geteuid()) {
		(void)fprintf(stderr, "needs root\n");
		return 77;
	}
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_enforced_rule_kills_in_its_cgroup_alone_and_only_while_it_runs),
	        cmocka_unit_test(a_monitored_rule_only_says_what_it_would_do),
	};
	return cmocka_run_group_tests(tests, make_world, clean_world);
}
