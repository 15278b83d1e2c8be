/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/encoding.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd, END_OF_TEXT = 4 };

/* How a text is written. */
struct form {
	size_t unit; /* bytes of a unit: 1, 2 or 4 */
	bool big_endian;
	size_t mark; /* bytes of the mark before it */
};

static int at(const char *bytes, size_t len, size_t i)
{
	return i < len ? (unsigned char)bytes[i] : -1;
}

static bool starts(const char *bytes, size_t len, const char *mark, size_t n)
{
	return len >= n && memcmp(bytes, mark, n) == 0;
}

static struct form form_of(const char *bytes, size_t len)
{
	int a = at(bytes, len, 0), b = at(bytes, len, 1), c = at(bytes, len, 2), d = at(bytes, len, 3);

	if (starts(bytes, len, "\xef\xbb\xbf", 3))
		return (struct form){1, false, 3};
	if (starts(bytes, len, "\xfe\xff", 2))
		return (struct form){2, true, 2};
	if (starts(bytes, len, "\xff\xfe\0\0", 4))
		return (struct form){4, false, 4};
	if (starts(bytes, len, "\xff\xfe", 2))
		return (struct form){2, false, 2};
	if (starts(bytes, len, "\0\0\xfe\xff", 4))
		return (struct form){4, true, 4};
	if (starts(bytes, len, "\0\0\0", 3))
		return (struct form){4, true, 0};
	/* A first character of ASCII, which the marks' bytes are not, and its zero bytes. */
	if (a == 0 && b > 0 && !strchr("\xbb\xbf\xef\xfe\xff", b))
		return (struct form){2, true, 0};
	if (a > 0 && !strchr("\xbb\xbf\xef\xfe\xff", a) && b == 0)
		return (struct form){c == 0 && d == 0 ? 4 : 2, false, 0};
	return (struct form){1, false, 0};
}

/* One unit; `len` has it whole. */
static uint32_t unit_at(const char *bytes, const struct form *f)
{
	uint32_t unit = 0;

	for (size_t i = 0; i < f->unit; i++)
		unit = unit << 8 | (unsigned char)bytes[f->big_endian ? i : f->unit - 1 - i];
	return unit;
}

static void add_code(struct buf *out, uint32_t code)
{
	/* yaml-cpp takes the control character for the end. */
	if (code == END_OF_TEXT)
		code = REPLACEMENT;
	if (code < 0x80) {
		buf_addc(out, (char)code);
		return;
	}
	char utf8[4];
	size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n; i > 1; i--, code >>= 6)
		utf8[i - 1] = (char)(0x80 | (code & 0x3f));
	utf8[0] = (char)((0xf00U >> n & 0xf0U) | (code & (0x7fU >> n)));
	buf_add(out, utf8, n);
}

static bool is_high(uint32_t unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

static void add_utf16(struct buf *out, const char *bytes, size_t len, const struct form *f)
{
	uint32_t high = 0; /* the half of a character that waits for the other */

	for (size_t i = f->mark; i + f->unit <= len; i += f->unit) {
		uint32_t unit = unit_at(bytes + i, f);

		if (high && is_low(unit)) {
			add_code(out, 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff));
			high = 0;
			continue;
		}
		if (high)
			add_code(out, REPLACEMENT);
		high = is_high(unit) ? unit : 0;
		if (!high)
			add_code(out, is_low(unit) ? REPLACEMENT : unit);
	}
	if (high)
		add_code(out, REPLACEMENT);
}

int encoding_read(const char *bytes, size_t len, size_t *from, struct buf *out)
{
	struct form f = form_of(bytes, len);

	*from = f.mark;
	if (f.unit == 1)
		return 0;
	if (f.unit == 2)
		add_utf16(out, bytes, len, &f);
	for (size_t i = f.mark; f.unit == 4 && i + f.unit <= len; i += f.unit)
		add_code(out, unit_at(bytes + i, &f));
	return buf_error(out) ? buf_error(out) : 1;
}
