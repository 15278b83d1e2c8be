// SPDX-License-Identifier: Apache-2.0
/*
 * Makes trouble in the cgroup that it is started in, and says how many of the processes that it started were killed:
 *
 *   trouble starts N WIDTH PROGRAM      starts the program N times, at most WIDTH at a time
 *   trouble cgroups N DIR PROGRAM       makes N cgroups below the cgroup DIR, starts it in each, and removes them
 *   trouble saturate SECONDS PROGRAM    opens files as fast as it can, by one process for each processor, and starts it
 *
 * Prints "STARTED KILLED". Ends by itself; whatever it has started ends with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long started, killed;

static pid_t start(const char *program, const char *cgroup)
{
	char path[PATH_MAX];
	const pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cgroup) {
		int fd;

		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(99);
		close(fd);
	}
	execl(program, program, (char *)NULL);
	_exit(98);
}

/* Waits for `pid`, -1: for any. Returns whether there was one. */
static bool end_one(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return false;
	killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return true;
}

static int do_starts(long n, long width, const char *program)
{
	long running = 0;

	while (started < n) {
		if (running < width) {
			const pid_t pid = start(program, NULL);

			/* Where the machine has no room for as many, those that are there have to end first. */
			if (pid < 0 && !running)
				return 1;
			if (pid >= 0) {
				started++;
				running++;
				continue;
			}
		}
		running -= end_one(-1);
	}
	while (end_one(-1))
		;
	return 0;
}

static int do_cgroups(long n, const char *dir, const char *program)
{
	char path[PATH_MAX];
	int failed = 0;

	for (long i = 0; i < n && !failed; i++) {
		snprintf(path, sizeof(path), "%s/n%ld", dir, i);
		failed = mkdir(path, 0755) || start(program, path) < 0;
		started += !failed;
		if (!failed)
			end_one(-1);
	}
	for (long i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/n%ld", dir, i);
		for (int tries = 0; rmdir(path) && errno == EBUSY && tries < 100; tries++)
			usleep(10000);
	}
	return failed;
}

static void open_files(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		close(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static int do_saturate(long seconds, const char *program)
{
	const time_t end = time(NULL) + seconds;
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t workers[64];
	long n = 0;

	for (; n < processors && n < 64; n++) {
		workers[n] = fork();
		if (!workers[n])
			open_files();
	}
	while (time(NULL) < end) {
		const pid_t pid = start(program, NULL);

		if (pid < 0 || !end_one(pid))
			break;
		started++;
	}
	for (long i = 0; i < n; i++)
		kill(workers[i], SIGTERM);
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 2;

	alarm(300);
	if (argc == 5 && !strcmp(argv[1], "starts"))
		failed = do_starts(strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10), argv[4]);
	else if (argc == 5 && !strcmp(argv[1], "cgroups"))
		failed = do_cgroups(strtol(argv[2], NULL, 10), argv[3], argv[4]);
	else if (argc == 4 && !strcmp(argv[1], "saturate"))
		failed = do_saturate(strtol(argv[2], NULL, 10), argv[3]);
	if (failed == 2)
		fprintf(stderr,
		        "usage: trouble starts N WIDTH PROGRAM | cgroups N DIR PROGRAM | saturate SECONDS PROGRAM\n");
	printf("%ld %ld\n", started, killed);
	return failed;
}
