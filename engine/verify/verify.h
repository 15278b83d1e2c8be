/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evasion self-test: makes up an act that a rule blocks, does it plainly, and then in every way that may come round
 * the rule; and judges what came of each. Who decided is asked by a callback: knows no daemon.
 */
#ifndef TERCEL_VERIFY_VERIFY_H
#define TERCEL_VERIFY_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "verify/trial.h"

/* What the rule said of what a process did. */
enum verify_verdict {
	VERIFY_NO_VERDICT = 0,
	VERIFY_UNCERTAIN = 1,   /* it might have matched, and nothing was done */
	VERIFY_WOULD_BLOCK = 2, /* it matched, and only monitors */
	VERIFY_BLOCKED = 3,
};

enum verify_result {
	VERIFY_HOLDS = 0,
	VERIFY_EXCEPTION = 1,  /* let through, for a reason that docs/threat-model.md lists */
	VERIFY_HOLE = 2,       /* let through, and by the rule's words it should not have been */
	VERIFY_NOT_TESTED = 3, /* this way does not exist here, or the rule cannot be acted out */
};

/* "holds", "exception", "HOLE", "not tested"; never NULL for a valid value. */
const char *verify_result_name(enum verify_result r);

struct verify_rule {
	const char *name;
	const struct filter_node *condition;
	bool enforced; /* else it monitors: what would have been blocked holds */
};

struct verify_question {
	const char *rule;
	uint32_t pid;
	uint64_t since_ns;  /* CLOCK_BOOTTIME: before the process acted */
	unsigned int trial; /* number of the trial that it was part of */
};

struct verify {
	const struct trial_place *place;
	unsigned int tries; /* of each attack in time */
	/*
	 * The strongest verdict of the rule on a process that has ended; `reasons` of an uncertain one. 0; -ENODATA if
	 * there is none, but verdicts of that time were lost; or -errno.
	 */
	int (*ask)(void *ctx, const struct verify_question *q, enum verify_verdict *out, char *reasons, size_t size,
	           struct error *err);
	/*
	 * Takes one result of the act that was told last. `way` is "" where that act, or before any the rule as a
	 * whole, was not tested; `why` "" where there is nothing to say.
	 */
	void (*tell)(void *ctx, const struct verify_rule *rule, const char *way, enum verify_result result,
	             const char *why);
	/* Takes an act that was made up for the rule, in words, before its results: one of each kind. */
	void (*tell_act)(void *ctx, const struct verify_rule *rule, const char *act);
	void *ctx;
	unsigned int trials; /* so far; 0 in the beginning */
};

/* Tries one rule in every way. 0, or -errno with its reason if it could not be gone on with. */
int verify_rule(struct verify *v, const struct verify_rule *rule, struct error *err);

#endif
