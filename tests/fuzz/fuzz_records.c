/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process table and both serialisers from arbitrary records, as a damaged recording would bring them. Promises:
 * nothing is read beyond a record, every event is one line, and a JSON event is JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "check.h"
#include "events/event.h"

static void check_line(struct event_context *c, const struct tercel_hdr *r, enum event_format format)
{
	_autobuf_ struct buf b = BUF_INIT;

	(void)event_write(&b, c, r, format);
	if (!b.len)
		return;
	CHECK(memchr(b.data, '\n', b.len) == b.data + b.len - 1);
	if (format == EVENT_JSON) {
		cJSON *json = cJSON_Parse(b.data);

		CHECK(cJSON_IsObject(json));
		cJSON_Delete(json);
	}
}

static void feed(struct process_table *table, struct identity *identity, const uint8_t *data, size_t size)
{
	struct event_context c = {.processes = table, .identity = identity, .max_ancestors = 8};

	while (size >= sizeof(struct tercel_hdr)) {
		struct tercel_hdr hdr;
		struct tercel_hdr *r;

		memcpy(&hdr, data, sizeof(hdr));
		if (hdr.size < sizeof(hdr) || hdr.size > size)
			hdr.size = (uint32_t)size;
		/* A copy of exactly the record's size, so that a byte too many is seen. */
		r = malloc(hdr.size);
		CHECK(r);
		memcpy(r, data, hdr.size);
		r->size = hdr.size;
		(void)identity_apply(identity, r);
		(void)process_table_apply(table, r);
		check_line(&c, r, EVENT_TEXT);
		check_line(&c, r, EVENT_JSON);
		free(r);
		data += hdr.size;
		size -= hdr.size;
	}
	buf_free(&c.scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct process_table_config config = {.max_processes = 64, .grace_records = 4, .grace_ns = 1};
	_autoproctable_ struct process_table *table = NULL;
	_autoidentity_ struct identity *identity = NULL;

	CHECK(!process_table_new(&table, &config));
	CHECK(!identity_new(&identity, "node", 64));
	feed(table, identity, data, size);
	return 0;
}
