/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics: what is wrong, where, and the way out. One list collects everything of a run, so that a user
 * sees several errors at once. Used for rule files, policy files and configurations; knows none of them.
 */
#ifndef TERCEL_BASE_DIAG_H
#define TERCEL_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/excerpt.h"
#include "base/source.h"

enum diag_severity {
	DIAG_ERROR = 0,
	DIAG_WARNING = 1,
};

/* A second place that explains the first: where the macro is used that the error is in. */
struct diag_note {
	char *file; /* as in struct diag */
	uint32_t line, column;
	char *message;
	struct excerpt excerpt;
};

struct diag {
	enum diag_severity severity;
	char *file; /* owned copy; NULL: no file */
	uint32_t line, column;
	const char *code; /* stable, static: "unknown-field" */
	char *message;    /* owned; one line, fit for a terminal (text_visible()), names the way out */
	struct excerpt excerpt;
	struct diag_note *notes; /* owned */
	size_t nnotes;
};

struct diag_list {
	struct diag *items; /* owned */
	size_t count, cap;
	size_t errors, warnings;
	bool out_of_memory; /* some could not be stored; counts as an error */
	/* Where lines can be read that messages are about; not owned, may be NULL. Who sets it resets it before these
	 * texts go away: a message has copied what it shows. */
	const struct source_list *sources;
};

#define DIAG_LIST_INIT ((struct diag_list){0})

void diag_list_free(struct diag_list *l);
#define _autodiag_ _cleanup_(diag_list_free)

/* Adds one. `code` must be a string literal. Never fails visibly: without memory it sets out_of_memory. */
void diag_add(struct diag_list *l, enum diag_severity severity, struct source_pos pos, const char *code,
              const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Adds a note to the last diagnostic, if there is one. */
void diag_note(struct diag_list *l, struct source_pos pos, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Moves one of `from` to the end of `to`, with that severity; what is left in `from` is empty and only to be freed. */
void diag_move(struct diag_list *to, enum diag_severity severity, struct diag_list *from, size_t index);

/* True if the list holds an error (or could not store something). */
bool diag_failed(const struct diag_list *l);

/* Orders the diagnostics of each file by place; files stay in the order of their first diagnostic. */
void diag_sort(struct diag_list *l);

/*
 * "file:12:7: error: message [code]\n" for each, in order, with the line and a mark under the place if they are known,
 * and its notes; nothing in it can steer a terminal.
 */
void diag_print(const struct diag_list *l, FILE *out);

/*
 * One failure, for functions that return -errno: the context, set once, at the edge that knows it. Always one line
 * without a newline at its end; "" while nothing was set.
 */
struct error {
	char text[512];
};

/* Sets the text (cut at its size) and returns `code`, so that a caller can write: return error_set(e, -EINVAL, "…").
 * `e` may be NULL. */
int error_set(struct error *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
