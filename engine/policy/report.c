/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report: points by rule, and its writers.
 */
#include "policy/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "policy/atom_text.h"

/* With more event types than this the report says "*" instead of naming them. */
#define NAMED_EVENTS_MAX 32

static int add_event(struct report_point *p, const char *name)
{
	char **grown = realloc(p->events, (p->nevents + 1) * sizeof(char *));

	if (!grown)
		return -ENOMEM;
	p->events = grown;
	grown[p->nevents] = strdup(name);
	return grown[p->nevents++] ? 0 : -ENOMEM;
}

static struct report_point *add_point(struct report_rule *r)
{
	struct report_point *grown = realloc(r->points, (r->npoints + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	r->points = grown;
	grown[r->npoints] = (struct report_point){0};
	return &grown[r->npoints++];
}

/* Takes the derivation over. */
static int report_at(struct report_rule *r, struct derivation *d)
{
	struct report_point *p = add_point(r);
	int err = 0;

	if (!p)
		return -ENOMEM;
	p->point = d->point;
	p->class = d->class;
	p->derivation = *d;
	*d = (struct derivation){0};
	for (size_t e = 0; !err && e < p->point->nevents; e++)
		if (filter_event_set_has(&r->rule->events, point_event_name(p->point->events[e])))
			err = add_event(p, point_event_name(p->point->events[e]));
	return err;
}

#define NO_POINT "no decision point of this target sees these event types"
#define NEVER_HOLDS                                                                                     \
	"the condition cannot hold when the kernel decides, where an operation is judged as if it were" \
	" about to succeed"

#define OTHER_SOURCE "the rule is about another source of events than system calls"

/* Which event types of a rule are told of without a point. */
enum undecided {
	UNDECIDED_NO_POINT, /* those that no point covers */
	UNDECIDED_ALL,      /* all of them: the rule has no other point */
};

struct collector {
	struct report_point point;
	uint32_t points; /* 1 << enum tercel_point: those that there are */
	enum undecided which;
	int error;
};

static bool is_covered(uint32_t points, const char *event)
{
	for (int p = 0; p < TERCEL_POINTS; p++) {
		const struct point_info *info = point_info((enum tercel_point)p);

		for (size_t e = 0; points >> p & 1 && e < info->nevents; e++)
			if (strcmp(point_event_name(info->events[e]), event) == 0)
				return true;
	}
	return false;
}

static void add_undecided(void *ctx, const char *name)
{
	struct collector *u = ctx;

	if (!u->error && (u->which == UNDECIDED_ALL || !is_covered(u->points, name)))
		u->error = add_event(&u->point, name);
}

static void point_free(struct report_point *p)
{
	for (size_t e = 0; e < p->nevents; e++)
		free(p->events[e]);
	free(p->events);
	derivation_free(&p->derivation);
}

/* The event types of the rule at which nothing is decided. */
static int report_undecided(const struct report *report, struct report_rule *r, enum undecided which,
                            const char *reason)
{
	const struct report_point empty = {.class = POLICY_DETECT_ONLY, .reason = reason};
	struct collector u = {.point = empty, .points = report->points, .which = which};
	struct report_point *p;

	filter_event_set_each(&r->rule->events, add_undecided, &u);
	if (!u.error && u.point.nevents > NAMED_EVENTS_MAX) {
		point_free(&u.point);
		u.point = empty;
		u.error = add_event(&u.point, "*");
	}
	p = !u.error && u.point.nevents ? add_point(r) : NULL;
	if (!p) {
		int err = u.error ? u.error : u.point.nevents ? -ENOMEM : 0;

		point_free(&u.point);
		return err;
	}
	*p = u.point;
	return 0;
}

/* A rule that is blocked at one of its points is no detection alone, whatever the others lack. */
static enum policy_class class_of(const struct report_rule *r)
{
	enum policy_class weakest = POLICY_EXACT, strongest = POLICY_DETECT_ONLY;

	for (size_t p = 0; p < r->npoints; p++) {
		if (r->points[p].class > weakest)
			weakest = r->points[p].class;
		if (r->points[p].class < strongest)
			strongest = r->points[p].class;
	}
	return strongest == POLICY_DETECT_ONLY ? POLICY_DETECT_ONLY
	       : weakest == POLICY_EXACT       ? POLICY_EXACT
	                                       : POLICY_NARROW;
}

static int report_other_source(struct report_rule *r)
{
	struct report_point *p = add_point(r);

	if (!p)
		return -ENOMEM;
	*p = (struct report_point){.class = POLICY_DETECT_ONLY, .reason = OTHER_SOURCE};
	r->class = POLICY_DETECT_ONLY;
	return 0;
}

static int report_rule(struct report *report, struct report_rule *r)
{
	_autoplacement_ struct placement placement = {0};
	int err = 0;

	if (r->rule->state == RULE_OTHER_SOURCE)
		return report_other_source(r);
	err = placement_make(&placement, filter_root(r->rule->filter), report->points, report->atoms);
	for (int p = 0; !err && p < TERCEL_POINTS; p++)
		if (placement.at[p].applies)
			err = report_at(r, &placement.at[p]);
	if (!err)
		err = report_undecided(report, r, UNDECIDED_NO_POINT, NO_POINT);
	if (!err && !r->npoints)
		err = report_undecided(report, r, UNDECIDED_ALL, NEVER_HOLDS);
	r->class = class_of(r);
	return err;
}

int report_build(struct report **out, const struct rules *rules, uint32_t points)
{
	_autoreport_ struct report *report = calloc(1, sizeof(*report));
	int err;

	if (!report)
		return -ENOMEM;
	report->points = points;
	report->available = points;
	err = atoms_new(&report->atoms);
	if (err)
		return err;
	report->rules = calloc(rules_count(rules) + 1, sizeof(*report->rules));
	report->skipped = calloc(rules_count(rules) + 1, sizeof(*report->skipped));
	if (!report->rules || !report->skipped)
		return -ENOMEM;
	for (size_t i = 0; i < rules_count(rules); i++) {
		struct report_rule *r = &report->rules[report->nrules];

		if (rules_at(rules, i)->state == RULE_SKIPPED) {
			report->skipped[report->nskipped++] = rules_at(rules, i);
			continue;
		}
		r->rule = rules_at(rules, i);
		report->nrules++;
		err = report_rule(report, r);
		if (err)
			return err;
		report->exact += r->class == POLICY_EXACT;
		report->narrow += r->class == POLICY_NARROW;
		report->detect_only += r->class == POLICY_DETECT_ONLY;
	}
	*out = TAKE_PTR(report);
	return 0;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nrules; i++) {
		for (size_t p = 0; p < r->rules[i].npoints; p++)
			point_free(&r->rules[i].points[p]);
		free(r->rules[i].points);
	}
	free(r->rules);
	free((void *)r->skipped);
	atoms_free(r->atoms);
	free(r);
}

const struct report_rule *report_find(const struct report *report, const char *name)
{
	for (size_t i = 0; i < report->nrules; i++)
		if (strcmp(report->rules[i].rule->name, name) == 0)
			return &report->rules[i];
	return NULL;
}

bool report_is_available(const struct report *report, const struct report_point *p)
{
	return p->point && report->available >> p->point->point & 1;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void json_text(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, "\"%s\":", key);
	if (text)
		buf_add_json(out, text, strlen(text));
	else
		buf_adds(out, "null");
}

/* What was put together in another buffer. */
static void json_buf(struct buf *out, const char *key, const struct buf *text)
{
	buf_pass_error(out, text);
	json_text(out, key, buf_str(text));
}

static void json_place(struct buf *out, const char *file, uint32_t line, uint32_t column)
{
	json_text(out, "file", file);
	buf_addf(out, ",\"line\":%u,\"column\":%u", line, column);
}

static void json_diags(struct buf *out, const struct diag_list *diags, enum diag_severity severity)
{
	bool first = true;

	buf_addc(out, '[');
	for (size_t i = 0; diags && i < diags->count; i++) {
		const struct diag *d = &diags->items[i];

		if (d->severity != severity)
			continue;
		buf_adds(out, first ? "{" : ",{");
		first = false;
		json_place(out, d->file, d->line, d->column);
		buf_addc(out, ',');
		json_text(out, "code", d->code);
		buf_addc(out, ',');
		json_text(out, "message", d->message);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void json_expr(struct buf *out, const struct filter_node *node)
{
	_autobuf_ struct buf text = BUF_INIT;

	filter_print(&text, node);
	json_buf(out, "expr", &text);
}

static void json_lost(struct buf *out, const struct lost_leaf *l)
{
	buf_addc(out, '{');
	json_expr(out, l->node);
	buf_addc(out, ',');
	json_place(out, l->node->pos.file, l->node->pos.line, l->node->pos.column);
	buf_addc(out, ',');
	json_text(out, "reason", l->reason);
	buf_addc(out, ',');
	json_text(out, "effect", l->effect);
	buf_addc(out, '}');
}

static const char *point_name(const struct report_point *p)
{
	return p->point ? p->point->name : "none";
}

static const char *point_strength(const struct report_point *p)
{
	return p->point && p->class != POLICY_DETECT_ONLY ? p->point->strength : "none";
}

static void json_point(struct buf *out, const struct report *report, const struct report_point *p)
{
	buf_addc(out, '{');
	json_text(out, "point", point_name(p));
	buf_adds(out, ",\"events\":[");
	for (size_t e = 0; e < p->nevents; e++) {
		if (e)
			buf_addc(out, ',');
		buf_add_json(out, p->events[e], strlen(p->events[e]));
	}
	buf_adds(out, "],");
	json_text(out, "class", policy_class_name(p->class));
	buf_addc(out, ',');
	json_text(out, "strength", point_strength(p));
	buf_addf(out, ",\"available\":%s", report_is_available(report, p) ? "true" : "false");
	if (!p->point) {
		buf_addc(out, ',');
		json_text(out, "reason", p->reason);
	}
	buf_adds(out, ",\"lost\":[");
	for (size_t i = 0; i < p->derivation.nlost; i++) {
		if (i)
			buf_addc(out, ',');
		json_lost(out, &p->derivation.lost[i]);
	}
	buf_adds(out, "],\"notes\":[");
	for (size_t i = 0; i < p->derivation.nnotes; i++) {
		buf_adds(out, i ? ",{" : "{");
		json_text(out, "code", p->derivation.notes[i].code);
		buf_addc(out, ',');
		json_expr(out, p->derivation.notes[i].node);
		buf_addc(out, '}');
	}
	buf_adds(out, "]}");
}

static void json_rule_head(struct buf *out, const struct report_rule *r)
{
	json_text(out, "name", r->rule->name);
	buf_addc(out, ',');
	json_text(out, "file", r->rule->pos.file);
	buf_addf(out, ",\"line\":%u,\"enabled\":%s,", r->rule->pos.line, r->rule->enabled ? "true" : "false");
	json_text(out, "source", r->rule->source);
	buf_addc(out, ',');
	json_text(out, "priority", rule_priority_name(r->rule->priority));
	buf_adds(out, ",\"tags\":[");
	for (size_t t = 0; t < r->rule->ntags; t++) {
		if (t)
			buf_addc(out, ',');
		buf_add_json(out, r->rule->tags[t], strlen(r->rule->tags[t]));
	}
	buf_adds(out, "],");
	json_text(out, "class", policy_class_name(r->class));
}

static void json_rule(struct buf *out, const struct report *report, const struct report_rule *r)
{
	buf_addc(out, '{');
	json_rule_head(out, r);
	buf_adds(out, ",\"points\":[");
	for (size_t p = 0; p < r->npoints; p++) {
		if (p)
			buf_addc(out, ',');
		json_point(out, report, &r->points[p]);
	}
	buf_adds(out, "]}");
}

static void json_skipped(struct buf *out, const struct rule *r)
{
	buf_addc(out, '{');
	json_text(out, "name", r->name);
	buf_addc(out, ',');
	json_text(out, "file", r->pos.file);
	buf_addf(out, ",\"line\":%u,", r->pos.line);
	json_text(out, "reason", r->skipped_for);
	buf_addc(out, '}');
}

static bool is_selected(const struct rule *r, const struct report_options *options)
{
	return !options->rule || strcmp(options->rule, r->name) == 0;
}

struct totals {
	size_t rules, by_class[3], skipped;
};

static struct totals count_selected(const struct report *report, const struct report_options *options)
{
	struct totals t = {0};

	for (size_t i = 0; report && i < report->nrules; i++)
		if (is_selected(report->rules[i].rule, options)) {
			t.rules++;
			t.by_class[report->rules[i].class]++;
		}
	for (size_t i = 0; report && i < report->nskipped; i++)
		t.skipped += is_selected(report->skipped[i], options);
	return t;
}

void report_write_json(struct buf *out, const struct report *report, const struct report_options *options,
                       const struct diag_list *diags)
{
	const struct totals t = count_selected(report, options);
	bool first = true;

	buf_adds(out, "{\"version\":1,");
	json_text(out, "target", options->target);
	buf_adds(out, ",\"files\":[");
	for (size_t i = 0; i < options->nfiles; i++) {
		if (i)
			buf_addc(out, ',');
		buf_add_json(out, options->files[i], strlen(options->files[i]));
	}
	buf_adds(out, "],\"errors\":");
	json_diags(out, diags, DIAG_ERROR);
	buf_adds(out, ",\"warnings\":");
	json_diags(out, diags, DIAG_WARNING);
	buf_adds(out, ",\"rules\":[");
	for (size_t i = 0; report && i < report->nrules; i++) {
		if (!is_selected(report->rules[i].rule, options))
			continue;
		if (!first)
			buf_addc(out, ',');
		first = false;
		json_rule(out, report, &report->rules[i]);
	}
	buf_adds(out, "],\"skipped\":[");
	first = true;
	for (size_t i = 0; report && i < report->nskipped; i++) {
		if (!is_selected(report->skipped[i], options))
			continue;
		buf_adds(out, first ? "" : ",");
		first = false;
		json_skipped(out, report->skipped[i]);
	}
	buf_addf(out,
	         "],\"summary\":{\"rules\":%zu,\"exact\":%zu,\"narrow\":%zu,\"detect_only\":%zu,\"errors\":%zu,"
	         "\"warnings\":%zu}}\n",
	         t.rules, t.by_class[POLICY_EXACT], t.by_class[POLICY_NARROW], t.by_class[POLICY_DETECT_ONLY],
	         diags ? diags->errors : 0, diags ? diags->warnings : 0);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* A list of many names says no more in full. */
#define NOTE_EXPR_MAX 60

static void text_expr(struct buf *out, const struct filter_node *node)
{
	_autobuf_ struct buf text = BUF_INIT;
	size_t len = NOTE_EXPR_MAX;

	filter_print(&text, node);
	buf_pass_error(out, &text);
	if (text.len <= NOTE_EXPR_MAX) {
		buf_adds(out, buf_str(&text));
		return;
	}
	/* Not within a character of several bytes. */
	while (len && ((unsigned char)text.data[len] & 0xc0) == 0x80)
		len--;
	buf_addf(out, "%.*s…", (int)len, buf_str(&text));
}

static bool same_loss(const struct lost_leaf *a, const struct lost_leaf *b)
{
	return strcmp(a->reason, b->reason) == 0 && strcmp(a->effect, b->effect) == 0;
}

/* Whether an entry was met before, by its hash and `same`; it counts as met from now on. Hashes, since a condition may
 * have thousands of leaves. */
static bool met(struct buf *out, struct table *before, uint64_t hash, table_same *same, const void *ctx, size_t entry,
                const void *key)
{
	if (table_find(before, hash, same, ctx, key) != TABLE_NONE)
		return true;
	if (table_add(before, hash, entry))
		out->error = -ENOMEM;
	return false;
}

static bool same_lost_leaf(const void *ctx, size_t entry, const void *key)
{
	const struct lost_leaf *have = &((const struct derivation *)ctx)->lost[entry], *wanted = key;
	const struct source_pos *a = &have->node->pos, *b = &wanted->node->pos;

	return same_loss(have, wanted) && a->line == b->line && a->column == b->column &&
	       strcmp(a->file ? a->file : "", b->file ? b->file : "") == 0 && filter_equal(have->node, wanted->node);
}

/* A leaf that is there several times (a macro that is used twice) is said once. */
static bool said_before(struct buf *out, struct table *said, const struct derivation *d, size_t i)
{
	const struct source_pos *pos = &d->lost[i].node->pos;
	const uint32_t place[] = {pos->line, pos->column};

	return met(out, said, table_hash(place, sizeof(place)), same_lost_leaf, d, i, &d->lost[i]);
}

/* One block for each reason and effect, in the order of their first leaves. */
static void text_lost(struct buf *out, const struct derivation *d)
{
	_autotable_ struct table said = {0};

	for (size_t i = 0; i < d->nlost; i++) {
		bool told = false;

		for (size_t k = 0; k < i && !told; k++)
			told = same_loss(&d->lost[k], &d->lost[i]);
		if (told)
			continue;
		for (size_t k = i; k < d->nlost; k++) {
			const struct lost_leaf *l = &d->lost[k];

			if (!same_loss(l, &d->lost[i]) || said_before(out, &said, d, k))
				continue;
			buf_adds(out, k == i ? "      lost: " : "            ");
			filter_print(out, l->node);
			buf_addf(out, "  (%s:%u:%u)\n", l->node->pos.file ? l->node->pos.file : "?", l->node->pos.line,
			         l->node->pos.column);
		}
		buf_addf(out, "        why: %s\n        so:  %s\n", d->lost[i].reason, d->lost[i].effect);
	}
}

static void text_point(struct buf *out, const struct report *report, const struct report_point *p)
{
	buf_addf(out, "    %-19s ", point_name(p));
	for (size_t e = 0; e < p->nevents; e++)
		buf_addf(out, "%s%s", e ? "," : "", p->events[e]);
	buf_addf(out, "  %s", policy_class_name(p->class));
	if (p->point && p->class != POLICY_DETECT_ONLY)
		buf_addf(out, ", %s%s", p->point->strength,
		         report_is_available(report, p) ? "" : " (this version has no program for it yet)");
	if (!p->point)
		buf_addf(out, ": %s", p->reason);
	buf_addc(out, '\n');
	text_lost(out, &p->derivation);
}

static const char *note_meaning(const char *code)
{
	if (strcmp(code, "weak-identity") == 0)
		return "a process can set its own name; proc.exepath is harder to forge";
	if (strcmp(code, "path-resolved") == 0)
		return "the file's resolved path, in the process's root";
	if (strcmp(code, "container-facts") == 0)
		return "known of Docker's containers (of mounts, and of a pod's labels and addresses, only that there "
		       "are "
		       "none); where it is not known, the answer is uncertain";
	return "judged as if the operation were about to succeed";
}

/* The notes of all points of a rule, one after the other; NULL from their number on. */
static const struct leaf_note *note_at(const struct report_rule *r, size_t i)
{
	for (size_t p = 0; p < r->npoints; p++) {
		if (i < r->points[p].derivation.nnotes)
			return &r->points[p].derivation.notes[i];
		i -= r->points[p].derivation.nnotes;
	}
	return NULL;
}

/* Whether an earlier note has the code. */
static bool code_before(const struct report_rule *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(note_at(r, k)->code, note_at(r, i)->code) == 0)
			return true;
	return false;
}

static bool same_noted_leaf(const void *ctx, size_t entry, const void *key)
{
	const struct leaf_note *have = note_at(ctx, entry), *wanted = key;

	return have->node == wanted->node && strcmp(have->code, wanted->code) == 0;
}

/* One line for each code: its leaves, and once what it means. */
static void text_notes(struct buf *out, const struct report_rule *r)
{
	_autotable_ struct table said = {0};

	for (size_t i = 0; note_at(r, i); i++) {
		const char *code = note_at(r, i)->code;

		if (code_before(r, i))
			continue;
		buf_addf(out, "    note: %s: ", code);
		for (size_t k = i; note_at(r, k); k++) {
			const struct leaf_note *note = note_at(r, k);
			const uintptr_t leaf = (uintptr_t)note->node;

			if (strcmp(note->code, code) != 0 ||
			    met(out, &said, table_hash(&leaf, sizeof(leaf)), same_noted_leaf, r, k, note))
				continue;
			buf_adds(out, k > i ? "; " : "");
			text_expr(out, note->node);
		}
		buf_addf(out, ": %s\n", note_meaning(code));
	}
}

static void text_rule(struct buf *out, const struct report *report, const struct report_rule *r)
{
	buf_addf(out, "%-11s %s%s  (%s:%u)\n", policy_class_name(r->class), r->rule->name,
	         r->rule->enabled ? "" : " (disabled)", r->rule->pos.file ? r->rule->pos.file : "?", r->rule->pos.line);
	for (size_t p = 0; p < r->npoints; p++)
		text_point(out, report, &r->points[p]);
	text_notes(out, r);
}

static void text_skipped(struct buf *out, const struct rule *r)
{
	buf_addf(out, "%-11s %s  (%s:%u)\n    it has skip-if-unknown-filter, and %s\n", "skipped", r->name,
	         r->pos.file ? r->pos.file : "?", r->pos.line, r->skipped_for);
}

void report_write_text(struct buf *out, const struct report *report, const struct report_options *options)
{
	const struct totals t = count_selected(report, options);

	for (size_t i = 0; report && i < report->nrules; i++)
		if (is_selected(report->rules[i].rule, options))
			text_rule(out, report, &report->rules[i]);
	for (size_t i = 0; report && i < report->nskipped; i++)
		if (is_selected(report->skipped[i], options))
			text_skipped(out, report->skipped[i]);
	buf_addf(out, "%zu rule%s: %zu exact, %zu narrow, %zu detect-only", t.rules, t.rules == 1 ? "" : "s",
	         t.by_class[POLICY_EXACT], t.by_class[POLICY_NARROW], t.by_class[POLICY_DETECT_ONLY]);
	if (t.skipped)
		buf_addf(out, "; %zu skipped", t.skipped);
	buf_addc(out, '\n');
}

/* ---- explain ----------------------------------------------------------------------------------------------------- */

/* The kids that say something when lost leaves are read as `lost`; the others are neutral there. */
static size_t count_telling(const struct formula *f, bool lost)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nkids; i++)
		n += !formula_is(f->kids[i], true, lost) && !formula_is(f->kids[i], false, lost);
	return n;
}

/* must (lost leaves false) or may (lost leaves true) of a formula. */
static void print_formula(struct buf *out, const struct atoms *atoms, const struct formula *f, bool lost)
{
	size_t telling = count_telling(f, lost), printed = 0;

	if (formula_is(f, true, lost) || formula_is(f, false, lost)) {
		buf_adds(out, formula_is(f, true, lost) ? "true" : "false");
		return;
	}
	if (f->kind == FORMULA_ATOM) {
		buf_adds(out, f->negated ? "not " : "");
		atom_print(out, atoms_get(atoms, f->atom));
		return;
	}
	buf_adds(out, telling > 1 ? "(" : "");
	for (size_t i = 0; i < f->nkids; i++) {
		if (formula_is(f->kids[i], true, lost) || formula_is(f->kids[i], false, lost))
			continue;
		if (printed++)
			buf_adds(out, f->kind == FORMULA_AND ? " and " : " or ");
		print_formula(out, atoms, f->kids[i], lost);
	}
	buf_adds(out, telling > 1 ? ")" : "");
}

static void explain_form(struct buf *out, const struct report *report, const struct report_point *p, bool may)
{
	if (p->point)
		print_formula(out, report->atoms, p->derivation.formula, may);
	else
		buf_adds(out, may ? "true" : "false");
}

void report_explain_json(struct buf *out, const struct report *report, const struct report_rule *rule)
{
	_autobuf_ struct buf text = BUF_INIT;

	json_text(out, "class", policy_class_name(rule->class));
	buf_adds(out, ",\"points\":[");
	for (size_t p = 0; p < rule->npoints; p++) {
		buf_adds(out, p ? ",{" : "{");
		json_text(out, "point", point_name(&rule->points[p]));
		for (int may = 0; may < 2; may++) {
			buf_reset(&text);
			explain_form(&text, report, &rule->points[p], may);
			buf_addc(out, ',');
			json_buf(out, may ? "may" : "must", &text);
		}
		buf_adds(out, ",\"report\":");
		json_point(out, report, &rule->points[p]);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

void report_explain_text(struct buf *out, const struct report *report, const struct report_rule *rule)
{
	text_rule(out, report, rule);
	for (size_t p = 0; p < rule->npoints; p++) {
		buf_addf(out, "  %s\n    must: ", point_name(&rule->points[p]));
		explain_form(out, report, &rule->points[p], false);
		buf_adds(out, "\n    may:  ");
		explain_form(out, report, &rule->points[p], true);
		buf_addc(out, '\n');
	}
}
