/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that ask a running daemon share. Inner header of engine/cli.
 */
#ifndef TERCEL_CLI_ASK_H
#define TERCEL_CLI_ASK_H

#include "cli/cli.h"
#include "daemon/control.h"

struct cJSON;

void ask_free_json(struct cJSON **json);
#define _autojson_ _cleanup_(ask_free_json)

struct ask {
	const struct command *command;
	const char *socket;
	enum event_format format; /* of what is printed */
};

/*
 * Sends the request, and prints the answer: as it came (JSON), or as `write` puts it. The daemon's messages go to
 * stderr. The exit status is what the daemon says.
 */
enum cli_status ask_and_print(const struct ask *ask, const struct cJSON *request,
                              void (*write)(struct buf *out, const struct cJSON *reply));

/*
 * Sends the request and waits for the answer, which is the caller's: *reply. 0, or -errno with its reason: those of
 * control_call(), -EPROTO for what is no answer, -ENOMEM.
 */
int ask_call(struct cJSON **reply, const char *socket, const struct cJSON *request, int timeout_ms, struct error *err);

/* A member's value; "" or 0 if it is not there. */
const char *ask_text(const struct cJSON *object, const char *name);
double ask_number(const struct cJSON *object, const char *name);

/* Adds foreign text so that it cannot steer a terminal. */
void ask_add_text(struct buf *out, const char *text);

#endif
