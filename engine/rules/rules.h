/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco rule files: from YAML to a resolved set of rules, each with a typed condition and exact places for every error.
 *
 * Means what Falco 0.44 means: files are read in order, a later definition of a name replaces or extends the earlier
 * one, lists and exceptions are put into the condition's text, macros into its tree. Knows nothing of policies or
 * kernels.
 */
#ifndef TERCEL_RULES_RULES_H
#define TERCEL_RULES_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "filter/filter.h"

/* Falco's, in its order: smaller is graver. */
enum rule_priority {
	RULE_EMERGENCY = 0,
	RULE_ALERT,
	RULE_CRITICAL,
	RULE_ERROR,
	RULE_WARNING,
	RULE_NOTICE,
	RULE_INFORMATIONAL,
	RULE_DEBUG,
	RULE_PRIORITIES,
};

/* "WARNING"; never NULL for a valid value. */
const char *rule_priority_name(enum rule_priority p);

enum rule_state {
	RULE_LOADED = 0,   /* typed: `filter` and `events` are set */
	RULE_OTHER_SOURCE, /* not about system calls: kept, its condition neither parsed nor checked */
	RULE_SKIPPED,      /* has an unknown field or event type and says skip-if-unknown-filter, as Falco does */
};

/* One rule. All memory belongs to the set. */
struct rule {
	const char *name;
	struct source_pos pos; /* of the name, in the definition that counts */
	const char *desc;
	const char *output;    /* without blanks around it */
	const char *condition; /* as written and appended to, before lists, macros and exceptions are put in */
	struct source_pos condition_pos;
	bool extended;      /* something was appended to the condition */
	const char *source; /* "syscall" */
	enum rule_priority priority;
	const char *const *tags;
	size_t ntags;
	bool enabled;
	enum rule_state state;
	const char *skipped_for; /* RULE_SKIPPED: what it does wrong, "names the unknown field foo.bar"; else NULL */
	const struct filter *filter; /* with exceptions, lists and macros in; NULL unless RULE_LOADED */
	struct filter_event_set events;
};

struct rules;

/*
 * Loads files in order. 0 and *out (the caller owns it), -EINVAL after adding every error found to `diags` (the set is
 * refused whole), -ENOMEM. Warnings do not fail. A file that cannot be read is an error of the list, too.
 * Codes of errors besides those of filter.h: file, yaml, bad-item, missing-key, bad-value, bad-override, bad-exception,
 * macro-order, no-such-rule, no-such-list, no-such-macro, engine-version. Codes of warnings: unknown-key,
 * duplicate-key, unknown-item, empty-item, ignored-key, ignored-value, ignored-document, spelling, invalid-name,
 * deprecated, no-values, duplicate-exception, nested-list, unknown-list, unused-macro, unused-list, other-source,
 * no-event-type, bad-override. Messages have their lines and notes.
 */
int rules_load(struct rules **out, const char *const *files, size_t n, struct diag_list *diags);

/* The same for one text in memory; `name` stands for the file in messages. */
int rules_load_buffer(struct rules **out, const char *name, const char *text, size_t len, struct diag_list *diags);

void rules_free(struct rules *r);
static inline void cleanup_rules(struct rules **r)
{
	rules_free(*r);
}
#define _autorules_ _cleanup_(cleanup_rules)

size_t rules_count(const struct rules *r);

/* In the order of first definition; index below rules_count(). */
const struct rule *rules_at(const struct rules *r, size_t index);

/* NULL if there is none of that name. */
const struct rule *rules_find(const struct rules *r, const char *name);

#endif
