#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Enforcement outlives the daemon: test_pins.py TERCEL

Everything is in a cgroup and a BPF file system of the test's own, in a mount namespace of its own, and goes with it. Each
attempt of the victim is a process in that cgroup; that it is killed says that a rule was enforced on it.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77
PATIENCE = 120  # a virtual machine under emulation is slow to load programs
RULES = """
- rule: victim
  desc: d
  condition: evt.type in (execve, execveat) and proc.name = victim
  output: o
  priority: INFO
"""


def cgroup2():
    for line in open("/proc/mounts"):
        fields = line.split()
        if fields[2] == "cgroup2":
            return fields[1]
    return None


class World:
    def __init__(self, tercel):
        self.tercel = tercel
        self.dir = tempfile.mkdtemp(prefix="tercel-pins-")
        self.cgroup = os.path.join(cgroup2(), "tercel-pins-%d" % os.getpid())
        os.mkdir(self.cgroup)
        self.daemons = []
        shutil.copy("/bin/true", self.path("victim"))
        self.write("rules.yaml", RULES)
        self.policy("enforce")
        os.mkdir(self.path("bpf"))
        subprocess.run(["mount", "-t", "bpf", "bpf", self.path("bpf")], check=True)
        self.pins = self.path("bpf/tercel")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def policy(self, mode):
        self.write("policy.yaml", "rules_files: [rules.yaml]\nrules: [{name: victim, mode: %s, action: kill}]\n" % mode)

    def command(self, *args):
        return subprocess.run([self.tercel, *args], capture_output=True, text=True, timeout=PATIENCE)

    def start(self, *args, config="policy.yaml"):
        """A daemon that is ready, or has ended."""
        out, err = self.path("out"), self.path("err")
        daemon = subprocess.Popen(
            [self.tercel, "run", "--config", self.path(config), "--cgroup", self.cgroup, "--socket", self.path("s/socket"),
             "--pin-dir", self.pins, "--verdicts-only", "-o", "json", *args],
            stdout=open(out, "w"), stderr=open(err, "w"))
        self.daemons.append(daemon)
        end = time.monotonic() + PATIENCE
        while daemon.poll() is None and "ready: " not in open(err).read():
            assert time.monotonic() < end, "not ready: " + open(err).read()
            time.sleep(0.02)
        return daemon

    def end(self, daemon, number):
        daemon.send_signal(number)
        return daemon.wait(PATIENCE)

    def said(self):
        return open(self.path("err")).read()

    def verdicts(self):
        return [json.loads(line)["process_lsm"] for line in open(self.path("out")) if line.endswith("\n")]

    def attempt(self):
        """Whether the victim was killed."""
        def enter():
            with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as f:
                f.write("0")
        try:
            status = subprocess.run([self.path("victim")], preexec_fn=enter, timeout=PATIENCE).returncode
        except subprocess.SubprocessError:
            return True  # killed before it could tell that it was started
        assert status in (0, -signal.SIGKILL), status
        return status == -signal.SIGKILL

    def tool(self, *args):
        return self.command(*args, "--socket", self.path("s/socket"))

    def cleanup(self):
        return self.tool("run", "--cleanup", "--pin-dir", self.pins)

    def close(self):
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
        self.cleanup()
        subprocess.run(["umount", "-l", self.path("bpf")])
        shutil.rmtree(self.dir, ignore_errors=True)
        for _ in range(100):
            try:
                os.rmdir(self.cgroup)
                break
            except OSError:
                time.sleep(0.05)


class Hammer:
    """Attempts without a pause beside what the test does; each has to be killed."""

    def __init__(self, world):
        self.world, self.attempts, self.passed, self.stop = world, 0, 0, False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stop:
            self.passed += not self.world.attempt()
            self.attempts += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()


def wait_for(what, timeout=10):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return what()


# ---- tests ----------------------------------------------------------------------------------------------------------------


def an_ordered_end_takes_everything_away(w):
    daemon = w.start()
    assert w.attempt()
    status = json.loads(w.tool("status", "-o", "json").stdout)
    assert status["pins"] == w.pins and status["pid"] == daemon.pid
    assert w.end(daemon, signal.SIGTERM) == 0
    assert not os.path.exists(w.pins)
    assert not w.attempt()


def enforcement_outlives_a_daemon_that_is_killed(w):
    w.end(w.start(), signal.SIGKILL)
    assert all(w.attempt() for _ in range(3))
    assert w.tool("policy", "show").returncode == 3
    daemon = w.start()
    assert "goes on with what is in force at %s: generation 1" % w.pins in w.said()
    assert w.attempt()
    # Those of the time without a daemon come first, with the names and the generation that they were made by.
    assert wait_for(lambda: len(w.verdicts()) >= 4), w.verdicts()
    told = [(v["policy_name"], v["tercel"]["generation"]) for v in w.verdicts()]
    assert told == [("victim", 1)] * 3 + [("victim", 2)], told
    # The kernel's counters go on as well.
    points = json.loads(w.tool("status", "-o", "json").stdout)["points"]
    assert points[0]["blocked"] == 4, points
    assert w.end(daemon, signal.SIGTERM) == 0
    assert not w.attempt()


def a_change_of_the_policy_is_in_force_after_the_daemon_too(w):
    daemon = w.start()
    assert w.tool("policy", "set-mode", "victim", "monitor").returncode == 0
    w.end(daemon, signal.SIGKILL)
    assert not w.attempt()
    daemon = w.start()
    assert w.attempt()  # the file says enforce
    assert json.loads(w.tool("policy", "show", "-o", "json").stdout)["policy"]["generation"] == 3
    w.end(daemon, signal.SIGTERM)


def a_daemon_of_another_configuration_takes_over_without_a_gap(w):
    w.end(w.start(), signal.SIGKILL)
    with Hammer(w) as hammer:
        daemon = w.start("--opens")
        assert "goes on" not in w.said()
        assert wait_for(lambda: hammer.attempts > 3)
    assert hammer.attempts and not hammer.passed, (hammer.attempts, hammer.passed)
    assert w.attempt()
    assert w.end(daemon, signal.SIGTERM) == 0
    assert not os.path.exists(w.pins) and not w.attempt()


def what_is_in_force_stays_if_the_next_daemon_cannot_start(w):
    w.end(w.start(), signal.SIGKILL)
    w.write("broken.yaml", "rules_files: [\n")
    daemon = w.start(config="broken.yaml")
    assert daemon.wait(PATIENCE) == 2
    assert "what is pinned at %s (generation 1) stays in force" % w.pins in w.said(), w.said()
    assert w.attempt()


def clean_up_leaves_nothing_and_disturbs_nobody(w):
    daemon = w.start("--keep")
    refused = w.cleanup()
    assert refused.returncode == 2 and "process %d" % daemon.pid in refused.stderr, refused
    assert w.end(daemon, signal.SIGINT) == 0
    assert "generation 1 stays in force, pinned at %s" % w.pins in w.said()
    assert w.attempt()
    done = w.cleanup()
    assert done.returncode == 0 and "nothing is in force any more" in done.stderr, done
    assert not os.path.exists(w.pins) and not w.attempt()
    assert "nothing was in force" in w.cleanup().stderr
    other = w.tool("run", "--cleanup", "--pin-dir", w.path("s"))
    assert other.returncode == 2 and os.path.exists(w.path("s")), other


def half_of_the_pins_are_nothing_to_go_on_with(w):
    w.end(w.start(), signal.SIGKILL)
    os.unlink(os.path.join(w.pins, "meta"))
    daemon = w.start()
    assert daemon.poll() is None and "goes on" not in w.said(), w.said()
    assert w.attempt()
    w.end(daemon, signal.SIGKILL)
    os.unlink(os.path.join(w.pins, "links/on_exec"))
    daemon = w.start()
    assert daemon.wait(PATIENCE) != 0 and "is not whole" in w.said() and "--cleanup" in w.said(), w.said()
    assert w.cleanup().returncode == 0 and not os.path.exists(w.pins)


def whenever_a_reload_is_cut_off_each_attempt_is_judged(w):
    rounds, attempts = 12, 0
    chance = random.Random(4711)
    daemon = w.start()
    for _ in range(rounds):
        with Hammer(w) as hammer:
            reload = subprocess.Popen([w.tercel, "policy", "reload", "--socket", w.path("s/socket")],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * 0.25)
            w.end(daemon, signal.SIGKILL)
            reload.wait(PATIENCE)
            daemon = w.start()
            assert daemon.poll() is None and "goes on" in w.said(), w.said()
        attempts += hammer.attempts
        assert not hammer.passed, "%d of %d attempts passed" % (hammer.passed, hammer.attempts)
        assert all(v["policy_name"] == "victim" for v in w.verdicts()), w.verdicts()
    assert attempts >= rounds
    print("  %d attempts, %d daemons killed" % (attempts, rounds))
    w.end(daemon, signal.SIGTERM)


TESTS = [
    an_ordered_end_takes_everything_away,
    enforcement_outlives_a_daemon_that_is_killed,
    a_change_of_the_policy_is_in_force_after_the_daemon_too,
    a_daemon_of_another_configuration_takes_over_without_a_gap,
    what_is_in_force_stays_if_the_next_daemon_cannot_start,
    clean_up_leaves_nothing_and_disturbs_nobody,
    half_of_the_pins_are_nothing_to_go_on_with,
    whenever_a_reload_is_cut_off_each_attempt_is_judged,
]


def main():
    if os.geteuid() != 0 or not cgroup2():
        print("skipped: needs root and cgroup v2")
        return SKIPPED
    if os.environ.get("TERCEL_OWN_MOUNTS") != "1":
        os.environ["TERCEL_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    only = sys.argv[2:]
    failed = 0
    for test in TESTS:
        if only and test.__name__ not in only:
            continue
        world = World(os.path.realpath(sys.argv[1]))
        try:
            test(world)
            print("ok      " + test.__name__, flush=True)
        except (AssertionError, subprocess.SubprocessError, OSError, ValueError, KeyError, IndexError) as error:
            failed += 1
            print("FAILED  %s: line %d: %r\n%s" % (test.__name__, error.__traceback__.tb_next.tb_lineno
                                                    if error.__traceback__.tb_next else 0, error, world.said()
                                                    if os.path.exists(world.path("err")) else ""), flush=True)
        finally:
            world.close()
    return 1 if failed else 0


sys.exit(main())
