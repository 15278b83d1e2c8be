/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing values. Texts are compared as C strings where libsinsp does (up to the first NUL), and by all their bytes
 * where it does that: in sets, pmatch and regex.
 */
#include "filter/compare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "filter/value.h"

struct eval_item eval_text(const char *bytes, size_t len)
{
	const char *nul = len ? memchr(bytes, '\0', len) : NULL;
	struct eval_item item = {0};

	item.as.text.bytes = bytes;
	item.as.text.len = (uint32_t)len;
	item.as.text.text_len = nul ? (uint32_t)(nul - bytes) : (uint32_t)len;
	return item;
}

/* Two values */

static bool ordered(enum filter_op op, int order)
{
	switch (op) {
	case FILTER_OP_NE:
		return order != 0;
	case FILTER_OP_LT:
		return order < 0;
	case FILTER_OP_LE:
		return order <= 0;
	case FILTER_OP_GT:
		return order > 0;
	case FILTER_OP_GE:
		return order >= 0;
	default:
		return order == 0;
	}
}

static bool starts_with(const char *a, size_t alen, const char *b, size_t blen)
{
	return blen <= alen && (!blen || memcmp(a, b, blen) == 0);
}

static bool ends_with(const char *a, size_t alen, const char *b, size_t blen)
{
	return blen <= alen && (!blen || memcmp(a + alen - blen, b, blen) == 0);
}

static bool compare_texts(enum filter_op op, const struct eval_item *a, const struct eval_item *b)
{
	const char *text = a->as.text.bytes, *other = b->as.text.bytes;
	size_t len = a->as.text.text_len, other_len = b->as.text.text_len;
	size_t common = len < other_len ? len : other_len;
	int order;

	switch (op) {
	case FILTER_OP_EQ:
		return len == other_len && (!len || memcmp(text, other, len) == 0);
	case FILTER_OP_NE:
		return len != other_len || (len && memcmp(text, other, len) != 0);
	case FILTER_OP_CONTAINS:
		return memmem(text, len, other, other_len) != NULL;
	case FILTER_OP_ICONTAINS:
		return strcasestr(text, other) != NULL;
	case FILTER_OP_STARTSWITH:
		return starts_with(text, len, other, other_len);
	case FILTER_OP_ENDSWITH:
		return ends_with(text, len, other, other_len);
	case FILTER_OP_GLOB:
		return fnmatch(other, text, 0) == 0;
	case FILTER_OP_IGLOB:
		return fnmatch(other, text, FNM_CASEFOLD) == 0;
	default:
		order = common ? memcmp(text, other, common) : 0;
		return ordered(op, order ? order : (len > other_len) - (len < other_len));
	}
}

static bool compare_bytes(enum filter_op op, const struct eval_item *a, const struct eval_item *b)
{
	const char *bytes = a->as.text.bytes, *other = b->as.text.bytes;
	size_t len = a->as.text.len, other_len = b->as.text.len;
	bool equal;

	switch (op) {
	case FILTER_OP_CONTAINS:
	case FILTER_OP_BCONTAINS:
		return memmem(bytes, len, other, other_len) != NULL;
	case FILTER_OP_STARTSWITH:
	case FILTER_OP_BSTARTSWITH:
		return starts_with(bytes, len, other, other_len);
	case FILTER_OP_ENDSWITH:
		return ends_with(bytes, len, other, other_len);
	default:
		equal = len == other_len && (!len || memcmp(bytes, other, len) == 0);
		return equal != (op == FILTER_OP_NE);
	}
}

static bool same_address(const struct eval_item *a, const struct eval_item *b)
{
	return a->as.address.family == b->as.address.family &&
	       memcmp(a->as.address.bytes, b->as.address.bytes, sizeof(a->as.address.bytes)) == 0;
}

bool address_in(const struct eval_item *address, const struct eval_item *network, uint8_t prefix)
{
	const uint8_t *a = address->as.address.bytes, *n = network->as.address.bytes;
	unsigned int whole = prefix / 8, rest = prefix % 8;

	if (address->as.address.family != network->as.address.family || (whole && memcmp(a, n, whole) != 0))
		return false;
	return !rest || (a[whole] ^ n[whole]) >> (8 - rest) == 0;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

bool compare_items(enum filter_op op, enum field_type type, const struct eval_item *a, const struct eval_item *b)
{
	switch (type) {
	case FIELD_TYPE_STRING:
		return compare_texts(op, a, b);
	case FIELD_TYPE_BYTES:
		return compare_bytes(op, a, b);
	case FIELD_TYPE_INT8:
	case FIELD_TYPE_INT16:
	case FIELD_TYPE_INT32:
	case FIELD_TYPE_INT64:
		return ordered(op, COMPARE(a->as.s64, b->as.s64));
	case FIELD_TYPE_DOUBLE:
		return ordered(op, COMPARE(a->as.d, b->as.d));
	case FIELD_TYPE_IP:
	case FIELD_TYPE_NET:
		return same_address(a, b) != (op == FILTER_OP_NE);
	default:
		return ordered(op, COMPARE(a->as.u64, b->as.u64));
	}
}

/* Constants */

static bool is_text(enum field_type type)
{
	return type == FIELD_TYPE_STRING || type == FIELD_TYPE_BYTES;
}

static bool is_signed(enum field_type type)
{
	return type == FIELD_TYPE_INT8 || type == FIELD_TYPE_INT16 || type == FIELD_TYPE_INT32 ||
	       type == FIELD_TYPE_INT64;
}

/* The bytes by which a value is equal to another in a set. */
struct member {
	const void *bytes;
	size_t len;
};

static struct member member_of(enum field_type type, const struct eval_item *item)
{
	if (is_text(type))
		return (struct member){item->as.text.bytes, item->as.text.len};
	if (type == FIELD_TYPE_IP)
		return (struct member){&item->as.address, sizeof(item->as.address)};
	return (struct member){&item->as, sizeof(item->as.u64)};
}

static bool same_member(const void *ctx, size_t entry, const void *key)
{
	const struct comparison *c = ctx;
	const struct member *wanted = key, have = member_of(c->type, &c->items[entry]);

	return have.len == wanted->len && (!have.len || memcmp(have.bytes, wanted->bytes, have.len) == 0);
}

static uint64_t length_bit(size_t len)
{
	return UINT64_C(1) << (len < 63 ? len : 63);
}

static bool is_member(const struct comparison *c, const struct member *m)
{
	if (!(c->lengths & length_bit(m->len)))
		return false;
	return table_find(&c->members, table_hash(m->bytes, m->len), same_member, c, m) != TABLE_NONE;
}

/* libsinsp does not count NULs at the end of a single text that it looks for in a set. */
static struct eval_item trimmed(enum field_type type, const struct eval_item *item)
{
	struct eval_item t = *item;

	while (type == FIELD_TYPE_STRING && t.as.text.len && t.as.text.bytes[t.as.text.len - 1] == '\0')
		t.as.text.len--;
	return t;
}

static int init_set(struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct member m = member_of(c->type, &c->items[i]);

		c->lengths |= length_bit(m.len);
		if (table_add(&c->members, table_hash(m.bytes, m.len), i))
			return -ENOMEM;
	}
	return 0;
}

static int init_paths(struct comparison *c)
{
	int r = path_set_new(&c->paths);

	for (size_t i = 0; !r && i < c->n; i++)
		r = path_set_add(c->paths, c->items[i].as.text.bytes, c->items[i].as.text.len);
	return r;
}

static int init_regexes(struct comparison *c, struct error *err)
{
	struct regex_error why;

	c->regexes = calloc(c->n + 1, sizeof(struct regex *));
	if (!c->regexes)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		int r = regex_compile(&c->regexes[i], c->items[i].as.text.bytes, c->items[i].as.text.len, &why);

		if (r == -EINVAL)
			return error_set(err, r, "the regular expression '%s': %s", c->items[i].as.text.bytes,
			                 why.text);
		if (r)
			return r;
	}
	return 0;
}

static void set_constant(struct comparison *c, size_t i, const struct filter_value *v)
{
	struct eval_item *item = &c->items[i];

	if (is_text(c->type)) {
		*item = eval_text(v->text, v->len);
	} else if (c->type == FIELD_TYPE_IP || c->type == FIELD_TYPE_NET) {
		memcpy(item->as.address.bytes, v->as.net.addr, v->as.net.family == AF_INET ? 4 : 16);
		item->as.address.family = v->as.net.family;
		c->prefixes[i] = v->as.net.prefix;
	} else if (c->type == FIELD_TYPE_DOUBLE) {
		item->as.d = (double)v->as.s64;
	} else if (is_signed(c->type)) {
		item->as.s64 = v->as.s64;
	} else {
		item->as.u64 = v->as.u64;
	}
}

/* The bytes that hexadecimal constants stand for, each with a NUL behind. */
static int decode_constants(struct comparison *c, const struct filter_node *check)
{
	size_t size = 0, at = 0;

	for (size_t i = 0; i < c->n; i++)
		size += check->values[i].len / 2 + 1;
	c->memory = calloc(1, size + 1);
	if (!c->memory)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		size_t len = check->values[i].len / 2;

		filter_value_unhex(&check->values[i], c->memory + at);
		c->items[i] = eval_text((const char *)c->memory + at, len);
		at += len + 1;
	}
	return 0;
}

static bool wants_set(const struct comparison *c)
{
	if (c->type == FIELD_TYPE_NET)
		return false;
	return c->op == FILTER_OP_IN || c->op == FILTER_OP_INTERSECTS ||
	       (c->op == FILTER_OP_EQ && c->mod == FILTER_MOD_ANYOF) ||
	       (c->op == FILTER_OP_NE && c->mod == FILTER_MOD_ALLOF);
}

int comparison_init(struct comparison *c, const struct filter_node *check, size_t limit, struct error *err)
{
	*c = (struct comparison){.op = check->op, .mod = check->mod, .type = check->left->type};
	c->n = check->nvalues < limit ? check->nvalues : limit;
	c->items = calloc(c->n + 1, sizeof(*c->items));
	c->prefixes = calloc(c->n + 1, sizeof(*c->prefixes));
	if (!c->items || !c->prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		set_constant(c, i, &check->values[i]);
	if (c->op == FILTER_OP_BCONTAINS || c->op == FILTER_OP_BSTARTSWITH)
		return decode_constants(c, check);
	if (c->op == FILTER_OP_PMATCH)
		return init_paths(c);
	if (c->op == FILTER_OP_REGEX)
		return init_regexes(c, err);
	return wants_set(c) ? init_set(c) : 0;
}

void comparison_free(struct comparison *c)
{
	for (size_t i = 0; c->regexes && i < c->n; i++)
		regex_free(c->regexes[i]);
	free(c->regexes);
	path_set_free(c->paths);
	table_free(&c->members);
	free(c->items);
	free(c->prefixes);
	free(c->memory);
	*c = (struct comparison){0};
}

int comparison_fit(const struct comparison *c, struct regex_scratch *scratch)
{
	int r = 0;

	for (size_t i = 0; c->regexes && !r && i < c->n; i++)
		r = regex_scratch_fit(scratch, c->regexes[i]);
	return r;
}

/* Answers */

static bool in_some_network(const struct comparison *c, const struct eval_item *item)
{
	for (size_t i = 0; i < c->n; i++)
		if (address_in(item, &c->items[i], c->prefixes[i]))
			return true;
	return false;
}

bool comparison_has(const struct comparison *c, const struct eval_item *item)
{
	const struct member m = member_of(c->type, item);

	return c->type == FIELD_TYPE_NET ? in_some_network(c, item) : is_member(c, &m);
}

static bool matches_regex(const struct comparison *c, size_t i, const struct eval_item *item,
                          struct regex_scratch *scratch)
{
	return regex_matches(c->regexes[i], scratch, item->as.text.bytes, item->as.text.len);
}

/* Constant number i alone. */
static bool holds_for(const struct comparison *c, size_t i, const struct eval_item *item, struct regex_scratch *scratch)
{
	if (c->op == FILTER_OP_REGEX)
		return matches_regex(c, i, item, scratch);
	if (c->type == FIELD_TYPE_NET)
		return address_in(item, &c->items[i], c->prefixes[i]) != (c->op == FILTER_OP_NE);
	return compare_items(c->op, c->type, item, &c->items[i]);
}

static bool modified_holds(const struct comparison *c, const struct eval_item *item, struct regex_scratch *scratch)
{
	bool any_equal = c->mod == FILTER_MOD_ANYOF && c->op == FILTER_OP_EQ;
	bool all_different = c->mod == FILTER_MOD_ALLOF && c->op == FILTER_OP_NE;
	size_t fitting = 0;

	if (!c->n)
		return false;
	if (any_equal || all_different) {
		/* libsinsp looks the address up among networks by its bytes, where it never is. */
		bool has = c->type != FIELD_TYPE_NET && comparison_has(c, item);

		return has != all_different;
	}
	for (size_t i = 0; i < c->n; i++) {
		bool fits = holds_for(c, i, item, scratch);

		if (c->mod == FILTER_MOD_ANYOF && fits)
			return true;
		if (c->mod == FILTER_MOD_ALLOF && !fits)
			return false;
		fitting += fits;
	}
	return c->mod == FILTER_MOD_ALLOF || (c->mod == FILTER_MOD_ONEOF && fitting == 1);
}

bool comparison_holds(const struct comparison *c, const struct eval_item *item, struct regex_scratch *scratch)
{
	const struct eval_item cut = trimmed(c->type, item);

	if (c->mod != FILTER_MOD_NONE)
		return modified_holds(c, &cut, scratch);
	switch (c->op) {
	case FILTER_OP_IN:
	case FILTER_OP_INTERSECTS:
		return comparison_has(c, &cut);
	case FILTER_OP_PMATCH:
		return path_set_matches(c->paths, cut.as.text.bytes, cut.as.text.len);
	default:
		return c->n && holds_for(c, 0, &cut, scratch);
	}
}

bool comparison_has_of(const struct comparison *c, const struct eval_item *item, const struct eval_item *right,
                       size_t n)
{
	const struct member wanted = member_of(c->type, item);

	for (size_t i = 0; i < n; i++) {
		const struct member have = member_of(c->type, &right[i]);

		if (have.len == wanted.len && (!have.len || memcmp(have.bytes, wanted.bytes, have.len) == 0))
			return true;
	}
	return false;
}

bool comparison_holds_for(const struct comparison *c, const struct eval_item *item, const struct eval_item *right,
                          size_t n)
{
	const struct eval_item cut = trimmed(c->type, item);

	if (c->op == FILTER_OP_IN || c->op == FILTER_OP_INTERSECTS)
		return comparison_has_of(c, &cut, right, n);
	return n && compare_items(c->op, c->type, &cut, right);
}
