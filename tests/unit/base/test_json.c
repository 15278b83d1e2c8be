/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flat JSON objects: every byte and digit arrives, everything else is refused at its place.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static void values_arrive_as_they_are_written(void **state)
{
	static const char text[] =
	        " {\"a\" : \"x\\u00e4\\ud83d\\ude00\\u0000\\n\\/y\", \"b\":-12345678901234567890.5e+7,"
	        "\"c\":[true,false,null,\"\",1],\"d\":[],\"\":null}\r\n";
	_autojson_ struct json_object o = {0};
	size_t offset;

	(void)state;
	/* Twice: memory is used again. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(json_read(&o, text, strlen(text), &offset, NULL), 0);
		assert_int_equal(o.n, 5);
		assert_string_equal(o.members[0].name, "a");
		assert_int_equal(o.members[0].offset, 2);
		assert_int_equal(o.members[0].value.kind, JSON_STRING);
		assert_int_equal(o.members[0].value.len, 11);
		assert_memory_equal(o.members[0].value.bytes, "x\xc3\xa4\xf0\x9f\x98\x80\0\n/y", 12);
		assert_int_equal(o.members[1].value.kind, JSON_NUMBER);
		assert_string_equal(o.members[1].value.bytes, "-12345678901234567890.5e+7");
		assert_int_equal(o.members[2].value.kind, JSON_ARRAY);
		assert_int_equal(o.members[2].value.n, 5);
		assert_int_equal(o.values[o.members[2].value.first].kind, JSON_TRUE);
		assert_int_equal(o.values[o.members[2].value.first + 3].len, 0);
		assert_int_equal(o.members[3].value.n, 0);
		assert_int_equal(o.members[4].name_len, 0);
	}
	assert_int_equal(json_read(&o, "{}", 2, &offset, NULL), 0);
	assert_int_equal(o.n, 0);
}

static void what_is_wrong_is_refused_at_its_place(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
	} rows[] = {
	        {"", 0},
	        {"x", 0},
	        {"{", 1},
	        {"{\"a\"", 4},
	        {"{\"a\":", 5},
	        {"{\"a\":1", 6},
	        {"{\"a\":1,}", 7},
	        {"{\"a\":01}", 7},
	        {"{\"a\":1.}", 7},
	        {"{\"a\":1e}", 7},
	        {"{\"a\":+1}", 5},
	        {"{\"a\":-}", 6},
	        {"{\"a\":tru}", 5},
	        {"{\"a\":\"x", 7},
	        {"{\"a\":\"\\x\"}", 7},
	        {"{\"a\":\"\\u12g4\"}", 10},
	        {"{\"a\":\"\\ud800\"}", 12},
	        {"{\"a\":\"\\udc00\"}", 12},
	        {"{\"a\":\"\t\"}", 6},
	        {"{\"a\":[1,]}", 8},
	        {"{\"a\":[1}", 7},
	        {"{\"a\":[[1]]}", 6},
	        {"{\"a\":{}}", 5},
	        {"{} x", 3},
	        {"{a:1}", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autojson_ struct json_object o = {0};
		struct error err = {0};
		size_t offset = 99;

		assert_int_equal(json_read(&o, rows[i].text, strlen(rows[i].text), &offset, &err), -EINVAL);
		if (offset != rows[i].offset)
			print_error("%s: %zu, %s\n", rows[i].text, offset, err.text);
		assert_int_equal(offset, rows[i].offset);
		assert_true(*err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(values_arrive_as_they_are_written),
	        cmocka_unit_test(what_is_wrong_is_refused_at_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
