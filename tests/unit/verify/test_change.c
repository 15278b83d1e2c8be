/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exception is told from a hole by the rule's own words: what they match under the other name as well is a hole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verify/change.h"

/* By which of the ways the condition surely holds, of the first act that fits it. */
static void expect(const char *condition, const char *ways)
{
	static const struct {
		const char *way, *call;
		bool of_opens;
	} all[] = {{"link-name", NULL, false}, {"shebang", NULL, false},     {"hard-link", NULL, true},
	           {"rename", NULL, true},     {"bind-mount", NULL, true},   {"copy", NULL, false},
	           {"ld.so", NULL, false},     {"memfd", "execveat", false}, {"comm", NULL, true}};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *f = NULL;
	_autofree_ struct needs *needs = malloc(sizeof(*needs));
	_autobuf_ struct buf out = BUF_INIT;
	struct trial t = {0};
	char why[256];

	assert_non_null(needs);
	assert_int_equal(filter_parse(&f, &(struct filter_text){.bytes = condition, .len = strlen(condition)}, &diags),
	                 0);
	assert_int_equal(needs_of(needs, filter_root(f)), 0);
	assert_true(needs->count > 0 && trial_of(&t, &needs->items[0], why, sizeof(why)));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (t.act == VERIFY_OPEN && !all[i].of_opens)
			continue;

		const int kept = change_keeps(filter_root(f), &t, all[i].way, all[i].call);

		assert_true(kept == 0 || kept == 1);
		if (kept)
			buf_addf(&out, "%s%s", out.len ? " " : "", all[i].way);
	}
	assert_string_equal(buf_str(&out), ways);
}

#define EXEC "evt.type in (execve, execveat) and "
#define OPEN "evt.type = openat and "

static void names_of_programs(void **unused)
{
	(void)unused;
	expect(EXEC "proc.name = nc", "bind-mount");
	expect(EXEC "proc.name startswith nc", "hard-link rename bind-mount");
	expect(EXEC "proc.exepath = /usr/bin/nc", "link-name shebang");
	expect(EXEC "proc.exepath startswith /usr/bin/", "link-name shebang hard-link rename");
	expect(EXEC "proc.name = nc and proc.exepath = /usr/bin/nc", "");
	expect(EXEC "(proc.name = nc or proc.exepath endswith /nc)", "link-name shebang bind-mount");
	/* Both are cut at 15 bytes. */
	expect(EXEC "proc.name = abcdefghijklmno", "hard-link rename bind-mount");
	expect(EXEC "proc.name startswith nc and not tolower(proc.name) startswith x", "hard-link rename bind-mount");
	expect(EXEC "proc.exepath glob '/opt/x*'", "link-name shebang hard-link rename");
}

static void what_is_not_asked_for_changes_nothing(void **unused)
{
	(void)unused;
	expect(EXEC "container.id != host", "link-name shebang hard-link rename bind-mount copy ld.so memfd");
	expect("evt.type = execve and container.id != host",
	       "link-name shebang hard-link rename bind-mount copy ld.so");
	expect(EXEC "proc.pname = nginx and user.name = root",
	       "link-name shebang hard-link rename bind-mount copy ld.so memfd");
	expect(EXEC "proc.args contains --steal", "link-name hard-link rename bind-mount copy memfd");
	expect(EXEC "proc.cmdline contains --steal", "");
	expect(EXEC "proc.is_exe_upper_layer = true", "link-name shebang hard-link rename bind-mount copy");
	expect(EXEC "proc.is_exe_upper_layer = true and not proc.exe_ino.ctime = 1", "link-name shebang");
}

static void exceptions_of_a_rule_are_its_words(void **unused)
{
	(void)unused;
	expect(EXEC "proc.exepath startswith /usr/bin/ and not proc.exepath endswith .tercel-link",
	       "link-name shebang rename");
	expect(EXEC "not (proc.name != nc)", "bind-mount");
	/* Whichever of the two it is by, both stay. */
	expect(EXEC "(container.id != host or user.name = root)",
	       "link-name shebang hard-link rename bind-mount copy ld.so memfd");
	/* It may be the ancestor alone that it is by: then the name does not matter, but nobody knows. */
	expect(EXEC "(proc.name = nc or proc.pname = nginx)", "bind-mount");
}

static void names_of_files(void **unused)
{
	(void)unused;
	expect(OPEN "fd.name = /etc/shadow", "");
	expect(OPEN "fd.name startswith /etc/", "hard-link rename");
	expect(OPEN "fd.directory = /etc and fd.filename startswith s", "hard-link rename");
	expect(OPEN "fd.filename = shadow", "bind-mount");
	expect(OPEN "fd.filename = shadow and evt.arg.flags contains O_RDONLY", "bind-mount");
	expect(OPEN "fd.name startswith /etc/ and not fd.nameraw contains shadow", "");
	expect("evt.type = connect and fd.sport = 1", "");
}

static void names_that_are_acted_on(void **unused)
{
	static const struct {
		const char *condition, *way;
		int kept;
	} cases[] = {
	        {"evt.type = unlink and fs.path.name = /etc/a/shadow", "bind-mount", 0},
	        {"evt.type = unlink and fs.path.name endswith /shadow", "bind-mount", 1},
	        {"evt.type = unlink and fs.path.name startswith /etc/", "renamed-directory", 0},
	        {"evt.type = unlink and fs.path.name startswith /etc", "renamed-directory", 1},
	        {"evt.type = unlink and fs.path.name startswith /etc/", "deep-file", 1},
	        {"evt.type = rename and evt.arg.newpath = /etc/shadow", "renamed-directory", 0},
	        {"evt.type = rename and evt.arg.newpath startswith /etc", "renamed-directory", 1},
	        {"evt.type = rename and evt.arg.oldpath startswith /etc", "rename", 1},
	        {"evt.type = symlink and evt.arg.target = /etc/shadow", "bind-mount", 1},
	        {"evt.type = link and fs.path.source = /etc/shadow", "bind-mount", 0},
	        {"evt.type = bind and fd.sport = 1", "bind-mount", 0},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		_autofilter_ struct filter *f = NULL;
		_autofree_ struct needs *needs = malloc(sizeof(*needs));
		const char *text = cases[i].condition;
		struct trial t = {0};
		char why[256];

		assert_non_null(needs);
		assert_int_equal(filter_parse(&f, &(struct filter_text){.bytes = text, .len = strlen(text)}, &diags),
		                 0);
		assert_int_equal(needs_of(needs, filter_root(f)), 0);
		assert_true(needs->count > 0 && trial_of(&t, &needs->items[0], why, sizeof(why)));
		if (change_keeps(filter_root(f), &t, cases[i].way, NULL) != cases[i].kept)
			fail_msg("%s by %s", text, cases[i].way);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_of_programs),
	        cmocka_unit_test(what_is_not_asked_for_changes_nothing),
	        cmocka_unit_test(exceptions_of_a_rule_are_its_words),
	        cmocka_unit_test(names_of_files),
	        cmocka_unit_test(names_that_are_acted_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
