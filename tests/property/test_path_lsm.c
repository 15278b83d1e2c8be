/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file's name by our walk over the dentries, by the kernel's own bpf_d_path() at the same hook, and by /proc/self/fd:
 * they have to be the same, wherever the file is. In a mount namespace of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "path_probe.h"
#include "path_probe.skel.h"

#define SKIPPED 77

static struct path_probe_bpf *probe;
static struct path_names *names;

/* Opens it, from `dir`; the names that both saw, and that of the descriptor. */
static void look(int dir, const char *path, int flags, char of_descriptor[PATH_MAX + 16])
{
	names->seen = 0;

	_autoclose_ int fd = openat(dir, path, flags | O_CLOEXEC, 0600);
	char link[64];
	ssize_t n;

	if (fd < 0)
		fail_msg("%.200s: %s", path, strerror(errno));
	if (!names->seen)
		fail_msg("%.200s: its open was not seen", path);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, of_descriptor, PATH_MAX + 15);
	of_descriptor[n < 0 ? 0 : n] = '\0';
}

static void expect(int dir, const char *path, int flags, const char *name, uint32_t of_record)
{
	static char of_descriptor[PATH_MAX + 16];
	const size_t len = strlen(name);

	look(dir, path, flags, of_descriptor);
	if (names->ours_len != len || memcmp(names->ours, name, len) != 0)
		fail_msg("%.200s: we have \"%.*s\"", path, (int)names->ours_len, names->ours);
	assert_int_equal(names->flags, of_record);
	/* What is said of a file that has no name any more we say in a flag. */
	if (of_record & TERCEL_F_PATH_DELETED) {
		char *mark = strstr(names->kernel, " (deleted)");

		if (mark)
			*mark = '\0';
		mark = strstr(of_descriptor, " (deleted)");
		if (mark)
			*mark = '\0';
	}
	assert_true(names->kernel_len > 0);
	assert_string_equal(names->kernel, name);
	assert_string_equal(of_descriptor, name);
}

static int directory(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void make(const char *path)
{
	_autoclose_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
}

static void done(int result)
{
	if (result)
		fail_msg("%s", strerror(errno));
}

/* A place of two file systems: /tmp/p is one of memory, with another one mounted in it. */
static int make_place(void **state)
{
	(void)state;
	if (mkdir("/tmp/p", 0755) && errno != EEXIST)
		return -1;
	done(mount("tmpfs", "/tmp/p", "tmpfs", 0, NULL));
	done(mkdir("/tmp/p/a", 0755) || mkdir("/tmp/p/a/b", 0755) || mkdir("/tmp/p/inner", 0755) ||
	     mkdir("/tmp/p/bound", 0755) || mkdir("/tmp/p/root", 0755));
	done(mount("tmpfs", "/tmp/p/inner", "tmpfs", 0, NULL));
	make("/tmp/p/a/b/file");
	make("/tmp/p/inner/file");
	return 0;
}

static int remove_place(void **state)
{
	(void)state;
	(void)umount2("/tmp/p", MNT_DETACH);
	return rmdir("/tmp/p");
}

static void by_whatever_way_it_is_opened(void **state)
{
	_autoclose_ int dir = directory(AT_FDCWD, "/tmp/p/a");

	(void)state;
	expect(AT_FDCWD, "/tmp/p/a/b/file", O_RDONLY, "/tmp/p/a/b/file", 0);
	expect(dir, "b/file", O_RDWR, "/tmp/p/a/b/file", 0);
	expect(dir, "../a/./b/../b//file", O_RDONLY, "/tmp/p/a/b/file", 0);
	expect(AT_FDCWD, "/proc/self/root/tmp/p/a/b/file", O_RDONLY, "/tmp/p/a/b/file", 0);
	done(symlink("b/file", "/tmp/p/a/link"));
	expect(dir, "link", O_RDONLY, "/tmp/p/a/b/file", 0);
	done(link("/tmp/p/a/b/file", "/tmp/p/a/hard"));
	expect(dir, "hard", O_RDONLY, "/tmp/p/a/hard", 0);
	expect(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, "/", 0);
	expect(AT_FDCWD, "/tmp/p", O_RDONLY | O_DIRECTORY, "/tmp/p", 0);
	expect(AT_FDCWD, "/tmp/p/new", O_WRONLY | O_CREAT | O_EXCL, "/tmp/p/new", 0);
	expect(AT_FDCWD, "/proc/self/../version", O_RDONLY, "/proc/version", 0);
}

static void on_whatever_mount(void **state)
{
	(void)state;
	expect(AT_FDCWD, "/tmp/p/inner/file", O_RDONLY, "/tmp/p/inner/file", 0);
	done(mount("/tmp/p/a/b", "/tmp/p/bound", NULL, MS_BIND, NULL));
	expect(AT_FDCWD, "/tmp/p/bound/file", O_RDONLY, "/tmp/p/bound/file", 0);
	/* A mount on a file, and one over another. */
	make("/tmp/p/target");
	done(mount("/tmp/p/inner/file", "/tmp/p/target", NULL, MS_BIND, NULL));
	expect(AT_FDCWD, "/tmp/p/target", O_RDONLY, "/tmp/p/target", 0);
	done(mount("tmpfs", "/tmp/p/bound", "tmpfs", 0, NULL));
	make("/tmp/p/bound/other");
	expect(AT_FDCWD, "/tmp/p/bound/other", O_RDONLY, "/tmp/p/bound/other", 0);
	done(umount2("/tmp/p/bound", MNT_DETACH));
	expect(AT_FDCWD, "/tmp/p/bound/file", O_RDONLY, "/tmp/p/bound/file", 0);
}

static void on_an_overlay(void **state)
{
	(void)state;
	done(mkdir("/tmp/p/lower", 0755) || mkdir("/tmp/p/upper", 0755) || mkdir("/tmp/p/work", 0755) ||
	     mkdir("/tmp/p/merged", 0755));
	make("/tmp/p/lower/below");
	make("/tmp/p/upper/above");
	if (mount("overlay", "/tmp/p/merged", "overlay", 0,
	          "lowerdir=/tmp/p/lower,upperdir=/tmp/p/upper,workdir=/tmp/p/work")) {
		print_message("no overlay here: %s\n", strerror(errno));
		skip();
	}
	expect(AT_FDCWD, "/tmp/p/merged/below", O_RDONLY, "/tmp/p/merged/below", 0);
	expect(AT_FDCWD, "/tmp/p/merged/above", O_RDWR, "/tmp/p/merged/above", 0);
	expect(AT_FDCWD, "/tmp/p/merged/made", O_RDWR | O_CREAT, "/tmp/p/merged/made", 0);
}

static void of_a_file_that_was_renamed_or_has_no_name(void **state)
{
	_autoclose_ int gone = -1, memory = -1;
	char path[64];

	(void)state;
	make("/tmp/p/first");
	done(rename("/tmp/p/first", "/tmp/p/second"));
	expect(AT_FDCWD, "/tmp/p/second", O_RDONLY, "/tmp/p/second", 0);
	gone = open("/tmp/p/second", O_RDONLY | O_CLOEXEC);
	done(unlink("/tmp/p/second"));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", gone);
	expect(AT_FDCWD, path, O_RDONLY, "/tmp/p/second", TERCEL_F_PATH_DELETED);
	memory = memfd_create("some", MFD_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	expect(AT_FDCWD, path, O_RDONLY, "/memfd:some", TERCEL_F_PATH_DELETED);
}

/* What is outside of the root has the name that leads there from the top. */
static void in_a_root_of_its_own(void **state)
{
	_autoclose_ int top = directory(AT_FDCWD, "/");

	(void)state;
	done(mount("tmpfs", "/tmp/p/root", "tmpfs", 0, NULL));
	done(mkdir("/tmp/p/root/proc", 0755) || mount("proc", "/tmp/p/root/proc", "proc", 0, NULL));
	make("/tmp/p/root/inside");
	done(chroot("/tmp/p/root"));
	expect(AT_FDCWD, "/inside", O_RDONLY, "/inside", 0);
	expect(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, "/", 0);
	expect(top, "tmp/p/a/b/file", O_RDONLY, "/tmp/p/a/b/file", 0);
	done(fchdir(top) || chroot("."));
}

/* As deep and as long as it gets: what the kernel has no room for is cut, or refused by both. */
static void of_the_longest_paths(void **state)
{
	static char name[256], path[PATH_MAX + 512], of_descriptor[PATH_MAX + 16];
	_autoclose_ int dir = directory(AT_FDCWD, "/tmp/p");
	size_t len = (size_t)snprintf(path, sizeof(path), "/tmp/p");

	(void)state;
	memset(name, 'n', 250);
	while (len + 251 + 6 < PATH_MAX) {
		int below;

		done(mkdirat(dir, name, 0755));
		below = directory(dir, name);
		close(dir);
		dir = below;
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/%s", name);
		(void)snprintf(path + len, sizeof(path) - len, "/%s", "f");
		expect(dir, "f", O_RDWR | O_CREAT, path, 0);
	}
	/* 4096 bytes and more with the name behind it. */
	look(dir, name, O_RDWR | O_CREAT, of_descriptor);
	assert_int_equal(names->kernel_len, -ENAMETOOLONG);
	assert_true(names->flags & TERCEL_F_TRUNC_PATH);
	/* 200 directories deep, and more than we follow. */
	close(dir);
	dir = directory(AT_FDCWD, "/tmp/p");
	len = (size_t)snprintf(path, sizeof(path), "/tmp/p");
	for (int i = 0; i < 400; i++) {
		int below;

		done(mkdirat(dir, "d", 0755));
		below = directory(dir, "d");
		close(dir);
		dir = below;
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/d");
		(void)snprintf(path + len, sizeof(path) - len, "/f");
		if (i == 200)
			expect(dir, "f", O_RDWR | O_CREAT, path, 0);
	}
	look(dir, "f", O_RDWR | O_CREAT, of_descriptor);
	assert_string_equal(names->kernel, path);
	assert_int_equal(names->flags, TERCEL_F_TRUNC_PATH);
	assert_memory_equal(names->ours, path + strlen(path) - names->ours_len, names->ours_len);
}

/* ---- the probe --------------------------------------------------------------------------------------------------- */

static bool lsm_is_in_force(void)
{
	_autofclose_ FILE *f = fopen("/sys/kernel/security/lsm", "re");
	char line[512] = "";

	return f && fgets(line, sizeof(line), f) && strstr(line, "bpf");
}

static int load(void)
{
	struct bpf_map *map;

	probe = path_probe_bpf__open();
	if (!probe)
		return -errno;
	/* The headers define all maps of the kernel programs; this one uses few. */
	bpf_object__for_each_map(map, probe->obj)
	{
		if (map != probe->maps.names && map != probe->maps.scratches && map != probe->maps.rodata &&
		    map != probe->maps.bss)
			(void)bpf_map__set_autocreate(map, false);
	}
	probe->bss->path_probe_tgid = (__u32)getpid();
	if (path_probe_bpf__load(probe) || path_probe_bpf__attach(probe))
		return -errno;
	names = mmap(NULL, sizeof(*names), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(probe->maps.names), 0);
	return names == MAP_FAILED ? -errno : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(by_whatever_way_it_is_opened, make_place, remove_place),
	        cmocka_unit_test_setup_teardown(on_whatever_mount, make_place, remove_place),
	        cmocka_unit_test_setup_teardown(on_an_overlay, make_place, remove_place),
	        cmocka_unit_test_setup_teardown(of_a_file_that_was_renamed_or_has_no_name, make_place, remove_place),
	        cmocka_unit_test_setup_teardown(in_a_root_of_its_own, make_place, remove_place),
	        cmocka_unit_test_setup_teardown(of_the_longest_paths, make_place, remove_place),
	};
	int r;

	if (geteuid() != 0 || !lsm_is_in_force()) {
		printf("skipped: needs root and the BPF LSM\n");
		return SKIPPED;
	}
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		perror("a mount namespace of its own");
		return 1;
	}
	r = load();
	if (r) {
		fprintf(stderr, "the probe does not load: %s\n", strerror(-r));
		return 1;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	path_probe_bpf__destroy(probe);
	return r;
}
