/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of lists, macros, rules and requirements: what Falco 0.44 accepts of each, refuses and warns of, and what
 * the messages say. Each case was tried with Falco's own loader.
 */
#include "load.h"

#define GOOD RULE("R", "evt.type = open")
#define BASE                                                                                                      \
	"- list: shells\n  items: [sh, bash]\n- macro: shell_started\n  condition: proc.name in (shells)\n" RULE( \
	        "R", "evt.type = execve and shell_started")

/* Each text is appended to BASE, which has 9 lines. */
struct item_row {
	const char *item;
	const char *code; /* of an error at its first line or below; NULL: it is accepted */
};

static void assert_item(const struct item_row *row)
{
	_autobuf_ struct buf yaml = BUF_INIT;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *r = NULL;

	buf_adds(&yaml, BASE);
	buf_adds(&yaml, row->item);
	int error = rules_load_buffer(&r, "t.yaml", buf_str(&yaml), yaml.len, &diags);
	const struct diag *d = row->code ? find_diag(&diags, row->code) : NULL;

	if (error != (row->code ? -EINVAL : 0) || (row->code && (!d || d->severity != DIAG_ERROR))) {
		print_error("expected %s for:\n%s", row->code ? row->code : "no error", row->item);
		diag_print(&diags, stderr);
		fail();
	}
	for (size_t i = 0; i < diags.count; i++)
		assert_true(diags.items[i].line && diags.items[i].column);
}

static void assert_items(const struct item_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_item(&rows[i]);
}

#define ASSERT_ITEMS(rows) assert_items((rows), sizeof(rows) / sizeof(*(rows)))

static void lists_have_items_that_are_single_values(void **state)
{
	(void)state;
	static const struct item_row rows[] = {
	        {"- list: l\n  items: []\n", NULL},
	        {"- list: l\n  items: [\"\", 5, true, 'a b']\n", NULL},
	        {"- list: l\n  items: [~]\n", "bad-value"},
	        {"- list: l\n  items: [null]\n", "bad-value"},
	        {"- list: l\n  items: ['null']\n", NULL},
	        {"- list: l\n  items: [[a]]\n", "bad-value"},
	        {"- list: l\n  items: [{a: b}]\n", "bad-value"},
	        {"- list: l\n  items:\n", "bad-value"},
	        {"- list: l\n  items: a\n", "bad-value"},
	        {"- list: l\n", "missing-key"},
	        {"- list:\n  items: [a]\n", "bad-value"},
	        {"- list: ''\n  items: [a]\n", "bad-value"},
	        {"- list: [l]\n  items: [a]\n", "bad-value"},
	        {"- list: l\n  items: [a]\n  append: true\n", "no-such-list"},
	        {"- list: l\n  items: [a]\n  append: false\n", NULL},
	        {"- list: l\n  items: [a]\n  override: {items: replace}\n", NULL},
	        {"- list: l\n  items: [a]\n  override: {items: append}\n", "no-such-list"},
	        {"- list: shells\n  items: [a]\n  append: yes\n", NULL},
	        {"- list: shells\n  items: [a]\n  append: maybe\n", "bad-value"},
	        {"- list: shells\n  items: [a]\n  append:\n", "bad-value"},
	        {"- list: shells\n  items: [a]\n  override: {items: append, items: replace}\n", NULL},
	        {"- list: shells\n  items: [a]\n  override: {item: append}\n", "bad-override"},
	        {"- list: shells\n  items: [a]\n  override: {items: Append}\n", "bad-override"},
	        {"- list: shells\n  items: [a]\n  override: {items: }\n", "bad-override"},
	        {"- list: shells\n  items: [a]\n  override: {items: [append]}\n", "bad-override"},
	        {"- list: shells\n  items: [a]\n  override: {? [items] : append}\n", "bad-override"},
	        {"- list: shells\n  items: [a]\n  append: true\n  override: {items: append}\n", "bad-override"},
	        {"- list: shells\n  items: [a]\n  append: true\n  override: {}\n", NULL},
	        {"- list: shells\n  items: [a]\n  ? [x]\n  : y\n", "bad-item"},
	        {"- {list: l, items: [a]}\n", NULL},
	};

	ASSERT_ITEMS(rows);
}

static void macros_have_a_condition(void **state)
{
	(void)state;
	static const struct item_row rows[] = {
	        {"- macro: m\n  condition: proc.pid = 1\n", NULL},
	        {"- macro: m\n  condition: no.such.field = 1\n", NULL}, /* which a rule would have to use */
	        {"- macro: m\n  condition: proc.pid =\n", "syntax"},
	        {"- macro: m\n", "missing-key"},
	        {"- macro: m\n  condition:\n", "bad-value"},
	        {"- macro: m\n  condition: [a]\n", "bad-value"},
	        {"- macro:\n  condition: proc.pid = 1\n", "bad-value"},
	        {"- macro: m\n  condition: nope\n", "unknown-macro"},
	        {"- macro: m\n  condition: or proc.pid = 1\n  append: true\n", "no-such-macro"},
	        {"- macro: shell_started\n  condition: or proc.pid = 1\n  append: true\n", NULL},
	        {"- macro: shell_started\n  condition: or proc.pid = 1\n", NULL}, /* or is the name of no macro… */
	        {"- macro: shell_started\n  condition: proc.pid = 1\n  override: {condition: replace}\n", NULL},
	        {"- macro: shell_started\n  condition: or shell_started\n  append: true\n", "cyclic-macro"},
	        {"- macro: m\n  condition: later\n- macro: later\n  condition: proc.pid = 1\n", "macro-order"},
	};
	struct item_row last = rows[10];

	/* …but of an operator: Falco reads `or` for a macro and stumbles over what follows. */
	last.code = "syntax";
	assert_item(&last);
	assert_items(rows, 10);
	assert_items(rows + 11, sizeof(rows) / sizeof(*rows) - 11);
}

static void rules_have_all_they_need(void **state)
{
	(void)state;
	static const struct item_row rows[] = {
	        {RULE("S", "evt.type = open"), NULL},
	        {"- rule: S\n  desc: d\n  condition: evt.type = open\n  priority: INFO\n", "missing-key"},
	        {"- rule: S\n  desc: d\n  condition: evt.type = open\n  output: o\n", "missing-key"},
	        {"- rule: S\n  condition: evt.type = open\n  output: o\n  priority: INFO\n", "missing-key"},
	        {"- rule: S\n  desc: d\n  output: o\n  priority: INFO\n", "missing-key"},
	        {"- rule: S\n  desc:\n  condition: evt.type = open\n  output: o\n  priority: INFO\n", "bad-value"},
	        {"- rule: S\n  desc: ''\n  condition: evt.type = open\n  output: o\n  priority: INFO\n", "bad-value"},
	        {"- rule: S\n  desc: d\n  condition: evt.type = open\n  output: '  '\n  priority: INFO\n",
	         "bad-output"},
	        {"- rule: S\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: info\n", NULL},
	        {"- rule: S\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFORMATIONAL\n", NULL},
	        {"- rule: S\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: WARN\n", "bad-value"},
	        {"- rule: S\n", "missing-key"},
	        {"- rule: S\n  tags: [a]\n", "missing-key"},
	        {"- rule: R\n  enabled: false\n", NULL},
	        {"- rule: R\n  enabled: perhaps\n", "bad-value"},
	        {"- rule: R\n  enabled:\n", "bad-value"},
	        {"- rule: S\n  enabled: true\n", "no-such-rule"},
	        {RULE("S", "evt.type = open") "  enabled: Off\n  warn_evttypes: N\n  skip-if-unknown-filter: On\n",
	         NULL},
	        {RULE("S", "evt.type = open") "  enabled: oFF\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  warn_evttypes: 1\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  skip-if-unknown-filter: []\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  capture: true\n  capture_duration: 0x10\n", NULL},
	        {RULE("S", "evt.type = open") "  capture: \"yes\"\n", NULL},
	        {RULE("S", "evt.type = open") "  capture: 1\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  capture_duration: -1\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  capture_duration: 10s\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  capture_duration: \"not_a_number\"\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  capture_duration:\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  tags: []\n", NULL},
	        {RULE("S", "evt.type = open") "  tags:\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  tags: [~]\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  tags: [[a]]\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  source: syscall\n", NULL},
	        {RULE("S", "no.such = 1") "  source: k8s_audit\n", NULL},
	        {RULE("S", "evt.type = open") "  source:\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  source: ''\n", "bad-value"},
	        {RULE("S", "evt.type = open") "  source: [syscall]\n", "bad-value"},
	        {RULE("R", "evt.type = open") "  source: k8s_audit\n", "bad-item"},
	        {RULE("S", "evt.type = open") "  exceptions:\n", NULL},
	        {RULE("S", "evt.type = open") "  exceptions: []\n", NULL},
	        {RULE("S", "evt.type = open") "  exceptions: {}\n", "bad-exception"},
	        {RULE("[S]", "evt.type = open"), "bad-value"},
	        {"- rule: S\n  desc: &d evt.type = open\n  condition: *d\n  output: *d\n  priority: INFO\n", NULL},
	};

	ASSERT_ITEMS(rows);
}

static void comparing_the_event_type_with_a_field_is_refused_as_in_falco(void **state)
{
	(void)state;
	static const struct item_row rows[] = {
	        {RULE("S", "evt.type = val(evt.type)"), "unsupported-field"},
	        {RULE("S", "tolower(evt.type) = open"), "unsupported-field"},
	        {RULE("S", "proc.pid = 1 and not toupper(evt.type) exists"), "unsupported-field"},
	        {RULE("S", "tolower(evt.type) startswith open"), NULL},
	        {RULE("S", "evt.type = open and proc.name = tolower(proc.pname)"), NULL},
	};

	ASSERT_ITEMS(rows);
}

static void append_is_the_old_way_to_extend_a_rule(void **state)
{
	(void)state;
	static const struct item_row rows[] = {
	        {"- rule: R\n  condition: and proc.pid = 1\n  append: true\n", NULL},
	        {"- rule: R\n  condition: and proc.pid = 1\n  append: true\n  enabled: false\n  desc: x\n", NULL},
	        {"- rule: R\n  exceptions:\n  append: true\n", NULL},
	        {"- rule: R\n  append: true\n", "missing-key"},
	        {"- rule: R\n  desc: x\n  append: true\n", "missing-key"},
	        {"- rule: R\n  condition:\n  append: true\n", "bad-value"},
	        {"- rule: S\n  condition: and proc.pid = 1\n  append: true\n", "no-such-rule"},
	        {"- rule: R\n  condition: and proc.pid = 1\n  append: true\n  source:\n", NULL},
	        {"- rule: R\n  condition: and proc.pid = 1\n  append: true\n  source: ''\n", NULL},
	        {"- rule: R\n  condition: and proc.pid = 1\n  append: true\n  source: k8s_audit\n", "bad-item"},
	        {"- rule: R\n  condition: and proc.pid = 1\n  append: true\n  override: {condition: append}\n",
	         "bad-override"},
	        {"- rule: R\n  condition: and (proc.pid = 1\n  append: true\n", "syntax"},
	};

	ASSERT_ITEMS(rows);
}

static void overrides_name_what_they_change(void **state)
{
	(void)state;
	static const struct item_row rows[] = {
	        {"- rule: R\n  condition: and proc.pid = 1\n  override: {condition: append}\n", NULL},
	        {"- rule: R\n  output: o\n  override: {output: append}\n", NULL},
	        {"- rule: R\n  desc: d\n  override: {desc: append}\n", NULL},
	        {"- rule: R\n  tags: [a]\n  override: {tags: append}\n", NULL},
	        {"- rule: R\n  priority: INFO\n  override: {priority: append}\n", "bad-override"},
	        {"- rule: R\n  enabled: true\n  override: {enabled: append}\n", "bad-override"},
	        {"- rule: R\n  condition: evt.type = open\n  output: o\n  desc: d\n  priority: INFO\n  tags: [a]\n  "
	         "enabled: "
	         "false\n  warn_evttypes: false\n  skip-if-unknown-filter: true\n  capture: true\n  capture_duration: "
	         "5\n  "
	         "exceptions: []\n  override: {condition: replace, output: replace, desc: replace, priority: replace, "
	         "tags: "
	         "replace, enabled: replace, warn_evttypes: replace, skip-if-unknown-filter: replace, capture: "
	         "replace, "
	         "capture_duration: replace, exceptions: replace}\n",
	         NULL},
	        {"- rule: R\n  condition: and proc.pid = 1\n  override: {desc: append}\n", "bad-override"},
	        {"- rule: R\n  desc: d\n  condition: and proc.pid = 1\n  override: {desc: append}\n", "bad-override"},
	        {"- rule: R\n  desc: d\n  override: {desc: append, output: replace}\n", "bad-override"},
	        {"- rule: R\n  desc: d\n  override: {desc: append, desc: replace}\n", "bad-override"},
	        {"- rule: R\n  desc: d\n  override: {rule: replace}\n", "bad-override"},
	        {"- rule: R\n  desc: d\n  source: syscall\n  override: {desc: replace}\n", NULL},
	        {"- rule: R\n  desc: d\n  source: k8s_audit\n  override: {desc: replace}\n", NULL},
	        {"- rule: R\n  condition: proc.pid = 1\n  source: k8s_audit\n  override: {condition: replace}\n",
	         "bad-item"},
	        {"- rule: S\n  desc: d\n  override: {desc: replace}\n", "no-such-rule"},
	        {"- rule: S\n  desc: d\n  override: {desc: append}\n", "no-such-rule"},
	        {"- rule: R\n  enabled: maybe\n  override: {enabled: replace}\n", "bad-value"},
	        {"- rule: R\n  priority: LOUD\n  override: {priority: replace}\n", "bad-value"},
	        {"- rule: R\n  capture_duration: x\n  override: {capture_duration: replace}\n", "bad-value"},
	        /* None at all: a definition. */
	        {GOOD "  override: {}\n", NULL},
	        {GOOD "  override:\n", NULL},
	        {GOOD "  override: text\n", NULL},
	        {GOOD "  override: []\n", "bad-override"},
	        {GOOD "  override: [condition]\n", "bad-override"},
	};

	ASSERT_ITEMS(rows);
}

static void requirements_are_checked(void **state)
{
	(void)state;
	static const struct item_row rows[] = {
	        {"- required_engine_version: 5\n", NULL},
	        {"- required_engine_version: 62\n", NULL},
	        {"- required_engine_version: 63\n", "engine-version"},
	        {"- required_engine_version: \"26 \"\n", NULL},
	        {"- required_engine_version: 0x1F\n", NULL},
	        {"- required_engine_version: 0.26.0\n", NULL},
	        {"- required_engine_version: 0.62.0\n", NULL},
	        {"- required_engine_version: 0.62.1\n", "engine-version"},
	        {"- required_engine_version: 0.31.0-rc1\n", NULL},
	        {"- required_engine_version: 1.0.0\n", "engine-version"},
	        {"- required_engine_version: 0.57\n", "engine-version"},
	        {"- required_engine_version: -5\n", "engine-version"},
	        {"- required_engine_version: seven\n", "engine-version"},
	        {"- required_engine_version:\n", "bad-value"},
	        {"- required_engine_version: [5]\n", "bad-value"},
	        {"- required_plugin_versions: []\n", NULL},
	        {"- required_plugin_versions:\n", "bad-item"},
	        {"- required_plugin_versions: x\n", "bad-item"},
	        {"- required_plugin_versions: [x]\n", "bad-item"},
	        {"- required_plugin_versions: [{name: container, version: 0.4.0}]\n", NULL},
	        {"- required_plugin_versions: [{name: container, version: 0.4.0-rc}]\n", NULL},
	        {"- required_plugin_versions: [{name: container, version: 0.4}]\n", "bad-value"},
	        {"- required_plugin_versions: [{name: container}]\n", "missing-key"},
	        {"- required_plugin_versions: [{version: 0.4.0}]\n", "missing-key"},
	        {"- required_plugin_versions: [{name: , version: 0.4.0}]\n", "bad-value"},
	        {"- required_plugin_versions: [{name: a, version: 0.4.0, alternatives: [{name: b, version: 1.0.0}]}]\n",
	         NULL},
	        {"- required_plugin_versions: [{name: a, version: 0.4.0, alternatives: [{name: a, version: 1.0.0}]}]\n",
	         "bad-item"},
	        {"- required_plugin_versions: [{name: a, version: 0.4.0, alternatives: }]\n", "bad-item"},
	        {"- required_plugin_versions: [{name: a, version: 0.4.0, alternatives: [x]}]\n", "bad-item"},
	        {"- required_plugin_versions: [{name: a, version: 1.0.0}, {name: a, version: 2.0.0}]\n", NULL},
	        {"- required_plugin_versions: [{name: a, version: 1.0.0, ? [b] : c}]\n", "bad-item"},
	};

	ASSERT_ITEMS(rows);
}

static void other_items_and_documents(void **state)
{
	(void)state;
	static const struct item_row rows[] = {
	        {"-\n", NULL},
	        {"- ~\n", NULL},
	        {"- {}\n", NULL},
	        {"- foo: bar\n", NULL},
	        {"- text\n", "bad-item"},
	        {"- [a]\n", "bad-item"},
	        {"- ? [a]\n  : b\n", "bad-item"},
	        {"- *nothing\n", "yaml"},
	        {"---\n" GOOD, NULL},
	        {"...\n---\n" GOOD, NULL},
	        {"---\nfoo: bar\n", "bad-item"},
	        {"---\n~\n", NULL},
	        {"---\n---\n- text that Falco never reads\n", NULL},
	        {"...\n", NULL},
	        {"text\n", "yaml"},
	};

	ASSERT_ITEMS(rows);
}

static void the_first_of_two_keys_counts(void **state)
{
	(void)state;
	_autorules_ struct rules *r = load(
	        "- rule: R\n  desc: one\n  desc: two\n  'desc': three\n  condition: evt.type = open\n  output: o\n  "
	        "priority: INFO\n");

	assert_string_equal(rules_find(r, "R")->desc, "one");
}

static void a_merge_key_is_an_unknown_key(void **state)
{
	(void)state;
	static const char yaml[] =
	        "- list: l\n  items: &x [a]\n  <<: {items: [b]}\n" RULE("R", "evt.type = open and proc.name in (l)");
	_autorules_ struct rules *r = load(yaml);

	assert_condition(r, "R", "evt.type = open and proc.name in (a)");
	assert_diag(&(struct diag_row){yaml, "unknown-key", 3, 3}, DIAG_WARNING);
}

static void what_falco_says_nothing_of_is_warned_of(void **state)
{
	(void)state;
	static const struct diag_row rows[] = {
	        {GOOD "  override: text\n", "bad-override", 6, 13},
	        {GOOD "-\n", "empty-item", 6, 2},
	        {GOOD "  exceptions:\n", "empty-item", 6, 14},
	        {GOOD "---\n---\n- text\n", "ignored-document", 7, 1},
	        {"- rule: R\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: Info\n", "spelling", 5,
	         13},
	        {GOOD "  enabled: yes\n", "spelling", 6, 12},
	        {GOOD "- rule: R\n  desc: d\n  override: {desc: append, desc: append}\n", "duplicate-key", 8, 28},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_diag(&rows[i], DIAG_WARNING);
}

static void messages_name_the_nearest_name(void **state)
{
	(void)state;
	assert_words(BASE "  conditon: x\n", "unknown-key", "did you mean 'condition'?");
	assert_words("- list: l\n  itmes: [a]\n", "unknown-key", "did you mean 'items'?");
	assert_words("- rules: R\n", "unknown-item", "did you mean 'rule'?");
	assert_words(GOOD "  exceptions:\n  - name: e\n    field: [proc.name]\n", "unknown-key",
	             "did you mean 'fields'?");
	assert_words("- rule: R\n  priority: WARNIG\n", "bad-value", "did you mean 'WARNING'?");
	assert_words("- rule: R\n  priority: Notise\n", "bad-value", "did you mean 'NOTICE'?");
	assert_words(BASE "- rule: R\n  tags: [a]\n  override: {tag: append}\n", "bad-override",
	             "did you mean 'tags'?");
	assert_words(BASE "- rule: R\n  tags: [a]\n  override: {tags: apend}\n", "bad-override",
	             "did you mean 'append'?");
	assert_words(RULE("Shell started", "evt.type = open") "- rule: Shell startet\n  enabled: false\n",
	             "no-such-rule", "did you mean 'Shell started'");
	assert_words(BASE "- list: shels\n  items: [a]\n  override: {items: append}\n", "no-such-list",
	             "did you mean 'shells'");
	assert_words(BASE "- macro: shell_start\n  condition: or proc.pid = 1\n  append: true\n", "no-such-macro",
	             "did you mean 'shell_started'");
	assert_words(BASE "- macro: shell_started\n  condition: proc.pid = 1\n  override: {condition: append}\n",
	             "syntax", "must begin with 'and' or 'or'");
	assert_words(BASE
	             "- macro: shell_started\n  condition: >\n    not proc.pid = 1\n  override: {condition: append}\n",
	             "syntax", "must begin with 'and' or 'or'");
	assert_words(BASE RULE("S", "evt.type = open and not"), "unknown-macro", "missing after 'not'");
	assert_words(BASE RULE("S", "evt.type = open and shell_startet"), "unknown-macro",
	             "did you mean 'shell_started'");
	assert_words("- list: sh\n  items: [sh]\n" RULE("S", "evt.type = open and sh"), "unknown-macro",
	             "'sh' is a list");
	assert_words("- list: none\n  items: []\n- macro: m\n  condition: nome\n", "unknown-macro",
	             "did you mean 'none'");
	assert_words(BASE RULE("S", "evt.type = open and procname"), "unknown-macro", "did you mean 'proc.name'");
	assert_words(BASE RULE("S", "evt.type = open and shell"), "unknown-macro", "did you mean 'shells'");
	assert_words(BASE "- macro: m\n  condition: shell_startet\n", "unknown-macro", "did you mean 'shell_started'");
	assert_words(GOOD "  exceptions:\n  - {name: e, fields: [proc.name], comps: [startwith], values: [[a]]}\n",
	             "bad-exception", "did you mean 'startswith'");
	assert_words(GOOD "  exceptions:\n  - {name: e, fields: [proc.nme], values: [[a]]}\n", "unknown-field",
	             "proc.name");
	assert_words("- list: known_shells\n  items: [a]\n" RULE("S", "evt.type = open and proc.name in (known_shels)"),
	             "unknown-list", "did you mean the list 'known_shells'?");
}

static void what_is_lost_with_an_error_is_not_asked_for(void **state)
{
	(void)state;
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct rules *r = NULL;
	static const char yaml[] = RULE("R", "evt.type = open and m") "- list: l\n  items: [a]\n  append: true\n"
	                                                              "- rule: S\n  enabled: true\n"
	                                                              "- macro: m\n  condition: 'x' y\n";

	/* m, l and S may be in what could not be read. */
	assert_int_equal(rules_load_buffer(&r, "t.yaml", yaml, strlen(yaml), &diags), -EINVAL);
	assert_int_equal(diags.errors, 1);
	assert_string_equal(find_diag(&diags, "yaml") ? "yaml" : "none", "yaml");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(lists_have_items_that_are_single_values),
	        cmocka_unit_test(macros_have_a_condition),
	        cmocka_unit_test(rules_have_all_they_need),
	        cmocka_unit_test(comparing_the_event_type_with_a_field_is_refused_as_in_falco),
	        cmocka_unit_test(append_is_the_old_way_to_extend_a_rule),
	        cmocka_unit_test(overrides_name_what_they_change),
	        cmocka_unit_test(requirements_are_checked),
	        cmocka_unit_test(other_items_and_documents),
	        cmocka_unit_test(the_first_of_two_keys_counts),
	        cmocka_unit_test(a_merge_key_is_an_unknown_key),
	        cmocka_unit_test(what_falco_says_nothing_of_is_warned_of),
	        cmocka_unit_test(messages_name_the_nearest_name),
	        cmocka_unit_test(what_is_lost_with_an_error_is_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
