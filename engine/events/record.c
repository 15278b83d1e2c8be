/* SPDX-License-Identifier: Apache-2.0 */
#include "events/record.h"

#include <errno.h>

/* What a record of each type must hold: its structure, and the spans within (0: no such span, the header has none). */
static const struct layout {
	size_t size;
	size_t spans[5];
} layouts[TERCEL_RECORD_TYPES] = {
        [TERCEL_EXEC] = {sizeof(struct tercel_exec),
                         {offsetof(struct tercel_exec, exe_path), offsetof(struct tercel_exec, args),
                          offsetof(struct tercel_exec, env), offsetof(struct tercel_exec, cwd),
                          offsetof(struct tercel_exec, filename)}},
        [TERCEL_FORK] = {sizeof(struct tercel_fork), {0}},
        [TERCEL_EXIT] = {sizeof(struct tercel_exit), {0}},
        [TERCEL_OPEN] = {sizeof(struct tercel_open), {offsetof(struct tercel_open, path)}},
        [TERCEL_CONNECT] = {sizeof(struct tercel_connect), {0}},
        [TERCEL_SOCKET] = {sizeof(struct tercel_socket), {0}},
        [TERCEL_CHDIR] = {sizeof(struct tercel_chdir),
                          {offsetof(struct tercel_chdir, path), offsetof(struct tercel_chdir, cwd)}},
        [TERCEL_SEED] = {sizeof(struct tercel_exec),
                         {offsetof(struct tercel_exec, exe_path), offsetof(struct tercel_exec, args),
                          offsetof(struct tercel_exec, env), offsetof(struct tercel_exec, cwd),
                          offsetof(struct tercel_exec, filename)}},
        [TERCEL_CGROUP] = {sizeof(struct tercel_cgroup), {offsetof(struct tercel_cgroup, path)}},
        [TERCEL_VERDICT] = {sizeof(struct tercel_verdict),
                            {offsetof(struct tercel_verdict, path), offsetof(struct tercel_verdict, other)}},
};

int record_check(const struct tercel_hdr *r, size_t size)
{
	if (size < sizeof(*r) || r->size > size || r->type >= TERCEL_RECORD_TYPES)
		return -EBADMSG;
	const struct layout *l = &layouts[r->type];
	if (r->size < l->size)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(l->spans) / sizeof(*l->spans) && l->spans[i]; i++) {
		const struct tercel_span *s = (const void *)((const char *)r + l->spans[i]);
		if (s->len && (s->off < l->size || s->off > r->size || s->len > r->size - s->off))
			return -EBADMSG;
	}
	if (r->type == TERCEL_CONNECT && ((const struct tercel_connect *)r)->addr_len > TERCEL_SOCKADDR_MAX)
		return -EBADMSG;
	return 0;
}

struct text record_text(const struct tercel_hdr *r, struct tercel_span span)
{
	return (struct text){span.len ? (const char *)r + span.off : "", span.len};
}
