/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See probe.h. The maps are shared with the kernel as memory, so that a run is one system call.
 */
#include "probe.h"

#include <errno.h>
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
	struct match_facts *facts;
	struct match_state *state;
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

void probe_close(struct probe *p)
{
	if (!p)
		return;
	if (p->image)
		munmap(p->image, mapped_size(TERCEL_IMAGE_MAX));
	if (p->text)
		munmap(p->text, mapped_size(MATCH_TEXT_MAX));
	if (p->facts)
		munmap(p->facts, mapped_size(sizeof(*p->facts)));
	if (p->state)
		munmap(p->state, mapped_size(sizeof(*p->state)));
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
	if (!p->image || !p->text || !p->facts || !p->state) {
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

int probe_run(struct probe *p, enum tercel_point point, const struct match_facts *facts, const uint8_t *text,
              uint32_t repeat, struct match_state *state, uint64_t *ns)
{
	struct {
		uint32_t point, repeat;
		uint64_t ns;
	} args = {.point = point, .repeat = repeat};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int err;

	*p->facts = *facts;
	memcpy(p->text, text, MATCH_TEXT_MAX);
	err = bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.probe), &opts);
	if (err)
		return err;
	if (opts.retval)
		return -EINVAL;
	/* libbpf takes no output context for this program type: the kernel writes back to the one given. */
	*state = *p->state;
	if (ns)
		*ns = args.ns;
	return 0;
}
