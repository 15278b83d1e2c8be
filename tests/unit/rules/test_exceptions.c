/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions in all their forms: what they become, what Falco refuses, and what it takes without a word. Each case was
 * tried with Falco's own loader.
 */
#include "load.h"

/* A rule with one exception, given by its lines in flow style. */
#define WITH(exception) RULE("R", "evt.type = open") "  exceptions:\n  - " exception "\n"

struct becomes_row {
	const char *yaml, *condition;
};

static void a_comparison_of_an_exception_stands_where_its_value_does(void **state)
{
	_autorules_ struct rules *r = load(RULE("R", "evt.type=open") "  exceptions:\n"
	                                                              "  - name: ex\n"
	                                                              "    fields: [proc.name, proc.pname]\n"
	                                                              "    values:\n"
	                                                              "    - [a, b]\n"
	                                                              "    - [c, d]\n"
	                                                              "  - name: one\n"
	                                                              "    fields: proc.exepath\n"
	                                                              "    values: [/x, /y]\n"
	                                                              "- rule: R\n"
	                                                              "  exceptions:\n"
	                                                              "  - name: ex\n"
	                                                              "    values: [[e, l]]\n"
	                                                              "  override: {exceptions: append}\n"
	                                                              "- list: l\n  items: [f]\n");
	const struct filter_node *root = filter_root(rules_at(r, 0)->filter);
	const struct filter_node *rows = root->kids[1]->kids[0];

	(void)state;
	assert_int_equal(root->kids[0]->pos.line, 3);
	assert_int_equal(rows->nkids, 3);
	assert_int_equal(rows->kids[0]->kids[0]->pos.line, 10);
	assert_int_equal(rows->kids[0]->kids[1]->pos.line, 10);
	assert_int_equal(rows->kids[0]->kids[1]->pos.column, 11);
	assert_int_equal(rows->kids[1]->kids[0]->pos.line, 11);
	assert_int_equal(rows->kids[2]->kids[0]->pos.line, 18);
	assert_int_equal(root->kids[2]->kids[0]->pos.line, 14);
	assert_int_equal(root->kids[2]->kids[0]->pos.column, 14);
	assert_int_equal(rows->kids[2]->kids[1]->pos.line, 18);
}

static void a_value_that_breaks_the_condition_is_told_as_it_is_written(void **state)
{
#define EXCEPT(fields, comps, values) \
	RULE("R", "evt.type=open")    \
	"  exceptions:\n  - name: ex\n    fields: " fields "\n    comps: " comps "\n    values: " values "\n"
	static const struct {
		struct diag_row row;
		const char *words;
	} rows[] = {
	        {{EXCEPT("[proc.name]", "[regex]", "[['a(']]"), "syntax", 10, 15},
	         "in the exception 'ex', the value 'a(' needs quotes of its own; write '\"a(\"'"},
	        {{EXCEPT("[proc.name, proc.pname]", "[=, =]", "[[a, [b, c]]]"), "syntax", 10, 18},
	         "in the exception 'ex', '=' compares with one value, not with a list; use comps 'in' for a list"},
	        {{EXCEPT("[proc.name]", "[in]", "[['a b']]"), "syntax", 10, 15},
	         "write '\"a b\"', or a list of values"},
	        {{EXCEPT("[proc.name]", "[in]", "[[[a, 'b(']]]"), "syntax", 10, 19}, "write '\"b(\"'"},
	        {{EXCEPT("proc.name", "in", "[a, 'b(c']"), "syntax", 10, 17}, "write '\"b(c\"'"},
	        {{EXCEPT("[proc.name]", "[=]", "[['a\"b']]"), "syntax", 10, 15}, "write \"'a\"b'\""},
	        {{EXCEPT("[proc.name]", "[=]", "[['a)']]"), "syntax", 10, 15}, "write '\"a)\"'"},
	        {{EXCEPT("[proc.name]", "[exists]", "[[a]]"), "syntax", 10, 15}, "takes none; use another operator"},
	        {{EXCEPT("[proc.name]", "[=]", "[[{}]]"), "syntax", 10, 15}, "'=' has no value here; write one"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_diag(&rows[i].row, DIAG_ERROR);
		assert_words(rows[i].row.yaml, "syntax", rows[i].words);
	}
	/* A mistake of the condition stays there, and what is wrong in a list in the list. */
	assert_words(
	        RULE("R", "evt.type=open and (proc.name=a") "  exceptions: [{name: ex, fields: [proc.name], values: "
	                                                    "[[b]]}]\n",
	        "syntax", "the ')' for the '(' at 3:32");
	assert_diag(&(struct diag_row){"- list: l\n  items: ['a(b']\n" EXCEPT("[proc.name]", "[in]", "[[l]]"), "syntax",
	                               2, 13},
	            DIAG_ERROR);
#undef EXCEPT
}

static void exceptions_become_checks(void **state)
{
	(void)state;
	static const struct becomes_row rows[] = {
	        /* A single field has `in`, fields in a list have `=`. */
	        {WITH("{name: e, fields: proc.name, values: [a, b]}"), "evt.type = open and not proc.name in (a, b)"},
	        {WITH("{name: e, fields: [proc.name], values: [[a], [b]]}"),
	         "evt.type = open and not (proc.name = a or proc.name = b)"},
	        {WITH("{name: e, fields: [proc.name, fd.name], comps: [in, startswith], values: [[[a, b], /etc]]}"),
	         "evt.type = open and not (proc.name in (a, b) and fd.name startswith /etc)"},
	        {WITH("{name: e, fields: proc.exepath, comps: pmatch, values: [/usr/bin/, /usr/local/bin/]}"),
	         "evt.type = open and not proc.exepath pmatch (/usr/bin/, /usr/local/bin/)"},
	        {WITH("{name: e, fields: [proc.cmdline], comps: [contains], values: [[curl 127.0.0.1]]}"),
	         "evt.type = open and not proc.cmdline contains \"curl 127.0.0.1\""},
	        /* Modifiers. */
	        {WITH("{name: e, fields: [proc.name], comps: [startswith oneof], values: [[[sshd, sudo]]]}"),
	         "evt.type = open and not proc.name startswith oneof (sshd, sudo)"},
	        {WITH("{name: e, fields: [proc.name], comps: [startswith oneof], values: [[sshd]]}"),
	         "evt.type = open and not proc.name startswith oneof (sshd)"},
	        {WITH("{name: e, fields: proc.name, comps: glob anyof, values: [a, b]}"),
	         "evt.type = open and not proc.name glob anyof (a, b)"},
	        {WITH("{name: e, fields: [proc.name, fd.name], comps: ['  contains ', ' startswith anyof '], values: "
	              "[[agent, [/etc/, /var/]]]}"),
	         "evt.type = open and not (proc.name contains agent and fd.name startswith anyof (/etc/, /var/))"},
	        {WITH("{name: e, fields: proc.name, comps: ' in ', values: [a]}"),
	         "evt.type = open and not proc.name in (a)"},
	        /* A value may be a text in parentheses, a list's name, a transformer. */
	        {WITH("{name: e, fields: [proc.name], comps: [in], values: [['(a, b)']]}"),
	         "evt.type = open and not proc.name in (a, b)"},
	        {"- list: l\n  items: [x, y]\n" WITH("{name: e, fields: [proc.name], comps: [in], values: [[l]]}"),
	         "evt.type = open and not proc.name in (x, y)"},
	        {WITH("{name: e, fields: [proc.name], comps: [=], values: [[toupper(proc.pname)]]}"),
	         "evt.type = open and not proc.name = toupper(proc.pname)"},
	        {WITH("{name: e, fields: [tolower(proc.name)], comps: [=], values: [[test]]}"),
	         "evt.type = open and not tolower(proc.name) = test"},
	        {WITH("{name: e, fields: ['tolower( proc.name)'], comps: [=], values: [[test]]}"),
	         "evt.type = open and not tolower(proc.name) = test"},
	        {WITH("{name: e, fields: ['proc.aname[2]'], values: [[a]]}"),
	         "evt.type = open and not proc.aname[2] = a"},
	        /* Quoted is what has a blank and no quotes yet. */
	        {WITH("{name: e, fields: [proc.name], comps: [=], values: [[\"proc.pname \"]]}"),
	         "evt.type = open and not proc.name = \"proc.pname \""},
	        {WITH("{name: e, fields: [proc.name], comps: [=], values: [[\"'a b'\"]]}"),
	         "evt.type = open and not proc.name = \"a b\""},
	        /* Without values there is no check. */
	        {WITH("{name: e, fields: [proc.name]}"), "evt.type = open"},
	        {WITH("{name: e, fields: proc.name, values: []}"), "evt.type = open"},
	        /* What is empty is not there. */
	        {WITH("{name: e, fields: [proc.name], comps: [], values: [[a]]}"),
	         "evt.type = open and not proc.name = a"},
	        {WITH("{name: e, fields: [proc.name], comps: , values: [[a]]}"),
	         "evt.type = open and not proc.name = a"},
	        {WITH("{name: e, fields: proc.name, comps: {}, values: [a]}"),
	         "evt.type = open and not proc.name in (a)"},
	        /* Both exceptions of one name count. */
	        {WITH("{name: e, fields: [proc.name], values: [[a]]}") "  - {name: e, fields: [fd.name], values: "
	                                                               "[[b]]}\n",
	         "evt.type = open and not proc.name = a and not fd.name = b"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autorules_ struct rules *r = load(rows[i].yaml);

		assert_condition(r, "R", rows[i].condition);
	}
}

static void wrong_exceptions_are_refused_at_their_place(void **state)
{
	(void)state;
	static const struct diag_row rows[] = {
	        {WITH("text"), "bad-exception", 7, 5},
	        {WITH("{fields: [proc.name]}"), "missing-key", 7, 5},
	        {WITH("{name: , fields: [proc.name]}"), "bad-value", 7, 12},
	        {WITH("{name: e}"), "bad-exception", 7, 12},
	        {WITH("{name: e, fields: }"), "bad-exception", 7, 12},
	        {WITH("{name: e, fields: []}"), "bad-exception", 7, 12},
	        {WITH("{name: e, fields: ''}"), "bad-exception", 7, 23},
	        {WITH("{name: e, fields: [proc.nix]}"), "unknown-field", 7, 24},
	        {WITH("{name: e, fields: proc.nix}"), "unknown-field", 7, 23},
	        {WITH("{name: e, fields: [proc.name, ~]}"), "unknown-field", 7, 35},
	        {WITH("{name: e, fields: [[proc.name]]}"), "unknown-field", 7, 24},
	        {WITH("{name: e, fields: ['proc.name ']}"), "unknown-field", 7, 24},
	        {WITH("{name: e, fields: [not proc.name]}"), "unknown-field", 7, 24},
	        {WITH("{name: e, fields: ['proc.name[1]']}"), "unknown-field", 7, 24},
	        {WITH("{name: e, fields: [proc.name], comps: [=, =]}"), "bad-exception", 7, 43},
	        {WITH("{name: e, fields: [proc.name], comps: =}"), "bad-exception", 7, 43},
	        {WITH("{name: e, fields: [proc.name], comps: [like]}"), "bad-exception", 7, 44},
	        {WITH("{name: e, fields: [proc.name], comps: [in oneof]}"), "bad-exception", 7, 44},
	        {WITH("{name: e, fields: [proc.pid], comps: ['>= oneof']}"), "bad-exception", 7, 43},
	        {WITH("{name: e, fields: [proc.name], comps: [oneof]}"), "bad-exception", 7, 44},
	        {WITH("{name: e, fields: [proc.name], comps: [startswith  oneof]}"), "bad-exception", 7, 44},
	        {WITH("{name: e, fields: [proc.name], comps: [[=]]}"), "bad-exception", 7, 44},
	        {WITH("{name: e, fields: proc.name, comps: [in]}"), "bad-exception", 7, 41},
	        {WITH("{name: e, fields: proc.name, comps: =}"), "bad-exception", 7, 41},
	        {WITH("{name: e, fields: proc.name, comps: frobulate oneof}"), "bad-exception", 7, 41},
	        {WITH("{name: e, fields: [proc.name], values: }"), "bad-exception", 7, 44},
	        {WITH("{name: e, fields: [proc.name], values: a}"), "bad-exception", 7, 44},
	        {WITH("{name: e, fields: [proc.name], values: [a]}"), "bad-exception", 7, 45},
	        {WITH("{name: e, fields: [proc.name], values: [[a, b]]}"), "bad-exception", 7, 45},
	        {WITH("{name: e, fields: [proc.name], values: [['']]}"), "bad-exception", 7, 46},
	        {WITH("{name: e, fields: proc.name, values: [[a]]}"), "bad-exception", 7, 43},
	        {WITH("{name: e, fields: [fd.num], values: [[x]]}"), "bad-value", 7, 43},
	        {WITH("{name: e, fields: [proc.name], ? [x] : y}"), "bad-item", 7, 38},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_ERROR);
}

static void what_has_no_meaning_is_taken_for_nothing_with_a_word(void **state)
{
	(void)state;
	static const char nested[] = WITH("{name: e, fields: [proc.name], comps: [in], values: [[[[a]]]]}");
	_autorules_ struct rules *r = load(nested);
	static const struct diag_row rows[] = {
	        {nested, "ignored-value", 7, 60},
	        {WITH("{name: e, fields: proc.name, values: [~]}"), "ignored-value", 7, 43},
	        {WITH("{name: e, fields: [proc.name], comps: [in], values: [[{a: b}]]}"), "ignored-value", 7, 59},
	        {WITH("{name: e, fields: [proc.name], value: [[a]]}"), "unknown-key", 7, 36},
	        {WITH("{name: e, fields: [proc.name]}") "  - {name: e, fields: [fd.name]}\n", "duplicate-exception", 8,
	         12},
	};

	assert_condition(r, "R", "evt.type = open and not proc.name in ()");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_WARNING);
}

#define EXTENDED(exception, how)                              \
	WITH("{name: e, fields: [proc.name], values: [[a]]}") \
	"- rule: R\n  exceptions:\n  - " exception "\n  override: {exceptions: " how "}\n"

static void exceptions_are_extended_by_values(void **state)
{
	(void)state;
	static const struct becomes_row rows[] = {
	        {EXTENDED("{name: e, values: [[b]]}", "append"),
	         "evt.type = open and not (proc.name = a or proc.name = b)"},
	        {EXTENDED("{name: f, fields: [fd.name], values: [[b]]}", "append"),
	         "evt.type = open and not proc.name = a and not fd.name = b"},
	        {EXTENDED("{name: e}", "append"), "evt.type = open and not proc.name = a"},
	        {EXTENDED("{name: e, fields: [fd.name], comps: [=], values: [[b]]}", "replace"),
	         "evt.type = open and not fd.name = b"},
	        {EXTENDED("{name: e, fields: [fd.name]}", "replace"), "evt.type = open"},
	        /* Falco does not look at the fields of one that replaces and makes no check. */
	        {EXTENDED("{name: e, fields: [no.such]}", "replace"), "evt.type = open"},
	};
	static const struct diag_row wrong[] = {
	        {EXTENDED("{name: e, fields: [proc.name], values: [[b]]}", "append"), "bad-exception", 10, 12},
	        {EXTENDED("{name: e, comps: [=], values: [[b]]}", "append"), "bad-exception", 10, 12},
	        {EXTENDED("{name: f, values: [[b]]}", "append"), "bad-exception", 10, 12},
	        {EXTENDED("{name: f, fields: [fd.name]}", "append"), "bad-exception", 10, 12},
	        {EXTENDED("{name: f, fields: [no.such], values: [[b]]}", "append"), "unknown-field", 10, 24},
	        {EXTENDED("{name: e, values: [[b]]}", "replace"), "bad-exception", 10, 12},
	        {EXTENDED("{name: e, fields: [fd.name], values: [[b]]}", "replace"), "bad-exception", 10, 12},
	        {EXTENDED("{name: e, fields: fd.name, values: [b]}", "replace"), "bad-exception", 10, 12},
	        {EXTENDED("{name: e, fields: [no.such], comps: [=], values: [[b]]}", "replace"), "unknown-field", 10,
	         24},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autorules_ struct rules *r = load(rows[i].yaml);

		assert_condition(r, "R", rows[i].condition);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_diag(&wrong[i], DIAG_ERROR);
	assert_diag(&(struct diag_row){EXTENDED("{name: e}", "append"), "no-values", 10, 12}, DIAG_WARNING);
	assert_diag(
	        &(struct diag_row){WITH("{name: e, fields: [proc.name]}") "- rule: R\n  exceptions:\n  - {name: e}\n  "
	                                                                  "append: true\n",
	                           "no-values", 10, 12},
	        DIAG_WARNING);
}

static void a_condition_with_or_is_put_in_parentheses(void **state)
{
	(void)state;
	_autorules_ struct rules *r = load(
	        RULE("R", "evt.type = open or evt.type = creat") "  exceptions:\n  - {name: e, fields: [proc.name], "
	                                                         "values: [[a]]}\n");

	assert_condition(r, "R", "(evt.type = open or evt.type = creat) and not proc.name = a");
}

static void exceptions_of_other_sources_are_checked_for_their_form(void **state)
{
	(void)state;
	_autorules_ struct rules *r =
	        load(WITH("{name: e, fields: [ka.verb], values: [[get]]}") "  source: k8s_audit\n");

	assert_int_equal(rules_find(r, "R")->state, RULE_OTHER_SOURCE);
	assert_diag(&(struct diag_row){WITH("{name: e, fields: [ka.verb], comps: [like]}") "  source: k8s_audit\n",
	                               "bad-exception", 7, 42},
	            DIAG_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_comparison_of_an_exception_stands_where_its_value_does),
	        cmocka_unit_test(a_value_that_breaks_the_condition_is_told_as_it_is_written),
	        cmocka_unit_test(exceptions_become_checks),
	        cmocka_unit_test(wrong_exceptions_are_refused_at_their_place),
	        cmocka_unit_test(what_has_no_meaning_is_taken_for_nothing_with_a_word),
	        cmocka_unit_test(exceptions_are_extended_by_values),
	        cmocka_unit_test(a_condition_with_or_is_put_in_parentheses),
	        cmocka_unit_test(exceptions_of_other_sources_are_checked_for_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
