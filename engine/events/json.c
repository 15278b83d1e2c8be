/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as JSON lines. Field names, their types and what is left out when empty are those of Tetragon's export
 * (protobuf's JSON mapping with proto names: 64-bit integers are strings, zero scalars are absent, wrapped ones are
 * not). Written straight into the buffer, since a tree for each event would cost dozens of allocations.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "events/names.h"

/* As many digits of a container id as Tetragon shows in `docker`. */
enum { DOCKER_DIGITS = 31 };

/* How much of a process an event shows: the actor in full, its forebears without credentials and namespaces. */
enum detail {
	DETAIL_BRIEF = 0,
	DETAIL_FULL = 1,
};

/* ---- the writer ---- */

static void separate(struct buf *b)
{
	char last = b->len ? b->data[b->len - 1] : '{';
	if (last != '{' && last != '[')
		buf_addc(b, ',');
}

static void key(struct buf *b, const char *name)
{
	separate(b);
	buf_addc(b, '"');
	buf_adds(b, name);
	buf_adds(b, "\":");
}

static void open_object(struct buf *b, const char *name)
{
	key(b, name);
	buf_addc(b, '{');
}

static void add_string(struct buf *b, const char *name, const char *text, size_t len)
{
	if (!len)
		return;
	key(b, name);
	buf_add_json(b, text, len);
}

/* What was put together in another buffer. */
static void add_text(struct buf *b, const char *name, const struct buf *text)
{
	buf_pass_error(b, text);
	add_string(b, name, buf_str(text), text->len);
}

static void add_word(struct buf *b, const char *name, const char *text)
{
	add_string(b, name, text, strlen(text));
}

static void add_number(struct buf *b, const char *name, int64_t value)
{
	key(b, name);
	buf_addi(b, value);
}

static void add_time_field(struct buf *b, const char *name, const struct event_context *c, uint64_t boottime)
{
	key(b, name);
	buf_addc(b, '"');
	add_time(b, event_realtime(c, boottime), 9);
	buf_addc(b, '"');
}

static void add_exec_id(struct buf *b, const char *name, const struct event_context *c, struct tercel_exec_id id)
{
	if (!id.tgid)
		return;
	key(b, name);
	buf_addc(b, '"');
	process_exec_id_text(b, identity_node(c->identity), id);
	buf_addc(b, '"');
}

/* ---- a process ---- */

/* As Tetragon joins them: by blanks, an argument with a blank in it in double quotes. */
static void add_arguments(struct buf *b, struct event_context *c, struct text args)
{
	struct buf *joined = &c->scratch;
	buf_reset(joined);
	for (size_t at = 0, n = 0; at < args.len; n++) {
		size_t size = strnlen(args.data + at, args.len - at);
		bool quoted = !size || memchr(args.data + at, ' ', size);
		if (n > 1)
			buf_addc(joined, ' ');
		if (n > 0 && quoted)
			buf_addc(joined, '"');
		if (n > 0)
			buf_add(joined, args.data + at, size);
		if (n > 0 && quoted)
			buf_addc(joined, '"');
		at += size + 1;
	}
	add_text(b, "arguments", joined);
}

static void add_flag(struct buf *flags, bool set, const char *name)
{
	if (!set)
		return;
	if (flags->len)
		buf_addc(flags, ' ');
	buf_adds(flags, name);
}

/* The words, and their order, of Tetragon's Process.flags. */
static void add_flags(struct buf *b, struct event_context *c, const struct process *p)
{
	struct buf *flags = &c->scratch;
	const uint32_t cut = p->record_flags;
	const bool seen = p->state != PROCESS_UNSEEN;
	buf_reset(flags);
	add_flag(flags, p->proc.proc_flags & TERCEL_PROC_EXECED, "execve");
	add_flag(flags, p->proc.proc_flags & TERCEL_PROC_SEEDED, "procFS");
	add_flag(flags, cut & TERCEL_F_TRUNC_PATH, "truncFilename");
	add_flag(flags, cut & TERCEL_F_TRUNC_ARGS, "truncArgs");
	add_flag(flags, cut & (TERCEL_F_PROC_UNKNOWN | TERCEL_F_NO_PARENT_PROC), "miss");
	add_flag(flags, cut & TERCEL_F_FAULT_PATH, "errorFilename");
	add_flag(flags, cut & TERCEL_F_FAULT_ARGS, "errorArgs");
	add_flag(flags, p->cwd.len == 1 && p->cwd.data[0] == '/', "rootcwd");
	add_flag(flags, cut & TERCEL_F_TRUNC_CWD, "errorCWD");
	add_flag(flags, p->cloned, "clone");
	add_flag(flags, !seen, "unknown");
	add_text(b, "flags", flags);
}

/*
 * Whether the process descends from the init of its pid namespace without ever leaving that namespace. Said of
 * containers' processes; not said where the tree is not known far enough.
 */
static void add_init_tree(struct buf *b, const struct process *p)
{
	const uint64_t ns = p->proc.pidns_start;
	bool found = false;
	for (const struct process *q = p; ns && !found; q = process_parent(q)) {
		if (!q || q->state == PROCESS_UNSEEN)
			return;
		if (q->proc.pidns_start != ns)
			break;
		found = q->proc.vtgid == 1;
	}
	key(b, "in_init_tree");
	buf_adds(b, found ? "true" : "false");
}

static void add_capability_set(struct buf *b, const char *name, uint64_t set)
{
	if (!set)
		return;
	key(b, name);
	buf_addc(b, '[');
	for (unsigned i = 0; i < 64; i++) {
		const char *cap = set >> i & 1 ? name_capability(i) : NULL;
		if (!cap)
			continue;
		separate(b);
		buf_addc(b, '"');
		buf_adds(b, cap);
		buf_addc(b, '"');
	}
	buf_addc(b, ']');
}

static void add_capabilities(struct buf *b, const char *name, const struct tercel_creds *cred)
{
	open_object(b, name);
	add_capability_set(b, "permitted", cred->cap_permitted);
	add_capability_set(b, "effective", cred->cap_effective);
	add_capability_set(b, "inheritable", cred->cap_inheritable);
	buf_addc(b, '}');
}

static void add_credentials(struct buf *b, const struct tercel_creds *cred)
{
	open_object(b, "process_credentials");
	add_number(b, "uid", cred->uid);
	add_number(b, "gid", cred->gid);
	add_number(b, "euid", cred->euid);
	add_number(b, "egid", cred->egid);
	add_number(b, "suid", cred->suid);
	add_number(b, "sgid", cred->sgid);
	add_number(b, "fsuid", cred->fsuid);
	add_number(b, "fsgid", cred->fsgid);
	buf_addc(b, '}');
}

static void add_namespaces(struct buf *b, const struct tercel_proc *proc)
{
	if (!proc->pidns)
		return;
	open_object(b, "ns");
	open_object(b, "pid");
	add_number(b, "inum", proc->pidns);
	if (!proc->pidns_start) {
		key(b, "is_host");
		buf_adds(b, "true");
	}
	buf_adds(b, "}}");
}

/* Only where the file is not simply to be found by its path. */
static void add_binary(struct buf *b, const struct process *p)
{
	const bool memfd = p->proc.exe.flags & TERCEL_EXE_MEMFD;
	if (!memfd && !(p->record_flags & TERCEL_F_PATH_DELETED))
		return;
	open_object(b, "binary_properties");
	open_object(b, "file");
	open_object(b, "inode");
	key(b, "number");
	buf_addc(b, '"');
	buf_addu(b, p->proc.exe.ino);
	buf_addc(b, '"');
	if (memfd)
		add_number(b, "links", 0);
	buf_addc(b, '}');
	add_string(b, "path", p->exe_path.data, p->exe_path.len);
	buf_adds(b, "}}");
}

static void add_container(struct buf *b, const struct event_context *c, const struct process *p)
{
	const struct identity_cgroup *g = identity_find(c->identity, p->proc.cgroup_id);
	if (g)
		add_string(b, "docker", g->container_id, strnlen(g->container_id, DOCKER_DIGITS));
}

/* The members of a process that has a record; `tid` 0: the leader's. */
static void add_members(struct buf *b, struct event_context *c, const struct process *p, uint32_t tid,
                        enum detail detail)
{
	add_number(b, "uid", p->proc.creds.euid);
	add_string(b, "cwd", p->cwd.data, p->cwd.len);
	add_string(b, "binary", p->exe_path.data, p->exe_path.len);
	add_arguments(b, c, p->args);
	add_flags(b, c, p);
	add_time_field(b, "start_time", c, p->begin);
	add_number(b, "auid", p->proc.loginuid);
	add_container(b, c, p);
	add_exec_id(b, "parent_exec_id", c, p->parent_id);
	if (detail == DETAIL_FULL)
		add_capabilities(b, "cap", &p->proc.creds);
	if (detail == DETAIL_FULL)
		add_namespaces(b, &p->proc);
	add_number(b, "tid", tid ? tid : p->id.tgid);
	if (detail == DETAIL_FULL)
		add_credentials(b, &p->proc.creds);
	if (detail == DETAIL_FULL)
		add_binary(b, p);
	add_init_tree(b, p);
}

static void add_process(struct buf *b, struct event_context *c, const struct process *p, uint32_t tid,
                        enum detail detail)
{
	buf_addc(b, '{');
	add_exec_id(b, "exec_id", c, p->id);
	add_number(b, "pid", p->id.tgid);
	if (p->state == PROCESS_UNSEEN) {
		add_flags(b, c, p);
		add_time_field(b, "start_time", c, p->begin);
		if (tid)
			add_number(b, "tid", tid);
	} else {
		add_members(b, c, p, tid, detail);
	}
	buf_addc(b, '}');
}

/* The actor of a record that no entry is known of: what the record itself says. */
static void add_stranger(struct buf *b, const struct event_context *c, const struct tercel_hdr *r)
{
	buf_addc(b, '{');
	add_exec_id(b, "exec_id", c, r->exec_id);
	add_number(b, "pid", r->tgid);
	add_word(b, "flags", "unknown");
	if (r->exec_id.tgid)
		add_time_field(b, "start_time", c, r->exec_id.ktime);
	add_number(b, "tid", r->tid);
	buf_addc(b, '}');
}

/* ---- what all events have ---- */

static void begin(struct buf *b, struct event_context *c, const struct tercel_hdr *r, const char *kind,
                  enum detail detail)
{
	const struct process *p = event_actor(c, r);
	const struct process *parent = p ? process_parent(p) : NULL;
	buf_adds(b, "{\"");
	buf_adds(b, kind);
	buf_adds(b, "\":{\"process\":");
	if (p)
		add_process(b, c, p, r->tid, detail);
	else
		add_stranger(b, c, r);
	if (!parent)
		return;
	key(b, "parent");
	add_process(b, c, parent, 0, DETAIL_BRIEF);
}

static void add_ancestors(struct buf *b, struct event_context *c, const struct tercel_hdr *r)
{
	const struct process *p = event_actor(c, r);
	p = p ? process_parent(p) : NULL;
	p = p ? process_parent(p) : NULL;
	if (!p)
		return;
	key(b, "ancestors");
	buf_addc(b, '[');
	/* The parent is the first of them that an event shows. */
	for (unsigned n = 1; p && n < event_max_ancestors(c); n++, p = process_parent(p)) {
		separate(b);
		add_process(b, c, p, 0, DETAIL_BRIEF);
	}
	buf_addc(b, ']');
}

static void add_lineage(struct buf *b, struct event_context *c, const struct tercel_hdr *r)
{
	const struct process *p = event_actor(c, r);
	buf_reset(&c->scratch);
	if (p)
		process_lineage(&c->scratch, p, event_max_ancestors(c));
	add_text(b, "lineage", &c->scratch);
}

static void add_plain_tercel(struct buf *b, struct event_context *c, const struct tercel_hdr *r)
{
	open_object(b, "tercel");
	add_lineage(b, c, r);
	buf_addc(b, '}');
}

static void end(struct buf *b, const struct event_context *c, const struct tercel_hdr *r)
{
	buf_addc(b, '}');
	add_word(b, "node_name", identity_node(c->identity));
	add_time_field(b, "time", c, r->ts);
	buf_adds(b, "}\n");
}

/* ---- arguments of process_lsm ---- */

static void add_int_arg(struct buf *b, int64_t value, const char *label)
{
	separate(b);
	buf_addc(b, '{');
	add_number(b, "int_arg", value);
	add_word(b, "label", label);
	buf_addc(b, '}');
}

/* As requested; a relative path of a call without a descriptor is made absolute by the working directory. */
static void add_file_arg(struct buf *b, struct event_context *c, const struct tercel_open *o)
{
	const int at_fdcwd = -100; /* AT_FDCWD of the kernel's fcntl.h */
	const struct process *p = event_actor(c, &o->hdr);
	struct text path = record_text(&o->hdr, o->path);
	separate(b);
	buf_adds(b, "{\"file_arg\":{");
	buf_reset(&c->scratch);
	if (path.len && path.data[0] != '/' && o->dirfd == at_fdcwd && p && p->cwd.len) {
		buf_add(&c->scratch, p->cwd.data, p->cwd.len);
		if (p->cwd.data[p->cwd.len - 1] != '/')
			buf_addc(&c->scratch, '/');
	}
	buf_add(&c->scratch, path.data, path.len);
	add_text(b, "path", &c->scratch);
	buf_adds(b, "}}");
}

static void add_sockaddr_arg(struct buf *b, uint16_t family, const uint8_t *addr, uint16_t port)
{
	char number[8];
	const char *name = name_family(family);
	(void)snprintf(number, sizeof(number), "%u", family);
	separate(b);
	buf_adds(b, "{\"sockaddr_arg\":{");
	add_word(b, "family", name ? name : number);
	if (family == AF_INET || family == AF_INET6) {
		key(b, "addr");
		buf_addc(b, '"');
		add_address(b, family, addr);
		buf_addc(b, '"');
		if (port)
			add_number(b, "port", port);
	}
	buf_adds(b, "}}");
}

static void add_target_arg(struct buf *b, const struct tercel_connect *k)
{
	const struct connect_target t = event_target(k);
	if (t.family != AF_UNIX) {
		add_sockaddr_arg(b, t.family, t.addr, t.port);
		return;
	}
	separate(b);
	buf_adds(b, "{\"sockaddrun_arg\":{\"family\":\"AF_UNIX\"");
	add_string(b, "path", t.path.data, t.path.len);
	buf_adds(b, "}}");
}

static void add_end_point(struct buf *b, const struct tercel_endpoint *e, const char *addr, const char *port)
{
	if (e->family != AF_INET && e->family != AF_INET6)
		return;
	key(b, addr);
	buf_addc(b, '"');
	add_address(b, e->family, e->addr);
	buf_addc(b, '"');
	if (e->port)
		add_number(b, port, e->port);
}

static void add_sock_arg(struct buf *b, const struct tercel_connect *k)
{
	const char *family = name_family(k->family), *type = name_socket_type(k->sock_type),
	           *protocol = name_protocol(k->protocol);
	if (!k->family)
		return;
	separate(b);
	buf_adds(b, "{\"sock_arg\":{");
	add_word(b, "family", family ? family : "");
	add_word(b, "type", type ? type : "");
	add_word(b, "protocol", protocol ? protocol : "");
	add_end_point(b, &k->local, "saddr", "sport");
	add_end_point(b, &k->remote, "daddr", "dport");
	buf_adds(b, "}}");
}

/* ---- events ---- */

static int write_exec(struct buf *b, struct event_context *c, const struct tercel_hdr *r)
{
	begin(b, c, r, "process_exec", DETAIL_FULL);
	add_ancestors(b, c, r);
	add_plain_tercel(b, c, r);
	end(b, c, r);
	return 1;
}

static int write_exit(struct buf *b, struct event_context *c, const struct tercel_exit *x)
{
	const uint32_t code = x->group_exit_code ? x->group_exit_code : x->exit_code;
	char signal[16];
	if (!x->group_dead)
		return 0;
	begin(b, c, &x->hdr, "process_exit", DETAIL_BRIEF);
	if (code & 0x7f)
		add_word(b, "signal", name_signal((int)(code & 0x7f), signal));
	if (code >> 8 & 0xff)
		add_number(b, "status", code >> 8 & 0xff);
	add_time_field(b, "time", c, x->hdr.ts);
	add_ancestors(b, c, &x->hdr);
	add_plain_tercel(b, c, &x->hdr);
	end(b, c, &x->hdr);
	return 1;
}

static void end_act(struct buf *b, struct event_context *c, const struct tercel_hdr *r, int64_t ret)
{
	add_int_arg(b, ret, "return");
	buf_addc(b, ']');
	add_word(b, "action", "KPROBE_ACTION_POST");
	add_ancestors(b, c, r);
	add_plain_tercel(b, c, r);
	end(b, c, r);
}

static int write_open(struct buf *b, struct event_context *c, const struct tercel_open *o)
{
	begin(b, c, &o->hdr, "process_lsm", DETAIL_BRIEF);
	add_word(b, "function_name", "file_open");
	key(b, "args");
	buf_addc(b, '[');
	add_file_arg(b, c, o);
	add_int_arg(b, (int64_t)(o->flags & INT32_MAX), "flags");
	end_act(b, c, &o->hdr, o->ret);
	return 1;
}

static int write_connect(struct buf *b, struct event_context *c, const struct tercel_connect *k)
{
	begin(b, c, &k->hdr, "process_lsm", DETAIL_BRIEF);
	add_word(b, "function_name", "socket_connect");
	key(b, "args");
	buf_addc(b, '[');
	add_target_arg(b, k);
	add_sock_arg(b, k);
	end_act(b, c, &k->hdr, k->ret);
	return 1;
}

static const char *tetragon_action(const struct tercel_verdict *v)
{
	if (!v->enforced || v->action == TERCEL_ACTION_AUDIT)
		return "KPROBE_ACTION_POST";
	return v->action == TERCEL_ACTION_KILL ? "KPROBE_ACTION_SIGKILL" : "KPROBE_ACTION_OVERRIDE";
}

static void add_verdict_object(struct buf *b, struct event_context *c, const struct tercel_verdict *v)
{
	open_object(b, "tercel");
	buf_reset(&c->scratch);
	add_rule(&c->scratch, c, v);
	add_text(b, "rule", &c->scratch);
	add_word(b, "mode", name_mode(v->mode));
	add_word(b, "action", name_action(v->action));
	key(b, "enforced");
	buf_adds(b, v->enforced ? "true" : "false");
	add_word(b, "point", event_point_name(v->point));
	add_word(b, "strength", event_point_strength(v->point));
	add_number(b, "generation", v->generation);
	if (c->folded)
		add_number(b, "folded", (int64_t)c->folded);
	key(b, "uncertain");
	buf_addc(b, '[');
	for (unsigned i = 0; i < TERCEL_U_BITS; i++) {
		if (!(v->uncertain >> i & 1))
			continue;
		separate(b);
		buf_add_json(b, name_uncertain(i), strlen(name_uncertain(i)));
	}
	buf_addc(b, ']');
	add_lineage(b, c, &v->hdr);
	buf_addc(b, '}');
}

static void add_path_arg(struct buf *b, const char *arg, struct text path)
{
	separate(b);
	buf_addf(b, "{\"%s\":{", arg);
	add_string(b, "path", path.data, path.len);
	buf_adds(b, "}}");
}

/* What is acted upon. */
static void add_object_args(struct buf *b, struct event_context *c, const struct tercel_verdict *v)
{
	const struct text path = record_text(&v->hdr, v->path), other = record_text(&v->hdr, v->other);
	const struct process *p = event_actor(c, &v->hdr);
	const bool plain = v->point == TERCEL_POINT_SYMLINK || v->point == TERCEL_POINT_MOUNT;
	if (v->point == TERCEL_POINT_EXEC_COMMIT && p && p->exe_path.len)
		add_path_arg(b, "linux_binprm_arg", p->exe_path);
	if (path.len)
		add_path_arg(b,
		             v->point == TERCEL_POINT_EXEC_CHECK  ? "linux_binprm_arg"
		             : v->point == TERCEL_POINT_FILE_OPEN ? "file_arg"
		                                                  : "path_arg",
		             path);
	if (other.len && !plain)
		add_path_arg(b, "path_arg", other);
	if (other.len && plain) {
		separate(b);
		buf_addc(b, '{');
		add_string(b, "string_arg", other.data, other.len);
		buf_addc(b, '}');
	}
	if (v->remote.family)
		add_sockaddr_arg(b, v->remote.family, v->remote.addr, v->remote.port);
	if (v->target)
		add_int_arg(b, v->target, "pid");
}

static int write_verdict(struct buf *b, struct event_context *c, const struct tercel_verdict *v)
{
	begin(b, c, &v->hdr, "process_lsm", DETAIL_FULL);
	add_word(b, "function_name", name_hook(v->point));
	buf_reset(&c->scratch);
	add_rule(&c->scratch, c, v);
	add_text(b, "policy_name", &c->scratch);
	key(b, "args");
	buf_addc(b, '[');
	add_object_args(b, c, v);
	buf_addc(b, ']');
	add_word(b, "action", tetragon_action(v));
	add_ancestors(b, c, &v->hdr);
	add_verdict_object(b, c, v);
	end(b, c, &v->hdr);
	return 1;
}

int event_write_json(struct buf *b, struct event_context *c, const struct tercel_hdr *r)
{
	switch ((enum tercel_record_type)r->type) {
	case TERCEL_EXEC:
		return write_exec(b, c, r);
	case TERCEL_EXIT:
		return write_exit(b, c, (const struct tercel_exit *)r);
	case TERCEL_OPEN:
		return write_open(b, c, (const struct tercel_open *)r);
	case TERCEL_CONNECT:
		return write_connect(b, c, (const struct tercel_connect *)r);
	case TERCEL_VERDICT:
		return write_verdict(b, c, (const struct tercel_verdict *)r);
	default:
		return 0;
	}
}
