/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image builder: derives every rule at every point, gives atoms their bits, and writes tables and graphs.
 *
 * Everything is appended to one growing buffer at offsets of 8; equal lists and equal graph nodes are written once. All
 * orders are fixed (rules as given, atoms by content), which makes the bytes reproducible.
 */
#include "policy/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "policy/automaton.h"
#include "policy/derive.h"

/* A clause: atoms of which one must at least be possible for the rule to match. */
struct clause {
	uint32_t *atoms; /* sorted ids, owned */
	size_t n;
	unsigned int cost; /* the lower, the more selective; NO_CLAUSE: there is none */
};

#define NO_CLAUSE UINT32_MAX

struct builder {
	const struct image_rule *rules;
	size_t nrules;
	const char *const *protect;
	size_t nprotect;
	struct diag_list *diags;
	struct atoms *atoms;
	uint32_t protected_id;
	struct derivation *derived; /* [nrules][TERCEL_POINTS] */
	struct buf out;
	struct match_header header;
	uint32_t atom_words, rule_words;
	/* Equal nodes and lists are found again through these. */
	struct buf nodes; /* __u64 each */
	uint32_t *node_buckets;
	size_t nnode_buckets;
	struct list_ref {
		uint64_t hash;
		uint32_t off, size;
	} *lists;
	size_t nlists, nlist_buckets;
	uint32_t *list_buckets;
	uint64_t *guard_rules[2]; /* [atoms × 64 rounded][rule_words] */
	int error;
};

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ULL;
	return hash;
}

#define HASH_START 0xcbf29ce484222325ULL

static uint32_t append(struct builder *b, const void *bytes, size_t len)
{
	static const uint8_t zero[8];
	uint32_t off;

	buf_add(&b->out, zero, -b->out.len & 7);
	off = (uint32_t)b->out.len;
	buf_add(&b->out, bytes, len);
	return off;
}

/* ---- lists of bits --------------------------------------------------------------------------------------------- */

static void grow_list_buckets(struct builder *b)
{
	size_t n = b->nlist_buckets ? b->nlist_buckets * 2 : 1024;
	uint32_t *buckets = calloc(n, sizeof(*buckets));
	struct list_ref *lists = realloc(b->lists, n / 2 * sizeof(*lists));

	if (lists)
		b->lists = lists;
	if (!buckets || !lists) {
		free(buckets);
		b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < b->nlists; i++) {
		size_t at = b->lists[i].hash & (n - 1);

		while (buckets[at])
			at = (at + 1) & (n - 1);
		buckets[at] = (uint32_t)i + 1;
	}
	free(b->list_buckets);
	b->list_buckets = buckets;
	b->nlist_buckets = n;
}

/* Writes the set as a list; 0 for the empty set. */
static uint32_t write_list(struct builder *b, const uint64_t *words, size_t nwords)
{
	uint64_t list[1 + 2 * (TERCEL_ATOM_WORDS > TERCEL_RULE_WORDS ? TERCEL_ATOM_WORDS : TERCEL_RULE_WORDS)] = {0};
	size_t n = 0, size, at;
	uint64_t hash;

	for (size_t w = 0; w < nwords; w++) {
		if (!words[w])
			continue;
		list[1 + 2 * n] = words[w];
		list[2 + 2 * n] = w;
		n++;
	}
	if (!n)
		return 0;
	list[0] = n;
	size = (1 + 2 * n) * sizeof(list[0]);
	hash = hash_bytes(HASH_START, list, size);
	if (b->nlists * 2 >= b->nlist_buckets)
		grow_list_buckets(b);
	if (b->error)
		return 0;
	for (at = hash & (b->nlist_buckets - 1); b->list_buckets[at]; at = (at + 1) & (b->nlist_buckets - 1)) {
		const struct list_ref *l = &b->lists[b->list_buckets[at] - 1];

		if (l->hash == hash && l->size == size && memcmp(b->out.data + l->off, list, size) == 0)
			return l->off;
	}
	b->lists[b->nlists] = (struct list_ref){.hash = hash, .size = (uint32_t)size, .off = append(b, list, size)};
	b->list_buckets[at] = (uint32_t)++b->nlists;
	return buf_error(&b->out) ? 0 : b->lists[b->nlists - 1].off;
}

static void set_bit(uint64_t *words, uint32_t bit)
{
	words[bit / 64] |= 1ULL << (bit % 64);
}

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

static unsigned int atom_cost(const struct atom *a, unsigned int stage)
{
	unsigned int cost = a->test == ATOM_EQUALS                             ? 10
	                    : a->test == ATOM_PREFIX || a->test == ATOM_SUFFIX ? 20
	                    : a->test == ATOM_CONTAINS                         ? 30
	                    : a->test == ATOM_RANGE || a->test == ATOM_BITS    ? 40
	                                                                       : 90;

	/* True of nearly everything that happens, or computed too late for the first stage. */
	if (a->domain == MATCH_EVENT || a->domain == MATCH_L4PROTO || a->domain == MATCH_FD_TYPE ||
	    a->domain == MATCH_FD_TYPECHAR)
		cost = 95;
	if (a->domain == MATCH_CONTAINER)
		cost = 80;
	if (a->domain == MATCH_ANCESTORS)
		cost = stage == 0 ? NO_CLAUSE : cost / 10;
	return cost;
}

static void clause_free(struct clause *c)
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
static struct clause find_clause(struct builder *b, const struct formula *f, unsigned int stage)
{
	struct clause best = {.cost = NO_CLAUSE};

	switch (f->kind) {
	case FORMULA_FALSE:
	case FORMULA_LOST:
		best.cost = 0;
		return best;
	case FORMULA_ATOM:
		if (f->negated || atom_cost(atoms_get(b->atoms, f->atom), stage) == NO_CLAUSE)
			return best;
		clause_union(b, &best, &(struct clause){.atoms = (uint32_t[]){f->atom}, .n = 1});
		best.cost = atom_cost(atoms_get(b->atoms, f->atom), stage);
		return best;
	case FORMULA_OR:
		best.cost = 0;
		for (size_t i = 0; i < f->nkids; i++) {
			struct clause kid = find_clause(b, f->kids[i], stage);

			clause_union(b, &best, &kid);
			clause_free(&kid);
		}
		if (best.cost == NO_CLAUSE)
			clause_free(&best);
		return best;
	case FORMULA_AND:
		for (size_t i = 0; i < f->nkids; i++) {
			struct clause kid = find_clause(b, f->kids[i], stage);

			if (kid.cost < best.cost) {
				clause_free(&best);
				best = kid;
			} else {
				clause_free(&kid);
			}
		}
		return best;
	default:
		return best;
	}
}

/* ---- domains ---------------------------------------------------------------------------------------------------- */

static void add_patterns(struct pattern *patterns, size_t *n, const struct atom *a)
{
	static const unsigned int anchors[] = {
	        [ATOM_EXISTS] = PATTERN_BEGIN,
	        [ATOM_EQUALS] = PATTERN_BEGIN | PATTERN_END,
	        [ATOM_PREFIX] = PATTERN_BEGIN,
	        [ATOM_SUFFIX] = PATTERN_END,
	        [ATOM_CONTAINS] = 0,
	        [ATOM_RANGE] = 0,
	        [ATOM_BITS] = 0,
	};

	if (a->test == ATOM_EXISTS)
		patterns[(*n)++] = (struct pattern){.bytes = "", .anchors = anchors[a->test], .id = a->bit};
	for (size_t i = 0; i < a->ntexts; i++)
		patterns[(*n)++] = (struct pattern){
		        .bytes = a->texts[i].bytes, .len = a->texts[i].len, .anchors = anchors[a->test], .id = a->bit};
}

static void write_automaton(struct builder *b, const struct automaton *a, struct match_domain_table *table)
{
	_autofree_ uint32_t *states = calloc(a->nstates, 2 * sizeof(*states));

	if (!states) {
		b->error = -ENOMEM;
		return;
	}
	for (uint32_t s = 0; s < a->nstates; s++) {
		uint64_t words[TERCEL_ATOM_WORDS] = {0};

		for (uint32_t i = a->first[s]; i < a->first[s + 1]; i++)
			set_bit(words, a->ids[i]);
		states[(size_t)2 * s] = a->base[s];
		states[(size_t)2 * s + 1] = write_list(b, words, TERCEL_ATOM_WORDS);
	}
	table->classes = append(b, a->classes, sizeof(a->classes));
	table->root = append(b, a->root, a->nclasses * sizeof(*a->root));
	table->states = append(b, states, 2ULL * a->nstates * sizeof(*states));
	table->rows = append(b, a->rows, a->nrows * sizeof(*a->rows));
}

static void write_text_domain(struct builder *b, uint32_t domain)
{
	_autofree_ struct pattern *patterns = NULL;
	const uint32_t *order = atoms_order(b->atoms);
	struct automaton a;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < atoms_count(b->atoms); i++)
		if (atoms_get(b->atoms, order[i])->domain == domain)
			n += atoms_get(b->atoms, order[i])->ntexts + 1;
	if (!n)
		return;
	patterns = calloc(n, sizeof(*patterns));
	if (!patterns) {
		b->error = -ENOMEM;
		return;
	}
	n = 0;
	for (size_t i = 0; i < atoms_count(b->atoms); i++)
		if (atoms_get(b->atoms, order[i])->domain == domain)
			add_patterns(patterns, &n, atoms_get(b->atoms, order[i]));
	r = automaton_build(&a, patterns, n);
	if (r) {
		b->error = r;
		return;
	}
	write_automaton(b, &a, &b->header.domains[domain]);
	automaton_free(&a);
}

struct key {
	uint64_t high, low;
};

static int compare_keys(const void *x, const void *y)
{
	const struct key *a = x, *b = y;

	if (a->high != b->high)
		return a->high > b->high ? 1 : -1;
	return (a->low > b->low) - (a->low < b->low);
}

/* Every number at which some range begins or has ended; in between, the answers are the same. */
static size_t collect_keys(const struct builder *b, uint32_t domain, struct key *keys)
{
	const uint32_t *order = atoms_order(b->atoms);
	size_t n = 1, kept = 0;

	keys[0] = (struct key){0, 0};
	for (size_t i = 0; i < atoms_count(b->atoms); i++) {
		const struct atom *a = atoms_get(b->atoms, order[i]);

		for (size_t k = 0; k < a->nranges; k++) {
			const struct atom_range *r = &a->ranges[k];

			if (r->domain != domain)
				continue;
			keys[n++] = (struct key){r->from_high, r->from_low};
			if (r->to_low != UINT64_MAX)
				keys[n++] = (struct key){r->to_high, r->to_low + 1};
			else if (r->to_high != UINT64_MAX && domain == MATCH_ADDR6)
				keys[n++] = (struct key){r->to_high + 1, 0};
		}
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++)
		if (!kept || compare_keys(&keys[kept - 1], &keys[i]) != 0)
			keys[kept++] = keys[i];
	return kept;
}

static size_t find_key(const struct key *keys, size_t n, struct key key)
{
	const struct key *found = bsearch(&key, keys, n, sizeof(*keys), compare_keys);

	return (size_t)(found - keys);
}

static void mark_ranges(const struct builder *b, uint32_t domain, const struct key *keys, size_t n, uint64_t *words)
{
	const uint32_t *order = atoms_order(b->atoms);

	for (size_t i = 0; i < atoms_count(b->atoms); i++) {
		const struct atom *a = atoms_get(b->atoms, order[i]);
		bool all = a->test == ATOM_EXISTS &&
		           (a->domain == domain || (a->domain == MATCH_ADDR4 && domain == MATCH_ADDR6));

		for (size_t k = 0; all && k < n; k++)
			set_bit(words + k * (size_t)TERCEL_ATOM_WORDS, a->bit);
		for (size_t r = 0; r < a->nranges; r++) {
			struct key to = {a->ranges[r].to_high, a->ranges[r].to_low};

			if (a->ranges[r].domain != domain)
				continue;
			for (size_t k = find_key(keys, n, (struct key){a->ranges[r].from_high, a->ranges[r].from_low});
			     k < n && compare_keys(&keys[k], &to) <= 0; k++)
				set_bit(words + k * (size_t)TERCEL_ATOM_WORDS, a->bit);
		}
	}
}

static bool has_domain(const struct builder *b, uint32_t domain)
{
	/* The atoms of addresses stand in one domain; both tables are needed to say "no" as well. */
	uint32_t home = domain == MATCH_ADDR6 ? MATCH_ADDR4 : domain;

	return b->header.domains[home].words != 0;
}

static void write_number_domain(struct builder *b, uint32_t domain)
{
	struct match_domain_table *table = &b->header.domains[domain];
	_autofree_ struct key *keys = NULL;
	_autofree_ uint64_t *words = NULL;
	_autofree_ uint32_t *lists = NULL;
	size_t n = 1;

	if (!has_domain(b, domain))
		return;
	for (size_t i = 0; i < atoms_count(b->atoms); i++)
		n += 2 * atoms_get(b->atoms, (uint32_t)i)->nranges;
	keys = calloc(n, sizeof(*keys));
	if (!keys) {
		b->error = -ENOMEM;
		return;
	}
	n = collect_keys(b, domain, keys);
	words = calloc(n, TERCEL_ATOM_WORDS * sizeof(*words));
	lists = calloc(n, sizeof(*lists));
	if (!words || !lists) {
		b->error = -ENOMEM;
		return;
	}
	mark_ranges(b, domain, keys, n, words);
	for (size_t k = 0; k < n; k++)
		lists[k] = write_list(b, words + k * (size_t)TERCEL_ATOM_WORDS, TERCEL_ATOM_WORDS);
	table->keys = append(b, keys, n * sizeof(*keys));
	table->nkeys = (uint32_t)n;
	table->lists = append(b, lists, n * sizeof(*lists));
	if (n >= 1ULL << MATCH_SEARCH_STEPS)
		b->error = -E2BIG;
}

static void write_set_domain(struct builder *b, uint32_t domain)
{
	uint32_t lists[64];

	if (!has_domain(b, domain))
		return;
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t words[TERCEL_ATOM_WORDS] = {0};

		for (size_t i = 0; i < atoms_count(b->atoms); i++) {
			const struct atom *a = atoms_get(b->atoms, (uint32_t)i);

			if (a->domain == domain && a->bits >> bit & 1)
				set_bit(words, a->bit);
		}
		lists[bit] = write_list(b, words, TERCEL_ATOM_WORDS);
	}
	b->header.domains[domain].lists = append(b, lists, sizeof(lists));
}

/* Which atoms an ancestor at a distance answers; row 0: those of any ancestor. */
static void write_levels(struct builder *b)
{
	const size_t row = b->atom_words, n = (1 + TERCEL_ANCESTOR_LEVELS) * row;
	_autofree_ uint64_t *levels = calloc(n + 1, sizeof(*levels));

	if (!levels) {
		b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < atoms_count(b->atoms); i++) {
		const struct atom *a = atoms_get(b->atoms, (uint32_t)i);

		if (a->domain == MATCH_ANCESTORS)
			set_bit(levels + a->level * row, a->bit);
	}
	b->header.levels = append(b, levels, n * sizeof(*levels));
}

/* ---- the image -------------------------------------------------------------------------------------------------- */

static struct derivation *derived(const struct builder *b, size_t rule, size_t point)
{
	return &b->derived[rule * TERCEL_POINTS + point];
}

static void derive_all(struct builder *b)
{
	for (size_t r = 0; r < b->nrules && !b->error; r++)
		for (size_t p = 0; p < TERCEL_POINTS && !b->error; p++) {
			b->error = derive(derived(b, r, p), b->rules[r].condition, point_info((enum tercel_point)p),
			                  b->atoms);
			if (!b->error && count_leaves(derived(b, r, p)->formula) > TERCEL_GRAPH_STEPS) {
				diag_add(b->diags, DIAG_ERROR, b->rules[r].pos, "condition-too-long",
				         "the condition of rule \"%s\" has more than %d comparisons after expansion; "
				         "split the rule",
				         b->rules[r].name, TERCEL_GRAPH_STEPS);
				b->error = -EINVAL;
			}
		}
}

static uint32_t formula_domains(const struct builder *b, const struct formula *f)
{
	uint32_t domains = 0;

	if (f->kind == FORMULA_ATOM) {
		domains = 1U << atoms_get(b->atoms, f->atom)->domain;
		if (domains & 1U << MATCH_ADDR4)
			domains |= 1U << MATCH_ADDR6;
	}
	for (size_t i = 0; i < f->nkids; i++)
		domains |= formula_domains(b, f->kids[i]);
	return domains;
}

static void write_point(struct builder *b, size_t point, struct match_rule *table)
{
	uint64_t rules[TERCEL_RULE_WORDS] = {0}, always[2][TERCEL_RULE_WORDS] = {{0}};
	struct match_point *out = &b->header.points[point];

	for (size_t r = 0; r < b->nrules && !b->error; r++) {
		const struct formula *f = derived(b, r, point)->formula;

		table[r].must[point] = write_graph(b, f, false, 1, 0);
		table[r].may[point] = write_graph(b, f, true, 1, 0);
		if (!table[r].must[point])
			continue;
		set_bit(rules, (uint32_t)r);
		out->domains |= formula_domains(b, f);
		/* Whether the program is protected: monitor mode promises no more than enforce mode does. */
		out->domains |= 1U << MATCH_EXEPATH;
		for (unsigned int stage = 0; stage < 2; stage++) {
			struct clause c = find_clause(b, f, stage);

			if (c.cost == NO_CLAUSE)
				set_bit(always[stage], (uint32_t)r);
			for (size_t i = 0; i < c.n; i++)
				set_bit(b->guard_rules[stage] +
				                (size_t)atoms_get(b->atoms, c.atoms[i])->bit * b->rule_words,
				        (uint32_t)r);
			clause_free(&c);
		}
	}
	out->rules = append(b, rules, b->rule_words * sizeof(rules[0]));
	for (unsigned int stage = 0; stage < 2; stage++)
		out->always[stage] = append(b, always[stage], b->rule_words * sizeof(rules[0]));
}

static void write_guards(struct builder *b)
{
	size_t bits = (size_t)b->atom_words * 64;
	_autofree_ uint32_t *lists = calloc(bits + 1, sizeof(*lists));

	if (!lists) {
		b->error = -ENOMEM;
		return;
	}
	for (unsigned int stage = 0; stage < 2; stage++) {
		uint64_t guarded[TERCEL_ATOM_WORDS] = {0};

		for (size_t bit = 0; bit < bits; bit++) {
			lists[bit] = write_list(b, b->guard_rules[stage] + bit * b->rule_words, b->rule_words);
			if (lists[bit])
				set_bit(guarded, (uint32_t)bit);
		}
		b->header.guarded[stage] = append(b, guarded, b->atom_words * sizeof(guarded[0]));
		b->header.guards[stage] = append(b, lists, bits * sizeof(*lists));
	}
}

static void write_domains(struct builder *b)
{
	for (uint32_t d = 0; d < MATCH_DOMAINS && !b->error; d++) {
		if (d < MATCH_UID)
			write_text_domain(b, d);
		else if (d == MATCH_CAPS)
			write_set_domain(b, d);
		else
			write_number_domain(b, d);
	}
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
	_autofree_ struct atom_text *texts = calloc(builtin + b->nprotect, sizeof(*texts));
	struct atom model = {
	        .domain = MATCH_EXEPATH, .test = ATOM_EQUALS, .texts = texts, .ntexts = builtin + b->nprotect};

	if (!texts) {
		b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < model.ntexts; i++) {
		texts[i].bytes = i < builtin ? protected_programs[i] : b->protect[i - builtin];
		texts[i].len = strlen(texts[i].bytes);
	}
	b->error = atoms_add(b->atoms, &model, &b->protected_id);
}

static void place_atoms(struct builder *b)
{
	uint32_t first[MATCH_DOMAIN_ROOM], words[MATCH_DOMAIN_ROOM];
	int n = atoms_place(b->atoms, first, words);

	if (n < 0) {
		b->error = n;
		if (n == -E2BIG)
			diag_add(b->diags, DIAG_ERROR, (struct source_pos){0}, "too-many-atoms",
			         "the rules ask more than %d distinct questions; load fewer rules, or switch some off "
			         "in "
			         "the policy file",
			         TERCEL_ATOM_WORDS * 64);
		return;
	}
	b->atom_words = (uint32_t)n;
	b->rule_words = (uint32_t)((b->nrules + 63) / 64);
	b->header.protected_atom = atoms_get(b->atoms, b->protected_id)->bit + 1;
	for (uint32_t d = 0; d < MATCH_DOMAIN_ROOM; d++) {
		b->header.domains[d].first_word = first[d];
		b->header.domains[d].words = words[d];
	}
	for (unsigned int stage = 0; stage < 2; stage++) {
		b->guard_rules[stage] = calloc((size_t)b->atom_words * 64 * b->rule_words + 1, sizeof(uint64_t));
		if (!b->guard_rules[stage])
			b->error = -ENOMEM;
	}
}

static void write_all(struct builder *b)
{
	_autofree_ struct match_rule *table = calloc(b->nrules + 1, sizeof(*table));
	uint64_t answers[2] = {0, 1};

	if (!table) {
		b->error = -ENOMEM;
		return;
	}
	append(b, &b->header, sizeof(b->header));
	buf_add(&b->nodes, answers, sizeof(answers));
	for (size_t r = 0; r < b->nrules; r++) {
		table[r].mode = b->rules[r].mode;
		table[r].action = b->rules[r].action;
		table[r].on_uncertain = b->rules[r].on_uncertain;
	}
	for (size_t p = 0; p < TERCEL_POINTS && !b->error; p++)
		write_point(b, p, table);
	if (b->error)
		return;
	b->header.rule_table = append(b, table, b->nrules * sizeof(*table));
	b->header.nodes = (uint32_t)(b->nodes.len / sizeof(uint64_t));
	b->header.node_table = append(b, buf_str(&b->nodes), b->nodes.len);
	write_guards(b);
	write_levels(b);
	write_domains(b);
	if (!b->error && (buf_error(&b->out) || buf_error(&b->nodes)))
		b->error = -ENOMEM;
}

/* The last reads of the matcher may be masked, never cut: leave room for one more entry. */
#define IMAGE_ROOM 64

static int finish(struct builder *b, struct image *image, uint32_t generation)
{
	struct match_header *h = &b->header;

	if (b->out.len + IMAGE_ROOM > TERCEL_IMAGE_MAX) {
		diag_add(b->diags, DIAG_ERROR, (struct source_pos){0}, "policy-too-large",
		         "the policy image needs %zu bytes, %u fit; load fewer rules, or switch some off in the policy "
		         "file",
		         b->out.len, TERCEL_IMAGE_MAX - IMAGE_ROOM);
		return -E2BIG;
	}
	image->data = calloc(1, TERCEL_IMAGE_MAX);
	image->rules = calloc(b->nrules + 1, sizeof(*image->rules));
	if (!image->data || !image->rules)
		return -ENOMEM;
	image->size = b->out.len;
	h->magic = TERCEL_IMAGE_MAGIC;
	h->version = TERCEL_IMAGE_VERSION;
	h->size = (uint32_t)image->size;
	h->generation = generation;
	h->atom_words = b->atom_words;
	h->rule_words = b->rule_words;
	h->rules = (uint32_t)b->nrules;
	memcpy(image->data, b->out.data, b->out.len);
	memcpy(image->data, h, sizeof(*h));
	h->checksum = match_checksum(image->data, (uint32_t)image->size);
	memcpy(image->data, h, sizeof(*h));
	for (size_t r = 0; r < b->nrules; r++) {
		image->rules[r].name = strdup(b->rules[r].name);
		image->rules[r].mode = b->rules[r].mode;
		image->rules[r].action = b->rules[r].action;
		image->nrules = r + 1;
		if (!image->rules[r].name)
			return -ENOMEM;
	}
	return 0;
}

static void builder_free(struct builder *b)
{
	for (size_t i = 0; b->derived && i < b->nrules * TERCEL_POINTS; i++)
		derivation_free(&b->derived[i]);
	free(b->derived);
	atoms_free(b->atoms);
	buf_free(&b->out);
	buf_free(&b->nodes);
	free(b->node_buckets);
	free(b->lists);
	free(b->list_buckets);
	free(b->guard_rules[0]);
	free(b->guard_rules[1]);
}

int image_build(struct image **out, const struct image_input *in, struct diag_list *diags)
{
	const struct image_rule *rules = in->rules;
	const size_t n = in->nrules;
	_cleanup_(builder_free) struct builder b = {
	        .rules = rules, .nrules = n, .protect = in->protect, .nprotect = in->nprotect, .diags = diags};
	_autoimage_ struct image *image = calloc(1, sizeof(*image));
	int r;

	if (n > (size_t)TERCEL_RULE_WORDS * 64) {
		diag_add(diags, DIAG_ERROR, (struct source_pos){0}, "too-many-rules",
		         "%zu rules are switched on, %d fit; switch some off in the policy file", n,
		         TERCEL_RULE_WORDS * 64);
		return -E2BIG;
	}
	b.derived = calloc(n * TERCEL_POINTS + 1, sizeof(*b.derived));
	if (!image || !b.derived)
		return -ENOMEM;
	r = atoms_new(&b.atoms);
	if (r)
		return r;
	derive_all(&b);
	if (!b.error)
		add_protected(&b);
	if (!b.error)
		place_atoms(&b);
	if (!b.error)
		write_all(&b);
	if (b.error == -E2BIG && !diag_failed(diags))
		diag_add(diags, DIAG_ERROR, (struct source_pos){0}, "policy-too-large",
		         "the texts or numbers that the rules compare with do not fit; load fewer rules, or switch "
		         "some off "
		         "in the policy file");
	r = b.error ? b.error : finish(&b, image, in->generation);
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
	free(i->rules);
	free(i->data);
	free(i);
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
