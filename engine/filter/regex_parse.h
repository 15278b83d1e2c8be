/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of regular expressions: what RE2 accepts in its POSIX mode, and nothing else. Knows nothing of matching.
 */
#ifndef TERCEL_FILTER_REGEX_PARSE_H
#define TERCEL_FILTER_REGEX_PARSE_H

#include "filter/regex.h"
#include "filter/regex_tree.h"

/* 0 with the tree in *out, which lives in the arena; -EINVAL with *err set; -ENOMEM. Time is linear but for sorting. */
int regex_parse(struct regex_node **out, struct arena *arena, enum regex_release release, const char *pattern,
                size_t len, struct regex_error *err);

#endif
