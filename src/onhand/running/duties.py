"""Says what this process does of all that one process at a time may do: carts, webhooks, housekeeping.

Path: ``app`` makes one; the controller calls ``take`` over and over; the sender asks ``lease_of``; ``App.at_cart`` borrows a cart.
Promise: who works in a ``fenced`` house is the only one who does that duty, and is refused when that is no longer so.
Never: decides what a fair share is: ``domain.duties`` does.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import structlog

from onhand.domain.duties import Lease, Process, Share, share
from onhand.domain.errors import OnHandError, Retriable
from onhand.services.fencing import Fenced
from onhand.services.ports import Books, House

BORROW_PAUSE_SECONDS = 0.1  # how often a borrower asks whether the holder has given the cart up
GIVE_BACK_PAUSE_SECONDS = 0.5  # between two attempts, if the database fails

log = structlog.get_logger()


class Duties(Protocol):
    """What this process does."""

    def take(self, work: Collection[str], busy: Collection[str], /) -> Mapping[str, Lease]:
        """Claim and give up what is due, and return the leases under which this process works.

        ``busy`` are duties whose work has not stopped yet: they are given up the next time.
        """

    def lease_of(self, duty: str) -> Lease | None:
        """Return the lease under which this process does a duty; None if it does not."""

    def fenced(self, house: House, lease: Lease, /) -> House:
        """Return a house for what is done under a lease: it writes only while the lease holds."""

    def holds(self, books: Books, lease: Lease, /) -> bool:
        """Return whether a lease still holds, in the transaction of these books."""

    def borrow(self, duty: str, patience_seconds: float, /) -> AbstractContextManager[Lease]:
        """Lend a duty to a person's request. Raise Retriable if its holder does not give it up in time."""

    def living(self, books: Books, /) -> Collection[str]:
        """Return the names of the processes that have the store open."""


class Alone:
    """The duties of the only process that has a store data file: all."""

    def __init__(self, holder: str) -> None:
        self._holder = holder

    def take(self, work: Collection[str], _busy: Collection[str], /) -> Mapping[str, Lease]:
        return {duty: Lease(duty, self._holder) for duty in work}

    def lease_of(self, duty: str) -> Lease | None:
        return Lease(duty, self._holder)

    def fenced(self, house: House, _lease: Lease, /) -> House:
        return house

    def holds(self, _books: Books, _lease: Lease, /) -> bool:
        return True

    @contextmanager
    def borrow(self, duty: str, _patience_seconds: float, /) -> Iterator[Lease]:
        yield Lease(duty, self._holder)

    def living(self, _books: Books, /) -> Collection[str]:
        return {self._holder}


class Alive(Protocol):
    """A process that knows whether the others still count on it."""

    @property
    def alive(self) -> bool: ...


class Together:
    """The duties of one of several processes."""

    def __init__(self, house: House, holder: str, process: Alive) -> None:
        self._house, self._holder, self._process = house, holder, process
        self._held: dict[str, Lease] = {}  # under which this process works
        self._borrowed: set[str] = set()
        self._lock = threading.Lock()

    def take(self, work: Collection[str], busy: Collection[str]) -> Mapping[str, Lease]:
        with self._lock:
            self._held = self._taken(work, busy) if self._process.alive else {}
            return dict(self._held)

    def lease_of(self, duty: str) -> Lease | None:
        return self._held.get(duty)

    def fenced(self, house: House, lease: Lease) -> House:
        return House(Fenced(house.store, lease, lambda: self._process.alive), house.clock)

    def holds(self, books: Books, lease: Lease) -> bool:
        return self._process.alive and books.leases.holds(lease)

    @contextmanager
    def borrow(self, duty: str, patience_seconds: float) -> Iterator[Lease]:
        give_up_at = self._house.clock.monotonic() + patience_seconds
        with self._lock:
            self._borrowed.add(duty)
        try:
            yield self._held.get(duty) or self._borrow(duty, give_up_at)
        finally:
            self._give_back(duty)

    def living(self, books: Books) -> Collection[str]:
        return {process.holder for process in books.leases.processes()} | {self._holder}

    def _taken(self, work: Collection[str], busy: Collection[str]) -> dict[str, Lease]:
        """Claim and give up, in one transaction, if anything is to be changed. Return the leases to work under."""

        def read(books: Books) -> tuple[Share, list[Lease]]:
            leases = books.leases.all()
            return share(self._holder, drivers(books.leases.processes()), work, leases), leases

        def change(books: Books) -> tuple[Share, list[Lease]]:
            due, _ = read(books)
            books.leases.claim(due.claim, self._holder)
            books.leases.release(set(due.give_up) - self._borrowed - set(busy), self._holder)
            return due, books.leases.all()

        due, leases = self._house.store.read(read)
        if due.claim or set(due.give_up) - self._borrowed - set(busy):
            due, leases = self._house.store.write(change)
        return {lease.duty: lease for lease in leases if lease.holder == self._holder and lease.duty not in due.give_up}

    def _borrow(self, duty: str, give_up_at: float) -> Lease:
        """Return the lease of a duty as soon as its holder has given it up. Raise Retriable after a while."""
        me, store, clock = self._holder, self._house.store, self._house.clock

        def ask(books: Books) -> Lease:
            lease = books.leases.get(duty)
            if lease.wanted in {"", me}:
                if not lease.holder:
                    books.leases.claim([duty], me)
                elif lease.holder != me:
                    books.leases.want(duty, me)
            return books.leases.get(duty)

        lease = store.write(ask)
        while lease.holder != me:
            if clock.monotonic() >= give_up_at:
                raise Retriable(
                    "Another process of OnHand uses this cart. Nothing was done: try again in a moment.", reason="busy"
                )
            clock.sleep(BORROW_PAUSE_SECONDS)
            lease = store.read(lambda books: books.leases.get(duty))
            if not lease.holder or not lease.wanted:
                lease = store.write(ask)
        return lease

    def _give_back(self, duty: str) -> None:
        """Release what was borrowed, unless this process drives it anyway. Try as long as it lives: its leases end with it."""

        def write(books: Books) -> None:
            books.leases.waive(duty, self._holder)
            books.leases.release([duty], self._holder)

        with self._lock:
            self._borrowed.discard(duty)
        given = False
        while not given:
            try:
                with self._lock:
                    if duty not in self._held:
                        self._house.store.write(write)
                    given = True
            except OnHandError as error:
                log.warning("lease.not_given_back", duty=duty, trouble=error.message)
                given = not self._process.alive
                self._house.clock.sleep(GIVE_BACK_PAUSE_SECONDS)


def drivers(processes: Collection[Process]) -> list[str]:
    """Return the processes that take a share of the duties."""
    return [process.holder for process in processes if process.drives]
