/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the items of a rule file, key by key, as Falco's reader does. Knows the keys; what an item does to earlier
 * ones, the collection knows.
 */
#include "rules/read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rules/yaml.h"
#include "rules/yaml_limits.h"

struct reader {
	struct collection *c;
	const struct yaml_source *source;
	yaml_document_t *doc;
	size_t used; /* of READ_MAX */
};

/* An alias costs a few bytes and stands for as many as its anchor has: what is read is bounded, not only what is
 * written. Counted in bytes, with some for each node. */
enum { READ_MAX = 32 << 20, NODE_COST = 16 };

#define ERROR(r, node, code, ...) diag_add((r)->c->diags, DIAG_ERROR, yaml_pos((r)->source, (node)), code, __VA_ARGS__)
#define WARN(r, node, code, ...) diag_add((r)->c->diags, DIAG_WARNING, yaml_pos((r)->source, (node)), code, __VA_ARGS__)

/* False, with an error the first time, if that is too much. */
static bool spend(struct reader *r, const yaml_node_t *node, size_t nodes, size_t bytes)
{
	bool before = r->used > READ_MAX;

	r->used += nodes * NODE_COST + bytes;
	if (r->used > READ_MAX && !before)
		ERROR(r, node, "too-large",
		      "the file has more than %d MB with its aliases put in; split it, or use fewer of them",
		      READ_MAX >> 20);
	return r->used <= READ_MAX;
}

static size_t pairs(const yaml_node_t *map)
{
	return (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

static size_t items(const yaml_node_t *sequence)
{
	return (size_t)(sequence->data.sequence.items.top - sequence->data.sequence.items.start);
}

/* Scalars */

enum presence { ABSENT, PRESENT, WRONG };

static enum presence read_node_text(struct reader *r, const yaml_node_t *node, struct text *out)
{
	if (node->type != YAML_SCALAR_NODE) {
		ERROR(r, node, "bad-value", "expected a single value here, not %s", yaml_kind(node));
		return WRONG;
	}
	if (!spend(r, node, 1, node->data.scalar.length))
		return WRONG;
	int error = yaml_text(out, r->source, node, &r->c->arena);

	if (error == -ENOMEM)
		r->c->out_of_memory = true;
	else if (error)
		ERROR(r, node, "too-large", "the value is longer than %d bytes; split it", FILTER_MAX_TEXT);
	else if (memchr(out->bytes, '\0', out->len))
		ERROR(r, node, "bad-value", "a zero byte in the value; remove it");
	else
		return PRESENT;
	return WRONG;
}

/* A key whose value must not be empty. */
static enum presence read_text(struct reader *r, const yaml_node_t *item, const char *key, struct text *out)
{
	const yaml_node_t *node = yaml_get(r->doc, item, key);

	if (!node)
		return ABSENT;
	if (yaml_is_null(node) || (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)) {
		ERROR(r, node, "bad-value", "the value of '%s' is empty; write one or remove the key", key);
		return WRONG;
	}
	return read_node_text(r, node, out);
}

static bool require_text(struct reader *r, const yaml_node_t *item, const char *key, struct text *out)
{
	enum presence p = read_text(r, item, key, out);

	if (p == ABSENT)
		ERROR(r, item, "missing-key", "the item has no '%s'; add it", key);
	return p == PRESENT;
}

static enum presence read_bool(struct reader *r, const yaml_node_t *item, const char *key, bool *out)
{
	static const char *const yes[] = {"true", "yes", "on", "y"}, *const no[] = {"false", "no", "off", "n"};
	struct text t;
	enum presence p = read_text(r, item, key, &t);

	if (p != PRESENT)
		return p;
	for (size_t i = 0; i < 4; i++) {
		if (strcasecmp(t.bytes, yes[i]) == 0 || strcasecmp(t.bytes, no[i]) == 0) {
			*out = strcasecmp(t.bytes, yes[i]) == 0;
			return PRESENT;
		}
	}
	ERROR(r, yaml_get(r->doc, item, key), "bad-value", "'%s' must be true or false", key);
	return WRONG;
}

/* A sequence of single values into the arena. */
static enum presence read_texts(struct reader *r, const yaml_node_t *item, const char *key, struct text **out,
                                size_t *n)
{
	yaml_node_t *node = yaml_get(r->doc, item, key);

	if (!node)
		return ABSENT;
	if (node->type != YAML_SEQUENCE_NODE) {
		ERROR(r, node, "bad-value", "'%s' must be a sequence, [a, b], not %s", key, yaml_kind(node));
		return WRONG;
	}
	size_t count = items(node);

	if (!spend(r, node, count, 0))
		return WRONG;
	struct text *texts = collection_alloc(r->c, (count + 1) * sizeof(*texts));

	if (!texts)
		return WRONG;
	for (size_t i = 0; i < count; i++) {
		const yaml_node_t *v = yaml_document_get_node(r->doc, node->data.sequence.items.start[i]);

		if (read_node_text(r, v, &texts[i]) != PRESENT)
			return WRONG;
	}
	*out = texts;
	*n = count;
	return PRESENT;
}

/* Keys */

/* The key's place among `keys` (at most 32, NULL at their end); that of the NULL if it is none of them. */
static size_t key_index(const char *key, const char *const *keys)
{
	size_t i = 0;

	while (keys[i] && strcmp(key, keys[i]) != 0)
		i++;
	return i;
}

/* Falco ignores keys that it does not know, and takes the first of two; both deserve a word. */
static void check_keys(struct reader *r, yaml_node_t *item, const char *const *keys)
{
	yaml_node_pair_t *start = item->data.mapping.pairs.start, *top = item->data.mapping.pairs.top;
	uint32_t seen = 0;

	for (yaml_node_pair_t *p = start; p < top; p++) {
		const yaml_node_t *k = yaml_document_get_node(r->doc, p->key);
		const char *name = k->type == YAML_SCALAR_NODE ? (const char *)k->data.scalar.value : "";
		size_t i = key_index(name, keys);

		if (!keys[i])
			WARN(r, k, "unknown-key", "the key '%s' is not known here and has no effect", name);
		else if (seen & 1U << i)
			WARN(r, k, "duplicate-key", "the key '%s' is here for the second time; the first one counts",
			     name);
		else
			seen |= 1U << i;
	}
}

/* The name of the item and where it stands. */
static bool read_name(struct reader *r, const yaml_node_t *item, const char *key, struct definition *def)
{
	struct text name;

	if (!require_text(r, item, key, &name))
		return false;
	def->name = name.bytes;
	def->pos = text_start(&name);
	return true;
}

enum override { OVERRIDE_NONE, OVERRIDE_APPEND, OVERRIDE_REPLACE };

static enum override override_of(struct reader *r, const yaml_node_t *value)
{
	const char *word = value->type == YAML_SCALAR_NODE ? (const char *)value->data.scalar.value : "";

	if (strcmp(word, "append") == 0)
		return OVERRIDE_APPEND;
	if (strcmp(word, "replace") == 0)
		return OVERRIDE_REPLACE;
	ERROR(r, value, "bad-override", "an override is append or replace");
	return OVERRIDE_NONE;
}

/* How a list or a macro joins an earlier one: by `append: true` or by override of its one key. */
static bool read_join(struct reader *r, const yaml_node_t *item, const char *key, bool *append)
{
	yaml_node_t *override = yaml_get(r->doc, item, "override");
	enum presence p = read_bool(r, item, "append", append);

	if (p == WRONG)
		return false;
	if (p == PRESENT && *append)
		WARN(r, yaml_get(r->doc, item, "append"), "deprecated",
		     "'append' is deprecated; use override: {%s: append}", key);
	if (!override)
		return true;
	if (*append || override->type != YAML_MAPPING_NODE) {
		ERROR(r, override, "bad-override",
		      *append ? "use either append or override, not both"
		              : "override must be a mapping from key to append or replace");
		return false;
	}
	for (yaml_node_pair_t *o = override->data.mapping.pairs.start; o < override->data.mapping.pairs.top; o++) {
		const yaml_node_t *k = yaml_document_get_node(r->doc, o->key);
		enum override how = override_of(r, yaml_document_get_node(r->doc, o->value));

		if (how == OVERRIDE_NONE)
			return false;
		if (k->type != YAML_SCALAR_NODE || strcmp((const char *)k->data.scalar.value, key) != 0) {
			ERROR(r, k, "bad-override", "only '%s' can be overridden here", key);
			return false;
		}
		*append = how == OVERRIDE_APPEND;
	}
	return true;
}

/* Lists and macros */

static void read_list(struct reader *r, yaml_node_t *item)
{
	static const char *const keys[] = {"list", "items", "append", "override", NULL};
	struct list_def *l = collection_alloc(r->c, sizeof(*l));
	bool append = false;

	if (!l || !read_name(r, item, "list", &l->def))
		return;
	check_keys(r, item, keys);
	enum presence p = read_texts(r, item, "items", &l->items, &l->nitems);

	if (p == ABSENT)
		ERROR(r, item, "missing-key", "the list '%s' has no items; add items: [a, b]", l->def.name);
	l->def.broken = p != PRESENT || !read_join(r, item, "items", &append);
	if (append)
		collection_append_list(r->c, l);
	else
		collection_define_list(r->c, l);
}

static void read_macro(struct reader *r, yaml_node_t *item)
{
	static const char *const keys[] = {"macro", "condition", "append", "override", NULL};
	struct macro_def *m = collection_alloc(r->c, sizeof(*m));
	bool append = false;

	if (!m || !read_name(r, item, "macro", &m->def))
		return;
	check_keys(r, item, keys);
	m->def.broken = !require_text(r, item, "condition", &m->condition);
	m->def.broken |= !read_join(r, item, "condition", &append);
	if (append)
		collection_append_macro(r->c, m);
	else
		collection_define_macro(r->c, m);
}

/* Exceptions */

enum { EXCEPTION_DEPTH = 3 }; /* values > value > one field's list */

/* They are compared with one another. */
enum { EXCEPTIONS_MAX = 1000, TAGS_MAX = 1000 };

static bool read_entry(struct reader *r, const yaml_node_t *node, struct exception_entry *out, int depth)
{
	out->given = true;
	out->pos = yaml_pos(r->source, node);
	if (node->type != YAML_SEQUENCE_NODE)
		return read_node_text(r, node, &out->item) == PRESENT;
	if (depth == 0) {
		ERROR(r, node, "bad-exception", "exception values cannot be nested deeper");
		return false;
	}
	size_t n = items(node);

	if (!spend(r, node, n, 0))
		return false;
	out->is_list = true;
	out->items = collection_alloc(r->c, (n + 1) * sizeof(*out->items));
	for (; out->items && out->nitems < n; out->nitems++) {
		const yaml_node_t *v = yaml_document_get_node(r->doc, node->data.sequence.items.start[out->nitems]);

		if (!read_entry(r, v, &out->items[out->nitems], depth - 1))
			return false;
	}
	return out->items != NULL;
}

static bool read_exception_values(struct reader *r, const yaml_node_t *item, struct exception *ex)
{
	const yaml_node_t *node = yaml_get(r->doc, item, "values");
	struct exception_entry all = {0};

	if (!node)
		return true;
	if (node->type != YAML_SEQUENCE_NODE) {
		ERROR(r, node, "bad-exception", "values must be a sequence, not %s", yaml_kind(node));
		return false;
	}
	if (!read_entry(r, node, &all, EXCEPTION_DEPTH))
		return false;
	ex->values = all.items;
	ex->nvalues = all.nitems;
	return true;
}

static bool read_exception(struct reader *r, yaml_node_t *node, struct exception *ex)
{
	static const char *const keys[] = {"name", "fields", "comps", "values", NULL};
	struct definition def;

	if (node->type != YAML_MAPPING_NODE) {
		ERROR(r, node, "bad-exception", "an exception must be a mapping with name, fields, comps and values");
		return false;
	}
	if (!read_name(r, node, "name", &def))
		return false;
	check_keys(r, node, keys);
	ex->name = def.name;
	ex->pos = def.pos;
	const yaml_node_t *fields = yaml_get(r->doc, node, "fields"), *comps = yaml_get(r->doc, node, "comps");

	return (!fields || read_entry(r, fields, &ex->fields, 1)) && (!comps || read_entry(r, comps, &ex->comps, 1)) &&
	       read_exception_values(r, node, ex);
}

static bool read_exceptions(struct reader *r, const yaml_node_t *item, struct rule_fields *f)
{
	yaml_node_t *node = yaml_get(r->doc, item, "exceptions");

	if (yaml_is_null(node))
		return true;
	if (node->type != YAML_SEQUENCE_NODE) {
		ERROR(r, node, "bad-exception", "exceptions must be a sequence, not %s", yaml_kind(node));
		return false;
	}
	size_t n = items(node);

	if (n > EXCEPTIONS_MAX) {
		ERROR(r, node, "too-large", "more than %d exceptions of one rule; join them: one takes many values",
		      EXCEPTIONS_MAX);
		return false;
	}
	f->exceptions = collection_alloc(r->c, (n + 1) * sizeof(*f->exceptions));
	for (; f->exceptions && f->nexceptions < n; f->nexceptions++) {
		yaml_node_t *v = yaml_document_get_node(r->doc, node->data.sequence.items.start[f->nexceptions]);
		struct exception *ex = &f->exceptions[f->nexceptions];

		if (!read_exception(r, v, ex))
			return false;
		for (size_t i = 0; i < f->nexceptions; i++)
			if (strcmp(f->exceptions[i].name, ex->name) == 0)
				WARN(r, v, "duplicate-key", "the rule has two exceptions named '%s'", ex->name);
	}
	return f->exceptions != NULL;
}

/* Rules */

bool read_priority(const char *name, enum rule_priority *out)
{
	for (enum rule_priority p = 0; p < RULE_PRIORITIES; p++) {
		if (strcasecmp(name, rule_priority_name(p)) == 0 ||
		    (p == RULE_INFORMATIONAL && strcasecmp(name, "info") == 0)) {
			*out = p;
			return true;
		}
	}
	return false;
}

enum key_use { USE_REQUIRED = 1, USE_APPEND = 2, USE_REPLACE = 4 };

static const struct {
	const char *name;
	unsigned int use;
} rule_keys[RULE_KEYS] = {
        [KEY_CONDITION] = {"condition", USE_REQUIRED | USE_APPEND | USE_REPLACE},
        [KEY_OUTPUT] = {"output", USE_REQUIRED | USE_APPEND | USE_REPLACE},
        [KEY_DESC] = {"desc", USE_REQUIRED | USE_APPEND | USE_REPLACE},
        [KEY_PRIORITY] = {"priority", USE_REQUIRED | USE_REPLACE},
        [KEY_TAGS] = {"tags", USE_APPEND | USE_REPLACE},
        [KEY_EXCEPTIONS] = {"exceptions", USE_APPEND | USE_REPLACE},
        [KEY_ENABLED] = {"enabled", USE_REPLACE},
        [KEY_WARN_EVTTYPES] = {"warn_evttypes", USE_REPLACE},
        [KEY_SKIP_UNKNOWN] = {"skip-if-unknown-filter", USE_REPLACE},
        [KEY_CAPTURE] = {"capture", USE_REPLACE},
        [KEY_CAPTURE_DURATION] = {"capture_duration", USE_REPLACE},
};

static bool read_rule_priority(struct reader *r, const yaml_node_t *item, struct rule_fields *f)
{
	struct text t;

	if (!require_text(r, item, "priority", &t))
		return false;
	if (read_priority(t.bytes, &f->priority))
		return true;
	ERROR(r, yaml_get(r->doc, item, "priority"), "bad-value",
	      "unknown priority '%s'; use EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFORMATIONAL or DEBUG",
	      t.bytes);
	return false;
}

static bool read_tags(struct reader *r, const yaml_node_t *item, struct rule_fields *f)
{
	struct text *tags = NULL;

	if (read_texts(r, item, "tags", &tags, &f->ntags) != PRESENT)
		return false;
	if (f->ntags > TAGS_MAX) {
		ERROR(r, yaml_get(r->doc, item, "tags"), "too-large", "more than %d tags of one rule; remove some",
		      TAGS_MAX);
		return false;
	}
	f->tags = collection_alloc(r->c, (f->ntags + 1) * sizeof(*f->tags));
	for (size_t i = 0; f->tags && i < f->ntags; i++)
		f->tags[i] = tags[i].bytes;
	return f->tags != NULL;
}

static bool ignore_capture(struct reader *r, const yaml_node_t *item, const char *key)
{
	WARN(r, yaml_get(r->doc, item, key), "ignored-key", "'%s' is for Falco; Tercel records no captures", key);
	return true;
}

/* Reads a key that is there. */
static bool read_rule_key(struct reader *r, const yaml_node_t *item, enum rule_key key, struct rule_fields *f)
{
	const char *name = rule_keys[key].name;

	f->given |= 1U << key;
	switch (key) {
	case KEY_CONDITION:
		return require_text(r, item, name, &f->condition);
	case KEY_OUTPUT:
		return require_text(r, item, name, &f->output);
	case KEY_DESC:
		return require_text(r, item, name, &f->desc);
	case KEY_PRIORITY:
		return read_rule_priority(r, item, f);
	case KEY_TAGS:
		return read_tags(r, item, f);
	case KEY_EXCEPTIONS:
		return read_exceptions(r, item, f);
	case KEY_ENABLED:
		return read_bool(r, item, name, &f->enabled) == PRESENT;
	case KEY_WARN_EVTTYPES:
		return read_bool(r, item, name, &f->warn_evttypes) == PRESENT;
	case KEY_SKIP_UNKNOWN:
		return read_bool(r, item, name, &f->skip_unknown) == PRESENT;
	case KEY_CAPTURE:
	case KEY_CAPTURE_DURATION:
		return ignore_capture(r, item, name);
	case RULE_KEYS:
		break;
	}
	return false;
}

/* Reads those of `keys` (bits) that are there; reports all that is wrong. */
static bool read_rule_keys(struct reader *r, const yaml_node_t *item, unsigned int keys, struct rule_fields *f)
{
	bool ok = true;

	for (enum rule_key k = 0; k < RULE_KEYS; k++)
		if ((keys & (1U << k)) && yaml_get(r->doc, item, rule_keys[k].name))
			ok &= read_rule_key(r, item, k, f);
	return ok;
}

static unsigned int keys_there(struct reader *r, const yaml_node_t *item)
{
	unsigned int there = 0;

	for (enum rule_key k = 0; k < RULE_KEYS; k++)
		if (yaml_get(r->doc, item, rule_keys[k].name))
			there |= 1U << k;
	return there;
}

static bool key_by_name(const char *name, enum rule_key *out)
{
	for (enum rule_key k = 0; k < RULE_KEYS; k++) {
		if (strcmp(name, rule_keys[k].name) == 0) {
			*out = k;
			return true;
		}
	}
	return false;
}

/* One line of a rule's override; adds its key to append or replace. */
static bool read_override_line(struct reader *r, const yaml_node_pair_t *line, unsigned int there, unsigned int *append,
                               unsigned int *replace)
{
	const yaml_node_t *k = yaml_document_get_node(r->doc, line->key);
	enum override how = override_of(r, yaml_document_get_node(r->doc, line->value));
	const char *name = k->type == YAML_SCALAR_NODE ? (const char *)k->data.scalar.value : "";
	enum rule_key key;

	if (how == OVERRIDE_NONE)
		return false;
	bool known = key_by_name(name, &key);
	unsigned int use = how == OVERRIDE_APPEND ? USE_APPEND : USE_REPLACE;

	if (!known || !(rule_keys[key].use & use)) {
		ERROR(r, k, "bad-override", "'%s' cannot be %s%s", name,
		      how == OVERRIDE_APPEND ? "appended to" : "replaced",
		      known && how == OVERRIDE_APPEND ? "; use replace" : "");
		return false;
	}
	if (!(there & (1U << key))) {
		ERROR(r, k, "bad-override", "'%s' is overridden but the item has no '%s'; add it", name, name);
		return false;
	}
	*(how == OVERRIDE_APPEND ? append : replace) |= 1U << key;
	return true;
}

static bool read_overrides(struct reader *r, yaml_node_t *override, unsigned int there, unsigned int *append,
                           unsigned int *replace)
{
	bool ok = true;

	if (override->type != YAML_MAPPING_NODE) {
		ERROR(r, override, "bad-override", "override must be a mapping from key to append or replace, not %s",
		      yaml_kind(override));
		return false;
	}
	if (!spend(r, override, pairs(override), 0))
		return false;
	for (yaml_node_pair_t *p = override->data.mapping.pairs.start; p < override->data.mapping.pairs.top; p++)
		ok &= read_override_line(r, p, there, append, replace);
	return ok;
}

static void update_rule(struct reader *r, yaml_node_t *item, const struct rule_def *rule, unsigned int keys,
                        bool (*apply)(struct collection *, const struct rule_def *))
{
	struct rule_def update = *rule;

	if (!keys)
		return;
	update.def.broken = !read_rule_keys(r, item, keys, &update.fields);
	struct rule_def *old = collection_rule(r->c, rule->def.name);

	if (update.def.broken || !apply(r->c, &update))
		if (old)
			old->def.broken = true;
}

static void override_rule(struct reader *r, yaml_node_t *item, const struct rule_def *rule, yaml_node_t *override)
{
	unsigned int there = keys_there(r, item), append = 0, replace = 0;
	bool ok = read_overrides(r, override, there, &append, &replace);

	for (enum rule_key k = 0; k < RULE_KEYS; k++) {
		const yaml_node_t *value = yaml_get(r->doc, item, rule_keys[k].name);

		if (ok && value && !((append | replace) & (1U << k))) {
			ERROR(r, value, "bad-override",
			      "'%s' is here but not under override; add it there: append or replace",
			      rule_keys[k].name);
			ok = false;
		}
	}
	if (!ok) {
		struct rule_def *old = collection_rule(r->c, rule->def.name);

		if (old)
			old->def.broken = true;
		return;
	}
	update_rule(r, item, rule, append, collection_append_rule);
	update_rule(r, item, rule, replace, collection_replace_rule);
}

/* The old way to switch an earlier rule on or off: a rule with nothing but enabled. */
static void enable_rule(struct reader *r, yaml_node_t *item, const struct rule_def *rule)
{
	struct rule_def *old = collection_rule(r->c, rule->def.name);
	bool enabled = true;
	enum presence p = read_bool(r, item, "enabled", &enabled);

	if (p == ABSENT)
		ERROR(r, item, "missing-key", "the rule '%s' has no condition, output, desc or priority; add them",
		      rule->def.name);
	if (p != PRESENT)
		return;
	WARN(r, yaml_get(r->doc, item, "enabled"), "deprecated",
	     "a rule with nothing but 'enabled' is deprecated; use override: {enabled: replace}");
	if (old)
		old->fields.enabled = enabled;
	else
		diag_add(r->c->diags, DIAG_ERROR, rule->def.pos, "no-such-rule",
		         "there is no rule '%s' to switch; define it before", rule->def.name);
}

static void define_rule(struct reader *r, yaml_node_t *item, struct rule_def *rule)
{
	bool ok = read_rule_keys(r, item, (1U << RULE_KEYS) - 1, &rule->fields);

	for (enum rule_key k = 0; k < RULE_KEYS; k++) {
		if ((rule_keys[k].use & USE_REQUIRED) && !(rule->fields.given & (1U << k))) {
			ERROR(r, item, "missing-key", "the rule '%s' has no '%s'; add it", rule->def.name,
			      rule_keys[k].name);
			ok = false;
		}
	}
	if (!*rule->source)
		rule->source = "syscall";
	rule->known_source = strcmp(rule->source, "syscall") == 0;
	if (!rule->known_source)
		diag_add(r->c->diags, DIAG_WARNING, rule->def.pos, "other-source",
		         "the rule '%s' is for the source %s, which is not system calls; it is kept but not checked",
		         rule->def.name, rule->source);
	for (size_t i = 0; ok && i < rule->fields.nexceptions; i++)
		ok = exception_check(r->c, &rule->fields.exceptions[i], rule->known_source);
	rule->def.broken = !ok;
	collection_define_rule(r->c, rule);
}

/* A source may be empty; NULL if it is wrong. */
static const char *read_source(struct reader *r, const yaml_node_t *item)
{
	const yaml_node_t *node = yaml_get(r->doc, item, "source");
	struct text t;

	if (!node || yaml_is_null(node))
		return "";
	return read_node_text(r, node, &t) == PRESENT ? t.bytes : NULL;
}

static bool bare_enable(unsigned int there)
{
	for (enum rule_key k = 0; k < RULE_KEYS; k++)
		if ((rule_keys[k].use & USE_REQUIRED) && (there & (1U << k)))
			return false;
	return true;
}

static void read_rule(struct reader *r, yaml_node_t *item)
{
	static const char *const keys[] = {
	        "rule",     "condition",  "output",           "desc", "priority",      "source",
	        "enabled",  "capture",    "capture_duration", "tags", "warn_evttypes", "skip-if-unknown-filter",
	        "override", "exceptions", "append",           NULL};
	struct rule_def *rule = collection_alloc(r->c, sizeof(*rule));
	yaml_node_t *override = yaml_get(r->doc, item, "override");
	bool append = false;

	if (!rule || !read_name(r, item, "rule", &rule->def))
		return;
	check_keys(r, item, keys);
	rule->fields.enabled = rule->fields.warn_evttypes = true;
	rule->known_source = true;
	rule->source = read_source(r, item);
	if (!rule->source || read_bool(r, item, "append", &append) == WRONG)
		return;
	if (append)
		WARN(r, yaml_get(r->doc, item, "append"), "deprecated",
		     "'append' is deprecated; use override: {condition: append}");
	if (append && override)
		ERROR(r, override, "bad-override", "use either append or override, not both");
	else if (override)
		override_rule(r, item, rule, override);
	else if (append)
		update_rule(r, item, rule, (1U << KEY_CONDITION) | (1U << KEY_EXCEPTIONS), collection_append_rule);
	else if (bare_enable(keys_there(r, item)))
		enable_rule(r, item, rule);
	else
		define_rule(r, item, rule);
}

/* Requirements */

/* Falco 0.44's engine, whose rule language this is. */
enum { ENGINE_MAJOR = 0, ENGINE_MINOR = 62, ENGINE_PATCH = 0 };

static bool parse_version(const char *text, unsigned int v[3])
{
	char rest;

	return sscanf(text, "%9u.%9u.%9u%c", &v[0], &v[1], &v[2], &rest) >= 3;
}

static void read_engine_version(struct reader *r, yaml_node_t *item)
{
	static const char *const keys[] = {"required_engine_version", NULL};
	const yaml_node_t *node = yaml_get(r->doc, item, keys[0]);
	unsigned int v[3] = {0};
	struct text t;
	char rest;

	check_keys(r, item, keys);
	if (!require_text(r, item, keys[0], &t))
		return;
	/* A plain number is the minor version, from the time before versions had three parts. */
	if (sscanf(t.bytes, "%9u%c", &v[1], &rest) != 1 && !parse_version(t.bytes, v)) {
		ERROR(r, node, "engine-version", "'%s' is no version; write a number or three, such as 0.57.0",
		      t.bytes);
		return;
	}
	if (v[0] != ENGINE_MAJOR || v[1] > ENGINE_MINOR || (v[1] == ENGINE_MINOR && v[2] > ENGINE_PATCH))
		ERROR(r, node, "engine-version",
		      "the rules need Falco's engine %u.%u.%u, this one reads the language of %d.%d.%d (Falco 0.44); "
		      "use older rules "
		      "or a newer Tercel",
		      v[0], v[1], v[2], ENGINE_MAJOR, ENGINE_MINOR, ENGINE_PATCH);
}

static void read_plugin(struct reader *r, const yaml_node_t *plugin)
{
	unsigned int v[3];
	struct text name, version;

	if (plugin->type != YAML_MAPPING_NODE) {
		ERROR(r, plugin, "bad-item", "a required plugin must be a mapping with name and version");
		return;
	}
	if (!require_text(r, plugin, "name", &name) || !require_text(r, plugin, "version", &version))
		return;
	if (!parse_version(version.bytes, v))
		ERROR(r, yaml_get(r->doc, plugin, "version"), "bad-value",
		      "'%s' is no version; write three numbers, such as 0.4.0", version.bytes);
}

static void read_plugins(struct reader *r, const yaml_node_t *list, const char *key)
{
	if (list->type != YAML_SEQUENCE_NODE) {
		ERROR(r, list, "bad-item", "%s must be a sequence, not %s", key, yaml_kind(list));
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++) {
		if (!spend(r, list, 1, 0))
			return;
		const yaml_node_t *plugin = yaml_document_get_node(r->doc, *i);
		const yaml_node_t *others = yaml_get(r->doc, plugin, "alternatives");

		read_plugin(r, plugin);
		if (others && others->type != YAML_SEQUENCE_NODE)
			ERROR(r, others, "bad-item", "alternatives must be a sequence, not %s", yaml_kind(others));
		for (yaml_node_item_t *o =
		             others && others->type == YAML_SEQUENCE_NODE ? others->data.sequence.items.start : NULL;
		     o && o < others->data.sequence.items.top; o++)
			read_plugin(r, yaml_document_get_node(r->doc, *o));
	}
}

/* Items */

static void read_item(struct reader *r, yaml_node_t *item)
{
	const yaml_node_t *plugins;

	if (yaml_is_null(item))
		return;
	if (item->type != YAML_MAPPING_NODE) {
		ERROR(r, item, "bad-item", "expected a mapping that starts with rule, macro or list, not %s",
		      yaml_kind(item));
		return;
	}
	if (!spend(r, item, pairs(item), 0))
		return;
	plugins = yaml_get(r->doc, item, "required_plugin_versions");
	if (yaml_get(r->doc, item, "required_engine_version"))
		read_engine_version(r, item);
	else if (plugins)
		read_plugins(r, plugins, "required_plugin_versions");
	else if (yaml_get(r->doc, item, "list"))
		read_list(r, item);
	else if (yaml_get(r->doc, item, "macro"))
		read_macro(r, item);
	else if (yaml_get(r->doc, item, "rule"))
		read_rule(r, item);
	else
		WARN(r, item, "unknown-item", "the item is no rule, macro or list and has no effect");
}

static void read_document(struct reader *r)
{
	yaml_node_t *root = yaml_document_get_root_node(r->doc);

	if (!root || yaml_is_null(root))
		return;
	if (root->type != YAML_SEQUENCE_NODE) {
		ERROR(r, root, "bad-item", "a rule file must be a sequence of items (- rule: …), not %s",
		      yaml_kind(root));
		return;
	}
	for (yaml_node_item_t *i = root->data.sequence.items.start; i < root->data.sequence.items.top; i++)
		read_item(r, yaml_document_get_node(r->doc, *i));
}

static void report_yaml(struct collection *c, const struct yaml_source *source, const yaml_parser_t *parser)
{
	struct source_pos pos;

	if (parser->error == YAML_MEMORY_ERROR) {
		c->out_of_memory = true;
		return;
	}
	pos = parser->error == YAML_READER_ERROR ? yaml_offset_pos(source, parser->problem_offset)
	                                         : yaml_mark_pos(source, &parser->problem_mark);
	diag_add(c->diags, DIAG_ERROR, pos, "yaml",
	         "the YAML is malformed: %s%s%s; correct it here or in the lines before",
	         parser->problem ? parser->problem : "cannot be read", parser->context ? " " : "",
	         parser->context ? parser->context : "");
}

static bool check_limits(struct collection *c, const struct yaml_source *source, const char *bytes, size_t len)
{
	struct yaml_excess excess;
	int r = yaml_check_limits(bytes, len, YAML_UTF8_ENCODING, &excess);

	if (r == -ENOMEM)
		c->out_of_memory = true;
	else if (r)
		diag_add(c->diags, DIAG_ERROR, yaml_mark_pos(source, &excess.mark), excess.code, "%s", excess.message);
	return r == 0;
}

void read_rules(struct collection *c, const char *file, const char *bytes, size_t len)
{
	_autoyaml_ struct yaml_source source = {0};
	yaml_parser_t parser;
	yaml_document_t doc;

	if (yaml_source_init(&source, file, bytes, len) || !yaml_parser_initialize(&parser)) {
		c->out_of_memory = true;
		return;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	/* The encoding is given, so libyaml does not step over a byte order mark itself. */
	size_t start = source.lines[0];

	if (!check_limits(c, &source, bytes + start, len - start)) {
		yaml_parser_delete(&parser);
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes + start, len - start);
	struct reader reader = {.c = c, .source = &source};

	for (bool more = true; more;) {
		if (!yaml_parser_load(&parser, &doc)) {
			report_yaml(c, &source, &parser);
			break;
		}
		more = yaml_document_get_root_node(&doc) != NULL;
		reader.doc = &doc;
		read_document(&reader);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
}
