/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/actor/actor.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <time.h>

/* ---- what is said ------------------------------------------------------------------------------------------------ */

void say(const char *format, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n > 0 && write(ACTOR_FD, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
		return;
}

/* This way does not exist here. */
void impossible(const char *what)
{
	say("why %s: %s\n", what, strerror(errno));
	_exit(ACTOR_IMPOSSIBLE);
}

/* What an error of the act itself means. */
int outcome(int error)
{
	if (!error)
		return ACTOR_THROUGH;
	if (error == EPERM || error == EACCES)
		return ACTOR_REFUSED;
	say("why the act failed: %s\n", strerror(error));
	return ACTOR_IMPOSSIBLE;
}

uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void acts_now(void)
{
	say("pid %d %" PRIu64 "\n", (int)getpid(), now_ns());
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*act)(const struct spec *s);
} tricks[] = {
        {"plain", plain},
        {"symlink", by_symlink},
        {"link-name", by_other_name},
        {"linked-directory", by_linked_directory},
        {"relative", by_relative_path},
        {"dot-dot", by_dots},
        {"proc-root", by_proc_root},
        {"long-path", by_long_path},
        {"descriptor", by_descriptor},
        {"directory", by_directory},
        {"hard-link", by_hard_link},
        {"rename", by_rename},
        {"renamed-directory", by_renamed_directory},
        {"bind-mount", by_bind_mount},
        {"deep-file", by_deep_file},
        {"deeper-file", by_deeper_file},
        {"exchange", by_exchange},
        {"copy", by_copy},
        {"memfd", by_memfd},
        {"shebang", by_script},
        {"ld.so", by_loader},
        {"long-arguments", with_long_arguments},
        {"comm", with_other_name},
        {"thread", in_thread},
        {"vfork", by_vfork},
        {"rewriting", by_rewriting},
        {"rewriting-arguments", by_rewriting_arguments},
        {"swapped-link", by_swapped_link},
        {"ptrace", by_injection},
        {"non-blocking", without_waiting},
        {"mapped", as_mapped},
        {"fast-open", by_fast_open},
        {"sendto", by_sendto},
        {"sendmsg", by_sendmsg},
        {"io_uring", by_uring},
};

/* ---- what to do -------------------------------------------------------------------------------------------------- */

static const char *value_of(const char *arg, const char *name)
{
	const size_t len = strlen(name);

	return !strncmp(arg, name, len) && arg[len] == '=' ? arg + len + 1 : NULL;
}

static void read_address(struct spec *s, const char *hex, int port)
{
	uint8_t bytes[16] = {0};

	for (size_t i = 0; i < sizeof(bytes) && hex[2 * i] && hex[2 * i + 1]; i++) {
		const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	if (s->family == AF_INET) {
		s->to.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
		memcpy(&s->to.in.sin_addr, bytes, 4);
		s->to_len = sizeof(s->to.in);
	} else {
		s->to.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
		memcpy(&s->to.in6.sin6_addr, bytes, 16);
		s->to_len = sizeof(s->to.in6);
	}
}

/* Somebody answers at every address of this place. */
static void listen_at(int port)
{
	const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0, on = 1;
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) || listen(fd, 1024))
		(void)close(fd);
}

/* One generation further down; the child's end is this one's. */
static void become_parent(int argc, char **argv, int next)
{
	char *args[MAX_ARGS * 2] = {(char *)value_of(argv[next], "next")};
	pid_t child;
	int n = 1;

	for (int i = 1; i < argc && n < MAX_ARGS * 2 - 1; i++)
		if (i != next)
			args[n++] = argv[i];
	child = fork();
	if (child < 0)
		impossible("fork");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execv(args[0], args);
		impossible("starting a child");
	}
	_exit(awaited(child));
}

static int act(const struct spec *s)
{
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++)
		if (!strcmp(tricks[i].name, s->trick))
			return tricks[i].act(s);
	errno = EINVAL;
	impossible(s->trick);
}

static enum act act_named(const char *name)
{
	static const char *const names[] = {"exec", "open", "connect", "bind", "listen"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return (enum act)i;
	return ACT_NAMES;
}

/* What names what is acted on. False: it is none of these. */
static bool read_object(struct spec *s, const char *arg, const char **addr, int *port)
{
	const char *v;

	if ((v = value_of(arg, "path")))
		s->path = s->plain_path = v;
	else if ((v = value_of(arg, "other")))
		s->other = v;
	else if ((v = value_of(arg, "subject")))
		s->other_is_subject = *v == 'o';
	else if ((v = value_of(arg, "family")))
		s->family = *v == '4' ? AF_INET : AF_INET6;
	else if ((v = value_of(arg, "addr")))
		*addr = v;
	else if ((v = value_of(arg, "port")))
		*port = (int)strtol(v, NULL, 10);
	else if ((v = value_of(arg, "proto")))
		s->proto = *v == 'u' ? IPPROTO_UDP : IPPROTO_TCP;
	else
		return false;
	return true;
}

static void read_manner(struct spec *s, const char *arg)
{
	const char *v;

	if ((v = value_of(arg, "act")))
		s->act = act_named(s->act_name = v);
	else if ((v = value_of(arg, "call")))
		s->call = v;
	else if ((v = value_of(arg, "trick")))
		s->trick = v;
	else if ((v = value_of(arg, "flags")))
		s->flags = (int)strtol(v, NULL, 10);
	else if ((v = value_of(arg, "mode")))
		s->mode = (unsigned int)strtoul(v, NULL, 10);
	else if ((v = value_of(arg, "arg")) && s->nargs < MAX_ARGS - 1)
		s->args[s->nargs++] = (char *)v;
	else if ((v = value_of(arg, "tries")))
		s->tries = (int)strtol(v, NULL, 10);
	else if ((v = value_of(arg, "env")))
		add_variable((char *)v);
	else if ((v = value_of(arg, "memory")))
		s->memory = *v == '1';
	else if ((v = value_of(arg, "all")))
		s->all = *v == '1';
}

static void read_spec(struct spec *s, int argc, char **argv)
{
	const char *addr = "";
	int port = 0;

	for (int i = 1; i < argc; i++)
		if (!read_object(s, argv[i], &addr, &port))
			read_manner(s, argv[i]);
	read_address(s, addr, port);
	if (s->act != ACT_CONNECT)
		return;
	listen_at(port);
	listen_at(HARMLESS_PORT);
}

/* What it means that this program was started as the act. */
static int has_run(int argc, char **argv)
{
	const char *as = (const char *)getauxval(AT_EXECFN), *asked = getenv(ACTOR_ASKED);

	if (as && !strcmp(as, ACTOR_HARMLESS))
		return ACTOR_HARMLESS_RAN;
	for (int i = 1; asked && i < argc; i++)
		if (!strcmp(argv[i], asked))
			return ACTOR_THROUGH;
	return asked ? ACTOR_HARMLESS_RAN : ACTOR_THROUGH;
}

int main(int argc, char **argv)
{
	static struct spec s = {.act_name = "",
	                        .call = "",
	                        .trick = "plain",
	                        .path = "",
	                        .other = "",
	                        .plain_path = "",
	                        .family = AF_INET,
	                        .proto = IPPROTO_TCP,
	                        .tries = 100,
	                        .at = AT_FDCWD};

	if (getenv("TERCEL_VERIFY_RAN"))
		_exit(has_run(argc, argv));
	for (int i = 1; i < argc; i++)
		if (value_of(argv[i], "next"))
			become_parent(argc, argv, i);
	read_spec(&s, argc, argv);
	_exit(act(&s));
}
