/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one rule became: gathered once, then written as text or as JSON.
 */
#include "policy/image_explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/atom_text.h"
#include "policy/automaton.h"
#include "policy/image_internal.h"

struct part {
	const struct point_info *point;
	struct clause guard;
	uint32_t must, may;   /* root nodes */
	size_t nodes, shared; /* of must and may; `shared`: those that other rules reach as well */
};

struct view {
	struct builder b;
	size_t rule;
	struct part parts[TERCEL_POINTS];
	size_t nparts;
	uint32_t *askers; /* [atoms]: how many rules ask it */
	bool *asked;      /* [atoms]: whether this one does */
	uint32_t *reach;  /* [nodes]: how many rules reach it */
	bool *reached;    /* [nodes]: marks of the walk that is under way */
};

static void view_free(struct view *v)
{
	for (size_t i = 0; i < v->nparts; i++)
		image_clause_free(&v->parts[i].guard);
	free(v->askers);
	free(v->asked);
	free(v->reach);
	free(v->reached);
	image_builder_free(&v->b);
}

static uint32_t root_of(const struct view *v, size_t point, size_t rule, bool may)
{
	const struct match_point *p = &v->b.header.points[point];
	uint32_t root = 0, at = may ? p->may : p->must;

	if (at)
		memcpy(&root, v->b.out.data + at + rule * sizeof(root), sizeof(root));
	return root;
}

/* Marks the nodes that are reached from one; those with lower numbers follow, so that one sweep is enough. */
static void mark_root(struct view *v, uint32_t root)
{
	if (root > 1)
		v->reached[root] = true;
}

static void mark_all(struct view *v)
{
	for (uint32_t i = v->b.header.nodes; i-- > 2;) {
		uint64_t node;

		if (!v->reached[i])
			continue;
		memcpy(&node, v->b.nodes.data + i * sizeof(node), sizeof(node));
		mark_root(v, (uint32_t)(node >> MATCH_NODE_THEN_SHIFT & MATCH_NODE_MASK));
		mark_root(v, (uint32_t)(node >> MATCH_NODE_ELSE_SHIFT & MATCH_NODE_MASK));
	}
}

static void forget_marks(struct view *v)
{
	memset(v->reached, 0, v->b.header.nodes * sizeof(*v->reached));
}

static void count_nodes_of(struct view *v, size_t rule)
{
	forget_marks(v);
	for (size_t p = 0; p < TERCEL_POINTS; p++) {
		mark_root(v, root_of(v, p, rule, false));
		mark_root(v, root_of(v, p, rule, true));
	}
	mark_all(v);
	for (uint32_t i = 2; i < v->b.header.nodes; i++)
		v->reach[i] += v->reached[i];
}

static void mark_atoms(const struct formula *f, bool *asked)
{
	if (f->kind == FORMULA_ATOM)
		asked[f->atom] = true;
	for (size_t i = 0; i < f->nkids; i++)
		mark_atoms(f->kids[i], asked);
}

static void atoms_of_rule(const struct view *v, size_t rule, bool *asked)
{
	for (size_t p = 0; p < TERCEL_POINTS; p++)
		if (image_placed(&v->b, rule, p)->applies)
			mark_atoms(image_placed(&v->b, rule, p)->formula, asked);
}

static int count_shares(struct view *v)
{
	const size_t natoms = atoms_count(v->b.atoms);
	_autofree_ bool *asked = calloc(natoms + 1, sizeof(*asked));

	if (!asked)
		return -ENOMEM;
	for (size_t r = 0; r < v->b.in->nrules; r++) {
		memset(asked, 0, natoms * sizeof(*asked));
		atoms_of_rule(v, r, asked);
		for (size_t a = 0; a < natoms; a++)
			v->askers[a] += asked[a];
		count_nodes_of(v, r);
	}
	atoms_of_rule(v, v->rule, v->asked);
	return 0;
}

static void add_part(struct view *v, size_t point)
{
	struct part *p = &v->parts[v->nparts++];

	p->point = point_info((enum tercel_point)point);
	p->must = root_of(v, point, v->rule, false);
	p->may = root_of(v, point, v->rule, true);
	p->guard = image_guard(&v->b, image_placed(&v->b, v->rule, point)->formula);
	forget_marks(v);
	mark_root(v, p->must);
	mark_root(v, p->may);
	mark_all(v);
	for (uint32_t i = 2; i < v->b.header.nodes; i++) {
		p->nodes += v->reached[i];
		p->shared += v->reached[i] && v->reach[i] > 1;
	}
}

static int view_make(struct view *v)
{
	int r = image_make(&v->b);

	if (r)
		return r;
	v->askers = calloc(atoms_count(v->b.atoms) + 1, sizeof(*v->askers));
	v->asked = calloc(atoms_count(v->b.atoms) + 1, sizeof(*v->asked));
	v->reach = calloc(v->b.header.nodes + 1, sizeof(*v->reach));
	v->reached = calloc(v->b.header.nodes + 1, sizeof(*v->reached));
	if (!v->askers || !v->asked || !v->reach || !v->reached)
		return -ENOMEM;
	r = count_shares(v);
	for (size_t p = 0; !r && p < TERCEL_POINTS; p++)
		if (image_placed(&v->b, v->rule, p)->applies)
			add_part(v, p);
	return r ? r : v->b.error;
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

static size_t atoms_in_use(const struct view *v)
{
	size_t n;

	(void)atoms_order(v->b.atoms, &n);
	return n;
}

static size_t bytes_a_rule(const struct view *v)
{
	return v->b.in->nrules ? v->b.out.len / v->b.in->nrules : v->b.out.len;
}

static void text_part(struct buf *out, const struct view *v, const struct part *p)
{
	buf_addf(out, "    %s: graph of %zu node%s, %zu of them shared with other rules\n", p->point->name, p->nodes,
	         p->nodes == 1 ? "" : "s", p->shared);
	if (p->must == 0) {
		buf_adds(out, "      decides nothing here\n");
		return;
	}
	buf_adds(out, p->guard.cost == NO_CLAUSE
	                      ? "      looked at for every act: no comparison rules most of them out\n"
	                      : "      looked at if one of these may hold:\n");
	for (size_t i = 0; i < p->guard.n; i++) {
		buf_adds(out, "        ");
		atom_print(out, atoms_get(v->b.atoms, p->guard.atoms[i]));
		buf_addc(out, '\n');
	}
}

int image_explain_text(struct buf *out, const struct image_input *in, size_t rule, struct diag_list *diags)
{
	__attribute__((cleanup(view_free))) struct view v = {.b = {.in = in, .diags = diags}, .rule = rule};
	int r = view_make(&v);
	size_t n;
	const uint32_t *order;

	if (r)
		return r;
	buf_addf(out,
	         "  in the policy image of all %zu rules: %zu of %u bytes, %zu a rule; %zu of %u atoms; %zu of %u "
	         "states; "
	         "%u nodes\n",
	         in->nrules, v.b.out.len, TERCEL_IMAGE_MAX, bytes_a_rule(&v), atoms_in_use(&v), TERCEL_ATOM_WORDS * 64,
	         v.b.nstates, AUTOMATON_STATES_MAX, v.b.header.nodes);
	for (size_t i = 0; i < v.nparts; i++)
		text_part(out, &v, &v.parts[i]);
	order = atoms_order(v.b.atoms, &n);
	buf_adds(out, "    atoms:\n");
	for (size_t i = 0; i < n; i++) {
		if (!v.asked[order[i]])
			continue;
		buf_addf(out, "      bit %-5u ", atoms_get(v.b.atoms, order[i])->bit);
		atom_print(out, atoms_get(v.b.atoms, order[i]));
		if (v.askers[order[i]] > 1)
			buf_addf(out, "  (asked by %u rules)", v.askers[order[i]]);
		buf_addc(out, '\n');
	}
	return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void json_atom(struct buf *out, const struct view *v, uint32_t id)
{
	_autobuf_ struct buf text = BUF_INIT;

	atom_print(&text, atoms_get(v->b.atoms, id));
	buf_pass_error(out, &text);
	buf_addf(out, "{\"bit\":%u,\"rules\":%u,\"atom\":", atoms_get(v->b.atoms, id)->bit, v->askers[id]);
	buf_add_json(out, buf_str(&text), text.len);
	buf_addc(out, '}');
}

static void json_part(struct buf *out, const struct view *v, const struct part *p)
{
	buf_addf(
	        out,
	        "{\"point\":\"%s\",\"must\":%u,\"may\":%u,\"nodes\":%zu,\"shared_nodes\":%zu,\"always\":%s,\"guard\":[",
	        p->point->name, p->must, p->may, p->nodes, p->shared, p->guard.cost == NO_CLAUSE ? "true" : "false");
	for (size_t i = 0; i < p->guard.n; i++) {
		buf_adds(out, i ? "," : "");
		json_atom(out, v, p->guard.atoms[i]);
	}
	buf_adds(out, "]}");
}

int image_explain_json(struct buf *out, const struct image_input *in, size_t rule, struct diag_list *diags)
{
	__attribute__((cleanup(view_free))) struct view v = {.b = {.in = in, .diags = diags}, .rule = rule};
	int r = view_make(&v);
	bool first = true;
	size_t n;
	const uint32_t *order;

	if (r)
		return r;
	buf_addf(out,
	         "{\"rules\":%zu,\"bytes\":%zu,\"bytes_max\":%u,\"bytes_per_rule\":%zu,\"atoms\":%zu,\"atoms_max\":%u,"
	         "\"states\":%zu,\"states_max\":%u,\"nodes\":%u,\"points\":[",
	         in->nrules, v.b.out.len, TERCEL_IMAGE_MAX, bytes_a_rule(&v), atoms_in_use(&v), TERCEL_ATOM_WORDS * 64,
	         v.b.nstates, AUTOMATON_STATES_MAX, v.b.header.nodes);
	for (size_t i = 0; i < v.nparts; i++) {
		buf_adds(out, i ? "," : "");
		json_part(out, &v, &v.parts[i]);
	}
	buf_adds(out, "],\"rule_atoms\":[");
	order = atoms_order(v.b.atoms, &n);
	for (size_t i = 0; i < n; i++) {
		if (!v.asked[order[i]])
			continue;
		buf_adds(out, first ? "" : ",");
		first = false;
		json_atom(out, &v, order[i]);
	}
	buf_adds(out, "]}");
	return 0;
}
