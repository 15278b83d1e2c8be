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
	assert_int_equal(derive(&d, filter_root(*filter), point_info(point), 0, *atoms), 0);
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
#define OPEN TERCEL_POINT_FILE_OPEN

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
	        "proc.aname startswith \"\"",
	        "proc.aenv[2] contains a",
	        "proc.env[HOME] = /root",
	        "proc.args[1] = a",
	        "proc.aname = anyof (a)",
	        "evt.type = anyof (execve)",
	        "thread.cap_effective = CAP_KILL",
	        "thread.cap_effective contains \"CAP_KILL CAP\"",
	        "proc.cmdnargs > 1",
	        "evt.time = 1",
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

/* Texts are compared by automata, so that each of these may also be an exception. */
static void patterns_are_decided(void **unused)
{
	static const char *const leaves[] = {
	        "proc.name regex a.*",
	        "proc.name glob a*",
	        "proc.name iglob A*",
	        "proc.name icontains A",
	        "proc.exepath pmatch (/usr/*/bin, /opt)",
	        "proc.name intersects (a)",
	        "proc.aname intersects (a)",
	        "proc.aname[3] glob a*",
	        "proc.pid intersects (1)",
	        "proc.cmdline regex '^(.* )?-i( .*)?$'",
	        "proc.env contains LD_PRELOAD",
	        "proc.cwd startswith /tmp",
	        "user.name = root",
	        "user.loginname != root",
	};
	_autobuf_ struct buf text = BUF_INIT;

	(void)unused;
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		expect(leaves[i], EXEC, "exact", "");
		buf_reset(&text);
		buf_addf(&text, "proc.name = sh and not %s", leaves[i]);
		expect(buf_str(&text), EXEC, "exact", "");
	}
}

/* What Falco answers for a type of event, or for a fixed text, the evaluator is asked when the policy is made. */
static void what_is_fixed_is_answered_when_the_policy_is_made(void **unused)
{
	static const char *const holds[] = {"evt.type regex execve",
	                                    "evt.type glob execve",
	                                    "evt.type startswith execve",
	                                    "evt.dir = <",
	                                    "evt.res = SUCCESS",
	                                    "evt.res icontains succ",
	                                    "evt.rawres intersects (0)",
	                                    "evt.category = process",
	                                    "evt.num > 0",
	                                    "evt.failed != true",
	                                    "not evt.dir intersects (>)",
	                                    "evt.arg.res = 0",
	                                    "not evt.rawres in (-1, -2)"};
	static const char *const fails[] = {"evt.type pmatch (open)",
	                                    "evt.dir = >",
	                                    "evt.res startswith E",
	                                    "evt.rawres < 0",
	                                    "evt.num = 0",
	                                    "evt.failed intersects (true)",
	                                    "evt.arg.request exists",
	                                    "not evt.source = syscall"};
	_autobuf_ struct buf text = BUF_INIT;

	(void)unused;
	for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		buf_reset(&text);
		buf_addf(&text, "proc.name = sh and %s", holds[i]);
		expect(buf_str(&text), EXEC, "exact", "");
	}
	for (size_t i = 0; i < sizeof(fails) / sizeof(fails[0]); i++) {
		buf_reset(&text);
		buf_addf(&text, "proc.name = sh and %s", fails[i]);
		expect(buf_str(&text), EXEC, "none", "");
	}
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
	expect("proc.name = sh and not user.shell = /bin/sh", EXEC, "detect-only", "user.shell = /bin/sh");
	expect("proc.name = sh and not (user.shell = /bin/sh and proc.tty = 0)", EXEC, "narrow",
	       "user.shell = /bin/sh");
}

static void an_unknown_alternative_makes_it_narrow(void **unused)
{
	(void)unused;
	expect("proc.name = sh or user.shell = /bin/sh", EXEC, "narrow", "user.shell = /bin/sh");
	expect("proc.name = sh or tolower(proc.name) = b", EXEC, "narrow", "tolower(proc.name) = b");
}

static void a_lost_leaf_that_does_not_matter_is_not_reported(void **unused)
{
	(void)unused;
	expect("evt.type = execve and proc.name = sh or evt.type = open and fd.name = /etc/shadow", EXEC, "exact", "");
	expect("(evt.rawres < 0 and user.shell = a) or proc.name = sh", EXEC, "exact", "");
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
	expect("proc.aname != sh", EXEC, "detect-only", "proc.aname != sh");
	expect("proc.aname[16] = sh", EXEC, "detect-only", "proc.aname[16] = sh");
	expect("proc.env contains LD_PRELOAD", TERCEL_POINT_FILE_OPEN, "detect-only",
	       "proc.env contains LD_PRELOAD; proc.env contains LD_PRELOAD");
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
	expect("proc.name = sh or (evt.type = execveat and user.shell = a)", EXEC, "exact", "");
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
	/* An exec has no descriptor. */
	expect("fd.sport = 22 and proc.name = sh", EXEC, "none", "");
}

static void what_the_check_of_an_exec_cannot_know_the_commit_does(void **unused)
{
	static const char *const leaves[] = {"user.uid = 0",
	                                     "user.name = root",
	                                     "proc.cmdline contains x",
	                                     "proc.args = x",
	                                     "thread.cap_effective contains CAP_KILL",
	                                     "proc.env contains LD_PRELOAD",
	                                     "proc.is_exe_writable = true",
	                                     "group.gid = 0"};

	(void)unused;
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		expect(leaves[i], EXEC, "exact", "");
		expect(leaves[i], TERCEL_POINT_EXEC_CHECK, "detect-only", leaves[i]);
	}
	expect("user.uid = 0 and fd.l4proto = tcp", CONNECT, "exact", "");
}

static void parts_of_a_path_are_decided(void **unused)
{
	(void)unused;
	expect("evt.is_open_write = true and fd.directory in (/etc, /usr/bin)", OPEN, "exact", "");
	expect("evt.is_open_write = true and fd.directory pmatch (/etc)", OPEN, "exact", "");
	expect("evt.is_open_write = true and not fd.filename in (a, b)", OPEN, "exact", "");
	expect("evt.is_open_write = true and fd.filename endswith .so", OPEN, "exact", "");
	expect("evt.is_open_write = true and fd.directory exists", OPEN, "exact", "");
	expect("evt.is_open_write = true and fd.directory pmatch (/et*)", OPEN, "detect-only",
	       "fd.directory pmatch (/et*)");
	expect("evt.is_open_write = true and fd.filename startswith .", OPEN, "detect-only",
	       "fd.filename startswith .");
	expect("evt.is_open_write = true and not fd.directory contains etc", OPEN, "detect-only",
	       "fd.directory contains etc");
}

/* Opens with O_PATH pass no hook: a condition that asks for writing keeps out of them. */
static void what_does_not_come_by_the_point_is_lost(void **unused)
{
	static const char event[] = "evt.type in (open, openat)";

	(void)unused;
	expect("evt.type in (open, openat) and fd.name = /a and evt.is_open_write = true", OPEN, "exact", "");
	expect("evt.type in (open, openat) and fd.name = /a and evt.is_open_read = true", OPEN, "narrow", event);
	expect("evt.type in (open, openat) and fd.name = /a and evt.is_open_write != false", OPEN, "exact", "");
	expect("evt.type in (open, openat) and fd.name = /a and evt.is_open_write = false", OPEN, "narrow", event);
	expect("evt.type in (open, openat) and fd.name = /a and not evt.is_open_write = true", OPEN, "narrow", event);
	expect("evt.type in (open, openat) and (evt.is_open_write = true or evt.is_open_exec = true)", OPEN, "exact",
	       "");
	expect("evt.type in (open, openat) and (evt.is_open_write = true or fd.name = /a)", OPEN, "narrow", event);
	expect("evt.type = creat and fd.name = /a", OPEN, "exact", "");
	expect("not evt.type in (open, openat, openat2, open_by_handle_at) and fd.name = /a", OPEN, "exact", "");
	expect("evt.type = ptrace and evt.arg.request in (PTRACE_ATTACH, PTRACE_SEIZE)", TERCEL_POINT_PTRACE, "exact",
	       "");
	expect("evt.type = ptrace and evt.arg.request = PTRACE_CONT", TERCEL_POINT_PTRACE, "detect-only",
	       "evt.type = ptrace");
	expect("evt.type = sendto and fd.l4proto = tcp", TERCEL_POINT_SENDMSG4, "detect-only", "evt.type = sendto");
	expect("evt.type = ptrace", TERCEL_POINT_PTRACE, "narrow", "evt.type = ptrace");
}

static void a_set_of_names_is_asked_for_one_of_them(void **unused)
{
	(void)unused;
	expect("evt.is_open_write = true and evt.arg.flags contains O_TRUNC", OPEN, "exact", "");
	expect("evt.is_open_write = true and not evt.arg.flags icontains o_trunc", OPEN, "exact", "");
	expect("evt.is_open_write = true and evt.arg.flags exists", OPEN, "exact", "");
	/* No name has it. */
	expect("evt.is_open_write = true and evt.arg.flags contains O_NOTHING", OPEN, "none", "");
	/* "0" is what no flag is printed as. */
	expect("evt.is_open_write = true and evt.arg.flags contains 0", OPEN, "detect-only",
	       "evt.arg.flags contains 0");
	expect("evt.is_open_write = true and evt.arg.flags contains FD_UPPER_LAYER", OPEN, "detect-only",
	       "evt.arg.flags contains FD_UPPER_LAYER");
	expect("evt.is_open_write = true and evt.arg.flags = O_TRUNC", OPEN, "detect-only", "evt.arg.flags = O_TRUNC");
	expect("evt.is_open_write = true and evt.arg.flags contains O_CREAT|", OPEN, "detect-only",
	       "evt.arg.flags contains O_CREAT|");
	expect("evt.arg.mode contains S_ISUID", TERCEL_POINT_CHMOD, "exact", "");
}

static void a_choice_is_asked_for_any_of_its_names(void **unused)
{
	(void)unused;
	expect("evt.arg.domain in (AF_PACKET, AF_ALG)", TERCEL_POINT_SOCKET, "exact", "");
	expect("evt.arg.domain regex AF_PA.*", TERCEL_POINT_SOCKET, "exact", "");
	expect("evt.arg.domain = AF_NOTHING", TERCEL_POINT_SOCKET, "none", "");
	expect("not evt.arg.domain contains AF_INET and fd.l4proto = raw", TERCEL_POINT_SOCKET, "exact", "");
	/* No other request comes by here. */
	expect("evt.arg.request = PTRACE_TRACEME", TERCEL_POINT_TRACEME, "exact", "");
	expect("evt.arg.request = PTRACE_TRACEME", TERCEL_POINT_PTRACE, "none", "");
	expect("fd.type = ipv4 and fd.sip = 10.0.0.1", TERCEL_POINT_SOCKET_CONNECT, "exact", "");
	expect("fd.type = file and fd.l4proto = tcp", CONNECT, "none", "");
	expect("fd.type = file", TERCEL_POINT_SOCKET_CONNECT, "none", "");
	/* Of sockets of other families nobody knows what Falco would say. */
	expect("fd.type = netlink", TERCEL_POINT_SOCKET_CONNECT, "exact", "");
}

/* A parameter that the event type has not is missing: every comparison with it is false. */
static void a_parameter_of_another_event_is_missing(void **unused)
{
	(void)unused;
	expect("evt.arg.path = /a", TERCEL_POINT_UNLINK, "exact", "");
	expect("evt.type = unlinkat and evt.arg.name = /a", TERCEL_POINT_UNLINK, "exact", "");
	expect("evt.type = unlinkat and not evt.arg.name = /a", TERCEL_POINT_UNLINK, "exact", "");
	expect("evt.arg.newpath exists", TERCEL_POINT_UNLINK, "none", "");
	expect("evt.arg.uid = 0 and not evt.arg.newpath = /a", TERCEL_POINT_UNLINK, "none", "");
	expect("not evt.arg.newpath = /a and proc.name = rm", TERCEL_POINT_UNLINK, "exact", "");
	expect("evt.arg[1] = /a", TERCEL_POINT_UNLINK, "detect-only", "evt.arg[1] = /a");
	expect("evt.rawarg.res = 0", TERCEL_POINT_UNLINK, "detect-only", "evt.rawarg.res = 0");
}

/* Falco's number goes on growing until the call ends. */
static void a_number_that_grows_is_known_from_below(void **unused)
{
	(void)unused;
	expect("evt.is_open_write = true and proc.duration > 100", OPEN, "narrow", "proc.duration > 100");
	expect("evt.is_open_write = true and proc.duration >= 100", OPEN, "narrow", "proc.duration >= 100");
	expect("evt.is_open_write = true and proc.duration < 100", OPEN, "detect-only", "proc.duration < 100");
	expect("evt.is_open_write = true and not proc.duration < 100", OPEN, "narrow", "proc.duration < 100");
	expect("evt.is_open_write = true and not proc.duration > 100", OPEN, "detect-only", "proc.duration > 100");
	expect("evt.is_open_write = true and proc.duration = 100", OPEN, "detect-only", "proc.duration = 100");
}

static size_t atoms_of(const char *condition, enum atom_test test)
{
	_autobuf_ struct buf lost = BUF_INIT;
	_autofilter_ struct filter *filter = NULL;
	_autoatoms_ struct atoms *atoms = NULL;
	struct derivation d = derive_text(condition, EXEC, &lost, &filter, &atoms);
	size_t n = 0;

	assert_int_equal(d.class, POLICY_EXACT);
	for (size_t i = 0; i < atoms_count(atoms); i++)
		n += atoms_get(atoms, (uint32_t)i)->test == test;
	derivation_free(&d);
	return n;
}

/* User space answers it once for each container: the fewer questions, the better. */
static void what_is_about_the_container_is_one_question(void **unused)
{
	(void)unused;
	assert_int_equal(
	        atoms_of("container.image.repository = a and k8s.ns.name != b and proc.name = sh", ATOM_CONTAINER), 1);
	assert_int_equal(atoms_of("proc.name = sh and not (container.image.repository = a or "
	                          "(container.name startswith b and tolower(k8s.pod.name) = c))",
	                          ATOM_CONTAINER),
	                 1);
	assert_int_equal(atoms_of("(container.name = a and proc.name = sh) or (container.name = b and proc.name = c)",
	                          ATOM_CONTAINER),
	                 2);
	/* The kernel knows the id itself. */
	assert_int_equal(atoms_of("container.id != host and proc.name = sh", ATOM_CONTAINER), 0);
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

static void what_not_every_runtime_tells_of_a_container_is_noted(void **unused)
{
	_autobuf_ struct buf lost = BUF_INIT;
	_autofilter_ struct filter *filter = NULL;
	_autoatoms_ struct atoms *atoms = NULL;
	struct derivation d = derive_text("evt.type = execve and container.id != host and "
	                                  "not (container.privileged = true or k8s.ns.name exists)",
	                                  EXEC, &lost, &filter, &atoms);

	(void)unused;
	assert_int_equal(d.class, POLICY_EXACT);
	assert_int_equal(d.nnotes, 2);
	assert_string_equal(d.notes[0].code, "container-facts");
	assert_int_equal(d.notes[0].node->left->field->id, FIELD_CONTAINER_PRIVILEGED);
	assert_string_equal(d.notes[1].code, "container-facts");
	assert_int_equal(d.notes[1].node->left->field->id, FIELD_K8S_NS_NAME);
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
	        cmocka_unit_test(patterns_are_decided),
	        cmocka_unit_test(what_is_fixed_is_answered_when_the_policy_is_made),
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
	        cmocka_unit_test(what_the_check_of_an_exec_cannot_know_the_commit_does),
	        cmocka_unit_test(parts_of_a_path_are_decided),
	        cmocka_unit_test(what_does_not_come_by_the_point_is_lost),
	        cmocka_unit_test(a_set_of_names_is_asked_for_one_of_them),
	        cmocka_unit_test(a_choice_is_asked_for_any_of_its_names),
	        cmocka_unit_test(a_parameter_of_another_event_is_missing),
	        cmocka_unit_test(a_number_that_grows_is_known_from_below),
	        cmocka_unit_test(what_is_about_the_container_is_one_question),
	        cmocka_unit_test(a_name_that_its_owner_sets_is_noted_as_weak),
	        cmocka_unit_test(what_not_every_runtime_tells_of_a_container_is_noted),
	        cmocka_unit_test(equal_questions_are_one_atom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
