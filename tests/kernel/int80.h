/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of i386's table, from a program of 64 bits.
 */
#ifndef TERCEL_TESTS_KERNEL_INT80_H
#define TERCEL_TESTS_KERNEL_INT80_H

#ifdef __x86_64__
/* Returns the call's result. Where the kernel has no such table, the process dies of SIGSEGV or has an error. */
static inline long int80(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80"
	                 : "=a"(ret)
	                 : "a"(nr), "b"(a), "c"(b), "d"(c)
	                 : "r8", "r9", "r10", "r11", "memory");
	return (int)ret;
}
#endif

#endif
