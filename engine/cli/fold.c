/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/* Of as many different verdicts it is known when they were told; two that share a slot take turns, and are all told. */
#define SLOTS 256

struct slot {
	struct tercel_verdict *last; /* owned; NULL: the slot is free */
	size_t room;                 /* allocated for it */
	uint64_t begin;              /* of its second */
	uint32_t seen;               /* in it */
	uint64_t waiting;            /* of them, those that were not told */
};

struct fold {
	struct slot slots[SLOTS];
	size_t waiting; /* slots that have something to tell */
	fold_tell *tell;
	void *ctx;
	uint64_t count;
};

int fold_new(struct fold **out, fold_tell *tell, void *ctx)
{
	struct fold *f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->tell = tell;
	f->ctx = ctx;
	*out = f;
	return 0;
}

void fold_free(struct fold *f)
{
	for (size_t i = 0; f && i < SLOTS; i++)
		free(f->slots[i].last);
	free(f);
}

/* What a verdict says: all of it but its header, of which only the process matters. */
static const char *said(const struct tercel_verdict *v, size_t *len)
{
	*len = v->hdr.size - sizeof(v->hdr);
	return (const char *)v + sizeof(v->hdr);
}

static bool same_process(const struct tercel_verdict *v, const struct tercel_exec_id *id)
{
	return v->hdr.exec_id.ktime == id->ktime && v->hdr.exec_id.tgid == id->tgid;
}

static bool same(const struct tercel_verdict *a, const struct tercel_verdict *b)
{
	size_t len, other;
	const char *x = said(a, &len), *y = said(b, &other);
	return len == other && a->hdr.tgid == b->hdr.tgid && same_process(a, &b->hdr.exec_id) && !memcmp(x, y, len);
}

static struct slot *slot_of(struct fold *f, const struct tercel_verdict *v)
{
	size_t len;
	const char *bytes = said(v, &len);
	const uint64_t hash = table_hash(bytes, len) ^ table_hash(&v->hdr.exec_id, sizeof(v->hdr.exec_id));
	return &f->slots[hash % SLOTS];
}

static void settle(struct fold *f, struct slot *s)
{
	if (!s->waiting)
		return;
	f->waiting--;
	f->count += s->waiting - 1;
	f->tell(f->ctx, s->last, s->waiting - 1);
	s->waiting = 0;
}

/* False without memory: then nothing of it is known. */
static bool remember(struct slot *s, const struct tercel_verdict *v)
{
	if (s->room < v->hdr.size) {
		struct tercel_verdict *larger = realloc(s->last, v->hdr.size);
		if (!larger)
			return false;
		s->last = larger;
		s->room = v->hdr.size;
	}
	memcpy(s->last, v, v->hdr.size);
	return true;
}

void fold_take(struct fold *f, const struct tercel_verdict *v)
{
	struct slot *s = slot_of(f, v);
	const bool again = s->last && s->seen && same(s->last, v) && v->hdr.ts < s->begin + FOLD_NS;
	if (!again) {
		settle(f, s);
		s->begin = v->hdr.ts;
		s->seen = 0;
	}
	if (s->seen < FOLD_AFTER) {
		f->tell(f->ctx, v, 0);
		s->seen = again || remember(s, v) ? s->seen + 1 : 0;
		return;
	}
	f->waiting += !s->waiting;
	s->waiting++;
	s->last->hdr = v->hdr;
}

static void settle_all(struct fold *f, uint64_t until)
{
	for (size_t i = 0; f->waiting && i < SLOTS; i++)
		if (f->slots[i].waiting && f->slots[i].begin <= until)
			settle(f, &f->slots[i]);
}

void fold_tick(struct fold *f, uint64_t now)
{
	if (now >= FOLD_NS)
		settle_all(f, now - FOLD_NS);
}

void fold_end(struct fold *f)
{
	settle_all(f, UINT64_MAX);
}

void fold_end_process(struct fold *f, struct tercel_exec_id id)
{
	for (size_t i = 0; f->waiting && i < SLOTS; i++)
		if (f->slots[i].waiting && same_process(f->slots[i].last, &id))
			settle(f, &f->slots[i]);
}

uint64_t fold_count(const struct fold *f)
{
	return f->count;
}
