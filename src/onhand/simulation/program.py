"""Runs OnHand in the simulation: one process with its store, its drivers and its memory, until it is killed.

Path: ``world`` starts a ``Program`` on the ``Disk`` that the one before left behind, and kills it.
Promise: the books, services and drivers are the real ones; what was committed survives a kill, what was only remembered does not.
Never: dies inside a transaction: SQLite makes a commit all or nothing, which ``tests/storage`` shows on a real file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import count
from random import Random
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from onhand.domain.carts import Cart
from onhand.domain.errors import Retriable
from onhand.running.controller import Driver, driven
from onhand.services.memory import Memory
from onhand.services.ports import House
from onhand.storage.books import SqlBooks
from onhand.storage.database import translated
from onhand.storage.tables import metadata
from onhand.storage.vault import Vault

from .timeline import SimClock, Timeline
from .wire import Network, Wire

T = TypeVar("T")
_RUNS = count(1)
NO_SECRETS = Vault()  # the simulated wire is not signed


class Killed(BaseException):
    """The death of the process. No ``except Exception`` catches it, as none catches ``kill -9``."""


class Disk:
    """The store data file, in memory. It can be full, and it can be restored to an older copy."""

    def __init__(self) -> None:
        self.full = False
        self.commits = 0
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"isolation_level": None, "check_same_thread": False})
        self.connection = engine.connect()
        self.put_back(_new_store())

    def image(self) -> bytes:
        return bytes(_driver(self.connection).serialize())

    def put_back(self, image: bytes) -> None:
        _driver(self.connection).deserialize(image)
        self.connection.exec_driver_sql("PRAGMA foreign_keys=ON")


class Program:
    """One process, which is also its own ``Store``."""

    def __init__(
        self,
        disk: Disk,
        timeline: Timeline,
        clock: SimClock,
        networks: Mapping[int, Network],
        chance: Random,
        died: Callable[[], None],
    ) -> None:
        self.house = House(self, clock)
        self.run = f"{next(_RUNS):016x}"
        self.dead = False
        self.kill_after: int | None = None  # boundaries until it is killed
        self.kills_hit: Counter[str] = Counter()
        self.memories: defaultdict[int, Memory] = defaultdict(Memory)
        self.drivers: dict[int, Driver] = {}
        self._disk, self._timeline, self._networks, self._chance = disk, timeline, networks, chance
        self._died = died
        self._at_work: set[int] = set()  # carts that a thread of this process speaks to
        self._planned: dict[int, float] = {}
        self._woken: set[int] = set()

    # Living and dying

    def kill(self) -> None:
        self.dead = True
        for network in self._networks.values():
            network.abandon(self)
        self._died()

    def boundary(self) -> None:
        """Mark a point between two steps: here the process may be killed."""
        if self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after <= 0 and not self.dead:
                self.kill()
        self.survive()

    def survive(self) -> None:
        if self.dead:
            raise Killed

    # The store

    def write(self, unit: Callable[[SqlBooks], T]) -> T:
        self.boundary()
        self._timeline.operations += 1
        if self._disk.full:
            raise Retriable("The disk is full: make room, nothing was lost.", reason="disk_full")
        driver, books = _driver(self._disk.connection), SqlBooks(self._disk.connection, NO_SECRETS)
        driver.execute("BEGIN")
        try:
            with translated():
                result = unit(books)
        except BaseException:
            driver.execute("ROLLBACK")
            raise
        driver.execute("COMMIT")
        self._disk.commits += 1
        self.boundary()
        for cart in sorted(books.news):
            self._wake(cart)
        return result

    def read(self, unit: Callable[[SqlBooks], T]) -> T:
        with translated():
            return unit(SqlBooks(self._disk.connection, NO_SECRETS))

    # The controller

    def arrange(self) -> None:
        """Drive the carts that are switched on, as the real controller's supervisor does."""
        wanted = {cart.id: cart for cart in self.read(driven)}
        for cart_id in [
            c for c, driver in self.drivers.items() if c not in wanted or driver.settings != wanted[c].settings
        ]:
            del self.drivers[cart_id]
        for cart_id, cart in wanted.items():
            if cart_id not in self.drivers:
                wire = Wire(self._networks[cart_id], self, self.run)
                self.drivers[cart_id] = Driver(self.house, cart, wire, self.memories[cart_id], self._chance.random)
                self._plan(cart_id, self._timeline.now)

    @contextmanager
    def at_cart(self, cart: Cart) -> Iterator[tuple[Wire, Memory]]:
        """Return a cart's shop and memory while no driver speaks to it. Raise Retriable while one does."""
        if cart.id in self._at_work:
            raise Retriable("Somebody else speaks to this cart.", reason="busy")
        self._at_work.add(cart.id)
        try:
            yield Wire(self._networks[cart.id], self, self.run), self.memories[cart.id]
        finally:
            self._at_work.discard(cart.id)

    def _wake(self, cart: int) -> None:
        if cart in self._at_work:
            self._woken.add(cart)
        elif cart in self.drivers and not self.drivers[cart].failing:
            self._plan(cart, self._timeline.now)

    def _plan(self, cart: int, at: float) -> None:
        self._planned[cart] = at

        def step() -> None:
            if self._planned.get(cart) == at:
                self._step(cart)

        self._timeline.at(at, step)

    def _step(self, cart: int) -> None:
        driver = self.drivers.get(cart)
        if self.dead or driver is None:
            return
        if cart in self._at_work:
            self._plan(cart, self._timeline.now + 0.05)
            return
        self._at_work.add(cart)
        self._woken.discard(cart)
        try:
            driver.step()
        except Killed:
            return
        finally:
            self._at_work.discard(cart)
        if self.drivers.get(cart) is not driver:
            return  # switched off meanwhile, or on again: then another driver has its own plan
        at_once = cart in self._woken and not driver.failing
        self._plan(cart, self._timeline.now if at_once else driver.next_tick)


@cache
def _new_store() -> bytes:
    """Return an empty store; it is made once."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        metadata.create_all(connection)
    with engine.connect() as connection:
        return bytes(_driver(connection).serialize())


def _driver(connection: Connection) -> Any:
    return cast("Any", connection.connection.driver_connection)
