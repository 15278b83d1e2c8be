/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings: the records of a sensor in a file, to be looked at later or on a machine that has no sensor.
 *
 * The file is one line of JSON, {"tercel_recording":1,"clock_offset":…,"node":"…","rules":["…"]}, and then the records
 * as the kernel wrote them (bpf/abi.h), one after the other, in the byte order of the machine that wrote them. Knows
 * nothing of sensors or policies: the caller gives the names of the rules that verdicts refer to by index.
 */
#ifndef TERCEL_EVENTS_RECORDING_H
#define TERCEL_EVENTS_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "bpf/abi.h"

/* What the first line says. */
struct recording_info {
	int64_t clock_offset;     /* CLOCK_REALTIME - CLOCK_BOOTTIME in ns, on the machine that recorded */
	const char *node;         /* its name */
	const char *const *rules; /* names of the policy's rules, by index; NULL if nrules is 0 */
	size_t nrules;
};

struct recording_writer;
struct recording_reader;

/* Creates (or empties) the file, mode 0600: records hold environments. `info` is copied. 0 or -errno, said in `err`. */
int recording_create(struct recording_writer **out, const char *path, const struct recording_info *info,
                     struct error *err);
/* Appends one record, buffered. 0 or -errno; after an error the file is of no use. */
int recording_write(struct recording_writer *w, const struct tercel_hdr *record);
/* Writes what is buffered and closes. 0 or -errno: only 0 means that the file is whole. Frees `w` in any case; NULL is
 * 0. */
int recording_finish(struct recording_writer *w);

/* Opens a recording and reads its first line. -EINVAL if the file is none, or of another version or byte order. */
int recording_open(struct recording_reader **out, const char *path, struct error *err);
/* The first line's contents; valid until recording_close(). */
const struct recording_info *recording_info(const struct recording_reader *r);
/*
 * The next record, valid until the next call. 1, 0 at the end, or -errno: -EINVAL says that the file is cut or damaged,
 * with the byte offset in `err`. A record's header is checked against the file; its spans are not (the process table
 * does).
 */
int recording_next(struct recording_reader *r, const struct tercel_hdr **record, struct error *err);
void recording_close(struct recording_reader *r);

static inline void cleanup_recording_reader(struct recording_reader **r)
{
	recording_close(*r);
}
#define _autorecording_ _cleanup_(cleanup_recording_reader)

#endif
