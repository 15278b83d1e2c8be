/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one flat JSON object: members are null, booleans, numbers, strings, or arrays of these. Numbers keep their
 * text, and strings every byte, also zeros: nothing is rounded or cut. Knows nothing of what the members mean.
 */
#ifndef TERCEL_BASE_JSON_H
#define TERCEL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

enum json_kind {
	JSON_NULL = 0,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
};

struct json_value {
	enum json_kind kind;
	size_t offset;     /* where it starts in the text */
	const char *bytes; /* NUMBER: its text; STRING: decoded; a NUL stands behind `len` bytes */
	size_t len;
	size_t first, n; /* ARRAY: its elements are values[first] and on of the object */
};

struct json_member {
	const char *name; /* decoded, NUL behind it */
	size_t name_len, offset;
	struct json_value value;
};

/* An object, and memory that is used again for the next. Zero it before first use. */
struct json_object {
	struct json_member *members;
	size_t n, cap;
	struct json_value *values; /* elements of arrays */
	size_t nvalues, values_cap;
	char *bytes; /* decoded text */
	size_t used, bytes_cap;
};

void json_object_free(struct json_object *o);
#define _autojson_ _cleanup_(json_object_free)

/*
 * Reads a text that is one object and nothing else. 0; -EINVAL with `err` set and *offset the place; -ENOMEM. The
 * result points into the object and lives until the next call. Linear in `len`.
 */
int json_read(struct json_object *o, const char *text, size_t len, size_t *offset, struct error *err);

#endif
