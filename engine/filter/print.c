/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions as text again, and whether two are the same. Knows the tree and the quoting rules of the grammar.
 */
#include "filter/filter.h"

#include <string.h>

#include "base/buf.h"
#include "filter/syntax.h"

const char *filter_op_name(enum filter_op op)
{
	static const char *const names[FILTER_OPS] = {
	        [FILTER_OP_EQ] = "=",
	        [FILTER_OP_NE] = "!=",
	        [FILTER_OP_LT] = "<",
	        [FILTER_OP_LE] = "<=",
	        [FILTER_OP_GT] = ">",
	        [FILTER_OP_GE] = ">=",
	        [FILTER_OP_IN] = "in",
	        [FILTER_OP_INTERSECTS] = "intersects",
	        [FILTER_OP_PMATCH] = "pmatch",
	        [FILTER_OP_EXISTS] = "exists",
	        [FILTER_OP_CONTAINS] = "contains",
	        [FILTER_OP_ICONTAINS] = "icontains",
	        [FILTER_OP_BCONTAINS] = "bcontains",
	        [FILTER_OP_STARTSWITH] = "startswith",
	        [FILTER_OP_BSTARTSWITH] = "bstartswith",
	        [FILTER_OP_ENDSWITH] = "endswith",
	        [FILTER_OP_GLOB] = "glob",
	        [FILTER_OP_IGLOB] = "iglob",
	        [FILTER_OP_REGEX] = "regex",
	};

	return names[op];
}

const char *filter_mod_name(enum filter_mod mod)
{
	static const char *const names[FILTER_MODS] = {"", "oneof", "anyof", "allof"};

	return names[mod];
}

const char *filter_call_name(enum filter_call call)
{
	static const char *const names[FILTER_CALLS] = {
	        [FILTER_CALL_TOLOWER] = "tolower",   [FILTER_CALL_TOUPPER] = "toupper", [FILTER_CALL_B64] = "b64",
	        [FILTER_CALL_BASENAME] = "basename", [FILTER_CALL_LEN] = "len",         [FILTER_CALL_JOIN] = "join",
	        [FILTER_CALL_CONCAT] = "concat",     [FILTER_CALL_GETOPT] = "getopt",
	};

	return names[call];
}

/* Words that would be read as a modifier if a list or a name followed. */
static bool is_modifier(const char *text, size_t len)
{
	for (enum filter_mod mod = FILTER_MOD_ONEOF; mod < FILTER_MODS; mod++)
		if (strlen(filter_mod_name(mod)) == len && memcmp(text, filter_mod_name(mod), len) == 0)
			return true;
	return false;
}

/* Whether it can be written without quotes; no NUL needs to stand behind it. */
static bool is_bare(const char *text, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = syntax_character(text + i, len - i);
		if (!n || text[i] == ' ' || (text[i] >= '\b' && text[i] <= '\r') || strchr("()\"'=,", text[i]))
			return false;
	}
	return len && !is_modifier(text, len);
}

static void print_quoted(struct buf *out, const char *text, size_t len)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		static const char plain[] = "\b\f\n\r\t\"", letters[] = "bfnrt\"";
		const char *special = strchr(plain, text[i]);

		if (special)
			buf_addf(out, "\\%c", letters[special - plain]);
		else if (text[i] == '\\')
			/* "\\" at the end would hide the closing quote from the reader; "\ " is a backslash too. */
			buf_adds(out, i + 1 < len ? "\\\\" : "\\ ");
		else
			buf_addc(out, text[i]);
	}
	buf_addc(out, '"');
}

static void print_value(struct buf *out, const struct filter_value *v)
{
	if (is_bare(v->text, v->len))
		buf_add(out, v->text, v->len);
	else
		print_quoted(out, v->text, v->len);
}

/* What is in brackets: bare if it can be. */
static void print_bracket(struct buf *out, const char *text, size_t len)
{
	buf_addc(out, '[');
	if (is_bare(text, len) && !memchr(text, '[', len) && !memchr(text, ']', len))
		buf_add(out, text, len);
	else
		print_quoted(out, text, len);
	buf_addc(out, ']');
}

static void print_argument(struct buf *out, const struct filter_term *t)
{
	enum field_arg form = t->field->arg;
	size_t len = strlen(t->arg_text);

	if (form == FIELD_ARG_DOTTED_OR_INDEX ? t->is_index
	                                      : form != FIELD_ARG_DOTTED && form != FIELD_ARG_DOTTED_OPTIONAL) {
		print_bracket(out, t->arg_text, len);
	} else {
		buf_addc(out, '.');
		buf_add(out, t->arg_text, len);
	}
}

static void print_term(struct buf *out, const struct filter_term *t);

static void print_terms(struct buf *out, const struct filter_term *t)
{
	buf_addc(out, '(');
	for (size_t i = 0; i < t->nargs; i++) {
		if (i)
			buf_adds(out, ", ");
		print_term(out, t->args[i]);
	}
	buf_addc(out, ')');
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static void print_term(struct buf *out, const struct filter_term *t)
{
	switch (t->kind) {
	case FILTER_TERM_FIELD:
		buf_adds(out, t->field->name);
		if (t->has_arg)
			print_argument(out, t);
		break;
	case FILTER_TERM_TEXT:
		print_quoted(out, t->text, t->len);
		break;
	case FILTER_TERM_LIST:
		print_terms(out, t);
		break;
	case FILTER_TERM_CALL:
		buf_adds(out, filter_call_name(t->call));
		print_terms(out, t);
		if (t->selector >= 0)
			print_bracket(out, (const char[]){(char)t->selector, '\0'}, 1);
		break;
	}
}

void filter_print_term(struct buf *out, const struct filter_term *term)
{
	print_term(out, term);
}

static void print_right(struct buf *out, const struct filter_term *t)
{
	bool field = t->kind == FILTER_TERM_FIELD;

	buf_adds(out, field ? " val(" : " ");
	print_term(out, t);
	if (field)
		buf_addc(out, ')');
}

static void print_leaf(struct buf *out, const struct filter_node *n)
{
	bool list = n->op == FILTER_OP_IN || n->op == FILTER_OP_INTERSECTS || n->op == FILTER_OP_PMATCH || n->mod;

	print_term(out, n->left);
	buf_addc(out, ' ');
	buf_adds(out, filter_op_name(n->op));
	if (n->mod)
		buf_addf(out, " %s", filter_mod_name(n->mod));
	if (n->op == FILTER_OP_EXISTS)
		return;
	if (n->right) {
		print_right(out, n->right);
		return;
	}
	buf_adds(out, list ? " (" : " ");
	for (size_t i = 0; i < n->nvalues; i++) {
		if (i)
			buf_adds(out, ", ");
		print_value(out, &n->values[i]);
	}
	if (list)
		buf_addc(out, ')');
}

static void print_kid(struct buf *out, const struct filter_node *kid)
{
	bool leaf = kid->kind == FILTER_LEAF || kid->kind == FILTER_CHECK;

	if (!leaf)
		buf_addc(out, '(');
	filter_print(out, kid);
	if (!leaf)
		buf_addc(out, ')');
}

void filter_print(struct buf *out, const struct filter_node *node)
{
	const char *joint = node->kind == FILTER_AND ? " and " : " or ";

	switch (node->kind) {
	case FILTER_LEAF:
	case FILTER_CHECK:
		print_leaf(out, node);
		break;
	case FILTER_NOT:
		buf_adds(out, "not ");
		print_kid(out, node->kids[0]);
		break;
	case FILTER_AND:
	case FILTER_OR:
		for (size_t i = 0; i < node->nkids; i++) {
			if (i)
				buf_adds(out, joint);
			/* "not x" binds closer than both and needs no parentheses. */
			if (node->kids[i]->kind == FILTER_NOT)
				filter_print(out, node->kids[i]);
			else
				print_kid(out, node->kids[i]);
		}
		break;
	}
}

static bool bytes_equal(const char *a, size_t alen, const char *b, size_t blen)
{
	return alen == blen && (!alen || memcmp(a, b, alen) == 0);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static bool term_equal(const struct filter_term *a, const struct filter_term *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->field != b->field || a->has_arg != b->has_arg || a->call != b->call ||
	    a->selector != b->selector || a->nargs != b->nargs)
		return false;
	if (a->has_arg && strcmp(a->arg_text, b->arg_text) != 0)
		return false;
	if (a->kind == FILTER_TERM_TEXT)
		return bytes_equal(a->text, a->len, b->text, b->len);
	for (size_t i = 0; i < a->nargs; i++)
		if (!term_equal(a->args[i], b->args[i]))
			return false;
	return true;
}

static bool leaf_equal(const struct filter_node *a, const struct filter_node *b)
{
	if (a->op != b->op || a->mod != b->mod || a->nvalues != b->nvalues)
		return false;
	if (!term_equal(a->left, b->left) || !term_equal(a->right, b->right))
		return false;
	for (size_t i = 0; i < a->nvalues; i++)
		if (!bytes_equal(a->values[i].text, a->values[i].len, b->values[i].text, b->values[i].len))
			return false;
	return true;
}

bool filter_equal(const struct filter_node *a, const struct filter_node *b)
{
	if (a->kind != b->kind || a->nkids != b->nkids)
		return false;
	if (a->kind == FILTER_LEAF || a->kind == FILTER_CHECK)
		return leaf_equal(a, b);
	for (size_t i = 0; i < a->nkids; i++)
		if (!filter_equal(a->kids[i], b->kids[i]))
			return false;
	return true;
}
