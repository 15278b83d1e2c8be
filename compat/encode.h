/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of bpf/abi.h as Falco's events (compat/events.h): record in, bytes out in the caller's buffer.
 *
 * Pure: no allocation, no system call, no state. What a record does not carry (the path of a cgroup, the arguments of
 * a process that forks) comes through struct scap_context. Knows nothing about plugins or who reads the events.
 */
#ifndef TERCEL_COMPAT_ENCODE_H
#define TERCEL_COMPAT_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "compat/events.h"

/* A fork is two events: what the child sees return, and what its maker does. */
#define SCAP_EVENTS_MAX 2
/* No record's events take more bytes, as long as the context's paths and arguments keep to bpf/abi.h's limits. */
#define SCAP_ENCODED_MAX ((size_t)128 * 1024)

/* Bytes that are not NUL-terminated. Empty: not available. */
struct scap_bytes {
	const char *data;
	size_t len;
};

/* Who made a process or thread, at that time. */
struct scap_maker {
	uint64_t cgroup_id; /* 0: unknown */
	uint32_t euid, egid;
};

struct scap_context {
	/* Added to hdr.ts (CLOCK_BOOTTIME) for the time of the event (CLOCK_REALTIME). */
	int64_t clock_offset;
	/* Handed to the functions below; each of them may be NULL and may leave *out alone if it does not know. */
	void *data;
	/* Path of a cgroup in the v2 hierarchy, from its root: "/" …. Must stay valid until the call returns. */
	void (*cgroup_path)(void *data, uint64_t cgroup_id, struct scap_bytes *out);
	/* Arguments of a process's current image: argv[0] first, each ended by a NUL. */
	void (*arguments)(void *data, struct tercel_exec_id process, struct scap_bytes *out);
	/*
	 * The working directory of the process that acts, if the host cannot know it; to be left alone if it can. A
	 * relative path that it opens is then written behind it, which the host would otherwise take for another
	 * file's. Empty: unknown.
	 */
	void (*unknown_cwd)(void *data, const struct tercel_hdr *record, struct scap_bytes *out);
	/*
	 * Corrects what follows from the record alone: *out has the child's cgroup, or none if the call chose it
	 * (CLONE_INTO_CGROUP), and the real ids, which the child has from its maker, in place of the effective ones.
	 */
	void (*maker)(void *data, const struct tercel_fork *fork, struct scap_maker *out);
};

struct scap_encoded {
	size_t count; /* 0 … SCAP_EVENTS_MAX */
	struct {
		size_t offset, len;
	} events[SCAP_EVENTS_MAX];
	size_t used; /* bytes of the buffer, from its beginning */
	/* A path in it is not the one that was requested, but completed by the working directory. */
	bool completed;
};

/*
 * Encodes the record, of which `size` bytes are readable, into `buf`. Returns 0 and fills *out; a record that has no
 * event (SEED, CGROUP, VERDICT, the making of a kernel thread) gives count 0. -EBADMSG: the record is not what
 * bpf/abi.h says (sizes, spans, type); -ENOSPC: `buf` is too small (SCAP_ENCODED_MAX never is); both leave *out alone.
 *
 * - FORK: first the child's event, then its maker's, both at the time of the fork, as with Falco's driver on kernels
 *   where it uses the scheduler's tracepoint. A child that no system call made has only its own.
 * - EXEC: always execve, as Falco's driver tells of both calls once they succeed; `cwd` is filled.
 * - EXIT: procexit. OPEN, CONNECT, SOCKET, CHDIR: the exit events of these calls, failures included.
 */
int scap_encode(const struct tercel_hdr *record, size_t size, const struct scap_context *ctx, void *buf,
                size_t buf_size, struct scap_encoded *out);

/* Whether the record is what bpf/abi.h says: header, size, spans. Reads no more than `size` bytes. */
bool scap_record_ok(const struct tercel_hdr *record, size_t size);

#endif