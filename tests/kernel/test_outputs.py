#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A daemon goes on whatever becomes of its outputs, its files and its terminal, and says what was not written."""
import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios

from daemon import PATIENCE, main, wait_for

# Far more than what is kept of what cannot be written, 1 MiB: with its process and lineage, a verdict is 2 KiB of JSON and
# more.
TOO_MANY = 5000


def unwritten(w):
    return w.status()["lost"]["event_not_written"]


def attempts_until_some_are_lost(w):
    for n in range(50, TOO_MANY, 50):
        assert all(w.attempt() for _ in range(50))
        if unwritten(w):
            return n
    raise AssertionError("nothing is lost")


def whole(lines):
    """Each of them is a verdict, and none twice."""
    told = [json.loads(line)["process_lsm"]["process"]["exec_id"] for line in lines if line.endswith("\n")]
    assert len(set(told)) == len(told)
    return len(told)


def a_full_disk(w):
    disk = w.path("disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        w.policy("enforce", end="outputs: {stdout: false, file: %s/events}\n" % disk)
        daemon = w.start()
        assert all(w.attempt() for _ in range(60))
        assert unwritten(w) == 0, w.said()
        # What did not fit is written as soon as there is room, and is whole.
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        assert wait_for(lambda: whole(open(disk + "/events")) == 60)
        subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
        many = attempts_until_some_are_lost(w)
        assert wait_for(lambda: "cannot write to %s/events: No space left on device" % disk in w.said()), w.said()
        lost = unwritten(w)
        assert lost > 0 and w.status()["policy"]["enforced"] == 1
        assert 'cause="event_not_written"} %d' % lost in w.tool("metrics").stdout
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        assert wait_for(lambda: whole(open(disk + "/events")) == 60 + many - lost)
        assert w.attempt() and unwritten(w) == lost
        assert w.end(daemon, signal.SIGTERM) == 0
        assert "events not written (an output failed): %d" % lost in w.said(), w.said()
    finally:
        subprocess.run(["umount", "-l", disk])


def a_reader_that_reads_no_more(w):
    reader, writer = os.pipe()
    daemon = w.start(stdout=writer)
    os.close(writer)
    many = attempts_until_some_are_lost(w)
    assert wait_for(lambda: "cannot write to standard output: nobody reads it" in w.said()), w.said()
    lost = unwritten(w)
    assert lost > 0
    with open(reader) as events:
        got = [events.readline() for _ in range(many - lost)]
        assert whole(got) == many - lost
        assert w.attempt()
        assert whole([events.readline()]) == 1 and unwritten(w) == lost
        assert w.end(daemon, signal.SIGTERM) == 0


def a_reader_that_is_gone(w):
    reader, writer = os.pipe()
    daemon = w.start(stdout=writer)
    os.close(writer)
    os.close(reader)
    assert all(w.attempt() for _ in range(3))
    assert daemon.poll() is None and w.status()["policy"]["enforced"] == 1
    # An ordered end is one all the same; that the last events went nowhere is told.
    assert w.end(daemon, signal.SIGTERM) == 3
    assert "events not written (an output failed): 3" in w.said(), w.said()
    assert not os.path.exists(w.pins) and not w.attempt()


def files_that_would_hold_the_daemon_up(w):
    os.mkfifo(w.path("fifo"))
    w.policy("enforce", name="fifo.yaml", end="outputs: {file: %s}\n" % w.path("fifo"))
    assert w.start(config="fifo.yaml").wait(PATIENCE) == 2
    assert "fifo: cannot open it for writing" in w.said(), w.said()
    assert w.start(config="fifo").wait(PATIENCE) == 2 and "a policy is a regular file" in w.said(), w.said()
    daemon = w.start()
    assert w.tool("policy", "apply", w.path("fifo.yaml")).returncode == 2
    keep = os.open(w.path("fifo"), os.O_RDWR)  # with a reader, it would be opened
    refused = w.tool("policy", "apply", w.path("fifo.yaml"))
    assert refused.returncode == 2 and "neither a file nor a character device" in refused.stderr, refused
    os.close(keep)
    os.unlink(w.path("rules.yaml"))
    os.mkfifo(w.path("rules.yaml"))
    daemon.send_signal(signal.SIGHUP)
    assert wait_for(lambda: "a rule file is a regular file" in w.said()), w.said()
    assert "generation 1 stays in force" in w.said() and w.attempt()
    assert w.end(daemon, signal.SIGTERM) == 0


def a_terminal_that_is_closed(w):
    terminal, its_program = pty.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(its_program, termios.TIOCSCTTY, 0)

    # A shell in between, which leads the session. While there is a terminal, the signal means what it means to a daemon.
    w.start(via=("sh", "-c", '"$@" & echo $! > "$0"; wait; :', w.path("pid")), preexec_fn=take_terminal)
    pid = int(open(w.path("pid")).read())
    os.kill(pid, signal.SIGHUP)
    assert wait_for(lambda: "reloaded: generation 2" in w.said()), w.said()
    os.close(its_program)
    os.close(terminal)
    assert wait_for(lambda: not os.path.exists("/proc/%d" % pid)), w.said()
    assert not os.path.exists(w.pins) and not w.attempt(), w.said()


TESTS = [
    a_full_disk,
    a_reader_that_reads_no_more,
    a_reader_that_is_gone,
    files_that_would_hold_the_daemon_up,
    a_terminal_that_is_closed,
]

sys.exit(main(TESTS))
