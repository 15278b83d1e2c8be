/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher gives the same answers inside the kernel as natively, and even leaves the same bytes behind: for every
 * upstream rule, and for random sets of 1 to 2,000 rules, whole and damaged.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "probe.h"
#include "sample.h"
#include "upstream.h"

#define SKIPPED 77

static struct probe *probe;
static struct case_facts facts;

struct tally {
	uint64_t decisions, hits, errors;
};

static void assert_same(const struct match_state *native, const struct match_state *kernel, uint64_t seed)
{
	bool same = native->error == kernel->error && native->hits == kernel->hits &&
	            native->action == kernel->action && native->unknown == kernel->unknown &&
	            native->uncertain == kernel->uncertain && native->hits_lost == kernel->hits_lost &&
	            native->protected_ == kernel->protected_ &&
	            memcmp(native->hit, kernel->hit, native->hits * sizeof(native->hit[0])) == 0;

	if (!same)
		fail_msg("TERCEL_SEED=%llu: error %u/%u hits %u/%u action %u/%u unknown %#llx/%#llx",
		         (unsigned long long)seed, native->error, kernel->error, native->hits, kernel->hits,
		         native->action, kernel->action, (unsigned long long)native->unknown,
		         (unsigned long long)kernel->unknown);
	/* Atoms, candidates and scratch, too: they did the same in the same order. */
	for (size_t i = 0; i < sizeof(*native); i++)
		if (((const uint8_t *)native)[i] != ((const uint8_t *)kernel)[i])
			fail_msg("TERCEL_SEED=%llu: the answers agree, byte %zu of the state does not",
			         (unsigned long long)seed, i);
}

static uint64_t seed_of_run(void)
{
	const char *value = getenv("TERCEL_SEED");
	uint64_t seed = value ? strtoull(value, NULL, 10) : (uint64_t)time(NULL);

	printf("TERCEL_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* Decides one act natively and in the kernel, from the same memory: a damaged image may read what nobody wrote. */
static void compare(const uint8_t *image, enum tercel_point point, uint64_t seed, struct tally *t)
{
	static struct match_state native, kernel;
	const struct probe_case c = {
	        .point = point, .facts = &facts.facts, .ancestors = &facts.ancestors, .text = facts.text};

	native = kernel;
	case_decide(&facts, image, point, &native);
	assert_int_equal(probe_run(probe, &c, 1, &kernel, NULL), 0);
	assert_same(&native, &kernel, seed);
	t->decisions++;
	t->hits += native.hits != 0;
	t->errors += native.error != 0;
}

static void load(const uint8_t *image)
{
	memcpy(probe_image(probe), image, TERCEL_IMAGE_MAX);
}

/* Flips bytes behind the magic and version, where a decision does not look first. */
static void damage(struct random *r, uint8_t *image, size_t size)
{
	for (uint32_t i = 0, n = 1 + random_below(r, 30); i < n; i++)
		image[24 + random_below(r, (uint32_t)size - 24)] = (uint8_t)random_below(r, 256);
}

/* A random set of `rules` rules, and `worlds` acts that some of them are about. */
static void compare_random(uint64_t seed, size_t rules, uint32_t worlds, bool damaged, struct tally *t)
{
	struct random r = {.state = seed * 0x2545f4914f6cdd1dULL};
	uint32_t points = rules < 100 ? points_random(&r) : 0;
	char name[TERCEL_COMM_LEN];
	struct sample s;
	int err;

	/* Now and then so many random patterns over the same few words are too many. */
	while ((err = sample_make(&s, exprs_many(&r, rules, points), rules, 0, &r, SAMPLE_IMAGE)) == -E2BIG)
		sample_free(&s);
	assert_int_equal(err, 0);
	if (damaged)
		damage(&r, s.image->data, s.image->size);
	load(s.image->data);
	for (uint32_t i = 0; i < worlds; i++) {
		struct world w;
		uint32_t p = random_below(&r, TERCEL_POINTS);

		while (points && !(points >> p & 1))
			p = (p + 1) % TERCEL_POINTS;
		world_random(&w, &r, (enum tercel_point)p, 2);
		if (rules >= 1000 && random_below(&r, 2)) {
			(void)snprintf(name, sizeof(name), "tool%u", random_below(&r, 1000));
			w.name = name;
		}
		case_make(&facts, &s, &w);
		compare(s.image->data, w.point, seed, t);
	}
	sample_free(&s);
}

/* Of `n` cases those that are run: $TERCEL_TEST_DIVISOR is for machines that are slow, under emulation. At least one.
 */
static uint32_t share_of(uint32_t n)
{
	const char *text = getenv("TERCEL_TEST_DIVISOR");
	const unsigned long divisor = text ? strtoul(text, NULL, 10) : 1;

	return divisor && n / divisor ? (uint32_t)(n / divisor) : 1;
}

static void the_kernel_answers_as_the_native_matcher(void **unused)
{
	static const struct {
		size_t rules;
		uint32_t images, worlds;
	} sizes[] = {{1, 150, 30}, {10, 80, 60}, {100, 10, 400}, {1000, 2, 1000}, {2000, 1, 2000}};
	uint64_t seed = seed_of_run();

	(void)unused;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct tally t = {0};

		for (uint32_t k = 0; k < share_of(sizes[i].images); k++)
			compare_random(seed++, sizes[i].rules, sizes[i].worlds, false, &t);
		printf("%4zu rules: %llu decisions, %llu with hits\n", sizes[i].rules, (unsigned long long)t.decisions,
		       (unsigned long long)t.hits);
		assert_int_equal(t.errors, 0);
		assert_true(t.hits > t.decisions / 20);
	}
}

/* One image of these rules, and acts at the points where they are decided. */
static void compare_upstream(const struct upstream *u, const struct filter_node *const *roots, size_t n,
                             uint32_t worlds, struct random *r, struct tally *t)
{
	const struct match_header *h;
	struct sample s;

	assert_int_equal(sample_of(&s, roots, n, 0, r, SAMPLE_IMAGE), 0);
	load(s.image->data);
	h = (const void *)s.image->data;
	for (uint32_t p = 0; p < TERCEL_POINTS; p++) {
		for (uint32_t i = 0; h->points[p].rules && i < worlds; i++) {
			struct world w;

			world_random(&w, r, (enum tercel_point)p, 2);
			upstream_spice(u, &w, r);
			case_make(&facts, &s, &w);
			compare(s.image->data, w.point, r->state, t);
		}
	}
	sample_free(&s);
}

static void the_kernel_answers_upstream_rules_as_the_native_matcher(void **unused)
{
	struct random r = {.state = seed_of_run()};
	struct tally each = {0}, all = {0};
	struct upstream *u = NULL;
	int err = upstream_load(&u);

	(void)unused;
	if (err == -ENOENT) {
		printf("no upstream rules are at hand\n");
		skip();
	}
	assert_int_equal(err, 0);
	for (size_t i = 0; i < u->n; i++)
		compare_upstream(u, &u->roots[i], 1, share_of(60), &r, &each);
	compare_upstream(u, u->roots, u->n, share_of(300), &r, &all);
	printf("each of %zu rules: %llu decisions, %llu with hits; all: %llu, %llu\n", u->n,
	       (unsigned long long)each.decisions, (unsigned long long)each.hits, (unsigned long long)all.decisions,
	       (unsigned long long)all.hits);
	assert_int_equal(each.errors + all.errors, 0);
	assert_true(all.hits > all.decisions / 10);
	upstream_free(u);
}

static void both_survive_a_damaged_image_and_agree(void **unused)
{
	uint64_t seed = seed_of_run();
	struct tally t = {0};

	(void)unused;
	for (uint32_t i = 0; i < share_of(150); i++)
		compare_random(seed++, 8, 40, true, &t);
	printf("%llu of %llu decisions noticed the damage\n", (unsigned long long)t.errors,
	       (unsigned long long)t.decisions);
	assert_true(t.errors);
}

/* The longest that a decision may take: bounds of loops multiply where an image makes them. */
static void random_bytes_are_survived_in_the_kernel(void **unused)
{
	struct random r = {.state = seed_of_run()};
	struct tally t = {0};
	struct sample s;

	(void)unused;
	assert_int_equal(sample_make(&s, exprs_random(&r, 8, 3, 0), 8, 0, &r, SAMPLE_IMAGE), 0);
	for (int round = 0; round < 10; round++) {
		struct match_header *h = (void *)s.image->data;
		struct world w;

		for (size_t i = 8; i < TERCEL_IMAGE_MAX; i++)
			s.image->data[i] = (uint8_t)random_below(&r, 256);
		h->atom_words = random_below(&r, TERCEL_ATOM_WORDS + 1);
		h->rule_words = random_below(&r, TERCEL_RULE_WORDS + 1);
		load(s.image->data);
		for (int i = 0; i < 3; i++) {
			world_random(&w, &r, (enum tercel_point)random_below(&r, TERCEL_POINTS), 2);
			case_make(&facts, &s, &w);
			compare(s.image->data, w.point, r.state, &t);
		}
	}
	sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_kernel_answers_as_the_native_matcher),
	        cmocka_unit_test(the_kernel_answers_upstream_rules_as_the_native_matcher),
	        cmocka_unit_test(both_survive_a_damaged_image_and_agree),
	        cmocka_unit_test(random_bytes_are_survived_in_the_kernel),
	};
	int err = probe_open(&probe), failed;

	if (err == -EPERM) {
		printf("skipped: loading kernel programs needs root\n");
		return SKIPPED;
	}
	if (err) {
		fprintf(stderr, "cannot load the matcher: %s\n", strerror(-err));
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	probe_close(probe);
	return failed;
}
