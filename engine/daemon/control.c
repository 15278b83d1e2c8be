/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum {
	CLIENTS = 8,
	REQUEST_MAX = 1 << 16,
	BACKLOG = 16,
};
#define PATIENCE_NS 5000000000ULL /* from a connection to its answer being read */

struct client {
	int fd; /* -1: a free place */
	uint64_t deadline_ns;
	struct buf request, reply;
	size_t sent;
	bool answered;
};

struct control {
	char *path, *lock_path;
	int fd, lock;
	struct client clients[CLIENTS];
};

/* ---- the place --------------------------------------------------------------------------------------------------- */

static int make_address(struct sockaddr_un *out, const char *path, struct error *err)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(out->sun_path))
		return error_set(err, -ENAMETOOLONG, "%s: the path of a socket has at most %zu bytes", path,
		                 sizeof(out->sun_path) - 1);
	memcpy(out->sun_path, path, strlen(path));
	return 0;
}

static int make_directory(const char *path, struct error *err)
{
	_autofree_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return error_set(err, -ENOMEM, "out of memory");
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	if (mkdir(dir, S_IRWXU) && errno != EEXIST)
		return error_set(err, -errno, "cannot make the directory %s of the control socket: %s", dir,
		                 strerror(errno));
	return 0;
}

static int take_lock(struct control *c, struct error *err)
{
	char pid[32] = "";

	c->lock = open(c->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (c->lock < 0)
		return error_set(err, -errno, "%s: %s%s", c->lock_path, strerror(errno),
		                 errno == EACCES || errno == EPERM ? ": run as root" : "");
	if (flock(c->lock, LOCK_EX | LOCK_NB)) {
		const ssize_t n = pread(c->lock, pid, sizeof(pid) - 1, 0);

		pid[n > 0 ? n : 0] = '\0';
		pid[strspn(pid, "0123456789")] = '\0';
		return error_set(err, -EBUSY,
		                 "another daemon%s%s%s listens at %s: end it first, or name another place with "
		                 "--socket",
		                 pid[0] ? ", process " : "", pid, pid[0] ? "," : "", c->path);
	}
	(void)snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(c->lock, 0) || pwrite(c->lock, pid, strlen(pid), 0) < 0)
		return error_set(err, -errno, "%s: %s", c->lock_path, strerror(errno));
	return 0;
}

static int listen_at(struct control *c, struct error *err)
{
	struct sockaddr_un address;
	int error = make_address(&address, c->path, err);
	struct stat st;
	mode_t mask;

	if (error)
		return error;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return error_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	/* Nobody else listens there: we have the lock. */
	if (!lstat(c->path, &st) && !S_ISSOCK(st.st_mode)) {
		(void)close(c->fd);
		c->fd = -1;
		return error_set(err, -EINVAL, "%s is there, and is no socket", c->path);
	}
	(void)unlink(c->path);
	mask = umask(S_IRWXG | S_IRWXO | S_IXUSR);
	error = bind(c->fd, (struct sockaddr *)&address, sizeof(address)) || listen(c->fd, BACKLOG) ? -errno : 0;
	(void)umask(mask);
	return error ? error_set(err, error, "cannot listen at %s: %s", c->path, strerror(-error)) : 0;
}

int control_open(struct control **out, const char *path, struct error *err)
{
	_autocontrol_ struct control *c = calloc(1, sizeof(*c));
	_autobuf_ struct buf lock = BUF_INIT;
	int error;

	if (!c)
		return error_set(err, -ENOMEM, "out of memory");
	c->fd = c->lock = -1;
	for (size_t i = 0; i < CLIENTS; i++)
		c->clients[i].fd = -1;
	buf_addf(&lock, "%s.lock", path);
	c->path = strdup(path);
	c->lock_path = buf_take(&lock);
	if (!c->path || !c->lock_path)
		return error_set(err, -ENOMEM, "out of memory");
	error = make_directory(path, err);
	if (!error)
		error = take_lock(c, err);
	if (!error)
		error = listen_at(c, err);
	if (!error)
		*out = TAKE_PTR(c);
	return error;
}

static void drop(struct client *client)
{
	(void)close(client->fd);
	buf_free(&client->request);
	buf_free(&client->reply);
	*client = (struct client){.fd = -1};
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			drop(&c->clients[i]);
	if (c->fd >= 0) {
		(void)unlink(c->path);
		(void)close(c->fd);
	}
	/* The file stays: a lock on a file that is removed meanwhile would be two locks. */
	if (c->lock >= 0)
		(void)close(c->lock);
	free(c->path);
	free(c->lock_path);
	free(c);
}

/* ---- the daemon's side ------------------------------------------------------------------------------------------- */

static void take_connections(struct control *c, uint64_t now_ns)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &c->clients[i];

		if (client->fd >= 0)
			continue;
		client->fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client->fd < 0)
			return;
		client->deadline_ns = now_ns + PATIENCE_NS;
	}
}

/* Returns whether the request is there as a whole; a client that sends too much, or goes away, is let go. */
static bool take_request(struct client *client)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(client->fd, bytes, sizeof(bytes), 0)) > 0) {
		const char *end = memchr(bytes, '\n', (size_t)n);

		buf_add(&client->request, bytes, end ? (size_t)(end - bytes) : (size_t)n);
		if (buf_error(&client->request) || client->request.len > REQUEST_MAX)
			break;
		if (end)
			return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	drop(client);
	return false;
}

static void send_reply(struct client *client)
{
	while (client->sent < client->reply.len) {
		const ssize_t n = send(client->fd, client->reply.data + client->sent, client->reply.len - client->sent,
		                       MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			break;
		client->sent += (size_t)n;
	}
	drop(client);
}

static void serve(struct client *client, control_answer *answer, void *ctx, uint64_t now_ns)
{
	if (!client->answered && take_request(client)) {
		_autofree_ char *reply = answer(ctx, buf_str(&client->request));

		client->answered = true;
		if (reply) {
			buf_adds(&client->reply, reply);
			buf_addc(&client->reply, '\n');
		}
		if (buf_error(&client->reply))
			buf_free(&client->reply);
	}
	if (client->fd >= 0 && client->answered)
		send_reply(client);
	if (client->fd >= 0 && now_ns >= client->deadline_ns)
		drop(client);
}

void control_poll(struct control *c, control_answer *answer, void *ctx, uint64_t now_ns)
{
	take_connections(c, now_ns);
	for (size_t i = 0; i < CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			serve(&c->clients[i], answer, ctx, now_ns);
}

/* ---- a client's side --------------------------------------------------------------------------------------------- */

static int send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		const ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Up to the end of the line. */
static int receive_line(int fd, int timeout_ms, struct buf *out)
{
	const int64_t end_ms = now_ms() + timeout_ms;
	char bytes[4096];

	for (;;) {
		const int64_t left = end_ms - now_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		const char *end;
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		end = memchr(bytes, '\n', (size_t)n);
		buf_add(out, bytes, end ? (size_t)(end - bytes) : (size_t)n);
		if (end)
			return buf_error(out);
	}
}

int control_call(const char *path, const char *request, int timeout_ms, char **reply, struct error *err)
{
	_autoclose_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_autobuf_ struct buf line = BUF_INIT, answer = BUF_INIT;
	struct sockaddr_un address;
	int error = make_address(&address, path, err);

	if (error)
		return error;
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return errno == EACCES || errno == EPERM
		               ? error_set(err, -errno, "%s: %s: run as root, which alone may ask the daemon", path,
		                           strerror(errno))
		               : error_set(err, -errno, "no daemon answers at %s (%s): is 'tercel run' running?", path,
		                           strerror(errno));
	buf_addf(&line, "%s\n", request);
	error = buf_error(&line);
	if (!error)
		error = send_all(fd, buf_str(&line), line.len);
	if (!error)
		error = receive_line(fd, timeout_ms, &answer);
	if (error)
		return error_set(err, error, "the daemon at %s gave no answer: %s", path, strerror(-error));
	*reply = buf_take(&answer);
	return 0;
}
