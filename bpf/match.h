/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The matcher: the layout of a policy image, and how facts about one operation are judged by it.
 *
 * One source for the kernel programs and for user space (tests, offline use). It must not know fields, rules, maps or
 * kernel structures: only domains of values, atoms (bits), decision graphs and rule indices.
 *
 * An image is one blob of at most TERCEL_IMAGE_MAX bytes, little-endian on little-endian machines (never moved between
 * machines), all offsets counted from its first byte. Every read of it is masked to that capacity, and every loop has a
 * constant bound: an image with any content can neither read outside nor run on. What such an image makes the matcher
 * notice sets match_state.error: nothing may be blocked then. (engine/policy/image.h builds and verifies images.)
 *
 * Knowledge is three-valued. For every atom there are two bits: `t`, it is known to hold; `p`, it may hold. A value
 * that is known whole has t = p. `must` reads t for a positive leaf and not p for a negated one; `may` the other way
 * round.
 *
 * The cost of a decision does not grow with the number of rules: a value that some atom holds for leads to a list of
 * those atoms and of the rules that wait for one of them (their guard); only these are candidates, and only for
 * candidates is looked at anything more. Words of bits are in use from the first time that something sets them, so that
 * nothing has to be cleared either.
 */
#ifndef TERCEL_BPF_MATCH_H
#define TERCEL_BPF_MATCH_H

#include "abi.h"

/* Of a test that breaks the matcher in named ways: it comes with a definition of its own. */
#ifndef MUTATED
#define MUTATED(name) 0
#endif

/* ---- limits: each with what a user is told on reaching it (engine/policy/image.c) ------------------------ */

/* Bytes of an image; a power of two. "policy-too-large: …". */
#define TERCEL_IMAGE_MAX (1U << 21)
/* 64-bit words of atom bits, 8,192 atoms; each domain starts a word. "too-many-atoms". */
#define TERCEL_ATOM_WORDS 128
/* 64-bit words of rule bits, 4,096 rules: as many as a word has bits. "too-many-rules". */
#define TERCEL_RULE_WORDS 64
/* Leaves of one rule's condition after expansion: the longest walk through its graph. "condition-too-long". */
#define TERCEL_GRAPH_STEPS 4096
/* Distance up to which proc.aname[n] and the like are decided; farther ones are lost leaves. */
#define TERCEL_ANCESTOR_LEVELS 15
/* TERCEL_CONTAINER_WORDS of abi.h: 64-bit words of what conditions ask about containers and pods.
 * "too-many-container-conditions". */
/* Rules that decide one operation and are reported for it; more are counted as dropped verdicts, and still block. */
#define TERCEL_HITS_MAX 32

/* Bytes of a short text where decisions keep it: comm, a short container id, a user's name. */
#define MATCH_SHORT 32
/* What the text spans of the facts point into; a power of two. */
#define MATCH_TEXT_MAX TERCEL_RECORD_MAX
#define MATCH_SEARCH_STEPS 20
/* Automata of one text domain. */
#define MATCH_AUTOMATA 8

/* ---- domains -------------------------------------------------------------------------------------------- */

/* A domain is a set of values that atoms ask about. The order fixes which texts and numbers belong to it. */
enum match_domain {
	/* texts: match_facts.text[domain] */
	MATCH_NAME = 0,       /* proc.name: comm */
	MATCH_CONTAINER = 1,  /* container.id */
	MATCH_USER_NAME = 2,  /* user.name */
	MATCH_LOGIN_NAME = 3, /* user.loginname */
	MATCH_EXEPATH = 4,    /* proc.exepath */
	MATCH_CWD = 5,        /* proc.cwd, without the slash that Falco ends it with: the matcher adds it */
	MATCH_PATH = 6,       /* of the file that is acted upon; of link and rename the old one */
	MATCH_NEWPATH = 7,    /* of link and rename */
	MATCH_TARGET = 8,     /* of symlink, as requested */
	MATCH_ENV = 9,        /* proc.env: the environment, each variable ended by a NUL */
	/* three views of one span, the arguments, argv[0] first, each ended by a NUL; joined by blanks without the last
	 * NUL */
	MATCH_EXE = 10,     /* argv[0] */
	MATCH_ARGS = 11,    /* all others */
	MATCH_CMDLINE = 12, /* the name, and if there are others a blank and them */
	/* texts of ancestors; atoms are bound to a distance or to none */
	MATCH_ANAME = 13,
	MATCH_AEXE = 14,
	MATCH_AEXEPATH = 15,
	MATCH_ACMDLINE = 16,
	/* numbers: match_facts.number[domain - MATCH_UID]; signed ones by match_signed() */
	MATCH_UID = 17,
	MATCH_GID = 18,
	MATCH_LOGINUID = 19, /* signed */
	MATCH_TTY = 20,
	MATCH_PID = 21, /* signed, as all ids of processes */
	MATCH_VPID = 22,
	MATCH_PPID = 23,
	MATCH_SID = 24,
	MATCH_VPGID = 25,
	MATCH_DURATION = 26, /* ns since the process was made */
	MATCH_PORT = 27,     /* of the peer */
	MATCH_ADDR4 = 28,    /* of the peer */
	MATCH_ADDR6 = 29,    /* 128 bits; its atoms are those of MATCH_ADDR4 */
	/* Of the local end, for atoms of which all ranges are loopback or unspecified addresses: that much is known of
	 * an address that the kernel has yet to choose. */
	MATCH_LOCAL4 = 30,
	MATCH_LOCAL6 = 31, /* its atoms are those of MATCH_LOCAL4 */
	MATCH_ARG_ID = 32, /* the user or group id that a call asks for */
	MATCH_RESULT = 33, /* signed: the result that an argument fixes (dup2's new descriptor) */
	/* sets: each bit of the number has its list */
	MATCH_BITS = 34,      /* enum match_bit; some may be unknown by themselves */
	MATCH_CAPS_E = 35,    /* effective capabilities */
	MATCH_CAPS_P = 36,    /* permitted */
	MATCH_CAPS_I = 37,    /* inheritable */
	MATCH_ARG_FLAGS = 38, /* evt.arg.flags in Falco's bits, those of the call's own kind */
	MATCH_ARG_MODE = 39,  /* evt.arg.mode in Falco's bits */
	/* choices: sets of which one bit is set */
	MATCH_EVENT = 40,    /* enum match_event */
	MATCH_FD_TYPE = 41,  /* enum match_fd_type: fd.type, fd.typechar */
	MATCH_L4PROTO = 42,  /* enum match_l4proto */
	MATCH_ARG_KIND = 43, /* what the call chooses: socket's domain, ptrace's request, bpf's command, a signal */
	/* what user space has found out: match_facts.container */
	MATCH_CONTAINER_FACTS = 44,
	MATCH_DOMAINS = 45,
	MATCH_TEXTS = MATCH_ANAME,
	MATCH_NUMBERS = MATCH_CONTAINER_FACTS - MATCH_UID,
	/* Room in the layout for domains to come; domain sets are words of 64 bits. */
	MATCH_DOMAIN_ROOM = 64,
};

/* Bits of MATCH_BITS. */
enum match_bit {
	MATCH_BIT_EXE_UPPER = 0, /* proc.is_exe_upper_layer */
	MATCH_BIT_EXE_LOWER = 1,
	MATCH_BIT_EXE_MEMFD = 2,
	MATCH_BIT_EXE_WRITABLE = 3,
	MATCH_BIT_OPEN_READ = 4, /* evt.is_open_read and so on, for opens */
	MATCH_BIT_OPEN_WRITE = 5,
	MATCH_BIT_OPEN_EXEC = 6,
	MATCH_BIT_OPEN_CREATE = 7,
	MATCH_BIT_VPGID_LEADER = 8,
	MATCH_BIT_SID_LEADER = 9,
	MATCH_BIT_CONNECTED = 10, /* fd.connected */
};

/* Bits of MATCH_EVENT: Falco's event types. Named in engine/policy/points.c. */
enum match_event {
	MATCH_EVENT_EXECVE = 0,
	MATCH_EVENT_EXECVEAT,
	MATCH_EVENT_CONNECT,
	MATCH_EVENT_SENDTO,
	MATCH_EVENT_SENDMSG,
	MATCH_EVENT_SENDMMSG,
	MATCH_EVENT_OPEN,
	MATCH_EVENT_OPENAT,
	MATCH_EVENT_OPENAT2,
	MATCH_EVENT_CREAT,
	MATCH_EVENT_OPEN_BY_HANDLE_AT,
	MATCH_EVENT_LINK,
	MATCH_EVENT_LINKAT,
	MATCH_EVENT_SYMLINK,
	MATCH_EVENT_SYMLINKAT,
	MATCH_EVENT_UNLINK,
	MATCH_EVENT_UNLINKAT,
	MATCH_EVENT_RMDIR,
	MATCH_EVENT_RENAME,
	MATCH_EVENT_RENAMEAT,
	MATCH_EVENT_RENAMEAT2,
	MATCH_EVENT_MKDIR,
	MATCH_EVENT_MKDIRAT,
	MATCH_EVENT_MKNOD,
	MATCH_EVENT_MKNODAT,
	MATCH_EVENT_CHMOD,
	MATCH_EVENT_FCHMOD,
	MATCH_EVENT_FCHMODAT,
	MATCH_EVENT_CHOWN,
	MATCH_EVENT_LCHOWN,
	MATCH_EVENT_FCHOWN,
	MATCH_EVENT_FCHOWNAT,
	MATCH_EVENT_SOCKET,
	MATCH_EVENT_BIND,
	MATCH_EVENT_LISTEN,
	MATCH_EVENT_MOUNT,
	MATCH_EVENT_PTRACE,
	MATCH_EVENT_INIT_MODULE,
	MATCH_EVENT_FINIT_MODULE,
	MATCH_EVENT_BPF,
	MATCH_EVENT_KILL,
	MATCH_EVENT_TKILL,
	MATCH_EVENT_TGKILL,
	MATCH_EVENT_SETUID,
	MATCH_EVENT_SETRESUID,
	MATCH_EVENT_USERFAULTFD,
	MATCH_EVENT_DUP,
	MATCH_EVENT_DUP2,
	MATCH_EVENT_DUP3,
	MATCH_EVENT_SETNS,
	MATCH_EVENT_UNSHARE,
	MATCH_EVENT_MEMFD_CREATE,
	MATCH_EVENTS,
};

_Static_assert(MATCH_EVENTS <= 64, "one bit each");

/* In MATCH_LOCAL4 and both halves of MATCH_LOCAL6: an address that is neither loopback nor unspecified. */
#define MATCH_LOCAL_ORDINARY 0x01010101

enum match_fd_type {
	MATCH_FD_FILE = 0,
	MATCH_FD_DIRECTORY,
	MATCH_FD_IPV4,
	MATCH_FD_IPV6,
	MATCH_FD_UNIX,
	MATCH_FD_OTHER,
	MATCH_FD_TYPES,
};

enum match_l4proto {
	MATCH_L4_TCP = 0,
	MATCH_L4_UDP,
	MATCH_L4_ICMP,
	MATCH_L4_RAW,
	MATCH_L4_NONE, /* "<NA>" */
	MATCH_L4PROTOS,
};

/* The alphabet of a text domain: 256 bytes and three marks are mapped to classes; these are fixed. */
#define MATCH_CLASS_REPORT 0 /* no byte's: a place in the row of a state that reports */
#define MATCH_CLASS_OTHER 1
#define MATCH_CLASS_BEGIN 2
#define MATCH_CLASS_END 3
#define MATCH_CLASS_END_DIR 4 /* the end of the directory of a path */
#define MATCH_CLASS_FIRST 5
#define MATCH_STATE_REPORTS (1U << 31)

/* ---- layout --------------------------------------------------------------------------------------------- */

#define TERCEL_IMAGE_MAGIC 0x4c435254 /* "TRCL" */
#define TERCEL_IMAGE_VERSION 3

/*
 * A list: how many words of atom bits and of rule bits, then pairs (mask, word index) of the ones, then of the others.
 * Offset 0 is the empty list.
 */
struct match_list_head {
	__u32 atoms, rules;
};

struct match_pair {
	__u64 mask, word;
};

/*
 * An automaton (engine/policy/automaton.h) in the image: a state is the offset of its row, a row's places are pairs
 * (check, next) of __u32 for each class, and what it reports is the offset of a list.
 */
struct match_automaton {
	__u32 classes; /* bytes, 256 */
	__u32 root;    /* __u32 for each class */
	__u32 start;
	__u32 guards; /* 1: some rule waits for one of its atoms */
};

/*
 * Texts: `tables` is an array of `count` automata. Numbers: `count` keys, pairs (high, low) of __u64 in ascending
 * order, the first {0, 0}, at `tables`; `lists` has one __u32 for each: the list of the values from this key up to the
 * next. Sets and choices: `lists` has 64.
 */
struct match_domain_table {
	__u32 first_word, words; /* where its atoms' bits are */
	__u32 tables, count;
	__u32 lists;
	__u32 guarded; /* a list of the rules that wait for one of its atoms */
	__u64 waited;  /* sets: the bits of which some rule waits for */
	/*
	 * Numbers: the keys are few in most of `buckets` equal parts of the numbers from `base` on, 1 << shift each;
	 * what is below is in the first part, what is above in the last. `index`: __u32 for each part and one more, the
	 * last key before it.
	 */
	__u64 base;
	__u32 index, buckets, shift;
	__u32 pad[3];
};

struct match_rule {
	__u32 mode;         /* enum tercel_mode */
	__u32 action;       /* enum tercel_action */
	__u32 on_uncertain; /* enum match_on_uncertain */
	__u32 error;        /* what an act fails with that it denies: errno, 1 … 4095 */
};

enum match_on_uncertain {
	MATCH_ON_UNCERTAIN_AUDIT = 0,
	MATCH_ON_UNCERTAIN_ALLOW = 1, /* not even reported; counted */
	MATCH_ON_UNCERTAIN_DENY = 2,
};

struct match_point {
	__u64 guards;  /* 1 << enum match_domain: what has to be looked at to find candidates here */
	__u64 domains; /* all that some rule asks about here */
	__u32 rules;   /* offset of a rule bit set, rule_words: those whose must is not false here; 0: no rule */
	__u32 always;  /* offset of a list of rules: those without a guard here */
	__u32 must;    /* offset of __u32 for each rule: root nodes; 0: never, 1: always */
	__u32 may;
};

struct match_header {
	__u32 magic, version;
	__u64 checksum; /* FNV-1a over the image with this field zero; verified before loading, not for each decision */
	__u32 size;
	__u32 generation;
	__u32 atom_words, rule_words, rules, nodes;
	__u32 rule_table; /* struct match_rule[] */
	__u32 node_table; /* __u64[]: see match_node() */
	__u32 levels;     /* __u64[1 + TERCEL_ANCESTOR_LEVELS][atom_words]: atoms without a distance, of distance n */
	__u32 protected_atom; /* bit + 1 of the atom "a protected program"; 0: none */
	__u32 ancestor_texts; /* distance up to which more than names of ancestors is asked about */
	__u32 containers;     /* conditions on containers: atoms of MATCH_CONTAINER_FACTS */
	struct match_point points[32];
	struct match_domain_table domains[MATCH_DOMAIN_ROOM];
};

_Static_assert(sizeof(struct match_domain_table) == 64, "layout of the image");
_Static_assert(sizeof(struct match_rule) == 16, "layout of the image");
_Static_assert(sizeof(struct match_point) == 32, "layout of the image");
_Static_assert(sizeof(struct match_header) == 64 + 32 * 32 + 64 * 64, "layout of the image");
_Static_assert(TERCEL_POINTS <= 32, "layout of the image");

/* A node: atom (16 bits), negated (1), next node if the leaf holds (23), if not (23). Nodes 0 and 1 are the answers. */
#define MATCH_NODE_NEGATED_SHIFT 16
#define MATCH_NODE_NEGATED (1ULL << MATCH_NODE_NEGATED_SHIFT)
#define MATCH_NODE_THEN_SHIFT 17
#define MATCH_NODE_ELSE_SHIFT 40
#define MATCH_NODE_MASK 0x7fffffULL

static inline __u64 match_node(__u32 atom, int negated, __u32 then, __u32 other)
{
	return atom | (negated ? MATCH_NODE_NEGATED : 0) | (__u64)then << MATCH_NODE_THEN_SHIFT |
	       (__u64)other << MATCH_NODE_ELSE_SHIFT;
}

#ifndef __bpf__
/* For user space: the checksum of an image of at least a header's size. */
static inline __u64 match_checksum(const __u8 *image, __u32 size)
{
	const __u32 at = (__u32) __builtin_offsetof(struct match_header, checksum);
	__u64 hash = 0xcbf29ce484222325ULL;

	for (__u32 i = 0; i < size; i++)
		hash = (hash ^ (i >= at && i < at + 8 ? 0 : image[i])) * 0x100000001b3ULL;
	return hash;
}

/* For loaders: whether these are the bytes of a whole image of this version. The matcher itself is safe with any. */
static inline int match_image_is_whole(const void *image, __u64 size)
{
	const struct match_header *h = (const struct match_header *)image;

	return size >= sizeof(*h) && size <= TERCEL_IMAGE_MAX && h->magic == TERCEL_IMAGE_MAGIC &&
	       h->version == TERCEL_IMAGE_VERSION && h->size == size &&
	       h->checksum == match_checksum((const __u8 *)image, (__u32)size);
}
#endif

/* ---- facts: what is known of one operation, and what is not ---------------------------------------------- */

#define MATCH_BIT_OF(domain) (1ULL << (domain))

struct match_facts {
	/* 1 << enum match_domain. Neither: the value is known whole. */
	__u64 missing;      /* has no value: every comparison is false */
	__u64 cut;          /* texts: what is given is the beginning, the rest unknown */
	__u64 unknown;      /* nothing is known */
	__u64 bits_unknown; /* of MATCH_BITS: the bits that are not known */
	__u32 on_host;      /* 1: in no container and no namespace of its own: only there do paths protect */
	__u32 unseen;       /* 1: Falco may see no event at all: no rule matches for certain */
	__u32 path_cut;     /* 1: the executable's path is unknown because it is too long: it may be protected */
	__u32 pad;
	__u64 number[MATCH_NUMBERS]; /* signed ones with match_signed(); an IPv4 address in host byte order */
	/* MATCH_ADDR6, MATCH_LOCAL6: the upper half, host byte order; the lower one is in number[] */
	__u64 addr6_high, local6_high;
	/* MATCH_CONTAINER_FACTS: answers, and which of them are not known */
	__u64 container[TERCEL_CONTAINER_WORDS];
	__u64 container_unknown[TERCEL_CONTAINER_WORDS];
	/* In the text, whose last 64 bytes are in no span; of EXE, ARGS and CMDLINE only the last is looked at. */
	struct tercel_span text[MATCH_TEXTS];
	__u32 directory[2]; /* of PATH and NEWPATH: how many bytes are the directory */
};

/* An ancestor; its spans are in the text, too. */
struct match_ancestor {
	__u64 missing, cut, unknown;      /* of MATCH_AEXE, MATCH_AEXEPATH and MATCH_ACMDLINE */
	struct tercel_span thread;        /* name of the thread that is the parent: any-ancestor asks about it */
	struct tercel_span leader;        /* of that thread's group leader: a distance asks about it */
	struct tercel_span exepath, args; /* args: as MATCH_CMDLINE's */
	__u32 thread_unknown;             /* 1: the thread's name is not known */
	__u32 pad;
};

/* Keeps the order of signed numbers. */
static inline __u64 match_signed(__s64 v)
{
	return (__u64)v ^ (1ULL << 63);
}

/* ---- state: scratch memory of one decision ---------------------------------------------------------------- */

struct match_hit {
	__u32 rule;
	__u32 certain; /* 1: must holds; 0: it might, but something is not known */
};

/* Which automata of a domain are walked. */
enum match_part {
	MATCH_PART_ALL = 0,
	MATCH_PART_GUARDS, /* those that candidates come from */
	MATCH_PART_REST,   /* the others */
};

/* What a walk has besides the text. */
enum match_extra {
	MATCH_EXTRA_BEFORE = 1 << 0,    /* `before`, then a blank if there is a text, then the text */
	MATCH_EXTRA_DIRECTORY = 1 << 1, /* the mark of the directory's end after `directory` bytes */
	MATCH_EXTRA_SLASH = 1 << 2,     /* a slash after the text */
};

/* What a walk over a text is of. */
struct match_walked {
	struct tercel_span text, before;
	__u32 extras; /* enum match_extra */
	__u32 directory;
	__u32 whole; /* 0: the text goes on, nobody knows how */
};

/* Reports that a walk may gather before it looks at them: those of one block of bytes, and those of marks. */
#define MATCH_QUEUE 256

struct match_state {
	/* Words of bits, t and then p; what is not in use is zero, whatever stands there. */
	__u64 bits[2][TERCEL_ATOM_WORDS];
	__u64 used[TERCEL_ATOM_WORDS / 64];
	__u64 candidates[TERCEL_RULE_WORDS];
	__u64 pending; /* words of candidates in use */
	__u64 unknown; /* 1 << enum match_domain: atoms of these have p without t */
	__u64 todo;    /* domains or bits that a loop has left */
	__u64 left;    /* domains of which not all automata were walked */
	__u64 guards;  /* the point's: domains that candidates come from */
	__u64 key_high, key_low;
	__u32 error; /* not 0: the image is damaged; nothing may be blocked */
	__u32 dfa;
	__u32 low, high;
	__u32 node;
	__u32 open_from, open_to; /* words of atoms of which nothing is known as yet */
	__u32 arguments;          /* bytes of the arguments up to and with the first NUL; ~0: not looked for yet */
	__u32 hits, hits_lost;
	__u32 uncertain;  /* 1: some rule might have matched */
	__u32 protected_; /* 1: the program is protected, or may be: whatever a rule asks for is withheld */
	__u32 action;     /* the strongest of all that is certain and enforced: enum tercel_action */
	struct match_hit hit[TERCEL_HITS_MAX];
	__u32 candidates_known; /* 1: all domains that candidates come from were looked at */
	__u32 sifting;          /* 1: candidates are only dropped */
	__u32 answer;           /* enum match_answer, of the candidate that is looked at */
	__u32 acts;             /* enum tercel_action that it asks for, if stronger than those before */
	__u32 deny_error;       /* errno of the rule whose action it is; 0: of none */
	/* What the loops are in. */
	__u32 rules; /* offset of this point's rule bit set */
	/* The list that is open: where its next pair is, and how many of atoms and of rules are left. */
	__u32 list, list_atoms, list_rules;
	__u32 allow[2]; /* offsets of atom bit sets that restrict lists; both 0: no restriction */
	__u32 possible; /* 1: what a list says may hold, no more */
	__u32 domain;
	__u32 keys;          /* of a number domain; the lists of a set */
	__u32 classes, root; /* of the automaton that is walked */
	__u32 off;           /* of the text that is left */
	struct match_walked walked;
	__u32 part;     /* enum match_part */
	__u32 distance; /* of the ancestor that is looked at, minus 1 */
	__u32 rule;     /* the candidate that is looked at */
	__u32 walk_possible;
	/* States that reported and were not looked at yet. */
	__u32 queued;
	__u32 queue[MATCH_QUEUE];
};

/* ---- loops and reads ---------------------------------------------------------------------------------------- */

#ifdef __bpf__
#define match_loop(count, callback, ctx) bpf_loop((count), (callback), (ctx), 0)
/* Keeps the compiler from proving a mask away that the verifier needs to see. */
#define match_opaque(x) __asm__ volatile("" : "+r"(x))
/* What was stored is read again: to the verifier it then is any number, and paths that differ in it become one. */
#define match_forget() __asm__ volatile("" ::: "memory")
#define MATCH_UNROLL _Pragma("clang loop unroll(full)")
#define MATCH_CALLBACK static int
/* Verified once, by itself, and not for each call of it. */
#define MATCH_GLOBAL __attribute__((noinline)) int
#else
#define MATCH_CALLBACK static inline int
#define MATCH_GLOBAL static inline int
#define match_opaque(x) ((void)0)
#define match_forget() ((void)0)
#define MATCH_UNROLL
static inline void match_loop(__u32 count, int (*callback)(__u32, void *), void *ctx)
{
	for (__u32 i = 0; i < count; i++)
		if (callback(i, ctx))
			return;
}
#endif
#define MATCH_INLINE static inline __attribute__((always_inline))

MATCH_INLINE __u8 match_u8(const __u8 *image, __u32 off)
{
	__u64 at = off;

	match_opaque(at);
	return image[at & (TERCEL_IMAGE_MAX - 1)];
}

MATCH_INLINE __u32 match_u32(const __u8 *image, __u32 off)
{
	__u64 at = off;

	match_opaque(at);
	return *(const __u32 *)(image + (at & (TERCEL_IMAGE_MAX - 4)));
}

MATCH_INLINE __u64 match_u64(const __u8 *image, __u32 off)
{
	__u64 at = off;

	match_opaque(at);
	return *(const __u64 *)(image + (at & (TERCEL_IMAGE_MAX - 8)));
}

#define match_header_of(image) ((const struct match_header *)(image))

/* By the six upper bits of a power of two times MATCH_DEBRUIJN, in which every six bits in a row are others. */
#define MATCH_DEBRUIJN 0x03f79d71b4cb0a89ULL
static const __u8 match_bit_numbers[64] = {
        0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,  62, 55, 59, 36, 53, 51,
        43, 22, 45, 39, 33, 30, 24, 18, 12, 5,  63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
        44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6,
};

/* The number of the lowest set bit of a word that is not 0; BPF has no instruction for it before version 4. */
MATCH_INLINE __u32 match_lowest_bit(__u64 word)
{
	__u64 index = (word & -word) * MATCH_DEBRUIJN >> 58;

	match_opaque(index);
	return match_bit_numbers[index & 63];
}

/* The length of a comm: at most 15 bytes; what follows its NUL is not part of it. */
MATCH_INLINE __u32 match_strnlen(const char *s)
{
	__u32 len = 0;

	MATCH_UNROLL
	for (__u32 i = 0; i < TERCEL_COMM_LEN; i++) {
		if (!s[i])
			break;
		len = i + 1;
	}
	return len;
}

/* ---- one decision ------------------------------------------------------------------------------------------- */

/*
 * The caller sets image (TERCEL_IMAGE_MAX readable bytes), st, facts, text (MATCH_TEXT_MAX bytes) and point. Pointers
 * alone: what changes is in the state, where the verifier takes it for any number. On the stack it would follow every
 * loop for each value.
 */
struct match_ctx {
	const __u8 *image;
	struct match_state *st;
	const struct match_facts *facts;
	const __u8 *text;
	const struct match_ancestor *ancestor; /* the matcher's own: the one that is looked at */
	__u32 point;
};

#define match_point_field(m, member)                                                          \
	match_u32((m)->image, (__u32) __builtin_offsetof(struct match_header, points) +       \
	                              ((m)->point & 31) * (__u32)sizeof(struct match_point) + \
	                              (__u32) __builtin_offsetof(struct match_point, member))
#define match_point_domains(m, member)                                                        \
	match_u64((m)->image, (__u32) __builtin_offsetof(struct match_header, points) +       \
	                              ((m)->point & 31) * (__u32)sizeof(struct match_point) + \
	                              (__u32) __builtin_offsetof(struct match_point, member))
#define match_table_field(m, domain, member)                                                                \
	match_u32((m)->image,                                                                               \
	          (__u32) __builtin_offsetof(struct match_header, domains) +                                \
	                  ((domain) & (MATCH_DOMAIN_ROOM - 1)) * (__u32)sizeof(struct match_domain_table) + \
	                  (__u32) __builtin_offsetof(struct match_domain_table, member))

#define match_table_word(m, domain, member)                                                                 \
	match_u64((m)->image,                                                                               \
	          (__u32) __builtin_offsetof(struct match_header, domains) +                                \
	                  ((domain) & (MATCH_DOMAIN_ROOM - 1)) * (__u32)sizeof(struct match_domain_table) + \
	                  (__u32) __builtin_offsetof(struct match_domain_table, member))

/* Makes a word of atoms ready for use. */
MATCH_INLINE __u32 match_touch(struct match_state *st, __u32 word)
{
	word &= TERCEL_ATOM_WORDS - 1;
	if (!(st->used[word / 64] >> (word & 63) & 1)) {
		st->used[word / 64] |= 1ULL << (word & 63);
		st->bits[0][word] = 0;
		st->bits[1][word] = 0;
	}
	return word;
}

MATCH_INLINE void match_add_atoms(struct match_ctx *m, __u64 mask, __u32 word)
{
	struct match_state *st = m->st;

	if (m->st->allow[0] | m->st->allow[1])
		mask &= (m->st->allow[0] ? match_u64(m->image, m->st->allow[0] + word * 8) : 0) |
		        (m->st->allow[1] ? match_u64(m->image, m->st->allow[1] + word * 8) : 0);
	word = match_touch(st, word);
	st->bits[1][word] |= mask;
	if (!m->st->possible)
		st->bits[0][word] |= mask;
}

MATCH_INLINE void match_add_rules(struct match_ctx *m, __u64 mask, __u32 word)
{
	struct match_state *st = m->st;

	word &= TERCEL_RULE_WORDS - 1;
	mask &= match_u64(m->image, m->st->rules + word * 8);
	if (!mask)
		return;
	if (!(st->pending >> word & 1))
		st->candidates[word] = 0;
	st->pending |= 1ULL << word;
	st->candidates[word] |= mask;
}

/* Opens a list: its pairs are to be taken in next. Offset 0 has none. */
MATCH_INLINE void match_open_list(struct match_ctx *m, __u32 off)
{
	struct match_state *st = m->st;
	__u32 atoms, rules;

	if (!off)
		return;
	atoms = match_u32(m->image, off);
	rules = match_u32(m->image, off + 4);
	if (atoms > TERCEL_ATOM_WORDS || rules > TERCEL_RULE_WORDS) {
		st->error = 1;
		return;
	}
	st->list = off + 8;
	st->list_atoms = atoms;
	st->list_rules = rules;
}

/*
 * Each step takes in one pair of the list that is open: its atoms hold, its rules are candidates. When none is left, it
 * opens the list of one of the reports. One loop for both, as the kernel allows no more than eight calls in each other.
 */
MATCH_CALLBACK match_list_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	struct match_state *st = m->st;
	__u64 mask;
	__u32 word;

	(void)i;
	if (!(st->list_atoms | st->list_rules)) {
		if (!st->queued)
			return 1;
		st->queued--;
		match_open_list(
		        m, match_u32(m->image, st->queue[st->queued & (MATCH_QUEUE - 1)] + MATCH_CLASS_REPORT * 8 + 4));
		return 0;
	}
	mask = match_u64(m->image, st->list);
	word = (__u32)match_u64(m->image, st->list + 8);
	st->list += 16;
	if (st->list_atoms) {
		st->list_atoms--;
		match_add_atoms(m, mask, word);
	} else {
		st->list_rules--;
		match_add_rules(m, mask, word);
	}
	return 0;
}

#define MATCH_LIST_STEPS (TERCEL_ATOM_WORDS + TERCEL_RULE_WORDS + 1)

/* Takes in a list. Nothing is in the queue. */
MATCH_INLINE int match_list(struct match_ctx *m, __u32 off)
{
	match_open_list(m, off);
	if (off)
		match_loop(MATCH_LIST_STEPS, match_list_step, m);
	return 0;
}

MATCH_CALLBACK match_possible_step(__u32 i, void *p)
{
	struct match_ctx *m = p;

	match_add_atoms(m, ~0ULL, m->st->low + i);
	return 0;
}

/* Any atom of this domain may hold (of those that m->st->allow lets through). */
MATCH_INLINE int match_possible(struct match_ctx *m, __u32 domain)
{
	__u32 words = match_table_field(m, domain, words), possible = m->st->possible;

	m->st->low = match_table_field(m, domain, first_word);
	if (words > TERCEL_ATOM_WORDS) {
		m->st->error = 1;
		return 0;
	}
	if (!words)
		return 0;
	m->st->unknown |= MATCH_BIT_OF(domain & 63);
	m->st->possible = 1;
	match_loop(words, match_possible_step, m);
	match_list(m, match_table_field(m, domain, guarded));
	m->st->possible = possible;
	return 0;
}

/* ---- texts -------------------------------------------------------------------------------------------------- */

/* Reports are looked at in one place, where the verifier has to follow what comes of them only once. */
MATCH_INLINE __u32 match_enter(struct match_ctx *m, __u32 state)
{
	struct match_state *st = m->st;

	if (state & MATCH_STATE_REPORTS) {
		state &= ~MATCH_STATE_REPORTS;
		st->queue[st->queued & (MATCH_QUEUE - 1)] = state;
		st->queued++;
	}
	return state;
}

/* Takes in the lists of all states that have reported. */
MATCH_INLINE int match_reports(struct match_ctx *m)
{
	if (m->st->queued)
		match_loop(MATCH_QUEUE * MATCH_LIST_STEPS, match_list_step, m);
	m->st->queued = 0;
	return 0;
}

/* The check of a place and the state that it leads to, in one load. */
MATCH_INLINE __u64 match_place(const __u8 *image, __u32 off)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return match_u64(image, off);
#else
	return (__u64)match_u32(image, off + 4) << 32 | match_u32(image, off);
#endif
}

/* The state after a class of bytes; if it reports, that is put in the queue. What a byte waits for is the state before
 * it: nothing is computed in between but the place in the row. */
MATCH_INLINE __u32 match_class(struct match_ctx *m, __u32 state, __u32 class)
{
	__u64 place = match_place(m->image, state + class * 8);
	__u32 next = (__u32)(place >> 32);

	if ((__u32)place != state)
		next = match_u32(m->image, m->st->root + class * 4);
	return match_enter(m, next);
}

MATCH_INLINE __u8 match_text_at(const struct match_ctx *m, __u32 off)
{
	__u64 at = off;

	match_opaque(at);
	return m->text[at & (MATCH_TEXT_MAX - 1)];
}

/* Bytes that one step of the loop over a text takes: a call for each would cost as much as the look-up. */
#define MATCH_BLOCK 32

/* `n` bytes from `text` on, n a constant. */
MATCH_INLINE __u32 match_bytes(struct match_ctx *m, __u32 state, __u32 classes, const __u8 *text, __u32 n)
{
	MATCH_UNROLL
	for (__u32 k = 0; k < n; k++)
		state = match_class(m, state, match_u8(m->image, classes + text[k]));
	return state;
}

/* A whole block. */
MATCH_CALLBACK match_block_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	__u32 state = m->st->dfa, classes = m->st->classes;
	__u64 at = (m->st->off + i * MATCH_BLOCK) & (MATCH_TEXT_MAX - 1);
	match_opaque(at);
	if (at > MATCH_TEXT_MAX - MATCH_BLOCK) {
		m->st->error = 1;
		return 1;
	}
	m->st->dfa = match_bytes(m, state, classes, m->text + at, MATCH_BLOCK);
	match_reports(m);
	return 0;
}

/* Of the bytes behind the last whole block those that the bit of their number says, from *done on. */
#define MATCH_TAIL(bit)                                                             \
	do {                                                                        \
		if (left & (bit)) {                                                 \
			state = match_bytes(m, state, classes, text + done, (bit)); \
			done += (bit);                                              \
			match_opaque(done);                                         \
			done &= MATCH_BLOCK - 1;                                    \
		}                                                                   \
	} while (0)

/*
 * What is left of a text behind its last whole block, fewer bytes than a block has. No call: kernels that guard their
 * returns (safe RET) pay more for one than for some bytes.
 */
MATCH_INLINE void match_tail(struct match_ctx *m, __u32 off, __u32 left)
{
	__u32 state = m->st->dfa, classes = m->st->classes;
	__u64 at = off & (MATCH_TEXT_MAX - 1), done = 0;
	const __u8 *text;

	match_opaque(at);
	if (at > MATCH_TEXT_MAX - 2 * MATCH_BLOCK) {
		m->st->error = 1;
		return;
	}
	text = m->text + at;
	MATCH_TAIL(16);
	MATCH_TAIL(8);
	MATCH_TAIL(4);
	MATCH_TAIL(2);
	MATCH_TAIL(1);
	m->st->dfa = state;
}

MATCH_INLINE void match_feed(struct match_ctx *m, __u32 off, __u32 len)
{
	if (len > MATCH_TEXT_MAX)
		len = MATCH_TEXT_MAX;
	if (len >= MATCH_BLOCK) {
		m->st->off = off;
		match_forget();
		match_loop(len / MATCH_BLOCK, match_block_step, m);
		match_forget();
	}
	if (len % MATCH_BLOCK)
		match_tail(m, off + len / MATCH_BLOCK * MATCH_BLOCK, len % MATCH_BLOCK);
}

MATCH_CALLBACK match_find_nul(__u32 i, void *p)
{
	struct match_ctx *m = p;

	m->st->arguments = i + 1;
	return match_text_at(m, m->st->off + i) == 0;
}

/* Sets st->arguments for a span of arguments. */
MATCH_INLINE int match_split(struct match_ctx *m, __u32 off, __u32 len)
{
	m->st->arguments = 0;
	m->st->off = off;
	match_loop(len < MATCH_TEXT_MAX ? len : MATCH_TEXT_MAX, match_find_nul, m);
	return 0;
}

/* The text, with what comes before, in and after it. */
MATCH_INLINE void match_feed_extras(struct match_ctx *m)
{
	struct match_state *st = m->st;
	struct match_walked *w = &st->walked;
	__u32 directory = 0;

	if (w->extras & MATCH_EXTRA_BEFORE) {
		match_feed(m, w->before.off, w->before.len);
		if (w->text.len)
			st->dfa = match_class(m, st->dfa, match_u8(m->image, st->classes + ' '));
	}
	if (w->extras & MATCH_EXTRA_DIRECTORY && w->whole && w->directory <= w->text.len) {
		directory = w->directory;
		match_feed(m, w->text.off, directory);
		match_class(m, st->dfa, MATCH_CLASS_END_DIR);
	}
	match_feed(m, w->text.off + directory, w->text.len - directory);
	if (w->extras & MATCH_EXTRA_SLASH)
		st->dfa = match_class(m, st->dfa, match_u8(m->image, st->classes + '/'));
}

/* What the verifier can be told of the sizes of image and text when they are given to a global function. */
struct match_image_bytes {
	__u8 bytes[TERCEL_IMAGE_MAX];
};

struct match_text_bytes {
	__u8 bytes[MATCH_TEXT_MAX];
};

/*
 * Walks the automaton at offset `at` over st->walked. A global function: the verifier follows its loops over bytes
 * once, not again for each text of each ancestor, which is more than it is willing to do.
 */
MATCH_GLOBAL match_automaton(const struct match_image_bytes *image, struct match_state *st,
                             const struct match_text_bytes *text, __u32 at)
{
	struct match_ctx ctx, *m = &ctx;
	struct match_walked *w;

	if (!image || !st || !text)
		return 0;
	__builtin_memset(m, 0, sizeof(*m));
	m->image = image->bytes;
	m->st = st;
	m->text = text->bytes;
	w = &st->walked;
	st->classes = match_u32(m->image, at);
	st->root = match_u32(m->image, at + 4);
	st->queued = 0;
	st->dfa = match_enter(m, match_u32(m->image, at + 8));
	if (w->extras)
		match_feed_extras(m);
	else
		match_feed(m, w->text.off, w->text.len);
	if (w->whole)
		match_class(m, st->dfa, MATCH_CLASS_END);
	return match_reports(m);
}

/* Whether this part of the look-up leaves an automaton out. */
MATCH_INLINE int match_skips(const struct match_ctx *m, __u32 at)
{
	struct match_state *st = m->st;
	__u32 guards;

	if (st->part == MATCH_PART_ALL)
		return 0;
	guards = match_u32(m->image, at + (__u32) __builtin_offsetof(struct match_automaton, guards));
	if (!guards && st->part == MATCH_PART_GUARDS)
		st->left |= MATCH_BIT_OF(st->domain & 63);
	return !guards == (st->part == MATCH_PART_GUARDS);
}

/* The arguments as libsinsp joins them: without argv[0] and without the last NUL; nothing if nothing is left. */
MATCH_INLINE void match_rest(struct match_ctx *m)
{
	struct match_walked *w = &m->st->walked;
	__u32 skip = m->st->arguments;

	if (skip > w->text.len)
		skip = w->text.len;
	w->text.off += skip;
	w->text.len -= skip;
	if (w->text.len && match_text_at(m, w->text.off + w->text.len - 1) == 0 && w->whole)
		w->text.len--;
}

/* argv[0]; it is whole if its NUL is there. */
MATCH_INLINE void match_first(struct match_ctx *m)
{
	struct match_walked *w = &m->st->walked;
	__u32 len = m->st->arguments;

	if (len && len <= w->text.len && match_text_at(m, w->text.off + len - 1) == 0) {
		w->whole = 1;
		len--;
	}
	w->text.len = len < w->text.len ? len : w->text.len;
}

/* Walks the domain's automata over st->walked. */
MATCH_INLINE int match_walk_text(struct match_ctx *m, __u32 domain)
{
	__u32 at = match_table_field(m, domain, tables), count = match_table_field(m, domain, count);

	if (count > MATCH_AUTOMATA) {
		m->st->error = 1;
		return 0;
	}
	for (__u32 i = 0; i < MATCH_AUTOMATA && i < count; i++) {
		if (!match_skips(m, at))
			match_automaton((const void *)m->image, m->st, (const void *)m->text, at);
		at += (__u32)sizeof(struct match_automaton);
		match_forget();
	}
	if (!m->st->walked.whole && !MUTATED(CUT_IS_WHOLE))
		match_possible(m, domain);
	return 0;
}

MATCH_INLINE void match_begin_text(struct match_state *st, __u64 cut, __u32 domain)
{
	st->walked.extras = 0;
	st->walked.whole = !(cut >> (domain & 63) & 1);
}

/* Whether the text ends with a byte. */
MATCH_INLINE int match_ends_with(const struct match_ctx *m, const struct tercel_span *text, __u8 byte)
{
	return text->len && match_text_at(m, text->off + text->len - 1) == byte;
}

/* What is done with a text of a domain that is no plain one. */
MATCH_INLINE void match_prepare(struct match_ctx *m, __u32 domain)
{
	const struct match_facts *f = m->facts;
	struct match_walked *w = &m->st->walked;

	if (domain == MATCH_PATH || domain == MATCH_NEWPATH) {
		w->extras = MATCH_EXTRA_DIRECTORY;
		w->directory = f->directory[domain == MATCH_NEWPATH];
		return;
	}
	if (domain == MATCH_ENV && w->whole && match_ends_with(m, &w->text, 0))
		w->text.len--;
	/* The directory as Falco writes it; its text comes without one, but for the root. */
	if (domain == MATCH_CWD && w->whole && !match_ends_with(m, &w->text, '/'))
		w->extras = MATCH_EXTRA_SLASH;
	if (domain < MATCH_EXE)
		return;
	w->text = f->text[MATCH_CMDLINE];
	match_forget();
	if (m->st->arguments == ~0U)
		match_split(m, w->text.off, w->text.len);
	match_forget();
	if (domain == MATCH_EXE)
		match_first(m);
	else
		match_rest(m);
	if (domain == MATCH_CMDLINE) {
		w->before = f->text[MATCH_NAME];
		w->extras = MATCH_EXTRA_BEFORE;
	}
}

MATCH_INLINE int match_text_domain(struct match_ctx *m, __u32 domain)
{
	match_begin_text(m->st, m->facts->cut, domain);
	if (domain >= MATCH_TEXTS)
		return 0;
	m->st->walked.text = m->facts->text[domain];
	if (domain > MATCH_EXEPATH)
		match_prepare(m, domain);
	match_forget();
	return match_walk_text(m, domain);
}

/* ---- numbers and sets ----------------------------------------------------------------------------------------- */

/* One halving of [low, high): low is the last key known to be not above the value. */
MATCH_CALLBACK match_search_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	struct match_state *st = m->st;
	__u32 middle;
	__u64 high, low;

	(void)i;
	if (st->high - st->low < 2)
		return 1;
	middle = st->low + (st->high - st->low) / 2;
	high = match_u64(m->image, m->st->keys + middle * 16);
	low = match_u64(m->image, m->st->keys + middle * 16 + 8);
	if (high < st->key_high || (high == st->key_high && low <= st->key_low))
		st->low = middle;
	else
		st->high = middle;
	return 0;
}

/* Sets [low, high) to the keys that are left when the part of the numbers is known. */
MATCH_INLINE void match_bucket(struct match_ctx *m, __u32 domain, __u64 value)
{
	__u64 base = match_table_word(m, domain, base), part = 0;
	__u32 buckets = match_table_field(m, domain, buckets), index = match_table_field(m, domain, index);

	if (value > base)
		part = (value - base) >> (match_table_field(m, domain, shift) & 63);
	if (part >= buckets)
		part = buckets - 1;
	m->st->low = match_u32(m->image, index + (__u32)part * 4);
	m->st->high = match_u32(m->image, index + (__u32)part * 4 + 4) + 1;
}

MATCH_INLINE int match_number(struct match_ctx *m, __u32 domain, __u64 high, __u64 low)
{
	struct match_state *st = m->st;
	__u32 lists = match_table_field(m, domain, lists);

	m->st->keys = match_table_field(m, domain, tables);
	if (!match_table_field(m, domain, count))
		return 0;
	st->key_high = high;
	st->key_low = low;
	match_bucket(m, domain, domain == MATCH_ADDR6 || domain == MATCH_LOCAL6 ? high : low);
	match_loop(MATCH_SEARCH_STEPS, match_search_step, m);
	return match_list(m, match_u32(m->image, lists + st->low * 4));
}

/* Each step takes in the list of one bit. */
MATCH_CALLBACK match_set_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	__u64 bits = m->st->key_low;

	(void)i;
	if (!bits)
		return 1;
	m->st->key_low = bits & (bits - 1);
	return match_list(m, match_u32(m->image, m->st->keys + match_lowest_bit(bits) * 4));
}

MATCH_INLINE int match_set(struct match_ctx *m, __u32 domain, __u64 bits)
{
	m->st->keys = match_table_field(m, domain, lists);
	if (!m->st->keys)
		return 0;
	if (m->st->part == MATCH_PART_GUARDS && !(bits & match_table_word(m, domain, waited))) {
		m->st->left |= MATCH_BIT_OF(domain & 63);
		return 0;
	}
	m->st->key_low = bits;
	match_loop(64, match_set_step, m);
	return 0;
}

/* Booleans that are known one by one. */
MATCH_INLINE int match_bits(struct match_ctx *m, __u64 bits)
{
	__u64 unknown = m->facts->bits_unknown;

	match_set(m, MATCH_BITS, bits & ~unknown);
	if (!unknown)
		return 0;
	m->st->unknown |= MATCH_BIT_OF(MATCH_BITS);
	m->st->possible = 1;
	match_set(m, MATCH_BITS, unknown);
	m->st->possible = 0;
	return 0;
}

MATCH_CALLBACK match_container_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	__u64 unknown = m->facts->container_unknown[i & (TERCEL_CONTAINER_WORDS - 1)];

	match_add_atoms(m, m->facts->container[i & (TERCEL_CONTAINER_WORDS - 1)] & ~unknown, m->st->low + i);
	if (!unknown)
		return 0;
	m->st->unknown |= MATCH_BIT_OF(MATCH_CONTAINER_FACTS);
	m->st->possible = 1;
	match_add_atoms(m, unknown, m->st->low + i);
	m->st->possible = 0;
	return 0;
}

MATCH_INLINE int match_containers(struct match_ctx *m)
{
	__u32 words = match_table_field(m, MATCH_CONTAINER_FACTS, words);

	m->st->low = match_table_field(m, MATCH_CONTAINER_FACTS, first_word);
	if (words > TERCEL_CONTAINER_WORDS)
		m->st->error = 1;
	else
		match_loop(words, match_container_step, m);
	return 0;
}

/* ---- atoms of one domain ---------------------------------------------------------------------------------------- */

MATCH_INLINE int match_domain(struct match_ctx *m, __u32 domain)
{
	const struct match_facts *f = m->facts;
	__u32 index = domain - MATCH_UID;
	__u64 high = 0;

	domain &= 63;
	if (f->missing >> domain & 1)
		return 0;
	if (f->unknown >> domain & 1)
		return match_possible(m, domain);
	if (domain < MATCH_ANAME)
		return match_text_domain(m, domain);
	if (domain == MATCH_CONTAINER_FACTS)
		return match_containers(m);
	if (index >= MATCH_NUMBERS)
		return 0;
	if (domain == MATCH_BITS)
		return match_bits(m, f->number[index]);
	if (domain > MATCH_BITS)
		return match_set(m, domain, f->number[index]);
	if (domain == MATCH_ADDR6)
		high = f->addr6_high;
	if (domain == MATCH_LOCAL6)
		high = f->local6_high;
	return match_number(m, domain, high, f->number[index]);
}

#define MATCH_ANCESTOR_DOMAINS                                                                 \
	(MATCH_BIT_OF(MATCH_ANAME) | MATCH_BIT_OF(MATCH_AEXE) | MATCH_BIT_OF(MATCH_AEXEPATH) | \
	 MATCH_BIT_OF(MATCH_ACMDLINE))

/*
 * Each step looks at one domain of st->todo: first those that candidates come from; then, if there are any, all others.
 */
MATCH_CALLBACK match_domain_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	struct match_state *st = m->st;

	(void)i;
	if (!st->todo) {
		if (st->candidates_known || (!st->pending && !(st->guards & MATCH_ANCESTOR_DOMAINS)))
			return 1;
		st->candidates_known = 1;
		st->todo = (match_point_domains(m, domains) & ~st->guards & ~MATCH_ANCESTOR_DOMAINS) | st->left;
		return 0;
	}
	st->domain = match_lowest_bit(st->todo);
	st->todo &= st->todo - 1;
	st->part = !st->candidates_known                 ? MATCH_PART_GUARDS
	           : st->guards >> (st->domain & 63) & 1 ? MATCH_PART_REST
	                                                 : MATCH_PART_ALL;
	match_forget();
	return match_domain(m, st->domain);
}

/* ---- decision graphs -------------------------------------------------------------------------------------------- */

struct match_walk_ctx {
	const __u8 *image;
	struct match_state *st;
};

/* Bits of a word of atoms: those that hold (0), or may (1). No branches: the verifier follows each of them, at every
 * step of a walk. */
MATCH_INLINE __u64 match_word(const struct match_state *st, __u32 word, __u64 possible)
{
	__u32 at = word & (TERCEL_ATOM_WORDS - 1);
	__u64 used = -(st->used[at / 64] >> (at & 63) & 1);
	__u64 open = -(((__u64)(word - st->open_from) - (__u64)(st->open_to - st->open_from)) >> 63);

	return (st->bits[possible & 1][at] & used & ~open) | (-possible & open);
}

MATCH_CALLBACK match_walk_step(__u32 i, void *p)
{
	struct match_walk_ctx *c = p;
	struct match_state *st = c->st;
	__u64 node;
	__u64 atom, negated, holds, shift;

	(void)i;
	if (st->node < 2)
		return 1;
	node = match_u64(c->image, match_header_of(c->image)->node_table + st->node * 8);
	atom = node & 0xffff;
	negated = node >> MATCH_NODE_NEGATED_SHIFT & 1;
	holds = (match_word(st, (__u32)(atom / 64), st->walk_possible ^ negated) >> (atom & 63) & 1) ^ negated;
	shift = MATCH_NODE_ELSE_SHIFT - holds * (MATCH_NODE_ELSE_SHIFT - MATCH_NODE_THEN_SHIFT);
	st->node = (__u32)(node >> shift & MATCH_NODE_MASK);
	return 0;
}

/* 1 if the graph from this root says yes, with leaves that must hold (possible: 0) or may (1); a walk without an end is
 * an error, and no. */
MATCH_INLINE int match_walk(const __u8 *image, struct match_state *st, __u32 root, __u32 possible)
{
	struct match_walk_ctx c = {.image = image, .st = st};

	st->node = root;
	st->walk_possible = possible;
	match_forget();
	match_loop(TERCEL_GRAPH_STEPS + 1, match_walk_step, &c);
	if (st->node > 1) {
		st->error = 1;
		return 0;
	}
	return (int)st->node;
}

#define match_rule_field(image, rule, member)                                                               \
	match_u32((image), match_header_of(image)->rule_table + (rule) * (__u32)sizeof(struct match_rule) + \
	                           (__u32) __builtin_offsetof(struct match_rule, member))

MATCH_INLINE __u32 match_must_root(const struct match_ctx *m, __u32 rule)
{
	return match_u32(m->image, match_point_field(m, must) + rule * 4);
}

MATCH_INLINE __u32 match_may_root(const struct match_ctx *m, __u32 rule)
{
	return match_u32(m->image, match_point_field(m, may) + rule * 4);
}

/* What walks found of a candidate. */
enum match_answer {
	MATCH_NO = 0,
	MATCH_MAYBE = 1,
	MATCH_YES = 2,
};

/* Whether the rule matches for certain; then, if something is unknown, whether it may. */
MATCH_CALLBACK match_pass_step(__u32 possible, void *p)
{
	struct match_ctx *m = p;
	struct match_state *st = m->st;

	if (possible ? !st->unknown && !st->sifting : m->facts->unseen | st->sifting)
		return 0;
	match_walk(m->image, st, match_must_root(m, st->rule), possible);
	match_forget();
	if (st->node != 1)
		return 0;
	st->answer = MATCH_YES - possible;
	return 1;
}

/* Notes a rule that decides; one that acts is always told. */
MATCH_INLINE int match_note(struct match_state *st, __u32 rule)
{
	if (st->hits >= TERCEL_HITS_MAX) {
		st->hits_lost++;
		if (!st->acts)
			return 0;
		st->hits = TERCEL_HITS_MAX - 1;
	}
	st->hit[st->hits & (TERCEL_HITS_MAX - 1)].rule = rule;
	st->hit[st->hits & (TERCEL_HITS_MAX - 1)].certain = st->answer == MATCH_YES;
	st->hits++;
	return 0;
}

/* What a rule that matches, or may, does. */
MATCH_INLINE int match_decide(struct match_ctx *m, __u32 rule)
{
	struct match_state *st = m->st;
	__u32 action = match_rule_field(m->image, rule, action), on = match_rule_field(m->image, rule, on_uncertain);

	st->acts = 0;
	if (st->answer == MATCH_MAYBE)
		st->uncertain = 1;
	if (match_rule_field(m->image, rule, mode) == TERCEL_MODE_ENFORCE && action > st->action)
		if (st->answer == MATCH_YES || on == MATCH_ON_UNCERTAIN_DENY)
			st->acts = action;
	match_forget();
	if (st->acts) {
		st->action = st->acts;
		st->deny_error = match_rule_field(m->image, rule, error);
	}
	match_forget();
	if (st->answer == MATCH_YES || on != MATCH_ON_UNCERTAIN_ALLOW)
		match_note(st, rule);
	return 0;
}

/* ---- candidates ------------------------------------------------------------------------------------------------- */

/*
 * Each step looks at one candidate, or goes on to the next word. While sifting, those that cannot match whatever their
 * ancestors are, are dropped; else all are.
 */
MATCH_CALLBACK match_candidate_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	struct match_state *st = m->st;
	__u64 bit;

	(void)i;
	if (!st->key_low) {
		if (!st->todo)
			return 1;
		st->low = match_lowest_bit(st->todo);
		st->todo &= st->todo - 1;
		st->key_low = st->candidates[st->low & (TERCEL_RULE_WORDS - 1)];
		return 0;
	}
	bit = st->key_low & -st->key_low;
	st->key_low &= st->key_low - 1;
	st->rule = (st->low & (TERCEL_RULE_WORDS - 1)) * 64 + match_lowest_bit(bit);
	st->answer = MATCH_NO;
	match_loop(2, match_pass_step, m);
	match_forget();
	if (st->answer == MATCH_NO)
		st->candidates[st->low & (TERCEL_RULE_WORDS - 1)] &= ~bit;
	else if (!st->sifting)
		match_decide(m, st->rule);
	return 0;
}

MATCH_INLINE void match_candidates(struct match_ctx *m, __u32 sifting)
{
	struct match_state *st = m->st;

	st->sifting = sifting;
	st->todo = st->pending;
	st->key_low = 0;
	match_forget();
	match_loop(TERCEL_RULE_WORDS * 65, match_candidate_step, m);
}

MATCH_CALLBACK match_left_step(__u32 i, void *p)
{
	struct match_state *st = ((struct match_ctx *)p)->st;

	if (st->pending >> (i & 63) & 1 && !st->candidates[i & (TERCEL_RULE_WORDS - 1)])
		st->pending &= ~(1ULL << (i & 63));
	return 0;
}

/* Drops the candidates that do not need to wait for what ancestors say. */
MATCH_INLINE void match_sift(struct match_ctx *m)
{
	struct match_state *st = m->st;

	st->open_from = match_table_field(m, MATCH_ANAME, first_word);
	st->open_to = match_table_field(m, MATCH_ACMDLINE, first_word) + match_table_field(m, MATCH_ACMDLINE, words);
	match_candidates(m, 1);
	match_loop(match_header_of(m->image)->rule_words, match_left_step, m);
	st->open_from = 0;
	st->open_to = 0;
}

/* ---- the decision: in steps, so that ancestors are only looked up when a rule may still want them ------------------
 */

/* What an act says by itself, whoever it is of. */
#define MATCH_ACT_DOMAINS                                                                            \
	(MATCH_BIT_OF(MATCH_PATH) | MATCH_BIT_OF(MATCH_NEWPATH) | MATCH_BIT_OF(MATCH_TARGET) |       \
	 MATCH_BIT_OF(MATCH_PORT) | MATCH_BIT_OF(MATCH_ADDR4) | MATCH_BIT_OF(MATCH_ADDR6) |          \
	 MATCH_BIT_OF(MATCH_LOCAL4) | MATCH_BIT_OF(MATCH_LOCAL6) | MATCH_BIT_OF(MATCH_ARG_ID) |      \
	 MATCH_BIT_OF(MATCH_RESULT) | MATCH_BIT_OF(MATCH_ARG_FLAGS) | MATCH_BIT_OF(MATCH_ARG_MODE) | \
	 MATCH_BIT_OF(MATCH_EVENT) | MATCH_BIT_OF(MATCH_FD_TYPE) | MATCH_BIT_OF(MATCH_L4PROTO) |     \
	 MATCH_BIT_OF(MATCH_ARG_KIND))

#define MATCH_ACT_BITS                                                                                \
	(1ULL << MATCH_BIT_OPEN_READ | 1ULL << MATCH_BIT_OPEN_WRITE | 1ULL << MATCH_BIT_OPEN_CREATE | \
	 1ULL << MATCH_BIT_OPEN_EXEC)

/* Whether match_guards() needs no more than MATCH_ACT_DOMAINS at this point. */
MATCH_INLINE int match_guards_are_of_act(const struct match_ctx *m)
{
	return !(match_point_domains(m, guards) & ~MATCH_ACT_DOMAINS);
}

/*
 * Looks for candidates: rules whose guard may hold. Returns whether there are any; without, no rule matches, whatever
 * the facts of other domains are. Those of the guards' domains have to be there.
 */
MATCH_INLINE int match_guards(struct match_ctx *m)
{
	const struct match_header *h = match_header_of(m->image);
	struct match_state *st = m->st;
	__u64 guards;

	st->used[0] = 0;
	st->used[1] = 0;
	st->pending = 0;
	st->error = 0;
	st->unknown = m->facts->unseen ? MATCH_BIT_OF(MATCH_EVENT) : 0;
	st->open_from = 0;
	st->open_to = 0;
	st->arguments = ~0U;
	st->hits = 0;
	st->hits_lost = 0;
	st->uncertain = 0;
	st->protected_ = 0;
	st->action = TERCEL_ACTION_AUDIT;
	st->deny_error = 0;
	m->st->allow[0] = 0;
	m->st->allow[1] = 0;
	m->st->possible = 0;
	st->list_atoms = 0;
	st->list_rules = 0;
	st->queued = 0;
	if (h->magic != TERCEL_IMAGE_MAGIC || h->version != TERCEL_IMAGE_VERSION || h->atom_words > TERCEL_ATOM_WORDS ||
	    h->rule_words > TERCEL_RULE_WORDS) {
		st->error = 1;
		return 0;
	}
	m->st->rules = match_point_field(m, rules);
	if (!m->st->rules)
		return 0;
	guards = match_point_domains(m, guards);
	match_list(m, match_point_field(m, always));
	st->guards = guards;
	st->candidates_known = 0;
	st->left = 0;
	st->todo = guards & ~MATCH_ANCESTOR_DOMAINS;
	match_loop(2 * MATCH_DOMAINS + 2, match_domain_step, m);
	st->part = MATCH_PART_ALL;
	return st->pending || guards & MATCH_ANCESTOR_DOMAINS;
}

/*
 * Judges what can be judged without ancestors. Returns 0: no rule can match, done; 1: go on with match_finish(); 2:
 * first give it all ancestors with match_ancestor().
 */
MATCH_INLINE int match_start(struct match_ctx *m)
{
	struct match_state *st = m->st;
	__u64 domains;

	if (!match_guards(m))
		return 0;
	domains = match_point_domains(m, domains);
	if (domains & MATCH_ANCESTOR_DOMAINS)
		match_sift(m);
	if (st->error || (!st->pending && !(st->guards & MATCH_ANCESTOR_DOMAINS)))
		return 0;
	return domains & MATCH_ANCESTOR_DOMAINS ? 2 : 1;
}

/*
 * Whether some rule may match, by the facts of the act alone, `f`, which are those of `m`: what else they say is made
 * unknown. 0: none does, whoever acts. Where guards ask for more than the act, nothing is looked at: 1.
 */
MATCH_INLINE int match_may(struct match_ctx *m, struct match_facts *f)
{
	struct match_state *st = m->st;

	if (!match_guards_are_of_act(m))
		return 1;
	f->unknown |= ~MATCH_ACT_DOMAINS & ~MATCH_BIT_OF(MATCH_BITS);
	f->bits_unknown |= ~MATCH_ACT_BITS;
	if (match_guards(m))
		match_sift(m);
	return st->pending || st->error;
}

/* What is looked at of each ancestor, in this order. */
enum match_ancestor_view {
	MATCH_VIEW_THREAD = 0, /* the thread's name: of any ancestor */
	MATCH_VIEW_LEADER,     /* the leader's name: of one at a distance */
	MATCH_VIEW_EXE,
	MATCH_VIEW_EXEPATH,
	MATCH_VIEW_CMDLINE,        /* with the leader's name: of one at a distance */
	MATCH_VIEW_THREAD_CMDLINE, /* with the thread's: of any ancestor */
	MATCH_VIEWS,
};

MATCH_CALLBACK match_view_step(__u32 view, void *p)
{
	struct match_ctx *m = p;
	struct match_state *st = m->st;
	struct match_walked *w = &st->walked;
	const struct match_ancestor *a = m->ancestor;
	const struct match_header *h = match_header_of(m->image);
	__u32 at_level = st->distance < TERCEL_ANCESTOR_LEVELS ? h->levels + (st->distance + 1) * h->atom_words * 8 : 0;
	__u32 domain = view <= MATCH_VIEW_LEADER           ? MATCH_ANAME
	               : view == MATCH_VIEW_THREAD_CMDLINE ? MATCH_ACMDLINE
	                                                   : MATCH_AEXE + (view - MATCH_VIEW_EXE);
	/* Of what has the name of a thread or of its leader in it, the one is asked by any, the other by a distance. */
	__u32 by_thread = view == MATCH_VIEW_THREAD || view == MATCH_VIEW_THREAD_CMDLINE;
	__u32 by_leader = view == MATCH_VIEW_LEADER || view == MATCH_VIEW_CMDLINE;

	if (!(match_point_domains(m, domains) >> (domain & 63) & 1) || a->missing >> (domain & 63) & 1)
		return 0;
	if (view >= MATCH_VIEW_EXE && st->distance >= h->ancestor_texts)
		return 1;
	if (by_leader && !at_level)
		return 0;
	match_begin_text(st, a->cut, domain);
	st->allow[0] = by_leader ? at_level : h->levels;
	st->allow[1] = by_leader | by_thread ? 0 : at_level;
	match_forget();
	if (a->unknown >> (domain & 63) & 1 || (by_thread && a->thread_unknown))
		return match_possible(m, domain);
	w->text = view == MATCH_VIEW_THREAD    ? a->thread
	          : view == MATCH_VIEW_LEADER  ? a->leader
	          : view == MATCH_VIEW_EXEPATH ? a->exepath
	                                       : a->args;
	match_forget();
	if (view == MATCH_VIEW_EXE || view >= MATCH_VIEW_CMDLINE)
		match_split(m, w->text.off, w->text.len);
	match_forget();
	if (view == MATCH_VIEW_EXE)
		match_first(m);
	if (view >= MATCH_VIEW_CMDLINE) {
		match_rest(m);
		w->before = by_thread ? a->thread : a->leader;
		w->extras = MATCH_EXTRA_BEFORE;
	}
	match_forget();
	return match_walk_text(m, domain);
}

/* Takes in one ancestor: of distance `i` + 1, called with the nearest first. */
MATCH_INLINE int match_ancestor(struct match_ctx *m, __u32 i, const struct match_ancestor *a)
{
	m->ancestor = a;
	m->st->distance = i;
	match_forget();
	match_loop(MATCH_VIEWS, match_view_step, m);
	m->st->allow[0] = 0;
	m->st->allow[1] = 0;
	return 0;
}

/* There may be more ancestors than were given, or nothing is known of them. */
MATCH_INLINE int match_ancestors_cut(struct match_ctx *m)
{
	match_possible(m, MATCH_ANAME);
	match_possible(m, MATCH_AEXE);
	match_possible(m, MATCH_AEXEPATH);
	match_possible(m, MATCH_ACMDLINE);
	return 0;
}

/*
 * A container's own file of the same path protects nothing. Neither does a path that is not known: a file in memory or
 * without a name is none of those listed.
 */
MATCH_INLINE int match_is_protected(const struct match_ctx *m)
{
	__u32 bit = match_header_of(m->image)->protected_atom;

	if (!bit || !m->facts->on_host)
		return 0;
	bit--;
	return (int)(match_word(m->st, bit / 64, m->facts->path_cut) >> (bit & 63) & 1);
}

/*
 * The rest: st->hit[0 … hits) are the rules that decide (hits_lost more did not fit), st->action what the strongest of
 * them does, st->unknown why something was uncertain. After an error there is no hit and no action.
 */
MATCH_INLINE int match_finish(struct match_ctx *m)
{
	struct match_state *st = m->st;

	if (!st->error)
		match_candidates(m, 0);
	st->protected_ = (__u32)match_is_protected(m);
	if (st->error) {
		st->hits = 0;
		st->hits_lost = 0;
		st->uncertain = 0;
	}
	if (st->error || st->protected_)
		st->action = TERCEL_ACTION_AUDIT;
	return 0;
}

#endif
