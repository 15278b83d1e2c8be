#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a real libsinsp resolves of events that Tercel's plugins give it.

    test_falco.py BUILD_DIRECTORY [TEST…]

Every test makes real system calls on this kernel, in processes of its own that carry a token in their environment, and
asserts on the fields of the host's events with that token. Others may load sensors and run processes meanwhile. Prints
"N passed, N failed"; exit status 77 if there is no chroot or no root.
"""

import base64
import contextlib
import json
import os
import pathlib
import pty
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from falcohost import Host, Skip, stage  # noqa: E402

PYTHON = "/usr/bin/python3"
TOKEN = "tercel-" + secrets.token_hex(6)
FIELDS = (
    "evt.type evt.rawres evt.res evt.is_open_write evt.is_open_read proc.name proc.exe proc.exepath proc.cmdline proc.args "
    "proc.pname proc.aname[2] proc.aname[3] proc.cwd proc.tty proc.pid proc.ppid proc.vpid proc.sid proc.vpgid thread.tid "
    "thread.vtid user.name user.uid user.loginuid group.gid fd.name fd.nameraw fd.typechar fd.num fd.sip fd.sport fd.cip fd.cport "
    "fd.l4proto proc.is_exe_from_memfd proc.is_exe_upper_layer proc.is_exe_writable thread.cap_effective proc.exe_ino "
    "proc.exe_ino.ctime proc.exe_ino.mtime proc.env[TERCEL_TEST] evt.arg.flags evt.arg.mode evt.arg.fd evt.arg.ino evt.arg.dev "
    "evt.arg.filename evt.arg.exit_code evt.arg.status evt.arg.sig container.id tercel.lineage tercel.exec_id "
    "tercel.parent_exec_id").split()
# evt.arg.* exist for some event types only and are compile errors in formats: taken as a whole instead.
FIELDS = [f for f in FIELDS if not f.startswith("evt.arg.")] + ["evt.args"]

host = None
tmp = None


# ---- acting ------------------------------------------------------------------------------------------------------

def environment(test):
    return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TERCEL_TEST": f"{TOKEN}:{test}"}


def act(test, code, **kwargs):
    """Runs Python code in a process of its own; its stdout is returned, a failure is the test's."""
    head = "import ctypes, errno, os, socket, sys, threading, time\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    return run(test, [PYTHON, "-S", "-c", head + textwrap.dedent(code)], **kwargs)


def run(test, command, **kwargs):
    done = subprocess.run(command, env=environment(test), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False, **kwargs)
    assert done.returncode == 0, f"{command} failed: {done.returncode} {done.stderr}"
    return done.stdout.strip()


def see(test, **wanted):
    """The first event of the test's processes with these fields."""
    event = host.wait(**{"proc__env[TERCEL_TEST]": f"{TOKEN}:{test}"}, **wanted)
    if event is None:
        had = {(e["evt.type"], e["proc.name"], e["fd.name"]) for e in host.events(**{"proc__env[TERCEL_TEST]": f"{TOKEN}:{test}"})}
        raise AssertionError(f"no event with {wanted}; there were {sorted(map(str, had))[:40]}")
    return event


def check(event, **expected):
    for key, value in expected.items():
        have = event[key.replace("__", ".")]
        assert have == value, f"{key.replace('__', '.')} is {have!r}, not {value!r}, in {event}"


def arg(event, name):
    """A parameter by name; values may hold blanks, so this is for those that do not."""
    for part in event["evt.args"].split(" "):
        if part.startswith(name + "="):
            return part[len(name) + 1:]
    return None


def exit_of(test, pid):
    return see(test, evt__type="procexit", proc__pid=str(pid))


# ---- programs ----------------------------------------------------------------------------------------------------

def test_an_exec_is_known_with_all_its_fields():
    program = tmp / "program"
    shutil.copy("/bin/true", program)
    os.chmod(program, 0o755)
    run("exec", [program, "one", "two words"], cwd="/usr/lib")
    e = see("exec", evt__type="execve", proc__name="program")
    me = pathlib.Path("/proc/self/loginuid").read_text().strip()
    stat = program.stat()
    check(e, proc__exepath=str(program), proc__exe=str(program), proc__cmdline="program one two words", proc__cwd="/usr/lib/",
          evt__rawres="0", evt__res="SUCCESS", user__name="root", user__uid="0", group__gid="0", proc__ppid=str(os.getpid()),
          proc__tty="0", proc__is_exe_from_memfd="false", proc__is_exe_upper_layer="false", proc__is_exe_writable="true",
          proc__exe_ino=str(stat.st_ino), proc__sid=str(os.getsid(0)), container__id="host",
          user__loginuid="-1" if me == "4294967295" else me)
    check(e, **{"proc__exe_ino__ctime": str(stat.st_ctime_ns), "proc__exe_ino__mtime": str(stat.st_mtime_ns)})
    assert e["proc.pname"].startswith("python3") or e["proc.pname"] == "test_falco.py", e["proc.pname"]


def test_ancestors_are_known():
    run("ancestors", ["/bin/sh", "-c", "/bin/bash -c '/bin/true ancestors; :'; :"])
    e = see("ancestors", evt__type="execve", proc__name="true")
    check(e, proc__pname="bash", **{"proc.aname[2]": "sh"})
    assert e["tercel.lineage"].endswith(">sh>bash>true"), e["tercel.lineage"]


def test_an_execveat_that_succeeds_is_an_execve():
    # As Falco's driver has it: its execveat event is that of a call that failed.
    act("execveat", """
        fd = os.open("/usr/bin", os.O_PATH)
        argv = (ctypes.c_char_p * 3)(b"truly", b"x", None)
        libc.syscall(322 if os.uname().machine == "x86_64" else 281, fd, b"true", argv,
                     (ctypes.c_char_p * 2)(os.environb[b"TERCEL_TEST"].join([b"TERCEL_TEST=", b""]), None), 0)
        sys.exit(1)""")
    e = see("execveat", evt__type="execve", proc__exepath="/usr/bin/true")
    check(e, proc__name="true", proc__cmdline="true x", proc__exe="truly", evt__rawres="0")
    assert not host.events(evt__type="execveat"), host.events(evt__type="execveat")


def test_a_script_is_its_interpreter():
    script = tmp / "a-script"
    script.write_text("#!/bin/sh -e\nexit 0\n")
    script.chmod(0o755)
    run("script", [script, "arg"])
    e = see("script", evt__type="execve", proc__name="a-script")
    check(e, proc__exepath="/usr/bin/dash", proc__cmdline=f"a-script -e {script} arg")


def test_a_program_in_anonymous_memory_is_marked():
    act("memfd", """
        fd = os.memfd_create("ghost")
        os.write(fd, open("/bin/true", "rb").read())
        os.execve(fd, ["ghost"], os.environ)""")
    e = see("memfd", evt__type="execve", proc__is_exe_from_memfd="true")
    assert "memfd:ghost" in e["proc.exepath"], e


def test_a_program_on_the_upper_layer_is_marked():
    base = tmp / "overlay"
    for d in ("lower", "upper", "rw", "merged"):
        (base / d).mkdir(parents=True)
    shutil.copy("/bin/true", base / "lower" / "below")
    run("overlay", ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", f"""
        mount -t tmpfs none {base}/rw; mkdir {base}/rw/w {base}/rw/u
        mount -t overlay none -o lowerdir={base}/lower,upperdir={base}/rw/u,workdir={base}/rw/w {base}/merged
        cp /bin/true {base}/merged/above
        {base}/merged/above; {base}/merged/below"""])
    check(see("overlay", evt__type="execve", proc__name="above"), proc__is_exe_upper_layer="true")
    check(see("overlay", evt__type="execve", proc__name="below"), proc__is_exe_upper_layer="false")


def test_the_effective_capabilities_are_those_of_the_new_program():
    run("caps", ["setpriv", "--bounding-set", "-all,+chown", "--inh-caps", "-all", "/bin/true", "caps"])
    e = see("caps", evt__type="execve", proc__name="true")
    check(e, **{"thread.cap_effective": "CAP_CHOWN"})


def test_another_user_is_seen():
    run("user", ["setpriv", "--reuid", "65534", "--clear-groups", "/bin/true", "user"])
    check(see("user", evt__type="execve", proc__name="true"), user__uid="65534", user__name="nobody")


def test_the_terminal_is_known():
    master, slave = pty.openpty()
    device = os.fstat(slave).st_rdev
    run("tty", ["setsid", "--ctty", "/bin/true", "tty"], stdin=slave)
    os.close(slave)
    os.close(master)
    check(see("tty", evt__type="execve", proc__name="true"), proc__tty=str(device))


def test_long_arguments_and_odd_bytes_do_not_break_the_host():
    run("odd", ["/bin/true", "x" * 5000, "a\nb\t\x01", "\udcff"])
    e = see("odd", evt__type="execve", proc__name="true")
    assert "x" * 4000 in e["proc.args"], len(e["proc.args"])
    run("odd2", ["/bin/true", ""])
    see("odd2", evt__type="execve", proc__name="true")


# ---- processes and threads ---------------------------------------------------------------------------------------

def test_a_vfork_child_is_its_own_process():
    maker, pid = act("vfork", """
        import subprocess
        p = subprocess.Popen(["/bin/true", "vforked"])
        p.wait()
        print(os.getpid(), p.pid)""").split()
    e = see("vfork", evt__type="execve", proc__name="true")
    check(e, proc__pid=pid, proc__ppid=maker)
    see("vfork", evt__type="vfork", proc__pid=pid, evt__rawres="0")
    see("vfork", evt__type="vfork", proc__pid=maker, evt__rawres=pid)
    assert e["proc.pname"].startswith("python3"), e


def test_a_fork_is_the_effective_users():
    run("euid", ["setpriv", "--euid", "65534", "--clear-groups", PYTHON, "-S", "-c", "import os; os.fork() or os._exit(0); os.wait()"])
    child = see("euid", evt__type="clone", proc__name=lambda n: n.startswith("python3"), evt__rawres="0")
    check(child, user__uid="65534", user__name="nobody")
    check(see("euid", evt__type="clone", evt__rawres=child["proc.pid"]), user__uid="65534", proc__pid=child["proc.ppid"])


def test_a_child_made_into_another_cgroup_leaves_its_maker_where_it_is():
    if not scratch.path:
        return "no cgroup v2 here"
    pid = act("into", f"""
        cgroup = os.open({str(scratch.path)!r}, os.O_RDONLY | os.O_DIRECTORY)
        # struct clone_args: CLONE_INTO_CGROUP, SIGCHLD
        args = (ctypes.c_uint64 * 11)(0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, cgroup)
        pid = libc.syscall(435, ctypes.byref(args), ctypes.sizeof(args))
        if pid == 0:
            os._exit(0)
        assert pid > 0, ctypes.get_errno()
        os.waitpid(pid, 0)
        print(pid)""")
    child = see("into", evt__type="clone3", evt__rawres="0")
    check(child, proc__pid=pid, container__id=scratch.id[:12])
    # The arguments hold the path, too.
    cgroups = [e["evt.args"].rpartition(" cgroups=")[2] for e in (child, see("into", evt__type="clone3", evt__rawres=pid))]
    assert scratch.id in cgroups[0] and cgroups[1].startswith("cpuset=/") and scratch.id not in cgroups[1], cgroups
    check(see("into", evt__type="clone3", evt__rawres=pid), container__id="host")
    return None


def test_a_thread_shares_its_process():
    path = tmp / "by-a-thread"
    out = act("thread", f"""
        def work():
            open({str(path)!r}, "w").close()
            print(os.getpid(), threading.get_native_id(), flush=True)
        t = threading.Thread(target=work)
        t.start()
        t.join()""")
    pid, tid = out.split()
    e = see("thread", fd__name=str(path))
    check(e, proc__pid=pid, evt__is_open_write="true", **{"thread.tid": tid})
    assert pid != tid and e["proc.name"].startswith("python3"), e
    leader = see("thread", evt__type="execve", proc__pid=pid)
    check(e, **{"tercel.exec_id": leader["tercel.exec_id"]})


def test_an_exec_in_a_thread_is_one_of_the_process():
    pid = act("threadexec", """
        print(os.getpid(), flush=True)
        threading.Thread(target=lambda: os.execv("/bin/cat", ["cat", "/dev/null"])).start()
        time.sleep(30)""")
    e = see("threadexec", evt__type="execve", proc__name="cat")
    check(e, proc__pid=pid, proc__cmdline="cat /dev/null", **{"thread.tid": pid})
    # What follows happens to the new program.
    check(see("threadexec", fd__name="/dev/null", proc__name="cat"), proc__pid=pid, proc__exepath="/usr/bin/cat")
    see("threadexec", evt__type="procexit", proc__pid=pid, proc__name="cat")


def test_a_pid_namespace_keeps_both_ids():
    out = run("pidns", ["unshare", "--pid", "--fork", "/bin/sh", "-c", "/bin/true in-ns; echo $$; :"])
    assert out == "1", out
    shell = see("pidns", evt__type="execve", proc__name="sh")
    check(shell, proc__vpid="1", **{"thread.vtid": "1"})
    assert int(shell["proc.pid"]) > 1
    e = see("pidns", evt__type="execve", proc__name="true")
    assert int(e["proc.vpid"]) > 1 and e["proc.vpid"] != e["proc.pid"], e
    check(e, proc__pname="sh", proc__ppid=shell["proc.pid"], **{"proc.aname[2]": "unshare"})


def test_a_process_whose_parent_vanished_has_its_new_one():
    # A reaper of our own: what the machine's pid 1 is, and whether it lets itself be seen, is not our matter.
    reaper = act("orphan", """
        assert libc.prctl(36, 1, 0, 0, 0) == 0
        print(os.getpid(), flush=True)
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(0.5)
                os.execv("/bin/echo", ["echo", str(os.getppid())])
            os._exit(0)
        os.wait()
        time.sleep(1)""")
    e = see("orphan", evt__type="execve", proc__name="echo")
    reaper = reaper.split()[0]
    check(e, proc__ppid=reaper, proc__args=reaper)
    # The lineage is that of its birth.
    names = e["tercel.lineage"].split(">")
    assert names[-1] == "echo" and names[-2].startswith("python3") and names[-3].startswith("python3"), names


def test_exits_tell_how():
    pid = act("exits", """
        a = os.fork()
        if a == 0:
            os._exit(7)
        b = os.fork()
        if b == 0:
            os.kill(os.getpid(), 15)
        os.waitpid(a, 0)
        os.waitpid(b, 0)
        print(a, b)""")
    a, b = pid.split()
    e = exit_of("exits", a)
    assert arg(e, "ret").startswith("7") and arg(e, "sig").startswith("0"), e["evt.args"]
    e = exit_of("exits", b)
    assert arg(e, "sig").startswith("15"), e["evt.args"]


def test_ids_and_lineage_hold_for_every_event_of_a_process():
    path = tmp / "ids"
    act("ids", f"""
        open({str(path)!r}, "w").close()
        if os.fork() == 0:
            os.execv("/bin/true", ["true"])
        os.wait()""")
    start = see("ids", evt__type="execve", proc__name=lambda n: n.startswith("python3"))
    child = see("ids", evt__type="execve", proc__name="true")
    opened = see("ids", fd__name=str(path))
    check(opened, **{"tercel.exec_id": start["tercel.exec_id"], "tercel.lineage": start["tercel.lineage"]})
    check(exit_of("ids", start["proc.pid"]), **{"tercel.exec_id": start["tercel.exec_id"]})
    for e in (start, child):
        node, ktime, tgid = base64.b64decode(e["tercel.exec_id"]).decode().rsplit(":", 2)
        assert node and int(ktime) > 0 and tgid == e["proc.pid"], (node, ktime, tgid)
    assert child["tercel.lineage"] == start["tercel.lineage"] + ">true", child["tercel.lineage"]
    assert child["tercel.parent_exec_id"] == start["tercel.exec_id"], child


def test_ids_are_those_of_tercels_own_events():
    tercel = pathlib.Path(sys.argv[1]) / "tercel"
    if not tercel.exists():
        tercel = pathlib.Path(sys.argv[1]) / "bin" / "tercel"
    marker = f"same-id-{TOKEN}"
    with open(tmp / "events", "w", encoding="utf-8") as out:
        events = subprocess.Popen([tercel, "events", "-o", "json"], stdout=out, stderr=subprocess.PIPE)
        try:
            found = None
            for _ in range(100):
                # Until its sensor is up, which it does not say.
                run("sameid", ["/bin/true", marker])
                subprocess.run(["sleep", "0.1"], check=False)
                lines = [line for line in (tmp / "events").read_text().splitlines() if marker in line and "process_exec" in line]
                if lines:
                    found = json.loads(lines[-1])["process_exec"]
                    break
        finally:
            events.terminate()
            _, errors = events.communicate(timeout=20)
    assert found, f"tercel events told of no such process: {errors}"
    e = see("sameid", evt__type="execve", proc__pid=str(found["process"]["pid"]))
    # An exec id is made of facts of the kernel, not of when a sensor looked.
    check(e, **{"tercel.parent_exec_id": found["process"]["parent_exec_id"], "tercel.exec_id": found["process"]["exec_id"]})


# ---- files -------------------------------------------------------------------------------------------------------

def test_opens_tell_what_was_asked_and_what_came():
    path = tmp / "written"
    fd = act("opens", f"""
        fd = os.open({str(path)!r}, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        os.open({str(path)!r}, os.O_RDONLY)
        os.open({str(path)!r}, os.O_RDWR)
        print(fd)
        try:
            os.open({str(path)!r} + "/absent", os.O_RDONLY)
        except OSError as e:
            assert e.errno == errno.ENOTDIR""")
    e = see("opens", fd__name=str(path), evt__is_open_write="true", evt__is_open_read="false")
    check(e, evt__type="openat", evt__rawres=fd, fd__num=fd, fd__typechar="f", evt__res="SUCCESS", fd__nameraw=str(path))
    stat = path.stat()
    assert arg(e, "mode") == "0640" and arg(e, "ino") == str(stat.st_ino) and arg(e, "dev") == hex(stat.st_dev)[2:].upper(), e["evt.args"]
    assert "O_CREAT" in arg(e, "flags") and "O_F_CREATED" in arg(e, "flags") and "O_TRUNC" in arg(e, "flags"), e["evt.args"]
    see("opens", fd__name=str(path), evt__is_open_write="false", evt__is_open_read="true")
    both = see("opens", fd__name=str(path), evt__is_open_write="true", evt__is_open_read="true")
    assert "O_F_CREATED" not in arg(both, "flags"), both["evt.args"]
    check(see("opens", fd__name=str(path) + "/absent"), evt__rawres="-20", evt__res="ENOTDIR", evt__is_open_read="true")


def test_open_creat_and_openat2_are_told_apart():
    act("calls", f"""
        x86 = os.uname().machine == "x86_64"
        base = {str(tmp)!r}.encode()
        if x86:
            assert libc.syscall(2, base + b"/by-open", os.O_WRONLY | os.O_CREAT, 0o600) >= 0
            assert libc.syscall(85, base + b"/by-creat", 0o600) >= 0
        how = (ctypes.c_uint64 * 3)(os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, 0x08)
        os.chdir(base)
        assert libc.syscall(437, -100, b"by-openat2", ctypes.byref(how), 24) >= 0""")
    if os.uname().machine == "x86_64":
        check(see("calls", fd__name=f"{tmp}/by-open"), evt__type="open", evt__is_open_write="true")
        e = see("calls", evt__type="creat")
        check(e, fd__name=f"{tmp}/by-creat", evt__rawres=e["fd.num"])
    e = see("calls", evt__type="openat2")
    check(e, fd__name=f"{tmp}/by-openat2", evt__is_open_write="true", evt__is_open_read="true")
    assert "RESOLVE_BENEATH" in e["evt.args"], e["evt.args"]


def test_relative_paths_follow_the_working_directory():
    (tmp / "real" / "deep").mkdir(parents=True)
    (tmp / "link").symlink_to(tmp / "real" / "deep")
    act("cwd", f"""
        os.chdir({str(tmp)!r})
        open("relative", "w").close()
        os.chdir("real")
        open("../up", "w").close()
        fd = os.open("deep", os.O_RDONLY | os.O_DIRECTORY)
        os.open("at-dirfd", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
        os.fchdir(fd)
        open("after-fchdir", "w").close()
        os.chdir({str(tmp)!r} + "/link")
        os.chdir("..")
        open("behind-the-link", "w").close()
        try:
            os.chdir("/nowhere")
        except OSError:
            pass
        open("still-there", "w").close()""")
    for name in ("relative", "up", "real/deep/at-dirfd", "real/deep/after-fchdir", "real/behind-the-link", "real/still-there"):
        see("cwd", fd__name=f"{tmp}/{name}", evt__is_open_write="true")
    check(see("cwd", fd__name=f"{tmp}/real/still-there"), proc__cwd=f"{tmp}/real/")


def test_a_relative_path_below_the_root_has_one_slash():
    act("root", """
        os.chdir("/")
        os.open("etc/passwd", os.O_RDONLY)
        os.chdir("etc")
        os.open("group", os.O_RDONLY)""", cwd="/usr")
    check(see("root", fd__name="/etc/passwd"), proc__cwd="/")
    check(see("root", fd__name="/etc/group"), proc__cwd="/etc/")


def test_a_directory_is_known_as_one():
    act("dir", f"os.open({str(tmp)!r}, os.O_RDONLY | os.O_DIRECTORY)")
    check(see("dir", fd__name=str(tmp)), fd__typechar="d")


# ---- sockets -----------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def listener(family, address):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.bind(address)
    s.listen(8)
    try:
        yield s
    finally:
        s.close()


def test_an_ipv4_connection_has_its_ends():
    with listener(socket.AF_INET, ("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        out = act("tcp4", f"""
            s = socket.create_connection(("127.0.0.1", {port}))
            print(s.fileno(), s.getsockname()[1])""")
    fd, sport = out.split()
    e = see("tcp4", evt__type="connect")
    check(e, evt__rawres="0", evt__res="SUCCESS", fd__name=f"127.0.0.1:{sport}->127.0.0.1:{port}", fd__typechar="4", fd__num=fd,
          fd__sip="127.0.0.1", fd__sport=str(port), fd__cip="127.0.0.1", fd__cport=sport, fd__l4proto="tcp")
    check(see("tcp4", evt__type="socket"), evt__rawres=fd)


def test_an_ipv6_connection_has_its_ends():
    with listener(socket.AF_INET6, ("::1", 0)) as server:
        port = server.getsockname()[1]
        act("tcp6", f"socket.create_connection(('::1', {port}))")
    e = see("tcp6", evt__type="connect")
    check(e, evt__rawres="0", fd__typechar="6", fd__sip="::1", fd__sport=str(port), fd__l4proto="tcp")


def test_an_ipv4_address_in_an_ipv6_socket_is_ipv4():
    with listener(socket.AF_INET, ("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        act("mapped", f"socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', {port}))")
    check(see("mapped", evt__type="connect"), fd__sip="127.0.0.1", fd__sport=str(port), fd__typechar="4")


def test_a_unix_connection_has_its_path():
    path = str(tmp / "sock")
    with listener(socket.AF_UNIX, path):
        act("unix", f"""
            s = socket.socket(socket.AF_UNIX)
            s.connect({path!r})""")
    e = see("unix", evt__type="connect")
    check(e, evt__rawres="0", fd__typechar="u")
    assert e["fd.name"].endswith(path), e["fd.name"]


def test_a_refused_connection_says_so():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        act("refused", f"assert socket.socket().connect_ex(('127.0.0.1', {port})) == errno.ECONNREFUSED")
    e = see("refused", evt__type="connect")
    check(e, evt__rawres="-111", evt__res="ECONNREFUSED", fd__num="3", fd__typechar="4")
    assert f"127.0.0.1:{port}" in e["evt.args"], e["evt.args"]


def test_a_connection_under_way_has_its_ends():
    with listener(socket.AF_INET, ("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        act("progress", f"""
            s = socket.socket(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            assert s.connect_ex(("127.0.0.1", {port})) == errno.EINPROGRESS""")
    check(see("progress", evt__type="connect"), evt__rawres="-115", evt__res="EINPROGRESS", fd__sip="127.0.0.1",
          fd__sport=str(port), fd__l4proto="tcp")


def test_udp_is_told_from_tcp():
    act("udp", "socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', 53531))")
    check(see("udp", evt__type="connect"), evt__rawres="0", fd__sip="127.0.0.1", fd__sport="53531", fd__l4proto="udp", fd__typechar="4")


# ---- who ran before, containers ----------------------------------------------------------------------------------

# Waits for a byte, then acts: absolute in a thread that is not the leader, relative, and relative in a child.
BEFORE = """
import os, sys, threading, time
def act():
    if not sys.stdin.buffer.read(1):
        return
    open(sys.argv[1] + '/by-old-thread', 'w').close()
    open('by-old-relative', 'w').close()
    if os.fork() == 0:
        open('by-child-relative', 'w').close()
        os._exit(0)
    os.wait()
    os._exit(0)
threading.Thread(target=act).start()
time.sleep(120)
"""
before = {}


def start_before():
    """Processes that run before the host starts: a chain sh > python3, and one in a container's cgroup."""
    before["chain"] = subprocess.Popen(["/bin/sh", "-c", f"{PYTHON} -S -c \"$1\" \"$2\"; :", "sh", BEFORE, str(tmp)],
                                       env=environment("before"), stdin=subprocess.PIPE, cwd=tmp)
    before["container"] = None
    if scratch.path:
        before["container"] = subprocess.Popen(
            ["/bin/sh", "-c", f"echo $$ >{scratch.path}/cgroup.procs; read line; /bin/true in-container; :"],
            env=environment("before-container"), stdin=subprocess.PIPE)


def stop_before():
    for p in before.values():
        if p:
            with contextlib.suppress(OSError):
                p.stdin.close()
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


def test_a_process_that_ran_before_is_known():
    p = before["chain"]
    p.stdin.write(b"go\n")
    p.stdin.flush()
    e = see("before", fd__name=f"{tmp}/by-old-thread")
    assert e["proc.name"].startswith("python3") and e["proc.exepath"].startswith("/usr/bin/python3"), e
    check(e, proc__pname="sh", proc__ppid=str(p.pid), user__name="root", evt__is_open_write="true", container__id="host")
    assert "-S" in e["proc.cmdline"] and str(tmp) in e["proc.cmdline"], e["proc.cmdline"]
    assert e["thread.tid"] != e["proc.pid"], e
    # The host was never told their working directory.
    see("before", fd__name=f"{tmp}/by-old-relative")
    child = see("before", fd__name=f"{tmp}/by-child-relative")
    check(child, proc__ppid=e["proc.pid"])
    assert ">sh>python3" in ">" + e["tercel.lineage"], e["tercel.lineage"]


def test_a_container_that_ran_before_is_known():
    p = before["container"]
    if not p:
        return "no cgroup v2 here"
    p.stdin.write(b"go\n")
    p.stdin.flush()
    check(see("before-container", evt__type="execve", proc__name="true"), container__id=scratch.id[:12], proc__pname="sh")
    return None


class Scratch:
    """A cgroup of our own, named as docker names a container's."""

    def __init__(self):
        self.id = secrets.token_hex(32)
        self.parent = self.path = None
        for line in pathlib.Path("/proc/mounts").read_text().splitlines():
            _, where, kind, *_ = line.split()
            if kind == "cgroup2":
                self.parent = pathlib.Path(where) / f"tercel-test-{os.getpid()}"
                self.path = self.parent / f"docker-{self.id}.scope"
                self.path.mkdir(parents=True)
                return

    def remove(self):
        for d in (self.path, self.parent):
            if d:
                with contextlib.suppress(OSError):
                    (d / "cgroup.kill").write_text("1")
                for _ in range(50):
                    try:
                        d.rmdir()
                        break
                    except FileNotFoundError:
                        break
                    except OSError:
                        subprocess.run(["sleep", "0.1"], check=False)


def test_a_container_is_known_by_its_cgroup():
    if not scratch.path:
        return "no cgroup v2 here"
    run("container", ["/bin/sh", "-c", f"echo $$ >{scratch.path}/cgroup.procs; exec /bin/sh -c '/bin/true inside; : >{tmp}/from-container'"])
    check(see("container", evt__type="execve", proc__name="true"), container__id=scratch.id[:12])
    check(see("container", fd__name=f"{tmp}/from-container"), container__id=scratch.id[:12])
    # The shell that was still on the host when it started was on the host.
    first = see("container", evt__type="execve", proc__name="sh")
    check(first, container__id="host")
    return None


# ---- hosts of their own: conditions, configuration, failures ----------------------------------------------------

def test_conditions_of_rules_fire():
    rules = tmp / "rules.tsv"
    rules.write_text(
        f"shell\tevt.type in (execve, execveat) and proc.name in (bash, sh, dash) and proc.pname startswith python3 and proc.env contains {TOKEN}\n"
        f"write below tmp\tevt.type in (open, openat, openat2, creat) and evt.is_open_write=true and fd.name startswith {tmp} and fd.num >= 0\n"
        f"never\tevt.type = execve and container.id != host and proc.env contains {TOKEN}\n"
        "outbound\tevt.type = connect and fd.sip = 127.0.0.1 and fd.sport = 53532 and fd.l4proto = udp\n")
    h = Host(plugins, fields=["proc.name"], rules=rules, seconds=60).wait_ready()
    try:
        act("rules", f"""
            import subprocess
            subprocess.run(["/bin/sh", "-c", ":"])
            open({str(tmp)!r} + "/ruled", "w").close()
            socket.socket(type=socket.SOCK_DGRAM).connect(("127.0.0.1", 53532))""")
        assert h.wait(proc__name=lambda n: n == "sh"), h.lines
        deadline = 50
        while len({e["rule"] for e in h.lines}) < 3 and deadline:
            deadline -= 1
            subprocess.run(["sleep", "0.1"], check=False)
        assert {e["rule"] for e in h.lines} == {"shell", "write below tmp", "outbound"}, h.lines
    finally:
        status = h.stop()
    assert status == 0, h.errors


def test_tercels_own_rules_fire():
    if not scratch.path:
        return "no cgroup v2 here"
    repository = pathlib.Path(__file__).resolve().parents[2]
    rules = tmp / "tercel_rules.tsv"
    rules.write_text(subprocess.run([pathlib.Path(sys.argv[1]) / "bin" / "falco_flatten", repository / "rules" / "tercel_rules.yaml"],
                                    stdout=subprocess.PIPE, text=True, check=True).stdout)
    h = Host(plugins, fields=["proc.cmdline", "container.id", "proc.env[TERCEL_TEST]"], rules=rules, seconds=60).wait_ready()
    try:
        run("own", ["/bin/sh", "-c", f"echo $$ >{scratch.path}/cgroup.procs; exec {PYTHON} -S -c "
                                     "'import os; os.spawnv(os.P_WAIT, \"/bin/sh\", [\"sh\", \"-c\", \":\"])'"])
        e = h.wait(**{"proc__env[TERCEL_TEST]": f"{TOKEN}:own", "proc__cmdline": "sh -c :"})
        assert e and e["container.id"] == scratch.id[:12], h.lines
        fired = {line["rule"] for line in h.lines if line["fields"] == e}
        assert fired == {"Shell spawned by an interpreter in a container"}, fired
    finally:
        assert h.stop() == 0, h.errors
    return None


def test_the_demos_acts_are_detected_by_the_rules_that_block_them():
    if not scratch.path:
        return "no cgroup v2 here"
    repository = pathlib.Path(__file__).resolve().parents[2]
    demo = repository / "tests" / "demo"
    rules = tmp / "demo_rules.tsv"
    rules.write_text(subprocess.run([pathlib.Path(sys.argv[1]) / "bin" / "falco_flatten", repository / "rules" / "tercel_rules.yaml"],
                                    stdout=subprocess.PIPE, text=True, check=True).stdout)
    h = Host(plugins, fields=["evt.type", "proc.name", "proc.pname", "fd.sport", "tercel.lineage", "proc.env[TERCEL_TEST]"],
             rules=rules, seconds=60).wait_ready()
    listener = subprocess.Popen([PYTHON, demo / "listener.py", tmp / "port", tmp / "received"])
    try:
        for _ in range(100):
            if (tmp / "port").exists():
                break
            time.sleep(0.05)
        port = (tmp / "port").read_text().strip()
        run("demo", ["/bin/sh", "-c", f"echo $$ >{scratch.path}/cgroup.procs; exec {PYTHON} {demo}/intruder.py {port}"])
        own = {"proc__env[TERCEL_TEST]": f"{TOKEN}:demo"}
        assert h.wait(evt__type="connect", proc__name=lambda n: n.startswith("python3"), fd__sport=port, **own), h.lines
        fired = {(line["rule"], line["fields"]["proc.name"]) for line in h.lines
                 if line["fields"].get("proc.env[TERCEL_TEST]") == f"{TOKEN}:demo"}
        python = next(name for rule, name in fired if rule == "Interpreter connects inside a container")
        assert fired == {("Shell spawned by an interpreter in a container", "sh"), ("Shell connects inside a container", "bash"),
                         ("Interpreter connects inside a container", python)} and python.startswith("python3"), fired
        e = h.wait(evt__type="connect", proc__name="bash", fd__sport=port, **own)
        assert e and e["tercel.lineage"].endswith(python + ">sh>bash"), e
    finally:
        listener.kill()
        listener.wait()
        assert h.stop() == 0, h.errors
    return None


def test_only_what_rules_need_is_captured():
    rules = tmp / "filter.yaml"
    rules.write_text("- rule: r\n  desc: d\n  condition: evt.type = connect and fd.sport = 53533\n  output: o\n  priority: INFO\n")
    h = Host(plugins, fields=["evt.type", "fd.sport"], condition=f"proc.env contains {TOKEN}:filtered", seconds=60,
             config='{"rules_files":["%s"]}' % rules).wait_ready()
    try:
        act("filtered", f"""
            open({str(tmp)!r} + "/not-wanted", "w").close()
            socket.socket(type=socket.SOCK_DGRAM).connect(("127.0.0.1", 53533))""")
        assert h.wait(evt__type="connect", fd__sport="53533"), h.lines
        kinds = {e["fields"]["evt.type"] for e in h.lines}
        assert "execve" in kinds and not kinds & {"open", "openat", "openat2"}, kinds
    finally:
        h.stop()


def refusal(config=None, wrap=()):
    h = Host(plugins, config=config, seconds=20, wrap=wrap)
    status = h.process.wait(60)
    h.stop()
    assert status == 1, (status, h.errors)
    lines = [line for line in h.errors.splitlines() if line]
    assert len(lines) == 1, lines
    return lines[0]


def test_bad_configurations_are_refused_in_one_line():
    # The host checks the schema that we publish before it asks us (tests/unit/plugin has our own answers).
    for config in ("{", "[]", '{"buffers": 1}', '{"buffer_mb": "big"}', '{"buffer_mb": 0}', '{"rules_files": "x"}'):
        refusal(config)
    broken = tmp / "broken.yaml"
    broken.write_text("- rule: r\n  desc: d\n  condition: proc.nme = x\n  output: o\n  priority: INFO\n")
    text = refusal('{"rules_files":["%s"]}' % broken)
    assert "broken.yaml:3:" in text and "proc.nme" in text, text
    assert "absent.yaml" in refusal('{"rules_files":["/absent.yaml"]}')


def test_missing_privileges_are_said_in_one_line():
    text = refusal(wrap=("setpriv", "--bounding-set", "-all", "--inh-caps", "-all"))
    assert "root" in text or "CAP_" in text or "privilege" in text, text


def test_the_plugins_export_nothing_else_and_need_little():
    for p in plugins:
        symbols = subprocess.run(["nm", "-D", "--defined-only", p], stdout=subprocess.PIPE, text=True, check=True).stdout
        names = [line.split()[-1] for line in symbols.splitlines()]
        assert names and all(n.startswith("plugin_") for n in names), names
        dynamic = subprocess.run(["readelf", "-d", p], stdout=subprocess.PIPE, text=True, check=True).stdout
        needed = {line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "(NEEDED)" in line}
        assert needed <= {"libc.so.6", "libelf.so.1", "libcjson.so.1"}, needed
        assert "TEXTREL" not in dynamic and "$ORIGIN" in dynamic, dynamic


def test_the_plugins_print_nothing():
    # stdout of every host here is parsed as JSON; this is about stderr.
    h = Host(plugins, fields=["evt.type"], condition="evt.type=execve", seconds=10).wait_ready()
    subprocess.run(["/bin/true"], check=True)
    assert h.stop() == 0
    assert h.errors == "", h.errors


def test_the_container_plugin_takes_stock_falcos_configuration():
    for config in ('{"label_max_len": 100, "with_size": false}', "{}", " {} ", ""):
        h = Host([plugins[1]], seconds=5, source=None, container_config=config)
        assert h.process.wait(30) == 0, (config, h.errors)
        h.stop()
    h = Host([plugins[1]], seconds=5, source=None, container_config="[]")
    assert h.process.wait(30) == 1
    h.stop()
    assert "must be a JSON object" in h.errors, h.errors


def test_a_directory_of_rule_files_is_taken():
    directory = tmp / "rules.d"
    directory.mkdir()
    (directory / "one.yaml").write_text("- rule: r\n  desc: d\n  condition: evt.type = connect\n  output: o\n  priority: INFO\n")
    h = Host(plugins, fields=["evt.type"], condition="evt.type=execve", seconds=10,
             config='{"rules_files":["%s"]}' % directory).wait_ready()
    assert h.stop() == 0, h.errors


def test_the_container_plugin_works_without_the_other():
    # Loaded alone it needs no sensor: with nothing to open, loading must succeed.
    h = Host([plugins[1]], seconds=5, source=None)
    assert h.process.wait(30) == 0, h.stop()
    h.stop()


# ---- running -----------------------------------------------------------------------------------------------------

def main():
    global host, tmp, plugins, scratch
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    if os.geteuid():
        print("skipped: needs root")
        return 77
    wanted = sys.argv[2:]
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_") and (not wanted or any(w in n for w in wanted))]
    directory = stage(sys.argv[1])
    plugins = [directory / "libtercel.so", directory / "libtercel_container.so"]
    tmp = pathlib.Path(tempfile.mkdtemp(prefix="tercel-falco-files-"))
    scratch = Scratch()
    passed = failed = 0
    try:
        start_before()
        host = Host(plugins, FIELDS, f'proc.env contains "{TOKEN}"', seconds=240).wait_ready()
        for name, function in tests:
            try:
                note = function()
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
            else:
                passed += 1
                print(f"ok {name}" + (f" ({note})" if note else ""), flush=True)
        status = host.stop()
        if status or host.errors:
            failed += 1
            print(f"FAILED the host: status {status}, {host.errors}")
    except Skip as e:
        print(f"skipped: {e}")
        return 77
    finally:
        if host:
            host.stop()
        stop_before()
        scratch.remove()
        shutil.rmtree(tmp, ignore_errors=True)
        shutil.rmtree(directory.parents[2], ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


plugins = []
scratch = None
if __name__ == "__main__":
    sys.exit(main())
