/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The law, on random conditions, random operations at every decision point and random knowledge: must ⇒ exact ⇒ may;
 * where a condition is classed exact and everything is known, all three are equal; and neither guards nor candidates
 * nor the order of looking at things change an answer.
 *
 * TERCEL_SEED and TERCEL_CASES choose other cases; a failure prints the seed and a condition that was made small.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "policy/derive.h"
#include "sample.h"
#include "upstream.h"

#if defined(__SANITIZE_ADDRESS__)
#define DEFAULT_CASES 200000
#else
#define DEFAULT_CASES 3000000
#endif
#define RULES_MAX 6
#define MANY_RULES_MAX 200
#define WORLDS_PER_IMAGE 80
#define HOWS (POINT_AT_LEAST + 1)

/* What the derivation says of each rule at each point; found out when it is asked for. */
struct judgement {
	bool known, applies;
	enum policy_class class;
};

struct law_case {
	struct sample s;
	struct judgement at[MANY_RULES_MAX][TERCEL_POINTS];
};

static struct match_state all, guarded;
static struct case_facts facts;

/* What was reached: [no, yes], by Falco's answer. */
static struct {
	uint64_t point[TERCEL_POINTS][2], how[HOWS][2], op[FILTER_OPS][2];
	uint64_t certain[TERCEL_POINTS], uncertain, conditions;
	uint64_t may[2]; /* where there are rules: acts that match_may() sorts out, and others */
} seen;

static uint32_t points_of(const struct law_case *c)
{
	return c->s.points ? c->s.points : PLACEMENT_FULL;
}

static struct judgement judge(struct law_case *c, size_t rule, enum tercel_point point)
{
	struct judgement *j = &c->at[rule][point];
	_autoatoms_ struct atoms *atoms = NULL;
	struct derivation d;

	if (j->known)
		return *j;
	assert_int_equal(atoms_new(&atoms), 0);
	assert_int_equal(derive(&d, c->s.roots[rule], point_info(point), points_of(c), atoms), 0);
	*j = (struct judgement){.known = true, .applies = d.formula->kind != FORMULA_FALSE, .class = d.class};
	derivation_free(&d);
	return *j;
}

/* ---- every domain, every graph ------------------------------------------------------------------------------------
 */

/* All atoms that the image has tables for, without asking which rules wait for them or what the point asks about. */
static void compute_all_atoms(struct sample *s, const struct world *w)
{
	struct match_point *point = &((struct match_header *)(void *)s->image->data)->points[w->point];
	struct match_ctx m = {
	        .image = s->image->data, .st = &all, .facts = &facts.facts, .text = facts.text, .point = w->point};
	const __u64 domains = point->domains;

	memset(&all, 0, sizeof(all));
	all.arguments = ~0U;
	all.rules = point->rules;
	point->domains = ~0ULL;
	for (uint32_t d = 0; d < MATCH_DOMAINS; d++) {
		all.domain = d;
		if (!(MATCH_ANCESTOR_DOMAINS >> d & 1))
			match_domain(&m, d);
	}
	for (uint32_t i = 0; i < facts.ancestors.count; i++)
		match_ancestor(&m, i, &facts.ancestors.items[i]);
	if (facts.ancestors.cut)
		match_ancestors_cut(&m);
	point->domains = domains;
}

/* What the kernel would report of a rule: -1 nothing, 0 uncertain, 1 certain. */
static int reported(size_t rule)
{
	for (uint32_t h = 0; h < guarded.hits; h++)
		if (guarded.hit[h].rule == rule)
			return (int)guarded.hit[h].certain;
	return -1;
}

/* ---- the law ------------------------------------------------------------------------------------------------------
 */

struct answers {
	bool placed, exact, must, hope, may;
};

static struct answers answer(const struct sample *s, size_t rule, const struct world *w)
{
	const uint8_t *image = s->image->data;
	const struct match_point *p = &((const struct match_header *)(const void *)image)->points[w->point];
	uint32_t must = p->must ? match_u32(image, p->must + (uint32_t)rule * 4) : 0;
	uint32_t may = p->may ? match_u32(image, p->may + (uint32_t)rule * 4) : 0;

	return (struct answers){
	        .placed = may != 0,
	        .exact = !w->hidden && oracle_answer(s->rules, rule),
	        .must = !w->unseen && match_walk(image, &all, must, 0),
	        .hope = match_walk(image, &all, must, 1),
	        .may = match_walk(image, &all, may, 1),
	};
}

#define P(p) (1U << TERCEL_POINT_##p)

/* Points that see the same act: a rule about it may be decided at one of them alone. */
static uint32_t rivals_of(enum tercel_point p)
{
	static const uint32_t groups[] = {P(EXEC_CHECK) | P(EXEC_COMMIT),
	                                  P(SENDMSG4) | P(SOCKET_SENDMSG) | P(SENDMSG6)};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i] >> p & 1)
			return groups[i];
	return 0;
}

static bool is_decided_by_rival(const struct sample *s, size_t rule, enum tercel_point p)
{
	const struct match_header *h = (const void *)s->image->data;

	for (uint32_t other = 0; other < TERCEL_POINTS; other++)
		if (rivals_of(p) >> other & 1 && h->points[other].may &&
		    match_u32(s->image->data, h->points[other].may + (uint32_t)rule * 4))
			return true;
	return false;
}

static const char *check_placed(const struct answers *a, const struct judgement *j, const struct world *w)
{
	bool exact_class = j->class == POLICY_EXACT;

	if (a->must && !a->exact)
		return "must holds, Falco's answer is no: over-blocking";
	if (a->exact && !a->may)
		return "Falco's answer is yes, may does not hold: a detection would be withheld";
	if (exact_class && world_is_known(w) && a->exact != a->must)
		return "classed exact, everything is known, and must is not Falco's answer";
	if (exact_class && a->exact && !a->hope)
		return "classed exact, and what might match is neither certain nor uncertain";
	if (j->class == POLICY_DETECT_ONLY && a->must)
		return "classed detect-only, and must holds";
	return NULL;
}

/* What is sent comes by this point whatever it is: where that says that no act can match, none can. */
static bool is_ruled_out_by_rival(struct law_case *c, size_t i, enum tercel_point p)
{
	return rivals_of(p) >> TERCEL_POINT_SOCKET_SENDMSG & 1 && !judge(c, i, TERCEL_POINT_SOCKET_SENDMSG).applies;
}

static const char *check_placement(struct law_case *c, size_t i, const struct answers *a, const struct judgement *j,
                                   const struct world *w)
{
	uint32_t points = points_of(c);

	if (!j->applies && a->exact)
		return "no act of this point is said to match, and Falco's answer is yes";
	if (a->placed && (!j->applies || !(points >> w->point & 1)))
		return "decided where it is said not to apply";
	if (!a->placed && j->applies && points >> w->point & 1 && !is_decided_by_rival(&c->s, i, w->point) &&
	    !(points >> TERCEL_POINT_SOCKET_SENDMSG & 1 && is_ruled_out_by_rival(c, i, w->point)))
		return "not decided at any point that sees the act";
	return NULL;
}

/* What all rules together come to. */
struct outcome {
	uint32_t action, uncertain;
};

/* What the rule comes to: -1 nothing is told, 0 uncertain, 1 certain. */
static int expect(const struct image_rule *rule, const struct answers *a, struct outcome *o)
{
	bool maybe = !a->must && a->hope;

	if (rule->mode == TERCEL_MODE_ENFORCE && rule->action > o->action &&
	    (a->must || (maybe && rule->on_uncertain == MATCH_ON_UNCERTAIN_DENY)))
		o->action = rule->action;
	o->uncertain |= maybe;
	return a->must ? 1 : maybe && rule->on_uncertain != MATCH_ON_UNCERTAIN_ALLOW ? 0 : -1;
}

/* NULL, or what is wrong. */
static const char *check_rule(struct law_case *c, size_t i, const struct world *w, struct outcome *o)
{
	struct answers a = answer(&c->s, i, w);
	struct judgement j = judge(c, i, w->point);
	int want = expect(&c->s.settings[i], &a, o);
	const char *wrong;

	seen.point[w->point][a.exact]++;
	if (all.error || guarded.error)
		return "the matcher calls its own image damaged";
	if (reported(i) != want && !guarded.hits_lost)
		return "with guards the answer is another";
	wrong = check_placement(c, i, &a, &j, w);
	if (wrong || !a.placed)
		return wrong;
	seen.certain[w->point] += a.must;
	return check_placed(&a, &j, w);
}

/* Nothing of a protected program is stopped; of a path that is too long nobody knows whether it is one. */
static const char *check_outcome(const struct world *w, const struct outcome *o)
{
	bool whole = !((w->unknown | w->cut) >> MATCH_EXEPATH & 1);
	bool protected = w->on_host && (whole ? !strcmp(w->exepath, "/usr/bin/runc") : w->path_cut);

	if (guarded.action != (protected ? (uint32_t)TERCEL_ACTION_AUDIT : o->action))
		return "the rules do not come to this action";
	if (guarded.uncertain != o->uncertain)
		return "that something is uncertain is not told as it is";
	return NULL;
}

/* Who acts is not known when match_may() is asked: whatever it is, nothing may depend on it. */
static void forget_process(struct match_facts *f)
{
	const __u64 bits = 1ULL << MATCH_BITS, process = ~MATCH_ACT_DOMAINS & ~bits;

	f->missing &= ~process;
	f->cut &= ~process;
	f->unknown &= ~process;
	f->on_host = f->path_cut = 0;
	for (uint32_t d = 0; d < MATCH_TEXTS; d++)
		if (process >> d & 1)
			f->text[d] = (struct tercel_span){0};
	for (uint32_t n = 0; n < MATCH_NUMBERS; n++)
		if (process >> (n + MATCH_UID) & 1)
			f->number[n] = 0;
	f->number[MATCH_BITS - MATCH_UID] &= MATCH_ACT_BITS;
	f->bits_unknown &= MATCH_ACT_BITS;
	memset(f->container, 0, sizeof(f->container));
	memset(f->container_unknown, 0, sizeof(f->container_unknown));
}

static const char *check_may(const struct law_case *c, const struct world *w)
{
	struct match_facts f = facts.facts;
	struct match_ctx m = {
	        .image = c->s.image->data, .st = &all, .facts = &f, .text = facts.text, .point = w->point};

	forget_process(&f);
	memset(&all, 0xa5, sizeof(all));
	if (match_may(&m, &f)) {
		seen.may[1]++;
		return NULL;
	}
	seen.may[0] += match_point_field(&m, rules) != 0;
	return guarded.hits || guarded.hits_lost || guarded.uncertain
	               ? "the act alone says that no rule matches, and one does"
	               : NULL;
}

static const char *check_world(struct law_case *c, const struct world *w, size_t *rule)
{
	struct outcome o = {.action = TERCEL_ACTION_AUDIT};

	case_make(&facts, &c->s, w);
	oracle_set(c->s.rules, w);
	compute_all_atoms(&c->s, w);
	memset(&guarded, 0xa5, sizeof(guarded));
	case_decide(&facts, c->s.image->data, w->point, &guarded);
	for (size_t i = 0; i < c->s.n; i++) {
		const char *wrong = check_rule(c, i, w, &o);

		if (wrong) {
			*rule = i;
			return wrong;
		}
	}
	const char *wrong = check_outcome(w, &o);

	*rule = 0;
	return wrong ? wrong : check_may(c, w);
}

/* ---- failures -----------------------------------------------------------------------------------------------------
 */

/* Whether the same thing is wrong with this condition alone. */
static bool still_wrong(const struct expr *e, uint32_t points, const struct world *w, const char *wrong)
{
	struct random r = {.state = 1};
	struct expr **exprs = calloc(1, sizeof(struct expr *));
	_autofree_ struct law_case *c = calloc(1, sizeof(*c));
	const char *now = NULL;
	size_t rule;

	exprs[0] = expr_copy(e);
	if (!sample_make(&c->s, exprs, 1, points, &r, SAMPLE_ORACLES))
		now = check_world(c, w, &rule);
	sample_free(&c->s);
	return now && strcmp(now, wrong) == 0;
}

static struct expr *make_small(const struct expr *e, uint32_t points, const struct world *w, const char *wrong)
{
	struct expr *best = expr_copy(e);
	bool smaller = still_wrong(best, points, w, wrong);

	while (smaller) {
		smaller = false;
		for (size_t n = 0; !smaller && n < expr_size(best); n++)
			for (size_t kid = 0; !smaller && kid < 3; kid++) {
				struct expr *candidate = expr_shrink(best, n, kid);

				if (candidate && still_wrong(candidate, points, w, wrong)) {
					expr_free(best);
					best = candidate;
					smaller = true;
				} else {
					expr_free(candidate);
				}
			}
	}
	return best;
}

/* Knowledge that makes no difference is given back. */
static void make_known(const struct expr *e, uint32_t points, struct world *w, const char *wrong)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		struct world more = *w;

		more.unknown &= ~(1ULL << bit);
		more.cut &= ~(1ULL << bit);
		if (bit == 63)
			more.bits_unknown = 0;
		if ((more.unknown != w->unknown || more.cut != w->cut || more.bits_unknown != w->bits_unknown) &&
		    still_wrong(e, points, &more, wrong))
			*w = more;
	}
}

static void explain_failure(const struct law_case *c, size_t rule, const struct world *w, const char *wrong,
                            uint64_t seed)
{
	uint32_t points = c->s.points;
	struct expr *small = c->s.exprs ? make_small(c->s.exprs[rule], points, w, wrong) : NULL;
	struct world known = *w;
	_autobuf_ struct buf out = BUF_INIT;

	if (small)
		make_known(small, points, &known, wrong);
	buf_addf(&out, "TERCEL_SEED=%llu: %s\n  condition: ", (unsigned long long)seed, wrong);
	if (small)
		expr_print(&out, small);
	else
		filter_print(&out, c->s.roots[rule]);
	buf_addf(&out, "\n  at %s, image for points %#x\n  operation: ", point_info(w->point)->name, points);
	world_print(&out, &known);
	expr_free(small);
	fail_msg("%s", buf_str(&out));
}

/* ---- cases --------------------------------------------------------------------------------------------------------
 */

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *value = getenv(variable);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

/* One of the points. */
static enum tercel_point point_of(struct random *r, uint32_t points)
{
	uint32_t p = random_below(r, TERCEL_POINTS);

	while (!(points >> p & 1))
		p = (p + 1) % TERCEL_POINTS;
	return (enum tercel_point)p;
}

/* Of conditions that are one comparison it is plain what was tried. */
static void note_leaf(const struct law_case *c, size_t rule, const struct world *w)
{
	const struct filter_node *n = c->s.roots[rule];
	bool exact = !w->hidden && oracle_answer(c->s.rules, rule);

	if (n->kind != FILTER_LEAF)
		return;
	seen.op[n->op][exact]++;
	seen.how[point_field(point_info(w->point), n->left->field->id, n->left->arg_text)->how][exact]++;
}

static uint64_t try_image(struct law_case *c, struct random *r, uint32_t group, uint64_t seed)
{
	for (size_t i = 0; i < WORLDS_PER_IMAGE; i++) {
		struct world w;
		size_t rule;
		const char *wrong;

		world_random(&w, r, point_of(r, random_below(r, 16) ? group : PLACEMENT_FULL), 2);
		wrong = check_world(c, &w, &rule);
		if (wrong)
			explain_failure(c, rule, &w, wrong, seed);
		for (size_t k = 0; k < c->s.n; k++) {
			seen.uncertain += reported(k) == 0;
			note_leaf(c, k, &w);
		}
	}
	return WORLDS_PER_IMAGE * c->s.n;
}

static uint64_t try_seed(uint64_t seed)
{
	struct random r = {.state = seed * 0x2545f4914f6cdd1dULL};
	static struct law_case c;
	uint32_t group = points_random(&r), points = 0;
	size_t n = 1 + random_below(&r, random_below(&r, 300) ? RULES_MAX : MANY_RULES_MAX);
	uint64_t done;
	int err;

	/* Every point is tried alone, too: also those that give way to a stronger one. */
	switch (random_below(&r, 9)) {
	case 0:
	case 1:
	case 2:
		points = 1U << point_of(&r, group);
		group = points;
		break;
	case 3:
		points = placement_without_lsm();
		break;
	case 4:
		points = 1 + random_below(&r, PLACEMENT_FULL);
		break;
	default:
		break;
	}
	memset(&c, 0, sizeof(c));
	err = sample_make(&c.s, exprs_random(&r, n, n > RULES_MAX ? 2 : 4, group), n, points, &r, SAMPLE_ORACLES);
	/* So many random patterns over the same few words may be too many. */
	if (err == -E2BIG && n > RULES_MAX) {
		sample_free(&c.s);
		return 0;
	}
	assert_int_equal(err, 0);
	seen.conditions += n;
	done = try_image(&c, &r, group, seed);
	sample_free(&c.s);
	return done;
}

/* A generator that does not reach everything, with both answers, would prove nothing. */
static void assert_all_reached(void)
{
	for (size_t p = 0; p < TERCEL_POINTS; p++)
		if (!seen.point[p][0] || !seen.point[p][1] || !seen.certain[p])
			fail_msg("%s: %llu acts do not match, %llu do, %llu for certain",
			         point_info((enum tercel_point)p)->name, (unsigned long long)seen.point[p][0],
			         (unsigned long long)seen.point[p][1], (unsigned long long)seen.certain[p]);
	for (size_t how = 0; how < HOWS; how++)
		if (!seen.how[how][0] || (!seen.how[how][1] && how != POINT_MISSING))
			fail_msg("rows of the kind %zu: %llu do not match, %llu do", how,
			         (unsigned long long)seen.how[how][0], (unsigned long long)seen.how[how][1]);
	for (size_t op = 0; op < FILTER_OPS; op++)
		if ((!seen.op[op][0] || !seen.op[op][1]) && op != FILTER_OP_BCONTAINS && op != FILTER_OP_BSTARTSWITH)
			fail_msg("'%s': %llu do not match, %llu do", filter_op_name((enum filter_op)op),
			         (unsigned long long)seen.op[op][0], (unsigned long long)seen.op[op][1]);
}

static void must_implies_exact_implies_may(void **unused)
{
	uint64_t seed = number_of("TERCEL_SEED", (uint64_t)time(NULL)),
	         cases = number_of("TERCEL_CASES", DEFAULT_CASES), certain = 0;

	(void)unused;
	printf("TERCEL_SEED=%llu TERCEL_CASES=%llu\n", (unsigned long long)seed, (unsigned long long)cases);
	for (uint64_t done = 0; done < cases; seed++)
		done += try_seed(seed);
	for (size_t p = 0; p < TERCEL_POINTS; p++)
		certain += seen.certain[p];
	printf("%llu conditions, %llu answers certain, %llu uncertain\n", (unsigned long long)seen.conditions,
	       (unsigned long long)certain, (unsigned long long)seen.uncertain);
	if (cases < DEFAULT_CASES / 20)
		return;
	assert_true(certain > cases / 100);
	assert_true(seen.uncertain > cases / 200);
	printf("%llu acts sorted out by themselves, %llu not\n", (unsigned long long)seen.may[0],
	       (unsigned long long)seen.may[1]);
	assert_true(seen.may[0] > cases / 1000 && seen.may[1] > cases / 1000);
	assert_all_reached();
}

static void upstream_rules_keep_the_law(void **unused)
{
	uint64_t seed = number_of("TERCEL_SEED", (uint64_t)time(NULL)),
	         acts = number_of("TERCEL_CASES", DEFAULT_CASES) / 300;
	struct random r = {.state = seed};
	static struct law_case c;
	struct upstream *u = NULL;
	uint64_t answers[2] = {0, 0};
	int err = upstream_load(&u);

	(void)unused;
	if (err == -ENOENT) {
		printf("no upstream rules are at hand\n");
		skip();
	}
	assert_int_equal(err, 0);
	assert_in_range(u->n, 1, MANY_RULES_MAX);
	memset(&c, 0, sizeof(c));
	assert_int_equal(sample_of(&c.s, u->roots, u->n, 0, &r, SAMPLE_ORACLES), 0);
	for (uint64_t i = 0; i < acts; i++) {
		struct world w;
		size_t rule;
		const char *wrong;

		world_random(&w, &r, point_of(&r, PLACEMENT_FULL), 2);
		upstream_spice(u, &w, &r);
		wrong = check_world(&c, &w, &rule);
		if (wrong)
			explain_failure(&c, rule, &w, wrong, seed);
		for (size_t k = 0; k < u->n; k++)
			answers[reported(k) == 1]++;
	}
	printf("%zu rules, %llu acts: %llu answers certain\n", u->n, (unsigned long long)acts,
	       (unsigned long long)answers[1]);
	sample_free(&c.s);
	upstream_free(u);
}

#ifdef TERCEL_MUTATIONS
enum mutation mutation_in_force;

/* What $TERCEL_MUTATION names is broken; "names" prints what there is. */
static void break_something(void)
{
#define X(name) #name,
	static const char *const names[] = {"none", TERCEL_MUTATION_NAMES(X)};
#undef X
	const char *wanted = getenv("TERCEL_MUTATION");
	size_t n = sizeof(names) / sizeof(names[0]);

	for (size_t i = 0; wanted && i < n; i++) {
		if (!strcmp(wanted, "names"))
			printf("%s\n", names[i]);
		else if (!strcmp(wanted, names[i]))
			mutation_in_force = (enum mutation)i;
	}
	if (wanted && !strcmp(wanted, "names"))
		exit(0);
	if (wanted && !mutation_in_force && strcmp(wanted, names[0]) != 0) {
		fprintf(stderr, "no mutation is named %s\n", wanted);
		exit(2);
	}
}
#else
static void break_something(void)
{
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(must_implies_exact_implies_may),
	        cmocka_unit_test(upstream_rules_keep_the_law),
	};

	break_something();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
