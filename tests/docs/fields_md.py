# SPDX-License-Identifier: Apache-2.0
"""docs/fields.md is what the program says of its fields.

usage: fields_md.py TERCEL           fails if the file is not what it would be now
       fields_md.py TERCEL --write   writes it
"""

import json
import pathlib
import subprocess
import sys

FILE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "fields.md"

HEAD = """\
# Fields

Made by `tests/docs/fields_md.py` from the catalogue in `compat/fields_table.h`. `tercel check --list-fields` prints the same, with `-o json` for programs:

```console
$ tercel check --list-fields | grep proc.tty
  proc.tty                        uint32   number of the controlling terminal, 0 without one
```

These are all fields of libsinsp {libsinsp} for system calls, those of the plugin `container` (Falco's or ours), and our own. What may stand behind a name: `[n]` a number, `[key]` a text,
`.name` a name behind a dot; in round brackets if it may be left out. Marks:

| mark | meaning |
|---|---|
| list | the value is a list: `in`, `intersects` and `exists` compare it |
| any-ancestor | without an argument a comparison holds if it holds for some ancestor |
| either-end | a comparison asks both ends of a connection: it holds if it does for one; `!=` asks that neither is equal |
| host-name | compared through Falco's cache of host names: `=`, `!=` and `in` |
| equal-only | `=` is the only operator with a value |
| no-val | not inside `val()`, nor compared with one |
| no-transformer | not inside a transformer of one argument, such as `tolower()` |
| filter-only | meant for conditions |
| print-only | meant for outputs |
| hidden | Falco does not list it |
| deprecated | Falco will drop it |
"""

ARGUMENTS = {
    (): "",
    ("index",): "[n]",
    ("key",): "[key]",
    ("key", "index"): "[key|n]",
    ("name",): ".name",
    ("name", "index"): ".name|[n]",
}


def cell(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def row(field):
    argument = ARGUMENTS[tuple(field["arguments"])]
    if argument and not field["argument_required"]:
        argument = "(%s)" % argument
    name = "`%s`" % (field["name"] + argument).replace("|", "\\|")
    return "| %s | %s | %s | %s |" % (name, field["type"], ", ".join(field["flags"]), cell(field["description"]))


def document(catalogue):
    lines = [HEAD.format(libsinsp=catalogue["libsinsp"])]
    for group in catalogue["classes"]:
        provider = group["provider"]
        lines.append("## %s: %s%s" % (group["name"], group["title"],
                                      "" if provider == "falco" else " (plugin `%s`)" % provider))
        lines += ["| field | type | marks | meaning |", "|---|---|---|---|"]
        lines += map(row, group["fields"])
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def main():
    said = subprocess.run([sys.argv[1], "check", "--list-fields", "-o", "json"], stdout=subprocess.PIPE, check=True)
    wanted = document(json.loads(said.stdout))
    if sys.argv[2:] == ["--write"]:
        FILE.write_text(wanted, encoding="utf-8")
        return 0
    have = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if have == wanted:
        print("1 passed, 0 failed")
        return 0
    print("FAIL docs/fields.md is stale; write it anew: python3 tests/docs/fields_md.py build/tercel --write")
    print("0 passed, 1 failed")
    return 1


sys.exit(main())
