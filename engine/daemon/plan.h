/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: what a policy file and the rule files that it names say, read once. Images are made of it. Knows files, rules
 * and policies; nothing of what is in force.
 */
#ifndef TERCEL_DAEMON_PLAN_H
#define TERCEL_DAEMON_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "policy/policy.h"
#include "policy/report.h"
#include "rules/files.h"
#include "rules/rules.h"

struct plan {
	char *file; /* the policy file, as it was named */
	struct policy *policy;
	struct file_list files; /* the policy's rule files, directories taken apart */
	struct rules *rules;
	struct report *report; /* of the rules, at `points` */
	uint32_t points;       /* 1 << enum tercel_point: those that rules may be decided at */
};

/* Reads everything. 0 with *out set (owned by the caller); -EINVAL after adding what is wrong to `diags`; -ENOMEM. */
int plan_load(struct plan **out, const char *file, uint32_t points, struct diag_list *diags);
void plan_free(struct plan *p);
static inline void cleanup_plan(struct plan **p)
{
	plan_free(*p);
}
#define _autoplan_ _cleanup_(cleanup_plan)

/* As policy_apply(). */
int plan_make(struct image **image, const struct plan *p, uint32_t generation, struct diag_list *diags);

struct plan_counts {
	size_t enforced, monitored, detect_only;
};

/* What comes of the rules of an image of this plan. */
struct plan_counts plan_count(const struct plan *p, const struct image *image);

/* The points at which some rule of the image is decided: 1 << enum tercel_point. */
uint32_t image_points(const struct image *image);

#endif
