/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a condition becomes at each decision point: its class, what is lost of it and why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/derive.h"

/* How the condition comes out at a point; lost leaves are printed, one after the other, to `lost`. */
static struct derivation derive_text(const char *condition, enum tercel_point point, struct buf *lost,
                                     struct filter **filter, struct atoms **atoms)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct derivation d;
	int r = filter_parse(filter, &(struct filter_text){.bytes = condition, .len = strlen(condition)}, &diags);

	diag_print(&diags, stderr);
	assert_int_equal(r, 0);
	assert_int_equal(atoms_new(atoms), 0);
	assert_int_equal(derive(&d, filter_root(*filter), point_info(point), *atoms), 0);
	for (size_t i = 0; i < d.nlost; i++) {
		buf_adds(lost, i ? "; " : "");
		filter_print(lost, d.lost[i].node);
		assert_non_null(d.lost[i].reason);
		assert_non_null(d.lost[i].effect);
	}
	return d;
}

static void expect(const char *condition, enum tercel_point point, const char *class, const char *lost_text)
{
	_autobuf_ struct buf lost = BUF_INIT;
	_autofilter_ struct filter *filter = NULL;
	_autoatoms_ struct atoms *atoms = NULL;
	struct derivation d = derive_text(condition, point, &lost, &filter, &atoms);
	const char *got = d.applies ? policy_class_name(d.class) : "none";

	if (strcmp(got, class) != 0 || strcmp(buf_str(&lost), lost_text) != 0)
		fail_msg("%s: %s, lost: %s", condition, got, buf_str(&lost));
	derivation_free(&d);
}

#define EXEC TERCEL_POINT_EXEC_COMMIT
#define CONNECT TERCEL_POINT_CONNECT4

static void what_the_kernel_knows_is_exact(void **unused)
{
	static const char *const conditions[] = {
	        "proc.name = sh",
	        "proc.name in (sh, bash) and not proc.pname startswith systemd",
	        "proc.cmdline contains \"-e /bin/sh\" and proc.exepath endswith /nc",
	        "proc.aname = sshd or proc.aname[2] in (a, b)",
	        "proc.is_exe_from_memfd = true and proc.is_exe_upper_layer != true",
	        "user.uid < 1000 and user.loginuid >= 0 and proc.tty != 0",
	        "thread.cap_effective contains CAP_SYS_ADMIN",
	        "container.id != host",
	        "proc.pname exists",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		expect(conditions[i], EXEC, "exact", "");
	expect("fd.sip = 10.0.0.1 and fd.sport in (80, 443) and fd.l4proto = tcp and fd.typechar = 4", CONNECT, "exact",
	       "");
	expect("fd.l4proto = udp and not fd.snet in (\"10.0.0.0/8\", \"fd00::/8\")", CONNECT, "exact", "");
}

/* Each as an exception: if the kernel took it at its words, it might block more than the rule says. */
static void an_exception_that_only_the_evaluator_knows_makes_a_rule_not_enforceable(void **unused)
{
	static const char *const exceptions[] = {
	        "proc.name regex a.*",
	        "proc.name glob a*",
	        "proc.name iglob A",
	        "proc.name icontains A",
	        "proc.name pmatch (a)",
	        "proc.name intersects (a)",
	        "proc.name < 5",
	        "proc.name = oneof (a, b)",
	        "proc.name != allof (a)",
	        "proc.name contains anyof ()",
	        "tolower(proc.name) = a",
	        "proc.name = val(proc.pname)",
	        "proc.aname[-2] = a",
	        "proc.aname[16] = a",
	        "proc.aname != a",
	        "proc.aname exists",
	        "proc.aname intersects (a)",
	        "proc.pid intersects (1)",
	        "proc.aenv[2] contains a",
	        "proc.aname = anyof (a)",
	        "evt.type regex execve",
	        "evt.type glob execve",
	        "evt.type icontains execve",
	        "evt.type pmatch (execve)",
	        "evt.type = anyof (execve)",
	        "evt.dir intersects (>)",
	        "evt.failed intersects (true)",
	        "evt.res icontains e",
	        "evt.rawres intersects (-1)",
	        "thread.cap_effective = CAP_KILL",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		char condition[128];
		_autobuf_ struct buf lost = BUF_INIT;
		_autofilter_ struct filter *filter = NULL;
		_autoatoms_ struct atoms *atoms = NULL;

		(void)snprintf(condition, sizeof(condition), "proc.exepath = /bin/sh and not %s", exceptions[i]);
		struct derivation d = derive_text(condition, EXEC, &lost, &filter, &atoms);

		if (d.applies && d.class != POLICY_DETECT_ONLY)
			fail_msg("%s: %s", condition, policy_class_name(d.class));
		derivation_free(&d);
	}
	/* -1 is how Falco says "no index". */
	expect("not proc.aname[-1] = a and not proc.aname[0] = b", EXEC, "exact", "");
}

/* So is one with thousands of checks: the notes of each are looked up, not compared with all others. */
static void a_leaf_is_noted_once(void **unused)
{
	enum { NAMES = 10000 };
	_autobuf_ struct buf lost = BUF_INIT, text = BUF_INIT;
	_autofilter_ struct filter *filter = NULL;
	_autoatoms_ struct atoms *atoms = NULL;

	(void)unused;
	for (unsigned int i = 0; i < 2 * NAMES; i++)
		buf_addf(&text, "%sproc.name = n%u", i ? " or " : "", i % NAMES);
	struct derivation d = derive_text(buf_str(&text), EXEC, &lost, &filter, &atoms);

	assert_int_equal(d.nnotes, NAMES);
	derivation_free(&d);
}

static void an_unknown_exception_makes_a_rule_not_enforceable(void **unused)
{
	(void)unused;
	expect("proc.name = sh and not user.name = root", EXEC, "detect-only", "user.name = root");
	expect("proc.name = sh and not (user.name = root and proc.tty = 0)", EXEC, "narrow", "user.name = root");
}

static void an_unknown_alternative_makes_it_narrow(void **unused)
{
	(void)unused;
	expect("proc.name = sh or user.name = root", EXEC, "narrow", "user.name = root");
	expect("proc.name = sh or proc.name glob b*", EXEC, "narrow", "proc.name glob b*");
}

static void a_lost_leaf_that_does_not_matter_is_not_reported(void **unused)
{
	(void)unused;
	expect("evt.type = execve and proc.name = sh or evt.type = open and fd.name = /etc/shadow", EXEC, "exact", "");
	expect("(evt.rawres < 0 and user.name = root) or proc.name = sh", EXEC, "exact", "");
}

static void results_are_judged_as_about_to_succeed(void **unused)
{
	(void)unused;
	expect("proc.name = sh and evt.rawres >= 0", EXEC, "exact", "");
	expect("proc.name = sh and evt.rawres < 0", EXEC, "none", "");
	expect("proc.name = sh and evt.failed = true", EXEC, "none", "");
	expect("proc.name = sh and evt.res startswith E", EXEC, "none", "");
	expect("fd.l4proto = tcp and (evt.rawres >= 0 or evt.res = EINPROGRESS)", CONNECT, "exact", "");
	expect("fd.num >= 0 and fd.l4proto = tcp", CONNECT, "exact", "");
	expect("fd.num = 5 and fd.l4proto = tcp", CONNECT, "detect-only", "fd.num = 5");
}

static void other_events_do_not_reach_the_point(void **unused)
{
	(void)unused;
	expect("evt.type = open and proc.name = sh", EXEC, "none", "");
	expect("evt.type = connect", EXEC, "none", "");
	expect("evt.type in (execve, execveat)", CONNECT, "none", "");
	expect("evt.type in (connect, open) and fd.l4proto = tcp", CONNECT, "exact", "");
	expect("not evt.type = open and fd.l4proto = tcp", CONNECT, "exact", "");
}

static void a_value_of_either_end_is_known_from_one_side(void **unused)
{
	(void)unused;
	expect("fd.port = 443 and fd.l4proto = tcp", CONNECT, "narrow", "fd.port = 443");
	expect("fd.l4proto = tcp and not fd.port = 443", CONNECT, "detect-only", "fd.port = 443");
	expect("fd.ip = 10.0.0.1 and fd.l4proto = tcp", CONNECT, "narrow", "fd.ip = 10.0.0.1");
}

static void what_may_differ_from_falco_is_lost(void **unused)
{
	(void)unused;
	expect("fd.rip = 10.0.0.1 and fd.l4proto = tcp", CONNECT, "detect-only", "fd.rip = 10.0.0.1");
	expect("proc.tty != 0 and fd.l4proto = tcp", CONNECT, "detect-only", "proc.tty != 0");
	expect("proc.aname != sh", EXEC, "detect-only", "proc.aname != sh");
	expect("proc.aname[16] = sh", EXEC, "detect-only", "proc.aname[16] = sh");
	expect("fd.sport = 22", EXEC, "detect-only", "fd.sport = 22");
	expect("proc.env contains LD_PRELOAD", EXEC, "detect-only", "proc.env contains LD_PRELOAD");
}

static void what_only_execveat_meets_never_holds_at_a_start(void **unused)
{
	static const char *const lost[] = {"evt.type = execveat", "evt.type != execve", "evt.type in (execveat, open)"};
	static const char *const kept[] = {"evt.type in (execve, execveat)", "evt.type = execve", "evt.type != open",
	                                   "not evt.type = execveat"};
	_autobuf_ struct buf text = BUF_INIT;

	(void)unused;
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		buf_reset(&text);
		buf_addf(&text, "%s and proc.name = sh", lost[i]);
		expect(buf_str(&text), EXEC, "detect-only", lost[i]);
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		buf_reset(&text);
		buf_addf(&text, "%s and proc.name = sh", kept[i]);
		expect(buf_str(&text), EXEC, "exact", "");
	}
	expect("not evt.type = execve and proc.name = sh", EXEC, "detect-only", "evt.type = execve");
	expect("(evt.type = execve or evt.type = execveat) and proc.name = sh", EXEC, "exact", "");
	expect("proc.name = sh or (evt.type = execveat and user.name = root)", EXEC, "exact", "");
	expect("evt.type = connect and not evt.type = execve", EXEC, "none", "");
}

static void sockets_that_the_kernel_does_not_ask_about_are_lost(void **unused)
{
	static const char *const open[] = {"fd.sport = 22", "fd.sport = 22 and not fd.l4proto = udp",
	                                   "fd.sport = 22 and fd.l4proto in (tcp, raw)",
	                                   "fd.sport = 22 or fd.l4proto = tcp", "fd.sport = 22 and fd.l4proto exists"};
	static const char *const closed[] = {
	        "fd.sport = 22 and fd.l4proto = tcp", "fd.l4proto in (tcp, udp)",
	        "fd.sport = 22 and (fd.l4proto = tcp or fd.l4proto = udp and proc.name = a)",
	        "fd.sport = 22 and not fd.l4proto != tcp"};
	_autobuf_ struct buf text = BUF_INIT;

	(void)unused;
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		buf_reset(&text);
		buf_addf(&text, "evt.type = connect and (%s)", open[i]);
		expect(buf_str(&text), CONNECT, "narrow", "evt.type = connect");
	}
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		buf_reset(&text);
		buf_addf(&text, "evt.type = connect and (%s)", closed[i]);
		expect(buf_str(&text), CONNECT, "exact", "");
	}
	expect("fd.sport = 22", CONNECT, "narrow", "fd.sport = 22");
	expect("fd.sport = 22 and proc.name = sh", EXEC, "detect-only", "fd.sport = 22");
}

static void user_ids_are_those_of_the_exec_only(void **unused)
{
	(void)unused;
	expect("user.uid = 0", EXEC, "exact", "");
	expect("user.uid = 0 and fd.l4proto = tcp", CONNECT, "detect-only", "user.uid = 0");
}

static void a_name_that_its_owner_sets_is_noted_as_weak(void **unused)
{
	_autobuf_ struct buf lost = BUF_INIT;
	_autofilter_ struct filter *filter = NULL;
	_autoatoms_ struct atoms *atoms = NULL;
	struct derivation d = derive_text("proc.name = sh and proc.exepath = /bin/sh", EXEC, &lost, &filter, &atoms);

	(void)unused;
	assert_int_equal(d.nnotes, 2);
	assert_string_equal(d.notes[0].code, "weak-identity");
	assert_string_equal(d.notes[1].code, "path-resolved");
	derivation_free(&d);
}

static void equal_questions_are_one_atom(void **unused)
{
	_autobuf_ struct buf lost = BUF_INIT;
	_autofilter_ struct filter *filter = NULL;
	_autoatoms_ struct atoms *atoms = NULL;
	struct derivation d = derive_text("(proc.name in (a, b) and proc.tty = 0) or proc.name in (b, a, b) or "
	                                  "not proc.tty != 0",
	                                  EXEC, &lost, &filter, &atoms);

	(void)unused;
	assert_int_equal(atoms_count(atoms), 2);
	derivation_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_the_kernel_knows_is_exact),
	        cmocka_unit_test(an_exception_that_only_the_evaluator_knows_makes_a_rule_not_enforceable),
	        cmocka_unit_test(a_leaf_is_noted_once),
	        cmocka_unit_test(an_unknown_exception_makes_a_rule_not_enforceable),
	        cmocka_unit_test(an_unknown_alternative_makes_it_narrow),
	        cmocka_unit_test(a_lost_leaf_that_does_not_matter_is_not_reported),
	        cmocka_unit_test(results_are_judged_as_about_to_succeed),
	        cmocka_unit_test(other_events_do_not_reach_the_point),
	        cmocka_unit_test(a_value_of_either_end_is_known_from_one_side),
	        cmocka_unit_test(what_may_differ_from_falco_is_lost),
	        cmocka_unit_test(what_only_execveat_meets_never_holds_at_a_start),
	        cmocka_unit_test(sockets_that_the_kernel_does_not_ask_about_are_lost),
	        cmocka_unit_test(user_ids_are_those_of_the_exec_only),
	        cmocka_unit_test(a_name_that_its_owner_sets_is_noted_as_weak),
	        cmocka_unit_test(equal_questions_are_one_atom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
