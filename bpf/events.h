/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which of Falco's event types a system call is, by its number: for decisions at hooks that several calls come by.
 *
 * The numbers come from the kernel's arch/x86/entry/syscalls/syscall_{64,32}.tbl and include/uapi/asm-generic/unistd.h.
 * Tables and not switches: a hook looks once for each act. Knows nothing of records.
 */
#ifndef TERCEL_BPF_EVENTS_H
#define TERCEL_BPF_EVENTS_H

#include "arch.h"
#include "match.h"
#include "task.h"

#define EVENT_NUMBERS 512
#define EVENT(name) (MATCH_EVENT_##name + 1)

#if defined(__TARGET_ARCH_x86)
static const volatile __u8 events_native[EVENT_NUMBERS] = {
        [2] = EVENT(OPEN),
        [32] = EVENT(DUP),
        [33] = EVENT(DUP2),
        [41] = EVENT(SOCKET),
        [42] = EVENT(CONNECT),
        [44] = EVENT(SENDTO),
        [46] = EVENT(SENDMSG),
        [49] = EVENT(BIND),
        [50] = EVENT(LISTEN),
        [59] = EVENT(EXECVE),
        [62] = EVENT(KILL),
        [82] = EVENT(RENAME),
        [83] = EVENT(MKDIR),
        [84] = EVENT(RMDIR),
        [85] = EVENT(CREAT),
        [86] = EVENT(LINK),
        [87] = EVENT(UNLINK),
        [88] = EVENT(SYMLINK),
        [90] = EVENT(CHMOD),
        [91] = EVENT(FCHMOD),
        [92] = EVENT(CHOWN),
        [93] = EVENT(FCHOWN),
        [94] = EVENT(LCHOWN),
        [101] = EVENT(PTRACE),
        [105] = EVENT(SETUID),
        [117] = EVENT(SETRESUID),
        [133] = EVENT(MKNOD),
        [165] = EVENT(MOUNT),
        [175] = EVENT(INIT_MODULE),
        [200] = EVENT(TKILL),
        [234] = EVENT(TGKILL),
        [257] = EVENT(OPENAT),
        [258] = EVENT(MKDIRAT),
        [259] = EVENT(MKNODAT),
        [260] = EVENT(FCHOWNAT),
        [263] = EVENT(UNLINKAT),
        [264] = EVENT(RENAMEAT),
        [265] = EVENT(LINKAT),
        [266] = EVENT(SYMLINKAT),
        [268] = EVENT(FCHMODAT),
        [272] = EVENT(UNSHARE),
        [292] = EVENT(DUP3),
        [304] = EVENT(OPEN_BY_HANDLE_AT),
        [307] = EVENT(SENDMMSG),
        [308] = EVENT(SETNS),
        [313] = EVENT(FINIT_MODULE),
        [316] = EVENT(RENAMEAT2),
        [319] = EVENT(MEMFD_CREATE),
        [321] = EVENT(BPF),
        [322] = EVENT(EXECVEAT),
        [323] = EVENT(USERFAULTFD),
        [437] = EVENT(OPENAT2),
};
/* i386 */
static const volatile __u8 events_compat[EVENT_NUMBERS] = {
        [5] = EVENT(OPEN),
        [8] = EVENT(CREAT),
        [9] = EVENT(LINK),
        [10] = EVENT(UNLINK),
        [11] = EVENT(EXECVE),
        [14] = EVENT(MKNOD),
        [15] = EVENT(CHMOD),
        [21] = EVENT(MOUNT),
        [26] = EVENT(PTRACE),
        [37] = EVENT(KILL),
        [38] = EVENT(RENAME),
        [39] = EVENT(MKDIR),
        [40] = EVENT(RMDIR),
        [41] = EVENT(DUP),
        [63] = EVENT(DUP2),
        [83] = EVENT(SYMLINK),
        [94] = EVENT(FCHMOD),
        [128] = EVENT(INIT_MODULE),
        [198] = EVENT(LCHOWN),
        [207] = EVENT(FCHOWN),
        [208] = EVENT(SETRESUID),
        [212] = EVENT(CHOWN),
        [213] = EVENT(SETUID),
        [238] = EVENT(TKILL),
        [270] = EVENT(TGKILL),
        [295] = EVENT(OPENAT),
        [296] = EVENT(MKDIRAT),
        [297] = EVENT(MKNODAT),
        [298] = EVENT(FCHOWNAT),
        [301] = EVENT(UNLINKAT),
        [302] = EVENT(RENAMEAT),
        [303] = EVENT(LINKAT),
        [304] = EVENT(SYMLINKAT),
        [306] = EVENT(FCHMODAT),
        [310] = EVENT(UNSHARE),
        [330] = EVENT(DUP3),
        [342] = EVENT(OPEN_BY_HANDLE_AT),
        [345] = EVENT(SENDMMSG),
        [346] = EVENT(SETNS),
        [350] = EVENT(FINIT_MODULE),
        [353] = EVENT(RENAMEAT2),
        [356] = EVENT(MEMFD_CREATE),
        [357] = EVENT(BPF),
        [358] = EVENT(EXECVEAT),
        [359] = EVENT(SOCKET),
        [361] = EVENT(BIND),
        [362] = EVENT(CONNECT),
        [363] = EVENT(LISTEN),
        [369] = EVENT(SENDTO),
        [370] = EVENT(SENDMSG),
        [374] = EVENT(USERFAULTFD),
        [437] = EVENT(OPENAT2),
};
#elif defined(__TARGET_ARCH_arm64)
static const volatile __u8 events_native[EVENT_NUMBERS] = {
        [23] = EVENT(DUP),          [24] = EVENT(DUP3),          [33] = EVENT(MKNODAT),
        [34] = EVENT(MKDIRAT),      [35] = EVENT(UNLINKAT),      [36] = EVENT(SYMLINKAT),
        [37] = EVENT(LINKAT),       [38] = EVENT(RENAMEAT),      [40] = EVENT(MOUNT),
        [52] = EVENT(FCHMOD),       [53] = EVENT(FCHMODAT),      [54] = EVENT(FCHOWNAT),
        [55] = EVENT(FCHOWN),       [56] = EVENT(OPENAT),        [97] = EVENT(UNSHARE),
        [105] = EVENT(INIT_MODULE), [117] = EVENT(PTRACE),       [129] = EVENT(KILL),
        [130] = EVENT(TKILL),       [131] = EVENT(TGKILL),       [146] = EVENT(SETUID),
        [147] = EVENT(SETRESUID),   [198] = EVENT(SOCKET),       [200] = EVENT(BIND),
        [201] = EVENT(LISTEN),      [203] = EVENT(CONNECT),      [206] = EVENT(SENDTO),
        [211] = EVENT(SENDMSG),     [221] = EVENT(EXECVE),       [265] = EVENT(OPEN_BY_HANDLE_AT),
        [268] = EVENT(SETNS),       [269] = EVENT(SENDMMSG),     [273] = EVENT(FINIT_MODULE),
        [276] = EVENT(RENAMEAT2),   [279] = EVENT(MEMFD_CREATE), [280] = EVENT(BPF),
        [281] = EVENT(EXECVEAT),    [282] = EVENT(USERFAULTFD),  [437] = EVENT(OPENAT2),
};
/* ARM EABI. Of 32-bit calls only those on sockets are told apart: acts of others are unseen, which blocks nothing. */
static const volatile __u8 events_compat[EVENT_NUMBERS] = {
        [282] = EVENT(BIND),   [283] = EVENT(CONNECT), [284] = EVENT(LISTEN),
        [290] = EVENT(SENDTO), [296] = EVENT(SENDMSG), [374] = EVENT(SENDMMSG),
};
#endif

/* i386's socketcall(), by its first argument (include/uapi/linux/net.h): those whose other arguments are not needed. */
#define SOCKETCALL_EVENTS 32
static const volatile __u8 events_of_socketcall[SOCKETCALL_EVENTS] = {
        [2] = EVENT(BIND),    [3] = EVENT(CONNECT),  [4] = EVENT(LISTEN),
        [11] = EVENT(SENDTO), [16] = EVENT(SENDMSG), [20] = EVENT(SENDMMSG),
};

/* The event type of the call that the registers are of, plus one; 0: none that rules name. */
static __always_inline __u32 event_of_call(const struct pt_regs *regs, bool compat)
{
	__u32 nr = arch_syscall_nr(regs);
	struct syscall_args args;

#ifdef X32_SYSCALL_BIT
	nr &= ~X32_SYSCALL_BIT;
#endif
	if (compat && nr == ARCH_COMPAT_SOCKETCALL) {
		arch_args(&args, regs, compat);
		return args.a[0] < SOCKETCALL_EVENTS ? events_of_socketcall[args.a[0] & (SOCKETCALL_EVENTS - 1)] : 0;
	}
	if (nr >= EVENT_NUMBERS)
		return 0;
	return compat ? events_compat[nr & (EVENT_NUMBERS - 1)] : events_native[nr & (EVENT_NUMBERS - 1)];
}

/* Which call the current task is in: enum match_event + 1; 0: none that rules name, or none of a process's own. */
static __always_inline __u32 current_event(void)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());

	if (BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), flags) & (PF_KTHREAD | PF_IO_WORKER))
		return 0;
	return event_of_call(regs, arch_is_compat());
}

#endif
