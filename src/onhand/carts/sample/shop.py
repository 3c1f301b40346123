"""Trades as carelessly as osCommerce 2.3 does, on an SQLite file with its tables.

Path: ``storefront`` and ``__main__`` sell through it; the demo and tests also call it as a shop's staff would.
Promise: every statement commits alone; ``products_quantity`` is written as SELECT, subtract here, UPDATE with a
literal, so simultaneous buyers lose each other's sales for real; ``products_ordered`` moves relatively and is exact.
Never: knows of OnHand, of its posts or of its connector.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from .catalogue import SKU_LENGTH, Article
from .tables import SCHEMA, Pool

PENDING = 1  # orders_status of a placed order
PREPARING = 4  # orders_status of an order whose payment is still open elsewhere
BARRIER_SECONDS = 30.0  # how long simultaneous buyers wait for each other

Products = Iterable[Article | tuple[str, str, int, float]]  # the tuple: SKU, name, quantity, price


class Unavailable(Exception):
    """The shop does not sell this product: unknown, switched off, or sold out. The message is for the buyer."""


@dataclass(frozen=True, slots=True)
class Ware:
    """One product as the shop has it."""

    product: int
    sku: str | None
    name: str
    quantity: int
    ordered: int
    status: int
    price: float
    modified: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """One order as the admin page lists it; ``lines`` are (line, product, SKU, name, n)."""

    order: int
    status: int
    placed: str
    lines: tuple[tuple[int, int, str | None, str, int], ...]


class SampleShop:
    """One shop. Thread-safe; that threads race inside is its purpose."""

    def __init__(self, path: str | Path, name: str = "Sample Shop", think_seconds: float = 0.0) -> None:
        self.path = Path(path)
        self.think_seconds = think_seconds  # between a buyer's SELECT and UPDATE; widens the race
        self.connector_lock = threading.Lock()  # the equivalent of MySQL's GET_LOCK; this process is the only one
        self._name = name
        self._pool = Pool(self.path)

    @property
    def name(self) -> str:
        """Return the shop's name, read at run time as the cart does."""
        return (self.switch("STORE_NAME") if self.created else None) or self._name

    @property
    def created(self) -> bool:
        """Return whether the file already holds a shop."""
        with self.connection() as db:
            return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'products'").fetchone())

    def connection(self) -> AbstractContextManager[sqlite3.Connection]:
        """Open a database connection for one user, in autocommit."""
        return self._pool.connection()

    def close(self) -> None:
        self._pool.close()

    # Setting up

    def create(self, products: Products = (), allow_checkout: bool = False) -> SampleShop:
        """Make the tables and fill the shelves. ``allow_checkout`` lets buyers order more than there is."""
        with self.connection() as db:
            db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT INTO configuration (configuration_key, configuration_value) VALUES (?, ?)",
                [
                    ("STORE_NAME", self._name),
                    ("STOCK_CHECK", "true"),
                    ("STOCK_LIMITED", "true"),
                    ("STOCK_ALLOW_CHECKOUT", "true" if allow_checkout else "false"),
                    ("DOWNLOAD_ENABLED", "false"),
                ],
            )
            articles = [article if isinstance(article, Article) else Article(*article) for article in products]
            db.executemany(
                "INSERT INTO products (products_id, products_quantity, products_model, products_price,"
                " products_date_added, products_status) VALUES (?, ?, ?, ?, datetime('now'), 1)",
                [(id_, a.quantity, a.sku[:SKU_LENGTH], a.price) for id_, a in enumerate(articles, 1)],
            )
            db.executemany(
                "INSERT INTO products_description (products_id, products_name) VALUES (?, ?)",
                [(id_, a.name) for id_, a in enumerate(articles, 1)],
            )
            db.execute("COMMIT")
        return self

    def switch(self, key: str) -> str | None:
        """Return a setting's value, read from the table each time, as the cart does."""
        with self.connection() as db:
            found = db.execute(
                "SELECT configuration_value FROM configuration WHERE configuration_key = ?", (key,)
            ).fetchone()
        return None if found is None else str(found[0])

    def set_switch(self, key: str, value: str) -> None:
        with self.connection() as db:
            db.execute("UPDATE configuration SET configuration_value = ? WHERE configuration_key = ?", (value, key))

    # Buying

    def buy(self, product: int | str, n: int = 1) -> int:
        """Buy one product, paid at once; return the order's id. Raise ``Unavailable``."""
        return self.buy_all([(product, n)])

    def buy_all(self, lines: Sequence[tuple[int | str, int]]) -> int:
        """Buy several (product id or SKU, n), paid at once; return the order's id. Raise ``Unavailable``."""
        return self._check_out(self._basket(lines), self._think)

    def buy_together(self, product: int | str, buyers: int, n: int = 1) -> list[int]:
        """Place as many orders as there are buyers, all of whom read the quantity before any writes it: (buyers - 1)·n units are never
        subtracted. Return the orders' ids. Raise ``Unavailable``."""
        basket = self._basket([(product, n)])
        barrier = threading.Barrier(buyers, timeout=BARRIER_SECONDS)

        def one_buyer(_: int) -> int:
            try:
                return self._check_out(basket, lambda: _meet(barrier))
            except BaseException:
                barrier.abort()
                raise

        with ThreadPoolExecutor(buyers) as pool:
            return list(pool.map(one_buyer, range(buyers)))

    def prepare(self, product: int | str, n: int = 1) -> int:
        """Prepare an order whose buyer went away to pay elsewhere: order and line, no history, no counter."""
        ware, n = self._basket([(product, n)])[0]
        with self.connection() as db:
            order = self._insert_order(db, [(ware, n)], PREPARING)
            self._insert_line(db, order, ware, n)
        return order

    def pay(self, order: int) -> None:
        """Receive the payment of a prepared order: status, history, then the counters of its lines."""
        with self.connection() as db:
            lines = db.execute(
                "SELECT products_id, products_quantity FROM orders_products WHERE orders_id = ?", (order,)
            ).fetchall()
            db.execute("UPDATE orders SET orders_status = ? WHERE orders_id = ?", (PENDING, order))
            self._insert_history(db, order)
            for product, n in lines:
                self._take(db, product, n, self._think)

    def abandon(self, order: int) -> None:
        """Delete a prepared order whose buyer never came back; nothing else happens."""
        self.delete_order(order, restock=False)

    # The shop's admin

    def admin_save(self, product: int | str, quantity: int) -> None:
        """Save the product form: it writes the quantity it was loaded with, or the one typed over it, absolutely."""
        self.admin_set(product, quantity=quantity)

    def admin_set(self, product: int | str, modified: bool = True, **columns: int | str | None) -> None:
        """Write the given ones of ``quantity``, ``ordered``, ``status`` and ``model``; ``modified`` as the form does."""
        chosen = {key: columns[key] for key in ("quantity", "ordered", "status", "model") if key in columns}
        changes = [f"products_{key} = ?" for key in chosen] + ["products_last_modified = datetime('now')"] * modified
        with self.connection() as db:
            id_ = self._ware(db, product).product
            db.execute(f"UPDATE products SET {', '.join(changes)} WHERE products_id = ?", (*chosen.values(), id_))

    def rename(self, product: int | str, sku: str) -> None:
        """Give a product another SKU, silently cut to the column's width, as the cart does."""
        self.admin_set(product, model=sku[:SKU_LENGTH])

    def add_product(
        self, sku: str | None, name: str, quantity: int, price: float = 9.90, status: int = 1, ordered: int = 0
    ) -> int:
        """Add a product; return its id."""
        with self.connection() as db:
            id_ = db.execute(
                "INSERT INTO products (products_quantity, products_model, products_price, products_date_added,"
                " products_status, products_ordered) VALUES (?, ?, ?, datetime('now'), ?, ?)",
                (quantity, sku[:SKU_LENGTH] if sku is not None else None, price, status, ordered),
            ).lastrowid
            db.execute("INSERT INTO products_description (products_id, products_name) VALUES (?, ?)", (id_, name))
        return int(id_ or 0)

    def delete_product(self, product: int | str) -> None:
        with self.connection() as db:
            id_ = self._ware(db, product).product
            db.execute("DELETE FROM products WHERE products_id = ?", (id_,))
            db.execute("DELETE FROM products_description WHERE products_id = ?", (id_,))

    def delete_order(self, order: int, restock: bool) -> None:
        """Delete an order; ``restock`` puts its goods back relatively, as the admin's box does."""
        with self.connection() as db:
            if restock:
                for product, n in db.execute(
                    "SELECT products_id, products_quantity FROM orders_products WHERE orders_id = ?", (order,)
                ).fetchall():
                    db.execute(
                        "UPDATE products SET products_quantity = products_quantity + ?,"
                        " products_ordered = products_ordered - ? WHERE products_id = ?",
                        (n, n, product),
                    )
            for table in ("orders", "orders_products", "orders_status_history", "orders_total"):
                db.execute(f"DELETE FROM {table} WHERE orders_id = ?", (order,))

    # Looking around

    def stock(self, offset: int = 0, limit: int = -1) -> list[Ware]:
        """Return products in id order; all of them unless limited."""
        with self.connection() as db:
            return [_ware(row) for row in db.execute(f"{_WARES} ORDER BY 1 LIMIT ? OFFSET ?", (limit, offset))]

    def find(self, product: int | str) -> Ware | None:
        """Return the product of that id or SKU."""
        with self.connection() as db:
            return self._find(db, product)

    def count(self) -> int:
        """Return how many products there are."""
        with self.connection() as db:
            return int(db.execute("SELECT count(*) FROM products").fetchone()[0])

    def orders(self, limit: int = 50) -> list[Order]:
        """Return the latest orders, latest first."""
        with self.connection() as db:
            heads = db.execute(
                "SELECT orders_id, orders_status, coalesce(date_purchased, '') FROM orders ORDER BY 1 DESC LIMIT ?",
                (limit,),
            ).fetchall()
            lines: dict[int, list[tuple[int, int, str | None, str, int]]] = {head[0]: [] for head in heads}
            for order, *line in db.execute(
                "SELECT orders_id, orders_products_id, products_id, products_model, products_name, products_quantity"
                " FROM orders_products WHERE orders_id >= ? ORDER BY orders_products_id",
                (min(lines, default=0),),
            ):
                if order in lines:
                    lines[order].append((line[0], line[1], line[2], line[3], line[4]))
        return [Order(order, status, placed, tuple(lines[order])) for order, status, placed in heads]

    # The careless checkout

    def _think(self) -> None:
        if self.think_seconds:
            time.sleep(self.think_seconds)

    def _basket(self, lines: Sequence[tuple[int | str, int]]) -> list[tuple[Ware, int]]:
        """Check the stock a last time before the order is written; the act comes later."""
        allow_checkout = self.switch("STOCK_ALLOW_CHECKOUT") == "true"
        basket = []
        with self.connection() as db:
            for product, n in lines:
                ware = self._ware(db, product)
                if n < 1:
                    raise Unavailable("Order at least one.")
                if not allow_checkout and (ware.quantity < n or not ware.status):
                    raise Unavailable(f"{ware.name or ware.sku}: only {max(ware.quantity, 0)} left; order fewer.")
                basket.append((ware, n))
        return basket

    def _check_out(self, basket: Sequence[tuple[Ware, int]], think: Callable[[], None]) -> int:
        with self.connection() as db:
            order = self._insert_order(db, basket, PENDING)
            self._insert_history(db, order)
            for ware, n in basket:
                self._take(db, ware.product, n, think)
                self._insert_line(db, order, ware, n)
        return order

    def _insert_order(self, db: sqlite3.Connection, basket: Sequence[tuple[Ware, int]], status: int) -> int:
        order = db.execute(
            "INSERT INTO orders (customers_name, payment_method, date_purchased, orders_status)"
            " VALUES ('A. Buyer', ?, datetime('now'), ?)",
            ("Pay elsewhere" if status == PREPARING else "Cash on delivery", status),
        ).lastrowid
        db.execute(
            "INSERT INTO orders_total (orders_id, title, value, class) VALUES (?, 'Total:', ?, 'ot_total')",
            (order, round(sum(ware.price * n for ware, n in basket), 4)),
        )
        return int(order or 0)

    def _insert_history(self, db: sqlite3.Connection, order: int) -> None:
        db.execute(
            "INSERT INTO orders_status_history (orders_id, orders_status_id, date_added)"
            " VALUES (?, ?, datetime('now'))",
            (order, PENDING),
        )

    def _take(self, db: sqlite3.Connection, product: int, n: int, think: Callable[[], None]) -> None:
        """Decrement the quantity with a hole in the middle: a change of the quantity during ``think`` is erased."""
        found = db.execute(_QUANTITY_AND_DOWNLOAD, (product,)).fetchone()
        if found is not None and not found[1]:
            left = found[0] - n
            think()
            db.execute("UPDATE products SET products_quantity = ? WHERE products_id = ?", (left, product))
            if left < 1 and self.switch("STOCK_ALLOW_CHECKOUT") == "false":
                db.execute("UPDATE products SET products_status = 0 WHERE products_id = ?", (product,))
        db.execute("UPDATE products SET products_ordered = products_ordered + ? WHERE products_id = ?", (n, product))

    def _insert_line(self, db: sqlite3.Connection, order: int, ware: Ware, n: int) -> None:
        db.execute(
            "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price,"
            " final_price, products_quantity) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (order, ware.product, ware.sku, ware.name, ware.price, ware.price, n),
        )

    def _ware(self, db: sqlite3.Connection, product: int | str) -> Ware:
        ware = self._find(db, product)
        if ware is None:
            raise Unavailable(f"There is no product {product} here.")
        return ware

    def _find(self, db: sqlite3.Connection, product: int | str) -> Ware | None:
        column = "p.products_model" if isinstance(product, str) else "p.products_id"
        row = db.execute(f"{_WARES} WHERE {column} = ? ORDER BY 1 LIMIT 1", (product,)).fetchone()
        return None if row is None else _ware(row)


_WARES = """
SELECT p.products_id, p.products_model, coalesce(d.products_name, ''), p.products_quantity, p.products_ordered,
       p.products_status, p.products_price, p.products_last_modified
FROM products p LEFT JOIN products_description d ON d.products_id = p.products_id AND d.language_id = 1"""

# A product with a file behind any option is exempt from the decrement while downloads are enabled.
_QUANTITY_AND_DOWNLOAD = """
SELECT p.products_quantity, EXISTS (
    SELECT 1 FROM configuration c
    JOIN products_attributes a ON a.products_id = p.products_id
    JOIN products_attributes_download f ON f.products_attributes_id = a.products_attributes_id
    WHERE c.configuration_key = 'DOWNLOAD_ENABLED' AND c.configuration_value = 'true')
FROM products p WHERE p.products_id = ?"""


def _meet(barrier: threading.Barrier) -> None:
    barrier.wait()


def _ware(row: tuple[int, str | None, str, int, int, int, float, str | None]) -> Ware:
    return Ware(row[0], row[1], row[2], row[3], row[4], row[5], float(row[6]), row[7])
