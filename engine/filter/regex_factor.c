/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alternatives with a common beginning are put behind it, and neighbouring single characters become a class, as RE2
 * does. That decides the size of its program, and in one case what matches: a letter in both cases, [Kk], that becomes
 * part of a class in this way, brings its other Unicode cases along. Knows no syntax.
 */
#include "filter/regex_tree.h"

#include <errno.h>
#include <stdlib.h>

/* A run of alternatives with a common beginning. */
struct run {
	size_t start, n;
	size_t rest; /* how many alternatives are left of it behind the beginning */
	struct regex_node *prefix;
};

/* The three rounds that each list of alternatives goes through; the rest of a run does so before the run's own next
 * round. */
enum round { NOT_BEGUN = 0, LITERALS, PARTS, CHARACTERS, DONE };

struct level {
	struct regex_node **list;
	size_t n;
	enum round round;
	size_t first_run; /* in `runs`, up to the next level's */
	size_t next_run;  /* to go into */
};

struct factoring {
	struct arena *arena;
	enum regex_release release;
	struct level *levels;
	size_t nlevels, levels_size;
	struct run *runs;
	size_t nruns, runs_size;
};

static void factoring_free(struct factoring *f)
{
	free(f->levels);
	free(f->runs);
}

static int add_run(struct factoring *f, size_t start, size_t end, struct regex_node *prefix)
{
	void *runs = f->runs;
	int r = prefix ? regex_reserve(&runs, &f->runs_size, f->nruns + 1, sizeof(*f->runs)) : -ENOMEM;

	f->runs = runs;
	if (!r)
		f->runs[f->nruns++] = (struct run){.start = start, .n = end - start, .prefix = prefix};
	return r;
}

static int add_level(struct factoring *f, struct regex_node **list, size_t n)
{
	void *levels = f->levels;
	int r = regex_reserve(&levels, &f->levels_size, f->nlevels + 1, sizeof(*f->levels));

	f->levels = levels;
	if (!r)
		f->levels[f->nlevels++] =
		        (struct level){.list = list, .n = n, .first_run = f->nruns, .next_run = f->nruns};
	return r;
}

/* --- First round: literals --- */

/* The literal that the alternative begins with; NULL if it does with something else. */
static struct regex_node *leading_literal(struct regex_node *node)
{
	while (node->op == REGEX_CONCAT)
		node = node->kids[0];
	return node->op == REGEX_LITERAL ? node : NULL;
}

/* Takes the first kid out of a concatenation. */
static struct regex_node *without_first(struct regex_node *concat)
{
	if (concat->n == 2)
		return concat->kids[1];
	concat->kids++;
	concat->n--;
	return concat;
}

/* Takes n runes off the beginning. */
static struct regex_node *without_runes(struct regex_node *node, size_t n)
{
	if (node->op == REGEX_CONCAT) {
		node->kids[0] = without_runes(node->kids[0], n);
		return node->kids[0]->op == REGEX_EMPTY ? without_first(node) : node;
	}
	node->runes += n;
	node->n -= n;
	if (node->n == 0) {
		node->op = REGEX_EMPTY;
		node->fold = false;
	}
	return node;
}

static size_t common_runes(const struct regex_node *literal, const uint32_t *runes, size_t n, bool fold)
{
	size_t same = 0;

	if (!literal || literal->fold != fold)
		return 0;
	while (same < n && same < literal->n && literal->runes[same] == runes[same])
		same++;
	return same;
}

static int find_literals(struct factoring *f, struct regex_node **list, size_t count)
{
	uint32_t *runes = NULL;
	size_t start = 0, n = 0;
	bool fold = false;
	int r = 0;

	for (size_t i = 0; i <= count && !r; i++) {
		const struct regex_node *literal = i < count ? leading_literal(list[i]) : NULL;
		size_t same = common_runes(literal, runes, n, fold);

		if (same > 0) {
			n = same;
			continue;
		}
		/* What ends here is list[start…i), which all begin with runes[0…n). */
		uint32_t *next = literal ? literal->runes : NULL;
		size_t next_n = literal ? literal->n : 0;

		if (i > start + 1) {
			r = add_run(f, start, i, regex_new_literal(f->arena, runes, n, fold));
			for (size_t k = start; k < i; k++)
				list[k] = without_runes(list[k], n);
		}
		start = i;
		runes = next;
		n = next_n;
		fold = literal && literal->fold;
	}
	return r;
}

/* --- Second round: simple parts --- */

/* The first part of the alternative; NULL if it has none. */
static struct regex_node *leading_part(struct regex_node *node)
{
	if (node->op == REGEX_CONCAT)
		node = node->kids[0];
	return node->op == REGEX_EMPTY ? NULL : node;
}

/* Only parts that lead through the program in one way may be shared. */
static bool may_be_shared(const struct regex_node *part)
{
	switch (part->op) {
	case REGEX_LINE_BEGIN:
	case REGEX_LINE_END:
	case REGEX_CLASS:
		return true;
	case REGEX_REPEAT:
		return part->min == part->max && regex_is_character(part->kid);
	default:
		return false;
	}
}

static int find_parts(struct factoring *f, struct regex_node **list, size_t count)
{
	struct regex_node *first = NULL;
	size_t start = 0;
	int r = 0;

	for (size_t i = 0; i <= count && !r; i++) {
		struct regex_node *part = i < count ? leading_part(list[i]) : NULL;

		if (first && part && may_be_shared(first) && regex_same_simple(first, part))
			continue;
		if (i > start + 1) {
			r = add_run(f, start, i, first);
			for (size_t k = start; k < i && !r; k++) {
				list[k] = list[k]->op == REGEX_CONCAT ? without_first(list[k])
				                                      : regex_new(f->arena, REGEX_EMPTY);
				if (!list[k])
					r = -ENOMEM;
			}
		}
		start = i;
		first = part;
	}
	return r;
}

/* --- Third round: single characters --- */

/* What is in a class already of what can come in as a case of an ASCII letter. */
struct cases {
	bool ascii[128], long_s, kelvin;
};

enum { LONG_S = 0x17f, KELVIN = 0x212a };

static bool *case_of(struct cases *c, uint32_t rune)
{
	return rune == LONG_S ? &c->long_s : rune == KELVIN ? &c->kelvin : &c->ascii[rune & 0x7f];
}

static int add_range(struct regex_ranges *to, struct cases *seen, uint32_t lo, uint32_t hi)
{
	for (uint32_t c = lo; c <= hi && c < 128; c++)
		seen->ascii[c] = true;
	seen->long_s |= lo <= LONG_S && LONG_S <= hi;
	seen->kelvin |= lo <= KELVIN && KELVIN <= hi;
	return regex_ranges_add(to, lo, hi);
}

/*
 * A letter in all its cases: k has the Kelvin sign, s the long s. Older RE2 goes round the cases until it meets one
 * that is in the class, and so may forget the rest.
 */
static int add_letter(struct regex_ranges *to, struct cases *seen, uint32_t letter, enum regex_release release)
{
	uint32_t all[] = {letter, letter == 's' ? LONG_S : letter == 'k' ? KELVIN : letter, letter - 'a' + 'A'};
	int r = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && !r; i++) {
		if (i == 1 && all[1] == letter)
			continue;
		if (release == REGEX_RE2_2022 && *case_of(seen, all[i]))
			return 0;
		r = add_range(to, seen, all[i], all[i]);
	}
	return r;
}

static int add_character(struct regex_ranges *to, struct cases *seen, const struct regex_node *node,
                         enum regex_release release)
{
	int r = 0;

	if (node->op == REGEX_LITERAL)
		return node->fold ? add_letter(to, seen, node->runes[0], release)
		                  : add_range(to, seen, node->runes[0], node->runes[0]);
	for (size_t i = 0; i < node->n && !r; i++)
		r = add_range(to, seen, node->ranges[i].lo, node->ranges[i].hi);
	return r;
}

/* list[start…end) as one class. */
static struct regex_node *merge(struct factoring *f, struct regex_node *const *list, size_t start, size_t end)
{
	_autoranges_ struct regex_ranges ranges = {0};
	struct cases seen = {0};

	for (size_t i = start; i < end; i++)
		if (add_character(&ranges, &seen, list[i], f->release))
			return NULL;
	regex_ranges_normalize(&ranges);
	return regex_new_class(f->arena, &ranges);
}

static int merge_characters(struct factoring *f, struct regex_node **list, size_t *count)
{
	size_t out = 0;

	for (size_t i = 0, end; i < *count; i = end) {
		end = i + 1;
		if (regex_is_character(list[i]))
			while (end < *count && regex_is_character(list[end]))
				end++;
		list[out] = end > i + 1 ? merge(f, list, i, end) : list[i];
		if (!list[out++])
			return -ENOMEM;
	}
	*count = out;
	return 0;
}

/* --- All --- */

/* Puts each run's beginning before its rest. */
static int apply_runs(struct factoring *f, struct level *level)
{
	size_t in = 0, out = 0;

	for (size_t i = level->first_run; i < f->nruns; i++) {
		const struct run *run = &f->runs[i];
		struct regex_node *parts[2] = {run->prefix, NULL};

		while (in < run->start)
			level->list[out++] = level->list[in++];
		parts[1] = regex_join(f->arena, REGEX_ALTERNATE, level->list + run->start, run->rest);
		level->list[out] = parts[1] ? regex_join(f->arena, REGEX_CONCAT, parts, 2) : NULL;
		if (!level->list[out++])
			return -ENOMEM;
		in = run->start + run->n;
	}
	while (in < level->n)
		level->list[out++] = level->list[in++];
	level->n = out;
	f->nruns = level->first_run;
	return 0;
}

static int next_round(struct factoring *f, struct level *level)
{
	level->round++;
	level->next_run = level->first_run;
	switch (level->round) {
	case LITERALS:
		return find_literals(f, level->list, level->n);
	case PARTS:
		return find_parts(f, level->list, level->n);
	case CHARACTERS:
		return merge_characters(f, level->list, &level->n);
	default:
		return 0;
	}
}

int regex_factor(struct arena *arena, enum regex_release release, struct regex_node **alternatives, size_t *n)
{
	_cleanup_(factoring_free) struct factoring f = {.arena = arena, .release = release};
	int r = add_level(&f, alternatives, *n);

	while (!r) {
		struct level *level = &f.levels[f.nlevels - 1];

		if (level->round == DONE) {
			if (--f.nlevels == 0) {
				*n = level->n;
				return 0;
			}
			f.runs[f.levels[f.nlevels - 1].next_run++].rest = level->n;
		} else if (level->next_run < f.nruns) {
			const struct run *run = &f.runs[level->next_run];

			r = add_level(&f, level->list + run->start, run->n);
		} else {
			r = apply_runs(&f, level);
			if (!r)
				r = next_round(&f, level);
		}
	}
	return r;
}
