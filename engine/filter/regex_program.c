/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a simplified tree into a program over bytes (Thompson's construction), counting as RE2 counts. Knows no
 * syntax, and not how programs run.
 */
#include "filter/regex_program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/*
 * The open ends of a fragment, chained through themselves: instruction * 2, plus 1 if `other` is the open end. 0: none,
 * as instruction 0 has no ends.
 */
struct ends {
	uint32_t first, last;
};

struct fragment {
	uint32_t start; /* 0: nothing matches */
	struct ends ends;
	bool nullable;
};

struct step {
	const struct regex_node *node;
	size_t next; /* kid to compile */
};

/* What was made for a byte sequence of a class and may be shared. */
struct suffix {
	uint32_t lo, hi, next, instruction;
};

struct compiler {
	struct regex_program *program;
	size_t code_size; /* allocated */
	size_t limit;     /* of instructions; RE2 visits twice as many nodes */
	size_t visits;
	struct step *steps;
	size_t nsteps, steps_size;
	struct fragment *fragments; /* of the kids that are done */
	size_t nfragments, fragments_size;
	/* Of the class being compiled. */
	struct fragment class;
	bool fold;
	struct suffix *suffixes;
	size_t nsuffixes, suffixes_size;
	struct table found;
	int error; /* sticks */
};

static void compiler_free(struct compiler *c)
{
	regex_program_free(c->program);
	free(c->steps);
	free(c->fragments);
	free(c->suffixes);
	table_free(&c->found);
}

static const struct fragment nothing = {0};

static struct regex_instruction *at(const struct compiler *c, uint32_t i)
{
	return &c->program->code[i];
}

/* The number of a new instruction; 0, with c->error, without room. */
static uint32_t emit(struct compiler *c, struct regex_instruction i)
{
	void *code = c->program->code;

	if (c->error)
		return 0;
	if (c->program->size >= c->limit) {
		c->error = -E2BIG;
		return 0;
	}
	c->error = regex_reserve(&code, &c->code_size, c->program->size + 1, sizeof(*c->program->code));
	c->program->code = code;
	if (c->error)
		return 0;
	c->program->code[c->program->size] = i;
	return c->program->size++;
}

static uint32_t *end_of(const struct compiler *c, uint32_t end)
{
	return end & 1 ? &at(c, end >> 1)->other : &at(c, end >> 1)->out;
}

static void close_ends(const struct compiler *c, struct ends ends, uint32_t target)
{
	while (ends.first) {
		uint32_t *end = end_of(c, ends.first);

		ends.first = *end;
		*end = target;
	}
}

static struct ends both_ends(const struct compiler *c, struct ends a, struct ends b)
{
	if (!a.first || !b.first)
		return a.first ? a : b;
	*end_of(c, a.last) = b.first;
	return (struct ends){.first = a.first, .last = b.last};
}

static struct fragment single(struct compiler *c, struct regex_instruction i, bool nullable)
{
	uint32_t n = emit(c, i);

	return n ? (struct fragment){.start = n, .ends = {n << 1, n << 1}, .nullable = nullable} : nothing;
}

/* What cannot match is left out, and nothing follows it. */
static struct fragment drop(const struct compiler *c, struct fragment a)
{
	close_ends(c, a.ends, 0);
	return nothing;
}

static struct fragment concat(const struct compiler *c, struct fragment a, struct fragment b)
{
	if (!a.start || !b.start) {
		(void)drop(c, a);
		return drop(c, b);
	}
	close_ends(c, a.ends, b.start);
	return (struct fragment){.start = a.start, .ends = b.ends, .nullable = a.nullable && b.nullable};
}

static struct fragment alternate(struct compiler *c, struct fragment a, struct fragment b)
{
	if (!a.start || !b.start) {
		(void)drop(c, a.start ? b : a);
		return a.start ? a : b;
	}
	uint32_t split = emit(c, (struct regex_instruction){.op = REGEX_OP_SPLIT, .out = a.start, .other = b.start});

	if (!split)
		return nothing;
	return (struct fragment){
	        .start = split, .ends = both_ends(c, a.ends, b.ends), .nullable = a.nullable || b.nullable};
}

/* A split to `start` with the other way open. */
static uint32_t split_open(struct compiler *c, uint32_t start)
{
	return emit(c, (struct regex_instruction){.op = REGEX_OP_SPLIT, .out = start});
}

static struct fragment plus(struct compiler *c, struct fragment a)
{
	uint32_t split = split_open(c, a.start);

	if (!split)
		return nothing;
	close_ends(c, a.ends, split);
	return (struct fragment){.start = a.start, .ends = {split << 1 | 1, split << 1 | 1}, .nullable = a.nullable};
}

static struct fragment quest(struct compiler *c, struct fragment a)
{
	if (!a.start) {
		(void)drop(c, a);
		return single(c, (struct regex_instruction){.op = REGEX_OP_PASS}, true);
	}
	uint32_t split = split_open(c, a.start);
	struct ends open = {split << 1 | 1, split << 1 | 1};

	return split ? (struct fragment){.start = split, .ends = both_ends(c, open, a.ends), .nullable = true}
	             : nothing;
}

static struct fragment star(struct compiler *c, struct fragment a)
{
	if (a.nullable)
		return quest(c, plus(c, a));
	uint32_t split = split_open(c, a.start);

	if (!split)
		return nothing;
	close_ends(c, a.ends, split);
	return (struct fragment){.start = split, .ends = {split << 1 | 1, split << 1 | 1}, .nullable = true};
}

/* RE2 marks both sides of a group, for who wants to know what it matched. */
static struct fragment group(struct compiler *c, struct fragment a)
{
	if (!a.start)
		return drop(c, a);
	uint32_t left = emit(c, (struct regex_instruction){.op = REGEX_OP_PASS, .out = a.start});
	uint32_t right = emit(c, (struct regex_instruction){.op = REGEX_OP_PASS});

	if (!right)
		return nothing;
	close_ends(c, a.ends, right);
	return (struct fragment){.start = left, .ends = {right << 1, right << 1}, .nullable = a.nullable};
}

static struct fragment literal(struct compiler *c, const struct regex_node *node)
{
	struct fragment all = nothing;

	for (size_t i = 0; i < node->n && !c->error; i++) {
		uint8_t bytes[REGEX_UTF8_MAX];
		size_t n = regex_encode(node->runes[i], bytes);

		for (size_t k = 0; k < n; k++) {
			struct regex_instruction byte = {
			        .op = REGEX_OP_BYTE, .lo = bytes[k], .hi = bytes[k], .fold = node->fold};
			struct fragment one = single(c, byte, false);

			all = i + k ? concat(c, all, one) : one;
		}
	}
	return all;
}

/* --- Classes: byte sequences that share beginnings and, where RE2 does so, ends --- */

static bool same_suffix(const void *ctx, size_t entry, const void *key)
{
	const struct compiler *c = ctx;
	const struct suffix *a = &c->suffixes[entry], *b = key;

	return a->lo == b->lo && a->hi == b->hi && a->next == b->next;
}

static size_t find_suffix(const struct compiler *c, const struct suffix *s)
{
	return table_find(&c->found, table_hash(s, offsetof(struct suffix, instruction)), same_suffix, c, s);
}

/* A byte of a sequence; next 0: its last. */
static uint32_t sequence_byte(struct compiler *c, uint8_t lo, uint8_t hi, uint32_t next)
{
	uint32_t i = emit(
	        c, (struct regex_instruction){.op = REGEX_OP_BYTE, .lo = lo, .hi = hi, .fold = c->fold, .out = next});

	if (i && !next)
		c->class.ends = both_ends(c, c->class.ends, (struct ends){i << 1, i << 1});
	return i;
}

static uint32_t shared_byte(struct compiler *c, uint8_t lo, uint8_t hi, uint32_t next)
{
	struct suffix s = {.lo = lo, .hi = hi, .next = next};
	size_t entry = find_suffix(c, &s);

	if (entry != TABLE_NONE)
		return c->suffixes[entry].instruction;
	s.instruction = sequence_byte(c, lo, hi, next);
	if (!s.instruction)
		return 0;
	void *suffixes = c->suffixes;

	c->error = regex_reserve(&suffixes, &c->suffixes_size, c->nsuffixes + 1, sizeof(*c->suffixes));
	c->suffixes = suffixes;
	if (!c->error)
		c->error = table_add(&c->found, table_hash(&s, offsetof(struct suffix, instruction)), c->nsuffixes);
	if (c->error)
		return 0;
	c->suffixes[c->nsuffixes++] = s;
	return s.instruction;
}

static bool same_bytes(const struct compiler *c, uint32_t a, uint32_t b)
{
	return at(c, a)->op == REGEX_OP_BYTE && at(c, a)->lo == at(c, b)->lo && at(c, a)->hi == at(c, b)->hi &&
	       at(c, a)->fold == at(c, b)->fold;
}

/*
 * Adds the sequence that begins with instruction `id` to those that begin at `root`, of which only the newest can begin
 * alike, as they come in order. What sequences have in common at the beginning are single bytes, which are not shared
 * ones. Returns the new root; 0 on failure. The depth is that of a sequence.
 */
static uint32_t add_sequence(struct compiler *c, uint32_t root, uint32_t id)
{
	uint32_t newest = at(c, root)->op == REGEX_OP_SPLIT ? at(c, root)->other : root;

	if (!same_bytes(c, newest, id))
		return emit(c, (struct regex_instruction){.op = REGEX_OP_SPLIT, .out = root, .other = id});
	uint32_t next = at(c, id)->out;

	/* It is the last one emitted, and no longer needed. */
	c->program->size--;
	next = add_sequence(c, at(c, newest)->out, next);
	if (!next)
		return 0;
	at(c, newest)->out = next;
	return root;
}

static int class_sequence(void *ctx, const struct regex_sequence *s)
{
	struct compiler *c = ctx;
	uint32_t id = 0;

	for (size_t i = s->n; i-- > 0 && !c->error;) {
		bool share = s->n > 1 && (i == s->n - 1 || (i > 0 && s->lo[i] < s->hi[i]));

		id = share ? shared_byte(c, s->lo[i], s->hi[i], id) : sequence_byte(c, s->lo[i], s->hi[i], id);
	}
	if (!c->error)
		c->class.start = c->class.start ? add_sequence(c, c->class.start, id) : id;
	return c->error;
}

static bool contains(const struct regex_node *class, uint32_t rune)
{
	for (size_t i = 0; i < class->n && class->ranges[i].lo <= rune; i++)
		if (rune <= class->ranges[i].hi)
			return true;
	return false;
}

/* Whether it has no letter in one case only. */
static bool ignores_case(const struct regex_node *class)
{
	for (uint32_t c = 'a'; c <= 'z'; c++)
		if (contains(class, c) != contains(class, c - 'a' + 'A'))
			return false;
	return true;
}

static struct fragment class(struct compiler *c, const struct regex_node *node)
{
	bool fold = ignores_case(node);

	c->class = nothing;
	c->nsuffixes = 0;
	table_free(&c->found);
	for (size_t i = 0; i < node->n && !c->error; i++) {
		const struct regex_range *r = &node->ranges[i];

		/* One instruction does for a range of letters in both cases. */
		if (fold && r->lo >= 'A' && r->hi <= 'Z')
			continue;
		c->fold = fold && !(r->lo <= 'A' && r->hi >= 'z') && r->hi >= 'A' && r->lo <= 'z' &&
		          !(r->lo > 'Z' && r->hi < 'a');
		if (r->hi < 0x80) {
			(void)regex_split(r->lo, r->hi, class_sequence, c);
			continue;
		}
		if (r->lo < 0x80)
			(void)regex_split(r->lo, 0x7f, class_sequence, c);
		c->fold = false;
		(void)regex_split(r->lo < 0x80 ? 0x80 : r->lo, r->hi, class_sequence, c);
	}
	return c->error ? nothing : c->class;
}

/* --- The walk --- */

static int push_step(struct compiler *c, const struct regex_node *node)
{
	void *steps = c->steps;

	if (++c->visits > 2 * c->limit)
		return -E2BIG;
	int r = regex_reserve(&steps, &c->steps_size, c->nsteps + 1, sizeof(*c->steps));

	c->steps = steps;
	if (!r)
		c->steps[c->nsteps++] = (struct step){.node = node};
	return r;
}

static int push_fragment(struct compiler *c, struct fragment f)
{
	void *fragments = c->fragments;
	int r = regex_reserve(&fragments, &c->fragments_size, c->nfragments + 1, sizeof(*c->fragments));

	c->fragments = fragments;
	if (!r)
		c->fragments[c->nfragments++] = f;
	return r;
}

static struct fragment compile_leaf(struct compiler *c, const struct regex_node *node)
{
	switch (node->op) {
	case REGEX_LITERAL:
		return literal(c, node);
	case REGEX_CLASS:
		return class(c, node);
	case REGEX_LINE_BEGIN:
		return single(c, (struct regex_instruction){.op = REGEX_OP_LINE_BEGIN}, true);
	case REGEX_LINE_END:
		return single(c, (struct regex_instruction){.op = REGEX_OP_LINE_END}, true);
	default:
		return single(c, (struct regex_instruction){.op = REGEX_OP_PASS}, true);
	}
}

/* From the fragments of its kids. There are no counted repetitions any more. */
static struct fragment compile_inner(struct compiler *c, const struct regex_node *node, const struct fragment *kids)
{
	struct fragment f = kids[0];

	switch (node->op) {
	case REGEX_GROUP:
		return group(c, f);
	case REGEX_STAR:
		return star(c, f);
	case REGEX_PLUS:
		return plus(c, f);
	case REGEX_QUEST:
		return quest(c, f);
	default:
		for (size_t i = 1; i < node->n && !c->error; i++)
			f = node->op == REGEX_CONCAT ? concat(c, f, kids[i]) : alternate(c, f, kids[i]);
		return f;
	}
}

/* Each step leaves one fragment. A kid that is there several times is compiled as often. */
static int compile_tree(struct compiler *c, const struct regex_node *root)
{
	int r = push_step(c, root);

	while (!r && c->nsteps > 0) {
		struct step *step = &c->steps[c->nsteps - 1];
		const struct regex_node *node = step->node;
		size_t nkids = regex_nkids(node);

		if (step->next < nkids) {
			r = push_step(c, regex_kids(node)[step->next++]);
			continue;
		}
		struct fragment f =
		        nkids ? compile_inner(c, node, c->fragments + c->nfragments - nkids) : compile_leaf(c, node);

		c->nsteps--;
		c->nfragments -= nkids;
		r = c->error ? c->error : push_fragment(c, f);
	}
	return r;
}

/* Where an instruction really leads to. Shortens the way for the next who asks. */
static uint32_t behind_passes(struct regex_program *p, uint32_t i)
{
	while (p->code[i].op == REGEX_OP_PASS) {
		uint32_t *out = &p->code[i].out;

		if (p->code[*out].op == REGEX_OP_PASS)
			*out = p->code[*out].out;
		i = *out;
	}
	return i;
}

/* Lets nothing lead to what only passes. There is no circle of such, as what repeats splits. */
static void skip_passes(struct regex_program *p)
{
	for (uint32_t i = 0; i < p->size; i++) {
		p->code[i].out = behind_passes(p, p->code[i].out);
		p->code[i].other = behind_passes(p, p->code[i].other);
	}
	p->start = behind_passes(p, p->start);
}

int regex_program_new(struct regex_program **out, struct arena *arena, enum regex_release release,
                      struct regex_node *root, size_t limit)
{
	_cleanup_(compiler_free) struct compiler c = {.limit = limit};
	int r = regex_simplify(arena, release, &root, 2 * limit);

	if (r)
		return r;
	c.program = calloc(1, sizeof(*c.program));
	if (!c.program)
		return -ENOMEM;
	(void)emit(&c, (struct regex_instruction){.op = REGEX_OP_FAIL});
	r = c.error ? c.error : compile_tree(&c, root);
	if (r)
		return r;
	struct fragment all =
	        concat(&c, c.fragments[0], single(&c, (struct regex_instruction){.op = REGEX_OP_MATCH}, false));

	if (c.error)
		return c.error;
	/* RE2's also has two instructions to begin anywhere. */
	if (c.program->size + 2 > limit)
		return -E2BIG;
	c.program->start = all.start;
	skip_passes(c.program);
	*out = TAKE_PTR(c.program);
	return 0;
}

void regex_program_free(struct regex_program *p)
{
	if (!p)
		return;
	free(p->code);
	free(p);
}
