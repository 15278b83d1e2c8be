/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "cli/fold.h"
#include "cli/output.h"
#include "daemon/answers.h"
#include "events/names.h"
#include "identity/identity.h"

enum {
	/* So often a stream that waits looks at the clock and at signals; one that is busy does so after as many
	   records. */
	TICK_MS = 100,
	TICK_RECORDS = 256,
	FLUSH_BYTES = 1 << 16,
	OUTPUTS = 2,
	/* Policies whose verdicts may still be on their way: more come only with the ring between two looks at it. */
	POLICIES = 64,
};
static const uint64_t report_ns = 1000000000; /* drops are reported at most so often */
static const uint64_t ask_ns = 1000000000;    /* … and users and containers looked for */

struct stream {
	const struct command *command;
	struct stream_config config;
	struct process_table *processes;
	struct identity *identity;
	struct answers *answers; /* NULL: nobody decides */
	struct fold *fold;       /* NULL: each verdict is written */
	struct recording_writer *record;
	struct event_context context;
	struct event_rules policies[POLICIES]; /* owned, the oldest first */
	struct event_rules recorded;           /* of the recording that is read */
	struct output outputs[OUTPUTS];
	sigset_t former_signals;
	int signals;      /* signalfd */
	bool in_terminal; /* it was begun in one, and is to end with it */
	uint64_t begin, reported, asked, drained;
	uint64_t drops; /* as last reported */
	uint64_t events;
	bool stopping;
	uint64_t unwritten;      /* events that outputs of former policies were left with */
	uint64_t told_unwritten; /* of all outputs, as last reported */
	bool record_failed;
	bool failed; /* an output cannot be written */
	bool unread; /* the reader of standard output is gone */
	union {
		struct tercel_exec exec;
		char bytes[TERCEL_RECORD_MAX];
	} copy; /* of a record, for the recording */
	uint64_t within_id;
	char *within_path; /* from the hierarchy's root; "": that root itself */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;
	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* ---- outputs ---- */

static enum cli_status flush(struct stream *s)
{
	for (size_t i = 0; i < OUTPUTS; i++) {
		struct output *o = &s->outputs[i];
		if (!o->name)
			continue;
		int error = output_flush(o);
		s->failed |= error;
		/* Whoever reads events may have seen enough (`| head`); that ends the watch, and is no failure. */
		if (error == -EPIPE && s->command == &command_events && !o->owned) {
			s->stopping = s->unread = true;
			return CLI_OK;
		}
		if (error)
			return cli_fail(s->command, CLI_SYSTEM, "cannot write to %s: %s", o->name, strerror(-error));
	}
	return CLI_OK;
}

static int open_outputs(const struct stream *s, struct output outputs[OUTPUTS], bool to_stdout, const char *file,
                        struct error *err)
{
	struct output_config config = {.format = s->config.format, .lasting = s->config.lasting};
	int error = to_stdout ? output_open(&outputs[0], &config, err) : 0;
	config.file = file;
	if (!error && file)
		error = output_open(&outputs[1], &config, err);
	for (size_t i = 0; error && i < OUTPUTS; i++)
		output_close(&outputs[i]);
	return error;
}

static enum cli_status open_first_outputs(struct stream *s)
{
	const struct stream_config *c = &s->config;
	struct error err = {0};
	int error = open_outputs(s, s->outputs, c->to_stdout, c->file, &err);
	return error ? cli_fail(s->command, cli_status_of(error), "%s", err.text) : CLI_OK;
}

uint64_t stream_unwritten(const struct stream *s)
{
	uint64_t n = s->unwritten;
	for (size_t i = 0; i < OUTPUTS; i++)
		n += s->outputs[i].unwritten;
	return n;
}

static void report_unwritten(struct stream *s)
{
	const uint64_t all = stream_unwritten(s);
	for (size_t i = 0; i < OUTPUTS && all != s->told_unwritten; i++)
		if (s->outputs[i].unwritten && s->outputs[i].error)
			cli_note(s->command, "cannot write to %s: %s", s->outputs[i].name,
			         s->outputs[i].error == -EAGAIN ? "nobody reads it" : strerror(-s->outputs[i].error));
	if (all != s->told_unwritten)
		cli_note(s->command, "%llu events not written (%llu in all)",
		         (unsigned long long)(all - s->told_unwritten), (unsigned long long)all);
	s->told_unwritten = all;
}

static bool within_cgroup(const struct stream *s, const struct process *p)
{
	if (p->proc.cgroup_id == s->within_id)
		return true;
	const struct identity_cgroup *g = identity_find(s->identity, p->proc.cgroup_id);
	size_t len = strlen(s->within_path);
	return !len || (g && !strncmp(g->path, s->within_path, len) && g->path[len] == '/');
}

static bool wanted(const struct stream *s, const struct tercel_hdr *r)
{
	if (s->config.filter == STREAM_VERDICTS && r->type != TERCEL_VERDICT)
		return false;
	/* Decisions are made in the cgroup alone, whatever is known of who acts: verdicts are all wanted. */
	if ((!s->config.pid && !s->within_id) || (r->type == TERCEL_VERDICT && s->config.sensor))
		return true;
	const struct process *p = r->exec_id.tgid ? process_table_find(s->processes, r->exec_id)
	                                          : process_table_at(s->processes, r->tgid, r->ts);
	if (!p || (s->within_id && !within_cgroup(s, p)))
		return false;
	if (!s->config.pid)
		return true;
	while (p && p->id.tgid != s->config.pid)
		p = process_parent(p);
	return p != NULL;
}

static enum cli_status put(struct stream *s, const struct tercel_hdr *r)
{
	int written = 0;
	for (size_t i = 0; i < OUTPUTS && written >= 0; i++)
		if (s->outputs[i].name)
			written = output_add(&s->outputs[i], &s->context, r);
	if (written == -ENOMEM)
		return cli_fail(s->command, CLI_SYSTEM, "out of memory");
	if (written <= 0)
		return CLI_OK; /* no event; a malformed record was counted by the process table */
	s->events++;
	if (s->config.max_events && s->events >= s->config.max_events)
		s->stopping = true;
	for (size_t i = 0; i < OUTPUTS; i++)
		if (s->outputs[i].pending.len >= FLUSH_BYTES && !s->outputs[i].error)
			return flush(s);
	return CLI_OK;
}

/* A stream with a fold is lasting: its outputs do not fail. */
static void put_folded(void *ctx, const struct tercel_verdict *v, uint64_t folded)
{
	struct stream *s = ctx;
	s->context.folded = folded;
	(void)put(s, &v->hdr);
	s->context.folded = 0;
}

uint64_t stream_folded(const struct stream *s)
{
	return s->fold ? fold_count(s->fold) : 0;
}

/* ---- accounts ---- */

static uint64_t sum(const __u64 *values, size_t count)
{
	uint64_t total = 0;
	for (size_t i = 0; i < count; i++)
		total += values[i];
	return total;
}

static void report_drops(struct stream *s)
{
	struct tercel_stats stats;
	uint64_t now = now_ns();
	if (!s->config.sensor || now - s->reported < report_ns)
		return;
	s->reported = now;
	report_unwritten(s);
	if (sensor_stats(s->config.sensor, &stats))
		return;
	uint64_t drops = sum(stats.dropped, TERCEL_RECORD_TYPES);
	if (drops == s->drops)
		return;
	cli_note(s->command, "%llu records lost (%llu in all): the ring buffers were full",
	         (unsigned long long)(drops - s->drops), (unsigned long long)drops);
	s->drops = drops;
}

static void account_counter(const struct stream *s, const char *what, uint64_t value)
{
	if (value)
		cli_note(s->command, "%s: %llu", what, (unsigned long long)value);
}

static void account_sensor(const struct stream *s)
{
	struct tercel_stats t;
	int error = sensor_stats(s->config.sensor, &t);
	if (error) {
		cli_note(s->command, "the kernel's counters could not be read: %s", strerror(-error));
		return;
	}
	for (size_t i = 0; i < TERCEL_RECORD_TYPES; i++)
		if (t.generated[i])
			cli_note(s->command, "%-7s generated %llu = delivered %llu + filtered %llu + dropped %llu",
			         name_record((unsigned)i), (unsigned long long)t.generated[i],
			         (unsigned long long)t.delivered[i], (unsigned long long)t.filtered[i],
			         (unsigned long long)t.dropped[i]);
	account_counter(s, "process records lost (map full)", t.procs_full);
	account_counter(s, "images' strings lost (map full)", t.images_full);
	account_counter(s, "cgroups lost (map full)", t.cgroups_full);
	account_counter(s, "acts of processes without a record", t.proc_unknown);
	account_counter(s, "records lost (scratch buffer in use)", t.scratch_busy);
	account_counter(s, "runs of our programs that the kernel skipped", t.missed);
	account_counter(s, "32-bit calls that could not be read", t.compat_unknown);
	for (unsigned bit = 0; bit < TERCEL_U_BITS; bit++)
		if (t.uncertain[bit])
			cli_note(s->command, "decisions left uncertain (%s): %llu", name_uncertain(bit),
			         (unsigned long long)t.uncertain[bit]);
	account_counter(s, "decisions not made (no buffer, or the signal failed)", sum(t.undecided, TERCEL_POINTS));
	account_counter(s, "blocked", sum(t.blocked, TERCEL_POINTS));
	account_counter(s, "would have been blocked", sum(t.would_block, TERCEL_POINTS));
	account_counter(s, "decisions not made (policy image faulty)", t.policy_errors);
}

static void account(const struct stream *s)
{
	struct process_table_stats t;
	process_table_stats(s->processes, &t);
	if (s->config.sensor)
		account_sensor(s);
	account_counter(s, "malformed records refused", t.malformed);
	account_counter(s, "records lost (out of memory)", t.no_memory);
	account_counter(s, "ancestors let go (process table full)", t.evicted_parents);
	account_counter(s, "living processes let go (process table full)", t.evicted_live);
	account_counter(s, "cgroups forgotten (table full)", identity_forgotten(s->identity));
	uint64_t missing = s->unwritten;
	for (size_t i = 0; i < OUTPUTS && s->config.lasting; i++)
		missing += output_missing(&s->outputs[i]);
	account_counter(s, "events not written (an output failed)", missing);
	account_counter(s, "verdicts that repeat others, folded into them", stream_folded(s));
	if (s->answers) {
		account_counter(s, "cgroups of containers that nothing more is known of", answers_waiting(s->answers));
		account_counter(s, "names of users or answers about containers that could not be kept",
		                answers_lost(s->answers));
	}
	if (s->config.sensor)
		cli_note(s->command, "%llu events written", (unsigned long long)s->events);
}

/* ---- the flow ---- */

/* Records come a little later than they are made, for their order. */
uint64_t stream_drained(const struct stream *s)
{
	static const uint64_t delay_ns = 10000000;
	return s->drained > delay_ns ? s->drained - delay_ns : 0;
}

static void look_for_answers(struct stream *s)
{
	const uint64_t now = now_ns();
	if (!s->answers || now - s->asked < ask_ns)
		return;
	s->asked = now;
	answers_look(s->answers, s->identity, now / 1000000000);
}

static bool has_terminal(void)
{
	_autoclose_ int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd >= 0;
}

/*
 * SIGHUP has two meanings: a daemon is to read its files again, and a program in the foreground has lost its terminal.
 * The latter comes from the kernel, or the shell whose session it is passes it on.
 */
static bool terminal_is_gone(const struct stream *s, const struct signalfd_siginfo *info)
{
	bool of_session = info->ssi_code == SI_KERNEL || (pid_t)info->ssi_pid == getsid(0);
	return s->in_terminal && of_session && !has_terminal();
}

/* A signal, or the time is over. */
static void look_up(struct stream *s)
{
	const struct stream_hooks *hooks = &s->config.hooks;
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP || !hooks->hangup || terminal_is_gone(s, &info))
			s->stopping = true;
		else
			hooks->hangup(hooks->ctx);
	}
	if (s->config.duration_ns && now_ns() - s->begin >= s->config.duration_ns)
		s->stopping = true;
	report_drops(s);
	look_for_answers(s);
	if (s->fold)
		fold_tick(s->fold, clock_ns(CLOCK_BOOTTIME));
	for (size_t i = 0; i < OUTPUTS; i++)
		if (s->outputs[i].error)
			(void)output_flush(&s->outputs[i]);
	if (hooks->tick && !s->stopping)
		hooks->tick(hooks->ctx, now_ns());
}

/* Recordings are passed on, environments hold secrets, and no event shows them: they are blanked. */
static const struct tercel_hdr *without_environment(struct stream *s, const struct tercel_hdr *r)
{
	const struct tercel_exec *x = (const struct tercel_exec *)r;
	if ((r->type != TERCEL_EXEC && r->type != TERCEL_SEED) || record_check(r, r->size) || !x->env.len ||
	    r->size > sizeof(s->copy))
		return r;
	memcpy(s->copy.bytes, r, r->size);
	memset(s->copy.bytes + x->env.off, 0, x->env.len);
	s->copy.exec.env = (struct tercel_span){0};
	return &s->copy.exec.hdr;
}

static enum cli_status keep(struct stream *s, const struct tercel_hdr *r)
{
	int error = s->record ? recording_write(s->record, without_environment(s, r)) : 0;
	if (!error)
		return CLI_OK;
	if (!s->config.lasting)
		return cli_fail(s->command, CLI_SYSTEM, "%s: %s", s->config.record, strerror(-error));
	(void)recording_finish(TAKE_PTR(s->record));
	s->record_failed = true;
	cli_note(s->command, "%s: %s; the recording is of no use, and nothing more is recorded", s->config.record,
	         strerror(-error));
	return CLI_OK;
}

static void tell_answers(struct stream *s, const struct tercel_hdr *r)
{
	const struct identity_cgroup *cgroup =
	        record_check(r, r->size) ? NULL
	                                 : identity_find(s->identity, ((const struct tercel_cgroup *)r)->cgroup_id);
	if (cgroup)
		answers_cgroup(s->answers, cgroup);
}

static enum cli_status take(struct stream *s, const struct tercel_hdr *r)
{
	enum cli_status status = keep(s, r);
	if (status != CLI_OK)
		return status;
	/* Of a process that is forgotten no lineage could be told. */
	if (s->fold && r->type == TERCEL_EXIT && r->tid == r->tgid)
		fold_end_process(s->fold, r->exec_id);
	/* A failure is counted, and told of at the end: one record must not end the watch. */
	(void)process_table_apply(s->processes, r);
	(void)identity_apply(s->identity, r);
	if (r->type == TERCEL_CGROUP && s->answers)
		tell_answers(s, r);
	if (r->type == TERCEL_VERDICT && s->config.hooks.verdict && !record_check(r, r->size))
		s->config.hooks.verdict(s->config.hooks.ctx, (const struct tercel_verdict *)r);
	if (!wanted(s, r))
		return CLI_OK;
	if (!s->fold || r->type != TERCEL_VERDICT || record_check(r, r->size))
		return put(s, r);
	fold_take(s->fold, (const struct tercel_verdict *)r);
	return CLI_OK;
}

static enum cli_status next(struct stream *s, int timeout_ms, const struct tercel_hdr **r)
{
	struct error err = {0};
	int n = s->config.sensor ? sensor_next(s->config.sensor, timeout_ms, r)
	                         : recording_next(s->config.recording, r, &err);
	if (n < 0 && n != -EINTR)
		return cli_fail(s->command, cli_status_of(n), "%s",
		                err.text[0] ? err.text : "records cannot be read any more");
	if (n <= 0)
		*r = NULL;
	if (!n && s->config.recording)
		s->stopping = true;
	return CLI_OK;
}

static enum cli_status flow(struct stream *s)
{
	for (uint64_t n = 1; !s->stopping; n++) {
		const struct tercel_hdr *r = NULL;
		const uint64_t now = clock_ns(CLOCK_BOOTTIME);
		enum cli_status status = next(s, 0, &r);
		if (status == CLI_OK && !r) {
			s->drained = now;
			/* Nothing at hand: what is pending goes out before the wait. */
			status = flush(s);
			look_up(s);
			if (status == CLI_OK && !s->stopping)
				status = next(s, TICK_MS, &r);
		}
		if (status == CLI_OK && r)
			status = take(s, r);
		if (status != CLI_OK)
			return status;
		if (n % TICK_RECORDS == 0)
			look_up(s);
	}
	return CLI_OK;
}

/* The kernel tells of a cgroup once: those that it has told another process of are looked up. */
static void look_up_cgroups(struct stream *s)
{
	_autofree_ char *root = NULL;
	struct error err = {0};
	int error = identity_cgroup_root(&root);
	if (!error)
		error = identity_scan(s->identity, root, &err);
	if (error)
		cli_note(s->command, "containers that run already stay unknown: %s",
		         err.text[0] ? err.text : strerror(-error));
}

enum cli_status stream_prepare(struct stream *s)
{
	if (sensor_is_adopted(s->config.sensor))
		look_up_cgroups(s);
	s->begin = s->reported = now_ns();
	/* What ran before comes before anything else. */
	for (const struct tercel_hdr *r = NULL;;) {
		enum cli_status status = next(s, 0, &r);
		bool seeded = r && (r->type == TERCEL_SEED || r->type == TERCEL_CGROUP);
		if (status == CLI_OK && r)
			status = take(s, r);
		if (status != CLI_OK || !seeded)
			return status;
	}
}

enum cli_status stream_catch_up(struct stream *s)
{
	const uint64_t until = clock_ns(CLOCK_BOOTTIME);
	for (bool behind = true; behind;) {
		const struct tercel_hdr *r = NULL;
		enum cli_status status = next(s, 0, &r);
		behind = r && r->ts < until;
		if (status == CLI_OK && r)
			status = take(s, r);
		if (status != CLI_OK)
			return status;
	}
	return CLI_OK;
}

/* ---- policies ---- */

static void free_names(const struct event_rules *r)
{
	for (size_t i = 0; i < r->count; i++)
		free((char *)r->names[i]);
	free((void *)r->names);
}

static int copy_names(struct event_rules *out, uint32_t generation, const char *const *from, size_t n)
{
	const char **names = calloc(n + 1, sizeof(*names));
	*out = (struct event_rules){.generation = generation, .names = names};
	if (!names)
		return -ENOMEM;
	for (; out->count < n; out->count++) {
		names[out->count] = strdup(from[out->count]);
		if (!names[out->count]) {
			free_names(out);
			*out = (struct event_rules){0};
			return -ENOMEM;
		}
	}
	return 0;
}

static void keep_names(struct stream *s, const struct event_rules *names)
{
	if (s->context.npolicies == POLICIES) {
		free_names(&s->policies[0]);
		memmove(s->policies, s->policies + 1, (POLICIES - 1) * sizeof(*s->policies));
		s->context.npolicies--;
	}
	s->policies[s->context.npolicies++] = *names;
	s->context.policies = s->policies;
}

void stream_remember(struct stream *s, uint32_t generation, const char *const *names, size_t n)
{
	struct event_rules copy;
	/* Without memory the rules have their numbers. */
	if (!copy_names(&copy, generation, names, n))
		keep_names(s, &copy);
}

/* The strings are the image's. */
static const char **names_of(const struct image *image)
{
	const char **names = calloc(image->nrules + 1, sizeof(*names));
	for (size_t i = 0; names && i < image->nrules; i++)
		names[i] = image->rules[i].name;
	return names;
}

static bool has_names(const struct image *image, const struct event_rules *r)
{
	bool same = image->nrules == r->count;
	for (size_t i = 0; same && i < r->count; i++)
		same = !strcmp(image->rules[i].name, r->names[i]);
	return same;
}

static void answer_for(void *answers, const struct identity_cgroup *cgroup)
{
	answers_cgroup(answers, cgroup);
}

/* What a policy needs, made ready before it is in force. */
struct preparation {
	struct answers *answers;
	struct event_rules names;
	struct output outputs[OUTPUTS];
};

static void preparation_undo(struct preparation *p)
{
	if (p->answers)
		answers_withdraw(p->answers);
	answers_free(p->answers);
	free_names(&p->names);
	for (size_t i = 0; i < OUTPUTS; i++)
		output_close(&p->outputs[i]);
}

static int prepare(struct stream *s, struct preparation *p, const struct stream_policy *policy, struct error *err)
{
	const struct image *image = policy->image;
	const struct answers_config config = {.sensor = s->config.sensor,
	                                      .conditions = (const char *const *)image->containers,
	                                      .nconditions = image->ncontainers,
	                                      .generation = policy->generation};
	if (s->record && s->context.npolicies && !has_names(image, &s->policies[s->context.npolicies - 1]))
		return error_set(err, -EBUSY,
		                 "a recording is made (--record), which has the verdicts of one set of rules");
	/* A daemon that was cut off may have left answers to other questions under this number: they would decide. */
	int error = sensor_forget_generation(s->config.sensor, policy->generation);
	if (error)
		return error_set(err, error, "answers about containers cannot be taken away: %s", strerror(-error));
	error = answers_new(&p->answers, &config, err);
	if (!error)
		error = open_outputs(s, p->outputs, policy->to_stdout, policy->file, err);
	if (error)
		return error;
	identity_each(s->identity, answer_for, p->answers);
	_autofree_ const char **names = names_of(image);
	error = names ? copy_names(&p->names, policy->generation, names, image->nrules) : -ENOMEM;
	return error ? error_set(err, -ENOMEM, "out of memory") : 0;
}

int stream_set_policy(struct stream *s, const struct stream_policy *policy, struct error *err)
{
	struct preparation p = {0};
	int error = prepare(s, &p, policy, err);
	if (!error)
		error = sensor_set_policy(s->config.sensor, policy->image->data, policy->image->size, err);
	if (error) {
		preparation_undo(&p);
		return error;
	}
	/* What is pending goes where it was to go, if it can. */
	if (s->fold)
		fold_end(s->fold);
	for (size_t i = 0; i < OUTPUTS; i++) {
		if (s->outputs[i].name)
			(void)output_flush(&s->outputs[i]);
		s->unwritten += output_missing(&s->outputs[i]);
		output_close(&s->outputs[i]);
		s->outputs[i] = p.outputs[i];
	}
	keep_names(s, &p.names);
	if (s->answers)
		answers_withdraw(s->answers);
	answers_free(s->answers);
	s->answers = p.answers;
	return 0;
}

size_t stream_containers_unknown(const struct stream *s)
{
	return s->answers ? answers_waiting(s->answers) : 0;
}

uint64_t stream_answers_lost(const struct stream *s)
{
	return s->answers ? answers_lost(s->answers) : 0;
}

/* ---- the whole flow ---- */

enum cli_status stream_run(struct stream *s)
{
	s->begin = s->reported = now_ns();
	enum cli_status status = flow(s);
	if (s->fold)
		fold_end(s->fold);
	/* What came before the end is shown, also if records cannot be read any more. */
	if (!s->failed && status != CLI_OK)
		(void)flush(s);
	else if (!s->failed)
		status = flush(s);
	if (s->record) {
		int error = recording_finish(TAKE_PTR(s->record));
		s->record_failed |= error;
		if (error && status == CLI_OK)
			status = cli_fail(s->command, CLI_SYSTEM, "%s: %s", s->config.record, strerror(-error));
	}
	report_unwritten(s);
	if (!s->unread)
		account(s);
	return status;
}

bool stream_is_broken(const struct stream *s)
{
	bool broken = s->record_failed;
	for (size_t i = 0; i < OUTPUTS; i++)
		broken |= s->outputs[i].error != 0;
	return broken;
}

/* ---- making ready ---- */

static enum cli_status catch_signals(struct stream *s)
{
	sigset_t set;
	struct sigaction hangup;
	/* Not so under nohup. */
	s->in_terminal = !sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler != SIG_IGN && has_terminal();
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, &s->former_signals);
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signals < 0)
		return cli_fail(s->command, CLI_SYSTEM, "signalfd: %s", strerror(errno));
	return CLI_OK;
}

/* Known by its path, not by what lives in it: processes may all be further below, or come later. */
static enum cli_status resolve_cgroup(struct stream *s)
{
	if (!s->config.cgroup)
		return CLI_OK;
	struct stat st;
	struct statfs fs;
	_autofree_ char *root = NULL;
	_autofree_ char *path = realpath(s->config.cgroup, NULL);
	if (!path || stat(path, &st) || statfs(path, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.st_mode) ||
	    identity_cgroup_root(&root) || strncmp(path, root, strlen(root)) != 0)
		return cli_fail(s->command, CLI_USAGE, "--cgroup %s: not a directory of the cgroup v2 hierarchy",
		                s->config.cgroup);
	const char *below = path + strlen(root);
	s->within_path = strdup(below);
	if (!s->within_path)
		return cli_fail(s->command, CLI_SYSTEM, "out of memory");
	s->within_id = st.st_ino;
	return CLI_OK;
}

static enum cli_status open_record(struct stream *s)
{
	if (!s->config.record)
		return CLI_OK;
	struct error err = {0};
	const struct image *image = s->config.recorded;
	const struct image none = {0};
	_autofree_ const char **names = names_of(image ? image : &none);
	struct recording_info info = {.clock_offset = s->context.clock_offset,
	                              .node = identity_node(s->identity),
	                              .rules = names,
	                              .nrules = image ? image->nrules : 0};
	int error = names ? recording_create(&s->record, s->config.record, &info, &err) : -ENOMEM;
	return error ? cli_fail(s->command, error == -ENOMEM ? CLI_SYSTEM : CLI_USAGE, "%s",
	                        err.text[0] ? err.text : strerror(-error))
	             : CLI_OK;
}

static enum cli_status make_tables(struct stream *s)
{
	const struct stream_config *c = &s->config;
	const struct recording_info *info = c->recording ? recording_info(c->recording) : NULL;
	int error = process_table_new(&s->processes, NULL);
	if (!error && c->lasting)
		error = fold_new(&s->fold, put_folded, s);
	if (!error)
		error = identity_new(&s->identity, info ? info->node : NULL, 0);
	if (error)
		return cli_fail(s->command, CLI_SYSTEM, "%s", strerror(-error));
	s->context = (struct event_context){
	        .processes = s->processes,
	        .identity = s->identity,
	        .clock_offset = info ? info->clock_offset : sensor_clock_offset(),
	        .policies = s->policies,
	        .colour = c->to_stdout && c->format == EVENT_TEXT ? cli_colour() : EVENT_PLAIN,
	};
	if (info) {
		s->recorded = (struct event_rules){.names = info->rules, .count = info->nrules};
		s->context.policies = &s->recorded;
		s->context.npolicies = 1;
	}
	return CLI_OK;
}

enum cli_status stream_open(struct stream **out, const struct command *c, const struct stream_config *config)
{
	_autostream_ struct stream *s = calloc(1, sizeof(*s));
	if (!s)
		return cli_fail(c, CLI_SYSTEM, "out of memory");
	s->command = c;
	s->config = *config;
	s->signals = -1;
	enum cli_status (*const steps[])(struct stream *) = {catch_signals, resolve_cgroup, make_tables,
	                                                     open_first_outputs, open_record};
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		enum cli_status status = steps[i](s);
		if (status != CLI_OK)
			return status;
	}
	if (s->config.sensor && sensor_pid_namespace(s->config.sensor) == SENSOR_PIDNS_PRIVATE)
		cli_note(c, "in a pid namespace of its own: processes outside that ran before are unknown until they "
		            "start another program, and are not blocked; run on the host, or with hostPID");
	*out = TAKE_PTR(s);
	return CLI_OK;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < OUTPUTS; i++)
		output_close(&s->outputs[i]);
	(void)recording_finish(s->record);
	buf_free(&s->context.scratch);
	answers_free(s->answers);
	fold_free(s->fold);
	for (size_t i = 0; s->context.policies == s->policies && i < s->context.npolicies; i++)
		free_names(&s->policies[i]);
	process_table_free(s->processes);
	identity_free(s->identity);
	free(s->within_path);
	if (s->signals >= 0)
		(void)close(s->signals);
	(void)sigprocmask(SIG_SETMASK, &s->former_signals, NULL);
	free(s);
}
