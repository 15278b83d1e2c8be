/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
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

/* "DIR/KIND/NAME" as the file system takes it: a dot in a name is reserved there. */
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

static int check_place(const char *dir, struct error *err)
{
	_autofree_ char *above = strdup(dir);
	char *slash = above ? strrchr(above, '/') : NULL;
	struct statfs fs;

	if (!above)
		return error_set(err, -ENOMEM, "out of memory");
	if (dir[0] != '/')
		return error_set(err, -EINVAL, "%s: an absolute path is needed for pins", dir);
	slash[slash == above] = '\0';
	if (statfs(above, &fs) || fs.f_type != BPF_FS_MAGIC)
		return error_set(err, -EOPNOTSUPP,
		                 "%s is not in a BPF file system: mount one (mount -t bpf bpf /sys/fs/bpf), or name "
		                 "another place with --pin-dir",
		                 dir);
	return 0;
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
		                 "another daemon pins at %s: end it first, or name another place with --pin-dir", dir);
	*lock = TAKE_FD(fd);
	return 0;
}

static int read_meta(const char *dir, struct pins_meta *out)
{
	const uint32_t zero = 0;
	_autoclose_ int fd = get_object(dir, "", "meta");
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int error = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &size);

	if (!error && (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(*out)))
		error = -EINVAL;
	return error ? error : bpf_map_lookup_elem(fd, &zero, out);
}

static int save_meta(const char *dir, const struct pins_meta *meta)
{
	const uint32_t zero = 0;
	_autoclose_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tercel_meta", sizeof(zero), sizeof(*meta), 1, NULL);
	int error = fd < 0 ? fd : bpf_map_update_elem(fd, &zero, meta, BPF_ANY);

	return error ? error : pin_object(fd, dir, "", "meta");
}

bool pins_exist(const char *dir)
{
	struct pins_meta meta;
	const int error = read_meta(dir, &meta);

	/* Of another version: something all the same. */
	return !error || error == -EINVAL;
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

static int check_map(const char *dir, const struct load *l, const struct bpf_map *map)
{
	_autoclose_ int fd = get_object(dir, "maps", bpf_map__name(map));

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return is_same_kind(map, fd) && (map != l->skel->maps.rodata || has_same_constants(l, fd));
}

int pins_share_maps(const char *dir, struct load *l, const struct pins_meta *meta)
{
	struct pins_meta pinned;
	struct bpf_map *map;
	int same = read_meta(dir, &pinned) ? 0 : !memcmp(&pinned, meta, sizeof(pinned));

	bpf_object__for_each_map(map, l->obj)
	{
		if (same > 0)
			same = check_map(dir, l, map);
	}
	if (same <= 0)
		return same;
	bpf_object__for_each_map(map, l->obj)
	{
		_autoclose_ int fd = get_object(dir, "maps", bpf_map__name(map));
		int error = fd < 0 ? fd : bpf_map__reuse_fd(map, fd);

		if (error)
			return error;
	}
	return 1;
}

static int open_rings(const char *dir, struct load *l, const struct pins_meta *meta)
{
	for (size_t i = 0; i < meta->rings; i++) {
		char name[32];

		ring_name(name, i);
		l->ring_fds[i] = get_object(dir, "maps", name);
		if (l->ring_fds[i] < 0)
			return l->ring_fds[i];
		l->ring_sizes[i] = meta->ring_bytes;
	}
	return 0;
}

int pins_open_rest(const char *dir, struct load *l, const struct pins_meta *meta)
{
	_autobuf_ struct buf path = BUF_INIT;
	struct bpf_program *p;
	int error = open_rings(dir, l, meta);

	bpf_object__for_each_program(p, l->obj)
	{
		struct bpf_link *link;

		make_path(&path, dir, "links", bpf_program__name(p));
		if (error || access(buf_str(&path), F_OK))
			continue;
		link = bpf_link__open(buf_str(&path));
		error = link ? load_take_link(l, link, bpf_program__name(p)) : -errno;
	}
	return error;
}

/* ---- pinning ----------------------------------------------------------------------------------------------------- */

static int save_maps(const char *dir, const struct load *l)
{
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map(map, l->obj)
	{
		if (!error)
			error = pin_object(bpf_map__fd(map), dir, "maps", bpf_map__name(map));
	}
	for (size_t i = 0; !error && i + 1 < l->ring_count; i++) {
		char name[32];

		ring_name(name, i);
		error = pin_object(l->ring_fds[i], dir, "maps", name);
	}
	return error;
}

int pins_save_link(const char *dir, struct bpf_link *link, const char *program, struct error *err)
{
	const int error = pin_object(bpf_link__fd(link), dir, "links", program);

	return error ? error_set(err, error, "cannot pin the link of %s below %s: %s", program, dir, strerror(-error))
	             : 0;
}

void pins_remove_link(const char *dir, const char *program)
{
	_autobuf_ struct buf path = BUF_INIT;

	make_path(&path, dir, "links", program);
	(void)unlink(buf_str(&path));
}

int pins_save(const char *dir, const struct load *l, const struct pins_meta *meta, struct error *err)
{
	struct error ignored;
	const char *program;
	int error = make_one(dir, "maps");

	if (!error)
		error = make_one(dir, "links");
	if (!error)
		error = save_maps(dir, l);

	if (error)
		error_set(err, error, "cannot pin the maps below %s: %s", dir, strerror(-error));
	for (size_t i = 0; !error && i < load_links(l); i++) {
		struct bpf_link *link = load_link(l, i, &program);

		if (link)
			error = pins_save_link(dir, link, program, err);
	}
	if (!error) {
		error = save_meta(dir, meta);
		if (error)
			error_set(err, error, "cannot pin %s/meta: %s", dir, strerror(-error));
	}
	if (error)
		(void)pins_remove(dir, &ignored);
	return error;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The bytes with their length before them: of none at all there could be no map. */
int pins_save_names(const char *dir, const void *bytes, size_t size)
{
	const uint32_t zero = 0;
	const uint64_t len = size;
	_autobuf_ struct buf value = BUF_INIT, path = BUF_INIT, new_path = BUF_INIT;
	_autoclose_ int fd = -1;
	int error;

	buf_add(&value, &len, sizeof(len));
	buf_add(&value, bytes, size);
	make_path(&path, dir, "", "names");
	make_path(&new_path, dir, "", "names_new");
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

int pins_read_names(const char *dir, void **out, size_t *size)
{
	const uint32_t zero = 0;
	_autoclose_ int fd = get_object(dir, "", "names");
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
	_autoclose_ int outer = get_object(dir, "maps", "policy"), inner = -1;
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

static int remove_tree(const char *path, int *removed)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	int error = fts ? 0 : -errno;

	for (FTSENT *e; fts && (e = fts_read(fts));) {
		const bool directory = e->fts_info == FTS_DP;

		if (e->fts_info == FTS_D || (e->fts_info == FTS_NS && e->fts_errno == ENOENT))
			continue;
		if (directory ? rmdir(e->fts_accpath) : unlink(e->fts_accpath))
			error = -errno;
		else if (!directory)
			(*removed)++;
	}
	if (fts)
		(void)fts_close(fts);
	return error;
}

int pins_remove(const char *dir, struct error *err)
{
	/* What says that the rest is whole goes first. */
	static const char *const kinds[] = {"meta", "links", "maps", "names", "names_new"};
	_autobuf_ struct buf path = BUF_INIT;
	int removed = 0, error = 0;

	for (size_t i = 0; !error && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make_path(&path, dir, "", kinds[i]);
		error = buf_error(&path) ? -ENOMEM : remove_tree(buf_str(&path), &removed);
	}
	return error ? error_set(err, error, "cannot remove all of %s: %s", dir, strerror(-error)) : removed;
}

void pins_remove_empty(const char *dir)
{
	(void)rmdir(dir);
}
