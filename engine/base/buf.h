/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer for text that is built piece by piece (messages, JSON lines).
 *
 * Errors stick: after a failed allocation every further call does nothing and buf_error() says -ENOMEM, so that
 * a caller checks once, at the end. The bytes are always followed by a NUL that is not counted.
 */
#ifndef TERCEL_BASE_BUF_H
#define TERCEL_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct buf {
	char *data; /* owned; NULL while nothing was written */
	size_t len; /* bytes in use, without the final NUL */
	size_t cap;
	int error; /* 0 or -ENOMEM */
};

#define BUF_INIT ((struct buf){0})

/* Frees the memory and makes the buffer empty and usable again. */
void buf_free(struct buf *b);
#define _autobuf_ _cleanup_(buf_free)

/* Forgets the contents and the error, keeps the memory. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Adds `len` bytes as a JSON string, quotes included. Bytes that are not valid UTF-8 become U+FFFD, as in Tetragon's
 * export. */
void buf_add_json(struct buf *b, const char *text, size_t len);

/* Adds an unsigned or signed decimal number; faster than buf_addf, for output that is written for every event. */
void buf_addu(struct buf *b, uint64_t value);
void buf_addi(struct buf *b, int64_t value);

/* The text so far; never NULL, "" while empty. Valid until the next call that adds. */
const char *buf_str(const struct buf *b);

/* Takes the text out (to be freed by the caller), leaving an empty buffer. NULL after an error. */
char *buf_take(struct buf *b);

/* 0, or -ENOMEM if any call since the last reset could not allocate. */
int buf_error(const struct buf *b);

/* What was put together from `from` is as incomplete as that. */
void buf_pass_error(struct buf *to, const struct buf *from);

#endif
