/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy file: what is taken, and where and how each mistake is complained about.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/policy.h"

static const char rules_text[] = "- rule: A shell\n"
                                 "  desc: d\n"
                                 "  condition: evt.type in (execve, execveat) and proc.name = sh\n"
                                 "  output: o\n"
                                 "  priority: WARNING\n"
                                 "- rule: A call\n"
                                 "  desc: d\n"
                                 "  condition: evt.type = connect and fd.sport = 22\n"
                                 "  output: o\n"
                                 "  priority: WARNING\n"
                                 "- rule: A file\n"
                                 "  desc: d\n"
                                 "  condition: evt.type = open and fd.name = /etc/shadow\n"
                                 "  output: o\n"
                                 "  priority: WARNING\n";

static void everything_that_it_says_is_kept(void **unused)
{
	static const char text[] = "rules_files: [/etc/a.yaml, b.yaml]\n"
	                           "defaults: {mode: off, on_uncertain: deny}\n"
	                           "rules:\n"
	                           "  - name: 'A *'\n"
	                           "    mode: enforce\n"
	                           "    action: kill\n"
	                           "    on_uncertain: allow\n"
	                           "    allow_weak: false\n"
	                           "protect: [/usr/bin/x]\n"
	                           "outputs: {stdout: false, file: /var/log/t.jsonl}\n";
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autopolicy_ struct policy *p = NULL;

	(void)unused;
	assert_int_equal(policy_load_buffer(&p, "/etc/tercel/tercel.yaml", text, strlen(text), &diags), 0);
	assert_int_equal(p->nrules_files, 2);
	assert_string_equal(p->rules_files[0], "/etc/a.yaml");
	assert_string_equal(p->rules_files[1], "/etc/tercel/b.yaml");
	assert_int_equal(p->defaults.mode, TERCEL_MODE_OFF);
	assert_int_equal(p->defaults.on_uncertain, MATCH_ON_UNCERTAIN_DENY);
	assert_int_equal(p->nentries, 1);
	assert_string_equal(p->entries[0].name, "A *");
	assert_int_equal(p->entries[0].mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(p->entries[0].action, TERCEL_ACTION_KILL);
	assert_int_equal(p->entries[0].on_uncertain, MATCH_ON_UNCERTAIN_ALLOW);
	assert_string_equal(p->protect[0], "/usr/bin/x");
	assert_false(p->output_stdout);
	assert_string_equal(p->output_file, "/var/log/t.jsonl");
}

#define RULE "rules_files: [a]\nrules:\n  - name: x\n"

static void a_mistake_is_named_with_its_place(void **unused)
{
	static const struct {
		const char *text, *code;
		uint32_t line, column;
	} cases[] = {
	        {"rules_files: [a]\nrule: []\n", "unknown-key", 2, 1},
	        {"rules_files: [a]\nrules_files: [b]\n", "duplicate-key", 2, 1},
	        {"rules_files: a\n", "bad-value", 1, 14},
	        {"rules: []\n", "bad-policy", 1, 1},
	        {"- a\n", "bad-policy", 1, 1},
	        {"", "bad-policy", 1, 1},
	        {"rules_files: [a\n", "yaml", 2, 1},
	        {"rules_files: [a]\ndefaults: {mode: enforce}\n", "bad-value", 2, 18},
	        {"rules_files: [a]\nrules:\n  - name: x\n    mode: on\n", "bad-value", 4, 11},
	        {"rules_files: [a]\nrules:\n  - mode: enforce\n", "bad-policy", 3, 5},
	        {RULE "    scope: {hosts: false}\n", "unknown-key", 4, 13},
	        {RULE "    scope: {namespaces: shop}\n", "bad-value", 4, 25},
	        {RULE "    scope: {namespaces: []}\n", "bad-value", 4, 25},
	        {RULE "    scope: {pod_labels: [app]}\n", "bad-value", 4, 25},
	        {RULE "    scope: {pod_labels: {'a=b': c}}\n", "bad-value", 4, 26},
	        {RULE "    scope: {exclude: {host: true}}\n", "unknown-key", 4, 23},
	        {RULE "    fuse: {blocks: 0, per: 1s}\n", "bad-value", 4, 20},
	        {RULE "    fuse: {blocks: 1x, per: 1s}\n", "bad-value", 4, 20},
	        {RULE "    fuse: {blocks: 1, per: 10}\n", "bad-value", 4, 28},
	        {RULE "    fuse: {blocks: 1, per: 999999h}\n", "bad-value", 4, 28},
	        {RULE "    fuse: {blocks: 1}\n", "bad-value", 4, 11},
	        {"rules_files: [a]\nrules:\n  - name: x\n    allow_weak: true\n", "unsupported-key", 4, 17},
	        {"rules_files: [a]\nprotect: [runc]\n", "bad-value", 2, 11},
	        {"rules_files: [a]\noutputs: {file: x}\n", "bad-value", 2, 17},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		struct policy *p = (void *)0x1;

		assert_int_equal(policy_load_buffer(&p, "p.yaml", cases[i].text, strlen(cases[i].text), &diags),
		                 -EINVAL);
		assert_ptr_equal(p, (void *)0x1);
		assert_true(diags.errors >= 1);
		assert_string_equal(diags.items[0].file, "p.yaml");
		if (strcmp(diags.items[0].code, cases[i].code) != 0 || diags.items[0].line != cases[i].line ||
		    diags.items[0].column != cases[i].column)
			fail_msg("%s: %s at %u:%u: %s", cases[i].text, diags.items[0].code, diags.items[0].line,
			         diags.items[0].column, diags.items[0].message);
	}
}

static void several_mistakes_are_told_at_once(void **unused)
{
	static const char text[] = "rules_files: [a]\nx: 1\nrules:\n  - name: y\n    mode: z\n    scope: []\n";
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct policy *p = NULL;

	(void)unused;
	assert_int_equal(policy_load_buffer(&p, "p.yaml", text, strlen(text), &diags), -EINVAL);
	assert_int_equal(diags.errors, 3);
}

static void a_missing_file_is_an_error(void **unused)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct policy *p = NULL;

	(void)unused;
	assert_int_equal(policy_load(&p, "/nonexistent/tercel.yaml", &diags), -EINVAL);
	assert_string_equal(diags.items[0].code, "file");
}

/* What a kernel without LSM programs leaves. */
#define SOME_POINTS (1U << TERCEL_POINT_EXEC_COMMIT | 1U << TERCEL_POINT_CONNECT4 | 1U << TERCEL_POINT_CONNECT6)

static int apply_at(uint32_t points, const char *policy_text, struct image **image, struct diag_list *diags)
{
	_autorules_ struct rules *rules = NULL;
	_autopolicy_ struct policy *p = NULL;
	int r = rules_load_buffer(&rules, "r.yaml", rules_text, strlen(rules_text), diags);

	assert_int_equal(r, 0);
	assert_int_equal(policy_load_buffer(&p, "p.yaml", policy_text, strlen(policy_text), diags), 0);
	return policy_apply(image, p, rules, points, 3, diags);
}

static int apply(const char *policy_text, struct image **image, struct diag_list *diags)
{
	return apply_at(PLACEMENT_FULL, policy_text, image, diags);
}

static void later_entries_win_and_off_rules_are_left_out(void **unused)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autoimage_ struct image *image = NULL;

	(void)unused;
	assert_int_equal(apply("rules_files: [r.yaml]\n"
	                       "rules:\n"
	                       "  - {name: '*', mode: enforce, action: deny}\n"
	                       "  - {name: 'A c*', mode: monitor}\n"
	                       "  - {name: A file, mode: off}\n",
	                       &image, &diags),
	                 0);
	assert_int_equal(image->nrules, 2);
	assert_string_equal(image->rules[0].name, "A shell");
	assert_int_equal(image->rules[0].mode, TERCEL_MODE_ENFORCE);
	assert_string_equal(image->rules[1].name, "A call");
	assert_int_equal(image->rules[1].mode, TERCEL_MODE_MONITOR);
}

static void nothing_is_enforced_without_being_named(void **unused)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autoimage_ struct image *image = NULL;

	(void)unused;
	assert_int_equal(apply("rules_files: [r.yaml]\n", &image, &diags), 0);
	assert_int_equal(image->nrules, 3);
	for (size_t i = 0; i < image->nrules; i++)
		assert_int_equal(image->rules[i].mode, TERCEL_MODE_MONITOR);
}

static void what_cannot_be_enforced_is_said(void **unused)
{
	static const char text[] = "rules_files: [r.yaml]\n"
	                           "rules:\n"
	                           "  - {name: A file, mode: enforce}\n"
	                           "  - {name: No such, mode: enforce}\n";
	_autodiag_ struct diag_list some = DIAG_LIST_INIT, all = DIAG_LIST_INIT;
	_autoimage_ struct image *image = NULL, *full = NULL;

	(void)unused;
	assert_int_equal(apply_at(SOME_POINTS, text, &image, &some), 0);
	assert_int_equal(some.warnings, 2);
	assert_string_equal(some.items[0].code, "no-such-rule");
	assert_int_equal(some.items[0].line, 4);
	assert_string_equal(some.items[1].code, "detect-only");
	assert_int_equal(some.items[1].line, 3);

	/* The opening of a file is decided where there is an LSM. */
	assert_int_equal(apply(text, &full, &all), 0);
	assert_int_equal(all.warnings, 1);
	assert_string_equal(all.items[0].code, "no-such-rule");
}

static void an_action_that_the_point_has_not_is_refused(void **unused)
{
	static const char text[] = "rules_files: [r.yaml]\nrules:\n  - {name: A call, mode: enforce, action: kill}\n",
	                  file[] = "rules_files: [r.yaml]\nrules:\n  - {name: A file, mode: enforce, action: kill}\n";
	_autodiag_ struct diag_list some = DIAG_LIST_INIT, all = DIAG_LIST_INIT;
	_autoimage_ struct image *full = NULL;
	struct image *image = NULL;

	(void)unused;
	assert_int_equal(apply_at(SOME_POINTS, text, &image, &some), -EINVAL);
	assert_null(image);
	assert_string_equal(some.items[0].code, "unsupported-action");
	assert_int_equal(some.items[0].line, 3);
	assert_int_equal(some.items[0].column, 43);

	/* An LSM hook does either. */
	assert_int_equal(apply(file, &full, &all), 0);
	assert_int_equal(all.count, 0);
}

/* ---- scopes and fuses -------------------------------------------------------------------------------------------- */

/* The scope of the first entry, in words; "" if it leaves nothing out. */
static void expect_scope(const char *scope, const char *words)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autobuf_ struct buf text = BUF_INIT, said = BUF_INIT;
	_autopolicy_ struct policy *p = NULL;

	buf_addf(&text, RULE "    scope: %s\n", scope);
	assert_int_equal(policy_load_buffer(&p, "p.yaml", buf_str(&text), text.len, &diags), 0);
	assert_true(p->entries[0].has_scope);
	if (scope_limits(&p->entries[0].scope))
		scope_print(&said, &p->entries[0].scope);
	assert_string_equal(buf_str(&said), words);
}

static void a_scope_is_a_condition(void **unused)
{
	(void)unused;
	expect_scope("{}", "");
	expect_scope("{host: true}", "");
	expect_scope("{host: false}", "container.id != host");
	expect_scope("{namespaces: [shop, 'a b']}", "container.id != host and k8s.ns.name in (\"shop\", \"a b\")");
	expect_scope("{pod_labels: {app: api, tier: \"\"}}",
	             "container.id != host and (k8s.pod.label[app] = \"api\" and k8s.pod.label[tier] = \"\")");
	expect_scope("{images: ['*/api']}", "container.id != host and (container.image glob \"*/api\" or "
	                                    "container.image.repository glob \"*/api\")");
	expect_scope("{namespaces: [n], containers: [c], host: true}",
	             "(container.id = host or (container.id != host and k8s.ns.name in (\"n\") and "
	             "container.name in (\"c\")))");
	/* What is left out of the containers says nothing of the host. */
	expect_scope("{exclude: {containers: [istio-proxy], namespaces: [n]}}",
	             "(container.id = host or (container.id != host and not (k8s.ns.name in (\"n\") or "
	             "container.name in (\"istio-proxy\"))))");
	expect_scope("{host: false, exclude: {pod_labels: {a: b}}}",
	             "container.id != host and not ((k8s.pod.label[a] = \"b\"))");
	/* A name cannot end its own text. */
	expect_scope(
	        "{containers: ['x\") or evt.type = open or proc.name in (\"y', 'back\\']}",
	        "container.id != host and container.name in (\"x\\\") or evt.type = open or proc.name in (\\\"y\", "
	        "\"back\\\\\")");
}

static void an_error_is_named_and_eperm_is_the_default(void **unused)
{
	static const char text[] = "rules_files: [r.yaml]\nrules:\n"
	                           "  - {name: 'A *', errno: ENOENT}\n"
	                           "  - {name: A shell, errno: EACCES, mode: enforce}\n";
	static const char *const wrong[] = {"eperm", "1", "ENOTHING", "[EPERM]", ""};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autopolicy_ struct policy *p = NULL;

	(void)unused;
	assert_int_equal(policy_load_buffer(&p, "p.yaml", text, strlen(text), &diags), 0);
	assert_int_equal(policy_setting_of(p, "A shell").error, EACCES);
	assert_int_equal(policy_setting_of(p, "A call").error, ENOENT);
	assert_int_equal(policy_setting_of(p, "Other").error, EPERM);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		_autodiag_ struct diag_list refused = DIAG_LIST_INIT;
		_autobuf_ struct buf one = BUF_INIT;
		struct policy *none = NULL;

		buf_addf(&one, RULE "    errno: %s\n", wrong[i]);
		assert_int_equal(policy_load_buffer(&none, "p.yaml", buf_str(&one), one.len, &refused), -EINVAL);
		assert_string_equal(refused.items[0].code, "bad-value");
		assert_int_equal(refused.items[0].line, 4);
	}
}

static void expect_bad_value(const char *scope, unsigned int column)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autobuf_ struct buf text = BUF_INIT;
	_autopolicy_ struct policy *p = NULL;

	buf_addf(&text, RULE "    scope: %s\n", scope);
	assert_int_equal(policy_load_buffer(&p, "p.yaml", buf_str(&text), text.len, &diags), -EINVAL);
	assert_int_equal(diags.count, 1);
	assert_string_equal(diags.items[0].code, "bad-value");
	assert_int_equal(diags.items[0].column, column);
}

/* What YAML writes for nothing is no name, unless it is quoted. */
static void nothing_is_no_name(void **unused)
{
	(void)unused;
	expect_bad_value("{containers: [~]}", 26);
	expect_bad_value("{namespaces: [a, null]}", 29);
	expect_bad_value("{images: ['']}", 22);
	expect_bad_value("{pod_labels: {app: ~}}", 26);
	expect_bad_value("{pod_labels: {app: }}", 26);
	expect_scope("{containers: ['~']}", "container.id != host and container.name in (\"~\")");
	expect_scope("{pod_labels: {app: 'null'}}", "container.id != host and (k8s.pod.label[app] = \"null\")");
}

static void a_scoped_rule_asks_about_containers_and_others_do_not(void **unused)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autoimage_ struct image *plain = NULL, *scoped = NULL, *again = NULL;

	(void)unused;
	assert_int_equal(apply("rules_files: [r.yaml]\n", &plain, &diags), 0);
	assert_int_equal(plain->ncontainers, 0);
	assert_int_equal(apply("rules_files: [r.yaml]\nrules:\n"
	                       "  - {name: A shell, scope: {containers: [\"a\\\"b\"]}}\n"
	                       "  - {name: A call, scope: {host: false}}\n",
	                       &scoped, &diags),
	                 0);
	assert_int_equal(scoped->ncontainers, 1);
	assert_string_equal(scoped->containers[0], "container.name in (\"a\\\"b\")");
	assert_int_equal(scoped->nrules, 3);
	/* The last scope counts, as of other keys. */
	assert_int_equal(apply("rules_files: [r.yaml]\nrules:\n"
	                       "  - {name: A shell, scope: {containers: [a]}}\n"
	                       "  - {name: 'A *', scope: {}}\n",
	                       &again, &diags),
	                 0);
	assert_int_equal(again->ncontainers, 0);
	assert_int_equal(diags.count, 0);
}

static void a_fuse_is_kept_and_the_last_one_counts(void **unused)
{
	static const char text[] = "rules_files: [r.yaml]\nrules:\n"
	                           "  - {name: '*', mode: enforce, fuse: {blocks: 20, per: 60s}}\n"
	                           "  - {name: A shell, fuse: {per: 500ms, blocks: 1}}\n";
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autopolicy_ struct policy *p = NULL;
	struct policy_setting s;

	(void)unused;
	assert_int_equal(policy_load_buffer(&p, "p.yaml", text, strlen(text), &diags), 0);
	s = policy_setting_of(p, "A shell");
	assert_int_equal(s.fuse.blocks, 1);
	assert_int_equal(s.fuse.per_ns, 500000000);
	assert_int_equal(s.mode, TERCEL_MODE_ENFORCE);
	s = policy_setting_of(p, "A call");
	assert_int_equal(s.fuse.blocks, 20);
	assert_ptr_equal(s.mode_entry, &p->entries[0]);
	assert_null(s.scope_entry);
	/* What is set at run time comes last. */
	assert_int_equal(policy_add_mode(p, "A c*", TERCEL_MODE_OFF), 0);
	assert_int_equal(policy_setting_of(p, "A call").mode, TERCEL_MODE_OFF);
	assert_int_equal(policy_setting_of(p, "A shell").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(policy_setting_of(p, "A call").fuse.blocks, 20);
	policy_drop_last(p);
	assert_int_equal(policy_setting_of(p, "A call").mode, TERCEL_MODE_ENFORCE);
	assert_int_equal(p->nentries, 2);
}

static void deep_nesting_is_refused_at_once(void **state)
{
	(void)state;
	static const char *const units[] = {"[", "- ", "{a: "};

	for (size_t i = 0; i < 3; i++) {
		_autobuf_ struct buf b = BUF_INIT;
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		struct policy *p = NULL;

		while (b.len < 1000000)
			buf_adds(&b, units[i]);
		assert_int_equal(policy_load_buffer(&p, "p.yaml", buf_str(&b), b.len, &diags), -EINVAL);
		assert_int_equal(diags.count, 1);
		assert_string_equal(diags.items[0].code, "too-deep");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(deep_nesting_is_refused_at_once),
	        cmocka_unit_test(everything_that_it_says_is_kept),
	        cmocka_unit_test(a_mistake_is_named_with_its_place),
	        cmocka_unit_test(several_mistakes_are_told_at_once),
	        cmocka_unit_test(a_missing_file_is_an_error),
	        cmocka_unit_test(later_entries_win_and_off_rules_are_left_out),
	        cmocka_unit_test(nothing_is_enforced_without_being_named),
	        cmocka_unit_test(what_cannot_be_enforced_is_said),
	        cmocka_unit_test(an_action_that_the_point_has_not_is_refused),
	        cmocka_unit_test(a_scope_is_a_condition),
	        cmocka_unit_test(an_error_is_named_and_eperm_is_the_default),
	        cmocka_unit_test(nothing_is_no_name),
	        cmocka_unit_test(a_scoped_rule_asks_about_containers_and_others_do_not),
	        cmocka_unit_test(a_fuse_is_kept_and_the_last_one_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
