// SPDX-License-Identifier: Apache-2.0
/*
 * What the sensor costs: ns in our programs for each exec, fork, exit and open (the kernel's own BPF statistics), and
 * how much slower loops of system calls run with it, per capture backend, against the same loop without a sensor,
 * interleaved.
 *
 * Usage: bench_sensor TINY [ROUNDS]. TINY is a static program that ends at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "sensor/load.h"
#include "sensor/sensor.h"

#define MAX_ROUNDS 64

static uint64_t now_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* ---- workloads ---------------------------------------------------------------------------------------- */

static const char *tiny;

static void loop_getppid(size_t n)
{
	while (n-- > 0)
		(void)syscall(SYS_getppid);
}

static void loop_open_read(size_t n)
{
	while (n-- > 0)
		(void)close(open("/etc/passwd", O_RDONLY));
}

static void loop_open_write(size_t n)
{
	while (n-- > 0)
		(void)close(open("/dev/null", O_WRONLY));
}

static void loop_exec(size_t n)
{
	char *const args[] = {(char *)tiny, NULL};

	while (n-- > 0) {
		pid_t pid;

		if (posix_spawn(&pid, tiny, NULL, NULL, args, environ) == 0)
			(void)waitpid(pid, NULL, 0);
	}
}

static const struct workload {
	const char *name;
	void (*run)(size_t n);
	size_t n;
} workloads[] = {
        {"getppid", loop_getppid, 1000000},
        {"open+close (read)", loop_open_read, 100000},
        {"open+close (write)", loop_open_write, 100000},
        {"fork+exec+wait", loop_exec, 500},
};
#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

static double ns_per_round(const struct workload *w)
{
	const uint64_t start = now_ns(CLOCK_MONOTONIC);

	w->run(w->n);
	return (double)(now_ns(CLOCK_MONOTONIC) - start) / (double)w->n;
}

/* ---- a sensor and its consumer -------------------------------------------------------------------------- */

struct consumer {
	struct sensor *sensor;
	pthread_t thread;
	atomic_int stop;
	uint64_t records, cpu_ns;
};

static void *consume(void *arg)
{
	struct consumer *c = arg;
	const struct tercel_hdr *record;

	while (!atomic_load(&c->stop))
		while (sensor_next(c->sensor, 20, &record) == 1)
			c->records++;
	c->cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static int consumer_start(struct consumer *c, enum capture_backend backend, uint32_t records)
{
	const struct sensor_config config = {.records = records};
	struct error err = {{0}};
	const int code = sensor_open_with(&c->sensor, &config, &(struct load_options){.backend = backend}, &err);

	if (code) {
		(void)fprintf(stderr, "bench_sensor: %s\n", err.text);
		return code;
	}
	atomic_init(&c->stop, 0);
	c->records = c->cpu_ns = 0;
	return -pthread_create(&c->thread, NULL, consume, c);
}

static void consumer_stop(struct consumer *c)
{
	atomic_store(&c->stop, 1);
	(void)pthread_join(c->thread, NULL);
	sensor_close(c->sensor);
}

/* What rules ask for by default. */
#define DEFAULT_RECORDS \
	(1U << TERCEL_EXEC | 1U << TERCEL_FORK | 1U << TERCEL_EXIT | 1U << TERCEL_OPEN | 1U << TERCEL_CONNECT)

static const struct mode {
	const char *name;
	enum capture_backend backend; /* CAPTURE_AUTO: no sensor */
	uint32_t records;
} modes[] = {
        {"none", CAPTURE_AUTO, 0},
        {"processes only", CAPTURE_SYS_EXIT, 1U << TERCEL_EXEC | 1U << TERCEL_FORK | 1U << TERCEL_EXIT},
        {"sys_exit", CAPTURE_SYS_EXIT, DEFAULT_RECORDS},
        {"tracepoints", CAPTURE_TRACEPOINT, DEFAULT_RECORDS},
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

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

/* Ratios of one round, as the machine's mood changes between rounds; the median of them is printed. */
static double ratios[MODES][WORKLOADS][MAX_ROUNDS], times[MODES][WORKLOADS][MAX_ROUNDS];

static int run_modes(size_t rounds, bool tracepoints)
{
	const size_t count = tracepoints ? MODES : MODES - 1;

	for (size_t r = 0; r < rounds; r++) {
		for (size_t m = 0; m < count; m++) {
			struct consumer c;

			if (modes[m].records && consumer_start(&c, modes[m].backend, modes[m].records))
				return 1;
			for (size_t w = 0; w < WORKLOADS; w++) {
				times[m][w][r] = ns_per_round(&workloads[w]);
				ratios[m][w][r] = times[m][w][r] / times[0][w][r];
			}
			if (modes[m].records)
				consumer_stop(&c);
		}
	}
	(void)printf("%-20s", "slow-down (median)");
	for (size_t m = 0; m < count; m++)
		(void)printf("%22s", modes[m].name);
	(void)printf("\n");
	for (size_t w = 0; w < WORKLOADS; w++) {
		(void)printf("%-20s", workloads[w].name);
		for (size_t m = 0; m < count; m++)
			(void)printf("%12.0f ns %5.2fx", median(times[m][w], rounds), median(ratios[m][w], rounds));
		(void)printf("\n");
	}
	return 0;
}

/* ---- time inside the programs ------------------------------------------------------------------------------ */

#define MAX_PROGS 32

struct snapshot {
	struct sensor_prog_stats progs[MAX_PROGS];
	int count;
};

static void take(struct sensor *s, struct snapshot *out)
{
	out->count = sensor_prog_stats(s, out->progs, MAX_PROGS);
}

static void print_programs(const struct snapshot *before, const struct snapshot *after, const struct workload *w)
{
	for (int i = 0; i < after->count; i++) {
		const uint64_t runs = after->progs[i].run_count - before->progs[i].run_count;
		const uint64_t ns = after->progs[i].run_ns - before->progs[i].run_ns;

		if (runs >= w->n)
			(void)printf("  %-20s %-14s %6.0f ns a run, %6.0f ns for each round (%.1f runs)\n", w->name,
			             after->progs[i].name, (double)ns / (double)runs, (double)ns / (double)w->n,
			             (double)runs / (double)w->n);
	}
}

static int run_programs(enum capture_backend backend, const char *name)
{
	_autoclose_ int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct snapshot before, after;
	struct consumer c;

	if (stats < 0) {
		(void)fprintf(stderr, "bench_sensor: the kernel keeps no BPF statistics: %s\n", strerror(errno));
		return 1;
	}
	if (consumer_start(&c, backend, DEFAULT_RECORDS))
		return 1;
	(void)printf("time in our programs, backend %s\n", name);
	for (size_t w = 0; w < WORKLOADS; w++) {
		take(c.sensor, &before);
		workloads[w].run(workloads[w].n);
		take(c.sensor, &after);
		print_programs(&before, &after, &workloads[w]);
	}
	consumer_stop(&c);
	return 0;
}

/* ---- the consumer ---------------------------------------------------------------------------------------- */

/* Opens at a steady rate; prints what the consumer's thread used. */
static int run_consumer(unsigned int rate)
{
	const unsigned int seconds = 2, slice_us = 1000;
	struct tercel_stats stats;
	struct consumer c;

	if (consumer_start(&c, CAPTURE_SYS_EXIT, 1U << TERCEL_OPEN))
		return 1;
	for (unsigned int i = 0; i < seconds * 1000; i++) {
		loop_open_write(rate / 1000);
		(void)usleep(slice_us);
	}
	(void)sensor_stats(c.sensor, &stats);
	atomic_store(&c.stop, 1);
	(void)pthread_join(c.thread, NULL);
	(void)printf("consumer at up to %u events/s: %.2f%% of a CPU, %llu records, %llu dropped\n", rate,
	             (double)c.cpu_ns / 1e7 / (double)seconds, (unsigned long long)c.records,
	             (unsigned long long)stats.dropped[TERCEL_OPEN]);
	sensor_close(c.sensor);
	return 0;
}

/* A mount of our own, seen by nobody else. */
static bool have_tracefs(void)
{
	if (access("/sys/kernel/tracing/events/syscalls", R_OK) == 0)
		return true;
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) == 0;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
	const bool tracepoints = have_tracefs();

	if (argc < 2 || rounds < 1 || rounds > MAX_ROUNDS) {
		(void)fprintf(stderr, "usage: bench_sensor TINY [ROUNDS, 1 to %d]\n", MAX_ROUNDS);
		return 2;
	}
	tiny = argv[1];
	if (geteuid() != 0) {
		(void)fprintf(stderr, "bench_sensor: needs root\n");
		return 77;
	}
	if (run_modes(rounds, tracepoints) || run_programs(CAPTURE_SYS_EXIT, "sys_exit"))
		return 1;
	if (tracepoints && run_programs(CAPTURE_TRACEPOINT, "tracepoints"))
		return 1;
	return run_consumer(0) || run_consumer(1000) || run_consumer(20000);
}
