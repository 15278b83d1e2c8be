/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *plugin_config_schema(void)
{
	return "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":\"Tercel\",\"type\":\"object\","
	       "\"additionalProperties\":false,\"properties\":{"
	       "\"rules_files\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"default\":[],"
	       "\"description\":\"Falco rule files, in the order Falco loads them: only what they need is captured. "
	       "Empty: everything.\"},"
	       "\"filter\":{\"type\":\"boolean\",\"default\":true,"
	       "\"description\":\"Capture only what rules_files need.\"},"
	       "\"buffer_mb\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":" TEXT(
	               PLUGIN_BUFFER_MB_MAX) ",\"default\":8,"
	                                     "\"description\":\"Ring buffer for each CPU in MiB.\"},"
	                                     "\"lineage_depth\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":" TEXT(
	                                             PLUGIN_LINEAGE_MAX) ",\"default\":16,"
	                                                                 "\"description\":\"Names in tercel.lineage at "
	                                                                 "most.\"}}}";
}

void plugin_config_free(struct plugin_config *c)
{
	for (size_t i = 0; i < c->rules_count; i++)
		free(c->rules_files[i]);
	free(c->rules_files);
	*c = PLUGIN_CONFIG_INIT;
}

static int read_bool(const cJSON *value, bool *out, struct error *err)
{
	if (!cJSON_IsBool(value))
		return error_set(err, -EINVAL, "init configuration: '%s' must be true or false", value->string);
	*out = cJSON_IsTrue(value);
	return 0;
}

static int read_number(const cJSON *value, uint32_t max, uint32_t *out, struct error *err)
{
	double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
	if (!(number >= 1 && number <= max) || number != (double)(uint32_t)number)
		return error_set(err, -EINVAL, "init configuration: '%s' must be a whole number from 1 to %u",
		                 value->string, max);
	*out = (uint32_t)number;
	return 0;
}

static int read_files(const cJSON *value, struct plugin_config *out, struct error *err)
{
	if (!cJSON_IsArray(value))
		return error_set(err, -EINVAL, "init configuration: '%s' must be a list of file names", value->string);
	size_t count = (size_t)cJSON_GetArraySize(value);
	out->rules_files = calloc(count + 1, sizeof(*out->rules_files));
	if (!out->rules_files)
		return error_set(err, -ENOMEM, "out of memory");
	const cJSON *item;
	cJSON_ArrayForEach(item, value)
	{
		if (!cJSON_IsString(item) || !*item->valuestring)
			return error_set(err, -EINVAL, "init configuration: entry %zu of '%s' must be a file name",
			                 out->rules_count + 1, value->string);
		char *name = strdup(item->valuestring);
		if (!name)
			return error_set(err, -ENOMEM, "out of memory");
		out->rules_files[out->rules_count++] = name;
	}
	return 0;
}

static int read_key(const cJSON *value, struct plugin_config *out, struct error *err)
{
	const char *key = value->string;
	if (!strcmp(key, "rules_files"))
		return out->rules_files ? error_set(err, -EINVAL, "init configuration: '%s' is there twice", key)
		                        : read_files(value, out, err);
	if (!strcmp(key, "filter"))
		return read_bool(value, &out->filter, err);
	if (!strcmp(key, "buffer_mb"))
		return read_number(value, PLUGIN_BUFFER_MB_MAX, &out->buffer_mb, err);
	if (!strcmp(key, "lineage_depth"))
		return read_number(value, PLUGIN_LINEAGE_MAX, &out->lineage_depth, err);
	_autobuf_ struct buf visible = BUF_INIT;
	text_visible(&visible, key, strlen(key));
	return error_set(
	        err, -EINVAL,
	        "init configuration: unknown key '%.64s'; known are rules_files, filter, buffer_mb, lineage_depth",
	        buf_str(&visible));
}

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

/* Line and column (from 1) of a place in the text. */
static void locate(const char *text, const char *at, unsigned *line, unsigned *column)
{
	*line = *column = 1;
	for (; text < at && *text; text++) {
		(*column)++;
		if (*text == '\n') {
			(*line)++;
			*column = 1;
		}
	}
}

int plugin_config_parse(struct plugin_config *out, const char *json, struct error *err)
{
	while (json && isspace((unsigned char)*json))
		json++;
	if (!json || !*json)
		return 0;

	const char *end = NULL;
	_cleanup_(cleanup_json) cJSON *root = cJSON_ParseWithOpts(json, &end, 1);
	if (!root) {
		unsigned line, column;
		locate(json, end ? end : json, &line, &column);
		return error_set(err, -EINVAL,
		                 "init configuration: no valid JSON at line %u, column %u; expected is an object like "
		                 "{\"rules_files\":[],\"buffer_mb\":8}",
		                 line, column);
	}
	if (!cJSON_IsObject(root))
		return error_set(err, -EINVAL,
		                 "init configuration: must be a JSON object like {\"rules_files\":[],\"buffer_mb\":8}");
	const cJSON *value;
	cJSON_ArrayForEach(value, root)
	{
		int rc = read_key(value, out, err);
		if (rc)
			return rc;
	}
	return 0;
}
