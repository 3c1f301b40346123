"""Measures the list screens on a store with years of trade: 100,000 items in two carts and 1,000,000 movements.

Ours: a request to the running server over one kept connection, as a logged-in browser makes it, to the last byte of the page.
Floor: the bare query for the rows of that page, through the sqlite3 module, every row fetched.
Each page is checked to show what it should, and must stay under 100 KB.
"""

from __future__ import annotations

import http.client
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from onhand.app import App
from onhand.passwords import Passwords
from onhand.services import people
from onhand.services.people import Gate
from onhand.serving.server import Server
from onhand.web.visit import SESSION_COOKIE

from .ground import Ground, store
from .measure import Aim, Finding, Summary, in_turns, milliseconds, ratio
from .years import BUSY, Size, fill

PAGE_KB = Aim("<", 100)
ITEMS = (
    "SELECT i.*, s.name FROM items i LEFT JOIN suppliers s ON s.id = i.supplier_id WHERE {} ORDER BY i.sku_key LIMIT 50"
)
MOVEMENTS = "SELECT m.*, i.sku FROM movements m JOIN items i ON i.id = m.item_id WHERE {} ORDER BY m.id DESC LIMIT 50"
LINES = "SELECT * FROM order_lines WHERE {} ORDER BY seen_at DESC, cart_id DESC, epoch DESC, line DESC LIMIT 350"  # of 50 orders
DIFFERENCES = "SELECT * FROM differences WHERE {} ORDER BY id DESC LIMIT 50"
AUDIT = "SELECT * FROM audit WHERE {} ORDER BY id DESC LIMIT 50"
PURCHASES = """SELECT o.*, sum(l.ordered), sum(l.received) FROM purchase_orders o JOIN purchase_order_lines l ON l.order_id = o.id
    WHERE {} GROUP BY o.id ORDER BY o.id DESC LIMIT 50"""
LISTINGS = "SELECT * FROM listings WHERE cart_id = 1 AND {} ORDER BY product LIMIT 50"
COUNTED = """SELECT l.*, i.sku, i.name FROM count_lines l JOIN items i ON i.id = l.item_id
    WHERE l.sheet_id = 1 ORDER BY i.sku_key LIMIT 50"""
ALIKE = "SELECT * FROM items WHERE sku_key = 'new-1' OR lower(name) = 'unknown thing 1' OR instr(sku_key, 'new1') = 1"
MONTH = "(SELECT max(id) * 11 / 12 FROM movements)"  # the number of the first movement of the last month
SALES = (
    f"SELECT at / 86400000000, cart_id, sum(quantity) FROM movements WHERE kind = 'sale' AND id > {MONTH} GROUP BY 1, 2"
)
DAY = "(SELECT max(created_at) - 86400000000 FROM posts)"
LATENCY = f"SELECT first, max(settled_at) FROM posts WHERE cart_id = 1 AND created_at > {DAY} GROUP BY first"
ALL = "true"

# Address → what the page must show, and the bare query for its rows.
SCREENS = {
    "/": ("Amber", "SELECT count(*), sum(aligned), sum(news) FROM listings GROUP BY cart_id"),
    "/inventory": ("SKU-000001", ITEMS.format(ALL)),
    "/inventory?q=sku-0042": (
        "SKU-0042",
        ITEMS.format("i.sku_key LIKE '%sku-0042%' OR lower(i.name) LIKE '%sku-0042%'"),
    ),
    "/inventory?q=no.+4242": (
        "no. 4242",
        ITEMS.format("i.sku_key LIKE '%no. 4242%' OR lower(i.name) LIKE '%no. 4242%'"),
    ),
    "/inventory?q=nothing+like+it": (
        "No item",
        ITEMS.format("i.sku_key LIKE '%nothing%' OR lower(i.name) LIKE '%nothing%'"),
    ),
    "/inventory?supplier=Supplier+3": ("SKU-", ITEMS.format("i.supplier_id = 3")),
    "/inventory?below_zero=yes": ("SKU-", ITEMS.format("i.on_hand < 0")),
    "/inventory?reorder=yes": ("SKU-", ITEMS.format("i.on_hand <= i.reorder_point AND NOT i.drop_ship")),
    "/inventory?set_aside=yes": ("SKU-", ITEMS.format("i.ignore_qoh OR i.drop_ship")),
    f"/item?sku=SKU-{BUSY:06}": (f"SKU-{BUSY:06}", MOVEMENTS.format(f"m.item_id = {BUSY}")),
    f"/item/chart.json?sku=SKU-{BUSY:06}": (
        '"series"',
        f"SELECT at, sum(quantity) OVER (ORDER BY id) FROM movements WHERE item_id = {BUSY}",
    ),
    "/movements": ("SKU-", MOVEMENTS.format(ALL)),
    f"/movements?sku=SKU-{BUSY:06}": (f"SKU-{BUSY:06}", MOVEMENTS.format(f"m.item_id = {BUSY}")),
    "/movements?kind=return": ("return", MOVEMENTS.format("m.kind = 'return' AND m.kind <> 'sale'")),
    "/movements?kind=sale": ("sale", MOVEMENTS.format("m.kind = 'sale'")),
    "/movements?by=Dora": ("Dora", MOVEMENTS.format("m.person = 'Dora' AND m.person <> ''")),
    "/movements?cart=Birch": ("Birch", MOVEMENTS.format("m.cart_id = 2")),
    "/movements?cart=Clove": ("No movement", MOVEMENTS.format("m.cart_id = 3")),
    "/movements?cart=Birch&kind=return&by=Dora": (
        "Dora",
        MOVEMENTS.format("m.cart_id = 2 AND m.kind = 'return' AND m.kind <> 'sale' AND m.person = 'Dora'"),
    ),
    "/orders": ("Amber", LINES.format(ALL)),
    f"/orders?q=SKU-{BUSY:06}": ("Amber", LINES.format(f"model = 'SKU-{BUSY:06}'")),
    "/orders?cart=Birch": ("Birch", LINES.format("cart_id + 0 = 2")),
    "/orders?state=waiting": ("waiting", LINES.format("state = 'waiting' AND state <> 'sold'")),
    "/receive": ("PO-", PURCHASES.format("o.state = 'sent'")),
    "/purchases": ("PO-", PURCHASES.format(ALL)),
    "/purchases/PO-2": (
        "PO-2",
        "SELECT * FROM purchase_order_lines l JOIN items i ON i.id = l.item_id WHERE l.order_id = 2",
    ),
    "/purchases/suggested": ("Supplier", "SELECT * FROM items WHERE on_hand <= reorder_point AND NOT drop_ship"),
    "/counts": ("Autumn", "SELECT count(*), count(counted) FROM count_lines WHERE sheet_id = 1"),
    "/counts/1": ("SKU-", COUNTED),
    "/counts/1/review": ("SKU-", COUNTED.replace("i.sku_key", "abs(counted - expected) DESC")),
    "/stack": ("SKU-", "SELECT * FROM listings WHERE news AND aligned ORDER BY cart_id LIMIT 50"),
    "/differences": ("lost sale", DIFFERENCES.format(ALL)),
    "/differences?open=yes": ("lost sale", DIFFERENCES.format("closed_at IS NULL")),
    "/differences?cause=lost+post&cart=2": ("lost post", DIFFERENCES.format("cause = 'lost post' AND cart_id = 2")),
    "/carts/1/listings": ("NEW-1", LISTINGS.format("problem IN ('unmatched', 'duplicate', 'blank')")),
    "/carts/1/listings?problem=all": ("SKU-", LISTINGS.format(ALL)),
    "/carts/1/listings?problem=parked": ("SKU-", LISTINGS.format("parked IS NOT NULL")),
    "/carts/1/listings?problem=all&search=thing+77": ("thing 77", LISTINGS.format("lower(name) LIKE '%thing 77%'")),
    "/carts/1/listings?problem=not+aligned": ("No products.", LISTINGS.format("problem IS NULL AND NOT aligned")),
    "/carts/1/listings/1000001": ("NEW-1", ALIKE),
    "/carts/1/listings/1000001?search=kettle": (
        "kettle",
        "SELECT * FROM items WHERE name LIKE '%kettle%' ORDER BY name = 'Unknown thing 1', sku_key LIMIT 12",
    ),
    "/audit": ("receive", AUDIT.format(ALL)),
    "/audit?who=Dora&what=adjust": ("Dora", AUDIT.format("person = 'Dora' AND verb = 'adjust'")),
    "/charts/sales.json": ('"series"', SALES),
    "/charts/latency.json": ('"series"', LATENCY),
    "/charts/stack.json": ('"series"', "SELECT * FROM samples"),
    "/charts/differences.json": ('"series"', "SELECT opened_at / 86400000000, count(*) FROM differences GROUP BY 1"),
}


def measure(ground: Ground, quick: bool) -> list[Finding]:  # noqa: ARG001 - screens need no shop
    rounds, size = (3, Size().shared(20)) if quick else (15, Size())
    findings, sizes = [], {}
    with store() as path:
        fill(path, size)
        with served(path) as get, closing(sqlite3.connect(path)) as bare:
            for address, (shows, query) in SCREENS.items():
                page = get(address)
                if shows not in page:
                    raise RuntimeError(f"{address} does not show {shows!r}")
                sizes[address] = len(page.encode()) / 1000
                works = [
                    partial(milliseconds, partial(get, address)),
                    partial(milliseconds, partial(_all, bare, query)),
                ]
                in_turns(1, *works)
                ours, floor = in_turns(rounds, *works)
                note = f"{sizes[address]:.0f} KB"
                findings.append(ratio(f"screen {address}", "bare query", ours, floor, "ms", note=note))
    longest = max(sizes, key=sizes.__getitem__)
    every = Summary.of(list(sizes.values()), "KB")
    findings.append(Finding("screens, the largest page", "", sizes[longest], "KB", PAGE_KB, every, note=longest))
    return findings


@contextmanager
def served(path: Path) -> Iterator[Callable[[str], str]]:
    """The running server, and a logged-in browser's way to get a page of it."""
    with App(path, "bench") as app, Server(app, pages=True) as server:
        link = people.first_link(app.house)
        secret = people.begin(app.house, Gate(Passwords(cheap=True)), link, "Ann", "correct horse battery")
        with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)) as connection:

            def get(address: str) -> str:
                connection.request("GET", address, headers={"Cookie": f"{SESSION_COOKIE}={secret}"})
                answer = connection.getresponse()
                page = answer.read().decode()
                if answer.status != http.client.OK:
                    raise RuntimeError(f"{address} answered {answer.status}: {page[:500]}")
                return page

            yield get


def _all(bare: sqlite3.Connection, query: str) -> list[tuple[object, ...]]:
    return bare.execute(query).fetchall()
