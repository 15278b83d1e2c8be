/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What differs between processor architectures: registers, system call numbers, the 32-bit system call table.
 *
 * The numbers come from the kernel's arch/x86/entry/syscalls/syscall_{64,32}.tbl, include/uapi/asm-generic/unistd.h and
 * arch/arm/tools/syscall.tbl. Structures are read directly, not by a helper, because this runs for every system call of
 * the machine: callers pass pointers that the verifier knows (arguments of tracepoints, bpf_get_current_task_btf(),
 * bpf_task_pt_regs()). Knows nothing of records but enum tercel_syscall. A new architecture is one more block
 * here.
 */
#ifndef TERCEL_BPF_ARCH_H
#define TERCEL_BPF_ARCH_H

#include "abi.h"
#include "kernel.h"

struct syscall_args {
	__u64 a[5];
};

/* Above every number that the tables have. */
#define ARCH_CALLS 512

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long bp, bx, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
} __attribute__((preserve_access_index));

/* arch/x86/include/asm/thread_info.h */
#define TS_COMPAT 0x0002
/* arch/x86/include/uapi/asm/unistd.h: calls of the x32 interface; those we name have the 64-bit numbers. */
#define ARCH_OTHER_BITS 0x40000000
/* clone(flags, stack, …) */
#define ARCH_CLONE_FLAGS 0

static __always_inline __u32 arch_syscall_nr(const struct pt_regs *regs)
{
	return (__u32)regs->orig_ax;
}

/* Whether the current task is in a call of the 32-bit table. */
static __always_inline bool arch_is_compat(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return task->thread_info.status & TS_COMPAT;
}

static __always_inline void arch_args(struct syscall_args *out, const struct pt_regs *regs, bool compat)
{
	if (compat) {
		out->a[0] = (__u32)regs->bx;
		out->a[1] = (__u32)regs->cx;
		out->a[2] = (__u32)regs->dx;
		out->a[3] = (__u32)regs->si;
		out->a[4] = (__u32)regs->di;
		return;
	}
	out->a[0] = regs->di;
	out->a[1] = regs->si;
	out->a[2] = regs->dx;
	out->a[3] = regs->r10;
	out->a[4] = regs->r8;
}

static const volatile __u8 arch_calls[ARCH_CALLS] = {
        [2] = TERCEL_SYS_OPEN,   [41] = TERCEL_SYS_SOCKET,  [42] = TERCEL_SYS_CONNECT, [56] = TERCEL_SYS_CLONE,
        [57] = TERCEL_SYS_FORK,  [58] = TERCEL_SYS_VFORK,   [80] = TERCEL_SYS_CHDIR,   [81] = TERCEL_SYS_FCHDIR,
        [85] = TERCEL_SYS_CREAT, [257] = TERCEL_SYS_OPENAT, [435] = TERCEL_SYS_CLONE3, [437] = TERCEL_SYS_OPENAT2,
};

/* i386. socketcall (102) multiplexes the socket calls: SYS_SOCKET is 1, SYS_CONNECT 3 (include/uapi/linux/net.h). */
#define ARCH_COMPAT_SOCKETCALL 102
static const volatile __u8 arch_compat_calls[ARCH_CALLS] = {
        [2] = TERCEL_SYS_FORK,     [5] = TERCEL_SYS_OPEN,      [8] = TERCEL_SYS_CREAT,    [12] = TERCEL_SYS_CHDIR,
        [120] = TERCEL_SYS_CLONE,  [133] = TERCEL_SYS_FCHDIR,  [190] = TERCEL_SYS_VFORK,  [295] = TERCEL_SYS_OPENAT,
        [359] = TERCEL_SYS_SOCKET, [362] = TERCEL_SYS_CONNECT, [435] = TERCEL_SYS_CLONE3, [437] = TERCEL_SYS_OPENAT2,
};

/*
 * Calls that change credentials, capabilities or the user namespace: a bit for each number. setuid and the like (for
 * user and group ids, file system ids, supplementary groups), capset, unshare, setns.
 */
#define RIGHTS_BIT(nr) (1ULL << ((nr) % 64))
static const volatile __u64 arch_rights_calls[2][ARCH_CALLS / 64] = {
        {[1] = RIGHTS_BIT(105) | RIGHTS_BIT(106) | RIGHTS_BIT(113) | RIGHTS_BIT(114) | RIGHTS_BIT(116) |
               RIGHTS_BIT(117) | RIGHTS_BIT(119) | RIGHTS_BIT(122) | RIGHTS_BIT(123) | RIGHTS_BIT(126),
         [4] = RIGHTS_BIT(272) | RIGHTS_BIT(308)},
        {[0] = RIGHTS_BIT(23) | RIGHTS_BIT(46),
         [1] = RIGHTS_BIT(70) | RIGHTS_BIT(71) | RIGHTS_BIT(81),
         [2] = RIGHTS_BIT(138) | RIGHTS_BIT(139) | RIGHTS_BIT(164) | RIGHTS_BIT(170) | RIGHTS_BIT(185),
         [3] = RIGHTS_BIT(203) | RIGHTS_BIT(204) | RIGHTS_BIT(206) | RIGHTS_BIT(208) | RIGHTS_BIT(210) |
               RIGHTS_BIT(213) | RIGHTS_BIT(214) | RIGHTS_BIT(215) | RIGHTS_BIT(216),
         [4] = RIGHTS_BIT(310),
         [5] = RIGHTS_BIT(346)},
};

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs {
	__u64 regs[31];
	__s32 syscallno;
	__u64 orig_x0;
} __attribute__((preserve_access_index));

/* arch/arm64/include/asm/thread_info.h */
#define TIF_32BIT 22
#define ARCH_OTHER_BITS 0
/* clone(flags, stack, …) */
#define ARCH_CLONE_FLAGS 0

static __always_inline __u32 arch_syscall_nr(const struct pt_regs *regs)
{
	return (__u32)regs->syscallno;
}

/* Whether the current task is in a call of the 32-bit table. */
static __always_inline bool arch_is_compat(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return task->thread_info.flags & (1UL << TIF_32BIT);
}

static __always_inline void arch_args(struct syscall_args *out, const struct pt_regs *regs, bool compat)
{
	(void)compat;
	out->a[0] = regs->orig_x0;
	out->a[1] = regs->regs[1];
	out->a[2] = regs->regs[2];
	out->a[3] = regs->regs[3];
	out->a[4] = regs->regs[4];
}

static const volatile __u8 arch_calls[ARCH_CALLS] = {
        [49] = TERCEL_SYS_CHDIR,    [50] = TERCEL_SYS_FCHDIR, [56] = TERCEL_SYS_OPENAT,  [198] = TERCEL_SYS_SOCKET,
        [203] = TERCEL_SYS_CONNECT, [220] = TERCEL_SYS_CLONE, [435] = TERCEL_SYS_CLONE3, [437] = TERCEL_SYS_OPENAT2,
};

/* The ARM EABI has no socketcall. */
#define ARCH_COMPAT_SOCKETCALL 0xffffffff
static const volatile __u8 arch_compat_calls[ARCH_CALLS] = {
        [2] = TERCEL_SYS_FORK,      [5] = TERCEL_SYS_OPEN,     [8] = TERCEL_SYS_CREAT,    [12] = TERCEL_SYS_CHDIR,
        [120] = TERCEL_SYS_CLONE,   [133] = TERCEL_SYS_FCHDIR, [190] = TERCEL_SYS_VFORK,  [281] = TERCEL_SYS_SOCKET,
        [283] = TERCEL_SYS_CONNECT, [322] = TERCEL_SYS_OPENAT, [435] = TERCEL_SYS_CLONE3, [437] = TERCEL_SYS_OPENAT2,
};

/* Calls that change credentials, capabilities or the user namespace: a bit for each number, as above. */
#define RIGHTS_BIT(nr) (1ULL << ((nr) % 64))
static const volatile __u64 arch_rights_calls[2][ARCH_CALLS / 64] = {
        {[1] = RIGHTS_BIT(91) | RIGHTS_BIT(97),
         [2] = RIGHTS_BIT(143) | RIGHTS_BIT(144) | RIGHTS_BIT(145) | RIGHTS_BIT(146) | RIGHTS_BIT(147) |
               RIGHTS_BIT(149) | RIGHTS_BIT(151) | RIGHTS_BIT(152) | RIGHTS_BIT(159),
         [4] = RIGHTS_BIT(268)},
        {[0] = RIGHTS_BIT(23) | RIGHTS_BIT(46),
         [1] = RIGHTS_BIT(70) | RIGHTS_BIT(71) | RIGHTS_BIT(81),
         [2] = RIGHTS_BIT(138) | RIGHTS_BIT(139) | RIGHTS_BIT(164) | RIGHTS_BIT(170) | RIGHTS_BIT(185),
         [3] = RIGHTS_BIT(203) | RIGHTS_BIT(204) | RIGHTS_BIT(206) | RIGHTS_BIT(208) | RIGHTS_BIT(210) |
               RIGHTS_BIT(213) | RIGHTS_BIT(214) | RIGHTS_BIT(215) | RIGHTS_BIT(216),
         [5] = RIGHTS_BIT(337) | RIGHTS_BIT(375)},
};

#else
#error "bpf/arch.h has no block for this architecture yet: registers and system call numbers"
#endif

/*
 * The call that a number of the 64-bit or the 32-bit table means, if records name it; else TERCEL_SYS_NONE. From
 * tables, not a switch, because the verifier of Linux 6.1 takes two paths for one that differ only in a constant which
 * a function finds in its caller's stack, and throws away the code that only the second one runs.
 */
static __always_inline __u32 arch_syscall(__u32 nr)
{
	nr &= ~(__u32)ARCH_OTHER_BITS;
	return nr < ARCH_CALLS ? arch_calls[nr & (ARCH_CALLS - 1)] : TERCEL_SYS_NONE;
}

static __always_inline __u32 arch_compat_syscall(__u32 nr)
{
	return nr < ARCH_CALLS ? arch_compat_calls[nr & (ARCH_CALLS - 1)] : TERCEL_SYS_NONE;
}

/* Whether the call, if it succeeds, changes what the process may do. */
static __always_inline bool arch_changes_rights(__u32 nr, bool compat)
{
	return nr < ARCH_CALLS && arch_rights_calls[compat & 1][nr / 64 & (ARCH_CALLS / 64 - 1)] >> (nr & 63) & 1;
}

#endif
