/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worlds of the property tests: one operation at one decision point, with every value that Falco would see and
 * what of it the kernel is allowed to know. What Falco answers comes from the exact evaluator (engine/filter/eval.h),
 * which is compared with libsinsp itself.
 *
 * Deliberately written apart from engine/policy and bpf/match.h: which event types have which values was read off
 * libsinsp once more. Shares only the facts that it fills, and the enumerations of bits.
 */
#ifndef TERCEL_TESTS_PROPERTY_WORLD_H
#define TERCEL_TESTS_PROPERTY_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "bpf/match.h"
#include "filter/filter.h"
#include "probe_ancestors.h"

#define WORLD_ARGS 6
#define WORLD_ANCESTORS 20

/* A small generator, so that a seed means the same everywhere. */
struct random {
	uint64_t state;
};

uint32_t random_below(struct random *r, uint32_t n);

#define RANDOM_PICK(r, array) ((array)[random_below((r), sizeof(array) / sizeof((array)[0]))])

struct world_args {
	const char *items[WORLD_ARGS];
	size_t n;
};

struct world_ancestor {
	const char *thread, *leader, *exepath;
	struct world_args args;
	/* What the kernel does not know of it: bits of domains, as in struct match_ancestor. */
	uint64_t unknown;
	bool cut, thread_unknown;
};

struct world {
	enum tercel_point point;
	enum match_event event; /* what Falco sees */
	bool unseen, hidden;    /* hidden: Falco sees nothing at all */
	bool on_host, path_cut; /* as in struct match_facts */
	uint64_t salt;          /* what fields hold that the kernel never knows comes from it */
	/* the process */
	const char *name, *exepath, *cwd, *user, *login, *container;
	struct world_args args, env;
	struct world_ancestor ancestors[WORLD_ANCESTORS];
	size_t nancestors;
	uint32_t uid, gid, tty;
	int64_t loginuid, pid, vpid, ppid, sid, vpgid;
	bool orphan;                      /* it has no parent id */
	uint64_t duration, duration_less; /* the kernel counts that much less */
	uint64_t bits;                    /* 1 << enum match_bit */
	uint64_t caps[3];                 /* effective, permitted, inheritable */
	/* the act */
	const char *path, *newpath, *target;
	enum match_fd_type type; /* OTHER: some kind that has no bit, and the kernel knows nothing */
	enum match_l4proto l4;
	uint8_t remote[16], local[16];
	uint16_t remote_port, local_port;
	bool local_exact; /* the kernel has the local address itself if it is a special one */
	int64_t fd, result;
	uint32_t id;
	uint64_t flags, mode;
	unsigned int kind; /* of 64 and more the kernel has no bit, and knows nothing */
	/* the container */
	const char *repository, *container_name, *ns, *pod, *label;
	int privileged; /* -1: nobody knows */
	/* what the kernel does not know: 1 << enum match_domain; of MATCH_BITS by bit */
	uint64_t unknown, cut, bits_unknown;
	uint64_t answers_unknown; /* the first 64 questions about the container */
	size_t cut_at;            /* bytes of a cut text that are left */
	size_t ancestors_known;
};

/* A random operation at the point, with random knowledge (all of it known in one of `known_in` cases). */
void world_random(struct world *w, struct random *r, enum tercel_point point, uint32_t known_in);

/* What a kernel program would tell the matcher; the texts go to `text` (MATCH_TEXT_MAX bytes). facts->container is the
 * caller's. */
void world_facts(const struct world *w, struct match_facts *facts, struct probe_ancestors *ancestors, uint8_t *text);

/* Whether the kernel knows everything that it can. */
bool world_is_known(const struct world *w);

void world_print(struct buf *out, const struct world *w);

/* Falco's name of the event type. */
const char *world_event_name(enum match_event e);

/* Names of the bits of sets and choices, as far as worlds have them: NULL for others. */
const char *world_flag_name(const struct world *w, unsigned int bit);
const char *world_mode_name(unsigned int bit);
const char *world_kind_name(const struct world *w, unsigned int kind);
const char *world_cap_name(unsigned int bit);

/* ---- Falco's answers ----------------------------------------------------------------------------------------------
 */

struct oracle;

/* 0 or -errno; the trees must outlive it. */
int oracle_new(struct oracle **out, const struct filter_node *const *conditions, size_t n);
void oracle_free(struct oracle *o);

/* The operation that is asked about from now on. */
void oracle_set(struct oracle *o, const struct world *w);
bool oracle_answer(struct oracle *o, size_t condition);

/* ---- the words that worlds and conditions are made of --------------------------------------------------------------
 */

struct pool {
	const char *const *words;
	uint32_t n;
};

extern const struct pool pool_names, pool_paths, pool_cwds, pool_words, pool_env, pool_users, pool_containers,
        pool_protocols, pool_types, pool_typechars, pool_families, pool_repositories, pool_spaces, pool_v4, pool_v6,
        pool_open_flags, pool_modes, pool_caps, pool_domains, pool_requests, pool_commands, pool_signals, pool_clones,
        pool_mounts, pool_small, pool_texts, pool_long;

const char *pool_pick(const struct pool *p, struct random *r);

extern const uint16_t world_ports[7];

#endif
