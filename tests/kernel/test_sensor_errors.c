// SPDX-License-Identifier: Apache-2.0
/* A sensor that cannot run says in one line why and what to do, prints nothing, and leaves nothing behind. */
#include "watch.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "bpf/match.h"
#include "policy/placement.h"

static void expect_error(const struct sensor_config *config, const struct load_options *options, int code,
                         const char *text)
{
	struct sensor *const untouched = (struct sensor *)(void *)&untouched;
	struct sensor *s = untouched;
	struct error err = {{0}};

	assert_int_equal(sensor_open_with(&s, config, options, &err), code);
	assert_ptr_equal(s, untouched);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
	assert_null(strchr(err.text, '\n'));
}

static void a_kernel_without_type_information_is_named(void **state)
{
	(void)state;
	expect_error(&(struct sensor_config){.records = 1}, &(struct load_options){.btf_path = "/nonexistent/btf"},
	             -EOPNOTSUPP, "CONFIG_DEBUG_INFO_BTF");
}

static void lockdown_is_named(void **state)
{
	char path[] = "/tmp/tercel-lockdown-XXXXXX";
	const int fd = mkstemp(path);
	const char text[] = "none integrity [confidentiality]\n";

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	(void)close(fd);
	expect_error(&(struct sensor_config){.records = 1}, &(struct load_options){.lockdown_path = path}, -EOPNOTSUPP,
	             "lockdown=confidentiality");
	(void)unlink(path);
}

static void impossible_configurations_are_refused(void **state)
{
	const struct load_options none = {0};

	(void)state;
	expect_error(&(struct sensor_config){.records = 1U << 31}, &none, -EINVAL, "record types");
	expect_error(&(struct sensor_config){.points = 1U << 31}, &none, -EINVAL, "decision points");
	for (unsigned int p = 0; p < TERCEL_POINTS; p++)
		if (!(sensor_points() >> p & 1))
			expect_error(&(struct sensor_config){.points = 1U << p}, &none, -EOPNOTSUPP,
			             "no kernel program");
	expect_error(&(struct sensor_config){.records = 1, .ring_mb = 1U << 20}, &none, -EINVAL, "ring buffer");
	expect_error(&(struct sensor_config){.records = 1, .points = 1, .cgroup = "/no/such/cgroup"}, &none, -EINVAL,
	             "/no/such/cgroup");
	expect_error(&(struct sensor_config){.records = 1, .points = 1, .cgroup = "/tmp"}, &none, -EINVAL,
	             "cgroup v2 hierarchy");
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[2] = {{0}};

	if (syscall(SYS_capset, &header, none))
		_exit(99);
}

/* What the child's standard output and error get must be nothing: all is in the error. */
static void missing_privileges_are_named_and_nothing_is_printed(void **state)
{
	int out[2], text[2], status;
	char found[600] = "", printed[16];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(text), 0);
	pid = fork();
	if (pid == 0) {
		struct sensor *s = NULL;
		struct error err = {{0}};
		int code;

		(void)dup2(out[1], 1);
		(void)dup2(out[1], 2);
		drop_capabilities();
		code = sensor_open(&s, &(struct sensor_config){.records = 1}, &err);
		(void)!write(text[1], err.text, strlen(err.text));
		_exit(-code);
	}
	(void)close(out[1]);
	(void)close(text[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), EPERM);
	assert_true(read(text[0], found, sizeof(found) - 1) > 0);
	assert_non_null(strstr(found, "CAP_BPF"));
	assert_non_null(strstr(found, "run as root"));
	assert_int_equal(read(out[0], printed, sizeof(printed)), 0);
	(void)close(out[0]);
	(void)close(text[0]);
}

static size_t count_open_files(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void a_failed_or_closed_sensor_leaves_no_descriptor(void **state)
{
	const size_t before = count_open_files();
	struct watch w;

	(void)state;
	watch_open(&w);
	assert_true(count_open_files() > before);
	watch_close(&w);
	assert_int_equal(count_open_files(), before);
	/* Fails late: after loading. */
	expect_error(&(struct sensor_config){.records = 1, .points = 1, .cgroup = "/tmp"}, &(struct load_options){0},
	             -EINVAL, "/tmp");
	assert_int_equal(count_open_files(), before);
}

static void what_is_no_policy_or_does_not_fit_is_refused(void **state)
{
	struct error err = {{0}};
	struct watch w;
	struct match_header *huge = calloc(1, 64U << 20);

	(void)state;
	assert_non_null(huge);
	watch_open(&w);
	assert_int_equal(sensor_set_policy(w.sensor, huge, 4096, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no policy image"));
	huge->magic = TERCEL_IMAGE_MAGIC;
	huge->version = TERCEL_IMAGE_VERSION;
	assert_int_equal(sensor_set_policy(w.sensor, huge, 64U << 20, &err), -E2BIG);
	assert_non_null(strstr(err.text, "larger"));
	/* None is in force: removing it is no error. */
	assert_int_equal(sensor_set_policy(w.sensor, NULL, 0, &err), 0);
	watch_close(&w);
	free(huge);
}

static void every_decision_point_loads(void **state)
{
	char root[256];
	struct watch w;

	(void)state;
	find_cgroup2(root, sizeof(root));
	watch_open_with(
	        &w,
	        &(struct sensor_config){.records = ALL_RECORDS, .points = sensor_points() & placement_without_lsm()},
	        &(struct load_options){0});
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_kernel_without_type_information_is_named),
	        cmocka_unit_test(lockdown_is_named),
	        cmocka_unit_test(impossible_configurations_are_refused),
	        cmocka_unit_test(missing_privileges_are_named_and_nothing_is_printed),
	        cmocka_unit_test(a_failed_or_closed_sensor_leaves_no_descriptor),
	        cmocka_unit_test(what_is_no_policy_or_does_not_fit_is_refused),
	        cmocka_unit_test(every_decision_point_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
