/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel run`: the daemon in the foreground: sensor, decisions by a policy, outputs, and the control socket that the
 * policy is changed by.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/stream.h"
#include "daemon/control.h"
#include "daemon/kept.h"
#include "daemon/live.h"
#include "daemon/requests.h"

#define PIN_DIR "/sys/fs/bpf/tercel"

static const char run_help[] =
        "Watches this machine and decides by a policy: what the policy's rules match is reported (monitor), or blocked "
        "and\n"
        "reported (enforce). Prints verdicts, and starts and ends of processes and connections.\n"
        "\n"
        "usage: tercel run [options]\n"
        "       tercel run --cleanup [--pin-dir DIR]\n"
        "\n"
        "      --config FILE     the policy file (default: /etc/tercel/tercel.yaml)\n"
        "  -o, --output FORMAT   of standard output: text (default) or json. The policy's file output is always JSON\n"
        "      --verdicts-only   prints no other events\n"
        "      --opens           prints opened files too, as 'tercel events' does\n"
        "      --cgroup DIR      a trial: decides and prints only for processes in this cgroup v2 directory and below\n"
        "      --socket PATH     of the control socket, whose directory is made if there is none (default:\n"
        "                        " CONTROL_SOCKET "; none in a trial)\n"
        "      --pin-dir DIR     where enforcement is pinned (default: " PIN_DIR "; nowhere in a trial)\n"
        "      --keep            leaves enforcement in force at the end, as a crash does\n"
        "      --cleanup         takes away what was left in force, and ends\n"
        "      --duration S      ends after so many seconds\n"
        "      --record FILE     also keeps everything in a recording, for 'tercel events --read'\n"
        "  -h, --help            this text\n"
        "\n"
        "Runs until SIGINT or SIGTERM. SIGHUP, like 'tercel policy reload', reads the policy and its rules again.\n"
        "\n"
        "Enforcement outlives a daemon that is killed: its maps and programs are pinned in a BPF file system. The "
        "next\n"
        "daemon goes on with them, and tells what was decided meanwhile. At an ordered end all of it is taken away.\n";

enum {
	OPTION_CONFIG = 0x100,
	OPTION_VERDICTS_ONLY,
	OPTION_OPENS,
	OPTION_CGROUP,
	OPTION_SOCKET,
	OPTION_PIN_DIR,
	OPTION_KEEP,
	OPTION_CLEANUP,
	OPTION_DURATION,
	OPTION_RECORD,
};

static const struct option options[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"output", required_argument, NULL, 'o'},
        {"verdicts-only", no_argument, NULL, OPTION_VERDICTS_ONLY},
        {"opens", no_argument, NULL, OPTION_OPENS},
        {"cgroup", required_argument, NULL, OPTION_CGROUP},
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"pin-dir", required_argument, NULL, OPTION_PIN_DIR},
        {"keep", no_argument, NULL, OPTION_KEEP},
        {"cleanup", no_argument, NULL, OPTION_CLEANUP},
        {"duration", required_argument, NULL, OPTION_DURATION},
        {"record", required_argument, NULL, OPTION_RECORD},
        {"help", no_argument, NULL, 'h'},
        {0},
};

struct arguments {
	const char *config, *socket;
	const char *pin_dir; /* NULL: nothing is pinned */
	bool pin_dir_asked;  /* it has to be possible there */
	struct stream_config stream;
	bool opens, keep, cleanup;
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
		case OPTION_SOCKET:
			a->socket = optarg;
			break;
		case OPTION_PIN_DIR:
			a->pin_dir = optarg;
			a->pin_dir_asked = true;
			break;
		case OPTION_KEEP:
			a->keep = true;
			break;
		case OPTION_CLEANUP:
			a->cleanup = true;
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
	if (!error && a->keep && a->stream.cgroup && !a->pin_dir) {
		(void)cli_fail(c, CLI_USAGE,
		               "--keep: with --cgroup nothing is pinned that could be left; name a place with "
		               "--pin-dir");
		error = -EINVAL;
	}
	if (!a->socket && !a->stream.cgroup)
		a->socket = CONTROL_SOCKET;
	if (!a->pin_dir && !a->stream.cgroup)
		a->pin_dir = PIN_DIR;
	return error;
}

/* Everything that a run is made of. */
struct daemon {
	struct control *control; /* NULL: there is no socket */
	struct live *live;
	struct sensor *sensor;
	struct stream *stream;
	uint32_t offered; /* 1 << enum tercel_point: the points of this machine */
	uint64_t started_s;
	const char *place;   /* where it is to be pinned; NULL: nowhere */
	const char *pin_dir; /* the same when it is; else NULL */
	struct recent *recent;
	const char *cgroup; /* that decisions are limited to; NULL: none */
	uint32_t former;    /* generation of the policy that another daemon has left in force; 0: none */
};

static void daemon_free(struct daemon *d)
{
	stream_close(d->stream);
	free(d->recent);
	sensor_close(d->sensor);
	live_free(d->live);
	control_close(d->control);
}
#define _autodaemon_ _cleanup_(daemon_free)

/* ---- the policy ---- */

/* Of the one that is going to be in force, and of the one that is: whichever it is when the daemon is gone has names.
 */
static int keep_names(struct daemon *d, const struct image *image, uint32_t generation, struct error *err)
{
	const bool first = generation == live_generation(d->live);
	const struct kept_policy policies[] = {
	        {image, generation},
	        {first ? NULL : live_image(d->live), first ? d->former : live_generation(d->live)},
	};
	return kept_save(d->sensor, d->place, policies, 2, err);
}

static void remember(void *ctx, uint32_t generation, const char *const *names, size_t n)
{
	struct daemon *d = ctx;
	stream_remember(d->stream, generation, names, n);
}

/* In this order: what a policy asks is answered, and its decision points are there, before it is in force. */
static int put(void *ctx, const struct plan *plan, const struct image *image, uint32_t generation, struct error *err)
{
	struct daemon *d = ctx;
	const struct stream_policy policy = {.image = image,
	                                     .generation = generation,
	                                     .to_stdout = plan->policy->output_stdout,
	                                     .file = plan->policy->output_file};
	const uint32_t points = image_points(image), before = sensor_attached_points(d->sensor);
	int error = sensor_attach_points(d->sensor, points, err);
	if (!error)
		error = keep_names(d, image, generation, err);
	if (!error)
		error = stream_set_policy(d->stream, &policy, err);
	/* Those that the policy in force does not need: of one that is refused, what was attached for it. */
	sensor_detach_points(d->sensor, ~(error ? before : points));
	return error;
}

static void say(void *ctx, const char *text)
{
	(void)ctx;
	cli_note(&command_run, "%s", text);
}

static enum cli_status load(struct daemon *d, const char *config)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	d->offered = sensor_points_here(SENSOR_TRIAL_SMALL, NULL);
	const struct live_config live = {
	        .file = config, .points = d->offered, .generation = d->former + 1, .put = put, .note = say, .ctx = d};
	int error = live_new(&d->live, &live, &diags);
	diag_print(&diags, stderr);
	if (error && !diag_failed(&diags))
		return cli_fail(&command_run, CLI_SYSTEM, "%s", strerror(-error));
	return error ? CLI_USAGE : CLI_OK;
}

/* ---- what is asked while it runs ---- */

static uint64_t monotonic_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static char *answer(void *ctx, const char *request)
{
	const struct daemon *d = ctx;
	const struct requests r = {.live = d->live,
	                           .sensor = d->sensor,
	                           .pins = d->pin_dir,
	                           .containers_unknown = stream_containers_unknown(d->stream),
	                           .answers_lost = stream_answers_lost(d->stream),
	                           .events_unwritten = stream_unwritten(d->stream),
	                           .verdicts_folded = stream_folded(d->stream),
	                           .cgroup = d->cgroup,
	                           .recent = d->recent,
	                           .drained_ns = stream_drained(d->stream),
	                           .started_s = d->started_s,
	                           .now_ns = monotonic_ns()};
	return requests_answer(&r, request);
}

static void tick(void *ctx, uint64_t now_ns)
{
	struct daemon *d = ctx;
	live_tick(d->live, now_ns);
	if (d->control)
		control_poll(d->control, answer, d, now_ns);
}

static void take_verdict(void *ctx, const struct tercel_verdict *v)
{
	struct daemon *d = ctx;
	live_verdict(d->live, v);
	recent_add(d->recent, v);
}

static void reload(void *ctx)
{
	struct daemon *d = ctx;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	int error = live_apply(d->live, NULL, 0, monotonic_ns(), &diags);
	diag_print(&diags, stderr);
	if (error)
		cli_note(&command_run, "the policy was not reloaded%s%s; generation %u stays in force",
		         diag_failed(&diags) ? "" : ": ", diag_failed(&diags) ? "" : strerror(-error),
		         live_generation(d->live));
	else
		cli_note(&command_run, "reloaded: generation %u", live_generation(d->live));
}

/* ---- the start ---- */

static enum cli_status open_control(struct daemon *d, const struct arguments *a)
{
	struct error err = {0};
	int error = a->socket ? control_open(&d->control, a->socket, &err) : 0;
	if (!error)
		return CLI_OK;
	return cli_fail(&command_run, cli_status_of(error), "%s", err.text);
}

static enum cli_status open_sensor(struct daemon *d, const struct arguments *a)
{
	struct error err = {0};
	const struct sensor_config config = {
	        .records = 1U << TERCEL_EXEC | 1U << TERCEL_FORK | 1U << TERCEL_EXIT | 1U << TERCEL_CONNECT |
	                   1U << TERCEL_CHDIR | 1U << TERCEL_SEED | 1U << TERCEL_CGROUP | 1U << TERCEL_VERDICT |
	                   (a->opens ? 1U << TERCEL_OPEN : 0),
	        .points = image_points(live_image(d->live)),
	        .more_points = d->offered,
	        .cgroup = a->stream.cgroup,
	        .pin_dir = a->pin_dir,
	};
	int error = sensor_open(&d->sensor, &config, &err);
	return error ? cli_fail(&command_run, cli_status_of(error), "%s", err.text) : CLI_OK;
}

static enum cli_status open_stream(struct daemon *d, struct arguments *a)
{
	const struct policy *policy = live_plan(d->live)->policy;
	a->stream.sensor = d->sensor;
	a->stream.lasting = true;
	a->stream.to_stdout = policy->output_stdout;
	a->stream.file = policy->output_file;
	a->stream.recorded = live_image(d->live);
	a->stream.hooks = (struct stream_hooks){.ctx = d, .tick = tick, .verdict = take_verdict, .hangup = reload};
	return stream_open(&d->stream, &command_run, &a->stream);
}

/*
 * Decisions look at ancestors: the processes that run already must be known before the first one. What another daemon
 * has left is told before the policy changes.
 */
static enum cli_status take_in(struct daemon *d, const char *pin_dir)
{
	struct error err = {0};
	const bool adopted = sensor_is_adopted(d->sensor);
	const char *apart = sensor_why_not_adopted(d->sensor);
	int error = sensor_seed(d->sensor, &err);
	if (error)
		return cli_fail(&command_run, cli_status_of(error), "%s", err.text);
	if (adopted)
		cli_note(&command_run, "goes on with what is in force at %s: generation %u", pin_dir, d->former);
	else if (apart)
		cli_note(&command_run, "takes the place of what is pinned at %s (generation %u): %s", pin_dir,
		         d->former, apart);
	if (adopted || apart)
		kept_load(pin_dir, remember, d);
	enum cli_status status = stream_prepare(d->stream);
	return adopted && status == CLI_OK ? stream_catch_up(d->stream) : status;
}

/* When the policy is in force: what another daemon has left ends only now. */
static enum cli_status pin(struct daemon *d, const struct arguments *a)
{
	struct error err = {0};
	int error = sensor_pin(d->sensor, &err);
	if (sensor_is_kept(d->sensor))
		d->pin_dir = a->pin_dir;
	if (error && (a->pin_dir_asked || error != -EOPNOTSUPP))
		return cli_fail(&command_run, cli_status_of(error), "%s", err.text);
	if (error)
		cli_note(&command_run, "enforcement will end with this process, whatever ends it: %s", err.text);
	if (sensor_unread_verdicts(d->sensor))
		cli_note(&command_run,
		         "%" PRIu64 " verdicts of what was pinned before are lost: they are of a version that this one "
		         "cannot read",
		         sensor_unread_verdicts(d->sensor));
	return CLI_OK;
}

static enum cli_status begin(struct daemon *d, const struct arguments *a)
{
	struct error err = {0};
	int error = live_begin(d->live, &err);
	if (error)
		return cli_fail(&command_run, cli_status_of(error), "%s", err.text);
	if (d->former)
		(void)sensor_forget_generation(d->sensor, d->former);
	enum cli_status status = a->pin_dir ? pin(d, a) : CLI_OK;
	if (status != CLI_OK)
		return status;
	const struct plan_counts counts = plan_count(live_plan(d->live), live_image(d->live));
	cli_note(&command_run, "ready: rules that enforce: %zu, that monitor: %zu, that only detect: %zu",
	         counts.enforced, counts.monitored, counts.detect_only);
	return CLI_OK;
}

static enum cli_status start(struct daemon *d, struct arguments *a)
{
	enum cli_status status = load(d, a->config);
	if (status == CLI_OK)
		status = open_sensor(d, a);
	if (status == CLI_OK)
		status = open_stream(d, a);
	if (status == CLI_OK)
		status = take_in(d, a->pin_dir);
	if (status == CLI_OK)
		status = begin(d, a);
	return status;
}

/* What is left in force is said after a look at it. */
static void tell_left(const char *pin_dir)
{
	uint32_t generation;
	const int in_force = sensor_is_in_force(pin_dir, &generation);
	const bool elsewhere = strcmp(pin_dir, PIN_DIR) != 0;
	const char *option = elsewhere ? " --pin-dir " : "", *place = elsewhere ? pin_dir : "";
	if (in_force > 0)
		cli_note(&command_run,
		         "generation %u stays in force, pinned at %s; 'tercel run --cleanup%s%s' ends it when no "
		         "daemon runs",
		         generation, pin_dir, option, place);
	else if (!in_force)
		cli_note(&command_run,
		         "what is pinned at %s is not whole, so that not all of it is in force; 'tercel run "
		         "--cleanup%s%s' takes it away",
		         pin_dir, option, place);
	else
		cli_note(&command_run, "what is pinned at %s was left, and whether it is in force cannot be seen: %s",
		         pin_dir, in_force == -EINVAL ? "it is of another version" : strerror(-in_force));
}

/* An ordered end takes enforcement away; any other leaves it to the next daemon. */
static enum cli_status end(struct daemon *d, const struct arguments *a, enum cli_status status)
{
	struct error err = {0};
	if (!d->pin_dir)
		return status;
	if (a->keep || status != CLI_OK) {
		tell_left(d->pin_dir);
		return status;
	}
	if (!sensor_unpin(d->sensor, &err))
		return CLI_OK;
	status = cli_fail(&command_run, CLI_SYSTEM, "%s", err.text);
	tell_left(d->pin_dir);
	return status;
}

static enum cli_status clean_up(const struct arguments *a)
{
	struct error err = {0};
	const char *place = a->pin_dir ? a->pin_dir : PIN_DIR;
	int removed = sensor_remove_pins(place, &err);
	if (removed < 0)
		return cli_fail(&command_run, cli_status_of(removed), "%s", err.text);
	if (removed)
		cli_note(&command_run, "nothing is in force any more: %d pinned objects were taken away", removed);
	else
		cli_note(&command_run, "nothing was in force at %s", place);
	return CLI_OK;
}

static void count_from(void *ctx, uint32_t generation, const char *const *names, size_t n)
{
	struct daemon *d = ctx;
	(void)names;
	(void)n;
	if (generation > d->former)
		d->former = generation;
}

/* Whether there are any. Generations go on from theirs, also where their policy is of a version that is not understood:
 * no two policies whose verdicts are told have one number. */
static bool look_at_pins(struct daemon *d, const char *pin_dir)
{
	const int in_force = sensor_is_in_force(pin_dir, &d->former);
	if (!d->former)
		kept_load(pin_dir, count_from, d);
	return in_force > 0 || in_force == -EINVAL || d->former;
}

static enum cli_status run(int argc, char **argv)
{
	struct arguments a = {.config = "/etc/tercel/tercel.yaml"};
	int parsed = parse(&a, argc, argv);
	if (parsed)
		return parsed > 0 ? CLI_OK : CLI_USAGE;

	_autodaemon_ struct daemon d = {.place = a.pin_dir,
	                                .started_s = (uint64_t)time(NULL),
	                                .recent = calloc(1, sizeof(*d.recent)),
	                                .cgroup = a.stream.cgroup};
	if (!d.recent)
		return cli_fail(&command_run, CLI_SYSTEM, "out of memory");
	enum cli_status status = open_control(&d, &a);
	if (status != CLI_OK || a.cleanup)
		return status == CLI_OK ? clean_up(&a) : status;
	const bool pinned = a.pin_dir && look_at_pins(&d, a.pin_dir);
	status = start(&d, &a);
	if (status == CLI_OK) {
		status = end(&d, &a, stream_run(d.stream));
		return status == CLI_OK && stream_is_broken(d.stream) ? CLI_SYSTEM : status;
	}
	if (pinned || d.pin_dir)
		tell_left(a.pin_dir);
	return status;
}

const struct command command_run = {
        .name = "run",
        .summary = "watches and decides by a policy, in the foreground",
        .help = run_help,
        .run = run,
};
