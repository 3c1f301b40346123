"""Serves any number of small shops from one process: each speaks the connector's protocol, and honestly.

Path: ``scaling`` runs ``python -m bench.shops`` in a process of its own; the first line printed is its address, and shop 7 is at
``/7/onhand.php``. ``/figures`` is what it saw, ``/forget`` begins to count again, ``/close`` ends all sales, ``/stock`` is what is left.
Promise: what a shop answers follows from what was sold and posted there, as ``docs/protocol.md`` says; every request is checked and every
answer signed.
Never: races, fails or keeps anything: a shop that quarrels is in ``onhand.simulation``.

A thousand real PHP shops would need a machine of their own. These shops keep only what differs from a shelf that all share, so ten
million products cost nothing until they move. Shops in a row, ``--together`` of them, sell the same products.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from onhand.carts.sample import signing
from onhand.domain.shop import WINDOW_PRIME
from onhand.domain.sketch import Counters, Sums, cells_of

from .measure import percentile

ROWS_MAX = 2000  # rows, lines, ids or posts in one request
AT_FIRST = 100  # units of each product
HEAD_END = b"\r\n\r\n"
HTTP = {"signature": 401, "clock": 401, "request": 400, "epoch": 409, "gap": 409, "other": 409}
CLOCK_SECONDS = 300
Document = Mapping[str, Any]


class Fault(Exception):
    """A request that is refused, with the protocol's code and the members that go with it."""

    def __init__(self, code: str, message: str, **members: object) -> None:
        super().__init__(message)
        self.code, self.members = code, members


@cache
def shelf(products: int) -> Sums:
    """The five sums of an untouched shop."""
    return Sums.total(Sums.of(product, AT_FIRST, 0, 1) for product in range(1, products + 1))


def sku(group: int, product: int) -> str:
    """The SKU of a product, the same in all shops of a group."""
    return f"G{group}-{product}"


def first_epoch(number: int) -> str:
    """The epoch that a shop is in until it is asked for a fresh one."""
    return hashlib.sha256(f"{number}".encode()).hexdigest()[:16]


class Shop:
    """One shop: a shelf of products, numbered from 1, and what happened to them."""

    def __init__(self, number: int, group: int, products: int) -> None:
        self.number, self.group, self.products = number, group, products
        self.moved: dict[int, Counters] = {}  # of the products that are not as they were at first
        self.sums = shelf(products)
        self.lines: list[tuple[int, int]] = []  # product and units; the line's number is its place, from 1
        self.epoch = first_epoch(number)
        self.last_seq = self.last_first = 0
        self.noted: tuple[str, list[list[object]], str | None] = ("", [], None)  # digest, results, holder
        self.landed: Callable[[Shop, int, int], None] = lambda *_: None
        self._verbs: Mapping[str, Callable[[Document], Document]] = {
            "hello": self._hello,
            "look": self._look,
            "cells": self._cells,
            "listings": self._listings,
            "orders": self._orders,
            "apply": self._apply,
        }

    def sell(self, product: int, units: int) -> None:
        """A buyer takes some units: the quantity falls, the counter rises, and an order line says so."""
        self._move(product, -units, units)
        self.lines.append((product, units))

    def serve(self, asked: Document) -> Document:
        verb = self._verbs.get(str(asked.get("verb")))
        if verb is None:
            raise Fault("request", "Ask for one of the verbs.")
        try:
            return verb(asked)
        except (KeyError, TypeError, ValueError) as error:
            raise Fault("request", f"Ask as the protocol says: {type(error).__name__} {error}.") from error

    def counters(self, product: int) -> Counters:
        return self.moved.get(product, Counters(AT_FIRST, 0))

    @property
    def _head(self) -> dict[str, object]:
        return {"epoch": self.epoch, "last_seq": self.last_seq}

    def _move(self, product: int, quantity: int, ordered: int) -> None:
        before = self.counters(product)
        self.moved[product] = Counters(before.quantity + quantity, before.ordered + ordered)
        self.sums += Sums.of(product, quantity, ordered)

    def _hello(self, asked: Document) -> Document:
        if asked.get("fresh_epoch_after") == self.epoch:
            self.epoch = hashlib.sha256(f"{self.epoch}".encode()).hexdigest()[:16]
            self.last_seq = self.last_first = 0
        return {
            "protocol": 1,
            "connector": "1.3.0",
            "runtime": f"Python {sys.version.split()[0]}",
            "database": "",
            "family": "oscommerce",
            "version": "",
            "engine": "InnoDB",
            "prefix": "",
            "tables": {},
            "collation": "utf8_general_ci",
            "sku_length": 64,
            "quantity_type": "int",
            "columns": {"products.products_quantity": "int"},
            "stock_elsewhere": [],
            "obstacle": "",
            "switches": {"STOCK_LIMITED": "true", "STOCK_ALLOW_CHECKOUT": "true", "DOWNLOAD_ENABLED": "false"},
            "products": self.products,
            **self._head,
            "clock": int(time.time()),
        }

    def _look(self, asked: Document) -> Document:
        after, low, limit = int(asked["after"]), int(asked["low"]), min(int(asked["limit"]), ROWS_MAX)
        began = time.perf_counter()
        totals = _texts(self.sums) if asked["sums"] else None
        sums_ms = round(1000 * (time.perf_counter() - began), 3)
        new = range(after + 1, len(self.lines) + 1)
        known = range(low + 1, min(after, len(self.lines)) + 1)
        weighed = sum(self.lines[line - 1][1] * (line % WINDOW_PRIME + 1) for line in known)
        return {
            **self._head,
            "begun": False,
            "lines": [self._line(line) for line in new[:limit]],
            "more": len(new) > limit,
            "last_line": len(self.lines),
            "window": [len(known), str(sum(known)), str(weighed)],
            "sums": totals,
            "sums_ms": sums_ms,
            "catalogue": str(catalogue(self.group, self.products)) if asked["catalogue"] else None,
        }

    def _cells(self, asked: Document) -> Document:
        size, everything = int(asked["size"]), range(1, self.products + 1)
        cells = cells_of({product: self.counters(product) for product in everything}, size)
        return {**self._head, "size": size, "cells": [[str(part) for part in cell] for cell in cells]}

    def _listings(self, asked: Document) -> Document:
        if "ids" in asked:
            wanted: Sequence[int] = sorted({int(one) for one in asked["ids"] if 1 <= int(one) <= self.products})
            more = False
        else:
            wanted = range(int(asked["after"]) + 1, self.products + 1)
            more = len(wanted) > int(asked["limit"])
            wanted = wanted[: int(asked["limit"])]
        return {**self._head, "more": more, "rows": [self._row(product) for product in wanted]}

    def _orders(self, asked: Document) -> Document:
        wanted = sorted({int(line) for line in asked["lines"]})
        return {"lines": [self._line(line) for line in wanted if 1 <= line <= len(self.lines)]}

    def _apply(self, asked: Document) -> Document:
        posts = [(int(product), int(delta), int(on)) for product, delta, on in asked["posts"]]
        first, holder = int(asked["first"]), asked.get("holder")
        last = first + len(posts) - 1
        written = ";".join(f"{product}:{delta}:{on}" for product, delta, on in posts)
        digest = hashlib.sha256(written.encode()).hexdigest()
        if asked["epoch"] != self.epoch:
            raise Fault("epoch", "The shop is in another epoch.", epoch=self.epoch)
        if posts and (first, last) == (self.last_first, self.last_seq):
            known, results, holder = self.noted
            if known != digest:
                raise Fault("other", "Another batch has these numbers.", last_seq=self.last_seq)
            return {"outcome": "already", **self._head, "results": results, "holder": holder}
        if not posts or asked.get("close") or first != self.last_seq + 1:
            raise Fault("gap", "This batch does not follow the last one.", last_seq=self.last_seq)
        missing = [[product, "missing"] for product, _, _ in posts if not 1 <= product <= self.products]
        self.last_first, self.last_seq, self.noted = first, last, (digest, missing, holder)
        for product, delta, _ in posts:
            if delta and 1 <= product <= self.products:
                self._move(product, delta, 0)
                self.landed(self, product, delta)
        return {"outcome": "applied", **self._head, "results": missing, "holder": holder}

    def _line(self, line: int) -> list[object]:
        product, units = self.lines[line - 1]
        return [line, line, product, sku(self.group, product), units, 1, 1]

    def _row(self, product: int) -> list[object]:
        now = self.counters(product)
        name = sku(self.group, product)
        return [product, name, f"Product {name}", now.quantity, now.ordered, 1, None, None, 0]


@cache
def catalogue(group: int, products: int) -> int:
    """The figure by which a shop's set of products is told from another one: here it never changes."""
    return sum(zlib.crc32(f"{product}|{sku(group, product)}|1".encode()) for product in range(1, products + 1))


def _texts(sums: Sums) -> list[str]:
    return [str(part) for part in (sums.count, sums.quantity, sums.ordered, sums.quantity_h, sums.ordered_h)]


class Street:
    """All shops, their one key, their buyers, and what was seen of OnHand."""

    def __init__(self, key: signing.Key, shops: int, together: int, products: int) -> None:
        self.key, self.together = key, together
        self.shops = [Shop(number, number // together, products) for number in range(shops)]
        for shop in self.shops:
            shop.landed = self._landed
        self.open = True  # for buyers
        self._own: Mapping[str, Callable[[], object]] = {
            "/figures": self.figures,
            "/forget": self.forget,
            "/close": self.close,
            "/stock": self.stock,
        }
        self.forget()

    def forget(self) -> None:
        """Begin to count again."""
        self.requests: defaultdict[str, int] = defaultdict(int)
        self.looked: dict[int, float] = {}
        self.pauses: list[float] = []  # seconds from one look at a shop to the next
        self.sold = 0
        self.shown: list[float] = []  # seconds from a sale until another shop showed it
        self.waiting: defaultdict[tuple[int, int], deque[tuple[float, int]]] = defaultdict(deque)
        self.cpu, self.since = time.process_time(), time.monotonic()

    def close(self) -> None:
        """Sell nothing more."""
        self.open = False

    def stock(self) -> list[dict[int, int]]:
        """What is left of each product that moved, by shop."""
        return [{product: now.quantity for product, now in shop.moved.items()} for shop in self.shops]

    def figures(self) -> dict[str, object]:
        seconds = time.monotonic() - self.since
        now = time.monotonic()
        return {
            "seconds": seconds,
            "requests": dict(self.requests),
            "cpu": (time.process_time() - self.cpu) / seconds,
            "pauses": _summary(self.pauses),
            "looked": len(self.looked),
            "oldest": max((now - at for at in self.looked.values()), default=0.0),
            "sold": self.sold,
            "shown": _summary(self.shown),
            "waiting": sum(len(sales) for sales in self.waiting.values()),
        }

    def sell(self, chance: random.Random) -> None:
        """One buyer, somewhere."""
        shop = chance.choice(self.shops)
        product, units, now = chance.randint(1, shop.products), chance.randint(1, 3), time.monotonic()
        shop.sell(product, units)
        self.sold += 1
        first = shop.group * self.together
        for other in self.shops[first : first + self.together]:
            if other is not shop:
                self.waiting[other.number, product].append((now, units))

    def answer(
        self, method: str, path: str, headers: Mapping[str, Sequence[str]], body: bytes
    ) -> tuple[int, dict, bytes]:
        """One exchange: status, headers and body of the answer."""
        if path in self._own:
            return 200, {}, json.dumps(self._own[path]()).encode()
        number, _, file = path.lstrip("/").partition("/")
        if file != "onhand.php" or not number.isdecimal() or int(number) >= len(self.shops):
            return 404, {}, b"There is no such shop."
        seal = signing.check(self.key, method, path, headers, body)
        try:
            _check(seal)
            asked = json.loads(body)
            self._note(int(number), asked["verb"])
            status, said = 200, {"ok": True, **self.shops[int(number)].serve(asked)}
        except Fault as fault:
            error = {"code": fault.code, "message": str(fault), **fault.members}
            status, said = HTTP[fault.code], {"ok": False, "error": error}
        content = json.dumps(said, separators=(",", ":")).encode()
        proof = {} if seal is None else signing.answer_headers(self.key, seal, status, content, int(time.time()))
        return status, {"Content-Type": "application/json", **proof}, content

    def _note(self, number: int, verb: str) -> None:
        self.requests[verb] += 1
        if verb == "look":
            now = time.monotonic()
            if number in self.looked:
                self.pauses.append(now - self.looked[number])
            self.looked[number] = now

    def _landed(self, shop: Shop, product: int, delta: int) -> None:
        """A post arrived: the oldest sales elsewhere that it covers show here from now on."""
        now, sales, left = time.monotonic(), self.waiting[shop.number, product], -delta
        while sales and sales[0][1] <= left:
            at, units = sales.popleft()
            left -= units
            self.shown.append(now - at)


def _check(seal: signing.Seal | None) -> None:
    if seal is None:
        raise Fault("signature", "Sign the request with this shop's key.")
    if abs(time.time() - seal.created) > CLOCK_SECONDS:
        raise Fault("clock", "Set the clocks right.", clock=int(time.time()))


def _summary(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    found = {"runs": len(ordered), "least": ordered[0], "most": ordered[-1]}
    return {**found, "p50": percentile(ordered, 50), "p99": percentile(ordered, 99)}


class Connection(asyncio.Protocol):
    """One kept connection: requests one after the other, with bodies of a length that is said."""

    def __init__(self, street: Street) -> None:
        self._street, self._read = street, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(HEAD_END)) >= 0:
            first, *rest = self._read[:end].decode("latin-1").split("\r\n")
            headers: defaultdict[str, list[str]] = defaultdict(list)
            for line in rest:
                name, _, value = line.partition(":")
                headers[name.strip().lower()].append(value.strip())
            length = int(headers.get("content-length", ["0"])[0])
            whole = end + len(HEAD_END) + length
            if len(self._read) < whole:
                return
            body = bytes(self._read[end + len(HEAD_END) : whole])
            del self._read[:whole]
            method, path, *_ = first.split(" ")
            status, said, content = self._street.answer(method, path, headers, body)
            lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(content)}", *(f"{n}: {v}" for n, v in said.items())]
            self._transport.write("\r\n".join(lines).encode("latin-1") + HEAD_END + content)


async def _trade(street: Street, sales_per_second: float) -> None:
    chance = random.Random()
    while street.open:
        await asyncio.sleep(chance.expovariate(sales_per_second))
        street.sell(chance)


async def _serve(street: Street, sales_per_second: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(street), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    if sales_per_second:
        trade = asyncio.create_task(_trade(street, sales_per_second))
        trade.add_done_callback(lambda task: task.result())
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.shops", description="Many small shops in one process.")
    parser.add_argument("--shops", type=int, required=True)
    parser.add_argument("--products", type=int, default=20, help="of each shop")
    parser.add_argument("--together", type=int, default=4, help="how many shops in a row sell the same products")
    parser.add_argument("--sales", type=float, default=0.0, help="a second, in all shops together")
    parser.add_argument("--key-id", required=True)
    parser.add_argument("--secret-file", type=Path, required=True, help="a file with 64 hexadecimal digits")
    chosen = parser.parse_args()
    key = signing.Key.of(chosen.key_id, chosen.secret_file.read_text().strip())
    street = Street(key, chosen.shops, chosen.together, chosen.products)
    asyncio.run(_serve(street, chosen.sales))


if __name__ == "__main__":
    main()
