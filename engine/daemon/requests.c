/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "daemon/counters.h"
#include "events/names.h"
#include "policy/points.h"

/* Exit statuses of the command line (docs/operate.md). */
enum {
	STATUS_NO = 1,
	STATUS_USAGE = 2,
	STATUS_SYSTEM = 3,
};

struct request {
	const struct requests *r;
	const cJSON *in;
	cJSON *out;
	struct diag_list diags;
	struct error err;
	bool changed; /* the policy is another one now */
};

static const char *text_of(const struct request *q, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(q->in, name));
}

static int add_text(cJSON *to, const char *name, const char *text)
{
	return cJSON_AddStringToObject(to, name, text) ? 0 : -ENOMEM;
}

static int add_number(cJSON *to, const char *name, uint64_t value)
{
	return cJSON_AddNumberToObject(to, name, (double)value) ? 0 : -ENOMEM;
}

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static int add_summary(struct request *q)
{
	const struct live *l = q->r->live;
	const struct plan_counts counts = plan_count(live_plan(l), live_image(l));
	const uint64_t left_ns = live_unconfirmed_ns(l, q->r->now_ns);
	cJSON *o = cJSON_AddObjectToObject(q->out, "policy");
	int error = o ? add_text(o, "file", live_plan(l)->file) : -ENOMEM;

	if (!error)
		error = add_number(o, "generation", live_generation(l));
	if (!error)
		error = add_number(o, "enforced", counts.enforced);
	if (!error)
		error = add_number(o, "monitored", counts.monitored);
	if (!error)
		error = add_number(o, "detect_only", counts.detect_only);
	if (!error && left_ns)
		error = add_number(o, "unconfirmed_ms", (left_ns + 999999) / 1000000);
	return error;
}

static int add_rule_words(cJSON *to, const struct live_rule *rule)
{
	int error = add_text(to, "rule", rule->name);

	if (!error)
		error = add_text(to, "class", rule->class);
	if (!error)
		error = add_text(to, "mode", name_mode(rule->mode));
	return error ? error : add_text(to, "action", name_action(rule->action));
}

static int add_live_rule(cJSON *to, const struct live_rule *rule, const struct policy *policy)
{
	cJSON *o = cJSON_CreateObject();
	int error = cJSON_AddItemToArray(to, o) ? add_rule_words(o, rule) : -ENOMEM;

	if (!error)
		error = add_text(o, "errno", strerrorname_np(policy_setting_of(policy, rule->name).error));
	if (!error)
		error = add_number(o, "blocked", rule->blocked);
	if (!error)
		error = add_number(o, "would_block", rule->would_block);
	if (!error)
		error = add_number(o, "uncertain", rule->uncertain);
	if (!error && !cJSON_AddBoolToObject(o, "fuse_blown", rule->blown))
		error = -ENOMEM;
	return error;
}

static int show(struct request *q)
{
	const size_t n = live_image(q->r->live)->nrules;
	int error = add_summary(q);
	cJSON *rules = error ? NULL : cJSON_AddArrayToObject(q->out, "rules");

	if (!error && !rules)
		error = -ENOMEM;
	for (size_t i = 0; !error && i < n; i++) {
		const struct live_rule rule = live_rule(q->r->live, i);

		error = add_live_rule(rules, &rule, live_plan(q->r->live)->policy);
	}
	return error;
}

static int status(struct request *q)
{
	int error = add_summary(q);

	if (!error)
		error = add_number(q->out, "pid", (uint64_t)getpid());
	if (!error)
		error = add_number(q->out, "started", q->r->started_s);
	if (!error && q->r->pins)
		error = add_text(q->out, "pins", q->r->pins);
	if (!error && q->r->cgroup)
		error = add_text(q->out, "cgroup", q->r->cgroup);
	return error ? error : counters_add_json(q->out, q->r);
}

static int metrics(struct request *q)
{
	_autobuf_ struct buf text = BUF_INIT;
	int error = counters_add_metrics(&text, q->r);

	if (!error)
		error = buf_error(&text);
	return error ? error : add_text(q->out, "text", buf_str(&text));
}

/* The condition by which a rule of the policy in force acts: its own, and its scope. */
static int add_condition(cJSON *to, const struct plan *plan, const struct rule *rule)
{
	const struct policy_setting s = policy_setting_of(plan->policy, rule->name);
	_autobuf_ struct buf condition = BUF_INIT, scope = BUF_INIT;

	filter_print(&condition, filter_root(rule->filter));
	if (s.scope_entry && scope_limits(&s.scope_entry->scope))
		scope_print(&scope, &s.scope_entry->scope);
	if (buf_error(&condition) || buf_error(&scope))
		return -ENOMEM;
	return add_text(to, "condition", buf_str(&condition)) || add_text(to, "scope", buf_str(&scope)) ? -ENOMEM : 0;
}

static int rule(struct request *q)
{
	const struct image *image = live_image(q->r->live);
	const struct plan *plan = live_plan(q->r->live);
	const char *name = text_of(q, "name");
	const size_t i = name ? image_find_rule(image, name) : image->nrules;
	int error;

	if (i == image->nrules)
		return error_set(&q->err, -EINVAL, "rule: \"name\" is that of a rule which is in force");
	const struct live_rule shown = live_rule(q->r->live, i);

	error = add_number(q->out, "generation", live_generation(q->r->live));
	if (!error)
		error = add_rule_words(q->out, &shown);
	if (!error && !cJSON_AddBoolToObject(q->out, "fuse", policy_setting_of(plan->policy, name).fuse.blocks != 0))
		error = -ENOMEM;
	return error ? error : add_condition(q->out, plan, rules_find(plan->rules, name));
}

static int add_verdict(cJSON *to, const struct live *l, const struct tercel_verdict *v)
{
	const struct image *image = live_image(l);
	const bool current = v->generation == live_generation(l) && v->rule < image->nrules;
	cJSON *o = cJSON_CreateObject(), *uncertain;
	bool whole = cJSON_AddItemToArray(to, o) && !add_text(o, "rule", current ? image->rules[v->rule].name : "") &&
	             !add_number(o, "generation", v->generation) && !add_number(o, "time", v->hdr.ts) &&
	             !add_text(o, "point", point_info((enum tercel_point)v->point)->name) &&
	             !add_text(o, "action", name_action(v->action)) &&
	             cJSON_AddBoolToObject(o, "enforced", v->enforced != 0);

	uncertain = whole ? cJSON_AddArrayToObject(o, "uncertain") : NULL;
	whole = uncertain != NULL;
	for (unsigned int i = 0; whole && i < TERCEL_U_BITS; i++)
		if (v->uncertain >> i & 1)
			whole = cJSON_AddItemToArray(uncertain, cJSON_CreateString(name_uncertain(i)));
	return whole ? 0 : -ENOMEM;
}

static int add_dropped(struct request *q)
{
	struct tercel_stats s = {0};
	int error = q->r->sensor ? sensor_stats(q->r->sensor, &s) : 0;

	return error ? error : add_number(q->out, "dropped", s.dropped[TERCEL_VERDICT]);
}

/* The times are CLOCK_BOOTTIME ns. Verdicts of acts from "since" to "until" are there, but for those that the kernel
 * had no room for: "dropped" counts them. */
static int verdicts(struct request *q)
{
	const cJSON *pid = cJSON_GetObjectItemCaseSensitive(q->in, "pid");
	const double number = pid ? cJSON_GetNumberValue(pid) : 0;
	const struct tercel_verdict *v;
	uint64_t at = 0;
	cJSON *all;
	int error;

	if (!(number >= 1 && number <= INT32_MAX))
		return error_set(&q->err, -EINVAL, "verdicts: \"pid\" is the id of a process");
	error = add_number(q->out, "until", q->r->drained_ns);
	if (!error)
		error = add_number(q->out, "since", recent_since(q->r->recent));
	if (!error)
		error = add_dropped(q);
	if (!error)
		error = add_number(q->out, "generation", live_generation(q->r->live));
	all = error ? NULL : cJSON_AddArrayToObject(q->out, "verdicts");
	if (!error && !all)
		error = -ENOMEM;
	while (!error && (v = recent_next(q->r->recent, (uint32_t)number, &at)))
		error = add_verdict(all, q->r->live, v);
	return error;
}

/* ---- what is to be done ------------------------------------------------------------------------------------------ */

/* From here on it is done: an error is only that it cannot be told as it should be. */
static int changed(struct request *q)
{
	q->changed = true;
	return add_summary(q);
}

static int apply(struct request *q)
{
	const cJSON *confirm = cJSON_GetObjectItemCaseSensitive(q->in, "confirm_ms");
	const char *file = text_of(q, "file");
	const double ms = confirm ? cJSON_GetNumberValue(confirm) : 0;
	int error;

	if (!file || file[0] != '/')
		return error_set(&q->err, -EINVAL, "apply: \"file\" is the absolute path of a policy file");
	/* Less than that would be none at all: the policy would stay. */
	if (confirm && !(ms >= 1 && ms <= 366.0 * 86400 * 1000))
		return error_set(&q->err, -EINVAL,
		                 "apply: \"confirm_ms\" is a number of milliseconds, at least 1 and at most a year's");
	error = live_apply(q->r->live, file, (uint64_t)(ms * 1e6), q->r->now_ns, &q->diags);
	return error ? error : changed(q);
}

static int reload(struct request *q)
{
	int error = live_apply(q->r->live, NULL, 0, q->r->now_ns, &q->diags);

	return error ? error : changed(q);
}

static int confirm(struct request *q)
{
	int error = live_confirm(q->r->live, &q->err);

	return error ? error : changed(q);
}

static int set_mode(struct request *q)
{
	const char *rules = text_of(q, "rules"), *mode = text_of(q, "mode");
	int error;

	if (!rules)
		return error_set(&q->err, -EINVAL, "set-mode: \"rules\" is the name of a rule, or a glob");
	for (unsigned int m = TERCEL_MODE_OFF; mode && m <= TERCEL_MODE_ENFORCE; m++) {
		if (strcmp(mode, name_mode(m)) != 0)
			continue;
		error = live_set_mode(q->r->live, rules, (enum tercel_mode)m, &q->diags);
		return error ? error : changed(q);
	}
	return error_set(&q->err, -EINVAL, "set-mode: \"mode\" is one of: off, monitor, enforce");
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static int dispatch(struct request *q)
{
	static const struct {
		const char *name;
		int (*answer)(struct request *q);
	} commands[] = {
	        {"show", show},         {"status", status}, {"metrics", metrics},
	        {"apply", apply},       {"reload", reload}, {"confirm", confirm},
	        {"set-mode", set_mode}, {"rule", rule},     {"verdicts", verdicts},
	};
	const char *name = text_of(q, "command");

	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].answer(q);
	return error_set(
	        &q->err, -EINVAL,
	        "a request is a JSON object with \"command\": show, status, metrics, rule, verdicts, apply, reload, "
	        "confirm or set-mode");
}

static int exit_status(int error)
{
	switch (error) {
	case -EBUSY:
	case -ENOENT:
		return STATUS_NO;
	case -EINVAL:
	case -E2BIG:
		return STATUS_USAGE;
	default:
		return STATUS_SYSTEM;
	}
}

/* What diag_print() would say, and the error. */
static int add_messages(struct request *q, int error)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool added;

	if (!f)
		return -ENOMEM;
	diag_print(&q->diags, f);
	if (q->err.text[0])
		(void)fprintf(f, "error: %s\n", q->err.text);
	else if (error && !diag_failed(&q->diags))
		(void)fprintf(f, "error: %s\n", strerror(-error));
	added = !fclose(f) && cJSON_AddStringToObject(q->out, "messages", text);
	free(text);
	return added ? 0 : -ENOMEM;
}

static int finish(struct request *q, int error)
{
	if (!cJSON_AddBoolToObject(q->out, "ok", !error))
		return -ENOMEM;
	if (error && add_number(q->out, "status", (uint64_t)exit_status(error)))
		return -ENOMEM;
	return add_messages(q, error);
}

char *requests_answer(const struct requests *r, const char *request)
{
	struct request q = {.r = r, .in = cJSON_Parse(request), .out = cJSON_CreateObject(), .diags = DIAG_LIST_INIT};
	char *text = NULL;
	int error = q.out ? dispatch(&q) : -ENOMEM;

	if (error && q.changed)
		(void)error_set(&q.err, error, "it is done, generation %u is in force; but: %s",
		                live_generation(r->live), strerror(-error));
	/* Half an answer would be a wrong one. */
	if (error && q.out) {
		cJSON_Delete(q.out);
		q.out = cJSON_CreateObject();
	}
	if (q.out && !finish(&q, error))
		text = cJSON_PrintUnformatted(q.out);
	cJSON_Delete((cJSON *)q.in);
	cJSON_Delete(q.out);
	diag_list_free(&q.diags);
	return text;
}
