/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of values that items are made of. Knows no single key.
 */
#include "rules/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "rules/decode.h"

/* An alias costs a few bytes and stands for as many as its anchor has: what is read is bounded, not only what is
 * written. Counted in bytes, with some for each node. */
enum { READ_MAX = 64 << 20, NODE_COST = 32 };

struct text_place node_place(const struct reader *r, const struct yaml_node *node)
{
	return (struct text_place){r->source, node->offset};
}

bool read_spend(struct reader *r, const struct yaml_node *node, size_t nodes, size_t bytes)
{
	bool before = r->used > READ_MAX;

	r->used += nodes * NODE_COST + bytes;
	if (r->used > READ_MAX && !before)
		READ_ERROR(r, node, "too-large",
		           "the file has more than %d MB with its aliases put in; split it, or use fewer of them",
		           READ_MAX >> 20);
	return r->used <= READ_MAX;
}

struct hint hint_for(const char *word, const char *const *names)
{
	struct suggestion s = suggestion_for(word, strlen(word));
	struct hint hint = {""};

	for (; *names; names++)
		suggestion_offer(&s, *names);
	if (s.best)
		(void)snprintf(hint.text, sizeof(hint.text), ", did you mean '%s'?", s.best);
	return hint;
}

/* Values */

enum presence read_node_text(struct reader *r, const struct yaml_node *node, struct text *out)
{
	if (node->kind != YAML_SCALAR) {
		READ_ERROR(r, node, "bad-value", "expected a single value here, not %s", yaml_kind_name(node));
		return WRONG;
	}
	if (!read_spend(r, node, 1, node->text.len))
		return WRONG;
	if (memchr(node->text.bytes, '\0', node->text.len)) {
		READ_ERROR(r, node, "bad-value", "a zero byte in the value; remove it");
		return WRONG;
	}
	*out = node->text;
	return PRESENT;
}

enum presence read_text(struct reader *r, const struct yaml_node *item, const char *key, struct text *out)
{
	const struct yaml_node *node = yaml_get(item, key);

	if (!node)
		return ABSENT;
	if (node->kind == YAML_NULL || (node->kind == YAML_SCALAR && node->text.len == 0)) {
		READ_ERROR(r, node, "bad-value", "the value of '%s' is empty; write one or remove the key", key);
		return WRONG;
	}
	return read_node_text(r, node, out);
}

bool require_text(struct reader *r, const struct yaml_node *item, const char *key, struct text *out)
{
	enum presence p = read_text(r, item, key, out);

	if (p == ABSENT)
		READ_ERROR(r, item, "missing-key", "the item has no '%s'; add it", key);
	return p == PRESENT;
}

enum presence read_bool(struct reader *r, const struct yaml_node *item, const char *key, bool *out)
{
	struct text t;
	enum presence p = read_text(r, item, key, &t);

	if (p != PRESENT)
		return p;
	const struct yaml_node *node = yaml_get(item, key);

	if (!decode_bool(t.bytes, out)) {
		READ_ERROR(r, node, "bad-value", "'%s' must be true or false", key);
		return WRONG;
	}
	if (!text_is(&t, *out ? "true" : "false"))
		READ_WARN(r, node, "spelling", "Falco's schema knows only true and false; write %s",
		          *out ? "true" : "false");
	return PRESENT;
}

enum presence read_texts(struct reader *r, const struct yaml_node *item, const char *key, struct text **out, size_t *n)
{
	const struct yaml_node *node = yaml_get(item, key);

	if (!node)
		return ABSENT;
	if (node->kind != YAML_SEQUENCE) {
		READ_ERROR(r, node, "bad-value", "'%s' must be a sequence, [a, b], not %s", key, yaml_kind_name(node));
		return WRONG;
	}
	if (!read_spend(r, node, node->count, 0))
		return WRONG;
	struct text *texts = collection_alloc(r->c, (node->count + 1) * sizeof(*texts));

	if (!texts)
		return WRONG;
	for (size_t i = 0; i < node->count; i++)
		if (read_node_text(r, node->items[i], &texts[i]) != PRESENT)
			return WRONG;
	*out = texts;
	*n = node->count;
	return PRESENT;
}

/* Keys */

/* The key's place among `keys`; that of the NULL at their end if it is none of them. */
static size_t key_index(const char *key, const char *const *keys)
{
	size_t i = 0;

	while (keys[i] && strcmp(key, keys[i]) != 0)
		i++;
	return i;
}

bool read_check_keys(struct reader *r, const struct yaml_node *item, const char *const *keys)
{
	uint32_t seen = 0;
	bool ok = true;

	for (size_t p = 0; p < item->count; p++) {
		const struct yaml_node *k = item->items[2 * p];
		const char *name = k->kind == YAML_SCALAR ? k->text.bytes : "null";
		size_t i = key_index(name, keys);

		if (k->kind == YAML_SEQUENCE || k->kind == YAML_MAPPING) {
			READ_ERROR(r, k, "bad-item", "a key must be a single value, not %s", yaml_kind_name(k));
			ok = false;
		} else if (!keys[i]) {
			READ_WARN(r, k, "unknown-key", "the key '%s' is not known here and has no effect%s", name,
			          hint_for(name, keys).text);
		} else if (seen & 1U << i) {
			READ_WARN(r, k, "duplicate-key",
			          "the key '%s' is here for the second time; the first one counts", name);
		} else {
			seen |= 1U << i;
		}
	}
	return ok;
}

bool read_name(struct reader *r, const struct yaml_node *item, const char *key, struct definition *def)
{
	struct text name;

	/* What extends or uses it must not be blamed. */
	if (!require_text(r, item, key, &name)) {
		r->c->incomplete = true;
		return false;
	}
	def->name = name.bytes;
	def->place = text_start(&name);
	return true;
}

/* Overrides */

bool read_override_lines(struct reader *r, const struct yaml_node *item, size_t *lines)
{
	const struct yaml_node *override = yaml_get(item, "override");

	*lines = 0;
	if (!override)
		return true;
	if (override->kind == YAML_SEQUENCE) {
		READ_ERROR(r, override, "bad-override",
		           "override must be a mapping from key to append or replace, not %s",
		           yaml_kind_name(override));
		return false;
	}
	if (override->kind != YAML_MAPPING || !override->count) {
		READ_WARN(
		        r, override, "bad-override",
		        "an override without keys has no effect; write {KEY: append} or {KEY: replace}, or remove it");
		return true;
	}
	*lines = override->count;
	return read_spend(r, override, override->count, 0);
}

/* More than there are keys. */
enum { OVERRIDE_LINES = 32 };

/* The same key may be there twice, and both count. */
static void warn_same_line(struct reader *r, const struct yaml_node *override, size_t line, const char *key)
{
	for (size_t i = 0; i < line && i < OVERRIDE_LINES; i++) {
		const struct yaml_node *k = override->items[2 * i];

		if (k->kind != YAML_SCALAR || !text_is(&k->text, key))
			continue;
		READ_WARN(r, override->items[2 * line], "duplicate-key",
		          "'%s' is overridden for the second time; remove one", key);
		return;
	}
}

enum override read_override(struct reader *r, const struct yaml_node *override, size_t line, const char **key)
{
	static const char *const words[] = {"append", "replace", NULL};
	const struct yaml_node *k = override->items[2 * line], *value = override->items[2 * line + 1];
	struct text word = {0};

	*key = k->kind == YAML_SCALAR ? k->text.bytes : "null";
	if (k->kind == YAML_SEQUENCE || k->kind == YAML_MAPPING) {
		READ_ERROR(r, k, "bad-override", "a key must be a single value, not %s", yaml_kind_name(k));
		return OVERRIDE_NONE;
	}
	warn_same_line(r, override, line, *key);
	if (value->kind == YAML_SCALAR)
		word = value->text;
	if (text_is(&word, words[0]))
		return OVERRIDE_APPEND;
	if (text_is(&word, words[1]))
		return OVERRIDE_REPLACE;
	READ_ERROR(r, value, "bad-override", "an override is append or replace%s",
	           hint_for(word.bytes ? word.bytes : "", words).text);
	return OVERRIDE_NONE;
}

bool read_append(struct reader *r, const struct yaml_node *item, const char *keys, bool *append)
{
	enum presence p = read_bool(r, item, "append", append);

	if (p == PRESENT && *append)
		READ_WARN(r, yaml_get(item, "append"), "deprecated",
		          "'append' is deprecated; use override: {%s: append}", keys);
	return p != WRONG;
}
