// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * socket and connect, at the call's return: fills SOCKET and CONNECT. Knows no backend.
 */

static __always_inline void endpoint4(struct tercel_endpoint *e, __u32 addr, __u16 port)
{
	if (!addr && !port)
		return;
	__builtin_memcpy(e->addr, &addr, sizeof(addr));
	e->port = port;
	e->family = AF_INET;
}

static __always_inline void endpoint6(struct tercel_endpoint *e, const struct in6_addr *addr, __u16 port)
{
	__u64 halves[2];

	__builtin_memcpy(halves, addr, sizeof(halves));
	if (!halves[0] && !halves[1] && !port)
		return;
	__builtin_memcpy(e->addr, addr, sizeof(e->addr));
	e->port = port;
	e->family = AF_INET6;
}

static __always_inline bool is_any6(const struct in6_addr *addr)
{
	__u64 halves[2];

	__builtin_memcpy(halves, addr, sizeof(halves));
	return !halves[0] && !halves[1];
}

/* As getsockname() and getpeername() answer it: what the socket is bound to, else what it sends from. */
static __always_inline void connect_endpoints(struct tercel_connect *r, struct sock *sk)
{
	__u16 local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	__u16 remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	struct inet_sock *inet = (void *)sk;

	if (r->family == AF_INET) {
		__u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

		if (!local)
			local = BPF_CORE_READ(inet, inet_saddr);
		endpoint4(&r->local, local, local_port);
		endpoint4(&r->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr), remote_port);
	} else if (r->family == AF_INET6) {
		struct in6_addr local, remote;

		BPF_CORE_READ_INTO(&local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&remote, sk, __sk_common.skc_v6_daddr);
		if (is_any6(&local))
			BPF_CORE_READ_INTO(&local, inet, pinet6, saddr);
		endpoint6(&r->local, &local, local_port);
		endpoint6(&r->remote, &remote, remote_port);
	}
}

static __always_inline void connect_socket(struct tercel_connect *r, struct task_struct *task)
{
	struct file *file = task_file(task, r->fd);
	struct socket *socket;
	struct sock *sk;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK ||
	    BPF_CORE_READ(file, f_mode) & FMODE_PATH)
		return;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return;
	r->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	r->sock_type = (__u16)BPF_CORE_READ(socket, type);
	r->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (r->family == AF_UNIX) {
		r->unix_sock = (__u64)sk;
		r->unix_peer = (__u64)BPF_CORE_READ((struct unix_sock *)sk, peer);
	}
	connect_endpoints(r, sk);
}

static __noinline void on_connect(struct call *c)
{
	struct tercel_underway *mark;
	struct tercel_connect *r;
	struct scratch *s;
	__u64 len;

	if (!is_wanted(TERCEL_CONNECT)) {
		count(TERCEL_CONNECT, FATE_FILTERED);
		return;
	}
	s = scratch_get();
	if (!s) {
		count(TERCEL_CONNECT, FATE_SCRATCH_BUSY);
		return;
	}
	r = &s->connect;
	__builtin_memset(r, 0, sizeof(*r));
	hdr_fill(&r->hdr, proc_of(current_tgid()), act_begin(&mark));
	r->hdr.flags |= c->compat ? TERCEL_F_COMPAT : 0;
	r->ret = c->ret;
	r->fd = (__s32)c->args.a[0];
	/* The kernel takes the length as an int and refuses more than a struct sockaddr_storage. */
	len = (__u32)c->args.a[2];
	if (len > TERCEL_SOCKADDR_MAX)
		len = 0;
	OPAQUE(len);
	if (len > TERCEL_SOCKADDR_MAX || bpf_probe_read_user(r->addr, (__u32)len, (const void *)c->args.a[1]))
		r->hdr.flags |= TERCEL_F_FAULT_PATH;
	else
		r->addr_len = (__u32)len;
	connect_socket(r, c->task);
	send(&r->hdr, TERCEL_CONNECT, sizeof(*r));
	act_end(mark);
	scratch_put(s);
}

static __noinline void on_socket(struct call *c)
{
	struct tercel_underway *mark;
	struct tercel_socket r = {};

	if (!is_wanted(TERCEL_SOCKET)) {
		count(TERCEL_SOCKET, FATE_FILTERED);
		return;
	}
	hdr_fill(&r.hdr, proc_of(current_tgid()), act_begin(&mark));
	r.hdr.flags |= c->compat ? TERCEL_F_COMPAT : 0;
	r.ret = c->ret;
	r.domain = (__u32)c->args.a[0];
	r.sock_type = (__u32)c->args.a[1];
	r.protocol = (__u32)c->args.a[2];
	send(&r.hdr, TERCEL_SOCKET, sizeof(r));
	act_end(mark);
}
