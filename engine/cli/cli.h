/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands share: the table of commands, exit statuses, options and messages. Results go to stdout, messages
 * to stderr. Inner header of engine/cli.
 */
#ifndef TERCEL_CLI_CLI_H
#define TERCEL_CLI_CLI_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "events/event.h"
#include "rules/files.h"

/* Exit statuses; part of the contract with users. */
enum cli_status {
	CLI_OK = 0,
	CLI_NO = 1,     /* a negative answer: invalid rules, a requirement not met */
	CLI_USAGE = 2,  /* usage or configuration */
	CLI_SYSTEM = 3, /* this system cannot: permission, kernel feature, output that cannot be written */
};

struct command {
	const char *name;
	const char *summary;                           /* for `tercel help` */
	const char *help;                              /* for `tercel NAME --help`, whole */
	enum cli_status (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct command command_check, command_eval, command_events, command_explain, command_metrics,
        command_verify, command_policy, command_probe, command_run, command_status;

/* "tercel COMMAND: message\n" on stderr, fit for a terminal whatever it quotes; returns `status`, so that a caller can
 * write: return cli_fail(…). */
enum cli_status cli_fail(const struct command *c, enum cli_status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* A line on stderr that is no error. */
void cli_note(const struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit status that a failure (-errno) of the engine amounts to. */
enum cli_status cli_status_of(int error);

/*
 * The next option, like getopt_long() (to be used with the same `longs`, in a loop until -1), but handles --help, and
 * says what is wrong with an option in words. Returns CLI_OPTION_HELP or CLI_OPTION_BAD if the command shall end: with
 * CLI_OK or CLI_USAGE.
 */
enum { CLI_OPTION_HELP = 0x1000, CLI_OPTION_BAD = 0x1001 };
int cli_option(const struct command *c, int argc, char **argv, const char *shorts, const struct option *longs);

/* Values of options; 0, or -EINVAL after saying what is wrong and what would be right. */
int cli_parse_format(const struct command *c, const char *text, enum event_format *out);
int cli_parse_seconds(const struct command *c, const char *option, const char *text, uint64_t *out_ns);
int cli_parse_count(const struct command *c, const char *option, const char *text, uint64_t *out);

/*
 * The operands from `optind` on as rule files: at least one, directories as their files. 0, or -EINVAL after saying
 * what is wrong. `out` is the caller's to free in any case.
 */
int cli_take_files(const struct command *c, struct file_list *out, int argc, char **argv);

/* The exit status of rules that were refused: whether they are wrong, or could not even be read. */
enum cli_status cli_status_of_rules(const struct diag_list *diags);

/* Adds ", did you mean 'NAME'?" with the rule whose name is nearest to one that is not there, if one is near. */
struct rules;
void cli_add_near_rule(struct buf *out, const struct rules *rules, const char *name);

/* Writes all of it. 0 or -errno. */
int cli_write(int fd, const char *data, size_t len);

/* Writes a command's result to stdout; says so if it could not, unless its reader went away. `status` or CLI_SYSTEM.
 */
enum cli_status cli_print(const struct command *c, const struct buf *result, enum cli_status status);

/* Colour if stdout is a terminal and the user does not refuse it ($NO_COLOR, a dumb terminal). */
enum event_colour cli_colour(void);

/*
 * Tries what this kernel offers, as `tercel probe` does: 0 with one error (0: works) and its reason for each decision
 * point, or -errno with `err` set if not even the sensor works. Loads programs, so it takes root and a second.
 */
struct cli_point {
	int error;
	struct error reason;
};
int cli_probe_points(struct cli_point points[TERCEL_POINTS], struct error *err);

/* Prints the field catalogue, or the decision points and what each knows of the fields. CLI_OK or CLI_SYSTEM. */
enum cli_status cli_list_fields(const struct command *c, enum event_format format);
enum cli_status cli_list_points(const struct command *c, enum event_format format);

/* A line on stderr that names the points at which the report's rules (`rule`: this one, NULL: all) would be blocked,
 * but for which this version has no kernel program; nothing if there is none. */
struct report;
void cli_note_unavailable(const struct command *c, const struct report *report, const char *rule);

#endif
