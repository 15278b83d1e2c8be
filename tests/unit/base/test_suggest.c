/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mistyped word was meant to be: slips are near, other words are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/suggest.h"

static size_t distance(const char *a, const char *b)
{
	return suggest_distance(a, strlen(a), b, strlen(b), 9);
}

static void a_slip_is_one_step(void **state)
{
	(void)state;
	assert_int_equal(distance("output", "output"), 0);
	assert_int_equal(distance("Output", "output"), 0); /* another case is no other letter */
	assert_int_equal(distance("outpt", "output"), 1);
	assert_int_equal(distance("outputs", "output"), 1);
	assert_int_equal(distance("outqut", "output"), 1);
	assert_int_equal(distance("ouptut", "output"), 1); /* neighbours swapped */
	assert_int_equal(distance("", "abc"), 3);
	assert_int_equal(distance("kitten", "sitting"), 3);
	assert_int_equal(distance("abcdefgh", "hgfedcba"), distance("hgfedcba", "abcdefgh"));
}

static void what_is_too_far_is_not_counted_out(void **state)
{
	(void)state;
	char longer[SUGGEST_MAX_LEN + 2];
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(suggest_distance("abc", 3, "xyz", 3, 2), 2);
	assert_int_equal(suggest_distance("abc", 3, "abcdef", 6, 2), 2);
	assert_int_equal(distance(longer, longer), 9);
}

static const char *nearest(const char *word, const char *const *names)
{
	struct suggestion s = suggestion_for(word, strlen(word));
	for (; *names; names++)
		suggestion_offer(&s, *names);
	return s.best;
}

static void the_nearest_name_is_suggested_if_one_is_near(void **state)
{
	(void)state;
	static const char *const names[] = {"desc", "condition", "output", "proc.name", "proc.pname", NULL};
	assert_string_equal(nearest("Desc", names), "desc");
	assert_string_equal(nearest("dsec", names), "desc");
	assert_string_equal(nearest("conditoin", names), "condition");
	assert_null(nearest("cnditon", names)); /* seven letters: one slip is allowed */
	assert_string_equal(nearest("cnditions", names), "condition");
	assert_null(nearest("conditns", names));
	assert_string_equal(nearest("proc.pnme", names), "proc.pname");
	assert_null(nearest("priority", names));
	assert_null(nearest("", names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_slip_is_one_step),
	        cmocka_unit_test(what_is_too_far_is_not_counted_out),
	        cmocka_unit_test(the_nearest_name_is_suggested_if_one_is_near),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
