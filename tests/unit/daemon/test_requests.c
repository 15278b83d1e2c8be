/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests at the control socket: whatever comes in, one JSON object goes out, and says whether it was done.
 */
#include "world.h"

#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "daemon/requests.h"

static cJSON *ask_of(struct world *w, const struct recent *recent, const char *request)
{
	const struct requests r = {.live = w->live, .recent = recent, .now_ns = SECOND};
	_autofree_ char *text = requests_answer(&r, request);
	cJSON *reply = text ? cJSON_Parse(text) : NULL;

	if (!reply || strchr(text, '\n'))
		fail_msg("%s: %s", request, text ? text : "no answer");
	assert_true(cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(reply, "ok")));
	assert_true(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(reply, "messages")));
	return reply;
}

static cJSON *ask(struct world *w, const char *request)
{
	static const struct recent none;

	return ask_of(w, &none, request);
}

/* 0: done; else the exit status that it is to end with. `says`: in the messages. */
static void expect(struct world *w, const char *request, int status, const char *says)
{
	cJSON *reply = ask(w, request);
	const cJSON *said = cJSON_GetObjectItemCaseSensitive(reply, "status");
	const char *messages = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "messages"));

	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "ok")) != !status ||
	    (status && (!said || said->valueint != status)) || !strstr(messages, says))
		fail_msg("%s: %s", request, cJSON_Print(reply));
	if (status)
		assert_null(cJSON_GetObjectItemCaseSensitive(reply, "policy"));
	cJSON_Delete(reply);
}

static void a_request_that_is_none_is_refused(void **state)
{
	static const char *const requests[] = {"",
	                                       "{",
	                                       "null",
	                                       "[]",
	                                       "\"show\"",
	                                       "{}",
	                                       "{\"command\":1}",
	                                       "{\"command\":\"SHOW\"}",
	                                       "{\"Command\":\"show\"}",
	                                       "\xff\xfe",
	                                       "{\"command\":\"show\"",
	                                       "{\"command\":null}"};

	char request[256];

	begin(*state, POLICY);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		expect(*state, requests[i], 2, "a request is a JSON object with \"command\"");
	expect(*state, "{\"command\":\"apply\"}", 2, "absolute path");
	expect(*state, "{\"command\":\"apply\",\"file\":\"x.yaml\"}", 2, "absolute path");
	expect(*state, "{\"command\":\"apply\",\"file\":7}", 2, "absolute path");
	expect(*state, "{\"command\":\"apply\",\"file\":\"/x\",\"confirm_ms\":-1}", 2, "milliseconds");
	expect(*state, "{\"command\":\"apply\",\"file\":\"/x\",\"confirm_ms\":1e-7}", 2, "milliseconds");
	expect(*state, "{\"command\":\"apply\",\"file\":\"/x\",\"confirm_ms\":1e300}", 2, "milliseconds");
	expect(*state, "{\"command\":\"apply\",\"file\":\"/x\",\"confirm_ms\":\"1\"}", 2, "milliseconds");
	expect(*state, "{\"command\":\"apply\",\"file\":\"/nonexistent\"}", 2, "cannot read the policy file");
	assert_int_equal(mkfifo(in_directory("fifo"), 0600), 0);
	(void)snprintf(request, sizeof(request), "{\"command\":\"apply\",\"file\":\"%s\"}", in_directory("fifo"));
	expect(*state, request, 2, "a policy is a regular file");
	expect(*state, "{\"command\":\"set-mode\"}", 2, "\"rules\"");
	expect(*state, "{\"command\":\"set-mode\",\"rules\":\"a\"}", 2, "\"mode\" is one of");
	expect(*state, "{\"command\":\"set-mode\",\"rules\":\"a\",\"mode\":\"on\"}", 2, "\"mode\" is one of");
	expect(*state, "{\"command\":\"set-mode\",\"rules\":\"none\",\"mode\":\"off\"}", 2,
	       "no rule is named \"none\"");
	expect(*state, "{\"command\":\"confirm\"}", 1, "no policy waits");
	assert_int_equal(((struct world *)*state)->generation, 1);
}

static void what_is_asked_is_done_and_told(void **state)
{
	struct world *w = *state;
	cJSON *reply;
	char request[256];

	begin(w, POLICY);
	expect(w, "{\"command\":\"set-mode\",\"rules\":\"a\",\"mode\":\"enforce\"}", 0, "");
	reply = ask(w, "{\"command\":\"show\"}");
	const cJSON *policy = cJSON_GetObjectItemCaseSensitive(reply, "policy");
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(reply, "rules"), *rule;
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(policy, "generation")->valueint, 2);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(policy, "enforced")->valueint, 1);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(policy, "monitored")->valueint, 3);
	assert_int_equal(cJSON_GetArraySize(rules), 4);
	rule = cJSON_GetArrayItem(rules, 0);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(rule, "rule")->valuestring, "a");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(rule, "class")->valuestring, "exact");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(rule, "mode")->valuestring, "enforce");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(rule, "action")->valuestring, "deny");
	cJSON_Delete(reply);
	(void)snprintf(request, sizeof(request), "{\"command\":\"apply\",\"file\":\"%s\",\"confirm_ms\":1500}",
	               in_directory("policy.yaml"));
	reply = ask(w, request);
	policy = cJSON_GetObjectItemCaseSensitive(reply, "policy");
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(policy, "unconfirmed_ms")->valueint, 1500);
	cJSON_Delete(reply);
	expect(w, "{\"command\":\"reload\"}", 1, "waits for its confirmation");
	expect(w, "{\"command\":\"confirm\"}", 0, "");
	write_file("policy.yaml", POLICY "rules: [{name: nobody, mode: enforce}]\n");
	expect(w, "{\"command\":\"reload\"}", 0, "no rule is named \"nobody\"");
	w->refuse = -E2BIG;
	expect(w, "{\"command\":\"reload\"}", 2, "it does not fit");
	w->refuse = -EOPNOTSUPP;
	expect(w, "{\"command\":\"reload\"}", 3, "it does not fit");
	assert_int_equal(w->generation, 4);
}

/* How many verdicts are told of process 7, and from when on all of them are there. */
static void expect_recent(struct world *w, const struct recent *recent, int told, double since)
{
	cJSON *reply = ask_of(w, recent, "{\"command\":\"verdicts\",\"pid\":7}");
	const cJSON *verdicts = cJSON_GetObjectItemCaseSensitive(reply, "verdicts"), *v;
	double last = 0;

	assert_int_equal(cJSON_GetArraySize(verdicts), told);
	cJSON_ArrayForEach(v, verdicts)
	{
		const double time = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(v, "time"));

		assert_true(time > last && time >= since);
		last = time;
	}
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(reply, "since")) == since);
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(reply, "dropped")) == 0);
	cJSON_Delete(reply);
}

static void the_last_verdicts_are_told_with_their_time(void **state)
{
	_autofree_ struct recent *recent = calloc(1, sizeof(*recent));

	begin(*state, POLICY);
	assert_non_null(recent);
	expect_recent(*state, recent, 0, 0);
	/* Every second one is on process 7. */
	for (uint64_t i = 1; i <= RECENT_MAX; i++)
		recent_add(recent, &(struct tercel_verdict){.hdr = {.ts = 1000 * i, .tgid = 6 + (uint32_t)(i % 2)}});
	expect_recent(*state, recent, RECENT_MAX / 2, 0);
	recent_add(recent, &(struct tercel_verdict){.hdr = {.ts = 5000000, .tgid = 8}});
	expect_recent(*state, recent, RECENT_MAX / 2 - 1, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_request_that_is_none_is_refused),
	        cmocka_unit_test(what_is_asked_is_done_and_told),
	        cmocka_unit_test(the_last_verdicts_are_told_with_their_time),
	};

	return cmocka_run_group_tests(tests, make_world, clean_world);
}
