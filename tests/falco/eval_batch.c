/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tercel's evaluator behind the protocol of tests/falco/oracle.cpp: the requests about acceptance and about made-up
 * events. Knows nothing of libsinsp.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "filter/eval.h"
#include "filter/eval_input.h"

/* A part of the request. */
struct slice {
	const char *text;
	size_t len;
};

/* The conditions of a request: the trees of those that are accepted, and the one program of all of them. */
struct batch {
	struct filter **filters; /* by condition; NULL: refused */
	char **errors;           /* by condition; NULL: accepted */
	const struct filter_node **roots;
	size_t *places; /* in the program, by condition */
	size_t n, accepted;
	struct eval *program;
};

static void batch_free(struct batch *b)
{
	eval_free(b->program);
	for (size_t i = 0; i < b->n; i++) {
		filter_free(b->filters[i]);
		free(b->errors[i]);
	}
	free(b->filters);
	free(b->errors);
	free(b->roots);
	free(b->places);
}

/* ---- the request ----------------------------------------------------------------------------------------------- */

/* The text of the object or array that begins at `at`, whose brackets are balanced outside of strings. */
static struct slice nested(const char *at)
{
	const char *p = at;
	size_t depth = 0;
	bool quoted = false;

	for (; *p; p++) {
		if (quoted) {
			if (*p == '\\' && p[1])
				p++;
			else if (*p == '"')
				quoted = false;
			continue;
		}
		if (*p == '"')
			quoted = true;
		else if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && --depth == 0)
			return (struct slice){at, (size_t)(p - at) + 1};
	}
	return (struct slice){at, 0};
}

/* The array of that name; the requests name each once, before anything that could look like it. */
static struct slice member(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	return at ? nested(at + strlen(name)) : (struct slice){NULL, 0};
}

/* ---- conditions ------------------------------------------------------------------------------------------------ */

/* "code: message" of each error, in one line. */
static char *error_text(const struct diag_list *diags, const struct error *err)
{
	_autobuf_ struct buf text = BUF_INIT;

	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];

		if (d->severity == DIAG_ERROR)
			buf_addf(&text, "%s%s: %s", text.len ? "; " : "", d->code, d->message);
	}
	if (!text.len)
		buf_adds(&text, err->text[0] ? err->text : "refused without a word");
	return buf_error(&text) ? NULL : buf_take(&text);
}

static int compile_one(struct batch *b, size_t i, const struct json_value *text)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *f = NULL;
	_autoeval_ struct eval *alone = NULL;
	const struct filter_text condition = {.bytes = text->bytes, .len = text->len};
	struct error err = {0};
	int r = filter_parse(&f, &condition, &diags);

	if (!r) {
		const struct filter_node *root = filter_root(f);

		r = eval_compile(&alone, &root, 1, &err);
	}
	if (r == -EINVAL) {
		b->errors[i] = error_text(&diags, &err);
		return b->errors[i] ? 0 : -ENOMEM;
	}
	if (r)
		return r;
	b->places[i] = b->accepted;
	b->roots[b->accepted++] = filter_root(f);
	b->filters[i] = TAKE_PTR(f);
	return 0;
}

static int compile_all(struct batch *b, const struct json_object *o)
{
	const struct json_value *list = &o->members[0].value;
	size_t n = list->n;
	int r = 0;

	b->filters = calloc(n + 1, sizeof(struct filter *));
	b->errors = calloc(n + 1, sizeof(char *));
	b->roots = calloc(n + 1, sizeof(*b->roots));
	b->places = calloc(n + 1, sizeof(*b->places));
	if (!b->filters || !b->errors || !b->roots || !b->places)
		return -ENOMEM;
	b->n = n;
	for (size_t i = 0; !r && i < n; i++)
		r = compile_one(b, i, &o->values[list->first + i]);
	return r ? r : eval_compile(&b->program, b->roots, b->accepted, &(struct error){0});
}

static int read_conditions(struct batch *b, struct slice list)
{
	_autojson_ struct json_object o = {0};
	_autobuf_ struct buf text = BUF_INIT;
	struct error err = {0};
	size_t offset;
	int r;

	buf_adds(&text, "{\"conditions\":");
	buf_add(&text, list.text, list.len);
	buf_addc(&text, '}');
	r = buf_error(&text);
	if (!r)
		r = json_read(&o, buf_str(&text), text.len, &offset, &err);
	if (!r && (o.n != 1 || o.members[0].value.kind != JSON_ARRAY))
		r = -EINVAL;
	return r ? r : compile_all(b, &o);
}

/* ---- answers --------------------------------------------------------------------------------------------------- */

static void add_errors(struct buf *out, const char *name, const struct batch *b)
{
	buf_addf(out, "{\"%s\":[", name);
	for (size_t i = 0; i < b->n; i++) {
		buf_adds(out, i ? "," : "");
		if (b->errors[i])
			buf_add_json(out, b->errors[i], strlen(b->errors[i]));
		else
			buf_adds(out, "null");
	}
	buf_addc(out, ']');
}

/* A wrong event answers with what is wrong, for each condition. */
static void add_row(struct buf *out, const struct batch *b, struct eval_event *ev, const struct error *wrong)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < b->n; i++) {
		buf_adds(out, i ? "," : "");
		if (wrong->text[0])
			buf_add_json(out, wrong->text, strlen(wrong->text));
		else
			buf_adds(out, b->filters[i] && eval_run(b->program, ev, b->places[i]) ? "true" : "false");
	}
	buf_addc(out, ']');
}

static int add_results(struct buf *out, const struct batch *b, struct slice events)
{
	_autoevent_ struct eval_event *ev = NULL;
	_autoinput_ struct eval_input *in = NULL;
	const char *end = events.text + events.len;
	bool first = true;

	if (eval_event_new(&ev, b->program) || eval_input_new(&in, b->program, NULL, NULL))
		return -ENOMEM;
	buf_adds(out, ",\"results\":[");
	for (const char *p = events.text + 1; p < end; p++) {
		struct error err = {0};
		size_t offset;

		if (*p != '{')
			continue;
		const struct slice one = nested(p);

		if (eval_input_read(in, ev, one.text, one.len, &offset, &err) == -ENOMEM)
			return -ENOMEM;
		buf_adds(out, first ? "" : ",");
		add_row(out, b, ev, &err);
		first = false;
		p += one.len - 1;
	}
	buf_addc(out, ']');
	return eval_event_error(ev);
}

static int answer(struct buf *out, const char *line)
{
	_cleanup_(batch_free) struct batch b = {0};
	struct slice accept = member(line, "\"accept\":");
	struct slice conditions = member(line, "\"conditions\":"), events = member(line, "\"events\":");
	int r;

	if (accept.len) {
		r = read_conditions(&b, accept);
		add_errors(out, "accept", &b);
	} else if (conditions.len && events.len) {
		r = read_conditions(&b, conditions);
		add_errors(out, "errors", &b);
		if (!r)
			r = add_results(out, &b, events);
	} else {
		return -EINVAL;
	}
	buf_addc(out, '}');
	return r ? r : buf_error(out);
}

int main(void)
{
	_autofree_ char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		_autobuf_ struct buf out = BUF_INIT;
		int r = answer(&out, line);

		if (r)
			(void)printf("{\"error\":\"%s\"}\n", strerror(-r));
		else
			(void)printf("%s\n", buf_str(&out));
		(void)fflush(stdout);
	}
	return 0;
}
