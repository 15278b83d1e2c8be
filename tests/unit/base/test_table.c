/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/table.h"

enum { NUMBERS = 100000 };

static bool same_number(const void *ctx, size_t entry, const void *key)
{
	const uint32_t *numbers = ctx;
	return numbers[entry] == *(const uint32_t *)key;
}

static void everything_added_is_found_and_nothing_else(void **state)
{
	(void)state;
	_autotable_ struct table t = {0};
	uint32_t *numbers = calloc(NUMBERS, sizeof(*numbers)), absent = 1;
	assert_non_null(numbers);
	assert_int_equal(table_find(&t, table_hash(&absent, sizeof(absent)), same_number, numbers, &absent),
	                 TABLE_NONE);
	for (uint32_t i = 0; i < NUMBERS; i++) {
		numbers[i] = i * 2;
		assert_int_equal(table_add(&t, table_hash(&numbers[i], sizeof(*numbers)), i), 0);
	}
	for (uint32_t i = 0; i < NUMBERS; i++) {
		uint32_t key = i * 2, odd = key + 1;
		assert_int_equal(table_find(&t, table_hash(&key, sizeof(key)), same_number, numbers, &key), i);
		assert_int_equal(table_find(&t, table_hash(&odd, sizeof(odd)), same_number, numbers, &odd), TABLE_NONE);
	}
	free(numbers);
}

static void equal_hashes_are_told_apart_by_comparison(void **state)
{
	(void)state;
	_autotable_ struct table t = {0};
	const uint32_t numbers[] = {7, 8, 9}, none = 10;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(table_add(&t, 42, i), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(table_find(&t, 42, same_number, numbers, &numbers[i]), i);
	assert_int_equal(table_find(&t, 42, same_number, numbers, &none), TABLE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(everything_added_is_found_and_nothing_else),
	        cmocka_unit_test(equal_hashes_are_told_apart_by_comparison),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
