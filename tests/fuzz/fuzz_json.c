// SPDX-License-Identifier: Apache-2.0
/*
 * Flat JSON from arbitrary bytes. Promises: what is read is JSON to cJSON, too, with as many members; what is refused
 * is refused at a place within the text; memory is used again without a trace.
 */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "check.h"

static void check_value(const struct json_object *o, const struct json_value *v)
{
	if (v->kind == JSON_STRING || v->kind == JSON_NUMBER)
		CHECK(v->bytes[v->len] == '\0');
	if (v->kind == JSON_ARRAY)
		CHECK(v->first + v->n <= o->nvalues);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_autojson_ struct json_object o = {0};
	struct error err = {0};
	size_t offset = 0;
	int r = json_read(&o, (const char *)data, size, &offset, &err);

	CHECK((r == 0) == !*err.text && offset <= size);
	if (r)
		return 0;
	for (size_t i = 0; i < o.n; i++) {
		CHECK(o.members[i].name[o.members[i].name_len] == '\0');
		check_value(&o, &o.members[i].value);
	}
	/* cJSON wants the blanks behind the object gone, and knows no text with a NUL. */
	cJSON *whole = memchr(data, '\0', size) ? NULL : cJSON_ParseWithLength((const char *)data, size);

	if (whole) {
		CHECK(cJSON_IsObject(whole));
		CHECK((size_t)cJSON_GetArraySize(whole) == o.n);
	} else {
		CHECK(memchr(data, '\0', size));
	}
	cJSON_Delete(whole);
	CHECK(json_read(&o, "{\"a\":[1,\"x\"]}", 13, &offset, &err) == 0 && o.n == 1 && o.nvalues == 2);
	return 0;
}
