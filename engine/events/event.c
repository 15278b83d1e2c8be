/* SPDX-License-Identifier: Apache-2.0 */
/* Words, times and addresses for both formats, and the choice between them. */
#include "events/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "compat/capabilities.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *from(const char *const *table, size_t count, unsigned index)
{
	return index < count ? table[index] : NULL;
}

static const char *const families[] = {
        [AF_UNIX] = "AF_UNIX",
        [AF_INET] = "AF_INET",
        [AF_AX25] = "AF_AX25",
        [AF_IPX] = "AF_IPX",
        [AF_APPLETALK] = "AF_APPLETALK",
        [AF_X25] = "AF_X25",
        [AF_INET6] = "AF_INET6",
        [AF_KEY] = "AF_KEY",
        [AF_NETLINK] = "AF_NETLINK",
        [AF_PACKET] = "AF_PACKET",
        [AF_RDS] = "AF_RDS",
        [AF_PPPOX] = "AF_PPPOX",
        [AF_LLC] = "AF_LLC",
        [AF_IB] = "AF_IB",
        [AF_MPLS] = "AF_MPLS",
        [AF_CAN] = "AF_CAN",
        [AF_TIPC] = "AF_TIPC",
        [AF_BLUETOOTH] = "AF_BLUETOOTH",
        [AF_ALG] = "AF_ALG",
        [AF_NFC] = "AF_NFC",
        [AF_VSOCK] = "AF_VSOCK",
        [AF_KCM] = "AF_KCM",
        [AF_QIPCRTR] = "AF_QIPCRTR",
        [AF_SMC] = "AF_SMC",
        [AF_XDP] = "AF_XDP",
};

static const char *const socket_types[] = {
        [SOCK_STREAM] = "SOCK_STREAM", [SOCK_DGRAM] = "SOCK_DGRAM",         [SOCK_RAW] = "SOCK_RAW",
        [SOCK_RDM] = "SOCK_RDM",       [SOCK_SEQPACKET] = "SOCK_SEQPACKET", [SOCK_DCCP] = "SOCK_DCCP",
        [SOCK_PACKET] = "SOCK_PACKET",
};

static const char *const protocols[] = {
        [IPPROTO_IP] = "IPPROTO_IP",         [IPPROTO_ICMP] = "IPPROTO_ICMP", [IPPROTO_IGMP] = "IPPROTO_IGMP",
        [IPPROTO_TCP] = "IPPROTO_TCP",       [IPPROTO_UDP] = "IPPROTO_UDP",   [IPPROTO_DCCP] = "IPPROTO_DCCP",
        [IPPROTO_ICMPV6] = "IPPROTO_ICMPV6", [IPPROTO_SCTP] = "IPPROTO_SCTP", [IPPROTO_UDPLITE] = "IPPROTO_UDPLITE",
        [IPPROTO_RAW] = "IPPROTO_RAW",
};

static const char *const actions[] = {
        [TERCEL_ACTION_AUDIT] = "audit",
        [TERCEL_ACTION_DENY] = "deny",
        [TERCEL_ACTION_KILL] = "kill",
};

static const char *const modes[] = {
        [TERCEL_MODE_OFF] = "off",
        [TERCEL_MODE_MONITOR] = "monitor",
        [TERCEL_MODE_ENFORCE] = "enforce",
};

/* The same words as in engine/policy's table, which the plugin shall not have to link for them; a test compares the
 * two. */
static const struct {
	const char *name, *strength;
	const char *act;  /* in a line for people */
	const char *hook; /* of the LSM, where it is not the point's name */
} points[TERCEL_POINTS] = {
        [TERCEL_POINT_EXEC_COMMIT] = {"sched_process_exec", "kill-before-run", "exec", "bprm_committed_creds"},
        [TERCEL_POINT_CONNECT4] = {"cgroup_connect4", "deny", "connect", "socket_connect"},
        [TERCEL_POINT_CONNECT6] = {"cgroup_connect6", "deny", "connect", "socket_connect"},
        [TERCEL_POINT_SENDMSG4] = {"cgroup_sendmsg4", "deny", "send", "socket_sendmsg"},
        [TERCEL_POINT_SENDMSG6] = {"cgroup_sendmsg6", "deny", "send", "socket_sendmsg"},
        [TERCEL_POINT_EXEC_CHECK] = {"bprm_creds_from_file", "deny", "exec", NULL},
        [TERCEL_POINT_FILE_OPEN] = {"file_open", "deny", "open", NULL},
        [TERCEL_POINT_LINK] = {"path_link", "deny", "link", NULL},
        [TERCEL_POINT_SYMLINK] = {"path_symlink", "deny", "symlink", NULL},
        [TERCEL_POINT_UNLINK] = {"path_unlink", "deny", "unlink", NULL},
        [TERCEL_POINT_RMDIR] = {"path_rmdir", "deny", "rmdir", NULL},
        [TERCEL_POINT_RENAME] = {"path_rename", "deny", "rename", NULL},
        [TERCEL_POINT_MKDIR] = {"path_mkdir", "deny", "mkdir", NULL},
        [TERCEL_POINT_MKNOD] = {"path_mknod", "deny", "mknod", NULL},
        [TERCEL_POINT_CHMOD] = {"path_chmod", "deny", "chmod", NULL},
        [TERCEL_POINT_CHOWN] = {"path_chown", "deny", "chown", NULL},
        [TERCEL_POINT_SOCKET] = {"socket_create", "deny", "socket", NULL},
        [TERCEL_POINT_BIND] = {"socket_bind", "deny", "bind", NULL},
        [TERCEL_POINT_LISTEN] = {"socket_listen", "deny", "listen", NULL},
        [TERCEL_POINT_MOUNT] = {"sb_mount", "deny", "mount", NULL},
        [TERCEL_POINT_PTRACE] = {"ptrace_access_check", "deny", "ptrace", NULL},
        [TERCEL_POINT_TRACEME] = {"ptrace_traceme", "deny", "ptrace", NULL},
        [TERCEL_POINT_MODULE_FILE] = {"kernel_read_file", "deny", "load module", NULL},
        [TERCEL_POINT_MODULE_DATA] = {"kernel_load_data", "deny", "load module", NULL},
        [TERCEL_POINT_BPF] = {"bpf", "deny", "bpf", NULL},
        [TERCEL_POINT_KILL] = {"task_kill", "deny", "signal", NULL},
        [TERCEL_POINT_SETUID] = {"task_fix_setuid", "deny", "setuid", NULL},
        [TERCEL_POINT_USERFAULTFD] = {"inode_init_security_anon", "deny", "userfaultfd", NULL},
        [TERCEL_POINT_SYSCALL] = {"sys_enter", "kill", "call", NULL},
        [TERCEL_POINT_SOCKET_CONNECT] = {"socket_connect", "deny", "connect", NULL},
        [TERCEL_POINT_SOCKET_SENDMSG] = {"socket_sendmsg", "deny", "send", NULL},
};

static const char *const uncertain[TERCEL_U_BITS] = {"container", "path",   "args", "ancestors", "process",
                                                     "call",      "socket", "user", "protected"};

const char *name_capability(unsigned number)
{
	/* Tetragon's schema has this one without CAP_. */
	return number == 1 ? "DAC_OVERRIDE" : capability_name(number);
}

const char *name_family(unsigned family)
{
	return from(families, COUNT(families), family);
}

const char *name_socket_type(unsigned type)
{
	return from(socket_types, COUNT(socket_types), type);
}

const char *name_protocol(unsigned protocol)
{
	return from(protocols, COUNT(protocols), protocol);
}

const char *name_action(unsigned action)
{
	const char *name = from(actions, COUNT(actions), action);
	return name ? name : "?";
}

const char *name_mode(unsigned mode)
{
	const char *name = from(modes, COUNT(modes), mode);
	return name ? name : "?";
}

const char *event_point_name(enum tercel_point point)
{
	return (unsigned)point < TERCEL_POINTS ? points[point].name : "?";
}

const char *name_act(unsigned point)
{
	return point < TERCEL_POINTS ? points[point].act : "?";
}

const char *name_hook(unsigned point)
{
	if (point >= TERCEL_POINTS)
		return "?";
	return points[point].hook ? points[point].hook : points[point].name;
}

const char *event_point_strength(enum tercel_point point)
{
	return (unsigned)point < TERCEL_POINTS ? points[point].strength : "?";
}

const char *name_record(unsigned type)
{
	static const char *const names[TERCEL_RECORD_TYPES] = {"exec",   "fork",  "exit", "open",   "connect",
	                                                       "socket", "chdir", "seed", "cgroup", "verdict"};
	return type < TERCEL_RECORD_TYPES ? names[type] : "?";
}

const char *name_uncertain(unsigned bit)
{
	return bit < TERCEL_U_BITS ? uncertain[bit] : "?";
}

const char *name_signal(int number, char *out)
{
	const char *name = sigabbrev_np(number);
	if (name)
		(void)snprintf(out, 16, "SIG%s", name);
	else if (number >= SIGRTMIN && number <= SIGRTMAX)
		(void)snprintf(out, 16, "SIGRTMIN+%d", number - SIGRTMIN);
	else
		(void)snprintf(out, 16, "signal %d", number & 0xff);
	return out;
}

const char *name_errno(int number, char *out)
{
	const char *name = strerrorname_np(number);
	if (name)
		(void)snprintf(out, 24, "%s", name);
	else
		(void)snprintf(out, 24, "errno %d", number);
	return out;
}

/* Days since the epoch to a date of the Gregorian calendar, without the C library's time zones and locks. */
static void civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	days += 719468; /* from 0000-03-01 */
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned doe = (unsigned)(days - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned shifted = (5 * doy + 2) / 153; /* March is 0 */
	*day = doy - (153 * shifted + 2) / 5 + 1;
	*month = shifted < 10 ? shifted + 3 : shifted - 9;
	*year = (int64_t)yoe + era * 400 + (*month <= 2);
}

static void digits_to(char *out, uint64_t value, unsigned digits)
{
	while (digits) {
		out[--digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

int64_t event_realtime(const struct event_context *c, uint64_t boottime)
{
	return (int64_t)(boottime + (uint64_t)c->clock_offset);
}

void add_time(struct buf *b, int64_t realtime_ns, unsigned digits)
{
	const int64_t second = 1000000000, per_day = 86400;
	int64_t seconds = realtime_ns / second, ns = realtime_ns % second;
	if (ns < 0) {
		ns += second;
		seconds--;
	}
	int64_t days = seconds / per_day, of_day = seconds % per_day;
	if (of_day < 0) {
		of_day += per_day;
		days--;
	}
	int64_t year = 0;
	unsigned month = 0, day = 0;
	civil(days, &year, &month, &day);

	char text[] = "0000-00-00T00:00:00.000000000";
	digits_to(text, (uint64_t)year, 4);
	digits_to(text + 5, month, 2);
	digits_to(text + 8, day, 2);
	digits_to(text + 11, (uint64_t)(of_day / 3600), 2);
	digits_to(text + 14, (uint64_t)(of_day / 60 % 60), 2);
	digits_to(text + 17, (uint64_t)(of_day % 60), 2);
	digits_to(text + 20, (uint64_t)ns, 9);
	buf_add(b, text, 20 + digits);
	buf_addc(b, 'Z');
}

void add_address(struct buf *b, uint16_t family, const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN];
	if ((family == AF_INET || family == AF_INET6) && inet_ntop(family, addr, text, sizeof(text)))
		buf_adds(b, text);
}

void add_rule(struct buf *b, const struct event_context *c, const struct tercel_verdict *v)
{
	const struct event_rules *r = NULL;
	for (size_t i = 0; i < c->npolicies && !r; i++)
		if (!c->policies[i].generation || c->policies[i].generation == v->generation)
			r = &c->policies[i];
	if (r && v->rule < r->count)
		buf_adds(b, r->names[v->rule]);
	else
		buf_addf(b, "rule %u", v->rule);
}

const struct process *event_actor(const struct event_context *c, const struct tercel_hdr *r)
{
	if (r->exec_id.tgid)
		return process_table_find(c->processes, r->exec_id);
	return process_table_at(c->processes, r->tgid, r->ts);
}

unsigned event_max_ancestors(const struct event_context *c)
{
	return c->max_ancestors ? c->max_ancestors : EVENT_ANCESTORS_DEFAULT;
}

static struct connect_target socket_view(const struct tercel_connect *k)
{
	struct connect_target t = {.family = k->remote.family, .port = k->remote.port, .path = {"", 0}};
	memcpy(t.addr, k->remote.addr, sizeof(t.addr));
	if (!t.family)
		t.family = k->family;
	return t;
}

struct connect_target event_target(const struct tercel_connect *k)
{
	struct connect_target t = {.path = {"", 0}};
	if (k->addr_len < sizeof(t.family))
		return socket_view(k);
	memcpy(&t.family, k->addr, sizeof(t.family));
	if (t.family == AF_INET && k->addr_len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in;
		memcpy(&in, k->addr, sizeof(in));
		t.port = ntohs(in.sin_port);
		memcpy(t.addr, &in.sin_addr, sizeof(in.sin_addr));
	} else if (t.family == AF_INET6 && k->addr_len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		struct sockaddr_in6 in6 = {0};
		memcpy(&in6, k->addr, offsetof(struct sockaddr_in6, sin6_scope_id));
		t.port = ntohs(in6.sin6_port);
		memcpy(t.addr, &in6.sin6_addr, sizeof(in6.sin6_addr));
	} else if (t.family == AF_UNIX) {
		const char *path = (const char *)k->addr + offsetof(struct sockaddr_un, sun_path);
		size_t len = k->addr_len - offsetof(struct sockaddr_un, sun_path);
		t.path = (struct text){path, len && path[0] ? strnlen(path, len) : len};
	} else if (t.family == AF_INET || t.family == AF_INET6) {
		return socket_view(k); /* too short to hold an address: the call failed */
	}
	return t;
}

int event_write(struct buf *b, struct event_context *c, const struct tercel_hdr *r, enum event_format format)
{
	if (record_check(r, r->size))
		return -EBADMSG;
	int written = format == EVENT_JSON ? event_write_json(b, c, r) : event_write_text(b, c, r);
	return written > 0 && buf_error(b) ? -ENOMEM : written;
}
