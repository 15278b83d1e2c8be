/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact evaluator: what conditions answer on events, each row a fact of libsinsp 0.25.
 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "filter/eval_input.h"

struct row {
	const char *condition, *event;
	bool holds;
};

static struct filter *parse(const char *condition)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter_text text = {.bytes = condition, .len = strlen(condition)};
	struct filter *f = NULL;

	if (filter_parse(&f, &text, &diags)) {
		print_error("for: %s\n", condition);
		diag_print(&diags, stderr);
	}
	assert_non_null(f);
	return f;
}

static bool holds(const char *condition, const char *event)
{
	_autofilter_ struct filter *f = parse(condition);
	_autoeval_ struct eval *e = NULL;
	_autoevent_ struct eval_event *ev = NULL;
	_autoinput_ struct eval_input *in = NULL;
	const struct filter_node *root = filter_root(f);
	struct error err = {0};
	size_t offset = 0;
	bool result;

	assert_int_equal(eval_compile(&e, &root, 1, &err), 0);
	assert_int_equal(eval_event_new(&ev, e), 0);
	assert_int_equal(eval_input_new(&in, e, NULL, NULL), 0);
	if (eval_input_read(in, ev, event, strlen(event), &offset, &err))
		print_error("%s at %zu: %s\n", event, offset, err.text);
	assert_string_equal(err.text, "");
	result = eval_run(e, ev, 0);
	assert_int_equal(eval_run(e, ev, 0), result);
	assert_int_equal(eval_event_error(ev), 0);
	return result;
}

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool result = holds(rows[i].condition, rows[i].event);

		if (result != rows[i].holds)
			print_error("%s\n  on %s: %d\n", rows[i].condition, rows[i].event, result);
		assert_int_equal(result, rows[i].holds);
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(*(rows)))
#define NAME(name) "{\"proc.name\":\"" name "\"}"

static void texts_compare_as_in_c(void **state)
{
	static const struct row rows[] = {
	        {"proc.name = bash", NAME("bash"), true},
	        {"proc.name = bash", NAME("bash "), false},
	        {"proc.name = ''", NAME(""), true},
	        {"proc.name != bash", NAME("sh"), true},
	        {"proc.name != bash", NAME("bash"), false},
	        {"proc.name contains as", NAME("bash"), true},
	        {"proc.name contains ''", NAME("bash"), true},
	        {"proc.name contains As", NAME("bash"), false},
	        {"proc.name icontains As", NAME("bash"), true},
	        {"proc.name startswith ba", NAME("bash"), true},
	        {"proc.name startswith bashx", NAME("bash"), false},
	        {"proc.name endswith sh", NAME("bash"), true},
	        {"proc.name endswith ba", NAME("bash"), false},
	        {"proc.name glob b*h", NAME("bash"), true},
	        {"proc.name glob B*h", NAME("bash"), false},
	        {"proc.name iglob B*H", NAME("bash"), true},
	        {"proc.name glob '*'", NAME("a/b"), true},
	        {"proc.name glob '[!a]?'", NAME("bc"), true},
	        {"proc.name < 5", NAME("4zz"), true},
	        {"proc.name >= 5", NAME("5"), true},
	        {"proc.name > 5", NAME("5"), false},
	        {"proc.name in (a, bash, b)", NAME("bash"), true},
	        {"proc.name in (a, b)", NAME("bash"), false},
	        {"proc.name in ()", NAME(""), false},
	        {"proc.name intersects (bash)", NAME("bash"), true},
	        {"proc.name = 'a'", NAME("a\\u0000b"), true},
	        {"proc.name in ('a')", NAME("a\\u0000b"), false},
	        {"proc.name in ('a')", NAME("a\\u0000"), true},
	        {"proc.name regex 'b.*h'", NAME("bash"), true},
	        {"proc.name regex 'b.*'", NAME("xbash"), false},
	};

	(void)state;
	CHECK(rows);
}

static void a_missing_value_compares_with_nothing(void **state)
{
	static const struct row rows[] = {
	        {"proc.name = a", "{}", false},
	        {"proc.name != a", "{}", false},
	        {"not proc.name = a", "{}", true},
	        {"proc.name exists", "{}", false},
	        {"proc.name exists", "{\"proc.name\":null}", false},
	        {"proc.name exists", NAME(""), true},
	        {"proc.name = val(proc.exe)", NAME("a"), false},
	        {"tolower(proc.name) exists", "{}", false},
	        {"len(proc.name) = 0", "{}", false},
	        {"len(proc.name) = 0", NAME(""), true},
	        {"fd.ip exists or fd.ip != 1.2.3.4", "{}", false},
	        {"proc.aname exists or proc.aname != a", "{\"proc.aname\":[]}", false},
	};

	(void)state;
	CHECK(rows);
}

static void numbers_booleans_and_bytes_compare_by_type(void **state)
{
	static const struct row rows[] = {
	        {"proc.pid = 5", "{\"proc.pid\":5}", true},
	        {"proc.pid = 5", "{\"proc.pid\":\"5\"}", true},
	        {"proc.pid < -1", "{\"proc.pid\":-2}", true},
	        {"user.uid = -1", "{\"user.uid\":4294967295}", true},
	        {"user.uid > 5", "{\"user.uid\":4294967295}", true},
	        {"proc.vmsize > 9223372036854775807", "{\"proc.vmsize\":9223372036854775808}", true},
	        {"proc.pid in (1, 5)", "{\"proc.pid\":5}", true},
	        {"proc.pid in (1, 6)", "{\"proc.pid\":5}", false},
	        {"proc.pid intersects (5)", "{\"proc.pid\":5}", true},
	        {"thread.cpu > 5", "{\"thread.cpu\":5.5}", true},
	        {"thread.cpu = 5", "{\"thread.cpu\":5.5}", false},
	        {"evt.is_io = true", "{\"evt.is_io\":true}", true},
	        {"evt.is_io != true", "{\"evt.is_io\":\"false\"}", true},
	        {"evt.is_io in (true, false)", "{\"evt.is_io\":false}", true},
	        {"evt.buffer = abc", "{\"evt.buffer\":\"abc\"}", true},
	        {"evt.buffer = abc", "{\"evt.buffer\":\"abc\\u0000\"}", false},
	        {"evt.buffer contains bc", "{\"evt.buffer\":\"a\\u0000bcd\"}", true},
	        {"evt.buffer bcontains 00626300", "{\"evt.buffer\":\"a\\u0000bc\\u0000d\"}", true},
	        {"evt.buffer bstartswith 6100", "{\"evt.buffer\":\"a\\u0000bcd\"}", true},
	        {"evt.buffer bstartswith 00", "{\"evt.buffer\":\"a\\u0000bcd\"}", false},
	        {"evt.buffer endswith cd", "{\"evt.buffer\":\"a\\u0000bcd\"}", true},
	        {"evt.rawarg.flags > 1", "{\"evt.rawarg.flags\":3}", true},
	        {"evt.rawarg.data exists", "{\"evt.rawarg.data\":\"x\"}", true},
	        {"evt.rawarg.data exists", "{\"evt.rawarg.data\":\"\"}", false},
	        {"evt.rawarg.name exists", "{\"evt.rawarg.name\":\"\"}", true},
	        {"evt.around[1700000000000000000] = 5", "{\"evt.rawtime\":1700000000004000000}", true},
	        {"evt.around[1700000000000000000] = 5", "{\"evt.rawtime\":1700000000006000000}", false},
	};

	(void)state;
	CHECK(rows);
}

static void addresses_and_networks_compare_by_family(void **state)
{
	static const char ends[] =
	        "{\"fd.cip\":\"10.0.0.1\",\"fd.sip\":\"192.168.7.7\",\"fd.cport\":4000,\"fd.sport\":80}";
	static const char six[] = "{\"fd.sip\":\"fd00::1\"}";
	const struct row rows[] = {
	        {"fd.sip = 192.168.7.7", ends, true},
	        {"fd.sip != ::1", ends, true},
	        {"fd.sip in (::1, 192.168.7.7)", ends, true},
	        {"fd.sip = fd00:0::1", six, true},
	        {"fd.snet = 192.168.0.0/16", ends, true},
	        {"fd.snet = 192.168.7.0/25", ends, true},
	        {"fd.snet = 192.168.7.128/25", ends, false},
	        {"fd.snet in (10.0.0.0/8, 192.168.0.0/16)", ends, true},
	        {"fd.snet = 0.0.0.0/0", six, false},
	        {"fd.snet != 0.0.0.0/0", six, true},
	        {"fd.snet = fd00::/9", six, true},
	        {"fd.snet = fc00::/8", six, false},
	        {"fd.snet = fc00::/7", six, true},
	        {"fd.ip = 10.0.0.1 and fd.ip = 192.168.7.7", ends, true},
	        {"fd.ip != 10.0.0.1", ends, false},
	        {"fd.ip != 10.0.0.2", ends, true},
	        {"fd.net = 10.0.0.0/8", ends, true},
	        {"fd.net != 10.0.0.0/8", ends, false},
	        {"fd.port = 80 and fd.port > 3999 and fd.port in (1, 4000)", ends, true},
	        {"fd.port != 80", ends, false},
	        {"fd.proto = http", ends, true},
	        {"fd.ip exists and not fd.ip = 1.2.3.4", "{\"fd.ip\":[]}", true},
	};

	(void)state;
	CHECK(rows);
}

static void ancestors_compare_if_some_does(void **state)
{
	static const char event[] =
	        "{\"proc.aname\":[\"sh\",\"bash\",\"init\"],\"proc.apid\":[7,1],\"proc.aname[2]\":\"bash\"}";
	const struct row rows[] = {
	        {"proc.aname = init", event, true},
	        {"proc.aname != init", event, true},
	        {"proc.aname in (x, bash)", event, true},
	        {"proc.aname startswith ba", event, true},
	        {"proc.aname exists", event, true},
	        {"proc.aname[2] = bash", event, true},
	        {"proc.aname[' +2'] = bash", event, true},
	        {"proc.aname[1] = sh", event, false},
	        {"proc.apid > 5", event, true},
	        {"proc.apid = 7 and not proc.apid = 8", event, true},
	};

	(void)state;
	CHECK(rows);
}

static void lists_are_contained_or_intersect(void **state)
{
	static const struct row rows[] = {
	        {"fd.types in (file, ipv4)", "{\"fd.types\":[\"file\",\"ipv4\"]}", true},
	        {"fd.types in (file)", "{\"fd.types\":[\"file\",\"ipv4\"]}", false},
	        {"fd.types intersects (file)", "{\"fd.types\":[\"file\",\"ipv4\"]}", true},
	        {"fd.types intersects (x)", "{\"fd.types\":[\"file\",\"ipv4\"]}", false},
	        {"fd.types in () and fd.types exists", "{\"fd.types\":[]}", true},
	        {"fd.types intersects ()", "{\"fd.types\":[]}", false},
	        {"len(fd.types) = 2", "{\"fd.types\":[\"file\",\"ipv4\"]}", true},
	};

	(void)state;
	CHECK(rows);
}

static void pmatch_goes_by_components(void **state)
{
	static const struct row rows[] = {
	        {"fd.name pmatch (/etc)", "{\"fd.name\":\"/etc/passwd\"}", true},
	        {"fd.name pmatch (/etc)", "{\"fd.name\":\"/etcetera\"}", false},
	        {"fd.name pmatch (/etc/passwd)", "{\"fd.name\":\"/etc\"}", false},
	        {"fd.name pmatch (/etc/)", "{\"fd.name\":\"//etc//x\"}", true},
	        {"fd.name pmatch (/)", "{\"fd.name\":\"x\"}", true},
	        {"fd.name pmatch (/usr/*/x)", "{\"fd.name\":\"/usr/lib/x/y\"}", true},
	        {"fd.name pmatch (/usr/*/x)", "{\"fd.name\":\"/usr/lib/y\"}", false},
	        {"fd.name pmatch (/usr/l*/x, /usr/*b/y)", "{\"fd.name\":\"/usr/lib/y\"}", true},
	        {"fd.name pmatch (/a/b, /a/*/c, /a)", "{\"fd.name\":\"/a/z\"}", true},
	        {"fd.name pmatch ()", "{\"fd.name\":\"/a\"}", false},
	};

	(void)state;
	CHECK(rows);
}

static void modifiers_count_the_constants_that_fit(void **state)
{
	static const struct row rows[] = {
	        {"proc.name startswith anyof (x, ba)", NAME("bash"), true},
	        {"proc.name startswith oneof (b, x)", NAME("bash"), true},
	        {"proc.name startswith oneof (b, ba)", NAME("bash"), false},
	        {"proc.name contains allof (a, s)", NAME("bash"), true},
	        {"proc.name contains allof (a, x)", NAME("bash"), false},
	        {"proc.name != allof (a, b)", NAME("bash"), true},
	        {"proc.name != anyof (bash, b)", NAME("bash"), true},
	        {"proc.name != allof ()", NAME("bash"), false},
	        {"proc.name = anyof ()", NAME(""), false},
	        {"proc.name regex anyof ('x', 'b.*')", NAME("bash"), true},
	        {"proc.pid = oneof (5, 5)", "{\"proc.pid\":5}", false},
	        {"fd.sip = anyof (1.2.3.4, ::1)", "{\"fd.sip\":\"::1\"}", true},
	        {"fd.snet = oneof (10.0.0.0/8, 11.0.0.0/8)", "{\"fd.sip\":\"10.1.1.1\"}", true},
	        {"proc.name = anyof (a, b)", "{}", false},
	};

	(void)state;
	CHECK(rows);
}

static void transformers_make_values(void **state)
{
	static const char both[] =
	        "{\"proc.name\":\"Bash\",\"proc.exe\":\"/bin/bash\",\"proc.pid\":42,\"proc.ppid\":-3}";
	const struct row rows[] = {
	        {"tolower(proc.name) = bash", both, true},
	        {"toupper(proc.name) = BASH", both, true},
	        {"basename(proc.exe) = bash", both, true},
	        {"basename(proc.exe) = val(proc.name)", both, false},
	        {"basename(proc.exe) = tolower(proc.name)", both, true},
	        {"len(proc.exe) = 9 and len(basename(proc.exe)) < 5", both, true},
	        {"join(\"-\", (proc.name, \"x\", proc.pid, proc.ppid)) = Bash-x-42--3", both, true},
	        {"join(\",\", ()) = ''", both, true},
	        {"join(\",\", (proc.name, proc.cmdline)) exists", both, false},
	        {"concat(proc.name, \":\", proc.exe) endswith ':/bin/bash'", both, true},
	        {"tolower(join(\",\", (proc.name, proc.name))) = 'bash,bash'", both, true},
	        {"b64(proc.name) = Hello", NAME("SGVsbG8="), true},
	        {"b64(proc.name) = Hello", NAME("SGVsbG8"), true},
	        {"b64(proc.name) exists", NAME("SGVsbG8*"), false},
	        {"b64(proc.name) exists", NAME("S"), false},
	        {"b64(proc.name) exists", NAME("SH"), false},
	        {"b64(proc.name) = ''", NAME(""), true},
	        {"b64(evt.buffer) contains ell", "{\"evt.buffer\":\"SGVsbG8=\"}", true},
	        {"getopt((\"-nt\", \"hello\"), \"nt:\") intersects (hello)", "{}", true},
	        {"getopt((\"-nt\", \"hello\"), \"nt:\") in (n, t, hello)", "{}", true},
	        {"getopt((\"-x\", \"-n\"), \"n\") intersects (\"?\")", "{}", true},
	        {"getopt((\"-n\", \"--\", \"-t\"), \"nt\") intersects (t)", "{}", false},
	        {"getopt((\"--exec\", \"-t\"), \"t\") intersects (t)", "{}", true},
	        {"getopt((\"x\", \"-t\"), \"t\") intersects (t)", "{}", false},
	        {"getopt((\"-ta\", \"-tb\"), \"t:\")[t] = b", "{}", true},
	        {"getopt((\"-t\"), \"t:\")[t] = ''", "{}", true},
	        {"getopt((\"-a\"), \"at:\")[t] exists", "{}", false},
	        {"getopt((proc.name, proc.exe), \"B\")[B] exists", both, false},
	};

	(void)state;
	CHECK(rows);
}

static void what_falco_answers_unlike_its_words_is_kept(void **state)
{
	static const char ends[] =
	        "{\"fd.ip\":[\"10.0.0.1\",\"192.168.7.7\"],\"fd.net\":[\"10.0.0.1\",\"192.168.7.7\"],"
	        "\"fd.port\":[80,4000]}";
	static const char ancestors[] = "{\"proc.aname\":[\"a\",\"b\"],\"proc.apid\":[1,2],\"proc.aenv\":[\"X=1\"]}";
	const struct row rows[] = {
	        {"fd.ip in (10.0.0.1)", ends, false},
	        {"fd.ip = anyof (1.2.3.4, 10.0.0.1)", ends, false},
	        {"fd.ip = anyof (10.0.0.1, 1.2.3.4)", ends, true},
	        {"fd.net in (172.16.0.0/12, 10.0.0.0/8)", ends, false},
	        {"fd.net in (10.0.0.0/8, 172.16.0.0/12)", ends, true},
	        {"fd.net intersects (10.0.0.0/8)", ends, false},
	        {"fd.net intersects (10.0.0.0/8)", "{\"fd.net\":\"10.0.0.1\"}", true},
	        {"fd.port = anyof (22, 80)", ends, false},
	        {"fd.snet = anyof (10.0.0.0/8)", "{\"fd.sip\":\"10.0.0.1\"}", false},
	        {"fd.snet != allof (10.0.0.0/8)", "{\"fd.sip\":\"10.0.0.1\"}", true},
	        {"proc.apid in (1)", ancestors, false},
	        {"proc.aname = anyof (x, a)", ancestors, false},
	        {"proc.aname = anyof (a, x)", ancestors, true},
	        {"proc.aenv[2] contains X", ancestors, true},
	        {"evt.rawarg.flags in (3)", "{\"evt.rawarg.flags\":3}", false},
	        {"evt.rawarg.flags = anyof (1, 3)", "{\"evt.rawarg.flags\":3}", false},
	        {"proc.name in tolower(proc.name)", NAME("a"), false},
	        {"proc.name in val(proc.name)", NAME("a"), true},
	        {"tolower(fd.types) in (file)", "{\"fd.types\":[\"FILE\"]}", false},
	};

	(void)state;
	CHECK(rows);
}

static void lines_that_are_wrong_name_their_place(void **state)
{
	static const struct {
		const char *condition, *line;
		size_t offset;
		const char *message;
	} rows[] = {
	        {"proc.pid = 1", "{\"proc.pid\": \"x\"}", 13, "whole decimal"},
	        {"proc.pid = 1", "{\"proc.pid\": 1.5}", 13, "whole decimal"},
	        {"proc.pid = 1", "{\"proc.pid\": \" 1\"}", 13, "whole decimal"},
	        {"proc.pid = 1", "{\"proc.pid\": \"+1\"}", 13, "whole decimal"},
	        {"evt.num = 1", "{\"evt.num\": \" -5\"}", 12, "whole decimal"},
	        {"evt.num = 1", "{\"evt.num\": \"-5\"}", 12, "range"},
	        {"evt.num = 1", "{\"evt.num\": \"\"}", 12, "whole decimal"},
	        {"proc.name = a", "{\"proc.name\\u0000x\": \"a\"}", 1, "zero byte"},
	        {"proc.pid = 1", "{\"proc.pid\": [1]}", 13, "one value"},
	        {"proc.pid = 1", "{\"proc.pid\": 1, \"proc.pid\": 2}", 16, "second value"},
	        {"proc.pid = 1", "{\"proc.pid\": true}", 13, "wrong kind"},
	        {"proc.pid = 1", "{\"proc.pid\": {}}", 13, "nested"},
	        {"proc.pid = 1", "[]", 0, "expected an object"},
	        {"user.uid = 1", "{\"user.uid\": -1}", 13, "range"},
	        {"fd.sport = 1", "{\"fd.sport\": 65536}", 13, "range"},
	        {"fd.sip = 1.2.3.4", "{\"fd.sip\": \"1.2.3\"}", 11, "IP address"},
	        {"evt.is_io = true", "{\"evt.is_io\": 2}", 14, "true or false"},
	        {"fd.types in (a)", "{\"fd.types\": [\"a\", null]}", 19, "null"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autofilter_ struct filter *f = parse(rows[i].condition);
		_autoeval_ struct eval *e = NULL;
		_autoevent_ struct eval_event *ev = NULL;
		_autoinput_ struct eval_input *in = NULL;
		const struct filter_node *root = filter_root(f);
		struct error err = {0};
		size_t offset = 0;

		assert_int_equal(eval_compile(&e, &root, 1, &err), 0);
		assert_int_equal(eval_event_new(&ev, e), 0);
		assert_int_equal(eval_input_new(&in, e, NULL, NULL), 0);
		assert_int_equal(eval_input_read(in, ev, rows[i].line, strlen(rows[i].line), &offset, &err), -EINVAL);
		assert_non_null(strstr(err.text, rows[i].message));
		assert_int_equal(offset, rows[i].offset);
		assert_false(eval_run(e, ev, 0));
	}
}

static void count_unknown(void *ctx, const char *name)
{
	assert_string_equal(name, "proc.nme");
	(*(size_t *)ctx)++;
}

static void events_follow_one_another_and_unknown_names_are_told_once(void **state)
{
	_autofilter_ struct filter *f = parse("proc.name = a or proc.pid = 7");
	_autoeval_ struct eval *e = NULL;
	_autoevent_ struct eval_event *ev = NULL;
	_autoinput_ struct eval_input *in = NULL;
	const struct filter_node *root = filter_root(f);
	static const struct row rows[] = {
	        {NULL, "{\"proc.name\":\"a\",\"proc.nme\":1}", true},
	        {NULL, "{}", false},
	        {NULL, "{\"proc.pid\":7,\"proc.nme\":1}", true},
	        {NULL, NAME("b"), false},
	};
	size_t unknown = 0, offset;

	(void)state;
	assert_int_equal(eval_compile(&e, &root, 1, NULL), 0);
	assert_int_equal(eval_event_new(&ev, e), 0);
	assert_int_equal(eval_input_new(&in, e, count_unknown, &unknown), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(eval_input_read(in, ev, rows[i].event, strlen(rows[i].event), &offset, NULL), 0);
		assert_int_equal(eval_run(e, ev, 0), rows[i].holds);
	}
	assert_int_equal(unknown, 1);
}

static void a_raw_argument_of_no_bytes_has_no_value(void **state)
{
	static const struct row rows[] = {
	        {"evt.rawarg.data exists", "{\"evt.rawarg.data\":\"\"}", false},
	        {"evt.rawarg.data exists", "{\"evt.rawarg.data\":\"a\"}", true},
	        {"evt.rawarg.cgroups exists", "{\"evt.rawarg.cgroups\":\"\"}", false},
	        {"evt.rawarg.argv exists", "{\"evt.rawarg.argv\":\"\"}", true},
	        {"evt.rawarg.path exists", "{\"evt.rawarg.path\":\"\"}", true},
	};

	(void)state;
	CHECK(rows);
}

/* Naming each transformer by all that is in it would take 300 MB here. */
static void deep_transformers_of_many_arguments_take_linear_memory(void **state)
{
	enum { DEPTH = 900, ARGUMENTS = 30000 };
	_autobuf_ struct buf text = BUF_INIT;
	_autoeval_ struct eval *e = NULL;

	(void)state;
	for (size_t i = 0; i < DEPTH; i++)
		buf_adds(&text, "tolower(");
	buf_adds(&text, "concat(proc.name");
	for (size_t i = 1; i < ARGUMENTS; i++)
		buf_adds(&text, ",proc.name");
	for (size_t i = 0; i <= DEPTH; i++)
		buf_addc(&text, ')');
	buf_adds(&text, " = x");

	_autofilter_ struct filter *f = parse(buf_str(&text));
	const struct filter_node *root = filter_root(f);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;

	assert_int_equal(eval_compile(&e, &root, 1, NULL), 0);
	assert_int_equal(eval_fields(e), 1);
	assert_true(mallinfo2().uordblks + mallinfo2().hblkhd - before < 4 << 20);
}

static void equal_comparisons_exist_once(void **state)
{
	_autofilter_ struct filter *a = parse("proc.name in (a, b) and evt.type = open"),
	                           *b = parse("not (evt.type=open or proc.name in (a,b)) and tolower(proc.name) = x");
	const struct filter_node *roots[] = {filter_root(a), filter_root(b)};
	_autoeval_ struct eval *e = NULL;

	(void)state;
	assert_int_equal(eval_compile(&e, roots, 2, NULL), 0);
	assert_int_equal(eval_comparisons(e), 3);
	assert_int_equal(eval_fields(e), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts_compare_as_in_c),
	        cmocka_unit_test(a_missing_value_compares_with_nothing),
	        cmocka_unit_test(numbers_booleans_and_bytes_compare_by_type),
	        cmocka_unit_test(addresses_and_networks_compare_by_family),
	        cmocka_unit_test(ancestors_compare_if_some_does),
	        cmocka_unit_test(lists_are_contained_or_intersect),
	        cmocka_unit_test(pmatch_goes_by_components),
	        cmocka_unit_test(modifiers_count_the_constants_that_fit),
	        cmocka_unit_test(transformers_make_values),
	        cmocka_unit_test(what_falco_answers_unlike_its_words_is_kept),
	        cmocka_unit_test(lines_that_are_wrong_name_their_place),
	        cmocka_unit_test(events_follow_one_another_and_unknown_names_are_told_once),
	        cmocka_unit_test(a_raw_argument_of_no_bytes_has_no_value),
	        cmocka_unit_test(deep_transformers_of_many_arguments_take_linear_memory),
	        cmocka_unit_test(equal_comparisons_exist_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
