/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy files from arbitrary bytes. Promises: a policy is refused exactly if there is an error, every message is one
 * line about that file, and what loads enforces nothing that an entry does not name. A scope is a condition about
 * containers and nothing else, whatever names it is made of, or is refused.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "policy/points.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_scope(const struct filter_node *n)
{
	for (size_t i = 0; i < n->nkids; i++)
		check_scope(n->kids[i]);
	if (n->nkids)
		return;
	CHECK(n->left && n->left->kind == FILTER_TERM_FIELD && !n->right);
	CHECK(point_is_container_field(n->left->field->id) || !strcmp(n->left->field->name, "container.id"));
}

static void parse_scope(const struct scope *s)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autofilter_ struct filter *filter = NULL;
	_autobuf_ struct buf text = BUF_INIT;

	if (!scope_limits(s))
		return;
	scope_print(&text, s);
	if (!buf_error(&text) &&
	    !filter_parse(&filter, &(struct filter_text){.bytes = buf_str(&text), .len = text.len}, &diags))
		check_scope(filter_root(filter));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autopolicy_ struct policy *policy = NULL;
	int r = policy_load_buffer(&policy, "fuzz.yaml", (const char *)data, size, &diags);

	CHECK(r == (diags.errors ? -EINVAL : 0) && (r == 0) == (policy != NULL));
	for (size_t i = 0; i < diags.count; i++) {
		CHECK(diags.items[i].file && strcmp(diags.items[i].file, "fuzz.yaml") == 0 && diags.items[i].line);
		CHECK(*diags.items[i].message && !strchr(diags.items[i].message, '\n'));
	}
	if (!policy)
		return 0;
	CHECK(policy->defaults.mode != TERCEL_MODE_ENFORCE);
	for (size_t i = 0; i < policy->nentries; i++) {
		CHECK(policy->entries[i].name);
		CHECK(!policy->entries[i].has_fuse ||
		      (policy->entries[i].fuse.blocks && policy->entries[i].fuse.per_ns));
		parse_scope(&policy->entries[i].scope);
	}
	for (size_t i = 0; i < policy->nrules_files; i++)
		CHECK(policy->rules_files[i]);
	return 0;
}
