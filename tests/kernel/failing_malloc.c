// SPDX-License-Identifier: Apache-2.0
/*
 * Loaded before a program: lets one allocation of it fail, or all from one on. $TERCEL_TEST_ALLOCATIONS names a file of
 * three numbers of 64 bits, which may be changed while the program runs: how many more succeed (negative: all), how
 * many fail then (negative: all), and how many were asked for.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct plan {
	atomic_int_least64_t succeed, fail, asked;
};

static struct plan *plan;

/* glibc's own, which are there before any of this is set up. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

__attribute__((constructor)) static void read_plan(void)
{
	const char *path = getenv("TERCEL_TEST_ALLOCATIONS");
	const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		plan = p;
}

static bool fails(void)
{
	if (!plan)
		return false;
	atomic_fetch_add(&plan->asked, 1);
	if (plan->succeed < 0 || atomic_fetch_sub(&plan->succeed, 1) > 0)
		return false;
	plan->succeed = plan->fail == 1 ? -1 : 0;
	if (plan->fail > 0)
		plan->fail--;
	errno = ENOMEM;
	return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t nmemb, size_t size)
{
	return fails() ? NULL : __libc_calloc(nmemb, size);
}

__attribute__((visibility("default"))) void *realloc(void *ptr, size_t size)
{
	return fails() ? NULL : __libc_realloc(ptr, size);
}
