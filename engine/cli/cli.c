/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/suggest.h"
#include "base/text.h"
#include "rules/rules.h"

/* Messages quote options, files and rules: nothing of them may steer the terminal. */
__attribute__((format(printf, 2, 0))) static void message(const struct command *c, const char *format, va_list args)
{
	_autobuf_ struct buf raw = BUF_INIT, line = BUF_INIT;
	buf_vaddf(&raw, format, args);
	buf_addf(&line, "tercel%s%s: ", c ? " " : "", c ? c->name : "");
	text_visible(&line, buf_str(&raw), raw.len);
	buf_addc(&line, '\n');
	if (buf_error(&raw) || buf_error(&line))
		(void)fputs("tercel: out of memory\n", stderr);
	else
		(void)fputs(buf_str(&line), stderr);
}

enum cli_status cli_fail(const struct command *c, enum cli_status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	message(c, format, args);
	va_end(args);
	return status;
}

void cli_note(const struct command *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	message(c, format, args);
	va_end(args);
}

enum cli_status cli_status_of(int error)
{
	return !error                                                                       ? CLI_OK
	       : error == -EINVAL || error == -ENOENT || error == -E2BIG || error == -EBUSY ? CLI_USAGE
	                                                                                    : CLI_SYSTEM;
}

int cli_option(const struct command *c, int argc, char **argv, const char *shorts, const struct option *longs)
{
	opterr = 0;
	int option = getopt_long(argc, argv, shorts, longs, NULL);
	if (option == 'h') {
		struct buf text = BUF_INIT;
		buf_adds(&text, c->help);
		enum cli_status status = cli_print(c, &text, CLI_OK);
		buf_free(&text);
		return status == CLI_OK ? CLI_OPTION_HELP : CLI_OPTION_BAD;
	}
	if (option != '?' && option != ':')
		return option;
	const char *what = option == ':' ? "needs a value" : "is not known, ambiguous, or used wrongly";
	(void)cli_fail(c, CLI_USAGE, "option '%s' %s; see 'tercel %s --help'", argv[optind - 1], what, c->name);
	return CLI_OPTION_BAD;
}

int cli_parse_format(const struct command *c, const char *text, enum event_format *out)
{
	if (!strcmp(text, "text"))
		*out = EVENT_TEXT;
	else if (!strcmp(text, "json"))
		*out = EVENT_JSON;
	else {
		(void)cli_fail(c, CLI_USAGE, "-o %s: the formats are 'text' and 'json'", text);
		return -EINVAL;
	}
	return 0;
}

int cli_parse_seconds(const struct command *c, const char *option, const char *text, uint64_t *out_ns)
{
	const double most = 1e9; /* three decades: far from the range of nanoseconds in 64 bits */
	char *end = NULL;
	double seconds = strtod(text, &end);
	if (end == text || *end || !(seconds > 0) || seconds > most) {
		(void)cli_fail(c, CLI_USAGE, "%s %s: not a time in seconds, like 10 or 0.5", option, text);
		return -EINVAL;
	}
	*out_ns = (uint64_t)(seconds * 1e9);
	return 0;
}

int cli_parse_count(const struct command *c, const char *option, const char *text, uint64_t *out)
{
	char *end = NULL;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || !value) {
		(void)cli_fail(c, CLI_USAGE, "%s %s: not a whole number greater than 0", option, text);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

int cli_take_files(const struct command *c, struct file_list *out, int argc, char **argv)
{
	struct error err = {0};
	if (optind == argc)
		(void)cli_fail(c, CLI_USAGE, "which rule files? see 'tercel %s --help'", c->name);
	else if (file_list_add(out, (const char *const *)argv + optind, (size_t)(argc - optind), &err))
		(void)cli_fail(c, CLI_USAGE, "%s", err.text);
	else if (!out->count)
		(void)cli_fail(c, CLI_USAGE, "%s: no file in it ends in .yaml or .yml", argv[optind]);
	else
		return 0;
	return -EINVAL;
}

enum cli_status cli_status_of_rules(const struct diag_list *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		if (diags->items[i].severity == DIAG_ERROR && !strcmp(diags->items[i].code, "file"))
			return CLI_USAGE;
	return diags->out_of_memory ? CLI_SYSTEM : CLI_NO;
}

void cli_add_near_rule(struct buf *out, const struct rules *rules, const char *name)
{
	struct suggestion s = suggestion_for(name, strlen(name));
	for (size_t i = 0; i < rules_count(rules); i++)
		suggestion_offer(&s, rules_at(rules, i)->name);
	if (s.best)
		buf_addf(out, ", did you mean '%s'?", s.best);
}

int cli_write(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

enum cli_status cli_print(const struct command *c, const struct buf *result, enum cli_status status)
{
	int error = buf_error(result);
	if (!error)
		error = cli_write(STDOUT_FILENO, buf_str(result), result->len);
	/* A reader that has seen enough (`| head`) is no failure, and the answer stays what it was. */
	if (error && error != -EPIPE)
		return cli_fail(c, CLI_SYSTEM, "cannot write the result: %s", strerror(-error));
	return status;
}

enum event_colour cli_colour(void)
{
	const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");
	bool dumb = !term || !strcmp(term, "dumb");
	return isatty(STDOUT_FILENO) && !dumb && !(refused && *refused) ? EVENT_COLOUR : EVENT_PLAIN;
}
