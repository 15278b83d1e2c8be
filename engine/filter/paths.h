/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco's pmatch: whether one of a set of paths is the beginning of a path, component by component; a component of the
 * set may be a glob. Private to engine/filter.
 */
#ifndef TERCEL_FILTER_PATHS_H
#define TERCEL_FILTER_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct path_set;

/* An empty set: 0 or -ENOMEM. */
int path_set_new(struct path_set **out);
void path_set_free(struct path_set *s);

/* Adds a path; empty components do not count, so "/" and "" are the beginning of every path. 0 or -ENOMEM. */
int path_set_add(struct path_set *s, const char *path, size_t len);

/* Linear in the path's length for sets without globs. */
bool path_set_matches(const struct path_set *s, const char *path, size_t len);

#endif
