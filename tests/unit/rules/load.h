/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files in tests: loading a text, and what it must come to.
 */
#ifndef TERCEL_TESTS_RULES_LOAD_H
#define TERCEL_TESTS_RULES_LOAD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "rules/rules.h"

#define RULE(name, condition) "- rule: " name "\n  desc: d\n  condition: " condition "\n  output: o\n  priority: INFO\n"

/* Loads a text that must be accepted. */
static inline struct rules *load(const char *yaml)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;

	if (rules_load_buffer(&r, "t.yaml", yaml, strlen(yaml), &diags)) {
		print_error("refused:\n%s\n", yaml);
		diag_print(&diags, stderr);
	}
	assert_non_null(r);
	return r;
}

static inline void assert_condition(const struct rules *r, const char *rule, const char *expected)
{
	_autobuf_ struct buf b = BUF_INIT;
	const struct rule *found = rules_find(r, rule);

	assert_non_null(found);
	assert_non_null(found->filter);
	filter_print(&b, filter_root(found->filter));
	assert_string_equal(buf_str(&b), expected);
}

static inline const struct diag *find_diag(const struct diag_list *l, const char *code)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->items[i].code, code) == 0)
			return &l->items[i];
	return NULL;
}

struct diag_row {
	const char *yaml;
	const char *code;
	uint32_t line, column;
};

/* The text has a message of that code, at that place: an error refuses it, a warning does not. */
static inline void assert_diag(const struct diag_row *row, enum diag_severity severity)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *r = NULL;
	int error = rules_load_buffer(&r, "t.yaml", row->yaml, strlen(row->yaml), &diags);
	const struct diag *d = find_diag(&diags, row->code);

	if (!d || d->line != row->line || d->column != row->column || (severity == DIAG_WARNING && error)) {
		print_error("expected %s at %u:%u for:\n%s\n", row->code, row->line, row->column, row->yaml);
		diag_print(&diags, stderr);
	}
	if (!d) {
		fail_msg("no %s", row->code);
		return;
	}
	assert_int_equal(error, severity == DIAG_ERROR ? -EINVAL : 0);
	assert_int_equal(d->severity, severity);
	assert_string_equal(d->file, "t.yaml");
	assert_int_equal(d->line, row->line);
	assert_int_equal(d->column, row->column);
}

/* The text has a message of that code, with these words in it. */
static inline void assert_words(const char *yaml, const char *code, const char *words)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *r = NULL;

	(void)rules_load_buffer(&r, "t.yaml", yaml, strlen(yaml), &diags);
	for (size_t i = 0; i < diags.count; i++)
		if (strcmp(diags.items[i].code, code) == 0 && strstr(diags.items[i].message, words))
			return;
	print_error("expected %s with \"%s\" for:\n%s\n", code, words, yaml);
	diag_print(&diags, stderr);
	fail();
}

/* The text is accepted without a word. */
static inline void assert_silent(const char *yaml)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *r = NULL;
	int error = rules_load_buffer(&r, "t.yaml", yaml, strlen(yaml), &diags);

	if (error || diags.count) {
		print_error("expected no message for:\n%s\n", yaml);
		diag_print(&diags, stderr);
	}
	assert_int_equal(error, 0);
	assert_int_equal(diags.count, 0);
}

#endif
