/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel check --list-fields`: the field catalogue for people and for programs. Knows the catalogue, no rules.
 */
#include <string.h>

#include "cli/cli.h"
#include "compat/fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Of the text. Longer names have a line of their own. */
enum {
	NAME_WIDTH = 31,
	TYPE_WIDTH = 8,
	TEXT_COLUMN = 2 + NAME_WIDTH + 1 + TYPE_WIDTH + 1,
	LINE_WIDTH = 100,
};

enum who { EVERYONE, PROGRAMS };

static const struct {
	const char *word;
	enum field_flags flag;
	enum who who;
} flag_words[] = {
        {"list", FIELD_LIST, EVERYONE},
        {"filter-only", FIELD_FILTER_ONLY, EVERYONE},
        {"print-only", FIELD_PRINT_ONLY, EVERYONE},
        {"no-val", FIELD_NO_RHS, PROGRAMS},
        {"no-transformer", FIELD_NO_TRANSFORMER, PROGRAMS},
        {"any-ancestor", FIELD_ANY_ANCESTOR, PROGRAMS},
        {"either-end", FIELD_EITHER_END, PROGRAMS},
        {"host-name", FIELD_HOST_NAME, PROGRAMS},
        {"equal-only", FIELD_EQUAL_ONLY, PROGRAMS},
        {"deprecated", FIELD_DEPRECATED, EVERYONE},
        {"hidden", FIELD_HIDDEN, EVERYONE},
};

static const struct {
	const char *suffix;   /* for people */
	const char *kinds[2]; /* for programs */
	bool required;
} args[FIELD_ARGS] = {
        [FIELD_ARG_NONE] = {"", {NULL}, false},
        [FIELD_ARG_INDEX] = {"[n]", {"index"}, true},
        [FIELD_ARG_INDEX_OPTIONAL] = {"([n])", {"index"}, false},
        [FIELD_ARG_KEY_OPTIONAL] = {"([key])", {"key", "index"}, false},
        [FIELD_ARG_KEY] = {"[key]", {"key"}, true},
        [FIELD_ARG_KEY_OR_INDEX] = {"[key|n]", {"key", "index"}, true},
        [FIELD_ARG_DOTTED] = {".name", {"name"}, true},
        [FIELD_ARG_DOTTED_OPTIONAL] = {"(.name)", {"name"}, false},
        [FIELD_ARG_DOTTED_OR_INDEX] = {".name|[n]", {"name", "index"}, true},
};

/* Text */

static void pad(struct buf *out, size_t written, size_t width)
{
	while (written++ < width)
		buf_addc(out, ' ');
}

/* Adds the words of `text` from column *at on, and in further lines below where the first began. */
static void add_words(struct buf *out, const char *text, size_t *at)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (*at > TEXT_COLUMN && *at + 1 + len > LINE_WIDTH) {
			buf_addc(out, '\n');
			pad(out, 0, TEXT_COLUMN);
			*at = TEXT_COLUMN;
		} else if (*at > TEXT_COLUMN) {
			buf_addc(out, ' ');
			++*at;
		}
		buf_add(out, text, len);
		*at += len;
		text += len;
		text += *text == ' ';
	}
}

static void add_flags(struct buf *out, const struct field_info *f, size_t *at)
{
	_autobuf_ struct buf words = BUF_INIT;

	for (size_t i = 0; i < COUNT(flag_words); i++)
		if ((f->flags & (unsigned int)flag_words[i].flag) && flag_words[i].who == EVERYONE)
			buf_addf(&words, "%s%s", words.len ? ", " : "(", flag_words[i].word);
	if (words.len)
		buf_addc(&words, ')');
	if (buf_error(&words))
		out->error = buf_error(&words);
	add_words(out, buf_str(&words), at);
}

static void add_row(struct buf *out, const struct field_info *f)
{
	const char *type = field_type_word(f->type);
	size_t name = strlen(f->name) + strlen(args[f->arg].suffix), at = TEXT_COLUMN;

	buf_addf(out, "  %s%s", f->name, args[f->arg].suffix);
	pad(out, name, NAME_WIDTH);
	buf_addf(out, " %s", type);
	if (name > NAME_WIDTH) {
		buf_addc(out, '\n');
		pad(out, 0, TEXT_COLUMN);
	} else {
		pad(out, strlen(type), TYPE_WIDTH + 1);
	}
	add_words(out, f->description, &at);
	add_flags(out, f, &at);
	buf_addc(out, '\n');
}

static void add_heading(struct buf *out, const struct field_class_info *c)
{
	buf_addf(out, "\n%s: %s", c->name, c->title);
	if (c->provider != FIELD_FROM_FALCO)
		buf_addf(out, " (of the plugin '%s')", field_provider_name(c->provider));
	buf_addc(out, '\n');
}

static void write_text(struct buf *out)
{
	buf_adds(out, "The fields of Falco (libsinsp " FIELDS_LIBSINSP
	              ") and of the plugins 'container' and 'tercel', by class.\n"
	              "What may stand behind a name: [n] a number, [key] a name, .name a name behind a dot; in round\n"
	              "brackets if it may be left out.\n");
	for (enum field_id id = 0; id < FIELD_COUNT; id++) {
		const struct field_info *f = field_by_id(id);

		if (id == 0 || field_by_id(id - 1)->in_class != f->in_class)
			add_heading(out, field_class(f->in_class));
		add_row(out, f);
	}
}

/* JSON */

static void add_string(struct buf *out, const char *text)
{
	buf_add_json(out, text, strlen(text));
}

static void add_member(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, "\"%s\":", key);
	add_string(out, text);
	buf_addc(out, ',');
}

static void add_object(struct buf *out, const struct field_info *f)
{
	const char *separator = "";

	buf_addc(out, '{');
	add_member(out, "name", f->name);
	add_member(out, "type", field_type_word(f->type));
	buf_adds(out, "\"arguments\":[");
	for (size_t i = 0; i < COUNT(args[f->arg].kinds) && args[f->arg].kinds[i]; i++) {
		buf_adds(out, i ? "," : "");
		add_string(out, args[f->arg].kinds[i]);
	}
	buf_addf(out, "],\"argument_required\":%s,\"flags\":[", args[f->arg].required ? "true" : "false");
	for (size_t i = 0; i < COUNT(flag_words); i++) {
		if (!(f->flags & (unsigned int)flag_words[i].flag))
			continue;
		buf_adds(out, separator);
		add_string(out, flag_words[i].word);
		separator = ",";
	}
	buf_adds(out, "],\"description\":");
	add_string(out, f->description);
	buf_addc(out, '}');
}

static void write_json(struct buf *out)
{
	buf_adds(out, "{\"version\":1,\"libsinsp\":\"" FIELDS_LIBSINSP "\",\"classes\":[");
	for (enum field_id id = 0; id < FIELD_COUNT; id++) {
		const struct field_info *f = field_by_id(id);
		const struct field_class_info *c = field_class(f->in_class);

		if (id != 0 && field_by_id(id - 1)->in_class == f->in_class) {
			buf_addc(out, ',');
		} else {
			buf_adds(out, id ? "]},{" : "{");
			add_member(out, "name", c->name);
			add_member(out, "title", c->title);
			add_member(out, "provider", field_provider_name(c->provider));
			buf_adds(out, "\"fields\":[");
		}
		add_object(out, f);
	}
	buf_adds(out, "]}]}\n");
}

enum cli_status cli_list_fields(const struct command *c, enum event_format format)
{
	_autobuf_ struct buf out = BUF_INIT;

	if (format == EVENT_JSON)
		write_json(&out);
	else
		write_text(&out);
	return cli_print(c, &out, CLI_OK);
}
