/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions: checked when they are defined, put into the condition's text when that is compiled. Falco checks only
 * those of a definition; one that replaces others is judged by the condition it makes.
 */
#include "rules/exception.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"

bool exception_given(const struct exception_entry *e)
{
	return e->is_list ? e->nitems > 0 : e->item.len > 0;
}

/* The text of an entry; "" where Falco finds none. */
static const char *word_of(const struct exception_entry *e)
{
	return !e->is_list && e->item.bytes ? e->item.bytes : "";
}

static bool bad(struct collection *c, struct text_place place, const char *message)
{
	COLLECT_ERROR(c, place, "bad-exception", "%s", message);
	return false;
}

/* Operators */

static bool is_list_operator(const char *op)
{
	return strcmp(op, "in") == 0 || strcmp(op, "intersects") == 0 || strcmp(op, "pmatch") == 0;
}

/* Operators that compare texts, which alone take a modifier. */
static bool is_text_operator(const char *op, size_t len)
{
	static const char *const words[] = {"=",         "==",        "!=",         "contains",
	                                    "icontains", "bcontains", "startswith", "bstartswith",
	                                    "endswith",  "glob",      "iglob",      "regex"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == len && memcmp(words[i], op, len) == 0)
			return true;
	return false;
}

/* "startswith oneof" */
static bool has_modifier(const char *op)
{
	const char *blank = strchr(op, ' ');

	return blank && is_text_operator(op, (size_t)(blank - op)) &&
	       (strcmp(blank, " oneof") == 0 || strcmp(blank, " anyof") == 0 || strcmp(blank, " allof") == 0);
}

static bool takes_list(const char *op)
{
	return is_list_operator(op) || has_modifier(op);
}

static bool is_operator(const char *op)
{
	return takes_list(op) || is_text_operator(op, strlen(op)) || strcmp(op, "exists") == 0 ||
	       strcmp(op, "<") == 0 || strcmp(op, "<=") == 0 || strcmp(op, ">") == 0 || strcmp(op, ">=") == 0;
}

static bool refuse_operator(struct collection *c, const struct exception_entry *e)
{
	static const char *const words[] = {
	        "startswith", "endswith",  "contains",    "icontains",        "glob",
	        "iglob",      "regex",     "in",          "intersects",       "pmatch",
	        "exists",     "bcontains", "bstartswith", "startswith oneof", "contains anyof"};
	const char *word = word_of(e);
	struct suggestion s = suggestion_for(word, strlen(word));

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		suggestion_offer(&s, words[i]);
	COLLECT_ERROR(c, e->place, "bad-exception", "'%s' is no operator%s%s%s; comps are such as =, in or startswith",
	              word, s.best ? ", did you mean '" : "", s.best ? s.best : "", s.best ? "'" : "");
	return false;
}

/* Checks */

/* A word that nobody wrote. */
static bool set_word(struct collection *c, struct exception_entry *e, const char *word, struct text_place place)
{
	_autotext_ struct text_builder b = {0};

	*e = (struct exception_entry){.place = place};
	text_adds(&b, word, place);
	if (text_finish(&e->item, &b, place, &c->arena)) {
		c->out_of_memory = true;
		return false;
	}
	return true;
}

/* The operator without blanks around it. */
static bool trim(struct collection *c, struct exception_entry *e)
{
	static const char blanks[] = " \t\r\n";
	const char *word = word_of(e);
	size_t from = strspn(word, blanks), to = strlen(word);
	_autotext_ struct text_builder b = {0};

	while (to > from && strchr(blanks, word[to - 1]))
		to--;
	if (to - from == strlen(word))
		return true;
	text_add_slice(&b, &e->item, from, to);
	if (text_finish(&e->item, &b, e->place, &c->arena)) {
		c->out_of_memory = true;
		return false;
	}
	return true;
}

/* Whether "WORD exists" is a condition, and for a plain name nothing but the check of a field. */
static bool is_field(const char *word, struct diag_list *diags)
{
	_autobuf_ struct buf text = BUF_INIT;
	_autofilter_ struct filter *f = NULL;
	size_t len = strlen(word);
	bool call = strchr(word, '(') != NULL;

	if (!len || (!call && strpbrk(word + len - 1, " \t\n\v\f\r")))
		return false;
	buf_addf(&text, "%s exists", word);
	struct filter_text source = {.bytes = buf_str(&text), .len = text.len};

	if (buf_error(&text) || filter_parse(&f, &source, diags))
		return false;
	const struct filter_node *root = filter_root(f);

	return call || ((root->kind == FILTER_LEAF || root->kind == FILTER_CHECK) && root->left->pos.column == 1);
}

static bool check_field(struct collection *c, const struct exception_entry *e)
{
	_autodiag_ struct diag_list diags = DIAG_LIST_INIT;
	const char *word = word_of(e);

	if (is_field(word, &diags))
		return true;
	c->out_of_memory |= diags.out_of_memory;
	if (diags.count)
		COLLECT_ERROR(c, e->place, diags.items[0].code, "%s", diags.items[0].message);
	else
		COLLECT_ERROR(c, e->place, "unknown-field", "'%s' is no field; see the list of Falco's fields", word);
	return false;
}

/* comps as long as fields, = for each. */
static bool fill_operators(struct collection *c, struct exception *ex)
{
	ex->comps = (struct exception_entry){.is_list = true, .place = ex->fields.place};
	ex->comps.items = collection_alloc(c, (ex->fields.nitems + 1) * sizeof(*ex->comps.items));
	for (; ex->comps.items && ex->comps.nitems < ex->fields.nitems; ex->comps.nitems++)
		if (!set_word(c, &ex->comps.items[ex->comps.nitems], "=", ex->place))
			return false;
	return ex->comps.items != NULL;
}

static bool check_many(struct collection *c, struct exception *ex, bool known_source)
{
	if (!exception_given(&ex->comps) && !fill_operators(c, ex))
		return false;
	if (!ex->comps.is_list || ex->comps.nitems != ex->fields.nitems)
		return bad(c, ex->comps.place, "fields and comps must be lists of the same length");
	for (size_t i = 0; i < ex->comps.nitems; i++) {
		struct exception_entry *op = &ex->comps.items[i];

		if (!trim(c, op))
			return false;
		if (!is_operator(word_of(op)))
			return refuse_operator(c, op);
	}
	for (size_t i = 0; i < ex->fields.nitems && known_source; i++)
		if (!check_field(c, &ex->fields.items[i]))
			return false;
	return true;
}

bool exception_check(struct collection *c, struct exception *ex, bool known_source)
{
	if (!exception_given(&ex->fields))
		return bad(c, ex->place, "an exception needs fields: what its values are compared with");
	if (ex->fields.is_list)
		return check_many(c, ex, known_source);
	if (!exception_given(&ex->comps) && !set_word(c, &ex->comps, "in", ex->place))
		return false;
	if (ex->comps.is_list)
		return bad(c, ex->comps.place, "with a single field, comps must be a single operator, not a list");
	if (!trim(c, &ex->comps))
		return false;
	if (!is_operator(word_of(&ex->comps)))
		return refuse_operator(c, &ex->comps);
	if (!takes_list(word_of(&ex->comps)))
		return bad(c, ex->comps.place,
		           "with a single field, comps must be in, pmatch, intersects or have a modifier, such as "
		           "startswith oneof; or write fields and comps as lists");
	return !known_source || check_field(c, &ex->fields);
}

/* Appending */

static bool append_values(struct collection *c, struct exception *to, const struct exception *from)
{
	if (exception_given(&from->fields) || exception_given(&from->comps))
		return bad(c, from->place,
		           "what is appended to an exception can only be values; remove fields and comps");
	size_t n = to->nvalues + from->nvalues;
	struct exception_entry *values = collection_alloc(c, (n + 1) * sizeof(*values));

	if (!values)
		return false;
	if (to->nvalues)
		memcpy(values, to->values, to->nvalues * sizeof(*values));
	if (from->nvalues)
		memcpy(values + to->nvalues, from->values, from->nvalues * sizeof(*values));
	to->values = values;
	to->nvalues = n;
	return true;
}

bool exception_append(struct collection *c, struct rule_def *rule, const struct exception *from)
{
	struct rule_fields *to = &rule->fields;
	struct exception ex = *from;

	for (size_t i = 0; i < to->nexceptions; i++)
		if (strcmp(to->exceptions[i].name, ex.name) == 0)
			return append_values(c, &to->exceptions[i], &ex);
	if (!exception_given(&ex.fields))
		return bad(c, ex.place,
		           "the rule has no exception of this name; a new one needs fields, comps and values");
	if (!ex.nvalues)
		return bad(c, ex.place, "a new exception that is appended needs values");
	if (!exception_check(c, &ex, rule->known_source))
		return false;
	to->exceptions[to->nexceptions++] = ex;
	return true;
}

/* Joining */

static void add_word(struct text_builder *out, const struct exception_entry *e)
{
	if (!e->is_list && e->item.bytes)
		text_add(out, &e->item);
}

/* Falco quotes a value with blanks unless it is quoted already. */
static void add_quoted(struct text_builder *out, const struct exception_entry *e)
{
	const char *word = word_of(e);
	bool quote = strchr(word, ' ') && *word != '"' && *word != '\'';

	if (quote)
		text_adds(out, "\"", e->place);
	add_word(out, e);
	if (quote)
		text_adds(out, "\"", e->place);
}

static void add_list(struct text_builder *out, const struct exception_entry *e)
{
	text_adds(out, "(", e->place);
	for (size_t i = 0; i < e->nitems; i++) {
		if (i)
			text_adds(out, ", ", e->items[i].place);
		add_quoted(out, &e->items[i]);
	}
	text_adds(out, ")", e->place);
}

static void add_operand(struct text_builder *out, const struct exception_entry *value, const char *op)
{
	if (value->is_list) {
		add_list(out, value);
	} else if (takes_list(op)) {
		bool open = *word_of(value) != '(';

		text_adds(out, open ? "(" : "", value->place);
		add_word(out, value);
		text_adds(out, open ? ")" : "", value->place);
	} else {
		add_quoted(out, value);
	}
}

/* One that replaced others was not checked. */
static bool can_join(struct collection *c, const struct exception *ex)
{
	if (!exception_given(&ex->fields))
		return bad(c, ex->place, "an exception needs fields: what its values are compared with");
	if (ex->fields.is_list ? ex->comps.nitems < ex->fields.nitems
	                       : ex->comps.is_list || !exception_given(&ex->comps))
		return bad(c, ex->place,
		           "an exception that replaces others needs comps for its fields; Falco fills them in only "
		           "where a "
		           "rule is defined");
	return true;
}

/* not ((a = x and b = y) or (…)) */
static bool join_many(struct collection *c, struct text_builder *out, const struct exception *ex)
{
	for (size_t v = 0; v < ex->nvalues; v++) {
		const struct exception_entry *value = &ex->values[v];

		if (!value->is_list || value->nitems != ex->fields.nitems)
			return bad(c, value->place, "each value must be a list as long as fields");
		text_adds(out, v ? " or (" : " and not ((", value->place);
		for (size_t i = 0; i < value->nitems; i++) {
			text_adds(out, i ? " and  " : " ", value->place);
			add_word(out, &ex->fields.items[i]);
			text_adds(out, " ", value->place);
			add_word(out, &ex->comps.items[i]);
			text_adds(out, " ", value->place);
			add_operand(out, &value->items[i], word_of(&ex->comps.items[i]));
		}
		text_adds(out, ")", value->place);
	}
	text_adds(out, ")", ex->place);
	return true;
}

/* not (a in (x, y)) */
static bool join_single(struct collection *c, struct text_builder *out, const struct exception *ex)
{
	text_adds(out, " and not (", ex->place);
	add_word(out, &ex->fields);
	text_adds(out, " ", ex->place);
	add_word(out, &ex->comps);
	text_adds(out, " (", ex->place);
	for (size_t v = 0; v < ex->nvalues; v++) {
		const struct exception_entry *value = &ex->values[v];

		if (value->is_list)
			return bad(c, value->place, "with a single field, values must be single values");
		if (v)
			text_adds(out, ", ", value->place);
		add_quoted(out, value);
	}
	text_adds(out, "))", ex->place);
	return true;
}

bool exception_join(struct collection *c, struct text_builder *out, const struct rule_def *rule)
{
	const struct rule_fields *f = &rule->fields;

	if (f->nexceptions)
		text_adds(out, "(", text_start(&f->condition));
	text_add(out, &f->condition);
	if (f->nexceptions)
		text_adds(out, ")", text_start(&f->condition));
	for (size_t i = 0; i < f->nexceptions; i++) {
		const struct exception *ex = &f->exceptions[i];

		if (!ex->nvalues)
			continue;
		if (!can_join(c, ex))
			return false;
		if (!(ex->fields.is_list ? join_many(c, out, ex) : join_single(c, out, ex)))
			return false;
	}
	return true;
}

/* Mistakes in what was joined */

struct search {
	struct collection *c;
	const struct exception *ex;
	bool (*reads)(void *ctx, const struct text *t);
	void *ctx;
};

/* Whether the grammar reads "FIELD OP (word)" with that word, or without parentheses, in quotes if there is one. */
static bool reads_word(const struct search *s, const char *op, const struct exception_entry *e, const char *quote,
                       bool list)
{
	_autotext_ struct text_builder b = {0};

	text_adds(&b, "evt.type ", e->place);
	text_adds(&b, op, e->place);
	text_adds(&b, list ? " (" : " ", e->place);
	text_adds(&b, quote, e->place);
	if (*quote)
		add_word(&b, e);
	else
		add_quoted(&b, e);
	text_adds(&b, quote, e->place);
	text_adds(&b, list ? ")" : "", e->place);
	struct text t = text_view(&b);

	s->c->out_of_memory |= b.out_of_memory;
	return b.out_of_memory || b.too_large || s->reads(s->ctx, &t);
}

static bool reads_operand(const struct search *s, const char *op, const struct exception_entry *e)
{
	_autotext_ struct text_builder b = {0};

	text_adds(&b, "evt.type ", e->place);
	text_adds(&b, op, e->place);
	text_adds(&b, " ", e->place);
	add_operand(&b, e, op);
	struct text t = text_view(&b);

	s->c->out_of_memory |= b.out_of_memory;
	return b.out_of_memory || b.too_large || s->reads(s->ctx, &t);
}

/* A value that does not read as one. False if it is none that can be told about. */
static bool report_word(const struct search *s, const char *op, const struct exception_entry *e, bool list)
{
	const char *word = word_of(e), *name = s->ex->name;
	const char *quote = strchr(word, '"') ? "'" : "\"", *outer = *quote == '"' ? "'" : "\"";

	if (collection_list(s->c, word))
		return false;
	if (!*word)
		COLLECT_ERROR(s->c, e->place, "syntax", "in the exception '%s', '%s' has no value here; write one",
		              name, op);
	else if (strcmp(op, "exists") == 0)
		COLLECT_ERROR(s->c, e->place, "syntax",
		              "in the exception '%s', 'exists' is given a value and takes none; use another operator",
		              name);
	else if (reads_word(s, op, e, quote, list))
		COLLECT_ERROR(s->c, e->place, "syntax",
		              "in the exception '%s', the value '%s' needs quotes of its own; write %s%s%s%s%s%s", name,
		              word, outer, quote, word, quote, outer,
		              list && strpbrk(word, " ,") ? ", or a list of values" : "");
	else
		COLLECT_ERROR(s->c, e->place, "syntax",
		              "in the exception '%s', the value '%s' cannot be read, not even in quotes; write another",
		              name, word);
	return true;
}

/* Each item of a list by itself. */
static bool report_items(const struct search *s, const struct exception_entry *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!items[i].is_list && !reads_word(s, "in", &items[i], "", true))
			return report_word(s, "in", &items[i], true);
	return false;
}

static bool report_operand(const struct search *s, const char *op, const struct exception_entry *e)
{
	if (!e->is_list)
		return report_word(s, op, e, takes_list(op));
	if (takes_list(op))
		return report_items(s, e->items, e->nitems);
	COLLECT_ERROR(s->c, e->place, "syntax",
	              "in the exception '%s', '%s' compares with one value, not with a list; use comps 'in' for a list",
	              s->ex->name, op);
	return true;
}

static bool report_rows(const struct search *s)
{
	const struct exception *ex = s->ex;

	for (size_t v = 0; v < ex->nvalues; v++)
		for (size_t i = 0; i < ex->values[v].nitems && i < ex->comps.nitems; i++) {
			const char *op = word_of(&ex->comps.items[i]);

			if (!reads_operand(s, op, &ex->values[v].items[i]))
				return report_operand(s, op, &ex->values[v].items[i]);
		}
	return false;
}

bool exception_report(struct collection *c, const struct rule_def *rule, bool (*reads)(void *ctx, const struct text *t),
                      void *ctx)
{
	const struct rule_fields *f = &rule->fields;

	for (size_t i = 0; i < f->nexceptions; i++) {
		const struct exception *ex = &f->exceptions[i];
		struct search s = {c, ex, reads, ctx};

		if (ex->fields.is_list ? report_rows(&s) : report_items(&s, ex->values, ex->nvalues))
			return true;
	}
	return false;
}

static bool entry_covers(const struct exception_entry *e, struct source_pos pos)
{
	for (size_t i = 0; i < e->nitems; i++)
		if (text_covers(&e->items[i].item, pos))
			return true;
	return text_covers(&e->item, pos);
}

static bool values_cover(const struct exception *ex, struct source_pos pos)
{
	for (size_t v = 0; v < ex->nvalues; v++) {
		const struct exception_entry *row = &ex->values[v];

		for (size_t i = 0; i < row->nitems; i++)
			if (entry_covers(&row->items[i], pos))
				return true;
		if (entry_covers(row, pos))
			return true;
	}
	return false;
}

const struct exception *exception_at(const struct rule_def *rule, struct source_pos pos)
{
	const struct rule_fields *f = &rule->fields;

	for (size_t i = 0; i < f->nexceptions; i++)
		if (values_cover(&f->exceptions[i], pos) || entry_covers(&f->exceptions[i].fields, pos) ||
		    entry_covers(&f->exceptions[i].comps, pos))
			return &f->exceptions[i];
	return NULL;
}

/* Places of comparisons */

static int compare_pos(const void *left, const void *right)
{
	const struct source_pos *a = left, *b = right;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return strcmp(a->file ? a->file : "", b->file ? b->file : "");
}

/* What is compared in the order of the joined text: each value, by the place of its field, which all rows share. */
struct places {
	struct source_pos *fields; /* sorted */
	size_t nfields;
	struct text_place *values;
	size_t nvalues;
	size_t seen; /* comparisons of exceptions */
	bool move;
};

static void add_field_place(struct places *p, const struct exception_entry *e)
{
	if (e->item.bytes)
		p->fields[p->nfields++] = text_pos(&e->item, 0);
}

static void add_places(struct places *p, const struct exception *ex)
{
	add_field_place(p, &ex->fields);
	for (size_t i = 0; i < ex->fields.nitems; i++)
		add_field_place(p, &ex->fields.items[i]);
	if (!ex->fields.is_list)
		p->values[p->nvalues++] = ex->values[0].place;
	for (size_t v = 0; ex->fields.is_list && v < ex->nvalues; v++)
		for (size_t i = 0; i < ex->values[v].nitems; i++)
			p->values[p->nvalues++] = ex->values[v].items[i].place;
}

static struct source_pos place_of_value(void *ctx, const struct filter_node *n)
{
	struct places *p = ctx;

	if (!bsearch(&n->pos, p->fields, p->nfields, sizeof(*p->fields), compare_pos))
		return n->pos;
	size_t i = p->seen++;

	return p->move ? text_place_pos(p->values[i]) : n->pos;
}

void exception_place(struct collection *c, struct filter *filter, const struct rule_def *rule)
{
	const struct rule_fields *f = &rule->fields;
	size_t nfields = 1, nvalues = 1;

	for (size_t i = 0; i < f->nexceptions; i++) {
		nfields += f->exceptions[i].fields.nitems + 1;
		nvalues += f->exceptions[i].nvalues * (f->exceptions[i].fields.nitems + 1);
	}
	if (nvalues == 1)
		return;
	_autofree_ struct source_pos *fields = calloc(nfields, sizeof(*fields));
	_autofree_ struct text_place *values = calloc(nvalues, sizeof(*values));
	struct places p = {.fields = fields, .values = values};

	if (!fields || !values) {
		c->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < f->nexceptions; i++)
		if (f->exceptions[i].nvalues)
			add_places(&p, &f->exceptions[i]);
	qsort(fields, p.nfields, sizeof(*fields), compare_pos);
	filter_move(filter, place_of_value, &p);
	/* A value that is more than one ("a or proc.name = b") makes comparisons of its own. */
	if (p.seen != p.nvalues)
		return;
	p.seen = 0;
	p.move = true;
	filter_move(filter, place_of_value, &p);
}
