/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look into a policy image: what one rule became in it, what it shares with others, and how much of the limits is
 * used.
 */
#ifndef TERCEL_POLICY_IMAGE_EXPLAIN_H
#define TERCEL_POLICY_IMAGE_EXPLAIN_H

#include "base/buf.h"
#include "policy/image.h"

/*
 * Builds the image of all rules of `in` and describes rule number `rule`: as text, or as the value of a JSON member. 0;
 * or as image_build(), errors in `diags`. Errors of the buffer stick there.
 */
int image_explain_text(struct buf *out, const struct image_input *in, size_t rule, struct diag_list *diags);
int image_explain_json(struct buf *out, const struct image_input *in, size_t rule, struct diag_list *diags);

#endif
