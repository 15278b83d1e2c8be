/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `tercel`: picks the command. Knows the commands' names and nothing of what they do.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/suggest.h"
#include "cli/cli.h"

static const struct command *const commands[] = {&command_check,   &command_eval,  &command_events, &command_explain,
                                                 &command_probe,   &command_run,   &command_policy, &command_status,
                                                 &command_metrics, &command_verify};

/* Of the designed command line, but not there yet: named, so that the answer is not "unknown". */
static const char *const later[] = {"replay"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void add_usage(struct buf *b)
{
	buf_adds(b, "Detects with Falco's rules, blocks with eBPF.\n\n"
	            "usage: tercel COMMAND [options]\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		buf_addf(b, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	buf_adds(b, "  help     this text, or with a command's name that command's\n\n"
	            "'tercel COMMAND --help' tells the options. Results go to stdout, messages to stderr.\n"
	            "Exit status: 0 as asked; 1 a negative answer; 2 usage or configuration; 3 this system cannot.\n");
}

static enum cli_status unknown(const char *name)
{
	for (size_t i = 0; i < COUNT(later); i++)
		if (!strcmp(later[i], name))
			return cli_fail(NULL, CLI_USAGE, "'%s' is not in this version; 'tercel help' lists what is",
			                name);
	struct suggestion s = suggestion_for(name, strlen(name));
	for (size_t i = 0; i < COUNT(commands); i++)
		suggestion_offer(&s, commands[i]->name);
	return cli_fail(NULL, CLI_USAGE, "no command '%s'%s%s%s; 'tercel help' lists them", name,
	                s.best ? ", did you mean '" : "", s.best ? s.best : "", s.best ? "'" : "");
}

static enum cli_status help(const char *name)
{
	const struct command *c = name ? find(name) : NULL;
	if (name && !c)
		return unknown(name);
	_autobuf_ struct buf text = BUF_INIT;
	if (c)
		buf_adds(&text, c->help);
	else
		add_usage(&text);
	return cli_print(NULL, &text, CLI_OK);
}

static enum cli_status version(void)
{
	_autobuf_ struct buf text = BUF_INIT;
	buf_adds(&text, "tercel " TERCEL_VERSION "\n");
	return cli_print(NULL, &text, CLI_OK);
}

/* Else the next file or map that is opened would be standard output, and be written to. False: it cannot be done. */
static bool fill_standard_files(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd >= 0 && !close(fd);
}

int main(int argc, char **argv)
{
	if (!fill_standard_files())
		return CLI_SYSTEM;
	/* A reader that went away shows as a write error, so that the exit status is ours. */
	(void)signal(SIGPIPE, SIG_IGN);
	const char *name = argc > 1 ? argv[1] : NULL;
	if (!name) {
		_autobuf_ struct buf text = BUF_INIT;
		add_usage(&text);
		(void)fputs(buf_str(&text), stderr);
		return CLI_USAGE;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		return (int)version();
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
		return (int)help(name[0] == 'h' && argc > 2 ? argv[2] : NULL);
	const struct command *c = find(name);
	return (int)(c ? c->run(argc - 1, argv + 1) : unknown(name));
}
