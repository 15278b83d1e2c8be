// SPDX-License-Identifier: Apache-2.0
/* Parses the files of /proc/PID. See proc_text.h. */
#include "sensor/proc_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- stat --------------------------------------------------------------------------------------------- */

/* Numbers of fields in proc(5), from the state (3) on. */
enum stat_field {
	STAT_PPID = 4,
	STAT_PGRP = 5,
	STAT_SESSION = 6,
	STAT_TTY = 7,
	STAT_FLAGS = 9,
	STAT_MINFLT = 10,
	STAT_MAJFLT = 12,
	STAT_STARTTIME = 22,
	STAT_FIELDS = 23,
};

/* new_encode_dev() of the kernel undone: the minor's low byte stays below the major. */
static uint32_t decode_dev(uint64_t dev)
{
	const uint64_t major = (dev & 0xfff00) >> 8, minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);

	return (uint32_t)(major << 20 | minor);
}

int proc_parse_stat(struct proc_stat *out, const char *text)
{
	/* The name may hold anything but a NUL, parentheses too; behind it are a letter and numbers. */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	uint64_t fields[STAT_FIELDS] = {0};
	size_t len;

	if (!open || !close || close < open || close[1] != ' ' || !close[2])
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	/* Of kernel workers the kernel shows more than the name. */
	len = (size_t)(close - open - 1);
	memcpy(out->comm, open + 1, len < sizeof(out->comm) ? len : sizeof(out->comm) - 1);
	out->state = close[2];
	text = close + 3;
	for (int i = STAT_PPID; i < STAT_FIELDS; i++) {
		char *end;

		fields[i] = strtoull(text, &end, 10);
		if (end == text)
			return -EINVAL;
		text = end;
	}
	out->ppid = (uint32_t)fields[STAT_PPID];
	out->pgid = (uint32_t)fields[STAT_PGRP];
	out->sid = (uint32_t)fields[STAT_SESSION];
	out->tty = decode_dev(fields[STAT_TTY]);
	out->flags = (uint32_t)fields[STAT_FLAGS];
	out->min_flt = fields[STAT_MINFLT];
	out->maj_flt = fields[STAT_MAJFLT];
	out->start_ticks = fields[STAT_STARTTIME];
	return 0;
}

/* ---- status ------------------------------------------------------------------------------------------- */

/* What follows "key:" at the beginning of a line; NULL if there is no such line. A name's newlines are escaped. */
static const char *value_of(const char *text, const char *key)
{
	const size_t len = strlen(key);

	while (text) {
		if (!strncmp(text, key, len) && text[len] == ':')
			return text + len + 1;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

/* The next number of the line, which *at then stands behind. */
static bool next_number(const char **at, int base, uint64_t *out)
{
	char *end;

	*at += strspn(*at, " \t");
	if (**at == '\n' || !**at)
		return false;
	*out = strtoull(*at, &end, base);
	if (end == *at)
		return false;
	*at = end;
	return true;
}

/* Real, effective, saved and file system id. */
static bool parse_ids(const char *text, const char *key, uint32_t *const out[4])
{
	const char *at = value_of(text, key);
	uint64_t n = 0;

	for (int i = 0; i < 4; i++) {
		if (!at || !next_number(&at, 10, &n))
			return false;
		*out[i] = (uint32_t)n;
	}
	return true;
}

static bool parse_caps(const char *text, const char *key, __u64 *out)
{
	const char *at = value_of(text, key);
	uint64_t n = 0;

	if (!at || !next_number(&at, 16, &n))
		return false;
	*out = n;
	return true;
}

/* An id in each namespace, from the reader's to the innermost: the last, and how many there are. */
static int parse_ns_id(const char *text, const char *key, uint32_t *out)
{
	const char *at = value_of(text, key);
	uint64_t n = 0;
	int count = 0;

	while (at && next_number(&at, 10, &n))
		count++;
	*out = (uint32_t)n;
	return count;
}

static uint32_t parse_kib(const char *text, const char *key)
{
	const char *at = value_of(text, key);
	uint64_t n = 0;

	return at && next_number(&at, 10, &n) ? (uint32_t)n : 0;
}

int proc_parse_status(struct proc_status *out, const char *text)
{
	struct tercel_creds *c = &out->creds;
	uint32_t *const uids[] = {&c->uid, &c->euid, &c->suid, &c->fsuid};
	uint32_t *const gids[] = {&c->gid, &c->egid, &c->sgid, &c->fsgid};
	int levels;

	memset(out, 0, sizeof(*out));
	if (!parse_ids(text, "Uid", uids) || !parse_ids(text, "Gid", gids) ||
	    !parse_caps(text, "CapInh", &c->cap_inheritable) || !parse_caps(text, "CapPrm", &c->cap_permitted) ||
	    !parse_caps(text, "CapEff", &c->cap_effective))
		return -EINVAL;
	levels = parse_ns_id(text, "NStgid", &out->vtgid);
	if (!levels || !parse_ns_id(text, "NSpid", &out->vtid) || !parse_ns_id(text, "NSpgid", &out->vpgid) ||
	    !parse_ns_id(text, "NSsid", &out->vsid))
		return -EINVAL;
	out->nested = levels > 1;
	out->vm_size = parse_kib(text, "VmSize");
	out->vm_rss = parse_kib(text, "VmRSS");
	out->vm_swap = parse_kib(text, "VmSwap");
	return 0;
}

bool proc_has_group(const char *status, uint32_t gid)
{
	const char *at = value_of(status, "Groups");
	uint64_t n = 0;

	while (at && next_number(&at, 10, &n))
		if (n == gid)
			return true;
	return false;
}

/* ---- cgroup, limits ----------------------------------------------------------------------------------- */

const char *proc_parse_cgroup(const char *text, uint32_t *len)
{
	/* "0::/path"; lines of the v1 hierarchies have other numbers. */
	const char *at = value_of(text, "0");

	if (!at || at[0] != ':' || at[1] != '/')
		return NULL;
	*len = (uint32_t)strcspn(++at, "\n");
	return at;
}

uint64_t proc_parse_fdlimit(const char *text)
{
	static const char name[] = "Max open files";
	const char *at = strstr(text, name);
	uint64_t n = 0;

	if (!at)
		return 0;
	at += sizeof(name) - 1;
	at += strspn(at, " ");
	if (!strncmp(at, "unlimited", 9))
		return UINT64_MAX;
	return next_number(&at, 10, &n) ? n : 0;
}
