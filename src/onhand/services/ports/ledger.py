"""The port for the ledger.

Path: ``bookkeeping`` appends; ``storage.ledger`` implements it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from onhand.domain.importing import Since
from onhand.domain.stock import Entry, Kind, Movement


class Ledger(Protocol):
    """Movements."""

    def append(self, movements: Sequence[Movement], at: datetime) -> None:
        """Write movements. Raise Conflict if an origin is booked already. Called by ``bookkeeping.book`` only."""

    def booked(self, origins: Sequence[str]) -> set[str]:
        """Return those of the origins that are booked."""

    def last(self) -> int:
        """Return the id of the newest movement, 0 if there is none."""

    def of_item(
        self,
        item: int | None,
        limit: int,
        before: int | None = None,
        kind: Kind | None = None,
        cart: int | None = None,
        person: str = "",
    ) -> list[Entry]:
        """Return movements, newest first, of one item or of all; of a kind, a cart or a person if named."""

    def since(self, items: Sequence[int], movement: int) -> dict[int, Since]:
        """Return what was booked for each of these items after a movement. An import of an export from that moment does not count as
        another count."""

    def history(self, item: int, points: int) -> list[tuple[datetime, int]]:
        """Return the balance at no more than so many moments, oldest first, with the newest: what it was right after a movement."""

    def trade_of(self, cart: int, item: int, since: datetime, limit: int) -> list[tuple[datetime, int]]:
        """Return what one cart's trade moved of an item, newest first: when booked, signed units."""

    def trade_elsewhere(self, cart: int, after: int) -> dict[int, int]:
        """Return, per item, the signed units that other carts' sales and cancellations moved after a movement id."""

    def refold(self) -> list[tuple[str, int, int]]:
        """Return items whose balance is not the sum of their movements: SKU, balance, sum."""
