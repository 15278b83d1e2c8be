/* SPDX-License-Identifier: Apache-2.0 */
/* Ways that lead to the same file by other paths, and to other files with the same program. */
#include "verify/actor/actor.h"

#include <sys/mman.h>
#include <sys/mount.h>

/* ---- other paths to the same file -------------------------------------------------------------------------------- */

const char *base_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

void directory_of(const char *path, char out[PATH_MAX])
{
	const size_t len = (size_t)(base_of(path) - path);

	memcpy(out, path, len);
	out[len > 1 ? len - 1 : len] = '\0';
}

/* Another path to what the rule is about. */
static int by_path(const struct spec *s, const char *path)
{
	struct spec other = *s;

	set_place(&other, path);
	return plain(&other);
}

typedef void (*rewrite)(const char *path, char out[PATH_MAX]);

/* Other paths to all that the act is on. */
static int by_paths(const struct spec *s, rewrite how)
{
	static char path[PATH_MAX], to[PATH_MAX];
	struct spec other = *s;

	how(s->path, path);
	other.path = path;
	if (has_two_paths(s)) {
		how(s->other, to);
		other.other = to;
	}
	return plain(&other);
}

static void make_links(void)
{
	if (mkdir(ACTOR_SCRATCH "/links", 0755) && errno != EEXIST)
		impossible("mkdir");
}

/* The call by which a symbolic link to a file is followed; NULL: what it is done by does so itself. */
static const char *following(const struct spec *s)
{
	return !strcmp(s->act_name, "link") ? "linkat" : NULL;
}

static int by_followed(const struct spec *s, const char *path)
{
	struct spec other = *s;

	if (following(s)) {
		other.call = following(s);
		other.flags = AT_SYMLINK_FOLLOW;
	}
	return by_path(&other, path);
}

static int by_link_named(const struct spec *s, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), ACTOR_SCRATCH "/links/%.255s", name);
	make_links();
	if (symlink(s->path, path))
		impossible("symlink");
	return by_followed(s, path);
}

int by_symlink(const struct spec *s)
{
	return by_link_named(s, base_of(s->path));
}

int by_other_name(const struct spec *s)
{
	return by_link_named(s, ACTOR_OTHER_NAME);
}

static void link_directory(const char *path, char out[PATH_MAX])
{
	static int links;
	char dir[PATH_MAX], link[64];

	directory_of(path, dir);
	make_links();
	(void)snprintf(link, sizeof(link), ACTOR_SCRATCH "/links/%d", links++);
	if (symlink(dir, link))
		impossible("symlink");
	(void)snprintf(out, PATH_MAX, "%s/%.255s", link, base_of(path));
}

int by_linked_directory(const struct spec *s)
{
	return by_paths(s, link_directory);
}

int by_relative_path(const struct spec *s)
{
	char dir[PATH_MAX], path[PATH_MAX];

	directory_of(place_of(s), dir);
	if (chdir(dir))
		impossible("chdir");
	(void)snprintf(path, sizeof(path), "./%.255s", base_of(place_of(s)));
	return by_path(s, path);
}

static void with_dots(const char *path, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, ACTOR_SCRATCH "/..%s", path);
}

int by_dots(const struct spec *s)
{
	return by_paths(s, with_dots);
}

static void below_proc(const char *path, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "/proc/self/root%s", path);
}

int by_proc_root(const struct spec *s)
{
	return by_paths(s, below_proc);
}

/* 4095 bytes and the end. */
static void lengthen(const char *path, char out[PATH_MAX])
{
	const size_t len = strlen(path);
	size_t at = 0;

	while (at + 2 + len < PATH_MAX) {
		memcpy(out + at, "/.", 2);
		at += 2;
	}
	if (at + len + 1 < PATH_MAX)
		out[at++] = '/';
	memcpy(out + at, path, len + 1);
}

int by_long_path(const struct spec *s)
{
	return by_paths(s, lengthen);
}

static void copy_to(int out, const char *from)
{
	char bytes[65536];
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (in < 0 || out < 0)
		impossible("copy");
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			impossible("copy");
	(void)close(in);
}

static int memory_with(const struct spec *s)
{
	const int fd = memfd_create(base_of(s->path), 0);

	copy_to(fd, s->path);
	return fd;
}

int by_descriptor(const struct spec *s)
{
	const int fd = s->memory ? memory_with(s) : open(s->path, O_PATH | O_CLOEXEC);
	char path[64];

	if (fd < 0)
		impossible("open with O_PATH");
	if (s->act == ACT_EXEC) {
		acts_now();
		return outcome(start_at(s, fd, "", AT_EMPTY_PATH));
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return by_followed(s, path);
}

/* `call` is the one that has a directory's descriptor. */
int by_directory(const struct spec *s)
{
	struct spec other = *s;
	char dir[PATH_MAX];

	directory_of(place_of(s), dir);
	other.at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (other.at < 0)
		impossible("open of its directory");
	return by_path(&other, base_of(place_of(s)));
}

int by_exchange(const struct spec *s)
{
	struct spec other = *s;

	other.flags = 2; /* RENAME_EXCHANGE */
	return plain(&other);
}

/* ---- the same file elsewhere ------------------------------------------------------------------------------------- */

int by_hard_link(const struct spec *s)
{
	char to[PATH_MAX];

	(void)snprintf(to, sizeof(to), "%s" ACTOR_LINKED, s->path);
	if (link(s->path, to))
		impossible("link");
	return by_path(s, to);
}

int by_rename(const struct spec *s)
{
	char to[PATH_MAX];

	(void)snprintf(to, sizeof(to), "%s" ACTOR_RENAMED, s->path);
	if (rename(s->path, to))
		impossible("rename");
	return by_path(s, to);
}

int by_renamed_directory(const struct spec *s)
{
	char dir[PATH_MAX], to[PATH_MAX], path[PATH_MAX];

	directory_of(place_of(s), dir);
	(void)snprintf(to, sizeof(to), "%.2000s" ACTOR_RENAMED, dir);
	if (rename(dir, to))
		impossible("renaming its directory");
	(void)snprintf(path, sizeof(path), "%.2000s/%.255s", to, base_of(place_of(s)));
	return by_path(s, path);
}

static void below_bound(const char *path, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, ACTOR_BOUND "%s", path);
}

/* Of the root: two names have to be on the same mount. */
int by_bind_mount(const struct spec *s)
{
	if (mkdir(ACTOR_BOUND, 0755) || mount("/", ACTOR_BOUND, NULL, MS_BIND, NULL))
		impossible("bind mount");
	return by_paths(s, below_bound);
}

static void deepen(char *path, size_t len, const struct spec *s)
{
	if (!actor_deep_path(path, len, place_of(s))) {
		errno = ENAMETOOLONG;
		impossible("a path of such a length");
	}
}

int by_deep_file(const struct spec *s)
{
	static char path[ACTOR_DEEP + 1];

	deepen(path, ACTOR_DEEP, s);
	return by_path(s, path);
}

/* No call takes that much at once. */
int by_deeper_file(const struct spec *s)
{
	static char path[ACTOR_DEEPER + 1];
	char *slash;

	deepen(path, ACTOR_DEEPER, s);
	for (char *from = path; (slash = strchr(from + 1, '/')); from = slash) {
		*slash = '\0';
		if (chdir(from == path ? from : from + 1))
			impossible("chdir");
		path[slash - path] = '/';
	}
	return by_path(s, base_of(path));
}

/* ---- other files with the same program --------------------------------------------------------------------------- */

int by_copy(const struct spec *s)
{
	const int out = open(ACTOR_SCRATCH "/" ACTOR_COPY, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	copy_to(out, s->path);
	(void)close(out);
	return by_path(s, ACTOR_SCRATCH "/" ACTOR_COPY);
}

int start_memory(const struct spec *s)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory_with(s));
	return start(s, path);
}

int by_memfd(const struct spec *s)
{
	const int fd = memory_with(s);

	acts_now();
	return outcome(start_at(s, fd, "", AT_EMPTY_PATH));
}

int by_script(const struct spec *s)
{
	const int out = open(ACTOR_SCRATCH "/" ACTOR_SCRIPT, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	if (out < 0 || dprintf(out, "#!%s\n", s->path) < 0 || close(out))
		impossible("script");
	return by_path(s, ACTOR_SCRATCH "/" ACTOR_SCRIPT);
}

int by_loader(const struct spec *s)
{
	char *argv[] = {(char *)ACTOR_SCRATCH "/" ACTOR_LOADER, (char *)"--library-path", (char *)ACTOR_SCRATCH,
	                (char *)s->path, NULL};

	if (access(ACTOR_SCRATCH "/" ACTOR_LOADER, X_OK))
		impossible("the machine's ld.so");
	acts_now();
	return outcome(start_program(argv));
}

/* 128 KiB, the most that the kernel takes in one argument, less its end. */
int with_long_arguments(const struct spec *s)
{
	static char longest[131071];
	struct spec other = *s;

	memset(longest, 'a', sizeof(longest) - 1);
	other.args[other.nargs++] = longest;
	return plain(&other);
}
