// SPDX-License-Identifier: Apache-2.0
/*
 * A condition in the first line, events in those that follow. Promises: the evaluator answers as the naive one does,
 * and a second time the same; a wrong event names a place within its line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "filter/eval_input.h"
#include "tests/property/naive.h"

static void check_event(const struct eval *e, struct eval_event *ev, struct eval_input *in,
                        const struct filter_node *root, const char *line, size_t len)
{
	struct error err = {0};
	size_t offset = 0;
	int r = eval_input_read(in, ev, line, len, &offset, &err);

	CHECK((r == 0) == !*err.text);
	CHECK(offset <= len);
	if (r)
		return;
	bool holds = eval_run(e, ev, 0), naive = naive_holds(root, &(struct naive_event){e, ev});

	if (holds != naive)
		(void)fprintf(stderr, "evaluator %d, naive %d, on %.*s\n", holds, naive, (int)len, line);
	CHECK(holds == naive);
	CHECK(eval_run(e, ev, 0) == holds);
	CHECK(eval_event_error(ev) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *f = NULL;
	_autoeval_ struct eval *e = NULL;
	_autoevent_ struct eval_event *ev = NULL;
	_autoinput_ struct eval_input *in = NULL;
	const char *text = (const char *)data, *newline = size ? memchr(text, '\n', size) : NULL;
	size_t len = newline ? (size_t)(newline - text) : size;
	struct filter_text condition = {.bytes = text, .len = len};
	const struct filter_node *root;
	struct error err = {0};

	if (filter_parse(&f, &condition, &diags))
		return 0;
	root = filter_root(f);
	CHECK(eval_compile(&e, &root, 1, &err) == 0);
	CHECK(eval_event_new(&ev, e) == 0);
	CHECK(eval_input_new(&in, e, NULL, NULL) == 0);
	check_event(e, ev, in, root, "{}", 2);
	for (size_t at = len; at < size; at += len) {
		at++;
		newline = at < size ? memchr(text + at, '\n', size - at) : NULL;
		len = newline ? (size_t)(newline - text) - at : size - at;
		check_event(e, ev, in, root, text + at, len);
	}
	return 0;
}
