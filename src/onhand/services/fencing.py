"""Refuses what a process writes after it lost the lease for it.

Path: ``running.duties`` puts a ``Fenced`` store under the services of the process that does a duty: of a driver, an alignment, the sender.
Promise: the lease is checked in the transaction that writes, and leases change hands in transactions only, so nothing is written under an
older epoch.
Never: claims anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from onhand.domain.duties import Lease
from onhand.domain.errors import Retriable

from .ports import Books, Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fenced:
    """A store for the holder of one lease."""

    store: Store
    lease: Lease
    alive: Callable[[], bool]  # whether others still count on this process, by its own clock

    def read(self, unit: Callable[[Books], T]) -> T:
        """Read, unless the lease may have ended: nothing should be sent to a shop because of it."""
        if not self.alive():
            raise self._taken_over()
        return self.store.read(unit)

    def write(self, unit: Callable[[Books], T]) -> T:
        """Run a unit of work if the lease still holds. Raise Retriable if it does not."""

        def fenced(books: Books) -> T:
            if not books.leases.holds(self.lease):
                raise self._taken_over()
            return unit(books)

        if not self.alive():
            raise self._taken_over()
        return self.store.write(fenced)

    def _taken_over(self) -> Retriable:
        return Retriable(
            "Another process may have taken over this work, because this one was not heard of for a while. Nothing was written: try again"
            " in a moment.",
            reason="taken_over",
            duty=self.lease.duty,
        )
