/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files as users name them: files, and directories of files. For whoever loads rules by name: the command line, a
 * policy, the plugin. Knows nothing of what is in the files.
 */
#ifndef TERCEL_RULES_FILES_H
#define TERCEL_RULES_FILES_H

#include <stddef.h>

#include "base/diag.h"

struct file_list {
	char **names; /* owned */
	size_t count, cap;
};

void file_list_free(struct file_list *l);
#define _autofiles_ _cleanup_(file_list_free)

/*
 * Adds `n` names; of a directory, as Falco does, its regular files whose names end in .yaml or .yml, in the order of
 * their bytes. What is no directory is added as it is: whoever reads it says what is wrong with it. 0, or -errno with
 * its reason.
 */
int file_list_add(struct file_list *l, const char *const *names, size_t n, struct error *err);

#endif
