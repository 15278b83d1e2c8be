/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy images: from conditions with modes and actions to the blob that the kernel's matcher (bpf/match.h) decides by.
 *
 * The same input gives the same bytes. Knows derivations and atoms; no files, no libbpf.
 */
#ifndef TERCEL_POLICY_IMAGE_H
#define TERCEL_POLICY_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "bpf/match.h"
#include "filter/filter.h"
#include "policy/placement.h"

struct image_rule {
	const char *name;
	const struct filter_node *condition;
	struct source_pos pos; /* of the rule, for errors */
	enum tercel_mode mode; /* a rule that is off is left out by the caller */
	enum tercel_action action;
	enum match_on_uncertain on_uncertain;
	int error; /* errno of what it denies; 0: EPERM */
};

/* What stands behind the index of a rule in the image. */
struct image_rule_info {
	char *name; /* owned by the image */
	enum tercel_mode mode;
	enum tercel_action action;
};

struct image {
	uint8_t *data; /* TERCEL_IMAGE_MAX bytes, zero from `size` on, so that the matcher can run on it natively */
	size_t size;
	struct image_rule_info *rules;
	size_t nrules;
	/* What user space has to answer for each container: condition i is bit i of match_facts.container. */
	char **containers;
	size_t ncontainers;
	size_t natoms, nstates, nnodes; /* in use, of the limits in bpf/match.h and policy/automaton.h */
};

struct image_input {
	const struct image_rule *rules;
	size_t nrules;
	const char *const *protect; /* absolute paths of programs that are never blocked, besides the built-in ones */
	size_t nprotect;
	uint32_t generation; /* what verdicts of this image will carry */
	uint32_t points;     /* 1 << enum tercel_point: those that will decide; 0: all that there are */
};

/*
 * Builds the image. 0 with *out set (owned by the caller); -E2BIG or -EINVAL after adding to `diags` which limit was
 * reached and what to do (codes policy-too-large, too-many-rules, too-many-atoms, too-many-container-conditions,
 * condition-too-long); -ENOMEM.
 */
int image_build(struct image **out, const struct image_input *in, struct diag_list *diags);

void image_free(struct image *i);

/* The number of the rule of that name; `nrules` if there is none. */
size_t image_find_rule(const struct image *image, const char *name);
static inline void cleanup_image(struct image **i)
{
	image_free(*i);
}
#define _autoimage_ __attribute__((cleanup(cleanup_image)))

/*
 * Whether these bytes are an image as image_build() makes them: magic, version, size and checksum. 0 or -EINVAL with
 * the reason in `err`. For loaders; the matcher itself is safe with any bytes.
 */
int image_verify(const void *data, size_t size, struct error *err);

#endif
