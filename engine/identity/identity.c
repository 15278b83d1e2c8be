/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/identity.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>

#include "bpf/cgroup_path.h"

enum {
	DEFAULT_CGROUPS = 65536,
	LEAST_BUCKETS = 64,
	MOST_BUCKETS = 1 << 16,
};

/* Entries hang in hash buckets and, in the order in which they were told of, in a list from `oldest` on. */
struct entry {
	struct identity_cgroup cgroup; /* first: an identity_cgroup handed out is its entry */
	struct entry *bucket_next;
	struct entry *newer, *older;
	char path[];
};

struct identity {
	char node[256]; /* a DNS name at most */
	size_t max, count;
	uint64_t forgotten;
	size_t mask; /* buckets - 1 */
	struct entry **buckets;
	struct entry *oldest, *newest;
};

static struct entry **bucket(const struct identity *i, uint64_t id)
{
	return &i->buckets[(size_t)((id * 0x9e3779b97f4a7c15) >> 32) & i->mask];
}

static struct entry **slot(const struct identity *i, uint64_t id)
{
	struct entry **e = bucket(i, id);
	while (*e && (*e)->cgroup.id != id)
		e = &(*e)->bucket_next;
	return e;
}

static void forget(struct identity *i, uint64_t id)
{
	struct entry **at = slot(i, id);
	struct entry *e = *at;
	if (!e)
		return;
	*at = e->bucket_next;
	*(e->older ? &e->older->newer : &i->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &i->newest) = e->older;
	i->count--;
	free(e);
}

static int add(struct identity *i, uint64_t id, const char *path, size_t len, enum tercel_cgroup_state known)
{
	struct entry *e = calloc(1, sizeof(*e) + len + 1);
	if (!e)
		return -ENOMEM;
	memcpy(e->path, path, len);
	e->cgroup.id = id;
	e->cgroup.path = e->path;
	e->cgroup.state = cgroup_path_classify(path, len, e->cgroup.container_id);
	if (known == TERCEL_CGROUP_UNKNOWN) {
		/* Of a cut path the innermost container may be missing, and so may the outermost. */
		e->cgroup.state = known;
		e->cgroup.container_id[0] = '\0';
	}
	forget(i, id);
	if (i->count == i->max) {
		forget(i, i->oldest->cgroup.id);
		i->forgotten++;
	}
	struct entry **head = bucket(i, id);
	e->bucket_next = *head;
	*head = e;
	e->older = i->newest;
	*(i->newest ? &i->newest->newer : &i->oldest) = e;
	i->newest = e;
	i->count++;
	return 0;
}

int identity_add(struct identity *i, uint64_t cgroup_id, const char *path, size_t len)
{
	return add(i, cgroup_id, path, len, TERCEL_CGROUP_HOST);
}

int identity_apply(struct identity *i, const struct tercel_hdr *r)
{
	if (r->type != TERCEL_CGROUP)
		return 0;
	const struct tercel_cgroup *c = (const struct tercel_cgroup *)r;
	if (r->size < sizeof(*c) || c->path.off > r->size || c->path.len > r->size - c->path.off)
		return -EBADMSG;
	bool cut = !c->path.len || (r->flags & (TERCEL_F_TRUNC_PATH | TERCEL_F_FAULT_PATH));
	return add(i, c->cgroup_id, (const char *)r + c->path.off, c->path.len,
	           cut ? TERCEL_CGROUP_UNKNOWN : TERCEL_CGROUP_HOST);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int identity_scan(struct identity *i, const char *root, struct error *err)
{
	char *const roots[] = {(char *)root, NULL};
	size_t prefix = strlen(root);
	while (prefix > 1 && root[prefix - 1] == '/')
		prefix--;
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, by_name);
	if (!fts)
		return error_set(err, -errno, "%s: %s", root, strerror(errno));
	int result = 0;
	for (FTSENT *f = fts_read(fts); f && !result; f = fts_read(fts)) {
		if (f->fts_level == 0 && f->fts_info != FTS_D && f->fts_info != FTS_DP)
			result = error_set(err, f->fts_errno ? -f->fts_errno : -ENOTDIR, "%s: %s", root,
			                   strerror(f->fts_errno ? f->fts_errno : ENOTDIR));
		if (f->fts_info != FTS_D || result)
			continue;
		const char *path = f->fts_pathlen > prefix ? f->fts_path + prefix : "/";
		result = identity_add(i, f->fts_statp->st_ino, path, strlen(path));
		if (result)
			(void)error_set(err, result, "out of memory");
	}
	(void)fts_close(fts);
	return result;
}

static void cleanup_mounts(FILE **mounts)
{
	if (*mounts)
		(void)endmntent(*mounts);
}

int identity_cgroup_root(char **out)
{
	_cleanup_(cleanup_mounts) FILE *mounts = setmntent("/proc/self/mounts", "re");
	if (!mounts)
		return -errno;
	char strings[2 * PATH_MAX];
	struct mntent m;
	while (getmntent_r(mounts, &m, strings, sizeof(strings))) {
		if (strcmp(m.mnt_type, "cgroup2") != 0)
			continue;
		char *path = strdup(m.mnt_dir);
		if (!path)
			return -ENOMEM;
		*out = path;
		return 0;
	}
	return -ENOENT;
}

const struct identity_cgroup *identity_find(const struct identity *i, uint64_t cgroup_id)
{
	const struct entry *e = *slot(i, cgroup_id);
	return e ? &e->cgroup : NULL;
}

const char *identity_node(const struct identity *i)
{
	return i->node;
}

void identity_each(const struct identity *i, void (*each)(void *ctx, const struct identity_cgroup *cgroup), void *ctx)
{
	for (const struct entry *e = i->oldest; e; e = e->newer)
		each(ctx, &e->cgroup);
}

uint64_t identity_forgotten(const struct identity *i)
{
	return i->forgotten;
}

static void name_node(struct identity *i, const char *node)
{
	const char *name = node ? node : getenv("NODE_NAME");
	if (name && *name)
		(void)snprintf(i->node, sizeof(i->node), "%s", name);
	else if (gethostname(i->node, sizeof(i->node) - 1) || !i->node[0])
		(void)snprintf(i->node, sizeof(i->node), "localhost");
}

int identity_new(struct identity **out, const char *node, size_t max_cgroups)
{
	_autoidentity_ struct identity *i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->max = max_cgroups ? max_cgroups : DEFAULT_CGROUPS;
	size_t buckets = LEAST_BUCKETS;
	while (buckets < i->max && buckets < MOST_BUCKETS)
		buckets *= 2;
	i->mask = buckets - 1;
	i->buckets = calloc(buckets, sizeof(struct entry *));
	if (!i->buckets)
		return -ENOMEM;
	name_node(i, node);
	*out = TAKE_PTR(i);
	return 0;
}

void identity_free(struct identity *i)
{
	if (!i)
		return;
	while (i->oldest)
		forget(i, i->oldest->cgroup.id);
	free(i->buckets);
	free(i);
}
