# SPDX-License-Identifier: Apache-2.0
"""The rules of this project keep the promises of their files' comments.

usage: own_rules.py TERCEL

rules/tercel_rules.yaml: no warning; at least 30 rules, every one exact, with an act that is refused or a program that
is killed before it runs. rules/tercel_rules_detect.yaml: loads after it, and is narrow as it says. In both every rule
has a comment with its false positives, which names a macro tercel_allow_… of the rule's own, and that excepts nothing;
and an event in own_rules.jsonl that it matches. Those there without a rule are everyday life, which none matches.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXACT = ROOT / "rules" / "tercel_rules.yaml"
NARROW = ROOT / "rules" / "tercel_rules_detect.yaml"
EVENTS = pathlib.Path(__file__).with_name("own_rules.jsonl")
LEAST = 30


def check(files, target):
    said = subprocess.run([sys.argv[1], "check", "-o", "json", "--target", target, *files], stdout=subprocess.PIPE, check=True)
    return json.loads(said.stdout)


def blocks(text):
    """(comment above it, key, name, text) of each item of a rule file."""
    comment = []
    for part in re.split(r"\n(?=- |#|\n)", text):
        part = part.strip("\n")
        if part.startswith("#"):
            comment.append(part.lstrip("# "))
        elif part.startswith("- "):
            key, _, name = part.splitlines()[0][2:].partition(": ")
            yield " ".join(comment), key, name, part
            comment = []
        elif not part:
            comment = []


def comments_of(path):
    """What is wrong with the rules' comments and macros."""
    wrong, allowed, rules, macros, uses = [], None, [], {}, {}
    for comment, key, name, text in blocks(path.read_text(encoding="utf-8")):
        if key == "macro" and name.startswith("tercel_allow_"):
            macros[name] = text
            allowed = (comment, name)
        for used in set(re.findall(r"tercel_allow_\w+", text if key == "rule" else "")):
            uses.setdefault(used, []).append(name)
        if key != "rule":
            continue
        rules.append(name)
        comment, macro = allowed or ("", None)
        allowed = None
        if "False positives:" not in comment:
            wrong.append(f"the rule {name!r} has no comment with its false positives above the macro that tunes it")
        elif f"Tune with {macro}." not in comment:
            wrong.append(f"the comment of the rule {name!r} does not name {macro}")
        elif not text.split("\n  output:")[0].rstrip().endswith(f"and not {macro}"):
            wrong.append(f"the condition of the rule {name!r} does not end with: and not {macro}")
        for need in ("desc", "output", "priority", "tags"):
            if f"\n  {need}: " not in text:
                wrong.append(f"the rule {name!r} has no {need}")
    for macro, text in macros.items():
        if "condition: (evt.num = 0)" not in text:
            wrong.append(f"{macro} excepts something")
        if len(uses.get(macro, [])) != 1:
            wrong.append(f"{macro} is used by {len(uses.get(macro, []))} rules")
    wrong += [f"{macro} is no macro" for macro in uses if macro not in macros]
    return wrong, rules


def classes_of():
    wrong = []
    own = check([EXACT], "full")
    wrong += [f"{d['file']}:{d['line']}: {d['message']}" for d in own["errors"] + own["warnings"]]
    if len(own["rules"]) < LEAST:
        wrong.append(f"only {len(own['rules'])} rules, not {LEAST}")
    for rule in own["rules"]:
        strengths = {p["strength"] for p in rule["points"]}
        if rule["class"] != "exact" or not strengths <= {"deny", "kill-before-run"} or not rule["enabled"]:
            wrong.append(f"{rule['name']!r} is {rule['class']}: {', '.join(sorted(strengths))}")
    both = check([EXACT, NARROW], "full")
    wrong += [f"{d['file']}:{d['line']}: {d['message']}" for d in both["errors"] + both["warnings"]]
    for rule in both["rules"][len(own["rules"]):]:
        if rule["class"] != "narrow":
            wrong.append(f"{rule['name']!r} is {rule['class']}: its place is not {NARROW.name}")
    for target in "full", "no-lsm":
        s = check([EXACT], target)["summary"]
        print(f"--target {target}: {s['exact']} exact, {s['narrow']} narrow, {s['detect_only']} detect-only")
    return wrong


def matches_of(rules):
    cases = [json.loads(line) for line in EVENTS.read_text(encoding="utf-8").splitlines()]
    events = "".join(json.dumps(case["event"]) + "\n" for case in cases)
    said = subprocess.run([sys.argv[1], "eval", "-o", "json", "--events", "-", EXACT, NARROW], input=events, text=True,
                          stdout=subprocess.PIPE, check=True)
    for number, (case, line) in enumerate(zip(cases, said.stdout.splitlines(), strict=True), 1):
        matching = json.loads(line)["rules"]
        if case["rule"] not in matching if case["rule"] else matching:
            yield f"{EVENTS.name}:{number}: {case['rule'] or 'no rule'} should match, not {matching}"
    for name in set(rules) - {case["rule"] for case in cases}:
        yield f"{EVENTS.name} has no event for the rule {name!r}"


def main():
    wrong, every = classes_of(), []
    for path in EXACT, NARROW:
        found, rules = comments_of(path)
        wrong += found
        every += rules
        print(f"{path.name}: {len(rules)} rules")
    wrong += matches_of(every)
    for line in wrong:
        print("FAIL", line)
    print(f"{0 if wrong else 1} passed, {1 if wrong else 0} failed")
    return 1 if wrong else 0


sys.exit(main())
