/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a right-hand text means to a field's type. Private to engine/filter.
 */
#ifndef TERCEL_FILTER_VALUE_H
#define TERCEL_FILTER_VALUE_H

#include "filter/filter.h"

/*
 * Sets v->as from v->text by the type that it is compared with, as libsinsp 0.25 reads it. NULL, or what is wrong with
 * the text: the rest of the sentence "'text' is …". Where libsinsp would cut a number to its width, we refuse.
 */
const char *filter_value_parse(struct filter_value *v, enum filter_op op, enum field_type type);

/* The bytes that a constant of bcontains or bstartswith stands for: half as many as its text is long (an even number of
 * hexadecimal digits) into `out`. */
void filter_value_unhex(const struct filter_value *v, unsigned char *out);

/* Whether libsinsp lets the operator compare the type. */
bool filter_op_fits(enum filter_op op, enum field_type type, bool is_list);

#endif
