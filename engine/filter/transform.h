/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transformers, on values: what libsinsp's do, their lengths included. Private to engine/filter; knows neither
 * fields nor conditions.
 */
#ifndef TERCEL_FILTER_TRANSFORM_H
#define TERCEL_FILTER_TRANSFORM_H

#include "filter/eval.h"

/* Memory that is used again for each event: it grows to the largest event's need and stays. */
struct scratch {
	struct scratch_block *blocks; /* the first is in use; those behind it are kept until the next event */
	size_t used;
	bool out_of_memory;
};

void scratch_reset(struct scratch *s);
void scratch_free(struct scratch *s);

/* Uninitialised memory, aligned for any value; NULL without memory (which sticks until the next reset). */
void *scratch_alloc(struct scratch *s, size_t size);

/* The values of a term. */
struct values {
	const struct eval_item *items; /* NULL: it has no value (an empty list has items, but n is 0) */
	size_t n;
};

/* One transformer of one argument over all values. `type` and `is_list` are the argument's. */
struct values transform_values(struct scratch *s, enum filter_call call, enum field_type type, bool is_list,
                               struct values in);

struct values transform_join(struct scratch *s, struct values separator, struct values list);
struct values transform_concat(struct scratch *s, const struct values *args, size_t n);

/* selector: an option's byte, or -1 for all of them. */
struct values transform_getopt(struct scratch *s, struct values args, struct values options, int selector);

/* Numbers of a field as libsinsp prints them. */
struct values transform_print(struct scratch *s, const struct filter_term *field, struct values in);

#endif
