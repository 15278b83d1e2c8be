/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/yaml_limits.h"

#include <errno.h>
#include <stdbool.h>

struct counts {
	size_t depth, anchors, aliases;
};

static void count(struct counts *n, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL;

	switch (e->type) {
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		n->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		n->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		n->depth--;
		break;
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		break;
	case YAML_ALIAS_EVENT:
		n->aliases++;
		break;
	default:
		break;
	}
	n->anchors += anchor != NULL;
}

static bool exceeds(const struct counts *n, struct yaml_excess *out)
{
	if (n->depth > YAML_MAX_DEPTH) {
		out->code = "too-deep";
		out->message = "sequences and mappings are nested in more than 64 levels here; no key needs that";
	} else if (n->anchors > YAML_MAX_ANCHORS || n->aliases > YAML_MAX_ALIASES) {
		out->code = "too-large";
		out->message = n->anchors > YAML_MAX_ANCHORS
		                       ? "more than 1000 anchors (&name) in one file; write the values out"
		                       : "more than 100000 aliases (*name) in one file; write the values out";
	} else {
		return false;
	}
	return true;
}
_Static_assert(YAML_MAX_DEPTH == 64 && YAML_MAX_ANCHORS == 1000 && YAML_MAX_ALIASES == 100000, "as the messages say");

int yaml_check_limits(const char *text, size_t len, yaml_encoding_t encoding, struct yaml_excess *out)
{
	struct counts n = {0};
	yaml_parser_t parser;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, encoding);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	for (bool more = true; more && !r;) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			r = parser.error == YAML_MEMORY_ERROR ? -ENOMEM : 0;
			break;
		}
		count(&n, &event);
		more = event.type != YAML_STREAM_END_EVENT;
		if (exceeds(&n, out)) {
			out->mark = event.start_mark;
			r = -E2BIG;
		}
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return r;
}
