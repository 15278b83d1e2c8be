/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts definitions together as Falco 0.44 does: lists replace their names in the text, one after the other in the
 * order of definition; macros see those defined before them, rules see all. Knows no YAML.
 */
#include "rules/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct compiler {
	struct collection *c;
	struct arena arena;           /* expanded texts and items */
	struct list_def *lists;       /* as c->lists, with the items of other lists put in */
	struct filter_macro *macros;  /* as c->macros */
	struct filter_syntax **owned; /* the macros' texts */
};

/* Lists */

/* The other list that an item names, if it names one that the list may see. */
static const struct list_def *nested(const struct compiler *k, const struct list_def *list, const struct text *item)
{
	const struct list_def *other = collection_list(k->c, item->bytes);

	return other && other->def.first < list->def.last ? other : NULL;
}

static void warn_nested(struct compiler *k, const struct list_def *list, const struct text *item,
                        const struct list_def *inner)
{
	for (size_t i = 0; i < inner->nitems; i++) {
		const struct list_def *third = collection_list(k->c, inner->items[i].bytes);

		/* Names of lists later in the order are still replaced in the condition. */
		if (third && third != inner && third->def.first <= list->def.first)
			diag_add(k->c->diags, DIAG_WARNING, text_start(item), "nested-list",
			         "Falco looks one level deep: '%s' stays a plain word here, it is not replaced by the "
			         "list; name it in "
			         "'%s' itself",
			         third->def.name, list->def.name);
	}
}

static void expand_list(struct compiler *k, const struct list_def *list, struct list_def *out)
{
	size_t n = 0;

	*out = *list;
	for (size_t i = 0; i < list->nitems; i++) {
		const struct list_def *inner = nested(k, list, &list->items[i]);

		n += inner ? inner->nitems : 1;
	}
	out->nitems = 0;
	out->items = arena_alloc(&k->arena, (n + 1) * sizeof(*out->items));
	if (!out->items) {
		k->c->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < list->nitems; i++) {
		const struct list_def *inner = nested(k, list, &list->items[i]);

		if (!inner) {
			out->items[out->nitems++] = list->items[i];
			continue;
		}
		for (size_t j = 0; j < inner->nitems; j++)
			out->items[out->nitems++] = inner->items[j];
		if (inner != list)
			warn_nested(k, list, &list->items[i], inner);
	}
}

/* Follows the items of `at` that name lists; true if that leads back to `start` (not by its own name alone: a list may
 * have a word that is called like itself). */
static bool leads_back(const struct collection *c, const struct list_def *at, const struct list_def *start, bool *seen)
{
	for (size_t i = 0; i < at->nitems; i++) {
		const struct list_def *next = collection_list(c, at->items[i].bytes);

		if (!next || next == at)
			continue;
		if (next == start)
			return true;
		for (size_t n = 0; n < c->nlists; n++) {
			if (c->lists[n] != next || seen[n])
				continue;
			seen[n] = true;
			if (leads_back(c, next, start, seen))
				return true;
		}
	}
	return false;
}

static void check_list_cycles(struct compiler *k)
{
	struct collection *c = k->c;

	for (size_t l = 0; l < c->nlists; l++) {
		for (size_t i = 0; i < c->lists[l]->nitems; i++) {
			const struct list_def *next = collection_list(c, c->lists[l]->items[i].bytes);

			if (!next || next == c->lists[l])
				continue;
			_autofree_ bool *seen = calloc(c->nlists, sizeof(*seen));

			if (!seen) {
				c->out_of_memory = true;
				return;
			}
			if (leads_back(c, next, c->lists[l], seen))
				diag_add(c->diags, DIAG_ERROR, text_start(&c->lists[l]->items[i]), "cyclic-list",
				         "the list '%s' contains itself through '%s'; remove one of the two",
				         c->lists[l]->def.name, next->def.name);
		}
	}
}

static void compile_lists(struct compiler *k)
{
	k->lists = calloc(k->c->nlists + 1, sizeof(*k->lists));
	if (!k->lists) {
		k->c->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < k->c->nlists; i++)
		expand_list(k, k->c->lists[i], &k->lists[i]);
	check_list_cycles(k);
}

/* Lists in texts */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_delimiter(char c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

/* The next place at or after `from` where the name stands between delimiters; len if none. */
static size_t find_name(const struct text *t, const char *name, size_t n, size_t from)
{
	while (from < t->len && t->len - from >= n) {
		const char *hit = memmem(t->bytes + from, t->len - from, name, n);

		if (!hit)
			break;
		size_t at = (size_t)(hit - t->bytes);

		if ((at == 0 || is_delimiter(t->bytes[at - 1])) && (at + n >= t->len || is_delimiter(t->bytes[at + n])))
			return at;
		from = at + 1;
	}
	return t->len;
}

static void add_items(struct text_builder *out, const struct list_def *list)
{
	for (size_t i = 0; i < list->nitems; i++) {
		const struct text *item = &list->items[i];
		bool quote = memchr(item->bytes, ' ', item->len) && item->bytes[0] != '"' && item->bytes[0] != '\'';

		if (i)
			text_adds(out, ", ", text_start(item));
		if (quote)
			text_adds(out, "\"", text_start(item));
		text_add(out, item);
		if (quote)
			text_adds(out, "\"", text_start(item));
	}
}

/* Replaces the list's name in the text, everywhere; `list` may be empty, then a comma goes with it. */
static bool replace_list(struct text *t, const struct list_def *list, struct text_builder *out)
{
	size_t n = strlen(list->def.name), done = 0, at = find_name(t, list->def.name, n, 0);

	if (at >= t->len)
		return false;
	while (at < t->len) {
		size_t from = at, to = at + n;

		while (from > done && is_blank(t->bytes[from - 1]))
			from--;
		while (to < t->len && is_blank(t->bytes[to]))
			to++;
		_autotext_ struct text_builder items = {0};

		add_items(&items, list);
		if (items.len == 0) {
			if (from > done && t->bytes[from - 1] == ',')
				from--;
			else if (to < t->len && t->bytes[to] == ',')
				to++;
		}
		text_add_slice(out, t, done, from);
		if (out->len)
			text_adds(out, " ", t->pos[at]);
		struct text view = text_view(&items);

		out->out_of_memory |= items.out_of_memory;
		out->too_large |= items.too_large;
		text_add(out, &view);
		text_adds(out, " ", t->pos[at]);
		if (out->too_large || out->out_of_memory)
			return true;
		done = to;
		at = find_name(t, list->def.name, n, to);
	}
	text_add_slice(out, t, done, t->len);
	return true;
}

/* All lists into a text, in order. False after an error, which is reported. */
static bool expand_text(struct compiler *k, struct text *t)
{
	for (size_t i = 0; i < k->c->nlists; i++) {
		_autotext_ struct text_builder out = {0};

		if (!replace_list(t, &k->lists[i], &out))
			continue;
		int r = text_finish(t, &out, &k->arena);

		if (r == -ENOMEM)
			k->c->out_of_memory = true;
		else if (r)
			diag_add(k->c->diags, DIAG_ERROR, text_start(t), "too-large",
			         "with its lists put in, the condition is longer than %d bytes; split it",
			         FILTER_MAX_TEXT);
		if (r)
			return false;
	}
	return true;
}

static bool parse(struct compiler *k, struct text *t, struct filter_syntax **out)
{
	if (!expand_text(k, t))
		return false;
	struct filter_text source = text_for_filter(t);
	int r = filter_syntax_parse(out, &source, k->c->diags);

	if (r == -ENOMEM)
		k->c->out_of_memory = true;
	return r == 0;
}

/* Macros */

static bool sees(const struct macro_def *from, const struct macro_def *to)
{
	return to->def.first < from->def.last;
}

struct name_check {
	struct compiler *k;
	size_t macro;  /* whose text it is */
	size_t target; /* what is searched for: the way back */
	bool *seen;
	bool found, failed;
};

static size_t macro_index(const struct collection *c, const char *name)
{
	for (size_t i = 0; i < c->nmacros; i++)
		if (strcmp(c->macros[i]->def.name, name) == 0)
			return i;
	return c->nmacros;
}

static void search_name(void *ctx, const char *name, struct source_pos pos)
{
	struct name_check *n = ctx;
	size_t i = macro_index(n->k->c, name);

	(void)pos;
	if (n->found || i == n->k->c->nmacros)
		return;
	if (i == n->target) {
		n->found = true;
	} else if (!n->seen[i] && n->k->macros[i].syntax) {
		n->seen[i] = true;
		filter_syntax_names(n->k->macros[i].syntax, search_name, n);
	}
}

/* Whether macro `from` leads to macro `to`, whatever the order of definition. */
static bool macro_leads_to(struct compiler *k, size_t from, size_t to)
{
	_autofree_ bool *seen = calloc(k->c->nmacros + 1, sizeof(*seen));
	struct name_check n = {.k = k, .target = to, .seen = seen};

	if (!seen) {
		k->c->out_of_memory = true;
		return false;
	}
	if (from == to)
		return true;
	if (k->macros[from].syntax)
		filter_syntax_names(k->macros[from].syntax, search_name, &n);
	return n.found;
}

static void check_name(void *ctx, const char *name, struct source_pos pos)
{
	struct name_check *n = ctx;
	const struct collection *c = n->k->c;
	const struct macro_def *from = c->macros[n->macro];
	size_t i = macro_index(c, name);

	if (i == c->nmacros) {
		diag_add(c->diags, DIAG_ERROR, pos, "unknown-macro",
		         "'%s' is neither a macro nor a check; define the macro or add an operator", name);
	} else if (macro_leads_to(n->k, i, n->macro)) {
		diag_add(c->diags, DIAG_ERROR, pos, "cyclic-macro", "the macro '%s' uses itself%s%s%s; remove this use",
		         from->def.name, i == n->macro ? "" : " through '", i == n->macro ? "" : name,
		         i == n->macro ? "" : "'");
	} else if (!sees(from, c->macros[i])) {
		diag_add(c->diags, DIAG_ERROR, pos, "macro-order",
		         "the macro '%s' is used before its definition at line %u; move the definition up", name,
		         c->macros[i]->def.pos.line);
	} else {
		return;
	}
	n->failed = true;
}

static void compile_macros(struct compiler *k)
{
	struct collection *c = k->c;

	k->macros = calloc(c->nmacros + 1, sizeof(*k->macros));
	k->owned = calloc(c->nmacros + 1, sizeof(struct filter_syntax *));
	if (!k->macros || !k->owned) {
		c->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < c->nmacros; i++) {
		struct text t = c->macros[i]->condition;

		k->macros[i].name = c->macros[i]->def.name;
		if (!c->macros[i]->def.broken && parse(k, &t, &k->owned[i]))
			k->macros[i].syntax = k->owned[i];
	}
	/* All texts first: a macro may be named before its own text was read. */
	for (size_t i = 0; i < c->nmacros; i++) {
		struct name_check n = {.k = k, .macro = i};

		if (k->owned[i])
			filter_syntax_names(k->owned[i], check_name, &n);
		c->macros[i]->def.broken |= n.failed;
	}
	for (size_t i = 0; i < c->nmacros; i++)
		if (c->macros[i]->def.broken)
			k->macros[i].syntax = NULL;
}

static const struct filter_macro *find_macro(const void *ctx, const struct filter_macro *inside, const char *name)
{
	const struct compiler *k = ctx;
	size_t i = macro_index(k->c, name);

	if (i == k->c->nmacros)
		return NULL;
	if (inside && !sees(k->c->macros[inside - k->macros], k->c->macros[i]))
		return NULL;
	return &k->macros[i];
}

/* Rules */

/* %container.info prints nothing any more, and Falco takes it out of the text. */
static bool check_output(struct compiler *k, const struct rule_def *rule)
{
	static const char info[] = "%container.info";
	_autotext_ struct text_builder b = {0};
	struct text t = text_trim(&rule->fields.output), kept;
	size_t from = 0;

	for (size_t i = 0; i < t.len; i++) {
		if (t.len - i < sizeof(info) - 1 || memcmp(t.bytes + i, info, sizeof(info) - 1) != 0)
			continue;
		diag_add(k->c->diags, DIAG_WARNING, t.pos[i], "deprecated",
		         "%%container.info is deprecated and prints nothing; name the fields instead");
		text_add_slice(&b, &t, from, i);
		from = i + sizeof(info) - 1;
	}
	text_add_slice(&b, &t, from, t.len);
	if (text_finish(&kept, &b, &k->arena)) {
		k->c->out_of_memory = true;
		return false;
	}
	if (!kept.len)
		kept.pos = &rule->def.pos;
	struct filter_text source = text_for_filter(&kept);

	return filter_check_output(&source, k->c->diags) == 0;
}

/* Falco warns of more than a hundred event types, about 50 names. */
enum { MANY_EVENTS = 100 };

static void compile_condition(struct compiler *k, struct rule_def *rule, struct compiled_rule *out)
{
	_autotext_ struct text_builder joined = {0};
	_autosyntax_ struct filter_syntax *syntax = NULL;
	struct filter_macros macros = {.find = find_macro, .ctx = k};
	struct text t;

	if (!exception_join(k->c, &joined, rule))
		return;
	int r = text_finish(&t, &joined, &k->arena);

	if (r == -ENOMEM)
		k->c->out_of_memory = true;
	else if (r)
		diag_add(k->c->diags, DIAG_ERROR, rule->def.pos, "too-large",
		         "with its exceptions, the condition is longer than %d bytes; split it", FILTER_MAX_TEXT);
	if (r || !parse(k, &t, &syntax))
		return;
	r = filter_compile(&out->filter, syntax, &macros, k->c->diags);
	if (r == -ENOMEM)
		k->c->out_of_memory = true;
	if (r)
		return;
	out->events = filter_event_types(filter_root(out->filter));
	size_t n = filter_event_set_count(&out->events);

	if ((n == 0 || n > MANY_EVENTS) && rule->fields.warn_evttypes)
		diag_add(k->c->diags, DIAG_WARNING, rule->def.pos, "no-event-type",
		         "the rule '%s' %s; add a check such as evt.type = execve", rule->def.name,
		         n ? "is evaluated for nearly every event" : "can match no event type");
}

/* Only what a rule with skip-if-unknown-filter forgives. */
static bool only_unknown(const struct diag_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].severity == DIAG_ERROR && strcmp(l->items[i].code, "unknown-field") != 0 &&
		    strcmp(l->items[i].code, "unknown-event-type") != 0)
			return false;
	return l->errors > 0 && !l->out_of_memory;
}

/* Hands messages on; `soften` makes warnings of errors. */
static void pass_on(struct diag_list *to, const struct diag_list *from, bool soften)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct diag *d = &from->items[i];

		diag_add(to, soften ? DIAG_WARNING : d->severity, (struct source_pos){d->file, d->line, d->column},
		         d->code, "%s", d->message);
	}
	to->out_of_memory |= from->out_of_memory;
}

static void compile_rule(struct compiler *k, struct rule_def *rule, struct compiled_rule *out)
{
	_autodiag_ struct diag_list own = DIAG_LIST_INIT;
	struct diag_list *all = k->c->diags;

	/* A rule with another mistake is still read, to report all of its errors at once; the set is refused anyway. */
	if (rule->def.broken &&
	    (!rule->fields.condition.bytes || !rule->fields.output.bytes || rule->fields.nexceptions))
		return;
	if (!rule->known_source) {
		out->state = RULE_OTHER_SOURCE;
		return;
	}
	k->c->diags = &own;
	check_output(k, rule);
	compile_condition(k, rule, out);
	k->c->diags = all;
	bool skip = rule->fields.skip_unknown && only_unknown(&own);

	if (skip) {
		out->state = RULE_SKIPPED;
		filter_free(out->filter);
		out->filter = NULL;
	}
	pass_on(all, &own, skip);
}

void compile_rules(struct collection *c, struct compiled_rule *out)
{
	struct compiler k = {.c = c};

	compile_lists(&k);
	if (!c->out_of_memory)
		compile_macros(&k);
	for (size_t i = 0; i < c->nrules && !c->out_of_memory; i++)
		compile_rule(&k, c->rules[i], &out[i]);
	for (size_t i = 0; k.owned && i < c->nmacros; i++)
		filter_syntax_free(k.owned[i]);
	free(k.lists);
	free(k.macros);
	free(k.owned);
	arena_free(&k.arena);
}
