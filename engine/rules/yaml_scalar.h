/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML's scalars: quotes, escapes, folding, chomping. Private to the scanner.
 */
#ifndef TERCEL_RULES_YAML_SCALAR_H
#define TERCEL_RULES_YAML_SCALAR_H

#include "rules/yaml_scan.h"

enum yaml_style {
	YAML_STYLE_PLAIN,   /* in blocks */
	YAML_STYLE_IN_FLOW, /* plain, within [] or {} */
	YAML_STYLE_SINGLE,
	YAML_STYLE_DOUBLE,
	YAML_STYLE_LITERAL,
	YAML_STYLE_FOLDED,
};

enum yaml_chomp { YAML_STRIP, YAML_CLIP, YAML_KEEP };

struct yaml_scalar {
	enum yaml_style style;
	enum yaml_chomp chomp;
	int indent;         /* the least column of a line that belongs to it */
	bool detect_indent; /* the first line with text decides */
	bool ended_by_line; /* out: a line with less indentation ended it */
};

/* The end of the text, and no byte. */
#define YAML_END (-1)

/* Reading by bytes. */
int yaml_look(const struct yaml_scanner *s, size_t ahead);
char yaml_take(struct yaml_scanner *s);
void yaml_skip(struct yaml_scanner *s, size_t n);
bool yaml_blank(int c);        /* a blank or a tab */
bool yaml_break(int c);        /* a line's end */
bool yaml_space_or_end(int c); /* one of these, or the end of the text */
bool yaml_document_mark(const struct yaml_scanner *s, char c);

/* Reads a scalar behind what opens it into s->scratch. False after an error. */
bool yaml_scan_scalar(struct yaml_scanner *s, struct yaml_scalar *how);

#endif
