/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of a daemon: a UNIX stream socket on which a client sends one line and gets one line back. Both
 * ends. Knows nothing of what the lines say.
 *
 * A client cannot hold the daemon up: nothing here waits, and who is too slow or too long-winded is let go.
 */
#ifndef TERCEL_DAEMON_CONTROL_H
#define TERCEL_DAEMON_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"

#define CONTROL_SOCKET "/run/tercel/tercel.sock"

struct control;

/*
 * Listens at `path` (mode 0600; its directory is made if it is missing, with mode 0700), and holds PATH.lock for as
 * long as it lives: -EBUSY with the other's process id if another daemon does. What a daemon that was killed has left
 * there is replaced. -errno with its reason in `err`.
 */
int control_open(struct control **out, const char *path, struct error *err);

/* Takes the socket away. */
void control_close(struct control *c);
static inline void cleanup_control(struct control **c)
{
	control_close(*c);
}
#define _autocontrol_ _cleanup_(cleanup_control)

/* The answer to a line: one line, without its end, from malloc(); NULL: the client is let go without one. */
typedef char *control_answer(void *ctx, const char *request);

/* To be called several times a second: takes in requests that are there, and sends answers on. */
void control_poll(struct control *c, control_answer *answer, void *ctx, uint64_t now_ns);

/*
 * A client's side: sends a line (without its end) and waits for the answer, *reply from malloc(). -errno with its
 * reason: -ENOENT or -ECONNREFUSED if no daemon is there, -ETIMEDOUT after `timeout_ms` without an answer.
 */
int control_call(const char *path, const char *request, int timeout_ms, char **reply, struct error *err);

#endif
