// SPDX-License-Identifier: Apache-2.0
/*
 * Rule files from arbitrary bytes. Promises: a set is refused exactly if there is an error; every message names the
 * file and a place that exists in it, and has its line; every condition that loads prints as text of the same tree.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "rules/encoding.h"
#include "rules/rules.h"

static void check_place(const char *text, size_t len, uint32_t at_line, uint32_t column)
{
	/* Where no line ends with a newline, they end with carriage returns. */
	char end = len && memchr(text, '\n', len) ? '\n' : '\r';
	size_t start = 0, line = 1;

	CHECK(at_line >= 1 && column >= 1);
	for (; line < at_line && start < len; start++)
		line += text[start] == end;
	CHECK(line == at_line);
	/* One past the end of a value, or of the text. */
	CHECK(start + column - 1 <= len + 1);
}

static void check_messages(const struct diag_list *diags, const char *text, size_t len)
{
	_autobuf_ struct buf utf8 = BUF_INIT, printed = BUF_INIT;
	size_t from = 0;

	/* Places are told in UTF-8, behind a byte order mark. */
	if (encoding_read(text, len, &from, &utf8) == 1) {
		text = buf_str(&utf8);
		len = utf8.len;
	}
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];

		CHECK(d->file && strcmp(d->file, "fuzz.yaml") == 0 && *d->message && !strchr(d->message, '\n'));
		check_place(text, len, d->line, d->column);
		CHECK(d->excerpt.text && d->excerpt.at <= d->excerpt.len);
		excerpt_write(&printed, &d->excerpt, d->line);
		for (size_t n = 0; n < d->nnotes; n++)
			check_place(text, len, d->notes[n].line, d->notes[n].column);
	}
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
	check_messages(&diags, text, size);
	for (size_t i = 0; rules && i < rules_count(rules); i++)
		check_rule(rules_at(rules, i));
	return 0;
}
