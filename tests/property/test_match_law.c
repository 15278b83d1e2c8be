/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The law, on random conditions, random operations and random knowledge: must ⇒ exact ⇒ may; where a condition is
 * classed exact and everything is known, all three are equal; and guards change no answer.
 *
 * TERCEL_SEED and TERCEL_CASES choose other cases; a failure prints the seed and a condition that was made small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/derive.h"
#include "policy/image.h"
#include "world.h"

#if defined(__SANITIZE_ADDRESS__)
#define DEFAULT_CASES 200000
#else
#define DEFAULT_CASES 3000000
#endif
#define RULES_MAX 6
#define WORLDS_PER_IMAGE 40

/* One image and the conditions in it. */
struct sample {
	struct expr *exprs[RULES_MAX];
	struct filter *filters[RULES_MAX];
	enum policy_class class[RULES_MAX][TERCEL_POINTS];
	size_t n;
	struct image *image;
};

static struct match_state state, guarded;
static struct match_facts facts;
static uint8_t *text;

static struct filter *parse(const struct expr *e)
{
	_autobuf_ struct buf b = BUF_INIT;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter *f = NULL;

	expr_print(&b, e);
	if (filter_parse(&f, &(struct filter_text){.bytes = buf_str(&b), .len = b.len}, &diags)) {
		fprintf(stderr, "%s\n", buf_str(&b));
		diag_print(&diags, stderr);
		fail_msg("the generator made a condition that does not parse");
	}
	return f;
}

static void sample_build(struct sample *s)
{
	struct image_rule rules[RULES_MAX];
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;

	for (size_t i = 0; i < s->n; i++) {
		_autoatoms_ struct atoms *atoms = NULL;

		s->filters[i] = parse(s->exprs[i]);
		rules[i] = (struct image_rule){.name = "r",
		                               .condition = filter_root(s->filters[i]),
		                               .mode = TERCEL_MODE_MONITOR,
		                               .action = TERCEL_ACTION_DENY};
		assert_int_equal(atoms_new(&atoms), 0);
		for (int p = 0; p < TERCEL_POINTS; p++) {
			struct derivation d;

			assert_int_equal(derive(&d, rules[i].condition, point_info((enum tercel_point)p), atoms), 0);
			s->class[i][p] = d.applies ? d.class : POLICY_EXACT;
			derivation_free(&d);
		}
	}
	assert_int_equal(image_build(&s->image, &(struct image_input){.rules = rules, .nrules = s->n}, &diags), 0);
}

static void sample_free(struct sample *s)
{
	for (size_t i = 0; i < s->n; i++) {
		filter_free(s->filters[i]);
		expr_free(s->exprs[i]);
	}
	image_free(s->image);
}

/* Those that the image has tables for: what it asks nothing about, it cannot judge. */
static uint32_t asked_domains(const struct image *image)
{
	const struct match_header *h = (const void *)image->data;
	uint32_t domains = 0;

	for (uint32_t d = 0; d < MATCH_DOMAINS; d++)
		if (h->domains[d].words)
			domains |= 1U << d;
	return domains | (domains >> MATCH_ADDR4 & 1) << MATCH_ADDR6;
}

static void compute_all_atoms(const struct sample *s, const struct world *w)
{
	struct match_ctx m = {.image = s->image->data,
	                      .st = &state,
	                      .facts = &facts,
	                      .text = text,
	                      .point = w->point,
	                      .domains = asked_domains(s->image)};

	memset(&state, 0, sizeof(state));
	match_loop(MATCH_DOMAINS, match_domain_step, &m);
	if (!(m.domains >> MATCH_ANCESTORS & 1))
		return;
	match_loop(TERCEL_ANCESTORS_MAX, match_ancestor_step, &m);
	if (facts.ancestors_cut)
		match_possible(&m, MATCH_ANCESTORS);
}

static void decide_guarded(const struct sample *s, const struct world *w)
{
	struct match_ctx m = {
	        .image = s->image->data, .st = &guarded, .facts = &facts, .text = text, .point = w->point};

	memset(&guarded, 0xa5, sizeof(guarded));
	if (match_start(&m))
		match_finish(&m);
}

/* What the kernel would report of a rule: -1 nothing, 0 uncertain, 1 certain. */
static int reported(size_t rule)
{
	for (uint32_t h = 0; h < guarded.hits; h++)
		if (guarded.hit[h].rule == rule)
			return (int)guarded.hit[h].certain;
	return -1;
}

/* NULL, or what is wrong. */
static const char *check_rule(const struct sample *s, size_t i, const struct world *w)
{
	const uint8_t *image = s->image->data;
	bool exact = world_matches(w, filter_root(s->filters[i]));
	uint32_t must_root = match_u32(image, match_rule_at(image, (uint32_t)i) + (uint32_t)w->point * 4);
	uint32_t may_root =
	        match_u32(image, match_rule_at(image, (uint32_t)i) + (TERCEL_POINTS + (uint32_t)w->point) * 4);
	bool must = match_walk(image, &state, must_root, 0), hope = match_walk(image, &state, must_root, 1);
	bool may = match_walk(image, &state, may_root, 1);
	int want = must ? 1 : hope && state.unknown ? 0 : -1;

	if (state.error || guarded.error)
		return "the matcher calls its own image damaged";
	if (must && !exact)
		return "must holds, Falco's answer is no: over-blocking";
	if (exact && !may)
		return "Falco's answer is yes, may does not hold: a detection would be withheld";
	if (s->class[i][w->point] == POLICY_EXACT && world_is_known(w) && exact != must)
		return "classed exact, everything is known, and must is not Falco's answer";
	if (s->class[i][w->point] == POLICY_EXACT && exact && !hope)
		return "classed exact, and what might match is neither certain nor uncertain";
	if (s->class[i][w->point] == POLICY_DETECT_ONLY && must)
		return "classed detect-only, and must holds";
	if (reported(i) != want)
		return "with guards the answer is another";
	return NULL;
}

static const char *check_world(const struct sample *s, const struct world *w, size_t *rule)
{
	memset(text, 0xee, MATCH_TEXT_MAX);
	world_facts(w, &facts, text);
	compute_all_atoms(s, w);
	decide_guarded(s, w);
	for (size_t i = 0; i < s->n; i++) {
		const char *wrong = check_rule(s, i, w);

		if (wrong) {
			*rule = i;
			return wrong;
		}
	}
	return NULL;
}

/* Whether the same thing is wrong with this condition alone. */
static bool still_wrong(const struct expr *e, const struct world *w, const char *wrong)
{
	struct sample s = {.exprs = {expr_copy(e)}, .n = 1};
	size_t rule;
	const char *now;

	sample_build(&s);
	now = check_world(&s, w, &rule);
	sample_free(&s);
	return now && strcmp(now, wrong) == 0;
}

static struct expr *make_small(const struct expr *e, const struct world *w, const char *wrong)
{
	struct expr *best = expr_copy(e);
	bool smaller = still_wrong(best, w, wrong);

	while (smaller) {
		smaller = false;
		for (size_t n = 0; !smaller && n < expr_size(best); n++)
			for (size_t kid = 0; !smaller && kid < 3; kid++) {
				struct expr *candidate = expr_shrink(best, n, kid);

				if (candidate && still_wrong(candidate, w, wrong)) {
					expr_free(best);
					best = candidate;
					smaller = true;
				} else {
					expr_free(candidate);
				}
			}
	}
	return best;
}

static void explain_failure(const struct sample *s, size_t rule, const struct world *w, const char *wrong,
                            uint64_t seed)
{
	struct expr *small = make_small(s->exprs[rule], w, wrong);
	_autobuf_ struct buf out = BUF_INIT;

	buf_addf(&out, "TERCEL_SEED=%llu: %s\n  condition: ", (unsigned long long)seed, wrong);
	expr_print(&out, small);
	buf_adds(&out, "\n  operation: ");
	world_print(&out, w);
	expr_free(small);
	fail_msg("%s", buf_str(&out));
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *value = getenv(variable);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

static void must_implies_exact_implies_may(void **unused)
{
	uint64_t seed = number_of("TERCEL_SEED", (uint64_t)time(NULL)),
	         cases = number_of("TERCEL_CASES", DEFAULT_CASES);
	uint64_t certain = 0, uncertain = 0, exact_class = 0, rules = 0;

	(void)unused;
	printf("TERCEL_SEED=%llu TERCEL_CASES=%llu\n", (unsigned long long)seed, (unsigned long long)cases);
	for (uint64_t done = 0; done < cases; seed++) {
		struct random r = {.state = seed * 0x2545f4914f6cdd1dULL};
		struct sample s = {.n = 1 + random_below(&r, RULES_MAX)};

		for (size_t i = 0; i < s.n; i++)
			s.exprs[i] = expr_random(&r, random_below(&r, 5));
		sample_build(&s);
		for (size_t i = 0; i < s.n; i++)
			exact_class += s.class[i][0] == POLICY_EXACT;
		rules += s.n;
		for (size_t i = 0; i < WORLDS_PER_IMAGE; i++) {
			struct world w;
			size_t rule;
			const char *wrong;

			world_random(&w, &r, 2);
			wrong = check_world(&s, &w, &rule);
			if (wrong)
				explain_failure(&s, rule, &w, wrong, seed);
			for (size_t k = 0; k < s.n; k++) {
				certain += reported(k) == 1;
				uncertain += reported(k) == 0;
			}
			done += s.n;
		}
		sample_free(&s);
	}
	printf("%llu conditions (%llu classed exact at exec), %llu answers certain, %llu uncertain\n",
	       (unsigned long long)rules, (unsigned long long)exact_class, (unsigned long long)certain,
	       (unsigned long long)uncertain);
	/* A generator that never reaches both answers would prove nothing. */
	assert_true(certain > cases / 100);
	assert_true(uncertain > cases / 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(must_implies_exact_implies_may),
	};
	int failed;

	text = malloc(MATCH_TEXT_MAX);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(text);
	return failed;
}
