/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A damaged image never makes the matcher read outside its memory or run on (seen under AddressSanitizer and by the
 * time limit), and the loader's check notices it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/image.h"
#include "world.h"

#define IMAGES 400
#define RULES 8

static struct match_facts facts;
static struct match_state state;
static uint8_t *text;

static void random_image(struct random *r, struct image **image)
{
	struct image_rule rules[RULES];
	struct filter *filters[RULES];
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;

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
		                               .mode = TERCEL_MODE_ENFORCE,
		                               .action = TERCEL_ACTION_KILL};
	}
	assert_int_equal(image_build(image, &(struct image_input){.rules = rules, .nrules = RULES}, &diags), 0);
	for (size_t i = 0; i < RULES; i++)
		filter_free(filters[i]);
}

static void decide(const uint8_t *image, struct random *r)
{
	struct match_ctx m = {.image = image, .st = &state, .facts = &facts, .text = text};
	struct world w;

	world_random(&w, r, 2);
	world_facts(&w, &facts, text);
	m.point = w.point;
	if (match_start(&m))
		match_finish(&m);
	/* Whatever it read, what it says stays within bounds; after an error nothing is blocked. */
	assert_true(state.hits <= TERCEL_HITS_MAX);
	if (state.error)
		assert_int_equal(state.action, TERCEL_ACTION_AUDIT);
}

static void a_damaged_image_is_survived_and_noticed(void **unused)
{
	const char *value = getenv("TERCEL_SEED");
	uint64_t seed = value ? strtoull(value, NULL, 10) : (uint64_t)time(NULL);
	size_t errors = 0;

	(void)unused;
	printf("TERCEL_SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t end = seed + IMAGES; seed < end; seed++) {
		struct random r = {.state = seed};
		_autoimage_ struct image *image = NULL;
		/* Exactly the capacity: one byte behind it is AddressSanitizer's. */
		uint8_t *bytes = malloc(TERCEL_IMAGE_MAX);

		random_image(&r, &image);
		assert_int_equal(image_verify(image->data, image->size, NULL), 0);
		memcpy(bytes, image->data, TERCEL_IMAGE_MAX);
		for (uint32_t i = 0, n = 1 + random_below(&r, 60); i < n; i++) {
			uint32_t at = 24 + random_below(&r, (uint32_t)image->size - 24);

			bytes[at] = (uint8_t)~bytes[at];
		}
		if (memcmp(bytes, image->data, image->size) != 0)
			assert_int_not_equal(image_verify(bytes, image->size, NULL), 0);
		for (int i = 0; i < 20; i++) {
			decide(bytes, &r);
			errors += state.error != 0;
		}
		free(bytes);
	}
	printf("%zu decisions noticed the damage\n", errors);
	assert_true(errors > 0);
}

static void random_bytes_are_survived(void **unused)
{
	struct random r = {.state = 42};
	uint8_t *bytes = malloc(TERCEL_IMAGE_MAX);
	struct match_header h = {.magic = TERCEL_IMAGE_MAGIC, .version = TERCEL_IMAGE_VERSION};

	(void)unused;
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < TERCEL_IMAGE_MAX; i++)
			bytes[i] = (uint8_t)random_below(&r, 256);
		memcpy(bytes, &h.magic, sizeof(h.magic));
		memcpy(bytes + 4, &h.version, sizeof(h.version));
		/* Enough of a header that the matcher goes on. */
		bytes[24] = (uint8_t)random_below(&r, TERCEL_ATOM_WORDS + 1);
		memset(bytes + 25, 0, 3);
		bytes[28] = (uint8_t)random_below(&r, TERCEL_RULE_WORDS + 1);
		memset(bytes + 29, 0, 3);
		for (int i = 0; i < 5; i++)
			decide(bytes, &r);
	}
	free(bytes);
}

static void another_version_is_an_error_and_blocks_nothing(void **unused)
{
	struct random r = {.state = 7};
	_autoimage_ struct image *image = NULL;

	(void)unused;
	random_image(&r, &image);
	image->data[4]++;
	decide(image->data, &r);
	assert_int_equal(state.error, 1);
	assert_int_equal(state.hits, 0);
	assert_int_equal(state.action, TERCEL_ACTION_AUDIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_damaged_image_is_survived_and_noticed),
	        cmocka_unit_test(random_bytes_are_survived),
	        cmocka_unit_test(another_version_is_an_error_and_blocks_nothing),
	};
	int failed;

	text = calloc(1, MATCH_TEXT_MAX);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(text);
	return failed;
}
