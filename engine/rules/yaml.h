/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML documents with exact places: of nodes, and of every byte inside a scalar, whatever its style. Private to
 * engine/rules. Knows libyaml, and no rules.
 */
#ifndef TERCEL_RULES_YAML_H
#define TERCEL_RULES_YAML_H

#include <yaml.h>

#include "rules/text.h"

/* A YAML text and its lines. */
struct yaml_source {
	const char *file; /* for places; must outlive them */
	const char *bytes;
	size_t len;
	size_t *lines; /* offset of the start of each */
	size_t nlines;
	size_t *chars; /* offset of each 64th character, since libyaml counts characters */
	size_t nchars;
};

int yaml_source_init(struct yaml_source *s, const char *file, const char *bytes, size_t len);
void yaml_source_free(struct yaml_source *s);
#define _autoyaml_ _cleanup_(yaml_source_free)

/* Where a node starts. */
struct source_pos yaml_pos(const struct yaml_source *s, const yaml_node_t *node);
struct source_pos yaml_mark_pos(const struct yaml_source *s, const yaml_mark_t *mark);
struct source_pos yaml_offset_pos(const struct yaml_source *s, size_t offset);

/* The scalar as a text in the arena: -ENOMEM, or -E2BIG. */
int yaml_text(struct text *out, const struct yaml_source *s, const yaml_node_t *node, struct arena *arena);

/* The value of a key, NULL if the node is no mapping or has no such key; the first one if it is there twice. */
yaml_node_t *yaml_get(yaml_document_t *doc, const yaml_node_t *map, const char *key);

/* An empty plain scalar, ~ or null. */
bool yaml_is_null(const yaml_node_t *node);

/* "a mapping", … for messages. */
const char *yaml_kind(const yaml_node_t *node);

#endif
