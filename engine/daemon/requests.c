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

static int add_live_rule(cJSON *to, const struct live_rule *rule)
{
	cJSON *o = cJSON_CreateObject();
	int error = cJSON_AddItemToArray(to, o) ? add_text(o, "rule", rule->name) : -ENOMEM;

	if (!error)
		error = add_text(o, "class", rule->class);
	if (!error)
		error = add_text(o, "mode", name_mode(rule->mode));
	if (!error)
		error = add_text(o, "action", name_action(rule->action));
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

		error = add_live_rule(rules, &rule);
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
	if (!(ms >= 0 && ms <= 366.0 * 86400 * 1000))
		return error_set(&q->err, -EINVAL, "apply: \"confirm_ms\" is a number of milliseconds");
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
	        {"show", show},     {"status", status},   {"metrics", metrics},   {"apply", apply},
	        {"reload", reload}, {"confirm", confirm}, {"set-mode", set_mode},
	};
	const char *name = text_of(q, "command");

	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].answer(q);
	return error_set(
	        &q->err, -EINVAL,
	        "a request is a JSON object with \"command\": show, status, metrics, apply, reload, confirm or "
	        "set-mode");
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
