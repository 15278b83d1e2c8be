// SPDX-License-Identifier: Apache-2.0
/* Merges ring buffers by time stamp, without copying. See reader.h. */
#include "sensor/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "base/cleanup.h"

/* Before each record: length with two flag bits, and an offset that only the kernel needs (BPF_RINGBUF_HDR_SZ). */
struct ring_head {
	uint32_t len;
	uint32_t page_offset;
};

struct mapping {
	void *consumer, *producer;
	size_t producer_size;
};

struct reader {
	struct reader_ring *rings;
	struct mapping *mappings;
	size_t count;
	struct tercel_underway *underway; /* read only */
	size_t cpus;
	size_t page;
	int epoll;
	uint64_t horizon;         /* records up to here are complete below the limits */
	struct reader_ring *held; /* whose first record the caller has; NULL: none */
};

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* ---- one ring ----------------------------------------------------------------------------------------- */

static uint64_t record_space(uint32_t len)
{
	const uint64_t payload = len & ~(uint32_t)(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

	return (payload + sizeof(struct ring_head) + 7) & ~7ULL;
}

void reader_release(struct reader_ring *ring)
{
	const struct ring_head *head = (const struct ring_head *)(const void *)(ring->data + (ring->at & ring->mask));

	ring->at += record_space(__atomic_load_n(&head->len, __ATOMIC_RELAXED));
	__atomic_store_n(ring->consumer, ring->at, __ATOMIC_RELEASE);
}

/* The first record below the limit; NULL if there is none, or if it is still being written. */
static const struct tercel_hdr *ring_peek(struct reader_ring *ring)
{
	while (ring->at < ring->limit) {
		const uint8_t *at = ring->data + (ring->at & ring->mask);
		const struct ring_head *head = (const struct ring_head *)(const void *)at;
		const uint32_t len = __atomic_load_n(&head->len, __ATOMIC_ACQUIRE);

		if (len & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		if (!(len & BPF_RINGBUF_DISCARD_BIT))
			return (const struct tercel_hdr *)(const void *)(at + sizeof(*head));
		reader_release(ring);
	}
	return NULL;
}

const struct tercel_hdr *reader_oldest(struct reader_ring *rings, size_t count, uint64_t horizon,
                                       struct reader_ring **from, uint64_t *next_ts)
{
	const struct tercel_hdr *best = NULL;

	*next_ts = UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		const struct tercel_hdr *hdr = ring_peek(&rings[i]);

		if (!hdr)
			continue;
		if (hdr->ts > horizon) {
			if (hdr->ts < *next_ts)
				*next_ts = hdr->ts;
		} else if (!best || hdr->ts < best->ts) {
			best = hdr;
			*from = &rings[i];
		}
	}
	return best;
}

/* ---- all rings ---------------------------------------------------------------------------------------- */

/* Taking a time stamp takes some 30 ns; longer only if the CPU is held up just then. */
#define STARTS_SPINS 1000

uint64_t reader_complete_until(const struct tercel_underway *underway, size_t cpus, uint64_t now, uint64_t last)
{
	for (size_t i = 0; i < cpus; i++) {
		uint64_t since = __atomic_load_n(&underway[i].since, __ATOMIC_ACQUIRE);

		for (int n = 0; since == TERCEL_UNDERWAY_STARTS && n < STARTS_SPINS; n++)
			since = __atomic_load_n(&underway[i].since, __ATOMIC_ACQUIRE);
		if (since == TERCEL_UNDERWAY_STARTS)
			return last;
		if (since != TERCEL_UNDERWAY_NONE && since - 1 < now)
			now = since - 1;
	}
	return now;
}

/*
 * The clock first, then who is about to send: a program that begins after that look takes a younger time stamp. Then
 * the producers' positions: whatever is older has been sent.
 */
static void refresh(struct reader *r)
{
	const uint64_t now = clock_ns(CLOCK_BOOTTIME) - READER_WINDOW_NS;

	r->horizon = reader_complete_until(r->underway, r->cpus, now, r->horizon);
	for (size_t i = 0; i < r->count; i++)
		r->rings[i].limit = __atomic_load_n(r->rings[i].producer, __ATOMIC_ACQUIRE);
}

static int is_pending(const struct reader *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rings[i].at < r->rings[i].limit)
			return 1;
	return 0;
}

static int sleep_ns(uint64_t ns)
{
	const struct timespec t = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	return -clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* Waits for records to come, or for those that came to be old enough; at most `left` ns. 0 or -errno. */
static int wait_for_more(struct reader *r, uint64_t next_ts, uint64_t left)
{
	struct epoll_event event;
	int n;

	if (is_pending(r)) {
		uint64_t need = READER_WINDOW_NS;

		if (next_ts != UINT64_MAX && next_ts > r->horizon && next_ts - r->horizon < need)
			need = next_ts - r->horizon;
		return sleep_ns(need < left ? need : left);
	}
	if (left == UINT64_MAX)
		n = epoll_wait(r->epoll, &event, 1, -1);
	else
		n = epoll_wait(r->epoll, &event, 1, (int)((left + NS_PER_MS - 1) / NS_PER_MS));
	return n < 0 ? -errno : 0;
}

int reader_next(struct reader *r, int timeout_ms, const struct tercel_hdr **record)
{
	uint64_t deadline = 0, next_ts, now;
	const struct tercel_hdr *hdr;
	int err;

	if (r->held) {
		reader_release(r->held);
		r->held = NULL;
	}
	hdr = reader_oldest(r->rings, r->count, r->horizon, &r->held, &next_ts);
	while (!hdr) {
		refresh(r);
		hdr = reader_oldest(r->rings, r->count, r->horizon, &r->held, &next_ts);
		if (hdr)
			break;
		if (timeout_ms == 0)
			return 0;
		now = clock_ns(CLOCK_MONOTONIC);
		if (!deadline)
			deadline = timeout_ms < 0 ? UINT64_MAX : now + (uint64_t)timeout_ms * NS_PER_MS;
		if (now >= deadline)
			return 0;
		err = wait_for_more(r, next_ts, deadline == UINT64_MAX ? UINT64_MAX : deadline - now);
		if (err)
			return err;
	}
	*record = hdr;
	return 1;
}

static int ring_map(struct reader *r, size_t i, int fd, size_t size)
{
	struct mapping *m = &r->mappings[i];
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

	/* kernel/bpf/ringbuf.c: page 0 is ours to write, page 1 the producer's, then the data twice in a row. */
	m->consumer = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->consumer == MAP_FAILED) {
		m->consumer = NULL;
		return -errno;
	}
	m->producer_size = r->page + 2 * size;
	m->producer = mmap(NULL, m->producer_size, PROT_READ, MAP_SHARED, fd, (off_t)r->page);
	if (m->producer == MAP_FAILED) {
		m->producer = NULL;
		return -errno;
	}
	r->rings[i].consumer = m->consumer;
	r->rings[i].producer = m->producer;
	r->rings[i].data = (const uint8_t *)m->producer + r->page;
	r->rings[i].mask = size - 1;
	r->rings[i].at = __atomic_load_n(r->rings[i].consumer, __ATOMIC_RELAXED);
	r->rings[i].limit = r->rings[i].at;
	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static size_t underway_size(const struct reader *r)
{
	return (r->cpus * sizeof(*r->underway) + r->page - 1) & ~(r->page - 1);
}

static int underway_map(struct reader *r, int fd)
{
	void *p = mmap(NULL, underway_size(r), PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	r->underway = p;
	return 0;
}

int reader_new(struct reader **out, const struct reader_maps *maps)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	r->cpus = maps->cpus;
	r->rings = calloc(maps->count, sizeof(*r->rings));
	r->mappings = calloc(maps->count, sizeof(*r->mappings));
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0)
		err = -errno;
	else if (!r->rings || !r->mappings)
		err = -ENOMEM;
	else
		err = underway_map(r, maps->underway);
	for (; !err && r->count < maps->count; r->count++)
		err = ring_map(r, r->count, maps->rings[r->count], maps->sizes[r->count]);
	if (err) {
		/* The ring that failed may be half mapped. */
		r->count = r->mappings ? maps->count : 0;
		reader_free(r);
		return err;
	}
	*out = r;
	return 0;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++) {
		if (r->mappings[i].consumer)
			(void)munmap(r->mappings[i].consumer, r->page);
		if (r->mappings[i].producer)
			(void)munmap(r->mappings[i].producer, r->mappings[i].producer_size);
	}
	if (r->underway)
		(void)munmap(r->underway, underway_size(r));
	if (r->epoll >= 0)
		(void)close(r->epoll);
	free(r->mappings);
	free(r->rings);
	free(r);
}
