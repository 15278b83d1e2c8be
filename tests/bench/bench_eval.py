#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The exact evaluator and libsinsp's own filters, on Falco's stable rules and the events of captures, in one run.

    bench_eval.py BUILD_DIRECTORY [ORACLE]

libsinsp runs its compiled filters with the caches that Falco uses, on the captured events, and takes the fields from
its own tables; ours is given the values of the same events and puts them to all rules. Both must find the same number of
matches. Prints nanoseconds for each rule and event, evaluations a second, and the ratio. Exit status 77 without a chroot
or without the captures.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "falco"))
from programs import Program, Skip, chroot_oracle, shared  # noqa: E402

ROUNDS = 200
BEST_OF = 5


def fields_of(oracle, conditions):
    """What in the conditions is a field."""
    words = sorted({m[0] for c in conditions for m in re.finditer(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+(\[[^]]*\])?", c)})
    errors = oracle.ask({"accept": [f"{w} exists" for w in words]})["accept"]
    return [w for w, error in zip(words, errors) if error is None]


def measure(build, oracle, capture, conditions, work):
    rows = [line.split("\t", 1)[1] for line in conditions.read_text().splitlines()]
    events = work / "events.jsonl"
    with events.open("w") as out:
        for answer in oracle.stream({"capture": str(capture), "fields": fields_of(oracle, rows)}):
            out.write(json.dumps(answer["fields"], ensure_ascii=False) + "\n")
    best = {}
    for _ in range(BEST_OF):
        theirs = oracle.ask({"bench": str(capture), "conditions": rows, "rounds": ROUNDS})
        ours = json.loads(subprocess.run([build / "bin" / "bench_eval", conditions, events, str(ROUNDS)],
                                         stdout=subprocess.PIPE, check=True).stdout)
        for name, one in (("libsinsp", theirs), ("tercel", ours)):
            if name not in best or one["ns"] < best[name]["ns"]:
                best[name] = one
    if (best["libsinsp"]["evaluations"], best["libsinsp"]["matches"]) != (best["tercel"]["evaluations"], best["tercel"]["matches"]):
        raise RuntimeError(f"not the same: {best}")
    each = {name: one["ns"] / one["evaluations"] for name, one in best.items()}
    print(f"{capture.name}: {best['tercel']['events']} events x {best['tercel']['conditions']} rules, "
          f"{best['tercel']['matches'] // ROUNDS} matches; libsinsp {each['libsinsp']:.1f} ns an evaluation, "
          f"tercel {each['tercel']:.1f} ns ({1000 / each['tercel']:.0f} million a second): "
          f"{each['libsinsp'] / each['tercel']:.1f} times as fast")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rules = shared() / "rules" / "falco_rules.yaml"
    if not rules.exists():
        print(f"skipped: no {rules}")
        return 77
    try:
        oracle = Program([sys.argv[2]] if len(sys.argv) > 2 else chroot_oracle())
    except Skip as e:
        print(f"skipped: {e}")
        return 77
    with tempfile.TemporaryDirectory(prefix="tercel-bench-") as name:
        work = pathlib.Path(name)
        conditions = work / "conditions"
        with conditions.open("w") as out:
            subprocess.run([build / "bin" / "falco_flatten", rules], stdout=out, check=True)
        for capture in sorted((shared() / "captures").glob("*.scap")):
            measure(build, oracle, capture, conditions, work)
    oracle.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
