#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Tercel's evaluator with the real libsinsp: what is accepted, and what holds.

    differential.py BUILD_DIRECTORY [OPTION…]

    --seed N              where chance begins (1)
    --seconds N           how long to try (60); the hand-picked cases, the rule files and the kept differences come first
    --oracle PROGRAM      another oracle than Debian's libsinsp in the chroot: tests/falco/oracle.cpp, however it was built
    --ours PROGRAM        another evaluator than BUILD_DIRECTORY/bin/falco_eval_batch
    --capture FILE        instead: conditions from a capture's own values, on its events, with libsinsp's real fields; FILE
                          is also looked for in ../shared/captures
    --cases               instead: the hand-picked cases alone, by their recorded answers; needs no libsinsp
    --case JSON           instead: {"condition":…,"event":…} alone; prints both answers
    --version-features    instead: prints what this libsinsp has

Prints a minimal counterexample for each kind of disagreement, and how often which operators were compared with which
types. Exit status: 0, 1 with counterexamples, 77 without a chroot.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import generate  # noqa: E402
import known  # noqa: E402
from programs import Ended, Program, Skip, chroot_oracle, shared  # noqa: E402
from shrink import shrink, shrink_company  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
MOST_FOUND = 20
MOST_ALIKE = 2  # refused with the same words


def features_of(oracle):
    """What this libsinsp does as 0.25.4 does it."""
    answers = oracle.ask({"accept": [f.probe for f in known.FEATURES.values()]})["accept"]
    return {name for (name, f), error in zip(known.FEATURES.items(), answers) if (error is None) == f.accepted}


class Found(Exception):
    """Enough counterexamples."""


class Comparison:
    """Both programs, what they said differently, and what was covered."""

    def __init__(self, oracle, ours, features, reproduce):
        self.oracle = oracle
        self.ours = ours
        self.features = features
        self.reproduce = reproduce
        self.found = {}
        self.alike = collections.Counter()
        self.counts = collections.Counter()
        self.kept = collections.Counter()

    def beyond(self, condition):
        """Whether this libsinsp reads the condition unlike 0.25.4."""
        return any(f.concerns(condition) for name, f in known.FEATURES.items() if name not in self.features)

    def answers(self, conditions, events, cache=False):
        request = {"conditions": conditions, "events": events, "cache": cache}
        return self.oracle and self.oracle.ask(request), self.ours.ask(request)

    def compare_caches(self, conditions, events, theirs):
        """libsinsp's caches must not change its answers, but do where it takes two comparisons for one."""
        cached = self.oracle.ask({"conditions": conditions, "events": events, "cache": True})
        for plain, with_cache in zip(theirs["results"], cached["results"]):
            self.kept["falco-cache"] += sum(a != b for a, b in zip(plain, with_cache))

    def disagreement(self, condition, event, theirs, ours):
        """"accept", "result", or None; kept differences are none."""
        kind = None
        if isinstance(ours[1], str) or theirs[1] == "throws: not an address":
            return None  # the event is wrong, which happens when it is shrunk
        if (theirs[0] is None) != (ours[0] is None):
            kind = "accept"
        elif theirs[0] is None and theirs[1] != ours[1]:
            kind = "result"
        if kind is None or self.beyond(condition):
            return None
        kept = known.find(condition, event, theirs, ours)
        if kept:
            self.kept[kept] += 1
            return None
        return kind

    def compare(self, conditions, events):
        """The answers of libsinsp, after noting every disagreement."""
        theirs, ours = self.answers(conditions, events)
        self.counts["batches"] += 1
        if self.counts["batches"] % 4 == 0:
            self.compare_caches(conditions, events, theirs)
        self.counts["conditions"] += len(conditions)
        self.counts["true"] += sum(row.count(True) for row in theirs["results"])
        for i, condition in enumerate(conditions):
            refused = theirs["errors"][i] is not None
            self.counts["refused"] += refused
            if refused and ours["errors"][i] is not None:
                continue
            for e, event in enumerate(events):
                self.counts["evaluations"] += 1
                if isinstance(ours["results"][e][i], str):
                    raise RuntimeError(f"the generator made a wrong event: {ours['results'][e][i]}: {json.dumps(event)}")
                kind = self.disagreement(condition, event, (theirs["errors"][i], theirs["results"][e][i]),
                                         (ours["errors"][i], ours["results"][e][i]))
                if kind and any(self.shows(kind)([condition], [event])):
                    self.note(condition, event, kind)
                elif kind:
                    self.note_company(conditions, events, i, e)
                if kind:
                    break
        return theirs

    def shows(self, kind):
        def check(conditions, events):
            try:
                theirs, ours = self.answers(conditions, events)
            except Ended:
                return [False] * max(len(conditions), len(events))
            out = []
            for i, c in enumerate(conditions):
                for e, event in enumerate(events):
                    out.append(self.disagreement(c, event, (theirs["errors"][i], theirs["results"][e][i]),
                                                 (ours["errors"][i], ours["results"][e][i])) == kind)
            return out
        return check

    def note_company(self, conditions, events, i, e):
        """What shows only with other conditions, or after other events."""
        condition, event = conditions[i], events[e]

        def shows(others, before):
            theirs, ours = self.answers([*others, condition], [*before, event])
            return theirs["results"][-1][-1] != ours["results"][-1][-1]

        others, before = conditions[:i] + conditions[i + 1:], events[:e]
        if shows(others, before):
            others, before = shrink_company(others, before, shows)
        self.found[condition, "company"] = event
        print(f"\nDISAGREEMENT {len(self.found)} (in company)\n  condition  {condition!r}\n  event      {json.dumps(event)}")
        print(f"  only with  {others} after {json.dumps(before)}", flush=True)
        if len(self.found) >= MOST_FOUND:
            raise Found

    def note(self, condition, event, kind):
        theirs, ours = self.answers([condition], [event])
        words = kind + (re.sub(r"'[^']*'|[0-9]+|[a-z0-9_]+\.[a-z0-9_.]+", "", theirs["errors"][0] or ours["errors"][0] or condition))
        self.alike[words] += 1
        if self.alike[words] > MOST_ALIKE:
            return
        condition, event = shrink(condition, {} if kind == "accept" else event, self.shows(kind))
        theirs, ours = self.answers([condition], [event])
        if (condition, kind) in self.found:
            return
        self.found[condition, kind] = event
        print(f"\nDISAGREEMENT {len(self.found)} ({kind})")
        print(f"  condition  {condition!r}")
        if kind == "result":
            print(f"  event      {json.dumps(event)}")
        for name, a in (("libsinsp", theirs), ("tercel", ours)):
            error = a["errors"][0]
            print(f"  {name:9}  {'refuses: ' + error if error is not None else a['results'][0][0] if kind == 'result' else 'accepts'}")
        print(f"  reproduce  {self.reproduce} --case {quote(json.dumps({'condition': condition, 'event': event}))}", flush=True)
        if len(self.found) >= MOST_FOUND:
            raise Found


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


# ---- what is tried -----------------------------------------------------------------------------------------------

def hand_picked():
    for file in sorted((HERE / "cases").glob("*.jsonl")):
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                yield json.loads(line)


def outcome(answer, i=0):
    """True, False, "refused", or "dies" of an answer for one event."""
    result = answer["results"][0][i]
    return "refused" if answer["errors"][i] is not None else "dies" if isinstance(result, str) else result


def check_cases(comparison):
    """Each case has the answer that libsinsp 0.25.4 gave: both programs must give it, but for kept differences that it names."""
    wrong = 0
    by_event = collections.defaultdict(list)
    for case in hand_picked():
        by_event[json.dumps(case.get("event", {}))].append(case)
    for text, cases in by_event.items():
        event = json.loads(text)
        theirs, ours = comparison.answers([c["condition"] for c in cases], [event])
        for i, case in enumerate(cases):
            condition, expect = case["condition"], case["expect"]
            comparison.counts["cases"] += 1
            if theirs and not comparison.beyond(condition) and outcome(theirs, i) != expect:
                wrong += 1
                print(f"CASE {condition!r} on {text}: libsinsp says {outcome(theirs, i)!r}, not {expect!r}")
            kept = known.find(condition, event, (expect if expect == "refused" else None, expect),
                              (ours["errors"][i], ours["results"][0][i]))
            if (kept != case.get("kept")) if "kept" in case else outcome(ours, i) != expect:
                wrong += 1
                print(f"CASE {condition!r} on {text}: tercel says {outcome(ours, i)!r}, not {expect!r}")
    return wrong


def check_known(comparison):
    """A kept difference is documented; one that is none any more must be taken off the list."""
    wrong = 0
    documented = (HERE.parents[1] / "docs" / "differences.md").read_text()
    for name, k in known.KEPT.items():
        if f"| {name} |" not in documented:
            wrong += 1
            print(f"KEPT DIFFERENCE {name!r} is not in docs/differences.md")
        for condition, event in k.samples:
            if comparison.beyond(condition):
                continue
            theirs, ours = comparison.answers([condition], [event], cache=name == "falco-cache")
            pair = [(a["errors"][0], None if a["errors"][0] is not None else a["results"][0][0]) for a in (theirs, ours)]
            same = (pair[0][0] is None) == (pair[1][0] is None) and pair[0][1] == pair[1][1]
            if same or known.find(condition, event, *pair) != name:
                wrong += 1
                print(f"KEPT DIFFERENCE {name!r} no longer occurs: {condition!r} on {json.dumps(event)}: {pair}")
    return wrong


def rules_of(build):
    """(name, condition) of each rule of the three upstream files, everything put in; none without them."""
    files = sorted((shared() / "rules").glob("falco*.yaml"))
    order = sorted(files, key=lambda f: ("sandbox" in f.name, "incubating" in f.name))
    if not files:
        return []
    done = subprocess.run([build / "bin" / "falco_flatten", "--all", *order], stdout=subprocess.PIPE, text=True, check=True)
    return [line.split("\t", 1) for line in done.stdout.splitlines()]


def check_own_rules(comparison, build):
    """Our own rule files load, and libsinsp accepts every condition of theirs."""
    files = [HERE.parents[1] / "rules" / name for name in ("tercel_rules.yaml", "tercel_rules_detect.yaml")]
    done = subprocess.run([build / "bin" / "falco_flatten", "--all", *files], stdout=subprocess.PIPE, text=True, check=True)
    rules = [line.split("\t", 1) for line in done.stdout.splitlines()]
    errors = comparison.oracle.ask({"accept": [condition for _, condition in rules]})["accept"]
    for (name, condition), error in zip(rules, errors):
        if error is not None:
            print(f"rule files: libsinsp refuses the condition of our {name!r}: {error}\n  {condition}")
    print(f"rule files: {len(rules)} rules of our own, {errors.count(None)} conditions accepted by libsinsp")
    return len(errors) - errors.count(None) + (not rules)


def check_rule_files(comparison, rules):
    """Every rule of the three upstream files loads, and libsinsp accepts its condition as Tercel prints it."""
    wrong = 0
    if not rules:
        print("rule files: skipped, there is no ../shared/rules")
        return 0
    if len(rules) != known.UPSTREAM_RULES:
        print(f"rule files: {len(rules)} rules, not {known.UPSTREAM_RULES}")
        wrong += 1
    errors = comparison.oracle.ask({"accept": [condition for _, condition in rules]})["accept"]
    for (name, condition), error in zip(rules, errors):
        if error is not None:
            wrong += 1
            print(f"rule files: libsinsp refuses the condition of {name!r}: {error}\n  {condition}")
    print(f"rule files: {len(rules)} rules, {errors.count(None)} conditions accepted by libsinsp")
    return wrong


class Coverage:
    """Which operators were compared with which types, and whether they answered both ways."""

    def __init__(self, cells):
        self.seen = {cell: set() for cell in cells}

    def add(self, cells, answer):
        for i, cell in enumerate(cells):
            if answer["errors"][i] is not None:
                self.seen[cell].add("refused")
            else:
                self.seen[cell].update(str(row[i]) for row in answer["results"])

    def report(self):
        tried = [s for s in self.seen.values() if s]
        accepted = [s for s in tried if s != {"refused"}]
        both = [s for s in accepted if {"True", "False"} <= s]
        print(f"coverage: {len(tried)} of {len(self.seen)} pairs of operator and type tried, {len(accepted)} accepted, "
              f"{len(both)} of them answered both ways")
        return len(tried) == len(self.seen)


def try_by_chance(comparison, rules, seed, seconds):
    """Every operator with every type first, then compositions and parts of rules until the time is over."""
    end = time.monotonic() + seconds
    rng = random.Random(seed)
    fields = generate.fields_of(comparison.oracle.ask({"catalogue": True}))
    maker = generate.Generator(rng, fields, comparison.features)
    by_type = collections.defaultdict(list)
    for cell in maker.cells():
        by_type[cell[0]].append(cell)
    coverage = Coverage({(cell, op) for cell in by_type for op in maker.operators})
    for cells in by_type.values():
        for at in range(0, len(cells), 64):
            conditions, events, pairs = maker.cell_batch(cells[at:at + 64])
            coverage.add(pairs, comparison.compare(conditions, events))
    complete = coverage.report()
    of_rules = generate.RuleBatches(maker, fields, [c for _, c in rules])
    while time.monotonic() < end:
        comparison.compare(*maker.batch())
        if rules:
            comparison.compare(*of_rules.batch())
    return 0 if complete else 1


# ---- captures ----------------------------------------------------------------------------------------------------

def capture_conditions(rng, maker, fields, events, n):
    """Conditions whose constants are values of the capture, or near."""
    by_text = {f.text: f for f in fields if f.key == f.text}
    values = collections.defaultdict(list)
    for e in events:
        for key, v in e["fields"].items():
            for one in v if isinstance(v, list) else [v]:
                if by_text[key].group == "number" and isinstance(one, str):
                    one = int(one)
                values[key].append(one)
    present = [by_text[k] for k in sorted(values)]
    out = []
    for _ in range(n):
        some = [rng.choice(present) for _ in range(rng.randrange(1, 4))]
        pools = {f.text: rng.sample(values[f.text], min(3, len(values[f.text]))) for f in some}
        out.append(maker.condition(some, pools, rng.choice([0, 0, 1, 2])))
    return [c for c in out if not known.UNLIKE_COPIES.search(c)]


def compare_capture(comparison, file, conditions, events):
    """How many conditions libsinsp answers unlike on our copies of its events; what Tercel answers is compared on the way."""
    wrong = 0
    answers = list(comparison.oracle.stream({"capture": str(file), "conditions": conditions}))
    errors, rows = answers[0]["errors"], [a["results"] for a in answers[1:]]
    copied = comparison.compare(conditions, [e["fields"] for e in events])
    for i, condition in enumerate(conditions):
        if (errors[i] is None) != (copied["errors"][i] is None):
            wrong += 1
            print(f"CAPTURE {condition!r}: accepted differently: {errors[i]} and {copied['errors'][i]}")
            continue
        for row, copy, event in zip(rows, copied["results"], events):
            comparison.counts["captured"] += 1
            if row[i] != copy[i]:
                wrong += 1
                print(f"CAPTURE {condition!r}: event {event['n']}: {row[i]}, and {copy[i]} on its copy")
                break
    return wrong


def try_capture(comparison, rules, file, seed, seconds):
    """Three answers: libsinsp's on its own event, libsinsp's on our copy of the event, and ours."""
    end = time.monotonic() + seconds
    rng = random.Random(seed)
    catalogue = comparison.oracle.ask({"catalogue": True})
    changing = {"evt.rawarg." + a["name"] for a in catalogue["arguments"] if a["types"] > 1}
    fields = [f for f in generate.fields_of(catalogue)
              if f.key == f.text and f.text not in changing and not f.text.startswith(known.STATEFUL)]
    maker = generate.Generator(rng, fields, comparison.features)
    events = list(comparison.oracle.stream({"capture": str(file), "fields": [f.text for f in fields]}))
    print(f"capture: {len(events)} events, {len({k for e in events for k in e['fields']})} fields with values")
    wrong = 0
    conditions = [c for _, c in rules] or ["evt.type exists"]
    while time.monotonic() < end and not wrong:
        wrong += compare_capture(comparison, file, conditions, events)
        conditions = capture_conditions(rng, maker, fields, events, 150)
    return wrong


# ---- the command -------------------------------------------------------------------------------------------------

def options(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--oracle")
    p.add_argument("--ours")
    p.add_argument("--capture", type=pathlib.Path)
    p.add_argument("--cases", action="store_true")
    p.add_argument("--case")
    p.add_argument("--version-features", action="store_true")
    return p.parse_args(argv)


def one_case(comparison, text):
    case = json.loads(text)
    theirs, ours = comparison.answers([case["condition"]], [case.get("event", {})])
    for name, a in (("libsinsp", theirs), ("tercel", ours)):
        print(f"{name:9} {'refuses: ' + a['errors'][0] if a['errors'][0] is not None else a['results'][0][0]}")
    return 0 if (theirs["errors"][0] is None, theirs["results"]) == (ours["errors"][0] is None, ours["results"]) else 1


def run(o, comparison):
    wrong = 0
    try:
        if o.cases:
            wrong += check_cases(comparison)
        elif o.capture:
            wrong += try_capture(comparison, rules_of(o.build), o.capture.resolve(), o.seed, o.seconds)
        else:
            rules = rules_of(o.build)
            wrong += check_own_rules(comparison, o.build)
            wrong += check_rule_files(comparison, rules)
            wrong += check_cases(comparison)
            wrong += check_known(comparison)
            wrong += try_by_chance(comparison, rules, o.seed, o.seconds)
    except Found:
        print(f"stopped after {MOST_FOUND} counterexamples")
    c = comparison.counts
    print(f"seed {o.seed}: {c['cases']} cases, {c['conditions']} conditions ({c['refused']} refused), {c['evaluations']} evaluations "
          f"({c['true']} true), {c['captured']} on captured events; {len(comparison.found)} disagreements; kept: {dict(comparison.kept)}")
    return 1 if wrong or comparison.found else 0


def main(argv):
    o = options(argv)
    if o.capture and not o.capture.is_file():
        o.capture = shared() / "captures" / o.capture
        if not o.capture.is_file():
            print(f"skipped: no {o.capture}")
            return 77
    try:
        oracle = None if o.cases else Program([o.oracle] if o.oracle else chroot_oracle())
        features = features_of(oracle) if oracle else set()
    except Skip as why:
        print(f"skipped: {why}")
        return 77
    if o.version_features:
        print(" ".join(sorted(features)))
        return 0
    ours = Program([o.ours or str(o.build / "bin" / "falco_eval_batch")])
    reproduce = " ".join(["tests/falco/differential.py", str(o.build)] + (["--oracle", o.oracle] if o.oracle else []))
    comparison = Comparison(oracle, ours, features, reproduce)
    try:
        return one_case(comparison, o.case) if o.case else run(o, comparison)
    finally:
        for program in filter(None, (oracle, ours)):
            program.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
