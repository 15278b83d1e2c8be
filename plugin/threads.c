/* SPDX-License-Identifier: Apache-2.0 */
#include "threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names and types as libsinsp registers them. */
static const struct {
	const char *name;
	int type;
} field_names[THREAD_FIELDS] = {
        [THREAD_PID] = {"pid", FALCO_STATE_S64},
        [THREAD_PTID] = {"ptid", FALCO_STATE_S64},
        [THREAD_SID] = {"sid", FALCO_STATE_S64},
        [THREAD_COMM] = {"comm", FALCO_STATE_STRING},
        [THREAD_EXE] = {"exe", FALCO_STATE_STRING},
        [THREAD_EXE_PATH] = {"exe_path", FALCO_STATE_STRING},
        [THREAD_EXE_WRITABLE] = {"exe_writable", FALCO_STATE_BOOL},
        [THREAD_EXE_UPPER_LAYER] = {"exe_upper_layer", FALCO_STATE_BOOL},
        [THREAD_EXE_LOWER_LAYER] = {"exe_lower_layer", FALCO_STATE_BOOL},
        [THREAD_EXE_FROM_MEMFD] = {"exe_from_memfd", FALCO_STATE_BOOL},
        [THREAD_FLAGS] = {"flags", FALCO_STATE_U32},
        [THREAD_UID] = {"uid", FALCO_STATE_U32},
        [THREAD_GID] = {"gid", FALCO_STATE_U32},
        [THREAD_LOGINUID] = {"loginuid", FALCO_STATE_U32},
        [THREAD_EXE_INO] = {"exe_ino", FALCO_STATE_U64},
        [THREAD_EXE_CTIME] = {"exe_ino_ctime", FALCO_STATE_U64},
        [THREAD_EXE_MTIME] = {"exe_ino_mtime", FALCO_STATE_U64},
        [THREAD_VTID] = {"vtid", FALCO_STATE_S64},
        [THREAD_VPID] = {"vpid", FALCO_STATE_S64},
        [THREAD_VPGID] = {"vpgid", FALCO_STATE_S64},
        [THREAD_PGID] = {"pgid", FALCO_STATE_S64},
        [THREAD_PIDNS_START] = {"pidns_init_start_ts", FALCO_STATE_U64},
        [THREAD_TTY] = {"tty", FALCO_STATE_U32},
        [THREAD_FDLIMIT] = {"fd_limit", FALCO_STATE_S64},
        [THREAD_ARGS] = {"args", FALCO_STATE_TABLE},
        [THREAD_ENV] = {"env", FALCO_STATE_TABLE},
        [THREAD_CGROUPS] = {"cgroups", FALCO_STATE_TABLE},
};

/* ---- what the host offers ----------------------------------------------------------------------------- */

/* The accessor of a field of a table inside the entries: it can be asked for on any entry's table. */
static falco_accessor *inner_field(const struct threads *t, const struct falco_init_tables *tables, falco_entry *e,
                                   enum thread_field field, const char *name)
{
	union falco_state_data inner = {0};
	if (!t->fields[field] || tables->reader->read(t->table, e, t->fields[field], &inner) || !inner.table)
		return NULL;
	return tables->fields->get(inner.table, name, FALCO_STATE_STRING);
}

int threads_init(struct threads *t, const struct falco_init_input *in, struct error *err)
{
	const struct falco_init_tables *tables = in->tables;
	if (!tables || !tables->fields || !tables->reader || !tables->writer)
		return error_set(err, -ENOTSUP, "the host offers no state tables: Falco 0.42 or later is needed");
	t->table = tables->get_table(in->owner, "threads", FALCO_STATE_S64);
	if (!t->table)
		return error_set(err, -ENOTSUP, "the host has no table of threads: %s",
		                 in->get_owner_last_error ? in->get_owner_last_error(in->owner) : "no reason given");
	for (size_t i = 0; i < THREAD_FIELDS; i++)
		t->fields[i] = tables->fields->get(t->table, field_names[i].name, field_names[i].type);

	falco_entry *e = tables->writer->create(t->table);
	if (!e)
		return error_set(err, -ENOTSUP, "the host's table of threads cannot be written");
	t->arg_value = inner_field(t, tables, e, THREAD_ARGS, "value");
	t->env_value = inner_field(t, tables, e, THREAD_ENV, "value");
	t->cgroup_name = inner_field(t, tables, e, THREAD_CGROUPS, "first");
	t->cgroup_path = inner_field(t, tables, e, THREAD_CGROUPS, "second");
	tables->writer->destroy(t->table, e);
	return 0;
}

/* ---- keeping seeds ------------------------------------------------------------------------------------ */

static int seeds_put(struct seeds *s, const struct tercel_exec *record)
{
	if (s->count >= TERCEL_SEEDS_MAX || !scap_record_ok(&record->hdr, record->hdr.size))
		return -EINVAL;
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct tercel_exec **items = realloc(s->items, cap * sizeof(struct tercel_exec *));
		if (!items)
			return -ENOMEM;
		s->items = items;
		s->cap = cap;
	}
	struct tercel_exec *copy = malloc(record->hdr.size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, record, record->hdr.size);
	s->items[s->count++] = copy;
	return 0;
}

void seeds_add(struct seeds *s, const struct tercel_exec *record)
{
	if (seeds_put(s, record))
		s->lost++;
}

void seeds_free(struct seeds *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i]);
	free((void *)s->items);
	s->items = NULL;
	s->count = s->cap = 0;
}

/* ---- writing entries ---------------------------------------------------------------------------------- */

struct entry_writer {
	const struct threads *t;
	const struct falco_table_reader *reader;
	const struct falco_table_writer *writer;
	falco_entry *entry;
};

static void write_field(const struct entry_writer *w, enum thread_field field, union falco_state_data value)
{
	/* A refused field costs that field, not the entry. */
	if (w->t->fields[field])
		(void)w->writer->write(w->t->table, w->entry, w->t->fields[field], &value);
}

static void write_s64(const struct entry_writer *w, enum thread_field field, int64_t v)
{
	write_field(w, field, (union falco_state_data){.s64 = v});
}

static void write_u64(const struct entry_writer *w, enum thread_field field, uint64_t v)
{
	write_field(w, field, (union falco_state_data){.u64 = v});
}

static void write_u32(const struct entry_writer *w, enum thread_field field, uint32_t v)
{
	write_field(w, field, (union falco_state_data){.u32 = v});
}

static void write_bool(const struct entry_writer *w, enum thread_field field, uint32_t v)
{
	write_field(w, field, (union falco_state_data){.b = v != 0});
}

static void write_text(const struct entry_writer *w, enum thread_field field, const char *text, size_t len)
{
	char *copy = strndup(text, len);
	if (copy)
		write_field(w, field, (union falco_state_data){.str = copy});
	free(copy);
}

static falco_table *inner_table(const struct entry_writer *w, enum thread_field field)
{
	union falco_state_data inner = {0};
	if (!w->t->fields[field] || w->reader->read(w->t->table, w->entry, w->t->fields[field], &inner))
		return NULL;
	return inner.table;
}

/* One more entry at the end of a list inside the entry; it is written after it is added: before, it has no place. */
static falco_entry *append(const struct entry_writer *w, falco_table *list, uint64_t index)
{
	falco_entry *e = w->writer->create(list);
	return e ? w->writer->add(list, &(union falco_state_data){.u64 = index}, e) : NULL;
}

static void write_list(const struct entry_writer *w, enum thread_field field, const falco_accessor *value,
                       const char *texts, size_t len)
{
	falco_table *list = value ? inner_table(w, field) : NULL;
	uint64_t index = 0;
	for (size_t at = 0; list && at < len;) {
		size_t n = strnlen(texts + at, len - at);
		falco_entry *e = append(w, list, index++);
		char *copy = strndup(texts + at, n);
		if (e && copy)
			(void)w->writer->write(list, e, value, &(union falco_state_data){.str = copy});
		free(copy);
		if (e)
			w->reader->release(list, e);
		at += n + 1;
	}
}

static void write_cgroups(const struct entry_writer *w, const struct scap_context *ctx, uint64_t cgroup_id)
{
	struct scap_bytes path = {0};
	ctx->cgroup_path(ctx->data, cgroup_id, &path);
	falco_table *list = w->t->cgroup_name && w->t->cgroup_path ? inner_table(w, THREAD_CGROUPS) : NULL;
	char *copy = path.len ? strndup(path.data, path.len) : NULL;
	for (size_t i = 0; copy && list && i < scap_cgroup_controller_count; i++) {
		/* The host names this one differently in its table than in events. */
		const char *name = scap_cgroup_controllers[i];
		if (!strcmp(name, "io"))
			name = "blkio";
		falco_entry *e = append(w, list, i);
		if (!e)
			break;
		(void)w->writer->write(list, e, w->t->cgroup_name, &(union falco_state_data){.str = name});
		(void)w->writer->write(list, e, w->t->cgroup_path, &(union falco_state_data){.str = copy});
		w->reader->release(list, e);
	}
	free(copy);
}

static uint32_t entry_flags(const struct tercel_exec *r)
{
	uint32_t flags = SCAP_CLONE_ACTIVE;
	if (r->hdr.tid != r->hdr.tgid)
		flags |= SCAP_CLONE_THREAD | SCAP_CLONE_FILES;
	if (r->proc.pidns_start)
		flags |= SCAP_CLONE_CHILD_IN_PIDNS;
	return flags;
}

static void write_identity(const struct entry_writer *w, const struct tercel_exec *r, const struct scap_context *ctx)
{
	const struct tercel_proc *p = &r->proc;
	write_s64(w, THREAD_PID, r->hdr.tgid);
	write_s64(w, THREAD_PTID, p->ppid);
	write_s64(w, THREAD_SID, p->sid);
	write_s64(w, THREAD_VTID, r->vtid);
	write_s64(w, THREAD_VPID, p->vtgid);
	write_s64(w, THREAD_PGID, p->pgid);
	write_s64(w, THREAD_VPGID, p->vpgid);
	write_u32(w, THREAD_FLAGS, entry_flags(r));
	write_u32(w, THREAD_UID, p->creds.euid);
	write_u32(w, THREAD_GID, p->creds.egid);
	write_u32(w, THREAD_LOGINUID, p->loginuid);
	write_u32(w, THREAD_TTY, scap_device(p->tty));
	write_s64(w, THREAD_FDLIMIT, (int64_t)r->fdlimit);
	write_u64(w, THREAD_PIDNS_START, p->pidns_start + (uint64_t)ctx->clock_offset);
}

static void write_image(const struct entry_writer *w, const struct tercel_exec *r)
{
	const struct tercel_proc *p = &r->proc;
	const char *base = (const char *)r;
	const char *args = base + r->args.off;
	size_t exe = strnlen(args, r->args.len);

	write_text(w, THREAD_EXE, args, exe);
	write_text(w, THREAD_EXE_PATH, base + r->exe_path.off, r->exe_path.len);
	if (exe < r->args.len)
		write_list(w, THREAD_ARGS, w->t->arg_value, args + exe + 1, r->args.len - exe - 1);
	write_bool(w, THREAD_EXE_WRITABLE, p->exe.flags & TERCEL_EXE_WRITABLE);
	write_bool(w, THREAD_EXE_UPPER_LAYER, p->exe.flags & TERCEL_EXE_UPPER_LAYER);
	write_bool(w, THREAD_EXE_LOWER_LAYER, p->exe.flags & TERCEL_EXE_LOWER_LAYER);
	write_bool(w, THREAD_EXE_FROM_MEMFD, p->exe.flags & TERCEL_EXE_MEMFD);
	write_u64(w, THREAD_EXE_INO, p->exe.ino);
	write_u64(w, THREAD_EXE_CTIME, p->exe.ctime_ns);
	write_u64(w, THREAD_EXE_MTIME, p->exe.mtime_ns);
}

/* The host keeps an empty entry, without a process, of a thread that it has looked for in vain: pid 1, say. */
static bool host_knows(const struct threads *t, const struct falco_listen_input *in, int64_t tid)
{
	union falco_state_data pid = {.s64 = -1};
	falco_entry *e = in->reader->get(t->table, &(union falco_state_data){.s64 = tid});
	if (!e)
		return false;
	if (t->fields[THREAD_PID] && in->reader->read(t->table, e, t->fields[THREAD_PID], &pid))
		pid.s64 = -1;
	in->reader->release(t->table, e);
	return pid.s64 > 0;
}

enum written {
	WRITTEN,
	KNOWN_TO_HOST,
	REFUSED,
};

/* `image` is the record that has the strings: the leader's, as threads share them and theirs are empty. */
static enum written write_entry(const struct threads *t, const struct falco_listen_input *in,
                                const struct tercel_exec *r, const struct tercel_exec *image,
                                const struct scap_context *ctx)
{
	union falco_state_data key = {.s64 = r->hdr.tid};
	if (host_knows(t, in, r->hdr.tid))
		return KNOWN_TO_HOST;
	struct entry_writer w = {t, in->reader, in->writer, in->writer->create(t->table)};
	if (!w.entry)
		return REFUSED;
	write_identity(&w, r, ctx);
	write_text(&w, THREAD_COMM, r->proc.comm, sizeof(r->proc.comm));
	write_image(&w, image);
	/* The host takes the environment of threads from their leader. */
	if (r == image)
		write_list(&w, THREAD_ENV, t->env_value, (const char *)r + r->env.off, r->env.len);
	write_cgroups(&w, ctx, r->proc.cgroup_id);
	falco_entry *added = in->writer->add(t->table, &key, w.entry);
	if (!added)
		return REFUSED;
	in->reader->release(t->table, added);
	return WRITTEN;
}

/* ---- order -------------------------------------------------------------------------------------------- */

/* The host forgets the parent of an entry that is written before its parent's: hence depth by depth. */
struct ordered {
	const struct tercel_exec *record;
	const struct tercel_exec *leader; /* record itself if it is one, or has none */
	uint32_t depth;
};

static int by_tid(const void *a, const void *b)
{
	const struct tercel_exec *x = ((const struct ordered *)a)->record, *y = ((const struct ordered *)b)->record;
	return x->hdr.tid < y->hdr.tid ? -1 : x->hdr.tid > y->hdr.tid;
}

static int by_depth(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	bool x_thread = x->record->hdr.tid != x->record->hdr.tgid, y_thread = y->record->hdr.tid != y->record->hdr.tgid;
	return x_thread != y_thread ? x_thread - y_thread : by_tid(a, b);
}

static const struct ordered *find(const struct ordered *o, size_t count, uint32_t tid)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		uint32_t here = o[middle].record->hdr.tid;
		if (here == tid)
			return &o[middle];
		if (here < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Walks up at most as many steps as there are records, so that a loop in them ends, too. */
static uint32_t depth_of(const struct ordered *o, size_t count, const struct tercel_exec *r)
{
	uint32_t depth = 0;
	const struct ordered *parent;
	while (r->proc.ppid && depth < count && (parent = find(o, count, r->proc.ppid)) && parent->record != r) {
		r = parent->record;
		depth++;
	}
	return depth;
}

static struct ordered *in_order(const struct seeds *s)
{
	struct ordered *sorted = calloc(s->count + 1, sizeof(*sorted));
	struct ordered *out = calloc(s->count + 1, sizeof(*out));
	if (!sorted || !out) {
		free(sorted);
		free(out);
		return NULL;
	}
	for (size_t i = 0; i < s->count; i++)
		sorted[i].record = s->items[i];
	qsort(sorted, s->count, sizeof(*sorted), by_tid);
	for (size_t i = 0; i < s->count; i++) {
		const struct tercel_exec *r = sorted[i].record;
		const struct ordered *leader = find(sorted, s->count, r->hdr.tgid);
		out[i] = (struct ordered){r, leader ? leader->record : r, depth_of(sorted, s->count, r)};
	}
	qsort(out, s->count, sizeof(*out), by_depth);
	free(sorted);
	return out;
}

int threads_write(const struct threads *t, const struct falco_listen_input *in, struct seeds *s,
                  const struct scap_context *ctx, const struct threads_known *known, struct error *err)
{
	_autofree_ struct ordered *order = in_order(s);
	if (!order)
		return error_set(err, -ENOMEM, "out of memory");
	int counts[] = {[WRITTEN] = 0, [KNOWN_TO_HOST] = 0, [REFUSED] = 0};
	for (size_t i = 0; i < s->count; i++) {
		const struct tercel_exec *r = order[i].record;
		enum written how = write_entry(t, in, r, order[i].leader, ctx);
		counts[how]++;
		if (how == KNOWN_TO_HOST && r->hdr.tid == r->hdr.tgid)
			known->cwd_unknown(known->data, r->hdr.tgid, false);
	}
	if (counts[REFUSED] && !counts[WRITTEN] && !counts[KNOWN_TO_HOST])
		return error_set(err, -EIO, "the host accepted none of %zu threads: %s", s->count,
		                 in->get_owner_last_error ? in->get_owner_last_error(in->owner) : "no reason given");
	s->lost += (uint64_t)counts[REFUSED];
	return counts[WRITTEN];
}
