/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel probe`: what this kernel offers. Whatever can be tried is tried: programs are loaded and attached, without a
 * policy, so that nothing is decided; files only tell what cannot be.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#include "bpf/match.h"
#include "cli/cli.h"
#include "identity/identity.h"
#include "policy/automaton.h"
#include "sensor/sensor.h"

static const char probe_help[] =
        "Says what this kernel offers, by trying it: the sensor's programs and the decision points.\n"
        "\n"
        "usage: tercel probe [options]\n"
        "\n"
        "  -o, --output FORMAT  text (default) or json\n"
        "  -q, --quiet          says nothing but why the sensor does not work\n"
        "  -h, --help           this text\n"
        "\n"
        "Exit status 0 if the sensor works, 3 if not.\n";

enum probe_output {
	PROBE_TEXT = 0,
	PROBE_JSON,
	PROBE_QUIET,
};

/* Something tried: works, or `reason` says in one line why not. */
struct trial {
	int error;
	struct error reason;
};

struct record_trial {
	const char *name;
	enum tercel_record_type type;
	struct trial trial;
};

struct findings {
	struct utsname kernel;
	bool btf;
	char lsm[256];     /* comma-separated, as the kernel lists them; "" if not readable */
	char lockdown[32]; /* "none", "integrity" …; "" if the kernel has none */
	char *cgroup2;     /* owned; NULL: not mounted */
	struct trial sensor;
	struct record_trial records[4];
	struct trial points[TERCEL_POINTS];
};

static void read_line(const char *path, char *out, size_t size)
{
	_autoclose_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* The kernel marks the mode in force with brackets: "none [integrity] confidentiality". */
static void find_lockdown(struct findings *f)
{
	char line[128];
	read_line("/sys/kernel/security/lockdown", line, sizeof(line));
	const char *begin = strchr(line, '[');
	size_t len = begin ? strcspn(begin + 1, "]") : 0;
	if (begin && len < sizeof(f->lockdown))
		(void)snprintf(f->lockdown, sizeof(f->lockdown), "%.*s", (int)len, begin + 1);
}

static void try_sensor(struct trial *t, uint32_t records, uint32_t points)
{
	_autosensor_ struct sensor *sensor = NULL;
	const struct sensor_config config = {.records = records, .points = points, .ring_mb = 1, .max_procs = 1024};
	t->error = sensor_open(&sensor, &config, &t->reason);
}

int cli_probe_points(struct cli_point points[TERCEL_POINTS], struct error *err)
{
	struct trial sensor = {0};
	try_sensor(&sensor, 1U << TERCEL_EXEC, 0);
	if (sensor.error)
		return error_set(err, sensor.error, "%s", sensor.reason.text);
	struct error reasons[TERCEL_POINTS] = {0};
	uint32_t here = sensor_points_here(SENSOR_TRIAL_WHOLE, reasons);
	for (uint32_t i = 0; i < TERCEL_POINTS; i++)
		points[i] = (struct cli_point){here >> i & 1 ? 0 : -EOPNOTSUPP, reasons[i]};
	return 0;
}

static void probe(struct findings *f)
{
	(void)uname(&f->kernel);
	f->btf = !access("/sys/kernel/btf/vmlinux", R_OK);
	read_line("/sys/kernel/security/lsm", f->lsm, sizeof(f->lsm));
	find_lockdown(f);
	(void)identity_cgroup_root(&f->cgroup2);
	static const struct record_trial all[] = {{.name = "exec, fork, exit", .type = TERCEL_EXEC},
	                                          {.name = "open", .type = TERCEL_OPEN},
	                                          {.name = "connect", .type = TERCEL_CONNECT},
	                                          {.name = "chdir", .type = TERCEL_CHDIR}};
	_Static_assert(sizeof(all) == sizeof(f->records), "one row for each trial");
	memcpy(f->records, all, sizeof(all));
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		try_sensor(&f->records[i].trial, 1U << all[i].type, 0);
	struct error reasons[TERCEL_POINTS] = {0};
	uint32_t here = sensor_points_here(SENSOR_TRIAL_WHOLE, reasons);
	for (uint32_t i = 0; i < TERCEL_POINTS; i++)
		f->points[i] = (struct trial){here >> i & 1 ? 0 : -EOPNOTSUPP, reasons[i]};
}

/* ---- output ---- */

static void add_json_word(struct buf *b, const char *text)
{
	buf_add_json(b, text, strlen(text));
}

static void add_json_trial(struct buf *b, const struct trial *t)
{
	buf_adds(b, t->error ? ",\"works\":false,\"reason\":" : ",\"works\":true");
	if (t->error)
		add_json_word(b, t->reason.text);
	buf_addc(b, '}');
}

static void add_json_list(struct buf *b, const char *commas)
{
	buf_addc(b, '[');
	for (const char *at = commas; *at;) {
		size_t len = strcspn(at, ",");
		if (at != commas)
			buf_addc(b, ',');
		buf_add_json(b, at, len);
		at += len + (at[len] == ',');
	}
	buf_addc(b, ']');
}

/* What is not bounded by memory but by design, with its unit. */
static const struct limit {
	const char *name, *unit;
	unsigned value;
} limits[] = {
        {"arguments of an exec", "bytes", TERCEL_ARGS_MAX},
        {"environment of an exec", "bytes", TERCEL_ENV_MAX},
        {"path", "bytes", TERCEL_PATH_MAX},
        {"path depth", "components", TERCEL_PATH_DEPTH},
        {"cgroup path depth", "components", TERCEL_CGROUP_DEPTH},
        {"ancestors in a decision", "processes", TERCEL_ANCESTORS_MAX},
        {"record", "bytes", TERCEL_RECORD_MAX},
        {"rules of a policy", "rules", TERCEL_RULE_WORDS * 64},
        {"distinct comparisons of a policy", "atoms", TERCEL_ATOM_WORDS * 64},
        {"comparisons of one rule", "comparisons", TERCEL_GRAPH_STEPS},
        {"states of a policy's automata", "states", AUTOMATON_STATES_MAX},
        {"conditions on containers of a policy", "conditions", TERCEL_CONTAINER_WORDS * 64},
        {"distance of a named ancestor", "processes", TERCEL_ANCESTOR_LEVELS},
        {"rules that report one act", "rules", TERCEL_HITS_MAX},
        {"policy image", "bytes", TERCEL_IMAGE_MAX},
};
enum { LIMITS = sizeof(limits) / sizeof(*limits) };

static void add_json(struct buf *b, const struct findings *f)
{
	buf_adds(b, "{\"version\":1,\"kernel\":");
	add_json_word(b, f->kernel.release);
	buf_adds(b, ",\"machine\":");
	add_json_word(b, f->kernel.machine);
	buf_addf(b, ",\"btf\":%s,\"lsm\":", f->btf ? "true" : "false");
	add_json_list(b, f->lsm);
	if (f->lockdown[0]) {
		buf_adds(b, ",\"lockdown\":");
		add_json_word(b, f->lockdown);
	}
	if (f->cgroup2) {
		buf_adds(b, ",\"cgroup2\":");
		add_json_word(b, f->cgroup2);
	}
	buf_adds(b, ",\"records\":[");
	for (size_t i = 0; i < sizeof(f->records) / sizeof(*f->records); i++) {
		buf_adds(b, i ? ",{\"record\":" : "{\"record\":");
		add_json_word(b, f->records[i].name);
		add_json_trial(b, &f->records[i].trial);
	}
	buf_adds(b, "],\"points\":[");
	for (unsigned i = 0; i < TERCEL_POINTS; i++) {
		buf_adds(b, i ? ",{\"point\":" : "{\"point\":");
		add_json_word(b, event_point_name((enum tercel_point)i));
		buf_adds(b, ",\"strength\":");
		add_json_word(b, event_point_strength((enum tercel_point)i));
		add_json_trial(b, &f->points[i]);
	}
	buf_adds(b, "],\"limits\":[");
	for (size_t i = 0; i < LIMITS; i++)
		buf_addf(b, "%s{\"limit\":\"%s\",\"value\":%u,\"unit\":\"%s\"}", i ? "," : "", limits[i].name,
		         limits[i].value, limits[i].unit);
	buf_adds(b, "]}\n");
}

static void add_trial(struct buf *b, const char *name, const char *strength, const struct trial *t)
{
	buf_addf(b, "  %-22s %-16s %s%s\n", name, strength, t->error ? "no: " : "works",
	         t->error ? t->reason.text : "");
}

static void add_text(struct buf *b, const struct findings *f)
{
	buf_addf(b, "kernel                   %s %s\n", f->kernel.release, f->kernel.machine);
	buf_addf(b, "type information (BTF)   %s\n",
	         f->btf ? "yes" : "no: a kernel with CONFIG_DEBUG_INFO_BTF=y is needed");
	const char *hidden = "not to be seen: mount securityfs at /sys/kernel/security";
	buf_addf(b, "security modules         %s\n", f->lsm[0] ? f->lsm : hidden);
	buf_addf(b, "lockdown                 %s\n",
	         f->lockdown[0] ? f->lockdown
	         : f->lsm[0]    ? "not in this kernel"
	                        : hidden);
	buf_addf(b, "cgroup v2                %s\n", f->cgroup2 ? f->cgroup2 : "not mounted");
	buf_adds(b, "\nWhat can be watched:\n");
	for (size_t i = 0; i < sizeof(f->records) / sizeof(*f->records); i++)
		add_trial(b, f->records[i].name, "", &f->records[i].trial);
	buf_adds(b, "\nWhere rules can decide:\n");
	for (unsigned i = 0; i < TERCEL_POINTS; i++)
		add_trial(b, event_point_name((enum tercel_point)i), event_point_strength((enum tercel_point)i),
		          &f->points[i]);
	buf_adds(b, "\nLimits:\n");
	for (size_t i = 0; i < LIMITS; i++)
		buf_addf(b, "  %-39s %u %s\n", limits[i].name, limits[i].value, limits[i].unit);
}

/* Returns 0, -EINVAL (said), or 1 after --help. */
static int parse(enum probe_output *out, int argc, char **argv)
{
	static const struct option options[] = {
	        {"output", required_argument, NULL, 'o'},
	        {"quiet", no_argument, NULL, 'q'},
	        {"help", no_argument, NULL, 'h'},
	        {0},
	};
	enum event_format format = EVENT_TEXT;
	for (int option = 0; (option = cli_option(&command_probe, argc, argv, ":o:qh", options)) != -1;) {
		if (option == CLI_OPTION_HELP)
			return 1;
		if (option == CLI_OPTION_BAD || (option == 'o' && cli_parse_format(&command_probe, optarg, &format)))
			return -EINVAL;
		if (option == 'q')
			*out = PROBE_QUIET;
	}
	if (*out != PROBE_QUIET)
		*out = format == EVENT_JSON ? PROBE_JSON : PROBE_TEXT;
	if (optind == argc)
		return 0;
	(void)cli_fail(&command_probe, CLI_USAGE, "'%s': it takes no arguments, only options", argv[optind]);
	return -EINVAL;
}

static enum cli_status run(int argc, char **argv)
{
	enum probe_output output = PROBE_TEXT;
	int parsed = parse(&output, argc, argv);
	if (parsed)
		return parsed > 0 ? CLI_OK : CLI_USAGE;
	_autofree_ struct findings *f = calloc(1, sizeof(*f));
	if (!f)
		return cli_fail(&command_probe, CLI_SYSTEM, "out of memory");
	try_sensor(&f->sensor, 1U << TERCEL_EXEC | 1U << TERCEL_FORK | 1U << TERCEL_EXIT, 0);
	if (output != PROBE_QUIET)
		probe(f);
	_autofree_ char *cgroup2 = f->cgroup2;
	_autobuf_ struct buf text = BUF_INIT;
	if (output == PROBE_TEXT)
		add_text(&text, f);
	else if (output == PROBE_JSON)
		add_json(&text, f);
	enum cli_status status = cli_print(&command_probe, &text, CLI_OK);
	if (status == CLI_OK && f->sensor.error)
		status = cli_fail(&command_probe, CLI_SYSTEM, "%s", f->sensor.reason.text);
	return status;
}

const struct command command_probe = {
        .name = "probe",
        .summary = "says what this kernel offers",
        .help = probe_help,
        .run = run,
};
