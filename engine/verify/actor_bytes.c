/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/actor_bytes.h"

/* The compiler has no #embed yet; the assembler has. */
#define EMBED(name, file)                                     \
	__asm__(".section .rodata\n"                          \
	        ".balign 16\n"                                \
	        ".global " #name "_begin\n"                   \
	        ".hidden " #name "_begin\n" #name "_begin:\n" \
	        ".incbin \"" file "\"\n"                      \
	        ".global " #name "_end\n"                     \
	        ".hidden " #name "_end\n" #name "_end:\n"     \
	        ".previous\n");                               \
	extern const uint8_t name##_begin[], name##_end[]

EMBED(actor, TERCEL_ACTOR);
EMBED(mapped, TERCEL_MAPPED);

static size_t between(const uint8_t *begin, const uint8_t *end)
{
	return (size_t)((uintptr_t)end - (uintptr_t)begin);
}

struct actor_file actor_file(void)
{
	return (struct actor_file){actor_begin, between(actor_begin, actor_end)};
}

struct actor_file mapped_file(void)
{
	return (struct actor_file){mapped_begin, between(mapped_begin, mapped_end)};
}
