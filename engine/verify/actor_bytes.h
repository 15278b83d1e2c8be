/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the actor (actor.c) and of the program that a loader can map (mapped.c), as they were built: a part of
 * whoever links this.
 */
#ifndef TERCEL_VERIFY_ACTOR_BYTES_H
#define TERCEL_VERIFY_ACTOR_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct actor_file {
	const uint8_t *bytes;
	size_t size;
};

struct actor_file actor_file(void);
struct actor_file mapped_file(void);

#endif
