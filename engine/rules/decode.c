/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/decode.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* "true", "TRUE" or "True", not "tRue". */
static bool has_one_case(const char *word)
{
	size_t lower = 0, upper = 0, n = strlen(word);

	for (size_t i = 1; i < n; i++) {
		lower += is_lower(word[i]);
		upper += is_upper(word[i]);
	}
	if (n && is_lower(word[0]))
		return lower == n - 1;
	return n && is_upper(word[0]) && (lower == n - 1 || upper == n - 1);
}

bool decode_bool(const char *word, bool *out)
{
	static const char *const words[] = {"y", "yes", "true", "on", "n", "no", "false", "off"};

	if (!has_one_case(word))
		return false;
	for (size_t i = 0; i < 8; i++) {
		if (strcasecmp(word, words[i]) == 0) {
			*out = i < 4;
			return true;
		}
	}
	return false;
}

bool decode_uint(const char *word, uint32_t *out)
{
	const char *digits = word + (*word == '+');
	char *end;

	/* Nothing but the sign may stand before the digits, and 0x alone is no number. */
	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	unsigned long long value = strtoull(digits, &end, 0);

	if (errno || value > UINT32_MAX)
		return false;
	end += strspn(end, " \t\n\v\f\r");
	*out = (uint32_t)value;
	return *end == '\0';
}

bool decode_version(const char *word, struct version *out)
{
	return sscanf(word, "%" SCNu32 ".%" SCNu32 ".%" SCNu32, &out->major, &out->minor, &out->patch) == 3;
}

int version_compare(const struct version *a, const struct version *b)
{
	const uint32_t x[] = {a->major, a->minor, a->patch}, y[] = {b->major, b->minor, b->patch};

	for (size_t i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}
