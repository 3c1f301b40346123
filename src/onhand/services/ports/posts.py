"""The ports for the books of posts and differences.

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
        """Return whether the cart has posted in this epoch, now or earlier."""

    def pending(self, cart: int) -> Batch | None:
        """Return the batch of this cart that has no outcome yet; there is at most one."""

    def last(self, cart: int) -> Batch | None:
        """Return the batch with the highest numbers of the current epoch, with or without an outcome."""

    def settle(self, cart: int, batch: Batch, failed: Mapping[int, State], at: datetime) -> None:
        """Record the outcome. ``failed`` maps product to state; all others were applied."""

    def of_listing(self, listing: int, since: datetime, limit: int) -> list[tuple[datetime, int]]:
        """Return applied posts, newest first: time of the outcome, signed units."""


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
        """Record a difference; return its id."""

    def close(self, difference: int, at: datetime, note: str) -> None:
        """Close a difference with a note on how it ended."""

    def close_healed(self, listings: Sequence[int], at: datetime) -> None:
        """Close differences of these listings whose healing posts took effect."""

    def close_listings(self, listings: Sequence[int], at: datetime, note: str) -> None:
        """Close differences of these listings, which were tied differently."""

    def close_shown(self, listings: Sequence[int], at: datetime, note: str) -> None:
        """Close differences of these listings that were only shown; those that wait for a person stay open."""

    def close_cart(self, cart: int, at: datetime, note: str, listings: Sequence[int] | None = None) -> None:
        """Close differences of the cart, or of these listings, because an alignment settled them."""

    def awaiting(self, listing: int, amount: int) -> int | None:
        """Return the difference of this listing and amount that waits for a person, if there is one."""

    def unanswered(self, listing: int) -> list[Difference]:
        """Return the questions about returns that ended because this listing, by a difference that is still open, is not synced."""

    def reopen(self, difference: int, note: str) -> None:
        """Open a difference again, with another note."""

    def get(self, difference: int) -> Difference:
        """Return a difference. Raise Refused if there is none."""

    def restored(self, cart: int) -> bool:
        """Return whether this shop, or our own store, was ever restored from a backup."""

    def heals(self, listing: int, since: datetime) -> int:
        """Return how often a listing was healed for causes that trade does not explain."""
