/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <string.h>

static bool reserve(struct buf *b, size_t more)
{
	if (b->error)
		return false;
	if (more >= SIZE_MAX / 2 - b->len) {
		b->error = -ENOMEM;
		return false;
	}
	size_t need = b->len + more + 1;
	if (need <= b->cap)
		return true;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	char *data = realloc(b->data, cap);
	if (!data) {
		b->error = -ENOMEM;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (!len || !reserve(b, len))
		return;
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	if (len > 0 && reserve(b, (size_t)len)) {
		(void)vsnprintf(b->data + b->len, (size_t)len + 1, format, again);
		b->len += (size_t)len;
	}
	va_end(again);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	buf_vaddf(b, format, args);
	va_end(args);
}

void buf_addu(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_addi(struct buf *b, int64_t value)
{
	if (value < 0)
		buf_addc(b, '-');
	buf_addu(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Length of the valid UTF-8 sequence that starts at s (RFC 3629: no surrogates, no overlong forms), or 0. */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	size_t n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

void buf_add_json(struct buf *b, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)text;

	buf_addc(b, '"');
	size_t start = 0; /* of the run that needs no escape */
	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(s + i, len - i);
		if (n > 1 || (n == 1 && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\')) {
			i += n;
			continue;
		}
		buf_add(b, text + start, i - start);
		if (!n) {
			buf_adds(b, "\xef\xbf\xbd");
		} else if (s[i] == '"' || s[i] == '\\') {
			buf_addc(b, '\\');
			buf_addc(b, (char)s[i]);
		} else if (s[i] == '\n') {
			buf_adds(b, "\\n");
		} else if (s[i] == '\t') {
			buf_adds(b, "\\t");
		} else {
			char escape[] = {'\\', 'u', '0', '0', hex[s[i] >> 4], hex[s[i] & 15]};
			buf_add(b, escape, sizeof(escape));
		}
		start = ++i;
	}
	buf_add(b, text + start, len - start);
	buf_addc(b, '"');
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	if (!b->error)
		(void)reserve(b, 0);
	if (b->error || !b->data) {
		buf_free(b);
		return NULL;
	}
	b->data[b->len] = '\0';
	char *text = TAKE_PTR(b->data);
	*b = BUF_INIT;
	return text;
}

int buf_error(const struct buf *b)
{
	return b->error;
}

void buf_pass_error(struct buf *to, const struct buf *from)
{
	if (from->error)
		to->error = from->error;
}
