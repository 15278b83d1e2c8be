/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel explain`: one rule, as it is understood: its condition with everything put in, what it reads, when it is
 * asked, and what becomes of it in the kernel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"
#include "cli/cli.h"
#include "policy/image_explain.h"
#include "policy/report.h"
#include "rules/files.h"
#include "rules/rules.h"
#include "sensor/sensor.h"

static const char explain_help[] =
        "Explains one rule: its condition with lists, macros and exceptions put in, check by check with the place "
        "that\n"
        "each comes from; the events it is asked about; the fields it reads; and where the kernel can decide it.\n"
        "\n"
        "usage: tercel explain [options] --rule NAME FILE…\n"
        "\n"
        "A FILE that is a directory stands for its files that end in .yaml or .yml, in alphabetical order.\n"
        "\n"
        "  -o, --output FORMAT  text (default) or json\n"
        "      --rule NAME      the rule's name, as it is written in the file\n"
        "  -h, --help           this text\n"
        "\n"
        "Exit status: 0 explained; 1 the rules are invalid; 2 usage, a file cannot be read, or there is no such "
        "rule.\n";

enum { OPTION_RULE = 0x100 };

static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"rule", required_argument, NULL, OPTION_RULE},
        {"help", no_argument, NULL, 'h'},
        {0},
};

struct arguments {
	enum event_format format;
	const char *rule;
	struct file_list files;
};

/* Returns 0, -EINVAL (said), or 1 after --help. */
static int parse(struct arguments *a, int argc, char **argv)
{
	const struct command *c = &command_explain;
	int error = 0;

	for (int option = 0; !error && (option = cli_option(c, argc, argv, ":o:h", options)) != -1;) {
		switch (option) {
		case 'o':
			error = cli_parse_format(c, optarg, &a->format);
			break;
		case OPTION_RULE:
			a->rule = optarg;
			break;
		case CLI_OPTION_HELP:
			return 1;
		default:
			return -EINVAL;
		}
	}
	if (error)
		return error;
	if (!a->rule) {
		(void)cli_fail(c, CLI_USAGE, "which rule? usage: tercel explain [options] --rule NAME FILE…");
		return -EINVAL;
	}
	return cli_take_files(c, &a->files, argc, argv);
}

/* ---- what both forms tell -------------------------------------------------------------------------------------- */

/* The fields that a condition reads, each once, in the order of its text. */
struct fields {
	const struct filter_term **terms;
	size_t n, cap;
	struct table names; /* of terms, by field and argument */
	bool out_of_memory;
};

static void fields_free(struct fields *f)
{
	free(f->terms);
	table_free(&f->names);
}

static bool same_field(const void *ctx, size_t entry, const void *key)
{
	const struct filter_term *a = ((const struct fields *)ctx)->terms[entry], *b = key;

	return a->field == b->field && a->has_arg == b->has_arg &&
	       (!a->has_arg || strcmp(a->arg_text, b->arg_text) == 0);
}

static void add_field(struct fields *f, const struct filter_term *t)
{
	const char *name = t->has_arg ? t->arg_text : t->field->name;
	uint64_t hash = table_hash(name, strlen(name));

	if (table_find(&f->names, hash, same_field, f, t) != TABLE_NONE)
		return;
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;
		const struct filter_term **grown = reallocarray(f->terms, cap, sizeof(*grown));

		if (!grown) {
			f->out_of_memory = true;
			return;
		}
		f->terms = grown;
		f->cap = cap;
	}
	if (table_add(&f->names, hash, f->n)) {
		f->out_of_memory = true;
		return;
	}
	f->terms[f->n++] = t;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets transformers nest
static void add_fields_of(struct fields *f, const struct filter_term *t)
{
	if (!t)
		return;
	if (t->kind == FILTER_TERM_FIELD)
		add_field(f, t);
	for (size_t i = 0; i < t->nargs; i++)
		add_fields_of(f, t->args[i]);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which is bounded
static void collect_fields(struct fields *f, const struct filter_node *n)
{
	add_fields_of(f, n->left);
	add_fields_of(f, n->right);
	for (size_t i = 0; i < n->nkids; i++)
		collect_fields(f, n->kids[i]);
}

/* More than this is "nearly every event" to a reader. */
enum { EVENTS_SHOWN = 40 };

static const char *kind_name(const struct filter_node *n)
{
	switch (n->kind) {
	case FILTER_AND:
		return "and";
	case FILTER_OR:
		return "or";
	case FILTER_NOT:
		return "not";
	case FILTER_LEAF:
	case FILTER_CHECK:
		break;
	}
	return "check";
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

static void add_visible(struct buf *out, const char *text)
{
	text_visible(out, text, strlen(text));
}

static void add_place(struct buf *out, struct source_pos pos)
{
	if (pos.file)
		add_visible(out, pos.file);
	buf_addf(out, ":%u:%u", pos.line, pos.column);
}

/* The macros that a check came in through, outermost first. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as macros nest, which is bounded
static void add_macros(struct buf *out, const struct filter_use *use, const char *between)
{
	if (!use)
		return;
	add_macros(out, use->outer, between);
	if (use->outer)
		buf_adds(out, between);
	add_visible(out, use->macro);
}

static void write_check(struct buf *out, const struct filter_node *n)
{
	_autobuf_ struct buf text = BUF_INIT;

	filter_print(&text, n);
	add_visible(out, buf_str(&text));
	buf_adds(out, "   (");
	if (n->use) {
		buf_adds(out, "macro ");
		add_macros(out, n->use, " > ");
		buf_adds(out, ", ");
	}
	add_place(out, n->pos);
	buf_addc(out, ')');
}

/* A line for each node; deeper ones are indented no more, so that a line stays readable. */
enum { INDENT_MAX = 30 };

// NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which is bounded
static void write_tree(struct buf *out, const struct filter_node *n, int depth)
{
	buf_addf(out, "%*s", 2 + 2 * (depth < INDENT_MAX ? depth : INDENT_MAX), "");
	if (n->kind == FILTER_LEAF || n->kind == FILTER_CHECK)
		write_check(out, n);
	else if (n->kind == FILTER_NOT && n->kids[0]->nkids == 0) {
		buf_adds(out, "not ");
		write_check(out, n->kids[0]);
	} else {
		buf_adds(out, kind_name(n));
	}
	buf_addc(out, '\n');
	for (size_t i = 0; i < n->nkids; i++)
		if (n->kids[i]->nkids || n->kind != FILTER_NOT)
			write_tree(out, n->kids[i], depth + 1);
}

static void add_event(void *ctx, const char *name)
{
	buf_addf(ctx, " %s", name);
}

static void write_events(struct buf *out, const struct rule *r)
{
	size_t n = filter_event_set_count(&r->events);

	buf_adds(out, "\nAsked about these events:");
	if (n == 0)
		buf_adds(out, " none; the rule cannot match");
	else if (n > EVENTS_SHOWN)
		buf_addf(out, " %zu of all; a check such as evt.type = execve would make it cheaper", n);
	else
		filter_event_set_each(&r->events, add_event, out);
	buf_addc(out, '\n');
}

static void write_fields(struct buf *out, const struct fields *f)
{
	buf_adds(out, "\nReads these fields:\n");
	for (size_t i = 0; i < f->n; i++) {
		_autobuf_ struct buf name = BUF_INIT;

		filter_print_term(&name, f->terms[i]);
		buf_adds(out, "  ");
		add_visible(out, buf_str(&name));
		buf_addf(out, "%*s  %s%s: %s\n", name.len < 28 ? (int)(28 - name.len) : 0, "",
		         f->terms[i]->is_list ? "list of " : "", field_type_name(f->terms[i]->type),
		         f->terms[i]->field->description);
	}
}

/* A text of several lines, indented; without what is blank at their ends, and without empty ones. */
static void write_lines(struct buf *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n"), len = n;

		while (len && text[len - 1] == ' ')
			len--;
		buf_adds(out, len ? "  " : "");
		text_visible(out, text, len);
		buf_adds(out, len ? "\n" : "");
		text += n + (text[n] == '\n');
	}
}

static void write_head(struct buf *out, const struct rule *r)
{
	buf_adds(out, "Rule ");
	add_visible(out, r->name);
	buf_adds(out, "   (");
	add_place(out, r->pos);
	buf_addf(out, ")\n  %s, priority %s, source %s", r->enabled ? "enabled" : "not enabled",
	         rule_priority_name(r->priority), r->source);
	for (size_t i = 0; i < r->ntags; i++) {
		buf_adds(out, i ? ", " : ", tags ");
		add_visible(out, r->tags[i]);
	}
	buf_adds(out, r->extended ? "\n\nCondition as written, and appended to   (" : "\n\nCondition as written   (");
	add_place(out, r->condition_pos);
	buf_adds(out, ")\n");
	write_lines(out, r->condition);
}

/* ---- the policy image ------------------------------------------------------------------------------------------- */

/* What the rule becomes among all rules that are loaded, or why they do not fit. */
static int add_image(struct buf *out, const struct rules *rules, const struct rule *r, enum event_format format)
{
	_autofree_ struct image_rule *list = calloc(rules_count(rules) + 1, sizeof(*list));
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct image_input in = {.rules = list, .points = PLACEMENT_FULL};
	size_t index = 0;
	int error;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < rules_count(rules); i++) {
		const struct rule *other = rules_at(rules, i);

		if (other->state != RULE_LOADED || (!other->enabled && other != r))
			continue;
		if (other == r)
			index = in.nrules;
		list[in.nrules++] = (struct image_rule){.name = other->name,
		                                        .condition = filter_root(other->filter),
		                                        .pos = other->pos,
		                                        .mode = TERCEL_MODE_MONITOR,
		                                        .action = TERCEL_ACTION_DENY};
	}
	error = format == EVENT_JSON ? image_explain_json(out, &in, index, &diags)
	                             : image_explain_text(out, &in, index, &diags);
	if (error == -ENOMEM || !error || !diags.count)
		return error;
	if (format == EVENT_JSON) {
		buf_adds(out, "{\"error\":");
		buf_add_json(out, diags.items[0].message, strlen(diags.items[0].message));
		buf_addc(out, '}');
	} else {
		buf_addf(out, "  not in a policy image: %s\n", diags.items[0].message);
	}
	return 0;
}

/* What the report quotes of the rule may be anything; its own lines stay. */
static int write_kernel(struct buf *out, const struct rules *rules, const struct report *report, const struct rule *r)
{
	_autobuf_ struct buf raw = BUF_INIT;
	const char *line;
	char *rest;
	int error;

	report_explain_text(&raw, report, report_find(report, r->name));
	error = add_image(&raw, rules, r, EVENT_TEXT);
	if (error || buf_error(&raw) || !raw.len)
		return error ? error : buf_error(&raw);
	rest = raw.data;
	while ((line = strsep(&rest, "\n"))) {
		add_visible(out, line);
		buf_adds(out, *line ? "\n" : "");
	}
	return 0;
}

static int write_text(struct buf *out, const struct rules *rules, const struct report *report, const struct rule *r)
{
	_cleanup_(fields_free) struct fields fields = {0};

	write_head(out, r);
	if (r->state != RULE_LOADED) {
		buf_adds(out, r->state == RULE_SKIPPED
		                      ? "\nIt is skipped: it has skip-if-unknown-filter, and "
		                      : "\nIt is not about system calls; its condition is not looked at");
		if (r->state == RULE_SKIPPED)
			add_visible(out, r->skipped_for);
		buf_adds(out, ".\n");
		return 0;
	}
	buf_adds(out, "\nWith lists, macros and exceptions put in:\n");
	write_tree(out, filter_root(r->filter), 0);
	write_events(out, r);
	collect_fields(&fields, filter_root(r->filter));
	if (fields.out_of_memory)
		return -ENOMEM;
	write_fields(out, &fields);
	buf_adds(out, "\nIn the kernel:\n");
	return write_kernel(out, rules, report, r);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static void add_string(struct buf *out, const char *key, const char *value)
{
	buf_addf(out, "\"%s\":", key);
	buf_add_json(out, value, strlen(value));
}

/* What was put together in another buffer. */
static void add_text(struct buf *out, const char *key, const struct buf *value)
{
	buf_pass_error(out, value);
	add_string(out, key, buf_str(value));
}

static void add_json_place(struct buf *out, struct source_pos pos)
{
	add_string(out, "file", pos.file ? pos.file : "");
	buf_addf(out, ",\"line\":%u,\"column\":%u", pos.line, pos.column);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as macros nest, which is bounded
static void add_json_macros(struct buf *out, const struct filter_use *use)
{
	if (!use)
		return;
	add_json_macros(out, use->outer);
	buf_adds(out, use->outer ? ",{" : "{");
	add_string(out, "macro", use->macro);
	buf_addc(out, ',');
	add_json_place(out, use->pos);
	buf_addc(out, '}');
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which is bounded
static void write_json_tree(struct buf *out, const struct filter_node *n)
{
	buf_addc(out, '{');
	add_string(out, "kind", kind_name(n));
	if (n->nkids) {
		buf_adds(out, ",\"of\":[");
		for (size_t i = 0; i < n->nkids; i++) {
			buf_adds(out, i ? "," : "");
			write_json_tree(out, n->kids[i]);
		}
		buf_addc(out, ']');
	} else {
		_autobuf_ struct buf text = BUF_INIT;

		filter_print(&text, n);
		buf_addc(out, ',');
		add_text(out, "text", &text);
		buf_addc(out, ',');
		add_json_place(out, n->pos);
		buf_adds(out, ",\"through\":[");
		add_json_macros(out, n->use);
		buf_addc(out, ']');
	}
	buf_addc(out, '}');
}

static void add_json_event(void *ctx, const char *name)
{
	struct buf *out = ctx;

	if (out->data[out->len - 1] != '[')
		buf_addc(out, ',');
	buf_addf(out, "\"%s\"", name);
}

static int write_json_condition(struct buf *out, const struct rule *r)
{
	_cleanup_(fields_free) struct fields fields = {0};
	_autobuf_ struct buf text = BUF_INIT;

	filter_print(&text, filter_root(r->filter));
	buf_addc(out, ',');
	add_text(out, "expanded", &text);
	buf_adds(out, ",\"tree\":");
	write_json_tree(out, filter_root(r->filter));
	buf_adds(out, ",\"events\":[");
	if (!buf_error(out))
		filter_event_set_each(&r->events, add_json_event, out);
	buf_adds(out, "],\"fields\":[");
	collect_fields(&fields, filter_root(r->filter));
	for (size_t i = 0; i < fields.n; i++) {
		_autobuf_ struct buf name = BUF_INIT;

		filter_print_term(&name, fields.terms[i]);
		buf_adds(out, i ? ",{" : "{");
		add_text(out, "name", &name);
		buf_addf(out, ",\"type\":\"%s\",\"list\":%s}", field_type_word(fields.terms[i]->type),
		         fields.terms[i]->is_list ? "true" : "false");
	}
	buf_addc(out, ']');
	return fields.out_of_memory ? -ENOMEM : 0;
}

static int write_json(struct buf *out, const struct rules *rules, const struct report *report, const struct rule *r)
{
	static const char *const states[] = {
	        [RULE_LOADED] = "loaded", [RULE_OTHER_SOURCE] = "other-source", [RULE_SKIPPED] = "skipped"};
	int error = 0;

	buf_adds(out, "{\"version\":1,");
	add_string(out, "rule", r->name);
	buf_addc(out, ',');
	add_json_place(out, r->pos);
	buf_addf(out, ",\"enabled\":%s,\"state\":\"%s\",", r->enabled ? "true" : "false", states[r->state]);
	add_string(out, "priority", rule_priority_name(r->priority));
	buf_addc(out, ',');
	add_string(out, "source", r->source);
	buf_adds(out, ",\"tags\":[");
	for (size_t i = 0; i < r->ntags; i++) {
		buf_adds(out, i ? "," : "");
		buf_add_json(out, r->tags[i], strlen(r->tags[i]));
	}
	buf_adds(out, "],");
	add_string(out, "desc", r->desc);
	buf_addc(out, ',');
	add_string(out, "output", r->output);
	buf_addc(out, ',');
	add_string(out, "condition", r->condition);
	if (r->state == RULE_SKIPPED) {
		buf_addc(out, ',');
		add_string(out, "reason", r->skipped_for);
	}
	if (r->state == RULE_LOADED) {
		error = write_json_condition(out, r);
		buf_addc(out, ',');
		report_explain_json(out, report, report_find(report, r->name));
		buf_adds(out, ",\"image\":");
		if (!error)
			error = add_image(out, rules, r, EVENT_JSON);
	}
	buf_adds(out, "}\n");
	return error;
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static enum cli_status explain(const struct arguments *a)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autoreport_ struct report *report = NULL;
	_autobuf_ struct buf out = BUF_INIT;
	const struct rule *r;
	enum cli_status status;
	int error = rules_load(&rules, (const char *const *)a->files.names, a->files.count, &diags);

	if (error == -EINVAL) {
		diag_sort(&diags);
		diag_print(&diags, stderr);
		return cli_status_of_rules(&diags);
	}
	r = error ? NULL : rules_find(rules, a->rule);
	if (!error && !r) {
		_autobuf_ struct buf near = BUF_INIT;

		cli_add_near_rule(&near, rules, a->rule);
		return cli_fail(&command_explain, CLI_USAGE, "--rule: there is no rule '%s' in these files%s", a->rule,
		                buf_str(&near));
	}
	if (!error)
		error = report_build(&report, rules, PLACEMENT_FULL);
	if (!error) {
		report->available = sensor_points();
		error = a->format == EVENT_JSON ? write_json(&out, rules, report, r)
		                                : write_text(&out, rules, report, r);
	}
	if (error)
		return cli_fail(&command_explain, CLI_SYSTEM, "out of memory");
	status = cli_print(&command_explain, &out, CLI_OK);
	if (a->format == EVENT_TEXT)
		cli_note_unavailable(&command_explain, report, a->rule);
	return status;
}

static enum cli_status run(int argc, char **argv)
{
	struct arguments a = {.format = EVENT_TEXT};
	int parsed = parse(&a, argc, argv);
	enum cli_status status = parsed > 0 ? CLI_OK : parsed < 0 ? CLI_USAGE : explain(&a);

	file_list_free(&a.files);
	return status;
}

const struct command command_explain = {
        .name = "explain",
        .summary = "explains one rule: its condition with everything put in, and what becomes of it",
        .help = explain_help,
        .run = run,
};
