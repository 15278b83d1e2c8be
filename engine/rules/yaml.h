/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML documents as trees, with the place of every node and of every byte of a value. Private to engine/rules. Knows
 * libyaml, and no rules.
 */
#ifndef TERCEL_RULES_YAML_H
#define TERCEL_RULES_YAML_H

#include <yaml.h>

#include "base/table.h"
#include "rules/text.h"

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

/* Limits: each bounds memory, recursion or time on hostile input, far above what rules need (five levels); past one,
 * "too-deep" or "too-large" is reported. libyaml's time grows with the square of the depth. */
enum {
	YAML_TREE_DEPTH = 64,      /* nested nodes */
	YAML_TREE_NODES = 4000000, /* of one text: a few hundred megabytes */
};

struct yaml_error {
	size_t offset;
	const char *code; /* static; NULL: no error */
	char message[256];
};

/* An anchor's name and its node. */
struct yaml_anchor {
	char *name; /* owned */
	struct yaml_node *node;
};

/* A text that is read document by document. */
struct yaml_stream {
	const struct source_text *source;
	struct arena *texts, *nodes;
	yaml_parser_t parser;
	bool ready;   /* the parser is set up */
	size_t start; /* where the text begins, behind a byte order mark */
	/* The last place that was asked for: libyaml counts characters, and mostly goes on. */
	size_t character, byte;
	yaml_event_t event; /* the next one, if have_event */
	bool have_event;
	struct text_builder scratch;
	size_t nnodes, depth;
	/* Items of the collections that are open. */
	struct yaml_node **pending;
	size_t npending, pending_cap;
	struct yaml_anchor *anchors; /* of this document */
	size_t nanchors, anchors_cap;
	struct table names;
	struct yaml_error error;
	bool out_of_memory;
};

/*
 * Begins. `texts` gets the values and `nodes` the trees; `source` must outlive both. What cannot be read is an error of
 * the first yaml_next().
 */
void yaml_begin(struct yaml_stream *y, const struct source_text *source, struct arena *texts, struct arena *nodes);
void yaml_end(struct yaml_stream *y);
#define _autoyaml_ _cleanup_(yaml_end)

/*
 * The next document: 1 and *root; 0 at the end, or after an empty document, behind which Falco reads none; -EINVAL with
 * y->error set, or -ENOMEM. After -EINVAL *root is a sequence of those items of the document that are whole, or NULL.
 */
int yaml_next(struct yaml_stream *y, struct yaml_node **root);

/* Whether there is more text behind the last document, and where. */
bool yaml_has_rest(struct yaml_stream *y, size_t *offset);

/* The value of a key, NULL if the node is no mapping or has no such key; the first one if it is there twice. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* "a mapping", … for messages. */
const char *yaml_kind_name(const struct yaml_node *node);

#endif
