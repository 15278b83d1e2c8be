/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See world.h: random worlds, and the facts that a kernel program would have of them.
 */
#include "world.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define BIT(domain) (1ULL << MATCH_##domain)
#define ARGUMENTS (BIT(EXE) | BIT(ARGS) | BIT(CMDLINE))
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- random values ------------------------------------------------------------------------------------------------
 */

#define EV(e) 1ULL << MATCH_EVENT_##e

/* What Falco may show for an act of each point; of an exec always execve. */
static const uint64_t events_of[TERCEL_POINTS] = {
        [TERCEL_POINT_EXEC_COMMIT] = EV(EXECVE),
        [TERCEL_POINT_CONNECT4] = EV(CONNECT),
        [TERCEL_POINT_CONNECT6] = EV(CONNECT),
        [TERCEL_POINT_SENDMSG4] = EV(SENDTO) | EV(SENDMSG) | EV(SENDMMSG),
        [TERCEL_POINT_SENDMSG6] = EV(SENDTO) | EV(SENDMSG) | EV(SENDMMSG),
        [TERCEL_POINT_EXEC_CHECK] = EV(EXECVE),
        [TERCEL_POINT_FILE_OPEN] = EV(OPEN) | EV(OPENAT) | EV(OPENAT2) | EV(CREAT) | EV(OPEN_BY_HANDLE_AT),
        [TERCEL_POINT_LINK] = EV(LINK) | EV(LINKAT),
        [TERCEL_POINT_SYMLINK] = EV(SYMLINK) | EV(SYMLINKAT),
        [TERCEL_POINT_UNLINK] = EV(UNLINK) | EV(UNLINKAT),
        [TERCEL_POINT_RMDIR] = EV(RMDIR) | EV(UNLINKAT),
        [TERCEL_POINT_RENAME] = EV(RENAME) | EV(RENAMEAT) | EV(RENAMEAT2),
        [TERCEL_POINT_MKDIR] = EV(MKDIR) | EV(MKDIRAT),
        [TERCEL_POINT_MKNOD] = EV(MKNOD) | EV(MKNODAT),
        [TERCEL_POINT_CHMOD] = EV(CHMOD) | EV(FCHMOD) | EV(FCHMODAT),
        [TERCEL_POINT_CHOWN] = EV(CHOWN) | EV(LCHOWN) | EV(FCHOWN) | EV(FCHOWNAT),
        [TERCEL_POINT_SOCKET] = EV(SOCKET),
        [TERCEL_POINT_BIND] = EV(BIND),
        [TERCEL_POINT_LISTEN] = EV(LISTEN),
        [TERCEL_POINT_MOUNT] = EV(MOUNT),
        [TERCEL_POINT_PTRACE] = EV(PTRACE),
        [TERCEL_POINT_TRACEME] = EV(PTRACE),
        [TERCEL_POINT_MODULE_FILE] = EV(FINIT_MODULE),
        [TERCEL_POINT_MODULE_DATA] = EV(INIT_MODULE),
        [TERCEL_POINT_BPF] = EV(BPF),
        [TERCEL_POINT_KILL] = EV(KILL) | EV(TKILL) | EV(TGKILL),
        [TERCEL_POINT_SETUID] = EV(SETUID) | EV(SETRESUID),
        [TERCEL_POINT_USERFAULTFD] = EV(USERFAULTFD),
        [TERCEL_POINT_SYSCALL] = EV(DUP) | EV(DUP2) | EV(DUP3) | EV(SETNS) | EV(UNSHARE) | EV(MEMFD_CREATE),
        [TERCEL_POINT_SOCKET_CONNECT] = EV(CONNECT),
        [TERCEL_POINT_SOCKET_SENDMSG] = EV(SENDTO) | EV(SENDMSG) | EV(SENDMMSG),
};

static uint64_t random_word(struct random *r)
{
	return (uint64_t)random_below(r, UINT32_MAX) << 32 | random_below(r, UINT32_MAX);
}

/* A quarter of its bits are set. */
static uint64_t sparse(struct random *r)
{
	uint64_t word = random_word(r);

	return word & random_word(r);
}

/* One of the bits of the mask. */
static unsigned int random_bit(struct random *r, uint64_t mask)
{
	uint32_t skip = random_below(r, (uint32_t)__builtin_popcountll(mask));

	while (skip--)
		mask &= mask - 1;
	return (unsigned int)__builtin_ctzll(mask);
}

static void random_args(struct world_args *a, struct random *r, const struct pool *words)
{
	uint32_t one_long_in = random_below(r, 6) ? UINT32_MAX : 3;

	a->n = random_below(r, WORLD_ARGS + 1);
	for (size_t i = 0; i < a->n; i++)
		a->items[i] = pool_pick(random_below(r, one_long_in) ? words : &pool_long, r);
}

static void random_ancestors(struct world *w, struct random *r)
{
	w->nancestors = random_below(r, 8) ? random_below(r, 6) : random_below(r, WORLD_ANCESTORS + 1);
	for (size_t i = 0; i < w->nancestors; i++) {
		struct world_ancestor *a = &w->ancestors[i];

		a->leader = pool_pick(&pool_names, r);
		a->thread = random_below(r, 4) ? a->leader : pool_pick(&pool_names, r);
		a->exepath = pool_pick(&pool_paths, r);
		random_args(&a->args, r, &pool_words);
	}
	w->ancestors_known = w->nancestors;
}

static void random_process(struct world *w, struct random *r)
{
	w->name = pool_pick(&pool_names, r);
	w->exepath = random_below(r, 12) ? pool_pick(&pool_paths, r) : "/usr/bin/runc";
	w->on_host = random_below(r, 2);
	w->cwd = pool_pick(&pool_cwds, r);
	random_args(&w->args, r, &pool_words);
	random_args(&w->env, r, &pool_env);
	random_ancestors(w, r);
	w->user = pool_pick(&pool_users, r);
	w->login = pool_pick(&pool_users, r);
	w->container = pool_pick(&pool_containers, r);
	w->uid = random_below(r, 3) ? random_below(r, 4) : UINT32_MAX - random_below(r, 2);
	w->gid = random_below(r, 4);
	w->tty = random_below(r, 2) ? 0 : 34816 + random_below(r, 3);
	w->loginuid = (int64_t)random_below(r, 4) - 1;
	w->pid = 1 + random_below(r, 5);
	w->vpid = random_below(r, 2) ? w->pid : 1 + random_below(r, 5);
	w->ppid = random_below(r, 4);
	w->orphan = !random_below(r, 8);
	w->sid = random_below(r, 5);
	w->vpgid = random_below(r, 5);
	w->duration = random_below(r, 6) * 1000000000ULL;
	w->duration_less = random_below(r, 2) ? 0 : random_below(r, 2000000000);
	if (w->duration_less > w->duration)
		w->duration_less = w->duration;
	w->bits = random_word(r);
	for (size_t i = 0; i < COUNT(w->caps); i++)
		w->caps[i] =
		        random_word(r) & (1ULL << 0 | 1ULL << 12 | 1ULL << 13 | 1ULL << 19 | 1ULL << 21 | 1ULL << 39);
}

static const char *maybe(struct random *r, const struct pool *p)
{
	return random_below(r, 3) ? pool_pick(p, r) : NULL;
}

static void random_container(struct world *w, struct random *r)
{
	w->repository = maybe(r, &pool_repositories);
	w->container_name = maybe(r, &pool_names);
	w->ns = maybe(r, &pool_spaces);
	w->pod = maybe(r, &pool_names);
	w->label = maybe(r, &pool_words);
	w->privileged = (int)random_below(r, 3) - 1;
}

static void random_address(struct random *r, bool is_v6, uint8_t *out)
{
	memset(out, 0, 16);
	inet_pton(is_v6 ? AF_INET6 : AF_INET, pool_pick(is_v6 ? &pool_v6 : &pool_v4, r), out);
}

static bool is_ordinary(const struct world *w)
{
	static const uint8_t zero[16], one[16] = {[15] = 1};

	if (w->type == MATCH_FD_IPV4)
		return w->local[0] != 127 && memcmp(w->local, zero, 4) != 0;
	return memcmp(w->local, zero, 16) != 0 && memcmp(w->local, one, 16) != 0;
}

static enum match_fd_type random_type(enum tercel_point point, struct random *r)
{
	static const enum match_fd_type any[] = {MATCH_FD_IPV4, MATCH_FD_IPV6, MATCH_FD_UNIX,
	                                         MATCH_FD_IPV4, MATCH_FD_IPV6, MATCH_FD_OTHER};

	switch (point) {
	case TERCEL_POINT_CONNECT4:
	case TERCEL_POINT_SENDMSG4:
		return MATCH_FD_IPV4;
	case TERCEL_POINT_CONNECT6:
	case TERCEL_POINT_SENDMSG6:
		/* A peer that is an IPv4 address in IPv6 form. */
		return random_below(r, 4) ? MATCH_FD_IPV6 : MATCH_FD_IPV4;
	case TERCEL_POINT_FILE_OPEN:
		return random_below(r, 3) ? MATCH_FD_FILE : MATCH_FD_DIRECTORY;
	case TERCEL_POINT_SYSCALL:
		return (enum match_fd_type)random_below(r, MATCH_FD_TYPES);
	default:
		return RANDOM_PICK(r, any);
	}
}

static enum match_l4proto random_protocol(const struct world *w, struct random *r)
{
	switch (w->point) {
	case TERCEL_POINT_SENDMSG4:
	case TERCEL_POINT_SENDMSG6:
		return MATCH_L4_UDP;
	case TERCEL_POINT_CONNECT4:
	case TERCEL_POINT_CONNECT6:
		return (enum match_l4proto)random_below(r, MATCH_L4_ICMP + 1);
	case TERCEL_POINT_SOCKET:
		return random_below(r, 2) ? MATCH_L4_RAW : MATCH_L4_NONE;
	case TERCEL_POINT_SOCKET_CONNECT:
		if (w->type == MATCH_FD_IPV4 || w->type == MATCH_FD_IPV6)
			return (enum match_l4proto)(MATCH_L4_ICMP + random_below(r, MATCH_L4PROTOS - MATCH_L4_ICMP));
		return MATCH_L4_NONE;
	default:
		if (w->type != MATCH_FD_IPV4 && w->type != MATCH_FD_IPV6)
			return MATCH_L4_NONE;
		return (enum match_l4proto)random_below(r, MATCH_L4PROTOS);
	}
}

static unsigned int random_kind(const struct world *w, struct random *r)
{
	static const unsigned int families[] = {0, 1, 2, 10, 16, 17, 38}, commands[] = {0, 5, 10, 36, 40, 70},
	                          signals[] = {0, 1, 9, 15, 31, 34, 64};

	switch (w->point) {
	case TERCEL_POINT_SOCKET:
		return RANDOM_PICK(r, families);
	case TERCEL_POINT_PTRACE:
		return random_below(r, 2) ? 11 : 20;
	case TERCEL_POINT_TRACEME:
		return 1;
	case TERCEL_POINT_BPF:
		return RANDOM_PICK(r, commands);
	case TERCEL_POINT_KILL:
		return RANDOM_PICK(r, signals);
	default:
		return 0;
	}
}

static void random_act(struct world *w, struct random *r)
{
	w->event = (enum match_event)random_bit(r, events_of[w->point]);
	w->path = pool_pick(&pool_paths, r);
	w->newpath = random_below(r, 4) ? pool_pick(&pool_paths, r) : "";
	w->target = pool_pick(random_below(r, 2) ? &pool_paths : &pool_words, r);
	w->type = random_type(w->point, r);
	w->l4 = random_protocol(w, r);
	random_address(r, w->type == MATCH_FD_IPV6, w->remote);
	random_address(r, w->type == MATCH_FD_IPV6, w->local);
	w->remote_port = world_ports[random_below(r, COUNT(world_ports))];
	w->local_port = world_ports[random_below(r, COUNT(world_ports))];
	w->local_exact = random_below(r, 2);
	w->fd = random_below(r, 6);
	w->result = w->event == MATCH_EVENT_SETNS || w->event == MATCH_EVENT_UNSHARE ? 0 : random_below(r, 6);
	w->id = random_below(r, 4) ? random_below(r, 4) : UINT32_MAX;
	w->kind = random_kind(w, r);
	for (unsigned int bit = 0; bit < 64; bit++) {
		w->flags |= world_flag_name(w, bit) && !random_below(r, 3) ? 1ULL << bit : 0;
		w->mode |= world_mode_name(bit) && (bit < 12 || w->point == TERCEL_POINT_MKNOD) && !random_below(r, 3)
		                   ? 1ULL << bit
		                   : 0;
	}
}

/* ---- random knowledge ---------------------------------------------------------------------------------------------
 */

#define CAN_BE_CUT (BIT(EXEPATH) | BIT(CWD) | BIT(PATH) | BIT(NEWPATH) | BIT(TARGET) | BIT(ENV) | BIT(CMDLINE))

/* What no program at this point knows of such an act. */
static void necessary_ignorance(struct world *w, struct random *r)
{
	if (w->point != TERCEL_POINT_FILE_OPEN && w->type == MATCH_FD_OTHER)
		w->unknown |= BIT(FD_TYPE);
	if (w->kind >= 64)
		w->unknown |= BIT(ARG_KIND);
	if (w->event == MATCH_EVENT_DUP || w->event == MATCH_EVENT_MEMFD_CREATE)
		w->unknown |= BIT(RESULT);
	/* The kernel does not ask where a descriptor leads that is only named as a directory. */
	if (w->newpath[0] && random_below(r, 2) &&
	    (w->event == MATCH_EVENT_SYMLINKAT || w->event == MATCH_EVENT_UNLINKAT || w->event == MATCH_EVENT_MKDIRAT ||
	     w->event == MATCH_EVENT_MKNODAT || w->event == MATCH_EVENT_FCHMODAT || w->event == MATCH_EVENT_FCHOWNAT))
		w->unknown |= BIT(NEWPATH);
}

static void random_ignorance(struct world *w, struct random *r)
{
	uint32_t one_in = random_below(r, 2) ? 6 : 20;

	for (uint32_t d = 0; d < MATCH_DOMAINS; d++) {
		if (random_below(r, one_in) == 0)
			w->unknown |= 1ULL << d;
		else if (CAN_BE_CUT >> d & 1 && random_below(r, one_in) == 0)
			w->cut |= 1ULL << d;
	}
	/* Their atoms are those of the IPv4 domains. */
	w->unknown &= ~(BIT(ADDR6) | BIT(LOCAL6));
	if (w->cut & BIT(CMDLINE))
		w->cut |= ARGUMENTS;
	w->cut_at = random_below(r, random_below(r, 4) ? 12 : 300);
	if (random_below(r, 3) == 0)
		w->bits_unknown = sparse(r) & ((1ULL << (MATCH_BIT_CONNECTED + 1)) - 1);
	if (random_below(r, 3) == 0)
		w->answers_unknown = sparse(r);
	if (random_below(r, 4) == 0)
		w->ancestors_known = random_below(r, (uint32_t)w->nancestors + 1);
	for (size_t i = 0; i < w->nancestors; i++) {
		struct world_ancestor *a = &w->ancestors[i];

		a->thread_unknown = !random_below(r, one_in);
		a->cut = !random_below(r, one_in);
		a->unknown |= random_below(r, one_in) ? 0 : BIT(AEXE);
		a->unknown |= random_below(r, one_in) ? 0 : BIT(AEXEPATH);
		a->unknown |= random_below(r, one_in) ? 0 : BIT(ACMDLINE);
	}
	w->path_cut = random_below(r, 2) && (w->unknown | w->cut) & BIT(EXEPATH);
	w->unseen = !random_below(r, 10);
	w->hidden = w->unseen && random_below(r, 2);
}

void world_random(struct world *w, struct random *r, enum tercel_point point, uint32_t known_in)
{
	*w = (struct world){.point = point, .salt = random_word(r)};
	random_process(w, r);
	random_container(w, r);
	random_act(w, r);
	if (random_below(r, known_in))
		random_ignorance(w, r);
	necessary_ignorance(w, r);
}

bool world_is_known(const struct world *w)
{
	if (w->unknown || w->cut || w->bits_unknown || w->answers_unknown || w->unseen ||
	    w->ancestors_known != w->nancestors)
		return false;
	for (size_t i = 0; i < w->nancestors; i++)
		if (w->ancestors[i].unknown || w->ancestors[i].cut || w->ancestors[i].thread_unknown)
			return false;
	return true;
}

/* ---- facts --------------------------------------------------------------------------------------------------------
 */

struct facts_writer {
	const struct world *w;
	struct match_facts *f;
	uint8_t *text;
	uint32_t at;
};

static struct tercel_span put(struct facts_writer *o, const char *bytes, size_t len)
{
	struct tercel_span span = {.off = o->at, .len = (uint32_t)len};

	memcpy(o->text + o->at, bytes, len);
	o->at += (uint32_t)len;
	return span;
}

static void put_text(struct facts_writer *o, enum match_domain d, const char *text)
{
	size_t len = strlen(text);

	if (o->w->cut >> d & 1 && len > o->w->cut_at)
		len = o->w->cut_at;
	o->f->text[d] = put(o, text, len);
}

static struct tercel_span put_args(struct facts_writer *o, const struct world_args *a, bool cut)
{
	struct tercel_span span = {.off = o->at};

	for (size_t i = 0; i < a->n; i++)
		put(o, a->items[i], strlen(a->items[i]) + 1);
	span.len = o->at - span.off;
	if (cut && span.len > o->w->cut_at)
		span.len = (uint32_t)o->w->cut_at;
	/* What was cut off stands nowhere. */
	memset(o->text + span.off + span.len, 0xee, o->at - span.off - span.len);
	return span;
}

static uint32_t directory_bytes(const char *path, bool is_directory)
{
	const char *slash = strrchr(path, '/');

	if (is_directory || !slash)
		return is_directory ? (uint32_t)strlen(path) : 0;
	return slash == path ? 1 : (uint32_t)(slash - path);
}

static void text_facts(struct facts_writer *o)
{
	const struct world *w = o->w;

	put_text(o, MATCH_NAME, w->name);
	put_text(o, MATCH_CONTAINER, w->container);
	put_text(o, MATCH_USER_NAME, w->user);
	put_text(o, MATCH_LOGIN_NAME, w->login);
	put_text(o, MATCH_EXEPATH, w->exepath);
	put_text(o, MATCH_CWD, w->cwd);
	put_text(o, MATCH_PATH, w->path);
	put_text(o, MATCH_NEWPATH, w->newpath);
	put_text(o, MATCH_TARGET, w->target);
	o->f->directory[0] = directory_bytes(w->path, w->type == MATCH_FD_DIRECTORY);
	o->f->directory[1] = directory_bytes(w->newpath, false);
	o->f->text[MATCH_ENV] = put_args(o, &w->env, w->cut >> MATCH_ENV & 1);
	o->f->text[MATCH_CMDLINE] = put_args(o, &w->args, w->cut >> MATCH_CMDLINE & 1);
}

static __u64 *number(struct match_facts *f, enum match_domain d)
{
	return &f->number[d - MATCH_UID];
}

static void process_numbers(const struct world *w, struct match_facts *f)
{
	*number(f, MATCH_UID) = w->uid;
	*number(f, MATCH_GID) = w->gid;
	*number(f, MATCH_TTY) = w->tty;
	*number(f, MATCH_LOGINUID) = match_signed(w->loginuid);
	*number(f, MATCH_PID) = match_signed(w->pid);
	*number(f, MATCH_VPID) = match_signed(w->vpid);
	*number(f, MATCH_PPID) = match_signed(w->ppid);
	*number(f, MATCH_SID) = match_signed(w->sid);
	*number(f, MATCH_VPGID) = match_signed(w->vpgid);
	*number(f, MATCH_DURATION) = w->duration - w->duration_less;
	if (w->orphan)
		f->missing |= BIT(PPID);
	*number(f, MATCH_BITS) = w->bits;
	*number(f, MATCH_CAPS_E) = w->caps[0];
	*number(f, MATCH_CAPS_P) = w->caps[1];
	*number(f, MATCH_CAPS_I) = w->caps[2];
}

static uint64_t load(const uint8_t *bytes, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | bytes[i];
	return v;
}

/* The kernel knows of a local address whether it is a special one; which of loopback's it has yet to choose. */
static void local_facts(const struct world *w, struct match_facts *f)
{
	bool v6 = w->type == MATCH_FD_IPV6;

	if (v6) {
		f->local6_high = load(w->local, 8);
		*number(f, MATCH_LOCAL6) = load(w->local + 8, 8);
	} else {
		*number(f, MATCH_LOCAL4) = load(w->local, 4);
	}
	if (w->local_exact)
		return;
	if (is_ordinary(w)) {
		f->local6_high = *number(f, MATCH_LOCAL6) = MATCH_LOCAL_ORDINARY;
		*number(f, MATCH_LOCAL4) = MATCH_LOCAL_ORDINARY;
	} else if (!v6 && w->local[0] == 127) {
		*number(f, MATCH_LOCAL4) = 0x7f000001;
	}
}

static void address_facts(const struct world *w, struct match_facts *f)
{
	bool v6 = w->type == MATCH_FD_IPV6;

	if (!v6 && w->type != MATCH_FD_IPV4) {
		f->missing |= BIT(PORT) | BIT(ADDR4) | BIT(ADDR6) | BIT(LOCAL4) | BIT(LOCAL6);
		return;
	}
	*number(f, MATCH_PORT) = w->remote_port;
	if (v6) {
		f->addr6_high = load(w->remote, 8);
		*number(f, MATCH_ADDR6) = load(w->remote + 8, 8);
	} else {
		*number(f, MATCH_ADDR4) = load(w->remote, 4);
	}
	local_facts(w, f);
	f->missing |= v6 ? BIT(ADDR4) | BIT(LOCAL4) : BIT(ADDR6) | BIT(LOCAL6);
	/* What is unknown is of either family. */
	if (w->unknown & BIT(ADDR4))
		f->missing = (f->missing & ~BIT(ADDR4)) | BIT(ADDR6);
	if (w->unknown & BIT(LOCAL4))
		f->missing = (f->missing & ~BIT(LOCAL4)) | BIT(LOCAL6);
}

static void act_numbers(const struct world *w, struct match_facts *f)
{
	*number(f, MATCH_ARG_ID) = w->id;
	*number(f, MATCH_RESULT) = match_signed(w->result);
	*number(f, MATCH_EVENT) = 1ULL << w->event;
	*number(f, MATCH_FD_TYPE) = 1ULL << w->type;
	*number(f, MATCH_L4PROTO) = 1ULL << w->l4;
	*number(f, MATCH_ARG_KIND) = w->kind < 64 ? 1ULL << w->kind : 0;
	*number(f, MATCH_ARG_MODE) = w->mode;
	*number(f, MATCH_ARG_FLAGS) = w->flags;
	/* The layer that an open ends up in is not known before. */
	if (w->point == TERCEL_POINT_FILE_OPEN)
		*number(f, MATCH_ARG_FLAGS) &= ~(3ULL << 15);
	address_facts(w, f);
}

static void ancestor_facts(struct facts_writer *o, const struct world_ancestor *from, struct match_ancestor *to)
{
	memset(to, 0, sizeof(*to));
	to->unknown = from->unknown;
	to->cut = from->cut ? BIT(AEXE) | BIT(ACMDLINE) | BIT(AEXEPATH) : 0;
	to->thread = put(o, from->thread, strlen(from->thread));
	to->leader = put(o, from->leader, strlen(from->leader));
	to->exepath = put(o, from->exepath, strlen(from->exepath));
	if (from->cut && to->exepath.len > o->w->cut_at)
		to->exepath.len = (uint32_t)o->w->cut_at;
	to->args = put_args(o, &from->args, from->cut);
	to->thread_unknown = from->thread_unknown;
	if (from->thread_unknown)
		to->thread.len = 0;
}

void world_facts(const struct world *w, struct match_facts *f, struct probe_ancestors *ancestors, uint8_t *text)
{
	struct facts_writer o = {.w = w, .f = f, .text = text};

	/* Domains that no field of this point is in hold anything. */
	memset(f, (int)(w->salt & 0xff), sizeof(*f));
	f->missing = 0;
	f->path_cut = w->path_cut;
	f->on_host = w->on_host;
	f->unknown = w->unknown;
	f->cut = w->cut;
	f->bits_unknown = w->bits_unknown;
	f->unseen = w->unseen;
	text_facts(&o);
	process_numbers(w, f);
	act_numbers(w, f);
	ancestors->count = (uint32_t)w->ancestors_known;
	ancestors->cut = w->ancestors_known < w->nancestors;
	for (size_t i = 0; i < w->ancestors_known; i++)
		ancestor_facts(&o, &w->ancestors[i], &ancestors->items[i]);
}

/* ---- for messages -------------------------------------------------------------------------------------------------
 */

static void print_args(struct buf *out, const char *what, const struct world_args *a)
{
	buf_addf(out, " %s [", what);
	for (size_t i = 0; i < a->n; i++)
		buf_addf(out, "%s'%s'", i ? ", " : "", a->items[i]);
	buf_addc(out, ']');
}

static void print_process(struct buf *out, const struct world *w)
{
	buf_addf(out, "name '%s' exepath '%s' cwd '%s' user '%s' login '%s' container '%s'", w->name, w->exepath,
	         w->cwd, w->user, w->login, w->container);
	print_args(out, "args", &w->args);
	print_args(out, "env", &w->env);
	for (size_t i = 0; i < w->nancestors; i++) {
		buf_addf(out, "\n    ancestor %zu: '%s' (thread '%s') '%s'", i + 1, w->ancestors[i].leader,
		         w->ancestors[i].thread, w->ancestors[i].exepath);
		print_args(out, "args", &w->ancestors[i].args);
		buf_addf(out, " unknown %#llx cut %d thread %s", (unsigned long long)w->ancestors[i].unknown,
		         w->ancestors[i].cut, w->ancestors[i].thread_unknown ? "unknown" : "known");
	}
	buf_addf(out,
	         "\n    uid %u gid %u tty %u loginuid %lld pid %lld vpid %lld ppid %lld%s sid %lld vpgid %lld duration "
	         "%llu (-%llu) bits %#llx caps %#llx %#llx %#llx",
	         w->uid, w->gid, w->tty, (long long)w->loginuid, (long long)w->pid, (long long)w->vpid,
	         (long long)w->ppid, w->orphan ? " (none)" : "", (long long)w->sid, (long long)w->vpgid,
	         (unsigned long long)w->duration, (unsigned long long)w->duration_less, (unsigned long long)w->bits,
	         (unsigned long long)w->caps[0], (unsigned long long)w->caps[1], (unsigned long long)w->caps[2]);
}

void world_print(struct buf *out, const struct world *w)
{
	char remote[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN];
	int family = w->type == MATCH_FD_IPV6 ? AF_INET6 : AF_INET;

	buf_addf(out, "point %u event %s%s%s%s%s ", w->point, world_event_name(w->event), w->unseen ? " unseen" : "",
	         w->hidden ? " hidden" : "", w->on_host ? " on host" : "", w->path_cut ? " path cut" : "");
	print_process(out, w);
	buf_addf(out, "\n    path '%s' newpath '%s' target '%s' type %u l4 %u remote %s:%u local %s:%u", w->path,
	         w->newpath, w->target, w->type, w->l4, inet_ntop(family, w->remote, remote, sizeof(remote)),
	         w->remote_port, inet_ntop(family, w->local, local, sizeof(local)), w->local_port);
	buf_addf(out, " fd %lld result %lld id %u flags %#llx mode %#llx kind %u", (long long)w->fd,
	         (long long)w->result, w->id, (unsigned long long)w->flags, (unsigned long long)w->mode, w->kind);
	buf_addf(out, "\n    repository %s name %s ns %s pod %s label %s privileged %d",
	         w->repository ? w->repository : "-", w->container_name ? w->container_name : "-", w->ns ? w->ns : "-",
	         w->pod ? w->pod : "-", w->label ? w->label : "-", w->privileged);
	buf_addf(out, "\n    unknown %#llx cut %#llx at %zu bits unknown %#llx ancestors known %zu of %zu salt %#llx",
	         (unsigned long long)w->unknown, (unsigned long long)w->cut, w->cut_at,
	         (unsigned long long)w->bits_unknown, w->ancestors_known, w->nancestors, (unsigned long long)w->salt);
}
