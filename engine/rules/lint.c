/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/lint.h"

#include <string.h>

/* Fields that Falco 0.44 warns of: since it drops enter events, they say nothing any more. */
static const char *const deprecated[] = {"evt.dir",        "evt.latency",       "evt.latency.s",
                                         "evt.latency.ns", "evt.latency.human", "evt.wait_latency"};
enum { DEPRECATED = sizeof(deprecated) / sizeof(*deprecated) };

/* Outputs */

/* The longest of these names at the start of the text, NULL if there is none. */
static const char *deprecated_at(const char *text, size_t len)
{
	const char *found = NULL;

	for (size_t i = 0; i < DEPRECATED; i++) {
		size_t n = strlen(deprecated[i]);

		if (n <= len && memcmp(text, deprecated[i], n) == 0 && (!found || n > strlen(found)))
			found = deprecated[i];
	}
	return found;
}

void lint_output(struct collection *c, const struct text *output)
{
	for (size_t i = 0; i < output->len; i++) {
		const char *name = deprecated_at(output->bytes + i, output->len - i);

		if (!name)
			continue;
		COLLECT_WARN(c, text_place_at(output, i), "deprecated",
		             "%s is deprecated and says nothing any more; remove it from the output", name);
		i += strlen(name) - 1;
	}
}

void lint_container_info(struct collection *c, const struct text *output, struct text_builder *kept)
{
	static const char info[] = "%container.info";
	size_t n = sizeof(info) - 1, from = 0;

	for (const char *hit; (hit = memmem(output->bytes + from, output->len - from, info, n));) {
		size_t at = (size_t)(hit - output->bytes);

		COLLECT_WARN(c, text_place_at(output, at), "deprecated",
		             "%%container.info is deprecated and prints nothing; name the fields instead");
		text_add_slice(kept, output, from, at);
		from = at + n;
	}
	text_add_slice(kept, output, from, output->len);
	c->out_of_memory |= kept->out_of_memory;
}

/* Conditions */

static void warn_deprecated(struct collection *c, const struct filter_term *t)
{
	for (size_t i = 0; i < t->nargs; i++)
		warn_deprecated(c, t->args[i]);
	for (size_t i = 0; t->kind == FILTER_TERM_FIELD && i < DEPRECATED; i++)
		if (strcmp(deprecated[i], t->field->name) == 0)
			diag_add(c->diags, DIAG_WARNING, t->pos, "deprecated",
			         "%s is deprecated: since Falco drops enter events, it %s; remove the check",
			         t->field->name, i ? "has no value" : "is always <");
}

/* Names of lists mostly have one of these, and words to compare with seldom. */
static bool looks_like_a_list(const char *word)
{
	return strchr(word, '_') &&
	       !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")];
}

/* `in (shell_binarys)` compares with the word, if there is no list of that name. */
static void warn_unknown_list(struct collection *c, const struct filter_node *n)
{
	bool list = n->op == FILTER_OP_IN || n->op == FILTER_OP_INTERSECTS || n->op == FILTER_OP_PMATCH;

	if (!list || n->nvalues != 1 || !looks_like_a_list(n->values[0].text) || c->incomplete)
		return;
	const char *word = n->values[0].text,
	           *near = collection_list(c, word) ? NULL : collection_suggest_list(c, word);

	if (near)
		diag_add(c->diags, DIAG_WARNING, n->values[0].pos, "unknown-list",
		         "'%s' is no list, it is compared as a word; did you mean the list '%s'?", word, near);
}

void lint_condition(struct collection *c, const struct filter_node *node)
{
	for (size_t i = 0; i < node->nkids; i++)
		lint_condition(c, node->kids[i]);
	if (node->kind != FILTER_LEAF && node->kind != FILTER_CHECK)
		return;
	warn_deprecated(c, node->left);
	warn_unknown_list(c, node);
}
