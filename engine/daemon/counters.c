/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/counters.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "events/names.h"
#include "policy/points.h"

/* Counters of one number: what got lost, and how. `name` is part of the interface. */
static const struct {
	const char *name;
	size_t offset; /* in struct tercel_stats */
} lost[] = {
        {"process_record_full", offsetof(struct tercel_stats, procs_full)},
        {"image_full", offsetof(struct tercel_stats, images_full)},
        {"cgroup_full", offsetof(struct tercel_stats, cgroups_full)},
        {"process_unknown", offsetof(struct tercel_stats, proc_unknown)},
        {"scratch_busy", offsetof(struct tercel_stats, scratch_busy)},
        {"program_skipped", offsetof(struct tercel_stats, missed)},
        {"compat_call_unreadable", offsetof(struct tercel_stats, compat_unknown)},
        {"policy_image_faulty", offsetof(struct tercel_stats, policy_errors)},
};

#define LOST (sizeof(lost) / sizeof(lost[0]))

static uint64_t lost_count(const struct tercel_stats *s, size_t i)
{
	uint64_t value;

	memcpy(&value, (const char *)s + lost[i].offset, sizeof(value));
	return value;
}

/* Whether an act was ever decided there, or is now. */
static bool point_is_used(const struct requests *r, const struct tercel_stats *s, uint32_t p)
{
	return image_points(live_image(r->live)) >> p & 1 || s->blocked[p] || s->would_block[p] || s->undecided[p];
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* cJSON has no integers: what a double cannot hold exactly, 2^53 and more, no counter here reaches in a lifetime. */
static bool add_count(cJSON *to, const char *name, uint64_t value)
{
	return cJSON_AddNumberToObject(to, name, (double)value) != NULL;
}

static bool add_point(cJSON *to, const struct tercel_stats *s, uint32_t p)
{
	const struct point_info *info = point_info((enum tercel_point)p);
	cJSON *o = cJSON_CreateObject();

	return cJSON_AddItemToArray(to, o) && cJSON_AddStringToObject(o, "point", info->name) &&
	       cJSON_AddStringToObject(o, "strength", info->strength) && add_count(o, "blocked", s->blocked[p]) &&
	       add_count(o, "would_block", s->would_block[p]) && add_count(o, "undecided", s->undecided[p]);
}

static bool add_record(cJSON *to, const struct tercel_stats *s, uint32_t type)
{
	cJSON *o = cJSON_AddObjectToObject(to, name_record(type));

	return o && add_count(o, "generated", s->generated[type]) && add_count(o, "delivered", s->delivered[type]) &&
	       add_count(o, "filtered", s->filtered[type]) && add_count(o, "dropped", s->dropped[type]);
}

int counters_add_json(cJSON *to, const struct requests *r)
{
	struct tercel_stats s;
	int error = sensor_stats(r->sensor, &s);
	cJSON *points, *uncertain, *records, *losses;
	bool whole;

	if (error)
		return error;
	points = cJSON_AddArrayToObject(to, "points");
	uncertain = cJSON_AddObjectToObject(to, "uncertain");
	records = cJSON_AddObjectToObject(to, "records");
	losses = cJSON_AddObjectToObject(to, "lost");
	whole = points && uncertain && records && losses;
	for (uint32_t p = 0; whole && p < TERCEL_POINTS; p++)
		whole = !point_is_used(r, &s, p) || add_point(points, &s, p);
	for (unsigned int i = 0; whole && i < TERCEL_U_BITS; i++)
		whole = add_count(uncertain, name_uncertain(i), s.uncertain[i]);
	for (uint32_t i = 0; whole && i < TERCEL_RECORD_TYPES; i++)
		whole = add_record(records, &s, i);
	for (size_t i = 0; whole && i < LOST; i++)
		whole = add_count(losses, lost[i].name, lost_count(&s, i));
	whole = whole && add_count(to, "late_verdicts", live_late(r->live)) &&
	        add_count(to, "folded_verdicts", r->verdicts_folded) &&
	        add_count(losses, "container_unknown", r->containers_unknown) &&
	        add_count(losses, "answer_not_kept", r->answers_lost) &&
	        add_count(losses, "event_not_written", r->events_unwritten);
	return whole ? 0 : -ENOMEM;
}

/* ---- Prometheus -------------------------------------------------------------------------------------------------- */

static void add_family(struct buf *to, const char *name, const char *type, const char *help)
{
	buf_addf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The value of a label. */
static void add_label(struct buf *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(to, '\\');
		if (*text == '\n')
			buf_adds(to, "\\n");
		else
			buf_addc(to, *text);
	}
}

static void add_sample(struct buf *to, const char *name, const char *label, const char *value, const char *outcome,
                       uint64_t count)
{
	buf_addf(to, "%s{%s=\"", name, label);
	add_label(to, value);
	buf_addf(to, "\"%s%s%s} ", outcome ? ",outcome=\"" : "", outcome ? outcome : "", outcome ? "\"" : "");
	buf_addu(to, count);
	buf_addc(to, '\n');
}

static void add_rules(struct buf *to, const struct requests *r)
{
	const size_t n = live_image(r->live)->nrules;

	add_family(to, "tercel_rule_verdicts_total", "counter",
	           "Verdicts of a rule of the policy in force, by outcome.");
	for (size_t i = 0; i < n; i++) {
		const struct live_rule rule = live_rule(r->live, i);

		add_sample(to, "tercel_rule_verdicts_total", "rule", rule.name, "blocked", rule.blocked);
		add_sample(to, "tercel_rule_verdicts_total", "rule", rule.name, "would_block", rule.would_block);
		add_sample(to, "tercel_rule_verdicts_total", "rule", rule.name, "uncertain", rule.uncertain);
	}
	add_family(to, "tercel_rule_enforces", "gauge", "Whether a rule of the policy in force blocks.");
	for (size_t i = 0; i < n; i++) {
		const struct live_rule rule = live_rule(r->live, i);

		add_sample(to, "tercel_rule_enforces", "rule", rule.name, NULL, rule.mode == TERCEL_MODE_ENFORCE);
	}
}

static void add_points(struct buf *to, const struct requests *r, const struct tercel_stats *s)
{
	static const char name[] = "tercel_decisions_total";

	add_family(to, name, "counter",
	           "Acts at a decision point that were blocked, would have been, or passed undecided.");
	for (uint32_t p = 0; p < TERCEL_POINTS; p++) {
		const char *point = point_info((enum tercel_point)p)->name;

		if (!point_is_used(r, s, p))
			continue;
		add_sample(to, name, "point", point, "blocked", s->blocked[p]);
		add_sample(to, name, "point", point, "would_block", s->would_block[p]);
		add_sample(to, name, "point", point, "undecided", s->undecided[p]);
	}
}

static void add_records(struct buf *to, const struct tercel_stats *s)
{
	static const char name[] = "tercel_records_total";

	add_family(to, name, "counter", "Records of the kernel programs: generated = delivered + filtered + dropped.");
	for (uint32_t i = 0; i < TERCEL_RECORD_TYPES; i++) {
		add_sample(to, name, "type", name_record(i), "generated", s->generated[i]);
		add_sample(to, name, "type", name_record(i), "delivered", s->delivered[i]);
		add_sample(to, name, "type", name_record(i), "filtered", s->filtered[i]);
		add_sample(to, name, "type", name_record(i), "dropped", s->dropped[i]);
	}
}

int counters_add_metrics(struct buf *to, const struct requests *r)
{
	struct tercel_stats s;
	int error = sensor_stats(r->sensor, &s);

	if (error)
		return error;
	add_family(to, "tercel_policy_generation", "gauge", "Generation of the policy in force.");
	buf_addf(to, "tercel_policy_generation %u\n", live_generation(r->live));
	add_rules(to, r);
	add_family(to, "tercel_late_verdicts_total", "counter",
	           "Verdicts of a policy that was replaced, or of a rule that is off by now: counted for no rule.");
	buf_addf(to, "tercel_late_verdicts_total %llu\n", (unsigned long long)live_late(r->live));
	add_family(to, "tercel_folded_verdicts_total", "counter",
	           "Verdicts that were not written by themselves, as others say the same: those have their number.");
	buf_addf(to, "tercel_folded_verdicts_total %llu\n", (unsigned long long)r->verdicts_folded);
	add_points(to, r, &s);
	add_family(to, "tercel_uncertain_total", "counter", "Decisions left uncertain, by what was not known.");
	for (unsigned int i = 0; i < TERCEL_U_BITS; i++)
		add_sample(to, "tercel_uncertain_total", "reason", name_uncertain(i), NULL, s.uncertain[i]);
	add_records(to, &s);
	add_family(to, "tercel_lost_total", "counter", "What could not be kept, read or decided, by cause.");
	for (size_t i = 0; i < LOST; i++)
		add_sample(to, "tercel_lost_total", "cause", lost[i].name, NULL, lost_count(&s, i));
	add_sample(to, "tercel_lost_total", "cause", "answer_not_kept", NULL, r->answers_lost);
	add_sample(to, "tercel_lost_total", "cause", "event_not_written", NULL, r->events_unwritten);
	add_family(to, "tercel_containers_unknown", "gauge", "Cgroups of containers that nothing is known of.");
	buf_addf(to, "tercel_containers_unknown %zu\n", r->containers_unknown);
	return 0;
}
