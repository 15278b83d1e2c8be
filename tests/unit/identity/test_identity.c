/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "identity/identity.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct identity *make(size_t max)
{
	struct identity *i = NULL;
	assert_int_equal(identity_new(&i, "node-1", max), 0);
	return i;
}

static void add(struct identity *i, uint64_t id, const char *path)
{
	assert_int_equal(identity_add(i, id, path, strlen(path)), 0);
}

static void paths_tell_containers_from_the_host(void **state)
{
	(void)state;
	_autoidentity_ struct identity *i = make(0);
	add(i, 1, "/");
	add(i, 2, "/system.slice/ssh.service");
	add(i, 3, "/docker/" ID);
	add(i, 4, "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope/container");
	assert_int_equal(identity_find(i, 1)->state, TERCEL_CGROUP_HOST);
	assert_string_equal(identity_find(i, 1)->path, "/");
	assert_string_equal(identity_find(i, 2)->container_id, "");
	assert_int_equal(identity_find(i, 3)->state, TERCEL_CGROUP_CONTAINER);
	assert_string_equal(identity_find(i, 3)->container_id, ID);
	assert_string_equal(identity_find(i, 4)->container_id, ID);
	assert_null(identity_find(i, 5));
	add(i, 2, "/docker/" ID); /* an inode number comes back as another cgroup */
	assert_int_equal(identity_find(i, 2)->state, TERCEL_CGROUP_CONTAINER);
}

static void records_are_taken_in_and_checked(void **state)
{
	(void)state;
	static const char path[] = "/docker/" ID;
	struct {
		struct tercel_cgroup c;
		char path[sizeof(path)];
	} r = {.c = {.hdr = {.type = TERCEL_CGROUP, .size = sizeof(r)},
	             .cgroup_id = 7,
	             .path = {offsetof(typeof(r), path), sizeof(path) - 1}}};
	_autoidentity_ struct identity *i = make(0);
	memcpy(r.path, path, sizeof(path));
	assert_int_equal(identity_apply(i, &r.c.hdr), 0);
	assert_string_equal(identity_find(i, 7)->container_id, ID);
	/* Of a cut path nobody knows which container it was in. */
	r.c.hdr.flags = TERCEL_F_TRUNC_PATH;
	assert_int_equal(identity_apply(i, &r.c.hdr), 0);
	assert_int_equal(identity_find(i, 7)->state, TERCEL_CGROUP_UNKNOWN);
	assert_string_equal(identity_find(i, 7)->container_id, "");
	r.c.path.len = sizeof(r);
	assert_int_equal(identity_apply(i, &r.c.hdr), -EBADMSG);
	r.c.path.off = UINT32_MAX;
	assert_int_equal(identity_apply(i, &r.c.hdr), -EBADMSG);
	r.c.hdr.size = sizeof(struct tercel_hdr);
	assert_int_equal(identity_apply(i, &r.c.hdr), -EBADMSG);
	r.c.hdr.type = TERCEL_EXEC;
	assert_int_equal(identity_apply(i, &r.c.hdr), 0);
}

static void memory_is_bounded_and_forgetting_is_counted(void **state)
{
	(void)state;
	_autoidentity_ struct identity *i = make(10);
	for (uint64_t id = 1; id <= 100; id++)
		add(i, id, "/x");
	assert_int_equal(identity_forgotten(i), 90);
	assert_null(identity_find(i, 90));
	for (uint64_t id = 91; id <= 100; id++)
		assert_non_null(identity_find(i, id));
	add(i, 95, "/y"); /* known: nobody has to go */
	assert_int_equal(identity_forgotten(i), 90);
	assert_string_equal(identity_find(i, 95)->path, "/y");
}

static void a_walk_finds_every_directory_by_its_inode(void **state)
{
	(void)state;
	char root[] = "/tmp/tercel-identity-XXXXXX";
	char a[64], b[160];
	struct stat st;
	assert_non_null(mkdtemp(root));
	(void)snprintf(a, sizeof(a), "%s/docker", root);
	(void)snprintf(b, sizeof(b), "%s/" ID, a);
	assert_int_equal(mkdir(a, 0700) | mkdir(b, 0700), 0);
	_autoidentity_ struct identity *i = make(0);
	struct error err = {0};
	int result = identity_scan(i, root, &err);
	int found = stat(b, &st);
	(void)(rmdir(b) | rmdir(a) | rmdir(root));
	assert_int_equal(result | found, 0);
	assert_string_equal(identity_find(i, st.st_ino)->path, "/docker/" ID);
	assert_string_equal(identity_find(i, st.st_ino)->container_id, ID);

	assert_int_equal(identity_scan(i, root, &err), -ENOENT);
	assert_non_null(strstr(err.text, root));
}

static void the_node_has_a_name(void **state)
{
	(void)state;
	char host[256];
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	struct identity *i = NULL;
	(void)unsetenv("NODE_NAME");
	assert_int_equal(identity_new(&i, NULL, 0), 0);
	assert_string_equal(identity_node(i), host);
	identity_free(i);
	(void)setenv("NODE_NAME", "from-kubernetes", 1);
	assert_int_equal(identity_new(&i, NULL, 0), 0);
	assert_string_equal(identity_node(i), "from-kubernetes");
	identity_free(i);
	i = make(0);
	assert_string_equal(identity_node(i), "node-1");
	identity_free(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(paths_tell_containers_from_the_host),
	        cmocka_unit_test(records_are_taken_in_and_checked),
	        cmocka_unit_test(memory_is_bounded_and_forgetting_is_counted),
	        cmocka_unit_test(a_walk_finds_every_directory_by_its_inode),
	        cmocka_unit_test(the_node_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
