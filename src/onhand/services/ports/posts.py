"""What the services need of the books of posts and differences.

Path: ``storage.posts`` and ``storage.differences`` implement them.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from onhand.domain.differences import Difference, Finding
from onhand.domain.posts import Batch, State
from onhand.domain.sketch import Counters


class PostBook(Protocol):
    """Posts."""

    def add(self, cart: int, batch: Batch, at: datetime) -> None:
        """Store a batch as pending, before it is sent."""

    def knows_epoch(self, cart: int, epoch: str) -> bool:
        """Whether the cart has posted in this epoch, now or earlier."""

    def pending(self, cart: int) -> Batch | None:
        """The one batch of this cart that is not settled."""

    def last(self, cart: int) -> Batch | None:
        """The batch with the highest numbers of the current epoch, settled or not."""

    def settle(self, cart: int, batch: Batch, failed: Mapping[int, State], at: datetime) -> None:
        """Note the outcome. ``failed`` maps product to state; all others were applied."""

    def of_listing(self, listing: int, since: datetime, limit: int) -> list[tuple[datetime, int]]:
        """Applied posts, newest first: when settled, signed units."""


class DifferenceBook(Protocol):
    """Differences."""

    def open(
        self,
        cart: int,
        listing: int | None,
        finding: Finding,
        amount: int,
        seen: Counters,
        expected: Counters,
        at: datetime,
        note: str = "",
    ) -> int:
        """Record a difference; returns its id."""

    def close(self, difference: int, at: datetime, note: str) -> None:
        """Close a difference with a note of what became of it."""

    def close_healed(self, listings: Sequence[int], at: datetime) -> None:
        """The posts that heal these listings took effect."""

    def close_listings(self, listings: Sequence[int], at: datetime, note: str) -> None:
        """These were tied anew: what was open about them is settled by that."""

    def close_shown(self, listings: Sequence[int], at: datetime, note: str) -> None:
        """What was only shown about these listings is over; what waits for a person goes on waiting."""

    def close_cart(self, cart: int, at: datetime, note: str, listings: Sequence[int] | None = None) -> None:
        """The cart, or these listings of it, were aligned: what was open there is settled by that."""

    def awaiting(self, listing: int, amount: int) -> int | None:
        """The difference of this listing and amount that waits for a person, if there is one."""

    def get(self, difference: int) -> Difference:
        """Return a difference. Raises Refused if there is none."""

    def restored(self, cart: int) -> bool:
        """Return whether this shop, or our own store, was ever put back to a backup."""

    def heals(self, listing: int, since: datetime) -> int:
        """How often a listing was healed for causes that trade does not explain."""
