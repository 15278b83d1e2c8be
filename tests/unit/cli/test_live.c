/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel events` on this kernel, against acts that the test does itself. Only the test's own descendants are looked
 * at, since others may be busy on the machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "run.h"

enum {
	PATIENCE_MS = 20000,
	STEP_MS = 20,
};

static void sleep_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	(void)nanosleep(&t, NULL);
}

/* Starts `tercel events OPTIONS` in the background and waits until it says that it is ready. */
static pid_t start(const char *format, const char *options)
{
	char command[512], pid_text[16];
	(void)snprintf(pid_text, sizeof(pid_text), "%d", getpid());
	(void)snprintf(command, sizeof(command), "exec %s events -o %s --pid %s %s >%s/out 2>%s/err </dev/null",
	               TERCEL_PROGRAM, format, pid_text, options, directory, directory);
	char err_path[64];
	(void)snprintf(err_path, sizeof(err_path), "%s/err", directory);
	(void)unlink(err_path); /* a former run's says "ready", too */
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	for (int ms = 0; ms < PATIENCE_MS; ms += STEP_MS) {
		char *err = read_whole("err");
		int status = 0;
		bool ready = err && strstr(err, "ready");
		if (!ready && waitpid(pid, &status, WNOHANG) == pid)
			fail_msg("tercel ended: %s", err);
		free(err);
		if (ready)
			return pid;
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

static int listener(uint16_t *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) || listen(fd, 4) ||
	    getsockname(fd, (struct sockaddr *)&in, &len))
		fail_msg("no listener: %s", strerror(errno));
	*port = ntohs(in.sin_port);
	return fd;
}

/* sh → bash, which connects, writes a file, and fails to read one; then sh ends with 7. */
static void act(uint16_t port)
{
	char command[512];
	(void)snprintf(command, sizeof(command),
	               "rm -f %s/written; bash -c 'exec 3<>/dev/tcp/127.0.0.1/%u; echo x >%s/written; : <%s/missing; : "
	               "<%s/written'; exit 7",
	               directory, port, directory, directory, directory);
	int status = system(command);
	assert_int_equal(WEXITSTATUS(status), 7);
}

static cJSON *parse(const char *text)
{
	cJSON *events = cJSON_CreateArray();
	for (const char *end = NULL; *text; text = end + 1) {
		cJSON *o = cJSON_ParseWithOpts(text, &end, 0);
		if (!o || *end != '\n')
			fail_msg("no JSON line: %.200s", text);
		assert_true(cJSON_AddItemToArray(events, o));
	}
	return events;
}

static const cJSON *member(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

static const char *string(const cJSON *o, const char *name)
{
	const cJSON *item = member(o, name);
	return cJSON_IsString(item) ? item->valuestring : "";
}

/* The one event of that kind whose process has that binary's basename and whose text contains all of `marks`. */
static const cJSON *only(const cJSON *events, const char *kind, const char *name, const char *mark)
{
	const cJSON *found = NULL, *e = NULL;
	int n = 0;
	cJSON_ArrayForEach(e, events)
	{
		const cJSON *body = member(e, kind);
		const char *binary = string(member(body, "process"), "binary");
		const char *slash = strrchr(binary, '/');
		char *text = body ? cJSON_PrintUnformatted(body) : NULL;
		if (text && slash && !strcmp(slash + 1, name) && strstr(text, mark)) {
			found = body;
			n++;
		}
		free(text);
	}
	if (n != 1)
		fail_msg("%d events %s of %s with %s", n, kind, name, mark);
	return found;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);
	return len >= n && !strcmp(text + len - n, end);
}

static void expect_lineage(const cJSON *event, const char *end)
{
	const char *lineage = string(member(event, "tercel"), "lineage");
	if (!ends_with(lineage, end))
		fail_msg("lineage %s", lineage);
}

static void the_acts_of_a_process_tree_are_told_truly(void **state)
{
	(void)state;
	uint16_t port = 0;
	int fd = listener(&port);
	pid_t pid = start("json", "");
	act(port);
	_autoran_ struct ran r = stop(pid);
	(void)close(fd);
	assert_int_equal(r.status, 0);
	cJSON *events = parse(r.out);

	char mark[64];
	(void)snprintf(mark, sizeof(mark), "/dev/tcp/127.0.0.1/%u", port);
	const cJSON *sh = only(events, "process_exec", "dash", mark);
	const cJSON *bash = only(events, "process_exec", "bash", mark);
	expect_lineage(sh, ">test_live>sh");
	expect_lineage(bash, ">test_live>sh>bash");
	assert_string_equal(string(member(bash, "process"), "parent_exec_id"),
	                    string(member(sh, "process"), "exec_id"));
	assert_string_equal(string(member(bash, "parent"), "exec_id"), string(member(sh, "process"), "exec_id"));
	assert_string_equal(string(member(bash, "process"), "flags"), "execve clone");
	assert_int_equal((int)member(member(sh, "parent"), "pid")->valuedouble, getpid());
	char cwd[4096];
	assert_string_equal(string(member(bash, "process"), "cwd"), getcwd(cwd, sizeof(cwd)));

	(void)snprintf(mark, sizeof(mark), "\"port\":%u", port);
	const cJSON *connect = only(events, "process_lsm", "bash", mark);
	assert_string_equal(string(connect, "function_name"), "socket_connect");
	expect_lineage(connect, ">test_live>sh>bash");
	assert_string_equal(string(member(connect, "process"), "exec_id"), string(member(bash, "process"), "exec_id"));
	assert_non_null(strstr(string(member(connect, "process"), "arguments"), "/dev/tcp/"));

	const cJSON *written = only(events, "process_lsm", "bash", "/written\"");
	assert_string_equal(string(written, "function_name"), "file_open");
	const cJSON *missing = only(events, "process_lsm", "bash", "/missing\"");
	assert_int_equal(member(cJSON_GetArrayItem(member(missing, "args"), 2), "int_arg")->valuedouble, -ENOENT);

	const cJSON *exit = only(events, "process_exit", "dash", mark[0] ? "\"status\":7" : "");
	assert_string_equal(string(member(exit, "process"), "exec_id"), string(member(sh, "process"), "exec_id"));
	cJSON_Delete(events);
}

static void reads_are_told_when_asked_for(void **state)
{
	(void)state;
	uint16_t port = 0;
	int fd = listener(&port);
	pid_t pid = start("text", "--reads");
	act(port);
	_autoran_ struct ran r = stop(pid);
	(void)close(fd);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "/written (write, created, truncate) = "));
	assert_non_null(strstr(r.out, "/written (read) = "));
	assert_non_null(strstr(r.out, "/missing (read) = ENOENT"));
}

/* "exec generated 5 = delivered 3 + filtered 1 + dropped 1" must add up, for every kind of record. */
static void the_account_at_the_end_adds_up(void **state)
{
	(void)state;
	pid_t pid = start("text", "");
	assert_int_equal(system("true"), 0);
	_autoran_ struct ran r = stop(pid);
	int kinds = 0;
	for (const char *at = r.err; (at = strstr(at, " generated ")); at++) {
		unsigned long long generated = 0, delivered = 0, filtered = 0, dropped = 0;
		assert_int_equal(sscanf(at, " generated %llu = delivered %llu + filtered %llu + dropped %llu",
		                        &generated, &delivered, &filtered, &dropped),
		                 4);
		assert_true(generated == delivered + filtered + dropped);
		assert_true(generated > 0);
		kinds++;
	}
	assert_true(kinds >= 4); /* exec, fork, exit, seed at least */
}

static void a_recording_holds_the_events_but_no_environment(void **state)
{
	(void)state;
	char options[64], mark[64];
	(void)snprintf(options, sizeof(options), "--record %s/recording", directory);
	(void)snprintf(mark, sizeof(mark), "tercel-secret-%d", getpid());
	pid_t pid = start("text", options);
	assert_int_equal(setenv("TERCEL_TEST_SECRET", mark, 1), 0);
	assert_int_equal(system("true # in the recording"), 0);
	assert_int_equal(unsetenv("TERCEL_TEST_SECRET"), 0);
	_autoran_ struct ran live = stop(pid);
	_autoran_ struct ran read = run("$T events --read $D/recording --pid %d", getpid());
	assert_int_equal(read.status, 0);
	assert_string_equal(read.out, live.out);
	assert_non_null(strstr(read.out, "in the recording"));
	_autoran_ struct ran found = run("grep -c -a 'tercel-secret-%d' $D/recording", getpid());
	assert_string_equal(found.out, "0\n");
}

static void it_ends_by_itself_when_told_to(void **state)
{
	(void)state;
	_autoran_ struct ran timed = run("timeout -s KILL 20 $T events --duration 0.5 --pid $$");
	assert_int_equal(timed.status, 0);
	_autoran_ struct ran counted =
	        run("{ sleep 2; while :; do /bin/true; done; } & "
	            "timeout -s KILL 20 $T events --max-events 3 --pid $$; s=$?; kill $!; exit $s");
	assert_int_equal(counted.status, 0);
	assert_int_equal(lines(counted.out), 3);
}

/* This kernel is the one that all points were made for: the verdict is that of every other target. */
static void rules_can_be_judged_for_this_very_kernel(void **state)
{
	(void)state;
	_autoran_ struct ran r =
	        run("printf -- '- rule: r\\n  desc: d\\n  condition: evt.type = execve and proc.name = sh\\n  "
	            "output: o\\n  priority: INFO\\n' >$D/auto.yaml; $T check --target auto --require exact "
	            "$D/auto.yaml");
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "1 rule: 1 exact"));
	/* In one line, where the BPF LSM is not to be had. */
	if (r.err[0]) {
		assert_non_null(strstr(r.err, "nothing can be blocked at bprm_creds_from_file, file_open, "));
		assert_ptr_equal(strchr(r.err, '\n') + 1, r.err + strlen(r.err));
	}
}

static void a_recording_that_cannot_be_made_is_a_mistake_of_the_configuration(void **state)
{
	(void)state;
	_autoran_ struct ran r = run("$T events --duration 1 --record /nonexistent/x");
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.err, "/nonexistent/x: No such file"));
}

int main(void)
{
	if (geteuid()) {
		(void)fprintf(stderr, "needs root\n");
		return 77;
	}
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rules_can_be_judged_for_this_very_kernel),
	        cmocka_unit_test(a_recording_that_cannot_be_made_is_a_mistake_of_the_configuration),
	        cmocka_unit_test(the_acts_of_a_process_tree_are_told_truly),
	        cmocka_unit_test(reads_are_told_when_asked_for),
	        cmocka_unit_test(the_account_at_the_end_adds_up),
	        cmocka_unit_test(a_recording_holds_the_events_but_no_environment),
	        cmocka_unit_test(it_ends_by_itself_when_told_to),
	};
	return cmocka_run_group_tests(tests, make_directory, clean_directory);
}
