// SPDX-License-Identifier: Apache-2.0
/* Threads from /proc. See seed_proc.h. */
#include "sensor/seed_proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "bpf/cgroup_path.h"
#include "sensor/proc_text.h"

/* `status` of a process with the most groups (65536) is longer: it then lacks what comes behind, and is skipped. */
#define TEXT_MAX 16384
/* How long a process that is ending is waited for: what its end leaves behind can be told only then. */
#define END_TRIES 20
#define END_PAUSE_NS 5000000

/* What is known of a seeded thread. */
struct known {
	uint32_t tid, tgid, pidns;
	struct tercel_exec_id exec_id;
	struct tercel_exec_id parent_id; /* of its leader */
	uint64_t pidns_start;
};

struct walk {
	struct seed *seed;
	const struct seed_maps *maps;
	struct known *known; /* owned; by thread id */
	size_t count;
	uint64_t tick_ns;
	struct tercel_image_large image;
	char status[TEXT_MAX];
};

static void walk_free(struct walk **w)
{
	if (*w)
		free((*w)->known);
	free(*w);
}

/* ---- what the iterator delivered ---------------------------------------------------------------------- */

static int by_tid(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int learn(struct walk *w)
{
	size_t at = 0;

	w->known = calloc(w->seed->count + 1, sizeof(*w->known));
	if (!w->known)
		return -ENOMEM;
	for (size_t i = 0; i < w->seed->count; i++) {
		const struct tercel_exec *e = (const struct tercel_exec *)(const void *)(w->seed->bytes + at);

		if (e->hdr.type == TERCEL_SEED)
			w->known[w->count++] = (struct known){.tid = e->hdr.tid,
			                                      .tgid = e->hdr.tgid,
			                                      .pidns = e->proc.pidns,
			                                      .exec_id = e->hdr.exec_id,
			                                      .parent_id = e->proc.parent_exec_id,
			                                      .pidns_start = e->proc.pidns_start};
		at += seed_aligned(e->hdr.size);
	}
	qsort(w->known, w->count, sizeof(*w->known), by_tid);
	return 0;
}

static const struct known *known_of(const struct walk *w, uint32_t tid)
{
	const struct known key = {.tid = tid};

	return w->count ? bsearch(&key, w->known, w->count, sizeof(key), by_tid) : NULL;
}

/* The id of the image that a process runs: a child's record names it exactly, /proc only within a tick. */
static struct tercel_exec_id exec_id_of(const struct walk *w, uint32_t tgid, uint64_t start)
{
	struct tercel_exec_id id = {.ktime = start, .tgid = tgid};

	for (size_t i = 0; i < w->count; i++) {
		const struct tercel_exec_id *p = &w->known[i].parent_id;

		/* The count of execs may carry it over the end of the tick; another process's start would not. */
		if (p->tgid == tgid && p->ktime >= id.ktime && p->ktime - start < 2 * w->tick_ns)
			id.ktime = p->ktime;
	}
	return id;
}

static uint64_t pidns_start_of(const struct walk *w, const struct tercel_proc *p)
{
	if (p->pidns == INITIAL_PIDNS)
		return 0;
	for (size_t i = 0; i < w->count; i++)
		if (w->known[i].pidns == p->pidns)
			return w->known[i].pidns_start;
	return p->vtgid == 1 ? p->start_time : 0;
}

/* ---- one thread --------------------------------------------------------------------------------------- */

/* A small file as a text; false if it cannot be read. */
static bool read_text(int dir, const char *name, char *out)
{
	_autoclose_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1, len = 0;

	if (fd < 0)
		return false;
	while (len < TEXT_MAX - 1 && (n = read(fd, out + len, (size_t)(TEXT_MAX - 1 - len))) > 0)
		len += n;
	out[len] = '\0';
	return n >= 0 && len > 0;
}

static uint32_t read_pidns(int dir, bool nested)
{
	char link[64];
	const ssize_t n = readlinkat(dir, "ns/pid", link, sizeof(link) - 1);

	if (n <= 0)
		return nested ? 0 : INITIAL_PIDNS;
	link[n] = '\0';
	return strncmp(link, "pid:[", 5) ? 0 : (uint32_t)strtoul(link + 5, NULL, 10);
}

/* As the kernel side answers it (bpf/task.h, inode_writable()), except that ids are taken as mapped. */
static bool is_writable(const struct walk *w, const struct tercel_creds *c, int fd, const struct statx *st)
{
	const uint64_t dac = 1ULL << CAP_DAC_OVERRIDE, owner = 1ULL << CAP_FOWNER;
	unsigned int mode = st->stx_mode;
	struct statvfs fs;

	if (fstatvfs(fd, &fs) || (fs.f_flag & ST_RDONLY) || (st->stx_attributes & STATX_ATTR_IMMUTABLE))
		return false;
	if (c->fsuid == st->stx_uid)
		return true;
	if (c->fsgid == st->stx_gid || proc_has_group(w->status, st->stx_gid))
		mode >>= 3;
	return (mode & S_IWOTH) || (c->cap_effective & (dac | owner));
}

/* The executable. Not every process shows it to everybody: flagged. */
static void add_exe(const struct walk *w, struct tercel_exec *e, int dir)
{
	static const char deleted[] = " (deleted)", memfd[] = "/memfd:";
	_autoclose_ int fd = openat(dir, "exe", O_PATH | O_CLOEXEC);
	char *path = (char *)e + e->hdr.size;
	const ssize_t n = readlinkat(dir, "exe", path, TERCEL_PATH_MAX);
	struct tercel_exe *exe = &e->proc.exe;
	struct statx st;
	size_t len = n > 0 ? (size_t)n : 0;

	/* The layer of an overlay mount does not show here. */
	exe->flags = TERCEL_EXE_UNKNOWN;
	if (!len || fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st)) {
		e->hdr.flags |= TERCEL_F_FAULT_PATH;
		return;
	}
	exe->ino = st.stx_ino;
	exe->dev = st.stx_dev_major << 20 | st.stx_dev_minor;
	exe->ctime_ns = (uint64_t)st.stx_ctime.tv_sec * 1000000000 + st.stx_ctime.tv_nsec;
	exe->mtime_ns = (uint64_t)st.stx_mtime.tv_sec * 1000000000 + st.stx_mtime.tv_nsec;
	if (len == TERCEL_PATH_MAX)
		e->hdr.flags |= TERCEL_F_TRUNC_PATH;
	if (!st.stx_nlink && len >= sizeof(deleted) && !memcmp(path + len - (sizeof(deleted) - 1), deleted, 10)) {
		len -= sizeof(deleted) - 1;
		e->hdr.flags |= TERCEL_F_PATH_DELETED;
		if (len >= sizeof(memfd) && !memcmp(path, memfd, sizeof(memfd) - 1))
			exe->flags |= TERCEL_EXE_MEMFD;
	}
	if (is_writable(w, &e->proc.creds, fd, &st))
		exe->flags |= TERCEL_EXE_WRITABLE;
	e->exe_path = (struct tercel_span){e->hdr.size, (uint32_t)len};
	e->hdr.size += (uint32_t)len;
}

static struct tercel_exec_id parent_of(const struct walk *w, uint32_t ppid)
{
	const struct known *parent = known_of(w, ppid);
	struct tercel_proc proc;

	if (ppid && !bpf_map_lookup_elem(w->maps->procs, &ppid, &proc))
		return proc.exec_id;
	return parent ? parent->exec_id : (struct tercel_exec_id){0};
}

/* The directory of a thread's cgroup in the v2 hierarchy: its inode number is the id. 0 if it is gone. */
static uint64_t cgroup_of(const struct walk *w, int dir, char *text, const char **path, uint32_t *len)
{
	char full[2 * TERCEL_PATH_MAX];
	struct stat st;
	int n;

	if (!w->maps->cgroup_root || !read_text(dir, "cgroup", text))
		return 0;
	*path = proc_parse_cgroup(text, len);
	if (!*path || *len >= TERCEL_PATH_MAX)
		return 0;
	n = snprintf(full, sizeof(full), "%s%.*s", w->maps->cgroup_root, (int)*len, *path);
	return n < 0 || (size_t)n >= sizeof(full) || stat(full, &st) ? 0 : st.st_ino;
}

/* Whether a hierarchy of cgroup v1 may tell of a container: its controllers' paths are read for what the kernel side
 * answers in container_cgroup(). */
static bool has_v1_container(int dir, char *text)
{
	char id[TERCEL_CONTAINER_ID_LEN];
	char *save = NULL;

	if (!read_text(dir, "cgroup", text))
		return true;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *controllers = strchr(line, ':');
		const char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (path && controllers[1] != ':' && strncmp(controllers + 1, "name=", 5) != 0 &&
		    cgroup_path_classify(path + 1, strlen(path + 1), id) == TERCEL_CGROUP_CONTAINER)
			return true;
	}
	return false;
}

/* A CGROUP record in front of the thread's, if the kernel has not seen the cgroup: it will not tell of it any more. */
static int tell_cgroup(struct walk *w, const struct tercel_exec *e, const char *path, uint32_t len)
{
	struct tercel_cgroup_info info = {0};
	const uint64_t id = e->proc.cgroup_id;
	struct tercel_cgroup *c;
	int err;

	if (!id)
		return 0;
	info.state = cgroup_path_classify(path, len, info.container_id);
	err = bpf_map_update_elem(w->maps->cgroups, &id, &info, BPF_NOEXIST);
	if (err == -EEXIST)
		return 0;
	w->seed->counts.cgroups_full += err != 0;
	c = seed_room(w->seed);
	if (!c)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	c->hdr = e->hdr;
	c->hdr.type = TERCEL_CGROUP;
	c->hdr.flags = 0;
	c->hdr.size = (uint32_t)sizeof(*c) + len;
	c->cgroup_id = id;
	c->path = (struct tercel_span){sizeof(*c), len};
	memcpy(c + 1, path, len);
	seed_append(w->seed);
	w->seed->counts.cgroups++;
	return 0;
}

/* What a thread's own files say. False if it has ended, or came after attaching and has told of itself. */
static bool fill(struct walk *w, struct tercel_exec *e, int dir, char *text)
{
	struct tercel_proc *p = &e->proc;
	struct proc_status status;
	struct proc_stat stat;

	if (!read_text(dir, "stat", text) || proc_parse_stat(&stat, text) || !read_text(dir, "status", w->status) ||
	    proc_parse_status(&status, w->status) || (stat.flags & PROC_EXITING))
		return false;
	p->start_time = stat.start_ticks * w->tick_ns;
	if (p->start_time >= w->maps->attached)
		return false;
	memcpy(p->comm, stat.comm, sizeof(p->comm));
	p->tgid = e->hdr.tgid;
	p->ppid = stat.ppid;
	p->pgid = stat.pgid;
	p->sid = stat.sid;
	p->tty = stat.tty;
	p->vtgid = status.vtgid;
	p->vpgid = status.vpgid;
	p->vsid = status.vsid;
	p->creds = status.creds;
	p->pidns = read_pidns(dir, status.nested);
	p->proc_flags = TERCEL_PROC_SEEDED | TERCEL_PROC_ROUGH | (stat.flags & PROC_KTHREAD ? TERCEL_PROC_KTHREAD : 0U);
	p->loginuid = read_text(dir, "loginuid", text) ? (uint32_t)strtoul(text, NULL, 10) : UINT32_MAX;
	e->vtid = status.vtid;
	e->old_tid = e->hdr.tid;
	e->pgft_min = stat.min_flt;
	e->pgft_maj = stat.maj_flt;
	e->vm_size = status.vm_size;
	e->vm_rss = status.vm_rss;
	e->vm_swap = status.vm_swap;
	e->fdlimit = read_text(dir, "limits", text) ? proc_parse_fdlimit(text) : 0;
	return true;
}

/* ---- the kernel's maps -------------------------------------------------------------------------------- */

/* Whether a thread of the process is not about to end: then its exit is yet to come, and will find the record. */
static bool has_live_thread(int task_dir)
{
	_autoclose_ int fd = openat(task_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char name[300], text[TEXT_MAX];
	struct proc_stat stat;
	bool found = false;

	if (!d)
		return false;
	(void)TAKE_FD(fd);
	while (!found && (entry = readdir(d))) {
		(void)snprintf(name, sizeof(name), "%s/stat", entry->d_name);
		found = entry->d_name[0] != '.' && read_text(task_dir, name, text) && !proc_parse_stat(&stat, text) &&
		        !(stat.flags & PROC_EXITING);
	}
	(void)closedir(d);
	return found;
}

/* A thread group that cannot be read any more, or whose leader is dead, has run the exit of its last live thread. */
static bool is_over(int task_dir, uint32_t tgid)
{
	char name[32], text[TEXT_MAX];
	struct proc_stat stat;

	(void)snprintf(name, sizeof(name), "%u/stat", tgid);
	return !read_text(task_dir, name, text) || proc_parse_stat(&stat, text) || stat.state == 'Z' ||
	       stat.state == 'X';
}

static void forget_image(const struct seed_maps *maps, const struct tercel_exec_id *id)
{
	(void)bpf_map_delete_elem(maps->image_refs, id);
	if (bpf_map_delete_elem(maps->images_small, id))
		(void)bpf_map_delete_elem(maps->images_large, id);
}

/*
 * If the process ended while its record was made, its exit found nothing to delete. A record that is still there when
 * the end is over is one that no exit saw; then nobody forked from it either, so that the image has no other user.
 */
static void retract_if_ended(const struct seed_maps *maps, const struct tercel_exec *e, int task_dir)
{
	const struct timespec pause = {.tv_nsec = END_PAUSE_NS};
	struct tercel_proc proc;

	if (has_live_thread(task_dir))
		return;
	for (int i = 0; i < END_TRIES && !is_over(task_dir, e->hdr.tgid); i++)
		(void)nanosleep(&pause, NULL);
	if (!is_over(task_dir, e->hdr.tgid) || bpf_map_lookup_and_delete_elem(maps->procs, &e->hdr.tgid, &proc))
		return;
	if (memcmp(&proc.exec_id, &e->proc.exec_id, sizeof(proc.exec_id)) != 0)
		/* The id is in use again. */
		(void)bpf_map_update_elem(maps->procs, &e->hdr.tgid, &proc, BPF_NOEXIST);
	else
		forget_image(maps, &e->proc.image_id);
}

/* As bpf/seed.bpf.c does it. False if an event has told of the process meanwhile. */
static bool enter(struct walk *w, const struct tercel_exec *e, int task_dir)
{
	const struct seed_maps *maps = w->maps;
	const uint32_t one = 1;
	int err = bpf_map_update_elem(maps->image_refs, &e->proc.image_id, &one, BPF_NOEXIST);

	if (err == -EEXIST)
		return false;
	w->seed->counts.images_full += err != 0;
	err = bpf_map_update_elem(maps->procs, &e->hdr.tgid, &e->proc, BPF_NOEXIST);
	if (err) {
		forget_image(maps, &e->proc.image_id);
		w->seed->counts.procs_full += err != -EEXIST;
		return err != -EEXIST;
	}
	seed_keep_image(e, maps, &w->image);
	retract_if_ended(maps, e, task_dir);
	return true;
}

/* ---- the walk ----------------------------------------------------------------------------------------- */

struct group {
	struct walk *walk;
	int dir, task_dir; /* /proc/PID and /proc/PID/task */
	uint32_t tgid;
	struct tercel_exec_id exec_id; /* none: neither seeded nor in the kernel's maps */
	uint64_t start;
};

static int add_leader(struct group *g, struct tercel_exec *e, int dir)
{
	struct walk *w = g->walk;
	struct tercel_proc *p = &e->proc;

	p->exec_id = p->image_id = exec_id_of(w, g->tgid, p->start_time);
	p->start_time = p->exec_id.ktime;
	p->parent_exec_id = parent_of(w, p->ppid);
	e->hdr.ts = p->start_time;
	if (!(p->proc_flags & TERCEL_PROC_KTHREAD)) {
		add_exe(w, e, dir);
		seed_add_strings(e, g->dir);
		e->hdr.flags |= TERCEL_F_FAULT_ENV;
	}
	p->pidns_start = pidns_start_of(w, p);
	if (!enter(w, e, g->task_dir))
		return -EEXIST;
	g->exec_id = p->exec_id;
	g->start = p->start_time;
	return 0;
}

/* One thread's record. 0, also if there is nothing to tell; or -ENOMEM. */
static int add_thread(struct group *g, uint32_t tid)
{
	struct walk *w = g->walk;
	_autofree_ struct tercel_exec *e = calloc(1, TERCEL_RECORD_MAX);
	_autoclose_ int dir = -1;
	char name[16], text[TEXT_MAX];
	const char *path = NULL;
	uint32_t path_len = 0;
	void *to;

	(void)snprintf(name, sizeof(name), "%u", tid);
	dir = openat(g->task_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!e)
		return -ENOMEM;
	if (dir < 0)
		return 0;
	e->hdr = (struct tercel_hdr){.size = sizeof(*e), .type = TERCEL_SEED, .tid = tid, .tgid = g->tgid};
	if (!fill(w, e, dir, text))
		return 0;
	/* Without an entry in the map, the container is unknown. */
	if (has_v1_container(dir, text))
		e->proc.proc_flags |= TERCEL_PROC_PLACED;
	e->proc.cgroup_id = cgroup_of(w, dir, text, &path, &path_len);
	if (tid == g->tgid) {
		if (add_leader(g, e, dir))
			return 0;
	} else {
		e->hdr.ts = e->proc.start_time > g->start ? e->proc.start_time : g->start;
		e->proc.start_time = g->start;
		e->proc.exec_id = e->proc.image_id = g->exec_id;
		e->proc.parent_exec_id = parent_of(w, e->proc.ppid);
		e->proc.pidns_start = pidns_start_of(w, &e->proc);
	}
	e->hdr.exec_id = e->proc.exec_id;
	if (tell_cgroup(w, e, path, path_len))
		return -ENOMEM;
	to = seed_room(w->seed);
	if (!to)
		return -ENOMEM;
	memcpy(to, e, e->hdr.size);
	seed_append(w->seed);
	w->seed->counts.seeds++;
	return 0;
}

/* Calls `each` with every number in the directory, in the order of the directory. */
static int each_number(int at, const char *name, int (*each)(void *, uint32_t), void *arg)
{
	const int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int err = 0;

	if (!d) {
		if (fd >= 0)
			(void)close(fd);
		return 0;
	}
	while (!err && (entry = readdir(d))) {
		const unsigned long n = strtoul(entry->d_name, NULL, 10);

		if (n > 0 && n <= INT32_MAX)
			err = each(arg, (uint32_t)n);
	}
	(void)closedir(d);
	return err;
}

static int on_thread(void *arg, uint32_t tid)
{
	struct group *g = arg;

	/* The leader comes first; a group without it has told of itself, or has ended. */
	if (known_of(g->walk, tid) || tid == g->tgid || !g->exec_id.tgid)
		return 0;
	return add_thread(g, tid);
}

/* proc_dir is an open /proc; descriptors of its directories stay with one process, also if its id is used again. */
static int add_group(struct walk *w, int proc_dir, uint32_t tgid)
{
	const struct known *leader = known_of(w, tgid);
	struct group g = {.walk = w, .dir = -1, .task_dir = -1, .tgid = tgid};
	struct tercel_proc live;
	char name[32];
	int err = 0;

	(void)snprintf(name, sizeof(name), "%u", tgid);
	g.dir = openat(proc_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g.task_dir = g.dir < 0 ? -1 : openat(g.dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g.task_dir >= 0) {
		if (!bpf_map_lookup_elem(w->maps->procs, &tgid, &live)) {
			g.exec_id = live.exec_id;
			g.start = live.start_time;
		} else if (leader) {
			g.exec_id = leader->exec_id;
			g.start = leader->exec_id.ktime;
		} else {
			err = add_thread(&g, tgid);
		}
		if (!err)
			err = each_number(g.dir, "task", on_thread, &g);
	}
	cleanup_close(&g.task_dir);
	cleanup_close(&g.dir);
	return err;
}

struct procfs {
	struct walk *walk;
	int dir;
};

static int on_process(void *arg, uint32_t tgid)
{
	struct procfs *p = arg;

	return add_group(p->walk, p->dir, tgid);
}

/* Records have ids of the initial pid namespace; this /proc must, too. */
static bool is_initial(int proc_dir)
{
	char self[32];
	const ssize_t n = readlinkat(proc_dir, "self", self, sizeof(self) - 1);
	_autoclose_ int dir = openat(proc_dir, "self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (n <= 0 || dir < 0)
		return false;
	self[n] = '\0';
	return strtol(self, NULL, 10) == getpid() && read_pidns(dir, true) == INITIAL_PIDNS;
}

int seed_proc_collect(struct seed *s, const struct seed_maps *maps)
{
	_cleanup_(walk_free) struct walk *w = calloc(1, sizeof(*w));
	_autoclose_ int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const long ticks = sysconf(_SC_CLK_TCK);
	int err;

	if (!w)
		return -ENOMEM;
	if (dir < 0 || ticks < 1 || !is_initial(dir))
		return 0;
	w->seed = s;
	w->maps = maps;
	w->tick_ns = 1000000000ULL / (uint64_t)ticks;
	err = learn(w);
	return err ? err : each_number(dir, ".", on_process, &(struct procfs){w, dir});
}
