/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers. Source: the plugin's src/caps/extract/extract.cpp and src/container_info.h: a text that a container
 * lacks is an empty one there, not a missing value; labels and mounts that it lacks are missing; deprecated fields
 * always are.
 */
#include "identity/container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "bpf/abi.h"
#include "compat/fields.h"

void container_info_clear(struct container_info *c)
{
	char *const texts[] = {c->full_id, c->name,   c->type, c->image, c->image_id,  c->repository,
	                       c->tag,     c->digest, c->ip,   c->cni,   c->sandbox_id};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < c->nlabels; i++) {
		free(c->labels[i].key);
		free(c->labels[i].value);
	}
	free(c->labels);
	*c = (struct container_info){0};
}

int container_info_host(struct container_info *out)
{
	struct container_info c = {
	        .full_id = strdup("host"),
	        .name = strdup("host"),
	        .type = strdup("host"),
	        .image = strdup(""),
	        .image_id = strdup(""),
	        .repository = strdup(""),
	        .tag = strdup(""),
	        .digest = strdup(""),
	        .ip = strdup(""),
	        .cni = strdup(""),
	        .sandbox_id = strdup(""),
	        .privileged = CONTAINER_NO,
	        .host_pid = CONTAINER_NO,
	        .host_network = CONTAINER_NO,
	        .host_ipc = CONTAINER_NO,
	        .mounts = CONTAINER_NO,
	        .labels_known = true,
	};

	if (!c.full_id || !c.name || !c.type || !c.image || !c.image_id || !c.repository || !c.tag || !c.digest ||
	    !c.ip || !c.cni || !c.sandbox_id) {
		container_info_clear(&c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

int container_info_label(struct container_info *c, const char *key, const char *value)
{
	struct container_label *labels = realloc(c->labels, (c->nlabels + 1) * sizeof(*labels));
	struct container_label label = {.key = strdup(key), .value = value ? strdup(value) : NULL};

	if (labels)
		c->labels = labels;
	if (!labels || !label.key || (value && !label.value)) {
		free(label.key);
		free(label.value);
		return -ENOMEM;
	}
	c->labels[c->nlabels++] = label;
	return 0;
}

/* ---- answers ---- */

static int answer_text(const char *text, struct eval_item *out)
{
	if (!text)
		return -ENODATA;
	*out = eval_text(text, strlen(text));
	return 1;
}

static int answer_bool(enum container_answer a, struct eval_item *out)
{
	if (a == CONTAINER_UNKNOWN)
		return -ENODATA;
	*out = (struct eval_item){.as.u64 = a == CONTAINER_YES};
	return 1;
}

static int answer_label(const struct container_info *c, const char *key, struct eval_item *out)
{
	for (size_t i = 0; i < c->nlabels; i++)
		if (!strcmp(c->labels[i].key, key))
			return answer_text(c->labels[i].value, out);
	return c->labels_known ? 0 : -ENODATA;
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const struct container_label *const *)a)->key,
	              (*(const struct container_label *const *)b)->key);
}

/* All but annotations and those of Kubernetes, in order. */
static int answer_labels(const struct container_info *c, struct buf *text, struct eval_item *out)
{
	const struct container_label **sorted;

	if (!c->labels_known)
		return -ENODATA;
	sorted = calloc(c->nlabels + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < c->nlabels; i++)
		sorted[i] = &c->labels[i];
	qsort(sorted, c->nlabels, sizeof(*sorted), by_key);
	buf_reset(text);
	for (size_t i = 0; i < c->nlabels; i++) {
		if (!strncmp(sorted[i]->key, "annotation.", 11) || !strncmp(sorted[i]->key, "io.kubernetes.", 14))
			continue;
		if (!sorted[i]->value) {
			free(sorted);
			return -ENODATA;
		}
		buf_addf(text, "%s%s%s%s", text->len ? ", " : "", sorted[i]->key, *sorted[i]->value ? ":" : "",
		         sorted[i]->value);
	}
	free(sorted);
	if (buf_error(text))
		return -ENOMEM;
	*out = eval_text(buf_str(text), text->len);
	return 1;
}

/* Of a container without a pod's sandbox Falco takes what the host has: nothing. Of others that is not kept. */
static int answer_pod(const struct container_info *c, bool text, struct eval_item *out)
{
	if (!c->sandbox_id || *c->sandbox_id)
		return -ENODATA;
	return text ? answer_text("", out) : 0;
}

static int answer_sandbox(const struct container_info *c, bool whole, struct buf *text, struct eval_item *out)
{
	if (!c->sandbox_id || whole)
		return answer_text(c->sandbox_id, out);
	buf_reset(text);
	buf_add(text, c->sandbox_id, strnlen(c->sandbox_id, TERCEL_CONTAINER_ID_SHORT));
	if (buf_error(text))
		return -ENOMEM;
	*out = eval_text(buf_str(text), text->len);
	return 1;
}

static int answer_k8s(const struct container_info *c, const struct filter_term *f, struct buf *text,
                      struct eval_item *out)
{
	switch (f->field->id) {
	case FIELD_K8S_POD_NAME:
		return answer_label(c, "io.kubernetes.pod.name", out);
	case FIELD_K8S_NS_NAME:
		return answer_label(c, "io.kubernetes.pod.namespace", out);
	case FIELD_K8S_POD_ID:
	case FIELD_K8S_POD_UID:
		return answer_label(c, "io.kubernetes.pod.uid", out);
	case FIELD_K8S_POD_SANDBOX_ID:
		return answer_sandbox(c, false, text, out);
	case FIELD_K8S_POD_FULL_SANDBOX_ID:
		return answer_sandbox(c, true, text, out);
	case FIELD_K8S_POD_LABEL:
		return answer_pod(c, false, out);
	case FIELD_K8S_POD_LABELS:
	case FIELD_K8S_POD_IP:
	case FIELD_K8S_POD_CNI_JSON:
		return answer_pod(c, true, out);
	default:
		return -ENODATA;
	}
}

int container_info_field(const struct container_info *c, const struct filter_term *f, struct buf *text,
                         struct eval_item *out)
{
	if (f->field->flags & FIELD_DEPRECATED)
		return 0;
	switch (f->field->id) {
	case FIELD_CONTAINER_FULL_ID:
		return answer_text(c->full_id, out);
	case FIELD_CONTAINER_NAME:
		return answer_text(c->name, out);
	case FIELD_CONTAINER_TYPE:
		return answer_text(c->type, out);
	case FIELD_CONTAINER_IMAGE:
		return answer_text(c->image, out);
	case FIELD_CONTAINER_IMAGE_ID:
		return answer_text(c->image_id, out);
	case FIELD_CONTAINER_IMAGE_REPOSITORY:
		return answer_text(c->repository, out);
	case FIELD_CONTAINER_IMAGE_TAG:
		return answer_text(c->tag, out);
	case FIELD_CONTAINER_IMAGE_DIGEST:
		return answer_text(c->digest, out);
	case FIELD_CONTAINER_IP:
		return answer_text(c->ip, out);
	case FIELD_CONTAINER_CNI_JSON:
		return answer_text(c->cni, out);
	case FIELD_CONTAINER_PRIVILEGED:
		return answer_bool(c->privileged, out);
	case FIELD_CONTAINER_HOST_PID:
		return answer_bool(c->host_pid, out);
	case FIELD_CONTAINER_HOST_NETWORK:
		return answer_bool(c->host_network, out);
	case FIELD_CONTAINER_HOST_IPC:
		return answer_bool(c->host_ipc, out);
	case FIELD_CONTAINER_LABEL:
		return answer_label(c, f->arg_text ? f->arg_text : "", out);
	case FIELD_CONTAINER_LABELS:
		return answer_labels(c, text, out);
	case FIELD_CONTAINER_MOUNTS:
		return c->mounts == CONTAINER_NO ? answer_text("", out) : -ENODATA;
	case FIELD_CONTAINER_MOUNT:
	case FIELD_CONTAINER_MOUNT_SOURCE:
	case FIELD_CONTAINER_MOUNT_DEST:
	case FIELD_CONTAINER_MOUNT_MODE:
	case FIELD_CONTAINER_MOUNT_RDWR:
	case FIELD_CONTAINER_MOUNT_PROPAGATION:
		return c->mounts == CONTAINER_NO ? 0 : -ENODATA;
	default:
		return answer_k8s(c, f, text, out);
	}
}
