/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "events/process.h"
#include "records.h"

#define NONE ((struct tercel_exec_id){0})
#define NOW UINT64_MAX

static struct process_table *table_new(uint64_t grace_ns, uint32_t grace_records)
{
	struct process_table *t = NULL;
	struct process_table_config c = {.grace_ns = grace_ns, .grace_records = grace_records};
	assert_int_equal(process_table_new(&t, &c), 0);
	return t;
}

static void apply(struct process_table *t, const struct tercel_hdr *r)
{
	assert_int_equal(process_table_apply(t, r), 0);
}

static void expect_lineage(const struct process *p, unsigned depth, const char *expected)
{
	_autobuf_ struct buf b = BUF_INIT;
	assert_non_null(p);
	process_lineage(&b, p, depth);
	assert_string_equal(buf_str(&b), expected);
}

static const struct process *find(const struct process_table *t, struct tercel_exec_id id)
{
	return process_table_find(t, id);
}

static struct process_table_stats stats_of(const struct process_table *t)
{
	struct process_table_stats s;
	process_table_stats(t, &s);
	return s;
}

/* Lets every grace time of one nanosecond and one record pass. */
static void pass_time(struct process_table *t, __u64 ts)
{
	for (__u64 i = 1; i <= 3; i++)
		apply(t, make(TERCEL_SOCKET, sizeof(struct tercel_socket), ts + i, id_of(1, 1), 0));
}

static void lineage_is_that_of_birth_also_after_parents_died(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	struct tercel_exec_id init = id_of(1, 1), shim = id_of(2, 10), python_fork = id_of(3, 20),
	                      python = id_of(3, 30), sh_fork = id_of(4, 40), sh = id_of(4, 50);
	apply(t, make_seed(init, NONE, "/sbin/init"));
	apply(t, make_seed(shim, init, "/usr/bin/containerd-shim"));
	apply(t, make_fork(20, shim, python_fork, "containerd-shim"));
	apply(t, make_exec(python, shim, 20, "/usr/bin/python3", "python3 app.py"));
	apply(t, make_fork(40, python, sh_fork, "python3"));
	expect_lineage(find(t, sh_fork), 0, "init>containerd-shim>python3>python3");
	apply(t, make_exec(sh, python, 40, "/bin/sh", "sh -c id"));
	expect_lineage(find(t, sh), 0, "init>containerd-shim>python3>sh");

	apply(t, make_exit(60, python, 0));
	apply(t, make_exit(61, shim, 0));
	pass_time(t, 100);
	expect_lineage(find(t, sh), 0, "init>containerd-shim>python3>sh");
	assert_int_equal(find(t, python)->state, PROCESS_EXITED);

	apply(t, make_exit(200, sh, 9));
	assert_int_equal(find(t, sh)->exit_code, 9);
	pass_time(t, 300);
	assert_null(find(t, sh));
	assert_null(find(t, python));
	assert_null(find(t, shim));
	assert_non_null(find(t, init));
	assert_int_equal(stats_of(t).processes, 1);
	assert_int_equal(stats_of(t).live, 1);
}

static void lineage_says_when_it_is_cut(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(1, 1), NONE, "/a"));
	apply(t, make_seed(id_of(2, 2), id_of(1, 1), "/b"));
	apply(t, make_seed(id_of(3, 3), id_of(2, 2), "/c"));
	expect_lineage(find(t, id_of(3, 3)), 3, "a>b>c");
	expect_lineage(find(t, id_of(3, 3)), 2, "…>b>c");
	expect_lineage(find(t, id_of(3, 3)), 1, "…>c");
	/* A parent that nobody told of is shown by its id, and that it is not the beginning. */
	apply(t, make_exec(id_of(8, 8), id_of(7, 7), 8, "/d", "d"));
	expect_lineage(find(t, id_of(8, 8)), 0, "…>(7)>d");
	assert_int_equal(process_parent(find(t, id_of(8, 8)))->state, PROCESS_UNSEEN);
}

static void names_cannot_pose_as_others_nor_steer_a_terminal(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(1, 1), NONE, "a>b\033[2J\xff"));
	expect_lineage(find(t, id_of(1, 1)), 0, "a\\x3eb\\x1b[2J\\xff");
}

static void a_seed_may_come_before_or_after_its_children(void **state)
{
	(void)state;
	for (int parent_first = 0; parent_first < 2; parent_first++) {
		_autoproctable_ struct process_table *t = table_new(1, 1);
		if (parent_first)
			apply(t, make_seed(id_of(10, 5), NONE, "/parent"));
		apply(t, make_seed(id_of(11, 6), id_of(10, 5), "/child"));
		if (!parent_first)
			apply(t, make_seed(id_of(10, 5), NONE, "/parent"));
		apply(t, make_exit(50, id_of(10, 5), 0));
		pass_time(t, 60);
		expect_lineage(find(t, id_of(11, 6)), 0, "parent>child");
	}
}

static void a_seed_without_a_parents_exec_id_is_joined_by_process_id(void **state)
{
	(void)state;
	static const int orders[][3] = {{1, 2, 3}, {3, 2, 1}, {2, 3, 1}};
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		_autoproctable_ struct process_table *t = table_new(1, 1);
		for (int k = 0; k < 3; k++) {
			__u32 pid = (__u32)orders[i][k];
			struct tercel_exec *x = (void *)make_seed(id_of(pid, pid), NONE, "/p");
			x->proc.ppid = pid - 1;
			apply(t, &x->hdr);
		}
		pass_time(t, 10);
		expect_lineage(find(t, id_of(3, 3)), 0, "p>p>p");
		assert_int_equal(find(t, id_of(3, 3))->parent_id.tgid, 2);
	}
}

static void a_fork_of_an_unseeded_parent_is_joined_by_its_seed(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_fork(20, id_of(5, 10), id_of(6, 20), "mother"));
	expect_lineage(find(t, id_of(6, 20)), 0, "…>(5)>mother");
	assert_int_equal(stats_of(t).missed_forks, 1);
	apply(t, make_seed(id_of(5, 10), NONE, "/bin/mother"));
	expect_lineage(find(t, id_of(6, 20)), 0, "mother>mother");
}

static void an_exec_keeps_children_of_the_former_image_with_that_image(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(1, 1), NONE, "/init"));
	apply(t, make_fork(10, id_of(1, 1), id_of(2, 10), "init"));
	apply(t, make_exec(id_of(2, 20), id_of(1, 1), 10, "/first", "first x"));
	assert_true(find(t, id_of(2, 20))->cloned);
	apply(t, make_fork(30, id_of(2, 20), id_of(3, 30), "first"));
	apply(t, make_exec(id_of(2, 40), id_of(1, 1), 10, "/second", "second"));
	assert_false(find(t, id_of(2, 40))->cloned);
	pass_time(t, 50);
	expect_lineage(find(t, id_of(3, 30)), 0, "init>first>first");
	expect_lineage(find(t, id_of(2, 40)), 0, "init>second");
	assert_int_equal(find(t, id_of(2, 20))->state, PROCESS_REPLACED);
	assert_null(find(t, id_of(2, 10)));
	/* The fork inherited the image's strings. */
	assert_memory_equal(find(t, id_of(3, 30))->args.data, "first\0x", 8);
	assert_int_equal(stats_of(t).missed_exits, 0);
	assert_int_equal(stats_of(t).missed_forks, 0);
}

static void who_had_an_id_is_answered_for_any_time(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1000000, 1000);
	apply(t, make_seed(id_of(1, 1), NONE, "/init"));
	apply(t, make_fork(10, id_of(1, 1), id_of(2, 10), "init"));
	apply(t, make_exec(id_of(2, 20), id_of(1, 1), 10, "/old", "old"));
	apply(t, make_thread(25, id_of(2, 20), 7));
	apply(t, make_thread_exit(28, id_of(2, 20), 7));
	apply(t, make_exit(30, id_of(2, 20), 0));
	apply(t, make_fork(40, id_of(1, 1), id_of(2, 40), "init"));
	apply(t, make_fork(50, id_of(1, 1), id_of(7, 50), "init"));

	assert_null(process_table_at(t, 2, 9));
	assert_ptr_equal(process_table_at(t, 2, 10), find(t, id_of(2, 10)));
	assert_ptr_equal(process_table_at(t, 2, 19), find(t, id_of(2, 10)));
	assert_ptr_equal(process_table_at(t, 2, 20), find(t, id_of(2, 20)));
	assert_ptr_equal(process_table_at(t, 2, 30), find(t, id_of(2, 20)));
	assert_null(process_table_at(t, 2, 35));
	assert_ptr_equal(process_table_at(t, 2, NOW), find(t, id_of(2, 40)));
	assert_null(process_table_at(t, 7, 24));
	assert_ptr_equal(process_table_at(t, 7, 26), find(t, id_of(2, 20)));
	assert_null(process_table_at(t, 7, 45));
	assert_ptr_equal(process_table_at(t, 7, NOW), find(t, id_of(7, 50)));
	assert_int_equal(stats_of(t).missed_exits, 0);
}

static void an_exec_by_another_thread_than_the_leader_ends_all_threads(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1000000, 1000);
	apply(t, make_seed(id_of(5, 1), NONE, "/many"));
	apply(t, make_thread(10, id_of(5, 1), 6));
	apply(t, make_thread(11, id_of(5, 1), 7));
	assert_ptr_equal(process_table_at(t, 7, NOW), find(t, id_of(5, 1)));
	/* The kernel ends the leader and thread 6, then 7 takes over the leader's id. */
	apply(t, make_thread_exit(19, id_of(5, 1), 6));
	apply(t, make_thread_exit(19, id_of(5, 1), 5));
	struct tercel_exec *x = make_image(TERCEL_EXEC, id_of(5, 20), NONE, 1, "/one", "one");
	x->old_tid = 7;
	apply(t, &x->hdr);
	assert_ptr_equal(process_table_at(t, 5, NOW), find(t, id_of(5, 20)));
	assert_null(process_table_at(t, 6, NOW));
	assert_null(process_table_at(t, 7, NOW));
	assert_ptr_equal(process_table_at(t, 7, 15), find(t, id_of(5, 1)));
	assert_int_equal(stats_of(t).live, 1);
}

static void a_leader_that_ends_first_does_not_end_the_process(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(5, 1), NONE, "/many"));
	apply(t, make_thread(10, id_of(5, 1), 6));
	apply(t, make_thread_exit(20, id_of(5, 1), 5));
	assert_int_equal(find(t, id_of(5, 1))->state, PROCESS_LIVE);
	struct tercel_exit *last = (void *)make_exit(30, id_of(5, 1), 256);
	last->hdr.tid = 6;
	apply(t, &last->hdr);
	assert_int_equal(find(t, id_of(5, 1))->state, PROCESS_EXITED);
}

static void a_sibling_made_with_clone_parent_hangs_under_the_callers_parent(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(1, 1), NONE, "/init"));
	apply(t, make_seed(id_of(2, 2), id_of(1, 1), "/runc"));
	struct tercel_fork *f = (void *)make_fork(10, id_of(2, 2), id_of(3, 10), "runc");
	f->child_ppid = 1;
	apply(t, &f->hdr);
	expect_lineage(find(t, id_of(3, 10)), 0, "init>runc");
}

static void a_reused_process_id_without_an_exit_is_another_process(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(1, 1), NONE, "/init"));
	apply(t, make_seed(id_of(9, 5), id_of(1, 1), "/lost"));
	apply(t, make_fork(50, id_of(1, 1), id_of(9, 50), "init"));
	assert_int_equal(find(t, id_of(9, 5))->state, PROCESS_EXITED);
	assert_int_equal(stats_of(t).missed_exits, 1);
	/* An exit of the former one that comes late must not end the new one. */
	apply(t, make_exit(51, id_of(9, 5), 0));
	assert_int_equal(find(t, id_of(9, 50))->state, PROCESS_LIVE);
}

static void a_fork_that_comes_after_the_childs_exec_changes_nothing(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(1, 1), NONE, "/init"));
	apply(t, make_exec(id_of(2, 20), id_of(1, 1), 10, "/bin/x", "x"));
	apply(t, make_fork(10, id_of(1, 1), id_of(2, 10), "init"));
	assert_int_equal(find(t, id_of(2, 20))->state, PROCESS_LIVE);
	assert_int_equal(find(t, id_of(2, 10))->state, PROCESS_REPLACED);
	assert_ptr_equal(process_table_at(t, 2, NOW), find(t, id_of(2, 20)));
	assert_int_equal(stats_of(t).live, 2);
}

static void the_ended_stay_for_the_grace_time(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1000, 3);
	apply(t, make_seed(id_of(1, 1), NONE, "/init"));
	apply(t, make_seed(id_of(2, 2), id_of(1, 1), "/x"));
	apply(t, make_exit(100, id_of(2, 2), 0));
	for (__u64 ts = 101; ts < 110; ts++)
		apply(t, make(TERCEL_SOCKET, sizeof(struct tercel_socket), ts, id_of(1, 1), 0));
	assert_non_null(find(t, id_of(2, 2))); /* records enough, time not */
	apply(t, make(TERCEL_SOCKET, sizeof(struct tercel_socket), 1100, id_of(1, 1), 0));
	assert_null(find(t, id_of(2, 2)));

	apply(t, make_seed(id_of(3, 2), id_of(1, 1), "/y"));
	apply(t, make_exit(2000, id_of(3, 2), 0));
	apply(t, make(TERCEL_SOCKET, sizeof(struct tercel_socket), 99999, id_of(1, 1), 0));
	assert_non_null(find(t, id_of(3, 2))); /* time enough, records not */
}

static void a_directory_change_is_followed(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(2, 2), NONE, "/x"));
	apply(t, make_fork(5, id_of(2, 2), id_of(3, 5), "x"));
	struct tercel_chdir *c = make(TERCEL_CHDIR, sizeof(*c), 10, id_of(2, 2), 0);
	c->cwd = append("/tmp", 4);
	apply(t, &c->hdr);
	assert_memory_equal(find(t, id_of(2, 2))->cwd.data, "/tmp", 4);
	assert_int_equal(find(t, id_of(3, 5))->cwd.len, 1); /* the child's own did not move */
}

static void malformed_records_are_refused_and_counted(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	struct tercel_exec *x = NULL;
	uint64_t refused = 0;
#define REFUSED(change)                                                             \
	do {                                                                        \
		x = make_image(TERCEL_EXEC, id_of(2, 2), NONE, 1, "/bin/x", "x y"); \
		change;                                                             \
		assert_int_equal(process_table_apply(t, &x->hdr), -EBADMSG);        \
		assert_int_equal(stats_of(t).malformed, ++refused);                 \
	} while (0)
	REFUSED(x->hdr.size = 0);
	REFUSED(x->hdr.size = sizeof(struct tercel_hdr) - 1);
	REFUSED(x->hdr.size = sizeof(struct tercel_exec) - 1);
	REFUSED(x->hdr.type = TERCEL_RECORD_TYPES);
	REFUSED(x->args.len = x->hdr.size);
	REFUSED(x->args.off = x->hdr.size + 1);
	REFUSED(x->args.off = UINT32_MAX);
	REFUSED(x->env = ((struct tercel_span){UINT32_MAX - 3, 8}));
	REFUSED(x->cwd.off = 8); /* would show the header as text */
#undef REFUSED
	assert_int_equal(stats_of(t).processes, 0);
}

static void parents_in_a_circle_do_no_harm(void **state)
{
	(void)state;
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_exec(id_of(2, 2), id_of(2, 2), 2, "/self", "self"));
	expect_lineage(find(t, id_of(2, 2)), 0, "…>self");
	apply(t, make_exec(id_of(3, 3), id_of(4, 4), 3, "/a", "a"));
	apply(t, make_exec(id_of(4, 4), id_of(5, 5), 4, "/b", "b"));
	apply(t, make_exec(id_of(5, 5), id_of(3, 3), 5, "/c", "c"));
	expect_lineage(find(t, id_of(3, 3)), 0, "…>c>b>a");
}

static void any_depth_is_kept(void **state)
{
	(void)state;
	enum { DEPTH = 5000 };
	_autoproctable_ struct process_table *t = table_new(1, 1);
	apply(t, make_seed(id_of(1, 1), NONE, "/p"));
	for (__u32 i = 2; i <= DEPTH; i++) {
		apply(t, make_fork(i, id_of(i - 1, i - 1), id_of(i, i), "p"));
		if (i > 2)
			apply(t, make_exit(i, id_of(i - 1, i - 1), 0));
	}
	pass_time(t, DEPTH);
	_autobuf_ struct buf b = BUF_INIT;
	process_lineage(&b, find(t, id_of(DEPTH, DEPTH)), 0);
	assert_int_equal(b.len, 2 * DEPTH - 1);
	apply(t, make_exit(DEPTH + 10, id_of(DEPTH, DEPTH), 0));
	pass_time(t, DEPTH + 20);
	assert_int_equal(stats_of(t).processes, 1);
}

static void memory_is_bounded_and_eviction_is_counted(void **state)
{
	(void)state;
	struct process_table *made_table = NULL;
	struct process_table_config c = {
	        .max_processes = 100, .max_bytes = 300000, .grace_ns = 1000000000, .grace_records = 100000};
	assert_int_equal(process_table_new(&made_table, &c), 0);
	_autoproctable_ struct process_table *t = made_table;
	static char args[4000];
	memset(args, 'x', sizeof(args) - 1);

	apply(t, make_seed(id_of(1, 1), NONE, "/init"));
	for (__u64 i = 2; i < 300; i++) { /* ended ones go first, and nobody else */
		apply(t, make_fork(i * 10, id_of(1, 1), id_of(i, i * 10), "init"));
		apply(t, make_exec(id_of(i, i * 10 + 1), id_of(1, 1), i * 10, "/bin/x", args));
		apply(t, make_exit(i * 10 + 2, id_of(i, i * 10 + 1), 0));
		assert_true(stats_of(t).bytes <= 300000 && stats_of(t).processes <= 100);
	}
	assert_true(stats_of(t).evicted_ended > 100);
	assert_int_equal(stats_of(t).evicted_live, 0);
	assert_int_equal(stats_of(t).evicted_parents, 0);
	assert_non_null(find(t, id_of(1, 1)));

	for (__u64 i = 1000; i < 1300; i++) { /* a chain of ended ancestors: cut, counted, and said */
		apply(t,
		      make_fork(i * 10, i > 1000 ? id_of(i - 1, (i - 1) * 10) : id_of(1, 1), id_of(i, i * 10), "deep"));
		if (i > 1000)
			apply(t, make_exit(i * 10, id_of(i - 1, (i - 1) * 10), 0));
	}
	assert_true(stats_of(t).evicted_parents >= 200);
	_autobuf_ struct buf b = BUF_INIT;
	process_lineage(&b, find(t, id_of(1299, 12990)), 0);
	assert_memory_equal(buf_str(&b), "…>deep", strlen("…>deep"));

	for (__u64 i = 2000; i < 2300; i++) { /* more living processes than there is room for */
		apply(t, make_fork(i * 10, id_of(1, 1), id_of(i, i * 10), "many"));
		assert_true(stats_of(t).processes <= 100);
	}
	assert_true(stats_of(t).evicted_live >= 200);
	assert_non_null(find(t, id_of(1, 1))); /* heard of all the time */
	assert_int_equal(stats_of(t).no_memory, 0);
}

static void threads_are_bounded_too(void **state)
{
	(void)state;
	struct process_table *made_table = NULL;
	struct process_table_config c = {.max_bytes = 1};
	assert_int_equal(process_table_new(&made_table, &c), 0);
	_autoproctable_ struct process_table *t = made_table;
	apply(t, make_seed(id_of(1, 1), NONE, "/java"));
	for (__u32 i = 2; i < 20000; i++)
		apply(t, make_thread(i, id_of(1, 1), i));
	assert_true(stats_of(t).bytes < 400000);
	assert_true(stats_of(t).evicted_threads > 10000);
	assert_non_null(find(t, id_of(1, 1)));
	assert_non_null(process_table_at(t, 19999, NOW));
}

static void exec_ids_are_written_as_tetragon_does(void **state)
{
	(void)state;
	_autobuf_ struct buf b = BUF_INIT;
	process_exec_id_text(&b, "kind-control-plane", id_of(51583, 11428615636901));
	/* Of Tetragon's documentation. */
	assert_string_equal(buf_str(&b), "a2luZC1jb250cm9sLXBsYW5lOjExNDI4NjE1NjM2OTAxOjUxNTgz");
}

/* ---- random sequences against a naive model ---- */

enum {
	MODEL_IMAGES = 20000,
	MODEL_STEPS = 6000,
	MODEL_PIDS = 60,
	MODEL_LIVE = 25,
};

struct image {
	struct tercel_exec_id id;
	uint64_t start;
	int parent; /* index, -1: none */
	bool live;
	int threads[8];
	int nthreads;
	char comm[8];
};

struct model {
	struct image images[MODEL_IMAGES];
	int count;
	bool used[MODEL_PIDS]; /* ids of threads and processes */
	uint64_t now;
};

static int pick_live(const struct model *m)
{
	int live[MODEL_LIVE + 1], n = 0;
	for (int i = 0; i < m->count; i++)
		if (m->images[i].live)
			live[n++] = i;
	return n ? live[rand() % n] : 0;
}

static int pick_pid(struct model *m)
{
	int pid = 2 + rand() % (MODEL_PIDS - 2);
	for (int tries = 0; m->used[pid]; tries++) {
		if (tries > MODEL_PIDS)
			return 0;
		pid = pid + 1 < MODEL_PIDS ? pid + 1 : 2;
	}
	m->used[pid] = true;
	return pid;
}

static int model_add(struct model *m, struct tercel_exec_id id, uint64_t start, int parent)
{
	struct image *i = &m->images[m->count];
	*i = (struct image){.id = id, .start = start, .parent = parent, .live = true};
	(void)snprintf(i->comm, sizeof(i->comm), "c%d", m->count % 100000);
	return m->count++;
}

static void step_fork(struct model *m, struct process_table *t, int actor)
{
	int live = 0, pid = 0;
	for (int i = 0; i < m->count; i++)
		live += m->images[i].live;
	if (live >= MODEL_LIVE || !(pid = pick_pid(m)))
		return;
	int child = model_add(m, id_of((__u32)pid, m->now), m->now, actor);
	apply(t, make_fork(m->now, m->images[actor].id, m->images[child].id, m->images[child].comm));
}

static void step_exec(struct model *m, struct process_table *t, int actor)
{
	struct image *old = &m->images[actor];
	int new = model_add(m, id_of(old->id.tgid, m->now), old->start, old->parent);
	struct tercel_exec_id parent = old->parent >= 0 ? m->images[old->parent].id : NONE;
	for (int i = 0; i < old->nthreads; i++)
		m->used[old->threads[i]] = false;
	old->live = false;
	apply(t, make_exec(m->images[new].id, parent, old->start, m->images[new].comm, "x"));
}

static void step_thread(struct model *m, struct process_table *t, int actor)
{
	struct image *i = &m->images[actor];
	int tid = i->nthreads < 8 ? pick_pid(m) : 0;
	if (!tid)
		return;
	i->threads[i->nthreads++] = tid;
	apply(t, make_thread(m->now, i->id, (__u32)tid));
}

static void step_thread_exit(struct model *m, struct process_table *t, int actor)
{
	struct image *i = &m->images[actor];
	if (!i->nthreads)
		return;
	int tid = i->threads[--i->nthreads];
	m->used[tid] = false;
	apply(t, make_thread_exit(m->now, i->id, (__u32)tid));
}

static void step_exit(struct model *m, struct process_table *t, int actor)
{
	struct image *i = &m->images[actor];
	if (i->id.tgid == 1)
		return;
	for (int k = 0; k < i->nthreads; k++)
		m->used[i->threads[k]] = false;
	m->used[i->id.tgid] = false;
	i->live = false;
	apply(t, make_exit(m->now, i->id, 0));
}

static void model_lineage(const struct model *m, int i, struct buf *b)
{
	if (m->images[i].parent >= 0) {
		model_lineage(m, m->images[i].parent, b);
		buf_addc(b, '>');
	}
	buf_adds(b, m->images[i].comm);
}

static void compare(const struct model *m, const struct process_table *t)
{
	static bool needed[MODEL_IMAGES];
	size_t expected = 0, threads = 0, live = 0;
	memset(needed, 0, sizeof(needed));
	for (int i = m->count - 1; i >= 0; i--) {
		const struct image *im = &m->images[i];
		needed[i] |= im->live;
		live += im->live;
		expected += needed[i];
		if (needed[i] && im->parent >= 0)
			needed[im->parent] = true;
		assert_int_equal(needed[i], find(t, im->id) != NULL);
		if (!im->live)
			continue;
		_autobuf_ struct buf want = BUF_INIT;
		model_lineage(m, i, &want);
		expect_lineage(find(t, im->id), 0, buf_str(&want));
		assert_ptr_equal(process_table_at(t, im->id.tgid, NOW), find(t, im->id));
		for (int k = 0; k < im->nthreads; k++)
			assert_ptr_equal(process_table_at(t, (__u32)im->threads[k], NOW), find(t, im->id));
		threads += (size_t)im->nthreads;
	}
	struct process_table_stats s = stats_of(t);
	assert_int_equal(s.processes, expected);
	assert_int_equal(s.live, live);
	assert_int_equal(s.threads, threads);
	assert_int_equal(s.missed_exits + s.missed_forks + s.malformed + s.no_memory, 0);
}

static void random_histories_agree_with_a_naive_model(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 5; seed++) {
		static struct model m;
		memset(&m, 0, sizeof(m));
		srand(seed);
		_autoproctable_ struct process_table *t = table_new(1, 1);
		m.now = 1;
		m.used[1] = true;
		apply(t, make_seed(m.images[model_add(&m, id_of(1, 1), 1, -1)].id, NONE, "c0"));
		for (int step = 0; step < MODEL_STEPS; step++) {
			void (*const steps[])(struct model *, struct process_table *, int) = {
			        step_fork, step_fork, step_exec, step_thread, step_thread_exit, step_exit};
			m.now += 10;
			steps[(size_t)rand() % (sizeof(steps) / sizeof(*steps))](&m, t, pick_live(&m));
			if (step % 50 == 0) {
				/* Process 1 may have a new image by now: an act of nobody in particular. */
				for (__u64 i = 1; i <= 3; i++)
					apply(t, make(TERCEL_CGROUP, sizeof(struct tercel_cgroup), m.now + i, NONE, 0));
				compare(&m, t);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(lineage_is_that_of_birth_also_after_parents_died),
	        cmocka_unit_test(lineage_says_when_it_is_cut),
	        cmocka_unit_test(names_cannot_pose_as_others_nor_steer_a_terminal),
	        cmocka_unit_test(a_seed_may_come_before_or_after_its_children),
	        cmocka_unit_test(a_seed_without_a_parents_exec_id_is_joined_by_process_id),
	        cmocka_unit_test(a_fork_of_an_unseeded_parent_is_joined_by_its_seed),
	        cmocka_unit_test(an_exec_keeps_children_of_the_former_image_with_that_image),
	        cmocka_unit_test(who_had_an_id_is_answered_for_any_time),
	        cmocka_unit_test(an_exec_by_another_thread_than_the_leader_ends_all_threads),
	        cmocka_unit_test(a_leader_that_ends_first_does_not_end_the_process),
	        cmocka_unit_test(a_sibling_made_with_clone_parent_hangs_under_the_callers_parent),
	        cmocka_unit_test(a_reused_process_id_without_an_exit_is_another_process),
	        cmocka_unit_test(a_fork_that_comes_after_the_childs_exec_changes_nothing),
	        cmocka_unit_test(the_ended_stay_for_the_grace_time),
	        cmocka_unit_test(a_directory_change_is_followed),
	        cmocka_unit_test(malformed_records_are_refused_and_counted),
	        cmocka_unit_test(parents_in_a_circle_do_no_harm),
	        cmocka_unit_test(any_depth_is_kept),
	        cmocka_unit_test(memory_is_bounded_and_eviction_is_counted),
	        cmocka_unit_test(threads_are_bounded_too),
	        cmocka_unit_test(exec_ids_are_written_as_tetragon_does),
	        cmocka_unit_test(random_histories_agree_with_a_naive_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
