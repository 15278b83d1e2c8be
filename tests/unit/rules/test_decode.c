/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values as yaml-cpp decodes them, and encodings of whole files.
 */
#include "load.h"

#include "rules/decode.h"
#include "rules/encoding.h"

static void truth_values_are_yaml_cpps(void **state)
{
	(void)state;
	static const char *const yes[] = {"true", "TRUE", "True", "yes", "Yes", "y", "Y", "on", "ON"};
	static const char *const no[] = {"false", "False", "no", "NO", "n", "N", "off", "Off"};
	static const char *const wrong[] = {"", "tRue", "yES", "1", "0", "true ", "t", "oN", "enabled"};
	bool value = false;

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(decode_bool(yes[i], &value) && value);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_true(decode_bool(no[i], &value) && !value);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(decode_bool(wrong[i], &value));
}

static void numbers_are_yaml_cpps(void **state)
{
	(void)state;
	static const struct {
		const char *word;
		uint32_t value;
	} rows[] = {{"0", 0},    {"5", 5},     {"+5", 5},
	            {"5 \t", 5}, {"0x1f", 31}, {"0X1F", 31},
	            {"017", 15}, {"00", 0},    {"4294967295", UINT32_MAX}};
	static const char *const wrong[] = {"",   "-1", "4294967296", "5s", "1.5", "1e3",
	                                    "0x", "08", " 5",         "+",  "+-5", "x"};
	uint32_t value = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(decode_uint(rows[i].word, &value));
		assert_int_equal(value, rows[i].value);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(decode_uint(wrong[i], &value));
}

static void versions_have_three_numbers(void **state)
{
	(void)state;
	struct version a, b;

	assert_true(decode_version("0.31.2-rc1", &a));
	assert_int_equal(a.minor, 31);
	assert_int_equal(a.patch, 2);
	assert_false(decode_version("0.31", &a));
	assert_false(decode_version("v0.31.0", &a));
	assert_true(decode_version("1.2.3.4", &a) && decode_version("1.2.3", &b));
	assert_int_equal(version_compare(&a, &b), 0);
	assert_true(decode_version("1.10.0", &a));
	assert_true(version_compare(&a, &b) > 0 && version_compare(&b, &a) < 0);
}

/* An ASCII text and one character of each length, in units of that size. */
static void encode(struct buf *out, size_t unit, bool big_endian, bool mark)
{
	static const uint16_t utf16[] = {0xfeff, '-', ' ', 0xe9, 0x4e2d, 0xd83d, 0xde00, '\n'};
	static const uint32_t utf32[] = {0xfeff, '-', ' ', 0xe9, 0x4e2d, 0x1f600, '\n'};
	size_t n = unit == 2 ? 8 : 7;

	for (size_t i = mark ? 0 : 1; i < n; i++) {
		uint32_t code = unit == 2 ? utf16[i] : utf32[i];

		for (size_t k = 0; k < unit; k++)
			buf_addc(out, (char)(code >> 8 * (big_endian ? unit - 1 - k : k)));
	}
}

static void utf16_and_utf32_become_utf8(void **state)
{
	(void)state;
	for (int form = 0; form < 8; form++) {
		_autobuf_ struct buf text = BUF_INIT, utf8 = BUF_INIT;
		size_t from;

		encode(&text, form & 1 ? 4 : 2, form & 2, form & 4);
		assert_int_equal(encoding_read(buf_str(&text), text.len, &from, &utf8), 1);
		assert_string_equal(buf_str(&utf8), "- é中😀\n");
	}
}

static void utf8_stays_as_it_is_without_its_mark(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "a", "- \xff\xfe", "\xef\xbb", "\xc3\xa9", "\xfe\xfe"};
	_autobuf_ struct buf none = BUF_INIT;
	size_t from = 9;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(encoding_read(texts[i], strlen(texts[i]), &from, &none), 0);
		assert_int_equal(from, 0);
	}
	assert_int_equal(encoding_read("\xef\xbb\xbf-", 4, &from, &none), 0);
	assert_int_equal(from, 3);
	assert_int_equal(none.len, 0);
}

static void what_is_no_character_is_replaced(void **state)
{
	(void)state;
	_autobuf_ struct buf utf8 = BUF_INIT;
	size_t from;

	/* A lone high surrogate, a lone low one, half a unit, and the control character that would end the text. */
	assert_int_equal(encoding_read("\xff\xfe\x3d\xd8\x61\0\x00\xde\x04\0\x62", 11, &from, &utf8), 1);
	assert_string_equal(buf_str(&utf8), "\xef\xbf\xbd"
	                                    "a\xef\xbf\xbd\xef\xbf\xbd");
}

static void a_rule_file_may_be_utf16(void **state)
{
	(void)state;
	static const char yaml[] = RULE("R", "bad.field = 1");
	_autobuf_ struct buf text = BUF_INIT;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	buf_add(&text, "\xff\xfe", 2);
	for (const char *c = yaml; *c; c++) {
		buf_addc(&text, *c);
		buf_addc(&text, '\0');
	}
	assert_int_equal(rules_load_buffer(&r, "t.yaml", buf_str(&text), text.len, &diags), -EINVAL);
	assert_int_equal(diags.errors, 1);
	assert_string_equal(diags.items[0].code, "unknown-field");
	assert_int_equal(diags.items[0].line, 3);
	assert_int_equal(diags.items[0].column, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(truth_values_are_yaml_cpps),
	        cmocka_unit_test(numbers_are_yaml_cpps),
	        cmocka_unit_test(versions_have_three_numbers),
	        cmocka_unit_test(utf16_and_utf32_become_utf8),
	        cmocka_unit_test(utf8_stays_as_it_is_without_its_mark),
	        cmocka_unit_test(what_is_no_character_is_replaced),
	        cmocka_unit_test(a_rule_file_may_be_utf16),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
