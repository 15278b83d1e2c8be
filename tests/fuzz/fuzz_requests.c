/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests at the control socket from arbitrary bytes. Promises: each gets one JSON object in one line, with "ok" and
 * "messages"; one that is refused changes nothing.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "check.h"
#include "daemon/requests.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put(void *ctx, const struct plan *plan, const struct image *image, uint32_t generation, struct error *err)
{
	(void)plan;
	(void)image;
	(void)err;
	*(uint32_t *)ctx = generation;
	return 0;
}

/* A daemon's policy, of files that are gone again when it is made: reloads are refused. */
static struct live *make_live(uint32_t *generation)
{
	static const char rules[] = "- rule: a\n  desc: d\n  condition: evt.type = execve and proc.name = a\n"
	                            "  output: o\n  priority: INFO\n"
	                            "- rule: c[x]*\n  desc: d\n  condition: evt.type = execve and proc.name = c\n"
	                            "  output: o\n  priority: INFO\n";
	char dir[] = "/tmp/tercel-fuzz-XXXXXX", rules_file[64], policy_file[64];
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct live *live = NULL;
	FILE *f;

	CHECK(mkdtemp(dir));
	(void)snprintf(rules_file, sizeof(rules_file), "%s/r.yaml", dir);
	(void)snprintf(policy_file, sizeof(policy_file), "%s/p.yaml", dir);
	f = fopen(rules_file, "we");
	CHECK(f && fputs(rules, f) >= 0 && !fclose(f));
	f = fopen(policy_file, "we");
	CHECK(f && fputs("rules_files: [r.yaml]\n", f) >= 0 && !fclose(f));
	const struct live_config config = {.file = policy_file,
	                                   .points = 1U << TERCEL_POINT_EXEC_COMMIT,
	                                   .generation = 1,
	                                   .put = put,
	                                   .ctx = generation};
	CHECK(!live_new(&live, &config, &diags));
	CHECK(!unlink(rules_file) && !unlink(policy_file) && !rmdir(dir));
	return live;
}

/* What needs a sensor, or reads a file that the input names. */
static bool is_left_out(const char *text)
{
	cJSON *request = cJSON_Parse(text);
	const char *command = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "command"));
	const bool out =
	        command && (!strcmp(command, "status") || !strcmp(command, "metrics") || !strcmp(command, "apply"));

	cJSON_Delete(request);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_autofree_ char *text = strndup((const char *)data, size);
	uint32_t generation = 1, before;
	_autolive_ struct live *live = NULL;
	cJSON *reply;

	CHECK(text);
	if (is_left_out(text))
		return 0;
	live = make_live(&generation);
	before = generation;
	static const struct recent none;
	const struct requests r = {.live = live, .recent = &none};
	_autofree_ char *answer = requests_answer(&r, text);
	CHECK(answer && !strchr(answer, '\n'));
	reply = cJSON_Parse(answer);
	CHECK(reply && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(reply, "messages")));
	CHECK(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "ok")) ||
	      (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(reply, "ok")) && generation == before &&
	       live_generation(live) == before && cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(reply, "status"))));
	cJSON_Delete(reply);
	return 0;
}
