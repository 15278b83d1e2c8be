/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: what keeps maps and links in the kernel when their process is gone, and how the next one finds them again.
 * Inside engine/sensor only.
 *
 * A directory of a BPF file system, of this user alone, has the set `now`, and for a moment `next`: the one that is
 * made whole before it takes the place of `now`, or the one whose place was taken. A set has maps/NAME (those of the
 * skeleton, a dot of the name as an underscore, and ring_N), links/NAME by program, `names` (what a user of the sensor
 * wants to be kept), and `meta`, which is made last and says what the rest is of: without it, the rest is what was left
 * of a beginning or an end, and is nothing to go on with.
 */
#ifndef TERCEL_SENSOR_PINS_H
#define TERCEL_SENSOR_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct bpf_link;
struct load;

#define PINS_PROGRAMS_MAX 128
#define PINS_NAME_MAX 32
/* Of struct tercel_verdict and what it needs: to be raised when a reader of one version would misread the other's. */
#define PINS_VERDICTS_VERSION 1

/* What pins are of. Only those of the same can be gone on with. */
struct pins_of {
	uint64_t build;   /* of the kernel programs: a checksum of their object */
	uint64_t cgroup;  /* inode of the directory that decisions are limited to; 0: they are not */
	uint32_t records; /* 1 << enum tercel_record_type: those whose programs are attached */
	uint32_t rings, ring_bytes;
	uint32_t verdicts; /* PINS_VERDICTS_VERSION */
};

struct pins_meta {
	struct pins_of of;
	char programs[PINS_PROGRAMS_MAX][PINS_NAME_MAX]; /* whose links are pinned; "": none */
};

/*
 * Makes the directory, with mode 0700, and locks it: *lock is a descriptor that holds it until it is closed.
 * -EOPNOTSUPP if it would not be in a BPF file system, -EBUSY if another process has it, -EPERM if anybody else may
 * write there or exchange it, -ENOTEMPTY if it holds what is not ours.
 */
int pins_lock(const char *dir, int *lock, struct error *err);

/* 1: all is there that is recorded in `now`, and attached, so that it is in force whoever is gone; 0: it is not;
 * -EINVAL: what is recorded is of another version; -errno: it could not be looked at. */
int pins_are_in_force(const char *dir);

/*
 * To be called before the skeleton is loaded, with its constants and sizes set. 1: the pinned set is of the same and
 * whole, and the skeleton will use its maps; 0: there is none, or `why` says why it is nothing to go on with, and
 * nothing was changed; -errno.
 */
int pins_share_maps(const char *dir, struct load *l, const struct pins_of *of, struct error *why);

/* Fills ring_fds and the links of `l` from what is pinned; links that are not recorded are taken away. */
int pins_open_rest(const char *dir, struct load *l, const struct pins_of *of);

/* The rings of verdicts and their `underway`, of a set of whatever build; -1: there is none. */
struct pins_verdicts {
	int ring, underway;
	bool fit; /* they can be read by this version */
};
void pins_open_verdicts(const char *dir, struct pins_verdicts *out);

/* What is kept beside the pins. */
struct pins_names {
	const void *bytes; /* NULL: nothing */
	size_t size;
};

/*
 * Pins all of it as `now`; what was pinned before stays until that instant, and also after a failure before it. *done:
 * whether it was come to. A failure after it is that of taking away what was pinned before.
 */
int pins_save(const char *dir, const struct load *l, const struct pins_of *of, const struct pins_names *names,
              bool *done, struct error *err);

/* One link more, or less. */
int pins_save_link(const char *dir, struct bpf_link *link, const char *program, struct error *err);
void pins_remove_link(const char *dir, const char *program);

/* Keeps these, in place of those before; reads them again: *out from malloc(). 0 or -errno. */
int pins_save_names(const char *dir, const struct pins_names *names);
int pins_read_names(const char *dir, void **out, size_t *size);

/* The generation of the policy image that is pinned; 0: there is none, or it is of another version. 0 or -errno. */
int pins_read_generation(const char *dir, uint32_t *out);

/*
 * Takes everything away, links first, but not the directory, which is locked. Returns how many objects that were, or
 * -errno. The second waits until the kernel has detached the programs, which must be another process's; the third does
 * so with what is beside `now` alone.
 */
int pins_remove(const char *dir, struct error *err);
int pins_remove_and_wait(const char *dir, struct error *err);
int pins_remove_former(const char *dir, struct error *err);

/* Takes the directory away if nothing is pinned in it. */
void pins_remove_empty(const char *dir);

#endif
