// SPDX-License-Identifier: Apache-2.0
/* The classifier of cgroup paths (bpf/cgroup_path.h), on the layouts that real runtimes were seen to make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/cgroup_path.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID_DASHES "0b7e8a52-6a4c-4a0e-9f3e-3f8a9c1d2e4f"
#define UID_UNDERSCORES "0b7e8a52_6a4c_4a0e_9f3e_3f8a9c1d2e4f"

static void expect(const char *path, const char *id)
{
	char found[TERCEL_CONTAINER_ID_LEN] = "not written";
	const enum tercel_cgroup_state state = cgroup_path_classify(path, strlen(path), found);

	assert_string_equal(found, id);
	assert_int_equal(state, id[0] ? TERCEL_CGROUP_CONTAINER : TERCEL_CGROUP_HOST);
}

static void containers_of_every_runtime_are_found(void **state)
{
	(void)state;
	expect("/docker/" ID, ID);
	expect("/system.slice/docker-" ID ".scope", ID);
	expect("/default/" ID, ID);
	expect("/kubepods/burstable/pod" UID_DASHES "/" ID, ID);
	expect("/kubepods/besteffort/pod0123456789abcdef0123456789abcdef/" ID, ID);
	expect("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_UNDERSCORES
	       ".slice/cri-containerd-" ID ".scope",
	       ID);
	expect("/kubepods.slice/kubepods-pod" UID_UNDERSCORES ".slice/crio-" ID ".scope", ID);
	expect("/machine.slice/libpod-" ID ".scope", ID);
	expect("/libpod_parent/libpod-" ID, ID);
	expect("/libpod_parent/" ID2 "/libpod-" ID, ID);
	expect("/system.slice:docker:" ID, ID);
}

static void what_lies_below_a_container_belongs_to_it(void **state)
{
	(void)state;
	expect("/machine.slice/libpod-" ID ".scope/container", ID);
	expect("/docker/" ID "/system.slice/cron.service", ID);
	expect("/docker/" ID "/docker/" ID2, ID2);
}

static void any_prefix_may_come_before(void **state)
{
	(void)state;
	expect("/any/prefix/kubepods/burstable/pod" UID_DASHES "/" ID, ID);
	expect("/../../docker/" ID, ID);
	expect("docker/" ID "/", ID);
}

static void pods_monitors_and_the_host_are_no_containers(void **state)
{
	(void)state;
	expect("/", "");
	expect("", "");
	expect("/user.slice/user-1000.slice/session-3.scope", "");
	expect("/kubepods/burstable/pod" UID_DASHES, "");
	expect("/kubepods.slice/kubepods-burstable-pod" UID_UNDERSCORES ".slice", "");
	expect("/libpod_parent/" ID2, "");
	expect("/machine.slice/libpod-conmon-" ID ".scope", "");
	expect("/kubepods.slice/crio-conmon-" ID ".scope", "");
}

static void near_misses_are_no_ids(void **state)
{
	(void)state;
	expect("/docker/" ID "0", "");
	expect("/docker/x" ID, "");
	expect("/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "");
	expect("/docker/g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "");
	expect("/docker/" ID ".slice", "");
	expect("/docker/123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "");
	expect("/" ID ".scope.scope", "");
}

static void names_longer_than_a_file_name_are_skipped(void **state)
{
	char path[1024] = "/";

	(void)state;
	memset(path + 1, 'a', 300);
	expect(path, "");
	memcpy(path + strlen(path), "/" ID, sizeof("/" ID));
	expect(path, ID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(containers_of_every_runtime_are_found),
	        cmocka_unit_test(what_lies_below_a_container_belongs_to_it),
	        cmocka_unit_test(any_prefix_may_come_before),
	        cmocka_unit_test(pods_monitors_and_the_host_are_no_containers),
	        cmocka_unit_test(near_misses_are_no_ids),
	        cmocka_unit_test(names_longer_than_a_file_name_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
