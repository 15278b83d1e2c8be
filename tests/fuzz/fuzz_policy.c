/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy files from arbitrary bytes. Promises: a policy is refused exactly if there is an error, every message is one
 * line about that file, and what loads enforces nothing that an entry does not name.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	for (size_t i = 0; i < policy->nentries; i++)
		CHECK(policy->entries[i].name);
	for (size_t i = 0; i < policy->nrules_files; i++)
		CHECK(policy->rules_files[i]);
	return 0;
}
