/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "identity/docker.h"
#include "identity/facts.h"
#include "identity/users.h"

enum {
	LONGEST_WAIT_S = 60,
	PRUNE_EVERY_S = 10,
};

/* A cgroup of a container that nothing is known of yet. */
struct waiting {
	uint64_t cgroup_id;
	uint64_t next; /* when to ask again */
	unsigned int wait_s;
};

struct answers {
	struct answers_config config;
	struct facts *facts; /* NULL: the policy asks nothing */
	struct identity_users users;
	struct waiting *waiting;
	size_t nwaiting, room;
	uint64_t now, pruned; /* seconds */
	uint64_t lost;
};

void answers_free(struct answers *a)
{
	if (!a)
		return;
	facts_free(a->facts);
	identity_users_free(&a->users);
	free(a->waiting);
	free(a);
}

void answers_withdraw(struct answers *a)
{
	if (a->facts)
		(void)sensor_forget_generation(a->config.sensor, a->config.generation);
}

size_t answers_waiting(const struct answers *a)
{
	return a->nwaiting;
}

uint64_t answers_lost(const struct answers *a)
{
	return a->lost;
}

/* ---- users ---- */

static int set_user(struct answers *a, const struct identity_user *u)
{
	return sensor_set_user(a->config.sensor, u->uid, &u->user);
}

static bool is_listed(uint32_t uid, const void *ctx)
{
	const struct identity_users *users = ctx;

	for (size_t i = 0; i < users->count; i++)
		if (users->users[i].uid == uid)
			return true;
	return false;
}

/* The last one, of the id -1, says that those before it are all: it goes first, and comes back when that is true. */
static int replace_users(struct answers *a)
{
	const struct identity_users *users = &a->users;
	int r = sensor_forget_user(a->config.sensor, UINT32_MAX);

	for (size_t i = 0; i < users->count && !r; i++)
		r = set_user(a, &users->users[i]);
	return r;
}

static int look_for_users(struct answers *a)
{
	struct identity_users fresh;
	int r;

	if (!identity_users_changed(&a->users, a->config.passwd))
		return 0;
	r = identity_users_read(&fresh, a->config.passwd, a->config.nsswitch);
	if (r)
		return r;
	r = identity_users_inherit(&fresh, &a->users);
	if (r) {
		identity_users_free(&fresh);
		return r;
	}
	/* Users that another daemon has told of, and that have gone since; the others are known without a pause. */
	if (!a->users.count)
		sensor_retain_users(a->config.sensor, is_listed, &fresh);
	identity_users_free(&a->users);
	a->users = fresh;
	r = replace_users(a);
	/* Read again the next time. */
	if (r)
		a->users.read = (struct stat){0};
	return r;
}

/* ---- containers ---- */

/* Of the host: its cgroup id is 0. -ENODATA if some question is left open, to be asked again later. */
static int set_answers(struct answers *a, uint64_t cgroup_id, const struct container_info *c)
{
	struct tercel_container_facts facts;
	int r = facts_answer(a->facts, c, &facts);

	if (r)
		return r;
	r = sensor_set_container_facts(a->config.sensor, cgroup_id, a->config.generation, &facts);
	a->lost += r != 0;
	return !r && !facts_are_whole(&facts) ? -ENODATA : r;
}

static int look_for_container(struct answers *a, const struct identity_cgroup *cgroup)
{
	_autocontainer_ struct container_info c = {0};
	int r = docker_read(&c, a->config.docker_root, cgroup->container_id);

	return r ? r : set_answers(a, cgroup->id, &c);
}

static int look_at_host(struct answers *a)
{
	_autocontainer_ struct container_info host = {0};
	int r = container_info_host(&host);

	if (!r)
		r = set_answers(a, 0, &host);
	return r == -ENODATA ? 0 : r;
}

static void wait_for(struct answers *a, uint64_t cgroup_id)
{
	if (a->nwaiting == a->room) {
		const size_t room = a->room ? 2 * a->room : 64;
		struct waiting *more = realloc(a->waiting, room * sizeof(*more));

		if (!more) {
			a->lost++;
			return;
		}
		a->waiting = more;
		a->room = room;
	}
	a->waiting[a->nwaiting++] = (struct waiting){.cgroup_id = cgroup_id, .next = a->now + 1, .wait_s = 1};
}

void answers_cgroup(struct answers *a, const struct identity_cgroup *cgroup)
{
	if (a->facts && cgroup->state == TERCEL_CGROUP_CONTAINER && look_for_container(a, cgroup))
		wait_for(a, cgroup->id);
}

static void look_again(struct answers *a, const struct identity *identity)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->nwaiting; i++) {
		struct waiting w = a->waiting[i];
		const struct identity_cgroup *cgroup = identity_find(identity, w.cgroup_id);

		if (!cgroup || (w.next <= a->now && !look_for_container(a, cgroup)))
			continue;
		if (w.next <= a->now) {
			w.wait_s = w.wait_s < LONGEST_WAIT_S / 2 ? 2 * w.wait_s : LONGEST_WAIT_S;
			w.next = a->now + w.wait_s;
		}
		a->waiting[kept++] = w;
	}
	a->nwaiting = kept;
}

/* ---- both ---- */

void answers_look(struct answers *a, const struct identity *identity, uint64_t now)
{
	a->now = now;
	a->lost += look_for_users(a) != 0;
	if (!a->facts)
		return;
	look_again(a, identity);
	if (now - a->pruned < PRUNE_EVERY_S)
		return;
	a->pruned = now;
	(void)sensor_prune_container_facts(a->config.sensor);
}

int answers_new(struct answers **out, const struct answers_config *config, struct error *err)
{
	_autoanswers_ struct answers *a = calloc(1, sizeof(*a));
	int r = 0;

	if (!a)
		return error_set(err, -ENOMEM, "out of memory");
	a->config = *config;
	a->config.passwd = config->passwd ? config->passwd : "/etc/passwd";
	a->config.nsswitch = config->nsswitch ? config->nsswitch : "/etc/nsswitch.conf";
	a->config.docker_root = config->docker_root ? config->docker_root : DOCKER_ROOT;
	if (config->nconditions)
		r = facts_new(&a->facts, config->conditions, config->nconditions, err);
	a->config.conditions = NULL;
	if (!r && a->facts)
		r = look_at_host(a);
	if (r)
		return err->text[0] ? r : error_set(err, r, "answers about containers: %s", strerror(-r));
	/* Without users, their names are unknown. */
	a->lost += look_for_users(a) != 0;
	*out = TAKE_PTR(a);
	return 0;
}
