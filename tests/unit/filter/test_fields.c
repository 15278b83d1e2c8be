// SPDX-License-Identifier: Apache-2.0
/*
 * The field catalogue: look-up, dotted arguments, suggestions, and the table's own consistency.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compat/fields.h"

static const struct field_info *find(const char *name)
{
	return field_by_name(name, strlen(name), NULL);
}

static void every_row_is_found_by_its_name_and_id(void **state)
{
	(void)state;
	for (enum field_id id = 0; id < FIELD_COUNT; id++) {
		const struct field_info *f = field_by_id(id);

		assert_int_equal(f->id, id);
		assert_ptr_equal(find(f->name), f);
		assert_true(strlen(f->description) > 0);
		assert_true(f->type < FIELD_TYPES);
		assert_true(strlen(field_type_name(f->type)) > 0);
	}
}

static void fields_have_libsinsp_types(void **state)
{
	static const struct {
		const char *name;
		enum field_type type;
		enum field_arg arg;
	} rows[] = {
	        {"proc.name", FIELD_TYPE_STRING, FIELD_ARG_NONE},
	        {"proc.aname", FIELD_TYPE_STRING, FIELD_ARG_INDEX_OPTIONAL},
	        {"proc.tty", FIELD_TYPE_UINT32, FIELD_ARG_NONE},
	        {"proc.pid", FIELD_TYPE_INT64, FIELD_ARG_NONE},
	        {"proc.is_exe_from_memfd", FIELD_TYPE_BOOL, FIELD_ARG_NONE},
	        {"user.uid", FIELD_TYPE_UINT32, FIELD_ARG_NONE},
	        {"user.loginuid", FIELD_TYPE_INT64, FIELD_ARG_NONE},
	        {"fd.num", FIELD_TYPE_INT64, FIELD_ARG_NONE},
	        {"fd.typechar", FIELD_TYPE_STRING, FIELD_ARG_NONE},
	        {"fd.sip", FIELD_TYPE_IP, FIELD_ARG_NONE},
	        {"fd.snet", FIELD_TYPE_NET, FIELD_ARG_NONE},
	        {"fd.sport", FIELD_TYPE_PORT, FIELD_ARG_NONE},
	        {"evt.rawres", FIELD_TYPE_INT64, FIELD_ARG_NONE},
	        {"evt.res", FIELD_TYPE_STRING, FIELD_ARG_NONE},
	        {"evt.is_open_write", FIELD_TYPE_BOOL, FIELD_ARG_NONE},
	        {"k8s.pod.label", FIELD_TYPE_STRING, FIELD_ARG_KEY},
	        {"tercel.lineage", FIELD_TYPE_STRING, FIELD_ARG_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct field_info *f = find(rows[i].name);

		assert_non_null(f);
		assert_int_equal(f->type, rows[i].type);
		assert_int_equal(f->arg, rows[i].arg);
	}
}

static void dotted_argument_is_split_off(void **state)
{
	const char *arg = NULL;

	(void)state;
	const struct field_info *f = field_by_name("evt.arg.flags", 13, &arg);

	assert_non_null(f);
	assert_int_equal(f->id, FIELD_EVT_ARG);
	assert_string_equal(arg, "flags");
	assert_int_equal(field_by_name("evt.args", 8, &arg)->id, FIELD_EVT_ARGS);
	assert_null(arg);
	assert_null(find("evt.arg."));
	assert_null(find("evt.arg.flgas"));
	assert_null(find("evt.arg.flags.x"));
	assert_null(find("evt.abspath.other"));
	assert_non_null(find("evt.abspath.src"));
	assert_non_null(find("thread.cgroup.cpu"));
	assert_null(find("proc.name.x"));
}

static void unknown_names_are_not_found_and_near_ones_suggested(void **state)
{
	(void)state;
	assert_null(find("proc.naem"));
	assert_string_equal(field_suggest("proc.naem", 9)->name, "proc.name");
	assert_null(field_suggest("something.else.entirely", 23));
	assert_null(field_suggest("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_row_is_found_by_its_name_and_id),
	        cmocka_unit_test(fields_have_libsinsp_types),
	        cmocka_unit_test(dotted_argument_is_split_off),
	        cmocka_unit_test(unknown_names_are_not_found_and_near_ones_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
