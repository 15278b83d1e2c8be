/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's user database as Falco sees it: a name for each user id. Reads /etc/passwd; asks no name service.
 */
#ifndef TERCEL_IDENTITY_USERS_H
#define TERCEL_IDENTITY_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bpf/abi.h"

struct identity_user {
	uint32_t uid;
	uint32_t line;           /* of passwd, from 0 */
	struct tercel_user user; /* a name that is too long has its length alone: the kernel takes it for unknown */
};

struct identity_users {
	struct identity_user *users; /* ascending by id, each id once */
	size_t count;
	/* Nobody else has a name: passwd is the only source. Falco shows "<NA>" for all others then. */
	bool whole;
	struct stat read; /* of passwd, when it was read */
};

/*
 * Reads `passwd` ("/etc/passwd") into *out, which the caller frees. `nsswitch` ("/etc/nsswitch.conf") tells whether
 * files come first when a user is looked up; if they do not, no name is known. 0 or -errno with *out untouched.
 *
 * Of several lines with one id the first counts. Always there: the id -1, which nobody has, as "<NA>", with
 * tercel_user.whole; and, if the names are whole, 0, as "root" if nobody has it.
 */
int identity_users_read(struct identity_users *out, const char *passwd, const char *nsswitch);

/* Whether `passwd` is another file than the one that was read, or was changed since. */
bool identity_users_changed(const struct identity_users *u, const char *passwd);

/*
 * For a database that was read again: of users that had another name before, or have none any more, the name becomes
 * unknown. Falco keeps what it found for a while, and nobody can tell for how long. 0 or -ENOMEM.
 */
int identity_users_inherit(struct identity_users *u, const struct identity_users *before);

void identity_users_free(struct identity_users *u);

#endif
