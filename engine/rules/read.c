/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the items of a rule file, key by key, as Falco's reader does: lists, macros and requirements; rules are read
 * next door. Knows the keys; what an item does to earlier ones, the collection knows.
 */
#include "rules/read.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "rules/decode.h"
#include "rules/reader.h"

/* Lists and macros */

/* How a list or a macro joins an earlier one: by `append: true` or by override of its one key. */
static bool read_join(struct reader *r, const struct yaml_node *item, const char *only, bool *append)
{
	const struct yaml_node *override = yaml_get(item, "override");
	const char *const names[] = {only, NULL};
	size_t lines;

	if (!read_append(r, item, only, append) || !read_override_lines(r, item, &lines))
		return false;
	if (*append && lines) {
		READ_ERROR(r, override, "bad-override", "use either append or override, not both");
		return false;
	}
	for (size_t i = 0; i < lines; i++) {
		const char *key;
		enum override how = read_override(r, override, i, &key);

		if (how == OVERRIDE_NONE)
			return false;
		if (strcmp(key, only) != 0) {
			READ_ERROR(r, override->items[2 * i], "bad-override", "only '%s' can be overridden here%s",
			           only, hint_for(key, names).text);
			return false;
		}
		*append |= how == OVERRIDE_APPEND;
	}
	return true;
}

static bool is_one_of(char c, const char *set)
{
	return strchr(set, c) != NULL;
}

/* What the condition language takes for a name: others are never found in a condition, or not as one. */
static bool is_list_name(const char *name)
{
	if (!text_is_utf8(name, strlen(name)))
		return false;
	while (*name && !is_one_of(*name, "()\"'=, \t\n\v\f\r"))
		name++;
	return *name == '\0';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_macro_name(const char *name)
{
	if (!is_letter(*name))
		return false;
	while (is_letter(*name) || (*name >= '0' && *name <= '9') || *name == '_')
		name++;
	return *name == '\0';
}

static void read_list(struct reader *r, const struct yaml_node *item)
{
	static const char *const keys[] = {"list", "items", "append", "override", NULL};
	struct list_def *l = collection_alloc(r->c, sizeof(*l));
	bool append = false;

	if (!l || !read_name(r, item, "list", &l->def))
		return;
	if (!is_list_name(l->def.name))
		COLLECT_WARN(r->c, l->def.place, "invalid-name",
		             "a list's name should be UTF-8 without blanks, quotes, commas, parentheses and =");
	bool ok = read_check_keys(r, item, keys);
	enum presence p = read_texts(r, item, "items", &l->items, &l->nitems);

	if (p == ABSENT)
		READ_ERROR(r, item, "missing-key", "the list '%s' has no items; add items: [a, b]", l->def.name);
	l->def.broken = !read_join(r, item, "items", &append) || !ok || p != PRESENT;
	if (append)
		collection_append_list(r->c, l);
	else
		collection_define_list(r->c, l);
}

static void read_macro(struct reader *r, const struct yaml_node *item)
{
	static const char *const keys[] = {"macro", "condition", "append", "override", NULL};
	struct macro_def *m = collection_alloc(r->c, sizeof(*m));
	bool append = false;

	if (!m || !read_name(r, item, "macro", &m->def))
		return;
	if (!is_macro_name(m->def.name))
		COLLECT_WARN(r->c, m->def.place, "invalid-name",
		             "no condition can use a macro of this name; use letters, digits and _, a letter first");
	bool ok = read_check_keys(r, item, keys);

	ok &= require_text(r, item, "condition", &m->condition);
	m->def.broken = !read_join(r, item, "condition", &append) || !ok;
	if (append)
		collection_append_macro(r->c, m);
	else
		collection_define_macro(r->c, m);
}

/* Requirements */

/* Falco 0.44's engine, whose rule language this is. */
static const struct version engine = {0, 62, 0};

static void read_engine_version(struct reader *r, const struct yaml_node *item)
{
	static const char *const keys[] = {"required_engine_version", NULL};
	struct version v = {0};
	struct text t;

	(void)read_check_keys(r, item, keys);
	if (!require_text(r, item, keys[0], &t))
		return;
	/* A plain number is the minor version, from the time before versions had three parts. */
	if (!decode_uint(t.bytes, &v.minor) && !decode_version(t.bytes, &v)) {
		READ_ERROR(r, yaml_get(item, keys[0]), "engine-version",
		           "'%s' is no version; write a number or three, such as 0.57.0", t.bytes);
		return;
	}
	if (v.major != engine.major || version_compare(&v, &engine) > 0)
		READ_ERROR(r, yaml_get(item, keys[0]), "engine-version",
		           "the rules need Falco's engine %" PRIu32 ".%" PRIu32 ".%" PRIu32
		           ", this one reads the language of %" PRIu32 ".%" PRIu32 ".%" PRIu32
		           " (Falco 0.44); use older rules or a newer Tercel",
		           v.major, v.minor, v.patch, engine.major, engine.minor, engine.patch);
}

/* The plugins of which one is required. */
struct alternatives {
	const struct text *names[64];
	size_t count;
};

static void add_alternative(struct reader *r, const struct yaml_node *plugin, struct alternatives *all)
{
	const struct yaml_node *name = yaml_get(plugin, "name");

	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->names[i]->bytes, name->text.bytes) == 0)
			READ_ERROR(r, name, "bad-item", "the plugin '%s' is here twice; keep one of its versions",
			           name->text.bytes);
	if (all->count == sizeof(all->names) / sizeof(*all->names))
		READ_ERROR(r, name, "too-large", "more than %zu alternatives of one plugin; remove some", all->count);
	else
		all->names[all->count++] = &name->text;
}

/* One plugin; `keys` may have "alternatives" at their end. */
static void read_plugin(struct reader *r, const struct yaml_node *plugin, const char *const *keys,
                        struct alternatives *all)
{
	struct version v;
	struct text name, version;

	if (plugin->kind != YAML_MAPPING) {
		READ_ERROR(r, plugin, "bad-item", "a required plugin must be a mapping with name and version, not %s",
		           yaml_kind_name(plugin));
		return;
	}
	(void)read_check_keys(r, plugin, keys);
	bool named = require_text(r, plugin, "name", &name), versioned = require_text(r, plugin, "version", &version);

	if (versioned && !decode_version(version.bytes, &v))
		READ_ERROR(r, yaml_get(plugin, "version"), "bad-value",
		           "'%s' is no version; write three numbers, such as 0.4.0", version.bytes);
	if (named)
		add_alternative(r, plugin, all);
}

static void read_alternatives(struct reader *r, const struct yaml_node *plugin, struct alternatives *all)
{
	static const char *const keys[] = {"name", "version", NULL};
	const struct yaml_node *others = yaml_get(plugin, "alternatives");

	if (!others)
		return;
	if (others->kind != YAML_SEQUENCE) {
		READ_ERROR(r, others, "bad-item", "alternatives must be a sequence, not %s", yaml_kind_name(others));
		return;
	}
	for (size_t i = 0; i < others->count && read_spend(r, others, 1, 0); i++)
		read_plugin(r, others->items[i], keys, all);
}

static void read_plugins(struct reader *r, const struct yaml_node *item)
{
	static const char *const item_keys[] = {"required_plugin_versions", NULL};
	static const char *const keys[] = {"name", "version", "alternatives", NULL};
	const struct yaml_node *list = yaml_get(item, item_keys[0]);

	(void)read_check_keys(r, item, item_keys);
	if (list->kind != YAML_SEQUENCE) {
		READ_ERROR(r, list, "bad-item", "%s must be a sequence, not %s", item_keys[0], yaml_kind_name(list));
		return;
	}
	for (size_t i = 0; i < list->count && read_spend(r, list, 1, 0); i++) {
		struct alternatives all = {.count = 0};

		read_plugin(r, list->items[i], keys, &all);
		read_alternatives(r, list->items[i], &all);
	}
}

/* Items */

/* The first key that says what the item is counts, in this order. */
static const struct {
	const char *key;
	void (*read)(struct reader *r, const struct yaml_node *item);
} kinds[] = {
        {"required_engine_version", read_engine_version},
        {"required_plugin_versions", read_plugins},
        {"list", read_list},
        {"macro", read_macro},
        {"rule", read_rule},
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static void read_unknown(struct reader *r, const struct yaml_node *item)
{
	static const char *const keys[] = {
	        "rule", "macro", "list", "required_engine_version", "required_plugin_versions", NULL};
	const struct yaml_node *first = item->count ? item->items[0] : item;
	const char *word = first->kind == YAML_SCALAR ? first->text.bytes : "";

	READ_WARN(r, item, "unknown-item", "the item is no rule, macro or list and has no effect%s",
	          hint_for(word, keys).text);
	for (size_t i = 0; i < item->count; i++) {
		const struct yaml_node *k = item->items[2 * i];

		if (k->kind == YAML_SEQUENCE || k->kind == YAML_MAPPING)
			READ_ERROR(r, k, "bad-item", "a key must be a single value, not %s", yaml_kind_name(k));
	}
}

static void read_item(struct reader *r, const struct yaml_node *item)
{
	if (item->kind == YAML_NULL) {
		READ_WARN(r, item, "empty-item", "an item without content has no effect; remove the '-'");
		return;
	}
	if (item->kind != YAML_MAPPING) {
		READ_ERROR(r, item, "bad-item", "expected a mapping that starts with rule, macro or list, not %s",
		           yaml_kind_name(item));
		return;
	}
	if (!read_spend(r, item, item->count, 0))
		return;
	for (size_t i = 0; i < KINDS; i++) {
		if (yaml_get(item, kinds[i].key)) {
			kinds[i].read(r, item);
			return;
		}
	}
	read_unknown(r, item);
}

static void read_document(struct reader *r, const struct yaml_node *root)
{
	if (root->kind == YAML_SEQUENCE)
		for (size_t i = 0; i < root->count; i++)
			read_item(r, root->items[i]);
	else
		READ_ERROR(r, root, "bad-item", "a rule file must be a sequence of items (- rule: …), not %s",
		           yaml_kind_name(root));
}

static void report_yaml(struct reader *r, const struct yaml_error *e)
{
	r->c->incomplete = true;
	COLLECT_ERROR(r->c, ((struct text_place){r->source, (uint32_t)e->offset}), e->code, "%s", e->message);
}

/* What Falco passes over in silence. */
static void warn_ignored(struct reader *r, struct yaml_stream *y)
{
	size_t offset;

	if (yaml_has_rest(y, &offset))
		COLLECT_WARN(r->c, ((struct text_place){r->source, (uint32_t)offset}), "ignored-document",
		             "Falco reads no document behind an empty one: all from here on has no effect; remove the "
		             "empty document (---)");
}

void read_rules(struct collection *c, const struct source_text *source)
{
	struct reader r = {.c = c, .source = source};
	_cleanup_(arena_free) struct arena nodes = {0};
	_autoyaml_ struct yaml_stream y;
	struct yaml_node *root = NULL;
	int more;

	yaml_begin(&y, source, &c->arena, &nodes);
	while ((more = yaml_next(&y, &root)) == 1) {
		read_document(&r, root);
		arena_free(&nodes);
	}
	if (more == -ENOMEM)
		c->out_of_memory = true;
	if (more == -EINVAL) {
		report_yaml(&r, &y.error);
		if (root)
			read_document(&r, root);
	}
	if (more == 0)
		warn_ignored(&r, &y);
}
