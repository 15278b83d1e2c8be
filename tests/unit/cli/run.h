/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the program `tercel` and keeps what it wrote, for tests of the command line.
 */
#ifndef TERCEL_TESTS_CLI_RUN_H
#define TERCEL_TESTS_CLI_RUN_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (8 << 20)

struct ran {
	int status; /* exit status; -1: ended by a signal */
	char *out, *err;
};

/* A directory of the test's own; set up once and removed by clean_directory(). */
static char directory[] = "/tmp/tercel-cli-XXXXXX";

static inline char *read_whole(const char *name)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *f = fopen(path, "re");
	char *text = calloc(1, OUTPUT_MAX + 1);
	if (!text)
		abort();
	if (f)
		text[fread(text, 1, OUTPUT_MAX, f)] = '\0';
	if (f)
		(void)fclose(f);
	return text;
}

static inline void ran_free(struct ran *r)
{
	free(r->out);
	free(r->err);
}
#define _autoran_ __attribute__((cleanup(ran_free)))

/* `format` is a shell command in which $T is the program and $D the test's directory; stdout and stderr are caught. */
__attribute__((format(printf, 1, 2))) static inline struct ran run(const char *format, ...)
{
	char command[4096];
	int n = snprintf(command, sizeof(command), "{ T='%s'; D='%s'; ", TERCEL_PROGRAM, directory);
	va_list args;
	va_start(args, format);
	n += vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
	va_end(args);
	(void)snprintf(command + n, sizeof(command) - (size_t)n, "\n} >%s/out 2>%s/err </dev/null", directory,
	               directory);
	int status = system(command);
	return (struct ran){.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	                    .out = read_whole("out"),
	                    .err = read_whole("err")};
}

static inline int lines(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static inline int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) && !chmod(directory, 0755) ? 0 : -1;
}

static inline int clean_directory(void **state)
{
	char command[128];
	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

#endif
