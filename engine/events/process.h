/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process table: who was who, and whose child, when a record was made. Fed by records, asked by exec id or by
 * thread; does no input or output, reads no clock (records carry the time) and knows no output format.
 *
 * An entry is one image of one process (struct tercel_exec_id): a fork makes one, and so does each exec. The parent of
 * an entry is the image that its process was made by, for good: a process whose parent died is taken over by another
 * one in the kernel (the reaper), but its lineage stays that of its birth. An entry stays
 * - while it is the current image of a living process,
 * - while a descendant's entry stays, so that lineages have no holes,
 * - and for a while after its end (grace), because questions about an event come later than the event.
 * Memory is bounded. When there is no room, entries go in this order, and each is counted: ended ones in their grace
 * time, ended ancestors, then living processes that were not heard of for longest.
 *
 * A table belongs to one thread at a time. Entries handed out are valid until the next call of process_table_apply().
 */
#ifndef TERCEL_EVENTS_PROCESS_H
#define TERCEL_EVENTS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bpf/abi.h"
#include "events/record.h"

enum process_state {
	PROCESS_UNSEEN = 0,   /* only known as somebody's parent: nothing but `id` is set */
	PROCESS_LIVE = 1,     /* the current image of a living process */
	PROCESS_REPLACED = 2, /* the process went on to another image */
	PROCESS_EXITED = 3,
};

/* "unseen", "live" …; never NULL for a valid value. */
const char *process_state_name(enum process_state state);

struct process {
	struct tercel_exec_id id;
	struct tercel_exec_id parent_id; /* {0, 0}: none known */
	enum process_state state;
	uint64_t begin;        /* CLOCK_BOOTTIME ns of the exec or fork that made it; of its start, if it was seeded */
	uint64_t end;          /* CLOCK_BOOTTIME ns of exit or replacement; 0 while it lives */
	uint32_t exit_code;    /* as wait(2) gives it, if exited */
	uint32_t record_flags; /* enum tercel_record_flags of the record that told of the image: what was cut */
	uint32_t argc;
	bool cloned; /* the process was seen being made, and had no exec before the one that made this image */
	/*
	 * As in the record of the exec or seed. After a fork without exec: the maker's, with the ids, times, cgroup and
	 * uid/gid of the child. Credentials are those at that moment, not of now.
	 */
	struct tercel_proc proc;
	struct text exe_path; /* resolved; empty if not known */
	struct text args;     /* argv[0] first, each ended by a NUL; may be cut (record_flags) */
	struct text cwd;      /* at the exec, or the last that a CHDIR record told of */
};

struct process_table;

struct process_table_config {
	size_t max_processes;   /* entries; 0: the default (65536) */
	size_t max_bytes;       /* of entries, threads and their strings; 0: the default (128 MiB) */
	uint64_t grace_ns;      /* an ended entry stays at least as long … 0: the default (2 s of record time) */
	uint32_t grace_records; /* … and for as many further records; 0: the default (16384) */
};

/* `config` may be NULL (all defaults). Returns 0, or -ENOMEM with *out untouched. */
int process_table_new(struct process_table **out, const struct process_table_config *config);
void process_table_free(struct process_table *t);
static inline void cleanup_process_table(struct process_table **t)
{
	process_table_free(*t);
}
#define _autoproctable_ _cleanup_(cleanup_process_table)

/*
 * Takes in a record: SEED, FORK, EXEC, EXIT and CHDIR change the table, the others only show that their process lives.
 * At least a header must be readable, and r->size bytes in all. Returns 0, -EBADMSG (malformed: refused and counted) or
 * -ENOMEM (counted; the table stays whole, without what the record said). Constant time on average, apart from the
 * entries that it lets go.
 */
int process_table_apply(struct process_table *t, const struct tercel_hdr *r);

/* The entry of that exec id, or NULL. May be PROCESS_UNSEEN. Constant time. */
const struct process *process_table_find(const struct process_table *t, struct tercel_exec_id id);

/*
 * Which image a thread (id in the initial pid namespace) belonged to at that CLOCK_BOOTTIME ns: also of threads and
 * processes that ended since (within the grace time), and right across reused ids. NULL if nobody known had the id
 * then. UINT64_MAX asks for the present.
 */
const struct process *process_table_at(const struct process_table *t, uint32_t tid, uint64_t ts);

/* The entry of the image that made the process; NULL if there is none or it was let go. May be PROCESS_UNSEEN. */
const struct process *process_parent(const struct process *p);

/* The name to show, escaped as below: comm at the exec or fork; "(4711)", the process id, if no name is known. */
void process_name(struct buf *b, const struct process *p);

/*
 * The chain of names, oldest first: "systemd>containerd-shim>python3>sh". At most `max_depth` names (0: all of them);
 * if some are left out or not known at the old end, it begins with "…>". Control characters, invalid UTF-8 and '>'
 * within a name are escaped as \xNN, so that a name cannot pose as two and cannot steer a terminal.
 */
void process_lineage(struct buf *b, const struct process *p, unsigned max_depth);

/* Tetragon's form of an exec id: base64 of "node:ktime:tgid". */
void process_exec_id_text(struct buf *b, const char *node, struct tercel_exec_id id);

struct process_table_stats {
	size_t processes, threads; /* entries now, ended ones included */
	size_t live;
	size_t bytes;             /* now, as counted against max_bytes */
	uint64_t malformed;       /* records refused */
	uint64_t no_memory;       /* records lost for want of memory */
	uint64_t evicted_ended;   /* let go before their grace time was over */
	uint64_t evicted_parents; /* ended, but with descendants: their lineages are cut */
	uint64_t evicted_live;    /* of living processes */
	uint64_t evicted_threads; /* living threads whose process is known: found by their process only */
	uint64_t missed_exits;    /* a process id came back without an exit in between */
	uint64_t missed_forks;    /* an exec or act of a process that nobody told of */
};

void process_table_stats(const struct process_table *t, struct process_table_stats *out);

#endif
