/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel run`: the daemon in the foreground: sensor, decisions by a policy, outputs.
 */
#include <errno.h>
#include <string.h>

#include "bpf/match.h"
#include "cli/stream.h"
#include "policy/policy.h"
#include "policy/report.h"
#include "rules/files.h"
#include "rules/rules.h"

static const char run_help[] =
        "Watches this machine and decides by a policy: what the policy's rules match is reported (monitor), or blocked "
        "and\n"
        "reported (enforce). Prints verdicts, and starts and ends of processes and connections.\n"
        "\n"
        "usage: tercel run [options]\n"
        "\n"
        "      --config FILE     the policy file (default: /etc/tercel/tercel.yaml)\n"
        "  -o, --output FORMAT   of standard output: text (default) or json. The policy's file output is always JSON\n"
        "      --verdicts-only   prints no other events\n"
        "      --opens           prints opened files too, as 'tercel events' does\n"
        "      --cgroup DIR      decides and prints only for processes in this cgroup v2 directory and below\n"
        "      --duration S      ends after so many seconds\n"
        "      --record FILE     also keeps everything in a recording, for 'tercel events --read'\n"
        "  -h, --help            this text\n"
        "\n"
        "Runs until SIGINT or SIGTERM; nothing stays in force afterwards.\n";

enum {
	OPTION_CONFIG = 0x100,
	OPTION_VERDICTS_ONLY,
	OPTION_OPENS,
	OPTION_CGROUP,
	OPTION_DURATION,
	OPTION_RECORD,
};

static const struct option options[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"output", required_argument, NULL, 'o'},
        {"verdicts-only", no_argument, NULL, OPTION_VERDICTS_ONLY},
        {"opens", no_argument, NULL, OPTION_OPENS},
        {"cgroup", required_argument, NULL, OPTION_CGROUP},
        {"duration", required_argument, NULL, OPTION_DURATION},
        {"record", required_argument, NULL, OPTION_RECORD},
        {"help", no_argument, NULL, 'h'},
        {0},
};

struct arguments {
	const char *config;
	struct stream_config stream;
	bool opens;
};

/* Returns 0, -EINVAL (said), or 1 after --help. */
static int parse(struct arguments *a, int argc, char **argv)
{
	const struct command *c = &command_run;
	int error = 0;
	for (int option = 0; !error && (option = cli_option(c, argc, argv, ":o:h", options)) != -1;) {
		switch (option) {
		case 'o':
			error = cli_parse_format(c, optarg, &a->stream.format);
			break;
		case OPTION_CONFIG:
			a->config = optarg;
			break;
		case OPTION_VERDICTS_ONLY:
			a->stream.filter = STREAM_VERDICTS;
			break;
		case OPTION_OPENS:
			a->opens = true;
			break;
		case OPTION_CGROUP:
			a->stream.cgroup = optarg;
			break;
		case OPTION_DURATION:
			error = cli_parse_seconds(c, "--duration", optarg, &a->stream.duration_ns);
			break;
		case OPTION_RECORD:
			a->stream.record = optarg;
			break;
		case CLI_OPTION_HELP:
			return 1;
		default:
			return -EINVAL;
		}
	}
	if (!error && optind < argc) {
		(void)cli_fail(c, CLI_USAGE, "'%s': it takes no arguments, only options", argv[optind]);
		error = -EINVAL;
	}
	return error;
}

/* ---- the policy ---- */

/* The first and only policy of a run. */
#define GENERATION 1

/* Everything that a run is configured by. */
struct plan {
	struct policy *policy;
	struct file_list files; /* the policy's rule files, directories taken apart */
	struct rules *rules;
	struct image *image;
	const char **names; /* of the image's rules; the strings are the image's */
	uint32_t points;    /* 1 << enum tercel_point: those that this machine offers */
	size_t enforced, monitored, detect_only;
};

static void plan_free(struct plan *p)
{
	free(p->names);
	image_free(p->image);
	rules_free(p->rules);
	file_list_free(&p->files);
	policy_free(p->policy);
}
#define _autoplan_ _cleanup_(plan_free)

static int name_rules(struct plan *p)
{
	p->names = calloc(p->image->nrules + 1, sizeof(*p->names));
	if (!p->names)
		return -ENOMEM;
	for (size_t i = 0; i < p->image->nrules; i++)
		p->names[i] = p->image->rules[i].name;
	return 0;
}

/* What can come of the rules that are switched on. */
static int count_rules(struct plan *p)
{
	_autoreport_ struct report *report = NULL;
	int error = report_build(&report, p->rules, p->points);
	for (size_t i = 0; !error && i < p->image->nrules; i++) {
		const struct report_rule *r = report_find(report, p->image->rules[i].name);
		if (r && r->class == POLICY_DETECT_ONLY)
			p->detect_only++;
		else if (p->image->rules[i].mode == TERCEL_MODE_ENFORCE)
			p->enforced++;
		else
			p->monitored++;
	}
	return error;
}

/* The files that the policy names, and those in the directories that it names. */
static int find_files(struct plan *p, const char *config, struct diag_list *diags)
{
	struct error err = {0};
	int error =
	        file_list_add(&p->files, (const char *const *)p->policy->rules_files, p->policy->nrules_files, &err);
	if (error == -ENOMEM)
		return error;
	if (error) {
		diag_add(diags, DIAG_ERROR, (struct source_pos){0}, "file", "%s", err.text);
		return -EINVAL;
	}
	if (p->files.count)
		return 0;
	diag_add(diags, DIAG_ERROR, (struct source_pos){.file = config}, "file",
	         "in the directories under \"rules_files\" no file ends in .yaml or .yml");
	return -EINVAL;
}

/* Those that some rule is decided at. */
static uint32_t points_in_use(const struct plan *p)
{
	const struct match_header *header = (const struct match_header *)(const void *)p->image->data;
	uint32_t points = 0;
	for (uint32_t i = 0; i < TERCEL_POINTS; i++)
		if (header->points[i].rules)
			points |= 1U << i;
	return points;
}

static int make_plan(struct plan *p, const char *config, struct diag_list *diags)
{
	int error = policy_load(&p->policy, config, diags);
	if (!error)
		error = find_files(p, config, diags);
	if (!error)
		error = rules_load(&p->rules, (const char *const *)p->files.names, p->files.count, diags);
	if (!error)
		p->points = sensor_points_here(SENSOR_TRIAL_SMALL, NULL);
	if (!error)
		error = policy_apply(&p->image, p->policy, p->rules, p->points, GENERATION, diags);
	if (!error)
		error = name_rules(p);
	if (!error)
		error = count_rules(p);
	return error;
}

static enum cli_status load(struct plan *p, const char *config)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	int error = make_plan(p, config, &diags);
	diag_print(&diags, stderr);
	if (error && !diag_failed(&diags))
		return cli_fail(&command_run, CLI_SYSTEM, "%s", strerror(-error));
	return error ? CLI_USAGE : CLI_OK;
}

/* ---- the sensor ---- */

static enum cli_status start(struct sensor **out, const struct arguments *a, const struct plan *plan)
{
	struct error err = {0};
	const struct sensor_config config = {
	        .records = 1U << TERCEL_EXEC | 1U << TERCEL_FORK | 1U << TERCEL_EXIT | 1U << TERCEL_CONNECT |
	                   1U << TERCEL_CHDIR | 1U << TERCEL_SEED | 1U << TERCEL_CGROUP | 1U << TERCEL_VERDICT |
	                   (a->opens ? 1U << TERCEL_OPEN : 0),
	        .points = points_in_use(plan),
	        .cgroup = a->stream.cgroup,
	};
	_autosensor_ struct sensor *sensor = NULL;
	int error = sensor_open(&sensor, &config, &err);
	/* Decisions look at ancestors: the processes that run already must be known before the first one. */
	if (!error)
		error = sensor_seed(sensor, &err);
	if (error)
		return cli_fail(&command_run, cli_status_of(error), "%s", err.text);
	*out = TAKE_PTR(sensor);
	return CLI_OK;
}

/* What the policy asks is answered before it is in force. */
static enum cli_status decide(struct stream *stream, struct sensor *sensor, const struct plan *p)
{
	struct error err = {0};
	enum cli_status status = stream_prepare(stream);
	if (status != CLI_OK)
		return status;
	int error = sensor_set_policy(sensor, p->image->data, p->image->size, &err);
	return error ? cli_fail(&command_run, cli_status_of(error), "%s", err.text) : CLI_OK;
}

static enum cli_status run(int argc, char **argv)
{
	struct arguments a = {.config = "/etc/tercel/tercel.yaml"};
	int parsed = parse(&a, argc, argv);
	if (parsed)
		return parsed > 0 ? CLI_OK : CLI_USAGE;

	_autoplan_ struct plan plan = {0};
	_autosensor_ struct sensor *sensor = NULL;
	_autostream_ struct stream *stream = NULL;
	enum cli_status status = load(&plan, a.config);
	if (status == CLI_OK)
		status = start(&sensor, &a, &plan);
	if (status != CLI_OK)
		return status;
	a.stream.sensor = sensor;
	a.stream.to_stdout = plan.policy->output_stdout;
	a.stream.file = plan.policy->output_file;
	a.stream.rules = plan.names;
	a.stream.nrules = plan.image->nrules;
	a.stream.containers = (const char *const *)plan.image->containers;
	a.stream.ncontainers = plan.image->ncontainers;
	a.stream.generation = GENERATION;
	status = stream_open(&stream, &command_run, &a.stream);
	if (status == CLI_OK)
		status = decide(stream, sensor, &plan);
	if (status != CLI_OK)
		return status;
	cli_note(&command_run, "ready: rules that enforce: %zu, that monitor: %zu, that only detect: %zu",
	         plan.enforced, plan.monitored, plan.detect_only);
	return stream_run(stream);
}

const struct command command_run = {
        .name = "run",
        .summary = "watches and decides by a policy, in the foreground",
        .help = run_help,
        .run = run,
};
