// SPDX-License-Identifier: Apache-2.0
/*
 * Records come in order of time although a CPU is held up between a program's time stamp and its sending. A hypervisor
 * does that to virtual CPUs whenever it likes; here an interrupt does, in which many watched timers expire at once.
 */
#include "watch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>

#define NS_PER_MS INT64_C(1000000)
#define HOLD_NS (3 * NS_PER_MS) /* longer than what the reader waits for anyway */
#define HOLDS 60
#define TIMERS 512
#define WATCHERS_MAX 512

struct shared {
	atomic_int holds, finished;
};

static int64_t monotonic_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void open_devnull(void)
{
	const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)close(fd);
}

/* Opens files while the timers expire, all in the same nanosecond; returns how long the CPU was away for it. */
static int64_t open_through_an_interrupt(const int *timers)
{
	const int64_t due = monotonic_ns() + 2 * NS_PER_MS;
	const struct itimerspec at = {.it_value = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000}};
	int64_t before, now, longest = 0;

	for (int i = 0; i < TIMERS; i++)
		(void)timerfd_settime(timers[i], TFD_TIMER_ABSTIME, &at, NULL);
	now = monotonic_ns();
	while (now < due + 2 * HOLD_NS) {
		before = now;
		open_devnull();
		now = monotonic_ns();
		if (now - before > longest)
			longest = now - before;
	}
	return longest;
}

/* Ends with its parent, whatever happens to that. */
static void child_begins(int cpu, pid_t parent)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
}

/* One more epoll instance that each timer has to tell of its end. */
static bool add_watcher(const int *timers)
{
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};

	for (int i = 0; i < TIMERS; i++)
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, timers[i], &event))
			return false;
	return true;
}

static int be_held_up(struct shared *shared)
{
	int timers[TIMERS], watchers = 0, wanted = 1;

	for (int i = 0; i < TIMERS; i++)
		timers[i] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	while (atomic_load(&shared->holds) < HOLDS) {
		for (; watchers < wanted; watchers++)
			if (!add_watcher(timers))
				return 1;
		if (open_through_an_interrupt(timers) >= HOLD_NS)
			atomic_fetch_add(&shared->holds, 1);
		else if (wanted < WATCHERS_MAX)
			wanted *= 2;
	}
	return 0;
}

static int open_now_and_then(struct shared *shared)
{
	while (!atomic_load(&shared->finished)) {
		open_devnull();
		(void)usleep(20);
	}
	return 0;
}

static void two_cpus(int cpus[2])
{
	cpu_set_t set;
	int n = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET((size_t)i, &set))
			cpus[n++] = i;
	if (n < 2)
		skip();
}

static void a_cpu_that_is_held_up_does_not_disturb_the_order(void **state)
{
	const struct sensor_config config = {.records = 1U << TERCEL_OPEN};
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const pid_t self = getpid();
	const struct tercel_hdr *r;
	uint64_t last = 0, taken = 0, disorder = 0;
	int cpus[2], status;
	pid_t held, other;
	struct watch w;

	(void)state;
	assert_true(shared != MAP_FAILED);
	two_cpus(cpus);
	watch_open_with(&w, &config, &(struct load_options){0});
	held = fork();
	assert_true(held >= 0);
	if (held == 0) {
		child_begins(cpus[1], self);
		_exit(be_held_up(shared));
	}
	other = fork();
	assert_true(other >= 0);
	if (other == 0) {
		child_begins(cpus[0], self);
		_exit(open_now_and_then(shared));
	}
	while (waitpid(held, &status, WNOHANG) == 0)
		while (sensor_next(w.sensor, 20, &r) == 1) {
			taken++;
			disorder += r->ts < last;
			last = r->ts;
			if (taken % 1024 == 0)
				break;
		}
	atomic_store(&shared->finished, 1);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	assert_int_equal(atomic_load(&shared->holds), HOLDS);
	(void)munmap(shared, sizeof(*shared));
	assert_true(taken > 1000);
	assert_int_equal(disorder, 0);
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_cpu_that_is_held_up_does_not_disturb_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
