/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding: what is told and what is folded are together all verdicts, whatever comes in which order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/fold.h"

#define SECOND 1000000000ULL
#define ANY_PATH "/any/path"

struct told {
	uint64_t lines, verdicts; /* written; and those that they stand for */
	uint64_t last_ts, last_folded;
};

static void tell(void *ctx, const struct tercel_verdict *v, uint64_t folded)
{
	struct told *t = ctx;

	t->lines++;
	t->verdicts += 1 + folded;
	t->last_ts = v->hdr.ts;
	t->last_folded = folded;
}

/* With a path behind it, as records have their texts. */
union verdict {
	struct tercel_verdict v;
	char bytes[sizeof(struct tercel_verdict) + sizeof(ANY_PATH)];
};

static union verdict make(uint32_t tgid, uint32_t rule, uint64_t ts, const char *path)
{
	union verdict r = {.v = {.hdr = {.ts = ts,
	                                 .size = sizeof(r.v) + (uint32_t)strlen(path),
	                                 .type = TERCEL_VERDICT,
	                                 .tid = tgid,
	                                 .tgid = tgid,
	                                 .exec_id = {.ktime = 7, .tgid = tgid}},
	                         .rule = rule,
	                         .generation = 1}};

	assert_true(strlen(path) < sizeof(ANY_PATH));
	memcpy(r.bytes + sizeof(r.v), path, strlen(path));
	return r;
}

static void take(struct fold *f, uint32_t tgid, uint32_t rule, uint64_t ts, const char *path)
{
	const union verdict r = make(tgid, rule, ts, path);

	fold_take(f, &r.v);
}

static void what_repeats_is_told_with_its_number(void **unused)
{
	_autofold_ struct fold *f = NULL;
	struct told t = {0};

	(void)unused;
	assert_int_equal(fold_new(&f, tell, &t), 0);
	for (uint64_t i = 0; i < 1000; i++)
		take(f, 1, 0, SECOND + i, ANY_PATH);
	assert_int_equal(t.lines, FOLD_AFTER);
	fold_tick(f, SECOND + FOLD_NS - 1);
	assert_int_equal(t.lines, FOLD_AFTER);
	fold_tick(f, SECOND + FOLD_NS);
	assert_int_equal(t.lines, FOLD_AFTER + 1);
	assert_int_equal(t.verdicts, 1000);
	assert_int_equal(t.last_ts, SECOND + 999);
	assert_int_equal(t.last_folded, 1000 - FOLD_AFTER - 1);
	assert_int_equal(fold_count(f), 1000 - FOLD_AFTER - 1);
	/* The next second begins anew, and nothing is told twice. */
	for (uint64_t i = 0; i < FOLD_AFTER; i++)
		take(f, 1, 0, 2 * SECOND + i, ANY_PATH);
	assert_int_equal(t.lines, 2 * FOLD_AFTER + 1);
	fold_end(f);
	assert_int_equal(t.lines, 2 * FOLD_AFTER + 1);
}

static void without_a_look_at_the_clock_the_next_second_ends_the_one_before(void **unused)
{
	_autofold_ struct fold *f = NULL;
	struct told t = {0};

	(void)unused;
	assert_int_equal(fold_new(&f, tell, &t), 0);
	for (uint64_t i = 0; i < 20; i++)
		take(f, 1, 0, SECOND + i, ANY_PATH);
	take(f, 1, 0, 3 * SECOND, ANY_PATH);
	assert_int_equal(t.lines, FOLD_AFTER + 2);
	assert_int_equal(t.verdicts, 21);
	assert_int_equal(t.last_folded, 0);
}

static void what_differs_is_not_folded(void **unused)
{
	_autofold_ struct fold *f = NULL;
	struct told t = {0};

	(void)unused;
	assert_int_equal(fold_new(&f, tell, &t), 0);
	for (uint32_t i = 0; i < 200; i++)
		take(f, i + 1, 0, SECOND, ANY_PATH);
	for (uint32_t i = 0; i < 200; i++)
		take(f, 1, i, SECOND, ANY_PATH);
	for (uint32_t i = 0; i < 200; i++)
		take(f, 1, 0, SECOND, i % 2 ? "/a" : "/b/c");
	fold_end(f);
	assert_int_equal(t.verdicts, 600);
	assert_true(t.lines >= 400 + 2 * (FOLD_AFTER + 1));
}

static void a_process_that_ends_is_told_of_before(void **unused)
{
	_autofold_ struct fold *f = NULL;
	struct told t = {0};

	(void)unused;
	assert_int_equal(fold_new(&f, tell, &t), 0);
	for (uint64_t i = 0; i < 50; i++) {
		take(f, 1, 0, SECOND + i, ANY_PATH);
		take(f, 2, 0, SECOND + i, ANY_PATH);
	}
	fold_end_process(f, (struct tercel_exec_id){.ktime = 8, .tgid = 1});
	assert_int_equal(t.verdicts, 2 * FOLD_AFTER);
	fold_end_process(f, (struct tercel_exec_id){.ktime = 7, .tgid = 1});
	assert_int_equal(t.verdicts, 50 + FOLD_AFTER);
	fold_end(f);
	assert_int_equal(t.verdicts, 100);
}

/* Whatever comes, in whatever order, and however often the clock is looked at. */
static void nothing_is_lost_and_nothing_is_told_twice(void **unused)
{
	_autofold_ struct fold *f = NULL;
	struct told t = {0};
	uint64_t ts = SECOND;

	(void)unused;
	srandom(4711);
	assert_int_equal(fold_new(&f, tell, &t), 0);
	for (uint64_t i = 0; i < 200000; i++) {
		const long chance = random();

		ts += (uint64_t)(chance % 1000) * 10;
		take(f, (uint32_t)(1 + random() % 3), (uint32_t)(random() % 200), ts - (uint64_t)(chance % 7), "/p");
		if (chance % 500 == 0)
			fold_tick(f, ts);
		if (chance % 900 == 0)
			fold_end_process(f, (struct tercel_exec_id){.ktime = 7, .tgid = 2});
	}
	fold_end(f);
	assert_int_equal(t.verdicts, 200000);
	assert_int_equal(t.lines + fold_count(f), 200000);
	assert_true(fold_count(f) > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_repeats_is_told_with_its_number),
	        cmocka_unit_test(without_a_look_at_the_clock_the_next_second_ends_the_one_before),
	        cmocka_unit_test(what_differs_is_not_folded),
	        cmocka_unit_test(a_process_that_ends_is_told_of_before),
	        cmocka_unit_test(nothing_is_lost_and_nothing_is_told_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
