/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoder of events for tests, written from the format's description and not from the encoder: header, 16-bit
 * lengths, values. Refuses whatever a host would misread.
 */
#ifndef TERCEL_TEST_DECODE_H
#define TERCEL_TEST_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compat/events.h"

struct decoded {
	uint64_t ts, tid;
	uint32_t nparams;
	uint16_t type;
	struct {
		const uint8_t *data;
		uint16_t len;
	} params[SCAP_PARAMS_MAX];
};

static inline uint64_t little(const uint8_t *b, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)b[i] << (8 * i);
	return v;
}

/* The sizes that libsinsp insists on: other than these it throws. Length 0 is "not available". */
static inline bool length_ok(uint8_t type, const uint8_t *data, uint16_t len)
{
	switch (type) {
	case SCAP_S64:
	case SCAP_U64:
		return len == 8;
	case SCAP_U32:
		return len == 4;
	case SCAP_U16:
		return len == 2;
	case SCAP_U8:
		return len == 1;
	case SCAP_TEXT:
		return !len || (memchr(data, 0, len) == data + len - 1);
	case SCAP_LIST:
		return !len || data[len - 1] == 0;
	case SCAP_ADDR:
		return !len || (data[0] == 2 && len == 7) || (data[0] == 10 && len == 19) ||
		       (data[0] == 1 && len >= 2 && data[len - 1] == 0);
	case SCAP_TUPLE:
		return !len || (data[0] == 2 && len == 13) || (data[0] == 10 && len == 37) ||
		       (data[0] == 1 && len >= 18 && data[len - 1] == 0);
	default:
		return false;
	}
}

/* False if the event is not well-formed within `size` bytes. */
static inline bool decode(struct decoded *out, const uint8_t *event, size_t size)
{
	if (size < 26)
		return false;
	*out = (struct decoded){
	        .ts = little(event, 8),
	        .tid = little(event + 8, 8),
	        .type = (uint16_t)little(event + 20, 2),
	        .nparams = (uint32_t)little(event + 22, 4),
	};
	const struct scap_event_info *info = scap_event_info(out->type);
	if (little(event + 16, 4) != size || !info || out->nparams != info->nparams)
		return false;
	size_t at = 26 + 2 * (size_t)out->nparams;
	for (uint32_t i = 0; i < out->nparams; i++) {
		uint16_t len = (uint16_t)little(event + 26 + 2 * (size_t)i, 2);
		if (at + len > size || !length_ok(info->params[i], event + at, len))
			return false;
		out->params[i].data = event + at;
		out->params[i].len = len;
		at += len;
	}
	return at == size;
}

static inline int64_t decoded_int(const struct decoded *d, unsigned i)
{
	return (int64_t)little(d->params[i].data, d->params[i].len);
}

static inline const char *decoded_text(const struct decoded *d, unsigned i)
{
	return d->params[i].len ? (const char *)d->params[i].data : NULL;
}

#endif
