/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as JSON: one flat object each, from field to value, for the offline evaluator and for tests. Knows the types
 * of fields; not where lines come from.
 */
#ifndef TERCEL_FILTER_EVAL_INPUT_H
#define TERCEL_FILTER_EVAL_INPUT_H

#include "filter/eval.h"

struct eval_input;

/*
 * A reader for the fields of a program, which must outlive it. `unknown` is called once for each name in the lines that
 * is no field (it may be NULL). 0 or -ENOMEM.
 */
int eval_input_new(struct eval_input **out, const struct eval *e, void (*unknown)(void *ctx, const char *name),
                   void *ctx);
void eval_input_free(struct eval_input *in);
static inline void cleanup_eval_input(struct eval_input **in)
{
	eval_input_free(*in);
}
#define _autoinput_ _cleanup_(cleanup_eval_input)

/*
 * Begins the next event and gives it the values of a line. A key is a field as one writes it in a condition
 * ("proc.aname[2]", "evt.arg.flags"); an absent key, or null, is a missing value. A list field, one that compares with
 * any ancestor (nearest first) and one that compares with both ends of a connection take an array; all others one
 * value: numbers as JSON numbers or as decimal text, booleans, addresses as text.
 *
 * Fields that are no values of their own in Falco are taken from others where their own key is absent: fd.ip and fd.net
 * from fd.cip and fd.sip (else fd.lip and fd.rip), fd.port and fd.proto from the ports likewise, fd.snet from fd.sip
 * and so on, evt.around from evt.rawtime. So is one ancestor: proc.aname[2] is the second element of proc.aname.
 *
 * 0; -EINVAL with *offset the place in the line and `err` set (the event then has no values); -ENOMEM. The values live
 * until the next call.
 */
int eval_input_read(struct eval_input *in, struct eval_event *ev, const char *line, size_t len, size_t *offset,
                    struct error *err);

#endif
