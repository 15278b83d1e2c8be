/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loading rules costs: milliseconds of processor time and memory for 1,000 to 10,000 generated rules in one file,
 * the same in a hundred files, and the upstream rule files. The promises: below a second and 256 MB, and linear.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "rules/rules.h"

enum { ROUNDS = 3, FILES = 100, GROUP = 10, NAME = 64 };
/* The promises, for the largest set. */
enum { MILLISECONDS_MAX = 1000, MEGABYTES_MAX = 256 };
/* A rule of the largest set may cost so much more than one of the smallest: caches are finite. Quadratic were 10. */
#define RATIO_MAX 3.0

/* As long as upstream's, with a list and a macro for each ten. */
static void add_rule(struct buf *b, size_t i)
{
	size_t g = i / GROUP;

	if (i % GROUP == 0)
		buf_addf(b,
		         "- list: programs_%zu\n  items: [program%zua, program%zub, program%zuc, shells]\n"
		         "- macro: parent_%zu\n  condition: (proc.pname in (programs_%zu) or proc.cmdline contains "
		         "\"x%zu\")\n",
		         g, g, g, g, g, g, g);
	buf_addf(b,
	         "- rule: Generated rule %zu\n"
	         "  desc: >\n"
	         "    This rule was generated to measure how loading scales with the number of rules, and\n"
	         "    its description is about as long as those of upstream's rules are, which is three lines.\n"
	         "  condition: >\n"
	         "    spawned and proc.name in (tool%zu, shells, programs_%zu)\n"
	         "    and not parent_%zu and container.id != host\n"
	         "    and not (proc.cmdline startswith \"sh -c %zu\" or fd.name startswith /etc/%zu)\n"
	         "  output: Generated %zu | user=%%user.name command=%%proc.cmdline parent=%%proc.pname\n"
	         "  priority: WARNING\n"
	         "  tags: [generated, t%zu]\n"
	         "  exceptions:\n"
	         "    - name: parent\n"
	         "      fields: [proc.name, proc.pname]\n"
	         "      comps: [in, startswith]\n"
	         "      values:\n"
	         "        - [[a%zu, b%zu], c%zu]\n",
	         i, i, g, g, i, i, i, i % 7, i, i, i);
}

static void add_head(struct buf *b)
{
	buf_adds(b, "- list: shells\n  items: [ash, bash, csh, ksh, sh, tcsh, zsh, dash]\n"
	            "- macro: spawned\n  condition: (evt.type in (execve, execveat))\n");
}

/* What one loading took. */
struct cost {
	size_t rules;
	double milliseconds;
	double megabytes;
};

static double milliseconds(const struct timeval *t)
{
	return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

/* Loads in a process of its own, since the largest memory is a process's. */
static int measure_once(const char *const *paths, size_t n, struct cost *out)
{
	int ends[2];

	if (pipe(ends))
		return -errno;
	pid_t pid = fork();

	if (pid == 0) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		_autorules_ struct rules *r = NULL;
		struct cost cost = {0};
		struct rusage usage;
		int error = rules_load(&r, paths, n, &diags);

		(void)getrusage(RUSAGE_SELF, &usage);
		cost.milliseconds = milliseconds(&usage.ru_utime) + milliseconds(&usage.ru_stime);
		cost.megabytes = (double)usage.ru_maxrss / 1024;
		cost.rules = r ? rules_count(r) : 0;
		if (error)
			diag_print(&diags, stderr);
		bool sent = write(ends[1], &cost, sizeof(cost)) == (ssize_t)sizeof(cost);

		_exit(error || !sent);
	}
	int status = 1;
	bool got = pid > 0 && read(ends[0], out, sizeof(*out)) == (ssize_t)sizeof(*out);

	(void)close(ends[0]);
	(void)close(ends[1]);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	return got && status == 0 ? 0 : -EIO;
}

/* The best of some rounds: the machine may be busy. */
static int measure(const char *const *paths, size_t n, struct cost *out)
{
	*out = (struct cost){.milliseconds = 1e9};
	for (int i = 0; i < ROUNDS; i++) {
		struct cost cost = {0};
		int r = measure_once(paths, n, &cost);

		if (r)
			return r;
		if (cost.milliseconds < out->milliseconds)
			*out = cost;
	}
	return 0;
}

static int write_text(const char *path, const struct buf *text)
{
	_autofclose_ FILE *f = fopen(path, "we");

	return f && fwrite(buf_str(text), 1, text->len, f) == text->len && fflush(f) == 0 ? 0 : -EIO;
}

/* `rules` generated rules in `files` files of the directory. */
static int generate(const char *directory, size_t rules, size_t files, char (*names)[NAME])
{
	int r = 0;

	for (size_t f = 0, i = 0; f < files && !r; f++) {
		_autobuf_ struct buf text = BUF_INIT;

		if (f == 0)
			add_head(&text);
		for (; i < rules * (f + 1) / files; i++)
			add_rule(&text, i);
		(void)snprintf(names[f], NAME, "%s/%zu.yaml", directory, f);
		r = write_text(names[f], &text);
	}
	return r;
}

static int bench_generated(const char *directory, size_t rules, size_t files, struct cost *cost)
{
	char names[FILES][NAME];
	const char *paths[FILES];
	int r = generate(directory, rules, files, names);

	for (size_t f = 0; f < files; f++)
		paths[f] = names[f];
	if (!r)
		r = measure(paths, files, cost);
	for (size_t f = 0; f < files; f++)
		(void)unlink(names[f]);
	if (!r)
		printf("%6zu generated rules in %3zu file%s: %7.1f ms, %5.1f MB, %5.1f us a rule\n", cost->rules, files,
		       files > 1 ? "s" : " ", cost->milliseconds, cost->megabytes,
		       cost->milliseconds * 1e3 / (double)cost->rules);
	return r;
}

static int bench_upstream(void)
{
	static const char *const names[] = {"falco_rules.yaml", "falco-incubating_rules.yaml",
	                                    "falco-sandbox_rules.yaml"};
	const char *shared = getenv("TERCEL_SHARED"), *list[3];
	char paths[3][4096];
	struct cost cost;

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/rules/%s",
		               shared ? shared : TERCEL_SOURCE_DIR "/../shared", names[i]);
		list[i] = paths[i];
		if (access(paths[i], R_OK)) {
			printf("no upstream rules at %s\n", paths[i]);
			return 0;
		}
	}
	if (measure(list, 3, &cost))
		return -EIO;
	printf("%6zu upstream rules in   3 files: %7.1f ms, %5.1f MB\n", cost.rules, cost.milliseconds, cost.megabytes);
	return 0;
}

int main(void)
{
	static const size_t sizes[] = {1000, 2000, 5000, 10000};
	enum { SIZES = sizeof(sizes) / sizeof(*sizes) };
	char directory[] = "/tmp/tercel-bench-XXXXXX";
	struct cost costs[SIZES], split;
	int r = mkdtemp(directory) ? 0 : -errno;

	for (size_t i = 0; i < SIZES && !r; i++)
		r = bench_generated(directory, sizes[i], 1, &costs[i]);
	if (!r)
		r = bench_generated(directory, sizes[SIZES - 1], FILES, &split);
	(void)rmdir(directory);
	if (!r)
		r = bench_upstream();
	if (r)
		return 1;
	const struct cost *few = &costs[0], *many = &costs[SIZES - 1];
	double ratio = many->milliseconds / (double)many->rules / (few->milliseconds / (double)few->rules);

	printf("a rule of 10000 costs %.2f of one of 1000 (promised: below %.1f); 100 files cost %.2f of one\n", ratio,
	       RATIO_MAX, split.milliseconds / many->milliseconds);
	printf("10000 rules: %.0f of %d ms, %.0f of %d MB\n", many->milliseconds, MILLISECONDS_MAX, many->megabytes,
	       MEGABYTES_MAX);
	/* Time depends on the machine; the rest does not. */
	return ratio > RATIO_MAX || many->megabytes > (double)MEGABYTES_MAX;
}
