/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin's init configuration: JSON text in, a checked structure out. Knows no host and no sensor.
 */
#ifndef TERCEL_PLUGIN_CONFIG_H
#define TERCEL_PLUGIN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* Bounds of the numbers, also in the schema: a ring per CPU of more than 1 GiB is a typing error, not a wish. */
#define PLUGIN_BUFFER_MB_MAX 1024
#define PLUGIN_LINEAGE_MAX 256

struct plugin_config {
	char **rules_files; /* owned */
	size_t rules_count;
	bool filter;
	uint32_t buffer_mb;
	uint32_t lineage_depth;
};

#define PLUGIN_CONFIG_INIT ((struct plugin_config){.filter = true, .buffer_mb = 8, .lineage_depth = 16})

/* The JSON Schema of the configuration; static. */
const char *plugin_config_schema(void);

/*
 * Reads `json` (NULL or blank: all defaults) into *out, which must be PLUGIN_CONFIG_INIT. -EINVAL: no JSON, no object,
 * unknown key, wrong type or out of bounds, with `err` saying where and what is expected; -ENOMEM. On failure *out may
 * be partly filled and is to be freed as well.
 */
int plugin_config_parse(struct plugin_config *out, const char *json, struct error *err);
void plugin_config_free(struct plugin_config *c);

#endif
