// SPDX-License-Identifier: Apache-2.0
/* EXEC, FORK, EXIT and SEED records against what /proc and the system calls themselves say. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/sched.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"

/* ---- /proc -------------------------------------------------------------------------------------------- */

static size_t proc_read(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	_autoclose_ int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, out, size - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	return (size_t)n;
}

static void proc_link(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, out, size - 1);
	assert_true(n > 0);
	out[n] = '\0';
}

static unsigned long long proc_status(pid_t pid, const char *key, int base, int column)
{
	char text[8192], *at, pattern[64];

	(void)proc_read(pid, "status", text, sizeof(text));
	(void)snprintf(pattern, sizeof(pattern), "\n%s:", key);
	at = strstr(text, pattern);
	assert_non_null(at);
	at += strlen(pattern);
	while (column-- > 0)
		(void)strtoull(at, &at, base);
	return strtoull(at, NULL, base);
}

/* Field n (from 1, as in proc(5)) of /proc/PID/stat, n > 2. */
static long long proc_stat(pid_t pid, int n)
{
	char text[4096], *at;

	(void)proc_read(pid, "stat", text, sizeof(text));
	at = strrchr(text, ')') + 2;
	for (int i = 3; i < n; i++)
		at = strchr(at, ' ') + 1;
	return strtoll(at, NULL, 10);
}

/* ---- exec --------------------------------------------------------------------------------------------- */

static void assert_creds(const struct tercel_proc *p, pid_t pid)
{
	assert_int_equal(p->creds.uid, proc_status(pid, "Uid", 10, 0));
	assert_int_equal(p->creds.euid, proc_status(pid, "Uid", 10, 1));
	assert_int_equal(p->creds.suid, proc_status(pid, "Uid", 10, 2));
	assert_int_equal(p->creds.fsuid, proc_status(pid, "Uid", 10, 3));
	assert_int_equal(p->creds.gid, proc_status(pid, "Gid", 10, 0));
	assert_int_equal(p->creds.egid, proc_status(pid, "Gid", 10, 1));
	assert_int_equal(p->creds.sgid, proc_status(pid, "Gid", 10, 2));
	assert_int_equal(p->creds.fsgid, proc_status(pid, "Gid", 10, 3));
	assert_int_equal(p->creds.cap_inheritable, proc_status(pid, "CapInh", 16, 0));
	assert_int_equal(p->creds.cap_permitted, proc_status(pid, "CapPrm", 16, 0));
	assert_int_equal(p->creds.cap_effective, proc_status(pid, "CapEff", 16, 0));
}

static void assert_exe(const struct tercel_exec *e, pid_t pid)
{
	char link[64];
	struct stat st;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	assert_int_equal(stat(link, &st), 0);
	assert_int_equal(e->proc.exe.ino, st.st_ino);
	assert_int_equal(e->proc.exe.dev >> 20, major(st.st_dev));
	assert_int_equal(e->proc.exe.dev & 0xfffff, minor(st.st_dev));
	assert_int_equal(e->proc.exe.mtime_ns, (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec);
	assert_int_equal(e->proc.exe.ctime_ns, (uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec);
}

static uint64_t ns_inode(pid_t pid, const char *name)
{
	char text[128];

	proc_link(pid, name, text, sizeof(text));
	return strtoull(strchr(text, '[') + 1, NULL, 10);
}

/* What EXEC and SEED have in common, against a process that is alive. */
static void assert_process(const struct tercel_exec *e, pid_t pid)
{
	char text[8192], found[8192];
	size_t n;

	assert_int_equal(e->proc.tgid, pid);
	assert_int_equal(e->proc.ppid, proc_status(pid, "PPid", 10, 0));
	assert_int_equal(e->proc.vtgid, proc_status(pid, "NStgid", 10, 0));
	assert_int_equal(e->vtid, proc_status(pid, "NSpid", 10, 0));
	assert_int_equal(e->proc.pgid, proc_stat(pid, 5));
	assert_int_equal(e->proc.vpgid, proc_status(pid, "NSpgid", 10, 0));
	assert_int_equal(e->proc.sid, proc_stat(pid, 6));
	assert_int_equal(e->proc.vsid, proc_status(pid, "NSsid", 10, 0));
	/* Ours packs major << 20 | minor; stat(5) has the old 16-bit layout for small numbers. */
	assert_int_equal(e->proc.tty ? (e->proc.tty >> 20) << 8 | (e->proc.tty & 0xff) : 0, proc_stat(pid, 7));
	assert_int_equal(e->proc.start_time / 10000000, proc_stat(pid, 22));
	assert_int_equal(e->proc.pidns, ns_inode(pid, "ns/pid"));
	proc_read(pid, "loginuid", text, sizeof(text));
	assert_int_equal(e->proc.loginuid, strtoul(text, NULL, 10));
	assert_creds(&e->proc, pid);
	assert_exe(e, pid);
	proc_link(pid, "exe", text, sizeof(text));
	assert_span(e, e->exe_path, text);
	proc_link(pid, "cwd", text, sizeof(text));
	assert_span(e, e->cwd, text);
	n = proc_read(pid, "cmdline", text, sizeof(text));
	assert_int_equal(e->args.len, n);
	assert_memory_equal((const char *)e + e->args.off, text, n);
	n = proc_read(pid, "environ", text, sizeof(text));
	assert_int_equal(e->env.len, n);
	assert_memory_equal((const char *)e + e->env.off, text, n);
	n = proc_read(pid, "comm", text, sizeof(text));
	text[n - 1] = '\0';
	(void)snprintf(found, sizeof(found), "%.16s", e->proc.comm);
	assert_string_equal(found, text);
}

/* A process that runs /bin/sleep with known strings until it is killed. */
static pid_t start_sleeper(void)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char *const args[] = {"a name of its own", "30", NULL};
		char *const env[] = {"ONE=1", "TWO=two words", NULL};

		if (setsid() >= 0 && chdir("/usr/share") == 0)
			execve("/usr/bin/../bin/sleep", args, env);
		_exit(127);
	}
	return pid;
}

static void stop(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void wait_for_exec(struct watch *w, pid_t pid)
{
	const struct tercel_hdr *record;

	while (!watch_find(w, TERCEL_EXEC, pid, 0)) {
		assert_int_equal(sensor_next(w->sensor, 5000, &record), 1);
		watch_keep(w, record);
	}
}

static void an_exec_record_says_what_proc_says(void **state)
{
	const struct tercel_exec *e;
	const struct tercel_fork *f;
	struct rlimit limit;
	struct watch w;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = start_sleeper();
	wait_for_exec(&w, pid);
	e = watch_find(&w, TERCEL_EXEC, pid, 0);
	f = watch_find(&w, TERCEL_FORK, getpid(), 0);
	assert_process(e, pid);
	assert_int_equal(e->hdr.flags & ~(uint32_t)(TERCEL_F_PROC_UNKNOWN | TERCEL_F_NO_PARENT_PROC), 0);
	assert_int_equal(e->hdr.tid, pid);
	assert_int_equal(e->hdr.tgid, pid);
	assert_int_equal(e->old_tid, pid);
	assert_int_equal(e->syscall, TERCEL_SYS_EXECVE);
	assert_int_equal(e->argc, 2);
	assert_span(e, e->filename, "/usr/bin/../bin/sleep");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(e->fdlimit, limit.rlim_cur);
	assert_true(e->vm_size > 0 && e->vm_size < 100000);
	assert_true(e->pgft_min > 0);
	/* The start time and a small count of execs. */
	assert_in_range(e->proc.exec_id.ktime - e->proc.start_time, 1, 1000);
	assert_int_equal(e->proc.exec_id.tgid, pid);
	assert_memory_equal(&e->hdr.exec_id, &e->proc.exec_id, sizeof(e->hdr.exec_id));
	assert_true(e->proc.proc_flags & TERCEL_PROC_EXECED);
	assert_non_null(f);
	assert_int_equal(f->child_tgid, pid);
	assert_int_equal(f->child_start_time, e->proc.start_time);
	assert_int_equal(e->proc.cgroup_id, f->cgroup_id);
	stop(pid);
	watch_until_exit(&w, pid);
	watch_close(&w);
}

static void the_terminal_of_a_process_is_told(void **state)
{
	char *const args[] = {"sleep", "30", NULL};
	const struct tercel_exec *e;
	struct watch w;
	int terminal;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = forkpty(&terminal, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execv("/bin/sleep", args);
		_exit(127);
	}
	wait_for_exec(&w, pid);
	e = watch_find(&w, TERCEL_EXEC, pid, 0);
	assert_int_not_equal(e->proc.tty, 0);
	assert_process(e, pid);
	stop(pid);
	(void)close(terminal);
	watch_close(&w);
}

static void a_process_that_ran_before_is_seeded_with_its_strings(void **state)
{
	const struct tercel_exec *e, *self;
	char text[64] = "";
	struct watch w;
	pid_t pid;

	(void)state;
	pid = start_sleeper();
	while (strcmp(text, "sleep\n") != 0)
		(void)proc_read(pid, "comm", text, sizeof(text));
	watch_open(&w);
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	watch_drain(&w, 50);
	assert_int_equal(watch_count(&w, TERCEL_SEED, pid), 1);
	e = watch_find(&w, TERCEL_SEED, pid, 0);
	assert_process(e, pid);
	assert_int_equal(e->argc, 2);
	assert_int_equal(e->hdr.ts, e->proc.start_time);
	assert_true(e->proc.proc_flags & TERCEL_PROC_SEEDED);
	self = watch_find(&w, TERCEL_SEED, getpid(), 0);
	assert_non_null(self);
	assert_memory_equal(&e->proc.parent_exec_id, &self->proc.exec_id, sizeof(self->proc.exec_id));
	stop(pid);
	watch_until_exit(&w, pid);
	/* The kernel knew it from the seed on. */
	assert_int_equal(((const struct tercel_exit *)watch_find(&w, TERCEL_EXIT, pid, 0))->hdr.flags, 0);
	watch_close(&w);
}

static void *wait_at_barrier(void *barrier)
{
	(void)pthread_barrier_wait(barrier);
	return NULL;
}

static void every_thread_that_ran_before_is_seeded(void **state)
{
	const struct tercel_exec *leader = NULL, *other = NULL;
	pthread_barrier_t barrier;
	pthread_t thread;
	struct watch w;

	(void)state;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_at_barrier, &barrier), 0);
	watch_open(&w);
	assert_int_equal(sensor_seed(w.sensor, NULL), 0);
	watch_drain(&w, 50);
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_join(thread, NULL);
	assert_int_equal(watch_count(&w, TERCEL_SEED, getpid()), 2);
	/* In order of time: the leader is older. */
	leader = watch_find(&w, TERCEL_SEED, getpid(), 0);
	other = watch_find(&w, TERCEL_SEED, getpid(), 1);
	assert_int_equal(leader->hdr.tid, getpid());
	assert_int_not_equal(other->hdr.tid, getpid());
	assert_int_equal(other->proc.tgid, getpid());
	assert_int_equal(other->proc.creds.uid, getuid());
	assert_memory_equal(&other->hdr.exec_id, &leader->proc.exec_id, sizeof(other->hdr.exec_id));
	assert_true(leader->args.len > 0);
	watch_close(&w);
}

struct strings {
	const char *path;
	char *const *args;
};

static int exec_strings(void *arg)
{
	const struct strings *s = arg;

	execv(s->path, s->args);
	return 127;
}

static void long_arguments_are_cut_and_flagged(void **state)
{
	char *args[4] = {"true", NULL, NULL, NULL};
	const struct tercel_exec *e;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	args[1] = malloc(5001);
	assert_non_null(args[1]);
	memset(args[1], 'x', 5000);
	args[1][5000] = '\0';
	watch_open(&w);
	pid = watch_run(&w, exec_strings, &(struct strings){"/bin/true", args}, &status);
	e = watch_find(&w, TERCEL_EXEC, pid, 0);
	assert_non_null(e);
	assert_true(e->hdr.flags & TERCEL_F_TRUNC_ARGS);
	assert_int_equal(e->args.len, TERCEL_ARGS_MAX);
	assert_memory_equal((const char *)e + e->args.off, "true\0xxx", 8);
	watch_close(&w);
	free(args[1]);
}

static int exec_deep(void *arg)
{
	char *const args[] = {"true", NULL};

	(void)arg;
	/* 300 levels of 20 bytes: longer and deeper than the limits. */
	for (int i = 0; i < 300; i++)
		if ((mkdir("a-directory-name-xx", 0700) && errno != EEXIST) || chdir("a-directory-name-xx"))
			return 1;
	execv("/bin/true", args);
	return 127;
}

/* Goes down and removes what exec_deep() made, on the way up. */
static void remove_deep(const char *top)
{
	assert_int_equal(chdir(top), 0);
	for (int i = 0; i < 300 && chdir("a-directory-name-xx") == 0; i++)
		;
	while (chdir("..") == 0 && rmdir("a-directory-name-xx") == 0)
		;
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(top), 0);
}

static void a_directory_deeper_than_the_limits_is_flagged(void **state)
{
	char top[] = "/tmp/tercel-deep-XXXXXX";
	const struct tercel_exec *e;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(top));
	watch_open(&w);
	assert_int_equal(chdir(top), 0);
	pid = watch_run(&w, exec_deep, NULL, &status);
	e = watch_find(&w, TERCEL_EXEC, pid, 0);
	remove_deep(top);
	assert_non_null(e);
	assert_true(e->hdr.flags & TERCEL_F_TRUNC_CWD);
	/* What is there is the tail, in whole components. */
	assert_true(e->cwd.len > 3000);
	assert_memory_equal((const char *)e + e->cwd.off + e->cwd.len - 40, "/a-directory-name-xx/a-directory-name-xx",
	                    40);
	assert_span(e, e->exe_path, "/usr/bin/true");
	assert_false(e->hdr.flags & TERCEL_F_TRUNC_PATH);
	watch_close(&w);
}

static int copy_true_to(int out)
{
	_autoclose_ int in = open("/bin/true", O_RDONLY | O_CLOEXEC);
	char bytes[65536];
	ssize_t n;

	if (in < 0)
		return -1;
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			return -1;
	return 0;
}

static int exec_memfd(void *arg)
{
	char *const args[] = {"true", NULL}, *const env[] = {NULL};
	const int fd = memfd_create("a memfd", MFD_CLOEXEC);

	(void)arg;
	if (fd < 0 || copy_true_to(fd))
		return 1;
	fexecve(fd, args, env);
	return 127;
}

static void an_exec_from_memory_is_flagged(void **state)
{
	const struct tercel_exec *e;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = watch_run(&w, exec_memfd, NULL, &status);
	assert_int_equal(status, 0);
	e = watch_find(&w, TERCEL_EXEC, pid, 0);
	assert_non_null(e);
	assert_true(e->proc.exe.flags & TERCEL_EXE_MEMFD);
	assert_true(e->hdr.flags & TERCEL_F_PATH_DELETED);
	assert_span(e, e->exe_path, "/memfd:a memfd");
	assert_int_equal(e->syscall, TERCEL_SYS_EXECVEAT);
	watch_close(&w);
}

static int exec_unlinked(void *arg)
{
	char *const args[] = {"true", NULL}, *const env[] = {NULL};
	char *path = arg;
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0 || copy_true_to(fd) || fchmod(fd, 0755) || close(fd))
		return 1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || unlink(path))
		return 1;
	fexecve(fd, args, env);
	return 127;
}

static void an_unlinked_executable_keeps_its_old_path_and_is_flagged(void **state)
{
	char *path = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct tercel_exec *e;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	assert_ptr_not_equal(path, MAP_FAILED);
	(void)snprintf(path, 4096, "/tmp/tercel-gone-XXXXXX");
	watch_open(&w);
	pid = watch_run(&w, exec_unlinked, path, &status);
	assert_int_equal(status, 0);
	e = watch_find(&w, TERCEL_EXEC, pid, 0);
	assert_non_null(e);
	assert_true(e->hdr.flags & TERCEL_F_PATH_DELETED);
	assert_false(e->proc.exe.flags & TERCEL_EXE_MEMFD);
	assert_span(e, e->exe_path, path);
	watch_close(&w);
	(void)munmap(path, 4096);
}

static int exec_as_nobody(void *arg)
{
	char *const args[] = {"true", NULL};

	(void)arg;
	if (setgid(65534) || setuid(65534))
		return 1;
	execv("/bin/true", args);
	return 127;
}

static void whether_the_executable_is_writable_depends_on_who_runs_it(void **state)
{
	char *args[] = {"true", NULL};
	const struct tercel_exec *root, *nobody;
	struct watch w;
	int status;

	(void)state;
	watch_open(&w);
	root = watch_find(&w, TERCEL_EXEC, watch_run(&w, exec_strings, &(struct strings){"/bin/true", args}, &status),
	                  0);
	nobody = watch_find(&w, TERCEL_EXEC, watch_run(&w, exec_as_nobody, NULL, &status), 0);
	assert_non_null(root);
	assert_non_null(nobody);
	assert_true(root->proc.exe.flags & TERCEL_EXE_WRITABLE);
	assert_false(nobody->proc.exe.flags & TERCEL_EXE_WRITABLE);
	assert_int_equal(nobody->proc.creds.uid, 65534);
	assert_int_equal(nobody->proc.creds.egid, 65534);
	assert_int_equal(nobody->proc.creds.cap_effective, 0);
	watch_close(&w);
}

/* An overlay on a tmpfs in a mount namespace of its own, with a program in the lower layer, copied up if asked. */
static int exec_on_overlay(void *arg)
{
	const struct strings *s = arg;
	char options[512];
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", s->path, "tmpfs", 0, NULL) || chdir(s->path) || mkdir("lower", 0755) ||
	    mkdir("upper", 0755) || mkdir("work", 0755) || mkdir("merged", 0755))
		return 2;
	fd = open("lower/true", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || copy_true_to(fd) || close(fd))
		return 2;
	(void)snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", s->path,
	               s->path, s->path);
	if (mount("overlay", "merged", "overlay", 0, options))
		return 2;
	/* A change of mode copies the file up. */
	if (s->args[1] && chmod("merged/true", 0700))
		return 2;
	execv("merged/true", s->args);
	return 127;
}

static void the_layer_and_the_path_of_an_executable_on_an_overlay_are_told(void **state)
{
	char *args[2][3] = {{"true", NULL, NULL}, {"true", "copied up", NULL}};
	char top[] = "/tmp/tercel-overlay-XXXXXX", path[128];
	struct watch w;

	(void)state;
	assert_non_null(mkdtemp(top));
	(void)snprintf(path, sizeof(path), "%s/merged/true", top);
	watch_open(&w);
	for (int i = 0; i < 2; i++) {
		const uint32_t layers = TERCEL_EXE_UPPER_LAYER | TERCEL_EXE_LOWER_LAYER;
		int status;
		const pid_t pid = watch_run(&w, exec_on_overlay, &(struct strings){top, args[i]}, &status);
		const struct tercel_exec *e = watch_find(&w, TERCEL_EXEC, pid, 0);

		if (WEXITSTATUS(status) == 2)
			break;
		assert_int_equal(status, 0);
		assert_span(e, e->exe_path, path);
		assert_int_equal(e->proc.exe.flags & layers, i ? TERCEL_EXE_UPPER_LAYER : TERCEL_EXE_LOWER_LAYER);
		if (i == 1)
			top[0] = '\0';
	}
	(void)rmdir(dirname(dirname(path)));
	watch_close(&w);
	/* Emptied by the last round: without it, this kernel has no overlays. */
	if (top[0])
		skip();
}

static int exec_missing(void *arg)
{
	char *const args[] = {"x", NULL};

	(void)arg;
	execv("/nonexistent/program", args);
	return 0;
}

static void an_exec_that_fails_makes_no_record(void **state)
{
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = watch_run(&w, exec_missing, NULL, &status);
	assert_null(watch_find(&w, TERCEL_EXEC, pid, 0));
	watch_close(&w);
}

/* ---- threads ------------------------------------------------------------------------------------------ */

static void *exec_in_thread(void *tid)
{
	char *const args[] = {"true", NULL};

	*(pid_t *)tid = (pid_t)syscall(SYS_gettid);
	execv("/bin/true", args);
	return NULL;
}

static int exec_from_second_thread(void *shared)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exec_in_thread, shared))
		return 1;
	(void)pthread_join(thread, NULL);
	return 1;
}

static void an_exec_by_another_thread_keeps_the_process(void **state)
{
	pid_t *tid = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct tercel_exec *e;
	const struct tercel_fork *f;
	struct watch w;
	int status, dead = 0;
	pid_t pid;

	(void)state;
	assert_ptr_not_equal(tid, MAP_FAILED);
	watch_open(&w);
	pid = watch_run(&w, exec_from_second_thread, tid, &status);
	assert_int_equal(status, 0);
	e = watch_find(&w, TERCEL_EXEC, pid, 0);
	f = watch_find(&w, TERCEL_FORK, pid, 0);
	assert_non_null(e);
	assert_int_equal(e->hdr.tid, pid);
	assert_int_equal(e->old_tid, *tid);
	assert_int_not_equal(e->old_tid, pid);
	assert_non_null(f);
	assert_true(f->is_thread);
	assert_int_equal(f->child_tid, *tid);
	assert_int_equal(f->child_tgid, pid);
	assert_memory_equal(&f->child_exec_id, &f->hdr.exec_id, sizeof(f->child_exec_id));
	/* The old leader's end is no end of the process. */
	assert_int_equal(watch_count(&w, TERCEL_EXIT, pid), 2);
	for (size_t i = 0; i < 2; i++)
		dead += (int)((const struct tercel_exit *)watch_find(&w, TERCEL_EXIT, pid, i))->group_dead;
	assert_int_equal(dead, 1);
	watch_close(&w);
	(void)munmap(tid, 4096);
}

#define RACERS 16

static void *race_to_exit(void *barrier)
{
	(void)pthread_barrier_wait(barrier);
	return NULL;
}

static int end_with_racing_threads(void *arg)
{
	static pthread_barrier_t barrier;
	pthread_t thread;

	(void)arg;
	(void)pthread_barrier_init(&barrier, NULL, RACERS + 1);
	for (int i = 0; i < RACERS; i++)
		if (pthread_create(&thread, NULL, race_to_exit, &barrier))
			return 1;
	(void)pthread_barrier_wait(&barrier);
	/* This thread alone, at the same time as the others. */
	(void)syscall(SYS_exit, 3);
	return 1;
}

static void a_process_ends_once_however_its_threads_race(void **state)
{
	struct watch w;

	(void)state;
	watch_open(&w);
	for (int round = 0; round < 20; round++) {
		int status, dead = 0;
		const pid_t pid = watch_run(&w, end_with_racing_threads, NULL, &status);

		watch_drain(&w, 20);
		assert_int_equal(watch_count(&w, TERCEL_EXIT, pid), RACERS + 1);
		for (size_t i = 0; i <= RACERS; i++)
			dead += (int)((const struct tercel_exit *)watch_find(&w, TERCEL_EXIT, pid, i))->group_dead;
		assert_int_equal(dead, 1);
	}
	watch_close(&w);
}

/* ---- fork --------------------------------------------------------------------------------------------- */

enum { PARENT_PIPE_BYTES = 1 };

static int fork_in_all_ways(void *arg)
{
	struct clone_args clone3 = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	pid_t pid;

	(void)arg;
#ifdef SYS_fork
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	pid = vfork(); /* NOLINT(bugprone-unsafe-functions): what is tested */
	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
#endif
	pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_FS, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	pid = (pid_t)syscall(SYS_clone3, &clone3, sizeof(clone3));
	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	return 0;
}

static void a_fork_record_names_the_call_and_its_flags(void **state)
{
	static const struct {
		uint32_t syscall;
		uint64_t flags;
	} expected[] = {
#ifdef SYS_fork
	        {TERCEL_SYS_FORK, SIGCHLD},
	        {TERCEL_SYS_VFORK, CLONE_VFORK | CLONE_VM | SIGCHLD},
#endif
	        {TERCEL_SYS_CLONE, SIGCHLD | CLONE_FS},
	        {TERCEL_SYS_CLONE3, CLONE_CLEAR_SIGHAND | SIGCHLD},
	};
	const size_t n = sizeof(expected) / sizeof(expected[0]);
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = watch_run(&w, fork_in_all_ways, NULL, &status);
	assert_int_equal(watch_count(&w, TERCEL_FORK, pid), n);
	for (size_t i = 0; i < n; i++) {
		const struct tercel_fork *f = watch_find(&w, TERCEL_FORK, pid, i);
		const struct tercel_exit *x;

		assert_int_equal(f->syscall, expected[i].syscall);
		assert_int_equal(f->clone_flags, expected[i].flags);
		assert_int_equal(f->child_ppid, pid);
		assert_int_equal(f->ppid, getpid());
		assert_int_equal(f->child_tid, f->child_tgid);
		assert_int_equal(f->child_tid_in_parent_ns, f->child_tid);
		assert_int_equal(f->parent_vtid, pid);
		assert_int_equal(f->parent_vtgid, pid);
		assert_int_equal(f->uid, getuid());
		assert_int_equal(f->gid, getgid());
		assert_int_equal(f->is_thread, 0);
		assert_int_equal(f->is_kthread, 0);
		assert_int_equal(f->child_new_pidns, 0);
		assert_in_range(f->child_exec_id.ktime - f->child_start_time, 0, 1000);
		assert_true(f->vm_size > 0);
		x = watch_find(&w, TERCEL_EXIT, (pid_t)f->child_tid, 0);
		assert_non_null(x);
		assert_memory_equal(&x->hdr.exec_id, &f->child_exec_id, sizeof(f->child_exec_id));
	}
	watch_close(&w);
}

static int clone_sibling(void *arg)
{
	const pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);

	(void)arg;
	_exit(pid < 0);
}

static void a_child_made_for_the_parent_has_the_parents_parent(void **state)
{
	const struct tercel_fork *f;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = watch_run(&w, clone_sibling, NULL, &status);
	f = watch_find(&w, TERCEL_FORK, pid, 0);
	assert_non_null(f);
	assert_int_equal(f->child_ppid, getpid());
	assert_int_equal(f->ppid, getpid());
	assert_int_equal(waitpid((pid_t)f->child_tid, &status, 0), f->child_tid);
	watch_close(&w);
}

static int fork_into_new_pidns(void *arg)
{
	char *const args[] = {"true", NULL};
	int status;
	pid_t pid;

	(void)arg;
	if (unshare(CLONE_NEWPID))
		return 2;
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0) {
			execv("/bin/true", args);
			_exit(127);
		}
		(void)waitpid(pid, NULL, 0);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	return 0;
}

static void ids_in_a_pid_namespace_are_those_of_the_process_there(void **state)
{
	const struct tercel_fork *init, *second;
	const struct tercel_exec *e;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = watch_run(&w, fork_into_new_pidns, NULL, &status);
	assert_int_equal(status, 0);
	init = watch_find(&w, TERCEL_FORK, pid, 0);
	assert_non_null(init);
	assert_int_equal(init->child_vtid, 1);
	assert_int_equal(init->child_vtgid, 1);
	assert_int_equal(init->child_tid_in_parent_ns, init->child_tid);
	assert_int_equal(init->child_new_pidns, 1);
	assert_int_equal(init->pidns_start, init->child_start_time);
	second = watch_find(&w, TERCEL_FORK, (pid_t)init->child_tid, 0);
	assert_non_null(second);
	assert_int_equal(second->child_tid_in_parent_ns, 2);
	assert_int_equal(second->child_vtid, 2);
	assert_int_equal(second->parent_vtid, 1);
	assert_int_equal(second->child_new_pidns, 0);
	e = watch_find(&w, TERCEL_EXEC, (pid_t)second->child_tid, 0);
	assert_non_null(e);
	assert_int_equal(e->vtid, 2);
	assert_int_equal(e->proc.vtgid, 2);
	assert_int_equal(e->proc.vsid, 0);
	assert_int_equal(e->proc.pidns_start, init->child_start_time);
	watch_close(&w);
}

/* ---- exit --------------------------------------------------------------------------------------------- */

static int exit_with_7(void *arg)
{
	(void)arg;
	return 7;
}

static int die_by_signal(void *arg)
{
	const struct rlimit none = {0, 0};

	(void)arg;
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)kill(getpid(), SIGTERM);
	return 1;
}

static void an_exit_record_has_the_status_that_wait_returns(void **state)
{
	int (*const acts[])(void *) = {exit_with_7, die_by_signal};
	struct watch w;

	(void)state;
	watch_open(&w);
	for (size_t i = 0; i < 2; i++) {
		int status;
		const pid_t pid = watch_run(&w, acts[i], NULL, &status);
		const struct tercel_exit *x = watch_find(&w, TERCEL_EXIT, pid, 0);

		assert_int_equal(x->exit_code, status);
		assert_int_equal(x->group_dead, 1);
		assert_int_equal(x->reaper_tid, 0);
	}
	watch_close(&w);
}

static int orphan_a_child(void *arg)
{
	int pipes[2];
	char c;

	(void)arg;
	if (pipe(pipes))
		return 1;
	if (fork() == 0) {
		/* Lives until its parent's end closes the pipe. */
		(void)close(pipes[1]);
		_exit(read(pipes[0], &c, PARENT_PIPE_BYTES) == 0 ? 0 : 1);
	}
	return 0;
}

static void who_takes_over_the_children_is_told(void **state)
{
	const struct tercel_fork *f;
	const struct tercel_exit *x;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	watch_open(&w);
	pid = watch_run(&w, orphan_a_child, NULL, &status);
	x = watch_find(&w, TERCEL_EXIT, pid, 0);
	f = watch_find(&w, TERCEL_FORK, pid, 0);
	assert_int_equal(x->reaper_tid, getpid());
	assert_non_null(f);
	assert_int_equal(waitpid((pid_t)f->child_tid, NULL, 0), f->child_tid);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_exec_record_says_what_proc_says),
	        cmocka_unit_test(the_terminal_of_a_process_is_told),
	        cmocka_unit_test(a_process_that_ran_before_is_seeded_with_its_strings),
	        cmocka_unit_test(every_thread_that_ran_before_is_seeded),
	        cmocka_unit_test(long_arguments_are_cut_and_flagged),
	        cmocka_unit_test(a_directory_deeper_than_the_limits_is_flagged),
	        cmocka_unit_test(an_exec_from_memory_is_flagged),
	        cmocka_unit_test(an_unlinked_executable_keeps_its_old_path_and_is_flagged),
	        cmocka_unit_test(whether_the_executable_is_writable_depends_on_who_runs_it),
	        cmocka_unit_test(the_layer_and_the_path_of_an_executable_on_an_overlay_are_told),
	        cmocka_unit_test(an_exec_that_fails_makes_no_record),
	        cmocka_unit_test(an_exec_by_another_thread_keeps_the_process),
	        cmocka_unit_test(a_process_ends_once_however_its_threads_race),
	        cmocka_unit_test(a_fork_record_names_the_call_and_its_flags),
	        cmocka_unit_test(a_child_made_for_the_parent_has_the_parents_parent),
	        cmocka_unit_test(ids_in_a_pid_namespace_are_those_of_the_process_there),
	        cmocka_unit_test(an_exit_record_has_the_status_that_wait_returns),
	        cmocka_unit_test(who_takes_over_the_children_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
