// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions: what is accepted, refused and matched, each by native code and by the machine; limits, time and
 * memory. That RE2 says the same is tested in tests/falco.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "filter/regex_internal.h"
#include "filter/regex_program.h"

/* --- Allocations are counted where no sanitizer wants to see them itself --- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

static size_t allocations, living;
static size_t fail_at = SIZE_MAX; /* the allocation that fails */

#ifndef SANITIZED
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

/* Stand before the C library's, for PCRE2 also. */
#define INSTEAD_OF(name) __asm__(name) __attribute__((visibility("default"), used))
void *counted_malloc(size_t size) INSTEAD_OF("malloc");
void *counted_calloc(size_t n, size_t size) INSTEAD_OF("calloc");
void *counted_realloc(void *p, size_t size) INSTEAD_OF("realloc");
void counted_free(void *p) INSTEAD_OF("free");

void *counted_malloc(size_t size)
{
	void *p = allocations++ == fail_at ? NULL : __libc_malloc(size);

	living += p != NULL;
	return p;
}

void *counted_calloc(size_t n, size_t size)
{
	void *p = allocations++ == fail_at ? NULL : __libc_calloc(n, size);

	living += p != NULL;
	return p;
}

void *counted_realloc(void *p, size_t size)
{
	void *grown = allocations++ == fail_at ? NULL : __libc_realloc(p, size);

	living += !p && grown;
	return grown;
}

void counted_free(void *p)
{
	living -= p != NULL;
	__libc_free(p);
}
#endif

static void skip_without_counts(void)
{
#ifdef SANITIZED
	skip();
#endif
}

/* --- Helpers --- */

/* A string literal that may hold NULs. */
#define TEXT(literal) (literal), sizeof(literal) - 1

static struct regex *compile_as(enum regex_release release, const char *pattern, size_t len)
{
	struct regex *r = NULL;
	struct regex_error err = {0};

	if (regex_compile_as(&r, release, pattern, len, &err))
		fail_msg("'%.*s' is refused: %s", (int)len, pattern, err.text);
	return r;
}

static struct regex *compile(const char *pattern)
{
	return compile_as(REGEX_RE2_2022, pattern, strlen(pattern));
}

static struct regex_scratch *scratch_for(const struct regex *r)
{
	struct regex_scratch *s = NULL;

	assert_int_equal(regex_scratch_new(&s), 0);
	assert_int_equal(regex_scratch_fit(s, r), 0);
	return s;
}

/* All ways to match must agree. */
static bool all_match(const struct regex *r, struct regex_scratch *s, const char *text, size_t len)
{
	enum regex_answer native = regex_match_native(r, s, text, len);
	bool machine = regex_match_program(r, s, text, len);

	assert_int_equal(regex_matches(r, s, text, len), machine);
	if (native != REGEX_UNDECIDED)
		assert_int_equal(native == REGEX_YES, machine);
	return machine;
}

static bool match_as(enum regex_release release, const char *pattern, size_t pattern_len, const char *text, size_t len)
{
	_autoregex_ struct regex *r = compile_as(release, pattern, pattern_len);
	_autoscratch_ struct regex_scratch *s = scratch_for(r);

	return all_match(r, s, text, len);
}

static double cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *repeat(const char *piece, size_t times)
{
	_autobuf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < times; i++)
		buf_adds(&b, piece);
	char *text = buf_take(&b);

	assert_non_null(text);
	return text;
}

/* --- Acceptance --- */

static void what_re2_accepts_in_posix_mode_is_accepted(void **state)
{
	static const char *const patterns[] = {
	        "",
	        "a",
	        "a**",
	        "a*+?",
	        "a{2}{3}",
	        "a{0}",
	        "a{1000}",
	        "a{2,}",
	        "(a{10}){100}",
	        "a{,2}",
	        "a{01}",
	        "a{99999999999}",
	        "{",
	        "a{",
	        "a{1",
	        "}",
	        "]",
	        "()",
	        "(|)",
	        "()*",
	        "^*",
	        "$+",
	        "^^$$",
	        "a||b",
	        "|a",
	        "[]a]",
	        "[^]a]",
	        "[a-]",
	        "[-a]",
	        "[--a]",
	        "[+--]",
	        "[a\\-z]",
	        "[[:alpha:]]",
	        "[[:^word:]x]",
	        "[[:alpha]",
	        "[[.a.]]",
	        "[A-[:digit:]]",
	        "\\.",
	        "\\_",
	        "\\-",
	        "\\n\\t\\r\\f\\v\\a",
	        "\\x41\\x{10FFFF}",
	        "\\0\\01\\123",
	        "\\377",
	        "\\777",
	        "[\\x00-\\x{10FFFF}]",
	        "[^\\x00-\\x{10FFFF}]",
	        "\xed\xa0\x80",
	        "((a{10}){10}){10}",
	        "\\ ",
	        "\\\x7f",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		regex_free(compile(patterns[i]));
}

static void what_re2_refuses_in_posix_mode_is_refused_where_it_stands(void **state)
{
	static const struct {
		const char *pattern;
		size_t offset;
		const char *says;
	} rows[] = {
	        {"*a", 0, "nothing to repeat"},
	        {"a|*", 2, "nothing to repeat"},
	        {"({2})", 1, "nothing to repeat"},
	        {"x(?i)a", 2, "no flags"},
	        {"(?:a)", 1, "no flags"},
	        {"(?P<n>a)", 1, "named groups"},
	        {"(a", 0, "missing )"},
	        {"a(b(c)", 1, "missing )"},
	        {"a)", 1, "unexpected )"},
	        {"a[b", 1, "missing ]"},
	        {"[]", 0, "missing ]"},
	        {"[^]", 0, "missing ]"},
	        {"[a-", 0, "missing ]"},
	        {"[b-a]", 1, "ends before it begins"},
	        {"[xa-[:digit:]]", 2, "ends before it begins"},
	        {"[a-b-c]", 4, "dash"},
	        {"[[:alpha:]-z]", 10, "dash"},
	        {"[[:foo:]]", 1, "alnum"},
	        {"[[:^:]]", 1, "alnum"},
	        {"a{1001}", 1, "1000"},
	        {"a{2,1}", 1, "smaller"},
	        {"(a{30}){34}", 7, "1000"},
	        {"a\\", 1, "backslash"},
	        {"a\\d", 1, "[0-9]"},
	        {"\\S+", 0, "[^[:space:]]"},
	        {"[\\w]", 1, "[[:word:]]"},
	        {"\\bfoo", 0, "word boundaries"},
	        {"\\Aa", 0, "anyway"},
	        {"a\\z", 1, "anyway"},
	        {"\\pN", 0, "Unicode"},
	        {"\\Qa", 0, "escape each"},
	        {"\\C", 0, "\\C"},
	        {"\\1", 0, "references"},
	        {"\\8", 0, "references"},
	        {"\\18", 0, "references"},
	        {"\\x", 0, "hexadecimal"},
	        {"\\x4", 0, "hexadecimal"},
	        {"\\x{}", 0, "hexadecimal"},
	        {"\\x{41", 0, "hexadecimal"},
	        {"\\x{110000}", 0, "10FFFF"},
	        {"\\\xc3\xa9", 0, "escape"},
	        {"ab\xff", 2, "UTF-8"},
	        {"\xc0\x80", 0, "UTF-8"},
	        {"\xf4\x90\x80\x80", 0, "UTF-8"},
	        {"a\xe2\x84", 1, "UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct regex *r = NULL;
		struct regex_error err = {0};

		if (regex_compile(&r, rows[i].pattern, strlen(rows[i].pattern), &err) != -EINVAL)
			fail_msg("'%s' is accepted", rows[i].pattern);
		assert_null(r);
		if (err.offset != rows[i].offset || !strstr(err.text, rows[i].says) || strchr(err.text, '\n'))
			fail_msg("'%s': \"%s\" at %zu", rows[i].pattern, err.text, err.offset);
	}
}

static void the_limit_of_size_is_re2s(void **state)
{
	/* One instruction for each letter, and four more. */
	size_t most = REGEX_INSTRUCTIONS_MAX - 4;
	_autofree_ char *pattern = repeat("a", most + 1);
	_autoregex_ struct regex *r = NULL, *none = NULL;
	struct regex_error err = {0};

	(void)state;
	assert_int_equal(regex_compile(&r, pattern, most, &err), 0);
	assert_int_equal(regex_compile(&none, pattern, most + 1, &err), -EINVAL);
	assert_non_null(strstr(err.text, "too large"));
	/* PCRE2 refuses either; the machine matches. */
	_autoscratch_ struct regex_scratch *s = scratch_for(r);

	assert_int_equal(regex_match_native(r, s, pattern, most), REGEX_UNDECIDED);
	assert_true(regex_matches(r, s, pattern, most));
	assert_false(regex_matches(r, s, pattern, most - 1));
	assert_int_equal(regex_compile(&none, TEXT("(((abcdefghij){10}){10}x{1000}){9}(.{1000}){1000}"), &err),
	                 -EINVAL);
	assert_int_equal(regex_compile(&none,
	                               TEXT("(((.{1000}))(.{1000}).{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000})"
	                                    "([^a]{1000}){1}(.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}){99}"
	                                    "(.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}){100}"
	                                    "(.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}){100}"
	                                    "(.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}.{10}){100}"),
	                               &err),
	                 0);
}

static void nesting_has_no_limit_and_takes_no_time(void **state)
{
	enum { DEPTH = 100000 };
	_autofree_ char *open = repeat("(", DEPTH), *close = repeat(")", DEPTH), *stars = repeat(")*", DEPTH);
	_autofree_ char *dots = repeat(".", 50000);
	_autobuf_ struct buf groups = BUF_INIT, loops = BUF_INIT, alike = BUF_INIT;
	double start = cpu_seconds();

	(void)state;
	buf_addf(&groups, "%sa%s", open, close);
	assert_true(match_as(REGEX_RE2_2022, groups.data, groups.len, TEXT("a")));
	assert_false(match_as(REGEX_RE2_2022, groups.data, groups.len, TEXT("aa")));
	buf_addf(&loops, "%sa%s", open, stars);
	assert_true(match_as(REGEX_RE2_2022, loops.data, loops.len, TEXT("aaa")));
	assert_false(match_as(REGEX_RE2_2022, loops.data, loops.len, TEXT("aba")));
	/* Each dot is put before both alternatives by itself. */
	buf_addf(&alike, "%sa|%sb", dots, dots);
	regex_free(compile(buf_str(&alike)));
	/* It is less than one second, and would be minutes if something were done for each pair of them. */
	assert_true(cpu_seconds() - start < 10);
}

/* --- Answers --- */

static void the_whole_text_must_match(void **state)
{
	(void)state;
	assert_true(match_as(REGEX_RE2_2022, TEXT("b|abc|a"), TEXT("abc")));
	assert_true(match_as(REGEX_RE2_2022, TEXT("a|ab|abc"), TEXT("abc")));
	assert_false(match_as(REGEX_RE2_2022, TEXT("abc"), TEXT("abcd")));
	assert_false(match_as(REGEX_RE2_2022, TEXT("abc"), TEXT("xabc")));
	assert_false(match_as(REGEX_RE2_2022, TEXT("abc"), TEXT("abc\n")));
	assert_false(match_as(REGEX_RE2_2022, TEXT("abc$"), TEXT("abc\n")));
	assert_true(match_as(REGEX_RE2_2022, TEXT(""), TEXT("")));
	assert_false(match_as(REGEX_RE2_2022, TEXT(""), TEXT("\n")));
}

static void answers_are_as_in_the_table(void **state)
{
	static const struct {
		const char *pattern, *matches[4], *not[4];
	} rows[] = {
	        /* Anchors are those of lines. */
	        {"a$\n^b", {"a\nb"}, {"ab"}},
	        {"(^a$\n?)*", {"", "a", "a\na", "a\n"}, {"aa", "\na"}},
	        {"a\n^", {"a\n"}, {"a"}},
	        {"^*a$*", {"a"}, {"\na"}},
	        {"(^){3}a", {"a"}, {"aaa"}},
	        {"x(^|a)b", {"xab"}, {"xb", "x\nb"}},
	        {"$^", {"", NULL}, {"\n"}},
	        {"($^\n)*", {"", "\n", "\n\n"}, {"a"}},
	        /* A dot is no newline, a negated class may be. */
	        {".", {"a", "\r", "\xc3\xa9", "\xf0\x9f\x98\x80"}, {"\n", "", "aa"}},
	        {"[^a]", {"\n", "b", "\xc3\xa9"}, {"a", ""}},
	        {"[^a\\n]", {"b"}, {"\n", "a"}},
	        /* Repetitions. */
	        {"a{2,3}", {"aa", "aaa"}, {"a", "aaaa"}},
	        {"a{2}{3}", {"aaaaaa"}, {"aaaaa", "aa"}},
	        {"a{0}b", {"b"}, {"ab"}},
	        {"(a|){3}", {"", "a", "aaa"}, {"aaaa"}},
	        {"(a*)+", {"", "aa"}, {"b"}},
	        {"(a?b?)*c", {"c", "abbac"}, {"abd"}},
	        {"a{,2}", {"a{,2}"}, {"aa"}},
	        {"a{01}", {"a{01}"}, {"a"}},
	        {"a**?", {"", "aa"}, {"b"}},
	        /* Classes by name are those of ASCII. */
	        {"[[:alpha:]]+", {"aZ"}, {"a1", "\xc3\xa9"}},
	        {"[[:^alpha:]]", {"1", "\xc3\xa9", "\n"}, {"a"}},
	        {"[[:space:]]{6}", {" \t\n\v\f\r"}, {"      \xc2\xa0"}},
	        {"[[:word:]]*", {"aZ_9"}, {"-", "\xc5\xbf"}},
	        {"[[:punct:]]*", {"!/:@[`{~$+<=>^|"}, {"a", " "}},
	        {"[[:print:]]*", {"a ~"}, {"\t", "\x7f"}},
	        {"[[:blank:][:digit:]-]+", {"1 -\t2"}, {"a"}},
	        {"[^[:ascii:]]+", {"\xc3\xa9\xe2\x98\x83"}, {"a"}},
	        {"[]^-]*", {"]-^"}, {"a"}},
	        {"[a\\]]*", {"a]"}, {"\\"}},
	        {"[[:alpha]*", {"[:alph"}, {"b"}},
	        {"[[.a.]]", {".]", "a]", "[]"}, {"a"}},
	        {"[^\\x00-\\x{10FFFF}]*", {""}, {"a"}},
	        /* Escapes. */
	        {"\\x41\\x{e9}\\101\\_\\.",
	         {"A\xc3\xa9"
	          "A_."},
	         {"A"}},
	        {"\\377", {"\xc3\xbf"}, {"\xff"}},
	        {"\\t\\n\\r\\f\\v\\a", {"\t\n\r\f\v\a"}, {"tnrfva"}},
	        {"\\018",
	         {"\x01"
	          "8"},
	         {"18"}},
	        /* Letters have one case, but for RE2's optimisation of single characters. */
	        {"[Kk]", {"k", "K"}, {"\xe2\x84\xaa"}},
	        {"[Kk]|b", {"k", "K", "b", "\xe2\x84\xaa"}, {"B"}},
	        {"(b|[sS])x", {"sx", "Sx", "bx", "\xc5\xbfx"}, {"B"}},
	        {"[Kk]|bc", {"k", "K", "bc"}, {"\xe2\x84\xaa"}},
	        {"[Kk]a|[Kk]b",
	         {"Ka", "kb"},
	         {"\xe2\x84\xaa"
	          "a"}},
	        {"[Aa]|b", {"a", "A", "b"}, {"B"}},
	        {"ab|aB|a[Bb]", {"ab", "aB"}, {"Ab"}},
	        /* What begins alike. */
	        {"foo|foobar|food|fool|fo|f", {"f", "fo", "food", "foobar"}, {"foob", "fooba"}},
	        {".a|.b|..", {"xa", "xb", "xx"}, {"x", "xxx"}},
	        {"a{2}b|a{2}c|a{2}", {"aab", "aac", "aa"}, {"a", "ab"}},
	        {"^a|^b|^", {"a", "b", ""}, {"c"}},
	        {"(|a|ab)(|c|bcd)", {"", "abcd", "abc", "ac"}, {"bc"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autoregex_ struct regex *r = compile(rows[i].pattern);
		_autoscratch_ struct regex_scratch *s = scratch_for(r);

		for (size_t k = 0; k < 4 && rows[i].matches[k]; k++)
			if (!all_match(r, s, rows[i].matches[k], strlen(rows[i].matches[k])))
				fail_msg("'%s' does not match '%s'", rows[i].pattern, rows[i].matches[k]);
		for (size_t k = 0; k < 4 && rows[i].not[k]; k++)
			if (all_match(r, s, rows[i].not[k], strlen(rows[i].not[k])))
				fail_msg("'%s' matches '%s'", rows[i].pattern, rows[i].not[k]);
	}
}

static void bytes_that_are_no_utf8_match_where_re2_matches_them(void **state)
{
	static const struct {
		const char *text;
		bool dot, narrow; /* . and [^\xff] */
	} rows[] = {
	        {"\xff", false, false},
	        {"\x80", false, false},
	        {"\xc3", false, false},
	        {"\xc0\x80", false, false},
	        {"\xc1\xbf", false, false},
	        {"\xf5\x80\x80\x80", false, false},
	        {"\xed\xa0\x80", true, true},      /* a surrogate */
	        {"\xe0\x80\x80", true, false},     /* longer than need be */
	        {"\xf0\x80\x80\x80", true, false}, /* likewise */
	        {"\xf4\x90\x80\x80", true, false}, /* beyond the last */
	        {"\xf4\x8f\xbf\xbf", true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = strlen(rows[i].text);

		assert_int_equal(match_as(REGEX_RE2_2022, TEXT("."), rows[i].text, len), rows[i].dot);
		assert_int_equal(match_as(REGEX_RE2_2022, TEXT("[^a]"), rows[i].text, len), rows[i].dot);
		assert_int_equal(match_as(REGEX_RE2_2022, TEXT("[^\\xff]"), rows[i].text, len), rows[i].narrow);
		assert_false(match_as(REGEX_RE2_2022, TEXT("[[:print:]]*"), rows[i].text, len));
	}
	assert_false(match_as(REGEX_RE2_2022, TEXT(".*foo"),
	                      TEXT("\xff"
	                           "foo")));
	assert_false(match_as(REGEX_RE2_2022, TEXT("(.|\n)*"), TEXT("a\xc3")));
}

static void nul_is_a_byte_like_others(void **state)
{
	(void)state;
	assert_true(match_as(REGEX_RE2_2022, TEXT("a.b"), TEXT("a\0b")));
	assert_true(match_as(REGEX_RE2_2022, TEXT("a\0b"), TEXT("a\0b")));
	assert_true(match_as(REGEX_RE2_2022, TEXT("a\\0b"), TEXT("a\0b")));
	assert_true(match_as(REGEX_RE2_2022, TEXT("a\\\0b"), TEXT("a\0b")));
	assert_true(match_as(REGEX_RE2_2022, TEXT("[\0-a]*"), TEXT("a\0")));
	assert_false(match_as(REGEX_RE2_2022, TEXT("a"), TEXT("a\0")));
}

static void falcos_release_of_re2_forgets_a_case_and_later_ones_do_not(void **state)
{
	(void)state;
	assert_false(match_as(REGEX_RE2_2022, TEXT("a|[Aa]"), TEXT("A")));
	assert_true(match_as(REGEX_RE2_2023, TEXT("a|[Aa]"), TEXT("A")));
	assert_true(match_as(REGEX_RE2_2022, TEXT("A|[Aa]"), TEXT("a")));
	assert_false(match_as(REGEX_RE2_2022, TEXT("([a-z]|[Kk])"), TEXT("\xe2\x84\xaa")));
	assert_true(match_as(REGEX_RE2_2023, TEXT("([a-z]|[Kk])"), TEXT("\xe2\x84\xaa")));
}

/* --- Time and memory --- */

static void no_pattern_takes_long(void **state)
{
	static const char *const patterns[] = {
	        "(a*)*[bc]",      "(a|a)*[bc]",      "(a|aa)+[bc]",       "(.*a){10}[bc]",
	        "(x+x+)+[yz]",    "(a+a+)+[bc]",     ".*.*.*.*.*[bc]",    "a*a*a*a*a*[bc]",
	        "([a-z]+)*[0-9]", "(((a*)*)*)*[bc]", "(a?){30}a{30}[bc]", "(.*)(.*)(.*)(.*)[0-9]",
	};
	static const size_t lengths[] = {30, 500, 4096, 100000};
	_autofree_ char *text = repeat("a", 100000), *wide = repeat("a\xc3\xa9", 40000);

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		_autoregex_ struct regex *r = compile(patterns[i]);
		_autoscratch_ struct regex_scratch *s = scratch_for(r);
		double start = cpu_seconds();

		for (size_t k = 0; k < sizeof(lengths) / sizeof(*lengths); k++)
			assert_false(regex_matches(r, s, text, lengths[k]));
		assert_false(regex_matches(r, s, wide, strlen(wide)));
		/* Milliseconds, really. */
		if (cpu_seconds() - start > 5)
			fail_msg("'%s' took %f s", patterns[i], cpu_seconds() - start);
	}
}

static void long_texts_are_matched_by_native_code_and_by_the_machine(void **state)
{
	_autofree_ char *text = repeat("usr/share/python3/", 10000);
	_autoregex_ struct regex *simple = compile("usr.*/"), *loop = compile("([a-z0-9]+/)*");
	_autoscratch_ struct regex_scratch *s = scratch_for(simple);
	size_t len = strlen(text);

	(void)state;
	assert_int_equal(regex_scratch_fit(s, loop), 0);
	assert_int_equal(regex_match_native(simple, s, text, len), REGEX_YES);
	/* Needs more tries than native code is given. */
	assert_int_equal(regex_match_native(loop, s, text, len), REGEX_UNDECIDED);
	assert_true(regex_matches(loop, s, text, len));
	assert_false(regex_matches(loop, s, text, len - 1));
}

static void matching_allocates_nothing(void **state)
{
	(void)state;
	skip_without_counts();

	static const char *const patterns[] = {".*(curl|wget).*", "([a-z]+)*[0-9]", "(.|\n)*\xc3\xa9",
	                                       "((a|b|c)*d?){20}x", "[^a]*"};
	_autofree_ char *text = repeat("curl a \xc3\xa9 ", 500);
	struct regex *all[5];
	struct regex_scratch *s = NULL;
	size_t before, answers = 0;

	assert_int_equal(regex_scratch_new(&s), 0);
	for (size_t i = 0; i < 5; i++) {
		all[i] = compile(patterns[i]);
		assert_int_equal(regex_scratch_fit(s, all[i]), 0);
	}
	before = allocations;
	assert_true(before > 0);
	for (size_t len = 0; len < 4000; len += 37)
		for (size_t i = 0; i < 5; i++) {
			answers += regex_matches(all[i], s, text, len);
			answers += regex_match_native(all[i], s, text, len) == REGEX_YES;
			answers += regex_match_program(all[i], s, text, len);
		}
	assert_int_equal(allocations, before);
	assert_true(answers > 0);
	for (size_t i = 0; i < 5; i++)
		regex_free(all[i]);
	regex_scratch_free(s);
}

static void every_allocation_may_fail(void **state)
{
	static const char *const patterns[] = {"(foo|fo[ox]|[Kk]|b|.a|.b|\xc3\xa9|[\xc3\xa9-\xe2\x98\x83x])*",
	                                       "(a*a+a){2,9}(((b|^c)$)?)+[^[:alpha:]]{3,}"};

	(void)state;
	skip_without_counts();
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(patterns[i]), before = living, failed = 0, first;
		bool reached = true;
		int error = 0;

		for (size_t n = 0; reached; n++) {
			struct regex *r = NULL;
			struct regex_scratch *s = NULL;
			struct regex_error err;

			first = allocations;
			fail_at = first + n;
			error = regex_compile(&r, patterns[i], len, &err);
			if (!error)
				error = regex_scratch_new(&s);
			if (!error)
				error = regex_scratch_fit(s, r);
			fail_at = SIZE_MAX;
			reached = allocations > first + n;
			assert_true(error == 0 || error == -ENOMEM);
			failed += error != 0;
			/* Where PCRE2 got no memory, the machine matches. */
			if (!error)
				assert_false(regex_matches(r, s, "foo!", 4));
			regex_scratch_free(s);
			regex_free(r);
			assert_int_equal(living, before);
		}
		assert_int_equal(error, 0);
		assert_true(failed > 20);
	}
}

static void one_scratch_serves_many_expressions(void **state)
{
	struct regex_scratch *s = NULL;

	(void)state;
	assert_int_equal(regex_scratch_new(&s), 0);
	/* Also one that is where another was. */
	for (int i = 0; i < 200; i++) {
		_autobuf_ struct buf pattern = BUF_INIT;
		_autoregex_ struct regex *a = compile("(x|yy)*"), *b = NULL;
		char letter = (char)('a' + i % 26);

		buf_addf(&pattern, "(%c|%c%c)*[^%c]", letter, letter, letter, letter);
		b = compile(buf_str(&pattern));
		assert_int_equal(regex_scratch_fit(s, b), 0);
		assert_int_equal(regex_scratch_fit(s, a), 0);
		char text[] = {letter, letter, letter, '!'};

		assert_true(all_match(b, s, text, 4));
		assert_false(all_match(b, s, text, 3));
		assert_true(all_match(a, s, "xyyx", 4));
		assert_false(all_match(a, s, "xyx", 3));
		assert_true(all_match(b, s, text, 4));
	}
	regex_scratch_free(s);
}

struct job {
	const struct regex *regex;
	size_t wrong;
};

static void *match_often(void *arg)
{
	struct job *job = arg;
	const struct regex *r = job->regex;
	_autoscratch_ struct regex_scratch *s = NULL;

	job->wrong = regex_scratch_new(&s) || regex_scratch_fit(s, r);
	for (int i = 0; i < 20000 && !job->wrong; i++) {
		job->wrong += !regex_matches(r, s, "abcabc\xc3\xa9", 8) || regex_matches(r, s, "abcabx", 6);
		job->wrong += !regex_match_program(r, s, "abcabc", 6) || regex_match_program(r, s, "abcabx", 6);
	}
	return NULL;
}

static void threads_share_an_expression(void **state)
{
	_autoregex_ struct regex *r = compile("(abc|\xc3\xa9)*");
	pthread_t threads[4];
	struct job jobs[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		jobs[i] = (struct job){.regex = r};
		assert_int_equal(pthread_create(&threads[i], NULL, match_often, &jobs[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(jobs[i].wrong, 0);
	}
}

/* --- Simple ones --- */

static void falcos_warning_about_simple_patterns_is_given_for_the_same_ones(void **state)
{
	static const char *const simple[] = {"",     "abc", "^abc$", ".*abc", "abc.*", ".+abc.?",
	                                     "^abc", "^",   "$",     ".*",    "^.*"};
	static const char *const not_simple[] = {"a.b",    "a.*b", "a|b", "(abc)", "[a]bc", "abc.{2}", "a\\b", "^.*abc",
	                                         "abc.*$", "a^b",  "a$b", ".",     "a.",    "*",       "$^"};

	(void)state;
	for (size_t i = 0; i < sizeof(simple) / sizeof(*simple); i++)
		if (!regex_is_simple(simple[i], strlen(simple[i])))
			fail_msg("'%s' is not simple", simple[i]);
	for (size_t i = 0; i < sizeof(not_simple) / sizeof(*not_simple); i++)
		if (regex_is_simple(not_simple[i], strlen(not_simple[i])))
			fail_msg("'%s' is simple", not_simple[i]);
	assert_false(regex_is_simple(TEXT("a\0b")));
	assert_true(regex_is_simple(TEXT("a.\0")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_re2_accepts_in_posix_mode_is_accepted),
	        cmocka_unit_test(what_re2_refuses_in_posix_mode_is_refused_where_it_stands),
	        cmocka_unit_test(the_limit_of_size_is_re2s),
	        cmocka_unit_test(nesting_has_no_limit_and_takes_no_time),
	        cmocka_unit_test(the_whole_text_must_match),
	        cmocka_unit_test(answers_are_as_in_the_table),
	        cmocka_unit_test(bytes_that_are_no_utf8_match_where_re2_matches_them),
	        cmocka_unit_test(nul_is_a_byte_like_others),
	        cmocka_unit_test(falcos_release_of_re2_forgets_a_case_and_later_ones_do_not),
	        cmocka_unit_test(no_pattern_takes_long),
	        cmocka_unit_test(long_texts_are_matched_by_native_code_and_by_the_machine),
	        cmocka_unit_test(matching_allocates_nothing),
	        cmocka_unit_test(every_allocation_may_fail),
	        cmocka_unit_test(one_scratch_serves_many_expressions),
	        cmocka_unit_test(threads_share_an_expression),
	        cmocka_unit_test(falcos_warning_about_simple_patterns_is_given_for_the_same_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
