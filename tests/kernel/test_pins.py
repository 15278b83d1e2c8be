#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Enforcement outlives the daemon, and the next one goes on with it.

usage: test_pins.py TERCEL FAILING_PINS [NAME…]

FAILING_PINS is built from failing_pins.c: it ends a daemon at each of its steps, or lets that step fail.
"""
import contextlib
import ctypes
import os
import random
import re
import signal
import subprocess
import sys
import time

from daemon import PATIENCE, Hammer, main, wait_for

FAILING = os.path.realpath(sys.argv[2])
VM = os.environ.get("TERCEL_VM") == "1"
NOW = "now"  # the set that is in force


def an_ordered_end_takes_everything_away(w):
    daemon = w.start()
    assert w.attempt()
    status = w.status()
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
    points = w.status()["points"]
    assert points[0]["blocked"] == 4, points
    assert w.end(daemon, signal.SIGTERM) == 0
    assert not w.attempt()


def whoever_gets_the_dead_daemons_id_is_no_exception(w):
    w.end(w.start(), signal.SIGKILL)
    assert w.attempt_as(w.daemons[-1].pid)


def a_change_of_the_policy_is_in_force_after_the_daemon_too(w):
    daemon = w.start()
    assert w.tool("policy", "set-mode", "victim", "monitor").returncode == 0
    w.end(daemon, signal.SIGKILL)
    assert not w.attempt()
    daemon = w.start()
    assert w.attempt()  # the file says enforce
    assert w.shown()["policy"]["generation"] == 3
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
    assert "generation 1 stays in force, pinned at %s" % w.pins in w.said(), w.said()
    assert w.attempt()
    os.unlink(os.path.join(w.pins, NOW, "links/on_exec"))
    assert w.start(config="broken.yaml").wait(PATIENCE) == 2
    assert "is not whole" in w.said() and "generation" not in w.said(), w.said()


def clean_up_leaves_nothing_and_disturbs_nobody(w):
    daemon = w.start("--keep")
    refused = w.cleanup()
    assert refused.returncode == 2 and "process %d" % daemon.pid in refused.stderr, refused
    for more in [["--cleanup"], ["--config", w.path("policy.yaml"), "--cgroup", w.cgroup]]:
        refused = w.command("run", *more, "--socket", w.path("other"), "--pin-dir", w.pins)
        assert refused.returncode == 2 and "another daemon pins at %s" % w.pins in refused.stderr, refused
    assert w.end(daemon, signal.SIGINT) == 0
    assert "generation 1 stays in force, pinned at %s" % w.pins in w.said()
    assert w.attempt()
    done = w.cleanup()
    assert done.returncode == 0 and "nothing is in force any more" in done.stderr, done
    assert not os.path.exists(w.pins) and not w.attempt()
    assert "nothing was in force" in w.cleanup().stderr
    other = w.tool("run", "--cleanup", "--pin-dir", w.path("s"))
    assert other.returncode == 3 and "is not in a BPF file system" in other.stderr and os.path.exists(w.path("s")), other


def half_of_the_pins_are_nothing_to_go_on_with(w):
    w.end(w.start(), signal.SIGKILL)
    os.unlink(os.path.join(w.pins, NOW, "meta"))
    daemon = w.start()
    assert daemon.poll() is None and "goes on" not in w.said(), w.said()
    assert "left half made or half removed" in w.said(), w.said()
    assert w.attempt()
    w.end(daemon, signal.SIGKILL)


# ---- what somebody has taken away of it -------------------------------------------------------------------------------------

def every_link_is_needed(w):
    """Whichever was taken away: the next daemon loads all of it again, and says why."""
    w.end(w.start(), signal.SIGKILL)
    links = os.listdir(os.path.join(w.pins, NOW, "links"))
    assert len(links) > 5 and "on_sys_exit" in links, links
    for link in links:
        os.unlink(os.path.join(w.pins, NOW, "links", link))
        daemon = w.start()
        assert daemon.poll() is None, w.said()
        assert "takes the place of what is pinned at %s" % w.pins in w.said(), w.said()
        assert "its program %s is not attached" % link in w.said(), w.said()
        assert w.attempt()
        assert sorted(os.listdir(os.path.join(w.pins, NOW, "links"))) == sorted(links)
        assert os.listdir(w.pins) == [NOW]
        w.end(daemon, signal.SIGKILL)


def bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr, max(len(attr), 64))
    result = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(321 if os.uname().machine == "x86_64" else 280),
                                                       ctypes.c_int(command), buffer, ctypes.c_int(64))
    assert result >= 0, os.strerror(ctypes.get_errno())
    return result


def bpf_object(path):
    name = ctypes.create_string_buffer(path.encode())
    return bpf(7, ctypes.addressof(name).to_bytes(8, sys.byteorder)), name


def a_link_that_was_detached_is_not_gone_on_with(w):
    """It is there, and does nothing: of a cgroup's programs."""
    w.write("rules.yaml", open(w.path("rules.yaml")).read() + """
- rule: connects
  desc: d
  condition: evt.type = connect and fd.sip = 127.0.0.99
  output: o
  priority: INFO
""")
    w.write("policy.yaml", "rules_files: [rules.yaml]\nrules: [{name: '*', mode: enforce}]\n")
    w.end(w.start(), signal.SIGKILL)
    link, _ = bpf_object(os.path.join(w.pins, NOW, "links/tercel_connect4"))
    bpf(34, link.to_bytes(4, sys.byteorder))
    os.close(link)
    w.write("broken.yaml", "rules_files: [\n")
    assert w.start(config="broken.yaml").wait(PATIENCE) == 2 and "is not whole" in w.said(), w.said()
    daemon = w.start()
    assert daemon.poll() is None and "its program tercel_connect4 is not attached" in w.said(), w.said()
    w.end(daemon, signal.SIGKILL)
    assert "goes on" in (w.start(), w.said())[1]


# ---- whose place it is ------------------------------------------------------------------------------------------------------

def refused(w, what):
    daemon = w.start()
    assert daemon.wait(PATIENCE) in (2, 3) and what in w.said(), w.said()
    assert not w.attempt()
    done = w.cleanup()
    assert done.returncode in (2, 3) and what in done.stderr, done


def a_place_that_others_may_write_to_is_refused(w):
    os.mkdir(w.pins, 0o700)
    os.chown(w.pins, 4711, 0)
    refused(w, "%s belongs to user 4711 and has mode 0700" % w.pins)
    os.chown(w.pins, 0, 0)
    for mode in 0o720, 0o702, 0o1777:
        os.chmod(w.pins, mode)
        refused(w, "%s belongs to user 0 and has mode %04o" % (w.pins, mode))
    os.chmod(w.pins, 0o700)
    above = os.path.dirname(w.pins)
    os.chmod(above, 0o777)
    refused(w, "%s belongs to user 0 and has mode 0777" % above)
    os.chmod(above, 0o700)
    os.chown(above, 4711, 0)
    refused(w, "%s belongs to user 4711" % above)
    os.chown(above, 0, 0)
    os.chmod(above, 0o1777)
    daemon = w.start()
    assert daemon.poll() is None and w.attempt(), w.said()


def what_others_have_pinned_is_left_alone(w):
    other = os.path.join(w.pins, "links")
    os.makedirs(os.path.join(other, "theirs"), 0o700)
    refused(w, "%s holds 'links', which this version has not pinned" % w.pins)
    os.rename(other, os.path.join(w.pins, NOW))
    refused(w, "%s/%s holds 'theirs'" % (w.pins, NOW))
    assert os.path.isdir(os.path.join(w.pins, NOW, "theirs"))
    os.rmdir(os.path.join(w.pins, NOW, "theirs"))


# ---- taking over ------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def at_step(w, what, n):
    more = {"LD_PRELOAD": FAILING, "TERCEL_TEST_STEP": "%s %d" % (what, n), "TERCEL_TEST_PINS": w.pins + "/"}
    os.environ.update(more)
    try:
        yield
    finally:
        for name in more:
            del os.environ[name]


def each_step(w, what, *options):
    """Each step of a daemon that takes over (or goes on, without options) is the one at which something happens to it."""
    for n in range(1, 1000, 9 if VM else 1):
        with at_step(w, what, n):
            daemon = w.start(*options)
        if daemon.poll() is None and "it was come to" in w.said():
            assert w.attempt()  # a step that may fail
            w.end(daemon, signal.SIGKILL)
            w.end(w.start(), signal.SIGKILL)
            continue
        if daemon.poll() is None:
            assert n > 3, n
            w.end(daemon, signal.SIGKILL)
            print("  %d steps" % (n - 1), flush=True)
            return
        yield daemon


def whenever_a_takeover_is_cut_off_something_whole_is_in_force(w):
    w.end(w.start(), signal.SIGKILL)
    went_on = took = 0
    for daemon in each_step(w, "before", "--opens"):
        assert daemon.returncode == -signal.SIGKILL, (daemon.returncode, w.said())
        assert w.attempt()
        assert {"meta", "names", "maps", "links"} <= set(os.listdir(os.path.join(w.pins, NOW)))
        daemon = w.start()
        went_on += "goes on" in w.said()
        took += "it is of another configuration" in w.said()
        assert daemon.poll() is None and w.attempt() and os.listdir(w.pins) == [NOW], w.said()
        w.end(daemon, signal.SIGKILL)
    assert went_on and took, (went_on, took)


def a_takeover_that_fails_leaves_what_was_in_force(w):
    w.end(w.start(), signal.SIGKILL)
    before = after = 0
    for daemon in each_step(w, "fail", "--opens"):
        assert daemon.returncode not in (0, -signal.SIGKILL) and w.attempt()
        assert "stays in force, pinned at %s" % w.pins in w.said(), w.said()
        kept = [line for line in w.said().splitlines() if "stays in force" in line]
        daemon = w.start()
        said = w.said()
        assert daemon.poll() is None and w.attempt() and os.listdir(w.pins) == [NOW], said
        generation = int(kept[0].split("generation ")[1].split()[0])
        assert "generation %d" % generation in said, (kept, said)
        before += "goes on" in said
        after += "goes on" not in said
        w.end(daemon, signal.SIGKILL)
    assert before and after, (before, after)


def whenever_going_on_is_cut_off_rules_have_their_names(w):
    w.end(w.start(), signal.SIGKILL)
    for _ in each_step(w, "after"):
        assert w.attempt()
        daemon = w.start()
        assert wait_for(w.verdicts) and "goes on" in w.said(), w.said()
        assert [v["policy_name"] for v in w.verdicts()] == ["victim"], w.verdicts()
        w.end(daemon, signal.SIGKILL)


def verdicts_of_what_is_taken_over_are_told(w):
    w.end(w.start(), signal.SIGKILL)
    assert all(w.attempt() for _ in range(3))
    daemon = w.start("--opens")
    assert "goes on" not in w.said() and w.attempt()
    assert wait_for(lambda: len(w.verdicts()) >= 4), w.verdicts()
    told = [(v["policy_name"], v["tercel"]["generation"]) for v in w.verdicts()]
    assert told == [("victim", 1)] * 3 + [("victim", 2)], told
    w.end(daemon, signal.SIGKILL)
    # As if by a version whose verdicts are others.
    assert all(w.attempt() for _ in range(3))
    meta, _ = bpf_object(os.path.join(w.pins, NOW, "meta"))
    zero, value = ctypes.c_uint32(0), ctypes.create_string_buffer(65536)
    element = meta.to_bytes(8, sys.byteorder) + b"".join(ctypes.addressof(p).to_bytes(8, sys.byteorder) for p in (zero, value))
    bpf(1, element)
    value[0] = bytes([value[0][0] ^ 1])    # the build
    value[28] = bytes([value[28][0] ^ 64])  # the version of verdicts
    bpf(2, element)
    os.close(meta)
    daemon = w.start("--opens")
    assert "it is of another version" in w.said() and "3 verdicts of what was pinned before are lost" in w.said(), w.said()
    assert w.attempt() and wait_for(w.verdicts) and len(w.verdicts()) == 1
    w.end(daemon, signal.SIGKILL)


def what_was_taken_over_has_gone_when_the_next_is_ready(w):
    """The kernel detaches programs some time after their pins are gone."""
    w.policy("monitor", name="mild.yaml")
    for _ in range(10):
        w.end(w.start(), signal.SIGKILL)
        daemon = w.start("--opens", config="mild.yaml")
        assert "takes the place of" in w.said() and not w.attempt(), w.said()
        assert wait_for(w.verdicts) and len(w.verdicts()) == 1, w.verdicts()
        w.end(daemon, signal.SIGKILL)


def without_standard_files_nothing_else_is_written_to(w):
    daemon = subprocess.Popen(
        [w.tercel, "run", "--config", w.path("policy.yaml"), "--cgroup", w.cgroup, "--socket", w.path("s/socket"),
         "--pin-dir", w.pins], preexec_fn=lambda: [os.close(fd) for fd in range(3)])
    w.daemons.append(daemon)
    assert wait_for(lambda: w.tool("status").returncode == 0, PATIENCE)
    assert [os.readlink("/proc/%d/fd/%d" % (daemon.pid, fd)) for fd in range(3)] == ["/dev/null"] * 3
    assert w.attempt() and w.status()["pid"] == daemon.pid
    assert w.end(daemon, signal.SIGTERM) == 0 and not os.path.exists(w.pins)


def a_restart_as_systemd_does_it_has_no_gap(w):
    """With the options and the capabilities of our unit."""
    unit = open(os.path.join(os.path.dirname(w.tercel), "tercel.service")).read()
    options = re.search(r"^ExecStart=\S+ run (.*)$", unit, re.M).group(1).split()
    capabilities = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.M).group(1).lower().replace("cap_", "+").split()
    script = w.path("limited")
    w.write("limited", "#!/bin/sh\nexec setpriv --bounding-set -all,%s --no-new-privs %s \"$@\"\n" %
            (",".join(capabilities), w.tercel))
    os.chmod(script, 0o700)
    tercel, w.tercel = w.tercel, script
    try:
        daemon = w.start(*options)
        with Hammer(w) as hammer:
            for number in signal.SIGTERM, signal.SIGKILL, signal.SIGTERM:
                w.end(daemon, number)
                daemon = w.start(*options)
                assert daemon.poll() is None and "goes on" in w.said(), w.said()
            assert wait_for(lambda: hammer.attempts > 3)
        assert hammer.attempts and not hammer.passed, (hammer.attempts, hammer.passed)
        assert w.tool("policy", "reload").returncode == 0
        assert w.end(daemon, signal.SIGTERM) == 0 and w.attempt()
        assert "stays in force" in w.said(), w.said()
        assert w.cleanup().returncode == 0 and not w.attempt()
    finally:
        w.tercel = tercel


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
    whoever_gets_the_dead_daemons_id_is_no_exception,
    a_change_of_the_policy_is_in_force_after_the_daemon_too,
    a_daemon_of_another_configuration_takes_over_without_a_gap,
    what_is_in_force_stays_if_the_next_daemon_cannot_start,
    clean_up_leaves_nothing_and_disturbs_nobody,
    half_of_the_pins_are_nothing_to_go_on_with,
    every_link_is_needed,
    a_link_that_was_detached_is_not_gone_on_with,
    a_place_that_others_may_write_to_is_refused,
    what_others_have_pinned_is_left_alone,
    verdicts_of_what_is_taken_over_are_told,
    what_was_taken_over_has_gone_when_the_next_is_ready,
    without_standard_files_nothing_else_is_written_to,
    a_restart_as_systemd_does_it_has_no_gap,
    whenever_going_on_is_cut_off_rules_have_their_names,
    whenever_a_takeover_is_cut_off_something_whole_is_in_force,
    a_takeover_that_fails_leaves_what_was_in_force,
    whenever_a_reload_is_cut_off_each_attempt_is_judged,
]

# Kept for the second start, in a mount namespace.
if os.environ.get("TERCEL_OWN_MOUNTS") == "1":
    del sys.argv[2]

sys.exit(main(TESTS))
