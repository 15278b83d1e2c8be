/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First sight of a cgroup: reads its path, classifies it, remembers the answer, and tells user space.
 */
#ifndef TERCEL_BPF_CGROUP_H
#define TERCEL_BPF_CGROUP_H

#include "cgroup_path.h"
#include "deliver.h"
#include "path.h"

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___v6_15 *newer = (void *)node;

	if (bpf_core_field_exists(newer->__parent))
		return BPF_CORE_READ(newer, __parent);
	return BPF_CORE_READ(node, parent);
}

/* Appends one component, from the root on, and judges it. */
static long cgroup_step(__u32 i, struct scratch **ctx)
{
	struct scratch *s = *ctx;
	struct cgroup_walk *w = &s->cgroup_walk;
	struct kernfs_node *node;
	__u64 off = w->off;
	__u32 at = w->count - 1 - i;
	int start;
	long n;

	if (i >= w->count || at >= TERCEL_CGROUP_DEPTH)
		return 1;
	node = (void *)w->nodes[at];
	n = bpf_probe_read_kernel_str(w->name, sizeof(w->name), BPF_CORE_READ(node, name));
	OPAQUE(off);
	OPAQUE(n);
	if (n <= 1 || n > (long)sizeof(w->name) || off > APPEND_LAST) {
		w->failed = 1;
		return 1;
	}
	s->bytes[off] = '/';
	bpf_probe_read_kernel(s->bytes + off + 1, (__u32)n - 1, w->name);
	w->off = off + (__u64)n;
	start = cgroup_component(w->name, (__u32)n - 1);
	if (start > 0 || (start == 0 && !w->under_pods)) {
		bpf_probe_read_kernel(w->info.container_id, CGROUP_ID_DIGITS, w->name + (start & CGROUP_NAME_MAX));
		w->info.container_id[CGROUP_ID_DIGITS] = '\0';
		w->info.state = TERCEL_CGROUP_CONTAINER;
	}
	w->under_pods = (__u32)cgroup_is_pod_parent(w->name, (__u32)n - 1);
	return 0;
}

/*
 * The key of a cgroup in the map `cgroups`: its id, which is the only one of its hierarchy; the hierarchies of cgroup
 * v1 are told apart by the upper bits, which ids of a 64-bit kernel do not reach.
 */
static __always_inline __u64 cgroup_key(__u64 id, __u32 hierarchy)
{
	return hierarchy ? 1ULL << 63 | (__u64)(hierarchy & 0x7fff) << 48 | (id & 0xffffffffffffULL) : id;
}

/*
 * If the cgroup that `kn` (a struct kernfs_node) of this hierarchy stands for was never seen: remembers its class, and
 * leaves the CGROUP record in the scratch buffer of that key (which a global function has to look up itself: up to
 * Linux 6.1 what it is given by address cannot go into a map). Returns the record's size, or 0 if there is nothing to
 * tell: of a cgroup that cannot be remembered, nothing, lest every act in it told of it again. ts, cpu and ids of the
 * header are the caller's.
 */
__noinline int cgroup_first_sight(__u32 key, __u64 kn, __u32 hierarchy)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &key);
	struct kernfs_node *node = (void *)kn, *parent = NULL;
	struct cgroup_walk *w;
	__u64 size, id;
	long err;

	if (!s || !node)
		return 0;
	id = cgroup_key(BPF_CORE_READ(node, id), hierarchy);
	if (!id || bpf_map_lookup_elem(&cgroups, &id))
		return 0;
	if (cgroups_are_full) {
		COUNT(cgroups_full);
		return 0;
	}
	w = &s->cgroup_walk;
	__builtin_memset(&w->info, 0, sizeof(w->info));
	w->info.state = TERCEL_CGROUP_HOST;
	w->off = sizeof(struct tercel_cgroup);
	w->count = w->under_pods = w->failed = 0;
	for (__u32 i = 0; i < TERCEL_CGROUP_DEPTH; i++) {
		parent = kernfs_parent(node);
		/* The root of the hierarchy has no name. */
		if (!parent)
			break;
		w->nodes[i] = (__u64)node;
		w->count = i + 1;
		node = parent;
	}
	bpf_loop(TERCEL_CGROUP_DEPTH, cgroup_step, &s, 0);
	if (w->failed || parent) {
		__builtin_memset(&w->info, 0, sizeof(w->info));
		w->failed = 1;
	}
	err = bpf_map_update_elem(&cgroups, &id, &w->info, BPF_NOEXIST);
	if (err == -17 /* EEXIST: another CPU was first, and tells */)
		return 0;
	if (err) {
		cgroups_are_full = 1;
		COUNT(cgroups_full);
		return 0;
	}

	size = w->off;
	OPAQUE(size);
	if (size > APPEND_LAST)
		return 0;
	if (size == sizeof(struct tercel_cgroup))
		s->bytes[size++] = '/';
	__builtin_memset(&s->cgroup, 0, sizeof(s->cgroup));
	s->cgroup.cgroup_id = id;
	s->cgroup.hdr.flags = w->failed ? TERCEL_F_TRUNC_PATH : 0;
	s->cgroup.path.off = sizeof(struct tercel_cgroup);
	s->cgroup.path.len = (__u32)size - (__u32)sizeof(struct tercel_cgroup);
	return (int)size;
}

static __always_inline __u32 task_cgroup_first_sight(struct scratch *s, struct task_struct *task)
{
	return (__u32)cgroup_first_sight(s->key, (__u64)BPF_CORE_READ(task, cgroups, dfl_cgrp, kn), 0);
}

static __always_inline struct tercel_cgroup_info *cgroup_info(__u64 id)
{
	return bpf_map_lookup_elem(&cgroups, &id);
}

/* ---- hierarchies of cgroup v1 --------------------------------------------------------------------------- */

/* The cgroup that a controller has put the task into, if that is one of a v1 hierarchy and not its root. */
static __always_inline struct cgroup *v1_cgroup(struct css_set *set, __u32 controller, __u32 *hierarchy)
{
	struct cgroup_subsys_state *state = NULL;
	struct cgroup *cgroup;

	if (controller >= bpf_core_field_size(set->subsys) / sizeof(state))
		return NULL;
	bpf_probe_read_kernel(&state, sizeof(state),
	                      (char *)set + bpf_core_field_offset(set->subsys) + controller * sizeof(state));
	cgroup = BPF_CORE_READ(state, cgroup);
	*hierarchy = (__u32)BPF_CORE_READ(cgroup, root, hierarchy_id);
	return cgroup && *hierarchy && kernfs_parent(BPF_CORE_READ(cgroup, kn)) ? cgroup : NULL;
}

static __always_inline bool same_container(const struct tercel_cgroup_info *a, const struct tercel_cgroup_info *b)
{
	for (__u32 i = 0; i < TERCEL_CONTAINER_ID_SHORT; i++)
		if (a->container_id[i] != b->container_id[i])
			return false;
	return true;
}

/*
 * The key of the cgroup that tells the task's container. Falco looks at the paths of all controllers, so that a
 * container that the v2 hierarchy knows nothing of is found in a v1 hierarchy. 0: some path is not known, or they tell
 * of different containers. Uses the scratch buffer; hierarchies without a controller (name=…) are not looked at, as
 * Falco's driver does not either.
 */
static __noinline __u64 container_cgroup(struct scratch *s, struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	__u64 found = BPF_CORE_READ(set, dfl_cgrp, kn, id);
	struct tercel_cgroup_info *best = cgroup_info(found);

	for (__u32 i = 0; i < CGROUP_CONTROLLERS_MAX; i++) {
		struct tercel_cgroup_info *info;
		struct kernfs_node *kn;
		struct cgroup *cgroup;
		__u32 hierarchy;
		__u64 key;

		if (!best || best->state == TERCEL_CGROUP_UNKNOWN)
			return 0;
		cgroup = v1_cgroup(set, i, &hierarchy);
		if (!cgroup)
			continue;
		kn = BPF_CORE_READ(cgroup, kn);
		cgroup_first_sight(s->key, (__u64)kn, hierarchy);
		key = cgroup_key(BPF_CORE_READ(kn, id), hierarchy);
		info = cgroup_info(key);
		if (!info || info->state == TERCEL_CGROUP_UNKNOWN)
			return 0;
		if (info->state == TERCEL_CGROUP_HOST)
			continue;
		if (best->state == TERCEL_CGROUP_CONTAINER && !same_container(best, info))
			return 0;
		if (best->state == TERCEL_CGROUP_HOST) {
			best = info;
			found = key;
		}
	}
	return found;
}

#endif
