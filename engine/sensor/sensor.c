// SPDX-License-Identifier: Apache-2.0
/* The sensor's public face: puts loading, reading and seeding together. See sensor.h. */
#include "sensor/sensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "bpf/match.h"
#include "sensor/load.h"
#include "sensor/pins.h"
#include "sensor/reader.h"
#include "sensor/seed.h"

struct sensor {
	struct load load;
	struct reader *reader;
	struct reader *former; /* of the verdicts of what is pinned and not gone on with; NULL: none */
	uint64_t former_until; /* CLOCK_BOOTTIME ns: when nothing more can come from it; 0: it is in force */
	uint64_t unread;       /* verdicts of it that could not be read */
	void *names;           /* to be kept when it is pinned */
	size_t names_size;
	struct seed seed;
	struct seed_counts seeded; /* by us, not by the kernel */
	uint64_t attached;         /* CLOCK_BOOTTIME ns */
	void *cpu_stats;           /* one struct tercel_stats for each possible CPU, as the kernel writes them */
	int cpus;
};

void sensor_close(struct sensor *s)
{
	if (!s)
		return;
	reader_free(s->reader);
	reader_free(s->former);
	seed_free(&s->seed);
	load_close(&s->load);
	free(s->names);
	free(s->cpu_stats);
	free(s);
}

static uint64_t boot_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint32_t entries(int map)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(map, &info, &size) ? 0 : info.max_entries;
}

static int open_former(struct sensor *s)
{
	const struct pins_verdicts *v = &s->load.former;
	const size_t size = v->fit ? entries(v->ring) : 0;
	const struct reader_maps maps = {.rings = &v->ring,
	                                 .sizes = &size,
	                                 .count = 1,
	                                 .underway = v->underway,
	                                 .cpus = v->fit ? entries(v->underway) : 0};

	return v->ring >= 0 && v->fit ? reader_new(&s->former, &maps) : 0;
}

int sensor_open_with(struct sensor **out, const struct sensor_config *config, const struct load_options *options,
                     struct error *err)
{
	_autosensor_ struct sensor *s = calloc(1, sizeof(*s));
	struct reader_maps maps;
	int code;

	if (!s)
		return error_set(err, -ENOMEM, "no memory for a sensor");
	s->load = LOAD_INIT;
	s->cpus = libbpf_num_possible_cpus();
	if (s->cpus < 1)
		return error_set(err, -EOPNOTSUPP, "cannot count the CPUs: is /sys mounted?");
	s->cpu_stats = calloc((size_t)s->cpus, sizeof(struct tercel_stats));
	if (!s->cpu_stats)
		return error_set(err, -ENOMEM, "no memory for a sensor");
	code = load_open(&s->load, config, options, err);
	if (code)
		return code;
	s->attached = boot_ns();
	maps = (struct reader_maps){.rings = s->load.ring_fds,
	                            .sizes = s->load.ring_sizes,
	                            .count = s->load.ring_count,
	                            .underway = sensor_map_fd(s, "underway"),
	                            .cpus = (size_t)s->cpus};
	code = reader_new(&s->reader, &maps);
	if (!code)
		code = open_former(s);
	if (code)
		return error_set(err, code, "cannot map the ring buffers: %s", strerror(-code));
	*out = TAKE_PTR(s);
	return 0;
}

int sensor_open(struct sensor **out, const struct sensor_config *config, struct error *err)
{
	return sensor_open_with(out, config, &(struct load_options){0}, err);
}

int sensor_seed(struct sensor *s, struct error *err)
{
	char root[4096];
	const struct seed_maps maps = {
	        .procs = sensor_map_fd(s, "procs"),
	        .image_refs = sensor_map_fd(s, "image_refs"),
	        .images_small = sensor_map_fd(s, "images_small"),
	        .images_large = sensor_map_fd(s, "images_large"),
	        .cgroups = sensor_map_fd(s, "cgroups"),
	        .cgroup_root = load_find_cgroup2(root, sizeof(root)) ? NULL : root,
	        .attached = s->attached,
	        .pidns = sensor_pid_namespace(s),
	};
	struct bpf_link *link =
	        bpf_program__attach_iter(bpf_object__find_program_by_name(s->load.obj, "on_seed"), NULL);
	int code;

	if (!link)
		return error_set(err, -errno, "cannot attach the task iterator: %s", strerror(errno));
	seed_free(&s->seed);
	code = seed_collect(&s->seed, bpf_link__fd(link), &maps, err);
	(void)bpf_link__destroy(link);
	if (!code)
		s->seeded = s->seed.counts;
	return code;
}

enum sensor_pid_namespace sensor_pid_namespace(const struct sensor *s)
{
	struct stat st;

	/* The numbers may be equal by chance. */
	if (s->load.tgid != (uint32_t)getpid() || (!stat("/proc/self/ns/pid", &st) && st.st_ino != INITIAL_PIDNS))
		return SENSOR_PIDNS_PRIVATE;
	return SENSOR_PIDNS_INITIAL;
}

/* Decisions that were under way when it was taken away are made by then. */
#define FORMER_LASTS_NS UINT64_C(1000000000)

/* What was decided before we were, and until ours took its place. */
static int former_next(struct sensor *s, const struct tercel_hdr **record)
{
	const bool over = s->former_until && boot_ns() > s->former_until;
	const int n = reader_next(s->former, 0, record);

	if (!n && over) {
		reader_free(s->former);
		s->former = NULL;
	}
	return n;
}

int sensor_next(struct sensor *s, int timeout_ms, const struct tercel_hdr **record)
{
	const struct tercel_hdr *seed = s->seed.count ? seed_next(&s->seed) : NULL;
	int n;

	if (!seed) {
		n = s->former ? former_next(s, record) : 0;
		return n ? n : reader_next(s->reader, timeout_ms, record);
	}
	*record = seed;
	return 1;
}

/* A first look only: the matcher bounds whatever it reads, and engine/policy verifies the rest. */
static bool is_image(const void *image, size_t size)
{
	struct match_header header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, image, sizeof(header));
	return header.magic == TERCEL_IMAGE_MAGIC && header.version == TERCEL_IMAGE_VERSION;
}

/* A new inner map with the image; the outer map's slot is switched to it by sensor_set_policy(). Returns its
 * descriptor. */
static int policy_map(const void *image, size_t size)
{
	const uint32_t capacity = TERCEL_IMAGE_MAX, zero = 0;
	_autofree_ uint8_t *value = NULL;
	_autoclose_ int fd = -1;
	int err;

	if (size > capacity)
		return -E2BIG;
	/* The kernel copies whole values. */
	value = calloc(1, capacity);
	if (!value)
		return -ENOMEM;
	memcpy(value, image, size);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tercel_policy", sizeof(uint32_t), capacity, 1, NULL);
	if (fd < 0)
		return fd;
	err = bpf_map_update_elem(fd, &zero, value, BPF_ANY);
	return err ? err : TAKE_FD(fd);
}

int sensor_set_policy(struct sensor *s, const void *image, size_t size, struct error *err)
{
	struct bpf_map *outer = bpf_object__find_map_by_name(s->load.obj, "policy");
	const uint32_t zero = 0;
	_autoclose_ int fd = -1;
	int code;

	if (!outer)
		return error_set(err, -EOPNOTSUPP, "the kernel programs were built without decisions");
	if (image && !is_image(image, size))
		return error_set(err, -EINVAL, "this is no policy image of version %d", TERCEL_IMAGE_VERSION);
	if (!image) {
		code = bpf_map_delete_elem(bpf_map__fd(outer), &zero);
		if (code && code != -ENOENT)
			return error_set(err, code, "cannot remove the policy: %s", strerror(-code));
		return 0;
	}
	if (size <= TERCEL_IMAGE_MAX && !match_image_is_whole(image, size))
		return error_set(err, -EINVAL, "not a policy image of this version, or a damaged one");
	fd = policy_map(image, size);
	if (fd == -E2BIG)
		return error_set(err, -E2BIG, "a policy image of %zu bytes is larger than the sensor's table", size);
	if (fd < 0)
		return error_set(err, fd, "cannot make the map of the policy: %s", strerror(-fd));
	/* One pointer is switched: a program sees the old image or the new one. */
	code = bpf_map_update_elem(bpf_map__fd(outer), &zero, &fd, BPF_ANY);
	if (code)
		return error_set(err, code, "cannot switch to the new policy: %s", strerror(-code));
	return 0;
}

/* ---- what decisions cannot find out themselves --------------------------------------------------------- */

/* Deletes those that `of` says. Returns how many, or -errno. */
static int delete_container_facts(struct sensor *s, bool (*of)(const struct tercel_container_key *key, const void *ctx),
                                  const void *ctx)
{
	const int fd = sensor_map_fd(s, "container_facts");
	struct tercel_container_key key, next;
	int deleted = 0, err;

	/* The next key is asked for before this one is deleted: after a deleted one the walk would begin anew. */
	for (err = bpf_map_get_next_key(fd, NULL, &next); !err;) {
		key = next;
		err = bpf_map_get_next_key(fd, &key, &next);
		if (of(&key, ctx) && !bpf_map_delete_elem(fd, &key))
			deleted++;
	}
	return err == -ENOENT ? deleted : err;
}

/* `ctx`: the descriptor of the map of cgroups. */
static bool is_of_removed_cgroup(const struct tercel_container_key *key, const void *ctx)
{
	struct tercel_cgroup_info info;

	return key->cgroup_id && bpf_map_lookup_elem(*(const int *)ctx, &key->cgroup_id, &info) == -ENOENT;
}

int sensor_prune_container_facts(struct sensor *s)
{
	const int cgroups = sensor_map_fd(s, "cgroups");

	return delete_container_facts(s, is_of_removed_cgroup, &cgroups);
}

static bool is_of_generation(const struct tercel_container_key *key, const void *ctx)
{
	return key->generation == *(const uint32_t *)ctx;
}

int sensor_forget_generation(struct sensor *s, uint32_t generation)
{
	const int deleted = delete_container_facts(s, is_of_generation, &generation);

	return deleted < 0 ? deleted : 0;
}

int sensor_set_container_facts(struct sensor *s, uint64_t cgroup_id, uint32_t generation,
                               const struct tercel_container_facts *facts)
{
	const struct tercel_container_key key = {.cgroup_id = cgroup_id, .generation = generation};
	const int fd = sensor_map_fd(s, "container_facts");
	const int err = bpf_map_update_elem(fd, &key, facts, BPF_ANY);

	if (err != -E2BIG || sensor_prune_container_facts(s) < 1)
		return err;
	return bpf_map_update_elem(fd, &key, facts, BPF_ANY);
}

int sensor_forget_container_facts(struct sensor *s, uint64_t cgroup_id, uint32_t generation)
{
	const struct tercel_container_key key = {.cgroup_id = cgroup_id, .generation = generation};
	const int err = bpf_map_delete_elem(sensor_map_fd(s, "container_facts"), &key);

	return err == -ENOENT ? 0 : err;
}

int sensor_set_user(struct sensor *s, uint32_t uid, const struct tercel_user *user)
{
	return bpf_map_update_elem(sensor_map_fd(s, "users"), &uid, user, BPF_ANY);
}

int sensor_forget_user(struct sensor *s, uint32_t uid)
{
	const int err = bpf_map_delete_elem(sensor_map_fd(s, "users"), &uid);

	return err == -ENOENT ? 0 : err;
}

int sensor_attach_points(struct sensor *s, uint32_t points, struct error *err)
{
	return load_attach_points(&s->load, points, err);
}

void sensor_detach_points(struct sensor *s, uint32_t points)
{
	load_detach_points(&s->load, points);
}

uint32_t sensor_attached_points(const struct sensor *s)
{
	return load_attached_points(&s->load);
}

int sensor_set_interest(struct sensor *s, uint32_t records, bool open_reads, struct error *err)
{
	const struct tercel_interest interest = {.records = records, .open_reads = open_reads};
	const uint32_t zero = 0;
	int code;

	if (records >= 1U << TERCEL_RECORD_TYPES || (records & ~s->load.records))
		return error_set(err, -EINVAL, "record types 0x%x were not asked for when the sensor was opened",
		                 records & ~s->load.records);
	code = bpf_map_update_elem(sensor_map_fd(s, "interest"), &zero, &interest, BPF_ANY);
	return code ? error_set(err, code, "cannot write the map `interest`: %s", strerror(-code)) : 0;
}

void sensor_retain_users(struct sensor *s, bool (*keep)(uint32_t uid, const void *ctx), const void *ctx)
{
	const int fd = sensor_map_fd(s, "users");
	uint32_t uid, next;

	/* The next key is asked for before this one is deleted: after a deleted one the walk would begin anew. */
	for (int err = bpf_map_get_next_key(fd, NULL, &next); !err;) {
		uid = next;
		err = bpf_map_get_next_key(fd, &uid, &next);
		if (!keep(uid, ctx))
			(void)bpf_map_delete_elem(fd, &uid);
	}
}

/* ---- what outlives the process -------------------------------------------------------------------------- */

static int count_one(void *ctx, void *data, size_t size)
{
	(void)data;
	(void)size;
	++*(uint64_t *)ctx;
	return 0;
}

/* What nobody has read in a ring that cannot be understood. */
static uint64_t count_records(int ring)
{
	uint64_t n = 0;
	struct ring_buffer *r = ring_buffer__new(ring, count_one, &n, NULL);

	if (r)
		(void)ring_buffer__consume(r);
	ring_buffer__free(r);
	return n;
}

int sensor_pin(struct sensor *s, struct error *err)
{
	const struct pins_names names = {s->names, s->names_size};
	const int code = load_pin(&s->load, &names, err);

	if (code)
		return code;
	s->former_until = boot_ns() + FORMER_LASTS_NS;
	if (s->load.former.ring >= 0 && !s->load.former.fit)
		s->unread = count_records(s->load.former.ring);
	return 0;
}

int sensor_unpin(struct sensor *s, struct error *err)
{
	return load_unpin(&s->load, err);
}

bool sensor_is_kept(const struct sensor *s)
{
	return s->load.pin_dir != NULL;
}

bool sensor_is_adopted(const struct sensor *s)
{
	return s->load.adopted;
}

const char *sensor_why_not_adopted(const struct sensor *s)
{
	return s->load.apart.text[0] ? s->load.apart.text : NULL;
}

uint64_t sensor_unread_verdicts(const struct sensor *s)
{
	return s->unread;
}

int sensor_is_in_force(const char *dir, uint32_t *generation)
{
	*generation = 0;
	(void)pins_read_generation(dir, generation);
	return pins_are_in_force(dir);
}

int sensor_keep(struct sensor *s, const void *bytes, size_t size)
{
	const struct pins_names names = {bytes, size};
	void *copy = malloc(size ? size : 1);
	const int error = !copy ? -ENOMEM : s->load.pin_dir ? pins_save_names(s->load.pin_dir, &names) : 0;

	if (error) {
		free(copy);
		return error;
	}
	memcpy(copy, bytes, size);
	free(s->names);
	s->names = copy;
	s->names_size = size;
	return 0;
}

int sensor_kept(const char *dir, void **out, size_t *size)
{
	return pins_read_names(dir, out, size);
}

int sensor_remove_pins(const char *dir, struct error *err)
{
	_autoclose_ int lock = -1;
	int removed;

	if (access(dir, F_OK) && errno == ENOENT)
		return 0;
	removed = pins_lock(dir, &lock, err);
	if (removed)
		return removed;
	removed = pins_remove_and_wait(dir, err);
	pins_remove_empty(dir);
	return removed;
}

/* ---- counters ----------------------------------------------------------------------------------------- */

/* struct tercel_stats is nothing but 64-bit counters. */
#define STATS_WORDS (sizeof(struct tercel_stats) / sizeof(uint64_t))
_Static_assert(sizeof(struct tercel_stats) % sizeof(uint64_t) == 0, "a counter of another size");

static int prog_info(const struct bpf_program *p, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(bpf_program__fd(p), info, &len);
}

static void add_seeded(struct tercel_stats *out, const struct seed_counts *c)
{
	out->generated[TERCEL_SEED] += c->seeds;
	out->delivered[TERCEL_SEED] += c->seeds;
	out->generated[TERCEL_CGROUP] += c->cgroups;
	out->delivered[TERCEL_CGROUP] += c->cgroups;
	out->procs_full += c->procs_full;
	out->images_full += c->images_full;
	out->cgroups_full += c->cgroups_full;
}

static int add_missed_of_adopted(const struct load *l, struct tercel_stats *out)
{
	const char *program;
	int err = 0;

	for (size_t i = 0; !err && i < load_links(l); i++) {
		const struct bpf_link *link = load_link(l, i, &program);

		if (link && !load_is_loaded(l, program))
			err = load_add_missed(link, &out->missed);
	}
	return err;
}

/* Adds up what the kernel skipped of the programs of one object. */
static int add_missed(const struct bpf_object *obj, struct tercel_stats *out)
{
	struct bpf_prog_info info;
	struct bpf_program *p;

	bpf_object__for_each_program(p, obj)
	{
		int err;

		if (!bpf_program__autoload(p))
			continue;
		err = prog_info(p, &info);
		if (err)
			return err;
		out->missed += info.recursion_misses;
	}
	return 0;
}

int sensor_stats(struct sensor *s, struct tercel_stats *out)
{
	const uint32_t zero = 0;
	const uint64_t *words = s->cpu_stats;
	uint64_t sum[STATS_WORDS] = {0};
	int err = bpf_map_lookup_elem(sensor_map_fd(s, "stats"), &zero, s->cpu_stats);

	if (err)
		return err;
	for (int cpu = 0; cpu < s->cpus; cpu++)
		for (size_t i = 0; i < STATS_WORDS; i++)
			sum[i] += words[(size_t)cpu * STATS_WORDS + i];
	memcpy(out, sum, sizeof(*out));
	out->missed += s->load.missed;
	add_seeded(out, &s->seeded);
	for (size_t i = 0; !err && i < load_objects(&s->load); i++)
		err = add_missed(load_object(&s->load, i), out);
	return err || !s->load.adopted ? err : add_missed_of_adopted(&s->load, out);
}

int sensor_prog_stats(struct sensor *s, struct sensor_prog_stats *out, size_t max)
{
	struct bpf_prog_info info;
	struct bpf_program *p;
	size_t n = 0;

	for (size_t i = 0; i < load_objects(&s->load); i++) {
		bpf_object__for_each_program(p, load_object(&s->load, i))
		{
			int err;

			if (!bpf_program__autoload(p))
				continue;
			err = prog_info(p, &info);
			if (err)
				return err;
			if (n < max)
				out[n] = (struct sensor_prog_stats){.name = bpf_program__name(p),
				                                    .run_count = info.run_cnt,
				                                    .run_ns = info.run_time_ns};
			n++;
		}
	}
	return (int)n;
}

int sensor_map_fd(struct sensor *s, const char *name)
{
	const int fd = bpf_object__find_map_fd_by_name(s->load.obj, name);

	return fd < 0 ? -ENOENT : fd;
}

int64_t sensor_clock_offset(void)
{
	struct timespec real, boot;

	(void)clock_gettime(CLOCK_REALTIME, &real);
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	return ((int64_t)real.tv_sec - (int64_t)boot.tv_sec) * 1000000000LL + real.tv_nsec - boot.tv_nsec;
}
