/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a policy: every change is whole or not at all, and what is due comes when it is due.
 */
#include "world.h"

static int set_mode(struct world *w, const char *rules, enum tercel_mode mode, const char *code)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	int error = live_set_mode(w->live, rules, mode, &diags);

	if (code)
		assert_string_equal(diags.count ? diags.items[diags.count - 1].code : "", code);
	return error;
}

static int apply(struct world *w, const char *name, uint64_t confirm_ns, uint64_t now_ns)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;

	return live_apply(w->live, name ? in_directory(name) : NULL, confirm_ns, now_ns, &diags);
}

static void each_change_is_a_new_generation(void **state)
{
	struct world *w = *state;

	begin(w, POLICY);
	assert_int_equal(w->generation, 1);
	assert_int_equal(w->nrules, 4);
	assert_int_equal(set_mode(w, "a", TERCEL_MODE_ENFORCE, NULL), 0);
	assert_int_equal(w->generation, 2);
	assert_int_equal(live_generation(w->live), 2);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(rule_of(w, "b").mode, TERCEL_MODE_MONITOR);
	assert_int_equal(set_mode(w, "*", TERCEL_MODE_OFF, NULL), 0);
	assert_int_equal(w->nrules, 0);
	assert_int_equal(apply(w, NULL, 0, 0), 0); /* the file again: what was set is gone */
	assert_int_equal(w->generation, 4);
	assert_int_equal(w->nrules, 4);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
}

static void rules_are_named_by_globs(void **state)
{
	struct world *w = *state;

	begin(w, POLICY);
	assert_int_equal(set_mode(w, "c*", TERCEL_MODE_ENFORCE, NULL), 0);
	assert_int_equal(rule_of(w, "cxy").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(rule_of(w, "c[x]*").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(set_mode(w, "c[x]*", TERCEL_MODE_MONITOR, NULL), 0); /* a name, and as a glob cxy's */
	assert_int_equal(rule_of(w, "cxy").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(rule_of(w, "c[x]*").mode, TERCEL_MODE_MONITOR);
	assert_int_equal(set_mode(w, "nobody", TERCEL_MODE_ENFORCE, "no-such-rule"), -EINVAL);
	assert_int_equal(live_generation(w->live), 3);
}

static void what_is_refused_leaves_everything_as_it_was(void **state)
{
	struct world *w = *state;

	begin(w, POLICY);
	w->refuse = -E2BIG;
	assert_int_equal(set_mode(w, "a", TERCEL_MODE_ENFORCE, "refused"), -E2BIG);
	write_file("broken.yaml", "rules_files: [\n");
	write_file("none.yaml", "rules_files: [nothing.yaml]\n");
	assert_int_equal(apply(w, "broken.yaml", 0, 0), -EINVAL);
	assert_int_equal(apply(w, "none.yaml", 0, 0), -EINVAL);
	assert_int_equal(apply(w, "policy.yaml", 0, 0), -E2BIG);
	assert_int_equal(live_generation(w->live), 1);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
	w->refuse = 0;
	/* The mode that was refused is not remembered either. */
	assert_int_equal(set_mode(w, "b", TERCEL_MODE_ENFORCE, NULL), 0);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
	assert_int_equal(w->generation, 2);
}

/* ---- confirmation ------------------------------------------------------------------------------------------------ */

static void what_is_not_confirmed_is_taken_back_at_its_time(void **state)
{
	struct world *w = *state;

	begin(w, POLICY);
	write_file("other.yaml", POLICY "rules: [{name: a, mode: enforce}, {name: b, mode: 'off'}]\n");
	assert_int_equal(apply(w, "other.yaml", 60 * SECOND, 100 * SECOND), 0);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(live_unconfirmed_ns(w->live, 110 * SECOND), 50 * SECOND);
	live_tick(w->live, 160 * SECOND - 1);
	assert_int_equal(w->generation, 2);
	live_tick(w->live, 160 * SECOND);
	assert_int_equal(w->generation, 3);
	assert_int_equal(w->nrules, 4);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
	assert_string_equal(live_plan(w->live)->file, in_directory("policy.yaml"));
	assert_int_equal(live_unconfirmed_ns(w->live, 200 * SECOND), 0);
	assert_non_null(strstr(w->notes, "not confirmed in time"));
	live_tick(w->live, 300 * SECOND);
	assert_int_equal(w->generation, 3);
}

static void what_is_confirmed_stays(void **state)
{
	struct world *w = *state;
	struct error err = {0};

	begin(w, POLICY);
	assert_int_equal(live_confirm(w->live, &err), -ENOENT);
	assert_int_equal(apply(w, "policy.yaml", SECOND, 0), 0);
	assert_int_equal(live_confirm(w->live, &err), 0);
	live_tick(w->live, 10 * SECOND);
	assert_int_equal(w->generation, 2);
	assert_int_equal(live_confirm(w->live, &err), -ENOENT);
}

static void while_a_confirmation_is_waited_for_nothing_else_changes(void **state)
{
	struct world *w = *state;

	begin(w, POLICY);
	assert_int_equal(apply(w, "policy.yaml", SECOND, 0), 0);
	assert_int_equal(set_mode(w, "a", TERCEL_MODE_ENFORCE, "unconfirmed"), -EBUSY);
	assert_int_equal(apply(w, NULL, 0, 0), -EBUSY);
	assert_int_equal(apply(w, "policy.yaml", SECOND, 0), -EBUSY);
	assert_int_equal(w->generation, 2);
}

static void taking_back_is_tried_again_but_not_without_a_pause(void **state)
{
	struct world *w = *state;

	begin(w, POLICY);
	assert_int_equal(apply(w, "policy.yaml", SECOND, 0), 0);
	w->refuse = -ENOSPC;
	for (uint64_t ms = 1000; ms < 3000; ms += 100)
		live_tick(w->live, ms * (SECOND / 1000));
	assert_int_equal(w->nnotes, 2);
	assert_non_null(strstr(w->notes, "could not be taken back yet: it does not fit"));
	w->refuse = 0;
	live_tick(w->live, 3 * SECOND);
	assert_int_equal(w->generation, 3);
	assert_int_equal(live_unconfirmed_ns(w->live, 4 * SECOND), 0);
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

static uint32_t index_of(const struct world *w, const char *name)
{
	for (uint32_t i = 0; i < live_image(w->live)->nrules; i++)
		if (!strcmp(live_image(w->live)->rules[i].name, name))
			return i;
	fail_msg("no rule %s", name);
	return 0;
}

static void block(struct world *w, uint32_t generation, uint32_t rule, uint64_t ts)
{
	const struct tercel_verdict v = {.hdr = {.ts = ts},
	                                 .generation = generation,
	                                 .rule = rule,
	                                 .mode = TERCEL_MODE_ENFORCE,
	                                 .action = TERCEL_ACTION_DENY,
	                                 .enforced = 1};

	live_verdict(w->live, &v);
}

static void verdicts_are_counted_for_their_rule_over_a_change(void **state)
{
	struct world *w = *state;
	struct tercel_verdict v = {.generation = 1, .action = TERCEL_ACTION_DENY};
	uint32_t b;

	begin(w, POLICY);
	b = index_of(w, "b");
	v.rule = b;
	live_verdict(w->live, &v);
	v.action = TERCEL_ACTION_AUDIT;
	v.uncertain = TERCEL_U_ARGS;
	live_verdict(w->live, &v);
	assert_int_equal(set_mode(w, "a", TERCEL_MODE_OFF, NULL), 0);
	assert_int_not_equal(index_of(w, "b"), b);
	live_verdict(w->live, &v); /* of generation 1, that comes late */
	block(w, 2, index_of(w, "b"), 1);
	assert_int_equal(rule_of(w, "b").would_block, 1);
	assert_int_equal(rule_of(w, "b").uncertain, 2);
	assert_int_equal(rule_of(w, "b").blocked, 1);
	/* Neither of a policy before that one nor of a rule that there is none of. */
	block(w, 7, 0, 1);
	block(w, 2, 99, 1);
	assert_int_equal(live_late(w->live), 2);
	assert_int_equal(apply(w, NULL, 0, 0), 0);
	assert_int_equal(rule_of(w, "b").blocked, 0);
	block(w, 2, 0, 1);
	block(w, 3, index_of(w, "b"), 1);
	assert_int_equal(rule_of(w, "b").blocked, 1);
	assert_int_equal(live_late(w->live), 3);
}

static void verdicts_are_counted_for_their_rule_over_many_changes(void **state)
{
	struct world *w = *state;
	uint32_t b, a;

	begin(w, POLICY);
	a = index_of(w, "a");
	b = index_of(w, "b");
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(set_mode(w, i % 3 ? "c*" : "a", i % 2 ? TERCEL_MODE_OFF : TERCEL_MODE_ENFORCE, NULL),
		                 0);
	assert_int_equal(set_mode(w, "a", TERCEL_MODE_OFF, NULL), 0);
	block(w, 1, b, 1);
	assert_int_equal(rule_of(w, "b").blocked, 1);
	/* One that was off in between is not the one of before. */
	assert_int_equal(set_mode(w, "a", TERCEL_MODE_ENFORCE, NULL), 0);
	block(w, 1, a, 1);
	assert_int_equal(rule_of(w, "a").blocked, 0);
	assert_int_equal(live_late(w->live), 1);
	/* Of more than are remembered, the oldest are forgotten, and that is told. */
	for (unsigned int i = 0; i < 80; i++)
		assert_int_equal(set_mode(w, "cxy", i % 2 ? TERCEL_MODE_OFF : TERCEL_MODE_ENFORCE, NULL), 0);
	block(w, 1, b, 1);
	assert_int_equal(rule_of(w, "b").blocked, 1);
	assert_int_equal(live_late(w->live), 2);
}

static void modes_that_say_nothing_any_more_are_forgotten(void **state)
{
	struct world *w = *state;
	const struct policy *p;
	size_t of_file;

	begin(w, POLICY);
	p = live_plan(w->live)->policy;
	of_file = p->nentries;
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(set_mode(w, "a", i % 2 ? TERCEL_MODE_OFF : TERCEL_MODE_ENFORCE, NULL), 0);
		assert_int_equal(set_mode(w, i % 2 ? "c*" : "c[x]*", TERCEL_MODE_ENFORCE, NULL), 0);
	}
	assert_int_equal(p->nentries, of_file + 2);
	assert_int_equal(set_mode(w, "b", TERCEL_MODE_ENFORCE, NULL), 0);
	assert_int_equal(p->nentries, of_file + 3);
	assert_int_equal(rule_of(w, "cxy").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(set_mode(w, "*", TERCEL_MODE_MONITOR, NULL), 0);
	assert_int_equal(p->nentries, of_file + 1);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
}

#define FUSED POLICY "rules: [{name: '*', mode: enforce, fuse: {blocks: 3, per: 10s}}]\n"

static void a_fuse_allows_what_it_says_and_no_more(void **state)
{
	struct world *w = *state;
	uint32_t a;

	begin(w, FUSED);
	a = index_of(w, "a");
	for (uint64_t i = 0; i < 3; i++)
		block(w, 1, a, SECOND + i);
	live_tick(w->live, SECOND);
	assert_int_equal(w->generation, 1);
	/* The first of them is more than ten seconds ago. */
	block(w, 1, a, 12 * SECOND);
	live_tick(w->live, 2 * SECOND);
	assert_int_equal(w->generation, 1);
	block(w, 1, a, 13 * SECOND);
	block(w, 1, a, 14 * SECOND);
	live_tick(w->live, 3 * SECOND);
	assert_int_equal(w->generation, 1);
	block(w, 1, a, 15 * SECOND);
	live_tick(w->live, 4 * SECOND);
	assert_int_equal(w->generation, 2);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
	assert_true(rule_of(w, "a").blown);
	assert_int_equal(rule_of(w, "a").blocked, 7);
	assert_int_equal(rule_of(w, "b").mode, TERCEL_MODE_ENFORCE);
	assert_non_null(strstr(w->notes, "fuse blown: \"a\" (more than 3 blocks in 10000 ms)"));
}

static void fuses_that_blow_together_are_all_obeyed(void **state)
{
	struct world *w = *state;

	begin(w, FUSED);
	for (uint64_t i = 0; i < 4; i++) {
		block(w, 1, index_of(w, "c[x]*"), SECOND + i);
		block(w, 1, index_of(w, "b"), SECOND + i);
	}
	w->refuse = -ENOSPC;
	for (uint64_t ms = 1000; ms < 3000; ms += 100)
		live_tick(w->live, ms * (SECOND / 1000));
	assert_int_equal(w->nnotes, 2);
	assert_int_equal(rule_of(w, "b").mode, TERCEL_MODE_ENFORCE);
	w->refuse = 0;
	live_tick(w->live, 3 * SECOND);
	assert_int_equal(w->generation, 2);
	assert_int_equal(rule_of(w, "b").mode, TERCEL_MODE_MONITOR);
	assert_int_equal(rule_of(w, "c[x]*").mode, TERCEL_MODE_MONITOR);
	assert_int_equal(rule_of(w, "cxy").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_ENFORCE);
}

static void a_fuse_remembers_over_other_changes_and_is_new_when_set_again(void **state)
{
	struct world *w = *state;

	begin(w, FUSED);
	for (uint64_t i = 0; i < 3; i++)
		block(w, 1, index_of(w, "a"), SECOND + i);
	assert_int_equal(set_mode(w, "b", TERCEL_MODE_MONITOR, NULL), 0);
	block(w, 2, index_of(w, "a"), SECOND + 4);
	live_tick(w->live, SECOND);
	assert_true(rule_of(w, "a").blown);
	assert_int_equal(w->generation, 3);
	/* Late ones of before do not blow it again. */
	block(w, 2, index_of(w, "a"), SECOND + 5);
	live_tick(w->live, 2 * SECOND);
	assert_int_equal(w->generation, 3);
	assert_int_equal(set_mode(w, "a", TERCEL_MODE_ENFORCE, NULL), 0);
	assert_false(rule_of(w, "a").blown);
	for (uint64_t i = 0; i < 3; i++)
		block(w, 4, index_of(w, "a"), SECOND + 6 + i);
	live_tick(w->live, 3 * SECOND);
	assert_int_equal(w->generation, 4);
	block(w, 4, index_of(w, "a"), SECOND + 9);
	live_tick(w->live, 4 * SECOND);
	assert_int_equal(w->generation, 5);
}

static void a_change_meanwhile_does_not_forget_a_blown_fuse(void **state)
{
	struct world *w = *state;

	begin(w, FUSED);
	for (uint64_t i = 0; i < 4; i++) {
		block(w, 1, index_of(w, "a"), SECOND + i);
		block(w, 1, index_of(w, "b"), SECOND + i);
	}
	w->refuse = -ENOSPC;
	live_tick(w->live, SECOND);
	assert_int_equal(set_mode(w, "cxy", TERCEL_MODE_MONITOR, "refused"), -ENOSPC);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_ENFORCE);
	w->refuse = 0;
	/* Before it is tried again. Whoever wants one of them to go on blocking says so. */
	assert_int_equal(set_mode(w, "b", TERCEL_MODE_ENFORCE, NULL), 0);
	assert_int_equal(w->generation, 2);
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
	assert_true(rule_of(w, "a").blown);
	assert_int_equal(rule_of(w, "b").mode, TERCEL_MODE_ENFORCE);
	assert_false(rule_of(w, "b").blown);
	assert_int_equal(rule_of(w, "cxy").mode, TERCEL_MODE_ENFORCE);
	assert_non_null(
	        strstr(w->notes, "fuse blown: \"a\" (more than 3 blocks in 10000 ms); monitored only from now on"));
	live_tick(w->live, 5 * SECOND);
	assert_int_equal(w->generation, 2);
}

/* Verdicts of several processors. */
static void a_fuse_blows_also_by_blocks_that_are_told_out_of_order(void **state)
{
	struct world *w = *state;

	begin(w, FUSED);
	for (uint64_t i = 0; i < 4; i++)
		block(w, 1, index_of(w, "a"), 2 * SECOND - i);
	live_tick(w->live, 3 * SECOND);
	assert_non_null(strstr(w->notes, "fuse blown"));
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
}

static void a_fuse_blows_also_in_a_policy_that_cannot_be_taken_back(void **state)
{
	struct world *w = *state;

	begin(w, POLICY);
	write_file("fused.yaml", FUSED);
	assert_int_equal(apply(w, "fused.yaml", SECOND, 0), 0);
	w->refuse = -ENOSPC;
	w->refused_file = in_directory("policy.yaml");
	for (uint64_t i = 0; i < 4; i++)
		block(w, 2, index_of(w, "a"), SECOND + i);
	live_tick(w->live, 2 * SECOND);
	assert_int_equal(w->nnotes, 2);
	assert_non_null(strstr(w->notes, "fuse blown: \"a\""));
	assert_int_equal(rule_of(w, "a").mode, TERCEL_MODE_MONITOR);
	w->refuse = 0;
	live_tick(w->live, 4 * SECOND);
	assert_string_equal(live_plan(w->live)->file, in_directory("policy.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_change_is_a_new_generation),
	        cmocka_unit_test(rules_are_named_by_globs),
	        cmocka_unit_test(what_is_refused_leaves_everything_as_it_was),
	        cmocka_unit_test(what_is_not_confirmed_is_taken_back_at_its_time),
	        cmocka_unit_test(what_is_confirmed_stays),
	        cmocka_unit_test(while_a_confirmation_is_waited_for_nothing_else_changes),
	        cmocka_unit_test(taking_back_is_tried_again_but_not_without_a_pause),
	        cmocka_unit_test(verdicts_are_counted_for_their_rule_over_a_change),
	        cmocka_unit_test(verdicts_are_counted_for_their_rule_over_many_changes),
	        cmocka_unit_test(modes_that_say_nothing_any_more_are_forgotten),
	        cmocka_unit_test(a_fuse_allows_what_it_says_and_no_more),
	        cmocka_unit_test(fuses_that_blow_together_are_all_obeyed),
	        cmocka_unit_test(a_fuse_remembers_over_other_changes_and_is_new_when_set_again),
	        cmocka_unit_test(a_change_meanwhile_does_not_forget_a_blown_fuse),
	        cmocka_unit_test(a_fuse_blows_also_by_blocks_that_are_told_out_of_order),
	        cmocka_unit_test(a_fuse_blows_also_in_a_policy_that_cannot_be_taken_back),
	};

	return cmocka_run_group_tests(tests, make_world, clean_world);
}
