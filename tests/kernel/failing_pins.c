// SPDX-License-Identifier: Apache-2.0
/*
 * Loaded before a program: counts its steps below the directory $TERCEL_TEST_PINS (what makes, pins, renames or removes
 * there), and at one of them lets something happen. $TERCEL_TEST_STEP, "WHAT N": `before` kills the program before its
 * step N, `after` when it is done, `fail` lets that step fail,
 * and says so.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum what { NOTHING, BEFORE, AFTER, FAIL };

static enum what what;
static long at;
static const char *below;

__attribute__((constructor)) static void read_plan(void)
{
	static const char *const names[] = {"", "before", "after", "fail"};
	const char *plan = getenv("TERCEL_TEST_STEP");
	char name[16] = "";

	below = getenv("TERCEL_TEST_PINS");
	if (!plan || !below || sscanf(plan, "%15s %ld", name, &at) != 2)
		return;
	for (int i = BEFORE; i <= FAIL; i++)
		if (!strcmp(name, names[i]))
			what = (enum what)i;
}

static bool is_below(const char *path)
{
	return what != NOTHING && !strncmp(path, below, strlen(below));
}

/* What comes of this step. */
static enum what step(bool counts)
{
	if (!counts || --at != 0)
		return NOTHING;
	if (what == BEFORE)
		(void)kill(getpid(), SIGKILL);
	if (what == FAIL)
		(void)dprintf(STDERR_FILENO, "failing_pins: it was come to\n");
	return what;
}

static int done(enum what now, int result)
{
	const int error = errno;

	if (now == AFTER)
		(void)kill(getpid(), SIGKILL);
	errno = error;
	return result;
}

/* In place of the function: NAME(PARAMETERS) with these ARGUMENTS, and what it returns for a failure. */
/* NOLINTBEGIN(bugprone-macro-parentheses, readability-inconsistent-declaration-parameter-name): lists of parameters;
 * the library's names of them are its own */
#define INSTEAD(name, parameters, arguments, counts, failed)                        \
	__attribute__((visibility("default"))) int name parameters;                 \
	int name parameters                                                         \
	{                                                                           \
		int(*real) parameters = (int(*) parameters)dlsym(RTLD_NEXT, #name); \
		const enum what now = step(counts);                                 \
                                                                                    \
		if (now == FAIL) {                                                  \
			errno = EIO;                                                \
			return failed;                                              \
		}                                                                   \
		return done(now, real arguments);                                   \
	}

INSTEAD(mkdir, (const char *path, mode_t mode), (path, mode), is_below(path), -1)
INSTEAD(rmdir, (const char *path), (path), is_below(path), -1)
INSTEAD(unlink, (const char *path), (path), is_below(path), -1)
INSTEAD(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), what != NOTHING && dir != AT_FDCWD, -1)
INSTEAD(rename, (const char *from, const char *to), (from, to), is_below(from), -1)
INSTEAD(renameat2, (int from_dir, const char *from, int to_dir, const char *to, unsigned int flags),
        (from_dir, from, to_dir, to, flags), is_below(from), -1)
INSTEAD(bpf_obj_pin, (int fd, const char *path), (fd, path), is_below(path), -EIO)
/* NOLINTEND(bugprone-macro-parentheses, readability-inconsistent-declaration-parameter-name) */
