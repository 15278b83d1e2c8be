/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

static void free_item(struct diag *d)
{
	for (size_t i = 0; i < d->nnotes; i++) {
		free(d->notes[i].file);
		free(d->notes[i].message);
		excerpt_free(&d->notes[i].excerpt);
	}
	free(d->notes);
	free(d->file);
	free(d->message);
	excerpt_free(&d->excerpt);
	*d = (struct diag){0};
}

void diag_list_free(struct diag_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free_item(&l->items[i]);
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

static void take_line(struct excerpt *out, const struct diag_list *l, struct source_pos pos)
{
	const struct source_text *s = l->sources && pos.file ? source_list_find(l->sources, pos.file) : NULL;

	if (s)
		excerpt_take(out, s, pos);
}

static void count(struct diag_list *l, enum diag_severity severity)
{
	if (severity == DIAG_ERROR)
		l->errors++;
	else
		l->warnings++;
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
	struct diag *d = &l->items[l->count++];
	*d = (struct diag){
	        .severity = severity,
	        .file = file,
	        .line = pos.line,
	        .column = pos.column,
	        .code = code,
	        .message = message,
	};
	take_line(&d->excerpt, l, pos);
	count(l, severity);
}

void diag_note(struct diag_list *l, struct source_pos pos, const char *format, ...)
{
	if (!l->count)
		return;
	va_list args;
	va_start(args, format);
	_autofree_ char *message = one_line(format, args);
	va_end(args);

	struct diag *d = &l->items[l->count - 1];
	_autofree_ char *file = pos.file ? strdup(pos.file) : NULL;
	struct diag_note *notes = realloc(d->notes, (d->nnotes + 1) * sizeof(*notes));
	if (notes)
		d->notes = notes;
	if (!message || (pos.file && !file) || !notes) {
		l->out_of_memory = true;
		return;
	}
	struct diag_note *n = &d->notes[d->nnotes++];
	*n = (struct diag_note){TAKE_PTR(file), pos.line, pos.column, TAKE_PTR(message), {0}};
	take_line(&n->excerpt, l, pos);
}

void diag_move(struct diag_list *to, enum diag_severity severity, struct diag_list *from, size_t index)
{
	if (!grow(to)) {
		to->out_of_memory = true;
		return;
	}
	to->items[to->count] = from->items[index];
	to->items[to->count++].severity = severity;
	from->items[index] = (struct diag){0};
	count(to, severity);
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

/* "file:12:7: ", as far as it is known. */
static void write_place(struct buf *out, const char *file, uint32_t line, uint32_t column)
{
	if (file) {
		text_visible(out, file, strlen(file));
		buf_addc(out, ':');
	}
	if (line)
		buf_addf(out, "%u:", line);
	if (line && column)
		buf_addf(out, "%u:", column);
	if (file || line)
		buf_addc(out, ' ');
}

static void write_item(struct buf *out, const struct diag *d)
{
	write_place(out, d->file, d->line, d->column);
	buf_addf(out, "%s: %s [%s]\n", d->severity == DIAG_ERROR ? "error" : "warning", d->message, d->code);
	excerpt_write(out, &d->excerpt, d->line);
	for (size_t i = 0; i < d->nnotes; i++) {
		const struct diag_note *n = &d->notes[i];
		write_place(out, n->file, n->line, n->column);
		buf_addf(out, "note: %s\n", n->message);
		excerpt_write(out, &n->excerpt, n->line);
	}
}

void diag_print(const struct diag_list *l, FILE *out)
{
	_autobuf_ struct buf text = BUF_INIT;
	for (size_t i = 0; i < l->count; i++) {
		buf_reset(&text);
		write_item(&text, &l->items[i]);
		(void)fputs(buf_str(&text), out);
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
