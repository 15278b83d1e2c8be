# SPDX-License-Identifier: Apache-2.0
"""Where Tercel is meant to answer unlike libsinsp. docs/differences.md gives each by its name, with the reason.

Knows the differences and nothing of how they are found. A difference that no longer occurs fails the test.
"""

import re

UPSTREAM_RULES = 93


class Feature:
    """Something that libsinsp 0.25.4 reads unlike older ones: a condition that tells, and which conditions it concerns."""

    def __init__(self, probe, accepted, pattern):
        self.probe = probe
        self.accepted = accepted  # by 0.25.4
        self.pattern = re.compile(pattern)

    def concerns(self, condition):
        return self.pattern.search(condition) is not None


FEATURES = {
    "modifiers": Feature("proc.name = anyof (a)", True, "oneof|anyof|allof"),
    "calls": Feature('join(",", ("a", "b")) = "a,b" and concat(proc.name, "a") = b and getopt(("-t"), "t") in (t)', True,
                     r"join\(|concat\(|getopt\("),
    "regex-errors": Feature('proc.name regex "["', False, "regex"),
    "arguments": Feature("evt.arg.sid exists", True, r"evt\.(raw)?arg\.(sid|arg[0-9])"),
    "operator-ends": Feature("proc.name regexin()", False, "(contains|startswith|endswith|glob|regex)(in|pmatch)"),
}

# Fields whose value depends on how often they were asked for.
STATEFUL = ("thread.exectime", "thread.totexectime", "thread.cpu", "proc.exe_ino.ctime_duration", "evt.deltatime", "evt.reltime", "evt.latency", "evt.count")


class Kept:
    """`applies(condition, event, theirs, ours)` gets each answer as (error or None, result)."""

    def __init__(self, applies, samples):
        self.applies = applies
        self.samples = samples


def dies(condition, event, theirs, ours):
    return theirs[0] is None and isinstance(theirs[1], str) and isinstance(ours[1], bool)


KEPT = {
    "falco-dies": Kept(dies, [("fd.ip intersects (1.2.3.4)", {"fd.ip": ["1.2.3.4", "5.6.7.8"]}), ("fd.net in ()", {"fd.net": ["1.2.3.4"]})]),
}


def find(condition, event, theirs, ours):
    """The name of the difference that this is, or None."""
    for name, k in KEPT.items():
        if k.applies(condition, event, theirs, ours):
            return name
    return None
