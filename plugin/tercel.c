/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libtercel.so: what Falco calls. Each function hands over to the source, the configuration or the threads table and
 * turns errors into the plugin's last error; nothing here prints, exits or lets anything but plugin_* be seen.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "compat/plugin_api.h"
#include "config.h"
#include "interest.h"
#include "source.h"
#include "threads.h"
#include "version.h"

enum tercel_field {
	FIELD_LINEAGE,
	FIELD_EXEC_ID,
	FIELD_PARENT_EXEC_ID,
	FIELDS,
};

enum tercel_metric {
	METRIC_EVENTS,
	METRIC_DROPPED,
	METRIC_MALFORMED,
	METRIC_COMPLETED,
	METRIC_SEEDS_LOST,
	METRIC_CGROUPS_LOST,
	METRIC_EVICTED,
	METRICS,
};

struct plugin {
	struct error error;
	struct plugin_config config;
	struct interest interest;
	struct threads threads;
	struct source *source; /* while a capture is open */
	pthread_mutex_t lock;  /* guards `source` where the host may ask in another thread: metrics */
	struct {
		struct buf text;
		const char *value;
	} results[FIELDS];
	struct falco_metric metrics[METRICS];
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
	return "tercel";
}

const char *plugin_get_description(void)
{
	return "System events from Tercel's sensor: no driver needed";
}

const char *plugin_get_contact(void)
{
	return TERCEL_CONTACT;
}

const char *plugin_get_version(void)
{
	return TERCEL_VERSION;
}

const char *plugin_get_init_schema(int *schema_type)
{
	*schema_type = FALCO_SCHEMA_JSON;
	return plugin_config_schema();
}

/* ---- life ------------------------------------------------------------------------------------------------- */

static int init(struct plugin *p, const struct falco_init_input *in)
{
	int rc = plugin_config_parse(&p->config, in->config, &p->error);
	if (!rc)
		rc = interest_load(&p->interest, &p->config, &p->error);
	if (!rc)
		rc = threads_init(&p->threads, in, &p->error);
	return rc;
}

falco_plugin *plugin_init(const struct falco_init_input *in, int *rc)
{
	struct plugin *p = calloc(1, sizeof(*p));
	*rc = FALCO_FAILURE;
	if (!p)
		return NULL;
	(void)pthread_mutex_init(&p->lock, NULL);
	p->config = PLUGIN_CONFIG_INIT;
	if (init(p, in))
		return p; /* for its last error; the host destroys it */
	if (p->interest.note.text[0] && in->log)
		in->log(in->owner, NULL, p->interest.note.text, FALCO_LOG_WARNING);
	*rc = FALCO_SUCCESS;
	return p;
}

static void attach(struct plugin *p, struct source *source)
{
	(void)pthread_mutex_lock(&p->lock);
	p->source = source;
	(void)pthread_mutex_unlock(&p->lock);
}

/* The open source, if any: nobody else finds it from now on. */
static struct source *detach(struct plugin *p)
{
	(void)pthread_mutex_lock(&p->lock);
	struct source *source = p->source;
	p->source = NULL;
	(void)pthread_mutex_unlock(&p->lock);
	return source;
}

void plugin_destroy(falco_plugin *s)
{
	struct plugin *p = s;
	if (!p)
		return;
	source_close(detach(p));
	for (size_t i = 0; i < FIELDS; i++)
		buf_free(&p->results[i].text);
	plugin_config_free(&p->config);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

const char *plugin_get_last_error(falco_plugin *s)
{
	return s ? ((struct plugin *)s)->error.text : "out of memory";
}

/* ---- sourcing --------------------------------------------------------------------------------------------- */

uint32_t plugin_get_id(void)
{
	return 0;
}

const char *plugin_get_event_source(void)
{
	return "";
}

falco_instance *plugin_open(falco_plugin *s, const char *params, int *rc)
{
	struct plugin *p = s;
	*rc = FALCO_FAILURE;
	if (params && *params) {
		(void)error_set(&p->error, -EINVAL, "open parameters must be empty, not '%.64s'", params);
		return NULL;
	}
	if (p->source) {
		(void)error_set(&p->error, -EBUSY, "is open already; load the plugin once more for a second capture");
		return NULL;
	}
	const struct source_config config = {
	        .records = p->interest.records,
	        .open_reads = p->interest.open_reads,
	        .buffer_mb = p->config.buffer_mb,
	};
	struct source *source = NULL;
	if (source_open(&source, &config, &p->error))
		return NULL;
	attach(p, source);
	*rc = FALCO_SUCCESS;
	return source;
}

void plugin_close(falco_plugin *s, falco_instance *h)
{
	struct plugin *p = s;
	if (p && p->source == h)
		source_close(detach(p));
}

int plugin_next_batch(falco_plugin *s, falco_instance *h, uint32_t *count, struct scap_header ***events)
{
	struct plugin *p = s;
	int rc = source_next(h, count, events, &p->error);
	if (rc < 0)
		return FALCO_FAILURE;
	return rc ? FALCO_SUCCESS : FALCO_TIMEOUT;
}

/* ---- extraction ------------------------------------------------------------------------------------------- */

const char *plugin_get_fields(void)
{
	return "[{\"type\":\"string\",\"name\":\"tercel.lineage\",\"desc\":\"The process and its ancestors, oldest "
	       "first: "
	       "systemd>containerd-shim>python3>sh\"},"
	       "{\"type\":\"string\",\"name\":\"tercel.exec_id\",\"desc\":\"Id of the process's image, unique over "
	       "nodes and time, as in Tercel's own events\"},"
	       "{\"type\":\"string\",\"name\":\"tercel.parent_exec_id\",\"desc\":\"Id of the image that made the "
	       "process\"}]";
}

const char *plugin_get_extract_event_sources(void)
{
	return "[\"syscall\"]";
}

static bool extract(struct plugin *p, uint32_t field, const struct scap_header *event, struct buf *out)
{
	switch (field) {
	case FIELD_LINEAGE:
		return source_lineage(p->source, event, p->config.lineage_depth, out);
	case FIELD_EXEC_ID:
		return source_exec_id(p->source, event, out);
	case FIELD_PARENT_EXEC_ID:
		return source_parent_exec_id(p->source, event, out);
	default:
		return false;
	}
}

int plugin_extract_fields(falco_plugin *s, const struct falco_event_input *e, const struct falco_extract_input *in)
{
	struct plugin *p = s;
	for (uint32_t i = 0; i < in->num_fields; i++) {
		struct falco_extract_field *f = &in->fields[i];
		f->result_len = 0;
		if (f->field_id >= FIELDS)
			return FALCO_FAILURE;
		struct buf *text = &p->results[f->field_id].text;
		buf_reset(text);
		if (!p->source || !extract(p, f->field_id, e->event, text) || buf_error(text))
			continue;
		p->results[f->field_id].value = buf_str(text);
		f->result.str = &p->results[f->field_id].value;
		f->result_len = 1;
	}
	return FALCO_SUCCESS;
}

/* ---- listening -------------------------------------------------------------------------------------------- */

int plugin_capture_open(falco_plugin *s, const struct falco_listen_input *in)
{
	struct plugin *p = s;
	/* Loaded for its fields alone: another source is open. */
	if (!p->source)
		return FALCO_SUCCESS;
	return source_write_threads(p->source, &p->threads, in, &p->error) ? FALCO_FAILURE : FALCO_SUCCESS;
}

int plugin_capture_close(falco_plugin *s, const struct falco_listen_input *in)
{
	(void)s;
	(void)in;
	return FALCO_SUCCESS;
}

/* False: no capture is open. */
static bool stats_of(struct plugin *p, struct source_stats *out)
{
	(void)pthread_mutex_lock(&p->lock);
	bool open = p->source != NULL;
	if (open)
		source_stats(p->source, out);
	(void)pthread_mutex_unlock(&p->lock);
	return open;
}

struct falco_metric *plugin_get_metrics(falco_plugin *s, uint32_t *count)
{
	struct plugin *p = s;
	*count = 0;
	struct source_stats stats;
	if (!p || !stats_of(p, &stats))
		return NULL;
	const struct {
		const char *name;
		uint64_t value;
	} rows[METRICS] = {
	        [METRIC_EVENTS] = {"events", stats.events},
	        [METRIC_DROPPED] = {"records_dropped", stats.records_dropped},
	        [METRIC_MALFORMED] = {"records_malformed", stats.records_malformed},
	        [METRIC_COMPLETED] = {"paths_completed", stats.paths_completed},
	        [METRIC_SEEDS_LOST] = {"seeds_lost", stats.seeds_lost},
	        [METRIC_CGROUPS_LOST] = {"cgroup_paths_lost", stats.cgroups_lost},
	        [METRIC_EVICTED] = {"processes_evicted", stats.processes_evicted},
	};
	for (size_t i = 0; i < METRICS; i++)
		p->metrics[i] = (struct falco_metric){.name = rows[i].name,
		                                      .type = FALCO_METRIC_MONOTONIC,
		                                      .value.u64 = rows[i].value,
		                                      .value_type = FALCO_METRIC_U64};
	*count = METRICS;
	return p->metrics;
}
