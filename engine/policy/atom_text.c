/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atoms in words.
 */
#include "policy/atom_text.h"

#include <arpa/inet.h>

static const char *domain_name(enum match_domain d)
{
	static const char *const names[MATCH_DOMAINS] = {
	        [MATCH_NAME] = "name",
	        [MATCH_CONTAINER] = "container",
	        [MATCH_USER_NAME] = "user",
	        [MATCH_LOGIN_NAME] = "login-user",
	        [MATCH_EXEPATH] = "exepath",
	        [MATCH_CWD] = "cwd",
	        [MATCH_PATH] = "path",
	        [MATCH_NEWPATH] = "new-path",
	        [MATCH_TARGET] = "link-target",
	        [MATCH_ENV] = "env",
	        [MATCH_EXE] = "exe",
	        [MATCH_ARGS] = "args",
	        [MATCH_CMDLINE] = "cmdline",
	        [MATCH_ANAME] = "ancestor-name",
	        [MATCH_AEXE] = "ancestor-exe",
	        [MATCH_AEXEPATH] = "ancestor-exepath",
	        [MATCH_ACMDLINE] = "ancestor-cmdline",
	        [MATCH_UID] = "uid",
	        [MATCH_GID] = "gid",
	        [MATCH_LOGINUID] = "loginuid",
	        [MATCH_TTY] = "tty",
	        [MATCH_PID] = "pid",
	        [MATCH_VPID] = "vpid",
	        [MATCH_PPID] = "ppid",
	        [MATCH_SID] = "sid",
	        [MATCH_VPGID] = "vpgid",
	        [MATCH_DURATION] = "duration",
	        [MATCH_PORT] = "port",
	        [MATCH_ADDR4] = "address",
	        [MATCH_ADDR6] = "address",
	        [MATCH_LOCAL4] = "local-address",
	        [MATCH_LOCAL6] = "local-address",
	        [MATCH_ARG_ID] = "arg-id",
	        [MATCH_RESULT] = "result",
	        [MATCH_BITS] = "facts",
	        [MATCH_CAPS_E] = "cap-effective",
	        [MATCH_CAPS_P] = "cap-permitted",
	        [MATCH_CAPS_I] = "cap-inheritable",
	        [MATCH_ARG_FLAGS] = "arg-flags",
	        [MATCH_ARG_MODE] = "arg-mode",
	        [MATCH_EVENT] = "event",
	        [MATCH_FD_TYPE] = "fd-type",
	        [MATCH_L4PROTO] = "l4proto",
	        [MATCH_ARG_KIND] = "arg-kind",
	        [MATCH_CONTAINER_FACTS] = "container-facts",
	};

	return names[(unsigned int)d < MATCH_DOMAINS ? d : MATCH_NAME];
}

static const char *test_name(enum atom_test t)
{
	static const char *const names[] = {
	        [ATOM_EXISTS] = "exists",   [ATOM_EQUALS] = "in",         [ATOM_PREFIX] = "startswith",
	        [ATOM_SUFFIX] = "endswith", [ATOM_CONTAINS] = "contains", [ATOM_GLOB] = "glob",
	        [ATOM_PMATCH] = "pmatch",   [ATOM_REGEX] = "regex",       [ATOM_DIRECTORY] = "directory in",
	        [ATOM_RANGE] = "in",        [ATOM_BITS] = "any of bits",  [ATOM_CONTAINER] = "answered in user space",
	};

	return names[(size_t)t < sizeof(names) / sizeof(names[0]) ? t : ATOM_EXISTS];
}

static bool is_signed(enum match_domain d)
{
	return d == MATCH_LOGINUID || (d >= MATCH_PID && d <= MATCH_VPGID) || d == MATCH_RESULT;
}

static void print_number(struct buf *out, enum match_domain domain, uint64_t high, uint64_t low)
{
	const uint64_t be[2] = {__builtin_bswap64(high), __builtin_bswap64(low)};
	const uint32_t be4 = __builtin_bswap32((uint32_t)low);
	char text[INET6_ADDRSTRLEN] = "";

	if (domain == MATCH_ADDR4 || domain == MATCH_LOCAL4)
		buf_adds(out, inet_ntop(AF_INET, &be4, text, sizeof(text)) ? text : "?");
	else if (domain == MATCH_ADDR6 || domain == MATCH_LOCAL6)
		buf_adds(out, inet_ntop(AF_INET6, be, text, sizeof(text)) ? text : "?");
	else if (is_signed(domain))
		buf_addi(out, (int64_t)(low ^ 1ULL << 63));
	else
		buf_addu(out, low);
}

static void print_range(struct buf *out, const struct atom_range *r, bool first)
{
	buf_adds(out, first ? " " : ", ");
	print_number(out, r->domain, r->from_high, r->from_low);
	if (r->from_high == r->to_high && r->from_low == r->to_low)
		return;
	buf_addc(out, '-');
	print_number(out, r->domain, r->to_high, r->to_low);
}

void atom_print(struct buf *out, const struct atom *a)
{
	buf_adds(out, domain_name(a->domain));
	if (a->domain >= MATCH_ANAME && a->domain <= MATCH_ACMDLINE)
		buf_addf(out, a->level ? "[%u]" : "[any]", a->level);
	buf_addf(out, " %s%s", a->fold ? "(any case) " : "", test_name(a->test));
	if (a->ntexts)
		buf_adds(out, " (");
	for (size_t i = 0; i < a->ntexts; i++)
		buf_addf(out, "%s\"%s\"", i ? ", " : "", a->texts[i].bytes);
	if (a->ntexts)
		buf_addc(out, ')');
	for (size_t i = 0; i < a->nranges; i++)
		print_range(out, &a->ranges[i], i == 0);
	if (a->test == ATOM_BITS)
		buf_addf(out, " %#llx", (unsigned long long)a->bits);
}
