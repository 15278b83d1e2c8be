/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folds verdicts that say the same thing over and over: a process that tries again and again what it may not. Of those
 * that differ in nothing but their time and thread the first few of a second are told, and then, when that second is
 * over, the last one with the number of those between. Inner header of engine/cli.
 *
 * Nothing is lost: what is told and what is folded are all verdicts that there were.
 */
#ifndef TERCEL_CLI_FOLD_H
#define TERCEL_CLI_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "bpf/abi.h"

/* So many of the same in this time are told one by one. */
#define FOLD_AFTER 10
#define FOLD_NS 1000000000ULL

/* Tells a verdict that stands for `folded` others before it, too. */
typedef void fold_tell(void *ctx, const struct tercel_verdict *v, uint64_t folded);

struct fold;

/* 0 or -ENOMEM. */
int fold_new(struct fold **out, fold_tell *tell, void *ctx);
void fold_free(struct fold *f);
static inline void cleanup_fold(struct fold **f)
{
	fold_free(*f);
}
#define _autofold_ _cleanup_(cleanup_fold)

/* Takes a verdict, whose record was checked, and tells it now or later. */
void fold_take(struct fold *f, const struct tercel_verdict *v);

/* Tells those whose second is over at `now`, CLOCK_BOOTTIME ns. */
void fold_tick(struct fold *f, uint64_t now);

/* Tells those of a process that is about to be forgotten; or all. */
void fold_end_process(struct fold *f, struct tercel_exec_id id);
void fold_end(struct fold *f);

/* How many were folded into others so far. */
uint64_t fold_count(const struct fold *f);

#endif
