/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact evaluator: what Falco 0.44 (libsinsp 0.25) answers for conditions on an event.
 *
 * Many conditions are compiled into one program, in which equal comparisons and equal fields exist once; an event is
 * the values of those fields. Knows nothing of where values come from, and nothing of kernels or policies.
 */
#ifndef TERCEL_FILTER_EVAL_H
#define TERCEL_FILTER_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter/filter.h"

/* One value of a field; which member, the field's type tells. */
struct eval_item {
	union {
		uint64_t u64; /* unsigned numbers, times, ports; booleans as 0 or 1 */
		int64_t s64;
		double d;
		/* STRING and BYTES: `len` bytes and a NUL behind them that does not count. A text may have NULs within;
		 * `text_len` is what stands before the first (eval_text() sets both). */
		struct {
			const char *bytes;
			uint32_t len, text_len;
		} text;
		struct {
			uint8_t bytes[16]; /* network byte order; IPv4 in the first four, the rest 0 */
			uint8_t family;    /* AF_INET or AF_INET6 */
		} address;                 /* IP and NET */
	} as;
};

/* A text value. `bytes[len]` must be NUL; the bytes are not copied. */
struct eval_item eval_text(const char *bytes, size_t len);

/* A program. Immutable after compiling: threads may share it. */
struct eval;

/*
 * Compiles conditions, which are known by their index from then on. 0 and *out (the caller owns it; the trees must
 * outlive it), -EINVAL with `err` set if a regular expression is refused, or -ENOMEM.
 */
int eval_compile(struct eval **out, const struct filter_node *const *conditions, size_t n, struct error *err);

void eval_free(struct eval *e);
static inline void cleanup_eval(struct eval **e)
{
	eval_free(*e);
}
#define _autoeval_ _cleanup_(cleanup_eval)

/* The fields that the program reads; each has a number below eval_fields(). */
size_t eval_fields(const struct eval *e);

/* Field number i, with its argument; never NULL for i < eval_fields(). Lives as long as the program. */
const struct filter_term *eval_field(const struct eval *e, size_t i);

/* The number of distinct comparisons; for tests and benchmarks. */
size_t eval_comparisons(const struct eval *e);

/* The values of one event at a time, and the memory for working on them. One thread at a time; needs its program. */
struct eval_event;

/* 0 or -ENOMEM. */
int eval_event_new(struct eval_event **out, const struct eval *e);
void eval_event_free(struct eval_event *ev);
static inline void cleanup_eval_event(struct eval_event **ev)
{
	eval_event_free(*ev);
}
#define _autoevent_ _cleanup_(cleanup_eval_event)

/* Begins the next event: no field has a value. O(1). */
void eval_event_clear(struct eval_event *ev);

/*
 * Gives field number `field` its values for this event: one for most; any number for a list, for a field that compares
 * with any ancestor (nearest first) and for one that compares with both ends of a connection. The array and the bytes
 * that it points to stay the caller's and must live until the next clear. A field without a call has no value.
 */
void eval_event_set(struct eval_event *ev, size_t field, const struct eval_item *items, size_t n);

/* What field number `field` was given for this event: *n values; NULL if it has none. */
const struct eval_item *eval_event_get(const struct eval_event *ev, size_t field, size_t *n);

/*
 * Whether condition number `condition` holds for the event. Each comparison is made at most once an event. Allocates
 * nothing but what transformers need beyond the largest event so far; without that memory the comparison is false, and
 * eval_event_error() is -ENOMEM.
 */
bool eval_run(const struct eval *e, struct eval_event *ev, size_t condition);

/* 0, or what went wrong since the last clear. */
int eval_event_error(const struct eval_event *ev);

#endif
