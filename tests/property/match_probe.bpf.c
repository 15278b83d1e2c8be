// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The matcher alone, run by BPF_PROG_TEST_RUN on facts that the test wrote into maps: for the comparison of both
 * compilations of bpf/match.h, and for measuring.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "match.h"

#include "probe_ancestors.h"

/* sizeof() of what is used by pointer only; the value types are not in the map's type information then. */
#define ARRAY_MAP(name, size)                      \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(max_entries, 1);            \
		__uint(key_size, sizeof(__u32));   \
		__uint(value_size, (size));        \
		__uint(map_flags, BPF_F_MMAPABLE); \
	} name SEC(".maps")

ARRAY_MAP(image_map, TERCEL_IMAGE_MAX);
ARRAY_MAP(text_map, MATCH_TEXT_MAX);
ARRAY_MAP(facts_map, sizeof(struct match_facts));
ARRAY_MAP(state_map, sizeof(struct match_state));
ARRAY_MAP(ancestors_map, sizeof(struct probe_ancestors));

/* What a list of paths alone would cost: one look-up of a whole path. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(key_size, PROBE_PATH_MAX);
	__uint(value_size, sizeof(__u64));
} paths_map SEC(".maps");

ARRAY_MAP(path_map, PROBE_PATH_MAX);
ARRAY_MAP(found_map, sizeof(__u64));

struct probe_args {
	__u32 point;
	__u32 repeat;
	__u64 ns;
};

struct probe_ctx {
	struct match_ctx m;
	const struct probe_ancestors *ancestors;
};

static int probe_ancestor(__u32 i, void *p)
{
	struct probe_ctx *c = p;

	if (i >= TERCEL_ANCESTORS_MAX || i >= c->ancestors->count)
		return 1;
	match_ancestor(&c->m, i, &c->ancestors->items[i & (TERCEL_ANCESTORS_MAX - 1)]);
	return 0;
}

static __always_inline int probe_once(struct probe_ctx *c)
{
	int more = match_start(&c->m);

	if (more == 2) {
		bpf_loop(TERCEL_ANCESTORS_MAX, probe_ancestor, c, 0);
		if (c->ancestors->cut)
			match_ancestors_cut(&c->m);
	}
	if (more)
		match_finish(&c->m);
	return 0;
}

static int probe_step(__u32 i, void *p)
{
	(void)i;
	probe_once(p);
	return 0;
}

SEC("syscall")
int probe(struct probe_args *args)
{
	__u32 zero = 0;
	const __u8 *image = bpf_map_lookup_elem(&image_map, &zero), *text = bpf_map_lookup_elem(&text_map, &zero);
	struct match_facts *facts = bpf_map_lookup_elem(&facts_map, &zero);
	struct match_state *state = bpf_map_lookup_elem(&state_map, &zero);
	struct probe_ancestors *ancestors = bpf_map_lookup_elem(&ancestors_map, &zero);
	struct probe_ctx c = {.m = {.image = image, .st = state, .facts = facts, .text = text, .point = args->point},
	                      .ancestors = ancestors};
	__u64 start;

	if (!image || !text || !facts || !state || !ancestors)
		return 1;
	start = bpf_ktime_get_ns();
	bpf_loop(args->repeat, probe_step, &c, 0);
	args->ns = bpf_ktime_get_ns() - start;
	return 0;
}

struct look_up_ctx {
	const void *path;
	__u64 *found;
};

static int look_up_step(__u32 i, void *p)
{
	struct look_up_ctx *c = p;

	(void)i;
	if (bpf_map_lookup_elem(&paths_map, c->path))
		(*c->found)++;
	return 0;
}

SEC("syscall")
int look_up(struct probe_args *args)
{
	__u32 zero = 0;
	struct look_up_ctx c = {.path = bpf_map_lookup_elem(&path_map, &zero),
	                        .found = bpf_map_lookup_elem(&found_map, &zero)};
	__u64 start;

	if (!c.path || !c.found)
		return 1;
	start = bpf_ktime_get_ns();
	bpf_loop(args->repeat, look_up_step, &c, 0);
	args->ns = bpf_ktime_get_ns() - start;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
