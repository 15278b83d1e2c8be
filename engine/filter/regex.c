/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a pattern for PCRE2 and for the machine of regex_program.h, and matches with whichever will answer in time.
 * Knows nothing of the syntax of patterns.
 */
#include "filter/regex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "filter/regex_internal.h"
#include "filter/regex_machine.h"
#include "filter/regex_parse.h"
#include "filter/regex_program.h"
#include "filter/regex_translate.h"

/*
 * How much PCRE2 may try on one text before the machine takes over, so that both together take not much longer than the
 * machine alone. PCRE2 counts what it tries, of which it needs about one for each character where nothing is amiss; but
 * one may look at the whole text, so that long texts are allowed fewer.
 */
enum {
	TRIES_MIN = 64,
	CHARACTERS = 1 << 20, /* that may be looked at; a millisecond */
};

static uint32_t allowed_tries(size_t len)
{
	size_t tries = len + TRIES_MIN, long_tries = CHARACTERS / (len + 1) + TRIES_MIN;

	return (uint32_t)(tries < long_tries ? tries : long_tries);
}

struct regex {
	pcre2_code *codes[2]; /* by enum regex_texts; NULL where PCRE2 cannot or need not */
	bool wide;            /* whether some part takes a byte of 0x80 or above */
	struct regex_program *program;
};

struct regex_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
	struct regex_machine *machine;
};

static void cleanup_code(pcre2_code **code)
{
	pcre2_code_free(*code);
}

static void cleanup_compile_context(pcre2_compile_context **context)
{
	pcre2_compile_context_free(*context);
}

/*
 * Native code for one kind of texts. *out stays NULL where PCRE2 has none: for what its limits are too small, and on
 * machines that it makes no code for. 0 or -ENOMEM.
 */
static int compile_native(pcre2_code **out, const struct buf *pattern)
{
	const uint32_t options =
	        PCRE2_DOTALL | PCRE2_MULTILINE | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_UTF | PCRE2_NO_AUTO_CAPTURE;
	_cleanup_(cleanup_compile_context) pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	_cleanup_(cleanup_code) pcre2_code *code = NULL;
	PCRE2_SIZE offset;
	int error;

	if (!context)
		return -ENOMEM;
	(void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	code = pcre2_compile((PCRE2_SPTR)buf_str(pattern), pattern->len, options, &error, &offset, context);
	if (code && pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0)
		*out = TAKE_PTR(code);
	return 0;
}

static int translate(struct regex *r, const struct regex_node *root, enum regex_texts texts)
{
	_autobuf_ struct buf pattern = BUF_INIT;
	int error = regex_translate(&pattern, root, texts, &r->wide);

	if (error == -E2BIG)
		return 0;
	return error ? error : compile_native(&r->codes[texts], &pattern);
}

static int compile(struct regex *r, struct arena *arena, enum regex_release release, const char *pattern, size_t len,
                   struct regex_error *err)
{
	struct regex_node *root;
	int error = regex_parse(&root, arena, release, pattern, len, err);

	if (error)
		return error;
	error = translate(r, root, REGEX_TEXTS_ASCII);
	if (!error && r->wide)
		error = translate(r, root, REGEX_TEXTS_ANY);
	if (error)
		return error;
	error = regex_program_new(&r->program, arena, release, root, REGEX_INSTRUCTIONS_MAX);
	if (error == -E2BIG) {
		*err = (struct regex_error){.offset = 0};
		(void)snprintf(err->text, sizeof(err->text),
		               "too large: repetitions are counted out, into %d instructions at most",
		               REGEX_INSTRUCTIONS_MAX);
		return -EINVAL;
	}
	return error;
}

int regex_compile_as(struct regex **out, enum regex_release release, const char *pattern, size_t len,
                     struct regex_error *err)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_autoregex_ struct regex *r = calloc(1, sizeof(*r));
	int error = r ? compile(r, &arena, release, pattern, len, err) : -ENOMEM;

	if (!error)
		*out = TAKE_PTR(r);
	return error;
}

int regex_compile(struct regex **out, const char *pattern, size_t len, struct regex_error *err)
{
	return regex_compile_as(out, REGEX_RE2_2022, pattern, len, err);
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < sizeof(r->codes) / sizeof(*r->codes); i++)
		pcre2_code_free(r->codes[i]);
	regex_program_free(r->program);
	free(r);
}

int regex_scratch_new(struct regex_scratch **out)
{
	_autoscratch_ struct regex_scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->data = pcre2_match_data_create(1, NULL);
	s->context = pcre2_match_context_create(NULL);
	if (!s->data || !s->context || regex_machine_new(&s->machine))
		return -ENOMEM;
	*out = TAKE_PTR(s);
	return 0;
}

int regex_scratch_fit(struct regex_scratch *s, const struct regex *r)
{
	return regex_machine_fit(s->machine, r->program);
}

void regex_scratch_free(struct regex_scratch *s)
{
	if (!s)
		return;
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	regex_machine_free(s->machine);
	free(s);
}

static bool is_ascii(const char *text, size_t len)
{
	uint64_t all = 0, word;
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		all |= word;
	}
	for (; i < len; i++)
		all |= (uint8_t)text[i];
	return !(all & UINT64_C(0x8080808080808080));
}

enum regex_answer regex_match_native(const struct regex *r, struct regex_scratch *s, const char *text, size_t len)
{
	bool ascii = is_ascii(text, len);
	const pcre2_code *code = r->codes[r->wide && !ascii];
	int n;

	/* No part takes such a byte. */
	if (!r->wide && !ascii)
		return REGEX_NO;
	if (!code)
		return REGEX_UNDECIDED;
	(void)pcre2_set_match_limit(s->context, allowed_tries(len));
	n = pcre2_jit_match(code, (PCRE2_SPTR)text, len, 0, 0, s->data, s->context);
	/* Anything else is a limit: that on tries, or the size of its stack. */
	return n >= 0 ? REGEX_YES : n == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_UNDECIDED;
}

bool regex_match_program(const struct regex *r, struct regex_scratch *s, const char *text, size_t len)
{
	return regex_machine_matches(s->machine, r->program, text, len);
}

bool regex_matches(const struct regex *r, struct regex_scratch *s, const char *text, size_t len)
{
	enum regex_answer answer = regex_match_native(r, s, text, len);

	return answer == REGEX_UNDECIDED ? regex_match_program(r, s, text, len) : answer == REGEX_YES;
}

const struct regex_program *regex_program_of(const struct regex *r)
{
	return r->program;
}

/* As C's strchr() has it, a NUL is in every set. */
static bool is_one_of(const char *set, char c)
{
	return strchr(set, c) != NULL;
}

bool regex_is_simple(const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = pattern[i];

		if ((i == 0 && c == '^') || (i == len - 1 && c == '$'))
			continue;
		if (((i == 0 && len > 1) || i + 2 == len) && c == '.' && is_one_of("+*?", pattern[i + 1]))
			i++;
		else if (is_one_of(".+*?^$()[]{}|\\", c))
			return false;
	}
	return true;
}
