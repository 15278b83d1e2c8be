/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that ran before the sensor, as records in user memory. Knows the task iterator and /proc; not the rings.
 */
#ifndef TERCEL_SENSOR_SEED_H
#define TERCEL_SENSOR_SEED_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "bpf/abi.h"

struct seed {
	uint8_t *bytes; /* owned: records one after the other, each at a multiple of 8 */
	size_t len, cap;
	const struct tercel_hdr **order; /* owned: by time stamp */
	size_t count, next;
};

/* Descriptors of the maps that hold the strings of images, by bpf/maps.h. */
struct seed_maps {
	int image_refs, images_small, images_large;
};

/*
 * Runs the iterator behind `iter_link_fd`, which fills the kernel's process records; adds to each process's SEED its
 * arguments, environment and working directory from /proc, and keeps path and arguments in the image maps. -errno, with
 * *out empty.
 */
int seed_collect(struct seed *out, int iter_link_fd, const struct seed_maps *maps, struct error *err);

/* The next record, or NULL, which also frees the memory. Valid until the next call. */
const struct tercel_hdr *seed_next(struct seed *s);

void seed_free(struct seed *s);

#endif
