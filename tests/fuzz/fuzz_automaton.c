/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Automata from arbitrary bytes: patterns, each a byte that says its kind and flags, its bytes and a NUL; then a text,
 * behind a byte that says where its directory ends. Promises: what is accepted is built, keeps the promises of its
 * type, and says what each pattern's own function says; what is refused has a reason.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automaton_oracle.h"
#include "check.h"

/* Longer patterns and texts take longer, and find nothing more. */
enum {
	PATTERNS = 4,
	PATTERN_LENGTH = 24,
	TEXT_LENGTH = 128,
};

static unsigned int flags_of(uint8_t byte)
{
	unsigned int flags = byte >> 2 & (PATTERN_BEGIN | PATTERN_END | PATTERN_END_DIR | PATTERN_FOLD);

	return flags & PATTERN_END_DIR ? flags & ~(unsigned int)PATTERN_END : flags;
}

static void check_refused(const struct pattern *p, const char *why, bool valid)
{
	struct automata a = {0};

	CHECK(why && *why && !strpbrk(why, ".\n"));
	CHECK(valid || p->kind == PATTERN_REGEX);
	CHECK(automata_build(&a, p, 1, 0) == -EINVAL && a.n == 0);
}

/* Takes the patterns from the data; those that are accepted are left. */
static size_t take_patterns(const uint8_t **at, const uint8_t *end, struct pattern *patterns, struct oracle *oracles)
{
	static const enum pattern_kind kinds[] = {PATTERN_TEXT, PATTERN_GLOB, PATTERN_PMATCH, PATTERN_REGEX};
	size_t n = 0;

	for (size_t i = 0; i < PATTERNS; i++) {
		const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;

		if (!nul || nul == *at)
			break;
		struct pattern *p = &patterns[n];
		bool valid;
		int err;

		*p = (struct pattern){.kind = kinds[**at & 3],
		                      .flags = flags_of(**at),
		                      .bytes = (const char *)*at + 1,
		                      .len = (size_t)(nul - *at - 1),
		                      .id = (uint32_t)n};
		if (p->len > PATTERN_LENGTH)
			p->len = PATTERN_LENGTH;
		*at = nul + 1;
		valid = oracle_init(&oracles[n], p);
		const char *why = automaton_accepts(p, &err);

		CHECK(err == 0);
		if (!why && valid) {
			n++;
			continue;
		}
		check_refused(p, why, valid);
		oracle_free(&oracles[n]);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *end = data + size;
	struct pattern patterns[PATTERNS];
	struct oracle oracles[PATTERNS];
	struct automata a = {0};
	bool seen[PATTERNS] = {false};
	size_t n = take_patterns(&at, end, patterns, oracles);
	size_t dir = at < end ? *at++ : NO_DIRECTORY, len = strnlen((const char *)at, (size_t)(end - at));

	CHECK(automata_build(&a, patterns, n, 0) == 0);
	for (size_t i = 0; i < a.n; i++)
		CHECK(!automaton_fault(&a.items[i]));
	if (len > TEXT_LENGTH)
		len = TEXT_LENGTH;
	if (dir > len)
		dir = NO_DIRECTORY;
	walk_automata(&a, (const char *)at, len, dir, seen);
	for (size_t i = 0; i < n; i++) {
		CHECK(oracle_says(&oracles[i], (const char *)at, len, dir) == seen[i]);
		oracle_free(&oracles[i]);
	}
	automata_free(&a);
	return 0;
}
