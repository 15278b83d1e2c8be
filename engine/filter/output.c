/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output texts: whether Falco's formatter takes them. It reads the longest field or transformer behind each '%' that
 * makes sense, and prints the rest as it stands. Knows no conditions.
 */
#include <errno.h>
#include <string.h>

#include "filter/advice.h"
#include "filter/term.h"

/* One output text being checked. */
struct output {
	const struct filter_text *text;
	struct arena memory; /* of one token */
	struct diag_list *diags;
};

/* The bytes that the token takes if the text ended at `end`, 0 if it makes no sense; what is wrong goes to `why`. */
static size_t try_token(struct output *o, size_t at, size_t end, struct diag_list *why)
{
	struct filter_text cut = *o->text;
	struct compile_state c = {.arena = &o->memory, .diags = why};
	struct syntax_term *s = NULL;
	size_t taken = 0;
	int r;

	cut.len = end;
	r = syntax_parse_term(&cut, at, &o->memory, &s, &taken, why);
	if (r == -ENOMEM)
		why->out_of_memory = true;
	if (r || !s || !term_compile(&c, s))
		taken = 0;
	why->out_of_memory |= c.out_of_memory;
	return taken;
}

/* No field's name with its dotted argument needs more bytes to be found; one that goes on is cut short below. */
enum { NAME_MAX_BYTES = 256 };

/*
 * Where the token may end, from the farthest on: behind its brackets, and then at each byte of its name. A name is cut
 * short down to a field: "%fd.names" is fd.name and an s.
 */
static size_t longest_token(struct output *o, size_t at, struct diag_list *why)
{
	const char *s = o->text->bytes + at;
	size_t left = o->text->len - at, name = 0, taken = try_token(o, at, o->text->len, why);

	while (name < left && name < NAME_MAX_BYTES &&
	       (s[name] == '.' || s[name] == '_' || (s[name] >= '0' && s[name] <= '9') ||
	        (s[name] >= 'a' && s[name] <= 'z') || (s[name] >= 'A' && s[name] <= 'Z')))
		name++;
	for (; !taken && name && !why->out_of_memory; name--) {
		_autodiag_ struct diag_list quiet = DIAG_LIST_INIT;

		/* A look first: a text may be full of what is no field. */
		if (field_resolve(NULL, s, name, NULL, NULL))
			continue;
		taken = try_token(o, at, at + name, &quiet);
		why->out_of_memory |= quiet.out_of_memory;
	}
	return taken;
}

/* Checks the token that starts at `at`; returns the bytes it takes, 0 after an error. */
static size_t check_token(struct output *o, size_t at)
{
	_autodiag_ struct diag_list why = DIAG_LIST_INIT;
	size_t taken = at < o->text->len ? longest_token(o, at, &why) : 0;
	struct source_pos pos = filter_text_pos(o->text, at);
	const char *s = o->text->bytes + at, *meant = NULL;
	size_t left = o->text->len - at, word;

	arena_free(&o->memory);
	o->diags->out_of_memory |= why.out_of_memory;
	if (taken)
		return taken;
	word = advice_word_length(s, left);
	if (word < left && s[word] == '(')
		meant = advice_transformer(s, word);
	if (why.count)
		diag_add(o->diags, DIAG_ERROR, (struct source_pos){pos.file, why.items[0].line, why.items[0].column},
		         why.items[0].code, "%s", why.items[0].message);
	else if (left >= 4 && memcmp(s, "val(", 4) == 0)
		diag_add(o->diags, DIAG_ERROR, pos, "bad-output",
		         "val() belongs into conditions; write the field alone behind the '%%'");
	else if (meant)
		diag_add(o->diags, DIAG_ERROR, pos, "bad-output", "no transformer is called '%.*s', did you mean '%s'",
		         word < 64 ? (int)word : 64, s, meant);
	else
		diag_add(o->diags, DIAG_ERROR, pos, "bad-output",
		         "expected a field's name after '%%'; an output cannot contain a lone '%%'");
	return 0;
}

int filter_check_output(const struct filter_text *text, struct diag_list *diags)
{
	struct output o = {.text = text, .diags = diags};
	size_t errors = diags->errors;

	if (text->len == 0)
		diag_add(diags, DIAG_ERROR, filter_text_pos(text, 0), "bad-output",
		         "the output is empty; write a text with %%fields");
	for (size_t i = 0; i < text->len; i++) {
		if (text->bytes[i] != '%')
			continue;
		while (i + 1 < text->len && text->bytes[i + 1] >= '0' && text->bytes[i + 1] <= '9')
			i++; /* a width */
		i += check_token(&o, i + 1);
	}
	return diags->errors > errors || diags->out_of_memory ? -EINVAL : 0;
}
