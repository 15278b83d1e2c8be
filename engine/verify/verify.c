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

#define ACT(act) (1U << VERIFY_##act)

/* So many acts are tried out until the rule judges one. */
#define ACTS_MAX 24

enum {
	BY_CHILD = 1 << 0,  /* the act is that of a child of the actor */
	OF_MEMORY = 1 << 1, /* it is a way to start a program in memory, too */
};

/*
 * The ways, and why what comes through by one is no hole where the rule says nothing of it: by its words, since the
 * way changes names that the rule may not ask for (change.h). `call`: the system call that it is to Falco, if another
 * one than that of a plain act: of a rule that does not name it, it is none of the acts.
 */
static const struct way {
	const char *name;
	unsigned int acts;
	const char *call;
	const char *outside;
	unsigned int flags;
} ways[] = {
        {"symlink", ACT(EXEC) | ACT(OPEN), NULL, NULL, 0},
        {"link-name", ACT(EXEC), NULL, "to Falco the process has the link's name", 0},
        {"relative", ACT(EXEC) | ACT(OPEN), NULL, NULL, 0},
        {"dot-dot", ACT(EXEC) | ACT(OPEN), NULL, NULL, 0},
        {"proc-root", ACT(EXEC) | ACT(OPEN), NULL, NULL, 0},
        {"long-path", ACT(EXEC) | ACT(OPEN), NULL, NULL, 0},
        {"directory", ACT(OPEN), NULL, NULL, 0},
        {"directory", ACT(EXEC), "execveat", NULL, 0},
        {"descriptor", ACT(OPEN), NULL, NULL, 0},
        {"descriptor", ACT(EXEC), "execveat", NULL, OF_MEMORY},
        {"openat2", ACT(OPEN), "openat2", NULL, 0},
        {"creat", ACT(OPEN), "creat", NULL, 0},
        {"handle", ACT(OPEN), "open_by_handle_at", NULL, 0},
        {"io_uring", ACT(OPEN) | ACT(CONNECT), NULL, "io_uring makes no system call that Falco sees", 0},
        {"hard-link", ACT(EXEC) | ACT(OPEN), NULL, "the file has another name then; forbid making the link", 0},
        {"rename", ACT(EXEC) | ACT(OPEN), NULL, "the file has another name then; forbid the rename", 0},
        {"bind-mount", ACT(EXEC) | ACT(OPEN), NULL, "the file has another path then; forbid the mount", 0},
        {"copy", ACT(EXEC), NULL, "another file, under another name", 0},
        {"memfd", ACT(EXEC), "execveat", "a program in memory has no path; see proc.is_exe_from_memfd", 0},
        {"shebang", ACT(EXEC), NULL, "to Falco the process has the script's name", 0},
        {"ld.so", ACT(EXEC), NULL, "the program that starts is the loader", 0},
        {"long-arguments", ACT(EXEC), NULL, NULL, OF_MEMORY},
        {"comm", ACT(EXEC) | ACT(OPEN) | ACT(CONNECT), NULL, NULL, OF_MEMORY},
        {"thread", ACT(EXEC) | ACT(OPEN) | ACT(CONNECT), NULL, NULL, OF_MEMORY},
        {"vfork", ACT(EXEC) | ACT(OPEN) | ACT(CONNECT), NULL, NULL, BY_CHILD | OF_MEMORY},
        {"ptrace", ACT(EXEC) | ACT(OPEN) | ACT(CONNECT), NULL, NULL, BY_CHILD},
        {"rewriting-arguments", ACT(EXEC), NULL, NULL, BY_CHILD},
        {"rewriting", ACT(EXEC) | ACT(OPEN) | ACT(CONNECT), NULL, NULL, BY_CHILD},
        {"swapped-link", ACT(OPEN), NULL, NULL, BY_CHILD},
        {"non-blocking", ACT(CONNECT), NULL, NULL, 0},
        {"mapped", ACT(CONNECT), NULL, NULL, 0},
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
                  struct judged *out, struct error *err)
{
	const struct trial_way way = {.name = trick, .tries = v->tries, .all = !rule->enforced};
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

	if (w->call && !filter_event_set_has(&events, w->call)) {
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

/* ---- a rule ------------------------------------------------------------------------------------------------------ */

/* The first act that the rule judges as it says: *out. 1 if there is one, 0 and the reason if not. */
static int find_act(struct verify *v, const struct verify_rule *rule, const struct needs *needs, struct trial *out,
                    char *why, size_t size, struct error *err)
{
	unsigned int tried = 0;

	(void)snprintf(why, size, "%s", needs->count ? "" : "no act is known that fits all of its condition");
	for (size_t i = 0; i < needs->count && tried < ACTS_MAX; i++) {
		struct need need = needs->items[i];
		struct judged j;
		char reason[256];
		int error;

		if (!need.has_act) {
			if (!why[0])
				(void)snprintf(why, size, "it names no exec, open or connect");
			continue;
		}
		if (!trial_of(out, &need, reason, sizeof(reason))) {
			if (!why[0])
				(void)snprintf(why, size, "%s", reason);
			continue;
		}
		tried++;
		error = try_it(v, rule, out, "plain", &j, err);
		if (error)
			return error;
		if (held(&j, rule->enforced))
			return 1;
		if (j.lost && j.verdict == VERIFY_NO_VERDICT)
			(void)snprintf(why, size, LOST);
		else if (j.verdict == VERIFY_UNCERTAIN)
			(void)snprintf(why, size, "what was done was uncertain: %s", j.reasons);
		else if (j.did.status == ACTOR_IMPOSSIBLE)
			(void)snprintf(why, size, "%.200s", j.did.why);
		else if (j.did.status == ACTOR_REFUSED)
			(void)snprintf(why, size, "what was done was refused, but not by this rule");
		else
			(void)snprintf(why, size, "none of the %u acts that were made up for it was one to the rule",
			               tried);
	}
	return 0;
}

int verify_rule(struct verify *v, const struct verify_rule *rule, struct error *err)
{
	_autofree_ struct needs *needs = malloc(sizeof(*needs));
	_autobuf_ struct buf words = BUF_INIT;
	struct trial t;
	char why[320];
	int found = needs ? needs_of(needs, rule->condition) : -ENOMEM;

	if (found)
		return error_set(err, found, "out of memory");
	found = find_act(v, rule, needs, &t, why, sizeof(why), err);
	if (found < 0)
		return found;
	if (!found) {
		v->tell(v->ctx, rule, "", VERIFY_NOT_TESTED, why);
		return 0;
	}
	trial_print(&words, &t);
	v->tell_act(v->ctx, rule, buf_str(&words));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct judged j;
		int error;

		if (!(ways[i].acts >> t.act & 1) || (t.memory && !(ways[i].flags & OF_MEMORY)))
			continue;
		if (ways[i].flags & BY_CHILD && t.parent[0] && t.act != VERIFY_EXEC) {
			v->tell(v->ctx, rule, ways[i].name, VERIFY_NOT_TESTED,
			        "a child does it, whose parent is another");
			continue;
		}
		error = try_it(v, rule, &t, ways[i].name, &j, err);
		if (!error)
			error = tell_way(v, rule, &t, &ways[i], &j, err);
		if (error)
			return error;
	}
	return 0;
}
