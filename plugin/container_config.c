/* SPDX-License-Identifier: Apache-2.0 */
#include "container_config.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"

/* What Falco's container plugin takes: about engines to ask, and what to take from them. */
static const char *const official[] = {"label_max_len", "with_size", "hooks", "engines"};

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

/* Other keys are counted, not shown: a log line is no place for any text. */
static void note_ignored(const cJSON *root, struct error *note)
{
	_autobuf_ struct buf names = BUF_INIT;
	int others = cJSON_GetArraySize(root);
	if (!others)
		return;
	for (size_t i = 0; i < sizeof(official) / sizeof(*official); i++)
		if (cJSON_GetObjectItemCaseSensitive(root, official[i])) {
			buf_addf(&names, "%s%s", names.len ? ", " : "", official[i]);
			others--;
		}
	if (others > 0)
		buf_addf(&names, "%s%d unknown", names.len ? ", " : "", others);
	(void)error_set(note, 0,
	                "settings without effect here: %s; containers are known by their cgroups, no engine is asked",
	                buf_str(&names));
}

int container_config_check(const char *json, struct error *note, struct error *err)
{
	while (json && isspace((unsigned char)*json))
		json++;
	if (!json || !*json)
		return 0;
	_cleanup_(cleanup_json) cJSON *root = cJSON_ParseWithOpts(json, NULL, 1);
	if (!cJSON_IsObject(root) && !cJSON_IsNull(root))
		return error_set(err, -EINVAL,
		                 "init configuration: must be a JSON object; {} will do, this plugin has no settings");
	note_ignored(root, note);
	return 0;
}
