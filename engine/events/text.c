/* SPDX-License-Identifier: Apache-2.0 */
#include "events/text.h"

#include <stdint.h>
#include <string.h>

static bool is_plain(const char *s, size_t len)
{
	static const char safe[] = "_-./:=@%+,";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
		if (!alnum && !strchr(safe, c))
			return false;
	}
	return len > 0;
}

void text_arguments(struct buf *b, const char *args, size_t len)
{
	for (size_t at = 0, n = 0; at < len; n++) {
		size_t size = strnlen(args + at, len - at);
		if (n > 1)
			buf_addc(b, ' ');
		if (n > 0 && is_plain(args + at, size)) {
			text_escape(b, args + at, size, 0);
		} else if (n > 0) {
			/* The kind of quotes that does not occur in it, if there is one. */
			char quote = memchr(args + at, '\'', size) && !memchr(args + at, '"', size) ? '"' : '\'';
			buf_addc(b, quote);
			text_escape(b, args + at, size, quote);
			buf_addc(b, quote);
		}
		at += size + 1;
	}
}

void text_base64(struct buf *b, const void *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = bytes;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)s[i] << 16 | (i + 1 < len ? (uint32_t)s[i + 1] << 8 : 0) |
		             (i + 2 < len ? s[i + 2] : 0U);
		char out[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < len ? digits[v >> 6 & 63] : '=',
		               i + 2 < len ? digits[v & 63] : '='};
		buf_add(b, out, sizeof(out));
	}
}
