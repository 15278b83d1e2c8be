/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include <errno.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/text.h"

/* The daemon loads rules, and perhaps programs, before it answers. */
enum { PATIENCE_MS = 180000 };

const char *ask_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	return text ? text : "";
}

double ask_number(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsNumber(value) ? cJSON_GetNumberValue(value) : 0;
}

void ask_add_text(struct buf *out, const char *text)
{
	text_visible(out, text, strlen(text));
}

/* The daemon's words, line by line: they quote files. */
static void print_messages(const char *text)
{
	_autobuf_ struct buf out = BUF_INIT;
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		text_visible(&out, text, (size_t)(end - text));
		buf_addc(&out, '\n');
	}
	(void)fputs(buf_str(&out), stderr);
}

static enum cli_status take_reply(const struct ask *ask, const cJSON *reply,
                                  void (*write)(struct buf *out, const cJSON *reply))
{
	_autobuf_ struct buf out = BUF_INIT;
	enum cli_status status = CLI_OK;
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "ok"))) {
		const int said = (int)ask_number(reply, "status");
		status = said == CLI_NO || said == CLI_USAGE ? (enum cli_status)said : CLI_SYSTEM;
	}
	if (ask->format == EVENT_JSON) {
		char *text = cJSON_PrintUnformatted(reply);
		if (!text)
			return cli_fail(ask->command, CLI_SYSTEM, "out of memory");
		buf_addf(&out, "%s\n", text);
		cJSON_free(text);
	} else {
		print_messages(ask_text(reply, "messages"));
		if (status == CLI_OK)
			write(&out, reply);
	}
	return cli_print(ask->command, &out, status);
}

void ask_free_json(cJSON **json)
{
	cJSON_Delete(*json);
}

int ask_call(cJSON **reply, const char *socket, const cJSON *request, int timeout_ms, struct error *err)
{
	_autofree_ char *line = cJSON_PrintUnformatted(request), *answer = NULL;
	if (!line)
		return error_set(err, -ENOMEM, "out of memory");
	int error = control_call(socket, line, timeout_ms, &answer, err);
	if (error)
		return error;
	*reply = cJSON_Parse(answer);
	return *reply ? 0 : error_set(err, -EPROTO, "the daemon's answer is not one: another version?");
}

enum cli_status ask_and_print(const struct ask *ask, const cJSON *request,
                              void (*write)(struct buf *out, const cJSON *reply))
{
	_autojson_ cJSON *reply = NULL;
	struct error err = {0};
	if (ask_call(&reply, ask->socket, request, PATIENCE_MS, &err))
		return cli_fail(ask->command, CLI_SYSTEM, "%s", err.text);
	return take_reply(ask, reply, write);
}
