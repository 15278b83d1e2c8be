/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text files in UTF-16 and UTF-32, which Falco takes, as UTF-8. Private to engine/rules. Knows no YAML.
 */
#ifndef TERCEL_RULES_ENCODING_H
#define TERCEL_RULES_ENCODING_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Finds out how a text is written, by its byte order mark or by where its first zero bytes are, as yaml-cpp does. 0:
 * it is UTF-8 (which need not be valid) from *from on, behind its mark; 1 after adding the text as UTF-8 to `out`, with
 * U+FFFD for what is no character; -ENOMEM.
 */
int encoding_read(const char *bytes, size_t len, size_t *from, struct buf *out);

#endif
