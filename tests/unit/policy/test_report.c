/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translation report, as JSON and as text; and that Tercel's own rules are exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "policy/report.h"

static const char rules_text[] = "- rule: Narrow\n"
                                 "  desc: d\n"
                                 "  condition: evt.type = execve and (proc.name = sh or user.shell = root)\n"
                                 "  output: o\n"
                                 "  priority: WARNING\n"
                                 "  tags: [x]\n"
                                 "- rule: Both\n"
                                 "  desc: d\n"
                                 "  condition: evt.type in (connect, accept) and proc.name = sh\n"
                                 "  output: o\n"
                                 "  priority: NOTICE\n"
                                 "  enabled: false\n"
                                 "- rule: Exact\n"
                                 "  desc: d\n"
                                 "  condition: evt.type = connect and fd.sport = 22 and fd.l4proto = tcp\n"
                                 "  output: o\n"
                                 "  priority: NOTICE\n";

static const cJSON *get(const cJSON *object, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);

	if (!v)
		fail_msg("no key %s", key);
	return v;
}

static const char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(get(object, key));

	if (!text)
		fail_msg("%s is no string", key);
	return text;
}

static void the_json_report_says_points_classes_and_losses(void **unused)
{
	static const char *const files[] = {"r.yaml"};
	const struct report_options options = {.target = "full", .files = files, .nfiles = 1};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autoreport_ struct report *report = NULL;
	_autobuf_ struct buf out = BUF_INIT;
	const cJSON *list, *point, *lost;
	cJSON *root;

	(void)unused;
	assert_int_equal(rules_load_buffer(&rules, "r.yaml", rules_text, strlen(rules_text), &diags), 0);
	assert_int_equal(report_build(&report, rules, PLACEMENT_FULL), 0);
	report_write_json(&out, report, &options, &diags);
	assert_int_equal(buf_error(&out), 0);
	root = cJSON_Parse(buf_str(&out));
	assert_non_null(root);
	assert_int_equal(get(root, "version")->valueint, 1);
	assert_string_equal(text_of(root, "target"), "full");
	list = get(root, "rules");
	assert_int_equal(cJSON_GetArraySize(list), 3);

	assert_string_equal(text_of(cJSON_GetArrayItem(list, 0), "class"), "narrow");
	point = cJSON_GetArrayItem(get(cJSON_GetArrayItem(list, 0), "points"), 0);
	assert_string_equal(text_of(point, "point"), "bprm_creds_from_file");
	assert_string_equal(text_of(point, "strength"), "deny");
	assert_string_equal(cJSON_GetArrayItem(get(point, "events"), 0)->valuestring, "execve");
	assert_int_equal(cJSON_GetArraySize(get(point, "events")), 1);
	lost = cJSON_GetArrayItem(get(point, "lost"), 0);
	assert_string_equal(text_of(lost, "expr"), "user.shell = root");
	assert_string_equal(text_of(lost, "file"), "r.yaml");
	assert_int_equal(get(lost, "line")->valueint, 3);
	assert_int_equal(get(lost, "column")->valueint, 55);
	assert_string_equal(text_of(cJSON_GetArrayItem(get(point, "notes"), 0), "code"), "weak-identity");

	/* Nothing decides an accept, but its connections are blocked: less than it says. */
	assert_string_equal(text_of(cJSON_GetArrayItem(list, 1), "class"), "narrow");
	assert_true(cJSON_IsFalse(get(cJSON_GetArrayItem(list, 1), "enabled")));
	assert_int_equal(cJSON_GetArraySize(get(cJSON_GetArrayItem(list, 1), "points")), 4);
	point = cJSON_GetArrayItem(get(cJSON_GetArrayItem(list, 1), "points"), 0);
	assert_string_equal(text_of(point, "point"), "cgroup_connect4");
	point = cJSON_GetArrayItem(get(cJSON_GetArrayItem(list, 1), "points"), 2);
	assert_string_equal(text_of(point, "point"), "socket_connect");
	point = cJSON_GetArrayItem(get(cJSON_GetArrayItem(list, 1), "points"), 3);
	assert_string_equal(text_of(point, "point"), "none");
	assert_string_equal(text_of(point, "strength"), "none");
	assert_string_equal(cJSON_GetArrayItem(get(point, "events"), 0)->valuestring, "accept");

	assert_string_equal(text_of(cJSON_GetArrayItem(list, 2), "class"), "exact");
	assert_int_equal(get(get(root, "summary"), "rules")->valueint, 3);
	assert_int_equal(get(get(root, "summary"), "exact")->valueint, 1);
	assert_int_equal(get(get(root, "summary"), "narrow")->valueint, 2);
	assert_int_equal(get(get(root, "summary"), "detect_only")->valueint, 0);
	cJSON_Delete(root);
}

static void errors_are_in_the_json_when_nothing_loads(void **unused)
{
	static const char bad[] = "- rule: x\n  desc: d\n  condition: proc.nme = a\n  output: o\n  priority: WARNING\n";
	const struct report_options options = {.target = "full"};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *rules = NULL;
	_autobuf_ struct buf out = BUF_INIT;
	cJSON *root;

	(void)unused;
	assert_int_not_equal(rules_load_buffer(&rules, "r.yaml", bad, strlen(bad), &diags), 0);
	report_write_json(&out, NULL, &options, &diags);
	root = cJSON_Parse(buf_str(&out));
	assert_non_null(root);
	assert_string_equal(text_of(cJSON_GetArrayItem(get(root, "errors"), 0), "code"), "unknown-field");
	assert_int_equal(get(cJSON_GetArrayItem(get(root, "errors"), 0), "line")->valueint, 3);
	assert_int_equal(get(get(root, "summary"), "errors")->valueint, 1);
	cJSON_Delete(root);
}

static void text_and_explanation_name_what_is_lost(void **unused)
{
	const struct report_options options = {.target = "full", .rule = "Narrow"};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autoreport_ struct report *report = NULL;
	_autobuf_ struct buf out = BUF_INIT;

	(void)unused;
	assert_int_equal(rules_load_buffer(&rules, "r.yaml", rules_text, strlen(rules_text), &diags), 0);
	assert_int_equal(report_build(&report, rules, PLACEMENT_FULL), 0);
	report_write_text(&out, report, &options);
	assert_non_null(strstr(buf_str(&out), "lost: user.shell = root  (r.yaml:3:55)"));
	assert_null(strstr(buf_str(&out), "Both"));
	assert_non_null(strstr(buf_str(&out), "1 rule: 0 exact, 1 narrow, 0 detect-only"));
	buf_reset(&out);
	report_explain_text(&out, report, report_find(report, "Narrow"));
	assert_non_null(strstr(buf_str(&out), "must: name in (\"sh\")\n"));
	assert_non_null(strstr(buf_str(&out), "may:  true\n"));
	assert_null(report_find(report, "Nobody"));
}

static size_t count_of(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void the_text_says_each_reason_and_each_note_once(void **unused)
{
	static const char text[] = "- rule: R\n"
	                           "  desc: d\n"
	                           "  condition: >\n"
	                           "    evt.type = execve and (user.shell = root or user.shell = adm or\n"
	                           "    proc.name = sh or proc.pname in (aaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbb,\n"
	                           "    cccccccccccccccccccc)) and not (user.shell = bin and proc.tty = 0)\n"
	                           "  output: o\n"
	                           "  priority: WARNING\n";
	const struct report_options options = {.target = "full"};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autoreport_ struct report *report = NULL;
	_autobuf_ struct buf out = BUF_INIT;

	(void)unused;
	assert_int_equal(rules_load_buffer(&rules, "r.yaml", text, strlen(text), &diags), 0);
	assert_int_equal(report_build(&report, rules, PLACEMENT_FULL), 0);
	report_write_text(&out, report, &options);
	assert_int_equal(count_of(buf_str(&out), "      lost: "), 2);
	assert_int_equal(count_of(buf_str(&out), "why: of the user database only the names of users are kept"), 2);
	assert_non_null(strstr(buf_str(&out), "      lost: user.shell = root  (r.yaml:4:28)\n"
	                                      "            user.shell = adm  (r.yaml:4:"));
	assert_non_null(strstr(buf_str(&out), "      lost: user.shell = bin  (r.yaml:6:"));
	assert_int_equal(count_of(buf_str(&out), "note: weak-identity: "), 1);
	assert_int_equal(count_of(buf_str(&out), "a process can set its own name"), 1);
	assert_non_null(strstr(buf_str(&out), "proc.name = sh; proc.pname in (aaaaaaaaaaaaaaaaaaaa, "
	                                      "bbbbbbbbbbbbbbbbbbbb, c…: a process"));

	buf_reset(&out);
	report_write_json(&out, report, &options, &diags);
	assert_int_equal(count_of(buf_str(&out), "\"reason\":"), 3);
}

static void the_rules_of_this_project_are_exact(void **unused)
{
	static const char *const files[] = {TERCEL_SOURCE_DIR "/rules/tercel_rules.yaml"};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autoreport_ struct report *report = NULL;
	int r = rules_load(&rules, files, 1, &diags);

	(void)unused;
	diag_print(&diags, stderr);
	assert_int_equal(r, 0);
	assert_int_equal(diags.warnings, 0);
	assert_int_equal(report_build(&report, rules, PLACEMENT_FULL), 0);
	assert_true(report->nrules >= 5);
	assert_int_equal(report->exact, report->nrules);
}

static void a_rule_that_nothing_can_block_has_a_reason(void **unused)
{
	static const char text[] =
	        "- {rule: fails, desc: d, condition: evt.type = execve and evt.res = ENOENT, output: o,"
	        " priority: INFO}\n"
	        "- {rule: accepts, desc: d, condition: evt.type = accept, output: o, priority: INFO}\n"
	        "- {rule: cloud, desc: d, condition: ct.name = x, output: o, priority: INFO, source: aws_cloudtrail}\n";
	static const char *const reasons[] = {"the condition cannot hold when the kernel decides",
	                                      "no decision point of this target sees these event types",
	                                      "the rule is about another source of events"};
	_autorules_ struct rules *rules = NULL;
	_autoreport_ struct report *report = NULL;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;

	(void)unused;
	assert_int_equal(rules_load_buffer(&rules, "r.yaml", text, strlen(text), &diags), 0);
	assert_int_equal(report_build(&report, rules, PLACEMENT_FULL), 0);
	assert_int_equal(report->detect_only, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct report_rule *r = &report->rules[i];

		assert_int_equal(r->npoints, 1);
		assert_null(r->points[0].point);
		assert_int_equal(r->points[0].nevents, i < 2 ? 1 : 0);
		assert_memory_equal(r->points[0].reason, reasons[i], strlen(reasons[i]));
	}
}

/* Without LSM an exec is killed at its commit, connections are denied by cgroup, and the rest is detected. */
static void without_lsm_other_points_decide(void **unused)
{
	static const char text[] =
	        "- {rule: exec, desc: d, condition: evt.type = execve and proc.name = sh, output: o, priority: INFO}\n"
	        "- {rule: call, desc: d, condition: evt.type = connect and fd.sport = 22, output: o, priority: INFO}\n"
	        "- {rule: file, desc: d, condition: evt.type = unlink, output: o, priority: INFO}\n";
	static const struct {
		const char *points[3];
		enum policy_class class;
	} full[] = {{{"bprm_creds_from_file"}, POLICY_EXACT},
	            {{"cgroup_connect4", "cgroup_connect6", "socket_connect"}, POLICY_EXACT},
	            {{"path_unlink"}, POLICY_EXACT}},
	  without[] = {{{"sched_process_exec"}, POLICY_EXACT},
	               {{"cgroup_connect4", "cgroup_connect6"}, POLICY_NARROW},
	               {{NULL}, POLICY_DETECT_ONLY}};
	_autorules_ struct rules *rules = NULL;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;

	(void)unused;
	assert_int_equal(rules_load_buffer(&rules, "r.yaml", text, strlen(text), &diags), 0);
	for (int lsm = 0; lsm < 2; lsm++) {
		_autoreport_ struct report *report = NULL;

		assert_int_equal(report_build(&report, rules, lsm ? PLACEMENT_FULL : placement_without_lsm()), 0);
		for (size_t i = 0; i < 3; i++) {
			const struct report_rule *r = &report->rules[i];
			const char *const *points = lsm ? full[i].points : without[i].points;
			size_t wanted = 0;

			assert_int_equal(r->class, lsm ? full[i].class : without[i].class);
			for (size_t p = 0; p < r->npoints; p++) {
				assert_true(p < 3);
				if (points[p])
					assert_string_equal(r->points[p].point->name, points[p]);
				else
					assert_null(r->points[p].point);
			}
			while (wanted < 3 && points[wanted])
				wanted++;
			assert_int_equal(r->npoints, wanted ? wanted : 1);
		}
	}
}

/* A point in the table is no program in the kernel. */
static void a_point_without_a_program_is_told(void **unused)
{
	static const char yet[] =
	        "bprm_creds_from_file execve  narrow, deny (this version has no program for it yet)\n";
	const struct report_options options = {.target = "full", .rule = "Narrow"};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autoreport_ struct report *report = NULL;
	_autobuf_ struct buf out = BUF_INIT;

	(void)unused;
	assert_int_equal(rules_load_buffer(&rules, "r.yaml", rules_text, strlen(rules_text), &diags), 0);
	assert_int_equal(report_build(&report, rules, PLACEMENT_FULL), 0);
	report_write_text(&out, report, &options);
	assert_null(strstr(buf_str(&out), "no program"));
	report->available &= ~(1U << TERCEL_POINT_EXEC_CHECK);
	buf_reset(&out);
	report_write_text(&out, report, &options);
	assert_non_null(strstr(buf_str(&out), yet));
	buf_reset(&out);
	report_explain_text(&out, report, report_find(report, "Narrow"));
	assert_non_null(strstr(buf_str(&out), yet));
	buf_reset(&out);
	report_write_json(&out, report, &(struct report_options){.target = "full"}, &diags);
	assert_int_equal(count_of(buf_str(&out), "\"available\":true"), 5);
	/* Nor is there one where there is no point. */
	assert_int_equal(count_of(buf_str(&out), "\"available\":false"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_rule_that_nothing_can_block_has_a_reason),
	        cmocka_unit_test(the_json_report_says_points_classes_and_losses),
	        cmocka_unit_test(without_lsm_other_points_decide),
	        cmocka_unit_test(a_point_without_a_program_is_told),
	        cmocka_unit_test(errors_are_in_the_json_when_nothing_loads),
	        cmocka_unit_test(text_and_explanation_name_what_is_lost),
	        cmocka_unit_test(the_text_says_each_reason_and_each_note_once),
	        cmocka_unit_test(the_rules_of_this_project_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
