/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy file: which rules are switched on, what they may do, and where results go; and its application to a set
 * of rules. Knows YAML, rules and images; loads nothing into a kernel.
 */
#ifndef TERCEL_POLICY_POLICY_H
#define TERCEL_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "policy/image.h"
#include "policy/scope.h"
#include "rules/rules.h"

struct policy_defaults {
	enum tercel_mode mode; /* OFF or MONITOR: nothing is enforced that the file does not name */
	enum match_on_uncertain on_uncertain;
};

/* The most blocks that a fuse may allow: as many times are kept. */
#define POLICY_FUSE_MAX 100000

/* How many blocks a rule may make before it only monitors. */
struct policy_fuse {
	uint32_t blocks; /* 0: no fuse */
	uint64_t per_ns;
};

/* One entry of `rules`. What it does not say is left as earlier entries, or the defaults, have it. */
struct policy_entry {
	char *name; /* a glob (fnmatch) over rule names */
	struct source_pos pos;
	bool has_mode, has_action, has_on_uncertain, has_scope, has_fuse;
	int error;        /* errno; 0: it says none */
	bool at_run_time; /* by policy_add_mode() */
	enum tercel_mode mode;
	struct source_pos mode_pos;
	enum tercel_action action;
	struct source_pos action_pos;
	enum match_on_uncertain on_uncertain;
	struct scope scope;
	struct source_pos scope_pos;
	struct policy_fuse fuse;
};

/* What the entries together say of one rule; of each key the last entry that has it. */
struct policy_setting {
	enum tercel_mode mode;
	enum tercel_action action;
	enum match_on_uncertain on_uncertain;
	int error; /* what a denied act fails with: errno */
	struct policy_fuse fuse;
	const struct policy_entry *mode_entry, *action_entry, *scope_entry; /* NULL: the defaults */
};

/* All memory belongs to the policy. */
struct policy {
	char *file;         /* its name in messages */
	char **rules_files; /* relative names are relative to the policy file's directory */
	size_t nrules_files;
	struct policy_defaults defaults;
	struct policy_entry *entries;
	size_t nentries;
	char **protect;
	size_t nprotect;
	bool output_stdout; /* default: true */
	char *output_file;  /* NULL: none */
};

/*
 * Reads a policy file. 0 with *out set (owned by the caller), -EINVAL after adding every error found to `diags`, with
 * its place and the way out, -ENOMEM. Keys that this build cannot honour are errors, never ignored. Codes: file, yaml,
 * bad-policy, unknown-key, duplicate-key, bad-value, unsupported-key.
 */
int policy_load(struct policy **out, const char *file, struct diag_list *diags);

/* The same for a text in memory; `name` stands for the file in messages. */
int policy_load_buffer(struct policy **out, const char *name, const char *text, size_t len, struct diag_list *diags);

/* A policy without a file: these rule files, everything in `mode` (monitor: nothing is blocked). */
int policy_of_rules(struct policy **out, const char *const *rules_files, size_t n, enum tercel_mode mode);

void policy_free(struct policy *p);
static inline void cleanup_policy(struct policy **p)
{
	policy_free(*p);
}
#define _autopolicy_ __attribute__((cleanup(cleanup_policy)))

struct policy_setting policy_setting_of(const struct policy *p, const char *rule);

/*
 * Adds an entry that says the mode of the rules that `name`, a glob, names; at run time, to a policy that was read. 0
 * or -ENOMEM. policy_drop_last() takes the last entry away again.
 */
int policy_add_mode(struct policy *p, const char *name, enum tercel_mode mode);
void policy_drop_last(struct policy *p);

/* Takes those away that say nothing any more, as later entries say the modes of all their rules. */
void policy_drop_overridden(struct policy *p, const struct rules *rules);

/*
 * Applies the policy to the rules and builds the image: enabled rules about system calls whose mode is not off, to be
 * decided at `points` (1 << enum tercel_point). 0 with
 * *image set (owned by the caller); -EINVAL, -E2BIG or -ENOMEM after adding errors. Warns of entries that name no rule,
 * and of enforced rules that no decision point can enforce ("detect-only").
 */
int policy_apply(struct image **image, const struct policy *p, const struct rules *rules, uint32_t points,
                 uint32_t generation, struct diag_list *diags);

#endif
