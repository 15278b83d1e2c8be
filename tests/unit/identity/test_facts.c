/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of containers and users, and what is not: nobody guesses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "identity/docker.h"
#include "identity/facts.h"
#include "identity/users.h"

#define ID "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static char dir[] = "/tmp/tercel-facts-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	_autobuf_ struct buf command = BUF_INIT;

	(void)state;
	buf_addf(&command, "rm -r %s", dir);
	return system(buf_str(&command));
}

static void write_file(const char *name, const char *text)
{
	_autobuf_ struct buf path = BUF_INIT;
	FILE *f;

	buf_addf(&path, "mkdir -p $(dirname %s/%s)", dir, name);
	assert_int_equal(system(buf_str(&path)), 0);
	buf_reset(&path);
	buf_addf(&path, "%s/%s", dir, name);
	f = fopen(buf_str(&path), "we");
	if (!f || fputs(text, f) < 0 || fclose(f))
		fail_msg("%s: %s", name, strerror(errno));
}

static const char *in_dir(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* The answer to one condition: 0, 1, or the error. */
static int ask(const struct container_info *c, const char *condition)
{
	struct tercel_container_facts answers = {.bits = {0xff}};
	_autofacts_ struct facts *f = NULL;
	struct error err = {""};
	int r = facts_new(&f, &condition, 1, &err);

	if (r)
		fail_msg("%s: %s", condition, err.text);
	r = facts_answer(f, c, &answers);
	if (r)
		assert_int_equal(answers.bits[0], 0xff);
	return r ? r : facts_are_whole(&answers) ? (int)answers.bits[0] : -ENODATA;
}

/* ---- containers ---- */

static void the_host_is_a_container_without_texts(void **state)
{
	_autocontainer_ struct container_info host = {0};

	(void)state;
	assert_int_equal(container_info_host(&host), 0);
	assert_int_equal(ask(&host, "container.name = host and container.full_id = host and container.type = host"), 1);
	assert_int_equal(ask(&host, "container.image.repository exists and container.image.repository = \"\""), 1);
	assert_int_equal(ask(&host, "container.image.repository != nginx"), 1);
	assert_int_equal(ask(&host, "container.privileged = false and container.host_pid = false"), 1);
	assert_int_equal(ask(&host, "container.mounts = \"\""), 1);
	assert_int_equal(ask(&host, "container.mount[0] exists or container.mount.dest[/etc*] exists"), 0);
	assert_int_equal(ask(&host, "container.label[a] exists or k8s.pod.name exists or k8s.pod.label[a] exists"), 0);
	assert_int_equal(ask(&host, "k8s.ns.name != kube-system"), 0);
	assert_int_equal(ask(&host, "k8s.pod.labels exists and k8s.pod.sandbox_id = \"\""), 1);
	assert_int_equal(ask(&host, "container.healthcheck exists or k8s.rs.name exists"), 0);
	/* It is of the process's pid namespace. */
	assert_int_equal(ask(&host, "container.start_ts > 0"), -ENODATA);
}

static void one_open_question_leaves_the_others_answered(void **state)
{
	static const char *const conditions[] = {"container.type = host", "container.start_ts > 0",
	                                         "container.name = host",
	                                         "container.start_ts > 0 or container.name = host"};
	struct tercel_container_facts answers = {.bits = {0}};
	_autocontainer_ struct container_info host = {0};
	_autofacts_ struct facts *f = NULL;
	struct error err = {""};

	(void)state;
	assert_int_equal(container_info_host(&host), 0);
	assert_int_equal(facts_new(&f, conditions, 4, &err), 0);
	assert_int_equal(facts_answer(f, &host, &answers), 0);
	assert_false(facts_are_whole(&answers));
	assert_int_equal(answers.unknown[0], 1U << 1 | 1U << 3);
	assert_int_equal(answers.bits[0], 1U << 0 | 1U << 2);
}

static void of_a_container_without_metadata_nothing_is_known(void **state)
{
	static const char *const conditions[] = {
	        "container.name = x",           "container.full_id exists",   "not container.privileged = true",
	        "container.image startswith a", "container.label[a] exists",  "container.labels contains a",
	        "k8s.ns.name in (a, b)",        "container.mount[0] exists",  "container.mounts contains /",
	        "k8s.pod.label[a] = b",         "k8s.pod.sandbox_id != \"\"", "container.ip = 1.2.3.4",
	};
	const struct container_info nothing = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		assert_int_equal(ask(&nothing, conditions[i]), -ENODATA);
	/* Falco has no value of it whatever the container. */
	assert_int_equal(ask(&nothing, "k8s.deployment.name exists"), 0);
}

static void each_condition_has_its_bit(void **state)
{
	const char *conditions[130];
	char texts[130][64];
	_autocontainer_ struct container_info host = {0};
	struct tercel_container_facts answers;
	_autofacts_ struct facts *f = NULL;
	struct error err = {""};

	(void)state;
	assert_int_equal(container_info_host(&host), 0);
	for (size_t i = 0; i < 130; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "container.name %s host%zu", i % 3 ? "=" : "!=", i);
		conditions[i] = texts[i];
	}
	assert_int_equal(facts_new(&f, conditions, 130, &err), 0);
	assert_int_equal(facts_answer(f, &host, &answers), 0);
	for (size_t i = 0; i < (size_t)TERCEL_CONTAINER_WORDS * 64; i++)
		assert_int_equal(answers.bits[i / 64] >> i % 64 & 1, i < 130 && i % 3 == 0);
}

static void what_is_no_condition_or_too_much_is_refused(void **state)
{
	struct facts *const untouched = (struct facts *)(void *)dir;
	static const char *many[TERCEL_CONTAINER_WORDS * 64 + 1];
	struct facts *f = untouched;
	struct error err = {""};

	(void)state;
	assert_int_equal(facts_new(&f, (const char *const[]){"container.name ="}, 1, &err), -EINVAL);
	assert_non_null(strstr(err.text, "container.name ="));
	assert_int_equal(facts_new(&f, many, sizeof(many) / sizeof(*many), &err), -EINVAL);
	assert_ptr_equal(f, untouched);
}

/* ---- Docker ---- */

#define CONFIG(mounts)                                                                            \
	"{\"ID\":\"" ID "\",\"Name\":\"/web\",\"Driver\":\"overlay2\",\"Image\":\"sha256:aaaa\"," \
	"\"MountPoints\":" mounts ",\"Config\":{\"Image\":\"front:1.2\",\"Labels\":{\"b\":\"2\"," \
	"\"a\":\"\",\"io.kubernetes.pod.name\":\"p\",\"long\":\"" ID ID "\"}}}"
#define HOST_CONFIG "{\"Privileged\":true,\"PidMode\":\"host\",\"NetworkMode\":\"default\"}"

static void a_container_of_docker_has_its_values(void **state)
{
	_autocontainer_ struct container_info c = {0};

	(void)state;
	assert_int_equal(docker_read(&c, dir, ID), -ENOENT);
	write_file("containers/" ID "/config.v2.json", CONFIG("{}"));
	assert_int_equal(docker_read(&c, dir, ID), -ENOENT); /* not whole yet */
	write_file("containers/" ID "/hostconfig.json", HOST_CONFIG);
	assert_int_equal(docker_read(&c, dir, ID), 0);
	assert_int_equal(ask(&c, "container.type = docker and container.name = web and container.full_id = " ID), 1);
	assert_int_equal(ask(&c, "container.image = front:1.2 and container.image.id = aaaa"), 1);
	assert_int_equal(ask(&c, "container.privileged = true and container.host_pid = true"), 1);
	assert_int_equal(ask(&c, "container.host_network = true"), 0);
	assert_int_equal(ask(&c, "container.host_ipc = true"), -ENODATA);
	assert_int_equal(ask(&c, "container.label[b] = 2 and container.label[a] = \"\""), 1);
	assert_int_equal(ask(&c, "container.label[c] exists"), 0);
	/* Falco may have left it out. */
	assert_int_equal(ask(&c, "container.label[long] exists"), -ENODATA);
	assert_int_equal(ask(&c, "container.labels contains b:2"), -ENODATA);
	assert_int_equal(ask(&c, "k8s.pod.name = p"), 1);
	assert_int_equal(ask(&c, "container.mounts = \"\""), 1);
	assert_int_equal(ask(&c, "container.ip exists"), -ENODATA);
	/* Without the store of images' names they are unknown. */
	assert_int_equal(ask(&c, "container.image.repository = front"), -ENODATA);
	container_info_clear(&c);
	write_file("containers/" ID "/config.v2.json", CONFIG("{\"/etc\":{\"Destination\":\"/etc\"}}"));
	assert_int_equal(docker_read(&c, dir, ID), 0);
	assert_int_equal(ask(&c, "container.mount[0] exists"), -ENODATA);
}

static void an_image_has_the_names_that_docker_lists_first(void **state)
{
	static const struct {
		const char *names, *condition;
	} rows[] = {
	        {"\"front\":{\"front:1.2\":\"sha256:aaaa\",\"front:1.1\":\"sha256:bbbb\"}",
	         "container.image.repository = front and container.image.tag = 1.2 and container.image.digest = \"\""},
	        {"\"b/x\":{\"b/x:2\":\"sha256:aaaa\"},\"a/x\":{\"a/x:1\":\"sha256:aaaa\"}",
	         "container.image.repository = a/x and container.image.tag = 1"},
	        {"\"a/x\":{\"a/x:1\":\"sha256:aaaa\"},\"b/x\":{\"b/x:2\":\"sha256:aaaa\","
	         "\"b/x@sha256:dddd\":\"sha256:aaaa\"}",
	         "container.image.repository = b/x and container.image.tag = 2 and "
	         "container.image.digest = \"sha256:dddd\""},
	        /* A registry with a port is too many colons for Falco. */
	        {"\"h:5000/x\":{\"h:5000/x:1\":\"sha256:aaaa\"}",
	         "container.image.repository = \"\" and container.image.tag = \"\""},
	        {"", "container.image.repository = \"\""},
	};

	(void)state;
	write_file("containers/" ID "/config.v2.json", CONFIG("{}"));
	write_file("containers/" ID "/hostconfig.json", HOST_CONFIG);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autocontainer_ struct container_info c = {0};
		_autobuf_ struct buf text = BUF_INIT;

		buf_addf(&text, "{\"Repositories\":{%s}}", rows[i].names);
		write_file("image/overlay2/repositories.json", buf_str(&text));
		assert_int_equal(docker_read(&c, dir, ID), 0);
		if (ask(&c, rows[i].condition) != 1)
			fail_msg("%s", rows[i].condition);
	}
	assert_int_equal(unlink(in_dir("image/overlay2/repositories.json")), 0);
}

static void a_file_that_is_being_written_or_no_container_is_refused(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{}", "{\"Name\":\"/web\"}", "{\"Config\":{}}"};
	_autocontainer_ struct container_info c = {0};

	(void)state;
	write_file("containers/" ID "/hostconfig.json", HOST_CONFIG);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_file("containers/" ID "/config.v2.json", texts[i]);
		assert_int_equal(docker_read(&c, dir, ID), -EBADMSG);
		assert_null(c.name);
	}
	assert_int_equal(docker_read(&c, dir, "../../etc"), -ENOENT);
	assert_int_equal(docker_read(&c, dir, ""), -ENOENT);
}

/* ---- users ---- */

static const struct tercel_user *user(const struct identity_users *u, uint32_t uid)
{
	for (size_t i = 0; i < u->count; i++) {
		assert_true(!i || u->users[i - 1].uid < u->users[i].uid);
		if (u->users[i].uid == uid)
			return &u->users[i].user;
	}
	return NULL;
}

static void assert_user(const struct identity_users *u, uint32_t uid, const char *name)
{
	const struct tercel_user *found = user(u, uid);

	if (!found) {
		assert_null(name);
		return;
	}
	assert_non_null(name);
	assert_int_equal(found->len, strlen(name));
	assert_memory_equal(found->name, name, strlen(name) <= TERCEL_USER_NAME_LEN ? strlen(name) : 0);
}

static void read_users(struct identity_users *u, const char *passwd, const char *nsswitch)
{
	char path[256];

	write_file("passwd", passwd);
	write_file("nsswitch", nsswitch);
	(void)snprintf(path, sizeof(path), "%s", in_dir("passwd"));
	identity_users_free(u);
	assert_int_equal(identity_users_read(u, path, in_dir("nsswitch")), 0);
}

#define PASSWD                                                        \
	"daemon:x:1:1::/:/bin/sh\nfirst:x:7:7::/:/bin/sh\n"           \
	"second:x:7:7::/:/bin/sh\nno line\nminus:x:-1:7::/:/bin/sh\n" \
	"a-name-that-is-longer-than-thirty-two:x:9:9::/:/bin/sh\n"

static void the_first_line_of_an_id_names_it(void **state)
{
	struct identity_users u = {0};

	(void)state;
	read_users(&u, PASSWD, "");
	assert_true(u.whole);
	assert_user(&u, 1, "daemon");
	assert_user(&u, 7, "first");
	assert_user(&u, 9, "a-name-that-is-longer-than-thirty-two");
	assert_user(&u, 8, NULL);
	assert_user(&u, 0, "root");
	assert_user(&u, UINT32_MAX, "<NA>");
	assert_int_equal(user(&u, UINT32_MAX)->whole, 1);
	read_users(&u, "toor:x:0:0::/:/bin/sh\n" PASSWD, "");
	assert_user(&u, 0, "toor");
	identity_users_free(&u);
}

static void other_sources_of_names_are_heeded(void **state)
{
	static const struct {
		const char *nsswitch;
		bool known, whole;
	} rows[] = {
	        {"group: files\n", true, true},           {"# passwd: sss\npasswd: files # sss\n", true, true},
	        {"passwd:\tfiles\n", true, true},         {" passwd : compat\n", true, true},
	        {"passwd: files systemd\n", true, false}, {"passwd: files [NOTFOUND=return] sss\n", true, false},
	        {"passwd: sss files\n", false, false},    {"passwd_compat: sss\n", true, true},
	};
	struct identity_users u = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		read_users(&u, PASSWD, rows[i].nsswitch);
		assert_user(&u, 7, rows[i].known ? "first" : NULL);
		assert_user(&u, 0, rows[i].whole ? "root" : NULL);
		assert_user(&u, UINT32_MAX, "<NA>");
		assert_int_equal(user(&u, UINT32_MAX)->whole, rows[i].whole);
	}
	read_users(&u, PASSWD "+::::::\n", "passwd: compat\n");
	assert_user(&u, 7, "first");
	assert_false(u.whole);
	identity_users_free(&u);
}

static void a_changed_database_is_noticed(void **state)
{
	struct identity_users u = {0};
	char path[256];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("passwd"));
	read_users(&u, PASSWD, "");
	assert_false(identity_users_changed(&u, path));
	write_file("passwd", PASSWD "third:x:11:7::/:/bin/sh\n");
	assert_true(identity_users_changed(&u, path));
	/* Gone for a moment: what is known stays. */
	assert_int_equal(unlink(path), 0);
	assert_false(identity_users_changed(&u, path));
	assert_int_equal(identity_users_read(&u, path, "/nonexistent"), -ENOENT);
	assert_user(&u, 7, "first");
	identity_users_free(&u);
}

static void a_name_that_changed_is_unknown_from_then_on(void **state)
{
	struct identity_users was = {0}, is = {0}, later = {0};

	(void)state;
	read_users(&was, "a:x:1:1::/:/bin/sh\nb:x:2:2::/:/bin/sh\nc:x:3:3::/:/bin/sh\n", "");
	read_users(&is, "a:x:1:1::/:/bin/sh\nbb:x:2:2::/:/bin/sh\nd:x:4:4::/:/bin/sh\n", "");
	assert_int_equal(identity_users_inherit(&is, &was), 0);
	assert_user(&is, 1, "a");
	assert_true(user(&is, 2)->len > TERCEL_USER_NAME_LEN);
	assert_true(user(&is, 3)->len > TERCEL_USER_NAME_LEN);
	assert_user(&is, 4, "d");
	assert_user(&is, 0, "root");
	assert_user(&is, UINT32_MAX, "<NA>");
	read_users(&later, "a:x:1:1::/:/bin/sh\nb:x:2:2::/:/bin/sh\nc:x:3:3::/:/bin/sh\n", "");
	assert_int_equal(identity_users_inherit(&later, &is), 0);
	assert_user(&later, 1, "a");
	assert_true(user(&later, 2)->len > TERCEL_USER_NAME_LEN);
	assert_true(user(&later, 3)->len > TERCEL_USER_NAME_LEN);
	identity_users_free(&was);
	identity_users_free(&is);
	identity_users_free(&later);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_host_is_a_container_without_texts),
	        cmocka_unit_test(one_open_question_leaves_the_others_answered),
	        cmocka_unit_test(of_a_container_without_metadata_nothing_is_known),
	        cmocka_unit_test(each_condition_has_its_bit),
	        cmocka_unit_test(what_is_no_condition_or_too_much_is_refused),
	        cmocka_unit_test(a_container_of_docker_has_its_values),
	        cmocka_unit_test(an_image_has_the_names_that_docker_lists_first),
	        cmocka_unit_test(a_file_that_is_being_written_or_no_container_is_refused),
	        cmocka_unit_test(the_first_line_of_an_id_names_it),
	        cmocka_unit_test(other_sources_of_names_are_heeded),
	        cmocka_unit_test(a_changed_database_is_noticed),
	        cmocka_unit_test(a_name_that_changed_is_unknown_from_then_on),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
