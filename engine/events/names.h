/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and times as both output formats need them. Inner header of engine/events.
 */
#ifndef TERCEL_EVENTS_NAMES_H
#define TERCEL_EVENTS_NAMES_H

#include <stdint.h>

#include "events/event.h"

/* Tetragon's enum CapabilitiesType, by number; NULL beyond the last. Source: its api/v1/tetragon/capabilities.proto. */
const char *name_capability(unsigned number);

/* "AF_INET" …, NULL if this table does not have it. Source: the kernel's include/linux/socket.h. */
const char *name_family(unsigned family);

/* "SOCK_STREAM" …, NULL if unknown. */
const char *name_socket_type(unsigned type);

/* "IPPROTO_TCP" …, NULL if unknown. */
const char *name_protocol(unsigned protocol);

/* "deny", "kill", "audit". */
const char *name_action(unsigned action);

/* "enforce", "monitor", "off". */
const char *name_mode(unsigned mode);

/* What is done at a decision point ("open", "unlink"), and the hook of the LSM that it passes ("path_unlink"). */
const char *name_act(unsigned point);
const char *name_hook(unsigned point);

/* "exec", "verdict" …: of enum tercel_record_type; never NULL. */
const char *name_record(unsigned type);

/* The reason of one bit of enum tercel_uncertain, by its number: "container", "path" … */
const char *name_uncertain(unsigned bit);

/* "SIGKILL", "SIGRTMIN+3" …; `out` holds at least 16 bytes. */
const char *name_signal(int number, char *out);

/* "ENOENT" for 2; "errno 4711" if it has no name; `out` holds at least 24 bytes. */
const char *name_errno(int number, char *out);

/* The time of day of a record's time, in ns since the epoch; wraps for records that lie. */
int64_t event_realtime(const struct event_context *c, uint64_t boottime);

/* RFC 3339 in UTC with `digits` (3, 6 or 9) digits of the second: "2026-11-23T15:44:06.123456789Z". */
void add_time(struct buf *b, int64_t realtime_ns, unsigned digits);

/* The address alone ("127.0.0.1", "::1"), as inet_ntop() writes it. family AF_INET or AF_INET6, else nothing is added.
 */
void add_address(struct buf *b, uint16_t family, const uint8_t *addr);

/* The rule a verdict names; "rule <index>" if the context has no name for it. */
void add_rule(struct buf *b, const struct event_context *c, const struct tercel_verdict *v);

/* Who acts in this record, or NULL. */
const struct process *event_actor(const struct event_context *c, const struct tercel_hdr *r);

/* What the caller of connect asked for: the structure passed if it could be read, else the socket's own view. */
struct connect_target {
	uint16_t family; /* AF_…; 0: none */
	uint16_t port;   /* host byte order; IP only */
	uint8_t addr[16];
	struct text path; /* AF_UNIX: empty for an unnamed one; an abstract name begins with a NUL */
};
struct connect_target event_target(const struct tercel_connect *k);

unsigned event_max_ancestors(const struct event_context *c);

int event_write_json(struct buf *b, struct event_context *c, const struct tercel_hdr *r);
int event_write_text(struct buf *b, struct event_context *c, const struct tercel_hdr *r);

#endif
