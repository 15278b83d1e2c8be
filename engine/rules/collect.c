/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions by name: replacing, appending, overriding. Knows no YAML.
 */
#include "rules/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "rules/exception.h"

void collection_free(struct collection *c)
{
	arena_free(&c->arena);
	free(c->lists);
	free(c->macros);
	free(c->rules);
	table_free(&c->list_names);
	table_free(&c->macro_names);
	table_free(&c->rule_names);
	*c = (struct collection){0};
}

void *collection_alloc(struct collection *c, size_t size)
{
	void *m = arena_alloc(&c->arena, size);

	if (!m)
		c->out_of_memory = true;
	return m;
}

struct name {
	const char *bytes;
	size_t len;
};

static bool is_named(const struct definition *def, const struct name *n)
{
	return strlen(def->name) == n->len && memcmp(def->name, n->bytes, n->len) == 0;
}

static bool same_list(const void *ctx, size_t entry, const void *key)
{
	return is_named(&((const struct collection *)ctx)->lists[entry]->def, key);
}

static bool same_macro(const void *ctx, size_t entry, const void *key)
{
	return is_named(&((const struct collection *)ctx)->macros[entry]->def, key);
}

static bool same_rule(const void *ctx, size_t entry, const void *key)
{
	return is_named(&((const struct collection *)ctx)->rules[entry]->def, key);
}

static size_t find(const struct collection *c, const struct table *t, table_same *same, const char *name, size_t len)
{
	return table_find(t, table_hash(name, len), same, c, &(struct name){name, len});
}

size_t collection_list_index(const struct collection *c, const char *name, size_t len)
{
	size_t i = find(c, &c->list_names, same_list, name, len);

	return i == TABLE_NONE ? c->nlists : i;
}

size_t collection_macro_index(const struct collection *c, const char *name)
{
	size_t i = find(c, &c->macro_names, same_macro, name, strlen(name));

	return i == TABLE_NONE ? c->nmacros : i;
}

struct list_def *collection_list(const struct collection *c, const char *name)
{
	size_t i = collection_list_index(c, name, strlen(name));

	return i < c->nlists ? c->lists[i] : NULL;
}

struct macro_def *collection_macro(const struct collection *c, const char *name)
{
	size_t i = collection_macro_index(c, name);

	return i < c->nmacros ? c->macros[i] : NULL;
}

struct rule_def *collection_rule(const struct collection *c, const char *name)
{
	size_t i = find(c, &c->rule_names, same_rule, name, strlen(name));

	return i == TABLE_NONE ? NULL : c->rules[i];
}

/* Each name that is compared costs; past this, messages do without. */
enum { SUGGESTIONS_MAX = 2000000 };

static const char *suggest(struct collection *c, const char *name, const void *array, size_t n)
{
	const struct definition *const *defs = array; /* each starts with one */
	struct suggestion s = suggestion_for(name, strlen(name));

	if (c->suggestions > SUGGESTIONS_MAX)
		return NULL;
	c->suggestions += n;
	for (size_t i = 0; i < n; i++)
		if (strcmp(defs[i]->name, name) != 0)
			suggestion_offer(&s, defs[i]->name);
	return s.best;
}
_Static_assert(offsetof(struct list_def, def) == 0 && offsetof(struct macro_def, def) == 0 &&
                       offsetof(struct rule_def, def) == 0,
               "each starts with its definition");

const char *collection_suggest_list(struct collection *c, const char *name)
{
	return suggest(c, name, (const void *)c->lists, c->nlists);
}

const char *collection_suggest_macro(struct collection *c, const char *name)
{
	return suggest(c, name, (const void *)c->macros, c->nmacros);
}

const char *collection_suggest_rule(struct collection *c, const char *name)
{
	return suggest(c, name, (const void *)c->rules, c->nrules);
}

/* Adds a pointer to one of the three arrays, and its name. */
static bool push(struct collection *c, void *array_ptr, size_t *n, void *item, struct table *names, const char *name)
{
	void ***array = array_ptr;

	if (table_add(names, table_hash(name, strlen(name)), *n)) {
		c->out_of_memory = true;
		return false;
	}
	if ((*n & (*n - 1)) == 0) { /* full at each power of two */
		void **grown = realloc(*array, (*n ? *n * 2 : 1) * sizeof(*grown));

		if (!grown) {
			c->out_of_memory = true;
			return false;
		}
		*array = grown;
	}
	(*array)[(*n)++] = item;
	return true;
}

/* Numbers a definition, which keeps its first number when it replaces another. */
static void number(struct collection *c, struct definition *def, const struct definition *previous)
{
	size_t id = c->next++;

	def->first = previous ? previous->first : id;
	def->last = id;
	def->changed = true;
}

static void extend(struct collection *c, struct definition *def, const struct definition *by)
{
	def->last = c->next++;
	def->changed = true;
	def->broken |= by->broken;
}

bool collection_define_list(struct collection *c, struct list_def *list)
{
	struct list_def *old = collection_list(c, list->def.name);

	number(c, &list->def, old ? &old->def : NULL);
	if (!old)
		return push(c, &c->lists, &c->nlists, list, &c->list_names, list->def.name);
	*old = *list;
	return true;
}

bool collection_define_macro(struct collection *c, struct macro_def *macro)
{
	struct macro_def *old = collection_macro(c, macro->def.name);

	number(c, &macro->def, old ? &old->def : NULL);
	if (!old)
		return push(c, &c->macros, &c->nmacros, macro, &c->macro_names, macro->def.name);
	*old = *macro;
	return true;
}

/* Says that what an item extends is not there; nothing if it may have been lost. */
static bool missing(struct collection *c, const struct definition *def, const char *code, const char *what,
                    const char *near)
{
	if (!c->incomplete)
		COLLECT_ERROR(
		        c, def->place, code,
		        "there is no %s named '%s' to change%s%s%s; define it before, or remove append and override",
		        what, def->name, near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
	return false;
}

bool collection_append_list(struct collection *c, const struct list_def *list)
{
	struct list_def *old = collection_list(c, list->def.name);

	if (!old)
		return missing(c, &list->def, "no-such-list", "list", collection_suggest_list(c, list->def.name));
	/* With room to spare: a list may be extended often. */
	if (old->nitems + list->nitems > old->cap) {
		size_t cap = (old->nitems + list->nitems) * 2;
		struct text *items = collection_alloc(c, cap * sizeof(*items));

		if (!items)
			return false;
		if (old->nitems)
			memcpy(items, old->items, old->nitems * sizeof(*items));
		old->items = items;
		old->cap = cap;
	}
	if (list->nitems)
		memcpy(old->items + old->nitems, list->items, list->nitems * sizeof(*old->items));
	old->nitems += list->nitems;
	extend(c, &old->def, &list->def);
	return true;
}

/* Each extension of a text copies all of it: the sum is bounded. */
enum { JOINED_MAX = 16 << 20 };

static bool may_join(struct collection *c, struct text_place place, size_t bytes)
{
	c->joined += bytes;
	if (c->joined <= JOINED_MAX)
		return true;
	COLLECT_ERROR(c, place, "too-large", "too many extensions of large definitions; write them as a whole");
	return false;
}

/* a + blank + b; a alone if there is no b. */
static bool join(struct collection *c, struct text *a, const struct text *b)
{
	_autotext_ struct text_builder joined = {0};

	if (!b->bytes || !b->len)
		return true;
	if (!may_join(c, text_start(b), a->len + b->len))
		return false;
	if (a->bytes)
		text_add(&joined, a);
	text_adds(&joined, " ", text_start(b));
	text_add(&joined, b);
	int r = text_finish(a, &joined, text_start(b), &c->arena);

	if (r == -ENOMEM)
		c->out_of_memory = true;
	else if (r)
		COLLECT_ERROR(c, text_start(b), "too-large", "the text is longer than %d bytes; split it",
		              FILTER_MAX_TEXT);
	return r == 0;
}

bool collection_append_macro(struct collection *c, const struct macro_def *macro)
{
	struct macro_def *old = collection_macro(c, macro->def.name);

	if (!old)
		return missing(c, &macro->def, "no-such-macro", "macro", collection_suggest_macro(c, macro->def.name));
	extend(c, &old->def, &macro->def);
	if (macro->def.broken)
		return true;
	return join(c, &old->condition, &macro->condition);
}

static bool same_source(struct collection *c, const struct rule_def *old, const struct rule_def *rule)
{
	if (!*old->source || !*rule->source || strcmp(old->source, rule->source) == 0)
		return true;
	COLLECT_ERROR(c, rule->def.place, "bad-item",
	              "the rule '%s' was defined with source %s and cannot change it to %s; use another name",
	              rule->def.name, old->source, rule->source);
	diag_note(c->diags, text_place_pos(old->def.place), "it was defined here");
	return false;
}

bool collection_define_rule(struct collection *c, struct rule_def *rule)
{
	struct rule_def *old = collection_rule(c, rule->def.name);

	if (old && !same_source(c, old, rule))
		return false;
	for (size_t i = 0; i < rule->fields.nexceptions && !rule->def.broken; i++)
		rule->def.broken = !exception_check(c, &rule->fields.exceptions[i], rule->known_source);
	number(c, &rule->def, old ? &old->def : NULL);
	if (!old)
		return push(c, &c->rules, &c->nrules, rule, &c->rule_names, rule->def.name);
	*old = *rule;
	return true;
}

static struct rule_def *updated_rule(struct collection *c, const struct rule_def *update)
{
	struct rule_def *old = collection_rule(c, update->def.name);

	if (!old)
		missing(c, &update->def, "no-such-rule", "rule", collection_suggest_rule(c, update->def.name));
	if (!old || !same_source(c, old, update))
		return NULL;
	extend(c, &old->def, &update->def);
	return old;
}

bool collection_enable_rule(struct collection *c, const struct rule_def *rule, bool enabled)
{
	struct rule_def *old = collection_rule(c, rule->def.name);

	if (!old)
		return missing(c, &rule->def, "no-such-rule", "rule", collection_suggest_rule(c, rule->def.name));
	old->fields.enabled = enabled;
	return true;
}

static bool append_tags(struct collection *c, struct text_place place, struct rule_fields *to,
                        const struct rule_fields *from)
{
	if (!may_join(c, place, (to->ntags + from->ntags) * sizeof(char *)))
		return false;
	const char **tags = collection_alloc(c, (to->ntags + from->ntags) * sizeof(*tags));

	if (!tags)
		return false;
	for (size_t i = 0; i < to->ntags; i++)
		tags[i] = to->tags[i];
	to->tags = tags;
	for (size_t i = 0; i < from->ntags; i++) {
		bool there = false;

		for (size_t k = 0; k < to->ntags; k++)
			there |= strcmp(tags[k], from->tags[i]) == 0;
		if (!there)
			tags[to->ntags++] = from->tags[i];
	}
	return true;
}

/* Room for more exceptions. */
static bool grow_exceptions(struct collection *c, struct rule_def *rule, const struct rule_fields *from)
{
	struct rule_fields *to = &rule->fields;
	size_t n = to->nexceptions + from->nexceptions;

	if (!may_join(c, rule->def.place, n * sizeof(struct exception)))
		return false;
	struct exception *all = collection_alloc(c, (n + 1) * sizeof(*all));

	if (!all)
		return false;
	if (to->nexceptions)
		memcpy(all, to->exceptions, to->nexceptions * sizeof(*all));
	to->exceptions = all;
	return true;
}

static bool append_exceptions(struct collection *c, struct rule_def *rule, const struct rule_fields *from)
{
	if (!from->nexceptions)
		return true;
	if (!grow_exceptions(c, rule, from))
		return false;
	for (size_t i = 0; i < from->nexceptions; i++) {
		if (!may_join(c, from->exceptions[i].place,
		              from->exceptions[i].nvalues * sizeof(struct exception_entry)))
			return false;
		if (!exception_append(c, rule, &from->exceptions[i]))
			return false;
	}
	return true;
}

static bool gives(const struct rule_fields *f, enum rule_key key)
{
	return (f->given & (1U << key)) != 0;
}

bool collection_append_rule(struct collection *c, const struct rule_def *update)
{
	struct rule_def *old = updated_rule(c, update);
	const struct rule_fields *f = &update->fields;

	if (!old)
		return false;
	old->fields.extended |= gives(f, KEY_CONDITION);
	return join(c, &old->fields.condition, &f->condition) && join(c, &old->fields.output, &f->output) &&
	       join(c, &old->fields.desc, &f->desc) && append_tags(c, update->def.place, &old->fields, f) &&
	       append_exceptions(c, old, f);
}

bool collection_replace_rule(struct collection *c, const struct rule_def *update)
{
	struct rule_def *old = updated_rule(c, update);
	const struct rule_fields *f = &update->fields;

	if (!old)
		return false;
	if (gives(f, KEY_CONDITION)) {
		old->fields.condition = f->condition;
		old->fields.extended = false;
	}
	if (gives(f, KEY_OUTPUT))
		old->fields.output = f->output;
	if (gives(f, KEY_DESC))
		old->fields.desc = f->desc;
	if (gives(f, KEY_PRIORITY))
		old->fields.priority = f->priority;
	if (gives(f, KEY_TAGS)) {
		old->fields.tags = f->tags;
		old->fields.ntags = f->ntags;
	}
	if (gives(f, KEY_EXCEPTIONS)) {
		old->fields.exceptions = f->exceptions;
		old->fields.nexceptions = f->nexceptions;
	}
	if (gives(f, KEY_ENABLED))
		old->fields.enabled = f->enabled;
	if (gives(f, KEY_WARN_EVTTYPES))
		old->fields.warn_evttypes = f->warn_evttypes;
	if (gives(f, KEY_SKIP_UNKNOWN))
		old->fields.skip_unknown = f->skip_unknown;
	return true;
}
