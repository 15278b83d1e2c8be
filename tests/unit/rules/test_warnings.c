/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is allowed and told all the same: everything Falco warns of. Each case was tried with Falco's own loader.
 */
#include "load.h"

#define USED RULE("R", "evt.type = open")

static void the_advice_for_append_names_what_is_there(void **state)
{
#define EXTENDED RULE("R", "evt.type = open") "- rule: R\n  append: true\n"

	(void)state;
	assert_words(EXTENDED "  condition: and proc.name = a\n", "deprecated", "use override: {condition: append}");
	assert_words(EXTENDED "  exceptions: [{name: e, fields: [proc.name], values: [[a]]}]\n", "deprecated",
	             "use override: {exceptions: append}");
	assert_words(EXTENDED "  condition: and proc.name = a\n  exceptions: [{name: e, fields: [proc.name], values: "
	                      "[[a]]}]\n",
	             "deprecated", "use override: {condition: append, exceptions: append}");
	assert_words("- list: l\n  items: [a]\n- list: l\n  items: [b]\n  append: true\n", "deprecated",
	             "use override: {items: append}");
#undef EXTENDED
}

static void what_nothing_uses_is_told(void **state)
{
	(void)state;
	static const struct diag_row rows[] = {
	        {"- macro: m\n  condition: proc.pid = 1\n" USED, "unused-macro", 1, 10},
	        {"- list: l\n  items: [a]\n" USED, "unused-list", 1, 9},
	        {USED "- macro: m\n  condition: proc.pid = 1\n- macro: m\n  condition: proc.pid = 2\n", "unused-macro",
	         8, 10},
	        /* Rules of other sources use nothing, and neither do those that are skipped for their output. */
	        {"- macro: m\n  condition: proc.pid = 1\n" RULE("S", "m") "  source: other\n", "unused-macro", 1, 10},
	        {"- macro: m\n  condition: proc.pid = 1\n- rule: S\n  desc: d\n  condition: evt.type = open and m\n  "
	         "output: "
	         "'%no.such'\n  priority: INFO\n  skip-if-unknown-filter: true\n",
	         "unused-macro", 1, 10},
	        /* The rule that used it was replaced. */
	        {"- macro: m\n  condition: proc.pid = 1\n" RULE("R", "evt.type = open and m") USED, "unused-macro", 1,
	         10},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_WARNING);
}

static void what_something_uses_is_not_told(void **state)
{
	(void)state;
	static const char *const texts[] = {
	        "- macro: m\n  condition: proc.pid = 1\n" RULE("R", "evt.type = open and m"),
	        /* Through a list, a macro, an exception, and by a rule that is skipped for its condition. */
	        "- list: l\n  items: [a]\n- list: k\n  items: [l]\n" RULE("R", "evt.type = open and proc.name in (k)"),
	        "- list: l\n  items: [a]\n- macro: m\n  condition: proc.name in (l)\n" RULE("R",
	                                                                                    "evt.type = open and m"),
	        "- list: l\n  items: [a]\n" RULE("R",
	                                         "evt.type = open") "  exceptions:\n  - {name: e, fields: [proc.name], "
	                                                            "comps: [in], values: [[l]]}\n",
	        /* A list within a text. */
	        "- list: l\n  items: [a]\n" RULE("R", "evt.type = open and proc.cmdline = \"x l y\""),
	        USED "  enabled: false\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_silent(texts[i]);
}

static void a_macro_that_an_unused_one_uses_is_used(void **state)
{
	(void)state;
	static const char yaml[] = "- macro: m\n  condition: proc.pid = 1\n- macro: n\n  condition: m\n" USED;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *r = NULL;

	assert_int_equal(rules_load_buffer(&r, "t.yaml", yaml, strlen(yaml), &diags), 0);
	assert_int_equal(diags.count, 1);
	assert_string_equal(diags.items[0].code, "unused-macro");
	assert_int_equal(diags.items[0].line, 3);
}

static void nothing_is_told_to_be_unused_beside_errors(void **state)
{
	(void)state;
	static const char yaml[] = "- macro: m\n  condition: proc.pid = 1\n" RULE("R", "no.such = 1");
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	assert_int_equal(rules_load_buffer(&r, "t.yaml", yaml, strlen(yaml), &diags), -EINVAL);
	assert_null(find_diag(&diags, "unused-macro"));
}

static void names_that_nothing_can_use_are_told(void **state)
{
	(void)state;
	static const struct diag_row rows[] = {
	        {"- macro: test-macro\n  condition: evt.type = close\n", "invalid-name", 1, 10},
	        {"- macro: 1st\n  condition: evt.type = close\n", "invalid-name", 1, 10},
	        {"- macro: _m\n  condition: evt.type = close\n", "invalid-name", 1, 10},
	        {"- list: test list\n  items: [open]\n" RULE("R", "evt.type in (test list)"), "invalid-name", 1, 9},
	        {"- list: a,b\n  items: [open]\n", "invalid-name", 1, 9},
	        {"- list: \"a'b\"\n  items: [open]\n", "invalid-name", 1, 10},
	};
	_autorules_ struct rules *r = load(rows[3].yaml);

	assert_condition(r, "R", "evt.type in (open)");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_WARNING);
	assert_silent("- list: a-b.c/d\n  items: [open]\n" RULE("R", "evt.type in (a-b.c/d)"));
}

static void deprecated_things_are_told(void **state)
{
	(void)state;
	static const struct diag_row rows[] = {
	        {RULE("R", "evt.type = open and evt.dir = <"), "deprecated", 3, 34},
	        {"- macro: m\n  condition: evt.type = open and evt.dir=<\n" RULE("R", "m"), "deprecated", 2, 34},
	        {RULE("R", "evt.type = open and evt.latency.ns exists"), "deprecated", 3, 34},
	        {RULE("R", "evt.type = open and len(evt.dir) = 1"), "deprecated", 3, 38},
	        {"- rule: R\n  desc: d\n  condition: evt.type = open\n  output: a %evt.dir b\n  priority: INFO\n",
	         "deprecated", 4, 14},
	        /* Falco looks for the name alone, also where it is text. */
	        {"- rule: R\n  desc: d\n  condition: evt.type = open\n  output: evt.wait_latency\n  priority: INFO\n",
	         "deprecated", 4, 11},
	        {"- rule: R\n  desc: d\n  condition: evt.type = open\n  output: a %container.info\n  priority: INFO\n",
	         "deprecated", 4, 13},
	        {USED "- rule: R\n  condition: and proc.pid = 1\n  append: true\n", "deprecated", 8, 11},
	        {USED "- rule: R\n  enabled: false\n", "deprecated", 7, 12},
	        {"- list: l\n  items: [a]\n- list: l\n  items: [b]\n  append: true\n", "deprecated", 5, 11},
	        {"- macro: m\n  condition: proc.pid = 1\n- macro: m\n  condition: or proc.pid = 2\n  append: true\n",
	         "deprecated", 5, 11},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_WARNING);
}

/* A hundred event codes. */
#define MANY                                                                                                           \
	"evt.type in (execve, clone, fork, vfork, accept, select, ioctl, mkdir, rmdir, openat, link, linkat, unlink, " \
	"unlinkat, dup, umount, bpf, brk, open, close"

static void conditions_for_nearly_every_event_are_told(void **state)
{
	(void)state;
	/* execve has 16 codes, clone and accept 8, brk 4: of old versions, too. */
	static const char *const quiet[] = {
	        "evt.type in (execve, clone, accept, brk)", "evt.type = getppid",
	        "evt.type = getppid and evt.type = alarm", /* both have the codes of other calls */
	        "evt.type = open or evt.type = close",      "proc.name = a and not (evt.type != open)",
	        "evt.type exists and evt.type = open",
	};
	static const char *const told[] = {
	        "proc.name = a",
	        "evt.type exists",
	        "not evt.type exists",
	        "evt.type != open",
	        "not evt.type = open",
	        "evt.type = open or proc.name = a",
	        "evt.type = open and evt.type = close",
	        "evt.type startswith open",
	        "evt.type = oneof (open, close)",
	};

	assert_silent(RULE("R", MANY ")"));
	assert_diag(&(struct diag_row){RULE("R", MANY ", read)"), "no-event-type", 1, 9}, DIAG_WARNING);
	for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++) {
		_autobuf_ struct buf yaml = BUF_INIT;

		buf_addf(&yaml, RULE("R", "%s"), quiet[i]);
		assert_silent(buf_str(&yaml));
	}
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		_autobuf_ struct buf yaml = BUF_INIT, off = BUF_INIT;

		buf_addf(&yaml, RULE("R", "%s"), told[i]);
		assert_diag(&(struct diag_row){buf_str(&yaml), "no-event-type", 1, 9}, DIAG_WARNING);
		buf_addf(&off, "%s  warn_evttypes: false\n", buf_str(&yaml));
		assert_silent(buf_str(&off));
	}
}

static void skipping_forgives_what_is_unknown_and_nothing_else(void **state)
{
	(void)state;
#define SKIP(condition, output)                                               \
	"- rule: R\n  desc: d\n  condition: " condition "\n  output: " output \
	"\n  priority: INFO\n  skip-if-unknown-filter: "                      \
	"true\n"
	static const char *const skipped[] = {
	        SKIP("evt.type = open and no.such = 1", "o"),
	        SKIP("evt.type = nope", "o"),
	        SKIP("evt.type = open", "'%no.such'"),
	        SKIP("evt.type = open", "'% x'"),
	        SKIP("evt.type = open and (", "'%no.such'"), /* Falco looks no further */
	        SKIP("evt.type = open and no.such = 1 and fd.num = x", "o"),
	};
	static const char *const refused[] = {
	        SKIP("evt.type = open and (", "o"),
	        SKIP("evt.type = open and m", "o"),
	        SKIP("evt.type = open and fd.num = x", "o"),
	        SKIP("evt.type = open and fd.num = x and no.such = 1", "o"),
	        SKIP("evt.type = open", "'a %'"),
	        SKIP("evt.type = open", "'a %20'"),
	};

	for (size_t i = 0; i < sizeof(skipped) / sizeof(*skipped); i++) {
		_autorules_ struct rules *r = load(skipped[i]);

		assert_int_equal(rules_find(r, "R")->state, RULE_SKIPPED);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		struct rules *r = NULL;

		if (rules_load_buffer(&r, "t.yaml", refused[i], strlen(refused[i]), &diags) != -EINVAL)
			fail_msg("accepted:\n%s", refused[i]);
	}
}

static void notes_say_how_a_rule_came_to_an_error(void **state)
{
	(void)state;
	static const char yaml[] = "- list: l\n  items: [open, opne]\n"
	                           "- macro: inner\n  condition: no.such = 1\n"
	                           "- macro: outer\n  condition: proc.pid = 1 or inner\n" RULE(
	                                   "R", "evt.type in (l) and outer and bad.one = 1");
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	assert_int_equal(rules_load_buffer(&r, "t.yaml", yaml, strlen(yaml), &diags), -EINVAL);
	assert_int_equal(diags.count, 3);
	diag_sort(&diags);
	const struct diag *list = &diags.items[0], *macro = &diags.items[1], *own = &diags.items[2];

	assert_int_equal(list->nnotes, 1);
	assert_string_equal(list->notes[0].message, "in the list 'l', which is put into the rule 'R' here");
	assert_int_equal(list->notes[0].line, 9);
	assert_int_equal(list->notes[0].column, 27);
	assert_int_equal(macro->nnotes, 2);
	assert_string_equal(macro->notes[0].message, "in the macro 'inner', used by the macro 'outer' here");
	assert_int_equal(macro->notes[0].line, 6);
	assert_int_equal(macro->notes[0].column, 30);
	assert_string_equal(macro->notes[1].message, "in the macro 'outer', used by the rule 'R' here");
	assert_int_equal(macro->notes[1].line, 9);
	assert_int_equal(macro->notes[1].column, 34);
	assert_int_equal(own->nnotes, 0);
	assert_string_equal(own->excerpt.text, "  condition: evt.type in (l) and outer and bad.one = 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_advice_for_append_names_what_is_there),
	        cmocka_unit_test(what_nothing_uses_is_told),
	        cmocka_unit_test(what_something_uses_is_not_told),
	        cmocka_unit_test(a_macro_that_an_unused_one_uses_is_used),
	        cmocka_unit_test(nothing_is_told_to_be_unused_beside_errors),
	        cmocka_unit_test(names_that_nothing_can_use_are_told),
	        cmocka_unit_test(deprecated_things_are_told),
	        cmocka_unit_test(conditions_for_nearly_every_event_are_told),
	        cmocka_unit_test(skipping_forgives_what_is_unknown_and_nothing_else),
	        cmocka_unit_test(notes_say_how_a_rule_came_to_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
