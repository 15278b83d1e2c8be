/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco's plugin interface, version 3: the types that a host and its plugins exchange, as far as ours use them.
 * Declarations only, in our words; must not know what our plugins do with them.
 *
 * The layout is Falco's and cannot change within major version 3: hosts append members, never move them. Compared
 * member by member with the plugin_api.h of Debian's libfalcosecurity0-dev by tests/falco/abi_check.cpp.
 *
 * Unless said otherwise: memory belongs to whoever returns it; strings are NUL-terminated; a host calls one plugin
 * instance from one thread at a time, but extraction, parsing and sourcing may come from different ones.
 */
#ifndef TERCEL_COMPAT_PLUGIN_API_H
#define TERCEL_COMPAT_PLUGIN_API_H

#include <stdint.h>

#include "compat/events.h"

/* What our plugins ask a host for: any 3.x from the first that has the capture listener (libs 0.18). */
#define FALCO_API_REQUIRED "3.7.0"
/* The oldest event schema whose exit events carry everything (Falco 0.42). */
#define FALCO_SCHEMA_REQUIRED "4.0.0"

/* Four bytes wide in every structure of the interface. */
typedef uint32_t falco_bool;

enum falco_rc {
	FALCO_SUCCESS = 0,
	FALCO_FAILURE = 1,  /* get_last_error says why */
	FALCO_TIMEOUT = -1, /* nothing now, ask again */
	FALCO_EOF = 2,
	FALCO_NOT_SUPPORTED = 3,
};

enum falco_schema_type {
	FALCO_SCHEMA_NONE = 0,
	FALCO_SCHEMA_JSON = 1, /* the configuration is JSON, described by a JSON Schema */
};

/* Types of extracted fields. */
enum falco_field_type {
	FALCO_FIELD_U64 = 8,
	FALCO_FIELD_STRING = 9,
	FALCO_FIELD_RELTIME = 20,
	FALCO_FIELD_ABSTIME = 21,
	FALCO_FIELD_BOOL = 25,
	FALCO_FIELD_IPADDR = 40,
	FALCO_FIELD_IPNET = 41,
};

/* Types of keys and fields of state tables. */
enum falco_state_type {
	FALCO_STATE_S8 = 1,
	FALCO_STATE_S16 = 2,
	FALCO_STATE_S32 = 3,
	FALCO_STATE_S64 = 4,
	FALCO_STATE_U8 = 5,
	FALCO_STATE_U16 = 6,
	FALCO_STATE_U32 = 7,
	FALCO_STATE_U64 = 8,
	FALCO_STATE_STRING = 9,
	FALCO_STATE_TABLE = 10, /* a table inside an entry */
	FALCO_STATE_BOOL = 25,
};

/* One value of a state table; which member is told by the type of the field. Strings belong to the table. */
union falco_state_data {
	int8_t s8;
	int16_t s16;
	int32_t s32;
	int64_t s64;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	const char *str;
	falco_bool b;
	void *table;
};

enum falco_log_severity {
	FALCO_LOG_FATAL = 1,
	FALCO_LOG_CRITICAL = 2,
	FALCO_LOG_ERROR = 3,
	FALCO_LOG_WARNING = 4,
	FALCO_LOG_NOTICE = 5,
	FALCO_LOG_INFO = 6,
	FALCO_LOG_DEBUG = 7,
	FALCO_LOG_TRACE = 8,
};

enum falco_metric_type {
	FALCO_METRIC_MONOTONIC = 0,
	FALCO_METRIC_NON_MONOTONIC = 1,
};

enum falco_metric_value_type {
	FALCO_METRIC_U64 = 2,
};

/* A number that a host publishes with its own metrics. */
struct falco_metric {
	const char *name;
	int type; /* enum falco_metric_type */
	union {
		uint64_t u64;
		double d;
	} value;
	int value_type; /* enum falco_metric_value_type */
};

struct falco_event_input {
	const struct scap_header *event; /* the host's copy */
	uint64_t number;
	const char *source; /* "syscall" for system events */
};

/* ---- state tables: the host's process table, and others --------------------------------------------------- */

/* Opaque: tables, their entries and the accessors of their fields are pointers that belong to the host. */
typedef void falco_table;
typedef void falco_entry;
typedef void falco_accessor;
typedef void falco_owner;

struct falco_table_info {
	const char *name;
	int key_type; /* enum falco_state_type */
};

struct falco_table_field_info {
	const char *name;
	int type; /* enum falco_state_type */
	falco_bool read_only;
};

/*
 * Superseded forms of the functions below, by value inside other structures, hence needed for their size. A host
 * fills them still; we use the extended ones.
 */
struct falco_table_fields_old {
	void *functions[3];
};
struct falco_table_reader_old {
	void *functions[4];
};
struct falco_table_writer_old {
	void *functions[6];
};

/* Fields of a table. A NULL means failure; the owner's last error says why. Accessors are for good. */
struct falco_table_fields {
	const struct falco_table_field_info *(*list)(falco_table *t, uint32_t *count);
	falco_accessor *(*get)(falco_table *t, const char *name, int type);
	/* Adds a field to all entries; asking for one that is there, with the same type, gives that one. */
	falco_accessor *(*add)(falco_table *t, const char *name, int type);
};

typedef falco_bool (*falco_entry_visitor)(void *data, falco_entry *e);

struct falco_table_reader {
	const char *(*name)(falco_table *t);
	uint64_t (*size)(falco_table *t); /* UINT64_MAX on failure */
	falco_entry *(*get)(falco_table *t,
	                    const union falco_state_data *key); /* NULL: no such entry. To be released. */
	int (*read)(falco_table *t, falco_entry *e, const falco_accessor *field, union falco_state_data *out);
	void (*release)(falco_table *t, falco_entry *e);
	/* Calls for each entry until the visitor returns 0; then the result is 0, too. */
	falco_bool (*iterate)(falco_table *t, falco_entry_visitor visit, void *data);
};

struct falco_table_writer {
	int (*clear)(falco_table *t);
	int (*erase)(falco_table *t, const union falco_state_data *key);
	/* A loose entry: to be added, which takes it over, or to be destroyed. */
	falco_entry *(*create)(falco_table *t);
	void (*destroy)(falco_table *t, falco_entry *e);
	/* Replaces an entry of the same key. The result is to be released. */
	falco_entry *(*add)(falco_table *t, const union falco_state_data *key, falco_entry *e);
	int (*write)(falco_table *t, falco_entry *e, const falco_accessor *field, const union falco_state_data *in);
};

/* Only while init runs. */
struct falco_init_tables {
	struct falco_table_info *(*list_tables)(falco_owner *o, uint32_t *count);
	falco_table *(*get_table)(falco_owner *o, const char *name, int key_type);
	int (*add_table)(falco_owner *o, const void *input);
	struct falco_table_fields_old fields_old;
	struct falco_table_fields *fields;
	struct falco_table_reader *reader;
	struct falco_table_writer *writer;
};

typedef void (*falco_log_fn)(falco_owner *o, const char *component, const char *message, int severity);

struct falco_init_input {
	const char *config;
	falco_owner *owner;
	const char *(*get_owner_last_error)(falco_owner *o);
	const struct falco_init_tables *tables; /* NULL unless the plugin extracts, parses or listens */
	falco_log_fn log;
};

/* ---- extraction ------------------------------------------------------------------------------------------- */

/* One field that is asked for. The plugin sets `result` (an array of result_len values, kept until the next call). */
struct falco_extract_field {
	union {
		const char **str;
		uint64_t *u64;
		falco_bool *boolean;
		void *any;
	} result;
	uint64_t result_len; /* 0: no value */
	uint32_t field_id;   /* index into the plugin's list of fields */
	const char *field;
	const char *arg_key;
	uint64_t arg_index;
	falco_bool arg_present;
	uint32_t type; /* enum falco_field_type */
	falco_bool is_list;
};

struct falco_extract_input {
	falco_owner *owner;
	const char *(*get_owner_last_error)(falco_owner *o);
	uint32_t num_fields;
	struct falco_extract_field *fields;
	struct falco_table_reader_old reader_old;
	struct falco_table_reader *reader;
	/* Hosts from 3.11 on have one more member (offsets of values), which we do not touch. */
};

/* ---- parsing ---------------------------------------------------------------------------------------------- */

struct falco_parse_input {
	falco_owner *owner;
	const char *(*get_owner_last_error)(falco_owner *o);
	struct falco_table_reader_old reader_old;
	struct falco_table_writer_old writer_old;
	struct falco_table_reader *reader;
	struct falco_table_writer *writer;
};

/* ---- capture listening ------------------------------------------------------------------------------------ */

/* When a capture opens: after the host has its own state, before its first event. */
struct falco_listen_input {
	falco_owner *owner;
	void *routines;
	struct falco_table_reader *reader;
	struct falco_table_writer *writer;
	const char *(*get_owner_last_error)(falco_owner *o);
};

/* ---- what a plugin exports -------------------------------------------------------------------------------- */

/* Opaque to the host: the plugin's state (from init) and one opened source (from open). */
typedef void falco_plugin;
typedef void falco_instance;

#define FALCO_EXPORT __attribute__((visibility("default")))

/* Every plugin. init returns a state even on failure if it wants its last error to be heard. */
FALCO_EXPORT const char *plugin_get_required_api_version(void);
FALCO_EXPORT const char *plugin_get_required_event_schema_version(falco_plugin *s);
FALCO_EXPORT const char *plugin_get_name(void);
FALCO_EXPORT const char *plugin_get_description(void);
FALCO_EXPORT const char *plugin_get_contact(void);
FALCO_EXPORT const char *plugin_get_version(void);
FALCO_EXPORT const char *plugin_get_init_schema(int *schema_type);
FALCO_EXPORT falco_plugin *plugin_init(const struct falco_init_input *in, int *rc);
FALCO_EXPORT void plugin_destroy(falco_plugin *s);
FALCO_EXPORT const char *plugin_get_last_error(falco_plugin *s);

/* Sourcing. With id 0 and source "" a plugin gives system events, of any type. */
FALCO_EXPORT uint32_t plugin_get_id(void);
FALCO_EXPORT const char *plugin_get_event_source(void);
FALCO_EXPORT falco_instance *plugin_open(falco_plugin *s, const char *params, int *rc);
FALCO_EXPORT void plugin_close(falco_plugin *s, falco_instance *h);
/* Never FALCO_SUCCESS with no events. Events stay valid until the next call or close. */
FALCO_EXPORT int plugin_next_batch(falco_plugin *s, falco_instance *h, uint32_t *count, struct scap_header ***events);

/* Extraction: the list is JSON. */
FALCO_EXPORT const char *plugin_get_fields(void);
FALCO_EXPORT const char *plugin_get_extract_event_sources(void);
FALCO_EXPORT int plugin_extract_fields(falco_plugin *s, const struct falco_event_input *e,
                                       const struct falco_extract_input *in);

/* Parsing: sees events after the host has updated its own state, before extraction. */
FALCO_EXPORT uint16_t *plugin_get_parse_event_types(uint32_t *count, falco_plugin *s);
FALCO_EXPORT const char *plugin_get_parse_event_sources(void);
FALCO_EXPORT int plugin_parse_event(falco_plugin *s, const struct falco_event_input *e,
                                    const struct falco_parse_input *in);

/* Listening. */
FALCO_EXPORT int plugin_capture_open(falco_plugin *s, const struct falco_listen_input *in);
FALCO_EXPORT int plugin_capture_close(falco_plugin *s, const struct falco_listen_input *in);

FALCO_EXPORT struct falco_metric *plugin_get_metrics(falco_plugin *s, uint32_t *count);

#endif
