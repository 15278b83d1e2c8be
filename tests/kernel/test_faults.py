#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What happens when things go wrong: full buffers and tables, too much of everything, no memory, jumps of the clock.

usage: test_faults.py TERCEL TROUBLE FAILING_MALLOC [NAME…]

Nothing hangs, nothing goes unjudged, and counters add up. TROUBLE and FAILING_MALLOC are built from trouble.c and
failing_malloc.c. $TERCEL_TEST_LONG=1: full lengths (60 s of saturation, every allocation of a short run).
"""
import contextlib
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

from daemon import PATIENCE, RULES, enter, main, wait_for

LONG = os.environ.get("TERCEL_TEST_LONG") == "1"
VM = os.environ.get("TERCEL_VM") == "1"
TROUBLE, FAILING = (os.path.realpath(path) for path in sys.argv[2:4])
PROCESSES = 1000 if VM else 20000
CGROUPS = 300 if VM else 10000
AT_ONCE = 64


def trouble(w, *args):
    """In the scratch cgroup; returns (started, killed)."""
    done = subprocess.run([TROUBLE, *map(str, args)], preexec_fn=lambda: enter(w.cgroup), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done
    return tuple(map(int, done.stdout.split()))


def assert_adds_up(status, attempts):
    for name, r in status["records"].items():
        assert r["generated"] == r["delivered"] + r["filtered"] + r["dropped"], (name, r)
    assert sum(p["blocked"] for p in status["points"]) == attempts, (status["points"], attempts)
    assert status["records"]["verdict"]["generated"] == attempts, (status["records"]["verdict"], attempts)
    assert not any(p.get("undecided", 0) for p in status["points"]), status["points"]


def all_are_killed(w, *args):
    """Both by what happened and by what was counted; the daemon tells of each that it says it has delivered."""
    daemon = w.start()
    begin = time.monotonic()
    started, killed = trouble(w, *args)
    took = time.monotonic() - begin
    status = w.status()
    assert_adds_up(status, started)
    delivered = status["records"]["verdict"]["delivered"]
    assert wait_for(lambda: len(w.verdicts()) >= delivered, PATIENCE), (len(w.verdicts()), delivered)
    assert w.end(daemon, signal.SIGTERM) == 0
    assert killed == started, (started, killed)
    assert len(w.verdicts()) == delivered, (len(w.verdicts()), delivered)
    print("  %d attempts in %d s, all killed; %d verdicts told, %d dropped" %
          (started, took, delivered, status["records"]["verdict"]["dropped"]), flush=True)
    return started


# ---- too much ---------------------------------------------------------------------------------------------------------------

def a_bomb_of_processes(w):
    assert all_are_killed(w, "starts", PROCESSES, AT_ONCE, w.path("victim")) == PROCESSES


def very_many_cgroups(w):
    assert all_are_killed(w, "cgroups", CGROUPS, w.cgroup, w.path("victim")) == CGROUPS


def events_at_saturation(w):
    assert all_are_killed(w, "saturate", 60 if LONG else 5, w.path("victim")) > 0


def a_ring_that_nobody_empties(w):
    """A daemon that is stopped: what does not fit is dropped and counted, and each attempt is killed all the same."""
    attempts = PROCESSES if VM else 2 * PROCESSES  # more than the ring holds
    daemon = w.start()
    daemon.send_signal(signal.SIGSTOP)
    try:
        started, killed = trouble(w, "starts", attempts, AT_ONCE, w.path("victim"))
    finally:
        daemon.send_signal(signal.SIGCONT)
    assert killed == started == attempts, (started, killed)
    status = w.status()
    assert_adds_up(status, started)
    verdicts = status["records"]["verdict"]
    assert wait_for(lambda: len(w.verdicts()) >= verdicts["delivered"], PATIENCE), len(w.verdicts())
    # It goes on as if nothing had been.
    assert w.attempt()
    assert wait_for(lambda: len(w.verdicts()) == verdicts["delivered"] + 1, PATIENCE), len(w.verdicts())
    assert w.end(daemon, signal.SIGTERM) == 0
    print("  %d attempts without a reader, all killed; %d verdicts told, %d dropped" %
          (started, verdicts["delivered"], verdicts["dropped"]), flush=True)
    assert VM or verdicts["dropped"] > 0


def a_policy_of_4000_rules(w):
    count = 4000
    rule = RULES.replace("rule: victim", "rule: %s").replace("proc.name = victim", "%s")
    w.write("rules.yaml", "".join(rule % ("r%d" % i, "proc.name = name%d and proc.exepath startswith /opt/d%d/" % (i, i % 97))
                                  for i in range(count - 1)) + RULES)
    w.write("policy.yaml", "rules_files: [rules.yaml]\nrules: [{name: '*', mode: enforce, action: kill}]\n")
    begin = time.monotonic()
    daemon = w.start()
    assert daemon.poll() is None, w.said()
    loaded = time.monotonic() - begin
    assert "rules that enforce: %d" % count in w.said(), w.said()
    assert w.attempt()
    begin = time.monotonic()
    assert w.tool("policy", "reload").returncode == 0
    print("  loaded in %.1f s, again in %.1f s" % (loaded, time.monotonic() - begin), flush=True)
    assert w.attempt() and wait_for(lambda: len(w.verdicts()) == 2)
    assert {v["policy_name"] for v in w.verdicts()} == {"victim"}
    assert w.end(daemon, signal.SIGTERM) == 0


# ---- jumps of the clock -----------------------------------------------------------------------------------------------------

def the_clock_jumps(w):
    """In virtual machines only. A confirmation that is due is due by the time that has passed, whatever the clock says."""
    if not VM:
        print("  only in a virtual machine")
        return
    w.policy("monitor", name="mild.yaml")
    daemon = w.start()
    for days in (400, -800):
        assert w.tool("policy", "apply", w.path("mild.yaml"), "--confirm", "4s").returncode == 0
        time.clock_settime(time.CLOCK_REALTIME, time.time() + days * 86400)
        assert not w.attempt(), "taken back at once"
        assert wait_for(w.attempt, 60), "not taken back"
        assert w.status()["pid"] == daemon.pid
    seen = len(w.verdicts())
    assert w.attempt() and wait_for(lambda: len(w.verdicts()) > seen, 30), "no verdict after the jumps"
    assert w.end(daemon, signal.SIGTERM) == 0


# ---- no memory --------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def failing(w, name="plan"):
    """Programs started inside have allocations that the file plans."""
    os.environ["LD_PRELOAD"], os.environ["TERCEL_TEST_ALLOCATIONS"] = FAILING, w.path(name)
    try:
        yield
    finally:
        del os.environ["LD_PRELOAD"], os.environ["TERCEL_TEST_ALLOCATIONS"]


def plan(w, succeed, fail, name="plan"):
    mode = "r+b" if os.path.exists(w.path(name)) else "wb"
    with open(w.path(name), mode) as f:
        f.write(struct.pack("qqq", succeed, fail, 0))


def asked(w, name="plan"):
    with open(w.path(name), "rb") as f:
        return struct.unpack("qqq", f.read())[2]


def places(count, most):
    """Which allocations are to fail: the first ones, and others all over."""
    if count <= most:
        return list(range(count))
    chance = random.Random(4711)
    return sorted({*range(most // 3), *(chance.randrange(count) for _ in range(most - most // 3))})


def in_order(done, base):
    """It came to the same, or said in words that it could not."""
    if done.returncode == base.returncode and done.stdout == base.stdout:
        return True
    return done.returncode in (1, 2, 3) and re.fullmatch(r"(.*\n)*tercel.*\n(.*\n)*", done.stderr) is not None


def commands_without_memory(w):
    w.write("small.yaml", "- list: l\n  items: [a, b]\n- macro: m\n  condition: (proc.name in (l))\n" + RULES.replace(
        "proc.name = victim", "(m or proc.name = victim) and not proc.cmdline regex 'x.*y' and proc.exepath glob '/a/*'"))
    w.write("one.jsonl", '{"evt.type":"execve","proc.name":"victim","proc.exepath":"/a/b","proc.cmdline":"victim a"}\n')
    commands = [["check", w.path("small.yaml")], ["check", "-o", "json", w.path("small.yaml")],
                ["eval", "--events", w.path("one.jsonl"), w.path("small.yaml")], ["explain", "-o", "json", "--rule", "victim", w.path("small.yaml")]]
    runs = 0
    for command in commands:
        with failing(w):
            plan(w, -1, 0)
            base = w.command(*command)
            count = asked(w)
            assert count > 100, (count, base)
            for fail in (1, -1):
                for succeed in places(count, 5000 if LONG else 120):
                    plan(w, succeed, fail)
                    done = w.command(*command)
                    assert in_order(done, base), "%s of %d allocations, then %d fail: %r" % (succeed, count, fail, done)
                    runs += 1
    print("  %d runs" % runs, flush=True)


def a_daemon_that_starts_without_memory(w):
    """It is ready, or ends in order; what another daemon has left in force stays until it is ready."""
    w.end(w.start(), signal.SIGKILL)
    assert w.attempt()
    with failing(w):
        plan(w, -1, 0)
        daemon = w.start()
        count = asked(w)
    assert daemon.poll() is None
    w.end(daemon, signal.SIGKILL)
    ready = 0
    for succeed in places(count, 200 if LONG else 24):
        with failing(w):
            plan(w, succeed, 1)
            daemon = w.start()
        if daemon.poll() is None:
            ready += 1
            assert w.attempt(), (succeed, w.said())
            w.end(daemon, signal.SIGKILL)
        else:
            assert daemon.returncode in (2, 3), (succeed, daemon.returncode, w.said())
            assert "tercel" in w.said(), (succeed, w.said())
        assert w.attempt(), (succeed, w.said())
    print("  %d allocations; ready all the same %d times" % (count, ready), flush=True)


def a_reload_without_memory(w):
    """The new policy is in force, or the old one is and the command says so. The daemon goes on, or ends and says that the
    policy stays: both are in order."""
    def start():
        with failing(w):
            plan(w, -1, 0)
            return w.start()

    def apply(name):
        return w.tool("policy", "apply", w.path(name))
    daemon = start()
    w.policy("monitor", name="mild.yaml")
    w.policy("enforce", name="strict.yaml")
    plan(w, -1, 0)
    assert apply("mild.yaml").returncode == 0 and not w.attempt()
    count = asked(w)
    assert apply("strict.yaml").returncode == 0
    assert count > 100, count
    refused = ended = 0
    for succeed in places(count, 3000 if LONG else 80):
        plan(w, succeed, 1)
        done = apply("mild.yaml")
        killed = w.attempt()
        assert done.returncode in (0, 1, 2, 3), done
        assert done.stderr or not done.returncode, done
        refused += done.returncode != 0
        # What was done cannot be told without memory, either.
        assert "gave no answer" in done.stderr or ("it is done" in done.stderr and not killed) or killed == (done.returncode != 0), "after %d of %d allocations: %s, and %s" % (
            succeed, count, done, "the old one is in force" if killed else "the new one is in force")
        plan(w, -1, 0)
        time.sleep(0.02)
        if daemon.poll() is not None:
            assert daemon.returncode == 3 and "stays in force" in w.said(), (succeed, daemon.returncode, w.said())
            assert w.attempt() == killed
            ended += 1
            daemon = start()
        done = apply("strict.yaml")
        if done.returncode and daemon.poll() is not None:
            ended += 1
            daemon = start()
            done = apply("strict.yaml")
        assert done.returncode == 0 and w.attempt(), (succeed, done, w.said())
    assert w.end(daemon, signal.SIGTERM) == 0
    print("  %d allocations; refused %d times, ended %d times" % (count, refused, ended), flush=True)
    assert refused


TESTS = [
    commands_without_memory,
    a_daemon_that_starts_without_memory,
    a_reload_without_memory,
    a_policy_of_4000_rules,
    a_bomb_of_processes,
    very_many_cgroups,
    a_ring_that_nobody_empties,
    events_at_saturation,
    the_clock_jumps,
]

# Kept for the second start, in a mount namespace.
if os.environ.get("TERCEL_OWN_MOUNTS") == "1":
    del sys.argv[2:4]
sys.exit(main(TESTS))
