/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the parsed text to the typed tree: puts macros in, looks fields up, checks arguments, operators and values.
 * Knows no grammar and no YAML; what a macro is called, its caller knows.
 */
#include "filter/arena.h"
#include "filter/syntax.h"
#include "filter/value.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

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
	struct arena *arena;
	const struct filter_macros *macros;
	struct diag_list *diags;
	size_t nodes;
	bool failed; /* something was reported, or a macro's text is known to be wrong */
	bool stop;   /* a limit was passed: more would be said about a tree that is given up */
	bool out_of_memory;
};

#define FAIL(c, pos, code, ...)                                             \
	do {                                                                \
		(c)->failed = true;                                         \
		diag_add((c)->diags, DIAG_ERROR, (pos), code, __VA_ARGS__); \
	} while (0)

static void *alloc(struct compiler *c, size_t size)
{
	void *m = arena_alloc(c->arena, size);

	if (!m)
		c->out_of_memory = c->stop = true;
	return m;
}

static char *copy(struct compiler *c, const char *text, size_t len)
{
	char *s = arena_strndup(c->arena, text, len);

	if (!s)
		c->out_of_memory = c->stop = true;
	return s;
}

/* Arguments */

static bool is_index(const char *arg, uint64_t *index)
{
	size_t n = strspn(arg, "0123456789");

	if (n == 0 || arg[n] != '\0' || n > 10)
		return false;
	*index = strtoull(arg, NULL, 10);
	return *index <= INT_MAX;
}

/* Whether the argument suits the field: `dotted` behind a dot, `bracket` in brackets; NULL where none was given. */
static bool argument_fits(const struct field_info *f, const char *dotted, const char *bracket)
{
	uint64_t index;

	if (dotted && bracket)
		return false;
	switch (f->arg) {
	case FIELD_ARG_NONE:
		return !dotted && !bracket;
	case FIELD_ARG_INDEX:
		return bracket && is_index(bracket, &index);
	case FIELD_ARG_INDEX_OPTIONAL:
		return !bracket || is_index(bracket, &index);
	case FIELD_ARG_KEY_OPTIONAL:
		return !bracket || *bracket;
	case FIELD_ARG_KEY:
	case FIELD_ARG_KEY_OR_INDEX:
		return bracket && *bracket;
	case FIELD_ARG_DOTTED:
		return dotted != NULL;
	case FIELD_ARG_DOTTED_OPTIONAL:
		return !bracket;
	case FIELD_ARG_DOTTED_OR_INDEX:
		return dotted || (bracket && is_index(bracket, &index));
	case FIELD_ARGS:
		break;
	}
	return false;
}

static const struct field_info *find_field(struct diag_list *diags, struct source_pos pos, const char *name,
                                           const char **dotted)
{
	const struct field_info *f = field_by_name(name, strlen(name), dotted), *near;

	if (f)
		return f;
	near = field_suggest(name, strlen(name));
	diag_add(diags, DIAG_ERROR, pos, "unknown-field", "unknown field %s%s%s; see the list of Falco's fields", name,
	         near ? ", did you mean " : "", near ? near->name : "");
	return NULL;
}

static bool check_argument(struct diag_list *diags, struct source_pos pos, const struct field_info *f,
                           const char *dotted, const char *bracket)
{
	if (f->id == FIELD_EVT_TYPE_IS && dotted && !filter_event_known(dotted)) {
		diag_add(diags, DIAG_ERROR, pos, "unknown-event-type", "'%s' is no event type that Falco knows",
		         dotted);
		return false;
	}
	if (argument_fits(f, dotted, bracket) && !(bracket && strchr(bracket, ']')))
		return true;
	diag_add(diags, DIAG_ERROR, pos, "bad-argument", "the field %s takes %s", f->name, field_arg_form(f->arg));
	return false;
}

static void set_argument(struct compiler *c, struct filter_term *t, const char *dotted, const char *bracket)
{
	const char *arg = dotted ? dotted : bracket;

	t->arg_index = FILTER_NO_INDEX;
	if (!arg)
		return;
	t->has_arg = true;
	t->arg_text = copy(c, arg, strlen(arg));
	if (!is_index(arg, &t->arg_index))
		t->arg_index = FILTER_NO_INDEX;
}

/* Leaves */

static bool check_comparable(struct compiler *c, const struct syntax_node *s, const struct field_info *f)
{
	if (f->flags & FIELD_PRINT_ONLY) {
		FAIL(c, s->pos, "unsupported-field", "the field %s can only be printed; remove the check", f->name);
	} else if (f->type == FIELD_TYPE_DYNAMIC) {
		FAIL(c, s->pos, "unsupported-field", "comparing %s is not supported yet; use evt.arg.%s instead",
		     s->name, s->name + (strlen(f->name) < strlen(s->name) ? strlen(f->name) + 1 : strlen(s->name)));
	} else if (!filter_op_fits(s->op, f)) {
		FAIL(c, s->op_pos, "bad-operator", "the operator '%s' does not compare %s, which is a %s%s",
		     filter_op_name(s->op), f->name, f->flags & FIELD_LIST ? "list of type " : "",
		     field_type_name(f->type));
	} else {
		return true;
	}
	return false;
}

static void set_values(struct compiler *c, struct filter_node *n, const struct syntax_node *s)
{
	size_t i = 0;

	if (!s->nvalues)
		return;
	n->values = alloc(c, s->nvalues * sizeof(*n->values));
	if (!n->values)
		return;
	for (const struct syntax_value *sv = s->values; sv; sv = sv->next) {
		struct filter_value *v = &n->values[i++];

		v->text = copy(c, sv->text, sv->len);
		if (!v->text)
			return;
		v->len = sv->len;
		v->pos = sv->pos;
		const char *wrong = filter_value_parse(v, n->left->field);

		if (wrong)
			FAIL(c, v->pos, n->left->field->id == FIELD_EVT_TYPE ? "unknown-event-type" : "bad-value",
			     "'%s' is %s (the field %s is a %s)", v->text, wrong, n->left->field->name,
			     field_type_name(n->left->field->type));
	}
	n->nvalues = i;
}

static void compile_leaf(struct compiler *c, struct filter_node *n, const struct syntax_node *s)
{
	const char *dotted = NULL;
	const struct field_info *f = find_field(c->diags, s->pos, s->name, &dotted);

	if (!f || !check_argument(c->diags, s->arg ? s->arg_pos : s->pos, f, dotted, s->arg)) {
		c->failed = true;
		return;
	}
	if (!check_comparable(c, s, f))
		return;
	n->left = alloc(c, sizeof(*n->left));
	if (!n->left)
		return;
	*n->left = (struct filter_term){.kind = FILTER_TERM_FIELD,
	                                .pos = s->pos,
	                                .type = f->type,
	                                .field = f,
	                                .is_list = (f->flags & FIELD_LIST) != 0,
	                                .selector = -1};
	n->op = s->op;
	set_argument(c, n->left, dotted, s->arg);
	set_values(c, n, s);
}

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
		c->failed = true;
		return NULL;
	}
	struct filter_use *use = alloc(c, sizeof(*use));

	if (!use)
		return NULL;
	*use = (struct filter_use){copy(c, s->name, strlen(s->name)), s->pos, scope ? scope->use : NULL};
	return compile_node(c, m->syntax->root, &(struct scope){m, use, scope}, depth + 1);
}

static void compile_kids(struct compiler *c, struct filter_node *n, const struct syntax_node *s,
                         const struct scope *scope, unsigned int depth)
{
	n->kids = alloc(c, s->nkids * sizeof(struct filter_node *));
	for (const struct syntax_node *kid = s->kids; kid && !c->stop; kid = kid->next) {
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
	struct filter_node *n = alloc(c, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = kind_of(s->kind);
	n->pos = s->pos;
	n->use = scope ? scope->use : NULL;
	if (n->kind == FILTER_LEAF)
		compile_leaf(c, n, s);
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
	struct compiler c = {.arena = &f->arena, .macros = macros, .diags = diags};

	f->root = compile_node(&c, syntax->root, NULL, 0);
	if (c.out_of_memory)
		return -ENOMEM;
	if (c.failed)
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

const struct filter_node *filter_root(const struct filter *f)
{
	return f->root;
}

/* Output texts */

/* Longer than any field's name; longer names in outputs are fields only with what follows a dot. */
enum { LONGEST_NAME = 64 };

/* The field that the token starts with: the longest prefix that is one. Returns its length, 0 if there is none. */
static size_t field_prefix(const char *name, size_t len, const struct field_info **f, const char **dotted)
{
	*f = field_by_name(name, len, dotted);
	if (*f)
		return len;
	for (len = len < LONGEST_NAME ? len : LONGEST_NAME; len; len--) {
		*f = field_by_name(name, len, dotted);
		if (*f)
			return len;
	}
	return 0;
}

/* Checks the field that starts at `at`; returns the bytes it takes, 0 after an error. */
static size_t check_token(const struct filter_text *t, size_t at, struct diag_list *diags)
{
	const char *s = t->bytes + at, *bracket, *dotted = NULL;
	size_t name_len, arg_len, taken = syntax_lex_field(s, t->len - at, &name_len, &bracket, &arg_len);
	struct source_pos pos = filter_text_pos(t, at);
	const struct field_info *f = NULL;

	if (syntax_transformer(s, t->len - at)) {
		diag_add(diags, DIAG_ERROR, pos, "unsupported-transformer",
		         "transformers in an output are not supported yet; print the field itself");
		return 0;
	}
	if (!taken) {
		diag_add(diags, DIAG_ERROR, pos, "bad-output",
		         "expected a field's name after '%%'; an output cannot contain a lone '%%'");
		return 0;
	}
	size_t n = field_prefix(s, name_len, &f, &dotted);
	_autofree_ char *name = strndup(s, n ? n : name_len);
	_autofree_ char *arg = bracket && n == name_len ? strndup(bracket, arg_len) : NULL;

	if (!name || (bracket && n == name_len && !arg)) {
		diags->out_of_memory = true;
		return 0;
	}
	if (!f) {
		find_field(diags, pos, name, &dotted);
		return 0;
	}
	if (f->flags & FIELD_FILTER_ONLY) {
		diag_add(diags, DIAG_ERROR, pos, "bad-output",
		         "the field %s can only be compared, not printed; remove it from the output", f->name);
		return 0;
	}
	/* Behind a name that was cut short the bracket is plain text, and so it is behind a field without arguments. */
	if (f->arg == FIELD_ARG_NONE)
		return n;
	return check_argument(diags, pos, f, dotted ? name + (dotted - s) : NULL, arg) ? (arg ? taken : n) : 0;
}

int filter_check_output(const struct filter_text *text, struct diag_list *diags)
{
	size_t errors = diags->errors;

	if (text->len == 0)
		diag_add(diags, DIAG_ERROR, filter_text_pos(text, 0), "bad-output",
		         "the output is empty; write a text with %%fields");
	for (size_t i = 0; i < text->len; i++) {
		if (text->bytes[i] != '%')
			continue;
		while (i + 1 < text->len && text->bytes[i + 1] >= '0' && text->bytes[i + 1] <= '9')
			i++; /* a width */
		i += check_token(text, i + 1 < text->len ? i + 1 : text->len, diags);
	}
	return diags->errors > errors || diags->out_of_memory ? -EINVAL : 0;
}
