# SPDX-License-Identifier: Apache-2.0
"""Makes a condition and an event smaller, as long as they still show what they were found for.

Knows text and JSON values; what counts as showing it is the caller's business.
"""

import re

TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[A-Za-z0-9_.]+|\s+|.", re.S)


def chunks(n):
    """(from, to) of pieces to leave out: large ones first."""
    size = n
    while size:
        for at in range(0, n - size + 1, max(1, size // 2)):
            yield at, at + size
        size //= 2


def parenthesis_pairs(tokens):
    stack = []
    for i, t in enumerate(tokens):
        if t == "(":
            stack.append(i)
        elif t == ")" and stack:
            yield stack.pop(), i


def smaller_texts(text):
    tokens = TOKEN.findall(text)
    for at, to in chunks(len(tokens)):
        yield "".join(tokens[:at] + tokens[to:])
    for at in range(1, len(text)):
        yield text[:at]
        yield text[at:]
    for at, to in parenthesis_pairs(tokens):
        yield "".join(tokens[:at] + tokens[at + 1:to] + tokens[to + 1:])
        yield "".join(tokens[at + 1:to])
    for i, t in enumerate(tokens):
        if len(t) > 1:
            head, tail = "".join(tokens[:i]), "".join(tokens[i + 1:])
            if t[0] in "\"'" and len(t) > 2 and re.fullmatch(r"[A-Za-z0-9_/.]+", t[1:-1]):
                yield head + t[1:-1] + tail
            for at, to in chunks(len(t)):
                yield head + t[:at] + t[to:] + tail


def smaller_values(value):
    if isinstance(value, list):
        for i in range(len(value)):
            yield value[:i] + value[i + 1:]
        for i, v in enumerate(value):
            for w in smaller_values(v):
                yield value[:i] + [w] + value[i + 1:]
    elif isinstance(value, str):
        for at, to in chunks(len(value)):
            yield value[:at] + value[to:]
    elif isinstance(value, int) and not isinstance(value, bool):
        for v in (0, 1, -1, value // 2, value // 10):
            if abs(v) < abs(value):
                yield v


def smaller_events(event):
    for key in event:
        yield {k: v for k, v in event.items() if k != key}
    for key, value in event.items():
        for v in smaller_values(value):
            yield {**event, key: v}


def shrink(condition, event, shows, rounds=60):
    """`shows` is given lists of conditions and of events (one of them of length one) and says of each pair whether it shows it."""
    for _ in range(rounds):
        before = condition, event
        events = list(smaller_events(event))[:400]
        if events:
            good = [e for e, ok in zip(events, shows([condition], events)) if ok]
            event = min(good, key=lambda e: len(str(e)), default=event)
        texts = [t for t in dict.fromkeys(smaller_texts(condition)) if t and len(t) < len(condition)][:1000]
        if texts:
            good = [t for t, ok in zip(texts, shows(texts, [event])) if ok]
            condition = min(good, key=len, default=condition)
        if (condition, event) == before:
            break
    return condition, event


def shrink_company(conditions, events, shows):
    """The fewest other conditions and earlier events with which the last ones still show it."""
    for at, to in chunks(len(conditions)):
        fewer = conditions[:at] + conditions[to:]
        if len(fewer) < len(conditions) and shows(fewer, events):
            return shrink_company(fewer, events, shows)
    for at, to in chunks(len(events)):
        fewer = events[:at] + events[to:]
        if len(fewer) < len(events) and shows(conditions, fewer):
            return shrink_company(conditions, fewer, shows)
    return conditions, events
