/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel policy`: shows and changes the policy of a running daemon.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/duration.h"
#include "base/text.h"
#include "cli/ask.h"

static const char policy_help[] =
        "Shows or changes the policy of the daemon, 'tercel run'. A change is whole or not at all: a policy that is\n"
        "wrong or does not fit is refused, and the one in force stays.\n"
        "\n"
        "usage: tercel policy show [options]\n"
        "       tercel policy apply FILE [--confirm TIME] [options]\n"
        "       tercel policy confirm [options]\n"
        "       tercel policy set-mode RULES off|monitor|enforce [options]\n"
        "       tercel policy reload [options]\n"
        "\n"
        "  show       the rules in force: their class, mode, and what each has done\n"
        "  apply      puts the policy of a file in force\n"
        "  confirm    keeps a policy that was applied with --confirm\n"
        "  set-mode   sets the mode of the rules that RULES names, a name or a glob, until the policy is applied or\n"
        "             loaded again\n"
        "  reload     reads the policy's file and its rule files again\n"
        "\n"
        "      --confirm TIME    takes the policy back by itself after that time (60s, 5m) unless it is confirmed\n"
        "      --socket PATH     of the daemon's control socket (default: " CONTROL_SOCKET ")\n"
        "  -o, --output FORMAT   text (default) or json\n"
        "  -h, --help            this text\n";

enum { OPTION_CONFIRM = 0x100, OPTION_SOCKET };

static const struct option options[] = {
        {"confirm", required_argument, NULL, OPTION_CONFIRM},
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {0},
};

struct arguments {
	struct ask ask;
	uint64_t confirm_ns;
	const char *operands[3]; /* the verb and its own; "" where there is none */
	int count;
};

/* Returns 0, -EINVAL (said), or 1 after --help. */
static int parse(struct arguments *a, int argc, char **argv)
{
	const struct command *c = &command_policy;
	int error = 0;
	for (int option = 0; !error && (option = cli_option(c, argc, argv, ":o:h", options)) != -1;) {
		switch (option) {
		case 'o':
			error = cli_parse_format(c, optarg, &a->ask.format);
			break;
		case OPTION_CONFIRM:
			error = duration_parse(optarg, &a->confirm_ns);
			if (error)
				(void)cli_fail(c, CLI_USAGE, "--confirm %s: not a time with its unit, like 60s or 5m",
				               optarg);
			break;
		case OPTION_SOCKET:
			a->ask.socket = optarg;
			break;
		case CLI_OPTION_HELP:
			return 1;
		default:
			return -EINVAL;
		}
	}
	a->count = argc - optind;
	for (int i = 0; i < 3; i++)
		a->operands[i] = i < a->count ? argv[optind + i] : "";
	return error;
}

/* ---- requests ---- */

static bool add(cJSON *request, const char *name, const char *value)
{
	return cJSON_AddStringToObject(request, name, value) != NULL;
}

static enum cli_status add_apply(cJSON *request, const struct arguments *a)
{
	_autofree_ char *path = realpath(a->operands[1], NULL);
	if (!path)
		return cli_fail(&command_policy, CLI_USAGE, "%s: %s", a->operands[1], strerror(errno));
	if (!add(request, "file", path) ||
	    (a->confirm_ns && !cJSON_AddNumberToObject(request, "confirm_ms", (double)a->confirm_ns / 1e6)))
		return cli_fail(&command_policy, CLI_SYSTEM, "out of memory");
	return CLI_OK;
}

static enum cli_status add_set_mode(cJSON *request, const struct arguments *a)
{
	return add(request, "rules", a->operands[1]) && add(request, "mode", a->operands[2])
	               ? CLI_OK
	               : cli_fail(&command_policy, CLI_SYSTEM, "out of memory");
}

/* ---- answers ---- */

static void add_policy(struct buf *out, const cJSON *reply)
{
	const cJSON *p = cJSON_GetObjectItemCaseSensitive(reply, "policy");
	const double unconfirmed_ms = ask_number(p, "unconfirmed_ms");
	buf_addf(out, "generation %.0f of ", ask_number(p, "generation"));
	ask_add_text(out, ask_text(p, "file"));
	buf_addf(out, ": rules that enforce: %.0f, that monitor: %.0f, that only detect: %.0f\n",
	         ask_number(p, "enforced"), ask_number(p, "monitored"), ask_number(p, "detect_only"));
	if (unconfirmed_ms > 0)
		buf_addf(out, "taken back in %.0f s unless 'tercel policy confirm' comes before\n",
		         ceil(unconfirmed_ms / 1000));
}

static void add_rules(struct buf *out, const cJSON *reply)
{
	const cJSON *rule;
	add_policy(out, reply);
	buf_addf(out, "%-8s %-6s %-11s %9s %11s %9s  rule\n", "mode", "action", "class", "blocked", "would block",
	         "uncertain");
	cJSON_ArrayForEach(rule, cJSON_GetObjectItemCaseSensitive(reply, "rules"))
	{
		buf_addf(out, "%-8s %-6s %-11s %9.0f %11.0f %9.0f  ", ask_text(rule, "mode"), ask_text(rule, "action"),
		         ask_text(rule, "class"), ask_number(rule, "blocked"), ask_number(rule, "would_block"),
		         ask_number(rule, "uncertain"));
		ask_add_text(out, ask_text(rule, "rule"));
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rule, "fuse_blown")))
			buf_adds(out, "  (its fuse has blown)");
		buf_addc(out, '\n');
	}
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	int operands; /* after the verb */
	const char *usage;
	enum cli_status (*add)(cJSON *request, const struct arguments *a); /* NULL: nothing more is asked */
	void (*write)(struct buf *out, const cJSON *reply);
} verbs[] = {
        {"show", 0, "it takes no operands", NULL, add_rules},
        {"apply", 1, "it takes the policy file to apply", add_apply, add_policy},
        {"confirm", 0, "it takes no operands", NULL, add_policy},
        {"set-mode", 2, "it takes the name of a rule, or a glob, and a mode: off, monitor or enforce", add_set_mode,
         add_policy},
        {"reload", 0, "it takes no operands", NULL, add_policy},
};

static const struct verb *find(const struct arguments *a)
{
	for (size_t i = 0; a->count && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, a->operands[0]))
			return &verbs[i];
	return NULL;
}

static enum cli_status run(int argc, char **argv)
{
	struct arguments a = {.ask = {.command = &command_policy, .socket = CONTROL_SOCKET}};
	int parsed = parse(&a, argc, argv);
	if (parsed)
		return parsed > 0 ? CLI_OK : CLI_USAGE;
	const struct verb *verb = find(&a);
	if (!verb)
		return cli_fail(&command_policy, CLI_USAGE,
		                "%s%s%sone of show, apply, confirm, set-mode and reload is needed", a.count ? "'" : "",
		                a.count ? a.operands[0] : "", a.count ? "' is not known; " : "");
	if (a.count != verb->operands + 1)
		return cli_fail(&command_policy, CLI_USAGE, "%s: %s", verb->name, verb->usage);
	if (a.confirm_ns && verb->add != add_apply)
		return cli_fail(&command_policy, CLI_USAGE, "--confirm goes with apply");
	cJSON *request = cJSON_CreateObject();
	enum cli_status status = request && add(request, "command", verb->name)
	                                 ? CLI_OK
	                                 : cli_fail(&command_policy, CLI_SYSTEM, "out of memory");
	if (status == CLI_OK && verb->add)
		status = verb->add(request, &a);
	if (status == CLI_OK)
		status = ask_and_print(&a.ask, request, verb->write);
	cJSON_Delete(request);
	return status;
}

const struct command command_policy = {
        .name = "policy",
        .summary = "shows or changes the policy of a running daemon",
        .help = policy_help,
        .run = run,
};
