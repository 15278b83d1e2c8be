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
 */
#ifndef TERCEL_BPF_MATCH_H
#define TERCEL_BPF_MATCH_H

#include "abi.h"

/* ---- limits: each with what a user is told on reaching it (engine/policy/image.c) ------------------------ */

/* Bytes of an image; a power of two. "policy-too-large: …". 1 MiB holds some thousand rules. */
#define TERCEL_IMAGE_MAX (1U << 20)
/* 64-bit words of atom bits; each domain starts a word. "too-many-atoms". */
#define TERCEL_ATOM_WORDS 128
/* 64-bit words of rule bits. "too-many-rules". */
#define TERCEL_RULE_WORDS 32
/* Leaves of one rule's condition after expansion: the longest walk through its graph. "condition-too-long". */
#define TERCEL_GRAPH_STEPS 2048
/* Distance up to which proc.aname[n] is decided; farther ones are lost leaves. */
#define TERCEL_ANCESTOR_LEVELS 15
/* Rules that decide one operation and are reported for it; more are counted as dropped verdicts, and still block. */
#define TERCEL_HITS_MAX 32

/* Bytes of a short text: comm, a short container id, "execveat". */
#define MATCH_SHORT 16
/* What the text spans of the facts point into; a power of two. */
#define MATCH_TEXT_MAX TERCEL_RECORD_MAX
#define MATCH_PATTERN_LISTS 256
#define MATCH_SEARCH_STEPS 20

/* ---- domains -------------------------------------------------------------------------------------------- */

/* A domain is a set of values that atoms ask about. The order fixes which texts and numbers belong to it. */
enum match_domain {
	/* short texts: match_facts.short_text[domain] */
	MATCH_NAME = 0, /* proc.name */
	MATCH_CONTAINER = 1,
	MATCH_EVENT = 2,   /* evt.type */
	MATCH_L4PROTO = 3, /* fd.l4proto */
	MATCH_FD_TYPE = 4,
	MATCH_FD_TYPECHAR = 5,
	/* long texts: match_facts.text[domain - MATCH_EXEPATH] */
	MATCH_EXEPATH = 6,
	MATCH_CWD = 7,
	/* the name, a blank, the arguments without the first, joined by blanks; its span holds the arguments, each
	 * ended by a NUL */
	MATCH_CMDLINE = 8,
	/* names of ancestors; atoms are bound to a distance or to none */
	MATCH_ANCESTORS = 9,
	/* numbers: match_facts.number[domain - MATCH_UID] */
	MATCH_UID = 10,
	MATCH_LOGINUID = 11,
	MATCH_TTY = 12,
	MATCH_PID = 13,
	MATCH_EXE_UPPER = 14,
	MATCH_EXE_MEMFD = 15,
	MATCH_PORT = 16, /* of the peer */
	MATCH_ADDR4 = 17,
	MATCH_ADDR6 = 18, /* 128 bits; its atoms are those of MATCH_ADDR4 */
	/* sets: each bit of the number has its list */
	MATCH_CAPS = 19,
	MATCH_DOMAINS = 20,
	MATCH_SHORTS = MATCH_EXEPATH,
	MATCH_TEXTS = MATCH_ANCESTORS - MATCH_EXEPATH,
	MATCH_NUMBERS = MATCH_DOMAINS - MATCH_UID,
	/* Room in the layout for domains to come. */
	MATCH_DOMAIN_ROOM = 32,
};

/* Bytes of a text domain's alphabet: 256 bytes and two marks are mapped to classes; the marks have fixed ones. */
#define MATCH_CLASS_OTHER 0
#define MATCH_CLASS_BEGIN 1
#define MATCH_CLASS_END 2
#define MATCH_CLASS_FIRST 3

/* ---- layout --------------------------------------------------------------------------------------------- */

#define TERCEL_IMAGE_MAGIC 0x4c435254 /* "TRCL" */
#define TERCEL_IMAGE_VERSION 1

/*
 * A list of bits to set: a count, 4 bytes of padding, then pairs (mask, word index). Offset 0 is the empty list.
 * Text domains: `classes` is a byte table of 256; `root` one __u32 for each class: the next state where the state's own
 * row has none. States are pairs (row base, list); rows share one table of pairs (state + 1, next state) at row base +
 * class. Number domains: `keys` are pairs (high, low) in ascending order, the first {0, 0}; `lists` one __u32 for each:
 * the list of the values from this key up to the next. Sets: `lists` has 64.
 */
struct match_domain_table {
	__u32 first_word, words; /* where its atoms' bits are */
	__u32 classes, root, states, rows;
	__u32 keys, nkeys, lists;
	__u32 pad[3];
};

struct match_rule {
	__u32 must[TERCEL_POINTS]; /* root nodes; 0: never, 1: always */
	__u32 may[TERCEL_POINTS];
	__u32 mode;         /* enum tercel_mode */
	__u32 action;       /* enum tercel_action */
	__u32 on_uncertain; /* enum match_on_uncertain */
	__u32 pad[3];
};

enum match_on_uncertain {
	MATCH_ON_UNCERTAIN_AUDIT = 0,
	MATCH_ON_UNCERTAIN_ALLOW = 1, /* not even reported; counted */
	MATCH_ON_UNCERTAIN_DENY = 2,
};

struct match_point {
	__u32 domains;   /* 1 << enum match_domain: those that some rule asks about here */
	__u32 rules;     /* offset of a rule bit set: rules whose must is not false here */
	__u32 always[2]; /* offsets of rule bit sets: rules without a guard of that stage here */
};

struct match_header {
	__u32 magic, version;
	__u64 checksum; /* FNV-1a over the image with this field zero; verified before loading, not for each decision */
	__u32 size;
	__u32 generation;
	__u32 atom_words, rule_words, rules, nodes;
	__u32 rule_table; /* struct match_rule[] */
	__u32 node_table; /* __u64[]: see match_node() */
	__u32 guarded[2]; /* per stage: __u64[atom_words]: atoms with a guard list */
	__u32 guards[2];  /* per stage: __u32[atom_words * 64]: list of rule bits to set if the atom may hold */
	__u32 levels;     /* __u64[(1 + TERCEL_ANCESTOR_LEVELS)][atom_words]: atoms without a distance, of distance n */
	__u32 protected_atom; /* bit + 1 of the atom "a protected program"; 0: none */
	struct match_point points[4];
	struct match_domain_table domains[MATCH_DOMAIN_ROOM];
};

_Static_assert(sizeof(struct match_domain_table) == 48, "layout of the image");
_Static_assert(sizeof(struct match_rule) == 48, "layout of the image");
_Static_assert(sizeof(struct match_header) == 72 + 4 * 16 + 32 * 48, "layout of the image");
_Static_assert(TERCEL_POINTS <= 4, "layout of the image");

/* A node: atom (16 bits), negated (1), next node if the leaf holds (23), if not (23). Nodes 0 and 1 are the answers. */
#define MATCH_NODE_NEGATED (1ULL << 16)
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

struct match_short {
	__u32 len;
	char bytes[MATCH_SHORT];
};

struct match_ancestor {
	char thread[TERCEL_COMM_LEN]; /* of the thread that is the parent: what any-ancestor asks about */
	char leader[TERCEL_COMM_LEN]; /* of that thread's group leader: what a distance asks about */
};

struct match_facts {
	/* 1 << enum match_domain. Neither: the value is known whole. */
	__u32 missing;         /* has no value: every comparison is false */
	__u32 cut;             /* long texts: what is given is the beginning, the rest unknown */
	__u32 unknown;         /* nothing is known */
	__u32 ancestors;       /* how many are given, nearest first */
	__u32 ancestors_cut;   /* 1: there are more */
	__u32 on_host;         /* 1: in no container and no namespace of its own: only there do paths protect */
	__u32 unseen;          /* 1: Falco may see no event at all: no rule matches for certain */
	__u32 path_cut;        /* 1: the executable's path is unknown because it is too long: it may be protected */
	__u64 threads_unknown; /* 1 << index: this ancestor's thread has a name that is not known */
	__u64 number[MATCH_NUMBERS]; /* signed ones with match_signed(); an IPv4 address in host byte order */
	__u64 addr6_high;            /* MATCH_ADDR6: the upper half, host byte order; the lower one is in number[] */
	struct tercel_span text[MATCH_TEXTS];
	struct match_short short_text[MATCH_SHORTS];
	struct match_ancestor ancestor[TERCEL_ANCESTORS_MAX];
};

_Static_assert(__builtin_offsetof(struct match_facts, ancestor) % 8 == 0, "names are compared by words");

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

struct match_state {
	__u64 t[TERCEL_ATOM_WORDS];
	__u64 p[TERCEL_ATOM_WORDS];
	__u64 candidates[TERCEL_RULE_WORDS];
	__u64 guard[TERCEL_RULE_WORDS];
	__u32 error;   /* not 0: the image is damaged; nothing may be blocked */
	__u32 unknown; /* 1 << enum match_domain: atoms of these have p without t */
	__u32 dfa;
	__u32 list_word;
	__u32 low, high;
	__u64 key_high, key_low;
	__u64 bits; /* what a loop over set bits has left of its word */
	__u32 word;
	__u32 node;
	__u32 blank_after;
	__u32 hits, hits_lost;
	__u32 uncertain;  /* 1: some rule might have matched */
	__u32 protected_; /* 1: the program is protected, or may be: whatever a rule asks for is withheld */
	__u32 action;     /* the strongest of all that is certain and enforced: enum tercel_action */
	struct match_hit hit[TERCEL_HITS_MAX];
};

/* ---- loops and reads ---------------------------------------------------------------------------------------- */

#ifdef __bpf__
#define MATCH_FN static __attribute__((noinline))
#define match_loop(count, callback, ctx) bpf_loop((count), (callback), (ctx), 0)
/* Keeps the compiler from proving a mask away that the verifier needs to see. */
#define match_opaque(x) __asm__ volatile("" : "+r"(x))
#define MATCH_UNROLL _Pragma("clang loop unroll(full)")
#define MATCH_CALLBACK static int
#else
#define MATCH_FN static inline
#define MATCH_CALLBACK static inline int
#define match_opaque(x) ((void)0)
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
	__u64 at = off & (TERCEL_IMAGE_MAX - 1);

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

/* The number of the lowest set bit of a word that is not 0; BPF has no instruction for it before version 4. */
MATCH_INLINE __u32 match_lowest_bit(__u64 word)
{
	__u64 low = word & -word;
	__u32 bit = 0;

	bit |= (low & 0xffffffff00000000ULL) ? 32 : 0;
	bit |= (low & 0xffff0000ffff0000ULL) ? 16 : 0;
	bit |= (low & 0xff00ff00ff00ff00ULL) ? 8 : 0;
	bit |= (low & 0xf0f0f0f0f0f0f0f0ULL) ? 4 : 0;
	bit |= (low & 0xccccccccccccccccULL) ? 2 : 0;
	bit |= (low & 0xaaaaaaaaaaaaaaaaULL) ? 1 : 0;
	return bit;
}

/* ---- bit lists ---------------------------------------------------------------------------------------------- */

struct match_list_ctx {
	const __u8 *image;
	struct match_state *st;
	__u32 off;
	__u32 allow[2]; /* offsets of atom bit sets that restrict the list; both 0: no restriction */
	__u32 rules;    /* 1: the list is of rule bits */
};

MATCH_CALLBACK match_list_step(__u32 i, void *p)
{
	struct match_list_ctx *c = p;
	__u64 mask = match_u64(c->image, c->off + 8 + i * 16);
	__u32 word = (__u32)match_u64(c->image, c->off + 16 + i * 16);

	if (c->rules) {
		c->st->guard[word & (TERCEL_RULE_WORDS - 1)] |= mask;
		return 0;
	}
	if (c->allow[0] | c->allow[1])
		mask &= (c->allow[0] ? match_u64(c->image, c->allow[0] + word * 8) : 0) |
		        (c->allow[1] ? match_u64(c->image, c->allow[1] + word * 8) : 0);
	c->st->t[word & (TERCEL_ATOM_WORDS - 1)] |= mask;
	c->st->p[word & (TERCEL_ATOM_WORDS - 1)] |= mask;
	return 0;
}

MATCH_INLINE void match_list(struct match_list_ctx *c, __u32 off)
{
	__u32 count = match_u32(c->image, off);

	if (count > TERCEL_ATOM_WORDS) {
		c->st->error = 1;
		return;
	}
	c->off = off;
	match_loop(count, match_list_step, c);
}

/* ---- texts -------------------------------------------------------------------------------------------------- */

struct match_text_ctx {
	struct match_list_ctx list; /* first: image and state */
	__u32 classes, root, states, rows;
	const __u8 *text;
	__u32 off;
};

MATCH_INLINE void match_class(struct match_text_ctx *c, __u32 class)
{
	const __u8 *image = c->list.image;
	struct match_state *st = c->list.st;
	__u32 state = st->dfa, row, next, list;

	row = c->rows + (match_u32(image, c->states + state * 8) + class) * 8;
	if (match_u32(image, row) == state + 1)
		next = match_u32(image, row + 4);
	else
		next = match_u32(image, c->root + class * 4);
	st->dfa = next;
	list = match_u32(image, c->states + next * 8 + 4);
	if (list)
		match_list(&c->list, list);
}

MATCH_FN int match_text_begin(struct match_text_ctx *c, __u32 domain)
{
	__u32 at = (__u32) __builtin_offsetof(struct match_header, domains) +
	           (domain & (MATCH_DOMAIN_ROOM - 1)) * (__u32)sizeof(struct match_domain_table);
	const __u8 *image = c->list.image;

	c->classes = match_u32(image, at + __builtin_offsetof(struct match_domain_table, classes));
	c->root = match_u32(image, at + __builtin_offsetof(struct match_domain_table, root));
	c->states = match_u32(image, at + __builtin_offsetof(struct match_domain_table, states));
	c->rows = match_u32(image, at + __builtin_offsetof(struct match_domain_table, rows));
	c->list.st->dfa = 0;
	match_class(c, MATCH_CLASS_BEGIN);
	return 0;
}

MATCH_FN int match_text_byte(struct match_text_ctx *c, __u32 byte)
{
	match_class(c, match_u8(c->list.image, c->classes + (byte & 0xff)));
	return 0;
}

MATCH_FN int match_text_end(struct match_text_ctx *c)
{
	match_class(c, MATCH_CLASS_END);
	return 0;
}

MATCH_CALLBACK match_short_step(__u32 i, void *p)
{
	struct match_text_ctx *c = p;

	match_class(c, match_u8(c->list.image, c->classes + c->text[i & (MATCH_SHORT - 1)]));
	return 0;
}

MATCH_INLINE __u8 match_text_at(const struct match_text_ctx *c, __u32 off)
{
	__u64 at = off;

	match_opaque(at);
	return c->text[at & (MATCH_TEXT_MAX - 1)];
}

/* NUL, which no other long text contains, is the end of an argument: a blank. */
MATCH_CALLBACK match_long_step(__u32 i, void *p)
{
	struct match_text_ctx *c = p;
	__u8 byte = match_text_at(c, c->off + i);

	match_class(c, match_u8(c->list.image, c->classes + (byte ? byte : ' ')));
	return 0;
}

/* Leaves in st->low the number of bytes up to and with the first NUL. */
MATCH_CALLBACK match_find_nul(__u32 i, void *p)
{
	struct match_text_ctx *c = p;

	c->list.st->low = i + 1;
	return match_text_at(c, c->off + i) == 0;
}

MATCH_INLINE void match_feed_short(struct match_text_ctx *c, const char *bytes, __u32 len)
{
	c->text = (const __u8 *)bytes;
	match_loop(len < MATCH_SHORT ? len : MATCH_SHORT, match_short_step, c);
}

MATCH_INLINE void match_feed_long(struct match_text_ctx *c, const __u8 *text, __u32 off, __u32 len)
{
	c->text = text;
	c->off = off;
	match_loop(len < MATCH_TEXT_MAX ? len : MATCH_TEXT_MAX, match_long_step, c);
}

MATCH_INLINE __u32 match_strnlen(const char *s)
{
	__u32 len = 0;

	/* A comm is at most 15 bytes; what follows its NUL is not part of it. */
	MATCH_UNROLL
	for (__u32 i = 0; i < TERCEL_COMM_LEN; i++) {
		if (!s[i])
			break;
		len = i + 1;
	}
	return len;
}

/* The arguments as libsinsp joins them: without argv[0] and without the last NUL; nothing if nothing is left. */
MATCH_INLINE int match_arguments(struct match_text_ctx *c, const __u8 *text, __u32 off, __u32 len)
{
	__u32 skip;

	c->text = text;
	c->off = off;
	c->list.st->low = 0;
	match_loop(len < MATCH_TEXT_MAX ? len : MATCH_TEXT_MAX, match_find_nul, c);
	skip = c->list.st->low;
	if (skip >= len)
		return 0;
	off += skip;
	len -= skip;
	if (match_text_at(c, off + len - 1) == 0)
		len--;
	if (!len)
		return 0;
	match_text_byte(c, ' ');
	match_feed_long(c, text, off, len);
	return 0;
}

/* ---- numbers -------------------------------------------------------------------------------------------------- */

struct match_number_ctx {
	struct match_list_ctx list;
	__u32 keys;
};

/* One halving of [low, high): low is the last key known to be not above the value. */
MATCH_CALLBACK match_search_step(__u32 i, void *p)
{
	struct match_number_ctx *c = p;
	struct match_state *st = c->list.st;
	__u32 middle;
	__u64 high, low;

	(void)i;
	if (st->high - st->low < 2)
		return 1;
	middle = st->low + (st->high - st->low) / 2;
	high = match_u64(c->list.image, c->keys + middle * 16);
	low = match_u64(c->list.image, c->keys + middle * 16 + 8);
	if (high < st->key_high || (high == st->key_high && low <= st->key_low))
		st->low = middle;
	else
		st->high = middle;
	return 0;
}

MATCH_FN int match_number(struct match_list_ctx *list, __u32 domain, __u64 high, __u64 low)
{
	__u32 at = (__u32) __builtin_offsetof(struct match_header, domains) +
	           (domain & (MATCH_DOMAIN_ROOM - 1)) * (__u32)sizeof(struct match_domain_table);
	const __u8 *image = list->image;
	struct match_state *st = list->st;
	struct match_number_ctx c = {.list = *list};
	__u32 lists = match_u32(image, at + __builtin_offsetof(struct match_domain_table, lists));

	c.keys = match_u32(image, at + __builtin_offsetof(struct match_domain_table, keys));
	st->low = 0;
	st->high = match_u32(image, at + __builtin_offsetof(struct match_domain_table, nkeys));
	st->key_high = high;
	st->key_low = low;
	if (!st->high)
		return 0;
	match_loop(MATCH_SEARCH_STEPS, match_search_step, &c);
	at = match_u32(image, lists + st->low * 4);
	if (at)
		match_list(&c.list, at);
	return 0;
}

struct match_set_ctx {
	struct match_list_ctx list;
	__u32 lists;
	__u64 set;
};

MATCH_CALLBACK match_set_step(__u32 i, void *p)
{
	struct match_set_ctx *c = p;
	__u32 list;

	if (c->set >> (i & 63) & 1) {
		list = match_u32(c->list.image, c->lists + (i & 63) * 4);
		if (list)
			match_list(&c->list, list);
	}
	return 0;
}

/* ---- atoms of one domain ---------------------------------------------------------------------------------------- */

struct match_ctx {
	const __u8 *image;
	struct match_state *st;
	const struct match_facts *facts;
	const __u8 *text;
	__u32 domains;
	__u32 point;
};

/* Any atom of this domain may hold. */
MATCH_CALLBACK match_possible_step(__u32 i, void *p)
{
	struct match_state *st = ((const struct match_ctx *)p)->st;

	st->p[(st->word + i) & (TERCEL_ATOM_WORDS - 1)] = ~0ULL;
	return 0;
}

MATCH_FN int match_possible(struct match_ctx *m, __u32 domain)
{
	__u32 at = (__u32) __builtin_offsetof(struct match_header, domains) +
	           (domain & (MATCH_DOMAIN_ROOM - 1)) * (__u32)sizeof(struct match_domain_table);
	__u32 words = match_u32(m->image, at + __builtin_offsetof(struct match_domain_table, words));

	m->st->word = match_u32(m->image, at);
	if (words > TERCEL_ATOM_WORDS) {
		m->st->error = 1;
		return 0;
	}
	m->st->unknown |= 1U << (domain & 31);
	match_loop(words, match_possible_step, m);
	return 0;
}

MATCH_INLINE int match_text_domain(struct match_ctx *m, __u32 domain)
{
	struct match_text_ctx c = {.list = {.image = m->image, .st = m->st}};
	const struct match_facts *f = m->facts;

	match_text_begin(&c, domain);
	if (domain < MATCH_SHORTS) {
		match_feed_short(&c, f->short_text[domain].bytes, f->short_text[domain].len);
	} else if (domain == MATCH_CMDLINE) {
		match_feed_short(&c, f->short_text[MATCH_NAME].bytes, f->short_text[MATCH_NAME].len);
		match_arguments(&c, m->text, f->text[MATCH_CMDLINE - MATCH_EXEPATH].off,
		                f->text[MATCH_CMDLINE - MATCH_EXEPATH].len);
	} else if (domain < MATCH_ANCESTORS) {
		__u32 index = (domain - MATCH_EXEPATH) % MATCH_TEXTS;

		match_feed_long(&c, m->text, f->text[index].off, f->text[index].len);
	}
	if (f->cut >> domain & 1)
		match_possible(m, domain);
	else
		match_text_end(&c);
	return 0;
}

MATCH_INLINE int match_number_domain(const struct match_ctx *m, __u32 domain)
{
	__u32 index = domain - MATCH_UID;
	struct match_list_ctx c = {.image = m->image, .st = m->st};

	if (index >= MATCH_NUMBERS)
		return 0;
	if (domain == MATCH_CAPS) {
		struct match_set_ctx set = {.list = c, .set = m->facts->number[index]};

		set.lists = match_u32(m->image, __builtin_offsetof(struct match_header, domains[MATCH_CAPS].lists));
		if (set.lists)
			match_loop(64, match_set_step, &set);
		return 0;
	}
	return match_number(&c, domain, domain == MATCH_ADDR6 ? m->facts->addr6_high : 0, m->facts->number[index]);
}

MATCH_CALLBACK match_domain_step(__u32 domain, void *p)
{
	struct match_ctx *m = p;

	if (domain >= MATCH_DOMAINS || domain == MATCH_ANCESTORS || !(m->domains >> domain & 1))
		return 0;
	if (m->facts->missing >> domain & 1)
		return 0;
	if (m->facts->unknown >> domain & 1)
		return match_possible(m, domain);
	if (domain < MATCH_ANCESTORS)
		return match_text_domain(m, domain);
	return match_number_domain(m, domain);
}

/* ---- candidates: which rules' guards hold -------------------------------------------------------------------------
 */

struct match_guard_ctx {
	struct match_list_ctx list;
	__u32 guarded, guards;
};

/* Each step sets the rules of one atom, or goes on to the next word. */
MATCH_CALLBACK match_guard_step(__u32 i, void *p)
{
	struct match_guard_ctx *c = p;
	struct match_state *st = c->list.st;
	__u32 bit, list;

	(void)i;
	if (!st->bits) {
		if (st->word >= TERCEL_ATOM_WORDS || st->word >= match_header_of(c->list.image)->atom_words)
			return 1;
		st->bits =
		        st->p[st->word & (TERCEL_ATOM_WORDS - 1)] & match_u64(c->list.image, c->guarded + st->word * 8);
		st->word++;
		return 0;
	}
	bit = match_lowest_bit(st->bits);
	st->bits &= st->bits - 1;
	list = match_u32(c->list.image, c->guards + ((st->word - 1) * 64 + bit) * 4);
	if (list)
		match_list(&c->list, list);
	return 0;
}

MATCH_CALLBACK match_and_guard(__u32 i, void *p)
{
	struct match_ctx *m = p;

	m->st->candidates[i & (TERCEL_RULE_WORDS - 1)] &= m->st->guard[i & (TERCEL_RULE_WORDS - 1)];
	m->st->bits |= m->st->candidates[i & (TERCEL_RULE_WORDS - 1)];
	return 0;
}

struct match_load_ctx {
	const __u8 *image;
	struct match_state *st;
	__u32 off;
	__u32 candidates;
};

MATCH_CALLBACK match_load_rules(__u32 i, void *p)
{
	struct match_load_ctx *c = p;
	__u64 bits = match_u64(c->image, c->off + i * 8);

	if (c->candidates)
		c->st->candidates[i & (TERCEL_RULE_WORDS - 1)] = bits;
	else
		c->st->guard[i & (TERCEL_RULE_WORDS - 1)] = bits;
	return 0;
}

MATCH_INLINE __u32 match_rule_words(const __u8 *image)
{
	__u32 words = match_header_of(image)->rule_words;

	return words < TERCEL_RULE_WORDS ? words : TERCEL_RULE_WORDS;
}

/* Drops the candidates whose guard of this stage does not hold. Returns 0 if none is left. */
MATCH_FN int match_candidates(struct match_ctx *m, __u32 stage)
{
	struct match_guard_ctx c = {.list = {.image = m->image, .st = m->st, .rules = 1}};
	struct match_load_ctx load = {.image = m->image, .st = m->st};
	const struct match_header *h = match_header_of(m->image);

	stage &= 1;
	load.off = match_u32(m->image, (__u32) __builtin_offsetof(struct match_header, points) +
	                                       (m->point & 3) * (__u32)sizeof(struct match_point) +
	                                       (__u32) __builtin_offsetof(struct match_point, always) + stage * 4);
	match_loop(match_rule_words(m->image), match_load_rules, &load);
	c.guarded = stage ? h->guarded[1] : h->guarded[0];
	c.guards = stage ? h->guards[1] : h->guards[0];
	m->st->word = 0;
	m->st->bits = 0;
	match_loop(TERCEL_ATOM_WORDS * 65, match_guard_step, &c);
	m->st->bits = 0;
	match_loop(match_rule_words(m->image), match_and_guard, m);
	return m->st->bits != 0;
}

/* ---- decision graphs ------------------------------------------------------------------------------------------------
 */

struct match_walk_ctx {
	const __u8 *image;
	struct match_state *st;
	__u32 possible; /* 0: leaves must hold; 1: it is enough that they may */
};

MATCH_CALLBACK match_walk_step(__u32 i, void *p)
{
	struct match_walk_ctx *c = p;
	struct match_state *st = c->st;
	__u64 node, word;
	__u32 atom, negated, holds;

	(void)i;
	if (st->node < 2)
		return 1;
	node = match_u64(c->image, match_header_of(c->image)->node_table + st->node * 8);
	atom = (__u32)(node & 0xffff);
	negated = (node & MATCH_NODE_NEGATED) != 0;
	word = (c->possible ^ negated) ? st->p[atom / 64 & (TERCEL_ATOM_WORDS - 1)]
	                               : st->t[atom / 64 & (TERCEL_ATOM_WORDS - 1)];
	holds = (__u32)(word >> (atom & 63) & 1) ^ negated;
	st->node = (__u32)(node >> (holds ? MATCH_NODE_THEN_SHIFT : MATCH_NODE_ELSE_SHIFT) & MATCH_NODE_MASK);
	return 0;
}

/* 1 if the graph from this root says yes; a walk without an end is an error, and no. */
MATCH_FN int match_walk(const __u8 *image, struct match_state *st, __u32 root, __u32 possible)
{
	struct match_walk_ctx c = {.image = image, .st = st, .possible = possible};

	st->node = root;
	match_loop(TERCEL_GRAPH_STEPS + 1, match_walk_step, &c);
	if (st->node > 1) {
		st->error = 1;
		return 0;
	}
	return (int)st->node;
}

MATCH_INLINE __u32 match_rule_at(const __u8 *image, __u32 rule)
{
	return match_header_of(image)->rule_table + rule * (__u32)sizeof(struct match_rule);
}

#define match_rule_field(image, rule, member) \
	match_u32((image), match_rule_at((image), (rule)) + __builtin_offsetof(struct match_rule, member))

MATCH_INLINE int match_judge(struct match_ctx *m, __u32 rule)
{
	struct match_state *st = m->st;
	__u32 root = match_u32(m->image, match_rule_at(m->image, rule) + (m->point & 3) % TERCEL_POINTS * 4);
	__u32 certain = m->facts->unseen ? 0 : (__u32)match_walk(m->image, st, root, 0);
	__u32 mode, action, uncertain, acts;

	if (m->facts->unseen)
		st->unknown |= 1U << MATCH_EVENT;
	if (!certain && (!st->unknown || !match_walk(m->image, st, root, 1)))
		return 0;
	mode = match_rule_field(m->image, rule, mode);
	action = match_rule_field(m->image, rule, action);
	uncertain = match_rule_field(m->image, rule, on_uncertain);
	acts = mode == TERCEL_MODE_ENFORCE && (certain || uncertain == MATCH_ON_UNCERTAIN_DENY) && action > st->action;
	if (acts)
		st->action = action;
	st->uncertain |= !certain;
	if (!certain && uncertain == MATCH_ON_UNCERTAIN_ALLOW)
		return 0;
	if (st->hits >= TERCEL_HITS_MAX) {
		st->hits_lost++;
		/* The rule that acts is always told. */
		if (!acts)
			return 0;
		st->hits = TERCEL_HITS_MAX - 1;
	}
	st->hit[st->hits & (TERCEL_HITS_MAX - 1)].rule = rule;
	st->hit[st->hits & (TERCEL_HITS_MAX - 1)].certain = certain;
	st->hits++;
	return 0;
}

/* Each step judges one candidate, or goes on to the next word. */
MATCH_CALLBACK match_judge_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	struct match_state *st = m->st;
	__u64 low;

	(void)i;
	low = st->candidates[st->list_word & (TERCEL_RULE_WORDS - 1)];
	if (!low) {
		st->list_word++;
		return st->list_word >= match_rule_words(m->image);
	}
	st->candidates[st->list_word & (TERCEL_RULE_WORDS - 1)] = low & (low - 1);
	return match_judge(m, (st->list_word & (TERCEL_RULE_WORDS - 1)) * 64 + match_lowest_bit(low));
}

/* ---- ancestors
 * -------------------------------------------------------------------------------------------------------- */

MATCH_CALLBACK match_any_ancestor_step(__u32 i, void *p)
{
	const struct match_ctx *m = p;

	m->st->p[i & (TERCEL_ATOM_WORDS - 1)] |= match_u64(m->image, match_header_of(m->image)->levels + i * 8);
	return 0;
}

/* Some ancestor may have any name: atoms without a distance may hold. */
MATCH_FN int match_any_ancestor_possible(struct match_ctx *m)
{
	__u32 words = match_header_of(m->image)->atom_words;

	m->st->unknown |= 1U << MATCH_ANCESTORS;
	match_loop(words < TERCEL_ATOM_WORDS ? words : TERCEL_ATOM_WORDS, match_any_ancestor_step, m);
	return 0;
}

/* One ancestor, distance `i` + 1. */
MATCH_CALLBACK match_ancestor_step(__u32 i, void *p)
{
	struct match_ctx *m = p;
	struct match_text_ctx c = {.list = {.image = m->image, .st = m->st}};
	const struct match_header *h = match_header_of(m->image);
	const struct match_ancestor *a = &m->facts->ancestor[i & (TERCEL_ANCESTORS_MAX - 1)];
	__u32 words = h->atom_words, at_level, same = 1;

	if (i >= TERCEL_ANCESTORS_MAX || i >= m->facts->ancestors)
		return 1;
	at_level = i < TERCEL_ANCESTOR_LEVELS ? h->levels + (i + 1) * words * 8 : 0;
	if (*(const __u64 *)&a->thread[0] != *(const __u64 *)&a->leader[0] ||
	    *(const __u64 *)&a->thread[8] != *(const __u64 *)&a->leader[8])
		same = 0;
	if (m->facts->threads_unknown >> i & 1) {
		match_any_ancestor_possible(m);
		same = 0;
		goto leader;
	}
	c.list.allow[0] = h->levels;
	c.list.allow[1] = same ? at_level : 0;
	match_text_begin(&c, MATCH_ANCESTORS);
	match_feed_short(&c, a->thread, match_strnlen(a->thread));
	match_text_end(&c);
leader:
	if (same || !at_level)
		return 0;
	c.list.allow[0] = at_level;
	c.list.allow[1] = 0;
	match_text_begin(&c, MATCH_ANCESTORS);
	match_feed_short(&c, a->leader, match_strnlen(a->leader));
	match_text_end(&c);
	return 0;
}

/* ---- the decision: two steps, so that ancestors are only looked up when a rule may still want them
 * ----------------------- */

MATCH_CALLBACK match_clear_step(__u32 i, void *p)
{
	struct match_state *st = ((const struct match_ctx *)p)->st;

	st->t[i & (TERCEL_ATOM_WORDS - 1)] = 0;
	st->p[i & (TERCEL_ATOM_WORDS - 1)] = 0;
	return 0;
}

/*
 * Judges what can be judged without ancestors. `image` has TERCEL_IMAGE_MAX readable bytes, `text` MATCH_TEXT_MAX.
 * Returns 0: no rule can match, done; 1: go on with match_finish(); 2: the same, and it needs facts->ancestor.
 */
MATCH_INLINE int match_start(struct match_ctx *m)
{
	struct match_load_ctx load = {.image = m->image, .st = m->st, .candidates = 1};
	__u32 at = (__u32) __builtin_offsetof(struct match_header, points) +
	           (m->point & 3) * (__u32)sizeof(struct match_point);
	const struct match_header *h = match_header_of(m->image);
	struct match_state *st = m->st;

	st->error = 0;
	st->unknown = 0;
	st->hits = 0;
	st->hits_lost = 0;
	st->uncertain = 0;
	st->protected_ = 0;
	st->action = TERCEL_ACTION_AUDIT;
	if (h->magic != TERCEL_IMAGE_MAGIC || h->version != TERCEL_IMAGE_VERSION || h->atom_words > TERCEL_ATOM_WORDS ||
	    h->rule_words > TERCEL_RULE_WORDS) {
		st->error = 1;
		return 0;
	}
	m->domains = match_u32(m->image, at + __builtin_offsetof(struct match_point, domains));
	if (!m->domains && !h->rule_words)
		return 0;
	match_loop(h->atom_words, match_clear_step, m);
	match_loop(MATCH_DOMAINS, match_domain_step, m);
	load.off = match_u32(m->image, at + __builtin_offsetof(struct match_point, rules));
	match_loop(match_rule_words(m->image), match_load_rules, &load);
	if (!match_candidates(m, 0) || st->error)
		return 0;
	return m->domains >> MATCH_ANCESTORS & 1 ? 2 : 1;
}

/*
 * A container's own file of the same path protects nothing. Neither does a path that is not known: a file in memory or
 * without a name is none of those listed.
 */
MATCH_INLINE int match_is_protected(const struct match_ctx *m)
{
	__u32 bit = match_header_of(m->image)->protected_atom;
	__u64 word;

	if (!bit || !m->facts->on_host)
		return 0;
	bit--;
	word = m->st->t[bit / 64 & (TERCEL_ATOM_WORDS - 1)];
	if (m->facts->path_cut)
		word |= m->st->p[bit / 64 & (TERCEL_ATOM_WORDS - 1)];
	return (int)(word >> (bit & 63) & 1);
}

/*
 * The rest: st->hit[0 … hits) are the rules that decide (hits_lost more did not fit), st->action what the strongest of
 * them does, st->unknown why something was uncertain. After an error there is no hit and no action.
 */
MATCH_INLINE int match_finish(struct match_ctx *m)
{
	struct match_state *st = m->st;

	if (m->domains >> MATCH_ANCESTORS & 1) {
		if (!(m->facts->missing >> MATCH_ANCESTORS & 1))
			match_loop(TERCEL_ANCESTORS_MAX, match_ancestor_step, m);
		if (m->facts->ancestors_cut || m->facts->unknown >> MATCH_ANCESTORS & 1)
			match_possible(m, MATCH_ANCESTORS);
	}
	st->list_word = 0;
	if (match_candidates(m, 1) && !st->error)
		match_loop(TERCEL_RULE_WORDS * 65, match_judge_step, m);
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
