/* SPDX-License-Identifier: Apache-2.0 */
#include "filter/advice.h"

#include <stdbool.h>
#include <string.h>

#include "base/suggest.h"
#include "filter/filter.h"

/* A word of another language, or a longer or shorter one, and what it is called here. */
struct alias {
	const char *word, *name;
};

static bool equal(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && suggest_distance(word, len, name, len, 1) == 0;
}

static const char *find_alias(const struct alias *aliases, size_t n, const char *word, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (equal(word, len, aliases[i].word))
			return aliases[i].name;
	return NULL;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_sign(char c)
{
	return c && strchr("=!<>~&|", c);
}

size_t advice_word_length(const char *s, size_t len)
{
	size_t n = 0;

	if (len && is_sign(s[0]))
		while (n < len && is_sign(s[n]))
			n++;
	else
		while (n < len && (is_letter(s[n]) || (n && s[n] >= '0' && s[n] <= '9')))
			n++;
	return n;
}

const char *advice_keyword(const char *word, size_t len)
{
	static const struct alias aliases[] = {
	        {"and", "and"}, {"&&", "and"}, {"&", "and"},   {"or", "or"},
	        {"||", "or"},   {"|", "or"},   {"not", "not"}, {"!", "not"},
	};

	return find_alias(aliases, sizeof(aliases) / sizeof(*aliases), word, len);
}

const char *advice_operator(const char *word, size_t len)
{
	static const struct alias aliases[] = {
	        {"is", "="},
	        {"eq", "="},
	        {"equals", "="},
	        {"equal", "="},
	        {"ne", "!="},
	        {"<>", "!="},
	        {"lt", "<"},
	        {"le", "<="},
	        {"gt", ">"},
	        {"ge", ">="},
	        {"like", "glob"},
	        {"ilike", "iglob"},
	        {"wildcard", "glob"},
	        {"matches", "regex"},
	        {"match", "regex"},
	        {"regexp", "regex"},
	        {"rlike", "regex"},
	        {"~", "regex"},
	        {"=~", "regex"},
	        {"=>", ">="},
	        {"=<", "<="},
	        {"=!", "!="},
	        {"inside", "in"},
	        {"~=", "regex"},
	        {"has", "contains"},
	        {"includes", "contains"},
	        {"include", "contains"},
	        {"begins", "startswith"},
	        {"beginswith", "startswith"},
	        {"starts", "startswith"},
	        {"ends", "endswith"},
	        {"within", "in"},
	};
	const char *name = find_alias(aliases, sizeof(aliases) / sizeof(*aliases), word, len);
	struct suggestion s = suggestion_for(word, len);

	/* Signs and very short words are near to each other whatever they mean. */
	if (name || len == 0 || !is_letter(word[0]))
		return name;
	for (enum filter_op op = 0; op < FILTER_OPS; op++) {
		const char *known = filter_op_name(op);

		if (is_letter(known[0]) && (len > 2 || equal(word, len, known)))
			suggestion_offer(&s, known);
	}
	return s.best;
}

const char *advice_transformer(const char *word, size_t len)
{
	static const struct alias aliases[] = {
	        {"lower", "tolower"}, {"lowercase", "tolower"}, {"lcase", "tolower"}, {"to_lower", "tolower"},
	        {"upper", "toupper"}, {"uppercase", "toupper"}, {"ucase", "toupper"}, {"to_upper", "toupper"},
	        {"length", "len"},    {"strlen", "len"},        {"size", "len"},      {"base64", "b64"},
	};
	const char *name = find_alias(aliases, sizeof(aliases) / sizeof(*aliases), word, len);
	struct suggestion s = suggestion_for(word, len);

	for (enum filter_call call = 0; !name && call < FILTER_CALLS; call++)
		if (len > 2)
			suggestion_offer(&s, filter_call_name(call));
	return name ? name : s.best;
}

const char *advice_modifier(const char *word, size_t len)
{
	static const struct alias aliases[] = {
	        {"any", "anyof"},    {"any_of", "anyof"}, {"all", "allof"},
	        {"all_of", "allof"}, {"one", "oneof"},    {"one_of", "oneof"},
	};
	const char *name = find_alias(aliases, sizeof(aliases) / sizeof(*aliases), word, len);
	struct suggestion s = suggestion_for(word, len);

	for (enum filter_mod mod = FILTER_MOD_ONEOF; !name && mod < FILTER_MODS; mod++)
		if (len > 2)
			suggestion_offer(&s, filter_mod_name(mod));
	return name ? name : s.best;
}
