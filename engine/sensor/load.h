/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the kernel programs and attaches what is asked for: feature checks, sizes, the choice of capture backends.
 * Inside engine/sensor only; tests use it to choose what a user cannot.
 */
#ifndef TERCEL_SENSOR_LOAD_H
#define TERCEL_SENSOR_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "sensor/pins.h"
#include "sensor/sensor.h"

struct bpf_link;
struct bpf_object;
struct tercel_bpf;

/* Where a system call's return is caught. A row of the table in load.c. */
enum capture_backend {
	CAPTURE_AUTO = 0,       /* the first of the following that this kernel offers */
	CAPTURE_SYS_EXIT = 1,   /* one raw tracepoint for all calls */
	CAPTURE_TRACEPOINT = 2, /* one tracepoint for each call; 32-bit calls are not seen; tracefs must be mounted */
};

/* What a test may change about the machine. */
struct load_options {
	const char *btf_path;      /* NULL: /sys/kernel/btf/vmlinux */
	const char *lockdown_path; /* NULL: /sys/kernel/security/lockdown */
	const char *lsm_path;      /* NULL: /sys/kernel/security/lsm */
	enum capture_backend backend;
	bool lacks_optional; /* as if the kernel had none of the tracepoints that are optional */
	uint32_t ring_bytes; /* overrides sensor_config.ring_mb, for tests that must fill a ring; 0: does not */
};

#define LOAD_LINKS_MAX 64
#define LOAD_POINT_LINKS_MAX 64
/* Each time that points are added some are, so that there are no more times than points. */
#define LOAD_MORE_MAX TERCEL_POINTS

/* The link of a program that is at no decision point, or of several. */
struct load_tracing {
	struct bpf_link *link;
	const char *program; /* the object's */
};

struct load {
	struct tercel_bpf *skel; /* owned */
	struct bpf_object *obj;  /* the skeleton's */
	struct load_tracing links[LOAD_LINKS_MAX];
	size_t link_count;
	struct bpf_link *point_links[LOAD_POINT_LINKS_MAX]; /* by row of the table in load.c; NULL: not attached */
	struct tercel_bpf *more[LOAD_MORE_MAX]; /* owned: programs that were loaded later, on the same maps */
	size_t more_count;
	uint32_t points; /* 1 << enum tercel_point: those whose programs are loaded */
	__u64 missed;    /* runs that the kernel skipped of programs that are gone */
	int cgroup;      /* where network decision points attach; -1: none was asked for */
	int *ring_fds;   /* owned, each; one more at the end for verdicts, which belongs to the skeleton */
	size_t *ring_sizes;
	size_t ring_count;           /* the verdicts' included */
	uint32_t records;            /* record types whose programs are attached */
	uint32_t tgid;               /* of this process, in the initial pid namespace */
	struct pins_of of;           /* what it would be known by if it is pinned */
	char *pin_place;             /* owned; where it may be pinned; NULL: nowhere */
	int pin_lock;                /* a descriptor that holds that place; -1: nothing can be pinned there */
	const char *pin_dir;         /* pin_place, if maps and links are pinned there; else NULL */
	bool adopted;                /* they were there before: another process loaded and attached them */
	struct error apart;          /* why what is pinned there is not gone on with; "": it is, or nothing is pinned */
	struct pins_verdicts former; /* owned: of what is pinned there and not gone on with */
};

/* Of which load_close() undoes nothing. */
#define LOAD_INIT ((struct load){.cgroup = -1, .pin_lock = -1, .former = {.ring = -1, .underway = -1}})

/* Undoes load_open(), also a half-done one. */
void load_close(struct load *l);

/* Loads and sizes the maps, then attaches. Errors as sensor_open(). */
int load_open(struct load *l, const struct sensor_config *config, const struct load_options *options,
              struct error *err);

/* Attaches the programs of these points, and loads them first if they are not yet; those of others stay as they are. */
int load_attach_points(struct load *l, uint32_t points, struct error *err);

/* Those that decide. */
uint32_t load_attached_points(const struct load *l);

/* Detaches those of these points, and keeps them loaded. */
void load_detach_points(struct load *l, uint32_t points);

/* All links, and the names of their programs; NULL: that place has none. */
size_t load_links(const struct load *l);
struct bpf_link *load_link(const struct load *l, size_t i, const char **program);

/* Takes a link of that program, which it owns from then on, also after a failure. */
int load_take_link(struct load *l, struct bpf_link *link, const char *program);

/* Pins maps and links at the configured place, with these names, in place of what is pinned there; or takes them away.
 * If pin_dir is set after a failure, they are pinned, and what was before could not be taken away. */
int load_pin(struct load *l, const struct pins_names *names, struct error *err);
int load_unpin(struct load *l, struct error *err);

/* The objects that programs were loaded from: the first one, and those of points that were added. */
size_t load_objects(const struct load *l);
const struct bpf_object *load_object(const struct load *l, size_t i);

/* Whether this process has loaded the program: else, if it has a link, another one did. */
bool load_is_loaded(const struct load *l, const char *program);

/* Adds what the kernel has skipped of the program behind a link, whoever has loaded it. 0 or -errno. */
int load_add_missed(const struct bpf_link *link, __u64 *missed);

/* The decision points, 1 << enum tercel_point, that need the BPF LSM. */
uint32_t load_lsm_points(void);

/* Whether the kernel runs programs at the hooks of the BPF LSM at all: 0, or -EOPNOTSUPP with the reason. */
int load_check_lsm(const struct load_options *options, struct error *err);

/* Where the cgroup v2 hierarchy is mounted; fills `path`. -ENOENT if nowhere. */
int load_find_cgroup2(char *path, size_t size);

/* As sensor_open(), with options. */
int sensor_open_with(struct sensor **out, const struct sensor_config *config, const struct load_options *options,
                     struct error *err);

/* Descriptor of a map by its name in bpf/maps.h; -ENOENT. For tests that count entries. */
int sensor_map_fd(struct sensor *s, const char *name);

#endif
