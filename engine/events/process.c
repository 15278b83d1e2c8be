/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hash tables over the same entries (by exec id; by process id, newest image first), one over threads, and lists in
 * the order in which entries are let go. Children hang on their parent, so that letting a parent go can tell them.
 */
#include "events/process.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "events/text.h"

enum {
	DEFAULT_PROCESSES = 65536,
	DEFAULT_GRACE_RECORDS = 16384,
	LEAST_PROCESSES = 16,
	MOST_BUCKETS = 1 << 20,
	MALLOC_OVERHEAD = 16,
	/* How many of the longest silent processes are looked at for one without descendants. */
	LEAF_SEARCH = 16,
};
static const size_t default_bytes = (size_t)128 << 20;
static const size_t least_bytes = (size_t)256 << 10;
static const uint64_t default_grace_ns = 2000000000;

/* A string shared by all images that inherited it. */
struct str {
	uint32_t refs;
	uint32_t len;
	char data[];
};

struct link {
	struct link *next, *prev;
};

/* A member of a hash bucket: removable in constant time. */
struct node {
	struct node *next, **pprev;
};

struct thread {
	struct node by_tid;
	struct link order;   /* in living_threads or ended_threads */
	struct link sibling; /* in the entry's threads */
	struct entry *owner;
	uint64_t begin, end; /* CLOCK_BOOTTIME ns; end 0: lives */
	uint64_t end_seq;
	uint32_t tid;
};

struct entry {
	struct process p; /* first: a struct process handed out is its entry */
	struct node by_id, by_tgid;
	struct link order;    /* in one of the table's lists */
	struct link sibling;  /* in the parent's children */
	struct link children; /* head */
	struct link threads;  /* head: threads other than the leader */
	struct entry *parent; /* counted in the parent's children; NULL: none, or let go */
	bool orphan;          /* seeded without its parent's exec id, and the parent is not seeded yet */
	struct str *exe, *args, *cwd;
	uint64_t end_seq;
};

struct process_table {
	size_t max_processes, max_bytes;
	uint64_t grace_ns, grace_records;
	uint64_t now; /* the latest time of a record */
	uint64_t seq; /* records applied */
	size_t mask;  /* buckets - 1 */
	struct node **by_id, **by_tgid, **by_tid;
	struct link live;    /* heard of longest ago first */
	struct link ended;   /* nobody's parent, ended longest ago first */
	struct link parents; /* ended or unseen, with descendants */
	struct link living_threads, ended_threads;
	size_t orphans; /* marked entries since the last adopt() */
	struct process_table_stats stats;
};

#define container(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* ---- lists and buckets ---- */

static void list_init(struct link *head)
{
	head->next = head->prev = head;
}

static bool list_empty(const struct link *head)
{
	return head->next == head;
}

static void list_add_tail(struct link *head, struct link *l)
{
	l->next = head;
	l->prev = head->prev;
	head->prev->next = l;
	head->prev = l;
}

static void list_del(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static void list_move(struct link *head, struct link *l)
{
	list_del(l);
	list_add_tail(head, l);
}

static void node_add(struct node **at, struct node *n)
{
	n->next = *at;
	n->pprev = at;
	if (n->next)
		n->next->pprev = &n->next;
	*at = n;
}

static void node_del(struct node *n)
{
	if (!n->pprev)
		return;
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	n->pprev = NULL;
}

static size_t hash(uint64_t value)
{
	value *= 0x9e3779b97f4a7c15;
	return (size_t)(value ^ value >> 32);
}

static struct node **id_bucket(const struct process_table *t, struct tercel_exec_id id)
{
	return &t->by_id[hash(id.ktime ^ (uint64_t)id.tgid << 40) & t->mask];
}

static struct node **tgid_bucket(const struct process_table *t, uint32_t tgid)
{
	return &t->by_tgid[hash(tgid) & t->mask];
}

static struct node **tid_bucket(const struct process_table *t, uint32_t tid)
{
	return &t->by_tid[hash(tid) & t->mask];
}

static struct entry *entry_of(const struct process *p)
{
	return (struct entry *)p;
}

static bool same_id(struct tercel_exec_id a, struct tercel_exec_id b)
{
	return a.ktime == b.ktime && a.tgid == b.tgid;
}

/* The idle task has no image: whoever has it as a parent has none. */
static bool is_none(struct tercel_exec_id id)
{
	return !id.tgid;
}

/* ---- strings ---- */

static struct str *str_new(struct process_table *t, struct text text)
{
	if (!text.len)
		return NULL;
	struct str *s = malloc(sizeof(*s) + text.len);
	if (!s) {
		t->stats.no_memory++;
		return NULL;
	}
	s->refs = 1;
	s->len = (uint32_t)text.len;
	memcpy(s->data, text.data, text.len);
	t->stats.bytes += sizeof(*s) + text.len + MALLOC_OVERHEAD;
	return s;
}

static void str_put(struct process_table *t, struct str **slot)
{
	struct str *s = TAKE_PTR(*slot);
	if (!s || --s->refs)
		return;
	t->stats.bytes -= sizeof(*s) + s->len + MALLOC_OVERHEAD;
	free(s);
}

static struct str *str_get(struct str *s)
{
	if (s)
		s->refs++;
	return s;
}

static struct text str_text(const struct str *s)
{
	return s ? (struct text){s->data, s->len} : (struct text){"", 0};
}

static void set_str(struct process_table *t, struct str **slot, struct text *view, struct str *s)
{
	str_put(t, slot);
	*slot = s;
	*view = str_text(s);
}

/* ---- looking up ---- */

static struct entry *find(const struct process_table *t, struct tercel_exec_id id)
{
	for (struct node *n = *id_bucket(t, id); n; n = n->next) {
		struct entry *e = container(n, struct entry, by_id);
		if (same_id(e->p.id, id))
			return e;
	}
	return NULL;
}

/* The newest image of a process id; later ones of the same id come first in the bucket. */
static struct entry *newest(const struct process_table *t, uint32_t tgid)
{
	for (struct node *n = *tgid_bucket(t, tgid); n; n = n->next) {
		struct entry *e = container(n, struct entry, by_tgid);
		if (e->p.id.tgid == tgid)
			return e;
	}
	return NULL;
}

static struct entry *current(const struct process_table *t, uint32_t tgid)
{
	struct entry *e = newest(t, tgid);
	return e && e->p.state == PROCESS_LIVE ? e : NULL;
}

/* Who acts in this record: by its exec id, or, if the kernel knew none, whoever lives under that process id. */
static struct entry *actor(const struct process_table *t, const struct tercel_hdr *r)
{
	return is_none(r->exec_id) ? current(t, r->tgid) : find(t, r->exec_id);
}

const struct process *process_table_find(const struct process_table *t, struct tercel_exec_id id)
{
	struct entry *e = find(t, id);
	return e ? &e->p : NULL;
}

static bool lived_at(uint64_t begin, uint64_t end, uint64_t ts)
{
	return ts == UINT64_MAX ? !end : begin <= ts && (!end || ts <= end);
}

const struct process *process_table_at(const struct process_table *t, uint32_t tid, uint64_t ts)
{
	const struct thread *found = NULL;
	for (struct node *n = *tid_bucket(t, tid); n; n = n->next) {
		const struct thread *th = container(n, struct thread, by_tid);
		if (th->tid == tid && lived_at(th->begin, th->end, ts) && (!found || th->begin > found->begin))
			found = th;
	}
	for (struct node *n = *tgid_bucket(t, tid); n; n = n->next) {
		const struct entry *e = container(n, struct entry, by_tgid);
		if (e->p.id.tgid != tid || !lived_at(e->p.begin, e->p.end, ts))
			continue;
		return found && found->begin > e->p.begin ? &found->owner->p : &e->p;
	}
	return found ? &found->owner->p : NULL;
}

const struct process *process_parent(const struct process *p)
{
	const struct entry *parent = entry_of(p)->parent;
	return parent ? &parent->p : NULL;
}

/* ---- letting go ---- */

static void thread_free(struct process_table *t, struct thread *th)
{
	node_del(&th->by_tid);
	list_del(&th->order);
	list_del(&th->sibling);
	t->stats.threads--;
	t->stats.bytes -= sizeof(*th) + MALLOC_OVERHEAD;
	free(th);
}

static bool grace_over(const struct process_table *t, uint64_t end, uint64_t end_seq)
{
	return t->now - end >= t->grace_ns && t->seq - end_seq >= t->grace_records;
}

/* Called when `parent` lost a child: returns it if it is now of no use to anybody, else NULL. */
static struct entry *useless(struct process_table *t, struct entry *parent)
{
	if (!parent || !list_empty(&parent->children) || parent->p.state == PROCESS_LIVE)
		return NULL;
	if (parent->p.state == PROCESS_UNSEEN || grace_over(t, parent->p.end, parent->end_seq))
		return parent;
	list_move(&t->ended, &parent->order);
	return NULL;
}

/* Frees the entry and every ancestor that was kept for its sake alone. */
static void entry_free(struct process_table *t, struct entry *e)
{
	while (e) {
		while (!list_empty(&e->children)) {
			struct entry *child = container(e->children.next, struct entry, sibling);
			child->parent = NULL;
			list_del(&child->sibling);
		}
		while (!list_empty(&e->threads))
			thread_free(t, container(e->threads.next, struct thread, sibling));
		list_del(&e->sibling);
		struct entry *next = useless(t, e->parent);
		node_del(&e->by_id);
		node_del(&e->by_tgid);
		list_del(&e->order);
		str_put(t, &e->exe);
		str_put(t, &e->args);
		str_put(t, &e->cwd);
		if (e->p.state == PROCESS_LIVE)
			t->stats.live--;
		t->stats.processes--;
		t->stats.bytes -= sizeof(*e) + MALLOC_OVERHEAD;
		free(e);
		e = next;
	}
}

static void expire(struct process_table *t)
{
	while (!list_empty(&t->ended_threads)) {
		struct thread *th = container(t->ended_threads.next, struct thread, order);
		if (!grace_over(t, th->end, th->end_seq))
			break;
		thread_free(t, th);
	}
	while (!list_empty(&t->ended)) {
		struct entry *e = container(t->ended.next, struct entry, order);
		if (!grace_over(t, e->p.end, e->end_seq))
			break;
		entry_free(t, e);
	}
}

/* The process that was silent for longest, one without descendants if there is one near. */
static struct entry *idle_process(struct process_table *t)
{
	struct link *l = t->live.next;
	for (int i = 0; i < LEAF_SEARCH && l != &t->live; i++, l = l->next) {
		struct entry *e = container(l, struct entry, order);
		if (list_empty(&e->children))
			return e;
	}
	return container(t->live.next, struct entry, order);
}

static bool evict_process(struct process_table *t)
{
	struct entry *e = NULL;
	if (!list_empty(&t->ended)) {
		e = container(t->ended.next, struct entry, order);
		t->stats.evicted_ended++;
	} else if (!list_empty(&t->parents)) {
		e = container(t->parents.next, struct entry, order);
		t->stats.evicted_parents++;
	} else if (!list_empty(&t->live)) {
		e = idle_process(t);
		t->stats.evicted_live++;
	}
	if (e)
		entry_free(t, e);
	return e != NULL;
}

static bool evict_thread(struct process_table *t)
{
	if (!list_empty(&t->ended_threads)) {
		thread_free(t, container(t->ended_threads.next, struct thread, order));
		return true;
	}
	if (list_empty(&t->ended) && list_empty(&t->parents) && !list_empty(&t->living_threads)) {
		thread_free(t, container(t->living_threads.next, struct thread, order));
		t->stats.evicted_threads++;
		return true;
	}
	return false;
}

/* Makes room for what one record can bring: two entries (a child and an unseen parent), a thread, and its strings. */
static int make_room(struct process_table *t, const struct tercel_hdr *r)
{
	const size_t overheads = 6 * (size_t)MALLOC_OVERHEAD + 3 * sizeof(struct str);
	size_t need = r->size + 2 * sizeof(struct entry) + sizeof(struct thread) + overheads;
	while (t->stats.processes + 2 > t->max_processes)
		if (!evict_process(t))
			return -ENOMEM;
	while (t->stats.bytes + need > t->max_bytes)
		if (!evict_thread(t) && !evict_process(t))
			return -ENOMEM;
	return 0;
}

/* ---- making ---- */

static struct entry *entry_new(struct process_table *t, struct tercel_exec_id id)
{
	struct entry *e = calloc(1, sizeof(*e));
	if (!e) {
		t->stats.no_memory++;
		return NULL;
	}
	e->p.id = id;
	e->p.begin = id.ktime;
	e->p.state = PROCESS_UNSEEN;
	e->p.proc.tgid = id.tgid;
	e->p.exe_path = e->p.args = e->p.cwd = str_text(NULL);
	list_init(&e->sibling);
	list_init(&e->children);
	list_init(&e->threads);
	list_init(&e->order);
	list_add_tail(&t->parents, &e->order);
	node_add(id_bucket(t, id), &e->by_id);
	t->stats.processes++;
	t->stats.bytes += sizeof(*e) + MALLOC_OVERHEAD;
	return e;
}

static void thread_add(struct process_table *t, struct entry *owner, uint32_t tid, uint64_t begin)
{
	for (struct node *n = *tid_bucket(t, tid); n; n = n->next) {
		struct thread *old = container(n, struct thread, by_tid);
		if (old->tid == tid && old->begin == begin)
			return;
	}
	struct thread *th = calloc(1, sizeof(*th));
	if (!th) {
		t->stats.no_memory++;
		return;
	}
	th->owner = owner;
	th->tid = tid;
	th->begin = begin;
	list_init(&th->order);
	list_init(&th->sibling);
	list_add_tail(&t->living_threads, &th->order);
	list_add_tail(&owner->threads, &th->sibling);
	node_add(tid_bucket(t, tid), &th->by_tid);
	t->stats.threads++;
	t->stats.bytes += sizeof(*th) + MALLOC_OVERHEAD;
	if (owner->p.state != PROCESS_LIVE) {
		th->end = owner->p.end;
		th->end_seq = t->seq;
		list_move(&t->ended_threads, &th->order);
	}
}

static void thread_end(struct process_table *t, struct thread *th, uint64_t ts)
{
	if (th->end)
		return;
	th->end = ts ? ts : 1;
	th->end_seq = t->seq;
	list_move(&t->ended_threads, &th->order);
}

static void entry_end(struct process_table *t, struct entry *e, enum process_state state, uint64_t ts)
{
	for (struct link *l = e->threads.next; l != &e->threads; l = l->next)
		thread_end(t, container(l, struct thread, sibling), ts);
	if (e->p.state == PROCESS_LIVE)
		t->stats.live--;
	e->p.state = state;
	e->p.end = ts ? ts : 1;
	e->end_seq = t->seq;
	list_move(list_empty(&e->children) ? &t->ended : &t->parents, &e->order);
}

/* Whether `e` is `ancestor` or descends from it; only an entry that has children can be anybody's ancestor. */
static bool descends(const struct entry *e, const struct entry *ancestor)
{
	if (e == ancestor)
		return true;
	if (list_empty(&ancestor->children))
		return false;
	for (; e; e = e->parent)
		if (e == ancestor)
			return true;
	return false;
}

/* Hangs the entry under the image that made its process; an unseen one is made if need be. */
static void set_parent(struct process_table *t, struct entry *e, struct tercel_exec_id id)
{
	if (is_none(id) || (e->parent && same_id(e->parent->p.id, id)))
		return;
	struct entry *parent = find(t, id);
	if (!parent)
		parent = entry_new(t, id);
	e->p.parent_id = e->p.proc.parent_exec_id = id;
	if (!parent || descends(parent, e))
		return;
	struct entry *former = e->parent;
	e->parent = parent;
	list_move(&parent->children, &e->sibling);
	if (parent->p.state == PROCESS_REPLACED || parent->p.state == PROCESS_EXITED)
		list_move(&t->parents, &parent->order);
	entry_free(t, useless(t, former));
}

/* Puts the entry among the images of its process id, newest first, and settles which of them still lives. */
static void enter(struct process_table *t, struct entry *e)
{
	struct entry *older = NULL, *newer = NULL;
	struct node **at = tgid_bucket(t, e->p.id.tgid);
	for (struct node **n = at; *n && !older; n = &(*n)->next) {
		struct entry *other = container(*n, struct entry, by_tgid);
		if (other->p.id.tgid != e->p.id.tgid)
			continue;
		if (other->p.id.ktime < e->p.id.ktime) {
			older = other;
		} else {
			newer = other;
			at = &other->by_tgid.next;
		}
	}
	node_add(at, &e->by_tgid);
	e->p.state = PROCESS_LIVE;
	t->stats.live++;
	list_move(&t->live, &e->order);

	if (older && older->p.state == PROCESS_LIVE) {
		bool same = older->p.proc.start_time == e->p.proc.start_time;
		t->stats.missed_exits += !same;
		entry_end(t, older, same ? PROCESS_REPLACED : PROCESS_EXITED, e->p.begin);
	}
	if (newer) /* told of late: it is over already */
		entry_end(t, e, newer->p.proc.start_time == e->p.proc.start_time ? PROCESS_REPLACED : PROCESS_EXITED,
		          newer->p.begin);
}

/* ---- records ---- */

static void fill_image(struct process_table *t, struct entry *e, const struct tercel_exec *x)
{
	e->p.record_flags = x->hdr.flags;
	e->p.argc = x->argc;
	set_str(t, &e->exe, &e->p.exe_path, str_new(t, record_text(&x->hdr, x->exe_path)));
	set_str(t, &e->args, &e->p.args, str_new(t, record_text(&x->hdr, x->args)));
	set_str(t, &e->cwd, &e->p.cwd, str_new(t, record_text(&x->hdr, x->cwd)));
}

/* The entry that an EXEC or SEED tells of; NULL without memory. */
static struct entry *take_image(struct process_table *t, const struct tercel_exec *x)
{
	struct entry *e = find(t, x->proc.exec_id);
	bool first = !e || e->p.state == PROCESS_UNSEEN;
	if (!e)
		e = entry_new(t, x->proc.exec_id);
	if (!e)
		return NULL;
	/* Seeds of other threads repeat the process with less, and have names of their own. */
	bool leader = x->hdr.tid == x->hdr.tgid;
	if (first || x->hdr.type == TERCEL_EXEC || (leader && !e->p.exe_path.len)) {
		e->p.proc = x->proc;
		fill_image(t, e, x);
	}
	set_parent(t, e, x->proc.parent_exec_id);
	if (first) {
		e->p.begin = x->hdr.type == TERCEL_EXEC ? x->hdr.ts : x->proc.start_time;
		enter(t, e);
	}
	return e;
}

/* The parent by its process id alone: right for one that lives and is not younger, as a real parent is. */
static bool adopt(struct process_table *t, struct entry *e)
{
	const struct entry *parent = current(t, e->p.proc.ppid);
	if (!parent || parent == e || parent->p.proc.start_time > e->p.proc.start_time)
		return false;
	set_parent(t, e, parent->p.id);
	return true;
}

/* Seeds come in any order: what was missing when a child came is there when the seeds are through. */
static void adopt_orphans(struct process_table *t)
{
	if (!t->orphans)
		return;
	for (struct link *l = t->live.next; l != &t->live; l = l->next) {
		struct entry *e = container(l, struct entry, order);
		if (e->orphan)
			(void)adopt(t, e);
		e->orphan = false;
	}
	t->orphans = 0;
}

static int apply_seed(struct process_table *t, const struct tercel_exec *x)
{
	struct entry *e = take_image(t, x);
	if (!e)
		return -ENOMEM;
	if (is_none(e->p.parent_id) && e->p.proc.ppid && !e->orphan && !adopt(t, e)) {
		e->orphan = true;
		t->orphans++;
	}
	if (x->hdr.tid != x->hdr.tgid)
		thread_add(t, e, x->hdr.tid, x->hdr.ts);
	return 0;
}

static int apply_exec(struct process_table *t, const struct tercel_exec *x)
{
	const struct entry *before = current(t, x->proc.tgid);
	bool known = before && before->p.proc.start_time == x->proc.start_time;
	bool cloned = known && before->p.cloned && !(before->p.proc.proc_flags & TERCEL_PROC_EXECED);
	struct tercel_exec_id parent_id = known ? before->p.parent_id : (struct tercel_exec_id){0};

	struct entry *e = take_image(t, x);
	if (!e)
		return -ENOMEM;
	t->stats.missed_forks += !known;
	e->p.cloned |= cloned;
	if (is_none(x->proc.parent_exec_id))
		set_parent(t, e, parent_id);
	return 0;
}

static void inherit(struct process_table *t, struct entry *child, const struct entry *maker,
                    const struct tercel_fork *f)
{
	struct process *p = &child->p;
	if (maker && maker->p.state != PROCESS_UNSEEN) {
		p->proc = maker->p.proc;
		p->record_flags = maker->p.record_flags;
		p->argc = maker->p.argc;
		set_str(t, &child->exe, &p->exe_path, str_get(maker->exe));
		set_str(t, &child->args, &p->args, str_get(maker->args));
		set_str(t, &child->cwd, &p->cwd, str_get(maker->cwd));
	} else {
		p->proc.loginuid = UINT32_MAX;
		p->record_flags = TERCEL_F_PROC_UNKNOWN;
	}
	p->cloned = true;
	p->proc.exec_id = f->child_exec_id;
	p->proc.start_time = f->child_start_time;
	p->proc.cgroup_id = f->cgroup_id;
	p->proc.pidns_start = f->pidns_start;
	p->proc.tgid = f->child_tgid;
	p->proc.vtgid = f->child_vtgid;
	p->proc.ppid = f->child_ppid;
	p->proc.creds.uid = f->uid;
	p->proc.creds.gid = f->gid;
	p->proc.proc_flags = f->is_kthread ? TERCEL_PROC_KTHREAD : 0;
	if (f->child_new_pidns)
		p->proc.pidns = 0;
	memcpy(p->proc.comm, f->comm, sizeof(p->proc.comm));
}

/* Whose child it is: the caller's, or with CLONE_PARENT that of the caller's own parent. */
static struct tercel_exec_id maker_id(const struct process_table *t, const struct entry *maker,
                                      const struct tercel_fork *f)
{
	if (f->child_ppid && f->child_ppid != f->hdr.tgid) {
		const struct entry *other = current(t, f->child_ppid);
		return other ? other->p.id : (struct tercel_exec_id){0};
	}
	return maker ? maker->p.id : f->hdr.exec_id;
}

static int apply_fork(struct process_table *t, const struct tercel_fork *f)
{
	struct entry *maker = actor(t, &f->hdr);
	if (f->is_thread) {
		struct entry *owner = find(t, f->child_exec_id);
		if (!owner || owner->p.state == PROCESS_UNSEEN)
			owner = maker;
		if (owner && owner->p.state != PROCESS_UNSEEN)
			thread_add(t, owner, f->child_tid, f->child_start_time);
		else
			t->stats.missed_forks++;
		return 0;
	}
	if (!maker || maker->p.state == PROCESS_UNSEEN)
		t->stats.missed_forks++;
	struct entry *child = find(t, f->child_exec_id);
	bool first = !child || child->p.state == PROCESS_UNSEEN;
	if (!child)
		child = entry_new(t, f->child_exec_id);
	if (!child)
		return -ENOMEM;
	child->p.cloned = true;
	struct tercel_exec_id parent_id = maker_id(t, maker, f);
	if (first)
		inherit(t, child, maker, f);
	if (!child->parent)
		set_parent(t, child, parent_id);
	if (first) {
		child->p.begin = f->child_start_time;
		enter(t, child);
	}
	return 0;
}

/*
 * Whose exit it is, if not that of a living image: the record of a later exec, or of the fork, may have been lost. An
 * exit that comes late must not end the next process of the same id.
 */
static struct entry *survivor(const struct process_table *t, const struct tercel_hdr *r, struct entry *e)
{
	struct entry *now = current(t, r->tgid);
	if (!now)
		return e;
	if (e ? e->p.proc.start_time == now->p.proc.start_time : r->exec_id.ktime > now->p.id.ktime)
		return now;
	return e;
}

static void apply_exit(struct process_table *t, const struct tercel_exit *x)
{
	if (x->group_dead) {
		struct entry *e = actor(t, &x->hdr);
		if (!e || e->p.state != PROCESS_LIVE)
			e = survivor(t, &x->hdr, e);
		t->stats.missed_forks += !e;
		if (!e || e->p.state != PROCESS_LIVE)
			return;
		e->p.exit_code = x->group_exit_code ? x->group_exit_code : x->exit_code;
		entry_end(t, e, PROCESS_EXITED, x->hdr.ts);
		return;
	}
	for (struct node *n = *tid_bucket(t, x->hdr.tid); n; n = n->next) {
		struct thread *th = container(n, struct thread, by_tid);
		if (th->tid == x->hdr.tid && !th->end && th->begin <= x->hdr.ts) {
			thread_end(t, th, x->hdr.ts);
			return;
		}
	}
}

static void apply_chdir(struct process_table *t, const struct tercel_chdir *c)
{
	struct entry *e = actor(t, &c->hdr);
	struct text cwd = record_text(&c->hdr, c->cwd);
	if (!e || e->p.state == PROCESS_UNSEEN || c->ret || !cwd.len)
		return;
	struct str *s = str_new(t, cwd);
	if (s)
		set_str(t, &e->cwd, &e->p.cwd, s);
}

static void apply_act(struct process_table *t, const struct tercel_hdr *r)
{
	const struct entry *e = actor(t, r);
	if ((!e || e->p.state == PROCESS_UNSEEN) && r->type != TERCEL_CGROUP)
		t->stats.missed_forks++;
}

/* Moves whoever acts away from the end of the list where processes are let go. */
static void touch(struct process_table *t, const struct tercel_hdr *r)
{
	struct entry *e = actor(t, r);
	if (e && e->p.state == PROCESS_LIVE)
		list_move(&t->live, &e->order);
}

int process_table_apply(struct process_table *t, const struct tercel_hdr *r)
{
	if (record_check(r, r->size)) {
		t->stats.malformed++;
		return -EBADMSG;
	}
	t->seq++;
	if (r->ts > t->now)
		t->now = r->ts;
	expire(t);
	if (r->type != TERCEL_SEED && r->type != TERCEL_CGROUP)
		adopt_orphans(t);
	touch(t, r);
	bool adds =
	        r->type == TERCEL_SEED || r->type == TERCEL_FORK || r->type == TERCEL_EXEC || r->type == TERCEL_CHDIR;
	if (adds && make_room(t, r)) {
		t->stats.no_memory++;
		return -ENOMEM;
	}
	uint64_t lost = t->stats.no_memory;
	switch ((enum tercel_record_type)r->type) {
	case TERCEL_SEED:
		(void)apply_seed(t, (const struct tercel_exec *)r);
		break;
	case TERCEL_EXEC:
		(void)apply_exec(t, (const struct tercel_exec *)r);
		break;
	case TERCEL_FORK:
		(void)apply_fork(t, (const struct tercel_fork *)r);
		break;
	case TERCEL_EXIT:
		apply_exit(t, (const struct tercel_exit *)r);
		break;
	case TERCEL_CHDIR:
		apply_chdir(t, (const struct tercel_chdir *)r);
		break;
	default:
		apply_act(t, r);
		break;
	}
	return t->stats.no_memory == lost ? 0 : -ENOMEM;
}

/* ---- life of the table ---- */

int process_table_new(struct process_table **out, const struct process_table_config *config)
{
	struct process_table_config c = config ? *config : (struct process_table_config){0};
	_autoproctable_ struct process_table *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->max_processes = c.max_processes ? c.max_processes : DEFAULT_PROCESSES;
	t->max_processes = t->max_processes < LEAST_PROCESSES ? LEAST_PROCESSES : t->max_processes;
	t->max_bytes = c.max_bytes ? c.max_bytes : default_bytes;
	t->max_bytes = t->max_bytes < least_bytes ? least_bytes : t->max_bytes;
	t->grace_ns = c.grace_ns ? c.grace_ns : default_grace_ns;
	t->grace_records = c.grace_records ? c.grace_records : DEFAULT_GRACE_RECORDS;
	list_init(&t->live);
	list_init(&t->ended);
	list_init(&t->parents);
	list_init(&t->living_threads);
	list_init(&t->ended_threads);

	size_t buckets = LEAST_PROCESSES;
	while (buckets < t->max_processes && buckets < MOST_BUCKETS)
		buckets *= 2;
	t->mask = buckets - 1;
	t->by_id = calloc(buckets, sizeof(*t->by_id));
	t->by_tgid = calloc(buckets, sizeof(*t->by_tgid));
	t->by_tid = calloc(buckets, sizeof(*t->by_tid));
	if (!t->by_id || !t->by_tgid || !t->by_tid)
		return -ENOMEM;
	*out = TAKE_PTR(t);
	return 0;
}

static void free_list(struct process_table *t, struct link *head)
{
	while (!list_empty(head))
		entry_free(t, container(head->next, struct entry, order));
}

void process_table_free(struct process_table *t)
{
	if (!t)
		return;
	free_list(t, &t->live);
	free_list(t, &t->ended);
	free_list(t, &t->parents);
	free(t->by_id);
	free(t->by_tgid);
	free(t->by_tid);
	free(t);
}

void process_table_stats(const struct process_table *t, struct process_table_stats *out)
{
	*out = t->stats;
}

/* ---- words ---- */

const char *process_state_name(enum process_state state)
{
	switch (state) {
	case PROCESS_UNSEEN:
		return "unseen";
	case PROCESS_LIVE:
		return "live";
	case PROCESS_REPLACED:
		return "replaced";
	case PROCESS_EXITED:
		return "exited";
	}
	return "?";
}

void process_name(struct buf *b, const struct process *p)
{
	size_t len = strnlen(p->proc.comm, sizeof(p->proc.comm));
	if (len) {
		text_escape(b, p->proc.comm, len, '>');
		return;
	}
	buf_addc(b, '(');
	buf_addu(b, p->id.tgid);
	buf_addc(b, ')');
}

static void reverse(char *s, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		char c = s[i];
		s[i] = s[len - 1 - i];
		s[len - 1 - i] = c;
	}
}

/* Written from the youngest up with every name reversed, then turned round as a whole: any depth in one pass. */
void process_lineage(struct buf *b, const struct process *p, unsigned max_depth)
{
	size_t start = b->len;
	for (unsigned depth = 1; p; depth++) {
		size_t at = b->len;
		process_name(b, p);
		if (buf_error(b))
			return;
		reverse(b->data + at, b->len - at);
		const struct process *parent = process_parent(p);
		bool cut = parent ? depth == max_depth : !is_none(p->parent_id) || p->state == PROCESS_UNSEEN;
		if (parent || cut)
			buf_addc(b, '>');
		if (cut) {
			buf_adds(b, "\xa6\x80\xe2"); /* an ellipsis, backwards */
			break;
		}
		p = parent;
	}
	if (!buf_error(b) && b->len > start)
		reverse(b->data + start, b->len - start);
}

void process_exec_id_text(struct buf *b, const char *node, struct tercel_exec_id id)
{
	char plain[320];
	int len = snprintf(plain, sizeof(plain), "%.255s:%llu:%u", node, (unsigned long long)id.ktime, id.tgid);
	assert(len > 0 && (size_t)len < sizeof(plain));
	text_base64(b, plain, (size_t)len);
}
