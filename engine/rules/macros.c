/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A macro sees those that were defined before its last change, a rule sees all. Knows no YAML and no types.
 */
#include "rules/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void macros_free(struct macros *m)
{
	for (size_t i = 0; i < m->count; i++) {
		filter_syntax_free(m->states[i].parsed);
		uses_free(&m->states[i].lists);
		uses_free(&m->states[i].names);
	}
	free(m->states);
	arena_free(&m->arena);
	*m = (struct macros){0};
}

int macros_grow(struct macros *m)
{
	size_t n = m->c->nmacros;

	if (n > m->cap) {
		size_t cap = m->cap * 2 > n ? m->cap * 2 : n;
		struct macro_state *grown = realloc(m->states, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		m->states = grown;
		m->cap = cap;
	}
	for (; m->count < n; m->count++)
		m->states[m->count] = (struct macro_state){.macro.name = m->c->macros[m->count]->def.name};
	return 0;
}

/* Parsing */

struct naming {
	struct macros *m;
	struct uses *names;
};

static void add_name(void *ctx, const char *name, struct source_pos pos)
{
	struct naming *n = ctx;
	size_t i = collection_macro_index(n->m->c, name);

	(void)pos;
	if (i < n->m->c->nmacros && uses_add(n->names, i))
		n->m->c->out_of_memory = true;
}

/* A copy of a text in the arena: messages about the macro are looked up in it later. */
static bool keep_text(struct macros *m, const struct text *t, struct text *out)
{
	_autotext_ struct text_builder b = {0};

	text_add(&b, t);
	if (text_finish(out, &b, text_start(t), &m->arena)) {
		m->c->out_of_memory = true;
		return false;
	}
	return true;
}

/* What a list is good for. */
static void report_list(struct diag_list *diags, struct source_pos pos, const char *code, const char *name)
{
	diag_add(diags, DIAG_ERROR, pos, code, "'%s' is a list; write FIELD in (%s)", name, name);
}

bool macros_restate_list(struct diag_list *diags, const struct expander *x, const struct text *written,
                         const struct uses *lists)
{
	struct diag *d = &diags->items[diags->count - 1];
	struct source_pos pos = {d->file, d->line, d->column};
	const char *name = strcmp(d->code, "syntax") == 0 ? expand_misused(x, written, lists, &pos) : NULL;
	_autodiag_ struct diag_list other = {.sources = diags->sources};

	if (!name)
		return false;
	report_list(&other, pos, d->code, name);
	if (other.count) {
		struct diag old = *d;

		*d = other.items[0];
		other.items[0] = old;
	}
	diags->out_of_memory |= other.out_of_memory;
	return true;
}

/* An error of a macro's text may be in a list that was put in. */
static void explain(struct diag_list *diags, const struct macro_def *def, const struct expander *x,
                    const struct uses *lists)
{
	const struct diag *d = diags->count ? &diags->items[diags->count - 1] : NULL;

	if (d && macros_restate_list(diags, x, &def->condition, lists))
		return;
	if (d && !text_covers(&def->condition, (struct source_pos){d->file, d->line, d->column}))
		diag_note(diags, text_place_pos(def->def.place), "in a list that is put into the macro '%s'",
		          def->def.name);
}

void macro_parse(struct macros *m, size_t number, struct expander *x)
{
	struct macro_def *def = m->c->macros[number];
	struct macro_state *state = &m->states[number];
	struct text t = def->condition;

	filter_syntax_free(state->parsed);
	state->parsed = NULL;
	state->macro.syntax = NULL;
	state->lists.count = state->names.count = 0;
	state->stale = true;
	state->text = (struct text){0};
	if (def->def.broken || !expand_text(x, &t, &state->lists) || !keep_text(m, &t, &state->text))
		return;
	struct filter_text source = text_for_filter(&state->text);

	int r = filter_syntax_parse(&state->parsed, &source, m->c->diags);

	if (r == -ENOMEM)
		m->c->out_of_memory = true;
	else if (r)
		explain(m->c->diags, def, x, &state->lists);
	state->macro.syntax = state->parsed;
	struct naming n = {m, &state->names};

	if (state->parsed)
		filter_syntax_names(state->parsed, add_name, &n);
}

/* Cycles: Tarjan's search for strongly connected components, with stacks of its own, since chains may be long. */
struct search {
	struct macros *m;
	size_t *order, *low, *at; /* by macro; order 0: not seen; at: its next name */
	size_t *path, npath, *open, nopen;
	size_t seen;
};

static void enter(struct search *s, size_t macro)
{
	s->order[macro] = s->low[macro] = ++s->seen;
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
	for (size_t member = s->m->count; member != macro;) {
		member = s->open[--s->nopen];
		s->m->states[member].component = s->order[macro];
	}
}

static void search_from(struct search *s, size_t start)
{
	enter(s, start);
	while (s->npath) {
		size_t macro = s->path[s->npath - 1];
		const struct uses *names = &s->m->states[macro].names;

		if (s->at[macro] == names->count) {
			leave(s, macro);
			continue;
		}
		size_t next = names->items[s->at[macro]++];

		if (!s->order[next])
			enter(s, next);
		else if (!s->m->states[next].component && s->order[next] < s->low[macro])
			s->low[macro] = s->order[next];
	}
}

static void find_components(struct macros *m)
{
	_autofree_ size_t *memory = calloc(5 * m->count + 1, sizeof(*memory));

	if (!memory) {
		m->c->out_of_memory = true;
		return;
	}
	struct search s = {.m = m, .order = memory, .low = memory + m->count, .at = memory + 2 * m->count};

	s.path = memory + 3 * m->count;
	s.open = memory + 4 * m->count;
	for (size_t i = 0; i < m->count; i++)
		m->states[i].component = 0;
	for (size_t i = 0; i < m->count; i++)
		if (!s.order[i])
			search_from(&s, i);
}

/* Names */

static bool sees(const struct macro_def *from, const struct macro_def *to)
{
	return to->def.first < from->def.last;
}

void macros_report_unknown(const struct expander *x, const char *name, struct source_pos pos,
                           const struct text *written, const struct uses *lists)
{
	struct collection *c = x->c;
	const char *near = NULL, *list = NULL;

	if (c->incomplete)
		return;
	c->searched += written->nruns;
	if (c->searched <= SEARCHED_MAX && !text_covers(written, pos))
		list = expand_misused(x, written, lists, &pos);
	if (list || collection_list(c, name)) {
		report_list(c->diags, pos, "unknown-macro", list ? list : name);
		return;
	}
	if (strcmp(name, "not") == 0) {
		diag_add(c->diags, DIAG_ERROR, pos, "unknown-macro", "a check is missing after 'not'");
		return;
	}
	near = collection_suggest_macro(c, name);
	if (!near) {
		const struct field_info *field = field_suggest(name, strlen(name));

		near = field ? field->name : collection_suggest_list(c, name);
	}
	diag_add(c->diags, DIAG_ERROR, pos, "unknown-macro",
	         "'%s' is neither a macro nor a check%s%s%s; define the macro or add an operator", name,
	         near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
}

struct name_check {
	struct macros *m;
	const struct expander *x;
	size_t macro; /* whose text it is */
	bool failed;
};

static void check_name(void *ctx, const char *name, struct source_pos pos)
{
	struct name_check *n = ctx;
	struct collection *c = n->m->c;
	const struct macro_def *from = c->macros[n->macro];
	size_t i = collection_macro_index(c, name);

	if (i == c->nmacros) {
		macros_report_unknown(n->x, name, pos, &from->condition, &n->m->states[n->macro].lists);
	} else if (n->m->states[i].component == n->m->states[n->macro].component) {
		diag_add(c->diags, DIAG_ERROR, pos, "cyclic-macro", "the macro '%s' uses itself%s%s%s; remove this use",
		         from->def.name, i == n->macro ? "" : " through '", i == n->macro ? "" : name,
		         i == n->macro ? "" : "'");
	} else if (!sees(from, c->macros[i])) {
		diag_add(c->diags, DIAG_ERROR, pos, "macro-order",
		         "the macro '%s' is used before its definition; move the definition up", name);
		diag_note(c->diags, text_place_pos(c->macros[i]->def.place), "it is defined here");
	} else {
		return;
	}
	n->failed = true;
}

void macros_check(struct macros *m, const struct expander *x)
{
	find_components(m);
	for (size_t i = 0; i < m->count && !m->c->out_of_memory; i++) {
		struct name_check n = {.m = m, .x = x, .macro = i};

		if (!m->states[i].stale || !m->states[i].parsed)
			continue;
		filter_syntax_names(m->states[i].parsed, check_name, &n);
		if (n.failed)
			m->states[i].macro.syntax = NULL;
	}
}

const struct filter_macro *macros_find(const void *ctx, const struct filter_macro *inside, const char *name)
{
	const struct macros *m = ctx;
	size_t i = collection_macro_index(m->c, name);

	if (i == m->c->nmacros)
		return NULL;
	if (inside) {
		size_t from = (size_t)((const struct macro_state *)(const void *)inside - m->states);

		if (!sees(m->c->macros[from], m->c->macros[i]))
			return NULL;
	}
	return &m->states[i].macro;
}
_Static_assert(offsetof(struct macro_state, macro) == 0, "macros_find() takes one for the other");
