/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons as libsinsp 0.25 accepts them: operator against type, constants, right-hand fields, and what Falco warns
 * of in constants. Knows no boolean operators and no macros.
 */
#include "filter/check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "filter/regex.h"
#include "filter/value.h"

/* Operators and types */

static bool check_operator(struct compile_state *c, const struct filter_node *n, const struct syntax_node *s)
{
	if (n->left->kind == FILTER_TERM_FIELD && (n->left->field->flags & FIELD_EQUAL_ONLY) &&
	    (n->op != FILTER_OP_EQ || n->mod)) {
		COMPILE_FAIL(c, s->op_pos, "bad-operator", "%s is compared with = alone", n->left->field->name);
		return false;
	}
	if (filter_op_fits(n->op, n->left->type, n->left->is_list)) {
		if (!n->left->is_list || n->mod == FILTER_MOD_NONE)
			return true;
	}
	COMPILE_FAIL(c, s->op_pos, "bad-operator", "the operator '%s' does not compare %s, which is %s",
	             filter_op_name(n->op), term_name(n->left), term_type_name(c, n->left));
	return false;
}

/* Comparisons that libsinsp accepts, and then fails at the first event that reaches them: Falco ends, or crashes. */
static bool check_own_code(struct compile_state *c, const struct filter_node *n, const struct syntax_node *s)
{
	const struct filter_term *t = n->left;
	bool net = t->type == FIELD_TYPE_NET, empty = !s->nvalues && !s->right && n->op != FILTER_OP_EXISTS;
	bool ends = t->kind == FILTER_TERM_FIELD && (t->field->flags & FIELD_EITHER_END);
	bool own = ends || (t->kind == FILTER_TERM_FIELD &&
	                    ((t->ref_flags & FIELD_REF_ANY_ANCESTOR) || t->field->id == FIELD_EVT_RAWARG));

	if (ends && n->op == FILTER_OP_INTERSECTS && !net) {
		COMPILE_FAIL(c, s->op_pos, "bad-operator",
		             "'intersects' does not compare %s (Falco accepts it and ends at the first socket); use =",
		             t->field->name);
		return false;
	}
	if (own && empty && (n->mod || (ends && net))) {
		COMPILE_FAIL(c, s->op_pos, "bad-value",
		             "%s cannot be compared with an empty list (Falco accepts it and crashes at the first "
		             "event with a value); name a value",
		             t->field->name);
		return false;
	}
	return true;
}

/* evt.type decides which events a rule is asked about at all, so Falco must be able to read it off. */
static bool check_event_type(struct compile_state *c, const struct filter_node *n)
{
	const struct filter_term *t = n->left;
	bool transformed = t->kind == FILTER_TERM_CALL;

	while (t->kind == FILTER_TERM_CALL && t->nargs)
		t = t->args[t->nargs - 1];
	if (t->kind != FILTER_TERM_FIELD || (t->field->id != FIELD_EVT_TYPE && t->field->id != FIELD_SYSCALL_TYPE))
		return true;
	if (n->op != FILTER_OP_EQ && n->op != FILTER_OP_NE && n->op != FILTER_OP_IN && n->op != FILTER_OP_EXISTS)
		return true;
	if (n->mod || (!transformed && !n->right) || (n->op == FILTER_OP_EXISTS && !transformed))
		return true;
	COMPILE_FAIL(
	        c, n->pos, "unsupported-field",
	        "%s can be compared with constants only, and without transformers: Falco finds the events of a rule "
	        "by it",
	        t->field->name);
	return false;
}

/* Right-hand fields */

/* A transformer of several arguments, whatever is made of its value. */
static bool is_of_several(const struct filter_term *t)
{
	while (t->kind == FILTER_TERM_CALL && t->nargs == 1)
		t = t->args[0];
	return t->kind == FILTER_TERM_CALL;
}

static void check_right(struct compile_state *c, const struct filter_node *n)
{
	const struct filter_term *left = n->left, *right = n->right, *const sides[] = {left, right};

	if (is_of_several(left)) {
		COMPILE_FAIL(c, right->pos, "bad-value",
		             "%s compares with constants only (Falco accepts it and crashes, or never matches)",
		             term_name(left));
		return;
	}
	if (n->op == FILTER_OP_PMATCH || n->op == FILTER_OP_REGEX) {
		COMPILE_FAIL(c, right->pos, "bad-operator", "the operator '%s' compares with constants only",
		             filter_op_name(n->op));
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		const struct filter_term *t = sides[i];

		while (t->kind == FILTER_TERM_CALL && t->nargs == 1)
			t = t->args[0];
		if (t->kind != FILTER_TERM_FIELD ||
		    !((t->field->flags & FIELD_NO_RHS) || t->field->type == FIELD_TYPE_NET))
			continue;
		COMPILE_FAIL(c, sides[i]->pos, "bad-value",
		             i == 0 ? "the field %s compares with constants only"
		                    : "the field %s cannot stand on the right",
		             t->field->name);
		return;
	}
	if (left->type != right->type || left->is_list != right->is_list)
		COMPILE_FAIL(c, right->pos, "bad-value", "%s is %s and %s %s: both sides must be of the same type",
		             term_name(left), term_type_name(c, left), term_name(right), term_type_name(c, right));
}

/* Constants */

/* What Falco's users are warned of: a constant that looks like something else. */
static void warn_of_constant(struct compile_state *c, const struct filter_value *v)
{
	char *packed = arena_alloc(c->arena, v->len + 1);
	size_t n = 0;

	if (!packed)
		return;
	for (size_t i = 0; i < v->len; i++)
		if (!isspace((unsigned char)v->text[i]))
			packed[n++] = v->text[i];
	if (memchr(packed, '.', n) && field_is_reference(packed, n))
		diag_add(c->diags, DIAG_WARNING, v->pos, "field-as-text",
		         "'%s' is compared as a text, not as the field of that name; write val(%s) for the field",
		         v->text, packed);
	for (enum filter_call call = 0; call < FILTER_CALLS; call++) {
		size_t name = strlen(filter_call_name(call));

		if (n >= name + 2 && memcmp(packed, filter_call_name(call), name) == 0 && packed[name] == '(' &&
		    packed[n - 1] == ')')
			diag_add(c->diags, DIAG_WARNING, v->pos, "transformer-as-text",
			         "'%s' is compared as a text, not as a transformer; remove the quotes for the "
			         "transformer",
			         v->text);
	}
}

/* libsinsp checks constants against the field alone, whatever is made of it. */
static bool is_event_type(const struct filter_node *n)
{
	const struct filter_term *t = n->left;

	while (t->kind == FILTER_TERM_CALL && t->nargs == 1)
		t = t->args[0];
	return t->kind == FILTER_TERM_FIELD && t->field->id == FIELD_EVT_TYPE;
}

static void check_regex(struct compile_state *c, const struct filter_value *v)
{
	_autoregex_ struct regex *r = NULL;
	struct regex_error err;
	int error = regex_compile(&r, v->text, v->len, &err);

	if (error == -ENOMEM)
		c->out_of_memory = true;
	else if (error)
		COMPILE_FAIL(c, v->pos, "bad-regex", "the regular expression '%s' is wrong at its byte %zu: %s",
		             v->text, err.offset + 1, err.text);
	else if (regex_is_simple(v->text, v->len))
		diag_add(c->diags, DIAG_WARNING, v->pos, "simple-regex",
		         "'%s' needs no regular expression; =, contains, startswith or endswith is cheaper", v->text);
}

static void set_value(struct compile_state *c, const struct filter_node *n, struct filter_value *v)
{
	const char *code = "bad-value";
	const char *wrong = n->left->ref_flags & FIELD_REF_NO_CONSTANT ? "no constant of its type: Falco has none"
	                                                               : filter_value_parse(v, n->op, n->left->type);

	if (!wrong && (n->left->ref_flags & FIELD_REF_IPV4) && v->as.net.family != AF_INET)
		wrong = "not an IPv4 address such as 10.0.0.1";
	/* libscap's table has names that are empty. */
	if (!wrong && is_event_type(n) && v->len && !filter_event_known(v->text)) {
		code = "unknown-event-type";
		wrong = "no event type that Falco knows";
	}
	if (wrong)
		COMPILE_FAIL(c, v->pos, code, "'%s' is %s (%s is %s)", v->text, wrong, term_name(n->left),
		             term_type_name(c, n->left));
	else
		warn_of_constant(c, v);
	if (!wrong && n->op == FILTER_OP_REGEX)
		check_regex(c, v);
}

static void set_values(struct compile_state *c, struct filter_node *n, const struct syntax_node *s)
{
	size_t i = 0;

	if (!s->nvalues)
		return;
	n->values = compile_alloc(c, s->nvalues * sizeof(*n->values));
	if (!n->values)
		return;
	for (const struct syntax_value *sv = s->values; sv; sv = sv->next) {
		struct filter_value *v = &n->values[i++];

		v->text = compile_copy(c, sv->text, sv->len);
		if (!v->text)
			return;
		v->len = sv->len;
		v->pos = sv->pos;
		set_value(c, n, v);
	}
	n->nvalues = i;
}

/* Meaning */

static bool is_membership(enum filter_op op)
{
	return op == FILTER_OP_IN || op == FILTER_OP_INTERSECTS;
}

/*
 * Comparisons that libsinsp answers unlike their words. They are kept as it answers them (docs/language.md), with a
 * warning, and no approximation of ours may take them at their words.
 */
static const char *peculiarity(const struct filter_node *n)
{
	const struct filter_term *t = n->left;
	const struct field_info *f = t->field;
	bool any_ancestor = (t->ref_flags & FIELD_REF_ANY_ANCESTOR) != 0, raw = f->id == FIELD_EVT_RAWARG;

	if (n->mod && ((f->flags & FIELD_EITHER_END) || any_ancestor || raw))
		return "Falco ignores the modifier on this field and compares with the first value only; write one "
		       "check for each value";
	if (f->id == FIELD_FD_NET && n->op == FILTER_OP_IN && n->nvalues > 1)
		return "Falco compares fd.net with the first network only; write one check for each, joined by 'or'";
	if (f->id == FIELD_FD_NET && n->op == FILTER_OP_INTERSECTS)
		return "'fd.net intersects' matches in Falco a listening socket alone, and the first network; use "
		       "fd.net = a or fd.net = b";
	if (is_membership(n->op) && (f->id == FIELD_FD_IP || (f->id == FIELD_PROC_APID && any_ancestor)))
		return "this field is never 'in' a list in Falco; write one check with = for each value, joined by "
		       "'or'";
	if (is_membership(n->op) && raw && t->type != FIELD_TYPE_STRING)
		return "a raw argument that is a number is never 'in' a list in Falco; write one check with = for each "
		       "value, joined by 'or'";
	if (t->type == FIELD_TYPE_NET && n->mod == FILTER_MOD_ANYOF && n->op == FILTER_OP_EQ)
		return "'= anyof' with networks never matches in Falco; use 'in'";
	if (t->type == FIELD_TYPE_NET && n->mod == FILTER_MOD_ALLOF && n->op == FILTER_OP_NE)
		return "'!= allof' with networks always matches in Falco; use 'not … in'";
	return NULL;
}

/* libsinsp counts the NUL that a transformer leaves behind a text where it looks texts up in a set. */
static const char *set_peculiarity(const struct filter_node *n)
{
	const struct filter_term *left = n->left, *right = n->right;

	if (!is_membership(n->op))
		return NULL;
	if (right && right->kind == FILTER_TERM_CALL && right->type == FIELD_TYPE_STRING && right->nargs == 1)
		return "a transformed text on the right is never found by 'in' and 'intersects' in Falco; use =";
	if (left->is_list && left->kind == FILTER_TERM_CALL && left->nargs == 1)
		return "transformed texts of a list are never found by 'in' and 'intersects' in Falco; use join() and "
		       "contains";
	return NULL;
}

/* An index that Falco forgets: the comparison is with any ancestor. */
static bool forgets_index(const struct filter_term *t)
{
	return t->field->id == FIELD_PROC_AENV && (t->ref_flags & FIELD_REF_ANY_ANCESTOR) &&
	       (t->ref_flags & FIELD_REF_BRACKET);
}

static enum filter_kind kind_of(struct compile_state *c, const struct filter_node *n, const struct syntax_node *s)
{
	bool field = n->left->kind == FILTER_TERM_FIELD;
	const char *odd = set_peculiarity(n);

	if (!odd && field)
		odd = peculiarity(n);
	if (!odd && field && forgets_index(n->left))
		odd = "Falco forgets the number and compares with the environment of any ancestor";
	if (odd)
		diag_add(c->diags, DIAG_WARNING, s->op_pos, "falco-quirk", "%s", odd);
	if (odd || !field || n->mod || n->right || n->left->field->id == FIELD_EVT_AROUND)
		return FILTER_CHECK;
	return FILTER_LEAF;
}

void check_compile(struct compile_state *c, struct filter_node *n, const struct syntax_node *s)
{
	n->op = s->op;
	n->mod = s->mod;
	n->left = term_compile(c, s->left);
	if (s->right && n->left)
		n->right = term_compile(c, s->right);
	if (!n->left || (s->right && !n->right))
		return;
	if (!check_operator(c, n, s) || !check_own_code(c, n, s) || !check_event_type(c, n))
		return;
	if (n->right)
		check_right(c, n);
	else
		set_values(c, n, s);
	n->kind = kind_of(c, n, s);
}
