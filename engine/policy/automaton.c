/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which patterns share an automaton: literal texts do, and so do globs that are none but in name; what is left is
 * joined one after the other as long as the states stay few.
 */
#include "policy/automaton.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/match.h"
#include "policy/automaton_internal.h"

/*
 * States of an automaton of several ways: as many as they have alone, as long as these are some thousand. Joined ways
 * may multiply, and those that only add up need no more.
 */
enum {
	JOINED_STATES = 4096,
	JOINED_STATES_MAX = 16384,
};

static const struct way_limits alone = {.states = AUTOMATON_PATTERN_STATES, .work = 1U << 24};
static const uint64_t joined_work = 1U << 25;

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
static const char too_many_states[] = "it needs more than " TEXT(AUTOMATON_PATTERN_STATES) " states";

/* Patterns by how they are told. */
struct sorted {
	struct pattern *texts[2]; /* by whether case does not matter */
	size_t ntexts[2];
	struct ways ways;
	char *bytes; /* of texts that were globs */
	size_t nbytes;
};

static void sorted_free(struct sorted *s)
{
	free(s->texts[0]);
	free(s->texts[1]);
	free(s->bytes);
	ways_free(&s->ways);
}

/* No text holds a NUL. */
static bool never_matches(const struct pattern *p)
{
	return p->len && memchr(p->bytes, 0, p->len) != NULL;
}

static bool has_letters(const struct pattern *p)
{
	for (size_t i = 0; i < p->len; i++)
		if (fold_byte((uint8_t)(p->bytes[i] & ~0x20)) != (uint8_t)(p->bytes[i] & ~0x20))
			return true;
	return false;
}

static void add_bytes(struct byte_set *set, const struct pattern *p)
{
	for (size_t i = 0; i < p->len; i++)
		byte_set_add(set, p->flags & PATTERN_FOLD ? fold_byte((uint8_t)p->bytes[i]) : (uint8_t)p->bytes[i]);
}

static bool too_many_classes(const struct byte_set *bytes)
{
	return byte_set_count(bytes) > AUTOMATON_CLASSES_MAX - MATCH_CLASS_FIRST;
}

/* Whether a glob's stars are at its ends only, and all else is bytes. */
static bool is_text(const struct glob *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->items[i].star ? i && i + 1 < g->n : !g->items[i].byte)
			return false;
	return true;
}

static struct pattern text_of(const struct glob *g, const struct pattern *p, char *bytes)
{
	bool open_begin = g->n && g->items[0].star, open_end = g->n && g->items[g->n - 1].star;
	struct pattern text = {.kind = PATTERN_TEXT, .flags = p->flags & PATTERN_FOLD, .bytes = bytes, .id = p->id};

	text.flags |= (open_begin ? 0 : PATTERN_BEGIN) | (open_end ? 0 : PATTERN_END);
	for (size_t i = 0; i < g->n; i++)
		if (!g->items[i].star)
			bytes[text.len++] = (char)g->items[i].byte;
	return text;
}

static const char *text_refused(const struct pattern *p)
{
	struct byte_set bytes = {0};

	add_bytes(&bytes, p);
	return too_many_classes(&bytes) ? "it has too many different bytes" : NULL;
}

static int add_text(struct sorted *s, const struct pattern *p, const char **why)
{
	bool fold = p->flags & PATTERN_FOLD && has_letters(p);

	if (never_matches(p))
		return 0;
	*why = text_refused(p);
	if (*why)
		return -EINVAL;
	s->texts[fold][s->ntexts[fold]++] = *p;
	return 0;
}

/* Adds a way only if it may have an automaton. */
static int check_way(struct ways *w, const char **why)
{
	_automachine_ struct machine m = {0};
	int r;

	*why = NULL;
	r = machine_of_ways(&m, w, w->n - 1, 1, &alone, why);
	if (r == -E2BIG && !*why)
		*why = too_many_states;
	w->items[w->n - 1].nstates = m.nstates;
	return r == -E2BIG ? -EINVAL : r;
}

static int add_way(struct ways *w, int error, const char **why)
{
	return error ? error : check_way(w, why);
}

static int add_glob(struct sorted *s, const struct pattern *p, const char **why)
{
	_autoglob_ struct glob g = {0};
	struct pattern text;
	int r = glob_parse(&g, p->bytes, p->len, p->flags & PATTERN_FOLD, why);

	if (r)
		return r;
	if (!is_text(&g))
		return add_way(&s->ways, ways_add_glob(&s->ways, &g, p->id, why), why);
	text = text_of(&g, p, s->bytes + s->nbytes);
	s->nbytes += text.len;
	return add_text(s, &text, why);
}

static int add_pmatch(struct sorted *s, const struct pattern *p, const char **why)
{
	const struct pattern any = {.kind = PATTERN_TEXT, .flags = PATTERN_BEGIN, .id = p->id};

	if (pmatch_is_empty(p))
		return add_text(s, &any, why);
	return add_way(&s->ways, ways_add_pmatch(&s->ways, p, why), why);
}

static int add_pattern(struct sorted *s, const struct pattern *p, const char **why)
{
	switch (p->kind) {
	case PATTERN_GLOB:
		return add_glob(s, p, why);
	case PATTERN_PMATCH:
		return add_pmatch(s, p, why);
	case PATTERN_REGEX:
		return add_way(&s->ways, ways_add_regex(&s->ways, p, why), why);
	default:
		return add_text(s, p, why);
	}
}

/* Paths first, whose states add up, so that they are not spread over what multiplies. */
static int rank(const struct pattern *p)
{
	if (p->kind == PATTERN_PMATCH)
		return 0;
	return p->kind == PATTERN_GLOB && p->len && *p->bytes == '*' ? 2 : 1;
}

static int sort_patterns(struct sorted *s, const struct pattern *patterns, size_t n, const char **why)
{
	size_t total = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		total += patterns[i].kind == PATTERN_GLOB ? patterns[i].len : 0;
	s->bytes = malloc(total + 1);
	s->texts[0] = calloc(n + 1, sizeof(struct pattern));
	s->texts[1] = calloc(n + 1, sizeof(struct pattern));
	if (!s->bytes || !s->texts[0] || !s->texts[1])
		return -ENOMEM;
	for (int turn = 0; turn < 3; turn++)
		for (size_t i = 0; !r && i < n; i++)
			if (rank(&patterns[i]) == turn)
				r = add_pattern(s, &patterns[i], why);
	return r;
}

const char *automaton_accepts(const struct pattern *p, int *err)
{
	_cleanup_(sorted_free) struct sorted s = {0};
	const char *why = NULL;
	int r = sort_patterns(&s, p, 1, &why);

	*err = r == -EINVAL ? 0 : r;
	return r == -EINVAL ? why : NULL;
}

/* ---- building --------------------------------------------------------------------------------------------- */

struct builder {
	struct automata all;
	struct automaton_room room;
	uint8_t zero_is;
};

static int add_automaton(struct builder *b, const struct machine *m)
{
	int r;

	if (b->all.n == AUTOMATA_MAX)
		return -E2BIG;
	r = machine_pack(&b->all.items[b->all.n], m, b->zero_is, &b->room);
	b->all.n += !r;
	return r;
}

/* How many of these texts have no more different bytes than there are classes. */
static size_t texts_that_fit(const struct pattern *texts, size_t n)
{
	struct byte_set bytes = {0};
	size_t i = 0;

	for (; i < n; i++) {
		add_bytes(&bytes, &texts[i]);
		if (too_many_classes(&bytes))
			break;
	}
	return i;
}

static int build_texts(struct builder *b, const struct pattern *texts, size_t n, bool fold)
{
	int r = 0;

	while (!r && n > 0) {
		_automachine_ struct machine m = {0};
		size_t fitting = texts_that_fit(texts, n);

		r = machine_of_texts(&m, texts, fitting, fold, b->room.states);
		if (!r)
			r = add_automaton(b, &m);
		texts += fitting;
		n -= fitting;
	}
	return r;
}

static int join(struct machine *m, const struct ways *w, size_t first, size_t n)
{
	struct way_limits limits = {.work = joined_work};
	const char *unused;

	machine_free(m);
	for (size_t i = 0; i < n; i++)
		limits.states += w->items[first + i].nstates;
	if (limits.states < JOINED_STATES)
		limits.states = JOINED_STATES;
	if (limits.states > JOINED_STATES_MAX)
		limits.states = JOINED_STATES_MAX;
	return machine_of_ways(m, w, first, n, &limits, &unused);
}

/*
 * Joins as many ways as fit, one at least. The more there are, the more states they have, so that trying all, and then
 * ever more, and then between what fits and what does not, finds the same as adding one after the other.
 */
static int join_most(struct machine *m, const struct ways *w, size_t first, size_t *n)
{
	size_t all = w->n - first, fits = 1, over = all;
	int r = join(m, w, first, all);

	*n = all;
	if (r != -E2BIG || all == 1)
		return r;
	for (size_t tried = 2; tried < over; tried = fits * 2) {
		r = join(m, w, first, tried);
		if (r && r != -E2BIG)
			return r;
		if (r)
			over = tried;
		else
			fits = tried;
	}
	while (fits + 1 < over) {
		size_t middle = fits + (over - fits) / 2;

		r = join(m, w, first, middle);
		if (r && r != -E2BIG)
			return r;
		if (r)
			over = middle;
		else
			fits = middle;
	}
	*n = fits;
	return join(m, w, first, fits);
}

static int build_ways(struct builder *b, const struct ways *w)
{
	size_t first = 0, n;
	int r = 0;

	while (!r && first < w->n) {
		_automachine_ struct machine m = {0};

		if (b->all.n == AUTOMATA_MAX)
			return -E2BIG;
		r = join_most(&m, w, first, &n);
		if (!r)
			r = add_automaton(b, &m);
		first += n;
	}
	return r;
}

int automata_build(struct automata *out, const struct pattern *patterns, size_t n, uint8_t zero_is)
{
	_cleanup_(sorted_free) struct sorted s = {0};
	struct builder b = {.room = {.states = AUTOMATON_STATES_MAX, .rows = AUTOMATON_ROWS_MAX}, .zero_is = zero_is};
	const char *why;
	int r = sort_patterns(&s, patterns, n, &why);

	if (!r)
		r = build_texts(&b, s.texts[0], s.ntexts[0], false);
	if (!r)
		r = build_texts(&b, s.texts[1], s.ntexts[1], true);
	if (!r)
		r = build_ways(&b, &s.ways);
	if (r)
		automata_free(&b.all);
	else
		*out = b.all;
	return r;
}

void automata_free(struct automata *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->items[i].root);
		free(a->items[i].rows);
		free(a->items[i].ids);
		free(a->items[i].first);
	}
	*a = (struct automata){0};
}
