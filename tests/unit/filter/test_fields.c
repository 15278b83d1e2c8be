// SPDX-License-Identifier: Apache-2.0
/*
 * The field catalogue: look-up, arguments, suggestions, and the table's own consistency. Whether libsinsp agrees is the
 * matter of tests/falco/fields.cpp.
 */
#include <errno.h>
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
		assert_true(f->type < FIELD_TYPES && f->arg < FIELD_ARGS && f->in_class < FIELD_CLASSES);
		assert_true(strlen(field_type_name(f->type)) > 0 && strlen(field_type_word(f->type)) > 0);
		assert_true(strlen(field_arg_form(f->arg)) > 0);
	}
}

static void the_fields_of_a_class_stand_together_in_the_order_of_classes(void **state)
{
	enum field_class last = FIELD_CLASS_EVENT;

	(void)state;
	for (enum field_id id = 0; id < FIELD_COUNT; id++) {
		enum field_class c = field_by_id(id)->in_class;

		assert_true(c == last || c == last + 1);
		last = c;
	}
	assert_int_equal(last, FIELD_CLASSES - 1);
	assert_string_equal(field_class(FIELD_CLASS_EVENT)->name, field_class(FIELD_CLASS_SYSCALL)->name);
	assert_int_equal(field_class(FIELD_CLASS_K8S)->provider, FIELD_FROM_CONTAINER);
	assert_string_equal(field_provider_name(FIELD_FROM_TERCEL), "tercel");
}

/* Each word once, so that programs can tell the types apart. */
static void types_have_words(void **state)
{
	(void)state;
	for (enum field_type a = 0; a < FIELD_TYPES; a++)
		for (enum field_type b = 0; b < a; b++)
			assert_string_not_equal(field_type_word(a), field_type_word(b));
	assert_string_equal(field_type_word(FIELD_TYPE_INT64), "int64");
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
	        {"evt.around", FIELD_TYPE_UINT64, FIELD_ARG_INDEX},
	        {"util.cnt", FIELD_TYPE_UINT64, FIELD_ARG_NONE},
	        {"container.mount", FIELD_TYPE_STRING, FIELD_ARG_KEY_OR_INDEX},
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

static int resolve(struct field_ref *ref, const char *name, const char *bracket)
{
	struct error err = {0};
	int error = field_resolve(ref, name, strlen(name), bracket, &err);

	assert_true(!error == !*err.text);
	return error;
}

/* Takes the argument; returns what became of it. */
static struct field_ref taken(const char *name, const char *bracket)
{
	struct field_ref ref = {0};

	if (resolve(&ref, name, bracket))
		fail_msg("%s[%s] is not taken", name, bracket ? bracket : "");
	return ref;
}

static void numbers_are_read_as_scanf_reads_them(void **state)
{
	static const struct {
		const char *name, *bracket;
		enum field_ref_kind kind;
		int64_t index;
	} rows[] = {
	        {"proc.aname", "2", FIELD_REF_INDEX, 2},
	        {"proc.aname", " \t+02", FIELD_REF_INDEX, 2},
	        {"proc.aname", "-2", FIELD_REF_INDEX, -2},
	        {"proc.aname", "4294967298", FIELD_REF_INDEX, 2}, /* cut to 32 bits */
	        {"proc.aname", "-1", FIELD_REF_PLAIN, -1},
	        {"proc.aname", "99999999999999999999", FIELD_REF_PLAIN, -1},
	        {"proc.args", "-7", FIELD_REF_PLAIN, -7}, /* all negative ones mean all arguments */
	        {"fd.types", "4294967298", FIELD_REF_INDEX, 4294967298},
	        {"fd.types", "-99999999999999999999", FIELD_REF_INDEX, INT64_MIN},
	        {"evt.arg", "-1", FIELD_REF_INDEX, -1},
	        {"evt.around", "-1", FIELD_REF_INDEX, -1}, /* the bits of the largest unsigned number */
	        {"evt.around", "99999999999999999999", FIELD_REF_INDEX, -1},
	        {"container.mount", "7", FIELD_REF_INDEX, 7},
	};
	static const char *const wrong[] = {"", " ", "x", "2x", "2 ", "0x2", "-", "--2", "2.0"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct field_ref ref = taken(rows[i].name, rows[i].bracket);

		assert_int_equal(ref.kind, rows[i].kind);
		assert_int_equal(ref.index, rows[i].index);
		assert_true(ref.flags & FIELD_REF_BRACKET);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(resolve(NULL, "proc.aname", wrong[i]), -ENXIO);
}

static void keys_are_kept_as_they_are(void **state)
{
	static const struct {
		const char *name, *bracket;
	} rows[] = {
	        {"proc.env", "HOME"}, {"proc.env", "2x"},          {"proc.env", "a b"},
	        {"proc.env", "-2"},   {"k8s.pod.label", "7"},      {"k8s.pod.label", "a.b/c[d"},
	        {"proc.env", ""},     {"container.mount", "/*"},   {"container.mount", "07"},
	        {"proc.aenv", "A"},   {"container.label", "a\tb"}, {"container.mount", "18446744073709551616"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct field_ref ref = taken(rows[i].name, rows[i].bracket);

		if (!*rows[i].bracket) {
			assert_int_equal(ref.kind, FIELD_REF_PLAIN);
			continue;
		}
		assert_int_equal(ref.kind, FIELD_REF_KEY);
		assert_int_equal(ref.key_len, strlen(rows[i].bracket));
		assert_memory_equal(ref.key, rows[i].bracket, ref.key_len);
	}
	assert_int_equal(resolve(NULL, "proc.env", "a]b"), -EINVAL);
	assert_int_equal(resolve(NULL, "k8s.pod.label", "a b"),
	                 -EINVAL); /* libsinsp reads a plugin's field to a blank */
	assert_int_equal(resolve(NULL, "k8s.pod.label", NULL), -EINVAL);
	assert_int_equal(resolve(NULL, "proc.name", "x"), -ENXIO);
	assert_int_equal(resolve(NULL, "evt.arg.flags", "0"), -ENXIO);
	assert_int_equal(resolve(NULL, "evt.arg", NULL), -EINVAL);
	assert_int_equal(resolve(NULL, "evt.rawarg", "0"), -EINVAL);
	assert_int_equal(resolve(NULL, "proc.nme", NULL), -ENOENT);
}

static void no_index_means_any_ancestor_where_libsinsp_compares_so(void **state)
{
	static const char *const any[] = {"proc.aname",    "proc.aexe", "proc.aexepath",
	                                  "proc.acmdline", "proc.apid", "proc.aenv"};

	(void)state;
	for (size_t i = 0; i < sizeof(any) / sizeof(*any); i++) {
		bool env = find(any[i])->id == FIELD_PROC_AENV;

		assert_true(taken(any[i], NULL).flags & FIELD_REF_ANY_ANCESTOR);
		/* A number names no variable, and a name alone counts for proc.aenv. */
		assert_int_equal(!!(taken(any[i], "2").flags & FIELD_REF_ANY_ANCESTOR), env);
		assert_int_equal(!!(taken(any[i], "-1").flags & FIELD_REF_ANY_ANCESTOR), !env);
	}
	assert_false(taken("proc.aargs", NULL).flags & FIELD_REF_ANY_ANCESTOR);
	assert_false(taken("proc.aenv", "HOME").flags & FIELD_REF_ANY_ANCESTOR);
	assert_int_equal(taken("proc.env", "2").kind, FIELD_REF_PLAIN);
	assert_int_equal(taken("proc.aenv", "2").kind, FIELD_REF_INDEX);
}

static void raw_parameters_have_the_type_of_the_first_of_their_name(void **state)
{
	static const struct {
		const char *name;
		enum field_type type;
		unsigned int flags;
	} rows[] = {
	        {"evt.rawarg.flags", FIELD_TYPE_UINT32, 0},
	        {"evt.rawarg.pid", FIELD_TYPE_INT64, FIELD_REF_PRINTED},
	        {"evt.rawarg.res", FIELD_TYPE_INT64, 0},
	        {"evt.rawarg.arg", FIELD_TYPE_UINT64, FIELD_REF_PRINTED | FIELD_REF_HEX},
	        {"evt.rawarg.name", FIELD_TYPE_STRING, FIELD_REF_PATH},
	        {"evt.rawarg.comm", FIELD_TYPE_STRING, 0},
	        {"evt.rawarg.data", FIELD_TYPE_BYTES, FIELD_REF_NO_CONSTANT},
	        {"evt.rawarg.sig", FIELD_TYPE_UINT8, FIELD_REF_NO_CONSTANT},
	        {"evt.rawarg.local_ip", FIELD_TYPE_IP, FIELD_REF_IPV4},
	        {"evt.rawarg.tuple", FIELD_TYPE_OPAQUE, 0},
	        {"evt.arg.tuple", FIELD_TYPE_STRING, 0},
	        {"evt.num", FIELD_TYPE_UINT64, FIELD_REF_PRINTED},
	        {"proc.tty", FIELD_TYPE_UINT32, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct field_ref ref = taken(rows[i].name, NULL);

		assert_int_equal(ref.type, rows[i].type);
		assert_int_equal(ref.flags, rows[i].flags);
	}
}

static void event_types_are_those_of_the_event_table(void **state)
{
	(void)state;
	struct field_ref ref = taken("evt.type.is.openat2", NULL);

	assert_int_equal(ref.kind, FIELD_REF_KEY);
	assert_int_equal(ref.key_len, strlen("openat2"));
	assert_int_equal(taken("evt.type.is.59", NULL).index, 59);
	assert_int_equal(resolve(NULL, "evt.type.is.cachestat", NULL), -ENXIO); /* a call without an event of its own */
	assert_int_equal(resolve(NULL, "evt.type.is", NULL), -EINVAL);
}

static void one_text_can_be_a_reference(void **state)
{
	static const char *const yes[] = {"proc.name", "proc.aname[2]", "evt.arg.flags", "container.label[app]",
	                                  "proc.env[]"};
	static const char *const no[] = {
	        "", "name", "proc.name[2]", "proc.aname[2", "proc.aname[2]x", "proc.aname[2]]", "[", "]"};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(field_is_reference(yes[i], strlen(yes[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(field_is_reference(no[i], strlen(no[i])));
}

static void refusals_say_what_is_taken(void **state)
{
	static const struct {
		const char *name, *bracket, *text;
	} rows[] = {
	        {"proc.aname", "x", "the field proc.aname takes a number in brackets, or none; a number is"},
	        {"evt.arg.flgas", NULL, "no event has a parameter named 'flgas'"},
	        {"evt.type.is.opem", NULL, "'opem' is no event type"},
	        {"evt.abspath.x", NULL, "src or dst"},
	        {"proc.naem", NULL, "unknown field proc.naem, did you mean proc.name"},
	        {"k8s.pod.label", "a b", "no blank"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = {0};

		assert_true(field_resolve(NULL, rows[i].name, strlen(rows[i].name), rows[i].bracket, &err) < 0);
		if (!strstr(err.text, rows[i].text))
			fail_msg("%s: %s", rows[i].name, err.text);
	}
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
	        cmocka_unit_test(the_fields_of_a_class_stand_together_in_the_order_of_classes),
	        cmocka_unit_test(types_have_words),
	        cmocka_unit_test(numbers_are_read_as_scanf_reads_them),
	        cmocka_unit_test(keys_are_kept_as_they_are),
	        cmocka_unit_test(no_index_means_any_ancestor_where_libsinsp_compares_so),
	        cmocka_unit_test(raw_parameters_have_the_type_of_the_first_of_their_name),
	        cmocka_unit_test(event_types_are_those_of_the_event_table),
	        cmocka_unit_test(one_text_can_be_a_reference),
	        cmocka_unit_test(refusals_say_what_is_taken),
	        cmocka_unit_test(unknown_names_are_not_found_and_near_ones_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
