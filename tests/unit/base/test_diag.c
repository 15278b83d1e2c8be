/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"

static void prints_places_as_compilers_do(void **state)
{
	(void)state;
	_autodiag_ struct diag_list l = DIAG_LIST_INIT;
	diag_add(&l, DIAG_ERROR, (struct source_pos){"a.yaml", 3, 14}, "unknown-field", "no field '%s'", "proc.nme");
	diag_add(&l, DIAG_WARNING, (struct source_pos){"a.yaml", 4, 0}, "unused", "macro 'm' is not used");
	diag_add(&l, DIAG_ERROR, (struct source_pos){0}, "none", "nowhere");
	assert_int_equal(l.errors, 2);
	assert_int_equal(l.warnings, 1);
	assert_true(diag_failed(&l));

	_autofree_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	diag_print(&l, out);
	(void)fclose(out);
	assert_string_equal(text, "a.yaml:3:14: error: no field 'proc.nme' [unknown-field]\n"
	                          "a.yaml:4: warning: macro 'm' is not used [unused]\n"
	                          "error: nowhere [none]\n");
}

static void the_diagnostics_of_a_file_are_sorted_by_place(void **state)
{
	(void)state;
	_autodiag_ struct diag_list l = DIAG_LIST_INIT;
	diag_add(&l, DIAG_ERROR, (struct source_pos){"b.yaml", 9, 1}, "x", "third");
	diag_add(&l, DIAG_ERROR, (struct source_pos){"a.yaml", 1, 1}, "x", "fifth");
	diag_add(&l, DIAG_WARNING, (struct source_pos){"b.yaml", 2, 5}, "x", "second");
	diag_add(&l, DIAG_ERROR, (struct source_pos){"b.yaml", 2, 4}, "x", "first");
	diag_add(&l, DIAG_ERROR, (struct source_pos){"b.yaml", 9, 1}, "x", "fourth");
	diag_sort(&l);
	static const char *const order[] = {"first", "second", "third", "fourth", "fifth"};
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(l.items[i].message, order[i]);
}

static void nothing_quoted_can_steer_the_terminal(void **state)
{
	(void)state;
	_autodiag_ struct diag_list l = DIAG_LIST_INIT;
	diag_add(&l, DIAG_ERROR, (struct source_pos){"a\033[2J.yaml", 1, 1}, "x", "no rule '%s'; see \\d, ü",
	         "\033]0;x\a\n\xc2\x9b\xe2\x80\x8b\xff");

	_autofree_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	diag_print(&l, out);
	(void)fclose(out);
	assert_string_equal(text,
	                    "a\\x1b[2J.yaml:1:1: error: no rule '\\x1b]0;x\\x07\\x0a\\xc2\\x9b\\xe2\\x80\\x8b\\xff'; "
	                    "see \\d, ü [x]\n");
}

/* What is printed of an error at a place of the text. */
static char *print_place(const char *text, uint32_t line, uint32_t column)
{
	_autosource_ struct source_text source = {0};
	_cleanup_(source_list_free) struct source_list sources = {0};
	_autodiag_ struct diag_list l = {.sources = &sources};
	char *printed = NULL;
	size_t size = 0;
	assert_int_equal(source_init(&source, "a.yaml", text, strlen(text)) | source_list_add(&sources, &source), 0);
	diag_add(&l, DIAG_ERROR, (struct source_pos){"a.yaml", line, column}, "x", "m");
	FILE *out = open_memstream(&printed, &size);
	diag_print(&l, out);
	(void)fclose(out);
	return printed;
}

static void assert_lines(const char *text, uint32_t line, uint32_t column, const char *expected)
{
	_autofree_ char *printed = print_place(text, line, column);
	const char *excerpt = strchr(printed, '\n') + 1;
	assert_string_equal(excerpt, expected);
}

static void the_line_is_shown_with_a_mark_under_the_word(void **state)
{
	(void)state;
	assert_lines("a\n  b: proc.nme = x\nc\n", 2, 6,
	             "    2 |   b: proc.nme = x\n"
	             "      |      ^~~~~~~~\n");
	assert_lines("a >= 5", 1, 3,
	             "    1 | a >= 5\n"
	             "      |   ^~\n");
	assert_lines("x 'a b' c", 1, 3,
	             "    1 | x 'a b' c\n"
	             "      |   ^~~~~\n");
	assert_lines("x 'a b", 1, 3,
	             "    1 | x 'a b\n"
	             "      |   ^\n");
	assert_lines("(a)", 1, 1,
	             "    1 | (a)\n"
	             "      | ^\n");
	/* Behind the last byte. */
	assert_lines("ab\r\nc", 1, 3,
	             "    1 | ab\n"
	             "      |   ^\n");
	/* Nothing is shown of a place that is not in the text, or no place. */
	assert_lines("ab", 7, 1, "");
	assert_lines("ab", 1, 0, "");
}

static void the_mark_is_under_the_character_whatever_stands_before(void **state)
{
	(void)state;
	/* Tabs, two-byte, wide, combining and hidden characters, and what is no character. */
	assert_lines("\tx\ty z", 1, 4,
	             "    1 |         x       y z\n"
	             "      |                 ^\n");
	assert_lines("äö x", 1, 6,
	             "    1 | äö x\n"
	             "      |    ^\n");
	assert_lines("中文 x", 1, 8,
	             "    1 | 中文 x\n"
	             "      |      ^\n");
	assert_lines("e\xcc\x81 x", 1, 5,
	             "    1 | e\xcc\x81 x\n"
	             "      |   ^\n");
	assert_lines("\033[2J\xff x", 1, 7,
	             "    1 | \\x1b[2J\\xff x\n"
	             "      |             ^\n");
	/* A place within a character is the character's. */
	assert_lines("a中b", 1, 3,
	             "    1 | a中b\n"
	             "      |  ^~~\n");
}

static void long_lines_are_cut_around_the_place(void **state)
{
	(void)state;
	char line[4096];
	memset(line, 'a', sizeof(line));
	memcpy(line + 2000, " word ", 6);
	line[sizeof(line) - 1] = '\0';
	_autofree_ char *printed = print_place(line, 1, 2002);
	const char *text = strchr(printed, '\n') + 1, *mark = strchr(text, '\n') + 1;
	const char *word = strstr(text, " word ") + 1;

	assert_true(strlen(text) < 300);
	assert_non_null(strstr(text, "| …a"));
	assert_non_null(strstr(text, "a…\n"));
	/* The cut takes three bytes and one column. */
	assert_int_equal(strcspn(mark, "^"), (size_t)(word - text) - 2);
	assert_non_null(strstr(mark, "^~~~\n"));
}

static void notes_follow_with_their_own_lines(void **state)
{
	(void)state;
	static const char text[] = "one\ntwo\n";
	_autosource_ struct source_text source = {0};
	_cleanup_(source_list_free) struct source_list sources = {0};
	_autodiag_ struct diag_list from = {.sources = &sources}, l = DIAG_LIST_INIT;
	_autofree_ char *printed = NULL;
	size_t size = 0;

	assert_int_equal(source_init(&source, "a.yaml", text, strlen(text)) | source_list_add(&sources, &source), 0);
	diag_note(&from, (struct source_pos){0}, "of nothing");
	assert_int_equal(from.count, 0);
	diag_add(&from, DIAG_ERROR, (struct source_pos){"a.yaml", 1, 1}, "x", "m");
	diag_note(&from, (struct source_pos){"a.yaml", 2, 1}, "used %s", "here");
	diag_note(&from, (struct source_pos){0}, "and nowhere");
	diag_move(&l, DIAG_WARNING, &from, 0);
	assert_int_equal(l.warnings, 1);
	assert_int_equal(l.errors, 0);
	FILE *out = open_memstream(&printed, &size);
	diag_print(&l, out);
	(void)fclose(out);
	assert_string_equal(printed, "a.yaml:1:1: warning: m [x]\n"
	                             "    1 | one\n"
	                             "      | ^~~\n"
	                             "a.yaml:2:1: note: used here\n"
	                             "    2 | two\n"
	                             "      | ^~~\n"
	                             "note: and nowhere\n");
}

static void warnings_alone_are_no_failure(void **state)
{
	(void)state;
	_autodiag_ struct diag_list l = DIAG_LIST_INIT;
	assert_false(diag_failed(&l));
	diag_add(&l, DIAG_WARNING, (struct source_pos){0}, "w", "w");
	assert_false(diag_failed(&l));
}

static void error_set_returns_the_code(void **state)
{
	(void)state;
	struct error e = {0};
	assert_int_equal(error_set(&e, -22, "value %d", 7), -22);
	assert_string_equal(e.text, "value 7");
	assert_int_equal(error_set(NULL, -5, "ignored"), -5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(prints_places_as_compilers_do),
	        cmocka_unit_test(the_diagnostics_of_a_file_are_sorted_by_place),
	        cmocka_unit_test(nothing_quoted_can_steer_the_terminal),
	        cmocka_unit_test(the_line_is_shown_with_a_mark_under_the_word),
	        cmocka_unit_test(the_mark_is_under_the_character_whatever_stands_before),
	        cmocka_unit_test(long_lines_are_cut_around_the_place),
	        cmocka_unit_test(notes_follow_with_their_own_lines),
	        cmocka_unit_test(warnings_alone_are_no_failure),
	        cmocka_unit_test(error_set_returns_the_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
