/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the field catalogue, one per field: what everything else (enum, look-up, type checks, help,
 * documentation) is made from. To add a field, add its row. Names, types, arguments and flags are those of libsinsp
 * 0.25.4 (the filter checks' tables and code; tests/falco/fields.cpp compares them with a real one) and of Falco's
 * container plugin 0.7.1; the descriptions are ours.
 *
 * X(ID, "name", CLASS, TYPE, ARG, flags, "description"): FIELD_ID, FIELD_CLASS_*, FIELD_TYPE_*, FIELD_ARG_*. The fields
 * of a class stand together.
 */
#ifndef TERCEL_COMPAT_FIELDS_TABLE_H
#define TERCEL_COMPAT_FIELDS_TABLE_H

#define FIELDS_LIBSINSP "0.25.4"

// clang-format off
/*
 * Falco's classes of fields. Those of a plugin it calls by the plugin's name; we tell containers and pods apart.
 *
 * X(ID, "name", "title", PROVIDER): FIELD_CLASS_ID, FIELD_FROM_*. Names are not unique.
 */
#define TERCEL_FIELD_CLASSES(X) \
	X(EVENT, "evt", "all events", FALCO) \
	X(SYSCALL, "evt", "system calls", FALCO) \
	X(PROCESS, "process", "processes and threads", FALCO) \
	X(USER, "user", "users", FALCO) \
	X(GROUP, "group", "user groups", FALCO) \
	X(FD, "fd", "file descriptors: files, sockets and the rest", FALCO) \
	X(FS_PATH, "fs.path", "paths that a call works on", FALCO) \
	X(UTIL, "util", "helpers", FALCO) \
	X(FDLIST, "fdlist", "the descriptors of a poll", FALCO) \
	X(CONTAINER, "container", "containers", CONTAINER) \
	X(K8S, "k8s", "Kubernetes pods", CONTAINER) \
	X(TERCEL, "tercel", "lineage and verdicts", TERCEL)

#define FIELDS_EVENT(X) \
	X(EVT_NUM, "evt.num", EVENT, UINT64, NONE, 0, \
	  "running number of the event") \
	X(EVT_TIME, "evt.time", EVENT, STRING, NONE, 0, \
	  "time of day with nanoseconds") \
	X(EVT_TIME_S, "evt.time.s", EVENT, STRING, NONE, 0, \
	  "time of day without nanoseconds") \
	X(EVT_TIME_ISO8601, "evt.time.iso8601", EVENT, STRING, NONE, 0, \
	  "time in ISO 8601 with nanoseconds, UTC") \
	X(EVT_DATETIME, "evt.datetime", EVENT, STRING, NONE, 0, \
	  "date and time with nanoseconds") \
	X(EVT_DATETIME_S, "evt.datetime.s", EVENT, STRING, NONE, 0, \
	  "date and time without nanoseconds") \
	X(EVT_RAWTIME, "evt.rawtime", EVENT, ABSTIME, NONE, 0, \
	  "nanoseconds since the epoch") \
	X(EVT_RAWTIME_S, "evt.rawtime.s", EVENT, ABSTIME, NONE, 0, \
	  "whole seconds since the epoch") \
	X(EVT_RAWTIME_NS, "evt.rawtime.ns", EVENT, ABSTIME, NONE, FIELD_PADDED, \
	  "nanoseconds below a second since the epoch") \
	X(EVT_RELTIME, "evt.reltime", EVENT, RELTIME, NONE, FIELD_PADDED, \
	  "nanoseconds since the capture began") \
	X(EVT_RELTIME_S, "evt.reltime.s", EVENT, RELTIME, NONE, 0, \
	  "whole seconds since the capture began") \
	X(EVT_RELTIME_NS, "evt.reltime.ns", EVENT, RELTIME, NONE, FIELD_PADDED, \
	  "nanoseconds below a second since the capture began") \
	X(EVT_PLUGINNAME, "evt.pluginname", EVENT, STRING, NONE, 0, \
	  "name of the plugin that made the event") \
	X(EVT_PLUGININFO, "evt.plugininfo", EVENT, STRING, NONE, 0, \
	  "event as its plugin describes it") \
	X(EVT_SOURCE, "evt.source", EVENT, STRING, NONE, 0, \
	  "source of the event: syscall, ...") \
	X(EVT_IS_ASYNC, "evt.is_async", EVENT, BOOL, NONE, 0, \
	  "whether the event is asynchronous") \
	X(EVT_ASYNCTYPE, "evt.asynctype", EVENT, STRING, NONE, 0, \
	  "name of an asynchronous event") \
	X(EVT_HOSTNAME, "evt.hostname", EVENT, STRING, NONE, 0, \
	  "name of the host")

#define FIELDS_SYSCALL(X) \
	X(EVT_LATENCY, "evt.latency", SYSCALL, RELTIME, NONE, FIELD_DEPRECATED, \
	  "always 0: only the end of a call is an event") \
	X(EVT_LATENCY_S, "evt.latency.s", SYSCALL, RELTIME, NONE, FIELD_DEPRECATED, \
	  "always 0: only the end of a call is an event") \
	X(EVT_LATENCY_NS, "evt.latency.ns", SYSCALL, RELTIME, NONE, FIELD_DEPRECATED | FIELD_PADDED, \
	  "always 0: only the end of a call is an event") \
	X(EVT_LATENCY_QUANTIZED, "evt.latency.quantized", SYSCALL, UINT64, NONE, FIELD_HIDDEN | FIELD_DEPRECATED, \
	  "always 0: only the end of a call is an event") \
	X(EVT_LATENCY_HUMAN, "evt.latency.human", SYSCALL, STRING, NONE, FIELD_DEPRECATED, \
	  "always 0ns") \
	X(EVT_DELTATIME, "evt.deltatime", SYSCALL, RELTIME, NONE, 0, \
	  "nanoseconds since the event before") \
	X(EVT_DELTATIME_S, "evt.deltatime.s", SYSCALL, RELTIME, NONE, 0, \
	  "whole seconds since the event before") \
	X(EVT_DELTATIME_NS, "evt.deltatime.ns", SYSCALL, RELTIME, NONE, FIELD_PADDED, \
	  "nanoseconds below a second since the event before") \
	X(EVT_OUTPUTTIME, "evt.outputtime", SYSCALL, STRING, NONE, FIELD_PRINT_ONLY, \
	  "time as the output was asked to print it") \
	X(EVT_DIR, "evt.dir", SYSCALL, STRING, NONE, FIELD_DEPRECATED, \
	  "direction of the event: < for the end of a call") \
	X(EVT_TYPE, "evt.type", SYSCALL, STRING, NONE, 0, \
	  "name of the event: execve, openat, ...") \
	X(EVT_TYPE_IS, "evt.type.is", SYSCALL, UINT32, DOTTED, FIELD_UNPRINTED, \
	  "1 if the event is of that type, else 0: evt.type.is.open") \
	X(SYSCALL_TYPE, "syscall.type", SYSCALL, STRING, NONE, 0, \
	  "name of the system call; missing for other events") \
	X(EVT_CATEGORY, "evt.category", SYSCALL, STRING, NONE, 0, \
	  "category of the event: file, net, process, ...") \
	X(EVT_CPU, "evt.cpu", SYSCALL, INT16, NONE, 0, \
	  "processor on which the event happened") \
	X(EVT_ARGS, "evt.args", SYSCALL, STRING, NONE, 0, \
	  "all parameters as one string") \
	X(EVT_ARG, "evt.arg", SYSCALL, STRING, DOTTED_OR_INDEX, 0, \
	  "one parameter by name or number, as text: evt.arg.flags, evt.arg[0]") \
	X(EVT_RAWARG, "evt.rawarg", SYSCALL, DYNAMIC, DOTTED, FIELD_NO_RHS | FIELD_NO_TRANSFORMER, \
	  "one parameter by name, unformatted: evt.rawarg.flags") \
	X(EVT_INFO, "evt.info", SYSCALL, STRING, NONE, 0, \
	  "parameters as one string, or what an event tells besides") \
	X(EVT_BUFFER, "evt.buffer", SYSCALL, BYTES, NONE, 0, \
	  "data of a read, write, send or receive") \
	X(EVT_BUFLEN, "evt.buflen", SYSCALL, UINT64, NONE, 0, \
	  "length of that data, bytes") \
	X(EVT_RES, "evt.res", SYSCALL, STRING, NONE, 0, \
	  "result: SUCCESS or the name of the error") \
	X(EVT_RAWRES, "evt.rawres", SYSCALL, INT64, NONE, 0, \
	  "result as a number; negative is an error") \
	X(EVT_FAILED, "evt.failed", SYSCALL, BOOL, NONE, 0, \
	  "whether the call returned an error") \
	X(EVT_IS_IO, "evt.is_io", SYSCALL, BOOL, NONE, 0, \
	  "whether the event reads or writes data") \
	X(EVT_IS_IO_READ, "evt.is_io_read", SYSCALL, BOOL, NONE, 0, \
	  "whether the event reads data") \
	X(EVT_IS_IO_WRITE, "evt.is_io_write", SYSCALL, BOOL, NONE, 0, \
	  "whether the event writes data") \
	X(EVT_IO_DIR, "evt.io_dir", SYSCALL, STRING, NONE, 0, \
	  "read or write; missing for other events") \
	X(EVT_IS_WAIT, "evt.is_wait", SYSCALL, BOOL, NONE, 0, \
	  "whether the event makes a thread wait") \
	X(EVT_WAIT_LATENCY, "evt.wait_latency", SYSCALL, RELTIME, NONE, FIELD_DEPRECATED, \
	  "always 0: only the end of a call is an event") \
	X(EVT_IS_SYSLOG, "evt.is_syslog", SYSCALL, BOOL, NONE, 0, \
	  "whether the event writes to the system log") \
	X(EVT_COUNT, "evt.count", SYSCALL, UINT32, NONE, 0, \
	  "always 1, for sums") \
	X(EVT_COUNT_ERROR, "evt.count.error", SYSCALL, UINT32, NONE, 0, \
	  "1 if the event failed, for sums") \
	X(EVT_COUNT_ERROR_FILE, "evt.count.error.file", SYSCALL, UINT32, NONE, 0, \
	  "1 if a file operation failed, for sums") \
	X(EVT_COUNT_ERROR_NET, "evt.count.error.net", SYSCALL, UINT32, NONE, 0, \
	  "1 if a network operation failed, for sums") \
	X(EVT_COUNT_ERROR_MEMORY, "evt.count.error.memory", SYSCALL, UINT32, NONE, 0, \
	  "1 if a memory operation failed, for sums") \
	X(EVT_COUNT_ERROR_OTHER, "evt.count.error.other", SYSCALL, UINT32, NONE, 0, \
	  "1 if another operation failed, for sums") \
	X(EVT_COUNT_EXIT, "evt.count.exit", SYSCALL, UINT32, NONE, 0, \
	  "1 on exit events, for sums") \
	X(EVT_COUNT_PROCINFO, "evt.count.procinfo", SYSCALL, UINT32, NONE, FIELD_HIDDEN, \
	  "1 on process information events, for sums") \
	X(EVT_COUNT_THREADINFO, "evt.count.threadinfo", SYSCALL, UINT32, NONE, FIELD_HIDDEN, \
	  "1 on thread information events, for sums") \
	X(EVT_AROUND, "evt.around", SYSCALL, UINT64, INDEX, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_EQUAL_ONLY, \
	  "whether the event is within some milliseconds of a time as in evt.rawtime: evt.around[TIME] = 1000") \
	X(EVT_ABSPATH, "evt.abspath", SYSCALL, STRING, DOTTED_OPTIONAL, 0, \
	  "absolute path from a directory and a name: evt.abspath, evt.abspath.src, evt.abspath.dst") \
	X(EVT_BUFLEN_IN, "evt.buflen.in", SYSCALL, UINT64, NONE, FIELD_HIDDEN, \
	  "bytes read") \
	X(EVT_BUFLEN_OUT, "evt.buflen.out", SYSCALL, UINT64, NONE, FIELD_HIDDEN, \
	  "bytes written") \
	X(EVT_BUFLEN_FILE, "evt.buflen.file", SYSCALL, UINT64, NONE, FIELD_HIDDEN, \
	  "bytes read or written on files") \
	X(EVT_BUFLEN_FILE_IN, "evt.buflen.file.in", SYSCALL, UINT64, NONE, FIELD_HIDDEN, \
	  "bytes read from files") \
	X(EVT_BUFLEN_FILE_OUT, "evt.buflen.file.out", SYSCALL, UINT64, NONE, FIELD_HIDDEN, \
	  "bytes written to files") \
	X(EVT_BUFLEN_NET, "evt.buflen.net", SYSCALL, UINT64, NONE, FIELD_HIDDEN, \
	  "bytes sent or received") \
	X(EVT_BUFLEN_NET_IN, "evt.buflen.net.in", SYSCALL, UINT64, NONE, FIELD_HIDDEN, \
	  "bytes received") \
	X(EVT_BUFLEN_NET_OUT, "evt.buflen.net.out", SYSCALL, UINT64, NONE, FIELD_HIDDEN, \
	  "bytes sent") \
	X(EVT_IS_OPEN_READ, "evt.is_open_read", SYSCALL, BOOL, NONE, 0, \
	  "whether an open asks for reading") \
	X(EVT_IS_OPEN_WRITE, "evt.is_open_write", SYSCALL, BOOL, NONE, 0, \
	  "whether an open asks for writing") \
	X(EVT_INFRA_DOCKER_NAME, "evt.infra.docker.name", SYSCALL, STRING, NONE, FIELD_HIDDEN, \
	  "name in a container engine's event") \
	X(EVT_INFRA_DOCKER_CONTAINER_ID, "evt.infra.docker.container.id", SYSCALL, STRING, NONE, FIELD_HIDDEN, \
	  "container id in a container engine's event") \
	X(EVT_INFRA_DOCKER_CONTAINER_NAME, "evt.infra.docker.container.name", SYSCALL, STRING, NONE, FIELD_HIDDEN, \
	  "container name in a container engine's event") \
	X(EVT_INFRA_DOCKER_CONTAINER_IMAGE, "evt.infra.docker.container.image", SYSCALL, STRING, NONE, FIELD_HIDDEN, \
	  "image in a container engine's event") \
	X(EVT_IS_OPEN_EXEC, "evt.is_open_exec", SYSCALL, BOOL, NONE, 0, \
	  "whether an open creates a file that may be executed") \
	X(EVT_IS_OPEN_CREATE, "evt.is_open_create", SYSCALL, BOOL, NONE, 0, \
	  "whether an open created the file")

/*
 * FIELD_ANY_ANCESTOR stands where libsinsp compares by a function of its own: proc.aargs has none, and without an index
 * compares one string of all ancestors' arguments. proc.aenv compares by its own function whenever no variable is named,
 * so also with a number: proc.aenv[2] asks for any ancestor.
 */
#define FIELDS_PROCESS(X) \
	X(PROC_EXE, "proc.exe", PROCESS, STRING, NONE, 0, \
	  "first argument of the command line (argv[0])") \
	X(PROC_PEXE, "proc.pexe", PROCESS, STRING, NONE, 0, \
	  "proc.exe of the parent process") \
	X(PROC_AEXE, "proc.aexe", PROCESS, STRING, INDEX_OPTIONAL, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_ANY_ANCESTOR, \
	  "proc.exe of an ancestor by distance; without an index, of any ancestor") \
	X(PROC_EXEPATH, "proc.exepath", PROCESS, STRING, NONE, 0, \
	  "absolute path of the program file, symbolic links resolved") \
	X(PROC_PEXEPATH, "proc.pexepath", PROCESS, STRING, NONE, 0, \
	  "proc.exepath of the parent process") \
	X(PROC_AEXEPATH, "proc.aexepath", PROCESS, STRING, INDEX_OPTIONAL, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_ANY_ANCESTOR, \
	  "proc.exepath of an ancestor by distance; without an index, of any ancestor") \
	X(PROC_NAME, "proc.name", PROCESS, STRING, NONE, 0, \
	  "command name (comm): base name of the program file, cut at 15 bytes, or what the process set") \
	X(PROC_PNAME, "proc.pname", PROCESS, STRING, NONE, 0, \
	  "proc.name of the parent process") \
	X(PROC_ANAME, "proc.aname", PROCESS, STRING, INDEX_OPTIONAL, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_ANY_ANCESTOR, \
	  "proc.name of an ancestor by distance; without an index, of any ancestor") \
	X(PROC_ARGS, "proc.args", PROCESS, STRING, INDEX_OPTIONAL, 0, \
	  "arguments after argv[0], joined by blanks; one of them with an index from 0") \
	X(PROC_AARGS, "proc.aargs", PROCESS, STRING, INDEX_OPTIONAL, 0, \
	  "proc.args of an ancestor by distance; without an index, of all ancestors in one string") \
	X(PROC_CMDLINE, "proc.cmdline", PROCESS, STRING, NONE, 0, \
	  "proc.name and the arguments, joined by blanks") \
	X(PROC_PCMDLINE, "proc.pcmdline", PROCESS, STRING, NONE, 0, \
	  "proc.cmdline of the parent process") \
	X(PROC_ACMDLINE, "proc.acmdline", PROCESS, STRING, INDEX_OPTIONAL, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_ANY_ANCESTOR, \
	  "proc.cmdline of an ancestor by distance; without an index, of any ancestor") \
	X(PROC_CMDNARGS, "proc.cmdnargs", PROCESS, UINT64, NONE, 0, \
	  "number of arguments") \
	X(PROC_CMDLENARGS, "proc.cmdlenargs", PROCESS, UINT64, NONE, 0, \
	  "bytes in all arguments together, separators not counted") \
	X(PROC_EXELINE, "proc.exeline", PROCESS, STRING, NONE, 0, \
	  "proc.exe and the arguments, joined by blanks") \
	X(PROC_ENV, "proc.env", PROCESS, STRING, KEY_OPTIONAL, 0, \
	  "environment as NAME=value joined by blanks; one value by its name") \
	X(PROC_AENV, "proc.aenv", PROCESS, STRING, KEY_OPTIONAL, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_ANY_ANCESTOR, \
	  "environment of an ancestor: one variable by its name; without one, a comparison asks for any ancestor") \
	X(PROC_CWD, "proc.cwd", PROCESS, STRING, NONE, 0, \
	  "working directory") \
	X(PROC_LOGINSHELLID, "proc.loginshellid", PROCESS, INT64, NONE, 0, \
	  "pid of the eldest shell among the ancestors") \
	X(PROC_TTY, "proc.tty", PROCESS, UINT32, NONE, 0, \
	  "number of the controlling terminal, 0 without one") \
	X(PROC_PID, "proc.pid", PROCESS, INT64, NONE, 0, \
	  "process id in the host's pid namespace") \
	X(PROC_PPID, "proc.ppid", PROCESS, INT64, NONE, 0, \
	  "pid of the parent process") \
	X(PROC_APID, "proc.apid", PROCESS, INT64, INDEX_OPTIONAL, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_ANY_ANCESTOR, \
	  "pid of an ancestor by distance; without an index, of any ancestor") \
	X(PROC_VPID, "proc.vpid", PROCESS, INT64, NONE, 0, \
	  "process id in its own pid namespace") \
	X(PROC_PVPID, "proc.pvpid", PROCESS, INT64, NONE, 0, \
	  "proc.vpid of the parent process") \
	X(PROC_SID, "proc.sid", PROCESS, INT64, NONE, 0, \
	  "session id") \
	X(PROC_SNAME, "proc.sname", PROCESS, STRING, NONE, 0, \
	  "proc.name of the session leader") \
	X(PROC_SID_EXE, "proc.sid.exe", PROCESS, STRING, NONE, 0, \
	  "proc.exe of the session leader") \
	X(PROC_SID_EXEPATH, "proc.sid.exepath", PROCESS, STRING, NONE, 0, \
	  "proc.exepath of the session leader") \
	X(PROC_VPGID, "proc.vpgid", PROCESS, INT64, NONE, 0, \
	  "process group id in its own pid namespace") \
	X(PROC_VPGID_NAME, "proc.vpgid.name", PROCESS, STRING, NONE, 0, \
	  "proc.name of the leader of the group proc.vpgid") \
	X(PROC_VPGID_EXE, "proc.vpgid.exe", PROCESS, STRING, NONE, 0, \
	  "proc.exe of the leader of the group proc.vpgid") \
	X(PROC_VPGID_EXEPATH, "proc.vpgid.exepath", PROCESS, STRING, NONE, 0, \
	  "proc.exepath of the leader of the group proc.vpgid") \
	X(PROC_PGID, "proc.pgid", PROCESS, INT64, NONE, 0, \
	  "process group id in the host's pid namespace") \
	X(PROC_PGID_NAME, "proc.pgid.name", PROCESS, STRING, NONE, 0, \
	  "proc.name of the leader of the group proc.pgid") \
	X(PROC_PGID_EXE, "proc.pgid.exe", PROCESS, STRING, NONE, 0, \
	  "proc.exe of the leader of the group proc.pgid") \
	X(PROC_PGID_EXEPATH, "proc.pgid.exepath", PROCESS, STRING, NONE, 0, \
	  "proc.exepath of the leader of the group proc.pgid") \
	X(PROC_DURATION, "proc.duration", PROCESS, RELTIME, NONE, 0, \
	  "nanoseconds since the process started") \
	X(PROC_PPID_DURATION, "proc.ppid.duration", PROCESS, RELTIME, NONE, 0, \
	  "nanoseconds since the parent process started") \
	X(PROC_PID_TS, "proc.pid.ts", PROCESS, RELTIME, NONE, 0, \
	  "start of the process, nanoseconds since the epoch") \
	X(PROC_PPID_TS, "proc.ppid.ts", PROCESS, RELTIME, NONE, 0, \
	  "start of the parent process, nanoseconds since the epoch") \
	X(PROC_IS_EXE_WRITABLE, "proc.is_exe_writable", PROCESS, BOOL, NONE, 0, \
	  "whether the process's user may write its program file") \
	X(PROC_IS_EXE_UPPER_LAYER, "proc.is_exe_upper_layer", PROCESS, BOOL, NONE, 0, \
	  "whether the program file is in the upper layer of an overlay") \
	X(PROC_IS_EXE_LOWER_LAYER, "proc.is_exe_lower_layer", PROCESS, BOOL, NONE, 0, \
	  "whether the program file is in a lower layer of an overlay") \
	X(PROC_IS_EXE_FROM_MEMFD, "proc.is_exe_from_memfd", PROCESS, BOOL, NONE, 0, \
	  "whether the program is an anonymous memory file (memfd_create)") \
	X(PROC_IS_SID_LEADER, "proc.is_sid_leader", PROCESS, BOOL, NONE, 0, \
	  "whether the process leads its session") \
	X(PROC_IS_VPGID_LEADER, "proc.is_vpgid_leader", PROCESS, BOOL, NONE, 0, \
	  "whether the process leads the group proc.vpgid") \
	X(PROC_IS_PGID_LEADER, "proc.is_pgid_leader", PROCESS, BOOL, NONE, 0, \
	  "whether the process leads the group proc.pgid") \
	X(PROC_EXE_INO, "proc.exe_ino", PROCESS, INT64, NONE, 0, \
	  "inode number of the program file") \
	X(PROC_EXE_INO_CTIME, "proc.exe_ino.ctime", PROCESS, ABSTIME, NONE, 0, \
	  "last status change of the program file, nanoseconds since the epoch") \
	X(PROC_EXE_INO_MTIME, "proc.exe_ino.mtime", PROCESS, ABSTIME, NONE, 0, \
	  "last modification of the program file, nanoseconds since the epoch") \
	X(PROC_EXE_INO_CTIME_DURATION_PROC_START, "proc.exe_ino.ctime_duration_proc_start", PROCESS, ABSTIME, NONE, 0, \
	  "nanoseconds from the program file's status change to the start of the process") \
	X(PROC_EXE_INO_CTIME_DURATION_PIDNS_START, "proc.exe_ino.ctime_duration_pidns_start", PROCESS, ABSTIME, NONE, 0, \
	  "nanoseconds from the pid namespace's start to the program file's status change") \
	X(PROC_PIDNS_INIT_START_TS, "proc.pidns_init_start_ts", PROCESS, UINT64, NONE, 0, \
	  "start of the pid namespace's first process, nanoseconds since the epoch") \
	X(PROC_FDOPENCOUNT, "proc.fdopencount", PROCESS, UINT64, NONE, 0, \
	  "number of open file descriptors") \
	X(PROC_FDLIMIT, "proc.fdlimit", PROCESS, INT64, NONE, 0, \
	  "highest number of file descriptors the process may open") \
	X(PROC_FDUSAGE, "proc.fdusage", PROCESS, DOUBLE, NONE, 0, \
	  "open file descriptors in percent of their limit") \
	X(PROC_VMSIZE, "proc.vmsize", PROCESS, UINT64, NONE, 0, \
	  "virtual memory of the process, kB") \
	X(PROC_VMRSS, "proc.vmrss", PROCESS, UINT64, NONE, 0, \
	  "resident memory of the process, kB") \
	X(PROC_VMSWAP, "proc.vmswap", PROCESS, UINT64, NONE, 0, \
	  "swapped memory of the process, kB") \
	X(PROC_NTHREADS, "proc.nthreads", PROCESS, UINT64, NONE, 0, \
	  "number of live threads of the process, the main one included") \
	X(PROC_NCHILDS, "proc.nchilds", PROCESS, UINT64, NONE, 0, \
	  "number of live threads of the process but the main one") \
	X(PROC_STDIN_TYPE, "proc.stdin.type", PROCESS, STRING, NONE, 0, \
	  "kind of file descriptor 0") \
	X(PROC_STDOUT_TYPE, "proc.stdout.type", PROCESS, STRING, NONE, 0, \
	  "kind of file descriptor 1") \
	X(PROC_STDERR_TYPE, "proc.stderr.type", PROCESS, STRING, NONE, 0, \
	  "kind of file descriptor 2") \
	X(PROC_STDIN_NAME, "proc.stdin.name", PROCESS, STRING, NONE, 0, \
	  "name of file descriptor 0") \
	X(PROC_STDOUT_NAME, "proc.stdout.name", PROCESS, STRING, NONE, 0, \
	  "name of file descriptor 1") \
	X(PROC_STDERR_NAME, "proc.stderr.name", PROCESS, STRING, NONE, 0, \
	  "name of file descriptor 2") \
	X(THREAD_CAP_PERMITTED, "thread.cap_permitted", PROCESS, STRING, NONE, 0, \
	  "permitted capabilities, names joined by blanks") \
	X(THREAD_CAP_INHERITABLE, "thread.cap_inheritable", PROCESS, STRING, NONE, 0, \
	  "inheritable capabilities, names joined by blanks") \
	X(THREAD_CAP_EFFECTIVE, "thread.cap_effective", PROCESS, STRING, NONE, 0, \
	  "effective capabilities, names joined by blanks") \
	X(THREAD_PFMAJOR, "thread.pfmajor", PROCESS, UINT64, NONE, 0, \
	  "major page faults since the thread started") \
	X(THREAD_PFMINOR, "thread.pfminor", PROCESS, UINT64, NONE, 0, \
	  "minor page faults since the thread started") \
	X(THREAD_TID, "thread.tid", PROCESS, INT64, NONE, 0, \
	  "thread id in the host's pid namespace") \
	X(THREAD_ISMAIN, "thread.ismain", PROCESS, BOOL, NONE, 0, \
	  "whether the thread is the main one of its process") \
	X(THREAD_VTID, "thread.vtid", PROCESS, INT64, NONE, 0, \
	  "thread id in its own pid namespace") \
	X(THREAD_NAMETID, "thread.nametid", PROCESS, STRING, NONE, FIELD_HIDDEN, \
	  "process name and thread id in one string") \
	X(THREAD_EXECTIME, "thread.exectime", PROCESS, RELTIME, NONE, 0, \
	  "processor time of the thread's last turn, nanoseconds") \
	X(THREAD_TOTEXECTIME, "thread.totexectime", PROCESS, RELTIME, NONE, 0, \
	  "processor time of the thread since the capture began, nanoseconds") \
	X(THREAD_CGROUPS, "thread.cgroups", PROCESS, STRING, NONE, 0, \
	  "all cgroups of the thread, joined by blanks") \
	X(THREAD_CGROUP, "thread.cgroup", PROCESS, STRING, DOTTED, 0, \
	  "cgroup of the thread in one subsystem: thread.cgroup.cpu") \
	X(THREAD_CPU, "thread.cpu", PROCESS, DOUBLE, NONE, 0, \
	  "processor use of the thread in the last second") \
	X(THREAD_CPU_USER, "thread.cpu.user", PROCESS, DOUBLE, NONE, 0, \
	  "user-mode processor use of the thread in the last second") \
	X(THREAD_CPU_SYSTEM, "thread.cpu.system", PROCESS, DOUBLE, NONE, 0, \
	  "kernel-mode processor use of the thread in the last second") \
	X(THREAD_VMSIZE, "thread.vmsize", PROCESS, UINT64, NONE, 0, \
	  "virtual memory, kB, on the main thread; 0 on others") \
	X(THREAD_VMRSS, "thread.vmrss", PROCESS, UINT64, NONE, 0, \
	  "resident memory, kB, on the main thread; 0 on others") \
	X(THREAD_VMSIZE_B, "thread.vmsize.b", PROCESS, UINT64, NONE, FIELD_HIDDEN, \
	  "virtual memory, bytes, on the main thread; 0 on others") \
	X(THREAD_VMRSS_B, "thread.vmrss.b", PROCESS, UINT64, NONE, FIELD_HIDDEN, \
	  "resident memory, bytes, on the main thread; 0 on others")

#define FIELDS_USER(X) \
	X(USER_UID, "user.uid", USER, UINT32, NONE, 0, \
	  "user id") \
	X(USER_NAME, "user.name", USER, STRING, NONE, 0, \
	  "user name") \
	X(USER_HOMEDIR, "user.homedir", USER, STRING, NONE, 0, \
	  "home directory of the user") \
	X(USER_SHELL, "user.shell", USER, STRING, NONE, 0, \
	  "login shell of the user") \
	X(USER_LOGINUID, "user.loginuid", USER, INT64, NONE, 0, \
	  "user id of the login (audit), -1 without one") \
	X(USER_LOGINNAME, "user.loginname", USER, STRING, NONE, 0, \
	  "user name of the login")

#define FIELDS_GROUP(X) \
	X(GROUP_GID, "group.gid", GROUP, UINT32, NONE, 0, \
	  "group id") \
	X(GROUP_NAME, "group.name", GROUP, STRING, NONE, 0, \
	  "group name")

/*
 * FIELD_EITHER_END: fd.ip, fd.port, fd.proto and fd.net compare by functions of their own; != asks that neither end is
 * equal, the other operators that some end fits. fd.cnet and the like compare one end in the ordinary way.
 */
#define FIELDS_FD(X) \
	X(FD_NUM, "fd.num", FD, INT64, NONE, 0, \
	  "number of the file descriptor") \
	X(FD_TYPE, "fd.type", FD, STRING, NONE, 0, \
	  "kind of the file descriptor as a word: file, directory, ipv4, unix, pipe, ...") \
	X(FD_TYPECHAR, "fd.typechar", FD, STRING, NONE, 0, \
	  "kind of the file descriptor as one letter: f file, 4 and 6 internet sockets, u unix socket, ...") \
	X(FD_NAME, "fd.name", FD, STRING, NONE, 0, \
	  "full path of a file, or the address pair of a socket") \
	X(FD_DIRECTORY, "fd.directory", FD, STRING, NONE, 0, \
	  "directory part of the file's path") \
	X(FD_FILENAME, "fd.filename", FD, STRING, NONE, 0, \
	  "last component of the file's path") \
	X(FD_IP, "fd.ip", FD, IP, NONE, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_EITHER_END, \
	  "client or server address of a socket; matches if either does") \
	X(FD_CIP, "fd.cip", FD, IP, NONE, 0, \
	  "client address of a socket") \
	X(FD_SIP, "fd.sip", FD, IP, NONE, 0, \
	  "server address of a socket") \
	X(FD_LIP, "fd.lip", FD, IP, NONE, 0, \
	  "local address of a socket") \
	X(FD_RIP, "fd.rip", FD, IP, NONE, 0, \
	  "remote address of a socket") \
	X(FD_PORT, "fd.port", FD, PORT, NONE, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_EITHER_END, \
	  "client or server port of a socket; matches if either does") \
	X(FD_CPORT, "fd.cport", FD, PORT, NONE, 0, \
	  "client port of a socket") \
	X(FD_SPORT, "fd.sport", FD, PORT, NONE, 0, \
	  "server port of a socket") \
	X(FD_LPORT, "fd.lport", FD, PORT, NONE, 0, \
	  "local port of a socket") \
	X(FD_RPORT, "fd.rport", FD, PORT, NONE, 0, \
	  "remote port of a socket") \
	X(FD_L4PROTO, "fd.l4proto", FD, STRING, NONE, 0, \
	  "transport of a socket: tcp, udp, icmp or raw") \
	X(FD_SOCKFAMILY, "fd.sockfamily", FD, STRING, NONE, 0, \
	  "family of a socket: ip or unix") \
	X(FD_IS_SERVER, "fd.is_server", FD, BOOL, NONE, 0, \
	  "whether this process is the server of the connection") \
	X(FD_UID, "fd.uid", FD, STRING, NONE, 0, \
	  "file descriptor number and thread id in one string") \
	X(FD_CONTAINERNAME, "fd.containername", FD, STRING, NONE, 0, \
	  "container id and fd.name in one string") \
	X(FD_CONTAINERDIRECTORY, "fd.containerdirectory", FD, STRING, NONE, 0, \
	  "container id and fd.directory in one string") \
	X(FD_PROTO, "fd.proto", FD, PORT, NONE, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_EITHER_END | FIELD_UNPRINTED, \
	  "service name of the client or server port; matches if either does") \
	X(FD_CPROTO, "fd.cproto", FD, STRING, NONE, 0, \
	  "service name of the client port") \
	X(FD_SPROTO, "fd.sproto", FD, STRING, NONE, 0, \
	  "service name of the server port") \
	X(FD_LPROTO, "fd.lproto", FD, STRING, NONE, 0, \
	  "service name of the local port") \
	X(FD_RPROTO, "fd.rproto", FD, STRING, NONE, 0, \
	  "service name of the remote port") \
	X(FD_NET, "fd.net", FD, NET, NONE, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_EITHER_END, \
	  "network that holds the client or server address; matches if either does") \
	X(FD_CNET, "fd.cnet", FD, NET, NONE, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER, \
	  "network that holds the client address") \
	X(FD_SNET, "fd.snet", FD, NET, NONE, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER, \
	  "network that holds the server address") \
	X(FD_LNET, "fd.lnet", FD, NET, NONE, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER, \
	  "network that holds the local address") \
	X(FD_RNET, "fd.rnet", FD, NET, NONE, FIELD_FILTER_ONLY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER, \
	  "network that holds the remote address") \
	X(FD_CONNECTED, "fd.connected", FD, BOOL, NONE, 0, \
	  "whether the socket is connected") \
	X(FD_NAME_CHANGED, "fd.name_changed", FD, BOOL, NONE, 0, \
	  "whether this event changed the name of the file descriptor") \
	X(FD_CIP_NAME, "fd.cip.name", FD, STRING, NONE, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_HOST_NAME, \
	  "host name of the client address") \
	X(FD_SIP_NAME, "fd.sip.name", FD, STRING, NONE, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_HOST_NAME, \
	  "host name of the server address") \
	X(FD_LIP_NAME, "fd.lip.name", FD, STRING, NONE, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_HOST_NAME, \
	  "host name of the local address") \
	X(FD_RIP_NAME, "fd.rip.name", FD, STRING, NONE, FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_HOST_NAME, \
	  "host name of the remote address") \
	X(FD_DEV, "fd.dev", FD, INT32, NONE, FIELD_HEX, \
	  "device that holds the file") \
	X(FD_DEV_MAJOR, "fd.dev.major", FD, INT32, NONE, 0, \
	  "major number of the device that holds the file") \
	X(FD_DEV_MINOR, "fd.dev.minor", FD, INT32, NONE, 0, \
	  "minor number of the device that holds the file") \
	X(FD_INO, "fd.ino", FD, INT64, NONE, 0, \
	  "inode number of the file") \
	X(FD_NAMERAW, "fd.nameraw", FD, STRING, NONE, 0, \
	  "path as the process gave it") \
	X(FD_TYPES, "fd.types", FD, STRING, INDEX_OPTIONAL, FIELD_LIST | FIELD_NO_RHS, \
	  "kinds of all file descriptors of the process; with a number, of that one") \
	X(FD_IS_UPPER_LAYER, "fd.is_upper_layer", FD, BOOL, NONE, 0, \
	  "whether the file is in the upper layer of an overlay") \
	X(FD_IS_LOWER_LAYER, "fd.is_lower_layer", FD, BOOL, NONE, 0, \
	  "whether the file is in a lower layer of an overlay")

#define FIELDS_FS_PATH(X) \
	X(FS_PATH_NAME, "fs.path.name", FS_PATH, STRING, NONE, 0, \
	  "path that an operation works on, made absolute") \
	X(FS_PATH_NAMERAW, "fs.path.nameraw", FS_PATH, STRING, NONE, 0, \
	  "path that an operation works on, as given") \
	X(FS_PATH_SOURCE, "fs.path.source", FS_PATH, STRING, NONE, 0, \
	  "source path of an operation with two, made absolute") \
	X(FS_PATH_SOURCERAW, "fs.path.sourceraw", FS_PATH, STRING, NONE, 0, \
	  "source path of an operation with two, as given") \
	X(FS_PATH_TARGET, "fs.path.target", FS_PATH, STRING, NONE, 0, \
	  "target path of an operation with two, made absolute") \
	X(FS_PATH_TARGETRAW, "fs.path.targetraw", FS_PATH, STRING, NONE, 0, \
	  "target path of an operation with two, as given")

#define FIELDS_UTIL(X) \
	X(UTIL_CNT, "util.cnt", UTIL, UINT64, NONE, FIELD_HIDDEN, \
	  "how often this use of the field was evaluated")

#define FIELDS_FDLIST(X) \
	X(FDLIST_NUMS, "fdlist.nums", FDLIST, STRING, NONE, 0, \
	  "descriptor numbers of a poll, joined by commas") \
	X(FDLIST_NAMES, "fdlist.names", FDLIST, STRING, NONE, 0, \
	  "descriptor names of a poll, joined by commas") \
	X(FDLIST_CIPS, "fdlist.cips", FDLIST, STRING, NONE, 0, \
	  "client addresses of a poll, joined by commas") \
	X(FDLIST_SIPS, "fdlist.sips", FDLIST, STRING, NONE, 0, \
	  "server addresses of a poll, joined by commas") \
	X(FDLIST_CPORTS, "fdlist.cports", FDLIST, STRING, NONE, 0, \
	  "client ports of a poll, joined by commas") \
	X(FDLIST_SPORTS, "fdlist.sports", FDLIST, STRING, NONE, 0, \
	  "server ports of a poll, joined by commas")

#define FIELDS_CONTAINER(X) \
	X(CONTAINER_ID, "container.id", CONTAINER, STRING, NONE, 0, \
	  "first 12 characters of the container's id, or host") \
	X(CONTAINER_FULL_ID, "container.full_id", CONTAINER, STRING, NONE, 0, \
	  "whole id of the container") \
	X(CONTAINER_NAME, "container.name", CONTAINER, STRING, NONE, 0, \
	  "name of the container, or host") \
	X(CONTAINER_IMAGE, "container.image", CONTAINER, STRING, NONE, 0, \
	  "image as it was named at the start: repository and tag") \
	X(CONTAINER_IMAGE_ID, "container.image.id", CONTAINER, STRING, NONE, 0, \
	  "id of the image") \
	X(CONTAINER_TYPE, "container.type", CONTAINER, STRING, NONE, 0, \
	  "container engine: docker, containerd, cri-o, ...") \
	X(CONTAINER_PRIVILEGED, "container.privileged", CONTAINER, BOOL, NONE, 0, \
	  "whether the container is privileged") \
	X(CONTAINER_MOUNTS, "container.mounts", CONTAINER, STRING, NONE, 0, \
	  "all mounts, joined by commas, each source:dest:mode:rdwr:propagation") \
	X(CONTAINER_MOUNT, "container.mount", CONTAINER, STRING, KEY_OR_INDEX, 0, \
	  "one mount by number, or by a glob on its source") \
	X(CONTAINER_MOUNT_SOURCE, "container.mount.source", CONTAINER, STRING, KEY_OR_INDEX, 0, \
	  "source of one mount, by number or by a glob on its destination") \
	X(CONTAINER_MOUNT_DEST, "container.mount.dest", CONTAINER, STRING, KEY_OR_INDEX, 0, \
	  "destination of one mount, by number or by a glob on its source") \
	X(CONTAINER_MOUNT_MODE, "container.mount.mode", CONTAINER, STRING, KEY_OR_INDEX, 0, \
	  "mode of one mount, by number or by a glob on its source") \
	X(CONTAINER_MOUNT_RDWR, "container.mount.rdwr", CONTAINER, STRING, KEY_OR_INDEX, 0, \
	  "whether one mount is writable, by number or by a glob on its source") \
	X(CONTAINER_MOUNT_PROPAGATION, "container.mount.propagation", CONTAINER, STRING, KEY_OR_INDEX, 0, \
	  "propagation of one mount, by number or by a glob on its source") \
	X(CONTAINER_IMAGE_REPOSITORY, "container.image.repository", CONTAINER, STRING, NONE, 0, \
	  "repository of the image") \
	X(CONTAINER_IMAGE_TAG, "container.image.tag", CONTAINER, STRING, NONE, 0, \
	  "tag of the image") \
	X(CONTAINER_IMAGE_DIGEST, "container.image.digest", CONTAINER, STRING, NONE, 0, \
	  "registry digest of the image") \
	X(CONTAINER_HEALTHCHECK, "container.healthcheck", CONTAINER, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(CONTAINER_LIVENESS_PROBE, "container.liveness_probe", CONTAINER, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(CONTAINER_READINESS_PROBE, "container.readiness_probe", CONTAINER, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(CONTAINER_START_TS, "container.start_ts", CONTAINER, ABSTIME, NONE, 0, \
	  "start of the container, nanoseconds since the epoch") \
	X(CONTAINER_DURATION, "container.duration", CONTAINER, RELTIME, NONE, 0, \
	  "nanoseconds since the container started") \
	X(CONTAINER_IP, "container.ip", CONTAINER, STRING, NONE, 0, \
	  "first IPv4 address of the container or its pod") \
	X(CONTAINER_CNI_JSON, "container.cni.json", CONTAINER, STRING, NONE, 0, \
	  "network configuration result, JSON text") \
	X(CONTAINER_HOST_PID, "container.host_pid", CONTAINER, BOOL, NONE, 0, \
	  "whether the container uses the host's pid namespace") \
	X(CONTAINER_HOST_NETWORK, "container.host_network", CONTAINER, BOOL, NONE, 0, \
	  "whether the container uses the host's network namespace") \
	X(CONTAINER_HOST_IPC, "container.host_ipc", CONTAINER, BOOL, NONE, 0, \
	  "whether the container uses the host's ipc namespace") \
	X(CONTAINER_LABEL, "container.label", CONTAINER, STRING, KEY, 0, \
	  "one label of the container: container.label[app]") \
	X(CONTAINER_LABELS, "container.labels", CONTAINER, STRING, NONE, 0, \
	  "all labels of the container, key:value joined by commas") \
	X(PROC_IS_CONTAINER_HEALTHCHECK, "proc.is_container_healthcheck", CONTAINER, BOOL, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(PROC_IS_CONTAINER_LIVENESS_PROBE, "proc.is_container_liveness_probe", CONTAINER, BOOL, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(PROC_IS_CONTAINER_READINESS_PROBE, "proc.is_container_readiness_probe", CONTAINER, BOOL, NONE, FIELD_DEPRECATED, \
	  "always missing")

#define FIELDS_K8S(X) \
	X(K8S_POD_NAME, "k8s.pod.name", K8S, STRING, NONE, 0, \
	  "name of the pod") \
	X(K8S_NS_NAME, "k8s.ns.name", K8S, STRING, NONE, 0, \
	  "namespace of the pod") \
	X(K8S_POD_ID, "k8s.pod.id", K8S, STRING, NONE, 0, \
	  "older name of k8s.pod.uid") \
	X(K8S_POD_UID, "k8s.pod.uid", K8S, STRING, NONE, 0, \
	  "uid of the pod") \
	X(K8S_POD_SANDBOX_ID, "k8s.pod.sandbox_id", K8S, STRING, NONE, 0, \
	  "first 12 characters of the pod sandbox's id") \
	X(K8S_POD_FULL_SANDBOX_ID, "k8s.pod.full_sandbox_id", K8S, STRING, NONE, 0, \
	  "whole id of the pod sandbox") \
	X(K8S_POD_LABEL, "k8s.pod.label", K8S, STRING, KEY, 0, \
	  "one label of the pod: k8s.pod.label[app]") \
	X(K8S_POD_LABELS, "k8s.pod.labels", K8S, STRING, NONE, 0, \
	  "all labels of the pod, key:value joined by commas") \
	X(K8S_POD_IP, "k8s.pod.ip", K8S, STRING, NONE, 0, \
	  "address of the pod") \
	X(K8S_POD_CNI_JSON, "k8s.pod.cni.json", K8S, STRING, NONE, 0, \
	  "network configuration result of the pod, JSON text") \
	X(K8S_RC_NAME, "k8s.rc.name", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_RC_ID, "k8s.rc.id", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_RC_LABEL, "k8s.rc.label", K8S, STRING, KEY, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_RC_LABELS, "k8s.rc.labels", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_SVC_NAME, "k8s.svc.name", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_SVC_ID, "k8s.svc.id", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_SVC_LABEL, "k8s.svc.label", K8S, STRING, KEY, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_SVC_LABELS, "k8s.svc.labels", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_NS_ID, "k8s.ns.id", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_NS_LABEL, "k8s.ns.label", K8S, STRING, KEY, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_NS_LABELS, "k8s.ns.labels", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_RS_NAME, "k8s.rs.name", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_RS_ID, "k8s.rs.id", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_RS_LABEL, "k8s.rs.label", K8S, STRING, KEY, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_RS_LABELS, "k8s.rs.labels", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_DEPLOYMENT_NAME, "k8s.deployment.name", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_DEPLOYMENT_ID, "k8s.deployment.id", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_DEPLOYMENT_LABEL, "k8s.deployment.label", K8S, STRING, KEY, FIELD_DEPRECATED, \
	  "always missing") \
	X(K8S_DEPLOYMENT_LABELS, "k8s.deployment.labels", K8S, STRING, NONE, FIELD_DEPRECATED, \
	  "always missing")

#define FIELDS_TERCEL(X) \
	X(TERCEL_LINEAGE, "tercel.lineage", TERCEL, STRING, NONE, 0, \
	  "names of the ancestors and of the process, eldest first: systemd>sshd>bash") \
	X(TERCEL_EXEC_ID, "tercel.exec_id", TERCEL, STRING, NONE, 0, \
	  "id of this run of a program, unique in the cluster") \
	X(TERCEL_PARENT_EXEC_ID, "tercel.parent_exec_id", TERCEL, STRING, NONE, 0, \
	  "tercel.exec_id of the parent process") \
	X(TERCEL_FILE_PATH, "tercel.file.path", TERCEL, STRING, NONE, 0, \
	  "path of the file with symbolic links and .. resolved") \
	X(TERCEL_RULE, "tercel.rule", TERCEL, STRING, NONE, 0, \
	  "rule of a verdict") \
	X(TERCEL_ACTION, "tercel.action", TERCEL, STRING, NONE, 0, \
	  "what a verdict did: deny, kill or audit") \
	X(TERCEL_MODE, "tercel.mode", TERCEL, STRING, NONE, 0, \
	  "mode of the rule of a verdict: enforce or monitor") \
	X(TERCEL_POINT, "tercel.point", TERCEL, STRING, NONE, 0, \
	  "decision point of a verdict")

#define TERCEL_FIELDS(X) \
	FIELDS_EVENT(X) \
	FIELDS_SYSCALL(X) \
	FIELDS_PROCESS(X) \
	FIELDS_USER(X) \
	FIELDS_GROUP(X) \
	FIELDS_FD(X) \
	FIELDS_FS_PATH(X) \
	FIELDS_UTIL(X) \
	FIELDS_FDLIST(X) \
	FIELDS_CONTAINER(X) \
	FIELDS_K8S(X) \
	FIELDS_TERCEL(X)
// clang-format on

#endif
