/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "filter/eval.h"

struct facts {
	struct filter **filters;
	size_t n;
	struct eval *program;
	struct eval_event *event;
	/* Of each field of the program: its value, room for a text that is made, and whether it is not known. */
	struct eval_item *items;
	struct buf *texts;
	bool *unknown;
};

void facts_free(struct facts *f)
{
	size_t nfields;

	if (!f)
		return;
	nfields = f->program ? eval_fields(f->program) : 0;
	for (size_t i = 0; f->texts && i < nfields; i++)
		buf_free(&f->texts[i]);
	free(f->texts);
	free(f->items);
	free(f->unknown);
	eval_event_free(f->event);
	eval_free(f->program);
	for (size_t i = 0; f->filters && i < f->n; i++)
		filter_free(f->filters[i]);
	free(f->filters);
	free(f);
}

static int parse(struct facts *f, const char *const *conditions, struct error *err)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;

	for (size_t i = 0; i < f->n; i++) {
		const struct filter_text text = {.bytes = conditions[i], .len = strlen(conditions[i])};
		int r = filter_parse(&f->filters[i], &text, &diags);

		if (r)
			return r == -EINVAL
			               ? error_set(err, r, "a condition about containers is none: %s", conditions[i])
			               : r;
	}
	return 0;
}

static int compile(struct facts *f, struct error *err)
{
	_autofree_ const struct filter_node **roots = calloc(f->n + 1, sizeof(*roots));
	int r;

	if (!roots)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++)
		roots[i] = filter_root(f->filters[i]);
	r = eval_compile(&f->program, roots, f->n, err);
	if (!r)
		r = eval_event_new(&f->event, f->program);
	if (r)
		return r;
	f->items = calloc(eval_fields(f->program) + 1, sizeof(*f->items));
	f->texts = calloc(eval_fields(f->program) + 1, sizeof(*f->texts));
	f->unknown = calloc(eval_fields(f->program) + 1, sizeof(*f->unknown));
	return f->items && f->texts && f->unknown ? 0 : -ENOMEM;
}

int facts_new(struct facts **out, const char *const *conditions, size_t n, struct error *err)
{
	_autofacts_ struct facts *f = calloc(1, sizeof(*f));
	int r;

	if (n > (size_t)TERCEL_CONTAINER_WORDS * 64)
		return error_set(err, -EINVAL, "more than %d conditions about containers", TERCEL_CONTAINER_WORDS * 64);
	if (!f)
		return -ENOMEM;
	f->filters = calloc(n + 1, sizeof(struct filter *));
	if (!f->filters)
		return -ENOMEM;
	f->n = n;
	r = parse(f, conditions, err);
	if (!r)
		r = compile(f, err);
	if (!r)
		*out = TAKE_PTR(f);
	return r;
}

/* The number of a field in the program, by what it is written like. */
static size_t field_of(const struct facts *f, const struct filter_term *t)
{
	size_t i = 0;

	while (i + 1 < eval_fields(f->program)) {
		const struct filter_term *other = eval_field(f->program, i);

		if (other->field == t->field && other->has_arg == t->has_arg &&
		    (!t->has_arg ||
		     strcmp(other->arg_text ? other->arg_text : "", t->arg_text ? t->arg_text : "") == 0))
			break;
		i++;
	}
	return i;
}

static bool term_is_unknown(const struct facts *f, const struct filter_term *t)
{
	if (t->kind == FILTER_TERM_FIELD)
		return f->unknown[field_of(f, t)];
	for (size_t i = 0; i < t->nargs; i++)
		if (term_is_unknown(f, t->args[i]))
			return true;
	return false;
}

/* Whether a condition asks for something that is not known of the container that was looked at last. */
static bool is_unknown(const struct facts *f, const struct filter_node *n)
{
	if (n->left && term_is_unknown(f, n->left))
		return true;
	if (n->right && term_is_unknown(f, n->right))
		return true;
	for (size_t i = 0; i < n->nkids; i++)
		if (is_unknown(f, n->kids[i]))
			return true;
	return false;
}

static int look_at_fields(struct facts *f, const struct container_info *c)
{
	eval_event_clear(f->event);
	for (size_t i = 0; i < eval_fields(f->program); i++) {
		int r = container_info_field(c, eval_field(f->program, i), &f->texts[i], &f->items[i]);

		f->unknown[i] = r == -ENODATA;
		if (r < 0 && r != -ENODATA)
			return r;
		if (r > 0)
			eval_event_set(f->event, i, &f->items[i], 1);
	}
	return 0;
}

int facts_answer(struct facts *f, const struct container_info *c, struct tercel_container_facts *out)
{
	struct tercel_container_facts answers = {0};
	int r = look_at_fields(f, c);

	if (r)
		return r;
	for (size_t i = 0; i < f->n; i++) {
		if (is_unknown(f, filter_root(f->filters[i])))
			answers.unknown[i / 64] |= 1ULL << i % 64;
		else if (eval_run(f->program, f->event, i))
			answers.bits[i / 64] |= 1ULL << i % 64;
	}
	if (eval_event_error(f->event))
		return eval_event_error(f->event);
	*out = answers;
	return 0;
}

bool facts_are_whole(const struct tercel_container_facts *answers)
{
	for (size_t w = 0; w < TERCEL_CONTAINER_WORDS; w++)
		if (answers->unknown[w])
			return false;
	return true;
}
