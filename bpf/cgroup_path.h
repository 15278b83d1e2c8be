/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which container a cgroup belongs to, by the names in its path. Compiled for BPF and natively alike; knows only text.
 *
 * Container runtimes name a container's cgroup after its id of 64 hex digits: bare (`/docker/<id>`,
 * `/kubepods/…/<id>`), with the runtime's prefix (`libpod-<id>`, `kubepods.slice:cri-containerd:<id>`), as a systemd
 * scope (`docker-<id>.scope`). What lies below such a cgroup belongs to the container (`…/container`, an init system's
 * own groups); of nested ones the innermost counts. A pod's own cgroup (`pod<uid>`, `….slice`, podman's pods under
 * libpod_parent) and the groups of a container's monitor (`…-conmon-<id>.scope`) are no containers.
 */
#ifndef TERCEL_BPF_CGROUP_PATH_H
#define TERCEL_BPF_CGROUP_PATH_H

#include "abi.h"

#define CGROUP_ID_DIGITS 64
/* A name in the cgroup file system: NAME_MAX. A buffer for one must have 256 bytes. */
#define CGROUP_NAME_MAX 255

/* True if `text` (a buffer of 256 bytes) has `word` (a literal) right before index `end`. */
#define CGROUP_ENDS_WITH(text, end, word) cgroup_ends_with(text, end, word, sizeof(word) - 1)

static inline __attribute__((always_inline)) int cgroup_ends_with(const char *text, __u32 end, const char *word,
                                                                  __u32 len)
{
	if (end < len)
		return 0;
	for (__u32 i = 0; i < len; i++)
		if (text[(end - len + i) & CGROUP_NAME_MAX] != word[i])
			return 0;
	return 1;
}

static inline __attribute__((always_inline)) int cgroup_is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/*
 * Judges one component of a path: `name` is a buffer of 256 bytes of which `len` are the name. Returns the index of the
 * container id's first digit, or -1 if the component names no container. Constant time.
 */
static inline __attribute__((always_inline)) int cgroup_component(const char *name, __u32 len)
{
	__u32 end = len, start;

	if (len > CGROUP_NAME_MAX)
		return -1;
	if (CGROUP_ENDS_WITH(name, end, ".scope"))
		end -= 6;
	if (end < CGROUP_ID_DIGITS)
		return -1;
	start = end - CGROUP_ID_DIGITS;
	for (__u32 i = 0; i < CGROUP_ID_DIGITS; i++)
		if (!cgroup_is_hex(name[(start + i) & CGROUP_NAME_MAX]))
			return -1;
	if (start == 0)
		return 0;
	if (name[(start - 1) & CGROUP_NAME_MAX] != '-' && name[(start - 1) & CGROUP_NAME_MAX] != ':')
		return -1;
	return CGROUP_ENDS_WITH(name, start, "conmon-") ? -1 : (int)start;
}

/* Podman's pods: a bare id right under this parent is a pod. Same buffer convention as cgroup_component(). */
static inline __attribute__((always_inline)) int cgroup_is_pod_parent(const char *name, __u32 len)
{
	return len == 13 && CGROUP_ENDS_WITH(name, len, "libpod_parent");
}

#ifndef __bpf__
#include <string.h>

/*
 * Classifies a whole path of `len` bytes (in the cgroup v2 hierarchy, from its root or with any prefix). Returns
 * TERCEL_CGROUP_CONTAINER and writes the id (64 digits and a NUL) to `id`, which holds TERCEL_CONTAINER_ID_LEN bytes,
 * or TERCEL_CGROUP_HOST with an empty id. The kernel side does the same, component by component, in bpf/cgroup.h.
 */
static inline enum tercel_cgroup_state cgroup_path_classify(const char *path, size_t len, char *id)
{
	char name[CGROUP_NAME_MAX + 1] = {0};
	int under_pods = 0;
	size_t at = 0;

	id[0] = '\0';
	while (at < len) {
		const char *slash = (const char *)memchr(path + at, '/', len - at);
		const size_t n = slash ? (size_t)(slash - path) - at : len - at;

		if (n > 0 && n <= CGROUP_NAME_MAX) {
			int start;

			memcpy(name, path + at, n);
			start = cgroup_component(name, (__u32)n);
			if (start > 0 || (start == 0 && !under_pods)) {
				memcpy(id, name + start, CGROUP_ID_DIGITS);
				id[CGROUP_ID_DIGITS] = '\0';
			}
			under_pods = cgroup_is_pod_parent(name, (__u32)n);
		}
		at += n + 1;
	}
	return id[0] ? TERCEL_CGROUP_CONTAINER : TERCEL_CGROUP_HOST;
}
#endif

#endif
