/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of regex.h one by one, for tests only: each way to match by itself, and another release of RE2.
 */
#ifndef TERCEL_FILTER_REGEX_INTERNAL_H
#define TERCEL_FILTER_REGEX_INTERNAL_H

#include "filter/regex.h"
#include "filter/regex_tree.h"

/* As regex_compile(), which follows REGEX_RE2_2022. */
int regex_compile_as(struct regex **out, enum regex_release release, const char *pattern, size_t len,
                     struct regex_error *err);

enum regex_answer {
	REGEX_NO = 0,
	REGEX_YES,
	REGEX_UNDECIDED, /* a limit was reached, or there is no native code */
};

/* With native code only. */
enum regex_answer regex_match_native(const struct regex *r, struct regex_scratch *s, const char *text, size_t len);

/* With the program only. */
bool regex_match_program(const struct regex *r, struct regex_scratch *s, const char *text, size_t len);

#endif
