"""Makes a store with very many small carts, and runs controllers on it, each a process of its own on chosen cores.

Path: ``scaling`` opens a ``Street`` of shops, fills a store for it, and starts ``onhand controller`` as a service manager does.
Promise: carts are filled in as a Get would have left them; every process is stopped by who started it.
Never: measures.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onhand.address import Server, StoreAddress
from onhand.carts import signing
from onhand.carts.endpoint import Endpoint
from onhand.clock import SystemClock
from onhand.domain.carts import Settings
from onhand.domain.listings import Direction, Tie
from onhand.domain.numbering import Place
from onhand.domain.shop import Row
from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping
from onhand.storage.books import SqlBooks
from onhand.storage.database import Database

from .shops import AT_FIRST, catalogue, first_epoch, shelf, sku

STOP_SECONDS = 30.0
CARTS_AT_ONCE = 100  # in one commit
# The cores are chosen before the first thread begins: all others have them then.
_PINNED = """
import os, runpy, sys
os.sched_setaffinity(0, map(int, sys.argv.pop(1).split(",")))
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Street:
    """A running process of many shops."""

    url: str
    key_id: str
    secret: str
    shops: int
    together: int
    products: int

    def address(self, number: int) -> str:
        return f"{self.url}/{number}/onhand.php"

    def figures(self) -> dict[str, Any]:
        return dict(self.ask("figures"))

    def ask(self, what: str) -> Any:
        """What the shops' process says of all of them."""
        with urllib.request.urlopen(f"{self.url}/{what}", timeout=30) as answer:
            return json.load(answer)


@contextmanager
def street(shops: int, products: int, together: int, sales: float, on: Iterable[int]) -> Iterator[Street]:
    """Open this many shops on these cores. ``sales``: a second, in all of them together."""
    key_id, secret = signing.new_key()
    with tempfile.TemporaryDirectory(prefix="onhand-bench-") as home:
        file = Path(home) / "secret"
        file.touch(mode=0o600)
        file.write_text(secret)
        given = {"shops": shops, "products": products, "together": together, "sales": sales, "key-id": key_id}
        options = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        with running("bench.shops", [*options, "--secret-file", str(file)], on, subprocess.PIPE) as process:
            assert process.stdout is not None
            url = process.stdout.readline().decode().strip()
            yield Street(url, key_id, secret, shops, together, products)


def fill(address: StoreAddress, of: Street, key_file: Path) -> None:
    """Add a cart for each shop, aligned and switched on, and an item for each product of a group."""
    at = SystemClock().now()
    groups = [range(first, min(first + of.together, of.shops)) for first in range(0, of.shops, of.together)]
    hello = Endpoint(of.address(0), of.key_id, of.secret, clock=time.time).hello()
    products = range(1, of.products + 1)

    def add(books: SqlBooks, numbers: range) -> None:
        names = {product: sku(numbers.start // of.together, product) for product in products}
        items = {product: books.items.add(name, f"Product {name}", at) for product, name in names.items()}
        opening = [Movement(item, Kind.OPENING, AT_FIRST, f"opening/{item}") for item in items.values()]
        bookkeeping.book(books, opening, at)
        rows = [Row(product, name, f"Product {name}", AT_FIRST, 0, 1, None, None) for product, name in names.items()]
        ties = {product: Tie(item, None) for product, item in items.items()}
        for number in numbers:
            settings = Settings(f"Shop {number:05}", of.address(number), of.key_id, of.secret)
            cart, epoch = books.carts.add(settings, at), first_epoch(number)
            books.listings.insert(cart, rows, ties, aligned=True)
            books.carts.greet(cart, replace(hello, epoch=epoch))
            books.carts.align(cart, epoch, 1, Place(0, 0), shelf(of.products))
            books.carts.remember_catalogue(cart, str(catalogue(numbers.start // of.together, of.products)))
            books.carts.settle_alignment(cart, books.ledger.last(), Direction.GET, at)
            books.carts.switch(cart, True)

    with Database(address, key_file=key_file) as database:
        database.write(lambda books: books.parameters.set("SynchQOH", "True", "", at))
        at_once = max(1, CARTS_AT_ONCE // of.together)
        for first in range(0, len(groups), at_once):
            some = groups[first : first + at_once]
            database.write(lambda books, some=some: [add(books, numbers) for numbers in some] and None)


@dataclass(frozen=True, slots=True)
class Used:
    """What a process has used up to a moment."""

    cpu_seconds: float
    resident_mb: float
    threads: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Used:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return cls(
            cpu_seconds([pid]),
            int(status["VmRSS"].split()[0]) / 1024,
            int(status["Threads"]),
            len(list(Path(f"/proc/{pid}/fd").iterdir())),
        )


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU seconds of a process and its children, those that have ended included. The parent comes first."""
    total = 0
    for number, pid in enumerate(pids):
        with suppress(OSError):  # one that has just ended, which its parent counts from now on
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:13] if number else fields[11:15]))
    return total / TICKS_PER_SECOND


@contextmanager
def controller(address: StoreAddress, key_file: Path, on: Iterable[int], log: Path) -> Iterator[int]:
    """Run ``onhand controller`` on these cores; the process id."""
    options = ["--store", address.url if isinstance(address, Server) else str(address), "controller"]
    with log.open("ab") as out, running("onhand", options, on, out, ONHAND_KEY_FILE=str(key_file)) as process:
        yield process.pid


def environment() -> dict[str, str]:
    """The variables of a process that is started here: modules are found where this one found them."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@contextmanager
def running(
    module: str, options: Sequence[str], on: Iterable[int], out: Any, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module in a process of its own, on these cores, until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PINNED, ",".join(map(str, on)), module, *options],
        stdout=out,
        stderr=None if out == subprocess.PIPE else subprocess.STDOUT,
        env={**environment(), **variables},
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
