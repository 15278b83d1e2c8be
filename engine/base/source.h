/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text file by its lines: from a byte to its place, and from a line's number to its bytes. Knows nothing of what is
 * written in it.
 */
#ifndef TERCEL_BASE_SOURCE_H
#define TERCEL_BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* A place in a text file. line and column count from 1 (column in bytes); 0 means unknown. `file` is not owned. */
struct source_pos {
	const char *file;
	uint32_t line;
	uint32_t column;
};

struct source_text {
	const char *name;  /* not owned: of the file, for places; it must outlive them */
	const char *bytes; /* not owned */
	size_t len;
	uint32_t *lines; /* owned: the offset of each line's first byte; at least one */
	size_t nlines;
};

/* Finds the lines, which end at \n, or at \r where the text has no \n. 0, -ENOMEM, or -EFBIG from 4 GB on. */
int source_init(struct source_text *s, const char *name, const char *bytes, size_t len);
void source_free(struct source_text *s);
#define _autosource_ _cleanup_(source_free)

/* The place of a byte; `offset` is at most the text's length. Logarithmic. */
struct source_pos source_place(const struct source_text *s, size_t offset);

/* The bytes of a line, without what ends it. False if there is no line of that number. */
bool source_line(const struct source_text *s, uint32_t line, const char **text, size_t *len);

/* Texts by name; none of them owned. */
struct source_list {
	const struct source_text **items; /* owned */
	size_t count, cap;
};

void source_list_free(struct source_list *l);

/* 0 or -ENOMEM. */
int source_list_add(struct source_list *l, const struct source_text *s);

/* The text of that name, the latest if there are several; NULL if there is none. */
const struct source_text *source_list_find(const struct source_list *l, const char *name);

#endif
