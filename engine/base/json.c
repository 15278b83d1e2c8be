/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 8259 without nesting. Decoded texts are never longer than they are written, so one buffer of the text's length
 * takes all of them, with their NULs where the quotes were.
 */
#include "base/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct json_object *o;
	const char *text;
	size_t len, at;
	const char *wrong; /* NULL until something is; `at` is then its place */
	bool out_of_memory;
};

void json_object_free(struct json_object *o)
{
	free(o->members);
	free(o->values);
	free(o->bytes);
	*o = (struct json_object){0};
}

static bool fail(struct reader *r, const char *wrong)
{
	if (!r->wrong)
		r->wrong = wrong;
	return false;
}

static void skip_blank(struct reader *r)
{
	while (r->at < r->len && strchr(" \t\r\n", r->text[r->at]) && r->text[r->at])
		r->at++;
}

static char peek(const struct reader *r)
{
	return r->at < r->len ? r->text[r->at] : '\0';
}

static bool take(struct reader *r, char c)
{
	if (r->at >= r->len || r->text[r->at] != c)
		return false;
	r->at++;
	return true;
}

/* Strings */

static bool take_hex(struct reader *r, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		char c = peek(r);
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			digit = (uint32_t)(c - 'A' + 10);
		else
			return fail(r, "expected four hexadecimal digits after \\u");
		*out = *out << 4 | digit;
	}
	return true;
}

static void put(struct reader *r, uint32_t byte)
{
	r->o->bytes[r->o->used++] = (char)byte;
}

static void put_character(struct reader *r, uint32_t c)
{
	if (c < 0x80) {
		put(r, c);
	} else if (c < 0x800) {
		put(r, 0xc0 | c >> 6);
		put(r, 0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		put(r, 0xe0 | c >> 12);
		put(r, 0x80 | (c >> 6 & 0x3f));
		put(r, 0x80 | (c & 0x3f));
	} else {
		put(r, 0xf0 | c >> 18);
		put(r, 0x80 | (c >> 12 & 0x3f));
		put(r, 0x80 | (c >> 6 & 0x3f));
		put(r, 0x80 | (c & 0x3f));
	}
}

/* After "\u". */
static bool take_unicode(struct reader *r)
{
	uint32_t c, low;

	if (!take_hex(r, &c))
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take(r, '\\') || !take(r, 'u') || !take_hex(r, &low) || low < 0xdc00 || low > 0xdfff)
			return fail(r, "expected the second half of a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c < 0xe000) {
		return fail(r, "the second half of a surrogate pair without the first");
	}
	put_character(r, c);
	return true;
}

static bool take_escape(struct reader *r)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	char c = peek(r);
	const char *found = c ? strchr(letters, c) : NULL;

	if (c == 'u') {
		r->at++;
		return take_unicode(r);
	}
	if (!found)
		return fail(r, "unknown escape in a string");
	r->at++;
	put(r, (unsigned char)meanings[found - letters]);
	return true;
}

static bool take_string(struct reader *r, const char **bytes, size_t *len)
{
	size_t start = r->o->used;

	if (!take(r, '"'))
		return fail(r, "expected a string in double quotes");
	while (!take(r, '"')) {
		if (r->at >= r->len)
			return fail(r, "a string does not end");
		if ((unsigned char)peek(r) < 0x20)
			return fail(r, "a control character in a string; write it as \\n or \\u00XX");
		if (take(r, '\\')) {
			if (!take_escape(r))
				return false;
			continue;
		}
		put(r, (unsigned char)r->text[r->at++]);
	}
	*bytes = r->o->bytes + start;
	*len = r->o->used - start;
	put(r, 0);
	return true;
}

/* Other values */

static size_t take_digits(struct reader *r)
{
	size_t from = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at - from;
}

static bool take_number(struct reader *r, struct json_value *v)
{
	size_t from = r->at, start = r->o->used;
	bool zero;

	(void)take(r, '-');
	zero = peek(r) == '0';
	size_t digits = take_digits(r);

	if (!digits || (zero && digits > 1))
		return fail(r, "this is no JSON value");
	if (take(r, '.') && !take_digits(r))
		return fail(r, "expected digits after the point");
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			(void)take(r, '-');
		if (!take_digits(r))
			return fail(r, "expected digits in the exponent");
	}
	v->kind = JSON_NUMBER;
	v->len = r->at - from;
	memcpy(r->o->bytes + start, r->text + from, v->len);
	v->bytes = r->o->bytes + start;
	r->o->used += v->len;
	put(r, 0);
	return true;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (r->len - r->at < n || memcmp(r->text + r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static bool take_scalar(struct reader *r, struct json_value *v)
{
	*v = (struct json_value){.offset = r->at};
	if (peek(r) == '"') {
		v->kind = JSON_STRING;
		return take_string(r, &v->bytes, &v->len);
	}
	if (peek(r) == '{' || peek(r) == '[')
		return fail(r, "values cannot be nested here");
	if (take_word(r, "true"))
		v->kind = JSON_TRUE;
	else if (take_word(r, "false"))
		v->kind = JSON_FALSE;
	else if (!take_word(r, "null"))
		return take_number(r, v);
	return true;
}

static bool grow(struct reader *r, void *array_ptr, size_t n, size_t *cap, size_t size)
{
	void **array = array_ptr, *grown;
	size_t wanted = *cap ? *cap * 2 : 64;

	if (n < *cap)
		return true;
	grown = reallocarray(*array, wanted, size);
	if (!grown) {
		r->out_of_memory = true;
		return false;
	}
	*array = grown;
	*cap = wanted;
	return true;
}

/* After '['. */
static bool take_array(struct reader *r, struct json_value *v)
{
	struct json_object *o = r->o;

	v->first = o->nvalues;
	skip_blank(r);
	if (take(r, ']'))
		return true;
	do {
		skip_blank(r);
		if (!grow(r, &o->values, o->nvalues, &o->values_cap, sizeof(*o->values)) ||
		    !take_scalar(r, &o->values[o->nvalues]))
			return false;
		o->nvalues++;
		v->n++;
		skip_blank(r);
	} while (take(r, ','));
	return take(r, ']') || fail(r, "expected ',' or ']' in an array");
}

static bool take_value(struct reader *r, struct json_value *v)
{
	size_t from = r->at;

	if (!take(r, '['))
		return take_scalar(r, v);
	*v = (struct json_value){.kind = JSON_ARRAY, .offset = from};
	return take_array(r, v);
}

static bool take_member(struct reader *r)
{
	struct json_object *o = r->o;

	if (!grow(r, &o->members, o->n, &o->cap, sizeof(*o->members)))
		return false;
	struct json_member *m = &o->members[o->n];

	*m = (struct json_member){.offset = r->at};
	if (!take_string(r, &m->name, &m->name_len))
		return false;
	skip_blank(r);
	if (!take(r, ':'))
		return fail(r, "expected ':' after a name");
	skip_blank(r);
	if (!take_value(r, &m->value))
		return false;
	o->n++;
	return true;
}

static bool take_object(struct reader *r)
{
	skip_blank(r);
	if (!take(r, '{'))
		return fail(r, "expected an object, {\"field\": value, …}");
	skip_blank(r);
	if (!take(r, '}')) {
		do {
			skip_blank(r);
			if (!take_member(r))
				return false;
			skip_blank(r);
		} while (take(r, ','));
		if (!take(r, '}'))
			return fail(r, "expected ',' or '}'");
	}
	skip_blank(r);
	return r->at == r->len || fail(r, "more text behind the object; one object a line");
}

int json_read(struct json_object *o, const char *text, size_t len, size_t *offset, struct error *err)
{
	struct reader r = {.o = o, .text = text, .len = len};

	o->n = o->nvalues = o->used = 0;
	*offset = 0;
	/* A number has no quotes to leave room for its NUL, but at least one more byte follows each: "," or a bracket.
	 */
	if (o->bytes_cap < len + 1) {
		char *grown = realloc(o->bytes, len + 1);

		if (!grown)
			return -ENOMEM;
		o->bytes = grown;
		o->bytes_cap = len + 1;
	}
	if (take_object(&r))
		return 0;
	*offset = r.at;
	return r.out_of_memory ? -ENOMEM : error_set(err, -EINVAL, "%s", r.wrong);
}
