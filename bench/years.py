"""Fills a store with years of trade, fast: rows go in by SQL, set by set, as the house would have left them.

Path: ``screens`` makes its store here; whoever wants to try something on a large store may as well.
Promise: every balance is the sum of its movements, and every sold line has its sale.
Never: goes through the services; a million bookings one by one would take minutes.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from onhand.clock import SystemClock
from onhand.domain.carts import Settings
from onhand.storage.database import Database

SPAN_SECONDS = 365 * 86_400
BUSY = 500  # the item that has a tenth of all movements
LISTING_CARTS = ("Amber", "Birch")  # list every item; a third cart is there and was never aligned
STRANGER = "Clove"
FACTOR = 2_654_435_761  # spreads numbers over the items without order


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each there is."""

    items: int = 100_000
    movements: int = 1_000_000
    lines: int = 50_000
    posts: int = 200_000
    differences: int = 10_000
    news: int = 3_000  # and as many parked, and as many products that no SKU settles
    entries: int = 20_000  # of the audit log
    purchase_orders: int = 200
    count_lines: int = 10_000

    def shared(self, share: int) -> Size:
        """One so manieth of it."""
        return Size(*(max(1, getattr(self, name) // share) for name in self.__dataclass_fields__))


def fill(path: Path, size: Size) -> None:
    """Fill an empty store data file."""
    clock = SystemClock()
    with Database(path) as database:
        for name in (*LISTING_CARTS, STRANGER):
            own = Settings(name, f"http://127.0.0.1:1/{name}.php")
            database.write(lambda books, own=own: books.carts.add(own, clock.now()))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {setting}")
        given = {**{name: getattr(size, name) for name in size.__dataclass_fields__}, "now": time.time_ns() // 1000}
        late = _indexes(connection, "movements")
        for name, _ in late:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN")
        for statement in (*_STOCK, *_TRADE, *_SHOPS, *_OFFICE):
            connection.execute(statement, {name: given[name] for name in given if f":{name}" in statement})
        for _, definition in late:  # sorted once, not row by row
            connection.execute(definition)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


def _indexes(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    return connection.execute(query, (table,)).fetchall()


def _numbers(upto: str) -> str:
    return f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {upto})"


def _one_of(number: str, *words: str) -> str:
    return f"CASE {number} % {len(words)} " + " ".join(f"WHEN {n} THEN '{w}'" for n, w in enumerate(words)) + " END"


_PERSON = _one_of("n / 20", "Ann", "Bob", "Cem", "Dora")
_ITEM = f"CASE WHEN n / 20 % 9 = 3 THEN min({BUSY}, :items) ELSE 1 + (n / 20 * {FACTOR} + n % 20 * 777) % :items END"

_STOCK = (
    f"""{_numbers("40")} INSERT INTO suppliers (name, name_key, email, phone, note, active)
        SELECT 'Supplier ' || n, 'supplier ' || n, '', '', '', 1 FROM numbers""",
    f"""{_numbers(":items")} INSERT INTO items
            (id, sku, sku_key, name, ignore_qoh, drop_ship, reorder_point, reorder_to, supplier_id, created_at)
        SELECT n, printf('SKU-%06d', n), printf('sku-%06d', n),
            {_one_of("n", "Blue", "Green", "Red", "White", "Black", "Oak", "Steel")} || ' ' ||
            {_one_of("n / 7", "kettle", "lamp", "chair", "teapot", "shelf", "bowl", "clock", "basket")} || ' no. ' || n,
            n % 2000 = 9, n % 500 = 7, CASE WHEN n % 4 = 0 THEN 5 END, CASE WHEN n % 4 = 0 THEN 20 END,
            CASE WHEN n % 3 > 0 THEN 1 + n % 40 END, :now FROM numbers""",
)
# Openings first; then of every twenty: fourteen sales, a cancellation, a return, two receipts, an adjustment and a count.
_TRADE = (
    f"""{_numbers(":items")} INSERT INTO movements (id, at, item_id, kind, quantity, origin, reason, person)
        SELECT n, :now - {SPAN_SECONDS * 1_000_000}, n, 'opening', n % 40, 'opening/' || n, '', 'Ann' FROM numbers""",
    f"""{_numbers(":movements - :items")} INSERT INTO movements
            (id, at, item_id, kind, quantity, origin, cart_id, order_number, line, reason, person)
        SELECT :items + n, :now - (:movements - :items - n) * ({SPAN_SECONDS} * 1000000 / :movements), {_ITEM},
            CASE WHEN n % 20 < 14 THEN 'sale' ELSE {
        _one_of("n", *[""] * 14, "cancellation", "return", *["receipt"] * 2, "adjustment", "count")
    } END,
            CASE WHEN n % 20 < 14 THEN -1 WHEN n % 20 < 16 THEN 1 WHEN n % 20 < 18 THEN 6 ELSE n / 20 % 3 - 1 END,
            CASE WHEN n % 20 < 14 THEN 'cart/' || (1 + n % 2) || '/e/line/' || n ELSE 'made/' || n END,
            CASE WHEN n % 20 < 16 THEN 1 + n % 2 END, CASE WHEN n % 20 < 16 THEN n / 20 END,
            CASE WHEN n % 20 < 16 THEN n END, '', CASE WHEN n % 20 < 15 THEN '' ELSE {_PERSON} END FROM numbers""",
    """UPDATE items SET on_hand = folded.units
        FROM (SELECT item_id, sum(quantity) AS units FROM movements GROUP BY item_id) AS folded
        WHERE folded.item_id = items.id""",
    # The newest sales still have their lines; one line in fifty waits for its payment.
    """INSERT INTO order_lines (cart_id, epoch, line, order_number, product, model, quantity, paid, state, present, seen_at)
        SELECT cart_id, 'e', line, order_number, item_id, printf('SKU-%06d', item_id), 1, 1, 'sold', 1, at
        FROM movements WHERE kind = 'sale' ORDER BY id DESC LIMIT :lines""",
    """INSERT INTO order_lines (cart_id, epoch, line, order_number, product, model, quantity, paid, state, present, seen_at)
        SELECT cart_id, epoch, line + 1000000000, order_number + 1000000000, product, model, 1, 0, 'waiting', 1, seen_at
        FROM order_lines WHERE line % 50 = 2""",
)
_SHOPS = (
    "INSERT INTO parameters (name, value, person, at) VALUES ('SynchQOH', 'true', 'Ann', :now)",
    "UPDATE carts SET epoch = 'e', aligned_at = :now, looked_at = :now, synchronize = 1, aligned_by = 'get' WHERE id <= 2",
    *(
        f"""INSERT INTO listings (cart_id, product, model, sku_key, name, status, item_id, aligned, ordered, sum, held, unnamed,
                news, off_by_sale, parked, parked_at)
            SELECT {cart}, id, sku, sku_key, name, 1, id, 1, 10, on_hand + 10 + (id % 30 = 1 AND id <= :news * 30), 0, 0,
                id % 30 = 1 AND id <= :news * 30, 0, CASE WHEN id % 30 = 2 AND id <= :news * 30 THEN 'for stock-taking' END,
                CASE WHEN id % 30 = 2 AND id <= :news * 30 THEN :now END FROM items"""
        for cart in (1, 2)
    ),
    f"""{_numbers(":news")} INSERT INTO listings
            (cart_id, product, model, sku_key, name, status, problem, aligned, ordered, sum, held, unnamed, news, off_by_sale)
        SELECT 1, 1000000 + n, 'NEW-' || n, 'new-' || n, 'Unknown thing ' || n, 1, 'unmatched', 0, 10, 10, 0, 0, 0, 0 FROM numbers""",
    f"""{_numbers(":posts")} INSERT INTO posts
            (cart_id, epoch, seq, first, listing_id, product, delta, reactivate, state, created_at, settled_at)
        SELECT 1 + n % 2, 'e', n / 2, n / 2, 1 + (n * {FACTOR} % :items), 1 + (n * {FACTOR} % :items), 1 - n % 3, 0,
            CASE WHEN n > :posts - 20 THEN 'sent' ELSE 'applied' END, :now - (:posts - n) * 10000000,
            :now - (:posts - n) * 10000000 + 300000 FROM numbers""",
    f"""{_numbers(":differences")} INSERT INTO differences (cart_id, listing_id, cause, remedy, amount, seen_quantity, seen_ordered,
            expected_quantity, expected_ordered, opened_at, closed_at, note)
        SELECT 1 + n % 2, 1 + n * 7 % :items, {_one_of("n", "lost sale", "lost post", "edit in the shop")},
            CASE WHEN n > :differences - 30 THEN 'ask' ELSE 'post' END, 1, 5, 10, 4, 10,
            :now - (:differences - n) * ({SPAN_SECONDS} * 1000000 / :differences),
            CASE WHEN n <= :differences - 60 THEN :now END, '' FROM numbers""",
    f"""{_numbers("1440")} INSERT INTO samples (cart_id, at, waiting, in_flight, parked, differences)
        SELECT carts.id, :now - n * 60000000, n % 50, n % 7, 3, 2 FROM numbers JOIN carts WHERE carts.id <= 2""",
)
_OFFICE = (
    f"""{_numbers("500")} INSERT INTO phone_orders (number, person, note, at)
        SELECT 'P-' || n, 'Ann', '', :now - (500 - n) * 60000000 FROM numbers""",
    """INSERT INTO phone_order_lines (order_id, line, item_id, quantity)
        SELECT id, 1, 1 + id * 13 % (SELECT count(*) FROM items), 1 FROM phone_orders""",
    f"""{_numbers(":purchase_orders")} INSERT INTO purchase_orders (number, supplier_id, state, note, person, created_at)
        SELECT 'PO-' || n, 1 + n % 40, {_one_of("n", "draft", "sent", "sent", "closed")}, '', 'Bob', :now FROM numbers""",
    f"""{_numbers("20")} INSERT INTO purchase_order_lines (order_id, line, item_id, ordered, received)
        SELECT id, n, 1 + (id * 20 + n) * {FACTOR} % (SELECT count(*) FROM items), 12, n % 12
        FROM purchase_orders JOIN numbers""",
    "INSERT INTO count_sheets (name, state, person, created_at) VALUES ('Autumn', 'open', 'Ann', :now)",
    """INSERT INTO count_lines (sheet_id, item_id, counted, expected, counted_at, movement, person)
        SELECT 1, id, CASE WHEN id % 2 THEN on_hand + id % 5 - 2 END, CASE WHEN id % 2 THEN on_hand END,
            CASE WHEN id % 2 THEN :now END, CASE WHEN id % 2 THEN :movements END, CASE WHEN id % 2 THEN 'Ann' ELSE '' END
        FROM items WHERE id % 3 = 1 LIMIT :count_lines""",
    f"""{_numbers(":entries")} INSERT INTO audit (at, person, via, verb, arguments)
        SELECT :now - (:entries - n) * 60000000, {_PERSON}, 'screen', {_one_of("n", "receive", "adjust", "item_edit")},
            '{{"sku": "SKU-000500", "change": ' || n || '}}' FROM numbers""",
)
