/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher inside the kernel, for tests: loads tests/property/match_probe.bpf.c and runs it on given bytes.
 */
#ifndef TERCEL_TESTS_PROPERTY_PROBE_H
#define TERCEL_TESTS_PROPERTY_PROBE_H

#include <stdint.h>

#include "bpf/match.h"

struct probe;

/* 0, or -errno (-EPERM: no privileges). */
int probe_open(struct probe **out);
void probe_close(struct probe *p);

/* The kernel's image, to be written to. */
uint8_t *probe_image(struct probe *p);

/* Decides `repeat` times; 0 and the nanoseconds of all of them, or -errno. state: of the last one. */
int probe_run(struct probe *p, enum tercel_point point, const struct match_facts *facts, const uint8_t *text,
              uint32_t repeat, struct match_state *state, uint64_t *ns);

#endif
