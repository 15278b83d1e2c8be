/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions at the hooks of the BPF LSM: at each of them the same act succeeds and is reported (monitor), fails with
 * nothing done (enforce), and its neighbour is untouched. Skipped where the BPF LSM is not in force.
 */
#include "decide.h"

#include <sys/un.h>

#include <linux/openat2.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* In the scratch directory: files `secret` and `other`, directories `secret.d` and `other.d`. */
static void remove_files(void)
{
	static const char *const names[] = {"secret",      "other",      "secret.new", "other.new",   "secret.link",
	                                    "other.link",  "secret.sym", "other.sym",  "secret.fifo", "other.fifo",
	                                    "secret.hard", "fresh",      "script"};
	static const char *const dirs[] = {"secret.d/below", "secret.d", "other.d", "secret.made", "other.made"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		in_work(path, sizeof(path), names[i]);
		unlink(path);
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		in_work(path, sizeof(path), dirs[i]);
		rmdir(path);
	}
}

/* A path in the scratch directory; four of them are valid at a time. */
static const char *at(const char *name, const char *more)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s%s", work, name, more);
	return path;
}

static bool is_secret(const char *name)
{
	return strcmp(name, "secret") == 0;
}

static void make_files(void)
{
	static const char *const names[] = {"secret", "other"};
	char path[PATH_MAX];

	remove_files();
	for (size_t i = 0; i < 2; i++) {
		int fd;

		in_work(path, sizeof(path), names[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_int_equal(write(fd, "text", 4), 4);
		close(fd);
		assert_int_equal(mkdir(at(names[i], ".d"), 0755), 0);
	}
}

/* Puts the rule in force; '@' in its condition is the scratch directory. */
static void rule(const char *condition, const char *policy_text)
{
	_autobuf_ struct buf text = BUF_INIT;

	for (const char *c = condition; *c; c++)
		if (*c == '@')
			buf_adds(&text, work);
		else
			buf_addc(&text, *c);
	apply_one(buf_str(&text), policy_text);
}

static int answer(long result)
{
	return result < 0 ? errno : 0;
}

/* ---- acts: on `name`, secret or other; 0 or the error ------------------------------------------------------------ */

static int open_to_write(const char *name)
{
	return answer(open(at(name, ""), O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static bool is_empty(const char *name)
{
	struct stat st;

	return stat(at(name, ""), &st) == 0 && st.st_size == 0;
}

static int start(const char *name)
{
	const char *path = at(is_secret(name) ? "tctarget" : "tctargex", "");

	return answer(execl(path, path, at("marker", ""), NULL));
}

static bool has_run(const char *name)
{
	(void)name;
	return marker_exists();
}

static int do_unlink(const char *name)
{
	return answer(unlink(at(name, "")));
}

static bool is_gone(const char *name)
{
	return access(at(name, ""), F_OK) != 0;
}

static int do_rmdir(const char *name)
{
	return answer(rmdir(at(name, ".d")));
}

static bool is_directory_gone(const char *name)
{
	return access(at(name, ".d"), F_OK) != 0;
}

static int do_rename(const char *name)
{
	return answer(rename(at(name, ""), at(name, ".new")));
}

static int do_link(const char *name)
{
	return answer(link(at(name, ""), at(name, ".link")));
}

static bool has_link(const char *name)
{
	return access(at(name, ".link"), F_OK) == 0;
}

static int do_symlink(const char *name)
{
	char target[64];

	snprintf(target, sizeof(target), "/etc/%s", name);
	return answer(symlink(target, at(name, ".sym")));
}

static bool has_symlink(const char *name)
{
	struct stat st;

	return lstat(at(name, ".sym"), &st) == 0;
}

static int do_mkdir(const char *name)
{
	return answer(mkdir(at(name, ".made"), 0755));
}

static bool has_directory(const char *name)
{
	return access(at(name, ".made"), F_OK) == 0;
}

static int do_mknod(const char *name)
{
	return answer(mknod(at(name, ".fifo"), S_IFIFO | 0644, 0));
}

static bool has_fifo(const char *name)
{
	return access(at(name, ".fifo"), F_OK) == 0;
}

static int do_chmod(const char *name)
{
	return answer(chmod(at("secret", ""), is_secret(name) ? 04755 : 0755));
}

static bool is_changed(const char *name)
{
	struct stat st;

	(void)name;
	return stat(at("secret", ""), &st) == 0 && (st.st_mode & 0111);
}

static int do_chown(const char *name)
{
	return answer(chown(at(name, ""), 12, 12));
}

static bool is_given_away(const char *name)
{
	struct stat st;

	return stat(at(name, ""), &st) == 0 && st.st_uid == 12;
}

static int make_socket(const char *name)
{
	return answer(socket(is_secret(name) ? AF_PACKET : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int load_module_file(const char *name)
{
	int fd = open(at(name, ""), O_RDONLY | O_CLOEXEC);

	return fd < 0 ? 99 : answer(syscall(SYS_finit_module, fd, "", 0));
}

static int load_module_data(const char *name)
{
	static char nothing[4096];
	int fd;

	if (is_secret(name))
		return answer(syscall(SYS_init_module, nothing, sizeof(nothing), ""));
	fd = open(at(name, ""), O_RDONLY | O_CLOEXEC);
	return answer(syscall(SYS_finit_module, fd, "", 0));
}

static int call_bpf(const char *name)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	union bpf_attr next = {0};

	if (is_secret(name))
		return answer(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
	return answer(syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &next, sizeof(next)));
}

static int trace(const char *name)
{
	pid_t child = fork();
	int r;

	if (child == 0) {
		pause();
		_exit(0);
	}
	r = answer(ptrace(is_secret(name) ? PTRACE_ATTACH : PTRACE_SEIZE, child, 0, 0));
	kill(child, SIGKILL);
	return r;
}

static int be_traced(const char *name)
{
	return is_secret(name) ? answer(ptrace(PTRACE_TRACEME, 0, 0, 0)) : trace("other");
}

static int do_mount(const char *name)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 99;
	return answer(mount(name, at(name, ".d"), "tmpfs", MS_NOSUID, NULL));
}

static int send_signal(const char *name)
{
	signal(SIGUSR1, SIG_IGN);
	return answer(kill(getpid(), is_secret(name) ? SIGUSR1 : SIGURG));
}

static int make_userfaultfd(const char *name)
{
	if (!is_secret(name))
		return answer(memfd_create("other", MFD_CLOEXEC));
	return answer(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int become(const char *name)
{
	return answer(setuid(is_secret(name) ? 1234 : 1235));
}

static int some_socket(int family, int type, int protocol)
{
	const int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		_exit(98);
	return fd;
}

static int stream_socket(int family)
{
	return some_socket(family, SOCK_STREAM, 0);
}

/* Of a stream: the port tells secret from other. */
#define SECRET_PORT 46801

static int bound_socket(const char *name, int family, int *error)
{
	const uint16_t to = htons(is_secret(name) ? SECRET_PORT : SECRET_PORT + 1);
	const struct sockaddr_in in = {
	        .sin_family = AF_INET, .sin_port = to, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = to, .sin6_addr = IN6ADDR_ANY_INIT};
	const bool four = family == AF_INET;
	const int fd = stream_socket(family), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	*error = answer(bind(fd, four ? (const void *)&in : (const void *)&in6, four ? sizeof(in) : sizeof(in6)));
	return fd;
}

static int do_bind(const char *name)
{
	int error;

	(void)bound_socket(name, AF_INET, &error);
	return error;
}

static int do_bind6(const char *name)
{
	int error;

	(void)bound_socket(name, AF_INET6, &error);
	return error;
}

/* What is told of a peer: of loopback, the port tells secret from other. */
static struct sockaddr_in peer_of(const char *name)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_port = htons(is_secret(name) ? SECRET_PORT : SECRET_PORT + 1),
	                            .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

/* What passes no hook of a cgroup: of IP itself, of TCP without TCP, and of a protocol for experiments (RFC 3692). */
static int connect_raw(const char *name)
{
	const struct sockaddr_in to = peer_of(name);

	return answer(connect(some_socket(AF_INET, SOCK_RAW, IPPROTO_RAW), (const void *)&to, sizeof(to)));
}

static int connect_raw_tcp(const char *name)
{
	const struct sockaddr_in to = peer_of(name);

	return answer(connect(some_socket(AF_INET, SOCK_RAW, IPPROTO_TCP), (const void *)&to, sizeof(to)));
}

static int connect_experiment(const char *name)
{
	const struct sockaddr_in to = peer_of(name);

	return answer(connect(some_socket(AF_INET, SOCK_RAW, 253), (const void *)&to, sizeof(to)));
}

/* To a path where nobody listens; the other one is no such socket. */
static int connect_unix(const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (!is_secret(name))
		return connect_raw(name) ? 99 : ENOENT;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", at(name, ".sock"));
	return answer(connect(some_socket(AF_UNIX, SOCK_DGRAM, 0), (const void *)&to, sizeof(to)));
}

/* The other one is another call: of another port nobody knows whether it is that of the local end. */
static int send_datagram(const char *name)
{
	struct sockaddr_in to = peer_of("secret");
	struct iovec text = {.iov_base = "x", .iov_len = 1};
	const struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &text, .msg_iovlen = 1};
	const int fd = some_socket(AF_INET, SOCK_DGRAM, 0);

	if (!is_secret(name))
		return answer(sendmsg(fd, &m, 0));
	return answer(sendto(fd, "x", 1, 0, (const void *)&to, sizeof(to)));
}

/* The second datagram of a socket; the first is sent by another call. And one whose address is in another form. */
static int send_again(const char *name)
{
	const struct sockaddr_in to = peer_of(name);
	const int fd = some_socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec text = {.iov_base = "x", .iov_len = 1};
	const struct msghdr m = {.msg_name = (void *)&to, .msg_namelen = sizeof(to), .msg_iov = &text, .msg_iovlen = 1};

	if (sendmsg(fd, &m, 0) != 1)
		return 99;
	return answer(sendto(fd, "x", 1, 0, (const void *)&to, sizeof(to)));
}

static int send_mapped(const char *name)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = peer_of(name).sin_port};

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
	return answer(sendto(some_socket(AF_INET6, SOCK_DGRAM, 0), "x", 1, 0, (const void *)&to, sizeof(to)));
}

/* On a pair of sockets, which nobody has to listen on. */
static int send_to_pair(const char *name)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 99;
	return answer(is_secret(name) ? send(pair[0], "x", 1, MSG_NOSIGNAL) : write(pair[0], "x", 1));
}

static int do_listen(const char *name)
{
	int error, fd = bound_socket(name, AF_INET, &error);

	return error ? 99 : answer(listen(fd, 1));
}

static int listen_unbound(const char *name)
{
	(void)name;
	return answer(listen(stream_socket(AF_INET), 1));
}

static int bind_to_any_port(const char *name)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	(void)name;
	return answer(bind(stream_socket(AF_INET), (const void *)&any, sizeof(any)));
}

static int bind_to_a_path(const char *name)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "\0tercel-decide"};

	(void)name;
	return answer(bind(stream_socket(AF_UNIX), (const void *)&path, sizeof(path)));
}

static const struct row {
	enum tercel_point point;
	const char *condition;
	int (*act)(const char *name);
	bool (*happened)(const char *name); /* NULL: the result tells */
	int passes;                         /* what the act ends with if it is let through: 0 or an error */
} rows[] = {
        {TERCEL_POINT_FILE_OPEN, "evt.type in (open, openat) and evt.is_open_write = true and fd.name = @/secret",
         open_to_write, is_empty, 0},
        {TERCEL_POINT_EXEC_CHECK, "evt.type = execve and proc.exepath = @/tctarget", start, has_run, 0},
        {TERCEL_POINT_UNLINK, "evt.type in (unlink, unlinkat) and fs.path.name = @/secret", do_unlink, is_gone, 0},
        {TERCEL_POINT_RMDIR, "evt.type in (rmdir, unlinkat) and fs.path.name = @/secret.d", do_rmdir, is_directory_gone,
         0},
        {TERCEL_POINT_RENAME,
         "evt.type in (rename, renameat, renameat2) and fs.path.source = @/secret and fs.path.target = @/secret.new",
         do_rename, is_gone, 0},
        {TERCEL_POINT_LINK,
         "evt.type in (link, linkat) and evt.arg.oldpath = @/secret and evt.arg.newpath = @/secret.link", do_link,
         has_link, 0},
        {TERCEL_POINT_SYMLINK,
         "evt.type in (symlink, symlinkat) and evt.arg.target = /etc/secret and evt.arg.linkpath = @/secret.sym",
         do_symlink, has_symlink, 0},
        {TERCEL_POINT_MKDIR, "evt.type in (mkdir, mkdirat) and fs.path.name = @/secret.made", do_mkdir, has_directory,
         0},
        {TERCEL_POINT_MKNOD,
         "evt.type in (mknod, mknodat) and evt.arg.path = @/secret.fifo and evt.arg.mode contains S_IFIFO", do_mknod,
         has_fifo, 0},
        {TERCEL_POINT_CHMOD,
         "evt.type in (chmod, fchmod, fchmodat) and evt.arg.mode contains S_ISUID and fs.path.name = @/secret",
         do_chmod, is_changed, 0},
        {TERCEL_POINT_CHOWN, "evt.type in (chown, lchown, fchown, fchownat) and fs.path.name = @/secret", do_chown,
         is_given_away, 0},
        {TERCEL_POINT_SOCKET, "evt.type = socket and evt.arg.domain = AF_PACKET", make_socket, NULL, 0},
        {TERCEL_POINT_BIND, "evt.type = bind and fd.sip = 127.0.0.1 and fd.sport = 46801 and fd.l4proto = tcp", do_bind,
         NULL, 0},
        {TERCEL_POINT_BIND, "evt.type = bind and fd.typechar = 6 and fd.sip = \"::\" and fd.sport = 46801", do_bind6,
         NULL, 0},
        {TERCEL_POINT_LISTEN, "evt.type = listen and fd.sip = 127.0.0.1 and fd.sport = 46801 and fd.l4proto = tcp",
         do_listen, NULL, 0},
        {TERCEL_POINT_SOCKET_CONNECT,
         "evt.type = connect and fd.sip = 127.0.0.1 and fd.sport = 46801 and fd.l4proto = raw", connect_raw, NULL, 0},
        {TERCEL_POINT_SOCKET_CONNECT, "evt.type = connect and fd.sip = 127.0.0.1 and fd.sport = 46801", connect_raw_tcp,
         NULL, 0},
        {TERCEL_POINT_SOCKET_CONNECT, "evt.type = connect and fd.typechar = u", connect_unix, NULL, ENOENT},
        {TERCEL_POINT_SOCKET_SENDMSG,
         "evt.type = sendto and fd.l4proto = udp and fd.ip = 127.0.0.1 and fd.port = 46801", send_datagram, NULL, 0},
        {TERCEL_POINT_SOCKET_SENDMSG, "evt.type in (sendto, sendmsg) and fd.type = unix", send_to_pair, NULL, 0},
        {TERCEL_POINT_MODULE_FILE, "evt.type = finit_module and fd.name = @/secret", load_module_file, NULL, ENOEXEC},
        {TERCEL_POINT_MODULE_DATA, "evt.type = init_module", load_module_data, NULL, ENOEXEC},
        {TERCEL_POINT_BPF, "evt.type = bpf and evt.arg.cmd = BPF_MAP_CREATE", call_bpf, NULL, 0},
        {TERCEL_POINT_PTRACE, "evt.type = ptrace and evt.arg.request = PTRACE_ATTACH", trace, NULL, 0},
        {TERCEL_POINT_TRACEME, "evt.type = ptrace and evt.arg.request = PTRACE_TRACEME", be_traced, NULL, 0},
        {TERCEL_POINT_MOUNT, "evt.type = mount and evt.arg.dev = secret and evt.arg.flags contains NOSUID", do_mount,
         NULL, 0},
        {TERCEL_POINT_KILL, "evt.type = kill and evt.arg.sig = SIGUSR1", send_signal, NULL, 0},
        {TERCEL_POINT_USERFAULTFD, "evt.type = userfaultfd", make_userfaultfd, NULL, 0},
        {TERCEL_POINT_SETUID, "evt.type in (setuid, setresuid) and user.uid = 1234", become, NULL, 0},
};

struct deed {
	int (*act)(const char *name);
	const char *name;
};

static int do_deed(void *arg)
{
	const struct deed *d = arg;

	return d->act(d->name);
}

/* The act of a process in the scratch cgroup: 0, or the error that it ended with. */
static int done(int (*act)(const char *name), const char *name)
{
	struct deed d = {act, name};
	int status = done_in(cgroup, do_deed, &d);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* What verdicts at a point name as acted upon; '@' is the scratch directory. Of points that are not here, nothing. */
static const struct object {
	enum tercel_point point;
	const char *path, *other;
} objects[] = {
        {TERCEL_POINT_FILE_OPEN, "@/secret", ""},
        {TERCEL_POINT_EXEC_CHECK, "@/tctarget", ""},
        {TERCEL_POINT_UNLINK, "@/secret", ""},
        {TERCEL_POINT_RMDIR, "@/secret.d", ""},
        {TERCEL_POINT_RENAME, "@/secret", "@/secret.new"},
        {TERCEL_POINT_LINK, "@/secret", "@/secret.link"},
        {TERCEL_POINT_SYMLINK, "@/secret.sym", "/etc/secret"},
        {TERCEL_POINT_MKDIR, "@/secret.made", ""},
        {TERCEL_POINT_MKNOD, "@/secret.fifo", ""},
        {TERCEL_POINT_CHMOD, "@/secret", ""},
        {TERCEL_POINT_CHOWN, "@/secret", ""},
        {TERCEL_POINT_MODULE_FILE, "@/secret", ""},
        {TERCEL_POINT_MOUNT, "@/secret.d", "secret"},
};

static bool is_text(const char *told, const char *wanted)
{
	const size_t len = strlen(work);

	if (wanted[0] != '@')
		return strcmp(told, wanted) == 0;
	return strncmp(told, work, len) == 0 && strcmp(told + len, wanted + 1) == 0;
}

static void expect_object(const struct tercel_verdict *v)
{
	struct object o = {.path = "", .other = ""};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (objects[i].point == v->point)
			o = objects[i];
	if (!is_text(told_path, o.path) || !is_text(told_other, o.other))
		fail_msg("point %u: \"%s\" and \"%s\", not \"%s\" and \"%s\"", v->point, told_path, told_other, o.path,
		         o.other);
	if ((v->target != 0) !=
	    (v->point == TERCEL_POINT_PTRACE || v->point == TERCEL_POINT_TRACEME || v->point == TERCEL_POINT_KILL))
		fail_msg("point %u: process %u", v->point, v->target);
}

/* An error that no call of ours has by itself. */
#define CHOSEN EOWNERDEAD
#define CHOSEN_POLICY                \
	"rules_files: [test.yaml]\n" \
	"rules: [{name: '*', mode: enforce, errno: EOWNERDEAD}]\n"

static void expect(const struct row *r, const char *policy_text, const char *name, int result, int verdicts)
{
	const bool denied = result == EPERM || result == CHOSEN;
	struct tercel_verdict v = {0};
	int got, told;

	make_files();
	rule(r->condition, policy_text);
	got = done(r->act, name);
	told = verdicts_of(*actor, &v);
	if (got != result || told != verdicts)
		fail_msg("%s, %s: %d (%s) and not %d; %d verdicts and not %d", r->condition, name, got, strerror(got),
		         result, told, verdicts);
	if (r->happened && r->happened(name) == denied)
		fail_msg("%s, %s: it has %shappened", r->condition, name, denied ? "" : "not ");
	if (!told)
		return;
	expect_object(&v);
	if (v.point != r->point || v.enforced != denied || v.action != TERCEL_ACTION_DENY || v.uncertain)
		fail_msg("%s: point %u, enforced %u, action %u, uncertain %#x", r->condition, v.point, v.enforced,
		         v.action, v.uncertain);
}

static void each_point_reports_in_monitor_and_denies_in_enforce_and_leaves_the_rest(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		expect(r, POLICY("monitor", "audit"), "secret", r->passes, 1);
		expect(r, POLICY("enforce", "audit"), "secret", EPERM, 1);
		expect(r, CHOSEN_POLICY, "secret", CHOSEN, 1);
		expect(r, POLICY("enforce", "audit"), "other", r->act == load_module_data ? ENOEXEC : r->passes, 0);
	}
}

/* ---- whatever the way to a file --------------------------------------------------------------------------------- */

static int by_symlink(const char *name)
{
	if (symlink(at(name, ""), at(name, ".sym")))
		return 99;
	return answer(open(at(name, ".sym"), O_WRONLY));
}

static int by_relative_path(const char *name)
{
	if (chdir(work))
		return 99;
	return answer(open(name, O_WRONLY));
}

static int by_detour(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/other.d/.././/%s", work, name);
	return answer(open(path, O_WRONLY));
}

static int by_proc(const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "/proc/self/root%s", at(name, ""));
	return answer(open(path, O_WRONLY));
}

static int by_directory_descriptor(const char *name)
{
	int dir = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (dir < 0)
		return errno;
	r = answer(openat(dir, name, O_RDWR));
	close(dir);
	return r;
}

static int by_openat2(const char *name)
{
	struct open_how how = {.flags = O_WRONLY};

	return answer(syscall(SYS_openat2, AT_FDCWD, at(name, ""), &how, sizeof(how)));
}

static int by_hard_link(const char *name)
{
	if (link(at(name, ""), at(name, ".hard")))
		return 99;
	return answer(open(at(name, ".hard"), O_WRONLY));
}

static int to_read(const char *name)
{
	return answer(open(at(name, ""), O_RDONLY));
}

static int as_path(const char *name)
{
	return answer(open(at(name, ""), O_PATH));
}

static int by_creat(const char *name)
{
	return answer(creat(at(name, ""), 0644));
}

static int by_creating_open(const char *name)
{
	return answer(open(at(name, ""), O_WRONLY | O_CREAT | O_EXCL, 0644));
}

static int by_creating_openat2(const char *name)
{
	struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0644};

	return answer(syscall(SYS_openat2, AT_FDCWD, at(name, ""), &how, sizeof(how)));
}

static int by_nameless_file(const char *name)
{
	(void)name;
	return answer(open(work, O_WRONLY | O_TMPFILE, 0600));
}

static int as_directory(const char *name)
{
	return answer(open(at(name, ".d"), O_RDONLY | O_DIRECTORY));
}

struct way {
	const char *condition;
	int (*act)(const char *name);
	const char *name;
	int result;
	int verdicts, certain;
};

static void expect_ways(const struct way *ways, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct way *w = &ways[i];
		struct tercel_verdict v = {0};
		int got, told;

		make_files();
		rule(w->condition, POLICY("enforce", "audit"));
		got = done(w->act, w->name);
		told = verdicts_of(*actor, &v);
		if (got != w->result || told != w->verdicts || (told && w->certain != !v.uncertain))
			fail_msg("%zu, %s: %d (%s) and not %d; %d verdicts and not %d, uncertain %#x, point %u", i,
			         w->condition, got, strerror(got), w->result, told, w->verdicts, v.uncertain, v.point);
	}
}

#define OPENED "evt.type in (open, openat, openat2, creat) and "
#define WRITTEN OPENED "evt.is_open_write = true and fd.name = @/secret"

static void a_file_is_the_same_whatever_the_way_to_it(void **unused)
{
	static const struct way ways[] = {
	        {WRITTEN, by_symlink, "secret", EPERM, 1, 1},
	        {WRITTEN, by_relative_path, "secret", EPERM, 1, 1},
	        {WRITTEN, by_detour, "secret", EPERM, 1, 1},
	        {WRITTEN, by_proc, "secret", EPERM, 1, 1},
	        {WRITTEN, by_directory_descriptor, "secret", EPERM, 1, 1},
	        {WRITTEN, by_openat2, "secret", EPERM, 1, 1},
	        {WRITTEN, by_symlink, "other", 0, 0, 0},
	        {WRITTEN, by_openat2, "other", 0, 0, 0},
	        {WRITTEN, to_read, "secret", 0, 0, 0},
	        /* Another name, to Falco as well. */
	        {WRITTEN, by_hard_link, "secret", 0, 0, 0},
	        {OPENED "evt.is_open_read = true and fd.name = @/secret", to_read, "secret", EPERM, 1, 1},
	        {OPENED "evt.is_open_read = true and fd.name = @/secret", as_path, "secret", 0, 0, 0},
	        {OPENED "evt.is_open_read = true and fd.directory = @ and fd.filename = secret", to_read, "secret",
	         EPERM, 1, 1},
	        {OPENED "evt.is_open_read = true and fd.directory = @/secret.d", as_directory, "secret", EPERM, 1, 1},
	        {OPENED "fd.directory = @ and fd.typechar = d", as_directory, "secret", 0, 0, 0},
	        {OPENED "fd.name startswith @/sec and fd.typechar = d", as_directory, "secret", EPERM, 1, 1},
	        {OPENED "fd.name startswith @/sec and fd.typechar = d", to_read, "secret", 0, 0, 0},
	        {"evt.type = creat and fd.name = @/secret", by_creat, "secret", EPERM, 1, 1},
	        {"evt.type = creat and fd.name = @/secret", by_creat, "other", 0, 0, 0},
	        {"evt.type = creat and fd.name = @/secret", open_to_write, "secret", 0, 0, 0},
	        {OPENED "evt.arg.flags contains O_TRUNC and fd.name = @/secret", open_to_write, "secret", EPERM, 1, 1},
	        /* openat2's own flags are in memory that may change. */
	        {OPENED "evt.arg.flags contains O_WRONLY and fd.name = @/secret", by_openat2, "secret", 0, 1, 0},
	        /* A file without a name. */
	        {OPENED "evt.is_open_write = true and fd.name startswith /nowhere", by_nameless_file, "", 0, 1, 0},
	};

	(void)unused;
	expect_ways(ways, sizeof(ways) / sizeof(ways[0]));
}

static void a_file_that_may_not_be_created_is_not(void **unused)
{
	static const char made[] = OPENED "evt.is_open_create = true and fd.name = @/fresh";
	struct tercel_verdict v;

	(void)unused;
	make_files();
	rule(made, POLICY("enforce", "audit"));
	assert_int_equal(done(by_creating_open, "fresh"), EPERM);
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.point, TERCEL_POINT_FILE_OPEN);
	assert_int_equal(v.enforced, 1);
	assert_true(is_gone("fresh"));
	assert_int_equal(done(by_creating_openat2, "fresh"), EPERM);
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.enforced, 1);
	make_files();
	rule(made, POLICY("monitor", "audit"));
	assert_int_equal(done(by_creating_open, "fresh"), 0);
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.enforced, 0);
	assert_false(is_gone("fresh"));
	make_files();
	rule(made, POLICY("enforce", "audit"));
	assert_int_equal(done(by_creating_open, "other.new"), 0);
	assert_int_equal(verdicts_of(*actor, &v), 0);
}

/* ---- whatever the way to start a program --------------------------------------------------------------------------
 */

static int start_script(const char *name)
{
	_autobuf_ struct buf text = BUF_INIT;
	const char *script = at("script", "");
	int fd = open(script, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	buf_addf(&text, "#!%s\n", at(name, ""));
	if (write(fd, buf_str(&text), text.len) != (ssize_t)text.len || close(fd))
		return 99;
	return answer(execl(script, script, NULL));
}

static int start_descriptor(const char *name)
{
	char *const argv[] = {(char *)"d", (char *)"/dev/null", NULL}, *const envp[] = {NULL};

	return answer(fexecve(open(at(name, ""), O_RDONLY | O_CLOEXEC), argv, envp));
}

static int start_memory(const char *name)
{
	char *const argv[] = {(char *)"m", (char *)"/dev/null", NULL}, *const envp[] = {NULL};
	int in = open(at(name, ""), O_RDONLY | O_CLOEXEC), out = memfd_create("m", MFD_CLOEXEC);
	char bytes[65536];
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			return 97;
	return answer(fexecve(out, argv, envp));
}

static int start_plainly(const char *name)
{
	return answer(execl(at(name, ""), "x", "/dev/null", NULL));
}

static void a_program_is_the_same_whatever_the_way_to_start_it(void **unused)
{
	static const struct way ways[] = {
	        {"evt.type = execve and proc.exepath = @/tctarget", start_script, "tctarget", EPERM, 1, 1},
	        {"evt.type = execve and proc.exepath = @/tctarget", start_script, "tctargex", 0, 0, 0},
	        {"evt.type = execve and proc.exepath = @/tctarget", start_descriptor, "tctarget", EPERM, 1, 1},
	        {"evt.type = execve and proc.exepath = @/tctarget", start_descriptor, "tctargex", 0, 0, 0},
	        {"evt.type = execve and proc.name = tctarget", start_plainly, "tctarget", EPERM, 1, 1},
	        {"evt.type = execve and proc.name = tctarget", start_plainly, "tctargex", 0, 0, 0},
	        {"evt.type = execve and proc.name = script", start_script, "tctargex", EPERM, 1, 1},
	        /* The name that comes of a descriptor depends on the kernel. */
	        {"evt.type = execve and proc.name = nobody", start_descriptor, "tctarget", 0, 1, 0},
	        {"evt.type = execve and proc.is_exe_from_memfd = true", start_memory, "tctarget", EPERM, 1, 1},
	        {"evt.type = execve and proc.is_exe_from_memfd = true", start_plainly, "tctarget", 0, 0, 0},
	        {"evt.type = execve and proc.pname = test_decide_lsm and proc.exepath endswith /tctarget",
	         start_plainly, "tctarget", EPERM, 1, 1},
	        {"evt.type = execve and proc.pname = nobody and proc.exepath endswith /tctarget", start_plainly,
	         "tctarget", 0, 0, 0},
	};

	(void)unused;
	expect_ways(ways, sizeof(ways) / sizeof(ways[0]));
}

static void what_needs_the_arguments_is_decided_at_the_commit(void **unused)
{
	struct tercel_verdict v;

	(void)unused;
	make_files();
	rule("evt.type = execve and proc.exepath = @/tctarget and proc.cmdline contains /dev/null",
	     POLICY("enforce", "audit"));
	assert_int_equal(done(start_plainly, "tctarget"), 1000 + SIGKILL);
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.point, TERCEL_POINT_EXEC_COMMIT);
}

/* ---- what the policy asks for -------------------------------------------------------------------------------------
 */

static void outside_of_the_scope_nothing_is_decided(void **unused)
{
	(void)unused;
	make_files();
	rule("evt.type in (open, openat) and fd.name = @/secret", POLICY("enforce", "audit"));
	/* This process is not in the scratch cgroup. */
	assert_int_equal(to_read("secret"), 0);
	assert_int_equal(done(to_read, "secret"), EPERM);
}

static void an_action_kill_ends_the_process_as_well(void **unused)
{
	struct tercel_verdict v;

	(void)unused;
	make_files();
	rule("evt.type in (unlink, unlinkat) and fs.path.name = @/secret",
	     "rules_files: [test.yaml]\nrules:\n  - name: '*'\n    mode: enforce\n    action: kill\n");
	assert_int_equal(done(do_unlink, "secret"), 1000 + SIGKILL);
	assert_false(is_gone("secret"));
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.action, TERCEL_ACTION_KILL);
	assert_int_equal(v.enforced, 1);
}

#ifdef __x86_64__
static int error_of(long result)
{
	return result < 0 ? (int)-result : 0;
}

/* i386: 5 is open, 10 unlink, 295 openat. */
static int open_by_32_bit_call(const char *name)
{
	return error_of(int80(5, low_copy(at(name, ""), PATH_MAX), O_WRONLY, 0));
}

static int openat_by_32_bit_call(const char *name)
{
	return error_of(int80(295, AT_FDCWD, low_copy(at(name, ""), PATH_MAX), O_WRONLY));
}

static int unlink_by_32_bit_call(const char *name)
{
	return error_of(int80(10, low_copy(at(name, ""), PATH_MAX), 0, 0));
}

static int has_32_bit_calls(const char *unused)
{
	(void)unused;
	return has_no_32_bit_calls(NULL);
}

static void a_32_bit_call_is_judged_like_any_other(void **unused)
{
	static const struct {
		const char *condition;
		int (*act)(const char *name);
	} cases[] = {
	        {"evt.type = open and evt.is_open_write = true and fd.name = @/secret", open_by_32_bit_call},
	        {"evt.type = openat and evt.is_open_write = true and fd.name = @/secret", openat_by_32_bit_call},
	        {"evt.type = unlink and fs.path.name = @/secret", unlink_by_32_bit_call},
	};
	struct tercel_verdict v;

	(void)unused;
	make_files();
	rule("evt.type = unlink and fs.path.name = @/nothing", POLICY("enforce", "audit"));
	if (done(has_32_bit_calls, ""))
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_files();
		rule(cases[i].condition, POLICY("enforce", "audit"));
		assert_int_equal(done(cases[i].act, "other"), 0);
		assert_int_equal(done(cases[i].act, "secret"), EPERM);
		assert_int_equal(verdicts_of(*actor, &v), 1);
		assert_int_equal(v.enforced, 1);
		assert_int_equal(v.uncertain, 0);
	}
}
#endif

/* Falco keeps the first address that a socket has sent to; and shows one of IPv4 in IPv6 form as it happens to be. */
static void of_what_is_sent_only_the_first_address_is_known(void **unused)
{
	static const struct {
		int (*act)(const char *name);
		bool known; /* the address */
	} cases[] = {{send_datagram, true}, {send_again, false}, {send_mapped, false}};
	struct tercel_verdict v;

	(void)unused;
	make_files();
	rule("evt.type = sendto and fd.port = 46801", POLICY("enforce", "audit"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int result = done(cases[i].act, "secret"), told = verdicts_of(*actor, &v);

		if (result != (cases[i].known ? EPERM : 0) || told != 1 ||
		    v.uncertain != (cases[i].known ? 0 : TERCEL_U_SOCKET))
			fail_msg("case %zu: %d, %d verdicts, uncertain %#x", i, result, told, v.uncertain);
	}
}

/* What Falco has no address of has none that a rule could compare; what is of another kind does not match. */
static void a_socket_without_a_port_of_its_own_is_uncertain(void **unused)
{
	static const struct {
		const char *condition;
		int (*act)(const char *name);
		int verdicts;
	} cases[] = {
	        {"evt.type = bind and fd.sip = 127.0.0.1", bind_to_any_port, 1},
	        {"evt.type = bind and fd.l4proto = tcp", bind_to_any_port, 1},
	        {"evt.type = listen and fd.sport < 65000", listen_unbound, 1},
	        {"evt.type = bind and fd.sport < 65000", bind_to_a_path, 0},
	        {"evt.type = bind and fd.typechar = 4", bind_to_a_path, 0},
	        {"evt.type = connect and fd.sip = 127.0.0.1", connect_experiment, 1},
	        {"evt.type = connect and fd.l4proto = raw", connect_raw_tcp, 1},
	};
	struct tercel_verdict v;

	(void)unused;
	make_files();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int told;

		rule(cases[i].condition, POLICY("enforce", "audit"));
		assert_int_equal(done(cases[i].act, "secret"), 0);
		told = verdicts_of(*actor, &v);
		if (told != cases[i].verdicts || (told && (v.enforced || !(v.uncertain & TERCEL_U_SOCKET))))
			fail_msg("%s: %d verdicts, uncertain %#x", cases[i].condition, told, v.uncertain);
	}
	rule("evt.type = bind and fd.typechar = u", POLICY("enforce", "audit"));
	assert_int_equal(done(bind_to_a_path, "secret"), EPERM);
}

static int group(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_verifier_has_room_left),
	        cmocka_unit_test(each_point_reports_in_monitor_and_denies_in_enforce_and_leaves_the_rest),
	        cmocka_unit_test(a_file_is_the_same_whatever_the_way_to_it),
	        cmocka_unit_test(a_file_that_may_not_be_created_is_not),
	        cmocka_unit_test(a_program_is_the_same_whatever_the_way_to_start_it),
	        cmocka_unit_test(what_needs_the_arguments_is_decided_at_the_commit),
#ifdef __x86_64__
	        cmocka_unit_test(a_32_bit_call_is_judged_like_any_other),
#endif
	        cmocka_unit_test(a_socket_without_a_port_of_its_own_is_uncertain),
	        cmocka_unit_test(of_what_is_sent_only_the_first_address_is_known),
	        cmocka_unit_test(outside_of_the_scope_nothing_is_decided),
	        cmocka_unit_test(an_action_kill_ends_the_process_as_well),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	remove_files();
	return failed;
}

int main(void)
{
	struct error err = {""};

	if (load_check_lsm(&(struct load_options){0}, &err)) {
		printf("skipped: %s\n", err.text);
		return SKIPPED;
	}
	/* As far as the LSM is there at all, every program has to load. */
	decide_points = sensor_points();
	return decide_main(group);
}
