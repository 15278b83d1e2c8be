/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an act has to be like for a condition to match it: one way for each branch of the condition. A guess: what comes
 * of it is seen when it is done (trial.h). Knows conditions; no kernel and no daemon.
 */
#ifndef TERCEL_VERIFY_NEED_H
#define TERCEL_VERIFY_NEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter/filter.h"
#include "verify/act.h"

#define NEED_TEXT_MAX 256
#define NEED_END_MAX 64
#define NEED_ARGS 4
#define NEEDS_MAX 64

/* How a text has to compare with what is asked for. */
enum need_fit {
	NEED_ANY = 0, /* nothing is asked for */
	NEED_IS,
	NEED_STARTS,
	NEED_ENDS,
	NEED_CONTAINS,
	NEED_STARTS_AND_ENDS, /* which does for one that contains its `end`, too */
};

struct need_text {
	enum need_fit fit;
	char text[NEED_TEXT_MAX];
	char end[NEED_END_MAX]; /* STARTS_AND_ENDS */
};

enum need_choice { NEED_EITHER = 0, NEED_YES, NEED_NO };

struct need {
	call_set calls;                             /* that may do it: all of one act; 0: it is about no call at all */
	struct need_text path, directory, filename; /* of the file; of two names the first one */
	struct need_text other;                     /* the second one, or the text of a symbolic link */
	struct need_text source, target;            /* fs.path's: which of both it is depends on the act */
	struct need_text name, exepath;             /* of the program: at an exec, that which is started */
	struct need_text parent;                    /* name of an ancestor */
	struct need_text args[NEED_ARGS];
	size_t nargs;
	struct need_text env; /* of the program that is started: a variable of its environment */
	enum need_choice write, create, truncate;
	unsigned int mode; /* bits that are to be in it, and the kind of file that is made */
	enum need_choice upper_layer, memory, container, root, terminal;
	bool has_address, has_port, has_protocol;
	uint8_t address[16];
	int family; /* AF_INET or AF_INET6 */
	uint16_t port;
	int protocol;                /* IPPROTO_TCP or IPPROTO_UDP */
	char missing[NEED_TEXT_MAX]; /* what of the condition nobody here can bring about; "": nothing */
};

struct needs {
	struct need items[NEEDS_MAX];
	size_t count;
};

/* Those of a condition, the ones without anything missing first; never more than NEEDS_MAX of them. 0 or -ENOMEM. */
int needs_of(struct needs *out, const struct filter_node *condition);

#endif
