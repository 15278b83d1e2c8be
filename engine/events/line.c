/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as one line of text: `time container-or-host pid lineage → what`. Everything of foreign origin is escaped
 * (events/text.h), so that no name can steer the terminal or pose as another line.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "events/names.h"
#include "events/text.h"

enum {
	PID_WIDTH = 7,
	LINEAGE_WIDTH = 32,
	MAX_ERRNO = 4095, /* of the kernel's err.h: results below its negative are no errors */
};

/* ANSI: what an event is, by how much it deserves a look. */
static const char dim[] = "\033[2m", red[] = "\033[1;31m", yellow[] = "\033[33m", cyan[] = "\033[36m",
                  reset[] = "\033[0m";

static void paint(struct buf *b, const struct event_context *c, const char *colour)
{
	if (c->colour == EVENT_COLOUR)
		buf_adds(b, colour);
}

static void pad(struct buf *b, size_t from, size_t width)
{
	size_t shown = 0;
	for (size_t i = from; i < b->len; i++)
		shown += (b->data[i] & 0xc0) != 0x80; /* one column for each character */
	for (; shown < width; shown++)
		buf_addc(b, ' ');
}

static void add_place(struct buf *b, const struct event_context *c, const struct process *p)
{
	const struct identity_cgroup *g = p ? identity_find(c->identity, p->proc.cgroup_id) : NULL;
	size_t from = b->len;
	if (g && g->state == TERCEL_CGROUP_CONTAINER)
		buf_add(b, g->container_id, strnlen(g->container_id, TERCEL_CONTAINER_ID_SHORT));
	else if (g && g->state == TERCEL_CGROUP_HOST)
		buf_adds(b, "host");
	else
		buf_addc(b, '?');
	pad(b, from, TERCEL_CONTAINER_ID_SHORT);
}

static void begin(struct buf *b, struct event_context *c, const struct tercel_hdr *r)
{
	const struct process *p = event_actor(c, r);
	char pid[16];
	paint(b, c, dim);
	add_time(b, event_realtime(c, r->ts), 3);
	paint(b, c, reset);
	buf_addc(b, ' ');
	add_place(b, c, p);
	(void)snprintf(pid, sizeof(pid), " %*u ", PID_WIDTH, r->tgid);
	buf_adds(b, pid);
	size_t from = b->len;
	if (p)
		process_lineage(b, p, event_max_ancestors(c));
	else
		buf_addc(b, '?');
	if (!buf_error(b))
		pad(b, from, LINEAGE_WIDTH);
	buf_adds(b, " → ");
}

static int end(struct buf *b, const struct event_context *c)
{
	paint(b, c, reset);
	buf_addc(b, '\n');
	return 1;
}

/* The program and its arguments; what the record could not hold is marked. */
static void add_command(struct buf *b, const struct process *p)
{
	if (p->exe_path.len)
		text_escape(b, p->exe_path.data, p->exe_path.len, 0);
	else
		process_name(b, p);
	if (p->args.len > strnlen(p->args.data, p->args.len) + 1) {
		buf_addc(b, ' ');
		text_arguments(b, p->args.data, p->args.len);
	}
	if (p->record_flags & TERCEL_F_TRUNC_ARGS)
		buf_adds(b, " …");
	if (p->record_flags & TERCEL_F_FAULT_ARGS)
		buf_adds(b, " [arguments unreadable]");
	if (p->proc.exe.flags & TERCEL_EXE_MEMFD)
		buf_adds(b, " [memfd]");
	else if (p->record_flags & TERCEL_F_PATH_DELETED)
		buf_adds(b, " [deleted]");
}

/* Which program it was that acted. */
static void add_subject(struct buf *b, const struct event_context *c, const struct tercel_hdr *r)
{
	const struct process *p = event_actor(c, r);
	if (!p || p->state == PROCESS_UNSEEN)
		return;
	buf_adds(b, " by ");
	add_command(b, p);
}

static void add_result(struct buf *b, const struct event_context *c, int64_t ret)
{
	char name[24];
	buf_adds(b, " = ");
	if (ret >= 0 || ret < -MAX_ERRNO) {
		buf_addi(b, ret);
		return;
	}
	paint(b, c, yellow);
	buf_adds(b, name_errno((int)-ret, name));
	paint(b, c, reset);
}

static int write_exec(struct buf *b, struct event_context *c, const struct tercel_hdr *r)
{
	const struct process *p = event_actor(c, r);
	begin(b, c, r);
	paint(b, c, cyan);
	buf_adds(b, "exec");
	paint(b, c, reset);
	if (p) {
		buf_addc(b, ' ');
		add_command(b, p);
	}
	return end(b, c);
}

static int write_exit(struct buf *b, struct event_context *c, const struct tercel_exit *x)
{
	const uint32_t code = x->group_exit_code ? x->group_exit_code : x->exit_code;
	char signal[16];
	if (!x->group_dead)
		return 0;
	begin(b, c, &x->hdr);
	buf_adds(b, "exit ");
	if (code & 0x7f)
		buf_adds(b, name_signal((int)(code & 0x7f), signal));
	else
		buf_addu(b, code >> 8 & 0xff);
	if (code & 0x80)
		buf_adds(b, " (core dumped)");
	return end(b, c);
}

static void add_open_mode(struct buf *b, const struct tercel_open *o)
{
	static const char *const access[] = {"read", "write", "read and write", "no access"};
	buf_adds(b, " (");
	buf_adds(b, o->flags & O_PATH ? "path only" : access[o->flags & O_ACCMODE]);
	if (o->file_flags & TERCEL_FILE_CREATED)
		buf_adds(b, ", created");
	else if (o->flags & O_CREAT)
		buf_adds(b, ", create");
	if (o->flags & O_TRUNC)
		buf_adds(b, ", truncate");
	if (o->flags & O_APPEND)
		buf_adds(b, ", append");
	buf_addc(b, ')');
}

static int write_open(struct buf *b, struct event_context *c, const struct tercel_open *o)
{
	const struct text path = record_text(&o->hdr, o->path);
	begin(b, c, &o->hdr);
	buf_adds(b, "open ");
	if (o->hdr.flags & TERCEL_F_FAULT_PATH)
		buf_adds(b, "[path unreadable]");
	else
		text_escape(b, path.data, path.len, 0);
	if (o->hdr.flags & TERCEL_F_TRUNC_PATH)
		buf_adds(b, "…");
	add_open_mode(b, o);
	add_result(b, c, o->ret);
	return end(b, c);
}

static void add_host_port(struct buf *b, uint16_t family, const uint8_t *addr, uint16_t port)
{
	if (family == AF_INET6)
		buf_addc(b, '[');
	add_address(b, family, addr);
	if (family == AF_INET6)
		buf_addc(b, ']');
	buf_addc(b, ':');
	buf_addu(b, port);
}

static void add_protocol(struct buf *b, uint32_t protocol)
{
	const char *name = name_protocol(protocol);
	if (!protocol || !name)
		return;
	for (name += strlen("IPPROTO_"); *name; name++)
		buf_addc(b, (char)(*name | 0x20));
	buf_addc(b, ' ');
}

static void add_target(struct buf *b, const struct tercel_connect *k)
{
	const struct connect_target t = event_target(k);
	const char *family = name_family(t.family);
	if (t.family == AF_INET || t.family == AF_INET6) {
		add_protocol(b, k->protocol);
		add_host_port(b, t.family, t.addr, t.port);
	} else if (t.family == AF_UNIX) {
		const bool abstract = t.path.len && !t.path.data[0];
		buf_adds(b, abstract ? "unix @" : "unix ");
		text_escape(b, t.path.data + abstract, t.path.len - abstract, 0);
	} else if (k->hdr.flags & TERCEL_F_FAULT_PATH) {
		buf_adds(b, "[address unreadable]");
	} else {
		buf_adds(b, family ? family : "[no address]");
	}
}

static int write_connect(struct buf *b, struct event_context *c, const struct tercel_connect *k)
{
	begin(b, c, &k->hdr);
	paint(b, c, cyan);
	buf_adds(b, "connect ");
	paint(b, c, reset);
	add_target(b, k);
	add_result(b, c, k->ret);
	add_subject(b, c, &k->hdr);
	return end(b, c);
}

/* "killed", "would deny", "uncertain" …: what came of the judgement. */
static const char *outcome(const struct tercel_verdict *v)
{
	if (v->enforced)
		return v->action == TERCEL_ACTION_KILL   ? "killed"
		       : v->action == TERCEL_ACTION_DENY ? "denied"
		                                         : "audit";
	if (v->uncertain)
		return "uncertain, not blocked";
	return v->action == TERCEL_ACTION_KILL   ? "would kill"
	       : v->action == TERCEL_ACTION_DENY ? "would deny"
	                                         : "audit";
}

/* What is acted upon. */
static void add_object(struct buf *b, const struct tercel_verdict *v)
{
	const struct text path = record_text(&v->hdr, v->path), other = record_text(&v->hdr, v->other);
	if (path.len) {
		buf_addc(b, ' ');
		text_escape(b, path.data, path.len, ' ');
	}
	if (other.len) {
		buf_adds(b, v->point == TERCEL_POINT_MOUNT ? " from " : " to ");
		text_escape(b, other.data, other.len, ' ');
	}
	if (v->remote.family) {
		buf_addc(b, ' ');
		add_protocol(b, v->protocol);
		add_host_port(b, v->remote.family, v->remote.addr, v->remote.port);
	}
	if (v->target)
		buf_addf(b, " process %u", v->target);
}

static int write_verdict(struct buf *b, struct event_context *c, const struct tercel_verdict *v)
{
	begin(b, c, &v->hdr);
	paint(b, c, v->enforced ? red : yellow);
	buf_adds(b, outcome(v));
	paint(b, c, reset);
	for (unsigned i = 0, n = 0; i < TERCEL_U_BITS; i++)
		if (v->uncertain >> i & 1)
			buf_addf(b, "%s%s", n++ ? ", " : " for want of ", name_uncertain(i));
	buf_adds(b, " \"");
	buf_reset(&c->scratch);
	add_rule(&c->scratch, c, v);
	buf_pass_error(b, &c->scratch);
	text_escape(b, buf_str(&c->scratch), c->scratch.len, '"');
	buf_adds(b, "\": ");
	buf_adds(b, name_act(v->point));
	add_object(b, v);
	if (v->point != TERCEL_POINT_EXEC_COMMIT)
		buf_adds(b, " by");
	const struct process *p = event_actor(c, &v->hdr);
	if (p && p->state != PROCESS_UNSEEN) {
		buf_addc(b, ' ');
		add_command(b, p);
	}
	if (c->folded)
		buf_addf(b, " (and %llu more like it)", (unsigned long long)c->folded);
	return end(b, c);
}

int event_write_text(struct buf *b, struct event_context *c, const struct tercel_hdr *r)
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
