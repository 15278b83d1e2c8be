// SPDX-License-Identifier: Apache-2.0
/*
 * Rule files from arbitrary bytes. Promises: a set is refused exactly if there is an error; every message names the
 * file and a place that exists in it; every condition that loads prints as text of the same tree.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "rules/rules.h"

#define CHECK(condition)                                                            \
	do {                                                                        \
		if (!(condition)) {                                                 \
			(void)fprintf(stderr, "property failed: %s\n", #condition); \
			abort();                                                    \
		}                                                                   \
	} while (0)

static void check_place(const char *text, size_t len, uint32_t at_line, uint32_t column)
{
	size_t start = 0, line = 1;

	CHECK(at_line >= 1 && column >= 1);
	for (; line < at_line && start < len; start++)
		line += text[start] == '\n';
	CHECK(line == at_line);
	/* One past the end of a value, or of the text. */
	CHECK(start + column - 1 <= len + 1);
}

static void check_rule(const struct rule *rule)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *again = NULL;
	_autobuf_ struct buf printed = BUF_INIT;

	CHECK(rule->name && *rule->name && rule->desc && rule->output && rule->condition &&
	      rule->priority < RULE_PRIORITIES);
	CHECK((rule->filter != NULL) == (rule->state == RULE_LOADED));
	if (!rule->filter)
		return;
	filter_print(&printed, filter_root(rule->filter));
	struct filter_text text = {.bytes = buf_str(&printed), .len = printed.len};

	if (filter_parse(&again, &text, &diags)) {
		diag_print(&diags, stderr);
		CHECK(strcmp(diags.items[0].code, "too-deep") == 0 || strcmp(diags.items[0].code, "too-large") == 0);
		return;
	}
	CHECK(filter_equal(filter_root(rule->filter), filter_root(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	const char *text = (const char *)data;
	int r = rules_load_buffer(&rules, "fuzz.yaml", text, size, &diags);

	CHECK(r == (diags.errors ? -EINVAL : 0) && (r == 0) == (rules != NULL));
	for (size_t i = 0; i < diags.count; i++) {
		CHECK(diags.items[i].file && strcmp(diags.items[i].file, "fuzz.yaml") == 0);
		CHECK(*diags.items[i].message && !strchr(diags.items[i].message, '\n'));
		check_place(text, size, diags.items[i].line, diags.items[i].column);
	}
	for (size_t i = 0; rules && i < rules_count(rules); i++)
		check_rule(rules_at(rules, i));
	return 0;
}
