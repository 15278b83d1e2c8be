/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files define, before anything is put together: lists, macros and rules by name, with appending, overriding
 * and Falco's order of visibility. Private to engine/rules.
 */
#ifndef TERCEL_RULES_COLLECT_H
#define TERCEL_RULES_COLLECT_H

#include "base/table.h"
#include "rules/rules.h"
#include "rules/text.h"

/* A name that files define. A definition sees what was first defined before its own last change, as in Falco. */
struct definition {
	const char *name;
	struct text_place place; /* of the name, where it was defined last */
	size_t first;            /* running number of its first definition */
	size_t last;             /* of its last definition or extension */
	bool broken;             /* something in it is wrong and was reported */
	bool changed;            /* since it was compiled */
};

struct list_def {
	struct definition def;
	struct text *items;
	size_t nitems, cap; /* cap: of an array of the list's own, that appending may fill; else 0 */
};

struct macro_def {
	struct definition def;
	struct text condition;
};

/* One part of an exception: a text or a list of parts. */
struct exception_entry {
	bool is_list;
	struct text_place place;
	struct text item; /* without bytes: there is nothing, or no text */
	struct exception_entry *items;
	size_t nitems;
};

/* Whether there is something in it: Falco takes what is empty for not being there. */
bool exception_given(const struct exception_entry *e);

struct exception {
	const char *name;
	struct text_place place;
	struct exception_entry fields, comps;
	struct exception_entry *values;
	size_t nvalues;
};

enum rule_key {
	KEY_CONDITION = 0,
	KEY_OUTPUT,
	KEY_DESC,
	KEY_PRIORITY,
	KEY_TAGS,
	KEY_EXCEPTIONS,
	KEY_ENABLED,
	KEY_WARN_EVTTYPES,
	KEY_SKIP_UNKNOWN,
	KEY_CAPTURE,
	KEY_CAPTURE_DURATION,
	RULE_KEYS,
};

/* What a rule item says; `given` has a bit for each key that is there. */
struct rule_fields {
	unsigned int given;
	struct text condition, output, desc;
	enum rule_priority priority;
	const char **tags;
	size_t ntags;
	struct exception *exceptions;
	size_t nexceptions;
	bool enabled, warn_evttypes, skip_unknown;
	bool extended; /* the condition was appended to */
};

struct rule_def {
	struct definition def;
	const char *source; /* "" in an update that names none */
	bool known_source;
	struct rule_fields fields;
};

struct collection {
	struct arena arena; /* of everything below but the arrays */
	struct list_def **lists;
	size_t nlists;
	struct macro_def **macros;
	size_t nmacros;
	struct rule_def **rules;
	size_t nrules;
	struct table list_names, macro_names, rule_names;
	size_t next;        /* running number */
	size_t joined;      /* bytes that joining copied */
	size_t suggestions; /* comparisons that looking for similar names made */
	size_t searched;    /* bytes that were read again to find words for a mistake */
	struct diag_list *diags;
	bool incomplete; /* some definitions could not be read: what seems to be missing may be among them */
	bool out_of_memory;
};

/* Past this, messages are less exact. */
enum { SEARCHED_MAX = 64 << 20 };

void collection_free(struct collection *c);

/* NULL if there is none. */
struct list_def *collection_list(const struct collection *c, const char *name);
struct macro_def *collection_macro(const struct collection *c, const char *name);
struct rule_def *collection_rule(const struct collection *c, const char *name);

/* The place in `macros`, nmacros if there is none; the same for `lists`. */
size_t collection_macro_index(const struct collection *c, const char *name);
size_t collection_list_index(const struct collection *c, const char *name, size_t len);

/* The name that is nearest to one that is not there; NULL if none is near. */
const char *collection_suggest_list(struct collection *c, const char *name);
const char *collection_suggest_macro(struct collection *c, const char *name);
const char *collection_suggest_rule(struct collection *c, const char *name);

/* Each takes over a new definition or joins it with the one of that name. `fields` of an update has only the keys to
 * change. False after an error that was reported, or without memory. */
bool collection_define_list(struct collection *c, struct list_def *list);
bool collection_append_list(struct collection *c, const struct list_def *list);
bool collection_define_macro(struct collection *c, struct macro_def *macro);
bool collection_append_macro(struct collection *c, const struct macro_def *macro);
bool collection_define_rule(struct collection *c, struct rule_def *rule);
bool collection_append_rule(struct collection *c, const struct rule_def *update);
bool collection_replace_rule(struct collection *c, const struct rule_def *update);

/* Switches an earlier rule on or off. */
bool collection_enable_rule(struct collection *c, const struct rule_def *rule, bool enabled);

/* Memory of the collection; NULL sets out_of_memory. */
void *collection_alloc(struct collection *c, size_t size);

/* Adds an error or a warning about a place to the collection's diagnostics. */
#define COLLECT_ERROR(c, place, code, ...) diag_add((c)->diags, DIAG_ERROR, text_place_pos(place), code, __VA_ARGS__)
#define COLLECT_WARN(c, place, code, ...) diag_add((c)->diags, DIAG_WARNING, text_place_pos(place), code, __VA_ARGS__)

#endif
