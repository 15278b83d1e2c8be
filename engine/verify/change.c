/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons of what the way changes are answered for both acts by the exact evaluator; all others have the same
 * answer for both, whichever it is.
 */
#include "verify/change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "filter/eval.h"
#include "verify/protocol.h"

/* Bytes of a process's name, as the kernel cuts it. */
#define NAME_MAX_BYTES 15

enum {
	NAME_ALONE = 1 << 0,     /* the file is the same one; only what the process is called differs */
	TOLD_OTHERWISE = 1 << 1, /* the program has other arguments */
	NO_FILE = 1 << 2,        /* the program has no name that is known here */
	TO_UPPER = 1 << 3,       /* in an overlay the file is then in its upper layer */
	TO_OTHER = 1 << 4,       /* in an overlay the file is in the other layer */
};

static const struct change {
	const char *way;
	const char *above;         /* what is put before its path */
	const char *directory;     /* instead of the one it has; NULL: the same */
	const char *directory_end; /* what is put behind that */
	const char *name, *end;    /* instead of its name, NULL: the same; and behind it */
	unsigned int flags;
} changes[] = {
        {"link-name", "", NULL, "", ACTOR_OTHER_NAME, "", NAME_ALONE},
        {"shebang", "", NULL, "", ACTOR_SCRIPT, "", NAME_ALONE | TOLD_OTHERWISE},
        {"hard-link", "", NULL, "", NULL, ACTOR_LINKED, TO_UPPER},
        {"rename", "", NULL, "", NULL, ACTOR_RENAMED, TO_UPPER},
        {"renamed-directory", "", NULL, ACTOR_RENAMED, NULL, "", 0},
        {"deep-file", "", NULL, "/" ACTOR_DEEP_NAME, NULL, "", 0},
        {"deeper-file", "", NULL, "/" ACTOR_DEEP_NAME, NULL, "", 0},
        {"bind-mount", ACTOR_BOUND, NULL, "", NULL, "", 0},
        {"copy", "", ACTOR_SCRATCH, "", ACTOR_COPY, "", TO_UPPER},
        {"ld.so", "", ACTOR_SCRATCH, "", ACTOR_LOADER, "", TO_OTHER | TOLD_OTHERWISE},
        {"memfd", "", NULL, "", NULL, "", NO_FILE},
};

/* What is known of an act. */
struct facts {
	char directory[4 * NEED_TEXT_MAX], filename[3 * NEED_TEXT_MAX], path[8 * NEED_TEXT_MAX];
	char other[4 * NEED_TEXT_MAX];
	char name[NAME_MAX_BYTES + 1]; /* of the program that is started */
	const char *call;
	bool upper, from_memfd, named;
};

struct comparer {
	const struct change *change;
	enum verify_act act;
	struct facts plain, changed;
	int error;
};

static void set_name(struct facts *f, const char *name)
{
	(void)snprintf(f->name, sizeof(f->name), "%.*s", NAME_MAX_BYTES, name);
}

static void set_path(struct facts *f, const char *directory, const char *filename)
{
	(void)snprintf(f->directory, sizeof(f->directory), "%.900s", *directory ? directory : "/");
	(void)snprintf(f->filename, sizeof(f->filename), "%.700s", filename);
	(void)snprintf(f->path, sizeof(f->path), "%s/%s", strcmp(f->directory, "/") ? f->directory : "", f->filename);
}

/* Of `path` as the way changes it. */
static void change_path(struct facts *f, const struct change *ch, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char directory[4 * NEED_TEXT_MAX], filename[3 * NEED_TEXT_MAX], own[2 * NEED_TEXT_MAX];

	(void)snprintf(own, sizeof(own), "%.*s", slash ? (int)(slash - path) : 0, path);
	(void)snprintf(directory, sizeof(directory), "%s%.500s%s", ch->above, ch->directory ? ch->directory : own,
	               ch->directory_end);
	(void)snprintf(filename, sizeof(filename), "%.500s%s", ch->name ? ch->name : base, ch->end);
	set_path(f, directory, filename);
}

/* Of an act on two names most ways change the one that the rule asks for. */
static void change_names(struct comparer *c, const struct trial *t)
{
	const struct change *ch = c->change;
	const bool both = *ch->above, other = t->other_is_subject && t->act != VERIFY_SYMLINK;
	struct facts of_other;

	change_path(&of_other, ch, t->other);
	if (t->act != VERIFY_SYMLINK && (other || both))
		(void)snprintf(c->changed.other, sizeof(c->changed.other), "%.1000s", of_other.path);
	if (!other || both)
		change_path(&c->changed, ch, t->path);
}

static void know_both(struct comparer *c, const struct trial *t, const char *call)
{
	static const struct change none = {"", "", NULL, "", NULL, "", 0};
	const struct change *ch = c->change;

	change_path(&c->plain, &none, t->path);
	set_name(&c->plain, c->plain.filename);
	(void)snprintf(c->plain.other, sizeof(c->plain.other), "%s", t->other);
	c->plain.named = true;
	c->plain.call = t->call;
	c->plain.upper = t->upper_layer == NEED_YES;
	c->changed = c->plain;
	if (!(ch->flags & NAME_ALONE))
		change_names(c, t);
	set_name(&c->changed, ch->flags & NAME_ALONE ? ch->name : c->changed.filename);
	c->changed.call = call ? call : c->plain.call;
	c->changed.named = !(ch->flags & NO_FILE);
	c->changed.from_memfd = ch->flags & NO_FILE;
	if (ch->flags & NO_FILE)
		c->changed.upper = false;
	else if (t->upper_layer != NEED_EITHER && ch->flags & (TO_UPPER | TO_OTHER))
		c->changed.upper = ch->flags & TO_UPPER || !c->plain.upper;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

enum knowledge { SAME, UNKNOWN, GIVEN };

/* Fields that are none of the names, for which UNKNOWN is the answer to be on the safe side. */
static enum knowledge of_others(const struct comparer *c, const struct filter_term *f)
{
	static const char *const same[] = {"fd.num",  "fd.type",    "fd.typechar", "evt.dir",
	                                   "evt.res", "evt.rawres", "evt.failed",  "evt.num"};
	const char *name = f->field->name, *arg = f->arg_text ? f->arg_text : "";

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (!strcmp(same[i], name))
			return SAME;
	if (!strcmp(name, "evt.arg") && c->act != VERIFY_EXEC && (!strcmp(arg, "flags") || !strcmp(arg, "mode")))
		return c->changed.call == c->plain.call ? SAME : UNKNOWN;
	if (!strncmp(name, "evt.a", 5) || !strncmp(name, "fs.", 3) || !strncmp(name, "fd.", 3))
		return UNKNOWN;
	if (!strncmp(name, "evt.", 4) || !strncmp(name, "syscall.", 8))
		return c->changed.call == c->plain.call ? SAME : UNKNOWN;
	if (c->act != VERIFY_EXEC)
		return SAME;
	/* An ancestor of distance 0 is the process itself. */
	if (!strcmp(arg, "0") && !strncmp(name, "proc.a", 6))
		return UNKNOWN;
	if (!strncmp(name, "proc.exe_", 9) || !strncmp(name, "proc.is_exe_", 12))
		return c->change->flags & NAME_ALONE ? SAME : UNKNOWN;
	if (!strncmp(name, "proc.cmdline", 12))
		return UNKNOWN;
	if (!strncmp(name, "proc.exe", 8) || !strncmp(name, "proc.cmd", 8) || !strcmp(name, "proc.args"))
		return c->change->flags & TOLD_OTHERWISE ? UNKNOWN : SAME;
	return SAME;
}

/* The text of a field that is a name of what is acted on; NULL: it is none. Which it is depends on the act. */
static const char *name_in(const struct facts *of, const struct filter_term *f, enum verify_act act)
{
	static const char *const paths[] = {"name", "path", "filename", "pathname", "oldpath", "linkpath"};
	const char *arg = f->arg_text ? f->arg_text : "";
	const bool is_link = act == VERIFY_LINK;

	if (act == VERIFY_OPEN || act == VERIFY_EXEC || act_is_one_of(act, ACTS_ON_ADDRESSES))
		return NULL;
	if (f->field->id == FIELD_FS_PATH_NAME)
		return of->path;
	if (f->field->id == FIELD_FS_PATH_SOURCE || f->field->id == FIELD_FS_PATH_TARGET)
		return (f->field->id == FIELD_FS_PATH_SOURCE) == is_link ? of->other : of->path;
	if (strcmp(f->field->name, "evt.arg") != 0)
		return NULL;
	if (!strcmp(arg, "newpath") || !strcmp(arg, "target"))
		return of->other;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (!strcmp(paths[i], arg))
			return of->path;
	return NULL;
}

/* The value of a field that is one of the facts. */
static enum knowledge value_of(const struct comparer *c, const struct facts *of, const struct filter_term *f,
                               struct eval_item *out)
{
	const struct {
		enum field_id id;
		enum verify_act act;
		const char *text; /* NULL: a boolean */
		bool yes;
	} given[] = {
	        {FIELD_PROC_NAME, VERIFY_EXEC, of->name, false},
	        {FIELD_PROC_EXEPATH, VERIFY_EXEC, of->path, false},
	        {FIELD_PROC_IS_EXE_UPPER_LAYER, VERIFY_EXEC, NULL, of->upper},
	        {FIELD_PROC_IS_EXE_FROM_MEMFD, VERIFY_EXEC, NULL, of->from_memfd},
	        {FIELD_FD_NAME, VERIFY_OPEN, of->path, false},
	        {FIELD_FD_DIRECTORY, VERIFY_OPEN, of->directory, false},
	        {FIELD_FD_FILENAME, VERIFY_OPEN, of->filename, false},
	};
	const char *text = name_in(of, f, c->act);

	if (f->field->id == FIELD_EVT_TYPE)
		text = of->call;
	if (text) {
		*out = eval_text(text, strlen(text));
		return GIVEN;
	}
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		if (given[i].id != f->field->id || given[i].act != c->act)
			continue;
		if (given[i].text && !of->named)
			return UNKNOWN;
		*out = given[i].text ? eval_text(given[i].text, strlen(given[i].text))
		                     : (struct eval_item){.as.u64 = given[i].yes};
		return GIVEN;
	}
	return of_others(c, f);
}

/* ---- conditions -------------------------------------------------------------------------------------------------- */

enum truth { NO, YES, MAYBE };

/* Of a part of the condition: what it is for each act, and which follows from which. */
struct answer {
	enum truth plain, changed;
	bool forward, backward; /* if it holds of the plain act, it does of the changed one; the other way round */
};

#define FIELDS_MAX 8

/* What a comparison is for one act; SAME if nothing that it asks for is known here or changed. */
static enum knowledge compare(struct comparer *c, const struct facts *of, const struct eval *e, bool *holds)
{
	_autoevent_ struct eval_event *event = NULL;
	struct eval_item values[FIELDS_MAX];
	size_t given = 0, same = 0;

	if (eval_fields(e) > FIELDS_MAX)
		return UNKNOWN;
	if (eval_event_new(&event, e)) {
		c->error = -ENOMEM;
		return UNKNOWN;
	}
	eval_event_clear(event);
	for (size_t i = 0; i < eval_fields(e); i++) {
		const enum knowledge k = value_of(c, of, eval_field(e, i), &values[i]);

		if (k == UNKNOWN)
			return UNKNOWN;
		if (k == GIVEN)
			eval_event_set(event, i, &values[i], 1);
		given += k == GIVEN;
		same += k == SAME;
	}
	if (!given)
		return SAME;
	*holds = eval_run(e, event, 0);
	if (eval_event_error(event))
		c->error = eval_event_error(event);
	return same ? UNKNOWN : GIVEN;
}

static struct answer of_leaf(struct comparer *c, const struct filter_node *n)
{
	const struct answer nothing = {MAYBE, MAYBE, false, false};
	_autoeval_ struct eval *e = NULL;
	bool plain = false, changed = false;
	enum knowledge k;
	int error = eval_compile(&e, &n, 1, NULL);

	if (error) {
		c->error = error == -ENOMEM ? error : c->error;
		return nothing;
	}
	k = compare(c, &c->plain, e, &plain);
	if (k == SAME)
		return (struct answer){MAYBE, MAYBE, true, true};
	if (k == UNKNOWN || compare(c, &c->changed, e, &changed) != GIVEN)
		return nothing;
	return (struct answer){plain ? YES : NO, changed ? YES : NO, !plain || changed, !changed || plain};
}

/* `absorbing`: what one kid makes of the whole, whatever the others are. */
static enum truth join(enum truth a, enum truth b, enum truth absorbing)
{
	if (a == absorbing || b == absorbing)
		return absorbing;
	return a == MAYBE || b == MAYBE ? MAYBE : a;
}

static struct answer of_node(struct comparer *c, const struct filter_node *n);

static struct answer of_kids(struct comparer *c, const struct filter_node *n)
{
	const enum truth absorbing = n->kind == FILTER_AND ? NO : YES, neutral = n->kind == FILTER_AND ? YES : NO;
	struct answer all = {neutral, neutral, true, true};

	for (size_t i = 0; i < n->nkids; i++) {
		const struct answer one = of_node(c, n->kids[i]);

		all.plain = join(all.plain, one.plain, absorbing);
		all.changed = join(all.changed, one.changed, absorbing);
		all.forward &= one.forward;
		all.backward &= one.backward;
	}
	all.forward |= all.changed == YES || all.plain == NO;
	all.backward |= all.plain == YES || all.changed == NO;
	return all;
}

static enum truth negation(enum truth t)
{
	return t == MAYBE ? MAYBE : t == YES ? NO : YES;
}

static struct answer of_node(struct comparer *c, const struct filter_node *n)
{
	struct answer kid;

	if (n->kind == FILTER_AND || n->kind == FILTER_OR)
		return of_kids(c, n);
	if (n->kind != FILTER_NOT)
		return of_leaf(c, n);
	kid = of_node(c, n->kids[0]);
	return (struct answer){negation(kid.plain), negation(kid.changed), kid.backward, kid.forward};
}

int change_keeps(const struct filter_node *condition, const struct trial *t, const char *way, const char *call)
{
	struct comparer c = {.act = t->act};
	struct answer a;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (!strcmp(changes[i].way, way))
			c.change = &changes[i];
	if (!c.change || act_is_one_of(t->act, ACTS_ON_ADDRESSES))
		return 0;
	know_both(&c, t, call);
	a = of_node(&c, condition);
	return c.error ? c.error : a.forward;
}
