/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void grows_and_stays_terminated(void **state)
{
	(void)state;
	_autobuf_ struct buf b = BUF_INIT;
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i);
	assert_int_equal(buf_error(&b), 0);
	assert_int_equal(strlen(buf_str(&b)), b.len);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	buf_reset(&b);
	assert_string_equal(buf_str(&b), "");
}

static void writes_numbers_like_printf(void **state)
{
	(void)state;
	static const int64_t values[] = {0, 1, -1, 10, INT64_MAX, INT64_MIN, -1000};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		_autobuf_ struct buf b = BUF_INIT;
		char expected[32];
		buf_addi(&b, values[i]);
		(void)snprintf(expected, sizeof(expected), "%lld", (long long)values[i]);
		assert_string_equal(buf_str(&b), expected);
		buf_reset(&b);
		buf_addu(&b, (uint64_t)values[i]);
		(void)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)values[i]);
		assert_string_equal(buf_str(&b), expected);
	}
}

static void json(const char *bytes, size_t len, const char *expected)
{
	_autobuf_ struct buf b = BUF_INIT;
	buf_add_json(&b, bytes, len);
	assert_string_equal(buf_str(&b), expected);
}

static void json_strings_are_valid_whatever_the_bytes(void **state)
{
	(void)state;
	json("", 0, "\"\"");
	json("plain", 5, "\"plain\"");
	json("a\"b\\c\n\t\x01", 8, "\"a\\\"b\\\\c\\n\\t\\u0001\"");
	json("a\0b", 3, "\"a\\u0000b\"");
	json("\xc3\xa9", 2, "\"\xc3\xa9\"");
	json("\xe2\x82\xac|\xf0\x9f\x98\x80", 8, "\"\xe2\x82\xac|\xf0\x9f\x98\x80\"");
	/* Each byte that starts nothing valid is replaced on its own: cut, overlong, surrogate, too large, stray. */
	json("\xc3", 1, "\"\xef\xbf\xbd\"");
	json("\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	json("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	json("\xf5x", 2, "\"\xef\xbf\xbdx\"");
	json("x\x80y", 3, "\"x\xef\xbf\xbdy\"");
}

static void take_hands_over(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	_autofree_ char *empty = buf_take(&b);
	assert_string_equal(empty, "");
	buf_adds(&b, "x");
	_autofree_ char *x = buf_take(&b);
	assert_string_equal(x, "x");
	assert_null(b.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(grows_and_stays_terminated),
	        cmocka_unit_test(writes_numbers_like_printf),
	        cmocka_unit_test(json_strings_are_valid_whatever_the_bytes),
	        cmocka_unit_test(take_hands_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
