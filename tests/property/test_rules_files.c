/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many files mean what Falco makes of them: it compiles everything after each file. So files are accepted exactly if
 * the texts of the first one, the first two, … are, and mean what the text of all of them means. Only what a file has
 * changed is compiled again, which must not show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "rules/rules.h"

enum { ROUNDS = 3000, FILES_MAX = 4, ITEMS_MAX = 9 };

#define RULE(name, condition) "- rule: " name "\n  desc: d\n  condition: " condition "\n  output: o\n  priority: INFO\n"

/* Definitions that use, extend and replace one another; some orders of them are wrong. */
static const char *const items[] = {
        "- list: a\n  items: [x, y]\n",
        "- list: a\n  items: [b, z]\n",
        "- list: a\n  items: [w]\n  override: {items: append}\n",
        "- list: b\n  items: [a, v]\n",
        "- list: b\n  items: []\n",
        "- list: c\n  items: [b, u, c]\n",
        "- list: c\n  items: [t]\n  append: true\n",
        "- list: odd name\n  items: [a, s]\n",
        "- list: new name\n  items: [r]\n",
        "- list: m\n  items: [n]\n",
        "- macro: m\n  condition: proc.name in (a)\n",
        "- macro: m\n  condition: proc.name = b and proc.pid = 1\n",
        "- macro: m\n  condition: or proc.pname in (c, odd name)\n  override: {condition: append}\n",
        "- macro: n\n  condition: m or proc.pid = 2\n",
        "- macro: n\n  condition: or proc.name in (b)\n  append: true\n",
        "- macro: o\n  condition: not (n or proc.name = a)\n",
        "- macro: o\n  condition: fd.num = 3\n",
        "- macro: m\n  condition: and o\n  append: true\n",
        "- macro: p\n  condition: no.such.field = 1\n",
        RULE("R", "evt.type = open and m"),
        RULE("R", "evt.type = open and proc.name in (a, c)"),
        RULE("S", "evt.type = execve and n and not o"),
        RULE("S", "evt.type in (open, close) and proc.aname in (b)"),
        RULE("T", "evt.type = open and proc.cmdline contains \"x a y\" and o"),
        RULE("T", "evt.type = open and p"),
        RULE("U", "evt.type = open and proc.name in (odd name)"),
        RULE("U", "evt.type = open and proc.cmdline contains \"x new name y\""),
        "- rule: R\n  condition: or (evt.type = close and n)\n  append: true\n",
        "- rule: R\n  condition: evt.type = close and proc.name in (c)\n  override: {condition: replace}\n",
        "- rule: S\n  tags: [t]\n  enabled: false\n  override: {tags: append, enabled: replace}\n",
        "- rule: S\n  exceptions:\n  - {name: e, fields: [proc.name], comps: [in], values: [[a], [[b, c]]]}\n  "
        "override: "
        "{exceptions: append}\n",
        "- rule: T\n  skip-if-unknown-filter: true\n  override: {skip-if-unknown-filter: replace}\n",
};
enum { ITEMS = sizeof(items) / sizeof(*items) };

static uint32_t next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Files that are being tried: their texts, and the paths that they were written to. */
struct files {
	struct buf texts[FILES_MAX];
	char paths[FILES_MAX][64];
	size_t count;
};

static void make_files(struct files *f, uint64_t *seed)
{
	size_t n = 1 + next(seed) % ITEMS_MAX;

	f->count = 2 + next(seed) % (FILES_MAX - 1);
	/* Enough that most sets are accepted. */
	buf_adds(&f->texts[0], "- list: a\n  items: [x]\n- list: b\n  items: [v]\n- list: c\n  items: [u]\n- list: odd "
	                       "name\n  items: [q]\n"
	                       "- macro: m\n  condition: proc.pid = 5\n- macro: n\n  condition: m\n"
	                       "- macro: o\n  condition: proc.pid = 6\n- macro: p\n  condition: proc.pid = 7\n" RULE(
	                               "R", "evt.type = open and m") RULE("S", "evt.type = open and n")
	                               RULE("T", "evt.type = open and o and p"));
	for (size_t i = 0; i < n; i++)
		buf_adds(&f->texts[next(seed) % f->count], items[next(seed) % ITEMS]);
}

static bool write_text(const char *path, const struct buf *text)
{
	_autofclose_ FILE *out = fopen(path, "we");

	return out && fwrite(buf_str(text), 1, text->len, out) == text->len && fflush(out) == 0;
}

static void write_files(struct files *f, const char *directory)
{
	for (size_t i = 0; i < f->count; i++) {
		(void)snprintf(f->paths[i], sizeof(f->paths[i]), "%s/%zu.yaml", directory, i);
		assert_true(write_text(f->paths[i], &f->texts[i]));
	}
}

/* All that a set comes to; "refused" if there is none. */
static void describe(struct buf *out, const struct rules *r)
{
	if (!r)
		buf_adds(out, "refused\n");
	for (size_t i = 0; r && i < rules_count(r); i++) {
		const struct rule *rule = rules_at(r, i);

		assert_ptr_equal(rules_find(r, rule->name), rule);
		buf_addf(out, "%s state %d enabled %d tags %zu: ", rule->name, rule->state, rule->enabled, rule->ntags);
		if (rule->filter)
			filter_print(out, filter_root(rule->filter));
		buf_adds(out, "\n");
	}
}

/* What the set comes to if Falco compiled all that there is after each file. */
static void describe_prefixes(struct buf *out, const struct files *f)
{
	_autobuf_ struct buf text = BUF_INIT;

	for (size_t i = 0; i < f->count; i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		_autorules_ struct rules *r = NULL;

		buf_add(&text, buf_str(&f->texts[i]), f->texts[i].len);
		(void)rules_load_buffer(&r, "all.yaml", buf_str(&text), text.len, &diags);
		buf_reset(out);
		describe(out, r);
		if (!r)
			return;
	}
}

static void try_files(const char *directory, uint64_t *seed, size_t *accepted)
{
	struct files f = {.count = 0};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *r = NULL;
	_autobuf_ struct buf found = BUF_INIT, expected = BUF_INIT;
	const char *paths[FILES_MAX];

	make_files(&f, seed);
	write_files(&f, directory);
	for (size_t i = 0; i < f.count; i++)
		paths[i] = f.paths[i];
	(void)rules_load(&r, paths, f.count, &diags);
	describe(&found, r);
	describe_prefixes(&expected, &f);
	*accepted += r != NULL;
	if (strcmp(buf_str(&found), buf_str(&expected)) != 0) {
		for (size_t i = 0; i < f.count; i++)
			print_error("---- file %zu\n%s", i, buf_str(&f.texts[i]));
		diag_print(&diags, stderr);
		print_error("---- as files:\n%s---- as Falco:\n%s", buf_str(&found), buf_str(&expected));
		fail();
	}
	for (size_t i = 0; i < f.count; i++) {
		(void)unlink(f.paths[i]);
		buf_free(&f.texts[i]);
	}
}

static void files_mean_what_falco_makes_of_them(void **state)
{
	char directory[] = "/tmp/tercel-files-XXXXXX";
	uint64_t seed = 44;
	size_t accepted = 0;

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (int i = 0; i < ROUNDS; i++)
		try_files(directory, &seed, &accepted);
	(void)rmdir(directory);
	print_message("%zu of %d sets of files were accepted\n", accepted, ROUNDS);
	assert_true(accepted > ROUNDS / 4 && accepted < ROUNDS - ROUNDS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(files_mean_what_falco_makes_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
