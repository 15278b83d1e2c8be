/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "events/recording.h"

static char path[] = "/tmp/tercel-recording-XXXXXX";

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void record(struct recording_writer *w, uint64_t ts)
{
	struct tercel_exit exit_record = {
	        .hdr = {.ts = ts, .size = sizeof(exit_record), .type = TERCEL_EXIT, .tid = 7, .tgid = 7},
	        .exit_code = 256,
	};
	assert_int_equal(recording_write(w, &exit_record.hdr), 0);
}

static void write_recording(size_t records)
{
	const char *rules[] = {"Shell \"quoted\"", "ü"};
	const struct recording_info info = {
	        .clock_offset = INT64_MAX - 1, .node = "node-1", .rules = rules, .nrules = 2};
	struct recording_writer *w = NULL;
	struct error err = {0};
	assert_int_equal(recording_create(&w, path, &info, &err), 0);
	for (size_t i = 0; i < records; i++)
		record(w, i);
	assert_int_equal(recording_finish(w), 0);
}

static void what_was_written_is_read_back(void **state)
{
	(void)state;
	write_recording(1000);
	struct error err = {0};
	_autorecording_ struct recording_reader *r = NULL;
	assert_int_equal(recording_open(&r, path, &err), 0);
	const struct recording_info *info = recording_info(r);
	assert_int_equal(info->clock_offset, INT64_MAX - 1);
	assert_string_equal(info->node, "node-1");
	assert_int_equal(info->nrules, 2);
	assert_string_equal(info->rules[0], "Shell \"quoted\"");
	assert_string_equal(info->rules[1], "ü");
	const struct tercel_hdr *hdr = NULL;
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(recording_next(r, &hdr, &err), 1);
		assert_int_equal(hdr->ts, i);
		assert_int_equal(((const struct tercel_exit *)hdr)->exit_code, 256);
	}
	assert_int_equal(recording_next(r, &hdr, &err), 0);
}

static void a_cut_file_says_where(void **state)
{
	(void)state;
	write_recording(3);
	FILE *f = fopen(path, "r");
	if (!f) {
		fail();
		return;
	}
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	long size = ftell(f);
	(void)fclose(f);
	assert_int_equal(truncate(path, size - 1), 0);

	struct error err = {0};
	_autorecording_ struct recording_reader *r = NULL;
	assert_int_equal(recording_open(&r, path, &err), 0);
	const struct tercel_hdr *hdr = NULL;
	assert_int_equal(recording_next(r, &hdr, &err), 1);
	assert_int_equal(recording_next(r, &hdr, &err), 1);
	assert_int_equal(recording_next(r, &hdr, &err), -EINVAL);
	char expected[256];
	(void)snprintf(expected, sizeof(expected), "%s: cut or damaged at byte %ld", path,
	               size - (long)sizeof(struct tercel_exit));
	assert_string_equal(err.text, expected);
}

static void refuses(const char *content)
{
	FILE *f = fopen(path, "w");
	if (!f) {
		fail();
		return;
	}
	assert_int_equal(fwrite(content, 1, strlen(content), f), strlen(content));
	assert_int_equal(fclose(f), 0);
	struct error err = {0};
	struct recording_reader *r = NULL;
	assert_int_equal(recording_open(&r, path, &err), -EINVAL);
	assert_null(r);
	assert_non_null(strstr(err.text, "not a recording"));
}

static void other_files_are_refused(void **state)
{
	(void)state;
	refuses("");
	refuses("\n");
	refuses("{}\n");
	refuses("no newline at all");
	refuses("{\"tercel_recording\":3,\"byte_order\":\"little\",\"clock_offset\":\"0\",\"node\":\"n\",\"rules\":[]}"
	        "\n");
	refuses("{\"tercel_recording\":2,\"byte_order\":\"middle\",\"clock_offset\":\"0\",\"node\":\"n\",\"rules\":[]}"
	        "\n");
	refuses("{\"tercel_recording\":2,\"byte_order\":\"little\",\"clock_offset\":\"0x\",\"node\":\"n\",\"rules\":[]}"
	        "\n");
	refuses("{\"tercel_recording\":2,\"byte_order\":\"little\",\"clock_offset\":\"0\",\"node\":\"n\",\"rules\":[1]}"
	        "\n");
}

static void a_header_that_cannot_be_is_refused(void **state)
{
	(void)state;
	static const struct tercel_hdr bad[] = {
	        {.size = 1, .type = TERCEL_EXIT},
	        {.size = TERCEL_RECORD_MAX + 1, .type = TERCEL_EXIT},
	        {.size = sizeof(struct tercel_hdr), .type = TERCEL_RECORD_TYPES},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		write_recording(0);
		FILE *f = fopen(path, "a");
		if (!f) {
			fail();
			return;
		}
		assert_int_equal(fwrite(&bad[i], sizeof(bad[i]), 1, f), 1);
		assert_int_equal(fclose(f), 0);
		struct error err = {0};
		_autorecording_ struct recording_reader *r = NULL;
		const struct tercel_hdr *hdr = NULL;
		assert_int_equal(recording_open(&r, path, &err), 0);
		assert_int_equal(recording_next(r, &hdr, &err), -EINVAL);
	}
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	const struct recording_info info = {.node = "n"};
	struct recording_writer *w = NULL;
	assert_int_equal(recording_create(&w, "/dev/full", &info, NULL), 0);
	int r = 0;
	for (int i = 0; i < 10000 && !r; i++) {
		struct tercel_exit e = {.hdr = {.size = sizeof(e), .type = TERCEL_EXIT}};
		r = recording_write(w, &e.hdr);
	}
	assert_int_equal(r, -ENOSPC);
	(void)recording_finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_written_is_read_back), cmocka_unit_test(a_cut_file_says_where),
	        cmocka_unit_test(other_files_are_refused),       cmocka_unit_test(a_header_that_cannot_be_is_refused),
	        cmocka_unit_test(a_full_disk_is_an_error),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
