/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy asks about containers (struct image.containers), answered by the exact evaluator: once for each
 * container, not for each act. Knows conditions and containers; not who keeps the answers.
 */
#ifndef TERCEL_IDENTITY_FACTS_H
#define TERCEL_IDENTITY_FACTS_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "bpf/abi.h"
#include "identity/container.h"

struct facts;

/*
 * Compiles the conditions; the texts need not live on. 0 with *out set (owned by the caller), -EINVAL with `err` set if
 * one is no condition or there are more than TERCEL_CONTAINER_WORDS * 64, or -ENOMEM.
 */
int facts_new(struct facts **out, const char *const *conditions, size_t n, struct error *err);
void facts_free(struct facts *f);
static inline void cleanup_facts(struct facts **f)
{
	facts_free(*f);
}
#define _autofacts_ _cleanup_(cleanup_facts)

/*
 * The answers for a container: condition i is bit i. 0; -ENODATA if some condition asks for what is not known of it
 * (*out is then untouched: the kernel takes a container without answers for unknown); -ENOMEM.
 */
int facts_answer(struct facts *f, const struct container_info *c, struct tercel_container_facts *out);

#endif
