/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "compat/encode.h"
#include "events/process.h"
#include "identity/identity.h"
#include "sensor/sensor.h"

/* Events of one batch. Small enough that the first is not old when the host comes to the last. */
#define BATCH_MAX 256
#define BATCH_BYTES ((size_t)1024 * 1024)
#define WAIT_MS 100
/* Process ids end here in every kernel (PID_MAX_LIMIT). */
#define PIDS_MAX (1U << 22)
/* What the host's own state (threads, working directories, descriptors of sockets) is made of. */
#define RECORDS_FOR_STATE                                                                                     \
	(1U << TERCEL_EXEC | 1U << TERCEL_FORK | 1U << TERCEL_EXIT | 1U << TERCEL_CHDIR | 1U << TERCEL_SEED | \
	 1U << TERCEL_CGROUP)

struct source {
	struct sensor *sensor;
	struct identity *identity;
	struct seeds seeds;
	/* The first live record, met while taking in the seeds; delivered by the first source_next(). */
	const struct tercel_hdr *pending;
	struct scap_context context;

	pthread_mutex_t lock; /* guards the two below: extraction may run in another thread than sourcing */
	struct process_table *processes;
	int64_t clock_offset; /* with which the current batch's times were made */

	struct scap_header *events[BATCH_MAX];
	uint8_t *bytes; /* BATCH_BYTES */
	/*
	 * A bit for each process whose working directory the host cannot know: one from before the capture that it did
	 * not find in /proc (no plugin can write the field), and its children, until they change it.
	 */
	uint8_t *cwd_unknown; /* PIDS_MAX / 8 */
	/* What the sourcing thread counts, for whoever asks for metrics. */
	struct {
		_Atomic uint64_t delivered, malformed, completed, seeds_lost, cgroups_lost;
	} counts;
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	(void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Figures that others keep without a lock. */
static void publish(struct source *s)
{
	atomic_store_explicit(&s->counts.seeds_lost, s->seeds.lost, memory_order_relaxed);
	atomic_store_explicit(&s->counts.cgroups_lost, identity_forgotten(s->identity), memory_order_relaxed);
}

/* ---- what the encoder asks ---------------------------------------------------------------------------- */

static void cgroup_path(void *data, uint64_t cgroup_id, struct scap_bytes *out)
{
	const struct source *s = data;
	const struct identity_cgroup *c = identity_find(s->identity, cgroup_id);
	if (c && c->state != TERCEL_CGROUP_UNKNOWN)
		*out = (struct scap_bytes){c->path, strlen(c->path)};
}

static void process_arguments(void *data, struct tercel_exec_id id, struct scap_bytes *out)
{
	const struct source *s = data;
	const struct process *p = process_table_find(s->processes, id);
	if (p)
		*out = (struct scap_bytes){p->args.data, p->args.len};
}

static bool is_cwd_unknown(const struct source *s, uint32_t tgid)
{
	return tgid < PIDS_MAX && s->cwd_unknown[tgid / 8] & 1U << tgid % 8;
}

static void set_cwd_unknown(void *data, uint32_t tgid, bool unknown)
{
	const struct source *s = data;
	if (tgid >= PIDS_MAX)
		return;
	if (unknown)
		s->cwd_unknown[tgid / 8] |= (uint8_t)(1U << tgid % 8);
	else
		s->cwd_unknown[tgid / 8] &= (uint8_t)~(1U << tgid % 8);
}

static void unknown_cwd(void *data, const struct tercel_hdr *record, struct scap_bytes *out)
{
	const struct source *s = data;
	if (!is_cwd_unknown(s, record->tgid))
		return;
	const struct process *p = process_table_find(s->processes, record->exec_id);
	if (p && !(p->record_flags & TERCEL_F_TRUNC_CWD))
		*out = (struct scap_bytes){p->cwd.data, p->cwd.len};
}

/*
 * The table knows the credentials that an image began with. A record tells the real ids of now: while they are the same
 * the effective ones are taken to be so, too. After a fork without exec nobody told of them.
 */
static void maker(void *data, const struct tercel_fork *f, struct scap_maker *out)
{
	const struct source *s = data;
	const struct process *p = process_table_find(s->processes, f->hdr.exec_id);
	if (!p || p->state == PROCESS_UNSEEN)
		return;
	const struct tercel_creds *creds = &p->proc.creds;
	if (!out->cgroup_id)
		out->cgroup_id = p->proc.cgroup_id;
	if (!(p->proc.proc_flags & (TERCEL_PROC_EXECED | TERCEL_PROC_SEEDED)))
		return;
	if (creds->uid == f->uid)
		out->euid = creds->euid;
	if (creds->gid == f->gid)
		out->egid = creds->egid;
}

/* ---- taking in records -------------------------------------------------------------------------------- */

/* Brings our own state up to date. */
static void apply(struct source *s, const struct tercel_hdr *r)
{
	if (r->type == TERCEL_CGROUP)
		(void)identity_apply(s->identity, r);
	else
		(void)process_table_apply(s->processes, r);
	if (r->type == TERCEL_FORK) {
		const struct tercel_fork *f = (const struct tercel_fork *)r;
		if (!f->is_thread)
			set_cwd_unknown(s, f->child_tgid, is_cwd_unknown(s, r->tgid));
	} else if (r->type == TERCEL_CHDIR) {
		/* The host follows a descriptor only if it saw it opened. */
		const struct tercel_chdir *c = (const struct tercel_chdir *)r;
		if (c->ret == 0)
			set_cwd_unknown(s, r->tgid, c->syscall == TERCEL_SYS_FCHDIR);
	} else if (r->type == TERCEL_SEED) {
		set_cwd_unknown(s, r->tgid, true);
	}
}

/*
 * The cgroups that exist: the kernel tells of each but once, and of those that were busy while the programs were
 * attached only after the seeds. Failure costs no more than that: the path of such a cgroup comes with its record.
 */
static void take_cgroups(struct source *s)
{
	_autofree_ char *root = NULL;
	if (!identity_cgroup_root(&root))
		(void)identity_scan(s->identity, root, NULL);
}

static int take_seeds(struct source *s, struct error *err)
{
	int rc = sensor_seed(s->sensor, err);
	if (rc)
		return rc;
	const struct tercel_hdr *r;
	while ((rc = sensor_next(s->sensor, 0, &r)) == 1) {
		if (r->type != TERCEL_SEED && r->type != TERCEL_CGROUP) {
			s->pending = r;
			return 0;
		}
		if (!scap_record_ok(r, r->size)) {
			count(&s->counts.malformed, 1);
			continue;
		}
		apply(s, r);
		if (r->type == TERCEL_SEED)
			seeds_add(&s->seeds, (const struct tercel_exec *)r);
	}
	if (rc && rc != -EINTR)
		return error_set(err, rc, "cannot read who runs already: %s", strerror(-rc));
	return 0;
}

static int set_up(struct source *s, const struct source_config *config, struct error *err)
{
	s->bytes = malloc(BATCH_BYTES);
	s->cwd_unknown = calloc(PIDS_MAX / 8, 1);
	if (!s->bytes || !s->cwd_unknown || identity_new(&s->identity, NULL, 0) ||
	    process_table_new(&s->processes, NULL))
		return error_set(err, -ENOMEM, "out of memory");
	s->context = (struct scap_context){
	        .data = s,
	        .cgroup_path = cgroup_path,
	        .arguments = process_arguments,
	        .unknown_cwd = unknown_cwd,
	        .maker = maker,
	};
	s->clock_offset = s->context.clock_offset = sensor_clock_offset();

	uint32_t records = config->records | RECORDS_FOR_STATE;
	if (records & 1U << TERCEL_CONNECT)
		records |= 1U << TERCEL_SOCKET;
	const struct sensor_config sensor = {
	        .records = records,
	        .open_reads = config->open_reads,
	        .ring_mb = config->buffer_mb,
	};
	int rc = sensor_open(&s->sensor, &sensor, err);
	if (rc)
		return rc;
	take_cgroups(s);
	rc = take_seeds(s, err);
	publish(s);
	return rc;
}

int source_open(struct source **out, const struct source_config *config, struct error *err)
{
	struct source *s = calloc(1, sizeof(*s));
	if (!s)
		return error_set(err, -ENOMEM, "out of memory");
	(void)pthread_mutex_init(&s->lock, NULL);
	int rc = set_up(s, config, err);
	if (rc) {
		source_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	sensor_close(s->sensor);
	process_table_free(s->processes);
	identity_free(s->identity);
	seeds_free(&s->seeds);
	free(s->bytes);
	free(s->cwd_unknown);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- batches ------------------------------------------------------------------------------------------ */

static int next_record(struct source *s, int timeout_ms, const struct tercel_hdr **r)
{
	if (!s->pending)
		return sensor_next(s->sensor, timeout_ms, r);
	*r = s->pending;
	s->pending = NULL;
	return 1;
}

/* Encodes one record behind the `used` bytes and `events` events of the batch. */
static void add(struct source *s, const struct tercel_hdr *r, uint32_t *events, size_t *used)
{
	struct scap_encoded encoded;
	if (!scap_record_ok(r, r->size)) {
		count(&s->counts.malformed, 1);
		return;
	}
	apply(s, r);
	if (scap_encode(r, r->size, &s->context, s->bytes + *used, BATCH_BYTES - *used, &encoded)) {
		count(&s->counts.malformed, 1);
		return;
	}
	if (encoded.completed)
		count(&s->counts.completed, 1);
	for (size_t i = 0; i < encoded.count; i++)
		s->events[(*events)++] = (struct scap_header *)(s->bytes + *used + encoded.events[i].offset);
	*used += encoded.used;
}

static int fill(struct source *s, const struct tercel_hdr *r, uint32_t *events)
{
	size_t used = 0;
	int rc = 1;
	while (rc == 1) {
		add(s, r, events, &used);
		if (*events + SCAP_EVENTS_MAX > BATCH_MAX || BATCH_BYTES - used < SCAP_ENCODED_MAX)
			break;
		rc = next_record(s, 0, &r);
	}
	return rc < 0 && rc != -EINTR ? rc : 0;
}

int source_next(struct source *s, uint32_t *number, struct scap_header ***events, struct error *err)
{
	const struct tercel_hdr *r;
	*number = 0;
	*events = s->events;
	int rc = next_record(s, WAIT_MS, &r);
	if (rc == 0 || rc == -EINTR)
		return 0;
	if (rc == 1) {
		(void)pthread_mutex_lock(&s->lock);
		/* The clock may have been set since; within a batch, times must be convertible back. */
		s->clock_offset = s->context.clock_offset = sensor_clock_offset();
		rc = fill(s, r, number);
		publish(s);
		(void)pthread_mutex_unlock(&s->lock);
	}
	count(&s->counts.delivered, *number);
	if (rc < 0 && !*number)
		return error_set(err, rc, "reading from the kernel failed: %s", strerror(-rc));
	return *number > 0;
}

int source_write_threads(struct source *s, const struct threads *t, const struct falco_listen_input *in,
                         struct error *err)
{
	const struct threads_known known = {set_cwd_unknown, s};
	int rc = threads_write(t, in, &s->seeds, &s->context, &known, err);
	publish(s);
	seeds_free(&s->seeds);
	return rc < 0 ? rc : 0;
}

/* ---- who was it --------------------------------------------------------------------------------------- */

static const struct process *who(const struct source *s, const struct scap_header *event)
{
	return process_table_at(s->processes, (uint32_t)event->tid, event->ts - (uint64_t)s->clock_offset);
}

bool source_lineage(struct source *s, const struct scap_header *event, unsigned depth, struct buf *out)
{
	(void)pthread_mutex_lock(&s->lock);
	const struct process *p = who(s, event);
	if (p)
		process_lineage(out, p, depth);
	(void)pthread_mutex_unlock(&s->lock);
	return p != NULL;
}

static bool is_none(struct tercel_exec_id id)
{
	return !id.ktime && !id.tgid;
}

bool source_exec_id(struct source *s, const struct scap_header *event, struct buf *out)
{
	(void)pthread_mutex_lock(&s->lock);
	const struct process *p = who(s, event);
	if (p)
		process_exec_id_text(out, identity_node(s->identity), p->id);
	(void)pthread_mutex_unlock(&s->lock);
	return p != NULL;
}

bool source_parent_exec_id(struct source *s, const struct scap_header *event, struct buf *out)
{
	(void)pthread_mutex_lock(&s->lock);
	const struct process *p = who(s, event);
	bool known = p && !is_none(p->parent_id);
	if (known)
		process_exec_id_text(out, identity_node(s->identity), p->parent_id);
	(void)pthread_mutex_unlock(&s->lock);
	return known;
}

void source_stats(struct source *s, struct source_stats *out)
{
	struct tercel_stats sensor = {0};
	struct process_table_stats table = {0};
	*out = (struct source_stats){0};
	(void)pthread_mutex_lock(&s->lock);
	process_table_stats(s->processes, &table);
	if (!sensor_stats(s->sensor, &sensor))
		for (size_t i = 0; i < TERCEL_RECORD_TYPES; i++)
			out->records_dropped += sensor.dropped[i];
	(void)pthread_mutex_unlock(&s->lock);
	out->events = counted(&s->counts.delivered);
	out->records_malformed = counted(&s->counts.malformed);
	out->paths_completed = counted(&s->counts.completed);
	out->seeds_lost = counted(&s->counts.seeds_lost);
	out->cgroups_lost = counted(&s->counts.cgroups_lost);
	out->processes_evicted = table.evicted_ended + table.evicted_parents + table.evicted_live;
}
