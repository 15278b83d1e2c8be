/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the parsed text to the typed tree: puts macros in, and has each comparison checked. Knows no grammar and no
 * YAML; what a macro is called, its caller knows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filter/check.h"

struct filter {
	struct arena arena;
	struct filter_node *root;
};

/* The macros that are being put in, innermost first. */
struct scope {
	const struct filter_macro *macro;
	const struct filter_use *use;
	const struct scope *outer;
};

struct compiler {
	struct compile_state state;
	const struct filter_macros *macros;
	size_t nodes;
	bool stop; /* a limit was passed: more would be said about a tree that is given up */
};

#define FAIL(c, pos, code, ...) COMPILE_FAIL(&(c)->state, pos, code, __VA_ARGS__)

/* Trees */

static struct filter_node *compile_node(struct compiler *c, const struct syntax_node *s, const struct scope *scope,
                                        unsigned int depth);

static bool in_scope(const struct scope *scope, const struct filter_macro *m)
{
	for (; scope; scope = scope->outer)
		if (scope->macro == m)
			return true;
	return false;
}

static struct filter_node *compile_macro(struct compiler *c, const struct syntax_node *s, const struct scope *scope,
                                         unsigned int depth)
{
	const struct filter_macro *inside = scope ? scope->macro : NULL;
	const struct filter_macro *m = c->macros ? c->macros->find(c->macros->ctx, inside, s->name) : NULL;

	if (!m && strcmp(s->name, "not") == 0) {
		FAIL(c, s->pos, "unknown-macro", "a check is missing after 'not'");
		return NULL;
	}
	if (!m) {
		FAIL(c, s->pos, "unknown-macro",
		     "'%s' is neither a macro nor a check; define the macro or add an operator", s->name);
		return NULL;
	}
	if (in_scope(scope, m)) {
		FAIL(c, s->pos, "cyclic-macro", "the macro '%s' uses itself; remove this use", s->name);
		return NULL;
	}
	if (!m->syntax) {
		c->state.failed = true;
		return NULL;
	}
	struct filter_use *use = compile_alloc(&c->state, sizeof(*use));

	if (!use)
		return NULL;
	*use = (struct filter_use){compile_copy(&c->state, s->name, strlen(s->name)), s->pos,
	                           scope ? scope->use : NULL};
	return compile_node(c, m->syntax->root, &(struct scope){m, use, scope}, depth + 1);
}

static void compile_kids(struct compiler *c, struct filter_node *n, const struct syntax_node *s,
                         const struct scope *scope, unsigned int depth)
{
	n->kids = compile_alloc(&c->state, s->nkids * sizeof(struct filter_node *));
	if (!n->kids)
		return;
	for (const struct syntax_node *kid = s->kids; kid && !c->stop && !c->state.out_of_memory; kid = kid->next) {
		struct filter_node *k = compile_node(c, kid, scope, depth + 1);

		if (k)
			n->kids[n->nkids++] = k;
	}
}

static enum filter_kind kind_of(enum syntax_kind kind)
{
	switch (kind) {
	case SYNTAX_AND:
		return FILTER_AND;
	case SYNTAX_OR:
		return FILTER_OR;
	case SYNTAX_NOT:
		return FILTER_NOT;
	case SYNTAX_LEAF:
	case SYNTAX_NAME:
		break;
	}
	return FILTER_LEAF;
}

static struct filter_node *compile_node(struct compiler *c, const struct syntax_node *s, const struct scope *scope,
                                        unsigned int depth)
{
	if (depth > FILTER_MAX_TREE || ++c->nodes > FILTER_MAX_NODES) {
		FAIL(c, s->pos, depth > FILTER_MAX_TREE ? "too-deep" : "too-large",
		     "with its macros put in, the condition is %s; simplify it",
		     depth > FILTER_MAX_TREE ? "nested too deeply" : "too large");
		c->stop = true;
		return NULL;
	}
	if (s->kind == SYNTAX_NAME)
		return compile_macro(c, s, scope, depth);
	struct filter_node *n = compile_alloc(&c->state, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = kind_of(s->kind);
	n->pos = s->pos;
	n->use = scope ? scope->use : NULL;
	if (n->kind == FILTER_LEAF)
		check_compile(&c->state, n, s);
	else
		compile_kids(c, n, s, scope, depth);
	return n;
}

int filter_compile(struct filter **out, const struct filter_syntax *syntax, const struct filter_macros *macros,
                   struct diag_list *diags)
{
	_autofilter_ struct filter *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	struct compiler c = {.state = {.arena = &f->arena, .diags = diags}, .macros = macros};

	f->root = compile_node(&c, syntax->root, NULL, 0);
	if (c.state.out_of_memory)
		return -ENOMEM;
	if (c.state.failed)
		return -EINVAL;
	*out = TAKE_PTR(f);
	return 0;
}

int filter_parse(struct filter **out, const struct filter_text *text, struct diag_list *diags)
{
	_autosyntax_ struct filter_syntax *s = NULL;
	int r = filter_syntax_parse(&s, text, diags);

	return r ? r : filter_compile(out, s, NULL, diags);
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	arena_free(&f->arena);
	free(f);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which is bounded
static void move_node(struct filter_node *n, struct source_pos (*place)(void *ctx, const struct filter_node *n),
                      void *ctx)
{
	for (size_t i = 0; i < n->nkids; i++)
		move_node(n->kids[i], place, ctx);
	if (!n->nkids && !n->use)
		n->pos = place(ctx, n);
}

void filter_move(struct filter *f, struct source_pos (*place)(void *ctx, const struct filter_node *n), void *ctx)
{
	move_node(f->root, place, ctx);
}

const struct filter_node *filter_root(const struct filter *f)
{
	return f->root;
}
