// SPDX-License-Identifier: Apache-2.0
/*
 * The direct functions: memmem, memcmp, strncasecmp, fnmatch, path_set_matches and regex_matches.
 */
#include "automaton_oracle.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bpf/match.h"
#include "filter/paths.h"

bool oracle_init(struct oracle *o, const struct pattern *p)
{
	struct regex_error err;

	*o = (struct oracle){.pattern = p};
	o->glob = strndup(p->bytes, p->len);
	if (!o->glob)
		abort();
	if (p->kind == PATTERN_PMATCH && (path_set_new(&o->paths) || path_set_add(o->paths, p->bytes, p->len)))
		abort();
	if (p->kind != PATTERN_REGEX)
		return true;
	if (regex_scratch_new(&o->scratch))
		abort();
	if (regex_compile(&o->regex, p->bytes, p->len, &err))
		return false;
	if (regex_scratch_fit(o->scratch, o->regex))
		abort();
	return true;
}

void oracle_free(struct oracle *o)
{
	free(o->glob);
	path_set_free(o->paths);
	regex_free(o->regex);
	regex_scratch_free(o->scratch);
}

static bool same_bytes(const char *a, const char *b, size_t len, bool fold)
{
	return fold ? strncasecmp(a, b, len) == 0 : len == 0 || memcmp(a, b, len) == 0;
}

static bool text_matches(const struct pattern *p, const char *text, size_t len)
{
	bool fold = p->flags & PATTERN_FOLD, found = false;

	/* strncasecmp() would end at it. */
	if (p->len > len || (p->len && memchr(p->bytes, 0, p->len)))
		return false;
	if (p->flags & PATTERN_BEGIN && p->flags & (PATTERN_END | PATTERN_END_DIR) && p->len != len)
		return false;
	if (p->flags & PATTERN_BEGIN)
		return same_bytes(text, p->bytes, p->len, fold);
	if (p->flags & (PATTERN_END | PATTERN_END_DIR))
		return same_bytes(text + len - p->len, p->bytes, p->len, fold);
	for (size_t at = 0; !found && at + p->len <= len; at++)
		found = same_bytes(text + at, p->bytes, p->len, fold);
	return found;
}

static bool glob_matches(const struct oracle *o, const char *text, size_t len)
{
	char *copy = strndup(text, len);
	bool matches = copy && fnmatch(o->glob, copy, o->pattern->flags & PATTERN_FOLD ? FNM_CASEFOLD : 0) == 0;

	free(copy);
	return matches;
}

bool oracle_says(const struct oracle *o, const char *text, size_t len, size_t dir)
{
	switch (o->pattern->kind) {
	case PATTERN_GLOB:
		return glob_matches(o, text, len);
	case PATTERN_PMATCH:
		return path_set_matches(o->paths, text, len);
	case PATTERN_REGEX:
		return regex_matches(o->regex, o->scratch, text, len);
	default:
		if (!(o->pattern->flags & PATTERN_END_DIR))
			return text_matches(o->pattern, text, len);
		return dir != NO_DIRECTORY && text_matches(o->pattern, text, dir);
	}
}

/* ---- the walk --------------------------------------------------------------------------------------------- */

static uint32_t next_of(const struct automaton *a, uint32_t state, uint32_t class)
{
	const struct automaton_row *row = &a->rows[state + class];

	return row->check == state ? row->next : a->root[class];
}

static uint32_t arrive(const struct automaton *a, uint32_t next, bool *seen)
{
	uint32_t state = next & ~MATCH_STATE_REPORTS;

	if (next & MATCH_STATE_REPORTS) {
		uint32_t report = a->rows[state + MATCH_CLASS_REPORT].next;

		for (uint32_t i = a->first[report]; i < a->first[report + 1]; i++)
			seen[a->ids[i]] = true;
	}
	return state;
}

static void walk(const struct automaton *a, const char *text, size_t len, size_t dir, bool *seen)
{
	uint32_t state = arrive(a, a->start, seen);

	for (size_t i = 0;; i++) {
		if (i == dir)
			(void)arrive(a, next_of(a, state, MATCH_CLASS_END_DIR), seen);
		if (i == len)
			break;
		state = arrive(a, next_of(a, state, a->classes[(uint8_t)text[i]]), seen);
	}
	(void)arrive(a, next_of(a, state, MATCH_CLASS_END), seen);
}

void walk_automata(const struct automata *a, const char *text, size_t len, size_t dir, bool *seen)
{
	for (size_t i = 0; i < a->n; i++)
		walk(&a->items[i], text, len, dir, seen);
}

static const char *reports_fault(const struct automaton *a)
{
	for (uint32_t r = 0; r < a->nreports; r++) {
		if (a->first[r] >= a->first[r + 1])
			return "an empty report";
		for (uint32_t i = a->first[r] + 1; i < a->first[r + 1]; i++)
			if (a->ids[i - 1] >= a->ids[i])
				return "a report out of order";
	}
	return NULL;
}

static const char *target_fault(const struct automaton *a, uint32_t next)
{
	uint32_t state = next & ~MATCH_STATE_REPORTS;
	const struct automaton_row *report;

	if (!state || state + a->nclasses > a->nrows)
		return "a state out of range";
	report = &a->rows[state + MATCH_CLASS_REPORT];
	if ((report->check == state) != ((next & MATCH_STATE_REPORTS) != 0))
		return "a state that does not say whether it reports";
	if (report->check == state && report->next >= a->nreports)
		return "a report out of range";
	return NULL;
}

static const char *states_fault(const struct automaton *a, bool *known, uint32_t *queue)
{
	uint32_t tail = 0;
	const char *fault = target_fault(a, a->start);

	if (!fault)
		known[queue[tail++] = a->start & ~MATCH_STATE_REPORTS] = true;
	for (uint32_t head = 0; !fault && head < tail; head++)
		for (uint32_t class = MATCH_CLASS_OTHER; !fault && class < a->nclasses; class += 1) {
			uint32_t next = next_of(a, queue[head], class), state = next & ~MATCH_STATE_REPORTS;

			fault = target_fault(a, next);
			if (!fault && !known[state]) {
				if (tail == a->nstates)
					return "more states than it says";
				known[queue[tail++] = state] = true;
			}
		}
	return fault;
}

const char *automaton_fault(const struct automaton *a)
{
	bool *known = calloc(a->nrows, sizeof(*known));
	uint32_t *queue = calloc(a->nstates + 1, sizeof(*queue));
	const char *fault = reports_fault(a);

	if (!known || !queue)
		abort();
	for (size_t byte = 0; !fault && byte < 256; byte++)
		if (a->classes[byte] >= a->nclasses ||
		    (a->classes[byte] < MATCH_CLASS_FIRST && a->classes[byte] != MATCH_CLASS_OTHER))
			fault = "a class out of range";
	if (!fault)
		fault = states_fault(a, known, queue);
	free(known);
	free(queue);
	return fault;
}
