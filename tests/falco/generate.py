# SPDX-License-Identifier: Apache-2.0
"""Conditions and events for tests/falco/differential.py, by chance but with a seed.

A batch is about a few fields. For each there is a pool of values; constants and events draw from it, or from what is near
(a prefix, another case, one more), so that comparisons answer both ways. Knows Falco's grammar, and no program.
"""

import base64
import ipaddress
import itertools
import re

# Flags of libsinsp's field table.
ARG_REQUIRED, IS_LIST, ARG_ALLOWED = 4, 64, 128
ARG_INDEX, ARG_KEY, NO_TRANSFORMER, NO_RHS = 256, 512, 2048, 4096

ORDER = ["<", "<=", ">", ">="]
WORDS = ["contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "glob", "iglob", "regex"]
LISTS = ["in", "intersects", "pmatch"]
MODIFIERS = ["oneof", "anyof", "allof"]
OPERATORS = ["=", "==", "!=", *ORDER, *WORDS, *LISTS, "exists"]

RANGES = {
    "INT8": (-(2**7), 2**7 - 1), "INT16": (-(2**15), 2**15 - 1), "INT32": (-(2**31), 2**31 - 1),
    "INT64": (-(2**63), 2**63 - 1), "FD": (-(2**63), 2**63 - 1), "PID": (-(2**63), 2**63 - 1),
    "ERRNO": (-(2**63), 2**63 - 1), "UINT8": (0, 2**8 - 1), "FLAGS8": (0, 2**8 - 1), "ENUMFLAGS8": (0, 2**8 - 1),
    "SIGTYPE": (0, 2**8 - 1), "UINT16": (0, 2**16 - 1), "FLAGS16": (0, 2**16 - 1), "ENUMFLAGS16": (0, 2**16 - 1),
    "SYSCALLID": (0, 2**16 - 1), "PORT": (0, 2**16 - 1), "UINT32": (0, 2**32 - 1), "FLAGS32": (0, 2**32 - 1),
    "ENUMFLAGS32": (0, 2**32 - 1), "MODE": (0, 2**32 - 1), "UINT64": (0, 2**64 - 1), "RELTIME": (0, 2**64 - 1),
    "ABSTIME": (0, 2**64 - 1), "DOUBLE": (-(2**31), 2**31 - 1),
}
TEXT_TYPES = ("CHARBUF", "FSPATH", "FSRELPATH")

ANCESTORS = ("proc.apid", "proc.aname", "proc.aexe", "proc.aexepath", "proc.acmdline", "proc.aenv")
ENDS = ("fd.ip", "fd.net", "fd.port", "fd.proto")
AROUND = 5_000_000_000
EVENT_TYPES = ("execve", "execveat", "open", "openat", "openat2", "connect", "clone", "procexit", "read", "socket", "ptrace")

TEXTS = [
    "", "a", "sh", "bash", "zsh", "curl", "Curl", "CURL", "python3.11", "/", "//", "/etc", "/etc/", "/etc/passwd",
    "/etc/passwd2", "/usr/bin/curl", "/usr/bin", "etc/passwd", "/a//b", "/a/b/", "./a", "../etc/passwd", "a b", " a", "a ",
    "a\tb", "a\nb", "a'b", 'a"b', "a\\b", "\\", "a,b", "(a)", "[a]", "a=b", "a*b", "*", "?", "[a-c]x", "[!a]", "a.b", ".*",
    "^a$", "a|b", "a+", "\u00e9t\u00e9", "\u00c9T\u00c9", "\u65e5\u672c", "\U0001f41a", "\udcff\udcfe", "a\udcc3", "-1",
    "+1", "007", "5", "0x10", "1e5", "true", "false", "not", "and", "or", "in", "exists", "val", "anyof", "proc.name",
    "val(proc.name)", "tolower(proc.name)", "<NA>", "%d", "$x", "#", "~", "`x`", "x" * 31, "x" * 254, "x" * 255, "x" * 256,
    "X" * 255, "YmFzaA==", "YmFzaA", "L2V0Yy9wYXNzd2Q=", "@@@@", "a\x7fb", "a\x01b", "-rf", "--", "-t", "-tvalue", "-nt:x",
]
SERVICES = ["http", "https", "ssh", "domain", "nosuchservice", "HTTP"]
ADDRESSES = [
    "0.0.0.0", "1.2.3.4", "1.2.3.5", "10.0.0.1", "10.255.255.255", "127.0.0.1", "192.168.1.1", "255.255.255.255", "::", "::1",
    "::ffff:1.2.3.4", "2001:db8::1", "2001:db8::2", "2001:DB8:0:0:0:0:0:1", "fe80::1", "ff02::1", "1::",
]
BAD_ADDRESSES = ["1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4/32", "::1%lo", ":::1", "12345::", "g::1", "localhost",
                 "", " 1.2.3.4", "1.2.3.4 ", "::1/128", "1", "a.b"]
BAD_NETS = ["1.2.3.4", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/a", "1.2.3.4/-1", "1.2.3/8", "/8", "::/129", "::/0", "::1", "::/a",
            "1.2.3.4/8/8", "1.2.3.4/08", "1.2.3.4/ 8", "1.2.3.4/+8", "1.2.3.4/256", "1.2.3.4/264", "::/ 64", "2001:db8::/64x"]
BAD_NUMBERS = ["", "a", "1a", "a1", "0x10", "0X1f", "1.5", "1.0", "1.", ".5", "1e5", "1e+5", "1E-2", "+", "-", "--1", "++1",
               " 1", "1 ", "0", "-0", "+0", "007", "00", "1_000", "1,5", "true", "99999999999999999999",
               "-99999999999999999999", "18446744073709551616", "18446744073709551615", "9223372036854775808",
               "-9223372036854775809", "4294967296", "-2147483649", "65536", "256", "-1"]
REGEXES = [
    "", ".*", "a.*", ".*sh", "^bash$", "^.*$", "(ba|z)sh", "[a-z]+", "[^a-z]*", "[[:alpha:]]+", "[[:digit:]]*", "[[:foo:]]",
    "\\d+", "\\w*", "\\bsh", "a{2}", "a{2,}", "a{,2}", "a{2,1}", "a{1001}", "a{1000}", "(a{30}){30}", "x{255}", "x*", "(?i)bash",
    "(?:a)", "(?P<n>a)", "\\1", "(a)\\1", "a**", "a+?", "a|", "|a", "()", "(", ")", "[", "]", "[]a]", "[a", "[z-a]", "\\",
    "\\.", "\\/etc\\/passwd", "/etc/pass.*", "a\\", "\\x41", "\\n", "\\Qa.b\\E", "\\A", "\\z", "$", "^", "a^b", "a$b",
    "\u00e9.*", "[\u00e9]", ".", "..", "...", "\\pL+", "\\C", "*a", "+a", "?a", "{", "}", "a{", "a{b}", "a{1", "{1}", "(*a)",
    "(?#c)", "(?=a)", "(?!a)", "(?<a>b)", "\\a", "\\t", "\\-", "\\_", "\\e", "\\cA", "\\08", "\\0", "[\\d]", "[\\]]", "[a\\-z]",
    "[-a]", "[a-]", "[a-z-9]", "[[.a.]]", "[[=a=]]", "[:alpha:]", "a.c|.b", "((a|b)*c)+", "(a*)*", "(a|a)*b", ".{0,255}",
]
GLOBS = ["*", "?", "??", "a*", "*a", "*sh", "b?sh", "[a-z]*", "[!a]*", "[^a]*", "[[:alpha:]]*", "[a", "[]a]", "[a-]", "\\*",
         "\\a", "a\\", "/etc/*", "/*/passwd", "/etc/pass??", "**", "*/*", ".*", "*.*", "[*]", "[?]", "[\\]]", "[z-a]", "[a-c]x",
         "*\u00e9*", "?t?", "[\u00e9]*", "{a,b}", "!(a)", "@(a|b)", "a[/]b", "[[.a.]]", "[[=a=]]", "[[:foo:]]", "B*", "BASH"]


class Field:
    """A field as it is written, with its argument, and what libsinsp says of it."""

    def __init__(self, text, type_name, flags, kind="plain", key=None):
        self.text = text
        self.key = key or text  # in events
        self.type = type_name
        self.flags = flags
        self.kind = kind  # plain, ancestors or ends
        self.group = group_of(text, type_name)
        self.list = bool(flags & IS_LIST)

    def transformable(self):
        return not self.flags & NO_TRANSFORMER

    def right(self):
        return not self.flags & NO_RHS

    def cell_type(self):
        """What coverage counts: types, lists and the fields with comparisons of their own apart."""
        if self.text.startswith("evt.around"):
            return "around"
        name = self.type + (" list" if self.list else "")
        if self.text.startswith("evt.rawarg"):
            return "raw " + name
        return name if self.kind == "plain" else f"{self.kind} {name}"


def group_of(text, type_name):
    if text == "evt.type" or text == "syscall.type":
        return "evttype"
    if type_name in TEXT_TYPES:
        return "text"
    if type_name == "BYTEBUF":
        return "bytes"
    if type_name == "BOOL":
        return "bool"
    if type_name in RANGES:
        return "number"
    if type_name in ("IPADDR", "IPV4ADDR"):
        return "address"
    if type_name == "IPNET":
        return "net"
    return "opaque"


def fields_of(catalogue):
    """Every field of the oracle's catalogue, those with arguments several times."""
    out = []
    for f in catalogue["fields"]:
        name, flags = f["name"], f["flags"]
        if name in ("evt.arg", "evt.rawarg", "evt.around", "evt.type.is", "thread.cgroup"):
            continue
        if name in ANCESTORS:
            out.append(Field(name, f["type"], flags, "ancestors"))
        elif name in ENDS:
            out.append(Field(name, f["type"], flags, "ends"))
        elif not flags & ARG_REQUIRED or name == "evt.abspath":
            out.append(Field(name, f["type"], flags))
        if flags & (ARG_REQUIRED | ARG_ALLOWED) and name != "evt.abspath":
            for arg in ("0", "1", "2") if not flags & ARG_KEY else ("HOME", "1"):
                # libsinsp forgets the number of an environment: then it is that of the process, or of any ancestor.
                numbered = {"proc.env": ("plain", name), "proc.aenv": ("ancestors", name)} if arg.isdigit() else {}
                out.append(Field(f"{name}[{arg}]", f["type"], flags, *numbered.get(name, ())))
    by_name = {f["name"]: f for f in catalogue["fields"]}
    arg, raw = by_name["evt.arg"], by_name["evt.rawarg"]
    for a in catalogue["arguments"]:
        out.append(Field("evt.arg." + a["name"], arg["type"], arg["flags"]))
        out.append(Field("evt.rawarg." + a["name"], a["type"], raw["flags"]))
    out.append(Field("evt.arg[0]", arg["type"], arg["flags"]))
    for text in ("evt.abspath.src", "evt.abspath.dst"):
        out.append(Field(text, by_name["evt.abspath"]["type"], by_name["evt.abspath"]["flags"]))
    around = by_name["evt.around"]
    out.append(Field(f"evt.around[{AROUND}]", "ABSTIME", around["flags"], "plain", "evt.rawtime"))
    out.append(Field("evt.type.is.3", by_name["evt.type.is"]["type"], by_name["evt.type.is"]["flags"]))
    for name in ("proc.aname", "proc.apid"):  # -1 is what libsinsp takes for no number
        out.append(Field(name + "[-1]", by_name[name]["type"], by_name[name]["flags"], "ancestors", name))
    out.append(Field("thread.cgroup.cpu", by_name["thread.cgroup"]["type"], by_name["thread.cgroup"]["flags"]))
    return out


# ---- values ------------------------------------------------------------------------------------------------------

def near_text(rng, s):
    """Something like s."""
    tricks = [
        lambda: s, lambda: s, lambda: s, lambda: s[:-1], lambda: s[1:], lambda: s + rng.choice("a/ \n*."),
        lambda: rng.choice("a/ .-") + s, lambda: s.swapcase(), lambda: s.upper(), lambda: s.lower(), lambda: s + s,
        lambda: s[: len(s) // 2], lambda: s[len(s) // 2:], lambda: "/" + s, lambda: s + "/", lambda: s + "/x",
        lambda: s.replace("/", "//", 1), lambda: "x" + s + "y", lambda: s + "x" * 300, lambda: "",
    ]
    return rng.choice(tricks)()


def near_number(rng, n, type_name):
    low, high = RANGES[type_name]
    n = rng.choice([n, n, n, n + 1, n - 1, -n, n * 2, n + 2**8, n + 2**16, n + 2**32, low, high, 0, 1])
    return min(max(n, low), high)


def near_address(rng, a):
    ip = ipaddress.ip_address(a)
    last = (1 << ip.max_prefixlen) - 1
    n = int(ip) ^ rng.choice([0, 0, 0, 1, 2, 1 << 8, 1 << rng.randrange(ip.max_prefixlen)])
    return str(type(ip)(n & last)) if rng.random() < 0.9 else rng.choice(ADDRESSES)


def random_text(rng):
    if rng.random() < 0.8:
        return rng.choice(TEXTS)
    return "".join(rng.choice("abcAB/.*?[]-_ \\'\"\u00e9") for _ in range(rng.randrange(12)))


def seed_value(rng, field):
    """One value that the field may have, as the pool's kernel."""
    if field.key == "evt.rawtime":
        return AROUND + rng.choice([-1, 1]) * rng.choice([0, 1, 999_999, 1_000_000, 1_000_001, 2_000_000, AROUND, rng.randrange(10**7)])
    if field.group == "number":
        low, high = RANGES[field.type]
        n = rng.choice([0, 1, 2, 5, 22, 80, 443, 1000, 65535, 2**31 - 1, 2**32 - 1, 2**53 + 1, low, high, -1, -2, rng.randrange(100)])
        return min(max(n, low), high)
    if field.group == "bool":
        return rng.random() < 0.5
    if field.group in ("address", "net"):
        return rng.choice(ADDRESSES[:8] if field.type == "IPV4ADDR" else ADDRESSES)
    if field.group == "evttype":
        return rng.choice(EVENT_TYPES)
    return random_text(rng)


def near(rng, field, value):
    if field.key == "evt.rawtime":
        return max(0, value + rng.choice([0, 0, 1, -1]))
    if field.group == "number":
        return near_number(rng, value, field.type)
    if field.group == "bool":
        return value if rng.random() < 0.6 else not value
    if field.group in ("address", "net"):
        return near_address(rng, value) if field.type != "IPV4ADDR" else rng.choice(ADDRESSES[:8])
    if field.group == "evttype":
        return value if rng.random() < 0.5 else rng.choice(EVENT_TYPES)
    return near_text(rng, value)


def json_value(field, v):
    """Numbers that no double holds go as text."""
    if field.group == "number" and isinstance(v, int) and abs(v) >= 2**53:
        return str(v)
    return v


def event_value(rng, field, pool):
    one = lambda: json_value(field, near(rng, field, rng.choice(pool)))  # noqa: E731
    if field.kind == "ends":
        values = [one() for _ in range(rng.choice([0, 1, 2, 2, 2]))]
        if field.group == "number" or len(values) < 2:
            return values
        family = ":" in values[0]
        return values if (":" in values[1]) == family else [values[0], values[0]]
    if field.kind == "ancestors":
        return [one() for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))]
    if field.list:
        return [one() for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    return one()


# ---- constants ---------------------------------------------------------------------------------------------------

BARE = re.compile(r"[^()\"'\s=,\x00\ud800-\udfff]+\Z")


def quoted(rng, s, quote):
    escapes = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f", quote: "\\" + quote}
    out = []
    for c in s:
        if c == quote or (c == "\\" and rng.random() < 0.8) or (c in escapes and rng.random() < 0.5):
            out.append(escapes[c])
        elif c == "/" and rng.random() < 0.1:
            out.append("\\/")
        elif c == "\\" or rng.random() < 0.01:
            out.append("\\" + rng.choice(' /"\'bnrtfxq0u\\'))
        else:
            out.append(c)
    return quote + "".join(out) + quote


STYLES = ("bare", "single", "double", "raw")


def constant(rng, s, style=None):
    """s as a constant in a condition: bare if it can be, or quoted; "raw" puts quotes round it and escapes nothing."""
    style = style or rng.choice(("bare", "bare", "single", "double", "double", "raw"))
    if style == "bare" and BARE.match(s):
        return s
    if style == "raw":
        return '"' + s + '"'
    return quoted(rng, s, "'" if style == "single" else '"')


def net_text(rng, address):
    ip = ipaddress.ip_address(address)
    return f"{address}/{rng.choice([0, 1, 7, 8, 9, 16, 24, 31, 32, ip.max_prefixlen, rng.randrange(ip.max_prefixlen + 1)])}"


def constant_text(rng, group, type_name, op, pool):
    """The text, unquoted, of something to compare with."""
    if group == "number":
        if rng.random() < 0.08:
            return rng.choice(BAD_NUMBERS)
        if type_name == "PORT" and rng.random() < 0.15:
            return rng.choice(SERVICES)
        if not isinstance(pool[0], int) or (type_name == "ABSTIME" and rng.random() < 0.2):
            return str(rng.randrange(300) if rng.random() < 0.5 else rng.randrange(4))
        n = near_number(rng, rng.choice(pool), type_name)
        return ("+" if rng.random() < 0.02 else "") + str(n)
    if group == "bool":
        return rng.choice(["true", "false"]) if rng.random() < 0.93 else rng.choice(["1", "0", "True", "", "yes"])
    if group == "address":
        return near_address(rng, rng.choice(pool)) if rng.random() < 0.9 else rng.choice(BAD_ADDRESSES)
    if group == "net":
        return net_text(rng, near_address(rng, rng.choice(pool))) if rng.random() < 0.9 else rng.choice(BAD_NETS)
    if group == "evttype":
        return rng.choice(EVENT_TYPES) if rng.random() < 0.95 else random_text(rng)
    return text_constant(rng, op, pool)


def text_constant(rng, op, pool):
    near_by = near_text(rng, str(rng.choice(pool)))
    if op == "regex":
        return rng.choice([rng.choice(REGEXES), near_by, near_by[:3] + ".*", "(" + near_by + "|b)", regex_by_chance(rng)])
    if op in ("glob", "iglob"):
        return rng.choice([rng.choice(GLOBS), near_by, near_by[:3] + "*", "*" + near_by[-3:], near_by.replace("a", "?")])
    if op in ("bcontains", "bstartswith"):
        return rng.choice([near_by.encode("utf-8", "surrogateescape").hex(), near_by, "6", "0x61", "zz", ""])
    return near_by


def regex_by_chance(rng, depth=2):
    pieces = []
    for _ in range(rng.randrange(1, 4)):
        atom = rng.choice(["a", "b", "sh", ".", "[a-c]", "[^/]", "/", "\\.", "[[:alpha:]]", "\u00e9", "^", "$"])
        if depth and rng.random() < 0.3:
            atom = "(" + regex_by_chance(rng, depth - 1) + "|" + regex_by_chance(rng, depth - 1) + ")"
        pieces.append(atom + rng.choice(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{0}"]))
    return "".join(pieces)


# ---- comparisons -------------------------------------------------------------------------------------------------

class Left:
    """What stands on the left: text, and the type that comes out of it."""

    def __init__(self, text, group, type_name, is_list, pool):
        self.text = text
        self.group = group
        self.type = type_name
        self.list = is_list
        self.pool = pool


def left_of(field, pool):
    return Left(field.text, field.group, field.type, field.list, pool)


def transformed(rng, left, name):
    """name(left), whether or not libsinsp accepts it; the type that it has if so."""
    text = f"{name}({left.text})"
    if name == "len":
        lengths = [len(str(v)) for v in left.pool] + [0, 1, 2]
        return Left(text, "number", "UINT64", False, lengths)
    pool = left.pool
    if left.group in ("text", "bytes", "evttype"):
        pool = [transform_value(name, str(v)) for v in pool]
    return Left(text, "text" if left.group == "evttype" else left.group, left.type, left.list, pool)


def transform_value(name, s):
    if name == "tolower":
        return s.lower()
    if name == "toupper":
        return s.upper()
    if name == "basename":
        return s.rsplit("/", 1)[-1]
    try:
        return base64.b64decode(s + "=" * (-len(s) % 4)).decode("utf-8", "surrogateescape").replace("\0", "")
    except ValueError:
        return s


SINGLE = ("tolower", "toupper", "b64", "basename", "len")


class Generator:
    def __init__(self, rng, fields, features):
        self.rng = rng
        self.features = features
        self.groups = {}
        for f in fields:
            self.groups.setdefault(f.cell_type(), []).append(f)
        self.operators = list(OPERATORS)
        if "modifiers" in features:
            self.operators += [f"{op} {mod}" for op in ("=", "==", "!=", *WORDS) for mod in MODIFIERS]

    # -- the systematic part

    def cells(self):
        """Every operator with every type, style of constant and transformer, in the order of chance."""
        out = []
        for cell, op in itertools.product(self.groups, self.operators):
            for style in STYLES + ("val", "call"):
                out.append((cell, op, style, None))
            for name in SINGLE:
                out.append((cell, op, "bare", name))
        self.rng.shuffle(out)
        return out

    def cell_batch(self, cells):
        """A batch of one type's cells."""
        field = self.rng.choice(self.groups[cells[0][0]])
        pool = [seed_value(self.rng, field) for _ in range(2)]
        conditions = []
        for _, op, style, name in cells:
            left = left_of(field, pool)
            if name:
                left = transformed(self.rng, left, name)
            conditions.append(self.comparison(left, field, op, style))
        return conditions, self.events([field], {field.text: pool}, 10), [c[:2] for c in cells]

    # -- the part by chance

    def batch(self, conditions=40, events=12):
        rng = self.rng
        fields = [rng.choice(self.groups[rng.choice(list(self.groups))]) for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.5:
            fields.append(rng.choice(self.groups["CHARBUF"]))
        pools = {f.text: [seed_value(rng, f) for _ in range(rng.randrange(1, 4))] for f in fields}
        texts = [self.condition(fields, pools, rng.choice([0, 0, 1, 2, 3])) for _ in range(conditions)]
        broken = [mutated(rng, rng.choice(texts), texts) for _ in range(conditions // 3)]
        return texts + broken, self.events(fields, pools, events)

    def events(self, fields, pools, n):
        out = [{}]
        for _ in range(n):
            event = {}
            for f in fields:
                if self.rng.random() < 0.9:
                    event[f.key] = event_value(self.rng, f, pools[f.text])
            out.append(event)
        return out

    def condition(self, fields, pools, depth):
        rng = self.rng
        blank = rng.choice([" ", " ", " ", "  ", "\n", "\t", " \n "])
        if depth == 0 or rng.random() < 0.2:
            field = rng.choice(fields)
            return self.comparison(self.left(field, fields, pools), field, None, None)
        kind = rng.choice(["and", "or", "not", "parens", "mixed"])
        if kind == "not":
            inner = self.condition(fields, pools, depth - 1)
            return rng.choice(["not " + inner, f"not ({inner})", f"not({inner})", f"not not {inner}", f"not{blank}{inner}"])
        if kind == "parens":
            return rng.choice(["({})", "( {} )", "(({}))"]).format(self.condition(fields, pools, depth - 1))
        parts = [self.condition(fields, pools, depth - 1) for _ in range(rng.randrange(2, 4))]
        if kind != "mixed":
            return f"{blank}{kind}{blank}".join(parts)
        text = parts[0]
        for p in parts[1:]:
            text += f" {rng.choice(['and', 'or'])} " + rng.choice([p, f"({p})"])
        return text

    def left(self, field, fields, pools):
        rng = self.rng
        left = left_of(field, pools[field.text])
        if not field.transformable() and rng.random() < 0.95:
            return left
        while rng.random() < 0.25:
            left = transformed(rng, left, rng.choice(SINGLE))
        if "calls" in self.features and rng.random() < 0.08:
            left = self.call(left, fields)
        return left

    def call(self, left, fields):
        """join, concat or getopt around it; not always of the right types."""
        rng = self.rng
        argument = lambda: rng.choice([rng.choice(fields).text, left.text, '"-"', "5", '"x y"',  # noqa: E731
                                       f"tolower({rng.choice(fields).text})"])
        things = ", ".join(argument() for _ in range(rng.choice([0, 1, 2, 2, 3])))
        form = rng.randrange(7)
        if form == 6:
            name = rng.choice(SINGLE)
            return Left(f"{name}(({things}))", *(("number", "UINT64", False) if name == "len" else ("text", "CHARBUF", True)),
                        [1, 2, 3] if name == "len" else left.pool)
        if form == 0:
            return Left(f'join({rng.choice([chr(34) + "," + chr(34), argument()])}, ({things}))', "text", "CHARBUF", False, left.pool)
        if form == 1:
            return Left(f'join(",", {left.text})', "text", "CHARBUF", False, left.pool)
        if form == 2:
            return Left(f"concat({left.text}, {argument()})", "text", "CHARBUF", False, left.pool)
        options = rng.choice(['"t:n"', '"nt:"', '":t:"', '"rf"', '""', argument()])
        selector = rng.choice(["", "[t]", "[n]", "[tt]", '["t"]'])
        words = ", ".join(rng.choice(['"-t"', '"-tvalue"', '"-nt"', '"x"', '"--"', '"--long"', '"-z"', '"-r"', left.text]) for _ in range(3))
        if form == 3:
            return Left(f"getopt({left.text}, {options}){selector}", "text", "CHARBUF", selector == "", ["t", "value", "?"])
        if form == 4:
            return Left(f"getopt(({words}), {options}){selector}", "text", "CHARBUF", selector == "", ["t", "value", "?"])
        return Left(f"{rng.choice(['concat', 'join', 'getopt'])}({things})", "text", "CHARBUF", False, left.pool)

    def comparison(self, left, field, op, style):
        rng = self.rng
        op = op or self.likely_operator(left)
        word = op.split()[0]
        if word == "exists":
            return f"{left.text} exists"
        value = lambda: constant_text(rng, left.group, left.type, word, left.pool)  # noqa: E731
        if style in ("val", "call") or (style is None and rng.random() < 0.06):
            return f"{left.text} {op} {self.right(field, style)}"
        if " " in op or word in LISTS:
            n = rng.choice([0, 1, 1, 2, 3, 5])
            items = [constant(rng, value(), style) for _ in range(n)]
            if style is None and rng.random() < 0.02:
                return f"{left.text} {op} {rng.choice(['known_list', value()])}"
            return f"{left.text} {op} ({rng.choice([', ', ',', ' , '] if n else ['']).join(items)})"
        text = value()
        if word in ORDER and style in (None, "bare") and not re.fullmatch(r"[-+]?[0-9]+", text) and rng.random() < 0.8:
            text = str(rng.randrange(10))
        right = constant(rng, text, "bare" if word in ORDER and style is None else style)
        tight = word in ("=", "==", "!=", *ORDER)
        return f"{left.text}{op}{right}" if tight and rng.random() < 0.2 else f"{left.text} {op} {right}"

    def likely_operator(self, left):
        rng = self.rng
        if rng.random() < 0.12:
            return rng.choice(self.operators)
        if left.list:
            return rng.choice(["in", "intersects", "exists"])
        fitting = {"number": ["=", "!=", *ORDER, "in", "intersects", "exists"], "bool": ["=", "!=", "in", "exists"],
                   "address": ["=", "!=", "in", "exists"], "net": ["=", "!=", "in", "exists"], "opaque": ["exists"],
                   "bytes": ["=", "!=", "contains", "startswith", "bcontains", "bstartswith", "endswith", "in", "exists"]}
        ops = fitting.get(left.group, ["=", "==", "!=", *WORDS, *LISTS, *ORDER, "exists"])
        op = rng.choice(ops)
        if "modifiers" in self.features and op in ("=", "!=", *WORDS) and rng.random() < 0.2:
            op += " " + rng.choice(MODIFIERS)
        return op

    def right(self, field, style):
        """A field on the right: the same, one of the same type, or any."""
        rng = self.rng
        same = self.groups[field.cell_type()]
        other = rng.choice([field, rng.choice(same), rng.choice(self.groups[rng.choice(list(self.groups))])])
        if style == "call" or (style is None and rng.random() < 0.4):
            return f"{rng.choice(SINGLE)}({other.text})"
        return rng.choice([f"val({other.text})", f"val( {other.text} )"])


# ---- conditions of rules -----------------------------------------------------------------------------------------

CHECK = re.compile(r"([a-z]\w*(?:\.\w+)+(?:\[[^]]*\])?)\s*(?:!=|<=|>=|[=<>]|\b[a-z]+)\s*"
                   r"(\((?:\"(?:[^\"\\]|\\.)*\"|[^()\"])*\)|\"(?:[^\"\\]|\\.)*\"|[^\s()]+)")
VALUE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|([^\s(),\"]+)")


def parts_of(condition):
    """The condition, and what stands in its parentheses, but lists."""
    out, stack, quoted = [condition], [], False
    for i, c in enumerate(condition):
        if c == '"' and condition[i - 1] != "\\":
            quoted = not quoted
        elif not quoted and c == "(":
            stack.append(i)
        elif not quoted and c == ")" and stack:
            inside = condition[stack.pop() + 1:i]
            if CHECK.search(inside):
                out.append(inside)
    return out


class RuleBatches:
    """Batches of a rule's condition and its parts, on events with values near its constants."""

    def __init__(self, maker, fields, conditions):
        self.maker = maker
        self.by_text = {f.text: f for f in fields}
        self.conditions = conditions

    def batch(self):
        rng = self.maker.rng
        condition = rng.choice(self.conditions)
        parts = parts_of(condition)
        pools = self.pools(condition)
        return (rng.sample(parts, min(30, len(parts))),
                self.maker.events([self.by_text[text] for text in pools], pools, 16))

    def pools(self, condition):
        out = {}
        for text, right in CHECK.findall(condition):
            field = self.by_text.get(text)
            if field is None:
                continue
            values = [a or b for a, b in VALUE.findall(right)]
            pool = out.setdefault(text, [])
            pool += filter(lambda v: v is not None, (typed(field, v) for v in values))
            if not pool:
                pool.append(seed_value(self.maker.rng, field))
        return out


def typed(field, text):
    """A constant's text as a value of the field; None if it is none."""
    try:
        if field.group == "number":
            return int(text)
        if field.group in ("address", "net"):
            return str(ipaddress.ip_address(text.split("/")[0]))
    except ValueError:
        return None
    return text == "true" if field.group == "bool" else text


# ---- broken text -------------------------------------------------------------------------------------------------

TOKENS = ["and", "or", "not", "(", ")", "()", "[", "]", ",", "=", "==", "!=", "<", ">=", "in", "exists", "contains", "val(",
          "tolower(", "proc.name", "\"", "'", "\\", " ", "\n", "\t", "\b", "\x0b", "\u00a0", "#", ";", "anyof", "regex", "pmatch", "-",
          "1", "0x", ".", "*", "\udcff", "\u00e9", "$", "[0]", "[a b]", "[\"a b\"]", "[]", "notproc.name", "and(", "or(", "not("]


def mutated(rng, text, others):
    for _ in range(rng.randrange(1, 4)):
        at, to = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        token = rng.choice(TOKENS)
        other = rng.choice(others)
        cut = rng.randrange(len(other) + 1)
        text = rng.choice([
            text[:at] + text[at + 1:], text[:at] + token + text[at:], text[:at] + token + text[to:], text[:at] + text[to:],
            text[:to] + text[at:], text[:at] + other[cut:], text[:at] + " " + token + " " + text[at:],
            text.replace(" ", rng.choice(["", "  ", "\n", "\t"]), 1), text[:at],
        ])
    return text.replace("\0", "")
