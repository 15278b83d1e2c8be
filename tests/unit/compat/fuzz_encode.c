/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a record: what is accepted must decode, what is not must be refused, and nothing may be read beyond
 * them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compat/encode.h"
#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[SCAP_ENCODED_MAX];
	const struct scap_context context = {0};
	struct scap_encoded encoded;

	/* A copy of exactly this size: an overread is a crash. The type is steered, else hardly any input has a known
	 * one. */
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	struct tercel_hdr *h = (struct tercel_hdr *)copy;
	if (size >= sizeof(*h)) {
		h->type = (uint16_t)(h->type % TERCEL_RECORD_TYPES);
		if (h->cpu & 1)
			h->size = (uint32_t)size;
	}
	if (!scap_encode(h, size, &context, out, sizeof(out), &encoded)) {
		for (size_t i = 0; i < encoded.count; i++) {
			struct decoded d;
			if (!decode(&d, out + encoded.events[i].offset, encoded.events[i].len))
				abort();
		}
	}
	free(copy);
	return 0;
}
