/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image builder: places every rule, gives atoms their bits, and writes graphs, guards and tables.
 *
 * Everything is appended to one growing buffer at offsets of 8; equal lists and equal graph nodes are written once. All
 * orders are fixed (rules as given, atoms by content), which makes the bytes reproducible.
 */
#include "policy/image_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton.h"
#include "policy/mutation.h"

/* ---- decision graphs -------------------------------------------------------------------------------------------- */

static uint64_t node_at(const struct builder *b, uint32_t node)
{
	uint64_t v;

	memcpy(&v, b->nodes.data + (size_t)node * sizeof(v), sizeof(v));
	return v;
}

static void grow_node_buckets(struct builder *b)
{
	size_t n = b->nnode_buckets ? b->nnode_buckets * 2 : 4096;
	uint32_t *buckets = calloc(n, sizeof(*buckets));

	if (!buckets) {
		b->error = -ENOMEM;
		return;
	}
	for (uint32_t i = 2; i < b->nodes.len / sizeof(uint64_t); i++) {
		uint64_t v = node_at(b, i);
		size_t at = hash_bytes(HASH_START, &v, sizeof(v)) & (n - 1);

		while (buckets[at])
			at = (at + 1) & (n - 1);
		buckets[at] = i;
	}
	free(b->node_buckets);
	b->node_buckets = buckets;
	b->nnode_buckets = n;
}

static uint32_t write_node(struct builder *b, uint32_t bit, bool negated, uint32_t then, uint32_t other)
{
	uint64_t v = match_node(bit, negated, then, other);
	size_t at;

	if (then == other)
		return then;
	if (b->nodes.len / sizeof(v) * 2 >= b->nnode_buckets)
		grow_node_buckets(b);
	if (b->error)
		return 0;
	for (at = hash_bytes(HASH_START, &v, sizeof(v)) & (b->nnode_buckets - 1); b->node_buckets[at];
	     at = (at + 1) & (b->nnode_buckets - 1))
		if (node_at(b, b->node_buckets[at]) == v)
			return b->node_buckets[at];
	b->node_buckets[at] = (uint32_t)(b->nodes.len / sizeof(v));
	buf_add(&b->nodes, &v, sizeof(v));
	return b->node_buckets[at];
}

/* Kids are written before those that point to them, so every walk goes to lower numbers and ends. */
static uint32_t write_graph(struct builder *b, const struct formula *f, bool lost, uint32_t then, uint32_t other)
{
	uint32_t next = f->kind == FORMULA_AND ? then : other;

	switch (f->kind) {
	case FORMULA_FALSE:
		return other;
	case FORMULA_TRUE:
		return then;
	case FORMULA_LOST:
		return lost ? then : other;
	case FORMULA_ATOM:
		return write_node(b, atoms_get(b->atoms, f->atom)->bit, f->negated, then, other);
	default:
		for (size_t i = f->nkids; i-- > 0;)
			next = f->kind == FORMULA_AND ? write_graph(b, f->kids[i], lost, next, other)
			                              : write_graph(b, f->kids[i], lost, then, next);
		return next;
	}
}

static size_t count_leaves(const struct formula *f)
{
	size_t n = f->kind == FORMULA_ATOM;

	for (size_t i = 0; i < f->nkids; i++)
		n += count_leaves(f->kids[i]);
	return n;
}

/* ---- guards ----------------------------------------------------------------------------------------------------- */

/* How much it costs to know a domain and how often its atoms hold of acts that mean no harm: the lower, the better. */
static unsigned int domain_cost(enum match_domain d)
{
	switch (d) {
	case MATCH_PATH:
	case MATCH_NEWPATH:
	case MATCH_TARGET:
		return 0;
	case MATCH_NAME:
	case MATCH_PORT:
	case MATCH_ADDR4:
		return 2;
	case MATCH_EXEPATH:
	case MATCH_EXE:
	case MATCH_CWD:
		return 5;
	case MATCH_ARGS:
	case MATCH_CMDLINE:
	case MATCH_ENV:
		return 12;
	case MATCH_ARG_KIND:
	case MATCH_RESULT:
		return 15;
	case MATCH_ARG_FLAGS:
	case MATCH_ARG_MODE:
		return 40;
	case MATCH_ANAME:
	case MATCH_AEXE:
	case MATCH_AEXEPATH:
	case MATCH_ACMDLINE:
		return 60;
	case MATCH_CONTAINER:
	case MATCH_EVENT:
	case MATCH_FD_TYPE:
	case MATCH_L4PROTO:
		return 70;
	/* Their words are copied as they are. */
	case MATCH_CONTAINER_FACTS:
		return NO_CLAUSE;
	default:
		return 30;
	}
}

static unsigned int test_cost(enum atom_test t)
{
	switch (t) {
	case ATOM_EQUALS:
	case ATOM_DIRECTORY:
	case ATOM_RANGE:
	case ATOM_BITS:
		return 10;
	case ATOM_SUFFIX:
		return 20;
	case ATOM_CONTAINS:
		return 22;
	/* Many files begin like one, and few end so. */
	case ATOM_PREFIX:
		return 28;
	case ATOM_EXISTS:
		return 90;
	/* In an automaton of their own, which then has to be walked for every act. */
	default:
		return 50;
	}
}

/* Short texts are in many others. */
static unsigned int shortness(const struct atom *a)
{
	unsigned int cost = 0;

	if (a->test == ATOM_EQUALS || a->test == ATOM_DIRECTORY)
		return 0;
	for (size_t i = 0; i < a->ntexts; i++) {
		const unsigned int own = a->texts[i].len < 4 ? 20 : a->texts[i].len < 8 ? 8 : 0;

		if (own > cost)
			cost = own;
	}
	return cost;
}

/* Whether nearly every act has one of these facts. */
static bool is_common(const struct atom *a)
{
	return a->domain == MATCH_BITS &&
	       a->bits & (1ULL << MATCH_BIT_OPEN_READ | 1ULL << MATCH_BIT_OPEN_WRITE | 1ULL << MATCH_BIT_VPGID_LEADER |
	                  1ULL << MATCH_BIT_SID_LEADER | 1ULL << MATCH_BIT_EXE_LOWER | 1ULL << MATCH_BIT_CONNECTED);
}

static unsigned int atom_cost(const struct atom *a)
{
	unsigned int cost = domain_cost(a->domain);

	if (cost == NO_CLAUSE)
		return cost;
	return cost + test_cost(a->test) + shortness(a) + (is_common(a) ? 40 : 0);
}

void image_clause_free(struct clause *c)
{
	free(c->atoms);
	*c = (struct clause){.cost = NO_CLAUSE};
}

static void clause_union(struct builder *b, struct clause *to, const struct clause *from)
{
	uint32_t *atoms = realloc(to->atoms, (to->n + from->n + 1) * sizeof(*atoms));

	if (!atoms) {
		b->error = -ENOMEM;
		return;
	}
	if (from->n)
		memcpy(atoms + to->n, from->atoms, from->n * sizeof(*atoms));
	to->atoms = atoms;
	to->n += from->n;
	if (from->cost > to->cost)
		to->cost = from->cost;
}

/*
 * The best clause that the formula, with lost leaves read as false, implies. A negated atom implies none: it holds of
 * nearly everything. An OR implies the union of its kids' clauses, an AND any of its kids'.
 */
struct clause image_guard(struct builder *b, const struct formula *f)
{
	struct clause best = {.cost = NO_CLAUSE};

	switch (f->kind) {
	case FORMULA_FALSE:
	case FORMULA_LOST:
		best.cost = 0;
		return best;
	case FORMULA_ATOM:
		if (f->negated || atom_cost(atoms_get(b->atoms, f->atom)) == NO_CLAUSE)
			return best;
		clause_union(b, &best, &(struct clause){.atoms = (uint32_t[]){f->atom}, .n = 1});
		best.cost = atom_cost(atoms_get(b->atoms, f->atom));
		return best;
	case FORMULA_OR:
		best.cost = 0;
		for (size_t i = 0; i < f->nkids; i++) {
			struct clause kid = image_guard(b, f->kids[i]);

			if (!i || !MUTATED(GUARD_OF_FIRST))
				clause_union(b, &best, &kid);
			image_clause_free(&kid);
		}
		if (best.cost == NO_CLAUSE)
			image_clause_free(&best);
		return best;
	case FORMULA_AND:
		for (size_t i = 0; i < f->nkids; i++) {
			struct clause kid = image_guard(b, f->kids[i]);

			if (kid.cost < best.cost) {
				image_clause_free(&best);
				best = kid;
			} else {
				image_clause_free(&kid);
			}
		}
		return best;
	default:
		return best;
	}
}

/* ---- the image -------------------------------------------------------------------------------------------------- */

static void check_length(struct builder *b, size_t rule, size_t point)
{
	const struct derivation *d = image_placed(b, rule, point);

	if (!d->applies || count_leaves(d->formula) <= TERCEL_GRAPH_STEPS)
		return;
	diag_add(b->diags, DIAG_ERROR, b->in->rules[rule].pos, "condition-too-long",
	         "the condition of rule \"%s\" has more than %d comparisons after expansion; split the rule",
	         b->in->rules[rule].name, TERCEL_GRAPH_STEPS);
	b->error = -EINVAL;
}

static void place_rules(struct builder *b)
{
	for (size_t r = 0; r < b->in->nrules && !b->error; r++) {
		b->error = placement_make(&b->placed[r], b->in->rules[r].condition,
		                          b->in->points ? b->in->points : PLACEMENT_FULL, b->atoms);
		for (size_t p = 0; p < TERCEL_POINTS && !b->error; p++)
			check_length(b, r, p);
	}
}

static uint64_t domains_of(const struct builder *b, uint32_t atom)
{
	uint64_t domains = MATCH_BIT_OF(atoms_get(b->atoms, atom)->domain);

	if (domains & MATCH_BIT_OF(MATCH_ADDR4))
		domains |= MATCH_BIT_OF(MATCH_ADDR6);
	if (domains & MATCH_BIT_OF(MATCH_LOCAL4))
		domains |= MATCH_BIT_OF(MATCH_LOCAL6);
	return domains;
}

static uint64_t formula_domains(const struct builder *b, const struct formula *f)
{
	uint64_t domains = f->kind == FORMULA_ATOM ? domains_of(b, f->atom) : 0;

	for (size_t i = 0; i < f->nkids; i++)
		domains |= formula_domains(b, f->kids[i]);
	return domains;
}

static void add_waiting(struct builder *b, uint32_t bit, uint32_t rule)
{
	struct waiting *w = &b->waiting[bit];

	if (w->n && w->rules[w->n - 1] == rule)
		return;
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 4;
		uint32_t *rules = realloc(w->rules, cap * sizeof(*rules));

		if (!rules) {
			b->error = -ENOMEM;
			return;
		}
		w->rules = rules;
		w->cap = cap;
	}
	w->rules[w->n++] = rule;
}

/* What the points' tables are made from. */
struct point_tables {
	uint64_t rules[TERCEL_RULE_WORDS], always[TERCEL_RULE_WORDS];
	uint32_t *must, *may; /* [rules], owned */
};

static void point_tables_free(struct point_tables *t)
{
	free(t->must);
	free(t->may);
}

/* The rule waits for the atoms of its best clause; without one it is looked at every time. */
static void guard_rule(struct builder *b, size_t rule, size_t point, struct point_tables *t)
{
	struct match_point *out = &b->header.points[point];
	struct clause c = image_guard(b, image_placed(b, rule, point)->formula);

	if (c.cost == NO_CLAUSE)
		image_set_bit(t->always, (uint32_t)rule);
	for (size_t i = 0; i < c.n; i++) {
		add_waiting(b, atoms_get(b->atoms, c.atoms[i])->bit, (uint32_t)rule);
		out->guards |= domains_of(b, c.atoms[i]);
	}
	image_clause_free(&c);
}

static void write_rule_at(struct builder *b, size_t rule, size_t point, struct point_tables *t)
{
	const struct derivation *d = image_placed(b, rule, point);

	if (!d->applies)
		return;
	t->may[rule] = write_graph(b, d->formula, true, 1, 0);
	t->must[rule] = write_graph(b, d->formula, MUTATED(LOST_HOLDS), 1, 0);
	if (!t->must[rule])
		return;
	image_set_bit(t->rules, (uint32_t)rule);
	/* Whether the program is protected: monitor mode promises no more than enforce mode does. */
	b->header.points[point].domains |= formula_domains(b, d->formula) | MATCH_BIT_OF(MATCH_EXEPATH);
	guard_rule(b, rule, point, t);
}

static bool any_rule(const struct builder *b, const uint64_t *rules)
{
	for (size_t w = 0; w < b->rule_words; w++)
		if (rules[w])
			return true;
	return false;
}

/* All that can be written before it is known which rules wait for which atom; *always is written after. */
static void write_point(struct builder *b, size_t point, uint64_t *always)
{
	const size_t n = b->in->nrules;
	__attribute__((cleanup(point_tables_free))) struct point_tables t = {.must = calloc(n + 1, sizeof(uint32_t)),
	                                                                     .may = calloc(n + 1, sizeof(uint32_t))};
	struct match_point *out = &b->header.points[point];
	bool some = false;

	if (!t.must || !t.may) {
		b->error = -ENOMEM;
		return;
	}
	for (size_t r = 0; r < n && !b->error; r++) {
		write_rule_at(b, r, point, &t);
		some |= t.may[r] != 0;
	}
	if (!some)
		return;
	out->must = image_append(b, t.must, n * sizeof(uint32_t));
	out->may = image_append(b, t.may, n * sizeof(uint32_t));
	if (any_rule(b, t.rules))
		out->rules = image_append(b, t.rules, b->rule_words * sizeof(uint64_t));
	memcpy(always, t.always, sizeof(t.always));
}

/* Which atoms an ancestor at a distance answers; row 0: those of any ancestor. */
static void write_levels(struct builder *b)
{
	const size_t row = b->atom_words, n = (1 + TERCEL_ANCESTOR_LEVELS) * row;
	_autofree_ uint64_t *levels = calloc(n + 1, sizeof(*levels));
	size_t natoms;
	const uint32_t *order = atoms_order(b->atoms, &natoms);

	if (!levels) {
		b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < natoms; i++) {
		const struct atom *a = atoms_get(b->atoms, order[i]);
		uint32_t far = a->level ? a->level : TERCEL_ANCESTORS_MAX;

		if (a->domain < MATCH_ANAME || a->domain > MATCH_ACMDLINE)
			continue;
		image_set_bit(levels + a->level * row, a->bit);
		if (a->domain != MATCH_ANAME && b->header.ancestor_texts < far)
			b->header.ancestor_texts = far;
	}
	b->header.levels = image_append(b, levels, n * sizeof(*levels));
}

/* Programs that must go on, or the machine is lost with them (semantics, section 8); on the host only. */
static const char *const protected_programs[] = {
        "/sbin/init",
        "/lib/systemd/systemd",
        "/usr/lib/systemd/systemd",
        "/usr/bin/containerd",
        "/usr/bin/containerd-shim",
        "/usr/bin/containerd-shim-runc-v1",
        "/usr/bin/containerd-shim-runc-v2",
        "/usr/local/bin/containerd",
        "/usr/local/bin/containerd-shim-runc-v2",
        "/usr/bin/dockerd",
        "/usr/sbin/dockerd",
        "/usr/bin/docker-proxy",
        "/usr/sbin/docker-proxy",
        "/usr/bin/runc",
        "/usr/sbin/runc",
        "/usr/local/sbin/runc",
        "/usr/bin/crun",
        "/usr/bin/conmon",
        "/usr/bin/crio",
        "/usr/bin/podman",
        "/usr/bin/kubelet",
        "/usr/local/bin/kubelet",
        "/usr/bin/tercel",
        "/usr/local/bin/tercel",
};

static void add_protected(struct builder *b)
{
	const size_t builtin = sizeof(protected_programs) / sizeof(protected_programs[0]);
	_autofree_ struct atom_text *texts = calloc(builtin + b->in->nprotect, sizeof(*texts));
	struct atom model = {
	        .domain = MATCH_EXEPATH, .test = ATOM_EQUALS, .texts = texts, .ntexts = builtin + b->in->nprotect};

	if (!texts) {
		b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < model.ntexts; i++) {
		texts[i].bytes = i < builtin ? protected_programs[i] : b->in->protect[i - builtin];
		texts[i].len = strlen(texts[i].bytes);
	}
	b->error = atoms_add(b->atoms, &model, &b->protected_id);
}

static void mark_atoms(const struct formula *f, bool *used)
{
	if (f->kind == FORMULA_ATOM)
		used[f->atom] = true;
	for (size_t i = 0; i < f->nkids; i++)
		mark_atoms(f->kids[i], used);
}

static void too_many_atoms(struct builder *b)
{
	diag_add(b->diags, DIAG_ERROR, (struct source_pos){0}, "too-many-atoms",
	         "the rules ask more than %d distinct questions; load fewer rules, or switch some off in the policy "
	         "file",
	         TERCEL_ATOM_WORDS * 64);
}

static void place_atoms(struct builder *b)
{
	uint32_t first[MATCH_DOMAIN_ROOM], words[MATCH_DOMAIN_ROOM];
	_autofree_ bool *used = calloc(atoms_count(b->atoms) + 1, sizeof(*used));
	int n;

	if (!used) {
		b->error = -ENOMEM;
		return;
	}
	used[b->protected_id] = true;
	for (size_t r = 0; r < b->in->nrules; r++)
		for (size_t p = 0; p < TERCEL_POINTS; p++)
			if (image_placed(b, r, p)->applies)
				mark_atoms(image_placed(b, r, p)->formula, used);
	n = atoms_place(b->atoms, used, first, words);
	if (n < 0) {
		b->error = n;
		if (n == -E2BIG)
			too_many_atoms(b);
		return;
	}
	b->atom_words = (uint32_t)n;
	b->rule_words = (uint32_t)((b->in->nrules + 63) / 64);
	b->header.protected_atom = atoms_get(b->atoms, b->protected_id)->bit + 1;
	for (uint32_t d = 0; d < MATCH_DOMAIN_ROOM; d++) {
		b->header.domains[d].first_word = first[d];
		b->header.domains[d].words = words[d];
	}
	if (words[MATCH_CONTAINER_FACTS] > TERCEL_CONTAINER_WORDS) {
		diag_add(
		        b->diags, DIAG_ERROR, (struct source_pos){0}, "too-many-container-conditions",
		        "the rules ask more than %d distinct questions about containers and pods; load fewer rules, or "
		        "switch some off in the policy file",
		        TERCEL_CONTAINER_WORDS * 64);
		b->error = -E2BIG;
	}
	b->waiting = calloc((size_t)b->atom_words * 64 + 1, sizeof(*b->waiting));
	if (!b->waiting)
		b->error = -ENOMEM;
}

static void write_rule_table(struct builder *b)
{
	const size_t n = b->in->nrules;
	_autofree_ struct match_rule *table = calloc(n + 1, sizeof(*table));

	if (!table) {
		b->error = -ENOMEM;
		return;
	}
	for (size_t r = 0; r < n; r++)
		table[r] = (struct match_rule){.mode = b->in->rules[r].mode,
		                               .action = b->in->rules[r].action,
		                               .on_uncertain = b->in->rules[r].on_uncertain,
		                               .error = (__u32)(b->in->rules[r].error ? b->in->rules[r].error : EPERM)};
	b->header.rule_table = image_append(b, table, n * sizeof(*table));
}

static void write_all(struct builder *b)
{
	_autofree_ uint64_t(*always)[TERCEL_RULE_WORDS] = calloc(TERCEL_POINTS, sizeof(*always));
	uint64_t answers[2] = {0, 1};

	if (!always) {
		b->error = -ENOMEM;
		return;
	}
	image_append(b, &b->header, sizeof(b->header));
	buf_add(&b->nodes, answers, sizeof(answers));
	for (size_t p = 0; p < TERCEL_POINTS && !b->error; p++)
		write_point(b, p, always[p]);
	if (b->error)
		return;
	for (size_t p = 0; p < TERCEL_POINTS; p++)
		b->header.points[p].always = image_write_rules(b, always[p]);
	write_rule_table(b);
	b->header.nodes = (uint32_t)(b->nodes.len / sizeof(uint64_t));
	b->header.node_table = image_append(b, buf_str(&b->nodes), b->nodes.len);
	if (b->header.nodes > MATCH_NODE_MASK)
		b->error = -E2BIG;
	write_levels(b);
	image_write_domains(b);
	if (!b->error && (buf_error(&b->out) || buf_error(&b->nodes)))
		b->error = -ENOMEM;
}

/* What has to be answered in user space: the atoms of that domain, in the order of their bits. */
static int name_containers(struct builder *b, struct image *image)
{
	size_t natoms;
	const uint32_t *order = atoms_order(b->atoms, &natoms);

	image->containers = calloc(natoms + 1, sizeof(char *));
	if (!image->containers)
		return -ENOMEM;
	for (size_t i = 0; i < natoms; i++) {
		const struct atom *a = atoms_get(b->atoms, order[i]);

		if (a->domain != MATCH_CONTAINER_FACTS)
			continue;
		image->containers[image->ncontainers] = strdup(a->texts[0].bytes);
		if (!image->containers[image->ncontainers++])
			return -ENOMEM;
	}
	b->header.containers = (uint32_t)image->ncontainers;
	return 0;
}

/* The last reads of the matcher may be masked, never cut: leave room for one more entry. */
#define IMAGE_ROOM 64

static void seal(struct builder *b, struct image *image)
{
	struct match_header *h = &b->header;

	h->magic = TERCEL_IMAGE_MAGIC;
	h->version = TERCEL_IMAGE_VERSION;
	h->size = (uint32_t)image->size;
	h->generation = b->in->generation;
	h->atom_words = b->atom_words;
	h->rule_words = b->rule_words;
	h->rules = (uint32_t)b->in->nrules;
	memcpy(image->data, b->out.data, b->out.len);
	memcpy(image->data, h, sizeof(*h));
	h->checksum = match_checksum(image->data, (uint32_t)image->size);
	memcpy(image->data, h, sizeof(*h));
}

static int finish(struct builder *b, struct image *image)
{
	if (b->out.len + IMAGE_ROOM > TERCEL_IMAGE_MAX) {
		diag_add(b->diags, DIAG_ERROR, (struct source_pos){0}, "policy-too-large",
		         "the policy image needs %zu bytes, %u fit; load fewer rules, or switch some off in the policy "
		         "file",
		         b->out.len, TERCEL_IMAGE_MAX - IMAGE_ROOM);
		return -E2BIG;
	}
	image->data = calloc(1, TERCEL_IMAGE_MAX);
	image->rules = calloc(b->in->nrules + 1, sizeof(*image->rules));
	if (!image->data || !image->rules || name_containers(b, image))
		return -ENOMEM;
	image->size = b->out.len;
	(void)atoms_order(b->atoms, &image->natoms);
	image->nstates = b->nstates;
	image->nnodes = b->header.nodes;
	seal(b, image);
	for (size_t r = 0; r < b->in->nrules; r++) {
		image->rules[r].name = strdup(b->in->rules[r].name);
		image->rules[r].mode = b->in->rules[r].mode;
		image->rules[r].action = b->in->rules[r].action;
		image->nrules = r + 1;
		if (!image->rules[r].name)
			return -ENOMEM;
	}
	return 0;
}

void image_builder_free(struct builder *b)
{
	for (size_t r = 0; b->placed && r < b->in->nrules; r++)
		placement_free(&b->placed[r]);
	free(b->placed);
	for (size_t i = 0; b->waiting && i < (size_t)b->atom_words * 64; i++)
		free(b->waiting[i].rules);
	free(b->waiting);
	atoms_free(b->atoms);
	buf_free(&b->out);
	buf_free(&b->nodes);
	free(b->node_buckets);
	free(b->lists.lists);
	free(b->lists.buckets);
}

static void too_large(struct builder *b)
{
	diag_add(b->diags, DIAG_ERROR, (struct source_pos){0}, "policy-too-large",
	         "the texts and numbers that the rules compare with do not fit (at most %d states of automata, %d "
	         "automata "
	         "for one field, and %u bytes in all); load fewer rules, or switch some off in the policy file",
	         AUTOMATON_STATES_MAX, AUTOMATA_MAX, TERCEL_IMAGE_MAX);
}

int image_make(struct builder *b)
{
	const struct image_input *in = b->in;
	int r;

	if (in->nrules > (size_t)TERCEL_RULE_WORDS * 64) {
		diag_add(b->diags, DIAG_ERROR, (struct source_pos){0}, "too-many-rules",
		         "%zu rules are switched on, %d fit; switch some off in the policy file", in->nrules,
		         TERCEL_RULE_WORDS * 64);
		return -E2BIG;
	}
	b->placed = calloc(in->nrules + 1, sizeof(*b->placed));
	if (!b->placed)
		return -ENOMEM;
	r = atoms_new(&b->atoms);
	if (r)
		return r;
	place_rules(b);
	if (!b->error)
		add_protected(b);
	if (!b->error)
		place_atoms(b);
	if (!b->error)
		write_all(b);
	if (b->error == -E2BIG && !diag_failed(b->diags))
		too_large(b);
	return b->error;
}

int image_build(struct image **out, const struct image_input *in, struct diag_list *diags)
{
	_autobuilder_ struct builder b = {.in = in, .diags = diags};
	_autoimage_ struct image *image = calloc(1, sizeof(*image));
	int r = image ? image_make(&b) : -ENOMEM;

	if (!r)
		r = finish(&b, image);
	if (r)
		return r;
	*out = TAKE_PTR(image);
	return 0;
}

void image_free(struct image *i)
{
	if (!i)
		return;
	for (size_t r = 0; r < i->nrules; r++)
		free(i->rules[r].name);
	for (size_t c = 0; c < i->ncontainers; c++)
		free(i->containers[c]);
	free(i->containers);
	free(i->rules);
	free(i->data);
	free(i);
}

size_t image_find_rule(const struct image *image, const char *name)
{
	size_t i = 0;

	while (i < image->nrules && strcmp(image->rules[i].name, name) != 0)
		i++;
	return i;
}

int image_verify(const void *data, size_t size, struct error *err)
{
	struct match_header h;

	if (size < sizeof(h) || size > TERCEL_IMAGE_MAX)
		return error_set(err, -EINVAL, "a policy image has %zu to %u bytes, not %zu", sizeof(h),
		                 TERCEL_IMAGE_MAX, size);
	memcpy(&h, data, sizeof(h));
	if (h.magic != TERCEL_IMAGE_MAGIC)
		return error_set(err, -EINVAL, "not a policy image");
	if (h.version != TERCEL_IMAGE_VERSION)
		return error_set(err, -EINVAL, "policy image of version %u, this program knows %u", h.version,
		                 TERCEL_IMAGE_VERSION);
	if (!match_image_is_whole(data, size))
		return error_set(err, -EINVAL, "the policy image is damaged (size or checksum)");
	return 0;
}
