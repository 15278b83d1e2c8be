/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the policy that is in force: what it was made of, its generations, what was changed in it at run time,
 * what waits for a confirmation, and the fuses of its rules. Decides nothing about acts, and touches no kernel: who
 * puts an image in force is asked by a callback.
 *
 * A change is whole or not at all: what is refused leaves everything as it was.
 */
#ifndef TERCEL_DAEMON_LIVE_H
#define TERCEL_DAEMON_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "daemon/plan.h"

struct live;

/* What a rule of the policy in force has done in its generation. */
struct live_rule {
	const char *name;
	const char *class; /* "exact", "narrow", "detect-only" */
	enum tercel_mode mode;
	enum tercel_action action;
	uint64_t blocked, would_block, uncertain;
	bool blown; /* its fuse has put it into monitor mode */
};

struct live_config {
	const char *file;    /* the policy file; borrowed */
	uint32_t points;     /* 1 << enum tercel_point: those that this machine offers */
	uint32_t generation; /* of the first image; later ones are counted up from it. Not 0 */
	/* Puts the image of a plan in force. 0, or -errno with its reason; the one before is then still in force. */
	int (*put)(void *ctx, const struct plan *plan, const struct image *image, uint32_t generation,
	           struct error *err);
	/* Says what happened without being asked for: one line. NULL: nobody listens. */
	void (*note)(void *ctx, const char *text);
	void *ctx;
};

/* Reads the policy and makes its image; nothing is in force before live_begin(). Errors as plan_load(). */
int live_new(struct live **out, const struct live_config *config, struct diag_list *diags);
void live_free(struct live *l);
static inline void cleanup_live(struct live **l)
{
	live_free(*l);
}
#define _autolive_ _cleanup_(cleanup_live)

int live_begin(struct live *l, struct error *err);

/* What is in force (before live_begin(): what will be). Valid until the next change. */
const struct plan *live_plan(const struct live *l);
const struct image *live_image(const struct live *l);
uint32_t live_generation(const struct live *l);
struct live_rule live_rule(const struct live *l, size_t i); /* i < live_image()->nrules */

/* Of what waits for a confirmation: nanoseconds until it is taken back; 0: nothing waits. */
uint64_t live_unconfirmed_ns(const struct live *l, uint64_t now_ns);

/*
 * Puts the policy of a file in force; NULL: of the same file again, with what changed in it. Modes that were set at run
 * time are gone. With `confirm_ns` it is taken back by itself after that time unless live_confirm() comes before; 0: it
 * stays. 0; -EINVAL or -E2BIG after adding what is wrong to `diags`; -EBUSY: another waits for its confirmation;
 * -ENOMEM.
 */
int live_apply(struct live *l, const char *file, uint64_t confirm_ns, uint64_t now_ns, struct diag_list *diags);
int live_confirm(struct live *l, struct error *err); /* -ENOENT: nothing waits */

/* Sets the mode of the rule of that name, or else of those that the glob names, until the next live_apply(). As
 * live_apply(). */
int live_set_mode(struct live *l, const char *rules, enum tercel_mode mode, struct diag_list *diags);

/* Takes a verdict into account: for the rule of that name, also if modes were changed since it was made. */
void live_verdict(struct live *l, const struct tercel_verdict *v);

/* How many there were that no rule in force was told of: of a policy before it, or of rules that are off by now. */
uint64_t live_late(const struct live *l);

/* To be called several times a second: does what is due. */
void live_tick(struct live *l, uint64_t now_ns);

#endif
