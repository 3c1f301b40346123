"""Measures the list screens: 100,000 items in two carts and 1,000,000 movements, one page of each list over HTTP.

Ours: a request to the running server, as a logged-in browser makes it, to the last byte of the page.
Floor: the bare query for the rows of that page, through the sqlite3 module, every row fetched.
Each page must stay under 100 KB, and is checked to show what it should.
"""

from __future__ import annotations

import http.client
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from onhand import api
from onhand.app import App
from onhand.clock import SystemClock
from onhand.domain.people import Role
from onhand.storage.times import micros

from .ground import Ground, store
from .measure import Aim, Finding, Summary, in_turns, milliseconds, ratio

ITEMS, MOVEMENTS, CARTS, LINES, DIFFERENCES = 100_000, 1_000_000, 2, 50_000, 10_000
PAGE_KB = 100
ROUNDS = 15
NEWEST = "ORDER BY id DESC LIMIT 50"
# Screen → what its page must contain, and the bare query for its rows.
SCREENS = {
    "/inventory": ("SKU-", "SELECT * FROM items ORDER BY sku_key LIMIT 50"),
    "/inventory?q=sku-0777": ("SKU-077", "SELECT * FROM items WHERE sku_key LIKE '%sku-0777%' ORDER BY sku_key LIMIT 50"),
    "/item?sku=SKU-000500": ("SKU-000500", "SELECT * FROM movements WHERE item_id = 500 ORDER BY id DESC LIMIT 50"),
    "/movements": ("SKU-", f"SELECT m.*, i.sku FROM movements m JOIN items i ON i.id = m.item_id {NEWEST.replace('id', 'm.id')}"),
    "/orders": ("Amber", "SELECT * FROM order_lines ORDER BY seen_at DESC LIMIT 50"),
    "/differences": ("lost sale", f"SELECT * FROM differences {NEWEST}"),
    "/stack": ("SKU-", "SELECT * FROM listings WHERE news AND aligned ORDER BY cart_id, sku_key LIMIT 50"),
    "/audit": ("receive", f"SELECT * FROM audit {NEWEST}"),
    "/": ("Amber", "SELECT count(*) FROM listings WHERE cart_id = 1"),
}


def measure(ground: Ground, quick: bool) -> list[Finding]:  # noqa: ARG001 - screens need no shop
    share = 20 if quick else 1
    findings = []
    with store() as path:
        fill(path, share)
        with served(path) as get, closing(sqlite3.connect(path)) as bare:
            for address, (shows, query) in SCREENS.items():
                page = get(address)
                if shows not in page:
                    raise RuntimeError(f"{address} does not show {shows!r}")
                works = [_timed(get, address), _query(bare, query)]
                in_turns(2, *works)
                ours, floor = in_turns(3 if quick else ROUNDS, *works)
                findings.append(ratio(f"screen {address}", "bare query", ours, floor, "ms"))
                size = len(page.encode()) / 1000
                one = Summary.of([size], "KB")
                findings.append(Finding(f"screen {address}", "", size, "KB", Aim("<", PAGE_KB), ours=one))
    return findings


def _timed(get: Callable[[str], str], address: str) -> Callable[[], float]:
    return lambda: milliseconds(lambda: get(address))


def _query(bare: sqlite3.Connection, query: str) -> Callable[[], float]:
    return lambda: milliseconds(lambda: bare.execute(query).fetchall())
