/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void plan_free(struct plan *p)
{
	if (!p)
		return;
	report_free(p->report);
	rules_free(p->rules);
	file_list_free(&p->files);
	policy_free(p->policy);
	free(p->file);
	free(p);
}

/*
 * One that has no end, or that somebody else has to write first, would hold the daemon up when it is read again. What
 * is not there is for its reader to tell.
 */
static int refuse_irregular(const char *file, const char *what, struct diag_list *diags)
{
	struct stat st;

	if (stat(file, &st) || S_ISREG(st.st_mode))
		return 0;
	diag_add(diags, DIAG_ERROR, (struct source_pos){.file = file}, "file",
	         "%s is a regular file, which can be read again at any time; copy it into one", what);
	return -EINVAL;
}

/* The files that the policy names, and those in the directories that it names. */
static int find_files(struct plan *p, struct diag_list *diags)
{
	struct error err = {0};
	int error =
	        file_list_add(&p->files, (const char *const *)p->policy->rules_files, p->policy->nrules_files, &err);

	if (error == -ENOMEM)
		return error;
	if (error) {
		diag_add(diags, DIAG_ERROR, (struct source_pos){0}, "file", "%s", err.text);
		return -EINVAL;
	}
	for (size_t i = 0; i < p->files.count; i++)
		if (refuse_irregular(p->files.names[i], "a rule file", diags))
			error = -EINVAL;
	if (p->files.count)
		return error;
	diag_add(diags, DIAG_ERROR, (struct source_pos){.file = p->file}, "file",
	         "in the directories under \"rules_files\" no file ends in .yaml or .yml");
	return -EINVAL;
}

int plan_load(struct plan **out, const char *file, uint32_t points, struct diag_list *diags)
{
	_autoplan_ struct plan *p = calloc(1, sizeof(*p));
	int error = p ? 0 : -ENOMEM;

	if (error)
		return error;
	p->points = points;
	p->file = strdup(file);
	if (!p->file)
		return -ENOMEM;
	error = refuse_irregular(p->file, "a policy", diags);
	if (!error)
		error = policy_load(&p->policy, p->file, diags);
	if (!error)
		error = find_files(p, diags);
	if (!error)
		error = rules_load(&p->rules, (const char *const *)p->files.names, p->files.count, diags);
	if (!error)
		error = report_build(&p->report, p->rules, points);
	if (!error)
		*out = TAKE_PTR(p);
	return error;
}

int plan_make(struct image **image, const struct plan *p, uint32_t generation, struct diag_list *diags)
{
	return policy_apply(image, p->policy, p->rules, p->points, generation, diags);
}

struct plan_counts plan_count(const struct plan *p, const struct image *image)
{
	struct plan_counts counts = {0};

	for (size_t i = 0; i < image->nrules; i++) {
		const struct report_rule *r = report_find(p->report, image->rules[i].name);

		if (r && r->class == POLICY_DETECT_ONLY)
			counts.detect_only++;
		else if (image->rules[i].mode == TERCEL_MODE_ENFORCE)
			counts.enforced++;
		else
			counts.monitored++;
	}
	return counts;
}

uint32_t image_points(const struct image *image)
{
	const struct match_header *header = (const struct match_header *)(const void *)image->data;
	uint32_t points = 0;

	for (uint32_t i = 0; i < TERCEL_POINTS; i++)
		if (header->points[i].rules)
			points |= 1U << i;
	return points;
}
