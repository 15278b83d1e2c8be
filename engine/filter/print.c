/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions as text again, and whether two are the same. Knows the tree and the quoting rules of the grammar.
 */
#include "filter/filter.h"

#include <string.h>

#include "base/buf.h"

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

/* Words that would be read as a modifier if a list or a name followed. */
static bool is_modifier(const char *text)
{
	return strcmp(text, "oneof") == 0 || strcmp(text, "anyof") == 0 || strcmp(text, "allof") == 0;
}

static bool is_bare(const char *text, size_t len)
{
	if (len == 0 || is_modifier(text))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] == ' ' || (text[i] >= '\b' && text[i] <= '\r') || strchr("()\"'=,", text[i]))
			return false;
	return true;
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

static void print_argument(struct buf *out, const struct filter_node *n)
{
	size_t len = strlen(n->left->arg_text);
	enum field_arg form = n->left->field->arg;
	bool bracket = form == FIELD_ARG_DOTTED_OR_INDEX
	                       ? n->left->arg_index != FILTER_NO_INDEX
	                       : form != FIELD_ARG_DOTTED && form != FIELD_ARG_DOTTED_OPTIONAL;

	if (!bracket) {
		buf_addc(out, '.');
		buf_add(out, n->left->arg_text, len);
		return;
	}
	buf_addc(out, '[');
	if (is_bare(n->left->arg_text, len) && !strchr(n->left->arg_text, '['))
		buf_add(out, n->left->arg_text, len);
	else
		print_quoted(out, n->left->arg_text, len);
	buf_addc(out, ']');
}

static void print_leaf(struct buf *out, const struct filter_node *n)
{
	bool list = n->op == FILTER_OP_IN || n->op == FILTER_OP_INTERSECTS || n->op == FILTER_OP_PMATCH;

	buf_adds(out, n->left->field->name);
	if (n->left->has_arg)
		print_argument(out, n);
	buf_addc(out, ' ');
	buf_adds(out, filter_op_name(n->op));
	if (n->op == FILTER_OP_EXISTS)
		return;
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

static bool leaf_equal(const struct filter_node *a, const struct filter_node *b)
{
	if (a->left->field != b->left->field || a->left->has_arg != b->left->has_arg)
		return false;
	if (a->op != b->op || a->mod != b->mod || a->nvalues != b->nvalues)
		return false;
	if (a->left->has_arg && strcmp(a->left->arg_text, b->left->arg_text) != 0)
		return false;
	for (size_t i = 0; i < a->nvalues; i++)
		if (a->values[i].len != b->values[i].len ||
		    memcmp(a->values[i].text, b->values[i].text, a->values[i].len) != 0)
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
