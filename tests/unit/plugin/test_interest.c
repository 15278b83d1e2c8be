/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "plugin/interest.h"

static char path[64];

static int load(struct interest *out, bool filter, const char *rules, struct error *e)
{
	char *files[] = {path};
	struct plugin_config c = PLUGIN_CONFIG_INIT;
	FILE *f = fopen(path, "w");
	if (!f)
		return -errno;
	(void)fputs(rules, f);
	(void)fclose(f);
	c.rules_files = files;
	c.rules_count = 1;
	c.filter = filter;
	*out = (struct interest){0};
	return interest_load(out, &c, e);
}

#define RULE(name, condition) "- rule: " name "\n  desc: d\n  condition: " condition "\n  output: o\n  priority: INFO\n"

static void without_rules_everything_is_captured(void **state)
{
	(void)state;
	const struct plugin_config c = PLUGIN_CONFIG_INIT;
	struct interest i = {0};
	struct error e = {0};
	assert_int_equal(interest_load(&i, &c, &e), 0);
	assert_true(i.open_reads);
	for (unsigned t = TERCEL_EXEC; t <= TERCEL_CGROUP; t++)
		assert_true(i.records & 1U << t);
}

static void only_what_the_rules_event_types_need_is_captured(void **state)
{
	(void)state;
	static const struct {
		const char *rules;
		uint32_t records;
		bool opens;
	} rows[] = {
	        {RULE("r", "evt.type in (execve, execveat) and proc.name = x"), 1U << TERCEL_EXEC, false},
	        {RULE("r", "evt.type = connect and fd.sport = 1"), 1U << TERCEL_CONNECT, false},
	        {RULE("r", "evt.type = openat and fd.name = /x"), 1U << TERCEL_OPEN, true},
	        {RULE("a", "evt.type = socket") RULE("b", "evt.type = procexit"),
	         1U << TERCEL_SOCKET | 1U << TERCEL_EXIT, false},
	        {RULE("r", "evt.type = fchdir"), 1U << TERCEL_CHDIR, false},
	        {RULE("a", "evt.type = connect") RULE("b", "evt.type = openat") "  enabled: false\n",
	         1U << TERCEL_CONNECT, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct interest got = {0};
		struct error e = {0};
		assert_int_equal(load(&got, true, rows[i].rules, &e), 0);
		assert_int_equal(got.records, rows[i].records);
		assert_int_equal(got.open_reads, rows[i].opens);
		assert_string_equal(got.note.text, "");
	}
}

static void a_rule_without_event_type_needs_everything(void **state)
{
	(void)state;
	struct interest got = {0};
	struct error e = {0};
	assert_int_equal(load(&got, true, RULE("r", "proc.name = x"), &e), 0);
	assert_true(got.open_reads);
	assert_true(got.records & 1U << TERCEL_CONNECT && got.records & 1U << TERCEL_EXEC);
}

static void rules_that_cannot_fire_are_noted(void **state)
{
	(void)state;
	struct interest got = {0};
	struct error e = {0};
	assert_int_equal(load(&got, true, RULE("tracer", "evt.type = ptrace") RULE("r", "evt.type = connect"), &e), 0);
	assert_non_null(strstr(got.note.text, "'tracer'"));
	assert_int_equal(got.records, 1U << TERCEL_CONNECT);
	/* Names are rules' authors' words: they cannot break the host's log. */
	assert_int_equal(load(&got, true, RULE("\"a\\nb\\e[31m\"", "evt.type = ptrace"), &e), 0);
	assert_non_null(strstr(got.note.text, "'a\\x0ab\\x1b[31m'"));
}

static void an_execveat_that_succeeded_is_an_execve(void **state)
{
	(void)state;
	struct interest got = {0};
	struct error e = {0};
	assert_int_equal(load(&got, true, RULE("at", "evt.type = execveat and proc.name = x"), &e), 0);
	assert_non_null(strstr(got.note.text, "1 rule(s) need event types"));
	assert_non_null(strstr(got.note.text, "'at'"));
	assert_int_equal(got.records, 0);
}

static void rules_about_failures_that_make_no_record_are_noted(void **state)
{
	(void)state;
	static const struct {
		const char *condition;
		bool noted;
	} rows[] = {
	        {"evt.type in (execve, execveat) and evt.res != SUCCESS", true},
	        {"evt.type = execve and not evt.res = SUCCESS", true},
	        {"evt.type = execve and evt.res in (ENOENT, EACCES)", true},
	        {"evt.type = execve and evt.failed = true", true},
	        {"evt.type = clone and evt.rawres < 0", true},
	        {"evt.type = clone3 and (evt.rawres = -1 or evt.rawres <= -11) and proc.name = x", true},
	        {"evt.type = vfork and not evt.rawres >= 0", true},
	        {"evt.type in (execve, connect) and evt.count.error = 1", true},
	        {"evt.type = execve and evt.res = SUCCESS", false},
	        {"evt.type = execve and not evt.res = ENOENT", false},
	        {"evt.type = execve and (evt.res = ENOENT or proc.name = x)", false},
	        {"evt.type = clone and evt.rawres >= 0", false},
	        {"evt.type = clone and evt.rawres <= 0", false},
	        {"evt.type = execve and evt.failed = false", false},
	        {"evt.type = connect and evt.rawres < 0", false},
	        {"evt.type = openat and evt.failed = true", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char rules[512];
		struct interest got = {0};
		struct error e = {0};
		(void)snprintf(rules, sizeof(rules), RULE("fails", "%s"), rows[i].condition);
		assert_int_equal(load(&got, true, rules, &e), 0);
		if (!strstr(got.note.text, "'fails'") == rows[i].noted)
			fail_msg("'%s' is the note on %s", got.note.text, rows[i].condition);
	}
	/* Both kinds at once. */
	struct interest got = {0};
	struct error e = {0};
	assert_int_equal(load(&got, true,
	                      RULE("deaf", "evt.type = ptrace") RULE("fails", "evt.type = fork and evt.rawres < 0"),
	                      &e),
	                 0);
	assert_non_null(strstr(got.note.text, "'deaf'. 1 rule(s) ask for calls that failed"));
	assert_non_null(strstr(got.note.text, "'fails'"));
}

static void a_directory_stands_for_the_rule_files_in_it(void **state)
{
	(void)state;
	char dir[] = "/tmp/tercel-interest-d-XXXXXX", name[2][64];
	assert_non_null(mkdtemp(dir));
	(void)snprintf(name[0], sizeof(name[0]), "%s/1.yaml", dir);
	(void)snprintf(name[1], sizeof(name[1]), "%s/2.txt", dir);
	static const char *const texts[] = {RULE("r", "evt.type = connect"), "not: rules"};
	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(name[i], "w");
		if (f) {
			(void)fputs(texts[i], f);
			(void)fclose(f);
		}
	}
	char *files[] = {dir};
	struct plugin_config c = PLUGIN_CONFIG_INIT;
	struct interest got = {0};
	struct error e = {0};
	c.rules_files = files;
	c.rules_count = 1;
	int rc = interest_load(&got, &c, &e);
	for (size_t i = 0; i < 2; i++)
		(void)unlink(name[i]);
	(void)rmdir(dir);
	assert_string_equal(e.text, "");
	assert_int_equal(rc, 0);
	assert_int_equal(got.records, 1U << TERCEL_CONNECT);
}

static void a_place_that_is_not_known_is_not_shown(void **state)
{
	(void)state;
	char absent[] = "/absent.yaml";
	char *files[] = {absent};
	struct plugin_config c = PLUGIN_CONFIG_INIT;
	struct interest got = {0};
	struct error e = {0};
	c.rules_files = files;
	c.rules_count = 1;
	assert_int_equal(interest_load(&got, &c, &e), -EINVAL);
	assert_non_null(strstr(e.text, "/absent.yaml: "));
	assert_null(strstr(e.text, ":0"));
}

static void filtering_can_be_switched_off_but_errors_are_still_told(void **state)
{
	(void)state;
	struct interest got = {0};
	struct error e = {0};
	assert_int_equal(load(&got, false, RULE("r", "evt.type = connect"), &e), 0);
	assert_true(got.open_reads);
	assert_int_equal(load(&got, false, RULE("r", "proc.nme = x"), &e), -EINVAL);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, ":3:"));
	assert_non_null(strstr(e.text, "proc.nme"));
	assert_null(strchr(e.text, '\n'));
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/tercel-interest-XXXXXX");
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(without_rules_everything_is_captured),
	        cmocka_unit_test(only_what_the_rules_event_types_need_is_captured),
	        cmocka_unit_test(a_rule_without_event_type_needs_everything),
	        cmocka_unit_test(rules_that_cannot_fire_are_noted),
	        cmocka_unit_test(an_execveat_that_succeeded_is_an_execve),
	        cmocka_unit_test(rules_about_failures_that_make_no_record_are_noted),
	        cmocka_unit_test(a_directory_stands_for_the_rule_files_in_it),
	        cmocka_unit_test(a_place_that_is_not_known_is_not_shown),
	        cmocka_unit_test(filtering_can_be_switched_off_but_errors_are_still_told),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
