/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See probe.h. The maps are shared with the kernel as memory, so that a run is one system call.
 */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "match_probe.skel.h"

struct probe {
	struct match_probe_bpf *skel;
	uint8_t *image, *text;
	char *path;
	struct match_facts *facts;
	struct match_state *state;
	struct probe_ancestors *ancestors;
};

struct probe_args {
	uint32_t point, repeat;
	uint64_t ns;
};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static size_t mapped_size(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static void *share(const struct bpf_map *map, size_t size)
{
	void *at = mmap(NULL, mapped_size(size), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return at == MAP_FAILED ? NULL : at;
}

static void unshare_map(void *at, size_t size)
{
	if (at)
		munmap(at, mapped_size(size));
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	unshare_map(p->image, TERCEL_IMAGE_MAX);
	unshare_map(p->text, MATCH_TEXT_MAX);
	unshare_map(p->facts, sizeof(*p->facts));
	unshare_map(p->state, sizeof(*p->state));
	unshare_map(p->ancestors, sizeof(*p->ancestors));
	unshare_map(p->path, PROBE_PATH_MAX);
	match_probe_bpf__destroy(p->skel);
	free(p);
}

int probe_open(struct probe **out)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	libbpf_set_print(silent);
	p->skel = match_probe_bpf__open_and_load();
	if (!p->skel) {
		int err = errno ? -errno : -EINVAL;

		probe_close(p);
		return err;
	}
	p->image = share(p->skel->maps.image_map, TERCEL_IMAGE_MAX);
	p->text = share(p->skel->maps.text_map, MATCH_TEXT_MAX);
	p->facts = share(p->skel->maps.facts_map, sizeof(*p->facts));
	p->state = share(p->skel->maps.state_map, sizeof(*p->state));
	p->ancestors = share(p->skel->maps.ancestors_map, sizeof(*p->ancestors));
	p->path = share(p->skel->maps.path_map, PROBE_PATH_MAX);
	if (!p->image || !p->text || !p->facts || !p->state || !p->ancestors || !p->path) {
		probe_close(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

uint8_t *probe_image(struct probe *p)
{
	return p->image;
}

/* libbpf takes no output context for this program type: the kernel writes back to the one given. */
static int run(const struct bpf_program *program, struct probe_args *args)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(*args));
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);

	return err ? err : opts.retval ? -EINVAL : 0;
}

int probe_run(struct probe *p, const struct probe_case *c, uint32_t repeat, struct match_state *state, uint64_t *ns)
{
	struct probe_args args = {.point = c->point, .repeat = repeat};
	int err;

	*p->facts = *c->facts;
	*p->ancestors = *c->ancestors;
	*p->state = *state;
	memcpy(p->text, c->text, MATCH_TEXT_MAX);
	err = run(p->skel->progs.probe, &args);
	if (err)
		return err;
	*state = *p->state;
	if (ns)
		*ns = args.ns;
	return 0;
}

int probe_look_up(struct probe *p, const char *path, uint32_t n, uint32_t repeat, uint64_t *ns)
{
	struct probe_args args = {.repeat = repeat};
	uint64_t value = 1;
	int err;

	for (uint32_t i = 0; i < n; i++) {
		char key[PROBE_PATH_MAX] = {0};

		(void)snprintf(key, sizeof(key), "/usr/lib/packages/%u/file", i);
		err = bpf_map__update_elem(p->skel->maps.paths_map, key, sizeof(key), &value, sizeof(value), BPF_ANY);
		if (err)
			return err;
	}
	memset(p->path, 0, PROBE_PATH_MAX);
	memcpy(p->path, path, strnlen(path, PROBE_PATH_MAX - 1));
	err = run(p->skel->progs.look_up, &args);
	*ns = args.ns;
	return err;
}
