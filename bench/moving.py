"""Measures how long a store with years of trade takes to move to a PostgreSQL server on this machine, and back.

Ours: ``onhand migrate`` after the question: copy, compare and prove, commits on both disks. The memory is the highest of this process.
There is no floor: a bare copy that compares nothing and cannot continue is another work.
"""

from __future__ import annotations

import resource

from onhand import moving
from onhand.address import StoreAddress
from onhand.clock import SystemClock
from onhand.storage.database import Database
from onhand.storage.vault import beside
from tests.postgresql import PostgreSQL

from .ground import Ground, store
from .measure import Finding
from .years import Size, fill

DURABLE = ("-c", "fsync=on", "-c", "full_page_writes=on", "-c", "autovacuum=on")


def measure(_: Ground, quick: bool) -> list[Finding]:
    with store() as path, PostgreSQL(options=DURABLE) as server:
        fill(path, Size().shared(50 if quick else 1))
        with Database(path) as database:  # what the shops should hold adds up too, or nothing is moved
            database.write(_settle)
        address = server.address(server.new_database())
        before = _megabytes()

        def move(source: StoreAddress, target: StoreAddress, work: str) -> Finding:
            done = moving.migrate(
                source,
                target,
                key_file=beside(path),
                person="",
                clock=SystemClock(),
                agree=lambda _: True,
                progress=lambda *_: None,
            )
            rows = f"{done['rows']:,} rows, {done['rows'] / done['seconds']:,.0f} a second"
            return Finding(work, "", done["seconds"], "s", note=f"{rows}; {_megabytes() - before:.0f} MB more memory")

        return [move(path, address, "a store moves to PostgreSQL"), move(address, path, "the same store moves back")]


def _settle(books) -> None:
    for cart in books.carts.all():
        books.carts.move_sums(cart.id, books.listings.sums(cart.id) - cart.sums)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
