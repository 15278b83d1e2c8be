/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of regular expressions, as RE2 reads it in POSIX mode: no Perl classes, flags, lazy repetitions or named
 * groups; ^ and $ at every line; a dot for all but newline; characters are UTF-8. Builds the tree; knows nothing of
 * matching.
 *
 * No recursion: a pattern may nest as deep as it is long.
 */
#include "filter/regex_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Something that stands in the alternative that is being read. */
struct item {
	struct regex_node *node; /* NULL: the character below, which its neighbours may still join */
	uint32_t rune;
	bool fold;
};

/* A parenthesis that is open; the first is the pattern itself. */
struct group {
	size_t items, alternatives; /* where the stacks stood when it was opened */
	size_t offset;
};

struct parser {
	const char *text;
	size_t len, pos;
	struct arena *arena;
	enum regex_release release;
	struct regex_error *err;
	struct item *items;
	size_t nitems, items_size;
	struct regex_node **alternatives;
	size_t nalternatives, alternatives_size;
	struct group *groups;
	size_t ngroups, groups_size;
	struct regex_ranges ranges; /* of the class that is being read */
};

static void parser_free(struct parser *p)
{
	free(p->items);
	free((void *)p->alternatives);
	free(p->groups);
	regex_ranges_free(&p->ranges);
}

__attribute__((format(printf, 3, 4))) static int fail(struct parser *p, size_t offset, const char *format, ...)
{
	va_list args;

	p->err->offset = offset;
	va_start(args, format);
	(void)vsnprintf(p->err->text, sizeof(p->err->text), format, args);
	va_end(args);
	return -EINVAL;
}

static bool at(const struct parser *p, size_t ahead, char c)
{
	return p->pos + ahead < p->len && p->text[p->pos + ahead] == c;
}

static bool digit_at(const struct parser *p, size_t pos)
{
	return pos < p->len && p->text[pos] >= '0' && p->text[pos] <= '9';
}

/* --- Characters --- */

/* The bytes of the character at `s`, 0 if it is none. Surrogates are characters to RE2. */
static size_t decode(const char *s, size_t len, uint32_t *rune)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	uint8_t c = (uint8_t)*s;
	size_t more = c < 0x80 ? 0 : c < 0xc0 ? SIZE_MAX : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : SIZE_MAX;

	if (more >= len)
		return 0;
	*rune = more ? c & (0x3fU >> more) : c;
	for (size_t i = 1; i <= more; i++) {
		if (((uint8_t)s[i] & 0xc0) != 0x80)
			return 0;
		*rune = *rune << 6 | ((uint8_t)s[i] & 0x3f);
	}
	return *rune >= least[more] && *rune <= REGEX_RUNE_MAX ? more + 1 : 0;
}

static int next_rune(struct parser *p, uint32_t *rune)
{
	size_t n = p->pos < p->len ? decode(p->text + p->pos, p->len - p->pos, rune) : 0;

	if (n == 0)
		return fail(p, p->pos, p->pos < p->len ? "invalid UTF-8" : "ends in the middle");
	p->pos += n;
	return 0;
}

static int bad_escape(struct parser *p, size_t start)
{
	static const struct {
		char letter;
		const char *instead;
	} hints[] = {
	        {'d', "write [0-9]"},
	        {'D', "write [^0-9]"},
	        {'s', "write [[:space:]]"},
	        {'S', "write [^[:space:]]"},
	        {'w', "write [[:word:]]"},
	        {'W', "write [^[:word:]]"},
	        {'b', "there are no word boundaries"},
	        {'B', "there are no word boundaries"},
	        {'A', "the whole text is matched anyway"},
	        {'z', "the whole text is matched anyway"},
	        {'Z', "the whole text is matched anyway"},
	        {'p', "there are no Unicode classes"},
	        {'P', "there are no Unicode classes"},
	        {'Q', "escape each character"},
	};
	char c = start + 1 < p->len ? p->text[start + 1] : '\0';

	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (hints[i].letter == c)
			return fail(p, start, "invalid escape sequence \\%c: %s", c, hints[i].instead);
	if (c >= '1' && c <= '9')
		return fail(p, start, "invalid escape sequence \\%c: there are no references to groups", c);
	if (isgraph((unsigned char)c))
		return fail(p, start, "invalid escape sequence \\%c", c);
	return fail(p, start, "invalid escape sequence");
}

static int hex_value(uint32_t c)
{
	if (c >= '0' && c <= '9')
		return (int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (int)(c - 'a' + 10);
	return c >= 'A' && c <= 'F' ? (int)(c - 'A' + 10) : -1;
}

/* Behind \x: two digits, or any number of them in braces. */
static int parse_hex(struct parser *p, size_t start, uint32_t *rune)
{
	bool braces = at(p, 0, '{');
	size_t digits = 0;

	*rune = 0;
	p->pos += braces;
	for (; (braces || digits < 2) && p->pos < p->len && hex_value((uint8_t)p->text[p->pos]) >= 0;
	     p->pos++, digits++) {
		*rune = *rune * 16 + (uint32_t)hex_value((uint8_t)p->text[p->pos]);
		if (*rune > REGEX_RUNE_MAX)
			return fail(p, start, "there is no character beyond \\x{10FFFF}");
	}
	if (braces ? digits == 0 || !at(p, 0, '}') : digits < 2)
		return fail(p, start, "\\x needs two hexadecimal digits, or any number of them in braces");
	p->pos += braces;
	return 0;
}

/* Behind a backslash: up to three octal digits, of which a first 1 to 7 needs a second. */
static int parse_octal(struct parser *p, size_t start, uint32_t *rune)
{
	size_t digits = 0;

	*rune = 0;
	for (; digits < 3 && p->pos < p->len && p->text[p->pos] >= '0' && p->text[p->pos] <= '7'; p->pos++, digits++)
		*rune = *rune * 8 + (uint32_t)(p->text[p->pos] - '0');
	return digits == 0 || (digits == 1 && p->text[p->pos - 1] != '0') ? bad_escape(p, start) : 0;
}

static int parse_escape(struct parser *p, uint32_t *rune)
{
	static const char letters[] = "nrtafv", meanings[] = "\n\r\t\a\f\v";
	size_t start = p->pos++;

	if (p->pos == p->len)
		return fail(p, start, "a backslash at the end");
	char c = p->text[p->pos];
	const char *letter = c ? strchr(letters, c) : NULL;

	if (c >= '0' && c <= '9')
		return parse_octal(p, start, rune);
	p->pos++;
	if (c == 'x')
		return parse_hex(p, start, rune);
	if (letter)
		*rune = (uint32_t)meanings[letter - letters];
	else if ((uint8_t)c < 0x80 && !isalpha((unsigned char)c))
		*rune = (uint8_t)c;
	else
		return bad_escape(p, start);
	return 0;
}

/* --- Items of the alternative that is being read --- */

static struct group *open_group(struct parser *p)
{
	return &p->groups[p->ngroups - 1];
}

static int push(struct parser *p, struct item item)
{
	void *items = p->items;
	int r = regex_reserve(&items, &p->items_size, p->nitems + 1, sizeof(*p->items));

	p->items = items;
	if (!r)
		p->items[p->nitems++] = item;
	return r;
}

static int push_rune(struct parser *p, uint32_t rune, bool fold)
{
	return push(p, (struct item){.rune = rune, .fold = fold});
}

static int push_node(struct parser *p, struct regex_node *node)
{
	return node ? push(p, (struct item){.node = node}) : -ENOMEM;
}

/* The class that was read. One that is a single letter, perhaps in both cases, is a literal to RE2. */
static int push_class(struct parser *p)
{
	const struct regex_range *r = p->ranges.items;

	if (p->ranges.n == 1 && r[0].lo == r[0].hi)
		return push_rune(p, r[0].lo, false);
	if (p->ranges.n == 2 && r[0].lo == r[0].hi && r[1].lo == r[1].hi && r[0].lo >= 'A' && r[0].lo <= 'Z' &&
	    r[1].lo == r[0].lo - 'A' + 'a')
		return push_rune(p, r[1].lo, true);
	return push_node(p, regex_new_class(p->arena, &p->ranges));
}

/* The last item as a node of its own, for a repetition. */
static struct regex_node *last_node(struct parser *p)
{
	struct item *item = &p->items[p->nitems - 1];

	if (!item->node) {
		uint32_t *rune = arena_alloc(p->arena, sizeof(*rune));

		if (!rune)
			return NULL;
		*rune = item->rune;
		item->node = regex_new_literal(p->arena, rune, 1, item->fold);
	}
	return item->node;
}

/* Turns items[first…] into nodes: neighbouring characters into one literal. Returns how many there are, or -ENOMEM. */
static ssize_t join_literals(struct parser *p, size_t first)
{
	size_t out = first;

	for (size_t i = first, end; i < p->nitems; i = end) {
		struct item item = p->items[i];

		end = i + 1;
		if (!item.node) {
			while (end < p->nitems && !p->items[end].node && p->items[end].fold == item.fold)
				end++;
			uint32_t *runes = arena_alloc(p->arena, (end - i) * sizeof(*runes));

			if (!runes)
				return -ENOMEM;
			for (size_t k = i; k < end; k++)
				runes[k - i] = p->items[k].rune;
			item.node = regex_new_literal(p->arena, runes, end - i, item.fold);
			if (!item.node)
				return -ENOMEM;
		}
		p->items[out++] = item;
	}
	return (ssize_t)(out - first);
}

/* The items of the open group become an alternative. */
static int end_alternative(struct parser *p)
{
	size_t first = open_group(p)->items;
	ssize_t n = join_literals(p, first);
	void *grown = (void *)p->alternatives;

	if (n < 0)
		return -ENOMEM;
	int r = regex_reserve(&grown, &p->alternatives_size, p->nalternatives + (size_t)n + 1,
	                      sizeof(*p->alternatives));

	p->alternatives = grown;
	if (r)
		return r;
	/* The space behind the alternatives holds the array to join. */
	struct regex_node **kids = p->alternatives + p->nalternatives;

	for (size_t i = 0; i < (size_t)n; i++)
		kids[i] = p->items[first + i].node;
	kids[0] = n ? regex_join(p->arena, REGEX_CONCAT, kids, (size_t)n) : regex_new(p->arena, REGEX_EMPTY);
	if (!kids[0])
		return -ENOMEM;
	p->nalternatives++;
	p->nitems = first;
	return 0;
}

/* Ends the innermost group; *out is what stands in it. */
static int end_group(struct parser *p, struct regex_node **out)
{
	int r = end_alternative(p);

	if (r)
		return r;
	struct regex_node **alternatives = p->alternatives + open_group(p)->alternatives;
	size_t n = p->nalternatives - open_group(p)->alternatives;

	r = n > 1 ? regex_factor(p->arena, p->release, alternatives, &n) : 0;
	if (r)
		return r;
	*out = regex_join(p->arena, REGEX_ALTERNATE, alternatives, n);
	p->nalternatives = open_group(p)->alternatives;
	p->ngroups--;
	return *out ? 0 : -ENOMEM;
}

static int begin_group(struct parser *p, size_t offset)
{
	void *groups = p->groups;
	int r = regex_reserve(&groups, &p->groups_size, p->ngroups + 1, sizeof(*p->groups));

	p->groups = groups;
	if (!r)
		p->groups[p->ngroups++] =
		        (struct group){.items = p->nitems, .alternatives = p->nalternatives, .offset = offset};
	return r;
}

/* --- Repetitions --- */

static int check_operand(struct parser *p, size_t offset)
{
	if (p->nitems > open_group(p)->items)
		return 0;
	if (offset > 0 && p->text[offset - 1] == '(' && p->text[offset] == '?')
		return fail(p, offset, "(?…) is not supported: there are no flags, named groups or assertions");
	return fail(p, offset, "nothing to repeat");
}

static int parse_repeat_op(struct parser *p, enum regex_op op)
{
	int r = check_operand(p, p->pos);
	struct regex_node *kid = r ? NULL : last_node(p);

	if (!kid)
		return r ? r : -ENOMEM;
	p->pos++;
	if (kid->op == op)
		return 0;
	if (kid->op >= REGEX_STAR && kid->op <= REGEX_QUEST) {
		kid->op = REGEX_STAR;
		return 0;
	}
	p->items[p->nitems - 1].node = regex_new_unary(p->arena, op, kid);
	return p->items[p->nitems - 1].node ? 0 : -ENOMEM;
}

/* A number without leading zeros, below 10⁹; false if there is none. */
static bool parse_number(const struct parser *p, size_t *pos, int *value)
{
	if (!digit_at(p, *pos) || (p->text[*pos] == '0' && digit_at(p, *pos + 1)))
		return false;
	for (*value = 0; digit_at(p, *pos); ++*pos) {
		if (*value >= 100000000)
			return false;
		*value = *value * 10 + (p->text[*pos] - '0');
	}
	return true;
}

/* {n}, {n,} or {n,m}. Returns where it ends, 0 if it is none: then the brace is a literal. */
static size_t parse_braces(const struct parser *p, int *min, int *max)
{
	size_t pos = p->pos + 1;

	if (!parse_number(p, &pos, min))
		return 0;
	*max = *min;
	if (pos < p->len && p->text[pos] == ',') {
		pos++;
		*max = -1;
		if (pos < p->len && p->text[pos] != '}' && !parse_number(p, &pos, max))
			return 0;
	}
	return pos < p->len && p->text[pos] == '}' ? pos + 1 : 0;
}

static int parse_counted(struct parser *p)
{
	size_t start = p->pos;
	int min, max;
	size_t end = parse_braces(p, &min, &max);

	if (end == 0) {
		p->pos++;
		return push_rune(p, '{', false);
	}
	if (max != -1 && max < min)
		return fail(p, start, "the second number of a repetition is smaller than the first");
	if (min > REGEX_REPEAT_MAX || max > REGEX_REPEAT_MAX)
		return fail(p, start, "a repetition may ask for %d at most", REGEX_REPEAT_MAX);
	int r = check_operand(p, start);
	struct regex_node *kid = r ? NULL : last_node(p), *node;

	if (!kid)
		return r ? r : -ENOMEM;
	node = regex_new_unary(p->arena, REGEX_REPEAT, kid);
	if (!node)
		return -ENOMEM;
	uint32_t times = (uint32_t)(max == -1 ? min : max);

	node->min = min;
	node->max = max;
	if (times > 1)
		node->copies *= times;
	if (node->copies > REGEX_REPEAT_MAX)
		return fail(p, start, "repetitions inside each other may ask for %d at most", REGEX_REPEAT_MAX);
	p->items[p->nitems - 1].node = node;
	p->pos = end;
	return 0;
}

/* --- Classes --- */

static const struct named_class {
	const char *name;
	struct regex_range ranges[4]; /* those with a `hi` of 0 are not used */
} named_classes[] = {
        {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
        {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
        {"ascii", {{0, 0x7f}}},
        {"blank", {{'\t', '\t'}, {' ', ' '}}},
        {"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}},
        {"digit", {{'0', '9'}}},
        {"graph", {{'!', '~'}}},
        {"lower", {{'a', 'z'}}},
        {"print", {{' ', '~'}}},
        {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
        {"space", {{'\t', '\r'}, {' ', ' '}}},
        {"upper", {{'A', 'Z'}}},
        {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
        {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

static int add_named(struct regex_ranges *to, const struct named_class *class, bool negated)
{
	_autoranges_ struct regex_ranges all = {0};
	int r = 0;

	for (size_t i = 0; i < 4 && class->ranges[i].hi && !r; i++)
		r = regex_ranges_add(&all, class->ranges[i].lo, class->ranges[i].hi);
	if (negated && !r)
		r = regex_ranges_negate(&all);
	for (size_t i = 0; i < all.n && !r; i++)
		r = regex_ranges_add(to, all.items[i].lo, all.items[i].hi);
	return r;
}

/* [:name:] or [:^name:] at the place; 1 if there is none, which is no error. */
static int parse_named_class(struct parser *p)
{
	const char *name = p->text + p->pos + 2;
	const char *end = memmem(name, p->len - p->pos - 2, ":]", 2);

	if (!end)
		return 1;
	bool negated = *name == '^';
	size_t len = (size_t)(end - name) - negated;

	for (size_t i = 0; i < sizeof(named_classes) / sizeof(*named_classes); i++) {
		const struct named_class *class = &named_classes[i];

		if (strlen(class->name) == len && memcmp(class->name, name + negated, len) == 0) {
			p->pos = (size_t)(end - p->text) + 2;
			return add_named(&p->ranges, class, negated);
		}
	}
	return fail(p, p->pos,
	            "unknown class of characters [:…:]: alnum, alpha, ascii, blank, cntrl, digit, graph, lower, "
	            "print, punct, space, upper, word, xdigit");
}

static int class_rune(struct parser *p, size_t start, uint32_t *rune)
{
	if (p->pos == p->len)
		return fail(p, start, "missing ]");
	return at(p, 0, '\\') ? parse_escape(p, rune) : next_rune(p, rune);
}

/* One character or a range of them. `start` is where the class begins. */
static int parse_range(struct parser *p, size_t start)
{
	size_t offset = p->pos;
	uint32_t lo = 0, hi;
	int r = class_rune(p, start, &lo);

	if (r)
		return r;
	hi = lo;
	/* A dash before the closing bracket is itself. */
	if (at(p, 0, '-') && p->pos + 1 < p->len && !at(p, 1, ']')) {
		p->pos++;
		r = class_rune(p, start, &hi);
		if (r)
			return r;
	}
	if (hi < lo)
		return fail(p, offset, "the range of characters ends before it begins");
	return regex_ranges_add(&p->ranges, lo, hi);
}

static int parse_class(struct parser *p)
{
	size_t start = p->pos++;
	bool negated = at(p, 0, '^');
	int r = 0;

	p->pos += negated;
	p->ranges.n = 0;
	/* A bracket that comes first is a character. */
	for (bool first = true; p->pos < p->len && (first || !at(p, 0, ']')); first = false) {
		if (at(p, 0, '-') && !first && p->pos + 1 < p->len && !at(p, 1, ']'))
			return fail(p, p->pos, "a dash must come first or last in [ ], or be written \\-");
		r = 1;
		if (at(p, 0, '[') && at(p, 1, ':') && p->len - p->pos > 2)
			r = parse_named_class(p);
		if (r == 1)
			r = parse_range(p, start);
		if (r)
			return r;
	}
	if (p->pos == p->len)
		return fail(p, start, "missing ]");
	p->pos++;
	regex_ranges_normalize(&p->ranges);
	if (negated)
		r = regex_ranges_negate(&p->ranges);
	return r ? r : push_class(p);
}

static int parse_dot(struct parser *p)
{
	p->pos++;
	p->ranges.n = 0;
	int r = regex_ranges_add(&p->ranges, 0, '\n' - 1);

	if (!r)
		r = regex_ranges_add(&p->ranges, '\n' + 1, REGEX_RUNE_MAX);
	return r ? r : push_class(p);
}

/* --- The pattern --- */

static int parse_close(struct parser *p)
{
	struct regex_node *inside;

	if (p->ngroups == 1)
		return fail(p, p->pos, "unexpected )");
	int r = end_group(p, &inside);

	p->pos++;
	return r ? r : push_node(p, regex_new_unary(p->arena, REGEX_GROUP, inside));
}

static int parse_literal(struct parser *p)
{
	uint32_t rune = 0;
	int r = at(p, 0, '\\') ? parse_escape(p, &rune) : next_rune(p, &rune);

	return r ? r : push_rune(p, rune, false);
}

static int parse_one(struct parser *p)
{
	switch (p->text[p->pos]) {
	case '(':
		return begin_group(p, p->pos++);
	case ')':
		return parse_close(p);
	case '|':
		p->pos++;
		return end_alternative(p);
	case '^':
		p->pos++;
		return push_node(p, regex_new(p->arena, REGEX_LINE_BEGIN));
	case '$':
		p->pos++;
		return push_node(p, regex_new(p->arena, REGEX_LINE_END));
	case '.':
		return parse_dot(p);
	case '[':
		return parse_class(p);
	case '*':
		return parse_repeat_op(p, REGEX_STAR);
	case '+':
		return parse_repeat_op(p, REGEX_PLUS);
	case '?':
		return parse_repeat_op(p, REGEX_QUEST);
	case '{':
		return parse_counted(p);
	default:
		return parse_literal(p);
	}
}

int regex_parse(struct regex_node **out, struct arena *arena, enum regex_release release, const char *pattern,
                size_t len, struct regex_error *err)
{
	_cleanup_(parser_free) struct parser p = {
	        .text = pattern,
	        .len = len,
	        .arena = arena,
	        .release = release,
	        .err = err,
	};
	int r = begin_group(&p, 0);

	while (!r && p.pos < len)
		r = parse_one(&p);
	if (!r && p.ngroups > 1)
		r = fail(&p, open_group(&p)->offset, "missing )");
	return r ? r : end_group(&p, out);
}
