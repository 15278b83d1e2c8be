// SPDX-License-Identifier: Apache-2.0
/*
 * Rule files: definitions, expansion, overrides, exceptions, and the exact place of every error in every YAML style.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

static void a_rule_has_what_its_file_says(void **state)
{
	_autorules_ struct rules *r = load("- rule: Shell started\n"
	                                   "  desc: one\n"
	                                   "  condition: evt.type in (execve, execveat) and proc.name = sh\n"
	                                   "  output: '  %proc.name started  '\n"
	                                   "  priority: warning\n"
	                                   "  tags: [a, b]\n"
	                                   "  enabled: false\n");
	const struct rule *rule = rules_at(r, 0);

	(void)state;
	assert_int_equal(rules_count(r), 1);
	assert_string_equal(rule->name, "Shell started");
	assert_string_equal(rule->pos.file, "t.yaml");
	assert_int_equal(rule->pos.line, 1);
	assert_int_equal(rule->pos.column, 9);
	assert_string_equal(rule->desc, "one");
	assert_string_equal(rule->output, "%proc.name started");
	assert_string_equal(rule->source, "syscall");
	assert_int_equal(rule->priority, RULE_WARNING);
	assert_int_equal(rule->ntags, 2);
	assert_string_equal(rule->tags[1], "b");
	assert_false(rule->enabled);
	assert_int_equal(rule->condition_pos.line, 3);
	assert_int_equal(rule->condition_pos.column, 14);
	assert_int_equal(filter_event_set_count(&rule->events), 2);
}

static void lists_and_macros_are_put_in(void **state)
{
	_autorules_ struct rules *r =
	        load("- list: a\n  items: [sh, 'two words']\n"
	             "- list: b\n  items: [a, zsh]\n"
	             "- list: empty\n  items: []\n"
	             "- macro: m\n  condition: proc.name in (b) or proc.name in (x, empty)\n"
	             "- macro: n\n  condition: evt.type = execve and m\n" RULE("R", "n and not proc.pname in (a)"));

	(void)state;
	assert_condition(r, "R",
	                 "(evt.type = execve and (proc.name in (sh, \"two words\", zsh) or proc.name in (x))) and not "
	                 "proc.pname in (sh, \"two words\")");
}

static void a_rule_sees_macros_defined_after_it(void **state)
{
	_autorules_ struct rules *r =
	        load(RULE("R", "evt.type = execve and m") "- macro: m\n  condition: proc.name = sh\n");

	(void)state;
	assert_condition(r, "R", "evt.type = execve and proc.name = sh");
}

static void list_names_are_replaced_wherever_they_stand_alone(void **state)
{
	_autorules_ struct rules *r = load("- list: one\n  items: [sh]\n" RULE(
	        "R", "evt.type=execve and proc.name = one and proc.cmdline contains one.x and proc.pname in one"));

	(void)state;
	assert_condition(r, "R",
	                 "evt.type = execve and proc.name = sh and proc.cmdline contains one.x and proc.pname in (sh)");
}

static void a_name_two_lists_deep_stays_a_word_as_in_falco_and_is_warned_of(void **state)
{
	static const char yaml[] = "- list: a\n  items: [x]\n- list: b\n  items: [a]\n- list: c\n  items: [b]\n" RULE(
	        "R", "evt.type = execve and proc.name in (c)");
	_autorules_ struct rules *r = load(yaml);

	(void)state;
	assert_condition(r, "R", "evt.type = execve and proc.name in (a)");
	assert_diag(&(struct diag_row){yaml, "nested-list", 6, 11}, DIAG_WARNING);
}

static void a_list_in_the_place_of_a_check_is_said_to_be_one_where_it_is_written(void **state)
{
	static const struct diag_row rows[] = {
	        {"- list: l\n  items: [a]\n" RULE("R", "evt.type=execve and l"), "unknown-macro", 5, 34},
	        {"- list: l\n  items: [a, b]\n" RULE("R", "evt.type=execve and not (l)"), "syntax", 5, 39},
	        {"- list: l\n  items: []\n" RULE("R", "evt.type=execve and l"), "syntax", 5, 34},
	        {"- list: l\n  items: [a]\n" RULE("R", "l and evt.type=execve and proc.name in (l)"), "unknown-macro",
	         5, 14},
	        {"- list: k\n  items: [a]\n- list: l\n  items: [k]\n" RULE("R", "evt.type=execve and l"),
	         "unknown-macro", 7, 34},
	        {"- list: l\n  items: [a]\n- macro: m\n  condition: proc.name=x or l\n" RULE("R",
	                                                                                     "evt.type=execve and m"),
	         "unknown-macro", 4, 29},
	        {"- list: l\n  items: [a, b]\n- macro: m\n  condition: proc.name=x or l\n" RULE(
	                 "R", "evt.type=execve and m"),
	         "syntax", 4, 29},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_diag(&rows[i], DIAG_ERROR);
		assert_words(rows[i].yaml, rows[i].code, "'l' is a list; write FIELD in (l)");
	}
	/* A mistake in an item stays one. */
	assert_diag(
	        &(struct diag_row){"- list: l\n  items: ['a(b']\n" RULE("R", "evt.type=execve and proc.name in (l)"),
	                           "syntax", 2, 13},
	        DIAG_ERROR);
}

static void an_override_without_keys_is_blamed_for_those_that_lack(void **state)
{
	static const struct diag_row rows[] = {
	        {RULE("R", "evt.type=open") "- rule: R\n  condition: and proc.name=a\n  override: append\n",
	         "missing-key", 8, 13},
	        {RULE("R", "evt.type=open") "- rule: R\n  tags: [a]\n  override: append\n", "missing-key", 8, 13},
	        {RULE("R", "evt.type=open") "- rule: R\n  priority: INFO\n  override: append\n", "missing-key", 8, 13},
	};
	static const char *const words[] = {"write override: {condition: append}", "write override: {tags: append}",
	                                    "write override: {priority: replace}"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_diag(&rows[i], DIAG_ERROR);
		assert_words(rows[i].yaml, "missing-key", words[i]);
	}
}

static void later_definitions_replace_earlier_ones_in_place(void **state)
{
	_autorules_ struct rules *r = load(RULE("R", "evt.type = execve and m") RULE(
	        "S", "evt.type = open") "- macro: m\n  condition: proc.name = a\n"
	                                "- macro: m\n  condition: proc.name = b\n" RULE("R", "evt.type = creat and m"));

	(void)state;
	assert_int_equal(rules_count(r), 2);
	assert_string_equal(rules_at(r, 0)->name, "R");
	assert_condition(r, "R", "evt.type = creat and proc.name = b");
	assert_int_equal(rules_at(r, 0)->pos.line, 15);
}

static void append_and_override_extend_and_replace(void **state)
{
	_autorules_ struct rules *r =
	        load("- list: l\n  items: [a]\n"
	             "- list: l\n  items: [b]\n  append: true\n"
	             "- list: l\n  items: [c]\n  override: {items: append}\n"
	             "- macro: m\n  condition: proc.name = x\n"
	             "- macro: m\n  condition: or proc.name in (l)\n  override: {condition: append}\n" RULE(
	                     "R", "evt.type = open") "- rule: R\n  condition: and m\n  append: true\n"
	                                             "- rule: R\n  output: p\n  priority: ERROR\n  enabled: false\n  "
	                                             "tags: [t]\n  desc: more\n"
	                                             "  override: {output: replace, priority: replace, enabled: "
	                                             "replace, tags: append, desc: append}\n");
	const struct rule *rule = rules_find(r, "R");

	(void)state;
	assert_condition(r, "R", "evt.type = open and (proc.name = x or proc.name in (a, b, c))");
	assert_string_equal(rule->output, "p");
	assert_int_equal(rule->priority, RULE_ERROR);
	assert_false(rule->enabled);
	assert_int_equal(rule->ntags, 1);
	assert_string_equal(rule->desc, "d more");
	assert_string_equal(rule->condition, "evt.type = open and m");
}

static void a_bare_enabled_switches_an_earlier_rule(void **state)
{
	_autorules_ struct rules *r = load(RULE("R", "evt.type = open") "- rule: R\n  enabled: no\n");

	(void)state;
	assert_false(rules_find(r, "R")->enabled);
}

static void exceptions_are_put_behind_the_condition(void **state)
{
	_autorules_ struct rules *r = load(RULE(
	        "R",
	        "evt.type = open or evt.type = creat") "  exceptions:\n"
	                                               "  - name: one\n    fields: proc.name\n    values: [sh, two "
	                                               "words]\n"
	                                               "  - name: many\n    fields: [proc.name, fd.name]\n    comps: "
	                                               "[in, startswith]\n"
	                                               "    values:\n    - [[a, b], /etc]\n    - [(c), /usr]\n"
	                                               "  - name: none\n    fields: [proc.name]\n"
	                                               "- rule: R\n  exceptions:\n  - name: one\n    values: [zsh]\n"
	                                               "  override: {exceptions: append}\n");

	(void)state;
	assert_condition(r, "R",
	                 "(evt.type = open or evt.type = creat) and not proc.name in (sh, \"two words\", zsh) and not "
	                 "((proc.name in (a, b) and fd.name startswith /etc) or (proc.name in (c) and fd.name "
	                 "startswith /usr))");
}

static void other_sources_are_kept_unchecked_with_a_word(void **state)
{
	static const char yaml[] = RULE("R", "ka.verb = get") "  source: k8s_audit\n";
	_autorules_ struct rules *r = load(yaml);

	(void)state;
	assert_int_equal(rules_find(r, "R")->state, RULE_OTHER_SOURCE);
	assert_string_equal(rules_find(r, "R")->source, "k8s_audit");
	assert_null(rules_find(r, "R")->filter);
	assert_diag(&(struct diag_row){yaml, "other-source", 6, 11}, DIAG_WARNING);
	assert_words(RULE("R", "evt.type = open") "  source: sycall\n", "other-source", ", did you mean 'syscall'?");
}

static void skip_if_unknown_filter_skips_with_a_word(void **state)
{
	static const char yaml[] = RULE("R", "evt.type = open and no.field = 1") "  skip-if-unknown-filter: true\n";
	_autorules_ struct rules *r = load(yaml);

	(void)state;
	assert_int_equal(rules_find(r, "R")->state, RULE_SKIPPED);
	assert_diag(&(struct diag_row){yaml, "unknown-field", 3, 34}, DIAG_WARNING);
}

#define HEAD "- rule: R\n  desc: d\n  output: o\n  priority: INFO\n"

static void errors_in_scalars_point_into_the_source(void **state)
{
	static const struct diag_row rows[] = {
	        /* plain, over lines */
	        {HEAD "  condition: evt.type = open\n    and bad.one = 1\n", "unknown-field", 6, 9},
	        /* folded, with more indented lines and an empty one */
	        {HEAD "  condition: >\n    evt.type = open and\n      (proc.name = a or\n\n    bad.one = 1)\n",
	         "unknown-field", 9, 5},
	        {HEAD "  condition: >-  # why\n    evt.type = open\n    and fd.num = x\n", "bad-value", 7, 18},
	        /* literal */
	        {HEAD "  condition: |2\n      evt.type = open\n      and bad.one = 1\n", "unknown-field", 7, 11},
	        /* quoted */
	        {HEAD "  condition: 'proc.name = ''x'' and evt.type = open\n\n    and bad.one = 1'\n", "unknown-field",
	         7, 9},
	        {HEAD "  condition: \"proc.name = \\\"x\\\" and\\\n    \\ evt.type\\x20= open and bad.one = 1\"\n",
	         "unknown-field", 6, 30},
	        /* bytes, not characters */
	        {HEAD "  condition: proc.name = \"\u00e4\u00f6\u00fc\" and bad.one = 1\n", "unknown-field", 5, 39},
	        /* an anchor before the scalar, and its alias */
	        {"- macro: m\n  condition: &c\n    evt.type = open and bad.one = 1\n" HEAD "  condition: *c\n",
	         "unknown-field", 3, 25},
	        /* a comment and a byte order mark at the top */
	        {"\xef\xbb\xbf# x\n" HEAD "  condition: bad.one = 1\n", "unknown-field", 6, 14},
	        {HEAD "  condition: bad.one = 1\r\n", "unknown-field", 5, 14},
	        /* outputs */
	        {"- rule: R\n  desc: d\n  condition: evt.type = open\n  priority: INFO\n  output: >\n    a "
	         "%proc.name\n    b %bad.one\n",
	         "unknown-field", 7, 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_ERROR);
}

static void errors_in_lists_and_macros_point_at_their_definition(void **state)
{
	static const struct diag_row rows[] = {
	        {"- list: l\n  items: [execve, exceve]\n" RULE("R", "evt.type in (l)"), "unknown-event-type", 2, 19},
	        {"- macro: m\n  condition: fd.num = x\n" RULE("R", "evt.type = open and m"), "bad-value", 2, 23},
	        {RULE("R", "evt.type = open") "- rule: R\n  condition: and bad.one = 1\n  append: true\n",
	         "unknown-field", 7, 18},
	        {RULE("R",
	              "evt.type = open") "  exceptions:\n  - name: e\n    fields: [fd.num]\n    values:\n    - [x]\n",
	         "bad-value", 10, 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_ERROR);
}

static void wrong_files_are_refused_at_the_place(void **state)
{
	static const struct diag_row rows[] = {
	        {"- rule: R\n  desc: 'x", "yaml", 2, 9},
	        {"- rule: R\n desc: d\n", "yaml", 2, 2},
	        {"rule: R\n", "bad-item", 1, 1},
	        {"- word\n", "bad-item", 1, 3},
	        {"- rule: R\n  desc: d\n  condition: evt.type = open\n  output: o\n", "missing-key", 1, 3},
	        {"- rule: R\n", "missing-key", 1, 3},
	        {HEAD "  condition:\n", "bad-value", 5, 13},
	        {HEAD "  condition: [a]\n", "bad-value", 5, 14},
	        {"- rule: R\n  desc: d\n  output: o\n  condition: evt.type = open\n  priority: LOUD\n", "bad-value", 5,
	         13},
	        {RULE("R", "evt.type = open") "  enabled: perhaps\n", "bad-value", 6, 12},
	        {RULE("R", "evt.type = open") "  tags: a\n", "bad-value", 6, 9},
	        {"- list: l\n", "missing-key", 1, 3},
	        {"- list: l\n  items: [a, [b]]\n", "bad-value", 2, 14},
	        {"- list: l\n  items: [a]\n  append: true\n", "no-such-list", 1, 9},
	        {"- macro: m\n  condition: proc.pid = 1\n  append: true\n", "no-such-macro", 1, 10},
	        {"- rule: R\n  condition: and m\n  append: true\n", "no-such-rule", 1, 9},
	        {"- rule: R\n  enabled: true\n", "no-such-rule", 1, 9},
	        {RULE("R", "evt.type = open") "- rule: R\n  priority: INFO\n  override: {priority: append}\n",
	         "bad-override", 8, 14},
	        {RULE("R", "evt.type = open") "- rule: R\n  priority: INFO\n  override: {desc: append}\n",
	         "bad-override", 8, 14},
	        {RULE("R", "evt.type = open") "- rule: R\n  priority: INFO\n  desc: x\n  override: {desc: append}\n",
	         "bad-override", 7, 13},
	        {RULE("R", "evt.type = open") "- rule: R\n  desc: x\n  override: {desc: maybe}\n", "bad-override", 8,
	         20},
	        {RULE("R", "evt.type = open") "  exceptions:\n  - name: e\n", "bad-exception", 7, 11},
	        {RULE("R",
	              "evt.type = open") "  exceptions:\n  - name: e\n    fields: [proc.name]\n    comps: [=, =]\n",
	         "bad-exception", 9, 12},
	        {RULE("R",
	              "evt.type = open") "  exceptions:\n  - name: e\n    fields: [proc.name]\n    values: [[a, b]]\n",
	         "bad-exception", 9, 14},
	        {RULE("R", "evt.type = open") "  exceptions:\n  - name: e\n    fields: [proc.nix]\n", "unknown-field",
	         8, 14},
	        {"- required_engine_version: 99.0.0\n", "engine-version", 1, 28},
	        {"- required_engine_version: new\n", "engine-version", 1, 28},
	        {"- required_plugin_versions:\n  - name: container\n", "missing-key", 2, 5},
	        {"- required_plugin_versions:\n  - name: container\n    version: 1\n", "bad-value", 3, 14},
	        {RULE("R", "evt.type = open and m"), "unknown-macro", 3, 34},
	        {"- macro: m\n  condition: n\n- macro: n\n  condition: proc.pid = 1\n", "macro-order", 2, 14},
	        {"- macro: m\n  condition: m\n", "cyclic-macro", 2, 14},
	        {"- macro: m\n  condition: proc.pid = 1 and n\n- macro: n\n  condition: m\n", "cyclic-macro", 2, 31},
	        {"- macro: m\n  condition: proc.pid = 1\n- macro: n\n  condition: m\n- macro: m\n  condition: or n\n  "
	         "append: true\n",
	         "cyclic-macro", 6, 17},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_ERROR);
}

static void what_falco_ignores_is_warned_of(void **state)
{
	static const struct diag_row rows[] = {
	        {"- thing: 1\n", "unknown-item", 1, 3},
	        {RULE("R", "evt.type = open") "  colour: red\n", "unknown-key", 6, 3},
	        {RULE("R", "evt.type = open") "  desc: again\n", "duplicate-key", 6, 3},
	        {RULE("R", "evt.type = open") "  capture: true\n", "ignored-key", 6, 12},
	        {RULE("R", "proc.name = a"), "no-event-type", 1, 9},
	        {"- rule: R\n  desc: d\n  condition: evt.type = open\n  output: a %container.info\n  priority: INFO\n",
	         "deprecated", 4, 13},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_WARNING);
}

static void errors_are_collected_and_said_once(void **state)
{
	static const char yaml[] = "- macro: m\n  condition: bad.one = 1\n" RULE("R", "evt.type = open and m")
	        RULE("S", "evt.type = creat and m and bad.two = 1") "- list: 1\n";
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	(void)state;
	assert_int_equal(rules_load_buffer(&r, "t.yaml", yaml, sizeof(yaml) - 1, &diags), -EINVAL);
	assert_null(r);
	assert_int_equal(diags.errors, 3);
}

static void a_word_in_a_list_of_its_own_name_is_no_cycle(void **state)
{
	_autorules_ struct rules *r = load(
	        "- list: docker\n  items: [docker, runc]\n" RULE("R", "evt.type = open and proc.name in (docker)"));

	(void)state;
	assert_condition(r, "R", "evt.type = open and proc.name in (docker, runc)");
}

static void doubling_lists_are_cut_off(void **state)
{
	_autobuf_ struct buf b = BUF_INIT;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	(void)state;
	for (int i = 0; i < 30; i++)
		buf_addf(&b, "- list: l%d\n  items: [l%d, l%d]\n", i, i + 1, i + 1);
	buf_adds(&b, RULE("R", "evt.type = open and proc.name in (l0)"));
	assert_int_equal(rules_load_buffer(&r, "t.yaml", buf_str(&b), b.len, &diags), -EINVAL);
	assert_non_null(find_diag(&diags, "too-large"));
}

/* A file in the temporary directory that goes away with its name. */
static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

static void files_are_read_in_order_and_checked_each_as_falco_does(void **state)
{
	char one[] = "/tmp/tercel-rules-XXXXXX", two[] = "/tmp/tercel-rules-XXXXXX";
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT, reversed = DIAG_LIST_INIT;
	_autorules_ struct rules *r = NULL;
	struct rules *none = NULL;

	(void)state;
	write_file(one, "- macro: m\n  condition: proc.name = a\n" RULE("R", "evt.type = open and m"));
	write_file(two, "- macro: m\n  condition: or proc.name = b\n  append: true\n");
	int forward = rules_load(&r, (const char *const[]){one, two}, 2, &diags);
	int backward = rules_load(&none, (const char *const[]){two, one}, 2, &reversed);

	(void)unlink(one);
	(void)unlink(two);
	assert_int_equal(forward, 0);
	assert_condition(r, "R", "evt.type = open and (proc.name = a or proc.name = b)");
	assert_string_equal(rules_find(r, "R")->pos.file, one);
	assert_int_equal(backward, -EINVAL);
	assert_non_null(find_diag(&reversed, "no-such-macro"));
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	(void)state;
	assert_int_equal(rules_load(&r, (const char *const[]){"/nonexistent/a.yaml", "/tmp"}, 2, &diags), -EINVAL);
	assert_null(r);
	assert_int_equal(diags.errors, 2);
	assert_string_equal(diags.items[0].code, "file");
	assert_string_equal(diags.items[0].file, "/nonexistent/a.yaml");
	assert_string_equal(diags.items[1].file, "/tmp");
}

/* Upstream's three files, which are test input beside the repository. */
static void upstream_rules_load(void **state)
{
	static const char *const names[] = {"falco_rules.yaml", "falco-incubating_rules.yaml",
	                                    "falco-sandbox_rules.yaml"};
	static const size_t counts[] = {25, 31, 37};
	const char *shared = getenv("TERCEL_SHARED");
	char path[4096];

	(void)state;
	if (!shared)
		shared = TERCEL_SOURCE_DIR "/../shared";
	(void)snprintf(path, sizeof(path), "%s/rules/%s", shared, names[0]);
	if (access(path, R_OK) != 0) {
		print_message("skipped: no upstream rules at %s\n", path);
		skip();
	}
	for (size_t i = 0; i < 3; i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		_autorules_ struct rules *r = NULL;
		const char *file = path;

		(void)snprintf(path, sizeof(path), "%s/rules/%s", shared, names[i]);
		int error = rules_load(&r, &file, 1, &diags);

		assert_int_equal(error, 0);
		assert_int_equal(rules_count(r), counts[i]);
		for (size_t k = 0; k < rules_count(r); k++)
			assert_int_equal(rules_at(r, k)->state, RULE_LOADED);
	}
}

/* `head`, `unit` as often as a megabyte holds, and a rule; the time is libyaml's for a linear pass. */
static void expect_refused(const char *head, const char *unit, const char *code, uint32_t line)
{
	_autobuf_ struct buf b = BUF_INIT;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;
	struct timespec begin, end;

	buf_adds(&b, head);
	while (b.len < 1 << 20)
		buf_adds(&b, unit);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(rules_load_buffer(&r, "t.yaml", buf_str(&b), b.len, &diags), -EINVAL);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	const struct diag *d = find_diag(&diags, code);

	assert_non_null(d);
	assert_int_equal(d->line, line);
	assert_true(end.tv_sec - begin.tv_sec < 10);
}

static void nesting_that_would_take_forever_is_refused_at_once(void **state)
{
	(void)state;
	expect_refused("- rule: x\n  items: ", "[", "too-deep", 2);
	expect_refused("", "- ", "too-deep", 1);
	expect_refused("", "{a: ", "too-deep", 1);
	expect_refused("", "? ", "too-deep", 1);
	expect_refused("- [", "&a x, ", "yaml", 1);
	expect_refused("- &a x\n- [", "*a, ", "yaml", 2);
}

static void aliases_cannot_blow_a_file_up(void **state)
{
	(void)state;
	_autobuf_ struct buf b = BUF_INIT;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	/* 1000 times 1000 times 1000 values. */
	buf_adds(&b, "- x: &v [x");
	for (int i = 0; i < 1000; i++)
		buf_adds(&b, ", x");
	buf_adds(&b, "]\n- x: &l [*v");
	for (int i = 0; i < 1000; i++)
		buf_adds(&b, ", *v");
	buf_adds(&b,
	         "]\n- rule: r\n  desc: d\n  condition: proc.pid = 1\n  output: o\n  priority: INFO\n  exceptions:\n"
	         "    - name: e\n      fields: [proc.name]\n      values: [*l");
	for (int i = 0; i < 1000; i++)
		buf_adds(&b, ", *l");
	buf_adds(&b, "]\n");
	assert_int_equal(rules_load_buffer(&r, "t.yaml", buf_str(&b), b.len, &diags), -EINVAL);
	bool found = false;
	for (size_t i = 0; i < diags.count; i++)
		found |= strcmp(diags.items[i].code, "too-large") == 0;
	assert_true(found);
}

static struct rules *load_built(struct buf *b)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	if (rules_load_buffer(&r, "t.yaml", buf_str(b), b->len, &diags))
		fail_msg("%s", diags.count ? diags.items[0].message : "no memory");
	return r;
}

static void add_rule(struct buf *b, const char *condition)
{
	buf_addf(b, "- rule: r\n  desc: d\n  condition: %s\n  output: o\n  priority: INFO\n", condition);
}

static void masses_of_names_load_in_linear_time(void **state)
{
	(void)state;
	enum { MANY = 20000, SECONDS = 5 };
	_autobuf_ struct buf b = BUF_INIT;
	struct timespec begin, end;

	for (int i = 0; i < MANY; i++)
		buf_addf(&b, "- list: l%d\n  items: [x%d]\n  bogus: 1\n- macro: m%d\n  condition: %s%d\n", i, i, i,
		         i ? "m" : "proc.pid = ", i ? i - 1 : 0);
	for (int i = 0; i < MANY; i++)
		buf_addf(&b, "- list: grows\n  items: [g%d]\n%s", i, i ? "  override: {items: append}\n" : "");
	add_rule(&b, "evt.type = execve and m9 and proc.name in (l0, l19999, grows)");
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	_autorules_ struct rules *r = load_built(&b);

	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	const struct filter_node *in = filter_root(rules_at(r, 0)->filter)->kids[2];

	assert_int_equal(in->nvalues, MANY + 2);
	assert_string_equal(in->values[1].text, "x19999");
	assert_string_equal(in->values[MANY + 1].text, "g19999");
	assert_true(end.tv_sec - begin.tv_sec < SECONDS);
}

static void a_long_cycle_of_macros_is_found(void **state)
{
	(void)state;
	enum { MANY = 20000 };
	_autobuf_ struct buf b = BUF_INIT;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	for (int i = 0; i < MANY; i++)
		buf_addf(&b, "- macro: m%d\n  condition: m%d\n", i, (i + 1) % MANY);
	assert_int_equal(rules_load_buffer(&r, "t.yaml", buf_str(&b), b.len, &diags), -EINVAL);
	assert_int_equal(diags.count, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_string_equal(diags.items[i].code, "cyclic-macro");
}

/* As Falco: each name is put in once, in order, and what is left of a name is a word. */
static void lists_that_name_each_other_are_no_error(void **state)
{
	(void)state;
	_autobuf_ struct buf b = BUF_INIT;

	buf_adds(&b, "- list: a\n  items: [b, x]\n- list: b\n  items: [a, y]\n");
	add_rule(&b, "evt.type = execve and proc.name in (a)");
	_autorules_ struct rules *r = load_built(&b);
	_autobuf_ struct buf text = BUF_INIT;

	filter_print(&text, filter_root(rules_at(r, 0)->filter));
	assert_string_equal(buf_str(&text), "evt.type = execve and proc.name in (b, x, y, x)");
}

static void a_list_may_have_blanks_in_its_name(void **state)
{
	(void)state;
	_autobuf_ struct buf b = BUF_INIT;

	buf_adds(&b, "- list: my list\n  items: [x, y]\n- list: x\n  items: [z]\n");
	add_rule(&b, "evt.type = execve and proc.name in (my list, w)");
	_autorules_ struct rules *r = load_built(&b);

	assert_int_equal(filter_root(rules_at(r, 0)->filter)->kids[1]->nvalues, 3);
	assert_string_equal(filter_root(rules_at(r, 0)->filter)->kids[1]->values[0].text, "z");
}

static void a_thousand_parentheses_are_read(void **state)
{
	(void)state;
	_autobuf_ struct buf b = BUF_INIT, condition = BUF_INIT;

	buf_adds(&condition, "evt.type = execve");
	for (int i = 0; i < FILTER_MAX_DEPTH; i++)
		buf_adds(&condition, " and not (proc.pid = 1 or proc.pid = 2");
	for (int i = 0; i < FILTER_MAX_DEPTH; i++)
		buf_adds(&condition, ")");
	add_rule(&b, buf_str(&condition));
	_autorules_ struct rules *r = load_built(&b);
	_autobuf_ struct buf text = BUF_INIT;

	assert_true(filter_equal(filter_root(rules_at(r, 0)->filter), filter_root(rules_at(r, 0)->filter)));
	filter_print(&text, filter_root(rules_at(r, 0)->filter));
	assert_true(text.len > condition.len);
	assert_true(filter_event_set_has_event(&rules_at(r, 0)->events, FILTER_EVENT_EXECVE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_rule_has_what_its_file_says),
	        cmocka_unit_test(lists_and_macros_are_put_in),
	        cmocka_unit_test(a_rule_sees_macros_defined_after_it),
	        cmocka_unit_test(list_names_are_replaced_wherever_they_stand_alone),
	        cmocka_unit_test(a_name_two_lists_deep_stays_a_word_as_in_falco_and_is_warned_of),
	        cmocka_unit_test(a_list_in_the_place_of_a_check_is_said_to_be_one_where_it_is_written),
	        cmocka_unit_test(an_override_without_keys_is_blamed_for_those_that_lack),
	        cmocka_unit_test(later_definitions_replace_earlier_ones_in_place),
	        cmocka_unit_test(append_and_override_extend_and_replace),
	        cmocka_unit_test(a_bare_enabled_switches_an_earlier_rule),
	        cmocka_unit_test(exceptions_are_put_behind_the_condition),
	        cmocka_unit_test(other_sources_are_kept_unchecked_with_a_word),
	        cmocka_unit_test(skip_if_unknown_filter_skips_with_a_word),
	        cmocka_unit_test(errors_in_scalars_point_into_the_source),
	        cmocka_unit_test(errors_in_lists_and_macros_point_at_their_definition),
	        cmocka_unit_test(wrong_files_are_refused_at_the_place),
	        cmocka_unit_test(what_falco_ignores_is_warned_of),
	        cmocka_unit_test(errors_are_collected_and_said_once),
	        cmocka_unit_test(a_word_in_a_list_of_its_own_name_is_no_cycle),
	        cmocka_unit_test(doubling_lists_are_cut_off),
	        cmocka_unit_test(files_are_read_in_order_and_checked_each_as_falco_does),
	        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
	        cmocka_unit_test(nesting_that_would_take_forever_is_refused_at_once),
	        cmocka_unit_test(aliases_cannot_blow_a_file_up),
	        cmocka_unit_test(masses_of_names_load_in_linear_time),
	        cmocka_unit_test(a_long_cycle_of_macros_is_found),
	        cmocka_unit_test(lists_that_name_each_other_are_no_error),
	        cmocka_unit_test(a_list_may_have_blanks_in_its_name),
	        cmocka_unit_test(a_thousand_parentheses_are_read),
	        cmocka_unit_test(upstream_rules_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
