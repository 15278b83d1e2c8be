/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the exact evaluator takes for conditions on events: nanoseconds for each condition and event. bench_eval.py
 * gives it recorded events and Falco's stable rules, and measures libsinsp on the same.
 *
 *   bench_eval CONDITIONS EVENTS ROUNDS
 *
 * CONDITIONS has a name, a tab and a condition in each line (as tests/falco/flatten.c prints them), EVENTS is JSON
 * lines as `tercel eval` takes them. Prints {"events":M,"conditions":C,"evaluations":E,"matches":N,"ns":T}.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "filter/eval_input.h"

enum { CONDITIONS_MAX = 4096, EVENTS_MAX = 100000 };

/* What an event gives to one field. */
struct given {
	struct eval_item *items; /* owned, texts too */
	size_t n;
};

static char *copy_bytes(const char *bytes, size_t len)
{
	char *copy = calloc(1, len + 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	return copy;
}

/* The values that the reader gave to the event, to keep. */
static struct given *keep(const struct eval *e, const struct eval_event *ev)
{
	struct given *all = calloc(eval_fields(e) + 1, sizeof(*all));

	for (size_t i = 0; all && i < eval_fields(e); i++) {
		enum field_type type = eval_field(e, i)->type;
		const struct eval_item *items = eval_event_get(ev, i, &all[i].n);

		if (!items)
			continue;
		all[i].items = calloc(all[i].n + 1, sizeof(*items));
		if (!all[i].items)
			abort();
		for (size_t k = 0; k < all[i].n; k++) {
			all[i].items[k] = items[k];
			if (type == FIELD_TYPE_STRING || type == FIELD_TYPE_BYTES)
				all[i].items[k] = eval_text(copy_bytes(items[k].as.text.bytes, items[k].as.text.len),
				                            items[k].as.text.len);
		}
	}
	return all;
}

static size_t read_conditions(const char *path, struct filter **filters, const struct filter_node **roots)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0, n = 0;
	ssize_t len;

	while (f && n < CONDITIONS_MAX && (len = getline(&line, &cap, f)) > 0) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		const char *tab = memchr(line, '\t', (size_t)len);
		struct filter_text text = {.bytes = tab ? tab + 1 : line};

		text.len = (size_t)(line + len - text.bytes) - 1;
		if (filter_parse(&filters[n], &text, &diags)) {
			diag_print(&diags, stderr);
			break;
		}
		roots[n] = filter_root(filters[n]);
		n++;
	}
	free(line);
	if (f)
		(void)fclose(f);
	return n;
}

static size_t read_events(const char *path, const struct eval *e, struct eval_event *ev, struct given **events)
{
	_autoinput_ struct eval_input *in = NULL;
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0, n = 0, offset;
	ssize_t len;

	if (eval_input_new(&in, e, NULL, NULL))
		abort();
	while (f && n < EVENTS_MAX && (len = getline(&line, &cap, f)) > 0) {
		struct error err = {0};

		if (eval_input_read(in, ev, line, (size_t)len, &offset, &err)) {
			(void)fprintf(stderr, "%s:%zu:%zu: %s\n", path, n + 1, offset + 1, err.text);
			break;
		}
		events[n++] = keep(e, ev);
	}
	free(line);
	if (f)
		(void)fclose(f);
	return n;
}

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	struct filter **filters = calloc(CONDITIONS_MAX, sizeof(struct filter *));
	const struct filter_node **roots = calloc(CONDITIONS_MAX, sizeof(struct filter_node *));
	struct given **events = calloc(EVENTS_MAX, sizeof(struct given *));
	struct eval *e = NULL;
	struct eval_event *ev = NULL;
	uint64_t matches = 0, begin;

	if (argc != 4 || !filters || !roots || !events)
		return 2;
	size_t rounds = strtoul(argv[3], NULL, 10), nconditions = read_conditions(argv[1], filters, roots);

	if (eval_compile(&e, roots, nconditions, NULL) || eval_event_new(&ev, e))
		return 1;
	size_t nevents = read_events(argv[2], e, ev, events), nfields = eval_fields(e);

	begin = now();
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < nevents; i++) {
			eval_event_clear(ev);
			for (size_t k = 0; k < nfields; k++)
				if (events[i][k].items)
					eval_event_set(ev, k, events[i][k].items, events[i][k].n);
			for (size_t c = 0; c < nconditions; c++)
				matches += eval_run(e, ev, c);
		}
	}
	(void)printf("{\"events\":%zu,\"conditions\":%zu,\"evaluations\":%zu,\"matches\":%" PRIu64 ",\"ns\":%" PRIu64
	             "}\n",
	             nevents, nconditions, nevents * nconditions * rounds, matches, now() - begin);
	return nconditions && nevents ? 0 : 1;
}
