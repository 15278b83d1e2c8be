// SPDX-License-Identifier: Apache-2.0
/*
 * Automata: each kind of pattern by hand, all kinds together against the functions that they stand for, limits, and
 * the same output for the same input.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "automaton_oracle.h"
#include "base/buf.h"

#define _autoautomata_ _cleanup_(automata_free)

static struct pattern pattern_of(enum pattern_kind kind, unsigned int flags, const char *bytes, uint32_t id)
{
	return (struct pattern){.kind = kind, .flags = flags, .bytes = bytes, .len = strlen(bytes), .id = id};
}

static void assert_sound(const struct automata *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const char *fault = automaton_fault(&a->items[i]);

		if (fault)
			fail_msg("automaton %zu: %s", i, fault);
	}
}

/* What one pattern says of a text whose directory ends behind its last slash. */
static bool says(const struct pattern *p, const char *text)
{
	_autoautomata_ struct automata a = {0};
	const char *slash = strrchr(text, '/');
	bool seen[1] = {false};

	assert_int_equal(automata_build(&a, p, 1, 0), 0);
	assert_sound(&a);
	walk_automata(&a, text, strlen(text), slash ? (size_t)(slash - text) : NO_DIRECTORY, seen);
	return seen[0];
}

/* ---- by hand ---------------------------------------------------------------------------------------------- */

struct example {
	enum pattern_kind kind;
	unsigned int flags;
	const char *pattern;
	const char *yes[6], *no[6]; /* each NULL-terminated */
};

static const struct example examples[] = {
        {PATTERN_TEXT, PATTERN_BEGIN | PATTERN_END, "ab", {"ab"}, {"", "a", "abc", "xab", "AB"}},
        {PATTERN_TEXT, PATTERN_BEGIN, "ab", {"ab", "abc"}, {"", "a", "xab"}},
        {PATTERN_TEXT, PATTERN_END, "ab", {"ab", "xab", "aab"}, {"", "abc", "b"}},
        {PATTERN_TEXT, 0, "aab", {"aab", "aaab", "xaabx"}, {"", "abab", "aa"}},
        {PATTERN_TEXT, 0, "", {"", "x"}, {NULL}},
        {PATTERN_TEXT, PATTERN_BEGIN, "", {"", "x"}, {NULL}},
        {PATTERN_TEXT, PATTERN_END, "", {"", "x"}, {NULL}},
        {PATTERN_TEXT, PATTERN_BEGIN | PATTERN_END, "", {""}, {"x"}},
        {PATTERN_TEXT, PATTERN_FOLD, "aB", {"ab", "xAbx", "AB"}, {"", "a-b"}},
        {PATTERN_TEXT, PATTERN_FOLD | PATTERN_BEGIN | PATTERN_END, "É1", {"É1"}, {"é1", "1"}},
        {PATTERN_TEXT, PATTERN_FOLD | PATTERN_END, "@[", {"x@["}, {"`{"}},
        {PATTERN_TEXT, PATTERN_BEGIN | PATTERN_END_DIR, "/a/b", {"/a/b/c", "/a/b/"}, {"/a/b", "/a/b/c/d", "b"}},
        {PATTERN_TEXT, PATTERN_END_DIR, "b", {"/b/c", "/a/ab/c"}, {"/b", "/b/c/d", "b", ""}},
        {PATTERN_TEXT, PATTERN_END_DIR, "", {"/", "x/y"}, {"", "x"}},
        {PATTERN_TEXT, PATTERN_BEGIN | PATTERN_END_DIR, "", {"/", "/x"}, {"", "x", "x/"}},
        {PATTERN_TEXT, PATTERN_END_DIR | PATTERN_FOLD, "/Etc", {"/etc/x", "/ETC/"}, {"/etc", "/etc/x/y"}},
        {PATTERN_GLOB, 0, "", {""}, {"x"}},
        {PATTERN_GLOB, 0, "a*c", {"ac", "abc", "a/c", "acc"}, {"", "a", "abcd", "xac"}},
        {PATTERN_GLOB, 0, "*a*bc*", {"abc", "xaxbcx", "aabbcc"}, {"", "bca", "ab", "acb"}},
        {PATTERN_GLOB, 0, "a?", {"ab", "a/"}, {"a", "abc", "aé"}},
        {PATTERN_GLOB, 0, "*?", {"a", "ab"}, {""}},
        {PATTERN_GLOB, 0, "[a-c!]x", {"ax", "bx", "!x"}, {"dx", "x", "-x"}},
        {PATTERN_GLOB, 0, "[!a-c]", {"d", "/", "\xff"}, {"a", "", "dd"}},
        {PATTERN_GLOB, 0, "[^]a]", {"b"}, {"a", "]", "^b"}},
        {PATTERN_GLOB, 0, "[]-a]", {"]", "^", "a"}, {"b", "-", "\\"}},
        {PATTERN_GLOB, 0, "[a-]", {"a", "-"}, {"b", "]"}},
        {PATTERN_GLOB, 0, "[\\]a]", {"]", "a"}, {"\\", "\\]"}},
        {PATTERN_GLOB, 0, "[[:alpha:]_][[:digit:][:space:]]", {"a1", "_ "}, {"11", "a", "é1"}},
        {PATTERN_GLOB, 0, "[ab", {"[ab"}, {"a", "[a", "b"}},
        {PATTERN_GLOB, 0, "[!", {"[!"}, {"a", "["}},
        {PATTERN_GLOB, 0, "[a*", {"[a", "[ab"}, {"a", "["}},
        {PATTERN_GLOB, 0, "\\*\\a", {"*a"}, {"\\*a", "xa"}},
        {PATTERN_GLOB, 0, "a\\", {NULL}, {"a", "a\\", ""}},
        {PATTERN_GLOB, PATTERN_FOLD, "A[b-d]?[[:upper:]]", {"aCxX", "ABxX"}, {"abxx", "aexX"}},
        {PATTERN_GLOB, PATTERN_FOLD, "x[Z-a]", {NULL}, {"xZ", "xa", "x_"}},
        {PATTERN_PMATCH, 0, "/a/b", {"/a/b", "a/b", "//a///b/", "/a/b/c"}, {"", "/a", "/a/bc", "/x/a/b", "/a/"}},
        {PATTERN_PMATCH, 0, "/", {"", "/", "x"}, {NULL}},
        {PATTERN_PMATCH, 0, "/a/*/c", {"/a/b/c", "/a/b//c/d"}, {"/a/c", "/a//c", "/a/b/d/c", "/a/b/cc"}},
        {PATTERN_PMATCH, 0, "*", {"a", "/a"}, {"", "/", "//"}},
        {PATTERN_PMATCH, 0, "a\\b/[!x]?*z", {"a\\b/abz"}, {"ab/abz", "a\\b/xbz", "a\\b/a/z"}},
        {PATTERN_REGEX, 0, "a(b|c)+", {"ab", "acb"}, {"", "a", "xab", "abx"}},
        {PATTERN_REGEX, 0, "^a$|^$", {"a", ""}, {"b", "aa"}},
        {PATTERN_REGEX, 0, "a$\n^b", {"a\nb"}, {"a", "a\nbc"}},
        {PATTERN_REGEX, 0, "(a|\n)*$^(b|\n)*", {"a\n\nb", "\n", ""}, {"ab", "b", "a\nb"}},
        {PATTERN_REGEX, 0, ".", {"a", "é", "☃"}, {"", "\n", "\xff", "aa", "\xc3"}},
        {PATTERN_REGEX, 0, "[^a]*", {"", "b\n", "é"}, {"a", "\xff"}},
        {PATTERN_REGEX, 0, "x{2,3}", {"xx", "xxx"}, {"x", "xxxx"}},
};

static void patterns_say_what_they_mean(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		const struct example *e = &examples[i];
		const struct pattern p = pattern_of(e->kind, e->flags, e->pattern, 0);

		for (size_t k = 0; k < 6 && e->yes[k]; k++)
			if (!says(&p, e->yes[k]))
				fail_msg("'%s' should match '%s'", e->pattern, e->yes[k]);
		for (size_t k = 0; k < 6 && e->no[k]; k++)
			if (says(&p, e->no[k]))
				fail_msg("'%s' should not match '%s'", e->pattern, e->no[k]);
	}
}

static void what_overlaps_is_all_reported(void **unused)
{
	_autoautomata_ struct automata a = {0};
	const struct pattern patterns[] = {
	        pattern_of(PATTERN_TEXT, 0, "he", 0),
	        pattern_of(PATTERN_TEXT, 0, "she", 1),
	        pattern_of(PATTERN_TEXT, PATTERN_END, "hers", 2),
	        pattern_of(PATTERN_TEXT, PATTERN_END, "s", 3),
	        pattern_of(PATTERN_TEXT, PATTERN_BEGIN, "us", 4),
	        pattern_of(PATTERN_TEXT, PATTERN_BEGIN | PATTERN_END, "ushers", 5),
	        pattern_of(PATTERN_TEXT, PATTERN_BEGIN | PATTERN_END, "ushers", 6),
	        pattern_of(PATTERN_TEXT, 0, "his", 7),
	        pattern_of(PATTERN_GLOB, 0, "*ers", 2),
	        pattern_of(PATTERN_TEXT, PATTERN_BEGIN, "sh", 8),
	};
	bool seen[9] = {false};

	(void)unused;
	assert_int_equal(automata_build(&a, patterns, sizeof(patterns) / sizeof(*patterns), 0), 0);
	assert_int_equal(a.n, 1);
	assert_sound(&a);
	walk_automata(&a, "ushers", 6, NO_DIRECTORY, seen);
	for (size_t i = 0; i < 7; i++)
		assert_true(seen[i]);
	assert_false(seen[7] || seen[8]);
}

static void a_peek_does_not_move_the_walk(void **unused)
{
	_autoautomata_ struct automata a = {0};
	const struct pattern patterns[] = {
	        pattern_of(PATTERN_TEXT, PATTERN_BEGIN | PATTERN_END_DIR, "/a", 0),
	        pattern_of(PATTERN_TEXT, PATTERN_BEGIN | PATTERN_END, "/a/b", 1),
	        pattern_of(PATTERN_TEXT, PATTERN_END, "/a", 2),
	        pattern_of(PATTERN_PMATCH, 0, "/a/b", 3),
	        pattern_of(PATTERN_GLOB, 0, "/?/b", 4),
	};
	bool seen[5] = {false};

	(void)unused;
	assert_int_equal(automata_build(&a, patterns, 5, 0), 0);
	assert_sound(&a);
	walk_automata(&a, "/a/b", 4, 2, seen);
	assert_true(seen[0] && seen[1] && !seen[2] && seen[3] && seen[4]);
}

static void a_nul_is_what_it_is_said_to_be(void **unused)
{
	_autoautomata_ struct automata a = {0};
	const struct pattern patterns[] = {
	        pattern_of(PATTERN_TEXT, 0, "a b", 0),
	        pattern_of(PATTERN_GLOB, 0, "*a?b*", 1),
	        pattern_of(PATTERN_REGEX, 0, ".*a b.*", 2),
	        {.kind = PATTERN_TEXT, .bytes = "a\0b", .len = 3, .id = 3},
	        {.kind = PATTERN_GLOB, .bytes = "*a\0b", .len = 4, .id = 4},
	};
	bool seen[5] = {false};

	(void)unused;
	assert_int_equal(automata_build(&a, patterns, 5, ' '), 0);
	assert_sound(&a);
	walk_automata(&a, "x\0a\0b", 5, NO_DIRECTORY, seen);
	assert_true(seen[0] && seen[1] && seen[2] && !seen[3] && !seen[4]);
	/* A glob ends at a NUL, as it does for fnmatch(). */
	walk_automata(&a, "xa", 2, NO_DIRECTORY, seen);
	assert_true(seen[4]);
}

static void nothing_makes_nothing(void **unused)
{
	_autoautomata_ struct automata a = {0};
	const struct pattern never = {.kind = PATTERN_TEXT, .bytes = "", .len = 1};

	(void)unused;
	assert_int_equal(automata_build(&a, NULL, 0, 0), 0);
	assert_int_equal(a.n, 0);
	assert_int_equal(automata_build(&a, &never, 1, 0), 0);
	assert_int_equal(a.n, 0);
}

/* ---- all together ----------------------------------------------------------------------------------------- */

enum {
	PATTERNS = 12,
	TEXTS = 40,
};

static uint32_t seed = 20240601;

static uint32_t random_below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return (uint32_t)((uint64_t)seed * n >> 32);
}

static const char *one_of(const char *const *choices, size_t n)
{
	return choices[random_below((uint32_t)n)];
}
#define ONE_OF(choices) one_of((choices), sizeof(choices) / sizeof(*(choices)))

static const char *const text_parts[] = {"a", "b", "a", "b", "A", "B", "/", "/", ".", "-", "\n", "]", "[", "é", "\xff"};
static const char *const glob_parts[] = {
        "a", "b", "A", "/", "*", "*", "*",   "?",  "[ab]",        "[!a]",  "[^/b]",        "[A-b]", "[a-]",
        "]", "[", "!", "-", ".", "é", "\\*", "\\", "[[:alpha:]]", "[]-a]", "[[:upper:]b]", "[.a.]", "[B-a]"};
static const char *const path_parts[] = {"a", "b", "A", "/", "/", "/", "*", "?", "[ab]", "[!a]", ".", "é", "\\", "[a-"};
static const char *const regex_parts[] = {"a",     "b",    "/",     "[ab]",  "[^a]", ".", ".*", "(a|b)*",
                                          "(a|)",  "b?",   "a+",    "^",     "$",    "|", "\n", "é",
                                          "[A-b]", "A{2}", "(^|b)", "($|/)", "[aA]", "(", "\\."};

static void make_random(struct buf *b, const char *const *parts, size_t nparts, uint32_t most)
{
	uint32_t n = random_below(most + 1);

	for (uint32_t i = 0; i < n; i++)
		buf_addf(b, "%s", one_of(parts, nparts));
}
#define MAKE_RANDOM(b, parts, most) make_random((b), (parts), sizeof(parts) / sizeof(*(parts)), (most))

static struct pattern random_pattern(struct buf *b, uint32_t id)
{
	static const unsigned int frames[] = {0,
	                                      PATTERN_BEGIN,
	                                      PATTERN_END,
	                                      PATTERN_BEGIN | PATTERN_END,
	                                      PATTERN_END_DIR,
	                                      PATTERN_BEGIN | PATTERN_END_DIR};
	struct pattern p = {.kind = random_below(4), .id = id};

	if (p.kind == PATTERN_TEXT)
		p.flags = frames[random_below(6)];
	if (p.kind <= PATTERN_GLOB && random_below(3) == 0)
		p.flags |= PATTERN_FOLD;
	if (p.kind == PATTERN_TEXT)
		MAKE_RANDOM(b, text_parts, 4);
	else if (p.kind == PATTERN_GLOB)
		MAKE_RANDOM(b, glob_parts, 6);
	else if (p.kind == PATTERN_PMATCH)
		MAKE_RANDOM(b, path_parts, 6);
	else
		MAKE_RANDOM(b, regex_parts, 6);
	p.bytes = buf_str(b);
	p.len = b->len;
	return p;
}

static void compare(const struct automata *a, const struct oracle *oracles, size_t n)
{
	for (size_t i = 0; i < TEXTS; i++) {
		_autobuf_ struct buf text = BUF_INIT;
		bool seen[PATTERNS] = {false};
		size_t dir = NO_DIRECTORY;

		MAKE_RANDOM(&text, text_parts, 8);
		if (random_below(2))
			dir = random_below((uint32_t)text.len + 1);
		walk_automata(a, buf_str(&text), text.len, dir, seen);
		for (size_t k = 0; k < n; k++) {
			const struct pattern *p = oracles[k].pattern;
			bool says = oracle_says(&oracles[k], buf_str(&text), text.len, dir);

			if (says != seen[p->id])
				fail_msg("kind %d flags %u '%s' on '%s' (directory: %zd): should be %d", p->kind,
				         p->flags, p->bytes, buf_str(&text), (ssize_t)dir, says);
		}
	}
}

/* Returns how many answers were compared. */
static size_t compare_some(size_t *refused)
{
	struct buf bytes[PATTERNS];
	struct pattern patterns[PATTERNS];
	struct oracle oracles[PATTERNS];
	_autoautomata_ struct automata a = {0};
	uint32_t n = 0, most = 1 + random_below(PATTERNS);

	for (uint32_t i = 0; i < most; i++) {
		int err;

		bytes[n] = (struct buf)BUF_INIT;
		patterns[n] = random_pattern(&bytes[n], n);
		bool valid = oracle_init(&oracles[n], &patterns[n]);
		const char *why = automaton_accepts(&patterns[n], &err);

		assert_int_equal(err, 0);
		if (valid && !why) {
			n++;
			continue;
		}
		assert_non_null(why);
		*refused += valid;
		assert_int_equal(automata_build(&a, &patterns[n], 1, 0), -EINVAL);
		oracle_free(&oracles[n]);
		buf_free(&bytes[n]);
	}
	assert_int_equal(automata_build(&a, patterns, n, 0), 0);
	assert_sound(&a);
	compare(&a, oracles, n);
	for (uint32_t i = 0; i < n; i++) {
		oracle_free(&oracles[i]);
		buf_free(&bytes[i]);
	}
	return (size_t)n * TEXTS;
}

static void all_kinds_say_what_their_functions_say(void **unused)
{
	size_t compared = 0, refused = 0, rounds = 0;

	(void)unused;
	for (; compared < 500000; rounds++)
		compared += compare_some(&refused);
	print_message("%zu answers, %zu patterns refused\n", compared, refused);
	assert_true(refused < rounds);
}

/* ---- limits ----------------------------------------------------------------------------------------------- */

static void assert_refused(enum pattern_kind kind, const char *bytes, const char *want)
{
	struct pattern p = pattern_of(kind, 0, bytes, 0);
	struct automata a = {0};
	int err;
	const char *why = automaton_accepts(&p, &err);

	assert_int_equal(err, 0);
	assert_non_null(why);
	assert_string_equal(why, want);
	assert_int_equal(automata_build(&a, &p, 1, 0), -EINVAL);
	assert_int_equal(a.n, 0);
}

static void what_cannot_be_told_is_refused_with_a_reason(void **unused)
{
	_autobuf_ struct buf all = BUF_INIT, long_ = BUF_INIT;

	(void)unused;
	buf_addf(&long_, "(");
	assert_refused(PATTERN_REGEX, "(a|b)*a(a|b){12}", "it needs more than 1024 states");
	for (int i = 0; i < 70; i++)
		buf_addf(&long_, "a");
	buf_addf(&long_, "){999}");
	assert_refused(PATTERN_REGEX, buf_str(&long_), "it is too large");
	assert_refused(PATTERN_REGEX, "(", "it is no regular expression");
	assert_refused(PATTERN_GLOB, "[[.a.]]", "it has a collating symbol or an equivalence class");
	assert_refused(PATTERN_GLOB, "[x[=a=]]", "it has a collating symbol or an equivalence class");
	assert_refused(PATTERN_GLOB, "[[:no:]]", "it has a bracket expression whose meaning is unclear");
	assert_refused(PATTERN_GLOB, "[a-", "it has a bracket expression whose meaning is unclear");
	assert_refused(PATTERN_PMATCH, "/x/[[:no:]]", "it has a bracket expression whose meaning is unclear");
	assert_refused(PATTERN_GLOB, "*a?????????????b*", "it needs more than 1024 states");
	for (int byte = 1; byte < 256; byte++)
		buf_addf(&all, "%c", byte);
	assert_refused(PATTERN_TEXT, buf_str(&all), "it has too many different bytes");
}

static int build_formatted(struct automata *a, enum pattern_kind kind, size_t n, const char *format)
{
	struct pattern *patterns = calloc(n, sizeof(*patterns));
	struct buf *bytes = calloc(n, sizeof(*bytes));
	int r;

	assert_true(patterns && bytes);
	for (uint32_t i = 0; i < n; i++) {
		bytes[i] = (struct buf)BUF_INIT;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_addf(&bytes[i], format, (unsigned int)i);
#pragma GCC diagnostic pop
		patterns[i] = pattern_of(kind, 0, buf_str(&bytes[i]), i);
	}
	r = automata_build(a, patterns, n, 0);
	for (size_t i = 0; i < n; i++)
		buf_free(&bytes[i]);
	free(bytes);
	free(patterns);
	return r;
}

static size_t count_states(const struct automata *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->items[i].nstates;
	return n;
}

static size_t count_rows(const struct automata *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->items[i].nrows;
	return n;
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void report(const char *what, const struct automata *a, double begin)
{
	print_message("%s: %zu automata, %zu states, %zu places, %.0f ms\n", what, a->n, count_states(a), count_rows(a),
	              (seconds() - begin) * 1e3);
}

static void what_multiplies_is_split(void **unused)
{
	_autoautomata_ struct automata a = {0};
	double begin = seconds();
	bool seen[40] = {false};

	(void)unused;
	assert_int_equal(build_formatted(&a, PATTERN_GLOB, 40, "*x%02u*y%1$02u*"), 0);
	report("globs with two inner texts", &a, begin);
	assert_sound(&a);
	assert_true(a.n > 1);
	walk_automata(&a, "x07x39y3x00y00y39", 17, NO_DIRECTORY, seen);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(seen[i], i == 39 || i == 0);
}

static void what_adds_up_is_not_split(void **unused)
{
	_autoautomata_ struct automata a = {0};
	double begin = seconds();
	bool seen[500] = {false};

	(void)unused;
	assert_int_equal(build_formatted(&a, PATTERN_PMATCH, 500, "/usr/lib%03u/*/bin"), 0);
	report("paths", &a, begin);
	assert_sound(&a);
	assert_int_equal(a.n, 1);
	walk_automata(&a, "/usr//lib123/x/bin/y", 20, NO_DIRECTORY, seen);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(seen[i], i == 123);
}

static void limits_are_kept(void **unused)
{
	struct automata a = {0};
	double begin = seconds();

	(void)unused;
	assert_int_equal(build_formatted(&a, PATTERN_GLOB, 300, "*x%03u*y%1$03u*"), -E2BIG);
	report("too many globs", &a, begin);
	begin = seconds();
	assert_int_equal(build_formatted(&a, PATTERN_TEXT, 70000, "%05u"), -E2BIG);
	report("too many texts", &a, begin);
	assert_int_equal(a.n, 0);
}

static void many_texts_are_built_fast(void **unused)
{
	static const char *const dirs[] = {"/usr/bin/", "/usr/sbin/", "/etc/", "/var/lib/", "/opt/", "", "", ""};
	enum { N = 20000 };
	struct pattern *patterns = calloc(N, sizeof(*patterns));
	struct buf *bytes = calloc(N, sizeof(*bytes));
	struct automata a = {0};

	(void)unused;
	assert_true(patterns && bytes);
	for (uint32_t i = 0; i < N; i++) {
		bytes[i] = (struct buf)BUF_INIT;
		buf_addf(&bytes[i], "%s", ONE_OF(dirs));
		for (uint32_t k = 2 + random_below(3); k > 0; k--)
			buf_addf(&bytes[i], "%c", 'a' + (int)random_below(26));
		patterns[i] = pattern_of(PATTERN_TEXT, random_below(4), buf_str(&bytes[i]), i);
	}
	double begin = seconds();
	int r = automata_build(&a, patterns, N, 0);

	report("texts", &a, begin);
	assert_int_equal(r, 0);
	assert_true(seconds() - begin < 3);
	assert_sound(&a);
	automata_free(&a);
	for (size_t i = 0; i < N; i++)
		buf_free(&bytes[i]);
	free(bytes);
	free(patterns);
}

/* ---- the same input gives the same output ----------------------------------------------------------------- */

static void assert_same(const struct automaton *x, const struct automaton *y)
{
	assert_memory_equal(x->classes, y->classes, sizeof(x->classes));
	assert_int_equal(x->nclasses, y->nclasses);
	assert_int_equal(x->nstates, y->nstates);
	assert_int_equal(x->start, y->start);
	assert_int_equal(x->nrows, y->nrows);
	assert_int_equal(x->nreports, y->nreports);
	assert_memory_equal(x->root, y->root, x->nclasses * sizeof(*x->root));
	assert_memory_equal(x->rows, y->rows, x->nrows * sizeof(*x->rows));
	assert_memory_equal(x->first, y->first, (x->nreports + 1) * sizeof(*x->first));
	assert_memory_equal(x->ids, y->ids, x->first[x->nreports] * sizeof(*x->ids));
}

static void the_same_input_gives_the_same_output(void **unused)
{
	struct buf bytes[64];
	struct pattern patterns[64];
	_autoautomata_ struct automata a = {0}, b = {0};
	uint32_t n = 0;
	int err;

	(void)unused;
	while (n < 64) {
		bytes[n] = (struct buf)BUF_INIT;
		patterns[n] = random_pattern(&bytes[n], n);
		if (automaton_accepts(&patterns[n], &err))
			buf_free(&bytes[n]);
		else
			n++;
	}
	int r = automata_build(&a, patterns, n, 0);

	assert_int_equal(r, 0);
	assert_int_equal(automata_build(&b, patterns, n, 0), 0);
	assert_int_equal(a.n, b.n);
	for (size_t i = 0; i < a.n; i++)
		assert_same(&a.items[i], &b.items[i]);
	for (uint32_t i = 0; i < n; i++)
		buf_free(&bytes[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(patterns_say_what_they_mean),
	        cmocka_unit_test(what_overlaps_is_all_reported),
	        cmocka_unit_test(a_peek_does_not_move_the_walk),
	        cmocka_unit_test(a_nul_is_what_it_is_said_to_be),
	        cmocka_unit_test(nothing_makes_nothing),
	        cmocka_unit_test(all_kinds_say_what_their_functions_say),
	        cmocka_unit_test(what_cannot_be_told_is_refused_with_a_reason),
	        cmocka_unit_test(what_multiplies_is_split),
	        cmocka_unit_test(what_adds_up_is_not_split),
	        cmocka_unit_test(limits_are_kept),
	        cmocka_unit_test(many_texts_are_built_fast),
	        cmocka_unit_test(the_same_input_gives_the_same_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
