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
	POINT_MISSING,    /* never has a value: every comparison is false, and exists is */
	POINT_VALUE,      /* known: the matcher's domain holds it: a text, a number, an address */
	POINT_BIT,        /* a boolean: bit `bit` of MATCH_BITS */
	POINT_SET,        /* a text of names joined by `joint`, one for each bit of the domain's set */
	POINT_CHOICE,     /* one of the names, by the one bit of the domain's set */
	POINT_EITHER_END, /* the domain holds one of the two values that Falco compares, the peer's */
	POINT_RANGE,      /* some number in [low, high], the same for every decision here */
	POINT_TEXT,       /* always this text */
	POINT_AT_LEAST,   /* Falco's number is at least the domain's (time goes on): the rest is lost */
};

/* Which part of a path the field is. */
enum point_part {
	PART_WHOLE = 0,
	PART_DIRECTORY, /* up to the last slash; of a directory all of it */
	PART_FILENAME,  /* behind the last slash; a directory has none */
};

/*
 * The names of the bits of a set or choice: NULL past the last one, "" for a bit without a name (it prints nothing).
 * The order of a set's names in its text is Falco's, not that of the bits.
 */
typedef const char *(*point_names)(unsigned int bit);

struct point_field {
	enum field_id field;
	const char *arg; /* FIELD_EVT_ARG: the parameter's name; NULL: any argument, see `level` */
	enum point_how how;
	/* The event types, 1 << enum match_event each, that the row is about: of others the field is missing. 0: all */
	uint64_t events;
	enum match_domain domain; /* VALUE, SET, CHOICE, EITHER_END, AT_LEAST */
	/* VALUE, CHOICE, EITHER_END: the value is never missing in Falco. Of ancestors: if there is such an ancestor.
	 */
	bool always;
	/* VALUE, ancestors: the distance; -1: the field's argument, or without one any ancestor. `self`: of argument 0
	 */
	int level;
	enum match_domain self;
	enum point_part part;  /* VALUE of a path */
	enum match_bit bit;    /* BIT */
	point_names names;     /* SET, CHOICE */
	char joint;            /* SET */
	uint64_t unknown;      /* SET: bits with a name of which nobody knows here whether they are set */
	uint64_t possible;     /* CHOICE: the bits that an act of this point can have; 0: all with a name */
	bool beyond;           /* CHOICE: an act may also have a value without a bit: the domain is unknown then */
	int64_t low, high;     /* RANGE */
	const char *text;      /* TEXT; SET: that of the empty set */
	const char *reason;    /* LOST, EITHER_END, AT_LEAST: one clause without a full stop */
	const char *note;      /* code of a note for reports ("weak-identity"), or NULL */
	const char *uncertain; /* when an act's value is not known, for documentation: "after a prctl", or NULL */
};

/* Acts of the point's event types that do not come by it: a rule that may hold for them is blocked less than it says.
 */
struct point_gap {
	enum match_domain domain; /* a choice by which a condition can keep out of the gap */
	uint64_t covered;       /* those of its bits that do come by, here or at another point; 0: of none is it sure */
	uint64_t events;        /* 1 << enum match_event: of these types only; 0: of all */
	enum tercel_point rows; /* the point that acts in the gap do come by, where it is; 0: there is none */
	const char *reason;     /* one clause; NULL: there is no gap */
	const char *effect;
};

/* What has to be there for a point to exist. */
enum point_backend {
	POINT_BY_EXEC = 0, /* sched_process_exec and a signal */
	POINT_BY_CGROUP,   /* a cgroup hook */
	POINT_BY_LSM,      /* BPF LSM */
	POINT_BY_SYSCALL,  /* the entry of a system call and a signal */
	POINT_BACKENDS,
};

/* "exec-commit", "cgroup", "lsm", "syscall"; never NULL for a valid value. */
const char *point_backend_name(enum point_backend b);

#define POINT_EVENTS_MAX 6

struct point_info {
	enum tercel_point point;
	const char *name;     /* "sched_process_exec": in reports and verdicts */
	const char *act;      /* "the start of a program": for messages */
	const char *strength; /* "kill-before-run", "deny", "kill" */
	enum point_backend backend;
	enum match_event events[POINT_EVENTS_MAX]; /* those that Falco may show for an act of this point */
	size_t nevents;
	const struct point_field *fields; /* its own */
	size_t nfields;
	const struct point_field *common; /* asked after its own: what every caller's process has */
	size_t ncommon;
	struct point_gap gap;
};

/* The row of a decision point; never NULL for a valid one. */
const struct point_info *point_info(enum tercel_point point);

/*
 * What the point knows of a field: a row of its table, or a row that says that it is lost or missing. Never NULL.
 * `arg`: the field's argument (struct filter_term.arg_text), NULL without one.
 */
const struct point_field *point_field(const struct point_info *point, enum field_id field, const char *arg);

/* The event types that Falco may show for an act of the point, as a set: 1 << enum match_event each. */
uint64_t point_events(const struct point_info *point);

/* Falco's name of an event type ("execve"); never NULL for a valid value. */
const char *point_event_name(enum match_event e);

/* The names that parameters of these event types have (evt.arg.NAME), in alphabetical order; NULL from the last on. */
const char *point_parameter(size_t i);

/* "value", "boolean", "set", "choice", "either-end", "range", "text", "at-least", "missing", "lost". */
const char *point_how_name(enum point_how how);

/* Whether the field tells of the container or pod alone: such conditions are answered in user space, once for each
 * container. Not container.id, which the kernel knows itself. */
bool point_is_container_field(enum field_id field);

#endif
