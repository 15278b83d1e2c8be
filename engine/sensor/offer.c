// SPDX-License-Identifier: Apache-2.0
/* Which decision points this machine offers: tries them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "sensor/load.h"

/*
 * Whether a program that does nothing can be loaded and attached at a hook of the BPF LSM. Where the kernel refuses all
 * of them, as those do that have no trampolines, this tells without loading our own.
 */
static int try_lsm(struct error *err)
{
	/* return 0 */
	const struct bpf_insn code[] = {
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = BPF_LSM_MAC);
	_autoclose_ int program = -1, link = -1;
	const int hook = libbpf_find_vmlinux_btf_id("file_open", BPF_LSM_MAC);

	if (hook < 0)
		return error_set(err, -EOPNOTSUPP, "this kernel has no BPF LSM: use one with CONFIG_BPF_LSM=y");
	load.attach_btf_id = (uint32_t)hook;
	program = bpf_prog_load(BPF_PROG_TYPE_LSM, "tercel_try", "GPL", code, sizeof(code) / sizeof(code[0]), &load);
	if (program < 0)
		return error_set(err, -EOPNOTSUPP, "this kernel refuses to load programs of the BPF LSM: %s",
		                 strerror(-program));
	link = bpf_raw_tracepoint_open(NULL, program);
	if (link < 0)
		return error_set(err, -EOPNOTSUPP, "this kernel refuses to attach programs of the BPF LSM: %s",
		                 strerror(-link));
	return 0;
}

static int try_points(uint32_t points, struct error *err)
{
	const struct sensor_config config = {
	        .records = 1U << TERCEL_EXEC, .points = points, .ring_mb = 1, .max_procs = 1024};
	struct sensor *sensor = NULL;
	int code = sensor_open(&sensor, &config, err);

	sensor_close(sensor);
	return code;
}

static void give_reason(struct error *reasons, uint32_t points, const struct error *why)
{
	for (uint32_t p = 0; reasons && p < TERCEL_POINTS; p++)
		if (points >> p & 1)
			reasons[p] = *why;
}

uint32_t sensor_points_here(enum sensor_trial trial, struct error *reasons)
{
	const uint32_t all = sensor_points();
	struct error why = {""};
	uint32_t points = all;

	error_set(&why, -EOPNOTSUPP, "this version has no kernel program for it");
	give_reason(reasons, ~all, &why);
	(void)libbpf_set_print(NULL);
	if (try_lsm(&why) || load_check_lsm(&(struct load_options){0}, &why)) {
		points &= ~load_lsm_points();
		give_reason(reasons, load_lsm_points(), &why);
	}
	if (trial == SENSOR_TRIAL_SMALL || !try_points(points, &why))
		return points;
	/* Which of them it is: one by one. */
	for (uint32_t p = 0; p < TERCEL_POINTS; p++) {
		if (!(points >> p & 1) || !try_points(1U << p, &why))
			continue;
		points &= ~(1U << p);
		give_reason(reasons, 1U << p, &why);
	}
	return points;
}
