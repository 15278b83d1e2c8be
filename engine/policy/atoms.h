/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atoms: the distinct questions (domain, distance, test, values) that rules ask, each one bit of the matcher.
 *
 * Equal questions of different rules are one atom. Knows the matcher's domains, not fields or rules.
 */
#ifndef TERCEL_POLICY_ATOMS_H
#define TERCEL_POLICY_ATOMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/match.h"

enum atom_test {
	ATOM_EXISTS = 0, /* there is a value */
	ATOM_EQUALS,     /* the text is one of the texts; so on for the other tests of texts */
	ATOM_PREFIX,
	ATOM_SUFFIX,
	ATOM_CONTAINS,
	ATOM_GLOB,      /* fnmatch(3) */
	ATOM_PMATCH,    /* Falco's pmatch */
	ATOM_REGEX,     /* engine/filter/regex.h */
	ATOM_DIRECTORY, /* the directory of the path is one of the texts */
	ATOM_RANGE,     /* the number is in one of the ranges */
	ATOM_BITS,      /* the set has one of the bits */
	ATOM_CONTAINER, /* user space says so: the condition is the (only) text */
};

struct atom_text {
	const char *bytes;
	size_t len;
};

/* From and to, both included. An IPv4 address is a number of MATCH_ADDR4 or LOCAL4, an IPv6 address of ADDR6 or LOCAL6.
 */
struct atom_range {
	enum match_domain domain;
	uint64_t from_high, from_low;
	uint64_t to_high, to_low;
};

struct atom {
	enum match_domain domain; /* where its bit is */
	unsigned int level;       /* of ancestors: distance, 0: any */
	enum atom_test test;
	bool fold;               /* upper and lower case of ASCII letters are the same */
	struct atom_text *texts; /* sorted, each once */
	size_t ntexts;
	struct atom_range *ranges; /* sorted */
	size_t nranges;
	uint64_t bits;
	uint32_t bit; /* set by atoms_place() */
};

struct atoms;

int atoms_new(struct atoms **out);
void atoms_free(struct atoms *a);
static inline void cleanup_atoms(struct atoms **a)
{
	atoms_free(*a);
}
#define _autoatoms_ __attribute__((cleanup(cleanup_atoms)))

/* The id of the atom that is equal to `model` (texts and ranges in any order); everything is copied. 0 or -ENOMEM. */
int atoms_add(struct atoms *a, const struct atom *model, uint32_t *id);

size_t atoms_count(const struct atoms *a);
const struct atom *atoms_get(const struct atoms *a, uint32_t id);

/*
 * Gives the atoms whose mark in `used` (atoms_count() of them) is set their bits: domain by domain, each from a new
 * word on, ordered by content, so that the result does not depend on the order of addition. first_word and words have
 * MATCH_DOMAIN_ROOM entries. Returns the number of words, or -E2BIG if there are more than TERCEL_ATOM_WORDS, or
 * -ENOMEM.
 */
int atoms_place(struct atoms *a, const bool *used, uint32_t *first_word, uint32_t *words);

/* The atoms that have a bit, in the order of their bits: *n ids; valid after atoms_place(). */
const uint32_t *atoms_order(const struct atoms *a, size_t *n);

#endif
