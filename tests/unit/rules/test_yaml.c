// SPDX-License-Identifier: Apache-2.0
/*
 * YAML: hand-picked texts with yaml-cpp's own answers, since it reads them for Falco; where ours differ; the place of
 * every byte, and of errors.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "rules/yaml.h"

/* A text, and what yaml-cpp (at the commit that Falco 0.44 is built with) makes of it; NULL: it refuses it. */
struct row {
	const char *yaml, *tree;
};

// clang-format off
static const struct row rows[] = {
	{"a", "'a'"},
	{"a\n b\n  c\n\n d", "'a b c\\nd'"},
	{"- a b # c\n- a#b\n- 'a' #c\n", "['a b', 'a#b', 'a']"},
	{"- a: b:c\n", "[{'a': 'b:c'}]"},
	{"- a: http://x/y\n", "[{'a': 'http://x/y'}]"},
	{"- -x\n- ?y\n- :z\n", "['-x', '?y', ':z']"},
	{"- a\n  b: c\n", NULL},
	{"- ~\n- null\n- Null\n- NULL\n- nUll\n- 'null'\n- \"\"\n-\n- !!str ~\n- !!str\n- true\n", "[~, ~, ~, ~, 'nUll', 'null', '', ~, '~', '', 'true']"},
	{"'it''s'", "'it's'"},
	{"\"a\\tb\\x41\\u00e9\\U0001F600\\/\\\\\"", "'a\\x09bA\\xc3\\xa9\\xf0\\x9f\\x98\\x80/\\'"},
	{"\"a\n  b\n\n  c \\\n   d\"", "'a b\\nc d'"},
	{"'a\n\n b  \n c'", "'a\\nb c'"},
	{"\"\\q\"", NULL},
	{"\"\\x4\"", NULL},
	{"\"\\ud800\"", NULL},
	{"'x", NULL},
	{"'a' 'b'", NULL},
	{"'a': 'b'", "{'a': 'b'}"},
	{"\"a\",", NULL},
	{"|\n a\n  b\n\n c\n", "'a\\n b\\n\\nc\\n'"},
	{">\n a\n b\n\n  c\n  d\n\n e\n", "'a b\\n\\n c\\n d\\n\\ne\\n'"},
	{"|-\n a\n\n", "'a'"},
	{"|+\n a\n\n", "'a\\n\\n'"},
	{">-\n\n a\n", "'\\na'"},
	{"|2\n   a\n  b\n", "' a\\nb\\n'"},
	{"|2-\n   a\n", "' a'"},
	{"|-2\n   a\n", "' a'"},
	{"|0\n a", NULL},
	{"|12\n a", NULL},
	{"> # c\n a\n", "'a\\n'"},
	{"> c\n a\n", NULL},
	{"|\n\ta\n", NULL},
	{"- |\n a\n- b\n", "['a\\n', 'b']"},
	{"- a: |\n    x\n   y\n", NULL},
	{"a: >\n\n\n  b\n", "{'a': '\\n\\nb\\n'}"},
	{"- >\n  a\n   b\n  c\n", "['a\\n b\\nc\\n']"},
	{"|", "''"},
	{"|\n", "''"},
	{"a: |\nb: c\n", "{'a': '', 'b': 'c'}"},
	{"a:\tb", "{'a': 'b'}"},
	{"\ta: b", NULL},
	{"- a:\n\tb\n", NULL},
	{"a: b\t# c\n", "{'a': 'b'}"},
	{"- a\n\t- b\n", NULL},
	{"a:\n  b\n\t c\n", NULL},
	{"[a, b, ]", "['a', 'b']"},
	{"[a b, 'c', {d: e}]", "['a b', 'c', {'d': 'e'}]"},
	{"{a: b, c, d: }", "{'a': 'b', 'c': ~, 'd': ~}"},
	{"[a: b, c]", "[{'a': 'b'}, 'c']"},
	{"[a,\n b\n]", "['a', 'b']"},
	{"{a: [b, c], \"d\":e}", "{'a': ['b', 'c'], 'd': 'e'}"},
	{"[a, b", NULL},
	{"{a: b", NULL},
	{"[a, b}", NULL},
	{"a]", "'a]'"},
	{"[- a]", NULL},
	{"[\"a\":b]", "[{'a': 'b'}]"},
	{"[a:b]", "['a:b']"},
	{",a", NULL},
	{"{a, a: b}", "{'a': ~, 'a': 'b'}"},
	{"[[a], [b]]", "[['a'], ['b']]"},
	{"{? a : b}", "{'a': 'b'}"},
	{"[a #c\n]", "['a']"},
	{"- []\n- {}\n", "[[], {}]"},
	{"a: b\nc\nd: e\n", NULL},
	{"a:\n- b\n- c\n", "{'a': ['b', 'c']}"},
	{"a:\n  - b\n - c\n", NULL},
	{"- a: b\n   c: d\n", NULL},
	{"- a: b\n c: d\n", NULL},
	{"- - a\n  - b\n- c\n", "[['a', 'b'], 'c']"},
	{"? a\n: b\n", "{'a': 'b'}"},
	{"? a\n", "{'a': ~}"},
	{"? [a]\n: b\n", "{['a']: 'b'}"},
	{"a: b: c\n", NULL},
	{"a:\nb:\n", "{'a': ~, 'b': ~}"},
	{"a: b\na: c\n", "{'a': 'b', 'a': 'c'}"},
	{"- a\n b\n", "['a b']"},
	{"k: v\n  w: x\n", NULL},
	{"- &a x\n- *a\n", "['x', 'x']"},
	{"- &a {b: c}\n- *a\n- <<: *a\n", "[{'b': 'c'}, {'b': 'c'}, {'<<': {'b': 'c'}}]"},
	{"- *a\n", NULL},
	{"- &a x\n- &a y\n- *a\n", "['x', 'y', 'y']"},
	{"- &a\n- *a\n", "[~, ~]"},
	{"&a\nb: c\n", "{'b': 'c'}"},
	{"- & x\n", NULL},
	{"- * x\n", NULL},
	{"- &a &b x\n", NULL},
	{"- !x !y z\n", NULL},
	{"- !<x y\n", NULL},
	{"- !e! x\n", NULL},
	{"- &a [*a]\n", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"},
	{"*a : b\n", NULL},
	{"- &k a\n- {*k : b}\n", "['a', {'a': 'b'}]"},
	{"a\n---\nb\n", "'a' | 'b'"},
	{"---\n---\na\n", ""},
	{"# c\n", ""},
	{"", ""},
	{"---\n", ""},
	{"%YAML 1.2\n---\na\n", "'a'"},
	{"%YAML 2.0\n---\na\n", NULL},
	{"%YAML 1.1\n%YAML 1.2\n--- a\n", NULL},
	{"%TAG ! x\n--- a\n", "'a'"},
	{"%TAG x\n---\na\n", NULL},
	{"a\n--- |\n b\n", "'a' | 'b\\n'"},
	{"a\n%b\n", "'a %b'"},
	{"- 'a\n--- b'\n", NULL},
	{"@a", NULL},
	{"`a", NULL},
	{" %a", NULL},
	{"- @a\n", NULL},
	{"- a@b\n", "['a@b']"},
	{"&", NULL},
	{"-", "[~]"},
	{"a: b\r\nc: >\r\n  d\r\n  e\r\n", "{'a': 'b', 'c': 'd e\\n'}"},
	{"a: b\rc: d\r", "{'a': 'b', 'c': 'd'}"},
	{"- a\r\n- b\n", "['a', 'b']"},
	{"- \xe4\xb8\xad\xe6\x96\x87: x\n", "[{'\\xe4\\xb8\\xad\\xe6\\x96\\x87': 'x'}]"},
	{"a: \xef\xbb\xbf" "b\n", "{'a': '\\xef\\xbb\\xbfb'}"},
};

/* What libyaml reads in another way, the last being its answer. */
static const struct {
	const char *yaml, *yaml_cpp, *libyaml;
} differences[] = {
	{"\"\\N\\_\\L\\P\\e\\0\"", "'\\x85\\xa0\\xe2\\x80\\xa8\\xe2\\x80\\xa9\\x1b\\x00'", "'\\xc2\\x85\\xc2\\xa0\\xe2\\x80\\xa8\\xe2\\x80\\xa9\\x1b\\x00'"},
	{"'x\n", "'x '", NULL},
	{"\"x\n\n", "'x\\n'", NULL},
	{">+\n a\n\n", "'a\\n'", "'a\\n\\n'"},
	{"-\ta", "['a']", NULL},
	{"[: b]", "[{~: 'b'}]", NULL},
	{"{: b}", "{~: 'b'}", NULL},
	{"[a\n]b", "['a'] | 'b'", NULL},
	{"[?x]", NULL, "[{'x': ~}]"},
	{"[,]", "[~]", NULL},
	{"- a\n- b\nc\n", "['a', 'b'] | 'c'", NULL},
	{"a: b\nc\n", "{'a': 'b', 'c': ~}", NULL},
	{": a\n", "{~: 'a'}", NULL},
	{"- !t x\n- !!str 5\n- !<tag:x> y\n- !e!f z\n- ! n\n", "['x', '5', 'y', 'z', 'n']", NULL},
	{"--- a\n...\nb\n", "'a' | 'b'", NULL},
	{"...\na\n", "", NULL},
	{"%FOO\n--- a\n", "'a'", NULL},
	{"%a", "", NULL},
	{"!", "", "''"},
	{"?", NULL, "{~: ~}"},
	{":", "{~: ~}", NULL},
	{"- caf\xe9\n", "['caf\\xe9']", NULL},
	{"- a\x01" "b\n", "['a\\x01b']", NULL},
	{"- \x7f\n", "['\\x7f']", NULL},
};
// clang-format on

static void dump_text(struct buf *b, const struct text *t)
{
	buf_addc(b, '\'');
	for (size_t i = 0; i < t->len; i++) {
		unsigned char c = (unsigned char)t->bytes[i];

		if (c == '\n')
			buf_adds(b, "\\n");
		else if (c < 32 || c > 126)
			buf_addf(b, "\\x%02x", c);
		else
			buf_addc(b, (char)c);
	}
	buf_addc(b, '\'');
}

static void dump(struct buf *b, const struct yaml_node *n, int depth)
{
	/* An alias may be within what it stands for. */
	if (depth > 100)
		return;
	switch (n->kind) {
	case YAML_NULL:
		buf_addc(b, '~');
		break;
	case YAML_SCALAR:
		dump_text(b, &n->text);
		break;
	case YAML_SEQUENCE:
		buf_addc(b, '[');
		for (size_t i = 0; i < n->count; i++) {
			buf_adds(b, i ? ", " : "");
			dump(b, n->items[i], depth + 1);
		}
		buf_addc(b, ']');
		break;
	case YAML_MAPPING:
		buf_addc(b, '{');
		for (size_t i = 0; i < n->count; i++) {
			buf_adds(b, i ? ", " : "");
			dump(b, n->items[2 * i], depth + 1);
			buf_adds(b, ": ");
			dump(b, n->items[2 * i + 1], depth + 1);
		}
		buf_addc(b, '}');
		break;
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Each byte of a value stands where it says, as itself, as folded space, or as an escape. */
static void assert_places(const struct source_text *s, const struct yaml_node *n, int depth)
{
	if (depth > 100)
		return;
	for (size_t i = 0; n->kind == YAML_SCALAR && i < n->text.len; i++) {
		struct text_place place = text_place_at(&n->text, i);
		char c = n->text.bytes[i];

		assert_ptr_equal(place.source, s);
		assert_true(place.offset < s->len);
		char written = s->bytes[place.offset];

		/* Of an escape that stands for several bytes, the others are counted on. */
		if (written != c && !(is_space(c) && is_space(written)) && !memchr(s->bytes, '\\', s->len))
			fail_msg("%s: byte %zu is %02x, but %02x is written there", s->bytes, i, c & 0xff,
			         written & 0xff);
	}
	size_t items = n->kind == YAML_SEQUENCE ? n->count : n->kind == YAML_MAPPING ? 2 * n->count : 0;

	for (size_t i = 0; i < items; i++)
		assert_places(s, n->items[i], depth + 1);
}

/* Reads all documents; 0 or the error of the last. */
static int read_all(const struct source_text *s, struct buf *tree, struct yaml_error *error)
{
	_cleanup_(arena_free) struct arena texts = {0}, nodes = {0};
	_autoyaml_ struct yaml_stream y;
	struct yaml_node *root = NULL;
	int r;

	yaml_begin(&y, s, &texts, &nodes);
	while ((r = yaml_next(&y, &root)) == 1) {
		buf_adds(tree, tree->len ? " | " : "");
		dump(tree, root, 0);
		assert_places(s, root, 0);
	}
	*error = y.error;
	return r;
}

/* Reads a text, which must come to that tree, or be refused if it is NULL. */
static void assert_tree(const char *yaml, const char *expected)
{
	_autosource_ struct source_text s = {0};
	_autobuf_ struct buf tree = BUF_INIT;
	struct yaml_error error = {0};

	assert_int_equal(source_init(&s, "t.yaml", yaml, strlen(yaml)), 0);
	int r = read_all(&s, &tree, &error);
	bool same = expected ? r == 0 && strcmp(buf_str(&tree), expected) == 0 : r == -EINVAL;

	if (!same)
		fail_msg("%s\nexpected: %s\n     got: %s %s", yaml, expected ? expected : "an error", buf_str(&tree),
		         r ? error.message : "");
	if (r)
		assert_true(*error.message && error.offset <= s.len);
}

static void texts_are_read_as_yaml_cpp_reads_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_tree(rows[i].yaml, rows[i].tree);
}

static void where_libyaml_differs_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(differences) / sizeof(*differences); i++) {
		const char *a = differences[i].yaml_cpp, *b = differences[i].libyaml;

		assert_tree(differences[i].yaml, b);
		assert_true(!a != !b || strcmp(a, b) != 0);
	}
}

static void assert_error(const char *yaml, uint32_t line, uint32_t column)
{
	_autosource_ struct source_text s = {0};
	_autobuf_ struct buf tree = BUF_INIT;
	struct yaml_error error = {0};

	assert_int_equal(source_init(&s, "t.yaml", yaml, strlen(yaml)), 0);
	assert_int_equal(read_all(&s, &tree, &error), -EINVAL);
	struct source_pos pos = source_place(&s, error.offset);

	if (pos.line != line || pos.column != column)
		fail_msg("%s\nexpected %u:%u\n     got %u:%u: %s", yaml, line, column, pos.line, pos.column,
		         error.message);
}

static void errors_say_where(void **state)
{
	(void)state;
	/* What is not closed is told where it opens. */
	assert_error("- a: 'b\n  c: d", 1, 6);
	assert_error("- a: [b,\n  c\n", 1, 6);
	assert_error("- a: b: c\n", 1, 7);
	assert_error("- a: b\n   c: d\n", 2, 5);
	assert_error("- a: b\n c: d\n", 2, 2);
	assert_error("- a: b\n  - c\n", 2, 3);
	assert_error("- a: - c\n", 1, 6);
	assert_error("- a: @b\n", 1, 6);
	assert_error("- \u00e4: @b\n", 1, 7);
	assert_error("- a: \"\\d\"\n", 1, 7);
	assert_error("- a: *b\n", 1, 6);
	assert_error("- a: > b\n", 1, 8);
	assert_error("- a: &b &c d\n", 1, 9);
}

/* `head`, `unit` so many times, `tail`. */
static int read_repeated(const char *head, const char *unit, size_t n, const char *tail, struct yaml_error *error)
{
	_autobuf_ struct buf text = BUF_INIT, tree = BUF_INIT;
	_autosource_ struct source_text s = {0};

	buf_adds(&text, head);
	for (size_t i = 0; i < n; i++)
		buf_adds(&text, unit);
	buf_adds(&text, tail);
	assert_int_equal(source_init(&s, "t.yaml", buf_str(&text), text.len), 0);
	return read_all(&s, &tree, error);
}

static void masses_are_read_in_linear_time_or_refused(void **state)
{
	(void)state;
	struct yaml_error error = {0};

	assert_int_equal(read_repeated("a: [", "&a x, *a, ", 100000, "]\n", &error), 0);
	assert_int_equal(read_repeated("", "- a: b\n", 200000, "", &error), 0);
	assert_int_equal(read_repeated("a: '", "x", (1 << 20) + 1, "'\n", &error), -EINVAL);
	assert_string_equal(error.code, "too-large");
	assert_int_equal(read_repeated("", "- ", YAML_TREE_DEPTH, "\n", &error), -EINVAL);
	assert_string_equal(error.code, "too-deep");
}

static void whole_items_are_there_after_an_error(void **state)
{
	(void)state;
	static const char text[] = "- a: b\n- c: d\n- e: @\n- f: g\n";
	_cleanup_(arena_free) struct arena texts = {0}, nodes = {0};
	_autosource_ struct source_text s = {0};
	_autoyaml_ struct yaml_stream y;
	_autobuf_ struct buf tree = BUF_INIT;
	struct yaml_node *root = NULL;

	assert_int_equal(source_init(&s, "t.yaml", text, strlen(text)), 0);
	yaml_begin(&y, &s, &texts, &nodes);
	assert_int_equal(yaml_next(&y, &root), -EINVAL);
	assert_non_null(root);
	dump(&tree, root, 0);
	assert_string_equal(buf_str(&tree), "[{'a': 'b'}, {'c': 'd'}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts_are_read_as_yaml_cpp_reads_them),
	        cmocka_unit_test(where_libyaml_differs_is_known),
	        cmocka_unit_test(errors_say_where),
	        cmocka_unit_test(masses_are_read_in_linear_time_or_refused),
	        cmocka_unit_test(whole_items_are_there_after_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
