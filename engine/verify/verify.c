/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "verify/change.h"
#include "verify/protocol.h"

/* So many acts of a kind are tried out until the rule judges one. */
#define ACTS_MAX 24

enum {
	BY_CHILD = 1 << 0,  /* the act is that of a child of the actor */
	OF_MEMORY = 1 << 1, /* it is a way to start a program in memory, too */
	OF_FIRST = 1 << 2,  /* of two names it is for rules on the first one alone */
	AT = 1 << 3,        /* the call is that one which takes a directory's descriptor */
};

#define ALL ((1U << VERIFY_ACTS) - 1)
#define ON_PATHS (ALL & ~ACTS_ON_ADDRESSES)
#define ON_ARGUMENTS (ALL & ~ACT(LISTEN))
/* That follow a symbolic link to their file. */
#define FOLLOWING (ACT(EXEC) | ACT(OPEN) | ACT(CHMOD))

/*
 * The ways, and why what comes through by one is no hole where the rule says nothing of it: by its words, since the
 * way changes names that the rule may not ask for (change.h). `call`: the system call that it is to Falco, if another
 * one than that of a plain act: of a rule that does not name it, it is none of the acts. The other calls that do the
 * same are ways as well (act.h).
 */
static const struct way {
	const char *name;
	unsigned int acts;
	const char *call;
	const char *outside;
	unsigned int flags;
} ways[] = {
        {"symlink", FOLLOWING, NULL, NULL, 0},
        {"symlink", ACT(CHOWN), "chown", NULL, 0},
        {"symlink", ACT(LINK), "linkat", NULL, OF_FIRST},
        {"link-name", ACT(EXEC), NULL, "to Falco the process has the link's name", 0},
        {"linked-directory", ON_PATHS, NULL, NULL, 0},
        {"relative", ON_PATHS, NULL, NULL, 0},
        {"dot-dot", ON_PATHS, NULL, NULL, 0},
        {"proc-root", ON_PATHS, NULL, NULL, 0},
        {"long-path", ON_PATHS, NULL, NULL, 0},
        {"directory", ON_PATHS, NULL, NULL, AT},
        {"descriptor", ACT(OPEN) | ACT(CHMOD), NULL, NULL, 0},
        {"descriptor", ACT(CHOWN), "chown", NULL, 0},
        {"descriptor", ACT(LINK), "linkat", NULL, OF_FIRST},
        {"descriptor", ACT(EXEC), "execveat", NULL, OF_MEMORY},
        {"io_uring",
         ACT(OPEN) | ACTS_ON_ADDRESSES | ACT(UNLINK) | ACT(RMDIR) | ACT(RENAME) | ACT(LINK) | ACT(SYMLINK) | ACT(MKDIR),
         NULL, "io_uring makes no system call that Falco sees", 0},
        {"exchange", ACT(RENAME), "renameat2", NULL, 0},
        {"hard-link", FOLLOWING | ACT(CHOWN) | ACT(LINK), NULL,
         "the file has another name then; forbid making the link", OF_FIRST},
        {"rename", FOLLOWING | ACT(CHOWN) | ACT(LINK) | ACT(UNLINK) | ACT(RMDIR) | ACT(RENAME), NULL,
         "the file has another name then; forbid the rename", OF_FIRST},
        {"renamed-directory", ON_PATHS, NULL, "the file has another path then; forbid renaming its directory", 0},
        {"bind-mount", ON_PATHS, NULL, "the file has another path then; forbid the mount", 0},
        {"deep-file", ON_PATHS & ~ACT(EXEC), NULL, "another file, which the rule does not mean", 0},
        {"deeper-file", ON_PATHS & ~ACT(EXEC), NULL, "another file, which the rule does not mean", 0},
        {"copy", ACT(EXEC), NULL, "another file, under another name", 0},
        {"memfd", ACT(EXEC), "execveat", "a program in memory has no path; see proc.is_exe_from_memfd", 0},
        {"shebang", ACT(EXEC), NULL, "to Falco the process has the script's name", 0},
        {"ld.so", ACT(EXEC), NULL, "the program that starts is the loader", 0},
        {"long-arguments", ACT(EXEC), NULL, NULL, OF_MEMORY},
        {"comm", ALL, NULL, NULL, OF_MEMORY},
        {"thread", ALL, NULL, NULL, OF_MEMORY},
        {"vfork", ALL, NULL, NULL, BY_CHILD | OF_MEMORY},
        {"ptrace", ON_ARGUMENTS, NULL, NULL, BY_CHILD},
        {"rewriting-arguments", ACT(EXEC), NULL, NULL, BY_CHILD},
        {"rewriting", ON_ARGUMENTS, NULL, NULL, BY_CHILD},
        {"swapped-link", ON_PATHS & ~ACT(EXEC), NULL, NULL, BY_CHILD},
        {"non-blocking", ACT(CONNECT), NULL, NULL, 0},
        {"mapped", ACTS_ON_ADDRESSES, NULL, NULL, 0},
        {"fast-open", ACT(CONNECT), "sendto", "TCP fast open is no connect to Falco", 0},
        {"sendto", ACT(CONNECT), "sendto", "a datagram without a connection is no connect", 0},
        {"sendmsg", ACT(CONNECT), "sendmsg", "a datagram without a connection is no connect", 0},
};

const char *verify_result_name(enum verify_result r)
{
	static const char *const names[] = {"holds", "exception", "HOLE", "not tested"};

	return names[r];
}

/* ---- one trial --------------------------------------------------------------------------------------------------- */

struct judged {
	struct trial_result did;
	enum verify_verdict verdict;
	bool lost; /* the verdict may be among those that the daemon has no more */
	char reasons[128];
};

/* Of the i-th process, counted from the last one. */
static int ask(const struct verify *v, const struct verify_rule *rule, const struct trial_processes *p, size_t i,
               struct judged *out, struct error *err)
{
	const struct trial_process *process = &p->items[(p->count - 1 - i) % TRIAL_PROCESSES];
	const struct verify_question q = {
	        .rule = rule->name, .pid = process->pid, .since_ns = process->since_ns, .trial = v->trials};
	int error;

	out->verdict = VERIFY_NO_VERDICT;
	out->reasons[0] = '\0';
	error = v->ask(v->ctx, &q, &out->verdict, out->reasons, sizeof(out->reasons), err);
	out->lost = error == -ENODATA;
	return out->lost ? 0 : error;
}

/* The rule holds if it spoke of each that came through; if none did, of one that was stopped. */
static int judge(const struct verify *v, const struct verify_rule *rule, struct judged *out, struct error *err)
{
	const bool through = out->did.status == ACTOR_THROUGH, one_alone = through && !out->did.through.count;
	const struct trial_processes *p = through && !one_alone ? &out->did.through : &out->did.acted;
	size_t n = p->count < TRIAL_PROCESSES ? p->count : TRIAL_PROCESSES;
	int error = 0;

	n = one_alone && n ? 1 : n;
	out->verdict = VERIFY_NO_VERDICT;
	out->reasons[0] = '\0';
	out->lost = false;
	for (size_t i = 0; !error && i < n; i++) {
		struct judged one;

		error = ask(v, rule, p, i, &one, err);
		if (error)
			break;
		out->lost |= one.lost;
		if (!i || (through ? one.verdict < out->verdict : one.verdict > out->verdict)) {
			out->verdict = one.verdict;
			memcpy(out->reasons, one.reasons, sizeof(out->reasons));
		}
		if (out->verdict == (through ? VERIFY_NO_VERDICT : VERIFY_BLOCKED))
			break;
	}
	return error;
}

static int try_it(struct verify *v, const struct verify_rule *rule, const struct trial *t, const char *trick,
                  const char *call, struct judged *out, struct error *err)
{
	const struct trial_way way = {.name = trick, .call = call, .tries = v->tries, .all = !rule->enforced};
	int error;

	v->trials++;
	error = trial_run(&out->did, t, &way, v->place, err);
	return error ? error : judge(v, rule, out, err);
}

#define LOST "verdicts were lost meanwhile: the daemon has too many"

/* ---- what it means ----------------------------------------------------------------------------------------------- */

static bool held(const struct judged *j, bool enforced)
{
	return enforced ? j->did.status == ACTOR_REFUSED && j->verdict == VERIFY_BLOCKED
	                : j->did.status == ACTOR_THROUGH && j->verdict == VERIFY_WOULD_BLOCK;
}

static const char *outside_of(const struct way *w, const struct verify_rule *rule, const struct trial *t, char *text,
                              size_t size)
{
	const struct filter_event_set events = filter_event_types(rule->condition);

	if (w->call && strcmp(w->call, t->call) != 0 && !filter_event_set_has(&events, w->call)) {
		(void)snprintf(text, size, "the rule does not name %s%s%s", w->call, w->outside ? ": " : "",
		               w->outside ? w->outside : "");
		return text;
	}
	if (w->call && !strcmp(w->call, "creat") && t->flags != O_RDONLY)
		return "to Falco a creat has no flags: evt.is_open_write is false";
	return w->outside;
}

static int tell_way(const struct verify *v, const struct verify_rule *rule, const struct trial *t, const struct way *w,
                    const struct judged *j, struct error *err)
{
	char text[384];
	const char *outside;
	int kept;

	if (held(j, rule->enforced)) {
		v->tell(v->ctx, rule, w->name, VERIFY_HOLDS, "");
		return 0;
	}
	if (j->lost && j->verdict == VERIFY_NO_VERDICT) {
		v->tell(v->ctx, rule, w->name, VERIFY_NOT_TESTED, LOST);
		return 0;
	}
	if (j->did.status != ACTOR_THROUGH) {
		(void)snprintf(text, sizeof(text), "%s%s",
		               j->did.status == ACTOR_REFUSED ? "refused, but not by this rule" : j->did.why,
		               j->verdict == VERIFY_BLOCKED ? " (and blocked by the rule)" : "");
		v->tell(v->ctx, rule, w->name, VERIFY_NOT_TESTED, text);
		return 0;
	}
	if (j->verdict == VERIFY_UNCERTAIN) {
		(void)snprintf(text, sizeof(text), "uncertain: %s", j->reasons);
		v->tell(v->ctx, rule, w->name, VERIFY_EXCEPTION, text);
		return 0;
	}
	outside = j->verdict == VERIFY_NO_VERDICT ? outside_of(w, rule, t, text, sizeof(text)) : NULL;
	kept = outside ? change_keeps(rule->condition, t, w->name, w->call) : 0;
	if (kept < 0)
		return error_set(err, kept, "out of memory");
	if (kept)
		outside = NULL;
	v->tell(v->ctx, rule, w->name, outside ? VERIFY_EXCEPTION : VERIFY_HOLE,
	        outside ? outside
	        : kept  ? "the rule's words match it under its other name, too"
	                : "");
	return 0;
}

/* ---- a kind of act ----------------------------------------------------------------------------------------------- */

/* What a rule asks about: an act, and of two names which one. */
struct kind {
	enum verify_act act;
	bool of_other;
};

static struct kind kind_of(const struct need *n)
{
	const enum verify_act act = calls_act(n->calls);

	return (struct kind){act, act_is_one_of(act, ACTS_ON_TWO) && n->other.fit && !n->path.fit};
}

static bool is_of(const struct need *n, const struct kind *k)
{
	const struct kind own = n->calls ? kind_of(n) : (struct kind){0};

	return n->calls && own.act == k->act && own.of_other == k->of_other;
}

static void say_why_not(char *why, size_t size, const struct judged *j, unsigned int tried)
{
	if (j->lost && j->verdict == VERIFY_NO_VERDICT)
		(void)snprintf(why, size, LOST);
	else if (j->verdict == VERIFY_UNCERTAIN)
		(void)snprintf(why, size, "what was done was uncertain: %s", j->reasons);
	else if (j->did.status == ACTOR_IMPOSSIBLE)
		(void)snprintf(why, size, "%.200s", j->did.why);
	else if (j->did.status == ACTOR_REFUSED)
		(void)snprintf(why, size, "what was done was refused, but not by this rule");
	else
		(void)snprintf(why, size, "none of the %u acts that were made up for it was one to the rule", tried);
}

/* The first act of the kind that the rule judges as it says: *out. 1 if there is one, 0 and the reason if not. */
static int find_act(struct verify *v, const struct verify_rule *rule, const struct needs *needs, const struct kind *k,
                    struct trial *out, char *why, size_t size, struct error *err)
{
	unsigned int tried = 0;

	why[0] = '\0';
	for (size_t i = 0; i < needs->count && tried < ACTS_MAX; i++) {
		struct judged j;
		char reason[256];
		int error;

		if (!is_of(&needs->items[i], k))
			continue;
		if (!trial_of(out, &needs->items[i], reason, sizeof(reason))) {
			if (!why[0])
				(void)snprintf(why, size, "%s", reason);
			continue;
		}
		tried++;
		error = try_it(v, rule, out, "plain", NULL, &j, err);
		if (error)
			return error;
		if (held(&j, rule->enforced))
			return 1;
		say_why_not(why, size, &j, tried);
	}
	return 0;
}

/* Why a way is none of this act's; NULL: it is to be tried. */
static const char *why_no_way(const struct way *w, const struct trial *t)
{
	if (w->flags & BY_CHILD && t->parent[0] && t->act != VERIFY_EXEC)
		return "a child does it, whose parent is another";
	return NULL;
}

static bool is_way_of(const struct way *w, const struct trial *t)
{
	return act_is_one_of(t->act, w->acts) && !(t->memory && !(w->flags & OF_MEMORY)) &&
	       !(t->other_is_subject && w->flags & OF_FIRST);
}

static int try_way(struct verify *v, const struct verify_rule *rule, const struct trial *t, const struct way *w,
                   const char *trick, struct error *err)
{
	struct judged j;
	int error;

	if (why_no_way(w, t)) {
		v->tell(v->ctx, rule, w->name, VERIFY_NOT_TESTED, why_no_way(w, t));
		return 0;
	}
	error = try_it(v, rule, t, trick, w->call, &j, err);
	return error ? error : tell_way(v, rule, t, w, &j, err);
}

/* The same by the other calls that there are for it. */
static int try_calls(struct verify *v, const struct verify_rule *rule, const struct trial *t, struct error *err)
{
	int error = 0;

	for (call_set left = calls_of(t->act) & ~calls_named(t->call); !error && left; left &= left - 1) {
		const struct way w = {.name = calls_first(left), .call = calls_first(left)};

		if (!t->memory)
			error = try_way(v, rule, t, &w, "plain", err);
	}
	return error;
}

/* Of the calls that take a directory's descriptor one that the rule names, if there is any. */
static const char *call_at(const struct verify_rule *rule, const struct trial *t)
{
	const struct filter_event_set events = filter_event_types(rule->condition);
	const call_set all = calls_at(calls_of(t->act));

	for (call_set left = all; left; left &= left - 1)
		if (filter_event_set_has(&events, calls_first(left)))
			return calls_first(left);
	return calls_first(all);
}

static int try_ways(struct verify *v, const struct verify_rule *rule, const struct trial *t, struct error *err)
{
	int error = try_calls(v, rule, t, err);

	for (size_t i = 0; !error && i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct way w = ways[i];

		if (w.flags & AT)
			w.call = call_at(rule, t);
		if (is_way_of(&w, t))
			error = try_way(v, rule, t, &w, w.name, err);
	}
	return error;
}

/* ---- a rule ------------------------------------------------------------------------------------------------------ */

#define KINDS_MAX (2 * VERIFY_ACTS)

static size_t kinds_of(struct kind kinds[KINDS_MAX], const struct needs *needs)
{
	size_t n = 0;

	for (size_t i = 0; i < needs->count; i++) {
		size_t k = 0;

		while (k < n && !is_of(&needs->items[i], &kinds[k]))
			k++;
		if (needs->items[i].calls && k == n)
			kinds[n++] = kind_of(&needs->items[i]);
	}
	return n;
}

/* Of a rule none of whose acts is known. */
static const char *why_no_act(const struct needs *needs)
{
	for (size_t i = 0; i < needs->count; i++)
		if (needs->items[i].missing[0])
			return needs->items[i].missing;
	return NULL;
}

static void tell_no_act(struct verify *v, const struct verify_rule *rule, const struct needs *needs)
{
	char why[320] = "no act is known that fits all of its condition";

	if (why_no_act(needs))
		(void)snprintf(why, sizeof(why), "nothing here can bring about: %.200s", why_no_act(needs));
	else if (needs->count)
		(void)snprintf(why, sizeof(why), "it names no event that is known here");
	v->tell(v->ctx, rule, "", VERIFY_NOT_TESTED, why);
}

int verify_rule(struct verify *v, const struct verify_rule *rule, struct error *err)
{
	_autofree_ struct needs *needs = malloc(sizeof(*needs));
	struct kind kinds[KINDS_MAX];
	int error = needs ? needs_of(needs, rule->condition) : -ENOMEM;
	size_t count;

	if (error)
		return error_set(err, error, "out of memory");
	count = kinds_of(kinds, needs);
	if (!count)
		tell_no_act(v, rule, needs);
	for (size_t i = 0; i < count; i++) {
		_autobuf_ struct buf words = BUF_INIT;
		struct trial t;
		char why[320];
		const int found = find_act(v, rule, needs, &kinds[i], &t, why, sizeof(why), err);

		if (found < 0)
			return found;
		if (found)
			trial_print(&words, &t);
		else
			buf_adds(&words, verify_act_name(kinds[i].act));
		v->tell_act(v->ctx, rule, buf_str(&words));
		if (!found)
			v->tell(v->ctx, rule, "", VERIFY_NOT_TESTED, why);
		error = found ? try_ways(v, rule, &t, err) : 0;
		if (error)
			return error;
	}
	return 0;
}
