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

struct range {
	uint32_t first, last;
};

static bool within(uint32_t c, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* What terminals do with the common scripts; the whole of Unicode's tables would be no better for a caret. */
static size_t width(uint32_t c)
{
	static const struct range wide[] = {
	        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},  {0xa960, 0xa97c}, {0xac00, 0xd7a3},
	        {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
	        {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
	static const struct range combining[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
	                                         {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
	                                         {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

	if (within(c, combining, sizeof(combining) / sizeof(*combining)))
		return 0;
	return within(c, wide, sizeof(wide) / sizeof(*wide)) ? 2 : 1;
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

size_t text_visible_char(struct buf *b, const char *bytes, size_t len, size_t *columns)
{
	uint32_t code = 0;
	size_t n = decode((const unsigned char *)bytes, len, &code);
	size_t taken = n ? n : 1;

	text_visible(b, bytes, taken);
	*columns = n && !deceives(code) ? width(code) : taken * strlen("\\xNN");
	return taken;
}

bool text_is_utf8(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t code;
		size_t n = decode((const unsigned char *)bytes + i, len - i, &code);

		if (!n)
			return false;
		i += n;
	}
	return true;
}
