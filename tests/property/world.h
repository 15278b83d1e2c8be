/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worlds of the property tests: one operation with every value that Falco would see, what of it the kernel is
 * allowed to know, and a naive evaluator of conditions over it. Deliberately written apart from engine/policy and
 * bpf/match.h: it shares only the facts structure that it fills.
 */
#ifndef TERCEL_TESTS_PROPERTY_WORLD_H
#define TERCEL_TESTS_PROPERTY_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "bpf/match.h"
#include "filter/filter.h"

#define WORLD_ARGS 6
#define WORLD_ANCESTORS 20

struct world {
	enum tercel_point point;
	const char *event; /* what Falco sees */
	const char *name, *exepath, *cwd;
	const char *args[WORLD_ARGS]; /* argv[0] first */
	size_t nargs;
	struct {
		const char *thread, *leader;
	} ancestors[WORLD_ANCESTORS];
	size_t nancestors;
	uint32_t uid, tty;
	int64_t loginuid, pid, fd;
	bool upper, memfd;
	uint64_t caps;
	const char *user, *container, *l4proto;
	bool v6;
	uint8_t remote[16], local[16];
	uint16_t remote_port, local_port;
	/* 1 << enum match_domain: what the kernel does not know whole */
	uint32_t unknown, cut;
	size_t cut_at; /* bytes of a cut text that are left */
	size_t ancestors_known;
};

/* A small generator, so that a seed means the same everywhere. */
struct random {
	uint64_t state;
};

uint32_t random_below(struct random *r, uint32_t n);

/* A random operation at a random point, with random knowledge (all of it known in one of `known_in` cases). */
void world_random(struct world *w, struct random *r, uint32_t known_in);

/* What the kernel glue would tell the matcher; the texts go to `text` (MATCH_TEXT_MAX bytes). */
void world_facts(const struct world *w, struct match_facts *facts, uint8_t *text);

/* Whether the kernel knows everything. */
bool world_is_known(const struct world *w);

/* Falco's answer. */
bool world_matches(const struct world *w, const struct filter_node *condition);

void world_print(struct buf *out, const struct world *w);

/* ---- random conditions ---- */

struct expr {
	char op; /* '&', '|', '!', or 'l': a leaf */
	char *leaf;
	struct expr *kids[3];
	size_t nkids;
};

struct expr *expr_random(struct random *r, unsigned int depth);
void expr_free(struct expr *e);
struct expr *expr_copy(const struct expr *e);
void expr_print(struct buf *out, const struct expr *e);
size_t expr_size(const struct expr *e);
/* The copy of `e` with its node number `n` replaced by that node's kid number `kid`. NULL if there is none. */
struct expr *expr_shrink(const struct expr *e, size_t n, size_t kid);

#endif
