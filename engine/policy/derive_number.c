/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves on numbers and addresses: comparisons become ranges.
 *
 * `x != v` is "there is a value, and not x = v", as in Falco, where a comparison with a missing value is false.
 */
#include "policy/derive_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "policy/mutation.h"

static bool is_signed(enum field_type type)
{
	return type == FIELD_TYPE_INT8 || type == FIELD_TYPE_INT16 || type == FIELD_TYPE_INT32 ||
	       type == FIELD_TYPE_INT64;
}

static bool is_number(enum field_type type)
{
	return is_signed(type) || type == FIELD_TYPE_BOOL || type == FIELD_TYPE_UINT8 || type == FIELD_TYPE_UINT16 ||
	       type == FIELD_TYPE_UINT32 || type == FIELD_TYPE_UINT64 || type == FIELD_TYPE_RELTIME ||
	       type == FIELD_TYPE_ABSTIME || type == FIELD_TYPE_PORT;
}

static bool is_address(enum field_type type)
{
	return type == FIELD_TYPE_IP || type == FIELD_TYPE_NET;
}

/* A number of the point's table as the matcher orders those of the field's type. */
static uint64_t ordered(const struct filter_node *n, int64_t value)
{
	return is_signed(n->left->type) ? match_signed(value) : (uint64_t)value;
}

static uint64_t number_of(const struct filter_node *n, const struct filter_value *value)
{
	return is_signed(n->left->type) ? match_signed(value->as.s64) : value->as.u64;
}

/* The numbers for which a comparison with `value` holds; false if there is none. */
static bool range_of(enum filter_op op, uint64_t value, struct atom_range *out)
{
	out->from_low = 0;
	out->to_low = UINT64_MAX;
	switch (op) {
	case FILTER_OP_LT:
		out->to_low = value - 1;
		return value > 0;
	case FILTER_OP_LE:
		out->to_low = value - (MUTATED(LE_IS_LT) && value);
		return true;
	case FILTER_OP_GT:
		out->from_low = value + 1;
		return value < UINT64_MAX;
	case FILTER_OP_GE:
		out->from_low = value;
		return true;
	default:
		out->from_low = value;
		out->to_low = value;
		return true;
	}
}

static bool is_equality(enum filter_op op)
{
	return op == FILTER_OP_EQ || op == FILTER_OP_NE || op == FILTER_OP_IN || op == FILTER_OP_INTERSECTS;
}

static bool is_order(enum filter_op op)
{
	return op == FILTER_OP_LT || op == FILTER_OP_LE || op == FILTER_OP_GT || op == FILTER_OP_GE;
}

/* A field of which only [low, high] is known, for every decision of this point. */
struct formula *derive_range(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                             bool negated)
{
	uint64_t low = ordered(n, field->low), high = ordered(n, field->high);
	bool some = false, all = false;

	if (n->op == FILTER_OP_EXISTS)
		return formula_constant(!negated);
	if (!is_number(n->left->type) || (!is_equality(n->op) && !is_order(n->op)))
		return formula_lost(v, n, negated, FORMULA_NOT_DECIDED);
	for (size_t i = 0; i < n->nvalues; i++) {
		struct atom_range range;

		if (!range_of(n->op, number_of(n, &n->values[i]), &range))
			continue;
		some |= range.from_low <= high && low <= range.to_low;
		all |= range.from_low <= low && high <= range.to_low;
	}
	if (some != all)
		return formula_lost(v, n, negated, "the value is not known before the operation has its result");
	return formula_constant((all != (n->op == FILTER_OP_NE)) != negated);
}

static uint64_t load_be64(const uint8_t *p)
{
	uint64_t be;

	memcpy(&be, p, sizeof(be));
	return __builtin_bswap64(be);
}

static struct atom_range range_of_network(const struct filter_value *value, enum match_domain domain4)
{
	struct atom_range r = {.domain = domain4 + 1};
	unsigned int bits = value->as.net.prefix;
	uint64_t high, low;

	if (value->as.net.family == AF_INET) {
		uint32_t be, mask = bits >= 32 ? UINT32_MAX : ~(UINT32_MAX >> bits);

		memcpy(&be, value->as.net.addr, sizeof(be));
		r.domain = domain4;
		r.from_low = __builtin_bswap32(be) & mask;
		r.to_low = r.from_low | ~mask;
		return r;
	}
	high = bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
	low = bits >= 128 ? UINT64_MAX : bits <= 64 ? 0 : ~(UINT64_MAX >> (bits - 64));
	r.from_high = load_be64(value->as.net.addr) & high;
	r.from_low = load_be64(value->as.net.addr + 8) & low;
	r.to_high = r.from_high | ~high;
	r.to_low = r.from_low | ~low;
	return r;
}

/* The numbers or addresses that the leaf, or with != its opposite, names: one atom over ranges, or false. */
static struct formula *range_atom(struct deriver *v, const struct filter_node *n, enum match_domain domain,
                                  bool negated)
{
	_autofree_ struct atom_range *ranges = calloc(n->nvalues + 1, sizeof(*ranges));
	struct atom model = {.domain = domain, .test = ATOM_RANGE};

	if (!ranges) {
		v->error = -ENOMEM;
		return formula_constant(false);
	}
	for (size_t i = 0; i < n->nvalues; i++) {
		if (is_address(n->left->type))
			ranges[model.nranges++] = range_of_network(&n->values[i], domain);
		else if (range_of(n->op, number_of(n, &n->values[i]), &ranges[model.nranges]))
			ranges[model.nranges++].domain = domain;
	}
	if (!model.nranges)
		return formula_constant(negated);
	model.ranges = ranges;
	return formula_atom(v, &model, negated);
}

struct formula *derive_number(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                              bool negated)
{
	struct formula *there, *equal;

	/* Falco says so whatever the descriptor is. */
	if (n->op == FILTER_OP_EXISTS && (n->left->field->flags & FIELD_EITHER_END))
		return formula_lost(v, n, negated, FORMULA_NOT_DECIDED);
	if (n->op == FILTER_OP_EXISTS)
		return formula_exists(v, field->domain, 0, field->always, negated);
	if (is_address(n->left->type) ? !is_equality(n->op) : !is_equality(n->op) && !is_order(n->op))
		return formula_lost(v, n, negated, FORMULA_NOT_DECIDED);
	if (!is_address(n->left->type) && !is_number(n->left->type))
		return formula_lost(v, n, negated, FORMULA_NOT_DECIDED);
	if (n->op != FILTER_OP_NE)
		return range_atom(v, n, field->domain, negated);
	equal = range_atom(v, n, field->domain, !negated);
	there = formula_exists(v, field->domain, 0, field->always, negated);
	return formula_join2(v, negated ? FORMULA_OR : FORMULA_AND, there, equal);
}

/* Falco's number is the kernel's or more: what is above a bound for the kernel is so for Falco. */
struct formula *derive_at_least(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                bool negated)
{
	struct formula *lost, *known;
	bool above = n->op == FILTER_OP_GT || n->op == FILTER_OP_GE;

	if (n->op == FILTER_OP_EXISTS)
		return formula_exists(v, field->domain, 0, field->always, negated);
	if (!is_order(n->op) || !is_number(n->left->type))
		return formula_lost(v, n, negated, field->reason);
	lost = formula_lost_partly(v, n, negated, field->reason);
	known = range_atom(v, n, field->domain, negated);
	return formula_join2(v, above != negated ? FORMULA_OR : FORMULA_AND, known, lost);
}

/* ---- either end of a connection -------------------------------------------------------------------------------------
 */

/* Whether all of the network is loopback or the unspecified address: of these the kernel's choice of a local address is
 * known before it is made. All of loopback: within it, the choice is not. */
static bool is_special(const struct filter_value *value)
{
	static const uint8_t zero[16], one[16] = {[15] = 1};
	const uint8_t *addr = value->as.net.addr;

	if (value->as.net.family == AF_INET)
		return (value->as.net.prefix == 8 && addr[0] == 127) ||
		       (value->as.net.prefix == 32 && memcmp(addr, zero, 4) == 0);
	return value->as.net.prefix == 128 && (memcmp(addr, zero, 16) == 0 || memcmp(addr, one, 16) == 0);
}

/* "The local end is one of these": known for the special ones, lost for the others. */
static struct formula *local_end(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                 bool negated)
{
	_autofree_ struct filter_value *special = calloc(n->nvalues + 1, sizeof(*special));
	struct filter_node some = *n;
	struct formula *known, *lost;

	if (!special) {
		v->error = -ENOMEM;
		return formula_constant(false);
	}
	some.values = special;
	some.nvalues = 0;
	for (size_t i = 0; is_address(n->left->type) && i < n->nvalues; i++)
		if (is_special(&n->values[i]))
			special[some.nvalues++] = n->values[i];
	if (!some.nvalues)
		return formula_lost_partly(v, n, negated, field->reason);
	known = range_atom(v, &some, MATCH_LOCAL4, negated);
	if (some.nvalues == n->nvalues)
		return known;
	lost = formula_lost_partly(v, n, negated, field->reason);
	return formula_join2(v, negated ? FORMULA_AND : FORMULA_OR, known, lost);
}

struct formula *derive_either_end(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                  bool negated)
{
	struct formula *remote, *local;
	bool equal = is_equality(n->op);

	/* Falco says that it exists whatever the descriptor is. */
	if (n->op == FILTER_OP_EXISTS)
		return field->always ? formula_constant(!negated) : formula_lost(v, n, negated, field->reason);
	if (!equal && (is_address(n->left->type) || !is_order(n->op)))
		return formula_lost(v, n, negated, FORMULA_NOT_DECIDED);
	/* != asks that both ends be another, which is the opposite of =; an end that is missing is none. */
	if (n->op == FILTER_OP_NE && !field->always) {
		struct formula *there = formula_exists(v, field->domain, 0, false, negated);

		remote = range_atom(v, n, field->domain, !negated);
		local = local_end(v, n, field, !negated);
		local = formula_join2(v, negated ? FORMULA_OR : FORMULA_AND, remote, local);
		return formula_join2(v, negated ? FORMULA_OR : FORMULA_AND, there, local);
	}
	if (n->op == FILTER_OP_NE)
		negated = !negated;
	remote = range_atom(v, n, field->domain, negated);
	local = local_end(v, n, field, negated);
	return formula_join2(v, negated ? FORMULA_AND : FORMULA_OR, remote, local);
}
