/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into records safely: is one whole, and what do its spans hold. The one place that checks what bpf/abi.h
 * promises; knows nothing about processes or output.
 */
#ifndef TERCEL_EVENTS_RECORD_H
#define TERCEL_EVENTS_RECORD_H

#include <stddef.h>

#include "bpf/abi.h"

/* Bytes that are not NUL-terminated. */
struct text {
	const char *data; /* never NULL after record_text() */
	size_t len;
};

/*
 * Returns 0 if the record is one that may be read: a known type, as large as that type's structure, and every span of
 * it inside the record; else -EBADMSG. `size` is how many bytes are there; r->size must not exceed it. Reads no more
 * than `size` bytes, and nothing at all of fewer than a header's.
 */
int record_check(const struct tercel_hdr *r, size_t size);

/* The bytes of a span of a record that passed record_check(). */
struct text record_text(const struct tercel_hdr *r, struct tercel_span span);

#endif
