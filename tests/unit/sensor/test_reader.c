// SPDX-License-Identifier: Apache-2.0
/* The merging of ring buffers (engine/sensor/reader.h) over memory laid out as the kernel's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/bpf.h>

#include "sensor/reader.h"

#define RING_SIZE 4096

/* One ring; the data is twice there, as the kernel maps it: put() writes both. */
struct fake {
	uint64_t consumer, producer;
	_Alignas(8) uint8_t data[2 * RING_SIZE];
	struct reader_ring ring;
};

static void fake_init(struct fake *f, uint64_t start)
{
	memset(f, 0, sizeof(*f));
	f->consumer = f->producer = start;
	f->ring = (struct reader_ring){.consumer = &f->consumer,
	                               .producer = &f->producer,
	                               .data = f->data,
	                               .mask = RING_SIZE - 1,
	                               .at = start,
	                               .limit = start};
}

static void put_bytes(struct fake *f, uint64_t pos, const void *from, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const size_t at = (pos + i) & (RING_SIZE - 1);

		memcpy(&f->data[at], (const uint8_t *)from + i, 1);
		f->data[at + RING_SIZE] = f->data[at];
	}
}

static void put(struct fake *f, uint64_t ts, uint32_t size, uint32_t bits)
{
	const uint32_t head[2] = {size | bits, 0};
	const struct tercel_hdr hdr = {.ts = ts, .size = size};

	put_bytes(f, f->producer, head, sizeof(head));
	put_bytes(f, f->producer + sizeof(head), &hdr, sizeof(hdr));
	f->producer += (size + 8 + 7) & ~7U;
	f->ring.limit = f->producer;
}

/* Takes the oldest record up to `horizon`; 0 if there is none. */
static uint64_t take(struct reader_ring *rings, size_t count, uint64_t horizon, uint64_t *next_ts)
{
	struct reader_ring *from = NULL;
	const struct tercel_hdr *hdr = reader_oldest(rings, count, horizon, &from, next_ts);
	uint64_t ts;

	if (!hdr)
		return 0;
	ts = hdr->ts;
	reader_release(from);
	return ts;
}

static void records_of_several_rings_come_in_order_of_time(void **state)
{
	static struct fake a, b;
	struct reader_ring rings[2];
	uint64_t next;

	(void)state;
	fake_init(&a, 0);
	fake_init(&b, 0);
	put(&a, 10, 56, 0);
	put(&a, 40, 64, 0);
	put(&b, 20, 80, 0);
	put(&b, 30, 56, 0);
	rings[0] = a.ring;
	rings[1] = b.ring;
	for (uint64_t ts = 10; ts <= 40; ts += 10)
		assert_int_equal(take(rings, 2, 100, &next), ts);
	assert_int_equal(take(rings, 2, 100, &next), 0);
	assert_int_equal(a.consumer, a.producer);
	assert_int_equal(b.consumer, b.producer);
}

static void nothing_younger_than_the_horizon_is_taken(void **state)
{
	static struct fake a;
	uint64_t next;

	(void)state;
	fake_init(&a, 0);
	put(&a, 10, 56, 0);
	put(&a, 40, 56, 0);
	assert_int_equal(take(&a.ring, 1, 39, &next), 10);
	assert_int_equal(next, UINT64_MAX);
	assert_int_equal(take(&a.ring, 1, 39, &next), 0);
	assert_int_equal(next, 40);
	assert_int_equal(take(&a.ring, 1, 40, &next), 40);
}

static void a_record_still_being_written_holds_back_its_ring_only(void **state)
{
	static struct fake a, b;
	struct reader_ring rings[2];
	uint64_t next;

	(void)state;
	fake_init(&a, 0);
	fake_init(&b, 0);
	put(&a, 10, 56, BPF_RINGBUF_BUSY_BIT);
	put(&a, 20, 56, 0);
	put(&b, 30, 56, 0);
	rings[0] = a.ring;
	rings[1] = b.ring;
	assert_int_equal(take(rings, 2, 100, &next), 30);
	assert_int_equal(take(rings, 2, 100, &next), 0);
	assert_int_equal(a.consumer, 0);
}

static void discarded_records_are_skipped_and_given_back(void **state)
{
	static struct fake a;
	uint64_t next;

	(void)state;
	fake_init(&a, 0);
	put(&a, 10, 56, BPF_RINGBUF_DISCARD_BIT);
	put(&a, 20, 56, 0);
	assert_int_equal(take(&a.ring, 1, 100, &next), 20);
	assert_int_equal(a.consumer, a.producer);
}

static void records_across_the_end_of_the_ring_are_whole(void **state)
{
	static struct fake a;
	uint64_t next;

	(void)state;
	fake_init(&a, RING_SIZE - 24);
	put(&a, 7, 100, 0);
	put(&a, 8, 56, 0);
	assert_int_equal(take(&a.ring, 1, 100, &next), 7);
	assert_int_equal(take(&a.ring, 1, 100, &next), 8);
	assert_int_equal(a.consumer, a.producer);
}

static void nothing_younger_than_what_is_under_way_is_complete(void **state)
{
	struct tercel_underway u[3] = {{.since = TERCEL_UNDERWAY_NONE}};

	(void)state;
	assert_int_equal(reader_complete_until(u, 3, 100, 50), 100);
	u[2].since = 80;
	assert_int_equal(reader_complete_until(u, 3, 100, 50), 79);
	u[0].since = 90;
	assert_int_equal(reader_complete_until(u, 3, 100, 50), 79);
	u[2].since = TERCEL_UNDERWAY_NONE;
	assert_int_equal(reader_complete_until(u, 3, 100, 50), 89);
	assert_int_equal(reader_complete_until(u, 3, 70, 50), 70);
}

/* Its time stamp may be any from then on. */
static void whoever_is_held_up_before_its_time_stamp_holds_up_all(void **state)
{
	struct tercel_underway u[2] = {{.since = 90}, {.since = TERCEL_UNDERWAY_STARTS}};

	(void)state;
	assert_int_equal(reader_complete_until(u, 2, 100, 50), 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(records_of_several_rings_come_in_order_of_time),
	        cmocka_unit_test(nothing_younger_than_the_horizon_is_taken),
	        cmocka_unit_test(a_record_still_being_written_holds_back_its_ring_only),
	        cmocka_unit_test(discarded_records_are_skipped_and_given_back),
	        cmocka_unit_test(records_across_the_end_of_the_ring_are_whole),
	        cmocka_unit_test(nothing_younger_than_what_is_under_way_is_complete),
	        cmocka_unit_test(whoever_is_held_up_before_its_time_stamp_holds_up_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
