/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

/* Decodes one UTF-8 sequence (RFC 3629) into *code; returns its length, 0 if there is no valid one. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
	if (!n || n > len)
		return 0;
	uint32_t c = s[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*code = c;
	return n;
}

/* Characters that a terminal acts on, or that make the reader see another text than there is. */
static bool deceives(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

enum backslash { BACKSLASH_DOUBLED, BACKSLASH_PLAIN };

static void add_escaped(struct buf *b, const char *bytes, size_t len, char also, enum backslash backslash)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)bytes;

	size_t start = 0; /* of the run that needs no escape */
	for (size_t i = 0; i < len;) {
		uint32_t code = 0;
		size_t n = decode(s + i, len - i, &code);
		if (n && !deceives(code) && (code != '\\' || backslash == BACKSLASH_PLAIN) &&
		    (!also || code != (unsigned char)also)) {
			i += n;
			continue;
		}
		buf_add(b, bytes + start, i - start);
		if (n && code == '\\') {
			buf_adds(b, "\\\\");
			start = ++i;
			continue;
		}
		for (size_t k = 0; k < (n ? n : 1); k++) {
			char escape[] = {'\\', 'x', hex[s[i + k] >> 4], hex[s[i + k] & 15]};
			buf_add(b, escape, sizeof(escape));
		}
		i += n ? n : 1;
		start = i;
	}
	buf_add(b, bytes + start, len - start);
}

void text_escape(struct buf *b, const char *bytes, size_t len, char also)
{
	add_escaped(b, bytes, len, also, BACKSLASH_DOUBLED);
}

void text_visible(struct buf *b, const char *bytes, size_t len)
{
	add_escaped(b, bytes, len, 0, BACKSLASH_PLAIN);
}
