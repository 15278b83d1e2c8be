/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML documents as trees, as yaml-cpp reads them (see yaml_scan.h), with the place of every node and of every byte of
 * a value. Private to engine/rules. Knows no rules.
 */
#ifndef TERCEL_RULES_YAML_H
#define TERCEL_RULES_YAML_H

#include "base/table.h"
#include "rules/text.h"
#include "rules/yaml_scan.h"

enum yaml_kind {
	YAML_NULL, /* nothing, ~, or null */
	YAML_SCALAR,
	YAML_SEQUENCE,
	YAML_MAPPING,
};

struct yaml_node {
	enum yaml_kind kind;
	uint32_t offset; /* of its first byte in the source */
	size_t count;    /* items of a sequence, pairs of a mapping */
	union {
		struct text text;         /* SCALAR */
		struct yaml_node **items; /* of a mapping key, value, key, value, … */
	};
};

/* Limits: each bounds memory or recursion on hostile input; past one, "too-deep" or "too-large" is reported. */
enum {
	YAML_TREE_DEPTH = 500,     /* nested nodes, as yaml-cpp */
	YAML_TREE_NODES = 4000000, /* of one text: a few hundred megabytes */
};

/* An anchor's name and its node. */
struct yaml_anchor {
	struct text name;
	struct yaml_node *node;
};

/* A text that is read document by document. */
struct yaml_stream {
	struct yaml_scanner scanner;
	struct arena *nodes;
	size_t nnodes, depth;
	/* Items of the collections that are open. */
	struct yaml_node **pending;
	size_t npending, pending_cap;
	struct yaml_anchor *anchors; /* of this document */
	size_t nanchors, anchors_cap;
	struct table names;
	bool marked; /* the document starts with --- */
};

/*
 * Begins. `texts` gets the values and `nodes` the trees; `source` must outlive both. The text may not have zero bytes
 * or the control character 4, which yaml-cpp stumbles over: that is an error of the first yaml_next().
 */
void yaml_begin(struct yaml_stream *y, const struct source_text *source, struct arena *texts, struct arena *nodes);
void yaml_end(struct yaml_stream *y);
#define _autoyaml_ _cleanup_(yaml_end)

/*
 * The next document: 1 and *root, 0 at the end, -EINVAL with y->scanner.error set, or -ENOMEM. After -EINVAL *root is a
 * sequence of those items of the document that are whole, or NULL.
 */
int yaml_next(struct yaml_stream *y, struct yaml_node **root);

/* The value of a key, NULL if the node is no mapping or has no such key; the first one if it is there twice. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* "a mapping", … for messages. */
const char *yaml_kind_name(const struct yaml_node *node);

#endif
