/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of Falco's fields: name, type, argument and meaning of each, and how to find one by name.
 *
 * Facts only. Knows nothing of conditions, events or kernels; how a field gets its value is other modules' work.
 */
#ifndef TERCEL_COMPAT_FIELDS_H
#define TERCEL_COMPAT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	FIELD_TYPE_OPAQUE, /* only `exists` works: Falco compares it with nothing [SOCKADDR, SOCKTUPLE, FDLIST, UID, …]
	                    */
	FIELD_TYPES,
};

/* What may stand behind the name. */
enum field_arg {
	FIELD_ARG_NONE = 0,
	FIELD_ARG_INDEX_OPTIONAL,  /* proc.aname or proc.aname[2] */
	FIELD_ARG_KEY_OPTIONAL,    /* proc.env, proc.env[HOME] or proc.env[2] */
	FIELD_ARG_KEY,             /* k8s.pod.label[app]; a number is a key too */
	FIELD_ARG_DOTTED,          /* thread.cgroup.cpu */
	FIELD_ARG_DOTTED_OPTIONAL, /* evt.abspath or evt.abspath.src */
	FIELD_ARG_DOTTED_OR_INDEX, /* evt.arg.flags or evt.arg[0] */
};

/* Who gives the field to Falco. */
enum field_provider {
	FIELD_FROM_FALCO = 0, /* libsinsp itself */
	FIELD_FROM_CONTAINER, /* the plugin named container: Falco's or ours */
	FIELD_FROM_TERCEL,    /* our plugin */
};

enum field_flags {
	FIELD_LIST = 1 << 0,           /* the value is a list */
	FIELD_ANY_ANCESTOR = 1 << 1,   /* without an argument a comparison holds if it holds for some ancestor */
	FIELD_EITHER_END = 1 << 2,     /* a comparison holds if it holds for one end of a connection */
	FIELD_FILTER_ONLY = 1 << 3,    /* may not be printed */
	FIELD_PRINT_ONLY = 1 << 4,     /* may not be compared */
	FIELD_NO_RHS = 1 << 5,         /* may not stand inside val() */
	FIELD_NO_TRANSFORMER = 1 << 6, /* may not stand inside a transformer */
	FIELD_DEPRECATED = 1 << 7,
	FIELD_HIDDEN = 1 << 8, /* libsinsp does not list it in its help */
};

enum field_id {
#define X(id, name, type, arg, provider, flags, description) FIELD_##id,
	TERCEL_FIELDS(X)
#undef X
	        FIELD_COUNT,
};

struct field_info {
	enum field_id id;
	const char *name;
	enum field_type type;
	enum field_arg arg;
	enum field_provider provider;
	unsigned int flags;      /* enum field_flags */
	const char *description; /* one line, no full stop */
};

/* The row of a field; never NULL for a valid id. Static memory. O(1). */
const struct field_info *field_by_id(enum field_id id);

/*
 * The field of that exact name (length `len`, no NUL needed), NULL if there is none. Linear in the catalogue (loading
 * only). Names with a dotted argument are found with it: "evt.arg.flags" gives evt.arg. If `arg` is not NULL it
 * receives the dotted argument within `name` (up to `len`), or NULL if there is none.
 */
const struct field_info *field_by_name(const char *name, size_t len, const char **arg);

/* The known field name that is nearest to `name`, for "did you mean"; NULL if none is near. */
const struct field_info *field_suggest(const char *name, size_t len);

/* "string", "ip", ... for messages and help; never NULL. */
const char *field_type_name(enum field_type type);

/* True for types that <, <=, >, >= compare: the numbers, the times and the port. */
bool field_type_is_number(enum field_type type);

#endif
