/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a right-hand text means to a field's type. Private to engine/filter.
 */
#ifndef TERCEL_FILTER_VALUE_H
#define TERCEL_FILTER_VALUE_H

#include "filter/filter.h"

/* Sets v->as from v->text by the field's type, as libsinsp 0.25 reads it. NULL, or what is wrong with the text: the
 * rest of the sentence "'text' is …". Where libsinsp would cut a number to its width, we refuse. */
const char *filter_value_parse(struct filter_value *v, const struct field_info *field);

/* Whether libsinsp lets the operator compare the field's type. */
bool filter_op_fits(enum filter_op op, const struct field_info *field);

#endif
