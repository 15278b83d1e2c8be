#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Enforcement outlives the daemon, and the next one goes on with it."""
import os
import random
import signal
import subprocess
import sys
import time

from daemon import PATIENCE, Hammer, main, wait_for


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
    assert "what is pinned at %s (generation 1) stays in force" % w.pins in w.said(), w.said()
    assert w.attempt()


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
    whoever_gets_the_dead_daemons_id_is_no_exception,
    a_change_of_the_policy_is_in_force_after_the_daemon_too,
    a_daemon_of_another_configuration_takes_over_without_a_gap,
    what_is_in_force_stays_if_the_next_daemon_cannot_start,
    clean_up_leaves_nothing_and_disturbs_nobody,
    half_of_the_pins_are_nothing_to_go_on_with,
    whenever_a_reload_is_cut_off_each_attempt_is_judged,
]

sys.exit(main(TESTS))
