/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML from text to tokens, as yaml-cpp scans it, since that decides what Falco takes: neither all of YAML nor only
 * YAML. Values come with the place of each byte. Private to engine/rules. Knows no nodes.
 */
#ifndef TERCEL_RULES_YAML_SCAN_H
#define TERCEL_RULES_YAML_SCAN_H

#include "rules/text.h"

enum yaml_token_type {
	YAML_DIRECTIVE,
	YAML_DOCUMENT_START, /* --- */
	YAML_DOCUMENT_END,   /* ... */
	YAML_BLOCK_SEQUENCE,
	YAML_BLOCK_MAPPING,
	YAML_BLOCK_SEQUENCE_END,
	YAML_BLOCK_MAPPING_END,
	YAML_BLOCK_ENTRY, /* - */
	YAML_FLOW_SEQUENCE,
	YAML_FLOW_MAPPING,
	YAML_FLOW_SEQUENCE_END,
	YAML_FLOW_MAPPING_END,
	YAML_FLOW_ENTRY, /* , */
	YAML_KEY,
	YAML_VALUE, /* : */
	YAML_ANCHOR,
	YAML_ALIAS,
	YAML_TAG,
	YAML_PLAIN,  /* a scalar without quotes */
	YAML_QUOTED, /* any other scalar */
};

enum yaml_token_state {
	YAML_TOKEN_SURE = 0,
	YAML_TOKEN_OPEN, /* a key, if a ':' follows */
	YAML_TOKEN_VOID, /* there was none */
};

/* What a tag says of its node. */
enum yaml_tag {
	YAML_TAG_NONE = 0,
	YAML_TAG_PLAIN, /* as if there were none */
	YAML_TAG_SOME,
};

struct yaml_token {
	enum yaml_token_type type;
	enum yaml_token_state state;
	enum yaml_tag tag;
	uint32_t from, to; /* its bytes in the source */
	struct text text;  /* of a scalar; of an anchor or alias its name; of a directive what follows the % */
};

/* What is wrong with the text, and where. */
struct yaml_error {
	const char *code; /* for diag_add(): NULL while nothing is wrong */
	const char *message;
	uint32_t offset;
};

/* Bound memory on hostile input: tokens that may wait for the one that says what they are, and nested brackets. */
enum { YAML_WAITING_MAX = 1000000, YAML_FLOWS_MAX = 500 };

struct yaml_indent {
	int column;
	enum { YAML_INDENT_BASE, YAML_INDENT_SEQUENCE, YAML_INDENT_MAPPING } type;
	enum yaml_token_state state;
	size_t serial;
};

/* What may turn out to be a key when a ':' follows in the same line. */
struct yaml_key {
	size_t offset, line, flow_level;
	size_t indent, serial; /* the indentation that it opened; serial 0: none */
	size_t start, key;     /* numbers of tokens; SIZE_MAX: none */
};

struct yaml_scanner {
	const struct source_text *source;
	struct arena *arena; /* of the texts */
	/* Where it reads. Columns count from 0, by bytes; a line ends as the first one does. */
	size_t at, line;
	int column;
	char line_end; /* '\0': none was met */
	/* What may stand here. */
	bool started, ended;
	bool key_allowed;    /* a key of a block */
	bool scalar_allowed; /* none did end in this line */
	bool json_key;       /* behind a quoted key or a flow a ':' needs no blank */
	/* Tokens that were not fetched yet, numbered from `first` on. */
	struct yaml_token *tokens;
	size_t head, ntokens, tokens_cap, first;
	struct yaml_indent *indents;
	size_t nindents, indents_cap, serial;
	struct yaml_key *keys; /* at most one for each level of flows */
	size_t nkeys, keys_cap;
	char *flows; /* '[' or '{' */
	size_t nflows, flows_cap;
	struct text_builder scratch;
	struct yaml_error error;
	/* A quoted scalar that only the end of the text ends: yaml-cpp takes it. SIZE_MAX: none. */
	size_t open_quote;
	bool out_of_memory;
};

void yaml_scanner_init(struct yaml_scanner *s, const struct source_text *source, struct arena *arena);
void yaml_scanner_free(struct yaml_scanner *s);

/* The next token; NULL at the end of the text, after an error, and without memory. Valid until the next call. */
const struct yaml_token *yaml_peek(struct yaml_scanner *s);

/* Steps over the token that yaml_peek() gave. */
void yaml_pop(struct yaml_scanner *s);

/* The place of a byte of the source. */
struct text_place yaml_place(const struct yaml_scanner *s, size_t offset);

/* Records the first error. */
void yaml_fail(struct yaml_scanner *s, size_t offset, const char *code, const char *message);

/* The same for what stands in a wrong place, unless a tab before it is to blame. */
void yaml_fail_place(struct yaml_scanner *s, size_t offset, const char *message);

#endif
