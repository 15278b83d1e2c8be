// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Decisions: collects what is known of an exec or a connect, asks the matcher, acts, and reports.
 *
 * Knows the records and the matcher; nothing of rules. Whatever goes wrong here blocks nothing and is counted.
 */
#include "events.h"
#include "match.h"
#include "record.h"

/* The process that holds the policy. Also by its start: when it is dead, another one will get its id. */
struct {
	__u64 start; /* CLOCK_BOOTTIME ns */
	__u32 tgid;  /* in the initial pid namespace */
} loader = {};

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

/*
 * What the programs at the hooks of the BPF LSM keep of an act (lsm.bpf.c). Here, in a map, the verifier takes the
 * kernel's pointers for numbers, which functions may be given.
 */
struct hooked {
	struct syscall_args args; /* of the call that the act is part of */
	struct dentry *dentry;
	struct vfsmount *mnt;
	__u64 end;    /* of the texts in the scratch buffer */
	__u32 event;  /* the call: enum match_event + 1; 0: none that rules name */
	__u32 compat; /* 1: it is of the 32-bit table */
};

/* The addresses that a socket is bound to, in the order of the network; zero: none. */
struct local_end {
	__u32 known; /* 0: nobody has looked, or it is in no form that Falco has */
	__u32 ip4, ip6[4];
};

struct decision {
	__u32 busy;
	__u32 pad;
	struct match_facts facts;
	struct match_state state;
	struct tercel_verdict verdict;
	__u8 text[VERDICT_TEXT_MAX + TERCEL_PATH_MAX]; /* behind it; room behind the largest offset for one more */
	struct task_struct *ancestor;
	struct match_ancestor ancestor_facts;
	struct sock___owned *sk; /* of a connect: kept here, where the verifier takes it for a number */
	struct local_end local;  /* of a connect */
	struct hooked act;       /* at a hook of the BPF LSM */
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

/* Whether some rule is decided at this point at all. */
static __always_inline bool point_has_rules(const __u8 *image, __u32 point)
{
	return match_u32(image, (__u32) __builtin_offsetof(struct match_header, points) +
	                                (point & 31) * (__u32)sizeof(struct match_point) +
	                                (__u32) __builtin_offsetof(struct match_point, rules)) != 0;
}

/* ---- facts -------------------------------------------------------------------------------------------- */

#define BIT_OF(domain) MATCH_BIT_OF(domain)
#define TEXT_OF(f, domain) ((f)->text[(domain)])
#define NUMBER_OF(f, domain) ((f)->number[(domain) - MATCH_UID])

/*
 * Where in the scratch buffer texts of decisions stand, behind the longest record: those of one ancestor, and short
 * ones, a slot for each.
 */
#define TEXT_ANCESTOR 22528
#define TEXT_SHORT (MATCH_TEXT_MAX - 16 * MATCH_SHORT)
#define SLOT_CONTAINER 0
#define SLOT_USER 1
#define SLOT_LOGIN 2
#define SLOT_THREAD 3
#define SLOT_LEADER 4
#define SLOT_OFF(slot) (TEXT_SHORT + (slot) * MATCH_SHORT)
_Static_assert(sizeof(struct tercel_exec) + 3 * TERCEL_PATH_MAX + TERCEL_ARGS_MAX + TERCEL_ENV_MAX <= TEXT_ANCESTOR,
               "the longest record");
_Static_assert(TEXT_ANCESTOR + TERCEL_IMAGE_LARGE_DATA <= TEXT_SHORT, "an ancestor's texts");

#define ARGUMENT_DOMAINS (BIT_OF(MATCH_EXE) | BIT_OF(MATCH_ARGS) | BIT_OF(MATCH_CMDLINE))

/* As Falco writes device numbers: the kernel's new_encode_dev(). */
static __always_inline __u32 encode_tty(__u32 dev)
{
	__u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

/* What user space has found out about the container, by the policy in force; the host has the key 0. */
static __always_inline void container_answers(struct match_facts *f, __u64 cgroup_id, __u32 generation)
{
	struct tercel_container_key key = {.cgroup_id = cgroup_id, .generation = generation};
	struct tercel_container_facts *known = bpf_map_lookup_elem(&container_facts, &key);

	if (known) {
		__builtin_memcpy(f->container, known->bits, sizeof(f->container));
		__builtin_memcpy(f->container_unknown, known->unknown, sizeof(f->container_unknown));
	} else
		f->unknown |= BIT_OF(MATCH_CONTAINER_FACTS);
}

static __always_inline void where_facts(struct match_facts *f, struct scratch *s, __u64 cgroup_id, __u32 generation)
{
	struct tercel_cgroup_info *info = cgroup_info(cgroup_id);
	__u8 *slot = s->bytes + SLOT_OFF(SLOT_CONTAINER);

	TEXT_OF(f, MATCH_CONTAINER).off = SLOT_OFF(SLOT_CONTAINER);
	if (!info || info->state == TERCEL_CGROUP_UNKNOWN) {
		f->unknown |= BIT_OF(MATCH_CONTAINER) | BIT_OF(MATCH_CONTAINER_FACTS);
		return;
	}
	if (info->state == TERCEL_CGROUP_HOST) {
		f->on_host = 1;
		__builtin_memcpy(slot, "host", 4);
		TEXT_OF(f, MATCH_CONTAINER).len = 4;
		container_answers(f, 0, generation);
		return;
	}
	__builtin_memcpy(slot, info->container_id, TERCEL_CONTAINER_ID_SHORT);
	TEXT_OF(f, MATCH_CONTAINER).len = TERCEL_CONTAINER_ID_SHORT;
	container_answers(f, cgroup_id, generation);
}

/* The entry of a user in the host's user database; of one without a name, that of the id -1. NULL: not known. */
static __always_inline struct tercel_user *user_of(__u32 uid)
{
	struct tercel_user *user = bpf_map_lookup_elem(&users, &uid);
	__u32 nobody = (__u32)-1;

	if (user)
		return user;
	user = bpf_map_lookup_elem(&users, &nobody);
	return user && user->whole ? user : NULL;
}

/* What a number means in a container or user namespace is another question. */
static __always_inline void user_facts(struct match_facts *f, struct scratch *s, __u32 domain, __u32 slot, __u32 uid)
{
	struct tercel_user *user = user_of(uid);

	if (!user || !f->on_host || user->len > MATCH_SHORT) {
		f->unknown |= BIT_OF(domain);
		return;
	}
	__builtin_memcpy(s->bytes + SLOT_OFF(slot), user->name, MATCH_SHORT);
	TEXT_OF(f, domain).off = SLOT_OFF(slot);
	TEXT_OF(f, domain).len = user->len;
}

/*
 * Whether paths mean to the current task, and to whoever made the mount of `exe`, its executable or the one that it
 * starts, what they mean to the machine's init. Anybody can have a /usr/bin of his own, and be root in it, in
 * namespaces that he made.
 */
static __noinline bool in_initial_place(struct file *exe)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *init;
	struct user_namespace___level *users;
	struct mnt_namespace *mounts;
	struct vfsmount *mnt;
	struct upid u;

	pid_at(BPF_CORE_READ(task, thread_pid), 0, &u);
	init = BPF_CORE_READ(u.ns, child_reaper);
	mounts = BPF_CORE_READ((struct task_struct___namespaces *)init, nsproxy, mnt_ns);
	mnt = BPF_CORE_READ(exe, f_path.mnt);
	users = (void *)BPF_CORE_READ(task, cred, user_ns);
	return mounts && mnt && users && !BPF_CORE_READ(users, level) &&
	       BPF_CORE_READ((struct task_struct___namespaces *)task, nsproxy, mnt_ns) == mounts &&
	       BPF_CORE_READ(real_mount(mnt), mnt_ns) == mounts &&
	       BPF_CORE_READ(task, fs, root.mnt) == BPF_CORE_READ(init, fs, root.mnt) &&
	       BPF_CORE_READ(task, fs, root.dentry) == BPF_CORE_READ(init, fs, root.dentry);
}

#define SIGNED_OF(id) match_signed((__s64)(__s32)(id))

static __always_inline void number_facts(struct match_facts *f, const struct tercel_proc *p)
{
	NUMBER_OF(f, MATCH_UID) = p->creds.euid;
	NUMBER_OF(f, MATCH_GID) = p->creds.egid;
	NUMBER_OF(f, MATCH_LOGINUID) = match_signed(p->loginuid == (__u32)-1 ? -1 : (__s64)p->loginuid);
	NUMBER_OF(f, MATCH_TTY) = encode_tty(p->tty);
	NUMBER_OF(f, MATCH_PID) = SIGNED_OF(p->tgid);
	NUMBER_OF(f, MATCH_VPID) = SIGNED_OF(p->vtgid);
	NUMBER_OF(f, MATCH_PPID) = SIGNED_OF(p->ppid);
	NUMBER_OF(f, MATCH_VPGID) = SIGNED_OF(p->vpgid);
	NUMBER_OF(f, MATCH_CAPS_E) = p->creds.cap_effective;
	NUMBER_OF(f, MATCH_CAPS_P) = p->creds.cap_permitted;
	NUMBER_OF(f, MATCH_CAPS_I) = p->creds.cap_inheritable;
}

#define EXE_BITS                                                                                   \
	(1ULL << MATCH_BIT_EXE_UPPER | 1ULL << MATCH_BIT_EXE_LOWER | 1ULL << MATCH_BIT_EXE_MEMFD | \
	 1ULL << MATCH_BIT_EXE_WRITABLE)

static __always_inline void bit_facts(struct match_facts *f, const struct tercel_proc *p)
{
	__u64 bits = 0;

	bits |= p->exe.flags & TERCEL_EXE_UPPER_LAYER ? 1ULL << MATCH_BIT_EXE_UPPER : 0;
	bits |= p->exe.flags & TERCEL_EXE_LOWER_LAYER ? 1ULL << MATCH_BIT_EXE_LOWER : 0;
	bits |= p->exe.flags & TERCEL_EXE_MEMFD ? 1ULL << MATCH_BIT_EXE_MEMFD : 0;
	bits |= p->exe.flags & TERCEL_EXE_WRITABLE ? 1ULL << MATCH_BIT_EXE_WRITABLE : 0;
	bits |= p->vpgid == p->vtgid ? 1ULL << MATCH_BIT_VPGID_LEADER : 0;
	NUMBER_OF(f, MATCH_BITS) = bits;
	/* Without a file, the process was made when its creator had no record: nobody looked at the executable. */
	if (p->exe.flags & TERCEL_EXE_UNKNOWN || !p->exe.ino)
		f->bits_unknown |= EXE_BITS;
}

/*
 * What an exec record in `s` says of a process: the new image at an exec, the running one elsewhere. `exe`: its file.
 */
static __always_inline void process_facts(struct match_facts *f, struct scratch *s, __u32 generation, struct file *exe)
{
	const struct tercel_exec *e = &s->exec;

	__builtin_memset(f, 0, sizeof(*f));
	TEXT_OF(f, MATCH_NAME).off = __builtin_offsetof(struct tercel_exec, proc.comm);
	TEXT_OF(f, MATCH_NAME).len = match_strnlen(e->proc.comm);
	TEXT_OF(f, MATCH_EXEPATH) = e->exe_path;
	TEXT_OF(f, MATCH_CWD) = e->cwd;
	TEXT_OF(f, MATCH_ENV) = e->env;
	TEXT_OF(f, MATCH_CMDLINE) = e->args;
	/* A name that the file no longer has is shown in different ways, by Falco too. */
	if (e->hdr.flags & (TERCEL_F_TRUNC_PATH | TERCEL_F_FAULT_PATH | TERCEL_F_PATH_DELETED))
		f->unknown |= BIT_OF(MATCH_EXEPATH);
	f->path_cut = (e->hdr.flags & (TERCEL_F_TRUNC_PATH | TERCEL_F_PATH_DELETED)) == TERCEL_F_TRUNC_PATH;
	if (e->hdr.flags & TERCEL_F_FAULT_ARGS)
		f->unknown |= ARGUMENT_DOMAINS;
	if (e->hdr.flags & TERCEL_F_TRUNC_ARGS)
		f->cut |= ARGUMENT_DOMAINS;
	if (e->hdr.flags & TERCEL_F_FAULT_ENV)
		f->unknown |= BIT_OF(MATCH_ENV);
	if (e->hdr.flags & TERCEL_F_TRUNC_ENV)
		f->cut |= BIT_OF(MATCH_ENV);
	if (e->hdr.flags & TERCEL_F_TRUNC_CWD || !e->cwd.len)
		f->unknown |= BIT_OF(MATCH_CWD);
	number_facts(f, &e->proc);
	bit_facts(f, &e->proc);
	where_facts(f, s, e->proc.cgroup_id, generation);
	if (f->on_host)
		f->on_host = in_initial_place(exe);
	user_facts(f, s, MATCH_USER_NAME, SLOT_USER, e->proc.creds.euid);
	user_facts(f, s, MATCH_LOGIN_NAME, SLOT_LOGIN, e->proc.loginuid);
	/* See engine/policy/points.c: Falco's number comes from elsewhere. */
	f->unknown |= BIT_OF(MATCH_SID);
	f->bits_unknown |= 1ULL << MATCH_BIT_SID_LEADER;
	/* Of the time of the exec or clone that Falco counts from there is no record. */
	f->unknown |= BIT_OF(MATCH_DURATION);
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

/* In one piece, as stacks are small. */
struct judge_ctx {
	struct match_ctx m;
	struct decision *d;
	struct scratch *s;
};

/* The strings of an ancestor's image, into the part of the scratch buffer that is for them. */
static __noinline int ancestor_texts(struct judge_ctx *c, struct task_struct *leader)
{
	const __u64 all = BIT_OF(MATCH_AEXE) | BIT_OF(MATCH_AEXEPATH) | BIT_OF(MATCH_ACMDLINE);
	struct match_ancestor *a = &c->d->ancestor_facts;
	struct tercel_proc *p = record_of(leader);
	struct tercel_image_head *image;
	struct tercel_exec_id id;
	__u64 size;

	a->unknown = all;
	if (!p)
		return 0;
	id = p->image_id;
	image = image_of(&id);
	if (!image)
		return 0;
	size = image->size - sizeof(*image);
	OPAQUE(size);
	if (size > TERCEL_IMAGE_LARGE_DATA)
		return 0;
	bpf_probe_read_kernel(c->s->bytes + TEXT_ANCESTOR, (__u32)size, image + 1);
	a->exepath.off = TEXT_ANCESTOR;
	a->exepath.len = image->exe_path.len;
	a->args.off = TEXT_ANCESTOR + image->exe_path.len;
	a->args.len = image->args.len;
	a->unknown = 0;
	if (image->flags & (TERCEL_F_TRUNC_PATH | TERCEL_F_FAULT_PATH | TERCEL_F_PATH_DELETED))
		a->unknown |= BIT_OF(MATCH_AEXEPATH);
	/* A clone's arguments are read from memory, which the process may have written to (setproctitle). */
	if (image->flags & TERCEL_F_FAULT_ARGS || !(p->proc_flags & (TERCEL_PROC_EXECED | TERCEL_PROC_SEEDED)))
		a->unknown |= BIT_OF(MATCH_AEXE) | BIT_OF(MATCH_ACMDLINE);
	if (image->flags & TERCEL_F_TRUNC_ARGS)
		a->cut = BIT_OF(MATCH_AEXE) | BIT_OF(MATCH_ACMDLINE);
	return 0;
}

/* One generation further up; the idle task, pid 0, is nobody's ancestor. */
static int ancestor_step(__u32 i, void *p)
{
	struct judge_ctx *c = p;
	struct decision *d = c->d;
	struct match_ancestor *a = &d->ancestor_facts;
	struct task_struct *task = d->ancestor;
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct task_struct *leader = BPF_CORE_READ(parent, group_leader);
	char *names = (char *)c->s->bytes;

	if (!parent || !leader || !BPF_CORE_READ(leader, pid))
		return 1;
	__builtin_memset(a, 0, sizeof(*a));
	if (i >= TERCEL_ANCESTORS_MAX || !name_of(names + SLOT_OFF(SLOT_LEADER), leader)) {
		match_ancestors_cut(&c->m);
		return 1;
	}
	a->leader.off = SLOT_OFF(SLOT_LEADER);
	a->leader.len = match_strnlen(names + SLOT_OFF(SLOT_LEADER));
	a->thread_unknown = !name_of(names + SLOT_OFF(SLOT_THREAD), parent);
	a->thread.off = SLOT_OFF(SLOT_THREAD);
	a->thread.len = match_strnlen(names + SLOT_OFF(SLOT_THREAD));
	if (i < match_header_of(c->m.image)->ancestor_texts)
		ancestor_texts(c, leader);
	/* Of a thread Falco has the arguments that were in memory when it was made. */
	if (parent != leader)
		a->unknown |= BIT_OF(MATCH_AEXE) | BIT_OF(MATCH_ACMDLINE);
	match_ancestor(&c->m, i, a);
	d->ancestor = leader;
	return 0;
}

/* ---- answers ------------------------------------------------------------------------------------------ */

static __always_inline __u32 uncertain_reasons(const struct decision *d)
{
	__u64 domains = d->state.unknown;
	__u32 reasons = 0;

	if (domains & (BIT_OF(MATCH_CONTAINER) | BIT_OF(MATCH_CONTAINER_FACTS)))
		reasons |= TERCEL_U_CONTAINER;
	if (domains & (BIT_OF(MATCH_EXEPATH) | BIT_OF(MATCH_CWD) | BIT_OF(MATCH_PATH) | BIT_OF(MATCH_NEWPATH) |
	               BIT_OF(MATCH_TARGET)))
		reasons |= TERCEL_U_PATH;
	if (domains & (ARGUMENT_DOMAINS | BIT_OF(MATCH_ENV)))
		reasons |= TERCEL_U_ARGS;
	if (domains & MATCH_ANCESTOR_DOMAINS)
		reasons |= TERCEL_U_ANCESTORS;
	if (domains & (BIT_OF(MATCH_EVENT) | BIT_OF(MATCH_RESULT) | BIT_OF(MATCH_ARG_ID) | BIT_OF(MATCH_ARG_FLAGS) |
	               BIT_OF(MATCH_ARG_MODE) | BIT_OF(MATCH_ARG_KIND)))
		reasons |= TERCEL_U_CALL;
	if (domains & (BIT_OF(MATCH_L4PROTO) | BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_ADDR6) | BIT_OF(MATCH_LOCAL4) |
	               BIT_OF(MATCH_LOCAL6) | BIT_OF(MATCH_PORT) | BIT_OF(MATCH_FD_TYPE)) ||
	    (domains & BIT_OF(MATCH_BITS) && d->facts.bits_unknown & 1ULL << MATCH_BIT_CONNECTED))
		reasons |= TERCEL_U_SOCKET;
	if (domains & (BIT_OF(MATCH_USER_NAME) | BIT_OF(MATCH_LOGIN_NAME) | BIT_OF(MATCH_UID) | BIT_OF(MATCH_GID) |
	               BIT_OF(MATCH_CAPS_E) | BIT_OF(MATCH_CAPS_P) | BIT_OF(MATCH_CAPS_I)))
		reasons |= TERCEL_U_USER;
	if (domains & (BIT_OF(MATCH_NAME) | BIT_OF(MATCH_BITS) | BIT_OF(MATCH_TTY) | BIT_OF(MATCH_LOGINUID) |
	               BIT_OF(MATCH_PID) | BIT_OF(MATCH_VPID) | BIT_OF(MATCH_PPID) | BIT_OF(MATCH_SID) |
	               BIT_OF(MATCH_VPGID) | BIT_OF(MATCH_DURATION)) ||
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
	send_verdict(v, v->path.len + v->other.len);
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

	return tgid == 1 || (tgid == loader.tgid && current_start() == loader.start);
}

/* Run by the process itself, before anything decides. */
SEC("syscall")
int name_loader(void *ctx)
{
	(void)ctx;
	loader.tgid = current_tgid();
	loader.start = current_start();
	return 0;
}

/* Judges the facts in `d` with the texts in `s`. Returns whether the operation is to be blocked. */
static __noinline int judge(struct scratch *s, struct decision *d, const __u8 *image, __u32 point)
{
	struct judge_ctx c = {
	        .m = {.image = image, .st = &d->state, .facts = &d->facts, .text = s->bytes, .point = point},
	        .d = d,
	        .s = s};
	int more = match_start(&c.m);

	if (more == 2) {
		d->ancestor = (void *)bpf_get_current_task();
		bpf_loop(TERCEL_ANCESTORS_MAX + 1, ancestor_step, &c, 0);
	}
	if (more)
		match_finish(&c.m);
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

/* Spares the look at the process for the very most acts: their facts alone say that no rule matches. */
static __noinline int may_match(struct scratch *s, struct decision *d, const __u8 *image, __u32 point)
{
	struct match_ctx m = {.image = image, .st = &d->state, .facts = &d->facts, .text = s->bytes, .point = point};

	return match_may(&m, &d->facts);
}

/* A verdict on the act that the record in `s` has the header of; what else it says is its caller's to fill in. */
static __always_inline void verdict_begin(struct decision *d, const struct scratch *s)
{
	__builtin_memset(&d->verdict, 0, sizeof(d->verdict));
	d->verdict.hdr = s->hdr;
}

/* Adds a text of the facts to those behind the verdict, of which there are `from` bytes. */
static __always_inline void verdict_text(const struct scratch *s, struct decision *d, struct tercel_span *out,
                                         __u32 domain, __u64 from)
{
	const struct tercel_span *text = &d->facts.text[domain & 15];
	__u64 off = text->off, len = text->len;

	OPAQUE(off);
	OPAQUE(len);
	OPAQUE(from);
	if (!len || len > TERCEL_PATH_MAX || off > TERCEL_RECORD_MAX - TERCEL_PATH_MAX || from > TERCEL_PATH_MAX)
		return;
	if (bpf_probe_read_kernel(d->text + from, (__u32)len, s->bytes + off))
		return;
	out->off = (__u32)(sizeof(d->verdict) + from);
	out->len = (__u32)len;
}

/* What is acted upon, as far as it has a path. */
static __always_inline void verdict_object(const struct scratch *s, struct decision *d, __u32 point)
{
	struct tercel_verdict *v = &d->verdict;

	switch (point) {
	case TERCEL_POINT_EXEC_COMMIT:
		return;
	case TERCEL_POINT_EXEC_CHECK:
		verdict_text(s, d, &v->path, MATCH_EXEPATH, 0);
		return;
	}
	verdict_text(s, d, &v->path, MATCH_PATH, 0);
	if (point == TERCEL_POINT_LINK || point == TERCEL_POINT_RENAME)
		verdict_text(s, d, &v->other, MATCH_NEWPATH, v->path.len);
	if (point == TERCEL_POINT_SYMLINK || point == TERCEL_POINT_MOUNT)
		verdict_text(s, d, &v->other, MATCH_TARGET, v->path.len);
}

enum outcome {
	OUTCOME_NONE, /* nothing was to be done, or it could not be done */
	OUTCOME_DONE,
};

/* Tells what judge() found, after it was done, in the verdict that was begun. */
static __noinline int report(const struct scratch *s, struct decision *d, const __u8 *image, __u32 point,
                             enum outcome outcome)
{
	struct report_ctx report = {.image = image, .d = d, .done = outcome == OUTCOME_DONE};

	if (d->state.error || !(d->state.hits | d->state.uncertain | d->state.hits_lost))
		return 0;
	d->verdict.point = (__u16)point;
	d->verdict.generation = match_header_of(image)->generation;
	verdict_object(s, d, point);
	report.reasons = uncertain_reasons(d);
	bpf_loop(TERCEL_HITS_MAX, report_step, &report, 0);
	count_outcome(&report, point);
	return 0;
}

/* include/uapi/asm-generic/errno-base.h */
#define EPERM 1

/*
 * What a denied act fails with. The verifier has to see that it is a hook's to return; from 6.12 on it asks, and that
 * one keeps no bounds of what is negated: -error is 4095 - error, less 4095.
 */
static __always_inline int deny_error(const struct decision *d)
{
	__u64 error = d->state.deny_error, rest;

	OPAQUE(error);
	error &= 4095;
	rest = ~(error ? error : EPERM) & 4095;
	OPAQUE(rest);
	return (int)(rest & 4095) - 4095;
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
	process_facts(&d->facts, s, match_header_of(image)->generation, BPF_CORE_READ(task, mm, exe_file));
	/*
	 * Falco's driver reports every successful exec as execve, execveat's too. Helpers that the kernel itself starts
	 * (modprobe, core dump handlers) make no call that it could see.
	 */
	NUMBER_OF(&d->facts, MATCH_EVENT) = 1ULL << MATCH_EVENT_EXECVE;
	if (BPF_CORE_READ(task, real_parent, flags) & PF_KTHREAD)
		d->facts.unseen = 1;
	verdict_begin(d, s);
	if (judge(s, d, image, TERCEL_POINT_EXEC_COMMIT) && !bpf_send_signal(9 /* SIGKILL */))
		outcome = OUTCOME_DONE;
	report(s, d, image, TERCEL_POINT_EXEC_COMMIT, outcome);
	decision_put(d);
}

/* ---- the caller ------------------------------------------------------------------------------------------ */

#define RIGHTS_DOMAINS                                                                            \
	(BIT_OF(MATCH_UID) | BIT_OF(MATCH_GID) | BIT_OF(MATCH_USER_NAME) | BIT_OF(MATCH_CAPS_E) | \
	 BIT_OF(MATCH_CAPS_P) | BIT_OF(MATCH_CAPS_I))

/* What Falco has of the last exec, and keeps until the process makes some calls; of a clone it has its maker's. */
static __always_inline void running_facts(struct match_facts *f, struct tercel_proc *p)
{
	struct tercel_image_head *image;
	struct tercel_exec_id id;

	if (!p || !(p->proc_flags & TERCEL_PROC_EXECED)) {
		f->unknown |= RIGHTS_DOMAINS | BIT_OF(MATCH_TTY) | BIT_OF(MATCH_LOGINUID) | BIT_OF(MATCH_LOGIN_NAME) |
		              BIT_OF(MATCH_VPGID);
		f->bits_unknown |= 1ULL << MATCH_BIT_VPGID_LEADER;
		return;
	}
	if (p->proc_flags & TERCEL_PROC_RIGHTS)
		f->unknown |= RIGHTS_DOMAINS;
	id = p->image_id;
	image = image_of(&id);
	if (!image || !image->made)
		return;
	NUMBER_OF(f, MATCH_DURATION) = bpf_ktime_get_boot_ns() - image->made;
	f->unknown &= ~BIT_OF(MATCH_DURATION);
}

/*
 * The process as Falco knows it: as it was at its exec or clone. The record is that; what belongs to one thread, or is
 * read again at a clone, may differ from it.
 */
static __always_inline void caller_facts(struct match_facts *f, struct scratch *s, bool known, __u32 generation)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct tercel_proc *p = record_of(task);
	bool leader = (__u32)BPF_CORE_READ(task, pid) == current_tgid();

	if (!p)
		known = false;
	s->exec.proc.tgid = current_tgid();
	if (!name_of(s->exec.proc.comm, task))
		known = false;
	process_facts(f, s, generation, BPF_CORE_READ(task, mm, exe_file));
	/* The parent and the directory are those of now, for Falco as well; of a thread with a directory of its own,
	 * not. */
	NUMBER_OF(f, MATCH_PPID) = SIGNED_OF(BPF_CORE_READ(task, real_parent, tgid));
	f->unknown |= BIT_OF(MATCH_ENV) | (leader ? 0 : BIT_OF(MATCH_CWD));
	running_facts(f, p);
	if (!known)
		f->unknown |= BIT_OF(MATCH_NAME) | ARGUMENT_DOMAINS;
	if (!p) {
		f->unknown |= BIT_OF(MATCH_CONTAINER) | BIT_OF(MATCH_CONTAINER_FACTS) | BIT_OF(MATCH_EXEPATH) |
		              BIT_OF(MATCH_VPID);
		f->bits_unknown |= EXE_BITS;
		f->on_host = f->path_cut = 0;
	} else {
		/* A clone's arguments are read from memory, which the process may have written to (setproctitle). */
		if (!leader || !(p->proc_flags & (TERCEL_PROC_EXECED | TERCEL_PROC_SEEDED)))
			f->unknown |= ARGUMENT_DOMAINS;
		/* A thread is where its process was when it was made. */
		if (!leader && (p->proc_flags & TERCEL_PROC_MOVED || p->cgroup_id != task_cgroup_id(task)))
			f->unknown |= BIT_OF(MATCH_CONTAINER) | BIT_OF(MATCH_CONTAINER_FACTS);
	}
}

/*
 * The process that acts, as record and facts. A function of its own: what it needs of the stack is free again when the
 * matcher is called.
 */
static __noinline int caller_collect(struct scratch *s, struct decision *d, const __u8 *image)
{
	__u32 end = current_as_exec(s);

	caller_facts(&d->facts, s, end != 0, match_header_of(image)->generation);
	d->act.end = end ? end : sizeof(struct tercel_exec);
	return 0;
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

/* ---- addresses ------------------------------------------------------------------------------------------ */

/* include/uapi/linux/in.h */
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_RAW 255
/* include/linux/net.h */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3

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

/* Of sockets of other kinds it depends on the numbers that socket() was given. */
static __always_inline void transport_facts(struct match_facts *f, __u32 type, __u32 protocol)
{
	if (protocol == IPPROTO_TCP && type == SOCK_STREAM)
		NUMBER_OF(f, MATCH_L4PROTO) = 1ULL << MATCH_L4_TCP;
	else if (protocol == IPPROTO_UDP && type == SOCK_DGRAM)
		NUMBER_OF(f, MATCH_L4PROTO) = 1ULL << MATCH_L4_UDP;
	else if (protocol == IPPROTO_ICMP && type == SOCK_DGRAM)
		NUMBER_OF(f, MATCH_L4PROTO) = 1ULL << MATCH_L4_ICMP;
	else if (protocol == IPPROTO_RAW)
		NUMBER_OF(f, MATCH_L4PROTO) = 1ULL << MATCH_L4_RAW;
	else
		f->unknown |= BIT_OF(MATCH_L4PROTO);
}

static __always_inline void socket_facts(struct decision *d, struct bpf_sock_addr *ctx)
{
	struct match_facts *f = &d->facts;
	struct bpf_sock *sk = ctx->sk;

	if (is_callers_socket(d, ctx))
		transport_facts(f, ctx->type, ctx->protocol);
	else
		f->unknown |= BIT_OF(MATCH_L4PROTO);
	/* A socket that has received before it connects is a server to Falco, which then swaps the ends. One without a
	 * port has received nothing. */
	if (ctx->protocol != IPPROTO_TCP && (!sk || sk->src_port))
		f->unknown |= BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_PORT);
	NUMBER_OF(f, MATCH_PORT) = bpf_ntohs((__u16)ctx->user_port);
}

/*
 * The local end, as far as it is known before the kernel has chosen it: the address that the socket is bound to; of one
 * that is not, an address that is neither loopback nor unspecified, unless the peer is on loopback (or nowhere).
 * `family`: whether the connection is IPv4 or IPv6 to Falco.
 */
static __always_inline void local_facts(struct match_facts *f, const struct local_end *local, __u16 family,
                                        bool peer_is_ordinary)
{
	__u32 any = 0;

	f->missing |= family == AF_INET ? BIT_OF(MATCH_LOCAL6) : BIT_OF(MATCH_LOCAL4);
	if (!local || !local->known) {
		f->unknown |= BIT_OF(MATCH_LOCAL4);
		return;
	}
	if (family == AF_INET)
		any = local->ip4;
	else
		any = local->ip6[0] | local->ip6[1] | local->ip6[2] | local->ip6[3];
	if (!any && !peer_is_ordinary) {
		f->unknown |= BIT_OF(MATCH_LOCAL4);
		f->missing &= ~(BIT_OF(MATCH_LOCAL4) | BIT_OF(MATCH_LOCAL6));
		return;
	}
	NUMBER_OF(f, MATCH_LOCAL4) = any ? bpf_ntohl(local->ip4) : MATCH_LOCAL_ORDINARY;
	if (!any) {
		f->local6_high = NUMBER_OF(f, MATCH_LOCAL6) = MATCH_LOCAL_ORDINARY;
		return;
	}
	f->local6_high = (__u64)bpf_ntohl(local->ip6[0]) << 32 | bpf_ntohl(local->ip6[1]);
	NUMBER_OF(f, MATCH_LOCAL6) = (__u64)bpf_ntohl(local->ip6[2]) << 32 | bpf_ntohl(local->ip6[3]);
}

/* include/net/sock.h: the caller has named the port */
#define SOCK_BINDPORT_LOCK 8

struct sock___bound {
	__u8 sk_userlocks : 4;
} __attribute__((preserve_access_index));

static __always_inline bool has_chosen_port(const struct sock *sk)
{
	const struct sock___bound *locks = (const void *)sk;

	return BPF_CORE_READ_BITFIELD_PROBED(locks, sk_userlocks) & SOCK_BINDPORT_LOCK;
}

#define IS_LOOPBACK4(addr) ((bpf_ntohl(addr) >> 24) == 127)

/* ::ffff:a.b.c.d is IPv4 in Falco. */
static __always_inline bool is_ipv4_mapped(const __u32 *addr)
{
	return !addr[0] && !addr[1] && addr[2] == bpf_htonl(0xffff);
}

static __always_inline void addr4_facts(struct match_facts *f, __u32 addr)
{
	NUMBER_OF(f, MATCH_FD_TYPE) = 1ULL << MATCH_FD_IPV4;
	NUMBER_OF(f, MATCH_ADDR4) = bpf_ntohl(addr);
	f->missing |= BIT_OF(MATCH_ADDR6);
}

/* What is missing is for the caller to say: an unknown address is one of both families. */
static __always_inline void addr6_facts(struct match_facts *f, const __u32 *addr)
{
	NUMBER_OF(f, MATCH_FD_TYPE) = 1ULL << MATCH_FD_IPV6;
	f->addr6_high = (__u64)bpf_ntohl(addr[0]) << 32 | bpf_ntohl(addr[1]);
	NUMBER_OF(f, MATCH_ADDR6) = (__u64)bpf_ntohl(addr[2]) << 32 | bpf_ntohl(addr[3]);
}

static __always_inline void forget_peer(struct match_facts *f)
{
	f->unknown |= BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_PORT) | BIT_OF(MATCH_FD_TYPE) | BIT_OF(MATCH_LOCAL4);
	f->missing |= BIT_OF(MATCH_ADDR6) | BIT_OF(MATCH_LOCAL6);
	f->missing &= ~(BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_LOCAL4));
}

/* A socket whose peer is no address. */
static __always_inline void unix_facts(struct match_facts *f)
{
	NUMBER_OF(f, MATCH_FD_TYPE) = 1ULL << MATCH_FD_UNIX;
	f->missing |= BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_ADDR6) | BIT_OF(MATCH_PORT) | BIT_OF(MATCH_LOCAL4) |
	              BIT_OF(MATCH_LOCAL6);
}

/* A socket of no IP. */
static __always_inline void other_family_facts(struct match_facts *f, __u16 family)
{
	f->unknown |= BIT_OF(MATCH_L4PROTO);
	if (family == AF_UNIX)
		unix_facts(f);
	else
		forget_peer(f);
}

static __always_inline void peer4_facts(struct match_facts *f, const struct local_end *local, __u32 addr)
{
	addr4_facts(f, addr);
	/* The kernel connects to an address of its choice instead. */
	if (!addr)
		f->unknown |= BIT_OF(MATCH_ADDR4);
	local_facts(f, local, AF_INET, addr && !IS_LOOPBACK4(addr));
}

static __always_inline void peer6_facts(struct match_facts *f, const struct local_end *local, const __u32 *addr)
{
	bool low = !addr[0] && !addr[1] && !addr[2];

	/* The socket's own address is not looked at, it may be of either kind. */
	if (is_ipv4_mapped(addr)) {
		peer4_facts(f, NULL, addr[3]);
		return;
	}
	addr6_facts(f, addr);
	if (low && !addr[3])
		f->unknown |= BIT_OF(MATCH_ADDR4);
	/* Neither an IPv4 address nor an unknown one is asked for in the other family's table. */
	if (f->unknown & BIT_OF(MATCH_ADDR4))
		f->missing |= BIT_OF(MATCH_ADDR6);
	else
		f->missing |= BIT_OF(MATCH_ADDR4);
	local_facts(f, local, AF_INET6, !low || (addr[3] && addr[3] != bpf_htonl(1)));
}

/* The programs at hooks of a cgroup, in the order in which they run. */
struct bpf_prog_aux___named {
	char name[16];
} __attribute__((preserve_access_index));

struct bpf_prog___named {
	struct bpf_prog_aux___named *aux;
} __attribute__((preserve_access_index));

struct bpf_prog_array_item___run {
	struct bpf_prog___named *prog;
} __attribute__((preserve_access_index));

struct bpf_prog_array___run {
	struct bpf_prog_array_item___run items[8];
} __attribute__((preserve_access_index));

struct cgroup_bpf___run {
	struct bpf_prog_array___run *effective[1];
} __attribute__((preserve_access_index));

struct cgroup___run {
	struct cgroup_bpf___run bpf;
} __attribute__((preserve_access_index));

struct sock_cgroup_data___run {
	struct cgroup___run *cgroup;
} __attribute__((preserve_access_index));

struct sock___run {
	struct sock_cgroup_data___run sk_cgrp_data;
} __attribute__((preserve_access_index));

enum cgroup_bpf_attach_type {
	CGROUP_INET4_CONNECT,
	CGROUP_INET6_CONNECT,
};

/* This kernel's number of a hook of cgroups. */
#define CGROUP_HOOK(name) ((__u32)bpf_core_enum_value(enum cgroup_bpf_attach_type, CGROUP_##name))

/* What one of them is to a program of ours. */
enum runner {
	RUNNER_NONE, /* behind the last */
	RUNNER_OURS,
	RUNNER_OTHER,
};

/* By its name, tercel_…: also of another version's, of a daemon that is taking over. */
static __noinline int runner_of(__u64 prog)
{
	struct bpf_prog_aux___named *aux = BPF_CORE_READ((struct bpf_prog___named *)prog, aux);
	__u64 name = 0;

	if (!prog)
		return RUNNER_NONE;
	if (bpf_probe_read_kernel(&name, sizeof(name), __builtin_preserve_access_index(&aux->name)))
		return RUNNER_OTHER;
	((char *)&name)[7] = 0;
	return !__builtin_memcmp(&name, "tercel_", sizeof(name)) ? RUNNER_OURS : RUNNER_OTHER;
}

/* Where programs of others run at a hook. If ours is none of them, they are all before. */
#define OTHERS_BEFORE 1
#define OTHERS_AFTER 2
#define OURS 4 /* not an answer: one of ours has been met */

#define RUNNER(i)                                                                    \
	do {                                                                         \
		int runner = runner_of((__u64)BPF_CORE_READ(array, items[i].prog));  \
                                                                                     \
		if (runner == RUNNER_NONE)                                           \
			return found & ~OURS;                                        \
		if (runner == RUNNER_OTHER)                                          \
			found |= found & OURS ? OTHERS_AFTER : OTHERS_BEFORE;        \
		else                                                                 \
			found |= found & OTHERS_AFTER ? OURS | OTHERS_BEFORE : OURS; \
	} while (0)

/*
 * At this hook, `type`, of the cgroup of socket `sk`: before a program of ours, or behind it. While a daemon takes over
 * there are two of ours, and what is between them is both.
 */
static __noinline int others_at(__u64 sk, __u32 type)
{
	struct cgroup___run *cgroup = BPF_CORE_READ((struct sock___run *)sk, sk_cgrp_data.cgroup);
	const void *slots = __builtin_preserve_access_index(&cgroup->bpf.effective);
	struct bpf_prog_array___run *array = NULL;
	int found = 0;

	if (!cgroup || bpf_probe_read_kernel(&array, sizeof(array), slots + type * sizeof(void *)) || !array)
		return OTHERS_BEFORE | OTHERS_AFTER;
	RUNNER(0);
	RUNNER(1);
	RUNNER(2);
	RUNNER(3);
	RUNNER(4);
	RUNNER(5);
	RUNNER(6);
	RUNNER(7);
	return OTHERS_BEFORE | OTHERS_AFTER;
}

static __always_inline bool is_ipv4_point(__u32 point)
{
	return point == TERCEL_POINT_CONNECT4 || point == TERCEL_POINT_SENDMSG4;
}

/* Where the socket is bound: of one that the caller has a descriptor of, and of the hook's own family. */
static __always_inline void local_end(struct local_end *out, struct bpf_sock *sk)
{
	out->known = sk ? 1 : 0;
	if (!sk)
		return;
	out->ip4 = sk->src_ip4;
	out->ip6[0] = sk->src_ip6[0];
	out->ip6[1] = sk->src_ip6[1];
	out->ip6[2] = sk->src_ip6[2];
	out->ip6[3] = sk->src_ip6[3];
}

/* `addr`: network byte order, IPv4 in the first word. */
static __always_inline void verdict_peer(struct decision *d, struct bpf_sock_addr *ctx, const __u32 *addr, __u32 point)
{
	d->verdict.protocol = ctx->protocol;
	d->verdict.remote.port = bpf_ntohs((__u16)ctx->user_port);
	d->verdict.remote.family = is_ipv4_point(point) ? AF_INET : AF_INET6;
	__builtin_memcpy(d->verdict.remote.addr, addr, is_ipv4_point(point) ? 4 : 16);
}

/*
 * Falco takes for the peer what the kernel has connected to. Programs of cgroups further down, which run before, may
 * have put another address in place (service translation): then it is that one. Those of cgroups further up may do so
 * yet.
 */
static __always_inline void connect_facts(struct decision *d, struct bpf_sock_addr *ctx, const __u32 *addr, __u32 point)
{
	__u32 hook = point == TERCEL_POINT_CONNECT4 ? CGROUP_HOOK(INET4_CONNECT) : CGROUP_HOOK(INET6_CONNECT);

	socket_facts(d, ctx);
	local_end(&d->local, ctx->sk);
	if (point == TERCEL_POINT_CONNECT4)
		peer4_facts(&d->facts, &d->local, addr[0]);
	else
		peer6_facts(&d->facts, &d->local, addr);
	if (others_at((__u64)d->sk, hook) & OTHERS_AFTER)
		forget_peer(&d->facts);
}

/*
 * What Falco has of a socket of IP that something is sent on, but for its peer: that is connected when it has sent,
 * unless it is bound to a port of the caller's choice.
 */
static __always_inline void sender_facts(struct match_facts *f, const struct sock *sk)
{
	transport_facts(f, BPF_CORE_READ(sk, sk_type), BPF_CORE_READ(sk, sk_protocol));
	if (has_chosen_port(sk))
		f->bits_unknown |= 1ULL << MATCH_BIT_CONNECTED;
	else
		NUMBER_OF(f, MATCH_BITS) |= 1ULL << MATCH_BIT_CONNECTED;
}

/* Its peer, where that is not known: an IPv4 socket's is one of IPv4 all the same. */
static __always_inline void forget_peer_of_sender(struct match_facts *f, const struct sock *sk)
{
	forget_peer(f);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		NUMBER_OF(f, MATCH_FD_TYPE) = 1ULL << MATCH_FD_IPV4;
		f->unknown &= ~BIT_OF(MATCH_FD_TYPE);
	}
}

/* Whether this act is decided here: connections of neither TCP nor UDP are the LSM's, where that may be. */
static __always_inline bool is_mine(struct bpf_sock_addr *ctx, __u32 point)
{
	return !(points & 1U << TERCEL_POINT_SOCKET_CONNECT) || point >= TERCEL_POINT_SENDMSG4 ||
	       ctx->protocol == IPPROTO_TCP || ctx->protocol == IPPROTO_UDP;
}
#define CONNECTS (1ULL << MATCH_EVENT_CONNECT)
#define SENDS (1ULL << MATCH_EVENT_SENDTO | 1ULL << MATCH_EVENT_SENDMSG | 1ULL << MATCH_EVENT_SENDMMSG)

/* io_uring, TCP fast open and the kernel's own sockets come by these hooks, too: no call that Falco sees. */
static __always_inline void call_is(struct match_facts *f, __u64 events)
{
	__u32 event = current_event();

	if (event && events >> ((event - 1) & 63) & 1)
		NUMBER_OF(f, MATCH_EVENT) = 1ULL << ((event - 1) & 63);
	else
		f->unseen = 1;
}

/* `addr`: network byte order, IPv4 in the first word. Returns 1 to allow, 0 to refuse. */
static __always_inline int decide_address(struct bpf_sock_addr *ctx, const __u32 *addr, __u32 point)
{
	const __u8 *image = policy_in_force();
	struct scratch *s;
	struct decision *d;
	int refuse;

	if (!image || !point_has_rules(image, point) || !is_mine(ctx, point))
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
	caller_collect(s, d, image);
	verdict_begin(d, s);
	verdict_peer(d, ctx, addr, point);
	if (point == TERCEL_POINT_CONNECT4 || point == TERCEL_POINT_CONNECT6) {
		call_is(&d->facts, CONNECTS);
		connect_facts(d, ctx, addr, point);
	} else {
		call_is(&d->facts, SENDS);
		/* By now the socket has a port in any case: see engine/policy/points.c. */
		(void)is_callers_socket(d, ctx);
		sender_facts(&d->facts, (const void *)d->sk);
		forget_peer_of_sender(&d->facts, (const void *)d->sk);
	}
	refuse = judge(s, d, image, point);
	report(s, d, image, point, refuse ? OUTCOME_DONE : OUTCOME_NONE);
	/* Before 5.18 it can only be EPERM. */
	if (refuse && bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_set_retval))
		bpf_set_retval(deny_error(d));
	decision_put(d);
	scratch_put(s);
	return !refuse;
}

#define ADDRESS_PROGRAM_4(name, point)                   \
	SEC("cgroup/" #name)                             \
	int tercel_##name(struct bpf_sock_addr *ctx)     \
	{                                                \
		__u32 addr[4] = {ctx->user_ip4};         \
                                                         \
		return decide_address(ctx, addr, point); \
	}

#define ADDRESS_PROGRAM_6(name, point)                                                                    \
	SEC("cgroup/" #name)                                                                              \
	int tercel_##name(struct bpf_sock_addr *ctx)                                                      \
	{                                                                                                 \
		__u32 addr[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}; \
                                                                                                          \
		return decide_address(ctx, addr, point);                                                  \
	}

ADDRESS_PROGRAM_4(connect4, TERCEL_POINT_CONNECT4)
ADDRESS_PROGRAM_6(connect6, TERCEL_POINT_CONNECT6)
ADDRESS_PROGRAM_4(sendmsg4, TERCEL_POINT_SENDMSG4)
ADDRESS_PROGRAM_6(sendmsg6, TERCEL_POINT_SENDMSG6)
