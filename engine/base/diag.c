/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdarg.h>
#include <string.h>

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

void diag_add(struct diag_list *l, enum diag_severity severity, struct source_pos pos, const char *code,
              const char *format, ...)
{
	char *message = NULL;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&message, format, args);
	va_end(args);

	char *file = pos.file ? strdup(pos.file) : NULL;
	if (len < 0 || (pos.file && !file) || !grow(l)) {
		if (len >= 0)
			free(message);
		free(file);
		l->out_of_memory = true;
		return;
	}
	/* Messages quote what users wrote, which may have any byte in it; a message is one line all the same. */
	for (char *c = message; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
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

void diag_print(const struct diag_list *l, FILE *out)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct diag *d = &l->items[i];
		if (d->file)
			(void)fprintf(out, "%s:", d->file);
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
