/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns as programs over sets of bytes. A text never holds a NUL, so that no set needs one.
 */
#include <stdlib.h>
#include <string.h>

#include "filter/regex.h"
#include "filter/regex_program.h"
#include "policy/automaton_internal.h"
#include "policy/mutation.h"

/* Of one pattern and of all: 48 bytes each. */
enum {
	STEPS_MAX = 1 << 16,
	ALL_STEPS_MAX = 1 << 19,
};

static const char too_large[] = "it is too large";

static const struct byte_set any_byte = {{~UINT64_C(1), UINT64_MAX, UINT64_MAX, UINT64_MAX}};
/* Of a path's component. */
static const struct byte_set inner_byte = {{~(UINT64_C(1) | UINT64_C(1) << '/'), UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static uint32_t next_step(const struct ways *w)
{
	return (uint32_t)w->nsteps;
}

static int add_step(struct ways *w, struct way_step step)
{
	if (automaton_reserve(&w->steps, &w->steps_size, w->nsteps + 1, sizeof(*w->steps)))
		return -ENOMEM;
	w->steps[w->nsteps++] = step;
	return 0;
}

static int add_byte(struct ways *w, const struct byte_set *set)
{
	return add_step(w, (struct way_step){.op = WAY_BYTE, .set = *set, .out = next_step(w) + 1});
}

/* Any number of bytes of the set. */
static int add_loop(struct ways *w, const struct byte_set *set, bool star, uint32_t since)
{
	uint32_t split = next_step(w);
	struct way_step fork = {.op = WAY_SPLIT, .out = split + 1, .other = split + 2};
	struct way_step byte = {.op = WAY_BYTE, .set = *set, .out = split, .other = since, .star = star};
	int r = add_step(w, fork);

	return r ? r : add_step(w, byte);
}

/* Closes the pattern whose steps begin at `first`, or takes them back. */
static int end_way(struct ways *w, size_t first, uint32_t start, uint32_t id, int error, const char **why)
{
	struct way way = {.first = (uint32_t)first, .n = (uint32_t)(w->nsteps - first), .start = start, .id = id};

	if (!error && (way.n > STEPS_MAX || w->nsteps > ALL_STEPS_MAX)) {
		*why = too_large;
		error = -EINVAL;
	}
	if (!error)
		error = automaton_reserve(&w->items, &w->size, w->n + 1, sizeof(*w->items));
	if (error)
		w->nsteps = first;
	else
		w->items[w->n++] = way;
	return error;
}

int ways_add_glob(struct ways *w, const struct glob *g, uint32_t id, const char **why)
{
	size_t first = w->nsteps;
	bool open = g->n && g->items[g->n - 1].star;
	int r = 0;

	for (size_t i = 0; !r && i < g->n - open; i++) {
		if (g->items[i].star)
			r = add_loop(w, MUTATED(STAR_STOPS_AT_SLASH) ? &inner_byte : &any_byte, true, (uint32_t)first);
		else
			r = add_byte(w, &g->items[i].set);
	}
	if (!r)
		r = add_step(w, (struct way_step){.op = open ? WAY_DONE : WAY_MATCH, .out = id});
	return end_way(w, first, (uint32_t)first, id, r, why);
}

/* ---- pmatch ----------------------------------------------------------------------------------------------- */

static const struct byte_set slash = {{UINT64_C(1) << '/', 0, 0, 0}};

/* The next component that is not empty, 0 at the end. */
static size_t take_component(const char **at, const char *end, const char **name)
{
	while (*at < end && **at == '/')
		(*at)++;
	*name = *at;
	while (*at < end && **at != '/')
		(*at)++;
	return (size_t)(*at - *name);
}

bool pmatch_is_empty(const struct pattern *p)
{
	const char *at = p->bytes, *name;

	return take_component(&at, p->bytes + p->len, &name) == 0;
}

static int add_plain_component(struct ways *w, const char *name, size_t len)
{
	int r = 0;

	for (size_t i = 0; !r && i < len; i++) {
		struct byte_set set = {0};

		if (name[i])
			byte_set_add(&set, (uint8_t)name[i]);
		r = add_byte(w, &set);
	}
	return r;
}

static int add_glob_component(struct ways *w, const char *name, size_t len, const char **why)
{
	_autoglob_ struct glob g = {0};
	uint32_t first = next_step(w);
	int r = glob_parse(&g, name, len, false, why);

	/* Components are never empty: a star alone takes a byte, and nothing but a NUL leaves no item. */
	if (!r && g.n == 0)
		r = add_step(w, (struct way_step){.op = WAY_FAIL});
	if (!r && g.n == 1 && g.items[0].star)
		r = add_byte(w, &inner_byte);
	for (size_t i = 0; !r && i < g.n; i++) {
		if (g.items[i].star) {
			r = add_loop(w, &inner_byte, true, first);
			continue;
		}
		byte_set_remove(&g.items[i].set, '/');
		r = add_byte(w, &g.items[i].set);
	}
	return r;
}

static int add_component(struct ways *w, const char *name, size_t len, const char **why)
{
	if (memchr(name, '*', len) || memchr(name, '?', len) || memchr(name, '[', len))
		return add_glob_component(w, name, len, why);
	return add_plain_component(w, name, len);
}

/* Behind the last component, the path ends or goes on; it does not matter how. */
static int add_path_end(struct ways *w, uint32_t id)
{
	uint32_t at = next_step(w);
	const struct way_step steps[] = {
	        {.op = WAY_SPLIT, .out = at + 1, .other = at + 2},
	        {.op = WAY_MATCH, .out = id},
	        {.op = WAY_BYTE, .set = slash, .out = at + 3},
	        {.op = WAY_DONE, .out = id},
	};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(steps) / sizeof(*steps); i++)
		r = add_step(w, steps[i]);
	return r;
}

int ways_add_pmatch(struct ways *w, const struct pattern *p, const char **why)
{
	const char *at = p->bytes, *end = p->bytes + p->len, *name;
	size_t first = w->nsteps, len;
	int r = 0;

	while (!r && (len = take_component(&at, end, &name)) > 0) {
		if (w->nsteps > first)
			r = add_byte(w, &slash);
		if (!r)
			r = add_loop(w, &slash, false, 0);
		if (!r)
			r = add_component(w, name, len, why);
	}
	if (!r)
		r = add_path_end(w, p->id);
	return end_way(w, first, (uint32_t)first, p->id, r, why);
}

/* ---- regex ------------------------------------------------------------------------------------------------ */

static struct byte_set bytes_of(const struct regex_instruction *in)
{
	struct byte_set set = {0};

	for (unsigned int byte = 1; byte < 256; byte++) {
		uint8_t taken = in->fold ? fold_byte((uint8_t)byte) : (uint8_t)byte;

		if (in->lo <= taken && taken <= in->hi)
			byte_set_add(&set, byte);
	}
	return set;
}

static struct way_step step_of(const struct regex_instruction *in, uint32_t first, uint32_t id)
{
	static const uint8_t ops[] = {
	        [REGEX_OP_FAIL] = WAY_FAIL,         [REGEX_OP_SPLIT] = WAY_SPLIT,
	        [REGEX_OP_BYTE] = WAY_BYTE,         [REGEX_OP_LINE_BEGIN] = WAY_LINE_BEGIN,
	        [REGEX_OP_LINE_END] = WAY_LINE_END, [REGEX_OP_PASS] = WAY_JUMP,
	        [REGEX_OP_MATCH] = WAY_MATCH,
	};
	struct way_step step = {.op = ops[in->op], .out = first + in->out, .other = first + in->other};

	if (in->op == REGEX_OP_BYTE)
		step.set = bytes_of(in);
	if (in->op == REGEX_OP_MATCH)
		step.out = id;
	return step;
}

int ways_add_regex(struct ways *w, const struct pattern *p, const char **why)
{
	_autoregex_ struct regex *regex = NULL;
	struct regex_error unused;
	size_t first = w->nsteps;
	int r = regex_compile(&regex, p->bytes, p->len, &unused);

	if (r) {
		*why = "it is no regular expression";
		return r;
	}
	const struct regex_program *program = regex_program_of(regex);

	if (program->size > STEPS_MAX) {
		*why = too_large;
		return -EINVAL;
	}
	for (uint32_t i = 0; !r && i < program->size; i++)
		r = add_step(w, step_of(&program->code[i], (uint32_t)first, p->id));
	return end_way(w, first, (uint32_t)first + program->start, p->id, r, why);
}

void ways_free(struct ways *w)
{
	free(w->steps);
	free(w->items);
	*w = (struct ways){0};
}
