/* SPDX-License-Identifier: Apache-2.0 */
#include "interest.h"

#include <errno.h>
#include <string.h>

#include "bpf/abi.h"
#include "rules/rules.h"

/* Which record tells of an event type. One type may need several; the rest of the host's state the source adds itself.
 */
static const struct {
	enum filter_event event;
	enum tercel_record_type record;
} told_by[] = {
        {FILTER_EVENT_EXECVE, TERCEL_EXEC},   {FILTER_EVENT_EXECVEAT, TERCEL_EXEC},
        {FILTER_EVENT_CLONE, TERCEL_FORK},    {FILTER_EVENT_CLONE3, TERCEL_FORK},
        {FILTER_EVENT_FORK, TERCEL_FORK},     {FILTER_EVENT_VFORK, TERCEL_FORK},
        {FILTER_EVENT_PROCEXIT, TERCEL_EXIT}, {FILTER_EVENT_OPEN, TERCEL_OPEN},
        {FILTER_EVENT_OPENAT, TERCEL_OPEN},   {FILTER_EVENT_OPENAT2, TERCEL_OPEN},
        {FILTER_EVENT_CREAT, TERCEL_OPEN},    {FILTER_EVENT_CONNECT, TERCEL_CONNECT},
        {FILTER_EVENT_SOCKET, TERCEL_SOCKET}, {FILTER_EVENT_CHDIR, TERCEL_CHDIR},
        {FILTER_EVENT_FCHDIR, TERCEL_CHDIR},
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

/* A rule none of whose event types we have never fires: such rules are counted, and the first is named. */
static void add_rules(struct interest *out, const struct rules *rules)
{
	size_t deaf = 0;
	const struct rule *first = NULL;
	for (size_t i = 0; i < rules_count(rules); i++) {
		const struct rule *rule = rules_at(rules, i);
		if (!rule->enabled || rule->state != RULE_LOADED)
			continue;
		struct interest needs = of_types(&rule->events);
		out->records |= needs.records;
		out->open_reads |= needs.open_reads;
		if (!needs.records) {
			first = first ? first : rule;
			deaf++;
		}
	}
	if (deaf)
		(void)error_set(
		        &out->note, 0,
		        "%zu rule(s) need event types that Tercel does not capture yet and will not fire; the first is "
		        "'%.200s'",
		        deaf, first->name);
}

static int report(const struct diag_list *diags, int rc, struct error *err)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];
		if (d->severity == DIAG_ERROR)
			return error_set(err, rc, "%s:%u:%u: %s%s", d->file ? d->file : "rules", d->line, d->column,
			                 d->message, diags->errors > 1 ? " (and more: see tercel check)" : "");
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
	int rc = rules_load(&rules, (const char *const *)config->rules_files, config->rules_count, &diags);
	if (rc)
		return report(&diags, rc, err);
	if (config->filter) {
		*out = (struct interest){0};
		add_rules(out, rules);
	}
	return 0;
}
