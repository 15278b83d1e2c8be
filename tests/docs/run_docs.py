# SPDX-License-Identifier: Apache-2.0
"""Runs what the documentation shows.

Every fenced block marked `console` in README.md and docs/ is a session: lines that begin with "$ " are commands,
run by bash one after the other in one shell from the repository's root; the lines below a command are its output.
Expected output is compared line by line: "…" stands for anything, a run of digits for any digits, a run of spaces
for any spaces, and lines may be left out between two that are shown by a line that is only "…". A command whose
exit status is not 0 says so by a line "[exit status N]" at the end of its output.

Blocks marked `sh`, `yaml`, `json`, … are not run, but for `sh` each first word must be a command that some other
test runs, listed in RUN_ELSEWHERE: so that no command stands untested.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN_ELSEWHERE = {
    "sudo ./bootstrap.sh demo": "the test demo",
    "sudo ./bootstrap.sh test": "what runs this test",
    "sudo ./bootstrap.sh build": "the test command's first step",
    "cmake --preset default && cmake --build --preset default": "the test command's first step",
    "sudo cmake --install build": "the tests of tests/falco, into a directory of their own",
    "sudo tercel verify --rule 'Network tool runs in a container'": "the test test_verify, with all of our own rules",
    "mount -t bpf -o mode=700 bpf /sys/fs/bpf": "tests/kernel/daemon.py, elsewhere",
    "mkdir /sys/fs/cgroup/trial": "tests/kernel/daemon.py, elsewhere",
    "tercel run --config policy.yaml --cgroup /sys/fs/cgroup/trial --socket /run/tercel/trial.sock": "test_policy_life, elsewhere",
    "tercel policy show --socket /run/tercel/trial.sock": "test_policy_life, elsewhere",
    "sudo systemctl daemon-reload": "nothing of ours: systemd's own",
    "sudo systemctl enable --now tercel": "test_pins and check_service, as what the unit starts",
    "sudo systemctl reload tercel": "test_pins and check_service, as what the unit starts",
    "sudo systemctl restart tercel": "test_pins, by SIGTERM and what the unit starts",
    "sudo systemctl stop tercel && sudo tercel run --cleanup": "test_pins, by SIGTERM and --cleanup",
    "tests/vm/run 6.1 -- build/tercel probe": "the test vm_harness, as one command with the next",
    "tests/vm/run --append 'lsm=lockdown,yama' 6.1 -- cat /sys/kernel/security/lsm": "the test vm_harness",
}


def blocks(path):
    kind, start, lines = None, 0, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            if kind is None:
                kind, start, lines = line[3:].strip(), number, []
            else:
                yield kind, start, lines
                kind = None
        elif kind is not None:
            lines.append(line)
    if kind is not None:
        raise SystemExit("%s:%d: this block has no end" % (path, start))


def steps(lines):
    """Splits a session into (command, expected lines)."""
    result = []
    for line in lines:
        if line.startswith("$ "):
            result.append((line[2:], []))
        elif result and result[-1][0].endswith("\\") and not result[-1][1]:
            result[-1] = (result[-1][0] + "\n" + line, [])
        elif result:
            result[-1][1].append(line)
        elif line.strip():
            raise SystemExit("a console block must begin with a command: " + line)
    return result


def pattern(line):
    parts = []
    for token in re.findall(r"…|\d+|\s+|[^…\d\s]+", line.rstrip()):
        if token == "…":
            parts.append(".*")
        elif token.isdigit():
            parts.append(r"\d+")
        elif token.isspace():
            parts.append(r"\s+")
        else:
            parts.append(re.escape(token))
    return re.compile("".join(parts))


def compare(expected, actual):
    """None, or the first expected line that is not where it should be."""
    at, skip = 0, False
    for line in expected:
        if line.strip() == "…":
            skip = True
            continue
        wanted = pattern(line)
        while at < len(actual) and skip and not wanted.fullmatch(actual[at].rstrip()):
            at += 1
        if at >= len(actual) or not wanted.fullmatch(actual[at].rstrip()):
            return line
        at, skip = at + 1, False
    if at < len(actual) and not skip:
        return "(nothing after line %d, but there was: %s)" % (at, actual[at])
    return None


def run(command):
    env = dict(os.environ, PATH=str(ROOT / "build") + ":" + os.environ["PATH"], LC_ALL="C.UTF-8")
    if os.geteuid() == 0:
        command = re.sub(r"(^|[|;&(]\s*|\buntil )sudo ", r"\1", command)
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode:
        lines.append("[exit status %d]" % done.returncode)
    return lines


def main():
    passed = failed = 0
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for kind, start, lines in blocks(path):
            where = "%s:%d" % (path.relative_to(ROOT), start)
            if kind == "sh":
                for line in filter(None, (l.split("  #")[0].strip() for l in lines)):
                    if line not in RUN_ELSEWHERE:
                        print("FAIL %s: no test runs this command: %s" % (where, line))
                        failed += 1
                continue
            if kind != "console":
                continue
            for command, expected in steps(lines):
                actual = run(command)
                wrong = compare(expected, actual)
                if wrong is None:
                    passed += 1
                    continue
                failed += 1
                print("FAIL %s: $ %s\n  expected: %s\n  got:\n    %s" % (where, command, wrong, "\n    ".join(actual)))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


sys.exit(main())
