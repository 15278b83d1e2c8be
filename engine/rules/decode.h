/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values as yaml-cpp and Falco decode them: truth values, numbers, versions. Private to engine/rules. Knows no
 * keys.
 */
#ifndef TERCEL_RULES_DECODE_H
#define TERCEL_RULES_DECODE_H

#include <stdbool.h>
#include <stdint.h>

/* y, yes, true, on and their opposites; lower case, upper case or capitalized. */
bool decode_bool(const char *word, bool *out);

/* Decimal, 0x… or 0…, with blanks behind it; at most UINT32_MAX. */
bool decode_uint(const char *word, uint32_t *out);

struct version {
	uint32_t major, minor, patch;
};

/* Three numbers between dots; what follows them ("-rc1") does not matter. */
bool decode_version(const char *word, struct version *out);

/* Below 0, 0, or above 0. */
int version_compare(const struct version *a, const struct version *b);

#endif
