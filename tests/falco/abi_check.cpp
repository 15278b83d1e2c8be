// SPDX-License-Identifier: Apache-2.0
//
// Compares compat/plugin_api.h, compat/events.h, compat/event_params.h and compat/event_codes.h with the headers of
// Debian's libfalcosecurity0-dev: what can be compared at compile time is a static_assert, the event table (which is
// data in a library) is compared by running this. Compiled in the chroot of tests/falco/chroot. Prints "N passed, N
// failed".

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <type_traits>

#include <driver/ppm_events_public.h>
#include <libscap/scap.h>
#include <plugin/plugin_api.h>

extern "C" {
#include "compat/event_codes.h"
#include "compat/event_params.h"
#include "compat/plugin_api.h"
}

// ---- sizes and offsets -------------------------------------------------------------------------------------------

#define SIZE(ours, theirs) static_assert(sizeof(ours) == sizeof(theirs), #ours " and " #theirs " differ in size")
#define AT(ours, member, theirs, their_member)                                                                      \
	static_assert(offsetof(ours, member) == offsetof(theirs, their_member), #ours "." #member " is elsewhere"); \
	static_assert(sizeof(std::declval<ours &>().member) == sizeof(std::declval<theirs &>().their_member),       \
	              #ours "." #member " has another size")

SIZE(scap_header, ss_plugin_event);
AT(scap_header, ts, ss_plugin_event, ts);
AT(scap_header, tid, ss_plugin_event, tid);
AT(scap_header, len, ss_plugin_event, len);
AT(scap_header, type, ss_plugin_event, type);
AT(scap_header, nparams, ss_plugin_event, nparams);
SIZE(scap_header, ppm_evt_hdr);

SIZE(falco_bool, ss_plugin_bool);
SIZE(falco_state_data, ss_plugin_state_data);
SIZE(falco_event_input, ss_plugin_event_input);
AT(falco_event_input, event, ss_plugin_event_input, evt);
AT(falco_event_input, number, ss_plugin_event_input, evtnum);
AT(falco_event_input, source, ss_plugin_event_input, evtsrc);

SIZE(falco_table_info, ss_plugin_table_info);
AT(falco_table_info, name, ss_plugin_table_info, name);
AT(falco_table_info, key_type, ss_plugin_table_info, key_type);
SIZE(falco_table_field_info, ss_plugin_table_fieldinfo);
AT(falco_table_field_info, name, ss_plugin_table_fieldinfo, name);
AT(falco_table_field_info, type, ss_plugin_table_fieldinfo, field_type);
AT(falco_table_field_info, read_only, ss_plugin_table_fieldinfo, read_only);

SIZE(falco_table_fields_old, ss_plugin_table_fields_vtable);
SIZE(falco_table_reader_old, ss_plugin_table_reader_vtable);
SIZE(falco_table_writer_old, ss_plugin_table_writer_vtable);
SIZE(falco_table_fields, ss_plugin_table_fields_vtable_ext);
AT(falco_table_fields, list, ss_plugin_table_fields_vtable_ext, list_table_fields);
AT(falco_table_fields, get, ss_plugin_table_fields_vtable_ext, get_table_field);
AT(falco_table_fields, add, ss_plugin_table_fields_vtable_ext, add_table_field);
SIZE(falco_table_reader, ss_plugin_table_reader_vtable_ext);
AT(falco_table_reader, name, ss_plugin_table_reader_vtable_ext, get_table_name);
AT(falco_table_reader, size, ss_plugin_table_reader_vtable_ext, get_table_size);
AT(falco_table_reader, get, ss_plugin_table_reader_vtable_ext, get_table_entry);
AT(falco_table_reader, read, ss_plugin_table_reader_vtable_ext, read_entry_field);
AT(falco_table_reader, release, ss_plugin_table_reader_vtable_ext, release_table_entry);
AT(falco_table_reader, iterate, ss_plugin_table_reader_vtable_ext, iterate_entries);
SIZE(falco_table_writer, ss_plugin_table_writer_vtable_ext);
AT(falco_table_writer, clear, ss_plugin_table_writer_vtable_ext, clear_table);
AT(falco_table_writer, erase, ss_plugin_table_writer_vtable_ext, erase_table_entry);
AT(falco_table_writer, create, ss_plugin_table_writer_vtable_ext, create_table_entry);
AT(falco_table_writer, destroy, ss_plugin_table_writer_vtable_ext, destroy_table_entry);
AT(falco_table_writer, add, ss_plugin_table_writer_vtable_ext, add_table_entry);
AT(falco_table_writer, write, ss_plugin_table_writer_vtable_ext, write_entry_field);

SIZE(falco_init_tables, ss_plugin_init_tables_input);
AT(falco_init_tables, list_tables, ss_plugin_init_tables_input, list_tables);
AT(falco_init_tables, get_table, ss_plugin_init_tables_input, get_table);
AT(falco_init_tables, add_table, ss_plugin_init_tables_input, add_table);
AT(falco_init_tables, fields_old, ss_plugin_init_tables_input, fields);
AT(falco_init_tables, fields, ss_plugin_init_tables_input, fields_ext);
AT(falco_init_tables, reader, ss_plugin_init_tables_input, reader_ext);
AT(falco_init_tables, writer, ss_plugin_init_tables_input, writer_ext);
SIZE(falco_init_input, ss_plugin_init_input);
AT(falco_init_input, config, ss_plugin_init_input, config);
AT(falco_init_input, owner, ss_plugin_init_input, owner);
AT(falco_init_input, get_owner_last_error, ss_plugin_init_input, get_owner_last_error);
AT(falco_init_input, tables, ss_plugin_init_input, tables);
AT(falco_init_input, log, ss_plugin_init_input, log_fn);

SIZE(falco_extract_field, ss_plugin_extract_field);
AT(falco_extract_field, result, ss_plugin_extract_field, res);
AT(falco_extract_field, result_len, ss_plugin_extract_field, res_len);
AT(falco_extract_field, field_id, ss_plugin_extract_field, field_id);
AT(falco_extract_field, field, ss_plugin_extract_field, field);
AT(falco_extract_field, arg_key, ss_plugin_extract_field, arg_key);
AT(falco_extract_field, arg_index, ss_plugin_extract_field, arg_index);
AT(falco_extract_field, arg_present, ss_plugin_extract_field, arg_present);
AT(falco_extract_field, type, ss_plugin_extract_field, ftype);
AT(falco_extract_field, is_list, ss_plugin_extract_field, flist);
// Only the members up to `reader` are ours to read: hosts append.
static_assert(sizeof(falco_extract_input) <= sizeof(ss_plugin_field_extract_input), "");
AT(falco_extract_input, owner, ss_plugin_field_extract_input, owner);
AT(falco_extract_input, num_fields, ss_plugin_field_extract_input, num_fields);
AT(falco_extract_input, fields, ss_plugin_field_extract_input, fields);
AT(falco_extract_input, reader_old, ss_plugin_field_extract_input, table_reader);
AT(falco_extract_input, reader, ss_plugin_field_extract_input, table_reader_ext);
SIZE(falco_parse_input, ss_plugin_event_parse_input);
AT(falco_parse_input, owner, ss_plugin_event_parse_input, owner);
AT(falco_parse_input, reader, ss_plugin_event_parse_input, table_reader_ext);
AT(falco_parse_input, writer, ss_plugin_event_parse_input, table_writer_ext);
SIZE(falco_listen_input, ss_plugin_capture_listen_input);
AT(falco_listen_input, owner, ss_plugin_capture_listen_input, owner);
AT(falco_listen_input, routines, ss_plugin_capture_listen_input, routine);
AT(falco_listen_input, reader, ss_plugin_capture_listen_input, table_reader_ext);
AT(falco_listen_input, writer, ss_plugin_capture_listen_input, table_writer_ext);
AT(falco_listen_input, get_owner_last_error, ss_plugin_capture_listen_input, get_owner_last_error);
SIZE(falco_metric, ss_plugin_metric);
AT(falco_metric, name, ss_plugin_metric, name);
AT(falco_metric, type, ss_plugin_metric, type);
AT(falco_metric, value, ss_plugin_metric, value);
AT(falco_metric, value_type, ss_plugin_metric, value_type);

// ---- values ------------------------------------------------------------------------------------------------------

#define SAME(ours, theirs) static_assert((ours) == static_cast<long long>(theirs), #ours " is not " #theirs)

SAME(FALCO_SUCCESS, SS_PLUGIN_SUCCESS);
SAME(FALCO_FAILURE, SS_PLUGIN_FAILURE);
SAME(FALCO_TIMEOUT, SS_PLUGIN_TIMEOUT);
SAME(FALCO_EOF, SS_PLUGIN_EOF);
SAME(FALCO_NOT_SUPPORTED, SS_PLUGIN_NOT_SUPPORTED);
SAME(FALCO_SCHEMA_NONE, SS_PLUGIN_SCHEMA_NONE);
SAME(FALCO_SCHEMA_JSON, SS_PLUGIN_SCHEMA_JSON);
SAME(FALCO_FIELD_U64, FTYPE_UINT64);
SAME(FALCO_FIELD_STRING, FTYPE_STRING);
SAME(FALCO_FIELD_RELTIME, FTYPE_RELTIME);
SAME(FALCO_FIELD_ABSTIME, FTYPE_ABSTIME);
SAME(FALCO_FIELD_BOOL, FTYPE_BOOL);
SAME(FALCO_FIELD_IPADDR, FTYPE_IPADDR);
SAME(FALCO_FIELD_IPNET, FTYPE_IPNET);
SAME(FALCO_STATE_S8, SS_PLUGIN_ST_INT8);
SAME(FALCO_STATE_S16, SS_PLUGIN_ST_INT16);
SAME(FALCO_STATE_S32, SS_PLUGIN_ST_INT32);
SAME(FALCO_STATE_S64, SS_PLUGIN_ST_INT64);
SAME(FALCO_STATE_U8, SS_PLUGIN_ST_UINT8);
SAME(FALCO_STATE_U16, SS_PLUGIN_ST_UINT16);
SAME(FALCO_STATE_U32, SS_PLUGIN_ST_UINT32);
SAME(FALCO_STATE_U64, SS_PLUGIN_ST_UINT64);
SAME(FALCO_STATE_STRING, SS_PLUGIN_ST_STRING);
SAME(FALCO_STATE_TABLE, SS_PLUGIN_ST_TABLE);
SAME(FALCO_STATE_BOOL, SS_PLUGIN_ST_BOOL);
SAME(FALCO_LOG_FATAL, SS_PLUGIN_LOG_SEV_FATAL);
SAME(FALCO_LOG_CRITICAL, SS_PLUGIN_LOG_SEV_CRITICAL);
SAME(FALCO_LOG_ERROR, SS_PLUGIN_LOG_SEV_ERROR);
SAME(FALCO_LOG_WARNING, SS_PLUGIN_LOG_SEV_WARNING);
SAME(FALCO_LOG_NOTICE, SS_PLUGIN_LOG_SEV_NOTICE);
SAME(FALCO_LOG_INFO, SS_PLUGIN_LOG_SEV_INFO);
SAME(FALCO_LOG_DEBUG, SS_PLUGIN_LOG_SEV_DEBUG);
SAME(FALCO_LOG_TRACE, SS_PLUGIN_LOG_SEV_TRACE);
SAME(FALCO_METRIC_MONOTONIC, SS_PLUGIN_METRIC_TYPE_MONOTONIC);
SAME(FALCO_METRIC_NON_MONOTONIC, SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC);
SAME(FALCO_METRIC_U64, SS_PLUGIN_METRIC_VALUE_TYPE_U64);
static_assert(PLUGIN_API_VERSION_MAJOR == 3, "another major version of the plugin interface");

SAME(SCAP_OPEN_X, PPME_SYSCALL_OPEN_X);
SAME(SCAP_SOCKET_X, PPME_SOCKET_SOCKET_X);
SAME(SCAP_CONNECT_X, PPME_SOCKET_CONNECT_X);
SAME(SCAP_CREAT_X, PPME_SYSCALL_CREAT_X);
SAME(SCAP_CHDIR_X, PPME_SYSCALL_CHDIR_X);
SAME(SCAP_FCHDIR_X, PPME_SYSCALL_FCHDIR_X);
SAME(SCAP_PROCEXIT_1_E, PPME_PROCEXIT_1_E);
SAME(SCAP_CLONE_20_X, PPME_SYSCALL_CLONE_20_X);
SAME(SCAP_FORK_20_X, PPME_SYSCALL_FORK_20_X);
SAME(SCAP_VFORK_20_X, PPME_SYSCALL_VFORK_20_X);
SAME(SCAP_EXECVE_19_X, PPME_SYSCALL_EXECVE_19_X);
SAME(SCAP_OPENAT_2_X, PPME_SYSCALL_OPENAT_2_X);
SAME(SCAP_OPENAT2_X, PPME_SYSCALL_OPENAT2_X);
SAME(SCAP_EXECVEAT_X, PPME_SYSCALL_EXECVEAT_X);
SAME(SCAP_CLONE3_X, PPME_SYSCALL_CLONE3_X);
SAME(SCAP_ASYNCEVENT_E, PPME_ASYNCEVENT_E);

SAME(SCAP_O_RDONLY, PPM_O_RDONLY);
SAME(SCAP_O_WRONLY, PPM_O_WRONLY);
SAME(SCAP_O_RDWR, PPM_O_RDWR);
SAME(SCAP_O_CREAT, PPM_O_CREAT);
SAME(SCAP_O_APPEND, PPM_O_APPEND);
SAME(SCAP_O_DSYNC, PPM_O_DSYNC);
SAME(SCAP_O_EXCL, PPM_O_EXCL);
SAME(SCAP_O_NONBLOCK, PPM_O_NONBLOCK);
SAME(SCAP_O_SYNC, PPM_O_SYNC);
SAME(SCAP_O_TRUNC, PPM_O_TRUNC);
SAME(SCAP_O_DIRECT, PPM_O_DIRECT);
SAME(SCAP_O_DIRECTORY, PPM_O_DIRECTORY);
SAME(SCAP_O_LARGEFILE, PPM_O_LARGEFILE);
SAME(SCAP_O_CLOEXEC, PPM_O_CLOEXEC);
SAME(SCAP_O_TMPFILE, PPM_O_TMPFILE);
SAME(SCAP_O_F_CREATED, PPM_O_F_CREATED);
SAME(SCAP_FD_UPPER_LAYER, PPM_FD_UPPER_LAYER);
SAME(SCAP_FD_LOWER_LAYER, PPM_FD_LOWER_LAYER);
SAME(SCAP_CREAT_UPPER_LAYER, PPM_FD_UPPER_LAYER_CREAT);
SAME(SCAP_CREAT_LOWER_LAYER, PPM_FD_LOWER_LAYER_CREAT);
SAME(0400, PPM_S_IRUSR);
SAME(0200, PPM_S_IWUSR);
SAME(0100, PPM_S_IXUSR);
SAME(0040, PPM_S_IRGRP);
SAME(0020, PPM_S_IWGRP);
SAME(0010, PPM_S_IXGRP);
SAME(0004, PPM_S_IROTH);
SAME(0002, PPM_S_IWOTH);
SAME(0001, PPM_S_IXOTH);
SAME(01000, PPM_S_ISVTX);
SAME(02000, PPM_S_ISGID);
SAME(04000, PPM_S_ISUID);
SAME(SCAP_RESOLVE_BENEATH, PPM_RESOLVE_BENEATH);
SAME(SCAP_RESOLVE_IN_ROOT, PPM_RESOLVE_IN_ROOT);
SAME(SCAP_RESOLVE_NO_MAGICLINKS, PPM_RESOLVE_NO_MAGICLINKS);
SAME(SCAP_RESOLVE_NO_SYMLINKS, PPM_RESOLVE_NO_SYMLINKS);
SAME(SCAP_RESOLVE_NO_XDEV, PPM_RESOLVE_NO_XDEV);
SAME(SCAP_RESOLVE_CACHED, PPM_RESOLVE_CACHED);
SAME(SCAP_CLONE_FILES, PPM_CL_CLONE_FILES);
SAME(SCAP_CLONE_FS, PPM_CL_CLONE_FS);
SAME(SCAP_CLONE_IO, PPM_CL_CLONE_IO);
SAME(SCAP_CLONE_NEWIPC, PPM_CL_CLONE_NEWIPC);
SAME(SCAP_CLONE_NEWNET, PPM_CL_CLONE_NEWNET);
SAME(SCAP_CLONE_NEWNS, PPM_CL_CLONE_NEWNS);
SAME(SCAP_CLONE_NEWPID, PPM_CL_CLONE_NEWPID);
SAME(SCAP_CLONE_NEWUTS, PPM_CL_CLONE_NEWUTS);
SAME(SCAP_CLONE_PARENT, PPM_CL_CLONE_PARENT);
SAME(SCAP_CLONE_PARENT_SETTID, PPM_CL_CLONE_PARENT_SETTID);
SAME(SCAP_CLONE_PTRACE, PPM_CL_CLONE_PTRACE);
SAME(SCAP_CLONE_SIGHAND, PPM_CL_CLONE_SIGHAND);
SAME(SCAP_CLONE_SYSVSEM, PPM_CL_CLONE_SYSVSEM);
SAME(SCAP_CLONE_THREAD, PPM_CL_CLONE_THREAD);
SAME(SCAP_CLONE_UNTRACED, PPM_CL_CLONE_UNTRACED);
SAME(SCAP_CLONE_VM, PPM_CL_CLONE_VM);
SAME(SCAP_CLONE_ACTIVE, PPM_CL_ACTIVE);
SAME(SCAP_CLONE_NEWUSER, PPM_CL_CLONE_NEWUSER);
SAME(SCAP_CLONE_CHILD_CLEARTID, PPM_CL_CLONE_CHILD_CLEARTID);
SAME(SCAP_CLONE_CHILD_SETTID, PPM_CL_CLONE_CHILD_SETTID);
SAME(SCAP_CLONE_SETTLS, PPM_CL_CLONE_SETTLS);
SAME(SCAP_CLONE_VFORK, PPM_CL_CLONE_VFORK);
SAME(SCAP_CLONE_NEWCGROUP, PPM_CL_CLONE_NEWCGROUP);
SAME(SCAP_CLONE_CHILD_IN_PIDNS, PPM_CL_CHILD_IN_PIDNS);
SAME(SCAP_EXE_WRITABLE, PPM_EXE_WRITABLE);
SAME(SCAP_EXE_UPPER_LAYER, PPM_EXE_UPPER_LAYER);
SAME(SCAP_EXE_FROM_MEMFD, PPM_EXE_FROM_MEMFD);
SAME(SCAP_EXE_LOWER_LAYER, PPM_EXE_LOWER_LAYER);
SAME(1, PPM_AF_UNIX);
SAME(2, PPM_AF_INET);
SAME(10, PPM_AF_INET6);
SAME(16, PPM_AF_NETLINK);
SAME(17, PPM_AF_PACKET);
SAME(26, PPM_AF_LLC);
SAME(29, PPM_AF_CAN);
SAME(38, PPM_AF_ALG);
SAME(SCAP_AF_LAST, PPM_AF_NFC);
SAME(-100, PPM_AT_FDCWD);
SAME(1LL << 0, (PPM_CAP_CHOWN));
SAME(1LL << 21, (PPM_CAP_SYS_ADMIN));
SAME(1LL << 39, (PPM_CAP_BPF));
SAME(1LL << SCAP_CAP_LAST, (PPM_CAP_CHECKPOINT_RESTORE));

// ---- signatures --------------------------------------------------------------------------------------------------

// Two types may stand for each other in a call: both pointers, or of the same size and kind (an enum is an int).
template <class A, class B>
constexpr bool alike = std::is_pointer_v<A> == std::is_pointer_v<B> && std::is_void_v<A> == std::is_void_v<B> &&
                       (std::is_void_v<A> || sizeof(std::conditional_t<std::is_void_v<A>, int, A>) ==
                                                     sizeof(std::conditional_t<std::is_void_v<B>, int, B>));
template <class A, class B> constexpr bool same_call = false;
template <class R, class... A, class S, class... B>
constexpr bool same_call<R (*)(A...), S (*)(B...)> = []() constexpr {
	if constexpr (sizeof...(A) != sizeof...(B))
		return false;
	else
		return alike<R, S> && (alike<A, B> && ...);
}();

#define CALL(function, member) \
	static_assert(same_call<decltype(&function), decltype(plugin_api::member)>, #function " differs")
#define METHOD(ours, member, theirs, their_member) \
	static_assert(same_call<decltype(ours::member), decltype(theirs::their_member)>, #ours "." #member)

CALL(plugin_get_required_api_version, get_required_api_version);
CALL(plugin_get_required_event_schema_version, get_required_event_schema_version);
CALL(plugin_get_name, get_name);
CALL(plugin_get_description, get_description);
CALL(plugin_get_contact, get_contact);
CALL(plugin_get_version, get_version);
CALL(plugin_get_init_schema, get_init_schema);
CALL(plugin_init, init);
CALL(plugin_destroy, destroy);
CALL(plugin_get_last_error, get_last_error);
CALL(plugin_get_id, get_id);
CALL(plugin_get_event_source, get_event_source);
CALL(plugin_open, open);
CALL(plugin_close, close);
CALL(plugin_next_batch, next_batch);
CALL(plugin_get_fields, get_fields);
CALL(plugin_get_extract_event_sources, get_extract_event_sources);
CALL(plugin_extract_fields, extract_fields);
CALL(plugin_get_parse_event_types, get_parse_event_types);
CALL(plugin_get_parse_event_sources, get_parse_event_sources);
CALL(plugin_parse_event, parse_event);
CALL(plugin_capture_open, capture_open);
CALL(plugin_capture_close, capture_close);
CALL(plugin_get_metrics, get_metrics);
METHOD(falco_table_fields, list, ss_plugin_table_fields_vtable_ext, list_table_fields);
METHOD(falco_table_fields, get, ss_plugin_table_fields_vtable_ext, get_table_field);
METHOD(falco_table_fields, add, ss_plugin_table_fields_vtable_ext, add_table_field);
METHOD(falco_table_reader, name, ss_plugin_table_reader_vtable_ext, get_table_name);
METHOD(falco_table_reader, size, ss_plugin_table_reader_vtable_ext, get_table_size);
METHOD(falco_table_reader, get, ss_plugin_table_reader_vtable_ext, get_table_entry);
METHOD(falco_table_reader, read, ss_plugin_table_reader_vtable_ext, read_entry_field);
METHOD(falco_table_reader, release, ss_plugin_table_reader_vtable_ext, release_table_entry);
METHOD(falco_table_reader, iterate, ss_plugin_table_reader_vtable_ext, iterate_entries);
METHOD(falco_table_writer, clear, ss_plugin_table_writer_vtable_ext, clear_table);
METHOD(falco_table_writer, erase, ss_plugin_table_writer_vtable_ext, erase_table_entry);
METHOD(falco_table_writer, create, ss_plugin_table_writer_vtable_ext, create_table_entry);
METHOD(falco_table_writer, destroy, ss_plugin_table_writer_vtable_ext, destroy_table_entry);
METHOD(falco_table_writer, add, ss_plugin_table_writer_vtable_ext, add_table_entry);
METHOD(falco_table_writer, write, ss_plugin_table_writer_vtable_ext, write_entry_field);
METHOD(falco_init_tables, list_tables, ss_plugin_init_tables_input, list_tables);
METHOD(falco_init_tables, get_table, ss_plugin_init_tables_input, get_table);
METHOD(falco_init_tables, add_table, ss_plugin_init_tables_input, add_table);
static_assert(same_call<falco_log_fn, ss_plugin_log_fn_t>, "log");
static_assert(same_call<falco_entry_visitor, ss_plugin_table_iterator_func_t>, "visitor");

// ---- the event table ---------------------------------------------------------------------------------------------

static bool type_matches(scap_param_type ours, ppm_param_type theirs)
{
	switch (ours) {
	case SCAP_S64:
		return theirs == PT_ERRNO || theirs == PT_PID || theirs == PT_FD || theirs == PT_INT64;
	case SCAP_U64:
		// fdlimit of clone is declared signed.
		return theirs == PT_UINT64 || theirs == PT_ABSTIME || theirs == PT_INT64;
	case SCAP_U32:
		return theirs == PT_UINT32 || theirs == PT_FLAGS32 || theirs == PT_ENUMFLAGS32 || theirs == PT_UID ||
		       theirs == PT_GID || theirs == PT_MODE;
	case SCAP_U16:
		return theirs == PT_UINT16 || theirs == PT_FLAGS16;
	case SCAP_U8:
		return theirs == PT_UINT8 || theirs == PT_SIGTYPE;
	case SCAP_TEXT:
		return theirs == PT_CHARBUF || theirs == PT_FSPATH || theirs == PT_FSRELPATH;
	case SCAP_LIST:
		return theirs == PT_BYTEBUF || theirs == PT_CHARBUFARRAY;
	case SCAP_ADDR:
		return theirs == PT_SOCKADDR;
	case SCAP_TUPLE:
		return theirs == PT_SOCKTUPLE;
	}
	return false;
}

static unsigned passed, failed;

static void check(bool ok, const char *event, const char *what, unsigned param)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	std::printf("FAILED %s: %s (parameter %u)\n", event, what, param);
}

static void check_event(const struct scap_event_info &e, const ppm_event_info &info)
{
	check(!std::strcmp(e.name, info.name), e.name, info.name, 0);
	check(info.nparams >= e.nparams_oldest, e.name, "fewer parameters than we rely on", info.nparams);
	check(!(info.flags & EF_OLD_VERSION), e.name, "is an old version", 0);
	check(!(info.flags & EF_LARGE_PAYLOAD), e.name, "has 32-bit lengths", 0);
	for (unsigned i = 0; i < e.nparams && i < info.nparams; i++)
		check(type_matches(static_cast<scap_param_type>(e.params[i]), info.params[i].type), e.name,
		      info.params[i].name, i);
}

// ---- names of parameters and event types -------------------------------------------------------------------------

// Debian's libs 0.23.2 is older than what we follow, 0.25.4, which has these besides.
static const std::set<std::string> newer_params = {"arg3",        "arg4",       "arg5",     "argv",       "exe_ino_num",
                                                   "exepath",     "fd_type",    "first",    "ino_num",    "last",
                                                   "local_ip",    "local_port", "mnt_id",   "ppid",       "remote_ip",
                                                   "remote_port", "root",       "sid",      "sk_pointer", "sk_proto",
                                                   "sk_type",     "start_time", "sun_path", "arg2",       "vtgid"};
static const std::set<std::string> newer_types = {"close_range",
                                                  "keyctl",
                                                  "task",
                                                  "task_file_anon_inode",
                                                  "task_file_directory",
                                                  "task_file_memfd",
                                                  "task_file_pipe",
                                                  "task_file_regular",
                                                  "task_file_socket_inet",
                                                  "task_file_socket_inet6",
                                                  "task_file_socket_netlink",
                                                  "task_file_socket_unix"};

static bool prints_as(param_print ours, const ppm_param_info &theirs)
{
	switch (ours) {
	case PRINT_DEC:
		return theirs.fmt == PF_DEC || theirs.fmt == PF_ID;
	case PRINT_HEX:
		return theirs.fmt == PF_HEX;
	case PRINT_OCT:
		return theirs.fmt == PF_OCT;
	case PRINT_NONE:
		break;
	}
	return theirs.fmt == PF_NA || theirs.type == PT_CHARBUF || theirs.type == PT_DYN ||
	       theirs.type == PT_IPV4ADDR || theirs.type == PT_FDLIST;
}

static void check_params(const std::map<std::string, const ppm_param_info *> &theirs)
{
	size_t found = 0;
	const char *last = "";
	for (const auto &ours : event_params) {
		check(std::strcmp(last, ours.name) < 0, ours.name, "is not in order", 0);
		last = ours.name;
		auto it = theirs.find(ours.name);
		if (it == theirs.end()) {
			check(newer_params.count(ours.name), "evt.arg", ours.name, 0);
			continue;
		}
		found++;
		check(static_cast<int>(ours.type) == static_cast<int>(it->second->type), "type of", ours.name,
		      ours.type);
		check(prints_as(ours.print, *it->second), "print format of", ours.name, it->second->fmt);
	}
	check(found == theirs.size(), "parameters", "some are missing", static_cast<unsigned>(found));
}

static void check_types(const std::set<std::string> &theirs)
{
	size_t found = theirs.count(GENERIC_EVENT_NAME);
	check(found == 1, "evt.type.is", GENERIC_EVENT_NAME, 0);
	const char *last = "";
	for (const auto &row : event_codes) {
		const char *ours = row.name;
		check(std::strcmp(last, ours) < 0, ours, "is not in order", 0);
		last = ours;
		if (theirs.count(ours))
			found++;
		else
			check(newer_types.count(ours), "evt.type.is", ours, 0);
	}
	check(found == theirs.size(), "event types", "some are missing", static_cast<unsigned>(found));
}

static void check_names(const ppm_event_info *table)
{
	std::map<std::string, const ppm_param_info *> params; // the first of each name
	std::set<std::string> types;
	for (int i = 0; i < PPM_EVENT_MAX; i++) {
		types.insert(table[i].name);
		for (unsigned k = 0; k < table[i].nparams; k++)
			params.emplace(table[i].params[k].name, &table[i].params[k]);
	}
	check_params(params);
	check_types(types);
}

int main()
{
	const ppm_event_info *table = scap_get_event_info_table();
	for (size_t i = 0; i < scap_event_count; i++)
		check_event(scap_events[i], table[scap_events[i].type]);
	check_names(table);
	std::printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
