/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: reads files in order, compiles after each as Falco does, and hands out the finished set. Knows neither YAML
 * nor the order of expansion.
 */
#include "rules/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "rules/compile.h"
#include "rules/encoding.h"
#include "rules/read.h"

struct rules {
	struct arena arena; /* the definitions' memory, and what is added here */
	struct rule *rules;
	struct filter **filters; /* owned; NULL where a rule has none */
	size_t count;
	struct table names;
};

/* Beyond this a rule file is a mistake. */
enum { MAX_FILE = 16 << 20 };

const char *rule_priority_name(enum rule_priority p)
{
	static const char *const names[RULE_PRIORITIES] = {
	        [RULE_EMERGENCY] = "EMERGENCY",
	        [RULE_ALERT] = "ALERT",
	        [RULE_CRITICAL] = "CRITICAL",
	        [RULE_ERROR] = "ERROR",
	        [RULE_WARNING] = "WARNING",
	        [RULE_NOTICE] = "NOTICE",
	        [RULE_INFORMATIONAL] = "INFORMATIONAL",
	        [RULE_DEBUG] = "DEBUG",
	};

	return names[p];
}

/* A file's text, for as long as places in it may be told. */
struct loaded {
	struct source_text source;
	char *bytes; /* owned; NULL: the caller's */
};

/* What is loaded so far. */
struct loader {
	struct collection c;
	struct compiler *compiler;
	struct loaded **files; /* owned */
	struct source_list sources;
	size_t nfiles;
	struct diag_list *diags;
	struct table said; /* of `diags`: the first nsaid */
	size_t nsaid;
};

static int loader_init(struct loader *l, size_t files, struct diag_list *diags)
{
	*l = (struct loader){.diags = diags, .files = calloc(files + 1, sizeof(struct loaded *))};
	return l->files ? compiler_new(&l->compiler, &l->c) : -ENOMEM;
}

static void loader_free(struct loader *l)
{
	compiler_free(l->compiler);
	collection_free(&l->c);
	for (size_t i = 0; i < l->nfiles; i++) {
		source_free(&l->files[i]->source);
		free(l->files[i]->bytes);
		free(l->files[i]);
	}
	free((void *)l->files);
	source_list_free(&l->sources);
	table_free(&l->said);
}

static bool same_diag(const void *ctx, size_t entry, const void *key)
{
	const struct diag *a = &((const struct diag_list *)ctx)->items[entry], *b = key;

	if (a->severity != b->severity || a->line != b->line || a->column != b->column || strcmp(a->code, b->code) != 0)
		return false;
	return strcmp(a->file ? a->file : "", b->file ? b->file : "") == 0 && strcmp(a->message, b->message) == 0;
}

static uint64_t diag_hash(const struct diag *d)
{
	const uint64_t parts[] = {d->line, d->column, table_hash(d->message, strlen(d->message))};

	return table_hash(parts, sizeof(parts));
}

/* Macros are checked in each rule that uses them: what was said once is enough. */
static int add_new(struct loader *l, struct diag_list *from)
{
	struct diag_list *to = l->diags;

	to->out_of_memory |= from->out_of_memory;
	for (size_t i = 0; i < from->count && !to->out_of_memory; i++) {
		for (; l->nsaid < to->count; l->nsaid++)
			if (table_add(&l->said, diag_hash(&to->items[l->nsaid]), l->nsaid))
				return -ENOMEM;
		if (table_find(&l->said, diag_hash(&from->items[i]), same_diag, to, &from->items[i]) == TABLE_NONE)
			diag_move(to, from->items[i].severity, from, i);
	}
	return to->out_of_memory ? -ENOMEM : 0;
}

/* Keeps a text under its name; `bytes` becomes the loader's if `owned` is not NULL. */
static int keep_text(struct loader *l, const char *name, const char *bytes, size_t len, char **owned)
{
	struct loaded *f = calloc(1, sizeof(*f));
	char *file = arena_strndup(&l->c.arena, name, strlen(name));

	if (!f || !file || source_init(&f->source, file, bytes, len)) {
		free(f);
		return -ENOMEM;
	}
	l->files[l->nfiles++] = f;
	if (owned)
		f->bytes = TAKE_PTR(*owned);
	return source_list_add(&l->sources, &f->source);
}

/* Keeps a text as UTF-8. */
static int keep_utf8(struct loader *l, const char *name, const char *bytes, size_t len, char **owned)
{
	_autobuf_ struct buf converted = BUF_INIT;
	size_t from = 0;
	int r = encoding_read(bytes, len, &from, &converted);

	if (r < 0)
		return r;
	if (!r)
		return keep_text(l, name, bytes + from, len - from, owned);
	size_t n = converted.len;
	_autofree_ char *utf8 = buf_take(&converted);

	return utf8 || !n ? keep_text(l, name, utf8 ? utf8 : "", n, &utf8) : -ENOMEM;
}

static int load_text(struct loader *l, const char *name, const char *text, size_t len, char **owned,
                     enum compile_rest rest)
{
	_autodiag_ struct diag_list fresh = {.sources = &l->sources};
	int r = keep_utf8(l, name, text, len, owned);

	if (r)
		return r;
	l->c.diags = &fresh;
	read_rules(&l->c, &l->files[l->nfiles - 1]->source);
	if (!l->c.out_of_memory)
		compiler_update(l->compiler, rest);
	r = add_new(l, &fresh);
	return l->c.out_of_memory ? -ENOMEM : r;
}

static int read_whole(FILE *f, char **out, size_t *len)
{
	_autofree_ char *bytes = NULL;
	size_t used = 0, cap = 0;

	for (;;) {
		if (used == cap) {
			cap = cap ? cap * 2 : 65536;
			char *grown = realloc(bytes, cap);

			if (!grown)
				return -ENOMEM;
			bytes = grown;
		}
		size_t want = cap - used, n = fread(bytes + used, 1, want, f);

		used += n;
		if (used > MAX_FILE)
			return -EFBIG;
		if (n < want)
			break;
	}
	if (ferror(f))
		return -EIO;
	*out = TAKE_PTR(bytes);
	*len = used;
	return 0;
}

static int load_file(struct loader *l, const char *path, enum compile_rest rest)
{
	_autofclose_ FILE *f = fopen(path, "re");
	_autofree_ char *bytes = NULL;
	size_t len = 0;
	int r = f ? read_whole(f, &bytes, &len) : -errno;

	if (r == -ENOMEM)
		return r;
	if (r) {
		/* A directory opens and then fails to read. */
		diag_add(l->diags, DIAG_ERROR, (struct source_pos){.file = path}, "file",
		         "cannot read the rule file: %s; check the path",
		         r == -EIO ? "it is no regular file" : strerror(-r));
		/* What seems to be missing from here on may be in it. */
		l->c.incomplete = true;
		return 0;
	}
	return load_text(l, path, bytes ? bytes : "", len, &bytes, rest);
}

static bool set_rule(struct rules *r, const struct rule_def *def, struct compiled_rule *made)
{
	struct rule *out = &r->rules[r->count];
	const struct rule_fields *f = &def->fields;

	*out = (struct rule){
	        .name = def->def.name,
	        .pos = text_place_pos(def->def.place),
	        .desc = f->desc.bytes,
	        .output = arena_strndup(&r->arena, f->output.bytes, f->output.len),
	        .condition = f->condition.bytes,
	        .condition_pos = text_pos(&f->condition, 0),
	        .extended = f->extended,
	        .source = def->source,
	        .priority = f->priority,
	        .tags = f->tags,
	        .ntags = f->ntags,
	        .enabled = f->enabled,
	        .state = made->state,
	        .skipped_for = made->skipped_for,
	        .filter = made->filter,
	        .events = made->events,
	};
	if (!out->output || table_add(&r->names, table_hash(out->name, strlen(out->name)), r->count))
		return false;
	r->filters[r->count++] = TAKE_PTR(made->filter);
	return true;
}

/* Moves everything from the loader into the set. */
static int finish(struct rules **out, struct loader *l)
{
	_autorules_ struct rules *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->rules = calloc(l->c.nrules + 1, sizeof(*r->rules));
	r->filters = calloc(l->c.nrules + 1, sizeof(struct filter *));
	r->arena = l->c.arena;
	l->c.arena = (struct arena){0};
	if (!r->rules || !r->filters)
		return -ENOMEM;
	for (size_t i = 0; i < l->c.nrules; i++)
		if (!set_rule(r, l->c.rules[i], compiler_rule(l->compiler, i)))
			return -ENOMEM;
	*out = TAKE_PTR(r);
	return 0;
}

/* The set, if nothing was wrong since there were `errors` errors. */
static int end(struct rules **out, struct loader *l, size_t errors)
{
	_autodiag_ struct diag_list fresh = {.sources = &l->sources};

	if (l->diags->errors > errors)
		return -EINVAL;
	l->c.diags = &fresh;
	compiler_warn_unused(l->compiler);
	int r = l->c.out_of_memory ? -ENOMEM : add_new(l, &fresh);

	return r ? r : finish(out, l);
}

int rules_load(struct rules **out, const char *const *files, size_t n, struct diag_list *diags)
{
	_cleanup_(loader_free) struct loader l;
	size_t errors = diags->errors;
	int r = loader_init(&l, n, diags);

	for (size_t i = 0; i < n && !r; i++)
		r = load_file(&l, files[i], i + 1 < n ? COMPILE_MORE_FILES : COMPILE_LAST);
	return r ? r : end(out, &l, errors);
}

int rules_load_buffer(struct rules **out, const char *name, const char *text, size_t len, struct diag_list *diags)
{
	_cleanup_(loader_free) struct loader l;
	size_t errors = diags->errors;
	int r = loader_init(&l, 1, diags);

	if (!r)
		r = load_text(&l, name, text, len, NULL, COMPILE_LAST);
	return r ? r : end(out, &l, errors);
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		filter_free(r->filters[i]);
	free(r->filters);
	free(r->rules);
	table_free(&r->names);
	arena_free(&r->arena);
	free(r);
}

size_t rules_count(const struct rules *r)
{
	return r->count;
}

const struct rule *rules_at(const struct rules *r, size_t index)
{
	return &r->rules[index];
}

static bool same_name(const void *ctx, size_t entry, const void *key)
{
	return strcmp(((const struct rules *)ctx)->rules[entry].name, key) == 0;
}

const struct rule *rules_find(const struct rules *r, const char *name)
{
	size_t i = table_find(&r->names, table_hash(name, strlen(name)), same_name, r, name);

	return i == TABLE_NONE ? NULL : &r->rules[i];
}
