/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each byte of a YAML scalar is written. Private to engine/rules; knows libyaml's styles, and no trees.
 */
#ifndef TERCEL_RULES_YAML_SCALAR_H
#define TERCEL_RULES_YAML_SCALAR_H

#include <yaml.h>

#include "rules/text.h"

/*
 * Adds the value of a scalar whose tag, anchor and text stand in the source from `from` up to `to`. libyaml says where
 * a scalar starts and ends; where each byte of its value comes from is found again by walking the source beside the
 * value: folding and chomping only touch blanks, escapes are known. Failures stick in the builder.
 */
void yaml_scalar_text(struct text_builder *out, const struct source_text *source, size_t from, size_t to,
                      const yaml_event_t *scalar);

#endif
