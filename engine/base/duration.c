/* SPDX-License-Identifier: Apache-2.0 */
#include "base/duration.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define SECOND_NS 1000000000ULL

int duration_parse(const char *text, uint64_t *out_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"ms", SECOND_NS / 1000}, {"s", SECOND_NS}, {"m", 60 * SECOND_NS}, {"h", 3600 * SECOND_NS}};
	const uint64_t most = SECOND_NS * 3600 * 24 * 366;
	uint64_t n = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		n = 10 * n + (uint64_t)(*text - '0');
		if (n > most)
			return -EINVAL;
	}
	for (size_t i = 0; n && i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(text, units[i].name) && n <= most / units[i].ns) {
			*out_ns = n * units[i].ns;
			return 0;
		}
	return -EINVAL;
}
