"""A hostile shop: it has the right key, signs every answer, and lies in one way at a time.

Path: ``tests/carts/test_hostile_answers.py`` asks each verb of it, ``tests/web/test_hostile_shop.py`` keeps it as one cart of a house.
Promise: a real HTTP server in front of a real sample shop; without a lie it is an honest shop.
Never: asserts anything.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from onhand.carts.sample import SampleShop
from onhand.carts.sample.connector import Connector, Request
from onhand.carts.signing import Key

Answer = dict[str, Any]
HALF = "\ud800"  # half a character: JSON can say it, nothing can show it


@dataclass(frozen=True)
class Raw:
    """An answer written by hand. ``proved``: signed all the same."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    proved: bool = True


@dataclass(frozen=True)
class Lie:
    """One way to lie: at which verb, and what becomes of the honest answer. ``reasons``: what may be said of it."""

    name: str
    verb: str
    tell: Callable[
        [Answer, Answer], Answer | Raw | None
    ]  # the honest answer, which may be changed in place, and the request
    reasons: tuple[str, ...] = ("answer",)

    def __str__(self) -> str:
        return f"{self.verb}: {self.name}"


class HostileShop:
    """An HTTP server that tells what ``lie`` makes of the honest shop's answers."""

    def __init__(self, shop: SampleShop, key_id: str, secret: str) -> None:
        hostile, honest, key = self, Connector(shop, key_id, secret), Key.of(key_id, secret)
        self.lie: Lie | None = None
        self.moving = False  # whether the catalogue changes with every look, so that OnHand reads all products again
        self.asked: list[str] = []
        self._looks = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                many = {name: [value] for name, value in headers.items()}
                said = honest.answer(Request("POST", self.path, many, body, "127.0.0.1"))
                raw = hostile.answer(json.loads(body), said.status, json.loads(said.body))
                proof = key.sign_answer(headers, raw.status, raw.body, int(time.time())) if raw.proved else {}
                self.send_response(raw.status)
                for name, value in {"content-type": raw.kind, "content-length": str(len(raw.body)), **proof}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/onhand.php"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, asked: Answer, status: int, honest: Answer) -> Raw:
        verb = asked["verb"]
        self.asked.append(verb)
        told: Answer | Raw = deepcopy(honest)
        if self.lie is not None and verb == self.lie.verb and status == 200:
            told = self.lie.tell(told, asked) or told  # type: ignore[arg-type]
        if self.moving and verb == "look" and isinstance(told, dict) and told.get("catalogue") is not None:
            self._looks += 1
            told["catalogue"] = str(self._looks)
        return told if isinstance(told, Raw) else Raw(json.dumps(told).encode(), status)

    @contextmanager
    def telling(self, lie: Lie, moving: bool = False) -> Iterator[None]:
        self.lie, self.moving = lie, moving
        try:
            yield
        finally:
            self.lie, self.moving = None, False

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def put(member: str, value: object, *reasons: str) -> tuple[str, Callable[[Answer, Answer], None], tuple[str, ...]]:
    """A member of the answer has another value. Blank reasons: what cannot be of this kind at all."""

    def tell(answer: Answer, _: Answer) -> None:
        answer[member] = value

    return f"{member} {str(value)[:30]!a}", tell, reasons or ("answer",)


def first(members: str, at: int, value: object, *reasons: str) -> tuple[str, Callable, tuple[str, ...]]:
    """One member of the first line, row or cell has another value; where there is none, one is made up."""

    def tell(answer: Answer, asked: Answer) -> None:
        rows = answer[members]
        if not rows:
            number = (asked.get("after") or 0) + 1
            rows.append(
                [number, 1, 1, "SKU", 1, 1, 1] if members == "lines" else [number, "SKU", "", 1, 0, 1, None, None, 0]
            )
        rows[0] = list(rows[0])
        rows[0][at] = value

    return f"{members}[0][{at}] {str(value)[:30]!a}", tell, reasons or ("answer",)


def raw(name: str, make: Callable[[Answer], Raw], *reasons: str) -> tuple[str, Callable, tuple[str, ...]]:
    return name, lambda answer, _: make(answer), reasons or ("answer",)


def text(name: str, change: Callable[[str], str], *reasons: str) -> tuple[str, Callable, tuple[str, ...]]:
    """The text of the answer is another one: what Python's own JSON would not write."""
    return raw(name, lambda answer: Raw(change(json.dumps(answer)).encode()), *reasons)


def doubled(answer: Answer, _: Answer) -> None:
    answer["rows"] += answer["rows"][:1]


def endless_lines(answer: Answer, asked: Answer) -> None:
    """Order lines without end: each page is full, rises, and says that more follow."""
    after, limit = asked["after"], asked["limit"]
    answer["lines"] = [[after + n, 1, 1, "SKU", 1, 1, 1] for n in range(1, limit + 1)]
    answer["last_line"] = after + 1_000_000
    answer["more"] = True


def endless_rows(answer: Answer, asked: Answer) -> None:
    """Products without end."""
    if "ids" in asked:
        return
    after, limit = asked["after"], asked["limit"]
    answer["rows"] = [[after + n, f"S{after + n}", "", 1, 0, 1, None, None, 0] for n in range(1, limit + 1)]
    answer["more"] = True


def same_page(answer: Answer, asked: Answer) -> None:
    if "ids" not in asked:
        answer["rows"] = [[n, f"S{n}", "", 1, 0, 1, None, None, 0] for n in range(1, asked["limit"] + 1)]
        answer["more"] = True


WRONG = ("internal",)  # of another kind than the protocol says: the connector may be of another version
_LIES: dict[str, list[tuple[str, Callable, tuple[str, ...]]]] = {
    "hello": [
        put("family", f"{HALF}oscommerce"),
        put("family", ["oscommerce"], *WRONG),
        put("family", "x" * 100_000),
        put("obstacle", "x" * 100_000),
        put("products", -1),
        put("products", 2**70),
        put("clock", "soon", *WRONG),
        put("clock", 2**63),
        put("last_seq", -1),
        put("sku_length", None, *WRONG),
        put("epoch", "<script>"),
        put("epoch", ""),
        put("switches", {str(n): "true" for n in range(10_000)}),
        put("switches", {"STOCK_LIMITED": {"deep": []}}, *WRONG),
        put("tables", {HALF: "x"}),
        put("stock_elsewhere", [["a"]], *WRONG),
        put("columns", [1, 2], *WRONG),
        put("protocol", 2, *WRONG),
        text("infinite clock", lambda said: said.replace('"clock": ', '"clock": 1e999, "old": '), *WRONG),
    ],
    "look": [
        put("lines", 7, *WRONG),
        put("lines", [[1, 2]], *WRONG),
        put("more", True),
        put("more", "yes", *WRONG),
        put("last_line", 2**70),
        put("window", [-1, "0"]),
        put("window", ["many", "0"], *WRONG),
        put("sums", None),
        put("sums", ["1", "2"], *WRONG),
        put("sums", ["1"] * 4 + ["9" * 50], *WRONG),
        put("sums", ["-5", "0", "0", "0", "0"]),
        text("sums_ms NaN", lambda said: said.replace('"sums_ms": ', '"sums_ms": NaN, "old": ')),
        put("sums_ms", -1),
        put("sums_ms", "quick", *WRONG),
        put("catalogue", "9" * 1000),
        put("catalogue", [], *WRONG),
        put("last_seq", None, *WRONG),
        put("begun", "perhaps", *WRONG),
        first("lines", 0, 0),
        first("lines", 0, 2**70),
        first("lines", 3, ["SKU"], *WRONG),
        first("lines", 3, HALF),
        first("lines", 3, "x" * 10_000),
        first("lines", 4, 2**70),
        first("lines", 4, True, *WRONG),
        first("lines", 2, -1),
        text(
            "infinite units",
            lambda said: said.replace('"lines": []', '"lines": [[999999, 1, 1, "S", 1e999, 1, 1]]'),
            *WRONG,
        ),
        raw("20 MiB", lambda answer: Raw(json.dumps({**answer, "x": "y" * 20_000_000}).encode()), "too_large"),
        raw("millions of parts", lambda _: Raw(b"[" + b"[]," * 2_000_000 + b"[]]")),
        raw("too deep", lambda _: Raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
        raw("no JSON", lambda _: Raw(b"<b>Warning</b>")),
        raw("a list", lambda _: Raw(b"[]"), *WRONG),
        raw("nothing", lambda _: Raw(b"")),
        raw("not UTF-8", lambda _: Raw(b'{"ok":true,"x":"\xff\xfe"}')),
        raw("a number of 100,000 digits", lambda _: Raw(b'{"ok":true,"last_seq":' + b"9" * 100_000 + b"}")),
        raw("a page of its own", lambda _: Raw(b"<html>", kind="text/html", proved=False), "html"),
        raw(
            "an error of 100,000 letters",
            lambda _: Raw(
                json.dumps({"ok": False, "error": {"code": "database", "message": "x" * 100_000}}).encode(), 503
            ),
            "database",
        ),
        raw(
            "half an error",
            lambda _: Raw(
                json.dumps({"ok": False, "error": {"code": "busy", "message": f"{HALF}\x1b[2J"}}).encode(), 503
            ),
            "busy",
        ),
        raw(
            "a code of its own",
            lambda _: Raw(json.dumps({"ok": False, "error": {"code": HALF * 1000, "message": []}}).encode(), 418),
            "internal",
        ),
        raw("an error that is a list", lambda _: Raw(b'{"ok":false,"error":[["code","gap"]]}', 409), "internal"),
    ],
    "cells": [
        put("cells", []),
        put("cells", 7, *WRONG),
        first("cells", 0, "many", *WRONG),
        first("cells", 3, "9" * 41, *WRONG),
        first("cells", 1, 1.5, *WRONG),
    ],
    "listings": [
        ("the same page for ever", same_page, ("answer",)),
        ("a row twice", doubled, ("answer",)),
        put("more", None, *WRONG),
        put("rows", {"a": 1}, *WRONG),
        first("rows", 0, -7),
        first("rows", 1, {"SKU": 1}, *WRONG),
        first("rows", 1, HALF),
        first("rows", 1, "x" * 2000),
        first("rows", 2, "x" * 1_000_000),
        first("rows", 3, 2**70),
        first("rows", 4, "1e3", *WRONG),
        first("rows", 5, None, *WRONG),
        first("rows", 6, "2026-01-01" * 10),
        first("rows", 7, 2**70),
        first("rows", 8, -1),
    ],
    "orders": [
        first("lines", 0, 123_456_789),
        ("a line twice", lambda answer, _: answer.update(lines=[[1, 1, 1, "S", 1, 1, 1]] * 2), ("answer",)),
        put("lines", [[1, 1, 1, "S", 1, HALF, 1]], *WRONG),
    ],
    "apply": [
        put("outcome", "zzz", *WRONG),
        put("outcome", ["applied"], *WRONG),
        put("results", [[1, "lost"]]),
        put("results", [[987_654, "missing"]]),
        put("results", [[1, "missing"], [1, "range"]], *WRONG),
        put("results", 5, *WRONG),
        put("last_seq", 999),
        put("holder", 5, *WRONG),
    ],
}
LIES = [Lie(name, verb, tell, reasons) for verb, lies in _LIES.items() for name, tell, reasons in lies]
ENDLESS_LINES = Lie("endless", "look", endless_lines)
ENDLESS_ROWS = Lie("endless", "listings", endless_rows)
