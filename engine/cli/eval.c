/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel eval`: what Falco would answer, offline: a condition, or rule files, on events in JSON lines.
 */
#include <errno.h>
#include <string.h>

#include "base/source.h"
#include "base/text.h"
#include "cli/cli.h"
#include "filter/eval_input.h"
#include "rules/files.h"
#include "rules/rules.h"

static const char eval_help[] =
        "Evaluates a condition, or the enabled rules of Falco rule files, on events, as Falco 0.44 would.\n"
        "\n"
        "usage: tercel eval --condition EXPR --events FILE [options]\n"
        "       tercel eval --events FILE [options] RULES…\n"
        "\n"
        "RULES are rule files, or directories of files that end in .yaml or .yml.\n"
        "\n"
        "      --condition EXPR  the condition; macros and lists are not known to it\n"
        "      --events FILE     JSON lines, '-' for standard input: one flat object for each event, from field to\n"
        "                        value, such as\n"
        "                        "
        "{\"evt.type\":\"execve\",\"proc.name\":\"sh\",\"proc.aname\":[\"bash\",\"init\"],\"user.uid\":0}\n"
        "  -o, --output FORMAT   text (default): the number of each line and whether it matches, or the rules that "
        "do;\n"
        "                        json: {\"line\":1,\"match\":true} or {\"line\":1,\"rules\":[\"…\"]} for each line\n"
        "      --rule NAME       only this rule, also if it is not enabled\n"
        "  -h, --help            this text\n"
        "\n"
        "An absent key, or null, is a missing value. Fields that are lists, that compare with any ancestor (nearest\n"
        "first) and that compare with both ends of a connection take an array. 'tercel check --list-fields' lists "
        "all.\n"
        "Where their own key is absent, fd.ip and fd.net are taken from fd.cip and fd.sip (or fd.lip and fd.rip),\n"
        "fd.port and fd.proto from the ports likewise, fd.snet from fd.sip and so on, evt.around from evt.rawtime,\n"
        "and proc.aname[2], say, is the second of proc.aname. Nothing else is: give evt.dir, for example, where a "
        "rule\n"
        "reads it.\n"
        "\n"
        "Exit status: 0 all lines were evaluated; 1 the condition or the rules are wrong; 2 usage, a file\n"
        "cannot be read, or a line is wrong (said with its place; the other lines are evaluated).\n";

enum {
	OPTION_CONDITION = 0x100,
	OPTION_EVENTS,
	OPTION_RULE,
};

static const struct option options[] = {
        {"condition", required_argument, NULL, OPTION_CONDITION},
        {"events", required_argument, NULL, OPTION_EVENTS},
        {"output", required_argument, NULL, 'o'},
        {"rule", required_argument, NULL, OPTION_RULE},
        {"help", no_argument, NULL, 'h'},
        {0},
};

struct arguments {
	enum event_format format;
	const char *condition, *events, *rule;
	struct file_list files;
};

/* What is evaluated. */
struct subject {
	struct filter *filter; /* --condition */
	struct rules *rules;
	const struct filter_node **roots;
	const char **names; /* by root; NULL for a condition */
	size_t n;
	struct eval *program;
};

static void subject_free(struct subject *s)
{
	eval_free(s->program);
	filter_free(s->filter);
	rules_free(s->rules);
	free(s->roots);
	free(s->names);
}

static int check_usage(const struct arguments *a)
{
	const struct command *c = &command_eval;

	if (!a->events)
		(void)cli_fail(c, CLI_USAGE, "--events FILE is missing; '-' reads standard input");
	else if (!a->condition == !a->files.count)
		(void)cli_fail(c, CLI_USAGE, "give either --condition EXPR or rule files");
	else if (a->rule && !a->files.count)
		(void)cli_fail(c, CLI_USAGE, "--rule goes with rule files");
	else
		return 0;
	return -EINVAL;
}

/* Returns 0, -EINVAL (said), or 1 after --help. */
static int parse(struct arguments *a, int argc, char **argv)
{
	const struct command *c = &command_eval;
	int error = 0;

	for (int option = 0; !error && (option = cli_option(c, argc, argv, ":o:h", options)) != -1;) {
		switch (option) {
		case 'o':
			error = cli_parse_format(c, optarg, &a->format);
			break;
		case OPTION_CONDITION:
			a->condition = optarg;
			break;
		case OPTION_EVENTS:
			a->events = optarg;
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
	if (!error && optind < argc)
		error = cli_take_files(c, &a->files, argc, argv);
	return error ? error : check_usage(a);
}

/* ---- what is evaluated ----------------------------------------------------------------------------------------- */

static struct source_pos place_in_condition(const void *ctx, size_t offset)
{
	return source_place(ctx, offset);
}

static int load_condition(struct subject *s, const char *condition, struct diag_list *diags)
{
	_autosource_ struct source_text source = {0};
	_cleanup_(source_list_free) struct source_list sources = {0};
	const struct filter_text text = {
	        .bytes = condition, .len = strlen(condition), .pos = place_in_condition, .ctx = &source};
	int r = source_init(&source, "--condition", text.bytes, text.len);

	if (!r)
		r = source_list_add(&sources, &source);
	if (!r) {
		diags->sources = &sources;
		r = filter_parse(&s->filter, &text, diags);
		diags->sources = NULL;
	}
	if (!r)
		s->roots[s->n++] = filter_root(s->filter);
	return r;
}

static bool is_wanted(const struct arguments *a, const struct rule *r)
{
	if (r->state != RULE_LOADED)
		return false;
	return a->rule ? strcmp(a->rule, r->name) == 0 : r->enabled;
}

static int take_rules(struct subject *s, const struct arguments *a)
{
	size_t n = rules_count(s->rules);

	s->roots = reallocarray(s->roots, n + 1, sizeof(*s->roots));
	s->names = calloc(n + 1, sizeof(*s->names));
	if (!s->roots || !s->names)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct rule *r = rules_at(s->rules, i);

		if (!is_wanted(a, r))
			continue;
		s->names[s->n] = r->name;
		s->roots[s->n++] = filter_root(r->filter);
	}
	return 0;
}

static enum cli_status no_such_rule(const struct subject *s, const char *name)
{
	_autobuf_ struct buf near = BUF_INIT;
	const struct rule *r = rules_find(s->rules, name);

	if (r && r->state == RULE_SKIPPED)
		return cli_fail(&command_eval, CLI_USAGE,
		                "--rule: the rule '%s' is skipped: it has skip-if-unknown-filter, and %s", name,
		                r->skipped_for);
	if (!r)
		cli_add_near_rule(&near, s->rules, name);
	return cli_fail(&command_eval, CLI_USAGE, "--rule: there is no rule '%s' about system calls%s", name,
	                buf_str(&near));
}

static enum cli_status load(struct subject *s, const struct arguments *a)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct error err = {0};
	int r;

	s->roots = calloc(1, sizeof(*s->roots));
	if (!s->roots)
		return cli_fail(&command_eval, CLI_SYSTEM, "out of memory");
	r = a->condition ? load_condition(s, a->condition, &diags)
	                 : rules_load(&s->rules, (const char *const *)a->files.names, a->files.count, &diags);
	diag_sort(&diags);
	if (r != -ENOMEM)
		diag_print(&diags, stderr);
	if (r == -EINVAL)
		return cli_status_of_rules(&diags);
	if (!r && s->rules)
		r = take_rules(s, a);
	if (!r && a->rule && !s->n)
		return no_such_rule(s, a->rule);
	if (!r)
		r = eval_compile(&s->program, s->roots, s->n, &err);
	if (r == -EINVAL)
		return cli_fail(&command_eval, CLI_NO, "%s", err.text);
	return r ? cli_fail(&command_eval, CLI_SYSTEM, "out of memory") : CLI_OK;
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static void write_json(struct buf *out, const struct subject *s, struct eval_event *ev, size_t line)
{
	bool first = true;

	if (!s->names) {
		buf_addf(out, "{\"line\":%zu,\"match\":%s}\n", line, eval_run(s->program, ev, 0) ? "true" : "false");
		return;
	}
	buf_addf(out, "{\"line\":%zu,\"rules\":[", line);
	for (size_t i = 0; i < s->n; i++) {
		if (!eval_run(s->program, ev, i))
			continue;
		buf_adds(out, first ? "" : ",");
		buf_add_json(out, s->names[i], strlen(s->names[i]));
		first = false;
	}
	buf_adds(out, "]}\n");
}

static void write_text(struct buf *out, const struct subject *s, struct eval_event *ev, size_t line)
{
	bool first = true;

	buf_addf(out, "%zu: ", line);
	if (!s->names)
		buf_adds(out, eval_run(s->program, ev, 0) ? "match" : "no match");
	for (size_t i = 0; s->names && i < s->n; i++) {
		if (!eval_run(s->program, ev, i))
			continue;
		buf_adds(out, first ? "" : "; ");
		text_visible(out, s->names[i], strlen(s->names[i]));
		first = false;
	}
	if (s->names && first)
		buf_adds(out, "no rule");
	buf_addc(out, '\n');
}

static bool is_blank(const char *line, size_t len)
{
	return strspn(line, " \t\r\n") >= len;
}

/* One line; a wrong one is said. */
static enum cli_status answer(const struct arguments *a, const struct subject *s, struct eval_input *in,
                              struct eval_event *ev, const char *line, size_t len, size_t number)
{
	_autobuf_ struct buf out = BUF_INIT;
	struct error err = {0};
	size_t offset = 0;
	int r = eval_input_read(in, ev, line, len, &offset, &err);

	if (r == -EINVAL)
		return cli_fail(&command_eval, CLI_USAGE, "%s:%zu:%zu: %s", a->events, number, offset + 1, err.text);
	if (!r) {
		if (a->format == EVENT_JSON)
			write_json(&out, s, ev, number);
		else
			write_text(&out, s, ev, number);
		r = eval_event_error(ev);
	}
	if (r)
		return cli_fail(&command_eval, CLI_SYSTEM, "out of memory");
	return cli_print(&command_eval, &out, CLI_OK);
}

static void note_unknown(void *ctx, const char *name)
{
	(void)ctx;
	cli_note(&command_eval, "'%s' in the events is no field and is ignored; 'tercel check --list-fields' lists all",
	         name);
}

static enum cli_status answer_all(const struct arguments *a, const struct subject *s, FILE *f)
{
	_autoinput_ struct eval_input *in = NULL;
	_autoevent_ struct eval_event *ev = NULL;
	_autofree_ char *line = NULL;
	enum cli_status all = CLI_OK;
	size_t cap = 0, number = 0;
	ssize_t len;

	if (eval_input_new(&in, s->program, note_unknown, NULL) || eval_event_new(&ev, s->program))
		return cli_fail(&command_eval, CLI_SYSTEM, "out of memory");
	while ((len = getline(&line, &cap, f)) >= 0) {
		enum cli_status status;

		number++;
		if (len && line[len - 1] == '\n')
			len--;
		if (is_blank(line, (size_t)len))
			continue;
		status = answer(a, s, in, ev, line, (size_t)len, number);
		if (status == CLI_SYSTEM)
			return status;
		if (status != CLI_OK)
			all = status;
	}
	/* A line that finds no memory is no error of the stream, and not its end. */
	if (ferror(f) || !feof(f))
		return cli_fail(&command_eval, CLI_USAGE, "%s: cannot be read: %s", a->events, strerror(errno));
	return all;
}

static enum cli_status eval(const struct arguments *a)
{
	_cleanup_(subject_free) struct subject s = {0};
	enum cli_status status = load(&s, a);
	FILE *f;

	if (status != CLI_OK)
		return status;
	if (!strcmp(a->events, "-"))
		return answer_all(a, &s, stdin);
	f = fopen(a->events, "re");
	if (!f)
		return cli_fail(&command_eval, CLI_USAGE, "%s: %s", a->events, strerror(errno));
	status = answer_all(a, &s, f);
	(void)fclose(f);
	return status;
}

static enum cli_status run(int argc, char **argv)
{
	struct arguments a = {.format = EVENT_TEXT};
	int parsed = parse(&a, argc, argv);
	enum cli_status status = parsed > 0 ? CLI_OK : parsed < 0 ? CLI_USAGE : eval(&a);

	file_list_free(&a.files);
	return status;
}

const struct command command_eval = {
        .name = "eval",
        .summary = "evaluates a condition or rules on events in JSON lines, as Falco would",
        .help = eval_help,
        .run = run,
};
