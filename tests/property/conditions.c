/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See conditions.h. The fields are a table: what kind of comparison, with which words, at which points.
 */
#include "conditions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define P(p) (1U << TERCEL_POINT_##p)
#define EXECS (P(EXEC_COMMIT) | P(EXEC_CHECK))
#define CONNECTS (P(CONNECT4) | P(CONNECT6) | P(SOCKET_CONNECT))
#define SENDS (P(SENDMSG4) | P(SENDMSG6) | P(SOCKET_SENDMSG))
#define BOUND (P(BIND) | P(LISTEN))
#define SOCKETS (CONNECTS | SENDS | BOUND | P(SOCKET))
#define LINKS (P(LINK) | P(SYMLINK))
#define REMOVALS (P(UNLINK) | P(RMDIR))
#define MAKERS (P(MKDIR) | P(MKNOD))
#define OWNERS (P(CHMOD) | P(CHOWN))
#define TRACES (P(PTRACE) | P(TRACEME))
#define MODULES (P(MODULE_FILE) | P(MODULE_DATA))
#define PATHS (P(FILE_OPEN) | LINKS | REMOVALS | P(RENAME) | MAKERS | OWNERS | P(MOUNT))

static const uint32_t groups[] = {
        EXECS,  CONNECTS, SENDS,     P(FILE_OPEN),   LINKS,      REMOVALS,     P(RENAME),
        MAKERS, OWNERS,   BOUND,     P(SOCKET),      P(MOUNT),   TRACES,       MODULES,
        P(BPF), P(KILL),  P(SETUID), P(USERFAULTFD), P(SYSCALL), P(FILE_OPEN),
};

enum kind {
	TEXT,
	NAMES, /* a text of names: asked for parts most of the time */
	NUMBER,
	BOOL,
	PORT,
	ADDRESS,
	NETWORK,
};

struct subject {
	const char *field; /* with "[]": a distance is put in */
	enum kind kind;
	const struct pool *words;
	int64_t base; /* NUMBER: from it on */
	uint32_t span;
	uint32_t points; /* 0: it is of every act */
};

static const struct subject process[] = {
        {"proc.name", TEXT, &pool_names, 0, 0, 0},
        {"proc.exepath", TEXT, &pool_paths, 0, 0, 0},
        {"proc.exe", TEXT, &pool_words, 0, 0, 0},
        {"proc.args", TEXT, &pool_words, 0, 0, 0},
        {"proc.cmdline", TEXT, &pool_words, 0, 0, 0},
        {"proc.cmdline", TEXT, &pool_names, 0, 0, 0},
        {"proc.env", TEXT, &pool_env, 0, 0, EXECS},
        {"proc.cwd", TEXT, &pool_cwds, 0, 0, 0},
        {"proc.pname", TEXT, &pool_names, 0, 0, 0},
        {"proc.aname", TEXT, &pool_names, 0, 0, 0},
        {"proc.aname[]", TEXT, &pool_names, 0, 0, 0},
        {"proc.pexe", TEXT, &pool_words, 0, 0, 0},
        {"proc.aexe", TEXT, &pool_words, 0, 0, 0},
        {"proc.aexe[]", TEXT, &pool_words, 0, 0, 0},
        {"proc.pexepath", TEXT, &pool_paths, 0, 0, 0},
        {"proc.aexepath", TEXT, &pool_paths, 0, 0, 0},
        {"proc.aexepath[]", TEXT, &pool_paths, 0, 0, 0},
        {"proc.pcmdline", TEXT, &pool_words, 0, 0, 0},
        {"proc.acmdline", TEXT, &pool_names, 0, 0, 0},
        {"proc.acmdline[]", TEXT, &pool_words, 0, 0, 0},
        {"user.name", TEXT, &pool_users, 0, 0, 0},
        {"user.loginname", TEXT, &pool_users, 0, 0, 0},
        {"container.id", TEXT, &pool_containers, 0, 0, 0},
        {"user.uid", NUMBER, NULL, 0, 5, 0},
        {"user.uid", NUMBER, NULL, UINT32_MAX - 2, 3, 0},
        {"user.loginuid", NUMBER, NULL, -1, 5, 0},
        {"group.gid", NUMBER, NULL, 0, 5, 0},
        {"proc.tty", NUMBER, NULL, 34816, 3, 0},
        {"proc.tty", NUMBER, NULL, 0, 2, 0},
        {"proc.pid", NUMBER, NULL, -1, 8, 0},
        {"proc.vpid", NUMBER, NULL, 0, 6, 0},
        {"proc.ppid", NUMBER, NULL, 0, 5, 0},
        {"proc.sid", NUMBER, NULL, 0, 5, 0},
        {"proc.vpgid", NUMBER, NULL, 0, 5, 0},
        {"proc.duration", NUMBER, NULL, 0, 3, 0},
        {"proc.duration", NUMBER, NULL, 1000000000, 3, 0},
        {"proc.duration", NUMBER, NULL, 3999999999, 3, 0},
        {"thread.tid", NUMBER, NULL, 0, 6, 0},
        {"thread.ismain", BOOL, NULL, 0, 0, 0},
        {"proc.is_exe_writable", BOOL, NULL, 0, 0, 0},
        {"proc.is_exe_upper_layer", BOOL, NULL, 0, 0, 0},
        {"proc.is_exe_lower_layer", BOOL, NULL, 0, 0, 0},
        {"proc.is_exe_from_memfd", BOOL, NULL, 0, 0, 0},
        {"proc.is_sid_leader", BOOL, NULL, 0, 0, 0},
        {"proc.is_vpgid_leader", BOOL, NULL, 0, 0, 0},
        {"proc.is_pgid_leader", BOOL, NULL, 0, 0, 0},
        {"thread.cap_effective", NAMES, &pool_caps, 0, 0, 0},
        {"thread.cap_permitted", NAMES, &pool_caps, 0, 0, 0},
        {"thread.cap_inheritable", NAMES, &pool_caps, 0, 0, 0},
};

static const struct subject container[] = {
        {"container.name", TEXT, &pool_names, 0, 0, 0},
        {"container.image.repository", TEXT, &pool_repositories, 0, 0, 0},
        {"container.privileged", BOOL, NULL, 0, 0, 0},
        {"container.label[app]", TEXT, &pool_words, 0, 0, 0},
        {"container.duration", NUMBER, NULL, 0, 4, 0},
        {"k8s.ns.name", TEXT, &pool_spaces, 0, 0, 0},
        {"k8s.pod.name", TEXT, &pool_names, 0, 0, 0},
        {"container.id", TEXT, &pool_containers, 0, 0, 0},
};

/* What is of the act. Some fields are asked about where they are missing, too. */
static const struct subject act[] = {
        {"evt.category", TEXT, &pool_texts, 0, 0, 0},
        {"evt.dir", TEXT, &pool_small, 0, 0, 0},
        {"evt.num", NUMBER, NULL, 0, 4, 0},
        {"evt.res", TEXT, &pool_small, 0, 0, 0},
        {"evt.rawres", NUMBER, NULL, -1, 6, 0},
        {"evt.failed", BOOL, NULL, 0, 0, 0},
        {"evt.io_dir", TEXT, &pool_small, 0, 0, 0},
        {"evt.is_io_write", BOOL, NULL, 0, 0, 0},
        {"evt.is_open_read", BOOL, NULL, 0, 0, P(FILE_OPEN) | P(MOUNT)},
        {"evt.is_open_write", BOOL, NULL, 0, 0, P(FILE_OPEN) | P(RENAME)},
        {"evt.is_open_exec", BOOL, NULL, 0, 0, P(FILE_OPEN)},
        {"evt.is_open_create", BOOL, NULL, 0, 0, P(FILE_OPEN)},
        {"evt.arg.name", TEXT, &pool_paths, 0, 0, P(FILE_OPEN) | REMOVALS | P(SYSCALL)},
        {"evt.arg.path", TEXT, &pool_paths, 0, 0, PATHS},
        {"evt.arg.pathname", TEXT, &pool_paths, 0, 0, P(CHOWN)},
        {"evt.arg.filename", TEXT, &pool_paths, 0, 0, P(CHMOD)},
        {"evt.arg.oldpath", TEXT, &pool_paths, 0, 0, P(LINK) | P(RENAME)},
        {"evt.arg.newpath", TEXT, &pool_paths, 0, 0, P(LINK) | P(RENAME)},
        {"evt.arg.linkpath", TEXT, &pool_paths, 0, 0, LINKS},
        {"evt.arg.target", TEXT, &pool_paths, 0, 0, LINKS},
        {"evt.arg.target", TEXT, &pool_words, 0, 0, P(SYMLINK)},
        {"evt.arg.dir", TEXT, &pool_paths, 0, 0, P(MOUNT)},
        {"evt.arg.dev", TEXT, &pool_paths, 0, 0, P(MOUNT)},
        {"evt.arg.flags", NAMES, &pool_open_flags, 0, 0,
         EXECS | P(FILE_OPEN) | P(LINK) | REMOVALS | P(RENAME) | P(MODULE_FILE) | P(CHOWN) | P(USERFAULTFD)},
        {"evt.arg.flags", NAMES, &pool_clones, 0, 0, P(SYSCALL)},
        {"evt.arg.flags", NAMES, &pool_mounts, 0, 0, P(MOUNT)},
        {"evt.arg.nstype", NAMES, &pool_clones, 0, 0, P(SYSCALL)},
        {"evt.arg.mode", NAMES, &pool_modes, 0, 0, P(CHMOD) | P(MKNOD) | P(FILE_OPEN)},
        {"evt.arg.domain", TEXT, &pool_domains, 0, 0, P(SOCKET)},
        {"evt.arg.request", TEXT, &pool_requests, 0, 0, TRACES},
        {"evt.arg.cmd", TEXT, &pool_commands, 0, 0, P(BPF)},
        {"evt.arg.sig", TEXT, &pool_signals, 0, 0, P(KILL)},
        {"evt.arg.uid", TEXT, &pool_users, 0, 0, P(SETUID) | P(CHOWN)},
        {"evt.arg.euid", TEXT, &pool_users, 0, 0, P(SETUID)},
        {"evt.arg.exe", TEXT, &pool_words, 0, 0, EXECS},
        {"evt.arg.comm", TEXT, &pool_names, 0, 0, EXECS},
        {"evt.arg.trusted_exepath", TEXT, &pool_paths, 0, 0, EXECS},
        {"evt.arg.res", TEXT, &pool_small, 0, 0, 0},
        {"user.uid", NUMBER, NULL, 0, 4, P(SETUID)},
        {"user.uid", NUMBER, NULL, UINT32_MAX - 1, 2, P(SETUID)},
        {"user.name", TEXT, &pool_users, 0, 0, P(SETUID)},
        {"fd.num", NUMBER, NULL, -1, 6, 0},
        {"fd.type", TEXT, &pool_types, 0, 0, 0},
        {"fd.type", TEXT, &pool_types, 0, 0, SOCKETS | P(FILE_OPEN) | P(SYSCALL)},
        {"fd.typechar", TEXT, &pool_typechars, 0, 0, SOCKETS | P(FILE_OPEN) | P(SYSCALL) | P(BPF)},
        {"fd.name", TEXT, &pool_paths, 0, 0, 0},
        {"fd.name", TEXT, &pool_paths, 0, 0, P(FILE_OPEN)},
        {"fd.nameraw", TEXT, &pool_paths, 0, 0, P(FILE_OPEN)},
        {"fd.directory", TEXT, &pool_paths, 0, 0, P(FILE_OPEN) | P(SOCKET_CONNECT)},
        {"fd.filename", TEXT, &pool_paths, 0, 0, P(FILE_OPEN)},
        {"fd.filename", TEXT, &pool_names, 0, 0, P(FILE_OPEN) | P(BPF)},
        {"tercel.file.path", TEXT, &pool_paths, 0, 0, P(FILE_OPEN)},
        {"fd.is_upper_layer", BOOL, NULL, 0, 0, P(FILE_OPEN) | P(CONNECT4)},
        {"fs.path.name", TEXT, &pool_paths, 0, 0, PATHS},
        {"fs.path.source", TEXT, &pool_paths, 0, 0, PATHS},
        {"fs.path.target", TEXT, &pool_paths, 0, 0, PATHS},
        {"fd.ip", ADDRESS, NULL, 0, 0, SOCKETS},
        {"fd.net", NETWORK, NULL, 0, 0, SOCKETS},
        {"fd.port", PORT, NULL, 0, 0, SOCKETS},
        {"fd.proto", PORT, NULL, 0, 0, SOCKETS},
        {"fd.sip", ADDRESS, NULL, 0, 0, SOCKETS},
        {"fd.cip", ADDRESS, NULL, 0, 0, SOCKETS},
        {"fd.snet", NETWORK, NULL, 0, 0, SOCKETS},
        {"fd.cnet", NETWORK, NULL, 0, 0, SOCKETS},
        {"fd.sport", PORT, NULL, 0, 0, SOCKETS},
        {"fd.cport", PORT, NULL, 0, 0, SOCKETS},
        {"fd.ip", ADDRESS, NULL, 0, 0, P(FILE_OPEN) | P(BPF)},
        {"fd.sport", PORT, NULL, 0, 0, P(FILE_OPEN)},
        {"fd.l4proto", TEXT, &pool_protocols, 0, 0, SOCKETS | P(FILE_OPEN)},
        {"fd.sockfamily", TEXT, &pool_families, 0, 0, SOCKETS | P(FILE_OPEN)},
        {"fd.connected", BOOL, NULL, 0, 0, SOCKETS | P(FILE_OPEN)},
};

uint32_t points_random(struct random *r)
{
	return RANDOM_PICK(r, groups);
}

/* ---- values -------------------------------------------------------------------------------------------------------
 */

/* A word, or a piece of it. */
static void random_value(struct buf *out, struct random *r, const struct pool *p, bool piece)
{
	const char *word = pool_pick(p, r);
	size_t len = strlen(word), from = 0;

	if (piece && len && random_below(r, 3)) {
		from = random_below(r, 3) ? 0 : random_below(r, (uint32_t)len);
		len = 1 + random_below(r, (uint32_t)(len - from));
	}
	buf_addc(out, '"');
	buf_add(out, word + from, len);
	buf_addc(out, '"');
}

/* The word with some of its bytes replaced by wildcards. */
static void random_glob(struct buf *out, struct random *r, const struct pool *p)
{
	const char *word = pool_pick(p, r);

	buf_addc(out, '"');
	if (!random_below(r, 3))
		buf_addc(out, '*');
	for (; *word; word++) {
		switch (random_below(r, 8)) {
		case 0:
			buf_addc(out, '?');
			break;
		case 1:
			buf_addc(out, '*');
			break;
		case 2:
			buf_adds(out, random_below(r, 2) ? "[ab]" : "[!x-z]");
			break;
		default:
			buf_addc(out, *word);
		}
	}
	if (!random_below(r, 3))
		buf_addc(out, '*');
	buf_addc(out, '"');
}

static void random_regex(struct buf *out, struct random *r, const struct pool *p)
{
	static const char *const bits[] = {".*", ".", "[a-b]+", "(a|b)", "a?", "(ab)*", "[^/]*"};
	const char *word = pool_pick(p, r);

	buf_addc(out, '"');
	if (!random_below(r, 3))
		buf_adds(out, ".*");
	for (; *word; word++) {
		if (!random_below(r, 6))
			buf_adds(out, RANDOM_PICK(r, bits));
		else if ((*word >= 'a' && *word <= 'z') || *word == '/' || *word == '_')
			buf_addc(out, *word);
		else
			buf_addc(out, '.');
	}
	buf_adds(out, random_below(r, 3) ? ".*\"" : "\"");
}

static void random_path(struct buf *out, struct random *r, const struct pool *p)
{
	static const char *const paths[] = {"/",       "/tmp",     "/usr",   "/usr/*", "/tmp/",
	                                    "/bin/sh", "/usr/bin", "/t?p/a", "/opt"};

	if (random_below(r, 4))
		buf_addf(out, "\"%s\"", RANDOM_PICK(r, paths));
	else
		random_value(out, r, p, true);
}

static void random_list(struct buf *out, struct random *r, const struct pool *p,
                        void (*value)(struct buf *, struct random *, const struct pool *))
{
	buf_adds(out, " (");
	for (uint32_t i = 0, n = 1 + random_below(r, 4); i < n; i++) {
		if (i)
			buf_adds(out, ", ");
		value(out, r, p);
	}
	buf_addc(out, ')');
}

static void whole_value(struct buf *out, struct random *r, const struct pool *p)
{
	random_value(out, r, p, false);
}

/* ---- leaves -------------------------------------------------------------------------------------------------------
 */

static void text_leaf(struct buf *out, struct random *r, const struct subject *s)
{
	static const char *const ops[] = {"=",        "!=",        "in",         "intersects", "exists",
	                                  "contains", "icontains", "startswith", "endswith",   "glob",
	                                  "iglob",    "regex",     "pmatch",     "="};
	const char *op = s->kind == NAMES && random_below(r, 4) ? (random_below(r, 2) ? "contains" : "icontains")
	                                                        : RANDOM_PICK(r, ops);

	buf_addf(out, " %s", op);
	if (!strcmp(op, "exists"))
		return;
	if (!strcmp(op, "in") || !strcmp(op, "intersects")) {
		random_list(out, r, s->words, whole_value);
		return;
	}
	if (!strcmp(op, "pmatch")) {
		random_list(out, r, s->words, random_path);
		return;
	}
	buf_addc(out, ' ');
	if (strstr(op, "glob"))
		random_glob(out, r, s->words);
	else if (!strcmp(op, "regex"))
		random_regex(out, r, s->words);
	else
		random_value(out, r, s->words, op[0] != '=' && op[0] != '!');
}

static void number_leaf(struct buf *out, struct random *r, const struct subject *s)
{
	static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "in", "exists"};
	const char *op = RANDOM_PICK(r, ops);
	long long a = (long long)s->base + random_below(r, s->span), b = (long long)s->base + random_below(r, s->span);

	if (!strcmp(op, "exists"))
		buf_adds(out, " exists");
	else if (!strcmp(op, "in"))
		buf_addf(out, " in (%lld, %lld)", a, b);
	else
		buf_addf(out, " %s %lld", op, a);
}

static void bool_leaf(struct buf *out, struct random *r)
{
	static const char *const leaves[] = {" = true", " = false", " != true", " != false", " exists", " in (true)"};

	buf_adds(out, RANDOM_PICK(r, leaves));
}

static void port_leaf(struct buf *out, struct random *r)
{
	static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "=", "in", "exists"};
	const char *op = RANDOM_PICK(r, ops);
	uint16_t a = world_ports[random_below(r, 7)], b = world_ports[random_below(r, 7)];

	if (!strcmp(op, "exists"))
		buf_adds(out, " exists");
	else if (!strcmp(op, "in"))
		buf_addf(out, " in (%u, %u)", a, b);
	else
		buf_addf(out, " %s %u", op, a);
}

static void address_leaf(struct buf *out, struct random *r)
{
	const char *a = pool_pick(random_below(r, 2) ? &pool_v4 : &pool_v6, r),
	           *b = pool_pick(random_below(r, 2) ? &pool_v4 : &pool_v6, r);

	switch (random_below(r, 5)) {
	case 0:
		buf_addf(out, " in (\"%s\", \"%s\")", a, b);
		break;
	case 1:
		buf_addf(out, " != \"%s\"", a);
		break;
	case 2:
		buf_adds(out, random_below(r, 3) ? " = 127.0.0.1" : " exists");
		break;
	default:
		buf_addf(out, " = \"%s\"", a);
	}
}

static void network_leaf(struct buf *out, struct random *r)
{
	static const char *const networks[] = {"10.0.0.0/8", "10.0.0.0/24", "0.0.0.0/0",     "127.0.0.0/8",
	                                       "fd00::/8",   "::/1",        "2001:db8::/32", "10.0.0.1/32",
	                                       "::1/128",    "0.0.0.0/32",  "::/128",        "127.0.0.0/16",
	                                       "127.0.0.0/8"};

	switch (random_below(r, 5)) {
	case 0:
		buf_addf(out, " in (\"%s\", \"%s\")", RANDOM_PICK(r, networks), RANDOM_PICK(r, networks));
		break;
	case 1:
		buf_addf(out, " != \"%s\"", RANDOM_PICK(r, networks));
		break;
	case 2:
		buf_adds(out, random_below(r, 3) ? " = 127.0.0.0/8" : " exists");
		break;
	default:
		buf_addf(out, " = \"%s\"", RANDOM_PICK(r, networks));
	}
}

static void subject_name(struct buf *out, struct random *r, const char *field)
{
	size_t len = strlen(field);

	if (len < 2 || field[len - 2] != '[') {
		buf_adds(out, field);
		return;
	}
	buf_add(out, field, len - 1);
	buf_addf(out, "%u]", random_below(r, 4) ? random_below(r, 5) : random_below(r, 18));
}

static const struct subject *subject_at(struct random *r, const struct subject *subjects, size_t n, uint32_t points)
{
	const struct subject *s = &subjects[random_below(r, (uint32_t)n)];

	/* Now and then, something that is of no such act. */
	while (s->points && !(s->points & points) && random_below(r, 200))
		s = &subjects[random_below(r, (uint32_t)n)];
	return s;
}

static void event_leaf(struct buf *out, struct random *r, uint32_t points)
{
	static const char *const any[] = {"evt.type exists", "syscall.type exists", "evt.type = open",
	                                  "evt.type in (execve, connect, openat, unlinkat)", "evt.type != sendto"};
	struct world w;
	struct random copy = {.state = r->state};
	uint32_t point = random_below(r, TERCEL_POINTS);
	static const char *const forms[][2] = {{"evt.type = ", ""},
	                                       {"evt.type != ", ""},
	                                       {"syscall.type = ", ""},
	                                       {"evt.type in (", ", chmod)"},
	                                       {"evt.type = ", ""}};
	const char *const *form;

	if (!random_below(r, 3)) {
		buf_adds(out, RANDOM_PICK(r, any));
		return;
	}
	while (!(points >> point & 1))
		point = (point + 1) % TERCEL_POINTS;
	world_random(&w, &copy, (enum tercel_point)point, 1);
	form = RANDOM_PICK(r, forms);
	buf_addf(out, "%s%s%s", form[0], random_below(r, 12) ? world_event_name(w.event) : "execveat", form[1]);
}

static void random_leaf(struct buf *out, struct random *r, uint32_t points)
{
	const struct subject *s;
	uint32_t what = random_below(r, 20);

	if (what < 2) {
		event_leaf(out, r, points);
		return;
	}
	if (what < 4)
		s = subject_at(r, container, COUNT(container), points);
	else if (what < 11)
		s = subject_at(r, process, COUNT(process), points);
	else
		s = subject_at(r, act, COUNT(act), points);
	subject_name(out, r, s->field);
	switch (s->kind) {
	case TEXT:
	case NAMES:
		text_leaf(out, r, s);
		break;
	case NUMBER:
		number_leaf(out, r, s);
		break;
	case BOOL:
		bool_leaf(out, r);
		break;
	case PORT:
		port_leaf(out, r);
		break;
	case ADDRESS:
		address_leaf(out, r);
		break;
	case NETWORK:
		network_leaf(out, r);
		break;
	}
}

/* ---- trees --------------------------------------------------------------------------------------------------------
 */

struct expr *expr_random(struct random *r, unsigned int depth, uint32_t points)
{
	struct expr *e = calloc(1, sizeof(*e));
	struct buf leaf = BUF_INIT;
	uint32_t kind = depth ? random_below(r, 8) : 0;

	if (kind <= 2) {
		e->op = 'l';
		random_leaf(&leaf, r, points);
		e->leaf = buf_take(&leaf);
		return e;
	}
	e->op = kind <= 4 ? '&' : kind <= 6 ? '|' : '!';
	e->nkids = e->op == '!' ? 1 : 2 + random_below(r, 2);
	for (size_t i = 0; i < e->nkids; i++)
		e->kids[i] = expr_random(r, depth - 1, points);
	return e;
}
struct expr *expr_and(struct expr *e, const char *leaf)
{
	struct expr *both = calloc(1, sizeof(*both)), *other = calloc(1, sizeof(*other));

	other->op = 'l';
	other->leaf = strdup(leaf);
	both->op = '&';
	both->nkids = 2;
	both->kids[0] = e;
	both->kids[1] = other;
	return both;
}

struct expr *expr_of_one_event(struct random *r, unsigned int depth, uint32_t points)
{
	struct random copy = {.state = r->state};
	uint32_t point = random_below(r, TERCEL_POINTS);
	char leaf[64];
	struct world w;

	while (!(points >> point & 1))
		point = (point + 1) % TERCEL_POINTS;
	world_random(&w, &copy, (enum tercel_point)point, 1);
	(void)snprintf(leaf, sizeof(leaf), "evt.type = %s", world_event_name(w.event));
	return expr_and(expr_random(r, depth, points), leaf);
}

void expr_free(struct expr *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nkids; i++)
		expr_free(e->kids[i]);
	free(e->leaf);
	free(e);
}

struct expr *expr_copy(const struct expr *e)
{
	struct expr *c = calloc(1, sizeof(*c));

	*c = *e;
	c->leaf = e->leaf ? strdup(e->leaf) : NULL;
	for (size_t i = 0; i < e->nkids; i++)
		c->kids[i] = expr_copy(e->kids[i]);
	return c;
}

void expr_print(struct buf *out, const struct expr *e)
{
	if (e->op == 'l') {
		buf_adds(out, e->leaf);
		return;
	}
	buf_adds(out, e->op == '!' ? "not (" : "(");
	for (size_t i = 0; i < e->nkids; i++) {
		if (i)
			buf_adds(out, e->op == '&' ? " and " : " or ");
		expr_print(out, e->kids[i]);
	}
	buf_addc(out, ')');
}

size_t expr_size(const struct expr *e)
{
	size_t n = 1;

	for (size_t i = 0; i < e->nkids; i++)
		n += expr_size(e->kids[i]);
	return n;
}

static struct expr *shrink_at(const struct expr *e, size_t *n, size_t kid, bool *done)
{
	struct expr *c;

	if (!*done && (*n)-- == 0) {
		*done = true;
		return kid < e->nkids ? expr_copy(e->kids[kid]) : NULL;
	}
	c = calloc(1, sizeof(*c));
	c->op = e->op;
	c->leaf = e->leaf ? strdup(e->leaf) : NULL;
	for (size_t i = 0; i < e->nkids; i++) {
		struct expr *k = shrink_at(e->kids[i], n, kid, done);

		if (!k) {
			expr_free(c);
			return NULL;
		}
		c->kids[c->nkids++] = k;
	}
	return c;
}

struct expr *expr_shrink(const struct expr *e, size_t n, size_t kid)
{
	bool done = false;

	return shrink_at(e, &n, kid, &done);
}
