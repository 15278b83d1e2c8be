/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy asks about containers (struct image.containers), answered by the exact evaluator: once for each
 * container, not for each act. Knows conditions and containers; not who keeps the answers.
 */
#ifndef TERCEL_IDENTITY_FACTS_H
#define TERCEL_IDENTITY_FACTS_H

#include <stdbool.h>
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
 * The answers for a container: condition i is bit i, and bit i of `unknown` if it asks for what is not known of this
 * container. 0, or -ENOMEM (*out is then untouched).
 */
int facts_answer(struct facts *f, const struct container_info *c, struct tercel_container_facts *out);

/* Whether nothing that is asked is unknown. */
bool facts_are_whole(const struct tercel_container_facts *answers);

#endif
