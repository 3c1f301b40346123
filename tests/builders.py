"""Builds small worlds for tests: a clock moved by hand, a store data file, and sample shops reached over HTTP.

Path: ``tests/services`` and ``tests/storage`` stand on it.
Promise: real storage, real shops, real requests; only time is held, and only the wire can be made to fail.
Never: asserts anything, or stands in for code of ours.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import text

from onhand.address import Server, StoreAddress
from onhand.carts.endpoint import Endpoint
from onhand.carts.sample import SampleShop, serve
from onhand.domain.carts import Cart, Settings
from onhand.domain.differences import Policy
from onhand.domain.lines import LineChange, LineUnits, SoldLine
from onhand.domain.listings import Listing, Plan
from onhand.domain.shop import Line, Row
from onhand.services import aligning, items, settings, ticking
from onhand.services.memory import Memory
from onhand.services.ports import House
from onhand.services.ticking import Seen
from onhand.storage import vault
from onhand.storage.database import Database, create
from tests.postgresql import shared_postgresql

KEY_ID, SECRET = "tests-1", "5e" * 32
SETTLE = 3.0  # seconds; the system's default
FILE, SERVER = "file", "postgresql"
ENGINES = [FILE, pytest.param(SERVER, marks=pytest.mark.postgresql)]
# For a test of what only a store data file has.
in_a_file = pytest.mark.parametrize("kept_in", [FILE])


def line(number: int, quantity: int = 1, product: int = 1, order: int = 1, paid: bool = True) -> Line:
    """An order line as a shop tells it."""
    return Line(number, order, product, f"SKU-{product}", quantity, 1, paid)


def sold(told: Line, **others: object) -> SoldLine:
    """An order line as the books hold it once it is sold."""
    taken = LineUnits(told.quantity)
    return replace(SoldLine("e1", told.line, told.order, told.product, 7, told.quantity, taken), **others)  # type: ignore[arg-type]


def went(told: Line) -> LineChange:
    """A sold line that is gone."""
    return LineChange(sold(told), 0, gone=True)


def edited(told: Line, now: int) -> LineChange:
    """A sold line with other units on it now."""
    return LineChange(sold(told), now)


def row(product: int = 1, quantity: int = 10, ordered: int = 0, **others: object) -> Row:
    """A product as a shop tells it."""
    plain = Row(product, f"SKU-{product}", f"Thing {product}", quantity, ordered, 1, None, None)
    return replace(plain, **others)  # type: ignore[arg-type]


def listing(product: int = 1, quantity: int = 10, ordered: int = 0, **others: object) -> Listing:
    """A product that is kept in step, as the books hold it."""
    plain = Listing(
        product, 1, product, f"SKU-{product}", f"Thing {product}", 1, None, 0, 7, None, False, None, True, ordered,
        quantity + ordered, 0, 0, False, False, False, None, None,
    )  # fmt: skip
    return replace(plain, **others)  # type: ignore[arg-type]


class HandClock:
    """Time that passes only when it is told to. Each question moves it by a microsecond, as no two moments are one."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)
        self._monotonic = 1000.0
        self.while_asleep: list[Callable[[], None]] = []  # what happens during the next sleeps, one each

    def now(self) -> datetime:
        self._now += timedelta(microseconds=1)
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        if self.while_asleep:
            self.while_asleep.pop(0)()
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


class Wire:
    """The way to a shop, where things can happen before a request arrives and after it was answered.

    What is put into ``before`` and ``after`` under a verb's name happens once. Raised after an answer, an error stands for
    an answer that was lost; raised before, for a request that was.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.before: defaultdict[str, list[Callable[[], object]]] = defaultdict(list)
        self.after: defaultdict[str, list[Callable[[], object]]] = defaultdict(list)
        self.asked: list[str] = []

    def __getattr__(self, verb: str):
        method = getattr(self._endpoint, verb)

        def ask(*args, **kwargs):
            self.asked.append(verb)
            if self.before[verb]:
                self.before[verb].pop(0)()
            answer = method(*args, **kwargs)
            if self.after[verb]:
                self.after[verb].pop(0)()
            return answer

        return ask


def failing(error: Exception) -> Callable[[], None]:
    """Something to put on a wire: it fails."""

    def fail() -> None:
        raise error

    return fail


class Stall:
    """One cart: the shop, the wire to it, and what the controller remembers of it."""

    def __init__(self, world: World, name: str, sample: SampleShop) -> None:
        self.world, self.name, self.sample = world, name, sample
        self.front = serve(sample, key_id=KEY_ID, secret=SECRET)
        self.endpoint = Endpoint(self.front.connector_url, KEY_ID, SECRET, clock=time.time)
        self.wire = Wire(self.endpoint)
        self.memory = Memory()
        self._edits = 0
        own = Settings(name, self.front.connector_url, KEY_ID, SECRET)
        self.id = world.store.write(lambda books: books.carts.add(own, world.clock.now()))

    @property
    def cart(self) -> Cart:
        return self.world.store.read(lambda books: books.carts.get(self.id))

    def set(self, **changed: object) -> None:
        """Edit the cart's settings."""
        edited = replace(self.cart.settings, **changed)  # type: ignore[arg-type]
        self.world.store.write(lambda books: books.carts.edit(self.id, edited))

    def policy(self, policy: Policy) -> None:
        self.set(policy=policy)

    # What OnHand does with it

    def get(self, create: bool = True) -> list[Plan]:
        return aligning.get_qoh(self.world.house, self.cart, self.wire, self.memory, create, _silent)

    def send(self, batch_size: int = 1000) -> list[Plan]:
        return aligning.send_qoh(self.world.house, self.cart, self.wire, self.memory, batch_size, _silent)

    def enable(self, force: str = "") -> int:
        return aligning.enable(self.world.house, self.cart, self.wire, self.memory, force, "")

    def tick(self, seconds: float = 1.0, deliver: bool = True) -> bool | None:
        """A tick, after the clock moved on by one tick's time."""
        self.world.clock.advance(seconds)
        pace = self.world.store.read(lambda books: settings.pace_of(books, self.cart))
        step = ticking.tick if deliver else ticking.observe
        seen = step(self.world.house, self.id, self.wire, self.memory, pace)
        return None if seen is Seen.NOT_COMPARED else seen is Seen.IN_STEP

    def settle(self, ticks: int = 6) -> None:
        """Ticks enough for everything to be seen twice, the settling time apart, and to be posted."""
        for _ in range(ticks):
            self.tick()

    def restart(self) -> None:
        """The controller was killed and started again: what it only remembered is gone."""
        self.memory = Memory()

    # What is to be seen

    def shows(self, sku: str) -> int:
        ware = self.sample.find(sku)
        assert ware is not None
        return ware.quantity

    def listing(self, sku: str) -> Listing:
        """The live listing of a SKU."""
        found = self.world.store.read(lambda books: books.listings.all(self.id))
        return next(x for x in found if x.model == sku and x.problem != "deleted")

    def differences(self, open_only: bool = False) -> list[dict]:
        """Oldest first."""
        return self.world.store.read(lambda books: books.reports.differences(self.id, open_only, 1000))[::-1]

    def causes(self) -> list[tuple[str, int]]:
        return [(str(x["cause"]), x["amount"]) for x in self.differences()]

    # What happens in the shop

    def sql(self, statement: str, *values: object) -> list[tuple]:
        """A statement on the shop's own database, committed alone."""
        with self.sample.connection() as db:
            return db.execute(statement, values).fetchall()

    def edit(self, sku: str, quantity: int) -> None:
        """The product form, saved at a moment that no other save has."""
        self._edits += 1
        self.sql(
            "UPDATE products SET products_quantity = ?, products_last_modified = datetime('now', ?)"
            " WHERE products_model = ?",
            quantity,
            f"{self._edits} seconds",
            sku,
        )

    def checkout(self, sku: str, n: int = 1, line_first: bool = False) -> Iterator[str]:
        """A sale, one statement per step: in the order of osCommerce 2.3, or with ``line_first`` in that of Phoenix."""
        product = self.sample.find(sku).product
        with closing(sqlite3.connect(self.sample.path, isolation_level=None)) as db:
            order = db.execute(
                "INSERT INTO orders (customers_name, payment_method, date_purchased, orders_status)"
                " VALUES ('B. Buyer', 'Cash', datetime('now'), 1)"
            ).lastrowid
            yield "order"
            db.execute(
                "INSERT INTO orders_total (orders_id, title, value, class) VALUES (?, 'Total', 1, 't')", (order,)
            )
            yield "total"
            if line_first:
                _insert_line(db, order, product, sku, n)
                yield "line"
            else:
                _insert_history(db, order)
                yield "history"
            left = (
                db.execute("SELECT products_quantity FROM products WHERE products_id = ?", (product,)).fetchone()[0] - n
            )
            yield "read"
            db.execute("UPDATE products SET products_quantity = ? WHERE products_id = ?", (left, product))
            yield "quantity"
            if left < 1 and self.sample.switch("STOCK_ALLOW_CHECKOUT") == "false":
                db.execute("UPDATE products SET products_status = 0 WHERE products_id = ?", (product,))
                yield "status"
            db.execute(
                "UPDATE products SET products_ordered = products_ordered + ? WHERE products_id = ?", (n, product)
            )
            yield "counter"
            if line_first:
                _insert_history(db, order)
                yield "history"
            else:
                _insert_line(db, order, product, sku, n)
                yield "line"


class World:
    """A house with its carts. Close it."""

    def __init__(self, folder: Path, kept_in: str = FILE) -> None:
        self.folder = folder
        self.path = folder / "store.db"  # of the file, if the store is one
        self.key_file = vault.beside(self.path)
        self.address = new_store(self.path, kept_in)
        self.clock = HandClock()
        self.store = self._open()
        self.house = House(self.store, self.clock)
        self.stalls: list[Stall] = []

    def _open(self) -> Database:
        return Database(self.address, key_file=self.key_file)

    def close(self) -> None:
        for stall in self.stalls:
            stall.endpoint.disconnect()
            stall.front.stop()
            stall.sample.close()
        self.store.close()
        forget_store(self.address)

    def cart(self, name: str, wares: dict[str, int] | Sequence[tuple[str, int]], allow_checkout: bool = True) -> Stall:
        """A sample shop with these SKUs and quantities, and our cart for it; not aligned."""
        pairs = list(wares.items()) if isinstance(wares, dict) else list(wares)
        sample = SampleShop(self.folder / f"{name}.db", name).create(
            [(sku, f"Thing {sku}", quantity, 1.0) for sku, quantity in pairs], allow_checkout
        )
        self.stalls.append(Stall(self, name, sample))
        return self.stalls[-1]

    def running(self, *names: str, wares: dict[str, int], allow_checkout: bool = True) -> list[Stall]:
        """Carts with equal wares, aligned and switched on."""
        self.parameter("SynchQOH", "true")
        carts = [self.cart(name, wares, allow_checkout) for name in names]
        carts[0].get()
        for cart in carts[1:]:
            cart.send()
        for cart in carts:
            cart.enable()
            cart.tick()
        return carts

    def parameter(self, name: str, value: str) -> None:
        settings.set_parameter(self.house, name, value, "")

    def item(self, sku: str, on_hand: int = 0) -> None:
        items.add(self.house, sku, "", on_hand, "")

    def on_hand(self, sku: str) -> int:
        return self.store.read(lambda books: items.find(books, [sku]))[0].on_hand

    def movements(self, sku: str) -> list[tuple[str, int]]:
        """Kind and quantity, oldest first."""

        def read(books):
            item = items.find(books, [sku])[0].id
            return [(str(e.movement.kind), e.movement.quantity) for e in books.ledger.of_item(item, 100_000)][::-1]

        return self.store.read(read)

    def reopen(self) -> None:
        """The program ended and was started again on the same file."""
        self.store.close()
        self.store = self._open()
        self.house = House(self.store, self.clock)
        for stall in self.stalls:
            stall.restart()

    def sql(self, statement: str, **values: object) -> None:
        """Run a statement on our own books that no part of OnHand would run."""
        self.store.write(lambda books: books._connection.execute(text(statement), values))

    def backup(self) -> StoreAddress:
        """Copy the store as it is now. The program goes on."""
        self.store.close()
        if isinstance(self.address, Server):
            copy: StoreAddress = shared_postgresql().copy(self.address)
        else:
            copy = self.path.with_name(f"copy-{time.monotonic_ns()}.db")
            shutil.copy(self.path, copy)
            shutil.copy(self.key_file, vault.beside(copy))
        self.store = self._open()
        self.house = House(self.store, self.clock)
        return copy

    def put_back(self, copy: StoreAddress) -> None:
        """Restore the store from a copy, and start the program again."""
        self.store.close()
        if isinstance(self.address, Server) and isinstance(copy, Server):
            shared_postgresql().put_back(self.address, copy)
        elif isinstance(copy, Path):
            shutil.copy(copy, self.path)
        self.reopen()


def new_store(path: Path, kept_in: str = FILE) -> StoreAddress:
    """A new store, in a file at this path or in a database, with its key file beside the path."""
    if kept_in == SERVER:
        return shared_postgresql().new_store(vault.beside(path))
    store, key = _empty_store()
    path.write_bytes(store)
    vault.beside(path).write_bytes(key)
    return path


@contextmanager
def opened(path: Path, kept_in: str) -> Iterator[Database]:
    """A new store, open."""
    address = new_store(path, kept_in)
    with Database(address, key_file=vault.beside(path)) as store:
        yield store
    forget_store(address)


def forget_store(address: StoreAddress) -> None:
    """Give a store's database back, as hundreds of them would fill a disk. A file goes with its folder."""
    if isinstance(address, Server):
        shared_postgresql().take_back(address)


@cache
def _empty_store() -> tuple[bytes, bytes]:
    """A store and its key as ``onhand init`` makes them. They are made once in a process, as that takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        create(path)
        return path.read_bytes(), vault.beside(path).read_bytes()


def _insert_line(db: sqlite3.Connection, order: int | None, product: int, sku: str, n: int) -> None:
    db.execute(
        "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price,"
        " final_price, products_quantity) VALUES (?, ?, ?, '', 1, 1, ?)",
        (order, product, sku, n),
    )


def _insert_history(db: sqlite3.Connection, order: int | None) -> None:
    db.execute(
        "INSERT INTO orders_status_history (orders_id, orders_status_id, date_added) VALUES (?, 1, datetime('now'))",
        (order,),
    )


def _silent(phase: str, done: int, of: int) -> None:
    """Nobody watches the progress of a test."""
