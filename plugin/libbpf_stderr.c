/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Debian's libbpf.a prints to inside a plugin. The archive is compiled for programs: its only reference that
 * cannot go into a shared object is the one to stderr, which the build therefore renames to this. (Nothing is printed:
 * the sensor gives libbpf a function of its own. But a library must not be left with a null stream.)
 */
#include <stdio.h>

extern FILE *tercel_libbpf_stderr;
FILE *tercel_libbpf_stderr;

__attribute__((constructor)) static void set_stream(void)
{
	tercel_libbpf_stderr = stderr;
}
