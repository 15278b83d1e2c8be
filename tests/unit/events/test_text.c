/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "events/text.h"

static void expect_escaped(const char *bytes, size_t len, const char *expected)
{
	_autobuf_ struct buf b = BUF_INIT;
	text_escape(&b, bytes, len, '>');
	assert_string_equal(buf_str(&b), expected);
}

static void expect_arguments(const char *args, size_t len, const char *expected)
{
	_autobuf_ struct buf b = BUF_INIT;
	text_arguments(&b, args, len);
	assert_string_equal(buf_str(&b), expected);
}

#define ESCAPED(bytes, expected) expect_escaped(bytes, sizeof(bytes) - 1, expected)
#define ARGUMENTS(args, expected) expect_arguments(args, sizeof(args), expected)

static void what_is_harmless_stays(void **state)
{
	(void)state;
	ESCAPED("", "");
	ESCAPED("/usr/bin/[ -d \"x y\"", "/usr/bin/[ -d \"x y\"");
	ESCAPED("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void what_steers_or_deceives_is_escaped_byte_by_byte(void **state)
{
	(void)state;
	ESCAPED("a\nb\tc\033[31m\x7f", "a\\x0ab\\x09c\\x1b[31m\\x7f");
	ESCAPED("a\0b", "a\\x00b");
	ESCAPED("a\\x1b", "a\\\\x1b");
	ESCAPED("a>b", "a\\x3eb");
	ESCAPED("\xc2\x9b", "\\xc2\\x9b");
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): it is what the test is about */
	ESCAPED("\xe2\x80\xae|\xe2\x80\xa8|\xef\xbb\xbf", "\\xe2\\x80\\xae|\\xe2\\x80\\xa8|\\xef\\xbb\\xbf");
	/* Not UTF-8: stray, cut, overlong, surrogate, too large. */
	ESCAPED("\x80|\xc3|\xe2\x82", "\\x80|\\xc3|\\xe2\\x82");
	ESCAPED("\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80", "\\xc0\\x80|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80");
}

static void arguments_are_quoted_so_that_they_can_be_told_apart(void **state)
{
	(void)state;
	ARGUMENTS("ls", "");
	ARGUMENTS("ls\0-l\0/tmp/x-1.y", "-l /tmp/x-1.y");
	ARGUMENTS("sh\0-c\0echo a b\0", "-c 'echo a b' ''");
	ARGUMENTS("x\0it's\0say \"it\"\0it's \"both\"", "\"it's\" 'say \"it\"' 'it\\x27s \"both\"'");
	ARGUMENTS("x\0$(id)\0a;b\0\n", "'$(id)' 'a;b' '\\x0a'");
	/* A vector that was cut within an argument. */
	expect_arguments("x\0abc", 5, "abc");
}

static void base64_is_that_of_the_standard(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
	                                       {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_autobuf_ struct buf b = BUF_INIT;
		text_base64(&b, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(buf_str(&b), cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_harmless_stays),
	        cmocka_unit_test(what_steers_or_deceives_is_escaped_byte_by_byte),
	        cmocka_unit_test(arguments_are_quoted_so_that_they_can_be_told_apart),
	        cmocka_unit_test(base64_is_that_of_the_standard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
