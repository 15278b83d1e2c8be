/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts definitions together as Falco 0.44 does, and finds out which of them a file has changed. Knows no YAML.
 */
#include "rules/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/breadth.h"
#include "rules/depend.h"
#include "rules/exception.h"
#include "rules/lint.h"
#include "rules/trace.h"

struct rule_slot {
	struct compiled_rule made;
	struct uses lists, names; /* put into its text, and macros that it names */
	bool stale;
};

struct compiler {
	struct collection *c;
	struct expander expander;
	struct macros macros;
	struct rule_slot *rules; /* as c->rules */
	size_t nrules, rules_cap;
	bool *stale_lists; /* as c->lists */
	struct depend depend;
	bool compiled; /* something was before */
	bool stale;    /* everything */
	size_t traces; /* messages that may still be explained */
};

enum { TRACES_MAX = 200 };

int compiler_new(struct compiler **out, struct collection *c)
{
	struct compiler *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->c = k->expander.c = k->macros.c = c;
	k->traces = TRACES_MAX;
	*out = k;
	return 0;
}

void compiler_free(struct compiler *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->nrules; i++) {
		filter_free(k->rules[i].made.filter);
		uses_free(&k->rules[i].lists);
		uses_free(&k->rules[i].names);
	}
	free(k->rules);
	free(k->stale_lists);
	expander_free(&k->expander);
	macros_free(&k->macros);
	depend_free(&k->depend);
	free(k);
}

struct compiled_rule *compiler_rule(struct compiler *k, size_t number)
{
	return &k->rules[number].made;
}

/* Outputs */

/* Whether the first error of an output is one that skip-if-unknown-filter forgives: all but that it ends too early. */
static bool forgives_output(const struct diag_list *own, const struct text *t)
{
	struct source_pos end = text_pos(t, t->len);

	for (size_t i = 0; i < own->count; i++) {
		const struct diag *d = &own->items[i];

		if (d->severity == DIAG_ERROR)
			return strcmp(d->code, "bad-output") != 0 || d->line != end.line || d->column != end.column;
	}
	return false;
}

static bool check_output(struct compiler *k, const struct rule_def *rule, bool *forgiven)
{
	_autotext_ struct text_builder b = {0};
	const struct text *t = &rule->fields.output;
	size_t errors = k->c->diags->errors;

	lint_container_info(k->c, t, &b);
	struct text kept = b.len ? text_view(&b) : text_slice(t, t->len, t->len);
	struct filter_text source = text_for_filter(&kept);

	(void)filter_check_output(&source, k->c->diags);
	*forgiven = forgives_output(k->c->diags, &kept);
	lint_output(k->c, &kept);
	return k->c->diags->errors == errors;
}

/* Conditions */

/* Falco warns of conditions for more event codes. */
enum { MANY_CODES = 100 };

static void check_events(struct compiler *k, const struct rule_def *rule, struct compiled_rule *out)
{
	size_t codes = breadth_count(filter_root(out->filter));

	out->events = filter_event_types(filter_root(out->filter));
	if ((codes == 0 || codes > MANY_CODES) && rule->fields.warn_evttypes)
		COLLECT_WARN(k->c, rule->def.place, "no-event-type",
		             "the rule '%s' %s; add a check such as evt.type = execve, or warn_evttypes: false",
		             rule->def.name, codes ? "is evaluated for nearly every event" : "can match no event type");
}

struct name_use {
	struct compiler *k;
	const struct rule_def *rule;
	const struct uses *lists;
	struct uses *names;
};

static void use_name(void *ctx, const char *name, struct source_pos pos)
{
	struct name_use *u = ctx;
	size_t i = collection_macro_index(u->k->c, name);

	if (i == u->k->c->nmacros)
		macros_report_unknown(&u->k->expander, name, pos, &u->rule->fields.condition, u->lists);
	else if (uses_add(u->names, i))
		u->k->c->out_of_memory = true;
}

/* Moves messages on, explained. */
static void explain_all(struct compiler *k, struct trace *t, struct diag_list *from)
{
	struct diag_list *to = k->c->diags;

	to->out_of_memory |= from->out_of_memory;
	t->budget = k->traces;
	for (size_t i = 0; i < from->count; i++) {
		/* These are said better by use_name(). */
		if (strcmp(from->items[i].code, "unknown-macro") == 0)
			continue;
		diag_move(to, from->items[i].severity, from, i);
		trace_explain(t, to);
	}
	k->traces = t->budget;
}

/* Puts lists into a text of its own and reads it; its messages go to `out`. 0 or what filter_syntax_parse() says. The
 * expander's text is kept. */
static int parse_apart(struct compiler *k, struct text t, struct diag_list *out)
{
	_autosyntax_ struct filter_syntax *syntax = NULL;
	_cleanup_(uses_free) struct uses used = {0};
	struct expander *x = &k->expander;
	struct text_builder kept[] = {x->buffers[0], x->buffers[1]};
	struct diag_list *all = k->c->diags;
	int r = -EINVAL;

	x->buffers[0] = x->buffers[1] = (struct text_builder){0};
	k->c->diags = out;
	if (expand_text(x, &t, &used)) {
		struct filter_text source = text_for_filter(&t);

		r = filter_syntax_parse(&syntax, &source, out);
	}
	k->c->diags = all;
	for (size_t i = 0; i < 2; i++) {
		text_builder_free(&x->buffers[i]);
		x->buffers[i] = kept[i];
	}
	return r;
}

static bool reads(void *ctx, const struct text *t)
{
	struct compiler *k = ctx;
	_autodiag_ struct diag_list ignored = DIAG_LIST_INIT;

	/* A list whose name is no word is looked for by itself. */
	k->c->searched += t->len + (k->expander.odd ? 16 * k->expander.nlists : 0);
	return k->c->searched > SEARCHED_MAX || k->c->out_of_memory || parse_apart(k, *t, &ignored) != -EINVAL;
}

static void swap_first(struct diag_list *a, struct diag_list *b)
{
	struct diag first = a->items[0];

	a->items[0] = b->items[0];
	b->items[0] = first;
}

/*
 * A syntax error in words that fit what is written: what was joined has parentheses that nobody wrote. First the
 * condition without its exceptions, then each of their values.
 */
static void restate(struct compiler *k, const struct rule_def *rule, struct rule_slot *slot, struct diag_list *found)
{
	_autodiag_ struct diag_list other = {.sources = found->sources};
	struct diag_list *all = k->c->diags;
	bool syntax = strcmp(found->items[0].code, "syntax") == 0;

	if (syntax && rule->fields.nexceptions) {
		if (parse_apart(k, rule->fields.condition, &other) != -EINVAL) {
			k->c->diags = &other;
			(void)exception_report(k->c, rule, reads, k);
			k->c->diags = all;
		}
		if (other.count && strcmp(other.items[0].code, "syntax") == 0)
			swap_first(found, &other);
		found->out_of_memory |= other.out_of_memory;
	}
	(void)macros_restate_list(found, &k->expander, &rule->fields.condition, &slot->lists);
}

/* Makes the tree of a text with exceptions and lists in it. */
static void compile_text(struct compiler *k, const struct rule_def *rule, const struct text *t, struct rule_slot *slot)
{
	_autosyntax_ struct filter_syntax *syntax = NULL;
	_autodiag_ struct diag_list found = {.sources = k->c->diags->sources};
	struct filter_macros macros = {.find = macros_find, .ctx = &k->macros};
	struct filter_text source = text_for_filter(t);
	struct name_use use = {k, rule, &slot->lists, &slot->names};
	int r = filter_syntax_parse(&syntax, &source, &found);

	if (!r) {
		filter_syntax_names(syntax, use_name, &use);
		r = filter_compile(&slot->made.filter, syntax, &macros, &found);
	}
	struct trace trace = {.macros = &k->macros, .rule = rule, .text = t, .syntax = syntax, .lists = &slot->lists};

	k->c->out_of_memory |= r == -ENOMEM;
	if (!syntax && found.count)
		restate(k, rule, slot, &found);
	explain_all(k, &trace, &found);
	if (r)
		return;
	lint_condition(k->c, filter_root(slot->made.filter));
	exception_place(k->c, slot->made.filter, rule);
	check_events(k, rule, &slot->made);
}

/* The owners of words, as numbers. */
enum owner_kind { OWNER_LIST, OWNER_MACRO, OWNER_RULE };

struct word_owner {
	struct compiler *k;
	uint32_t owner;
};

static uint32_t owner_of(enum owner_kind kind, size_t number)
{
	return (uint32_t)number << 2 | kind;
}

static void depend_on_word(void *ctx, const char *word, size_t len)
{
	struct word_owner *o = ctx;

	if (depend_add(&o->k->depend, word, len, o->owner))
		o->k->c->out_of_memory = true;
}

/* Keeps in mind what a text is made of: its words, and the lists that are no words of it any more. */
static void depend_on(struct compiler *k, enum owner_kind kind, size_t number, const struct text *t,
                      const struct uses *lists)
{
	struct word_owner o = {k, owner_of(kind, number)};

	expand_words(t, depend_on_word, &o);
	for (size_t i = 0; i < lists->count; i++) {
		const char *name = k->c->lists[lists->items[i]]->def.name;

		depend_on_word(&o, name, strlen(name));
	}
}

static void compile_condition(struct compiler *k, size_t number, enum compile_rest rest)
{
	_autotext_ struct text_builder joined = {0};
	struct rule_def *rule = k->c->rules[number];
	struct rule_slot *slot = &k->rules[number];

	if (!exception_join(k->c, &joined, rule))
		return;
	k->c->out_of_memory |= joined.out_of_memory;
	if (joined.too_large)
		COLLECT_ERROR(k->c, rule->def.place, "too-large",
		              "with its exceptions, the condition is longer than %d bytes; split it", FILTER_MAX_TEXT);
	if (joined.too_large || joined.out_of_memory)
		return;
	struct text t = text_view(&joined);

	if (!expand_text(&k->expander, &t, &slot->lists))
		return;
	if (rest == COMPILE_MORE_FILES)
		depend_on(k, OWNER_RULE, number, &t, &slot->lists);
	compile_text(k, rule, &t, slot);
}

/* Rules */

/* Whether the first error is one that skip-if-unknown-filter forgives. */
static bool forgives_condition(const struct diag_list *own)
{
	for (size_t i = 0; i < own->count; i++)
		if (own->items[i].severity == DIAG_ERROR)
			return strcmp(own->items[i].code, "unknown-field") == 0 ||
			       strcmp(own->items[i].code, "unknown-event-type") == 0;
	return false;
}

static void forget_rule(struct rule_slot *slot)
{
	filter_free(slot->made.filter);
	slot->made = (struct compiled_rule){0};
	slot->lists.count = slot->names.count = 0;
}

/* The rule with its own messages; what becomes of them is the caller's. True if it is to be skipped. */
static bool compile_parts(struct compiler *k, size_t number, enum compile_rest rest)
{
	const struct rule_def *rule = k->c->rules[number];
	bool forgiven = false, good = check_output(k, rule, &forgiven);

	/* Falco looks no further at a rule that it skips. */
	if (!good && rule->fields.skip_unknown && forgiven)
		return true;
	compile_condition(k, number, rest);
	return good && rule->fields.skip_unknown && forgives_condition(k->c->diags);
}

/* The message without the way out, as what the rule does. */
static const char *fault_of(struct compiler *k, const struct diag_list *own)
{
	static const char field[] = "unknown field ";
	_autobuf_ struct buf text = BUF_INIT;
	const char *message = "";

	for (size_t i = own->count; i; i--)
		if (own->items[i - 1].severity == DIAG_ERROR)
			message = own->items[i - 1].message;
	bool unknown = strncmp(message, field, strlen(field)) == 0;

	buf_adds(&text, unknown ? "names the " : "has this mistake: ");
	buf_add(&text, message, strcspn(message, unknown ? ",;" : ";"));
	char *kept = arena_strndup(&k->c->arena, buf_str(&text), text.len);

	k->c->out_of_memory |= buf_error(&text) || !kept;
	return kept;
}

static void compile_rule(struct compiler *k, size_t number, enum compile_rest rest)
{
	struct diag_list *all = k->c->diags;
	_autodiag_ struct diag_list own = {.sources = all->sources};
	struct rule_def *rule = k->c->rules[number];
	struct rule_slot *slot = &k->rules[number];

	forget_rule(slot);
	slot->stale = false;
	/* A rule with another mistake is still read, to report all of its errors at once; the set is refused anyway. */
	if (rule->def.broken &&
	    (!rule->fields.condition.bytes || !rule->fields.output.bytes || rule->fields.nexceptions))
		return;
	if (!rule->known_source) {
		slot->made.state = RULE_OTHER_SOURCE;
		return;
	}
	k->c->diags = &own;
	bool skip = compile_parts(k, number, rest);

	k->c->diags = all;
	all->out_of_memory |= own.out_of_memory;
	if (skip) {
		slot->made.state = RULE_SKIPPED;
		slot->made.skipped_for = fault_of(k, &own);
		filter_free(slot->made.filter);
		slot->made.filter = NULL;
	}
	for (size_t i = 0; i < own.count; i++)
		diag_move(all, skip ? DIAG_WARNING : own.items[i].severity, &own, i);
}

/* What is stale */

static void mark_owner(void *ctx, uint32_t owner)
{
	struct compiler *k = ctx;
	size_t number = owner >> 2;

	switch ((enum owner_kind)(owner & 3)) {
	case OWNER_LIST:
		k->stale_lists[number] = true;
		break;
	case OWNER_MACRO:
		k->macros.states[number].stale = true;
		break;
	case OWNER_RULE:
		k->rules[number].stale = true;
		break;
	}
}

/* Of lists that have others in them only the outer ones change with them. */
static void mark_texts(void *ctx, uint32_t owner)
{
	if ((owner & 3) != OWNER_LIST)
		mark_owner(ctx, owner);
}

static void mark_changed(struct compiler *k)
{
	struct collection *c = k->c;

	/* A name that is no word can be anywhere. */
	for (size_t i = 0; i < c->nlists && !k->stale; i++)
		k->stale = c->lists[i]->def.changed && is_odd_name(c->lists[i]->def.name);
	for (size_t i = 0; i < c->nlists; i++)
		k->stale_lists[i] = k->stale || c->lists[i]->def.changed;
	for (size_t i = 0; i < c->nmacros; i++)
		k->macros.states[i].stale = k->stale || c->macros[i]->def.changed;
	for (size_t i = 0; i < c->nrules; i++)
		k->rules[i].stale = k->stale || c->rules[i]->def.changed;
	for (size_t i = 0; i < c->nlists && !k->stale; i++)
		if (c->lists[i]->def.changed)
			depend_each(&k->depend, c->lists[i]->def.name, mark_owner, k);
	for (size_t i = 0; i < c->nlists && !k->stale; i++)
		if (k->stale_lists[i] && !c->lists[i]->def.changed)
			depend_each(&k->depend, c->lists[i]->def.name, mark_texts, k);
}

/* Marks what names a macro that changed, through macros. */
struct spreading {
	struct compiler *k;
	struct uses *queue;
};

static void spread_to(void *ctx, uint32_t owner)
{
	struct spreading *s = ctx;
	size_t number = owner >> 2;

	if ((owner & 3) == OWNER_RULE)
		s->k->rules[number].stale = true;
	if ((owner & 3) != OWNER_MACRO || s->k->macros.states[number].stale)
		return;
	s->k->macros.states[number].stale = true;
	if (uses_add(s->queue, number))
		s->k->c->out_of_memory = true;
}

static void spread(struct compiler *k)
{
	_cleanup_(uses_free) struct uses queue = {0};
	struct spreading s = {k, &queue};

	for (size_t i = 0; i < k->macros.count; i++)
		if (k->macros.states[i].stale && uses_add(&queue, i))
			k->c->out_of_memory = true;
	for (size_t i = 0; i < queue.count && !k->c->out_of_memory; i++)
		depend_each(&k->depend, k->macros.states[queue.items[i]].macro.name, spread_to, &s);
}

/* Updating */

static int make_room(struct compiler *k)
{
	size_t n = k->c->nrules;
	bool *lists = realloc(k->stale_lists, k->c->nlists + 1);

	if (lists)
		k->stale_lists = lists;
	if (!lists || expander_grow(&k->expander) || macros_grow(&k->macros))
		return -ENOMEM;
	if (n > k->rules_cap) {
		size_t cap = k->rules_cap * 2 > n ? k->rules_cap * 2 : n;
		struct rule_slot *grown = realloc(k->rules, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		k->rules = grown;
		k->rules_cap = cap;
	}
	for (; k->nrules < n; k->nrules++)
		k->rules[k->nrules] = (struct rule_slot){0};
	return 0;
}

static void update_lists(struct compiler *k, enum compile_rest rest)
{
	static const struct uses nothing = {0};

	for (size_t i = 0; i < k->c->nlists && !k->c->out_of_memory; i++) {
		if (!k->stale_lists[i])
			continue;
		expand_list(&k->expander, i);
		for (size_t n = 0; rest == COMPILE_MORE_FILES && n < k->c->lists[i]->nitems; n++)
			depend_on(k, OWNER_LIST, i, &k->c->lists[i]->items[n], &nothing);
	}
}

static void update_macros(struct compiler *k, enum compile_rest rest)
{
	bool any = false;

	for (size_t i = 0; i < k->macros.count && !k->c->out_of_memory; i++) {
		const struct macro_state *state = &k->macros.states[i];

		if (!state->stale)
			continue;
		any = true;
		macro_parse(&k->macros, i, &k->expander);
		if (rest == COMPILE_MORE_FILES && state->text.bytes)
			depend_on(k, OWNER_MACRO, i, &state->text, &state->lists);
	}
	if (any && !k->c->out_of_memory)
		macros_check(&k->macros, &k->expander);
}

static void settle(struct compiler *k)
{
	for (size_t i = 0; i < k->c->nlists; i++)
		k->c->lists[i]->def.changed = false;
	for (size_t i = 0; i < k->c->nmacros; i++)
		k->c->macros[i]->def.changed = false;
	for (size_t i = 0; i < k->c->nrules; i++)
		k->c->rules[i]->def.changed = false;
	k->compiled = true;
}

void compiler_update(struct compiler *k, enum compile_rest rest)
{
	if (make_room(k)) {
		k->c->out_of_memory = true;
		return;
	}
	k->stale = !k->compiled;
	mark_changed(k);
	update_lists(k, rest);
	update_macros(k, rest);
	if (!k->stale)
		spread(k);
	for (size_t i = 0; i < k->nrules && !k->c->out_of_memory; i++)
		if (k->rules[i].stale)
			compile_rule(k, i, rest);
	settle(k);
}

/* What nothing uses */

static void mark_used(bool *used, const struct uses *u)
{
	for (size_t i = 0; i < u->count; i++)
		used[u->items[i]] = true;
}

/* Lists that are in other lists, whether those are used or not. */
static void mark_nested(const struct collection *c, bool *used)
{
	for (size_t i = 0; i < c->nlists; i++) {
		const struct list_def *list = c->lists[i];

		for (size_t n = 0; n < list->nitems; n++) {
			size_t inner = collection_list_index(c, list->items[n].bytes, list->items[n].len);

			if (inner < c->nlists && c->lists[inner]->def.first < list->def.last)
				used[inner] = true;
		}
	}
}

void compiler_warn_unused(struct compiler *k)
{
	struct collection *c = k->c;
	_autofree_ bool *lists = calloc(c->nlists + 1, 1), *macros = calloc(c->nmacros + 1, 1);

	if (!lists || !macros) {
		c->out_of_memory = true;
		return;
	}
	mark_nested(c, lists);
	for (size_t i = 0; i < k->macros.count; i++) {
		mark_used(lists, &k->macros.states[i].lists);
		mark_used(macros, &k->macros.states[i].names);
	}
	for (size_t i = 0; i < k->nrules; i++) {
		mark_used(lists, &k->rules[i].lists);
		mark_used(macros, &k->rules[i].names);
	}
	for (size_t i = 0; i < c->nmacros; i++)
		if (!macros[i])
			COLLECT_WARN(c, c->macros[i]->def.place, "unused-macro",
			             "no rule and no macro uses the macro '%s'; remove it", c->macros[i]->def.name);
	for (size_t i = 0; i < c->nlists; i++)
		if (!lists[i])
			COLLECT_WARN(c, c->lists[i]->def.place, "unused-list",
			             "no rule, macro or list uses the list '%s'; remove it", c->lists[i]->def.name);
}
