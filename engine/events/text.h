/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of foreign origin (names, paths, arguments) made fit for a terminal and for one line. Knows nothing of events.
 */
#ifndef TERCEL_EVENTS_TEXT_H
#define TERCEL_EVENTS_TEXT_H

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
 * Adds the arguments of a NUL-separated vector from the second on, with blanks between, as a shell would show them: one
 * that is empty or holds blanks, quotes or shell characters is put in quotes (double ones if it holds single ones, but
 * no double ones). Escaped like text_escape(), the quotes around it included.
 */
void text_arguments(struct buf *b, const char *args, size_t len);

/* Standard base64 with padding. */
void text_base64(struct buf *b, const void *bytes, size_t len);

#endif
