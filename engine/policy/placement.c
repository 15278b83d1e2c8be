/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deriving at every point, and choosing between points that see the same act.
 */
#include "policy/placement.h"

#include "base/cleanup.h"
#include "policy/mutation.h"

/* A strong point and the weaker ones that see the same acts between them. */
static const struct rivals {
	enum tercel_point strong;
	enum tercel_point weak[2];
	size_t nweak;
} rivals[] = {
        {TERCEL_POINT_EXEC_CHECK, {TERCEL_POINT_EXEC_COMMIT}, 1},
        {TERCEL_POINT_SOCKET_SENDMSG, {TERCEL_POINT_SENDMSG4, TERCEL_POINT_SENDMSG6}, 2},
};

uint32_t placement_without_lsm(void)
{
	uint32_t points = 0;

	for (uint32_t p = 0; p < TERCEL_POINTS; p++)
		if (point_info((enum tercel_point)p)->backend != POINT_BY_LSM)
			points |= 1U << p;
	return points;
}

/* Whether every leaf that `a` has lost is lost to `b`, too, and as wholly. */
static bool loses_no_more(const struct derivation *a, const struct derivation *b)
{
	for (size_t i = 0; i < a->nlost; i++) {
		bool found = false;

		for (size_t k = 0; k < b->nlost && !found; k++)
			found = a->lost[i].node == b->lost[k].node && a->lost[i].partly >= b->lost[k].partly;
		if (!found)
			return false;
	}
	return true;
}

/* Whether the strong point decides as much as each of the weak ones does. */
static bool strong_suffices(const struct placement *p, const struct rivals *r)
{
	const struct derivation *strong = &p->at[r->strong];

	for (size_t i = 0; i < r->nweak; i++) {
		const struct derivation *weak = &p->at[r->weak[i]];

		/* What blocks nothing is no better, and what it misses the strong point sees. */
		if (!weak->applies || weak->class == POLICY_DETECT_ONLY)
			continue;
		if (!strong->applies || strong->class > weak->class || !loses_no_more(strong, weak))
			return false;
	}
	return true;
}

static void choose(struct placement *p, const struct rivals *r)
{
	if (strong_suffices(p, r)) {
		for (size_t i = 0; i < r->nweak; i++)
			derivation_free(&p->at[r->weak[i]]);
		if (MUTATED(DECIDED_NOWHERE))
			derivation_free(&p->at[r->strong]);
	} else {
		derivation_free(&p->at[r->strong]);
	}
}

int placement_make(struct placement *out, const struct filter_node *condition, uint32_t points, struct atoms *atoms)
{
	int r = 0;

	*out = (struct placement){0};
	for (uint32_t p = 0; !r && p < TERCEL_POINTS; p++) {
		if (!(points >> p & 1))
			continue;
		r = derive(&out->at[p], condition, point_info((enum tercel_point)p), points, atoms);
		if (!r && !out->at[p].applies)
			derivation_free(&out->at[p]);
	}
	for (size_t i = 0; !r && i < sizeof(rivals) / sizeof(rivals[0]); i++)
		if (points >> rivals[i].strong & 1)
			choose(out, &rivals[i]);
	return r;
}

void placement_free(struct placement *p)
{
	for (size_t i = 0; i < TERCEL_POINTS; i++)
		derivation_free(&p->at[i]);
}
