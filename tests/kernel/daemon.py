# SPDX-License-Identifier: Apache-2.0
"""A daemon, and a victim that it is to kill: what tests of the daemon share. `main(TESTS)` runs them: TERCEL [NAME…]

Everything is in a cgroup and a BPF file system of the test's own, in a mount namespace of its own, and goes with it. Each
attempt of the victim is a process in that cgroup; that it is killed says that a rule was enforced on it.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77
CLONE3 = 435  # the system call's number, on every architecture
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


# What a cgroup has to be named for its processes to be in a container.
CONTAINER = "docker-%s.scope" % ("fedcba9876543210" * 4)


def enter(cgroup):
    """For the child of a Popen: it goes there before it starts its program."""
    with open(os.path.join(cgroup, "cgroup.procs"), "w") as f:
        f.write("0")


def remove_cgroup(cgroup):
    for _ in range(100):
        try:
            os.rmdir(cgroup)
            break
        except OSError:
            time.sleep(0.05)


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
        subprocess.run(["mount", "-t", "bpf", "-o", "mode=700", "bpf", self.path("bpf")], check=True)
        self.pins = self.path("bpf/tercel")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def policy(self, mode, more="", name="policy.yaml", end=""):
        self.write(name, "rules_files: [rules.yaml]\nrules: [{name: victim, mode: %s, action: kill%s}]\n%s" % (mode, more, end))

    def command(self, *args):
        return subprocess.run([self.tercel, *args], capture_output=True, text=True, timeout=PATIENCE)

    def start(self, *args, **more):
        """A daemon that can be asked, that is ready, or has ended."""
        return self.run("--socket", self.path("s/socket"), "--pin-dir", self.pins, "--verdicts-only", *args, **more)

    def run(self, *args, config="policy.yaml", stdout=None, via=(), preexec_fn=None):
        """The same with these options alone."""
        out, err = self.path("out"), self.path("err")
        daemon = subprocess.Popen(
            [*via, self.tercel, "run", "--config", self.path(config), "--cgroup", self.cgroup, "-o", "json", *args],
            stdout=open(out, "w") if stdout is None else stdout, stderr=open(err, "w"), preexec_fn=preexec_fn)
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

    def verdicts(self, name="out"):
        return [json.loads(line)["process_lsm"] for line in open(self.path(name)) if line.endswith("\n")]

    def attempt_of(self):
        """A victim's process id, and whether it was killed."""
        victim = subprocess.Popen([self.path("victim")], preexec_fn=lambda: enter(self.cgroup))
        status = victim.wait(PATIENCE)
        assert status in (0, -signal.SIGKILL), status
        return victim.pid, status == -signal.SIGKILL

    def attempt(self):
        return self.attempt_of()[1]

    def attempt_as(self, pid):
        """The same of a victim with this process id, which nobody has."""
        ids = ctypes.c_int(pid)
        # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size
        args = (ctypes.c_uint64 * 10)(0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(ids), 1)
        child = ctypes.CDLL(None, use_errno=True).syscall(CLONE3, args, ctypes.sizeof(args))
        if child == 0:
            try:
                enter(self.cgroup)
                os.execv(self.path("victim"), ["victim"])
            finally:
                os._exit(99)
        assert child == pid, os.strerror(ctypes.get_errno())
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status in (0, -signal.SIGKILL), status
        return status == -signal.SIGKILL

    def tool(self, *args):
        return self.command(*args, "--socket", self.path("s/socket"))

    def status(self):
        return json.loads(self.tool("status", "-o", "json").stdout)

    def shown(self):
        """What `tercel policy show` says."""
        return json.loads(self.tool("policy", "show", "-o", "json").stdout)

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
        remove_cgroup(self.cgroup)


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


def main(tests):
    if os.geteuid() != 0 or not cgroup2():
        print("skipped: needs root and cgroup v2")
        return SKIPPED
    if os.environ.get("TERCEL_OWN_MOUNTS") != "1":
        os.environ["TERCEL_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of what undoes it all
    only = sys.argv[2:]
    failed = 0
    for test in tests:
        if only and test.__name__ not in only:
            continue
        world = World(os.path.realpath(sys.argv[1]))
        try:
            test(world)
            print("ok      " + test.__name__, flush=True)
        except (AssertionError, subprocess.SubprocessError, OSError, ValueError, KeyError, IndexError) as error:
            failed += 1
            print("FAILED  %s: line %d: %.2000r\n%s" % (test.__name__, error.__traceback__.tb_next.tb_lineno
                                                    if error.__traceback__.tb_next else 0, error, world.said()
                                                    if os.path.exists(world.path("err")) else ""), flush=True)
        finally:
            world.close()
    return 1 if failed else 0
