/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy in files, and a place where its images are put that a test can make refuse them.
 */
#ifndef TERCEL_TESTS_DAEMON_WORLD_H
#define TERCEL_TESTS_DAEMON_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/live.h"

#define SECOND 1000000000ULL

static char directory[] = "/tmp/tercel-daemon-XXXXXX";

/* What was put in force last, and what to answer the next time. */
struct world {
	struct live *live;
	uint32_t generation;
	size_t nrules, puts;
	int refuse;               /* 0 or -errno */
	const char *refused_file; /* the policy that is; NULL: each */
	char notes[4096];
	size_t nnotes;
};

static inline const char *in_directory(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *out = path[next++ % 4];

	(void)snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
	return out;
}

static inline void write_file(const char *name, const char *text)
{
	FILE *f = fopen(in_directory(name), "we");
	bool written = f && fputs(text, f) >= 0;

	assert_true(f && !fclose(f) && written);
}

static inline int put_in_force(void *ctx, const struct plan *plan, const struct image *image, uint32_t generation,
                               struct error *err)
{
	struct world *w = ctx;

	assert_non_null(plan->policy);
	w->puts++;
	if (w->refuse && (!w->refused_file || !strcmp(plan->file, w->refused_file)))
		return error_set(err, w->refuse, "it does not fit");
	w->generation = generation;
	w->nrules = image->nrules;
	return 0;
}

static inline void take_note(void *ctx, const char *text)
{
	struct world *w = ctx;

	w->nnotes++;
	(void)snprintf(w->notes, sizeof(w->notes), "%s", text);
}

#define RULE(name)                                                                   \
	"- rule: " name "\n"                                                         \
	"  desc: d\n"                                                                \
	"  condition: evt.type in (execve, execveat) and proc.name = \"" name "\"\n" \
	"  output: o\n"                                                              \
	"  priority: INFO\n"

#define POLICY "rules_files: [rules.yaml]\n"

static inline int make_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || !mkdtemp(directory))
		return -1;
	write_file("rules.yaml", RULE("a") RULE("b") RULE("c[x]*") RULE("cxy"));
	*state = w;
	return 0;
}

static inline void begin(struct world *w, const char *policy)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct error err = {0};
	char file[128];

	write_file("policy.yaml", policy);
	(void)snprintf(file, sizeof(file), "%s", in_directory("policy.yaml"));
	const struct live_config config = {.file = file,
	                                   .points = 1U << TERCEL_POINT_EXEC_COMMIT,
	                                   .generation = 1,
	                                   .put = put_in_force,
	                                   .note = take_note,
	                                   .ctx = w};
	live_free(w->live);
	*w = (struct world){0};
	assert_int_equal(live_new(&w->live, &config, &diags), 0);
	assert_int_equal(live_begin(w->live, &err), 0);
}

static inline int clean_world(void **state)
{
	struct world *w = *state;
	char command[160];

	live_free(w->live);
	free(w);
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* The rule of that name in force, or one without a name. */
static inline struct live_rule rule_of(const struct world *w, const char *name)
{
	for (size_t i = 0; i < live_image(w->live)->nrules; i++)
		if (!strcmp(live_rule(w->live, i).name, name))
			return live_rule(w->live, i);
	return (struct live_rule){.name = NULL};
}

#endif
