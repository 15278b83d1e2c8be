/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership by scope: variables that free themselves. Knows nothing but libc.
 */
#ifndef TERCEL_BASE_CLEANUP_H
#define TERCEL_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Runs `func(&variable)` when the variable goes out of scope. */
#define _cleanup_(func) __attribute__((cleanup(func)))

/* Hands ownership over: yields the pointer and leaves NULL behind, so that the cleanup does nothing. */
#define TAKE_PTR(ptr)                         \
	({                                    \
		__typeof__(ptr) *_p = &(ptr); \
		__typeof__(ptr) _v = *_p;     \
		*_p = NULL;                   \
		_v;                           \
	})

/* The same for a file descriptor; leaves -1 behind. */
#define TAKE_FD(fd)              \
	({                       \
		int *_p = &(fd); \
		int _v = *_p;    \
		*_p = -1;        \
		_v;              \
	})

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#define _autofree_ _cleanup_(cleanup_free)
#define _autoclose_ _cleanup_(cleanup_close)
#define _autofclose_ _cleanup_(cleanup_fclose)

#endif
