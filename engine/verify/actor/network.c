/* SPDX-License-Identifier: Apache-2.0 */
/* The acts on addresses, and other ways to do them. */
#include "verify/actor/actor.h"

#include <netinet/tcp.h>

/* ---- the acts, plainly ------------------------------------------------------------------------------------------- */

int make_socket(const struct spec *s, int flags)
{
	const int fd =
	        socket(s->family, (s->proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		impossible("socket");
	return fd;
}

/* A connection that is under way has been let through. */
int came_through(int error)
{
	switch (error) {
	case EINPROGRESS:
	case ECONNREFUSED:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ETIMEDOUT:
		return 0;
	default:
		return error;
	}
}

int connect_to(const struct spec *s, int flags)
{
	const int fd = make_socket(s, flags);
	const int error = syscall(SYS_connect, fd, &s->to.any, s->to_len) ? came_through(errno) : 0;

	(void)close(fd);
	return error;
}

int bind_to(const struct spec *s, int fd, const union address *to)
{
	const int on = 1;

	/* Every address is this place's own, but to IPv6 those of its interfaces alone are. */
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	return bind(fd, &to->any, s->to_len) ? errno : 0;
}

int listen_on(const struct spec *s)
{
	const int fd = make_socket(s, 0);
	int error = bind_to(s, fd, &s->to);

	if (!error && listen(fd, 1))
		error = errno;
	(void)close(fd);
	return error;
}

/* ---- other ways -------------------------------------------------------------------------------------------------- */

int without_waiting(const struct spec *s)
{
	acts_now();
	return outcome(connect_to(s, SOCK_NONBLOCK));
}

int as_mapped(const struct spec *s)
{
	struct spec other = *s;

	if (s->family != AF_INET) {
		errno = EAFNOSUPPORT;
		impossible("the address is none of IPv4");
	}
	other.family = AF_INET6;
	other.to.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = s->to.in.sin_port};
	other.to.in6.sin6_addr.s6_addr[10] = other.to.in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(other.to.in6.sin6_addr.s6_addr + 12, &s->to.in.sin_addr, 4);
	other.to_len = sizeof(other.to.in6);
	return plain(&other);
}

int by_fast_open(const struct spec *s)
{
	const int fd = make_socket(s, 0);

	if (s->proto != IPPROTO_TCP) {
		errno = EPROTONOSUPPORT;
		impossible("fast open is TCP's");
	}
	acts_now();
	return outcome(sendto(fd, "x", 1, MSG_FASTOPEN, &s->to.any, s->to_len) < 0 ? came_through(errno) : 0);
}

int by_sendto(const struct spec *s)
{
	struct spec other = *s;
	int fd;

	other.proto = IPPROTO_UDP;
	fd = make_socket(&other, 0);
	acts_now();
	return outcome(sendto(fd, "x", 1, 0, &s->to.any, s->to_len) < 0 ? came_through(errno) : 0);
}

int by_sendmsg(const struct spec *s)
{
	struct iovec data = {.iov_base = (void *)"x", .iov_len = 1};
	struct msghdr m = {.msg_name = (void *)&s->to.any, .msg_namelen = s->to_len, .msg_iov = &data, .msg_iovlen = 1};
	struct spec other = *s;
	int fd;

	other.proto = IPPROTO_UDP;
	fd = make_socket(&other, 0);
	acts_now();
	return outcome(sendmsg(fd, &m, 0) < 0 ? came_through(errno) : 0);
}
