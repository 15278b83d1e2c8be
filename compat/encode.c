/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/encode.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

/* Address families, as in <sys/socket.h>; compat/ needs nothing else of it. */
#define FAMILY_UNIX 1
#define FAMILY_INET 2
#define FAMILY_INET6 10
#define ERRNO_EINPROGRESS 115
/* AT_FDCWD of <fcntl.h>. */
#define DIRFD_CWD (-100)

/* ---- writing one event -------------------------------------------------------------------------------- */

/* Writes values front to back; the lengths go to their array. Whatever does not fit sets `full`, and is checked once.
 */
struct writer {
	uint8_t *buf;
	size_t size;
	size_t start; /* of the current event */
	size_t pos;
	unsigned param;
	const struct scap_event_info *info;
	bool full;
	struct scap_encoded out;
};

static bool room(struct writer *w, size_t len)
{
	if (w->full || len > w->size - w->pos) {
		w->full = true;
		return false;
	}
	return true;
}

static void begin(struct writer *w, uint16_t type, uint64_t ts, uint32_t tid)
{
	w->info = scap_event_info(type);
	w->param = 0;
	w->start = w->pos;
	struct scap_header header = {.ts = ts, .tid = tid, .type = type, .nparams = w->info->nparams};
	size_t lengths = w->info->nparams * sizeof(uint16_t);
	if (!room(w, sizeof(header) + lengths))
		return;
	memcpy(w->buf + w->pos, &header, sizeof(header));
	w->pos += sizeof(header) + lengths;
}

static void end(struct writer *w)
{
	if (w->full)
		return;
	uint32_t len = (uint32_t)(w->pos - w->start);
	memcpy(w->buf + w->start + offsetof(struct scap_header, len), &len, sizeof(len));
	w->out.events[w->out.count].offset = w->start;
	w->out.events[w->out.count].len = len;
	w->out.count++;
	/* Not needed by anybody, but kinder to those who read headers in place. */
	size_t padded = (w->pos + 7) & ~(size_t)7;
	w->pos = padded <= w->size ? padded : w->size;
	w->out.used = w->pos;
}

/* Appends bytes to the parameter that is being written. */
static void put(struct writer *w, const void *bytes, size_t len)
{
	if (!len || !room(w, len))
		return;
	memcpy(w->buf + w->pos, bytes, len);
	w->pos += len;
}

static size_t param_begin(const struct writer *w)
{
	return w->pos;
}

static void param_end(struct writer *w, size_t begin_pos)
{
	size_t len = w->pos - begin_pos;
	if (len > UINT16_MAX)
		w->full = true;
	if (w->full)
		return;
	uint16_t len16 = (uint16_t)len;
	memcpy(w->buf + w->start + sizeof(struct scap_header) + w->param * sizeof(len16), &len16, sizeof(len16));
	w->param++;
}

static void param(struct writer *w, const void *bytes, size_t len)
{
	size_t at = param_begin(w);
	put(w, bytes, len);
	param_end(w, at);
}

static void s64(struct writer *w, int64_t v)
{
	param(w, &v, sizeof(v));
}

static void u64(struct writer *w, uint64_t v)
{
	param(w, &v, sizeof(v));
}

static void u32(struct writer *w, uint32_t v)
{
	param(w, &v, sizeof(v));
}

static void u16(struct writer *w, uint16_t v)
{
	param(w, &v, sizeof(v));
}

static void u8(struct writer *w, uint8_t v)
{
	param(w, &v, sizeof(v));
}

static void none(struct writer *w)
{
	param(w, NULL, 0);
}

/* A text up to its first NUL, if it has one: libsinsp throws at a parameter that goes on behind it. */
static void put_text(struct writer *w, const char *text, size_t len)
{
	put(w, text, len ? strnlen(text, len) : 0);
	put(w, "", 1);
}

static void text(struct writer *w, struct scap_bytes t)
{
	size_t at = param_begin(w);
	put_text(w, t.data, t.len);
	param_end(w, at);
}

enum if_empty {
	EMPTY_IS_A_VALUE, /* "" */
	EMPTY_IS_UNKNOWN, /* length 0 */
};

static void text_or(struct writer *w, struct scap_bytes t, enum if_empty meaning)
{
	if (!t.len && meaning == EMPTY_IS_UNKNOWN)
		none(w);
	else
		text(w, t);
}

/* ---- reading a record --------------------------------------------------------------------------------- */

static const size_t record_sizes[TERCEL_RECORD_TYPES] = {
        [TERCEL_EXEC] = sizeof(struct tercel_exec),       [TERCEL_FORK] = sizeof(struct tercel_fork),
        [TERCEL_EXIT] = sizeof(struct tercel_exit),       [TERCEL_OPEN] = sizeof(struct tercel_open),
        [TERCEL_CONNECT] = sizeof(struct tercel_connect), [TERCEL_SOCKET] = sizeof(struct tercel_socket),
        [TERCEL_CHDIR] = sizeof(struct tercel_chdir),     [TERCEL_SEED] = sizeof(struct tercel_exec),
        [TERCEL_CGROUP] = sizeof(struct tercel_cgroup),   [TERCEL_VERDICT] = sizeof(struct tercel_verdict),
};

static bool span_ok(const struct tercel_hdr *r, struct tercel_span span)
{
	return span.off <= r->size && span.len <= r->size - span.off;
}

static struct scap_bytes bytes_of(const struct tercel_hdr *r, struct tercel_span span)
{
	return (struct scap_bytes){(const char *)r + span.off, span.len};
}

static bool exec_ok(const struct tercel_exec *e)
{
	return span_ok(&e->hdr, e->exe_path) && span_ok(&e->hdr, e->args) && span_ok(&e->hdr, e->env) &&
	       span_ok(&e->hdr, e->cwd) && span_ok(&e->hdr, e->filename) &&
	       (e->syscall == TERCEL_SYS_EXECVE || e->syscall == TERCEL_SYS_EXECVEAT || e->syscall == TERCEL_SYS_NONE);
}

bool scap_record_ok(const struct tercel_hdr *r, size_t size)
{
	if (size < sizeof(*r) || r->size > size || r->type >= TERCEL_RECORD_TYPES || r->size < record_sizes[r->type])
		return false;
	switch (r->type) {
	case TERCEL_EXEC:
	case TERCEL_SEED:
		return exec_ok((const struct tercel_exec *)r);
	case TERCEL_OPEN:
		return span_ok(r, ((const struct tercel_open *)r)->path);
	case TERCEL_CONNECT:
		return ((const struct tercel_connect *)r)->addr_len <= TERCEL_SOCKADDR_MAX;
	case TERCEL_CHDIR:
		return span_ok(r, ((const struct tercel_chdir *)r)->path) &&
		       span_ok(r, ((const struct tercel_chdir *)r)->cwd);
	case TERCEL_CGROUP:
		return span_ok(r, ((const struct tercel_cgroup *)r)->path);
	default:
		return true;
	}
}

/* ---- processes ---------------------------------------------------------------------------------------- */

/* "cpuset=/path", one for each controller; empty while the path is not known. */
static void cgroups(struct writer *w, const struct scap_context *ctx, uint64_t cgroup_id)
{
	struct scap_bytes path = {0};
	if (ctx->cgroup_path)
		ctx->cgroup_path(ctx->data, cgroup_id, &path);
	size_t at = param_begin(w);
	for (size_t i = 0; path.len && i < scap_cgroup_controller_count; i++) {
		put(w, scap_cgroup_controllers[i], strlen(scap_cgroup_controllers[i]));
		put(w, "=", 1);
		put_text(w, path.data, path.len);
	}
	param_end(w, at);
}

/* Texts in a row, each ended by a NUL: the last one, too, if it was cut. */
static void list(struct writer *w, struct scap_bytes l)
{
	size_t at = param_begin(w);
	put(w, l.data, l.len);
	if (l.len && l.data[l.len - 1] != '\0')
		put(w, "", 1);
	param_end(w, at);
}

/* Parameters "exe" and "args": argv[0], and the rest. */
static void arguments(struct writer *w, struct scap_bytes args)
{
	if (!args.len) {
		none(w);
		none(w);
		return;
	}
	size_t exe = strnlen(args.data, args.len);
	text(w, (struct scap_bytes){args.data, exe});
	size_t rest = exe < args.len ? exe + 1 : exe;
	list(w, (struct scap_bytes){args.data + rest, args.len - rest});
}

static uint64_t event_time(const struct tercel_hdr *r, const struct scap_context *ctx)
{
	return r->ts + (uint64_t)ctx->clock_offset;
}

static uint32_t exe_flags(uint32_t flags)
{
	return ((flags & TERCEL_EXE_WRITABLE) ? SCAP_EXE_WRITABLE : 0) |
	       ((flags & TERCEL_EXE_UPPER_LAYER) ? SCAP_EXE_UPPER_LAYER : 0) |
	       ((flags & TERCEL_EXE_LOWER_LAYER) ? SCAP_EXE_LOWER_LAYER : 0) |
	       ((flags & TERCEL_EXE_MEMFD) ? SCAP_EXE_FROM_MEMFD : 0);
}

static void encode_exec(struct writer *w, const struct tercel_exec *e, const struct scap_context *ctx)
{
	const struct tercel_hdr *r = &e->hdr;
	const struct tercel_proc *p = &e->proc;

	/* Whichever call it was: the driver's execve event is that of its tracepoint, its execveat one of failures. */
	begin(w, SCAP_EXECVE_19_X, event_time(r, ctx), r->tid);
	s64(w, 0);
	arguments(w, bytes_of(r, e->args));
	s64(w, r->tid);
	s64(w, r->tgid);
	s64(w, p->ppid);
	text_or(w, bytes_of(r, e->cwd), EMPTY_IS_UNKNOWN);
	u64(w, e->fdlimit);
	u64(w, e->pgft_maj);
	u64(w, e->pgft_min);
	u32(w, e->vm_size);
	u32(w, e->vm_rss);
	u32(w, e->vm_swap);
	text(w, (struct scap_bytes){p->comm, sizeof(p->comm)});
	cgroups(w, ctx, p->cgroup_id);
	list(w, bytes_of(r, e->env));
	u32(w, scap_device(p->tty));
	s64(w, p->vpgid);
	u32(w, p->loginuid);
	u32(w, exe_flags(p->exe.flags));
	u64(w, scap_capabilities(p->creds.cap_inheritable));
	u64(w, scap_capabilities(p->creds.cap_permitted));
	u64(w, scap_capabilities(p->creds.cap_effective));
	u64(w, p->exe.ino);
	u64(w, p->exe.ctime_ns);
	u64(w, p->exe.mtime_ns);
	u32(w, p->creds.euid);
	/* An empty parameter would leave the path of the image before in libsinsp's state. */
	text_or(w, bytes_of(r, e->exe_path), EMPTY_IS_A_VALUE);
	s64(w, p->pgid);
	u32(w, p->creds.egid);
	text_or(w, bytes_of(r, e->filename), EMPTY_IS_UNKNOWN);
	end(w);
}

enum clone_side {
	CLONE_SIDE_CHILD,
	CLONE_SIDE_MAKER,
};

static uint16_t clone_type(uint32_t syscall)
{
	switch (syscall) {
	case TERCEL_SYS_FORK:
		return SCAP_FORK_20_X;
	case TERCEL_SYS_VFORK:
		return SCAP_VFORK_20_X;
	case TERCEL_SYS_CLONE3:
		return SCAP_CLONE3_X;
	default:
		return SCAP_CLONE_20_X;
	}
}

/*
 * libsinsp reads three things from these flags: is it a thread, does it share descriptors, is it in a pid namespace.
 * The first and the last are facts of the record, whether or not the call's own flags could be read.
 */
static uint32_t clone_flags(const struct tercel_fork *f)
{
	uint32_t flags = scap_clone_flags(f->clone_flags);
	if (f->is_thread)
		flags |= SCAP_CLONE_THREAD | SCAP_CLONE_SIGHAND | SCAP_CLONE_VM;
	if (f->pidns_start || f->child_new_pidns)
		flags |= SCAP_CLONE_CHILD_IN_PIDNS;
	return flags;
}

/*
 * Child and maker have one cgroup, unless the call chose the child's; a clone3 whose flags could not be read may have.
 * Their ids are the same at this moment: the child's credentials are a copy.
 */
static struct scap_maker maker_of(const struct tercel_fork *f, const struct scap_context *ctx)
{
	bool chosen = f->syscall == TERCEL_SYS_CLONE3 && (!f->clone_flags || f->clone_flags & CLONE_INTO_CGROUP);
	struct scap_maker m = {.cgroup_id = chosen ? 0 : f->cgroup_id, .euid = f->uid, .egid = f->gid};
	if (ctx->maker)
		ctx->maker(ctx->data, f, &m);
	return m;
}

static void encode_clone(struct writer *w, const struct tercel_fork *f, const struct scap_context *ctx,
                         enum clone_side side)
{
	const struct tercel_hdr *r = &f->hdr;
	bool child = side == CLONE_SIDE_CHILD;
	const struct scap_maker maker = maker_of(f, ctx);
	struct scap_bytes args = {0};
	if (ctx->arguments)
		ctx->arguments(ctx->data, r->exec_id, &args);

	begin(w, clone_type(f->syscall), event_time(r, ctx), child ? f->child_tid : r->tid);
	s64(w, child ? 0 : f->child_tid_in_parent_ns);
	arguments(w, args);
	s64(w, child ? f->child_tid : r->tid);
	s64(w, child ? f->child_tgid : r->tgid);
	s64(w, child ? f->child_ppid : f->ppid);
	none(w); /* cwd: a child has its parent's, which the host knows */
	u64(w, f->fdlimit);
	u64(w, f->pgft_maj);
	u64(w, f->pgft_min);
	u32(w, f->vm_size);
	u32(w, f->vm_rss);
	u32(w, f->vm_swap);
	text(w, (struct scap_bytes){f->comm, sizeof(f->comm)});
	cgroups(w, ctx, child ? f->cgroup_id : maker.cgroup_id);
	u32(w, clone_flags(f));
	u32(w, maker.euid);
	u32(w, maker.egid);
	s64(w, child ? f->child_vtid : f->parent_vtid);
	s64(w, child ? f->child_vtgid : f->parent_vtgid);
	u64(w, child ? f->pidns_start : 0);
	end(w);
}

static void encode_fork(struct writer *w, const struct tercel_fork *f, const struct scap_context *ctx)
{
	if (f->is_kthread)
		return;
	encode_clone(w, f, ctx, CLONE_SIDE_CHILD);
	if (f->syscall != TERCEL_SYS_NONE)
		encode_clone(w, f, ctx, CLONE_SIDE_MAKER);
}

static void encode_exit(struct writer *w, const struct tercel_exit *e, const struct scap_context *ctx)
{
	const struct tercel_hdr *r = &e->hdr;
	uint32_t signal = e->exit_code & 0x7f;

	begin(w, SCAP_PROCEXIT_1_E, event_time(r, ctx), r->tid);
	s64(w, (int32_t)e->exit_code);
	s64(w, (e->exit_code >> 8) & 0xff);
	u8(w, (uint8_t)signal);
	u8(w, (e->exit_code & 0x80) != 0);
	s64(w, e->reaper_tid);
	end(w);
}

/* ---- files -------------------------------------------------------------------------------------------- */

/* Parameter "name": as requested, but for what struct scap_context says of unknown_cwd. */
static void open_path(struct writer *w, const struct tercel_open *o, const struct scap_context *ctx)
{
	const struct tercel_hdr *r = &o->hdr;
	struct scap_bytes path = bytes_of(r, o->path), cwd = {0};
	if (!path.len && (r->flags & TERCEL_F_FAULT_PATH)) {
		none(w);
		return;
	}
	if (path.len && path.data[0] != '/' && o->dirfd == DIRFD_CWD && ctx->unknown_cwd)
		ctx->unknown_cwd(ctx->data, r, &cwd);
	size_t at = param_begin(w);
	if (cwd.len) {
		size_t len = strnlen(cwd.data, cwd.len);
		put(w, cwd.data, len);
		if (!len || cwd.data[len - 1] != '/')
			put(w, "/", 1);
		w->out.completed = true;
	}
	put_text(w, path.data, path.len);
	param_end(w, at);
}

static void encode_creat(struct writer *w, const struct tercel_open *o, const struct scap_context *ctx)
{
	s64(w, o->ret);
	open_path(w, o, ctx);
	u32(w, scap_open_mode(o->mode));
	u32(w, scap_device(o->dev));
	u64(w, o->ino);
	u16(w, (uint16_t)(((o->file_flags & TERCEL_FILE_UPPER_LAYER) ? SCAP_CREAT_UPPER_LAYER : 0) |
	                  ((o->file_flags & TERCEL_FILE_LOWER_LAYER) ? SCAP_CREAT_LOWER_LAYER : 0)));
}

static uint16_t open_type(uint32_t syscall)
{
	switch (syscall) {
	case TERCEL_SYS_OPENAT:
		return SCAP_OPENAT_2_X;
	case TERCEL_SYS_OPENAT2:
		return SCAP_OPENAT2_X;
	case TERCEL_SYS_CREAT:
		return SCAP_CREAT_X;
	default:
		return SCAP_OPEN_X;
	}
}

static void encode_open(struct writer *w, const struct tercel_open *o, const struct scap_context *ctx)
{
	const struct tercel_hdr *r = &o->hdr;
	uint16_t type = open_type(o->syscall);

	begin(w, type, event_time(r, ctx), r->tid);
	if (type == SCAP_CREAT_X) {
		encode_creat(w, o, ctx);
		end(w);
		return;
	}
	s64(w, o->ret);
	if (type != SCAP_OPEN_X)
		s64(w, o->dirfd);
	open_path(w, o, ctx);
	u32(w, scap_open_flags(o->flags) | ((o->file_flags & TERCEL_FILE_CREATED) ? SCAP_O_F_CREATED : 0) |
	               ((o->file_flags & TERCEL_FILE_UPPER_LAYER) ? SCAP_FD_UPPER_LAYER : 0) |
	               ((o->file_flags & TERCEL_FILE_LOWER_LAYER) ? SCAP_FD_LOWER_LAYER : 0));
	u32(w, scap_open_mode(o->mode));
	if (type == SCAP_OPENAT2_X)
		u32(w, scap_resolve_flags(o->resolve));
	u32(w, scap_device(o->dev));
	u64(w, o->ino);
	end(w);
}

/*
 * An absolute path as requested, as Falco has it. In place of a relative one the directory that it led to: libsinsp
 * would append it to what it takes for the working directory, which may be unknown (a process from before the capture)
 * or, behind a symbolic link, another one than the kernel's.
 */
static struct scap_bytes chdir_path(struct writer *w, const struct tercel_chdir *c)
{
	struct scap_bytes path = bytes_of(&c->hdr, c->path), cwd = bytes_of(&c->hdr, c->cwd);
	bool absolute = path.len && path.data[0] == '/';
	bool whole = cwd.len && !(c->hdr.flags & TERCEL_F_TRUNC_CWD);
	if (c->ret != 0 || absolute || !whole)
		return path;
	w->out.completed = true;
	return cwd;
}

static void encode_chdir(struct writer *w, const struct tercel_chdir *c, const struct scap_context *ctx)
{
	const struct tercel_hdr *r = &c->hdr;

	if (c->syscall == TERCEL_SYS_FCHDIR) {
		begin(w, SCAP_FCHDIR_X, event_time(r, ctx), r->tid);
		s64(w, c->ret);
		s64(w, c->fd);
	} else {
		begin(w, SCAP_CHDIR_X, event_time(r, ctx), r->tid);
		s64(w, c->ret);
		text_or(w, chdir_path(w, c), (r->flags & TERCEL_F_FAULT_PATH) ? EMPTY_IS_UNKNOWN : EMPTY_IS_A_VALUE);
	}
	end(w);
}

/* ---- sockets ------------------------------------------------------------------------------------------ */

/* The family, first two bytes of every address as the caller passed it; 0: none was passed. */
static uint16_t address_family(const struct tercel_connect *c)
{
	uint16_t family = 0;
	if (c->addr_len >= sizeof(family))
		memcpy(&family, c->addr, sizeof(family));
	return family;
}

/* sun_path without the NUL that marks an abstract name: Falco shows both kinds alike. */
static struct scap_bytes unix_path(const struct tercel_connect *c)
{
	size_t at = sizeof(uint16_t);
	if (c->addr_len > at && c->addr[at] == '\0')
		at++;
	if (c->addr_len <= at)
		return (struct scap_bytes){0};
	return (struct scap_bytes){(const char *)c->addr + at, c->addr_len - at};
}

static void put_u8(struct writer *w, uint32_t v)
{
	uint8_t byte = (uint8_t)v;
	put(w, &byte, 1);
}

/* Address bytes as they are (network order), the port in host order. */
static void put_endpoint(struct writer *w, const uint8_t *addr, size_t addr_size, uint16_t port)
{
	put(w, addr, addr_size);
	put(w, &port, sizeof(port));
}

static uint16_t big_endian(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

/* Parameter "addr": what the caller asked for. sin_port is at 2, sin_addr at 4, sin6_addr at 8. */
static void address(struct writer *w, const struct tercel_connect *c)
{
	size_t at = param_begin(w);
	switch (address_family(c)) {
	case FAMILY_INET:
		if (c->addr_len >= 8) {
			put_u8(w, FAMILY_INET);
			put_endpoint(w, c->addr + 4, 4, big_endian(c->addr + 2));
		}
		break;
	case FAMILY_INET6:
		if (c->addr_len >= 24) {
			put_u8(w, FAMILY_INET6);
			put_endpoint(w, c->addr + 8, 16, big_endian(c->addr + 2));
		}
		break;
	case FAMILY_UNIX: {
		struct scap_bytes path = unix_path(c);
		put_u8(w, FAMILY_UNIX);
		put_text(w, path.data, path.len);
		break;
	}
	default:
		break;
	}
	param_end(w, at);
}

/* The other end of an IP socket: the socket's own view, or what was asked for while the socket does not say. */
static struct tercel_endpoint remote_end(const struct tercel_connect *c)
{
	struct tercel_endpoint e = c->remote;
	if (e.port || address_family(c) != c->family)
		return e;
	if (c->family == FAMILY_INET && c->addr_len >= 8) {
		memcpy(e.addr, c->addr + 4, 4);
		e.port = big_endian(c->addr + 2);
	} else if (c->family == FAMILY_INET6 && c->addr_len >= 24) {
		memcpy(e.addr, c->addr + 8, 16);
		e.port = big_endian(c->addr + 2);
	}
	return e;
}

/* Parameter "tuple": both ends, if there is a connection or one is being made. */
static void tuple(struct writer *w, const struct tercel_connect *c)
{
	size_t at = param_begin(w);
	if (c->ret == 0 || c->ret == -ERRNO_EINPROGRESS) {
		struct tercel_endpoint remote = remote_end(c);
		size_t addr_size = c->family == FAMILY_INET6 ? 16 : 4;
		if (c->family == FAMILY_INET || c->family == FAMILY_INET6) {
			put_u8(w, c->family);
			put_endpoint(w, c->local.addr, addr_size, c->local.port);
			put_endpoint(w, remote.addr, addr_size, remote.port);
		} else if (c->family == FAMILY_UNIX) {
			struct scap_bytes path = unix_path(c);
			put_u8(w, FAMILY_UNIX);
			put(w, &c->unix_peer, sizeof(c->unix_peer));
			put(w, &c->unix_sock, sizeof(c->unix_sock));
			put_text(w, path.data, path.len);
		}
	}
	param_end(w, at);
}

static void encode_connect(struct writer *w, const struct tercel_connect *c, const struct scap_context *ctx)
{
	begin(w, SCAP_CONNECT_X, event_time(&c->hdr, ctx), c->hdr.tid);
	s64(w, c->ret);
	tuple(w, c);
	s64(w, c->fd);
	address(w, c);
	end(w);
}

static void encode_socket(struct writer *w, const struct tercel_socket *s, const struct scap_context *ctx)
{
	begin(w, SCAP_SOCKET_X, event_time(&s->hdr, ctx), s->hdr.tid);
	s64(w, s->ret);
	u32(w, scap_socket_family(s->domain));
	u32(w, s->sock_type);
	u32(w, s->protocol);
	u32(w, scap_socket_flags(s->sock_type));
	end(w);
}

int scap_encode(const struct tercel_hdr *record, size_t size, const struct scap_context *ctx, void *buf,
                size_t buf_size, struct scap_encoded *out)
{
	if (!scap_record_ok(record, size))
		return -EBADMSG;

	struct writer w = {.buf = buf, .size = buf_size};
	switch (record->type) {
	case TERCEL_EXEC:
		encode_exec(&w, (const struct tercel_exec *)record, ctx);
		break;
	case TERCEL_FORK:
		encode_fork(&w, (const struct tercel_fork *)record, ctx);
		break;
	case TERCEL_EXIT:
		encode_exit(&w, (const struct tercel_exit *)record, ctx);
		break;
	case TERCEL_OPEN:
		encode_open(&w, (const struct tercel_open *)record, ctx);
		break;
	case TERCEL_CONNECT:
		encode_connect(&w, (const struct tercel_connect *)record, ctx);
		break;
	case TERCEL_SOCKET:
		encode_socket(&w, (const struct tercel_socket *)record, ctx);
		break;
	case TERCEL_CHDIR:
		encode_chdir(&w, (const struct tercel_chdir *)record, ctx);
		break;
	default:
		break;
	}
	if (w.full)
		return -ENOSPC;
	*out = w.out;
	return 0;
}
