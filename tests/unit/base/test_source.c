/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts by lines: places of bytes, and lines by number, whatever ends them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/source.h"

static void assert_place(const struct source_text *s, size_t offset, uint32_t line, uint32_t column)
{
	struct source_pos pos = source_place(s, offset);
	assert_ptr_equal(pos.file, s->name);
	assert_int_equal(pos.line, line);
	assert_int_equal(pos.column, column);
}

static void assert_line(const struct source_text *s, uint32_t line, const char *expected)
{
	const char *text = NULL;
	size_t len = 0;
	assert_true(source_line(s, line, &text, &len));
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(text, expected, len);
}

static void bytes_have_places_and_lines_have_bytes(void **state)
{
	(void)state;
	static const char text[] = "ab\r\n\ncd";
	_autosource_ struct source_text s = {0};
	const char *line = NULL;
	size_t len = 0;
	assert_int_equal(source_init(&s, "a.yaml", text, strlen(text)), 0);
	assert_place(&s, 0, 1, 1);
	assert_place(&s, 3, 1, 4);
	assert_place(&s, 4, 2, 1);
	assert_place(&s, 6, 3, 2);
	assert_place(&s, 7, 3, 3);
	assert_line(&s, 1, "ab");
	assert_line(&s, 2, "");
	assert_line(&s, 3, "cd");
	assert_false(source_line(&s, 0, &line, &len));
	assert_false(source_line(&s, 4, &line, &len));
}

static void carriage_returns_end_lines_where_nothing_else_does(void **state)
{
	(void)state;
	_autosource_ struct source_text s = {0}, empty = {0};
	assert_int_equal(source_init(&s, "a.yaml", "a\rb\r", 4), 0);
	assert_place(&s, 2, 2, 1);
	assert_line(&s, 2, "b");
	assert_line(&s, 3, "");
	assert_int_equal(source_init(&empty, "b.yaml", "", 0), 0);
	assert_place(&empty, 0, 1, 1);
	assert_line(&empty, 1, "");
}

static void texts_are_found_by_name_the_latest_first(void **state)
{
	(void)state;
	_autosource_ struct source_text a = {0}, b = {0}, again = {0};
	_cleanup_(source_list_free) struct source_list l = {0};
	char name[] = "a.yaml";
	assert_int_equal(source_init(&a, "a.yaml", "1", 1), 0);
	assert_int_equal(source_init(&b, "b.yaml", "2", 1), 0);
	assert_int_equal(source_init(&again, name, "3", 1), 0);
	assert_null(source_list_find(&l, "a.yaml"));
	assert_int_equal(source_list_add(&l, &a) | source_list_add(&l, &b), 0);
	assert_ptr_equal(source_list_find(&l, name), &a);
	assert_int_equal(source_list_add(&l, &again), 0);
	assert_ptr_equal(source_list_find(&l, name), &again);
	assert_ptr_equal(source_list_find(&l, "b.yaml"), &b);
	assert_null(source_list_find(&l, "c.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(bytes_have_places_and_lines_have_bytes),
	        cmocka_unit_test(carriage_returns_end_lines_where_nothing_else_does),
	        cmocka_unit_test(texts_are_found_by_name_the_latest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
