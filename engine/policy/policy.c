/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the policy file, node by node, so that every complaint has its place; and applying it.
 */
#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "policy/derive.h"
#include "rules/yaml_limits.h"

#define POLICY_FILE_MAX (1 << 20)

struct reader {
	struct policy *p;
	yaml_document_t doc;
	struct diag_list *diags;
	int error; /* -ENOMEM */
};

/* A word of the file and what it means. */
struct word {
	const char *text;
	int value;
};

static const struct word modes[] = {
        {"off", TERCEL_MODE_OFF}, {"monitor", TERCEL_MODE_MONITOR}, {"enforce", TERCEL_MODE_ENFORCE}, {NULL, 0}};
static const struct word actions[] = {{"deny", TERCEL_ACTION_DENY}, {"kill", TERCEL_ACTION_KILL}, {NULL, 0}};
static const struct word uncertainties[] = {{"audit", MATCH_ON_UNCERTAIN_AUDIT},
                                            {"allow", MATCH_ON_UNCERTAIN_ALLOW},
                                            {"deny", MATCH_ON_UNCERTAIN_DENY},
                                            {NULL, 0}};

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nrules_files; i++)
		free(p->rules_files[i]);
	while (p->nentries)
		policy_drop_last(p);
	for (size_t i = 0; i < p->nprotect; i++)
		free(p->protect[i]);
	free(p->rules_files);
	free(p->entries);
	free(p->protect);
	free(p->output_file);
	free(p->file);
	free(p);
}

static struct source_pos pos_of(const struct reader *r, const yaml_node_t *n)
{
	return (struct source_pos){.file = r->p->file,
	                           .line = (uint32_t)n->start_mark.line + 1,
	                           .column = (uint32_t)n->start_mark.column + 1};
}

#define complain(r, node, code, ...) diag_add((r)->diags, DIAG_ERROR, pos_of((r), (node)), (code), __VA_ARGS__)

static const char *scalar(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

/* NULL also of nothing at all, as YAML writes it: without quotes. */
static const char *text_of(const yaml_node_t *n)
{
	static const char *const nothing[] = {"", "~", "null", "Null", "NULL"};
	const char *text = scalar(n);

	for (size_t i = 0; text && i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !strcmp(text, nothing[i]))
			return NULL;
	return text;
}

/* NULL also of one without a letter. */
static const char *name_of(const yaml_node_t *n)
{
	const char *text = text_of(n);

	return text && text[0] ? text : NULL;
}

static char *copy(struct reader *r, const char *text)
{
	char *c = strdup(text);

	if (!c)
		r->error = -ENOMEM;
	return c;
}

static void join_words(struct buf *out, const struct word *words)
{
	for (; words->text; words++)
		buf_addf(out, "%s%s", out->len ? ", " : "", words->text);
}

static bool read_word(struct reader *r, const yaml_node_t *n, const char *key, const struct word *words, int *value)
{
	const char *text = scalar(n);
	_autobuf_ struct buf all = BUF_INIT;

	for (const struct word *w = words; text && w->text; w++)
		if (strcmp(w->text, text) == 0) {
			*value = w->value;
			return true;
		}
	join_words(&all, words);
	complain(r, n, "bad-value", "%s is one of: %s", key, buf_str(&all));
	return false;
}

static bool read_bool(struct reader *r, const yaml_node_t *n, const char *key, bool *value)
{
	static const struct word words[] = {{"true", 1}, {"false", 0}, {NULL, 0}};
	int v;

	if (!read_word(r, n, key, words, &v))
		return false;
	*value = v;
	return true;
}

/* Reads the value of a key that the table knows. */
struct key {
	const char *name;
	void (*read)(struct reader *r, const yaml_node_t *value, void *target);
};

static const yaml_node_t *node_at(struct reader *r, int index)
{
	return yaml_document_get_node(&r->doc, index);
}

static void unknown_key(struct reader *r, const yaml_node_t *n, const struct key *keys)
{
	_autobuf_ struct buf all = BUF_INIT;

	for (; keys->name; keys++)
		buf_addf(&all, "%s%s", all.len ? ", " : "", keys->name);
	complain(r, n, "unknown-key", "unknown key \"%s\"; known here: %s", scalar(n) ? scalar(n) : "?", buf_str(&all));
}

static bool is_repeated(struct reader *r, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
		const char *a = scalar(node_at(r, p->key)), *b = scalar(node_at(r, pair->key));

		if (a && b && strcmp(a, b) == 0)
			return true;
	}
	return false;
}

static void read_mapping(struct reader *r, const yaml_node_t *n, const char *what, const struct key *keys, void *target)
{
	if (n->type != YAML_MAPPING_NODE) {
		complain(r, n, "bad-policy", "%s is a mapping of keys to values", what);
		return;
	}
	for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		const yaml_node_t *name = node_at(r, p->key);
		const struct key *k = keys;

		while (k->name && (!scalar(name) || strcmp(k->name, scalar(name)) != 0))
			k++;
		if (!k->name)
			unknown_key(r, name, keys);
		else if (is_repeated(r, n, p))
			complain(r, name, "duplicate-key", "\"%s\" stands here twice; keep one", k->name);
		else
			k->read(r, node_at(r, p->value), target);
	}
}

/* ---- lists of texts ---------------------------------------------------------------------------------------------- */

static void add_text(struct reader *r, char ***list, size_t *n, char *text)
{
	char **grown = text ? realloc(*list, (*n + 1) * sizeof(char *)) : NULL;

	if (!grown) {
		free(text);
		r->error = -ENOMEM;
		return;
	}
	*list = grown;
	grown[(*n)++] = text;
}

static char *beside_policy(struct reader *r, const char *name)
{
	const char *slash = strrchr(r->p->file, '/');
	_autobuf_ struct buf path = BUF_INIT;

	if (name[0] != '/' && slash)
		buf_add(&path, r->p->file, (size_t)(slash - r->p->file) + 1);
	buf_adds(&path, name);
	return buf_take(&path);
}

static void read_rules_files(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy *p = target;

	if (n->type != YAML_SEQUENCE_NODE) {
		complain(r, n, "bad-value", "rules_files is a list of files: [a.yaml, b.yaml]");
		return;
	}
	for (const yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
		const yaml_node_t *item = node_at(r, *i);

		if (!name_of(item))
			complain(r, item, "bad-value", "a file name is expected");
		else
			add_text(r, &p->rules_files, &p->nrules_files, beside_policy(r, text_of(item)));
	}
}

static void read_protect(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy *p = target;

	if (n->type != YAML_SEQUENCE_NODE) {
		complain(r, n, "bad-value", "protect is a list of absolute paths: [/usr/bin/a]");
		return;
	}
	for (const yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
		const yaml_node_t *item = node_at(r, *i);

		if (!scalar(item) || scalar(item)[0] != '/')
			complain(r, item, "bad-value", "an absolute path of a program is expected");
		else
			add_text(r, &p->protect, &p->nprotect, copy(r, scalar(item)));
	}
}

/* ---- defaults, outputs ------------------------------------------------------------------------------------------- */

static void read_default_mode(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy *p = target;
	int mode;

	if (!read_word(r, n, "mode", modes, &mode))
		return;
	if (mode == TERCEL_MODE_ENFORCE)
		complain(r, n, "bad-value",
		         "nothing is enforced that the policy does not name: use monitor here, and name the rules to "
		         "enforce "
		         "under \"rules\"");
	else
		p->defaults.mode = (enum tercel_mode)mode;
}

static void read_default_uncertain(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy *p = target;
	int value;

	if (read_word(r, n, "on_uncertain", uncertainties, &value))
		p->defaults.on_uncertain = (enum match_on_uncertain)value;
}

static void read_defaults(struct reader *r, const yaml_node_t *n, void *target)
{
	static const struct key keys[] = {
	        {"mode", read_default_mode}, {"on_uncertain", read_default_uncertain}, {NULL, NULL}};

	read_mapping(r, n, "defaults", keys, target);
}

static void read_stdout(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy *p = target;

	read_bool(r, n, "stdout", &p->output_stdout);
}

static void read_output_file(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy *p = target;

	if (!scalar(n) || scalar(n)[0] != '/') {
		complain(r, n, "bad-value", "file is the absolute path of the file to append events to");
		return;
	}
	free(p->output_file);
	p->output_file = copy(r, scalar(n));
}

static void read_outputs(struct reader *r, const yaml_node_t *n, void *target)
{
	static const struct key keys[] = {{"stdout", read_stdout}, {"file", read_output_file}, {NULL, NULL}};

	read_mapping(r, n, "outputs", keys, target);
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */

static void read_name(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy_entry *e = target;

	if (!name_of(n)) {
		complain(r, n, "bad-value", "name is a rule's name, or a glob such as \"Terminal *\"");
		return;
	}
	free(e->name);
	e->name = copy(r, text_of(n));
}

static void read_mode(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy_entry *e = target;
	int value;

	if (!read_word(r, n, "mode", modes, &value))
		return;
	e->has_mode = true;
	e->mode = (enum tercel_mode)value;
	e->mode_pos = pos_of(r, n);
}

static void read_action(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy_entry *e = target;
	int value;

	if (!read_word(r, n, "action", actions, &value))
		return;
	e->has_action = true;
	e->action = (enum tercel_action)value;
	e->action_pos = pos_of(r, n);
}

/* Of Linux on every architecture that there is: what is above, no call returns. */
#define ERRNO_MAX 133

/* 0 if there is none of that name. */
static int errno_of(const char *name)
{
	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *known = strerrorname_np(i);

		if (known && !strcmp(known, name))
			return i;
	}
	return 0;
}

static void read_errno(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy_entry *e = target;

	e->error = scalar(n) ? errno_of(scalar(n)) : 0;
	if (!e->error)
		complain(r, n, "bad-value",
		         "errno is the name of an error that a denied call is to fail with, such as "
		         "EPERM (the default), EACCES or ENOENT");
}

static void read_on_uncertain(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy_entry *e = target;
	int value;

	if (!read_word(r, n, "on_uncertain", uncertainties, &value))
		return;
	e->has_on_uncertain = true;
	e->on_uncertain = (enum match_on_uncertain)value;
}

/* There is no weak decision point in this build, so not allowing one is what happens anyway. */
static void read_allow_weak(struct reader *r, const yaml_node_t *n, void *target)
{
	bool allow = false;

	(void)target;
	if (read_bool(r, n, "allow_weak", &allow) && allow)
		complain(r, n, "unsupported-key",
		         "this version has no weak decision points to allow; remove \"allow_weak\" or set it to false");
}

/* ---- scopes ------------------------------------------------------------------------------------------------------ */

static void read_texts(struct reader *r, const yaml_node_t *n, const char *what, struct scope_texts *out)
{
	if (n->type != YAML_SEQUENCE_NODE || n->data.sequence.items.start == n->data.sequence.items.top) {
		complain(r, n, "bad-value", "%s is a list with at least one entry: [a, b]", what);
		return;
	}
	for (const yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
		const yaml_node_t *item = node_at(r, *i);

		if (!name_of(item))
			complain(r, item, "bad-value", "%s is a list of texts", what);
		else
			add_text(r, &out->items, &out->n, copy(r, text_of(item)));
	}
}

static void read_namespaces(struct reader *r, const yaml_node_t *n, void *target)
{
	read_texts(r, n, "namespaces", &((struct scope_match *)target)->namespaces);
}

static void read_images(struct reader *r, const yaml_node_t *n, void *target)
{
	read_texts(r, n, "images", &((struct scope_match *)target)->images);
}

static void read_containers(struct reader *r, const yaml_node_t *n, void *target)
{
	read_texts(r, n, "containers", &((struct scope_match *)target)->containers);
}

/* A label's name in the argument of a field: neither of these can be in one. */
static bool is_label(const char *name)
{
	return name && name[0] && !strpbrk(name, "[]=\"' \t\n");
}

static void read_labels(struct reader *r, const yaml_node_t *n, void *target)
{
	struct scope_match *m = target;

	if (n->type != YAML_MAPPING_NODE || n->data.mapping.pairs.start == n->data.mapping.pairs.top) {
		complain(r, n, "bad-value", "pod_labels is a mapping of labels to their values: {app: api}");
		return;
	}
	for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		const yaml_node_t *name = node_at(r, p->key), *value = node_at(r, p->value);
		_autobuf_ struct buf label = BUF_INIT;

		if (!is_label(text_of(name)) || !text_of(value)) {
			complain(r, name, "bad-value", "pod_labels is a mapping of labels to their values: {app: api}");
			continue;
		}
		buf_addf(&label, "%s=%s", text_of(name), text_of(value));
		add_text(r, &m->labels.items, &m->labels.n, buf_take(&label));
	}
}

static void read_host(struct reader *r, const yaml_node_t *n, void *target)
{
	struct scope *s = target;

	s->has_host = read_bool(r, n, "host", &s->host);
}

static void read_exclude(struct reader *r, const yaml_node_t *n, void *target)
{
	static const struct key keys[] = {{"namespaces", read_namespaces},
	                                  {"pod_labels", read_labels},
	                                  {"images", read_images},
	                                  {"containers", read_containers},
	                                  {NULL, NULL}};

	read_mapping(r, n, "exclude", keys, &((struct scope *)target)->exclude);
}

/* `in` is the first member: the readers of what is asked of containers take the scope itself. */
static void read_scope(struct reader *r, const yaml_node_t *n, void *target)
{
	static const struct key keys[] = {{"namespaces", read_namespaces},
	                                  {"pod_labels", read_labels},
	                                  {"images", read_images},
	                                  {"containers", read_containers},
	                                  {"host", read_host},
	                                  {"exclude", read_exclude},
	                                  {NULL, NULL}};
	struct policy_entry *e = target;

	_Static_assert(offsetof(struct scope, in) == 0, "see above");
	e->has_scope = true;
	e->scope_pos = pos_of(r, n);
	read_mapping(r, n, "scope", keys, &e->scope);
}

/* ---- fuses ------------------------------------------------------------------------------------------------------- */

static void read_blocks(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy_fuse *f = target;
	const char *text = scalar(n);
	char *end = NULL;
	unsigned long blocks = text && text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;

	if (!blocks || *end || blocks > POLICY_FUSE_MAX)
		complain(r, n, "bad-value", "blocks is a whole number from 1 to %d", POLICY_FUSE_MAX);
	else
		f->blocks = (uint32_t)blocks;
}

static void read_per(struct reader *r, const yaml_node_t *n, void *target)
{
	struct policy_fuse *f = target;

	if (!scalar(n) || duration_parse(scalar(n), &f->per_ns))
		complain(r, n, "bad-value", "per is a time with its unit: 500ms, 60s, 5m or 1h");
}

static void read_fuse(struct reader *r, const yaml_node_t *n, void *target)
{
	static const struct key keys[] = {{"blocks", read_blocks}, {"per", read_per}, {NULL, NULL}};
	struct policy_entry *e = target;
	const size_t before = r->diags->errors;

	e->has_fuse = true;
	read_mapping(r, n, "fuse", keys, &e->fuse);
	if (r->diags->errors == before && (!e->fuse.blocks || !e->fuse.per_ns))
		complain(r, n, "bad-value", "a fuse has both \"blocks\" and \"per\": {blocks: 20, per: 60s}");
}

static struct policy_entry *add_entry(struct policy *p, struct source_pos pos)
{
	struct policy_entry *grown = realloc(p->entries, (p->nentries + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	p->entries = grown;
	grown[p->nentries] = (struct policy_entry){.pos = pos};
	return &grown[p->nentries++];
}

static void read_entry(struct reader *r, const yaml_node_t *n)
{
	static const struct key keys[] = {{"name", read_name},
	                                  {"mode", read_mode},
	                                  {"action", read_action},
	                                  {"errno", read_errno},
	                                  {"on_uncertain", read_on_uncertain},
	                                  {"allow_weak", read_allow_weak},
	                                  {"scope", read_scope},
	                                  {"fuse", read_fuse},
	                                  {NULL, NULL}};
	struct policy_entry *e = add_entry(r->p, pos_of(r, n));

	if (!e) {
		r->error = -ENOMEM;
		return;
	}
	read_mapping(r, n, "an entry of rules", keys, e);
	if (n->type == YAML_MAPPING_NODE && !e->name && !r->error)
		complain(r, n, "bad-policy", "this entry names no rule; add \"name\"");
}

static void read_entries(struct reader *r, const yaml_node_t *n, void *target)
{
	(void)target;
	if (n->type != YAML_SEQUENCE_NODE) {
		complain(r, n, "bad-value", "rules is a list of entries, each with a name");
		return;
	}
	for (const yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++)
		read_entry(r, node_at(r, *i));
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void yaml_error(const yaml_parser_t *parser, const char *name, struct diag_list *diags)
{
	const struct source_pos pos = {.file = name,
	                               .line = (uint32_t)parser->problem_mark.line + 1,
	                               .column = (uint32_t)parser->problem_mark.column + 1};

	diag_add(diags, DIAG_ERROR, pos, "yaml", "%s", parser->problem ? parser->problem : "not YAML");
}

static int check_limits(const char *name, const char *text, size_t len, struct diag_list *diags)
{
	struct yaml_excess excess;
	int r = yaml_check_limits(text, len, YAML_ANY_ENCODING, &excess);

	if (r != -E2BIG)
		return r;
	diag_add(diags, DIAG_ERROR,
	         (struct source_pos){name, (uint32_t)excess.mark.line + 1, (uint32_t)excess.mark.column + 1},
	         excess.code, "%s", excess.message);
	return -EINVAL;
}

static int read_document(struct policy *p, yaml_parser_t *parser, struct diag_list *diags)
{
	static const struct key keys[] = {{"rules_files", read_rules_files}, {"defaults", read_defaults},
	                                  {"rules", read_entries},           {"protect", read_protect},
	                                  {"outputs", read_outputs},         {NULL, NULL}};
	struct reader r = {.p = p, .diags = diags};
	const size_t before = diags->errors;
	const yaml_node_t *root;

	if (!yaml_parser_load(parser, &r.doc)) {
		yaml_error(parser, p->file, diags);
		return parser->error == YAML_MEMORY_ERROR ? -ENOMEM : -EINVAL;
	}
	root = yaml_document_get_root_node(&r.doc);
	if (!root)
		diag_add(diags, DIAG_ERROR, (struct source_pos){p->file, 1, 1}, "bad-policy",
		         "the policy is empty; it needs at least \"rules_files\"");
	else
		read_mapping(&r, root, "a policy", keys, p);
	if (root && root->type == YAML_MAPPING_NODE && !p->nrules_files && diags->errors == before)
		complain(&r, root, "bad-policy", "the policy names no \"rules_files\"");
	yaml_document_delete(&r.doc);
	if (r.error || diags->out_of_memory)
		return -ENOMEM;
	return diags->errors > before ? -EINVAL : 0;
}

static int policy_new(struct policy **out, const char *name)
{
	_autopolicy_ struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->defaults.mode = TERCEL_MODE_MONITOR;
	p->output_stdout = true;
	p->file = strdup(name);
	if (!p->file)
		return -ENOMEM;
	*out = TAKE_PTR(p);
	return 0;
}

static int read_text(struct policy *p, const char *text, size_t len, struct diag_list *diags)
{
	yaml_parser_t parser;
	int r = check_limits(p->file, text, len, diags);

	if (r)
		return r;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	r = read_document(p, &parser, diags);
	yaml_parser_delete(&parser);
	return r;
}

int policy_load_buffer(struct policy **out, const char *name, const char *text, size_t len, struct diag_list *diags)
{
	_autopolicy_ struct policy *p = NULL;
	_autosource_ struct source_text source = {0};
	_cleanup_(source_list_free) struct source_list sources = {0};
	const struct source_list *outer = diags->sources;
	int r = policy_new(&p, name);

	if (!r)
		r = source_init(&source, p->file, text, len);
	if (!r)
		r = source_list_add(&sources, &source);
	if (r)
		return r;
	diags->sources = &sources;
	r = read_text(p, text, len, diags);
	diags->sources = outer;
	if (r)
		return r;
	*out = TAKE_PTR(p);
	return 0;
}

int policy_load(struct policy **out, const char *file, struct diag_list *diags)
{
	const struct source_pos pos = {.file = file};
	_autofree_ char *text = malloc(POLICY_FILE_MAX + 1);
	_autoclose_ int fd = -1;
	size_t len = 0;
	ssize_t n = 1;

	if (!text)
		return -ENOMEM;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && n > 0 && len <= POLICY_FILE_MAX) {
		n = read(fd, text + len, POLICY_FILE_MAX + 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0 || n < 0) {
		diag_add(diags, DIAG_ERROR, pos, "file", "cannot read the policy file: %s", strerror(errno));
		return -EINVAL;
	}
	if (len > POLICY_FILE_MAX) {
		diag_add(diags, DIAG_ERROR, pos, "file", "a policy file has at most %d bytes", POLICY_FILE_MAX);
		return -EINVAL;
	}
	return policy_load_buffer(out, file, text, len, diags);
}

int policy_of_rules(struct policy **out, const char *const *rules_files, size_t n, enum tercel_mode mode)
{
	_autopolicy_ struct policy *p = NULL;
	int r = policy_new(&p, "");

	if (r)
		return r;
	p->defaults.mode = mode;
	p->rules_files = calloc(n + 1, sizeof(char *));
	if (!p->rules_files)
		return -ENOMEM;
	for (; p->nrules_files < n; p->nrules_files++) {
		p->rules_files[p->nrules_files] = strdup(rules_files[p->nrules_files]);
		if (!p->rules_files[p->nrules_files])
			return -ENOMEM;
	}
	*out = TAKE_PTR(p);
	return 0;
}

/* ---- applying ---------------------------------------------------------------------------------------------------- */

static bool names_rule(const struct policy_entry *e, const char *rule)
{
	return fnmatch(e->name, rule, 0) == 0;
}

struct policy_setting policy_setting_of(const struct policy *p, const char *rule)
{
	struct policy_setting s = {.mode = p->defaults.mode,
	                           .action = TERCEL_ACTION_DENY,
	                           .on_uncertain = p->defaults.on_uncertain,
	                           .error = EPERM};

	for (size_t i = 0; i < p->nentries; i++) {
		const struct policy_entry *e = &p->entries[i];

		if (!names_rule(e, rule))
			continue;
		if (e->has_mode) {
			s.mode = e->mode;
			s.mode_entry = e;
		}
		if (e->has_action) {
			s.action = e->action;
			s.action_entry = e;
		}
		if (e->has_on_uncertain)
			s.on_uncertain = e->on_uncertain;
		if (e->error)
			s.error = e->error;
		if (e->has_scope)
			s.scope_entry = e;
		if (e->has_fuse)
			s.fuse = e->fuse;
	}
	return s;
}

int policy_add_mode(struct policy *p, const char *name, enum tercel_mode mode)
{
	_autofree_ char *copied = strdup(name);
	struct policy_entry *e = copied ? add_entry(p, (struct source_pos){0}) : NULL;

	if (!e)
		return -ENOMEM;
	e->name = TAKE_PTR(copied);
	e->has_mode = true;
	e->mode = mode;
	e->at_run_time = true;
	return 0;
}

static void free_entry(struct policy_entry *e)
{
	free(e->name);
	scope_free(&e->scope);
}

void policy_drop_last(struct policy *p)
{
	free_entry(&p->entries[--p->nentries]);
}

void policy_drop_overridden(struct policy *p, const struct rules *rules)
{
	_autofree_ bool *used = calloc(p->nentries + 1, sizeof(*used));
	size_t kept = 0;

	if (!used)
		return; /* they do no harm */
	for (size_t r = 0; r < rules_count(rules); r++) {
		size_t last = p->nentries;

		while (last &&
		       !(p->entries[last - 1].has_mode && names_rule(&p->entries[last - 1], rules_at(rules, r)->name)))
			last--;
		if (last)
			used[last - 1] = true;
	}
	for (size_t i = 0; i < p->nentries; i++) {
		if (p->entries[i].at_run_time && !used[i])
			free_entry(&p->entries[i]);
		else
			p->entries[kept++] = p->entries[i];
	}
	p->nentries = kept;
}

static void warn_of_unused_entries(const struct policy *p, const struct rules *rules, struct diag_list *diags)
{
	for (size_t i = 0; i < p->nentries; i++) {
		bool used = false;

		for (size_t r = 0; r < rules_count(rules); r++)
			used |= names_rule(&p->entries[i], rules_at(rules, r)->name);
		if (!used)
			diag_add(diags, DIAG_WARNING, p->entries[i].pos, "no-such-rule",
			         "no rule is named \"%s\"; see the names with tercel check", p->entries[i].name);
	}
}

/* Whether some decision point, and whether one that can deny but not kill, blocks by the rule. */
static int find_points(const struct rule *rule, uint32_t points, bool *any, bool *deny_only)
{
	_autoplacement_ struct placement placement = {0};
	_autoatoms_ struct atoms *atoms = NULL;
	int r = atoms_new(&atoms);

	if (!r)
		r = placement_make(&placement, filter_root(rule->filter), points, atoms);
	for (int p = 0; !r && p < TERCEL_POINTS; p++) {
		const struct derivation *d = &placement.at[p];

		if (!d->applies || d->class == POLICY_DETECT_ONLY)
			continue;
		*any = true;
		*deny_only |= d->point->backend == POINT_BY_CGROUP;
	}
	return r;
}

static int check_setting(const struct policy_setting *s, const struct rule *rule, uint32_t points,
                         struct diag_list *diags)
{
	bool any = false, deny_only = false;
	int r;

	if (s->mode != TERCEL_MODE_ENFORCE)
		return 0;
	r = find_points(rule, points, &any, &deny_only);
	if (r)
		return r;
	if (!any)
		diag_add(diags, DIAG_WARNING, s->mode_entry ? s->mode_entry->mode_pos : rule->pos, "detect-only",
		         "rule \"%s\" is to be enforced, but no decision point can enforce it; "
		         "'tercel check --target auto' says why",
		         rule->name);
	if (deny_only && s->action == TERCEL_ACTION_KILL) {
		diag_add(diags, DIAG_ERROR, s->action_entry->action_pos, "unsupported-action",
		         "rule \"%s\" is decided when a connection is made or a datagram sent, where this version can "
		         "deny but not kill; use action: deny",
		         rule->name);
		return -EINVAL;
	}
	return 0;
}

/* The rules of an image, and what their conditions need to live. */
struct applied {
	struct image_rule *rules;
	struct scoped **scoped; /* of each rule, NULL: it has no scope */
	size_t n;
};

static void applied_free(struct applied *a)
{
	for (size_t i = 0; a->scoped && i < a->n; i++)
		scoped_free(a->scoped[i]);
	free(a->scoped);
	free(a->rules);
}
#define _autoapplied_ _cleanup_(applied_free)

static int add_rule(struct applied *a, const struct rule *rule, const struct policy_setting *s, struct diag_list *diags)
{
	const struct policy_entry *limited =
	        s->scope_entry && scope_limits(&s->scope_entry->scope) ? s->scope_entry : NULL;
	const struct filter_node *condition = filter_root(rule->filter);
	int r = limited ? scoped_new(&a->scoped[a->n], &limited->scope, condition) : 0;

	if (r == -EINVAL)
		diag_add(diags, DIAG_ERROR, limited->scope_pos, "bad-value",
		         "this scope asks what Falco's language cannot ask: names with quotes or backslashes, say");
	if (r)
		return r;
	a->rules[a->n] = (struct image_rule){.name = rule->name,
	                                     .condition = limited ? scoped_root(a->scoped[a->n]) : condition,
	                                     .pos = rule->pos,
	                                     .mode = s->mode,
	                                     .action = s->action,
	                                     .on_uncertain = s->on_uncertain,
	                                     .error = s->error};
	a->n++;
	return 0;
}

int policy_apply(struct image **image, const struct policy *p, const struct rules *rules, uint32_t points,
                 uint32_t generation, struct diag_list *diags)
{
	_autoapplied_ struct applied a = {.rules = calloc(rules_count(rules) + 1, sizeof(*a.rules)),
	                                  .scoped = calloc(rules_count(rules) + 1, sizeof(struct scoped *))};
	struct image_input in = {.rules = a.rules,
	                         .protect = (const char *const *)p->protect,
	                         .nprotect = p->nprotect,
	                         .generation = generation,
	                         .points = points};
	int error = 0;

	if (!a.rules || !a.scoped)
		return -ENOMEM;
	warn_of_unused_entries(p, rules, diags);
	for (size_t i = 0; i < rules_count(rules); i++) {
		const struct rule *rule = rules_at(rules, i);
		const struct policy_setting s = policy_setting_of(p, rule->name);
		int r;

		if (rule->state != RULE_LOADED || !rule->enabled || s.mode == TERCEL_MODE_OFF)
			continue;
		r = check_setting(&s, rule, points, diags);
		if (!r)
			r = add_rule(&a, rule, &s, diags);
		if (r == -ENOMEM)
			return r;
		error = r ? r : error;
	}
	in.nrules = a.n;
	return error ? error : image_build(image, &in, diags);
}
