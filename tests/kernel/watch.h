/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every live test of the sensor needs: a sensor that keeps what it delivers, children that act while it watches,
 * and finders. Other processes of the machine are seen, too; tests look for their own pids only.
 */
#ifndef TERCEL_TESTS_KERNEL_WATCH_H
#define TERCEL_TESTS_KERNEL_WATCH_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sensor/load.h"
#include "sensor/sensor.h"

#define ALL_RECORDS ((1U << TERCEL_RECORD_TYPES) - 1)
#define WATCH_MAX (1U << 16)

struct watch {
	struct sensor *sensor;
	struct tercel_hdr **items; /* copies, in the order of delivery */
	size_t count;
};

/* Opens with everything asked for, or skips the test where no sensor can run. */
static inline void watch_open_with(struct watch *w, const struct sensor_config *config,
                                   const struct load_options *options)
{
	struct error err = {{0}};
	int code;

	memset(w, 0, sizeof(*w));
	w->items = calloc(WATCH_MAX, sizeof(*w->items));
	assert_non_null(w->items);
	code = sensor_open_with(&w->sensor, config, options, &err);
	if (code == -EPERM && geteuid() != 0) {
		free(w->items);
		skip();
	}
	if (code)
		fail_msg("%s", err.text);
}

static inline void watch_open(struct watch *w)
{
	watch_open_with(w, &(struct sensor_config){.records = ALL_RECORDS, .open_reads = true},
	                &(struct load_options){0});
}

static inline void watch_close(struct watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->items[i]);
	free(w->items);
	sensor_close(w->sensor);
	memset(w, 0, sizeof(*w));
}

static inline void watch_keep(struct watch *w, const struct tercel_hdr *record)
{
	assert_true(w->count < WATCH_MAX);
	w->items[w->count] = malloc(record->size);
	assert_non_null(w->items[w->count]);
	memcpy(w->items[w->count++], record, record->size);
}

/* Collects until the process `pid` is seen to end, or 5 s pass without a record. */
static inline void watch_until_exit(struct watch *w, pid_t pid)
{
	const struct tercel_hdr *record;

	while (sensor_next(w->sensor, 5000, &record) == 1) {
		watch_keep(w, record);
		if (record->type == TERCEL_EXIT && record->tgid == (uint32_t)pid &&
		    ((const struct tercel_exit *)(const void *)record)->group_dead)
			return;
	}
	fail_msg("the end of process %d was not delivered", pid);
}

/* Collects whatever comes until `quiet_ms` pass without a record. */
static inline void watch_drain(struct watch *w, int quiet_ms)
{
	const struct tercel_hdr *record;

	while (sensor_next(w->sensor, quiet_ms, &record) == 1)
		watch_keep(w, record);
}

/* Runs `act(arg)` in a child, whose status it returns, and collects up to its end. */
static inline pid_t watch_run(struct watch *w, int (*act)(void *), void *arg, int *status)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(act(arg));
	assert_int_equal(waitpid(pid, status, 0), pid);
	watch_until_exit(w, pid);
	return pid;
}

/* The nth (from 0) record of that type by that process; NULL if there is none. tgid 0: of any. */
static inline const void *watch_find(const struct watch *w, enum tercel_record_type type, pid_t tgid, size_t nth)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i]->type == type && (!tgid || w->items[i]->tgid == (uint32_t)tgid) && nth-- == 0)
			return w->items[i];
	return NULL;
}

static inline size_t watch_count(const struct watch *w, enum tercel_record_type type, pid_t tgid)
{
	size_t n = 0;

	while (watch_find(w, type, tgid, n))
		n++;
	return n;
}

/* A string of a record, as a C string in `out`. */
static inline const char *span_text(const void *record, struct tercel_span span, char *out, size_t size)
{
	assert_true(span.len < size);
	memcpy(out, (const char *)record + span.off, span.len);
	out[span.len] = '\0';
	return out;
}

static inline void assert_span(const void *record, struct tercel_span span, const char *text)
{
	char found[TERCEL_PATH_MAX + 1];

	assert_string_equal(span_text(record, span, found, sizeof(found)), text);
}

/* Where the cgroup v2 hierarchy is mounted; skips the test without one. */
static inline void find_cgroup2(char *out, size_t size)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[4096], dir[1024], type[64];

	out[0] = '\0';
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %1023s %63s", dir, type) == 2 && !strcmp(type, "cgroup2"))
			assert_in_range(snprintf(out, size, "%s", dir), 1, size - 1);
	if (f)
		(void)fclose(f);
	if (!out[0])
		skip();
}

#endif
