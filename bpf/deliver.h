/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a filled record to a ring buffer: scratch buffers, counters, sending. Knows no record but the header.
 */
#ifndef TERCEL_BPF_DELIVER_H
#define TERCEL_BPF_DELIVER_H

#include "maps.h"

/* Keeps the compiler from moving or forgetting a bound that the verifier has to see. */
#define OPAQUE(var) asm volatile("" : "+r"(var))

static __always_inline struct tercel_stats *stats_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stats, &zero);
}

/* Atomic although per CPU: a program may be preempted by another one between load and store, and the sums must be
 * exact. */
#define COUNT(member)                                         \
	do {                                                  \
		struct tercel_stats *_s = stats_get();        \
		if (_s)                                       \
			__sync_fetch_and_add(&_s->member, 1); \
	} while (0)

/* This CPU's scratch buffer of that number, or NULL. A CPU that came later shares with another; taking is atomic. */
static __always_inline struct scratch *scratch_take(__u32 slot)
{
	__u32 key = bpf_get_smp_processor_id() % cpu_count * TERCEL_SCRATCH_SLOTS + slot;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &key);

	if (!s || __sync_val_compare_and_swap(&s->busy, 0, 1))
		return NULL;
	s->key = key;
	return s;
}

/* A free scratch buffer; NULL (counted by the caller, who knows the type) if all are in use. */
static __always_inline struct scratch *scratch_get(void)
{
	for (__u32 slot = 0; slot < TERCEL_SCRATCH_EXEC; slot++) {
		struct scratch *s = scratch_take(slot);

		if (s)
			return s;
	}
	return NULL;
}

/* The same at an exec, which has one of its own. */
static __always_inline struct scratch *scratch_get_exec(void)
{
	struct scratch *s = scratch_take(TERCEL_SCRATCH_EXEC);

	return s ? s : scratch_get();
}

static __always_inline void scratch_put(struct scratch *s)
{
	__sync_lock_test_and_set(&s->busy, 0);
}

/*
 * Starts the making of one or several records: returns their time stamp. From before that is taken until act_end(),
 * user space delivers nothing younger. *mark is for act_end(): NULL if this program interrupted another one of ours,
 * which began earlier and ends later. (A program of a cgroup hook may be preempted and end earlier than one that began
 * meanwhile: a verdict's time stamp may then be a little older than what was delivered before it.)
 */
static __always_inline __u64 act_begin(struct tercel_underway **mark)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct tercel_underway *u = bpf_map_lookup_elem(&underway, &cpu);
	__u64 ts;

	if (u && __sync_val_compare_and_swap(&u->since, TERCEL_UNDERWAY_NONE, TERCEL_UNDERWAY_STARTS))
		u = NULL;
	ts = bpf_ktime_get_boot_ns();
	if (u)
		*(volatile __u64 *)&u->since = ts;
	*mark = u;
	return ts;
}

/* Everything is sent. */
static __always_inline void act_end(struct tercel_underway *mark)
{
	if (mark)
		__sync_lock_test_and_set(&mark->since, TERCEL_UNDERWAY_NONE);
}

/* Whether anybody asked for records of this type. */
static __always_inline bool is_wanted(__u32 type)
{
	__u32 zero = 0;
	struct tercel_interest *i = bpf_map_lookup_elem(&interest, &zero);

	return i && (i->records & (1U << type));
}

enum fate {
	FATE_DELIVERED,
	FATE_FILTERED,
	FATE_DROPPED,
	FATE_SCRATCH_BUSY,
};

/* Every act is generated once and has one fate. */
static __always_inline void count(__u32 type, enum fate fate)
{
	struct tercel_stats *s = stats_get();

	if (!s || type >= TERCEL_RECORD_TYPES)
		return;
	__sync_fetch_and_add(&s->generated[type], 1);
	switch (fate) {
	case FATE_DELIVERED:
		__sync_fetch_and_add(&s->delivered[type], 1);
		break;
	case FATE_FILTERED:
		__sync_fetch_and_add(&s->filtered[type], 1);
		break;
	case FATE_SCRATCH_BUSY:
		__sync_fetch_and_add(&s->scratch_busy, 1);
		__sync_fetch_and_add(&s->dropped[type], 1);
		break;
	case FATE_DROPPED:
		__sync_fetch_and_add(&s->dropped[type], 1);
		break;
	}
}

/* Sends hdr->size bytes (set before, at most TERCEL_RECORD_MAX) to this CPU's ring and counts the outcome. */
static __always_inline void send(struct tercel_hdr *hdr, __u32 type, __u64 size)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring;

	hdr->size = (__u32)size;
	hdr->type = (__u16)type;
	hdr->cpu = (__u16)cpu;
	hdr->pad = 0;
	if (!is_wanted(type)) {
		count(type, FATE_FILTERED);
		return;
	}
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (!ring || size < sizeof(*hdr)) {
		count(type, FATE_DROPPED);
		return;
	}
	/* The compiler would make one comparison of both, which verifiers up to Linux 6.12 do not see through. */
	OPAQUE(size);
	if (size > TERCEL_RECORD_MAX || bpf_ringbuf_output(ring, hdr, size, 0))
		count(type, FATE_DROPPED);
	else
		count(type, FATE_DELIVERED);
}

#endif
