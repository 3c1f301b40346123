"""Measures bookings: single movements from several threads at once, each committed to disk before its caller goes on.

Ours: ``bookkeeping.book`` through ``Database.write``.
Floor: the barest loop that keeps the same promise with the sqlite3 module alone: a queue, one writing thread that takes
what waits, three statements for each (the movement, the balance, the listings), one commit. The same file, schema,
indexes and settings, the same number of threads.
"""

from __future__ import annotations

import itertools
import queue
import random
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from onhand.address import StoreAddress
from onhand.clock import SystemClock
from onhand.domain.carts import Settings
from onhand.domain.listings import Tie
from onhand.domain.shop import Row
from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping
from onhand.storage.books import SqlBooks
from onhand.storage.database import GROUP_MAX, Database
from onhand.storage.times import micros

from .ground import Ground, store
from .measure import Aim, Finding, in_turns, ratio

THREADS = (1, 8, 64)
ITEMS = 2_000
CARTS = 2  # each lists every item
AIM = Aim("≥", 0.3)


def measure(ground: Ground, quick: bool) -> list[Finding]:  # noqa: ARG001 - bookings need no shop
    rounds, seconds = (3, 0.4) if quick else (9, 1.0)
    findings = []
    for threads in THREADS:
        with store() as path, store() as other:
            fill(path)
            fill(other)
            with Database(path) as database, Bare(other) as bare:
                works = [partial(per_second, submit, threads, seconds) for submit in (ours(database), bare.book)]
                in_turns(1, *works)
                mine, floor = in_turns(rounds, *works)
        named = f"bookings, {threads} thread{'s' if threads > 1 else ''}"
        findings.append(ratio(named, "bare SQLite group commit", mine, floor, "bookings/s", AIM))
    return findings


def per_second(submit: Callable[[int, str], None], threads: int, seconds: float) -> float:
    """How many bookings a second this many threads get done."""
    counts = [0] * threads
    start = threading.Barrier(threads + 1)
    stamp = time.monotonic_ns()

    def run(thread: int) -> None:
        chance = random.Random(thread)
        start.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            submit(chance.randint(1, ITEMS), f"bench/{stamp}/{thread}/{counts[thread]}")
            counts[thread] += 1

    running = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(threads)]
    for thread in running:
        thread.start()
    start.wait()
    started = time.perf_counter()
    for thread in running:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def ours(database: Database) -> Callable[[int, str], None]:
    clock = SystemClock()

    def submit(item: int, origin: str) -> None:
        movement = Movement(item, Kind.RECEIPT, 1, origin)
        at = clock.now()
        database.write(lambda books: bookkeeping.book(books, [movement], at))

    return submit


Booking = tuple[int, str, int, threading.Lock]  # item, origin, microseconds, and what its caller waits for


class Grouped(ABC):
    """The floor: one writing thread that takes what waits into one commit, and a lock for each caller to wait on."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Booking | None] = queue.SimpleQueue()
        self._clock = SystemClock()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def book(self, item: int, origin: str) -> None:
        done = threading.Lock()
        done.acquire()
        self._queue.put((item, origin, micros(self._clock.now()), done))
        done.acquire()

    @abstractmethod
    def connect(self) -> AbstractContextManager[Any]:
        """Open the connection of the writing thread."""

    @abstractmethod
    def write(self, connection: Any, group: list[Booking]) -> None:
        """Write a group of bookings in one commit."""

    def _work(self) -> None:
        with self.connect() as connection:
            while (first := self._queue.get()) is not None:
                group = [first]
                while len(group) < GROUP_MAX and not self._queue.empty() and (unit := self._queue.get()) is not None:
                    group.append(unit)
                self.write(connection, group)
                for *_, done in group:
                    done.release()


class Bare(Grouped):
    """The floor with nothing but the sqlite3 module."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            yield connection

    def write(self, connection: sqlite3.Connection, group: list[Booking]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for item, origin, at, _ in group:
            connection.execute(
                "INSERT INTO movements (at, item_id, kind, quantity, origin, reason, person)"
                " VALUES (?, ?, 'receipt', 1, ?, '', '')",
                (at, item, origin),
            )
            connection.execute("UPDATE items SET on_hand = on_hand + 1 WHERE id = ?", (item,))
            connection.execute("UPDATE listings SET news = 1 WHERE item_id = ? AND aligned", (item,))
        connection.execute("COMMIT")


def fill(address: StoreAddress) -> None:
    """Items, and carts that list them."""
    clock = SystemClock()

    def write(books: SqlBooks) -> None:
        at = clock.now()
        numbers = list(books.items.add_all([(f"SKU-{n}", f"Item {n}") for n in range(1, ITEMS + 1)], at).values())
        rows = [Row(n, f"SKU-{n}", f"Item {n}", 10, 0, 1, None, None) for n in range(1, ITEMS + 1)]
        ties = {row.product: Tie(item, None) for row, item in zip(rows, numbers, strict=True)}
        for cart in itertools.islice(itertools.count(1), CARTS):
            number = books.carts.add(Settings(f"Cart {cart}", f"http://127.0.0.1/{cart}.php"), at)
            books.listings.insert(number, rows, ties, aligned=True)

    with Database(address) as database:
        database.write(write)
