// SPDX-License-Identifier: Apache-2.0
/*
 * Conditions: grammar, types, macros, errors with their exact places, printing, event types.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "filter/filter.h"

static struct filter_text text_of(const char *s)
{
	return (struct filter_text){.bytes = s, .len = strlen(s)};
}

static struct filter *parse(const char *condition)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter_text text = text_of(condition);
	struct filter *f = NULL;

	if (filter_parse(&f, &text, &diags))
		diag_print(&diags, stderr);
	assert_non_null(f);
	return f;
}

static void assert_prints(const char *condition, const char *expected)
{
	_autofilter_ struct filter *f = parse(condition), *again = NULL;
	_autobuf_ struct buf b = BUF_INIT;

	filter_print(&b, filter_root(f));
	assert_string_equal(buf_str(&b), expected);
	again = parse(buf_str(&b));
	assert_true(filter_equal(filter_root(f), filter_root(again)));
}

struct error_row {
	const char *condition;
	uint32_t line, column;
	const char *code;
	const char *message; /* a part of it */
};

static void assert_fails(const struct error_row *row)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter_text text = text_of(row->condition);
	struct filter *f = NULL;

	assert_int_equal(filter_parse(&f, &text, &diags), -EINVAL);
	assert_null(f);
	assert_int_equal(diags.count, 1);
	if (strcmp(diags.items[0].code, row->code) != 0 || diags.items[0].line != row->line ||
	    diags.items[0].column != row->column || !strstr(diags.items[0].message, row->message)) {
		print_error("for: %s\n", row->condition);
		diag_print(&diags, stderr);
	}
	assert_string_equal(diags.items[0].code, row->code);
	assert_int_equal(diags.items[0].line, row->line);
	assert_int_equal(diags.items[0].column, row->column);
	assert_non_null(strstr(diags.items[0].message, row->message));
}

static void and_binds_closer_than_or_and_parentheses_group(void **state)
{
	(void)state;
	assert_prints("proc.name=a or proc.name=b and proc.name=c",
	              "proc.name = a or (proc.name = b and proc.name = c)");
	assert_prints("(proc.name=a or proc.name=b)and(proc.name=c)",
	              "(proc.name = a or proc.name = b) and proc.name = c");
	assert_prints("proc.name=a and(proc.name=b)or(proc.name=c)",
	              "(proc.name = a and proc.name = b) or proc.name = c");
	assert_prints("((proc.name=a))", "proc.name = a");
}

static void nots_cancel_out_and_bind_closest(void **state)
{
	(void)state;
	assert_prints("not proc.name=a and proc.name=b", "not proc.name = a and proc.name = b");
	assert_prints("not not proc.name=a", "proc.name = a");
	assert_prints("not not not proc.name=a", "not proc.name = a");
	assert_prints("not not(proc.name=a)", "proc.name = a");
	assert_prints("not(proc.name=a or proc.name=b)", "not (proc.name = a or proc.name = b)");
	assert_prints("not (not proc.name=a)", "not (not proc.name = a)");
}

static void the_tree_stays_as_written(void **state)
{
	_autofilter_ struct filter *f = parse("(proc.name=a and proc.name=b) and proc.name=c");
	const struct filter_node *root = filter_root(f);

	(void)state;
	assert_int_equal(root->kind, FILTER_AND);
	assert_int_equal(root->nkids, 2);
	assert_int_equal(root->kids[0]->kind, FILTER_AND);
	assert_int_equal(root->kids[0]->nkids, 2);
}

static void every_operator_of_this_version_parses(void **state)
{
	(void)state;
	assert_prints("proc.name==a", "proc.name = a");
	assert_prints("proc.name != a", "proc.name != a");
	assert_prints("fd.num<=3", "fd.num <= 3");
	assert_prints("fd.num< 3", "fd.num < 3");
	assert_prints("fd.num >=-3", "fd.num >= -3");
	assert_prints("fd.num > +3", "fd.num > +3");
	assert_prints("proc.name in (a,b , \"c d\")", "proc.name in (a, b, \"c d\")");
	assert_prints("proc.name in()", "proc.name in ()");
	assert_prints("proc.name in shells", "proc.name in (shells)");
	assert_prints("fd.types intersects (file, ipv4)", "fd.types intersects (file, ipv4)");
	assert_prints("fd.name pmatch (/etc, /usr/*)", "fd.name pmatch (/etc, /usr/*)");
	assert_prints("proc.aname[2] exists", "proc.aname[2] exists");
	assert_prints("proc.cmdline contains -c", "proc.cmdline contains -c");
	assert_prints("proc.cmdline icontains Foo", "proc.cmdline icontains Foo");
	assert_prints("fd.name startswith /etc", "fd.name startswith /etc");
	assert_prints("fd.name endswith .so", "fd.name endswith .so");
	assert_prints("fd.name glob /etc/*", "fd.name glob /etc/*");
	assert_prints("fd.name iglob /ETC/*", "fd.name iglob /ETC/*");
}

static void strings_unquote_as_falco_does(void **state)
{
	_autofilter_ struct filter *f =
	        parse("proc.name in ('a \"b\"', \"tab\\there\", \"back\\\\slash\", \"x\\ \", plain\\)");
	const struct filter_node *n = filter_root(f);

	(void)state;
	assert_int_equal(n->nvalues, 5);
	assert_string_equal(n->values[0].text, "a \"b\"");
	assert_string_equal(n->values[1].text, "tab\there");
	assert_string_equal(n->values[2].text, "back\\slash");
	assert_string_equal(n->values[3].text, "x\\");
	assert_string_equal(n->values[4].text, "plain\\");
	assert_prints("proc.name in ('a \"b\"', \"tab\\there\", \"a\\\\ b\", \"x \\ \", plain\\, '')",
	              "proc.name in (\"a \\\"b\\\"\", \"tab\\there\", \"a\\\\ b\", \"x \\ \", plain\\, \"\")");
}

static void a_modifier_word_is_a_value_where_no_list_follows(void **state)
{
	(void)state;
	assert_prints("proc.name = oneof", "proc.name = \"oneof\"");
	assert_prints("proc.name contains anyof and proc.pid = 1", "proc.name contains \"anyof\" and proc.pid = 1");
}

static void a_prefix_is_one_line_and_never_cut_short(void **state)
{
	static const char zeros[] = "0000000000000000000000000000000000000000";
	char condition[512], padded[300] = "";
	const struct error_row rows[] = {
	        {"fd.snet = '1.2.3.4/\\n8'", 1, 11, "bad-value", "prefix"},
	        {"fd.snet = 'fd00::/-0'", 1, 11, "bad-value", "prefix"},
	        {"fd.snet = 1.2.3.4/-1", 1, 11, "bad-value", "prefix"},
	        {condition, 1, 11, "bad-value", "prefix"},
	};

	(void)state;
	memset(padded, '0', sizeof(padded) - 1);
	(void)snprintf(condition, sizeof(condition), "fd.snet = 1.2.3.4/%s32", padded);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_fails(&rows[i]);
	(void)snprintf(condition, sizeof(condition), "fd.snet = 1.2.3.4/%s32", zeros);
	_autofilter_ struct filter *long_one = parse(condition), *line = parse("fd.snet = '1.2.3.4/ +8\\nx'"),
	                           *none = parse("fd.snet = 1.2.3.4/-0");

	assert_int_equal(filter_root(long_one)->values[0].as.net.prefix, 32);
	assert_int_equal(filter_root(line)->values[0].as.net.prefix, 8);
	assert_int_equal(filter_root(none)->values[0].as.net.prefix, 0);
}

static void what_is_no_utf8_needs_quotes(void **state)
{
	static const struct error_row rows[] = {
	        {"proc.name = \xff", 1, 13, "syntax", "expected a value"},
	        {"proc.name = a\xc3", 1, 14, "syntax", "expected 'and'"},
	        {"proc.name in (a, \xc1\x80)", 1, 18, "syntax", "expected a value"},
	        {"proc.name in (\xf5\x80\x80\x80)", 1, 15, "syntax", "expected ',' or ')'"},
	        {"proc.env[\xe0\xa4] exists", 1, 10, "syntax", "expected the argument"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_fails(&rows[i]);
	assert_prints("proc.name = '\xff'", "proc.name = \"\xff\"");
	assert_prints("proc.env['\xff'] exists", "proc.env[\"\xff\"] exists");
	/* libsinsp takes more than UTF-8 proper: longer forms, surrogates, and what is above U+10FFFF. */
	assert_prints("proc.name in (\xc3\xa9, \xe0\x80\x80, \xed\xa0\x80, \xf4\x90\x80\x80)",
	              "proc.name in (\xc3\xa9, \xe0\x80\x80, \xed\xa0\x80, \xf4\x90\x80\x80)");
}

static void an_option_of_any_byte_is_printed_as_it_is_read(void **state)
{
	(void)state;
	assert_prints("getopt((proc.name), 'o')[o] exists", "getopt((proc.name), \"o\")[o] exists");
	assert_prints("getopt((proc.name), 'a')[a] exists", "getopt((proc.name), \"a\")[a] exists");
	assert_prints("getopt((proc.name), 'a')[']'] exists", "getopt((proc.name), \"a\")[\"]\"] exists");
	assert_prints("getopt((proc.name), 'a')['\xff'] exists", "getopt((proc.name), \"a\")[\"\xff\"] exists");
}

static void minus_one_is_any_ancestor_and_no_oddity(void **state)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter_text text = text_of("proc.aname[-1] = a");
	_autofilter_ struct filter *f = NULL;

	(void)state;
	assert_int_equal(filter_parse(&f, &text, &diags), 0);
	assert_int_equal(diags.count, 0);
	assert_int_equal(filter_root(f)->kind, FILTER_LEAF);
	assert_prints("proc.aname[-1] = a", "proc.aname = a");
}

static void arguments_are_parsed_by_field(void **state)
{
	_autofilter_ struct filter *index = parse("proc.aname[2] = sshd"), *key = parse("k8s.pod.label['a/b[c'] = x"),
	                           *dotted = parse("evt.arg.flags contains O_CREAT"),
	                           *none = parse("proc.aname = sshd");

	(void)state;
	assert_true(filter_root(index)->left->has_arg);
	assert_int_equal(filter_root(index)->left->arg_index, 2);
	assert_string_equal(filter_root(key)->left->arg_text, "a/b[c");
	assert_false(filter_root(key)->left->is_index);
	assert_int_equal(filter_root(dotted)->left->field->id, FIELD_EVT_ARG);
	assert_string_equal(filter_root(dotted)->left->arg_text, "flags");
	assert_false(filter_root(none)->left->has_arg);
	assert_prints("k8s.pod.label['a/b[c'] = x", "k8s.pod.label[\"a/b[c\"] = x");
	assert_prints("evt.arg.flags contains X and evt.arg[1] = y", "evt.arg.flags contains X and evt.arg[1] = y");
}

static void values_have_the_type_of_their_field(void **state)
{
	_autofilter_ struct filter *uid = parse("user.uid = -1"), *res = parse("evt.rawres < -5"),
	                           *yes = parse("evt.is_open_write = true"), *port = parse("fd.sport in (443, 0)"),
	                           *ip = parse("fd.sip in (10.1.2.3, fd00::1)"),
	                           *net = parse("fd.snet in (10.0.0.0/8, 'fd00::/7')");
	static const uint8_t v4[] = {10, 1, 2, 3}, v6[16] = {[0] = 0xfd, [15] = 1};

	(void)state;
	assert_int_equal(filter_root(uid)->values[0].as.u64, UINT32_MAX);
	assert_int_equal(filter_root(res)->values[0].as.s64, -5);
	assert_int_equal(filter_root(yes)->values[0].as.u64, 1);
	assert_int_equal(filter_root(port)->values[0].as.u64, 443);
	assert_int_equal(filter_root(ip)->values[0].as.net.family, AF_INET);
	assert_memory_equal(filter_root(ip)->values[0].as.net.addr, v4, 4);
	assert_int_equal(filter_root(ip)->values[1].as.net.family, AF_INET6);
	assert_memory_equal(filter_root(ip)->values[1].as.net.addr, v6, 16);
	assert_int_equal(filter_root(ip)->values[1].as.net.prefix, 128);
	assert_int_equal(filter_root(net)->values[0].as.net.prefix, 8);
	assert_int_equal(filter_root(net)->values[1].as.net.prefix, 7);
}

static void syntax_errors_name_their_place(void **state)
{
	static const struct error_row rows[] = {
	        {"", 1, 1, "syntax", "empty"},
	        {"   ", 1, 4, "syntax", "expected '('"},
	        {"proc.name", 1, 10, "syntax", "operator"},
	        {"proc.name is bash", 1, 11, "syntax", "operator after proc.name"},
	        {"proc.name contains=x", 1, 11, "syntax", "operator"},
	        {"proc.name = ", 1, 13, "syntax", "value after '='"},
	        {"proc.name = \"abc", 1, 13, "syntax", "does not end"},
	        {"proc.name = \"a\\qb\"", 1, 15, "syntax", "escape \\q"},
	        {"proc.name = 'a\\\"b'", 1, 15, "syntax", "escape"},
	        {"fd.num > x", 1, 10, "syntax", "number"},
	        {"proc.name in (a b)", 1, 17, "syntax", "',' or ')'"},
	        {"proc.name in (a,)", 1, 17, "syntax", "after ','"},
	        {"proc.name in \"a\"", 1, 14, "syntax", "list"},
	        {"(proc.name = a", 1, 15, "syntax", "'(' at 1:1"},
	        {"proc.name = a)", 1, 14, "syntax", "'and', 'or' or the end"},
	        {"proc.name = a\nand\n  proc.name = b x", 3, 17, "syntax", "'and', 'or' or the end"},
	        {"proc.name = a andproc.name = b", 1, 18, "syntax", "blank or '(' after 'and'"},
	        {"proc.name = a or", 1, 17, "syntax", "missing after 'or'"},
	        {"proc.aname[ = a", 1, 12, "syntax", "argument of proc.aname"},
	        {"proc.aname[2 = a", 1, 13, "syntax", "']'"},
	        {"proc.name = a\xff", 1, 14, "syntax", "'and', 'or' or the end"},
	        {"container.label[\xff] = a", 1, 17, "syntax", "argument of container.label"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_fails(&rows[i]);
}

static void mistakes_are_told_the_way_out(void **state)
{
	static const struct error_row rows[] = {
	        {"proc.name=a AND proc.name=b", 1, 13, "syntax", "write 'and' for 'AND'"},
	        {"shell Or proc.name = b", 1, 7, "syntax", "write 'or' for 'Or'"},
	        {"(proc.name = a && proc.name = b)", 1, 16, "syntax", "write 'and' for '&&'"},
	        {"proc.name=a&&proc.name=b", 1, 12, "syntax", "write 'and' for '&&'"},
	        {"proc.name = a || proc.name = b", 1, 15, "syntax", "write 'or' for '||'"},
	        {"proc.name = a and NOT proc.name = b", 1, 19, "syntax", "write 'not' for 'NOT'"},
	        {"NOT(proc.name = a)", 1, 1, "syntax", "write 'not' for 'NOT'"},
	        {"!proc.name = x", 1, 1, "syntax", "write 'not' for '!'"},
	        {"proc.name = a not proc.name = b", 1, 15, "syntax", "'and' or 'or' before 'not'"},
	        {"proc.name = a and or proc.name = b", 1, 19, "syntax", "missing before 'or'"},
	        {"proc.name = a and && proc.name = b", 1, 19, "syntax", "missing before 'and'"},
	        {"(proc.name = a and )", 1, 20, "syntax", "missing after 'and'"},
	        {"(proc.name = a or)", 1, 18, "syntax", "missing after 'or'"},
	        {"(proc.name = a and not", 1, 23, "syntax", "missing after 'not'"},
	        {"proc.name in (a), b", 1, 17, "syntax", "expected 'and'"},
	        {"not ", 1, 5, "syntax", "missing after 'not'"},
	        {"proc.name contains (a, b)", 1, 20, "syntax", "write contains anyof (…)"},
	        {"proc.name startswith (a)", 1, 22, "syntax", "write startswith anyof (…)"},
	        {"proc.name glob (a)", 1, 16, "syntax", "write glob anyof (…)"},
	        {"proc.name regex (a)", 1, 17, "syntax", "write regex anyof (…)"},
	        {"proc.name contains a, b", 1, 21, "syntax", "write contains anyof (…)"},
	        {"proc.name = (a, b)", 1, 13, "syntax", "write proc.name in (…)"},
	        {"proc.name = a, b", 1, 14, "syntax", "write proc.name in (…)"},
	        {"proc.name != (a, b)", 1, 14, "syntax", "write not proc.name in (…)"},
	        {"proc.pid > (1)", 1, 12, "syntax", "one number"},
	        {"proc.name not in (a)", 1, 11, "syntax", "not proc.name in (…)"},
	        {"proc.name NOT IN (a)", 1, 11, "syntax", "not proc.name in (…)"},
	        {"proc.aname[2] not in (a)", 1, 15, "syntax", "not proc.aname[…] in (…)"},
	        {"proc.name !in (a)", 1, 11, "syntax", "not proc.name in (…)"},
	        {"proc.name not_in (a)", 1, 11, "syntax", "not proc.name in (…)"},
	        {"proc.name not exists", 1, 11, "syntax", "not proc.name exists"},
	        {"tolower(proc.name) not contains a", 1, 20, "syntax", "not tolower(…) contains …"},
	        {"proc.name contain a", 1, 11, "syntax", "did you mean 'contains'"},
	        {"proc.name like a", 1, 11, "syntax", "did you mean 'glob'"},
	        {"proc.name matches a", 1, 11, "syntax", "did you mean 'regex'"},
	        {"proc.name IN (a)", 1, 11, "syntax", "did you mean 'in'"},
	        {"proc.name include a", 1, 11, "syntax", "did you mean 'contains'"},
	        {"proc.name =~ a", 1, 11, "syntax", "did you mean 'regex'"},
	        {"proc.name <> a", 1, 11, "syntax", "did you mean '!='"},
	        {"proc.name === a", 1, 11, "syntax", "one '=' too many"},
	        {"proc.name contains(a)", 1, 11, "syntax", "a blank after the operator 'contains'"},
	        {"procname = a", 1, 1, "syntax", "has a dot"},
	        {"proc.name in bash, sh", 1, 18, "syntax", "parentheses: in (a, b)"},
	        {"proc.name in anyof (a)", 1, 14, "syntax", "'in' takes no modifier"},
	        {"proc.name contains any (a)", 1, 20, "syntax", "did you mean 'anyof'"},
	        {"proc.name contains any of (a)", 1, 20, "syntax", "did you mean 'anyof'"},
	        {"proc.name contains anyof(a)", 1, 25, "syntax", "a blank is needed"},
	        {"tolwer(proc.name) = a", 1, 1, "syntax", "did you mean 'tolower'"},
	        {"toLower(proc.name) = a", 1, 1, "syntax", "did you mean 'tolower'"},
	        {"lower(proc.name) = a", 1, 1, "syntax", "did you mean 'tolower'"},
	        {"tolower (proc.name) = a", 1, 1, "syntax", "no blank may stand between 'tolower'"},
	        {"proc.name = tolwer(proc.exe)", 1, 13, "syntax", "did you mean 'tolower'"},
	        {"val(proc.name) = a", 1, 1, "syntax", "on the right"},
	        {"# a", 1, 1, "syntax", "no comment"},
	        {"proc.name # a", 1, 11, "syntax", "no comment"},
	        {"proc.name = a # b", 1, 15, "syntax", "no comment"},
	        {"(proc.name = a # b", 1, 16, "syntax", "no comment"},
	        {"proc.name = a and # b", 1, 19, "syntax", "no comment"},
	        {"proc.name in (a, # b", 1, 18, "syntax", "no comment"},
	        {"proc.name in (a # b", 1, 17, "syntax", "no comment"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_fails(&rows[i]);
}

static void transformers_right_hand_fields_and_modifiers_parse(void **state)
{
	(void)state;
	assert_prints("evt.buffer bcontains CAfe", "evt.buffer bcontains CAfe");
	assert_prints("evt.buffer bstartswith cafe", "evt.buffer bstartswith cafe");
	assert_prints("proc.name regex '(a|b)+'", "proc.name regex \"(a|b)+\"");
	assert_prints("proc.name startswith oneof (a, b)", "proc.name startswith oneof (a, b)");
	assert_prints("proc.name =\tanyof (a)", "proc.name = anyof (a)");
	assert_prints("proc.cmdline contains allof names", "proc.cmdline contains allof (names)");
	assert_prints("tolower(proc.name) = a", "tolower(proc.name) = a");
	assert_prints("toupper( basename(proc.exe) )=A", "toupper(basename(proc.exe)) = A");
	assert_prints("b64(proc.args) contains x", "b64(proc.args) contains x");
	assert_prints("len(fd.types) > 2 and len(proc.name) <= 3", "len(fd.types) > 2 and len(proc.name) <= 3");
	assert_prints("join(\",\", (proc.name, 'x', 12, proc.pid)) = a",
	              "join(\",\", (proc.name, \"x\", \"12\", proc.pid)) = a");
	assert_prints("concat(proc.name,\"-\",proc.pname) = 'a-b'", "concat(proc.name, \"-\", proc.pname) = a-b");
	assert_prints("getopt((proc.args[0], proc.args[1]), \"ab:\")[b] = x",
	              "getopt((proc.args[0], proc.args[1]), \"ab:\")[b] = x");
	assert_prints("getopt((\"-a\"), \"ab:\") intersects (a)", "getopt((\"-a\"), \"ab:\") intersects (a)");
	assert_prints("proc.name = val(proc.pname)", "proc.name = val(proc.pname)");
	assert_prints("proc.name in tolower( proc.pname )", "proc.name in tolower(proc.pname)");
	assert_prints("proc.pid > val(proc.ppid)", "proc.pid > val(proc.ppid)");
	assert_prints("evt.rawarg.flags > 3", "evt.rawarg.flags > 3");
	assert_prints("proc.name = '\xc3\xa9'", "proc.name = \xc3\xa9");
	assert_prints("proc.name = '\xc3'", "proc.name = \"\xc3\"");
}

static void type_errors_name_their_place(void **state)
{
	static const struct error_row rows[] = {
	        {"proc.naem = a", 1, 1, "unknown-field", "did you mean proc.name"},
	        {"proc.name[1] = a", 1, 11, "unknown-field", "no argument"},
	        {"proc.aname[x] = a", 1, 12, "unknown-field", "number in brackets"},
	        {"k8s.pod.label = a", 1, 1, "bad-argument", "key in brackets"},
	        {"evt.arg exists", 1, 1, "bad-argument", "dot"},
	        {"fd.num contains 3", 1, 8, "bad-operator", "'contains'"},
	        {"evt.is_open_read > 1", 1, 18, "bad-operator", "which is a boolean"},
	        {"fd.sip startswith 10", 1, 8, "bad-operator", "which is an IP address"},
	        {"evt.buffer > 1", 1, 12, "bad-operator", "which is bytes"},
	        {"proc.pid = 99999999999999999999", 1, 12, "bad-value", "out of the range"},
	        {"user.uid = -99999999999999999999", 1, 12, "bad-value", "out of the range"},
	        {"k8s.pod.label.app = a", 1, 1, "unknown-field", "k8s.pod.label[app]"},
	        {"not", 1, 1, "unknown-macro", "missing after 'not'"},
	        {"tolower(proc.aname) = a", 1, 9, "bad-transformer", "compare the field itself"},
	        {"concat(proc.aname, 'x') = a", 1, 8, "bad-transformer", "number in brackets"},
	        {"join(',', (proc.aname)) = a", 1, 12, "bad-transformer", "number in brackets"},
	        {"fd.types = file", 1, 10, "bad-operator", "which is a list of type string"},
	        {"proc.pid = 0x10", 1, 12, "bad-value", "decimal number"},
	        {"proc.pid = abc", 1, 12, "bad-value", "decimal number"},
	        {"user.uid in (0, 4294967296)", 1, 17, "bad-value", "range"},
	        {"evt.is_open_read = yes", 1, 20, "bad-value", "true or false"},
	        {"fd.sport = 65536", 1, 12, "bad-value", "65535"},
	        {"fd.sport = no-such-service", 1, 12, "bad-value", "service"},
	        {"fd.sip = 10.0.0.0/8", 1, 10, "bad-value", "IPv4 address"},
	        {"fd.sip = localhost", 1, 10, "bad-value", "IP address"},
	        {"fd.snet = 10.0.0.1", 1, 11, "bad-value", "IP network"},
	        {"fd.snet = 10.0.0.0/33", 1, 11, "bad-value", "0 to 32"},
	        {"fd.snet = 'fd00::/129'", 1, 11, "bad-value", "1 to 128"},
	        {"evt.type in (execve, exceve)", 1, 22, "unknown-event-type", "exceve"},
	        {"evt.type startswith exec", 1, 21, "unknown-event-type", "exec"},
	        {"spawned_process", 1, 1, "unknown-macro", "spawned_process"},
	        {"evt.buffer bcontains xyz", 1, 22, "bad-value", "hexadecimal"},
	        {"evt.buffer bcontains abc", 1, 22, "bad-value", "hexadecimal"},
	        {"proc.name bcontains ab", 1, 11, "bad-operator", "'bcontains'"},
	        {"evt.rawarg.addr = x", 1, 17, "bad-operator", "nothing compares"},
	        {"evt.rawarg.data = x", 1, 19, "bad-value", "no constant"},
	        {"tolower(proc.pid) = 1", 1, 1, "bad-transformer", "proc.pid"},
	        {"tolower(proc.aname[1]) = a", 1, 1, "bad-transformer", "cannot be transformed"},
	        {"tolower(proc.name, proc.exe) = a", 1, 1, "bad-transformer", "one argument"},
	        {"join(proc.name) = a", 1, 1, "bad-transformer", "separator"},
	        {"join(\",\", proc.name) = a", 1, 1, "bad-transformer", "list"},
	        {"join(\",\", (len(proc.name))) = a", 1, 12, "bad-transformer", "bytes in memory"},
	        {"concat(proc.name) = a", 1, 1, "bad-transformer", "two or more"},
	        {"concat(proc.name, proc.pid) = a", 1, 1, "bad-transformer", "texts"},
	        {"getopt((\"-a\"), \"a\")[ab] = x", 1, 21, "bad-argument", "one option"},
	        {"len(getopt((\"-a\"), \"a\")) = 1", 1, 1, "bad-transformer", "getopt(…)[x]"},
	        {"tolower(proc.name)[x] = a", 1, 20, "bad-argument", "no argument in brackets"},
	        {"proc.pid = val(proc.name)", 1, 16, "bad-value", "same type"},
	        {"proc.name pmatch val(proc.exe)", 1, 22, "bad-operator", "constants only"},
	        {"proc.aname = val(proc.name)", 1, 1, "bad-value", "constants only"},
	        {"proc.name = val(proc.aname[1])", 1, 17, "bad-value", "on the right"},
	        {"evt.type = val(proc.name)", 1, 1, "unsupported-field", "constants only"},
	        {"tolower(evt.type) = open", 1, 1, "unsupported-field", "without transformers"},
	        {"fd.ip intersects (1.2.3.4)", 1, 7, "bad-operator", "ends at the first socket"},
	        {"fd.net in ()", 1, 8, "bad-value", "empty list"},
	        {"fd.snet = '10.0.0.0/\n8'", 1, 11, "bad-value", "0 to 32"},
	        {"proc.aname = anyof ()", 1, 12, "bad-value", "empty list"},
	        {"evt.rawarg.flags != allof ()", 1, 18, "bad-value", "empty list"},
	        {"concat(proc.name, 'a') = val(proc.exe)", 1, 30, "bad-value", "crashes"},
	        {"tolower(join(',', ('a'))) in val(proc.exe)", 1, 34, "bad-value", "never matches"},
	        {"evt.around[5] > 3", 1, 15, "bad-operator", "= alone"},
	        {"proc.name = val(proc.name)[1]", 1, 27, "bad-argument", "val()"},
	        {"proc.name = val(name)", 1, 17, "syntax", "a field in val()"},
	        {"tolower(proc.name = a", 1, 19, "syntax", "expected ',' or ')'"},
	        {"join(\",\", (bare)) = a", 1, 12, "syntax", "quote texts"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_fails(&rows[i]);
}

static void what_falco_warns_of_in_constants_is_told(void **state)
{
	static const struct error_row rows[] = {
	        {"proc.name = proc.pname", 1, 13, "field-as-text", "val(proc.pname)"},
	        {"proc.name in (a, 'proc.aname[ 2 ]')", 1, 18, "field-as-text", "not as the field"},
	        {"proc.name = 'tolower(proc.name)'", 1, 13, "transformer-as-text", "remove the quotes"},
	        {"fd.ip in (10.0.0.1)", 1, 7, "falco-quirk", "never 'in'"},
	        {"fd.net in (10.0.0.0/8, 11.0.0.0/8)", 1, 8, "falco-quirk", "first network"},
	        {"fd.port = anyof (1, 2)", 1, 9, "falco-quirk", "ignores the modifier"},
	        {"proc.aname = anyof (a, b)", 1, 12, "falco-quirk", "ignores the modifier"},
	        {"proc.apid in (1)", 1, 11, "falco-quirk", "never 'in'"},
	        {"evt.rawarg.flags in (1)", 1, 18, "falco-quirk", "never 'in'"},
	        {"fd.snet = anyof (10.0.0.0/8)", 1, 9, "falco-quirk", "never matches"},
	        {"proc.name in tolower(proc.exe)", 1, 11, "falco-quirk", "never found"},
	        {"tolower(fd.types) in (file)", 1, 19, "falco-quirk", "never found"},
	        {"proc.aenv[2] = a", 1, 14, "falco-quirk", "forgets the number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		_autofilter_ struct filter *f = NULL;
		struct filter_text text = text_of(rows[i].condition);

		assert_int_equal(filter_parse(&f, &text, &diags), 0);
		if (diags.warnings != 1 || diags.items[0].column != rows[i].column)
			print_error("for: %s\n", rows[i].condition);
		assert_int_equal(diags.warnings, 1);
		assert_string_equal(diags.items[0].code, rows[i].code);
		assert_int_equal(diags.items[0].column, rows[i].column);
		assert_non_null(strstr(diags.items[0].message, rows[i].message));
		/* What Falco answers unlike its words must be taken at its words by nobody. */
		if (strcmp(rows[i].code, "falco-quirk") == 0)
			assert_int_equal(filter_root(f)->kind, FILTER_CHECK);
	}
}

static void constants_are_as_long_as_falco_takes(void **state)
{
	char condition[300] = "proc.name = ";
	struct error_row row = {condition, 1, 13, "bad-value", "255 bytes"};
	_autofilter_ struct filter *f = NULL;

	(void)state;
	memset(condition + 12, 'x', 255);
	f = parse(condition);
	assert_int_equal(filter_root(f)->values[0].len, 255);
	condition[12 + 255] = 'x';
	assert_fails(&row);
}

static void all_type_errors_of_a_condition_are_reported(void **state)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter_text text = text_of("a.b = 1 and\nfd.num = x and (c.d exists or fd.sip > 1)");
	struct filter *f = NULL;

	(void)state;
	assert_int_equal(filter_parse(&f, &text, &diags), -EINVAL);
	assert_int_equal(diags.errors, 4);
	assert_int_equal(diags.items[3].line, 2);
	assert_int_equal(diags.items[3].column, 38);
}

static void depth_is_bounded(void **state)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autobuf_ struct buf b = BUF_INIT;
	struct filter *f = NULL;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_adds(&b, "(");
	struct filter_text text = text_of(buf_str(&b));

	assert_int_equal(filter_parse(&f, &text, &diags), -EINVAL);
	assert_string_equal(diags.items[0].code, "too-deep");
	assert_int_equal(diags.items[0].column, FILTER_MAX_DEPTH + 1);
}

/* Macros */

struct macro_table {
	struct filter_macro macros[40];
	size_t n;
};

static const struct filter_macro *find_macro(const void *ctx, const struct filter_macro *inside, const char *name)
{
	const struct macro_table *t = ctx;

	(void)inside;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->macros[i].name, name) == 0)
			return &t->macros[i];
	return NULL;
}

static void add_macro(struct macro_table *t, const char *name, const char *condition)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter_text text = text_of(condition);
	struct filter_syntax *s = NULL;

	assert_int_equal(filter_syntax_parse(&s, &text, &diags), 0);
	t->macros[t->n++] = (struct filter_macro){.name = name, .syntax = s};
}

static int compile(struct filter **out, const struct macro_table *t, const char *condition, struct diag_list *diags)
{
	_autosyntax_ struct filter_syntax *s = NULL;
	struct filter_text text = text_of(condition);
	struct filter_macros macros = {.find = find_macro, .ctx = t};

	assert_int_equal(filter_syntax_parse(&s, &text, diags), 0);
	return filter_compile(out, s, &macros, diags);
}

static void free_macros(struct macro_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		filter_syntax_free((struct filter_syntax *)t->macros[i].syntax);
}

static void macros_are_put_in_and_remember_their_use(void **state)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *f = NULL;
	_autobuf_ struct buf b = BUF_INIT;
	struct macro_table t = {.n = 0};

	(void)state;
	add_macro(&t, "shell", "proc.name in (sh, bash)");
	add_macro(&t, "spawned", "evt.type = execve and shell");
	assert_int_equal(compile(&f, &t, "spawned and not shell", &diags), 0);
	free_macros(&t);
	filter_print(&b, filter_root(f));
	assert_string_equal(buf_str(&b),
	                    "(evt.type = execve and proc.name in (sh, bash)) and not proc.name in (sh, bash)");
	const struct filter_node *inner = filter_root(f)->kids[0]->kids[1];

	assert_string_equal(inner->use->macro, "shell");
	assert_int_equal(inner->use->pos.column, 23);
	assert_string_equal(inner->use->outer->macro, "spawned");
	assert_null(inner->use->outer->outer);
	assert_int_equal(inner->pos.column, 1);
}

static void a_macro_that_uses_itself_is_an_error_at_the_use(void **state)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter *f = NULL;
	struct macro_table t = {.n = 0};

	(void)state;
	add_macro(&t, "a", "proc.pid = 1 and b");
	add_macro(&t, "b", "a");
	assert_int_equal(compile(&f, &t, "a", &diags), -EINVAL);
	free_macros(&t);
	assert_string_equal(diags.items[0].code, "cyclic-macro");
	assert_int_equal(diags.items[0].column, 1);
}

static void a_doubling_chain_of_macros_is_cut_off(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
	                                    "j", "k", "l", "m", "n", "o", "p", "q"};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter *f = NULL;
	struct macro_table t = {.n = 0};

	(void)state;
	add_macro(&t, names[0], "proc.pid = 1");
	for (size_t i = 1; i < sizeof(names) / sizeof(*names); i++) {
		char body[32];

		(void)snprintf(body, sizeof(body), "%s and %s", names[i - 1], names[i - 1]);
		add_macro(&t, names[i], body);
	}
	assert_int_equal(compile(&f, &t, "q", &diags), -EINVAL);
	free_macros(&t);
	assert_int_equal(diags.count, 1);
	assert_string_equal(diags.items[0].code, "too-large");
}

/* Output texts */

static void outputs_are_checked_against_the_catalogue(void **state)
{
	static const struct {
		const char *output;
		uint32_t column; /* 0: right */
		const char *code;
		const char *message; /* a part of it; NULL: any */
	} rows[] = {
	        {"plain", 0, NULL, NULL},
	        {"*%proc.name %10evt.time %proc.aname[2] (%fd.names) %evt.arg.flags %container.id", 0, NULL, NULL},
	        {"a %proc.naem", 4, "unknown-field", NULL},
	        {"100%", 5, "bad-output", NULL},
	        {"100% sure", 5, "bad-output", "lone '%'"},
	        {"%val(proc.name)", 2, "bad-output", "val() belongs into conditions"},
	        {"a %lower(proc.name)", 4, "bad-output", "did you mean 'tolower'"},
	        {"%fd.ip %proc.aname[x] %proc.name[1]", 0, NULL, NULL}, /* as in Falco: what is no argument is text */
	        {"%toupper(proc.name) and %join(\",\", (proc.name, proc.pid)).", 0, NULL, NULL},
	        {"%toupper(proc.pid)", 2, "bad-transformer", NULL},
	        {"%toupper(proc.name", 19, "syntax", NULL},
	        {"%evt.arg", 2, "bad-argument", NULL},
	        {"", 1, "bad-output", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		struct filter_text text = text_of(rows[i].output);
		int r = filter_check_output(&text, &diags);

		assert_int_equal(r, rows[i].code ? -EINVAL : 0);
		if (!rows[i].code)
			continue;
		assert_int_equal(diags.count, 1);
		assert_string_equal(diags.items[0].code, rows[i].code);
		assert_int_equal(diags.items[0].column, rows[i].column);
		if (rows[i].message)
			assert_non_null(strstr(diags.items[0].message, rows[i].message));
	}
}

/* Event types */

static size_t events_of(const char *condition, struct filter_event_set *s)
{
	_autofilter_ struct filter *f = parse(condition);

	*s = filter_event_types(filter_root(f));
	return filter_event_set_count(s);
}

/* Half a megabyte; a look at each place of the name, or a suggestion for each, would take minutes. */
static void outputs_full_of_what_is_no_field_take_linear_time(void **state)
{
	enum { SIZE = 1 << 19 };
	static const char *const parts[] = {"a.", "a", "thread.cgroup.9"};
	static char bytes[SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		size_t len = strlen(parts[i]);
		struct filter_text text = {.bytes = bytes, .len = sizeof(bytes)};
		clock_t from = clock();

		bytes[0] = '%';
		for (size_t at = 1; at < sizeof(bytes); at++)
			bytes[at] = parts[i][(at - 1) % len];
		assert_int_equal(filter_check_output(&text, &diags), -EINVAL);
		assert_true((clock() - from) / CLOCKS_PER_SEC < 10);
	}
}

static void event_types_follow_boolean_algebra(void **state)
{
	struct filter_event_set s;
	size_t all = events_of("proc.name = a", &s);

	(void)state;
	assert_true(all > 400);
	assert_int_equal(events_of("evt.type = execve", &s), 1);
	assert_true(filter_event_set_has_event(&s, FILTER_EVENT_EXECVE));
	assert_int_equal(events_of("evt.type in (open, openat) and proc.name = a", &s), 2);
	assert_int_equal(events_of("evt.type = open or proc.name = a", &s), all);
	assert_int_equal(events_of("not evt.type = open", &s), all - 1);
	assert_false(filter_event_set_has(&s, "open"));
	assert_int_equal(events_of("evt.type != open", &s), all - 1);
	assert_int_equal(events_of("not evt.type != open", &s), 1);
	assert_int_equal(events_of("not (evt.type != open or evt.type = read)", &s), 1);
	assert_int_equal(events_of("not (evt.type = open and proc.name = a)", &s), all);
	assert_int_equal(events_of("evt.type = open and evt.type = connect", &s), 0);
	assert_int_equal(events_of("not evt.type exists", &s), 0);
	assert_int_equal(events_of("evt.type startswith open", &s), all);
	assert_int_equal(events_of("evt.is_open_write = true", &s), all);
}

static void the_supported_events_have_names_that_falco_knows(void **state)
{
	(void)state;
	for (enum filter_event e = 0; e < FILTER_EVENTS; e++)
		assert_true(filter_event_known(filter_event_name(e)));
	assert_true(filter_event_known("ptrace"));
	assert_true(filter_event_known("container"));
	assert_false(filter_event_known("exec"));
	assert_false(filter_event_known(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(and_binds_closer_than_or_and_parentheses_group),
	        cmocka_unit_test(nots_cancel_out_and_bind_closest),
	        cmocka_unit_test(the_tree_stays_as_written),
	        cmocka_unit_test(every_operator_of_this_version_parses),
	        cmocka_unit_test(strings_unquote_as_falco_does),
	        cmocka_unit_test(a_modifier_word_is_a_value_where_no_list_follows),
	        cmocka_unit_test(a_prefix_is_one_line_and_never_cut_short),
	        cmocka_unit_test(what_is_no_utf8_needs_quotes),
	        cmocka_unit_test(an_option_of_any_byte_is_printed_as_it_is_read),
	        cmocka_unit_test(minus_one_is_any_ancestor_and_no_oddity),
	        cmocka_unit_test(arguments_are_parsed_by_field),
	        cmocka_unit_test(values_have_the_type_of_their_field),
	        cmocka_unit_test(syntax_errors_name_their_place),
	        cmocka_unit_test(mistakes_are_told_the_way_out),
	        cmocka_unit_test(transformers_right_hand_fields_and_modifiers_parse),
	        cmocka_unit_test(type_errors_name_their_place),
	        cmocka_unit_test(what_falco_warns_of_in_constants_is_told),
	        cmocka_unit_test(constants_are_as_long_as_falco_takes),
	        cmocka_unit_test(all_type_errors_of_a_condition_are_reported),
	        cmocka_unit_test(depth_is_bounded),
	        cmocka_unit_test(macros_are_put_in_and_remember_their_use),
	        cmocka_unit_test(a_macro_that_uses_itself_is_an_error_at_the_use),
	        cmocka_unit_test(a_doubling_chain_of_macros_is_cut_off),
	        cmocka_unit_test(outputs_are_checked_against_the_catalogue),
	        cmocka_unit_test(outputs_full_of_what_is_no_field_take_linear_time),
	        cmocka_unit_test(event_types_follow_boolean_algebra),
	        cmocka_unit_test(the_supported_events_have_names_that_falco_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
