/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the texts of rules and of a policy to the image, with each allocation failing once, and with all from one on:
 * the image is the same to the byte, or there is none and an error. Linked so that the project's own allocations come
 * here (--wrap); a library's own do not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "rules/rules.h"

static const char rules_text[] =
        "- list: shells\n"
        "  items: [sh, bash, dash]\n"
        "- macro: container\n"
        "  condition: (container.id != host)\n"
        "- rule: texts\n"
        "  desc: d\n"
        "  condition: >\n"
        "    evt.type in (execve, execveat) and container and proc.name in (shells) and proc.pname startswith py and\n"
        "    not proc.exepath glob '/usr/*/x' and (proc.cmdline contains abc or proc.args regex 'a.*b')\n"
        "  output: o %proc.name\n"
        "  priority: WARNING\n"
        "  exceptions:\n"
        "    - name: e\n"
        "      fields: [proc.name, proc.pname]\n"
        "      comps: [=, in]\n"
        "      values: [[sh, [a, b]], [bash, [c]]]\n"
        "- rule: numbers\n"
        "  desc: d\n"
        "  condition: >\n"
        "    evt.type = connect and evt.rawres >= 0 and fd.l4proto in (tcp, udp) and user.uid > 10 and\n"
        "    (fd.snet in (10.0.0.0/8, 'fd00::/8') or fd.sport in (1, 22, 443)) and proc.aname in (a, b)\n"
        "  output: o\n"
        "  priority: INFO\n"
        "- rule: images\n"
        "  desc: d\n"
        "  condition: evt.type = execve and container.image.repository endswith /x and user.name = root\n"
        "  output: o\n"
        "  priority: INFO\n";

static const char policy_text[] = "rules_files: [test.yaml]\n"
                                  "defaults: {mode: monitor}\n"
                                  "protect: [/opt/agent]\n"
                                  "rules:\n"
                                  "  - name: '*'\n"
                                  "    mode: enforce\n"
                                  "    scope: {images: ['*/api'], exclude: {containers: [proxy]}}\n"
                                  "    fuse: {blocks: 3, per: 1s}\n";

/* ---- allocations --------------------------------------------------------------------------------------------------
 */

static long left = -1, asked; /* how many succeed yet; negative: all */
static bool for_good;

static bool fails(void)
{
	asked++;
	if (left < 0)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	left = for_good ? 0 : -1;
	errno = ENOMEM;
	return true;
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
	return fails() ? NULL : __real_strndup(text, n);
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* ---- tests --------------------------------------------------------------------------------------------------------
 */

static int make(struct image **image)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autorules_ struct rules *rules = NULL;
	_autopolicy_ struct policy *policy = NULL;
	int r = rules_load_buffer(&rules, "test.yaml", rules_text, strlen(rules_text), &diags);

	if (!r)
		r = policy_load_buffer(&policy, "policy.yaml", policy_text, strlen(policy_text), &diags);
	if (!r)
		r = policy_apply(image, policy, rules, 0, 7, &diags);
	return r;
}

static void each_allocation_fails(bool all_from_there)
{
	_autoimage_ struct image *whole = NULL;
	long count, same = 0;

	left = -1;
	asked = 0;
	assert_int_equal(make(&whole), 0);
	assert_non_null(whole);
	count = asked;
	assert_true(count > 1000);
	for_good = all_from_there;
	/* Of the first, which most are alike, a share. */
	for (long i = 0; i < count; i += all_from_there ? 37 : 1) {
		_autoimage_ struct image *image = NULL;
		int r;

		left = i;
		r = make(&image);
		left = -1;
		if (r) {
			assert_null(image);
			continue;
		}
		same++;
		if (image->size != whole->size || memcmp(image->data, whole->data, whole->size) != 0 ||
		    image->nrules != whole->nrules || image->ncontainers != whole->ncontainers)
			fail_msg("allocation %ld of %ld fails, and the image is another one", i, count);
	}
	print_message("%ld allocations, %ld of which are not needed\n", count, same);
}

static void an_image_is_whole_or_there_is_none(void **unused)
{
	(void)unused;
	each_allocation_fails(false);
}

static void without_any_more_memory_there_is_an_error(void **unused)
{
	(void)unused;
	each_allocation_fails(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_image_is_whole_or_there_is_none),
	        cmocka_unit_test(without_any_more_memory_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
