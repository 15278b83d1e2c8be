# SPDX-License-Identifier: Apache-2.0
"""A page of docs/ that is made from what the program says, and the test that it is what it would be now.

Used by rules_md.py and points_md.py: SCRIPT TERCEL [--write].
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def ask(*arguments):
    """What `tercel ARGUMENTS -o json` prints."""
    said = subprocess.run([sys.argv[1], *arguments, "-o", "json"], stdout=subprocess.PIPE, check=True)
    return json.loads(said.stdout)


def cell(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def code(text):
    return "`%s`" % text.replace("|", "\\|")


def judge(name, wanted, wrong=()):
    """Writes the page, or says whether it is stale or something else is wrong; the exit status."""
    path = ROOT / "docs" / name
    if sys.argv[2:] == ["--write"]:
        path.write_text(wanted, encoding="utf-8")
    elif (path.read_text(encoding="utf-8") if path.exists() else "") != wanted:
        wrong = [*wrong, "docs/%s is stale; write it anew: python3 %s build/tercel --write"
                 % (name, pathlib.Path(sys.argv[0]).resolve().relative_to(ROOT))]
    for line in wrong:
        print("FAIL", line)
    print("%d passed, %d failed" % ((0, 1) if wrong else (1, 0)))
    return 1 if wrong else 0
