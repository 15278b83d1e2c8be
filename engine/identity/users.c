/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/users.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Nobody's: (uid_t)-1. */
#define NO_UID UINT32_MAX

void identity_users_free(struct identity_users *u)
{
	free(u->users);
	*u = (struct identity_users){0};
}

static int add(struct identity_users *u, uint32_t uid, const char *name)
{
	const size_t len = strlen(name);
	struct identity_user *users;

	/* Room grows by powers of two. */
	if (!(u->count & (u->count - 1))) {
		users = realloc(u->users, (u->count ? u->count * 2 : 1) * sizeof(*users));
		if (!users)
			return -ENOMEM;
		u->users = users;
	}
	u->users[u->count] =
	        (struct identity_user){.uid = uid, .line = (uint32_t)u->count, .user = {.len = (uint32_t)len}};
	if (len <= TERCEL_USER_NAME_LEN)
		memcpy(u->users[u->count].user.name, name, len);
	u->count++;
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	const struct identity_user *one = a, *other = b;

	if (one->uid != other->uid)
		return one->uid < other->uid ? -1 : 1;
	return one->line < other->line ? -1 : one->line > other->line;
}

/* The first of several with one id stays. */
static void sort(struct identity_users *u)
{
	size_t kept = 0;

	if (u->count)
		qsort(u->users, u->count, sizeof(*u->users), by_uid);
	for (size_t i = 0; i < u->count; i++)
		if (!kept || u->users[i].uid != u->users[kept - 1].uid)
			u->users[kept++] = u->users[i];
	u->count = kept;
}

/* ---- where users are looked up ---- */

enum sources {
	SOURCES_OTHER,       /* another one comes first: what it says nobody here knows */
	SOURCES_FILES_FIRST, /* names of files are right, of others there may be more */
	SOURCES_FILES,       /* files alone */
};

static bool is_files(const char *word)
{
	return !strcmp(word, "files") || !strcmp(word, "compat");
}

/* "passwd: files systemd [NOTFOUND=return]"; without such a line, files alone. */
static enum sources read_sources(const char *nsswitch)
{
	_autofclose_ FILE *f = fopen(nsswitch, "re");
	_autofree_ char *line = NULL;
	size_t cap = 0;

	while (f && getline(&line, &cap, f) >= 0) {
		char *rest = line + strspn(line, " \t"), *word;
		size_t n = 0;
		bool others = false;

		rest[strcspn(rest, "#\n")] = '\0';
		if (strncmp(rest, "passwd", 6) != 0 || rest[6 + strspn(rest + 6, " \t")] != ':')
			continue;
		rest = strchr(rest, ':') + 1;
		for (char *save = NULL; (word = strtok_r(n ? NULL : rest, " \t", &save)); n++) {
			if (!n && !is_files(word))
				return SOURCES_OTHER;
			others |= n && !is_files(word);
		}
		return others ? SOURCES_FILES_FIRST : SOURCES_FILES;
	}
	return SOURCES_FILES;
}

/* ---- reading ---- */

static int read_passwd(struct identity_users *u, FILE *f)
{
	const struct passwd *p;
	int r = 0;

	/* Lines that begin with a sign mean other sources ("compat"): more than this file. */
	while (!r && (p = fgetpwent(f))) {
		if (*p->pw_name == '+' || *p->pw_name == '-')
			u->whole = false;
		else if (p->pw_uid != NO_UID)
			r = add(u, p->pw_uid, p->pw_name);
	}
	return r;
}

static int complete(struct identity_users *u)
{
	int r = 0;

	/* Behind the file's own line for it, if there is one. */
	if (u->whole)
		r = add(u, 0, "root");
	if (!r)
		r = add(u, NO_UID, "<NA>");
	if (r)
		return r;
	sort(u);
	u->users[u->count - 1].user.whole = u->whole;
	return 0;
}

static struct identity_user *find(struct identity_users *u, size_t n, uint32_t uid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (u->users[middle].uid == uid)
			return &u->users[middle];
		if (u->users[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int identity_users_inherit(struct identity_users *u, const struct identity_users *before)
{
	const size_t n = u->count;
	int r = 0;

	for (size_t i = 0; i < before->count && !r; i++) {
		const struct identity_user *was = &before->users[i];
		struct identity_user *is = find(u, n, was->uid);

		if (was->uid == NO_UID)
			continue;
		if (!is)
			r = add(u, was->uid, "");
		if (!is && !r)
			is = &u->users[u->count - 1];
		if (is && (is->user.len != was->user.len ||
		           memcmp(is->user.name, was->user.name, sizeof(is->user.name)) != 0))
			is->user.len = UINT32_MAX;
	}
	sort(u);
	return r;
}

bool identity_users_changed(const struct identity_users *u, const char *passwd)
{
	const struct stat *was = &u->read;
	struct stat is;

	/* What cannot be looked at now will be again. */
	return !stat(passwd, &is) &&
	       (is.st_dev != was->st_dev || is.st_ino != was->st_ino || is.st_size != was->st_size ||
	        is.st_mtim.tv_sec != was->st_mtim.tv_sec || is.st_mtim.tv_nsec != was->st_mtim.tv_nsec);
}

int identity_users_read(struct identity_users *out, const char *passwd, const char *nsswitch)
{
	const enum sources sources = read_sources(nsswitch);
	struct identity_users fresh = {.whole = sources == SOURCES_FILES};
	_autofclose_ FILE *f = fopen(passwd, "re");
	int r;

	if (!f || fstat(fileno(f), &fresh.read))
		return -errno;
	r = sources == SOURCES_OTHER ? 0 : read_passwd(&fresh, f);
	if (!r)
		r = complete(&fresh);
	if (r)
		identity_users_free(&fresh);
	else
		*out = fresh;
	return r;
}
