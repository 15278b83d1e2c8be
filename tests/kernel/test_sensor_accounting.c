// SPDX-License-Identifier: Apache-2.0
/* Nothing is lost without being counted, nothing leaks, and sensors do not disturb each other. */
#include "watch.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>

/* ---- generated = delivered + filtered + dropped ------------------------------------------------------------ */

static void assert_balanced(const struct tercel_stats *s)
{
	for (int t = 0; t < TERCEL_RECORD_TYPES; t++)
		assert_int_equal(s->generated[t], s->delivered[t] + s->filtered[t] + s->dropped[t]);
}

#define FAILING_OPENS 20000

static int open_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < FAILING_OPENS; i++)
		if (open("/no/such/file/for/the/accounting/test", O_RDONLY) >= 0)
			return 1;
	return 0;
}

static void a_full_ring_drops_and_counts_exactly(void **state)
{
	const struct sensor_config config = {.records = 1U << TERCEL_OPEN};
	const struct load_options options = {.ring_bytes = 1 << 16};
	const struct tercel_hdr *record;
	uint64_t taken = 0, ours = 0;
	struct tercel_stats stats;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open_with(&w, &config, &options);
	pid = fork();
	if (pid == 0)
		_exit(open_many(NULL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* Nothing more is sent now: what is in the rings is what was delivered. */
	assert_int_equal(sensor_set_interest(w.sensor, 0, false, NULL), 0);
	while (sensor_next(w.sensor, 20, &record) == 1) {
		taken++;
		ours += record->tgid == (uint32_t)pid;
	}
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	assert_balanced(&stats);
	assert_true(stats.dropped[TERCEL_OPEN] > 0);
	assert_true(stats.generated[TERCEL_OPEN] >= FAILING_OPENS);
	assert_int_equal(stats.delivered[TERCEL_OPEN], taken);
	assert_true(ours > 0);
	assert_int_equal(stats.missed, 0);
	watch_close(&w);
}

static void what_nobody_asked_for_is_filtered_and_counted(void **state)
{
	const struct sensor_config config = {.records = 1U << TERCEL_EXIT};
	struct tercel_stats stats;
	struct watch w;
	int status;

	(void)state;
	watch_open_with(&w, &config, &(struct load_options){0});
	(void)watch_run(&w, open_many, NULL, &status);
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	assert_balanced(&stats);
	assert_true(stats.filtered[TERCEL_FORK] > 0);
	assert_int_equal(stats.delivered[TERCEL_FORK], 0);
	/* The programs for opens are not even attached. */
	assert_int_equal(stats.generated[TERCEL_OPEN], 0);
	assert_int_equal(sensor_set_interest(w.sensor, 1U << TERCEL_OPEN, false, NULL), -EINVAL);
	watch_close(&w);
}

/* ---- no leak ------------------------------------------------------------------------------------------ */

struct population {
	size_t procs, refs, small, large;
};

/* Keys of a map: 4 or 16 bytes. */
static size_t count_entries(struct sensor *s, const char *name)
{
	const int fd = sensor_map_fd(s, name);
	unsigned char key[16], next[16];
	size_t n = 0;

	for (int err = bpf_map_get_next_key(fd, NULL, next); !err; err = bpf_map_get_next_key(fd, key, next)) {
		memcpy(key, next, sizeof(key));
		n++;
	}
	return n;
}

static struct population census(struct sensor *s)
{
	return (struct population){.procs = count_entries(s, "procs"),
	                           .refs = count_entries(s, "image_refs"),
	                           .small = count_entries(s, "images_small"),
	                           .large = count_entries(s, "images_large")};
}

static void *fork_in_thread(void *arg)
{
	const pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	return NULL;
}

static void *exec_in_thread(void *arg)
{
	execv("/bin/true", arg);
	return NULL;
}

/* Forks of forks, vforks, execs with short and long arguments, execs by a thread, forks by threads. */
static int live_wildly(void *arg)
{
	char *large[] = {"true", arg, NULL};
	char *small[] = {"true", NULL};
	pthread_t thread;
	pid_t pid;

	for (int i = 0; i < 40; i++) {
		pid = fork();
		if (pid == 0) {
			pid = fork();
			if (pid == 0) {
				execv("/bin/true", i & 1 ? large : small);
				_exit(1);
			}
			(void)waitpid(pid, NULL, 0);
			if (i & 2 && !pthread_create(&thread, NULL, exec_in_thread, small))
				(void)pthread_join(thread, NULL);
			execv("/bin/true", large);
			_exit(1);
		}
		(void)waitpid(pid, NULL, 0);
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, i & 4 ? large : small, environ) == 0)
			(void)waitpid(pid, NULL, 0);
		if (!pthread_create(&thread, NULL, fork_in_thread, NULL))
			(void)pthread_join(thread, NULL);
	}
	return 0;
}

/* The machine has other processes: a leak of ours would show in every round, what others do does not. */
static void records_and_strings_of_ended_processes_are_gone(void **state)
{
	const struct sensor_config config = {.records = 1U << TERCEL_EXIT};
	struct population before, after;
	struct tercel_stats stats;
	char long_arg[3001];
	struct watch w;
	int status;

	(void)state;
	memset(long_arg, 'x', sizeof(long_arg) - 1);
	long_arg[sizeof(long_arg) - 1] = '\0';
	watch_open_with(&w, &config, &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	watch_drain(&w, 20);
	before = census(w.sensor);
	for (int i = 0; i < 25; i++)
		(void)watch_run(&w, live_wildly, long_arg, &status);
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	after = census(w.sensor);
	/* 25 rounds of 40 times 3 execs, and as many more processes. Others of the machine: some dozens at most. */
	assert_true(stats.generated[TERCEL_EXEC] >= 3000);
	assert_in_range(after.procs, 0, before.procs + 100);
	assert_in_range(after.refs, 0, before.refs + 100);
	assert_in_range(after.small, 0, before.small + 100);
	assert_in_range(after.large, 0, before.large + 100);
	assert_int_equal(stats.procs_full + stats.images_full, 0);
	watch_close(&w);
}

/* Exactly, for our own: no key of a process that has ended. */
static void no_record_is_left_of_a_process_of_ours(void **state)
{
	const struct sensor_config config = {.records = 1U << TERCEL_EXIT | 1U << TERCEL_FORK | 1U << TERCEL_EXEC};
	struct tercel_exec_id image;
	struct tercel_proc proc;
	struct watch w;
	uint32_t refs;
	int status;
	char long_arg[3001];

	(void)state;
	memset(long_arg, 'x', sizeof(long_arg) - 1);
	long_arg[sizeof(long_arg) - 1] = '\0';
	watch_open_with(&w, &config, &(struct load_options){0});
	(void)watch_run(&w, live_wildly, long_arg, &status);
	for (size_t i = 0; i < w.count; i++) {
		const struct tercel_exit *x = (const void *)w.items[i];

		if (w.items[i]->type != TERCEL_EXIT || !x->group_dead)
			continue;
		if (bpf_map_lookup_elem(sensor_map_fd(w.sensor, "procs"), &x->hdr.tgid, &proc) == 0)
			/* The pid may be in use again, by another. */
			assert_memory_not_equal(&proc.exec_id, &x->hdr.exec_id, sizeof(proc.exec_id));
	}
	for (size_t i = 0; watch_find(&w, TERCEL_EXEC, 0, i); i++) {
		const struct tercel_exec *e = watch_find(&w, TERCEL_EXEC, 0, i);
		const struct tercel_exit *x;
		bool ended = false;

		for (size_t j = 0; (x = watch_find(&w, TERCEL_EXIT, (pid_t)e->hdr.tgid, j)); j++)
			ended |= x->group_dead;
		image = e->proc.image_id;
		if (ended && strcmp(e->proc.comm, "true") == 0)
			assert_int_equal(bpf_map_lookup_elem(sensor_map_fd(w.sensor, "image_refs"), &image, &refs),
			                 -ENOENT);
	}
	watch_close(&w);
}

static void a_full_process_table_is_counted_and_blocks_nothing(void **state)
{
	const struct sensor_config config = {.records = ALL_RECORDS, .max_procs = 8};
	struct tercel_stats stats;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open_with(&w, &config, &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	pid = watch_run(&w, open_many, NULL, &status);
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	assert_true(stats.procs_full > 0);
	assert_balanced(&stats);
	/* Delivered all the same, and flagged. */
	assert_true(((const struct tercel_open *)watch_find(&w, TERCEL_OPEN, pid, 0))->hdr.flags &
	            TERCEL_F_PROC_UNKNOWN);
	watch_close(&w);
}

/* ---- two sensors ---------------------------------------------------------------------------------------- */

static int open_once(void *arg)
{
	(void)arg;
	return open("/no/such/file/for/two/sensors", O_RDONLY) >= 0;
}

static void two_sensors_see_the_same(void **state)
{
	struct watch a, b;
	int status;
	pid_t pid;

	(void)state;
	watch_open(&a);
	watch_open(&b);
	pid = watch_run(&a, open_once, NULL, &status);
	watch_until_exit(&b, pid);
	for (int t = TERCEL_FORK; t <= TERCEL_OPEN; t++)
		assert_int_equal(watch_count(&a, (enum tercel_record_type)t, pid),
		                 watch_count(&b, (enum tercel_record_type)t, pid));
	assert_int_equal(watch_count(&b, TERCEL_OPEN, pid), 1);
	watch_close(&b);
	/* The other goes on. */
	pid = watch_run(&a, open_once, NULL, &status);
	assert_int_equal(watch_count(&a, TERCEL_OPEN, pid), 1);
	watch_close(&a);
}

static void records_come_in_order_of_time(void **state)
{
	struct watch w;
	pid_t pids[4];
	int status;

	(void)state;
	watch_open(&w);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(live_wildly("x"));
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
	watch_drain(&w, 50);
	assert_true(w.count > 1000);
	for (size_t i = 1; i < w.count; i++)
		assert_true(w.items[i - 1]->ts <= w.items[i]->ts);
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_full_ring_drops_and_counts_exactly),
	        cmocka_unit_test(what_nobody_asked_for_is_filtered_and_counted),
	        cmocka_unit_test(records_and_strings_of_ended_processes_are_gone),
	        cmocka_unit_test(no_record_is_left_of_a_process_of_ours),
	        cmocka_unit_test(a_full_process_table_is_counted_and_blocks_nothing),
	        cmocka_unit_test(two_sensors_see_the_same),
	        cmocka_unit_test(records_come_in_order_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
