/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"

static void prints_places_as_compilers_do(void **state)
{
	(void)state;
	_autodiag_ struct diag_list l = DIAG_LIST_INIT;
	diag_add(&l, DIAG_ERROR, (struct source_pos){"a.yaml", 3, 14}, "unknown-field", "no field '%s'", "proc.nme");
	diag_add(&l, DIAG_WARNING, (struct source_pos){"a.yaml", 4, 0}, "unused", "macro 'm' is not used");
	diag_add(&l, DIAG_ERROR, (struct source_pos){0}, "none", "nowhere");
	assert_int_equal(l.errors, 2);
	assert_int_equal(l.warnings, 1);
	assert_true(diag_failed(&l));

	_autofree_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	diag_print(&l, out);
	(void)fclose(out);
	assert_string_equal(text, "a.yaml:3:14: error: no field 'proc.nme' [unknown-field]\n"
	                          "a.yaml:4: warning: macro 'm' is not used [unused]\n"
	                          "error: nowhere [none]\n");
}

static void the_diagnostics_of_a_file_are_sorted_by_place(void **state)
{
	(void)state;
	_autodiag_ struct diag_list l = DIAG_LIST_INIT;
	diag_add(&l, DIAG_ERROR, (struct source_pos){"b.yaml", 9, 1}, "x", "third");
	diag_add(&l, DIAG_ERROR, (struct source_pos){"a.yaml", 1, 1}, "x", "fifth");
	diag_add(&l, DIAG_WARNING, (struct source_pos){"b.yaml", 2, 5}, "x", "second");
	diag_add(&l, DIAG_ERROR, (struct source_pos){"b.yaml", 2, 4}, "x", "first");
	diag_add(&l, DIAG_ERROR, (struct source_pos){"b.yaml", 9, 1}, "x", "fourth");
	diag_sort(&l);
	static const char *const order[] = {"first", "second", "third", "fourth", "fifth"};
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(l.items[i].message, order[i]);
}

static void nothing_quoted_can_steer_the_terminal(void **state)
{
	(void)state;
	_autodiag_ struct diag_list l = DIAG_LIST_INIT;
	diag_add(&l, DIAG_ERROR, (struct source_pos){"a\033[2J.yaml", 1, 1}, "x", "no rule '%s'; see \\d, ü",
	         "\033]0;x\a\n\xc2\x9b\xe2\x80\x8b\xff");

	_autofree_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	diag_print(&l, out);
	(void)fclose(out);
	assert_string_equal(text,
	                    "a\\x1b[2J.yaml:1:1: error: no rule '\\x1b]0;x\\x07\\x0a\\xc2\\x9b\\xe2\\x80\\x8b\\xff'; "
	                    "see \\d, ü [x]\n");
}

static void warnings_alone_are_no_failure(void **state)
{
	(void)state;
	_autodiag_ struct diag_list l = DIAG_LIST_INIT;
	assert_false(diag_failed(&l));
	diag_add(&l, DIAG_WARNING, (struct source_pos){0}, "w", "w");
	assert_false(diag_failed(&l));
}

static void error_set_returns_the_code(void **state)
{
	(void)state;
	struct error e = {0};
	assert_int_equal(error_set(&e, -22, "value %d", 7), -22);
	assert_string_equal(e.text, "value 7");
	assert_int_equal(error_set(NULL, -5, "ignored"), -5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(prints_places_as_compilers_do),
	        cmocka_unit_test(the_diagnostics_of_a_file_are_sorted_by_place),
	        cmocka_unit_test(nothing_quoted_can_steer_the_terminal),
	        cmocka_unit_test(warnings_alone_are_no_failure),
	        cmocka_unit_test(error_set_returns_the_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
