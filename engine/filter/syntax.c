/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads condition text by Falco's grammar, word by word as libsinsp's parser does, oddities included (a word operator
 * needs a blank behind it, a sign operator and `in` do not; a list name may stand without parentheses). Looks
 * nothing up: neither fields nor macros.
 */
#include "filter/syntax.h"

#include <errno.h>
#include <string.h>

#include "filter/advice.h"

struct parser {
	const struct filter_text *text;
	const char *bytes;
	size_t len, at;
	unsigned int depth;
	size_t nodes;
	struct arena *arena;
	struct diag_list *diags;
	size_t counted; /* up to here lines were counted: `counted_pos` */
	struct source_pos counted_pos;
	int error; /* 0 until the first failure, which ends everything */
	/* What was read last, for messages. */
	const char *joiner; /* "and", "or" or "not"; NULL at first */
	size_t joiner_end;
	const char *name; /* a macro's; NULL at first */
	size_t name_at, name_end;
	const struct syntax_node *leaf; /* NULL at first */
	size_t op_at, op_end, leaf_end;
};

struct source_pos filter_text_pos(const struct filter_text *text, size_t offset)
{
	struct source_pos pos = {.file = NULL, .line = 1, .column = 1};

	if (offset > text->len)
		offset = text->len;
	if (text->pos)
		return text->pos(text->ctx, offset);
	for (size_t i = 0; i < offset; i++) {
		pos.column++;
		if (text->bytes[i] == '\n') {
			pos.line++;
			pos.column = 1;
		}
	}
	return pos;
}

/* As filter_text_pos(), but counts on from the last place: parsing stays linear. */
static struct source_pos pos_at(struct parser *p, size_t offset)
{
	if (p->text->pos || offset < p->counted)
		return filter_text_pos(p->text, offset);
	for (; p->counted < offset && p->counted < p->len; p->counted++) {
		p->counted_pos.column++;
		if (p->bytes[p->counted] == '\n') {
			p->counted_pos.line++;
			p->counted_pos.column = 1;
		}
	}
	return p->counted_pos;
}

#define FAIL(p, offset, code, ...)                                                                  \
	do {                                                                                        \
		if (!(p)->error) {                                                                  \
			(p)->error = -EINVAL;                                                       \
			diag_add((p)->diags, DIAG_ERROR, pos_at((p), (offset)), code, __VA_ARGS__); \
		}                                                                                   \
	} while (0)

static void *alloc(struct parser *p, size_t size)
{
	void *m = arena_alloc(p->arena, size);

	if (!m)
		p->error = -ENOMEM;
	return m;
}

static char *copy(struct parser *p, size_t from, size_t to)
{
	char *s = arena_strndup(p->arena, p->bytes + from, to - from);

	if (!s)
		p->error = -ENOMEM;
	return s;
}

static struct syntax_node *new_node(struct parser *p, enum syntax_kind kind, size_t offset)
{
	if (++p->nodes > FILTER_MAX_NODES) {
		FAIL(p, offset, "too-large", "the condition has more than %d parts; split the rule", FILTER_MAX_NODES);
		return NULL;
	}
	struct syntax_node *n = alloc(p, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->pos = pos_at(p, offset);
	}
	return n;
}

/* Characters */

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_alpha(c) || is_digit(c) || c == '_';
}

/* [[:space:]] of a regular expression, which bare words end at. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What the parser skips between words: not the same set. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n';
}

static char peek(const struct parser *p)
{
	return p->at < p->len ? p->bytes[p->at] : '\0';
}

static bool skip_blank(struct parser *p)
{
	size_t from = p->at;

	while (p->at < p->len && is_blank(p->bytes[p->at]))
		p->at++;
	return p->at > from;
}

static bool starts(const struct parser *p, const char *word)
{
	size_t n = strlen(word);

	return p->len - p->at >= n && memcmp(p->bytes + p->at, word, n) == 0;
}

static bool take(struct parser *p, const char *word)
{
	if (!starts(p, word))
		return false;
	p->at += strlen(word);
	return true;
}

/* [a-zA-Z]+[a-zA-Z0-9_]* */
static size_t identifier_length(const char *s, size_t len)
{
	size_t n = 0;

	if (len == 0 || !is_alpha(s[0]))
		return 0;
	while (n < len && is_word(s[n]))
		n++;
	return n;
}

/* An identifier and at least one more behind a dot. */
static size_t field_length(const char *s, size_t len)
{
	size_t n = identifier_length(s, len), parts = 0;

	while (n && n + 1 < len && s[n] == '.') {
		size_t part = identifier_length(s + n + 1, len - n - 1);

		if (!part)
			break;
		n += 1 + part;
		parts++;
	}
	return parts ? n : 0;
}

/* A hexadecimal number, or [+-]?[0-9]+[.]?[0-9]*([eE][+-][0-9]+)? */
static size_t number_length(const char *s, size_t len)
{
	size_t n = 0, digits;

	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		for (n = 2;
		     n < len && (is_digit(s[n]) || (s[n] >= 'a' && s[n] <= 'f') || (s[n] >= 'A' && s[n] <= 'F'));)
			n++;
		if (n > 2)
			return n;
		n = 0;
	}
	if (n < len && (s[n] == '+' || s[n] == '-'))
		n++;
	for (digits = n; n < len && is_digit(s[n]);)
		n++;
	if (n == digits)
		return 0;
	if (n < len && s[n] == '.')
		n++;
	while (n < len && is_digit(s[n]))
		n++;
	if (n + 2 < len && (s[n] == 'e' || s[n] == 'E') && (s[n + 1] == '+' || s[n + 1] == '-') && is_digit(s[n + 2]))
		for (n += 3; n < len && is_digit(s[n]);)
			n++;
	return n;
}

size_t syntax_character(const char *s, size_t len)
{
	unsigned char lead = len ? (unsigned char)s[0] : 0;
	size_t n = 1;

	if (lead >= 0x80)
		n = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
	if (!lead || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Up to a blank, one of `ends`, or what is no character. */
static size_t word_length(const char *s, size_t len, const char *ends)
{
	size_t n = 0, c;

	while (n < len && !is_space(s[n]) && !strchr(ends, s[n]) && (c = syntax_character(s + n, len - n)) > 0)
		n += c;
	return n;
}

static size_t bare_length(const char *s, size_t len)
{
	return word_length(s, len, "()\"'=,");
}

static size_t bare_arg_length(const char *s, size_t len)
{
	return word_length(s, len, "[]\"'");
}

/* The length of a quoted string with its quotes, 0 if none stands there or it does not end. A quote behind a backslash
 * never ends it, even if the backslash is itself escaped: so does Falco read it. */
static size_t quoted_length(const char *s, size_t len)
{
	if (len == 0 || (s[0] != '"' && s[0] != '\''))
		return 0;
	for (size_t n = 1; n < len; n++)
		if (s[n] == s[0] && s[n - 1] != '\\')
			return n + 1;
	return 0;
}

/* The transformer whose name and parenthesis stand here ("tolower("); FILTER_CALLS if none does. */
static enum filter_call call_here(const char *text, size_t len)
{
	for (enum filter_call call = 0; call < FILTER_CALLS; call++) {
		const char *name = filter_call_name(call);
		size_t n = strlen(name);

		if (len > n && text[n] == '(' && memcmp(text, name, n) == 0)
			return call;
	}
	return FILTER_CALLS;
}

/* Strings */

/* What an escape stands for, '\0' if it is none. */
static char unescape(char c, char quote)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case ' ': /* Falco keeps old, wrongly escaped rules working */
	case '\\':
		return '\\';
	case '/':
		return '/';
	default:
		return c == quote ? c : '\0';
	}
}

/* Takes a quoted string of `n` bytes. */
static const char *take_quoted(struct parser *p, size_t n, size_t *len)
{
	const char *s = p->bytes + p->at;
	char *out = alloc(p, n);
	size_t o = 0;

	if (!out)
		return NULL;
	for (size_t i = 1; i + 1 < n; i++) {
		char c = s[i];

		if (c == '\\' && i + 2 < n) {
			c = unescape(s[++i], s[0]);
			if (!c) {
				FAIL(p, p->at + i - 1, "syntax",
				     "unknown escape \\%c in a string; write \\\\ for a backslash, or use the other "
				     "quotes",
				     s[i] > ' ' && s[i] <= '~' ? s[i] : '?');
				return NULL;
			}
		}
		out[o++] = c;
	}
	out[o] = '\0';
	*len = o;
	p->at += n;
	return out;
}

/* Takes a quoted or bare string; false (and no error) if none stands here. */
static bool take_string(struct parser *p, const char **text, size_t *len)
{
	const char *s = p->bytes + p->at;
	size_t left = p->len - p->at, n = quoted_length(s, left);

	if (n) {
		*text = take_quoted(p, n, len);
		return true;
	}
	n = bare_length(s, left);
	if (!n)
		return false;
	*text = copy(p, p->at, p->at + n);
	*len = n;
	p->at += n;
	return true;
}

/* Terms: fields and transformers */

static struct syntax_term *new_term(struct parser *p, enum filter_term_kind kind, size_t offset)
{
	if (++p->nodes > FILTER_MAX_NODES) {
		FAIL(p, offset, "too-large", "the condition has more than %d parts; split the rule", FILTER_MAX_NODES);
		return NULL;
	}
	struct syntax_term *t = alloc(p, sizeof(*t));

	if (t) {
		t->kind = kind;
		t->pos = pos_at(p, offset);
	}
	return t;
}

/* The argument in brackets, if there is one. */
static void parse_argument(struct parser *p, struct syntax_term *t, const char *whose)
{
	if (!take(p, "["))
		return;
	const char *s = p->bytes + p->at;
	size_t from = p->at, len, n = quoted_length(s, p->len - p->at);

	t->arg_pos = pos_at(p, from);
	if (n) {
		t->arg = take_quoted(p, n, &len);
	} else {
		n = bare_arg_length(s, p->len - p->at);
		if (!n) {
			FAIL(p, from, "syntax", "expected the argument of %s after '[': a number or a key", whose);
			return;
		}
		p->at += n;
		t->arg = copy(p, from, from + n);
	}
	if (!p->error && !take(p, "]"))
		FAIL(p, p->at, "syntax", "expected ']' after the argument of %s", whose);
}

/* A field with its argument; NULL (and no error) if none stands here. */
static struct syntax_term *take_field(struct parser *p)
{
	size_t from = p->at, n = field_length(p->bytes + from, p->len - from);
	struct syntax_term *t = n ? new_term(p, FILTER_TERM_FIELD, from) : NULL;

	if (!t)
		return NULL;
	t->name = copy(p, from, from + n);
	p->at += n;
	if (!p->error)
		parse_argument(p, t, t->name);
	return p->error ? NULL : t;
}

/* A quoted text or a number; NULL (and no error) if none stands here. */
static struct syntax_term *take_constant(struct parser *p)
{
	const char *s = p->bytes + p->at;
	size_t from = p->at, left = p->len - p->at, number = number_length(s, left),
	       quoted = number ? 0 : quoted_length(s, left);

	if (!number && !quoted)
		return NULL;
	struct syntax_term *t = new_term(p, FILTER_TERM_TEXT, from);

	if (!t)
		return NULL;
	if (quoted) {
		t->text = take_quoted(p, quoted, &t->len);
	} else {
		t->text = copy(p, from, from + number);
		t->len = number;
		p->at += number;
	}
	return p->error ? NULL : t;
}

static struct syntax_term *take_call(struct parser *p);

/* What may stand in a list and as an argument. */
static struct syntax_term *take_operand(struct parser *p)
{
	struct syntax_term *t = take_constant(p);

	if (!t && !p->error)
		t = take_call(p);
	if (!t && !p->error)
		t = take_field(p);
	return t;
}

static void add_argument(struct syntax_term *to, struct syntax_term ***end, struct syntax_term *arg)
{
	**end = arg;
	*end = &arg->next;
	to->nargs++;
}

/* After '(' was taken: constants, fields and transformers, possibly none. */
static struct syntax_term *parse_term_list(struct parser *p, size_t open)
{
	struct syntax_term *list = new_term(p, FILTER_TERM_LIST, open), **end;

	if (!list)
		return NULL;
	end = &list->args;
	skip_blank(p);
	if (take(p, ")"))
		return list;
	do {
		skip_blank(p);
		size_t from = p->at;
		struct syntax_term *element = take_operand(p);

		if (!element) {
			FAIL(p, from, "syntax",
			     "expected a field, a transformer, a quoted text or a number in the list; quote texts "
			     "here");
			return NULL;
		}
		add_argument(list, &end, element);
		skip_blank(p);
	} while (take(p, ","));
	if (!take(p, ")")) {
		FAIL(p, p->at, "syntax", "expected ',' or ')' in the list of the transformer");
		return NULL;
	}
	return list;
}

static struct syntax_term *parse_call_argument(struct parser *p, enum filter_call call)
{
	skip_blank(p);
	size_t from = p->at;
	struct syntax_term *t;

	if (take(p, "("))
		return parse_term_list(p, from);
	t = take_operand(p);
	if (!t)
		FAIL(p, from, "syntax",
		     "expected an argument of %s(): a field, a transformer, a quoted text, a number or a list (a, b)",
		     filter_call_name(call));
	return t;
}

/* A transformer with its arguments; NULL (and no error) if none stands here. */
static struct syntax_term *take_call(struct parser *p)
{
	size_t from = p->at;
	enum filter_call call = call_here(p->bytes + from, p->len - from);
	struct syntax_term *t = call < FILTER_CALLS ? new_term(p, FILTER_TERM_CALL, from) : NULL, **end;

	if (!t)
		return NULL;
	if (++p->depth > FILTER_MAX_DEPTH) {
		FAIL(p, from, "too-deep", "more than %d nested transformers; simplify the condition", FILTER_MAX_DEPTH);
		return NULL;
	}
	t->call = call;
	end = &t->args;
	p->at += strlen(filter_call_name(call)) + 1;
	do {
		struct syntax_term *arg = parse_call_argument(p, call);

		if (!arg)
			return NULL;
		add_argument(t, &end, arg);
		skip_blank(p);
	} while (take(p, ","));
	p->depth--;
	if (!take(p, ")"))
		FAIL(p, p->at, "syntax", "expected ',' or ')' after an argument of %s()", filter_call_name(call));
	else
		parse_argument(p, t, filter_call_name(call));
	return p->error ? NULL : t;
}

/* val(field), which is the field itself; NULL (and no error) if no val( stands here. */
static struct syntax_term *take_val(struct parser *p)
{
	struct syntax_term *t;

	if (!take(p, "val("))
		return NULL;
	skip_blank(p);
	t = take_field(p);
	if (!t) {
		FAIL(p, p->at, "syntax", "expected a field in val()");
		return NULL;
	}
	skip_blank(p);
	if (!take(p, ")"))
		FAIL(p, p->at, "syntax", "expected ')' after the field in val()");
	else if (peek(p) == '[')
		FAIL(p, p->at, "bad-argument", "val() takes no argument in brackets; put it behind the field's name");
	return p->error ? NULL : t;
}

/* What a failure was meant to be */

static bool only_blanks(const struct parser *p, size_t from, size_t to)
{
	while (from < to && is_blank(p->bytes[from]))
		from++;
	return from == to;
}

static size_t word_here(const struct parser *p)
{
	return advice_word_length(p->bytes + p->at, p->len - p->at);
}

/* Where the word that ends at `end` begins. */
static size_t word_before(const struct parser *p, size_t end)
{
	while (end && is_word(p->bytes[end - 1]))
		end--;
	return end;
}

static const char *term_words(const struct syntax_term *t)
{
	return t->kind == FILTER_TERM_FIELD ? t->name : "the transformer";
}

/* A term as it may be shown in an example: "tolower(…)", "proc.aname[…]". */
static const char *term_head(const struct syntax_term *t)
{
	return t->kind == FILTER_TERM_FIELD ? t->name : filter_call_name(t->call);
}

static const char *term_rest(const struct syntax_term *t)
{
	return t->kind != FILTER_TERM_FIELD ? "(…)" : t->arg ? "[…]" : "";
}

static bool fail_comment(struct parser *p, size_t at)
{
	if (at >= p->len || p->bytes[at] != '#')
		return false;
	FAIL(p, at, "syntax", "a '#' starts no comment inside a condition; put the remark outside of it");
	return true;
}

/* A word that means 'and', 'or' or 'not' elsewhere. */
static bool fail_keyword(struct parser *p, size_t at, size_t len)
{
	const char *word = p->bytes + at, *meant = advice_keyword(word, len);

	if (!meant || (strlen(meant) == len && memcmp(word, meant, len) == 0))
		return false;
	FAIL(p, at, "syntax", "write '%s' for '%.*s'", meant, (int)len, word);
	return true;
}

/* "name (", where the parser took the name for a macro's. */
static bool fail_call(struct parser *p)
{
	const char *word = p->bytes + p->name_at, *meant;
	size_t len = p->name_end - p->name_at;

	if (peek(p) != '(')
		return false;
	if (strcmp(p->name, "val") == 0) {
		FAIL(p, p->name_at, "syntax",
		     "val() stands on the right of an operator only; write the field alone here");
		return true;
	}
	meant = advice_transformer(word, len);
	if (!meant)
		return false;
	if (strcmp(p->name, meant) == 0)
		FAIL(p, p->name_at, "syntax", "no blank may stand between '%s' and its '('", meant);
	else
		FAIL(p, p->name_at, "syntax", "no transformer is called '%.*s', did you mean '%s'",
		     len < 64 ? (int)len : 64, word, meant);
	return true;
}

/* A sign, or a whole word. */
static bool operator_here(const struct parser *p)
{
	const char *meant = advice_operator(p->bytes + p->at, word_here(p));
	char c = peek(p);

	return c == '=' || c == '<' || c == '>' || (c == '!' && starts(p, "!=")) ||
	       (meant && strlen(meant) == word_here(p) && starts(p, meant));
}

/* After a name, which is a macro's to the parser. */
static bool fail_name(struct parser *p)
{
	if (!p->name || !only_blanks(p, p->name_end, p->at))
		return false;
	if (strcmp(p->name, "and") == 0 || strcmp(p->name, "or") == 0) {
		FAIL(p, p->name_at, "syntax", "a check is missing before '%s'", p->name);
		return true;
	}
	if (fail_keyword(p, p->name_at, p->name_end - p->name_at) || fail_call(p))
		return true;
	if (strcmp(p->name, "not") == 0) {
		FAIL(p, p->name_end, "syntax", "a check is missing after 'not'");
		return true;
	}
	if (!operator_here(p))
		return false;
	FAIL(p, p->name_at, "syntax", "'%s' is no field: a field's name has a dot, such as proc.name", p->name);
	return true;
}

/* Several values stand behind an operator that compares with one. */
static void fail_several(struct parser *p, const struct syntax_node *leaf)
{
	const char *op = filter_op_name(leaf->op), *head = term_head(leaf->left), *rest = term_rest(leaf->left);

	switch (leaf->op) {
	case FILTER_OP_EQ:
		FAIL(p, p->at, "syntax", "'=' compares with one value; for several write %s%s in (…)", head, rest);
		break;
	case FILTER_OP_NE:
		FAIL(p, p->at, "syntax", "'!=' compares with one value; for several write not %s%s in (…)", head, rest);
		break;
	case FILTER_OP_LT:
	case FILTER_OP_LE:
	case FILTER_OP_GT:
	case FILTER_OP_GE:
		FAIL(p, p->at, "syntax", "'%s' compares with one number, without parentheses", op);
		break;
	default:
		FAIL(p, p->at, "syntax", "'%s' compares with one value; for several write %s anyof (…)", op, op);
	}
}

/* After a check whose value was bare: "in bash, sh", "= a, b", "contains any (a)". */
static bool fail_leaf(struct parser *p)
{
	const struct syntax_node *leaf = p->leaf;

	if (!leaf || !only_blanks(p, p->leaf_end, p->at))
		return false;
	const char *op = filter_op_name(leaf->op), *meant;
	bool takes_list = leaf->op == FILTER_OP_IN || leaf->op == FILTER_OP_INTERSECTS || leaf->op == FILTER_OP_PMATCH;
	bool bare = leaf->nvalues && is_word(p->bytes[p->leaf_end - 1]);
	size_t op_word = advice_word_length(p->bytes + p->op_at, p->len - p->op_at);

	/* "include x" was read as 'in' and the list 'clude', "=~ x" as '=' and the value '~'. */
	if (op_word > p->op_end - p->op_at) {
		meant = advice_operator(p->bytes + p->op_at, op_word);
		if (meant) {
			FAIL(p, p->op_at, "syntax", "no operator is called '%.*s', did you mean '%s'",
			     op_word < 64 ? (int)op_word : 64, p->bytes + p->op_at, meant);
			return true;
		}
	}
	/* "a&&b = c": the value is "a&&b". */
	for (size_t at = p->op_end; bare && at + 1 < p->leaf_end; at++)
		if ((p->bytes[at] == '&' || p->bytes[at] == '|') && p->bytes[at + 1] == p->bytes[at])
			return fail_keyword(p, at, 2);
	if (bare && starts(p, "of") && word_here(p) == 2) {
		size_t at = word_before(p, p->leaf_end);

		meant = advice_modifier(p->bytes + at, p->leaf_end - at);
		if (meant)
			FAIL(p, at, "syntax", "did you mean '%s', which is one word", meant);
		return meant != NULL;
	}
	if (peek(p) == '(' && bare) {
		size_t at = word_before(p, p->leaf_end), len = p->leaf_end - at;
		const char *word = p->bytes + at;

		meant = advice_modifier(word, len);
		if (meant && takes_list) {
			FAIL(p, at, "syntax", "'%s' takes no modifier: any of the values is enough; write %s (a, b)",
			     op, op);
			return true;
		}
		if (meant && p->leaf_end == p->at && strlen(meant) == len && memcmp(word, meant, len) == 0) {
			FAIL(p, p->at, "syntax", "a blank is needed between '%s' and '('", meant);
			return true;
		}
		if (!meant)
			meant = advice_transformer(word, len);
		if (meant && strlen(meant) == len && memcmp(word, meant, len) == 0)
			FAIL(p, at, "syntax", "no blank may stand between '%s' and its '('", meant);
		else if (meant)
			FAIL(p, at, "syntax", "'%.*s' is unknown here, did you mean '%s'", len < 64 ? (int)len : 64,
			     word, meant);
		return meant != NULL;
	}
	if (peek(p) != ',' || !leaf->nvalues || p->bytes[p->leaf_end - 1] == ')')
		return false;
	if (takes_list)
		FAIL(p, p->at, "syntax", "the values of '%s' stand in parentheses: %s (a, b)", op, op);
	else
		fail_several(p, leaf);
	return true;
}

/* Two texts were joined here: nobody wrote the blank between them, so that it has the place of what follows. */
static bool appended_here(const struct parser *p)
{
	for (size_t at = p->at; p->text->pos && at && at < p->len && is_blank(p->bytes[at - 1]); at--) {
		struct source_pos blank = filter_text_pos(p->text, at - 1), next = filter_text_pos(p->text, at);

		if (blank.file == next.file && blank.line == next.line && blank.column == next.column)
			return true;
	}
	return false;
}

/* Something stands where 'and', 'or' or an end must: true if it is known what was meant. */
static bool fail_unjoined(struct parser *p)
{
	size_t len = word_here(p);

	if (fail_comment(p, p->at) || fail_name(p) || fail_leaf(p))
		return true;
	const char *meant = advice_keyword(p->bytes + p->at, len);
	bool negation = meant && strcmp(meant, "not") == 0;

	if (!negation && fail_keyword(p, p->at, len))
		return true;
	if (appended_here(p))
		FAIL(p, p->at, "syntax", "what is appended to a condition must begin with 'and' or 'or'");
	else if (negation)
		FAIL(p, p->at, "syntax", "expected 'and' or 'or' before '%.*s'", (int)len, p->bytes + p->at);
	return p->error != 0;
}

/* "proc.name not in (a)": true if it was meant so. */
static bool fail_not_inside(struct parser *p, const struct syntax_node *leaf)
{
	const char *word = p->bytes + p->at, *meant;
	size_t at = p->at, n = word_here(p), negation = 0;

	if (n > 1 && word[0] == '!' && word[1] != '=')
		n = 1;
	meant = advice_keyword(word, n);
	if (meant && strcmp(meant, "not") == 0)
		negation = n;
	else if (n > 4 && memcmp(word, "not", 3) == 0) /* "notin", "not_in" */
		negation = word[3] == '_' ? 4 : 3;
	if (negation > 1 && n > negation && !advice_operator(word + negation, n - negation))
		negation = 0;
	if (!negation)
		return false;
	p->at += negation;
	skip_blank(p);
	n = word_here(p);
	meant = n ? advice_operator(p->bytes + p->at, n) : NULL;
	FAIL(p, at, "syntax", "'not' stands before the whole check: not %s%s %s%s", term_head(leaf->left),
	     term_rest(leaf->left), meant ? meant : "…",
	     !meant                         ? ""
	     : strcmp(meant, "in") == 0     ? " (…)"
	     : strcmp(meant, "exists") == 0 ? ""
	                                    : " …");
	return true;
}

/* No operator stands behind a field: true if it is known which was meant. */
static bool fail_operator(struct parser *p, const struct syntax_node *leaf)
{
	size_t n = word_here(p);
	const char *word = p->bytes + p->at, *meant;

	if (fail_comment(p, p->at) || fail_not_inside(p, leaf))
		return true;
	meant = advice_operator(word, n);
	if (!meant)
		return false;
	if (strlen(meant) == n && memcmp(word, meant, n) == 0)
		FAIL(p, p->at, "syntax", "expected a blank after the operator '%s'", meant);
	else
		FAIL(p, p->at, "syntax", "expected an operator after %s, not '%.*s'; did you mean '%s'",
		     term_words(leaf->left), n < 64 ? (int)n : 64, word, meant);
	return true;
}

/* A list stands where one value must. */
static bool fail_list(struct parser *p, const struct syntax_node *leaf)
{
	if (peek(p) != '(')
		return false;
	fail_several(p, leaf);
	return true;
}

/* Checks */

/* True if a term stands here in place of constants, or after an error. */
static bool take_right(struct parser *p, struct syntax_node *leaf)
{
	leaf->right = take_val(p);
	if (!leaf->right && !p->error)
		leaf->right = take_call(p);
	return leaf->right || p->error;
}

static void add_value(struct parser *p, struct syntax_node *leaf, const char *text, size_t len, size_t offset)
{
	struct syntax_value **end = &leaf->values;
	struct syntax_value *v = alloc(p, sizeof(*v));

	if (!v)
		return;
	*v = (struct syntax_value){.text = text, .len = len, .pos = pos_at(p, offset), .next = NULL};
	leaf->nvalues++;
	/* Kept in reverse while parsing (a list may be long); parse_list() turns it round. */
	v->next = *end;
	*end = v;
}

static void reverse_values(struct syntax_node *leaf)
{
	struct syntax_value *done = NULL;

	while (leaf->values) {
		struct syntax_value *v = leaf->values;

		leaf->values = v->next;
		v->next = done;
		done = v;
	}
	leaf->values = done;
}

static void parse_string_value(struct parser *p, struct syntax_node *leaf)
{
	const char *text = NULL;
	size_t len = 0, from;

	skip_blank(p);
	from = p->at;
	if (take_right(p, leaf))
		return;
	if (!take_string(p, &text, &len)) {
		bool open = peek(p) == '"' || peek(p) == '\'';

		if (fail_list(p, leaf))
			return;
		if (peek(p) == '=') {
			FAIL(p, p->op_at, "syntax", "one '=' too many after '%s'", filter_op_name(leaf->op));
			return;
		}
		FAIL(p, from, "syntax", "expected a value after '%s'%s", filter_op_name(leaf->op),
		     open ? ": the quoted string does not end" : "; quote it if it has blanks or one of ( ) , =");
		return;
	}
	if (!p->error)
		add_value(p, leaf, text, len, from);
}

static void parse_number_value(struct parser *p, struct syntax_node *leaf)
{
	skip_blank(p);
	size_t from = p->at;

	if (take_right(p, leaf))
		return;
	size_t n = number_length(p->bytes + p->at, p->len - p->at);

	if (!n && fail_list(p, leaf))
		return;
	if (!n && leaf->op == FILTER_OP_LT && peek(p) == '>') {
		FAIL(p, p->op_at, "syntax", "no operator is called '<>', did you mean '!='");
		return;
	}
	if (!n) {
		FAIL(p, from, "syntax", "expected a number after '%s'", filter_op_name(leaf->op));
		return;
	}
	p->at += n;
	const char *text = copy(p, from, from + n);

	if (text)
		add_value(p, leaf, text, n, from);
}

enum list_form { LIST_OR_TERM, LIST_ONLY };

static void parse_list(struct parser *p, struct syntax_node *leaf, enum list_form form)
{
	const char *text = NULL;
	size_t len = 0;

	skip_blank(p);
	size_t from = p->at;

	if (!take(p, "(")) {
		if (form == LIST_OR_TERM && take_right(p, leaf))
			return;
		size_t n = identifier_length(p->bytes + p->at, p->len - p->at);

		if (!n) {
			FAIL(p, from, "syntax", "expected a list after '%s': (a, b, c) or the name of one",
			     filter_op_name(leaf->op));
			return;
		}
		p->at += n;
		text = copy(p, from, from + n);
		if (text)
			add_value(p, leaf, text, n, from);
		return;
	}
	skip_blank(p);
	size_t at = p->at;

	if (take_string(p, &text, &len)) {
		do {
			if (p->error)
				return;
			add_value(p, leaf, text, len, at);
			skip_blank(p);
			if (!take(p, ","))
				break;
			skip_blank(p);
			at = p->at;
			if (!take_string(p, &text, &len))
				FAIL(p, at, "syntax", "expected a value after ',' in the list");
		} while (!p->error);
	}
	if (!p->error && peek(p) != ')' && (fail_comment(p, at) || fail_comment(p, p->at)))
		return;
	if (!p->error && !take(p, ")"))
		FAIL(p, p->at, "syntax", "expected ',' or ')' in the list that starts with '('%s",
		     peek(p) ? "" : " before the end of the condition");
	reverse_values(leaf);
}

enum value_form { VALUE_NONE, VALUE_NUMBER, VALUE_STRING, VALUE_LIST };

struct operator_row {
	const char *word;
	enum filter_op op;
	enum value_form form;
	bool blank_after; /* required */
};

/* In the order in which libsinsp tries them: "<=" before "<". */
static const struct operator_row operators[] = {
        {"exists", FILTER_OP_EXISTS, VALUE_NONE, false},
        {"<=", FILTER_OP_LE, VALUE_NUMBER, false},
        {"<", FILTER_OP_LT, VALUE_NUMBER, false},
        {">=", FILTER_OP_GE, VALUE_NUMBER, false},
        {">", FILTER_OP_GT, VALUE_NUMBER, false},
        {"==", FILTER_OP_EQ, VALUE_STRING, false},
        {"=", FILTER_OP_EQ, VALUE_STRING, false},
        {"!=", FILTER_OP_NE, VALUE_STRING, false},
        {"glob", FILTER_OP_GLOB, VALUE_STRING, true},
        {"iglob", FILTER_OP_IGLOB, VALUE_STRING, true},
        {"contains", FILTER_OP_CONTAINS, VALUE_STRING, true},
        {"icontains", FILTER_OP_ICONTAINS, VALUE_STRING, true},
        {"bcontains", FILTER_OP_BCONTAINS, VALUE_STRING, true},
        {"startswith", FILTER_OP_STARTSWITH, VALUE_STRING, true},
        {"bstartswith", FILTER_OP_BSTARTSWITH, VALUE_STRING, true},
        {"endswith", FILTER_OP_ENDSWITH, VALUE_STRING, true},
        {"regex", FILTER_OP_REGEX, VALUE_STRING, true},
        {"intersects", FILTER_OP_INTERSECTS, VALUE_LIST, false},
        {"in", FILTER_OP_IN, VALUE_LIST, false},
        {"pmatch", FILTER_OP_PMATCH, VALUE_LIST, false},
};

static const struct operator_row *take_operator(struct parser *p)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		size_t from = p->at;

		if (!take(p, operators[i].word))
			continue;
		if (!operators[i].blank_after || skip_blank(p))
			return &operators[i];
		p->at = from;
	}
	return NULL;
}

static bool keyword_here(const struct parser *p)
{
	static const char *const words[] = {"and", "or", "not"};

	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);

		if (starts(p, words[i]) &&
		    (p->at + n >= p->len || !(is_alpha(p->bytes[p->at + n]) || is_digit(p->bytes[p->at + n]))))
			return true;
	}
	return false;
}

/* "contains oneof (a, b)". `contains oneof` alone and `contains oneof and …` compare with the word. */
static bool take_modifier(struct parser *p, struct syntax_node *leaf, bool blank_before)
{
	size_t from = p->at;

	for (enum filter_mod mod = FILTER_MOD_ONEOF; blank_before && mod < FILTER_MODS; mod++) {
		if (take(p, filter_mod_name(mod)) && skip_blank(p) &&
		    (peek(p) == '(' || (identifier_length(p->bytes + p->at, p->len - p->at) && !keyword_here(p)))) {
			leaf->mod = mod;
			leaf->mod_pos = pos_at(p, from);
			return true;
		}
		p->at = from;
	}
	return false;
}

static void parse_operator(struct parser *p, struct syntax_node *leaf)
{
	skip_blank(p);
	size_t from = p->at;
	const struct operator_row *row = take_operator(p);

	if (!row && fail_operator(p, leaf))
		return;
	if (!row) {
		FAIL(p, from, "syntax",
		     "expected an operator after %s: = == != < <= > >= in intersects pmatch exists contains icontains "
		     "bcontains startswith bstartswith endswith glob iglob regex",
		     term_words(leaf->left));
		return;
	}
	leaf->op = row->op;
	leaf->op_pos = pos_at(p, from);
	p->op_at = from;
	p->op_end = from + strlen(row->word);
	switch (row->form) {
	case VALUE_NONE:
		break;
	case VALUE_NUMBER:
		parse_number_value(p, leaf);
		break;
	case VALUE_STRING:
		if (take_modifier(p, leaf, skip_blank(p) || row->blank_after))
			parse_list(p, leaf, LIST_ONLY);
		else
			parse_string_value(p, leaf);
		break;
	case VALUE_LIST:
		parse_list(p, leaf, LIST_OR_TERM);
		break;
	}
	p->leaf = leaf;
	p->leaf_end = p->at;
}

static struct syntax_node *parse_or(struct parser *p);

/* After '(' was taken. */
static struct syntax_node *parse_group(struct parser *p, size_t open)
{
	if (++p->depth > FILTER_MAX_DEPTH) {
		FAIL(p, open, "too-deep", "more than %d nested parentheses; simplify the condition or use macros",
		     FILTER_MAX_DEPTH);
		return NULL;
	}
	struct syntax_node *n = parse_or(p);

	p->depth--;
	skip_blank(p);
	if (!p->error && !take(p, ")") && !fail_unjoined(p)) {
		struct source_pos at = pos_at(p, open);

		FAIL(p, p->at, "syntax", "expected 'and', 'or' or the ')' for the '(' at %u:%u", at.line, at.column);
	}
	return p->error ? NULL : n;
}

/* Neither a check nor a name stands here: true if it is known what was meant. */
static bool fail_no_check(struct parser *p)
{
	size_t n = word_here(p);
	const char *meant = advice_keyword(p->bytes + p->at, n == 1 || peek(p) != '!' ? n : 1);

	if (meant && strcmp(meant, "not") == 0)
		return fail_keyword(p, p->at, 1);
	if (meant || (p->joiner && (p->at == p->len || peek(p) == ')') && only_blanks(p, p->joiner_end, p->at))) {
		FAIL(p, p->at, "syntax", "a check is missing %s '%s'", meant ? "before" : "after",
		     meant ? meant : p->joiner);
		return true;
	}
	return false;
}

static struct syntax_node *parse_check(struct parser *p)
{
	skip_blank(p);
	size_t from = p->at;

	if (take(p, "("))
		return parse_group(p, from);

	struct syntax_term *left = take_field(p);
	struct syntax_node *node;

	if (!left && !p->error)
		left = take_call(p);
	if (p->error)
		return NULL;
	if (left) {
		node = new_node(p, SYNTAX_LEAF, from);
		if (!node)
			return NULL;
		node->left = left;
		parse_operator(p, node);
		return p->error ? NULL : node;
	}
	size_t n = identifier_length(p->bytes + p->at, p->len - p->at);

	if (n) {
		node = new_node(p, SYNTAX_NAME, from);
		if (!node)
			return NULL;
		node->name = copy(p, from, from + n);
		p->at += n;
		p->name = node->name;
		p->name_at = from;
		p->name_end = p->at;
		return p->error ? NULL : node;
	}
	if (fail_comment(p, from) || fail_no_check(p))
		return NULL;
	FAIL(p, from, "syntax", "expected '(', a check (field, operator, value) or a macro's name%s",
	     p->at < p->len ? "" : " before the end of the condition");
	return NULL;
}

static struct syntax_node *parse_not(struct parser *p)
{
	bool negate = false;
	struct syntax_node *kid;

	skip_blank(p);
	size_t from = p->at;

	while (starts(p, "not") && p->at + 3 < p->len && is_space(p->bytes[p->at + 3])) {
		p->at += 3;
		while (p->at < p->len && is_space(p->bytes[p->at]))
			p->at++;
		negate = !negate;
		p->joiner = "not";
		p->joiner_end = p->at;
	}
	size_t open = p->at + 3;

	if (take(p, "not(")) {
		negate = !negate;
		kid = parse_group(p, open);
	} else {
		kid = parse_check(p);
	}
	if (!kid || !negate)
		return kid;
	struct syntax_node *n = new_node(p, SYNTAX_NOT, from);

	if (!n)
		return NULL;
	n->kids = kid;
	n->nkids = 1;
	return n;
}

typedef struct syntax_node *(*parse_fn)(struct parser *p);

/* One level of the grammar: operands of `kind` joined by `word`. */
static struct syntax_node *parse_joined(struct parser *p, enum syntax_kind kind, const char *word, parse_fn operand)
{
	skip_blank(p);
	size_t from = p->at;
	struct syntax_node *first = operand(p), *last = first, *joined = NULL;

	skip_blank(p);
	while (!p->error && take(p, word)) {
		size_t open = p->at;
		struct syntax_node *kid = NULL;

		p->joiner = word;
		p->joiner_end = open;
		if (skip_blank(p))
			kid = operand(p);
		else if (take(p, "("))
			kid = parse_group(p, open);
		else if (p->at == p->len || peek(p) == ')')
			FAIL(p, p->at, "syntax", "a check is missing after '%s'", word);
		else
			FAIL(p, p->at, "syntax", "expected a blank or '(' after '%s'", word);
		if (!kid)
			return NULL;
		if (!joined) {
			joined = new_node(p, kind, from);
			if (!joined)
				return NULL;
			joined->kids = first;
			joined->nkids = 1;
		}
		last->next = kid;
		last = kid;
		joined->nkids++;
		skip_blank(p);
	}
	if (p->error)
		return NULL;
	return joined ? joined : first;
}

static struct syntax_node *parse_and(struct parser *p)
{
	return parse_joined(p, SYNTAX_AND, "and", parse_not);
}

static struct syntax_node *parse_or(struct parser *p)
{
	return parse_joined(p, SYNTAX_OR, "or", parse_and);
}

static void parse_all(struct parser *p, struct filter_syntax *s)
{
	const char *nul = memchr(p->bytes, '\0', p->len);

	if (p->len > FILTER_MAX_TEXT) {
		FAIL(p, 0, "too-large", "the condition is longer than %d bytes after lists are put in; split the rule",
		     FILTER_MAX_TEXT);
	} else if (nul) {
		FAIL(p, (size_t)(nul - p->bytes), "syntax", "a zero byte in the condition; remove it");
	} else if (p->len == 0) {
		FAIL(p, 0, "syntax", "the condition is empty; write a check such as proc.name = bash");
	} else {
		s->root = parse_or(p);
		skip_blank(p);
		if (!p->error && p->at < p->len && !fail_unjoined(p))
			FAIL(p, p->at, "syntax",
			     "expected 'and', 'or' or the end of the condition here; quote values with blanks");
	}
}

int filter_syntax_parse(struct filter_syntax **out, const struct filter_text *text, struct diag_list *diags)
{
	_autosyntax_ struct filter_syntax *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	struct parser p = {
	        .text = text,
	        .bytes = text->bytes,
	        .len = text->len,
	        .arena = &s->arena,
	        .diags = diags,
	        .counted_pos = {.line = 1, .column = 1},
	};

	parse_all(&p, s);
	if (p.error)
		return p.error;
	*out = TAKE_PTR(s);
	return 0;
}

int syntax_parse_term(const struct filter_text *text, size_t offset, struct arena *arena, struct syntax_term **out,
                      size_t *taken, struct diag_list *diags)
{
	struct parser p = {
	        .text = text,
	        .bytes = text->bytes,
	        .len = text->len,
	        .at = offset,
	        .arena = arena,
	        .diags = diags,
	        .counted_pos = {.line = 1, .column = 1},
	};

	*out = take_field(&p);
	if (!*out && !p.error)
		*out = take_call(&p);
	*taken = p.at - offset;
	return p.error;
}

void filter_syntax_free(struct filter_syntax *s)
{
	if (!s)
		return;
	arena_free(&s->arena);
	free(s);
}

static void visit_names(const struct syntax_node *n, void (*visit)(void *, const char *, struct source_pos), void *ctx)
{
	if (n->kind == SYNTAX_NAME)
		visit(ctx, n->name, n->pos);
	for (const struct syntax_node *kid = n->kids; kid; kid = kid->next)
		visit_names(kid, visit, ctx);
}

void filter_syntax_names(const struct filter_syntax *s,
                         void (*visit)(void *ctx, const char *name, struct source_pos pos), void *ctx)
{
	visit_names(s->root, visit, ctx);
}
