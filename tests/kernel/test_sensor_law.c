// SPDX-License-Identifier: Apache-2.0
/*
 * What is recorded of a process is what it is now, or nothing: enforced rules that would be true of something else
 * block nobody. Each test arranges for facts to be missing, stale or elsewhere, in a scratch cgroup.
 */
#include "watch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "policy/placement.h"
#include "policy/policy.h"
#include "rules/rules.h"

#define CONTAINER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
/* The discard service's: nobody listens. */
#define PORT 9

static char cgroup[1024], self[PATH_MAX];

/* ---- the scratch place ----------------------------------------------------------------------------------- */

static int make_place(void **state)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[4096], dir[512] = "", mount[512], type[64];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %511s %63s", mount, type) == 2 && !strcmp(type, "cgroup2"))
			memcpy(dir, mount, sizeof(dir));
	if (f)
		(void)fclose(f);
	if (n <= 0 || !dir[0])
		return -1;
	(void)snprintf(cgroup, sizeof(cgroup), "%s/tercel-law-%d", dir, getpid());
	return mkdir(cgroup, 0755);
}

static int remove_place(void **state)
{
	(void)state;
	return rmdir(cgroup);
}

static bool write_text(const char *path, const char *text)
{
	_autoclose_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static void enter(const char *dir)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	if (!write_text(path, "0"))
		_exit(99);
}

static void apply(struct sensor *sensor, const char *condition)
{
	static const char policy_text[] = "rules_files: [test.yaml]\nrules:\n  - name: '*'\n    mode: enforce\n";
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autopolicy_ struct policy *policy = NULL;
	_autoimage_ struct image *image = NULL;
	struct error err = {""};
	char text[4096];
	int code;

	(void)snprintf(text, sizeof(text), "- rule: r\n  desc: d\n  condition: %s\n  output: o\n  priority: WARNING\n",
	               condition);
	code = rules_load_buffer(&rules, "test.yaml", text, strlen(text), &diags);
	if (!code)
		code = policy_load_buffer(&policy, "policy.yaml", policy_text, strlen(policy_text), &diags);
	if (!code)
		code = policy_apply(&image, policy, rules, sensor_points() & placement_without_lsm(), 1, &diags);
	if (code)
		diag_print(&diags, stderr);
	assert_int_equal(code, 0);
	if (image && sensor_set_policy(sensor, image->data, image->size, &err))
		fail_msg("%s", err.text);
}

static void open_scoped(struct watch *w, uint32_t records)
{
	watch_open_with(w,
	                &(struct sensor_config){.records = records,
	                                        .points = sensor_points() & placement_without_lsm(),
	                                        .cgroup = cgroup},
	                &(struct load_options){0});
}

/* ---- acting ---------------------------------------------------------------------------------------------- */

/* 0, or the error: ECONNREFUSED if the call was let through, EPERM if it was refused. */
static int connect_out(void)
{
	const struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	_autoclose_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) ? errno : 0;
}

static int wait_status(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_exit(int status, int code)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

/* A child that waits for a byte before it goes on with `act`, and whose exit code is what that returns. */
struct child {
	pid_t pid;
	int to;
};

static struct child start(int (*act)(void))
{
	struct child c;
	int ends[2];
	char byte;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	c.to = ends[1];
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		alarm(20);
		enter(cgroup);
		(void)!read(ends[0], &byte, 1);
		_exit(act());
	}
	(void)close(ends[0]);
	return c;
}

static int finish(struct child *c)
{
	assert_int_equal(write(c->to, "x", 1), 1);
	(void)close(c->to);
	return wait_status(c->pid);
}

static int exec_shell_that_connects(void)
{
	execl("/bin/bash", "bash", "-c", "exec 2>/dev/null; exec 3<>/dev/tcp/127.0.0.1/9", NULL);
	return 98;
}

static int exec_true(void)
{
	execl("/bin/true", "true", NULL);
	return 98;
}

/* ---- records of earlier images --------------------------------------------------------------------------- */

/* Marks the scratch buffers as in use, or as free; `own`: also those that only execs use. */
static void set_busy(struct sensor *s, uint32_t busy, bool own)
{
	const int fd = sensor_map_fd(s, "scratches");
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	_autofree_ void *value = NULL;

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	value = calloc(1, info.value_size);
	assert_non_null(value);
	memcpy(value, &busy, sizeof(busy));
	for (uint32_t i = 0; i < info.max_entries; i++)
		if (own || i % TERCEL_SCRATCH_SLOTS != TERCEL_SCRATCH_EXEC)
			assert_int_equal(bpf_map_update_elem(fd, &i, value, BPF_ANY), 0);
}

/* Waits until /proc names the process so, and has let it go on from there. */
static void await_name(pid_t pid, const char *name)
{
	char path[64], text[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	for (int i = 0; i < 500; i++) {
		_autofclose_ FILE *f = fopen(path, "re");

		if (f && fgets(text, sizeof(text), f) && !strncmp(text, name, strlen(name))) {
			usleep(50000);
			return;
		}
		usleep(10000);
	}
	fail_msg("process %d does not become %s", pid, name);
}

static int hold[2];

static int exec_waiting_shell(void)
{
	dup2(hold[0], 0);
	execl("/bin/bash", "bash", "-c", "read x; exec 2>/dev/null; exec 3<>/dev/tcp/127.0.0.1/9; exit 7", NULL);
	return 98;
}

static void an_exec_that_could_not_be_recorded_leaves_nothing_of_the_old_image(void **state)
{
	char condition[PATH_MAX + 64];
	struct tercel_stats stats;
	struct tercel_proc proc;
	struct child c;
	struct watch w;
	uint32_t tgid;

	(void)state;
	(void)snprintf(condition, sizeof(condition), "evt.type = connect and proc.exepath = \"%s\"", self);
	open_scoped(&w, 1U << TERCEL_VERDICT);
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	apply(w.sensor, condition);
	/* The rule is true of this program. */
	c = start(connect_out);
	assert_exit(finish(&c), EPERM);

	assert_int_equal(pipe2(hold, 0), 0);
	c = start(exec_waiting_shell);
	tgid = (uint32_t)c.pid;
	assert_int_equal(bpf_map_lookup_elem(sensor_map_fd(w.sensor, "procs"), &tgid, &proc), 0);
	set_busy(w.sensor, 1, true);
	assert_int_equal(write(c.to, "x", 1), 1);
	await_name(c.pid, "bash");
	set_busy(w.sensor, 0, true);
	assert_int_equal(bpf_map_lookup_elem(sensor_map_fd(w.sensor, "procs"), &tgid, &proc), -ENOENT);
	assert_int_equal(write(hold[1], "x\n", 2), 2);
	(void)wait_status(c.pid);
	watch_drain(&w, 100);
	for (size_t i = 0; watch_find(&w, TERCEL_VERDICT, c.pid, i); i++)
		assert_int_equal(((const struct tercel_verdict *)watch_find(&w, TERCEL_VERDICT, c.pid, i))->enforced,
		                 0);
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	assert_int_equal(stats.blocked[TERCEL_POINT_CONNECT4], 1);
	assert_true(stats.undecided[TERCEL_POINT_EXEC_COMMIT] > 0);
	(void)close(hold[0]);
	(void)close(hold[1]);
	(void)close(c.to);
	watch_close(&w);
}

static void an_exec_is_decided_although_every_other_buffer_is_in_use(void **state)
{
	struct tercel_stats stats;
	struct child c;
	struct watch w;
	int status;

	(void)state;
	open_scoped(&w, 1U << TERCEL_VERDICT);
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	apply(w.sensor, "evt.type = execve and proc.name = true");
	c = start(exec_true);
	set_busy(w.sensor, 1, false);
	status = finish(&c);
	set_busy(w.sensor, 0, false);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	assert_int_equal(stats.blocked[TERCEL_POINT_EXEC_COMMIT], 1);
	watch_close(&w);
}

/* ---- records without a creator's ----------------------------------------------------------------------------- */

static void a_child_of_nobody_known_is_known_by_its_executable(void **state)
{
	char condition[PATH_MAX + 64];
	struct tercel_proc proc;
	struct tercel_image_small *image;
	struct child c;
	struct watch w;
	struct stat st;
	uint32_t tgid;

	(void)state;
	image = calloc(1, sizeof(*image));
	assert_non_null(image);
	open_scoped(&w, 1U << TERCEL_VERDICT);
	/* Before the seeding: this process has no record. */
	c = start(connect_out);
	usleep(50000);
	tgid = (uint32_t)c.pid;
	assert_int_equal(bpf_map_lookup_elem(sensor_map_fd(w.sensor, "procs"), &tgid, &proc), 0);
	assert_int_equal(stat(self, &st), 0);
	assert_int_equal(proc.exe.ino, st.st_ino);
	assert_false(proc.exe.flags & TERCEL_EXE_UNKNOWN);
	/* The seeding finds its record, and adds the strings that nobody kept. */
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	assert_int_equal(bpf_map_lookup_elem(sensor_map_fd(w.sensor, "images_small"), &proc.image_id, image), 0);
	assert_memory_equal(image->data, self, strlen(self));
	assert_true(image->head.args.len > 0);
	free(image);
	(void)snprintf(condition, sizeof(condition), "evt.type = connect and proc.exepath = \"%s\"", self);
	apply(w.sensor, condition);
	assert_exit(finish(&c), EPERM);
	watch_close(&w);
}

static void a_full_process_table_is_counted_and_blocks_nothing(void **state)
{
	char condition[PATH_MAX + 64];
	struct tercel_stats stats;
	struct child c;
	struct watch w;

	(void)state;
	(void)snprintf(condition, sizeof(condition), "evt.type = connect and proc.exepath = \"%s\"", self);
	watch_open_with(&w,
	                &(struct sensor_config){.records = 1U << TERCEL_VERDICT,
	                                        .points = sensor_points() & placement_without_lsm(),
	                                        .cgroup = cgroup,
	                                        .max_procs = 8},
	                &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	apply(w.sensor, condition);
	c = start(connect_out);
	assert_exit(finish(&c), ECONNREFUSED);
	watch_drain(&w, 100);
	assert_int_equal(sensor_stats(w.sensor, &stats), 0);
	assert_true(stats.procs_full > 0);
	assert_int_equal(stats.blocked[TERCEL_POINT_CONNECT4], 0);
	assert_true(stats.uncertain[1] > 0); /* TERCEL_U_PATH */
	/* What was counted is what came. */
	assert_int_equal(stats.delivered[TERCEL_VERDICT], watch_count(&w, TERCEL_VERDICT, 0));
	assert_int_equal(stats.delivered[TERCEL_SEED], watch_count(&w, TERCEL_SEED, 0));
	watch_close(&w);
}

/* ---- cgroup v1 ------------------------------------------------------------------------------------------- */

/* The mount point of a v1 hierarchy with the controller pids, memory or cpu; false without one. */
static bool find_v1(char *out, size_t size)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[4096], dir[512], type[64], options[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %511s %63s %511s", dir, type, options) == 3 && !strcmp(type, "cgroup") &&
		    (strstr(options, "pids") || strstr(options, "memory"))) {
			(void)snprintf(out, size, "%s", dir);
			found = true;
		}
	if (f)
		(void)fclose(f);
	return found;
}

static char v1_dir[PATH_MAX];

static int exec_true_in_v1(void)
{
	enter(v1_dir);
	return exec_true();
}

static int connect_in_v1(void)
{
	pid_t pid;
	int status;

	/* The process that connects has been made there. */
	enter(v1_dir);
	pid = fork();
	if (pid == 0)
		_exit(connect_out());
	(void)waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void a_container_of_cgroup_v1_is_not_the_host(void **state)
{
	char mount[512];
	struct child c;
	struct watch w;

	(void)state;
	if (!find_v1(mount, sizeof(mount)))
		skip();
	(void)snprintf(v1_dir, sizeof(v1_dir), "%s/docker-" CONTAINER ".scope", mount);
	assert_int_equal(mkdir(v1_dir, 0755), 0);
	open_scoped(&w, 1U << TERCEL_VERDICT);
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	apply(w.sensor, "evt.type = execve and proc.name = true and container.id = host");
	c = start(exec_true_in_v1);
	assert_exit(finish(&c), 0);
	c = start(exec_true);
	assert_true(WIFSIGNALED(finish(&c)));
	apply(w.sensor, "evt.type = execve and proc.name = true and container.id = fedcba987654");
	c = start(exec_true_in_v1);
	assert_true(WIFSIGNALED(finish(&c)));
	apply(w.sensor, "evt.type = connect and container.id = host");
	c = start(connect_in_v1);
	assert_exit(finish(&c), ECONNREFUSED);
	apply(w.sensor, "evt.type = connect and container.id = fedcba987654");
	c = start(connect_in_v1);
	assert_exit(finish(&c), EPERM);
	watch_close(&w);
	assert_int_equal(rmdir(v1_dir), 0);
}

static void cgroups_that_do_not_fit_are_counted_not_told_again_and_again(void **state)
{
	struct tercel_stats before, after;
	struct child c;
	struct watch w;

	(void)state;
	watch_open_with(&w,
	                &(struct sensor_config){.records = ALL_RECORDS,
	                                        .points = sensor_points() & placement_without_lsm(),
	                                        .cgroup = cgroup,
	                                        .max_cgroups = 1},
	                &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	watch_drain(&w, 50);
	apply(w.sensor, "evt.type = execve and proc.name = true and container.id = host");
	assert_int_equal(sensor_stats(w.sensor, &before), 0);
	for (int i = 0; i < 3; i++) {
		c = start(exec_true);
		/* Unknown is not the host. */
		assert_exit(finish(&c), 0);
	}
	assert_int_equal(sensor_stats(w.sensor, &after), 0);
	assert_true(after.cgroups_full - before.cgroups_full >= 3);
	assert_int_equal(after.generated[TERCEL_CGROUP], before.generated[TERCEL_CGROUP]);
	watch_close(&w);
}

/* ---- execs by the kernel --------------------------------------------------------------------------------- */

/* A hierarchy of our own, whose release agent the kernel runs when its last process has left. */
static void an_exec_by_the_kernel_is_no_call(void **state)
{
	char dir[] = "/tmp/tercel-agent-XXXXXX", path[PATH_MAX], options[128];
	const struct tercel_exec *e = NULL;
	struct watch w;
	pid_t pid;
	bool found = false;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(options, sizeof(options), "none,name=tercel-%d,release_agent=/bin/true", getpid());
	if (mount("tercel", dir, "cgroup", 0, options)) {
		(void)rmdir(dir);
		skip();
	}
	watch_open_with(&w, &(struct sensor_config){.records = 1U << TERCEL_EXEC}, &(struct load_options){0});
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/leave", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/leave/notify_on_release", dir);
	assert_true(write_text(path, "1"));
	(void)snprintf(path, sizeof(path), "%s/leave", dir);
	pid = fork();
	if (pid == 0) {
		enter(path);
		_exit(0);
	}
	assert_exit(wait_status(pid), 0);
	for (int i = 0; i < 30 && !found; i++) {
		watch_drain(&w, 100);
		for (size_t n = 0; !found && (e = watch_find(&w, TERCEL_EXEC, 0, n)); n++)
			found = e->args.len == strlen("/bin/true") + 1 + strlen("/leave") + 1 &&
			        !memcmp((const char *)e + e->args.off, "/bin/true\0/leave", e->args.len);
	}
	(void)rmdir(path);
	(void)umount(dir);
	(void)rmdir(dir);
	assert_true(found);
	if (e)
		assert_int_equal(e->syscall, TERCEL_SYS_NONE);
	watch_close(&w);
}

/* ---- other kernels, other places ------------------------------------------------------------------------- */

static void tracepoints_that_a_kernel_lacks_are_done_without(void **state)
{
	struct sensor_prog_stats programs[64];
	struct tercel_proc proc;
	struct child c;
	struct watch w;
	uint32_t tgid;
	int n;

	(void)state;
	watch_open_with(&w,
	                &(struct sensor_config){.records = 1U << TERCEL_VERDICT,
	                                        .points = sensor_points() & placement_without_lsm(),
	                                        .cgroup = cgroup},
	                &(struct load_options){.lacks_optional = true});
	n = sensor_prog_stats(w.sensor, programs, sizeof(programs) / sizeof(programs[0]));
	assert_in_range(n, 1, 64);
	for (int i = 0; i < n; i++) {
		assert_string_not_equal(programs[i].name, "on_cgroup_rmdir");
		assert_string_not_equal(programs[i].name, "on_rename");
		assert_string_not_equal(programs[i].name, "on_cgroup_move");
	}
	c = start(exec_shell_that_connects);
	usleep(50000);
	tgid = (uint32_t)c.pid;
	/* Every process counts as renamed and moved, as nobody can say that it was not. */
	assert_int_equal(bpf_map_lookup_elem(sensor_map_fd(w.sensor, "procs"), &tgid, &proc), 0);
	assert_int_equal(proc.proc_flags & (TERCEL_PROC_RENAMED | TERCEL_PROC_MOVED),
	                 TERCEL_PROC_RENAMED | TERCEL_PROC_MOVED);
	(void)finish(&c);
	watch_close(&w);
}

/* As process 1 of a pid namespace of its own. Its exit code names the first promise that was broken. */
static int watch_from_inside(void)
{
	const struct tercel_hdr *record;
	char condition[PATH_MAX + 64];
	struct sensor *s = NULL;
	struct error err = {""};
	struct stat st;

	enter(cgroup);
	if (getpid() != 1 || stat("/proc/self/ns/pid", &st))
		return 1;
	if (sensor_open(&s,
	                &(struct sensor_config){.records = ALL_RECORDS,
	                                        .points = sensor_points() & placement_without_lsm(),
	                                        .cgroup = cgroup},
	                &err))
		return 2;
	if (sensor_pid_namespace(s) != SENSOR_PIDNS_PRIVATE)
		return 3;
	if (sensor_seed(s, &err))
		return 4;
	while (sensor_next(s, 20, &record) == 1)
		if (record->type == TERCEL_SEED &&
		    ((const struct tercel_exec *)(const void *)record)->proc.pidns != st.st_ino &&
		    ((const struct tercel_exec *)(const void *)record)->args.len)
			return 5;
	/* The process that holds the policy is never blocked by it, whatever its number is here. */
	(void)snprintf(condition, sizeof(condition), "evt.type = connect and fd.sport = %d", PORT);
	apply(s, condition);
	if (connect_out() != ECONNREFUSED)
		return 6;
	sensor_close(s);
	return 0;
}

static int watch_from_a_namespace(void)
{
	pid_t pid;
	int status = 0;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 90;
	pid = fork();
	if (pid == 0)
		_exit(mount("proc", "/proc", "proc", 0, NULL) ? 91 : watch_from_inside());
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 92;
}

static void a_private_pid_namespace_is_known_and_strangers_are_left_alone(void **state)
{
	struct watch w;
	pid_t pid;

	(void)state;
	open_scoped(&w, 1U << TERCEL_VERDICT);
	assert_int_equal(sensor_pid_namespace(w.sensor), SENSOR_PIDNS_INITIAL);
	watch_close(&w);
	pid = fork();
	if (pid == 0) {
		alarm(30);
		_exit(watch_from_a_namespace());
	}
	assert_exit(wait_status(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_exec_that_could_not_be_recorded_leaves_nothing_of_the_old_image),
	        cmocka_unit_test(an_exec_is_decided_although_every_other_buffer_is_in_use),
	        cmocka_unit_test(a_child_of_nobody_known_is_known_by_its_executable),
	        cmocka_unit_test(a_full_process_table_is_counted_and_blocks_nothing),
	        cmocka_unit_test(a_container_of_cgroup_v1_is_not_the_host),
	        cmocka_unit_test(cgroups_that_do_not_fit_are_counted_not_told_again_and_again),
	        cmocka_unit_test(an_exec_by_the_kernel_is_no_call),
	        cmocka_unit_test(tracepoints_that_a_kernel_lacks_are_done_without),
	        cmocka_unit_test(a_private_pid_namespace_is_known_and_strangers_are_left_alone),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
