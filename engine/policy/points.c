/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the decision points. Each was read in libsinsp 0.25 (parsers.cpp, event.cpp, sinsp_filtercheck_*.cpp) and
 * in the tables of libscap: a value that libsinsp keeps from an earlier event than the kernel does, or that it asks the
 * machine for, is lost here. Falco judges an event after its effect on its own tables: of a setuid it shows the new
 * user, of a bind the bound socket.
 *
 * A row is looked for in the point's own, in the common ones and in those of every point; then fd.* and evt.arg.* are
 * answered by the event types that have a descriptor or a parameter of that name.
 */
#include "policy/points.h"

#include <string.h>

#include "compat/capabilities.h"

#define E(event) (1ULL << MATCH_EVENT_##event)
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- rows -------------------------------------------------------------------------------------------------------- */

#define ROW(f, h) .field = FIELD_##f, .how = POINT_##h
#define VALUE(f, d) {ROW(f, VALUE), .domain = (d), .always = true}
#define VALUE_BUT(f, d, u) {ROW(f, VALUE), .domain = (d), .always = true, .uncertain = (u)}
#define MAYBE_BUT(f, d, u) {ROW(f, VALUE), .domain = (d), .uncertain = (u)}
#define NAMED(f, d, u) {ROW(f, VALUE), .domain = (d), .always = true, .note = WEAK, .uncertain = (u)}
#define PATH(f, d, u) {ROW(f, VALUE), .domain = (d), .always = true, .note = RESOLVED, .uncertain = (u)}
#define PATH_OF(f, e, d, u) \
	{ROW(f, VALUE), .events = (e), .domain = (d), .always = true, .note = RESOLVED, .uncertain = (u)}
#define PART(f, p, a, u) \
	{ROW(f, VALUE), .domain = MATCH_PATH, .part = (p), .always = (a), .note = RESOLVED, .uncertain = (u)}
#define ANCESTOR(f, d, l, s, n, u) \
	{ROW(f, VALUE), .domain = (d), .level = (l), .self = (s), .note = (n), .uncertain = (u)}
#define BOOL(f, b, u) {ROW(f, BIT), .bit = (b), .uncertain = (u)}
#define CHOICE(f, d, n, p, u) \
	{ROW(f, CHOICE), .domain = (d), .always = true, .names = (n), .possible = (p), .uncertain = (u)}
#define SOME_CHOICE(f, d, n, p, u) \
	{ROW(f, CHOICE), .domain = (d), .names = (n), .possible = (p), .beyond = true, .uncertain = (u)}
#define OPEN_CHOICE(f, n, u)                                                          \
	{ROW(f, CHOICE),      .domain = MATCH_FD_TYPE, .always = true,  .names = (n), \
	 .possible = SOCKETS, .beyond = true,          .uncertain = (u)}
#define EITHER(f, d, a, r) {ROW(f, EITHER_END), .domain = (d), .always = (a), .reason = (r)}
#define RANGE(f, l, h) {ROW(f, RANGE), .low = (l), .high = (h), .note = COUNTERFACTUAL}
#define FIXED(f, v) {ROW(f, RANGE), .low = (v), .high = (v)}
#define TEXT(f, t) {ROW(f, TEXT), .text = (t)}
#define RESULT(f, t) {ROW(f, TEXT), .text = (t), .note = COUNTERFACTUAL}
#define LOST(f, r) {ROW(f, LOST), .reason = (r)}
#define LOST_OF(f, e, r) {ROW(f, LOST), .events = (e), .reason = (r)}
#define MISSING(f) {ROW(f, MISSING)}
#define CAPS(f, d, u) {ROW(f, SET), .domain = (d), .names = capability_name, .joint = ' ', .text = "", .uncertain = (u)}

#define ARG(a, h) .field = FIELD_EVT_ARG, .arg = (a), .how = POINT_##h
#define ARG_PATH(a, e, d, u) \
	{ARG(a, VALUE), .events = (e), .domain = (d), .always = true, .note = RESOLVED, .uncertain = (u)}
#define ARG_VALUE(a, e, d, u) {ARG(a, VALUE), .events = (e), .domain = (d), .always = true, .uncertain = (u)}
#define ARG_SET(a, e, d, n, u) \
	{ARG(a, SET), .events = (e), .domain = (d), .names = (n), .joint = '|', .text = "0", .uncertain = (u)}
#define ARG_CHOICE(a, e, n, p, u)                                                   \
	{ARG(a, CHOICE), .events = (e),   .domain = MATCH_ARG_KIND, .always = true, \
	 .names = (n),   .possible = (p), .uncertain = (u)}
#define ARG_OPEN_CHOICE(a, e, n, u)                                                \
	{ARG(a, CHOICE), .events = (e),  .domain = MATCH_ARG_KIND, .always = true, \
	 .names = (n),   .beyond = true, .uncertain = (u)}
#define ARG_TEXT(a, e, t) {ARG(a, TEXT), .events = (e), .text = (t)}
#define ARG_RESULT(e) {ARG("res", TEXT), .events = (e), .text = "0", .note = COUNTERFACTUAL}

#define WEAK "weak-identity"
#define RESOLVED "path-resolved"
#define COUNTERFACTUAL "counterfactual"

/* ---- why not ----------------------------------------------------------------------------------------------------- */

#define LOCAL_END "the local address and port are not known before the connection is made"
#define INTERFACES \
	"Falco decides which end is remote by its list of local interface addresses, which the kernel does not have"
#define RESOLVER "Falco compares host names by looking them up itself, with answers that the kernel does not have"
#define SERVICES "Falco prints a port as a number or as the name of a service, as it was started"
#define SERVER_GUESS                                                                                                \
	"Falco takes a process that is bound to the peer's port for the server and swaps the ends, and the kernel " \
	"keeps no list of a process's ports"
#define FIRST_ADDRESS                                                                                                \
	"Falco keeps the first address that a socket has sent to, and whether this is the first is not known here; " \
	"where there is a BPF LSM, socket_sendmsg does"
#define MAPPED_ONCE                                                                                        \
	"an IPv6 socket that was connected to an IPv4 address stays one of IPv4 to Falco, and whether it " \
	"was is not known"
#define NAME_HISTORY "it asks whether Falco's own name of the descriptor changed, and the kernel has no such names"
#define DESCRIPTORS "it is of Falco's table of descriptors, in which a descriptor stays as it was made or last used"
#define FILE_NUMBERS "the numbers of files and devices are not in the matcher"
#define COPY_UP "a file is copied to the upper layer by the open itself, after this hook"
#define REQUESTED "the hooks see the file, not the path that was asked for"
#define JOINED "Falco puts several values into one text; each of them can be compared by itself"
#define EXISTS_ANYWAY "it has no value here, but Falco says that it exists"

#define TIMES "the time of the event is that of the call's end, which is yet to come"
#define SUMS "it is made for sums, and whether it has a value depends on Falco's table of descriptors"
#define COMMAND_LINE "the argument strings cannot be read at this hook; the decision at exec commit has them"
#define CREDENTIALS \
	"set-user-id bits and file capabilities are not applied yet; the decision at exec commit has the final ones"
#define ENVIRONMENT "the environment is only at hand when a program starts"
#define LEADERS "Falco looks for the leader among the ancestors in its own table of processes"
#define ANCESTOR_TEXTS "of ancestors only names, executables and command lines are kept"
#define ANCESTOR_IDS "ids of ancestors are not kept but the parent's; compare proc.ppid"
#define COUNTED "the arguments are not counted; compare proc.args or proc.cmdline"
#define GROUP_IDS "process groups are kept by their number in the process's own pid namespace; compare proc.vpgid"
#define MEASURED "it is measured while the event is made, and is another a moment before"
#define EXECUTABLE_TIMES "numbers and times of executables are not in the matcher"
#define THREADS "ids and states of single threads are not in the matcher"
#define USER_RECORDS "of the user database only the names of users are kept"
#define STARTED "Falco counts from the fork, the kernel from the exec, which is now"
#define SESSION                                                                                                    \
	"Falco has what setsid returned, or of older processes the number in /proc, and hands it on to children; " \
	"the kernel has the session's number now"
#define DURATION_MORE                                                                                                 \
	"Falco counts up to the end of the call, which the hook comes before; that the process is younger than some " \
	"time is never sure"
#define CONTAINERS "it is answered in user space, once for each container; what changes with time is not"
#define OWN_FIELDS "it is made in user space, from records that come after the decision"

#define DESCRIPTOR_TEXT "Falco prints a descriptor with the name that its own table has for it"
#define NUMBER_TEXT "Falco compares the number's text, and the matcher has no texts of this parameter"
#define PROCESS_TEXT "Falco prints the name that its own table has for the process"
#define ID_TEXT "Falco prints the name that its user database has for the id; compare user.name"
#define DATA "what is sent or loaded is not read"
#define NUMBERED "parameters are decided by name, not by number"
#define SINGLE "single arguments and variables are not decided; compare the whole text"
#define RAW "raw parameters are not decided; compare evt.arg of the same name"
#define AS_PROCESS "the fields of proc and user tell the same of an exec and are decided"
#define BUGGY_FLAGS "Falco prints one flag of this call as a number, another under the first one's name"

/* ---- when it is not known for an act ------------------------------------------------------------------------------
 */

#define OF_RENAMED "of a thread, once a thread of its process has set its name"
#define OF_CLONED "of a thread, and of a process that was cloned and has made no exec since"
#define OF_CUT "of arguments that are longer than 4096 bytes or cannot be read"
#define OF_GONE "of a file without a name (deleted, memfd), or with a path that is longer than 4096 bytes"
#define OF_EXECVEAT "of execveat with a descriptor and no path"
#define OF_CREDENTIALS \
	"of a process that was cloned and has made no exec since, and of one that has called setuid or the like"
#define OF_CAPABILITIES OF_CREDENTIALS ", capset, unshare or setns"
#define OF_NAMES                                                                                                      \
	"in containers and user namespaces, which have user databases of their own, of names of more than 32 bytes, " \
	"and of users that /etc/passwd lacks where there are other sources"
#define OF_MOVED "of a thread, once its process was moved to another cgroup"
#define OF_YOUNG "of threads, of a process that has made no exec, and of one that ran before the sensor did"
#define OF_PATH "of a path that is longer than 4096 bytes, leads out of the process's root or has no name any more"
#define OF_EXCHANGE OF_PATH ", and of an exchange of two files, for which the hook runs with either name first"
#define OF_OTHER_CALLS "of an act that is no system call of this name (io_uring, the kernel itself)"
#define OF_SOCKETS                                                                                         \
	"of a socket whose peer a program of others may change yet (cgroup hooks of cgroups further up), " \
	"and of one that has received before it connects"
#define OF_IPV6 "of an IPv6 socket, which sends to IPv4 addresses, too"
#define OF_SENT                                                                                                       \
	"of what is sent on a socket that is bound or has sent or received, of which Falco keeps the first address, " \
	"of a datagram without an address, and of an IPv4 address in IPv6 form"
#define OF_PEER "of the unspecified address, and of a socket that has received before it connects"
#define OF_OTHER_FAMILIES "of other kinds of sockets, and of AF_UNSPEC addresses"
#define OF_OTHER_KINDS "of other kinds of sockets"
#define OF_BOUND "of a socket that was bound to a port of its own choice"
#define OF_UNBOUND "of a socket that was not bound to a port of its own choice"
#define OF_DIRFD "unless the call has AT_FDCWD, for which Falco's text is empty"

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const char *name_of(const char *const *names, size_t n, unsigned int bit)
{
	if (bit >= n)
		return NULL;
	return names[bit] ? names[bit] : "";
}

static const char *const event_names[] = {
        [MATCH_EVENT_EXECVE] = "execve",
        [MATCH_EVENT_EXECVEAT] = "execveat",
        [MATCH_EVENT_CONNECT] = "connect",
        [MATCH_EVENT_SENDTO] = "sendto",
        [MATCH_EVENT_SENDMSG] = "sendmsg",
        [MATCH_EVENT_SENDMMSG] = "sendmmsg",
        [MATCH_EVENT_OPEN] = "open",
        [MATCH_EVENT_OPENAT] = "openat",
        [MATCH_EVENT_OPENAT2] = "openat2",
        [MATCH_EVENT_CREAT] = "creat",
        [MATCH_EVENT_OPEN_BY_HANDLE_AT] = "open_by_handle_at",
        [MATCH_EVENT_LINK] = "link",
        [MATCH_EVENT_LINKAT] = "linkat",
        [MATCH_EVENT_SYMLINK] = "symlink",
        [MATCH_EVENT_SYMLINKAT] = "symlinkat",
        [MATCH_EVENT_UNLINK] = "unlink",
        [MATCH_EVENT_UNLINKAT] = "unlinkat",
        [MATCH_EVENT_RMDIR] = "rmdir",
        [MATCH_EVENT_RENAME] = "rename",
        [MATCH_EVENT_RENAMEAT] = "renameat",
        [MATCH_EVENT_RENAMEAT2] = "renameat2",
        [MATCH_EVENT_MKDIR] = "mkdir",
        [MATCH_EVENT_MKDIRAT] = "mkdirat",
        [MATCH_EVENT_MKNOD] = "mknod",
        [MATCH_EVENT_MKNODAT] = "mknodat",
        [MATCH_EVENT_CHMOD] = "chmod",
        [MATCH_EVENT_FCHMOD] = "fchmod",
        [MATCH_EVENT_FCHMODAT] = "fchmodat",
        [MATCH_EVENT_CHOWN] = "chown",
        [MATCH_EVENT_LCHOWN] = "lchown",
        [MATCH_EVENT_FCHOWN] = "fchown",
        [MATCH_EVENT_FCHOWNAT] = "fchownat",
        [MATCH_EVENT_SOCKET] = "socket",
        [MATCH_EVENT_BIND] = "bind",
        [MATCH_EVENT_LISTEN] = "listen",
        [MATCH_EVENT_MOUNT] = "mount",
        [MATCH_EVENT_PTRACE] = "ptrace",
        [MATCH_EVENT_INIT_MODULE] = "init_module",
        [MATCH_EVENT_FINIT_MODULE] = "finit_module",
        [MATCH_EVENT_BPF] = "bpf",
        [MATCH_EVENT_KILL] = "kill",
        [MATCH_EVENT_TKILL] = "tkill",
        [MATCH_EVENT_TGKILL] = "tgkill",
        [MATCH_EVENT_SETUID] = "setuid",
        [MATCH_EVENT_SETRESUID] = "setresuid",
        [MATCH_EVENT_USERFAULTFD] = "userfaultfd",
        [MATCH_EVENT_DUP] = "dup",
        [MATCH_EVENT_DUP2] = "dup2",
        [MATCH_EVENT_DUP3] = "dup3",
        [MATCH_EVENT_SETNS] = "setns",
        [MATCH_EVENT_UNSHARE] = "unshare",
        [MATCH_EVENT_MEMFD_CREATE] = "memfd_create",
};

_Static_assert(COUNT_OF(event_names) == MATCH_EVENTS, "one name each");

static const char *event_name(unsigned int bit)
{
	return name_of(event_names, COUNT_OF(event_names), bit);
}

static const char *type_name(unsigned int bit)
{
	static const char *const names[MATCH_FD_TYPES] = {
	        [MATCH_FD_FILE] = "file", [MATCH_FD_DIRECTORY] = "directory", [MATCH_FD_IPV4] = "ipv4",
	        [MATCH_FD_IPV6] = "ipv6", [MATCH_FD_UNIX] = "unix",
	};

	return name_of(names, COUNT_OF(names), bit);
}

static const char *typechar_name(unsigned int bit)
{
	static const char *const names[MATCH_FD_TYPES] = {
	        [MATCH_FD_FILE] = "f", [MATCH_FD_DIRECTORY] = "d", [MATCH_FD_IPV4] = "4",
	        [MATCH_FD_IPV6] = "6", [MATCH_FD_UNIX] = "u",
	};

	return name_of(names, COUNT_OF(names), bit);
}

static const char *sockfamily_name(unsigned int bit)
{
	static const char *const names[MATCH_FD_TYPES] = {
	        [MATCH_FD_IPV4] = "ip",
	        [MATCH_FD_IPV6] = "ip",
	        [MATCH_FD_UNIX] = "unix",
	};

	return name_of(names, COUNT_OF(names), bit);
}

static const char *l4proto_name(unsigned int bit)
{
	static const char *const names[MATCH_L4PROTOS] = {
	        [MATCH_L4_TCP] = "tcp", [MATCH_L4_UDP] = "udp",   [MATCH_L4_ICMP] = "icmp",
	        [MATCH_L4_RAW] = "raw", [MATCH_L4_NONE] = "<NA>",
	};

	return name_of(names, COUNT_OF(names), bit);
}

/*
 * Falco's bits, as its driver makes them of an open's flags: 0 and 1 for read and write alone, O_TMPFILE for
 * O_DIRECTORY as well, O_SYNC for O_DSYNC as well and the other way round. Reading and writing both is one name: bit
 * 17, and then neither 0 nor 1.
 */
static const char *open_flag_name(unsigned int bit)
{
	static const char *const names[] = {
	        "O_RDONLY",   "O_WRONLY",  "O_CREAT",     "O_APPEND",       "O_DSYNC",        "O_EXCL",
	        "O_NONBLOCK", "O_SYNC",    "O_TRUNC",     "O_DIRECT",       "O_DIRECTORY",    "O_LARGEFILE",
	        "O_CLOEXEC",  "O_TMPFILE", "O_F_CREATED", "FD_UPPER_LAYER", "FD_LOWER_LAYER", "O_RDWR",
	};

	return name_of(names, COUNT_OF(names), bit);
}

#define LAYER_FLAGS (1ULL << 15 | 1ULL << 16)

/* The permissions of chmod, whose S_IS* are Falco's bits 9 to 11 as well. */
static const char *chmod_mode_name(unsigned int bit)
{
	static const char *const names[] = {"S_IXOTH", "S_IWOTH", "S_IROTH", "S_IXGRP", "S_IWGRP", "S_IRGRP",
	                                    "S_IXUSR", "S_IWUSR", "S_IRUSR", "S_ISVTX", "S_ISGID", "S_ISUID"};

	return name_of(names, COUNT_OF(names), bit);
}

/*
 * Of mknod also the kind of file, by what Falco prints: a fifo bit 12, a character device 13, a block device 13, too, a
 * regular file 15 (also if no kind was asked for), a socket 15, too. Only without any permission bit a block device is
 * 14 besides, and a socket 16.
 */
static const char *mknod_mode_name(unsigned int bit)
{
	static const char *const kinds[] = {"S_IFIFO", "S_IFCHR", "S_IFBLK", "S_IFREG", "S_IFSOCK"};

	return bit < 12 ? chmod_mode_name(bit) : name_of(kinds, COUNT_OF(kinds), bit - 12);
}

/* CLONE_* in Falco's bits. */
static const char *clone_flag_name(unsigned int bit)
{
	static const char *const names[] = {
	        [0] = "CLONE_FILES",         [1] = "CLONE_FS",         [2] = "CLONE_IO",
	        [3] = "CLONE_NEWIPC",        [4] = "CLONE_NEWNET",     [5] = "CLONE_NEWNS",
	        [6] = "CLONE_NEWPID",        [7] = "CLONE_NEWUTS",     [8] = "CLONE_PARENT",
	        [9] = "CLONE_PARENT_SETTID", [10] = "CLONE_PTRACE",    [11] = "CLONE_SIGHAND",
	        [12] = "CLONE_SYSVSEM",      [13] = "CLONE_THREAD",    [14] = "CLONE_UNTRACED",
	        [15] = "CLONE_VM",           [20] = "CLONE_NEWUSER",   [23] = "CLONE_CHILD_CLEARTID",
	        [24] = "CLONE_CHILD_SETTID", [25] = "CLONE_SETTLS",    [26] = "CLONE_STOPPED",
	        [27] = "CLONE_VFORK",        [28] = "CLONE_NEWCGROUP",
	};

	return name_of(names, COUNT_OF(names), bit);
}

/* Those of the calls of the system call point: CLONE_* as above, memfd_create's from bit 32 on, dup3's from 40 on. */
static const char *syscall_flag_name(unsigned int bit)
{
	static const char *const names[] = {
	        [0] = "MFD_CLOEXEC", [1] = "MFD_ALLOW_SEALING", [2] = "MFD_HUGETLB", [8] = "O_CLOEXEC", [9] = "O_NONE"};

	if (bit < 32)
		return clone_flag_name(bit) ? clone_flag_name(bit) : "";
	return name_of(names, COUNT_OF(names), bit - 32);
}

/* MS_*, which Falco's bits are. */
static const char *mount_flag_name(unsigned int bit)
{
	static const char *const names[] = {
	        "RDONLY",   "NOSUID",    "NODEV",     "NOEXEC",      "SYNCHRONOUS", "REMOUNT", "MANDLOCK",
	        "DIRSYNC",  "",          "",          "NOATIME",     "NODIRATIME",  "BIND",    "MOVE",
	        "REC",      "SILENT",    "POSIXACL",  "UNBINDABLE",  "PRIVATE",     "SLAVE",   "SHARED",
	        "RELATIME", "KERNMOUNT", "I_VERSION", "STRICTATIME", "LAZYTIME",    "",        "",
	        "NOSEC",    "BORN",      "ACTIVE",    "NOUSER",
	};

	return name_of(names, COUNT_OF(names), bit);
}

static const char *link_flag_name(unsigned int bit)
{
	static const char *const names[] = {[10] = "AT_SYMLINK_FOLLOW", [12] = "AT_EMPTY_PATH"};

	return name_of(names, COUNT_OF(names), bit);
}

static const char *rename_flag_name(unsigned int bit)
{
	static const char *const names[] = {"RENAME_NOREPLACE", "RENAME_EXCHANGE", "RENAME_WHITEOUT"};

	return name_of(names, COUNT_OF(names), bit);
}

static const char *module_flag_name(unsigned int bit)
{
	static const char *const names[] = {"MODULE_INIT_IGNORE_MODVERSIONS", "MODULE_INIT_IGNORE_VERMAGIC",
	                                    "MODULE_INIT_COMPRESSED_FILE"};

	return name_of(names, COUNT_OF(names), bit);
}

/* By the number of the address family. Those that Falco does not know (27, 28, from 40 on) are its AF_UNSPEC: bit 0. */
static const char *family_name(unsigned int bit)
{
	static const char *const names[] = {
	        "AF_UNSPEC",
	        "AF_LOCAL|AF_UNIX",
	        "AF_INET",
	        "AF_AX25",
	        "AF_IPX",
	        "AF_APPLETALK",
	        "AF_NETROM",
	        "AF_BRIDGE",
	        "AF_ATMPVC",
	        "AF_X25",
	        "AF_INET6",
	        "AF_ROSE",
	        "AF_DECnet",
	        "AF_NETBEUI",
	        "AF_SECURITY",
	        "AF_KEY",
	        "AF_ROUTE|AF_NETLINK",
	        "AF_PACKET",
	        "AF_ASH",
	        "AF_ECONET",
	        "AF_ATMSVC",
	        "AF_RDS",
	        "AF_SNA",
	        "AF_IRDA",
	        "AF_PPPOX",
	        "AF_WANPIPE",
	        "AF_LLC",
	        "",
	        "",
	        "AF_CAN",
	        "AF_TIPC",
	        "AF_BLUETOOTH",
	        "AF_IUCV",
	        "AF_RXRPC",
	        "AF_ISDN",
	        "AF_PHONET",
	        "AF_IEEE802154",
	        "AF_CAIF",
	        "AF_ALG",
	        "AF_NFC",
	};

	return name_of(names, COUNT_OF(names), bit);
}

/* By Falco's numbers of requests, which are not the kernel's. */
enum { REQUEST_TRACEME = 1, REQUEST_ATTACH = 11, REQUEST_SEIZE = 20 };

static const char *request_name(unsigned int bit)
{
	static const char *const names[] = {
	        "PTRACE_UNKNOWN",
	        "PTRACE_TRACEME",
	        "PTRACE_PEEKTEXT",
	        "PTRACE_PEEKDATA",
	        "PTRACE_PEEKUSR",
	        "PTRACE_POKETEXT",
	        "PTRACE_POKEDATA",
	        "PTRACE_POKEUSR",
	        "PTRACE_CONT",
	        "PTRACE_KILL",
	        "PTRACE_SINGLESTEP",
	        "PTRACE_ATTACH",
	        "PTRACE_DETACH",
	        "PTRACE_SYSCALL",
	        "PTRACE_SETOPTIONS",
	        "PTRACE_GETEVENTMSG",
	        "PTRACE_GETSIGINFO",
	        "PTRACE_SETSIGINFO",
	        "PTRACE_GETREGSET",
	        "PTRACE_SETREGSET",
	        "PTRACE_SEIZE",
	        "PTRACE_INTERRUPT",
	        "PTRACE_LISTEN",
	        "PTRACE_PEEKSIGINFO",
	        "PTRACE_GETSIGMASK",
	        "PTRACE_SETSIGMASK",
	        "PTRACE_GETREGS",
	        "PTRACE_SETREGS",
	        "PTRACE_GETFPREGS",
	        "PTRACE_SETFPREGS",
	        "PTRACE_GETFPXREGS",
	        "PTRACE_SETFPXREGS",
	        "PTRACE_OLDSETOPTIONS",
	        "PTRACE_GET_THREAD_AREA",
	        "PTRACE_SET_THREAD_AREA",
	        "PTRACE_ARCH_PRCTL",
	        "PTRACE_SYSEMU",
	        "PTRACE_SYSEMU_SINGLESTEP",
	        "PTRACE_SINGLEBLOCK",
	};

	return name_of(names, COUNT_OF(names), bit);
}

#define REQUESTS (1ULL << REQUEST_ATTACH | 1ULL << REQUEST_SEIZE)

/* What has no name prints as a number. */
static const char *number_text(unsigned int bit)
{
	static const char *const numbers[64] = {
	        "0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",  "8",  "9",  "10", "11", "12", "13", "14", "15",
	        "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
	        "32", "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46", "47",
	        "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63",
	};

	return bit < COUNT_OF(numbers) ? numbers[bit] : NULL;
}

/* By the number of the command; those that Falco does not know print as numbers. */
static const char *bpf_command_name(unsigned int bit)
{
	static const char *const names[] = {
	        "BPF_MAP_CREATE",
	        "BPF_MAP_LOOKUP_ELEM",
	        "BPF_MAP_UPDATE_ELEM",
	        "BPF_MAP_DELETE_ELEM",
	        "BPF_MAP_GET_NEXT_KEY",
	        "BPF_PROG_LOAD",
	        "BPF_OBJ_PIN",
	        "BPF_OBJ_GET",
	        "BPF_PROG_ATTACH",
	        "BPF_PROG_DETACH",
	        "BPF_PROG_TEST_RUN|BPF_PROG_RUN",
	        "BPF_PROG_GET_NEXT_ID",
	        "BPF_MAP_GET_NEXT_ID",
	        "BPF_PROG_GET_FD_BY_ID",
	        "BPF_MAP_GET_FD_BY_ID",
	        "BPF_OBJ_GET_INFO_BY_FD",
	        "BPF_PROG_QUERY",
	        "BPF_RAW_TRACEPOINT_OPEN",
	        "BPF_BTF_LOAD",
	        "BPF_BTF_GET_FD_BY_ID",
	        "BPF_TASK_FD_QUERY",
	        "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
	        "BPF_MAP_FREEZE",
	        "BPF_BTF_GET_NEXT_ID",
	        "BPF_MAP_LOOKUP_BATCH",
	        "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
	        "BPF_MAP_UPDATE_BATCH",
	        "BPF_MAP_DELETE_BATCH",
	        "BPF_LINK_CREATE",
	        "BPF_LINK_UPDATE",
	        "BPF_LINK_GET_FD_BY_ID",
	        "BPF_LINK_GET_NEXT_ID",
	        "BPF_ENABLE_STATS",
	        "BPF_ITER_CREATE",
	        "BPF_LINK_DETACH",
	        "BPF_PROG_BIND_MAP",
	};

	return bit < COUNT_OF(names) ? names[bit] : number_text(bit);
}

/* By the number of the signal, as on x86 and ARM; 64 has no bit. Real-time signals print as numbers. */
static const char *signal_name(unsigned int bit)
{
	static const char *const names[] = {
	        "0",         "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
	        "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
	        "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
	        "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
	};

	return bit < COUNT_OF(names) ? names[bit] : number_text(bit);
}

/* ---- every point ------------------------------------------------------------------------------------------------- */

#define OPENS (E(OPEN) | E(OPENAT) | E(OPENAT2) | E(OPEN_BY_HANDLE_AT))
#define SENDS (E(SENDTO) | E(SENDMSG) | E(SENDMMSG))
#define MKNODS (E(MKNOD) | E(MKNODAT))
#define DUPS (E(DUP) | E(DUP2) | E(DUP3))

/* The event types that have a descriptor (EF_USES_FD, EF_CREATES_FD). Of others all of fd.* is missing. */
#define WITH_FD                                                                                                     \
	(E(CONNECT) | SENDS | OPENS | E(CREAT) | E(SYMLINKAT) | E(UNLINKAT) | E(MKDIRAT) | E(MKNODAT) | E(FCHMOD) | \
	 E(FCHMODAT) | E(FCHOWN) | E(FCHOWNAT) | E(SOCKET) | E(BIND) | E(LISTEN) | E(FINIT_MODULE) | E(BPF) |       \
	 E(USERFAULTFD) | DUPS | E(SETNS) | E(MEMFD_CREATE))

/* Those in which fs.path.* finds one path, or two. */
#define ONE_PATH                                                                                                    \
	(E(OPEN) | E(OPENAT) | E(OPENAT2) | E(UNLINK) | E(UNLINKAT) | E(RMDIR) | E(MKDIR) | E(MKDIRAT) | E(CHMOD) | \
	 E(FCHMOD) | E(FCHMODAT) | E(CHOWN) | E(LCHOWN) | E(FCHOWN) | E(FCHOWNAT))
#define TWO_PATHS (E(LINK) | E(LINKAT) | E(SYMLINK) | E(SYMLINKAT) | E(RENAME) | E(RENAMEAT) | E(RENAMEAT2) | E(MOUNT))

#define WITH_ABSPATH                                                                                            \
	(E(OPENAT) | E(OPENAT2) | E(OPEN_BY_HANDLE_AT) | E(LINKAT) | E(SYMLINKAT) | E(UNLINKAT) | E(RENAMEAT) | \
	 E(RENAMEAT2) | E(MKDIRAT) | E(FCHMODAT) | E(FCHOWNAT))

/* Asked last. */
static const struct point_field every[] = {
        CHOICE(EVT_TYPE, MATCH_EVENT, event_name, 0, OF_OTHER_CALLS),
        CHOICE(SYSCALL_TYPE, MATCH_EVENT, event_name, 0, OF_OTHER_CALLS),
        LOST(EVT_TYPE_IS, "it asks for the number of an event type; compare evt.type"),
        {ROW(EVT_NUM, RANGE), .low = 1, .high = INT64_MAX},
        TEXT(EVT_DIR, "<"),
        TEXT(EVT_SOURCE, "syscall"),
        FIXED(EVT_IS_ASYNC, 0),
        MISSING(EVT_ASYNCTYPE),
        LOST(EVT_PLUGINNAME, "it tells whether Falco reads a driver or a plugin"),
        LOST(EVT_PLUGININFO, "it tells whether Falco reads a driver or a plugin"),
        LOST(EVT_HOSTNAME, "the host's name is a setting of Falco"),
        LOST(EVT_TIME, TIMES),
        LOST(EVT_TIME_S, TIMES),
        LOST(EVT_TIME_ISO8601, TIMES),
        LOST(EVT_DATETIME, TIMES),
        LOST(EVT_DATETIME_S, TIMES),
        LOST(EVT_RAWTIME, TIMES),
        LOST(EVT_RAWTIME_S, TIMES),
        LOST(EVT_RAWTIME_NS, TIMES),
        LOST(EVT_RELTIME, TIMES),
        LOST(EVT_RELTIME_S, TIMES),
        LOST(EVT_RELTIME_NS, TIMES),
        LOST(EVT_DELTATIME, TIMES),
        LOST(EVT_DELTATIME_S, TIMES),
        LOST(EVT_DELTATIME_NS, TIMES),
        LOST(EVT_OUTPUTTIME, TIMES),
        LOST(EVT_AROUND, TIMES),
        FIXED(EVT_LATENCY, 0),
        FIXED(EVT_LATENCY_S, 0),
        FIXED(EVT_LATENCY_NS, 0),
        FIXED(EVT_LATENCY_QUANTIZED, 0),
        TEXT(EVT_LATENCY_HUMAN, "0ns"),
        FIXED(EVT_WAIT_LATENCY, 0),
        LOST(EVT_CPU, "the process may be on another processor when the call ends"),
        LOST(EVT_ARGS, JOINED),
        LOST(EVT_INFO, JOINED),
        LOST_OF(EVT_BUFFER, SENDS | E(PTRACE), DATA),
        LOST_OF(EVT_BUFLEN, SENDS | DUPS, SUMS),
        LOST_OF(EVT_BUFLEN_IN, SENDS, SUMS),
        LOST_OF(EVT_BUFLEN_OUT, SENDS, SUMS),
        LOST_OF(EVT_BUFLEN_FILE, SENDS | DUPS, SUMS),
        LOST_OF(EVT_BUFLEN_FILE_IN, SENDS, SUMS),
        LOST_OF(EVT_BUFLEN_FILE_OUT, SENDS, SUMS),
        LOST_OF(EVT_BUFLEN_NET, SENDS | DUPS, SUMS),
        LOST_OF(EVT_BUFLEN_NET_IN, SENDS, SUMS),
        LOST_OF(EVT_BUFLEN_NET_OUT, SENDS, SUMS),
        RESULT(EVT_RES, "SUCCESS"),
        RANGE(EVT_FAILED, 0, 0),
        RANGE(EVT_COUNT_ERROR, 0, 0),
        LOST(EVT_COUNT_ERROR_FILE, SUMS),
        LOST(EVT_COUNT_ERROR_NET, SUMS),
        LOST(EVT_COUNT_ERROR_MEMORY, SUMS),
        LOST(EVT_COUNT_ERROR_OTHER, SUMS),
        FIXED(EVT_COUNT, 1),
        FIXED(EVT_COUNT_EXIT, 1),
        FIXED(EVT_COUNT_PROCINFO, 0),
        FIXED(EVT_COUNT_THREADINFO, 0),
        FIXED(EVT_IS_IO, 0),
        FIXED(EVT_IS_IO_READ, 0),
        FIXED(EVT_IS_IO_WRITE, 0),
        MISSING(EVT_IO_DIR),
        FIXED(EVT_IS_WAIT, 0),
        FIXED(EVT_IS_SYSLOG, 0),
        FIXED(EVT_IS_OPEN_READ, 0),
        FIXED(EVT_IS_OPEN_WRITE, 0),
        FIXED(EVT_IS_OPEN_EXEC, 0),
        FIXED(EVT_IS_OPEN_CREATE, 0),
        LOST_OF(EVT_ABSPATH, WITH_ABSPATH,
                "Falco joins the path with a directory descriptor's; compare evt.arg or fd.name"),
        MISSING(EVT_INFRA_DOCKER_NAME),
        MISSING(EVT_INFRA_DOCKER_CONTAINER_ID),
        MISSING(EVT_INFRA_DOCKER_CONTAINER_NAME),
        MISSING(EVT_INFRA_DOCKER_CONTAINER_IMAGE),

        /* What of a process is known nowhere; what is known somewhere stands before, where it is. */
        LOST(PROC_EXE, COMMAND_LINE),
        LOST(PROC_ARGS, COMMAND_LINE),
        LOST(PROC_CMDLINE, COMMAND_LINE),
        LOST(PROC_ENV, ENVIRONMENT),
        LOST(PROC_AENV, ENVIRONMENT),
        LOST(PROC_AARGS, ANCESTOR_TEXTS),
        LOST(PROC_CMDNARGS, COUNTED),
        LOST(PROC_CMDLENARGS, COUNTED),
        LOST(PROC_EXELINE, "compare proc.exe and proc.args, of which it is made"),
        LOST(PROC_LOGINSHELLID, "Falco looks for the eldest shell among the ancestors"),
        LOST(PROC_APID, ANCESTOR_IDS),
        LOST(PROC_PVPID, ANCESTOR_IDS),
        LOST(PROC_SNAME, LEADERS),
        LOST(PROC_SID_EXE, LEADERS),
        LOST(PROC_SID_EXEPATH, LEADERS),
        LOST(PROC_VPGID_NAME, LEADERS),
        LOST(PROC_VPGID_EXE, LEADERS),
        LOST(PROC_VPGID_EXEPATH, LEADERS),
        LOST(PROC_PGID, GROUP_IDS),
        LOST(PROC_PGID_NAME, LEADERS),
        LOST(PROC_PGID_EXE, LEADERS),
        LOST(PROC_PGID_EXEPATH, LEADERS),
        LOST(PROC_PPID_DURATION, "how long the parent has run is not kept"),
        LOST(PROC_PID_TS, EXECUTABLE_TIMES),
        LOST(PROC_PPID_TS, EXECUTABLE_TIMES),
        LOST(PROC_EXE_INO, EXECUTABLE_TIMES),
        LOST(PROC_EXE_INO_CTIME, EXECUTABLE_TIMES),
        LOST(PROC_EXE_INO_MTIME, EXECUTABLE_TIMES),
        LOST(PROC_EXE_INO_CTIME_DURATION_PROC_START, EXECUTABLE_TIMES),
        LOST(PROC_EXE_INO_CTIME_DURATION_PIDNS_START, EXECUTABLE_TIMES),
        LOST(PROC_PIDNS_INIT_START_TS, EXECUTABLE_TIMES),
        LOST(PROC_FDOPENCOUNT, DESCRIPTORS),
        LOST(PROC_FDLIMIT, MEASURED),
        LOST(PROC_FDUSAGE, DESCRIPTORS),
        LOST(PROC_VMSIZE, MEASURED),
        LOST(PROC_VMRSS, MEASURED),
        LOST(PROC_VMSWAP, MEASURED),
        LOST(PROC_NTHREADS, THREADS),
        LOST(PROC_NCHILDS, THREADS),
        LOST(PROC_STDIN_TYPE, DESCRIPTORS),
        LOST(PROC_STDOUT_TYPE, DESCRIPTORS),
        LOST(PROC_STDERR_TYPE, DESCRIPTORS),
        LOST(PROC_STDIN_NAME, DESCRIPTORS),
        LOST(PROC_STDOUT_NAME, DESCRIPTORS),
        LOST(PROC_STDERR_NAME, DESCRIPTORS),
        LOST(PROC_IS_EXE_WRITABLE, CREDENTIALS),
        LOST(THREAD_CAP_PERMITTED, CREDENTIALS),
        LOST(THREAD_CAP_INHERITABLE, CREDENTIALS),
        LOST(THREAD_CAP_EFFECTIVE, CREDENTIALS),
        LOST(THREAD_PFMAJOR, MEASURED),
        LOST(THREAD_PFMINOR, MEASURED),
        LOST(THREAD_TID, THREADS),
        LOST(THREAD_ISMAIN, THREADS),
        LOST(THREAD_VTID, THREADS),
        LOST(THREAD_NAMETID, JOINED),
        FIXED(THREAD_EXECTIME, 0),
        LOST(THREAD_TOTEXECTIME, MEASURED),
        LOST(THREAD_CGROUPS, "of cgroups only the container that they tell is known; compare container.id"),
        LOST(THREAD_CGROUP, "of cgroups only the container that they tell is known; compare container.id"),
        LOST(THREAD_CPU, MEASURED),
        LOST(THREAD_CPU_USER, MEASURED),
        LOST(THREAD_CPU_SYSTEM, MEASURED),
        LOST(THREAD_VMSIZE, MEASURED),
        LOST(THREAD_VMRSS, MEASURED),
        LOST(THREAD_VMSIZE_B, MEASURED),
        LOST(THREAD_VMRSS_B, MEASURED),
        LOST(USER_UID, CREDENTIALS),
        LOST(USER_NAME, CREDENTIALS),
        LOST(USER_HOMEDIR, USER_RECORDS),
        LOST(USER_SHELL, USER_RECORDS),
        LOST(GROUP_GID, CREDENTIALS),
        LOST(GROUP_NAME, USER_RECORDS),

        LOST_OF(FS_PATH_NAME, ONE_PATH, REQUESTED),
        LOST_OF(FS_PATH_NAMERAW, ONE_PATH, REQUESTED),
        LOST_OF(FS_PATH_SOURCE, TWO_PATHS, REQUESTED),
        LOST_OF(FS_PATH_SOURCERAW, TWO_PATHS, REQUESTED),
        LOST_OF(FS_PATH_TARGET, TWO_PATHS, REQUESTED),
        LOST_OF(FS_PATH_TARGETRAW, TWO_PATHS, REQUESTED),
        LOST(UTIL_CNT, "it counts how often Falco itself has looked at it"),
        MISSING(FDLIST_NUMS),
        MISSING(FDLIST_NAMES),
        MISSING(FDLIST_CIPS),
        MISSING(FDLIST_SIPS),
        MISSING(FDLIST_CPORTS),
        MISSING(FDLIST_SPORTS),
        MISSING(PROC_IS_CONTAINER_HEALTHCHECK),
        MISSING(PROC_IS_CONTAINER_LIVENESS_PROBE),
        MISSING(PROC_IS_CONTAINER_READINESS_PROBE),
};

/* ---- parameters -------------------------------------------------------------------------------------------------- */

#define EXECS (E(EXECVE) | E(EXECVEAT))
#define RENAMES (E(RENAME) | E(RENAMEAT) | E(RENAMEAT2))
#define LINKS (E(LINK) | E(LINKAT))
#define CHMODS (E(CHMOD) | E(FCHMOD) | E(FCHMODAT))
#define CHOWNS (E(CHOWN) | E(LCHOWN) | E(FCHOWN) | E(FCHOWNAT))
#define KILLS (E(KILL) | E(TKILL) | E(TGKILL))
#define LOST_ARG(a, e, r) {ARG(a, LOST), .events = (e), .reason = (r)}

/* Which event types have a parameter of that name (driver/event_table.c), and why it is lost where no row has it. */
static const struct point_field parameters[] = {
        LOST_ARG("addr", E(CONNECT) | E(BIND) | E(PTRACE), JOINED),
        LOST_ARG("args", EXECS, AS_PROCESS),
        LOST_ARG("backlog", E(LISTEN), NUMBER_TEXT),
        LOST_ARG("cap_effective", EXECS, AS_PROCESS),
        LOST_ARG("cap_inheritable", EXECS, AS_PROCESS),
        LOST_ARG("cap_permitted", EXECS, AS_PROCESS),
        LOST_ARG("cgroups", EXECS, AS_PROCESS),
        LOST_ARG("cmd", E(BPF), NUMBER_TEXT),
        LOST_ARG("comm", EXECS, AS_PROCESS),
        LOST_ARG("creat_flags", E(CREAT), COPY_UP),
        LOST_ARG("cwd", EXECS, AS_PROCESS),
        LOST_ARG("data", SENDS | E(PTRACE), DATA),
        LOST_ARG("dev", OPENS | E(CREAT) | MKNODS | E(MOUNT), NUMBER_TEXT),
        LOST_ARG("dir", E(MOUNT), REQUESTED),
        LOST_ARG("dirfd", E(OPENAT) | E(OPENAT2) | E(UNLINKAT) | E(MKDIRAT) | E(MKNODAT) | E(FCHMODAT) | E(FCHOWNAT),
                 DESCRIPTOR_TEXT),
        LOST_ARG("domain", E(SOCKET), NUMBER_TEXT),
        LOST_ARG("env", EXECS, AS_PROCESS),
        LOST_ARG("euid", E(SETRESUID), ID_TEXT),
        LOST_ARG("exe", EXECS, AS_PROCESS),
        LOST_ARG("exe_ino", EXECS, AS_PROCESS),
        LOST_ARG("exe_ino_ctime", EXECS, AS_PROCESS),
        LOST_ARG("exe_ino_mtime", EXECS, AS_PROCESS),
        LOST_ARG("fd",
                 E(CONNECT) | SENDS | OPENS | E(CREAT) | E(FCHMOD) | E(FCHOWN) | E(SOCKET) | E(BIND) | E(LISTEN) |
                         E(FINIT_MODULE) | E(BPF) | E(SETNS) | E(MEMFD_CREATE),
                 DESCRIPTOR_TEXT),
        LOST_ARG("fdlimit", EXECS, AS_PROCESS),
        LOST_ARG("filename", E(EXECVE) | E(CHMOD) | E(FCHMODAT), REQUESTED),
        LOST_ARG("flags",
                 EXECS | OPENS | E(LINKAT) | E(UNLINKAT) | E(RENAMEAT2) | E(FCHOWNAT) | E(SOCKET) | E(MOUNT) |
                         E(FINIT_MODULE) | E(USERFAULTFD) | E(DUP3) | E(UNSHARE) | E(MEMFD_CREATE),
                 NUMBER_TEXT),
        LOST_ARG("gid", EXECS | CHOWNS, NUMBER_TEXT),
        LOST_ARG("img", E(INIT_MODULE), DATA),
        LOST_ARG("ino", OPENS | E(CREAT), NUMBER_TEXT),
        LOST_ARG("length", E(INIT_MODULE), NUMBER_TEXT),
        LOST_ARG("linkdirfd", E(SYMLINKAT), DESCRIPTOR_TEXT),
        LOST_ARG("linkpath", E(SYMLINK) | E(SYMLINKAT), REQUESTED),
        LOST_ARG("loginuid", EXECS, AS_PROCESS),
        LOST_ARG("mode", E(OPEN) | E(OPENAT) | E(OPENAT2) | E(CREAT) | E(MKDIR) | E(MKDIRAT) | MKNODS | CHMODS,
                 NUMBER_TEXT),
        LOST_ARG("mountfd", E(OPEN_BY_HANDLE_AT), DESCRIPTOR_TEXT),
        LOST_ARG("name", E(OPEN) | E(OPENAT) | E(OPENAT2) | E(CREAT) | E(UNLINKAT) | E(MEMFD_CREATE), REQUESTED),
        LOST_ARG("newdir", E(LINKAT), DESCRIPTOR_TEXT),
        LOST_ARG("newdirfd", E(RENAMEAT) | E(RENAMEAT2), DESCRIPTOR_TEXT),
        LOST_ARG("newfd", E(DUP2) | E(DUP3), DESCRIPTOR_TEXT),
        LOST_ARG("newpath", LINKS | RENAMES, REQUESTED),
        LOST_ARG("nstype", E(SETNS), NUMBER_TEXT),
        LOST_ARG("olddir", E(LINKAT), DESCRIPTOR_TEXT),
        LOST_ARG("olddirfd", E(RENAMEAT) | E(RENAMEAT2), DESCRIPTOR_TEXT),
        LOST_ARG("oldfd", DUPS, DESCRIPTOR_TEXT),
        LOST_ARG("oldpath", LINKS | RENAMES, REQUESTED),
        LOST_ARG("path",
                 E(OPEN_BY_HANDLE_AT) | E(UNLINK) | E(RMDIR) | E(MKDIR) | E(MKDIRAT) | MKNODS | E(CHOWN) | E(LCHOWN),
                 REQUESTED),
        LOST_ARG("pathname", E(FCHOWNAT), REQUESTED),
        LOST_ARG("pgft_maj", EXECS, MEASURED),
        LOST_ARG("pgft_min", EXECS, MEASURED),
        LOST_ARG("pgid", EXECS, AS_PROCESS),
        LOST_ARG("pid", EXECS | E(PTRACE) | E(KILL) | E(TGKILL), PROCESS_TEXT),
        LOST_ARG("proto", E(SOCKET), NUMBER_TEXT),
        LOST_ARG("ptid", EXECS, PROCESS_TEXT),
        LOST_ARG("request", E(PTRACE), NUMBER_TEXT),
        LOST_ARG("res",
                 EXECS | E(CONNECT) | SENDS | LINKS | E(SYMLINK) | E(SYMLINKAT) | E(UNLINK) | E(UNLINKAT) | E(RMDIR) |
                         RENAMES | E(MKDIR) | E(MKDIRAT) | MKNODS | CHMODS | CHOWNS | E(BIND) | E(LISTEN) | E(MOUNT) |
                         E(PTRACE) | E(INIT_MODULE) | E(FINIT_MODULE) | KILLS | E(SETUID) | E(SETRESUID) |
                         E(USERFAULTFD) | DUPS | E(SETNS) | E(UNSHARE),
                 "the result is not known before the call has it; compare evt.res or evt.rawres"),
        LOST_ARG("resolve", E(OPENAT2), NUMBER_TEXT),
        LOST_ARG("ruid", E(SETRESUID), ID_TEXT),
        LOST_ARG("sig", KILLS, NUMBER_TEXT),
        LOST_ARG("size", SENDS, NUMBER_TEXT),
        LOST_ARG("suid", E(SETRESUID), ID_TEXT),
        LOST_ARG("target", E(SYMLINK) | E(SYMLINKAT), REQUESTED),
        LOST_ARG("tid", EXECS | E(TKILL) | E(TGKILL), PROCESS_TEXT),
        LOST_ARG("trusted_exepath", EXECS, AS_PROCESS),
        LOST_ARG("tty", EXECS, AS_PROCESS),
        LOST_ARG("tuple", E(CONNECT) | SENDS, LOCAL_END),
        LOST_ARG("type", E(SOCKET) | E(MOUNT), NUMBER_TEXT),
        LOST_ARG("uargs", E(INIT_MODULE) | E(FINIT_MODULE), DATA),
        LOST_ARG("uid", EXECS | CHOWNS | E(SETUID), ID_TEXT),
        LOST_ARG("vm_rss", EXECS, MEASURED),
        LOST_ARG("vm_size", EXECS, MEASURED),
        LOST_ARG("vm_swap", EXECS, MEASURED),
        LOST_ARG("vpgid", EXECS, AS_PROCESS),
};

/* ---- processes --------------------------------------------------------------------------------------------------- */

/* What all have: an exec's new image, and a caller. `v`: how to say it of arguments, `c`: of what a clone leaves. */
#define ANCESTORS                                                                              \
	ANCESTOR(PROC_PNAME, MATCH_ANAME, 1, MATCH_NAME, WEAK, OF_RENAMED),                    \
	        ANCESTOR(PROC_ANAME, MATCH_ANAME, -1, MATCH_NAME, WEAK, OF_RENAMED),           \
	        ANCESTOR(PROC_PEXE, MATCH_AEXE, 1, MATCH_EXE, WEAK, OF_CLONED),                \
	        ANCESTOR(PROC_AEXE, MATCH_AEXE, -1, MATCH_EXE, WEAK, OF_CLONED),               \
	        ANCESTOR(PROC_PEXEPATH, MATCH_AEXEPATH, 1, MATCH_EXEPATH, RESOLVED, OF_GONE),  \
	        ANCESTOR(PROC_AEXEPATH, MATCH_AEXEPATH, -1, MATCH_EXEPATH, RESOLVED, OF_GONE), \
	        ANCESTOR(PROC_PCMDLINE, MATCH_ACMDLINE, 1, MATCH_CMDLINE, NULL, OF_CLONED),    \
	        ANCESTOR(PROC_ACMDLINE, MATCH_ACMDLINE, -1, MATCH_CMDLINE, NULL, OF_CLONED)

#define IDS                                                                                               \
	VALUE(PROC_PID, MATCH_PID), VALUE(PROC_VPID, MATCH_VPID), MAYBE_BUT(PROC_PPID, MATCH_PPID, NULL), \
	        LOST(PROC_SID, SESSION), LOST(PROC_IS_SID_LEADER, SESSION)

/* The new image, as it is when it is committed. */
static const struct point_field exec_commit_fields[] = {
        TEXT(EVT_CATEGORY, "process"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(EXECS),
        ARG_VALUE("exe", EXECS, MATCH_EXE, OF_CUT),
        ARG_VALUE("comm", EXECS, MATCH_NAME, NULL),
        ARG_PATH("trusted_exepath", EXECS, MATCH_EXEPATH, OF_GONE),
        NAMED(PROC_NAME, MATCH_NAME, NULL),
        ANCESTORS,
        PATH(PROC_EXEPATH, MATCH_EXEPATH, OF_GONE),
        NAMED(PROC_EXE, MATCH_EXE, OF_CUT),
        VALUE_BUT(PROC_ARGS, MATCH_ARGS, OF_CUT),
        VALUE_BUT(PROC_CMDLINE, MATCH_CMDLINE, OF_CUT),
        VALUE_BUT(PROC_ENV, MATCH_ENV, "of an environment that is longer than 4096 bytes or cannot be read"),
        PATH(PROC_CWD, MATCH_CWD, OF_PATH),
        VALUE(PROC_TTY, MATCH_TTY),
        IDS,
        VALUE(PROC_VPGID, MATCH_VPGID),
        BOOL(PROC_IS_VPGID_LEADER, MATCH_BIT_VPGID_LEADER, NULL),
        BOOL(PROC_IS_PGID_LEADER, MATCH_BIT_VPGID_LEADER, NULL),
        VALUE(THREAD_TID, MATCH_PID),
        VALUE(THREAD_VTID, MATCH_VPID),
        FIXED(THREAD_ISMAIN, 1),
        LOST(PROC_DURATION, STARTED),
        BOOL(PROC_IS_EXE_WRITABLE, MATCH_BIT_EXE_WRITABLE, NULL),
        BOOL(PROC_IS_EXE_UPPER_LAYER, MATCH_BIT_EXE_UPPER, NULL),
        BOOL(PROC_IS_EXE_LOWER_LAYER, MATCH_BIT_EXE_LOWER, NULL),
        BOOL(PROC_IS_EXE_FROM_MEMFD, MATCH_BIT_EXE_MEMFD, NULL),
        CAPS(THREAD_CAP_EFFECTIVE, MATCH_CAPS_E, NULL),
        CAPS(THREAD_CAP_PERMITTED, MATCH_CAPS_P, NULL),
        CAPS(THREAD_CAP_INHERITABLE, MATCH_CAPS_I, NULL),
        VALUE(USER_UID, MATCH_UID),
        VALUE_BUT(USER_NAME, MATCH_USER_NAME, OF_NAMES),
        VALUE(USER_LOGINUID, MATCH_LOGINUID),
        VALUE_BUT(USER_LOGINNAME, MATCH_LOGIN_NAME, OF_NAMES),
        VALUE(GROUP_GID, MATCH_GID),
        VALUE(CONTAINER_ID, MATCH_CONTAINER),
};

/* The new image before it is there: its arguments cannot be read yet, and its credentials are to be computed. */
static const struct point_field exec_check_fields[] = {
        TEXT(EVT_CATEGORY, "process"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(EXECS),
        ARG_VALUE("comm", EXECS, MATCH_NAME, OF_EXECVEAT),
        ARG_PATH("trusted_exepath", EXECS, MATCH_EXEPATH, OF_GONE),
        NAMED(PROC_NAME, MATCH_NAME, OF_EXECVEAT),
        ANCESTORS,
        PATH(PROC_EXEPATH, MATCH_EXEPATH, OF_GONE),
        PATH(PROC_CWD, MATCH_CWD, OF_PATH),
        VALUE(PROC_TTY, MATCH_TTY),
        IDS,
        VALUE(PROC_VPGID, MATCH_VPGID),
        BOOL(PROC_IS_VPGID_LEADER, MATCH_BIT_VPGID_LEADER, NULL),
        BOOL(PROC_IS_PGID_LEADER, MATCH_BIT_VPGID_LEADER, NULL),
        VALUE(THREAD_TID, MATCH_PID),
        VALUE(THREAD_VTID, MATCH_VPID),
        FIXED(THREAD_ISMAIN, 1),
        LOST(PROC_DURATION, STARTED),
        LOST(PROC_ENV, COMMAND_LINE),
        BOOL(PROC_IS_EXE_UPPER_LAYER, MATCH_BIT_EXE_UPPER, NULL),
        BOOL(PROC_IS_EXE_LOWER_LAYER, MATCH_BIT_EXE_LOWER, NULL),
        BOOL(PROC_IS_EXE_FROM_MEMFD, MATCH_BIT_EXE_MEMFD, NULL),
        VALUE(USER_LOGINUID, MATCH_LOGINUID),
        VALUE_BUT(USER_LOGINNAME, MATCH_LOGIN_NAME, OF_NAMES),
        VALUE(CONTAINER_ID, MATCH_CONTAINER),
};

/*
 * A process that runs, as Falco knows it: as it was at its last exec or clone. What it can change meanwhile, and what
 * Falco then answers:
 * - its name (prctl, /proc/self/comm): the old one, which the records keep; a thread's is unknown once one was renamed.
 * - its arguments (setproctitle): those of the exec; of a clone what was in memory then, so unknown there.
 * - its cgroup: the container of the exec or clone, for each thread its own; unknown for threads after a move.
 * - its root or executable (chroot, rename, unlink): the path of the exec, as in the records.
 * - user and group ids: what setuid and the like were called with, even none (-1), for the calling thread alone.
 * - capabilities: those of the exec or of capset; a clone has its parent's as Falco has them.
 * - terminal, login id, process group: those of the exec, also of the clones of a process.
 * - its parent: Falco follows reparenting, the kernel has it; being traced changes no parent of either.
 */
static const struct point_field running[] = {
        NAMED(PROC_NAME, MATCH_NAME, OF_RENAMED),
        ANCESTORS,
        PATH(PROC_EXEPATH, MATCH_EXEPATH, OF_GONE),
        NAMED(PROC_EXE, MATCH_EXE, OF_CLONED),
        VALUE_BUT(PROC_ARGS, MATCH_ARGS, OF_CLONED),
        VALUE_BUT(PROC_CMDLINE, MATCH_CMDLINE, OF_CLONED),
        PATH(PROC_CWD, MATCH_CWD, OF_PATH),
        VALUE_BUT(PROC_TTY, MATCH_TTY, OF_CLONED),
        IDS,
        VALUE_BUT(PROC_VPGID, MATCH_VPGID, OF_CLONED),
        BOOL(PROC_IS_VPGID_LEADER, MATCH_BIT_VPGID_LEADER, OF_CLONED),
        BOOL(PROC_IS_PGID_LEADER, MATCH_BIT_VPGID_LEADER, OF_CLONED),
        {ROW(PROC_DURATION, AT_LEAST), .domain = MATCH_DURATION, .reason = DURATION_MORE, .uncertain = OF_YOUNG},
        BOOL(PROC_IS_EXE_WRITABLE, MATCH_BIT_EXE_WRITABLE, NULL),
        BOOL(PROC_IS_EXE_UPPER_LAYER, MATCH_BIT_EXE_UPPER, NULL),
        BOOL(PROC_IS_EXE_LOWER_LAYER, MATCH_BIT_EXE_LOWER, NULL),
        BOOL(PROC_IS_EXE_FROM_MEMFD, MATCH_BIT_EXE_MEMFD, NULL),
        CAPS(THREAD_CAP_EFFECTIVE, MATCH_CAPS_E, OF_CAPABILITIES),
        CAPS(THREAD_CAP_PERMITTED, MATCH_CAPS_P, OF_CAPABILITIES),
        CAPS(THREAD_CAP_INHERITABLE, MATCH_CAPS_I, OF_CAPABILITIES),
        VALUE_BUT(USER_UID, MATCH_UID, OF_CREDENTIALS),
        VALUE_BUT(USER_NAME, MATCH_USER_NAME, OF_CREDENTIALS ", " OF_NAMES),
        VALUE_BUT(USER_LOGINUID, MATCH_LOGINUID, OF_CLONED),
        VALUE_BUT(USER_LOGINNAME, MATCH_LOGIN_NAME, OF_CLONED ", " OF_NAMES),
        VALUE_BUT(GROUP_GID, MATCH_GID, OF_CREDENTIALS),
        VALUE_BUT(CONTAINER_ID, MATCH_CONTAINER, OF_MOVED),
};

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

#define FILES (1ULL << MATCH_FD_FILE | 1ULL << MATCH_FD_DIRECTORY)
#define INET (1ULL << MATCH_FD_IPV4 | 1ULL << MATCH_FD_IPV6)
#define SOCKETS (INET | 1ULL << MATCH_FD_UNIX)

/* Of a descriptor that is no socket. */
#define NO_SOCKET                                                                                                     \
	LOST(FD_IP, EXISTS_ANYWAY), LOST(FD_NET, EXISTS_ANYWAY), LOST(FD_PORT, EXISTS_ANYWAY),                        \
	        LOST(FD_PROTO, EXISTS_ANYWAY), LOST(FD_CIP_NAME, EXISTS_ANYWAY), LOST(FD_SIP_NAME, EXISTS_ANYWAY),    \
	        LOST(FD_LIP_NAME, EXISTS_ANYWAY), LOST(FD_RIP_NAME, EXISTS_ANYWAY), MISSING(FD_CIP), MISSING(FD_SIP), \
	        MISSING(FD_LIP), MISSING(FD_RIP), MISSING(FD_CPORT), MISSING(FD_SPORT), MISSING(FD_LPORT),            \
	        MISSING(FD_RPORT), MISSING(FD_CPROTO), MISSING(FD_SPROTO), MISSING(FD_LPROTO), MISSING(FD_RPROTO),    \
	        MISSING(FD_CNET), MISSING(FD_SNET), MISSING(FD_LNET), MISSING(FD_RNET), MISSING(FD_SOCKFAMILY),       \
	        TEXT(FD_L4PROTO, "<NA>"), FIXED(FD_IS_SERVER, 0), FIXED(FD_CONNECTED, 0)

/* Of a socket. */
#define NO_FILE                                                                                                   \
	MISSING(FD_DIRECTORY), MISSING(FD_FILENAME), MISSING(FD_CONTAINERDIRECTORY), FIXED(FD_IS_UPPER_LAYER, 0), \
	        FIXED(FD_IS_LOWER_LAYER, 0)

/* The local end, and what depends on it. */
#define NO_LOCAL_END                                                                                              \
	LOST(FD_CIP, LOCAL_END), LOST(FD_CNET, LOCAL_END), LOST(FD_CPORT, LOCAL_END), LOST(FD_CPROTO, LOCAL_END), \
	        LOST(FD_LIP, INTERFACES), LOST(FD_LNET, INTERFACES), LOST(FD_LPORT, INTERFACES),                  \
	        LOST(FD_LPROTO, INTERFACES), LOST(FD_RIP, INTERFACES), LOST(FD_RNET, INTERFACES),                 \
	        LOST(FD_RPORT, INTERFACES), LOST(FD_RPROTO, INTERFACES), LOST(FD_IS_SERVER, INTERFACES),          \
	        LOST(FD_CIP_NAME, RESOLVER), LOST(FD_SIP_NAME, RESOLVER), LOST(FD_LIP_NAME, RESOLVER),            \
	        LOST(FD_RIP_NAME, RESOLVER), LOST(FD_NAME, LOCAL_END), LOST(FD_CONTAINERNAME, LOCAL_END)

#define EITHER_ENDS(a)                                                                       \
	EITHER(FD_IP, MATCH_ADDR4, a, LOCAL_END), EITHER(FD_NET, MATCH_ADDR4, a, LOCAL_END), \
	        EITHER(FD_PORT, MATCH_PORT, a, LOCAL_END), EITHER(FD_PROTO, MATCH_PORT, a, LOCAL_END)

/* Rows of fd.* that are alike wherever there is a descriptor; for others that no point has. */
static const struct point_field descriptor[] = {
        LOST_OF(FD_UID, WITH_FD, JOINED),
        LOST_OF(FD_CONTAINERNAME, WITH_FD, JOINED),
        LOST_OF(FD_CONTAINERDIRECTORY, WITH_FD, JOINED),
        LOST_OF(FD_NAME_CHANGED, WITH_FD, NAME_HISTORY),
        LOST_OF(FD_NAMERAW, WITH_FD, REQUESTED),
        LOST_OF(FD_DEV, WITH_FD, FILE_NUMBERS),
        LOST_OF(FD_DEV_MAJOR, WITH_FD, FILE_NUMBERS),
        LOST_OF(FD_DEV_MINOR, WITH_FD, FILE_NUMBERS),
        LOST_OF(FD_INO, WITH_FD, FILE_NUMBERS),
        LOST_OF(FD_CIP_NAME, WITH_FD, RESOLVER),
        LOST_OF(FD_SIP_NAME, WITH_FD, RESOLVER),
        LOST_OF(FD_LIP_NAME, WITH_FD, RESOLVER),
        LOST_OF(FD_RIP_NAME, WITH_FD, RESOLVER),
        LOST_OF(FD_SPROTO, WITH_FD, SERVICES),
};

/* ---- files ------------------------------------------------------------------------------------------------------- */

#define FILE_OPENS (E(OPEN) | E(OPENAT) | E(OPENAT2))

static const struct point_field file_open_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, INT32_MAX),
        BOOL(EVT_IS_OPEN_READ, MATCH_BIT_OPEN_READ, NULL),
        BOOL(EVT_IS_OPEN_WRITE, MATCH_BIT_OPEN_WRITE, NULL),
        BOOL(EVT_IS_OPEN_EXEC, MATCH_BIT_OPEN_EXEC,
             "of an open of a directory, whose mode argument says nothing, and of openat2 if it may create"),
        BOOL(EVT_IS_OPEN_CREATE, MATCH_BIT_OPEN_CREATE, NULL),
        ARG_PATH("name", FILE_OPENS | E(CREAT), MATCH_PATH, OF_PATH),
        ARG_PATH("path", E(OPEN_BY_HANDLE_AT), MATCH_PATH, OF_PATH),
        {ARG("flags", SET), .events = OPENS, .domain = MATCH_ARG_FLAGS, .names = open_flag_name, .joint = '|',
         .unknown = LAYER_FLAGS, .text = "0", .uncertain = "of openat2, whose flags are in memory that may change"},
        PATH_OF(FS_PATH_NAME, FILE_OPENS, MATCH_PATH, OF_PATH),
        RANGE(FD_NUM, 0, INT32_MAX),
        CHOICE(FD_TYPE, MATCH_FD_TYPE, type_name, FILES, NULL),
        CHOICE(FD_TYPECHAR, MATCH_FD_TYPE, typechar_name, FILES, NULL),
        PATH(FD_NAME, MATCH_PATH, OF_PATH),
        PART(FD_DIRECTORY, PART_DIRECTORY, true, OF_PATH),
        PART(FD_FILENAME, PART_FILENAME, false, OF_PATH),
        VALUE_BUT(TERCEL_FILE_PATH, MATCH_PATH, OF_PATH),
        LOST(FD_IS_UPPER_LAYER, COPY_UP),
        LOST(FD_IS_LOWER_LAYER, COPY_UP),
        NO_SOCKET,
};

/*
 * Falco's fd.name in a call with a directory descriptor is the name that its table has for that directory, whatever the
 * path; with AT_FDCWD it is empty. MATCH_NEWPATH holds it where a call has no second path.
 */
#define DIRECTORY_NAME(e) \
	{ROW(FD_NAME, VALUE), .events = (e), .domain = MATCH_NEWPATH, .always = true, .uncertain = OF_DIRFD}

static const struct point_field link_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(LINKS),
        ARG_PATH("oldpath", LINKS, MATCH_PATH, OF_PATH),
        ARG_PATH("newpath", LINKS, MATCH_NEWPATH, OF_PATH),
        ARG_SET("flags", E(LINKAT), MATCH_ARG_FLAGS, link_flag_name, NULL),
        PATH(FS_PATH_SOURCE, MATCH_NEWPATH, OF_PATH),
        PATH(FS_PATH_TARGET, MATCH_PATH, OF_PATH),
};

static const struct point_field symlink_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(SYMLINK) | E(SYMLINKAT)),
        ARG_VALUE("target", E(SYMLINK) | E(SYMLINKAT), MATCH_TARGET, NULL),
        ARG_PATH("linkpath", E(SYMLINK) | E(SYMLINKAT), MATCH_PATH, OF_PATH),
        DIRECTORY_NAME(E(SYMLINKAT)),
        PATH(FS_PATH_SOURCE, MATCH_PATH, OF_PATH),
        LOST(FS_PATH_TARGET, "Falco joins a relative target with the working directory; compare evt.arg.target"),
};

static const struct point_field unlink_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(UNLINK) | E(UNLINKAT)),
        ARG_PATH("path", E(UNLINK), MATCH_PATH, OF_PATH),
        ARG_PATH("name", E(UNLINKAT), MATCH_PATH, OF_PATH),
        ARG_TEXT("flags", E(UNLINKAT), "0"),
        DIRECTORY_NAME(E(UNLINKAT)),
        PATH(FS_PATH_NAME, MATCH_PATH, OF_PATH),
};

static const struct point_field rmdir_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(RMDIR) | E(UNLINKAT)),
        ARG_PATH("path", E(RMDIR), MATCH_PATH, OF_PATH),
        ARG_PATH("name", E(UNLINKAT), MATCH_PATH, OF_PATH),
        ARG_TEXT("flags", E(UNLINKAT), "AT_REMOVEDIR"),
        DIRECTORY_NAME(E(UNLINKAT)),
        PATH(FS_PATH_NAME, MATCH_PATH, OF_PATH),
};

static const struct point_field rename_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(RENAMES),
        ARG_PATH("oldpath", RENAMES, MATCH_PATH, OF_EXCHANGE),
        ARG_PATH("newpath", RENAMES, MATCH_NEWPATH, OF_EXCHANGE),
        ARG_SET("flags", E(RENAMEAT2), MATCH_ARG_FLAGS, rename_flag_name, NULL),
        PATH(FS_PATH_SOURCE, MATCH_PATH, OF_EXCHANGE),
        PATH(FS_PATH_TARGET, MATCH_NEWPATH, OF_EXCHANGE),
};

static const struct point_field mkdir_fields[] = {
        TEXT(EVT_CATEGORY, "file"),        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(MKDIR) | E(MKDIRAT)), ARG_PATH("path", E(MKDIR) | E(MKDIRAT), MATCH_PATH, OF_PATH),
        DIRECTORY_NAME(E(MKDIRAT)),        PATH(FS_PATH_NAME, MATCH_PATH, OF_PATH),
};

static const struct point_field mknod_fields[] = {
        TEXT(EVT_CATEGORY, "other"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(MKNODS),
        ARG_PATH("path", MKNODS, MATCH_PATH, OF_PATH),
        ARG_SET("mode", MKNODS, MATCH_ARG_MODE, mknod_mode_name, NULL),
        DIRECTORY_NAME(E(MKNODAT)),
};

#define DESCRIPTOR_NAME OF_PATH ", and of fchmodat and fchownat " OF_DIRFD

static const struct point_field chmod_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(CHMODS),
        ARG_PATH("filename", E(CHMOD) | E(FCHMODAT), MATCH_PATH, OF_PATH),
        ARG_SET("mode", CHMODS, MATCH_ARG_MODE, chmod_mode_name, NULL),
        PATH_OF(FD_NAME, E(FCHMOD) | E(FCHMODAT), MATCH_NEWPATH, DESCRIPTOR_NAME),
        PATH(FS_PATH_NAME, MATCH_PATH, OF_PATH),
};

static const struct point_field chown_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(CHOWNS),
        ARG_PATH("path", E(CHOWN) | E(LCHOWN), MATCH_PATH, OF_PATH),
        ARG_PATH("pathname", E(FCHOWNAT), MATCH_PATH, OF_PATH),
        {ARG("flags", LOST), .events = E(FCHOWNAT), .reason = BUGGY_FLAGS},
        {ARG("uid", LOST), .events = CHOWNS, .reason = NUMBER_TEXT},
        PATH_OF(FD_NAME, E(FCHOWN) | E(FCHOWNAT), MATCH_NEWPATH, DESCRIPTOR_NAME),
        PATH(FS_PATH_NAME, MATCH_PATH, OF_PATH),
};

static const struct point_field mount_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(MOUNT)),
        ARG_VALUE("dev", E(MOUNT), MATCH_TARGET, "of a mount without a source"),
        ARG_PATH("dir", E(MOUNT), MATCH_PATH, OF_PATH),
        {ARG("type", LOST), .events = E(MOUNT), .reason = "the matcher has no texts of file system types"},
        ARG_SET("flags", E(MOUNT), MATCH_ARG_FLAGS, mount_flag_name, "of flags none of which has a name"),
        LOST(FS_PATH_SOURCE, "Falco joins a source that is no path with the working directory; compare evt.arg.dev"),
        PATH(FS_PATH_TARGET, MATCH_PATH, OF_PATH),
};

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

static const struct point_field connect_fields[] = {
        TEXT(EVT_CATEGORY, "net"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(CONNECT)),
        RANGE(FD_NUM, 0, INT32_MAX),
        CHOICE(FD_TYPE, MATCH_FD_TYPE, type_name, INET, OF_SOCKETS),
        CHOICE(FD_TYPECHAR, MATCH_FD_TYPE, typechar_name, INET, OF_SOCKETS),
        TEXT(FD_SOCKFAMILY, "ip"),
        CHOICE(FD_L4PROTO, MATCH_L4PROTO, l4proto_name, 0, "of a socket that is not the caller's own (MPTCP, SMC)"),
        VALUE_BUT(FD_SIP, MATCH_ADDR4, OF_SOCKETS),
        VALUE_BUT(FD_SNET, MATCH_ADDR4, OF_SOCKETS),
        VALUE_BUT(FD_SPORT, MATCH_PORT, OF_SOCKETS),
        EITHER_ENDS(true),
        RANGE(FD_CONNECTED, 1, 1),
        NO_LOCAL_END,
        NO_FILE,
};

#define OTHER_TRANSPORTS (1ULL << MATCH_L4_ICMP | 1ULL << MATCH_L4_RAW | 1ULL << MATCH_L4_NONE)

/* The LSM hook, for sockets that are neither TCP nor UDP, with the address that the caller gave. */
static const struct point_field socket_connect_fields[] = {
        TEXT(EVT_CATEGORY, "net"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(CONNECT)),
        RANGE(FD_NUM, 0, INT32_MAX),
        OPEN_CHOICE(FD_TYPE, type_name, OF_OTHER_FAMILIES),
        OPEN_CHOICE(FD_TYPECHAR, typechar_name, OF_OTHER_FAMILIES),
        SOME_CHOICE(FD_SOCKFAMILY, MATCH_FD_TYPE, sockfamily_name, SOCKETS, OF_OTHER_FAMILIES),
        CHOICE(FD_L4PROTO, MATCH_L4PROTO, l4proto_name, OTHER_TRANSPORTS,
               "of all but ICMP's datagrams and IPPROTO_RAW: Falco goes by the numbers that socket() was given"),
        MAYBE_BUT(FD_SIP, MATCH_ADDR4, OF_PEER),
        MAYBE_BUT(FD_SNET, MATCH_ADDR4, OF_PEER),
        MAYBE_BUT(FD_SPORT, MATCH_PORT, OF_PEER),
        EITHER_ENDS(false),
        RANGE(FD_CONNECTED, 1, 1),
        NO_LOCAL_END,
        NO_FILE,
};

#define SEND_ROWS                                                                                                   \
	RANGE(EVT_RAWRES, 0, INT64_MAX), FIXED(EVT_IS_IO, 1), FIXED(EVT_IS_IO_WRITE, 1), TEXT(EVT_IO_DIR, "write"), \
	        RANGE(FD_NUM, 0, INT32_MAX), LOST(FD_SIP, SERVER_GUESS), LOST(FD_SNET, SERVER_GUESS),               \
	        LOST(FD_SPORT, SERVER_GUESS), BOOL(FD_CONNECTED, MATCH_BIT_CONNECTED, OF_BOUND), NO_LOCAL_END, NO_FILE

#define DATAGRAM_ROWS                                                                                  \
	TEXT(EVT_CATEGORY, "net"), SEND_ROWS, TEXT(FD_SOCKFAMILY, "ip"), TEXT(FD_L4PROTO, "udp"),      \
	        LOST(FD_IP, FIRST_ADDRESS), LOST(FD_NET, FIRST_ADDRESS), LOST(FD_PORT, FIRST_ADDRESS), \
	        LOST(FD_PROTO, FIRST_ADDRESS)

/* After a datagram is sent Falco takes the socket for connected. */
static const struct point_field sendmsg4_fields[] = {
        DATAGRAM_ROWS,
        CHOICE(FD_TYPE, MATCH_FD_TYPE, type_name, INET, OF_IPV6),
        CHOICE(FD_TYPECHAR, MATCH_FD_TYPE, typechar_name, INET, OF_IPV6),
};

static const struct point_field sendmsg6_fields[] = {
        DATAGRAM_ROWS,
        LOST(FD_TYPE, MAPPED_ONCE),
        LOST(FD_TYPECHAR, MAPPED_ONCE),
};

static const struct point_field socket_sendmsg_fields[] = {
        SEND_ROWS,
        OPEN_CHOICE(FD_TYPE, type_name, OF_SENT),
        OPEN_CHOICE(FD_TYPECHAR, typechar_name, OF_SENT),
        SOME_CHOICE(FD_SOCKFAMILY, MATCH_FD_TYPE, sockfamily_name, SOCKETS, OF_SENT),
        CHOICE(FD_L4PROTO, MATCH_L4PROTO, l4proto_name, 0, NULL),
        EITHER_ENDS(false),
        {ROW(EVT_CATEGORY, LOST), .reason = SUMS},
};

static const struct point_field socket_fields[] = {
        TEXT(EVT_CATEGORY, "net"),
        RANGE(EVT_RAWRES, 0, INT32_MAX),
        ARG_CHOICE("domain", E(SOCKET), family_name, 0, "of an AF_INET socket of the type SOCK_PACKET"),
        RANGE(FD_NUM, 0, INT32_MAX),
        OPEN_CHOICE(FD_TYPE, type_name, OF_OTHER_KINDS),
        OPEN_CHOICE(FD_TYPECHAR, typechar_name, OF_OTHER_KINDS),
        SOME_CHOICE(FD_SOCKFAMILY, MATCH_FD_TYPE, sockfamily_name, SOCKETS, OF_OTHER_KINDS),
        CHOICE(FD_L4PROTO, MATCH_L4PROTO, l4proto_name, 1ULL << MATCH_L4_RAW | 1ULL << MATCH_L4_NONE, NULL),
        RANGE(FD_CONNECTED, 0, 0),
        NO_FILE,
};

/* After a bind to a port Falco has a server's socket, with that one end. */
#define BOUND_ROWS                                                                                       \
	TEXT(EVT_CATEGORY, "net"), RANGE(EVT_RAWRES, 0, 0), RANGE(FD_NUM, 0, INT32_MAX),                 \
	        OPEN_CHOICE(FD_TYPE, type_name, OF_OTHER_KINDS),                                         \
	        OPEN_CHOICE(FD_TYPECHAR, typechar_name, OF_OTHER_KINDS),                                 \
	        SOME_CHOICE(FD_SOCKFAMILY, MATCH_FD_TYPE, sockfamily_name, SOCKETS, OF_OTHER_KINDS),     \
	        CHOICE(FD_L4PROTO, MATCH_L4PROTO, l4proto_name, 0, OF_UNBOUND),                          \
	        MAYBE_BUT(FD_IP, MATCH_ADDR4, OF_UNBOUND), MAYBE_BUT(FD_NET, MATCH_ADDR4, OF_UNBOUND),   \
	        MAYBE_BUT(FD_PORT, MATCH_PORT, OF_UNBOUND), MAYBE_BUT(FD_PROTO, MATCH_PORT, OF_UNBOUND), \
	        MAYBE_BUT(FD_SIP, MATCH_ADDR4, OF_UNBOUND), MAYBE_BUT(FD_SNET, MATCH_ADDR4, OF_UNBOUND), \
	        MAYBE_BUT(FD_SPORT, MATCH_PORT, OF_UNBOUND), FIXED(FD_CONNECTED, 0), NO_FILE

static const struct point_field bind_fields[] = {BOUND_ROWS, ARG_RESULT(E(BIND))};
static const struct point_field listen_fields[] = {BOUND_ROWS, ARG_RESULT(E(LISTEN))};

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static const struct point_field ptrace_fields[] = {
        TEXT(EVT_CATEGORY, "process"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(PTRACE)),
        ARG_CHOICE("request", E(PTRACE), request_name, REQUESTS, NULL),
};

static const struct point_field traceme_fields[] = {
        TEXT(EVT_CATEGORY, "process"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(PTRACE)),
        ARG_CHOICE("request", E(PTRACE), request_name, 1ULL << REQUEST_TRACEME, NULL),
};

static const struct point_field module_file_fields[] = {
        TEXT(EVT_CATEGORY, "other"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(FINIT_MODULE)),
        FIXED(EVT_IS_IO, 1),
        FIXED(EVT_IS_IO_READ, 1),
        TEXT(EVT_IO_DIR, "read"),
        ARG_SET("flags", E(FINIT_MODULE), MATCH_ARG_FLAGS, module_flag_name, NULL),
        RANGE(FD_NUM, 0, INT32_MAX),
        PATH(FD_NAME, MATCH_PATH, OF_GONE),
};

static const struct point_field module_data_fields[] = {
        TEXT(EVT_CATEGORY, "other"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(INIT_MODULE)),
};

static const struct point_field bpf_fields[] = {
        TEXT(EVT_CATEGORY, "other"),
        RANGE(EVT_RAWRES, 0, INT32_MAX),
        ARG_OPEN_CHOICE("cmd", E(BPF), bpf_command_name, "of commands from 64 on"),
        TEXT(FD_TYPE, "bpf"),
        TEXT(FD_TYPECHAR, "b"),
        RANGE(FD_NUM, 0, INT32_MAX),
        MISSING(FD_DIRECTORY),
        MISSING(FD_FILENAME),
        FIXED(FD_IS_UPPER_LAYER, 0),
        FIXED(FD_IS_LOWER_LAYER, 0),
        NO_SOCKET,
};

static const struct point_field kill_fields[] = {
        TEXT(EVT_CATEGORY, "signal"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(KILLS),
        ARG_OPEN_CHOICE("sig", KILLS, signal_name, "of the signal 64"),
};

/* Falco judges the event when it has taken the new user for the process's: the one that the call asks for. */
static const struct point_field setuid_fields[] = {
        TEXT(EVT_CATEGORY, "user"),
        RANGE(EVT_RAWRES, 0, 0),
        ARG_RESULT(E(SETUID) | E(SETRESUID)),
        VALUE(USER_UID, MATCH_ARG_ID),
        VALUE_BUT(USER_NAME, MATCH_USER_NAME, OF_NAMES),
        ARG_VALUE("uid", E(SETUID), MATCH_USER_NAME, OF_NAMES ", and of a root that the user database does not have"),
        ARG_VALUE("euid", E(SETRESUID), MATCH_USER_NAME,
                  OF_NAMES ", of a root that the user database does not have, and of -1"),
};

static const struct point_field userfaultfd_fields[] = {
        TEXT(EVT_CATEGORY, "file"),
        RANGE(EVT_RAWRES, 0, INT32_MAX),
        {ARG("flags", LOST), .events = E(USERFAULTFD),
         .reason = "Falco prints this call's flags as if they were in its own bits of an open"},
        TEXT(FD_TYPE, "userfaultfd"),
        TEXT(FD_TYPECHAR, "u"),
        RANGE(FD_NUM, 0, INT32_MAX),
        MISSING(FD_DIRECTORY),
        MISSING(FD_FILENAME),
        FIXED(FD_IS_UPPER_LAYER, 0),
        FIXED(FD_IS_LOWER_LAYER, 0),
        NO_SOCKET,
};

/* The entry of system calls: their arguments as they are, read once. */
static const struct point_field syscall_fields[] = {
        LOST(EVT_CATEGORY, SUMS),
        {ROW(EVT_RAWRES, VALUE), .domain = MATCH_RESULT, .always = true, .note = COUNTERFACTUAL,
         .uncertain = "of dup and memfd_create, whose result nobody knows before"},
        ARG_SET("flags", E(DUP3) | E(UNSHARE) | E(MEMFD_CREATE), MATCH_ARG_FLAGS, syscall_flag_name, NULL),
        ARG_SET("nstype", E(SETNS), MATCH_ARG_FLAGS, clone_flag_name, NULL),
        ARG_VALUE("name", E(MEMFD_CREATE), MATCH_TARGET, "of a name that cannot be read"),
        {ROW(FD_NUM, RANGE), .events = WITH_FD, .low = 0, .high = INT32_MAX, .note = COUNTERFACTUAL},
        {ROW(FD_TYPE, CHOICE), .always = true, .beyond = true, .events = DUPS | E(SETNS) | E(MEMFD_CREATE),
         .domain = MATCH_FD_TYPE, .names = type_name,
         .uncertain = "of a descriptor that is neither a file nor a socket, and of setns and memfd_create"},
        {ROW(FD_TYPECHAR, CHOICE), .always = true, .beyond = true, .events = DUPS | E(SETNS) | E(MEMFD_CREATE),
         .domain = MATCH_FD_TYPE, .names = typechar_name,
         .uncertain = "of a descriptor that is neither a file nor a socket, and of setns and memfd_create"},
};

/* ---- the points -------------------------------------------------------------------------------------------------- */

#define OWN(a) .fields = (a), .nfields = COUNT_OF(a)
#define CALLER .common = running, .ncommon = COUNT_OF(running)
#define DENY .strength = "deny"
#define LSM .backend = POINT_BY_LSM, DENY
#define CGROUP .backend = POINT_BY_CGROUP, DENY
#define EV(e) MATCH_EVENT_##e

#define OTHER_SOCKETS                                                                                                 \
	.gap = {.domain = MATCH_L4PROTO,                                                                              \
	        .covered = 1ULL << MATCH_L4_TCP | 1ULL << MATCH_L4_UDP,                                               \
	        .rows = TERCEL_POINT_SOCKET_CONNECT,                                                                  \
	        .reason = "connections of raw, SCTP and other sockets that are neither TCP nor UDP do not pass this " \
	                  "point; with fd.l4proto in (tcp, udp) the rule asks for none of them",                      \
	        .effect = "detected, not blocked, on such sockets"}

#define OTHER_SENDS                                                                                               \
	.gap = {.domain = MATCH_L4PROTO,                                                                          \
	        .covered = 0,                                                                                     \
	        .rows = TERCEL_POINT_SOCKET_SENDMSG,                                                              \
	        .reason = "only datagrams that carry an address of their own pass this point: none of connected " \
	                  "sockets, and no other protocol than UDP",                                              \
	        .effect = "detected, not blocked, when sent on connected or other sockets"}

#define REQUEST_GAP                                                                                            \
	.gap = {.domain = MATCH_ARG_KIND,                                                                      \
	        .covered = REQUESTS | 1ULL << REQUEST_TRACEME,                                                 \
	        .reason = "of ptrace's requests only those that begin to trace (PTRACE_ATTACH, PTRACE_SEIZE, " \
	                  "PTRACE_TRACEME) pass a hook",                                                       \
	        .effect = "later requests are detected, not blocked; whoever may not attach cannot make them"}

/* The bits of an open for writing or that creates are not those of an O_PATH open that anybody would make; creat has no
 * flags. */
#define PATH_OPENS                                                                                                     \
	.gap = {.domain = MATCH_BITS,                                                                                  \
	        .covered = 1ULL << MATCH_BIT_OPEN_WRITE | 1ULL << MATCH_BIT_OPEN_EXEC | 1ULL << MATCH_BIT_OPEN_CREATE, \
	        .events = OPENS,                                                                                       \
	        .reason =                                                                                              \
	                "opens with O_PATH, which Falco shows as opens for reading and which give no access to what "  \
	                "is in the file, do not pass this hook",                                                       \
	        .effect = "opens with O_PATH are detected, not blocked"}

static const struct point_info points[TERCEL_POINTS] = {
        [TERCEL_POINT_EXEC_COMMIT] = {.point = TERCEL_POINT_EXEC_COMMIT,
                                      .name = "sched_process_exec",
                                      .act = "the start of a program",
                                      .strength = "kill-before-run",
                                      .backend = POINT_BY_EXEC,
                                      .events = {EV(EXECVE), EV(EXECVEAT)},
                                      .nevents = 2,
                                      OWN(exec_commit_fields)},
        [TERCEL_POINT_CONNECT4] = {.point = TERCEL_POINT_CONNECT4,
                                   .name = "cgroup_connect4",
                                   .act = "an outgoing connection",
                                   CGROUP,
                                   .events = {EV(CONNECT)},
                                   .nevents = 1,
                                   OWN(connect_fields),
                                   CALLER,
                                   OTHER_SOCKETS},
        [TERCEL_POINT_CONNECT6] = {.point = TERCEL_POINT_CONNECT6,
                                   .name = "cgroup_connect6",
                                   .act = "an outgoing connection",
                                   CGROUP,
                                   .events = {EV(CONNECT)},
                                   .nevents = 1,
                                   OWN(connect_fields),
                                   CALLER,
                                   OTHER_SOCKETS},
        [TERCEL_POINT_SENDMSG4] = {.point = TERCEL_POINT_SENDMSG4,
                                   .name = "cgroup_sendmsg4",
                                   .act = "a datagram",
                                   CGROUP,
                                   .events = {EV(SENDTO), EV(SENDMSG), EV(SENDMMSG)},
                                   .nevents = 3,
                                   OWN(sendmsg4_fields),
                                   CALLER,
                                   OTHER_SENDS},
        [TERCEL_POINT_SENDMSG6] = {.point = TERCEL_POINT_SENDMSG6,
                                   .name = "cgroup_sendmsg6",
                                   .act = "a datagram",
                                   CGROUP,
                                   .events = {EV(SENDTO), EV(SENDMSG), EV(SENDMMSG)},
                                   .nevents = 3,
                                   OWN(sendmsg6_fields),
                                   CALLER,
                                   OTHER_SENDS},
        [TERCEL_POINT_EXEC_CHECK] = {.point = TERCEL_POINT_EXEC_CHECK,
                                     .name = "bprm_creds_from_file",
                                     .act = "the start of a program",
                                     LSM,
                                     .events = {EV(EXECVE), EV(EXECVEAT)},
                                     .nevents = 2,
                                     OWN(exec_check_fields)},
        [TERCEL_POINT_FILE_OPEN] = {.point = TERCEL_POINT_FILE_OPEN,
                                    .name = "file_open",
                                    .act = "the opening of a file",
                                    LSM,
                                    .events = {EV(OPEN), EV(OPENAT), EV(OPENAT2), EV(CREAT), EV(OPEN_BY_HANDLE_AT)},
                                    .nevents = 5,
                                    OWN(file_open_fields),
                                    CALLER,
                                    PATH_OPENS},
        [TERCEL_POINT_LINK] = {.point = TERCEL_POINT_LINK,
                               .name = "path_link",
                               .act = "the making of a hard link",
                               LSM,
                               .events = {EV(LINK), EV(LINKAT)},
                               .nevents = 2,
                               OWN(link_fields),
                               CALLER},
        [TERCEL_POINT_SYMLINK] = {.point = TERCEL_POINT_SYMLINK,
                                  .name = "path_symlink",
                                  .act = "the making of a symbolic link",
                                  LSM,
                                  .events = {EV(SYMLINK), EV(SYMLINKAT)},
                                  .nevents = 2,
                                  OWN(symlink_fields),
                                  CALLER},
        [TERCEL_POINT_UNLINK] = {.point = TERCEL_POINT_UNLINK,
                                 .name = "path_unlink",
                                 .act = "the removal of a file",
                                 LSM,
                                 .events = {EV(UNLINK), EV(UNLINKAT)},
                                 .nevents = 2,
                                 OWN(unlink_fields),
                                 CALLER},
        [TERCEL_POINT_RMDIR] = {.point = TERCEL_POINT_RMDIR,
                                .name = "path_rmdir",
                                .act = "the removal of a directory",
                                LSM,
                                .events = {EV(RMDIR), EV(UNLINKAT)},
                                .nevents = 2,
                                OWN(rmdir_fields),
                                CALLER},
        [TERCEL_POINT_RENAME] = {.point = TERCEL_POINT_RENAME,
                                 .name = "path_rename",
                                 .act = "the renaming of a file",
                                 LSM,
                                 .events = {EV(RENAME), EV(RENAMEAT), EV(RENAMEAT2)},
                                 .nevents = 3,
                                 OWN(rename_fields),
                                 CALLER},
        [TERCEL_POINT_MKDIR] = {.point = TERCEL_POINT_MKDIR,
                                .name = "path_mkdir",
                                .act = "the making of a directory",
                                LSM,
                                .events = {EV(MKDIR), EV(MKDIRAT)},
                                .nevents = 2,
                                OWN(mkdir_fields),
                                CALLER},
        [TERCEL_POINT_MKNOD] = {.point = TERCEL_POINT_MKNOD,
                                .name = "path_mknod",
                                .act = "the making of a device, pipe or socket file",
                                LSM,
                                .events = {EV(MKNOD), EV(MKNODAT)},
                                .nevents = 2,
                                OWN(mknod_fields),
                                CALLER},
        [TERCEL_POINT_CHMOD] = {.point = TERCEL_POINT_CHMOD,
                                .name = "path_chmod",
                                .act = "a change of permissions",
                                LSM,
                                .events = {EV(CHMOD), EV(FCHMOD), EV(FCHMODAT)},
                                .nevents = 3,
                                OWN(chmod_fields),
                                CALLER},
        [TERCEL_POINT_CHOWN] = {.point = TERCEL_POINT_CHOWN,
                                .name = "path_chown",
                                .act = "a change of ownership",
                                LSM,
                                .events = {EV(CHOWN), EV(LCHOWN), EV(FCHOWN), EV(FCHOWNAT)},
                                .nevents = 4,
                                OWN(chown_fields),
                                CALLER},
        [TERCEL_POINT_SOCKET] = {.point = TERCEL_POINT_SOCKET,
                                 .name = "socket_create",
                                 .act = "the making of a socket",
                                 LSM,
                                 .events = {EV(SOCKET)},
                                 .nevents = 1,
                                 OWN(socket_fields),
                                 CALLER},
        [TERCEL_POINT_BIND] = {.point = TERCEL_POINT_BIND,
                               .name = "socket_bind",
                               .act = "the binding of a socket to an address",
                               LSM,
                               .events = {EV(BIND)},
                               .nevents = 1,
                               OWN(bind_fields),
                               CALLER},
        [TERCEL_POINT_LISTEN] = {.point = TERCEL_POINT_LISTEN,
                                 .name = "socket_listen",
                                 .act = "listening for connections",
                                 LSM,
                                 .events = {EV(LISTEN)},
                                 .nevents = 1,
                                 OWN(listen_fields),
                                 CALLER},
        [TERCEL_POINT_MOUNT] = {.point = TERCEL_POINT_MOUNT,
                                .name = "sb_mount",
                                .act = "a mount",
                                LSM,
                                .events = {EV(MOUNT)},
                                .nevents = 1,
                                OWN(mount_fields),
                                CALLER},
        [TERCEL_POINT_PTRACE] = {.point = TERCEL_POINT_PTRACE,
                                 .name = "ptrace_access_check",
                                 .act = "the tracing of another process",
                                 LSM,
                                 .events = {EV(PTRACE)},
                                 .nevents = 1,
                                 OWN(ptrace_fields),
                                 CALLER,
                                 REQUEST_GAP},
        [TERCEL_POINT_TRACEME] = {.point = TERCEL_POINT_TRACEME,
                                  .name = "ptrace_traceme",
                                  .act = "a process's wish to be traced",
                                  LSM,
                                  .events = {EV(PTRACE)},
                                  .nevents = 1,
                                  OWN(traceme_fields),
                                  CALLER},
        [TERCEL_POINT_MODULE_FILE] = {.point = TERCEL_POINT_MODULE_FILE,
                                      .name = "kernel_read_file",
                                      .act = "the loading of a kernel module from a file",
                                      LSM,
                                      .events = {EV(FINIT_MODULE)},
                                      .nevents = 1,
                                      OWN(module_file_fields),
                                      CALLER},
        [TERCEL_POINT_MODULE_DATA] = {.point = TERCEL_POINT_MODULE_DATA,
                                      .name = "kernel_load_data",
                                      .act = "the loading of a kernel module from memory",
                                      LSM,
                                      .events = {EV(INIT_MODULE)},
                                      .nevents = 1,
                                      OWN(module_data_fields),
                                      CALLER},
        [TERCEL_POINT_BPF] = {.point = TERCEL_POINT_BPF,
                              .name = "bpf",
                              .act = "a call of bpf",
                              LSM,
                              .events = {EV(BPF)},
                              .nevents = 1,
                              OWN(bpf_fields),
                              CALLER},
        [TERCEL_POINT_KILL] = {.point = TERCEL_POINT_KILL,
                               .name = "task_kill",
                               .act = "a signal to a process",
                               LSM,
                               .events = {EV(KILL), EV(TKILL), EV(TGKILL)},
                               .nevents = 3,
                               OWN(kill_fields),
                               CALLER},
        [TERCEL_POINT_SETUID] = {.point = TERCEL_POINT_SETUID,
                                 .name = "task_fix_setuid",
                                 .act = "a change of the user",
                                 LSM,
                                 .events = {EV(SETUID), EV(SETRESUID)},
                                 .nevents = 2,
                                 OWN(setuid_fields),
                                 CALLER},
        [TERCEL_POINT_USERFAULTFD] = {.point = TERCEL_POINT_USERFAULTFD,
                                      .name = "inode_init_security_anon",
                                      .act = "the making of a userfaultfd",
                                      LSM,
                                      .events = {EV(USERFAULTFD)},
                                      .nevents = 1,
                                      OWN(userfaultfd_fields),
                                      CALLER},
        [TERCEL_POINT_SYSCALL] = {.point = TERCEL_POINT_SYSCALL,
                                  .name = "sys_enter",
                                  .act = "a system call",
                                  .strength = "kill",
                                  .backend = POINT_BY_SYSCALL,
                                  .events = {EV(DUP), EV(DUP2), EV(DUP3), EV(SETNS), EV(UNSHARE), EV(MEMFD_CREATE)},
                                  .nevents = 6,
                                  OWN(syscall_fields),
                                  CALLER},
        [TERCEL_POINT_SOCKET_CONNECT] = {.point = TERCEL_POINT_SOCKET_CONNECT,
                                         .name = "socket_connect",
                                         .act = "an outgoing connection",
                                         LSM,
                                         .events = {EV(CONNECT)},
                                         .nevents = 1,
                                         OWN(socket_connect_fields),
                                         CALLER},
        [TERCEL_POINT_SOCKET_SENDMSG] = {.point = TERCEL_POINT_SOCKET_SENDMSG,
                                         .name = "socket_sendmsg",
                                         .act = "sending on a socket",
                                         LSM,
                                         .events = {EV(SENDTO), EV(SENDMSG), EV(SENDMMSG)},
                                         .nevents = 3,
                                         OWN(socket_sendmsg_fields),
                                         CALLER},
};

/* ---- look-up ----------------------------------------------------------------------------------------------------- */

static const struct point_field missing = {.how = POINT_MISSING};
static const struct point_field lost_descriptor = {.how = POINT_LOST, .events = WITH_FD, .reason = DESCRIPTORS};
static const struct point_field lost_container = {.how = POINT_LOST, .reason = CONTAINERS};
static const struct point_field lost_own = {.how = POINT_LOST, .reason = OWN_FIELDS};
static const struct point_field lost_number = {.how = POINT_LOST, .reason = NUMBERED};
static const struct point_field lost_single = {.how = POINT_LOST, .reason = SINGLE};
static const struct point_field lost_raw = {.how = POINT_LOST, .reason = RAW};
static const struct point_field lost = {
        .how = POINT_LOST,
        .reason = "the programs at this decision point do not read this field",
};

const char *point_backend_name(enum point_backend b)
{
	static const char *const names[POINT_BACKENDS] = {
	        [POINT_BY_EXEC] = "exec-commit",
	        [POINT_BY_CGROUP] = "cgroup",
	        [POINT_BY_LSM] = "lsm",
	        [POINT_BY_SYSCALL] = "syscall",
	};

	return names[(unsigned int)b < POINT_BACKENDS ? b : POINT_BY_EXEC];
}

const struct point_info *point_info(enum tercel_point point)
{
	return &points[(unsigned int)point < TERCEL_POINTS ? point : 0];
}

uint64_t point_events(const struct point_info *point)
{
	uint64_t events = 0;

	for (size_t e = 0; e < point->nevents; e++)
		events |= 1ULL << point->events[e];
	return events;
}

static const struct point_field *find(const struct point_field *rows, size_t n, enum field_id field, const char *arg)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].field == field && (!arg || strcmp(rows[i].arg, arg) == 0))
			return &rows[i];
	return NULL;
}

/* The parameter's row; that of its own name if the point has none. NULL: no event type here has such a parameter. */
static const struct point_field *parameter(const struct point_info *point, const char *arg)
{
	const struct point_field *row = find(point->fields, point->nfields, FIELD_EVT_ARG, arg);

	return row ? row : find(parameters, COUNT_OF(parameters), FIELD_EVT_ARG, arg);
}

static const struct point_field *row_of(const struct point_info *point, enum field_id field, const char *arg)
{
	const struct point_field *row;

	if (field == FIELD_EVT_ARG || field == FIELD_EVT_RAWARG) {
		/* By its number: evt.arg[0]. */
		if (!arg || !((arg[0] >= 'a' && arg[0] <= 'z') || (arg[0] >= 'A' && arg[0] <= 'Z')))
			return &lost_number;
		row = parameter(point, arg);
		return row ? row : &missing;
	}
	if (arg && (field == FIELD_PROC_ARGS || field == FIELD_PROC_ENV))
		return &lost_single;
	row = find(point->fields, point->nfields, field, NULL);
	if (!row)
		row = find(point->common, point->ncommon, field, NULL);
	if (!row)
		row = find(every, COUNT_OF(every), field, NULL);
	if (!row)
		row = find(descriptor, COUNT_OF(descriptor), field, NULL);
	if (row)
		return row;
	switch (field_by_id(field)->in_class) {
	case FIELD_CLASS_FD:
		return &lost_descriptor;
	case FIELD_CLASS_CONTAINER:
	case FIELD_CLASS_K8S:
		return &lost_container;
	case FIELD_CLASS_TERCEL:
		return &lost_own;
	default:
		return &lost;
	}
}

const struct point_field *point_field(const struct point_info *point, enum field_id field, const char *arg)
{
	const struct point_field *row = row_of(point, field, arg);

	if (row->how == POINT_MISSING || (row->events && !(row->events & point_events(point))))
		return &missing;
	return field == FIELD_EVT_RAWARG && arg ? &lost_raw : row;
}

const char *point_event_name(enum match_event e)
{
	return event_names[(unsigned int)e < MATCH_EVENTS ? e : 0];
}

const char *point_parameter(size_t i)
{
	return i < COUNT_OF(parameters) ? parameters[i].arg : NULL;
}

const char *point_how_name(enum point_how how)
{
	static const char *const names[] = {
	        [POINT_LOST] = "lost",
	        [POINT_MISSING] = "missing",
	        [POINT_VALUE] = "value",
	        [POINT_BIT] = "boolean",
	        [POINT_SET] = "set",
	        [POINT_CHOICE] = "choice",
	        [POINT_EITHER_END] = "either-end",
	        [POINT_RANGE] = "range",
	        [POINT_TEXT] = "text",
	        [POINT_AT_LEAST] = "at-least",
	};

	return names[(size_t)how < COUNT_OF(names) ? how : POINT_LOST];
}

/* What is always missing there is no question about containers; how long one runs changes while its answer is kept. */
bool point_is_container_field(enum field_id field)
{
	const struct field_info *info = field_by_id(field);

	if (field_class(info->in_class)->provider != FIELD_FROM_CONTAINER)
		return false;
	switch (field) {
	case FIELD_CONTAINER_ID:
	case FIELD_CONTAINER_START_TS: /* of the process's pid namespace */
	case FIELD_CONTAINER_DURATION:
	case FIELD_PROC_IS_CONTAINER_HEALTHCHECK:
	case FIELD_PROC_IS_CONTAINER_LIVENESS_PROBE:
	case FIELD_PROC_IS_CONTAINER_READINESS_PROBE:
		return false;
	default:
		return true;
	}
}
