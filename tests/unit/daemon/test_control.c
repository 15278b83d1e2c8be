/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: a line for a line, whatever other clients do.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/control.h"

static char directory[] = "/tmp/tercel-control-XXXXXX";
static char path[64];

#define LARGE (4 << 20)

/* "large" gets LARGE bytes, "nothing" none, anything else itself. */
static char *echo(void *ctx, const char *request)
{
	char *text;

	(*(unsigned int *)ctx)++;
	if (!strcmp(request, "nothing"))
		return NULL;
	if (strcmp(request, "large") != 0)
		return strdup(request);
	text = malloc(LARGE + 1);
	assert_non_null(text);
	memset(text, 'x', LARGE);
	text[LARGE] = '\0';
	return text;
}

/* ---- a daemon in a thread ---------------------------------------------------------------------------------------- */

struct daemon {
	struct control *control;
	pthread_t thread;
	atomic_bool stop;
	atomic_ullong skip_ns; /* how far its clock is put forward */
	unsigned int asked;
};

static void *serve(void *p)
{
	struct daemon *d = p;

	while (!atomic_load(&d->stop)) {
		struct timespec t;

		(void)clock_gettime(CLOCK_MONOTONIC, &t);
		control_poll(d->control, echo, &d->asked,
		             (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec + atomic_load(&d->skip_ns));
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return NULL;
}

static void start(struct daemon *d)
{
	struct error err = {0};

	*d = (struct daemon){0};
	if (control_open(&d->control, path, &err))
		fail_msg("%s", err.text);
	assert_int_equal(pthread_create(&d->thread, NULL, serve, d), 0);
}

static void stop(struct daemon *d)
{
	atomic_store(&d->stop, true);
	assert_int_equal(pthread_join(d->thread, NULL), 0);
	control_close(d->control);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void expect_answer(const char *request)
{
	_autofree_ char *reply = NULL;
	struct error err = {0};

	if (control_call(path, request, 20000, &reply, &err))
		fail_msg("%s", err.text);
	assert_string_equal(reply, request);
}

/* A client that sends what it is told, and no more. */
static int connect_and_send(const char *bytes, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0) {
		fail_msg("socket: %s", strerror(errno));
		return -1;
	}
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0)
			break; /* it was let go */
		bytes += n;
		len -= (size_t)n;
	}
	return fd;
}

/* Whether the daemon has let this client go. */
static bool is_let_go(int fd)
{
	char byte;
	struct timeval patience = {.tv_sec = 20};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return recv(fd, &byte, 1, 0) <= 0 && errno != EAGAIN;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void a_line_gets_a_line(void **unused)
{
	_autofree_ char *reply = NULL;
	struct error err = {0};
	struct daemon d;
	struct stat st;

	(void)unused;
	start(&d);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (int i = 0; i < 50; i++)
		expect_answer("{\"command\":\"show\"}");
	expect_answer("");
	assert_int_equal(control_call(path, "nothing", 20000, &reply, &err), -ECONNRESET);
	assert_int_equal(control_call(path, "large", 20000, &reply, &err), 0);
	assert_int_equal(strlen(reply), LARGE);
	stop(&d);
	assert_int_equal(d.asked, 53);
}

static void clients_that_do_not_behave_hold_nobody_up(void **unused)
{
	static char much[1 << 18];
	int silent[8], half, unread;
	struct daemon d;

	(void)unused;
	start(&d);
	memset(much, 'x', sizeof(much));
	half = connect_and_send("half a li", 9);
	expect_answer("one");
	close(connect_and_send("gone", 4));
	expect_answer("two");
	int too_much = connect_and_send(much, sizeof(much));
	assert_true(is_let_go(too_much));
	close(too_much);
	unread = connect_and_send("large\n", 6);
	expect_answer("three");
	/* As many as it serves at a time say nothing: when their time is over, the next one's turn comes. */
	for (size_t i = 0; i < 8; i++)
		silent[i] = connect_and_send("", 0);
	atomic_store(&d.skip_ns, 6000000000ULL);
	expect_answer("four");
	assert_true(is_let_go(half));
	close(half);
	close(unread);
	for (size_t i = 0; i < 8; i++)
		close(silent[i]);
	stop(&d);
}

static void there_is_one_daemon_at_a_place(void **unused)
{
	struct control *other = NULL;
	struct error err = {0};
	char pid[32];
	struct daemon d;

	(void)unused;
	start(&d);
	assert_int_equal(control_open(&other, path, &err), -EBUSY);
	(void)snprintf(pid, sizeof(pid), "process %d,", getpid());
	if (!strstr(err.text, pid))
		fail_msg("%s", err.text);
	expect_answer("still there");
	stop(&d);
	start(&d);
	stop(&d);
}

static void what_a_killed_daemon_has_left_is_replaced(void **unused)
{
	struct daemon d;
	pid_t child = fork();
	int status;

	(void)unused;
	if (child == 0) {
		struct control *c;

		if (control_open(&c, path, NULL) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(path, F_OK), 0);
	start(&d);
	expect_answer("new");
	stop(&d);
}

static void the_directory_is_made_and_only_that(void **unused)
{
	char deep[96], dir[80];
	struct control *c = NULL;
	struct error err = {0};
	struct stat st;

	(void)unused;
	(void)snprintf(dir, sizeof(dir), "%s/run", directory);
	(void)snprintf(deep, sizeof(deep), "%s/socket", dir);
	assert_int_equal(control_open(&c, deep, &err), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	control_close(c);
	(void)snprintf(deep, sizeof(deep), "%s/a/b/socket", directory);
	assert_int_equal(control_open(&c, deep, &err), -ENOENT);
}

static void what_cannot_be_is_said(void **unused)
{
	char long_path[200];
	struct control *c = NULL;
	_autofree_ char *reply = NULL;
	struct error err = {0};

	(void)unused;
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(control_call(long_path, "x", 1000, &reply, &err), -ENAMETOOLONG);
	assert_int_equal(control_open(&c, long_path, &err), -ENAMETOOLONG);
	assert_int_equal(control_call(path, "x", 1000, &reply, &err), -ENOENT);
	assert_non_null(strstr(err.text, "is 'tercel run' running"));
	/* One that listens and never answers. */
	assert_int_equal(control_open(&c, path, &err), 0);
	assert_int_equal(control_call(path, "x", 50, &reply, &err), -ETIMEDOUT);
	control_close(c);
	assert_null(reply);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	return 0;
}

static int remove_directory(void **state)
{
	char command[96];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_line_gets_a_line),
	        cmocka_unit_test(clients_that_do_not_behave_hold_nobody_up),
	        cmocka_unit_test(there_is_one_daemon_at_a_place),
	        cmocka_unit_test(what_a_killed_daemon_has_left_is_replaced),
	        cmocka_unit_test(the_directory_is_made_and_only_that),
	        cmocka_unit_test(what_cannot_be_is_said),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
