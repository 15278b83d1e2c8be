/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel check`: are these rule files right, and what does each rule become in the kernel. Or which fields are there.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "policy/policy.h"
#include "policy/report.h"
#include "rules/files.h"
#include "rules/rules.h"
#include "sensor/sensor.h"

static const char check_help[] =
        "Loads Falco rule files in the order given, and reports errors, warnings, and what each rule becomes in the\n"
        "kernel: where it is decided, how strongly, and what is lost.\n"
        "\n"
        "usage: tercel check [options] FILE…\n"
        "       tercel check --list-fields|--list-points [-o text|json]\n"
        "\n"
        "A FILE that is a directory stands for its files that end in .yaml or .yml, in alphabetical order.\n"
        "\n"
        "  -o, --output FORMAT  text (default) or json\n"
        "      --list-fields    no FILE: every field that a condition can compare, by class, with its type and "
        "argument\n"
        "      --list-points    no FILE: every decision point, and what it knows of the fields\n"
        "      --require CLASS  every enabled rule must be 'exact', or at least 'narrow'\n"
        "      --rule NAME      only this rule\n"
        "      --target TARGET  what to judge for: 'full' (default: every decision point), 'no-lsm' (those without "
        "LSM\n"
        "                       programs) or 'auto' (those of this version that this kernel takes, tried as by "
        "'tercel\n"
        "                       probe'). Where this version has no program for a point yet, the report says so\n"
        "  -h, --help           this text\n"
        "\n"
        "The list of fields as JSON: {\"version\": 1, \"libsinsp\", \"classes\": [{\"name\", \"title\", \"provider\", "
        "\"fields\":\n"
        "[{\"name\", \"type\", \"arguments\", \"argument_required\", \"flags\", \"description\"}]}]}. \"provider\" is "
        "falco, or\n"
        "the plugin container or tercel. \"arguments\" are what may stand behind the name: index (a number in "
        "brackets),\n"
        "key (a text in brackets), name (behind a dot). \"flags\" are some of: list filter-only print-only no-val\n"
        "no-transformer any-ancestor either-end host-name equal-only deprecated hidden.\n"
        "\n"
        "The list of points as JSON: {\"version\": 1, \"points\": [{\"point\", \"act\", \"strength\", \"backend\", "
        "\"available\",\n"
        "\"events\", \"gap\": {\"reason\", \"effect\"}, \"fields\": [{\"field\", \"how\", \"events\", \"low\", "
        "\"high\", "
        "\"text\",\n"
        "\"reason\", \"note\", \"uncertain\"}]}]}, what does not apply left out. \"available\": this version has a "
        "program.\n"
        "\n"
        "Classes: exact: blocks what the rule matches; narrow: blocks less, and the report says what; detect-only: "
        "blocks\n"
        "nothing. Exit status: 0 valid; 1 invalid rules, or --require is not met; 2 usage, or a file cannot be read;\n"
        "3 --target auto, and this kernel cannot be tried.\n";

enum requirement {
	REQUIRE_NOTHING = 0,
	REQUIRE_NARROW,
	REQUIRE_EXACT,
};

struct arguments {
	enum event_format format;
	const char *list; /* "--list-fields", "--list-points"; NULL: check files */
	enum requirement require;
	struct report_options report;
	struct file_list files;
};

enum {
	OPTION_LIST_FIELDS = 0x100,
	OPTION_LIST_POINTS,
	OPTION_REQUIRE,
	OPTION_RULE,
	OPTION_TARGET,
};

static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"list-fields", no_argument, NULL, OPTION_LIST_FIELDS},
        {"list-points", no_argument, NULL, OPTION_LIST_POINTS},
        {"require", required_argument, NULL, OPTION_REQUIRE},
        {"rule", required_argument, NULL, OPTION_RULE},
        {"target", required_argument, NULL, OPTION_TARGET},
        {"help", no_argument, NULL, 'h'},
        {0},
};

static int take_require(enum requirement *out, const char *text)
{
	if (!strcmp(text, "exact"))
		*out = REQUIRE_EXACT;
	else if (!strcmp(text, "narrow"))
		*out = REQUIRE_NARROW;
	else {
		(void)cli_fail(&command_check, CLI_USAGE, "--require %s: it is 'exact' or 'narrow'", text);
		return -EINVAL;
	}
	return 0;
}

static int take_target(const char **out, const char *text)
{
	if (!strcmp(text, "full") || !strcmp(text, "no-lsm") || !strcmp(text, "auto")) {
		*out = text;
		return 0;
	}
	(void)cli_fail(&command_check, CLI_USAGE, "--target %s: it is 'full', 'no-lsm' or 'auto'", text);
	return -EINVAL;
}

static int take_files(struct arguments *a, int argc, char **argv)
{
	const struct command *c = &command_check;

	if (a->list && optind < argc) {
		(void)cli_fail(c, CLI_USAGE, "%s takes no file: '%s'", a->list, argv[optind]);
		return -EINVAL;
	}
	if (a->list && (a->report.rule || strcmp(a->report.target, "full") != 0 || a->require)) {
		(void)cli_fail(c, CLI_USAGE, "%s goes with --output alone", a->list);
		return -EINVAL;
	}
	if (a->list)
		return 0;
	if (cli_take_files(c, &a->files, argc, argv))
		return -EINVAL;
	a->report.files = (const char *const *)a->files.names;
	a->report.nfiles = a->files.count;
	return 0;
}

/* Returns 0, -EINVAL (said), or 1 after --help. */
static int parse(struct arguments *a, int argc, char **argv)
{
	const struct command *c = &command_check;
	int error = 0;
	for (int option = 0; !error && (option = cli_option(c, argc, argv, ":o:h", options)) != -1;) {
		switch (option) {
		case 'o':
			error = cli_parse_format(c, optarg, &a->format);
			break;
		case OPTION_LIST_FIELDS:
			a->list = "--list-fields";
			break;
		case OPTION_LIST_POINTS:
			a->list = "--list-points";
			break;
		case OPTION_REQUIRE:
			error = take_require(&a->require, optarg);
			break;
		case OPTION_RULE:
			a->report.rule = optarg;
			break;
		case OPTION_TARGET:
			error = take_target(&a->report.target, optarg);
			break;
		case CLI_OPTION_HELP:
			return 1;
		default:
			return -EINVAL;
		}
	}
	return error ? error : take_files(a, argc, argv);
}

static bool meets(enum policy_class class, enum requirement require)
{
	return require == REQUIRE_NOTHING || class == POLICY_EXACT ||
	       (require == REQUIRE_NARROW && class == POLICY_NARROW);
}

/* A rule that is switched off, or about something else than system calls, must meet nothing, unless asked for by name.
 */
static enum cli_status judge(const struct arguments *a, const struct report *report)
{
	const char *first = NULL;
	size_t failing = 0;
	for (size_t i = 0; i < report->nrules; i++) {
		const struct report_rule *r = &report->rules[i];
		if (a->report.rule ? strcmp(r->rule->name, a->report.rule) != 0
		                   : !r->rule->enabled || r->rule->state != RULE_LOADED)
			continue;
		if (meets(r->class, a->require))
			continue;
		if (!failing++)
			first = r->rule->name;
	}
	if (!failing)
		return CLI_OK;
	return cli_fail(&command_check, CLI_NO, "--require %s is not met by %zu rule%s, the first being '%s'",
	                a->require == REQUIRE_EXACT ? "exact" : "narrow", failing, failing > 1 ? "s" : "", first);
}

/* The report quotes what rules have written in them: names, values. Line by line, so that its own lines stay. */
static void write_text(struct buf *out, const struct arguments *a, const struct report *report)
{
	_autobuf_ struct buf raw = BUF_INIT;
	report_write_text(&raw, report, &a->report);
	for (const char *at = buf_str(&raw), *end = at + raw.len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);
		text_visible(out, at, len);
		if (newline)
			buf_addc(out, '\n');
		at += len + 1;
	}
	if (buf_error(&raw))
		out->error = buf_error(&raw);
}

static enum cli_status answer(const struct arguments *a, const struct report *report, struct diag_list *diags,
                              enum cli_status status)
{
	_autobuf_ struct buf out = BUF_INIT;
	diag_sort(diags);
	if (a->format == EVENT_JSON)
		report_write_json(&out, report, &a->report, diags);
	else if (report)
		write_text(&out, a, report);
	if (a->format == EVENT_TEXT)
		diag_print(diags, stderr);
	return cli_print(&command_check, &out, status);
}

/* One line for each reason, with all points that have it. */
static void note_refused(const struct cli_point points[TERCEL_POINTS], uint32_t refused)
{
	for (unsigned first = 0; first < TERCEL_POINTS; first++) {
		_autobuf_ struct buf names = BUF_INIT;
		if (!(refused >> first & 1))
			continue;
		for (unsigned i = first; i < TERCEL_POINTS; i++) {
			if (!(refused >> i & 1) || strcmp(points[i].reason.text, points[first].reason.text) != 0)
				continue;
			buf_addf(&names, "%s%s", i == first ? "" : ", ", event_point_name((enum tercel_point)i));
			refused &= ~(1U << i);
		}
		cli_note(&command_check, "nothing can be blocked at %s here: %s", buf_str(&names),
		         points[first].reason.text);
	}
}

/* The points that this kernel offers. */
static enum cli_status find_points_here(uint32_t *out)
{
	struct cli_point points[TERCEL_POINTS];
	struct error err = {0};
	int error = cli_probe_points(points, &err);
	if (error)
		return cli_fail(&command_check, CLI_SYSTEM, "--target auto: %s; or judge for 'no-lsm'", err.text);
	*out = 0;
	for (unsigned i = 0; i < TERCEL_POINTS; i++)
		*out |= points[i].error ? 0 : 1U << i;
	/* Of those that no kernel has with this version, the report tells. */
	note_refused(points, sensor_points() & ~*out);
	return CLI_OK;
}

static enum cli_status find_points(const char *target, uint32_t *points)
{
	*points = strcmp(target, "no-lsm") ? PLACEMENT_FULL : placement_without_lsm();
	return strcmp(target, "auto") ? CLI_OK : find_points_here(points);
}

/* As text in one line; as JSON in the document, which there is always one of. */
static enum cli_status no_such_rule(const struct arguments *a, const struct rules *rules, struct diag_list *diags)
{
	_autobuf_ struct buf near = BUF_INIT;
	cli_add_near_rule(&near, rules, a->report.rule);
	if (a->format == EVENT_TEXT)
		return cli_fail(&command_check, CLI_USAGE, "--rule: there is no rule '%s' in these files%s",
		                a->report.rule, buf_str(&near));
	diag_add(diags, DIAG_ERROR, (struct source_pos){0}, "no-such-rule",
	         "--rule: there is no rule '%s' in these files%s", a->report.rule, buf_str(&near));
	return answer(a, NULL, diags, CLI_USAGE);
}

/* Rules that are decided one by one may be too many together: 'tercel run' would refuse them. */
static int warn_of_size(const struct arguments *a, const struct rules *rules, uint32_t points, struct diag_list *diags)
{
	_autodiag_ struct diag_list refused = DIAG_LIST_INIT;
	_autopolicy_ struct policy *policy = NULL;
	_autoimage_ struct image *image = NULL;
	int error = policy_of_rules(&policy, a->report.files, a->report.nfiles, TERCEL_MODE_MONITOR);
	if (!error)
		error = policy_apply(&image, policy, rules, points & sensor_points(), 1, &refused);
	for (size_t i = 0; i < refused.count; i++)
		if (refused.items[i].severity == DIAG_ERROR)
			diag_move(diags, DIAG_WARNING, &refused, i);
	return error == -ENOMEM ? error : 0;
}

static enum cli_status check(const struct arguments *a)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autoreport_ struct report *report = NULL;
	uint32_t points;
	enum cli_status status = find_points(a->report.target, &points);
	if (status != CLI_OK)
		return status;
	int error = rules_load(&rules, a->report.files, a->report.nfiles, &diags);
	if (!error)
		error = report_build(&report, rules, points);
	if (!error) {
		report->available = sensor_points();
		error = warn_of_size(a, rules, points, &diags);
	}
	if (error == -ENOMEM)
		return cli_fail(&command_check, CLI_SYSTEM, "out of memory");
	if (error)
		return answer(a, NULL, &diags, cli_status_of_rules(&diags));
	if (a->report.rule && !rules_find(rules, a->report.rule))
		return no_such_rule(a, rules, &diags);
	status = answer(a, report, &diags, CLI_OK);
	if (a->format == EVENT_TEXT)
		cli_note_unavailable(&command_check, report, a->report.rule);
	return status == CLI_OK ? judge(a, report) : status;
}

static enum cli_status run(int argc, char **argv)
{
	struct arguments a = {.report = {.target = "full"}};
	int parsed = parse(&a, argc, argv);
	enum cli_status status;
	if (parsed)
		status = parsed > 0 ? CLI_OK : CLI_USAGE;
	else if (!a.list)
		status = check(&a);
	else
		status =
		        (strcmp(a.list, "--list-points") ? cli_list_fields : cli_list_points)(&command_check, a.format);
	file_list_free(&a.files);
	return status;
}

const struct command command_check = {
        .name = "check",
        .summary = "checks Falco rule files, and tells what they become in the kernel",
        .help = check_help,
        .run = run,
};
