// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions and texts from arbitrary bytes: the pattern, a NUL, the texts with NULs between. Promises: an
 * error always has a place inside the pattern and a one-line message; PCRE2 takes every translation but for its limits;
 * native code and machine give the same answer.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "check.h"
#include "filter/regex_internal.h"
#include "filter/regex_parse.h"
#include "filter/regex_program.h"
#include "filter/regex_translate.h"

static void check_translation(const struct regex_node *root, enum regex_texts texts)
{
	_autobuf_ struct buf pattern = BUF_INIT;
	PCRE2_SIZE offset;
	bool wide;
	int error = regex_translate(&pattern, root, texts, &wide);

	if (error) {
		CHECK(error == -E2BIG);
		return;
	}
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)buf_str(&pattern), pattern.len, PCRE2_DOTALL | PCRE2_NEVER_UTF,
	                                 &error, &offset, NULL);

	if (!code && error != PCRE2_ERROR_PATTERN_TOO_LARGE && error != PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP &&
	    error != PCRE2_ERROR_PATTERN_TOO_COMPLICATED) {
		(void)fprintf(stderr, "error %d at %zu of %s\n", error, offset, buf_str(&pattern));
		abort();
	}
	pcre2_code_free(code);
}

/* The work that one text may make: instructions by bytes. What takes longer finds nothing more. */
enum { WORK_MAX = 500000 };

/* Checks the parts by themselves. Returns how long texts may be. */
static size_t check_parts(enum regex_release release, const char *pattern, size_t len)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_(cleanup_regex_program) struct regex_program *program = NULL;
	struct regex_error err;
	struct regex_node *root;

	CHECK(regex_parse(&root, &arena, release, pattern, len, &err) == 0);
	check_translation(root, REGEX_TEXTS_ASCII);
	check_translation(root, REGEX_TEXTS_ANY);
	CHECK(regex_program_new(&program, &arena, release, root, REGEX_INSTRUCTIONS_MAX) == 0);
	return WORK_MAX / program->size;
}

static void check_text(const struct regex *r, struct regex_scratch *s, const char *text, size_t len)
{
	enum regex_answer native = regex_match_native(r, s, text, len);
	bool machine = regex_match_program(r, s, text, len);

	CHECK(native == REGEX_UNDECIDED || (native == REGEX_YES) == machine);
	CHECK(regex_matches(r, s, text, len) == machine);
	CHECK(regex_match_program(r, s, text, len) == machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_autoregex_ struct regex *r = NULL;
	_autoscratch_ struct regex_scratch *s = NULL;
	const char *pattern = (const char *)data, *end = pattern + size;
	struct regex_error err = {.text = "unset", .offset = SIZE_MAX};
	size_t len = strnlen(pattern, size);
	enum regex_release release = size % 2 ? REGEX_RE2_2022 : REGEX_RE2_2023;
	int error = regex_compile_as(&r, release, pattern, len, &err);

	CHECK(error == 0 || error == -EINVAL);
	CHECK((error == 0) == (r != NULL));
	(void)regex_is_simple(pattern, len);
	if (error) {
		CHECK(err.offset <= len && *err.text && !strpbrk(err.text, "\n\r\t"));
		return 0;
	}
	size_t most = check_parts(release, pattern, len);

	CHECK(regex_scratch_new(&s) == 0 && regex_scratch_fit(s, r) == 0);
	check_text(r, s, "", 0);
	check_text(r, s, pattern, len < most ? len : most);
	for (const char *text = pattern + len; text < end;) {
		text++;
		size_t n = strnlen(text, (size_t)(end - text));

		check_text(r, s, text, n < most ? n : most);
		text += n;
	}
	return 0;
}
