/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/trial.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "verify/actor_bytes.h"
#include "verify/protocol.h"

#define HOME "/opt/tercel"
/* Of a second name, which stays when the directory of the first one is renamed. */
#define OTHER_HOME "/opt/other"
#define PATIENCE_MS 60000
/* Whoever has no rights; nobody's name has to be known for it. */
#define NOBODY 65534

/* What a cgroup of a container is named by the runtimes that are known. */
#define CONTAINER "/docker-7e5ce10000000000000000000000000000000000000000000000000000005e1f.scope"

/* ---- making up an act -------------------------------------------------------------------------------------------- */

/* A text that fits, with `other` for what is not asked for. */
static void fitting(char *out, size_t size, const struct need_text *t, const char *other)
{
	switch (t->fit) {
	case NEED_IS:
		(void)snprintf(out, size, "%s", t->text);
		break;
	case NEED_STARTS:
		(void)snprintf(out, size, "%s%s", t->text, other);
		break;
	case NEED_ENDS:
		(void)snprintf(out, size, "%s%s", other, t->text);
		break;
	case NEED_CONTAINS:
		(void)snprintf(out, size, "%s%s%s", other, t->text, other);
		break;
	case NEED_STARTS_AND_ENDS:
		(void)snprintf(out, size, "%s%s%s", t->text, other, t->end);
		break;
	default:
		(void)snprintf(out, size, "%s", other);
	}
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A path of the kind that is asked for, whose last part is `name`. */
static void path_with(char *out, size_t size, const struct need_text *t, const char *name)
{
	const size_t len = strlen(t->text);

	switch (t->fit) {
	case NEED_IS:
		(void)snprintf(out, size, "%s", t->text);
		break;
	case NEED_STARTS:
		(void)snprintf(out, size, "%s%s%s", t->text, len && t->text[len - 1] == '/' ? "" : "/", name);
		break;
	case NEED_ENDS:
		(void)snprintf(out, size, t->text[0] == '/' ? HOME "%s" : HOME "/%s", t->text);
		break;
	case NEED_CONTAINS:
		(void)snprintf(out, size, t->text[0] == '/' ? HOME "%s%s%s" : HOME "/%s%s%s", t->text,
		               len && t->text[len - 1] == '/' ? "" : "/", name);
		break;
	case NEED_STARTS_AND_ENDS:
		(void)snprintf(out, size, "%s%s%s%s", t->text, len && t->text[len - 1] == '/' ? "" : "/", name, t->end);
		break;
	default:
		(void)snprintf(out, size, HOME "/%s", name);
	}
}

static bool program_of(char *out, size_t size, const struct need *n, const char *otherwise)
{
	char name[NEED_TEXT_MAX * 2];

	fitting(name, sizeof(name), &n->name, n->name.fit ? "x" : otherwise);
	path_with(out, size, &n->exepath, name);
	return out[0] == '/' && (!n->name.fit || !strncmp(last_part(out), name, 15));
}

static void file_of(char *out, size_t size, const struct need *n)
{
	char name[NEED_TEXT_MAX * 2];

	fitting(name, sizeof(name), &n->filename, n->filename.fit ? "x" : "tercel-file");
	if (n->directory.fit == NEED_IS && !n->path.fit)
		(void)snprintf(out, size, "%.250s/%.250s", n->directory.text, name);
	else
		path_with(out, size, n->path.fit ? &n->path : &n->directory, name);
}

/* The second name; the text of a symbolic link may be any. */
static void other_of(struct trial *t, const struct need *n)
{
	if (t->act == VERIFY_SYMLINK)
		fitting(t->other, sizeof(t->other), &n->other, n->other.fit ? "x" : ACTOR_HARMLESS);
	else if (n->other.fit)
		path_with(t->other, sizeof(t->other), &n->other, "tercel-other");
	else
		(void)snprintf(t->other, sizeof(t->other), "%s", OTHER_HOME "/tercel-other");
	t->other_is_subject = n->other.fit && !n->path.fit;
}

/* creat has no flags to choose. */
static int flags_of(const struct need *n, const char *call)
{
	int flags = n->create == NEED_YES || n->write == NEED_YES || n->truncate == NEED_YES ? O_WRONLY : O_RDONLY;

	if (!strcmp(call, "creat"))
		return O_WRONLY | O_CREAT | O_TRUNC;
	flags |= (n->create == NEED_YES ? O_CREAT : 0) | (n->truncate == NEED_YES ? O_TRUNC : 0);
	return flags;
}

static unsigned int mode_of(const struct need *n)
{
	const enum verify_act act = calls_act(n->calls);
	const unsigned int kind = act == VERIFY_MKNOD && !(n->mode & S_IFMT) ? S_IFIFO : 0;

	if (!act_is_one_of(act, ACT(CHMOD) | ACT(MKDIR) | ACT(MKNOD)))
		return 0;
	return n->mode | kind | (n->mode & 0777 ? 0 : 0600);
}

static void address_of(struct trial *t, const struct need *n)
{
	static const uint8_t somewhere[4] = {198, 51, 100, 7}; /* TEST-NET-2, RFC 5737 */

	t->family = n->has_address ? n->family : AF_INET;
	memcpy(t->address, n->has_address ? n->address : somewhere, n->has_address ? 16 : 4);
	t->port = n->has_port ? n->port : 4444;
	t->protocol = n->has_protocol ? n->protocol : IPPROTO_TCP;
}

/* What of a need nobody can bring about; NULL: nothing. */
static const char *why_not(const struct need *n, enum verify_act act)
{
	if (n->env.fit && act != VERIFY_EXEC)
		return "proc.env of who does something else than start a program";
	if (n->memory == NEED_YES && (act != VERIFY_EXEC || n->name.fit || n->exepath.fit))
		return "a program in memory that does something else than start, or has this name";
	return n->missing[0] ? n->missing : NULL;
}

/* The file that it is done to, and the other name of it. False: no path is known that fits. */
static bool names_of(struct trial *t, const struct need *n)
{
	if (t->act == VERIFY_EXEC || act_is_one_of(t->act, ACTS_ON_ADDRESSES))
		return true;
	file_of(t->path, sizeof(t->path), n);
	if (act_is_one_of(t->act, ACTS_ON_TWO))
		other_of(t, n);
	return t->path[0] == '/' && (!t->other[0] || t->act == VERIFY_SYMLINK || t->other[0] == '/');
}

bool trial_of(struct trial *out, const struct need *n, char *why, size_t size)
{
	const enum verify_act act = calls_act(n->calls);

	*out = (struct trial){.act = act,
	                      .call = calls_first(n->calls),
	                      .nargs = n->nargs,
	                      .env = n->env,
	                      .upper_layer = n->upper_layer,
	                      .memory = n->memory == NEED_YES,
	                      .in_container = n->container == NEED_YES,
	                      .as_root = n->root != NEED_NO,
	                      .with_terminal = n->terminal == NEED_YES,
	                      .mode = mode_of(n)};
	memcpy(out->args, n->args, sizeof(out->args));
	if (why_not(n, act)) {
		(void)snprintf(why, size, "nothing here can bring about: %.200s", why_not(n, act));
		return false;
	}
	if (n->parent.fit) {
		char name[NEED_TEXT_MAX * 2];

		fitting(name, sizeof(name), &n->parent, "x");
		(void)snprintf(out->parent, sizeof(out->parent), HOME "/%.200s", name);
	}
	if (!program_of(act == VERIFY_EXEC ? out->path : out->actor, sizeof(out->path), n,
	                act == VERIFY_EXEC ? "tercel-program" : "tercel-actor")) {
		(void)snprintf(why, size, "the program's name and its path differ, or it has no absolute path");
		return false;
	}
	/* Whatever starts the program, a child of the actor's or itself, has the parent that is asked for. */
	if (act == VERIFY_EXEC)
		(void)snprintf(out->actor, sizeof(out->actor), "%s",
		               out->parent[0] ? out->parent : HOME "/tercel-actor");
	if (!names_of(out, n)) {
		(void)snprintf(why, size, "no absolute path is known that fits");
		return false;
	}
	out->flags = act == VERIFY_OPEN ? flags_of(n, out->call) : 0;
	address_of(out, n);
	return true;
}

/* What it is done to. */
static void print_object(struct buf *out, const struct trial *t)
{
	char address[INET6_ADDRSTRLEN] = "";

	if (act_is_one_of(t->act, ACTS_ON_ADDRESSES)) {
		(void)inet_ntop(t->family, t->address, address, sizeof(address));
		buf_addf(out, " %s %s port %u", t->protocol == IPPROTO_UDP ? "udp" : "tcp", address, t->port);
		return;
	}
	buf_addf(out, t->memory ? " a file in memory with the bytes of %s" : " %s", t->path);
	if (t->other[0])
		buf_addf(out, " to %s", t->other);
	if (t->act == VERIFY_CHMOD)
		buf_addf(out, " to %04o", t->mode);
	if (t->act == VERIFY_OPEN && t->flags != O_RDONLY)
		buf_adds(out, t->flags & O_CREAT ? ", made" : t->flags & O_TRUNC ? ", emptied" : " for writing");
}

void trial_print(struct buf *out, const struct trial *t)
{
	buf_adds(out, verify_act_name(t->act));
	print_object(out, t);
	if (strcmp(t->call, calls_first(calls_of(t->act))) != 0)
		buf_addf(out, " with %s", t->call);
	if (t->act != VERIFY_EXEC)
		buf_addf(out, " by %s", t->actor);
	if (t->parent[0])
		buf_addf(out, " below %s", t->parent);
	buf_addf(out, "%s%s", t->in_container ? " in a container" : " on the host",
	         t->with_terminal ? " at a terminal" : "");
}

/* ---- cgroups ----------------------------------------------------------------------------------------------------- */

#define PLACE "tercel-verify-"

static int make_directory(int *out, const char *path)
{
	if (mkdir(path, 0755))
		return -errno;

	_autoclose_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* ACTOR_FD is the actors' own. */
	*out = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ACTOR_FD + 1);
	return *out < 0 ? -errno : 0;
}

/* Ends whatever is in the cgroup, and below. */
static void end_all(int cgroup)
{
	const int fd = openat(cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "1", 1);
		(void)close(fd);
	}
}

static void remove_below(const char *path)
{
	static const char *const names[] = {"/host", CONTAINER, ""};
	_autoclose_ int all = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (all >= 0)
		end_all(all);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char below[PATH_MAX];

		(void)snprintf(below, sizeof(below), "%s%s", path, names[i]);
		/* Those that are on their way out still hold it. */
		for (int tries = 0; rmdir(below) && errno == EBUSY && tries < 100; tries++)
			(void)usleep(20000);
	}
}

/* Of runs that are no more. */
static void remove_left(const char *above)
{
	DIR *d = opendir(above);

	for (const struct dirent *e; d && (e = readdir(d));) {
		char path[PATH_MAX];
		pid_t pid;

		if (strncmp(e->d_name, PLACE, sizeof(PLACE) - 1) != 0)
			continue;
		pid = (pid_t)strtol(e->d_name + sizeof(PLACE) - 1, NULL, 10);
		(void)snprintf(path, sizeof(path), "%s/%s", above, e->d_name);
		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			remove_below(path);
	}
	if (d)
		(void)closedir(d);
}

int trial_place_make(struct trial_place *out, const char *above, struct error *err)
{
	_autobuf_ struct buf path = BUF_INIT, host = BUF_INIT, container = BUF_INIT;
	int error;

	*out = (struct trial_place){.host = -1, .container = -1};
	remove_left(above);
	buf_addf(&path, "%s/" PLACE "%d", above, (int)getpid());
	buf_addf(&host, "%s/host", buf_str(&path));
	buf_addf(&container, "%s" CONTAINER, buf_str(&path));
	error = buf_error(&path) || buf_error(&host) || buf_error(&container) ? -ENOMEM : 0;
	if (!error && mkdir(buf_str(&path), 0755))
		error = -errno;
	if (!error) {
		out->path = strdup(buf_str(&path));
		error = out->path ? make_directory(&out->host, buf_str(&host)) : -ENOMEM;
	}
	if (!error)
		error = make_directory(&out->container, buf_str(&container));
	if (error) {
		error_set(err, error, "cannot make cgroups below %s: %s", above, strerror(-error));
		trial_place_remove(out);
	}
	return error;
}

void trial_place_remove(struct trial_place *p)
{
	if (p->path)
		remove_below(p->path);
	if (p->host >= 0)
		(void)close(p->host);
	if (p->container >= 0)
		(void)close(p->container);
	free(p->path);
	*p = (struct trial_place){.host = -1, .container = -1};
}

/* ---- the stage: in the process that will be the actor ------------------------------------------------------------ */

static void fail(const char *what) __attribute__((noreturn));
static void fail(const char *what)
{
	dprintf(ACTOR_FD, "why %s: %s\n", what, strerror(errno));
	_exit(ACTOR_IMPOSSIBLE);
}

static void write_bytes(int fd, const uint8_t *bytes, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, bytes, len);

		if (n <= 0)
			fail("writing the actor");
		bytes += n;
		len -= (size_t)n;
	}
}

/* The directories above it, below `root`. */
static void make_above(const char *root, const char *path, char at[PATH_MAX])
{
	const size_t from = strlen(root) + 1;

	(void)snprintf(at, PATH_MAX, "%s%s", root, path);
	for (char *slash = strchr(at + from, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(at, 0755) && errno != EEXIST)
			fail(at);
		*slash = '/';
	}
}

/* `program`: what is in it; NULL: a file that anybody may write to. */
static void make_here(const char *path, const struct actor_file *program)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, program ? 0755 : 0666);

	if (fd < 0 || fchmod(fd, program ? 0755 : 0666))
		fail(path);
	if (program)
		write_bytes(fd, program->bytes, program->size);
	(void)close(fd);
}

/* The same below `root`, with the directories above it. */
static void make_file(const char *root, const char *path, const struct actor_file *program)
{
	char at[PATH_MAX];

	make_above(root, path, at);
	make_here(at, program);
}

static void make_directory_below(const char *root, const char *path)
{
	char at[PATH_MAX];

	make_above(root, path, at);
	if (mkdir(at, 0755) && errno != EEXIST)
		fail(at);
}

static void copy_file(const char *from, const char *root, const char *to)
{
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	char bytes[65536], path[PATH_MAX];
	ssize_t n;
	int out;

	(void)snprintf(path, sizeof(path), "%s%s", root, to);
	out = in < 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	while (out >= 0 && (n = read(in, bytes, sizeof(bytes))) > 0)
		write_bytes(out, (const uint8_t *)bytes, (size_t)n);
	if (out >= 0)
		(void)close(out);
	if (in >= 0)
		(void)close(in);
}

/* The loader and the library of this process: those of the machine, wherever it has them. */
static void copy_loader(const char *root)
{
	_autofclose_ FILE *maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];

	while (maps && fgets(line, sizeof(line), maps)) {
		const char *path = strchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		if (path && !strncmp(last_part(path), "ld-linux", 8))
			copy_file(path, root, ACTOR_SCRATCH "/" ACTOR_LOADER);
		if (path && !strcmp(last_part(path), "libc.so.6"))
			copy_file(path, root, ACTOR_SCRATCH "/libc.so.6");
	}
}

/* The program that the rule asks about: what is started, or else who acts. */
static void make_subject(const struct trial *t, const char *trick, const char *root)
{
	const struct actor_file actor = actor_file(), mapped = mapped_file();

	if (t->act == VERIFY_EXEC)
		make_file(root, t->path, strcmp(trick, "ld.so") ? &actor : &mapped);
	else
		make_file(root, t->actor, &actor);
}

/* Whether the file comes to be by the act. */
static bool is_made(const struct trial *t)
{
	return act_is_one_of(t->act, ACT(SYMLINK) | ACT(MKDIR) | ACT(MKNOD)) || t->flags & O_CREAT;
}

/* What there has to be for the act to be done: a file, a directory, or that one alone which it is to be made in. */
static void make_objects(const struct trial *t, const char *trick, const char *root)
{
	char at[PATH_MAX];

	if (t->act == VERIFY_EXEC || act_is_one_of(t->act, ACTS_ON_ADDRESSES))
		return;
	if (is_made(t))
		make_above(root, t->path, at);
	else if (t->act == VERIFY_RMDIR)
		make_directory_below(root, t->path);
	else
		make_file(root, t->path, NULL);
	if (act_is_one_of(t->act, ACT(RENAME) | ACT(LINK)))
		make_above(root, t->other, at);
	if (!strcmp(trick, "exchange"))
		make_file(root, t->other, NULL);
}

static void make_others(const struct trial *t, const char *trick, const char *root)
{
	const struct actor_file actor = actor_file();

	make_file(root, ACTOR_HARMLESS, &actor);
	if (t->act == VERIFY_EXEC)
		make_file(root, t->actor, &actor);
	if (t->parent[0])
		make_file(root, t->parent, &actor);
	make_objects(t, trick, root);
	if (!strcmp(trick, "ld.so"))
		copy_loader(root);
}

/* The subject is on the layer that is asked for, all else on the other one. */
static void make_layers(const struct trial *t, const char *trick, const char *root)
{
	const bool upper = t->upper_layer == NEED_YES;

	if (mkdir("/tmp/root", 0755) || mkdir("/tmp/lower", 0755) || mkdir("/tmp/upper", 0755) ||
	    mkdir("/tmp/work", 0755))
		fail("making directories");
	if (upper)
		make_others(t, trick, "/tmp/lower");
	else
		make_subject(t, trick, "/tmp/lower");
	if (mount("overlay", root, "overlay", 0, "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"))
		fail("mounting an overlay");
	if (upper)
		make_subject(t, trick, root);
	else
		make_others(t, trick, root);
}

/* Where the rule's file is, one far below its directory: no call takes such a path at once, so one goes there. */
static void make_deep(const struct trial *t, const char *trick)
{
	const char *place = t->other_is_subject && t->act != VERIFY_SYMLINK ? t->other : t->path;
	const size_t length = !strcmp(trick, "deeper-file") ? ACTOR_DEEPER : ACTOR_DEEP;
	static char path[ACTOR_DEEPER + 1];
	char *name = path + 1, *slash;

	if ((strcmp(trick, "deep-file") != 0 && strcmp(trick, "deeper-file") != 0) ||
	    !actor_deep_path(path, length, place))
		return;
	for (; (slash = strchr(name, '/')); name = slash + 1) {
		*slash = '\0';
		if ((mkdir(name, 0755) && errno != EEXIST) || chdir(name))
			fail("making a path of such a length");
	}
	/* What is made is not there yet. */
	if (t->act == VERIFY_RMDIR && mkdir(name, 0755))
		fail(name);
	if (t->act != VERIFY_RMDIR && place == t->path && !is_made(t))
		make_here(name, NULL);
	if (chdir("/"))
		fail("chdir");
}

/* In memory; as an overlay if it matters on which layer programs are. */
static void make_root(const struct trial *t, const char *trick)
{
	static const char at[] = "/tmp";
	const bool layers = t->upper_layer != NEED_EITHER;
	const char *root = layers ? "/tmp/root" : at;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("tmpfs", at, "tmpfs", 0, "mode=755"))
		fail("mounting");
	if (layers) {
		make_layers(t, trick, root);
	} else {
		make_others(t, trick, root);
		make_subject(t, trick, root);
	}
	if (chroot(root) || chdir("/"))
		fail("chroot");
	/* A file that the act is on is never the kernel's. */
	if (strncmp(t->path, "/proc/", 6) != 0 && strncmp(t->other, "/proc/", 6) != 0 &&
	    ((mkdir("/proc", 0755) && errno != EEXIST) || mount("proc", "/proc", "proc", 0, NULL)))
		fail("mounting proc");
	if (chmod(ACTOR_SCRATCH, 0777))
		fail("chmod");
	make_deep(t, trick);
}

/* Every address is this place's own. */
static void route_everything_here(int socket, unsigned char family)
{
	const unsigned int loopback = 1;
	struct {
		struct nlmsghdr h;
		struct rtmsg r;
		struct rtattr a;
		unsigned int interface;
	} m = {.h = {.nlmsg_len = sizeof(m),
	             .nlmsg_type = RTM_NEWROUTE,
	             .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK},
	       .r = {.rtm_family = family,
	             .rtm_table = RT_TABLE_LOCAL,
	             .rtm_protocol = RTPROT_STATIC,
	             .rtm_scope = RT_SCOPE_HOST,
	             .rtm_type = RTN_LOCAL},
	       .a = {.rta_len = RTA_LENGTH(sizeof(loopback)), .rta_type = RTA_OIF},
	       .interface = loopback};
	char answer[512];

	/* What cannot be routed is refused later on, by which time the decision is made. */
	if (send(socket, &m, sizeof(m), 0) > 0)
		(void)recv(socket, answer, sizeof(answer), 0);
}

static void make_network(void)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int routes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (fd < 0 || routes < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback))
		fail("the loopback interface");
	route_everything_here(routes, AF_INET);
	route_everything_here(routes, AF_INET6);
	(void)close(fd);
	(void)close(routes);
}

#define WORD_MAX (3 * NEED_TEXT_MAX)
#define WORDS_MAX 28

struct words {
	char text[WORDS_MAX][WORD_MAX];
	char *argv[WORDS_MAX + 1];
	int n;
};

static void word(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void word(struct words *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(w->text[w->n], sizeof(w->text[0]), format, args);
	va_end(args);
	w->argv[w->n] = w->text[w->n];
	w->n++;
}

static void write_words(struct words *w, const struct trial *t, const struct trial_way *way)
{
	char hex[33] = "";

	for (size_t i = 0; i < sizeof(t->address); i++)
		(void)snprintf(hex + (size_t)2 * i, 3, "%02x", t->address[i]);
	word(w, "%s", t->parent[0] ? t->parent : t->actor);
	if (t->parent[0])
		word(w, "next=%s", t->actor);
	word(w, "act=%s", verify_act_name(t->act));
	word(w, "call=%s", way->call ? way->call : t->call);
	word(w, "trick=%s", way->name);
	word(w, "path=%s", t->path);
	word(w, "other=%s", t->other);
	word(w, "subject=%s", t->other_is_subject ? "other" : "path");
	word(w, "mode=%u", t->mode);
	word(w, "flags=%d", t->flags);
	word(w, "family=%d", t->family == AF_INET ? 4 : 6);
	word(w, "addr=%s", hex);
	word(w, "port=%u", t->port);
	word(w, "proto=%s", t->protocol == IPPROTO_UDP ? "udp" : "tcp");
	word(w, "memory=%d", t->memory);
	word(w, "tries=%u", way->tries);
	word(w, "all=%d", way->all);
	if (t->env.fit) {
		char text[NEED_TEXT_MAX * 2];

		fitting(text, sizeof(text), &t->env, "");
		word(w, "env=%s", text);
	}
	for (size_t i = 0; i < t->nargs; i++) {
		char text[NEED_TEXT_MAX * 2];

		fitting(text, sizeof(text), &t->args[i], "");
		word(w, "arg=%s", text);
	}
}

/* A terminal of this place's own. Its name; who has made it holds it open. */
static const char *make_terminal(void)
{
	static char path[64];
	unsigned int number = 0;
	int master, lock = 0;

	make_directory_below("", "/dev/pts");
	if (mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0600"))
		fail("mounting devpts");
	master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &lock) || ioctl(master, TIOCGPTN, &number))
		fail("a terminal");
	(void)snprintf(path, sizeof(path), "/dev/pts/%u", number);
	return path;
}

static void sit_at(const char *terminal)
{
	if (setsid() < 0 || open(terminal, O_RDWR | O_CLOEXEC) < 0)
		fail("a terminal of its own");
}

/* Whoever changes its user has to ask for it again. The parent may have ended before it was asked for. */
static void end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(ACTOR_IMPOSSIBLE);
}

static void act(const struct trial *t, const struct trial_way *way, pid_t stage, const char *terminal)
        __attribute__((noreturn));
static void act(const struct trial *t, const struct trial_way *way, pid_t stage, const char *terminal)
{
	static struct words w;
	char *const nothing[] = {NULL};

	if (terminal)
		sit_at(terminal);
	if (!t->as_root && (setgid(NOBODY) || setuid(NOBODY)))
		fail("setuid");
	end_with(stage);
	write_words(&w, t, way);
	(void)execve(w.argv[0], w.argv, nothing);
	fail("starting the actor");
}

/*
 * The stage is made before the cgroup is entered: there a rule may forbid what it takes. The container of a process is
 * that in which it was made: one goes there, and makes another.
 */
static void stage(const struct trial *t, const struct trial_way *way, int cgroup, pid_t parent)
        __attribute__((noreturn));
static void stage(const struct trial *t, const struct trial_way *way, int cgroup, pid_t parent)
{
	const pid_t self = getpid();
	const int procs = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	const char *terminal = NULL;
	pid_t child;
	int status = 0;

	end_with(parent);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC))
		fail("namespaces");
	make_network();
	make_root(t, way->name);
	if (t->with_terminal)
		terminal = make_terminal();
	if (procs < 0 || write(procs, "0", 1) != 1)
		fail("entering a cgroup");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0)
		act(t, way, self, terminal);
	if (waitpid(child, &status, 0) != child)
		fail("waitpid");
	if (WIFSIGNALED(status))
		_exit(WTERMSIG(status) == SIGKILL ? ACTOR_REFUSED : ACTOR_IMPOSSIBLE);
	_exit(WEXITSTATUS(status));
}

/* ---- running it -------------------------------------------------------------------------------------------------- */

static void take_process(struct trial_processes *to, const char *text)
{
	char *rest;
	const uint32_t pid = (uint32_t)strtoul(text, &rest, 10);

	to->items[to->count++ % TRIAL_PROCESSES] = (struct trial_process){pid, strtoull(rest, NULL, 10)};
}

static void take_line(struct trial_result *out, const char *line)
{
	if (!strncmp(line, "pid ", 4))
		take_process(&out->acted, line + 4);
	else if (!strncmp(line, "through ", 8))
		take_process(&out->through, line + 8);
	else if (!strncmp(line, "why ", 4))
		(void)snprintf(out->why, sizeof(out->why), "%.250s", line + 4);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What it says, to its end. False after too long a time. */
static bool listen_to(struct trial_result *out, int fd)
{
	const uint64_t end = now_ms() + PATIENCE_MS;
	char line[512];
	size_t len = 0;

	for (uint64_t now; (now = now_ms()) < end;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char c;

		if (poll(&p, 1, (int)(end - now)) <= 0)
			continue;
		if (read(fd, &c, 1) <= 0)
			return true;
		if (c != '\n' && len < sizeof(line) - 1) {
			line[len++] = c;
			continue;
		}
		line[len] = '\0';
		take_line(out, line);
		len = 0;
	}
	return false;
}

int trial_run(struct trial_result *out, const struct trial *t, const struct trial_way *way,
              const struct trial_place *place, struct error *err)
{
	_autoclose_ int reader = -1;
	const pid_t self = getpid();
	int ends[2], status = 0;
	bool ended;
	pid_t child;

	*out = (struct trial_result){.status = ACTOR_IMPOSSIBLE};
	if (pipe2(ends, O_CLOEXEC))
		return error_set(err, -errno, "pipe: %s", strerror(errno));
	reader = ends[0];
	child = fork();
	if (child == 0) {
		if (dup2(ends[1], ACTOR_FD) < 0 || close_range(ACTOR_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC))
			_exit(ACTOR_IMPOSSIBLE);
		stage(t, way, t->in_container ? place->container : place->host, self);
	}
	(void)close(ends[1]);
	if (child < 0)
		return error_set(err, -errno, "fork: %s", strerror(errno));
	ended = listen_to(out, reader);
	if (!ended)
		(void)kill(child, SIGKILL);
	end_all(t->in_container ? place->container : place->host);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (ended && WIFEXITED(status))
		out->status = WEXITSTATUS(status);
	if (!ended)
		(void)snprintf(out->why, sizeof(out->why), "it did not end");
	return 0;
}
