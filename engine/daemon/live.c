/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/live.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy/derive.h"

/* What is counted of one rule of an image. */
struct tally {
	uint64_t blocked, would_block, uncertain;
	struct policy_fuse fuse;
	uint64_t *times; /* of the last fuse.blocks + 1 blocks, CLOCK_BOOTTIME ns; a ring; NULL: no fuse */
	bool blown;      /* in this generation */
	bool was_blown;  /* in one before, and the rule has not been enforced since */
};

#define NO_RULE SIZE_MAX

/* A generation whose verdicts may still come: which rule of now its rules are, NO_RULE of none. */
struct former {
	uint32_t generation;
	size_t *rules; /* owned */
	size_t count;
};

/* More changes than this in the time that a verdict takes to come through the ring are not thought of. */
#define FORMERS 64

/* One policy with all that belongs to it. */
struct state {
	struct plan *plan;
	struct image *image;
	struct tally *tallies;
};

struct live {
	struct live_config config;
	uint32_t generation; /* of what is in force */
	struct state now;
	/* While a confirmation is waited for: what was in force before, and when to go back to it. */
	struct plan *before;
	uint64_t deadline_ns;
	bool fuse_is_blown;             /* of some rule: its mode has yet to be changed */
	uint64_t retry_ns;              /* not before, after something that was due has failed */
	struct former formers[FORMERS]; /* of the same policy, the oldest first, by one generation each */
	size_t nformers;
	uint64_t late; /* verdicts that none of its rules is told of any more */
};

#define RETRY_NS 1000000000ULL

static void tallies_free(struct tally *t, size_t n)
{
	for (size_t i = 0; t && i < n; i++)
		free(t[i].times);
	free(t);
}

static void state_free(struct state *s)
{
	tallies_free(s->tallies, s->image ? s->image->nrules : 0);
	image_free(s->image);
	*s = (struct state){.plan = s->plan};
}

static void forget_formers(struct live *l)
{
	while (l->nformers)
		free(l->formers[--l->nformers].rules);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	state_free(&l->now);
	plan_free(l->now.plan);
	plan_free(l->before);
	forget_formers(l);
	free(l);
}

static void note(const struct live *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(const struct live *l, const char *format, ...)
{
	_autobuf_ struct buf text = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	if (l->config.note)
		l->config.note(l->config.ctx, buf_str(&text));
}

/* ---- making and putting ------------------------------------------------------------------------------------------ */

static int make_tallies(struct state *s)
{
	s->tallies = calloc(s->image->nrules + 1, sizeof(*s->tallies));
	if (!s->tallies)
		return -ENOMEM;
	for (size_t i = 0; i < s->image->nrules; i++) {
		struct tally *t = &s->tallies[i];

		t->fuse = policy_setting_of(s->plan->policy, s->image->rules[i].name).fuse;
		if (!t->fuse.blocks)
			continue;
		t->times = calloc((size_t)t->fuse.blocks + 1, sizeof(*t->times));
		if (!t->times)
			return -ENOMEM;
	}
	return 0;
}

/* The image and tallies of a plan. */
static int make(struct state *out, struct plan *plan, uint32_t generation, struct diag_list *diags)
{
	struct state s = {.plan = plan};
	int error = plan_make(&s.image, plan, generation, diags);

	if (!error)
		error = make_tallies(&s);
	if (error)
		state_free(&s);
	else
		*out = s;
	return error;
}

static bool is_blown(const struct state *s, size_t i)
{
	return s->tallies[i].blown || s->tallies[i].was_blown;
}

/* Which rules of one image those of another are. */
static int map_rules(size_t **out, const struct image *from, const struct image *to)
{
	size_t *map = calloc(from->nrules + 1, sizeof(*map));

	if (!map)
		return -ENOMEM;
	for (size_t i = 0; i < from->nrules; i++) {
		const size_t rule = image_find_rule(to, from->rules[i].name);

		map[i] = rule < to->nrules ? rule : NO_RULE;
	}
	*out = map;
	return 0;
}

/* The same rules in other modes have done what they have done. */
static void inherit(struct state *to, struct state *from, const size_t *map)
{
	for (size_t i = 0; i < from->image->nrules; i++) {
		struct tally *old = &from->tallies[i], *t = map[i] == NO_RULE ? NULL : &to->tallies[map[i]];

		if (!t)
			continue;
		t->blocked = old->blocked;
		t->would_block = old->would_block;
		t->uncertain = old->uncertain;
		if (is_blown(from, i)) {
			t->was_blown = to->image->rules[map[i]].mode != TERCEL_MODE_ENFORCE;
			continue;
		}
		free(t->times);
		t->times = TAKE_PTR(old->times);
	}
}

/* The generation that is in force becomes a former one, whose rules are those of the next one by `map`, now owned. */
static void add_former(struct live *l, size_t *map)
{
	for (size_t i = 0; i < l->nformers; i++)
		for (size_t r = 0; r < l->formers[i].count; r++)
			if (l->formers[i].rules[r] != NO_RULE)
				l->formers[i].rules[r] = map[l->formers[i].rules[r]];
	if (l->nformers == FORMERS) {
		free(l->formers[0].rules);
		memmove(l->formers, l->formers + 1, --l->nformers * sizeof(*l->formers));
	}
	l->formers[l->nformers++] =
	        (struct former){.generation = l->generation, .rules = map, .count = l->now.image->nrules};
}

/* Makes the next generation of a plan and puts it in force. The plan that was in force is not freed. */
static int switch_to(struct live *l, struct plan *plan, struct diag_list *diags)
{
	_autofree_ size_t *map = NULL;
	struct error err = {0};
	struct state next = {0};
	int error = make(&next, plan, l->generation + 1, diags);

	if (error)
		return error;
	if (plan == l->now.plan)
		error = map_rules(&map, l->now.image, next.image);
	if (!error)
		error = l->config.put(l->config.ctx, plan, next.image, l->generation + 1, &err);
	if (error) {
		if (error != -ENOMEM)
			diag_add(diags, DIAG_ERROR, (struct source_pos){0}, "refused", "%s", err.text);
		state_free(&next);
		return error;
	}
	if (map) {
		inherit(&next, &l->now, map);
		add_former(l, TAKE_PTR(map));
	} else {
		forget_formers(l);
	}
	state_free(&l->now);
	l->now = next;
	l->generation++;
	l->fuse_is_blown = false;
	return 0;
}

int live_new(struct live **out, const struct live_config *config, struct diag_list *diags)
{
	_autolive_ struct live *l = calloc(1, sizeof(*l));
	int error;

	if (!l)
		return -ENOMEM;
	l->config = *config;
	l->config.file = NULL;
	l->generation = config->generation;
	error = plan_load(&l->now.plan, config->file, config->points, diags);
	if (!error)
		error = make(&l->now, l->now.plan, l->generation, diags);
	if (!error)
		*out = TAKE_PTR(l);
	return error;
}

int live_begin(struct live *l, struct error *err)
{
	return l->config.put(l->config.ctx, l->now.plan, l->now.image, l->generation, err);
}

/* ---- what is in force -------------------------------------------------------------------------------------------- */

const struct plan *live_plan(const struct live *l)
{
	return l->now.plan;
}

const struct image *live_image(const struct live *l)
{
	return l->now.image;
}

uint32_t live_generation(const struct live *l)
{
	return l->generation;
}

struct live_rule live_rule(const struct live *l, size_t i)
{
	const struct image_rule_info *info = &l->now.image->rules[i];
	const struct report_rule *reported = report_find(l->now.plan->report, info->name);
	const struct tally *t = &l->now.tallies[i];

	return (struct live_rule){
	        .name = info->name,
	        .class = policy_class_name(reported ? reported->class : POLICY_DETECT_ONLY),
	        .mode = info->mode,
	        .action = info->action,
	        .blocked = t->blocked,
	        .would_block = t->would_block,
	        .uncertain = t->uncertain,
	        .blown = is_blown(&l->now, i),
	};
}

uint64_t live_late(const struct live *l)
{
	return l->late;
}

uint64_t live_unconfirmed_ns(const struct live *l, uint64_t now_ns)
{
	if (!l->before)
		return 0;
	return l->deadline_ns > now_ns ? l->deadline_ns - now_ns : 1;
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static int refuse_unconfirmed(const struct live *l, struct diag_list *diags)
{
	if (!l->before)
		return 0;
	diag_add(diags, DIAG_ERROR, (struct source_pos){0}, "unconfirmed",
	         "a policy waits for its confirmation: 'tercel policy confirm' keeps it, or wait until it is taken "
	         "back");
	return -EBUSY;
}

int live_apply(struct live *l, const char *file, uint64_t confirm_ns, uint64_t now_ns, struct diag_list *diags)
{
	_autoplan_ struct plan *plan = NULL, *before = l->now.plan;
	int error = refuse_unconfirmed(l, diags);

	if (!error)
		error = plan_load(&plan, file ? file : before->file, before->points, diags);
	if (!error)
		error = switch_to(l, plan, diags);
	if (error) {
		before = NULL;
		return error;
	}
	plan = NULL; /* it is l->now's */
	if (confirm_ns) {
		l->before = TAKE_PTR(before);
		l->deadline_ns = now_ns + confirm_ns;
	}
	return 0;
}

int live_confirm(struct live *l, struct error *err)
{
	if (!l->before)
		return error_set(err, -ENOENT, "no policy waits for a confirmation");
	plan_free(TAKE_PTR(l->before));
	return 0;
}

static int take_back(struct live *l)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct plan *unconfirmed = l->now.plan;
	int error = switch_to(l, l->before, &diags);

	if (error) {
		note(l, "the policy that was not confirmed could not be taken back yet: %s",
		     diags.count ? diags.items[diags.count - 1].message : strerror(-error));
		return error;
	}
	l->before = NULL;
	note(l, "not confirmed in time: %s is taken back, %s is in force again (generation %u)", unconfirmed->file,
	     l->now.plan->file, l->generation);
	plan_free(unconfirmed);
	return 0;
}

/* A glob that names this rule alone. */
static void add_literal(struct buf *out, const char *name)
{
	for (; *name; name++) {
		if (strchr("*?[\\", *name))
			buf_addc(out, '\\');
		buf_addc(out, *name);
	}
}

/* The rules whose fuse has blown while they were in force, but for those that the glob `except`, if any, names. */
static void name_blown(const struct live *l, const char *except, struct buf *names)
{
	for (size_t i = 0; i < l->now.image->nrules; i++) {
		const struct policy_fuse fuse = l->now.tallies[i].fuse;
		const char *name = l->now.image->rules[i].name;

		if (l->now.tallies[i].blown && (!except || fnmatch(except, name, 0) != 0))
			buf_addf(names, "%s\"%s\" (more than %u blocks in %llu ms)", names->len ? ", " : "", name,
			         fuse.blocks, (unsigned long long)(fuse.per_ns / 1000000));
	}
}

/* They only monitor from the next generation on. */
static int add_blown(struct live *l)
{
	int error = 0;

	for (size_t i = 0; !error && i < l->now.image->nrules; i++) {
		_autobuf_ struct buf glob = BUF_INIT;

		if (!l->now.tallies[i].blown)
			continue;
		add_literal(&glob, l->now.image->rules[i].name);
		error = buf_error(&glob);
		if (!error)
			error = policy_add_mode(l->now.plan->policy, buf_str(&glob), TERCEL_MODE_MONITOR);
	}
	return error;
}

/*
 * The next generation: fuses that have blown are obeyed, then the rules that the glob names, if any, get the mode. A
 * blown fuse whose generation went without it would be forgotten.
 */
static int change_modes(struct live *l, const char *rules, enum tercel_mode mode, struct diag_list *diags)
{
	_autobuf_ struct buf blown = BUF_INIT;
	struct policy *policy = l->now.plan->policy;
	const size_t entries = policy->nentries;
	int error = add_blown(l);

	name_blown(l, rules, &blown);
	if (!error && rules)
		error = policy_add_mode(policy, rules, mode);
	if (!error)
		error = switch_to(l, l->now.plan, diags);
	while (error && policy->nentries > entries)
		policy_drop_last(policy);
	if (error)
		return error;
	policy_drop_overridden(policy, l->now.plan->rules);
	if (blown.len)
		note(l, "fuse blown: %s; monitored only from now on (generation %u)", buf_str(&blown), l->generation);
	return 0;
}

static bool names_a_rule(const struct rules *rules, const char *glob)
{
	for (size_t i = 0; i < rules_count(rules); i++)
		if (fnmatch(glob, rules_at(rules, i)->name, 0) == 0)
			return true;
	return false;
}

int live_set_mode(struct live *l, const char *rules, enum tercel_mode mode, struct diag_list *diags)
{
	_autobuf_ struct buf glob = BUF_INIT;
	int error = refuse_unconfirmed(l, diags);

	if (error)
		return error;
	/* Whoever names a rule means that one, whatever its name would be as a glob. */
	if (rules_find(l->now.plan->rules, rules))
		add_literal(&glob, rules);
	else
		buf_adds(&glob, rules);
	if (buf_error(&glob))
		return -ENOMEM;
	if (!names_a_rule(l->now.plan->rules, buf_str(&glob))) {
		diag_add(diags, DIAG_ERROR, (struct source_pos){0}, "no-such-rule",
		         "no rule is named \"%s\"; 'tercel policy show' lists them", rules);
		return -EINVAL;
	}
	return change_modes(l, buf_str(&glob), mode, diags);
}

/* ---- fuses ------------------------------------------------------------------------------------------------------- */

/* A block at `ts`, in ns: whether it is one more than the fuse allows in its time. */
static bool blows(struct tally *t, uint64_t ts)
{
	const size_t room = (size_t)t->fuse.blocks + 1;
	const uint64_t oldest = t->times[t->blocked % room];

	/* The slot of the block that was `room` blocks ago is the next one's. */
	t->times[(t->blocked + room - 1) % room] = ts;
	/* Verdicts of several processors come only nearly in order. */
	return t->blocked >= room && oldest && (ts < oldest || ts - oldest <= t->fuse.per_ns);
}

/* What is counted of the rule of a verdict, or NULL. */
static struct tally *tally_of(struct live *l, const struct tercel_verdict *v)
{
	size_t rule = v->generation == l->generation ? v->rule : NO_RULE;

	for (size_t i = 0; i < l->nformers; i++)
		if (v->generation == l->formers[i].generation && v->rule < l->formers[i].count)
			rule = l->formers[i].rules[v->rule];
	return rule < l->now.image->nrules ? &l->now.tallies[rule] : NULL;
}

void live_verdict(struct live *l, const struct tercel_verdict *v)
{
	struct tally *t = tally_of(l, v);

	l->late += !t;
	if (!t)
		return;
	t->uncertain += v->uncertain != 0;
	t->would_block += !v->enforced && v->action != TERCEL_ACTION_AUDIT;
	if (!v->enforced)
		return;
	t->blocked++;
	if (!t->times || t->blown || t->was_blown || !blows(t, v->hdr.ts))
		return;
	t->blown = true;
	l->fuse_is_blown = true;
}

static int obey_fuses(struct live *l)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autobuf_ struct buf names = BUF_INIT;
	int error = change_modes(l, NULL, TERCEL_MODE_MONITOR, &diags);

	if (!error)
		return 0;
	name_blown(l, NULL, &names);
	note(l, "fuse blown: %s; but the mode could not be changed yet: %s", buf_str(&names),
	     diags.count ? diags.items[diags.count - 1].message : strerror(-error));
	return error;
}

void live_tick(struct live *l, uint64_t now_ns)
{
	int error = 0;

	if (now_ns < l->retry_ns)
		return;
	if (l->before && now_ns >= l->deadline_ns)
		error = take_back(l);
	/* Also those of a policy that cannot be taken back: it goes on blocking. */
	if (l->fuse_is_blown && obey_fuses(l))
		error = -EAGAIN;
	l->retry_ns = error ? now_ns + RETRY_NS : 0;
}
