// SPDX-License-Identifier: Apache-2.0
/*
 * Does one thing, and ends with 0, or with the error that the thing failed with: what test_own_rules.py starts, under
 * the names that rules ask for, in a root directory of its own; so it is linked statically.
 *
 *   deed DEED ARGUMENT…
 *
 * What looks like an option or a path instead of a deed is none: a program that was told so, and ends with 0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNUSABLE 99

extern char **environ;

static int answer(long result)
{
	return result < 0 ? errno : 0;
}

static unsigned long number(const char *text)
{
	return text ? strtoul(text, NULL, 0) : 0;
}

/* ---- programs -----------------------------------------------------------------------------------------------------
 */

/* The child's process id goes to standard output; ends as the child did, or with 128 and its signal. */
static int in_child(int (*start)(char **a), char **a)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(start(a));
	dprintf(STDOUT_FILENO, "%d\n", child);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return UNUSABLE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int start_path(char **a)
{
	return answer(execve(a[0], a, environ));
}

static int run(char **a)
{
	return in_child(start_path, a);
}

/* VARIABLE=VALUE PROGRAM ARGUMENT… */
static int run_with(char **a)
{
	putenv(a[0]);
	return in_child(start_path, a + 1);
}

/* PROGRAM ARGUMENT…: the program's bytes, as a file in memory. */
static int start_memory(char **a)
{
	int in = open(a[0], O_RDONLY | O_CLOEXEC), out = memfd_create("deed", MFD_CLOEXEC);
	static char bytes[1 << 16];
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			return UNUSABLE;
	return n < 0 ? UNUSABLE : answer(syscall(SYS_execveat, out, "", a, environ, AT_EMPTY_PATH));
}

static int run_memory(char **a)
{
	return in_child(start_memory, a);
}

/* ---- the network --------------------------------------------------------------------------------------------------
 */

/* ADDRESS PORT */
static int do_connect(char **a)
{
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(a[1]))};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = a4.sin_port};

	if (inet_pton(AF_INET, a[0], &a4.sin_addr) == 1)
		return answer(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a4, sizeof(a4)));
	if (inet_pton(AF_INET6, a[0], &a6.sin6_addr) == 1)
		return answer(connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&a6, sizeof(a6)));
	return UNUSABLE;
}

/* FAMILY TYPE PROTOCOL, as numbers */
static int make_socket(char **a)
{
	return answer(socket((int)number(a[0]), (int)number(a[1]), (int)number(a[2])));
}

/* ---- files --------------------------------------------------------------------------------------------------------
 */

static int do_open(char **a)
{
	static const struct {
		const char *how;
		int flags;
	} ways[] = {{"read", O_RDONLY},
	            {"write", O_WRONLY},
	            {"truncate", O_WRONLY | O_TRUNC},
	            {"append", O_WRONLY | O_APPEND}};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(a[0], ways[i].how) == 0)
			return answer(syscall(SYS_openat, AT_FDCWD, a[1], ways[i].flags));
	return UNUSABLE;
}

static int make(char **a)
{
	return answer(syscall(SYS_openat, AT_FDCWD, a[0], O_WRONLY | O_CREAT | O_EXCL, 0644));
}

static int do_creat(char **a)
{
	return answer(syscall(SYS_creat, a[0], 0644));
}

static int do_rename(char **a)
{
	return answer(syscall(SYS_rename, a[0], a[1]));
}

static int do_unlink(char **a)
{
	return answer(syscall(SYS_unlink, a[0]));
}

static int remove_directory(char **a)
{
	return answer(syscall(SYS_unlinkat, AT_FDCWD, a[0], AT_REMOVEDIR));
}

static int do_link(char **a)
{
	return answer(syscall(SYS_link, a[0], a[1]));
}

static int do_symlink(char **a)
{
	return answer(syscall(SYS_symlink, a[0], a[1]));
}

/* MODE PATH */
static int do_chmod(char **a)
{
	return answer(syscall(SYS_chmod, a[1], number(a[0])));
}

/* c|p PATH */
static int do_mknod(char **a)
{
	return answer(syscall(SYS_mknod, a[1], (a[0][0] == 'c' ? S_IFCHR : S_IFIFO) | 0600, makedev(1, 3)));
}

/* read|write PATH */
static int open_by_handle(char **a)
{
	static struct {
		struct file_handle h;
		unsigned char bytes[128];
	} f = {.h = {.handle_bytes = 128}};
	int mount_id, directory = open("/", O_RDONLY | O_DIRECTORY);

	if (directory < 0 || name_to_handle_at(AT_FDCWD, a[1], &f.h, &mount_id, 0))
		return UNUSABLE;
	return answer(open_by_handle_at(directory, &f.h, a[0][0] == 'w' ? O_WRONLY : O_RDONLY));
}

/* ---- the kernel ---------------------------------------------------------------------------------------------------
 */

static int load_module_file(char **a)
{
	int fd = open(a[0], O_RDONLY);

	return fd < 0 ? UNUSABLE : answer(syscall(SYS_finit_module, fd, "", 0));
}

static int load_module_data(char **a)
{
	int fd = open(a[0], O_RDONLY);
	struct stat st;
	void *bytes;

	if (fd < 0 || fstat(fd, &st))
		return UNUSABLE;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	return bytes == MAP_FAILED ? UNUSABLE : answer(syscall(SYS_init_module, bytes, st.st_size, ""));
}

static int load_program(char **a)
{
	static const struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	                                          {.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2};

	(void)a;
	attr.insns = (__u64)(unsigned long)nothing;
	attr.license = (__u64)(unsigned long)"GPL";
	return answer(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static int make_map(char **a)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

	(void)a;
	return answer(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

/* attach|seize */
static int trace(char **a)
{
	pid_t child = fork();
	int r;

	if (child == 0) {
		pause();
		_exit(0);
	}
	r = answer(ptrace(a[0][0] == 'a' ? PTRACE_ATTACH : PTRACE_SEIZE, child, 0, 0));
	kill(child, SIGKILL);
	return r;
}

static int be_traced(char **a)
{
	(void)a;
	return answer(ptrace(PTRACE_TRACEME, 0, 0, 0));
}

static int do_mount(char **a)
{
	const int r = answer(mount("none", a[0], "tmpfs", 0, NULL));

	if (!r)
		umount2(a[0], MNT_DETACH);
	return r;
}

static int make_userfaultfd(char **a)
{
	(void)a;
	return answer(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int make_memory_file(char **a)
{
	(void)a;
	return answer(memfd_create("deed", MFD_CLOEXEC));
}

static int nothing(char **a)
{
	(void)a;
	return 0;
}

static const struct {
	const char *name;
	int (*does)(char **a);
	int arguments; /* at least */
} deeds[] = {
        {"nothing", nothing, 0},
        {"run", run, 1},
        {"run-with", run_with, 2},
        {"run-memory", run_memory, 1},
        {"connect", do_connect, 2},
        {"socket", make_socket, 3},
        {"open", do_open, 2},
        {"make", make, 1},
        {"creat", do_creat, 1},
        {"rename", do_rename, 2},
        {"unlink", do_unlink, 1},
        {"rmdir", remove_directory, 1},
        {"link", do_link, 2},
        {"symlink", do_symlink, 2},
        {"chmod", do_chmod, 2},
        {"mknod", do_mknod, 2},
        {"open-by-handle", open_by_handle, 2},
        {"module-file", load_module_file, 1},
        {"module-data", load_module_data, 1},
        {"bpf-program", load_program, 0},
        {"bpf-map", make_map, 0},
        {"trace", trace, 1},
        {"be-traced", be_traced, 0},
        {"mount", do_mount, 1},
        {"userfaultfd", make_userfaultfd, 0},
        {"memory-file", make_memory_file, 0},
};

int main(int argc, char **argv)
{
	alarm(60);
	if (argc > 1 && (argv[1][0] == '-' || argv[1][0] == '/'))
		return 0;
	for (size_t i = 0; argc > 1 && i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strcmp(argv[1], deeds[i].name) == 0 && argc - 2 >= deeds[i].arguments)
			return deeds[i].does(argv + 2);
	return UNUSABLE;
}
