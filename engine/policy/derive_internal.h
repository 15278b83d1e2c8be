/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the derivation share: its state, and how formulas are made. Private to engine/policy/derive*.c.
 */
#ifndef TERCEL_POLICY_DERIVE_INTERNAL_H
#define TERCEL_POLICY_DERIVE_INTERNAL_H

#include "base/table.h"
#include "policy/derive.h"

struct deriver {
	struct derivation *d;
	struct atoms *atoms;
	struct table noted; /* the derivation's notes, by what they say */
	int error;          /* kept: whoever makes a formula looks once, at the end */
};

#define FORMULA_NOT_DECIDED "this operator is not decided in the kernel for this field"

/* TRUE or FALSE; shared, never freed. */
struct formula *formula_constant(bool value);

/* AND or OR of the kids, folded: constants vanish, kids of the same kind are merged. The formulas stay the
 * derivation's. Without memory every formula is false, and v->error is set. */
struct formula *formula_join(struct deriver *v, enum formula_kind kind, struct formula **kids, size_t n);
struct formula *formula_join2(struct deriver *v, enum formula_kind kind, struct formula *a, struct formula *b);

/* A leaf that is not known; `reason` is static. */
struct formula *formula_lost(struct deriver *v, const struct filter_node *node, bool negated, const char *reason);

/* The same for the part of a leaf that is not known, where another part is. */
struct formula *formula_lost_partly(struct deriver *v, const struct filter_node *node, bool negated,
                                    const char *reason);

/* An atom equal to the model, which is copied. */
struct formula *formula_atom(struct deriver *v, const struct atom *model, bool negated);

/* Whether there is a value: TRUE if there always is. */
struct formula *formula_exists(struct deriver *v, enum match_domain domain, unsigned int level, bool always,
                               bool negated);

/* Leaves by what the point knows of their field; each answers for the leaf or for its negation. */
struct formula *derive_text(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                            bool negated);
struct formula *derive_number(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                              bool negated);
struct formula *derive_range(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                             bool negated);
struct formula *derive_at_least(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                bool negated);
struct formula *derive_either_end(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                  bool negated);
struct formula *derive_bit(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                           bool negated);
struct formula *derive_set(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                           bool negated);
struct formula *derive_choice(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                              bool negated);
struct formula *derive_fixed_text(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                  bool negated);

/* Which of the names fulfil the leaf, as the exact evaluator answers: a mask of bits; of bits without a name 0. */
uint64_t derive_names(struct deriver *v, const struct filter_node *n, point_names names, uint64_t bits);

/* The bits that have a name. */
uint64_t derive_named(point_names names);

#endif
