/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See upstream.h.
 */
#include "upstream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add_word(struct upstream_words *to, const struct filter_value *v)
{
	const char **words;

	/* Worlds put several of them into one short text. */
	if (v->len > 40)
		return 0;
	words = realloc(to->words, (to->n + 1) * sizeof(char *));
	if (!words)
		return -ENOMEM;
	to->words = words;
	words[to->n++] = v->text;
	return 0;
}

static struct upstream_words *words_for(struct upstream *u, enum field_id id)
{
	switch (id) {
	case FIELD_PROC_NAME:
	case FIELD_PROC_PNAME:
	case FIELD_PROC_ANAME:
		return &u->programs;
	case FIELD_FD_NAME:
	case FIELD_FD_DIRECTORY:
	case FIELD_PROC_EXEPATH:
	case FIELD_FS_PATH_NAME:
		return &u->paths;
	default:
		return &u->others;
	}
}

static int collect(struct upstream *u, const struct filter_node *n)
{
	int r = 0;

	if (n->kind == FILTER_LEAF && n->left->type == FIELD_TYPE_STRING)
		for (size_t i = 0; !r && i < n->nvalues; i++)
			r = add_word(words_for(u, n->left->field->id), &n->values[i]);
	for (size_t i = 0; !r && i < n->nkids; i++)
		r = collect(u, n->kids[i]);
	return r;
}

static int add_rule(struct upstream *u, const struct rule *rule)
{
	if (rule->state != RULE_LOADED)
		return 0;
	u->names[u->n] = rule->name;
	u->roots[u->n++] = filter_root(rule->filter);
	return collect(u, filter_root(rule->filter));
}

static int load_files(struct upstream *u)
{
	static const char *const names[] = {"falco_rules.yaml", "falco-incubating_rules.yaml",
	                                    "falco-sandbox_rules.yaml"};
	const char *shared = getenv("TERCEL_SHARED"), *list[3];
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	char paths[3][4096];

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/rules/%s",
		               shared ? shared : TERCEL_SOURCE_DIR "/../shared", names[i]);
		list[i] = paths[i];
		if (access(paths[i], R_OK))
			return -ENOENT;
	}
	return rules_load(&u->rules, list, 3, &diags);
}

int upstream_load(struct upstream **out)
{
	struct upstream *u = calloc(1, sizeof(*u));
	int r = u ? load_files(u) : -ENOMEM;

	if (!r) {
		u->names = calloc(rules_count(u->rules) + 1, sizeof(char *));
		u->roots = calloc(rules_count(u->rules) + 1, sizeof(struct filter_node *));
		r = u->names && u->roots ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !r && i < rules_count(u->rules); i++)
		r = add_rule(u, rules_at(u->rules, i));
	if (r) {
		upstream_free(u);
		return r;
	}
	*out = u;
	return 0;
}

void upstream_free(struct upstream *u)
{
	if (!u)
		return;
	rules_free(u->rules);
	free(u->roots);
	free(u->names);
	free(u->programs.words);
	free(u->paths.words);
	free(u->others.words);
	free(u);
}

static const char *word(const struct upstream_words *p, struct random *r, const char *otherwise)
{
	return p->n && random_below(r, 3) ? p->words[random_below(r, p->n)] : otherwise;
}

/* A comm is 15 bytes long at most. */
static const char *name(const struct upstream *u, struct random *r, const char *otherwise)
{
	const char *text = word(&u->programs, r, otherwise);

	return strlen(text) < TERCEL_COMM_LEN ? text : otherwise;
}

/* What a kernel calls a path. */
static const char *path(const struct upstream *u, struct random *r, const char *otherwise)
{
	const char *text = word(&u->paths, r, otherwise);
	size_t len = strlen(text);

	return text[0] == '/' && (len == 1 || text[len - 1] != '/') ? text : otherwise;
}

void upstream_spice(const struct upstream *u, struct world *w, struct random *r)
{
	w->name = name(u, r, w->name);
	w->exepath = path(u, r, w->exepath);
	w->path = path(u, r, w->path);
	w->newpath = path(u, r, w->newpath);
	for (size_t i = 0; i < w->args.n; i++)
		w->args.items[i] = word(random_below(r, 2) ? &u->others : &u->programs, r, w->args.items[i]);
	for (size_t i = 0; i < w->nancestors; i++) {
		w->ancestors[i].leader = name(u, r, w->ancestors[i].leader);
		w->ancestors[i].thread = random_below(r, 4) ? w->ancestors[i].leader : name(u, r, "a");
	}
	w->repository = word(&u->others, r, w->repository);
}
