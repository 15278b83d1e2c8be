/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy images: the same input gives the same bytes, limits are refused with a way out, protected programs go free.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/image.h"

static struct filter *parse(const char *condition)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct filter *f = NULL;
	int r = filter_parse(&f, &(struct filter_text){.bytes = condition, .len = strlen(condition)}, &diags);

	diag_print(&diags, stderr);
	assert_int_equal(r, 0);
	return f;
}

/* `n` enforced rules, whose condition is `format` with the rule's number in it. */
static int build(struct image **image, size_t n, const char *format, const char *const *protect, size_t nprotect,
                 struct diag_list *diags)
{
	struct image_rule *rules = calloc(n, sizeof(*rules));
	struct filter **filters = calloc(n, sizeof(*filters));
	int r;

	assert_true(rules && filters);
	for (size_t i = 0; i < n; i++) {
		_autobuf_ struct buf b = BUF_INIT;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_addf(&b, format, (unsigned int)i);
#pragma GCC diagnostic pop
		filters[i] = parse(buf_str(&b));
		rules[i] = (struct image_rule){.name = "r",
		                               .condition = filter_root(filters[i]),
		                               .mode = TERCEL_MODE_ENFORCE,
		                               .action = TERCEL_ACTION_KILL};
	}
	r = image_build(image,
	                &(struct image_input){
	                        .rules = rules, .nrules = n, .protect = protect, .nprotect = nprotect, .generation = 5},
	                diags);
	for (size_t i = 0; i < n; i++)
		filter_free(filters[i]);
	free(filters);
	free(rules);
	return r;
}

static void the_same_input_gives_the_same_bytes(void **unused)
{
	static const char condition[] =
	        "proc.name in (a%1$u, b) and proc.cmdline contains x%1$u or fd.snet = 10.%1$u.0.0/16";
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autoimage_ struct image *a = NULL, *b = NULL;

	(void)unused;
	assert_int_equal(build(&a, 50, condition, NULL, 0, &diags), 0);
	assert_int_equal(build(&b, 50, condition, NULL, 0, &diags), 0);
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->data, b->data, TERCEL_IMAGE_MAX);
	assert_int_equal(image_verify(a->data, a->size, NULL), 0);
	assert_int_equal(((struct match_header *)a->data)->generation, 5);
}

static void the_way_a_condition_is_written_does_not_matter(void **unused)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autoimage_ struct image *a = NULL, *b = NULL;

	(void)unused;
	assert_int_equal(build(&a, 1, "proc.name in (a, b) and not proc.tty = 0", NULL, 0, &diags), 0);
	assert_int_equal(build(&b, 1, "(proc.name in (b, a, b)) and (proc.tty != 0)", NULL, 0, &diags), 0);
	assert_memory_equal(a->data, b->data, TERCEL_IMAGE_MAX);
}

static void a_limit_is_refused_with_a_way_out(void **unused)
{
	static const struct {
		size_t rules;
		const char *condition, *code;
		int error;
	} cases[] = {
	        {TERCEL_RULE_WORDS * 64 + 1, "proc.name = a", "too-many-rules", -E2BIG},
	        {1200,
	         "proc.name = a%1$u and proc.pname = b%1$u and proc.cmdline = c%1$u and proc.exepath = d%1$u and "
	         "proc.aname = e%1$u and user.uid = %1$u and proc.pid = %1$u",
	         "too-many-atoms", -E2BIG},
	        {800,
	         "proc.cmdline contains \"%1$u a rather long text that differs from the others from its start on, and "
	         "goes on and on, so that states of the automaton are many %1$u\"",
	         "policy-too-large", -E2BIG},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		struct image *image = NULL;

		assert_int_equal(build(&image, cases[i].rules, cases[i].condition, NULL, 0, &diags), cases[i].error);
		assert_null(image);
		assert_int_equal(diags.errors, 1);
		assert_string_equal(diags.items[0].code, cases[i].code);
		assert_non_null(strstr(diags.items[0].message, "switch some off"));
	}
}

static struct match_facts facts;
static struct match_state state;
static uint8_t text[MATCH_TEXT_MAX];

static void decide(const struct image *image, const char *path, uint32_t on_host)
{
	struct match_ctx m = {
	        .image = image->data, .st = &state, .facts = &facts, .text = text, .point = TERCEL_POINT_EXEC_CHECK};

	memset(&facts, 0, sizeof(facts));
	memcpy(text, path, strlen(path) + 1);
	facts.text[MATCH_EXEPATH].len = (uint32_t)strlen(path);
	facts.on_host = on_host;
	if (match_start(&m))
		match_finish(&m);
}

static void a_protected_program_is_reported_and_not_blocked(void **unused)
{
	static const char *const protect[] = {"/opt/agent"};
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autoimage_ struct image *image = NULL;

	(void)unused;
	assert_int_equal(build(&image, 1, "proc.exepath startswith /", protect, 1, &diags), 0);
	decide(image, "/bin/sh", 1);
	assert_int_equal(state.action, TERCEL_ACTION_KILL);
	decide(image, "/usr/bin/containerd", 1);
	assert_int_equal(state.hits, 1);
	assert_int_equal(state.action, TERCEL_ACTION_AUDIT);
	assert_int_equal(state.protected_, 1);
	decide(image, "/opt/agent", 1);
	assert_int_equal(state.action, TERCEL_ACTION_AUDIT);
	/* A file of that name in a container is anybody's. */
	decide(image, "/usr/bin/containerd", 0);
	assert_int_equal(state.action, TERCEL_ACTION_KILL);
}

/* No points are all points; a point that does not decide has no rules. */
static void rules_are_asked_at_the_points_that_decide(void **unused)
{
	static const struct {
		uint32_t points;
		bool check, commit;
	} cases[] = {{0, true, false},
	             {PLACEMENT_FULL, true, false},
	             {1U << TERCEL_POINT_EXEC_CHECK, true, false},
	             {1U << TERCEL_POINT_EXEC_COMMIT, false, true},
	             {1U << TERCEL_POINT_CONNECT4, false, false}};
	_autofilter_ struct filter *filter = parse("evt.type = execve and proc.name = sh");
	const struct image_rule rule = {.name = "r", .condition = filter_root(filter), .mode = TERCEL_MODE_MONITOR};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct image_input in = {.rules = &rule, .nrules = 1, .points = cases[i].points};
		_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
		_autoimage_ struct image *image = NULL;
		const struct match_point *points;

		assert_int_equal(image_build(&image, &in, &diags), 0);
		points = ((const struct match_header *)image->data)->points;
		assert_int_equal(points[TERCEL_POINT_EXEC_CHECK].rules != 0, cases[i].check);
		assert_int_equal(points[TERCEL_POINT_EXEC_COMMIT].rules != 0, cases[i].commit);
	}
}

static void what_containers_are_asked_is_listed(void **unused)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autoimage_ struct image *image = NULL;

	(void)unused;
	assert_int_equal(build(&image, 3, "proc.name = a%1$u and container.image.repository = x and k8s.ns.name = y",
	                       NULL, 0, &diags),
	                 0);
	assert_int_equal(image->ncontainers, 1);
	assert_string_equal(image->containers[0], "container.image.repository = x and k8s.ns.name = y");
}

static void bytes_that_are_no_image_are_refused(void **unused)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	_autoimage_ struct image *image = NULL;
	struct error err;

	(void)unused;
	assert_int_equal(build(&image, 1, "proc.name = a", NULL, 0, &diags), 0);
	assert_int_equal(image_verify("x", 1, &err), -EINVAL);
	assert_int_equal(image_verify(image->data, image->size - 1, &err), -EINVAL);
	image->data[image->size - 1] ^= 1;
	assert_int_equal(image_verify(image->data, image->size, &err), -EINVAL);
	assert_non_null(strstr(err.text, "damaged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_same_input_gives_the_same_bytes),
	        cmocka_unit_test(the_way_a_condition_is_written_does_not_matter),
	        cmocka_unit_test(a_limit_is_refused_with_a_way_out),
	        cmocka_unit_test(a_protected_program_is_reported_and_not_blocked),
	        cmocka_unit_test(rules_are_asked_at_the_points_that_decide),
	        cmocka_unit_test(what_containers_are_asked_is_listed),
	        cmocka_unit_test(bytes_that_are_no_image_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
