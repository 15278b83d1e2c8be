/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transformers as libsinsp 0.25 has them. It leaves a NUL behind each transformed text and counts it, which shows in
 * sets and lengths of bytes; so is it here.
 */
#include "filter/transform.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Memory */

struct scratch_block {
	struct scratch_block *next;
	size_t size;
	max_align_t data[];
};

enum { BLOCK_MIN = 4096 };

void scratch_reset(struct scratch *s)
{
	/* One block that holds all that this event took, if it took more than one. */
	if (s->blocks && s->blocks->next) {
		size_t total = 0;
		struct scratch_block *one;

		for (const struct scratch_block *b = s->blocks; b; b = b->next)
			total += b->size;
		scratch_free(s);
		one = malloc(sizeof(*one) + total);
		if (one) {
			one->next = NULL;
			one->size = total;
		}
		s->blocks = one;
	}
	s->used = 0;
	s->out_of_memory = false;
}

void scratch_free(struct scratch *s)
{
	while (s->blocks) {
		struct scratch_block *next = s->blocks->next;

		free(s->blocks);
		s->blocks = next;
	}
	s->used = 0;
}

void *scratch_alloc(struct scratch *s, size_t size)
{
	size_t rounded = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);

	if (!s->blocks || rounded > s->blocks->size - s->used) {
		size_t want = rounded > BLOCK_MIN ? rounded : BLOCK_MIN;
		struct scratch_block *b = malloc(sizeof(*b) + want);

		if (!b) {
			s->out_of_memory = true;
			return NULL;
		}
		b->next = s->blocks;
		b->size = want;
		s->blocks = b;
		s->used = 0;
	}
	void *p = (char *)s->blocks->data + s->used;

	s->used += rounded;
	return p;
}

static const struct values nothing;

/* Room for n values. */
static struct eval_item *new_items(struct scratch *s, size_t n)
{
	return scratch_alloc(s, (n ? n : 1) * sizeof(struct eval_item));
}

static struct values one_number(struct scratch *s, uint64_t number)
{
	struct eval_item *item = new_items(s, 1);

	if (!item)
		return nothing;
	*item = (struct eval_item){.as.u64 = number};
	return (struct values){item, 1};
}

/* Transformers of one argument */

/* The bytes, without NULs at their end. */
static size_t input_length(const struct eval_item *in)
{
	size_t len = in->as.text.len;

	while (len && in->as.text.bytes[len - 1] == '\0')
		len--;
	return len;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes; up to two '=' at the end may be there or not. The number of bytes, or -1 if it is no base64. */
static ssize_t decode_base64(char *out, const char *in, size_t len)
{
	size_t n = 0;
	unsigned int bits = 0, kept = 0;

	if (!len)
		return 0;
	if (in[len - 1] == '=') {
		len--;
		if (len && in[len - 1] == '=')
			len--;
	}
	if (len % 4 == 1 || !len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int digit = base64_digit(in[i]);

		if (digit < 0)
			return -1;
		bits = (bits << 6 | (unsigned int)digit) & 0xffff;
		kept += 6;
		if (kept >= 8) {
			kept -= 8;
			out[n++] = (char)(bits >> kept & 0xff);
		}
	}
	/* What is left of the last digit must be zero. */
	return bits & ((1U << kept) - 1) ? -1 : (ssize_t)n;
}

/* The text of one value, with a NUL that counts; false if there is none. */
static bool transform_text(struct scratch *s, enum filter_call call, const struct eval_item *in, struct eval_item *out)
{
	const char *from = in->as.text.bytes;
	size_t len = input_length(in);
	const char *slash = call == FILTER_CALL_BASENAME && len ? memrchr(from, '/', len) : NULL;
	char *to = scratch_alloc(s, len + 2);
	ssize_t n = (ssize_t)len;

	if (!to)
		return false;
	if (slash) {
		n -= slash + 1 - from;
		from = slash + 1;
	}
	if (call == FILTER_CALL_B64) {
		n = decode_base64(to, from, len);
	} else {
		for (ssize_t i = 0; i < n; i++)
			to[i] = call == FILTER_CALL_TOLOWER   ? lower(from[i])
			        : call == FILTER_CALL_TOUPPER ? upper(from[i])
			                                      : from[i];
	}
	if (n < 0)
		return false;
	if (!n || to[n - 1] != '\0')
		to[n++] = '\0';
	to[n] = '\0';
	*out = eval_text(to, (size_t)n);
	return true;
}

static struct values length_of(struct scratch *s, enum field_type type, bool is_list, struct values in)
{
	if (is_list)
		return one_number(s, in.n);
	if (!in.n)
		return nothing;
	return one_number(s, type == FIELD_TYPE_BYTES ? in.items[0].as.text.len : in.items[0].as.text.text_len);
}

struct values transform_values(struct scratch *s, enum filter_call call, enum field_type type, bool is_list,
                               struct values in)
{
	struct eval_item *out;

	if (!in.items)
		return nothing;
	if (call == FILTER_CALL_LEN)
		return length_of(s, type, is_list, in);
	out = new_items(s, in.n);
	for (size_t i = 0; out && i < in.n; i++)
		if (!transform_text(s, call, &in.items[i], &out[i]))
			return nothing;
	return (struct values){out, in.n};
}

/* Transformers of several */

/* A text that is put together. */
struct joined {
	char *bytes;
	size_t len;
};

static void add(struct joined *j, const char *bytes, size_t len)
{
	if (len)
		memcpy(j->bytes + j->len, bytes, len);
	j->len += len;
}

static struct values finish(struct scratch *s, struct joined *j)
{
	struct eval_item *item = new_items(s, 1);

	if (!item)
		return nothing;
	j->bytes[j->len] = '\0';
	*item = eval_text(j->bytes, j->len);
	return (struct values){item, 1};
}

struct values transform_join(struct scratch *s, struct values separator, struct values list)
{
	struct joined j = {0};
	size_t size = 1;

	if (!separator.items || !separator.n || !list.items)
		return nothing;
	for (size_t i = 0; i < list.n; i++)
		size += list.items[i].as.text.text_len + separator.items[0].as.text.len;
	j.bytes = scratch_alloc(s, size);
	if (!j.bytes)
		return nothing;
	for (size_t i = 0; i < list.n; i++) {
		if (i)
			add(&j, separator.items[0].as.text.bytes, separator.items[0].as.text.len);
		add(&j, list.items[i].as.text.bytes, list.items[i].as.text.text_len);
	}
	return finish(s, &j);
}

struct values transform_concat(struct scratch *s, const struct values *args, size_t n)
{
	struct joined j = {0};
	size_t size = 1;

	for (size_t i = 0; i < n; i++) {
		if (!args[i].items || !args[i].n)
			return nothing;
		size += args[i].items[0].as.text.text_len;
	}
	j.bytes = scratch_alloc(s, size);
	if (!j.bytes)
		return nothing;
	for (size_t i = 0; i < n; i++)
		add(&j, args[i].items[0].as.text.bytes, args[i].items[0].as.text.text_len);
	return finish(s, &j);
}

struct values transform_print(struct scratch *s, const struct filter_term *field, struct values in)
{
	const char *format = field->ref_flags & FIELD_REF_HEX  ? "%" PRIX64
	                     : field->type == FIELD_TYPE_INT64 ? "%" PRId64
	                                                       : "%" PRIu64;
	struct eval_item *out = in.items ? new_items(s, in.n) : NULL;

	for (size_t i = 0; out && i < in.n; i++) {
		char *text = scratch_alloc(s, 24);

		if (!text)
			return nothing;
		out[i] = eval_text(text, (size_t)snprintf(text, 24, format, in.items[i].as.u64));
	}
	return (struct values){out, out ? in.n : 0};
}

/* getopt */

/* What an option string says of each byte. */
struct options {
	bool valid[256], takes_value[256];
};

static void parse_options(struct options *o, const struct eval_item *text)
{
	const char *s = text->as.text.bytes;
	size_t len = text->as.text.len;

	for (size_t i = len && s[0] == ':' ? 1 : 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == ':')
			continue;
		o->valid[c] = true;
		if (i + 1 < len && s[i + 1] == ':') {
			o->takes_value[c] = true;
			i++;
		}
	}
}

/* What getopt finds, option by option. */
struct found {
	struct scratch *scratch;
	int selector;
	struct eval_item *items;
	size_t n;
	bool failed;
};

/* A copy: an option is one byte of an argument, and needs a NUL behind it. */
static void add_result(struct found *f, const char *bytes, size_t len)
{
	char *text = scratch_alloc(f->scratch, len + 1);

	if (!text) {
		f->failed = true;
		return;
	}
	if (len)
		memcpy(text, bytes, len);
	text[len] = '\0';
	if (f->selector >= 0)
		f->n = 0; /* the last one counts */
	f->items[f->n++] = eval_text(text, len);
}

/* An option without its value is an empty text. */
static void add_option(struct found *f, const char *option, const char *value, size_t value_len)
{
	if (!value) {
		add_result(f, "", 0);
		return;
	}
	if (f->selector < 0)
		add_result(f, option, 1);
	add_result(f, value, value_len);
}

/* One argument, "-abcvalue"; *i is its number and goes on if the next one is a value. */
static void scan_argument(struct found *f, const struct options *o, struct values args, size_t *i)
{
	const char *arg = args.items[*i].as.text.bytes;
	size_t len = args.items[*i].as.text.len;

	for (size_t at = 1; at < len && !f->failed; at++) {
		unsigned char c = (unsigned char)arg[at];
		bool wanted = f->selector < 0 || f->selector == c;

		if (c == ':' || !o->valid[c]) {
			if (f->selector < 0)
				add_result(f, "?", 1);
			continue;
		}
		if (!o->takes_value[c]) {
			if (wanted)
				add_result(f, arg + at, 1);
			continue;
		}
		const char *value = at + 1 < len ? arg + at + 1 : NULL;
		size_t value_len = len - at - 1;

		if (!value && *i + 1 < args.n) {
			(*i)++;
			value = args.items[*i].as.text.bytes;
			value_len = args.items[*i].as.text.len;
		}
		if (wanted)
			add_option(f, arg + at, value, value_len);
		return;
	}
}

static bool is_text(const struct eval_item *item, const char *text)
{
	size_t len = strlen(text);

	return item->as.text.len == len && memcmp(item->as.text.bytes, text, len) == 0;
}

struct values transform_getopt(struct scratch *s, struct values args, struct values options, int selector)
{
	struct found f = {.scratch = s, .selector = selector};
	struct options o = {0};
	size_t bytes = 1;

	if (!options.items || !options.n || !args.items)
		return nothing;
	parse_options(&o, &options.items[0]);
	/* Each byte gives at most one option, and a value besides. */
	for (size_t i = 0; i < args.n; i++)
		bytes += args.items[i].as.text.len;
	f.items = new_items(s, 2 * bytes);
	if (!f.items)
		return nothing;
	for (size_t i = 0; i < args.n && !f.failed; i++) {
		const char *arg = args.items[i].as.text.bytes;
		size_t len = args.items[i].as.text.len;

		if (is_text(&args.items[i], "--"))
			break;
		if (len > 2 && arg[0] == '-' && arg[1] == '-')
			continue;
		if (len < 2 || arg[0] != '-')
			break;
		scan_argument(&f, &o, args, &i);
	}
	if (f.failed || (selector >= 0 && !f.n))
		return nothing;
	return (struct values){f.items, f.n};
}
