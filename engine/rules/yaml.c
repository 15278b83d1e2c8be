/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From libyaml's events to trees. Events, not its own documents: those lose anchors, keep no whole items of a broken
 * text, and take the square of the time for masses of anchors.
 */
#include "rules/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/yaml_scalar.h"

void yaml_begin(struct yaml_stream *y, const struct source_text *source, struct arena *texts, struct arena *nodes)
{
	*y = (struct yaml_stream){.source = source, .texts = texts, .nodes = nodes};
	if (!yaml_parser_initialize(&y->parser)) {
		y->out_of_memory = true;
		return;
	}
	y->ready = true;
	/* The encoding is given, so libyaml does not step over a byte order mark itself. */
	y->start = source->len >= 3 && memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	y->byte = y->start;
	yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)source->bytes + y->start,
	                             source->len - y->start);
}

static void drop_event(struct yaml_stream *y)
{
	if (y->have_event)
		yaml_event_delete(&y->event);
	y->have_event = false;
}

static void forget_anchors(struct yaml_stream *y)
{
	for (size_t i = 0; i < y->nanchors; i++)
		free(y->anchors[i].name);
	y->nanchors = 0;
	table_free(&y->names);
}

void yaml_end(struct yaml_stream *y)
{
	drop_event(y);
	forget_anchors(y);
	if (y->ready)
		yaml_parser_delete(&y->parser);
	text_builder_free(&y->scratch);
	free((void *)y->pending);
	free(y->anchors);
	*y = (struct yaml_stream){0};
}

/* Places and errors */

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The byte of a mark, which counts characters. */
static size_t offset_of(struct yaml_stream *y, const yaml_mark_t *mark)
{
	if (mark->index < y->character) {
		y->character = 0;
		y->byte = y->start;
	}
	for (; y->character < mark->index && y->byte < y->source->len; y->character++)
		do
			y->byte++;
		while (y->byte < y->source->len && is_continuation(y->source->bytes[y->byte]));
	return y->byte;
}

static bool failed(const struct yaml_stream *y)
{
	return y->error.code || y->out_of_memory;
}

static void fail(struct yaml_stream *y, size_t offset, const char *code, const char *message)
{
	if (failed(y))
		return;
	y->error.offset = offset < y->source->len ? offset : y->source->len;
	y->error.code = code;
	(void)snprintf(y->error.message, sizeof(y->error.message), "%s", message);
}

static void fail_parser(struct yaml_stream *y)
{
	const yaml_parser_t *p = &y->parser;
	bool reader = p->error == YAML_READER_ERROR;
	size_t offset = reader ? y->start + p->problem_offset : offset_of(y, &p->problem_mark);

	/* What does not end is better told where it begins. */
	if (!reader && p->context && offset >= y->source->len)
		offset = offset_of(y, &p->context_mark);
	/* Nobody sees a caret after the text: under its last character then. */
	if (!reader && offset >= y->source->len)
		while (offset > 0 && (offset >= y->source->len || strchr(" \t\r\n", y->source->bytes[offset])))
			offset--;
	char message[sizeof(y->error.message)];

	if (p->error == YAML_MEMORY_ERROR) {
		y->out_of_memory = true;
		return;
	}
	(void)snprintf(message, sizeof(message),
	               "the YAML is malformed: %s%s%s; correct it here or in the lines before",
	               p->problem ? p->problem : "cannot be read", p->context ? " " : "", p->context ? p->context : "");
	fail(y, offset, "yaml", message);
}

/* The next event; NULL after an error. */
static const yaml_event_t *peek(struct yaml_stream *y)
{
	if (!y->have_event && !failed(y)) {
		y->have_event = yaml_parser_parse(&y->parser, &y->event);
		if (!y->have_event)
			fail_parser(y);
	}
	return y->have_event ? &y->event : NULL;
}

static bool next_is(struct yaml_stream *y, yaml_event_type_t type)
{
	const yaml_event_t *e = peek(y);

	return e && e->type == type;
}

/* Steps over an event of that type, if it is the next one. */
static bool take(struct yaml_stream *y, yaml_event_type_t type)
{
	if (!next_is(y, type))
		return false;
	drop_event(y);
	return true;
}

/* Nodes */

static void *alloc(struct yaml_stream *y, size_t size)
{
	void *m = arena_alloc(y->nodes, size);

	y->out_of_memory |= !m;
	return m;
}

static struct yaml_node *new_node(struct yaml_stream *y, enum yaml_kind kind, size_t offset)
{
	if (++y->nnodes > YAML_TREE_NODES) {
		fail(y, offset, "too-large", "more than 4 million values in one file; split it");
		return NULL;
	}
	struct yaml_node *n = alloc(y, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->offset = (uint32_t)offset;
	}
	return n;
}
_Static_assert(YAML_TREE_NODES == 4000000, "as the message says");

static void push(struct yaml_stream *y, struct yaml_node *n)
{
	if (y->npending == y->pending_cap) {
		size_t cap = y->pending_cap ? y->pending_cap * 2 : 64;
		struct yaml_node **grown = realloc((void *)y->pending, cap * sizeof(*grown));

		if (!grown) {
			y->out_of_memory = true;
			return;
		}
		y->pending = grown;
		y->pending_cap = cap;
	}
	y->pending[y->npending++] = n;
}

/* Gives the node all that was pushed since there were `from` items. */
static void close_node(struct yaml_stream *y, struct yaml_node *n, size_t from)
{
	size_t count = y->npending - from;

	y->npending = from;
	if (n->kind == YAML_MAPPING)
		count &= ~(size_t)1; /* after an error the last key may have no value */
	n->items = alloc(y, (count + 1) * sizeof(*n->items));
	if (!n->items)
		return;
	if (count)
		memcpy((void *)n->items, (void *)(y->pending + from), count * sizeof(*n->items));
	n->count = n->kind == YAML_MAPPING ? count / 2 : count;
}

/* Anchors */

static bool same_anchor(const void *ctx, size_t entry, const void *key)
{
	return strcmp(((const struct yaml_stream *)ctx)->anchors[entry].name, key) == 0;
}

static size_t find_anchor(const struct yaml_stream *y, const char *name)
{
	return table_find(&y->names, table_hash(name, strlen(name)), same_anchor, y, name);
}

/* Names a node; a later one of the same name takes its place. */
static void set_anchor(struct yaml_stream *y, const yaml_char_t *anchor, struct yaml_node *node)
{
	const char *name = (const char *)anchor;

	if (!name)
		return;
	size_t i = find_anchor(y, name);

	if (i != TABLE_NONE) {
		y->anchors[i].node = node;
		return;
	}
	if (y->nanchors == y->anchors_cap) {
		size_t cap = y->anchors_cap ? y->anchors_cap * 2 : 16;
		struct yaml_anchor *grown = realloc(y->anchors, cap * sizeof(*grown));

		if (!grown) {
			y->out_of_memory = true;
			return;
		}
		y->anchors = grown;
		y->anchors_cap = cap;
	}
	char *copy = strdup(name);

	if (!copy || table_add(&y->names, table_hash(name, strlen(name)), y->nanchors)) {
		free(copy);
		y->out_of_memory = true;
		return;
	}
	y->anchors[y->nanchors++] = (struct yaml_anchor){copy, node};
}

static struct yaml_node *take_alias(struct yaml_stream *y, const yaml_event_t *e)
{
	size_t i = find_anchor(y, (const char *)e->data.alias.anchor);

	if (i == TABLE_NONE) {
		fail(y, offset_of(y, &e->start_mark), "yaml",
		     "no anchor (&name) of this name stands before; quote the value if it is no alias");
		return NULL;
	}
	drop_event(y);
	return y->anchors[i].node;
}

/* Trees */

static bool is_null(const yaml_event_t *e)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || e->data.scalar.tag)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp((const char *)e->data.scalar.value, words[i]) == 0)
			return true;
	return false;
}

static struct yaml_node *take_scalar(struct yaml_stream *y, const yaml_event_t *e)
{
	size_t from = offset_of(y, &e->start_mark), to = offset_of(y, &e->end_mark);
	struct yaml_node *n = new_node(y, is_null(e) ? YAML_NULL : YAML_SCALAR, from);
	int r = 0;

	if (n && n->kind == YAML_SCALAR) {
		text_builder_reset(&y->scratch);
		yaml_scalar_text(&y->scratch, y->source, from, to, e);
		r = text_finish(&n->text, &y->scratch, (struct text_place){y->source, (uint32_t)from}, y->texts);
	}
	if (r == -ENOMEM)
		y->out_of_memory = true;
	else if (r)
		fail(y, from, "too-large", "the value is longer than a megabyte; split it");
	if (n)
		set_anchor(y, e->data.scalar.anchor, n);
	drop_event(y);
	return failed(y) ? NULL : n;
}
_Static_assert(FILTER_MAX_TEXT == 1 << 20, "as the message says");

static struct yaml_node *take_node(struct yaml_stream *y);

/* The items up to the end; those that are whole stay also after an error. */
// NOLINTNEXTLINE(misc-no-recursion): YAML_TREE_DEPTH bounds it
static struct yaml_node *take_collection(struct yaml_stream *y, enum yaml_kind kind, yaml_event_type_t end)
{
	const yaml_event_t *e = peek(y);
	struct yaml_node *n = new_node(y, kind, offset_of(y, &e->start_mark));
	size_t from = y->npending;

	if (n)
		set_anchor(y, kind == YAML_SEQUENCE ? e->data.sequence_start.anchor : e->data.mapping_start.anchor, n);
	drop_event(y);
	while (n && !failed(y) && !take(y, end)) {
		struct yaml_node *item = take_node(y);

		if (!failed(y) && item)
			push(y, item);
	}
	if (n)
		close_node(y, n, from);
	return n;
}

// NOLINTNEXTLINE(misc-no-recursion): YAML_TREE_DEPTH bounds it
static struct yaml_node *take_node(struct yaml_stream *y)
{
	const yaml_event_t *e = peek(y);
	struct yaml_node *n = NULL;

	if (!e)
		return NULL;
	if (++y->depth > YAML_TREE_DEPTH) {
		fail(y, offset_of(y, &e->start_mark), "too-deep",
		     "sequences and mappings are nested in more than 64 levels here; no key needs that");
		return NULL;
	}
	if (e->type == YAML_ALIAS_EVENT)
		n = take_alias(y, e);
	else if (e->type == YAML_SCALAR_EVENT)
		n = take_scalar(y, e);
	else if (e->type == YAML_SEQUENCE_START_EVENT)
		n = take_collection(y, YAML_SEQUENCE, YAML_SEQUENCE_END_EVENT);
	else
		n = take_collection(y, YAML_MAPPING, YAML_MAPPING_END_EVENT);
	y->depth--;
	return n;
}
_Static_assert(YAML_TREE_DEPTH == 64, "as the message says");

int yaml_next(struct yaml_stream *y, struct yaml_node **root)
{
	struct yaml_node *n = NULL;

	*root = NULL;
	y->depth = y->npending = 0;
	forget_anchors(y);
	if (y->out_of_memory)
		return -ENOMEM;
	(void)take(y, YAML_STREAM_START_EVENT);
	if (next_is(y, YAML_STREAM_END_EVENT))
		return 0;
	if (take(y, YAML_DOCUMENT_START_EVENT))
		n = take_node(y);
	if (!failed(y))
		(void)take(y, YAML_DOCUMENT_END_EVENT);
	if (failed(y) || !n) {
		/* A sequence has got no item that is not whole. */
		*root = n && n->kind == YAML_SEQUENCE && n->items ? n : NULL;
		return y->out_of_memory ? -ENOMEM : -EINVAL;
	}
	*root = n;
	return n->kind == YAML_NULL ? 0 : 1;
}

bool yaml_has_rest(struct yaml_stream *y, size_t *offset)
{
	const yaml_event_t *e = peek(y);

	if (!e || e->type == YAML_STREAM_END_EVENT)
		return false;
	*offset = offset_of(y, &e->start_mark);
	return true;
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (map->kind != YAML_MAPPING)
		return NULL;
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *k = map->items[2 * i];

		if (k->kind == YAML_SCALAR && text_is(&k->text, key))
			return map->items[2 * i + 1];
	}
	return NULL;
}

const char *yaml_kind_name(const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_SCALAR:
		return "a single value";
	case YAML_SEQUENCE:
		return "a sequence";
	case YAML_MAPPING:
		return "a mapping";
	case YAML_NULL:
		break;
	}
	return "nothing";
}
