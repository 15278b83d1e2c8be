// SPDX-License-Identifier: Apache-2.0
/* The parser of /proc/PID's files (engine/sensor/proc_text.h), on texts as kernels were seen to write them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sensor/proc_text.h"

#define STAT_REST                                                                                                    \
	" S 7 22 13 34817 -1 4194560 47539 35634640 3 10868 324 887 103450 23558 10 -10 13 0 4864662 45268992 3656 " \
	"18446744073709551615 1 1 0 0 0 0 0 4096 1256 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

static void a_process_is_read_from_stat(void **state)
{
	struct proc_stat s;

	(void)state;
	assert_int_equal(proc_parse_stat(&s, "42 (some_server)" STAT_REST), 0);
	assert_string_equal(s.comm, "some_server");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.ppid, 7);
	assert_int_equal(s.pgid, 22);
	assert_int_equal(s.sid, 13);
	assert_int_equal(s.tty, 136 << 20 | 1);
	assert_int_equal(s.flags, 4194560);
	assert_int_equal(s.min_flt, 47539);
	assert_int_equal(s.maj_flt, 3);
	assert_int_equal(s.start_ticks, 4864662);
}

static void a_large_minor_is_put_together(void **state)
{
	struct proc_stat s;

	(void)state;
	assert_int_equal(proc_parse_stat(&s, "1 (x) R 0 0 0 269519616 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0"), 0);
	/* 0x10108b00 as the kernel encodes 139, 0x10100. */
	assert_int_equal(s.tty, 139 << 20 | 0x10100);
}

static void a_name_may_hold_anything(void **state)
{
	struct proc_stat s;

	(void)state;
	assert_int_equal(proc_parse_stat(&s, "42 (a b) S 1 (c))" STAT_REST), 0);
	assert_string_equal(s.comm, "a b) S 1 (c)");
	assert_int_equal(s.ppid, 7);
	assert_int_equal(proc_parse_stat(&s, "42 (two\nlines)" STAT_REST), 0);
	assert_string_equal(s.comm, "two\nlines");
	assert_int_equal(proc_parse_stat(&s, "42 ()" STAT_REST), 0);
	assert_string_equal(s.comm, "");
	assert_int_equal(proc_parse_stat(&s, "42 (kworker/0:1-events_power_efficient)" STAT_REST), 0);
	assert_string_equal(s.comm, "kworker/0:1-eve");
}

static void a_cut_stat_is_refused(void **state)
{
	struct proc_stat s;

	(void)state;
	assert_int_equal(proc_parse_stat(&s, ""), -EINVAL);
	assert_int_equal(proc_parse_stat(&s, "42 (sh"), -EINVAL);
	assert_int_equal(proc_parse_stat(&s, "42 (sh)"), -EINVAL);
	assert_int_equal(proc_parse_stat(&s, "42 (sh) "), -EINVAL);
	assert_int_equal(proc_parse_stat(&s, "42 (sh) S 7 22 13"), -EINVAL);
	assert_int_equal(proc_parse_stat(&s, ")42("), -EINVAL);
}

static const char in_a_container[] =
        "Name:\tUid:\\nGid:\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4242\nPPid:\t4200\n"
        "Uid:\t1000\t1001\t1002\t1003\nGid:\t100\t101\t102\t4294967294\n"
        "FDSize:\t64\nGroups:\t4 27 1000 \nNStgid:\t4242\t17\t3\nNSpid:\t4250\t18\t4\n"
        "NSpgid:\t4242\t17\t0\nNSsid:\t4200\t1\t0\nVmSize:\t   44208 kB\n"
        "VmRSS:\t   14816 kB\nVmSwap:\t      12 kB\nCapInh:\t0000000000000000\n"
        "CapPrm:\t000001ffffffffff\nCapEff:\t00000000a80425fb\n";

static void credentials_and_ids_are_read_from_status(void **state)
{
	struct proc_status s;

	(void)state;
	assert_int_equal(proc_parse_status(&s, in_a_container), 0);
	assert_int_equal(s.creds.uid, 1000);
	assert_int_equal(s.creds.euid, 1001);
	assert_int_equal(s.creds.suid, 1002);
	assert_int_equal(s.creds.fsuid, 1003);
	assert_int_equal(s.creds.gid, 100);
	assert_int_equal(s.creds.fsgid, 4294967294);
	assert_int_equal(s.creds.cap_inheritable, 0);
	assert_int_equal(s.creds.cap_permitted, 0x1ffffffffff);
	assert_int_equal(s.creds.cap_effective, 0xa80425fb);
	assert_true(s.nested);
	assert_int_equal(s.vtgid, 3);
	assert_int_equal(s.vtid, 4);
	assert_int_equal(s.vpgid, 0);
	assert_int_equal(s.vsid, 0);
	assert_int_equal(s.vm_size, 44208);
	assert_int_equal(s.vm_rss, 14816);
	assert_int_equal(s.vm_swap, 12);
	assert_true(proc_has_group(in_a_container, 27));
	assert_false(proc_has_group(in_a_container, 2));
}

static void a_kernel_thread_has_no_memory_and_no_groups(void **state)
{
	static const char text[] =
	        "Name:\tkthreadd\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t \nNStgid:\t2\nNSpid:\t2\n"
	        "NSpgid:\t0\nNSsid:\t0\nCapInh:\t0\nCapPrm:\t1\nCapEff:\t1\n";
	struct proc_status s;

	(void)state;
	assert_int_equal(proc_parse_status(&s, text), 0);
	assert_false(s.nested);
	assert_int_equal(s.vtgid, 2);
	assert_int_equal(s.vm_size, 0);
	assert_false(proc_has_group(text, 0));
}

static void a_status_without_credentials_is_refused(void **state)
{
	struct proc_status s;

	(void)state;
	assert_int_equal(proc_parse_status(&s, ""), -EINVAL);
	assert_int_equal(proc_parse_status(&s, "Name:\tsh\nUid:\t0\t0\t0\n"), -EINVAL);
	assert_int_equal(proc_parse_status(&s, in_a_container + 200), -EINVAL);
}

static void the_v2_path_is_found_among_v1_hierarchies(void **state)
{
	uint32_t len = 0;
	const char *path = proc_parse_cgroup("10:memory:/v1/path\n9:name=systemd:/\n0::/docker/0:a b\n", &len);

	(void)state;
	assert_non_null(path);
	assert_int_equal(len, 13);
	assert_memory_equal(path, "/docker/0:a b", 13);
	assert_null(proc_parse_cgroup("10:memory:/\n", &len));
	assert_null(proc_parse_cgroup("0:", &len));
	assert_null(proc_parse_cgroup("", &len));
}

static void the_soft_limit_of_descriptors_is_read(void **state)
{
	(void)state;
	assert_int_equal(
	        proc_parse_fdlimit("Limit                     Soft Limit           Hard Limit           Units\n"
	                           "Max open files            1024                 4096                 files\n"),
	        1024);
	assert_int_equal(
	        proc_parse_fdlimit("Max open files            unlimited            unlimited            files\n"),
	        UINT64_MAX);
	assert_int_equal(proc_parse_fdlimit("Max processes             5                    6\n"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_process_is_read_from_stat),
	        cmocka_unit_test(a_large_minor_is_put_together),
	        cmocka_unit_test(a_name_may_hold_anything),
	        cmocka_unit_test(a_cut_stat_is_refused),
	        cmocka_unit_test(credentials_and_ids_are_read_from_status),
	        cmocka_unit_test(a_kernel_thread_has_no_memory_and_no_groups),
	        cmocka_unit_test(a_status_without_credentials_is_refused),
	        cmocka_unit_test(the_v2_path_is_found_among_v1_hierarchies),
	        cmocka_unit_test(the_soft_limit_of_descriptors_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
