/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the known names a mistyped word was meant to be. Knows nothing of what is named.
 */
#ifndef TERCEL_BASE_SUGGEST_H
#define TERCEL_BASE_SUGGEST_H

#include <stddef.h>

/* Longer words get no suggestion: bounds the work for each name. */
enum { SUGGEST_MAX_LEN = 64 };

/*
 * How many letters must be put in, left out, replaced or swapped with their neighbour to make one text of the other; a
 * letter in the other case is none. `limit` or more is answered as `limit`.
 */
size_t suggest_distance(const char *a, size_t alen, const char *b, size_t blen, size_t limit);

/* A word and the nearest name so far. */
struct suggestion {
	const char *word; /* not owned */
	size_t len;
	const char *best; /* one of those offered; NULL while none is near */
	size_t distance;  /* of the best; before, what is too far */
};

/* Names that differ in one letter are near, of words from eight letters on in two. */
struct suggestion suggestion_for(const char *word, size_t len);

/* Takes the name if it is nearer than what was offered before. It must live as long as the suggestion. */
void suggestion_offer(struct suggestion *s, const char *name);

#endif
