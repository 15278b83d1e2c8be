/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tokens to trees: which tokens make a node, and what empty ones are, is yaml-cpp's. Knows no characters.
 */
#include "rules/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the node that is read stands in. */
enum within {
	WITHIN_NOTHING,
	WITHIN_BLOCK_SEQUENCE,
	WITHIN_BLOCK_MAPPING,
	WITHIN_FLOW_SEQUENCE,
	WITHIN_FLOW_MAPPING,
	WITHIN_PAIR
};

void yaml_begin(struct yaml_stream *y, const struct source_text *source, struct arena *texts, struct arena *nodes)
{
	*y = (struct yaml_stream){.nodes = nodes};
	yaml_scanner_init(&y->scanner, source, texts);
	for (size_t i = 0; i < source->len; i++) {
		if (source->bytes[i] != '\0' && source->bytes[i] != '\4')
			continue;
		yaml_fail(&y->scanner, i, "yaml", "a control character (0 or 4); remove it, the file may be no text");
		break;
	}
}

void yaml_end(struct yaml_stream *y)
{
	yaml_scanner_free(&y->scanner);
	free((void *)y->pending);
	free(y->anchors);
	table_free(&y->names);
	*y = (struct yaml_stream){0};
}

static bool failed(const struct yaml_stream *y)
{
	return y->scanner.error.code || y->scanner.out_of_memory;
}

static void fail(struct yaml_stream *y, size_t offset, const char *code, const char *message)
{
	yaml_fail(&y->scanner, offset, code, message);
}

static const struct yaml_token *peek(struct yaml_stream *y)
{
	return yaml_peek(&y->scanner);
}

static bool next_is(struct yaml_stream *y, enum yaml_token_type type)
{
	const struct yaml_token *t = peek(y);

	return t && t->type == type;
}

/* Steps over a token of that type, if it is the next one. */
static bool take(struct yaml_stream *y, enum yaml_token_type type)
{
	if (!next_is(y, type))
		return false;
	yaml_pop(&y->scanner);
	return true;
}

/* Where the next token starts; the end of the text if there is none. */
static size_t here(struct yaml_stream *y)
{
	const struct yaml_token *t = peek(y);

	return t ? t->from : y->scanner.source->len;
}

/* Nodes */

static void *alloc(struct yaml_stream *y, size_t size)
{
	void *m = arena_alloc(y->nodes, size);

	y->scanner.out_of_memory |= !m;
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
	if (!n)
		return;
	if (y->npending == y->pending_cap) {
		size_t cap = y->pending_cap ? y->pending_cap * 2 : 64;
		struct yaml_node **grown = realloc((void *)y->pending, cap * sizeof(*grown));

		if (!grown) {
			y->scanner.out_of_memory = true;
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
	const struct text *a = &((const struct yaml_stream *)ctx)->anchors[entry].name, *b = key;

	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static size_t find_anchor(const struct yaml_stream *y, const struct text *name)
{
	return table_find(&y->names, table_hash(name->bytes, name->len), same_anchor, y, name);
}

/* Names a node; a later one of the same name takes its place. */
static void set_anchor(struct yaml_stream *y, const struct text *name, struct yaml_node *node)
{
	size_t i = find_anchor(y, name);

	if (i != TABLE_NONE) {
		y->anchors[i].node = node;
		return;
	}
	if (y->nanchors == y->anchors_cap) {
		size_t cap = y->anchors_cap ? y->anchors_cap * 2 : 16;
		struct yaml_anchor *grown = realloc(y->anchors, cap * sizeof(*grown));

		if (!grown) {
			y->scanner.out_of_memory = true;
			return;
		}
		y->anchors = grown;
		y->anchors_cap = cap;
	}
	y->anchors[y->nanchors] = (struct yaml_anchor){*name, node};
	if (table_add(&y->names, table_hash(name->bytes, name->len), y->nanchors++))
		y->scanner.out_of_memory = true;
}

static struct yaml_node *take_alias(struct yaml_stream *y, const struct yaml_token *t)
{
	size_t i = find_anchor(y, &t->text);

	if (i == TABLE_NONE) {
		fail(y, t->from, "yaml",
		     "no anchor (&name) of this name stands before; quote the value if it is no alias");
		return NULL;
	}
	yaml_pop(&y->scanner);
	return y->anchors[i].node;
}

/* What stands before a node. */
struct properties {
	enum yaml_tag tag;
	struct text anchor; /* bytes NULL: none */
};

static void take_properties(struct yaml_stream *y, struct properties *p)
{
	for (const struct yaml_token *t; (t = peek(y)); yaml_pop(&y->scanner)) {
		if (t->type == YAML_TAG) {
			if (p->tag != YAML_TAG_NONE)
				fail(y, t->from, "yaml", "a second tag (!) of one value; remove one");
			p->tag = t->tag;
		} else if (t->type == YAML_ANCHOR) {
			if (p->anchor.bytes)
				fail(y, t->from, "yaml", "a second anchor (&) of one value; remove one");
			p->anchor = t->text;
		} else {
			break;
		}
	}
}

/* Collections */

static struct yaml_node *read_node(struct yaml_stream *y, enum within within, size_t empty);

/* The value behind a ':', or nothing if there is no ':'. */
static void read_value(struct yaml_stream *y, enum within within, size_t offset)
{
	const struct yaml_token *t = peek(y);
	size_t end = t ? t->to : offset;

	push(y, take(y, YAML_VALUE) ? read_node(y, within, end) : new_node(y, YAML_NULL, offset));
}

static void read_block_sequence(struct yaml_stream *y)
{
	yaml_pop(&y->scanner);
	while (!take(y, YAML_BLOCK_SEQUENCE_END)) {
		const struct yaml_token *t = peek(y);
		size_t end = t ? t->to : 0;

		if (!take(y, YAML_BLOCK_ENTRY)) {
			yaml_fail_place(
			        &y->scanner, here(y),
			        "expected the next item of the sequence, '- …', in the column of those above it");
			return;
		}
		bool null = next_is(y, YAML_BLOCK_ENTRY) || next_is(y, YAML_BLOCK_SEQUENCE_END);
		struct yaml_node *n = null ? new_node(y, YAML_NULL, end) : read_node(y, WITHIN_BLOCK_SEQUENCE, end);

		if (failed(y))
			return;
		push(y, n);
	}
}

static void read_block_mapping(struct yaml_stream *y)
{
	yaml_pop(&y->scanner);
	while (!take(y, YAML_BLOCK_MAPPING_END)) {
		size_t offset = here(y);

		if (take(y, YAML_KEY)) {
			push(y, read_node(y, WITHIN_BLOCK_MAPPING, offset));
		} else if (next_is(y, YAML_VALUE)) {
			push(y, new_node(y, YAML_NULL, offset));
		} else {
			yaml_fail_place(&y->scanner, offset,
			                "expected the next key, 'key: …', in the column of those above it");
			return;
		}
		read_value(y, WITHIN_BLOCK_MAPPING, offset);
		if (failed(y))
			return;
	}
}

static void read_flow_sequence(struct yaml_stream *y, size_t open)
{
	yaml_pop(&y->scanner);
	while (!failed(y) && !take(y, YAML_FLOW_SEQUENCE_END)) {
		if (!peek(y)) {
			fail(y, open, "yaml", "the '[' is not closed; add the ']'");
			return;
		}
		push(y, read_node(y, WITHIN_FLOW_SEQUENCE, here(y)));
		if (!take(y, YAML_FLOW_ENTRY) && !next_is(y, YAML_FLOW_SEQUENCE_END))
			fail(y, peek(y) ? here(y) : open, "yaml",
			     peek(y) ? "expected ',' or ']' here" : "the '[' is not closed; add the ']'");
	}
}

static void read_flow_mapping(struct yaml_stream *y, size_t open)
{
	yaml_pop(&y->scanner);
	while (!failed(y) && !take(y, YAML_FLOW_MAPPING_END)) {
		size_t offset = here(y);

		if (!peek(y)) {
			fail(y, open, "yaml", "the '{' is not closed; add the '}'");
			return;
		}
		push(y, take(y, YAML_KEY) ? read_node(y, WITHIN_FLOW_MAPPING, offset) : new_node(y, YAML_NULL, offset));
		read_value(y, WITHIN_FLOW_MAPPING, offset);
		if (!take(y, YAML_FLOW_ENTRY) && !next_is(y, YAML_FLOW_MAPPING_END))
			fail(y, peek(y) ? here(y) : open, "yaml",
			     peek(y) ? "expected ',' or '}' here" : "the '{' is not closed; add the '}'");
	}
}

/* [a: b]: a mapping of one pair; [: b] too. */
static void read_pair(struct yaml_stream *y)
{
	size_t offset = here(y);

	push(y, take(y, YAML_KEY) ? read_node(y, WITHIN_PAIR, offset) : new_node(y, YAML_NULL, offset));
	read_value(y, WITHIN_PAIR, offset);
}

/* Reads what belongs to a collection; its first token is the next one. */
static void read_items(struct yaml_stream *y, struct yaml_node *n)
{
	const struct yaml_token *t = peek(y);
	size_t from = y->npending;

	switch (t->type) {
	case YAML_BLOCK_SEQUENCE:
		read_block_sequence(y);
		break;
	case YAML_FLOW_SEQUENCE:
		read_flow_sequence(y, t->from);
		break;
	case YAML_BLOCK_MAPPING:
		read_block_mapping(y);
		break;
	case YAML_FLOW_MAPPING:
		read_flow_mapping(y, t->from);
		break;
	default:
		read_pair(y);
		break;
	}
	close_node(y, n, from);
}

/* Whether the next token starts a collection here, and of which kind; YAML_NULL if it starts none. */
static enum yaml_kind collection_here(struct yaml_stream *y, enum within within)
{
	const struct yaml_token *t = peek(y);

	switch (t ? t->type : YAML_DOCUMENT_END) {
	case YAML_BLOCK_SEQUENCE:
	case YAML_FLOW_SEQUENCE:
		return YAML_SEQUENCE;
	case YAML_BLOCK_MAPPING:
	case YAML_FLOW_MAPPING:
		return YAML_MAPPING;
	case YAML_KEY:
		return within == WITHIN_FLOW_SEQUENCE ? YAML_MAPPING : YAML_NULL;
	default:
		return YAML_NULL;
	}
}

static bool is_null_word(const struct text *t)
{
	return t->len == 0 || text_is(t, "~") || text_is(t, "null") || text_is(t, "Null") || text_is(t, "NULL");
}

/* A scalar, or a node of which there is nothing. */
static struct yaml_node *read_scalar(struct yaml_stream *y, const struct properties *p, size_t empty)
{
	const struct yaml_token *t = peek(y);
	bool scalar = t && (t->type == YAML_PLAIN || t->type == YAML_QUOTED), tagged = p->tag == YAML_TAG_SOME;
	bool null = !t || (!tagged && (!scalar || (t->type == YAML_PLAIN && is_null_word(&t->text))));
	struct yaml_node *n = new_node(y, null ? YAML_NULL : YAML_SCALAR, scalar ? t->from : empty);

	if (n && scalar && !null) {
		n->text = t->text;
	} else if (n && !null) {
		struct text_builder nothing = {0};

		if (text_finish(&n->text, &nothing, yaml_place(&y->scanner, empty), y->scanner.arena))
			y->scanner.out_of_memory = true;
	}
	if (scalar)
		yaml_pop(&y->scanner);
	return n;
}

static struct yaml_node *read_plain_node(struct yaml_stream *y, enum within within, size_t empty)
{
	struct properties p = {0};
	size_t offset = here(y);
	struct yaml_node *n;

	/* ": value" alone is a mapping. */
	if (next_is(y, YAML_VALUE)) {
		n = new_node(y, YAML_MAPPING, offset);
		if (n)
			read_items(y, n);
		return n;
	}
	if (next_is(y, YAML_ALIAS))
		return take_alias(y, peek(y));
	take_properties(y, &p);
	if (p.anchor.bytes || p.tag != YAML_TAG_NONE)
		empty = offset;
	if (failed(y))
		return NULL;
	enum yaml_kind kind = collection_here(y, within);

	n = kind == YAML_NULL ? read_scalar(y, &p, empty) : new_node(y, kind, here(y));
	if (n && p.anchor.bytes)
		set_anchor(y, &p.anchor, n);
	if (n && kind != YAML_NULL)
		read_items(y, n);
	return n;
}

/* Reads a node; one of which there is nothing stands at `empty`. NULL after an error, mostly. */
static struct yaml_node *read_node(struct yaml_stream *y, enum within within, size_t empty)
{
	if (++y->depth >= YAML_TREE_DEPTH) {
		fail(y, here(y), "too-deep", "values are nested in 500 levels here; no key needs that");
		return NULL;
	}
	struct yaml_node *n = read_plain_node(y, within, empty);

	y->depth--;
	return n;
}
_Static_assert(YAML_TREE_DEPTH == 500, "as the message says");

/* Documents */

/* The next word of a directive, from *at on. */
static struct text next_word(const struct text *line, size_t *at)
{
	while (*at < line->len && (line->bytes[*at] == ' ' || line->bytes[*at] == '\t'))
		++*at;
	size_t from = *at;

	while (*at < line->len && line->bytes[*at] != ' ' && line->bytes[*at] != '\t')
		++*at;
	return (struct text){.bytes = line->bytes + from, .len = *at - from};
}

/* A version below 2. */
static bool is_version(const struct text *word)
{
	char copy[32] = "", rest;
	unsigned int major, minor;

	if (word->len < sizeof(copy))
		memcpy(copy, word->bytes, word->len);
	return sscanf(copy, "%9u%*1[^0-9]%9u%c", &major, &minor, &rest) == 2 && major < 2;
}

enum { DIRECTIVE_WORDS = 4, TAG_HANDLES = 16 };

/* What was said before a document. */
struct directives {
	bool version;
	struct text handles[TAG_HANDLES];
	size_t nhandles;
};

static bool add_handle(struct directives *d, const struct text *handle)
{
	for (size_t i = 0; i < d->nhandles; i++)
		if (d->handles[i].len == handle->len && memcmp(d->handles[i].bytes, handle->bytes, handle->len) == 0)
			return false;
	if (d->nhandles == TAG_HANDLES)
		return false;
	d->handles[d->nhandles++] = *handle;
	return true;
}

/* %YAML and %TAG change nothing here, but must be right; others are for other programs. */
static void take_directive(struct yaml_stream *y, struct directives *d)
{
	struct text words[DIRECTIVE_WORDS];
	const struct yaml_token *t = peek(y);
	size_t n = 0;

	for (size_t at = 0; n < DIRECTIVE_WORDS; n++) {
		words[n] = next_word(&t->text, &at);
		if (!words[n].len && n)
			break;
	}
	if (text_is(&words[0], "YAML")) {
		if (n != 2 || d->version || !is_version(&words[1]))
			fail(y, t->from, "yaml", "%YAML needs a version below 2, such as 1.2, and may be there once");
		d->version = true;
	} else if (text_is(&words[0], "TAG") && (n != 3 || !add_handle(d, &words[1]))) {
		fail(y, t->from, "yaml", "%TAG needs two words, a handle (each at most once) and a prefix");
	}
	yaml_pop(&y->scanner);
}

int yaml_next(struct yaml_stream *y, struct yaml_node **root)
{
	struct directives d = {0};

	*root = NULL;
	y->depth = y->npending = y->nanchors = 0;
	table_free(&y->names);
	while (next_is(y, YAML_DIRECTIVE))
		take_directive(y, &d);
	if (!peek(y) && !failed(y))
		return 0;
	y->marked = take(y, YAML_DOCUMENT_START);
	struct yaml_node *n = failed(y) ? NULL : read_node(y, WITHIN_NOTHING, here(y));

	while (take(y, YAML_DOCUMENT_END))
		;
	if (failed(y)) {
		/* A sequence has got no item that is not whole. */
		*root = n && n->kind == YAML_SEQUENCE && n->items ? n : NULL;
		return y->scanner.out_of_memory ? -ENOMEM : -EINVAL;
	}
	*root = n;
	return n->kind == YAML_NULL ? 0 : 1;
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
