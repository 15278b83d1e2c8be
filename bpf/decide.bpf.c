// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Decisions: collects what is known of an exec or a connect, asks the matcher, acts, and reports.
 *
 * Knows the records and the matcher; nothing of rules. Whatever goes wrong here blocks nothing and is counted.
 */
#include "match.h"
#include "record.h"

/* Set before loading: the process that loads the programs is never blocked. */
const volatile __u32 loader_tgid = 0;

/* The image in force: looked up once for each decision, so that each is made by one generation. Empty: no policy. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
	        values, struct {
		        __uint(type, BPF_MAP_TYPE_ARRAY);
		        __uint(max_entries, 1);
		        __uint(key_size, sizeof(__u32));
		        __uint(value_size, TERCEL_IMAGE_MAX);
	        });
} policy SEC(".maps");

/* The part of struct sock and struct socket that tells whose socket it is. */
struct socket___owned {
	struct file *file;
	struct sock___owned *sk;
} __attribute__((preserve_access_index));

struct sock___owned {
	struct socket___owned *sk_socket;
} __attribute__((preserve_access_index));

/* The namespaces of a task. */
struct nsproxy___mounts {
	struct mnt_namespace *mnt_ns;
} __attribute__((preserve_access_index));

struct task_struct___namespaces {
	struct nsproxy___mounts *nsproxy;
} __attribute__((preserve_access_index));

struct user_namespace___level {
	int level;
} __attribute__((preserve_access_index));

struct decision {
	__u32 busy;
	__u32 pad;
	struct match_facts facts;
	struct match_state state;
	struct tercel_verdict verdict;
	struct task_struct *ancestor;
	struct sock___owned *sk; /* of a connect: kept here, where the verifier takes it for a number */
};

/* As many as scratch buffers: every decision holds one of those. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TERCEL_SCRATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct decision);
} decisions SEC(".maps");

static __always_inline struct decision *decision_get(void)
{
	for (__u32 slot = 0; slot < TERCEL_SCRATCH_SLOTS; slot++) {
		__u32 key = slot;
		struct decision *d = bpf_map_lookup_elem(&decisions, &key);

		if (d && __sync_val_compare_and_swap(&d->busy, 0, 1) == 0)
			return d;
	}
	return NULL;
}

static __always_inline void decision_put(struct decision *d)
{
	__sync_lock_test_and_set(&d->busy, 0);
}

static __always_inline const __u8 *policy_in_force(void)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&policy, &zero);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

/* ---- facts -------------------------------------------------------------------------------------------- */

#define BIT_OF(domain) (1U << (domain))
#define TEXT_OF(f, domain) ((f)->text[(domain) - MATCH_EXEPATH])
#define NUMBER_OF(f, domain) ((f)->number[(domain) - MATCH_UID])

/* `text` is a literal of at most MATCH_SHORT bytes. */
#define SET_SHORT(f, domain, literal)                                                            \
	do {                                                                                     \
		_Static_assert(sizeof(literal) - 1 <= MATCH_SHORT, "too long for a short text"); \
		__builtin_memcpy((f)->short_text[domain].bytes, (literal), sizeof(literal) - 1); \
		(f)->short_text[domain].len = sizeof(literal) - 1;                               \
	} while (0)

/* As Falco writes device numbers: the kernel's new_encode_dev(). */
static __always_inline __u32 encode_tty(__u32 dev)
{
	__u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

static __always_inline void container_facts(struct match_facts *f, __u64 cgroup_id)
{
	struct tercel_cgroup_info *info = cgroup_info(cgroup_id);

	if (!info || info->state == TERCEL_CGROUP_UNKNOWN) {
		f->unknown |= BIT_OF(MATCH_CONTAINER);
		return;
	}
	if (info->state == TERCEL_CGROUP_HOST) {
		f->on_host = 1;
		SET_SHORT(f, MATCH_CONTAINER, "host");
		return;
	}
	__builtin_memcpy(f->short_text[MATCH_CONTAINER].bytes, info->container_id, TERCEL_CONTAINER_ID_SHORT);
	f->short_text[MATCH_CONTAINER].len = TERCEL_CONTAINER_ID_SHORT;
}

/*
 * Whether paths mean to the current task, and to whoever made its executable's mount, what they mean to the machine's
 * init. Anybody can have a /usr/bin of his own, and be root in it, in namespaces that he made.
 */
static __noinline bool in_initial_place(void)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *init;
	struct user_namespace___level *users;
	struct mnt_namespace *mounts;
	struct vfsmount *mnt;
	struct upid u;

	pid_at(BPF_CORE_READ(task, thread_pid), 0, &u);
	init = BPF_CORE_READ(u.ns, child_reaper);
	mounts = BPF_CORE_READ((struct task_struct___namespaces *)init, nsproxy, mnt_ns);
	mnt = BPF_CORE_READ(task, mm, exe_file, f_path.mnt);
	users = (void *)BPF_CORE_READ(task, cred, user_ns);
	return mounts && mnt && users && !BPF_CORE_READ(users, level) &&
	       BPF_CORE_READ((struct task_struct___namespaces *)task, nsproxy, mnt_ns) == mounts &&
	       BPF_CORE_READ(real_mount(mnt), mnt_ns) == mounts &&
	       BPF_CORE_READ(task, fs, root.mnt) == BPF_CORE_READ(init, fs, root.mnt) &&
	       BPF_CORE_READ(task, fs, root.dentry) == BPF_CORE_READ(init, fs, root.dentry);
}

/* What an exec record says of a process: the new image at an exec, the running one elsewhere. */
static __always_inline void process_facts(struct match_facts *f, const struct tercel_exec *e)
{
	f->ancestors = f->ancestors_cut = f->on_host = f->missing = f->cut = f->unknown = f->unseen = 0;
	f->path_cut = 0;
	f->threads_unknown = 0;
	__builtin_memcpy(f->short_text[MATCH_NAME].bytes, e->proc.comm, TERCEL_COMM_LEN);
	f->short_text[MATCH_NAME].len = match_strnlen(e->proc.comm);
	TEXT_OF(f, MATCH_EXEPATH) = e->exe_path;
	TEXT_OF(f, MATCH_CMDLINE) = e->args;
	/* A name that the file no longer has is shown in different ways, by Falco too. */
	if (e->hdr.flags & (TERCEL_F_TRUNC_PATH | TERCEL_F_FAULT_PATH | TERCEL_F_PATH_DELETED))
		f->unknown |= BIT_OF(MATCH_EXEPATH);
	f->path_cut = (e->hdr.flags & (TERCEL_F_TRUNC_PATH | TERCEL_F_PATH_DELETED)) == TERCEL_F_TRUNC_PATH;
	if (e->hdr.flags & TERCEL_F_FAULT_ARGS)
		f->unknown |= BIT_OF(MATCH_CMDLINE);
	if (e->hdr.flags & TERCEL_F_TRUNC_ARGS)
		f->cut |= BIT_OF(MATCH_CMDLINE);
	NUMBER_OF(f, MATCH_UID) = e->proc.creds.euid;
	NUMBER_OF(f, MATCH_LOGINUID) = match_signed(e->proc.loginuid == (__u32)-1 ? -1 : (__s64)e->proc.loginuid);
	NUMBER_OF(f, MATCH_TTY) = encode_tty(e->proc.tty);
	NUMBER_OF(f, MATCH_PID) = match_signed((__s64)e->proc.tgid);
	NUMBER_OF(f, MATCH_EXE_UPPER) = (e->proc.exe.flags & TERCEL_EXE_UPPER_LAYER) != 0;
	NUMBER_OF(f, MATCH_EXE_MEMFD) = (e->proc.exe.flags & TERCEL_EXE_MEMFD) != 0;
	if (e->proc.exe.flags & TERCEL_EXE_UNKNOWN)
		f->unknown |= BIT_OF(MATCH_EXE_UPPER) | BIT_OF(MATCH_EXE_MEMFD);
	NUMBER_OF(f, MATCH_CAPS) = e->proc.creds.cap_effective;
	/* Made when its creator had no record: nobody looked at the executable. */
	if (!e->proc.exe.ino)
		f->unknown |= BIT_OF(MATCH_EXE_UPPER) | BIT_OF(MATCH_EXE_MEMFD);
	container_facts(f, e->proc.cgroup_id);
	if (f->on_host)
		f->on_host = in_initial_place();
}

/*
 * The record of a task's process, NULL if there is none of the image that runs: one that stayed from an earlier image
 * or from another process of that number (an act was missed, a map was full) says nothing.
 */
static __always_inline struct tercel_proc *record_of(struct task_struct *task)
{
	return proc_of_task(task);
}

/*
 * Falco's name of a process is that of its last exec or clone: it does not follow prctl(PR_SET_NAME) or writes to
 * /proc/self/comm, and neither do the process records. A thread has the name that its creator had then: the task's own,
 * unless some thread of the process has been renamed meanwhile. Returns false if the name is not known.
 */
static __noinline bool name_of(char *out, struct task_struct *task)
{
	__u32 tgid = (__u32)BPF_CORE_READ(task, tgid);
	struct tercel_proc *p = record_of(task);

	if (!p)
		return false;
	if ((__u32)BPF_CORE_READ(task, pid) == tgid) {
		bpf_probe_read_kernel(out, TERCEL_COMM_LEN, p->comm);
		return true;
	}
	bpf_probe_read_kernel(out, TERCEL_COMM_LEN, &task->comm);
	return !(p->proc_flags & TERCEL_PROC_RENAMED);
}

/* One generation further up; the idle task, pid 0, is nobody's ancestor. */
static int ancestor_step(__u32 i, void *p)
{
	struct decision *d = *(struct decision **)p;
	struct task_struct *task = d->ancestor;
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct task_struct *leader = BPF_CORE_READ(parent, group_leader);
	struct match_ancestor *a;

	if (!parent || !leader || !BPF_CORE_READ(leader, pid))
		return 1;
	if (i >= TERCEL_ANCESTORS_MAX) {
		d->facts.ancestors_cut = 1;
		return 1;
	}
	a = &d->facts.ancestor[i];
	if (!name_of(a->leader, leader)) {
		d->facts.unknown |= BIT_OF(MATCH_ANCESTORS);
		return 1;
	}
	if (!name_of(a->thread, parent))
		d->facts.threads_unknown |= 1ULL << i;
	d->facts.ancestors = i + 1;
	d->ancestor = leader;
	return 0;
}

/* ---- answers ------------------------------------------------------------------------------------------ */

static __always_inline __u32 uncertain_reasons(const struct decision *d)
{
	__u32 domains = d->state.unknown, reasons = 0;

	if (domains & BIT_OF(MATCH_CONTAINER))
		reasons |= TERCEL_U_CONTAINER;
	if (domains & BIT_OF(MATCH_EXEPATH))
		reasons |= TERCEL_U_PATH;
	if (domains & BIT_OF(MATCH_CMDLINE))
		reasons |= TERCEL_U_ARGS;
	if (domains & BIT_OF(MATCH_ANCESTORS))
		reasons |= TERCEL_U_ANCESTORS;
	if (domains & BIT_OF(MATCH_EVENT))
		reasons |= TERCEL_U_CALL;
	if (domains & (BIT_OF(MATCH_L4PROTO) | BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_PORT) | BIT_OF(MATCH_FD_TYPE) |
	               BIT_OF(MATCH_FD_TYPECHAR)))
		reasons |= TERCEL_U_SOCKET;
	if (domains & (BIT_OF(MATCH_NAME) | BIT_OF(MATCH_EXE_UPPER) | BIT_OF(MATCH_EXE_MEMFD)) ||
	    d->verdict.hdr.flags & TERCEL_F_PROC_UNKNOWN)
		reasons |= TERCEL_U_PROCESS;
	return reasons;
}

struct report_ctx {
	const __u8 *image;
	struct decision *d;
	__u32 reasons;
	__u32 would_block;
	__u32 done;     /* what st->action says has been done */
	__u32 withheld; /* some rule's action was, as the program is protected */
};

/* One verdict for each rule that decided. What it says was done is what this rule asked for. */
static int report_step(__u32 i, void *p)
{
	struct report_ctx *c = p;
	struct decision *d = c->d;
	struct tercel_verdict *v = &d->verdict;
	__u32 rule, mode, action, certain, on_uncertain;

	if (i >= TERCEL_HITS_MAX || i >= d->state.hits)
		return 1;
	rule = d->state.hit[i].rule;
	certain = d->state.hit[i].certain;
	mode = match_rule_field(c->image, rule, mode);
	action = match_rule_field(c->image, rule, action);
	on_uncertain = match_rule_field(c->image, rule, on_uncertain);
	/* What an exec commit can do is end the process. */
	if (v->point == TERCEL_POINT_EXEC_COMMIT && action == TERCEL_ACTION_DENY)
		action = TERCEL_ACTION_KILL;
	if (!certain && on_uncertain != MATCH_ON_UNCERTAIN_DENY)
		action = TERCEL_ACTION_AUDIT;
	v->uncertain = certain ? 0 : c->reasons;
	if (d->state.protected_ && action != TERCEL_ACTION_AUDIT) {
		action = TERCEL_ACTION_AUDIT;
		v->uncertain |= TERCEL_U_PROTECTED;
		c->withheld = 1;
	}
	v->rule = rule;
	v->mode = (__u8)mode;
	v->action = (__u8)action;
	v->enforced = mode == TERCEL_MODE_ENFORCE && action != TERCEL_ACTION_AUDIT && c->done;
	c->would_block |= mode == TERCEL_MODE_MONITOR && action != TERCEL_ACTION_AUDIT;
	send_verdict(v);
	return 0;
}

/* Counts why decisions were uncertain. */
static int uncertain_step(__u32 i, void *p)
{
	struct report_ctx *c = p;
	struct tercel_stats *s = stats_get();

	if (s && i < TERCEL_U_BITS && c->reasons >> i & 1)
		__sync_fetch_and_add(&s->uncertain[i], 1);
	return 0;
}

static __always_inline void count_outcome(struct report_ctx *c, __u32 point)
{
	struct match_state *st = &c->d->state;
	struct tercel_stats *s = stats_get();

	if (!s || point >= TERCEL_POINTS)
		return;
	if (st->action != TERCEL_ACTION_AUDIT && c->done)
		__sync_fetch_and_add(&s->blocked[point], 1);
	else if (st->action != TERCEL_ACTION_AUDIT)
		__sync_fetch_and_add(&s->undecided[point], 1);
	else if (c->would_block)
		__sync_fetch_and_add(&s->would_block[point], 1);
	c->reasons = (st->uncertain ? c->reasons : 0) | (c->withheld ? TERCEL_U_PROTECTED : 0);
	if (c->reasons)
		bpf_loop(TERCEL_U_BITS, uncertain_step, c, 0);
	if (st->hits_lost) {
		__sync_fetch_and_add(&s->generated[TERCEL_VERDICT], st->hits_lost);
		__sync_fetch_and_add(&s->dropped[TERCEL_VERDICT], st->hits_lost);
	}
}

/* What must survive whatever the policy says: init, and the process that holds the policy. */
static __always_inline bool is_indispensable(void)
{
	__u32 tgid = current_tgid();

	return tgid == 1 || tgid == loader_tgid;
}

/* Judges the facts in `d` with the texts in `s`. Returns whether the operation is to be blocked. */
static __noinline int judge(struct scratch *s, struct decision *d, const __u8 *image, __u32 point)
{
	struct match_ctx m = {.image = image, .st = &d->state, .facts = &d->facts, .text = s->bytes, .point = point};
	int more = match_start(&m);

	if (more == 2) {
		d->ancestor = (void *)bpf_get_current_task();
		bpf_loop(TERCEL_ANCESTORS_MAX + 1, ancestor_step, &d, 0);
	}
	if (more)
		match_finish(&m);
	if (d->state.error) {
		COUNT(policy_errors);
		return 0;
	}
	if (!more) {
		d->state.hits = 0;
		return 0;
	}
	if (is_indispensable()) {
		d->state.protected_ = 1;
		d->state.action = TERCEL_ACTION_AUDIT;
	}
	return d->state.action != TERCEL_ACTION_AUDIT;
}

enum outcome {
	OUTCOME_NONE, /* nothing was to be done, or it could not be done */
	OUTCOME_DONE,
};

/* Tells what judge() found, after it was done. verdict.hdr, remote and protocol are the caller's. */
static __noinline int report(struct decision *d, const __u8 *image, __u32 point, enum outcome outcome)
{
	struct report_ctx report = {.image = image, .d = d, .done = outcome == OUTCOME_DONE};

	if (d->state.error || !(d->state.hits | d->state.uncertain | d->state.hits_lost))
		return 0;
	d->verdict.point = (__u16)point;
	d->verdict.generation = match_header_of(image)->generation;
	report.reasons = uncertain_reasons(d);
	bpf_loop(TERCEL_HITS_MAX, report_step, &report, 0);
	count_outcome(&report, point);
	return 0;
}

/* ---- exec commit -------------------------------------------------------------------------------------- */

/* Called when the exec record in `s` is complete. The new image has not run yet, and never will if it is killed. */
static __always_inline void decide_exec(struct scratch *s)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	enum outcome outcome = OUTCOME_NONE;
	const __u8 *image = policy_in_force();
	struct decision *d;

	if (!image)
		return;
	d = decision_get();
	if (!d) {
		COUNT(undecided[TERCEL_POINT_EXEC_COMMIT]);
		return;
	}
	process_facts(&d->facts, &s->exec);
	/*
	 * Falco's driver reports every successful exec as execve, execveat's too. Helpers that the kernel itself starts
	 * (modprobe, core dump handlers) make no call that it could see.
	 */
	SET_SHORT(&d->facts, MATCH_EVENT, "execve");
	if (BPF_CORE_READ(task, real_parent, flags) & PF_KTHREAD) {
		d->facts.unknown |= BIT_OF(MATCH_EVENT);
		d->facts.unseen = 1;
	}
	d->verdict.hdr = s->hdr;
	d->verdict.protocol = 0;
	__builtin_memset(&d->verdict.remote, 0, sizeof(d->verdict.remote));
	if (judge(s, d, image, TERCEL_POINT_EXEC_COMMIT) && !bpf_send_signal(9 /* SIGKILL */))
		outcome = OUTCOME_DONE;
	report(d, image, TERCEL_POINT_EXEC_COMMIT, outcome);
	decision_put(d);
}

/* ---- connect ------------------------------------------------------------------------------------------ */

/*
 * Whether the hook runs for connect(2) itself: io_uring, TCP fast open and the kernel's own sockets come here too.
 * *asked is then the caller's struct sockaddr.
 */
static __always_inline bool is_connect_call(struct task_struct *task, const void **asked)
{
	struct syscall_args args;
	struct pt_regs *regs;
	__u32 nr, inner[3] = {};

	if (BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER))
		return false;
	regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
	nr = arch_syscall_nr(regs);
	arch_args(&args, regs, arch_is_compat());
	*asked = (const void *)args.a[1];
	if (!arch_is_compat())
		return arch_syscall(nr) == TERCEL_SYS_CONNECT;
	if (arch_compat_syscall(nr) == TERCEL_SYS_CONNECT)
		return true;
	if (nr != ARCH_COMPAT_SOCKETCALL || args.a[0] != 3 /* SYS_CONNECT */)
		return false;
	if (bpf_probe_read_user(inner, sizeof(inner), *asked))
		inner[1] = 0;
	*asked = (const void *)(__u64)inner[1];
	return true;
}

/*
 * The process as Falco knows it: as it was at its exec or clone. The record is that; what belongs to one thread, or is
 * read again at a clone, may differ from it.
 */
static __always_inline void caller_facts(struct match_facts *f, struct scratch *s, bool known, const void **asked)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct tercel_proc *p = record_of(task);
	bool leader = (__u32)BPF_CORE_READ(task, pid) == current_tgid();

	if (!p)
		known = false;
	s->exec.proc.tgid = current_tgid();
	if (!name_of(s->exec.proc.comm, task))
		known = false;
	process_facts(f, &s->exec);
	if (!known)
		f->unknown |= BIT_OF(MATCH_NAME) | BIT_OF(MATCH_CMDLINE);
	if (!p) {
		f->unknown |= BIT_OF(MATCH_CONTAINER) | BIT_OF(MATCH_EXEPATH) | BIT_OF(MATCH_EXE_UPPER) |
		              BIT_OF(MATCH_EXE_MEMFD);
		f->on_host = f->path_cut = 0;
	} else {
		/* A clone's arguments are read from memory, which the process may have written to (setproctitle). */
		if (!leader || !(p->proc_flags & (TERCEL_PROC_EXECED | TERCEL_PROC_SEEDED)))
			f->unknown |= BIT_OF(MATCH_CMDLINE);
		/* A thread is where its process was when it was made. */
		if (!leader && (p->proc_flags & TERCEL_PROC_MOVED || p->cgroup_id != task_cgroup_id(task)))
			f->unknown |= BIT_OF(MATCH_CONTAINER);
	}
	if (is_connect_call(task, asked)) {
		SET_SHORT(f, MATCH_EVENT, "connect");
	} else {
		f->unknown |= BIT_OF(MATCH_EVENT);
		f->unseen = 1;
	}
}

/* ---- what makes a record's facts differ from a thread's ------------------------------------------------- */

static __always_inline void mark_process(struct task_struct *task, __u32 flag)
{
	struct tercel_proc *p = proc_of((__u32)BPF_CORE_READ(task, tgid));

	if (p && !(p->proc_flags & flag))
		__sync_fetch_and_or(&p->proc_flags, flag);
}

/* An exec renames, too: its new record, which comes after, does not have the mark. */
SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task)
{
	if (points && !(BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER)))
		mark_process(task, TERCEL_PROC_RENAMED);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup_move, struct cgroup *to, const char *path, struct task_struct *task)
{
	if (points)
		mark_process(task, TERCEL_PROC_MOVED);
	return 0;
}

/* include/uapi/linux/in.h */
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
/* include/linux/net.h */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2

/*
 * Whether the socket is the one that the caller has a descriptor of. MPTCP and SMC connect a TCP socket of the kernel's
 * instead: without a file, or lent the caller's struct socket. Falco knows the protocol that socket() was asked for.
 */
static __always_inline bool is_callers_socket(struct decision *d, struct bpf_sock_addr *ctx)
{
	struct socket___owned *socket;
	struct sock___owned *sk;

	d->sk = (void *)ctx->sk;
	/* Read again: arithmetic with a socket's pointer is not allowed. */
	__asm__ volatile("" ::: "memory");
	sk = d->sk;
	socket = BPF_CORE_READ(sk, sk_socket);
	return socket && BPF_CORE_READ(socket, file) && BPF_CORE_READ(socket, sk) == sk;
}

static __always_inline void socket_facts(struct decision *d, struct bpf_sock_addr *ctx)
{
	struct match_facts *f = &d->facts;
	struct bpf_sock *sk = ctx->sk;

	if (!is_callers_socket(d, ctx))
		f->unknown |= BIT_OF(MATCH_L4PROTO);
	else if (ctx->protocol == IPPROTO_TCP && ctx->type == SOCK_STREAM)
		SET_SHORT(f, MATCH_L4PROTO, "tcp");
	else if (ctx->protocol == IPPROTO_UDP && ctx->type == SOCK_DGRAM)
		SET_SHORT(f, MATCH_L4PROTO, "udp");
	else if (ctx->protocol == IPPROTO_ICMP && ctx->type == SOCK_DGRAM)
		SET_SHORT(f, MATCH_L4PROTO, "icmp");
	else
		f->unknown |= BIT_OF(MATCH_L4PROTO);
	/* A socket that has received before it connects is a server to Falco, which then swaps the ends. One without a
	 * port has received nothing. */
	if (ctx->protocol != IPPROTO_TCP && (!sk || sk->src_port))
		f->unknown |= BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_PORT);
	NUMBER_OF(f, MATCH_PORT) = bpf_ntohs((__u16)ctx->user_port);
}

static __always_inline void peer4_facts(struct match_facts *f, __u32 addr)
{
	SET_SHORT(f, MATCH_FD_TYPE, "ipv4");
	SET_SHORT(f, MATCH_FD_TYPECHAR, "4");
	f->missing |= BIT_OF(MATCH_ADDR6);
	NUMBER_OF(f, MATCH_ADDR4) = bpf_ntohl(addr);
	/* The kernel connects to an address of its choice instead. */
	if (!addr)
		f->unknown |= BIT_OF(MATCH_ADDR4);
}

static __always_inline void peer6_facts(struct match_facts *f, const __u32 *addr)
{
	/* ::ffff:a.b.c.d is IPv4 in Falco. */
	if (!addr[0] && !addr[1] && addr[2] == bpf_htonl(0xffff)) {
		peer4_facts(f, addr[3]);
		return;
	}
	SET_SHORT(f, MATCH_FD_TYPE, "ipv6");
	SET_SHORT(f, MATCH_FD_TYPECHAR, "6");
	f->addr6_high = (__u64)bpf_ntohl(addr[0]) << 32 | bpf_ntohl(addr[1]);
	NUMBER_OF(f, MATCH_ADDR6) = (__u64)bpf_ntohl(addr[2]) << 32 | bpf_ntohl(addr[3]);
	if (!addr[0] && !addr[1] && !addr[2] && !addr[3])
		f->unknown |= BIT_OF(MATCH_ADDR4);
	/* Neither an IPv4 address nor an unknown one is asked for in the other family's table. */
	if (f->unknown & BIT_OF(MATCH_ADDR4))
		f->missing |= BIT_OF(MATCH_ADDR6);
	else
		f->missing |= BIT_OF(MATCH_ADDR4);
}

/* struct sockaddr_in and sockaddr_in6, as far as they are looked at. */
struct peer {
	__u16 family, port; /* the port in network byte order */
	union {
		__u32 addr4;
		struct {
			__u32 flow, addr6[4];
		};
	};
};

/*
 * Programs of cgroups further down run before this one and may have put another address in place (service
 * translation); Falco sees the one that the caller asked for. What the caller's memory holds is only compared: it can
 * change meanwhile.
 */
static __always_inline bool is_as_asked(struct bpf_sock_addr *ctx, const __u32 *addr, __u32 point, const void *asked)
{
	struct peer peer = {};
	__u32 size = point == TERCEL_POINT_CONNECT4 ? 8 : sizeof(peer);

	if (!asked || bpf_probe_read_user(&peer, size, asked) || peer.port != (__u16)ctx->user_port)
		return false;
	if (point == TERCEL_POINT_CONNECT4)
		return peer.family == AF_INET && peer.addr4 == addr[0];
	return peer.family == AF_INET6 && peer.addr6[0] == addr[0] && peer.addr6[1] == addr[1] &&
	       peer.addr6[2] == addr[2] && peer.addr6[3] == addr[3];
}

static __always_inline void forget_peer(struct match_facts *f)
{
	f->unknown |= BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_PORT) | BIT_OF(MATCH_FD_TYPE) | BIT_OF(MATCH_FD_TYPECHAR);
	f->missing |= BIT_OF(MATCH_ADDR6);
	f->missing &= ~BIT_OF(MATCH_ADDR4);
}

/* `addr`: network byte order, IPv4 in the first word. Returns 1 to allow, 0 to refuse (EPERM). */
static __always_inline int decide_connect(struct bpf_sock_addr *ctx, const __u32 *addr, __u32 point)
{
	const __u8 *image = policy_in_force();
	struct scratch *s;
	const void *asked = NULL;
	struct decision *d;
	int refuse;

	if (!image)
		return 1;
	s = scratch_get();
	d = s ? decision_get() : NULL;
	if (!d) {
		if (point < TERCEL_POINTS)
			COUNT(undecided[point]);
		if (s)
			scratch_put(s);
		return 1;
	}
	caller_facts(&d->facts, s, current_as_exec(s) != 0, &asked);
	socket_facts(d, ctx);
	d->verdict.hdr = s->hdr;
	d->verdict.protocol = ctx->protocol;
	__builtin_memset(&d->verdict.remote, 0, sizeof(d->verdict.remote));
	d->verdict.remote.port = bpf_ntohs((__u16)ctx->user_port);
	if (point == TERCEL_POINT_CONNECT4) {
		peer4_facts(&d->facts, addr[0]);
		d->verdict.remote.family = AF_INET;
		__builtin_memcpy(d->verdict.remote.addr, addr, 4);
	} else {
		peer6_facts(&d->facts, addr);
		d->verdict.remote.family = AF_INET6;
		__builtin_memcpy(d->verdict.remote.addr, addr, 16);
	}
	if (!is_as_asked(ctx, addr, point, asked))
		forget_peer(&d->facts);
	refuse = judge(s, d, image, point);
	report(d, image, point, refuse ? OUTCOME_DONE : OUTCOME_NONE);
	decision_put(d);
	scratch_put(s);
	return !refuse;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *ctx)
{
	__u32 addr[4] = {ctx->user_ip4};

	return decide_connect(ctx, addr, TERCEL_POINT_CONNECT4);
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *ctx)
{
	__u32 addr[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};

	return decide_connect(ctx, addr, TERCEL_POINT_CONNECT6);
}
