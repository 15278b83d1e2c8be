/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a way round a rule changes of the names that rules ask for, and whether a condition that holds of the plain act
 * holds by its words of the changed one. Asks nobody: it is how an exception is told from a hole.
 */
#ifndef TERCEL_VERIFY_CHANGE_H
#define TERCEL_VERIFY_CHANGE_H

#include "filter/filter.h"
#include "verify/trial.h"

/*
 * Whether the condition, of which it is known that it holds of the plain act, holds of the act done in that way as
 * well: 1 if it surely does; 0 if it may not, or if nothing is known of the way; -ENOMEM. `call` is the system call
 * that it is then, NULL: that of the plain act. Linear in the size of the condition.
 */
int change_keeps(const struct filter_node *condition, const struct trial *t, const char *way, const char *call);

#endif
