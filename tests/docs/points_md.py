# SPDX-License-Identifier: Apache-2.0
"""docs/points.md is the table of decision points as the program has it (engine/policy/points.c).

usage: points_md.py TERCEL [--write]

What is the same at most points is said once, and so is what is the same at most of those at which a process that runs
acts; then comes what is each point's own.
"""

import sys

from page import ask, cell, code, judge

EXEC = ("sched_process_exec", "bprm_creds_from_file")
STRENGTHS = {
    "deny": "the call fails with EPERM, or what the policy says (`errno`), and nothing has happened",
    "kill-before-run": "the new program is killed before its first instruction",
    "kill": "the process is killed when it enters the call; policies do not accept it yet",
}
BACKENDS = {
    "exec-commit": "a tracepoint and a signal",
    "cgroup": "a BPF program of the root cgroup",
    "lsm": "BPF LSM",
    "syscall": "the entry of a system call and a signal",
}
HOW = {
    "value": "known: a text, number or address, for all operators but those that [rule files](rule-files.md) names",
    "boolean": "known",
    "choice": "known: one of some names",
    "set": "known: names in one text; `contains` and `icontains` with a part of one name are decided",
    "text": "always this text",
    "range": "always a number in this range, since a call is judged as if it were about to succeed",
    "at-least": "known from below: Falco's number is this or more; `>` and `>=` are decided one way",
    "either-end": "known of the peer's end; a comparison holds if it does for either end",
    "container": "answered in user space, once for each container",
    "missing": "never has a value there: comparisons are false",
    "lost": "not known there, for the reason given: the check is taken as false for blocking, and its opposite as well",
}

HEAD = """\
# Decision points

Made by `tests/docs/points_md.py` from the table in `engine/policy/points.c`. `tercel check --list-points` prints it for one version, with `-o json` for programs, and says for which points that version has kernel programs:

```console
$ tercel check --list-points | grep -A 1 ^path_mkdir
path_mkdir: the making of a directory; deny, lsm…
  events: mkdir mkdirat
```

A decision point is a place where the kernel can stop an act. [The semantics](semantics.md) say what follows from what is known there; [what becomes of Falco's rules](rules.md) shows it.
"""


def known(field):
    """What is said of a field besides its name, as something to group by."""
    what = field["how"]
    if what == "text":
        what += " %s" % code(field["text"])
    if what == "range":
        low, high = field["low"], field["high"]
        most = {2**31 - 1: None, 2**63 - 1: None}
        what += " %d" % low if low == high else " from %d on" % low if high in most else " from %d to %d" % (low, high)
    return (what, ", ".join(map(code, field.get("events", []))), field.get("reason", ""), field.get("uncertain", "").strip())


def shorten(own, fields):
    """Groups of missing fields, in place of their members, if all others of the group are in `own` too."""
    result = dict(own)
    for group in "fd.", "fs.path.":
        members = [n for n in fields if n.startswith(group)]
        missing = [n for n in members if fields[n]["how"] == "missing"]
        if len([n for n in missing if n in own]) > 5 and all(n in own for n in members if n not in missing):
            for n in missing:
                result.pop(n, None)
            result[group + "*"] = {"how": "missing", "others": len(members) > len(missing)}
    return result


def table(fields, out):
    """Known fields, those of which the same is said in one row; then the lost ones by reason; then the missing ones."""
    rows, lost, missing = {}, {}, []
    for name, field in fields.items():
        if field["how"] == "missing":
            missing.append(code(name) + (" that is not named above" if field.get("others") else ""))
        elif field["how"] == "lost":
            lost.setdefault(field["reason"], []).append(name)
        else:
            rows.setdefault(known(field), []).append(name)
    if rows:
        out += ["| field | how | not known |", "|---|---|---|"]
    for (what, events, reason, uncertain), names in rows.items():
        how = what + (", of " + events if events else "") + ("; " + cell(reason) if reason else "")
        out.append("| %s | %s | %s |" % (", ".join(map(code, names)), how, cell(uncertain)))
    if rows:
        out.append("")
    if lost:
        out += ["Lost:", ""]
        out += ["- %s: %s" % (", ".join(map(code, names)), cell(reason)) for reason, names in lost.items()]
        out.append("")
    if missing:
        out += ["Missing: %s" % ", ".join(missing), ""]


def most(points, name):
    """The field's entry that three quarters of the points have; None if there is no such."""
    entries = [p["fields"][name] for p in points]
    best = max(entries, key=entries.count)
    return best if entries.count(best) * 4 >= len(entries) * 3 else None


def document(points):
    out = [HEAD]
    out += ["| point | act | strength | by | types of events |", "|---|---|---|---|---|"]
    for p in points:
        out.append("| [`%s`](#%s) | %s | %s | %s | %s |" % (p["point"], p["point"], cell(p["act"]), p["strength"], p["backend"],
                                                            ", ".join(map(code, p["events"]))))
    out += ["", "| strength | meaning |", "|---|---|"]
    out += ["| %s | %s |" % item for item in STRENGTHS.items()]
    out += ["", "| by | meaning |", "|---|---|"]
    out += ["| %s | %s |" % item for item in BACKENDS.items()]
    out += ["", "Not every act of these types of events comes by. A rule that may mean the others is `narrow`:", ""]
    gaps = {}
    for p in points:
        if "gap" in p:
            gaps.setdefault((p["gap"]["reason"], p["gap"]["effect"]), []).append(code(p["point"]))
    out += ["- %s: %s. So: %s." % (", ".join(names), cell(reason), cell(effect)) for (reason, effect), names in gaps.items()]
    out += ["", "## What is known of a field", "", "| how | meaning |", "|---|---|"]
    out += ["| %s | %s |" % item for item in HOW.items()]
    out += ["", "\"Not known\" tells of which acts the value is not known, although the field is in general: what depends on it is then "
                "uncertain ([the semantics](semantics.md))."]

    names = list(points[0]["fields"])
    running = [p for p in points if p["point"] not in EXEC]
    everywhere = {n: most(points, n) for n in names if most(points, n)}
    caller = {n: most(running, n) for n in names if n not in everywhere and most(running, n)}
    out += ["", "## Everywhere", "", "Unless a point below says otherwise.", ""]
    table(everywhere, out)
    out += ["## Wherever a process that runs acts", "",
            "At every point but those of an exec, in which `proc.*` is the new program; unless a point below says otherwise.", ""]
    table(caller, out)
    told = []
    for p in points:
        out += ["## %s" % p["point"], ""]
        common = everywhere if p["point"] in EXEC else {**everywhere, **caller}
        own = {n: f for n, f in p["fields"].items() if f != common.get(n)}
        before = [name for name, fields in told if fields == own]
        if before:
            out += ["As at [`%s`](#%s)." % (before[0], before[0]), ""]
        else:
            table(shorten(own, p["fields"]), out)
        told.append((p["point"], own))
    return "\n".join(out).rstrip("\n") + "\n"


def main():
    points = ask("check", "--list-points")["points"]
    for p in points:
        p["fields"] = {f["field"]: f for f in p["fields"]}
    unknown = {f["how"] for p in points for f in p["fields"].values()} - set(HOW)
    unknown |= {p["strength"] for p in points} - set(STRENGTHS) | {p["backend"] for p in points} - set(BACKENDS)
    return judge("points.md", document(points), ["no meaning is told of %r" % word for word in sorted(unknown)])


sys.exit(main())
