/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What path_probe.bpf.c found out about the first file that was opened since `seen` was 0.
 */
#ifndef TERCEL_TESTS_PROPERTY_PATH_PROBE_H
#define TERCEL_TESTS_PROPERTY_PATH_PROBE_H

#include "abi.h"

struct path_names {
	__u32 seen;       /* how many opens since */
	__u32 flags;      /* of ours: enum tercel_record_flags */
	__s64 kernel_len; /* with the final NUL, or -errno */
	__u64 ours_len;
	char kernel[TERCEL_PATH_MAX];
	char ours[TERCEL_PATH_MAX];
};

#endif
