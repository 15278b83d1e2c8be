/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/actor/actor.h"

#include <linux/openat2.h>

/* Of the program that is started as the act; room for two variables more. */
static char *ran[] = {(char *)ACTOR_RAN, NULL, NULL, NULL};

void add_variable(char *text)
{
	ran[ran[1] ? 2 : 1] = text;
}

/* Whatever the way, the program is told the same. */
static void arguments(const struct spec *s, char *argv[MAX_ARGS + 2])
{
	argv[0] = (char *)s->plain_path;
	for (int i = 0; i < s->nargs; i++)
		argv[i + 1] = s->args[i];
	argv[s->nargs + 1] = NULL;
}

int start_program(char *const argv[])
{
	(void)syscall(SYS_execve, argv[0], argv, ran);
	return errno;
}

int start_at(const struct spec *s, int fd, const char *path, int flags)
{
	char *argv[MAX_ARGS + 2];

	arguments(s, argv);
	(void)syscall(SYS_execveat, fd, path, argv, ran, flags);
	return errno;
}

int start(const struct spec *s, const char *path)
{
	char *argv[MAX_ARGS + 2];

	if (!strcmp(s->call, "execveat"))
		return start_at(s, s->at, path, 0);
	arguments(s, argv);
	(void)syscall(SYS_execve, path, argv, ran);
	return errno;
}

static int open_by_handle(const struct spec *s, const char *path)
{
	struct {
		struct file_handle h;
		char bytes[128];
	} handle = {.h = {.handle_bytes = 128}};
	int id, dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (name_to_handle_at(s->at, path, &handle.h, &id, AT_SYMLINK_FOLLOW))
		impossible("name_to_handle_at");
	fd = open_by_handle_at(dir, &handle.h, s->flags & ~O_CREAT);
	(void)close(dir);
	return fd;
}

int open_by_call(const struct spec *s, const char *path)
{
	if (!strcmp(s->call, "openat2")) {
		struct open_how how = {.flags = (uint32_t)s->flags, .mode = s->flags & O_CREAT ? 0600 : 0};

		return (int)syscall(SYS_openat2, s->at, path, &how, sizeof(how));
	}
	if (!strcmp(s->call, "open_by_handle_at"))
		return open_by_handle(s, path);
#ifdef SYS_open
	if (!strcmp(s->call, "open"))
		return (int)syscall(SYS_open, path, s->flags, 0600);
	if (!strcmp(s->call, "creat"))
		return (int)syscall(SYS_creat, path, 0600);
#endif
	return (int)syscall(SYS_openat, s->at, path, s->flags, 0600);
}

static int open_it(const struct spec *s)
{
	const int fd = open_by_call(s, s->path);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int bind_it(const struct spec *s)
{
	const int fd = make_socket(s, 0), error = bind_to(s, fd, &s->to);

	(void)close(fd);
	return error;
}

int do_act(const struct spec *s)
{
	switch (s->act) {
	case ACT_EXEC:
		return s->memory ? start_memory(s) : start(s, s->path);
	case ACT_OPEN:
		return open_it(s);
	case ACT_CONNECT:
		return connect_to(s, 0);
	case ACT_BIND:
		return bind_it(s);
	case ACT_LISTEN:
		return listen_on(s);
	default:
		return call_on_names(s);
	}
}

int plain(const struct spec *s)
{
	acts_now();
	return outcome(do_act(s));
}
