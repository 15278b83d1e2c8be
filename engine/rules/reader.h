/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading keys of an item: what each kind of value must look like. Private to engine/rules, for read.c and read_rule.c.
 */
#ifndef TERCEL_RULES_READER_H
#define TERCEL_RULES_READER_H

#include "rules/collect.h"
#include "rules/yaml.h"

struct reader {
	struct collection *c;
	const struct source_text *source;
	size_t used; /* of READ_MAX */
};

#define READ_ERROR(r, node, code, ...) COLLECT_ERROR((r)->c, node_place((r), (node)), code, __VA_ARGS__)
#define READ_WARN(r, node, code, ...) COLLECT_WARN((r)->c, node_place((r), (node)), code, __VA_ARGS__)

struct text_place node_place(const struct reader *r, const struct yaml_node *node);

/* Counts what is read, which aliases multiply. False, with an error the first time, if that is too much. */
bool read_spend(struct reader *r, const struct yaml_node *node, size_t nodes, size_t bytes);

enum presence { ABSENT, PRESENT, WRONG };

/* A single value. */
enum presence read_node_text(struct reader *r, const struct yaml_node *node, struct text *out);

/* A key whose value must not be empty. */
enum presence read_text(struct reader *r, const struct yaml_node *item, const char *key, struct text *out);

/* The same; a missing key is an error. */
bool require_text(struct reader *r, const struct yaml_node *item, const char *key, struct text *out);

enum presence read_bool(struct reader *r, const struct yaml_node *item, const char *key, bool *out);

/* A sequence of single values into the arena. */
enum presence read_texts(struct reader *r, const struct yaml_node *item, const char *key, struct text **out, size_t *n);

/* Warns of keys that are none of `keys` (at most 32, NULL at their end) and of those that are there twice. False, with
 * an error, if a key is no single value. */
bool read_check_keys(struct reader *r, const struct yaml_node *item, const char *const *keys);

/* The name of the item and where it stands. */
bool read_name(struct reader *r, const struct yaml_node *item, const char *key, struct definition *def);

enum override { OVERRIDE_NONE, OVERRIDE_APPEND, OVERRIDE_REPLACE };

/* A line of `override`: what is to be done; NONE after an error. *key gets its key, which may be unknown. */
enum override read_override(struct reader *r, const struct yaml_node *override, size_t line, const char **key);

/* The lines of an item's `override`: 0 if there is none; a warning if it is there without any. */
bool read_override_lines(struct reader *r, const struct yaml_node *item, size_t *lines);

/* `append: true`, which is deprecated; an override would say `keys` instead, but for the last ': append'. False after
 * an error. */
bool read_append(struct reader *r, const struct yaml_node *item, const char *keys, bool *append);

/* The nearest of the names, as ", did you mean 'x'?"; "" if none is near. */
struct hint {
	char text[128];
};
struct hint hint_for(const char *word, const char *const *names);

/* read_rule.c: the items that start with `rule`. */
void read_rule(struct reader *r, const struct yaml_node *item);

#endif
