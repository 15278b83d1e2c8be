/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "bpf/match.h"
#include "sensor/load.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "tercel.skel.h"
#pragma GCC diagnostic pop

static const char now[] = "now", next[] = "next";

/* The path of a set, from malloc(). */
static char *set_of(const char *dir, const char *set)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", dir, set) < 0 ? NULL : path;
}

/* "DIR/KIND/NAME" as the file system takes it: a dot in a name is reserved there. `dir` is a set's, from here on. */
static void make_path(struct buf *out, const char *dir, const char *kind, const char *name)
{
	buf_reset(out);
	buf_addf(out, "%s/%s%s", dir, kind, *kind ? "/" : "");
	for (; *name; name++)
		buf_addc(out, *name == '.' ? '_' : *name);
}

static int get_object(const char *dir, const char *kind, const char *name)
{
	_autobuf_ struct buf path = BUF_INIT;

	if (!dir)
		return -ENOMEM;
	make_path(&path, dir, kind, name);
	return buf_error(&path) ? -ENOMEM : bpf_obj_get(buf_str(&path));
}

static int pin_object(int fd, const char *dir, const char *kind, const char *name)
{
	_autobuf_ struct buf path = BUF_INIT;

	make_path(&path, dir, kind, name);
	return buf_error(&path) ? -ENOMEM : bpf_obj_pin(fd, buf_str(&path));
}

static void ring_name(char out[32], size_t i)
{
	(void)snprintf(out, 32, "ring_%zu", i);
}

/* ---- the place --------------------------------------------------------------------------------------------------- */

static int make_one(const char *dir, const char *kind)
{
	_autobuf_ struct buf path = BUF_INIT;

	make_path(&path, dir, kind, "");
	if (buf_error(&path))
		return -ENOMEM;
	return mkdir(buf_str(&path), S_IRWXU) && errno != EEXIST ? -errno : 0;
}

/* Whoever may write to a directory may exchange what is in it, but for what is another's where the sticky bit is. */
static bool is_safe(const struct stat *st)
{
	return (!st->st_uid || st->st_uid == geteuid()) &&
	       (!(st->st_mode & (S_IWGRP | S_IWOTH)) || st->st_mode & S_ISVTX);
}

static int refuse_place(const char *dir, const char *what, const struct stat *st, struct error *err)
{
	return error_set(
	        err, -EPERM,
	        "%s belongs to user %u and has mode %04o: others could exchange what is pinned at %s. Make it "
	        "root's alone (mount -t bpf -o mode=700 bpf /sys/fs/bpf), or name another place with --pin-dir",
	        what, st->st_uid, st->st_mode & 07777, dir);
}

/* All directories of the file system on the way to it; `path` is cut. */
static int check_way(const char *dir, char *path, struct error *err)
{
	struct stat st, first;

	if (stat(path, &first))
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	while (!stat(path, &st) && st.st_dev == first.st_dev) {
		char *slash = strrchr(path, '/');

		if (!is_safe(&st))
			return refuse_place(dir, path, &st, err);
		if (!slash || slash == path)
			break;
		*slash = '\0';
	}
	return 0;
}

static int check_place(const char *dir, struct error *err)
{
	_autofree_ char *above = strdup(dir), *real = NULL;
	char *slash = above ? strrchr(above, '/') : NULL;
	struct statfs fs;

	if (!above)
		return error_set(err, -ENOMEM, "out of memory");
	if (dir[0] != '/')
		return error_set(err, -EINVAL, "%s: an absolute path is needed for pins", dir);
	slash[slash == above] = '\0';
	if (statfs(above, &fs) || fs.f_type != BPF_FS_MAGIC)
		return error_set(err, -EOPNOTSUPP,
		                 "%s is not in a BPF file system: mount one (mount -t bpf -o mode=700 bpf "
		                 "/sys/fs/bpf), or name another place with --pin-dir",
		                 dir);
	real = realpath(above, NULL);
	return real ? check_way(dir, real, err) : error_set(err, -errno, "%s: %s", above, strerror(errno));
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* -ENOTEMPTY if the directory holds anything but these. */
static int check_holds(const char *path, const char *const *names, size_t n, struct error *err)
{
	DIR *d = opendir(path);
	int error = d || errno == ENOENT ? 0 : error_set(err, -errno, "%s: %s", path, strerror(errno));

	for (const struct dirent *e; d && !error && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && !is_one_of(e->d_name, names, n))
			error = error_set(
			        err, -ENOTEMPTY,
			        "%s holds '%s', which this version has not pinned: name a directory of our own "
			        "with --pin-dir",
			        path, e->d_name);
	if (d)
		(void)closedir(d);
	return error;
}

/* What says that the rest is whole goes first when a set is taken away, and what enforces goes next. */
static const char *const kinds[] = {"meta", "links", "maps", "names", "names_new"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* An operator may have named a directory where others pin. */
static int check_ours(const char *dir, struct error *err)
{
	static const char *const sets[] = {now, next};
	int error = check_holds(dir, sets, 2, err);

	for (size_t i = 0; !error && i < 2; i++) {
		_autofree_ char *set = set_of(dir, sets[i]);

		error = set ? check_holds(set, kinds, KINDS, err) : error_set(err, -ENOMEM, "out of memory");
	}
	return error;
}

/* Whether the locked directory is the one that has the name, and nobody else's. */
static int check_locked(const char *dir, int fd, struct error *err)
{
	struct stat st, named;

	if (fstat(fd, &st))
		return error_set(err, -errno, "%s: %s", dir, strerror(errno));
	if (lstat(dir, &named) || named.st_ino != st.st_ino || named.st_dev != st.st_dev)
		return error_set(err, -EBUSY, "%s was taken away or exchanged just now: try again", dir);
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return refuse_place(dir, dir, &st, err);
	return check_ours(dir, err);
}

int pins_lock(const char *dir, int *lock, struct error *err)
{
	_autoclose_ int fd = -1;
	int error = check_place(dir, err);

	if (error)
		return error;
	if (mkdir(dir, S_IRWXU) && errno != EEXIST)
		return error_set(err, -errno, "cannot make the directory %s: %s", dir, strerror(errno));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, -errno, "%s: %s", dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB))
		return error_set(err, -EBUSY,
		                 "another daemon pins at %s: end it first, or name the place that you mean with "
		                 "--pin-dir",
		                 dir);
	error = check_locked(dir, fd, err);
	if (!error)
		*lock = TAKE_FD(fd);
	return error;
}

/* ---- what a set is of -------------------------------------------------------------------------------------------- */

static int open_meta(const char *set)
{
	_autoclose_ int fd = get_object(set, "", "meta");
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int error = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &size);

	if (!error && (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(struct pins_meta)))
		error = -EINVAL;
	return error ? error : TAKE_FD(fd);
}

static int read_meta(const char *set, struct pins_meta *out)
{
	const uint32_t zero = 0;
	_autoclose_ int fd = open_meta(set);

	return fd < 0 ? fd : bpf_map_lookup_elem(fd, &zero, out);
}

static int save_meta(const char *set, const struct pins_meta *meta)
{
	const uint32_t zero = 0;
	_autoclose_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tercel_meta", sizeof(zero), sizeof(*meta), 1, NULL);
	int error = fd < 0 ? fd : bpf_map_update_elem(fd, &zero, meta, BPF_ANY);

	return error ? error : pin_object(fd, set, "", "meta");
}

/* Where the program is recorded, or else the first free place (`program` ""); -ENOSPC. */
static int find_program(const struct pins_meta *meta, const char *program)
{
	for (int i = 0; i < PINS_PROGRAMS_MAX; i++)
		if (!strncmp(meta->programs[i], program, PINS_NAME_MAX))
			return i;
	return -ENOSPC;
}

static int record_program(struct pins_meta *meta, const char *program)
{
	const int i = find_program(meta, "");

	if (i < 0 || strlen(program) >= PINS_NAME_MAX)
		return -ENOSPC;
	memcpy(meta->programs[i], program, strlen(program) + 1);
	return 0;
}

/* In the set that is in force. */
static int change_record(const char *set, const char *program, bool pinned)
{
	const uint32_t zero = 0;
	struct pins_meta meta;
	_autoclose_ int fd = open_meta(set);
	int error = fd < 0 ? fd : bpf_map_lookup_elem(fd, &zero, &meta), i;

	if (error)
		return error;
	i = find_program(&meta, program);
	if (pinned)
		error = i < 0 ? record_program(&meta, program) : 0;
	else if (i >= 0)
		memset(meta.programs[i], 0, PINS_NAME_MAX);
	return error ? error : bpf_map_update_elem(fd, &zero, &meta, BPF_ANY);
}

/* Whether it is the link of that program, and attached: of a cgroup's, somebody may have detached it. */
static int check_link(int fd, const char *program)
{
	struct bpf_link_info info = {0};
	struct bpf_prog_info of = {0};
	uint32_t size = sizeof(info), of_size = sizeof(of);
	_autoclose_ int prog = -1;
	int error = bpf_obj_get_info_by_fd(fd, &info, &size);

	if (error)
		return error;
	if (info.type == BPF_LINK_TYPE_CGROUP && !info.cgroup.cgroup_id)
		return -ENOLINK;
	prog = bpf_prog_get_fd_by_id(info.prog_id);
	error = prog < 0 ? prog : bpf_obj_get_info_by_fd(prog, &of, &of_size);
	if (error)
		return error;
	/* The kernel keeps so much of a program's name. */
	return strncmp(of.name, program, sizeof(of.name) - 1) != 0 ? -EINVAL : 0;
}

/* All that are recorded. -errno of the first that is not as it was; `program`: which. */
static int check_links(const char *set, const struct pins_meta *meta, const char **program)
{
	for (size_t i = 0; i < PINS_PROGRAMS_MAX; i++) {
		_autoclose_ int fd = -1;
		int error;

		if (!*meta->programs[i])
			continue;
		fd = get_object(set, "links", meta->programs[i]);
		error = fd < 0 ? fd : check_link(fd, meta->programs[i]);
		if (error) {
			*program = meta->programs[i];
			return error;
		}
	}
	return 0;
}

/* The look failed, and not what was looked at. */
static bool is_ours_to_blame(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EPERM || error == -EACCES;
}

int pins_are_in_force(const char *dir)
{
	_autofree_ char *set = set_of(dir, now);
	struct pins_meta meta;
	const char *program;
	int error = set ? read_meta(set, &meta) : -ENOMEM;

	if (!error)
		error = check_links(set, &meta, &program);
	else if (error == -EINVAL)
		return error;
	return !error ? 1 : is_ours_to_blame(error) ? error : 0;
}

/* ---- going on with what is there --------------------------------------------------------------------------------- */

static bool is_same_kind(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

/* Whether the constants that the pinned programs were verified with are those of `l`. */
static bool has_same_constants(const struct load *l, int fd)
{
	size_t size = 0;
	const void *wanted = bpf_map__initial_value(l->skel->maps.rodata, &size);
	_autofree_ void *pinned = malloc(bpf_map__value_size(l->skel->maps.rodata));
	const uint32_t zero = 0;

	return wanted && pinned && !bpf_map_lookup_elem(fd, &zero, pinned) && !memcmp(wanted, pinned, size);
}

static int check_map(const char *set, const struct load *l, const struct bpf_map *map)
{
	_autoclose_ int fd = get_object(set, "maps", bpf_map__name(map));

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return is_same_kind(map, fd) && (map != l->skel->maps.rodata || has_same_constants(l, fd));
}

static int check_maps(const char *set, const struct load *l, struct error *why)
{
	struct bpf_map *map;
	int same = 1;

	bpf_object__for_each_map(map, l->obj)
	{
		if (same > 0)
			same = check_map(set, l, map);
		if (!same && !why->text[0])
			(void)error_set(why, 0, "its map %s is not there, or of another configuration",
			                bpf_map__name(map));
	}
	return same;
}

/* 1: it can be gone on with; 0: `why` says why not, if there is anything; -errno. */
static int check_set(const char *set, const struct load *l, const struct pins_of *of, struct error *why)
{
	struct pins_meta pinned;
	const char *program = "";
	int error = read_meta(set, &pinned);

	if (error && access(set, F_OK))
		return 0;
	if (error == -ENOENT)
		(void)error_set(why, 0, "it was left half made or half removed");
	else if (error || pinned.of.build != of->build)
		(void)error_set(why, 0, "it is of another version");
	else if (memcmp(&pinned.of, of, sizeof(*of)) != 0)
		(void)error_set(why, 0, "it is of another configuration");
	if (error || why->text[0])
		return 0;
	error = check_links(set, &pinned, &program);
	if (is_ours_to_blame(error))
		return error;
	if (!error)
		return check_maps(set, l, why);
	(void)error_set(why, 0, "it is not whole: its program %s is not attached any more (%s)", program,
	                strerror(-error));
	return 0;
}

int pins_share_maps(const char *dir, struct load *l, const struct pins_of *of, struct error *why)
{
	_autofree_ char *set = set_of(dir, now);
	struct bpf_map *map;
	int same = set ? check_set(set, l, of, why) : -ENOMEM;

	if (same <= 0)
		return same;
	bpf_object__for_each_map(map, l->obj)
	{
		_autoclose_ int fd = get_object(set, "maps", bpf_map__name(map));
		int error = fd < 0 ? fd : bpf_map__reuse_fd(map, fd);

		if (error)
			return error;
	}
	return 1;
}

static int open_rings(const char *set, struct load *l, const struct pins_of *of)
{
	for (size_t i = 0; i < of->rings; i++) {
		char name[32];

		ring_name(name, i);
		l->ring_fds[i] = get_object(set, "maps", name);
		if (l->ring_fds[i] < 0)
			return l->ring_fds[i];
		l->ring_sizes[i] = of->ring_bytes;
	}
	return 0;
}

int pins_open_rest(const char *dir, struct load *l, const struct pins_of *of)
{
	_autofree_ char *set = set_of(dir, now);
	_autobuf_ struct buf path = BUF_INIT;
	struct pins_meta meta;
	struct bpf_program *p;
	int error = set ? open_rings(set, l, of) : -ENOMEM;

	if (!error)
		error = read_meta(set, &meta);
	bpf_object__for_each_program(p, l->obj)
	{
		struct bpf_link *link;

		make_path(&path, set, "links", bpf_program__name(p));
		if (!error && find_program(&meta, bpf_program__name(p)) >= 0) {
			link = bpf_link__open(buf_str(&path));
			error = link ? load_take_link(l, link, bpf_program__name(p)) : -errno;
		} else if (!error) {
			/* Of a daemon that was ended as it added a decision point, or took one away. */
			(void)unlink(buf_str(&path));
		}
	}
	return error;
}

void pins_open_verdicts(const char *dir, struct pins_verdicts *out)
{
	_autofree_ char *set = set_of(dir, now);
	struct pins_meta meta;

	out->ring = get_object(set, "maps", "verdicts");
	out->underway = get_object(set, "maps", "underway");
	out->fit = out->underway >= 0 && !read_meta(set, &meta) && meta.of.verdicts == PINS_VERDICTS_VERSION;
}

/* ---- pinning ----------------------------------------------------------------------------------------------------- */

static int save_maps(const char *set, const struct load *l)
{
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map(map, l->obj)
	{
		if (!error)
			error = pin_object(bpf_map__fd(map), set, "maps", bpf_map__name(map));
	}
	for (size_t i = 0; !error && i + 1 < l->ring_count; i++) {
		char name[32];

		ring_name(name, i);
		error = pin_object(l->ring_fds[i], set, "maps", name);
	}
	return error;
}

static void unlink_link(const char *set, const char *program)
{
	_autobuf_ struct buf path = BUF_INIT;

	make_path(&path, set, "links", program);
	(void)unlink(buf_str(&path));
}

/* What is recorded must be there: so it is recorded after it is pinned, and no more before it is taken away. */
int pins_save_link(const char *dir, struct bpf_link *link, const char *program, struct error *err)
{
	_autofree_ char *set = set_of(dir, now);
	int error = set ? pin_object(bpf_link__fd(link), set, "links", program) : -ENOMEM;

	if (!error) {
		error = change_record(set, program, true);
		if (error)
			unlink_link(set, program);
	}
	return error ? error_set(err, error, "cannot pin the link of %s below %s: %s", program, dir, strerror(-error))
	             : 0;
}

void pins_remove_link(const char *dir, const char *program)
{
	_autofree_ char *set = set_of(dir, now);

	if (!set)
		return;
	(void)change_record(set, program, false);
	unlink_link(set, program);
}

static int save_links(const char *set, const struct load *l, struct pins_meta *meta)
{
	const char *program;
	int error = 0;

	for (size_t i = 0; !error && i < load_links(l); i++) {
		struct bpf_link *link = load_link(l, i, &program);

		if (link)
			error = pin_object(bpf_link__fd(link), set, "links", program);
		if (link && !error)
			error = record_program(meta, program);
	}
	return error;
}

static int save_names(const char *set, const struct pins_names *names);
static int remove_set(const char *dir, const char *name, struct error *err);

static int save_set(const char *set, const struct load *l, const struct pins_of *of, const struct pins_names *names)
{
	struct pins_meta meta = {.of = *of};
	int error = make_one(set, "");

	if (!error)
		error = make_one(set, "maps");
	if (!error)
		error = make_one(set, "links");
	if (!error)
		error = save_maps(set, l);
	if (!error)
		error = save_links(set, l, &meta);
	if (!error && names->bytes)
		error = save_names(set, names);
	return error ? error : save_meta(set, &meta);
}

/* In one instant. */
static int exchange_sets(const char *dir)
{
	_autofree_ char *from = set_of(dir, next), *to = set_of(dir, now);

	if (!from || !to)
		return -ENOMEM;
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE))
		return 0;
	return errno == ENOENT && !rename(from, to) ? 0 : -errno;
}

int pins_save(const char *dir, const struct load *l, const struct pins_of *of, const struct pins_names *names,
              bool *done, struct error *err)
{
	_autofree_ char *set = set_of(dir, next);
	struct error ignored;
	int error = pins_remove_former(dir, err);

	*done = false;
	if (error < 0)
		return error;
	error = set ? save_set(set, l, of, names) : -ENOMEM;
	if (!error)
		error = exchange_sets(dir);
	if (error) {
		(void)remove_set(dir, next, &ignored);
		return error_set(err, error, "cannot pin below %s: %s", dir, strerror(-error));
	}
	*done = true;
	error = pins_remove_former(dir, err);
	return error < 0 ? error : 0;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The bytes with their length before them: of none at all there could be no map. */
static int save_names(const char *set, const struct pins_names *names)
{
	const uint32_t zero = 0;
	const uint64_t len = names->size;
	_autobuf_ struct buf value = BUF_INIT, path = BUF_INIT, new_path = BUF_INIT;
	_autoclose_ int fd = -1;
	int error;

	buf_add(&value, &len, sizeof(len));
	buf_add(&value, names->bytes, names->size);
	make_path(&path, set, "", "names");
	make_path(&new_path, set, "", "names_new");
	if (buf_error(&value) || buf_error(&path) || buf_error(&new_path))
		return -ENOMEM;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tercel_names", sizeof(zero), (uint32_t)value.len, 1, NULL);
	error = fd < 0 ? fd : bpf_map_update_elem(fd, &zero, value.data, BPF_ANY);
	if (error)
		return error;
	(void)unlink(buf_str(&new_path));
	error = bpf_obj_pin(fd, buf_str(&new_path));
	return error ? error : rename(buf_str(&new_path), buf_str(&path)) ? -errno : 0;
}

int pins_save_names(const char *dir, const struct pins_names *names)
{
	_autofree_ char *set = set_of(dir, now);

	return set ? save_names(set, names) : -ENOMEM;
}

int pins_read_names(const char *dir, void **out, size_t *size)
{
	const uint32_t zero = 0;
	_autofree_ char *set = set_of(dir, now);
	_autoclose_ int fd = get_object(set, "", "names");
	struct bpf_map_info info = {0};
	uint32_t info_size = sizeof(info);
	_autofree_ char *value = NULL;
	uint64_t len = 0;
	int error = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &info_size);

	if (error)
		return error;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size < sizeof(len))
		return -EINVAL;
	value = malloc(info.value_size);
	error = value ? bpf_map_lookup_elem(fd, &zero, value) : -ENOMEM;
	if (error)
		return error;
	memcpy(&len, value, sizeof(len));
	if (len > info.value_size - sizeof(len))
		return -EINVAL;
	memmove(value, value + sizeof(len), (size_t)len);
	*out = TAKE_PTR(value);
	*size = (size_t)len;
	return 0;
}

/* ---- the policy -------------------------------------------------------------------------------------------------- */

int pins_read_generation(const char *dir, uint32_t *out)
{
	const uint32_t zero = 0;
	_autofree_ char *set = set_of(dir, now);
	_autoclose_ int outer = get_object(set, "maps", "policy"), inner = -1;
	_autofree_ void *image = NULL;
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), id = 0;
	int error = outer < 0 ? outer : bpf_map_lookup_elem(outer, &zero, &id);

	*out = 0;
	if (error)
		return error == -ENOENT ? 0 : error;
	inner = bpf_map_get_fd_by_id(id);
	error = inner < 0 ? inner : bpf_obj_get_info_by_fd(inner, &info, &size);
	if (error)
		return error;
	image = info.value_size >= sizeof(struct match_header) ? malloc(info.value_size) : NULL;
	if (!image)
		return info.value_size < sizeof(struct match_header) ? 0 : -ENOMEM;
	error = bpf_map_lookup_elem(inner, &zero, image);
	if (!error && ((struct match_header *)image)->magic == TERCEL_IMAGE_MAGIC &&
	    ((struct match_header *)image)->version == TERCEL_IMAGE_VERSION)
		*out = ((struct match_header *)image)->generation;
	return error;
}

/* ---- taking away ------------------------------------------------------------------------------------------------- */

/* Those behind the links of a set. */
struct programs {
	uint32_t ids[PINS_PROGRAMS_MAX];
	size_t count;
};

static void find_programs(const char *set, struct programs *out)
{
	_autofree_ char *links = set_of(set, "links");
	DIR *d = links ? opendir(links) : NULL;

	for (const struct dirent *e; d && out->count < PINS_PROGRAMS_MAX && (e = readdir(d));) {
		_autoclose_ int fd = *e->d_name == '.' ? -1 : get_object(set, "links", e->d_name);
		struct bpf_link_info info = {0};
		uint32_t size = sizeof(info);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
			out->ids[out->count++] = info.prog_id;
	}
	if (d)
		(void)closedir(d);
}

#define GONE_TRIES 2000
#define GONE_PAUSE_NS 1000000

/*
 * The kernel detaches a program some time after its link was taken away: until then it decides. Those of our own, which
 * are held by this process as well, must not be waited for. A longer time than this is nobody's but of a process that
 * holds a link.
 */
static void wait_for_programs(const struct programs *gone)
{
	const struct timespec pause = {.tv_nsec = GONE_PAUSE_NS};
	size_t i = 0;

	for (int tries = 0; i < gone->count && tries < GONE_TRIES;) {
		_autoclose_ int fd = bpf_prog_get_fd_by_id(gone->ids[i]);

		if (fd < 0) {
			i++;
		} else {
			cleanup_close(&fd);
			fd = -1;
			(void)nanosleep(&pause, NULL);
			tries++;
		}
	}
}

/* A pin, or a directory of pins and nothing else. */
static int remove_kind(const char *path, int *removed)
{
	DIR *d = NULL;
	int error = 0, at;

	if (!unlink(path)) {
		(*removed)++;
		return 0;
	}
	if (errno != EISDIR && errno != EPERM)
		return errno == ENOENT ? 0 : -errno;
	at = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = at < 0 ? NULL : fdopendir(at);
	if (!d) {
		error = -errno;
		cleanup_close(&at);
		return error;
	}
	for (const struct dirent *e; (e = readdir(d));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!unlinkat(at, e->d_name, 0))
			(*removed)++;
		else
			error = -errno;
	}
	(void)closedir(d);
	return !error && rmdir(path) ? -errno : error;
}

static int remove_set(const char *dir, const char *name, struct error *err)
{
	_autofree_ char *set = set_of(dir, name);
	_autobuf_ struct buf path = BUF_INIT;
	int removed = 0, error = set ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < KINDS; i++) {
		make_path(&path, set, "", kinds[i]);
		error = buf_error(&path) ? -ENOMEM : remove_kind(buf_str(&path), &removed);
	}
	if (!error && rmdir(set) && errno != ENOENT)
		error = -errno;
	return error ? error_set(err, error, "cannot remove all of %s/%s: %s", dir, name, strerror(-error)) : removed;
}

int pins_remove_former(const char *dir, struct error *err)
{
	_autofree_ char *set = set_of(dir, next);
	struct programs gone = {0};
	int removed;

	if (set)
		find_programs(set, &gone);
	removed = remove_set(dir, next, err);
	if (removed > 0)
		wait_for_programs(&gone);
	return removed;
}

int pins_remove(const char *dir, struct error *err)
{
	const int former = remove_set(dir, next, err), removed = former < 0 ? former : remove_set(dir, now, err);

	return removed < 0 ? removed : former + removed;
}

int pins_remove_and_wait(const char *dir, struct error *err)
{
	_autofree_ char *set = set_of(dir, now);
	struct programs gone = {0};
	int former, removed;

	if (set)
		find_programs(set, &gone);
	former = pins_remove_former(dir, err);
	removed = former < 0 ? former : remove_set(dir, now, err);
	if (removed > 0)
		wait_for_programs(&gone);
	return removed < 0 ? removed : former + removed;
}

void pins_remove_empty(const char *dir)
{
	(void)rmdir(dir);
}
