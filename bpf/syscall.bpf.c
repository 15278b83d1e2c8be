// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The capture backends for system calls: where a call's return is seen, and which handler it goes to.
 *
 * Two of them: one raw sys_exit program for all calls, which also sees 32-bit calls; or one tracepoint for each call,
 * which the kernel does not run for 32-bit calls and which needs tracefs. engine/sensor/load.c chooses. Handlers are in
 * file.bpf.c and network.bpf.c; they know nothing of the backends.
 */
#include "arch.h"
#include "record.h"

struct call {
	struct task_struct *task;
	__s64 ret;
	__u32 syscall; /* enum tercel_syscall */
	__u32 compat;
	struct syscall_args args;
};

#include "file.bpf.c"
#include "network.bpf.c"

static __always_inline void call_dispatch(struct call *c)
{
	switch (c->syscall) {
	case TERCEL_SYS_OPEN:
	case TERCEL_SYS_OPENAT:
	case TERCEL_SYS_OPENAT2:
	case TERCEL_SYS_CREAT:
		on_open(c);
		break;
	case TERCEL_SYS_CONNECT:
		on_connect(c);
		break;
	case TERCEL_SYS_SOCKET:
		on_socket(c);
		break;
	case TERCEL_SYS_CHDIR:
	case TERCEL_SYS_FCHDIR:
		on_chdir(c);
		break;
	}
}

/* include/uapi/linux/net.h; a table for the reason of those in arch.h. */
#define SOCKETCALLS 4
static const volatile __u8 socketcalls[SOCKETCALLS] = {[1] = TERCEL_SYS_SOCKET, [3] = TERCEL_SYS_CONNECT};

/* i386's socketcall(call, args): the arguments are an array of 32-bit words in user memory. */
static __always_inline void call_unpack_socketcall(struct call *c)
{
	__u32 words[3] = {}, which = (__u32)c->args.a[0];

	if (which >= SOCKETCALLS || !socketcalls[which & (SOCKETCALLS - 1)])
		return;
	c->syscall = socketcalls[which & (SOCKETCALLS - 1)];
	if (bpf_probe_read_user(words, sizeof(words), (const void *)c->args.a[1])) {
		c->syscall = TERCEL_SYS_NONE;
		COUNT(compat_unknown);
	}
	c->args.a[0] = words[0];
	c->args.a[1] = words[1];
	c->args.a[2] = words[2];
}

static __noinline void call_compat(struct pt_regs *regs, long ret)
{
	struct call c = {.ret = ret, .compat = 1};
	__u32 nr = arch_syscall_nr(regs);

	c.syscall = arch_compat_syscall(nr);
	if (!c.syscall && nr != ARCH_COMPAT_SOCKETCALL)
		return;
	c.task = (void *)bpf_get_current_task_btf();
	arch_args(&c.args, regs, true);
	if (nr == ARCH_COMPAT_SOCKETCALL)
		call_unpack_socketcall(&c);
	call_dispatch(&c);
}

static __noinline void call_native(struct pt_regs *regs, long ret, __u32 syscall)
{
	struct call c = {.ret = ret, .syscall = syscall};

	c.task = (void *)bpf_get_current_task_btf();
	arch_args(&c.args, regs, false);
	call_dispatch(&c);
}

/* Runs for every system call of the machine: what nobody asked for must be told apart at once. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	__u32 syscall, nr = arch_syscall_nr(regs);
	bool compat = arch_is_compat();

	if (points && ret >= 0 && arch_changes_rights(nr, compat))
		mark_process((void *)bpf_get_current_task_btf(), TERCEL_PROC_RIGHTS);
	if (compat) {
		call_compat(regs, ret);
		return 0;
	}
	syscall = arch_syscall(nr);
	if (syscall)
		call_native(regs, ret, syscall);
	return 0;
}

/* include/trace/syscall.h: what a sys_exit_… tracepoint hands to a program. */
struct sys_exit_ctx {
	__u64 common;
	__s64 nr;
	__s64 ret;
};

static __always_inline void call_from_tracepoint(struct sys_exit_ctx *ctx, __u32 syscall, struct call *c)
{
	struct pt_regs *regs;

	c->task = (void *)bpf_get_current_task_btf();
	regs = (void *)bpf_task_pt_regs(c->task);
	c->ret = ctx->ret;
	c->syscall = syscall;
	c->compat = 0;
	arch_args(&c->args, regs, false);
}

#define CALL_TRACEPOINT(name, syscall, handler)         \
	SEC("tracepoint/syscalls/sys_exit_" #name)      \
	int on_exit_##name(struct sys_exit_ctx *ctx)    \
	{                                               \
		struct call c = {};                     \
                                                        \
		call_from_tracepoint(ctx, syscall, &c); \
		handler(&c);                            \
		return 0;                               \
	}

CALL_TRACEPOINT(open, TERCEL_SYS_OPEN, on_open)
CALL_TRACEPOINT(openat, TERCEL_SYS_OPENAT, on_open)
CALL_TRACEPOINT(openat2, TERCEL_SYS_OPENAT2, on_open)
CALL_TRACEPOINT(creat, TERCEL_SYS_CREAT, on_open)
CALL_TRACEPOINT(connect, TERCEL_SYS_CONNECT, on_connect)
CALL_TRACEPOINT(socket, TERCEL_SYS_SOCKET, on_socket)
CALL_TRACEPOINT(chdir, TERCEL_SYS_CHDIR, on_chdir)
CALL_TRACEPOINT(fchdir, TERCEL_SYS_FCHDIR, on_chdir)
