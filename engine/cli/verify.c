/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel verify`: tries to come round the rules of the policy that a running daemon has in force.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cli/ask.h"
#include "filter/filter.h"
#include "sensor/load.h"
#include "verify/verify.h"

static const char verify_help[] =
        "Tries to come round the rules that a running daemon has in force: does what a rule blocks, plainly and in\n"
        "every way that is known to evade such rules, and prints which hold. What is done is done in cgroups and\n"
        "namespaces of its own, on files and addresses made for it: nothing else is touched. Its verdicts are in the\n"
        "daemon's outputs and counts.\n"
        "\n"
        "usage: tercel verify [--rule RULES] [options]\n"
        "\n"
        "      --rule RULES      only these: a name or a glob (default: all)\n"
        "      --tries N         of each attack in time (default: 100)\n"
        "      --socket PATH     of the daemon's control socket (default: " CONTROL_SOCKET ")\n"
        "  -o, --output FORMAT   text (default) or json\n"
        "  -h, --help            this text\n"
        "\n"
        "holds: blocked, or in monitor mode said to be. exception: let through, for a reason that\n"
        "docs/threat-model.md lists. HOLE: let through, and it should not have been. Exit status 1 if there is one.\n";

enum { OPTION_RULE = 0x100, OPTION_TRIES, OPTION_SOCKET };

static const struct option options[] = {
        {"rule", required_argument, NULL, OPTION_RULE},
        {"tries", required_argument, NULL, OPTION_TRIES},
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {0},
};

/* The daemon takes its time to look at its socket; a verdict is there soon after. */
enum { PATIENCE_MS = 30000, DEFAULT_TRIES = 100, MAX_TRIES = 100000 };

struct verifier {
	struct ask ask;
	const char *rules; /* a name or a glob */
	unsigned int tries;
	struct trial_place place;
	double generation;   /* of the policy that the rule at hand is of */
	double dropped;      /* verdicts, by the last answer */
	unsigned int trials; /* so far */
	unsigned int trial;  /* the one that is asked about, and what was dropped by the last answer before it */
	double dropped_before;
	cJSON *results;         /* one object for each rule */
	cJSON *current;         /* of them, that of the rule at hand */
	cJSON *act;             /* of the rule at hand, the act at hand; NULL: none yet */
	size_t counts[4];       /* ways, by enum verify_result */
	size_t acts[2];         /* that were tested, and that were not */
	size_t untested, holes; /* rules that were not tested; and that have holes */
};

static int parse_tries(struct verifier *v, const char *text)
{
	uint64_t n = 0;
	int error = cli_parse_count(&command_verify, "--tries", text, &n);
	if (!error && n > MAX_TRIES) {
		(void)cli_fail(&command_verify, CLI_USAGE, "--tries %s: at most %d", text, MAX_TRIES);
		return -EINVAL;
	}
	v->tries = (unsigned int)n;
	return error;
}

/* Returns 0, -EINVAL (said), or 1 after --help. */
static int parse(struct verifier *v, int argc, char **argv)
{
	const struct command *c = &command_verify;
	int error = 0;
	for (int option = 0; !error && (option = cli_option(c, argc, argv, ":o:h", options)) != -1;) {
		switch (option) {
		case 'o':
			error = cli_parse_format(c, optarg, &v->ask.format);
			break;
		case OPTION_RULE:
			v->rules = optarg;
			break;
		case OPTION_TRIES:
			error = parse_tries(v, optarg);
			break;
		case OPTION_SOCKET:
			v->ask.socket = optarg;
			break;
		case CLI_OPTION_HELP:
			return 1;
		default:
			return -EINVAL;
		}
	}
	if (!error && optind < argc)
		error = cli_fail(c, CLI_USAGE, "it takes no operands; --rule names rules") ? -EINVAL : 0;
	return error;
}

/* ---- what the daemon is asked ---- */

/* A request with one member more, of `name`: a text, or without one a number. The daemon's refusal is an error. */
static int call(const struct verifier *v, cJSON **out, const char *command, const char *name, const char *text,
                double number, struct error *err)
{
	_autojson_ cJSON *request = cJSON_CreateObject();
	bool made = cJSON_AddStringToObject(request, "command", command);
	if (made && name)
		made = text ? cJSON_AddStringToObject(request, name, text) != NULL
		            : cJSON_AddNumberToObject(request, name, number) != NULL;
	if (!made)
		return error_set(err, -ENOMEM, "out of memory");
	_autojson_ cJSON *reply = NULL;
	int error = ask_call(&reply, v->ask.socket, request, PATIENCE_MS, err);
	if (error)
		return error;
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "ok")))
		return error_set(err, -EPROTO, "the daemon refuses '%s': %.200s", command, ask_text(reply, "messages"));
	*out = TAKE_PTR(reply);
	return 0;
}

static enum verify_verdict verdict_of(const cJSON *verdict)
{
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(verdict, "enforced")))
		return VERIFY_BLOCKED;
	return strcmp(ask_text(verdict, "action"), "audit") ? VERIFY_WOULD_BLOCK : VERIFY_UNCERTAIN;
}

static void list_reasons(const cJSON *verdict, char *out, size_t size)
{
	const cJSON *reason;
	size_t len = 0;
	out[0] = '\0';
	cJSON_ArrayForEach(reason, cJSON_GetObjectItemCaseSensitive(verdict, "uncertain"))
	{
		const char *text = cJSON_GetStringValue(reason);
		if (text && len + strlen(text) + 3 < size)
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", text);
	}
}

/* What an id has been told of before is about another process. */
static void strongest(const cJSON *reply, const struct verify_question *q, enum verify_verdict *out, char *reasons,
                      size_t size)
{
	const cJSON *verdict;
	cJSON_ArrayForEach(verdict, cJSON_GetObjectItemCaseSensitive(reply, "verdicts"))
	{
		const enum verify_verdict found = verdict_of(verdict);
		if (strcmp(ask_text(verdict, "rule"), q->rule) != 0 || found <= *out ||
		    ask_number(verdict, "time") < (double)q->since_ns)
			continue;
		*out = found;
		list_reasons(verdict, reasons, size);
	}
}

/* Whether the daemon has all verdicts since the process acted, and none was dropped during the trial. */
static bool is_whole(struct verifier *v, const cJSON *reply, const struct verify_question *q)
{
	if (v->trial != q->trial) {
		v->trial = q->trial;
		v->dropped_before = v->dropped;
	}
	v->dropped = ask_number(reply, "dropped");
	return v->dropped <= v->dropped_before && ask_number(reply, "since") <= (double)q->since_ns;
}

/* The daemon says up to when it has taken verdicts: by then it has those of what is done already. */
static int ask_verdict(void *ctx, const struct verify_question *q, enum verify_verdict *out, char *reasons, size_t size,
                       struct error *err)
{
	struct verifier *v = ctx;
	struct timespec t;
	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	const double done = (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
	for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
		_autojson_ cJSON *reply = NULL;
		int error = call(v, &reply, "verdicts", "pid", NULL, (double)q->pid, err);
		if (error)
			return error;
		if (ask_number(reply, "generation") != v->generation)
			return error_set(err, -EBUSY, "the policy was changed meanwhile: try again");
		if (ask_number(reply, "until") >= done) {
			const bool whole = is_whole(v, reply, q);
			*out = VERIFY_NO_VERDICT;
			strongest(reply, q, out, reasons, size);
			return *out == VERIFY_NO_VERDICT && !whole ? -ENODATA : 0;
		}
		(void)usleep(10000);
	}
	return error_set(err, -ETIMEDOUT, "the daemon does not come to the end of its verdicts");
}

/* ---- results ---- */

static void tell_act(void *ctx, const struct verify_rule *rule, const char *act)
{
	struct verifier *v = ctx;
	(void)rule;
	v->act = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(v->act, "act", act);
	(void)cJSON_AddArrayToObject(v->act, "ways");
	(void)cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(v->current, "acts"), v->act);
}

static void tell(void *ctx, const struct verify_rule *rule, const char *way, enum verify_result result, const char *why)
{
	struct verifier *v = ctx;
	(void)rule;
	if (!*way) {
		(void)cJSON_AddStringToObject(v->act ? v->act : v->current, "not_tested", why);
		return;
	}
	v->counts[result]++;
	cJSON *o = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(o, "way", way);
	(void)cJSON_AddStringToObject(o, "result", verify_result_name(result));
	if (*why)
		(void)cJSON_AddStringToObject(o, "why", why);
	(void)cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(v->act, "ways"), o);
}

/* A rule of which no act was tested was not tested itself. */
static void count_acts(struct verifier *v)
{
	const cJSON *act;
	size_t tested = 0, all = 0;
	cJSON_ArrayForEach(act, cJSON_GetObjectItemCaseSensitive(v->current, "acts"))
	{
		tested += !*ask_text(act, "not_tested");
		all++;
	}
	v->acts[0] += tested;
	v->acts[1] += all - tested;
	v->untested += !tested;
}

static void print_ways(struct buf *out, const cJSON *ways, enum verify_result result)
{
	const char *name = verify_result_name(result);
	const cJSON *way;
	bool any = false;
	cJSON_ArrayForEach(way, ways)
	{
		const char *why = ask_text(way, "why");
		if (strcmp(ask_text(way, "result"), name) != 0)
			continue;
		if (!any || *why)
			buf_addf(out, "%s    %-11s ", any ? "\n" : "", name);
		else
			buf_adds(out, ", ");
		ask_add_text(out, ask_text(way, "way"));
		if (*why) {
			buf_adds(out, ": ");
			ask_add_text(out, why);
		}
		any = true;
	}
	if (any)
		buf_addc(out, '\n');
}

static void print_why_not(struct buf *out, const cJSON *of)
{
	if (!*ask_text(of, "not_tested"))
		return;
	buf_adds(out, "    not tested  ");
	ask_add_text(out, ask_text(of, "not_tested"));
	buf_addc(out, '\n');
}

static void print_act(struct buf *out, const cJSON *act)
{
	const cJSON *ways = cJSON_GetObjectItemCaseSensitive(act, "ways");
	buf_adds(out, "  ");
	ask_add_text(out, ask_text(act, "act"));
	buf_addc(out, '\n');
	print_why_not(out, act);
	print_ways(out, ways, VERIFY_HOLDS);
	print_ways(out, ways, VERIFY_EXCEPTION);
	print_ways(out, ways, VERIFY_HOLE);
	print_ways(out, ways, VERIFY_NOT_TESTED);
}

static void print_rule(const cJSON *rule)
{
	_autobuf_ struct buf out = BUF_INIT;
	const cJSON *act;
	ask_add_text(&out, ask_text(rule, "rule"));
	buf_addf(&out, " (%s)\n", ask_text(rule, "mode"));
	print_why_not(&out, rule);
	cJSON_ArrayForEach(act, cJSON_GetObjectItemCaseSensitive(rule, "acts"))
	{
		print_act(&out, act);
	}
	(void)fputs(buf_str(&out), stdout);
	(void)fflush(stdout);
}

/* ---- rules ---- */

/* NULL: it can be tried. */
static const char *why_not(const cJSON *rule)
{
	if (!strcmp(ask_text(rule, "class"), "detect-only"))
		return "it is detected only: no decision point can enforce it";
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rule, "fuse")))
		return "it has a fuse, which would blow";
	return NULL;
}

static int read_condition(struct filter **out, const cJSON *rule, struct error *err)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autobuf_ struct buf text = BUF_INIT;
	if (*ask_text(rule, "scope"))
		buf_addf(&text, "(%s) and ", ask_text(rule, "scope"));
	buf_addf(&text, "(%s)", ask_text(rule, "condition"));
	int error = buf_error(&text);
	if (!error)
		error = filter_parse(out, &(struct filter_text){.bytes = buf_str(&text), .len = text.len}, &diags);
	return error ? error_set(err, error, "the daemon's condition of a rule cannot be read: another version?") : 0;
}

static int try_rule(struct verifier *v, const char *name, struct error *err)
{
	struct verify verify = {.place = &v->place,
	                        .tries = v->tries,
	                        .ask = ask_verdict,
	                        .tell = tell,
	                        .tell_act = tell_act,
	                        .ctx = v,
	                        .trials = v->trials};
	_autojson_ cJSON *shown = NULL;
	_autofilter_ struct filter *condition = NULL;
	int error = call(v, &shown, "rule", "name", name, 0, err);
	if (!error)
		error = read_condition(&condition, shown, err);
	if (error)
		return error;
	v->generation = ask_number(shown, "generation");
	v->act = NULL;
	v->current = cJSON_CreateObject();
	if (!cJSON_AddItemToArray(v->results, v->current) || !cJSON_AddStringToObject(v->current, "rule", name) ||
	    !cJSON_AddStringToObject(v->current, "mode", ask_text(shown, "mode")) ||
	    !cJSON_AddArrayToObject(v->current, "acts"))
		return error_set(err, -ENOMEM, "out of memory");
	const struct verify_rule rule = {.name = name,
	                                 .condition = filter_root(condition),
	                                 .enforced = !strcmp(ask_text(shown, "mode"), "enforce")};
	const size_t holes = v->counts[VERIFY_HOLE];
	if (why_not(shown))
		tell(v, &rule, "", VERIFY_NOT_TESTED, why_not(shown));
	else
		error = verify_rule(&verify, &rule, err);
	count_acts(v);
	v->trials = verify.trials;
	v->holes += v->counts[VERIFY_HOLE] > holes;
	if (!error && v->ask.format != EVENT_JSON)
		print_rule(v->current);
	return error;
}

static bool is_asked_for(const struct verifier *v, const char *rule)
{
	return !strcmp(v->rules, rule) || fnmatch(v->rules, rule, 0) == 0;
}

/* The acts have to be seen, and to be the daemon's to judge. */
static int make_place(struct verifier *v, struct error *err)
{
	_autojson_ cJSON *status = NULL;
	char root[4096];
	int error = call(v, &status, "status", NULL, NULL, 0, err);
	if (error)
		return error;
	if (geteuid() != 0)
		return error_set(err, -EPERM, "it makes cgroups, namespaces and files of its own: run as root");
	const cJSON *records = cJSON_GetObjectItemCaseSensitive(status, "records");
	v->dropped = ask_number(cJSON_GetObjectItemCaseSensitive(records, "verdict"), "dropped");
	const char *above = ask_text(status, "cgroup");
	if (!*above && load_find_cgroup2(root, sizeof(root)))
		return error_set(err, -EOPNOTSUPP, "no cgroup v2 hierarchy is mounted here");
	_autofree_ char *exe = NULL;
	if (asprintf(&exe, "/proc/%.0f", ask_number(status, "pid")) < 0 || access(exe, F_OK))
		return error_set(
		        err, -EOPNOTSUPP,
		        "the daemon's process is not to be seen from here: run it in the daemon's pid namespace");
	return trial_place_make(&v->place, *above ? above : root, err);
}

static int try_rules(struct verifier *v, struct error *err)
{
	_autojson_ cJSON *shown = NULL;
	const cJSON *rule;
	size_t tried = 0;
	int error = call(v, &shown, "show", NULL, NULL, 0, err);
	cJSON_ArrayForEach(rule, cJSON_GetObjectItemCaseSensitive(shown, "rules"))
	{
		if (error || !is_asked_for(v, ask_text(rule, "rule")))
			continue;
		tried++;
		error = try_rule(v, ask_text(rule, "rule"), err);
	}
	if (!error && !tried)
		error = error_set(err, -EINVAL, "no rule in force is named \"%s\"; 'tercel policy show' lists them",
		                  v->rules);
	return error;
}

/* Of the ways, by result. */
static int add_counts(cJSON *to, const struct verifier *v)
{
	static const char *const names[] = {"hold", "exceptions", "holes", "not_tested"};
	cJSON *o = cJSON_AddObjectToObject(to, "ways");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!cJSON_AddNumberToObject(o, names[i], (double)v->counts[i]))
			return -ENOMEM;
	return 0;
}

static enum cli_status print_summary(struct verifier *v)
{
	_autobuf_ struct buf out = BUF_INIT;
	const enum cli_status status = v->holes ? CLI_NO : CLI_OK;
	const size_t rules = (size_t)cJSON_GetArraySize(v->results);
	if (v->ask.format == EVENT_JSON) {
		_autojson_ cJSON *all = cJSON_CreateObject();
		if (!cJSON_AddItemToObject(all, "rules", cJSON_Duplicate(v->results, true)) ||
		    !cJSON_AddNumberToObject(all, "rules_not_tested", (double)v->untested) ||
		    !cJSON_AddNumberToObject(all, "rules_with_holes", (double)v->holes) ||
		    !cJSON_AddNumberToObject(all, "acts_tested", (double)v->acts[0]) ||
		    !cJSON_AddNumberToObject(all, "acts_not_tested", (double)v->acts[1]) || add_counts(all, v))
			return cli_fail(&command_verify, CLI_SYSTEM, "out of memory");
		_autofree_ char *text = cJSON_PrintUnformatted(all);
		if (!text)
			return cli_fail(&command_verify, CLI_SYSTEM, "out of memory");
		buf_addf(&out, "%s\n", text);
	} else {
		buf_addf(&out,
		         "%zu rules: %zu without a hole, %zu with holes, %zu not tested; acts: %zu tested, %zu not; "
		         "ways: %zu hold, %zu are exceptions, %zu are holes, %zu were not tested\n",
		         rules, rules - v->holes - v->untested, v->holes, v->untested, v->acts[0], v->acts[1],
		         v->counts[VERIFY_HOLDS], v->counts[VERIFY_EXCEPTION], v->counts[VERIFY_HOLE],
		         v->counts[VERIFY_NOT_TESTED]);
	}
	return cli_print(&command_verify, &out, status);
}

static enum cli_status run(int argc, char **argv)
{
	struct verifier v = {.ask = {.command = &command_verify, .socket = CONTROL_SOCKET},
	                     .rules = "*",
	                     .tries = DEFAULT_TRIES,
	                     .place = {.host = -1, .container = -1}};
	struct error err = {0};
	int parsed = parse(&v, argc, argv);
	if (parsed)
		return parsed > 0 ? CLI_OK : CLI_USAGE;
	v.results = cJSON_CreateArray();
	int error = v.results ? make_place(&v, &err) : error_set(&err, -ENOMEM, "out of memory");
	if (!error)
		error = try_rules(&v, &err);
	trial_place_remove(&v.place);
	enum cli_status status =
	        error ? cli_fail(&command_verify, error == -EINVAL ? CLI_USAGE : CLI_SYSTEM, "%s", err.text)
	              : print_summary(&v);
	cJSON_Delete(v.results);
	return status;
}

const struct command command_verify = {
        .name = "verify",
        .summary = "tries to come round the rules that are in force",
        .help = verify_help,
        .run = run,
};
