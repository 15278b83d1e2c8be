/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses YAML that libyaml takes forever for, before it is composed: deep nesting and masses of anchors make its
 * loader quadratic. For all files of ours (rules, policies). Knows nothing of what they mean.
 */
#ifndef TERCEL_RULES_YAML_LIMITS_H
#define TERCEL_RULES_YAML_LIMITS_H

#include <stddef.h>
#include <yaml.h>

/* Far above what rules and policies need: five levels, no anchors. */
enum {
	YAML_MAX_DEPTH = 64,
	YAML_MAX_ANCHORS = 1000, /* of a text */
	YAML_MAX_ALIASES = 100000,
};

/* What is too much, and where. */
struct yaml_excess {
	const char *code; /* for diag_add(): "too-deep" or "too-large" */
	const char *message;
	yaml_mark_t mark;
};

/*
 * Reads a text by events, in linear time. 0: within the limits, or malformed (which the loader will tell); -E2BIG with
 * *out set; -ENOMEM. `encoding` as for yaml_parser_set_encoding().
 */
int yaml_check_limits(const char *text, size_t len, yaml_encoding_t encoding, struct yaml_excess *out);

#endif
