/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that act on names of files, each by its arguments. */
#include "verify/actor/actor.h"

#include <sys/sysmacros.h>

/* What the arguments of a call are. */
enum form {
	PATH,                /* path, values */
	DIRECTORY_PATH,      /* dirfd, path, values */
	DESCRIPTOR,          /* fd, values */
	PATHS,               /* path, path */
	DIRECTORY_PATHS,     /* dirfd, path, dirfd, path, flags */
	TEXT_PATH,           /* text, path */
	TEXT_DIRECTORY_PATH, /* text, dirfd, path */
};

/* Those that newer architectures have no more fail as calls that there are not. */
#ifndef SYS_unlink
enum {
	SYS_unlink = -1,
	SYS_rmdir = -1,
	SYS_rename = -1,
	SYS_link = -1,
	SYS_symlink = -1,
	SYS_chmod = -1,
	SYS_chown = -1,
	SYS_lchown = -1,
	SYS_mkdir = -1,
	SYS_mknod = -1
};
#endif
#ifndef SYS_renameat
#define SYS_renameat (-1)
#endif

static const struct call {
	const char *name;
	long number;
	enum form form;
} calls[] = {
        {"unlink", SYS_unlink, PATH},
        {"unlinkat", SYS_unlinkat, DIRECTORY_PATH},
        {"rmdir", SYS_rmdir, PATH},
        {"rename", SYS_rename, PATHS},
        {"renameat", SYS_renameat, DIRECTORY_PATHS},
        {"renameat2", SYS_renameat2, DIRECTORY_PATHS},
        {"link", SYS_link, PATHS},
        {"linkat", SYS_linkat, DIRECTORY_PATHS},
        {"symlink", SYS_symlink, TEXT_PATH},
        {"symlinkat", SYS_symlinkat, TEXT_DIRECTORY_PATH},
        {"chmod", SYS_chmod, PATH},
        {"fchmod", SYS_fchmod, DESCRIPTOR},
        {"fchmodat", SYS_fchmodat, DIRECTORY_PATH},
        {"chown", SYS_chown, PATH},
        {"lchown", SYS_lchown, PATH},
        {"fchown", SYS_fchown, DESCRIPTOR},
        {"fchownat", SYS_fchownat, DIRECTORY_PATH},
        {"mkdir", SYS_mkdir, PATH},
        {"mkdirat", SYS_mkdirat, DIRECTORY_PATH},
        {"mknod", SYS_mknod, PATH},
        {"mknodat", SYS_mknodat, DIRECTORY_PATH},
};

/* Who owns a file that is given away. */
#define OTHER_OWNER 1

static bool acts(const struct spec *s, const char *name)
{
	return !strcmp(s->act_name, name);
}

static const struct call *call_named(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	return NULL;
}

bool is_call_on_names(const char *call)
{
	return call_named(call) != NULL;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

bool has_two_paths(const struct spec *s)
{
	return acts(s, "rename") || acts(s, "link");
}

const char *place_of(const struct spec *s)
{
	return has_two_paths(s) && s->other_is_subject ? s->other : s->path;
}

void set_place(struct spec *s, const char *path)
{
	if (has_two_paths(s) && s->other_is_subject)
		s->other = path;
	else
		s->path = path;
}

const char *subject_of(const struct spec *s)
{
	return s->other_is_subject ? s->other : s->path;
}

void set_subject(struct spec *s, const char *text)
{
	if (s->other_is_subject)
		s->other = text;
	else
		s->path = text;
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

/* What it has besides names. */
static void values_of(const struct spec *s, long out[2])
{
	out[0] = acts(s, "rmdir") ? AT_REMOVEDIR : acts(s, "chown") ? OTHER_OWNER : (long)s->mode;
	out[1] = acts(s, "chown") ? OTHER_OWNER : acts(s, "mknod") ? (long)makedev(1, 3) : 0;
}

static long by_descriptor_of(const struct spec *s, const struct call *c, const long values[2])
{
	const int fd = openat(s->at, s->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		impossible("opening it");
	return syscall(c->number, fd, values[0], values[1]);
}

int call_on_names(const struct spec *s)
{
	const struct call *c = call_named(s->call);
	long values[2], result = -1;

	if (!c)
		impossible(s->call);
	values_of(s, values);
	switch (c->form) {
	case PATH:
		result = syscall(c->number, s->path, values[0], values[1]);
		break;
	case DIRECTORY_PATH:
		result = syscall(c->number, s->at, s->path, values[0], values[1], 0);
		break;
	case DESCRIPTOR:
		result = by_descriptor_of(s, c, values);
		break;
	case PATHS:
		result = syscall(c->number, s->path, s->other);
		break;
	case DIRECTORY_PATHS:
		result = syscall(c->number, s->at, s->path, s->at, s->other, s->flags);
		break;
	case TEXT_PATH:
		result = syscall(c->number, s->other, s->path);
		break;
	case TEXT_DIRECTORY_PATH:
		result = syscall(c->number, s->other, s->at, s->path);
		break;
	}
	return result < 0 ? errno : 0;
}

long number_of_call(const struct spec *s, int *argument)
{
	/* Of the path or the text that comes first, and of the other one. */
	static const int at[][2] = {
	        [PATH] = {0, -1},
	        [DIRECTORY_PATH] = {1, -1},
	        [DESCRIPTOR] = {-1, -1},
	        [PATHS] = {0, 1},
	        [DIRECTORY_PATHS] = {1, 3},
	        [TEXT_PATH] = {1, 0},
	        [TEXT_DIRECTORY_PATH] = {2, 0},
	};
	const struct call *c = call_named(s->call);

	*argument = c ? at[c->form][s->other_is_subject] : -1;
	return c ? c->number : -1;
}

/* ---- before and after -------------------------------------------------------------------------------------------- */

/* What the act does to its subject. */
enum effect { MAKES_IT, TAKES_IT_AWAY, CHANGES_IT, POINTS_TO_IT };

static enum effect effect_of(const struct spec *s)
{
	if (acts(s, "unlink") || acts(s, "rmdir") || (acts(s, "rename") && !s->other_is_subject))
		return TAKES_IT_AWAY;
	if (acts(s, "chmod") || acts(s, "chown"))
		return CHANGES_IT;
	if ((acts(s, "link") && !s->other_is_subject) || (acts(s, "symlink") && s->other_is_subject))
		return POINTS_TO_IT;
	return MAKES_IT;
}

static bool is_there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static void make_file(const struct spec *s, const char *path)
{
	int fd;

	if (is_there(path))
		return;
	fd = acts(s, "rmdir") ? mkdir(path, 0755) : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		impossible("making the file anew");
	if (!acts(s, "rmdir"))
		(void)close(fd);
}

static bool is_changed(const struct spec *s, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	return acts(s, "chown") ? st.st_uid == OTHER_OWNER : (st.st_mode & 07777) == s->mode;
}

void make_ready(const struct spec *s, const char *subject)
{
	switch (effect_of(s)) {
	case MAKES_IT:
		(void)remove(subject);
		if (has_two_paths(s))
			make_file(s, s->path);
		break;
	case TAKES_IT_AWAY:
		make_file(s, subject);
		break;
	case CHANGES_IT:
		make_file(s, subject);
		if (is_changed(s, subject) && (acts(s, "chown") ? chown(subject, 0, 0) : chmod(subject, 0)))
			impossible("changing the file back");
		break;
	case POINTS_TO_IT:
		if (acts(s, "link"))
			make_file(s, subject);
		(void)remove(acts(s, "link") ? s->other : s->path);
		break;
	}
}

bool was_done_to(const struct spec *s, const char *subject)
{
	char text[PATH_MAX];
	struct stat a, b;
	ssize_t len;

	switch (effect_of(s)) {
	case MAKES_IT:
		return is_there(subject);
	case TAKES_IT_AWAY:
		return !is_there(subject);
	case CHANGES_IT:
		return is_changed(s, subject);
	default:
		break;
	}
	if (acts(s, "link"))
		return !lstat(subject, &a) && !lstat(s->other, &b) && a.st_ino == b.st_ino;
	len = readlink(s->path, text, sizeof(text));
	return len >= 0 && (size_t)len == strlen(subject) && !memcmp(text, subject, (size_t)len);
}
