/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words: few, with common beginnings and ends, so that comparisons hit often.
 */
#include "world.h"

#define POOL(name, ...)                                          \
	static const char *const name##_words[] = {__VA_ARGS__}; \
	const struct pool pool_##name = {name##_words, sizeof(name##_words) / sizeof(name##_words[0])}

POOL(names, "sh", "bash", "dash", "b", "ba", "python3", "python", "nc", "a", "ab", "abab", "cat");
POOL(paths, "/bin/sh", "/usr/bin/sh", "/usr/bin/bash", "/tmp/a", "/tmp/ab", "/tmp", "/", "/opt/x/nc", "/tmp/a/Ab",
     "/usr", "/etc/shadow", "/usr/lib/python3/dist-packages/django/core/handlers/wsgi.pyc");
POOL(cwds, "/", "/tmp/", "/usr/bin/", "/tmp/a/", "/opt/x/");
POOL(words, "-c", "a", "ab", "sh", "-e /bin/sh", "", "bab", "--x=1", "AB");
#define ABABABAB "abababababababab"
#define A_LOT ABABABAB ABABABAB ABABABAB ABABABAB ABABABAB

/* Of several blocks of bytes, with something to tell at nearly each. */
POOL(long, A_LOT A_LOT "sh", "-c " A_LOT "/bin/sh", "x" A_LOT "A=1" A_LOT);
POOL(env, "A=1", "HOME=/", "LD_PRELOAD=/tmp/a", "", "AB=ab");
POOL(users, "root", "nobody", "a", "ab");
POOL(containers, "host", "0123456789ab", "aaaaaaaaaaaa");
POOL(protocols, "tcp", "udp", "icmp", "raw", "<NA>");
POOL(types, "file", "directory", "ipv4", "ipv6", "unix", "netlink", "pipe", "bpf", "userfaultfd");
POOL(typechars, "f", "d", "4", "6", "u", "n", "p", "b");
POOL(families, "ip", "unix");
POOL(repositories, "nginx", "docker.io/library/nginx", "redis", "a/b");
POOL(spaces, "default", "kube-system", "a");
POOL(v4, "127.0.0.1", "127.0.0.53", "10.0.0.1", "10.0.0.2", "10.1.0.1", "192.168.1.1", "8.8.8.8", "255.255.255.255",
     "0.0.0.0");
POOL(v6, "::1", "fd00::1", "fd00::2", "2001:db8::1", "fe80::1", "::");
POOL(open_flags, "O_RDONLY", "O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_EXCL", "O_TRUNC", "O_DIRECTORY",
     "O_TMPFILE", "O_F_CREATED", "FD_UPPER_LAYER", "FD_LOWER_LAYER", "AT_SYMLINK_FOLLOW", "AT_EMPTY_PATH",
     "AT_REMOVEDIR", "RENAME_NOREPLACE", "RENAME_EXCHANGE", "RENAME_WHITEOUT", "MODULE_INIT_COMPRESSED_FILE", "0", "_",
     "CREAT|O_EXCL");
POOL(modes, "S_IXOTH", "S_IWOTH", "S_IROTH", "S_IXUSR", "S_ISVTX", "S_ISGID", "S_ISUID", "S_IFIFO", "S_IFCHR",
     "S_IFREG", "0", "ISU");
POOL(caps, "CAP_CHOWN", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "SYS_", "CAP_NET", "_",
     "CAP_BPF");
POOL(domains, "AF_UNSPEC", "AF_LOCAL|AF_UNIX", "AF_INET", "AF_INET6", "AF_ROUTE|AF_NETLINK", "AF_PACKET", "AF_ALG",
     "AF_");
POOL(requests, "PTRACE_TRACEME", "PTRACE_ATTACH", "PTRACE_SEIZE", "PTRACE_PEEKTEXT", "PTRACE_");
POOL(commands, "BPF_MAP_CREATE", "BPF_PROG_LOAD", "BPF_PROG_TEST_RUN|BPF_PROG_RUN", "36", "40", "70", "BPF_");
POOL(signals, "0", "SIGHUP", "SIGKILL", "SIGTERM", "SIGSYS", "34", "64", "SIG");
POOL(clones, "CLONE_NEWNS", "CLONE_NEWUSER", "CLONE_NEWNET", "CLONE_NEWCGROUP", "CLONE_", "MFD_CLOEXEC",
     "MFD_ALLOW_SEALING", "O_CLOEXEC", "O_NONE", "0");
POOL(mounts, "RDONLY", "NOSUID", "BIND", "REMOUNT", "MOVE", "PRIVATE", "NOATIME", "0");
POOL(small, "0", "1", "AT_REMOVEDIR", "SUCCESS", "EINPROGRESS", "ENOENT", "E", "read", "write", "<", ">");
POOL(texts, "process", "net", "file", "other", "signal", "user", "a", "/tmp/a", "0", "root");

const uint16_t world_ports[7] = {22, 80, 443, 4444, 65535, 1, 8080};

const char *pool_pick(const struct pool *p, struct random *r)
{
	return p->words[random_below(r, p->n)];
}

uint32_t random_below(struct random *r, uint32_t n)
{
	/* splitmix64 */
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ (z >> 31)) >> 32) % n;
}

/* ---- names of bits ------------------------------------------------------------------------------------------------
 */

struct named {
	unsigned int bit;
	const char *name;
};

#define NAME_OF(table, b)                                                       \
	do {                                                                    \
		for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) \
			if ((table)[i].bit == (b))                              \
				return (table)[i].name;                         \
		return NULL;                                                    \
	} while (0)

static const char *open_flag(unsigned int bit)
{
	static const struct named names[] = {{0, "O_RDONLY"},        {1, "O_WRONLY"},        {2, "O_CREAT"},
	                                     {3, "O_APPEND"},        {5, "O_EXCL"},          {8, "O_TRUNC"},
	                                     {10, "O_DIRECTORY"},    {13, "O_TMPFILE"},      {14, "O_F_CREATED"},
	                                     {15, "FD_UPPER_LAYER"}, {16, "FD_LOWER_LAYER"}, {17, "O_RDWR"}};

	NAME_OF(names, bit);
}

static const char *link_flag(unsigned int bit)
{
	static const struct named names[] = {{10, "AT_SYMLINK_FOLLOW"}, {12, "AT_EMPTY_PATH"}};

	NAME_OF(names, bit);
}

static const char *rename_flag(unsigned int bit)
{
	static const struct named names[] = {{0, "RENAME_NOREPLACE"}, {1, "RENAME_EXCHANGE"}, {2, "RENAME_WHITEOUT"}};

	NAME_OF(names, bit);
}

static const char *module_flag(unsigned int bit)
{
	static const struct named names[] = {{0, "MODULE_INIT_IGNORE_MODVERSIONS"}, {2, "MODULE_INIT_COMPRESSED_FILE"}};

	NAME_OF(names, bit);
}

static const char *mount_flag(unsigned int bit)
{
	static const struct named names[] = {{0, "RDONLY"}, {1, "NOSUID"}, {5, "REMOUNT"}, {10, "NOATIME"},
	                                     {12, "BIND"},  {13, "MOVE"},  {18, "PRIVATE"}};

	NAME_OF(names, bit);
}

static const char *clone_flag(unsigned int bit)
{
	static const struct named names[] = {
	        {4, "CLONE_NEWNET"}, {5, "CLONE_NEWNS"}, {20, "CLONE_NEWUSER"}, {28, "CLONE_NEWCGROUP"}};

	NAME_OF(names, bit);
}

static const char *memfd_flag(unsigned int bit)
{
	static const struct named names[] = {{32, "MFD_CLOEXEC"}, {33, "MFD_ALLOW_SEALING"}, {34, "MFD_HUGETLB"}};

	NAME_OF(names, bit);
}

static const char *dup_flag(unsigned int bit)
{
	static const struct named names[] = {{40, "O_CLOEXEC"}, {41, "O_NONE"}};

	NAME_OF(names, bit);
}

const char *world_flag_name(const struct world *w, unsigned int bit)
{
	switch (w->event) {
	case MATCH_EVENT_OPEN:
	case MATCH_EVENT_OPENAT:
	case MATCH_EVENT_OPENAT2:
	case MATCH_EVENT_OPEN_BY_HANDLE_AT:
		return open_flag(bit);
	case MATCH_EVENT_LINKAT:
		return link_flag(bit);
	case MATCH_EVENT_RENAMEAT2:
		return rename_flag(bit);
	case MATCH_EVENT_FINIT_MODULE:
		return module_flag(bit);
	case MATCH_EVENT_MOUNT:
		return mount_flag(bit);
	case MATCH_EVENT_UNSHARE:
	case MATCH_EVENT_SETNS:
		return clone_flag(bit);
	case MATCH_EVENT_MEMFD_CREATE:
		return memfd_flag(bit);
	case MATCH_EVENT_DUP3:
		return dup_flag(bit);
	default:
		return NULL;
	}
}

const char *world_mode_name(unsigned int bit)
{
	static const struct named names[] = {{0, "S_IXOTH"},  {1, "S_IWOTH"},  {2, "S_IROTH"},  {6, "S_IXUSR"},
	                                     {9, "S_ISVTX"},  {10, "S_ISGID"}, {11, "S_ISUID"}, {12, "S_IFIFO"},
	                                     {13, "S_IFCHR"}, {15, "S_IFREG"}};

	NAME_OF(names, bit);
}

const char *world_cap_name(unsigned int bit)
{
	static const struct named names[] = {{0, "CAP_CHOWN"},       {12, "CAP_NET_ADMIN"}, {13, "CAP_NET_RAW"},
	                                     {19, "CAP_SYS_PTRACE"}, {21, "CAP_SYS_ADMIN"}, {39, "CAP_BPF"}};

	NAME_OF(names, bit);
}

static const char *family_kind(unsigned int kind)
{
	static const struct named names[] = {{0, "AF_UNSPEC"}, {1, "AF_LOCAL|AF_UNIX"},     {2, "AF_INET"},
	                                     {10, "AF_INET6"}, {16, "AF_ROUTE|AF_NETLINK"}, {17, "AF_PACKET"},
	                                     {38, "AF_ALG"}};

	NAME_OF(names, kind);
}

static const char *request_kind(unsigned int kind)
{
	static const struct named names[] = {{1, "PTRACE_TRACEME"}, {11, "PTRACE_ATTACH"}, {20, "PTRACE_SEIZE"}};

	NAME_OF(names, kind);
}

static const char *command_kind(unsigned int kind)
{
	static const struct named names[] = {{0, "BPF_MAP_CREATE"},
	                                     {5, "BPF_PROG_LOAD"},
	                                     {10, "BPF_PROG_TEST_RUN|BPF_PROG_RUN"},
	                                     {36, "36"},
	                                     {40, "40"},
	                                     {70, "70"}};

	NAME_OF(names, kind);
}

static const char *signal_kind(unsigned int kind)
{
	static const struct named names[] = {{0, "0"},       {1, "SIGHUP"}, {9, "SIGKILL"}, {15, "SIGTERM"},
	                                     {31, "SIGSYS"}, {34, "34"},    {64, "64"}};

	NAME_OF(names, kind);
}

const char *world_kind_name(const struct world *w, unsigned int kind)
{
	switch (w->point) {
	case TERCEL_POINT_SOCKET:
		return family_kind(kind);
	case TERCEL_POINT_PTRACE:
	case TERCEL_POINT_TRACEME:
		return request_kind(kind);
	case TERCEL_POINT_BPF:
		return command_kind(kind);
	case TERCEL_POINT_KILL:
		return signal_kind(kind);
	default:
		return NULL;
	}
}

const char *world_event_name(enum match_event e)
{
	static const char *const names[MATCH_EVENTS] = {"execve",
	                                                "execveat",
	                                                "connect",
	                                                "sendto",
	                                                "sendmsg",
	                                                "sendmmsg",
	                                                "open",
	                                                "openat",
	                                                "openat2",
	                                                "creat",
	                                                "open_by_handle_at",
	                                                "link",
	                                                "linkat",
	                                                "symlink",
	                                                "symlinkat",
	                                                "unlink",
	                                                "unlinkat",
	                                                "rmdir",
	                                                "rename",
	                                                "renameat",
	                                                "renameat2",
	                                                "mkdir",
	                                                "mkdirat",
	                                                "mknod",
	                                                "mknodat",
	                                                "chmod",
	                                                "fchmod",
	                                                "fchmodat",
	                                                "chown",
	                                                "lchown",
	                                                "fchown",
	                                                "fchownat",
	                                                "socket",
	                                                "bind",
	                                                "listen",
	                                                "mount",
	                                                "ptrace",
	                                                "init_module",
	                                                "finit_module",
	                                                "bpf",
	                                                "kill",
	                                                "tkill",
	                                                "tgkill",
	                                                "setuid",
	                                                "setresuid",
	                                                "userfaultfd",
	                                                "dup",
	                                                "dup2",
	                                                "dup3",
	                                                "setns",
	                                                "unshare",
	                                                "memfd_create"};

	return names[e];
}
