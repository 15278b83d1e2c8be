/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/actor/actor.h"

#include <linux/io_uring.h>
#include <sys/mman.h>

/* Since Linux 6.11; the headers may be older. */
enum { OP_BIND = 56, OP_LISTEN = 57 };

/* One operation on a ring of its own. Returns its result. */
static int uring(const struct io_uring_sqe *op)
{
	struct io_uring_params p = {0};
	const int fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	char *sq, *cq;

	if (fd < 0)
		impossible("io_uring");
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	          IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	          IORING_OFF_CQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		impossible("io_uring's memory");
	sqes[0] = *op;
	((uint32_t *)(void *)(sq + p.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(void *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	acts_now();
	if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		impossible("io_uring_enter");
	cqes = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
	return cqes[0].res;
}

static uint64_t address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static bool is(const struct spec *s, const char *act)
{
	return !strcmp(s->act_name, act);
}

/* An act on names. False: there is no such operation. */
static bool names_operation(const struct spec *s, struct io_uring_sqe *op)
{
	op->fd = AT_FDCWD;
	op->addr = address_of(s->path);
	if (is(s, "unlink") || is(s, "rmdir")) {
		op->opcode = IORING_OP_UNLINKAT;
		op->unlink_flags = is(s, "rmdir") ? AT_REMOVEDIR : 0;
	} else if (is(s, "rename") || is(s, "link")) {
		op->opcode = is(s, "link") ? IORING_OP_LINKAT : IORING_OP_RENAMEAT;
		op->len = (uint32_t)AT_FDCWD;
		op->addr2 = address_of(s->other);
	} else if (is(s, "symlink")) {
		op->opcode = IORING_OP_SYMLINKAT;
		op->addr = address_of(s->other);
		op->addr2 = address_of(s->path);
	} else if (is(s, "mkdir")) {
		op->opcode = IORING_OP_MKDIRAT;
		op->len = s->mode;
	} else {
		return false;
	}
	return true;
}

static void socket_operation(const struct spec *s, struct io_uring_sqe *op)
{
	op->fd = make_socket(s, 0);
	op->opcode = s->act == ACT_CONNECT ? IORING_OP_CONNECT : s->act == ACT_BIND ? OP_BIND : OP_LISTEN;
	if (s->act == ACT_LISTEN) {
		if (bind_to(s, op->fd, &s->to))
			impossible("bind");
		op->len = 1;
		return;
	}
	op->addr = address_of(&s->to);
	op->off = s->to_len;
}

int by_uring(const struct spec *s)
{
	struct io_uring_sqe op = {0};
	int result;

	if (s->act == ACT_OPEN) {
		op.opcode = IORING_OP_OPENAT;
		op.fd = AT_FDCWD;
		op.addr = address_of(s->path);
		op.len = 0600;
		op.open_flags = (uint32_t)s->flags;
	} else if (s->act != ACT_NAMES) {
		socket_operation(s, &op);
	} else if (!names_operation(s, &op)) {
		errno = EOPNOTSUPP;
		impossible("this operation of io_uring");
	}
	result = uring(&op);
	if (result == -EINVAL) {
		errno = EINVAL;
		impossible("this operation of io_uring");
	}
	return outcome(result < 0 ? came_through(-result) : 0);
}
