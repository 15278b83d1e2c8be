/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to tokens. A value may turn out to be a key only when its ':' is met, so that tokens wait in a queue until
 * that is sure. Knows no nodes; scalars are read next door.
 */
#include "rules/yaml_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/yaml_scalar.h"

enum { KEY_MAX = 1024 }; /* bytes of a key before its ':' */

#define NO_TOKEN SIZE_MAX

void yaml_scanner_init(struct yaml_scanner *s, const struct source_text *source, struct arena *arena)
{
	*s = (struct yaml_scanner){.source = source, .arena = arena, .open_quote = SIZE_MAX};
}

void yaml_scanner_free(struct yaml_scanner *s)
{
	free(s->tokens);
	free(s->indents);
	free(s->keys);
	free(s->flows);
	text_builder_free(&s->scratch);
	*s = (struct yaml_scanner){0};
}

struct text_place yaml_place(const struct yaml_scanner *s, size_t offset)
{
	return (struct text_place){s->source, (uint32_t)offset};
}

void yaml_fail(struct yaml_scanner *s, size_t offset, const char *code, const char *message)
{
	if (!s->error.code)
		s->error = (struct yaml_error){code, message, (uint32_t)offset};
}

void yaml_fail_place(struct yaml_scanner *s, size_t offset, const char *message)
{
	const char *bytes = s->source->bytes;
	size_t start = offset, tab = SIZE_MAX;

	for (; start && yaml_blank(bytes[start - 1]); start--)
		if (bytes[start - 1] == '\t')
			tab = start - 1;
	bool indent = tab != SIZE_MAX && (start == 0 || yaml_break(bytes[start - 1]));

	yaml_fail(s, indent ? tab : offset, "yaml", indent ? "a tab cannot indent; use blanks" : message);
}

static bool failed(const struct yaml_scanner *s)
{
	return s->error.code || s->out_of_memory;
}

/* Room for one more item. */
static bool make_room(struct yaml_scanner *s, void *array_ptr, size_t n, size_t *cap, size_t size)
{
	void **array = array_ptr;

	if (n < *cap)
		return true;
	size_t larger = *cap ? *cap * 2 : 16;
	void *grown = realloc(*array, larger * size);

	if (!grown) {
		s->out_of_memory = true;
		return false;
	}
	*array = grown;
	*cap = larger;
	return true;
}

/* Tokens */

static struct yaml_token *token_at(struct yaml_scanner *s, size_t number)
{
	return &s->tokens[s->head + (number - s->first)];
}

/* Adds a token that starts at `from` and ends here; its number, or NO_TOKEN without memory. */
static size_t push_token(struct yaml_scanner *s, enum yaml_token_type type, size_t from)
{
	if (s->ntokens >= YAML_WAITING_MAX) {
		yaml_fail(s, s->tokens[s->head].from, "too-large",
		          "more than a million parts of a value that may be a key; put it behind a key: name: [...]");
		return NO_TOKEN;
	}
	if (s->head && s->head + s->ntokens == s->tokens_cap) {
		memmove(s->tokens, s->tokens + s->head, s->ntokens * sizeof(*s->tokens));
		s->head = 0;
	}
	if (!make_room(s, &s->tokens, s->head + s->ntokens, &s->tokens_cap, sizeof(*s->tokens)))
		return NO_TOKEN;
	s->tokens[s->head + s->ntokens] =
	        (struct yaml_token){.type = type, .from = (uint32_t)from, .to = (uint32_t)s->at};
	return s->first + s->ntokens++;
}

static void set_state(struct yaml_scanner *s, size_t number, enum yaml_token_state state)
{
	if (number != NO_TOKEN)
		token_at(s, number)->state = state;
}

void yaml_pop(struct yaml_scanner *s)
{
	if (!s->ntokens)
		return;
	s->head++;
	s->first++;
	if (--s->ntokens == 0)
		s->head = 0;
}

/* Flows, keys and indentation */

static bool in_flow(const struct yaml_scanner *s)
{
	return s->nflows > 0;
}

/* The innermost thing at this level of flows that may be a key; NULL if there is none. */
static struct yaml_key *open_key(const struct yaml_scanner *s)
{
	if (!s->nkeys || s->keys[s->nkeys - 1].flow_level != s->nflows)
		return NULL;
	return &s->keys[s->nkeys - 1];
}

/* Says what became of a key: its tokens and the indentation that it opened. */
static void settle_key(struct yaml_scanner *s, const struct yaml_key *key, enum yaml_token_state state)
{
	if (key->serial && key->indent < s->nindents && s->indents[key->indent].serial == key->serial)
		s->indents[key->indent].state = state;
	set_state(s, key->start, state);
	set_state(s, key->key, state);
}

static bool is_stale(const struct yaml_scanner *s, const struct yaml_key *key)
{
	return key->line != s->line || s->at - key->offset > KEY_MAX;
}

/* There was no ':' behind it. */
static void void_key(struct yaml_scanner *s)
{
	struct yaml_key *key = open_key(s);

	if (!key)
		return;
	settle_key(s, key, YAML_TOKEN_VOID);
	s->nkeys--;
}

/* At a ':': whether what stands before it is a key. */
static bool verify_key(struct yaml_scanner *s)
{
	struct yaml_key *key = open_key(s);

	if (!key)
		return false;
	bool valid = !is_stale(s, key);

	settle_key(s, key, valid ? YAML_TOKEN_SURE : YAML_TOKEN_VOID);
	s->nkeys--;
	return valid;
}

static void forget_keys(struct yaml_scanner *s)
{
	s->nkeys = 0;
}

static int indent_column(const struct yaml_scanner *s)
{
	return s->nindents ? s->indents[s->nindents - 1].column : 0;
}

/* Opens a block here if its column says so; the number of its token, or NO_TOKEN. */
static size_t push_indent(struct yaml_scanner *s, int type)
{
	const struct yaml_indent *last = s->nindents ? &s->indents[s->nindents - 1] : NULL;
	bool sequence = type == YAML_INDENT_SEQUENCE;

	if (in_flow(s) || !last || s->column < last->column)
		return NO_TOKEN;
	/* A sequence may stand in the column of the key that it belongs to. */
	if (s->column == last->column && !(sequence && last->type == YAML_INDENT_MAPPING))
		return NO_TOKEN;
	if (!make_room(s, &s->indents, s->nindents, &s->indents_cap, sizeof(*s->indents)))
		return NO_TOKEN;
	size_t token = push_token(s, sequence ? YAML_BLOCK_SEQUENCE : YAML_BLOCK_MAPPING, s->at);

	if (token != NO_TOKEN)
		s->indents[s->nindents++] = (struct yaml_indent){
		        s->column, sequence ? YAML_INDENT_SEQUENCE : YAML_INDENT_MAPPING, YAML_TOKEN_SURE, ++s->serial};
	return token;
}

static void pop_indent(struct yaml_scanner *s)
{
	const struct yaml_indent *indent = &s->indents[--s->nindents];

	if (indent->state != YAML_TOKEN_SURE)
		void_key(s);
	else if (indent->type == YAML_INDENT_SEQUENCE)
		(void)push_token(s, YAML_BLOCK_SEQUENCE_END, s->at);
	else if (indent->type == YAML_INDENT_MAPPING)
		(void)push_token(s, YAML_BLOCK_MAPPING_END, s->at);
}

/* '-' with a blank behind it. */
static bool entry_here(const struct yaml_scanner *s)
{
	return yaml_look(s, 0) == '-' && yaml_space_or_end(yaml_look(s, 1));
}

/* Ends the blocks that what stands here is not in. */
static void pop_indents_to_here(struct yaml_scanner *s)
{
	while (!in_flow(s) && s->nindents) {
		const struct yaml_indent *indent = &s->indents[s->nindents - 1];
		bool belongs =
		        indent->column < s->column ||
		        (indent->column == s->column && !(indent->type == YAML_INDENT_SEQUENCE && !entry_here(s)));

		if (belongs && indent->state != YAML_TOKEN_VOID)
			break;
		pop_indent(s);
	}
}

static void pop_all_indents(struct yaml_scanner *s)
{
	while (!in_flow(s) && s->nindents && s->indents[s->nindents - 1].type != YAML_INDENT_BASE)
		pop_indent(s);
}

/* What starts here may be a key. */
static void begin_key(struct yaml_scanner *s)
{
	if (!s->key_allowed || open_key(s))
		return;
	struct yaml_key key = {.offset = s->at, .line = s->line, .flow_level = s->nflows, .start = NO_TOKEN};

	if (!in_flow(s)) {
		key.start = push_indent(s, YAML_INDENT_MAPPING);
		if (key.start != NO_TOKEN) {
			key.indent = s->nindents - 1;
			key.serial = s->indents[key.indent].serial;
		}
	}
	key.key = push_token(s, YAML_KEY, s->at);
	if (failed(s) || !make_room(s, &s->keys, s->nkeys, &s->keys_cap, sizeof(*s->keys)))
		return;
	settle_key(s, &key, YAML_TOKEN_OPEN);
	s->keys[s->nkeys++] = key;
}

/* Single tokens */

static void scan_document_mark(struct yaml_scanner *s, enum yaml_token_type type)
{
	size_t from = s->at;

	pop_all_indents(s);
	forget_keys(s);
	s->key_allowed = s->json_key = false;
	yaml_skip(s, 3);
	(void)push_token(s, type, from);
}

/* %NAME word…: what it says is for the parser. */
static void scan_directive(struct yaml_scanner *s)
{
	size_t from = s->at;

	pop_all_indents(s);
	forget_keys(s);
	s->key_allowed = s->json_key = false;
	for (bool blank = false; !yaml_break(yaml_look(s, 0)) && yaml_look(s, 0) != YAML_END;) {
		if (blank && yaml_look(s, 0) == '#')
			break;
		blank = yaml_blank((unsigned char)yaml_take(s));
	}
	size_t token = push_token(s, YAML_DIRECTIVE, from);

	if (token != NO_TOKEN)
		token_at(s, token)->text = (struct text){.bytes = s->source->bytes + from + 1, .len = s->at - from - 1};
}

static void scan_flow_start(struct yaml_scanner *s)
{
	size_t from = s->at;

	begin_key(s);
	s->key_allowed = true;
	s->json_key = false;
	if (s->nflows >= YAML_FLOWS_MAX)
		yaml_fail(s, from, "too-deep", "brackets are nested in 500 levels here; no key needs that");
	if (failed(s) || !make_room(s, &s->flows, s->nflows, &s->flows_cap, 1))
		return;
	char c = yaml_take(s);

	s->flows[s->nflows++] = c;
	(void)push_token(s, c == '[' ? YAML_FLOW_SEQUENCE : YAML_FLOW_MAPPING, from);
}

/* {a, b: c}: a key alone has an empty value; [a, b] has no keys. */
static void settle_flow_key(struct yaml_scanner *s)
{
	if (!in_flow(s))
		return;
	if (s->flows[s->nflows - 1] == '[')
		void_key(s);
	else if (verify_key(s))
		(void)push_token(s, YAML_VALUE, s->at);
}

static void scan_flow_end(struct yaml_scanner *s)
{
	size_t from = s->at;
	bool sequence = yaml_look(s, 0) == ']';

	if (!in_flow(s) || s->flows[s->nflows - 1] != (sequence ? '[' : '{')) {
		yaml_fail(s, from, "yaml",
		          in_flow(s) ? "this bracket does not match the one that is open"
		                     : "no bracket is open here; quote the value");
		return;
	}
	settle_flow_key(s);
	s->key_allowed = false;
	s->json_key = true;
	(void)yaml_take(s);
	s->nflows--;
	(void)push_token(s, sequence ? YAML_FLOW_SEQUENCE_END : YAML_FLOW_MAPPING_END, from);
}

static void scan_flow_entry(struct yaml_scanner *s)
{
	size_t from = s->at;

	if (s->column == 0 || !s->scalar_allowed) {
		yaml_fail(s, from, "yaml",
		          s->column == 0 ? "a line cannot start with ','"
		                         : "',' behind a quoted value; quote all of it");
		return;
	}
	settle_flow_key(s);
	s->key_allowed = true;
	s->json_key = false;
	(void)yaml_take(s);
	(void)push_token(s, YAML_FLOW_ENTRY, from);
}

static void scan_block_entry(struct yaml_scanner *s)
{
	size_t from = s->at;

	if (in_flow(s) || !s->key_allowed) {
		yaml_fail_place(s, from,
		                "'- ' cannot start an item here; put it on a line of its own, or quote the value");
		return;
	}
	(void)push_indent(s, YAML_INDENT_SEQUENCE);
	s->key_allowed = true;
	s->json_key = false;
	(void)yaml_take(s);
	(void)push_token(s, YAML_BLOCK_ENTRY, from);
}

static void scan_key(struct yaml_scanner *s)
{
	size_t from = s->at;

	if (!in_flow(s)) {
		if (!s->key_allowed) {
			yaml_fail(s, from, "yaml", "'? ' cannot start a key here; quote the value");
			return;
		}
		(void)push_indent(s, YAML_INDENT_MAPPING);
	}
	s->key_allowed = !in_flow(s);
	(void)yaml_take(s);
	(void)push_token(s, YAML_KEY, from);
}

static void scan_value(struct yaml_scanner *s)
{
	size_t from = s->at;
	bool key = verify_key(s);

	s->json_key = false;
	if (!key && !in_flow(s)) {
		if (!s->key_allowed) {
			yaml_fail_place(s, from,
			                "': ' within a value; quote the value, or indent the line as the keys above");
			return;
		}
		(void)push_indent(s, YAML_INDENT_MAPPING);
	}
	s->key_allowed = !key && !in_flow(s);
	s->scalar_allowed = true;
	(void)yaml_take(s);
	(void)push_token(s, YAML_VALUE, from);
}

static bool is_one_of(int c, const char *set)
{
	return c > 0 && strchr(set, c) != NULL;
}

static void scan_anchor(struct yaml_scanner *s)
{
	size_t from = s->at;

	begin_key(s);
	s->key_allowed = s->json_key = false;
	enum yaml_token_type type = yaml_take(s) == '*' ? YAML_ALIAS : YAML_ANCHOR;

	while (!yaml_space_or_end(yaml_look(s, 0)) && !is_one_of(yaml_look(s, 0), "[]{},"))
		(void)yaml_take(s);
	int c = yaml_look(s, 0);

	if (s->at == from + 1 || !(yaml_space_or_end(c) || is_one_of(c, "?:,]}%@`"))) {
		yaml_fail(s, s->at == from + 1 ? from : s->at, "yaml",
		          type == YAML_ALIAS ? "'*' starts the name of an alias; quote the value if it is none"
		                             : "'&' starts the name of an anchor; quote the value if it is none");
		return;
	}
	size_t token = push_token(s, type, from);

	if (token != NO_TOKEN)
		token_at(s, token)->text = (struct text){.bytes = s->source->bytes + from + 1, .len = s->at - from - 1};
}

/* Tags */

static bool is_word(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_hex(int c)
{
	return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9');
}

/* Bytes of the tag's character here, 0 if none stands here. */
static size_t tag_char(const struct yaml_scanner *s, const char *signs)
{
	int c = yaml_look(s, 0);

	if (is_word(c) || is_one_of(c, signs))
		return 1;
	return c == '%' && is_hex(yaml_look(s, 1)) && is_hex(yaml_look(s, 2)) ? 3 : 0;
}

static const char tag_signs[] = "#;/?:@&=+$_.~*'()";

/* !<…> */
static enum yaml_tag scan_verbatim_tag(struct yaml_scanner *s, size_t from)
{
	(void)yaml_take(s);
	const char *start = s->source->bytes + s->at;
	size_t len = 0;

	for (size_t n; yaml_look(s, 0) != '>'; len += n) {
		n = tag_char(s, "#;/?:@&=+$,_.!~*'()[]");
		if (!n) {
			yaml_fail(s, from, "yaml", "the tag that starts with '!<' does not end with '>'");
			return YAML_TAG_NONE;
		}
		yaml_skip(s, n);
	}
	(void)yaml_take(s);
	return len == 0 ? YAML_TAG_NONE : len == 1 && *start == '?' ? YAML_TAG_PLAIN : YAML_TAG_SOME;
}

/* !tag, !!tag and !handle!tag */
static enum yaml_tag scan_short_tag(struct yaml_scanner *s, size_t from)
{
	while (is_word(yaml_look(s, 0)))
		(void)yaml_take(s);
	bool handle = yaml_look(s, 0) == '!';
	size_t n, suffix = 0;

	if (handle)
		(void)yaml_take(s);
	for (; (n = tag_char(s, tag_signs)); suffix += n)
		yaml_skip(s, n);
	if (handle ? suffix == 0 : yaml_look(s, 0) == '!')
		yaml_fail(s, from, "yaml", "this is no tag; quote the value if it starts with '!'");
	return YAML_TAG_SOME;
}

static void scan_tag(struct yaml_scanner *s)
{
	size_t from = s->at;

	begin_key(s);
	s->key_allowed = s->json_key = false;
	(void)yaml_take(s);
	enum yaml_tag tag = yaml_look(s, 0) == '<' ? scan_verbatim_tag(s, from) : scan_short_tag(s, from);
	size_t token = push_token(s, YAML_TAG, from);

	if (token != NO_TOKEN)
		token_at(s, token)->tag = tag;
}

/* Scalars */

static void push_scalar(struct yaml_scanner *s, struct yaml_scalar *how, enum yaml_token_type type, size_t from)
{
	struct text text;

	if (!yaml_scan_scalar(s, how))
		return;
	size_t token = push_token(s, type, from);
	int error = text_finish(&text, &s->scratch, yaml_place(s, from), s->arena);

	s->out_of_memory |= error == -ENOMEM;
	if (error == -E2BIG)
		yaml_fail(s, from, "too-large", "the value is longer than a megabyte; split it");
	if (!error && token != NO_TOKEN)
		token_at(s, token)->text = text;
}
_Static_assert(FILTER_MAX_TEXT == 1 << 20 && YAML_WAITING_MAX == 1000000 && YAML_FLOWS_MAX == 500,
               "as the messages say");

static void scan_plain(struct yaml_scanner *s)
{
	struct yaml_scalar how = {.style = in_flow(s) ? YAML_STYLE_IN_FLOW : YAML_STYLE_PLAIN, .chomp = YAML_STRIP};

	how.indent = in_flow(s) ? 0 : indent_column(s) + 1;
	begin_key(s);
	push_scalar(s, &how, YAML_PLAIN, s->at);
	s->key_allowed = how.ended_by_line;
	s->json_key = false;
}

static void scan_quoted(struct yaml_scanner *s)
{
	struct yaml_scalar how = {.chomp = YAML_CLIP};
	size_t from = s->at;

	begin_key(s);
	how.style = yaml_take(s) == '\'' ? YAML_STYLE_SINGLE : YAML_STYLE_DOUBLE;
	push_scalar(s, &how, YAML_QUOTED, from);
	s->key_allowed = false;
	s->scalar_allowed = in_flow(s);
	s->json_key = true;
}

/* The letters behind | or >: chomping and indentation, at most one each, in any order. */
static void scan_block_head(struct yaml_scanner *s, struct yaml_scalar *how)
{
	bool chomp = false, digit = false;

	for (;;) {
		int c = yaml_look(s, 0);
		bool is_digit = c >= '0' && c <= '9';

		if (is_digit ? digit : chomp || (c != '+' && c != '-'))
			break;
		(void)yaml_take(s);
		digit |= is_digit;
		chomp |= !is_digit;
		if (c == '0')
			yaml_fail(s, s->at - 1, "yaml", "a block cannot be indented by 0; write 1 to 9, or no digit");
		if (is_digit) {
			how->indent = c - '0';
			how->detect_indent = false;
		} else {
			how->chomp = c == '+' ? YAML_KEEP : YAML_STRIP;
		}
	}
	while (yaml_blank(yaml_look(s, 0)))
		(void)yaml_take(s);
	if (yaml_look(s, 0) == '#')
		while (!yaml_break(yaml_look(s, 0)) && yaml_look(s, 0) != YAML_END)
			(void)yaml_take(s);
	if (!yaml_break(yaml_look(s, 0)) && yaml_look(s, 0) != YAML_END)
		yaml_fail(s, s->at, "yaml",
		          "the text of a block starts on the next line; quote the value if it starts with '|' or '>'");
}

static void scan_block(struct yaml_scanner *s)
{
	struct yaml_scalar how = {.chomp = YAML_CLIP, .indent = 1, .detect_indent = true};
	size_t from = s->at;

	how.style = yaml_take(s) == '|' ? YAML_STYLE_LITERAL : YAML_STYLE_FOLDED;
	scan_block_head(s, &how);
	if (failed(s))
		return;
	if (indent_column(s) > 0)
		how.indent += indent_column(s);
	push_scalar(s, &how, YAML_QUOTED, from);
	s->key_allowed = true;
	s->json_key = false;
}

/* The next token */

static void skip_line_end(struct yaml_scanner *s)
{
	yaml_skip(s, yaml_look(s, 0) == '\r' && yaml_look(s, 1) == '\n' ? 2 : 1);
	void_key(s);
	s->scalar_allowed = true;
	if (!in_flow(s))
		s->key_allowed = true;
}

/* Blanks, comments and empty lines. */
static void skip_to_token(struct yaml_scanner *s)
{
	for (;;) {
		for (; yaml_blank(yaml_look(s, 0)); (void)yaml_take(s))
			if (yaml_look(s, 0) == '\t' && !in_flow(s))
				s->key_allowed = false;
		if (yaml_look(s, 0) == '#')
			while (yaml_look(s, 0) != YAML_END && !yaml_break(yaml_look(s, 0)))
				(void)yaml_take(s);
		if (!yaml_break(yaml_look(s, 0)))
			break;
		skip_line_end(s);
	}
}

static bool value_here(const struct yaml_scanner *s)
{
	int next = yaml_look(s, 1);

	if (yaml_look(s, 0) != ':')
		return false;
	if (!in_flow(s))
		return yaml_space_or_end(next);
	return s->json_key || (yaml_space_or_end(next) && next != YAML_END) || is_one_of(next, ",]}");
}

static bool plain_here(const struct yaml_scanner *s)
{
	int c = yaml_look(s, 0), next = yaml_look(s, 1);

	if (is_one_of(c, ",[]{}#&*!|>'\"%@`") || (in_flow(s) && c == '?'))
		return false;
	if (is_one_of(c, "-:") || (c == '?' && !in_flow(s)))
		return in_flow(s) ? !yaml_blank(next) && next != YAML_END : !yaml_space_or_end(next);
	return true;
}

static void scan_scalar(struct yaml_scanner *s)
{
	int c = yaml_look(s, 0);

	if (!in_flow(s) && (c == '|' || c == '>'))
		scan_block(s);
	else if (!s->scalar_allowed)
		yaml_fail(s, s->at, "yaml",
		          "something behind a quoted value; quote all of it, or put it on a line of its own");
	else if (c == '\'' || c == '"')
		scan_quoted(s);
	else if (plain_here(s))
		scan_plain(s);
	else
		yaml_fail(s, s->at, "yaml", "a value cannot start with this sign; quote it");
}

static void scan_here(struct yaml_scanner *s)
{
	int c = yaml_look(s, 0);

	if (s->column == 0 && c == '%')
		scan_directive(s);
	else if (yaml_document_mark(s, '-'))
		scan_document_mark(s, YAML_DOCUMENT_START);
	else if (yaml_document_mark(s, '.'))
		scan_document_mark(s, YAML_DOCUMENT_END);
	else if (c == '[' || c == '{')
		scan_flow_start(s);
	else if (c == ']' || c == '}')
		scan_flow_end(s);
	else if (c == ',')
		scan_flow_entry(s);
	else if (entry_here(s))
		scan_block_entry(s);
	else if (c == '?' && yaml_space_or_end(yaml_look(s, 1)) && yaml_look(s, 1) != YAML_END)
		scan_key(s);
	else if (value_here(s))
		scan_value(s);
	else if (c == '*' || c == '&')
		scan_anchor(s);
	else if (c == '!')
		scan_tag(s);
	else
		scan_scalar(s);
}

static void scan_start(struct yaml_scanner *s)
{
	s->started = s->key_allowed = s->scalar_allowed = true;
	if (make_room(s, &s->indents, 0, &s->indents_cap, sizeof(*s->indents)))
		s->indents[s->nindents++] = (struct yaml_indent){.column = -1, .type = YAML_INDENT_BASE};
}

static void scan_end(struct yaml_scanner *s)
{
	s->column = 0;
	pop_all_indents(s);
	forget_keys(s);
	s->ended = true;
}

static void scan_next(struct yaml_scanner *s)
{
	if (!s->started) {
		scan_start(s);
		return;
	}
	skip_to_token(s);
	pop_indents_to_here(s);
	if (s->at >= s->source->len)
		scan_end(s);
	else
		scan_here(s);
}

const struct yaml_token *yaml_peek(struct yaml_scanner *s)
{
	while (!failed(s)) {
		while (s->ntokens && s->tokens[s->head].state == YAML_TOKEN_VOID)
			yaml_pop(s);
		if (s->ntokens && (s->tokens[s->head].state == YAML_TOKEN_SURE || s->ended))
			return &s->tokens[s->head];
		if (s->ended)
			return NULL;
		scan_next(s);
	}
	return NULL;
}
