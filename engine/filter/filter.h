/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco's condition language: from text to a typed expression tree.
 *
 * Knows the field catalogue (compat/fields.h) and nothing about YAML, rules, policies or kernels. What a macro's name
 * means is asked through a callback. Lists are no part of the language: Falco replaces their names in the text before
 * it is parsed, and so does the rule loader.
 *
 * Two steps, since a macro is parsed once and used often: filter_syntax_parse() reads the text by Falco's grammar
 * (libsinsp 0.25, filter/parser.cpp), filter_compile() puts the macros in and checks fields, operators and values.
 */
#ifndef TERCEL_FILTER_FILTER_H
#define TERCEL_FILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "compat/fields.h"

/* Limits: each bounds memory or recursion on hostile input, far above what rules need; past one, filter_syntax_parse()
 * or filter_compile() reports "too-deep" or "too-large". */
enum {
	FILTER_MAX_DEPTH = 1000,   /* nested parentheses in one text, as Falco sets it */
	FILTER_MAX_TREE = 4000,    /* nested nodes after macros are in: and, or, not for each parenthesis, and macros */
	FILTER_MAX_NODES = 65536,  /* nodes of one condition after macros are in */
	FILTER_MAX_TEXT = 1 << 20, /* bytes of one text */
};

enum filter_kind {
	FILTER_AND = 0, /* all kids; at least one */
	FILTER_OR = 1,  /* some kid; at least one */
	FILTER_NOT = 2, /* exactly one kid */
	/* A comparison of a plain field with constants, in which each operator means what its name says. */
	FILTER_LEAF = 3,
	/* Any other comparison: a transformer, a right-hand field, a modifier, or a comparison that Falco answers
	 * unlike its words (docs/language.md). Only the exact evaluator knows what it means; all others take it as
	 * unknown. */
	FILTER_CHECK = 4,
};

enum filter_op {
	FILTER_OP_EQ = 0, /* = and == */
	FILTER_OP_NE,
	FILTER_OP_LT,
	FILTER_OP_LE,
	FILTER_OP_GT,
	FILTER_OP_GE,
	FILTER_OP_IN,
	FILTER_OP_INTERSECTS,
	FILTER_OP_PMATCH,
	FILTER_OP_EXISTS, /* no value */
	FILTER_OP_CONTAINS,
	FILTER_OP_ICONTAINS,
	FILTER_OP_BCONTAINS,
	FILTER_OP_STARTSWITH,
	FILTER_OP_BSTARTSWITH,
	FILTER_OP_ENDSWITH,
	FILTER_OP_GLOB,
	FILTER_OP_IGLOB,
	FILTER_OP_REGEX,
	FILTER_OPS,
};

/* The operator as it is written ("startswith"); never NULL for a valid value. */
const char *filter_op_name(enum filter_op op);

/* Between an operator and its list: whether one value of the list fits, some, or all. */
enum filter_mod {
	FILTER_MOD_NONE = 0,
	FILTER_MOD_ONEOF, /* exactly one */
	FILTER_MOD_ANYOF,
	FILTER_MOD_ALLOF,
	FILTER_MODS,
};

/* "oneof"; "" for none; never NULL for a valid value. */
const char *filter_mod_name(enum filter_mod mod);

/* The transformers. */
enum filter_call {
	FILTER_CALL_TOLOWER = 0,
	FILTER_CALL_TOUPPER,
	FILTER_CALL_B64,
	FILTER_CALL_BASENAME,
	FILTER_CALL_LEN,
	FILTER_CALL_JOIN,   /* separator, list */
	FILTER_CALL_CONCAT, /* two or more texts */
	FILTER_CALL_GETOPT, /* list, option string */
	FILTER_CALLS,
};

/* "tolower"; never NULL for a valid value. */
const char *filter_call_name(enum filter_call call);

enum filter_term_kind {
	FILTER_TERM_FIELD = 0,
	FILTER_TERM_TEXT, /* a constant inside a transformer */
	FILTER_TERM_LIST, /* (a, b) inside a transformer */
	FILTER_TERM_CALL,
};

/* Something that has a value: what stands on the left of an operator, or on its right in place of constants. */
struct filter_term {
	enum filter_term_kind kind;
	struct source_pos pos;
	enum field_type type; /* of the value; of the elements if it is a list. Never DYNAMIC */
	bool is_list;
	/* FIELD */
	const struct field_info *field;
	bool has_arg;         /* proc.aname[2]: has_arg, is_index, arg_index 2, arg_text "2" */
	bool is_index;        /* the argument is a number */
	uint64_t arg_index;   /* a negative number wraps round */
	const char *arg_text; /* as libsinsp understands it; of a dotted one (evt.arg.flags) what follows the dot; NULL
	                       * without an argument, also where libsinsp takes what is written for none */
	unsigned int ref_flags; /* enum field_ref_flags */
	/* TEXT */
	const char *text; /* NUL-terminated */
	size_t len;
	/* CALL and LIST */
	enum filter_call call;
	struct filter_term **args;
	size_t nargs;
	int selector; /* getopt(…)[x]: the byte x; -1 without one */
};

/* One right-hand value, as text and as the type of its field. */
struct filter_value {
	const char *text; /* unquoted, NUL-terminated; owned by the tree */
	size_t len;
	struct source_pos pos;
	union {
		uint64_t u64; /* unsigned, boolean (0/1), time and port types */
		int64_t s64; /* signed types, and the floating point type (Falco compares it with whole numbers only) */
		struct {     /* addresses and networks */
			uint8_t addr[16]; /* network byte order; IPv4 in the first four bytes */
			uint8_t family;   /* AF_INET or AF_INET6 */
			uint8_t prefix;   /* bits */
		} net;
	} as; /* which member: by the type of what it is compared with (compat/fields.h); unset for strings */
};

/* The use of a macro that a node came in through. */
struct filter_use {
	const char *macro;
	struct source_pos pos;          /* where the macro's name is written */
	const struct filter_use *outer; /* the use that this one stands in, NULL at the condition itself */
};

struct filter_node {
	enum filter_kind kind;
	/* Where it stands in the text given to the parser, mapped by the caller's position function. */
	struct source_pos pos;
	const struct filter_use *use; /* the innermost macro that it is written in; NULL: in the condition itself */
	/* AND, OR, NOT */
	struct filter_node **kids;
	size_t nkids;
	/* LEAF and CHECK */
	struct filter_term *left; /* of a LEAF always a field */
	enum filter_op op;
	enum filter_mod mod;         /* LEAF: NONE */
	struct filter_value *values; /* one for most operators, any number for in/intersects/pmatch and with a modifier,
	                              * none for exists and if there is `right` */
	size_t nvalues;
	struct filter_term *right; /* CHECK: what is compared with instead of values; NULL: values */
};

/* A parsed condition: a tree and the memory that it lives in. */
struct filter;

void filter_free(struct filter *f);
static inline void cleanup_filter(struct filter **f)
{
	filter_free(*f);
}
#define _autofilter_ _cleanup_(cleanup_filter)

/* The tree's root; owned by the filter. Positions in it point to file names of the text's owner, who must live longer.
 */
const struct filter_node *filter_root(const struct filter *f);

/* A text to parse. */
struct filter_text {
	const char *bytes; /* no NUL needed; not kept */
	size_t len;
	/* Where the byte at `offset` (at most len) is written; its result's `file` is kept. NULL: lines and columns are
	 * counted in the text itself, without a file. */
	struct source_pos (*pos)(const void *ctx, size_t offset);
	const void *ctx;
};

/* A text that was read by the grammar: names not resolved, nothing typed. */
struct filter_syntax;

void filter_syntax_free(struct filter_syntax *s);
static inline void cleanup_filter_syntax(struct filter_syntax **s)
{
	filter_syntax_free(*s);
}
#define _autosyntax_ _cleanup_(cleanup_filter_syntax)

/*
 * Reads a text by the grammar. 0, or -EINVAL after adding the (first) error with its place to `diags`, or -ENOMEM.
 * Codes: syntax, bad-argument, too-deep, too-large.
 */
int filter_syntax_parse(struct filter_syntax **out, const struct filter_text *text, struct diag_list *diags);

/* Calls `visit` for each macro name in the text, in order, with the place where it is written. */
void filter_syntax_names(const struct filter_syntax *s,
                         void (*visit)(void *ctx, const char *name, struct source_pos pos), void *ctx);

struct filter_macro {
	const char *name;
	const struct filter_syntax *syntax; /* NULL: its text is wrong and was reported; users fail without a word */
};

struct filter_macros {
	/*
	 * The macro that `name` means within `inside` (NULL: within the condition itself), or NULL if none. The result
	 * must live until filter_compile() returns.
	 */
	const struct filter_macro *(*find)(const void *ctx, const struct filter_macro *inside, const char *name);
	const void *ctx;
};

/*
 * Makes the typed tree: macros put in, and fields, arguments, operators and values checked. 0 with *out set (the caller
 * owns it; it does not refer to `syntax` or the macros), -EINVAL after adding every error found to `diags`, or -ENOMEM.
 * `macros` may be NULL: then every name is unknown. Codes: unknown-macro, cyclic-macro, unknown-field, bad-argument,
 * bad-transformer, bad-operator, bad-value, bad-regex, unknown-event-type, unsupported-field, too-deep, too-large; as
 * warnings falco-quirk, field-as-text, transformer-as-text, simple-regex.
 */
int filter_compile(struct filter **out, const struct filter_syntax *syntax, const struct filter_macros *macros,
                   struct diag_list *diags);

/* Both steps, for a condition without macros. */
int filter_parse(struct filter **out, const struct filter_text *text, struct diag_list *diags);

/* Gives each comparison that stands in the condition itself the place that `place` answers for it. */
void filter_move(struct filter *f, struct source_pos (*place)(void *ctx, const struct filter_node *n), void *ctx);

/* Adds the condition as Falco would read it: the same tree comes out of parsing it. Errors stick in the buffer. */
struct buf;
void filter_print(struct buf *out, const struct filter_node *node);

/* The same for a field with its argument, or a transformer. */
void filter_print_term(struct buf *out, const struct filter_term *term);

/* Whether two trees mean the same, node by node: kinds, fields, arguments, operators, values; not positions. */
bool filter_equal(const struct filter_node *a, const struct filter_node *b);

/*
 * Checks a rule's output text: each %field must be one of the catalogue, with its argument, or a transformer of such.
 * The longest name that is a field counts, as in Falco: "%fd.names" is fd.name and an s. 0 or -EINVAL (all errors
 * added). Codes: bad-output, unknown-field, bad-argument, bad-transformer, syntax.
 */
int filter_check_output(const struct filter_text *text, struct diag_list *diags);

/* The event types that the engine has decision points or sensors for. */
enum filter_event {
	FILTER_EVENT_EXECVE = 0,
	FILTER_EVENT_EXECVEAT,
	FILTER_EVENT_CLONE,
	FILTER_EVENT_CLONE3,
	FILTER_EVENT_FORK,
	FILTER_EVENT_VFORK,
	FILTER_EVENT_PROCEXIT,
	FILTER_EVENT_OPEN,
	FILTER_EVENT_OPENAT,
	FILTER_EVENT_OPENAT2,
	FILTER_EVENT_CREAT,
	FILTER_EVENT_CONNECT,
	FILTER_EVENT_SOCKET,
	FILTER_EVENT_CHDIR,
	FILTER_EVENT_FCHDIR,
	FILTER_EVENTS,
};

/* "execve"; never NULL for a valid value. */
const char *filter_event_name(enum filter_event e);

/* A set of evt.type names out of all that libsinsp knows; one bit each, by position in the sorted table of names. */
struct filter_event_set {
	uint64_t words[8];
};

/*
 * The event types for which the condition can be true, as Falco finds them: only comparisons of evt.type (and
 * syscall.type) with = == != in and exists narrow the set, everything else is neutral, negation is pushed to the
 * leaves.
 */
struct filter_event_set filter_event_types(const struct filter_node *node);

/* Whether the name is an event type that libsinsp knows (a system call or an event of its own). */
bool filter_event_known(const char *name);

bool filter_event_set_has(const struct filter_event_set *s, const char *name);
bool filter_event_set_has_event(const struct filter_event_set *s, enum filter_event e);
size_t filter_event_set_count(const struct filter_event_set *s);
/* Calls `visit` for each name in the set, in alphabetical order. */
void filter_event_set_each(const struct filter_event_set *s, void (*visit)(void *ctx, const char *name), void *ctx);

#endif
