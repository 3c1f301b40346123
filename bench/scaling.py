"""Measures how far OnHand goes: many quiet carts in one process, several controllers on one PostgreSQL server, and bookings on it.

Quiet carts: ``onhand controller`` on one core, with a store data file and a thousand carts; their shops are one process on the other core
(``shops``). How late looks begin is OnHand's own figure (``onhand status``), beside the pauses that the shops see. Resident memory at the
beginning and at the end.
Controllers: four on one server, beside it and the shops, with a sale now and then. How long until the other shops of the group show it is
seen by the shops. Afterwards the books are added up again, and every shop is compared with them.
Bookings: as in ``bookings``, on PostgreSQL; the floor is one psycopg connection that commits what waits, with the same statements.
"""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import psycopg

from onhand.address import Server, StoreAddress
from onhand.clock import SystemClock
from onhand.services import bookkeeping
from onhand.services.ports import House
from onhand.storage.database import Database
from onhand.storage.times import micros
from onhand.storage.vault import beside
from tests.postgresql import PostgreSQL

from . import bookings, crowd
from .bookings import Booking, Grouped
from .crowd import Street, Used
from .ground import Ground, store
from .measure import Aim, Finding, Summary, in_turns, ratio
from .moving import DURABLE

PRODUCTS = 20  # of each shop
TOGETHER = 4  # shops with the same products
CALM_SECONDS = 60.0  # at most, until every shop was looked at and memory has its size
STATUS_SECONDS = 10.0  # between two questions to ``onhand status``
LATE = Aim("≤", 0.5)  # seconds, of ticks of one
GROWTH = Aim("≤", 5)  # MB
THREADS = (1, 8, 64)
FLOOR = Aim("≥", 0.3)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each is tried."""

    carts: tuple[int, ...] = (100, 300, 1000)
    seconds: float = 180.0  # each
    controllers: int = 4
    shops: int = 400
    sales_per_second: float = 5.0
    rounds: int = 9
    booking_seconds: float = 1.0


QUICK = Size((50,), 6.0, 2, 20, 2.0, 3, 0.3)


def measure(_: Ground, quick: bool) -> list[Finding]:
    size = QUICK if quick else Size()
    findings = [finding for carts in size.carts for finding in _quiet(carts, size.seconds)]
    with PostgreSQL(options=DURABLE) as server, TemporaryDirectory(prefix="onhand-bench-") as home:
        key = Path(home) / "store.key"
        findings += _together(server, key, size)
        findings += _bookings(server, key, size)
    return findings


# One process


def _quiet(carts: int, seconds: float) -> list[Finding]:
    *others, own = crowd.cores()
    with crowd.street(carts, PRODUCTS, TOGETHER, 0.0, others or [own]) as street, store() as path:
        crowd.fill(path, street, beside(path))
        with crowd.controller(path, beside(path), [own], path.with_name("log")) as pid:
            _settle(street, seconds)
            seen = Seen(path, beside(path), [pid], street, seconds)
            _check(path, beside(path), street)
    looks = seen.shops["requests"]["look"]
    named = f"{carts:,} quiet carts in one process"
    memory = seen.memory[0]
    used = f"{memory[-1].threads} threads, {memory[-1].files} open files; {looks / seen.seconds:,.0f} looks a second"
    return [
        Finding(f"{named}, CPU", "", seen.cpu, "cores", note=used),
        Finding(f"{named}, CPU per tick", "", 1000 * seen.cpu * seen.seconds / looks, "ms"),
        Finding(f"{named}, memory", "", memory[-1].resident_mb, "MB"),
        Finding(f"{named}, memory grows", "", memory[-1].resident_mb - memory[0].resident_mb, "MB", GROWTH),
        Finding(f"{named}, looks begin late, p50", "", seen.late.p50, "s", ours=seen.late),
        Finding(f"{named}, looks begin late, p99", "", seen.late.p99, "s", LATE, ours=seen.late),
        Finding(f"{named}, pauses between looks, p99", "", seen.shops["pauses"]["p99"], "s", note="seen by the shops"),
    ]


def _settle(street: Street, seconds: float) -> None:
    """Wait until every shop was looked at twice, and some seconds more."""
    end = time.monotonic() + max(CALM_SECONDS, seconds)
    while time.monotonic() < end and street.figures()["looked"] < street.shops:
        time.sleep(0.5)
    time.sleep(min(CALM_SECONDS, seconds / 2))


class Seen:
    """What some seconds of running controllers showed."""

    def __init__(self, address: StoreAddress, key: Path, pids: list[int], street: Street, seconds: float) -> None:
        street.ask("forget")
        began, end = time.monotonic(), time.monotonic() + seconds
        before = [Used.of(pid) for pid in pids]
        self.memory = [[used] for used in before]  # of each process
        late: list[float] = []
        while True:
            time.sleep(max(0.0, min(STATUS_SECONDS, seconds / 3, end - time.monotonic())))
            carts = status(address, key)["carts"]
            late += [cart["late_seconds"] for cart in carts if cart["late_seconds"] is not None]
            for known, pid in zip(self.memory, pids, strict=True):
                known.append(Used.of(pid))
            if time.monotonic() >= end:
                break
        self.seconds = time.monotonic() - began
        self.cpu = sum(known[-1].cpu_seconds - known[0].cpu_seconds for known in self.memory) / self.seconds
        self.shops = street.figures()
        self.late = Summary.of(late, "s")
        self.in_step = sum(cart["state"] == "in step" for cart in carts)


def status(address: StoreAddress, key: Path) -> dict[str, Any]:
    """What ``onhand status`` says."""
    named = address.url if isinstance(address, Server) else str(address)
    command = [sys.executable, "-m", "onhand", "--store", named, "status", "--json"]
    done = subprocess.run(
        command, check=True, capture_output=True, env={**crowd.environment(), "ONHAND_KEY_FILE": str(key)}
    )
    return dict(json.loads(done.stdout))


def _check(address: StoreAddress, key: Path, street: Street) -> None:
    """Fail if the figures are those of something that does not work."""
    carts = status(address, key)["carts"]
    wrong = [f"{cart['name']}: {cart['state']} {cart['trouble'] or ''}" for cart in carts if cart["trouble"]]
    if wrong or len(carts) != street.shops or street.figures()["looked"] < street.shops:
        raise RuntimeError(f"Not every cart is looked at: {len(carts)} of {street.shops}; {wrong[:3]}")


# Several controllers


def _together(server: PostgreSQL, key: Path, size: Size) -> list[Finding]:
    everywhere, address = crowd.cores(), server.new_store(key)
    sales = size.sales_per_second
    with crowd.street(size.shops, PRODUCTS, TOGETHER, sales, everywhere) as street, ExitStack() as running:
        crowd.fill(address, street, key)
        log = key.with_name("log")
        pids = [running.enter_context(crowd.controller(address, key, everywhere, log)) for _ in range(size.controllers)]
        _settle(street, size.seconds)
        commits, database = _commits(server, address), _server_cpu(server)
        seen = Seen(address, key, pids, street, size.seconds)
        commits, database = _commits(server, address) - commits, _server_cpu(server) - database
        _check(address, key, street)
        _compare(address, key, street)
    looks, shown = seen.shops["requests"]["look"], seen.shops["shown"]
    named = f"{size.controllers} controllers on PostgreSQL, {size.shops} shops"
    memory = sum(known[-1].resident_mb for known in seen.memory)
    grown = memory - sum(known[0].resident_mb for known in seen.memory)
    happened = f"{seen.shops['sold']} sales, {looks / seen.seconds:,.0f} looks and {commits / seen.seconds:,.0f} commits a second"
    return [
        Finding(f"{named}, CPU of the controllers", "", seen.cpu, "cores", note=happened),
        Finding(f"{named}, CPU of the database", "", database / seen.seconds, "cores"),
        Finding(f"{named}, CPU per tick", "", 1000 * seen.cpu * seen.seconds / looks, "ms"),
        Finding(f"{named}, memory", "", memory, "MB", note="all controllers"),
        Finding(f"{named}, memory grows", "", grown, "MB"),
        Finding(f"{named}, looks begin late, p50", "", seen.late.p50, "s", ours=seen.late),
        Finding(f"{named}, looks begin late, p99", "", seen.late.p99, "s", LATE, ours=seen.late),
        Finding(f"{named}, a sale shows in the other shops, p50", "", shown["p50"], "s", note=f"{shown['runs']} times"),
        Finding(f"{named}, a sale shows in the other shops, p99", "", shown["p99"], "s"),
    ]


def _commits(server: PostgreSQL, address: Server) -> int:
    """How often the store was written to."""
    with server.connect(address.database) as connection:
        ((number,),) = connection.execute("SELECT epoch FROM leases WHERE name = 'store'").fetchall()
    return int(number)


def _server_cpu(server: PostgreSQL) -> float:
    """CPU seconds of the database server, all its processes, those that have ended included."""
    return crowd.cpu_seconds(server.pids())


def _compare(address: Server, key: Path, street: Street) -> None:
    """Fail if a shop and the books differ when all is quiet, or the books do not add up."""
    street.ask("close")
    end = time.monotonic() + CALM_SECONDS
    wrong = ["not compared"]
    with Database(address, key_file=key) as database:
        while wrong and time.monotonic() < end:
            time.sleep(1.0)
            here = database.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
            there = {
                (number, product): left
                for number, moved in enumerate(street.ask("stock"))
                for product, left in moved.items()
            }
            wrong = [
                f"{found}: {left}, {here[crowd.sku(found[0] // street.together, int(found[1]))]} here"
                for found, left in there.items()
                if left != here[crowd.sku(found[0] // street.together, int(found[1]))]
            ]
        proof = bookkeeping.prove(House(database, SystemClock()))
    if wrong or not proof.holds:
        raise RuntimeError(f"The shops do not show what the books say: {wrong[:5]} {proof.items[:5]} {proof.carts[:5]}")


# Bookings


def _bookings(server: PostgreSQL, key: Path, size: Size) -> list[Finding]:
    findings, mine, other = [], server.new_store(key), server.new_store(key)
    for address in (mine, other):
        bookings.fill(address)
    for hot, threads in itertools.product((False, True), THREADS):
        with (
            Database(mine, key_file=key) as database,
            Bare(server, other) as bare,
            Each(server, other, threads) as each,
        ):
            chosen = (lambda _: 1) if hot else (lambda item: item)
            ways = (bookings.ours(database), bare.book, each.book)
            works = [partial(bookings.per_second, _of(way, chosen), threads, size.booking_seconds) for way in ways]
            in_turns(1, *works)
            ours, floor, apart = in_turns(size.rounds, *works)
        named = (
            f"bookings on PostgreSQL{' of one hot SKU' if hot else ''}, {threads} thread{'s' if threads > 1 else ''}"
        )
        findings.append(ratio(named, "bare psycopg group commit", ours, floor, "bookings/s", FLOOR))
        findings.append(ratio(named, "bare psycopg, a connection for each thread", ours, apart, "bookings/s"))
    return findings


def _of(book: Callable[[int, str], None], chosen: Callable[[int], int]) -> Callable[[int, str], None]:
    return lambda item, origin: book(chosen(item), origin)


_INSERT = (
    "INSERT INTO movements (at, item_id, kind, quantity, origin, reason, person)"
    " VALUES (%s, %s, 'receipt', 1, %s, '', '')"
)
_MOVE = "UPDATE items SET on_hand = on_hand + 1 WHERE id = %s"
_NEWS = "UPDATE listings SET news = true WHERE item_id = %s AND aligned"


def _book(connection: psycopg.Connection[Any], item: int, origin: str, at: int) -> None:
    """The three statements of a booking."""
    connection.execute(_INSERT, (at, item, origin))
    connection.execute(_MOVE, (item,))
    connection.execute(_NEWS, (item,))


class Bare(Grouped):
    """The floor with nothing but psycopg."""

    def __init__(self, server: PostgreSQL, address: Server) -> None:
        super().__init__()
        self._server, self._address = server, address

    def connect(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return self._server.connect(self._address.database)

    def write(self, connection: psycopg.Connection[Any], group: list[Booking]) -> None:
        with connection.transaction():
            for item, origin, at, _ in group:
                _book(connection, item, origin, at)


class Each:
    """What a program does that thinks of nothing: every thread has its connection, every booking its commit."""

    def __init__(self, server: PostgreSQL, address: Server, threads: int) -> None:
        self._free: queue.SimpleQueue[psycopg.Connection[Any]] = queue.SimpleQueue()
        self._connections = [server.connect(address.database) for _ in range(threads)]
        for connection in self._connections:
            self._free.put(connection)
        self._clock = SystemClock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    def book(self, item: int, origin: str) -> None:
        connection = self._free.get()
        try:
            with connection.transaction():
                _book(connection, item, origin, micros(self._clock.now()))
        finally:
            self._free.put(connection)
