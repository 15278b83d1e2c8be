// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Decisions at the hooks of the BPF LSM on the peers of sockets: connections that pass no hook of a cgroup, and all
 * that is sent. Knows decisions at the LSM's hooks (lsm.bpf.c); nothing of rules.
 */
/* include/linux/socket.h */
#define AF_SMC 43
/* include/uapi/linux/in.h */
#define IPPROTO_MPTCP 262
/* include/uapi/asm-generic/unistd.h: the same number in every table */
#define IO_URING_ENTER 426

struct msghdr {
	void *msg_name; /* the kernel's copy of the address */
	int msg_namelen;
} __attribute__((preserve_access_index));

/* One without a file is the kernel's own: MPTCP and SMC send on such. */
static __always_inline bool is_of_a_process(struct socket *sock)
{
	return BPF_CORE_READ((struct socket___owned *)sock, file) != NULL;
}

/* Connections of TCP and UDP are decided at the cgroup's hooks, where also TCP fast open and those of MPTCP and SMC
 * come by. */
static __always_inline bool passes_cgroup_hook(struct socket *sock)
{
	__u16 family = BPF_CORE_READ(sock, sk, __sk_common.skc_family), type = BPF_CORE_READ(sock, sk, sk_type);
	__u32 protocol = BPF_CORE_READ(sock, sk, sk_protocol);

	if (family != AF_INET && family != AF_INET6)
		return family == AF_SMC;
	return (type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP)) ||
	       (type == SOCK_DGRAM && protocol == IPPROTO_UDP);
}

/*
 * Whether Falco may take the socket for a server's, as it has received, and swap its ends when it connects: it does so
 * with those whose transport it does not know or takes for UDP. The port of a raw socket is its protocol's number.
 */
static __always_inline bool may_be_swapped(__u32 type, __u32 protocol, __u32 port)
{
	if (type == SOCK_RAW)
		return protocol != IPPROTO_ICMP && protocol != IPPROTO_TCP && protocol != IPPROTO_RAW;
	return port != 0;
}

static __noinline int other_connect_facts(struct decision *d, const struct bound *asked)
{
	const struct sock *sk = (const void *)d->sk;
	__u32 type = BPF_CORE_READ(sk, sk_type), protocol = BPF_CORE_READ(sk, sk_protocol);
	struct match_facts *f = &d->facts;
	__u32 hook = asked->family == AF_INET ? CGROUP_HOOK(INET4_CONNECT) : CGROUP_HOOK(INET6_CONNECT);

	if (asked->family != AF_INET && asked->family != AF_INET6) {
		other_family_facts(f, asked->family);
		return 0;
	}
	transport_facts(f, type, protocol);
	NUMBER_OF(f, MATCH_PORT) = bpf_ntohs(asked->port);
	if (may_be_swapped(type, protocol, BPF_CORE_READ(sk, __sk_common.skc_num)))
		f->unknown |= BIT_OF(MATCH_ADDR4) | BIT_OF(MATCH_PORT);
	d->local.known = 1;
	d->local.ip4 = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	BPF_CORE_READ_INTO(&d->local.ip6, sk, __sk_common.skc_v6_rcv_saddr);
	if (asked->family == AF_INET)
		peer4_facts(f, &d->local, asked->addr[0]);
	else
		peer6_facts(f, &d->local, asked->addr);
	/* Later kernels ask the cgroup's programs about ICMP sockets, after this hook. */
	if (others_at((__u64)sk, hook))
		forget_peer(f);
	return 0;
}

/* What is shown of it. */
static __always_inline void verdict_address(struct decision *d, struct socket *sock, const struct bound *b)
{
	verdict_bound(d, b);
	d->verdict.protocol = BPF_CORE_READ(sock, sk, sk_protocol);
}

SEC("lsm/socket_connect")
int BPF_PROG(lsm_connect, struct socket *sock, struct sockaddr *address, int addrlen, int ret)
{
	struct bound b = {};
	struct act a;

	if (ret)
		return ret;
	if (passes_cgroup_hook(sock) || !act_of_caller(&a, TERCEL_POINT_SOCKET_CONNECT, CONNECTS))
		return 0;
	a.d->sk = (void *)BPF_CORE_READ(sock, sk);
	asked_address(&b, sock, address, addrlen);
	other_connect_facts(a.d, &b);
	verdict_address(a.d, sock, &b);
	return decision_answer(&a, TERCEL_POINT_SOCKET_CONNECT);
}

/* A write() to a socket comes by the same hook, and is no such event. */
static __always_inline bool is_send(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);

	return current_event() || BPF_CORE_READ(task, flags) & PF_IO_WORKER || arch_syscall_nr(regs) == IO_URING_ENTER;
}

/*
 * Falco takes the address that the caller gave for the peer, but keeps the first one that a socket had, whatever is
 * sent afterwards, and swaps the ends of one that has received: so the peer is known of the first datagram alone, which
 * is sent when the socket has no port yet. Whether Falco shows an IPv4 address in IPv6 form as the one or the other
 * depends on the local end.
 */
static __noinline int send_facts(struct decision *d, const struct bound *to)
{
	const struct sock *sk = (const void *)d->sk;
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct match_facts *f = &d->facts;

	if (family != AF_INET && family != AF_INET6) {
		other_family_facts(f, family);
		f->bits_unknown |= 1ULL << MATCH_BIT_CONNECTED;
		return 0;
	}
	sender_facts(f, sk);
	NUMBER_OF(f, MATCH_PORT) = bpf_ntohs(to->port);
	if (to->transport != MATCH_L4_UDP + 1 || to->family != family || BPF_CORE_READ(sk, __sk_common.skc_num) ||
	    (family == AF_INET6 && is_ipv4_mapped(to->addr)))
		forget_peer_of_sender(f, sk);
	else if (family == AF_INET)
		peer4_facts(f, NULL, to->addr[0]);
	else
		peer6_facts(f, NULL, to->addr);
	return 0;
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(lsm_send, struct socket *sock, struct msghdr *msg, int size, int ret)
{
	struct bound to = {};
	struct act a;

	if (ret)
		return ret;
	if (!is_send() || !is_of_a_process(sock) || !act_of_caller(&a, TERCEL_POINT_SOCKET_SENDMSG, SENDS))
		return 0;
	a.d->sk = (void *)BPF_CORE_READ(sock, sk);
	asked_address(&to, sock, BPF_CORE_READ(msg, msg_name), BPF_CORE_READ(msg, msg_namelen));
	transport_of(&to, sock);
	send_facts(a.d, &to);
	verdict_address(a.d, sock, &to);
	return decision_answer(&a, TERCEL_POINT_SOCKET_SENDMSG);
}
