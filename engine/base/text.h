/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of foreign origin (names, paths, arguments) made fit for a terminal and for one line. Knows nothing of where
 * they come from.
 */
#ifndef TERCEL_BASE_TEXT_H
#define TERCEL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Adds `len` bytes of which nothing can steer a terminal or end the line: control characters (C0, DEL, C1), invalid
 * UTF-8, and characters that reorder or hide text (bidirectional controls, zero-width ones, line separators) appear as
 * \xNN, byte by byte; a backslash as \\, so that the form is unambiguous. Also the byte `also` is escaped, unless it is
 * 0.
 */
void text_escape(struct buf *b, const char *bytes, size_t len, char also);

/*
 * The same for sentences that quote foreign bytes: a backslash stays as it is. Applied twice it changes nothing more.
 */
void text_visible(struct buf *b, const char *bytes, size_t len);

/* Whether all bytes are UTF-8 (RFC 3629). */
bool text_is_utf8(const char *bytes, size_t len);

/*
 * Adds the first character of `len` (at least one) bytes as text_visible() does. Returns the bytes that it takes;
 * *columns gets what it takes of a terminal's line: two for wide characters, none for those that combine.
 */
size_t text_visible_char(struct buf *b, const char *bytes, size_t len, size_t *columns);

#endif
