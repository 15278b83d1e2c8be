/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <errno.h>

#include "plugin/config.h"

static void nothing_said_means_the_defaults(void **state)
{
	(void)state;
	static const char *const texts[] = {NULL, "", "  \n", "{}"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct plugin_config c = PLUGIN_CONFIG_INIT;
		struct error e = {0};
		assert_int_equal(plugin_config_parse(&c, texts[i], &e), 0);
		assert_true(c.filter);
		assert_int_equal(c.buffer_mb, 8);
		assert_int_equal(c.lineage_depth, 16);
		assert_int_equal(c.rules_count, 0);
		plugin_config_free(&c);
	}
}

static void every_key_is_read(void **state)
{
	(void)state;
	struct plugin_config c = PLUGIN_CONFIG_INIT;
	struct error e = {0};
	assert_int_equal(
	        plugin_config_parse(&c,
	                            "{\"rules_files\":[\"a.yaml\",\"b.yaml\"],\"filter\":false,\"buffer_mb\":1024,"
	                            "\"lineage_depth\":1}",
	                            &e),
	        0);
	assert_int_equal(c.rules_count, 2);
	assert_string_equal(c.rules_files[0], "a.yaml");
	assert_string_equal(c.rules_files[1], "b.yaml");
	assert_false(c.filter);
	assert_int_equal(c.buffer_mb, 1024);
	assert_int_equal(c.lineage_depth, 1);
	plugin_config_free(&c);
}

static void what_is_wrong_is_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reason;
	} rows[] = {
	        {"{", "line 1, column 2"},
	        {"{}\n x", "line 2, column 2"},
	        {"{\n\"filter\":true,\n}", "line 3, column"},
	        {"[]", "must be a JSON object"},
	        {"null", "must be a JSON object"},
	        {"{\"buffers\":1}", "unknown key 'buffers'; known are rules_files, filter, buffer_mb, lineage_depth"},
	        {"{\"filter\":1}", "'filter' must be true or false"},
	        {"{\"buffer_mb\":0}", "'buffer_mb' must be a whole number from 1 to 1024"},
	        {"{\"buffer_mb\":1025}", "'buffer_mb' must be"},
	        {"{\"buffer_mb\":1.5}", "'buffer_mb' must be"},
	        {"{\"buffer_mb\":-1}", "'buffer_mb' must be"},
	        {"{\"buffer_mb\":1e300}", "'buffer_mb' must be"},
	        {"{\"buffer_mb\":\"8\"}", "'buffer_mb' must be"},
	        {"{\"lineage_depth\":257}", "'lineage_depth' must be a whole number from 1 to 256"},
	        {"{\"rules_files\":\"a\"}", "'rules_files' must be a list of file names"},
	        {"{\"rules_files\":[\"a\",1]}", "entry 2 of 'rules_files'"},
	        {"{\"rules_files\":[\"\"]}", "entry 1 of 'rules_files'"},
	        {"{\"rules_files\":[],\"rules_files\":[]}", "'rules_files' is there twice"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct plugin_config c = PLUGIN_CONFIG_INIT;
		struct error e = {0};
		assert_int_equal(plugin_config_parse(&c, rows[i].text, &e), -EINVAL);
		if (!strstr(e.text, rows[i].reason))
			fail_msg("'%s' does not say '%s' of %s", e.text, rows[i].reason, rows[i].text);
		assert_null(strchr(e.text, '\n'));
		plugin_config_free(&c);
	}
}

static void the_schema_is_json_and_knows_the_same_keys(void **state)
{
	(void)state;
	cJSON *schema = cJSON_Parse(plugin_config_schema());
	assert_non_null(schema);
	const cJSON *properties = cJSON_GetObjectItem(schema, "properties");
	assert_int_equal(cJSON_GetArraySize(properties), 4);
	const cJSON *p;
	cJSON_ArrayForEach(p, properties)
	{
		/* Its own default is accepted by the parser. */
		char *value = cJSON_PrintUnformatted(cJSON_GetObjectItem(p, "default"));
		char text[256];
		assert_non_null(value);
		(void)snprintf(text, sizeof(text), "{\"%s\":%s}", p->string, value);
		free(value);
		struct plugin_config c = PLUGIN_CONFIG_INIT;
		struct error e = {0};
		assert_int_equal(plugin_config_parse(&c, text, &e), 0);
		plugin_config_free(&c);
	}
	cJSON_Delete(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nothing_said_means_the_defaults),
	        cmocka_unit_test(every_key_is_read),
	        cmocka_unit_test(what_is_wrong_is_refused_with_the_reason),
	        cmocka_unit_test(the_schema_is_json_and_knows_the_same_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
