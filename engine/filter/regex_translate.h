/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A regular expression in PCRE2's syntax. Knows no syntax of RE2.
 */
#ifndef TERCEL_FILTER_REGEX_TRANSLATE_H
#define TERCEL_FILTER_REGEX_TRANSLATE_H

#include "base/buf.h"
#include "filter/regex_tree.h"

enum regex_texts {
	REGEX_TEXTS_ASCII = 0, /* only bytes below 0x80: a character is a byte, which makes for much faster code */
	REGEX_TEXTS_ANY,       /* any bytes, of which the pattern takes those that are UTF-8 to RE2 */
};

/* A longer translation is not worth trying: PCRE2 refuses what becomes more than 64 KiB of its code. */
enum { REGEX_TRANSLATION_MAX = 1 << 17 };

/*
 * Adds the pattern, anchored at both ends, for the options DOTALL, MULTILINE and ALT_CIRCUMFLEX, without UTF and with
 * the newline LF. *wide: whether some part takes a byte of 0x80 or above; if none does, both translations mean the
 * same. 0, -E2BIG past the limit, or -ENOMEM.
 */
int regex_translate(struct buf *out, const struct regex_node *root, enum regex_texts texts, bool *wide);

#endif
