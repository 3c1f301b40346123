"""The port for the processes that share a store, and for their leases.

Path: ``storage.leases`` implements it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from onhand.domain.duties import Lease, Process


class LeaseBook(Protocol):
    """Processes and leases. A process lives as long as it renews itself, by the clock of the database."""

    def processes(self) -> list[Process]:
        """Return the living processes, the oldest first, each with the duties that it has leases for."""

    def all(self) -> list[Lease]:
        """Return all leases. Those of dead processes are free, and wishes of dead processes are left out."""

    def get(self, duty: str) -> Lease:
        """Return one lease, as ``all`` does."""

    def claim(self, duties: Collection[str], holder: str) -> None:
        """Give these leases to a process, with a new epoch. Dead processes are deleted, so that they write nothing any more."""

    def release(self, duties: Collection[str], holder: str) -> None:
        """Free those of these leases that a process has."""

    def holds(self, lease: Lease) -> bool:
        """Return whether a lease is still what it was."""

    def want(self, duty: str, holder: str) -> None:
        """Note that a process waits for a lease."""

    def waive(self, duty: str, holder: str) -> None:
        """Note that it does not wait any more."""

    def hint(self, duty: str) -> None:
        """Tell the holder that the shop just sold something."""

    def hints(self) -> dict[str, int]:
        """Return how often that was told in all, by duty."""
