/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the image builder share: its state, and how lists of bits are written. Private to
 * engine/policy/image*.c.
 */
#ifndef TERCEL_POLICY_IMAGE_INTERNAL_H
#define TERCEL_POLICY_IMAGE_INTERNAL_H

#include "base/buf.h"
#include "policy/image.h"

#define HASH_START 0xcbf29ce484222325ULL

/* FNV-1a, going on from `hash`. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len);

/* Rules that wait for an atom. */
struct waiting {
	uint32_t *rules;
	size_t n, cap;
};

/* Lists that were written, found again by their bytes. */
struct list_table {
	struct list_ref {
		uint64_t hash;
		uint32_t off, size;
	} *lists;
	size_t n, nbuckets;
	uint32_t *buckets;
};

struct builder {
	const struct image_input *in;
	struct diag_list *diags;
	struct atoms *atoms;
	uint32_t protected_id;
	struct placement *placed; /* [rules] */
	struct buf out;
	struct match_header header;
	uint32_t atom_words, rule_words;
	struct waiting *waiting; /* [atom_words * 64]: by bit */
	struct list_table lists;
	/* Equal nodes are found again through these. */
	struct buf nodes; /* __u64 each */
	uint32_t *node_buckets;
	size_t nnode_buckets;
	size_t nstates;
	int error; /* the first; whoever writes looks once, at the end */
};

/* Everything but the image itself: 0, or an error of image_build(). The caller sets `in` and `diags`, and frees it in
 * any case. */
int image_make(struct builder *b);
void image_builder_free(struct builder *b);
#define _autobuilder_ __attribute__((cleanup(image_builder_free)))

static inline const struct derivation *image_placed(const struct builder *b, size_t rule, size_t point)
{
	return &b->placed[rule].at[point];
}

/* A clause: atoms of which one must at least be possible for the rule to match. */
struct clause {
	uint32_t *atoms; /* ids, owned */
	size_t n;
	unsigned int cost; /* the lower, the more selective; NO_CLAUSE: there is none */
};

#define NO_CLAUSE UINT32_MAX

/*
 * The best clause that the formula, with lost leaves read as false, implies; free it. A negated atom implies none: it
 * holds of nearly everything. An OR implies the union of its kids' clauses, an AND any of its kids'.
 */
struct clause image_guard(struct builder *b, const struct formula *f);
void image_clause_free(struct clause *c);

/* Adds bytes at the next offset of 8; returns that. */
uint32_t image_append(struct builder *b, const void *bytes, size_t len);

/* Writes the list of these atoms (by bit) and the rules that wait for one of them; 0 for the empty list. */
uint32_t image_write_list(struct builder *b, const uint32_t *bits, size_t n);

/* Writes the list of these rules alone. */
uint32_t image_write_rules(struct builder *b, const uint64_t *rules);

/* The tables of all domains. */
void image_write_domains(struct builder *b);

static inline void image_set_bit(uint64_t *words, uint32_t bit)
{
	words[bit / 64] |= 1ULL << (bit % 64);
}

#endif
