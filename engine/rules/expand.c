/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void uses_free(struct uses *u)
{
	free(u->items);
	*u = (struct uses){0};
}

int uses_add(struct uses *u, size_t number)
{
	if (u->count == u->cap) {
		size_t cap = u->cap ? u->cap * 2 : 8;
		uint32_t *grown = realloc(u->items, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		u->items = grown;
		u->cap = cap;
	}
	u->items[u->count++] = (uint32_t)number;
	return 0;
}

void expander_free(struct expander *x)
{
	free(x->lists);
	arena_free(&x->arena);
	text_builder_free(&x->buffers[0]);
	text_builder_free(&x->buffers[1]);
	*x = (struct expander){0};
}

/* Texts and delimiters */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_delimiter(char c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

bool is_odd_name(const char *name)
{
	while (*name && !is_delimiter(*name))
		name++;
	return *name;
}

void expand_words(const struct text *t, void (*visit)(void *ctx, const char *word, size_t len), void *ctx)
{
	for (size_t at = 0; at < t->len; at++) {
		size_t start = at;

		while (at < t->len && !is_delimiter(t->bytes[at]))
			at++;
		if (at > start)
			visit(ctx, t->bytes + start, at - start);
	}
}

/* Lists in lists */

/* Of all lists together: one that names a large list often grows by products. */
enum { EXPANDED_MAX = 4 << 20 };

int expander_grow(struct expander *x)
{
	size_t n = x->c->nlists;

	if (n > x->cap) {
		size_t cap = x->cap * 2 > n ? x->cap * 2 : n;
		struct expanded *grown = realloc(x->lists, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		x->lists = grown;
		x->cap = cap;
	}
	for (; x->nlists < n; x->nlists++) {
		x->lists[x->nlists] = (struct expanded){0};
		x->odd += is_odd_name(x->c->lists[x->nlists]->def.name);
	}
	return 0;
}

/* The other list that an item names, if it names one that the list may see. */
static const struct list_def *nested(const struct expander *x, const struct list_def *list, const struct text *item)
{
	size_t i = collection_list_index(x->c, item->bytes, item->len);
	const struct list_def *other = i < x->c->nlists ? x->c->lists[i] : NULL;

	return other && other->def.first < list->def.last ? other : NULL;
}

static void warn_nested(struct expander *x, const struct list_def *list, const struct text *item,
                        const struct list_def *inner)
{
	for (size_t i = 0; i < inner->nitems; i++) {
		const struct list_def *third = collection_list(x->c, inner->items[i].bytes);

		/* Names of lists later in the order are still replaced in the condition. */
		if (third && third != inner && third->def.first <= list->def.first)
			COLLECT_WARN(x->c, text_start(item), "nested-list",
			             "Falco looks one level deep: '%s' stays a plain word here, it is not replaced by "
			             "the list; name it in '%s' itself",
			             third->def.name, list->def.name);
	}
}

/* Copies the items, and those of lists among them. */
static void copy_items(struct expander *x, const struct list_def *list, struct expanded *out)
{
	for (size_t i = 0; i < list->nitems; i++) {
		const struct list_def *inner = nested(x, list, &list->items[i]);

		if (!inner) {
			out->items[out->nitems++] = list->items[i];
			continue;
		}
		for (size_t k = 0; k < inner->nitems; k++)
			out->items[out->nitems++] = inner->items[k];
		if (inner != list)
			warn_nested(x, list, &list->items[i], inner);
	}
}

void expand_list(struct expander *x, size_t number)
{
	const struct list_def *list = x->c->lists[number];
	struct expanded *out = &x->lists[number];
	size_t n = 0;

	for (size_t i = 0; i < list->nitems; i++) {
		const struct list_def *inner = nested(x, list, &list->items[i]);

		n += inner ? inner->nitems : 1;
	}
	x->items = x->items - out->nitems + n;
	*out = (struct expanded){0};
	if (x->items > EXPANDED_MAX) {
		COLLECT_ERROR(x->c, list->def.place, "too-large",
		              "with the lists in them put in, the lists have more than %d items; split the file",
		              EXPANDED_MAX);
		x->items -= n;
		return;
	}
	/* Most lists have no others in them. */
	if (n == list->nitems) {
		bool plain = true;

		for (size_t i = 0; i < n && plain; i++)
			plain = !nested(x, list, &list->items[i]);
		if (plain) {
			*out = (struct expanded){list->items, n};
			return;
		}
	}
	out->items = arena_alloc(&x->arena, (n + 1) * sizeof(*out->items));
	if (out->items)
		copy_items(x, list, out);
	else
		x->c->out_of_memory = true;
}

/* Lists in texts */

/* The next place at or after `from` where the name stands between delimiters; len if none. */
static size_t find_name(const struct text *t, const char *name, size_t n, size_t from)
{
	while (from < t->len && t->len - from >= n) {
		const char *hit = memmem(t->bytes + from, t->len - from, name, n);

		if (!hit)
			break;
		size_t at = (size_t)(hit - t->bytes);

		if ((at == 0 || is_delimiter(t->bytes[at - 1])) && (at + n >= t->len || is_delimiter(t->bytes[at + n])))
			return at;
		from = at + 1;
	}
	return t->len;
}

/* Falco puts no comma behind empty items at the start. */
static void add_items(struct text_builder *out, const struct expanded *list)
{
	bool any = false;

	for (size_t i = 0; i < list->nitems; i++) {
		const struct text *item = &list->items[i];
		bool quote = memchr(item->bytes, ' ', item->len) && item->bytes[0] != '"' && item->bytes[0] != '\'';

		text_adds(out, any ? ", " : "", text_start(item));
		text_adds(out, quote ? "\"" : "", text_start(item));
		text_add(out, item);
		text_adds(out, quote ? "\"" : "", text_start(item));
		any |= item->len > 0;
	}
}

/* Whether nothing is put in for the list. */
static bool is_empty(const struct expanded *list)
{
	size_t i = 0;

	while (i < list->nitems && list->items[i].len == 0)
		i++;
	return i == list->nitems;
}

/* Replaces the list's name in the text, everywhere; for an empty list a comma goes with it. False if it is not there.
 */
static bool replace_list(const struct expander *x, const struct text *t, size_t number, struct text_builder *out)
{
	const char *name = x->c->lists[number]->def.name;
	const struct expanded *list = &x->lists[number];
	size_t n = strlen(name), done = 0, at = find_name(t, name, n, 0);

	if (at >= t->len)
		return false;
	for (; at < t->len && !out->too_large && !out->out_of_memory; at = find_name(t, name, n, done)) {
		size_t from = at, to = at + n;

		while (from > done && is_blank(t->bytes[from - 1]))
			from--;
		while (to < t->len && is_blank(t->bytes[to]))
			to++;
		if (is_empty(list)) {
			if (from > done && t->bytes[from - 1] == ',')
				from--;
			else if (to < t->len && t->bytes[to] == ',')
				to++;
		}
		text_add_slice(out, t, done, from);
		if (out->len)
			text_adds(out, " ", text_place_at(t, at));
		add_items(out, list);
		text_adds(out, " ", text_place_at(t, at));
		done = to;
	}
	text_add_slice(out, t, done, t->len);
	return true;
}

/* The list that comes next in the order. */
struct next_list {
	const struct expander *x;
	size_t from, next;
};

static void look_up(void *ctx, const char *word, size_t len)
{
	struct next_list *n = ctx;
	size_t i = collection_list_index(n->x->c, word, len);

	if (i >= n->from && i < n->next)
		n->next = i;
}

/* The first list from number `from` on whose name stands in the text; nlists if none. */
static size_t next_list(const struct expander *x, const struct text *t, size_t from)
{
	struct next_list n = {x, from, x->c->nlists};

	expand_words(t, look_up, &n);
	/* A name with a delimiter in it is no word of the text. */
	for (size_t i = from; x->odd && i < n.next; i++) {
		const char *name = x->c->lists[i]->def.name;

		if (is_odd_name(name) && find_name(t, name, strlen(name), 0) < t->len)
			n.next = i;
	}
	return n.next;
}

bool expand_text(struct expander *x, struct text *t, struct uses *used)
{
	size_t buffer = 0;

	for (size_t i = next_list(x, t, 0); i < x->c->nlists; i = next_list(x, t, i + 1)) {
		struct text_builder *out = &x->buffers[buffer];

		text_builder_reset(out);
		if (!replace_list(x, t, i, out))
			continue;
		x->c->out_of_memory |= out->out_of_memory || uses_add(used, i);
		if (out->too_large)
			COLLECT_ERROR(x->c, text_start(t), "too-large",
			              "with its lists put in, the condition is longer than %d bytes; split it",
			              FILTER_MAX_TEXT);
		if (out->too_large || x->c->out_of_memory)
			return false;
		*t = text_view(out);
		buffer ^= 1;
	}
	return true;
}

/* Lists in the place of a check */

/* Whether the word in front of `at`, parentheses apart, is one that a check follows. */
static bool check_follows(const struct text *t, size_t at)
{
	static const char *const words[] = {"and", "or", "not"};

	while (at && (is_blank(t->bytes[at - 1]) || t->bytes[at - 1] == '('))
		at--;
	if (!at)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i]);

		if (at >= n && memcmp(t->bytes + at - n, words[i], n) == 0 &&
		    (at == n || is_delimiter(t->bytes[at - n - 1])))
			return true;
	}
	return false;
}

/* Whether a check may end at `at`: no operator follows. */
static bool check_ends(const struct text *t, size_t at)
{
	while (at < t->len && is_blank(t->bytes[at]))
		at++;
	const char *rest = t->bytes + at;
	size_t n = t->len - at;

	return n == 0 || *rest == ')' || (n > 3 && memcmp(rest, "and", 3) == 0 && is_delimiter(rest[3])) ||
	       (n > 2 && memcmp(rest, "or", 2) == 0 && is_delimiter(rest[2]));
}

/* Whether the place is in an item of the list, or where the list's name is written. */
static bool is_of_list(const struct expanded *list, struct source_pos name, struct source_pos pos)
{
	if (name.line == pos.line && name.column == pos.column && name.file && strcmp(name.file, pos.file) == 0)
		return true;
	for (size_t i = 0; i < list->nitems; i++)
		if (text_covers(&list->items[i], pos))
			return true;
	return false;
}

const char *expand_misused(const struct expander *x, const struct text *written, const struct uses *used,
                           struct source_pos *pos)
{
	for (size_t u = 0; pos->file && u < used->count; u++) {
		const char *name = x->c->lists[used->items[u]]->def.name;
		size_t n = strlen(name);

		x->c->searched += written->len + 1;
		if (x->c->searched > SEARCHED_MAX)
			return NULL;
		for (size_t at = find_name(written, name, n, 0); at < written->len;
		     at = find_name(written, name, n, at + 1)) {
			struct source_pos here = text_pos(written, at);

			x->c->searched += x->lists[used->items[u]].nitems;
			if (!check_follows(written, at) || !check_ends(written, at + n) ||
			    !is_of_list(&x->lists[used->items[u]], here, *pos))
				continue;
			*pos = here;
			return name;
		}
	}
	return NULL;
}
