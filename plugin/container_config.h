/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The init configuration of libtercel_container.so. It has no settings, but is given those of the plugin that it stands
 * in for: stock Falco's configuration carries some. Knows no host.
 */
#ifndef TERCEL_PLUGIN_CONTAINER_CONFIG_H
#define TERCEL_PLUGIN_CONTAINER_CONFIG_H

#include "base/diag.h"

/*
 * Checks `json`: NULL, blank, null or an object. 0; `note` then says in one line which settings have no effect, "" if
 * there are none. -EINVAL with `err`: no JSON, or no object.
 */
int container_config_check(const char *json, struct error *note, struct error *err);

#endif
