"""Puts OnHand together: the only module that knows both storage and carts.

Path: ``cli`` (directly or through ``serving.server``) opens an ``App`` and calls verbs with it.
Promise: while an App is open, this process owns the store data file, or is known in the store on a server.
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
from onhand.domain import duties
from onhand.domain.carts import Cart
from onhand.domain.duties import Lease, Process
from onhand.domain.errors import Refused, Retriable
from onhand.domain.people import Caller
from onhand.domain.states import Pulse, Watch
from onhand.domain.tasks import Task
from onhand.limits.shared import Shared
from onhand.lock import Ownership
from onhand.passwords import Passwords
from onhand.running import reports
from onhand.running.controller import Controller
from onhand.running.duties import Alone, Duties, Together
from onhand.running.messenger import HttpMessenger
from onhand.running.reports import Told
from onhand.running.sender import Sender
from onhand.running.tasks import Tasks
from onhand.services.auditing import Audited
from onhand.services.gate import Gate, OwnGuesses, SharedGuesses
from onhand.services.memory import Memory
from onhand.services.ports import Clock, Connectors, House, Shop
from onhand.services.uploads import OwnUploads, SharedUploads, Uploads
from onhand.storage.books import SqlBooks
from onhand.storage.database import Database
from onhand.storage.engines import engine_of

if TYPE_CHECKING:
    from onhand.storage.processes import Membership  # its driver is an extra

T = TypeVar("T")
CART_SECONDS = 10.0  # how long a verb waits for others that use the same shop
ALIGN_SECONDS = 600.0  # the same for long work, which waits on its own thread
Books = SqlBooks  # the type of the books, for modules that must not know storage


class App:
    """An open store with everything that runs on it. A context manager."""

    def __init__(
        self,
        store: StoreAddress,
        role: str,
        clock: Clock | None = None,
        key_file: Path | None = None,
        stays: bool = False,
    ) -> None:
        """Open a store. Raise Refused if it is not a store of this version.

        Raise Owned if another process has to do the work: the owner of the file, or one of this machine that takes commands for a store
        on a server, unless this one ``stays`` and takes some itself.
        """
        self.address = store
        self.ownership = owned(store, role, key_file, stays)
        self._member = None if isinstance(self.ownership, Ownership) else self.ownership
        run = self._member.holder if self._member else secrets.token_hex(8)  # the name of this run of OnHand
        try:
            self.database = Database(store, self._on_news, key_file, run if self._member else "")
        except BaseException:
            self.ownership.release()
            raise
        self.clock: Clock = clock or SystemClock()
        self.house = House(self.database, self.clock)
        self.controller: Controller | None = None
        self.messenger = HttpMessenger()
        self.sender: Sender | None = None
        self.gate = Gate(Passwords(), SharedGuesses(self.database) if self._member else OwnGuesses())
        self.uploads: Uploads = SharedUploads(self.database) if self._member else OwnUploads()
        self.caller = Caller.local()  # the caller of a verb; see ``acting``
        self.duties: Duties = Together(self.house, run, self._member) if self._member else Alone(run)
        self.tasks = Tasks(self.house, run, self.duties.living)
        self.resume: Callable[[Task], object] = lambda _: None  # goes on with long work whose process died
        self.shared = Shared()
        self.connectors: Connectors = CartConnectors(self.clock, holder=run)
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        self._memories: dict[str, tuple[Lease, Memory]] = {}
        self._last_told: tuple[object, Told] = None, Told()
        if self._member:
            self._member.listen(self._report, self._heard)

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
        """Start synchronizing the carts that are switched on, or this process's share of them."""
        self.controller = Controller(
            self.house,
            self._open_driven,
            self._locks.__getitem__,
            self._memory_of,
            self.duties,
            self._tidy_up,
        )
        if self._member:
            self._member.drive()
        self.controller.start()
        return self.controller

    def start_sender(self) -> None:
        """Start sending webhooks, whenever that is a duty of this process."""
        self.sender = Sender(self.house, self.messenger, self.watch, self._house_of_webhooks)
        self.sender.start()

    @property
    def mark(self) -> tuple[Any, ...]:
        """Return a value that changes with every commit, every change of a cart's state and every step of long work. Cheap."""
        database, mine = self.database, reports.gist(self._own_pulses(), {})
        return (database.version, database.trouble, self.driven, mine, self._told().gist, self.tasks.version)

    @property
    def driven(self) -> bool:
        """Return whether carts are being synchronized, by this process or another one."""
        return self.controller is not None or self._told().drives

    def processes(self) -> tuple[Process, ...]:
        """Return the processes that share the store; none for a store data file, which one process has."""
        return self._member.seen.processes if self._member else ()

    def pulses(self) -> Mapping[int, Pulse]:
        """Return the pulse of each cart that is driven, by this process or another one."""
        return {**self._told().pulses, **self._own_pulses()}

    def watch(self) -> Watch:
        """Return which carts are being watched now, and by what."""
        pulses = self.pulses() if self.driven else None
        aligning = {task["cart"] for task in self._told().tasks.values()} - {None}
        return Watch(self.clock.now(), self.clock.monotonic(), pulses, self.tasks.at_work_on() | aligning)

    def progress(self, task: int) -> Mapping[str, Any] | None:
        """Return the progress of a task, also if another process runs it; None if it is not running."""
        return self.tasks.progress(task) or self._told().tasks.get(task)

    def aligning(self, cart: Cart) -> int | None:
        """Return the task that is aligning a cart, here or in another process; None if there is none."""
        elsewhere = (task for task, said in self._told().tasks.items() if said["cart"] == cart.id)
        return self.tasks.aligning(cart.id) or next(elsewhere, None)

    def look_now(self, cart: Cart) -> None:
        """Look at a cart's shop before its next tick, because it just sold something."""
        here = self.controller is not None and self.controller.look_now(cart.id)
        if not here and duties.of_cart(cart.id) in self._told().duties:
            self.database.write(lambda books: books.leases.hint(duties.of_cart(cart.id)))

    def try_again(self, cart: Cart) -> None:
        """End a cart's pause after failures, because a person just reached its shop. Another process made a new driver anyway."""
        if self.controller is not None:
            self.controller.try_again(cart.id)

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
    def at_cart(self, cart: Cart, patience_seconds: float | None = None) -> Iterator[tuple[House, Shop, Memory]]:
        """Lend a cart's shop and memory to one user at a time, so that at most one request is in flight, with a house to work in.

        Raise Retriable if others use it for longer than ``patience_seconds`` (``CART_SECONDS`` by default): a slow shop must not block
        everyone's threads.
        """
        lock = self._locks[cart.id]
        patience = CART_SECONDS if patience_seconds is None else patience_seconds
        give_up_at = self.clock.monotonic() + patience
        if not lock.acquire(timeout=patience):
            raise Retriable(
                f"{cart.name} is busy with another look, test or alignment. Nothing was done: try again in a moment.",
                reason="busy",
                cart=cart.name,
            )
        try:
            with self.duties.borrow(duties.of_cart(cart.id), give_up_at - self.clock.monotonic()) as lease:
                shop = self.connectors.open(cart)
                try:
                    yield self.duties.fenced(self.house, lease), shop, self._memory_of(lease)
                finally:
                    shop.disconnect()
        finally:
            lock.release()

    def _memory_of(self, lease: Lease) -> Memory:
        """Return the memory of a cart: a new one under a new lease, because another process looked at the shop in between."""
        known = self._memories.get(lease.duty)
        if known is None or known[0] != lease:
            known = self._memories[lease.duty] = lease, Memory()
        return known[1]

    def _open_driven(self, cart: Cart) -> Shop:
        return self.connectors.open(cart, lambda: self.look_now(cart))

    def _house_of_webhooks(self) -> House | None:
        lease = self.duties.lease_of(duties.WEBHOOKS)
        return None if lease is None else self.duties.fenced(self.house, lease)

    def _tidy_up(self, house: House) -> None:
        """Go on with the long work of processes that died, or say that it was interrupted."""
        for task in self.tasks.interrupt_left(house):
            self.resume(task)

    def _on_news(self, carts: set[int]) -> None:
        if self.controller is not None:
            self.controller.wake(carts)

    # What the processes that share a store on a server hear of each other

    def _own_pulses(self) -> dict[int, Pulse]:
        return self.controller.pulses() if self.controller else {}

    def _told(self) -> Told:
        """Return what the other processes said when this one last looked; it is read once."""
        if self._member is None:
            return self._last_told[1]
        seen = self._member.seen
        if self._last_told[0] is not seen:
            others = [process for process in seen.processes if process.holder != self._member.holder]
            self._last_told = seen, reports.told(others, seen.at)
        return self._last_told[1]

    def _report(self) -> tuple[object, Callable[[], str]]:
        pulses, tasks = self._own_pulses(), self.tasks.running()
        return reports.gist(pulses, tasks), lambda: reports.written(pulses, tasks, self.clock.monotonic())

    def _heard(self, number: int) -> None:
        """Note that somebody committed something, this process or another one."""
        self.database.heard(number)
        if self.controller is not None:
            self.controller.stir()
        self.tasks.obey()


def owned(store: StoreAddress, role: str, key_file: Path | None, stays: bool = False) -> Ownership | Membership:
    """Return the right to write to a store. Raise Owned, and Refused if there is no such file."""
    if isinstance(store, Server):
        engine_of(store).close()  # says so if the driver is missing
        from onhand.storage.processes import Membership  # noqa: PLC0415 - its driver is an extra

        return Membership(store, role, key_file, stays)
    if not store.exists():
        raise Refused(f"There is no store data file {store}: create one with `onhand init`.", path=str(store))
    return Ownership(store, role)
