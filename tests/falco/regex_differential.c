// SPDX-License-Identifier: Apache-2.0
/*
 * Our `regex` against RE2 (regex_oracle.cpp, behind a pipe): random patterns and texts, where acceptance and every
 * answer must be the same, by native code and by the program. What differs is shrunk and printed.
 *
 *   regex_differential [--seconds N] [--seed S] -- ORACLE ARGUMENT…
 *
 * Exit status: 0 if nothing differed, 1 if something did, 2 if the oracle failed.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "filter/regex_internal.h"
#include "filter/regex_parse.h"
#include "filter/regex_program.h"

/* --- Random numbers --- */

static uint64_t random_state;

static uint64_t random64(void)
{
	uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t below(size_t n)
{
	return (size_t)(random64() % n);
}

static bool one_in(size_t n)
{
	return below(n) == 0;
}

/* --- The oracle --- */

struct oracle {
	FILE *to, *from;
	pid_t pid;
	enum regex_release release;
};

__attribute__((noreturn)) static void oracle_failed(void)
{
	(void)fprintf(stderr, "the oracle failed\n");
	exit(2);
}

static void oracle_start(struct oracle *o, char **argv)
{
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		oracle_failed();
	o->pid = fork();
	if (o->pid < 0)
		oracle_failed();
	if (o->pid == 0) {
		(void)dup2(to[0], STDIN_FILENO);
		(void)dup2(from[1], STDOUT_FILENO);
		for (int i = 0; i < 2; i++) {
			(void)close(to[i]);
			(void)close(from[i]);
		}
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	o->to = fdopen(to[1], "w");
	o->from = fdopen(from[0], "r");
	if (!o->to || !o->from)
		oracle_failed();
}

static void oracle_stop(struct oracle *o)
{
	int status;

	(void)fclose(o->to);
	(void)fclose(o->from);
	(void)waitpid(o->pid, &status, 0);
}

static void put_u32(FILE *f, uint32_t value)
{
	const unsigned char b[] = {(unsigned char)value, (unsigned char)(value >> 8), (unsigned char)(value >> 16),
	                           (unsigned char)(value >> 24)};

	(void)fwrite(b, 1, sizeof(b), f);
}

static void put_bytes(FILE *f, const char *bytes, size_t len)
{
	put_u32(f, (uint32_t)len);
	(void)fwrite(bytes, 1, len, f);
}

static unsigned char get_byte(FILE *f)
{
	int c = getc(f);

	if (c == EOF)
		oracle_failed();
	return (unsigned char)c;
}

/* --- Cases --- */

enum { TEXTS = 16 };

struct text {
	char *bytes;
	size_t len;
};

struct test_case {
	struct text pattern;
	size_t limit; /* of instructions; 0: RE2's */
	struct text texts[TEXTS];
	size_t ntexts;
};

static struct text take_text(struct buf *b)
{
	struct text t = {.len = b->len};

	t.bytes = b->len ? buf_take(b) : calloc(1, 1);
	if (!t.bytes)
		abort();
	return t;
}

static void case_free(struct test_case *c)
{
	free(c->pattern.bytes);
	for (size_t i = 0; i < c->ntexts; i++)
		free(c->texts[i].bytes);
	*c = (struct test_case){0};
}

static void ask(const struct oracle *o, const struct test_case *c)
{
	put_bytes(o->to, c->pattern.bytes, c->pattern.len);
	/* Two thirds of the memory less 432 bytes are for instructions, each of 8 bytes. */
	put_u32(o->to, c->limit ? (uint32_t)(12 * c->limit + 648) : 0);
	put_u32(o->to, (uint32_t)c->ntexts);
	for (size_t i = 0; i < c->ntexts; i++)
		put_bytes(o->to, c->texts[i].bytes, c->texts[i].len);
}

static void flush(const struct oracle *o)
{
	put_u32(o->to, UINT32_MAX);
	(void)fflush(o->to);
}

/* What a side says about a case. */
struct answers {
	bool accepted;
	bool matches[TEXTS];
	char reason[256];
};

static void read_answers(const struct oracle *o, const struct test_case *c, struct answers *a)
{
	*a = (struct answers){.accepted = get_byte(o->from)};
	if (a->accepted) {
		for (size_t i = 0; i < c->ntexts; i++)
			a->matches[i] = get_byte(o->from);
		return;
	}
	size_t len = get_byte(o->from);

	for (int i = 0; i < 3; i++)
		(void)get_byte(o->from);
	for (size_t i = 0; i < len; i++)
		a->reason[i] = (char)get_byte(o->from);
}

static size_t undecided, decided;

/* Our answers; what we disagree about among ourselves ends the program. */
static void our_answers(const struct test_case *c, struct answers *a, enum regex_release release)
{
	_autoregex_ struct regex *r = NULL;
	_autoscratch_ struct regex_scratch *s = NULL;
	struct regex_error err = {0};
	int error = regex_compile_as(&r, release, c->pattern.bytes, c->pattern.len, &err);

	*a = (struct answers){.accepted = error == 0};
	(void)snprintf(a->reason, sizeof(a->reason), "%s (at %zu)", err.text, err.offset);
	if (error) {
		if (error != -EINVAL || err.offset > c->pattern.len || !*err.text)
			abort();
		return;
	}
	if (regex_scratch_new(&s) || regex_scratch_fit(s, r))
		abort();
	for (size_t i = 0; i < c->ntexts; i++) {
		const struct text *t = &c->texts[i];
		enum regex_answer native = regex_match_native(r, s, t->bytes, t->len);

		a->matches[i] = regex_match_program(r, s, t->bytes, t->len);
		undecided += native == REGEX_UNDECIDED;
		decided += native != REGEX_UNDECIDED;
		if (native != REGEX_UNDECIDED && (native == REGEX_YES) != a->matches[i]) {
			/* Whichever RE2 does not say will be reported. */
			if (a->matches[i] == regex_matches(r, s, t->bytes, t->len))
				abort();
			(void)snprintf(a->reason, sizeof(a->reason), "native code and program disagree");
			a->accepted = false;
			return;
		}
	}
}

static bool differ(const struct answers *a, const struct answers *b, size_t ntexts)
{
	return a->accepted != b->accepted || (a->accepted && memcmp(a->matches, b->matches, ntexts) != 0);
}

static bool case_differs(const struct oracle *o, struct test_case *c)
{
	struct answers theirs, ours;

	ask(o, c);
	flush(o);
	read_answers(o, c, &theirs);
	our_answers(c, &ours, o->release);
	return differ(&theirs, &ours, c->ntexts);
}

/* --- Shrinking and printing --- */

/* Takes pieces out of t, as long as the case still differs. */
static bool shrink_text(const struct oracle *o, struct test_case *c, struct text *t,
                        bool (*still)(const struct oracle *, struct test_case *))
{
	bool changed = false;

	for (size_t piece = t->len; piece > 0; piece /= 2)
		for (size_t at = 0; at + piece <= t->len;) {
			struct text whole = *t;

			t->bytes = malloc(whole.len + 1);
			if (!t->bytes)
				abort();
			t->len = whole.len - piece;
			memcpy(t->bytes, whole.bytes, at);
			memcpy(t->bytes + at, whole.bytes + at + piece, whole.len - at - piece);
			if (still(o, c)) {
				free(whole.bytes);
				changed = true;
			} else {
				free(t->bytes);
				*t = whole;
				at += piece;
			}
		}
	return changed;
}

static void print_quoted(const char *what, const struct text *t)
{
	(void)printf("  %s \"", what);
	for (size_t i = 0; i < t->len; i++) {
		unsigned char b = (unsigned char)t->bytes[i];

		if (b == '"' || b == '\\')
			(void)printf("\\%c", b);
		else if (b >= ' ' && b < 0x7f)
			(void)putchar(b);
		else
			(void)printf("\\%03o", b);
	}
	(void)printf("\" (%zu bytes)\n", t->len);
}

static void report(const struct oracle *o, struct test_case *c)
{
	struct answers theirs, ours;
	struct test_case small = {.pattern = c->pattern};

	/* First whether a single text does it. */
	if (!case_differs(o, &small)) {
		for (size_t i = 0; i < c->ntexts; i++) {
			small.texts[0] = c->texts[i];
			small.ntexts = 1;
			if (case_differs(o, &small)) {
				c->texts[i] = c->texts[--c->ntexts];
				break;
			}
		}
	}
	c->pattern.bytes = NULL;
	while (shrink_text(o, &small, &small.pattern, case_differs) ||
	       (small.ntexts && shrink_text(o, &small, &small.texts[0], case_differs))) {
	}
	ask(o, &small);
	flush(o);
	read_answers(o, &small, &theirs);
	our_answers(&small, &ours, o->release);
	(void)printf("DIFFERENCE\n");
	print_quoted("pattern", &small.pattern);
	if (small.ntexts)
		print_quoted("text   ", &small.texts[0]);
	(void)printf("  RE2: %s%s\n  we:  %s%s\n",
	             theirs.accepted ? theirs.matches[0] ? "matches" : "accepts" : "refuses: ",
	             theirs.accepted ? "" : theirs.reason,
	             ours.accepted ? ours.matches[0] ? "matches" : "accepts" : "refuses: ",
	             ours.accepted ? "" : ours.reason);
	(void)fflush(stdout);
	case_free(&small);
}

/* --- Patterns --- */

enum shape {
	SHAPE_CHARACTER,
	SHAPE_CLASS,
	SHAPE_ANCHOR,
	SHAPE_EMPTY,
	SHAPE_REPEAT,
	SHAPE_GROUP,
	SHAPE_CONCAT,
	SHAPE_OR
};

struct shape_node {
	enum shape shape;
	int min, max;       /* REPEAT */
	char text[64];      /* CHARACTER, CLASS, ANCHOR: as written; REPEAT: the operator */
	const char *sample; /* CHARACTER: as bytes */
	size_t kids[4], nkids;
};

struct generator {
	struct shape_node nodes[400];
	size_t n;
	bool wild; /* also what is probably refused */
};

static const char *const characters[] = {
        "a",
        "a",
        "b",
        "b",
        "c",
        "k",
        "K",
        "s",
        "S",
        "A",
        "B",
        "z",
        "0",
        "9",
        "-",
        "/",
        "_",
        " ",
        "\t",
        "\n",
        "\xc3\xa9",
        "\xc5\xbf",
        "\xe2\x84\xaa",
        "\xe2\x98\x83",
        "\xf0\x9f\x98\x80",
        "\xed\xa0\x80",
        "\xf4\x8f\xbf\xbf",
        "\x7f",
        "\xc2\x80",
        "\x01",
        "}",
        "]",
        ",",
        "~",
        "%",
        "#",
};

static const struct {
	const char *text, *sample;
} escapes[] = {
        {"\\x61", "a"},
        {"\\x{62}", "b"},
        {"\\141", "a"},
        {"\\n", "\n"},
        {"\\.", "."},
        {"\\\\", "\\"},
        {"\\_", "_"},
        {"\\x{e9}", "\xc3\xa9"},
        {"\\t", "\t"},
        {"\\a", "\a"},
        {"\\[", "["},
        {"\\*", "*"},
        {"\\377", "\xc3\xbf"},
        {"\\01", "\x01"},
        {"\\x{10FFFF}", "\xf4\x8f\xbf\xbf"},
        {"\\x{D800}", "\xed\xa0\x80"},
        {"\\-", "-"},
        {"\\^", "^"},
        {"\\x4b", "K"},
        {"\\x{212A}", "\xe2\x84\xaa"},
        {"\\r", "\r"},
        {"\\v", "\v"},
        {"\\f", "\f"},
};

static const char *const wild_parts[] = {
        "\\d",
        "\\w",
        "\\s",
        "\\b",
        "\\B",
        "\\A",
        "\\z",
        "\\Q",
        "\\E",
        "\\C",
        "\\pL",
        "\\p{Greek}",
        "\\P{^Lu}",
        "(?i)",
        "(?:a)",
        "(?P<n>a)",
        "(?=a)",
        "*?",
        "+?",
        "??",
        "*+",
        "{2}?",
        "\\1",
        "\\8",
        "\\x",
        "\\x{",
        "\\x{}",
        "\\x{110000}",
        "\\xg",
        "[:alpha:]",
        "[[:nope:]]",
        "[z-a]",
        "[a-b-c]",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "{1",
        "{1,",
        "{,1}",
        "{01}",
        "{1001}",
        "{2,1}",
        "{1000000000}",
        "{999999999}",
        "\\",
        "\xff",
        "\xc0\x80",
        "\xf4\x90\x80\x80",
        "\xe2\x84",
        "**",
        "++",
        "|*",
        "(*)",
        "^*",
        "$+",
        "()*",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        "[--a]",
        "[a\\-z]",
        "[[.a.]]",
        "[[=a=]]",
        "[^\\x00-\\x{10FFFF}]",
        "[\\x00-\\x{10FFFF}]",
        "\\07",
        "\\0",
        "\\08",
        "\\xC3\\xA9",
        "[\\d]",
        "[^",
        "[[:alpha:]-z]",
        "[a-[:digit:]]",
        "[A-[:digit:]]",
        "[[:^word:]]",
        "[[:word:]x]",
        "x{0}",
        "x{0,0}",
        "(a{30}){34}",
        "((a{10}){10}){10}",
        "((a{10}){10}){11}",
        "a{1000}",
        ".{500}",
        "[^\\n]",
        "(|a)",
        "(a|)",
        "(|)",
        "a||b",
        "^^",
        "$$",
        "$^",
};

static size_t new_node(struct generator *g, enum shape shape)
{
	g->nodes[g->n] = (struct shape_node){.shape = shape};
	return g->n++;
}

static void add_text(struct shape_node *n, const char *text)
{
	size_t len = strlen(n->text), more = strlen(text);

	if (len + more < sizeof(n->text))
		memcpy(n->text + len, text, more + 1);
}

static const char *some_character(void)
{
	/* Mostly few different ones, so that something matches. */
	return characters[one_in(3) ? below(sizeof(characters) / sizeof(*characters)) : below(11)];
}

static size_t make_character(struct generator *g)
{
	size_t id = new_node(g, SHAPE_CHARACTER);
	struct shape_node *n = &g->nodes[id];

	if (g->wild && one_in(8)) {
		add_text(n, wild_parts[below(sizeof(wild_parts) / sizeof(*wild_parts))]);
		n->sample = "a";
	} else if (one_in(6)) {
		size_t i = below(sizeof(escapes) / sizeof(*escapes));

		add_text(n, escapes[i].text);
		n->sample = escapes[i].sample;
	} else {
		n->sample = some_character();
		add_text(n, n->sample);
	}
	return id;
}

static size_t make_class(struct generator *g)
{
	static const char *const items[] = {
	        "a-c",
	        "A-C",
	        "0-9",
	        "a-z",
	        "A-Z",
	        "Aa",
	        "Kk",
	        "Ss",
	        "[:alpha:]",
	        "[:^alpha:]",
	        "[:space:]",
	        "[:punct:]",
	        "[:^digit:]",
	        "[:word:]",
	        "[:upper:]",
	        "[:xdigit:]",
	        "[:cntrl:]",
	        "\\n",
	        "\\x{80}-\\x{7ff}",
	        "\\x{e9}-\\x{2000}",
	        "\\x{10000}-\\x{10FFFF}",
	        "\\x{FFFF}-\\x{10000}",
	        "\\x{400}-\\x{4ff}",
	        "\\x00-\\x7f",
	        "\\x{80}-\\x{10FFFF}",
	        "\\]",
	        "^",
	        "[",
	        ".",
	        "\\\\",
	        "*",
	        "$",
	        "\\x{d7ff}-\\x{e000}",
	        "\\x{7f}-\\x{81}",
	        "\\x{fff}-\\x{1001}",
	        "X-b",
	        "\\x{3ffff}-\\x{40001}",
	};
	size_t id = new_node(g, SHAPE_CLASS), n = 1 + below(3);
	struct shape_node *node = &g->nodes[id];

	node->sample = some_character();
	if (one_in(8)) {
		add_text(node, ".");
		return id;
	}
	/* A letter in both cases is special to RE2. */
	if (one_in(6)) {
		add_text(node, one_in(2) ? "[Kk]" : one_in(2) ? "[Ss]" : "[aA]");
		return id;
	}
	add_text(node, one_in(4) ? "[^" : "[");
	for (size_t i = 0; i < n; i++)
		add_text(node, one_in(2) ? items[below(sizeof(items) / sizeof(*items))] : some_character());
	add_text(node, "]");
	return id;
}

static size_t make(struct generator *g, int depth);

static size_t make_repeat(struct generator *g, int depth)
{
	size_t id = new_node(g, SHAPE_REPEAT);
	char op[32];
	int min = 0, max = -1;

	switch (below(7)) {
	case 0:
		(void)snprintf(op, sizeof(op), "+");
		min = 1;
		break;
	case 1:
		(void)snprintf(op, sizeof(op), "?");
		max = 1;
		break;
	case 2:
		min = max = (int)below(4);
		(void)snprintf(op, sizeof(op), "{%d}", min);
		break;
	case 3:
		min = (int)below(4);
		max = min + (int)below(4);
		(void)snprintf(op, sizeof(op), "{%d,%d}", min, max);
		break;
	case 4:
		min = (int)below(3);
		(void)snprintf(op, sizeof(op), "{%d,}", min);
		break;
	default:
		(void)snprintf(op, sizeof(op), "*");
	}
	add_text(&g->nodes[id], op);
	g->nodes[id].min = min;
	g->nodes[id].max = max;
	size_t kid = make(g, depth - 1);
	enum shape shape = g->nodes[kid].shape;

	if (shape == SHAPE_CONCAT || shape == SHAPE_OR || shape == SHAPE_EMPTY) {
		size_t group = new_node(g, SHAPE_GROUP);

		g->nodes[group].kids[0] = kid;
		g->nodes[group].nkids = 1;
		kid = group;
	}
	g->nodes[id].kids[0] = kid;
	g->nodes[id].nkids = 1;
	return id;
}

static size_t make_joined(struct generator *g, enum shape shape, int depth)
{
	size_t id = new_node(g, shape), n = 2 + below(3);

	for (size_t i = 0; i < n; i++) {
		size_t kid = make(g, depth - 1);

		/* Alternatives that begin alike are put together by RE2. */
		if (shape == SHAPE_OR && i > 0 && one_in(3))
			kid = g->nodes[id].kids[i - 1];
		g->nodes[id].kids[i] = kid;
		g->nodes[id].nkids = i + 1;
	}
	return id;
}

static size_t make(struct generator *g, int depth)
{
	if (depth <= 0 || g->n > 300)
		return one_in(3) ? make_class(g) : make_character(g);
	switch (below(12)) {
	case 0:
	case 1:
		return make_repeat(g, depth);
	case 2:
	case 3: {
		size_t id = new_node(g, SHAPE_GROUP), kid = make(g, depth - 1);

		g->nodes[id].kids[0] = kid;
		g->nodes[id].nkids = 1;
		return id;
	}
	case 4:
	case 5:
		return make_joined(g, SHAPE_OR, depth);
	case 6:
	case 7:
	case 8:
		return make_joined(g, SHAPE_CONCAT, depth);
	case 9:
		if (one_in(2)) {
			size_t id = new_node(g, SHAPE_ANCHOR);

			add_text(&g->nodes[id], one_in(2) ? "^" : "$");
			return id;
		}
		return one_in(4) ? new_node(g, SHAPE_EMPTY) : make_class(g);
	case 10:
		return make_class(g);
	default:
		return make_character(g);
	}
}

/* The pattern. An alternation below another node gets parentheses of its own, mostly. */
static void write_shape(const struct generator *g, size_t id, struct buf *out, bool top)
{
	const struct shape_node *n = &g->nodes[id];
	bool parentheses = n->shape == SHAPE_GROUP || (n->shape == SHAPE_OR && !top);

	if (out->len > 4000)
		return;
	if (parentheses)
		buf_addc(out, '(');
	for (size_t i = 0; i < n->nkids; i++) {
		if (i > 0 && n->shape == SHAPE_OR)
			buf_addc(out, '|');
		write_shape(g, n->kids[i], out, n->shape == SHAPE_GROUP);
	}
	if (parentheses)
		buf_addc(out, ')');
	buf_adds(out, n->text);
}

/* A text that the pattern might match. */
static void sample_shape(const struct generator *g, size_t id, struct buf *out)
{
	const struct shape_node *n = &g->nodes[id];

	if (out->len > 300)
		return;
	if (n->shape == SHAPE_OR) {
		sample_shape(g, n->kids[below(n->nkids)], out);
	} else if (n->shape == SHAPE_REPEAT) {
		size_t times = (size_t)n->min + below(n->max < 0 ? 4 : (size_t)(n->max - n->min) + 1);

		for (size_t i = 0; i < times; i++)
			sample_shape(g, n->kids[0], out);
	} else if (n->shape == SHAPE_CHARACTER) {
		buf_adds(out, n->sample);
	} else if (n->shape == SHAPE_CLASS) {
		/* A character that stands in it, or any. */
		size_t len = strlen(n->text);
		char c = n->text[below(len)];

		if (one_in(2) && (c & 0x80) == 0)
			buf_addc(out, c);
		else
			buf_adds(out, one_in(2) ? n->sample : some_character());
	} else if (n->shape == SHAPE_ANCHOR && one_in(3)) {
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < n->nkids && n->shape != SHAPE_OR && n->shape != SHAPE_REPEAT; i++)
		sample_shape(g, n->kids[i], out);
}

/* --- Texts --- */

static const char *const pieces[] = {
        "\xff",
        "\x80",
        "\xc3",
        "\xe2\x84",
        "\xe0\x80\x80",
        "\xc0\x80",
        "\xf4\x90\x80\x80",
        "\xed\xa0\x80",
        "\xf0\x80\x80\x80",
        "\xf5\x80\x80\x80",
        "\xe2\x84\xaa",
        "\xc5\xbf",
        "\xc3\xa9",
        "\n",
        "\n\n",
        "\r\n",
        "a",
        "b",
        "A",
        "k",
        "K",
        "aa",
        "ab",
        "\xf0\x9f\x98\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
};

/* Changes a few bytes. */
static void mutate(struct buf *b, size_t changes)
{
	for (size_t i = 0; i < changes; i++) {
		_autobuf_ struct buf old = *b;
		size_t at = below(old.len + 1), skip = one_in(2) && at < old.len ? 1 + below(2) : 0;
		char byte = (char)below(256);

		if (at + skip > old.len)
			skip = 0;
		*b = BUF_INIT;
		buf_add(b, old.len ? old.data : "", at);
		switch (below(5)) {
		case 0:
			buf_addc(b, byte);
			break;
		case 1:
		case 2:
			buf_adds(b, pieces[below(sizeof(pieces) / sizeof(*pieces))]);
			break;
		case 3:
			/* A piece of itself. */
			if (old.len) {
				size_t from = below(old.len);

				buf_add(b, old.data + from, 1 + below(old.len - from));
			}
			break;
		default:
			break;
		}
		if (old.len > at + skip)
			buf_add(b, old.data + at + skip, old.len - at - skip);
	}
}

static void add_case_text(struct test_case *c, struct buf *b)
{
	if (c->ntexts < TEXTS)
		c->texts[c->ntexts++] = take_text(b);
	buf_free(b);
}

static void make_texts(const struct generator *g, size_t root, struct test_case *c)
{
	for (size_t i = 0; i < 8; i++) {
		_autobuf_ struct buf b = BUF_INIT;

		sample_shape(g, root, &b);
		if (i >= 3)
			mutate(&b, 1 + below(2));
		add_case_text(c, &b);
	}
	for (size_t i = 0; i < 4; i++) {
		_autobuf_ struct buf b = BUF_INIT;
		size_t n = below(6);

		for (size_t k = 0; k < n; k++)
			buf_adds(&b, one_in(4) ? pieces[below(sizeof(pieces) / sizeof(*pieces))] : some_character());
		add_case_text(c, &b);
	}
	if (one_in(50)) {
		_autobuf_ struct buf b = BUF_INIT;

		for (size_t k = 0; k < 300; k++)
			sample_shape(g, root, &b);
		while (b.len && b.len < 3000) {
			_autobuf_ struct buf copy = BUF_INIT;

			buf_add(&copy, b.data, b.len);
			buf_add(&b, copy.data, copy.len);
		}
		add_case_text(c, &b);
	}
	add_case_text(c, &(struct buf){0});
}

/* What people write, to be changed a little. */
static const char *const written[] = {
        "^/etc/(passwd|shadow|group)$",
        "(/tmp|/var/tmp|/dev/shm)/.*\\.(sh|py|pl)",
        "[0-9]{1,3}(\\.[0-9]{1,3}){3}",
        ".*(curl|wget).*http(s)?://.*",
        "^.*base64( -d| --decode).*$",
        "/home/[^/]+/\\.ssh/.*",
        "(.*/)?(nc|ncat|netcat)( .*)?",
        "[[:alnum:]_.-]+@[[:alnum:]-]+\\.[a-z]{2,}",
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+$",
        "(.*a){10}",
        "(x+x+)+y",
        "((a{0,10}){0,10}){0,10}",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(.*)(.*)(.*)(.*)[0-9]",
        "[^\\x00-\\x7f]+",
        "[\\x{400}-\\x{4ff} ]+",
        "(foo|foobar|food|fool)(bar)?",
        "k8s_[^_]+_[^_]+_[^_]+_[0-9a-f-]{36}_[0-9]+",
};

static void make_case(struct generator *g, struct test_case *c)
{
	_autobuf_ struct buf pattern = BUF_INIT;
	size_t root;

	g->n = 0;
	g->wild = one_in(3);
	root = make(g, 1 + (int)below(6));
	write_shape(g, root, &pattern, true);
	if (one_in(10)) {
		buf_reset(&pattern);
		buf_adds(&pattern, written[below(sizeof(written) / sizeof(*written))]);
	}
	if (one_in(4))
		mutate(&pattern, 1 + below(3));
	if (one_in(40))
		buf_addc(&pattern, '\0');
	make_texts(g, root, c);
	c->pattern = take_text(&pattern);
}

/* --- Sizes --- */

/* Whether we accept the pattern with that limit of instructions. */
static bool fits(const struct oracle *o, const struct text *pattern, size_t limit, size_t *size)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_(cleanup_regex_program) struct regex_program *program = NULL;
	struct regex_node *root;
	struct regex_error err;

	if (regex_parse(&root, &arena, o->release, pattern->bytes, pattern->len, &err) ||
	    regex_program_new(&program, &arena, o->release, root, limit))
		return false;
	*size = program->size + 2;
	return true;
}

/* Asks for the pattern with the least limit that we accept it with, and with one less. 0: we do not accept it. */
static size_t ask_size(const struct oracle *o, const struct test_case *c)
{
	size_t least, ignored;

	if (!fits(o, &c->pattern, REGEX_INSTRUCTIONS_MAX, &least))
		return 0;
	/* Some instructions are there for a while only, and nodes are counted too. */
	while (!fits(o, &c->pattern, least, &ignored))
		least++;
	ask(o, &(struct test_case){.pattern = c->pattern, .limit = least});
	ask(o, &(struct test_case){.pattern = c->pattern, .limit = least - 1});
	return least;
}

static bool size_differs(const struct oracle *o)
{
	const struct test_case no_texts = {0};
	struct answers enough, less;

	read_answers(o, &no_texts, &enough);
	read_answers(o, &no_texts, &less);
	return !enough.accepted || less.accepted;
}

static bool asked_size_differs(const struct oracle *o, struct test_case *c)
{
	if (!ask_size(o, c))
		return false;
	flush(o);
	return size_differs(o);
}

static void report_size(const struct oracle *o, struct test_case *c)
{
	size_t least;

	while (shrink_text(o, c, &c->pattern, asked_size_differs)) {
	}
	least = ask_size(o, c);
	flush(o);
	(void)size_differs(o);
	(void)printf("DIFFERENCE in size: we need %zu instructions\n", least);
	print_quoted("pattern", &c->pattern);
}

/* RE2's default limit: that many letters, and a few instructions more. */
static bool limit_differs(const struct oracle *o)
{
	_cleanup_(case_free) struct test_case c = {0};
	struct answers most, more;
	size_t n = REGEX_INSTRUCTIONS_MAX - 4;

	c.pattern.bytes = malloc(n + 1);
	if (!c.pattern.bytes)
		abort();
	memset(c.pattern.bytes, 'a', n + 1);
	for (c.pattern.len = n; c.pattern.len <= n + 1; c.pattern.len++)
		ask(o, &c);
	flush(o);
	read_answers(o, &c, &most);
	read_answers(o, &c, &more);
	if (!most.accepted || more.accepted)
		(void)printf("DIFFERENCE: RE2's limit is not %d instructions\n", REGEX_INSTRUCTIONS_MAX);
	return !most.accepted || more.accepted;
}

/* --- All --- */

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Which RE2 it is: the older forgets the A. */
static void find_release(struct oracle *o)
{
	char pattern[] = "a|[Aa]", text[] = "A";
	struct test_case c = {.pattern = {pattern, 6}, .texts = {{text, 1}}, .ntexts = 1};
	struct answers a;

	ask(o, &c);
	flush(o);
	read_answers(o, &c, &a);
	o->release = a.matches[0] ? REGEX_RE2_2023 : REGEX_RE2_2022;
}

int main(int argc, char **argv)
{
	/* A batch's answers must fit into a pipe, since they are read when all is asked. */
	enum { BATCH = 64, REPORTS = 5 };
	static struct test_case cases[BATCH];
	static struct generator generator;
	size_t patterns = 0, accepted = 0, texts = 0, matched = 0, differences = 0, sizes = 0;
	uint64_t seed = (uint64_t)time(NULL);
	double seconds = 30, start;
	struct oracle oracle = {0};
	int i = 1;

	for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
		if (strcmp(argv[i], "--seconds") == 0)
			seconds = strtod(argv[i + 1], NULL);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else
			break;
	}
	if (i + 1 >= argc || strcmp(argv[i], "--") != 0) {
		(void)fprintf(stderr, "usage: %s [--seconds N] [--seed S] -- ORACLE ARGUMENT...\n", argv[0]);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	oracle_start(&oracle, argv + i + 1);
	find_release(&oracle);
	random_state = seed;
	start = now();
	differences += limit_differs(&oracle);
	while (now() < start + seconds && differences < REPORTS) {
		bool differs[BATCH] = {false}, sized[BATCH] = {false}, size_differs_too[BATCH] = {false};

		for (size_t k = 0; k < BATCH; k++) {
			make_case(&generator, &cases[k]);
			ask(&oracle, &cases[k]);
			sized[k] = ask_size(&oracle, &cases[k]) > 0;
		}
		flush(&oracle);

		for (size_t k = 0; k < BATCH; k++) {
			struct answers theirs, ours;

			read_answers(&oracle, &cases[k], &theirs);
			if (sized[k])
				size_differs_too[k] = size_differs(&oracle);
			sizes += sized[k];
			our_answers(&cases[k], &ours, oracle.release);
			differs[k] = differ(&theirs, &ours, cases[k].ntexts);
			patterns++;
			accepted += theirs.accepted;
			texts += theirs.accepted ? cases[k].ntexts : 0;
			for (size_t t = 0; t < cases[k].ntexts; t++)
				matched += theirs.matches[t];
		}
		for (size_t k = 0; k < BATCH; k++) {
			if (size_differs_too[k] && differences < REPORTS) {
				differences++;
				report_size(&oracle, &cases[k]);
			} else if (differs[k] && differences < REPORTS) {
				differences++;
				report(&oracle, &cases[k]);
			}
			case_free(&cases[k]);
		}
	}
	oracle_stop(&oracle);
	(void)printf("regex: seed %" PRIu64
	             ", RE2 as of %s: %zu patterns, %zu accepted; %zu texts, %zu matched; native code left %.2f %% to "
	             "the program; %zu sizes; %zu differences\n",
	             seed, oracle.release == REGEX_RE2_2022 ? "2022" : "2023", patterns, accepted, texts, matched,
	             decided + undecided ? 100.0 * (double)undecided / (double)(decided + undecided) : 0.0, sizes,
	             differences);
	return differences ? 1 : 0;
}
