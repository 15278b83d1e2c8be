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

# Fields whose value depends on how often they were asked for, or on memory that was never set.
STATEFUL = (
    "util.cnt", "thread.exectime", "thread.totexectime", "thread.cpu", "proc.exe_ino.ctime_duration",
    "evt.deltatime", "evt.reltime", "evt.latency", "evt.count")

# On the right of an operator libsinsp makes this field printable first; a copy of the event does not tell.
UNLIKE_COPIES = re.compile(r"(=|!=|[a-z]) *(val|b64|len)\( *evt\.buffer")


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
    """libsinsp takes the condition and fails at the event; Tercel answers something."""
    return theirs[0] is None and isinstance(theirs[1], str) and ours[0] is None


def does_not_fit(condition, event, theirs, ours):
    """A number, a port or a prefix with more digits than its type has."""
    if theirs[0] is not None or ours[0] is None:
        return False
    number = re.search(r"([0-9]+)' is (out of the range of|not a decimal number|not a network)", ours[0])
    return number is not None and int(number[1]) > (2**63 - 1 if "decimal" in number[2] else 127)


def several_globs(condition, event, theirs, ours):
    """pmatch with two patterns or more that have a wildcard in them: which one fits depends on the order of a hash table."""
    lists = re.findall(r"pmatch\s*(?:\w+\s*)?\(((?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^)])*)\)", condition)
    return theirs[0] is None and ours[0] is None and any(len(re.findall(r"[*?\[][^,]*(?:,|$)", one)) > 1 for one in lists)


SOCKET = {"fd.ip": ["1.2.3.4", "5.6.7.8"], "fd.net": ["1.2.3.4"], "fd.port": [1, 2]}

CACHE_SAMPLE = ('proc.name pmatch ("") and proc.name pmatch ()', {"proc.name": "a"})

KEPT = {
    "refused-since-falco-ends": Kept(refused("Falco accepts it and|makes Falco fail"), [
        ("fd.ip intersects (1.2.3.4)", SOCKET), ("fd.net in ()", SOCKET), ("fd.port = anyof ()", SOCKET),
        ("proc.aname = anyof ()", {"proc.aname": ["a"]}), ("evt.rawarg.flags = anyof ()", {"evt.rawarg.flags": 1}),
        ('concat(proc.name, "a") = val(proc.exe)', {"proc.name": "a", "proc.exe": "b"}),
        ('join("", ("a")) in val(proc.pid)', {"proc.pid": 1}), ('len(getopt(("-t", "v"), "t:")) = 2', {})]),
    # Only with libsinsp's caches, which are compared apart.
    "falco-cache": Kept(lambda condition, event, theirs, ours: (condition, event) == CACHE_SAMPLE, [CACHE_SAMPLE]),
    "falco-ends": Kept(dies, [('join(",", (proc.name, evt.num)) = "a"', {"proc.name": "a"})]),
    "pmatch-after-a-failed-glob": Kept(several_globs, [('fd.name pmatch ("/passw*", "/e*/x")', {"fd.name": "/etc/passwd"})]),
    "bytes-as-text": Kept(refused(
        "Falco would take its bytes|takes a text as its separator|takes texts only|joins a list of texts|"
        "takes a list of texts first|takes the option string, a text|no value that could be transformed"), [
            ('join("", (proc.exe_ino.ctime)) = a', {}), ("join(proc.nchilds, ()) = a", {}), ('concat(len(proc.name), "a") = a', {}),
            ('join("", len(fd.types)) = a', {}), ('getopt(len(fd.types), "") exists', {}), ("getopt((), len(proc.name)) exists", {}),
            ('getopt((fd.ip), "") exists', {})]),
    "transformed-event-type": Kept(refused("can be compared with constants only, and without transformers"), [
        ("toupper(evt.type) exists", {})]),
    "around-without-constant": Kept(refused("evt.around is compared with = alone"), [("evt.around[1] exists", {}), ("evt.around[1] in ()", {})]),
    "number-that-does-not-fit": Kept(does_not_fit, [
        ("evt.count = 4294967296", {}), ("evt.num = 18446744073709551616", {}), ("fd.port = 65536", {}), ("fd.snet = 1.2.3.4/256", {})]),
    "bad-escape-alone-in-a-list": Kept(refused(r"unknown escape \\[^ /bnrtf\\]"), [('proc.name in ("\\q")', {})]),
}


def find(condition, event, theirs, ours):
    """The name of the difference that this is, or None."""
    for name, k in KEPT.items():
        if k.applies(condition, event, theirs, ours):
            return name
    return None
