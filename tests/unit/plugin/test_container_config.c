/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "plugin/container_config.h"

static void nothing_said_is_accepted_without_a_word(void **state)
{
	(void)state;
	static const char *const texts[] = {NULL, "", "  \n", "{}", " { }\n", "null"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct error note = {0}, e = {0};
		assert_int_equal(container_config_check(texts[i], &note, &e), 0);
		assert_string_equal(note.text, "");
	}
}

static void stock_falcos_settings_are_accepted_and_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *named;
	} rows[] = {
	        {"{\"label_max_len\": 100, \"with_size\": false}", "here: label_max_len, with_size;"},
	        {"{\"label_max_len\":100,\"with_size\":false,\"hooks\":[\"create\",\"start\"],\"engines\":{\"docker\":"
	         "{\"enabled\":true,\"sockets\":[\"/var/run/docker.sock\"]}}}",
	         "here: label_max_len, with_size, hooks, engines;"},
	        {"{\"with_size\":true,\"a\\nb\":1,\"c\":2}", "here: with_size, 2 unknown;"},
	        {"{\"x\":1}", "here: 1 unknown;"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error note = {0}, e = {0};
		assert_int_equal(container_config_check(rows[i].text, &note, &e), 0);
		if (!strstr(note.text, rows[i].named))
			fail_msg("'%s' does not say '%s'", note.text, rows[i].named);
		assert_null(strchr(note.text, '\n'));
	}
}

static void what_is_no_object_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"{", "[]", "1", "\"{}\"", "{} x", "label_max_len: 100"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct error note = {0}, e = {0};
		assert_int_equal(container_config_check(texts[i], &note, &e), -EINVAL);
		assert_non_null(strstr(e.text, "must be a JSON object"));
		assert_string_equal(note.text, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nothing_said_is_accepted_without_a_word),
	        cmocka_unit_test(stock_falcos_settings_are_accepted_and_named),
	        cmocka_unit_test(what_is_no_object_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
