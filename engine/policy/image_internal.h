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
