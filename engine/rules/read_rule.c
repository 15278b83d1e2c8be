/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the items that start with `rule`: definitions, overrides, exceptions, and the old ways to change a rule. Knows
 * the keys, and no conditions.
 */
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "rules/decode.h"
#include "rules/reader.h"

/* Exceptions */

enum { EXCEPTION_DEPTH = 3 }; /* values > value > one field's list */

/* They are compared with one another. */
enum { EXCEPTIONS_MAX = 1000, TAGS_MAX = 1000 };

/* What is no single value and no list is nothing for Falco, and so is what is nested too deep. */
static bool read_entry(struct reader *r, const struct yaml_node *node, struct exception_entry *out, int depth)
{
	out->place = node_place(r, node);
	if (node->kind == YAML_SCALAR) {
		if (node->text.len == 0) {
			READ_ERROR(r, node, "bad-exception", "an empty value; write one or remove it");
			return false;
		}
		return read_node_text(r, node, &out->item) == PRESENT;
	}
	if (node->kind != YAML_SEQUENCE || depth == 0) {
		READ_WARN(r, node, "ignored-value",
		          "%s has no meaning here, Falco takes it for an empty text; remove it", yaml_kind_name(node));
		out->is_list = node->kind == YAML_SEQUENCE;
		return true;
	}
	if (!read_spend(r, node, node->count, 0))
		return false;
	out->is_list = true;
	out->items = collection_alloc(r->c, (node->count + 1) * sizeof(*out->items));
	for (; out->items && out->nitems < node->count; out->nitems++)
		if (!read_entry(r, node->items[out->nitems], &out->items[out->nitems], depth - 1))
			return false;
	return out->items != NULL;
}

/* A key of an exception that may be missing, or have nothing in it. */
static bool read_part(struct reader *r, const struct yaml_node *node, const char *key, struct exception_entry *out)
{
	const struct yaml_node *part = yaml_get(node, key);

	return !part || part->kind == YAML_NULL || read_entry(r, part, out, 1);
}

/* What an exception is read for: an update by `append` may leave fields out. */
enum exception_use { EXCEPTION_WHOLE, EXCEPTION_APPENDED };

static bool read_values(struct reader *r, const struct yaml_node *node, enum exception_use use, struct exception *ex)
{
	const struct yaml_node *values = yaml_get(node, "values");
	struct exception_entry all = {0};

	if (!values) {
		if (use == EXCEPTION_APPENDED)
			COLLECT_WARN(r->c, ex->place, "no-values",
			             "an exception is extended by no values; add values: [...], or remove it");
		return true;
	}
	if (values->kind != YAML_SEQUENCE) {
		READ_ERROR(r, values, "bad-exception", "values must be a sequence, not %s", yaml_kind_name(values));
		return false;
	}
	if (!read_entry(r, values, &all, EXCEPTION_DEPTH))
		return false;
	ex->values = all.items;
	ex->nvalues = all.nitems;
	return true;
}

static bool read_exception(struct reader *r, const struct yaml_node *node, enum exception_use use, struct exception *ex)
{
	static const char *const keys[] = {"name", "fields", "comps", "values", NULL};
	struct text name;

	if (node->kind != YAML_MAPPING) {
		READ_ERROR(r, node, "bad-exception",
		           "an exception must be a mapping with name, fields, comps and values, not %s",
		           yaml_kind_name(node));
		return false;
	}
	if (!require_text(r, node, "name", &name))
		return false;
	ex->name = name.bytes;
	ex->place = text_start(&name);
	bool ok = read_check_keys(r, node, keys);

	if (use == EXCEPTION_WHOLE && !yaml_get(node, "fields")) {
		COLLECT_ERROR(r->c, ex->place, "bad-exception",
		              "the exception '%s' has no fields; add them: what its values are compared with",
		              ex->name);
		return false;
	}
	return read_part(r, node, "fields", &ex->fields) && read_part(r, node, "comps", &ex->comps) &&
	       read_values(r, node, use, ex) && ok;
}

static void warn_same_name(struct reader *r, const struct rule_fields *f, const struct exception *ex)
{
	for (size_t i = 0; i < f->nexceptions; i++)
		if (strcmp(f->exceptions[i].name, ex->name) == 0) {
			COLLECT_WARN(r->c, ex->place, "duplicate-exception",
			             "the rule has two exceptions named '%s'; both count; give one another name",
			             ex->name);
			return;
		}
}

static bool read_exceptions(struct reader *r, const struct yaml_node *item, enum exception_use use,
                            struct rule_fields *f)
{
	const struct yaml_node *node = yaml_get(item, "exceptions");

	if (node->kind == YAML_NULL) {
		READ_WARN(r, node, "empty-item", "exceptions without content have no effect; remove the key");
		return true;
	}
	if (node->kind != YAML_SEQUENCE) {
		READ_ERROR(r, node, "bad-exception", "exceptions must be a sequence, not %s", yaml_kind_name(node));
		return false;
	}
	if (node->count > EXCEPTIONS_MAX) {
		READ_ERROR(r, node, "too-large",
		           "more than %d exceptions of one rule; join them: one takes many values", EXCEPTIONS_MAX);
		return false;
	}
	f->exceptions = collection_alloc(r->c, (node->count + 1) * sizeof(*f->exceptions));
	for (; f->exceptions && f->nexceptions < node->count; f->nexceptions++) {
		struct exception *ex = &f->exceptions[f->nexceptions];

		if (!read_exception(r, node->items[f->nexceptions], use, ex))
			return false;
		warn_same_name(r, f, ex);
	}
	return f->exceptions != NULL;
}

/* Single keys */

static bool priority_by_name(const char *name, enum rule_priority *out)
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

static bool is_upper(const char *word)
{
	while (*word && !(*word >= 'a' && *word <= 'z'))
		word++;
	return *word == '\0';
}

static bool read_priority(struct reader *r, const struct yaml_node *item, struct rule_fields *f)
{
	static const char *const names[] = {"EMERGENCY", "ALERT", "CRITICAL",      "ERROR", "WARNING",
	                                    "NOTICE",    "INFO",  "INFORMATIONAL", "DEBUG", NULL};
	const struct yaml_node *node = yaml_get(item, "priority");
	struct text t;

	if (!require_text(r, item, "priority", &t))
		return false;
	if (!priority_by_name(t.bytes, &f->priority)) {
		READ_ERROR(r, node, "bad-value",
		           "unknown priority '%s'%s; use EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, "
		           "INFORMATIONAL or DEBUG",
		           t.bytes, hint_for(t.bytes, names).text);
		return false;
	}
	if (!is_upper(t.bytes))
		READ_WARN(r, node, "spelling", "Falco's schema knows priorities in capitals only; write %s",
		          rule_priority_name(f->priority));
	return true;
}

static bool read_tags(struct reader *r, const struct yaml_node *item, struct rule_fields *f)
{
	struct text *tags = NULL;
	size_t n = 0;

	if (read_texts(r, item, "tags", &tags, &n) != PRESENT)
		return false;
	if (n > TAGS_MAX) {
		READ_ERROR(r, yaml_get(item, "tags"), "too-large", "more than %d tags of one rule; remove some",
		           TAGS_MAX);
		return false;
	}
	f->tags = collection_alloc(r->c, (n + 1) * sizeof(*f->tags));
	for (size_t i = 0; f->tags && i < n; i++)
		f->tags[f->ntags++] = tags[i].bytes;
	return f->tags != NULL;
}

static bool read_capture(struct reader *r, const struct yaml_node *item, const char *key, enum rule_key which)
{
	struct text t;
	uint32_t duration;
	bool on;

	if (which == KEY_CAPTURE) {
		if (read_bool(r, item, key, &on) != PRESENT)
			return false;
	} else {
		if (read_text(r, item, key, &t) != PRESENT)
			return false;
		if (!decode_uint(t.bytes, &duration)) {
			READ_ERROR(r, yaml_get(item, key), "bad-value",
			           "'%s' must be a number of milliseconds, not '%s'", key, t.bytes);
			return false;
		}
	}
	READ_WARN(r, yaml_get(item, key), "ignored-key", "'%s' is for Falco; Tercel records no captures", key);
	return true;
}

/* Reads a key that is there. */
static bool read_key(struct reader *r, const struct yaml_node *item, enum rule_key key, enum exception_use use,
                     struct rule_fields *f)
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
		return read_priority(r, item, f);
	case KEY_TAGS:
		return read_tags(r, item, f);
	case KEY_EXCEPTIONS:
		return read_exceptions(r, item, use, f);
	case KEY_ENABLED:
		return read_bool(r, item, name, &f->enabled) == PRESENT;
	case KEY_WARN_EVTTYPES:
		return read_bool(r, item, name, &f->warn_evttypes) == PRESENT;
	case KEY_SKIP_UNKNOWN:
		return read_bool(r, item, name, &f->skip_unknown) == PRESENT;
	case KEY_CAPTURE:
	case KEY_CAPTURE_DURATION:
		return read_capture(r, item, name, key);
	case RULE_KEYS:
		break;
	}
	return false;
}

/* Reads those of `keys` (bits) that are there; reports all that is wrong. */
static bool read_keys(struct reader *r, const struct yaml_node *item, unsigned int keys, enum exception_use use,
                      struct rule_fields *f)
{
	bool ok = true;

	for (enum rule_key k = 0; k < RULE_KEYS; k++)
		if ((keys & (1U << k)) && yaml_get(item, rule_keys[k].name))
			ok &= read_key(r, item, k, use, f);
	return ok;
}

static unsigned int keys_there(const struct yaml_node *item)
{
	unsigned int there = 0;

	for (enum rule_key k = 0; k < RULE_KEYS; k++)
		if (yaml_get(item, rule_keys[k].name))
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

/* Updates */

/* The keys (bits) of an override, by what is to be done with them. */
struct override_keys {
	unsigned int append, replace;
};

/* The names of the keys that allow that use, for hints. */
static struct hint key_hint(const char *word, unsigned int use)
{
	const char *names[RULE_KEYS + 1];
	size_t n = 0;

	for (enum rule_key k = 0; k < RULE_KEYS; k++)
		if (rule_keys[k].use & use)
			names[n++] = rule_keys[k].name;
	names[n] = NULL;
	return hint_for(word, names);
}

/* One line of a rule's override. */
static bool read_line(struct reader *r, const struct yaml_node *override, size_t line, unsigned int there,
                      struct override_keys *out)
{
	const struct yaml_node *k = override->items[2 * line];
	const char *name;
	enum override how = read_override(r, override, line, &name);
	enum rule_key key;

	if (how == OVERRIDE_NONE)
		return false;
	bool known = key_by_name(name, &key);
	unsigned int use = how == OVERRIDE_APPEND ? USE_APPEND : USE_REPLACE;

	if (!known || !(rule_keys[key].use & use)) {
		READ_ERROR(r, k, "bad-override", "'%s' cannot be %s%s", name,
		           how == OVERRIDE_APPEND ? "appended to" : "replaced",
		           known ? "; use replace" : key_hint(name, use).text);
		return false;
	}
	if (!(there & (1U << key))) {
		READ_ERROR(r, k, "bad-override", "'%s' is overridden but the item has no '%s'; add it", name, name);
		return false;
	}
	if ((how == OVERRIDE_APPEND ? out->replace : out->append) & 1U << key) {
		READ_ERROR(r, k, "bad-override", "'%s' cannot be both appended to and replaced; remove one", name);
		return false;
	}
	*(how == OVERRIDE_APPEND ? &out->append : &out->replace) |= 1U << key;
	return true;
}

static void blame(struct reader *r, const char *name)
{
	struct rule_def *old = collection_rule(r->c, name);

	if (old)
		old->def.broken = true;
}

static void update_rule(struct reader *r, const struct yaml_node *item, const struct rule_def *rule, unsigned int keys,
                        enum exception_use use, bool (*apply)(struct collection *, const struct rule_def *))
{
	struct rule_def update = *rule;

	update.def.broken = !read_keys(r, item, keys, use, &update.fields);
	if (!apply(r->c, &update) || update.def.broken)
		blame(r, rule->def.name);
}

static void override_rule(struct reader *r, const struct yaml_node *item, const struct rule_def *rule, size_t lines)
{
	const struct yaml_node *override = yaml_get(item, "override");
	unsigned int there = keys_there(item);
	struct override_keys keys = {0};
	bool ok = true;

	for (size_t i = 0; i < lines; i++)
		ok &= read_line(r, override, i, there, &keys);
	for (enum rule_key k = 0; k < RULE_KEYS; k++) {
		if (!ok || !(there & ~(keys.append | keys.replace) & 1U << k))
			continue;
		READ_ERROR(r, yaml_get(item, rule_keys[k].name), "bad-override",
		           "'%s' is here but not under override; add it there: append or replace", rule_keys[k].name);
		ok = false;
	}
	if (!ok) {
		blame(r, rule->def.name);
		return;
	}
	/* The source counts together with a condition only. */
	struct rule_def update = *rule;

	if (!(keys.append & 1U << KEY_CONDITION))
		update.source = "";
	if (keys.append)
		update_rule(r, item, &update, keys.append, EXCEPTION_APPENDED, collection_append_rule);
	update.source = keys.replace & 1U << KEY_CONDITION ? rule->source : "";
	if (keys.replace)
		update_rule(r, item, &update, keys.replace, EXCEPTION_WHOLE, collection_replace_rule);
}

/* The old way to extend a rule. */
static void append_rule(struct reader *r, const struct yaml_node *item, const struct rule_def *rule)
{
	unsigned int keys = 1U << KEY_CONDITION | 1U << KEY_EXCEPTIONS;

	if (!(keys_there(item) & keys)) {
		READ_ERROR(r, yaml_get(item, "append"), "missing-key",
		           "nothing is appended to the rule '%s'; add a condition or exceptions", rule->def.name);
		blame(r, rule->def.name);
		return;
	}
	update_rule(r, item, rule, keys, EXCEPTION_APPENDED, collection_append_rule);
}

/* An override without keys, `override: append`, is why a definition lacks keys: it was meant to be none. */
static bool report_bare_override(struct reader *r, const struct yaml_node *item, const struct rule_def *rule)
{
	const struct yaml_node *override = yaml_get(item, "override");
	_autobuf_ struct buf keys = BUF_INIT;

	if (!override || override->kind != YAML_SCALAR)
		return false;
	bool replace = text_is(&override->text, "replace");

	for (enum rule_key k = 0; k < RULE_KEYS; k++) {
		bool append = !replace && (rule_keys[k].use & USE_APPEND);

		if (keys_there(item) & 1U << k)
			buf_addf(&keys, "%s%s: %s", keys.len ? ", " : "", rule_keys[k].name,
			         append ? "append" : "replace");
	}
	READ_ERROR(
	        r, override, "missing-key",
	        "override must say what becomes of which key: write override: {%s}; as it is, the rule '%s' is defined "
	        "anew, and lacks other keys",
	        keys.len ? buf_str(&keys) : "condition: append", rule->def.name);
	r->c->out_of_memory |= buf_error(&keys) != 0;
	return true;
}

/* The old way to switch an earlier rule on or off: a rule with nothing but enabled. */
static void enable_rule(struct reader *r, const struct yaml_node *item, const struct rule_def *rule)
{
	bool enabled = true;
	enum presence p = read_bool(r, item, "enabled", &enabled);

	if (p == ABSENT && !report_bare_override(r, item, rule))
		READ_ERROR(r, item, "missing-key", "the rule '%s' has no condition, output, desc or priority; add them",
		           rule->def.name);
	if (p != PRESENT)
		return;
	READ_WARN(r, yaml_get(item, "enabled"), "deprecated",
	          "a rule with nothing but 'enabled' is deprecated; use override: {enabled: replace}");
	(void)collection_enable_rule(r->c, rule, enabled);
}

/* Definitions */

static bool require_keys(struct reader *r, const struct yaml_node *item, const struct rule_def *rule)
{
	bool ok = true;

	for (enum rule_key k = 0; k < RULE_KEYS; k++) {
		if (!(rule_keys[k].use & USE_REQUIRED) || rule->fields.given & 1U << k)
			continue;
		if (ok && report_bare_override(r, item, rule))
			return false;
		READ_ERROR(r, item, "missing-key", "the rule '%s' has no '%s'; add it", rule->def.name,
		           rule_keys[k].name);
		ok = false;
	}
	return ok;
}

static void define_rule(struct reader *r, const struct yaml_node *item, struct rule_def *rule)
{
	static const char *const sources[] = {"syscall", NULL};
	struct text source;
	bool ok = read_keys(r, item, (1U << RULE_KEYS) - 1, EXCEPTION_WHOLE, &rule->fields);

	ok &= require_keys(r, item, rule);
	/* Here, unlike in an update, a source that is given must not be empty. */
	ok &= read_text(r, item, "source", &source) != WRONG;
	rule->fields.output = rule->fields.output.bytes ? text_trim(&rule->fields.output) : rule->fields.output;
	if (!*rule->source)
		rule->source = "syscall";
	rule->known_source = strcmp(rule->source, "syscall") == 0;
	if (!rule->known_source)
		READ_WARN(r, yaml_get(item, "source"), "other-source",
		          "the rule '%s' is for the source %s, which is not system calls; it is kept but not checked%s",
		          rule->def.name, rule->source, hint_for(rule->source, sources).text);
	rule->def.broken = !ok;
	collection_define_rule(r->c, rule);
}

/* An update may have an empty source; NULL if it is wrong. */
static const char *read_source(struct reader *r, const struct yaml_node *item)
{
	const struct yaml_node *node = yaml_get(item, "source");
	struct text t;

	if (node && node->kind == YAML_NULL)
		READ_WARN(r, node, "spelling", "an empty source says nothing; remove it");
	if (!node || node->kind == YAML_NULL)
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

/* What `append` extends, for the advice about it. */
static const char *appended_keys(const struct yaml_node *item)
{
	unsigned int there = keys_there(item);

	if (!(there & 1U << KEY_EXCEPTIONS))
		return "condition";
	return there & 1U << KEY_CONDITION ? "condition: append, exceptions" : "exceptions";
}

void read_rule(struct reader *r, const struct yaml_node *item)
{
	static const char *const keys[] = {
	        "rule",     "condition",  "output",           "desc", "priority",      "source",
	        "enabled",  "capture",    "capture_duration", "tags", "warn_evttypes", "skip-if-unknown-filter",
	        "override", "exceptions", "append",           NULL};
	struct rule_def *rule = collection_alloc(r->c, sizeof(*rule));
	bool append = false;
	size_t lines;

	if (!rule || !read_name(r, item, "rule", &rule->def))
		return;
	bool ok = read_check_keys(r, item, keys);

	rule->fields.enabled = rule->fields.warn_evttypes = true;
	rule->known_source = true;
	rule->source = read_source(r, item);
	ok &= rule->source != NULL;
	ok &= read_append(r, item, appended_keys(item), &append);
	if (!read_override_lines(r, item, &lines) || !ok) {
		blame(r, rule->def.name);
		r->c->incomplete |= !collection_rule(r->c, rule->def.name);
		return;
	}
	if (append && lines)
		READ_ERROR(r, yaml_get(item, "override"), "bad-override", "use either append or override, not both");
	else if (lines)
		override_rule(r, item, rule, lines);
	else if (append)
		append_rule(r, item, rule);
	else if (bare_enable(keys_there(item)))
		enable_rule(r, item, rule);
	else
		define_rule(r, item, rule);
}
