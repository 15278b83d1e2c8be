/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sample.h.
 */
#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int parse(struct filter **out, const char *text, size_t len)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	int r = filter_parse(out, &(struct filter_text){.bytes = text, .len = len}, &diags);

	if (r) {
		fprintf(stderr, "%s\n", text);
		diag_print(&diags, stderr);
	}
	return r;
}

static int build_image(struct sample *s, struct random *random)
{
	struct image_rule *rules = s->settings = calloc(s->n + 1, sizeof(*rules));
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	const struct image_input in = {.rules = rules, .nrules = s->n, .points = s->points};
	int r;

	for (size_t i = 0; rules && i < s->n; i++) {
		rules[i] = (struct image_rule){.name = "r", .condition = s->roots[i], .action = TERCEL_ACTION_DENY};
		rules[i].mode = TERCEL_MODE_MONITOR;
		if (!random)
			continue;
		rules[i].mode = random_below(random, 2) ? TERCEL_MODE_ENFORCE : TERCEL_MODE_MONITOR;
		rules[i].action = random_below(random, 2) ? TERCEL_ACTION_DENY : TERCEL_ACTION_KILL;
		rules[i].on_uncertain = (enum match_on_uncertain)random_below(random, 3);
	}
	r = rules ? image_build(&s->image, &in, &diags) : -ENOMEM;
	diag_print(&diags, stderr);
	return r;
}

static int ask_about_containers(struct sample *s)
{
	_autofree_ const struct filter_node **roots = calloc(s->image->ncontainers + 1, sizeof(struct filter_node *));
	int r = 0;

	s->questions = calloc(s->image->ncontainers + 1, sizeof(struct filter *));
	if (!roots || !s->questions)
		return -ENOMEM;
	for (size_t i = 0; !r && i < s->image->ncontainers; i++) {
		r = parse(&s->questions[i], s->image->containers[i], strlen(s->image->containers[i]));
		if (!r)
			roots[i] = filter_root(s->questions[i]);
	}
	return r ? r : oracle_new(&s->containers, roots, s->image->ncontainers);
}

static int make_rest(struct sample *s, struct random *random, enum sample_parts parts)
{
	int r = build_image(s, random);

	if (!r && parts == SAMPLE_ORACLES)
		r = oracle_new(&s->rules, s->roots, s->n);
	if (!r && parts == SAMPLE_ORACLES && s->image->ncontainers)
		r = ask_about_containers(s);
	return r;
}

int sample_make(struct sample *s, struct expr **exprs, size_t n, uint32_t image_points, struct random *random,
                enum sample_parts parts)
{
	int r = 0;

	*s = (struct sample){.exprs = exprs,
	                     .filters = calloc(n + 1, sizeof(struct filter *)),
	                     .roots = calloc(n + 1, sizeof(struct filter_node *)),
	                     .n = n,
	                     .points = image_points};
	if (!exprs || !s->filters || !s->roots)
		return -ENOMEM;
	for (size_t i = 0; !r && i < n; i++) {
		_autobuf_ struct buf text = BUF_INIT;

		expr_print(&text, exprs[i]);
		r = parse(&s->filters[i], buf_str(&text), text.len);
		if (!r)
			s->roots[i] = filter_root(s->filters[i]);
	}
	return r ? r : make_rest(s, random, parts);
}

int sample_of(struct sample *s, const struct filter_node *const *roots, size_t n, uint32_t image_points,
              struct random *random, enum sample_parts parts)
{
	*s = (struct sample){.roots = calloc(n + 1, sizeof(struct filter_node *)), .n = n, .points = image_points};
	if (!s->roots)
		return -ENOMEM;
	memcpy(s->roots, roots, n * sizeof(struct filter_node *));
	return make_rest(s, random, parts);
}

void sample_free(struct sample *s)
{
	oracle_free(s->rules);
	oracle_free(s->containers);
	for (size_t i = 0; i < s->n; i++) {
		if (s->filters)
			filter_free(s->filters[i]);
		if (s->exprs)
			expr_free(s->exprs[i]);
	}
	for (size_t i = 0; s->questions && i < s->image->ncontainers; i++)
		filter_free(s->questions[i]);
	image_free(s->image);
	free(s->questions);
	free(s->settings);
	free(s->exprs);
	free(s->filters);
	free(s->roots);
	*s = (struct sample){0};
}

struct expr **exprs_random(struct random *r, size_t n, unsigned int depth, uint32_t points)
{
	struct expr **exprs = calloc(n + 1, sizeof(struct expr *));

	for (size_t i = 0; exprs && i < n; i++)
		exprs[i] = points ? expr_random(r, random_below(r, depth + 1), points)
		                  : expr_of_one_event(r, random_below(r, depth + 1), points_random(r));
	return exprs;
}

struct expr **exprs_many(struct random *r, size_t n, uint32_t points)
{
	size_t distinct = n < 1000 ? n : 200;
	struct expr **few = exprs_random(r, distinct, 3, points), **exprs = calloc(n + 1, sizeof(struct expr *));

	for (size_t i = 0; few && exprs && i < n; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "proc.name in (tool%zu, %s)", i % 1000, pool_pick(&pool_names, r));
		exprs[i] = i < distinct ? few[i] : expr_and(expr_copy(few[i % distinct]), name);
	}
	free(few);
	return exprs;
}

void case_make(struct case_facts *c, const struct sample *s, const struct world *w)
{
	struct random r = {.state = w->salt};

	memset(c->text, 0xee, sizeof(c->text));
	world_facts(w, &c->facts, &c->ancestors, c->text);
	/* What stands for an answer that is not known says nothing. */
	memset(c->facts.container, 0, sizeof(c->facts.container));
	memset(c->facts.container_unknown, 0, sizeof(c->facts.container_unknown));
	c->facts.container_unknown[0] = w->answers_unknown;
	if (s->containers)
		oracle_set(s->containers, w);
	for (size_t i = 0; i < s->image->ncontainers; i++)
		if (s->containers && !(i < 64 && w->answers_unknown >> i & 1) ? oracle_answer(s->containers, i)
		                                                              : random_below(&r, 2) != 0)
			c->facts.container[i / 64] |= 1ULL << (i % 64);
}

void case_decide(const struct case_facts *c, const uint8_t *image, enum tercel_point point, struct match_state *st)
{
	struct match_ctx m = {.image = image, .st = st, .facts = &c->facts, .text = c->text, .point = point};
	int more = match_start(&m);

	if (more == 2) {
		for (uint32_t i = 0; i < c->ancestors.count; i++)
			match_ancestor(&m, i, &c->ancestors.items[i]);
		if (c->ancestors.cut)
			match_ancestors_cut(&m);
	}
	if (more)
		match_finish(&m);
}
