// SPDX-License-Identifier: Apache-2.0
/* OPEN, CONNECT, SOCKET, CHDIR and CGROUP records against what the system calls themselves say. */
#include "watch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "tests/kernel/int80.h"

#include "bpf/cgroup_path.h"
#include <bpf/bpf.h>

/* Shared with the children: what they did and what came of it. */
struct act {
	char dir[64];
	struct {
		long ret; /* descriptor or -errno */
		struct stat st;
	} open[16];
	uint16_t port;
};

static struct act *act_new(void)
{
	struct act *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(a, MAP_FAILED);
	(void)snprintf(a->dir, sizeof(a->dir), "/tmp/tercel-calls-XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	return a;
}

static void act_free(struct act *a)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/new", a->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/creat", a->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/socket", a->dir);
	(void)unlink(path);
	assert_int_equal(rmdir(a->dir), 0);
	(void)munmap(a, sizeof(*a));
}

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* ---- opens -------------------------------------------------------------------------------------------- */

static void note_open(struct act *a, int i, long ret)
{
	a->open[i].ret = result(ret);
	if (ret >= 0)
		(void)fstat((int)ret, &a->open[i].st);
}

static int open_in_all_ways(void *arg)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	struct act *a = arg;
	int dir, i = 0;

	if (chdir(a->dir))
		return 1;
	dir = open("/etc", O_RDONLY | O_DIRECTORY);
	note_open(a, i++, syscall(SYS_openat, AT_FDCWD, "new", O_WRONLY | O_CREAT | O_EXCL, 0640));
	note_open(a, i++, syscall(SYS_openat, AT_FDCWD, "new", O_WRONLY | O_CREAT | O_EXCL, 0640));
	note_open(a, i++, syscall(SYS_openat, AT_FDCWD, "./../../etc/hostname", O_RDONLY));
	note_open(a, i++, syscall(SYS_openat, dir, "passwd", O_RDONLY, 0777));
	note_open(a, i++, syscall(SYS_openat, 12345, "passwd", O_RDWR));
	note_open(a, i++, syscall(SYS_openat, AT_FDCWD, "/no/such/file", O_RDONLY));
	note_open(a, i++, syscall(SYS_openat, AT_FDCWD, (void *)8, O_RDONLY));
	note_open(a, i++, syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof(how)));
	note_open(a, i++, syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", (void *)8, sizeof(how)));
#ifdef SYS_open
	note_open(a, i++, syscall(SYS_open, "new", O_RDWR | O_TRUNC, 0644));
	note_open(a, i++, syscall(SYS_creat, "creat", 0600));
#endif
	return 0;
}

struct expected_open {
	const char *path;
	uint32_t syscall;
	uint64_t flags;
	uint32_t mode, flag_bits, file_flags;
	int32_t dirfd;
	uint64_t resolve;
};

static void assert_open(const struct tercel_open *o, const struct expected_open *e, long ret, const struct stat *st)
{
	assert_non_null(o);
	assert_span(o, o->path, e->path);
	assert_int_equal(o->ret, ret);
	assert_int_equal(o->syscall, e->syscall);
	assert_int_equal(o->flags, e->flags);
	assert_int_equal(o->mode, e->mode);
	assert_int_equal(o->dirfd, e->dirfd);
	assert_int_equal(o->resolve, e->resolve);
	assert_int_equal(o->hdr.flags & ~(uint32_t)TERCEL_F_PROC_UNKNOWN, e->flag_bits);
	assert_int_equal(o->file_flags, e->file_flags);
	assert_int_equal(o->ino, ret >= 0 ? st->st_ino : 0);
	if (ret >= 0) {
		assert_int_equal(o->dev >> 20, major(st->st_dev));
		assert_int_equal(o->dev & 0xfffff, minor(st->st_dev));
	} else {
		assert_int_equal(o->dev, 0);
	}
}

static void check_opens(const struct load_options *options)
{
	const struct sensor_config config = {.records = ALL_RECORDS, .open_reads = true};
	static const struct expected_open expected[] = {
	        {"new", TERCEL_SYS_OPENAT, O_WRONLY | O_CREAT | O_EXCL, 0640, 0, TERCEL_FILE_CREATED, AT_FDCWD, 0},
	        {"new", TERCEL_SYS_OPENAT, O_WRONLY | O_CREAT | O_EXCL, 0640, 0, 0, AT_FDCWD, 0},
	        {"./../../etc/hostname", TERCEL_SYS_OPENAT, O_RDONLY, 0, 0, 0, AT_FDCWD, 0},
	        {"passwd", TERCEL_SYS_OPENAT, O_RDONLY, 0, 0, 0, -2 /* the descriptor of /etc */, 0},
	        {"passwd", TERCEL_SYS_OPENAT, O_RDWR, 0, 0, 0, 12345, 0},
	        {"/no/such/file", TERCEL_SYS_OPENAT, O_RDONLY, 0, 0, 0, AT_FDCWD, 0},
	        {"", TERCEL_SYS_OPENAT, O_RDONLY, 0, TERCEL_F_FAULT_PATH, 0, AT_FDCWD, 0},
	        {"/etc/passwd", TERCEL_SYS_OPENAT2, O_RDONLY | O_CLOEXEC, 0, 0, 0, AT_FDCWD, RESOLVE_NO_SYMLINKS},
	        {"/etc/passwd", TERCEL_SYS_OPENAT2, 0, 0, TERCEL_F_FAULT_PATH, 0, AT_FDCWD, 0},
#ifdef SYS_open
	        {"new", TERCEL_SYS_OPEN, O_RDWR | O_TRUNC, 0, 0, 0, AT_FDCWD, 0},
	        {"creat", TERCEL_SYS_CREAT, O_CREAT | O_WRONLY | O_TRUNC, 0600, 0, TERCEL_FILE_CREATED, AT_FDCWD, 0},
#endif
	};
	const size_t n = sizeof(expected) / sizeof(expected[0]);
	struct act *a = act_new();
	struct watch w;
	int status;
	pid_t pid;

	watch_open_with(&w, &config, options);
	pid = watch_run(&w, open_in_all_ways, a, &status);
	assert_int_equal(status, 0);
	/* One more, before: the child's own of /etc. */
	assert_int_equal(watch_count(&w, TERCEL_OPEN, pid), n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct tercel_open *etc = watch_find(&w, TERCEL_OPEN, pid, 0);
		struct expected_open e = expected[i];

		if (e.dirfd == -2)
			e.dirfd = (int32_t)etc->ret;
		assert_open(watch_find(&w, TERCEL_OPEN, pid, i + 1), &e, a->open[i].ret, &a->open[i].st);
	}
	watch_close(&w);
	act_free(a);
}

static void an_open_record_says_what_was_asked_and_what_came_of_it(void **state)
{
	(void)state;
	check_opens(&(struct load_options){.backend = CAPTURE_SYS_EXIT});
}

/* In a mount namespace of the test's own, where nobody else sees tracefs. */
static void one_tracepoint_for_each_call_makes_the_same_records(void **state)
{
	(void)state;
	if (access("/sys/kernel/tracing/events/syscalls", R_OK) != 0 &&
	    (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	     mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL)))
		skip();
	check_opens(&(struct load_options){.backend = CAPTURE_TRACEPOINT});
}

static void reads_are_filtered_unless_asked_for(void **state)
{
	const struct sensor_config config = {.records = ALL_RECORDS};
	struct act *a = act_new();
	struct tercel_stats before, after;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open_with(&w, &config, &(struct load_options){0});
	assert_int_equal(sensor_stats(w.sensor, &before), 0);
	pid = watch_run(&w, open_in_all_ways, a, &status);
	assert_int_equal(sensor_stats(w.sensor, &after), 0);
	/* /etc, hostname, passwd by dirfd, passwd by openat2. */
	assert_true(after.filtered[TERCEL_OPEN] - before.filtered[TERCEL_OPEN] >= 4);
	for (size_t i = 0; i < watch_count(&w, TERCEL_OPEN, pid); i++) {
		const struct tercel_open *o = watch_find(&w, TERCEL_OPEN, pid, i);

		assert_true(o->ret < 0 || (o->flags & (O_ACCMODE | O_CREAT | O_TRUNC)));
	}
	watch_close(&w);
	act_free(a);
}

static int open_on_overlay(void *arg)
{
	struct act *a = arg;
	char options[256];
	const char *dirs[] = {"lower", "upper", "work", "merged"};

	/* Lives and dies with the mount namespace. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", a->dir, "tmpfs", 0, NULL) || chdir(a->dir))
		return 2;
	for (int i = 0; i < 4; i++)
		if (mkdir(dirs[i], 0755))
			return 2;
	(void)close(open("lower/old", O_WRONLY | O_CREAT, 0644));
	(void)snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", a->dir, a->dir,
	               a->dir);
	if (mount("overlay", "merged", "overlay", 0, options))
		return 2;
	note_open(a, 0, open("merged/old", O_RDONLY));
	note_open(a, 1, open("merged/new", O_WRONLY | O_CREAT, 0644));
	return 0;
}

static void the_layer_of_an_overlay_is_told(void **state)
{
	const struct tercel_open *lower, *upper;
	struct act *a = act_new();
	struct watch w;
	int status;
	size_t n;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = watch_run(&w, open_on_overlay, a, &status);
	if (WEXITSTATUS(status) == 2) {
		watch_close(&w);
		act_free(a);
		skip();
	}
	n = watch_count(&w, TERCEL_OPEN, pid);
	lower = watch_find(&w, TERCEL_OPEN, pid, n - 2);
	upper = watch_find(&w, TERCEL_OPEN, pid, n - 1);
	assert_span(lower, lower->path, "merged/old");
	assert_int_equal(lower->file_flags, TERCEL_FILE_LOWER_LAYER);
	assert_span(upper, upper->path, "merged/new");
	assert_int_equal(upper->file_flags, TERCEL_FILE_UPPER_LAYER | TERCEL_FILE_CREATED);
	watch_close(&w);
	act_free(a);
}

/* ---- directories -------------------------------------------------------------------------------------- */

static int change_directories(void *arg)
{
	const int fd = open("/usr/share", O_RDONLY | O_DIRECTORY);

	(void)arg;
	if (chdir("/usr/../etc") || chdir("no-such-directory") == 0 || fchdir(fd) || chroot("/usr") || chdir("/share"))
		return 1;
	return fd;
}

static void a_chdir_record_has_the_directory_after_it(void **state)
{
	static const struct {
		const char *path, *cwd;
		int ret;
	} expected[] = {
	        {"/usr/../etc", "/etc", 0},
	        {"no-such-directory", "/etc", -ENOENT},
	        {"", "/usr/share", 0},
	        /* In the caller's root. */
	        {"/share", "/share", 0},
	};
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = watch_run(&w, change_directories, NULL, &status);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const struct tercel_chdir *c = watch_find(&w, TERCEL_CHDIR, pid, i);

		assert_non_null(c);
		assert_int_equal(c->syscall, expected[i].path[0] ? TERCEL_SYS_CHDIR : TERCEL_SYS_FCHDIR);
		assert_int_equal(c->ret, expected[i].ret);
		assert_int_equal(c->fd, expected[i].path[0] ? -1 : WEXITSTATUS(status));
		assert_span(c, c->path, expected[i].path);
		assert_span(c, c->cwd, expected[i].cwd);
	}
	watch_close(&w);
}

/* ---- sockets ------------------------------------------------------------------------------------------ */

static int must_socket(int family, int type, int protocol)
{
	const int fd = socket(family, type, protocol);

	if (fd < 0)
		abort();
	return fd;
}

static int listen_on_loopback(int family, uint16_t *port)
{
	const int fd = must_socket(family, SOCK_STREAM, 0);
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	socklen_t len = sizeof(any);

	if (family == AF_INET)
		((struct sockaddr_in *)&any)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&any)->sin6_addr = in6addr_loopback;
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	*port = ntohs(((struct sockaddr_in *)&any)->sin_port);
	return fd;
}

struct connects {
	struct act *act;
	struct sockaddr_in listening, refusing;
	struct sockaddr_in6 listening6;
	struct sockaddr_un named;
	uint16_t local_port, local_port6;
};

static uint16_t local_port(int fd)
{
	struct sockaddr_in6 name = {0};
	socklen_t len = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &len))
		return 0;
	return ntohs(name.sin6_port);
}

static int connect_in_all_ways(void *arg)
{
	struct connects *c = arg;
	int fd = must_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (connect(fd, (struct sockaddr *)&c->listening, sizeof(c->listening)))
		return 1;
	c->local_port = local_port(fd);
	fd = must_socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&c->refusing, sizeof(c->refusing)) == 0)
		return 1;
	fd = must_socket(AF_INET6, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&c->listening6, sizeof(c->listening6)))
		return 1;
	c->local_port6 = local_port(fd);
	fd = must_socket(AF_INET, SOCK_DGRAM, 0);
	if (connect(fd, (struct sockaddr *)&c->listening, sizeof(c->listening)))
		return 1;
	fd = must_socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&c->named, sizeof(c->named)))
		return 1;
	if (connect(999, (struct sockaddr *)&c->listening, sizeof(c->listening)) == 0 ||
	    connect(fd, (void *)8, 16) == 0)
		return 1;
	fd = socket(AF_INET + 10000, SOCK_STREAM, 0);
	return fd == -1 ? 0 : 1;
}

static const uint8_t loopback4[16] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};

static void assert_endpoint(const struct tercel_endpoint *e, int family, const uint8_t addr[16], uint16_t port)
{
	assert_int_equal(e->family, family);
	assert_memory_equal(e->addr, addr, 16);
	assert_int_equal(e->port, port);
}

static void assert_connects(const struct watch *w, pid_t pid, const struct connects *c)
{
	const struct tercel_connect *r = watch_find(w, TERCEL_CONNECT, pid, 0);

	assert_int_equal(watch_count(w, TERCEL_CONNECT, pid), 7);
	assert_int_equal(r->ret, 0);
	assert_int_equal(r->family, AF_INET);
	assert_int_equal(r->sock_type, SOCK_STREAM);
	assert_int_equal(r->protocol, IPPROTO_TCP);
	assert_int_equal(r->addr_len, sizeof(c->listening));
	assert_memory_equal(r->addr, &c->listening, sizeof(c->listening));
	assert_endpoint(&r->remote, AF_INET, loopback4, ntohs(c->listening.sin_port));
	assert_endpoint(&r->local, AF_INET, loopback4, c->local_port);

	r = watch_find(w, TERCEL_CONNECT, pid, 1);
	assert_int_equal(r->ret, -ECONNREFUSED);
	assert_memory_equal(r->addr, &c->refusing, sizeof(c->refusing));

	r = watch_find(w, TERCEL_CONNECT, pid, 2);
	assert_int_equal(r->ret, 0);
	assert_int_equal(r->family, AF_INET6);
	assert_int_equal(r->addr_len, sizeof(c->listening6));
	assert_endpoint(&r->remote, AF_INET6, loopback6, ntohs(c->listening6.sin6_port));
	assert_endpoint(&r->local, AF_INET6, loopback6, c->local_port6);

	r = watch_find(w, TERCEL_CONNECT, pid, 3);
	assert_int_equal(r->sock_type, SOCK_DGRAM);
	assert_int_equal(r->protocol, IPPROTO_UDP);
	assert_endpoint(&r->remote, AF_INET, loopback4, ntohs(c->listening.sin_port));

	r = watch_find(w, TERCEL_CONNECT, pid, 4);
	assert_int_equal(r->ret, 0);
	assert_int_equal(r->family, AF_UNIX);
	assert_true(r->unix_sock && r->unix_peer && r->unix_sock != r->unix_peer);
	assert_memory_equal(r->addr, &c->named, sizeof(c->named));

	r = watch_find(w, TERCEL_CONNECT, pid, 5);
	assert_int_equal(r->ret, -EBADF);
	assert_int_equal(r->fd, 999);
	assert_int_equal(r->family, 0);

	r = watch_find(w, TERCEL_CONNECT, pid, 6);
	assert_int_equal(r->ret, -EFAULT);
	assert_true(r->hdr.flags & TERCEL_F_FAULT_PATH);
	assert_int_equal(r->addr_len, 0);
}

static void assert_sockets(const struct watch *w, pid_t pid)
{
	const struct tercel_socket *s = watch_find(w, TERCEL_SOCKET, pid, 0);
	const struct tercel_connect *r = watch_find(w, TERCEL_CONNECT, pid, 0);

	assert_int_equal(watch_count(w, TERCEL_SOCKET, pid), 6);
	assert_int_equal(s->ret, r->fd);
	assert_int_equal(s->domain, AF_INET);
	assert_int_equal(s->sock_type, SOCK_STREAM | SOCK_CLOEXEC);
	assert_int_equal(s->protocol, IPPROTO_TCP);
	s = watch_find(w, TERCEL_SOCKET, pid, 5);
	assert_int_equal(s->ret, -EAFNOSUPPORT);
	assert_int_equal(s->domain, AF_INET + 10000);
}

static void a_connect_record_has_both_ends_and_failures_too(void **state)
{
	struct act *a = act_new();
	struct connects *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, fd4, fd6, fdu, closed;
	struct watch w;
	uint16_t port;
	pid_t pid;

	(void)state;
	c->listening.sin_family = c->refusing.sin_family = AF_INET;
	c->listening.sin_addr.s_addr = c->refusing.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->listening6.sin6_family = AF_INET6;
	c->listening6.sin6_addr = in6addr_loopback;
	fd4 = listen_on_loopback(AF_INET, &port);
	c->listening.sin_port = htons(port);
	fd6 = listen_on_loopback(AF_INET6, &port);
	c->listening6.sin6_port = htons(port);
	/* A port that was ours a moment ago. */
	closed = listen_on_loopback(AF_INET, &port);
	c->refusing.sin_port = htons(port);
	(void)close(closed);
	c->named.sun_family = AF_UNIX;
	(void)snprintf(c->named.sun_path, sizeof(c->named.sun_path), "%s/socket", a->dir);
	fdu = must_socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fdu, (struct sockaddr *)&c->named, sizeof(c->named)), 0);
	assert_int_equal(listen(fdu, 1), 0);

	watch_open(&w);
	pid = watch_run(&w, connect_in_all_ways, c, &status);
	assert_int_equal(status, 0);
	assert_connects(&w, pid, c);
	assert_sockets(&w, pid);
	watch_close(&w);
	(void)close(fd4);
	(void)close(fd6);
	(void)close(fdu);
	(void)munmap(c, sizeof(*c));
	act_free(a);
}

/* ---- 32-bit calls ------------------------------------------------------------------------------------- */

#ifdef __x86_64__
static int call_as_32_bit(void *arg)
{
	uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long path = (long)(low + 16), ret;

	(void)arg;
	if (low == MAP_FAILED)
		return 1;
	memcpy(low + 16, "/no/such/32-bit/file", sizeof("/no/such/32-bit/file"));
	/* i386: 20 is getpid, 5 is open, 102 is socketcall (1: socket), 2 is fork. 64-bit 5 and 102 are fstat and
	 * getuid. */
	ret = int80(20, 0, 0, 0);
	if (ret != getpid())
		return 2; /* no 32-bit calls in this kernel */
	if (int80(5, path, O_RDWR, 0) != -ENOENT)
		return 1;
	low[0] = AF_UNIX;
	low[1] = SOCK_DGRAM;
	low[2] = 0;
	ret = int80(102, 1, (long)low, 0);
	return ret < 0 ? 1 : 0;
}

static void calls_through_the_32_bit_table_are_not_misread(void **state)
{
	const struct tercel_socket *s;
	const struct tercel_open *o;
	struct watch w;
	int status;
	pid_t pid;

	(void)state;
	watch_open(&w);
	pid = watch_run(&w, call_as_32_bit, NULL, &status);
	if (status) {
		/* Without the 32-bit table the child dies of SIGSEGV or gets an error. */
		watch_close(&w);
		skip();
	}
	assert_int_equal(watch_count(&w, TERCEL_OPEN, pid), 1);
	o = watch_find(&w, TERCEL_OPEN, pid, 0);
	assert_span(o, o->path, "/no/such/32-bit/file");
	assert_int_equal(o->syscall, TERCEL_SYS_OPEN);
	assert_int_equal(o->flags, O_RDWR);
	assert_int_equal(o->ret, -ENOENT);
	assert_true(o->hdr.flags & TERCEL_F_COMPAT);
	assert_int_equal(watch_count(&w, TERCEL_SOCKET, pid), 1);
	s = watch_find(&w, TERCEL_SOCKET, pid, 0);
	assert_int_equal(s->domain, AF_UNIX);
	assert_int_equal(s->sock_type, SOCK_DGRAM);
	assert_true(s->hdr.flags & TERCEL_F_COMPAT);
	watch_close(&w);
}
#endif

/* ---- cgroups ------------------------------------------------------------------------------------------ */

#define ID "5e3a1c0000000000000000000000000000000000000000000000000000c0ffee"

static int join_and_fork(void *arg)
{
	char path[512];
	_autoclose_ int fd = -1;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", (const char *)arg);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		return 1;
	pid = fork();
	if (pid == 0)
		_exit(0);
	return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}

static void cleanup_cgroup(char (*dir)[512])
{
	if ((*dir)[0])
		(void)rmdir(*dir);
}

static void a_cgroup_is_told_and_classified_at_first_sight_and_forgotten(void **state)
{
	char root[256], text[512];
	__attribute__((cleanup(cleanup_cgroup))) char dir[512] = "";
	struct tercel_cgroup_info info;
	const struct tercel_cgroup *g;
	const struct tercel_fork *f;
	struct watch w;
	struct stat st;
	int status;
	uint64_t id;
	pid_t pid;

	(void)state;
	find_cgroup2(root, sizeof(root));
	(void)snprintf(dir, sizeof(dir), "%s/docker-" ID ".scope", root);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(stat(dir, &st), 0);
	watch_open(&w);
	pid = watch_run(&w, join_and_fork, dir, &status);
	assert_int_equal(status, 0);
	f = watch_find(&w, TERCEL_FORK, pid, 0);
	assert_non_null(f);
	assert_int_equal(f->cgroup_id, st.st_ino);
	id = f->cgroup_id;
	for (size_t i = 0; (g = watch_find(&w, TERCEL_CGROUP, 0, i)) && g->cgroup_id != id; i++)
		;
	assert_non_null(g);
	if (!g)
		return;
	assert_string_equal(span_text(g, g->path, text, sizeof(text)), strrchr(dir, '/'));
	assert_int_equal(g->hdr.flags, 0);
	assert_int_equal(bpf_map_lookup_elem(sensor_map_fd(w.sensor, "cgroups"), &id, &info), 0);
	assert_int_equal(info.state, TERCEL_CGROUP_CONTAINER);
	assert_string_equal(info.container_id, ID);
	/* Removing the directory removes what is known of it. */
	assert_int_equal(rmdir(dir), 0);
	dir[0] = '\0';
	assert_int_equal(bpf_map_lookup_elem(sensor_map_fd(w.sensor, "cgroups"), &id, &info), -ENOENT);
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_open_record_says_what_was_asked_and_what_came_of_it),
	        cmocka_unit_test(one_tracepoint_for_each_call_makes_the_same_records),
	        cmocka_unit_test(reads_are_filtered_unless_asked_for),
	        cmocka_unit_test(the_layer_of_an_overlay_is_told),
	        cmocka_unit_test(a_chdir_record_has_the_directory_after_it),
	        cmocka_unit_test(a_connect_record_has_both_ends_and_failures_too),
#ifdef __x86_64__
	        cmocka_unit_test(calls_through_the_32_bit_table_are_not_misread),
#endif
	        cmocka_unit_test(a_cgroup_is_told_and_classified_at_first_sight_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
