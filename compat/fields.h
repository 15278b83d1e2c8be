/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of Falco's fields: name, type, argument and meaning of each, how to find one by name, and which
 * arguments it takes.
 *
 * Facts only. Knows nothing of conditions, events or kernels; how a field gets its value is other modules' work.
 */
#ifndef TERCEL_COMPAT_FIELDS_H
#define TERCEL_COMPAT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "compat/fields_table.h"

/* The type of a field's value; in brackets libsinsp's PT_*. */
enum field_type {
	FIELD_TYPE_STRING = 0, /* bytes without NUL; paths too, as in Falco [CHARBUF] */
	FIELD_TYPE_BYTES,      /* bytes, NUL allowed [BYTEBUF] */
	FIELD_TYPE_BOOL,
	FIELD_TYPE_INT8,
	FIELD_TYPE_INT16,
	FIELD_TYPE_INT32,
	FIELD_TYPE_INT64, /* [PID, FD and ERRNO too] */
	FIELD_TYPE_UINT8, /* [FLAGS8, ENUMFLAGS8] */
	FIELD_TYPE_UINT16,
	FIELD_TYPE_UINT32, /* [FLAGS32, ENUMFLAGS32, MODE] */
	FIELD_TYPE_UINT64,
	FIELD_TYPE_DOUBLE,
	FIELD_TYPE_RELTIME, /* a duration, unsigned nanoseconds */
	FIELD_TYPE_ABSTIME, /* unsigned nanoseconds since the epoch */
	FIELD_TYPE_PORT,    /* unsigned, 16 bits */
	FIELD_TYPE_IP,      /* an IPv4 or IPv6 address [IPADDR] */
	FIELD_TYPE_NET,     /* an address that is compared with networks [IPNET] */
	FIELD_TYPE_DYNAMIC, /* depends on the argument [DYN] */
	FIELD_TYPE_OPAQUE,  /* only `exists` works: libsinsp compares it with nothing [SOCKADDR, UID, …] */
	FIELD_TYPES,
};

/* What may stand behind the name. */
enum field_arg {
	FIELD_ARG_NONE = 0,
	FIELD_ARG_INDEX,           /* evt.around[1404996934793590564] */
	FIELD_ARG_INDEX_OPTIONAL,  /* proc.aname or proc.aname[2] */
	FIELD_ARG_KEY_OPTIONAL,    /* proc.env, proc.env[HOME] or proc.env[2] */
	FIELD_ARG_KEY,             /* k8s.pod.label[app]; a number is a key too */
	FIELD_ARG_KEY_OR_INDEX,    /* container.mount[0] or container.mount[/etc] */
	FIELD_ARG_DOTTED,          /* thread.cgroup.cpu */
	FIELD_ARG_DOTTED_OPTIONAL, /* evt.abspath or evt.abspath.src */
	FIELD_ARG_DOTTED_OR_INDEX, /* evt.arg.flags or evt.arg[0] */
	FIELD_ARGS,
};

/* Who gives the field to Falco. */
enum field_provider {
	FIELD_FROM_FALCO = 0, /* libsinsp itself */
	FIELD_FROM_CONTAINER, /* the plugin named container: Falco's or ours */
	FIELD_FROM_TERCEL,    /* our plugin */
	FIELD_PROVIDERS,
};

enum field_class {
#define X(id, name, title, provider) FIELD_CLASS_##id,
	TERCEL_FIELD_CLASSES(X)
#undef X
	        FIELD_CLASSES,
};

enum field_flags {
	FIELD_LIST = 1 << 0, /* the value is a list */
	/* Without an argument a comparison holds if it holds for some ancestor. See FIELD_REF_ANY_ANCESTOR. */
	FIELD_ANY_ANCESTOR = 1 << 1,
	FIELD_EITHER_END = 1 << 2, /* a comparison asks both ends of a connection; != asks that it hold for both */
	/* libsinsp's mark for what has no value of its own: printing it gives none. 0.25 refuses it in outputs no more.
	 */
	FIELD_FILTER_ONLY = 1 << 3,
	FIELD_PRINT_ONLY = 1 << 4,     /* libsinsp's mark, which nothing enforces: conditions may compare it */
	FIELD_NO_RHS = 1 << 5,         /* may not stand inside val(), nor be compared with one */
	FIELD_NO_TRANSFORMER = 1 << 6, /* may not stand inside a transformer of one argument */
	FIELD_DEPRECATED = 1 << 7,
	FIELD_HIDDEN = 1 << 8, /* libsinsp does not list it in its help */
	/* Compared through a cache of host names, which takes =, != and in. What Falco cannot look up has no value. */
	FIELD_HOST_NAME = 1 << 9,
	FIELD_EQUAL_ONLY = 1 << 10, /* compared with a constant, it takes = alone */
	/* How libsinsp prints the number, if it is not in decimal. */
	FIELD_HEX = 1 << 11,
	FIELD_PADDED = 1 << 12,    /* decimal, nine digits at least */
	FIELD_UNPRINTED = 1 << 13, /* it has no form for it */
};

enum field_id {
#define X(id, name, in_class, type, arg, flags, description) FIELD_##id,
	TERCEL_FIELDS(X)
#undef X
	        FIELD_COUNT,
};

struct field_info {
	enum field_id id;
	const char *name;
	enum field_class in_class;
	enum field_type type;
	enum field_arg arg;
	unsigned int flags;      /* enum field_flags */
	const char *description; /* one line, no full stop */
};

/* The row of a field; never NULL for a valid id. Static memory. O(1). */
const struct field_info *field_by_id(enum field_id id);

struct field_class_info {
	const char *name;  /* as Falco calls it; not unique */
	const char *title; /* "all events"; for one class of fields among those of one name */
	enum field_provider provider;
};

/* What a class is called; never NULL for a valid value. Static memory. */
const struct field_class_info *field_class(enum field_class class_id);

/*
 * The field of that exact name (length `len`, no NUL needed), NULL if there is none. Linear in the catalogue (loading
 * only). Names with a dotted argument are found with it: "evt.arg.flags" gives evt.arg. If `arg` is not NULL it
 * receives the dotted argument within `name` (up to `len`), or NULL if there is none.
 */
const struct field_info *field_by_name(const char *name, size_t len, const char **arg);

enum field_ref_kind {
	FIELD_REF_PLAIN = 0, /* no argument, or one that libsinsp takes for none */
	FIELD_REF_INDEX,
	FIELD_REF_KEY,
};

/* What libsinsp makes of a field and its argument; how it was written does not matter: proc.aname[ +2] is
 * proc.aname[2]. */
struct field_ref {
	const struct field_info *field;
	enum field_ref_kind kind;
	/*
	 * INDEX: the number. Signed, of 32 or 64 bits; of evt.around and container.mount the bits of an unsigned one.
	 * What is out of range was cut to its width, as libsinsp does. A negative one has no value (but is no error).
	 */
	int64_t index;
	const char *key; /* KEY: within the caller's text; no NUL at its end if it stood behind a dot */
	size_t key_len;
	enum field_type type; /* the field's; of evt.rawarg that of its parameter. Never DYNAMIC */
	unsigned int flags;   /* enum field_ref_flags */
};

enum field_ref_flags {
	FIELD_REF_BRACKET = 1 << 0, /* an argument was written in brackets, whatever became of it */
	/*
	 * A comparison holds if it holds for some ancestor: one of the FIELD_ANY_ANCESTOR fields with no index, or with
	 * -1, which is how libsinsp says "none"; and proc.aenv with any number, since only a name counts for it.
	 */
	FIELD_REF_ANY_ANCESTOR = 1 << 1,
	/* No constant can be read for it; an operator stands only with an empty list [SYSCALLID, SIGTYPE, BYTEBUF]. */
	FIELD_REF_NO_CONSTANT = 1 << 2,
	FIELD_REF_IPV4 = 1 << 3, /* an address, but constants are IPv4 alone [IPV4ADDR] */
	/* A string that is a path: concat() and getopt(), which want plain strings, refuse it [FSPATH, FSRELPATH]. */
	FIELD_REF_PATH = 1 << 4,
	/* Inside a transformer's list the number is printed [INT64, UINT64, PID]; the bytes of others are taken as
	   text. */
	FIELD_REF_PRINTED = 1 << 5,
	FIELD_REF_HEX = 1 << 6, /* in capital hexadecimal digits */
};

/*
 * Finds the field of a condition and its argument, and takes what libsinsp 0.25 takes, nothing else: `name` is the
 * dotted name (`len` bytes, no NUL needed), `bracket` what stands in the brackets behind it (NUL-terminated, unquoted),
 * NULL without brackets. 0 with *out set; -ENOENT with `err` set if there is no such field; -ENXIO and -EINVAL if the
 * field does not take the argument: to libsinsp a field with it does not exist, or it is an error, which
 * skip-if-unknown-filter does not forgive. `out` may be NULL. Linear in the catalogue (loading only).
 */
int field_resolve(struct field_ref *out, const char *name, size_t len, const char *bracket, struct error *err);

/* Whether the whole text is a field with its argument, as Falco asks it of an exception's fields, or of a constant that
 * looks like a field. */
bool field_is_reference(const char *text, size_t len);

/* "a number in brackets, or none", for messages and help: what the field takes; never NULL. */
const char *field_arg_form(enum field_arg arg);

/* "falco", "container", "tercel"; never NULL. */
const char *field_provider_name(enum field_provider provider);

/* The known field name that is nearest to `name`, for "did you mean"; NULL if none is near. */
const struct field_info *field_suggest(const char *name, size_t len);

/* "8-bit signed number", for messages; never NULL. */
const char *field_type_name(enum field_type type);

/* "int8", for lists and programs; stable; never NULL. */
const char *field_type_word(enum field_type type);

/* True for types that <, <=, >, >= compare: the numbers, the times and the port. */
bool field_type_is_number(enum field_type type);

#endif
