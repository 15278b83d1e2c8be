/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel status` and `tercel metrics`: what a running daemon does and has counted.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "cli/ask.h"

static const char status_help[] =
        "Shows what the daemon, 'tercel run', does and has counted.\n"
        "\n"
        "usage: tercel status [options]\n"
        "\n"
        "      --socket PATH     of the daemon's control socket (default: " CONTROL_SOCKET ")\n"
        "  -o, --output FORMAT   text (default) or json\n"
        "  -h, --help            this text\n";

static const char metrics_help[] =
        "Prints the counters of the daemon, 'tercel run', in Prometheus' text format: for a textfile collector, say.\n"
        "\n"
        "usage: tercel metrics [options]\n"
        "\n"
        "      --socket PATH     of the daemon's control socket (default: " CONTROL_SOCKET ")\n"
        "  -o, --output FORMAT   text (default), or json: an object with the text\n"
        "  -h, --help            this text\n";

enum { OPTION_SOCKET = 0x100 };

static const struct option options[] = {
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {0},
};

/* Asks, and prints by `write`. */
static enum cli_status ask_for(const struct command *c, int argc, char **argv,
                               void (*write)(struct buf *out, const cJSON *reply))
{
	struct ask ask = {.command = c, .socket = CONTROL_SOCKET};
	for (int option = 0; (option = cli_option(c, argc, argv, ":o:h", options)) != -1;) {
		switch (option) {
		case 'o':
			if (cli_parse_format(c, optarg, &ask.format))
				return CLI_USAGE;
			break;
		case OPTION_SOCKET:
			ask.socket = optarg;
			break;
		case CLI_OPTION_HELP:
			return CLI_OK;
		default:
			return CLI_USAGE;
		}
	}
	if (optind < argc)
		return cli_fail(c, CLI_USAGE, "'%s': it takes no arguments, only options", argv[optind]);
	cJSON *request = cJSON_CreateObject();
	enum cli_status status = request && cJSON_AddStringToObject(request, "command", c->name)
	                                 ? ask_and_print(&ask, request, write)
	                                 : cli_fail(c, CLI_SYSTEM, "out of memory");
	cJSON_Delete(request);
	return status;
}

/* ---- status ---- */

static void add_policy(struct buf *out, const cJSON *p)
{
	buf_addf(out, "policy:      generation %.0f of ", ask_number(p, "generation"));
	ask_add_text(out, ask_text(p, "file"));
	buf_addf(out, "\nrules:       enforce %.0f, monitor %.0f, only detect %.0f\n", ask_number(p, "enforced"),
	         ask_number(p, "monitored"), ask_number(p, "detect_only"));
	if (ask_number(p, "unconfirmed_ms") > 0)
		buf_addf(out, "unconfirmed: taken back in %.0f s\n", ceil(ask_number(p, "unconfirmed_ms") / 1000));
}

/* The members of an object that are not 0. */
static void add_counts(struct buf *out, const char *title, const cJSON *object)
{
	const cJSON *count;
	bool any = false;
	cJSON_ArrayForEach(count, object)
	{
		if (cJSON_GetNumberValue(count) > 0) {
			buf_addf(out, "%s%s %.0f", any ? ", " : title, count->string, cJSON_GetNumberValue(count));
			any = true;
		}
	}
	if (any)
		buf_addc(out, '\n');
}

static void add_points(struct buf *out, const cJSON *points)
{
	const cJSON *p;
	if (!cJSON_GetArraySize(points))
		return;
	buf_addf(out, "%-22s %-16s %9s %11s %9s\n", "decision point", "strength", "blocked", "would block",
	         "undecided");
	cJSON_ArrayForEach(p, points)
	        buf_addf(out, "%-22s %-16s %9.0f %11.0f %9.0f\n", ask_text(p, "point"), ask_text(p, "strength"),
	                 ask_number(p, "blocked"), ask_number(p, "would_block"), ask_number(p, "undecided"));
}

static void add_records(struct buf *out, const cJSON *records)
{
	const cJSON *r;
	cJSON_ArrayForEach(r, records)
	{
		if (ask_number(r, "generated") > 0)
			buf_addf(out, "%-7s generated %.0f = delivered %.0f + filtered %.0f + dropped %.0f\n",
			         r->string, ask_number(r, "generated"), ask_number(r, "delivered"),
			         ask_number(r, "filtered"), ask_number(r, "dropped"));
	}
}

static void write_status(struct buf *out, const cJSON *reply)
{
	const time_t started = (time_t)ask_number(reply, "started");
	char since[32] = "";
	struct tm utc;
	if (gmtime_r(&started, &utc))
		(void)strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &utc);
	buf_addf(out, "daemon:      process %.0f since %s\n", ask_number(reply, "pid"), since);
	buf_addf(out, "enforcement: ");
	if (ask_text(reply, "pins")[0]) {
		buf_adds(out, "pinned at ");
		ask_add_text(out, ask_text(reply, "pins"));
		buf_adds(out, ": it outlives the daemon\n");
	} else {
		buf_adds(out, "ends with the daemon\n");
	}
	add_policy(out, cJSON_GetObjectItemCaseSensitive(reply, "policy"));
	if (ask_number(reply, "late_verdicts") > 0)
		buf_addf(out, "late:        %.0f verdicts of a policy before, counted for none of its rules\n",
		         ask_number(reply, "late_verdicts"));
	add_counts(out, "uncertain:   ", cJSON_GetObjectItemCaseSensitive(reply, "uncertain"));
	add_counts(out, "lost:        ", cJSON_GetObjectItemCaseSensitive(reply, "lost"));
	add_points(out, cJSON_GetObjectItemCaseSensitive(reply, "points"));
	add_records(out, cJSON_GetObjectItemCaseSensitive(reply, "records"));
}

static enum cli_status run_status(int argc, char **argv)
{
	return ask_for(&command_status, argc, argv, write_status);
}

const struct command command_status = {
        .name = "status",
        .summary = "shows what a running daemon does and has counted",
        .help = status_help,
        .run = run_status,
};

/* ---- metrics ---- */

static void write_metrics(struct buf *out, const cJSON *reply)
{
	buf_adds(out, ask_text(reply, "text"));
}

static enum cli_status run_metrics(int argc, char **argv)
{
	return ask_for(&command_metrics, argc, argv, write_metrics);
}

const struct command command_metrics = {
        .name = "metrics",
        .summary = "prints the counters of a running daemon for Prometheus",
        .help = metrics_help,
        .run = run_metrics,
};
