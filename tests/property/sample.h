/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sets of rules with their image, and decisions on it: what the tests of the matcher have in common.
 */
#ifndef TERCEL_TESTS_PROPERTY_SAMPLE_H
#define TERCEL_TESTS_PROPERTY_SAMPLE_H

#include "conditions.h"
#include "policy/image.h"

struct sample {
	struct expr **exprs; /* owned, with the filters; NULL: the conditions are somebody else's */
	struct filter **filters;
	const struct filter_node **roots;
	size_t n;
	uint32_t points;             /* of the image input */
	struct image_rule *settings; /* [n]: modes, actions */
	struct image *image;
	struct oracle *rules, *containers; /* containers: of what the image asks user space, NULL if nothing */
	struct filter **questions;
};

/* How much of a sample is made. */
enum sample_parts {
	SAMPLE_IMAGE = 0,   /* filters and image */
	SAMPLE_ORACLES = 1, /* and Falco's answers */
};

/* An image of these conditions, for the points (struct image_input), of random modes, actions and answers to
 * uncertainty if `r` is given; 0 or -errno with the reason printed. Takes `exprs` (an allocated array of n) over in any
 * case. */
int sample_make(struct sample *s, struct expr **exprs, size_t n, uint32_t image_points, struct random *r,
                enum sample_parts parts);
/* The same of trees that outlive the sample. */
int sample_of(struct sample *s, const struct filter_node *const *roots, size_t n, uint32_t image_points,
              struct random *r, enum sample_parts parts);
void sample_free(struct sample *s);

/* About the points; 0: each of one event type of any. */
struct expr **exprs_random(struct random *r, size_t n, unsigned int depth, uint32_t points);

/* The same, but in a large set most rules are about a program or two of their own and share what else they ask, as
 * detection rules do: thousands of random patterns over the same few words would fit no automaton. */
struct expr **exprs_many(struct random *r, size_t n, uint32_t points);

/* Facts of one decision. */
struct case_facts {
	struct match_facts facts;
	struct probe_ancestors ancestors;
	uint8_t text[MATCH_TEXT_MAX];
};

/* The world's facts, with the answers about its container if the sample has oracles, else random ones. */
void case_make(struct case_facts *c, const struct sample *s, const struct world *w);

/* Decides as the kernel's programs do. */
void case_decide(const struct case_facts *c, const uint8_t *image, enum tercel_point point, struct match_state *st);

#endif
