# SPDX-License-Identifier: Apache-2.0
"""docs/rules.md is what becomes of Falco's own rules in the kernel, and enough of them are decided there.

usage: rules_md.py TERCEL [--write]; skipped without ../shared/rules, or the folder that $TERCEL_SHARED names
"""

import os
import pathlib
import re
import sys

from page import ROOT, ask, cell, code, judge

RULES = 93
LEAST_EXACT = 60
LEAST_BLOCKED = 80  # exact or narrow
TARGETS = ("full", "no-lsm")
FILES = {"falco_rules.yaml": "Stable", "falco-incubating_rules.yaml": "Incubating", "falco-sandbox_rules.yaml": "Sandbox"}
SOME_EVENTS = 4

HEAD = """\
# What becomes of Falco's rules

Made by `tests/docs/rules_md.py` from `tercel check` on the three rule files that Falco publishes ({rules} rules, loaded together). [Rule files](rule-files.md) says how to do that with yours,
[the semantics](semantics.md) what the classes promise, and [the decision points](points.md) what is known where.

With `--target full` a kernel with BPF LSM is judged for, with `no-lsm` one without: cgroup hooks, the commit of an exec, and the entry of system calls (the strength `kill`, which policies do not accept yet).
Both judge by the table of decision points. For which of them this version has kernel programs, `tercel check` says of each rule, and `--target auto` counts only those.

| target | exact | narrow | detect-only |
|---|---|---|---|
"""

LEGEND = """
In the tables: the class; then the points with their strength; then what is lost of the condition there, as its field and operator, with the number of the reason [below](#reasons).
"""


def leaf(expr):
    """The field and the operator of a check; its values are the rule's own text."""
    found = re.match(r"(\S+(?:\([^)]*\))?) (\S+)", expr)
    return "%s %s" % found.groups() if found else expr


class Reasons:
    def __init__(self):
        self.numbers = {}

    def number(self, text):
        return self.numbers.setdefault(text, len(self.numbers) + 1)


def lost_of(point, reasons):
    leaves = {}
    for lost in point["lost"]:
        leaves.setdefault((leaf(lost["expr"]), reasons.number(lost["reason"])))
    return tuple("%s (%d)" % (code(name), number) for name, number in leaves)


def events_of(point):
    events = point["events"]
    if not events:
        return "this source"
    return ", ".join(map(code, events)) if len(events) <= SOME_EVENTS else "%d types of events" % len(events)


def describe(rule, reasons):
    """The cell of a rule for one target."""
    parts = {}
    for point in rule["points"]:
        if point["point"] == "none":
            parts.setdefault("nothing at %s (%d)" % (events_of(point), reasons.number(point["reason"])), [])
            continue
        lost = lost_of(point, reasons)
        what = point["strength"] if point["strength"] != "none" else "nothing"
        parts.setdefault("%s at %%s%s" % (what, ", without " + ", ".join(lost) if lost else ""), []).append(code(point["point"]))
    cells = [text % ", ".join(points) if points else text for text, points in parts.items()]
    return "**%s**<br>%s" % (rule["class"], "<br>".join(cells))


def section(name, title, reports, reasons):
    lines = ["", "## %s (`%s`)" % (title, name), "", "| rule | %s |" % " | ".join("`%s`" % t for t in TARGETS),
             "|---|%s" % ("---|" * len(TARGETS))]
    for rules in zip(*(r["rules"] for r in reports)):
        if pathlib.Path(rules[0]["file"]).name == name:
            lines.append("| %s | %s |" % (cell(rules[0]["name"]), " | ".join(describe(r, reasons) for r in rules)))
    return lines


def document(reports):
    reasons = Reasons()
    lines = [HEAD.format(rules=reports[0]["summary"]["rules"]).rstrip("\n")]
    for target, report in zip(TARGETS, reports):
        s = report["summary"]
        lines.append("| `%s` | %d | %d | %d |" % (target, s["exact"], s["narrow"], s["detect_only"]))
    lines.append(LEGEND.rstrip("\n"))
    for name, title in FILES.items():
        lines += section(name, title, reports, reasons)
    lines += ["", "## Reasons"]
    lines += ["%d. %s" % (number, cell(text)) for text, number in reasons.numbers.items()]
    return "\n".join(lines) + "\n"


def wrong_of(reports):
    s = reports[0]["summary"]
    if s["rules"] != RULES:
        yield "%d rules, not %d" % (s["rules"], RULES)
    if s["exact"] < LEAST_EXACT:
        yield "only %d rules are exact, not %d" % (s["exact"], LEAST_EXACT)
    if s["exact"] + s["narrow"] < LEAST_BLOCKED:
        yield "only %d rules are exact or narrow, not %d" % (s["exact"] + s["narrow"], LEAST_BLOCKED)
    claim = "%d of these rules are decided exactly and %d in part" % (s["exact"], s["narrow"])
    if claim not in (ROOT / "README.md").read_text(encoding="utf-8"):
        yield "README.md does not say: " + claim


def main():
    folder = pathlib.Path(os.environ.get("TERCEL_SHARED", ROOT.parent / "shared")).resolve() / "rules"
    files = [folder / name for name in FILES]
    if not all(f.exists() for f in files):
        print("skipped: Falco's rule files are not in %s" % folder)
        return 77
    reports = [ask("check", "--target", target, *files) for target in TARGETS]
    return judge("rules.md", document(reports), list(wrong_of(reports)))


sys.exit(main())
