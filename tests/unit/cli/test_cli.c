/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line's contract where no kernel is needed: exit statuses, messages, and events from a recording.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "../events/records.h"
#include "events/recording.h"
#include "run.h"

/* Lines that are no quotation from a file, with the mark below it. */
static int messages(const char *text)
{
	int n = 0;
	for (; *text; text = strchr(text, '\n') + 1)
		n += *text != ' ';
	return n;
}

static void expect(const char *command, int status, const char *out, const char *err)
{
	_autoran_ struct ran r = run("%s", command);
	if (r.status != status || !strstr(r.out, out) || !strstr(r.err, err))
		fail_msg("%s: status %d\nstdout: %s\nstderr: %s", command, r.status, r.out, r.err);
	if (status && messages(r.err) != 1)
		fail_msg("%s: not one message: %s", command, r.err);
}

static void help_and_version_go_to_stdout(void **state)
{
	(void)state;
	expect("$T --version", 0, "tercel ", "");
	expect("$T help", 0, "usage: tercel COMMAND", "");
	expect("$T --help", 0, "usage: tercel COMMAND", "");
	static const char *const commands[] = {"check", "eval", "events", "explain", "probe", "run"};
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		_autoran_ struct ran by_option = run("$T %s --help", commands[i]);
		_autoran_ struct ran by_help = run("$T help %s", commands[i]);
		assert_int_equal(by_option.status | by_help.status, 0);
		assert_non_null(strstr(by_option.out, "usage: tercel "));
		assert_string_equal(by_option.out, by_help.out);
		assert_string_equal(by_option.err, "");
	}
	_autoran_ struct ran none = run("$T");
	assert_int_equal(none.status, 2);
	assert_string_equal(none.out, "");
	assert_non_null(strstr(none.err, "usage: tercel COMMAND"));
}

static void wrong_usage_is_one_line_and_status_2(void **state)
{
	(void)state;
	expect("$T nonsense", 2, "", "no command 'nonsense'");
	expect("$T help nonsense", 2, "", "no command 'nonsense'");
	expect("$T events --nonsense", 2, "", "option '--nonsense'");
	expect("$T events -o", 2, "", "option '-o' needs a value");
	expect("$T events -o xml", 2, "", "'text' and 'json'");
	expect("$T events --duration soon", 2, "", "--duration soon: not a time in seconds");
	expect("$T events --duration -1", 2, "", "not a time in seconds");
	expect("$T events --duration nan", 2, "", "not a time in seconds");
	expect("$T events --max-events 0", 2, "", "whole number greater than 0");
	expect("$T events --max-events 99999999999999999999", 2, "", "whole number greater than 0");
	expect("$T events --pid 0x10", 2, "", "whole number greater than 0");
	expect("$T events --pid 4294967297", 2, "", "no process has such an id");
	expect("$T events surplus", 2, "", "'surplus'");
	expect("$T events --read a --record b", 2, "", "cannot be used together");
	expect("$T probe surplus", 2, "", "'surplus'");
	expect("$T run surplus", 2, "", "'surplus'");
	expect("$T check", 2, "", "file");
	expect("$T check --list-fields a.yaml", 2, "", "--list-fields takes no file: 'a.yaml'");
	expect("$T check --list-fields --rule r", 2, "", "--list-fields goes with --output alone");
	expect("$T check --list-points a.yaml", 2, "", "--list-points takes no file: 'a.yaml'");
	expect("$T check --list-points --target no-lsm", 2, "", "--list-points goes with --output alone");
}

static void commands_of_later_versions_say_so(void **state)
{
	(void)state;
	static const char *const later[] = {"replay"};
	_autoran_ struct ran help = run("$T help");
	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++) {
		char entry[32];
		_autoran_ struct ran r = run("$T %s --whatever", later[i]);
		assert_int_equal(r.status, 2);
		assert_non_null(strstr(r.err, "not in this version"));
		(void)snprintf(entry, sizeof(entry), "\n  %s ", later[i]);
		assert_null(strstr(help.out, entry));
	}
}

static void what_asks_a_daemon_says_how_it_is_used(void **state)
{
	(void)state;
	expect("$T policy", 2, "", "one of show, apply, confirm, set-mode and reload is needed");
	expect("$T policy shwo", 2, "", "'shwo' is not known");
	expect("$T policy show now", 2, "", "show: it takes no operands");
	expect("$T policy apply", 2, "", "apply: it takes the policy file");
	expect("$T policy apply /nonexistent/policy.yaml", 2, "", "/nonexistent/policy.yaml: No such file");
	expect("$T policy set-mode a", 2, "", "set-mode: it takes the name of a rule");
	expect("$T policy apply $D --confirm 60", 2, "", "--confirm 60: not a time with its unit");
	expect("$T policy reload --confirm 60s", 2, "", "--confirm goes with apply");
	expect("$T policy show -o xml", 2, "", "the formats are 'text' and 'json'");
	expect("$T status now", 2, "", "it takes no arguments");
	expect("$T metrics --nothing", 2, "", "'--nothing'");
	static const char *const asking[] = {"policy show", "policy confirm", "status", "metrics"};
	for (size_t i = 0; i < sizeof(asking) / sizeof(*asking); i++) {
		_autoran_ struct ran r = run("$T %s --socket $D/nobody", asking[i]);
		assert_int_equal(r.status, 3);
		assert_string_equal(r.out, "");
		assert_non_null(strstr(r.err, "no daemon answers at "));
		assert_non_null(strstr(r.err, "is 'tercel run' running"));
		assert_ptr_equal(strchr(r.err, '\n'), r.err + strlen(r.err) - 1);
	}
}

static void without_privileges_it_ends_with_3_and_one_line(void **state)
{
	(void)state;
	static const char *const commands[] = {"events", "events -o json --duration 1", "probe -q"};
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		_autoran_ struct ran r = geteuid() ? run("$T %s", commands[i])
		                                   : run("setpriv --reuid 65534 --clear-groups $T %s", commands[i]);
		assert_int_equal(r.status, 3);
		assert_string_equal(r.out, "");
		assert_int_equal(lines(r.err), 1);
		assert_memory_equal(r.err, "tercel ", 7);
	}
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *f = fopen(path, "we");
	bool written = f && fputs(text, f) >= 0;
	assert_true(f && !fclose(f) && written);
}

static void write_rule(const char *file, const char *name, const char *condition)
{
	char text[512];
	(void)snprintf(text, sizeof(text), "- rule: %s\n  desc: d\n  condition: %s\n  output: o\n  priority: INFO\n",
	               name, condition);
	write_file(file, text);
}

static void make_subdirectory(const char *name)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void a_skipped_rule_is_told_with_its_reason(void **state)
{
	(void)state;
	write_file("skipped.yaml",
	           "- rule: R\n  desc: d\n  condition: evt.type=open and foo.bar=1\n  output: o\n  priority: INFO\n"
	           "  skip-if-unknown-filter: true\n"
	           "- rule: E\n  desc: d\n  condition: evt.type=nonsense\n  output: o\n  priority: INFO\n"
	           "  skip-if-unknown-filter: true\n");
	expect("$T check $D/skipped.yaml", 0, "it has skip-if-unknown-filter, and names the unknown field foo.bar\n",
	       "");
	expect("$T check $D/skipped.yaml", 0, "0 rules: 0 exact, 0 narrow, 0 detect-only; 2 skipped\n", "");
	expect("$T check --rule R $D/skipped.yaml", 0, "; 1 skipped\n", "");
	expect("$T check -o json $D/skipped.yaml", 0, "\"reason\":\"names the unknown field foo.bar\"}", "");
	expect("$T explain --rule R $D/skipped.yaml", 0,
	       "It is skipped: it has skip-if-unknown-filter, and names the unknown field foo.bar.\n", "");
	expect("$T explain --rule E $D/skipped.yaml", 0, "'nonsense' is no event type that Falco knows", "");
	expect("$T explain -o json --rule R $D/skipped.yaml", 0, "\"reason\":\"names the unknown field foo.bar\"", "");
	expect("$T eval --rule R $D/skipped.yaml --events - 2>&1 >/dev/null | tail -n 1 >&2; exit 2", 2, "",
	       "the rule 'R' is skipped: it has skip-if-unknown-filter, and names the unknown field foo.bar");
}

static void a_mistyped_name_gets_a_suggestion(void **state)
{
	(void)state;
	write_rule("near.yaml", "Shell in container", "evt.type = execve");
	expect("$T chek", 2, "", "no command 'chek', did you mean 'check'; 'tercel help' lists them");
	expect("$T explain --rule 'Shell in contaner' $D/near.yaml", 2, "", ", did you mean 'Shell in container'?");
	expect("$T check --rule 'Shell in contaner' $D/near.yaml", 2, "", ", did you mean 'Shell in container'?");
	expect("$T eval --rule 'Shell in contaner' $D/near.yaml --events -", 2, "",
	       ", did you mean 'Shell in container'?");
}

static void a_condition_is_explained_as_it_is_written(void **state)
{
	(void)state;
	write_file("written.yaml",
	           "- rule: R\n  desc: d\n  condition: >\n    evt.type=execve\n  output: o\n  priority: INFO\n"
	           "- rule: S\n  desc: d\n  condition: >\n    evt.type=open\n  output: o\n  priority: INFO\n"
	           "- rule: R\n  condition: and proc.name=a\n  override: {condition: append}\n");
	expect("$T explain --rule R $D/written.yaml", 0, "written.yaml:4:5)\n  evt.type=execve\n   and proc.name=a\n\n",
	       "");
	expect("$T explain --rule R $D/written.yaml", 0, "\nCondition as written, and appended to   (", "");
	expect("$T explain --rule S $D/written.yaml", 0, "\nCondition as written   (", "");
}

static void rule_files_are_judged_by_exit_status(void **state)
{
	(void)state;
	make_subdirectory("rules.d");
	make_subdirectory("empty");
	write_rule("rules.d/a.yaml", "shell", "evt.type = execve and proc.name = sh");
	write_rule("rules.d/not-yaml.txt", "wrong", "proc.nme = sh");
	write_rule("lost.yaml", "user", "evt.type = execve and user.shell = joe");
	write_rule("wrong.yaml", "wrong", "proc.nme = sh");
	write_file("broken.yaml", "- rule: [\n");
	expect("$T check $D/rules.d/a.yaml", 0, "shell", "");
	expect("$T check --require exact $D/rules.d", 0, "shell", ""); /* a directory: its YAML files */
	expect("$T check $D/wrong.yaml 2>&1 >/dev/null | head -n 1 >&2; exit 1", 1, "", "wrong.yaml:3:14: error: ");
	expect("$T check $D/broken.yaml", 1, "", "broken.yaml:1:9: error: ");
	expect("$T check $D/missing.yaml", 2, "", "missing.yaml: error: ");
	expect("$T check $D/empty", 2, "", "no file in it ends in .yaml");
	expect("$T check --rule nobody $D/rules.d/a.yaml", 2, "", "no rule 'nobody'");
	expect("$T check --require much $D/rules.d/a.yaml", 2, "", "'exact' or 'narrow'");
	expect("$T check --target moon $D/rules.d/a.yaml", 2, "", "'full', 'no-lsm' or 'auto'");
	_autoran_ struct ran bare = run("%s $T check --target auto $D/rules.d/a.yaml",
	                                geteuid() ? "" : "setpriv --reuid 65534 --clear-groups");
	assert_int_equal(bare.status, 3);
	assert_string_equal(bare.out, "");
	assert_int_equal(lines(bare.err), 1);
	expect("$T check --target no-lsm --require narrow $D/rules.d/a.yaml $D/lost.yaml >/dev/null", 1, "",
	       "first being 'user'");
	expect("$T check --target no-lsm --require narrow --rule shell $D/rules.d/a.yaml $D/lost.yaml >/dev/null", 0,
	       "", "");
}

static void a_report_is_one_json_document_also_of_invalid_rules(void **state)
{
	(void)state;
	write_rule("good.yaml", "shell", "evt.type = execve and proc.name = sh");
	_autoran_ struct ran good = run("$T check -o json $D/good.yaml");
	cJSON *o = cJSON_Parse(good.out);
	assert_int_equal(good.status, 0);
	assert_int_equal(cJSON_GetObjectItem(o, "version")->valueint, 1);
	assert_string_equal(cJSON_GetObjectItem(o, "target")->valuestring, "full");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "rules")), 1);
	cJSON_Delete(o);

	write_rule("bad.yaml", "wrong", "proc.nme = sh");
	_autoran_ struct ran bad = run("$T check -o json $D/bad.yaml");
	o = cJSON_Parse(bad.out);
	assert_int_equal(bad.status, 1);
	assert_string_equal(bad.err, "");
	const cJSON *e = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "errors"), 0);
	assert_int_equal(cJSON_GetObjectItem(e, "line")->valueint, 3);
	assert_int_equal(cJSON_GetObjectItem(e, "column")->valueint, 14);
	cJSON_Delete(o);
}

static void also_a_missing_rule_is_told_in_the_document(void **state)
{
	(void)state;
	write_rule("rule.yaml", "shell", "evt.type = execve and proc.name = sh");
	_autoran_ struct ran r = run("$T check -o json --rule nobody $D/rule.yaml");
	cJSON *o = cJSON_Parse(r.out);
	assert_int_equal(r.status, 2);
	assert_string_equal(r.err, "");
	const cJSON *e = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "errors"), 0);
	assert_string_equal(cJSON_GetObjectItem(e, "code")->valuestring, "no-such-rule");
	cJSON_Delete(o);
}

/* Each of them is right, and all together do not fit: what 'tercel run' would refuse is told here. */
static void rules_that_are_too_many_for_one_policy_are_told_of(void **state)
{
	_autobuf_ struct buf text = BUF_INIT;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_addf(&text,
		         "- rule: r%d\n  desc: d\n  condition: evt.type = execve and proc.name = p%d\n  output: o\n"
		         "  priority: INFO\n",
		         i, i);
	write_file("many.yaml", buf_str(&text));
	_autoran_ struct ran r = run("$T check $D/many.yaml | tail -n 1");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "5000 rules: 5000 exact, 0 narrow, 0 detect-only\n");
	assert_non_null(strstr(r.err, "warning: 5000 rules are switched on, 4096 fit"));
	assert_non_null(strstr(r.err, "[too-many-rules]"));
}

static void names_in_rules_cannot_steer_the_terminal(void **state)
{
	(void)state;
	write_rule("steer.yaml", "\"\\e[2J\\x9b x\"", "evt.type = execve and proc.name = sh");
	write_rule("\033[2J.yaml", "wrong", "proc.nme = sh");
	static const char *const commands[] = {"check --target no-lsm $D/steer.yaml",
	                                       "check --rule \"$(printf '\\033[2J')\" $D/steer.yaml",
	                                       "check $D/*2J.yaml", "check $D/*2J.yam", "\"$(printf '\\033[2J')\""};
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		_autoran_ struct ran r = run("$T %s", commands[i]);
		assert_null(strchr(r.out, '\033'));
		assert_null(strchr(r.err, '\033'));
		assert_null(strstr(r.out, "\xc2\x9b"));
		assert_true(i == 3 || strstr(r.out, "\\x1b[2J") || strstr(r.err, "\\x1b[2J"));
	}
}

static void errors_come_in_the_order_of_the_file(void **state)
{
	(void)state;
	write_file("order.yaml",
	           "- macro: a\n  condition: proc.nme = x\n- macro: b\n  bogus: 1\n  condition: unknown\n"
	           "- rule: r\n  desc: d\n  condition: evt.type = execve and a\n  output: o\n  priority: INFO\n"
	           "- macro: c\n  condition: (\n");
	_autoran_ struct ran all = run("$T check $D/order.yaml");
	assert_int_equal(all.status, 1);
	_autoran_ struct ran r = run("$T check $D/order.yaml 2>&1 | grep -v ': note: ' >&2");
	const char *last = r.err;
	for (int line = 2; line <= 12; line++) {
		char place[32];
		(void)snprintf(place, sizeof(place), "order.yaml:%d:", line);
		const char *at = strstr(r.err, place);
		assert_true(!at || at >= last);
		last = at ? at : last;
	}
	assert_true(lines(r.err) >= 4);
}

static void a_faulty_policy_is_refused_before_the_kernel_is_asked(void **state)
{
	(void)state;
	write_file("missing.policy", "rules_files: [missing.yaml]\n");
	expect("$T run --config $D/missing.policy", 2, "", "missing.yaml: error: ");
	write_file("misspelt.policy", "rules_file: []\n");
	expect("$T run --config $D/misspelt.policy", 2, "", "misspelt.policy:1:1: error: ");
	expect("$T run --config $D/none.policy", 2, "", "none.policy: error: ");

	/* Directories are taken apart: the error of a file in one is found. */
	make_subdirectory("policy.d");
	write_rule("policy.d/wrong.yaml", "wrong", "proc.nme = sh");
	make_subdirectory("policy.none");
	write_file("directory.policy", "rules_files: [policy.d]\n");
	expect("$T run --config $D/directory.policy", 2, "", "policy.d/wrong.yaml:3:14: error: ");
	write_file("empty.policy", "rules_files: [policy.none]\n");
	expect("$T run --config $D/empty.policy", 2, "", "no file ends in .yaml");

	write_rule("good.yaml", "shell", "evt.type = execve and proc.name = sh");
	write_file("good.policy", "rules_files: [good.yaml, policy.none]\n");
	_autoran_ struct ran bare =
	        run("%s $T run --config $D/good.policy", geteuid() ? "" : "setpriv --reuid 65534 --clear-groups");
	assert_int_equal(bare.status, 3);
	assert_int_equal(lines(bare.err), 1);
}

/* A python that makes a shell that connects; the rule killed nothing, but would have. */
static void make_recording(void)
{
	static const char *const rules[] = {"Reverse shell"};
	char path[64];
	(void)snprintf(path, sizeof(path), "%s/recording", directory);
	struct recording_writer *w = NULL;
	struct recording_info info = {.clock_offset = 1795448646000000000, .node = "far", .rules = rules, .nrules = 1};
	assert_int_equal(recording_create(&w, path, &info, NULL), 0);
	struct tercel_exec_id init = id_of(1, 1), python = id_of(30, 30), sh = id_of(40, 41);
	assert_int_equal(recording_write(w, make_seed(init, (struct tercel_exec_id){0}, "/sbin/init")), 0);
	assert_int_equal(recording_write(w, make_seed(python, init, "/usr/bin/python3")), 0);
	assert_int_equal(recording_write(w, make_fork(40, python, id_of(40, 40), "python3")), 0);
	assert_int_equal(recording_write(w, make_exec(sh, python, 40, "/bin/sh", "sh -c x")), 0);
	struct tercel_verdict *v = make(TERCEL_VERDICT, sizeof(*v), 42, sh, 0);
	v->mode = TERCEL_MODE_MONITOR;
	v->action = TERCEL_ACTION_KILL;
	assert_int_equal(recording_write(w, &v->hdr), 0);
	struct tercel_connect *k = make(TERCEL_CONNECT, sizeof(*k), 43, sh, 0);
	k->family = 2;
	k->addr_len = 16;
	memcpy(k->addr, "\2\0\x11\x5c\x7f\0\0\1", 8);
	assert_int_equal(recording_write(w, &k->hdr), 0);
	assert_int_equal(recording_write(w, make_exit(44, sh, 0)), 0);
	assert_int_equal(recording_write(w, make_exit(45, python, 0)), 0);
	assert_int_equal(recording_finish(w), 0);
}

static void a_recording_is_read_like_a_live_machine(void **state)
{
	(void)state;
	make_recording();
	_autoran_ struct ran r = run("$T events --read $D/recording");
	assert_int_equal(r.status, 0);
	assert_int_equal(lines(r.out), 5);
	assert_non_null(strstr(r.out, "init>python3>sh "));
	assert_non_null(strstr(r.out, "→ would kill \"Reverse shell\": exec /bin/sh -c x\n"));
	assert_non_null(strstr(r.out, "→ connect 127.0.0.1:4444 = 0 by /bin/sh -c x\n"));
	assert_null(strchr(r.out, '\033'));

	_autoran_ struct ran j = run("$T events --read $D/recording -o json");
	assert_int_equal(j.status, 0);
	const char *kinds[] = {"process_exec", "process_lsm", "process_lsm", "process_exit", "process_exit"};
	const char *line = j.out;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *end = NULL;
		cJSON *o = cJSON_ParseWithOpts(line, &end, 0);
		assert_non_null(o);
		assert_string_equal(o->child->string, kinds[i]);
		assert_string_equal(cJSON_GetObjectItem(o, "node_name")->valuestring, "far");
		cJSON_Delete(o);
		line = end + 1;
	}
	assert_string_equal(line, "");
}

static void events_can_be_chosen_and_counted(void **state)
{
	(void)state;
	make_recording();
	_autoran_ struct ran one = run("$T events --read $D/recording --max-events 1");
	assert_int_equal(one.status, 0);
	assert_int_equal(lines(one.out), 1);
	_autoran_ struct ran shell = run("$T events --read $D/recording --pid 40");
	assert_int_equal(lines(shell.out), 4);
	_autoran_ struct ran family = run("$T events --read $D/recording --pid 30");
	assert_int_equal(lines(family.out), 5);
	_autoran_ struct ran nobody = run("$T events --read $D/recording --pid 31");
	assert_int_equal(lines(nobody.out), 0);
}

static void what_is_no_recording_is_refused(void **state)
{
	(void)state;
	make_recording();
	expect("$T events --read $D/missing", 2, "", "missing");
	expect("echo hello >$D/text; $T events --read $D/text", 2, "", "/text");
	/* A cut one: what it holds is shown, then the error. */
	_autoran_ struct ran r = run("head -c -10 $D/recording >$D/cut; $T events --read $D/cut");
	assert_int_equal(r.status, 2);
	assert_int_equal(lines(r.out), 4);
}

static void output_that_cannot_be_written_is_an_error(void **state)
{
	(void)state;
	make_recording();
	expect("$T events --read $D/recording >/dev/full", 3, "", "cannot write to standard output: No space left");
	expect("$T help >/dev/full", 3, "", "No space left");
}

static void a_reader_that_goes_away_is_no_error(void **state)
{
	(void)state;
	make_recording();
	write_rule("reader.yaml", "shell", "evt.type = execve and proc.name = sh");
	write_rule("reader-lost.yaml", "user", "evt.type = execve and user.shell = joe");
	static const struct {
		const char *command, *status;
	} rows[] = {
	        {"$T events --read $D/recording", "0\n"},
	        {"$T help", "0\n"},
	        {"$T check $D/reader.yaml 2>/dev/null", "0\n"},
	        {"$T check --target no-lsm $D/reader.yaml", "0\n"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_autoran_ struct ran r =
		        run("{ sleep 0.3; %s; echo $? >$D/status; } | true; cat $D/status", rows[i].command);
		assert_string_equal(r.out, rows[i].status);
		assert_string_equal(r.err, "");
	}
	/* The answer stays what it was. */
	_autoran_ struct ran no =
	        run("{ sleep 0.3; $T check --target no-lsm --require narrow $D/reader-lost.yaml; echo "
	            "$? >$D/status; } | true; cat $D/status");
	assert_string_equal(no.out, "1\n");
	assert_null(strstr(no.err, "Broken pipe"));
}

/* Every line fits a terminal of 100 columns, and says the name before anything else. */
static void fields_are_listed_for_people(void **state)
{
	(void)state;
	_autoran_ struct ran r = run("$T check --list-fields");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.err, "");
	assert_non_null(strstr(r.out, "\n\nprocess: processes and threads\n  proc.exe  "));
	assert_non_null(strstr(r.out, "\n  proc.aname([n])                 string   proc.name of an ancestor"));
	assert_non_null(strstr(r.out, "\n  evt.arg.name|[n] "));
	assert_non_null(strstr(r.out, "(of the plugin 'container')\n  container.id "));
	for (const char *line = r.out; *line; line = strchr(line, '\n') + 1)
		if (strcspn(line, "\n") > 100 || line[strcspn(line, "\n") - 1] == ' ')
			fail_msg("%.*s", (int)strcspn(line, "\n"), line);
}

static const cJSON *listed(const cJSON *document, const char *name)
{
	const cJSON *group = NULL, *field = NULL;
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(document, "classes"))
	{
		cJSON_ArrayForEach(field, cJSON_GetObjectItem(group, "fields"))
		{
			if (!strcmp(cJSON_GetObjectItem(field, "name")->valuestring, name))
				return field;
		}
	}
	fail_msg("no field %s", name);
	return NULL;
}

static void fields_are_listed_for_programs(void **state)
{
	static const struct {
		const char *name, *json;
	} rows[] = {
	        {"proc.name", "\"type\":\"string\",\"arguments\":[],\"argument_required\":false,\"flags\":[]"},
	        {"proc.apid", "\"type\":\"int64\",\"arguments\":[\"index\"],\"argument_required\":false,"
	                      "\"flags\":[\"no-val\",\"no-transformer\",\"any-ancestor\"]"},
	        {"fd.types", "\"arguments\":[\"index\"],\"argument_required\":false,\"flags\":[\"list\",\"no-val\"]"},
	        {"container.mount", "\"arguments\":[\"key\",\"index\"],\"argument_required\":true,\"flags\":[]"},
	        {"thread.cgroup", "\"arguments\":[\"name\"],\"argument_required\":true"},
	        {"evt.dir", "\"flags\":[\"deprecated\"]"},
	};

	(void)state;
	_autoran_ struct ran r = run("$T check --list-fields -o json");
	assert_int_equal(r.status, 0);
	assert_int_equal(lines(r.out), 1);
	cJSON *document = cJSON_Parse(r.out);
	assert_non_null(document);
	assert_int_equal(cJSON_GetObjectItem(document, "version")->valuedouble, 1);
	assert_string_equal(cJSON_GetObjectItem(document, "libsinsp")->valuestring, "0.25.4");
	const cJSON *classes = cJSON_GetObjectItem(document, "classes");
	assert_int_equal(cJSON_GetArraySize(classes), 12);
	const cJSON *k8s = cJSON_GetArrayItem(classes, 10);
	assert_string_equal(cJSON_GetObjectItem(k8s, "name")->valuestring, "k8s");
	assert_string_equal(cJSON_GetObjectItem(k8s, "provider")->valuestring, "container");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = cJSON_PrintUnformatted(listed(document, rows[i].name));
		if (!strstr(text, rows[i].json))
			fail_msg("%s", text);
		free(text);
	}
	cJSON_Delete(document);
}

static const cJSON *member(const cJSON *list, const char *key, const char *value)
{
	const cJSON *item = NULL;
	cJSON_ArrayForEach(item, list)
	{
		if (!strcmp(cJSON_GetObjectItem(item, key)->valuestring, value))
			return item;
	}
	fail_msg("no %s %s", key, value);
	return NULL;
}

static void points_are_listed_for_people_and_programs(void **state)
{
	static const struct {
		const char *point, *field, *json;
	} rows[] = {
	        {"sched_process_exec", "proc.name", "\"how\":\"value\",\"note\":\"weak-identity\"}"},
	        {"sched_process_exec", "evt.rawres", "\"how\":\"range\",\"low\":0,\"high\":0,"},
	        {"sched_process_exec", "k8s.ns.name", "\"how\":\"container\"}"},
	        {"bprm_creds_from_file", "proc.cmdline", "\"how\":\"lost\",\"reason\":\"the argument strings"},
	        {"file_open", "evt.is_open_read", "\"how\":\"boolean\""},
	        {"file_open", "evt.arg.flags", "\"how\":\"set\",\"events\":[\"open\",\"openat\",\"openat2\","},
	        {"file_open", "evt.arg.request", "\"how\":\"missing\"}"},
	        {"bpf", "fd.type", "\"how\":\"text\",\"text\":\"bpf\"}"},
	        {"socket_create", "evt.arg.domain", "\"how\":\"choice\",\"uncertain\":"},
	        {"cgroup_connect4", "fd.ip", "\"how\":\"either-end\",\"reason\":"},
	        {"path_chmod", "proc.duration", "\"how\":\"at-least\",\"reason\":"},
	};

	(void)state;
	_autoran_ struct ran r = run("$T check --list-points -o json");
	assert_int_equal(r.status, 0);
	assert_int_equal(lines(r.out), 1);
	cJSON *document = cJSON_Parse(r.out);
	assert_non_null(document);
	const cJSON *points = cJSON_GetObjectItem(document, "points");
	assert_int_equal(cJSON_GetArraySize(points), TERCEL_POINTS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const cJSON *point = member(points, "point", rows[i].point);
		char *text =
		        cJSON_PrintUnformatted(member(cJSON_GetObjectItem(point, "fields"), "field", rows[i].field));
		if (!strstr(text, rows[i].json))
			fail_msg("%s: %s", rows[i].point, text);
		free(text);
	}
	const cJSON *open = member(points, "point", "file_open");
	assert_string_equal(cJSON_GetObjectItem(open, "strength")->valuestring, "deny");
	assert_string_equal(cJSON_GetObjectItem(open, "backend")->valuestring, "lsm");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(open, "events")), 5);
	assert_non_null(cJSON_GetObjectItem(cJSON_GetObjectItem(open, "gap"), "effect"));
	cJSON_Delete(document);

	_autoran_ struct ran text = run("$T check --list-points");
	assert_int_equal(text.status, 0);
	assert_non_null(strstr(text.out, "\n\nptrace_traceme: a process's wish to be traced; deny, lsm"));
	assert_non_null(strstr(text.out, "\n  events: setuid setresuid\n"));
	for (const char *line = text.out; *line; line = strchr(line, '\n') + 1)
		if (strcspn(line, "\n") > 100)
			fail_msg("%.*s", (int)strcspn(line, "\n"), line);
}

/* Whoever reads "deny" of a point without a program must not believe that something is denied. */
static void what_this_version_cannot_block_yet_is_said(void **state)
{
	(void)state;
	write_file("points.yaml", "- {rule: open, desc: d, condition: evt.type = creat, output: o, priority: INFO}\n"
	                          "- {rule: call, desc: d, condition: evt.type = connect and fd.l4proto = tcp, output: "
	                          "o, priority: INFO}\n");
	_autoran_ struct ran listed = run("$T check --list-points -o json");
	cJSON *list = cJSON_Parse(listed.out);
	bool available = cJSON_IsTrue(
	        cJSON_GetObjectItem(member(cJSON_GetObjectItem(list, "points"), "point", "file_open"), "available"));
	cJSON_Delete(list);

	_autoran_ struct ran json = run("$T check -o json --rule open $D/points.yaml");
	assert_int_equal(json.status, 0);
	assert_string_equal(json.err, "");
	assert_non_null(strstr(json.out, available ? "\"strength\":\"deny\",\"available\":true"
	                                           : "\"strength\":\"deny\",\"available\":false"));
	static const char *const commands[] = {"check --rule", "explain --rule"};
	for (size_t i = 0; i < 2; i++) {
		_autoran_ struct ran r = run("$T %s open $D/points.yaml", commands[i]);
		assert_int_equal(r.status, 0);
		assert_int_equal(!strstr(r.out, "(this version has no program for it yet)"), available);
		assert_int_equal(!strstr(r.err, "blocks nothing there: file_open; 'tercel check --target auto'"),
		                 available);
		assert_int_equal(lines(r.err), available ? 0 : 1);
	}
	/* The cgroup programs are there. */
	_autoran_ struct ran call = run("$T check --target no-lsm --rule call $D/points.yaml");
	assert_non_null(strstr(call.out, "exact, deny\n"));
	assert_string_equal(call.err, "");
}

static void conditions_are_evaluated_line_by_line(void **state)
{
	(void)state;
	write_file("events.jsonl", "{\"evt.type\":\"execve\",\"proc.name\":\"bash\",\"proc.aname\":[\"sh\",\"init\"]}\n"
	                           "\n"
	                           "{\"evt.type\":\"open\",\"fd.num\":3}");
	_autoran_ struct ran json =
	        run("$T eval --condition 'proc.aname = init or fd.num > 5' --events $D/events.jsonl -o json");
	assert_int_equal(json.status, 0);
	assert_string_equal(json.out, "{\"line\":1,\"match\":true}\n{\"line\":3,\"match\":false}\n");
	assert_string_equal(json.err, "");
	_autoran_ struct ran text = run("$T eval --condition 'fd.num = 3' --events - <$D/events.jsonl");
	assert_string_equal(text.out, "1: no match\n3: match\n");
	expect("$T eval --condition 'proc.name = a'", 2, "", "--events FILE is missing");
	expect("$T eval --events -", 2, "", "either --condition EXPR or rule files");
	expect("$T eval --condition a --events - $D/a.yaml", 2, "", "either --condition EXPR or rule files");
	expect("$T eval --condition 'proc.name = a' --rule x --events -", 2, "", "--rule goes with rule files");
	expect("$T eval --condition 'proc.name = a' --events $D/none", 2, "", "none: No such file");
	expect("$T eval --condition 'proc.nme = a' --events - 2>&1 >/dev/null | head -n 1 >&2; exit 1", 1, "",
	       "did you mean proc.name");
}

static void a_wrong_line_is_told_and_the_others_are_evaluated(void **state)
{
	(void)state;
	write_file("events.jsonl", "{\"proc.pid\":1}\n{\"proc.pid\": \"x\"}\n{\"proc.pid\":1,\"proc.pdi\":2}\n");
	_autoran_ struct ran r = run("$T eval --condition 'proc.pid = 1' --events $D/events.jsonl");
	assert_int_equal(r.status, 2);
	assert_string_equal(r.out, "1: match\n3: match\n");
	assert_non_null(strstr(r.err, "events.jsonl:2:14: the value of proc.pid is not a whole decimal number"));
	assert_non_null(strstr(r.err, "'proc.pdi' in the events is no field"));
	assert_int_equal(lines(r.err), 2);
}

static void rules_are_evaluated_line_by_line(void **state)
{
	(void)state;
	write_file("both.yaml",
	           "- macro: shell\n  condition: proc.name in (sh, bash)\n"
	           "- rule: One\n  desc: d\n  condition: evt.type = execve and shell\n  output: o\n"
	           "  priority: INFO\n"
	           "- rule: Two\n  desc: d\n  condition: evt.type = execve and not shell\n  output: o\n"
	           "  priority: INFO\n"
	           "- rule: Off\n  desc: d\n  condition: evt.type = execve\n  output: o\n  priority: INFO\n"
	           "  enabled: false\n");
	write_file("events.jsonl", "{\"evt.type\":\"execve\",\"proc.name\":\"sh\"}\n{\"evt.type\":\"open\"}\n");
	_autoran_ struct ran json = run("$T eval --events $D/events.jsonl -o json $D/both.yaml");
	assert_int_equal(json.status, 0);
	assert_string_equal(json.out, "{\"line\":1,\"rules\":[\"One\"]}\n{\"line\":2,\"rules\":[]}\n");
	expect("$T eval --events $D/events.jsonl $D/both.yaml", 0, "1: One\n2: no rule\n", "");
	expect("$T eval --rule Off --events $D/events.jsonl $D/both.yaml", 0, "1: Off\n2: no rule\n", "");
	expect("$T eval --rule Nobody --events - $D/both.yaml", 2, "", "no rule 'Nobody'");
}

static void a_rule_is_explained(void **state)
{
	(void)state;
	write_file("explain.yaml", "- list: shells\n  items: [sh, bash]\n"
	                           "- macro: shell\n  condition: proc.name in (shells)\n"
	                           "- rule: One\n  desc: d\n  condition: evt.type = execve and not shell\n  output: o\n"
	                           "  priority: INFO\n  tags: [t]\n");
	_autoran_ struct ran text = run("$T explain --rule One $D/explain.yaml");
	assert_int_equal(text.status, 0);
	assert_non_null(strstr(text.out, "  and\n    evt.type = execve   (/tmp/"));
	assert_non_null(strstr(text.out, "    not proc.name in (sh, bash)   (macro shell, /tmp/"));
	assert_non_null(strstr(text.out, "\nAsked about these events: execve\n"));
	assert_non_null(strstr(text.out, "\n    must: "));
	_autoran_ struct ran json = run("$T explain --rule One -o json $D/explain.yaml");
	cJSON *o = cJSON_Parse(json.out);
	const cJSON *not = cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "tree"), "of"), 1);
	const cJSON *check = cJSON_GetArrayItem(cJSON_GetObjectItem(not, "of"), 0);
	const cJSON *through = cJSON_GetArrayItem(cJSON_GetObjectItem(check, "through"), 0);
	assert_string_equal(cJSON_GetObjectItem(check, "text")->valuestring, "proc.name in (sh, bash)");
	assert_int_equal(cJSON_GetObjectItem(check, "line")->valueint, 4);
	assert_string_equal(cJSON_GetObjectItem(through, "macro")->valuestring, "shell");
	assert_int_equal(cJSON_GetObjectItem(through, "line")->valueint, 7);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "fields")), 2);
	assert_string_equal(cJSON_GetObjectItem(o, "class")->valuestring, "exact");
	cJSON_Delete(o);
	expect("$T explain $D/explain.yaml", 2, "", "which rule?");
	expect("$T explain --rule One", 2, "", "which rule files?");
	expect("$T explain --rule Nobody $D/explain.yaml", 2, "", "no rule 'Nobody'");
}

static void rules_that_cannot_be_read_are_status_2_in_each_command(void **state)
{
	static const char *const commands[] = {"check", "explain --rule x", "eval --events -"};

	(void)state;
	_autoran_ struct ran prepared = run("mkdir -p $D/nothing");
	assert_int_equal(prepared.status, 0);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		char command[128];

		(void)snprintf(command, sizeof(command), "$T %s $D/none.yaml", commands[i]);
		expect(command, 2, "", "cannot read the rule file");
		(void)snprintf(command, sizeof(command), "$T %s $D/nothing", commands[i]);
		expect(command, 2, "", "no file in it ends in .yaml");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(fields_are_listed_for_people),
	        cmocka_unit_test(fields_are_listed_for_programs),
	        cmocka_unit_test(points_are_listed_for_people_and_programs),
	        cmocka_unit_test(what_this_version_cannot_block_yet_is_said),
	        cmocka_unit_test(help_and_version_go_to_stdout),
	        cmocka_unit_test(wrong_usage_is_one_line_and_status_2),
	        cmocka_unit_test(commands_of_later_versions_say_so),
	        cmocka_unit_test(what_asks_a_daemon_says_how_it_is_used),
	        cmocka_unit_test(without_privileges_it_ends_with_3_and_one_line),
	        cmocka_unit_test(a_skipped_rule_is_told_with_its_reason),
	        cmocka_unit_test(a_mistyped_name_gets_a_suggestion),
	        cmocka_unit_test(a_condition_is_explained_as_it_is_written),
	        cmocka_unit_test(rule_files_are_judged_by_exit_status),
	        cmocka_unit_test(a_report_is_one_json_document_also_of_invalid_rules),
	        cmocka_unit_test(also_a_missing_rule_is_told_in_the_document),
	        cmocka_unit_test(rules_that_cannot_be_read_are_status_2_in_each_command),
	        cmocka_unit_test(conditions_are_evaluated_line_by_line),
	        cmocka_unit_test(a_wrong_line_is_told_and_the_others_are_evaluated),
	        cmocka_unit_test(rules_are_evaluated_line_by_line),
	        cmocka_unit_test(a_rule_is_explained),
	        cmocka_unit_test(rules_that_are_too_many_for_one_policy_are_told_of),
	        cmocka_unit_test(names_in_rules_cannot_steer_the_terminal),
	        cmocka_unit_test(errors_come_in_the_order_of_the_file),
	        cmocka_unit_test(a_faulty_policy_is_refused_before_the_kernel_is_asked),
	        cmocka_unit_test(a_recording_is_read_like_a_live_machine),
	        cmocka_unit_test(events_can_be_chosen_and_counted),
	        cmocka_unit_test(what_is_no_recording_is_refused),
	        cmocka_unit_test(output_that_cannot_be_written_is_an_error),
	        cmocka_unit_test(a_reader_that_goes_away_is_no_error),
	};
	return cmocka_run_group_tests(tests, make_directory, clean_directory);
}
