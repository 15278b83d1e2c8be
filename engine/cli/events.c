/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel events`: follows what happens on this machine with a sensor of its own, or reads a recording.
 */
#include <errno.h>
#include <string.h>

#include "cli/stream.h"

static const char events_help[] =
        "Follows process starts and ends, opened files and connections, each with its process and lineage.\n"
        "\n"
        "usage: tercel events [options]\n"
        "\n"
        "  -o, --output FORMAT  text (default): one line for each event: time container-or-host pid lineage → what;\n"
        "                       json: one JSON object for each line, in Tetragon's export schema\n"
        "      --reads          also files that were opened for reading alone; without it, those opened for writing\n"
        "                       and those that could not be opened\n"
        "      --pid PID        only this process and its descendants\n"
        "      --cgroup DIR     only processes in this directory of the cgroup v2 hierarchy and below\n"
        "      --duration S     ends after so many seconds\n"
        "      --max-events N   ends after so many events\n"
        "      --record FILE    also keeps everything in a recording\n"
        "      --read FILE      reads a recording instead of watching this machine\n"
        "  -h, --help           this text\n"
        "\n"
        "Without an end it runs until SIGINT or SIGTERM. At the end, stderr tells how many records the kernel made,\n"
        "delivered, filtered and dropped.\n";

enum {
	OPTION_READS = 0x100,
	OPTION_PID,
	OPTION_CGROUP,
	OPTION_DURATION,
	OPTION_MAX_EVENTS,
	OPTION_RECORD,
	OPTION_READ,
};

static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"reads", no_argument, NULL, OPTION_READS},
        {"pid", required_argument, NULL, OPTION_PID},
        {"cgroup", required_argument, NULL, OPTION_CGROUP},
        {"duration", required_argument, NULL, OPTION_DURATION},
        {"max-events", required_argument, NULL, OPTION_MAX_EVENTS},
        {"record", required_argument, NULL, OPTION_RECORD},
        {"read", required_argument, NULL, OPTION_READ},
        {"help", no_argument, NULL, 'h'},
        {0},
};

struct arguments {
	struct stream_config stream;
	bool reads;
	const char *read;
};

static int take_pid(uint32_t *out)
{
	uint64_t pid = 0;
	int error = cli_parse_count(&command_events, "--pid", optarg, &pid);
	if (!error && pid > INT32_MAX) {
		(void)cli_fail(&command_events, CLI_USAGE, "--pid %s: no process has such an id", optarg);
		error = -EINVAL;
	}
	if (!error)
		*out = (uint32_t)pid;
	return error;
}

/* Returns 0, -EINVAL (said), or 1 after --help. */
static int parse(struct arguments *a, int argc, char **argv)
{
	const struct command *c = &command_events;
	int error = 0;
	for (int option = 0; !error && (option = cli_option(c, argc, argv, ":o:h", options)) != -1;) {
		switch (option) {
		case 'o':
			error = cli_parse_format(c, optarg, &a->stream.format);
			break;
		case OPTION_READS:
			a->reads = true;
			break;
		case OPTION_PID:
			error = take_pid(&a->stream.pid);
			break;
		case OPTION_CGROUP:
			a->stream.cgroup = optarg;
			break;
		case OPTION_DURATION:
			error = cli_parse_seconds(c, "--duration", optarg, &a->stream.duration_ns);
			break;
		case OPTION_MAX_EVENTS:
			error = cli_parse_count(c, "--max-events", optarg, &a->stream.max_events);
			break;
		case OPTION_RECORD:
			a->stream.record = optarg;
			break;
		case OPTION_READ:
			a->read = optarg;
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
	if (!error && a->read && a->stream.record) {
		(void)cli_fail(c, CLI_USAGE, "--read and --record cannot be used together");
		error = -EINVAL;
	}
	return error;
}

static enum cli_status open_source(struct arguments *a, struct sensor **sensor, struct recording_reader **recording)
{
	struct error err = {0};
	int error = 0;
	if (a->read) {
		error = recording_open(recording, a->read, &err);
	} else {
		const struct sensor_config config = {
		        .records = 1U << TERCEL_EXEC | 1U << TERCEL_FORK | 1U << TERCEL_EXIT | 1U << TERCEL_OPEN |
		                   1U << TERCEL_CONNECT | 1U << TERCEL_CHDIR | 1U << TERCEL_SEED | 1U << TERCEL_CGROUP,
		        .open_reads = a->reads,
		};
		error = sensor_open(sensor, &config, &err);
		if (!error)
			error = sensor_seed(*sensor, &err);
	}
	if (error)
		return cli_fail(&command_events, a->read ? CLI_USAGE : cli_status_of(error), "%s", err.text);
	a->stream.sensor = *sensor;
	a->stream.recording = *recording;
	return CLI_OK;
}

static enum cli_status run(int argc, char **argv)
{
	struct arguments a = {.stream = {.to_stdout = true}};
	int parsed = parse(&a, argc, argv);
	if (parsed)
		return parsed > 0 ? CLI_OK : CLI_USAGE;

	_autosensor_ struct sensor *sensor = NULL;
	_autorecording_ struct recording_reader *recording = NULL;
	_autostream_ struct stream *stream = NULL;
	enum cli_status status = open_source(&a, &sensor, &recording);
	if (status == CLI_OK)
		status = stream_open(&stream, &command_events, &a.stream);
	if (status != CLI_OK)
		return status;
	if (sensor)
		cli_note(&command_events, "ready");
	return stream_run(stream);
}

const struct command command_events = {
        .name = "events",
        .summary = "follows process, file and network events",
        .help = events_help,
        .run = run,
};
