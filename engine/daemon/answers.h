/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decisions ask for and the kernel cannot find out: answers about containers, and names of users. Kept in the
 * sensor while a policy is in force. What is not known has no entry there, and the rules that ask for it block nothing.
 */
#ifndef TERCEL_DAEMON_ANSWERS_H
#define TERCEL_DAEMON_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "identity/identity.h"
#include "sensor/sensor.h"

struct answers;

struct answers_config {
	struct sensor *sensor;         /* borrowed */
	const char *const *conditions; /* struct image.containers; need not live on */
	size_t nconditions;
	uint32_t generation;     /* of the policy that asks */
	const char *passwd;      /* NULL: /etc/passwd */
	const char *nsswitch;    /* NULL: /etc/nsswitch.conf */
	const char *docker_root; /* NULL: DOCKER_ROOT. Strings are borrowed. */
};

/* Also gives the sensor the users and what is known of the host. 0, -EINVAL, -ENOMEM or the sensor's error, in `err`.
 */
int answers_new(struct answers **out, const struct answers_config *config, struct error *err);
void answers_free(struct answers *a);

/* For answers to a policy that is in force no more: takes them out of the sensor, users excepted. */
void answers_withdraw(struct answers *a);

static inline void cleanup_answers(struct answers **a)
{
	answers_free(*a);
}
#define _autoanswers_ _cleanup_(cleanup_answers)

/* A cgroup was told of. If its container is not known yet, answers_look() asks again. */
void answers_cgroup(struct answers *a, const struct identity_cgroup *cgroup);

/*
 * To be called about once a second: `now` in seconds. Asks for containers again that were not known yet (at longer and
 * longer intervals, up to a minute), reads the user database if it was changed, forgets removed cgroups.
 */
void answers_look(struct answers *a, const struct identity *identity, uint64_t now);

/* How many containers are unknown now, and how many times the sensor did not take what it was given. */
size_t answers_waiting(const struct answers *a);
uint64_t answers_lost(const struct answers *a);

#endif
