/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves on texts: comparisons become patterns of the domain's automata.
 */
#include "policy/derive_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "policy/automaton.h"
#include "policy/mutation.h"

#define OF_A_PART "of this part of a path the operator is not decided in the kernel; compare fd.name"

/* Where a leaf looks: at the process's own text, at an ancestor's, or at a part of a path. */
struct place {
	enum match_domain domain;
	unsigned int level;
	bool always;
	enum point_part part;
};

/* The test of an operator; false if texts have none of it. */
static bool test_of(enum filter_op op, enum atom_test *test, bool *fold)
{
	*fold = op == FILTER_OP_ICONTAINS || op == FILTER_OP_IGLOB;
	switch (op) {
	case FILTER_OP_EQ:
	case FILTER_OP_NE:
	case FILTER_OP_IN:
	case FILTER_OP_INTERSECTS: /* of a field that is no list, the same */
		*test = ATOM_EQUALS;
		return true;
	case FILTER_OP_STARTSWITH:
		*test = ATOM_PREFIX;
		return true;
	case FILTER_OP_ENDSWITH:
		*test = ATOM_SUFFIX;
		return true;
	case FILTER_OP_CONTAINS:
	case FILTER_OP_ICONTAINS:
		*test = ATOM_CONTAINS;
		return true;
	case FILTER_OP_GLOB:
	case FILTER_OP_IGLOB:
		*test = ATOM_GLOB;
		return true;
	case FILTER_OP_PMATCH:
		*test = ATOM_PMATCH;
		return true;
	case FILTER_OP_REGEX:
		*test = ATOM_REGEX;
		return true;
	default:
		return false;
	}
}

/* Why no automaton can ask for one of the values; NULL: it can. */
static const char *refused(struct deriver *v, const struct filter_node *n, enum atom_test test, bool fold)
{
	static const enum pattern_kind kinds[] = {
	        [ATOM_GLOB] = PATTERN_GLOB, [ATOM_PMATCH] = PATTERN_PMATCH, [ATOM_REGEX] = PATTERN_REGEX};
	const char *reason = NULL;

	if (test != ATOM_GLOB && test != ATOM_PMATCH && test != ATOM_REGEX)
		return NULL;
	for (size_t i = 0; i < n->nvalues && !reason; i++) {
		const struct pattern p = {.kind = kinds[test],
		                          .flags = fold ? PATTERN_FOLD : 0,
		                          .bytes = n->values[i].text,
		                          .len = n->values[i].len};
		int error = 0;

		reason = automaton_accepts(&p, &error);
		if (error)
			v->error = error;
	}
	return reason;
}

/* What is put around the values of a leaf, and which of them are left out. */
struct framing {
	const char *before, *after;
	bool (*fits)(const struct filter_value *value); /* NULL: all */
};

static const struct framing as_they_are = {.before = "", .after = ""};

/* One atom of the leaf's values. */
static struct formula *texts_atom(struct deriver *v, const struct filter_node *n, struct atom model,
                                  const struct framing *framing, bool negated)
{
	_autofree_ struct atom_text *texts = calloc(n->nvalues + 1, sizeof(*texts));
	_autofree_ struct buf *bytes = calloc(n->nvalues + 1, sizeof(*bytes));
	struct formula *f;

	if (!texts || !bytes) {
		v->error = -ENOMEM;
		return formula_constant(false);
	}
	model.texts = texts;
	model.ntexts = 0;
	for (size_t i = 0; i < n->nvalues; i++) {
		if (framing->fits && !framing->fits(&n->values[i]))
			continue;
		buf_adds(&bytes[i], framing->before);
		buf_add(&bytes[i], n->values[i].text, n->values[i].len);
		buf_adds(&bytes[i], framing->after);
		if (buf_error(&bytes[i]))
			v->error = -ENOMEM;
		texts[model.ntexts++] = (struct atom_text){.bytes = buf_str(&bytes[i]), .len = bytes[i].len};
	}
	f = model.ntexts ? formula_atom(v, &model, negated) : formula_constant(negated);
	for (size_t i = 0; i < n->nvalues; i++)
		buf_free(&bytes[i]);
	return f;
}

static bool is_root(const struct filter_value *value)
{
	return value->len == 1 && value->text[0] == '/';
}

static bool is_name(const struct filter_value *value)
{
	return value->len && !memchr(value->text, '/', value->len);
}

static bool is_end_of_name(const struct filter_value *value)
{
	return is_root(value) || is_name(value);
}

/* The file's name is what is behind the last slash: to be or to end like a name is to end like the path does. Of the
 * root, the only path that ends in a slash, it is that slash. */
static struct formula *filename_atom(struct deriver *v, const struct filter_node *n, struct atom model, bool negated)
{
	static const struct framing component = {.before = "/", .after = "", .fits = is_name};
	static const struct framing root = {.before = "", .after = "", .fits = is_root};
	static const struct framing end = {.before = "", .after = "", .fits = is_end_of_name};

	if (model.test != ATOM_EQUALS && model.test != ATOM_SUFFIX)
		return formula_lost(v, n, negated, OF_A_PART);
	if (model.test == ATOM_SUFFIX)
		return texts_atom(v, n, model, &end, negated);
	model.test = ATOM_SUFFIX;
	return formula_join2(v, negated ? FORMULA_AND : FORMULA_OR, texts_atom(v, n, model, &component, negated),
	                     texts_atom(v, n, model, &root, negated));
}

/* A path whose components pmatch compares as they stand: no globs, nothing that it would leave out. */
static bool is_plain_path(const struct filter_value *value)
{
	return value->len > 1 && value->text[0] == '/' && value->text[value->len - 1] != '/' &&
	       !memmem(value->text, value->len, "//", 2) && !strpbrk(value->text, "*?[\\");
}

static bool are_plain_paths(const struct filter_node *n)
{
	for (size_t i = 0; i < n->nvalues; i++)
		if (!is_plain_path(&n->values[i]))
			return false;
	return true;
}

/*
 * The automata tell the end of the directory by a mark of its own. It is one of some paths or below if it is one of
 * them, or if the path of the file goes on behind one of them.
 */
static struct formula *directory_atom(struct deriver *v, const struct filter_node *n, struct atom model, bool negated)
{
	static const struct framing below = {.before = "", .after = "/"};
	struct formula *under;

	if (model.test != ATOM_EQUALS && model.test != ATOM_PMATCH)
		return formula_lost(v, n, negated, OF_A_PART);
	if (model.test == ATOM_PMATCH && !are_plain_paths(n))
		return formula_lost(v, n, negated, OF_A_PART);
	if (model.test == ATOM_EQUALS) {
		model.test = ATOM_DIRECTORY;
		return texts_atom(v, n, model, &as_they_are, negated);
	}
	model.test = ATOM_PREFIX;
	under = texts_atom(v, n, model, &below, negated);
	model.test = ATOM_DIRECTORY;
	return formula_join2(v, negated ? FORMULA_AND : FORMULA_OR, under,
	                     texts_atom(v, n, model, &as_they_are, negated));
}

/*
 * A glob as "begins with its head, ends with its tail, and matches": the same, but it can be waited for by what is
 * cheap to know.
 */
static struct formula *glob_atom(struct deriver *v, const struct filter_node *n, struct atom model, bool negated)
{
	const char *text = n->values[0].text;
	size_t len = n->values[0].len, head = strcspn(text, "*?[\\"), tail = 0;
	struct atom_text first = {.bytes = text, .len = head}, last;
	struct atom end = model;
	struct formula *kids[3];
	size_t nkids = 0;

	/* What stands behind a bracket or a question mark is no less the end of the text. */
	while (head < len && tail < len - head && !strchr("*?[]\\", text[len - 1 - tail]))
		tail++;
	kids[nkids++] = texts_atom(v, n, model, &as_they_are, negated);
	if (model.fold || head == len)
		return kids[0];
	end.ntexts = 1;
	if (head) {
		end.test = ATOM_PREFIX;
		end.texts = &first;
		kids[nkids++] = formula_atom(v, &end, negated);
	}
	if (tail) {
		last = (struct atom_text){.bytes = text + len - tail, .len = tail};
		end.test = ATOM_SUFFIX;
		end.texts = &last;
		kids[nkids++] = formula_atom(v, &end, negated);
	}
	return formula_join(v, negated ? FORMULA_OR : FORMULA_AND, kids, nkids);
}

/* A path in which every component counts: the kernel made it. */
static bool is_resolved(enum match_domain d)
{
	return d == MATCH_PATH || d == MATCH_EXEPATH;
}

/* Such a path is one of some others or below if it is one of them, or begins with one of them and a slash. */
static struct formula *path_atom(struct deriver *v, const struct filter_node *n, struct atom model, bool negated)
{
	static const struct framing below = {.before = "", .after = "/"};
	struct formula *under;

	model.test = ATOM_PREFIX;
	under = texts_atom(v, n, model, &below, negated);
	model.test = ATOM_EQUALS;
	return formula_join2(v, negated ? FORMULA_AND : FORMULA_OR, under,
	                     texts_atom(v, n, model, &as_they_are, negated));
}

/* The leaf, or for != its opposite. */
static struct formula *positive(struct deriver *v, const struct filter_node *n, const struct place *at, bool negated)
{
	struct atom model = {.domain = at->domain, .level = at->level};
	const char *reason;

	if (!test_of(n->op, &model.test, &model.fold))
		return formula_lost(v, n, negated, FORMULA_NOT_DECIDED);
	if (!n->nvalues)
		return formula_constant(negated);
	reason = refused(v, n, model.test, model.fold);
	if (reason)
		return formula_lost(v, n, negated, reason);
	if (at->part == PART_FILENAME)
		return filename_atom(v, n, model, negated);
	if (at->part == PART_DIRECTORY)
		return directory_atom(v, n, model, negated);
	if (model.test == ATOM_GLOB)
		return glob_atom(v, n, model, negated);
	if (model.test == ATOM_PMATCH && is_resolved(at->domain) && are_plain_paths(n))
		return path_atom(v, n, model, negated);
	return texts_atom(v, n, model, &as_they_are, negated);
}

/* Every text begins and ends with nothing, and contains it. */
static bool asks_nothing(const struct filter_node *n)
{
	return (n->op == FILTER_OP_STARTSWITH || n->op == FILTER_OP_ENDSWITH || n->op == FILTER_OP_CONTAINS ||
	        n->op == FILTER_OP_ICONTAINS) &&
	       n->nvalues && !n->values[0].len;
}

static struct formula *text_at(struct deriver *v, const struct filter_node *n, const struct place *at, bool negated)
{
	struct formula *there, *equal;

	if (n->op == FILTER_OP_EXISTS || asks_nothing(n))
		return formula_exists(v, at->domain, at->level, at->always, negated);
	if (n->op != FILTER_OP_NE)
		return positive(v, n, at, negated);
	/* There is a value, and it is another. */
	equal = positive(v, n, at, !negated);
	if (MUTATED(MISSING_IS_UNEQUAL))
		return equal;
	there = formula_exists(v, at->domain, at->level, at->always, negated);
	return formula_join2(v, negated ? FORMULA_OR : FORMULA_AND, there, equal);
}

/* The process itself is the ancestor of distance 0: the field that tells the same of it. */
static enum field_id own_field(enum match_domain ancestors)
{
	switch (ancestors) {
	case MATCH_AEXE:
		return FIELD_PROC_EXE;
	case MATCH_AEXEPATH:
		return FIELD_PROC_EXEPATH;
	case MATCH_ACMDLINE:
		return FIELD_PROC_CMDLINE;
	default:
		return FIELD_PROC_NAME;
	}
}

static struct formula *ancestor_text(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                                     bool negated)
{
	struct place at = {.domain = field->domain, .level = (unsigned int)field->level};
	const struct point_field *own;

	if (field->level >= 0)
		return text_at(v, n, &at, negated);
	if (n->left->has_arg && n->left->arg_index == 0) {
		own = point_field(v->d->point, own_field(field->domain), NULL);
		return own->how == POINT_LOST ? formula_lost(v, n, negated, own->reason)
		                              : derive_text(v, n, own, negated);
	}
	if (n->left->has_arg && n->left->arg_index > TERCEL_ANCESTOR_LEVELS)
		return formula_lost(v, n, negated, "ancestors are decided up to the distance 15");
	at.level = n->left->has_arg ? (unsigned int)n->left->arg_index : 0;
	if (!n->left->has_arg && (n->op == FILTER_OP_NE || n->op == FILTER_OP_EXISTS || asks_nothing(n)))
		return formula_lost(v, n, negated, "of any ancestor neither != nor exists is decided");
	return text_at(v, n, &at, negated);
}

struct formula *derive_text(struct deriver *v, const struct filter_node *n, const struct point_field *field,
                            bool negated)
{
	static const struct atom file = {.domain = MATCH_FD_TYPE, .test = ATOM_BITS, .bits = 1ULL << MATCH_FD_FILE};
	const struct place at = {.domain = field->domain, .always = field->always, .part = field->part};
	struct formula *f;

	if (field->domain >= MATCH_ANAME)
		return ancestor_text(v, n, field, negated);
	f = text_at(v, n, &at, negated);
	if (field->part != PART_FILENAME)
		return f;
	return formula_join2(v, negated ? FORMULA_OR : FORMULA_AND, f, formula_atom(v, &file, negated));
}
