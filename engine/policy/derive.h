/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a condition to what a decision point can know of it: a formula over atoms in negation normal form, from which
 * must and may follow by reading its lost leaves as false and as true. Knows the filter's tree and the table of points.
 */
#ifndef TERCEL_POLICY_DERIVE_H
#define TERCEL_POLICY_DERIVE_H

#include <stddef.h>
#include <stdint.h>

#include "filter/filter.h"
#include "policy/atoms.h"
#include "policy/points.h"

enum formula_kind {
	FORMULA_FALSE = 0,
	FORMULA_TRUE,
	FORMULA_LOST,
	FORMULA_ATOM,
	FORMULA_AND, /* at least two kids, none of them TRUE, FALSE or AND */
	FORMULA_OR,  /* at least two kids, none of them TRUE, FALSE or OR */
};

struct formula {
	enum formula_kind kind;
	uint32_t atom; /* ATOM: id */
	bool negated;  /* ATOM, LOST */
	uint32_t lost; /* LOST: index into derivation.lost */
	size_t nkids;
	struct formula *kids[]; /* AND, OR */
};

/* Whether the formula is `value` whatever its atoms are, with its lost leaves read as `lost`. Linear in its size. */
bool formula_is(const struct formula *f, bool value, bool lost);

enum policy_class {
	POLICY_EXACT = 0,
	POLICY_NARROW = 1,
	POLICY_DETECT_ONLY = 2,
};

/* "exact", "narrow", "detect-only"; never NULL. */
const char *policy_class_name(enum policy_class c);

/* A leaf that the point cannot judge, or only from one side. */
struct lost_leaf {
	const struct filter_node *node; /* in the condition */
	const char *reason;             /* static */
	const char *effect;             /* static */
	bool partly;                    /* part of what it asks is known */
	bool used;                      /* it is still in the formula after folding */
	bool never;                     /* it holds for no act of this point: false, and only told if nothing is left */
};

struct leaf_note {
	const char *code; /* static */
	const struct filter_node *node;
};

/* The nodes live as long as the derivation. */
struct derivation {
	const struct point_info *point;
	const struct formula *formula;
	enum policy_class class;
	bool applies; /* false: no event of this point's types can match; nothing to decide, and nothing missed */
	struct lost_leaf *lost;
	size_t nlost;
	struct leaf_note *notes;
	size_t nnotes;
	void **memory; /* owned */
	size_t nmemory;
};

/*
 * Derives the condition at a point, adding its atoms. `points`: where else it is decided, 1 << enum tercel_point each:
 * acts that do not come by the point and do by one of those are not lost. 0 or -ENOMEM; on failure *out is not touched.
 */
int derive(struct derivation *out, const struct filter_node *condition, const struct point_info *point, uint32_t points,
           struct atoms *atoms);
void derivation_free(struct derivation *d);

#endif
