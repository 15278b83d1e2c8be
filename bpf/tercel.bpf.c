// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The sensor's one BPF object: all programs in one translation unit, so that helpers are inlined and no linker for BPF
 * is needed. One included file for each concern; none of them knows what comes after it.
 */
/* First: it declares the integer types that abi.h uses. */
#include "kernel.h"

#include "arch.h"
#include "maps.h"
#include "record.h"

/* Decisions: by policy, after the facts are recorded. */
#include "decide.bpf.c"

#include "process.bpf.c"
/* After the life of processes: it starts programs as that records them. */
#include "lsm.bpf.c"
#include "lsm_socket.bpf.c"
#include "seed.bpf.c"
#include "syscall.bpf.c"

/* The kernel allows these helpers to GPL-compatible programs only. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
