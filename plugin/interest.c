/* SPDX-License-Identifier: Apache-2.0 */
#include "interest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "bpf/abi.h"
#include "rules/files.h"
#include "rules/rules.h"

/* Which record tells of an event type. One type may need several; the rest of the host's state the source adds itself.
 */
static const struct {
	enum filter_event event;
	enum tercel_record_type record;
} told_by[] = {
        /* Not execveat: it is the event of one that failed. */
        {FILTER_EVENT_EXECVE, TERCEL_EXEC},     {FILTER_EVENT_CLONE, TERCEL_FORK},
        {FILTER_EVENT_CLONE3, TERCEL_FORK},     {FILTER_EVENT_FORK, TERCEL_FORK},
        {FILTER_EVENT_VFORK, TERCEL_FORK},      {FILTER_EVENT_PROCEXIT, TERCEL_EXIT},
        {FILTER_EVENT_OPEN, TERCEL_OPEN},       {FILTER_EVENT_OPENAT, TERCEL_OPEN},
        {FILTER_EVENT_OPENAT2, TERCEL_OPEN},    {FILTER_EVENT_CREAT, TERCEL_OPEN},
        {FILTER_EVENT_CONNECT, TERCEL_CONNECT}, {FILTER_EVENT_SOCKET, TERCEL_SOCKET},
        {FILTER_EVENT_CHDIR, TERCEL_CHDIR},     {FILTER_EVENT_FCHDIR, TERCEL_CHDIR},
};
#define TOLD_BY (sizeof(told_by) / sizeof(*told_by))

#define EVERYTHING \
	((struct interest){.records = ((1U << TERCEL_RECORD_TYPES) - 1) & ~(1U << TERCEL_VERDICT), .open_reads = true})

static struct interest of_types(const struct filter_event_set *types)
{
	struct interest out = {0};
	for (size_t i = 0; i < TOLD_BY; i++)
		if (filter_event_set_has_event(types, told_by[i].event))
			out.records |= 1U << told_by[i].record;
	/* Which opens a rule wants is in its condition, not in its event types. */
	out.open_reads = out.records & 1U << TERCEL_OPEN;
	return out;
}

/* ---- what no record tells of --------------------------------------------------------------------------- */

enum truth {
	TRUTH_NO,
	TRUTH_YES,
	TRUTH_OPEN, /* depends on more than success */
};

/* A number that is not negative: the result of a call that succeeded. */
static enum truth success_number(const struct filter_node *leaf)
{
	bool all_negative = leaf->nvalues > 0;
	for (size_t i = 0; i < leaf->nvalues; i++)
		all_negative = all_negative && leaf->values[i].as.s64 < 0;
	switch (leaf->op) {
	case FILTER_OP_EQ:
	case FILTER_OP_IN:
	case FILTER_OP_LE:
		return all_negative ? TRUTH_NO : TRUTH_OPEN;
	case FILTER_OP_LT:
		return all_negative || (leaf->nvalues && !leaf->values[0].as.s64) ? TRUTH_NO : TRUTH_OPEN;
	case FILTER_OP_NE:
	case FILTER_OP_GT:
		return all_negative ? TRUTH_YES : TRUTH_OPEN;
	case FILTER_OP_GE:
		return all_negative || (leaf->nvalues && !leaf->values[0].as.s64) ? TRUTH_YES : TRUTH_OPEN;
	default:
		return TRUTH_OPEN;
	}
}

static enum truth success_name(const struct filter_node *leaf)
{
	bool among = false;
	for (size_t i = 0; i < leaf->nvalues; i++)
		among = among || !strcmp(leaf->values[i].text, "SUCCESS");
	switch (leaf->op) {
	case FILTER_OP_EQ:
	case FILTER_OP_IN:
		return among ? TRUTH_YES : TRUTH_NO;
	case FILTER_OP_NE:
		return among ? TRUTH_NO : TRUTH_YES;
	default:
		return TRUTH_OPEN;
	}
}

/* Of a call that succeeded these have no value in Falco, and no comparison holds. */
static enum truth success_leaf(const struct filter_node *leaf)
{
	switch (leaf->left->field->id) {
	case FIELD_EVT_RAWRES:
		return success_number(leaf);
	case FIELD_EVT_RES:
		return success_name(leaf);
	case FIELD_EVT_FAILED:
	case FIELD_EVT_COUNT_ERROR:
		return leaf->values && leaf->op == FILTER_OP_EQ && leaf->values[0].as.u64 ? TRUTH_NO : TRUTH_OPEN;
	default:
		return TRUTH_OPEN;
	}
}

/* What follows for the condition from the call's success alone. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the condition, which is bounded
static enum truth of_success(const struct filter_node *n)
{
	if (n->kind == FILTER_LEAF)
		return success_leaf(n);
	if (n->kind == FILTER_CHECK)
		return TRUTH_OPEN;
	if (n->kind == FILTER_NOT) {
		static const enum truth negated[] = {
		        [TRUTH_NO] = TRUTH_YES, [TRUTH_YES] = TRUTH_NO, [TRUTH_OPEN] = TRUTH_OPEN};
		return negated[of_success(n->kids[0])];
	}
	enum truth decides = n->kind == FILTER_AND ? TRUTH_NO : TRUTH_YES;
	enum truth all = decides == TRUTH_NO ? TRUTH_YES : TRUTH_NO;
	for (size_t i = 0; i < n->nkids; i++) {
		enum truth t = of_success(n->kids[i]);
		if (t == decides)
			return t;
		if (t == TRUTH_OPEN)
			all = TRUTH_OPEN;
	}
	return all;
}

/* Whether it is about failed calls that make no record: execs and clones. */
static bool wants_lost_failures(const struct rule *rule)
{
	static const enum filter_event without[] = {FILTER_EVENT_EXECVE, FILTER_EVENT_EXECVEAT, FILTER_EVENT_CLONE,
	                                            FILTER_EVENT_CLONE3, FILTER_EVENT_FORK,     FILTER_EVENT_VFORK};
	bool about = false;
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
		about = about || filter_event_set_has_event(&rule->events, without[i]);
	return about && of_success(filter_root(rule->filter)) == TRUTH_NO;
}

struct lost {
	size_t count;
	const struct rule *first;
};

static void lose(struct lost *l, const struct rule *rule)
{
	if (!l->count++)
		l->first = rule;
}

static void note(struct interest *out, const struct lost *deaf, const struct lost *failures)
{
	_autobuf_ struct buf text = BUF_INIT, visible = BUF_INIT;
	if (deaf->count)
		buf_addf(
		        &text,
		        "%zu rule(s) need event types that Tercel does not capture yet and will not fire; the first is "
		        "'%.100s'",
		        deaf->count, deaf->first->name);
	if (failures->count)
		buf_addf(&text,
		         "%s%zu rule(s) ask for calls that failed, and will not see failed execve, execveat and clone, "
		         "which Tercel does not capture yet; the first is '%.100s'",
		         text.len ? ". " : "", failures->count, failures->first->name);
	text_visible(&visible, buf_str(&text), text.len);
	(void)error_set(&out->note, 0, "%s", buf_str(&visible));
}

/* Rules that never fire, or not for all that they ask for, are counted, and the first of each kind is named. */
static void add_rules(struct interest *out, const struct rules *rules)
{
	struct lost deaf = {0}, failures = {0};
	for (size_t i = 0; i < rules_count(rules); i++) {
		const struct rule *rule = rules_at(rules, i);
		if (!rule->enabled || rule->state != RULE_LOADED)
			continue;
		struct interest needs = of_types(&rule->events);
		out->records |= needs.records;
		out->open_reads |= needs.open_reads;
		if (!needs.records)
			lose(&deaf, rule);
		else if (wants_lost_failures(rule))
			lose(&failures, rule);
	}
	note(out, &deaf, &failures);
}

static int report(const struct diag_list *diags, int rc, struct error *err)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];
		_autobuf_ struct buf file = BUF_INIT;
		char place[32] = "";
		if (d->severity != DIAG_ERROR)
			continue;
		if (d->line)
			(void)snprintf(place, sizeof(place), ":%u:%u", d->line, d->column);
		const char *name = d->file ? d->file : "rules";
		text_visible(&file, name, strlen(name));
		return error_set(err, rc, "%s%s: %s%s", buf_str(&file), place, d->message,
		                 diags->errors > 1 ? " (and more: see tercel check)" : "");
	}
	return error_set(err, rc, "the rules cannot be loaded: %s", strerror(-rc));
}

int interest_load(struct interest *out, const struct plugin_config *config, struct error *err)
{
	*out = EVERYTHING;
	if (!config->rules_count)
		return 0;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autofiles_ struct file_list files = {0};
	int rc = file_list_add(&files, (const char *const *)config->rules_files, config->rules_count, err);
	if (rc)
		return rc;
	rc = rules_load(&rules, (const char *const *)files.names, files.count, &diags);
	if (rc)
		return report(&diags, rc, err);
	if (config->filter) {
		*out = (struct interest){0};
		add_rules(out, rules);
	}
	return 0;
}
