// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Decisions at the hooks of the BPF LSM: each program collects what is known of one act, asks the matcher, and refuses
 * with the rule's errno. The first statement of each honours an earlier refusal.
 *
 * What a hook may say of a field stands in engine/policy/points.c; what it cannot know here and now is unknown. Knows
 * decisions (decide.bpf.c) and how an exec is recorded (process.bpf.c); nothing of rules.
 */
#include "events.h"

/* arch/arm64/include/uapi/asm/fcntl.h, include/uapi/asm-generic/fcntl.h */
#if defined(__TARGET_ARCH_arm64)
#define O_DIRECTORY 040000
#define O_DIRECT 0200000
#define O_LARGEFILE 0400000
#else
#define O_DIRECTORY 0200000
#define O_DIRECT 040000
#define O_LARGEFILE 0100000
#endif
#define O_TMPFILE (O_TMPFILE_BIT | O_DIRECTORY)
/* include/uapi/linux/stat.h */
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFBLK 0060000
#define PERMISSIONS 07777
#define EXECUTABLE 0111
/* include/uapi/linux/fs.h */
#define RENAME_EXCHANGE 2
/* include/uapi/linux/ptrace.h */
#define PTRACE_TRACEME 0
#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206
/* include/linux/security.h: of task_fix_setuid */
#define LSM_SETID_ID 1
#define LSM_SETID_RES 4
/* fs/mount.h: the namespace of mounts that the kernel keeps for itself, ERR_PTR(-EINVAL) */
#define MNT_NS_INTERNAL ((__u64) - 22)

struct linux_binprm___file {
	struct file *file;
} __attribute__((preserve_access_index));

struct file___flags {
	unsigned int f_flags;
} __attribute__((preserve_access_index));

enum kernel_read_file_id___known { READING_MODULE = 2, READING_MODULE_COMPRESSED };
enum kernel_load_data_id___known { LOADING_MODULE = 2 };

#define E(name) (1ULL << MATCH_EVENT_##name)
#define IS_EVENT(act, events) ((events) >> (((act)->event - 1) & 63) & 1)

/* ---- one act --------------------------------------------------------------------------------------------- */

/* One act under decision. What changes is in the maps, where the verifier takes it for any number. */
struct act {
	struct scratch *s;
	struct decision *d;
	const __u8 *image;
};

static __always_inline bool is_kernel_thread(void)
{
	const struct task_struct *task = (void *)bpf_get_current_task();

	return (BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER)) == PF_KTHREAD;
}

/*
 * Begins a decision; false if there is nothing to decide. `events`: 1 << enum match_event, the calls that this hook is
 * part of to Falco. In another one that rules name Falco sees that one and no such act: the exec that opens a file, the
 * bind that makes one. What no call of ours is (io_uring, the kernel itself) is left unseen; a kernel thread's acts are
 * nobody's.
 */
static __always_inline bool decision_begin(struct act *a, __u32 point, __u64 events)
{
	__u32 event;

	a->image = policy_in_force();
	if (!a->image || !point_has_rules(a->image, point) || is_kernel_thread())
		return false;
	event = current_event();
	if (event && !(events >> ((event - 1) & 63) & 1))
		return false;
	if (!is_in_scope())
		return false;
	a->s = scratch_get();
	a->d = a->s ? decision_get() : NULL;
	if (!a->d) {
		COUNT(undecided[point]);
		if (a->s)
			scratch_put(a->s);
		return false;
	}
	a->d->act.event = event;
	return true;
}

/* What the call says of itself, for facts and verdict; before them, the process's facts are there. */
static __always_inline void call_facts(struct scratch *s, struct decision *d)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
	__u32 event = d->act.event;

	if (event) {
		NUMBER_OF(&d->facts, MATCH_EVENT) = 1ULL << ((event - 1) & 63);
		arch_args(&d->act.args, regs, arch_is_compat());
	} else {
		d->facts.unseen = 1;
		d->facts.unknown |= BIT_OF(MATCH_EVENT);
		__builtin_memset(&d->act.args, 0, sizeof(d->act.args));
	}
	verdict_begin(d, s);
}

static __always_inline bool act_of_caller(struct act *a, __u32 point, __u64 events)
{
	if (!decision_begin(a, point, events))
		return false;
	caller_collect(a->s, a->d, a->image);
	call_facts(a->s, a->d);
	return true;
}

/* As if the process were nobody, with the act's facts to come. */
static __always_inline bool act_of_nobody(struct act *a, __u32 point, __u64 events)
{
	if (!decision_begin(a, point, events))
		return false;
	__builtin_memset(&a->d->facts, 0, sizeof(a->d->facts));
	a->d->act.end = sizeof(struct tercel_exec);
	call_facts(a->s, a->d);
	return true;
}

static __always_inline void decision_end(struct act *a)
{
	decision_put(a->d);
	scratch_put(a->s);
}

/* The answer to the hook. What the act fails with was taken before its decision is let go of. */
static __always_inline int decision_answer(struct act *a, __u32 point)
{
	int refuse = judge(a->s, a->d, a->image, point), error = deny_error(a->d);

	/* The call fails in any case; a process that shall end as well does so when it returns. */
	if (refuse && a->d->state.action == TERCEL_ACTION_KILL)
		(void)bpf_send_signal(9 /* SIGKILL */);
	report(a->s, a->d, a->image, point, refuse ? OUTCOME_DONE : OUTCOME_NONE);
	decision_end(a);
	return refuse ? error : 0;
}

/* ---- paths ----------------------------------------------------------------------------------------------- */

struct slash_ctx {
	struct scratch *s;
	struct decision *d;
	__u32 domain;
};

/* One byte of a path, from its end backwards: a component has at most 255 bytes. */
static int slash_step(__u32 i, void *p)
{
	struct slash_ctx *c = p;
	struct tercel_span *path = &c->d->facts.text[c->domain & 15];
	__u64 at = path->off + path->len - 1 - i;

	OPAQUE(at);
	if (i >= path->len)
		return 1;
	if (c->s->bytes[at & (TERCEL_RECORD_MAX - 1)] != '/')
		return 0;
	c->d->facts.directory[c->domain == MATCH_NEWPATH] = path->len - 1 - i;
	return 1;
}

/* Whether the walk over the dentries that path_resolve() left has met the root of the task. */
static __always_inline bool walk_met_root(const struct scratch *s)
{
	const struct path_walk *w = &s->path_walk;

	return w->dentry == w->root_dentry && w->mnt == w->root_mnt;
}

enum path_of {
	PATH_OF_FILE,
	PATH_TO_BE, /* the act gives the file this name: there may be none yet, but a directory */
};

/*
 * Appends the path of d->act.dentry on d->act.mnt as the text of `domain`. One that was cut is unknown; so is one that
 * leads out of the task's root, and the name of a file that has none any more.
 */
static __noinline int path_add(struct scratch *s, struct decision *d, __u32 domain, __u32 kind)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct slash_ctx c = {.s = s, .d = d, .domain = domain};
	struct dentry *dentry = d->act.dentry, *parent;
	struct tercel_span *text = &d->facts.text[domain & 15];
	__u32 flags = 0, len;

	len = path_of(s, BPF_CORE_READ(task, fs), dentry, d->act.mnt, &flags);
	d->act.end = append_walk(s, d->act.end, text, len);
	if (kind == PATH_TO_BE) {
		flags &= ~TERCEL_F_PATH_DELETED;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (BPF_CORE_READ(parent, d_parent) != parent && !BPF_CORE_READ(parent, d_hash.pprev))
			flags |= TERCEL_F_PATH_DELETED;
	}
	/* Of the root itself Falco has another directory and file name. */
	if (flags & (TERCEL_F_TRUNC_PATH | TERCEL_F_PATH_DELETED) || text->len < 2 || !walk_met_root(s))
		d->facts.unknown |= BIT_OF(domain & 63);
	d->facts.directory[domain == MATCH_NEWPATH] = 1;
	bpf_loop(257, slash_step, &c, 0);
	if (!d->facts.directory[domain == MATCH_NEWPATH])
		d->facts.directory[domain == MATCH_NEWPATH] = 1;
	return 0;
}

/* The name that a directory gives to a dentry. */
static __always_inline void add_entry(struct act *a, __u32 domain, const struct path *dir, struct dentry *dentry,
                                      enum path_of kind)
{
	a->d->act.dentry = dentry;
	a->d->act.mnt = BPF_CORE_READ(dir, mnt);
	path_add(a->s, a->d, domain, kind);
}

static __always_inline void add_path(struct act *a, __u32 domain, const struct path *path)
{
	a->d->act.dentry = BPF_CORE_READ(path, dentry);
	a->d->act.mnt = BPF_CORE_READ(path, mnt);
	path_add(a->s, a->d, domain, PATH_OF_FILE);
}

/*
 * fd.name of a call with a directory descriptor is the name that Falco has of that directory: none, an empty text, with
 * AT_FDCWD; else nobody here knows it.
 */
static __always_inline void add_directory_name(struct act *a, __u64 dirfd)
{
	struct match_facts *f = &a->d->facts;

	TEXT_OF(f, MATCH_NEWPATH).off = 0;
	TEXT_OF(f, MATCH_NEWPATH).len = 0;
	if ((__s32)dirfd != AT_FDCWD)
		f->unknown |= BIT_OF(MATCH_NEWPATH);
}

/* ---- the start of a program ------------------------------------------------------------------------------ */

/*
 * comm as the kernel will set it: the last component of the path that was asked for, also of a script. Of execveat with
 * a descriptor and no path ("/dev/fd/3") it depends on the kernel's version.
 */
static __always_inline void add_comm(struct scratch *s, struct decision *d, struct linux_binprm *bprm)
{
	struct slash_ctx c = {.s = s, .d = d, .domain = MATCH_PATH};
	struct match_facts *f = &d->facts;
	struct tercel_span *path = &TEXT_OF(f, MATCH_PATH), *name = &TEXT_OF(f, MATCH_NAME);
	__u32 from;

	d->act.end = append_kernel_str(s, d->act.end, path, BPF_CORE_READ(bprm, filename));
	/* One more than there are bytes: no slash. */
	f->directory[0] = (__u32)-1;
	bpf_loop(257, slash_step, &c, 0);
	from = f->directory[0] + 1;
	name->off = path->off + from;
	name->len = path->len - from;
	if (name->len > TERCEL_COMM_LEN - 1)
		name->len = TERCEL_COMM_LEN - 1;
	if (!path->len || from > path->len || (BPF_CORE_READ(bprm, fdpath) && f->directory[0] == 7))
		f->unknown |= BIT_OF(MATCH_NAME);
	f->unknown |= BIT_OF(MATCH_PATH);
}

/* The new image, as far as it is known now, and the call. */
static __noinline int exec_collect(struct scratch *s, struct decision *d, const __u8 *image, struct linux_binprm *bprm)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct file *file = BPF_CORE_READ((struct linux_binprm___file *)bprm, file);
	struct tercel_proc *old = proc_of_task(task);
	struct match_facts *f = &d->facts;
	__u64 off;

	__builtin_memset(&s->exec, 0, sizeof(s->exec));
	hdr_fill(&s->hdr, old, bpf_ktime_get_boot_ns());
	proc_fill(&s->exec.proc, task);
	task_exe(&s->exec.proc.exe, task, file);
	s->exec.proc.cgroup_id = container_cgroup(s, task);
	off = append_exe_path(s, sizeof(struct tercel_exec), task, file);
	d->act.end = append_cwd(s, off, &s->exec.cwd, task);
	process_facts(f, s, match_header_of(image)->generation, file);
	add_comm(s, d, bprm);
	/* Arguments and environment cannot be read yet; what its credentials become is another hook's to say. */
	f->unknown |= ARGUMENT_DOMAINS | BIT_OF(MATCH_ENV) | BIT_OF(MATCH_UID) | BIT_OF(MATCH_GID) |
	              BIT_OF(MATCH_USER_NAME) | BIT_OF(MATCH_CAPS_E) | BIT_OF(MATCH_CAPS_P) | BIT_OF(MATCH_CAPS_I);
	f->bits_unknown |= 1ULL << MATCH_BIT_EXE_WRITABLE;
	call_facts(s, d);
	/* Falco's driver reports every successful exec as execve, execveat's too. */
	if (!f->unseen)
		NUMBER_OF(f, MATCH_EVENT) = 1ULL << MATCH_EVENT_EXECVE;
	/* User mode helpers make no call that it could see. */
	if (BPF_CORE_READ(task, real_parent, flags) & PF_KTHREAD && !(old && old->proc_flags & TERCEL_PROC_EXECED))
		f->unseen = 1;
	return 0;
}

/*
 * Not bprm_check_security, which runs for a script, too, and again for its interpreter: here it is settled which file
 * becomes the process's executable, and nothing has been done yet that could not be undone.
 */
SEC("lsm/bprm_creds_from_file")
int BPF_PROG(lsm_exec, struct linux_binprm *bprm, struct file *file, int ret)
{
	struct tercel_underway *mark;
	struct act a;

	if (ret)
		return ret;
	if (!decision_begin(&a, TERCEL_POINT_EXEC_CHECK, E(EXECVE) | E(EXECVEAT)))
		return 0;
	tell_cgroup(a.s, (void *)bpf_get_current_task(), act_begin(&mark));
	act_end(mark);
	exec_collect(a.s, a.d, a.image, bprm);
	return decision_answer(&a, TERCEL_POINT_EXEC_CHECK);
}

/* ---- opens ----------------------------------------------------------------------------------------------- */

#define OPENS (E(OPEN) | E(OPENAT) | E(OPENAT2) | E(CREAT) | E(OPEN_BY_HANDLE_AT))

/* The flags in Falco's bits: see open_flag_name() in engine/policy/points.c. */
static __always_inline __u64 open_flags(__u64 flags)
{
	__u64 out = 0;

	if ((flags & O_ACCMODE) == O_WRONLY)
		out |= 1 << 1;
	else if ((flags & O_ACCMODE) == O_RDWR)
		out |= 1 << 17;
	else
		out |= 1 << 0;
	out |= flags & O_CREAT ? 1 << 2 : 0;
	out |= flags & O_APPEND ? 1 << 3 : 0;
	out |= flags & O_DSYNC ? 1 << 4 : 0;
	out |= flags & O_EXCL ? 1 << 5 : 0;
	out |= flags & O_NONBLOCK ? 1 << 6 : 0;
	out |= flags & O_SYNC ? 1 << 7 : 0;
	out |= flags & O_TRUNC ? 1 << 8 : 0;
	out |= flags & O_DIRECT ? 1 << 9 : 0;
	out |= flags & O_DIRECTORY ? 1 << 10 : 0;
	out |= flags & O_LARGEFILE ? 1 << 11 : 0;
	out |= flags & O_CLOEXEC ? 1 << 12 : 0;
	out |= flags & O_TMPFILE ? 1 << 13 : 0;
	return out;
}

/*
 * What an open asks for. `file_flags`: those that the file has; for openat2, whose own are in the caller's memory,
 * which may change. `created`: it makes the file.
 */
static __noinline int open_facts(struct decision *d, __u64 file_flags, __u32 created)
{
	struct match_facts *f = &d->facts;
	__u64 flags = 0, mode = 0, bits = 0;

	if (IS_EVENT(&d->act, E(OPEN))) {
		flags = d->act.args.a[1];
		mode = d->act.args.a[2];
	} else if (IS_EVENT(&d->act, E(OPENAT))) {
		flags = d->act.args.a[2];
		mode = d->act.args.a[3];
	} else if (IS_EVENT(&d->act, E(OPEN_BY_HANDLE_AT))) {
		flags = d->act.args.a[2];
	} else if (IS_EVENT(&d->act, E(CREAT))) {
		mode = d->act.args.a[1];
	} else {
		/* openat2, and what is no call of ours. */
		flags = file_flags;
		f->unknown |= BIT_OF(MATCH_ARG_FLAGS);
		if (flags & (O_CREAT | O_TMPFILE))
			f->bits_unknown |= 1ULL << MATCH_BIT_OPEN_EXEC;
	}
	flags &= 0xffffffff;
	NUMBER_OF(f, MATCH_FD_TYPE) = 1ULL << (flags & O_DIRECTORY ? MATCH_FD_DIRECTORY : MATCH_FD_FILE);
	if (flags & O_DIRECTORY)
		f->directory[0] = TEXT_OF(f, MATCH_PATH).len;
	NUMBER_OF(f, MATCH_ARG_FLAGS) = open_flags(flags) | (created ? 1 << 14 : 0);
	if (IS_EVENT(&d->act, E(CREAT)) && d->act.event) {
		/* Falco has no flags of it. */
		bits |= mode & EXECUTABLE ? 1ULL << MATCH_BIT_OPEN_EXEC : 0;
	} else {
		bits |= (flags & O_ACCMODE) != O_WRONLY ? 1ULL << MATCH_BIT_OPEN_READ : 0;
		bits |= (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR ? 1ULL << MATCH_BIT_OPEN_WRITE
		                                                                         : 0;
		bits |= created || flags & O_TMPFILE ? 1ULL << MATCH_BIT_OPEN_CREATE : 0;
		bits |= flags & (O_CREAT | O_TMPFILE) && mode & EXECUTABLE ? 1ULL << MATCH_BIT_OPEN_EXEC : 0;
		/* To Falco every directory is opened with O_TMPFILE, and has a mode: what is in that register. */
		if (flags & O_DIRECTORY && !(flags & (O_CREAT | O_TMPFILE_BIT)))
			f->bits_unknown |= 1ULL << MATCH_BIT_OPEN_EXEC;
	}
	NUMBER_OF(f, MATCH_BITS) |= bits;
	return 0;
}

/*
 * The file of a layer below, which an overlay opens within the open of its own file: on a mount of the kernel's, or
 * under a path that is not this inode's.
 */
static __always_inline bool is_opened_by_overlay(struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct mount *m = real_mount(BPF_CORE_READ(file, f_path.mnt));

	return BPF_CORE_READ(dentry, d_inode) != BPF_CORE_READ(file, f_inode) ||
	       ((__u64)BPF_CORE_READ(m, mnt_ns) == MNT_NS_INTERNAL && BPF_CORE_READ(dentry, d_parent) != dentry);
}

static __always_inline void opened_file_facts(struct act *a, struct file *file)
{
	a->d->act.dentry = BPF_CORE_READ(file, f_path.dentry);
	a->d->act.mnt = BPF_CORE_READ(file, f_path.mnt);
	path_add(a->s, a->d, MATCH_PATH, PATH_OF_FILE);
	open_facts(a->d, BPF_CORE_READ((struct file___flags *)file, f_flags),
	           (BPF_CORE_READ(file, f_mode) & FMODE_CREATED) != 0);
}

/* Of the acts that there are opens are by far the most: who opens is only asked if what is opened may be of interest.
 */
SEC("lsm/file_open")
int BPF_PROG(lsm_file_open, struct file *file, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (is_opened_by_overlay(file) || !act_of_nobody(&a, TERCEL_POINT_FILE_OPEN, OPENS))
		return 0;
	opened_file_facts(&a, file);
	if (!may_match(a.s, a.d, a.image, TERCEL_POINT_FILE_OPEN)) {
		decision_end(&a);
		return 0;
	}
	caller_collect(a.s, a.d, a.image);
	call_facts(a.s, a.d);
	opened_file_facts(&a, file);
	return decision_answer(&a, TERCEL_POINT_FILE_OPEN);
}

/*
 * An open that is about to make its file: at the hook above it would be there already. Only a refusal is final: what is
 * not refused comes by there, with its file, and is told there.
 */
static __always_inline int decide_creation(const struct path *dir, struct dentry *dentry)
{
	struct act a;
	int answer, error;

	if (!act_of_caller(&a, TERCEL_POINT_FILE_OPEN, OPENS))
		return 0;
	/* Of others nothing is known without the file. */
	if (!a.d->act.event || !IS_EVENT(&a.d->act, E(OPEN) | E(OPENAT) | E(CREAT))) {
		decision_end(&a);
		return 0;
	}
	add_entry(&a, MATCH_PATH, dir, dentry, PATH_TO_BE);
	open_facts(a.d, 0, 1);
	answer = judge(a.s, a.d, a.image, TERCEL_POINT_FILE_OPEN);
	error = deny_error(a.d);
	if (answer) {
		if (a.d->state.action == TERCEL_ACTION_KILL)
			(void)bpf_send_signal(9 /* SIGKILL */);
		report(a.s, a.d, a.image, TERCEL_POINT_FILE_OPEN, OUTCOME_DONE);
	}
	decision_end(&a);
	return answer ? error : 0;
}

SEC("lsm/path_mknod")
int BPF_PROG(lsm_file_create, const struct path *dir, struct dentry *dentry, unsigned short mode, unsigned int dev,
             int ret)
{
	if (ret)
		return ret;
	return decide_creation(dir, dentry);
}

/* ---- names ----------------------------------------------------------------------------------------------- */

SEC("lsm/path_unlink")
int BPF_PROG(lsm_unlink, const struct path *dir, struct dentry *dentry, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_UNLINK, E(UNLINK) | E(UNLINKAT)))
		return 0;
	add_entry(&a, MATCH_PATH, dir, dentry, PATH_OF_FILE);
	add_directory_name(&a, a.d->act.args.a[0]);
	return decision_answer(&a, TERCEL_POINT_UNLINK);
}

SEC("lsm/path_rmdir")
int BPF_PROG(lsm_rmdir, const struct path *dir, struct dentry *dentry, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_RMDIR, E(RMDIR) | E(UNLINKAT)))
		return 0;
	add_entry(&a, MATCH_PATH, dir, dentry, PATH_OF_FILE);
	add_directory_name(&a, a.d->act.args.a[0]);
	return decision_answer(&a, TERCEL_POINT_RMDIR);
}

SEC("lsm/path_rename")
int BPF_PROG(lsm_rename, const struct path *old_dir, struct dentry *old_dentry, const struct path *new_dir,
             struct dentry *new_dentry, unsigned int hook_flags, int ret)
{
	__u64 flags = 0;
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_RENAME, E(RENAME) | E(RENAMEAT) | E(RENAMEAT2)))
		return 0;
	add_entry(&a, MATCH_PATH, old_dir, old_dentry, PATH_OF_FILE);
	add_entry(&a, MATCH_NEWPATH, new_dir, new_dentry, PATH_TO_BE);
	if (IS_EVENT(&a.d->act, E(RENAMEAT2)))
		flags = a.d->act.args.a[4] & 7;
	NUMBER_OF(&a.d->facts, MATCH_ARG_FLAGS) = flags;
	if ((flags | hook_flags) & RENAME_EXCHANGE)
		a.d->facts.unknown |= BIT_OF(MATCH_PATH) | BIT_OF(MATCH_NEWPATH);
	return decision_answer(&a, TERCEL_POINT_RENAME);
}

/* AT_SYMLINK_FOLLOW and AT_EMPTY_PATH */
#define LINK_FLAGS (0x400 | 0x1000)

SEC("lsm/path_link")
int BPF_PROG(lsm_link, struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_LINK, E(LINK) | E(LINKAT)))
		return 0;
	/* Both are on one mount. */
	add_entry(&a, MATCH_PATH, new_dir, old_dentry, PATH_OF_FILE);
	add_entry(&a, MATCH_NEWPATH, new_dir, new_dentry, PATH_TO_BE);
	NUMBER_OF(&a.d->facts, MATCH_ARG_FLAGS) = IS_EVENT(&a.d->act, E(LINKAT)) ? a.d->act.args.a[4] & LINK_FLAGS : 0;
	return decision_answer(&a, TERCEL_POINT_LINK);
}

SEC("lsm/path_symlink")
int BPF_PROG(lsm_symlink, const struct path *dir, struct dentry *dentry, const char *old_name, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_SYMLINK, E(SYMLINK) | E(SYMLINKAT)))
		return 0;
	add_entry(&a, MATCH_PATH, dir, dentry, PATH_TO_BE);
	a.d->act.end = append_kernel_str(a.s, a.d->act.end, &TEXT_OF(&a.d->facts, MATCH_TARGET), old_name);
	if (!TEXT_OF(&a.d->facts, MATCH_TARGET).len)
		a.d->facts.unknown |= BIT_OF(MATCH_TARGET);
	add_directory_name(&a, a.d->act.args.a[1]);
	return decision_answer(&a, TERCEL_POINT_SYMLINK);
}

SEC("lsm/path_mkdir")
int BPF_PROG(lsm_mkdir, const struct path *dir, struct dentry *dentry, unsigned short mode, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_MKDIR, E(MKDIR) | E(MKDIRAT)))
		return 0;
	add_entry(&a, MATCH_PATH, dir, dentry, PATH_TO_BE);
	add_directory_name(&a, a.d->act.args.a[0]);
	return decision_answer(&a, TERCEL_POINT_MKDIR);
}

/* The kind of file in Falco's bits: see mknod_mode_name() in engine/policy/points.c. 0: not known. */
static __always_inline __u64 kind_bits(__u64 mode)
{
	bool plain = !(mode & PERMISSIONS);

	switch (mode & S_IFMT) {
	case S_IFIFO:
		return 1 << 12;
	case S_IFCHR:
		return 1 << 13;
	case S_IFBLK:
		return 1 << 13 | (plain ? 1 << 14 : 0);
	case 0:
	case S_IFREG:
		return 1 << 15;
	case S_IFSOCK:
		return 1 << 15 | (plain ? 1 << 16 : 0);
	}
	return 0;
}

SEC("lsm/path_mknod")
int BPF_PROG(lsm_mknod, const struct path *dir, struct dentry *dentry, unsigned short hook_mode, unsigned int dev,
             int ret)
{
	struct act a;
	__u64 mode;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_MKNOD, E(MKNOD) | E(MKNODAT)))
		return 0;
	add_entry(&a, MATCH_PATH, dir, dentry, PATH_TO_BE);
	add_directory_name(&a, a.d->act.args.a[0]);
	mode = IS_EVENT(&a.d->act, E(MKNODAT)) ? a.d->act.args.a[2] : a.d->act.args.a[1];
	NUMBER_OF(&a.d->facts, MATCH_ARG_MODE) = (mode & PERMISSIONS) | kind_bits(mode);
	if (!kind_bits(mode))
		a.d->facts.unknown |= BIT_OF(MATCH_ARG_MODE);
	return decision_answer(&a, TERCEL_POINT_MKNOD);
}

/* ---- permissions and owners ------------------------------------------------------------------------------ */

/* fd.name: of fchmod and fchown (`by_fd`) the file; of fchmodat and fchownat that of a directory descriptor. */
static __always_inline void add_descriptor_name(struct act *a, __u64 by_fd)
{
	struct match_facts *f = &a->d->facts;

	if (!IS_EVENT(&a->d->act, by_fd)) {
		add_directory_name(a, a->d->act.args.a[0]);
		return;
	}
	TEXT_OF(f, MATCH_NEWPATH) = TEXT_OF(f, MATCH_PATH);
	f->directory[1] = f->directory[0];
	if (f->unknown & BIT_OF(MATCH_PATH))
		f->unknown |= BIT_OF(MATCH_NEWPATH);
}

SEC("lsm/path_chmod")
int BPF_PROG(lsm_chmod, const struct path *path, unsigned short hook_mode, int ret)
{
	struct act a;
	__u64 mode;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_CHMOD, E(CHMOD) | E(FCHMOD) | E(FCHMODAT)))
		return 0;
	add_path(&a, MATCH_PATH, path);
	add_descriptor_name(&a, E(FCHMOD));
	mode = IS_EVENT(&a.d->act, E(FCHMODAT)) ? a.d->act.args.a[2] : a.d->act.args.a[1];
	NUMBER_OF(&a.d->facts, MATCH_ARG_MODE) = mode & PERMISSIONS;
	return decision_answer(&a, TERCEL_POINT_CHMOD);
}

SEC("lsm/path_chown")
int BPF_PROG(lsm_chown, const struct path *path, unsigned int uid, unsigned int gid, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_CHOWN, E(CHOWN) | E(LCHOWN) | E(FCHOWN) | E(FCHOWNAT)))
		return 0;
	add_path(&a, MATCH_PATH, path);
	add_descriptor_name(&a, E(FCHOWN));
	return decision_answer(&a, TERCEL_POINT_CHOWN);
}

/* ---- sockets --------------------------------------------------------------------------------------------- */

/* Falco's number of an address family; those that it does not know are AF_UNSPEC's. */
static __always_inline __u64 family_bit(__u64 family)
{
	return family >= 40 || family == 27 || family == 28 ? 1 : 1ULL << (family & 63);
}

/*
 * libsinsp: a socket is raw by the numbers of the call, in which flags make the type another one. Others have no
 * transport before they are used.
 */
static __always_inline bool is_raw(__u64 family, __u64 type, __u64 protocol)
{
	const __u32 p = (__u32)protocol;

	if (family != AF_INET && family != AF_INET6)
		return false;
	return p == IPPROTO_RAW ||
	       ((__u32)type == SOCK_RAW && (p == IPPROTO_TCP || p == IPPROTO_UDP || p == IPPROTO_ICMP));
}

SEC("lsm/socket_create")
int BPF_PROG(lsm_socket, int family, int type, int protocol, int kern, int ret)
{
	struct match_facts *f;
	__u64 asked;
	struct act a;

	if (ret)
		return ret;
	/* The kernel's own. */
	if (kern || !act_of_caller(&a, TERCEL_POINT_SOCKET, E(SOCKET)))
		return 0;
	f = &a.d->facts;
	asked = a.d->act.args.a[0] & 0xffffffff;
	NUMBER_OF(f, MATCH_ARG_KIND) = family_bit(asked);
	/* Of an obsolete way to ask for packets the kernel makes another family. */
	if (asked != (__u32)family)
		f->unknown |= BIT_OF(MATCH_ARG_KIND) | BIT_OF(MATCH_FD_TYPE);
	if (family == AF_INET)
		NUMBER_OF(f, MATCH_FD_TYPE) = 1ULL << MATCH_FD_IPV4;
	else if (family == AF_INET6)
		NUMBER_OF(f, MATCH_FD_TYPE) = 1ULL << MATCH_FD_IPV6;
	else if (family == AF_UNIX)
		NUMBER_OF(f, MATCH_FD_TYPE) = 1ULL << MATCH_FD_UNIX;
	else
		f->unknown |= BIT_OF(MATCH_FD_TYPE);
	NUMBER_OF(f, MATCH_L4PROTO) =
	        1ULL << (is_raw(asked, a.d->act.args.a[1], a.d->act.args.a[2]) ? MATCH_L4_RAW : MATCH_L4_NONE);
	return decision_answer(&a, TERCEL_POINT_SOCKET);
}

/* include/linux/in6.h: the least that the kernel takes for an IPv6 address */
#define SIN6_LEN_RFC2133 24

/* An address that a socket is bound to, or is to be: in the order of the network. */
struct bound {
	__u16 family, port;
	__u32 addr[4];   /* IPv4 in the first word */
	__u32 transport; /* enum match_l4proto + 1; 0: not known */
};

/*
 * To Falco a socket has an address of its own, and a transport, only after a bind that names a port. Of one without,
 * the rules' comparisons are open.
 */
static __noinline int bound_facts(struct decision *d, const struct bound *b)
{
	struct match_facts *f = &d->facts;
	bool mapped = b->family == AF_INET6 && is_ipv4_mapped(b->addr);

	if (b->transport && b->port)
		NUMBER_OF(f, MATCH_L4PROTO) = 1ULL << ((b->transport - 1) & 63);
	else
		f->unknown |= BIT_OF(MATCH_L4PROTO);
	if (b->family == AF_UNIX) {
		unix_facts(f);
		return 0;
	}
	if ((b->family != AF_INET && b->family != AF_INET6) || !b->port) {
		forget_peer(f);
		return 0;
	}
	NUMBER_OF(f, MATCH_PORT) = bpf_ntohs(b->port);
	if (b->family == AF_INET || mapped) {
		addr4_facts(f, b->addr[mapped ? 3 : 0]);
		return 0;
	}
	addr6_facts(f, b->addr);
	f->missing |= BIT_OF(MATCH_ADDR4);
	return 0;
}

/* What is shown of it. */
static __always_inline void verdict_bound(struct decision *d, const struct bound *b)
{
	if (b->family != AF_INET && b->family != AF_INET6)
		return;
	d->verdict.remote.family = b->family;
	d->verdict.remote.port = bpf_ntohs(b->port);
	__builtin_memcpy(d->verdict.remote.addr, b->addr, sizeof(b->addr));
}

static __always_inline void transport_of(struct bound *out, struct socket *sock)
{
	__u32 type = (__u32)BPF_CORE_READ(sock, type), protocol = BPF_CORE_READ(sock, sk, sk_protocol);

	if (protocol == IPPROTO_TCP && type == SOCK_STREAM)
		out->transport = MATCH_L4_TCP + 1;
	if (protocol == IPPROTO_UDP && type == SOCK_DGRAM)
		out->transport = MATCH_L4_UDP + 1;
}

/* The kernel's copy of the address that a bind asks for. Nothing of one that is too short, or of another family. */
static __always_inline void asked_address(struct bound *out, struct socket *sock, const void *address, int len)
{
	__u16 family = BPF_CORE_READ(sock, sk, __sk_common.skc_family), asked = 0;

	if (len < (int)sizeof(asked) || bpf_probe_read_kernel(&asked, sizeof(asked), address) || asked != family)
		return;
	if (family == AF_UNIX)
		out->family = family;
	if ((family == AF_INET && len < 16) || (family == AF_INET6 && len < SIN6_LEN_RFC2133) ||
	    (family != AF_INET && family != AF_INET6))
		return;
	if (bpf_probe_read_kernel(&out->port, sizeof(out->port), address + 2) ||
	    (family == AF_INET ? bpf_probe_read_kernel(out->addr, 4, address + 4)
	                       : bpf_probe_read_kernel(out->addr, 16, address + 8)))
		return;
	out->family = family;
}

SEC("lsm/socket_bind")
int BPF_PROG(lsm_bind, struct socket *sock, struct sockaddr *address, int addrlen, int ret)
{
	struct bound b = {};
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_BIND, E(BIND)))
		return 0;
	asked_address(&b, sock, address, addrlen);
	transport_of(&b, sock);
	bound_facts(a.d, &b);
	verdict_bound(a.d, &b);
	return decision_answer(&a, TERCEL_POINT_BIND);
}

/* The address of a bind before it; one that the kernel has chosen Falco does not know of. */
static __always_inline void own_address(struct bound *out, struct socket *sock)
{
	out->family = BPF_CORE_READ(sock, sk, __sk_common.skc_family);
	if ((out->family != AF_INET && out->family != AF_INET6) || !has_chosen_port(BPF_CORE_READ(sock, sk)))
		return;
	out->port = bpf_htons(BPF_CORE_READ(sock, sk, __sk_common.skc_num));
	if (out->family == AF_INET)
		out->addr[0] = BPF_CORE_READ(sock, sk, __sk_common.skc_rcv_saddr);
	else
		BPF_CORE_READ_INTO(&out->addr, sock, sk, __sk_common.skc_v6_rcv_saddr);
}

SEC("lsm/socket_listen")
int BPF_PROG(lsm_listen, struct socket *sock, int backlog, int ret)
{
	struct bound b = {};
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_LISTEN, E(LISTEN)))
		return 0;
	own_address(&b, sock);
	transport_of(&b, sock);
	bound_facts(a.d, &b);
	verdict_bound(a.d, &b);
	return decision_answer(&a, TERCEL_POINT_LISTEN);
}

/* ---- the kernel ------------------------------------------------------------------------------------------ */

SEC("lsm/kernel_read_file")
int BPF_PROG(lsm_module_file, struct file *file, unsigned int id, bool contents, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (id != bpf_core_enum_value(enum kernel_read_file_id___known, READING_MODULE) &&
	    !(bpf_core_enum_value_exists(enum kernel_read_file_id___known, READING_MODULE_COMPRESSED) &&
	      id == bpf_core_enum_value(enum kernel_read_file_id___known, READING_MODULE_COMPRESSED)))
		return 0;
	if (!act_of_caller(&a, TERCEL_POINT_MODULE_FILE, E(FINIT_MODULE)))
		return 0;
	a.d->act.dentry = BPF_CORE_READ(file, f_path.dentry);
	a.d->act.mnt = BPF_CORE_READ(file, f_path.mnt);
	path_add(a.s, a.d, MATCH_PATH, PATH_OF_FILE);
	NUMBER_OF(&a.d->facts, MATCH_ARG_FLAGS) = a.d->act.args.a[2] & 7;
	return decision_answer(&a, TERCEL_POINT_MODULE_FILE);
}

SEC("lsm/kernel_load_data")
int BPF_PROG(lsm_module_data, unsigned int id, bool contents, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (id != bpf_core_enum_value(enum kernel_load_data_id___known, LOADING_MODULE) ||
	    !act_of_caller(&a, TERCEL_POINT_MODULE_DATA, E(INIT_MODULE)))
		return 0;
	return decision_answer(&a, TERCEL_POINT_MODULE_DATA);
}

static __always_inline int decide_bpf(__u32 cmd)
{
	struct act a;

	if (!act_of_caller(&a, TERCEL_POINT_BPF, E(BPF)))
		return 0;
	/* A program may call bpf() in the kernel, which is no event. */
	if (a.d->act.event && (__u32)a.d->act.args.a[0] != cmd)
		a.d->facts.unseen = 1;
	if (cmd < 64)
		NUMBER_OF(&a.d->facts, MATCH_ARG_KIND) = 1ULL << cmd;
	else
		a.d->facts.unknown |= BIT_OF(MATCH_ARG_KIND);
	return decision_answer(&a, TERCEL_POINT_BPF);
}

/* Of the two that one is loaded whose arguments the kernel's hook has. */
SEC("lsm/bpf")
int BPF_PROG(lsm_bpf, int cmd, void *attr, unsigned int size, int ret)
{
	if (ret)
		return ret;
	return decide_bpf((__u32)cmd);
}

/* 6.15 and later: `kernel`, whether the kernel itself calls. */
SEC("lsm/bpf")
int BPF_PROG(lsm_bpf_kernel, int cmd, void *attr, unsigned int size, bool kernel, int ret)
{
	if (ret)
		return ret;
	return decide_bpf((__u32)cmd);
}

/* ---- other processes ------------------------------------------------------------------------------------- */

/* Also asked for reads of /proc and the like, which are no ptrace(): those are nothing here. */
static __always_inline int decide_ptrace(__u32 point, const struct task_struct *other)
{
	struct act a;
	__u64 request;

	if (current_event() != MATCH_EVENT_PTRACE + 1 || !act_of_caller(&a, point, E(PTRACE)))
		return 0;
	a.d->verdict.target = (__u32)BPF_CORE_READ(other, tgid);
	request = a.d->act.args.a[0];
	if (request == PTRACE_TRACEME)
		NUMBER_OF(&a.d->facts, MATCH_ARG_KIND) = 1ULL << 1;
	else if (request == PTRACE_ATTACH)
		NUMBER_OF(&a.d->facts, MATCH_ARG_KIND) = 1ULL << 11;
	else if (request == PTRACE_SEIZE)
		NUMBER_OF(&a.d->facts, MATCH_ARG_KIND) = 1ULL << 20;
	else
		a.d->facts.unknown |= BIT_OF(MATCH_ARG_KIND);
	return decision_answer(&a, point);
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(lsm_ptrace, struct task_struct *child, unsigned int mode, int ret)
{
	if (ret)
		return ret;
	return decide_ptrace(TERCEL_POINT_PTRACE, child);
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(lsm_traceme, struct task_struct *parent, int ret)
{
	if (ret)
		return ret;
	return decide_ptrace(TERCEL_POINT_TRACEME, parent);
}

SEC("lsm/task_kill")
int BPF_PROG(lsm_kill, struct task_struct *task, void *info, int sig, const struct cred *cred, int ret)
{
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_KILL, E(KILL) | E(TKILL) | E(TGKILL)))
		return 0;
	a.d->verdict.target = (__u32)BPF_CORE_READ(task, tgid);
	if (sig >= 0 && sig < 64)
		NUMBER_OF(&a.d->facts, MATCH_ARG_KIND) = 1ULL << (sig & 63);
	else
		a.d->facts.unknown |= BIT_OF(MATCH_ARG_KIND);
	return decision_answer(&a, TERCEL_POINT_KILL);
}

/* ---- the rest -------------------------------------------------------------------------------------------- */

/* MS_* that have a name: see mount_flag_name() in engine/policy/points.c. */
#define MOUNT_FLAGS (0xffULL | 0x3fffc00ULL | 0xf0000000ULL)

SEC("lsm/sb_mount")
int BPF_PROG(lsm_mount, const char *dev_name, const struct path *path, const char *type, unsigned long flags,
             void *data, int ret)
{
	struct match_facts *f;
	struct act a;

	if (ret)
		return ret;
	if (!act_of_caller(&a, TERCEL_POINT_MOUNT, E(MOUNT)))
		return 0;
	f = &a.d->facts;
	add_path(&a, MATCH_PATH, path);
	a.d->act.end = append_kernel_str(a.s, a.d->act.end, &TEXT_OF(f, MATCH_TARGET), dev_name);
	if (!TEXT_OF(f, MATCH_TARGET).len)
		f->unknown |= BIT_OF(MATCH_TARGET);
	NUMBER_OF(f, MATCH_ARG_FLAGS) = flags & MOUNT_FLAGS;
	if (flags && !(flags & MOUNT_FLAGS))
		f->unknown |= BIT_OF(MATCH_ARG_FLAGS);
	return decision_answer(&a, TERCEL_POINT_MOUNT);
}

SEC("lsm/inode_init_security_anon")
int BPF_PROG(lsm_userfaultfd, struct inode *inode, void *name, const struct inode *context, int ret)
{
	struct act a;

	if (ret)
		return ret;
	/* Other files of this kind are made here, too. */
	if (current_event() != MATCH_EVENT_USERFAULTFD + 1 ||
	    !act_of_caller(&a, TERCEL_POINT_USERFAULTFD, E(USERFAULTFD)))
		return 0;
	return decision_answer(&a, TERCEL_POINT_USERFAULTFD);
}

SEC("lsm/task_fix_setuid")
int BPF_PROG(lsm_setuid, struct cred *new, const struct cred *old, int flags, int ret)
{
	struct match_facts *f;
	struct act a;
	__u32 id;

	if (ret)
		return ret;
	if (flags != LSM_SETID_ID && flags != LSM_SETID_RES)
		return 0;
	if (!act_of_caller(&a, TERCEL_POINT_SETUID, E(SETUID) | E(SETRESUID)))
		return 0;
	f = &a.d->facts;
	id = (__u32)(IS_EVENT(&a.d->act, E(SETRESUID)) ? a.d->act.args.a[1] : a.d->act.args.a[0]);
	NUMBER_OF(f, MATCH_ARG_ID) = id;
	f->unknown &= ~BIT_OF(MATCH_USER_NAME);
	user_facts(f, a.s, MATCH_USER_NAME, SLOT_USER, id);
	/* Of no user, and of a root without an entry, Falco's fields say different things. */
	if (id == (__u32)-1 || (!id && !bpf_map_lookup_elem(&users, &id)))
		f->unknown |= BIT_OF(MATCH_USER_NAME);
	return decision_answer(&a, TERCEL_POINT_SETUID);
}
