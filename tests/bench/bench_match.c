/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a decision costs with 10 and with 1000 rules, inside the kernel: nanoseconds for an exec that no rule is about
 * (what nearly every exec is), and for one that a rule matches; and the ratio. The promise is that cost stays flat.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/image.h"
#include "probe.h"

#define FEW 10
#define MANY 1000
#define REPEAT 20000
#define ROUNDS 7
/* Far above what was measured; a linear matcher would be near 100. */
#define RATIO_MAX 10
#define SKIPPED 77

/* Five comparisons each, none shared but the event and the container; as in detection rules, most name programs. */
static struct image *build(size_t n)
{
	struct image_rule *rules = calloc(n, sizeof(*rules));
	struct filter **filters = calloc(n, sizeof(*filters));
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	struct image *image = NULL;

	for (size_t i = 0; rules && filters && i < n; i++) {
		_autobuf_ struct buf b = BUF_INIT;

		buf_addf(
		        &b,
		        "evt.type in (execve, execveat) and container.id != host and proc.name in (tool%zu, helper%zu) "
		        "and (proc.pname = svc%zu or proc.cmdline contains \"--flag%zu\") "
		        "and not proc.exepath startswith /opt/app%zu/",
		        i, i, i, i, i);
		if (filter_parse(&filters[i], &(struct filter_text){.bytes = buf_str(&b), .len = b.len}, &diags))
			break;
		rules[i] = (struct image_rule){.name = "r",
		                               .condition = filter_root(filters[i]),
		                               .mode = TERCEL_MODE_MONITOR,
		                               .action = TERCEL_ACTION_DENY};
	}
	if (!diags.errors)
		(void)image_build(&image, &(struct image_input){.rules = rules, .nrules = n}, &diags);
	diag_print(&diags, stderr);
	for (size_t i = 0; filters && i < n; i++)
		filter_free(filters[i]);
	free(filters);
	free(rules);
	return image;
}

static void set_short(struct match_facts *f, enum match_domain d, const char *value)
{
	f->short_text[d].len = (uint32_t)strlen(value);
	memcpy(f->short_text[d].bytes, value, strlen(value));
}

static void make_facts(struct match_facts *f, uint8_t *text, const char *name)
{
	static const char path[] = "/usr/bin/python3.11";
	static const char args[] = "python3\0manage.py\0runserver\0--settings=production\0--flag3\0/var/lib/app/data";

	memset(f, 0, sizeof(*f));
	memcpy(text, path, sizeof(path) - 1);
	memcpy(text + 64, args, sizeof(args));
	f->text[0] = (struct tercel_span){.off = 0, .len = sizeof(path) - 1};
	f->text[MATCH_CMDLINE - MATCH_EXEPATH] = (struct tercel_span){.off = 64, .len = sizeof(args)};
	set_short(f, MATCH_NAME, name);
	set_short(f, MATCH_EVENT, "execve");
	set_short(f, MATCH_CONTAINER, "0123456789ab");
	f->ancestors = 4;
	for (uint32_t i = 0; i < f->ancestors; i++) {
		struct match_ancestor *a = &f->ancestor[i];

		(void)snprintf(a->thread, sizeof(a->thread), "%s", i ? "containerd-shim" : "svc3");
		memcpy(a->leader, a->thread, sizeof(a->leader));
	}
}

/* The best of several rounds: the others are what else the machine did. */
static double measure(struct probe *p, const struct match_facts *f, const uint8_t *text, uint32_t *hits)
{
	struct match_state state;
	uint64_t ns, best = UINT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		if (probe_run(p, TERCEL_POINT_EXEC_COMMIT, f, text, REPEAT, &state, &ns))
			return -1;
		if (ns < best)
			best = ns;
	}
	*hits = state.hits;
	return (double)best / REPEAT;
}

int main(void)
{
	static const char *const acts[] = {"python3", "tool3"};
	static struct match_facts facts;
	uint8_t *text = calloc(1, MATCH_TEXT_MAX);
	struct probe *p = NULL;
	double ns[2][2] = {{0}};
	int err = probe_open(&p), failed = 0;

	if (err == -EPERM) {
		printf("skipped: loading kernel programs needs root\n");
		return SKIPPED;
	}
	if (err || !text) {
		fprintf(stderr, "cannot load the matcher: %s\n", strerror(err ? -err : ENOMEM));
		return 1;
	}
	for (int many = 0; many < 2; many++) {
		struct image *image = build(many ? MANY : FEW);

		if (!image)
			return 1;
		memcpy(probe_image(p), image->data, TERCEL_IMAGE_MAX);
		printf("%4d rules: image %zu bytes\n", many ? MANY : FEW, image->size);
		for (int act = 0; act < 2; act++) {
			uint32_t hits = 0;

			make_facts(&facts, text, acts[act]);
			ns[many][act] = measure(p, &facts, text, &hits);
			if (ns[many][act] < 0 || hits != (uint32_t)act) {
				fprintf(stderr, "%s: %u rules decided, %d should\n", acts[act], hits, act);
				return 1;
			}
		}
		image_free(image);
	}
	for (int act = 0; act < 2; act++) {
		double ratio = ns[1][act] / ns[0][act];

		printf("exec that %s: %.0f ns with %d rules, %.0f ns with %d, ratio %.2f\n",
		       act ? "one rule matches" : "no rule matches", ns[0][act], FEW, ns[1][act], MANY, ratio);
		failed |= ratio > RATIO_MAX;
	}
	probe_close(p);
	free(text);
	return failed;
}
