/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher gives the same answers inside the kernel as natively: same images, same facts, whole and damaged.
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

#include "policy/image.h"
#include "probe.h"
#include "world.h"

#define IMAGES 150
#define WORLDS 40
#define RULES 8
#define SKIPPED 77

static struct probe *probe;
static uint8_t *text;
static struct match_facts facts;

static struct image *random_image(struct random *r, struct filter **filters)
{
	struct image_rule rules[RULES];
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct image *image = NULL;

	for (size_t i = 0; i < RULES; i++) {
		struct expr *e = expr_random(r, 1 + random_below(r, 4));
		_autobuf_ struct buf b = BUF_INIT;

		expr_print(&b, e);
		expr_free(e);
		assert_int_equal(
		        filter_parse(&filters[i], &(struct filter_text){.bytes = buf_str(&b), .len = b.len}, &diags),
		        0);
		rules[i] = (struct image_rule){.name = "r",
		                               .condition = filter_root(filters[i]),
		                               .mode = random_below(r, 2) ? TERCEL_MODE_ENFORCE : TERCEL_MODE_MONITOR,
		                               .action = random_below(r, 2) ? TERCEL_ACTION_DENY : TERCEL_ACTION_KILL,
		                               .on_uncertain = (enum match_on_uncertain)random_below(r, 3)};
	}
	assert_int_equal(image_build(&image, &(struct image_input){.rules = rules, .nrules = RULES}, &diags), 0);
	return image;
}

static void decide_natively(const uint8_t *image, enum tercel_point point, struct match_state *st)
{
	struct match_ctx m = {.image = image, .st = st, .facts = &facts, .text = text, .point = point};

	if (match_start(&m))
		match_finish(&m);
}

/* What a caller may look at after a decision; the rest is scratch. */
static void assert_same(const struct match_state *native, const struct match_state *kernel, uint64_t seed)
{
	bool same = native->error == kernel->error && native->hits == kernel->hits &&
	            native->action == kernel->action && native->unknown == kernel->unknown &&
	            native->uncertain == kernel->uncertain && native->hits_lost == kernel->hits_lost &&
	            native->protected_ == kernel->protected_ &&
	            memcmp(native->hit, kernel->hit, native->hits * sizeof(native->hit[0])) == 0;

	if (!same)
		fail_msg("TERCEL_SEED=%llu: error %u/%u hits %u/%u action %u/%u unknown %#x/%#x",
		         (unsigned long long)seed, native->error, kernel->error, native->hits, kernel->hits,
		         native->action, kernel->action, native->unknown, kernel->unknown);
}

static uint64_t seed_of_run(void)
{
	const char *value = getenv("TERCEL_SEED");
	uint64_t seed = value ? strtoull(value, NULL, 10) : (uint64_t)time(NULL);

	printf("TERCEL_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* Flips bytes behind the magic and version, where a decision does not look first. */
static void damage(struct random *r, uint8_t *image, size_t size)
{
	for (uint32_t i = 0, n = 1 + random_below(r, 30); i < n; i++)
		image[24 + random_below(r, (uint32_t)size - 24)] = (uint8_t)random_below(r, 256);
}

static void compare_runs(bool damaged)
{
	uint64_t seed = seed_of_run(), decided = 0;

	for (uint64_t end = seed + IMAGES; seed < end; seed++) {
		struct random r = {.state = seed};
		struct filter *filters[RULES];
		struct image *image = random_image(&r, filters);

		if (damaged)
			damage(&r, image->data, image->size);
		memcpy(probe_image(probe), image->data, TERCEL_IMAGE_MAX);
		for (int i = 0; i < WORLDS; i++) {
			/* The same start for both: a damaged image may read what it has not written. */
			static struct match_state native, kernel;
			struct world w;

			world_random(&w, &r, 2);
			memset(text, 0, MATCH_TEXT_MAX);
			world_facts(&w, &facts, text);
			native = kernel;
			decide_natively(image->data, w.point, &native);
			assert_int_equal(probe_run(probe, w.point, &facts, text, 1, &kernel, NULL), 0);
			assert_same(&native, &kernel, seed);
			decided += native.hits != 0;
		}
		for (size_t i = 0; i < RULES; i++)
			filter_free(filters[i]);
		image_free(image);
	}
	assert_true(damaged || decided > IMAGES);
}

static void the_kernel_answers_as_the_native_matcher(void **unused)
{
	(void)unused;
	compare_runs(false);
}

static void both_survive_a_damaged_image_and_agree(void **unused)
{
	(void)unused;
	compare_runs(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_kernel_answers_as_the_native_matcher),
	        cmocka_unit_test(both_survive_a_damaged_image_and_agree),
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
	text = calloc(1, MATCH_TEXT_MAX);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(text);
	probe_close(probe);
	return failed;
}
