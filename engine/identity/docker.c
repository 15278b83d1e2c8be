/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout: containers/<id>/config.v2.json and hostconfig.json of moby's daemon/container, image/<driver>/
 * repositories.json of its reference store. How Falco makes its values of them: the plugin's go-worker, docker.go.
 */
#include "identity/docker.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* A larger file is none of Docker's. */
#define FILE_MAX (8U << 20)
/* The plugin's default of label_max_len: longer labels it does not keep. */
#define LABEL_MAX 100

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}
#define _autojson_ _cleanup_(cleanup_json)

static int read_json(cJSON **out, const char *path)
{
	_autofclose_ FILE *f = fopen(path, "re");
	_autofree_ char *text = NULL;
	struct stat st;
	cJSON *json;

	if (!f || fstat(fileno(f), &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX)
		return -EBADMSG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	if (fread(text, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		return -EBADMSG;
	json = cJSON_ParseWithLength(text, (size_t)st.st_size);
	if (!cJSON_IsObject(json)) {
		cJSON_Delete(json);
		return -EBADMSG;
	}
	*out = json;
	return 0;
}

/* A text of the document, "" if it has none. NULL: no memory. */
static char *copy_text(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return strdup(text ? text : "");
}

/* ---- the image's names ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names that the image has, in Docker's order: sorted. Pointers into the document. */
static int names_of(const cJSON *document, const char *image, const char ***out, size_t *n)
{
	const cJSON *repositories = cJSON_GetObjectItemCaseSensitive(document, "Repositories"), *repository, *name;
	size_t max = 0;

	if (!cJSON_IsObject(repositories))
		return -EBADMSG;
	cJSON_ArrayForEach(repository, repositories) max += (size_t)cJSON_GetArraySize(repository);
	*out = calloc(max + 1, sizeof(char *));
	if (!*out)
		return -ENOMEM;
	*n = 0;
	cJSON_ArrayForEach(repository, repositories)
	{
		cJSON_ArrayForEach(name, repository)
		{
			const char *id = cJSON_GetStringValue(name);

			if (id && !strcmp(id, image))
				(*out)[(*n)++] = name->string;
		}
	}
	qsort(*out, *n, sizeof(char *), by_text);
	return 0;
}

/* "name@sha256:…": one @. The first one's repository and digest. */
static int take_digest(struct container_info *c, const char *name)
{
	const char *at = strchr(name, '@');

	if (!at || strchr(at + 1, '@') || *c->repository)
		return 0;
	free(c->repository);
	free(c->digest);
	c->repository = strndup(name, (size_t)(at - name));
	c->digest = strdup(at + 1);
	return c->repository && c->digest ? 0 : -ENOMEM;
}

/* "name:tag", with one colon. The first one that has the repository in it. */
static int take_tag(struct container_info *c, const char *name)
{
	const char *colon = strchr(name, ':');

	if (strchr(name, '@') || !colon || strchr(colon + 1, ':') || *c->tag)
		return 0;
	if (!*c->repository) {
		free(c->repository);
		c->repository = strndup(name, (size_t)(colon - name));
		if (!c->repository)
			return -ENOMEM;
	}
	if (!strstr(name, c->repository))
		return 0;
	free(c->tag);
	c->tag = strdup(colon + 1);
	return c->tag ? 0 : -ENOMEM;
}

static int take_names(struct container_info *c, const cJSON *document, const char *image)
{
	_autofree_ const char **names = NULL;
	size_t n = 0;
	int r = names_of(document, image, &names, &n);

	if (r)
		return r;
	c->repository = strdup("");
	c->tag = strdup("");
	c->digest = strdup("");
	if (!c->repository || !c->tag || !c->digest)
		return -ENOMEM;
	for (size_t i = 0; i < n && !r; i++)
		r = take_digest(c, names[i]);
	for (size_t i = 0; i < n && !r; i++)
		r = take_tag(c, names[i]);
	return r;
}

/* By the store of the driver that the container was made with; without one, the names stay unknown. */
static int read_names(struct container_info *c, const char *root, const cJSON *config)
{
	const char *driver = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "Driver"));
	const char *image = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "Image"));
	_autobuf_ struct buf path = BUF_INIT;
	_autojson_ cJSON *document = NULL;
	int r;

	if (!driver || !image || strchr(driver, '/'))
		return 0;
	buf_addf(&path, "%s/image/%s/repositories.json", root, driver);
	if (buf_error(&path))
		return -ENOMEM;
	r = read_json(&document, buf_str(&path));
	if (r)
		return r == -ENOENT ? 0 : r;
	return take_names(c, document, image);
}

/* ---- the container ---- */

static int read_labels(struct container_info *c, const cJSON *labels)
{
	const cJSON *label;
	int r = 0;

	cJSON_ArrayForEach(label, labels)
	{
		const char *value = cJSON_GetStringValue(label);

		if (!r && value)
			r = container_info_label(c, label->string, strlen(value) > LABEL_MAX ? NULL : value);
	}
	c->labels_known = true;
	return r;
}

/* "sha256:<digits>": the digits. */
static char *image_id(const cJSON *config)
{
	const char *image = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "Image"));
	const char *colon = image && !strchr(image, '/') ? strchr(image, ':') : NULL;

	return colon ? strndup(colon + 1, strcspn(colon + 1, ":")) : strdup("");
}

static int take_config(struct container_info *c, const cJSON *json)
{
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "Config");
	const cJSON *mounts = cJSON_GetObjectItemCaseSensitive(json, "MountPoints");
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "Name"));

	if (!name || !cJSON_IsObject(config))
		return -EBADMSG;
	c->type = strdup("docker");
	c->name = strdup(name + (*name == '/'));
	c->image = copy_text(config, "Image");
	c->image_id = image_id(json);
	c->cni = strdup("");
	c->sandbox_id = strdup("");
	if (!c->type || !c->name || !c->image || !c->image_id || !c->cni || !c->sandbox_id)
		return -ENOMEM;
	if (cJSON_IsObject(mounts) && !mounts->child)
		c->mounts = CONTAINER_NO;
	return read_labels(c, cJSON_GetObjectItemCaseSensitive(config, "Labels"));
}

static enum container_answer is_host(const cJSON *host, const char *key)
{
	const char *mode = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(host, key));

	if (!mode)
		return CONTAINER_UNKNOWN;
	return strcmp(mode, "host") ? CONTAINER_NO : CONTAINER_YES;
}

static void take_host_config(struct container_info *c, const cJSON *host)
{
	const cJSON *privileged = cJSON_GetObjectItemCaseSensitive(host, "Privileged");

	if (cJSON_IsBool(privileged))
		c->privileged = cJSON_IsTrue(privileged) ? CONTAINER_YES : CONTAINER_NO;
	c->host_pid = is_host(host, "PidMode");
	c->host_network = is_host(host, "NetworkMode");
	c->host_ipc = is_host(host, "IpcMode");
}

static bool is_id(const char *id)
{
	return strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64;
}

static int read_of(cJSON **out, const char *root, const char *id, const char *name)
{
	_autobuf_ struct buf path = BUF_INIT;

	buf_addf(&path, "%s/containers/%s/%s", root, id, name);
	return buf_error(&path) ? -ENOMEM : read_json(out, buf_str(&path));
}

int docker_read(struct container_info *out, const char *root, const char *id)
{
	_autocontainer_ struct container_info c = {0};
	_autojson_ cJSON *config = NULL, *host = NULL;
	int r = is_id(id) ? read_of(&config, root, id, "config.v2.json") : -ENOENT;

	if (!r)
		r = read_of(&host, root, id, "hostconfig.json");
	if (!r)
		r = take_config(&c, config);
	if (!r)
		r = read_names(&c, root, config);
	if (r)
		return r;
	take_host_config(&c, host);
	c.full_id = strdup(id);
	if (!c.full_id)
		return -ENOMEM;
	*out = c;
	c = (struct container_info){0};
	return 0;
}
