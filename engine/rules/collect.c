/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions by name: replacing, appending, overriding. Knows no YAML.
 */
#include "rules/collect.h"

#include <stdlib.h>
#include <string.h>

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

static bool missing(struct collection *c, const struct definition *def, const char *code, const char *what)
{
	diag_add(c->diags, DIAG_ERROR, def->pos, code,
	         "there is no %s named '%s' to extend; define it before, or remove append and override", what,
	         def->name);
	return false;
}

bool collection_append_list(struct collection *c, const struct list_def *list)
{
	struct list_def *old = collection_list(c, list->def.name);

	if (!old)
		return missing(c, &list->def, "no-such-list", "list");
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
	old->def.broken |= list->def.broken;
	old->def.last = c->next++;
	return true;
}

/* Each extension of a text copies all of it: the sum is bounded. */
enum { JOINED_MAX = 16 << 20 };

static bool may_join(struct collection *c, struct source_pos pos, size_t bytes)
{
	c->joined += bytes;
	if (c->joined <= JOINED_MAX)
		return true;
	diag_add(c->diags, DIAG_ERROR, pos, "too-large",
	         "too many extensions of large definitions; write them as a whole");
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
	int r = text_finish(a, &joined, &c->arena);

	if (r)
		diag_add(c->diags, DIAG_ERROR, text_start(b), "too-large", "the text is longer than %d bytes; split it",
		         FILTER_MAX_TEXT);
	return r == 0;
}

bool collection_append_macro(struct collection *c, const struct macro_def *macro)
{
	struct macro_def *old = collection_macro(c, macro->def.name);

	if (!old)
		return missing(c, &macro->def, "no-such-macro", "macro");
	old->def.last = c->next++;
	old->def.broken |= macro->def.broken;
	if (macro->def.broken)
		return true;
	return join(c, &old->condition, &macro->condition);
}

static bool same_source(struct collection *c, const struct rule_def *old, const struct rule_def *rule)
{
	if (!*old->source || !*rule->source || strcmp(old->source, rule->source) == 0)
		return true;
	diag_add(c->diags, DIAG_ERROR, rule->def.pos, "bad-item",
	         "the rule '%s' was defined with source %s at %s:%u and cannot change it to %s; use another name",
	         rule->def.name, old->source, old->def.pos.file ? old->def.pos.file : "", old->def.pos.line,
	         rule->source);
	return false;
}

bool collection_define_rule(struct collection *c, struct rule_def *rule)
{
	struct rule_def *old = collection_rule(c, rule->def.name);

	if (old && !same_source(c, old, rule))
		return false;
	number(c, &rule->def, old ? &old->def : NULL);
	if (!old)
		return push(c, &c->rules, &c->nrules, rule, &c->rule_names, rule->def.name);
	*old = *rule;
	return true;
}

static struct rule_def *updated_rule(struct collection *c, const struct rule_def *update)
{
	struct rule_def *old = collection_rule(c, update->def.name);

	if (!old) {
		missing(c, &update->def, "no-such-rule", "rule");
		return NULL;
	}
	if (!same_source(c, old, update))
		return NULL;
	old->def.last = c->next++;
	old->def.broken |= update->def.broken;
	return old;
}

static bool append_tags(struct collection *c, struct source_pos pos, struct rule_fields *to,
                        const struct rule_fields *from)
{
	if (!may_join(c, pos, (to->ntags + from->ntags) * sizeof(char *)))
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

static bool bad_exception(struct collection *c, struct source_pos pos, const char *message)
{
	diag_add(c->diags, DIAG_ERROR, pos, "bad-exception", "%s", message);
	return false;
}

static bool append_values(struct collection *c, struct exception *to, const struct exception *from)
{
	if (from->fields.given || from->comps.given)
		return bad_exception(
		        c, from->pos,
		        "an appended exception of a known name can only add values; remove fields and comps");
	if (!may_join(c, from->pos, (to->nvalues + from->nvalues) * sizeof(struct exception_entry)))
		return false;
	struct exception_entry *values = collection_alloc(c, (to->nvalues + from->nvalues) * sizeof(*values));

	if (!values)
		return false;
	if (to->nvalues)
		memcpy(values, to->values, to->nvalues * sizeof(*values));
	if (from->nvalues)
		memcpy(values + to->nvalues, from->values, from->nvalues * sizeof(*values));
	to->values = values;
	to->nvalues += from->nvalues;
	return true;
}

static struct exception *find_exception(const struct rule_fields *f, const char *name)
{
	for (size_t i = 0; i < f->nexceptions; i++)
		if (strcmp(f->exceptions[i].name, name) == 0)
			return &f->exceptions[i];
	return NULL;
}

static bool append_exceptions(struct collection *c, struct rule_def *rule, const struct rule_fields *from)
{
	struct rule_fields *to = &rule->fields;
	if (!may_join(c, rule->def.pos, (to->nexceptions + from->nexceptions) * sizeof(struct exception)))
		return false;
	struct exception *all = collection_alloc(c, (to->nexceptions + from->nexceptions) * sizeof(*all));

	if (!all)
		return false;
	if (to->nexceptions)
		memcpy(all, to->exceptions, to->nexceptions * sizeof(*all));
	to->exceptions = all;
	for (size_t i = 0; i < from->nexceptions; i++) {
		struct exception ex = from->exceptions[i], *old = find_exception(to, ex.name);

		if (old) {
			if (!append_values(c, old, &ex))
				return false;
			continue;
		}
		if (!ex.fields.given)
			return bad_exception(
			        c, ex.pos, "a new exception needs fields, the list of fields that its values are for");
		if (!ex.nvalues)
			return bad_exception(c, ex.pos, "an appended exception needs values");
		if (!exception_check(c, &ex, rule->known_source))
			return false;
		all[to->nexceptions++] = ex;
	}
	return true;
}

bool collection_append_rule(struct collection *c, const struct rule_def *update)
{
	struct rule_def *old = updated_rule(c, update);
	const struct rule_fields *f = &update->fields;

	if (!old)
		return false;
	return join(c, &old->fields.condition, &f->condition) && join(c, &old->fields.output, &f->output) &&
	       join(c, &old->fields.desc, &f->desc) && append_tags(c, update->def.pos, &old->fields, f) &&
	       append_exceptions(c, old, f);
}

static bool gives(const struct rule_fields *f, enum rule_key key)
{
	return (f->given & (1U << key)) != 0;
}

bool collection_replace_rule(struct collection *c, const struct rule_def *update)
{
	struct rule_def *old = updated_rule(c, update);
	const struct rule_fields *f = &update->fields;

	if (!old)
		return false;
	if (gives(f, KEY_CONDITION))
		old->fields.condition = f->condition;
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
		for (size_t i = 0; i < f->nexceptions; i++)
			if (!exception_check(c, &f->exceptions[i], old->known_source))
				return false;
	}
	if (gives(f, KEY_ENABLED))
		old->fields.enabled = f->enabled;
	if (gives(f, KEY_WARN_EVTTYPES))
		old->fields.warn_evttypes = f->warn_evttypes;
	if (gives(f, KEY_SKIP_UNKNOWN))
		old->fields.skip_unknown = f->skip_unknown;
	return true;
}

/* Exceptions */

bool operator_known(const char *name)
{
	static const char *const modifiers[] = {" oneof", " anyof", " allof"};

	if (strcmp(name, "==") == 0)
		return true;
	for (enum filter_op op = 0; op < FILTER_OPS; op++) {
		const char *word = filter_op_name(op);
		size_t n = strlen(word);

		if (strncmp(name, word, n) != 0)
			continue;
		if (!name[n])
			return true;
		for (size_t i = 0; i < 3; i++)
			if (strcmp(name + n, modifiers[i]) == 0)
				return true;
	}
	return false;
}

static bool takes_list(const char *name)
{
	return strcmp(name, "in") == 0 || strcmp(name, "intersects") == 0 || strcmp(name, "pmatch") == 0 ||
	       strchr(name, ' ') != NULL;
}

static bool set_word(struct collection *c, struct exception_entry *e, const char *word, struct source_pos pos)
{
	_autotext_ struct text_builder b = {0};

	*e = (struct exception_entry){.given = true, .pos = pos};
	text_adds(&b, word, pos);
	if (text_finish(&e->item, &b, &c->arena)) {
		c->out_of_memory = true;
		return false;
	}
	return true;
}

/* NUL-terminated copy without blanks around, so that operators compare. */
static bool trim_entry(struct collection *c, struct exception_entry *e)
{
	_autotext_ struct text_builder b = {0};
	struct text trimmed = text_trim(&e->item);

	text_add(&b, &trimmed);
	if (text_finish(&e->item, &b, &c->arena)) {
		c->out_of_memory = true;
		return false;
	}
	return true;
}

static bool field_known(struct collection *c, const struct exception_entry *field)
{
	size_t len = strcspn(field->item.bytes, "[");

	if (field->is_list || !field_by_name(field->item.bytes, len, NULL)) {
		diag_add(c->diags, DIAG_ERROR, field->pos, "unknown-field",
		         "unknown field %s in an exception; see the list of Falco's fields",
		         field->is_list ? "(a list)" : field->item.bytes);
		return false;
	}
	return true;
}

static bool check_many(struct collection *c, struct exception *ex, bool known_source)
{
	if (!ex->comps.given) {
		ex->comps = (struct exception_entry){.given = true, .is_list = true, .pos = ex->fields.pos};
		ex->comps.items = collection_alloc(c, ex->fields.nitems * sizeof(*ex->comps.items));
		if (!ex->comps.items)
			return false;
		for (; ex->comps.nitems < ex->fields.nitems; ex->comps.nitems++)
			if (!set_word(c, &ex->comps.items[ex->comps.nitems], "=", ex->pos))
				return false;
	}
	if (!ex->comps.is_list || ex->comps.nitems != ex->fields.nitems)
		return bad_exception(c, ex->comps.pos, "fields and comps must be lists of the same length");
	for (size_t i = 0; i < ex->comps.nitems; i++) {
		struct exception_entry *op = &ex->comps.items[i];

		if (op->is_list || !trim_entry(c, op) || !operator_known(op->item.bytes))
			return bad_exception(c, op->pos, "comps must name operators, such as =, in or startswith");
		if (ex->fields.items[i].is_list)
			return bad_exception(c, ex->fields.items[i].pos, "fields must be a list of field names");
		if (known_source && !field_known(c, &ex->fields.items[i]))
			return false;
	}
	return true;
}

bool exception_check(struct collection *c, struct exception *ex, bool known_source)
{
	if (!ex->fields.given)
		return bad_exception(c, ex->pos,
		                     "an exception needs fields, the list of fields that its values are for");
	if (ex->fields.is_list)
		return check_many(c, ex, known_source);
	if (!ex->comps.given && !set_word(c, &ex->comps, "in", ex->pos))
		return false;
	if (ex->comps.is_list)
		return bad_exception(c, ex->comps.pos, "with a single field, comps must be a single operator");
	if (!trim_entry(c, &ex->comps))
		return false;
	if (!operator_known(ex->comps.item.bytes) || !takes_list(ex->comps.item.bytes))
		return bad_exception(c, ex->comps.pos, "with a single field, comps must be in, pmatch or intersects");
	return !known_source || field_known(c, &ex->fields);
}

/* Falco quotes a value with blanks unless it is quoted already. */
static void add_quoted(struct text_builder *out, const struct text *t)
{
	bool quote = memchr(t->bytes, ' ', t->len) && t->bytes[0] != '"' && t->bytes[0] != '\'';

	if (quote)
		text_adds(out, "\"", text_start(t));
	text_add(out, t);
	if (quote)
		text_adds(out, "\"", text_start(t));
}

static void add_list(struct text_builder *out, const struct exception_entry *e)
{
	text_adds(out, "(", e->pos);
	for (size_t i = 0; i < e->nitems; i++) {
		if (i)
			text_adds(out, ", ", e->items[i].pos);
		add_quoted(out, &e->items[i].item);
	}
	text_adds(out, ")", e->pos);
}

static void add_operand(struct text_builder *out, const struct exception_entry *value, const char *op)
{
	bool paren = takes_list(op) && (value->item.len == 0 || value->item.bytes[0] != '(');

	if (value->is_list) {
		add_list(out, value);
	} else if (paren) {
		text_adds(out, "(", value->pos);
		text_add(out, &value->item);
		text_adds(out, ")", value->pos);
	} else if (takes_list(op)) {
		text_add(out, &value->item);
	} else {
		add_quoted(out, &value->item);
	}
}

static bool lists_in_list(struct collection *c, const struct exception_entry *e)
{
	for (size_t i = 0; e->is_list && i < e->nitems; i++)
		if (e->items[i].is_list)
			return !bad_exception(c, e->items[i].pos, "exception values cannot be nested deeper");
	return false;
}

/* not ((a = x and b = y) or (…)) */
static bool join_many(struct collection *c, struct text_builder *out, const struct exception *ex)
{
	for (size_t v = 0; v < ex->nvalues; v++) {
		const struct exception_entry *value = &ex->values[v];

		if (!value->is_list || value->nitems != ex->fields.nitems)
			return bad_exception(c, value->pos, "each value must be a list as long as fields");
		text_adds(out, v ? " or (" : " and not ((", value->pos);
		for (size_t i = 0; i < value->nitems; i++) {
			const char *op = ex->comps.items[i].item.bytes;

			if (lists_in_list(c, &value->items[i]))
				return false;
			text_adds(out, i ? " and  " : " ", value->pos);
			text_add(out, &ex->fields.items[i].item);
			text_adds(out, " ", value->pos);
			text_adds(out, op, ex->comps.items[i].pos);
			text_adds(out, " ", value->pos);
			add_operand(out, &value->items[i], op);
		}
		text_adds(out, ")", value->pos);
	}
	if (ex->nvalues)
		text_adds(out, ")", ex->pos);
	return true;
}

/* not (a in (x, y)) */
static bool join_single(struct collection *c, struct text_builder *out, const struct exception *ex)
{
	for (size_t v = 0; v < ex->nvalues; v++) {
		const struct exception_entry *value = &ex->values[v];

		if (value->is_list)
			return bad_exception(c, value->pos, "with a single field, values must be single values");
		if (v == 0) {
			text_adds(out, " and not (", ex->pos);
			text_add(out, &ex->fields.item);
			text_adds(out, " ", ex->pos);
			text_adds(out, ex->comps.item.bytes, ex->comps.pos);
			text_adds(out, " (", ex->pos);
		} else {
			text_adds(out, ", ", value->pos);
		}
		add_quoted(out, &value->item);
	}
	if (ex->nvalues)
		text_adds(out, "))", ex->pos);
	return true;
}

bool exception_join(struct collection *c, struct text_builder *out, const struct rule_def *rule)
{
	const struct rule_fields *f = &rule->fields;
	bool ok = true;

	if (f->nexceptions)
		text_adds(out, "(", text_start(&f->condition));
	text_add(out, &f->condition);
	if (f->nexceptions)
		text_adds(out, ")", text_start(&f->condition));
	for (size_t i = 0; i < f->nexceptions && ok; i++) {
		const struct exception *ex = &f->exceptions[i];

		ok = ex->fields.is_list ? join_many(c, out, ex) : join_single(c, out, ex);
	}
	return ok;
}
