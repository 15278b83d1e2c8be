/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translation report: what every rule becomes in the kernel, what is lost, and why. For `check` and `explain`.
 */
#ifndef TERCEL_POLICY_REPORT_H
#define TERCEL_POLICY_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/diag.h"
#include "policy/placement.h"
#include "rules/rules.h"

struct report_point {
	/* NULL: event types at which nothing is decided, for the reason given; detect-only. */
	const struct point_info *point;
	const char *reason; /* static; NULL with a point */
	char **events;      /* owned */
	size_t nevents;
	enum policy_class class;
	struct derivation derivation; /* empty without a point */
};

struct report_rule {
	const struct rule *rule;
	/* The weakest of its points; narrow if some of them block and some cannot. */
	enum policy_class class;
	struct report_point *points;
	size_t npoints;
};

/* Refers to the rules, which must live longer. */
struct report {
	struct report_rule *rules;
	size_t nrules;
	const struct rule **skipped; /* those that skip-if-unknown-filter keeps out */
	size_t nskipped;
	size_t exact, narrow, detect_only;
	uint32_t points; /* 1 << enum tercel_point: those that were judged by */
	/* Those of them that there are programs for: report_build() sets all; its caller may know better. Elsewhere the
	 * report says that nothing is blocked yet. */
	uint32_t available;
	struct atoms *atoms;
};

/* Places every loaded rule (disabled ones too) among the points of the set, 1 << enum tercel_point each; one about
 * another source than system calls at none. 0 or -ENOMEM. */
int report_build(struct report **out, const struct rules *rules, uint32_t points);
void report_free(struct report *r);
static inline void cleanup_report(struct report **r)
{
	report_free(*r);
}
#define _autoreport_ __attribute__((cleanup(cleanup_report)))

struct report_options {
	const char *target;       /* as asked for: "full", "no-lsm", "auto" */
	const char *const *files; /* as given */
	size_t nfiles;
	const char *rule; /* only this rule; NULL: all */
};

/* The JSON document of `check -o json`. `report` may be NULL if the rules did not load. Errors stick in the buffer. */
void report_write_json(struct buf *out, const struct report *report, const struct report_options *options,
                       const struct diag_list *diags);

/* For people: one block for each rule, and a summary line. Diagnostics are not repeated. */
void report_write_text(struct buf *out, const struct report *report, const struct report_options *options);

/* One rule in full: its class, and for each point must, may and what is lost. The JSON form adds the members "class"
 * and "points" to an object that its caller begins and ends. */
void report_explain_json(struct buf *out, const struct report *report, const struct report_rule *rule);
void report_explain_text(struct buf *out, const struct report *report, const struct report_rule *rule);

/* Whether acts are blocked at the point in this version, not only by its table. */
bool report_is_available(const struct report *report, const struct report_point *p);

/* NULL if there is none of that name. */
const struct report_rule *report_find(const struct report *report, const char *name);

#endif
