/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel check --list-points`: the table of decision points for people and for programs; and which points of a report
 * this version has no program for. Knows the table and the sensor, no rules.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "compat/fields.h"
#include "policy/points.h"
#include "policy/report.h"
#include "sensor/sensor.h"

/* Of the text. */
enum { INDENT = 4, LINE_WIDTH = 100 };

/* What a point knows of a field, or of a parameter of its events. */
struct known {
	char name[64];
	const struct point_field *row;
	bool container; /* answered in user space, once for each container */
};

static size_t count_parameters(void)
{
	size_t n = 0;

	while (point_parameter(n))
		n++;
	return n;
}

/* Everything that the point knows or does not, in the order of the catalogue: *n of them, to be freed. NULL without
 * memory. */
static struct known *look_up(const struct point_info *point, size_t *n)
{
	struct known *all = calloc(FIELD_COUNT + count_parameters(), sizeof(*all));

	*n = 0;
	for (enum field_id id = 0; all && id < FIELD_COUNT; id++) {
		const char *name = field_by_id(id)->name;

		if (id == FIELD_EVT_RAWARG)
			continue;
		for (size_t i = 0; id == FIELD_EVT_ARG && (point_parameter(i)); i++) {
			struct known *k = &all[(*n)++];

			(void)snprintf(k->name, sizeof(k->name), "%s.%s", name, point_parameter(i));
			k->row = point_field(point, id, point_parameter(i));
		}
		if (id == FIELD_EVT_ARG)
			continue;
		(void)snprintf(all[*n].name, sizeof(all[*n].name), "%s", name);
		all[*n].row = point_field(point, id, NULL);
		all[(*n)++].container = point_is_container_field(id);
	}
	return all;
}

static const char *how_of(const struct known *k)
{
	return k->container ? "container" : point_how_name(k->row->how);
}

static bool is_lost(const struct known *k)
{
	return !k->container && k->row->how == POINT_LOST;
}

/* The row is about some of the point's event types: these, separated; nothing if about all. */
static void add_some_events(struct buf *out, const struct point_info *p, const struct known *k, const char *format)
{
	const char *separator = "";

	if (!k->row->events || !(point_events(p) & ~k->row->events))
		return;
	for (size_t e = 0; e < p->nevents; e++) {
		if (!(k->row->events >> p->events[e] & 1))
			continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_addf(out, format, separator, point_event_name(p->events[e]));
#pragma GCC diagnostic pop
		separator = ",";
	}
}

/* ---- text ---- */

/* Adds the text, broken at blanks; further lines begin in the column `indent`. */
static void add_words(struct buf *out, const char *text, size_t *at, size_t indent)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (*at > indent && *at + 1 + len > LINE_WIDTH) {
			buf_addf(out, "\n%*s", (int)indent, "");
			*at = indent;
		} else if (*at > indent) {
			buf_addc(out, ' ');
			++*at;
		}
		buf_add(out, text, len);
		*at += len;
		text += len;
		text += *text == ' ';
	}
}

static void add_paragraph(struct buf *out, const char *text, size_t indent)
{
	size_t at = indent;

	buf_addf(out, "%*s", (int)indent, "");
	add_words(out, text, &at, indent + 2);
	buf_addc(out, '\n');
}

/* What the text says of a field besides its name. */
static void add_what(struct buf *out, const struct point_info *p, const struct known *k)
{
	size_t begin = out->len;

	if (k->container)
		return;
	add_some_events(out, p, k, "%s%s");
	if (k->row->reason)
		buf_addf(out, "%s%s", out->len > begin ? "; " : "", k->row->reason);
	if (k->row->uncertain)
		buf_addf(out, "%suncertain %s", out->len > begin ? "; " : "", k->row->uncertain);
}

/* The fields of which the same is said as of `all[first]`, unless they were written with an earlier one. */
static void write_group(struct buf *out, const struct point_info *p, const struct known *all, size_t n, size_t first)
{
	_autobuf_ struct buf line = BUF_INIT, what = BUF_INIT, other = BUF_INIT;

	add_what(&what, p, &all[first]);
	buf_addf(&line, "%s:", how_of(&all[first]));
	for (size_t i = 0; i < n; i++) {
		buf_reset(&other);
		add_what(&other, p, &all[i]);
		if (strcmp(how_of(&all[i]), how_of(&all[first])) != 0 || strcmp(buf_str(&other), buf_str(&what)) != 0)
			continue;
		if (i < first)
			return;
		buf_addf(&line, " %s", all[i].name);
	}
	if (what.len)
		buf_addf(&line, ": %s", buf_str(&what));
	if (buf_error(&line) || buf_error(&what) || buf_error(&other))
		out->error = -ENOMEM;
	add_paragraph(out, buf_str(&line), INDENT);
}

static int write_point(struct buf *out, const struct point_info *p)
{
	_autofree_ struct known *all = NULL;
	size_t n;

	all = look_up(p, &n);
	if (!all)
		return -ENOMEM;
	buf_addf(out, "\n%s: %s; %s, %s%s\n  events:", p->name, p->act, p->strength, point_backend_name(p->backend),
	         sensor_points() >> p->point & 1 ? "" : "; no program for it yet");
	for (size_t e = 0; e < p->nevents; e++)
		buf_addf(out, " %s", point_event_name(p->events[e]));
	buf_addc(out, '\n');
	if (p->gap.reason)
		add_paragraph(out, p->gap.reason, 2);
	for (int lost = 0; lost < 2; lost++)
		for (size_t i = 0; i < n; i++)
			if (is_lost(&all[i]) == lost)
				write_group(out, p, all, n, i);
	return 0;
}

/* ---- JSON ---- */

static void add_member(struct buf *out, const char *key, const char *text)
{
	if (!text)
		return;
	buf_addf(out, ",\"%s\":", key);
	buf_add_json(out, text, strlen(text));
}

static void add_field(struct buf *out, const struct point_info *p, const struct known *k)
{
	const struct point_field *row = k->row;
	_autobuf_ struct buf events = BUF_INIT;

	buf_adds(out, "{\"field\":");
	buf_add_json(out, k->name, strlen(k->name));
	add_member(out, "how", how_of(k));
	add_some_events(&events, p, k, "%s\"%s\"");
	if (buf_error(&events))
		out->error = -ENOMEM;
	if (events.len)
		buf_addf(out, ",\"events\":[%s]", buf_str(&events));
	if (!k->container) {
		if (row->how == POINT_RANGE)
			buf_addf(out, ",\"low\":%" PRId64 ",\"high\":%" PRId64, row->low, row->high);
		if (row->how == POINT_TEXT)
			add_member(out, "text", row->text);
		add_member(out, "reason", row->reason);
		add_member(out, "note", row->note);
		add_member(out, "uncertain", row->uncertain);
	}
	buf_addc(out, '}');
}

static int add_point(struct buf *out, const struct point_info *p)
{
	_autofree_ struct known *all = NULL;
	size_t n;

	all = look_up(p, &n);
	if (!all)
		return -ENOMEM;
	buf_adds(out, "{\"point\":");
	buf_add_json(out, p->name, strlen(p->name));
	add_member(out, "act", p->act);
	add_member(out, "strength", p->strength);
	add_member(out, "backend", point_backend_name(p->backend));
	buf_addf(out, ",\"available\":%s,\"events\":[", sensor_points() >> p->point & 1 ? "true" : "false");
	for (size_t e = 0; e < p->nevents; e++)
		buf_addf(out, "%s\"%s\"", e ? "," : "", point_event_name(p->events[e]));
	buf_adds(out, "]");
	if (p->gap.reason) {
		buf_adds(out, ",\"gap\":{\"reason\":");
		buf_add_json(out, p->gap.reason, strlen(p->gap.reason));
		add_member(out, "effect", p->gap.effect);
		buf_addc(out, '}');
	}
	buf_adds(out, ",\"fields\":[");
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, i ? "," : "");
		add_field(out, p, &all[i]);
	}
	buf_adds(out, "]}");
	return 0;
}

/* ---- what the commands ask for ---- */

enum cli_status cli_list_points(const struct command *c, enum event_format format)
{
	_autobuf_ struct buf out = BUF_INIT;
	bool json = format == EVENT_JSON;
	int error = 0;

	if (json)
		buf_adds(&out, "{\"version\":1,\"points\":[");
	else
		buf_adds(&out, "The decision points: the act, how strongly it is stopped, by what part of the kernel; "
		               "the types of\n"
		               "events; and of each field how it is known there, or why not. docs/points.md tells the "
		               "words.\n");
	for (int p = 0; !error && p < TERCEL_POINTS; p++) {
		buf_adds(&out, json && p ? "," : "");
		error = (json ? add_point : write_point)(&out, point_info((enum tercel_point)p));
	}
	if (json)
		buf_adds(&out, "]}\n");
	if (error)
		return cli_fail(c, CLI_SYSTEM, "out of memory");
	return cli_print(c, &out, CLI_OK);
}

void cli_note_unavailable(const struct command *c, const struct report *report, const char *rule)
{
	_autobuf_ struct buf names = BUF_INIT;
	uint32_t points = 0;

	for (size_t i = 0; i < report->nrules; i++) {
		const struct report_rule *r = &report->rules[i];

		if (rule && strcmp(r->rule->name, rule) != 0)
			continue;
		for (size_t p = 0; p < r->npoints; p++)
			if (r->points[p].point && r->points[p].class != POLICY_DETECT_ONLY &&
			    !report_is_available(report, &r->points[p]))
				points |= 1U << r->points[p].point->point;
	}
	for (int p = 0; p < TERCEL_POINTS; p++)
		if (points >> p & 1)
			buf_addf(&names, "%s %s", names.len ? "," : "", point_info((enum tercel_point)p)->name);
	if (names.len)
		cli_note(c,
		         "this version has no kernel programs yet for these decision points, and blocks nothing "
		         "there:%s; "
		         "'tercel check --target auto' judges by what it does have here",
		         buf_str(&names));
}
