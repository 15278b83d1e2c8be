/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher inside the kernel, for tests: loads tests/property/match_probe.bpf.c and runs it on given bytes.
 */
#ifndef TERCEL_TESTS_PROPERTY_PROBE_H
#define TERCEL_TESTS_PROPERTY_PROBE_H

#include <stdint.h>

#include "bpf/match.h"
#include "probe_ancestors.h"

struct probe;

/* 0, or -errno (-EPERM: no privileges). */
int probe_open(struct probe **out);
void probe_close(struct probe *p);

/* The kernel's image, to be written to. */
uint8_t *probe_image(struct probe *p);

/* What a decision is made of; `text` has MATCH_TEXT_MAX bytes. */
struct probe_case {
	enum tercel_point point;
	const struct match_facts *facts;
	const struct probe_ancestors *ancestors;
	const uint8_t *text;
};

/* Decides `repeat` times; 0 and the nanoseconds of all of them, or -errno. state: what stands in the memory before and
 * after. */
int probe_run(struct probe *p, const struct probe_case *c, uint32_t repeat, struct match_state *state, uint64_t *ns);

/* Looks `path` up `repeat` times among `n` other paths in a hash map; 0 and the nanoseconds, or -errno. */
int probe_look_up(struct probe *p, const char *path, uint32_t n, uint32_t repeat, uint64_t *ns);

#endif
