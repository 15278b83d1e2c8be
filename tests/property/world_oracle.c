/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco's answers: the values of a world's fields, as libsinsp has them for this event type, given to the exact
 * evaluator. What the kernel never knows has some value, too: the same one for all who ask about a world.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "filter/eval.h"
#include "world.h"

#define TEXT_MAX 262144
#define ITEMS_MAX 512

struct oracle {
	struct eval *program;
	struct eval_event *event;
	/* Of the operation that is asked about. */
	const struct world *w;
	char text[TEXT_MAX];
	size_t ntext;
	struct eval_item items[ITEMS_MAX];
	size_t nitems;
};

/* Values of one field: items == NULL: it has none. */
struct given {
	const struct eval_item *items;
	size_t n;
};

static const struct given missing = {NULL, 0};

int oracle_new(struct oracle **out, const struct filter_node *const *conditions, size_t n)
{
	struct oracle *o = calloc(1, sizeof(*o));
	struct error err = {{0}};
	int r = o ? eval_compile(&o->program, conditions, n, &err) : -ENOMEM;

	if (!r)
		r = eval_event_new(&o->event, o->program);
	if (r) {
		oracle_free(o);
		return r;
	}
	*out = o;
	return 0;
}

void oracle_free(struct oracle *o)
{
	if (!o)
		return;
	eval_event_free(o->event);
	eval_free(o->program);
	free(o);
}

/* ---- making values ------------------------------------------------------------------------------------------------
 */

static struct given items_of(struct oracle *o, const struct eval_item *items, size_t n)
{
	struct eval_item *at = o->items + o->nitems;

	if (o->nitems + n + 1 > ITEMS_MAX)
		abort();
	memcpy(at, items, n * sizeof(*items));
	o->nitems += n + 1;
	return (struct given){at, n};
}

static struct given text_of(struct oracle *o, const char *text)
{
	const struct eval_item item = eval_text(text, strlen(text));

	return items_of(o, &item, 1);
}

static struct given maybe_text(struct oracle *o, const char *text)
{
	return text ? text_of(o, text) : missing;
}

static struct given number_of(struct oracle *o, int64_t value)
{
	const struct eval_item item = {.as.s64 = value};

	return items_of(o, &item, 1);
}

static struct eval_item address_item(const struct world *w, const uint8_t *address)
{
	struct eval_item item = {.as.address.family = w->type == MATCH_FD_IPV6 ? AF_INET6 : AF_INET};

	memcpy(item.as.address.bytes, address, 16);
	return item;
}

static bool is_inet(const struct world *w)
{
	return w->type == MATCH_FD_IPV4 || w->type == MATCH_FD_IPV6;
}

/* Room for a text that is put together; what is there is that long at most. */
static char *room(struct oracle *o, size_t len)
{
	char *at = o->text + o->ntext;

	if (o->ntext + len + 1 > TEXT_MAX)
		abort();
	o->ntext += len + 1;
	at[0] = 0;
	return at;
}

static void append(char *at, const char *text)
{
	size_t len = strlen(at);

	memcpy(at + len, text, strlen(text) + 1);
}

static const char *copy(struct oracle *o, const char *text, size_t len)
{
	char *at = room(o, len);

	memcpy(at, text, len);
	at[len] = 0;
	return at;
}

/* libsinsp reads arguments up to each NUL, and joins them by blanks; the last NUL of the buffer is not there. */
static const char *joined(struct oracle *o, const struct world_args *a, size_t from)
{
	char *at = room(o, 2048);

	for (size_t i = from; i < a->n; i++) {
		if (i > from)
			append(at, " ");
		append(at, a->items[i]);
	}
	return at;
}

static const char *cmdline(struct oracle *o, const char *name, const struct world_args *a)
{
	char *at = room(o, 2048);
	bool empty = a->n < 2 || (a->n == 2 && !a->items[1][0]);

	append(at, name);
	for (size_t i = 1; !empty && i < a->n; i++) {
		append(at, " ");
		append(at, a->items[i]);
	}
	return at;
}

static const char *first(const struct world_args *a)
{
	return a->n ? a->items[0] : "";
}

/* Some number that belongs to this world and field. */
static uint32_t some(const struct world *w, enum field_id id, uint32_t n)
{
	struct random r = {.state = w->salt ^ (uint64_t)id * 0x9e3779b97f4a7c15ULL};

	return random_below(&r, n);
}

static struct given some_text(struct oracle *o, enum field_id id, const struct pool *p)
{
	return text_of(o, p->words[some(o->w, id, p->n)]);
}

/* A value of the field's type; fields that worlds say nothing of have one. */
static struct given some_value(struct oracle *o, const struct filter_term *t)
{
	switch (t->type) {
	case FIELD_TYPE_STRING:
		return some_text(o, t->field->id, &pool_texts);
	case FIELD_TYPE_IP:
	case FIELD_TYPE_NET:
		return missing;
	default:
		return number_of(o, some(o->w, t->field->id, 2));
	}
}

/* The names of a set, beginning anywhere: their order is not that of the bits. */
static struct given names_of(struct oracle *o, uint64_t bits, const char *(*name)(const struct world *, unsigned int),
                             const char *joint, const char *empty)
{
	char *at = room(o, 1024);
	unsigned int from = some(o->w, FIELD_EVT_ARG, 64);

	for (unsigned int i = 0; i < 64; i++) {
		unsigned int bit = (from + i) % 64;
		const char *text = bits >> bit & 1 ? name(o->w, bit) : NULL;

		if (!text)
			continue;
		if (at[0])
			append(at, joint);
		append(at, text);
	}
	return text_of(o, at[0] ? at : empty);
}

static const char *mode_name(const struct world *w, unsigned int bit)
{
	(void)w;
	return world_mode_name(bit);
}

static const char *cap_name(const struct world *w, unsigned int bit)
{
	(void)w;
	return world_cap_name(bit);
}

static struct given caps_of(struct oracle *o, size_t set)
{
	return names_of(o, o->w->caps[set], cap_name, " ", "");
}

static struct given bit_of(struct oracle *o, enum match_bit bit)
{
	return number_of(o, o->w->bits >> bit & 1);
}

/* ---- ancestors ----------------------------------------------------------------------------------------------------
 */

static const char *of_ancestor(struct oracle *o, enum field_id id, const struct world_ancestor *a, bool thread)
{
	switch (id) {
	case FIELD_PROC_ANAME:
	case FIELD_PROC_PNAME:
		return thread ? a->thread : a->leader;
	case FIELD_PROC_AEXE:
	case FIELD_PROC_PEXE:
		return first(&a->args);
	case FIELD_PROC_AEXEPATH:
	case FIELD_PROC_PEXEPATH:
		return a->exepath;
	default:
		return cmdline(o, thread ? a->thread : a->leader, &a->args);
	}
}

static struct given of_self(struct oracle *o, enum field_id id)
{
	const struct world *w = o->w;

	switch (id) {
	case FIELD_PROC_ANAME:
		return text_of(o, w->name);
	case FIELD_PROC_AEXE:
		return text_of(o, first(&w->args));
	case FIELD_PROC_AEXEPATH:
		return text_of(o, w->exepath);
	default:
		return text_of(o, cmdline(o, w->name, &w->args));
	}
}

/* libsinsp goes from process to process for a distance; for any ancestor it looks at the very threads that are
 * parents. */
static struct given ancestors(struct oracle *o, const struct filter_term *t)
{
	struct eval_item items[WORLD_ANCESTORS];
	enum field_id id = t->field->id;

	if (t->has_arg && !t->arg_index)
		return of_self(o, id);
	if (t->has_arg) {
		if (t->arg_index > o->w->nancestors)
			return missing;
		return text_of(o, of_ancestor(o, id, &o->w->ancestors[t->arg_index - 1], false));
	}
	for (size_t i = 0; i < o->w->nancestors; i++) {
		const char *text = of_ancestor(o, id, &o->w->ancestors[i], true);

		items[i] = eval_text(text, strlen(text));
	}
	return o->w->nancestors ? items_of(o, items, o->w->nancestors) : missing;
}

static struct given parent(struct oracle *o, enum field_id id)
{
	return o->w->nancestors ? text_of(o, of_ancestor(o, id, &o->w->ancestors[0], false)) : missing;
}

/* ---- the event ----------------------------------------------------------------------------------------------------
 */

#define EV(e) (1ULL << MATCH_EVENT_##e)
#define OPENS (EV(OPEN) | EV(OPENAT) | EV(OPENAT2))
#define EXECS (EV(EXECVE) | EV(EXECVEAT))
#define SENDS (EV(SENDTO) | EV(SENDMSG) | EV(SENDMMSG))
#define LINKS (EV(LINK) | EV(LINKAT))
#define SYMLINKS (EV(SYMLINK) | EV(SYMLINKAT))
#define RENAMES (EV(RENAME) | EV(RENAMEAT) | EV(RENAMEAT2))
#define MKDIRS (EV(MKDIR) | EV(MKDIRAT))
#define MKNODS (EV(MKNOD) | EV(MKNODAT))
#define CHMODS (EV(CHMOD) | EV(FCHMOD) | EV(FCHMODAT))
#define CHOWNS (EV(CHOWN) | EV(LCHOWN) | EV(FCHOWN) | EV(FCHOWNAT))
#define KILLS (EV(KILL) | EV(TKILL) | EV(TGKILL))
#define DUPS (EV(DUP) | EV(DUP2) | EV(DUP3))

/* driver/event_table.c: EF_USES_FD or EF_CREATES_FD. */
#define WITH_FD                                                                                                      \
	(EV(CONNECT) | SENDS | OPENS | EV(OPEN_BY_HANDLE_AT) | EV(CREAT) | EV(SYMLINKAT) | EV(UNLINKAT) |            \
	 EV(MKDIRAT) | EV(MKNODAT) | EV(FCHMOD) | EV(FCHMODAT) | EV(FCHOWN) | EV(FCHOWNAT) | EV(SOCKET) | EV(BIND) | \
	 EV(LISTEN) | EV(FINIT_MODULE) | EV(BPF) | EV(USERFAULTFD) | DUPS | EV(SETNS) | EV(MEMFD_CREATE))

#define ONE_PATH (OPENS | EV(UNLINK) | EV(UNLINKAT) | EV(RMDIR) | MKDIRS | CHMODS | CHOWNS)

static bool is_one_of(const struct world *w, uint64_t events)
{
	return events >> w->event & 1;
}

/* The result: what is about to succeed has one of these. */
static int64_t result_of(const struct world *w)
{
	if (w->point == TERCEL_POINT_SYSCALL)
		return w->result;
	if (w->point == TERCEL_POINT_FILE_OPEN || w->point == TERCEL_POINT_SOCKET || w->point == TERCEL_POINT_BPF ||
	    w->point == TERCEL_POINT_USERFAULTFD)
		return w->fd;
	return is_one_of(w, SENDS) ? (int64_t)some(w, FIELD_EVT_RAWRES, 3) * 50 : 0;
}

static struct given decimal(struct oracle *o, int64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%lld", (long long)value);

	return text_of(o, copy(o, text, (size_t)len));
}

static const char *category(const struct world *w)
{
	static const char *const unsure[] = {"file", "net", "other", "IO"};

	switch (w->point) {
	case TERCEL_POINT_EXEC_COMMIT:
	case TERCEL_POINT_EXEC_CHECK:
	case TERCEL_POINT_PTRACE:
	case TERCEL_POINT_TRACEME:
		return "process";
	case TERCEL_POINT_CONNECT4:
	case TERCEL_POINT_CONNECT6:
	case TERCEL_POINT_SENDMSG4:
	case TERCEL_POINT_SENDMSG6:
	case TERCEL_POINT_SOCKET_CONNECT:
	case TERCEL_POINT_SOCKET:
	case TERCEL_POINT_BIND:
	case TERCEL_POINT_LISTEN:
		return "net";
	case TERCEL_POINT_MKNOD:
	case TERCEL_POINT_MODULE_FILE:
	case TERCEL_POINT_MODULE_DATA:
	case TERCEL_POINT_BPF:
		return "other";
	case TERCEL_POINT_KILL:
		return "signal";
	case TERCEL_POINT_SETUID:
		return "user";
	case TERCEL_POINT_SYSCALL:
	case TERCEL_POINT_SOCKET_SENDMSG:
		return unsure[some(w, FIELD_EVT_CATEGORY, 4)];
	default:
		return "file";
	}
}

/* The paths among the parameters, by their names in driver/event_table.c. */
static const struct parameter {
	const char *name;
	uint64_t events;
	enum { THE_PATH, THE_NEW_PATH, THE_TARGET } what;
} path_parameters[] = {
        {"name", OPENS | EV(CREAT) | EV(UNLINKAT), THE_PATH},
        {"name", EV(MEMFD_CREATE), THE_TARGET},
        {"path", EV(OPEN_BY_HANDLE_AT) | EV(UNLINK) | EV(RMDIR) | MKDIRS | MKNODS | EV(CHOWN) | EV(LCHOWN), THE_PATH},
        {"pathname", EV(FCHOWNAT), THE_PATH},
        {"filename", EV(CHMOD) | EV(FCHMODAT), THE_PATH},
        {"oldpath", LINKS | RENAMES, THE_PATH},
        {"newpath", LINKS | RENAMES, THE_NEW_PATH},
        {"linkpath", SYMLINKS, THE_PATH},
        {"target", SYMLINKS, THE_TARGET},
        {"dir", EV(MOUNT), THE_PATH},
        {"dev", EV(MOUNT), THE_TARGET},
};

static struct given flags_parameter(struct oracle *o)
{
	const struct world *w = o->w;

	if (w->event == MATCH_EVENT_UNLINKAT)
		return text_of(o, w->point == TERCEL_POINT_RMDIR ? "AT_REMOVEDIR" : "0");
	if (is_one_of(w, OPENS | EV(OPEN_BY_HANDLE_AT) | EV(LINKAT) | EV(RENAMEAT2) | EV(FINIT_MODULE) | EV(MOUNT) |
	                         EV(DUP3) | EV(UNSHARE) | EV(MEMFD_CREATE)))
		return names_of(o, w->flags, world_flag_name, "|", "0");
	if (is_one_of(w, EXECS | EV(FCHOWNAT) | EV(USERFAULTFD)))
		return some_text(o, FIELD_EVT_ARG, &pool_open_flags);
	return missing;
}

static struct given process_parameter(struct oracle *o, const char *name)
{
	if (!is_one_of(o->w, EXECS))
		return missing;
	if (!strcmp(name, "exe"))
		return text_of(o, first(&o->w->args));
	return text_of(o, strcmp(name, "comm") ? o->w->exepath : o->w->name);
}

/* The user that a call asks for, as its name. */
static struct given user_parameter(struct oracle *o, const char *name)
{
	if (is_one_of(o->w, strcmp(name, "uid") ? EV(SETRESUID) : EV(SETUID)))
		return text_of(o, o->w->user);
	return !strcmp(name, "uid") && is_one_of(o->w, EXECS | CHOWNS) ? some_text(o, FIELD_EVT_ARG, &pool_texts)
	                                                               : missing;
}

static struct given result_parameter(struct oracle *o)
{
	const struct world *w = o->w;

	if (is_one_of(w, OPENS | EV(OPEN_BY_HANDLE_AT) | EV(CREAT) | EV(SOCKET) | EV(BPF) | EV(MEMFD_CREATE)))
		return missing;
	return decimal(o, result_of(w));
}

static struct given choice_parameter(struct oracle *o, const char *name)
{
	static const struct {
		const char *name;
		uint64_t events;
	} choices[] = {{"domain", EV(SOCKET)}, {"request", EV(PTRACE)}, {"cmd", EV(BPF)}, {"sig", KILLS}};

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (!strcmp(name, choices[i].name))
			return is_one_of(o->w, choices[i].events) ? text_of(o, world_kind_name(o->w, o->w->kind))
			                                          : missing;
	return missing;
}

static struct given parameter(struct oracle *o, const char *name)
{
	const struct world *w = o->w;

	for (size_t i = 0; i < sizeof(path_parameters) / sizeof(path_parameters[0]); i++) {
		const struct parameter *p = &path_parameters[i];

		if (!strcmp(p->name, name) && is_one_of(w, p->events))
			return text_of(o, p->what == THE_PATH     ? w->path
			                  : p->what == THE_TARGET ? w->target
			                                          : w->newpath);
	}
	if (!strcmp(name, "flags"))
		return flags_parameter(o);
	if (!strcmp(name, "nstype"))
		return is_one_of(w, EV(SETNS)) ? names_of(o, w->flags, world_flag_name, "|", "0") : missing;
	if (!strcmp(name, "mode") && is_one_of(w, CHMODS | MKNODS))
		return names_of(o, w->mode, mode_name, "|", "0");
	if (!strcmp(name, "mode"))
		return is_one_of(w, OPENS | EV(CREAT) | MKDIRS) ? some_text(o, FIELD_EVT_ARG, &pool_texts) : missing;
	if (!strcmp(name, "exe") || !strcmp(name, "comm") || !strcmp(name, "trusted_exepath"))
		return process_parameter(o, name);
	if (!strcmp(name, "uid") || !strcmp(name, "euid"))
		return user_parameter(o, name);
	if (!strcmp(name, "res"))
		return result_parameter(o);
	return choice_parameter(o, name);
}

static struct given event_field(struct oracle *o, const struct filter_term *t)
{
	const struct world *w = o->w;
	bool open = w->point == TERCEL_POINT_FILE_OPEN, send = is_one_of(w, SENDS);

	switch (t->field->id) {
	case FIELD_EVT_TYPE:
	case FIELD_SYSCALL_TYPE:
		return text_of(o, world_event_name(w->event));
	case FIELD_EVT_CATEGORY:
		return text_of(o, category(w));
	case FIELD_EVT_DIR:
		return text_of(o, "<");
	case FIELD_EVT_NUM:
		return number_of(o, 1 + some(w, FIELD_EVT_NUM, 4));
	case FIELD_EVT_RES:
		return text_of(o, "SUCCESS");
	case FIELD_EVT_RAWRES:
		return number_of(o, result_of(w));
	case FIELD_EVT_FAILED:
		return number_of(o, 0);
	case FIELD_EVT_IS_IO_WRITE:
		return number_of(o, send);
	case FIELD_EVT_IO_DIR:
		return send ? text_of(o, "write") : w->event == MATCH_EVENT_FINIT_MODULE ? text_of(o, "read") : missing;
	case FIELD_EVT_IS_OPEN_READ:
		return open ? bit_of(o, MATCH_BIT_OPEN_READ) : number_of(o, 0);
	case FIELD_EVT_IS_OPEN_WRITE:
		return open ? bit_of(o, MATCH_BIT_OPEN_WRITE) : number_of(o, 0);
	case FIELD_EVT_IS_OPEN_EXEC:
		return open ? bit_of(o, MATCH_BIT_OPEN_EXEC) : number_of(o, 0);
	case FIELD_EVT_IS_OPEN_CREATE:
		return open ? bit_of(o, MATCH_BIT_OPEN_CREATE) : number_of(o, 0);
	case FIELD_EVT_ARG:
		return parameter(o, t->arg_text);
	default:
		return some_value(o, t);
	}
}

/* ---- the process --------------------------------------------------------------------------------------------------
 */

static bool is_exec(const struct world *w)
{
	return is_one_of(w, EXECS);
}

static struct given process_text(struct oracle *o, const struct filter_term *t)
{
	const struct world *w = o->w;

	switch (t->field->id) {
	case FIELD_PROC_NAME:
		return text_of(o, w->name);
	case FIELD_PROC_EXEPATH:
		return text_of(o, w->exepath);
	case FIELD_PROC_EXE:
		return text_of(o, first(&w->args));
	case FIELD_PROC_ARGS:
		return text_of(o, joined(o, &w->args, 1));
	case FIELD_PROC_CMDLINE:
		return text_of(o, cmdline(o, w->name, &w->args));
	case FIELD_PROC_ENV:
		return text_of(o, joined(o, &w->env, 0));
	case FIELD_PROC_CWD:
		return text_of(o, w->cwd);
	case FIELD_PROC_PNAME:
	case FIELD_PROC_PEXE:
	case FIELD_PROC_PEXEPATH:
	case FIELD_PROC_PCMDLINE:
		return parent(o, t->field->id);
	case FIELD_PROC_ANAME:
	case FIELD_PROC_AEXE:
	case FIELD_PROC_AEXEPATH:
	case FIELD_PROC_ACMDLINE:
		return ancestors(o, t);
	case FIELD_USER_NAME:
		return text_of(o, w->user);
	case FIELD_USER_LOGINNAME:
		return text_of(o, w->login);
	case FIELD_THREAD_CAP_EFFECTIVE:
		return caps_of(o, 0);
	case FIELD_THREAD_CAP_PERMITTED:
		return caps_of(o, 1);
	case FIELD_THREAD_CAP_INHERITABLE:
		return caps_of(o, 2);
	default:
		return event_field(o, t);
	}
}

static struct given process_number(struct oracle *o, const struct filter_term *t)
{
	const struct world *w = o->w;

	switch (t->field->id) {
	case FIELD_USER_UID:
		/* libsinsp has the new user before the event is judged. */
		return number_of(o, w->point == TERCEL_POINT_SETUID ? w->id : w->uid);
	case FIELD_USER_LOGINUID:
		return number_of(o, w->loginuid);
	case FIELD_GROUP_GID:
		return number_of(o, w->gid);
	case FIELD_PROC_TTY:
		return number_of(o, w->tty);
	case FIELD_PROC_PID:
		return number_of(o, w->pid);
	case FIELD_PROC_VPID:
		return number_of(o, w->vpid);
	case FIELD_PROC_PPID:
		return w->orphan ? missing : number_of(o, w->ppid);
	case FIELD_PROC_SID:
		return number_of(o, w->sid);
	case FIELD_PROC_VPGID:
		return number_of(o, w->vpgid);
	case FIELD_PROC_DURATION:
		return number_of(o, (int64_t)w->duration);
	case FIELD_THREAD_TID:
		return number_of(o, is_exec(w) ? w->pid : (int64_t)some(w, FIELD_THREAD_TID, 6));
	case FIELD_THREAD_ISMAIN:
		return number_of(o, is_exec(w) ? 1 : some(w, FIELD_THREAD_ISMAIN, 2));
	case FIELD_PROC_IS_EXE_WRITABLE:
		return bit_of(o, MATCH_BIT_EXE_WRITABLE);
	case FIELD_PROC_IS_EXE_UPPER_LAYER:
		return bit_of(o, MATCH_BIT_EXE_UPPER);
	case FIELD_PROC_IS_EXE_LOWER_LAYER:
		return bit_of(o, MATCH_BIT_EXE_LOWER);
	case FIELD_PROC_IS_EXE_FROM_MEMFD:
		return bit_of(o, MATCH_BIT_EXE_MEMFD);
	case FIELD_PROC_IS_SID_LEADER:
		return bit_of(o, MATCH_BIT_SID_LEADER);
	case FIELD_PROC_IS_VPGID_LEADER:
	case FIELD_PROC_IS_PGID_LEADER:
		return bit_of(o, MATCH_BIT_VPGID_LEADER);
	default:
		return process_text(o, t);
	}
}

/* ---- descriptors and paths ----------------------------------------------------------------------------------------
 */

/* What of a socket Falco can compare at all. */
static bool has_ends(const struct world *w)
{
	switch (w->point) {
	case TERCEL_POINT_CONNECT4:
	case TERCEL_POINT_CONNECT6:
	case TERCEL_POINT_SENDMSG4:
	case TERCEL_POINT_SENDMSG6:
	case TERCEL_POINT_SOCKET_CONNECT:
	case TERCEL_POINT_SOCKET_SENDMSG:
	case TERCEL_POINT_BIND:
	case TERCEL_POINT_LISTEN:
		return is_inet(w);
	default:
		return false;
	}
}

static bool is_bound(const struct world *w)
{
	return w->point == TERCEL_POINT_BIND || w->point == TERCEL_POINT_LISTEN;
}

/* A process that is bound to the peer's port is a server to libsinsp, which then swaps the ends of what is sent. */
static bool is_swapped(const struct world *w)
{
	return is_one_of(w, SENDS) && some(w, FIELD_FD_IS_SERVER, 2);
}

/* libsinsp compares fd.ip and its like by code of its own, which says that they exist whatever the descriptor is. */
static struct given both_addresses(struct oracle *o)
{
	const struct world *w = o->w;
	const struct eval_item ends[] = {address_item(w, w->local), address_item(w, w->remote)};
	const struct eval_item server[] = {address_item(w, w->remote)};

	if (!has_ends(w))
		return items_of(o, ends, 0);
	return is_bound(w) ? items_of(o, server, 1) : items_of(o, ends, 2);
}

static struct given both_ports(struct oracle *o)
{
	const struct world *w = o->w;
	const struct eval_item ends[] = {{.as.u64 = w->local_port}, {.as.u64 = w->remote_port}};

	if (!has_ends(w))
		return items_of(o, ends, 0);
	return is_bound(w) ? items_of(o, ends + 1, 1) : items_of(o, ends, 2);
}

static struct given one_address(struct oracle *o, bool server)
{
	const struct world *w = o->w;
	struct eval_item item;

	if (!has_ends(w) || (is_bound(w) && !server))
		return missing;
	item = address_item(w, server != is_swapped(w) ? w->remote : w->local);
	return items_of(o, &item, 1);
}

static struct given one_port(struct oracle *o, bool server)
{
	const struct world *w = o->w;

	if (!has_ends(w) || (is_bound(w) && !server))
		return missing;
	return number_of(o, server != is_swapped(w) ? w->remote_port : w->local_port);
}

static bool is_socket_point(const struct world *w)
{
	return w->point == TERCEL_POINT_SOCKET || w->point == TERCEL_POINT_SOCKET_CONNECT ||
	       w->point == TERCEL_POINT_SOCKET_SENDMSG || w->point == TERCEL_POINT_BIND ||
	       w->point == TERCEL_POINT_LISTEN || w->point == TERCEL_POINT_CONNECT4 ||
	       w->point == TERCEL_POINT_CONNECT6 || w->point == TERCEL_POINT_SENDMSG4 ||
	       w->point == TERCEL_POINT_SENDMSG6;
}

static const char *type_of(const struct world *w, bool letter)
{
	static const char *const names[MATCH_FD_TYPES][2] = {{"file", "f"}, {"directory", "d"}, {"ipv4", "4"},
	                                                     {"ipv6", "6"}, {"unix", "u"},      {"netlink", "n"}};
	static const char *const others[][2] = {{"netlink", "n"}, {"pipe", "p"}, {"eventfd", "e"}};

	if (w->point == TERCEL_POINT_BPF)
		return letter ? "b" : "bpf";
	if (w->point == TERCEL_POINT_USERFAULTFD)
		return letter ? "u" : "userfaultfd";
	if (w->type == MATCH_FD_OTHER)
		return others[some(w, FIELD_FD_TYPE, 3)][letter];
	return names[w->type][letter];
}

/* In a call with a directory descriptor it is that directory's name, empty for AT_FDCWD, whatever the path. */
static const char *descriptor_name(const struct world *w)
{
	if (is_one_of(w, EV(SYMLINKAT) | EV(UNLINKAT) | EV(MKDIRAT) | EV(MKNODAT) | EV(FCHMOD) | EV(FCHMODAT) |
	                         EV(FCHOWN) | EV(FCHOWNAT)))
		return w->newpath;
	if (w->point == TERCEL_POINT_FILE_OPEN || w->point == TERCEL_POINT_MODULE_FILE)
		return w->path;
	return pool_texts.words[some(w, FIELD_FD_NAME, pool_texts.n)];
}

static struct given part_of_path(struct oracle *o, bool directory)
{
	const struct world *w = o->w;
	const char *slash = strrchr(w->path, '/');

	if (w->point != TERCEL_POINT_FILE_OPEN)
		return is_socket_point(w) || w->point == TERCEL_POINT_BPF || w->point == TERCEL_POINT_USERFAULTFD
		               ? missing
		               : some_text(o, FIELD_FD_DIRECTORY, &pool_paths);
	if (w->type == MATCH_FD_DIRECTORY)
		return directory ? text_of(o, w->path) : missing;
	/* libsinsp: of the root, and that alone, the file's name is the slash. */
	if (!slash[1])
		return text_of(o, "/");
	if (!directory)
		return text_of(o, slash + 1);
	return text_of(o, slash == w->path ? "/" : copy(o, w->path, (size_t)(slash - w->path)));
}

static struct given socket_field(struct oracle *o, const struct filter_term *t)
{
	static const char *const protocols[] = {"tcp", "udp", "icmp", "raw", "<NA>"};
	const struct world *w = o->w;
	bool socket = is_socket_point(w);

	switch (t->field->id) {
	case FIELD_FD_IP:
	case FIELD_FD_NET:
		return both_addresses(o);
	case FIELD_FD_PORT:
	case FIELD_FD_PROTO:
		return both_ports(o);
	case FIELD_FD_SIP:
	case FIELD_FD_SNET:
		return one_address(o, true);
	case FIELD_FD_CIP:
	case FIELD_FD_CNET:
		return one_address(o, false);
	case FIELD_FD_SPORT:
		return one_port(o, true);
	case FIELD_FD_CPORT:
		return one_port(o, false);
	case FIELD_FD_L4PROTO:
		return text_of(o, socket ? protocols[w->l4] : "<NA>");
	case FIELD_FD_SOCKFAMILY:
		if (!socket || w->type == MATCH_FD_OTHER)
			return missing;
		return text_of(o, w->type == MATCH_FD_UNIX ? "unix" : "ip");
	case FIELD_FD_CONNECTED:
		if (is_one_of(w, SENDS))
			return bit_of(o, MATCH_BIT_CONNECTED);
		return number_of(o, w->event == MATCH_EVENT_CONNECT);
	default:
		return process_number(o, t);
	}
}

static struct given descriptor_field(struct oracle *o, const struct filter_term *t)
{
	const struct world *w = o->w;

	if (t->field->in_class == FIELD_CLASS_FD && !is_one_of(w, WITH_FD))
		return missing;
	switch (t->field->id) {
	case FIELD_FD_NUM:
		return number_of(o, w->point == TERCEL_POINT_SYSCALL ? result_of(w) : w->fd);
	case FIELD_FD_TYPE:
		return text_of(o, type_of(w, false));
	case FIELD_FD_TYPECHAR:
		return text_of(o, type_of(w, true));
	case FIELD_FD_NAME:
		return text_of(o, descriptor_name(w));
	case FIELD_FD_DIRECTORY:
		return part_of_path(o, true);
	case FIELD_FD_FILENAME:
		return part_of_path(o, false);
	case FIELD_FD_NAMERAW:
		return some_text(o, FIELD_FD_NAMERAW, &pool_paths);
	case FIELD_FD_IS_UPPER_LAYER:
		return number_of(o, w->point == TERCEL_POINT_FILE_OPEN && some(w, FIELD_FD_IS_UPPER_LAYER, 2));
	default:
		return socket_field(o, t);
	}
}

/* fs.path.*, by libsinsp's tables of parameters; of a link the new name is the source. */
static struct given path_field(struct oracle *o, const struct filter_term *t)
{
	const struct world *w = o->w;

	switch (t->field->id) {
	case FIELD_TERCEL_FILE_PATH:
		return w->point == TERCEL_POINT_FILE_OPEN ? text_of(o, w->path)
		                                          : some_text(o, FIELD_TERCEL_FILE_PATH, &pool_paths);
	case FIELD_FS_PATH_NAME:
		return is_one_of(w, ONE_PATH) ? text_of(o, w->path) : missing;
	case FIELD_FS_PATH_SOURCE:
		if (is_one_of(w, LINKS))
			return text_of(o, w->newpath);
		if (is_one_of(w, RENAMES | SYMLINKS))
			return text_of(o, w->path);
		return w->event == MATCH_EVENT_MOUNT ? some_text(o, FIELD_FS_PATH_SOURCE, &pool_paths) : missing;
	case FIELD_FS_PATH_TARGET:
		if (is_one_of(w, RENAMES))
			return text_of(o, w->newpath);
		if (is_one_of(w, LINKS | EV(MOUNT)))
			return text_of(o, w->path);
		return is_one_of(w, SYMLINKS) ? some_text(o, FIELD_FS_PATH_TARGET, &pool_paths) : missing;
	default:
		return descriptor_field(o, t);
	}
}

/* ---- the container ------------------------------------------------------------------------------------------------
 */

static struct given field(struct oracle *o, const struct filter_term *t)
{
	const struct world *w = o->w;

	switch (t->field->id) {
	case FIELD_CONTAINER_ID:
		return text_of(o, w->container);
	case FIELD_CONTAINER_NAME:
		return maybe_text(o, w->container_name);
	case FIELD_CONTAINER_IMAGE_REPOSITORY:
		return maybe_text(o, w->repository);
	case FIELD_CONTAINER_PRIVILEGED:
		return w->privileged < 0 ? missing : number_of(o, w->privileged);
	case FIELD_CONTAINER_LABEL:
		return maybe_text(o, w->label);
	case FIELD_CONTAINER_DURATION:
		return number_of(o, some(w, FIELD_CONTAINER_DURATION, 4));
	case FIELD_K8S_NS_NAME:
		return maybe_text(o, w->ns);
	case FIELD_K8S_POD_NAME:
		return maybe_text(o, w->pod);
	default:
		return path_field(o, t);
	}
}

void oracle_set(struct oracle *o, const struct world *w)
{
	o->w = w;
	o->ntext = o->nitems = 0;
	eval_event_clear(o->event);
	for (size_t i = 0; i < eval_fields(o->program); i++) {
		struct given g = field(o, eval_field(o->program, i));

		if (g.items)
			eval_event_set(o->event, i, g.items, g.n);
	}
}

bool oracle_answer(struct oracle *o, size_t condition)
{
	return eval_run(o->program, o->event, condition);
}
