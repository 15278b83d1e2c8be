/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: reads files in order, compiles after each as Falco does, and hands out the finished set. Knows neither YAML
 * nor the order of expansion.
 */
#include "rules/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/compile.h"
#include "rules/read.h"

struct rules {
	struct arena arena; /* the definitions' memory, and what is added here */
	struct rule *rules;
	struct filter **filters; /* owned; NULL where a rule has none */
	size_t count;
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

/* What is loaded so far. */
struct loader {
	struct collection c;
	struct compiled_rule *compiled; /* c.nrules entries */
	size_t ncompiled;
	struct diag_list *diags;
	struct table said; /* of `diags`: the first nsaid */
	size_t nsaid;
};

static void forget_compiled(struct loader *l)
{
	for (size_t i = 0; i < l->ncompiled; i++)
		filter_free(l->compiled[i].filter);
	free(l->compiled);
	l->compiled = NULL;
	l->ncompiled = 0;
}

static void loader_free(struct loader *l)
{
	forget_compiled(l);
	collection_free(&l->c);
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

/* Macros are checked in each rule that uses them, and files after each file: what was said once is enough. */
static int add_new(struct loader *l, const struct diag_list *from)
{
	struct diag_list *to = l->diags;

	to->out_of_memory |= from->out_of_memory;
	for (size_t i = 0; i < from->count && !to->out_of_memory; i++) {
		const struct diag *d = &from->items[i];

		for (; l->nsaid < to->count; l->nsaid++)
			if (table_add(&l->said, diag_hash(&to->items[l->nsaid]), l->nsaid))
				return -ENOMEM;
		if (table_find(&l->said, diag_hash(d), same_diag, to, d) == TABLE_NONE)
			diag_add(to, d->severity, (struct source_pos){d->file, d->line, d->column}, d->code, "%s",
			         d->message);
	}
	return to->out_of_memory ? -ENOMEM : 0;
}

static int load_text(struct loader *l, const char *name, const char *text, size_t len)
{
	_autodiag_ struct diag_list fresh = DIAG_LIST_INIT;
	char *file = arena_strndup(&l->c.arena, name, strlen(name));

	if (!file)
		return -ENOMEM;
	forget_compiled(l);
	l->c.diags = &fresh;
	read_rules(&l->c, file, text, len);
	l->compiled = calloc(l->c.nrules + 1, sizeof(*l->compiled));
	if (l->compiled && !l->c.out_of_memory) {
		l->ncompiled = l->c.nrules;
		compile_rules(&l->c, l->compiled);
	}
	int r = add_new(l, &fresh);

	return !l->compiled || l->c.out_of_memory ? -ENOMEM : r;
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

static int load_file(struct loader *l, const char *path)
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
		return 0;
	}
	return load_text(l, path, bytes, len);
}

static bool set_rule(struct collection *c, struct rule *out, const struct rule_def *def,
                     const struct compiled_rule *made)
{
	struct text output = text_trim(&def->fields.output);

	*out = (struct rule){
	        .name = def->def.name,
	        .pos = def->def.pos,
	        .desc = def->fields.desc.bytes,
	        .output = arena_strndup(&c->arena, output.bytes, output.len),
	        .condition = def->fields.condition.bytes,
	        .condition_pos = text_start(&def->fields.condition),
	        .source = def->source,
	        .priority = def->fields.priority,
	        .tags = def->fields.tags,
	        .ntags = def->fields.ntags,
	        .enabled = def->fields.enabled,
	        .state = made->state,
	        .filter = made->filter,
	        .events = made->events,
	};
	return out->output != NULL;
}

/* Moves everything from the loader into the set. */
static int finish(struct rules **out, struct loader *l)
{
	_autorules_ struct rules *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->rules = calloc(l->ncompiled + 1, sizeof(*r->rules));
	r->filters = calloc(l->ncompiled + 1, sizeof(struct filter *));
	if (!r->rules || !r->filters)
		return -ENOMEM;
	for (size_t i = 0; i < l->ncompiled; i++)
		if (!set_rule(&l->c, &r->rules[i], l->c.rules[i], &l->compiled[i]))
			return -ENOMEM;
	r->count = l->ncompiled;
	for (size_t i = 0; i < r->count; i++)
		r->filters[i] = TAKE_PTR(l->compiled[i].filter);
	r->arena = l->c.arena;
	l->c.arena = (struct arena){0};
	*out = TAKE_PTR(r);
	return 0;
}

int rules_load(struct rules **out, const char *const *files, size_t n, struct diag_list *diags)
{
	_cleanup_(loader_free) struct loader l = {.diags = diags};
	size_t errors = diags->errors;

	for (size_t i = 0; i < n; i++) {
		int r = load_file(&l, files[i]);

		if (r)
			return r;
	}
	return diags->errors > errors ? -EINVAL : finish(out, &l);
}

int rules_load_buffer(struct rules **out, const char *name, const char *text, size_t len, struct diag_list *diags)
{
	_cleanup_(loader_free) struct loader l = {.diags = diags};
	size_t errors = diags->errors;
	int r = load_text(&l, name, text, len);

	if (r)
		return r;
	return diags->errors > errors ? -EINVAL : finish(out, &l);
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		filter_free(r->filters[i]);
	free(r->filters);
	free(r->rules);
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

const struct rule *rules_find(const struct rules *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->rules[i].name, name) == 0)
			return &r->rules[i];
	return NULL;
}
