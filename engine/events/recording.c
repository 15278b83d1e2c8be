/* SPDX-License-Identifier: Apache-2.0 */
#include "events/recording.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

/* Raise it when the layout of any record in bpf/abi.h changes, and make tests/demo/data again (tests/demo/record). */
static const char version_key[] = "tercel_recording";
#define RECORDING_VERSION 2
/* No sane first line is longer: 4096 rules with names of 256 bytes. */
#define INFO_MAX ((size_t)2 << 20)

struct recording_writer {
	FILE *file;
};

struct recording_reader {
	FILE *file;
	char *path;
	cJSON *json; /* owns the strings of info */
	const char **rules;
	struct recording_info info;
	uint64_t offset; /* of the next record */
	unsigned char record[TERCEL_RECORD_MAX] __attribute__((aligned(8)));
};

static const char *byte_order(void)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "little" : "big";
}

static int write_info(FILE *file, const struct recording_info *info)
{
	_autobuf_ struct buf line = BUF_INIT;
	buf_addf(&line, "{\"%s\":%d,\"byte_order\":\"%s\",\"clock_offset\":\"%" PRId64 "\",\"node\":", version_key,
	         RECORDING_VERSION, byte_order(), info->clock_offset);
	buf_add_json(&line, info->node, strlen(info->node));
	buf_adds(&line, ",\"rules\":[");
	for (size_t i = 0; i < info->nrules; i++) {
		if (i)
			buf_addc(&line, ',');
		buf_add_json(&line, info->rules[i], strlen(info->rules[i]));
	}
	buf_adds(&line, "]}\n");
	if (buf_error(&line))
		return -ENOMEM;
	return fwrite(line.data, 1, line.len, file) == line.len ? 0 : -errno;
}

int recording_create(struct recording_writer **out, const char *path, const struct recording_info *info,
                     struct error *err)
{
	_autofree_ struct recording_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return error_set(err, -ENOMEM, "out of memory");
	_autoclose_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	_autofclose_ FILE *file = fdopen(fd, "w");
	if (!file)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	(void)TAKE_FD(fd);
	int r = write_info(file, info);
	if (r)
		return error_set(err, r, "%s: %s", path, strerror(-r));
	w->file = TAKE_PTR(file);
	*out = TAKE_PTR(w);
	return 0;
}

int recording_write(struct recording_writer *w, const struct tercel_hdr *record)
{
	return fwrite(record, 1, record->size, w->file) == record->size ? 0 : -errno;
}

int recording_finish(struct recording_writer *w)
{
	if (!w)
		return 0;
	int r = fclose(w->file) ? -errno : 0;
	free(w);
	return r;
}

/* Takes the first line apart; the JSON stays alive in `r` because `info` points into it. */
static int parse_info(struct recording_reader *r, const char *line)
{
	r->json = cJSON_Parse(line);
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(r->json, version_key);
	const cJSON *order = cJSON_GetObjectItemCaseSensitive(r->json, "byte_order");
	const cJSON *offset = cJSON_GetObjectItemCaseSensitive(r->json, "clock_offset");
	const cJSON *node = cJSON_GetObjectItemCaseSensitive(r->json, "node");
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(r->json, "rules");
	if (!cJSON_IsNumber(version) || version->valueint != RECORDING_VERSION || !cJSON_IsString(order) ||
	    strcmp(order->valuestring, byte_order()) != 0 || !cJSON_IsString(offset) || !cJSON_IsString(node) ||
	    !cJSON_IsArray(rules))
		return -EINVAL;
	char *end = NULL;
	errno = 0;
	r->info.clock_offset = strtoll(offset->valuestring, &end, 10);
	if (errno || *end || end == offset->valuestring)
		return -EINVAL;
	r->info.node = node->valuestring;
	size_t n = (size_t)cJSON_GetArraySize(rules);
	r->rules = calloc(n ? n : 1, sizeof(*r->rules));
	if (!r->rules)
		return -ENOMEM;
	const cJSON *rule = NULL;
	cJSON_ArrayForEach(rule, rules)
	{
		if (!cJSON_IsString(rule))
			return -EINVAL;
		r->rules[r->info.nrules++] = rule->valuestring;
	}
	r->info.rules = r->rules;
	return 0;
}

/* The file's first line without its newline, to be freed. NULL: there is none within the limit, or no memory. */
static char *first_line(FILE *file, uint64_t *length)
{
	_autobuf_ struct buf line = BUF_INIT;
	int c = 0;
	while (line.len < INFO_MAX && (c = getc(file)) != EOF && c != '\n')
		buf_addc(&line, (char)c);
	if (c != '\n')
		return NULL;
	*length = line.len + 1;
	return buf_take(&line);
}

int recording_open(struct recording_reader **out, const char *path, struct error *err)
{
	_autorecording_ struct recording_reader *r = calloc(1, sizeof(*r));
	if (!r || !(r->path = strdup(path)))
		return error_set(err, -ENOMEM, "out of memory");
	r->file = fopen(path, "re");
	if (!r->file)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	_autofree_ char *line = first_line(r->file, &r->offset);
	int e = line ? parse_info(r, line) : -EINVAL;
	if (e == -EINVAL)
		return error_set(err, e, "%s: not a recording of this version and byte order; make one with --record",
		                 path);
	if (e)
		return error_set(err, e, "%s: %s", path, strerror(-e));
	*out = TAKE_PTR(r);
	return 0;
}

const struct recording_info *recording_info(const struct recording_reader *r)
{
	return &r->info;
}

int recording_next(struct recording_reader *r, const struct tercel_hdr **record, struct error *err)
{
	struct tercel_hdr *hdr = (struct tercel_hdr *)r->record;
	size_t n = fread(r->record, 1, sizeof(*hdr), r->file);
	if (!n && feof(r->file))
		return 0;
	if (n == sizeof(*hdr) && hdr->size >= sizeof(*hdr) && hdr->size <= sizeof(r->record) &&
	    hdr->type < TERCEL_RECORD_TYPES) {
		size_t rest = hdr->size - sizeof(*hdr);
		if (fread(r->record + sizeof(*hdr), 1, rest, r->file) == rest) {
			r->offset += hdr->size;
			*record = hdr;
			return 1;
		}
	}
	return error_set(err, -EINVAL, "%s: cut or damaged at byte %" PRIu64, r->path, r->offset);
}

void recording_close(struct recording_reader *r)
{
	if (!r)
		return;
	if (r->file)
		(void)fclose(r->file);
	cJSON_Delete(r->json);
	free(r->rules);
	free(r->path);
	free(r);
}
