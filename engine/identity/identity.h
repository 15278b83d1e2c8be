/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a process runs: the node, and by cgroup id the cgroup's path and the container. Fed by CGROUP records, or by a
 * walk over the mounted cgroup v2 hierarchy; what a path says about containers is decided by bpf/cgroup_path.h alone,
 * so that kernel and user space agree. Knows no container runtime.
 */
#ifndef TERCEL_IDENTITY_IDENTITY_H
#define TERCEL_IDENTITY_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "bpf/abi.h"

struct identity;

struct identity_cgroup {
	uint64_t id;                                /* inode number of the cgroup v2 directory */
	enum tercel_cgroup_state state;             /* UNKNOWN: the path could not be read whole */
	char container_id[TERCEL_CONTAINER_ID_LEN]; /* in full; "" on the host or if unknown */
	const char *path;                           /* from the hierarchy's root: "/" …; valid as long as the entry */
};

/*
 * `node` names this machine; NULL: $NODE_NAME (which Kubernetes deployments set), else the host name. At most
 * `max_cgroups` (0: 65536) are remembered; beyond that the ones told of first are forgotten, and counted. 0 or -ENOMEM.
 */
int identity_new(struct identity **out, const char *node, size_t max_cgroups);
void identity_free(struct identity *i);
static inline void cleanup_identity(struct identity **i)
{
	identity_free(*i);
}
#define _autoidentity_ _cleanup_(cleanup_identity)

/* Never NULL or empty. Valid as long as the identity. */
const char *identity_node(const struct identity *i);

/* Takes in one cgroup; a known one is replaced. `path` need not be NUL-terminated. 0 or -ENOMEM. */
int identity_add(struct identity *i, uint64_t cgroup_id, const char *path, size_t len);

/* Takes in a CGROUP record (-EBADMSG if malformed); other records are ignored. 0 or -ENOMEM. */
int identity_apply(struct identity *i, const struct tercel_hdr *r);

/* Takes in every cgroup below the root of the v2 hierarchy, a directory. 0 or -errno with its reason in `err`. */
int identity_scan(struct identity *i, const char *root, struct error *err);

/* Finds where cgroup v2 is mounted (reads /proc/self/mounts): a new string. -ENOENT if it is nowhere, or -errno. */
int identity_cgroup_root(char **out);

/* NULL if nobody told of that id. Valid until the next identity_add() or identity_apply(). */
const struct identity_cgroup *identity_find(const struct identity *i, uint64_t cgroup_id);

/* Calls `each` for every cgroup, those told of first first. It must not change the identity. */
void identity_each(const struct identity *i, void (*each)(void *ctx, const struct identity_cgroup *cgroup), void *ctx);

/* How many cgroups were forgotten for want of room. */
uint64_t identity_forgotten(const struct identity *i);

#endif
