#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The life of a policy in a daemon that runs: changes by the command line, seen in what becomes of the victim."""
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from daemon import PATIENCE, main, wait_for


# Where starts of programs and connections are decided: the LSM comes first where it is in force.
LSM = "bpf" in (open("/sys/kernel/security/lsm").read() if os.path.exists("/sys/kernel/security/lsm") else "").split(",")
EXEC = "bprm_creds_from_file" if LSM else "sched_process_exec"
CALL = "cgroup_connect4"


def generation(w):
    return w.shown()["policy"]["generation"]


def a_mode_is_set_and_the_file_read_again(w):
    w.policy("monitor")
    daemon = w.start()
    assert not w.attempt()
    done = w.tool("policy", "set-mode", "vic*", "enforce")
    assert done.returncode == 0 and done.stdout.startswith("generation 2 of ") and not done.stderr, done
    assert w.attempt()
    shown = w.tool("policy", "show").stdout
    assert re.search(r"^enforce +kill +exact +1 +1 +0  victim$", shown, re.M), shown
    assert w.tool("policy", "reload").returncode == 0
    assert not w.attempt()
    w.policy("enforce")
    daemon.send_signal(signal.SIGHUP)
    assert wait_for(lambda: generation(w) == 4) and "reloaded: generation 4" in w.said(), w.said()
    assert w.attempt()
    # What is wrong is refused, by either way, and changes nothing.
    w.write("policy.yaml", "rules_files: [rules.yaml]\nrules: [{name: victim, mode: on}]\n")
    refused = w.tool("policy", "reload")
    assert refused.returncode == 2 and "policy.yaml:2:30: error: mode is one of" in refused.stderr, refused
    daemon.send_signal(signal.SIGHUP)
    assert wait_for(lambda: "generation 4 stays in force" in w.said()), w.said()
    assert w.tool("policy", "set-mode", "nobody", "off").returncode == 2
    assert w.attempt() and generation(w) == 4
    assert w.end(daemon, signal.SIGTERM) == 0


def a_policy_that_is_not_confirmed_goes_again(w):
    w.policy("monitor")
    w.policy("enforce", name="strict.yaml")
    w.start()
    done = w.tool("policy", "apply", w.path("strict.yaml"), "--confirm", "1s")
    assert done.returncode == 0 and "taken back in 1 s unless" in done.stdout, done
    assert w.attempt()
    assert w.tool("policy", "set-mode", "victim", "off").returncode == 1
    assert wait_for(lambda: generation(w) == 3), w.said()
    assert not w.attempt() and "not confirmed in time" in w.said()
    assert w.tool("policy", "confirm").returncode == 1
    assert w.tool("policy", "apply", w.path("strict.yaml"), "--confirm", "1s").returncode == 0
    assert w.tool("policy", "confirm").returncode == 0
    time.sleep(1.5)
    assert generation(w) == 4 and w.attempt()


def outputs_move_with_the_policy(w):
    w.policy("monitor", end="outputs: {stdout: true, file: %s}\n" % w.path("first"))
    w.policy("monitor", name="other.yaml", end="outputs: {stdout: false, file: %s}\n" % w.path("second"))
    w.policy("monitor", name="nowhere.yaml", end="outputs: {file: /nonexistent/file}\n")
    daemon = w.start()
    first = w.attempt_of()[0]
    assert wait_for(lambda: len(w.verdicts("first")) == 1)
    refused = w.tool("policy", "apply", w.path("nowhere.yaml"))
    assert refused.returncode == 2 and "/nonexistent/file: cannot open it for writing" in refused.stderr, refused
    assert w.tool("policy", "apply", w.path("other.yaml")).returncode == 0
    second = w.attempt_of()[0]
    assert w.end(daemon, signal.SIGTERM) == 0
    told = {name: [v["process"]["pid"] for v in w.verdicts(name)] for name in ("out", "first", "second")}
    assert told == {"out": [first], "first": [first], "second": [second]}, told


def a_fuse_ends_enforcement_and_says_so(w):
    w.policy("enforce", ", fuse: {blocks: 3, per: 60s}")
    daemon = w.start()
    blocked = 0
    while w.attempt():
        blocked += 1
        assert blocked < 10000
    assert blocked > 3
    assert wait_for(lambda: 'fuse blown: "victim" (more than 3 blocks in 60000 ms)' in w.said()), w.said()
    assert "(its fuse has blown)" in w.tool("policy", "show").stdout
    assert w.tool("policy", "set-mode", "victim", "enforce").returncode == 0
    assert w.attempt()
    assert w.end(daemon, signal.SIGTERM) == 0


CONNECT = """
import os, socket, sys
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
s = socket.socket()
sys.exit(s.connect_ex(("127.0.0.1", int(sys.argv[2]))))
"""


def decision_points_come_and_go_with_the_policy(w):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def connect():
        """A program that is started in the cgroup, so that it is known: 0, or the error."""
        return subprocess.run([sys.executable, "-c", CONNECT, w.cgroup, str(port)], timeout=PATIENCE).returncode

    w.write("connect.yaml", """
- rule: call
  desc: d
  condition: evt.type = connect and fd.sip = 127.0.0.1 and fd.sport = %d
  output: o
  priority: INFO
""" % port)
    w.write("both.yaml", """
rules_files: [rules.yaml, connect.yaml]
rules: [{name: victim, mode: enforce, action: kill}, {name: call, mode: enforce}]
""")
    daemon = w.start()
    assert w.attempt() and connect() == 0
    done = w.tool("policy", "apply", w.path("both.yaml"))
    assert done.returncode == 0, done
    assert w.attempt() and connect() == errno.EPERM
    assert CALL in w.tool("status").stdout
    # Told, although the process has been somewhere else when it was recorded.
    assert wait_for(lambda: [v for v in w.verdicts() if v["policy_name"] == "call"]), w.verdicts()
    # What was added is pinned as well, and the next daemon, whose file does not ask for it, lets it go.
    w.end(daemon, signal.SIGKILL)
    assert w.attempt() and connect() == errno.EPERM
    daemon = w.start()
    assert "goes on with" in w.said(), w.said()
    assert w.attempt() and connect() == 0
    done = w.tool("policy", "apply", w.path("both.yaml"))
    assert done.returncode == 0, done
    assert connect() == errno.EPERM
    assert w.tool("policy", "set-mode", "call", "off").returncode == 0 and connect() == 0
    assert w.tool("policy", "set-mode", "call", "enforce").returncode == 0 and connect() == errno.EPERM
    assert w.end(daemon, signal.SIGTERM) == 0
    assert connect() == 0


AGAIN_AND_AGAIN = """
import socket, sys, time
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
end = time.monotonic() + float(sys.argv[3])
denied = 0
while time.monotonic() < end:
    denied += socket.socket().connect_ex(("127.0.0.1", int(sys.argv[2]))) == 1
print(denied)
"""


def what_repeats_is_folded_and_nothing_is_lost(w):
    w.write("connect.yaml", "- {rule: call, desc: d, condition: evt.type = connect and fd.sport = 9, output: o, priority: INFO}\n")
    w.write("policy.yaml", "rules_files: [connect.yaml]\nrules: [{name: call, mode: enforce}]\n")
    daemon = w.start()
    # Again by the same process: folded. By processes of its own each time: not.
    denied = [int(subprocess.run([sys.executable, "-c", AGAIN_AND_AGAIN, w.cgroup, "9", seconds], timeout=PATIENCE,
                                 stdout=subprocess.PIPE).stdout) for seconds in ("2.5", "0.01", "0.01")]
    assert denied[0] > 200, denied
    assert wait_for(lambda: sum(1 + v["tercel"].get("folded", 0) for v in w.verdicts()) == sum(denied)), denied
    lines = len(w.verdicts())
    assert lines < 200 and w.status()["folded_verdicts"] == sum(denied) - lines
    assert w.shown()["rules"][0]["blocked"] == sum(denied)
    assert "tercel_folded_verdicts_total %d" % (sum(denied) - lines) in w.tool("metrics").stdout
    assert w.end(daemon, signal.SIGTERM) == 0
    assert "verdicts that repeat others, folded into them: %d" % (sum(denied) - lines) in w.said(), w.said()


def a_scope_keeps_the_host_out(w):
    w.policy("enforce", ", scope: {host: false}")
    daemon = w.start()
    assert not w.attempt()
    w.policy("enforce", ", scope: {exclude: {containers: [x]}}")
    assert w.tool("policy", "reload").returncode == 0
    assert w.attempt()
    assert w.end(daemon, signal.SIGTERM) == 0


METRIC = re.compile(r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? [0-9]+')


def status_and_metrics_say_what_was_counted(w):
    w.write("rules.yaml", open(w.path("rules.yaml")).read() + open(w.path("rules.yaml")).read().replace(
        "rule: victim", 'rule: "odd \\"name\\\\"').replace("proc.name = victim", "proc.name = nobody"))
    daemon = w.start()
    assert w.attempt() and w.attempt()
    assert wait_for(lambda: 'rule="victim",outcome="blocked"} 2' in w.tool("metrics").stdout), w.tool("metrics").stdout
    text = w.tool("metrics").stdout
    types = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in types and kind in ("counter", "gauge"), line
            types[name] = kind
        elif not line.startswith("# HELP "):
            assert METRIC.fullmatch(line), line
            assert re.match(r"[a-z_]+", line)[0] in types, line
    assert 'tercel_rule_verdicts_total{rule="odd \\"name\\\\",outcome="blocked"} 0' in text, text
    assert 'tercel_decisions_total{point="%s",outcome="blocked"} 2' % EXEC in text, text
    status = w.status()
    assert status["pid"] == daemon.pid and status["policy"]["enforced"] == 1, status
    for record in status["records"].values():
        assert record["generated"] == record["delivered"] + record["filtered"] + record["dropped"], status
    assert status["records"]["verdict"]["delivered"] == 2 and not status["lost"]["policy_image_faulty"], status
    assert EXEC in w.tool("status").stdout
    assert w.end(daemon, signal.SIGTERM) == 0
    gone = w.tool("status")
    assert gone.returncode == 3 and "is 'tercel run' running" in gone.stderr, gone


def each_attempt_is_judged_by_exactly_one_generation(w):
    """While the policy changes as fast as it can, several processes at a time attempt what it forbids."""
    daemon = w.start()
    outcomes, stop = {}, threading.Event()

    def hammer():
        while not stop.is_set():
            pid, killed = w.attempt_of()
            assert pid not in outcomes  # ids do not come round so soon
            outcomes[pid] = killed

    threads = [threading.Thread(target=hammer) for _ in range(2)]
    for thread in threads:
        thread.start()
    changes = 0
    for mode in ["monitor", "enforce"] * 20:
        done = w.tool("policy", "set-mode", "victim", mode) if changes % 5 else w.tool("policy", "reload")
        assert done.returncode == 0, done
        changes += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert wait_for(lambda: len(w.verdicts()) >= len(outcomes), PATIENCE), (len(w.verdicts()), len(outcomes))
    assert w.end(daemon, signal.SIGTERM) == 0
    seen, generations = {}, {}
    for v in w.verdicts():
        pid, t = v["process"]["pid"], v["tercel"]
        assert pid not in seen, "two verdicts on one attempt: %r" % v
        assert t["enforced"] == (t["mode"] == "enforce") and t["rule"] == "victim" and not t["uncertain"], t
        assert generations.setdefault(t["generation"], t["mode"]) == t["mode"], t
        seen[pid] = t["enforced"]
    assert seen == outcomes, [(pid, outcomes.get(pid), seen.get(pid)) for pid in {*seen, *outcomes}
                              if outcomes.get(pid) != seen.get(pid)][:10]
    print("  %d attempts, %d changes, %d generations seen at work" % (len(outcomes), changes, len(generations)))
    assert len(outcomes) > changes and len(generations) > changes / 4


TESTS = [
    a_mode_is_set_and_the_file_read_again,
    a_policy_that_is_not_confirmed_goes_again,
    outputs_move_with_the_policy,
    a_fuse_ends_enforcement_and_says_so,
    what_repeats_is_folded_and_nothing_is_lost,
    a_scope_keeps_the_host_out,
    decision_points_come_and_go_with_the_policy,
    status_and_metrics_say_what_was_counted,
    each_attempt_is_judged_by_exactly_one_generation,
]

sys.exit(main(TESTS))
