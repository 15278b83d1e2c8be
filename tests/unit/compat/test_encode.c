/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "compat/encode.h"
#include "decode.h"

/* ---- making records ----------------------------------------------------------------------------------- */

static struct {
	_Alignas(8) uint8_t bytes[TERCEL_RECORD_MAX];
	size_t used;
} rec;

static void *start(uint16_t type, size_t size)
{
	memset(&rec, 0, sizeof(rec));
	rec.used = size;
	struct tercel_hdr *h = (struct tercel_hdr *)rec.bytes;
	*h = (struct tercel_hdr){.ts = 1000, .size = (uint32_t)size, .type = type, .tid = 42, .tgid = 40};
	h->exec_id = (struct tercel_exec_id){.ktime = 7, .tgid = 40};
	return rec.bytes;
}

static struct tercel_span span(const char *bytes, size_t len)
{
	struct tercel_span s = {(uint32_t)rec.used, (uint32_t)len};
	memcpy(rec.bytes + rec.used, bytes, len);
	rec.used += len;
	((struct tercel_hdr *)rec.bytes)->size = (uint32_t)rec.used;
	return s;
}

static void give_path(void *data, uint64_t id, struct scap_bytes *out)
{
	(void)data;
	if (id == 77)
		*out = (struct scap_bytes){"/a/b", 4};
}

static void give_arguments(void *data, struct tercel_exec_id id, struct scap_bytes *out)
{
	(void)data;
	if (id.ktime == 7 && id.tgid == 40)
		*out = (struct scap_bytes){"sh\0-c\0ls", 9};
}

static const struct scap_context context = {
        .clock_offset = 500,
        .cgroup_path = give_path,
        .arguments = give_arguments,
};

static uint8_t encoded[SCAP_ENCODED_MAX];
static struct scap_encoded result;

static struct decoded event(size_t i)
{
	struct decoded d;
	assert_true(i < result.count);
	assert_true(result.events[i].offset + result.events[i].len <= result.used);
	assert_true(decode(&d, encoded + result.events[i].offset, result.events[i].len));
	assert_int_equal(d.ts, 1500);
	return d;
}

static void encode(size_t count)
{
	const struct tercel_hdr *h = (const struct tercel_hdr *)rec.bytes;
	assert_int_equal(scap_encode(h, h->size, &context, encoded, sizeof(encoded), &result), 0);
	assert_int_equal(result.count, count);
}

/* ---- exec --------------------------------------------------------------------------------------------- */

static struct tercel_exec *an_exec(void)
{
	struct tercel_exec *e = start(TERCEL_EXEC, sizeof(*e));
	e->hdr.tid = e->hdr.tgid = 40;
	e->syscall = TERCEL_SYS_EXECVE;
	e->fdlimit = 1024;
	e->pgft_maj = 3;
	e->pgft_min = 4;
	e->vm_size = 5;
	e->vm_rss = 6;
	e->vm_swap = 7;
	e->args = span("/bin/sh\0-c\0echo  x\0", 19);
	e->env = span("A=1\0B=\0", 7);
	e->cwd = span("/tmp", 4);
	e->exe_path = span("/usr/bin/dash", 13);
	e->filename = span("/bin/sh", 7);
	e->proc = (struct tercel_proc){
	        .cgroup_id = 77,
	        .ppid = 30,
	        .pgid = 31,
	        .vpgid = 32,
	        .loginuid = UINT32_MAX,
	        .tty = 136 << 20 | 300,
	        .creds = {.uid = 1,
	                  .euid = 2,
	                  .gid = 3,
	                  .egid = 4,
	                  .cap_inheritable = 1,
	                  .cap_permitted = 2,
	                  .cap_effective = UINT64_MAX},
	        .exe = {.ino = 99, .ctime_ns = 11, .mtime_ns = 12},
	        .comm = "sh",
	};
	return e;
}

static void an_exec_says_everything_in_falcos_order(void **state)
{
	(void)state;
	(void)an_exec();
	encode(1);
	struct decoded d = event(0);
	assert_int_equal(d.type, SCAP_EXECVE_19_X);
	assert_int_equal(d.tid, 40);
	assert_int_equal(decoded_int(&d, 0), 0);
	assert_string_equal(decoded_text(&d, 1), "/bin/sh");
	assert_int_equal(d.params[2].len, 11);
	assert_memory_equal(d.params[2].data, "-c\0echo  x\0", 11);
	assert_int_equal(decoded_int(&d, 3), 40);
	assert_int_equal(decoded_int(&d, 4), 40);
	assert_int_equal(decoded_int(&d, 5), 30);
	assert_string_equal(decoded_text(&d, 6), "/tmp");
	assert_int_equal(decoded_int(&d, 7), 1024);
	for (unsigned i = 8; i < 13; i++)
		assert_int_equal(decoded_int(&d, i), i - 5);
	assert_string_equal(decoded_text(&d, 13), "sh");
	static const char cgroups[] = "cpuset=/a/b\0cpu=/a/b\0cpuacct=/a/b\0io=/a/b\0memory=/a/b";
	assert_int_equal(d.params[14].len, sizeof(cgroups));
	assert_memory_equal(d.params[14].data, cgroups, sizeof(cgroups));
	assert_int_equal(d.params[15].len, 7);
	assert_memory_equal(d.params[15].data, "A=1\0B=\0", 7);
	assert_int_equal(decoded_int(&d, 16), (300 & 0xff) | 136 << 8 | (300 & ~0xff) << 12);
	assert_int_equal(decoded_int(&d, 17), 32);
	assert_int_equal(decoded_int(&d, 18), UINT32_MAX);
	assert_int_equal(decoded_int(&d, 19), 0);
	assert_int_equal(decoded_int(&d, 20), 1);
	assert_int_equal(decoded_int(&d, 21), 2);
	assert_int_equal(decoded_int(&d, 22), (1LL << 41) - 1);
	assert_int_equal(decoded_int(&d, 23), 99);
	assert_int_equal(decoded_int(&d, 24), 11);
	assert_int_equal(decoded_int(&d, 25), 12);
	assert_int_equal(decoded_int(&d, 26), 2);
	assert_string_equal(decoded_text(&d, 27), "/usr/bin/dash");
	assert_int_equal(decoded_int(&d, 28), 31);
	assert_int_equal(decoded_int(&d, 29), 4);
	assert_string_equal(decoded_text(&d, 30), "/bin/sh");
}

static void every_exec_that_succeeded_is_an_execve(void **state)
{
	(void)state;
	static const uint32_t calls[] = {TERCEL_SYS_EXECVE, TERCEL_SYS_EXECVEAT, TERCEL_SYS_NONE};
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct tercel_exec *e = an_exec();
		e->syscall = calls[i];
		e->filename = span("/dev/fd/3", 9);
		encode(1);
		struct decoded d = event(0);
		assert_int_equal(d.type, SCAP_EXECVE_19_X);
		assert_int_equal(d.nparams, 31);
		assert_string_equal(decoded_text(&d, 27), "/usr/bin/dash");
		assert_int_equal(decoded_int(&d, 29), 4);
		assert_string_equal(decoded_text(&d, 30), "/dev/fd/3");
	}
}

static void facts_about_the_executable_become_falcos_flags(void **state)
{
	(void)state;
	static const struct {
		uint32_t ours, falcos;
	} rows[] = {
	        {0, 0},
	        {TERCEL_EXE_WRITABLE, SCAP_EXE_WRITABLE},
	        {TERCEL_EXE_UPPER_LAYER, SCAP_EXE_UPPER_LAYER},
	        {TERCEL_EXE_LOWER_LAYER, SCAP_EXE_LOWER_LAYER},
	        {TERCEL_EXE_MEMFD, SCAP_EXE_FROM_MEMFD},
	        {TERCEL_EXE_WRITABLE | TERCEL_EXE_MEMFD, SCAP_EXE_WRITABLE | SCAP_EXE_FROM_MEMFD},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		an_exec()->proc.exe.flags = rows[i].ours;
		encode(1);
		struct decoded d = event(0);
		assert_int_equal(decoded_int(&d, 19), rows[i].falcos);
	}
}

static void what_is_not_known_is_not_made_up(void **state)
{
	(void)state;
	struct tercel_exec *e = an_exec();
	e->args = e->env = e->cwd = e->exe_path = e->filename = (struct tercel_span){0};
	e->proc.cgroup_id = 1;
	encode(1);
	struct decoded d = event(0);
	static const unsigned unavailable[] = {1, 2, 6, 14, 15, 30};
	for (size_t i = 0; i < sizeof(unavailable) / sizeof(*unavailable); i++)
		assert_int_equal(d.params[unavailable[i]].len, 0);
	/* But for the path: without one libsinsp would keep that of the image before. */
	assert_string_equal(decoded_text(&d, 27), "");
}

static void a_name_of_full_length_is_whole(void **state)
{
	(void)state;
	memcpy(an_exec()->proc.comm, "fifteen-letters", 16);
	encode(1);
	struct decoded d = event(0);
	assert_string_equal(decoded_text(&d, 13), "fifteen-letters");
	/* Without its NUL it is still one text. */
	memset(an_exec()->proc.comm, 'x', TERCEL_COMM_LEN);
	encode(1);
	d = event(0);
	assert_int_equal(d.params[13].len, TERCEL_COMM_LEN + 1);
}

static void arguments_cut_in_the_middle_stay_a_list(void **state)
{
	(void)state;
	struct tercel_exec *e = an_exec();
	e->args = span("a\0b\0cu", 6);
	encode(1);
	struct decoded d = event(0);
	assert_string_equal(decoded_text(&d, 1), "a");
	assert_int_equal(d.params[2].len, 5);
	assert_memory_equal(d.params[2].data, "b\0cu\0", 5);
	e = an_exec();
	e->args = span("alone", 5);
	encode(1);
	d = event(0);
	assert_string_equal(decoded_text(&d, 1), "alone");
	assert_int_equal(d.params[2].len, 0);
	/* An empty argv[0] is a value. */
	e = an_exec();
	e->args = span("\0x\0", 3);
	encode(1);
	d = event(0);
	assert_string_equal(decoded_text(&d, 1), "");
	assert_int_equal(d.params[2].len, 2);
}

/* ---- fork --------------------------------------------------------------------------------------------- */

static struct tercel_fork *a_fork(void)
{
	struct tercel_fork *f = start(TERCEL_FORK, sizeof(*f));
	f->syscall = TERCEL_SYS_CLONE;
	f->clone_flags = 17; /* SIGCHLD */
	f->cgroup_id = 77;
	f->child_tid = f->child_tgid = f->child_vtid = f->child_vtgid = f->child_tid_in_parent_ns = 50;
	f->parent_vtid = 42;
	f->parent_vtgid = 40;
	f->child_ppid = 40;
	f->ppid = 30;
	f->uid = 8;
	f->gid = 9;
	memcpy(f->comm, "sh", 2);
	return f;
}

static void a_fork_is_the_childs_event_and_then_its_makers(void **state)
{
	(void)state;
	(void)a_fork();
	encode(2);
	struct decoded child = event(0), maker = event(1);
	assert_int_equal(child.type, SCAP_CLONE_20_X);
	assert_int_equal(child.tid, 50);
	assert_int_equal(decoded_int(&child, 0), 0);
	assert_string_equal(decoded_text(&child, 1), "sh");
	assert_memory_equal(child.params[2].data, "-c\0ls\0", 6);
	assert_int_equal(decoded_int(&child, 3), 50);
	assert_int_equal(decoded_int(&child, 4), 50);
	assert_int_equal(decoded_int(&child, 5), 40);
	assert_string_equal(decoded_text(&child, 13), "sh");
	assert_true(child.params[14].len > 0);
	assert_int_equal(decoded_int(&child, 15), 0);
	assert_int_equal(decoded_int(&child, 16), 8);
	assert_int_equal(decoded_int(&child, 17), 9);
	assert_int_equal(decoded_int(&child, 18), 50);
	assert_int_equal(decoded_int(&child, 19), 50);

	assert_int_equal(maker.type, SCAP_CLONE_20_X);
	assert_int_equal(maker.tid, 42);
	assert_int_equal(decoded_int(&maker, 0), 50);
	assert_int_equal(decoded_int(&maker, 3), 42);
	assert_int_equal(decoded_int(&maker, 4), 40);
	assert_int_equal(decoded_int(&maker, 5), 30);
	assert_int_equal(decoded_int(&maker, 18), 42);
	assert_int_equal(decoded_int(&maker, 19), 40);
}

static void each_call_has_its_own_event(void **state)
{
	(void)state;
	static const struct {
		uint32_t syscall;
		uint16_t type;
	} rows[] = {
	        {TERCEL_SYS_FORK, SCAP_FORK_20_X},
	        {TERCEL_SYS_VFORK, SCAP_VFORK_20_X},
	        {TERCEL_SYS_CLONE, SCAP_CLONE_20_X},
	        {TERCEL_SYS_CLONE3, SCAP_CLONE3_X},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		a_fork()->syscall = rows[i].syscall;
		encode(2);
		assert_int_equal(event(0).type, rows[i].type);
		assert_int_equal(event(1).type, rows[i].type);
	}
}

static void a_thread_is_marked_as_one_even_if_the_flags_were_unreadable(void **state)
{
	(void)state;
	struct tercel_fork *f = a_fork();
	f->clone_flags = 0;
	f->is_thread = 1;
	f->child_tgid = 40;
	encode(2);
	struct decoded d = event(0);
	assert_int_equal(decoded_int(&d, 15), SCAP_CLONE_THREAD | SCAP_CLONE_SIGHAND | SCAP_CLONE_VM);
	assert_int_equal(decoded_int(&d, 4), 40);
}

static void a_child_in_another_pid_namespace_is_marked(void **state)
{
	(void)state;
	struct tercel_fork *f = a_fork();
	f->pidns_start = 900;
	f->child_new_pidns = 1;
	f->child_vtid = f->child_vtgid = 1;
	f->clone_flags = CLONE_NEWPID | 17;
	encode(2);
	struct decoded child = event(0), maker = event(1);
	assert_int_equal(decoded_int(&child, 15), SCAP_CLONE_NEWPID | SCAP_CLONE_CHILD_IN_PIDNS);
	assert_int_equal(decoded_int(&maker, 15), SCAP_CLONE_NEWPID | SCAP_CLONE_CHILD_IN_PIDNS);
	assert_int_equal(decoded_int(&child, 18), 1);
	assert_int_equal(decoded_int(&child, 20), 900);
	assert_int_equal(decoded_int(&maker, 20), 0);
}

static const char *cgroup_of(const struct decoded *d)
{
	return d->params[14].len ? (const char *)d->params[14].data : "";
}

static void give_two_paths(void *data, uint64_t id, struct scap_bytes *out)
{
	(void)data;
	if (id == 77)
		*out = (struct scap_bytes){"/childs", 7};
	else if (id == 78)
		*out = (struct scap_bytes){"/makers", 7};
}

static void give_maker(void *data, const struct tercel_fork *f, struct scap_maker *out)
{
	(void)data;
	assert_int_equal(out->euid, f->uid);
	assert_int_equal(out->egid, f->gid);
	if (!out->cgroup_id)
		out->cgroup_id = 78;
	out->euid = 1;
	out->egid = 2;
}

static void a_makers_event_has_its_own_cgroup(void **state)
{
	(void)state;
	static const struct {
		uint32_t syscall;
		uint64_t flags;
		const char *without, *with; /* one who knows the maker */
	} rows[] = {
	        {TERCEL_SYS_FORK, 17, "cpuset=/childs", "cpuset=/childs"},
	        {TERCEL_SYS_CLONE3, CLONE_NEWPID | 17, "cpuset=/childs", "cpuset=/childs"},
	        {TERCEL_SYS_CLONE3, 0x200000000ULL | 17, "", "cpuset=/makers"}, /* CLONE_INTO_CGROUP */
	        {TERCEL_SYS_CLONE3, 0, "", "cpuset=/makers"},                   /* flags unreadable */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tercel_fork *f = a_fork();
		f->syscall = rows[i].syscall;
		f->clone_flags = rows[i].flags;
		for (int known = 0; known < 2; known++) {
			const struct scap_context asking = {
			        .clock_offset = 500, .cgroup_path = give_two_paths, .maker = known ? give_maker : NULL};
			assert_int_equal(scap_encode(&f->hdr, f->hdr.size, &asking, encoded, sizeof(encoded), &result),
			                 0);
			struct decoded child = event(0), maker = event(1);
			assert_string_equal(cgroup_of(&child), "cpuset=/childs");
			assert_string_equal(cgroup_of(&maker), known ? rows[i].with : rows[i].without);
			/* A child has its maker's credentials. */
			assert_int_equal(decoded_int(&child, 16), known ? 1 : 8);
			assert_int_equal(decoded_int(&child, 17), known ? 2 : 9);
			assert_int_equal(decoded_int(&maker, 16), known ? 1 : 8);
			assert_int_equal(decoded_int(&maker, 17), known ? 2 : 9);
		}
	}
}

static void what_the_kernel_makes_has_no_makers_event(void **state)
{
	(void)state;
	a_fork()->syscall = TERCEL_SYS_NONE;
	encode(1);
	assert_int_equal(event(0).tid, 50);
	a_fork()->is_kthread = 1;
	encode(0);
}

/* ---- exit, files -------------------------------------------------------------------------------------- */

static void an_exit_tells_status_signal_and_core(void **state)
{
	(void)state;
	struct tercel_exit *e = start(TERCEL_EXIT, sizeof(*e));
	e->exit_code = 3 << 8;
	e->reaper_tid = 1;
	encode(1);
	struct decoded d = event(0);
	assert_int_equal(d.type, SCAP_PROCEXIT_1_E);
	assert_int_equal(decoded_int(&d, 0), 3 << 8);
	assert_int_equal(decoded_int(&d, 1), 3);
	assert_int_equal(decoded_int(&d, 2), 0);
	assert_int_equal(decoded_int(&d, 3), 0);
	assert_int_equal(decoded_int(&d, 4), 1);
	e->exit_code = 11 | 0x80;
	encode(1);
	d = event(0);
	assert_int_equal(decoded_int(&d, 1), 0);
	assert_int_equal(decoded_int(&d, 2), 11);
	assert_int_equal(decoded_int(&d, 3), 1);
}

static struct tercel_open *an_open(uint32_t syscall)
{
	struct tercel_open *o = start(TERCEL_OPEN, sizeof(*o));
	o->syscall = syscall;
	o->ret = 5;
	o->dirfd = -100;
	o->flags = 01 | 0100 | 01000 | 02000000; /* O_WRONLY O_CREAT O_TRUNC O_CLOEXEC on x86 and arm64 */
	o->mode = 0100644;
	o->dev = 8 << 20 | 1;
	o->ino = 1234;
	o->resolve = 0x08 | 0x20; /* BENEATH CACHED */
	o->file_flags = TERCEL_FILE_CREATED | TERCEL_FILE_UPPER_LAYER;
	o->path = span("etc/x", 5);
	return o;
}

#define OPEN_FLAGS \
	(SCAP_O_WRONLY | SCAP_O_CREAT | SCAP_O_TRUNC | SCAP_O_CLOEXEC | SCAP_O_F_CREATED | SCAP_FD_UPPER_LAYER)

static void every_way_to_open_has_its_parameters(void **state)
{
	(void)state;
	(void)an_open(TERCEL_SYS_OPEN);
	encode(1);
	struct decoded d = event(0);
	assert_int_equal(d.type, SCAP_OPEN_X);
	assert_int_equal(decoded_int(&d, 0), 5);
	assert_string_equal(decoded_text(&d, 1), "etc/x");
	assert_int_equal(decoded_int(&d, 2), OPEN_FLAGS);
	assert_int_equal(decoded_int(&d, 3), 0644);
	assert_int_equal(decoded_int(&d, 4), 8 << 8 | 1);
	assert_int_equal(decoded_int(&d, 5), 1234);

	(void)an_open(TERCEL_SYS_OPENAT);
	encode(1);
	d = event(0);
	assert_int_equal(d.type, SCAP_OPENAT_2_X);
	assert_int_equal(decoded_int(&d, 1), -100);
	assert_string_equal(decoded_text(&d, 2), "etc/x");
	assert_int_equal(decoded_int(&d, 3), OPEN_FLAGS);
	assert_int_equal(decoded_int(&d, 4), 0644);
	assert_int_equal(decoded_int(&d, 5), 8 << 8 | 1);
	assert_int_equal(decoded_int(&d, 6), 1234);

	(void)an_open(TERCEL_SYS_OPENAT2);
	encode(1);
	d = event(0);
	assert_int_equal(d.type, SCAP_OPENAT2_X);
	assert_int_equal(decoded_int(&d, 3), OPEN_FLAGS);
	assert_int_equal(decoded_int(&d, 5), SCAP_RESOLVE_BENEATH | SCAP_RESOLVE_CACHED);
	assert_int_equal(decoded_int(&d, 7), 1234);

	(void)an_open(TERCEL_SYS_CREAT);
	encode(1);
	d = event(0);
	assert_int_equal(d.type, SCAP_CREAT_X);
	assert_string_equal(decoded_text(&d, 1), "etc/x");
	assert_int_equal(decoded_int(&d, 2), 0644);
	assert_int_equal(decoded_int(&d, 3), 8 << 8 | 1);
	assert_int_equal(decoded_int(&d, 4), 1234);
	assert_int_equal(decoded_int(&d, 5), SCAP_CREAT_UPPER_LAYER);
}

static void a_failed_open_keeps_its_error_and_path(void **state)
{
	(void)state;
	struct tercel_open *o = an_open(TERCEL_SYS_OPENAT);
	o->ret = -ENOENT;
	o->file_flags = o->dev = 0;
	o->ino = 0;
	encode(1);
	struct decoded d = event(0);
	assert_int_equal(decoded_int(&d, 0), -ENOENT);
	assert_string_equal(decoded_text(&d, 2), "etc/x");
	assert_int_equal(decoded_int(&d, 6), 0);
}

static void an_unreadable_path_is_not_an_empty_one(void **state)
{
	(void)state;
	struct tercel_open *o = an_open(TERCEL_SYS_OPENAT);
	o->path.len = 0;
	encode(1);
	struct decoded d = event(0);
	assert_string_equal(decoded_text(&d, 2), "");
	o->hdr.flags = TERCEL_F_FAULT_PATH;
	encode(1);
	d = event(0);
	assert_int_equal(d.params[2].len, 0);
}

static void give_cwd(void *data, const struct tercel_hdr *r, struct scap_bytes *out)
{
	(void)data;
	if (r->tgid == 40)
		*out = (struct scap_bytes){"/srv/x", 6};
	else if (r->tgid == 1)
		*out = (struct scap_bytes){"/", 1};
}

static void a_relative_path_is_completed_where_the_host_cannot(void **state)
{
	(void)state;
	const struct scap_context completing = {.unknown_cwd = give_cwd};
	static const struct {
		uint32_t syscall;
		int32_t dirfd;
		uint32_t tgid;
		const char *path, *expected;
	} rows[] = {
	        {TERCEL_SYS_OPENAT, -100, 40, "etc/x", "/srv/x/etc/x"},
	        {TERCEL_SYS_OPENAT, -100, 40, "../x", "/srv/x/../x"},
	        {TERCEL_SYS_CREAT, -100, 40, "x", "/srv/x/x"},
	        {TERCEL_SYS_OPEN, -100, 40, "x", "/srv/x/x"},
	        {TERCEL_SYS_OPENAT, -100, 40, "/etc/x", "/etc/x"},
	        {TERCEL_SYS_OPENAT, 7, 40, "x", "x"},
	        {TERCEL_SYS_OPENAT, -100, 41, "x", "x"},
	        {TERCEL_SYS_OPENAT, -100, 40, "", ""},
	        {TERCEL_SYS_OPENAT, -100, 1, "x", "/x"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tercel_open *o = an_open(rows[i].syscall);
		struct decoded d;
		o->path = span(rows[i].path, strlen(rows[i].path));
		o->dirfd = rows[i].dirfd;
		o->hdr.tgid = rows[i].tgid;
		assert_int_equal(scap_encode(&o->hdr, o->hdr.size, &completing, encoded, sizeof(encoded), &result), 0);
		assert_true(decode(&d, encoded, result.events[0].len));
		assert_string_equal(decoded_text(&d, rows[i].syscall == TERCEL_SYS_OPENAT ? 2 : 1), rows[i].expected);
		assert_int_equal(result.completed, strcmp(rows[i].path, rows[i].expected) != 0);
	}
}

static void open_flags_follow_the_table(void **state)
{
	(void)state;
	static const struct {
		uint64_t kernel;
		uint32_t falco;
	} rows[] = {
	        {0, SCAP_O_RDONLY},
	        {1, SCAP_O_WRONLY},
	        {2, SCAP_O_RDWR},
	        {02000, SCAP_O_RDONLY | SCAP_O_APPEND},
	        /* Any bit of O_SYNC is O_SYNC, and any of O_TMPFILE O_TMPFILE, as with Falco's driver. */
	        {010000, SCAP_O_RDONLY | SCAP_O_DSYNC | SCAP_O_SYNC},
	        {04010000, SCAP_O_RDONLY | SCAP_O_DSYNC | SCAP_O_SYNC},
	        {0200, SCAP_O_RDONLY | SCAP_O_EXCL},
	        {04000, SCAP_O_RDONLY | SCAP_O_NONBLOCK},
#ifdef __x86_64__ /* arm64 has its own values for these */
	        {040000, SCAP_O_RDONLY | SCAP_O_DIRECT},
	        {0100000, SCAP_O_RDONLY | SCAP_O_LARGEFILE},
	        {0200000, SCAP_O_RDONLY | SCAP_O_DIRECTORY | SCAP_O_TMPFILE},
	        {020200000 | 2, SCAP_O_RDWR | SCAP_O_DIRECTORY | SCAP_O_TMPFILE},
#endif
	        {02000000, SCAP_O_RDONLY | SCAP_O_CLOEXEC},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(scap_open_flags(rows[i].kernel), rows[i].falco);
	assert_int_equal(scap_open_mode(0107777), 07777);
}

static void families_that_falco_does_not_know_are_unspecified(void **state)
{
	(void)state;
	assert_int_equal(scap_socket_family(AF_INET6), 10);
	assert_int_equal(scap_socket_family(AF_NFC), 39);
	assert_int_equal(scap_socket_family(AF_VSOCK), 0);
	assert_int_equal(scap_socket_family(27), 0);
	assert_int_equal(scap_socket_family(UINT32_MAX), 0);
}

static void a_relative_chdir_says_where_it_led(void **state)
{
	(void)state;
	struct tercel_chdir *c = start(TERCEL_CHDIR, sizeof(*c));
	c->syscall = TERCEL_SYS_CHDIR;
	c->path = span("..", 2);
	c->cwd = span("/srv", 4);
	encode(1);
	struct decoded d = event(0);
	assert_int_equal(d.type, SCAP_CHDIR_X);
	assert_string_equal(decoded_text(&d, 1), "/srv");
	assert_true(result.completed);
	/* One that failed led nowhere. */
	c->ret = -ENOENT;
	encode(1);
	d = event(0);
	assert_int_equal(decoded_int(&d, 0), -ENOENT);
	assert_string_equal(decoded_text(&d, 1), "..");
	/* An absolute one keeps its words. */
	c->ret = 0;
	c->path = span("/link", 5);
	encode(1);
	d = event(0);
	assert_string_equal(decoded_text(&d, 1), "/link");
	assert_false(result.completed);
	/* A cut directory is worse than a relative one. */
	c->path = span("x", 1);
	c->hdr.flags = TERCEL_F_TRUNC_CWD;
	encode(1);
	d = event(0);
	assert_string_equal(decoded_text(&d, 1), "x");

	c->syscall = TERCEL_SYS_FCHDIR;
	c->fd = 9;
	encode(1);
	d = event(0);
	assert_int_equal(d.type, SCAP_FCHDIR_X);
	assert_int_equal(decoded_int(&d, 1), 9);
}

/* ---- sockets ------------------------------------------------------------------------------------------ */

static struct tercel_connect *a_connect(uint16_t family)
{
	struct tercel_connect *c = start(TERCEL_CONNECT, sizeof(*c));
	c->fd = 3;
	c->family = family;
	c->sock_type = SOCK_STREAM;
	return c;
}

static void connect4(struct tercel_connect *c)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = htonl(0x7f000001)};
	memcpy(c->addr, &in, sizeof(in));
	c->addr_len = sizeof(in);
	c->local = (struct tercel_endpoint){.addr = {127, 0, 0, 2}, .port = 40000, .family = AF_INET};
	c->remote = (struct tercel_endpoint){.addr = {127, 0, 0, 1}, .port = 8080, .family = AF_INET};
}

static void an_ipv4_connection_has_both_ends(void **state)
{
	(void)state;
	connect4(a_connect(AF_INET));
	encode(1);
	struct decoded d = event(0);
	static const uint8_t tuple[] = {2, 127, 0, 0, 2, 0x40, 0x9c, 127, 0, 0, 1, 0x90, 0x1f};
	static const uint8_t addr[] = {2, 127, 0, 0, 1, 0x90, 0x1f};
	assert_int_equal(d.type, SCAP_CONNECT_X);
	assert_int_equal(decoded_int(&d, 0), 0);
	assert_int_equal(d.params[1].len, sizeof(tuple));
	assert_memory_equal(d.params[1].data, tuple, sizeof(tuple));
	assert_int_equal(decoded_int(&d, 2), 3);
	assert_int_equal(d.params[3].len, sizeof(addr));
	assert_memory_equal(d.params[3].data, addr, sizeof(addr));
}

static void only_a_connection_made_or_under_way_has_a_tuple(void **state)
{
	(void)state;
	static const struct {
		int64_t ret;
		uint16_t len;
	} rows[] = {{0, 13}, {-EINPROGRESS, 13}, {-ECONNREFUSED, 0}, {-EPERM, 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tercel_connect *c = a_connect(AF_INET);
		connect4(c);
		c->ret = rows[i].ret;
		encode(1);
		struct decoded d = event(0);
		assert_int_equal(decoded_int(&d, 0), rows[i].ret);
		assert_int_equal(d.params[1].len, rows[i].len);
		assert_int_equal(d.params[3].len, 7);
	}
}

static void a_socket_that_does_not_say_yet_is_told_by_the_address(void **state)
{
	(void)state;
	struct tercel_connect *c = a_connect(AF_INET);
	connect4(c);
	c->remote = (struct tercel_endpoint){0};
	encode(1);
	struct decoded d = event(0);
	static const uint8_t remote[] = {127, 0, 0, 1, 0x90, 0x1f};
	assert_memory_equal(d.params[1].data + 7, remote, sizeof(remote));
}

static void an_ipv6_connection_has_both_ends(void **state)
{
	(void)state;
	struct tercel_connect *c = a_connect(AF_INET6);
	struct sockaddr_in6 in6 = {
	        .sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	memcpy(c->addr, &in6, sizeof(in6));
	c->addr_len = sizeof(in6);
	c->local = (struct tercel_endpoint){.addr = {[15] = 1}, .port = 1, .family = AF_INET6};
	c->remote = (struct tercel_endpoint){.addr = {[15] = 1}, .port = 443, .family = AF_INET6};
	encode(1);
	struct decoded d = event(0);
	assert_int_equal(d.params[1].len, 37);
	assert_int_equal(d.params[1].data[0], 10);
	assert_int_equal(d.params[1].data[16], 1);
	assert_int_equal(little(d.params[1].data + 17, 2), 1);
	assert_int_equal(d.params[1].data[34], 1);
	assert_int_equal(little(d.params[1].data + 35, 2), 443);
	assert_int_equal(d.params[3].len, 19);
}

static void a_unix_connection_has_its_path_and_both_sockets(void **state)
{
	(void)state;
	struct tercel_connect *c = a_connect(AF_UNIX);
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x.sock"};
	memcpy(c->addr, &un, sizeof(un));
	c->addr_len = sizeof(un);
	c->unix_sock = 0x1111;
	c->unix_peer = 0x2222;
	encode(1);
	struct decoded d = event(0);
	assert_int_equal(d.params[1].data[0], 1);
	assert_int_equal(little(d.params[1].data + 1, 8), 0x2222);
	assert_int_equal(little(d.params[1].data + 9, 8), 0x1111);
	assert_string_equal((const char *)d.params[1].data + 17, "/run/x.sock");
	assert_string_equal((const char *)d.params[3].data + 1, "/run/x.sock");

	/* An abstract name: its first byte is a NUL, its last one has none. */
	c = a_connect(AF_UNIX);
	memcpy(c->addr, "\x01\x00\0abc", 6);
	c->addr_len = 6;
	encode(1);
	d = event(0);
	assert_int_equal(d.params[3].len, 5);
	assert_string_equal((const char *)d.params[3].data + 1, "abc");

	/* A path that fills the address has no NUL at all. */
	c = a_connect(AF_UNIX);
	memset(c->addr, 'p', 110);
	memcpy(c->addr, "\x01\x00", 2);
	c->addr_len = 110;
	encode(1);
	d = event(0);
	assert_int_equal(d.params[3].len, 1 + 108 + 1);
}

static void odd_addresses_are_left_out(void **state)
{
	(void)state;
	for (uint32_t len = 0; len <= TERCEL_SOCKADDR_MAX; len++) {
		static const uint16_t families[] = {AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, 0xffff};
		for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
			struct tercel_connect *c = a_connect(families[i]);
			memcpy(c->addr, &families[i], 2);
			c->addr_len = len;
			encode(1);
			struct decoded d = event(0);
			if (len < 8 && families[i] == AF_INET)
				assert_int_equal(d.params[3].len, 0);
		}
	}
}

static void a_socket_carries_the_newest_schemas_flags(void **state)
{
	(void)state;
	struct tercel_socket *s = start(TERCEL_SOCKET, sizeof(*s));
	s->ret = 4;
	s->domain = AF_INET;
	s->sock_type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	s->protocol = IPPROTO_TCP;
	encode(1);
	struct decoded d = event(0);
	assert_int_equal(d.nparams, 5);
	assert_int_equal(decoded_int(&d, 0), 4);
	assert_int_equal(decoded_int(&d, 1), 2);
	assert_int_equal(decoded_int(&d, 2), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_int_equal(decoded_int(&d, 3), IPPROTO_TCP);
	assert_int_equal(decoded_int(&d, 4), SCAP_O_CLOEXEC | SCAP_O_NONBLOCK);
}

/* ---- bad input ---------------------------------------------------------------------------------------- */

static void refused(void)
{
	const struct tercel_hdr *h = (const struct tercel_hdr *)rec.bytes;
	result.count = 99;
	assert_int_equal(scap_encode(h, sizeof(rec.bytes), &context, encoded, sizeof(encoded), &result), -EBADMSG);
	assert_int_equal(result.count, 99);
}

static void malformed_records_are_refused(void **state)
{
	(void)state;
	struct tercel_exec *e = an_exec();
	e->hdr.size = sizeof(rec.bytes) + 1;
	refused();
	an_exec()->hdr.type = TERCEL_RECORD_TYPES;
	refused();
	an_exec()->hdr.size = sizeof(struct tercel_exec) - 1;
	refused();
	an_exec()->syscall = TERCEL_SYS_OPEN;
	refused();
	struct tercel_span bad[] = {{UINT32_MAX, 1}, {0, UINT32_MAX}, {1, UINT32_MAX}, {sizeof(rec.bytes), 1}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		an_exec()->args = bad[i];
		refused();
		an_exec()->env = bad[i];
		refused();
		an_exec()->cwd = bad[i];
		refused();
		an_exec()->exe_path = bad[i];
		refused();
		an_exec()->filename = bad[i];
		refused();
		an_open(TERCEL_SYS_OPEN)->path = bad[i];
		refused();
	}
	a_connect(AF_INET)->addr_len = TERCEL_SOCKADDR_MAX + 1;
	refused();
	const struct tercel_hdr *h = (const struct tercel_hdr *)an_exec();
	for (size_t size = 0; size < h->size; size++)
		assert_int_equal(scap_encode(h, size, &context, encoded, sizeof(encoded), &result), -EBADMSG);
}

static void a_buffer_that_is_too_small_is_never_overrun(void **state)
{
	(void)state;
	const struct tercel_hdr *h = (const struct tercel_hdr *)an_exec();
	encode(1);
	size_t need = result.events[0].len;
	for (size_t size = 0; size < need; size++) {
		uint8_t *exact = malloc(size + 1);
		assert_non_null(exact);
		exact[size] = 0x5a;
		assert_int_equal(scap_encode(h, h->size, &context, exact, size, &result), -ENOSPC);
		assert_int_equal(exact[size], 0x5a);
		free(exact);
	}
	uint8_t *exact = malloc(need + 1);
	assert_non_null(exact);
	exact[need] = 0x5a;
	assert_int_equal(scap_encode(h, h->size, &context, exact, need, &result), 0);
	assert_int_equal(exact[need], 0x5a);
	free(exact);
}

static void records_without_an_event_give_none(void **state)
{
	(void)state;
	an_exec()->hdr.type = TERCEL_SEED;
	encode(0);
	struct tercel_cgroup *c = start(TERCEL_CGROUP, sizeof(*c));
	c->path = span("/", 1);
	encode(0);
	(void)start(TERCEL_VERDICT, sizeof(struct tercel_verdict));
	encode(0);
}

static void without_a_context_the_rest_is_still_told(void **state)
{
	(void)state;
	const struct scap_context none = {0};
	const struct tercel_hdr *h = (const struct tercel_hdr *)a_fork();
	struct decoded d = {0};
	assert_int_equal(scap_encode(h, h->size, &none, encoded, sizeof(encoded), &result), 0);
	assert_true(decode(&d, encoded, result.events[0].len));
	assert_int_equal(d.ts, 1000);
	assert_int_equal(d.params[1].len, 0);
	assert_int_equal(d.params[14].len, 0);
}

static void the_event_table_is_consistent(void **state)
{
	(void)state;
	for (size_t i = 0; i < scap_event_count; i++) {
		const struct scap_event_info *e = &scap_events[i];
		assert_ptr_equal(scap_event_info(e->type), e);
		assert_true(e->nparams <= SCAP_PARAMS_MAX && e->nparams_oldest <= e->nparams);
		for (size_t j = e->nparams; j < SCAP_PARAMS_MAX; j++)
			assert_int_equal(e->params[j], 0);
	}
	assert_null(scap_event_info(0));
	assert_int_equal(sizeof(struct scap_header), 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_exec_says_everything_in_falcos_order),
	        cmocka_unit_test(every_exec_that_succeeded_is_an_execve),
	        cmocka_unit_test(facts_about_the_executable_become_falcos_flags),
	        cmocka_unit_test(what_is_not_known_is_not_made_up),
	        cmocka_unit_test(a_name_of_full_length_is_whole),
	        cmocka_unit_test(arguments_cut_in_the_middle_stay_a_list),
	        cmocka_unit_test(a_fork_is_the_childs_event_and_then_its_makers),
	        cmocka_unit_test(each_call_has_its_own_event),
	        cmocka_unit_test(a_thread_is_marked_as_one_even_if_the_flags_were_unreadable),
	        cmocka_unit_test(a_child_in_another_pid_namespace_is_marked),
	        cmocka_unit_test(a_makers_event_has_its_own_cgroup),
	        cmocka_unit_test(what_the_kernel_makes_has_no_makers_event),
	        cmocka_unit_test(an_exit_tells_status_signal_and_core),
	        cmocka_unit_test(every_way_to_open_has_its_parameters),
	        cmocka_unit_test(a_failed_open_keeps_its_error_and_path),
	        cmocka_unit_test(an_unreadable_path_is_not_an_empty_one),
	        cmocka_unit_test(a_relative_path_is_completed_where_the_host_cannot),
	        cmocka_unit_test(open_flags_follow_the_table),
	        cmocka_unit_test(families_that_falco_does_not_know_are_unspecified),
	        cmocka_unit_test(a_relative_chdir_says_where_it_led),
	        cmocka_unit_test(an_ipv4_connection_has_both_ends),
	        cmocka_unit_test(only_a_connection_made_or_under_way_has_a_tuple),
	        cmocka_unit_test(a_socket_that_does_not_say_yet_is_told_by_the_address),
	        cmocka_unit_test(an_ipv6_connection_has_both_ends),
	        cmocka_unit_test(a_unix_connection_has_its_path_and_both_sockets),
	        cmocka_unit_test(odd_addresses_are_left_out),
	        cmocka_unit_test(a_socket_carries_the_newest_schemas_flags),
	        cmocka_unit_test(malformed_records_are_refused),
	        cmocka_unit_test(a_buffer_that_is_too_small_is_never_overrun),
	        cmocka_unit_test(records_without_an_event_give_none),
	        cmocka_unit_test(without_a_context_the_rest_is_still_told),
	        cmocka_unit_test(the_event_table_is_consistent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
