/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a rule is decided: at the strongest of the points that see the same act, unless a weaker one decides more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/placement.h"

/* The points at which the condition is decided, with their classes. */
static void expect(const char *condition, uint32_t points, const char *wanted)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *filter = NULL;
	_autoatoms_ struct atoms *atoms = NULL;
	_autoplacement_ struct placement placement = {0};
	_autobuf_ struct buf got = BUF_INIT;
	int r = filter_parse(&filter, &(struct filter_text){.bytes = condition, .len = strlen(condition)}, &diags);

	diag_print(&diags, stderr);
	assert_int_equal(r, 0);
	assert_int_equal(atoms_new(&atoms), 0);
	assert_int_equal(placement_make(&placement, filter_root(filter), points, atoms), 0);
	for (int p = 0; p < TERCEL_POINTS; p++) {
		const struct derivation *d = &placement.at[p];

		if (d->applies)
			buf_addf(&got, "%s%s=%s", got.len ? " " : "", point_info((enum tercel_point)p)->name,
			         policy_class_name(d->class));
	}
	if (strcmp(buf_str(&got), wanted) != 0)
		fail_msg("%s:\n%s\nnot %s", condition, buf_str(&got), wanted);
}

static void an_exec_is_denied_unless_only_its_commit_knows(void **unused)
{
	static const char *const denied[] = {"proc.name = sh", "proc.exepath startswith /tmp/",
	                                     "proc.name = sh and proc.aname = nginx and container.id != host"};
	static const char *const killed[] = {"proc.cmdline contains -e", "proc.name = sh and user.uid = 0",
	                                     "proc.name = sh or proc.args = x",
	                                     "proc.name = sh and not proc.args startswith -c"};
	_autobuf_ struct buf text = BUF_INIT;

	(void)unused;
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		buf_reset(&text);
		buf_addf(&text, "evt.type in (execve, execveat) and %s", denied[i]);
		expect(buf_str(&text), PLACEMENT_FULL, "bprm_creds_from_file=exact");
		expect(buf_str(&text), placement_without_lsm(), "sched_process_exec=exact");
	}
	for (size_t i = 0; i < sizeof(killed) / sizeof(killed[0]); i++) {
		buf_reset(&text);
		buf_addf(&text, "evt.type in (execve, execveat) and (%s)", killed[i]);
		expect(buf_str(&text), PLACEMENT_FULL, "sched_process_exec=exact");
	}
	/* As much is lost at either: then the stronger one. */
	expect("evt.type = execve and (proc.name = sh or user.shell = a)", PLACEMENT_FULL,
	       "bprm_creds_from_file=narrow");
	expect("evt.type = execve and user.shell = a", PLACEMENT_FULL, "bprm_creds_from_file=detect-only");
	/* More is lost at the stronger one. */
	expect("evt.type = execve and (proc.name = sh or user.shell = a or proc.args = b)", PLACEMENT_FULL,
	       "sched_process_exec=narrow");
}

static void a_connection_is_decided_for_all_sockets_if_it_can_be(void **unused)
{
	(void)unused;
	expect("evt.type = connect and fd.sport = 22", PLACEMENT_FULL,
	       "cgroup_connect4=exact cgroup_connect6=exact socket_connect=exact");
	expect("evt.type = connect and fd.sport = 22", placement_without_lsm(),
	       "cgroup_connect4=narrow cgroup_connect6=narrow");
	/* What no other socket can match is asked at the cgroup's hooks alone. */
	expect("evt.type = connect and fd.sport = 22 and fd.l4proto = tcp", PLACEMENT_FULL,
	       "cgroup_connect4=exact cgroup_connect6=exact");
	expect("evt.type = connect and fd.sport = 22 and fd.l4proto = tcp", placement_without_lsm(),
	       "cgroup_connect4=exact cgroup_connect6=exact");
	expect("evt.type = connect and fd.l4proto = raw", PLACEMENT_FULL,
	       "cgroup_connect4=exact cgroup_connect6=exact socket_connect=exact");
	expect("evt.type = connect and fd.directory = /a", PLACEMENT_FULL, "");
	expect("evt.type = connect and fd.typechar = u", PLACEMENT_FULL, "socket_connect=exact");
	/* What a point never sees is missed there, and told so. */
	expect("evt.type = connect and fd.typechar = u", placement_without_lsm(),
	       "cgroup_connect4=detect-only cgroup_connect6=detect-only");
	expect("evt.type = connect and fd.l4proto = tcp and evt.res = ECONNREFUSED", placement_without_lsm(), "");
}

static void what_is_sent_is_decided_at_the_hook_that_sees_it_all(void **unused)
{
	(void)unused;
	expect("evt.type in (sendto, sendmsg) and fd.l4proto = udp", PLACEMENT_FULL, "socket_sendmsg=exact");
	expect("evt.type in (sendto, sendmsg) and fd.l4proto = udp", placement_without_lsm(),
	       "cgroup_sendmsg4=narrow cgroup_sendmsg6=narrow");
	expect("evt.type in (connect, sendto) and fd.sport = 22 and fd.l4proto = tcp", PLACEMENT_FULL,
	       "cgroup_connect4=exact cgroup_connect6=exact socket_sendmsg=detect-only");
	expect("evt.type in (connect, sendto) and fd.sport = 22 and fd.l4proto = tcp", placement_without_lsm(),
	       "cgroup_connect4=exact cgroup_connect6=exact cgroup_sendmsg4=detect-only cgroup_sendmsg6=detect-only");
	expect("(evt.type = connect or (evt.type = sendto and fd.l4proto = udp)) and fd.sport = 22 and fd.l4proto = "
	       "tcp",
	       placement_without_lsm(), "cgroup_connect4=exact cgroup_connect6=exact");
}

static void acts_that_only_lsm_sees_have_no_point_without_it(void **unused)
{
	(void)unused;
	expect("evt.type = mkdir and evt.arg.path = /a", PLACEMENT_FULL, "path_mkdir=exact");
	expect("evt.type = mkdir and evt.arg.path = /a", placement_without_lsm(), "");
	expect("evt.type in (unlink, unlinkat, rename)", PLACEMENT_FULL,
	       "path_unlink=exact path_rmdir=exact path_rename=exact");
	expect("evt.type in (setns, unshare)", placement_without_lsm(), "sys_enter=exact");
	expect("evt.type = accept", PLACEMENT_FULL, "");
	/* Which of ptrace's requests are missed is told once. */
	expect("evt.type = ptrace", PLACEMENT_FULL, "ptrace_access_check=narrow ptrace_traceme=exact");
	expect("evt.type = ptrace and evt.arg.request = PTRACE_TRACEME", PLACEMENT_FULL, "ptrace_traceme=exact");
	expect("evt.type = ptrace and evt.arg.request = PTRACE_CONT", PLACEMENT_FULL,
	       "ptrace_access_check=detect-only");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_exec_is_denied_unless_only_its_commit_knows),
	        cmocka_unit_test(a_connection_is_decided_for_all_sockets_if_it_can_be),
	        cmocka_unit_test(what_is_sent_is_decided_at_the_hook_that_sees_it_all),
	        cmocka_unit_test(acts_that_only_lsm_sees_have_no_point_without_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
