/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/cleanup.h"

static bool add_policy(cJSON *to, const struct kept_policy *p)
{
	cJSON *o = cJSON_CreateObject(), *rules;

	if (!cJSON_AddItemToArray(to, o) || !cJSON_AddNumberToObject(o, "generation", p->generation))
		return false;
	rules = cJSON_AddArrayToObject(o, "rules");
	for (size_t i = 0; rules && i < p->image->nrules; i++)
		if (!cJSON_AddItemToArray(rules, cJSON_CreateString(p->image->rules[i].name)))
			return false;
	return rules != NULL;
}

static cJSON *read_kept(const char *pin_dir)
{
	_autofree_ void *bytes = NULL;
	size_t size = 0;

	return !pin_dir || sensor_kept(pin_dir, &bytes, &size) ? NULL : cJSON_ParseWithLength(bytes, size);
}

/* Of one that another process has put in force. If nothing was kept of it, there is nothing to keep. */
static bool add_kept(cJSON *to, cJSON *kept, uint32_t generation)
{
	cJSON *policy;

	cJSON_ArrayForEach(policy, kept)
	{
		const cJSON *of = cJSON_GetObjectItemCaseSensitive(policy, "generation");

		if (cJSON_IsNumber(of) && (uint32_t)cJSON_GetNumberValue(of) == generation)
			return cJSON_AddItemToArray(to, cJSON_Duplicate(policy, true));
	}
	return true;
}

int kept_save(struct sensor *s, const char *pin_dir, const struct kept_policy *policies, size_t n, struct error *err)
{
	cJSON *all = cJSON_CreateArray(), *kept = read_kept(pin_dir);
	_autofree_ char *text = NULL;
	bool whole = all != NULL;
	int error;

	for (size_t i = 0; whole && i < n; i++)
		whole = policies[i].image ? add_policy(all, &policies[i]) : add_kept(all, kept, policies[i].generation);
	if (whole)
		text = cJSON_PrintUnformatted(all);
	cJSON_Delete(kept);
	cJSON_Delete(all);
	error = text ? sensor_keep(s, text, strlen(text)) : -ENOMEM;
	return error ? error_set(err, error, "cannot keep the rules' names beside the pins: %s", strerror(-error)) : 0;
}

static void tell(const cJSON *policy, void (*each)(void *ctx, uint32_t generation, const char *const *names, size_t n),
                 void *ctx)
{
	const cJSON *generation = cJSON_GetObjectItemCaseSensitive(policy, "generation"), *rule;
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(policy, "rules");
	_autofree_ const char **names = calloc((size_t)cJSON_GetArraySize(rules) + 1, sizeof(*names));
	size_t n = 0;

	if (!names || !cJSON_IsNumber(generation))
		return;
	cJSON_ArrayForEach(rule, rules)
	{
		names[n++] = cJSON_IsString(rule) ? rule->valuestring : "?";
	}
	each(ctx, (uint32_t)cJSON_GetNumberValue(generation), names, n);
}

void kept_load(const char *pin_dir, void (*each)(void *ctx, uint32_t generation, const char *const *names, size_t n),
               void *ctx)
{
	cJSON *all = read_kept(pin_dir);
	const cJSON *policy;

	cJSON_ArrayForEach(policy, all)
	{
		tell(policy, each, ctx);
	}
	cJSON_Delete(all);
}
