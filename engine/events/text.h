/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines and binary data as text. Knows nothing of events.
 */
#ifndef TERCEL_EVENTS_TEXT_H
#define TERCEL_EVENTS_TEXT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * Adds the arguments of a NUL-separated vector from the second on, with blanks between, as a shell would show them: one
 * that is empty or holds blanks, quotes or shell characters is put in quotes (double ones if it holds single ones, but
 * no double ones). Escaped like text_escape(), the quotes around it included.
 */
void text_arguments(struct buf *b, const char *args, size_t len);

/* Standard base64 with padding. */
void text_base64(struct buf *b, const void *bytes, size_t len);

#endif
