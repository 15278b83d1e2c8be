// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Both names of a file that the test opens: ours (bpf/path.h), and that of bpf_d_path(), which the kernel allows here.
 */
#include "kernel.h"

#include "path.h"

#include "path_probe.h"

/* Set by the test: whose opens are looked at. */
__u32 path_probe_tgid = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct path_names);
	__uint(map_flags, BPF_F_MMAPABLE);
} names SEC(".maps");

SEC("lsm/file_open")
int BPF_PROG(path_probe, struct file *file, int ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct scratch *s;
	struct path_names *n;
	__u32 zero = 0;
	__u64 len;

	if (ret || bpf_get_current_pid_tgid() >> 32 != path_probe_tgid)
		return ret;
	n = bpf_map_lookup_elem(&names, &zero);
	s = bpf_map_lookup_elem(&scratches, &zero);
	/* An overlay opens the file of a layer in turn, for itself. */
	if (!n || !s || n->seen++)
		return 0;
	n->kernel_len = bpf_d_path(&file->f_path, n->kernel, sizeof(n->kernel));
	n->flags = 0;
	len = path_of(s, BPF_CORE_READ(task, fs), BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt),
	              &n->flags);
	OPAQUE(len);
	if (len > TERCEL_PATH_MAX)
		return 0;
	n->ours_len = (__u32)len;
	if (len)
		bpf_probe_read_kernel(n->ours, len, s->walk + (TERCEL_PATH_MAX - len));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
