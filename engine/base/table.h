/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds entries of an array by hash: numbers, not entries, so that the array may move and its owner compares. Knows
 * nothing of what the entries are.
 */
#ifndef TERCEL_BASE_TABLE_H
#define TERCEL_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct table_slot {
	uint64_t hash;
	size_t entry; /* number + 1; 0: free */
};

struct table {
	struct table_slot *slots; /* owned; a power of two of them */
	size_t cap, count;
};

void table_free(struct table *t);
#define _autotable_ _cleanup_(table_free)

#define TABLE_NONE SIZE_MAX

/* 64-bit FNV-1a, seeded by the process: a file cannot aim at one slot. */
uint64_t table_hash(const void *bytes, size_t len);

/* Whether the entry of that number is what `key` asks for. */
typedef bool table_same(const void *ctx, size_t entry, const void *key);

/* The number of the first entry with that hash that is the same; TABLE_NONE if there is none. */
size_t table_find(const struct table *t, uint64_t hash, table_same *same, const void *ctx, const void *key);

/* Adds a number (also a second time). 0 or -ENOMEM. */
int table_add(struct table *t, uint64_t hash, size_t entry);

#endif
