/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves on booleans, on sets and choices of names, and on fixed texts: where the exact evaluator can be asked about
 * each name when the policy is made.
 */
#include "policy/derive_internal.h"

#include <errno.h>
#include <string.h>

#include "filter/eval.h"
#include "policy/mutation.h"

/* Whether a leaf on a text field holds for a text. */
static bool holds_for(struct deriver *v, const struct eval *program, struct eval_event *event, const char *text)
{
	const struct eval_item item = eval_text(text, strlen(text));
	bool holds;

	eval_event_clear(event);
	if (eval_fields(program))
		eval_event_set(event, 0, &item, 1);
	holds = eval_run(program, event, 0);
	if (eval_event_error(event))
		v->error = eval_event_error(event);
	return holds;
}

static int compile_leaf(const struct filter_node *n, struct eval **program, struct eval_event **event)
{
	struct error err = {{0}};
	int r = eval_compile(program, &n, 1, &err);

	/* Of more than one field it would be no leaf. */
	if (!r && eval_fields(*program) > 1)
		return -EINVAL;
	return r ? r : eval_event_new(event, *program);
}

uint64_t derive_names(struct deriver *v, const struct filter_node *n, point_names names, uint64_t bits)
{
	_autoeval_ struct eval *program = NULL;
	_autoevent_ struct eval_event *event = NULL;
	uint64_t found = 0;
	int r = compile_leaf(n, &program, &event);

	if (r) {
		v->error = r;
		return 0;
	}
	for (unsigned int bit = 0; bit < 64 && names(bit); bit++)
		if (bits >> bit & 1 && names(bit)[0] && holds_for(v, program, event, names(bit)))
			found |= 1ULL << bit;
	return found;
}

struct formula *derive_fixed_text(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                  bool negated)
{
	_autoeval_ struct eval *program = NULL;
	_autoevent_ struct eval_event *event = NULL;
	int r = compile_leaf(n, &program, &event);

	if (r) {
		v->error = r;
		return formula_constant(false);
	}
	return formula_constant(holds_for(v, program, event, field->text) != negated);
}

/* ---- booleans ---------------------------------------------------------------------------------------------------- */

struct formula *derive_bit(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                           bool negated)
{
	const struct atom model = {.domain = MATCH_BITS, .test = ATOM_BITS, .bits = 1ULL << field->bit};

	if (n->op == FILTER_OP_EXISTS)
		return formula_constant(!negated);
	if ((n->op != FILTER_OP_EQ && n->op != FILTER_OP_NE) || n->left->type != FIELD_TYPE_BOOL)
		return formula_lost(v, n, negated, FORMULA_NOT_DECIDED);
	return formula_atom(v, &model, negated != ((n->values[0].as.u64 != 0) != (n->op == FILTER_OP_EQ)));
}

/* ---- choices ----------------------------------------------------------------------------------------------------- */

uint64_t derive_named(point_names names)
{
	uint64_t bits = 0;

	for (unsigned int bit = 0; bit < 64 && names(bit); bit++)
		bits |= names(bit)[0] ? 1ULL << bit : 0;
	return bits;
}

static bool is_name(point_names names, const char *text)
{
	for (unsigned int bit = 0; bit < 64 && names(bit); bit++)
		if (names(bit)[0] && strcmp(names(bit), text) == 0)
			return true;
	return false;
}

/* Whether the leaf may hold for a value that has no bit. */
static bool asks_beyond(const struct filter_node *n, const struct point_field *field)
{
	if (!field->beyond)
		return false;
	if (n->op != FILTER_OP_EQ && n->op != FILTER_OP_IN && n->op != FILTER_OP_INTERSECTS)
		return true;
	for (size_t i = 0; i < n->nvalues; i++)
		if (!is_name(field->names, n->values[i].text))
			return true;
	return false;
}

struct formula *derive_choice(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                              bool negated)
{
	const uint64_t possible = field->possible ? field->possible : derive_named(field->names);
	struct atom model = {.domain = field->domain, .test = ATOM_BITS};

	if (n->op == FILTER_OP_EXISTS && field->always)
		return formula_constant(!negated);
	model.bits = n->op == FILTER_OP_EXISTS ? possible : derive_names(v, n, field->names, possible);
	/* Nothing is sure of a value beyond the bits, which is unknown: an atom, even one without a bit, says so. */
	if (!model.bits && (!asks_beyond(n, field) || MUTATED(CHOICE_CLOSED)))
		return formula_constant(negated);
	if (model.bits == possible && field->possible && field->always && !field->beyond)
		return formula_constant(!negated);
	return formula_atom(v, &model, negated);
}

/* ---- sets ---------------------------------------------------------------------------------------------------------
 */

struct formula *derive_set(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                           bool negated)
{
	struct atom model = {.domain = field->domain, .test = ATOM_BITS};

	if (n->op == FILTER_OP_EXISTS)
		return formula_constant(!negated);
	/* The text is names and what joins them: a part without the joint can only be within one name. */
	if ((n->op != FILTER_OP_CONTAINS && n->op != FILTER_OP_ICONTAINS) ||
	    memchr(n->values[0].text, field->joint, n->values[0].len))
		return formula_lost(
		        v, n, negated,
		        "of a set of names only contains and icontains with a part of one name are decided");
	if (!n->values[0].len)
		return formula_constant(!negated);
	/* Of no bit there is a text, too ("0"). */
	if (field->text && memmem(field->text, strlen(field->text), n->values[0].text, n->values[0].len))
		return formula_lost(v, n, negated, "it may be part of the text of an empty set");
	model.bits = derive_names(v, n, field->names, ~0ULL);
	if (model.bits & field->unknown)
		return formula_lost(v, n, negated, "it asks for a flag that is not known before the call ends");
	return model.bits ? formula_atom(v, &model, negated) : formula_constant(negated);
}
