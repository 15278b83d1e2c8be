/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that the task iterator did not deliver, from /proc. A kernel may keep some from its BPF programs; without
 * their records, lineages would begin in the middle. Knows /proc and the kernel's maps; not the iterator.
 */
#ifndef TERCEL_SENSOR_SEED_PROC_H
#define TERCEL_SENSOR_SEED_PROC_H

#include "sensor/seed.h"

/*
 * Appends the SEED (and CGROUP) records of threads in /proc that `s` does not hold and that nobody made since
 * maps->attached, and enters their processes in the kernel's maps, unless an event has told of them meanwhile.
 * 0, also where /proc is not that of the initial pid namespace (its numbers would be others' ids), or -ENOMEM.
 *
 * What is less exact than the iterator's: /proc has start times in clock ticks (10 ms, rounded down) and no count of
 * execs. Both together, the exec id, is exact if a child's SEED names it as its parent's; the start time is then late
 * by the count, some nanoseconds. Otherwise the exec id is the start time, and acts between attaching and seeding have
 * another. Layers of an overlay are not told. Environments are not read: what is kept from the iterator may be kept
 * from us for a reason, and secrets live there; TERCEL_F_FAULT_ENV says so.
 */
int seed_proc_collect(struct seed *s, const struct seed_maps *maps);

#endif
