/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lengths of time: what is taken, and what is not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/duration.h"

static void a_number_and_a_unit_are_a_time(void **unused)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
	        {"1ms", 1000000},     {"500ms", 500000000},  {"1s", 1000000000},           {"060s", 60000000000},
	        {"5m", 300000000000}, {"2h", 7200000000000}, {"8784h", 31622400000000000},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t ns = 0;

		assert_int_equal(duration_parse(cases[i].text, &ns), 0);
		assert_true(ns == cases[i].ns);
	}
}

static void anything_else_is_none(void **unused)
{
	static const char *const cases[] = {
	        "",
	        "0s",
	        "s",
	        "5",
	        "5 s",
	        "5S",
	        "-5s",
	        "+5s",
	        "5.5s",
	        "5us",
	        "5d",
	        "5s ",
	        "5ms5",
	        "8785h",
	        "99999999999999999999s",
	        "18446744073709551616ms",
	        "31622400000000001ms",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t ns = 7;

		if (duration_parse(cases[i], &ns) != -EINVAL || ns != 7)
			fail_msg("%s", cases[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_number_and_a_unit_are_a_time),
	        cmocka_unit_test(anything_else_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
