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
	        cmocka_unit_test(warnings_alone_are_no_failure),
	        cmocka_unit_test(error_set_returns_the_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
