/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thousand broken rule files, made of real ones: none may crash the loader, hang it or leak, and every error says
 * file, line and column, of a place that is there. The same thousand each time.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "rules/rules.h"

enum { FILES = 1000, SOURCES = 3, CHANGES_MAX = 4, SECONDS_MAX = 5 };

static uint32_t next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* What YAML and conditions are made of. */
static const char *const pieces[] = {":",           "-",
                                     ">",           "|",
                                     "\"",          "'",
                                     "[",           "]",
                                     "{",           "}",
                                     ",",           "#",
                                     "&a ",         "*a",
                                     "!",           "%",
                                     "@",           "`",
                                     "?",           "\t",
                                     " ",           "\n",
                                     "\r",          "\r\n",
                                     "---\n",       "...\n",
                                     ": ",          "- ",
                                     "\\",          "=",
                                     "!!str ",      "~",
                                     "null",        "\xff",
                                     "\xc3",        "\x01",
                                     ">-",          "|+",
                                     "|2",          "<<: *a",
                                     "true",        "(",
                                     ")",           " and ",
                                     " or ",        " not ",
                                     " in (",       "append",
                                     "replace",     "override:",
                                     "exceptions:", "comps:",
                                     "values:",     "fields:",
                                     "\"x",         "rule: ",
                                     "list: ",      "macro: ",
                                     "items: ",     "evt.type",
                                     "%proc.nme",   "999999999999",
                                     "\xef\xbb\xbf"};
enum { PIECES = sizeof(pieces) / sizeof(*pieces) };

/* Where a line starts: that of the byte at `at`. */
static size_t line_start(const char *s, size_t at)
{
	while (at && s[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const char *s, size_t len, size_t at)
{
	const char *end = memchr(s + at, '\n', len - at);

	return end ? (size_t)(end - s) + 1 : len;
}

/* s[from..to) becomes `bytes`. */
static void splice(struct buf *b, size_t from, size_t to, const char *bytes, size_t n)
{
	struct buf changed = BUF_INIT;

	buf_add(&changed, buf_str(b), from);
	buf_add(&changed, bytes, n);
	buf_add(&changed, buf_str(b) + to, b->len - to);
	buf_free(b);
	*b = changed;
}

/* One change at a random place. */
static void change(struct buf *b, uint64_t *seed)
{
	size_t at = next(seed) % b->len, other = next(seed) % b->len;
	size_t start = line_start(buf_str(b), at), end = line_end(buf_str(b), b->len, at);
	const char *piece = pieces[next(seed) % PIECES];
	char byte = (char)next(seed);

	switch (next(seed) % 9) {
	case 0:
		splice(b, at, at + 1, "", 0);
		break;
	case 1:
		splice(b, at, at, piece, strlen(piece));
		break;
	case 2:
		splice(b, at, at + 1, piece, strlen(piece));
		break;
	case 3:
		splice(b, at, at + 1, &byte, 1);
		break;
	case 4: /* a line less */
		splice(b, start, end, "", 0);
		break;
	case 5: /* indented otherwise */
		splice(b, start, start + (buf_str(b)[start] == ' '), byte & 1 ? "   " : "", byte & 1 ? 3 : 0);
		break;
	case 6: { /* another line, here */
		size_t from = line_start(buf_str(b), other), to = line_end(buf_str(b), b->len, other);
		_autofree_ char *line = strndup(buf_str(b) + from, to - from);

		assert_non_null(line);
		splice(b, start, start, line, strlen(line));
		break;
	}
	case 7: /* some bytes less */
		splice(b, at, at + 1 + other % 80 < b->len ? at + 1 + other % 80 : b->len, "", 0);
		break;
	default: /* cut off */
		if (byte % 8 == 0)
			splice(b, at, b->len, "", 0);
		break;
	}
}

static void assert_place(const struct buf *text, const struct diag *d)
{
	uint32_t line = 1;
	size_t start = 0;

	assert_non_null(d->file);
	assert_string_equal(d->file, "mutant.yaml");
	assert_true(d->line && d->column);
	for (; line < d->line && start < text->len; start++)
		line += buf_str(text)[start] == '\n';
	assert_int_equal(line, d->line);
	assert_true(start + d->column - 1 <= text->len + 1);
	assert_true(*d->message && !strchr(d->message, '\n'));
}

static double seconds(const struct timespec *from)
{
	struct timespec to;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from->tv_sec) + (double)(to.tv_nsec - from->tv_nsec) / 1e9;
}

/* Loads a mutant; whether it is accepted all the same. */
static bool try_mutant(const struct buf *text, double *longest)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *r = NULL;
	struct timespec begin;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	int error = rules_load_buffer(&r, "mutant.yaml", buf_str(text), text->len, &diags);
	double took = seconds(&begin);

	*longest = took > *longest ? took : *longest;
	assert_true(took < (double)SECONDS_MAX);
	assert_int_equal(error, diags.errors ? -EINVAL : 0);
	assert_true((r != NULL) == (error == 0));
	for (size_t i = 0; i < diags.count; i++)
		assert_place(text, &diags.items[i]);
	return r != NULL;
}

static bool read_source(struct buf *out, const char *name)
{
	const char *shared = getenv("TERCEL_SHARED");
	char path[4096], chunk[4096];

	(void)snprintf(path, sizeof(path), "%s/rules/%s", shared ? shared : TERCEL_SOURCE_DIR "/../shared", name);
	_autofclose_ FILE *f = fopen(path, "re");

	if (!f) {
		print_message("skipped: no upstream rules at %s\n", path);
		return false;
	}
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f));)
		buf_add(out, chunk, n);
	return true;
}

static void broken_files_are_refused_at_a_place(void **state)
{
	static const char *const names[SOURCES] = {"falco_rules.yaml", "falco-incubating_rules.yaml",
	                                           "falco-sandbox_rules.yaml"};
	struct buf sources[SOURCES] = {BUF_INIT, BUF_INIT, BUF_INIT};
	uint64_t seed = 1000;
	size_t accepted = 0;
	double longest = 0;

	(void)state;
	for (size_t i = 0; i < SOURCES; i++)
		if (!read_source(&sources[i], names[i]))
			skip();
	for (int i = 0; i < FILES; i++) {
		_autobuf_ struct buf text = BUF_INIT;
		const struct buf *source = &sources[i % SOURCES];

		buf_add(&text, buf_str(source), source->len);
		for (uint32_t n = 1 + next(&seed) % CHANGES_MAX; n && text.len; n--)
			change(&text, &seed);
		accepted += try_mutant(&text, &longest);
	}
	for (size_t i = 0; i < SOURCES; i++)
		buf_free(&sources[i]);
	print_message("%zu of %d mutants were accepted; the longest took %.3f s\n", accepted, FILES, longest);
	assert_true(accepted < FILES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(broken_files_are_refused_at_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
