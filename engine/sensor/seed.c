// SPDX-License-Identifier: Apache-2.0
/* Collects SEED records. See seed.h. */
#include "sensor/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "sensor/seed_proc.h"

void seed_free(struct seed *s)
{
	free(s->bytes);
	free(s->order);
	*s = (struct seed){0};
}

const struct tercel_hdr *seed_next(struct seed *s)
{
	if (s->next < s->count)
		return s->order[s->next++];
	seed_free(s);
	return NULL;
}

void *seed_room(struct seed *s)
{
	size_t cap = s->cap ? s->cap : 1 << 20;
	uint8_t *bytes;

	while (cap < s->len + TERCEL_RECORD_MAX)
		cap *= 2;
	if (cap != s->cap) {
		bytes = realloc(s->bytes, cap);
		if (!bytes)
			return NULL;
		s->bytes = bytes;
		s->cap = cap;
	}
	return s->bytes + s->len;
}

void seed_append(struct seed *s)
{
	const struct tercel_hdr *hdr = (const struct tercel_hdr *)(const void *)(s->bytes + s->len);

	s->len += seed_aligned(hdr->size);
	s->count++;
}

/* ---- /proc -------------------------------------------------------------------------------------------- */

/* Reads up to `max` bytes of a file of a process; sets *cut if there are more. Returns the count, or -errno. */
static ssize_t read_proc(int dir, const char *name, uint8_t *to, size_t max, bool *cut)
{
	_autoclose_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	uint8_t extra;

	if (fd < 0)
		return -errno;
	while (len < max) {
		const ssize_t n = read(fd, to + len, max - len);

		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)len;
		len += (size_t)n;
	}
	*cut = read(fd, &extra, 1) == 1;
	return (ssize_t)len;
}

static void add_bytes(struct tercel_hdr *hdr, struct tercel_span *span, size_t len)
{
	span->off = hdr->size;
	span->len = (uint32_t)len;
	hdr->size += (uint32_t)len;
}

static void add_file(struct tercel_exec *e, int dir, const char *name, struct tercel_span *span, size_t max,
                     uint32_t cut_flag, uint32_t fault_flag)
{
	bool cut = false;
	const ssize_t n = read_proc(dir, name, (uint8_t *)e + e->hdr.size, max, &cut);

	if (n < 0) {
		e->hdr.flags |= fault_flag;
		return;
	}
	if (cut)
		e->hdr.flags |= cut_flag;
	add_bytes(&e->hdr, span, (size_t)n);
}

/* The link's text is in the root of this process, and marked when the directory is gone. */
static void add_cwd(struct tercel_exec *e, int dir)
{
	const ssize_t n = readlinkat(dir, "cwd", (char *)e + e->hdr.size, TERCEL_PATH_MAX);

	if (n > 0)
		add_bytes(&e->hdr, &e->cwd, (size_t)n);
	if (n <= 0 || n == TERCEL_PATH_MAX)
		e->hdr.flags |= TERCEL_F_TRUNC_CWD;
}

static uint32_t count_args(const struct tercel_exec *e)
{
	const uint8_t *args = (const uint8_t *)e + e->args.off;
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->args.len; i++)
		n += args[i] == '\0';
	return n;
}

void seed_add_strings(struct tercel_exec *e, int dir)
{
	if (dir < 0) {
		e->hdr.flags |= TERCEL_F_FAULT_ARGS | TERCEL_F_TRUNC_CWD;
		return;
	}
	add_file(e, dir, "cmdline", &e->args, TERCEL_ARGS_MAX, TERCEL_F_TRUNC_ARGS, TERCEL_F_FAULT_ARGS);
	add_cwd(e, dir);
	e->argc = count_args(e);
}

/*
 * The number of the process in our /proc; 0: it has none there, or it is not known to be that process's. In the initial
 * pid namespace numbers are the record's; in a private one, only processes of that very namespace are looked at.
 */
static uint32_t number_of(const struct tercel_exec *e, int proc_dir, const struct seed_maps *maps)
{
	struct stat own, shown;

	if (maps->pidns == SENSOR_PIDNS_INITIAL)
		return e->hdr.tgid;
	if (proc_dir < 0 || stat("/proc/self/ns/pid", &own) || fstatat(proc_dir, "1/ns/pid", &shown, 0))
		return 0;
	return own.st_ino == shown.st_ino && e->proc.pidns == own.st_ino ? e->proc.vtgid : 0;
}

/* Whether the process has executed another program since the iterator saw it: what was read then is not of this image.
 * One that has no record has ended, or never got one; then nothing is kept either. */
static bool has_moved_on(const struct tercel_exec *e, const struct seed_maps *maps)
{
	struct tercel_proc now;

	return !bpf_map_lookup_elem(maps->procs, &e->hdr.tgid, &now) &&
	       (now.exec_id.ktime != e->proc.exec_id.ktime || now.exec_id.tgid != e->proc.exec_id.tgid);
}

/* What the iterator could not read from another process's memory. A process that ended meanwhile gets fault flags. */
static void add_memory(struct tercel_exec *e, int proc_dir, const struct seed_maps *maps)
{
	const uint32_t size = e->hdr.size, flags = e->hdr.flags, number = number_of(e, proc_dir, maps);
	_autoclose_ int dir = -1;
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", number);
	dir = proc_dir < 0 || !number ? -1 : openat(proc_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	seed_add_strings(e, dir);
	if (dir < 0)
		e->hdr.flags |= TERCEL_F_FAULT_ENV;
	else
		add_file(e, dir, "environ", &e->env, TERCEL_ENV_MAX, TERCEL_F_TRUNC_ENV, TERCEL_F_FAULT_ENV);
	if (!has_moved_on(e, maps))
		return;
	e->hdr.size = size;
	e->hdr.flags = flags | TERCEL_F_FAULT_ARGS | TERCEL_F_FAULT_ENV | TERCEL_F_TRUNC_CWD;
	e->args = e->env = e->cwd = (struct tercel_span){0};
	e->argc = 0;
}

/* ---- the kernel's strings ----------------------------------------------------------------------------- */

/*
 * Keeps path and arguments for decisions. The kernel made the count when it made the process record; if that is gone by
 * now, so are all processes of this image, and nobody would delete the strings: hence the second look.
 */
void seed_keep_image(const struct tercel_exec *e, const struct seed_maps *maps, struct tercel_image_large *image)
{
	const struct tercel_exec_id *id = &e->proc.image_id;
	const size_t data = e->exe_path.len + e->args.len;
	const int fd = data <= TERCEL_IMAGE_SMALL_DATA ? maps->images_small : maps->images_large;
	uint32_t refs;

	image->head.made = 0;
	image->head.flags = e->hdr.flags & (TERCEL_F_TRUNC_ARGS | TERCEL_F_TRUNC_PATH | TERCEL_F_FAULT_ARGS |
	                                    TERCEL_F_FAULT_PATH | TERCEL_F_PATH_DELETED);
	image->head.size = (uint32_t)(sizeof(image->head) + data);
	image->head.exe_path = (struct tercel_span){sizeof(image->head), e->exe_path.len};
	image->head.args = (struct tercel_span){(uint32_t)sizeof(image->head) + e->exe_path.len, e->args.len};
	memcpy(image->data, (const uint8_t *)e + e->exe_path.off, e->exe_path.len);
	memcpy(image->data + e->exe_path.len, (const uint8_t *)e + e->args.off, e->args.len);
	if (bpf_map_lookup_elem(maps->image_refs, id, &refs))
		return;
	if (fd == maps->images_large)
		(void)bpf_map_delete_elem(maps->images_small, id);
	(void)bpf_map_update_elem(fd, id, image, BPF_ANY);
	if (bpf_map_lookup_elem(maps->image_refs, id, &refs))
		(void)bpf_map_delete_elem(fd, id);
}

/* ---- the iterator's output ---------------------------------------------------------------------------- */

/* Appends one record, with room for what /proc adds. */
static int add_record(struct seed *s, const struct tercel_hdr *hdr, int proc_dir, const struct seed_maps *maps,
                      struct tercel_image_large *image)
{
	struct tercel_exec *e = seed_room(s);

	if (!e)
		return -ENOMEM;
	memcpy(e, hdr, hdr->size);
	if (hdr->type == TERCEL_SEED && hdr->tid == hdr->tgid && !(e->proc.proc_flags & TERCEL_PROC_KTHREAD)) {
		add_memory(e, proc_dir, maps);
		seed_keep_image(e, maps, image);
	}
	seed_append(s);
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct tercel_hdr *x = *(const struct tercel_hdr *const *)a, *y = *(const struct tercel_hdr *const *)b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	/* A thread group's leader before its threads, a cgroup before who is in it: memory order. */
	return x < y ? -1 : 1;
}

static int sort_records(struct seed *s)
{
	size_t at = 0;

	s->order = calloc(s->count + 1, sizeof(*s->order));
	if (!s->order)
		return -ENOMEM;
	for (size_t i = 0; i < s->count; i++) {
		s->order[i] = (const struct tercel_hdr *)(const void *)(s->bytes + at);
		at += seed_aligned(s->order[i]->size);
	}
	qsort(s->order, s->count, sizeof(*s->order), by_time);
	return 0;
}

/* The whole output of the iterator. */
static int read_all(int fd, uint8_t **out, size_t *out_len)
{
	_autofree_ uint8_t *bytes = NULL;
	size_t len = 0, cap = 0;
	ssize_t n;

	do {
		if (cap - len < TERCEL_RECORD_MAX) {
			uint8_t *more = realloc(bytes, cap + (1 << 20));

			if (!more)
				return -ENOMEM;
			bytes = more;
			cap += 1 << 20;
		}
		n = read(fd, bytes + len, cap - len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0)
			len += (size_t)n;
	} while (n);
	*out = TAKE_PTR(bytes);
	*out_len = len;
	return 0;
}

static int collect(struct seed *s, const uint8_t *bytes, size_t len, const struct seed_maps *maps)
{
	_autofree_ struct tercel_image_large *image = calloc(1, sizeof(*image));
	_autofree_ uint8_t *one = malloc(TERCEL_RECORD_MAX);
	_autoclose_ int proc_dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!image || !one)
		return -ENOMEM;
	while (len >= sizeof(struct tercel_hdr)) {
		struct tercel_hdr hdr;
		int err;

		/* Records follow each other without padding. */
		memcpy(&hdr, bytes, sizeof(hdr));
		if (hdr.size < sizeof(hdr) || hdr.size > len || hdr.size > TERCEL_RECORD_MAX)
			return -EPROTO;
		memcpy(one, bytes, hdr.size);
		err = add_record(s, (const struct tercel_hdr *)(const void *)one, proc_dir, maps, image);
		if (err)
			return err;
		bytes += hdr.size;
		len -= hdr.size;
	}
	return 0;
}

int seed_collect(struct seed *out, int iter_link_fd, const struct seed_maps *maps, struct error *err)
{
	_autoclose_ int fd = bpf_iter_create(iter_link_fd);
	_autofree_ uint8_t *bytes = NULL;
	struct seed s = {0};
	size_t len = 0;
	int code;

	if (fd < 0)
		return error_set(err, fd, "cannot open the task iterator: %s", strerror(-fd));
	code = read_all(fd, &bytes, &len);
	if (!code)
		code = collect(&s, bytes, len, maps);
	if (!code)
		code = seed_proc_collect(&s, maps);
	if (!code)
		code = sort_records(&s);
	if (code) {
		seed_free(&s);
		return error_set(err, code, "cannot read the processes that run already: %s", strerror(-code));
	}
	*out = s;
	return 0;
}
