#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of rules/tercel_rules.yaml does what it says, at each decision point that it has on this kernel.

An act that the rule is about succeeds in monitor mode, with a verdict that says that it would have been blocked; in enforce it
is refused or the program killed, and nothing has happened; near misses are untouched and without a verdict, while every rule of
the file is enforced. A rule without a case fails the test, and so does a point of a rule without an act. What nothing is blocked
of on this kernel, `tercel check` and the daemon have to say, with the reason.

The acts are done by deed.c under the names that the rules ask for, in a root directory, cgroups and a network of their own.
"""
import ctypes
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

from daemon import CONTAINER, PATIENCE, enter, main, wait_for

RULES = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", "rules", "tercel_rules.yaml"))
KILLED = 128 + signal.SIGKILL
ANYWHERE, ANYWHERE6 = "203.0.113.9", "2001:db8::9"
METADATA, NO_METADATA = ("169.254.169.254", "fd00:ec2::254"), ("169.254.169.253", "fd00:ec2::253")
ADDRESSES = [ANYWHERE, ANYWHERE6, *METADATA, *NO_METADATA]
CALM, POOL, NO_POOL = "4000", "3333", "3332"

EXEC = ("bprm_creds_from_file", "sched_process_exec")
CONNECT = ("cgroup_connect4", "cgroup_connect6")
# Of a deed, where it is decided, and what has to be at the paths that are its arguments; all others are starts of programs.
DEEDS = {
    "connect": (CONNECT,),
    "socket": (["socket_create"],),
    "open": (["file_open"], None, "file"),
    "make": (["file_open"], "nothing"),
    "creat": (["file_open"], "file"),
    "open-by-handle": (["file_open"], None, "file"),
    "rename": (["path_rename"], "file", "nothing"),
    "unlink": (["path_unlink"], "file"),
    "rmdir": (["path_rmdir"], "directory"),
    "link": (["path_link"], "file", "nothing"),
    "symlink": (["path_symlink"], None, "nothing"),
    "chmod": (["path_chmod"], None, "file"),
    "mknod": (["path_mknod"], None, "nothing"),
    "module-file": (["kernel_read_file"],),
    "module-data": (["kernel_load_data"],),
    "bpf-program": (["bpf"],),
    "trace": (["ptrace_access_check"],),
    "be-traced": (["ptrace_traceme"],),
    "mount": (["sb_mount"],),
    "userfaultfd": (["inode_init_security_anon"],),
}
MODULE = "/modules/dummy.ko"


class Do:
    """One act in a container: the words are a program, its deed (see deed.c) and the arguments.

    The program is a path, or a name in /app. `by` is the name of its parent, `variable` is in its environment, and it has a
    terminal if there is a `tty`. If it is `nameless`, a file in memory, rules cannot tell that ask for its name or path. `also`
    are other rules that the act falls under.
    """
    host = False

    def __init__(self, words, by="deed", variable=None, tty=False, nameless=False, also=()):
        self.program, *self.words = words.split()
        self.by, self.variable, self.tty, self.nameless, self.also = by, variable, tty, nameless, also
        self.path = self.program if self.program[0] == "/" else "/app/" + self.program
        self.points, *needs = DEEDS.get(self.words[0], (EXEC,))
        self.needs = [(path, need) for path, need in zip(self.words[1:], needs) if need]
        self.ends = 0

    def command(self):
        how = ["run-memory"] if self.nameless else ["run-with", self.variable] if self.variable else ["run"]
        # The parent is started by another one: this test itself is an interpreter.
        return ["/app/deed", *(["run", "/app/" + self.by] if self.by != "deed" else []), *how, self.path, *self.words]

    def __str__(self):
        return " ".join(self.command()[1:])


class Host(Do):
    """The same outside of any container."""
    host = True


def each(kind, *words):
    return [kind(w) for w in words]


def put(path, *ways):
    """Written, and put there in other ways."""
    how = {"rename": "deed rename /srv/file ", "link": "deed link /srv/file ", "symlink": "deed symlink /srv/file "}
    return each(Host, "deed open write " + path, *(how[way] + path for way in ways))


def wiped(directory, name):
    return each(Host, *(deed % (directory + name) for deed in (
        "deed open truncate %s", "deed unlink %s", "deed rmdir %s", "deed rename %s /srv/moved")))


INTERPRETED = "Interpreter connects inside a container"
UPPER = "Program that is not part of the image runs in a container"

# The rule, the acts that it is about, and what is nearly one.
CASES = {
    "Shell spawned by an interpreter in a container":
        ([Do("sh nothing", by="python3")], [Do("shx nothing", by="python3"), Do("sh nothing"), Host("sh nothing", by="python3")]),
    "Server program starts a shell or an interpreter":
        ([Host("bash nothing", by="nginx")], [Host("bash nothing", by="nginxy"), Host("bashx nothing", by="nginx")]),
    "Interactive shell starts in a container":
        ([Do("sh nothing", tty=True)], [Do("sh nothing"), Do("shx nothing", tty=True), Host("sh nothing", tty=True)]),
    "Interpreter takes its program from the command line in a container":
        ([Do("python3 -c pass")], each(Do, "python3 -cpass", "deed -c pass")),
    "Package manager runs in a container":
        ([Do("apt-get nothing")], [Do("apt-gets nothing"), Host("apt-get nothing")]),
    "Compiler or linker runs in a container":
        ([Do("gcc nothing")], [Do("gccx nothing"), Host("gcc nothing")]),
    UPPER:
        ([Do("/layers/merged/above nothing")], [Do("/layers/merged/below nothing"), Host("/layers/merged/above nothing")]),
    "Program runs from memory in a container":
        ([Do("deed nothing", nameless=True)], [Do("memfd:deed nothing")]),
    "Program runs from memory on the host":
        ([Host("deed nothing", nameless=True)], [Host("memfd:deed nothing")]),
    "Program runs from a shared memory directory":
        ([Host("/dev/shm/deed nothing")], [Host("/dev/shmx/deed nothing")]),
    "Program runs from a temporary directory in a container":
        ([Do("/var/tmp/deed nothing")], [Do("/var/tmpx/deed nothing"), Host("/var/tmp/deed nothing")]),
    "Interpreter or shell runs a script from a temporary directory in a container":
        ([Do("sh /tmp/script")], each(Do, "sh /srv/tmp/script", "deed /tmp/script")),
    "Network tool runs in a container":
        ([Do("nc nothing")], [Do("ncx nothing"), Host("nc nothing")]),
    "Download tool started by a shell or an interpreter in a container":
        ([Do("curl nothing", by="sh")], [Do("curl nothing"), Do("curlx nothing", by="sh")]),
    "Program is told the name of a secret file":
        ([Host("cat /etc/shadow")], each(Host, "cat /etc/hostname", "deed /etc/shadow")),
    "Program starts with a preloaded library in a container":
        ([Do("deed nothing", variable="LD_PRELOAD=/srv/x.so")],
         [Do("deed nothing", variable="LD_PRELOADS=/srv/x.so"), Host("deed nothing", variable="LD_PRELOAD=/srv/x.so")]),
    "Program that switches users runs in a container":
        ([Do("su nothing")], [Do("sux nothing"), Host("su nothing")]),
    "Tool for kernel modules runs in a container":
        ([Do("insmod nothing")], [Do("insmodx nothing"), Host("insmod nothing")]),
    "Crypto-miner runs":
        ([Host("xmrig nothing")], [Host("xmrigs nothing")]),
    "Interpreter or shell connects out of a container":
        ([Do("node connect %s %s" % (to, CALM), also=[INTERPRETED]) for to in (ANYWHERE, ANYWHERE6)],
         [Do("deed connect %s %s" % (ANYWHERE, CALM)), Host("node connect %s %s" % (ANYWHERE, CALM))]),
    "Shell connects inside a container":
        (each(Do, "sh connect 127.0.0.1 " + CALM, "sh connect ::1 " + CALM),
         [Do("shx connect 127.0.0.1 " + CALM), Host("sh connect 127.0.0.1 " + CALM)]),
    INTERPRETED:
        (each(Do, "python3 connect 127.0.0.1 " + CALM, "python3 connect ::1 " + CALM),
         [Do("python3x connect 127.0.0.1 " + CALM), Host("python3 connect 127.0.0.1 " + CALM)]),
    "Container asks the cloud metadata service":
        ([Do("deed connect %s %s" % (to, CALM)) for to in METADATA],
         [Do("deed connect %s %s" % (to, CALM)) for to in NO_METADATA] + [Host("deed connect %s %s" % (METADATA[0], CALM))]),
    "Container connects to a port of mining pools":
        ([Do("deed connect %s %s" % (to, POOL)) for to in (ANYWHERE, ANYWHERE6)],
         each(Do, "deed connect %s %s" % (ANYWHERE, NO_POOL), "deed connect 127.0.0.1 " + POOL)),
    "Raw socket made in a container":
        # With a flag in its type Falco takes only IPPROTO_RAW for raw.
        (each(Do, "deed socket 2 3 1", "deed socket 10 0x80003 255"),
         each(Do, "deed socket 2 2 0", "deed socket 2 0x80003 1") + [Host("deed socket 2 3 1")]),
    "Packet socket made in a container":
        ([Do("deed socket 17 2 0")], [Do("deed socket 16 2 0"), Host("deed socket 17 2 0")]),
    "File below a binary directory is written":
        (each(Host, "deed open write /usr/bin/tool", "deed make /usr/bin/fresh", "deed creat /usr/bin/tool"),
         each(Host, "deed open write /usr/binx/tool", "deed open read /usr/bin/tool", "dpkg open write /usr/bin/tool")),
    "File below a binary directory is replaced or removed":
        (each(Host, "deed unlink /usr/bin/tool", "deed rmdir /usr/bin/tools", "deed rename /usr/bin/tool /srv/moved",
              "deed rename /srv/file /usr/bin/tool"),
         each(Host, "deed unlink /usr/binx/tool", "deed rename /srv/file /usr/binx/tool", "dpkg unlink /usr/bin/tool")),
    "Shared library is written in a container":
        ([Do("deed open write /usr/lib/libx.so.1")],
         [Do("deed open write /usr/lib/libx.a"), Host("deed open write /usr/lib/libx.so.1")]),
    "File below /etc is written in a container":
        ([Do("deed open write /etc/app.conf")], [Do("deed open read /etc/app.conf"), Host("deed open write /etc/app.conf")]),
    "Root's SSH directory is changed":
        (put("/root/.ssh/authorized_keys", "rename", "link", "symlink"),
         each(Host, "deed open write /root/ssh/authorized_keys", "ssh open write /root/.ssh/known_hosts")),
    "Account database is changed":
        (put("/etc/passwd", "rename"), each(Host, "deed open write /etc/passwds", "useradd open write /etc/passwd")),
    "Rules of sudo, PAM or polkit are changed":
        (put("/etc/sudoers.d/all", "rename", "symlink"),
         each(Host, "deed open write /etc/sudoers.x/all", "visudo open write /etc/sudoers")),
    "Another name is made for a secret file":
        (each(Host, "deed link /etc/shadow /srv/link", "deed symlink /etc/shadow /srv/link"),
         each(Host, "deed link /etc/hostname /srv/link", "deed symlink /etc/shadows /srv/link")),
    "Secret file is moved away":
        ([Host("deed rename /etc/shadow /srv/moved")],
         each(Host, "deed rename /etc/hostname /srv/moved", "passwd rename /etc/shadow /srv/moved")),
    "Secret file is opened up to everybody":
        ([Host("deed chmod 0644 /etc/shadow")], each(Host, "deed chmod 0640 /etc/shadow", "deed chmod 0644 /etc/hostname")),
    "Program gets the set-user-id bit in a container":
        ([Do("deed chmod 04755 /srv/file")], [Do("deed chmod 02755 /srv/file"), Host("deed chmod 04755 /srv/file")]),
    "Scheduled job is written":
        (put("/etc/cron.d/job", "rename", "symlink"),
         each(Host, "deed open write /etc/cron.x/job", "cron open write /etc/cron.d/job")),
    "Service definition is written":
        (put("/etc/systemd/system/x.service", "rename", "symlink"),
         each(Host, "deed open write /etc/systemd/systems/x.service", "systemctl open write /etc/systemd/system/x.service")),
    "List of preloaded libraries is written":
        (put("/etc/ld.so.preload", "rename", "link", "symlink"),
         each(Host, "deed open write /etc/ld.so.cache", "ldconfig open write /etc/ld.so.conf")),
    "Log is emptied, removed or moved":
        (wiped("/var/log", "/messages"), each(Host, "deed open append /var/log/messages", "logrotate unlink /var/log/messages")),
    "Command history is emptied, removed or moved":
        (wiped("/root", "/.bash_history"), each(Host, "deed open append /root/.bash_history", "deed unlink /root/.bash_aliases")),
    "Command history is sent into nothing":
        ([Host("deed symlink /dev/null /root/.bash_history")],
         each(Host, "deed symlink /dev/zero /root/.bash_history", "deed symlink /dev/null /root/.bash_aliases")),
    "Release agent of a cgroup is written":
        ([Do("deed open write /srv/release_agent")],
         [*each(Do, "deed open read /srv/release_agent", "deed open write /srv/release_agents"),
          Host("deed open write /srv/release_agent")]),
    "Helper program of the kernel is set in a container":
        ([Do("deed open write /proc/sys/kernel/core_pattern")],
         [Do("deed open write /proc/sys/kernel/core_uses_pid"), Host("deed open write /proc/sys/kernel/core_pattern")]),
    "Kernel module is loaded from a container":
        (each(Do, "deed module-file " + MODULE, "deed module-data " + MODULE),
         each(Host, "insmod module-file " + MODULE, "insmod module-data " + MODULE)),
    "Kernel module is loaded by an unusual program":
        (each(Host, "deed module-file " + MODULE, "deed module-data " + MODULE),
         each(Host, "modprobe module-file " + MODULE, "modprobe module-data " + MODULE)),
    "BPF program is loaded from a container":
        ([Do("deed bpf-program")], [Do("deed bpf-map"), Host("deed bpf-program")]),
    "Process is traced by another in order to control it":
        (each(Host, "deed trace attach", "deed trace seize"), each(Host, "strace trace attach", "deed be-traced")),
    "Process asks to be traced in a container":
        ([Do("deed be-traced")], [Do("strace be-traced"), Host("deed be-traced")]),
    "Mount in a container":
        ([Do("deed mount /mnt")], [Do("runc mount /mnt"), Host("deed mount /mnt")]),
    "Device file is made in a container":
        ([Do("deed mknod c /srv/device")], [Do("deed mknod p /srv/device"), Host("deed mknod c /srv/device")]),
    "Page faults are handled by a process in a container":
        ([Do("deed userfaultfd")], [Do("deed memory-file"), Host("deed userfaultfd")]),
    "File is opened for writing by its handle in a container":
        ([Do("deed open-by-handle write /srv/file")],
         [Do("deed open-by-handle read /srv/file"), Host("deed open-by-handle write /srv/file")]),
}

# How what is blocked ends, by the strength of the point.
ENDS = {"deny": (errno.EPERM, "EPERM"), "kill-before-run": (KILLED, "killed")}
ACTS = [act for acts, _ in CASES.values() for act in acts]
NEAR = [act for _, near in CASES.values() for act in near]


# ---- the place ----------------------------------------------------------------------------------------------------------


def own_network():
    """A loopback device that has all the addresses, so that connections to them succeed; and who listens there."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s4, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s6:
        fcntl.ioctl(s4, 0x8914, struct.pack("16sH14x", b"lo", 0x1))  # SIOCSIFFLAGS: IFF_UP
        for i, address in enumerate(ADDRESSES):  # SIOCSIFADDR: struct in6_ifreq, struct ifreq
            if ":" in address:
                fcntl.ioctl(s6, 0x8916, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, address), 128, 1))
            else:
                sockaddr = struct.pack("H2x4s8x", socket.AF_INET, socket.inet_aton(address))
                fcntl.ioctl(s4, 0x8916, struct.pack("16s16s", b"lo:%d" % i, sockaddr))
    return [socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=100)
            for port in (CALM, POOL, NO_POOL)]


class Place:
    """Where the acts are done, and why the act of a rule cannot be done here: `without`."""

    def __init__(self, w):
        self.root, self.without = w.path("root"), {}
        self.container, self.host = os.path.join(w.cgroup, CONTAINER), os.path.join(w.cgroup, "plain")
        os.mkdir(self.container)
        os.mkdir(self.host)
        for path in ("/app/", "/srv/", "/mnt/", "/layers/workdir/", "/layers/merged/"):
            self.directory_of(path)
        shutil.copy(os.path.join(os.path.dirname(w.tercel), "bin", "deed"), self.at("/app/deed"))
        for act in ACTS + NEAR:
            for path in (act.path, "/app/" + act.by):
                self.add_program(path.replace("merged/above", "upperdir/above").replace("merged/below", "lowerdir/below"))
        self.add_module()
        options = ",".join("%s=%s" % (which, self.at("/layers/" + which)) for which in ("lowerdir", "upperdir", "workdir"))
        mount = ["mount", "-t", "overlay", "-o", options, "overlay", self.at("/layers/merged")]
        if subprocess.run(mount, capture_output=True).returncode:
            assert os.environ.get("TERCEL_VM") != "1", "no overlay, for which tests/vm/run has to see"
            self.without[UPPER] = "this kernel mounts no overlay"
        self.listeners = own_network()

    def at(self, path):
        return self.root + path

    def directory_of(self, path):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)

    def add_program(self, path):
        self.directory_of(path)
        if not os.path.exists(self.at(path)):
            os.link(self.at("/app/deed"), self.at(path))

    def add_module(self):
        """In a virtual machine one that may be loaded; elsewhere what the kernel refuses, as late as when it has read it."""
        given = os.path.join(os.environ.get("TERCEL_MODULES", "/nowhere"), os.path.basename(MODULE))
        self.directory_of(MODULE)
        if os.path.exists(given):
            shutil.copy(given, self.at(MODULE))
            return
        with open(self.at(MODULE), "wb") as f:
            f.write(bytes(4096))
        for act in ACTS + NEAR:
            act.ends = errno.ENOEXEC if MODULE in act.words else 0

    def close(self):
        for listener in self.listeners:
            listener.close()
        subprocess.run(["umount", "-l", self.at("/layers/merged")], capture_output=True)
        for cgroup in (self.container, self.host):
            for pid in open(os.path.join(cgroup, "cgroup.procs")).read().split():
                os.kill(int(pid), signal.SIGKILL)
            wait_for(lambda: not open(os.path.join(cgroup, "cgroup.procs")).read())
            os.rmdir(cgroup)

    def prepare(self, act):
        for path, need in act.needs:
            self.directory_of(path)
            path = self.at(path)
            if os.path.isdir(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
            if need == "directory":
                os.mkdir(path)
            elif need == "file":
                with open(path, "w") as f:
                    f.write("text")
                os.chmod(path, 0o600)

    def is_as_before(self, act):
        def is_file(path):
            return os.path.isfile(path) and os.stat(path).st_mode & 0o7777 == 0o600 and open(path).read() == "text"

        is_so = {"nothing": lambda path: not os.path.lexists(path), "directory": os.path.isdir, "file": is_file}
        return all(is_so[need](self.at(path)) for path, need in act.needs)

    def do(self, act):
        """What it ended with, the processes that took part, and whether all is as before."""
        self.prepare(act)
        terminal, slave = os.openpty() if act.tty else (-1, -1)

        def become():
            enter(self.host if act.host else self.container)
            if act.tty:
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            os.chroot(self.root)
            os.chdir("/")

        process = subprocess.Popen(act.command(), preexec_fn=become, start_new_session=True, stdout=subprocess.PIPE, env={})
        pids = {process.pid, *map(int, process.communicate(timeout=PATIENCE)[0].split())}
        if act.tty:
            os.close(terminal)
            os.close(slave)
        if process.returncode == act.ends == 0 and MODULE in act.words:
            subprocess.run(["rmmod", os.path.basename(MODULE).partition(".")[0]], check=True)
        return process.returncode, pids, self.is_as_before(act)


# ---- the tests ----------------------------------------------------------------------------------------------------------


def judged(tercel, *more):
    said = subprocess.run([tercel, "check", "-o", "json", *more, RULES], capture_output=True, text=True, timeout=PATIENCE)
    assert said.returncode == 0, said.stderr
    return {rule["name"]: rule for rule in json.loads(said.stdout)["rules"]}


def cases_that_are_wrong(tercel):
    """What lacks a case, whatever this kernel can decide."""
    rules = judged(tercel)
    for name in sorted(set(rules) | set(CASES)):
        if name not in CASES or name not in rules:
            yield "%r has no %s" % (name, "rule" if name in CASES else "case: put it into CASES of test_own_rules.py")
            continue
        done = {point for act in CASES[name][0] for point in act.points}
        for point in rules[name]["points"]:
            if point["point"] not in done:
                yield "%r: no act for %s" % (name, point["point"])
        if not CASES[name][1]:
            yield "%r has no near miss" % name


def where(rule, act, whole):
    """The points at which the act may be decided here; none if `tercel check` says that nothing is blocked, and why."""
    decided = [p["point"] for p in rule["points"] if p["available"] and p["class"] == "exact" and p["point"] in act.points]
    if not decided and whole:
        decided = list(act.points)  # the strongest has no program yet, and gives way to the next
    if not decided:
        assert all(p["reason"] for p in rule["points"] if p["class"] != "exact"), rule
    other = "cgroup_connect4" if any("::" in word for word in act.words) else "cgroup_connect6"
    return [p for p in decided if p != other]


def reason(rule):
    return "%s: %s" % (rule["class"], "; ".join(sorted({p["reason"] for p in rule["points"] if p.get("reason")})))


def mode(w, rules, which):
    done = w.tool("policy", "set-mode", rules, which)
    assert done.returncode == 0, done


class Trial:
    """Acts done under a policy, and what became of them."""

    def __init__(self, w, place):
        self.w, self.place, self.done, self.pids = w, place, {}, set()

    def do(self, phase, rule, act):
        status, pids, as_before = self.place.do(act)
        assert not pids & self.pids, "process ids came round"
        self.pids |= pids
        self.done[phase, rule, act] = status, pids, as_before

    def verdicts(self):
        """By process; all that were told."""
        of = {}
        for v in self.w.verdicts():
            assert v["process"]["pid"] in self.pids, "a verdict on what was not done here: %r" % v
            of.setdefault(v["process"]["pid"], []).append(v["tercel"])
        return of


def wrong_of(phase, rule, act, status, verdicts, points):
    """What is not as it should be; nothing if all is. `points`: where the act may be decided; of a near miss nowhere."""
    certain = [t for t in verdicts if not t["uncertain"]]
    unsure = {t["rule"] for t in verdicts if t["uncertain"]}
    names = sorted(t["rule"] for t in certain)
    if not points:
        if status != act.ends or verdicts:
            return "ended with %d and not %d, verdicts: %s" % (status, act.ends, names + sorted(unsure))
        return None
    wanted = sorted([rule, *act.also]) if phase != "alone" else [rule]
    if names != wanted or (unsure and not act.nameless):
        return "verdicts of %s, not %s; uncertain: %s" % (names, wanted, sorted(unsure))
    mine = next(t for t in certain if t["rule"] == rule)
    blocked = phase != "monitor"
    if mine["mode"] != ("enforce" if blocked else "monitor") or mine["enforced"] != blocked or mine["point"] not in points:
        return "the verdict is %s" % mine
    ends = ENDS[mine["strength"]][0] if blocked else act.ends
    if status != ends:
        return "ended with %d and not %d" % (status, ends)
    return None


def act_all(w, place, todo):
    """Does it all: in monitor mode, then all rules enforced, then each of those alone that share an act with others."""
    trial = Trial(w, place)
    for name, act, _ in todo:
        trial.do("monitor", name, act)
    mode(w, "*", "enforce")
    for name, act, _ in todo:
        trial.do("enforce", name, act)
    for name in {name: None for name, _, _ in todo}:
        for act in CASES[name][1]:
            trial.do("near", name, act)
    shared = [(name, act) for name, act, _ in todo if act.also]
    mode(w, "*", "off")
    for name, act in shared:
        mode(w, name, "enforce")
        trial.do("alone", name, act)
        mode(w, name, "off")
    least = sum(1 + len(act.also) for _, act, _ in todo) * 2 + len(shared)
    wait_for(lambda: len(w.verdicts()) >= least, PATIENCE)
    time.sleep(0.5)  # for what should not come
    return trial


def judge(trial, points):
    """(phase, rule, act): what is wrong with it."""
    verdicts, wrong = trial.verdicts(), {}
    for (phase, name, act), (status, pids, as_before) in trial.done.items():
        said = wrong_of(phase, name, act, status, [t for pid in pids for t in verdicts.get(pid, [])],
                        points[name, act] if phase != "near" else [])
        if not said and phase in ("enforce", "alone") and not as_before:
            said = "was refused, and has happened"
        if said:
            wrong[phase, name, act] = said
    return wrong


LINE = "  %-76s %-24s %-11s %-11s %s"


def print_table(trial, todo, wrong, missing):
    verdicts = trial.verdicts()
    print(LINE % ("rule", "point", "monitor", "enforce", "near misses"))
    for name, act, _ in todo:
        def word(phase, text):
            return "WRONG" if (phase, name, act) in wrong else text
        mine = next((t for pid in trial.done["enforce", name, act][1] for t in verdicts.get(pid, []) if t["rule"] == name), None)
        near = [(key in wrong) for key in trial.done if key[:2] == ("near", name)]
        print(LINE % (name, mine["point"] if mine else "?", word("monitor", "would block"),
                      word("alone" if act.also else "enforce", ENDS[mine["strength"]][1] if mine else "?"),
                      "%d of %d untouched" % (near.count(False), len(near))))
    for name, why in missing.items():
        print("  %-76s not here: %s" % (name, why))
    print("  %d rules, %d of them tried: %d acts, %d near misses" % (
        len(CASES), len({name for name, _, _ in todo}), len(todo), sum(phase == "near" for phase, _, _ in trial.done)), flush=True)


def each_rule_blocks_what_it_says(w):
    place = Place(w)
    try:
        w.write("policy.yaml", "rules_files: [%s]\nrules: [{name: '*', mode: monitor}]\n" % RULES)
        daemon = w.start()
        assert daemon.poll() is None, w.said()
        shown = {r["rule"]: r for r in w.shown()["rules"]}
        # To ask what this kernel takes is to load all programs once more: only where something is missing.
        whole = all(said["class"] == "exact" for said in shown.values())
        rules = judged(w.tercel, "--target", "full" if whole else "auto")
        todo = []
        for name, (acts, _) in CASES.items():
            assert shown[name]["class"] == rules[name]["class"], (shown[name], rules[name])
            todo += [(name, act, where(rules[name], act, whole)) for act in acts]
        missing = {name: reason(rules[name]) for name, _, points in todo if not points}
        missing.update(place.without)
        todo = [(name, act, points) for name, act, points in todo if points and name not in place.without]
        trial = act_all(w, place, todo)
        wrong = judge(trial, {(name, act): points for name, act, points in todo})
        print_table(trial, todo, wrong, missing)
        assert not wrong, "\n".join("%s, %s: %s: %s" % (name, phase, act, said) for (phase, name, act), said in wrong.items())
        assert w.end(daemon, signal.SIGTERM) == 0
    finally:
        place.close()


if __name__ == "__main__":
    missing = list(cases_that_are_wrong(os.path.realpath(sys.argv[1]))) if os.environ.get("TERCEL_OWN_MOUNTS") != "1" else []
    for line in missing:
        print("FAILED  " + line)
    sys.exit(1 if missing else main([each_rule_blocks_what_it_says]))
