/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container as Falco's plugin `container` (0.7) shows it, and what its fields answer. Knows fields and their
 * values; not where they come from: runtimes' readers fill the structure.
 *
 * What is not known yet, or cannot be known from where we read, is unknown: nobody guesses. That is another thing than
 * missing, which is what Falco shows of a label that the container does not have.
 */
#ifndef TERCEL_IDENTITY_CONTAINER_H
#define TERCEL_IDENTITY_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "filter/eval.h"

enum container_answer {
	CONTAINER_UNKNOWN = 0,
	CONTAINER_NO = 1,
	CONTAINER_YES = 2,
};

struct container_label {
	char *key, *value; /* value NULL: unknown, as Falco may leave it out for its length */
};

/* Strings are the structure's own; NULL is unknown, "" is what Falco shows where it has a container without the value.
 */
struct container_info {
	char *full_id, *name, *type, *image, *image_id, *repository, *tag, *digest, *ip, *cni;
	char *sandbox_id; /* of the pod, in full; "": the container is in no pod that Falco knows by one */
	enum container_answer privileged, host_pid, host_network, host_ipc;
	enum container_answer mounts; /* NO: there are none. Of others nothing is kept */
	struct container_label *labels;
	size_t nlabels;
	bool labels_known;
};

/* Frees what the structure holds, and empties it: all is unknown then. */
void container_info_clear(struct container_info *c);
#define _autocontainer_ __attribute__((cleanup(container_info_clear)))

/* The host, which Falco's plugin has as a container without an id of its own. 0 or -ENOMEM. */
int container_info_host(struct container_info *out);

/* Adds a label; `value` NULL: unknown. 0 or -ENOMEM. */
int container_info_label(struct container_info *c, const char *key, const char *value);

/*
 * What a field of the classes `container` and `k8s` answers: 1 and *out set (its bytes are the structure's or static),
 * 0 if it is missing, -ENODATA if that is not known. `text` receives a value that has to be made, and must live as long
 * as *out.
 */
struct buf;
int container_info_field(const struct container_info *c, const struct filter_term *field, struct buf *text,
                         struct eval_item *out);

#endif
