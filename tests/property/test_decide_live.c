/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions on the running kernel, in a scratch cgroup that is named like a container's: what a policy enforces is
 * blocked before it happens, what it monitors is only reported, and everything else is untouched.
 */
#include "decide.h"

static const char rules_text[] =
        "- rule: target\n"
        "  desc: d\n"
        "  condition: evt.type in (execve, execveat) and container.id != host and proc.name = tctarget\n"
        "  output: o\n"
        "  priority: WARNING\n"
        "- rule: calls\n"
        "  desc: d\n"
        "  condition: >\n"
        "    evt.type = connect and evt.rawres >= 0 and container.id startswith fedcba and\n"
        "    proc.name = tcshell and fd.typechar = 4 and fd.l4proto = tcp and fd.sip = 127.0.0.1\n"
        "  output: o\n"
        "  priority: WARNING\n"
        "- rule: ending\n"
        "  desc: d\n"
        "  condition: evt.type = execve and proc.name = tctargex and proc.cmdline endswith zz\n"
        "  output: o\n"
        "  priority: WARNING\n";

/* ---- tests ---------------------------------------------------------------------------------------------------------
 */

static void an_enforced_rule_kills_before_the_first_instruction(void **unused)
{
	struct tercel_verdict v;
	pid_t pid;
	int status;

	(void)unused;
	apply(rules_text, POLICY("enforce", "audit"));
	status = touch("tctarget", NULL, &pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_false(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.rule, 0);
	assert_int_equal(v.point, TERCEL_POINT_EXEC_COMMIT);
	assert_int_equal(v.action, TERCEL_ACTION_KILL);
	assert_int_equal(v.enforced, 1);
	assert_int_equal(v.generation, 7);
	assert_int_equal(v.uncertain, 0);
}

static void a_near_miss_is_untouched(void **unused)
{
	struct tercel_verdict v;
	pid_t pid;

	(void)unused;
	apply(rules_text, POLICY("enforce", "audit"));
	assert_int_equal(touch("tctargex", NULL, &pid), 0);
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 0);
}

static void monitor_changes_nothing_and_says_what_it_would_do(void **unused)
{
	struct tercel_verdict v;
	pid_t pid;

	(void)unused;
	apply(rules_text, POLICY("monitor", "audit"));
	assert_int_equal(touch("tctarget", NULL, &pid), 0);
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.mode, TERCEL_MODE_MONITOR);
	assert_int_equal(v.action, TERCEL_ACTION_KILL);
	assert_int_equal(v.enforced, 0);
	assert_int_equal(connect_out(&pid), 0);
	assert_int_equal(accepted(), 1);
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.point, TERCEL_POINT_CONNECT4);
	assert_int_equal(v.action, TERCEL_ACTION_DENY);
	assert_int_equal(v.enforced, 0);
}

static void an_enforced_rule_denies_the_connection(void **unused)
{
	struct tercel_stats before, after;
	struct tercel_verdict v;
	pid_t pid;
	int status;

	(void)unused;
	apply(rules_text, POLICY("enforce", "audit"));
	assert_int_equal(sensor_stats(sensor, &before), 0);
	status = connect_out(&pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	assert_int_equal(accepted(), 0);
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.enforced, 1);
	assert_int_equal(v.remote.port, port);
	assert_memory_equal(v.remote.addr, "\x7f\x00\x00\x01", 4);
	assert_int_equal(sensor_stats(sensor, &after), 0);
	assert_int_equal(after.blocked[TERCEL_POINT_CONNECT4] - before.blocked[TERCEL_POINT_CONNECT4], 1);
	assert_int_equal(after.policy_errors, 0);
}

static int connect_error(void *unused)
{
	const struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unused;
	return fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
}

#define CHOSEN "rules_files: [test.yaml]\nrules: [{name: '*', mode: enforce, errno: ECONNREFUSED}]\n"

static void a_connection_is_denied_with_the_error_that_is_asked_for(void **unused)
{
	struct tercel_verdict v;

	(void)unused;
	apply_one("evt.type = connect and fd.sip = 127.0.0.1", POLICY("enforce", "audit"));
	assert_int_equal(WEXITSTATUS(done_in(cgroup, connect_error, NULL)), EPERM);
	apply_one("evt.type = connect and fd.sip = 127.0.0.1", CHOSEN);
	assert_int_equal(WEXITSTATUS(done_in(cgroup, connect_error, NULL)), ECONNREFUSED);
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.enforced, 1);
	assert_int_equal(accepted(), 0);
}

#ifdef __x86_64__
/* i386: 362 is connect, 102 socketcall, and 3 there a connect. */
static int connect_by_32_bit_call(void *by_socketcall)
{
	const struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const long low = low_copy(&to, sizeof(to));
	const uint32_t args[3] = {(uint32_t)fd, (uint32_t)low, sizeof(to)};

	return (int)-(by_socketcall ? int80(102, 3, low_copy(args, sizeof(args)), 0) : int80(362, fd, low, sizeof(to)));
}

static void a_32_bit_call_connects_like_any_other(void **unused)
{
	struct tercel_verdict v;
	int status;

	(void)unused;
	status = done_in(cgroup, has_no_32_bit_calls, NULL);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		skip();
	apply_one("evt.type = connect and fd.sip = 127.0.0.1", POLICY("enforce", "audit"));
	for (int by_socketcall = 0; by_socketcall < 2; by_socketcall++) {
		status = done_in(cgroup, connect_by_32_bit_call, by_socketcall ? &status : NULL);
		assert_int_equal(WEXITSTATUS(status), EPERM);
		assert_int_equal(verdicts_of(*actor, &v), 1);
		assert_int_equal(v.enforced, 1);
		assert_int_equal(accepted(), 0);
	}
}
#endif

static void what_is_cut_is_uncertain_and_not_blocked_unless_the_policy_says_so(void **unused)
{
	_autofree_ char *longest = malloc(6001);
	struct tercel_verdict v;
	pid_t pid;
	int status;

	(void)unused;
	/* More arguments than are kept: whether they end in zz cannot be known. touch fails on the name, having run. */
	memset(longest, 'a', 6000);
	longest[6000] = 0;
	apply(rules_text, POLICY("enforce", "audit"));
	status = touch("tctargex", longest, &pid);
	assert_true(WIFEXITED(status));
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.rule, 2);
	assert_int_equal(v.uncertain, TERCEL_U_ARGS);
	assert_int_equal(v.action, TERCEL_ACTION_AUDIT);
	assert_int_equal(v.enforced, 0);

	apply(rules_text, POLICY("enforce", "allow"));
	status = touch("tctargex", longest, &pid);
	assert_true(WIFEXITED(status));
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 0);

	apply(rules_text, POLICY("enforce", "deny"));
	status = touch("tctargex", longest, &pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_false(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 1);
	assert_int_equal(v.uncertain, TERCEL_U_ARGS);
	assert_int_equal(v.enforced, 1);
}

static const char peer_rules[] = "- rule: peer\n"
                                 "  desc: d\n"
                                 "  condition: evt.type = connect and container.id = fedcba987654 and %s\n"
                                 "  output: o\n"
                                 "  priority: WARNING\n";

struct caller {
	int protocol;         /* of the socket */
	const char *new_name; /* set before the connection; NULL: none */
	bool thread;          /* connect in a second thread, which sets the name */
};

static void *call(void *arg)
{
	const struct caller *c = arg;
	const struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, c->protocol);

	if (c->new_name)
		prctl(PR_SET_NAME, c->new_name);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? NULL : arg;
}

/* Whether a child of this process, in the scratch cgroup, is let through under a policy with the peer rule. */
static bool connects(const char *condition, struct caller c, pid_t *pid)
{
	_autobuf_ struct buf rules = BUF_INIT, procs = BUF_INIT;
	int status;

	buf_addf(&rules, peer_rules, condition);
	apply(buf_str(&rules), POLICY("enforce", "audit"));
	buf_addf(&procs, "%s/cgroup.procs", cgroup);
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid == 0) {
		pthread_t thread;
		void *failed = &c;
		pid_t inner;

		alarm(20);
		/* The container is that of the fork: move first. */
		if (write_text(buf_str(&procs), "0"))
			_exit(99);
		inner = fork();
		if (inner) {
			waitpid(inner, &status, 0);
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
		}
		if (!c.thread)
			failed = call(&c);
		else if (pthread_create(&thread, NULL, call, &c) == 0)
			pthread_join(thread, &failed);
		_exit(failed ? 1 : 0);
	}
	assert_int_equal(waitpid(*pid, &status, 0), *pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	assert_int_equal(accepted(), WEXITSTATUS(status) == 0);
	return WEXITSTATUS(status) == 0;
}

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 /* include/uapi/linux/in.h */
#endif

static void the_protocol_of_an_mptcp_socket_is_not_taken_for_tcp(void **unused)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	pid_t pid;

	(void)unused;
	if (fd < 0)
		skip();
	close(fd);
	assert_false(connects("fd.l4proto = tcp", (struct caller){.protocol = IPPROTO_TCP}, &pid));
	assert_true(connects("fd.l4proto = tcp", (struct caller){.protocol = IPPROTO_MPTCP}, &pid));
	assert_true(connects("not fd.l4proto = udp", (struct caller){.protocol = IPPROTO_MPTCP}, &pid));
	assert_false(connects("fd.sip = 127.0.0.1", (struct caller){.protocol = IPPROTO_MPTCP}, &pid));
}

static void a_process_that_renames_itself_keeps_the_name_that_falco_knows(void **unused)
{
	pid_t pid;

	(void)unused;
	assert_false(connects("proc.name = test_decide_liv", (struct caller){.new_name = "other"}, &pid));
	assert_true(connects("proc.name = other", (struct caller){.new_name = "other"}, &pid));
	assert_false(connects("proc.name = test_decide_liv", (struct caller){.thread = true}, &pid));
	assert_true(connects("proc.name = other", (struct caller){.new_name = "other", .thread = true}, &pid));
	assert_true(connects("proc.name != another", (struct caller){.new_name = "other", .thread = true}, &pid));
}

/* ---- what nobody can do to be let through, and what must never be stopped -------------------------------------------
 */

/* Starts a copy of touch in anonymous memory. */
static int start_from_memory(void *unused)
{
	char *const argv[] = {(char *)"m", (char *)"/dev/null", NULL}, *const envp[] = {NULL};
	int in = open("/bin/touch", O_RDONLY | O_CLOEXEC), out = memfd_create("m", MFD_CLOEXEC);
	char bytes[65536];
	ssize_t n;

	(void)unused;
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			return 97;
	fexecve(out, argv, envp);
	return 96;
}

/* Starts a program by a link to a descriptor of it, after its file was removed. */
static int start_removed(void *unused)
{
	char path[PATH_MAX], link[PATH_MAX], fd_path[64];
	int fd;

	(void)unused;
	in_work(path, sizeof(path), "tcgone");
	in_work(link, sizeof(link), "tclink");
	fd = open(path, O_RDONLY);
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	if (fd < 0 || unlink(path) || symlink(fd_path, link))
		return 97;
	execl(link, link, "/dev/null", NULL);
	return 96;
}

static int start_by_descriptor(void *unused)
{
	char *const argv[] = {(char *)"d", (char *)"/dev/null", NULL}, *const envp[] = {NULL};
	char path[PATH_MAX];

	(void)unused;
	in_work(path, sizeof(path), "tctarget");
	fexecve(open(path, O_RDONLY | O_CLOEXEC), argv, envp);
	return 96;
}

static int start_plainly(void *name)
{
	char path[PATH_MAX];

	in_work(path, sizeof(path), name);
	execl(path, path, "/dev/null", NULL);
	return 96;
}

static void without_a_name_a_program_of_the_host_is_not_protected(void **unused)
{
	struct tercel_verdict v;

	(void)unused;
	apply_one("evt.type = execve and proc.is_exe_from_memfd = true", POLICY("enforce", "audit"));
	assert_true(is_killed(done_in(host, start_from_memory, NULL)));
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.enforced, 1);
	assert_int_equal(v.uncertain, 0);
	copy_program("/bin/touch", "tcgone");
	apply_one("evt.type = execve and proc.name = tclink", POLICY("enforce", "audit"));
	assert_true(is_killed(done_in(host, start_removed, NULL)));
}

static void a_program_that_is_started_by_its_descriptor_is_an_execve(void **unused)
{
	(void)unused;
	apply_one("evt.type = execve and proc.exepath endswith /tctarget", POLICY("enforce", "audit"));
	assert_true(is_killed(done_in(cgroup, start_by_descriptor, NULL)));
	assert_true(is_killed(done_in(host, start_by_descriptor, NULL)));
}

/* Root of namespaces of its own, with a directory of its own in the place of the machine's. */
static int start_as_kubelet(void *unused)
{
	static const char name[] = "/usr/local/bin/kubelet";
	char bytes[65536], ids[64];
	int in, out;
	ssize_t n;

	(void)unused;
	snprintf(ids, sizeof(ids), "0 %u 1", geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || write_text("/proc/self/uid_map", ids) ||
	    write_text("/proc/self/setgroups", "deny") || write_text("/proc/self/gid_map", ids))
		return 95;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("x", "/usr/local/bin", "tmpfs", 0, NULL))
		return 94;
	in = open("/bin/touch", O_RDONLY | O_CLOEXEC);
	out = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			return 93;
	close(out);
	execl(name, name, "/dev/null", NULL);
	return 96;
}

static void a_name_in_namespaces_of_ones_own_protects_nothing(void **unused)
{
	int status;

	(void)unused;
	apply_one("evt.type = execve and proc.name = kubelet", POLICY("enforce", "audit"));
	status = done_in(host, start_as_kubelet, NULL);
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 95 || WEXITSTATUS(status) == 94))
		skip(); /* this kernel lets nobody make user namespaces */
	assert_true(is_killed(status));
}

static void monitor_promises_what_enforce_does_of_protected_programs_too(void **unused)
{
	static const char *const modes[] = {"monitor", "enforce"};
	_autobuf_ struct buf policy = BUF_INIT;
	struct tercel_stats before, after;
	struct tercel_verdict v;

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		buf_reset(&policy);
		buf_addf(&policy,
		         "rules_files: [test.yaml]\nprotect: [%s/tctarget]\nrules:\n  - name: '*'\n    mode: %s\n",
		         work, modes[i]);
		apply_one("evt.type = execve and proc.name in (tctarget, tctargex)", buf_str(&policy));
		assert_int_equal(sensor_stats(sensor, &before), 0);
		assert_int_equal(done_in(host, start_plainly, (void *)"tctarget"), 0);
		assert_int_equal(verdicts_of(*actor, &v), 1);
		assert_int_equal(v.action, TERCEL_ACTION_AUDIT);
		assert_int_equal(v.enforced, 0);
		assert_int_equal(v.uncertain, TERCEL_U_PROTECTED);
		assert_int_equal(sensor_stats(sensor, &after), 0);
		assert_int_equal(after.uncertain[8] - before.uncertain[8], 1);
		assert_int_equal(after.blocked[0] + after.would_block[0], before.blocked[0] + before.would_block[0]);
		/* The same file in a container is nobody's. */
		assert_int_equal(is_killed(done_in(cgroup, start_plainly, (void *)"tctarget")), i == 1);
		assert_int_equal(verdicts_of(*actor, &v), 1);
		assert_int_equal(v.action, TERCEL_ACTION_KILL);
		assert_int_equal(is_killed(done_in(host, start_plainly, (void *)"tctargex")), i == 1);
	}
}

/* Connects to a port of loopback; 0 if that was let through. */
static int connect_to(void *to_port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	                               .sin_port = htons(*(const uint16_t *)to_port),
	                               .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : 1;
}

/* A program that sends connections to port `from` to port `to` instead. */
static int redirection(uint16_t from, uint16_t to)
{
	const int16_t at = offsetof(struct bpf_sock_addr, user_port);
	const struct bpf_insn insns[] = {
	        {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1, .off = at},
	        {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 2, .off = 2, .imm = htons(from)},
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = htons(to)},
	        {.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = 1, .src_reg = 2, .off = at},
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);

	return bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "redirect", "GPL", insns, sizeof(insns) / sizeof(insns[0]),
	                     &options);
}

/* Falco shows the address that the kernel has connected to. */
static void an_address_that_somebody_else_put_in_place_is_the_one_that_counts(void **unused)
{
	_autoclose_ int program = redirection(1, port), place = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_autobuf_ struct buf condition = BUF_INIT;
	struct tercel_verdict v;
	uint16_t asked = 1;

	(void)unused;
	assert_true(program >= 0 && place >= 0);
	buf_addf(&condition, "evt.type = connect and fd.l4proto = tcp and fd.sport = %u", port);
	apply_one(buf_str(&condition), POLICY("enforce", "audit"));
	assert_int_equal(bpf_prog_attach(program, place, BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI), 0);
	assert_int_equal(WEXITSTATUS(done_in(below, connect_to, &asked)), 1);
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.uncertain, 0);
	assert_int_equal(v.remote.port, port);
	assert_int_equal(WEXITSTATUS(done_in(below, connect_to, &port)), 1);
	/* What is asked for is a connection to somewhere else. */
	apply_one("evt.type = connect and fd.l4proto = tcp and fd.sport = 1", POLICY("enforce", "audit"));
	assert_int_equal(done_in(below, connect_to, &asked), 0);
	assert_int_equal(accepted(), 1);
	assert_int_equal(verdicts_of(*actor, &v), 0);
	assert_int_equal(bpf_prog_detach2(program, place, BPF_CGROUP_INET4_CONNECT), 0);
}

static void an_address_that_somebody_else_may_change_yet_is_uncertain(void **unused)
{
	_autoclose_ int program = redirection(1, port), place = open(outer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_autobuf_ struct buf condition = BUF_INIT;
	struct tercel_verdict v;

	(void)unused;
	assert_true(program >= 0 && place >= 0);
	buf_addf(&condition, "evt.type = connect and fd.l4proto = tcp and fd.sport = %u", port);
	apply_one(buf_str(&condition), POLICY("enforce", "audit"));
	/* Of programs at the same cgroup the one that comes last runs last. */
	assert_int_equal(bpf_prog_attach(program, place, BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI), 0);
	assert_int_equal(done_in(below, connect_to, &port), 0);
	assert_int_equal(accepted(), 1);
	assert_int_equal(verdicts_of(*actor, &v), 1);
	assert_int_equal(v.uncertain, TERCEL_U_SOCKET);
	assert_int_equal(v.enforced, 0);
	assert_int_equal(bpf_prog_detach2(program, place, BPF_CGROUP_INET4_CONNECT), 0);
	assert_int_equal(WEXITSTATUS(done_in(below, connect_to, &port)), 1);
}

/* ---- what is sent ------------------------------------------------------------------------------------------------ */

static int datagram_socket(int family)
{
	const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		_exit(98);
	return fd;
}

/* To a port of loopback where nobody listens. 0, or the error. */
static int send_to(int fd, uint16_t to_port)
{
	const struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(to_port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};

	return sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : errno;
}

static int send_plainly(void *unused)
{
	(void)unused;
	return send_to(datagram_socket(AF_INET), 4711);
}

static int send_message(void *unused)
{
	const struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(4711), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	struct iovec text = {.iov_base = (void *)"x", .iov_len = 1};
	struct mmsghdr m = {
	        .msg_hdr = {.msg_name = (void *)&to, .msg_namelen = sizeof(to), .msg_iov = &text, .msg_iovlen = 1}};
	const int fd = datagram_socket(AF_INET);

	if (unused)
		return sendmmsg(fd, &m, 1, 0) == 1 ? 0 : errno;
	return sendmsg(fd, &m.msg_hdr, 0) == 1 ? 0 : errno;
}

static int send_bound(void *unused)
{
	const struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(4713)};
	const int fd = datagram_socket(AF_INET);

	(void)unused;
	return bind(fd, (const struct sockaddr *)&own, sizeof(own)) ? 97 : send_to(fd, 4711);
}

static int send_connected(void *unused)
{
	const struct sockaddr_in to = {
	        .sin_family = AF_INET, .sin_port = htons(4711), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	const int fd = datagram_socket(AF_INET);

	(void)unused;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		return 97;
	return send(fd, "x", 1, 0) == 1 ? 0 : errno;
}

static int send_6(void *address)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(4711)};

	inet_pton(AF_INET6, address, &to.sin6_addr);
	return sendto(datagram_socket(AF_INET6), "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : errno;
}

#define SENDING "evt.type in (sendto, sendmsg, sendmmsg) and "

static void a_datagram_with_an_address_is_denied(void **unused)
{
	static const struct {
		const char *condition;
		int (*act)(void *);
		const void *arg;
		int result, verdicts;
		uint32_t uncertain;
	} cases[] = {
	        {SENDING "fd.l4proto = udp and fd.type = ipv4", send_plainly, NULL, EPERM, 1, 0},
	        {SENDING "fd.l4proto = tcp", send_plainly, NULL, 0, 0, 0},
	        {"evt.type = sendto", send_message, NULL, 0, 0, 0},
	        {"evt.type = sendmsg", send_message, NULL, EPERM, 1, 0},
	        {"evt.type = sendmmsg", send_message, "m", EPERM, 1, 0},
	        {SENDING "fd.connected = true", send_plainly, NULL, EPERM, 1, 0},
	        {SENDING "fd.connected = true", send_bound, NULL, 0, 1, TERCEL_U_SOCKET | TERCEL_U_PROCESS},
	        /* Without an address of its own it passes no hook of a cgroup: check says so. */
	        {SENDING "fd.l4proto = udp", send_connected, NULL, 0, 0, 0},
	        {SENDING "fd.l4proto = udp", send_6, "::1", EPERM, 1, 0},
	        {SENDING "fd.sockfamily = ip", send_6, "::ffff:127.0.0.1", EPERM, 1, 0},
	        {SENDING "fd.type = ipv4", send_6, "::ffff:127.0.0.1", 0, 1, TERCEL_U_SOCKET},
	};
	struct tercel_verdict v;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status, told;

		apply_one(cases[i].condition, POLICY("monitor", "audit"));
		status = done_in(cgroup, cases[i].act, (void *)cases[i].arg);
		told = verdicts_of(*actor, &v);
		if (status || told != cases[i].verdicts)
			fail_msg("%zu, %s, monitor: status %#x, %d verdicts", i, cases[i].condition, status, told);
		apply_one(cases[i].condition, POLICY("enforce", "audit"));
		status = done_in(cgroup, cases[i].act, (void *)cases[i].arg);
		told = verdicts_of(*actor, &v);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != cases[i].result || told != cases[i].verdicts)
			fail_msg("%zu, %s: status %#x, %d verdicts, uncertain %#x", i, cases[i].condition, status, told,
			         v.uncertain);
		if (told && (v.uncertain != cases[i].uncertain || v.enforced != (cases[i].result != 0)))
			fail_msg("%zu, %s: uncertain %#x, enforced %u", i, cases[i].condition, v.uncertain, v.enforced);
		if (told && (v.remote.port != 4711 || v.protocol != IPPROTO_UDP))
			fail_msg("%zu, %s: to port %u, protocol %u", i, cases[i].condition, v.remote.port, v.protocol);
	}
	apply_one(SENDING "fd.l4proto = udp", CHOSEN);
	assert_int_equal(WEXITSTATUS(done_in(cgroup, send_plainly, NULL)), ECONNREFUSED);
}

static int connect_raw(void *unused)
{
	const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 253 /* for experiments, RFC 3692 */);

	(void)unused;
	return fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : 1;
}

/* Why connect rules that do not ask for tcp or udp are narrow. If this fails, points have been added: say so there. */
static void a_raw_socket_passes_the_connect_points_by(void **unused)
{
	struct tercel_verdict v;

	(void)unused;
	apply_one("evt.type = connect and fd.sip = 127.0.0.1", POLICY("enforce", "audit"));
	assert_int_equal(done_in(cgroup, connect_raw, NULL), 0);
	assert_int_equal(verdicts_of(*actor, &v), 0);
	assert_int_equal(WEXITSTATUS(done_in(cgroup, connect_to, &port)), 1);
}

/* Changes the acting process's record, as if the kernel had missed something, and connects. */
struct tampering {
	bool stale;  /* the record is of an earlier image */
	bool no_exe; /* made when nobody looked at the executable */
};

static int connect_tampered(void *arg)
{
	const struct tampering *t = arg;
	const int fd = sensor_map_fd(sensor, "procs");
	uint32_t tgid = (uint32_t)getpid();
	struct tercel_proc p;

	if (bpf_map_lookup_elem(fd, &tgid, &p))
		return 97;
	if (t->stale)
		p.exec_id.ktime--;
	if (t->no_exe)
		memset(&p.exe, 0, sizeof(p.exe));
	if (bpf_map_update_elem(fd, &tgid, &p, BPF_ANY))
		return 97;
	return connect_to(&port);
}

static void what_the_records_cannot_vouch_for_blocks_nothing(void **unused)
{
	static const struct {
		const char *condition;
		struct tampering tampering;
		int exit;
	} cases[] = {
	        {"proc.name = test_decide_liv", {0}, 1},
	        {"proc.name = test_decide_liv", {.stale = true}, 0},
	        {"proc.exepath endswith /test_decide_live", {0}, 1},
	        {"proc.exepath endswith /test_decide_live", {.stale = true}, 0},
	        {"container.id = fedcba987654", {.stale = true}, 0},
	        {"proc.is_exe_from_memfd = false", {0}, 1},
	        {"proc.is_exe_from_memfd = false", {.no_exe = true}, 0},
	        {"proc.is_exe_upper_layer = false", {.no_exe = true}, 0},
	        {"fd.sip = 127.0.0.1", {.stale = true, .no_exe = true}, 1},
	};
	_autobuf_ struct buf condition = BUF_INIT;
	struct tercel_verdict v;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tampering t = cases[i].tampering;
		int status;

		buf_reset(&condition);
		buf_addf(&condition, "evt.type = connect and fd.l4proto = tcp and %s", cases[i].condition);
		apply_one(buf_str(&condition), POLICY("enforce", "audit"));
		status = done_in(cgroup, connect_tampered, &t);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != cases[i].exit)
			fail_msg("case %zu (%s): %#x", i, cases[i].condition, (unsigned int)status);
		assert_int_equal(verdicts_of(*actor, &v), 1);
		assert_int_equal(v.enforced, cases[i].exit);
		assert_int_equal(v.uncertain != 0, !cases[i].exit);
		(void)accepted();
	}
}

static void what_cannot_be_decided_is_counted(void **unused)
{
	const int fd = sensor_map_fd(sensor, "decisions");
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	_autofree_ char *values = NULL;
	struct tercel_stats before, after;
	int status, cpus = libbpf_num_possible_cpus();

	(void)unused;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	size = (info.value_size + 7) / 8 * 8;
	values = calloc((size_t)cpus, size);
	assert_non_null(values);
	apply_one("evt.type = execve and proc.name = tctarget", POLICY("enforce", "audit"));
	assert_int_equal(sensor_stats(sensor, &before), 0);
	for (int busy = 1; busy >= 0; busy--) {
		for (int cpu = 0; cpu < cpus; cpu++)
			memcpy(values + (size_t)cpu * size, &busy, sizeof(busy));
		for (uint32_t slot = 0; slot < info.max_entries; slot++)
			assert_int_equal(bpf_map_update_elem(fd, &slot, values, BPF_ANY), 0);
		status = done_in(cgroup, start_plainly, (void *)"tctarget");
		assert_int_equal(is_killed(status), !busy);
	}
	assert_int_equal(sensor_stats(sensor, &after), 0);
	assert_int_equal(after.undecided[0] - before.undecided[0], 1);
	assert_int_equal(after.blocked[0] - before.blocked[0], 1);
}

/* Fills the map of processes with ids that no process can have, or takes them out again. */
static void fill_processes(bool full)
{
	const int fd = sensor_map_fd(sensor, "procs");
	const struct tercel_proc nobody = {0};
	uint32_t tgid = 1U << 30;

	if (full) {
		while (!bpf_map_update_elem(fd, &tgid, &nobody, BPF_NOEXIST))
			tgid++;
		assert_int_equal(errno, E2BIG);
	} else {
		while (!bpf_map_delete_elem(fd, &tgid))
			tgid++;
	}
}

static void a_process_that_the_full_map_has_no_room_for_is_uncertain_where_it_is_asked_about(void **unused)
{
	static const struct {
		const char *condition;
		bool blocked;
	} cases[] = {
	        {"proc.exepath endswith /test_decide_live", false},
	        {"proc.aname = test_decide_liv", false},
	        {"fd.sip = 127.0.0.1", true}, /* says nothing of the process */
	};
	_autobuf_ struct buf condition = BUF_INIT;
	struct tercel_stats before, after;
	struct tercel_verdict v;

	(void)unused;
	assert_int_equal(sensor_stats(sensor, &before), 0);
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const bool full = !(i % 2), blocked = !full || cases[i / 2].blocked;
		int status;

		buf_reset(&condition);
		buf_addf(&condition, "evt.type = connect and fd.l4proto = tcp and %s", cases[i / 2].condition);
		apply_one(buf_str(&condition), POLICY("enforce", "audit"));
		if (full)
			fill_processes(true);
		status = done_in(cgroup, connect_to, &port);
		if (full)
			fill_processes(false);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != blocked)
			fail_msg("case %zu (%s): %#x", i, cases[i / 2].condition, (unsigned int)status);
		assert_int_equal(verdicts_of(*actor, &v), 1);
		assert_int_equal(v.enforced, blocked);
		assert_int_equal(v.uncertain != 0, !blocked);
		(void)accepted();
	}
	assert_int_equal(sensor_stats(sensor, &after), 0);
	assert_true(after.procs_full - before.procs_full >= sizeof(cases) / sizeof(cases[0]));
}

static void the_rule_that_acts_is_told_however_many_others_match(void **unused)
{
	_autobuf_ struct buf rules = BUF_INIT;
	const struct tercel_hdr *record;
	int enforced = 0, told = 0;

	(void)unused;
	for (int i = 0; i < TERCEL_HITS_MAX + 8; i++)
		buf_addf(&rules,
		         "- rule: r%d\n  desc: d\n  condition: evt.type = execve and proc.name = tctarget\n"
		         "  output: o\n  priority: WARNING\n",
		         i);
	buf_addf(&rules, ONE_RULE, "evt.type = execve and proc.name in (tctarget, x)");
	apply(buf_str(&rules), "rules_files: [test.yaml]\nrules:\n  - name: '*'\n    mode: monitor\n"
	                       "  - name: one\n    mode: enforce\n");
	assert_true(is_killed(done_in(cgroup, start_plainly, (void *)"tctarget")));
	for (int quiet = 0; quiet < 3;) {
		int r = sensor_next(sensor, 100, &record);
		const struct tercel_verdict *v = (const struct tercel_verdict *)(const void *)record;

		quiet = r == 1 ? 0 : quiet + 1;
		if (r != 1 || record->type != TERCEL_VERDICT || record->tgid != (uint32_t)*actor)
			continue;
		told++;
		enforced += v->enforced && v->rule == TERCEL_HITS_MAX + 8;
	}
	assert_int_equal(told, TERCEL_HITS_MAX);
	assert_int_equal(enforced, 1);
}

static void without_a_policy_nothing_is_decided(void **unused)
{
	struct error err = {""};
	struct tercel_verdict v;
	pid_t pid;

	(void)unused;
	assert_int_equal(sensor_set_policy(sensor, NULL, 0, &err), 0);
	assert_int_equal(touch("tctarget", NULL, &pid), 0);
	assert_true(marker_exists());
	assert_int_equal(verdicts_of(pid, &v), 0);
}

static void a_damaged_policy_is_refused_and_the_old_one_stays(void **unused)
{
	static const uint8_t magic[] = {'T', 'R', 'C', 'L'};
	_autofree_ uint8_t *bytes = calloc(1, TERCEL_IMAGE_MAX);
	struct error err = {""};
	pid_t pid;
	int status;

	(void)unused;
	apply(rules_text, POLICY("enforce", "audit"));
	memcpy(bytes, magic, sizeof(magic));
	assert_int_equal(sensor_set_policy(sensor, bytes, 4096, &err), -EINVAL);
	status = touch("tctarget", NULL, &pid);
	assert_true(WIFSIGNALED(status));
	assert_false(marker_exists());
}

static int group(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_verifier_has_room_left),
	        cmocka_unit_test(an_enforced_rule_kills_before_the_first_instruction),
	        cmocka_unit_test(a_near_miss_is_untouched),
	        cmocka_unit_test(monitor_changes_nothing_and_says_what_it_would_do),
	        cmocka_unit_test(an_enforced_rule_denies_the_connection),
	        cmocka_unit_test(a_connection_is_denied_with_the_error_that_is_asked_for),
#ifdef __x86_64__
	        cmocka_unit_test(a_32_bit_call_connects_like_any_other),
#endif
	        cmocka_unit_test(what_is_cut_is_uncertain_and_not_blocked_unless_the_policy_says_so),
	        cmocka_unit_test(the_protocol_of_an_mptcp_socket_is_not_taken_for_tcp),
	        cmocka_unit_test(a_process_that_renames_itself_keeps_the_name_that_falco_knows),
	        cmocka_unit_test(without_a_name_a_program_of_the_host_is_not_protected),
	        cmocka_unit_test(a_program_that_is_started_by_its_descriptor_is_an_execve),
	        cmocka_unit_test(a_name_in_namespaces_of_ones_own_protects_nothing),
	        cmocka_unit_test(monitor_promises_what_enforce_does_of_protected_programs_too),
	        cmocka_unit_test(an_address_that_somebody_else_put_in_place_is_the_one_that_counts),
	        cmocka_unit_test(an_address_that_somebody_else_may_change_yet_is_uncertain),
	        cmocka_unit_test(a_datagram_with_an_address_is_denied),
	        cmocka_unit_test(a_raw_socket_passes_the_connect_points_by),
	        cmocka_unit_test(what_the_records_cannot_vouch_for_blocks_nothing),
	        cmocka_unit_test(what_cannot_be_decided_is_counted),
	        cmocka_unit_test(a_process_that_the_full_map_has_no_room_for_is_uncertain_where_it_is_asked_about),
	        cmocka_unit_test(the_rule_that_acts_is_told_however_many_others_match),
	        cmocka_unit_test(without_a_policy_nothing_is_decided),
	        cmocka_unit_test(a_damaged_policy_is_refused_and_the_old_one_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return decide_main(group);
}
