/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco's `regex` operator: RE2 in its POSIX mode, anchored at both ends, without RE2. It accepts the same patterns and
 * gives the same answer on every text, whatever its bytes (docs/regex-notes.md). Knows nothing of fields and
 * conditions.
 *
 * Matching takes time linear in the text: PCRE2's just-in-time code is given a budget, and when that is used up, a
 * simulation of all states at once (regex_program.h) answers.
 */
#ifndef TERCEL_FILTER_REGEX_H
#define TERCEL_FILTER_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Compiled; does not change, so that several threads may use it, each with a scratch of its own. */
struct regex;

struct regex_error {
	size_t offset;  /* into the pattern, at most its length */
	char text[128]; /* one line: what is wrong, and what to write instead if that is known */
};

/*
 * Compiles a pattern of `len` bytes. 0 with *out set (the caller owns it), -EINVAL with *err set, if RE2 refuses it: by
 * its syntax, or since its program is too large, or -ENOMEM.
 */
int regex_compile(struct regex **out, const char *pattern, size_t len, struct regex_error *err);
void regex_free(struct regex *r);
static inline void cleanup_regex(struct regex **r)
{
	regex_free(*r);
}
#define _autoregex_ _cleanup_(cleanup_regex)

/* Memory for matching, so that no match allocates. */
struct regex_scratch;

/* 0 or -ENOMEM. About 200 KiB. */
int regex_scratch_new(struct regex_scratch **out);
/*
 * Makes it large enough for an expression: to be called once for each that will be matched with it, at any time before.
 * About 30 bytes for each part of the largest pattern. 0 or -ENOMEM.
 */
int regex_scratch_fit(struct regex_scratch *s, const struct regex *r);
void regex_scratch_free(struct regex_scratch *s);
static inline void cleanup_regex_scratch(struct regex_scratch **s)
{
	regex_scratch_free(*s);
}
#define _autoscratch_ _cleanup_(cleanup_regex_scratch)

/* Whether the whole text matches. Never allocates and never fails. The scratch must fit the expression. */
bool regex_matches(const struct regex *r, struct regex_scratch *s, const char *text, size_t len);

/* The expression as a program over bytes (regex_program.h), which answers as regex_matches() does. Owned by it. */
struct regex_program;
const struct regex_program *regex_program_of(const struct regex *r);

/* Whether Falco would warn that =, contains, startswith or endswith might do instead. */
bool regex_is_simple(const char *pattern, size_t len);

#endif
