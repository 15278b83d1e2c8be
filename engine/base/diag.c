/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

void diag_list_free(struct diag_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->items[i].file);
		free(l->items[i].message);
	}
	free(l->items);
	*l = DIAG_LIST_INIT;
}

static bool grow(struct diag_list *l)
{
	if (l->count < l->cap)
		return true;
	size_t cap = l->cap ? l->cap * 2 : 8;
	struct diag *items = realloc(l->items, cap * sizeof(*items));
	if (!items)
		return false;
	l->items = items;
	l->cap = cap;
	return true;
}

/* Messages quote what users wrote, which may have any byte in it; a message is one harmless line all the same. */
__attribute__((format(printf, 1, 0))) static char *one_line(const char *format, va_list args)
{
	_autobuf_ struct buf raw = BUF_INIT, visible = BUF_INIT;
	buf_vaddf(&raw, format, args);
	text_visible(&visible, buf_str(&raw), raw.len);
	return buf_error(&raw) ? NULL : buf_take(&visible);
}

void diag_add(struct diag_list *l, enum diag_severity severity, struct source_pos pos, const char *code,
              const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *message = one_line(format, args);
	va_end(args);

	char *file = pos.file ? strdup(pos.file) : NULL;
	if (!message || (pos.file && !file) || !grow(l)) {
		free(message);
		free(file);
		l->out_of_memory = true;
		return;
	}
	l->items[l->count++] = (struct diag){
	        .severity = severity,
	        .file = file,
	        .line = pos.line,
	        .column = pos.column,
	        .code = code,
	        .message = message,
	};
	if (severity == DIAG_ERROR)
		l->errors++;
	else
		l->warnings++;
}

bool diag_failed(const struct diag_list *l)
{
	return l->errors || l->out_of_memory;
}

static bool same_file(const struct diag *a, const struct diag *b)
{
	return a->file == b->file || (a->file && b->file && !strcmp(a->file, b->file));
}

/* Where a diagnostic belongs: its file by first appearance, its place, and what was found first. */
struct sort_key {
	size_t file, index;
	struct diag diag;
};

static int by_place(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->diag.line != y->diag.line)
		return x->diag.line < y->diag.line ? -1 : 1;
	if (x->diag.column != y->diag.column)
		return x->diag.column < y->diag.column ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

void diag_sort(struct diag_list *l)
{
	_autofree_ struct sort_key *keys = calloc(l->count + 1, sizeof(*keys));
	_autofree_ size_t *firsts = calloc(l->count + 1, sizeof(*firsts)); /* the first of each file */
	size_t files = 0;
	if (!keys || !firsts)
		return; /* in the order found, then */
	for (size_t i = 0; i < l->count; i++) {
		size_t file = i ? keys[i - 1].file : 0;
		if (!i || !same_file(&l->items[i], &l->items[i - 1]))
			for (file = 0; file < files && !same_file(&l->items[i], &l->items[firsts[file]]);)
				file++;
		if (file == files)
			firsts[files++] = i;
		keys[i] = (struct sort_key){file, i, l->items[i]};
	}
	qsort(keys, l->count, sizeof(*keys), by_place);
	for (size_t i = 0; i < l->count; i++)
		l->items[i] = keys[i].diag;
}

void diag_print(const struct diag_list *l, FILE *out)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct diag *d = &l->items[i];
		if (d->file) {
			_autobuf_ struct buf file = BUF_INIT;
			text_visible(&file, d->file, strlen(d->file));
			(void)fprintf(out, "%s:", buf_str(&file));
		}
		if (d->line)
			(void)fprintf(out, "%u:", d->line);
		if (d->line && d->column)
			(void)fprintf(out, "%u:", d->column);
		(void)fprintf(out, "%s%s: %s [%s]\n", d->file || d->line ? " " : "",
		              d->severity == DIAG_ERROR ? "error" : "warning", d->message, d->code);
	}
	if (l->out_of_memory)
		(void)fprintf(out, "error: out of memory, further messages are lost [out-of-memory]\n");
}

int error_set(struct error *e, int code, const char *format, ...)
{
	if (!e)
		return code;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return code;
}
