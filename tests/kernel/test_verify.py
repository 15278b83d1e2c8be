#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`tercel verify`: what holds is told as that, what does not as a hole, and nothing but its own place is touched."""
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time

from daemon import PATIENCE, enter, main, wait_for

VM = os.environ.get("TERCEL_VM") == "1"
RULES = """
- {rule: name, desc: d, output: o, priority: INFO, condition: "evt.type in (execve, execveat)
    and proc.name = victim"}
- {rule: path, desc: d, output: o, priority: INFO, condition: "evt.type in (execve, execveat) and container.id != host
    and proc.exepath startswith /usr/lib/evil"}
- {rule: layer, desc: d, output: o, priority: INFO, condition: "evt.type in (execve, execveat) and container.id != host
    and proc.is_exe_upper_layer = true"}
- {rule: parent, desc: d, output: o, priority: INFO, condition: "evt.type = execve and proc.name in (sh, bash) and
    proc.pname = nginx"}
- {rule: arguments, desc: d, output: o, priority: INFO, condition: "evt.type in (execve, execveat) and proc.name = tool and
    proc.args contains --steal"}
- {rule: address, desc: d, output: o, priority: INFO, condition: "evt.type = connect and
    fd.sip = 203.0.113.9 and fd.sport = 4444"}
- {rule: terminal, desc: d, output: o, priority: INFO, condition: "evt.type = execve and proc.name = tool
    and proc.tty = 4"}
"""
USERS = """
- {rule: user, desc: d, output: o, priority: INFO, condition: "evt.type in (execve, execveat) and proc.name = victim
    and user.uid != 0"}
"""
FILES = """
- {rule: read, desc: d, output: o, priority: INFO, condition: "evt.type in (open, openat, openat2) and fd.name = /etc/shadow
    and container.id != host"}
- {rule: write, desc: d, output: o, priority: INFO, condition: "evt.type in (open, openat, openat2, creat) and
    evt.is_open_write = true and fd.directory = /etc/cron.d"}
"""
NAMES = """
- {rule: remove, desc: d, output: o, priority: INFO, condition: "evt.type in (unlink, unlinkat, rmdir) and
    fs.path.name startswith /etc/kept/"}
- {rule: move, desc: d, output: o, priority: INFO, condition: "evt.type in (rename, renameat, renameat2) and
    (evt.arg.oldpath = /etc/kept or evt.arg.newpath = /srv/kept)"}
- {rule: link, desc: d, output: o, priority: INFO, condition: "evt.type in (link, linkat) and evt.arg.oldpath = /etc/kept"}
- {rule: symlink, desc: d, output: o, priority: INFO, condition: "evt.type in (symlink, symlinkat) and
    evt.arg.linkpath = /etc/kept"}
- {rule: mode, desc: d, output: o, priority: INFO, condition: "evt.type in (chmod, fchmod, fchmodat) and fs.path.name = /etc/kept
    and evt.arg.mode contains S_ISUID"}
- {rule: owner, desc: d, output: o, priority: INFO, condition: "evt.type in (chown, fchown, fchownat, lchown) and
    fs.path.name = /etc/kept"}
- {rule: make, desc: d, output: o, priority: INFO, condition: "evt.type in (mkdir, mkdirat) and fs.path.name = /etc/kept"}
- {rule: only-unlink, desc: d, output: o, priority: INFO, condition: "evt.type = unlink and fs.path.name = /etc/alone"}
- {rule: only-creat, desc: d, output: o, priority: INFO, condition: "evt.type = creat and fd.name = /etc/made"}
- {rule: bind, desc: d, output: o, priority: INFO, condition: "evt.type = bind and fd.sip = 203.0.113.9 and fd.sport = 4444"}
- {rule: listen, desc: d, output: o, priority: INFO, condition: "evt.type = listen and fd.sport = 4444"}
"""
SAME_FILE = {"symlink", "linked-directory", "relative", "dot-dot", "proc-root", "long-path"}
ANYBODY = {"comm", "thread", "vfork", "ptrace"}


def lsm():
    try:
        return "bpf" in open("/sys/kernel/security/lsm").read().strip().split(",")
    except OSError:
        return False


def verify(w, *args, socket=None):
    done = subprocess.run([w.tercel, "verify", "--socket", socket or w.path("s/socket"), "-o", "json", *args], text=True,
                          capture_output=True, timeout=600)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def ways(found, rule, result):
    """By the way; of several acts by its words as well."""
    acts = [(act, len(r["acts"]) > 1) for r in found["rules"] if r["rule"] == rule for act in r["acts"]]
    return {(act["act"], way["way"]) if many else way["way"]: way.get("why") for act, many in acts for way in act["ways"]
            if way["result"] == result}


def is_tested(rule):
    return any("not_tested" not in act for act in rule["acts"])


def start(w, rules, mode, more=""):
    w.write("rules.yaml", rules)
    w.write("policy.yaml", "rules_files: [rules.yaml]\nrules: [{name: '*', mode: %s%s}]\n" % (mode, more))
    return w.start()


def judge(w, mode):
    mounts = open("/proc/mounts").read()
    daemon = start(w, RULES, mode)
    status, found = verify(w, "--tries", "40")
    assert status == 0 and found["rules_with_holes"] == 0, found
    for rule in ("name", "path", "layer", "parent", "arguments"):
        assert SAME_FILE | ANYBODY <= set(ways(found, rule, "holds")), (rule, found)
        assert set(ways(found, rule, "exception")) <= {"link-name", "hard-link", "rename", "bind-mount", "copy", "memfd",
                                                       "shebang", "ld.so", "directory", "descriptor", "long-arguments",
                                                       "renamed-directory", "execveat"}
    assert "ld.so" in ways(found, "name", "exception") and "hard-link" in ways(found, "path", "holds")
    assert "args" in ways(found, "arguments", "exception").get("long-arguments", "args")
    assert "rewriting-arguments" in ways(found, "arguments", "holds"), found
    assert "asks for no argument" in ways(found, "name", "not tested")["rewriting-arguments"], found
    for result, name in (("holds", "hold"), ("exception", "exceptions"), ("HOLE", "holes"), ("not tested", "not_tested")):
        assert found["ways"][name] == sum(len(ways(found, r["rule"], result)) for r in found["rules"]), found
    assert ANYBODY | {"non-blocking", "mapped", "rewriting"} <= set(ways(found, "address", "holds")), found
    assert {"sendto", "sendmsg"} <= set(ways(found, "address", "exception")), found
    untested = [r["rule"] for r in found["rules"] if not is_tested(r)]
    assert untested == ["terminal"] and found["rules_not_tested"] == 1, found
    # A rule by its name, and what is said of one that there is not.
    status, one = verify(w, "--rule", "addr*", "--tries", "1")
    assert status == 0 and [r["rule"] for r in one["rules"]] == ["address"], one
    status, said = verify(w, "--rule", "nothing")
    assert status == 2 and "no rule in force" in said, said
    assert open("/proc/mounts").read() == mounts and not os.path.exists("/opt/tercel")
    assert not [d for d in os.listdir(w.cgroup) if d.startswith("tercel-verify")]
    assert w.end(daemon, signal.SIGTERM) == 0


def what_is_enforced_holds(w):
    judge(w, "enforce")


def what_is_monitored_would_hold(w):
    judge(w, "monitor")


def files_hold_too(w):
    if not lsm():
        print("  no BPF LSM here: not tried")
        return
    daemon = start(w, FILES, "enforce")
    status, found = verify(w, "--tries", "40")
    assert status == 0 and found["rules_with_holes"] == 0 and found["rules_not_tested"] == 0, found
    for rule in ("read", "write"):
        assert SAME_FILE | ANYBODY | {"directory", "descriptor", "openat2"} <= set(ways(found, rule, "holds")), (rule, found)
        assert {"io_uring", "open_by_handle_at", "bind-mount"} <= set(ways(found, rule, "exception")), (rule, found)
    assert "does not name creat" in ways(found, "read", "exception")["creat"], found
    assert "no flags" in ways(found, "write", "exception")["creat"], found
    assert w.end(daemon, signal.SIGTERM) == 0


def names_hold_too(w):
    if not lsm():
        print("  no BPF LSM here: not tried")
        return
    daemon = start(w, NAMES, "enforce")
    status, found = verify(w, "--tries", "10" if VM else "40")
    assert status == 0 and found["rules_with_holes"] == 0 and found["rules_not_tested"] == 0, found
    assert found["acts_tested"] == 13 and found["acts_not_tested"] == 0, found
    in_place = SAME_FILE - {"symlink"} | {"directory", "comm", "thread", "vfork"}
    for rule, calls in (("link", {"linkat"}), ("symlink", {"symlinkat"}), ("mode", {"fchmod", "fchmodat"}),
                        ("owner", {"fchown", "fchownat", "lchown"}), ("make", {"mkdirat"})):
        assert in_place | calls <= set(ways(found, rule, "holds")), (rule, found)
    for act in [act for r in found["rules"] if r["rule"] in ("remove", "move") for act in r["acts"]]:
        assert in_place <= {way["way"] for way in act["ways"] if way["result"] == "holds"}, act
    assert {"symlink", "descriptor"} <= set(ways(found, "link", "holds")) & set(ways(found, "mode", "holds")), found
    assert "does not name unlinkat" in ways(found, "only-unlink", "exception")["unlinkat"], found
    assert SAME_FILE <= set(ways(found, "only-creat", "holds")), found
    assert ANYBODY <= set(ways(found, "bind", "holds")) and "thread" in ways(found, "listen", "holds"), found
    assert w.end(daemon, signal.SIGTERM) == 0


def report(found):
    for rule in found["rules"]:
        for act in [rule, *rule["acts"]]:
            if "not_tested" in act:
                print("    not %s%s: %s" % (rule["rule"], ": " + act["act"] if "act" in act else "", act["not_tested"]))


def every_rule_of_our_own_is_without_a_hole(w):
    w.write("policy.yaml", "rules_files: [%s]\nrules: [{name: '*', mode: enforce}]\n"
            % os.path.realpath(os.path.join(os.path.dirname(__file__), "../../rules/tercel_rules.yaml")))
    daemon = w.start()
    status, found = verify(w, "--tries", "5" if VM else "40")
    assert status == 0 and found["rules_with_holes"] == 0, [(r["rule"], act["act"], way) for r in found["rules"]
                                                            for act in r["acts"] for way in act["ways"]
                                                            if way["result"] == "HOLE"]
    tried = [r["rule"] for r in found["rules"] if is_tested(r)]
    assert len(tried) >= 10 and "Program runs from memory on the host" in tried, found
    print("  %d rules tried, %d not; %d acts, %d not; ways: %s" % (
        len(tried), found["rules_not_tested"], found["acts_tested"], found["acts_not_tested"],
        ", ".join("%d %s" % (n, name) for name, n in found["ways"].items())))
    report(found)
    assert not lsm() or {"Shared library is written in a container", "Secret file is moved away",
                         "Program gets the set-user-id bit in a container", "Device file is made in a container"} <= set(tried), found
    assert w.end(daemon, signal.SIGTERM) == 0


def a_rule_with_a_fuse_is_left_alone(w):
    daemon = start(w, RULES, "enforce", ", fuse: {blocks: 3, per: 1m}")
    status, found = verify(w)
    assert status == 0 and all("fuse" in r["not_tested"] for r in found["rules"]), found
    assert not any(r["fuse_blown"] for r in w.shown()["rules"])
    assert w.end(daemon, signal.SIGTERM) == 0


class Liar(socketserver.StreamRequestHandler):
    """Answers as a daemon whose rule has seen the plain act alone."""

    def handle(self):
        request = json.loads(self.rfile.readline())
        generation, now = self.server.generation, time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        answers = {
            "status": {"pid": os.getpid(), "cgroup": self.server.cgroup, "records": {"verdict": {"dropped": 7}}},
            "show": {"rules": [{"rule": "liar"}]},
            "rule": {"generation": 1, "rule": "liar", "class": "exact", "mode": "monitor", "action": "deny", "points": [],
                     "condition": self.server.condition, "scope": ""},
            "verdicts": {"generation": generation, "until": now,
                         "verdicts": [{"rule": "liar", "action": "deny", "enforced": False, "uncertain": [], "time": now}]
                         if not self.server.asked else [], "dropped": 7, "since": 0},
        }
        self.server.asked |= request["command"] == "verdicts"
        answer = {"ok": True, "messages": "", **answers[request["command"]]}
        if request["command"] == "verdicts":
            self.server.twist(answer, now)
        self.wfile.write(json.dumps(answer).encode() + b"\n")


def with_a_liar(w, generation, condition="evt.type = execve and proc.name = victim", twist=lambda answer, now: None, tries=5):
    server = socketserver.ThreadingUnixStreamServer(w.path("liar"), Liar)
    server.cgroup, server.asked, server.generation, server.condition = w.cgroup, False, generation, condition
    server.twist = twist
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        return verify(w, "--tries", str(tries), socket=w.path("liar"))
    finally:
        server.shutdown()
        server.server_close()
        os.unlink(w.path("liar"))


def what_comes_through_unseen_is_a_hole(w):
    status, found = with_a_liar(w, 1)
    assert status == 1 and found["rules_with_holes"] == 1, found
    assert SAME_FILE <= set(ways(found, "liar", "HOLE")), found
    assert {"hard-link", "rename", "copy", "ld.so", "shebang", "link-name"} <= set(ways(found, "liar", "exception")), found
    # What the rule's words match under the other name as well is none of the exceptions.
    status, found = with_a_liar(w, 1, "evt.type in (execve, execveat) and proc.exepath startswith /usr/lib/evil")
    holes = ways(found, "liar", "HOLE")
    assert status == 1 and SAME_FILE | {"hard-link", "rename", "shebang", "link-name"} <= set(holes), found
    assert "under its other name" in holes["hard-link"], found
    assert {"bind-mount", "copy", "ld.so", "memfd"} <= set(ways(found, "liar", "exception")), found
    status, found = with_a_liar(w, 1, "evt.type = execve and proc.args contains --steal", tries=20)
    assert "rewriting-arguments" in ways(found, "liar", "HOLE"), found
    # Acts on names are done, and found to have been done, whichever call does them.
    status, found = with_a_liar(w, 1, "evt.type in (rename, renameat) and evt.arg.newpath startswith /etc/kept")
    assert status == 1 and SAME_FILE - {"symlink"} | {"renameat", "comm", "deep-file"} <= set(ways(found, "liar", "HOLE")), found
    assert {"renameat2", "exchange", "io_uring", "bind-mount"} <= set(ways(found, "liar", "exception")), found
    for condition, more in (("chmod, fchmod) and fs.path.name = /etc/kept", {"fchmod", "symlink", "descriptor"}),
                            ("symlink) and evt.arg.target = /etc/kept", {"bind-mount", "rewriting"}),
                            ("unlink) and fs.path.name = /etc/kept", {"rewriting"}),
                            ("mknod) and evt.arg.path = /etc/kept", {"rewriting"})):
        status, found = with_a_liar(w, 1, "evt.type in (" + condition, tries=20)
        assert status == 1 and SAME_FILE - {"symlink"} | {"ptrace"} | more <= set(ways(found, "liar", "HOLE")), found
    status, found = with_a_liar(w, 1, "evt.type = bind and fd.sip = 203.0.113.9")
    assert status == 1 and ANYBODY | {"mapped"} <= set(ways(found, "liar", "HOLE")), found
    # A policy that changes under it says nothing of the rule.
    status, said = with_a_liar(w, 2)
    assert status == 3 and "the policy was changed meanwhile" in said, said


def drop_some(answer, _):
    answer["dropped"] += not answer["verdicts"]


def forget_some(answer, now):
    answer["since"] = now


def tell_of_another(answer, _):
    """That had the process's id before."""
    for verdict in answer["verdicts"]:
        verdict["time"] = 1


def what_was_lost_is_no_hole(w):
    status, found = with_a_liar(w, 1, twist=forget_some)
    assert status == 0 and not ways(found, "liar", "HOLE"), found
    assert SAME_FILE <= {way for way, why in ways(found, "liar", "not tested").items() if "verdicts were lost" in why}, found
    # Of the trials that follow one in which some were dropped, none is missing.
    status, found = with_a_liar(w, 1, twist=drop_some)
    assert status == 1 and "verdicts were lost" in ways(found, "liar", "not tested")["execveat"], found
    assert SAME_FILE <= set(ways(found, "liar", "HOLE")), found
    status, found = with_a_liar(w, 1, twist=tell_of_another)
    assert status == 0 and "none of the" in found["rules"][0]["acts"][0]["not_tested"], found


def one_that_is_killed_leaves_nothing_that_stays(w):
    daemon = start(w, RULES, "monitor")
    victim = subprocess.Popen([w.tercel, "verify", "--socket", w.path("s/socket"), "--tries", "100000", "--rule", "name"],
                              stdout=subprocess.DEVNULL)
    place = os.path.join(w.cgroup, "tercel-verify-%d" % victim.pid)
    procs = os.path.join(place, "host/cgroup.procs")
    assert wait_for(lambda: os.path.exists(procs) and open(procs).read())
    victim.kill()
    victim.wait()
    assert wait_for(lambda: not open(procs).read()), open(procs).read()
    assert verify(w, "--rule", "address", "--tries", "1")[0] == 0
    assert not os.path.exists(place)
    # What is left of a run is ended by the next one, if it did not end by itself.
    os.makedirs(os.path.join(place, "host"))
    left = subprocess.Popen(["sleep", "600"], preexec_fn=lambda: enter(os.path.join(place, "host")))
    try:
        assert verify(w, "--rule", "address", "--tries", "1")[0] == 0
        assert left.wait(10) == -signal.SIGKILL and not os.path.exists(place)
    finally:
        left.kill()
        left.wait()
    assert w.end(daemon, signal.SIGTERM) == 0


def one_that_acts_as_nobody_ends_with_it_too(w):
    """Whoever becomes another user has the kernel forget that it is to end with its parent."""
    daemon = start(w, USERS, "monitor")
    victim = subprocess.Popen([w.tercel, "verify", "--socket", w.path("s/socket"), "--tries", "100000"], stdout=subprocess.DEVNULL)
    procs = os.path.join(w.cgroup, "tercel-verify-%d" % victim.pid, "host/cgroup.procs")

    def users():
        try:
            return [os.stat("/proc/%s" % pid).st_uid for pid in open(procs).read().split()]
        except OSError:
            return []
    # Of an attack in time, which takes long: several of them one after the other.
    assert wait_for(lambda: users().count(65534) >= 2, PATIENCE), users()
    victim.kill()
    victim.wait()
    assert wait_for(lambda: not open(procs).read()), open(procs).read()
    assert verify(w, "--tries", "1")[0] == 0
    assert w.end(daemon, signal.SIGTERM) == 0


def without_a_daemon_it_says_so(w):
    status, said = verify(w)
    assert status == 3 and "no daemon answers" in said, said


TESTS = [
    what_is_enforced_holds,
    what_is_monitored_would_hold,
    files_hold_too,
    names_hold_too,
    every_rule_of_our_own_is_without_a_hole,
    a_rule_with_a_fuse_is_left_alone,
    what_comes_through_unseen_is_a_hole,
    what_was_lost_is_no_hole,
    one_that_is_killed_leaves_nothing_that_stays,
    one_that_acts_as_nobody_ends_with_it_too,
    without_a_daemon_it_says_so,
]

sys.exit(main(TESTS))
