/* SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/regex.h"

/* One value, bytes owned. */
struct value {
	char *bytes;
	size_t len; /* as libsinsp counts */
	struct eval_item item;
};

struct list {
	struct value *v;
	size_t n;
	bool there;
};

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

static void push(struct list *l, const char *bytes, size_t len, struct eval_item item)
{
	l->v = need(realloc(l->v, (l->n + 1) * sizeof(*l->v)));
	struct value *v = &l->v[l->n++];

	*v = (struct value){.bytes = need(calloc(1, len + 1)), .len = len, .item = item};
	if (len)
		memcpy(v->bytes, bytes, len);
	l->there = true;
}

static void push_text(struct list *l, const char *text, size_t len)
{
	push(l, text, len, (struct eval_item){0});
}

static void drop(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].bytes);
	free(l->v);
	*l = (struct list){0};
}

static bool is_text(enum field_type t)
{
	return t == FIELD_TYPE_STRING || t == FIELD_TYPE_BYTES;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

static bool same_field(const struct filter_term *a, const struct filter_term *b)
{
	return a->field == b->field && a->has_arg == b->has_arg &&
	       (!a->has_arg || strcmp(a->arg_text, b->arg_text) == 0);
}

static struct list field_values(const struct filter_term *t, const struct naive_event *ev)
{
	struct list l = {0};

	for (size_t i = 0; i < eval_fields(ev->program); i++) {
		size_t n = 0;
		const struct eval_item *items = eval_event_get(ev->values, i, &n);

		if (!same_field(eval_field(ev->program, i), t) || !items)
			continue;
		l.there = true;
		for (size_t k = 0; k < n; k++)
			push(&l, is_text(t->type) ? items[k].as.text.bytes : "",
			     is_text(t->type) ? items[k].as.text.len : 0, items[k]);
	}
	return l;
}

static struct list values(const struct filter_term *t, const struct naive_event *ev);

static struct list list_values(const struct filter_term *t, const struct naive_event *ev)
{
	struct list all = {.there = true};

	for (size_t i = 0; i < t->nargs; i++) {
		const struct filter_term *arg = t->args[i];
		struct list l = values(arg, ev);
		bool there = l.there;

		for (size_t k = 0; k < l.n && all.there; k++) {
			char number[32];

			if (arg->type == FIELD_TYPE_STRING) {
				push_text(&all, l.v[k].bytes, l.v[k].len);
				continue;
			}
			if (arg->ref_flags & FIELD_REF_HEX)
				(void)snprintf(number, sizeof(number), "%" PRIX64, l.v[k].item.as.u64);
			else if (arg->type == FIELD_TYPE_INT64)
				(void)snprintf(number, sizeof(number), "%" PRId64, l.v[k].item.as.s64);
			else
				(void)snprintf(number, sizeof(number), "%" PRIu64, l.v[k].item.as.u64);
			push_text(&all, number, strlen(number));
		}
		drop(&l);
		if (!there) {
			drop(&all);
			return all;
		}
	}
	return all;
}

static bool decode(const char *in, size_t len, char *out, size_t *n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t bits = 0, padding = 0;

	*n = 0;
	if (!len)
		return true;
	while (padding < 2 && padding < len && in[len - 1 - padding] == '=')
		padding++;
	len -= padding;
	if (!len || len % 4 == 1)
		return false;
	/* Bit by bit. */
	char *wide = need(calloc(1, len + 1));

	for (size_t i = 0; i < len; i++) {
		const char *d = in[i] ? strchr(digits, in[i]) : NULL;

		if (!d) {
			free(wide);
			return false;
		}
		for (int b = 5; b >= 0; b--, bits++)
			if ((d - digits) >> b & 1)
				wide[bits / 8] = (char)(wide[bits / 8] | 1 << (7 - bits % 8));
	}
	*n = bits / 8;
	memcpy(out, wide, *n);
	bool rest = bits % 8 && wide[*n];

	free(wide);
	return !rest;
}

static struct list single(const struct filter_term *t, const struct naive_event *ev)
{
	struct list in = values(t->args[0], ev), out = {.there = true};

	if (!in.there) {
		drop(&out);
		return in;
	}
	if (t->call == FILTER_CALL_LEN) {
		uint64_t n = in.n;

		if (!t->args[0]->is_list && in.n)
			n = t->args[0]->type == FIELD_TYPE_BYTES ? in.v[0].len : strlen(in.v[0].bytes);
		if (t->args[0]->is_list || in.n)
			push(&out, "", 0, (struct eval_item){.as.u64 = n});
		else
			out.there = false;
		drop(&in);
		return out;
	}
	for (size_t i = 0; i < in.n; i++) {
		size_t len = in.v[i].len, start = 0, n;
		char *text = need(calloc(1, len + 2));

		while (len && in.v[i].bytes[len - 1] == '\0')
			len--;
		if (t->call == FILTER_CALL_BASENAME)
			for (size_t k = 0; k < len; k++)
				if (in.v[i].bytes[k] == '/')
					start = k + 1;
		n = len - start;
		memcpy(text, in.v[i].bytes + start, n);
		for (size_t k = 0; k < n; k++) {
			if (t->call == FILTER_CALL_TOLOWER)
				text[k] = (char)tolower((unsigned char)text[k]);
			if (t->call == FILTER_CALL_TOUPPER)
				text[k] = (char)toupper((unsigned char)text[k]);
		}
		bool ok = t->call != FILTER_CALL_B64 || decode(in.v[i].bytes, len, text, &n);

		if (ok)
			push_text(&out, text, n && text[n - 1] == '\0' ? n : n + 1);
		/* What stands behind the text is zero but where base64 left something. */
		if (ok)
			memset(out.v[out.n - 1].bytes + n, 0, out.v[out.n - 1].len - n);
		free(text);
		if (!ok) {
			drop(&out);
			break;
		}
	}
	drop(&in);
	return out;
}

static struct list joined(const struct filter_term *t, const struct naive_event *ev)
{
	struct list sep = values(t->args[0], ev), l = values(t->args[1], ev), out = {0};

	if (sep.there && sep.n && l.there) {
		char *text = need(calloc(1, 1));
		size_t len = 0;

		for (size_t i = 0; i < l.n; i++) {
			size_t part = strlen(l.v[i].bytes), more = i ? sep.v[0].len : 0;

			text = need(realloc(text, len + more + part + 1));
			memcpy(text + len, sep.v[0].bytes, more);
			memcpy(text + len + more, l.v[i].bytes, part);
			len += more + part;
		}
		push_text(&out, text, len);
		free(text);
	}
	drop(&sep);
	drop(&l);
	return out;
}

static struct list concatenated(const struct filter_term *t, const struct naive_event *ev)
{
	struct list out = {0};
	char *text = need(calloc(1, 1));
	bool all = true;

	for (size_t i = 0; i < t->nargs && all; i++) {
		struct list l = values(t->args[i], ev);

		all = l.there && l.n;
		if (all) {
			size_t len = strlen(text), more = strlen(l.v[0].bytes);

			text = need(realloc(text, len + more + 1));
			memcpy(text + len, l.v[0].bytes, more + 1);
		}
		drop(&l);
	}
	if (all)
		push_text(&out, text, strlen(text));
	free(text);
	return out;
}

static struct list options(const struct filter_term *t, const struct naive_event *ev)
{
	struct list args = values(t->args[0], ev), spec = values(t->args[1], ev), out = {0};
	bool known[256] = {false}, valued[256] = {false}, usable = args.there && spec.there && spec.n;

	for (size_t i = 0; usable && i < spec.v[0].len; i++) {
		unsigned char c = (unsigned char)spec.v[0].bytes[i];

		if (c == ':') {
			if (i && spec.v[0].bytes[i - 1] != ':')
				valued[(unsigned char)spec.v[0].bytes[i - 1]] = true;
			continue;
		}
		known[c] = true;
	}
	out.there = usable;
	for (size_t i = 0; usable && i < args.n; i++) {
		const struct value *a = &args.v[i];

		if ((a->len == 2 && memcmp(a->bytes, "--", 2) == 0) || a->len < 2 || a->bytes[0] != '-')
			break;
		if (a->bytes[1] == '-')
			continue;
		for (size_t k = 1; k < a->len; k++) {
			unsigned char c = (unsigned char)a->bytes[k];
			bool wanted = t->selector < 0 || t->selector == c;

			if (c == ':' || !known[c]) {
				if (t->selector < 0)
					push_text(&out, "?", 1);
				continue;
			}
			if (!valued[c]) {
				if (wanted)
					push_text(&out, a->bytes + k, 1);
				continue;
			}
			bool own = k + 1 < a->len, next = !own && i + 1 < args.n;

			if (wanted && (own || next) && t->selector < 0)
				push_text(&out, a->bytes + k, 1);
			if (wanted && own)
				push_text(&out, a->bytes + k + 1, a->len - k - 1);
			else if (wanted && next)
				push_text(&out, args.v[i + 1].bytes, args.v[i + 1].len);
			else if (wanted)
				push_text(&out, "", 0);
			i += next;
			break;
		}
	}
	if (t->selector >= 0 && out.n) {
		struct list last = {0};

		push_text(&last, out.v[out.n - 1].bytes, out.v[out.n - 1].len);
		drop(&out);
		out = last;
	} else if (t->selector >= 0) {
		drop(&out);
	}
	drop(&args);
	drop(&spec);
	return out;
}

static struct list values(const struct filter_term *t, const struct naive_event *ev)
{
	struct list l = {0};

	switch (t->kind) {
	case FILTER_TERM_FIELD:
		return field_values(t, ev);
	case FILTER_TERM_TEXT:
		push_text(&l, t->text, t->len);
		return l;
	case FILTER_TERM_LIST:
		return list_values(t, ev);
	case FILTER_TERM_CALL:
		break;
	}
	switch (t->call) {
	case FILTER_CALL_JOIN:
		return joined(t, ev);
	case FILTER_CALL_CONCAT:
		return concatenated(t, ev);
	case FILTER_CALL_GETOPT:
		return options(t, ev);
	default:
		return single(t, ev);
	}
}

/* ---- comparisons ----------------------------------------------------------------------------------------------- */

static struct value constant(const struct filter_node *n, size_t i)
{
	const struct filter_value *v = &n->values[i];
	struct value c = {0};

	if (n->op == FILTER_OP_BCONTAINS || n->op == FILTER_OP_BSTARTSWITH) {
		c.bytes = need(calloc(1, v->len / 2 + 1));
		for (c.len = 0; 2 * c.len < v->len; c.len++) {
			unsigned int byte;

			(void)sscanf(v->text + 2 * c.len, "%2x", &byte);
			c.bytes[c.len] = (char)byte;
		}
	} else {
		c.bytes = need(strndup(v->text, v->len));
		c.len = v->len;
	}
	if (n->left->type == FIELD_TYPE_DOUBLE)
		c.item.as.d = (double)v->as.s64;
	else if (n->left->type == FIELD_TYPE_IP || n->left->type == FIELD_TYPE_NET)
		(void)c.item;
	else if (!is_text(n->left->type))
		c.item.as.u64 = v->as.u64;
	if (n->left->type == FIELD_TYPE_IP || n->left->type == FIELD_TYPE_NET) {
		memcpy(c.item.as.address.bytes, v->as.net.addr, v->as.net.family == AF_INET ? 4 : 16);
		c.item.as.address.family = v->as.net.family;
	}
	return c;
}

static bool in_net(const struct eval_item *a, const struct filter_value *v)
{
	if (a->as.address.family != v->as.net.family)
		return false;
	for (unsigned int bit = 0; bit < v->as.net.prefix; bit++)
		if ((a->as.address.bytes[bit / 8] ^ v->as.net.addr[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool by_order(enum filter_op op, bool less, bool equal)
{
	switch (op) {
	case FILTER_OP_NE:
		return !equal;
	case FILTER_OP_LT:
		return less;
	case FILTER_OP_LE:
		return less || equal;
	case FILTER_OP_GT:
		return !less && !equal;
	case FILTER_OP_GE:
		return !less;
	default:
		return equal;
	}
}

static bool equal_bytes(const struct value *a, const struct value *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool find_bytes(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i + b->len <= a->len; i++)
		if (memcmp(a->bytes + i, b->bytes, b->len) == 0)
			return true;
	return false;
}

static bool compare_bytes(enum filter_op op, const struct value *a, const struct value *b)
{
	switch (op) {
	case FILTER_OP_CONTAINS:
	case FILTER_OP_BCONTAINS:
		return find_bytes(a, b);
	case FILTER_OP_STARTSWITH:
	case FILTER_OP_BSTARTSWITH:
		return a->len >= b->len && memcmp(a->bytes, b->bytes, b->len) == 0;
	case FILTER_OP_ENDSWITH:
		return a->len >= b->len && memcmp(a->bytes + a->len - b->len, b->bytes, b->len) == 0;
	default:
		return by_order(op, false, equal_bytes(a, b));
	}
}

static bool compare_text(enum filter_op op, const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	switch (op) {
	case FILTER_OP_CONTAINS:
		return strstr(a, b) != NULL;
	case FILTER_OP_ICONTAINS:
		for (size_t i = 0; i + lb <= la; i++)
			if (strncasecmp(a + i, b, lb) == 0)
				return true;
		return false;
	case FILTER_OP_STARTSWITH:
		return strncmp(a, b, lb) == 0;
	case FILTER_OP_ENDSWITH:
		return la >= lb && strcmp(a + la - lb, b) == 0;
	case FILTER_OP_GLOB:
		return fnmatch(b, a, 0) == 0;
	case FILTER_OP_IGLOB:
		return fnmatch(b, a, FNM_CASEFOLD) == 0;
	default:
		return by_order(op, strcmp(a, b) < 0, strcmp(a, b) == 0);
	}
}

static bool compare(enum filter_op op, enum field_type type, const struct value *a, const struct value *b)
{
	const struct eval_item *x = &a->item, *y = &b->item;

	switch (type) {
	case FIELD_TYPE_STRING:
		return compare_text(op, a->bytes, b->bytes);
	case FIELD_TYPE_BYTES:
		return compare_bytes(op, a, b);
	case FIELD_TYPE_DOUBLE:
		return by_order(op, x->as.d < y->as.d, x->as.d == y->as.d);
	case FIELD_TYPE_INT8:
	case FIELD_TYPE_INT16:
	case FIELD_TYPE_INT32:
	case FIELD_TYPE_INT64:
		return by_order(op, x->as.s64 < y->as.s64, x->as.s64 == y->as.s64);
	case FIELD_TYPE_IP:
	case FIELD_TYPE_NET:
		return by_order(op, false,
		                x->as.address.family == y->as.address.family &&
		                        memcmp(x->as.address.bytes, y->as.address.bytes, 16) == 0);
	default:
		return by_order(op, x->as.u64 < y->as.u64, x->as.u64 == y->as.u64);
	}
}

/* Equality in a set: of all bytes. */
static bool same(enum field_type type, const struct value *a, const struct value *b)
{
	if (is_text(type))
		return equal_bytes(a, b);
	if (type == FIELD_TYPE_DOUBLE)
		return a->item.as.u64 == b->item.as.u64;
	return compare(FILTER_OP_EQ, type, a, b);
}

/* Components, empty ones left out. */
static size_t split(char *path, char **parts, size_t max)
{
	size_t n = 0;

	for (char *part; n < max && (part = strsep(&path, "/"));)
		if (*part)
			parts[n++] = part;
	return n;
}

static bool begins_with(const char *path, const char *pattern)
{
	enum { PARTS = 4096 };
	char *a = need(strdup(path)), *b = need(strdup(pattern)), **pa = need(calloc(PARTS, sizeof(char *))),
	     **pb = need(calloc(PARTS, sizeof(char *)));
	size_t na = split(a, pa, PARTS), nb = split(b, pb, PARTS);
	bool all = nb <= na;

	for (size_t i = 0; all && i < nb; i++)
		all = strpbrk(pb[i], "*?[") ? fnmatch(pb[i], pa[i], 0) == 0 : strcmp(pa[i], pb[i]) == 0;
	free(a);
	free(b);
	free((void *)pa);
	free((void *)pb);
	return all;
}

static bool matches_regex(const char *pattern, const struct value *v)
{
	_autoregex_ struct regex *r = NULL;
	_autoscratch_ struct regex_scratch *s = NULL;
	struct regex_error err;

	if (regex_compile(&r, pattern, strlen(pattern), &err) || regex_scratch_new(&s) || regex_scratch_fit(s, r))
		abort();
	return regex_matches(r, s, v->bytes, v->len);
}

/* One value and constant number i. */
static bool fits(const struct filter_node *n, const struct value *v, size_t i)
{
	struct value c = constant(n, i);
	bool r;

	if (n->op == FILTER_OP_REGEX)
		r = matches_regex(n->values[i].text, v);
	else if (n->op == FILTER_OP_PMATCH)
		r = begins_with(v->bytes, n->values[i].text);
	else if (n->left->type == FIELD_TYPE_NET)
		r = in_net(&v->item, &n->values[i]) != (n->op == FILTER_OP_NE);
	else if (n->op == FILTER_OP_IN || n->op == FILTER_OP_INTERSECTS)
		r = same(n->left->type, v, &c);
	else
		r = compare(n->op, n->left->type, v, &c);
	free(c.bytes);
	return r;
}

static bool in_constants(const struct filter_node *n, const struct value *v)
{
	for (size_t i = 0; i < n->nvalues; i++) {
		struct value c = constant(n, i);
		bool r = n->left->type == FIELD_TYPE_NET ? in_net(&v->item, &n->values[i]) : same(n->left->type, v, &c);

		free(c.bytes);
		if (r)
			return true;
	}
	return false;
}

static bool in_values(enum field_type type, const struct value *v, const struct list *right)
{
	for (size_t i = 0; i < right->n; i++)
		if (same(type, v, &right->v[i]))
			return true;
	return false;
}

static bool modified(const struct filter_node *n, const struct value *v)
{
	size_t count = 0;

	for (size_t i = 0; i < n->nvalues; i++)
		count += fits(n, v, i);
	if (!n->nvalues)
		return false;
	if (n->op == FILTER_OP_EQ && n->mod == FILTER_MOD_ANYOF)
		return n->left->type != FIELD_TYPE_NET && in_constants(n, v);
	if (n->op == FILTER_OP_NE && n->mod == FILTER_MOD_ALLOF)
		return n->left->type == FIELD_TYPE_NET || !in_constants(n, v);
	return n->mod == FILTER_MOD_ONEOF ? count == 1 : n->mod == FILTER_MOD_ANYOF ? count > 0 : count == n->nvalues;
}

/* Whether the field is compared by code of its own, which knows the first constant and no modifier. */
static bool own_code(const struct filter_node *n)
{
	const struct filter_term *t = n->left;

	return t->kind == FILTER_TERM_FIELD &&
	       ((t->ref_flags & FIELD_REF_ANY_ANCESTOR) || (t->field->flags & FIELD_EITHER_END) ||
	        t->field->id == FIELD_EVT_RAWARG);
}

static bool one(const struct filter_node *n, const struct value *given, const struct list *right)
{
	bool set = n->op == FILTER_OP_IN || n->op == FILTER_OP_INTERSECTS || n->op == FILTER_OP_PMATCH;
	struct value v = *given;
	enum field_id id = n->left->kind == FILTER_TERM_FIELD ? n->left->field->id : FIELD_COUNT;

	while (n->left->type == FIELD_TYPE_STRING && v.len && v.bytes[v.len - 1] == '\0')
		v.len--;
	if (n->right)
		return set ? in_values(n->left->type, &v, right)
		           : right->n && compare(n->op, n->left->type, &v, &right->v[0]);
	if (n->mod && !own_code(n))
		return modified(n, &v);
	if (set && !n->mod && !(own_code(n) && id == FIELD_FD_NET)) {
		for (size_t i = 0; i < n->nvalues; i++)
			if (fits(n, &v, i))
				return true;
		return false;
	}
	return n->nvalues && fits(n, &v, 0);
}

static bool never(const struct filter_node *n)
{
	enum field_id id = n->left->kind == FILTER_TERM_FIELD ? n->left->field->id : FIELD_COUNT;
	bool in = n->op == FILTER_OP_IN || n->op == FILTER_OP_INTERSECTS;

	return in && (id == FIELD_FD_IP || (id == FIELD_PROC_APID && (n->left->ref_flags & FIELD_REF_ANY_ANCESTOR)) ||
	              (id == FIELD_EVT_RAWARG && n->left->type != FIELD_TYPE_STRING));
}

static bool list_holds(const struct filter_node *n, const struct list *left, const struct list *right)
{
	size_t in = 0;

	for (size_t i = 0; i < left->n; i++)
		in += n->right ? in_values(n->left->type, &left->v[i], right) : in_constants(n, &left->v[i]);
	return n->op == FILTER_OP_IN ? in == left->n : in > 0;
}

static bool around(const struct filter_node *n, const struct list *left)
{
	uint64_t time = left->n ? left->v[0].item.as.u64 : 0, d = n->nvalues ? n->values[0].as.u64 * 1000000 : 0;

	return left->n && n->left->arg_index >= time - d && n->left->arg_index <= time + d;
}

static bool check_holds(const struct filter_node *n, const struct list *left, const struct list *right)
{
	const struct filter_term *t = n->left;
	bool ends = t->kind == FILTER_TERM_FIELD && (t->field->flags & FIELD_EITHER_END);
	bool any = t->kind == FILTER_TERM_FIELD && (t->ref_flags & FIELD_REF_ANY_ANCESTOR);
	size_t count = 0;

	if (!left->there || (n->right && !right->there) || never(n))
		return false;
	if (t->kind == FILTER_TERM_FIELD && t->field->id == FIELD_EVT_AROUND)
		return around(n, left);
	if (n->op == FILTER_OP_EXISTS)
		return ends || t->is_list || left->n > 0;
	if (t->is_list)
		return list_holds(n, left, right);
	for (size_t i = 0; i < left->n; i++)
		count += one(n, &left->v[i], right);
	if (any)
		return count > 0;
	if (ends && n->op == FILTER_OP_INTERSECTS && left->n != 1)
		return false;
	if (ends)
		return n->op == FILTER_OP_NE ? left->n && count == left->n : count > 0;
	return left->n && one(n, &left->v[0], right);
}

bool naive_holds(const struct filter_node *n, const struct naive_event *ev)
{
	struct list left = {0}, right = {0};
	bool r;

	switch (n->kind) {
	case FILTER_NOT:
		return !naive_holds(n->kids[0], ev);
	case FILTER_AND:
		for (size_t i = 0; i < n->nkids; i++)
			if (!naive_holds(n->kids[i], ev))
				return false;
		return true;
	case FILTER_OR:
		for (size_t i = 0; i < n->nkids; i++)
			if (naive_holds(n->kids[i], ev))
				return true;
		return false;
	case FILTER_LEAF:
	case FILTER_CHECK:
		break;
	}
	left = values(n->left, ev);
	if (n->right)
		right = values(n->right, ev);
	r = check_holds(n, &left, &right);
	drop(&left);
	drop(&right);
	return r;
}
