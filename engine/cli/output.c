/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much is kept of what cannot be written now. */
#define BACKLOG_MAX (1U << 20)

/* A FIFO waits for its reader, and what is read elsewhere would be written to in vain. */
static int check_kind(const struct output *o, mode_t mode, struct error *err)
{
	if (!o->owned || S_ISREG(mode) || S_ISCHR(mode))
		return 0;
	return error_set(err, -EINVAL,
	                 "%s: it is neither a file nor a character device; for a pipe, use standard output", o->name);
}

static int open_file(struct output *o, const char *file, struct error *err)
{
	struct stat st;

	/* Events hold arguments, and with them at times secrets: a file is for root alone. */
	if (file)
		o->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		             S_IRUSR | S_IWUSR);
	o->owned = file && o->fd >= 0;
	if (o->fd < 0)
		return error_set(err, -EINVAL, "%s: cannot open it for writing: %s", o->name, strerror(errno));
	if (fstat(o->fd, &st))
		return 0; /* a closed standard output is told of by the first write */
	o->regular = S_ISREG(st.st_mode);
	return check_kind(o, st.st_mode, err);
}

int output_open(struct output *out, const struct output_config *config, struct error *err)
{
	struct output o = {.name = strdup(config->file ? config->file : "standard output"),
	                   .fd = STDOUT_FILENO,
	                   .lasting = config->lasting,
	                   .format = config->file ? EVENT_JSON : config->format};
	int error = o.name ? open_file(&o, config->file, err) : error_set(err, -ENOMEM, "out of memory");

	if (error)
		output_close(&o);
	else
		*out = o;
	return error;
}

void output_close(struct output *o)
{
	buf_free(&o->pending);
	if (o->owned)
		(void)close(o->fd);
	free(o->name);
	*o = (struct output){0};
}

int output_add(struct output *o, struct event_context *c, const struct tercel_hdr *record)
{
	const size_t before = o->pending.len;
	int written = event_write(&o->pending, c, record, o->format);

	if (!o->lasting || (written != -ENOMEM && o->pending.len <= BACKLOG_MAX))
		return written;
	o->pending.len = before;
	o->pending.error = 0;
	o->unwritten++;
	return 1;
}

/* Whether a write of a little does not wait. */
static bool is_ready(const struct output *o)
{
	struct pollfd p = {.fd = o->fd, .events = POLLOUT};

	return o->regular || (poll(&p, 1, 0) > 0 && p.revents);
}

/* A pipe that has room at all has room for a page. */
static int write_some(struct output *o, const char *from, size_t len, size_t *done)
{
	const bool whole = o->regular || !o->lasting;
	ssize_t n;

	if (o->lasting && !is_ready(o))
		return -EAGAIN;
	n = write(o->fd, from, whole || len < PIPE_BUF ? len : PIPE_BUF);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	*done += (size_t)n;
	return n ? 0 : -EIO;
}

int output_flush(struct output *o)
{
	size_t done = 0;
	int error = o->lasting ? 0 : buf_error(&o->pending);

	while (!error && done < o->pending.len)
		error = write_some(o, o->pending.data + done, o->pending.len - done, &done);
	o->error = error;
	if (!error || !o->lasting) {
		buf_reset(&o->pending);
		return error;
	}
	/* The rest of a line, too: the next try goes on where this one had to stop. */
	memmove(o->pending.data, o->pending.data + done, o->pending.len - done);
	o->pending.len -= done;
	return 0;
}

uint64_t output_missing(const struct output *o)
{
	uint64_t lines = o->unwritten;

	for (size_t i = 0; i < o->pending.len; i++)
		lines += o->pending.data[i] == '\n';
	return lines;
}
