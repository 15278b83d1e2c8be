/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/need.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* ---- one comparison ---------------------------------------------------------------------------------------------- */

/* What becomes of a comparison that is to hold. */
struct leaf {
	const struct filter_node *node;
	const struct filter_value *value; /* one of its values */
	enum filter_op op;
};

static void miss(struct need *n, const struct filter_node *node)
{
	_autobuf_ struct buf text = BUF_INIT;

	filter_print(&text, node);
	(void)snprintf(n->missing, sizeof(n->missing), "%s", buf_str(&text));
}

/* A text that the pattern fits: each sign that stands for others becomes an x. */
static void fill_pattern(char out[NEED_TEXT_MAX], const char *pattern)
{
	size_t len = 0;

	for (; *pattern && len < NEED_TEXT_MAX - 1; pattern++) {
		if (*pattern == '\\' && pattern[1])
			pattern++;
		out[len++] = *pattern == '*' || *pattern == '?' ? 'x' : *pattern;
	}
	out[len] = '\0';
}

static bool set_text(struct need_text *out, const struct leaf *l)
{
	const char *text = l->value ? l->value->text : "";

	if (strlen(text) >= sizeof(out->text))
		return false;
	(void)snprintf(out->text, sizeof(out->text), "%s", text);
	switch (l->op) {
	case FILTER_OP_EQ:
	case FILTER_OP_IN:
		out->fit = NEED_IS;
		return true;
	case FILTER_OP_STARTSWITH:
	case FILTER_OP_PMATCH:
		out->fit = NEED_STARTS;
		return true;
	case FILTER_OP_ENDSWITH:
		out->fit = NEED_ENDS;
		return true;
	case FILTER_OP_CONTAINS:
	case FILTER_OP_ICONTAINS:
		out->fit = NEED_CONTAINS;
		return true;
	case FILTER_OP_GLOB:
	case FILTER_OP_IGLOB:
		fill_pattern(out->text, text);
		out->fit = strchr(text, '[') ? NEED_ANY : NEED_IS;
		return out->fit == NEED_IS;
	default:
		return false;
	}
}

static bool set_argument(struct need *n, const struct leaf *l)
{
	if (n->nargs == NEED_ARGS || !set_text(&n->args[n->nargs], l))
		return false;
	n->nargs++;
	return true;
}

static bool set_choice(enum need_choice *out, const struct leaf *l)
{
	if (l->op != FILTER_OP_EQ || !l->value)
		return false;
	*out = l->value->as.u64 ? NEED_YES : NEED_NO;
	return true;
}

static bool set_address(struct need *n, const struct leaf *l)
{
	const struct filter_value *v = l->value;

	if (!v || (l->op != FILTER_OP_EQ && l->op != FILTER_OP_IN))
		return false;
	n->has_address = true;
	n->family = v->as.net.family;
	memcpy(n->address, v->as.net.addr, sizeof(n->address));
	/* Of a network, some address that is not its own. */
	if (v->as.net.prefix < (n->family == AF_INET ? 31 : 127))
		n->address[n->family == AF_INET ? 3 : 15] |= 1;
	return true;
}

static bool set_port(struct need *n, const struct leaf *l)
{
	const uint64_t value = l->value ? l->value->as.u64 : 0;
	uint64_t port = value;

	if (l->op == FILTER_OP_GT)
		port = value + 1;
	else if (l->op == FILTER_OP_LT)
		port = value - 1;
	else if (l->op != FILTER_OP_EQ && l->op != FILTER_OP_IN && l->op != FILTER_OP_GE && l->op != FILTER_OP_LE)
		return false;
	n->has_port = true;
	n->port = (uint16_t)port;
	return l->value && port > 0 && port <= UINT16_MAX;
}

static bool set_protocol(struct need *n, const struct leaf *l)
{
	const char *text = l->value ? l->value->text : "";

	n->has_protocol = true;
	n->protocol = strcmp(text, "udp") ? IPPROTO_TCP : IPPROTO_UDP;
	return !strcmp(text, "tcp") || !strcmp(text, "udp");
}

static bool set_container(struct need *n, const struct leaf *l)
{
	n->container = NEED_NO;
	return l->op == FILTER_OP_EQ && l->value && !strcmp(l->value->text, "host");
}

/* Whether there is one: which one, nobody can choose. */
static bool set_terminal(struct need *n, const struct leaf *l)
{
	const bool none = l->value && !l->value->as.s64;

	n->terminal = l->op == FILTER_OP_EQ ? NEED_NO : NEED_YES;
	return none && (l->op == FILTER_OP_EQ || l->op == FILTER_OP_GT);
}

static bool is_root(const char *field, const char *text)
{
	return (!strcmp(field, "user.name") && !strcmp(text, "root")) ||
	       (!strcmp(field, "user.uid") && !strcmp(text, "0"));
}

static bool set_user(struct need *n, const struct leaf *l)
{
	n->root = NEED_YES;
	return l->op == FILTER_OP_EQ && is_root(l->node->left->field->name, l->value ? l->value->text : "");
}

static bool is_one_of(const char *field, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(*names, field))
			return true;
	return false;
}

/* Of flags, those that say what an open is for. */
static bool set_flags(struct need *n, const struct leaf *l)
{
	const char *text = l->value ? l->value->text : "";

	if (strstr(text, "O_CREAT"))
		n->create = NEED_YES;
	else if (strstr(text, "O_TRUNC"))
		n->truncate = NEED_YES;
	else if (strstr(text, "O_WRONLY") || strstr(text, "O_RDWR"))
		n->write = NEED_YES;
	else
		return strstr(text, "O_RDONLY") != NULL;
	return true;
}

/* Bits of a mode, and the kinds of files, by Falco's names. */
static bool set_mode(struct need *n, const struct leaf *l)
{
	static const struct {
		const char *name;
		unsigned int bits;
	} modes[] = {
	        {"S_IXOTH", S_IXOTH},   {"S_IWOTH", S_IWOTH}, {"S_IROTH", S_IROTH}, {"S_IXGRP", S_IXGRP},
	        {"S_IWGRP", S_IWGRP},   {"S_IRGRP", S_IRGRP}, {"S_IXUSR", S_IXUSR}, {"S_IWUSR", S_IWUSR},
	        {"S_IRUSR", S_IRUSR},   {"S_ISVTX", S_ISVTX}, {"S_ISGID", S_ISGID}, {"S_ISUID", S_ISUID},
	        {"S_IFIFO", S_IFIFO},   {"S_IFCHR", S_IFCHR}, {"S_IFBLK", S_IFBLK}, {"S_IFREG", S_IFREG},
	        {"S_IFSOCK", S_IFSOCK},
	};

	for (size_t i = 0; l->value && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, l->value->text)) {
			n->mode = modes[i].bits;
			return l->op == FILTER_OP_CONTAINS || l->op == FILTER_OP_ICONTAINS;
		}
	return false;
}

/* A parameter of the call, which are called otherwise from call to call. */
static bool set_parameter(struct need *n, const struct leaf *l)
{
	static const char *const paths[] = {"name", "path", "filename", "pathname", "oldpath", "linkpath", NULL};
	static const char *const others[] = {"newpath", "target", NULL};
	const char *name = l->node->left->arg_text ? l->node->left->arg_text : "";

	if (is_one_of(name, paths))
		return set_text(&n->path, l);
	if (is_one_of(name, others))
		return set_text(&n->other, l);
	return strcmp(name, "mode") ? set_flags(n, l) : set_mode(n, l);
}

/* Fields whose comparisons hold of whatever is done here. */
static bool is_given(const char *field, const struct leaf *l)
{
	static const char *const given[] = {"evt.dir",     "evt.rawres", "evt.res",     "evt.failed",         "fd.num",
	                                    "fd.typechar", "fd.type",    "evt.is_wait", "fd.directory_exists"};

	(void)l;
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		if (!strcmp(given[i], field))
			return true;
	return false;
}

static bool set_process(struct need *n, const char *field, const struct leaf *l)
{
	static const char *const parents[] = {"proc.pname", "proc.aname", NULL};
	static const char *const arguments[] = {"proc.args", "proc.cmdline", NULL};

	if (!strcmp(field, "proc.name"))
		return set_text(&n->name, l);
	if (!strcmp(field, "proc.exepath") || !strcmp(field, "proc.exe"))
		return set_text(&n->exepath, l);
	if (is_one_of(field, parents))
		return set_text(&n->parent, l);
	if (is_one_of(field, arguments))
		return set_argument(n, l);
	if (!strcmp(field, "proc.env") && !l->node->left->has_arg)
		return set_text(&n->env, l);
	if (!strcmp(field, "proc.is_exe_upper_layer"))
		return set_choice(&n->upper_layer, l);
	if (!strcmp(field, "proc.is_exe_from_memfd"))
		return set_choice(&n->memory, l);
	if (!strcmp(field, "proc.tty"))
		return set_terminal(n, l);
	if (!strcmp(field, "user.name") || !strcmp(field, "user.uid"))
		return set_user(n, l);
	return !strcmp(field, "container.id") && set_container(n, l);
}

static bool set_object(struct need *n, const char *field, const struct leaf *l)
{
	static const char *const addresses[] = {"fd.sip", "fd.rip", "fd.ip", "fd.snet", "fd.rnet", "fd.net", NULL};
	static const char *const ports[] = {"fd.sport", "fd.rport", "fd.port", NULL};

	if (!strcmp(field, "fd.name"))
		return set_text(&n->path, l);
	if (!strcmp(field, "fd.directory"))
		return set_text(&n->directory, l);
	if (!strcmp(field, "fd.filename"))
		return set_text(&n->filename, l);
	if (!strcmp(field, "evt.is_open_write"))
		return set_choice(&n->write, l);
	if (!strcmp(field, "evt.is_open_read"))
		return l->op == FILTER_OP_EQ;
	if (!strcmp(field, "evt.is_open_create"))
		return set_choice(&n->create, l);
	if (!strcmp(field, "fs.path.name"))
		return set_text(&n->path, l);
	if (!strcmp(field, "fs.path.source"))
		return set_text(&n->source, l);
	if (!strcmp(field, "fs.path.target"))
		return set_text(&n->target, l);
	if (!strncmp(field, "evt.arg", 7))
		return set_parameter(n, l);
	if (is_one_of(field, addresses))
		return set_address(n, l);
	if (is_one_of(field, ports))
		return set_port(n, l);
	return !strcmp(field, "fd.l4proto") && set_protocol(n, l);
}

static void set(struct need *n, const struct leaf *l)
{
	const char *field = l->node->left->field->name;

	*n = (struct need){0};
	if (is_given(field, l))
		return;
	if (set_process(n, field, l) || set_object(n, field, l))
		return;
	*n = (struct need){0};
	miss(n, l->node);
}

/* ---- conditions -------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text), of_end = strlen(end);

	return len >= of_end && !strcmp(text + len - of_end, end);
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* Whether every text that fits the one fits the other. */
static bool implies(const struct need_text *one, const struct need_text *other)
{
	const bool starts = one->fit == NEED_IS || one->fit == NEED_STARTS || one->fit == NEED_STARTS_AND_ENDS;

	switch (other->fit) {
	case NEED_IS:
		return one->fit == NEED_IS && !strcmp(one->text, other->text);
	case NEED_STARTS:
		return starts && starts_with(one->text, other->text);
	case NEED_ENDS:
		if (one->fit == NEED_STARTS_AND_ENDS)
			return ends_with(one->end, other->text);
		return (one->fit == NEED_IS || one->fit == NEED_ENDS) && ends_with(one->text, other->text);
	case NEED_CONTAINS:
		return strstr(one->text, other->text) != NULL || strstr(one->end, other->text) != NULL;
	case NEED_STARTS_AND_ENDS:
		return one->fit == other->fit && starts_with(one->text, other->text) && ends_with(one->end, other->end);
	default:
		return true;
	}
}

/* A start with an end, or with what has to be in it. */
static bool join_ends(struct need_text *to, const struct need_text *start, const struct need_text *end)
{
	if (start->fit != NEED_STARTS || (end->fit != NEED_ENDS && end->fit != NEED_CONTAINS) ||
	    strlen(end->text) >= sizeof(to->end))
		return false;
	*to = (struct need_text){.fit = NEED_STARTS_AND_ENDS};
	memcpy(to->text, start->text, sizeof(to->text));
	memcpy(to->end, end->text, strlen(end->text) + 1);
	return true;
}

/* False if both cannot be, or nobody here knows how. */
static bool join_text(struct need_text *to, const struct need_text *from)
{
	const struct need_text before = *to;

	if (implies(to, from))
		return true;
	if (implies(from, to)) {
		*to = *from;
		return true;
	}
	return join_ends(to, &before, from) || join_ends(to, from, &before);
}

static bool join_choice(enum need_choice *to, enum need_choice from)
{
	if (!from || !*to) {
		*to = *to ? *to : from;
		return true;
	}
	return *to == from;
}

static bool join_network(struct need *to, const struct need *from)
{
	if (from->has_address) {
		if (to->has_address && memcmp(to->address, from->address, sizeof(to->address)) != 0)
			return false;
		to->has_address = true;
		to->family = from->family;
		memcpy(to->address, from->address, sizeof(to->address));
	}
	if (from->has_port) {
		if (to->has_port && to->port != from->port)
			return false;
		to->has_port = true;
		to->port = from->port;
	}
	if (from->has_protocol) {
		if (to->has_protocol && to->protocol != from->protocol)
			return false;
		to->has_protocol = true;
		to->protocol = from->protocol;
	}
	return true;
}

static bool join(struct need *to, const struct need *from)
{
	if (from->calls && to->calls && !(to->calls & from->calls))
		return false;
	to->calls = from->calls && to->calls ? to->calls & from->calls : from->calls | to->calls;
	if (from->mode & S_IFMT && to->mode & S_IFMT && (from->mode ^ to->mode) & S_IFMT)
		return false;
	to->mode |= from->mode;
	for (size_t i = 0; i < from->nargs && to->nargs < NEED_ARGS; i++)
		to->args[to->nargs++] = from->args[i];
	if (!to->missing[0])
		memcpy(to->missing, from->missing, sizeof(to->missing));
	return join_text(&to->path, &from->path) && join_text(&to->directory, &from->directory) &&
	       join_text(&to->filename, &from->filename) && join_text(&to->other, &from->other) &&
	       join_text(&to->source, &from->source) && join_text(&to->target, &from->target) &&
	       join_text(&to->name, &from->name) && join_text(&to->exepath, &from->exepath) &&
	       join_text(&to->parent, &from->parent) && join_text(&to->env, &from->env) &&
	       join_choice(&to->write, from->write) && join_choice(&to->create, from->create) &&
	       join_choice(&to->truncate, from->truncate) && join_choice(&to->upper_layer, from->upper_layer) &&
	       join_choice(&to->memory, from->memory) && join_choice(&to->container, from->container) &&
	       join_choice(&to->root, from->root) && join_choice(&to->terminal, from->terminal) &&
	       join_network(to, from);
}

/* Deeper conditions are nobody's; each level has its memory. */
#define DEPTH_MAX 40

static int expand(struct needs *out, const struct filter_node *n, bool negated, int depth);

static void add(struct needs *out, const struct need *n)
{
	if (out->count < NEEDS_MAX)
		out->items[out->count++] = *n;
}

static int expand_any(struct needs *out, const struct filter_node *n, bool negated, int depth)
{
	_autofree_ struct needs *of_kid = malloc(sizeof(*of_kid));
	int error = of_kid ? 0 : -ENOMEM;

	out->count = 0;
	for (size_t i = 0; !error && i < n->nkids; i++) {
		error = expand(of_kid, n->kids[i], negated, depth + 1);
		for (size_t k = 0; !error && k < of_kid->count; k++)
			add(out, &of_kid->items[k]);
	}
	return error;
}

static int expand_all(struct needs *out, const struct filter_node *n, bool negated, int depth)
{
	_autofree_ struct needs *of_kid = malloc(sizeof(*of_kid)), *so_far = malloc(sizeof(*so_far));
	int error = of_kid && so_far ? 0 : -ENOMEM;

	memset(out, 0, sizeof(*out));
	out->count = 1;
	for (size_t i = 0; !error && i < n->nkids; i++) {
		error = expand(of_kid, n->kids[i], negated, depth + 1);
		*so_far = *out;
		out->count = 0;
		for (size_t a = 0; !error && a < so_far->count; a++)
			for (size_t b = 0; b < of_kid->count; b++) {
				struct need joined = so_far->items[a];

				if (join(&joined, &of_kid->items[b]))
					add(out, &joined);
			}
	}
	return error;
}

/* What a comparison says that is not to hold is hoped for. But of containers: there are only two places to be in. */
static void expand_refusal(struct needs *out, const struct filter_node *n)
{
	out->count = 1;
	out->items[0] = (struct need){0};
	if (n->kind == FILTER_LEAF && !strcmp(n->left->field->name, "container.id") && n->nvalues &&
	    !strcmp(n->values[0].text, "host"))
		out->items[0].container = NEED_YES;
	if (n->kind == FILTER_LEAF && n->nvalues && is_root(n->left->field->name, n->values[0].text))
		out->items[0].root = NEED_NO;
	if (n->kind == FILTER_LEAF && n->nvalues && !strcmp(n->left->field->name, "proc.tty") && !n->values[0].as.s64)
		out->items[0].terminal = NEED_YES;
	if (n->kind == FILTER_LEAF && !strncmp(n->left->field->name, "proc.is_exe_upper", 17))
		out->items[0].upper_layer = NEED_NO;
}

static void add_missing(struct needs *out, const struct filter_node *n)
{
	struct need missing = {0};

	miss(&missing, n);
	add(out, &missing);
}

/* Whether it names no other events than those of sending, which are not acted out. */
static bool sends_only(const struct filter_node *n)
{
	static const char *const sends[] = {"sendto", "sendmsg", "sendmmsg", NULL};

	for (size_t i = 0; i < n->nvalues; i++)
		if (!is_one_of(n->values[i].text, sends))
			return false;
	return true;
}

/* The calls of an act are one: any of them will do. */
static void expand_events(struct needs *out, const struct filter_node *n)
{
	const bool is_named = n->op == FILTER_OP_EQ || n->op == FILTER_OP_IN;
	bool unknown = !is_named;
	call_set named = 0;

	for (size_t i = 0; is_named && i < n->nvalues; i++) {
		const call_set calls = calls_named(n->values[i].text);

		named |= calls;
		unknown |= !calls;
	}
	for (unsigned int act = 0; act < VERIFY_ACTS; act++) {
		const struct need made = {.calls = named & calls_of((enum verify_act)act)};

		if (made.calls)
			add(out, &made);
	}
	if (unknown)
		add_missing(out, n);
	if (unknown && is_named && sends_only(n))
		(void)snprintf(out->items[out->count - 1].missing, NEED_TEXT_MAX,
		               "a message that is sent: there is no such act here");
}

static void expand_leaf(struct needs *out, const struct filter_node *n)
{
	struct leaf l = {.node = n, .op = n->op};
	struct need made;

	out->count = 0;
	if (n->kind == FILTER_CHECK) {
		add_missing(out, n);
		return;
	}
	if (!strcmp(n->left->field->name, "evt.type")) {
		expand_events(out, n);
		return;
	}
	/* Of other lists a few will do. */
	for (size_t i = 0; i < (n->nvalues ? n->nvalues : 1) && i < 3; i++) {
		l.value = n->nvalues ? &n->values[i] : NULL;
		set(&made, &l);
		add(out, &made);
	}
}

static int expand(struct needs *out, const struct filter_node *n, bool negated, int depth)
{
	const bool refused = n->kind == FILTER_LEAF && n->op == FILTER_OP_NE;

	if (depth > DEPTH_MAX) {
		out->count = 0;
		add_missing(out, n);
		return 0;
	}
	switch (n->kind) {
	case FILTER_NOT:
		return expand(out, n->kids[0], !negated, depth + 1);
	case FILTER_AND:
	case FILTER_OR:
		return (n->kind == FILTER_AND) == negated ? expand_any(out, n, negated, depth)
		                                          : expand_all(out, n, negated, depth);
	default:
		break;
	}
	if (refused != negated) {
		expand_refusal(out, n);
	} else if (refused) {
		struct filter_node equal = *n;

		equal.op = FILTER_OP_EQ;
		expand_leaf(out, &equal);
	} else {
		expand_leaf(out, n);
	}
	return 0;
}

/* fs.path.source is the new name of a link, and what is moved of a rename. False if both cannot be. */
static bool settle_ends(struct need *n)
{
	const bool is_link = n->calls && calls_act(n->calls) == VERIFY_LINK;

	return join_text(is_link ? &n->other : &n->path, &n->source) &&
	       join_text(is_link ? &n->path : &n->other, &n->target);
}

int needs_of(struct needs *out, const struct filter_node *condition)
{
	_autofree_ struct needs *all = malloc(sizeof(*all));
	int error = all ? expand(all, condition, false, 0) : -ENOMEM;

	if (error)
		return error;
	out->count = 0;
	for (int missing = 0; missing < 2; missing++)
		for (size_t i = 0; i < all->count; i++)
			if (!all->items[i].missing[0] == !missing && settle_ends(&all->items[i]))
				out->items[out->count++] = all->items[i];
	return 0;
}
