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
    "constant-arguments": Feature('tolower("A") = a', True, r"(tolower|toupper|b64|basename|len)\(\s*[-\"'(0-9+]"),
    # Of the chroot rather than of libsinsp: whether it has /etc/services.
    "services": Feature("fd.port = http", True, "http|ssh|domain"),
    "operator-ends": Feature("proc.name regexin()", False, "(contains|startswith|endswith|glob|regex)(in|pmatch)"),
}

# Fields whose value depends on how often they were asked for.
STATEFUL = ("thread.exectime", "thread.totexectime", "thread.cpu", "proc.exe_ino.ctime_duration", "evt.deltatime", "evt.reltime", "evt.latency", "evt.count")


class Kept:
    """`applies(condition, event, theirs, ours)` gets each answer as (error or None, result)."""

    def __init__(self, applies, samples):
        self.applies = applies
        self.samples = samples


def refused(pattern):
    """libsinsp accepts it, and Tercel refuses it with these words."""
    words = re.compile(pattern)
    return lambda condition, event, theirs, ours: theirs[0] is None and ours[0] is not None and words.search(ours[0])


def dies(condition, event, theirs, ours):
    return theirs[0] is None and isinstance(theirs[1], str) and isinstance(ours[1], bool)


SOCKET = {"fd.ip": ["1.2.3.4", "5.6.7.8"], "fd.net": ["1.2.3.4"], "fd.port": [1, 2]}

KEPT = {
    "refused-since-falco-ends": Kept(refused("Falco accepts it and"), [
        ("fd.ip intersects (1.2.3.4)", SOCKET), ("fd.net in ()", SOCKET), ("fd.port = anyof ()", SOCKET)]),
    "bytes-as-text": Kept(refused("Falco would take its bytes in memory as a text"), [
        ('join("", (proc.exe_ino.ctime)) = a', {})]),
    "falco-dies": Kept(dies, []),
    "TEMP-numbers": Kept(refused("is out of the range of|is not a decimal number|the prefix must be 0 to 32|out of the range of ports"),[]),
    "TEMP-escape": Kept(refused("unknown escape"),[]),
    "TEMP-join-sep": Kept(refused("takes a text as its separator|takes texts only|no value that could be transformed"),[]),
    "TEMP-regexmod": Kept(lambda c,e,t,o: t[0] is not None and 'invalid regex' in t[0] and re.search('regex (anyof|oneof|allof)',c),[]),
    "TEMP-evttype": Kept(refused("evt.type can be compared with constants|syscall.type can be compared with constants"),[]),
    "TEMP-multi": Kept(refused(r"(concat|join|getopt)\(\) is a .*must be of the same type"),[]),
    "TEMP-joinlist": Kept(refused(r"join\(\) joins a list of texts"),[]),
    "TEMP-concat": Kept(lambda c,e,t,o: t[0] is not None and 'arguments must be strings' in t[0] and 'rawarg' in c,[]),
    "TEMP-netinter": Kept(lambda c,e,t,o: 'fd.net intersects' in c,[]),
    "TEMP-utf8": Kept(lambda c,e,t,o: re.search('[\udc80-\udcff]',c),[]),
    "TEMP-rawbytes": Kept(lambda c,e,t,o: t[0] is None and o[0] is None and 'evt.rawarg' in c and 'exists' in c,[]),
}


def find(condition, event, theirs, ours):
    """The name of the difference that this is, or None."""
    for name, k in KEPT.items():
        if k.applies(condition, event, theirs, ours):
            return name
    return None
