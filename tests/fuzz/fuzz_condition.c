// SPDX-License-Identifier: Apache-2.0
/*
 * Conditions from arbitrary bytes. Promises: an error always has a place inside the text and a one-line message; what
 * parses is printed as text that parses to the same tree, of the same event types; nothing is both an error and a tree.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "filter/filter.h"

static const struct filter_macro *find_macro(const void *ctx, const struct filter_macro *inside, const char *name)
{
	const struct filter_macro *macro = ctx;

	(void)inside;
	return strcmp(name, macro->name) == 0 ? macro : NULL;
}

static void check_places(const struct diag_list *diags, const char *text, size_t len)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *d = &diags->items[i];
		size_t start = 0, line = 1;

		CHECK(d->line >= 1 && d->column >= 1);
		CHECK(*d->message && !strchr(d->message, '\n'));
		for (; line < d->line && start < len; start++)
			line += text[start] == '\n';
		CHECK(line == d->line);
		CHECK(start + d->column - 1 <= len);
	}
}

static void check_tree(const struct filter_node *root)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *again = NULL;
	_autobuf_ struct buf printed = BUF_INIT, twice = BUF_INIT;

	filter_print(&printed, root);
	CHECK(buf_error(&printed) == 0);
	struct filter_text text = {.bytes = buf_str(&printed), .len = printed.len};
	int r = filter_parse(&again, &text, &diags);

	if (r) {
		/* Parentheses for every level may pass the limit of depth, and quotes that of size. */
		diag_print(&diags, stderr);
		CHECK(strcmp(diags.items[0].code, "too-deep") == 0 || strcmp(diags.items[0].code, "too-large") == 0);
		return;
	}
	CHECK(filter_equal(root, filter_root(again)));
	filter_print(&twice, filter_root(again));
	CHECK(strcmp(buf_str(&printed), buf_str(&twice)) == 0);
	struct filter_event_set a = filter_event_types(root), b = filter_event_types(filter_root(again));

	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char macro_text[] = "proc.pid = 1 or not proc.aname[2] in (a, 'b c')";
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT, output_diags = DIAG_LIST_INIT;
	_autosyntax_ struct filter_syntax *syntax = NULL, *macro_syntax = NULL;
	_autofilter_ struct filter *filter = NULL;
	struct filter_text text = {.bytes = (const char *)data, .len = size};
	struct filter_text macro = {.bytes = macro_text, .len = sizeof(macro_text) - 1};

	CHECK(filter_syntax_parse(&macro_syntax, &macro, &diags) == 0);
	struct filter_macro m = {.name = "m", .syntax = macro_syntax};
	int r = filter_syntax_parse(&syntax, &text, &diags);

	CHECK(r == (diags.errors ? -EINVAL : 0) && (r == 0) == (syntax != NULL));
	if (!r) {
		r = filter_compile(&filter, syntax, &(struct filter_macros){find_macro, &m}, &diags);
		CHECK(r == (diags.errors ? -EINVAL : 0) && (r == 0) == (filter != NULL));
	}
	if (!r)
		check_tree(filter_root(filter));
	check_places(&diags, text.bytes, size);
	r = filter_check_output(&text, &output_diags);
	CHECK(r == (output_diags.errors ? -EINVAL : 0));
	check_places(&output_diags, text.bytes, size);
	return 0;
}
