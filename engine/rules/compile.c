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
	size_t expanded;              /* items of `lists` */
	bool odd_lists;               /* some list's name holds a delimiter */
	struct filter_macro *macros;  /* as c->macros */
	size_t *component;            /* of each macro: those that lead to each other share it */
	struct filter_syntax **owned; /* the macros' texts */
};

/* Texts and delimiters */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_delimiter(char c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

static bool has_delimiter(const char *name)
{
	while (*name && !is_delimiter(*name))
		name++;
	return *name;
}

/* Lists */

/* Of all lists together: one that names a large list often grows by products. */
enum { EXPANDED_MAX = 4 << 20 };

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
	k->expanded += n;
	if (k->expanded > EXPANDED_MAX) {
		diag_add(k->c->diags, DIAG_ERROR, list->def.pos, "too-large",
		         "with the lists in them put in, the lists have more than %d items; split the file",
		         EXPANDED_MAX);
		return;
	}
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

static void compile_lists(struct compiler *k)
{
	k->lists = calloc(k->c->nlists + 1, sizeof(*k->lists));
	if (!k->lists) {
		k->c->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < k->c->nlists; i++) {
		expand_list(k, k->c->lists[i], &k->lists[i]);
		k->odd_lists |= has_delimiter(k->c->lists[i]->def.name);
	}
}

/* Lists in texts */

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

/* The first list from number `from` on whose name stands in the text; nlists if none. */
static size_t next_list(const struct compiler *k, const struct text *t, size_t from)
{
	size_t next = k->c->nlists;

	for (size_t at = 0; at < t->len; at++) {
		size_t start = at;

		while (at < t->len && !is_delimiter(t->bytes[at]))
			at++;
		size_t i = at > start ? collection_list_index(k->c, t->bytes + start, at - start) : k->c->nlists;

		if (i >= from && i < next)
			next = i;
	}
	/* A name with a delimiter in it is no word of the text. */
	for (size_t i = from; k->odd_lists && i < next; i++)
		if (has_delimiter(k->lists[i].def.name) &&
		    find_name(t, k->lists[i].def.name, strlen(k->lists[i].def.name), 0) < t->len)
			next = i;
	return next;
}

/* All lists into a text, in order. False after an error, which is reported. */
static bool expand_text(struct compiler *k, struct text *t)
{
	for (size_t i = next_list(k, t, 0); i < k->c->nlists; i = next_list(k, t, i + 1)) {
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

/* What macros name, as numbers of macros: those of macro i from starts[i] to starts[i + 1]. */
struct edges {
	struct compiler *k;
	size_t *starts, *targets;
	size_t n;
};

static void edges_free(struct edges *e)
{
	free(e->starts);
	free(e->targets);
}

static void add_edge(void *ctx, const char *name, struct source_pos pos)
{
	struct edges *e = ctx;
	size_t i = collection_macro_index(e->k->c, name);

	(void)pos;
	if (i == e->k->c->nmacros || e->k->c->out_of_memory)
		return;
	if ((e->n & (e->n - 1)) == 0) { /* full at each power of two */
		size_t *grown = realloc(e->targets, (e->n ? e->n * 2 : 1) * sizeof(*grown));

		if (!grown) {
			e->k->c->out_of_memory = true;
			return;
		}
		e->targets = grown;
	}
	e->targets[e->n++] = i;
}

/* Tarjan's search for strongly connected components, with stacks of its own: chains may be long. */
struct search {
	const struct edges *e;
	size_t *order, *low, *at; /* by macro; order 0: not seen; at: its next edge */
	size_t *path, npath, *open, nopen;
	size_t seen;
	size_t *component; /* by macro; 0 while open */
};

static void enter(struct search *s, size_t macro)
{
	s->order[macro] = s->low[macro] = ++s->seen;
	s->at[macro] = s->e->starts[macro];
	s->path[s->npath++] = macro;
	s->open[s->nopen++] = macro;
}

static void leave(struct search *s, size_t macro)
{
	size_t outer = --s->npath ? s->path[s->npath - 1] : macro;

	if (s->low[macro] < s->low[outer])
		s->low[outer] = s->low[macro];
	if (s->low[macro] != s->order[macro])
		return;
	for (size_t member = s->e->k->c->nmacros; member != macro;) {
		member = s->open[--s->nopen];
		s->component[member] = s->order[macro];
	}
}

static void search_from(struct search *s, size_t start)
{
	enter(s, start);
	while (s->npath) {
		size_t macro = s->path[s->npath - 1];

		if (s->at[macro] == s->e->starts[macro + 1]) {
			leave(s, macro);
			continue;
		}
		size_t next = s->e->targets[s->at[macro]++];

		if (!s->order[next])
			enter(s, next);
		else if (!s->component[next] && s->order[next] < s->low[macro])
			s->low[macro] = s->order[next];
	}
}

static void find_components(struct compiler *k)
{
	size_t n = k->c->nmacros;
	_cleanup_(edges_free) struct edges e = {.k = k, .starts = calloc(n + 1, sizeof(size_t))};
	_autofree_ size_t *memory = calloc(5 * n + 1, sizeof(*memory));

	k->component = calloc(n + 1, sizeof(*k->component));
	if (!e.starts || !memory || !k->component) {
		k->c->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (k->owned[i])
			filter_syntax_names(k->owned[i], add_edge, &e);
		e.starts[i + 1] = e.n;
	}
	if (k->c->out_of_memory)
		return;
	struct search s = {.e = &e, .component = k->component, .order = memory, .low = memory + n};

	s.at = memory + 2 * n;
	s.path = memory + 3 * n;
	s.open = memory + 4 * n;
	for (size_t i = 0; i < n; i++)
		if (!s.order[i])
			search_from(&s, i);
}

struct name_check {
	struct compiler *k;
	size_t macro; /* whose text it is */
	bool failed;
};

static void check_name(void *ctx, const char *name, struct source_pos pos)
{
	struct name_check *n = ctx;
	const struct collection *c = n->k->c;
	const struct macro_def *from = c->macros[n->macro];
	size_t i = collection_macro_index(c, name);

	if (i == c->nmacros) {
		diag_add(c->diags, DIAG_ERROR, pos, "unknown-macro",
		         "'%s' is neither a macro nor a check; define the macro or add an operator", name);
	} else if (n->k->component[i] == n->k->component[n->macro]) {
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
	find_components(k);
	if (c->out_of_memory)
		return;
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
	size_t i = collection_macro_index(k->c, name);

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
	free(k.component);
	arena_free(&k.arena);
}
