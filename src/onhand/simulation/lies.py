"""Makes a shop lie: sends impossible answers to the real border as they come over HTTP.

Path: ``acts`` lets a shop lie for a while; ``wire`` then sends each answer through ``Border``, with one lie in it.
Promise: the lie is signed JSON, which the real ``Endpoint`` reads and the real ``answers`` judges; the shop itself did what it was asked.
Never: lies in a way that a border could not see: the conservation law decides what a shop may show.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from random import Random
from typing import Any

from onhand.carts.endpoint import Endpoint
from onhand.domain.shop import Applied, Hello, Line, Look, Page, Row

Document = dict[str, Any]
Lie = Callable[[Document, Document, Random], None]  # changes an honest answer; it knows the request

KEY_ID, SECRET = "simulated-1", "5e" * 32
CLOCK_SECONDS = 1_800_000_000  # when all of it is signed
HUGE = 2**60  # more than any quantity, counter or id can be
HALF = "\ud800"  # half a character: JSON can contain it, but no screen can show it
LINE_QUANTITY, ROW_QUANTITY = 4, 3  # the position of the quantity in a line and in a row
LINE_SKU, ROW_SKU = 3, 1


class Border(Endpoint):
    """The real client of a shop, without a network: it gets one prepared answer."""

    def __init__(self) -> None:
        super().__init__("https://shop.invalid/onhand.php", KEY_ID, SECRET, clock=lambda: CLOCK_SECONDS)
        self._said: Document = {}
        self._lie: Lie | None = None
        self._chance = Random(0)

    def hear(self, answer: object, lie: Lie, chance: Random) -> None:
        """Prepare the answer to the next request."""
        self._said, self._lie, self._chance = _document(answer), lie, chance

    def _send(self, body: bytes, signed: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        if self._lie is not None:
            self._lie(self._said, json.loads(body), self._chance)
        content = json.dumps(self._said).encode()
        proof = self._key.sign_answer(signed, 200, content, CLOCK_SECONDS)
        headers = {"content-type": "application/json", **proof}
        return 200, {name.lower(): value for name, value in headers.items()}, content


# Honest answers, as the protocol defines them


def _document(answer: object) -> Document:
    match answer:
        case Hello():
            return {"ok": True, **asdict(answer)}
        case Look():
            window, sums = answer.window, answer.sums
            return {
                "ok": True,
                "epoch": answer.epoch,
                "last_seq": answer.last_seq,
                "begun": answer.begun,
                "lines": [_line(line) for line in answer.lines],
                "more": answer.more,
                "last_line": answer.last_line,
                "window": [window.count, window.total, window.weighed],
                "sums": None if sums is None else [*asdict(sums).values()],
                "sums_ms": answer.sums_ms,
                "catalogue": answer.catalogue,
            }
        case Page():
            return {"ok": True, "rows": [_row(row) for row in answer.rows], "more": answer.more}
        case Applied():
            results = [[product, reason] for product, reason in answer.failed.items()]
            outcome = answer.outcome.value
            return {
                "ok": True,
                "outcome": outcome,
                "epoch": answer.epoch,
                "last_seq": answer.last_seq,
                "results": results,
            }
    entries: list[Any] = [*answer] if isinstance(answer, tuple | list) else []
    if entries and isinstance(entries[0], Line):
        return {"ok": True, "lines": [_line(line) for line in entries]}
    if entries and isinstance(entries[0], Row):
        return {"ok": True, "rows": [_row(row) for row in entries], "more": False}
    if entries:
        return {"ok": True, "cells": [[*cell] for cell in entries]}
    return {"ok": True, "lines": [], "rows": [], "more": False}  # none of the requested rows exists


def _line(line: Line) -> list[Any]:
    return [line.line, line.order, line.product, line.model, line.quantity, line.status, line.paid]


def _row(row: Row) -> list[Any]:
    return [
        row.product,
        row.model,
        row.name,
        row.quantity,
        row.ordered,
        row.status,
        row.modified,
        row.age,
        row.flags,
    ]


# Lies


def _entries(said: Document, asked: Document) -> list[list[Any]]:
    """Return the lines or rows of an answer; make one up if there is none."""
    of_lines = asked["verb"] in ("look", "orders")
    entries: list[list[Any]] = said["lines" if of_lines else "rows"]
    if not entries:
        number = (asked.get("lines") or asked.get("ids") or [asked.get("after", 0) + 1])[0]
        made_up = [number, 1, 1, "SKU-0", 1, 1, True] if of_lines else [number, "SKU-0", "", 1, 1, 1, None, None, 0]
        entries.append(made_up)
    return entries


def out_of_range(said: Document, asked: Document, chance: Random) -> None:
    """Make a quantity larger than the range."""
    entry = chance.choice(_entries(said, asked))
    entry[LINE_QUANTITY if len(entry) == len(_A_LINE) else ROW_QUANTITY] = chance.choice((HUGE, -HUGE))


def repeated(said: Document, asked: Document, chance: Random) -> None:
    """Repeat a line or row."""
    entries = _entries(said, asked)
    entries.append([*entries[-1]])


def not_risen(said: Document, asked: Document, chance: Random) -> None:
    """Begin a page where the one before ended, or return what was not asked for."""
    known = asked.get("lines") or asked.get("ids")
    _entries(said, asked)[0][0] = max(known) + 1 if known else asked["after"]


def endless(said: Document, asked: Document, chance: Random) -> None:
    """Say that more follows, and return nothing."""
    said["lines"], said["rows"], said["more"] = [], [], True


def half_a_character(said: Document, asked: Document, chance: Random) -> None:
    """Return a text that nothing can write."""
    entry = chance.choice(_entries(said, asked))
    entry[LINE_SKU if len(entry) == len(_A_LINE) else ROW_SKU] = f"SKU-{HALF}"


def misshapen(said: Document, asked: Document, chance: Random) -> None:
    """Give one member another type."""
    member = chance.choice(sorted(_MEMBERS[asked["verb"]]))
    said[member] = chance.choice(("all of them", {"a": 1}, 1.5, True))


def missing(said: Document, asked: Document, chance: Random) -> None:
    """Leave out one member."""
    del said[chance.choice(sorted(_MEMBERS[asked["verb"]]))]


def no_place(said: Document, asked: Document, chance: Random) -> None:
    """Leave out the shop's place."""
    said[chance.choice(("last_seq", "epoch"))] = -1


def result_twice(said: Document, asked: Document, chance: Random) -> None:
    """Let a post fail twice."""
    said["results"] = [[asked["posts"][0][0], "missing"]] * 2


def odd_result(said: Document, asked: Document, chance: Random) -> None:
    """Let a post fail for an unknown reason, or one that was not sent."""
    product = max(post[0] for post in asked["posts"])
    said["results"] = [chance.choice(([product, "sold out"], [product + 1, "missing"]))]


def cell_lost(said: Document, asked: Document, chance: Random) -> None:
    """Return fewer cells than were asked for."""
    said["cells"].pop(chance.randrange(len(said["cells"])))


_A_LINE = (0, 1, 2, LINE_SKU, LINE_QUANTITY, 5, 6)
_MEMBERS = {
    "hello": {"epoch", "tables", "clock", "products"},
    "look": {"lines", "window", "epoch", "last_line"},
    "cells": {"cells"},
    "listings": {"rows"},
    "orders": {"lines"},
    "apply": {"outcome", "epoch", "results", "last_seq"},
}
_EVERY: tuple[Lie, ...] = (misshapen, missing)
_ENTRIES: tuple[Lie, ...] = (out_of_range, repeated, not_risen, half_a_character)
# By the requested verb.
LIES: dict[str, tuple[Lie, ...]] = {
    "hello": (*_EVERY, no_place),
    "look": (*_EVERY, *_ENTRIES, endless, no_place),
    "cells": (*_EVERY, cell_lost),
    "page": (*_EVERY, *_ENTRIES, endless),
    "rows": (*_EVERY, *_ENTRIES),
    "orders": (*_EVERY, *_ENTRIES),
    "apply": (*_EVERY, no_place, result_twice, odd_result),
}
