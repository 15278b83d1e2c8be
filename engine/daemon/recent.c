/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recent.h"

void recent_add(struct recent *r, const struct tercel_verdict *v)
{
	r->items[r->count++ % RECENT_MAX] = *v;
}

const struct tercel_verdict *recent_next(const struct recent *r, uint32_t tgid, uint64_t *at)
{
	if (r->count > RECENT_MAX && *at < r->count - RECENT_MAX)
		*at = r->count - RECENT_MAX;
	while (*at < r->count) {
		const struct tercel_verdict *v = &r->items[(*at)++ % RECENT_MAX];

		if (v->hdr.tgid == tgid)
			return v;
	}
	return NULL;
}

uint64_t recent_since(const struct recent *r)
{
	return r->count > RECENT_MAX ? r->items[r->count % RECENT_MAX].hdr.ts : 0;
}
