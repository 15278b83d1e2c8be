/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision points, and what each of them knows of Falco's fields: how exactly, and why not otherwise.
 *
 * One table that the derivation of must and may, the reports and the documentation come from. A point's value of a
 * field is Falco's (libsinsp 0.25) or the field is lost there; see design note "semantics". Must not know rules or
 * images.
 */
#ifndef TERCEL_POLICY_POINTS_H
#define TERCEL_POLICY_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/match.h"
#include "compat/fields.h"
#include "filter/filter.h"

enum point_how {
	POINT_LOST = 0,   /* not known; `reason` says why */
	POINT_VALUE,      /* known: the matcher's domain holds it */
	POINT_EITHER_END, /* the domain holds one of the two values that Falco compares */
	POINT_RANGE,      /* some number in [low, high], the same for every decision here */
	POINT_TEXT,       /* always this text */
};

struct point_field {
	enum field_id field;
	enum point_how how;
	enum match_domain domain; /* VALUE, EITHER_END */
	bool always;              /* VALUE: the value is never missing in Falco */
	int64_t low, high;        /* RANGE */
	const char *text;         /* TEXT */
	const char *reason;       /* LOST, EITHER_END: one clause without a full stop */
	const char *note;         /* code of a note for reports ("weak-identity"), or NULL */
};

struct point_info {
	enum tercel_point point;
	const char *name;     /* "sched_process_exec": in reports and verdicts */
	const char *strength; /* "kill-before-run", "deny" */
	enum filter_event events[2];
	size_t nevents;
	const struct point_field *fields;
	size_t nfields;
};

/* The row of a decision point; never NULL for a valid one. */
const struct point_info *point_info(enum tercel_point point);

/* What the point knows of a field: a row of its table, or a row that says that it is lost. Never NULL. */
const struct point_field *point_field(const struct point_info *point, enum field_id field);

/* "exec of a program" and the like, for messages; never NULL. */
const char *point_act(enum tercel_point point);

#endif
