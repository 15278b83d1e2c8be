// SPDX-License-Identifier: Apache-2.0
/* Feature checks, map sizes, loading, capture backends, attaching. See load.h. */
#include "sensor/load.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "sensor/pins.h"
/* Generated; its inline functions were not written for our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "tercel.skel.h"
#pragma GCC diagnostic pop

#define DEFAULT_RING_MB 8
#define MAX_RING_MB 1024
#define DEFAULT_MAX_PROCS 65536
#define DEFAULT_MAX_CGROUPS 16384
/* Of the images whose strings do not fit the small class; a fraction of all. */
#define LARGE_IMAGE_SHARE 8
#define MIN_LARGE_IMAGES 1024

#define BIT(n) (1U << (n))

/* ---- capture backends --------------------------------------------------------------------------------- */

/* Record types whose facts come from system calls. */
#define CALL_RECORDS (BIT(TERCEL_OPEN) | BIT(TERCEL_CONNECT) | BIT(TERCEL_SOCKET) | BIT(TERCEL_CHDIR))

/*
 * One program of one backend, and the record types it serves. Programs of another backend, or that serve nothing that
 * was asked for, are not even loaded. In order of preference. Measured (tests/bench/bench_sensor): for system calls
 * that nobody asked about the tracepoints are some 20 ns cheaper, for opens both are alike; the raw tracepoint is first
 * all the same, because the kernel runs no system call tracepoint for 32-bit calls, which would make them a way to go
 * unseen. To add a backend, add its programs to bpf/syscall.bpf.c and its rows here.
 */
static const struct capture {
	const char *program;
	enum capture_backend backend;
	uint32_t records;
} captures[] = {
        {"on_sys_exit", CAPTURE_SYS_EXIT, CALL_RECORDS},
        {"on_exit_open", CAPTURE_TRACEPOINT, BIT(TERCEL_OPEN)},
        {"on_exit_openat", CAPTURE_TRACEPOINT, BIT(TERCEL_OPEN)},
        {"on_exit_openat2", CAPTURE_TRACEPOINT, BIT(TERCEL_OPEN)},
        {"on_exit_creat", CAPTURE_TRACEPOINT, BIT(TERCEL_OPEN)},
        {"on_exit_connect", CAPTURE_TRACEPOINT, BIT(TERCEL_CONNECT)},
        {"on_exit_socket", CAPTURE_TRACEPOINT, BIT(TERCEL_SOCKET)},
        {"on_exit_chdir", CAPTURE_TRACEPOINT, BIT(TERCEL_CHDIR)},
        {"on_exit_fchdir", CAPTURE_TRACEPOINT, BIT(TERCEL_CHDIR)},
};

/*
 * Programs at decision points. That of exec commits is the one that records them; it is always there. By prefix:
 * tercel_ those at hooks of a cgroup, which know each other by it (decide.bpf.c), lsm_ those at hooks of the BPF LSM.
 */
static const struct {
	const char *program;
	enum tercel_point point;
} point_programs[] = {
        {"tercel_connect4", TERCEL_POINT_CONNECT4},
        {"tercel_connect6", TERCEL_POINT_CONNECT6},
        {"tercel_sendmsg4", TERCEL_POINT_SENDMSG4},
        {"tercel_sendmsg6", TERCEL_POINT_SENDMSG6},
        {"lsm_exec", TERCEL_POINT_EXEC_CHECK},
        {"lsm_file_open", TERCEL_POINT_FILE_OPEN},
        {"lsm_file_create", TERCEL_POINT_FILE_OPEN},
        {"lsm_unlink", TERCEL_POINT_UNLINK},
        {"lsm_rmdir", TERCEL_POINT_RMDIR},
        {"lsm_rename", TERCEL_POINT_RENAME},
        {"lsm_link", TERCEL_POINT_LINK},
        {"lsm_symlink", TERCEL_POINT_SYMLINK},
        {"lsm_mkdir", TERCEL_POINT_MKDIR},
        {"lsm_mknod", TERCEL_POINT_MKNOD},
        {"lsm_chmod", TERCEL_POINT_CHMOD},
        {"lsm_chown", TERCEL_POINT_CHOWN},
        {"lsm_socket", TERCEL_POINT_SOCKET},
        {"lsm_connect", TERCEL_POINT_SOCKET_CONNECT},
        {"lsm_send", TERCEL_POINT_SOCKET_SENDMSG},
        {"lsm_bind", TERCEL_POINT_BIND},
        {"lsm_listen", TERCEL_POINT_LISTEN},
        {"lsm_module_file", TERCEL_POINT_MODULE_FILE},
        {"lsm_module_data", TERCEL_POINT_MODULE_DATA},
        {"lsm_bpf", TERCEL_POINT_BPF},
        {"lsm_bpf_kernel", TERCEL_POINT_BPF},
        {"lsm_ptrace", TERCEL_POINT_PTRACE},
        {"lsm_traceme", TERCEL_POINT_TRACEME},
        {"lsm_mount", TERCEL_POINT_MOUNT},
        {"lsm_kill", TERCEL_POINT_KILL},
        {"lsm_userfaultfd", TERCEL_POINT_USERFAULTFD},
        {"lsm_setuid", TERCEL_POINT_SETUID},
};

#define POINT_PROGRAMS (sizeof(point_programs) / sizeof(point_programs[0]))
_Static_assert(POINT_PROGRAMS <= LOAD_POINT_LINKS_MAX, "a link each");

static bool is_at_lsm(size_t i)
{
	return !strncmp(point_programs[i].program, "lsm_", 4);
}

uint32_t load_lsm_points(void)
{
	uint32_t points = 0;

	for (size_t i = 0; i < POINT_PROGRAMS; i++)
		if (is_at_lsm(i))
			points |= BIT(point_programs[i].point);
	return points;
}

/*
 * Programs that the sensor does without where the kernel has no such tracepoint, and what every process has to be taken
 * for then.
 */
static const struct {
	const char *program, *tracepoint;
	uint32_t mark; /* enum tercel_proc_flags */
} optional[] = {
        {"on_cgroup_rmdir", "cgroup_rmdir", 0},
        {"on_rename", "task_rename", TERCEL_PROC_RENAMED},
        {"on_cgroup_move", "cgroup_attach_task", TERCEL_PROC_MOVED},
};

static bool tracepoint_exists(const struct btf *btf, const char *name, const struct load_options *options)
{
	char type[64];

	(void)snprintf(type, sizeof(type), "btf_trace_%s", name);
	return !(options->lacks_optional) && btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

static bool backend_exists(const struct btf *btf, enum capture_backend backend)
{
	switch (backend) {
	case CAPTURE_SYS_EXIT:
		return btf__find_by_name_kind(btf, "btf_trace_sys_exit", BTF_KIND_TYPEDEF) > 0;
	case CAPTURE_TRACEPOINT:
		return access("/sys/kernel/tracing/events/syscalls", R_OK) == 0 ||
		       access("/sys/kernel/debug/tracing/events/syscalls", R_OK) == 0;
	case CAPTURE_AUTO:
		break;
	}
	return false;
}

static enum capture_backend backend_choose(const struct btf *btf, enum capture_backend asked)
{
	if (asked != CAPTURE_AUTO)
		return backend_exists(btf, asked) ? asked : CAPTURE_AUTO;
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++)
		if (backend_exists(btf, captures[i].backend))
			return captures[i].backend;
	return CAPTURE_AUTO;
}

static bool capture_is_used(const struct capture *c, enum capture_backend backend, uint32_t records)
{
	return c->backend == backend && (c->records & records);
}

/* ---- what the kernel and our privileges allow ------------------------------------------------------------ */

static bool has_capability(uint64_t effective, unsigned int cap)
{
	return effective & (1ULL << cap);
}

static int check_privileges(const struct sensor_config *config, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	uint64_t effective;

	if (syscall(SYS_capget, &header, data))
		return error_set(err, -errno, "cannot read the capabilities of this process: %s", strerror(errno));
	effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	if (has_capability(effective, CAP_SYS_ADMIN))
		return 0;
	if (!has_capability(effective, CAP_BPF) || !has_capability(effective, CAP_PERFMON))
		return error_set(err, -EPERM,
		                 "loading kernel programs needs the capabilities CAP_BPF and CAP_PERFMON: run as root");
	if ((config->points | config->more_points) & ~load_lsm_points() & ~BIT(TERCEL_POINT_EXEC_COMMIT) &&
	    !has_capability(effective, CAP_NET_ADMIN))
		return error_set(err, -EPERM,
		                 "deciding on connections needs the capability CAP_NET_ADMIN: run as root");
	return 0;
}

static int check_lockdown(const char *path, struct error *err)
{
	_autofclose_ FILE *f = fopen(path ? path : "/sys/kernel/security/lockdown", "re");
	char line[256];

	if (f && fgets(line, sizeof(line), f) && strstr(line, "[confidentiality]"))
		return error_set(err, -EOPNOTSUPP,
		                 "the kernel is locked down (lockdown=confidentiality), so no program may read its "
		                 "memory: boot with lockdown=integrity or without");
	return 0;
}

/* Where the BPF LSM is not in force, programs at its hooks load, attach and are never run. */
int load_check_lsm(const struct load_options *options, struct error *err)
{
	const char *path = options->lsm_path ? options->lsm_path : "/sys/kernel/security/lsm";
	_autofclose_ FILE *f = fopen(path, "re");
	char line[512], *rest = line;
	const char *name;

	if (!f || !fgets(line, sizeof(line), f))
		return error_set(err, -EOPNOTSUPP,
		                 "cannot see which security modules are in force (%s): mount securityfs at "
		                 "/sys/kernel/security",
		                 path);
	line[strcspn(line, "\n")] = '\0';
	while ((name = strsep(&rest, ",")))
		if (!strcmp(name, "bpf"))
			return 0;
	return error_set(err, -EOPNOTSUPP,
	                 "the BPF LSM is not in force: boot with bpf in the list lsm= of the kernel's command line");
}

static int check_kernel(const struct load_options *options, struct btf **btf, struct error *err)
{
	const char *path = options->btf_path ? options->btf_path : "/sys/kernel/btf/vmlinux";
	struct btf *b;
	int code;

	b = btf__parse(path, NULL);
	if (!b)
		return error_set(err, -EOPNOTSUPP,
		                 "this kernel has no type information (%s): use a kernel built with "
		                 "CONFIG_DEBUG_INFO_BTF=y, as distributions' kernels are",
		                 path);
	code = check_lockdown(options->lockdown_path, err);
	/* The probe needs a program type that libbpf can load alone; the helper is the same for all. */
	if (!code && libbpf_probe_bpf_helper(BPF_PROG_TYPE_TRACEPOINT, BPF_FUNC_loop, NULL) == 0)
		code = error_set(err, -EOPNOTSUPP, "this kernel has no bpf_loop(): use Linux 5.17 or later");
	if (code) {
		btf__free(b);
		return code;
	}
	*btf = b;
	return 0;
}

/* 6.16 gave the tracepoint a third argument, after its private one and the task. */
static bool exit_has_group_dead(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "btf_trace_sched_process_exit", BTF_KIND_TYPEDEF);
	const struct btf_type *t;

	if (id < 0)
		return false;
	t = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	t = btf__type_by_id(btf, t->type);
	return btf_is_func_proto(t) && btf_vlen(t) == 3;
}

/* 6.15 gave the hook a fourth argument, whether the kernel itself calls. */
static bool bpf_hook_has_kernel(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "bpf_lsm_bpf", BTF_KIND_FUNC);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);

	return t && btf_is_func_proto(t) && btf_vlen(t) == 4;
}

/* ---- sizes -------------------------------------------------------------------------------------------- */

static uint32_t round_up_power(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

/* A virtual machine may have many more possible CPUs than it will ever see: memory is for those that run. */
static uint32_t online_cpus(void)
{
	const long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (uint32_t)n;
}

static uint32_t page_kib_shift(void)
{
	uint32_t shift = 0;

	for (long kib = sysconf(_SC_PAGESIZE) / 1024; kib > 1; kib >>= 1)
		shift++;
	return shift;
}

static uint32_t tick_ns(void)
{
	const long ticks = sysconf(_SC_CLK_TCK);

	return ticks < 1 ? 0 : (uint32_t)(1000000000 / ticks);
}

static void set_constants(struct tercel_bpf *skel, const struct sensor_config *config,
                          const struct load_options *options, const struct btf *btf, uint32_t cpus)
{
	skel->rodata->cpu_count = cpus;
	skel->rodata->points = config->points | config->more_points;
	skel->rodata->tick_ns = tick_ns();
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (!tracepoint_exists(btf, optional[i].tracepoint, options))
			skel->rodata->unseen_marks |= optional[i].mark;
	skel->rodata->scoped = config->cgroup ? 1 : 0;
	skel->rodata->exit_has_group_dead = exit_has_group_dead(btf) ? 1 : 0;
	skel->rodata->page_kib_shift = page_kib_shift();
}

static int set_sizes(struct tercel_bpf *skel, const struct sensor_config *config, uint32_t cpus)
{
	const uint32_t possible = (uint32_t)libbpf_num_possible_cpus();
	const uint32_t procs = config->max_procs ? config->max_procs : DEFAULT_MAX_PROCS;
	const uint32_t cgroups = config->max_cgroups ? config->max_cgroups : DEFAULT_MAX_CGROUPS;
	uint32_t large = procs / LARGE_IMAGE_SHARE;
	int err = 0;

	if (large < MIN_LARGE_IMAGES)
		large = MIN_LARGE_IMAGES;
	err |= bpf_map__set_max_entries(skel->maps.rings, possible);
	err |= bpf_map__set_max_entries(skel->maps.underway, possible);
	err |= bpf_map__set_max_entries(skel->maps.scratches, cpus * TERCEL_SCRATCH_SLOTS);
	err |= bpf_map__set_max_entries(skel->maps.procs, procs);
	err |= bpf_map__set_max_entries(skel->maps.placed, procs);
	err |= bpf_map__set_max_entries(skel->maps.cgroups, cgroups);
	/* The host, and while one policy follows another the answers to both. */
	err |= bpf_map__set_max_entries(skel->maps.container_facts, 2 * (cgroups + 1));
	err |= bpf_map__set_max_entries(skel->maps.image_refs, procs);
	err |= bpf_map__set_max_entries(skel->maps.images_small, procs);
	err |= bpf_map__set_max_entries(skel->maps.images_large, large);
	return err ? -EINVAL : 0;
}

/* ---- loading ------------------------------------------------------------------------------------------ */

/* Of the programs at decision points, those that are to be loaded. */
static void choose_points(struct tercel_bpf *skel, const struct btf *btf, uint32_t points)
{
	struct bpf_program *p;

	for (size_t i = 0; i < POINT_PROGRAMS; i++) {
		p = bpf_object__find_program_by_name(skel->obj, point_programs[i].program);
		(void)bpf_program__set_autoload(p, (points & BIT(point_programs[i].point)) != 0);
	}
	p = bpf_hook_has_kernel(btf) ? skel->progs.lsm_bpf : skel->progs.lsm_bpf_kernel;
	(void)bpf_program__set_autoload(p, false);
}

static void choose_programs(struct tercel_bpf *skel, const struct sensor_config *config,
                            const struct load_options *options, const struct btf *btf, enum capture_backend backend)
{
	struct bpf_program *p;

	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		p = bpf_object__find_program_by_name(skel->obj, optional[i].program);
		(void)bpf_program__set_autoload(p, tracepoint_exists(btf, optional[i].tracepoint, options));
	}
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		p = bpf_object__find_program_by_name(skel->obj, captures[i].program);
		(void)bpf_program__set_autoload(p, capture_is_used(&captures[i], backend, config->records));
	}
	choose_points(skel, btf, config->points);
}

/* All that the verifier said, for who asks for it by TERCEL_VERIFIER_LOG=FILE: errors tell its last words only. */
static void keep_log(const char *log)
{
	const char *path = secure_getenv("TERCEL_VERIFIER_LOG");
	_autofclose_ FILE *f = path && *log ? fopen(path, "we") : NULL;

	if (f)
		(void)fputs(log, f);
}

/* The verifier's last words, without its statistics; "" if it said nothing. */
static const char *log_tail(char *log)
{
	char *end = strstr(log, "\nprocessed "), *start;

	if (end)
		*end = '\0';
	for (end = log + strlen(log); end > log && end[-1] == '\n'; end--)
		end[-1] = '\0';
	start = strrchr(log, '\n');
	return start ? start + 1 : log;
}

static int load_error(int code, char *log, struct error *err)
{
	const char *tail;

	keep_log(log);
	tail = log_tail(log);
	if (code == -EPERM)
		return error_set(
		        err, -EPERM,
		        "the kernel refuses to load the programs (EPERM): run as root, and see that no security "
		        "policy forbids bpf()%s%s",
		        *tail ? "; verifier: " : "", tail);
	if (code == -ENOMEM)
		return error_set(err, -ENOMEM, "no memory for the kernel's maps: lower max_procs or buffer sizes");
	return error_set(err, -EOPNOTSUPP, "this kernel does not accept the sensor's programs: %s%s%s", strerror(-code),
	                 *tail ? "; verifier: " : "", tail);
}

#define LOG_SIZE (1U << 20)

static uint32_t ring_bytes(const struct sensor_config *config, const struct load_options *options)
{
	const uint32_t mb = config->ring_mb ? config->ring_mb : DEFAULT_RING_MB;

	return options->ring_bytes ? options->ring_bytes : round_up_power(mb) << 20;
}

/* What pins of this configuration and build are of. */
static struct pins_of make_of(const struct sensor_config *config, const struct load_options *options)
{
	struct pins_of of = {.build = 0xcbf29ce484222325ULL,
	                     .records = config->records,
	                     .rings = online_cpus(),
	                     .ring_bytes = ring_bytes(config, options),
	                     .verdicts = PINS_VERDICTS_VERSION};
	size_t size = 0;
	const uint8_t *object = tercel_bpf__elf_bytes(&size);
	struct stat st;

	for (size_t i = 0; i < size; i++)
		of.build = (of.build ^ object[i]) * 0x100000001b3ULL;
	if (config->cgroup && !stat(config->cgroup, &st))
		of.cgroup = st.st_ino;
	return of;
}

/*
 * Of what is pinned, if that is of the same and whole, all is used, and nothing is loaded but what this process runs
 * itself. Else it is left in force until ours is, and its verdicts are to be read.
 */
static int share_pinned(struct load *l, const struct sensor_config *config)
{
	struct bpf_program *p;
	int shared = pins_share_maps(config->pin_dir, l, &l->of, &l->apart);

	if (!shared && l->apart.text[0])
		pins_open_verdicts(config->pin_dir, &l->former);
	if (shared <= 0)
		return shared;
	bpf_object__for_each_program(p, l->obj)(void)
	        bpf_program__set_autoload(p, p == l->skel->progs.on_seed || p == l->skel->progs.name_loader);
	l->pin_dir = l->pin_place;
	l->adopted = true;
	return 0;
}

/* Only the kernel can tell who we are to it: this process may be in a pid namespace of its own. */
static int name_loader(struct load *l)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int error = bpf_prog_test_run_opts(bpf_program__fd(l->skel->progs.name_loader), &run);

	l->tgid = l->skel->bss->loader.tgid;
	return error;
}

static int open_and_load(struct load *l, const struct sensor_config *config, const struct load_options *options,
                         const struct btf *btf, struct error *err)
{
	const uint32_t cpus = online_cpus();
	_autofree_ char *log = calloc(1, LOG_SIZE);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log, .kernel_log_size = LOG_SIZE);
	enum capture_backend backend = CAPTURE_AUTO;
	int code;

	if (!log)
		return error_set(err, -ENOMEM, "no memory to load the kernel programs");
	if (config->records & CALL_RECORDS) {
		backend = backend_choose(btf, options->backend);
		if (backend == CAPTURE_AUTO)
			return error_set(
			        err, -EOPNOTSUPP,
			        "this kernel offers no way to see system calls return: it needs "
			        "CONFIG_FTRACE_SYSCALLS and, for tracepoints, tracefs mounted at /sys/kernel/tracing");
	}
	l->skel = tercel_bpf__open_opts(&opts);
	if (!l->skel)
		return error_set(err, -errno, "cannot open the built-in kernel programs: %s", strerror(errno));
	l->obj = l->skel->obj;
	set_constants(l->skel, config, options, btf, cpus);
	/* The program that sees who changes its credentials is that of all calls. */
	if (backend != CAPTURE_SYS_EXIT)
		l->skel->rodata->unseen_marks |= TERCEL_PROC_RIGHTS;
	code = set_sizes(l->skel, config, cpus);
	if (code)
		return error_set(err, code, "max_procs of %u or max_cgroups of %u is not possible", config->max_procs,
		                 config->max_cgroups);
	choose_programs(l->skel, config, options, btf, backend);
	l->of = make_of(config, options);
	if (l->pin_lock >= 0)
		code = share_pinned(l, config);
	if (code)
		return error_set(err, code, "cannot use what is pinned at %s: %s", config->pin_dir, strerror(-code));
	code = tercel_bpf__load(l->skel);
	if (code)
		return load_error(code, log, err);
	code = name_loader(l);
	if (code)
		return error_set(err, -EOPNOTSUPP, "this kernel does not tell the id of this process: %s",
		                 strerror(-code));
	l->records = (config->records & CALL_RECORDS) | ~CALL_RECORDS;
	l->points = l->adopted ? 0 : config->points | BIT(TERCEL_POINT_EXEC_COMMIT);
	return 0;
}

/* ---- rings -------------------------------------------------------------------------------------------- */

/* Room for a ring for each CPU that runs, and that of verdicts. */
static int prepare_rings(struct load *l)
{
	const size_t count = online_cpus();

	l->ring_fds = calloc(count + 1, sizeof(*l->ring_fds));
	l->ring_sizes = calloc(count + 1, sizeof(*l->ring_sizes));
	if (!l->ring_fds || !l->ring_sizes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		l->ring_fds[i] = -1;
	l->ring_count = count + 1;
	l->ring_fds[count] = bpf_map__fd(l->skel->maps.verdicts);
	l->ring_sizes[count] = bpf_map__max_entries(l->skel->maps.verdicts);
	return 0;
}

/* CPUs that come later share the rings of others, which is slower but right. */
static int make_rings(struct load *l, uint32_t size)
{
	const uint32_t slots = bpf_map__max_entries(l->skel->maps.rings);
	const size_t count = l->ring_count - 1;
	const int outer = bpf_map__fd(l->skel->maps.rings);

	if (!count)
		return -EINVAL; /* prepare_rings() made one at least */
	for (size_t i = 0; i < count; i++) {
		l->ring_fds[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "tercel_ring", 0, 0, size, NULL);
		if (l->ring_fds[i] < 0)
			return l->ring_fds[i];
		l->ring_sizes[i] = size;
	}
	for (uint32_t cpu = 0; cpu < slots; cpu++) {
		int err = bpf_map_update_elem(outer, &cpu, &l->ring_fds[cpu % count], BPF_ANY);

		if (err)
			return err;
	}
	return 0;
}

/* ---- attaching ---------------------------------------------------------------------------------------- */

static int add_link(struct load *l, struct bpf_link *link, const char *program)
{
	if (!link)
		return -errno;
	if (l->link_count == LOAD_LINKS_MAX) {
		(void)bpf_link__destroy(link);
		return -E2BIG;
	}
	l->links[l->link_count++] = (struct load_tracing){.link = link, .program = program};
	return 0;
}

static int attach_program(struct load *l, struct bpf_program *p, struct error *err)
{
	int code = add_link(l, bpf_program__attach(p), bpf_program__name(p));

	if (code)
		return error_set(err, code == -EPERM ? -EPERM : -EOPNOTSUPP, "cannot attach the program %s to %s: %s",
		                 bpf_program__name(p), bpf_program__section_name(p), strerror(-code));
	return 0;
}

size_t load_links(const struct load *l)
{
	return l->link_count + POINT_PROGRAMS;
}

struct bpf_link *load_link(const struct load *l, size_t i, const char **program)
{
	if (i < l->link_count) {
		*program = l->links[i].program;
		return l->links[i].link;
	}
	*program = point_programs[i - l->link_count].program;
	return l->point_links[i - l->link_count];
}

int load_take_link(struct load *l, struct bpf_link *link, const char *program)
{
	for (size_t i = 0; i < POINT_PROGRAMS; i++)
		if (!strcmp(point_programs[i].program, program)) {
			l->point_links[i] = link;
			return 0;
		}
	return add_link(l, link, program);
}

/* Programs that libbpf attaches by their section alone. The task iterator is opened when it is wanted (seed.c). */
static int attach_tracing(struct load *l, struct error *err)
{
	struct bpf_program *p;
	int code = 0;

	bpf_object__for_each_program(p, l->obj)
	{
		const char *section = bpf_program__section_name(p);

		if (bpf_program__autoload(p) &&
		    (!strncmp(section, "tp_btf/", 7) || !strncmp(section, "tracepoint/", 11)))
			code = attach_program(l, p, err);
		if (code)
			return code;
	}
	return 0;
}

int load_find_cgroup2(char *path, size_t size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, "cgroup2") && strlen(m->mnt_dir) < size) {
			memcpy(path, m->mnt_dir, strlen(m->mnt_dir) + 1);
			err = 0;
		}
	(void)endmntent(f);
	return err;
}

/* Where network decision points attach, and what `scope` is. */
static int open_scope(struct load *l, const struct sensor_config *config, struct error *err)
{
	const uint32_t zero = 0;
	char root[4096];
	const char *path = config->cgroup ? config->cgroup : root;

	if (!(config->points | config->more_points))
		return 0;
	if (!config->cgroup && load_find_cgroup2(root, sizeof(root)))
		return error_set(err, -EOPNOTSUPP, "no cgroup v2 hierarchy is mounted: mount one, or name a cgroup");
	l->cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->cgroup < 0)
		return error_set(err, -EINVAL, "cannot open the cgroup %s: %s", path, strerror(errno));
	if (bpf_map_update_elem(bpf_map__fd(l->skel->maps.scope), &zero, &l->cgroup, BPF_ANY))
		return error_set(err, -EINVAL, "%s is not a directory of the cgroup v2 hierarchy", path);
	return 0;
}

/* BPF_F_ALLOW_MULTI is what a link to a cgroup means: programs of others at the same cgroup run as well. */
static int attach_point(struct load *l, size_t i, const struct bpf_program *p, struct error *err)
{
	struct bpf_link *link = is_at_lsm(i) ? bpf_program__attach(p) : bpf_program__attach_cgroup(p, l->cgroup);
	const int code = link ? 0 : -errno;

	if (code)
		return error_set(err, code == -EPERM ? -EPERM : -EOPNOTSUPP, "cannot attach the program %s to %s: %s",
		                 bpf_program__name(p), bpf_program__section_name(p), strerror(-code));
	l->point_links[i] = link;
	return l->pin_dir ? pins_save_link(l->pin_dir, link, point_programs[i].program, err) : 0;
}

/* Attaches what `obj` has loaded of these points and what is not attached yet. */
static int attach_loaded(struct load *l, const struct bpf_object *obj, uint32_t points, struct error *err)
{
	int code = 0;

	for (size_t i = 0; !code && i < POINT_PROGRAMS; i++) {
		struct bpf_program *p = bpf_object__find_program_by_name(obj, point_programs[i].program);

		if (points & BIT(point_programs[i].point) && bpf_program__autoload(p) && !l->point_links[i])
			code = attach_point(l, i, p, err);
	}
	return code;
}

int load_add_missed(const struct bpf_link *link, __u64 *missed)
{
	struct bpf_link_info of = {0};
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(of), len = sizeof(info);
	_autoclose_ int fd = -1;
	int err = bpf_obj_get_info_by_fd(bpf_link__fd(link), &of, &size);

	if (err)
		return err;
	fd = bpf_prog_get_fd_by_id(of.prog_id);
	err = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!err)
		*missed += info.recursion_misses;
	return err;
}

/* `unpin`: for good; else only this process lets go of them. */
static void detach_except(struct load *l, uint32_t points, bool unpin)
{
	for (size_t i = 0; i < POINT_PROGRAMS; i++)
		if (l->point_links[i] && !(points & BIT(point_programs[i].point))) {
			if (l->pin_dir && unpin)
				pins_remove_link(l->pin_dir, point_programs[i].program);
			/* One that another process has loaded is gone with its link, and so is its count. */
			if (!load_is_loaded(l, point_programs[i].program)) {
				(void)load_add_missed(l->point_links[i], &l->missed);
				l->points &= ~BIT(point_programs[i].point);
			}
			(void)bpf_link__destroy(l->point_links[i]);
			l->point_links[i] = NULL;
		}
}

/* Programs on the maps of those that run already, the constants among them. */
static int share_maps(struct tercel_bpf *from, struct tercel_bpf *to)
{
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map(map, to->obj)
	{
		const struct bpf_map *shared = bpf_object__find_map_by_name(from->obj, bpf_map__name(map));

		if (!error)
			error = shared ? bpf_map__reuse_fd(map, bpf_map__fd(shared)) : -ENOENT;
	}
	return error;
}

/* Loads the programs of points that were not asked for before, beside the others. */
static int load_more(struct load *l, uint32_t points, struct error *err)
{
	_autofree_ char *log = calloc(1, LOG_SIZE);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log, .kernel_log_size = LOG_SIZE);
	struct bpf_program *p;
	struct tercel_bpf *skel = NULL;
	struct btf *btf = NULL;
	int code = log ? 0 : error_set(err, -ENOMEM, "no memory to load the kernel programs");

	if (!code && l->more_count == LOAD_MORE_MAX)
		code = error_set(err, -E2BIG, "decision points were added too many times: start the daemon again");
	if (!code && points & load_lsm_points())
		code = load_check_lsm(&(struct load_options){0}, err);
	if (!code)
		code = check_kernel(&(struct load_options){0}, &btf, err);
	if (code)
		return code;
	skel = tercel_bpf__open_opts(&opts);
	code = skel ? share_maps(l->skel, skel) : -errno;
	if (code) {
		code = error_set(err, code, "cannot open the built-in kernel programs: %s", strerror(-code));
	} else {
		bpf_object__for_each_program(p, skel->obj)(void) bpf_program__set_autoload(p, false);
		choose_points(skel, btf, points);
		code = tercel_bpf__load(skel);
		if (code)
			code = load_error(code, log, err);
	}
	btf__free(btf);
	if (code) {
		tercel_bpf__destroy(skel);
		return code;
	}
	l->more[l->more_count++] = skel;
	l->points |= points;
	return 0;
}

bool load_is_loaded(const struct load *l, const char *program)
{
	for (size_t i = 0; i < load_objects(l); i++)
		if (bpf_program__autoload(bpf_object__find_program_by_name(load_object(l, i), program)))
			return true;
	return false;
}

size_t load_objects(const struct load *l)
{
	return 1 + l->more_count;
}

const struct bpf_object *load_object(const struct load *l, size_t i)
{
	return i ? l->more[i - 1]->obj : l->obj;
}

uint32_t load_attached_points(const struct load *l)
{
	uint32_t points = BIT(TERCEL_POINT_EXEC_COMMIT);

	for (size_t i = 0; i < POINT_PROGRAMS; i++)
		if (l->point_links[i])
			points |= BIT(point_programs[i].point);
	return points;
}

int load_attach_points(struct load *l, uint32_t points, struct error *err)
{
	const uint32_t missing = points & ~l->points;
	int code = missing ? load_more(l, missing, err) : 0;

	for (size_t i = 0; !code && i < load_objects(l); i++)
		code = attach_loaded(l, load_object(l, i), points, err);
	if (!code && points & ~load_attached_points(l))
		code = error_set(err, -EOPNOTSUPP, "decision points 0x%x have no program that is attached",
		                 points & ~load_attached_points(l));
	return code;
}

void load_detach_points(struct load *l, uint32_t points)
{
	detach_except(l, ~points, true);
}

/* ---- all of it ---------------------------------------------------------------------------------------- */

uint32_t sensor_points(void)
{
	uint32_t points = BIT(TERCEL_POINT_EXEC_COMMIT);

	for (size_t i = 0; i < POINT_PROGRAMS; i++)
		points |= BIT(point_programs[i].point);
	return points;
}

static int check_config(const struct sensor_config *config, struct error *err)
{
	if (config->records >= BIT(TERCEL_RECORD_TYPES))
		return error_set(err, -EINVAL, "unknown record types 0x%x", config->records);
	if (config->points >= BIT(TERCEL_POINTS))
		return error_set(err, -EINVAL, "unknown decision points 0x%x", config->points);
	if ((config->points | config->more_points) & ~sensor_points())
		return error_set(err, -EOPNOTSUPP, "this version has no kernel program for it");
	if (config->ring_mb > MAX_RING_MB)
		return error_set(err, -EINVAL, "a ring buffer of %u MiB for each CPU is too large: at most %u",
		                 config->ring_mb, MAX_RING_MB);
	return 0;
}

static int set_interest(struct load *l, const struct sensor_config *config)
{
	const struct tercel_interest interest = {.records = config->records, .open_reads = config->open_reads};
	const uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(l->skel->maps.interest), &zero, &interest, BPF_ANY);
}

/* Of a point with several programs some may be pinned: those are not all of it. */
static uint32_t attached_points(const struct load *l, const struct btf *btf)
{
	const char *other = bpf_hook_has_kernel(btf) ? "lsm_bpf" : "lsm_bpf_kernel";
	uint32_t points = 0, partly = 0;

	for (size_t i = 0; i < POINT_PROGRAMS; i++) {
		if (!strcmp(point_programs[i].program, other))
			continue;
		*(l->point_links[i] ? &points : &partly) |= BIT(point_programs[i].point);
	}
	return points & ~partly;
}

/* The rest of opening where everything runs already. */
static int go_on(struct load *l, const struct sensor_config *config, const struct load_options *options,
                 struct error *err)
{
	struct btf *btf = NULL;
	int code = pins_open_rest(config->pin_dir, l, &l->of);

	if (code)
		return error_set(err, code, "cannot use what is pinned at %s: %s", config->pin_dir, strerror(-code));
	code = check_kernel(options, &btf, err);
	if (code)
		return code;
	l->points = attached_points(l, btf) | BIT(TERCEL_POINT_EXEC_COMMIT);
	btf__free(btf);
	code = open_scope(l, config, err);
	return code ? code : load_attach_points(l, config->points, err);
}

/* Nobody else may use what is pinned there. Where nothing can be pinned, that is told when it is asked for. */
static int take_pin_place(struct load *l, const struct sensor_config *config, struct error *err)
{
	int code;

	if (!config->pin_dir)
		return 0;
	l->pin_place = strdup(config->pin_dir);
	if (!l->pin_place)
		return error_set(err, -ENOMEM, "out of memory");
	code = pins_lock(l->pin_place, &l->pin_lock, err);
	return code == -EOPNOTSUPP ? 0 : code;
}

int load_pin(struct load *l, const struct pins_names *names, struct error *err)
{
	bool done = false;
	int code = 0;

	if (l->pin_dir) {
		/* What a daemon that was killed as it took over had not taken away yet. */
		code = pins_remove_former(l->pin_dir, err);
		return code < 0 ? code : 0;
	}
	if (!l->pin_place)
		return error_set(err, -EINVAL, "this sensor was told of no place to pin at");
	if (l->pin_lock < 0)
		code = pins_lock(l->pin_place, &l->pin_lock, err);
	if (!code)
		code = pins_save(l->pin_place, l, &l->of, names, &done, err);
	if (done)
		l->pin_dir = l->pin_place;
	return code;
}

int load_unpin(struct load *l, struct error *err)
{
	int code = l->pin_dir ? pins_remove(l->pin_dir, err) : 0;

	l->pin_dir = NULL;
	return code < 0 ? code : 0;
}

int load_open(struct load *l, const struct sensor_config *config, const struct load_options *options, struct error *err)
{
	const uint32_t bytes = ring_bytes(config, options);
	struct btf *btf = NULL;
	int code;

	/* Also what libbpf would print on success: messages are ours alone. */
	(void)libbpf_set_print(NULL);
	code = check_config(config, err);
	if (!code)
		code = check_privileges(config, err);
	if (!code && config->points & load_lsm_points())
		code = load_check_lsm(options, err);
	if (!code)
		code = take_pin_place(l, config, err);
	if (!code)
		code = check_kernel(options, &btf, err);
	if (code)
		return code;
	code = open_and_load(l, config, options, btf, err);
	btf__free(btf);
	if (code)
		return code;
	code = prepare_rings(l);
	if (!code && l->adopted)
		return go_on(l, config, options, err);
	if (!code)
		code = make_rings(l, bytes);
	if (code)
		return error_set(err, code, "cannot make the ring buffers (%u bytes for each CPU): %s", bytes,
		                 strerror(-code));
	code = set_interest(l, config);
	if (code)
		return error_set(err, code, "cannot write the map `interest`: %s", strerror(-code));
	code = open_scope(l, config, err);
	if (!code)
		code = load_attach_points(l, config->points, err);
	return code ? code : attach_tracing(l, err);
}

void load_close(struct load *l)
{
	for (size_t i = 0; i < l->link_count; i++)
		(void)bpf_link__destroy(l->links[i].link);
	detach_except(l, 0, false);
	cleanup_close(&l->cgroup);
	for (size_t i = 0; i < l->more_count; i++)
		tercel_bpf__destroy(l->more[i]);
	/* The last ring is the skeleton's. */
	for (size_t i = 0; l->ring_fds && i + 1 < l->ring_count; i++)
		if (l->ring_fds[i] >= 0)
			(void)close(l->ring_fds[i]);
	free(l->ring_fds);
	free(l->ring_sizes);
	if (l->pin_lock >= 0)
		pins_remove_empty(l->pin_place);
	cleanup_close(&l->pin_lock);
	cleanup_close(&l->former.ring);
	cleanup_close(&l->former.underway);
	free(l->pin_place);
	tercel_bpf__destroy(l->skel);
	*l = LOAD_INIT;
}
