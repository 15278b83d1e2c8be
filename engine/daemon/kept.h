/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon keeps beside its pins, so that the next one understands the verdicts that were made meanwhile: the
 * names of the rules of the policy in force, and of the one before.
 */
#ifndef TERCEL_DAEMON_KEPT_H
#define TERCEL_DAEMON_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "policy/image.h"
#include "sensor/sensor.h"

struct kept_policy {
	const struct image *image; /* NULL: not known: its names are taken from what is kept at `pin_dir` */
	uint32_t generation;
};

/* Keeps these, in place of those before, beside the pins of the sensor. 0, or -errno with its reason. */
int kept_save(struct sensor *s, const char *pin_dir, const struct kept_policy *policies, size_t n, struct error *err);

/* Tells what was kept at `pin_dir`; nothing if it cannot be read: verdicts then name rules by number. */
void kept_load(const char *pin_dir, void (*each)(void *ctx, uint32_t generation, const char *const *names, size_t n),
               void *ctx);

#endif
