// SPDX-License-Identifier: Apache-2.0
/*
 * The bars: 200,000 execs and 2,000,000 opens as fast as the machine can, each accounted for; nothing dropped at 20,000
 * events a second with the default buffers; no growth of memory after a warm-up. Takes some minutes.
 *
 * Usage: test_sensor_stress TINY, a static program that ends at once.
 */
#include "watch.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define WORKERS 2
#define EXECS_EACH 100000
#define OPENS_EACH 1000000
#define OPENS_PER_EXEC (OPENS_EACH / EXECS_EACH)

static const char *tiny;

struct consumer {
	struct sensor *sensor;
	pthread_t thread;
	atomic_int stop;
	uint32_t workers[WORKERS];
	uint64_t taken[TERCEL_RECORD_TYPES]; /* of anybody */
	atomic_uint_least64_t execs, opens;  /* of the workers and their children */
	uint64_t last_ts, disorder;
};

static bool is_worker(const struct consumer *c, uint32_t tgid)
{
	for (int i = 0; i < WORKERS; i++)
		if (c->workers[i] == tgid)
			return true;
	return false;
}

static void count_record(struct consumer *c, const struct tercel_hdr *record)
{
	c->taken[record->type]++;
	c->disorder += record->ts < c->last_ts;
	c->last_ts = record->ts;
	if (record->type == TERCEL_OPEN && is_worker(c, record->tgid))
		c->opens++;
	if (record->type == TERCEL_EXEC && is_worker(c, ((const struct tercel_exec *)(const void *)record)->proc.ppid))
		c->execs++;
}

static void *consume(void *arg)
{
	struct consumer *c = arg;
	const struct tercel_hdr *record;

	bool stopping;

	/* Once more after the order to stop: what came while this thread did not run on a busy machine. */
	do {
		stopping = atomic_load(&c->stop);
		while (sensor_next(c->sensor, 20, &record) == 1)
			count_record(c, record);
	} while (!stopping);
	return NULL;
}

static void consumer_open(struct consumer *c)
{
	const struct sensor_config config = {.records = 1U << TERCEL_EXEC | 1U << TERCEL_FORK | 1U << TERCEL_EXIT |
	                                                1U << TERCEL_OPEN};
	struct error err = {{0}};

	memset(c, 0, sizeof(*c));
	if (geteuid() != 0)
		skip();
	if (sensor_open(&c->sensor, &config, &err))
		fail_msg("%s", err.text);
}

static void consumer_start(struct consumer *c)
{
	atomic_store(&c->stop, 0);
	assert_int_equal(pthread_create(&c->thread, NULL, consume, c), 0);
}

/* Lets what is in the rings arrive, then ends the consumer. */
static void consumer_finish(struct consumer *c)
{
	(void)usleep(300000);
	atomic_store(&c->stop, 1);
	(void)pthread_join(c->thread, NULL);
}

static void exec_tiny(void)
{
	const pid_t pid = vfork(); /* NOLINT(bugprone-unsafe-functions): cheapest there is */

	if (pid == 0) {
		(void)execl(tiny, "tiny", (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

static void open_devnull(int n)
{
	while (n-- > 0)
		(void)close(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

/* Starts a worker that begins when the pipe is closed and then does its part `percent` times a hundredth. */
static pid_t start_worker(int gate, int execs)
{
	const pid_t pid = fork();
	char c;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (read(gate, &c, 1) != 1)
			_exit(1);
		for (int i = 0; i < execs; i++) {
			exec_tiny();
			open_devnull(OPENS_PER_EXEC);
		}
		_exit(0);
	}
	return pid;
}

static void run_workers(struct consumer *c, int execs)
{
	int gate[2], status;
	pid_t pids[WORKERS];

	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < WORKERS; i++) {
		pids[i] = start_worker(gate[0], execs);
		c->workers[i] = (uint32_t)pids[i];
	}
	consumer_start(c);
	assert_int_equal(write(gate[1], "gg", WORKERS), WORKERS);
	for (int i = 0; i < WORKERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	consumer_finish(c);
	(void)close(gate[0]);
	(void)close(gate[1]);
}

/* ---- memory ------------------------------------------------------------------------------------------- */

static long file_number(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[256];
	long n = -1;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			n = strtol(line + strlen(key), NULL, 10);
	if (f)
		(void)fclose(f);
	return n;
}

/* Bytes that the kernel accounts to the maps that grow on demand. */
static long map_bytes(struct sensor *s)
{
	static const char *const maps[] = {"image_refs", "images_small", "images_large", "cgroups", "procs"};
	char path[64];
	long sum = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", sensor_map_fd(s, maps[i]));
		sum += file_number(path, "memlock:");
	}
	return sum;
}

static long rss_kib(void)
{
	return file_number("/proc/self/status", "VmRSS:");
}

/* ---- the promises ------------------------------------------------------------------------------------- */

static void every_act_is_delivered_or_counted_as_dropped(void **state)
{
	static struct consumer c;
	struct tercel_stats stats;
	long rss, maps;

	(void)state;
	consumer_open(&c);
	run_workers(&c, EXECS_EACH / 10);
	rss = rss_kib();
	maps = map_bytes(c.sensor);
	run_workers(&c, EXECS_EACH);
	assert_int_equal(sensor_set_interest(c.sensor, 0, false, NULL), 0);
	consumer_start(&c);
	consumer_finish(&c);
	assert_int_equal(sensor_stats(c.sensor, &stats), 0);
	for (int t = 0; t < TERCEL_RECORD_TYPES; t++) {
		assert_int_equal(stats.generated[t], stats.delivered[t] + stats.filtered[t] + stats.dropped[t]);
		assert_int_equal(stats.delivered[t], c.taken[t]);
	}
	assert_int_equal(stats.missed, 0);
	assert_int_equal(stats.scratch_busy, 0);
	assert_int_equal(c.disorder, 0);
	print_message("execs: %lu delivered, %lu dropped; opens: %lu delivered, %lu dropped; memory: %+ld KiB here, "
	              "%+ld bytes "
	              "in maps\n",
	              (unsigned long)c.execs, (unsigned long)stats.dropped[TERCEL_EXEC], (unsigned long)c.opens,
	              (unsigned long)stats.dropped[TERCEL_OPEN], rss_kib() - rss, map_bytes(c.sensor) - maps);
	/* Warm-up included. Others of the machine can only add to what was dropped. */
	assert_in_range(c.execs, 0, WORKERS * EXECS_EACH * 11 / 10);
	assert_in_range(c.opens, 0, WORKERS * OPENS_EACH * 11 / 10);
	assert_true(c.execs + stats.dropped[TERCEL_EXEC] >= WORKERS * EXECS_EACH * 11 / 10);
	assert_true(c.opens + stats.dropped[TERCEL_OPEN] >= WORKERS * OPENS_EACH * 11 / 10);
	assert_true(rss_kib() - rss < 512);
	/* Of 200,000 images: room for what others of the machine do. */
	assert_true(map_bytes(c.sensor) - maps < 262144);
	sensor_close(c.sensor);
}

#define RATE 20000
#define RATE_SECONDS 5

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int open_at_rate(void *arg)
{
	const uint64_t start = monotonic_ns();

	(void)arg;
	for (int ms = 1; ms <= RATE_SECONDS * 1000; ms++) {
		const uint64_t now = monotonic_ns(), next = start + (uint64_t)ms * 1000000U;

		open_devnull(RATE / 1000);
		if (now < next)
			(void)usleep((useconds_t)((next - now) / 1000));
	}
	return 0;
}

static void nothing_is_dropped_at_20000_events_a_second(void **state)
{
	static struct consumer c;
	struct tercel_stats stats;
	int status;
	pid_t pid;

	(void)state;
	consumer_open(&c);
	pid = fork();
	if (pid == 0) {
		(void)usleep(20000);
		_exit(open_at_rate(NULL));
	}
	c.workers[0] = (uint32_t)pid;
	consumer_start(&c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	consumer_finish(&c);
	assert_int_equal(sensor_stats(c.sensor, &stats), 0);
	for (int t = 0; t < TERCEL_RECORD_TYPES; t++)
		assert_int_equal(stats.dropped[t], 0);
	assert_int_equal(c.opens, RATE * RATE_SECONDS);
	sensor_close(c.sensor);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nothing_is_dropped_at_20000_events_a_second),
	        cmocka_unit_test(every_act_is_delivered_or_counted_as_dropped),
	};

	if (argc != 2)
		return 2;
	tiny = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
