/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of path components. A path that begins with another of the set is superfluous: nothing hangs below an end.
 */
#include "filter/paths.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct node;

struct children {
	struct node **nodes; /* plain ones by name */
	size_t n;
};

struct node {
	bool end; /* a path of the set ends here */
	struct children plain, globs;
	size_t len;
	char name[]; /* NUL-terminated */
};

struct path_set {
	struct node *root;
};

static struct node *new_node(const char *name, size_t len)
{
	struct node *n = calloc(1, sizeof(*n) + len + 1);

	if (n && len)
		memcpy(n->name, name, len);
	if (n)
		n->len = len;
	return n;
}

// NOLINTNEXTLINE(misc-no-recursion): a level for each component of a constant, which has at most 255 bytes
static void free_node(struct node *n)
{
	struct children *const all[] = {&n->plain, &n->globs};

	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < all[k]->n; i++)
			free_node(all[k]->nodes[i]);
		free(all[k]->nodes);
	}
	free(n);
}

int path_set_new(struct path_set **out)
{
	struct path_set *s = calloc(1, sizeof(*s));

	if (s)
		s->root = new_node("", 0);
	if (!s || !s->root) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void path_set_free(struct path_set *s)
{
	if (!s)
		return;
	free_node(s->root);
	free(s);
}

static int compare_names(const char *a, size_t alen, const char *b, size_t blen)
{
	int order = memcmp(a, b, alen < blen ? alen : blen);

	return order ? order : (alen > blen) - (alen < blen);
}

/* The place of the first child that does not come before the name. */
static size_t place_of(const struct children *c, const char *name, size_t len)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_names(c->nodes[middle]->name, c->nodes[middle]->len, name, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct node *child_at(const struct children *c, size_t place, const char *name, size_t len)
{
	if (place < c->n && compare_names(c->nodes[place]->name, c->nodes[place]->len, name, len) == 0)
		return c->nodes[place];
	return NULL;
}

/* The child of that name, made if there is none; NULL without memory. */
static struct node *need_child(struct children *c, const char *name, size_t len)
{
	size_t place = place_of(c, name, len);
	struct node *n = child_at(c, place, name, len), **grown;

	if (n)
		return n;
	grown = realloc(c->nodes, (c->n + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	c->nodes = grown;
	n = new_node(name, len);
	if (!n)
		return NULL;
	memmove(grown + place + 1, grown + place, (c->n - place) * sizeof(*grown));
	grown[place] = n;
	c->n++;
	return n;
}

/* The next component at or after *at that is not empty: its length, 0 at the end. *at gets behind it. */
static size_t next_component(const char *path, size_t len, size_t *at, const char **name)
{
	while (*at < len && path[*at] == '/')
		(*at)++;
	*name = path + *at;
	const char *slash = *at < len ? memchr(path + *at, '/', len - *at) : NULL;
	size_t n = slash ? (size_t)(slash - *name) : len - *at;

	*at += n;
	return n;
}

int path_set_add(struct path_set *s, const char *path, size_t len)
{
	struct node *n = s->root;
	const char *name;
	size_t at = 0, part;

	while ((part = next_component(path, len, &at, &name)) > 0) {
		bool glob = memchr(name, '*', part) || memchr(name, '?', part) || memchr(name, '[', part);

		n = need_child(glob ? &n->globs : &n->plain, name, part);
		if (!n)
			return -ENOMEM;
	}
	n->end = true;
	return 0;
}

/* fnmatch() wants a NUL behind the component; paths have none there. */
static bool glob_matches(const char *pattern, const char *name, size_t len)
{
	char component[256];

	/* No name in a file system is longer; of a text that is no path, what is longer is looked at in memory. */
	if (len < sizeof(component)) {
		memcpy(component, name, len);
		component[len] = '\0';
		return fnmatch(pattern, component, 0) == 0;
	}
	_autofree_ char *longer = strndup(name, len);

	return longer && fnmatch(pattern, longer, 0) == 0;
}

// NOLINTNEXTLINE(misc-no-recursion): a level for each component of a constant
static bool matches_below(const struct node *n, const char *path, size_t len, size_t at)
{
	const struct node *child;
	const char *name;
	size_t part;

	if (n->end)
		return true;
	part = next_component(path, len, &at, &name);
	if (!part)
		return false;
	child = child_at(&n->plain, place_of(&n->plain, name, part), name, part);
	if (child && matches_below(child, path, len, at))
		return true;
	for (size_t i = 0; i < n->globs.n; i++)
		if (glob_matches(n->globs.nodes[i]->name, name, part) &&
		    matches_below(n->globs.nodes[i], path, len, at))
			return true;
	return false;
}

bool path_set_matches(const struct path_set *s, const char *path, size_t len)
{
	return matches_below(s->root, path, len, 0);
}
