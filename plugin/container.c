/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libtercel_container.so: Tercel's drop-in for Falco's container plugin. Knows a container by the cgroups of its
 * threads, which clone and exec events and the host's own table tell of; it needs neither Tercel's source nor its
 * sensor, and works with events of Falco's driver alike.
 *
 * Fields that it cannot fill truthfully it does not have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "bpf/cgroup_path.h"
#include "compat/plugin_api.h"
#include "container_config.h"
#include "version.h"

/* How far up an unknown thread's ancestors are asked. A container's processes inherit its cgroup. */
#define ANCESTORS_MAX 16
/* Parameter "cgroups" of clone and exec events, counted from 0. */
#define PARAM_CGROUPS 14

enum container_state {
	CONTAINER_UNKNOWN = 0,
	CONTAINER_NONE = 1, /* on the host */
	CONTAINER_KNOWN = 2,
};

struct container {
	enum container_state state;
	char id[TERCEL_CONTAINER_ID_SHORT + 1]; /* "" unless KNOWN */
};

struct plugin {
	struct error error;
	falco_table *threads;
	falco_accessor *pid, *ptid, *cgroups, *cgroup_path;
	/* libsinsp reads this field, too: "" is the host. Ours beside it tells the host from the unknown. */
	falco_accessor *container_id, *state;
	char text[TERCEL_CONTAINER_ID_SHORT + 1];
	const char *value;
};

const char *plugin_get_required_api_version(void)
{
	return FALCO_API_REQUIRED;
}

const char *plugin_get_required_event_schema_version(falco_plugin *s)
{
	(void)s;
	return FALCO_SCHEMA_REQUIRED;
}

const char *plugin_get_name(void)
{
	return "container";
}

const char *plugin_get_description(void)
{
	return "Tercel's drop-in for Falco's container plugin: container.id from the cgroups of the process";
}

const char *plugin_get_contact(void)
{
	return TERCEL_CONTACT;
}

const char *plugin_get_version(void)
{
	return TERCEL_CONTAINER_VERSION;
}

const char *plugin_get_last_error(falco_plugin *s)
{
	return s ? ((struct plugin *)s)->error.text : "out of memory";
}

/* ---- what cgroups say ------------------------------------------------------------------------------------- */

/* One path more: a container in any of a thread's hierarchies is its container. */
static void classify(struct container *c, const char *path, size_t len)
{
	char id[TERCEL_CONTAINER_ID_LEN];
	if (c->state == CONTAINER_KNOWN || !len)
		return;
	c->state = CONTAINER_NONE;
	if (cgroup_path_classify(path, len, id) != TERCEL_CGROUP_CONTAINER)
		return;
	c->state = CONTAINER_KNOWN;
	memcpy(c->id, id, TERCEL_CONTAINER_ID_SHORT);
	c->id[TERCEL_CONTAINER_ID_SHORT] = '\0';
}

/* "cpuset=/path", "cpu=/path" …, each ended by a NUL. */
static struct container classify_list(const char *list, size_t len)
{
	struct container c = {0};
	for (size_t at = 0; at < len;) {
		size_t n = strnlen(list + at, len - at);
		const char *equals = memchr(list + at, '=', n);
		if (equals)
			classify(&c, equals + 1, n - (size_t)(equals + 1 - (list + at)));
		at += n + 1;
	}
	return c;
}

/* A parameter of an event with 16-bit lengths; false: it has no such one, or is cut. */
static bool event_param(const struct scap_header *e, uint32_t index, const char **data, size_t *len)
{
	const char *lengths = (const char *)(e + 1);
	size_t at = sizeof(*e) + (size_t)e->nparams * sizeof(uint16_t);
	if (index >= e->nparams || at > e->len)
		return false;
	uint16_t n = 0;
	for (uint32_t i = 0; i <= index; i++) {
		at += n;
		memcpy(&n, lengths + i * sizeof(n), sizeof(n));
	}
	if (at > e->len || n > e->len - at)
		return false;
	*data = (const char *)e + at;
	*len = n;
	return true;
}

/* ---- the host's table ------------------------------------------------------------------------------------- */

struct visit {
	const struct plugin *p;
	const struct falco_table_reader *reader;
	const struct falco_table_writer *writer;
	falco_table *table;
	struct container container;
};

static falco_bool visit_cgroup(void *data, falco_entry *e)
{
	struct visit *v = data;
	union falco_state_data path = {0};
	if (!v->reader->read(v->table, e, v->p->cgroup_path, &path) && path.str)
		classify(&v->container, path.str, strlen(path.str));
	return v->container.state != CONTAINER_KNOWN;
}

static struct container from_cgroups(const struct plugin *p, const struct falco_table_reader *reader, falco_entry *e)
{
	union falco_state_data inner = {0};
	if (reader->read(p->threads, e, p->cgroups, &inner) || !inner.table)
		return (struct container){0};
	struct visit v = {.p = p, .reader = reader, .table = inner.table};
	(void)reader->iterate(inner.table, visit_cgroup, &v);
	return v.container;
}

/* What was written before, else what the entry's own cgroups say. */
static struct container of_entry(const struct plugin *p, const struct falco_table_reader *reader, falco_entry *e)
{
	struct container c = {0};
	union falco_state_data state = {0}, id = {0};
	if (!reader->read(p->threads, e, p->state, &state))
		c.state = (enum container_state)state.u32;
	if (c.state == CONTAINER_UNKNOWN)
		return from_cgroups(p, reader, e);
	if (c.state == CONTAINER_KNOWN && !reader->read(p->threads, e, p->container_id, &id) && id.str)
		(void)strncat(c.id, id.str, TERCEL_CONTAINER_ID_SHORT);
	return c;
}

static int64_t parent_of(const struct plugin *p, const struct falco_table_reader *reader, falco_entry *e, int64_t tid)
{
	union falco_state_data pid = {0}, ptid = {0};
	if (!reader->read(p->threads, e, p->pid, &pid) && pid.s64 > 0 && pid.s64 != tid)
		return pid.s64;
	return reader->read(p->threads, e, p->ptid, &ptid) ? 0 : ptid.s64;
}

/* The thread's container, or that of its nearest ancestor that has one known: leader first, then parents. */
static struct container of_thread(const struct plugin *p, const struct falco_table_reader *reader, int64_t tid)
{
	struct container c = {0};
	for (int i = 0; i < ANCESTORS_MAX && tid > 0 && c.state == CONTAINER_UNKNOWN; i++) {
		falco_entry *e = reader->get(p->threads, &(union falco_state_data){.s64 = tid});
		if (!e)
			break;
		c = of_entry(p, reader, e);
		tid = parent_of(p, reader, e, tid);
		reader->release(p->threads, e);
	}
	return c;
}

static void write_container(const struct plugin *p, const struct falco_table_writer *writer, falco_entry *e,
                            const struct container *c)
{
	if (c->state == CONTAINER_UNKNOWN)
		return;
	(void)writer->write(p->threads, e, p->container_id, &(union falco_state_data){.str = c->id});
	(void)writer->write(p->threads, e, p->state, &(union falco_state_data){.u32 = (uint32_t)c->state});
}

/* ---- life ------------------------------------------------------------------------------------------------- */

static falco_accessor *cgroup_path_field(const struct plugin *p, const struct falco_init_tables *t)
{
	falco_accessor *field = NULL;
	union falco_state_data inner = {0};
	falco_entry *e = t->writer->create(p->threads);
	if (!e)
		return NULL;
	if (!t->reader->read(p->threads, e, p->cgroups, &inner) && inner.table)
		field = t->fields->get(inner.table, "second", FALCO_STATE_STRING);
	t->writer->destroy(p->threads, e);
	return field;
}

static int init(struct plugin *p, const struct falco_init_input *in)
{
	const struct falco_init_tables *t = in->tables;
	struct error note = {0};
	int rc = container_config_check(in->config, &note, &p->error);
	if (rc)
		return rc;
	if (note.text[0] && in->log)
		in->log(in->owner, NULL, note.text, FALCO_LOG_INFO);
	if (!t || !t->fields || !t->reader || !t->writer)
		return error_set(&p->error, -ENOTSUP, "the host offers no state tables: Falco 0.42 or later is needed");
	p->threads = t->get_table(in->owner, "threads", FALCO_STATE_S64);
	if (!p->threads)
		return error_set(&p->error, -ENOTSUP, "the host has no table of threads");
	p->pid = t->fields->get(p->threads, "pid", FALCO_STATE_S64);
	p->ptid = t->fields->get(p->threads, "ptid", FALCO_STATE_S64);
	p->cgroups = t->fields->get(p->threads, "cgroups", FALCO_STATE_TABLE);
	p->container_id = t->fields->add(p->threads, "container_id", FALCO_STATE_STRING);
	p->state = t->fields->add(p->threads, "tercel_container_state", FALCO_STATE_U32);
	if (p->pid && p->ptid && p->cgroups)
		p->cgroup_path = cgroup_path_field(p, t);
	if (!p->cgroup_path || !p->container_id || !p->state)
		return error_set(&p->error, -ENOTSUP,
		                 "the host's table of threads lacks cgroups or takes no fields: %s",
		                 in->get_owner_last_error ? in->get_owner_last_error(in->owner) : "no reason given");
	return 0;
}

falco_plugin *plugin_init(const struct falco_init_input *in, int *rc)
{
	struct plugin *p = calloc(1, sizeof(*p));
	*rc = FALCO_FAILURE;
	if (p && !init(p, in))
		*rc = FALCO_SUCCESS;
	return p;
}

void plugin_destroy(falco_plugin *s)
{
	free(s);
}

/* ---- parsing ---------------------------------------------------------------------------------------------- */

uint16_t *plugin_get_parse_event_types(uint32_t *count, falco_plugin *s)
{
	static const uint16_t types[] = {SCAP_CLONE_20_X, SCAP_FORK_20_X,   SCAP_VFORK_20_X,
	                                 SCAP_CLONE3_X,   SCAP_EXECVE_19_X, SCAP_EXECVEAT_X};
	(void)s;
	*count = sizeof(types) / sizeof(*types);
	return (uint16_t *)types; /* the interface says uint16_t *, hosts only read */
}

const char *plugin_get_parse_event_sources(void)
{
	return "[\"syscall\"]";
}

/* Of a clone only the child's own event, of an exec only a successful one, tells of its thread. */
static bool concerns_thread(const struct scap_header *e)
{
	const char *data;
	size_t len;
	int64_t res = -1;
	if (!event_param(e, 0, &data, &len) || len != sizeof(res))
		return false;
	memcpy(&res, data, sizeof(res));
	return res == 0;
}

int plugin_parse_event(falco_plugin *s, const struct falco_event_input *in, const struct falco_parse_input *host)
{
	const struct plugin *p = s;
	const char *list = NULL;
	size_t len = 0;
	if (!concerns_thread(in->event))
		return FALCO_SUCCESS;
	struct container c = {0};
	if (event_param(in->event, PARAM_CGROUPS, &list, &len))
		c = classify_list(list, len);
	if (c.state == CONTAINER_UNKNOWN)
		c = of_thread(p, host->reader, (int64_t)in->event->tid);
	falco_entry *e = host->reader->get(p->threads, &(union falco_state_data){.s64 = (int64_t)in->event->tid});
	if (!e)
		return FALCO_SUCCESS;
	write_container(p, host->writer, e, &c);
	host->reader->release(p->threads, e);
	return FALCO_SUCCESS;
}

/* ---- listening -------------------------------------------------------------------------------------------- */

static falco_bool visit_thread(void *data, falco_entry *e)
{
	const struct visit *v = data;
	struct container c = from_cgroups(v->p, v->reader, e);
	write_container(v->p, v->writer, e, &c);
	return 1;
}

int plugin_capture_open(falco_plugin *s, const struct falco_listen_input *in)
{
	struct plugin *p = s;
	struct visit v = {.p = p, .reader = in->reader, .writer = in->writer, .table = p->threads};
	(void)in->reader->iterate(p->threads, visit_thread, &v);
	return FALCO_SUCCESS;
}

int plugin_capture_close(falco_plugin *s, const struct falco_listen_input *in)
{
	(void)s;
	(void)in;
	return FALCO_SUCCESS;
}

/* ---- extraction ------------------------------------------------------------------------------------------- */

const char *plugin_get_fields(void)
{
	return "[{\"type\":\"string\",\"name\":\"container.id\",\"addOutput\":true,\"desc\":\"The first 12 characters "
	       "of "
	       "the container's id, or 'host'\"}]";
}

const char *plugin_get_extract_event_sources(void)
{
	return "[\"syscall\"]";
}

int plugin_extract_fields(falco_plugin *s, const struct falco_event_input *e, const struct falco_extract_input *in)
{
	struct plugin *p = s;
	for (uint32_t i = 0; i < in->num_fields; i++) {
		struct falco_extract_field *f = &in->fields[i];
		f->result_len = 0;
		struct container c = of_thread(p, in->reader, (int64_t)e->event->tid);
		if (c.state == CONTAINER_UNKNOWN)
			continue;
		(void)snprintf(p->text, sizeof(p->text), "%s", c.state == CONTAINER_KNOWN ? c.id : "host");
		p->value = p->text;
		f->result.str = &p->value;
		f->result_len = 1;
	}
	return FALCO_SUCCESS;
}
