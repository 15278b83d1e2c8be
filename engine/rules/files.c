/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void file_list_free(struct file_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->names[i]);
	free(l->names);
	*l = (struct file_list){0};
}

/* Takes the name over, also on failure. */
static int take(struct file_list *l, char *name)
{
	if (name && l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		char **names = realloc(l->names, cap * sizeof(*names));
		if (!names) {
			free(name);
			return -ENOMEM;
		}
		l->names = names;
		l->cap = cap;
	}
	if (!name)
		return -ENOMEM;
	l->names[l->count++] = name;
	return 0;
}

static int is_yaml(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');
	return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int take_regular(struct file_list *l, const char *directory, const char *name)
{
	struct stat st;
	char *path = NULL;
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	if (!stat(path, &st) && S_ISREG(st.st_mode))
		return take(l, path);
	free(path);
	return 0;
}

static int add_directory(struct file_list *l, const char *directory)
{
	struct dirent **entries = NULL;
	int n = scandir(directory, &entries, is_yaml, by_bytes);
	if (n < 0)
		return -errno;
	int error = 0;
	for (int i = 0; i < n; i++) {
		if (!error)
			error = take_regular(l, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return error;
}

int file_list_add(struct file_list *l, const char *const *names, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		bool directory = !stat(names[i], &st) && S_ISDIR(st.st_mode);
		int error = directory ? add_directory(l, names[i]) : take(l, strdup(names[i]));
		if (error)
			return error_set(err, error, "%s: %s", names[i], strerror(-error));
	}
	return 0;
}
