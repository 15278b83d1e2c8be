/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: what keeps maps and links in the kernel when their process is gone, and how the next one finds them again.
 * Inside engine/sensor only.
 *
 * A directory of a BPF file system has maps/NAME (those of the skeleton, a dot of the name as an underscore, and
 * ring_N), links/NAME by program, `names` (what a user of the sensor wants to be kept), and `meta`, which is made last
 * and says what the rest is of: without it, the rest is what was left of a beginning or an end, and is nothing to go on
 * with.
 */
#ifndef TERCEL_SENSOR_PINS_H
#define TERCEL_SENSOR_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct bpf_link;
struct load;

/* What pins are of. Only those of the same can be gone on with. */
struct pins_meta {
	uint64_t build;   /* of the kernel programs: a checksum of their object */
	uint64_t cgroup;  /* inode of the directory that decisions are limited to; 0: they are not */
	uint32_t records; /* 1 << enum tercel_record_type: those whose programs are attached */
	uint32_t rings, ring_bytes;
	uint32_t pad;
};

/*
 * Makes the directory, with mode 0700, and locks it: *lock is a descriptor that holds it until it is closed.
 * -EOPNOTSUPP if it would not be in a BPF file system, -EBUSY if another process has it.
 */
int pins_lock(const char *dir, int *lock, struct error *err);

/* Whether there is anything whole in it. */
bool pins_exist(const char *dir);

/*
 * To be called before the skeleton is loaded, with its constants and sizes set. 1: the pinned maps are of the same, and
 * the skeleton will use them; 0: there are none or they are of something else, and nothing was changed; -errno.
 */
int pins_share_maps(const char *dir, struct load *l, const struct pins_meta *meta);

/* Fills ring_fds and the links of `l` from what is pinned. -ENOENT if some of the links are missing that record. */
int pins_open_rest(const char *dir, struct load *l, const struct pins_meta *meta);

/* Pins all of it. After a failure nothing of it is pinned. */
int pins_save(const char *dir, const struct load *l, const struct pins_meta *meta, struct error *err);

/* One link more, or less. */
int pins_save_link(const char *dir, struct bpf_link *link, const char *program, struct error *err);
void pins_remove_link(const char *dir, const char *program);

/* Keeps `size` bytes, in place of those before; reads them again: *out from malloc(). 0 or -errno. */
int pins_save_names(const char *dir, const void *bytes, size_t size);
int pins_read_names(const char *dir, void **out, size_t *size);

/* The generation of the policy image that is pinned; 0: there is none, or it is of another version. 0 or -errno. */
int pins_read_generation(const char *dir, uint32_t *out);

/* Takes everything away, links first, but not the directory, which is locked. Returns how many objects that were, or
 * -errno. */
int pins_remove(const char *dir, struct error *err);

/* Takes the directory away if nothing is pinned in it. */
void pins_remove_empty(const char *dir);

#endif
