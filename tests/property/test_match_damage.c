/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A damaged image never makes the matcher read outside its memory or run on (seen under AddressSanitizer and by the
 * time limit); what the matcher notices blocks nothing, and the loader's check notices it all.
 * test_match_kernel.c does the same inside the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sample.h"

#define IMAGES 250
#define RULES 8
#define ACTS 20

static struct case_facts facts;
static struct match_state state;

static void random_sample(struct sample *s, struct random *r)
{
	assert_int_equal(sample_make(s, exprs_random(r, RULES, 3, 0), RULES, 0, r, SAMPLE_IMAGE), 0);
}

/* Where the matcher's memory ends is AddressSanitizer's to say: the texts are at the end of an allocation, too. */
static void decide(const struct sample *s, const uint8_t *bytes, struct random *r)
{
	struct case_facts *own = malloc(sizeof(*own));
	struct world w;

	world_random(&w, r, (enum tercel_point)random_below(r, TERCEL_POINTS), 2);
	case_make(&facts, s, &w);
	*own = facts;
	case_decide(own, bytes, w.point, &state);
	free(own);
	/* Whatever it read, what it says stays within bounds; after an error nothing is blocked. */
	assert_true(state.hits <= TERCEL_HITS_MAX);
	if (state.error) {
		assert_int_equal(state.action, TERCEL_ACTION_AUDIT);
		assert_int_equal(state.hits, 0);
	}
}

/* Some bytes, or a word that becomes another number: an offset, a count. */
static void damage(struct random *r, uint8_t *bytes, size_t size)
{
	for (uint32_t i = 0, n = 1 + random_below(r, 60); i < n; i++) {
		uint32_t at = 24 + random_below(r, (uint32_t)size - 28), value = random_below(r, UINT32_MAX);

		if (random_below(r, 2)) {
			bytes[at] = (uint8_t)~bytes[at];
			continue;
		}
		/* The header's numbers most of all. */
		if (random_below(r, 2))
			at = 24 + random_below(r, (uint32_t)sizeof(struct match_header) - 28);
		at &= ~3U;
		if (random_below(r, 2))
			value &= TERCEL_IMAGE_MAX - 1;
		memcpy(bytes + at, &value, sizeof(value));
	}
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
		struct sample s;
		/* Exactly the capacity: one byte behind it is AddressSanitizer's. */
		uint8_t *bytes = malloc(TERCEL_IMAGE_MAX);

		random_sample(&s, &r);
		assert_int_equal(image_verify(s.image->data, s.image->size, NULL), 0);
		memcpy(bytes, s.image->data, TERCEL_IMAGE_MAX);
		damage(&r, bytes, s.image->size);
		if (memcmp(bytes, s.image->data, s.image->size) != 0)
			assert_int_not_equal(image_verify(bytes, s.image->size, NULL), 0);
		for (int i = 0; i < ACTS; i++) {
			decide(&s, bytes, &r);
			errors += state.error != 0;
		}
		free(bytes);
		sample_free(&s);
	}
	printf("%zu of %d decisions noticed the damage\n", errors, IMAGES * ACTS);
	assert_true(errors > 0);
}

static void random_bytes_are_survived(void **unused)
{
	struct random r = {.state = 42};
	uint8_t *bytes = malloc(TERCEL_IMAGE_MAX);
	struct match_header h = {.magic = TERCEL_IMAGE_MAGIC, .version = TERCEL_IMAGE_VERSION};
	struct sample s;

	(void)unused;
	random_sample(&s, &r);
	for (int round = 0; round < 12; round++) {
		for (size_t i = 0; i < TERCEL_IMAGE_MAX; i++)
			bytes[i] = (uint8_t)random_below(&r, 256);
		memcpy(bytes, &h.magic, sizeof(h.magic));
		memcpy(bytes + offsetof(struct match_header, version), &h.version, sizeof(h.version));
		/* Enough of a header that the matcher goes on. */
		h.atom_words = random_below(&r, TERCEL_ATOM_WORDS + 1);
		h.rule_words = random_below(&r, TERCEL_RULE_WORDS + 1);
		memcpy(bytes + offsetof(struct match_header, atom_words), &h.atom_words, 2 * sizeof(h.atom_words));
		for (int i = 0; i < 3; i++)
			decide(&s, bytes, &r);
	}
	sample_free(&s);
	free(bytes);
}

static void another_version_is_an_error_and_blocks_nothing(void **unused)
{
	struct random r = {.state = 7};
	struct sample s;

	(void)unused;
	random_sample(&s, &r);
	s.image->data[offsetof(struct match_header, version)]++;
	decide(&s, s.image->data, &r);
	assert_int_equal(state.error, 1);
	assert_int_equal(state.hits, 0);
	assert_int_equal(state.action, TERCEL_ACTION_AUDIT);
	sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_damaged_image_is_survived_and_noticed),
	        cmocka_unit_test(random_bytes_are_survived),
	        cmocka_unit_test(another_version_is_an_error_and_blocks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
