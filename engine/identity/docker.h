/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Docker keeps of a container on disk, as Falco's plugin shows it after asking Docker. Knows that directory's
 * layout; does not talk to the daemon, which would have to be trusted to answer in time.
 */
#ifndef TERCEL_IDENTITY_DOCKER_H
#define TERCEL_IDENTITY_DOCKER_H

#include "identity/container.h"

#define DOCKER_ROOT "/var/lib/docker"

/*
 * Reads the container with this id of 64 digits below `root`. 0 with *out filled (the caller clears it; what is not on
 * disk stays unknown: its address, its mounts, the image's names with the containerd image store); -ENOENT if Docker
 * has no such container, -EBADMSG if its file is not whole (it may be being written), or -errno.
 */
int docker_read(struct container_info *out, const char *root, const char *id);

#endif
