/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Right-hand values: from text to the type of the field, and which operators a type has. Knows no grammar.
 */
#include "filter/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char out_of_range[] = "out of the range of the field";

/* A decimal number with an optional sign and leading blanks, nothing behind it: what scanf("%d%c") takes as one. NULL,
 * or what it is instead. */
static const char *parse_decimal(const char *text, bool *negative, uint64_t *magnitude)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	*negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	if (!isdigit((unsigned char)*text))
		return "not a decimal number";
	errno = 0;
	*magnitude = strtoull(text, &end, 10);
	if (*end != '\0')
		return "not a decimal number";
	return errno ? out_of_range : NULL;
}

static const char *parse_signed(struct filter_value *v, unsigned int bits)
{
	uint64_t limit = UINT64_C(1) << (bits - 1), magnitude;
	bool negative;
	const char *wrong = parse_decimal(v->text, &negative, &magnitude);

	if (wrong)
		return wrong;
	if (magnitude > limit || (magnitude == limit && !negative))
		return out_of_range;
	v->as.s64 = (int64_t)(negative ? 0 - magnitude : magnitude);
	return NULL;
}

/* A negative number wraps round as in C: user.uid = -1 is 4294967295. */
static const char *parse_unsigned(struct filter_value *v, unsigned int bits)
{
	uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1, magnitude;
	bool negative;
	const char *wrong = parse_decimal(v->text, &negative, &magnitude);

	if (wrong)
		return wrong;
	if (magnitude > mask)
		return out_of_range;
	v->as.u64 = (negative ? 0 - magnitude : magnitude) & mask;
	return NULL;
}

static const char *parse_port(struct filter_value *v)
{
	struct servent entry, *found = NULL;
	char buffer[4096];

	if (v->len == 0 || strspn(v->text, "0123456789") == v->len) {
		unsigned long port = strtoul(v->text, NULL, 10);

		if (port > UINT16_MAX)
			return "out of the range of ports, 0 to 65535";
		v->as.u64 = port;
		return NULL;
	}
	if (getservbyname_r(v->text, NULL, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
		return "neither a port number nor the name of a service in /etc/services";
	v->as.u64 = ntohs((uint16_t)entry.s_port);
	return NULL;
}

static const char *parse_bool(struct filter_value *v)
{
	if (strcmp(v->text, "true") == 0)
		v->as.u64 = 1;
	else if (strcmp(v->text, "false") == 0)
		v->as.u64 = 0;
	else
		return "not a boolean, which is true or false";
	return NULL;
}

static const char *parse_address(struct filter_value *v, const char *text)
{
	bool v4 = strchr(text, '.') != NULL;

	memset(&v->as.net, 0, sizeof(v->as.net));
	if (inet_pton(v4 ? AF_INET : AF_INET6, text, v->as.net.addr) != 1)
		return v4 ? "not an IPv4 address such as 10.0.0.1" : "not an IP address such as 10.0.0.1 or fd00::1";
	v->as.net.family = v4 ? AF_INET : AF_INET6;
	v->as.net.prefix = v4 ? 32 : 128;
	return NULL;
}

static const char *parse_network(struct filter_value *v)
{
	const char *slash = strchr(v->text, '/');
	char address[INET6_ADDRSTRLEN] = "", bits[256];
	uint64_t prefix;
	bool negative;

	if (!slash || (size_t)(slash - v->text) >= sizeof(address))
		return "not an IP network such as 10.0.0.0/8 or fd00::/8";
	memcpy(address, v->text, (size_t)(slash - v->text));
	if (parse_address(v, address))
		return "not an IP network such as 10.0.0.0/8 or fd00::/8";
	bool v4 = v->as.net.family == AF_INET;

	/* libsinsp reads one line. A longer one is refused: cut short, it would be another network. */
	int len = snprintf(bits, sizeof(bits), "%.*s", (int)strcspn(slash + 1, "\n"), slash + 1);

	if (len >= (int)sizeof(bits) || parse_decimal(bits, &negative, &prefix) || (negative && prefix) ||
	    prefix > v->as.net.prefix || (!v4 && prefix == 0))
		return v4 ? "not a network: the prefix must be 0 to 32" : "not a network: the prefix must be 1 to 128";
	v->as.net.prefix = (uint8_t)prefix;
	return NULL;
}

/* libsinsp keeps a constant, with a NUL behind a text, in at most 256 bytes. */
enum { CONSTANT_MAX = 255 };

static const char *parse_text(const struct filter_value *v, enum filter_op op)
{
	size_t len = v->len;

	if (op == FILTER_OP_BCONTAINS || op == FILTER_OP_BSTARTSWITH) {
		if (len % 2 != 0 || strspn(v->text, "0123456789abcdefABCDEF") != len)
			return "not an even number of hexadecimal digits, two for each byte";
		len /= 2;
	}
	return len > CONSTANT_MAX ? "longer than the 255 bytes that Falco takes" : NULL;
}

void filter_value_unhex(const struct filter_value *v, unsigned char *out)
{
	for (size_t i = 0; i + 1 < v->len; i += 2) {
		const char digits[] = {v->text[i], v->text[i + 1], '\0'};

		out[i / 2] = (unsigned char)strtoul(digits, NULL, 16);
	}
}

const char *filter_value_parse(struct filter_value *v, enum filter_op op, enum field_type type)
{
	switch (type) {
	case FIELD_TYPE_BOOL:
		return parse_bool(v);
	case FIELD_TYPE_INT8:
		return parse_signed(v, 8);
	case FIELD_TYPE_INT16:
		return parse_signed(v, 16);
	case FIELD_TYPE_INT32:
	case FIELD_TYPE_DOUBLE:
		return parse_signed(v, 32);
	case FIELD_TYPE_INT64:
		return parse_signed(v, 64);
	case FIELD_TYPE_UINT8:
		return parse_unsigned(v, 8);
	case FIELD_TYPE_UINT16:
		return parse_unsigned(v, 16);
	case FIELD_TYPE_UINT32:
		return parse_unsigned(v, 32);
	case FIELD_TYPE_UINT64:
	case FIELD_TYPE_RELTIME:
	case FIELD_TYPE_ABSTIME:
		return parse_unsigned(v, 64);
	case FIELD_TYPE_PORT:
		return parse_port(v);
	case FIELD_TYPE_IP:
		return parse_address(v, v->text);
	case FIELD_TYPE_NET:
		return parse_network(v);
	case FIELD_TYPE_STRING:
	case FIELD_TYPE_BYTES:
		return parse_text(v, op);
	case FIELD_TYPE_DYNAMIC:
	case FIELD_TYPE_OPAQUE:
	case FIELD_TYPES:
		break;
	}
	return "nothing that can be compared with it";
}

#define OP(name) (1U << FILTER_OP_##name)
static const unsigned int equal_ops = OP(EQ) | OP(NE) | OP(IN) | OP(INTERSECTS);
static const unsigned int order_ops = OP(LT) | OP(LE) | OP(GT) | OP(GE);
static const unsigned int string_ops =
        OP(CONTAINS) | OP(ICONTAINS) | OP(STARTSWITH) | OP(ENDSWITH) | OP(GLOB) | OP(IGLOB) | OP(PMATCH) | OP(REGEX);
static const unsigned int buffer_ops = OP(CONTAINS) | OP(STARTSWITH) | OP(ENDSWITH) | OP(BCONTAINS) | OP(BSTARTSWITH);

/* Which types libsinsp has lists of. */
static bool is_list_type(enum field_type type)
{
	return type == FIELD_TYPE_STRING || type == FIELD_TYPE_UINT64 || type == FIELD_TYPE_RELTIME ||
	       type == FIELD_TYPE_ABSTIME || type == FIELD_TYPE_BOOL || type == FIELD_TYPE_IP || type == FIELD_TYPE_NET;
}

bool filter_op_fits(enum filter_op op, enum field_type type, bool is_list)
{
	unsigned int fits;

	if (op == FILTER_OP_EXISTS)
		return true;
	if (is_list)
		fits = is_list_type(type) ? OP(IN) | OP(INTERSECTS) : 0;
	else if (type == FIELD_TYPE_STRING)
		fits = equal_ops | order_ops | string_ops;
	else if (type == FIELD_TYPE_BYTES)
		fits = equal_ops | buffer_ops;
	else if (field_type_is_number(type))
		fits = equal_ops | order_ops;
	else if (type == FIELD_TYPE_BOOL || type == FIELD_TYPE_IP || type == FIELD_TYPE_NET)
		fits = equal_ops;
	else
		fits = 0;
	return (fits & (1U << op)) != 0;
}
