/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a condition to acts that may match it: one for each branch, nothing for what contradicts itself, and what cannot
 * be brought about is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "verify/trial.h"

/* The acts in words, a line each; of what cannot be done, why. */
static void expect(const char *condition, const char *words)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *f = NULL;
	_autofree_ struct needs *needs = malloc(sizeof(*needs));
	_autobuf_ struct buf out = BUF_INIT;
	const struct filter_text text = {.bytes = condition, .len = strlen(condition)};

	assert_non_null(needs);
	assert_int_equal(filter_parse(&f, &text, &diags), 0);
	assert_int_equal(needs_of(needs, filter_root(f)), 0);
	for (size_t i = 0; i < needs->count; i++) {
		struct trial t;
		char why[256];

		if (!needs->items[i].calls)
			buf_addf(&out, "nothing here can bring about: %s", needs->items[i].missing);
		else if (trial_of(&t, &needs->items[i], why, sizeof(why)))
			trial_print(&out, &t);
		else
			buf_adds(&out, why);
		buf_addc(&out, '\n');
	}
	assert_string_equal(buf_str(&out), words);
}

static void texts_of_every_kind_are_made_to_fit(void **unused)
{
	(void)unused;
	expect("evt.type = execve and proc.name = nc", "exec /opt/tercel/nc on the host\n");
	expect("evt.type = execve and proc.exepath startswith /usr/local/",
	       "exec /usr/local/tercel-program on the host\n");
	expect("evt.type = execve and proc.exepath startswith /dev/shm and proc.name = x",
	       "exec /dev/shm/x on the host\n");
	expect("evt.type = open and fd.name endswith .so",
	       "open /opt/tercel/.so with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = open and fd.name contains /.ssh/",
	       "open /opt/tercel/.ssh/tercel-file with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = open and fd.name glob '/home/*/.bash_histor?'",
	       "open /home/x/.bash_historx with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = open and fd.directory = /etc and fd.filename = shadow and evt.is_open_write = true",
	       "open /etc/shadow for writing with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = connect and fd.snet = 10.1.0.0/16 and fd.sport > 1023",
	       "connect tcp 10.1.0.1 port 1024 by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = connect and fd.sip = \"2001:db8::7\" and fd.l4proto = udp and proc.pname = sshd",
	       "connect udp 2001:db8::7 port 4444 by /opt/tercel/tercel-actor below /opt/tercel/sshd on the host\n");
}

static void what_is_asked_of_one_text_is_put_together(void **unused)
{
	(void)unused;
	expect("evt.type = open and fd.name startswith /usr/lib and fd.name endswith .so",
	       "open /usr/lib/tercel-file.so with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = open and fd.name contains .so. and fd.name startswith /usr/lib/",
	       "open /usr/lib/tercel-file.so. with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = open and fd.name endswith shadow and fd.name = /etc/shadow and fd.name startswith /etc",
	       "open /etc/shadow with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = open and fd.name startswith /etc and fd.name startswith /etc/cron",
	       "open /etc/cron/tercel-file with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = open and fd.name startswith /etc and fd.name endswith .so and fd.name contains .s",
	       "open /etc/tercel-file.so with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = open and fd.name startswith /etc and fd.name startswith /usr", "");
	expect("evt.type = open and fd.name = /etc/shadow and fd.name endswith .so", "");
	expect("evt.type = open and fd.name = /l and evt.is_open_write = true and evt.arg.flags contains O_TRUNC",
	       "open /l, emptied with open by /opt/tercel/tercel-actor on the host\n");
}

static void each_branch_has_its_act(void **unused)
{
	(void)unused;
	expect("evt.type in (execve, connect) and proc.name in (a, b)",
	       "exec /opt/tercel/a on the host\nexec /opt/tercel/b on the host\n"
	       "connect tcp 198.51.100.7 port 4444 by /opt/tercel/a on the host\n"
	       "connect tcp 198.51.100.7 port 4444 by /opt/tercel/b on the host\n");
	expect("evt.type = open and (fd.name = /a or (fd.name = /b and not proc.name = x))",
	       "open /a with open by /opt/tercel/tercel-actor on the host\nopen /b with open by "
	       "/opt/tercel/tercel-actor on the host\n");
	/* Negations are pushed down: not (a or not b) is not a and b. */
	expect("evt.type = open and not (proc.name = x or fd.name != /c)",
	       "open /c with open by /opt/tercel/tercel-actor on the host\n");
	expect("evt.type = execve and container.id != host and proc.name = y", "exec /opt/tercel/y in a container\n");
	expect("evt.type = execve and not container.id = host and proc.name = y",
	       "exec /opt/tercel/y in a container\n");
}

static void where_the_program_is_from_is_part_of_it(void **unused)
{
	(void)unused;
	expect("evt.type = execve and proc.is_exe_from_memfd = true and not proc.name = 3",
	       "exec a file in memory with the bytes of /opt/tercel/tercel-program on the host\n");
	expect("evt.type = execve and proc.is_exe_from_memfd = true and proc.name = 3",
	       "nothing here can bring about: a program in memory that does something else than start, or has this "
	       "name\n");
	expect("evt.type = connect and proc.is_exe_from_memfd = true",
	       "nothing here can bring about: a program in memory that does something else than start, or has this "
	       "name\n");
	expect("evt.type = execve and proc.is_exe_from_memfd = true and proc.is_exe_from_memfd = false", "");
}

#define BY " by /opt/tercel/tercel-actor on the host\n"

static void acts_on_names_have_their_paths(void **unused)
{
	(void)unused;
	expect("evt.type in (unlink, unlinkat) and fs.path.name = /a", "unlink /a" BY "rmdir /a with unlinkat" BY);
	expect("evt.type = rmdir and evt.arg.path startswith /usr/bin", "rmdir /usr/bin/tercel-file" BY);
	expect("evt.type in (rename, renameat) and evt.arg.oldpath = /etc/shadow",
	       "rename /etc/shadow to /opt/other/tercel-other" BY);
	expect("evt.type = renameat2 and evt.arg.newpath pmatch (/etc/cron.d)",
	       "rename /opt/tercel/tercel-file to /etc/cron.d/tercel-other with renameat2" BY);
	expect("evt.type = linkat and fs.path.source = /new and fs.path.target = /old",
	       "link /old to /new with linkat" BY);
	expect("evt.type = rename and fs.path.source = /old and fs.path.target = /new", "rename /old to /new" BY);
	expect("evt.type = symlink and evt.arg.target = /dev/null and evt.arg.linkpath endswith _history",
	       "symlink /opt/tercel/_history to /dev/null" BY);
	expect("evt.type = chmod and fs.path.name = /a and evt.arg.mode contains S_ISUID and evt.arg.mode contains "
	       "S_IROTH",
	       "chmod /a to 4004" BY);
	expect("evt.type in (mkdir, mkdirat) and fs.path.name startswith /a/", "mkdir /a/tercel-file" BY);
	expect("evt.type in (mknod, mknodat) and evt.arg.mode contains S_IFBLK and evt.arg.mode contains S_IFCHR", "");
	expect("evt.type = rename and evt.arg.oldpath = /a and evt.arg.oldpath = /b", "");
}

static void acts_are_done_by_the_calls_that_are_named(void **unused)
{
	(void)unused;
	expect("evt.type = creat and fd.name = /a", "open /a, made with creat" BY);
	expect("evt.type = openat2 and fd.name = /a", "open /a with openat2" BY);
	expect("evt.type = execveat and proc.name = x", "exec /opt/tercel/x with execveat on the host\n");
	expect("evt.type in (open, openat2, openat) and evt.type in (openat2, open_by_handle_at) and fd.name = /a",
	       "open /a with openat2" BY);
	expect("evt.type = unlink and evt.type = unlinkat", "");
	expect("evt.type = bind and fd.sip = 10.0.0.1 and fd.sport = 22", "bind tcp 10.0.0.1 port 22" BY);
	expect("evt.type = listen and fd.sport = 22 and fd.l4proto = tcp", "listen tcp 198.51.100.7 port 22" BY);
	expect("evt.type in (sendto, sendmsg) and fd.sport = 53",
	       "nothing here can bring about: a message that is sent: there is no such act here\n");
	expect("evt.type = execve and proc.name = sh and proc.tty != 0",
	       "exec /opt/tercel/sh on the host at a terminal\n");
}

static void what_contradicts_itself_is_no_act(void **unused)
{
	(void)unused;
	expect("evt.type = execve and proc.name = a and proc.name = b", "");
	expect("evt.type = execve and container.id = host and container.id != host", "");
	expect("(evt.type = execve or evt.type = open) and evt.type = connect", "");
	expect("evt.type = execve and proc.name = a and proc.exepath = /bin/b",
	       "the program's name and its path differ, or it has no absolute path\n");
}

static void what_nobody_can_bring_about_is_named_and_comes_last(void **unused)
{
	(void)unused;
	expect("evt.type = execve and proc.tty = 4", "nothing here can bring about: proc.tty = 4\n");
	expect("evt.type = open and proc.env contains LD_",
	       "nothing here can bring about: proc.env of who does something else than start a program\n");
	expect("evt.type = setns and fd.name = /a", "nothing here can bring about: evt.type = setns\n");
	expect("evt.type = unlink and evt.abspath = /a", "nothing here can bring about: evt.abspath = /a\n");
	expect("evt.type = execve and (proc.name regex 'a+' or proc.name = b)",
	       "exec /opt/tercel/b on the host\nnothing here can bring about: proc.name regex a+\n");
	expect("evt.type = execve and tolower(proc.name) = b",
	       "nothing here can bring about: tolower(proc.name) = b\n");
}

static void there_are_never_too_many(void **unused)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *f = NULL;
	_autofree_ struct needs *needs = malloc(sizeof(*needs));
	_autobuf_ struct buf text = BUF_INIT;

	(void)unused;
	buf_adds(&text, "evt.type = execve");
	for (int i = 0; i < 12; i++)
		buf_addf(&text, " and (proc.args contains a%d or proc.args contains b%d)", i, i);
	for (int i = 0; i < 200; i++)
		buf_addf(&text, " and (not (proc.name = x");
	for (int i = 0; i < 200; i++)
		buf_adds(&text, "))");
	assert_non_null(needs);
	assert_int_equal(filter_parse(&f, &(struct filter_text){.bytes = buf_str(&text), .len = text.len}, &diags), 0);
	assert_int_equal(needs_of(needs, filter_root(f)), 0);
	assert_true(needs->count <= NEEDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts_of_every_kind_are_made_to_fit),
	        cmocka_unit_test(what_is_asked_of_one_text_is_put_together),
	        cmocka_unit_test(each_branch_has_its_act),
	        cmocka_unit_test(where_the_program_is_from_is_part_of_it),
	        cmocka_unit_test(acts_on_names_have_their_paths),
	        cmocka_unit_test(acts_are_done_by_the_calls_that_are_named),
	        cmocka_unit_test(what_contradicts_itself_is_no_act),
	        cmocka_unit_test(what_nobody_can_bring_about_is_named_and_comes_last),
	        cmocka_unit_test(there_are_never_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
