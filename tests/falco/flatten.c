/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files as lines "name<TAB>condition", with macros, lists and exceptions put in: what tests/falco/host.cpp reads,
 * as libsinsp knows conditions but no rule files. Disabled rules are left out, unless --all is the first argument.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "rules/rules.h"

int main(int argc, char **argv)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	const int all = argc > 1 && !strcmp(argv[1], "--all");

	if (argc < 2 + all ||
	    rules_load(&rules, (const char *const *)argv + 1 + all, (size_t)(argc - 1 - all), &diags)) {
		diag_print(&diags, stderr);
		return 1;
	}
	for (size_t i = 0; i < rules_count(rules); i++) {
		const struct rule *r = rules_at(rules, i);
		_autobuf_ struct buf condition = BUF_INIT;
		if ((!r->enabled && !all) || r->state != RULE_LOADED)
			continue;
		filter_print(&condition, filter_root(r->filter));
		if (buf_error(&condition))
			return 1;
		(void)printf("%s\t%s\n", r->name, buf_str(&condition));
	}
	return 0;
}
