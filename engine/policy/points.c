/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the decision points. Each row was read in libsinsp 0.25 (parsers.cpp, sinsp_filtercheck_*.cpp): a value
 * that libsinsp keeps from an earlier event than the kernel does, or that it asks the machine for, is lost here.
 */
#include "policy/points.h"

#define VALUE(f, d) {.field = FIELD_##f, .how = POINT_VALUE, .domain = (d), .always = true}
#define NAMED(f, d) {.field = FIELD_##f, .how = POINT_VALUE, .domain = (d), .always = true, .note = "weak-identity"}
#define PARENT(f) {.field = FIELD_##f, .how = POINT_VALUE, .domain = MATCH_ANCESTORS, .note = "weak-identity"}
#define PATH(f, d) {.field = FIELD_##f, .how = POINT_VALUE, .domain = (d), .always = true, .note = "path-resolved"}
#define EITHER(f, d, r) {.field = FIELD_##f, .how = POINT_EITHER_END, .domain = (d), .always = true, .reason = (r)}
#define RANGE(f, l, h) {.field = FIELD_##f, .how = POINT_RANGE, .low = (l), .high = (h), .note = "counterfactual"}
#define FIXED(f, v) {.field = FIELD_##f, .how = POINT_RANGE, .low = (v), .high = (v)}
#define TEXT(f, t) {.field = FIELD_##f, .how = POINT_TEXT, .text = (t)}
#define RESULT(f, t) {.field = FIELD_##f, .how = POINT_TEXT, .text = (t), .note = "counterfactual"}
#define LOST(f, r) {.field = FIELD_##f, .how = POINT_LOST, .reason = (r)}

#define USER_NAME "user names are not resolved to user ids yet; user.uid is decided"
#define LOCAL_END "the local address and port are not known before the connection is made"
#define INTERFACES \
	"Falco decides which end is remote by its list of local interface addresses, which the kernel does not have"
#define IDS                                                                                                        \
	"Falco takes the id that setuid and the like were called with, even none (-1); the kernel has the one in " \
	"force"
#define STALE "Falco keeps the value of the last exec or clone, the kernel the current one"

static const struct point_field exec_fields[] = {
        {.field = FIELD_EVT_TYPE, .how = POINT_VALUE, .domain = MATCH_EVENT, .always = true},
        TEXT(EVT_DIR, "<"),
        RANGE(EVT_RAWRES, 0, 0),
        RESULT(EVT_RES, "SUCCESS"),
        RANGE(EVT_FAILED, 0, 0),
        FIXED(EVT_IS_OPEN_READ, 0),
        FIXED(EVT_IS_OPEN_WRITE, 0),
        FIXED(EVT_IS_OPEN_EXEC, 0),
        FIXED(EVT_IS_OPEN_CREATE, 0),
        NAMED(PROC_NAME, MATCH_NAME),
        PARENT(PROC_PNAME),
        PARENT(PROC_ANAME),
        PATH(PROC_EXEPATH, MATCH_EXEPATH),
        VALUE(PROC_CMDLINE, MATCH_CMDLINE),
        LOST(PROC_CWD, "Falco follows chdir from the process's start, the kernel resolves the directory at the exec"),
        VALUE(PROC_TTY, MATCH_TTY),
        VALUE(PROC_PID, MATCH_PID),
        VALUE(PROC_IS_EXE_UPPER_LAYER, MATCH_EXE_UPPER),
        VALUE(PROC_IS_EXE_FROM_MEMFD, MATCH_EXE_MEMFD),
        VALUE(USER_UID, MATCH_UID),
        VALUE(USER_LOGINUID, MATCH_LOGINUID),
        LOST(USER_NAME, USER_NAME),
        LOST(USER_LOGINNAME, USER_NAME),
        VALUE(THREAD_CAP_EFFECTIVE, MATCH_CAPS),
        VALUE(CONTAINER_ID, MATCH_CONTAINER),
};

/*
 * What a process can change between its exec or clone and a connect, and what Falco then answers:
 * - its name (prctl, /proc/self/comm): the old one, which the records keep; a thread's is unknown once one was renamed.
 * - its arguments (setproctitle): those of the exec; of a clone what was in memory then, so unknown there.
 * - its cgroup: the container of the exec or clone, for each thread its own; unknown for threads after a move.
 * - its root or executable (chroot, rename, unlink): the path of the exec, as in the records.
 * - user ids: see IDS. Capabilities, terminal, login id: the old ones; lost.
 * - its parent: Falco follows reparenting, the kernel has it; being traced changes no parent of either.
 */
static const struct point_field connect_fields[] = {
        {.field = FIELD_EVT_TYPE, .how = POINT_VALUE, .domain = MATCH_EVENT, .always = true},
        TEXT(EVT_DIR, "<"),
        RANGE(EVT_RAWRES, 0, 0),
        RESULT(EVT_RES, "SUCCESS"),
        RANGE(EVT_FAILED, 0, 0),
        FIXED(EVT_IS_OPEN_READ, 0),
        FIXED(EVT_IS_OPEN_WRITE, 0),
        FIXED(EVT_IS_OPEN_EXEC, 0),
        FIXED(EVT_IS_OPEN_CREATE, 0),
        RANGE(FD_NUM, 0, INT32_MAX),
        VALUE(FD_TYPE, MATCH_FD_TYPE),
        VALUE(FD_TYPECHAR, MATCH_FD_TYPECHAR),
        VALUE(FD_L4PROTO, MATCH_L4PROTO),
        VALUE(FD_SIP, MATCH_ADDR4),
        VALUE(FD_SNET, MATCH_ADDR4),
        VALUE(FD_SPORT, MATCH_PORT),
        EITHER(FD_IP, MATCH_ADDR4, LOCAL_END),
        EITHER(FD_NET, MATCH_ADDR4, LOCAL_END),
        EITHER(FD_PORT, MATCH_PORT, LOCAL_END),
        LOST(FD_CIP, LOCAL_END),
        LOST(FD_CNET, LOCAL_END),
        LOST(FD_CPORT, LOCAL_END),
        LOST(FD_LIP, INTERFACES),
        LOST(FD_LNET, INTERFACES),
        LOST(FD_LPORT, INTERFACES),
        LOST(FD_RIP, INTERFACES),
        LOST(FD_RNET, INTERFACES),
        LOST(FD_RPORT, INTERFACES),
        LOST(FD_NAME, LOCAL_END),
        NAMED(PROC_NAME, MATCH_NAME),
        PARENT(PROC_PNAME),
        PARENT(PROC_ANAME),
        PATH(PROC_EXEPATH, MATCH_EXEPATH),
        VALUE(PROC_CMDLINE, MATCH_CMDLINE),
        LOST(PROC_CWD, "Falco follows chdir from the process's start, the kernel does not keep it for connections"),
        LOST(PROC_TTY, STALE),
        VALUE(PROC_PID, MATCH_PID),
        VALUE(PROC_IS_EXE_UPPER_LAYER, MATCH_EXE_UPPER),
        VALUE(PROC_IS_EXE_FROM_MEMFD, MATCH_EXE_MEMFD),
        LOST(USER_UID, IDS),
        LOST(USER_LOGINUID, STALE),
        LOST(USER_NAME, STALE),
        LOST(USER_LOGINNAME, STALE),
        LOST(THREAD_CAP_EFFECTIVE, STALE),
        VALUE(CONTAINER_ID, MATCH_CONTAINER),
};

#define ROWS(a) .fields = (a), .nfields = sizeof(a) / sizeof((a)[0])

static const struct point_info points[TERCEL_POINTS] = {
        {.point = TERCEL_POINT_EXEC_COMMIT,
         .name = "sched_process_exec",
         .strength = "kill-before-run",
         .events = {FILTER_EVENT_EXECVE, FILTER_EVENT_EXECVEAT},
         .nevents = 2,
         ROWS(exec_fields)},
        {.point = TERCEL_POINT_CONNECT4,
         .name = "cgroup_connect4",
         .strength = "deny",
         .events = {FILTER_EVENT_CONNECT},
         .nevents = 1,
         ROWS(connect_fields)},
        {.point = TERCEL_POINT_CONNECT6,
         .name = "cgroup_connect6",
         .strength = "deny",
         .events = {FILTER_EVENT_CONNECT},
         .nevents = 1,
         ROWS(connect_fields)},
};

static const struct point_field unread = {
        .how = POINT_LOST,
        .reason = "the programs at this decision point do not read this field",
};

static const struct point_field no_descriptor = {
        .how = POINT_LOST,
        .reason = "an exec has no file descriptor of its own; what Falco shows is left from earlier calls",
};

const struct point_info *point_info(enum tercel_point point)
{
	return &points[(unsigned int)point < TERCEL_POINTS ? point : 0];
}

const struct point_field *point_field(const struct point_info *point, enum field_id field)
{
	for (size_t i = 0; i < point->nfields; i++)
		if (point->fields[i].field == field)
			return &point->fields[i];
	if (point->point == TERCEL_POINT_EXEC_COMMIT && field_by_id(field)->name[0] == 'f' &&
	    field_by_id(field)->name[1] == 'd')
		return &no_descriptor;
	return &unread;
}

const char *point_act(enum tercel_point point)
{
	return point == TERCEL_POINT_EXEC_COMMIT ? "the start of a program" : "an outgoing connection";
}
