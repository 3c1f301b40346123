"""Serves the connector's verbs, on the sample shop's database.

Path: ``connector`` calls ``Verbs.serve`` with a checked request while it holds the shop's lock.
Promise: a look is one snapshot; a batch and the memory of it are one transaction; sums are exact whole numbers.
Never: writes anything but relative quantities, a status that was asked for, and the connector's own row.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import secrets
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from onhand.domain.shop import DOWNLOAD
from onhand.domain.sketch import MULTIPLIER, PARTITION_MULTIPLIERS

from .catalogue import SKU_LENGTH

PROTOCOL = 1
ROWS_MAX = 2000  # rows, lines, ids or posts in one request
SIZE_MAX = 65536 // 3  # cells in one third
QUANTITY_MIN, QUANTITY_MAX = -(2**31), 2**31 - 1  # products_quantity is int in osCommerce
ID_MAX = 2**63 - 1
SWITCHES = (
    "STOCK_CHECK",
    "STOCK_LIMITED",
    "STOCK_ALLOW_CHECKOUT",
    "DOWNLOAD_ENABLED",
)

Document = Mapping[str, object]


class Fault(Exception):
    """A request that is refused: the protocol's code, one sentence, and the members that go with the code."""

    def __init__(self, code: str, message: str, **members: object) -> None:
        super().__init__(message)
        self.code = code
        self.members = members


@dataclass(frozen=True, slots=True)
class State:
    """The connector's memory (section 3 of the protocol)."""

    epoch: str
    last_seq: int
    begun_first: int | None
    begun_last: int | None
    last_first: int | None
    last_answer: str  # JSON: the results, and the digest that tells the batch from others with its numbers

    @property
    def head(self) -> dict[str, object]:
        return {"epoch": self.epoch, "last_seq": self.last_seq}


class Verbs:
    """The verbs, each one exchange with the database."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._verbs: Mapping[str, Callable[[sqlite3.Connection, Document], Document]] = {
            "hello": self._hello,
            "look": self._look,
            "cells": self._cells,
            "listings": self._listings,
            "orders": self._orders,
            "apply": self._apply,
        }

    def serve(self, db: sqlite3.Connection, request: Document) -> Document:
        """Return the answer without its ``ok``. Raise ``Fault`` and ``sqlite3.DatabaseError``."""
        name = request.get("verb")
        verb = self._verbs.get(name) if isinstance(name, str) else None
        if verb is None:
            raise Fault("request", f"Ask for one of the verbs {', '.join(self._verbs)}.")
        _remember(db)
        return verb(db, request)

    def _hello(self, db: sqlite3.Connection, request: Document) -> Document:
        after = request.get("fresh_epoch_after")
        if after is not None and not isinstance(after, str):
            raise Fault("request", "Give fresh_epoch_after as text.")
        with _writing(db):
            state = _state(db)
            if after == state.epoch:
                _start_epoch(db)
                state = _state(db)
        marks = ",".join("?" * len(SWITCHES))
        switches = db.execute(
            f"SELECT configuration_key, configuration_value FROM configuration WHERE configuration_key IN ({marks})",
            SWITCHES,
        ).fetchall()
        return {
            "protocol": PROTOCOL,
            "connector": "1.0.0",
            "runtime": f"Python {platform.python_version()}",
            "database": f"SQLite {sqlite3.sqlite_version}",
            "family": "oscommerce",
            "version": "",
            "engine": "SQLite",
            "prefix": "",
            "tables": {},
            "collation": "NOCASE",
            "sku_length": SKU_LENGTH,
            "quantity_type": "int",
            "columns": {"products.products_quantity": "integer"},
            "stock_elsewhere": [],
            "obstacle": "",
            "switches": dict(switches),
            "products": db.execute("SELECT count(*) FROM products").fetchone()[0],
            **state.head,
            "clock": int(self._clock()),
        }

    def _look(self, db: sqlite3.Connection, request: Document) -> Document:
        after, low = _whole(request, "after"), _whole(request, "low")
        limit = _limit(request)
        sums, catalogue = _truth(request, "sums"), _truth(request, "catalogue")
        if low > after:
            raise Fault("request", "Give a low that is not above after.")
        with _snapshot(db) as state:
            began = time.perf_counter()
            totals = _totals(db.execute(_SUMS).fetchone()) if sums else None
            sums_ms = round((time.perf_counter() - began) * 1000, 3) if sums else 0.0
            lines = db.execute(
                f"{_LINES} WHERE l.orders_products_id > ? ORDER BY 1 LIMIT ?", (after, limit + 1)
            ).fetchall()
            last_line = db.execute("SELECT coalesce(max(orders_products_id), 0) FROM orders_products").fetchone()[0]
            count, total, weighed = db.execute(
                "SELECT count(*), coalesce(sum(orders_products_id), 0),"
                " coalesce(sum(products_quantity * (orders_products_id % 65521 + 1)), 0) FROM orders_products"
                " WHERE orders_products_id > ? AND orders_products_id <= ?",
                (low, after),
            ).fetchone()
            print_ = str(sum(map(_crc, db.execute(_CATALOGUE)))) if catalogue else None
        return {
            **state.head,
            "begun": state.begun_first is not None,
            "lines": lines[:limit],
            "more": len(lines) > limit,
            "last_line": last_line,
            "window": [count, str(total), str(weighed)],
            "sums": totals,
            "sums_ms": sums_ms,
            "catalogue": print_,
        }

    def _cells(self, db: sqlite3.Connection, request: Document) -> Document:
        size = _whole(request, "size", least=1)
        if size > SIZE_MAX:
            raise Fault("too_large", f"Ask for at most {SIZE_MAX} cells in a third.")
        cells = [["0", "0", "0", "0"]] * (3 * size)
        with _snapshot(db) as state:
            for cell, *sums in db.execute(_CELLS, {"size": size}):
                cells[cell] = _totals(sums)
        return {**state.head, "size": size, "cells": cells}

    def _listings(self, db: sqlite3.Connection, request: Document) -> Document:
        where: str
        values: int | str
        if "ids" in request:
            where, values, limit = "IN (SELECT value FROM json_each(?))", json.dumps(_ids(request, "ids")), ROWS_MAX
        else:
            where, values, limit = "> ?", _whole(request, "after"), _limit(request)
        with _snapshot(db) as state:
            rows = db.execute(f"{_ROWS} WHERE p.products_id {where} ORDER BY 1 LIMIT ?", (values, limit + 1)).fetchall()
        return {**state.head, "more": len(rows) > limit, "rows": rows[:limit]}

    def _orders(self, db: sqlite3.Connection, request: Document) -> Document:
        lines = json.dumps(_ids(request, "lines"))
        where = "WHERE l.orders_products_id IN (SELECT value FROM json_each(?)) ORDER BY 1"
        return {"lines": db.execute(f"{_LINES} {where}", (lines,)).fetchall()}

    def _apply(self, db: sqlite3.Connection, request: Document) -> Document:
        epoch, first = request.get("epoch"), _whole(request, "first", least=1)
        posts, close, holder = _posts(request), _truth(request, "close"), _holder(request)
        last, digest = first + len(posts) - 1, _digest(posts)
        with _writing(db):
            state = _state(db)
            if epoch != state.epoch:
                raise Fault("epoch", "Look at the shop again: it is in another epoch.", epoch=state.epoch)
            results: Sequence[Sequence[object]] = []
            if first == state.last_first and last == state.last_seq:
                noted = _noted(state)
                if noted["digest"] not in (None, digest):
                    raise Fault(
                        "other",
                        "Look for a second OnHand: another batch has these numbers.",
                        last_seq=state.last_seq,
                    )
                outcome, results, holder = "already", noted["results"], noted["holder"]
            elif state.begun_first is not None:
                if (first, last) != (state.begun_first, state.begun_last):
                    raise _gap(state)
                outcome = "closed" if close else "unfinished"
            elif first == state.last_seq + 1 and not close:
                outcome, results = "applied", _change(db, posts)
            else:
                raise _gap(state)
            if outcome in ("applied", "closed"):
                db.execute(
                    "UPDATE onhand_state SET last_seq = ?, begun_first = NULL, begun_last = NULL,"
                    " last_first = ?, last_answer = ?",
                    (last, first, json.dumps({"results": results, "digest": digest, "holder": holder})),
                )
                state = _state(db)
        return {"outcome": outcome, **state.head, "results": results, "holder": holder}


# The connector's memory


def _remember(db: sqlite3.Connection) -> None:
    """Make the connector's own row if there is none yet."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'onhand_state'").fetchone():
        with _writing(db):
            db.execute(
                "CREATE TABLE onhand_state (epoch TEXT NOT NULL, last_seq INTEGER NOT NULL, begun_first INTEGER,"
                " begun_last INTEGER, last_first INTEGER, last_answer TEXT NOT NULL)"
            )
            _start_epoch(db)


def _state(db: sqlite3.Connection) -> State:
    return State(
        *db.execute(
            "SELECT epoch, last_seq, begun_first, begun_last, last_first, last_answer FROM onhand_state"
        ).fetchone()
    )


def _start_epoch(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM onhand_state")
    db.execute("INSERT INTO onhand_state VALUES (?, 0, NULL, NULL, NULL, '[]')", (secrets.token_hex(8),))


@contextmanager
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    """Open a transaction that holds the right to write from its start. If an error ends it, the pool rolls it back."""
    db.execute("BEGIN IMMEDIATE")
    yield
    db.execute("COMMIT")


@contextmanager
def _snapshot(db: sqlite3.Connection) -> Iterator[State]:
    """Open one consistent view; the first read fixes it."""
    db.execute("BEGIN")
    yield _state(db)
    db.execute("COMMIT")


# Applying


def _change(db: sqlite3.Connection, posts: Sequence[tuple[int, int, bool]]) -> list[list[object]]:
    """Add the posts' changes in one statement; return those that took no effect, and why. Needs ``_writing``."""
    quantities = dict(
        db.execute(
            "SELECT products_id, products_quantity FROM products WHERE products_id IN (SELECT value FROM json_each(?))",
            (json.dumps([product for product, _, _ in posts]),),
        ).fetchall()
    )
    failed: list[list[object]] = []
    fitting = []
    for product, delta, reactivate in posts:
        if product not in quantities:
            failed.append([product, "missing"])
        elif not QUANTITY_MIN <= quantities[product] + delta <= QUANTITY_MAX:
            failed.append([product, "range"])
        else:
            fitting.append([product, delta, int(reactivate)])
    db.execute(_ADD, (json.dumps(fitting),))
    return failed


def _gap(state: State) -> Fault:
    return Fault("gap", "Look at the shop again: this batch does not follow the last one.", last_seq=state.last_seq)


# Reading a request


def _whole(request: Document, name: str, least: int = 0) -> int:
    return _number(request.get(name), name, least)


def _number(value: object, name: str, least: int) -> int:
    """Return a whole number that may be sent as a JSON number or as decimal text."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= ID_MAX:
        raise Fault("request", f"Give {name} as a whole number from {least} to {ID_MAX}.")
    return value


def _truth(request: Document, name: str) -> bool:
    value = request.get(name, False)
    if not isinstance(value, bool):
        raise Fault("request", f"Give {name} as true or false.")
    return value


def _limit(request: Document) -> int:
    limit = _whole(request, "limit", least=1)
    if limit > ROWS_MAX:
        raise Fault("too_large", f"Ask for at most {ROWS_MAX} rows at once.")
    return limit


def _list(request: Document, name: str) -> list[object]:
    values = request.get(name)
    if not isinstance(values, list):
        raise Fault("request", f"Give {name} as a list.")
    if len(values) > ROWS_MAX:
        raise Fault("too_large", f"Give at most {ROWS_MAX} {name} at once.")
    return values


def _ids(request: Document, name: str) -> list[int]:
    return [_number(value, name, 0) for value in _list(request, name)]


def _posts(request: Document) -> list[tuple[int, int, bool]]:
    """Return the posts of a batch: at least one, each product once."""
    posts = []
    for post in _list(request, "posts"):
        if not isinstance(post, list) or len(post) != 3 or post[2] not in (0, 1):
            raise Fault("request", "Give every post as [product, delta, 0 or 1].")
        posts.append((_number(post[0], "product", 0), _number(post[1], "delta", -ID_MAX), bool(post[2])))
    if not posts or len({product for product, _, _ in posts}) < len(posts):
        raise Fault("request", "Give at least one post, and each product at most once.")
    return posts


def _noted(state: State) -> dict[str, Any]:
    """Return the note on the batch settled last. Before there was a digest, only the results were noted."""
    noted = json.loads(state.last_answer)
    return noted if isinstance(noted, dict) else {"results": noted, "digest": None, "holder": None}


def _holder(request: Document) -> str | None:
    holder = request.get("holder")
    if holder is not None and not (isinstance(holder, str) and re.fullmatch(r"[0-9a-f]{16}", holder)):
        raise Fault("request", "Give holder as 16 hexadecimal digits.")
    return holder


def _digest(posts: Sequence[tuple[int, int, bool]]) -> str:
    """Return the digest that tells a batch from another with the same numbers."""
    written = ";".join(f"{product}:{delta}:{int(reactivate)}" for product, delta, reactivate in posts)
    return hashlib.sha256(written.encode()).hexdigest()


def _crc(row: tuple[int, str | None, int]) -> int:
    return zlib.crc32(f"{row[0]}|{row[1] or ''}|{row[2]}".encode())


# The statements. A weight has 32 bits and a quantity 31, so two products could already overflow SQLite's 64-bit sums.
# Weights are therefore summed in slices of eleven bits, good for two million products at the extreme, and put
# together in Python's unbounded integers.


def _totals(row: Sequence[int]) -> list[str]:
    """Return the sums of a row that ends in the six slices, with each three slices combined."""
    *plain, q22, q11, q0, o22, o11, o0 = row
    return [str(total) for total in (*plain, (q22 << 22) + (q11 << 11) + q0, (o22 << 22) + (o11 << 11) + o0)]


_WEIGHTED = f"""
WITH weighted AS MATERIALIZED (
    SELECT products_id AS id, products_quantity AS q, products_ordered AS o,
           products_id * {MULTIPLIER} & {2**32 - 1} AS h
    FROM products)"""

_SLICES = ", ".join(
    f"coalesce(sum({counter} * (h >> {shift} & 2047)), 0)" for counter in ("q", "o") for shift in (22, 11, 0)
)

# All five sums in one pass.
_SUMS = f"{_WEIGHTED} SELECT count(*), coalesce(sum(q), 0), coalesce(sum(o), 0), {_SLICES} FROM weighted"

# Every product once in each third, then summed by cell; empty cells are missing.
_PLACED = " UNION ALL ".join(
    f"SELECT {third} * :size + ((x >> 16) * (x >> 16) + x) % :size AS cell, q, o, h"
    f" FROM (SELECT id * {a} & {2**32 - 1} AS x, q, o, h FROM weighted)"
    for third, a in enumerate(PARTITION_MULTIPLIERS)
)
_CELLS = f"{_WEIGHTED}, placed AS ({_PLACED}) SELECT cell, sum(q), sum(o), {_SLICES} FROM placed GROUP BY cell"

# Order lines as look and orders return them.
_LINES = """
SELECT l.orders_products_id, l.orders_id, l.products_id, l.products_model, l.products_quantity, o.orders_status,
       EXISTS (SELECT 1 FROM orders_status_history h WHERE h.orders_id = l.orders_id)
FROM orders_products l LEFT JOIN orders o ON o.orders_id = l.orders_id"""

# Products as listings returns them.
_ROWS = f"""
SELECT p.products_id, p.products_model,
       coalesce((SELECT d.products_name FROM products_description d WHERE d.products_id = p.products_id
                 ORDER BY d.language_id <> 1, d.language_id LIMIT 1), ''),
       p.products_quantity, p.products_ordered, p.products_status, p.products_last_modified,
       CAST(strftime('%s', 'now') AS INTEGER) - CAST(strftime('%s', p.products_last_modified) AS INTEGER),
       {DOWNLOAD} * EXISTS (
           SELECT 1 FROM configuration c
           JOIN products_attributes a ON a.products_id = p.products_id
           JOIN products_attributes_download f ON f.products_attributes_id = a.products_attributes_id
           WHERE c.configuration_key = 'DOWNLOAD_ENABLED' AND c.configuration_value = 'true')
FROM products p"""

# The parts of the catalogue figure.
_CATALOGUE = "SELECT products_id, products_model, products_status FROM products"

# A batch, added in one statement: the shop's own writes before it stay, and nothing but quantity and status moves.
_ADD = """
UPDATE products
SET products_quantity = products_quantity + post.delta,
    products_status = CASE WHEN post.reactivate AND products_quantity + post.delta > 0 THEN 1 ELSE products_status END
FROM (SELECT value ->> 0 AS product, value ->> 1 AS delta, value ->> 2 AS reactivate FROM json_each(?)) AS post
WHERE products_id = post.product"""
