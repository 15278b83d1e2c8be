/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which event types a condition can match, as Falco derives it from comparisons of evt.type. Knows names, no layouts.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "filter/event_names.h"
#include "filter/filter.h"

enum { EVENT_NAMES = sizeof(event_names) / sizeof(*event_names) };
static_assert(EVENT_NAMES <= sizeof(((struct filter_event_set *)0)->words) * 8, "a bit for each event type");

const char *filter_event_name(enum filter_event e)
{
	static const char *const names[FILTER_EVENTS] = {
	        [FILTER_EVENT_EXECVE] = "execve",     [FILTER_EVENT_EXECVEAT] = "execveat",
	        [FILTER_EVENT_CLONE] = "clone",       [FILTER_EVENT_CLONE3] = "clone3",
	        [FILTER_EVENT_FORK] = "fork",         [FILTER_EVENT_VFORK] = "vfork",
	        [FILTER_EVENT_PROCEXIT] = "procexit", [FILTER_EVENT_OPEN] = "open",
	        [FILTER_EVENT_OPENAT] = "openat",     [FILTER_EVENT_OPENAT2] = "openat2",
	        [FILTER_EVENT_CREAT] = "creat",       [FILTER_EVENT_CONNECT] = "connect",
	        [FILTER_EVENT_SOCKET] = "socket",     [FILTER_EVENT_CHDIR] = "chdir",
	        [FILTER_EVENT_FCHDIR] = "fchdir",
	};

	return names[e];
}

static int compare_names(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

/* The name's place in the table, EVENT_NAMES if it is none. */
static size_t event_index(const char *name)
{
	const char *const *found = bsearch(name, event_names, EVENT_NAMES, sizeof(*event_names), compare_names);

	return found ? (size_t)(found - event_names) : EVENT_NAMES;
}

bool filter_event_known(const char *name)
{
	return event_index(name) < EVENT_NAMES;
}

enum { WORDS = sizeof(((struct filter_event_set *)0)->words) / sizeof(uint64_t) };

static void set_add(struct filter_event_set *s, size_t i)
{
	s->words[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool set_has(const struct filter_event_set *s, size_t i)
{
	return i < EVENT_NAMES && (s->words[i / 64] >> (i % 64) & 1);
}

static struct filter_event_set set_all(void)
{
	struct filter_event_set s = {0};

	for (size_t i = 0; i < EVENT_NAMES / 64; i++)
		s.words[i] = UINT64_MAX;
	for (size_t i = EVENT_NAMES - EVENT_NAMES % 64; i < EVENT_NAMES; i++)
		set_add(&s, i);
	return s;
}

static struct filter_event_set set_not(struct filter_event_set a)
{
	struct filter_event_set all = set_all();

	for (size_t i = 0; i < WORDS; i++)
		a.words[i] = all.words[i] & ~a.words[i];
	return a;
}

enum polarity { PLAIN, NEGATED };

static bool names_event_type(const struct filter_node *n)
{
	return n->left->field->id == FIELD_EVT_TYPE || n->left->field->id == FIELD_SYSCALL_TYPE;
}

static struct filter_event_set leaf_events(const struct filter_node *n, enum polarity polarity)
{
	struct filter_event_set s = {0};
	bool negated = polarity == NEGATED;

	if (!names_event_type(n))
		return set_all();
	switch (n->op) {
	case FILTER_OP_EXISTS:
		return negated ? s : set_all();
	case FILTER_OP_NE:
		negated = !negated;
		break;
	case FILTER_OP_EQ:
	case FILTER_OP_IN:
		break;
	default:
		return set_all();
	}
	for (size_t i = 0; i < n->nvalues; i++) {
		size_t event = event_index(n->values[i].text);

		if (event < EVENT_NAMES)
			set_add(&s, event);
	}
	return negated ? set_not(s) : s;
}

static struct filter_event_set node_events(const struct filter_node *n, enum polarity polarity)
{
	if (n->kind == FILTER_LEAF)
		return leaf_events(n, polarity);
	if (n->kind == FILTER_CHECK)
		return set_all();
	if (n->kind == FILTER_NOT)
		return node_events(n->kids[0], polarity == PLAIN ? NEGATED : PLAIN);

	/* De Morgan: under a negation "and" joins and "or" intersects. */
	bool intersect = (n->kind == FILTER_AND) == (polarity == PLAIN);
	struct filter_event_set all = {0};

	if (intersect)
		all = set_all();
	for (size_t k = 0; k < n->nkids; k++) {
		struct filter_event_set s = node_events(n->kids[k], polarity);

		for (size_t i = 0; i < WORDS; i++)
			all.words[i] = intersect ? all.words[i] & s.words[i] : all.words[i] | s.words[i];
	}
	return all;
}

struct filter_event_set filter_event_types(const struct filter_node *node)
{
	return node_events(node, PLAIN);
}

bool filter_event_set_has(const struct filter_event_set *s, const char *name)
{
	return set_has(s, event_index(name));
}

bool filter_event_set_has_event(const struct filter_event_set *s, enum filter_event e)
{
	return filter_event_set_has(s, filter_event_name(e));
}

size_t filter_event_set_count(const struct filter_event_set *s)
{
	size_t n = 0;

	for (size_t i = 0; i < WORDS; i++)
		n += (size_t)__builtin_popcountll(s->words[i]);
	return n;
}

void filter_event_set_each(const struct filter_event_set *s, void (*visit)(void *ctx, const char *name), void *ctx)
{
	for (size_t i = 0; i < EVENT_NAMES; i++)
		if (set_has(s, i))
			visit(ctx, event_names[i]);
}
