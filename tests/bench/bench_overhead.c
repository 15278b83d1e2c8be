// SPDX-License-Identifier: Apache-2.0
/*
 * What deciding costs: loops of fork+exec and of open in a scratch cgroup that is named like a container's, under all
 * of Tercel's own rules at every decision point that this machine offers, against the same loops with no program
 * loaded; interleaved, medians. In monitor mode, which decides as enforcement does, and lets the loops go on.
 *
 * Usage: bench_overhead TINY [ROUNDS]. TINY is a static program that ends at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/policy.h"
#include "sensor/load.h"
#include "sensor/sensor.h"

#define SKIPPED 77
#define MAX_ROUNDS 32
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static double now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- the loops --------------------------------------------------------------------------------------------------- */

static void loop_exec(const char *tiny, size_t n)
{
	char *const args[] = {(char *)tiny, NULL};

	while (n-- > 0) {
		pid_t pid;

		if (posix_spawn(&pid, tiny, NULL, NULL, args, environ) == 0)
			(void)waitpid(pid, NULL, 0);
	}
}

static void loop_open_read(const char *unused, size_t n)
{
	(void)unused;
	while (n-- > 0)
		(void)close(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static void loop_open_write(const char *unused, size_t n)
{
	(void)unused;
	while (n-- > 0)
		(void)close(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static const struct loop {
	const char *name;
	void (*run)(const char *tiny, size_t n);
	size_t n;
} loops[] = {
        {"fork+exec+wait", loop_exec, 300},
        {"open+close (read)", loop_open_read, 20000},
        {"open+close (write)", loop_open_write, 20000},
};
#define LOOPS (sizeof(loops) / sizeof(loops[0]))

/* Runs all loops in a process in the cgroup; out[i] is nanoseconds for each turn. */
static int run_loops(const char *cgroup, const char *tiny, double *out)
{
	double *shared = mmap(NULL, LOOPS * sizeof(*out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1;
	pid_t pid;

	if (shared == MAP_FAILED)
		return -errno;
	pid = fork();
	if (pid == 0) {
		char procs[512];
		int fd;

		(void)alarm(120);
		(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup);
		fd = open(procs, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(1);
		for (size_t i = 0; i < LOOPS; i++) {
			const double begin = now_ns();

			loops[i].run(tiny, loops[i].n);
			shared[i] = (now_ns() - begin) / (double)loops[i].n;
		}
		_exit(0);
	}
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	memcpy(out, shared, LOOPS * sizeof(*out));
	(void)munmap(shared, LOOPS * sizeof(*out));
	return status ? -ECHILD : 0;
}

/* ---- decisions --------------------------------------------------------------------------------------------------- */

struct decider {
	struct sensor *sensor;
	pthread_t thread;
	atomic_bool stop;
};

static void *consume(void *arg)
{
	struct decider *d = arg;
	const struct tercel_hdr *record;

	while (!atomic_load(&d->stop))
		while (sensor_next(d->sensor, 20, &record) == 1)
			;
	return NULL;
}

static int make_image(struct image **out, uint32_t points)
{
	static const char *const files[] = {TERCEL_SOURCE_DIR "/rules/tercel_rules.yaml"};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autopolicy_ struct policy *policy = NULL;
	_autorules_ struct rules *rules = NULL;
	int error = policy_of_rules(&policy, files, 1, TERCEL_MODE_MONITOR);

	if (!error)
		error = rules_load(&rules, files, 1, &diags);
	if (!error)
		error = policy_apply(out, policy, rules, points, 1, &diags);
	if (error)
		diag_print(&diags, stderr);
	return error;
}

static uint32_t points_of(const struct image *image)
{
	const struct match_header *h = (const struct match_header *)(const void *)image->data;
	uint32_t points = 0;

	for (uint32_t p = 0; p < TERCEL_POINTS; p++)
		points |= h->points[p].rules ? 1U << p : 0;
	return points;
}

static int start(struct decider *d, const struct image *image, const char *scope)
{
	const struct sensor_config config = {
	        .records = 1U << TERCEL_VERDICT, .points = points_of(image), .cgroup = scope};
	struct error err = {""};
	int error = sensor_open(&d->sensor, &config, &err);

	if (!error)
		error = sensor_seed(d->sensor, &err);
	if (!error)
		error = sensor_set_policy(d->sensor, image->data, image->size, &err);
	if (error) {
		(void)fprintf(stderr, "bench_overhead: %s\n", err.text);
		sensor_close(d->sensor);
		return error;
	}
	atomic_init(&d->stop, false);
	return -pthread_create(&d->thread, NULL, consume, d);
}

static void stop(struct decider *d)
{
	atomic_store(&d->stop, true);
	(void)pthread_join(d->thread, NULL);
	sensor_close(d->sensor);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

static int measure(const struct image *image, const char *scope, const char *cgroup, const char *tiny, size_t rounds)
{
	static double without[LOOPS][MAX_ROUNDS], with[LOOPS][MAX_ROUNDS], ratio[LOOPS][MAX_ROUNDS];

	for (size_t r = 0; r < rounds; r++) {
		double a[LOOPS] = {0}, b[LOOPS] = {0};
		struct decider d;
		int error = run_loops(cgroup, tiny, a);

		if (!error)
			error = start(&d, image, scope);
		if (error)
			return error;
		error = run_loops(cgroup, tiny, b);
		stop(&d);
		if (error)
			return error;
		for (size_t i = 0; i < LOOPS; i++) {
			without[i][r] = a[i];
			with[i][r] = b[i];
			ratio[i][r] = b[i] / a[i];
		}
	}
	(void)printf("%zu rules at %d decision points, %zu rounds\n", image->nrules,
	             __builtin_popcount(points_of(image)), rounds);
	for (size_t i = 0; i < LOOPS; i++)
		(void)printf("%-20s %9.0f ns without, %9.0f ns with: %.2f times\n", loops[i].name,
		             median(without[i], rounds), median(with[i], rounds), median(ratio[i], rounds));
	return 0;
}

int main(int argc, char **argv)
{
	const size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
	_autoimage_ struct image *image = NULL;
	char root[4096], scope[4200], cgroup[4400];
	int error;

	if (argc < 2 || !rounds || rounds > MAX_ROUNDS) {
		(void)fprintf(stderr, "usage: bench_overhead TINY [ROUNDS], at most %d\n", MAX_ROUNDS);
		return 2;
	}
	if (geteuid() != 0 || load_find_cgroup2(root, sizeof(root))) {
		(void)printf("skipped: needs root and a cgroup v2 hierarchy\n");
		return SKIPPED;
	}
	(void)snprintf(scope, sizeof(scope), "%s/tercel-bench-%d", root, getpid());
	(void)snprintf(cgroup, sizeof(cgroup), "%s/docker-" CONTAINER ".scope", scope);
	error = make_image(&image, sensor_points_here(SENSOR_TRIAL_SMALL, NULL));
	if (!error && (mkdir(scope, 0755) || mkdir(cgroup, 0755)))
		error = -errno;
	if (!error)
		error = measure(image, scope, cgroup, argv[1], rounds);
	(void)rmdir(cgroup);
	(void)rmdir(scope);
	if (error)
		(void)fprintf(stderr, "bench_overhead: %s\n", strerror(-error));
	return error ? 1 : 0;
}
