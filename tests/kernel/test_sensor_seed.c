// SPDX-License-Identifier: Apache-2.0
/* Who ran before the sensor is known, however the opening of the sensor races with processes that come and go. */
#include "watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "base/cleanup.h"
#include "events/process.h"

static uint64_t boot_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void pause_ms(long ms)
{
	(void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- processes that come and go while a sensor is opened -------------------------------------------------- */

#define BREED_PAUSE_MS 2
#define BREED_ALIVE 500 /* at most; a machine that keeps up has some 150 */
#define LIFE_ACTS 8
#define LIFE_PAUSE_MS 25

/* One life: acts now and then; every other one as another program, after a while or at once. */
static void live(int kind)
{
	static const long pauses[] = {0, 5, 60};
	char *const args[] = {"sh", "-c", "for i in 1 2 3 4 5; do sleep 0.03; : >/dev/null; done", NULL};

	if (kind % 2) {
		pause_ms(pauses[kind / 2 % 3]);
		(void)execv("/bin/sh", args);
		_exit(1);
	}
	for (int i = 0; i < LIFE_ACTS; i++) {
		const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (fd >= 0)
			(void)close(fd);
		pause_ms(LIFE_PAUSE_MS);
	}
	_exit(0);
}

/* Makes processes until told to stop, or until its parent has ended without that; ends when all of them have. */
static void breed(const volatile int *stop, pid_t parent)
{
	int alive = 0;
	pid_t pid;

	for (int i = 0; !*stop && getppid() == parent; i++) {
		pid = alive < BREED_ALIVE ? fork() : -1;
		if (pid == 0)
			live(i);
		alive += pid > 0;
		pause_ms(BREED_PAUSE_MS);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			alive--;
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	_exit(0);
}

#define NOTES_MAX 65536

struct note {
	struct tercel_exec_id id;
	uint64_t ts;
	uint32_t type;
};

struct notes {
	struct note *items;
	size_t count;
};

static void note(struct notes *n, const struct tercel_hdr *r)
{
	assert_true(n->count < NOTES_MAX);
	n->items[n->count++] = (struct note){r->exec_id, r->ts, r->type};
}

static bool is_noted(const struct notes *n, struct tercel_exec_id id)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->items[i].id.ktime == id.ktime && n->items[i].id.tgid == id.tgid)
			return true;
	return false;
}

static bool is_known(const struct process_table *t, const struct tercel_hdr *r)
{
	const struct process *p = process_table_find(t, r->exec_id);

	return p && p->state != PROCESS_UNSEEN;
}

/* Takes in all records up to `end`; notes acts by processes that the table does not know, and ends before `seeded`. */
static size_t follow(struct sensor *s, struct process_table *t, uint64_t seeded, uint64_t end, struct notes *strangers,
                     struct notes *ended)
{
	const struct tercel_hdr *r;
	size_t known = 0;

	while (boot_ns() < end) {
		if (sensor_next(s, 20, &r) != 1)
			continue;
		assert_int_equal(process_table_apply(t, r), 0);
		if (r->type == TERCEL_SEED || r->type == TERCEL_CGROUP)
			continue;
		if (is_known(t, r))
			known++;
		else
			note(strangers, r);
		if (r->type == TERCEL_EXIT && ((const struct tercel_exit *)(const void *)r)->group_dead &&
		    r->ts <= seeded)
			note(ended, r);
	}
	return known;
}

static void open_and_follow(struct notes *strangers, struct notes *ended)
{
	const struct sensor_config config = {.records = ALL_RECORDS, .open_reads = true, .ring_mb = 16};
	_autoproctable_ struct process_table *t = NULL;
	struct tercel_stats stats;
	uint64_t seeded;
	struct watch w;
	size_t known;

	assert_int_equal(process_table_new(&t, NULL), 0);
	watch_open_with(&w, &config, &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	seeded = boot_ns();
	known = follow(w.sensor, t, seeded, seeded + 400000000, strangers, ended);
	/* A busy machine makes fewer in that time. */
	for (int i = 0; i < 50 && known <= 1000; i++)
		known += follow(w.sensor, t, seeded, boot_ns() + 200000000, strangers, ended);
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	for (int i = 0; i < TERCEL_RECORD_TYPES; i++)
		assert_int_equal(stats.dropped[i], 0);
	assert_true(known > 1000);
	watch_close(&w);
}

static void whoever_lives_at_the_end_of_the_seeding_is_known(void **state)
{
	_autofree_ struct note *unknown = calloc(NOTES_MAX, sizeof(*unknown));
	_autofree_ struct note *gone = calloc(NOTES_MAX, sizeof(*gone));
	int *stop = mmap(NULL, sizeof(*stop), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct notes strangers = {.items = unknown}, ended = {.items = gone};
	size_t bad = 0;
	const pid_t self = getpid();
	pid_t breeder;

	(void)state;
	assert_true(unknown && gone && stop != MAP_FAILED);
	breeder = fork();
	assert_true(breeder >= 0);
	if (breeder == 0)
		breed(stop, self);
	pause_ms(200);
	for (int i = 0; i < 4; i++)
		open_and_follow(&strangers, &ended);
	*stop = 1;
	assert_int_equal(waitpid(breeder, NULL, 0), breeder);
	(void)munmap(stop, sizeof(*stop));
	for (size_t i = 0; i < strangers.count; i++) {
		const struct note *n = &strangers.items[i];

		if (is_noted(&ended, n->id))
			continue;
		if (bad++ < 20)
			print_error("record type %u at %llu by an unknown %u:%llu\n", n->type,
			            (unsigned long long)n->ts, n->id.tgid, (unsigned long long)n->id.ktime);
	}
	assert_int_equal(bad, 0);
}

/* ---- everybody in /proc ----------------------------------------------------------------------------------- */

#define GROUPS_MAX 32768

struct group {
	uint32_t tgid;
	unsigned long long start;
	char comm[64];
};

/* The text of a file of a process; false if that has ended. */
static bool read_proc(uint32_t tgid, const char *name, char *out, size_t size)
{
	char path[64];
	_autoclose_ int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%u/%s", tgid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (n <= 0)
		return false;
	out[n] = '\0';
	return true;
}

static bool read_group(struct group *g, uint32_t tgid)
{
	char text[1024], state = 0;
	const char *close;

	*g = (struct group){.tgid = tgid};
	if (!read_proc(tgid, "comm", g->comm, sizeof(g->comm)) || !read_proc(tgid, "stat", text, sizeof(text)))
		return false;
	g->comm[strcspn(g->comm, "\n")] = '\0';
	close = strrchr(text, ')');
	return close &&
	       sscanf(close, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
	              &state, &g->start) == 2 &&
	       state != 'Z' && state != 'X';
}

static bool same_group(const struct group *a, const struct group *b)
{
	return a->start == b->start && !strcmp(a->comm, b->comm);
}

static size_t list_groups(struct group *out)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;
	size_t n = 0;

	assert_non_null(d);
	while (d && n < GROUPS_MAX && (entry = readdir(d))) {
		const unsigned long tgid = strtoul(entry->d_name, NULL, 10);

		if (tgid)
			n += read_group(&out[n], (uint32_t)tgid);
	}
	if (d)
		(void)closedir(d);
	return n;
}

static size_t count_leader_seeds(const struct watch *w, uint32_t tgid, const struct tercel_exec **found)
{
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++)
		if (w->items[i]->type == TERCEL_SEED && w->items[i]->tid == tgid && w->items[i]->tgid == tgid) {
			*found = (const struct tercel_exec *)(const void *)w->items[i];
			n++;
		}
	return n;
}

/* Of kernel workers /proc shows more than the name. */
static void assert_named(const struct tercel_exec *e, const char *comm)
{
	const size_t len = strnlen(e->proc.comm, sizeof(e->proc.comm));

	assert_in_range(len, 1, TERCEL_COMM_LEN - 1);
	assert_memory_equal(e->proc.comm, comm, len);
	if (!(e->proc.proc_flags & TERCEL_PROC_KTHREAD))
		assert_int_equal(strlen(comm), len);
}

static void every_process_of_proc_is_seeded_once(void **state)
{
	_autofree_ struct group *groups = calloc(GROUPS_MAX, sizeof(*groups));
	const struct sensor_config config = {.records = 1U << TERCEL_SEED};
	const struct tercel_exec *e = NULL;
	size_t count, compared = 0;
	bool first_is_there = false;
	struct watch w;

	(void)state;
	assert_non_null(groups);
	count = list_groups(groups);
	watch_open_with(&w, &config, &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	watch_drain(&w, 20);
	for (size_t i = 0; i < count; i++) {
		struct group now;

		/* It may have ended, or run another program by now. */
		if (!read_group(&now, groups[i].tgid) || !same_group(&now, &groups[i]))
			continue;
		if (count_leader_seeds(&w, now.tgid, &e) != 1)
			fail_msg("%zu seeds of process %u (%s)", count_leader_seeds(&w, now.tgid, &e), now.tgid,
			         now.comm);
		assert_named(e, now.comm);
		assert_int_equal(e->hdr.exec_id.tgid, now.tgid);
		first_is_there |= now.tgid == 1;
		compared++;
	}
	assert_true(compared > 10);
	assert_true(first_is_there);
	watch_close(&w);
}

/* The ids by which others name their parent are those of the parent's own seed. */
static void parents_are_named_by_the_id_of_their_own_seed(void **state)
{
	const struct sensor_config config = {.records = 1U << TERCEL_SEED};
	struct watch w;
	size_t compared = 0;

	(void)state;
	watch_open_with(&w, &config, &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	watch_drain(&w, 20);
	for (size_t i = 0; i < w.count; i++) {
		const struct tercel_exec *child = (const struct tercel_exec *)(const void *)w.items[i], *parent = NULL;

		if (child->hdr.type != TERCEL_SEED || child->proc.parent_exec_id.tgid != 1)
			continue;
		assert_int_equal(count_leader_seeds(&w, 1, &parent), 1);
		assert_non_null(parent);
		if (!parent)
			return;
		assert_int_equal(child->proc.parent_exec_id.ktime, parent->proc.exec_id.ktime);
		compared++;
	}
	assert_true(compared > 0);
	watch_close(&w);
}

/* What the counters say was delivered is what came. */
static void seeds_are_counted_exactly(void **state)
{
	const struct sensor_config config = {.records = 1U << TERCEL_SEED | 1U << TERCEL_CGROUP};
	struct tercel_stats stats;
	struct watch w;

	(void)state;
	watch_open_with(&w, &config, &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	watch_drain(&w, 20);
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	assert_int_equal(stats.delivered[TERCEL_SEED], watch_count(&w, TERCEL_SEED, 0));
	assert_int_equal(stats.delivered[TERCEL_CGROUP], watch_count(&w, TERCEL_CGROUP, 0));
	assert_int_equal(stats.generated[TERCEL_SEED], stats.delivered[TERCEL_SEED]);
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_process_of_proc_is_seeded_once),
	        cmocka_unit_test(parents_are_named_by_the_id_of_their_own_seed),
	        cmocka_unit_test(seeds_are_counted_exactly),
	        cmocka_unit_test(whoever_lives_at_the_end_of_the_seeding_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
