/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct scoped {
	struct filter *limit;
	struct filter_node root;
	struct filter_node *kids[2];
};

static void texts_free(struct scope_texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->items[i]);
	free(t->items);
	*t = (struct scope_texts){0};
}

static void match_free(struct scope_match *m)
{
	texts_free(&m->namespaces);
	texts_free(&m->labels);
	texts_free(&m->images);
	texts_free(&m->containers);
}

void scope_free(struct scope *s)
{
	match_free(&s->in);
	match_free(&s->exclude);
	*s = (struct scope){0};
}

/* ---- in words ---------------------------------------------------------------------------------------------------- */

static void add_quoted(struct buf *out, const char *text, size_t len)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, text[i]);
	}
	buf_addc(out, '"');
}

static void join(struct buf *out, const char *word, bool *first)
{
	if (!*first)
		buf_addf(out, " %s ", word);
	*first = false;
}

static void add_list(struct buf *out, const char *field, const struct scope_texts *t, const char *word, bool *first)
{
	if (!t->n)
		return;
	join(out, word, first);
	buf_addf(out, "%s in (", field);
	for (size_t i = 0; i < t->n; i++) {
		if (i)
			buf_adds(out, ", ");
		add_quoted(out, t->items[i], strlen(t->items[i]));
	}
	buf_addc(out, ')');
}

static void add_labels(struct buf *out, const struct scope_texts *t, const char *word, bool *first)
{
	if (!t->n)
		return;
	join(out, word, first);
	buf_addc(out, '(');
	for (size_t i = 0; i < t->n; i++) {
		const char *value = strchr(t->items[i], '=');

		buf_addf(out, "%sk8s.pod.label[", i ? " and " : "");
		buf_add(out, t->items[i], (size_t)(value - t->items[i]));
		buf_adds(out, "] = ");
		add_quoted(out, value + 1, strlen(value + 1));
	}
	buf_addc(out, ')');
}

static void add_images(struct buf *out, const struct scope_texts *t, const char *word, bool *first)
{
	if (!t->n)
		return;
	join(out, word, first);
	buf_addc(out, '(');
	for (size_t i = 0; i < t->n; i++) {
		buf_addf(out, "%scontainer.image glob ", i ? " or " : "");
		add_quoted(out, t->items[i], strlen(t->items[i]));
		buf_adds(out, " or container.image.repository glob ");
		add_quoted(out, t->items[i], strlen(t->items[i]));
	}
	buf_addc(out, ')');
}

/* `word`: "and" for what a container must be, "or" for what it must not be any of. */
static bool add_match(struct buf *out, const struct scope_match *m, const char *word)
{
	bool first = true;

	add_list(out, "k8s.ns.name", &m->namespaces, word, &first);
	add_labels(out, &m->labels, word, &first);
	add_images(out, &m->images, word, &first);
	add_list(out, "container.name", &m->containers, word, &first);
	return !first;
}

static bool asks(const struct scope_match *m)
{
	return m->namespaces.n || m->labels.n || m->images.n || m->containers.n;
}

static bool has_host(const struct scope *s)
{
	return s->has_host ? s->host : !asks(&s->in);
}

bool scope_limits(const struct scope *s)
{
	return asks(&s->in) || asks(&s->exclude) || !has_host(s);
}

void scope_print(struct buf *out, const struct scope *s)
{
	_autobuf_ struct buf in = BUF_INIT, exclude = BUF_INIT;
	const bool limits = add_match(&in, &s->in, "and"), excludes = add_match(&exclude, &s->exclude, "or");
	const bool host = has_host(s);

	if (host)
		buf_adds(out, "(container.id = host or (");
	buf_adds(out, "container.id != host");
	if (limits)
		buf_addf(out, " and %s", buf_str(&in));
	if (excludes)
		buf_addf(out, " and not (%s)", buf_str(&exclude));
	if (host)
		buf_adds(out, "))");
	if (buf_error(&in) || buf_error(&exclude))
		out->error = -ENOMEM;
}

/* ---- as a tree --------------------------------------------------------------------------------------------------- */

int scoped_new(struct scoped **out, const struct scope *s, const struct filter_node *condition)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autobuf_ struct buf text = BUF_INIT;
	struct scoped *made = calloc(1, sizeof(*made));
	int r = made ? 0 : -ENOMEM;

	scope_print(&text, s);
	if (!r)
		r = buf_error(&text);
	if (!r)
		r = filter_parse(&made->limit, &(struct filter_text){.bytes = buf_str(&text), .len = text.len}, &diags);
	if (r) {
		scoped_free(made);
		return r;
	}
	/* The tree is only read. */
	made->kids[0] = (struct filter_node *)filter_root(made->limit);
	made->kids[1] = (struct filter_node *)condition;
	made->root = (struct filter_node){.kind = FILTER_AND, .pos = condition->pos, .kids = made->kids, .nkids = 2};
	*out = made;
	return 0;
}

void scoped_free(struct scoped *s)
{
	if (!s)
		return;
	filter_free(s->limit);
	free(s);
}

const struct filter_node *scoped_root(const struct scoped *s)
{
	return &s->root;
}
