/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See world.h.
 */
#include "world.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Few words with common beginnings and ends, so that comparisons hit often. */
static const char *const names[] = {"sh", "bash", "dash", "b",    "ba",  "python3", "python",
                                    "nc", "a",    "ab",   "abab", "cat", ""};
static const char *const paths[] = {"/bin/sh", "/usr/bin/sh", "/usr/bin/bash", "/tmp/a", "/tmp/ab",
                                    "/tmp",    "/",           "/opt/x/nc"};
static const char *const words[] = {"-c", "a", "ab", "sh", "-e /bin/sh", "", "bab", "--x=1"};
static const char *const users[] = {"root", "nobody", "a"};
static const char *const containers[] = {"host", "0123456789ab", "aaaaaaaaaaaa"};
static const char *const protocols[] = {"tcp", "udp", "icmp"};
static const char *const v4[] = {"127.0.0.1",   "10.0.0.1", "10.0.0.2",       "10.1.0.1",
                                 "192.168.1.1", "8.8.8.8",  "255.255.255.255"};
static const char *const v6[] = {"::1", "fd00::1", "fd00::2", "2001:db8::1", "fe80::1"};
static const uint16_t ports[] = {22, 80, 443, 4444, 65535, 1, 8080};
static const char *const networks[] = {"10.0.0.0/8", "10.0.0.0/24", "0.0.0.0/0",     "127.0.0.0/8",
                                       "fd00::/8",   "::/1",        "2001:db8::/32", "10.0.0.1/32"};
/* libsinsp's names of the capabilities used here. */
static const struct {
	unsigned int bit;
	const char *name;
} caps[] = {
        {0, "CAP_CHOWN"}, {12, "CAP_NET_ADMIN"}, {13, "CAP_NET_RAW"}, {21, "CAP_SYS_ADMIN"}, {19, "CAP_SYS_PTRACE"}};

uint32_t random_below(struct random *r, uint32_t n)
{
	/* splitmix64 */
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ (z >> 31)) >> 32) % n;
}

#define PICK(r, array) ((array)[random_below((r), COUNT(array))])

static const char *pick_name(struct random *r)
{
	return names[random_below(r, COUNT(names) - 1)];
}

/* ---- worlds ------------------------------------------------------------------------------------------------------ */

static void random_address(struct random *r, bool is_v6, uint8_t *out)
{
	memset(out, 0, 16);
	inet_pton(is_v6 ? AF_INET6 : AF_INET, is_v6 ? PICK(r, v6) : PICK(r, v4), out);
}

static void random_knowledge(struct world *w, struct random *r)
{
	for (uint32_t d = 0; d < MATCH_DOMAINS; d++) {
		if (random_below(r, 5) == 0)
			w->unknown |= 1U << d;
		else if (d >= MATCH_EXEPATH && d <= MATCH_CMDLINE && random_below(r, 4) == 0)
			w->cut |= 1U << d;
	}
	/* The glue always knows these, and never ancestors without their number. */
	w->unknown &= ~(1U << MATCH_NAME | 1U << MATCH_FD_TYPE | 1U << MATCH_FD_TYPECHAR | 1U << MATCH_ANCESTORS |
	                1U << MATCH_ADDR6);
	if (random_below(r, 4) == 0)
		w->ancestors_known = random_below(r, (uint32_t)w->nancestors + 1);
	w->cut_at = random_below(r, 12);
	/* The hook runs for another call than the one that Falco names: then the kernel knows that it does not know. An
	 * exec that is not execve to Falco is nothing to it. */
	if (w->unknown & 1U << MATCH_EVENT && w->point != TERCEL_POINT_EXEC_COMMIT && random_below(r, 2))
		w->event = "sendto";
}

void world_random(struct world *w, struct random *r, uint32_t known_in)
{
	*w = (struct world){.point = (enum tercel_point)random_below(r, TERCEL_POINTS)};
	w->event = w->point != TERCEL_POINT_EXEC_COMMIT ? "connect" : "execve";
	w->name = pick_name(r);
	w->exepath = PICK(r, paths);
	w->cwd = PICK(r, paths);
	w->nargs = random_below(r, WORLD_ARGS + 1);
	for (size_t i = 0; i < w->nargs; i++)
		w->args[i] = PICK(r, words);
	w->nancestors = random_below(r, 8) ? random_below(r, 6) : random_below(r, WORLD_ANCESTORS + 1);
	for (size_t i = 0; i < w->nancestors; i++) {
		w->ancestors[i].leader = pick_name(r);
		w->ancestors[i].thread = random_below(r, 4) ? w->ancestors[i].leader : pick_name(r);
	}
	w->ancestors_known = w->nancestors;
	w->uid = random_below(r, 3) ? random_below(r, 4) : 1000 + random_below(r, 3);
	w->tty = random_below(r, 2) ? 0 : 34816 + random_below(r, 3);
	w->loginuid = (int64_t)random_below(r, 4) - 1;
	w->pid = 1 + random_below(r, 5);
	w->fd = 3 + random_below(r, 3);
	w->upper = random_below(r, 2);
	w->memfd = random_below(r, 2);
	for (size_t i = 0; i < COUNT(caps); i++)
		if (random_below(r, 2))
			w->caps |= 1ULL << caps[i].bit;
	w->user = PICK(r, users);
	w->container = PICK(r, containers);
	w->l4proto = PICK(r, protocols);
	w->v6 = w->point == TERCEL_POINT_CONNECT6 && random_below(r, 4);
	random_address(r, w->v6, w->remote);
	random_address(r, w->v6, w->local);
	w->remote_port = PICK(r, ports);
	w->local_port = PICK(r, ports);
	if (random_below(r, known_in))
		random_knowledge(w, r);
}

bool world_is_known(const struct world *w)
{
	return !w->unknown && !w->cut && w->ancestors_known == w->nancestors;
}

static void set_short(struct match_facts *f, enum match_domain d, const char *text)
{
	f->short_text[d].len = (uint32_t)strlen(text);
	memcpy(f->short_text[d].bytes, text, strlen(text));
}

/* Appends `len` bytes of the text, or what a cut leaves of them. */
static void set_long(const struct world *w, struct match_facts *f, uint8_t *text, uint32_t *at, enum match_domain d,
                     const char *bytes, size_t len)
{
	if (w->cut >> d & 1 && len > w->cut_at)
		len = w->cut_at;
	memcpy(text + *at, bytes, len);
	f->text[d - MATCH_EXEPATH] = (struct tercel_span){.off = *at, .len = (uint32_t)len};
	*at += (uint32_t)len;
}

static void address_facts(const struct world *w, struct match_facts *f)
{
	uint64_t high = 0, low = 0;

	f->number[MATCH_PORT - MATCH_UID] = w->remote_port;
	if (!w->v6) {
		for (int i = 0; i < 4; i++)
			low = low << 8 | w->remote[i];
		f->number[MATCH_ADDR4 - MATCH_UID] = low;
		f->missing |= 1U << MATCH_ADDR6;
		return;
	}
	for (int i = 0; i < 8; i++) {
		high = high << 8 | w->remote[i];
		low = low << 8 | w->remote[8 + i];
	}
	f->addr6_high = high;
	f->number[MATCH_ADDR6 - MATCH_UID] = low;
	f->missing |= w->unknown >> MATCH_ADDR4 & 1 ? 1U << MATCH_ADDR6 : 1U << MATCH_ADDR4;
}

void world_facts(const struct world *w, struct match_facts *f, uint8_t *text)
{
	char args[256];
	size_t len = 0;
	uint32_t at = 0;

	memset(f, 0, sizeof(*f));
	f->unknown = w->unknown;
	f->cut = w->cut;
	set_short(f, MATCH_NAME, w->name);
	set_short(f, MATCH_CONTAINER, w->container);
	set_short(f, MATCH_EVENT, w->event);
	set_short(f, MATCH_L4PROTO, w->l4proto);
	set_short(f, MATCH_FD_TYPE, w->v6 ? "ipv6" : "ipv4");
	set_short(f, MATCH_FD_TYPECHAR, w->v6 ? "6" : "4");
	set_long(w, f, text, &at, MATCH_EXEPATH, w->exepath, strlen(w->exepath));
	set_long(w, f, text, &at, MATCH_CWD, w->cwd, strlen(w->cwd));
	for (size_t i = 0; i < w->nargs; i++) {
		memcpy(args + len, w->args[i], strlen(w->args[i]) + 1);
		len += strlen(w->args[i]) + 1;
	}
	set_long(w, f, text, &at, MATCH_CMDLINE, args, len);
	f->ancestors = (uint32_t)w->ancestors_known;
	f->ancestors_cut = w->ancestors_known < w->nancestors;
	for (size_t i = 0; i < w->ancestors_known; i++) {
		memcpy(f->ancestor[i].thread, w->ancestors[i].thread, strlen(w->ancestors[i].thread) + 1);
		memcpy(f->ancestor[i].leader, w->ancestors[i].leader, strlen(w->ancestors[i].leader) + 1);
	}
	f->number[0] = w->uid; /* the first of the numbers: MATCH_UID */
	f->number[MATCH_LOGINUID - MATCH_UID] = match_signed(w->loginuid);
	f->number[MATCH_TTY - MATCH_UID] = w->tty;
	f->number[MATCH_PID - MATCH_UID] = match_signed(w->pid);
	f->number[MATCH_EXE_UPPER - MATCH_UID] = w->upper;
	f->number[MATCH_EXE_MEMFD - MATCH_UID] = w->memfd;
	f->number[MATCH_CAPS - MATCH_UID] = w->caps;
	address_facts(w, f);
}

/* ---- the naive evaluator ------------------------------------------------------------------------------------------
 */

static bool text_holds(const struct filter_node *n, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < n->nvalues; i++) {
		const char *v = n->values[i].text;
		size_t vlen = strlen(v);

		switch (n->op) {
		case FILTER_OP_EQ:
		case FILTER_OP_IN:
			if (strcmp(text, v) == 0)
				return true;
			break;
		case FILTER_OP_NE:
			return strcmp(text, v) != 0;
		case FILTER_OP_CONTAINS:
			return strstr(text, v) != NULL;
		case FILTER_OP_STARTSWITH:
			return strncmp(text, v, vlen) == 0;
		case FILTER_OP_ENDSWITH:
			return vlen <= len && strcmp(text + len - vlen, v) == 0;
		default:
			abort();
		}
	}
	return n->op == FILTER_OP_EXISTS;
}

static bool compare(enum filter_op op, __int128 a, __int128 b)
{
	switch (op) {
	case FILTER_OP_EQ:
	case FILTER_OP_IN:
		return a == b;
	case FILTER_OP_NE:
		return a != b;
	case FILTER_OP_LT:
		return a < b;
	case FILTER_OP_LE:
		return a <= b;
	case FILTER_OP_GT:
		return a > b;
	case FILTER_OP_GE:
		return a >= b;
	default:
		abort();
	}
}

static bool number_holds(const struct filter_node *n, int64_t value)
{
	bool is_signed = n->left->field->type == FIELD_TYPE_INT64;

	if (n->op == FILTER_OP_EXISTS)
		return true;
	for (size_t i = 0; i < n->nvalues; i++)
		if (compare(n->op, value, is_signed ? (__int128)n->values[i].as.s64 : (__int128)n->values[i].as.u64))
			return true;
	return false;
}

static bool in_network(const struct filter_value *v, bool is_v6, const uint8_t *addr)
{
	if ((v->as.net.family == AF_INET6) != is_v6)
		return false;
	for (unsigned int bit = 0; bit < v->as.net.prefix; bit++)
		if ((addr[bit / 8] ^ v->as.net.addr[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool address_holds(const struct filter_node *n, bool is_v6, const uint8_t *addr)
{
	bool some = false;

	if (n->op == FILTER_OP_EXISTS)
		return true;
	for (size_t i = 0; i < n->nvalues; i++)
		some |= in_network(&n->values[i], is_v6, addr);
	return some != (n->op == FILTER_OP_NE);
}

static void make_cmdline(const struct world *w, struct buf *out)
{
	bool empty = w->nargs < 2 || (w->nargs == 2 && !w->args[1][0]);

	buf_adds(out, w->name);
	/* libsinsp: the last NUL goes, and nothing at all is no argument. */
	for (size_t i = 1; !empty && i < w->nargs; i++)
		buf_addf(out, " %s", w->args[i]);
}

static bool cmdline_holds(const struct world *w, const struct filter_node *n)
{
	_autobuf_ struct buf line = BUF_INIT;

	make_cmdline(w, &line);
	return text_holds(n, buf_str(&line));
}

static bool caps_hold(const struct world *w, const struct filter_node *n)
{
	_autobuf_ struct buf text = BUF_INIT;

	for (unsigned int bit = 0; bit < 64; bit++)
		for (size_t i = 0; i < COUNT(caps); i++)
			if (caps[i].bit == bit && w->caps >> bit & 1)
				buf_addf(&text, "%s%s", text.len ? " " : "", caps[i].name);
	return text_holds(n, buf_str(&text));
}

static bool ancestor_holds(const struct world *w, const struct filter_node *n)
{
	if (n->left->field->id == FIELD_PROC_PNAME)
		return w->nancestors && text_holds(n, w->ancestors[0].leader);
	if (n->left->has_arg && n->left->arg_index == 0)
		return text_holds(n, w->name);
	if (n->left->has_arg)
		return n->left->arg_index <= w->nancestors &&
		       text_holds(n, w->ancestors[n->left->arg_index - 1].leader);
	for (size_t i = 0; i < w->nancestors; i++)
		if (text_holds(n, w->ancestors[i].thread))
			return true;
	return false;
}

static bool either_holds(const struct world *w, const struct filter_node *n)
{
	if (n->left->field->id == FIELD_FD_PORT) {
		if (n->op == FILTER_OP_NE)
			return number_holds(n, w->remote_port) && number_holds(n, w->local_port);
		return number_holds(n, w->remote_port) || number_holds(n, w->local_port);
	}
	if (n->op == FILTER_OP_NE)
		return address_holds(n, w->v6, w->remote) && address_holds(n, w->v6, w->local);
	return address_holds(n, w->v6, w->remote) || address_holds(n, w->v6, w->local);
}

static bool descriptor_holds(const struct world *w, const struct filter_node *n)
{
	if (w->point == TERCEL_POINT_EXEC_COMMIT)
		return false;
	switch (n->left->field->id) {
	case FIELD_FD_NUM:
		return number_holds(n, w->fd);
	case FIELD_FD_TYPE:
		return text_holds(n, w->v6 ? "ipv6" : "ipv4");
	case FIELD_FD_TYPECHAR:
		return text_holds(n, w->v6 ? "6" : "4");
	case FIELD_FD_L4PROTO:
		return text_holds(n, w->l4proto);
	case FIELD_FD_SIP:
	case FIELD_FD_SNET:
		return address_holds(n, w->v6, w->remote);
	case FIELD_FD_CIP:
	case FIELD_FD_RIP:
		return address_holds(n, w->v6, w->local);
	case FIELD_FD_SPORT:
		return number_holds(n, w->remote_port);
	case FIELD_FD_CPORT:
		return number_holds(n, w->local_port);
	default:
		return either_holds(w, n);
	}
}

static bool leaf_holds(const struct world *w, const struct filter_node *n)
{
	switch (n->left->field->id) {
	case FIELD_EVT_TYPE:
		return text_holds(n, w->event);
	case FIELD_EVT_RES:
		return text_holds(n, "SUCCESS");
	case FIELD_EVT_RAWRES:
	case FIELD_EVT_FAILED:
	case FIELD_EVT_IS_OPEN_WRITE:
		return number_holds(n, 0);
	case FIELD_PROC_NAME:
		return text_holds(n, w->name);
	case FIELD_PROC_PNAME:
	case FIELD_PROC_ANAME:
		return ancestor_holds(w, n);
	case FIELD_PROC_EXEPATH:
		return text_holds(n, w->exepath);
	case FIELD_PROC_CMDLINE:
		return cmdline_holds(w, n);
	case FIELD_PROC_CWD:
		return text_holds(n, w->cwd);
	case FIELD_PROC_TTY:
		return number_holds(n, w->tty);
	case FIELD_PROC_PID:
		return number_holds(n, w->pid);
	case FIELD_PROC_IS_EXE_UPPER_LAYER:
		return number_holds(n, w->upper);
	case FIELD_PROC_IS_EXE_FROM_MEMFD:
		return number_holds(n, w->memfd);
	case FIELD_USER_UID:
		return number_holds(n, w->uid);
	case FIELD_USER_LOGINUID:
		return number_holds(n, w->loginuid);
	case FIELD_USER_NAME:
		return text_holds(n, w->user);
	case FIELD_THREAD_CAP_EFFECTIVE:
		return caps_hold(w, n);
	case FIELD_CONTAINER_ID:
		return text_holds(n, w->container);
	default:
		return descriptor_holds(w, n);
	}
}

bool world_matches(const struct world *w, const struct filter_node *n)
{
	switch (n->kind) {
	case FILTER_LEAF:
		return leaf_holds(w, n);
	case FILTER_NOT:
		return !world_matches(w, n->kids[0]);
	case FILTER_AND:
		for (size_t i = 0; i < n->nkids; i++)
			if (!world_matches(w, n->kids[i]))
				return false;
		return true;
	default:
		for (size_t i = 0; i < n->nkids; i++)
			if (world_matches(w, n->kids[i]))
				return true;
		return false;
	}
}

void world_print(struct buf *out, const struct world *w)
{
	char remote[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN];
	_autobuf_ struct buf line = BUF_INIT;
	int family = w->v6 ? AF_INET6 : AF_INET;

	make_cmdline(w, &line);
	buf_addf(out, "point %u event %s name '%s' exepath '%s' cwd '%s' cmdline '%s' ancestors", w->point, w->event,
	         w->name, w->exepath, w->cwd, buf_str(&line));
	for (size_t i = 0; i < w->nancestors; i++)
		buf_addf(out, " '%s'/'%s'", w->ancestors[i].thread, w->ancestors[i].leader);
	buf_addf(out,
	         " uid %u loginuid %lld tty %u pid %lld fd %lld upper %d memfd %d caps %#llx user %s container %s %s "
	         "remote %s:%u local %s:%u; unknown %#x cut %#x at %zu ancestors known %zu",
	         w->uid, (long long)w->loginuid, w->tty, (long long)w->pid, (long long)w->fd, w->upper, w->memfd,
	         (unsigned long long)w->caps, w->user, w->container, w->l4proto,
	         inet_ntop(family, w->remote, remote, sizeof(remote)), w->remote_port,
	         inet_ntop(family, w->local, local, sizeof(local)), w->local_port, w->unknown, w->cut, w->cut_at,
	         w->ancestors_known);
}

/* ---- random conditions ---------------------------------------------------------------------------------------------
 */

static void quoted(struct buf *out, const char *text)
{
	buf_addf(out, "\"%s\"", text);
}

/* A word, or a piece of it. */
static void random_value(struct buf *out, struct random *r, const char *const *list, uint32_t n, bool piece)
{
	const char *word = list[random_below(r, n)];
	size_t len = strlen(word), from = 0;
	char text[64];

	if (piece && len && random_below(r, 3)) {
		from = random_below(r, (uint32_t)len);
		len = 1 + random_below(r, (uint32_t)(len - from));
	}
	memcpy(text, word + from, len);
	text[len] = 0;
	quoted(out, text);
}

static void text_leaf(struct buf *out, struct random *r, const char *field, const char *const *list, uint32_t n)
{
	static const char *const ops[] = {"=", "!=", "contains", "startswith", "endswith", "in", "exists"};
	uint32_t op = random_below(r, COUNT(ops));

	buf_addf(out, "%s %s", field, ops[op]);
	if (op == 6)
		return;
	buf_addc(out, ' ');
	if (op != 5) {
		random_value(out, r, list, n, op >= 2);
		return;
	}
	buf_addc(out, '(');
	for (uint32_t i = 0, count = 1 + random_below(r, 4); i < count; i++) {
		if (i)
			buf_adds(out, ", ");
		random_value(out, r, list, n, false);
	}
	buf_addc(out, ')');
}

static void number_leaf(struct buf *out, struct random *r, const char *field, int64_t base, uint32_t span)
{
	static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "in"};
	uint32_t op = random_below(r, COUNT(ops));

	if (op == 6)
		buf_addf(out, "%s in (%lld, %lld)", field, (long long)base + random_below(r, span),
		         (long long)base + random_below(r, span));
	else
		buf_addf(out, "%s %s %lld", field, ops[op], (long long)base + random_below(r, span));
}

static void port_leaf(struct buf *out, struct random *r, const char *field)
{
	static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};

	if (random_below(r, 3))
		buf_addf(out, "%s %s %u", field, PICK(r, ops), PICK(r, ports));
	else
		buf_addf(out, "%s in (%u, %u)", field, PICK(r, ports), PICK(r, ports));
}

static void address_leaf(struct buf *out, struct random *r, const char *field)
{
	const char *a = random_below(r, 2) ? PICK(r, v4) : PICK(r, v6),
	           *b = random_below(r, 2) ? PICK(r, v4) : PICK(r, v6);
	uint32_t op = random_below(r, 3);

	if (op == 2)
		buf_addf(out, "%s in (\"%s\", \"%s\")", field, a, b);
	else
		buf_addf(out, "%s %s %s", field, op ? "!=" : "=", a);
}

static void network_leaf(struct buf *out, struct random *r, const char *field)
{
	uint32_t op = random_below(r, 3);

	if (op == 2)
		buf_addf(out, "%s in (\"%s\", \"%s\")", field, PICK(r, networks), PICK(r, networks));
	else
		buf_addf(out, "%s %s \"%s\"", field, op ? "!=" : "=", PICK(r, networks));
}

static void event_leaf(struct buf *out, struct random *r)
{
	static const char *const leaves[] = {"evt.type = execve",
	                                     "evt.type = execveat",
	                                     "evt.type in (execve, execveat)",
	                                     "evt.type = connect",
	                                     "evt.type in (connect, open)",
	                                     "evt.type != connect",
	                                     "evt.type = open",
	                                     "evt.type in (execve, connect, sendto)",
	                                     "evt.rawres >= 0",
	                                     "evt.rawres < 0",
	                                     "evt.res = SUCCESS",
	                                     "evt.res = EINPROGRESS",
	                                     "evt.res startswith E",
	                                     "evt.failed = true",
	                                     "evt.is_open_write = true",
	                                     "proc.is_exe_upper_layer = true",
	                                     "proc.is_exe_from_memfd = false",
	                                     "proc.is_exe_from_memfd != true",
	                                     "thread.cap_effective contains SYS_ADMIN",
	                                     "thread.cap_effective contains CAP_NET",
	                                     "thread.cap_effective contains _",
	                                     "thread.cap_effective = \"CAP_CHOWN\"",
	                                     "fd.num >= 0",
	                                     "fd.num = 4",
	                                     "fd.num < 0",
	                                     "fd.typechar = 4",
	                                     "fd.typechar in (4, 6)",
	                                     "fd.type = ipv6",
	                                     "fd.l4proto = tcp",
	                                     "fd.l4proto in (tcp, udp)",
	                                     "fd.sip exists",
	                                     "fd.port exists"};

	buf_adds(out, PICK(r, leaves));
}

static void random_leaf(struct buf *out, struct random *r)
{
	char field[32];

	switch (random_below(r, 26)) {
	case 0:
	case 1:
		text_leaf(out, r, "proc.name", names, COUNT(names));
		break;
	case 2:
		text_leaf(out, r, "proc.exepath", paths, COUNT(paths));
		break;
	case 3:
	case 4:
		text_leaf(out, r, "proc.cmdline", random_below(r, 2) ? words : names, COUNT(words));
		break;
	case 5:
		text_leaf(out, r, "proc.pname", names, COUNT(names));
		break;
	case 6:
		snprintf(field, sizeof(field), "proc.aname[%u]",
		         random_below(r, 4) ? random_below(r, 5) : random_below(r, 18));
		text_leaf(out, r, field, names, COUNT(names));
		break;
	case 7:
		text_leaf(out, r, "proc.aname", names, COUNT(names));
		break;
	case 8:
		text_leaf(out, r, "user.name", users, COUNT(users));
		break;
	case 9:
		text_leaf(out, r, "container.id", containers, COUNT(containers));
		break;
	case 10:
		number_leaf(out, r, "user.uid", 0, 5);
		break;
	case 11:
		number_leaf(out, r, "user.loginuid", -1, 5);
		break;
	case 12:
		number_leaf(out, r, "proc.tty", random_below(r, 2) ? 0 : 34816, 3);
		break;
	case 13:
		number_leaf(out, r, "proc.pid", -1, 8);
		break;
	case 14:
		address_leaf(out, r, "fd.sip");
		break;
	case 15:
		address_leaf(out, r, random_below(r, 2) ? "fd.ip" : "fd.cip");
		break;
	case 16:
		network_leaf(out, r, "fd.snet");
		break;
	case 17:
		network_leaf(out, r, "fd.net");
		break;
	case 18:
		port_leaf(out, r, "fd.sport");
		break;
	case 19:
		port_leaf(out, r, random_below(r, 2) ? "fd.port" : "fd.cport");
		break;
	case 20:
		text_leaf(out, r, "proc.cwd", paths, COUNT(paths));
		break;
	default:
		event_leaf(out, r);
	}
}

struct expr *expr_random(struct random *r, unsigned int depth)
{
	struct expr *e = calloc(1, sizeof(*e));
	struct buf leaf = BUF_INIT;
	uint32_t kind = depth ? random_below(r, 8) : 0;

	if (kind <= 2) {
		e->op = 'l';
		random_leaf(&leaf, r);
		e->leaf = buf_take(&leaf);
		return e;
	}
	e->op = kind <= 4 ? '&' : kind <= 6 ? '|' : '!';
	e->nkids = e->op == '!' ? 1 : 2 + random_below(r, 2);
	for (size_t i = 0; i < e->nkids; i++)
		e->kids[i] = expr_random(r, depth - 1);
	return e;
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
