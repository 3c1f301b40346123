"""Puts OnHand together: the only module that knows both storage and carts.

Path: ``cli`` (directly or through ``serving.server``) opens an ``App`` and calls verbs with it.
Promise: while an App is open, this process owns the store data file.
Never: contains a rule.
"""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from onhand.address import Server, StoreAddress
from onhand.carts.connectors import CartConnectors
from onhand.clock import SystemClock
from onhand.domain.carts import Cart
from onhand.domain.errors import Refused, Retriable
from onhand.domain.people import Caller
from onhand.domain.states import Watch
from onhand.limits.shared import Shared
from onhand.lock import Ownership
from onhand.passwords import Passwords
from onhand.running.controller import Controller
from onhand.running.messenger import HttpMessenger
from onhand.running.sender import Sender
from onhand.running.tasks import Tasks
from onhand.services.auditing import Audited
from onhand.services.gate import Gate
from onhand.services.memory import Memory
from onhand.services.ports import Clock, Connectors, House, Shop
from onhand.storage.books import SqlBooks
from onhand.storage.database import Database
from onhand.storage.engines import engine_of

if TYPE_CHECKING:
    from onhand.storage.leases import Lease  # its driver is an extra

T = TypeVar("T")
CART_SECONDS = 10.0  # how long a verb waits for others that use the same shop
ALIGN_SECONDS = 600.0  # the same for long work, which waits on its own thread
Books = SqlBooks  # the type of the books, for modules that must not know storage


class App:
    """An open store with everything that runs on it. A context manager."""

    def __init__(
        self, store: StoreAddress, role: str, clock: Clock | None = None, key_file: Path | None = None
    ) -> None:
        """Open a store. Raise Owned if another process has it, Refused if it is not a store of this version."""
        self.address = store
        self.ownership = owned(store, role, key_file)
        try:
            self.database = Database(store, self._on_news, key_file, self.ownership.claim)
        except BaseException:
            self.ownership.release()
            raise
        self.clock: Clock = clock or SystemClock()
        self.house = House(self.database, self.clock)
        self.controller: Controller | None = None
        self.messenger = HttpMessenger()
        self.sender: Sender | None = None
        self.gate = Gate(Passwords())
        self.caller = Caller.local()  # the caller of a verb; see ``acting``
        self.tasks = Tasks(self.house)
        self.shared = Shared()
        self.connectors: Connectors = CartConnectors(self.clock, holder=secrets.token_hex(8))
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        self._memories: defaultdict[int, Memory] = defaultdict(Memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop long work and the controller, finish writing, and release the store."""
        self.tasks.close()
        if self.controller is not None:
            self.controller.stop()
        if self.sender is not None:
            self.sender.stop()
        self.database.close()
        self.ownership.release()

    def start_controller(self) -> Controller:
        """Start synchronizing the carts that are switched on."""
        self.controller = Controller(self.house, self._open_driven, self._locks.__getitem__, self._memories.__getitem__)
        self.controller.start()
        return self.controller

    def start_sender(self) -> None:
        """Start sending webhooks."""
        self.sender = Sender(self.house, self.messenger, self.watch)
        self.sender.start()

    @property
    def mark(self) -> tuple[Any, ...]:
        """Return a value that changes with every commit, every change of a cart's state and every step of long work. Cheap."""
        pulses = self.controller.pulses() if self.controller else {}
        states = tuple((cart, pulse.in_step, pulse.trouble) for cart, pulse in pulses.items())
        database = self.database
        return (database.version, database.trouble, self.controller is not None, states, self.tasks.version)

    def watch(self) -> Watch:
        """Return which carts are being watched now, and by what."""
        pulses = self.controller.pulses() if self.controller else None
        return Watch(self.clock.now(), self.clock.monotonic(), pulses, self.tasks.at_work_on())

    def read(self, question: Callable[[SqlBooks], T]) -> T:
        """Run a query on the books."""
        return self.database.read(question)

    def acting(self, caller: Caller, verb: str, arguments: Mapping[str, Any], key: str | None) -> Self:
        """Return this app for one caller and one verb: everything written is recorded in the audit log under the caller's name."""
        acting = copy(self)
        audited = Audited(self.database, self.clock, caller, verb, arguments, key)
        acting.house, acting.caller = House(audited, self.clock), caller
        return acting

    @contextmanager
    def at_cart(self, cart: Cart, patience_seconds: float | None = None) -> Iterator[tuple[Shop, Memory]]:
        """Lend a cart's shop and memory to one user at a time, so that at most one request is in flight.

        Raise Retriable if others use it for longer than ``patience_seconds`` (``CART_SECONDS`` by default): a slow shop must not block
        everyone's threads.
        """
        lock = self._locks[cart.id]
        if not lock.acquire(timeout=CART_SECONDS if patience_seconds is None else patience_seconds):
            raise Retriable(
                f"{cart.name} is busy with another look, test or alignment. Nothing was done: try again in a moment.",
                reason="busy",
                cart=cart.name,
            )
        try:
            shop = self.connectors.open(cart)
            try:
                yield shop, self._memories[cart.id]
            finally:
                shop.disconnect()
        finally:
            lock.release()

    def _open_driven(self, cart: Cart) -> Shop:
        return self.connectors.open(cart, lambda: self.controller.look_now(cart.id) if self.controller else None)

    def _on_news(self, carts: set[int]) -> None:
        if self.controller is not None:
            self.controller.wake(carts)


def owned(store: StoreAddress, role: str, key_file: Path | None) -> Ownership | Lease:
    """Return the right to write to a store. Raise Owned, and Refused if there is no such file."""
    if isinstance(store, Server):
        engine_of(store).close()  # says so if the driver is missing
        from onhand.storage.leases import Lease  # noqa: PLC0415 - its driver is an extra

        return Lease(store, role, key_file)
    if not store.exists():
        raise Refused(f"There is no store data file {store}: create one with `onhand init`.", path=str(store))
    return Ownership(store, role)
