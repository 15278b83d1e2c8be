/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scope of a rule in a policy: where it may act. It is a condition on containers like any other, put before the
 * rule's own: what is not known of a container leaves the rule uncertain there, and nothing is blocked.
 */
#ifndef TERCEL_POLICY_SCOPE_H
#define TERCEL_POLICY_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "filter/filter.h"

/* Texts, owned. */
struct scope_texts {
	char **items;
	size_t n;
};

/* What a container is asked for: of each list that is not empty it has to be one. */
struct scope_match {
	struct scope_texts namespaces; /* k8s.ns.name */
	struct scope_texts labels;     /* of the pod, "key=value"; all of them */
	struct scope_texts images;     /* globs over container.image and container.image.repository */
	struct scope_texts containers; /* container.name */
};

struct scope {
	struct scope_match in, exclude;
	/* Whether the rule acts on the host as well; unless it is said, only if `in` asks nothing. */
	bool has_host, host;
};

void scope_free(struct scope *s);

/* Whether it leaves anything out at all. */
bool scope_limits(const struct scope *s);

/* Adds a scope that limits in Falco's language. Errors stick in the buffer. */
void scope_print(struct buf *out, const struct scope *s);

/* A rule's condition within a scope that limits. Owns the scope's half, and borrows the rule's. */
struct scoped;
int scoped_new(struct scoped **out, const struct scope *s, const struct filter_node *condition);
void scoped_free(struct scoped *s);

/* As long as the scoped one and the rule's condition live. */
const struct filter_node *scoped_root(const struct scoped *s);

#endif
