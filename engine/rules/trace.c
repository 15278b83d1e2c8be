/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches the macros that a condition names, and the macros that those name, for the text that a place is in.
 */
#include "rules/trace.h"

#include <stdlib.h>
#include <string.h>

#include "rules/exception.h"

static struct source_pos pos_of(const struct diag *d)
{
	return (struct source_pos){d->file, d->line, d->column};
}

/* Where a text names a macro. */
struct finding {
	const char *name;
	struct source_pos pos;
	bool found;
};

static void match_name(void *ctx, const char *name, struct source_pos pos)
{
	struct finding *f = ctx;

	if (f->found || strcmp(name, f->name) != 0)
		return;
	f->pos = pos;
	f->found = true;
}

static struct source_pos use_of(const struct filter_syntax *syntax, const char *name, struct source_pos otherwise)
{
	struct finding f = {.name = name};

	filter_syntax_names(syntax, match_name, &f);
	return f.found ? f.pos : otherwise;
}

/* A search through macros, each entered once. */
struct path {
	const struct macros *m;
	struct source_pos pos; /* that is looked for */
	bool *seen;            /* by macro */
	size_t *from;          /* the macro that it was entered from; the number of macros: the rule */
	size_t *queue, head, tail;
};

static void enter(struct path *p, size_t macro, size_t from)
{
	if (p->seen[macro])
		return;
	p->seen[macro] = true;
	p->from[macro] = from;
	p->queue[p->tail++] = macro;
}

struct entering {
	struct path *path;
	size_t from;
};

static void enter_name(void *ctx, const char *name, struct source_pos pos)
{
	struct entering *e = ctx;
	size_t i = collection_macro_index(e->path->m->c, name);

	(void)pos;
	if (i < e->path->m->count)
		enter(e->path, i, e->from);
}

/* The macro whose text the place is in; the number of macros if there is none. */
static size_t find_macro(struct path *p, const struct filter_syntax *syntax)
{
	struct entering e = {p, p->m->count};

	filter_syntax_names(syntax, enter_name, &e);
	while (p->head < p->tail) {
		size_t macro = p->queue[p->head++];
		const struct uses *names = &p->m->states[macro].names;

		if (text_covers(&p->m->states[macro].text, p->pos))
			return macro;
		for (size_t i = 0; i < names->count; i++)
			enter(p, names->items[i], macro);
	}
	return p->m->count;
}

static void note_path(const struct trace *t, const struct path *p, size_t macro, struct diag_list *diags)
{
	struct source_pos rule = text_place_pos(t->rule->def.place);

	for (; p->from[macro] < p->m->count; macro = p->from[macro]) {
		const struct macro_state *outer = &p->m->states[p->from[macro]];
		const char *name = p->m->states[macro].macro.name;

		diag_note(diags, use_of(outer->parsed, name, rule), "in the macro '%s', used by the macro '%s' here",
		          name, outer->macro.name);
	}
	diag_note(diags, use_of(t->syntax, p->m->states[macro].macro.name, rule),
	          "in the macro '%s', used by the rule '%s' here", p->m->states[macro].macro.name, t->rule->def.name);
}

static bool explain_by_macros(const struct trace *t, struct diag_list *diags)
{
	size_t n = t->macros->count;
	_autofree_ bool *seen = calloc(n + 1, sizeof(*seen));
	_autofree_ size_t *numbers = calloc(2 * n + 1, sizeof(*numbers));

	if (!t->syntax || !seen || !numbers)
		return false;
	struct path p = {.m = t->macros, .pos = pos_of(&diags->items[diags->count - 1]), .seen = seen};

	p.from = numbers;
	p.queue = numbers + n;
	size_t macro = find_macro(&p, t->syntax);

	if (macro < n)
		note_path(t, &p, macro, diags);
	return macro < n;
}

static bool list_covers(const struct list_def *list, struct source_pos pos)
{
	for (size_t i = 0; i < list->nitems; i++)
		if (text_covers(&list->items[i], pos))
			return true;
	return false;
}

/* Where the list was put into the text: the blank before its first item stands for its name. */
static struct source_pos place_of_use(const struct text *t, const struct list_def *list, struct source_pos otherwise)
{
	bool within = false;

	for (size_t i = t->nruns; i; i--) {
		struct source_pos pos =
		        text_place_pos((struct text_place){t->runs[i - 1].source, t->runs[i - 1].offset});
		bool covers = list_covers(list, pos);

		if (within && !covers)
			return t->runs[i - 1].fixed ? pos : otherwise;
		within |= covers;
	}
	return otherwise;
}

static void explain_by_lists(const struct trace *t, struct diag_list *diags)
{
	struct source_pos pos = pos_of(&diags->items[diags->count - 1]);

	for (size_t i = 0; i < t->lists->count; i++) {
		const struct list_def *list = t->macros->c->lists[t->lists->items[i]];

		if (!list_covers(list, pos))
			continue;
		diag_note(diags, place_of_use(t->text, list, text_place_pos(t->rule->def.place)),
		          "in the list '%s', which is put into the rule '%s' here", list->def.name, t->rule->def.name);
		return;
	}
}

static bool explain_by_exceptions(const struct trace *t, struct diag_list *diags)
{
	const struct diag *d = &diags->items[diags->count - 1];
	const struct exception *ex = d->severity == DIAG_ERROR ? exception_at(t->rule, pos_of(d)) : NULL;

	if (ex)
		diag_note(diags, text_place_pos(ex->place), "in the exception '%s' of the rule '%s'", ex->name,
		          t->rule->def.name);
	return ex != NULL;
}

void trace_explain(struct trace *t, struct diag_list *diags)
{
	const struct diag *d = diags->count ? &diags->items[diags->count - 1] : NULL;

	if (!d || !d->file || !d->line || !d->column || d->nnotes || !t->budget)
		return;
	if (text_covers(&t->rule->fields.condition, pos_of(d)) || text_covers(&t->rule->fields.output, pos_of(d)))
		return;
	t->budget--;
	if (!explain_by_exceptions(t, diags) && !explain_by_macros(t, diags))
		explain_by_lists(t, diags);
}
