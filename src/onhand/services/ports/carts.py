"""The port for the book of carts.

Path: ``storage.carts`` implements it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from onhand.domain.carts import Cart, Settings
from onhand.domain.listings import Direction
from onhand.domain.numbering import Place
from onhand.domain.shop import Hello
from onhand.domain.sketch import Sums


class CartBook(Protocol):
    """Carts."""

    def add(self, settings: Settings, at: datetime) -> int:
        """Add a cart; return its id."""

    def all(self) -> list[Cart]:
        """Return all carts, in the order in which they were added."""

    def count(self) -> int:
        """Return how many carts there are."""

    def arrangement(self) -> object:
        """Return a value that changes with each setting of each cart, and when one is aligned or switched. Cheap."""

    def get(self, cart: int) -> Cart:
        """Return a cart. Raise Refused if there is none."""

    def named(self, name: str) -> Cart:
        """Return the cart of that name. Raise Refused, with the existing names, if there is none."""

    def edit(self, cart: int, settings: Settings) -> None:
        """Keep new settings."""

    def revise(self, cart: int) -> None:
        """Note that a person edited the settings."""

    def remove(self, cart: int) -> None:
        """Delete the cart and its listings. Movements that came from it stay."""

    def greet(self, cart: int, hello: Hello) -> None:
        """Remember what kind of shop answered."""

    def align(self, cart: int, epoch: str, next_seq: int, place: Place, sums: Sums) -> None:
        """Begin a new baseline. Nothing that ``place`` calls history is a sale. Clears a halt; leaves ``synchronize`` alone.

        The shop's figure for the listing set is forgotten: the products are read once more, since some may have changed meanwhile.
        """

    def settle_alignment(self, cart: int, movement: int, by: Direction, at: datetime) -> None:
        """Note that both sides are equal as of this movement, by Send or by Get."""

    def advance(self, cart: int, line: int) -> None:
        """Move the cursor: order lines up to this one are collected."""

    def begin_again(self, cart: int, place: Place) -> None:
        """Note that the shop's line numbers began again: continue reading from this place."""

    def move_sums(self, cart: int, change: Sums) -> None:
        """Add this change to the five sums that the shop should have."""

    def remember_catalogue(self, cart: int, catalogue: str) -> None:
        """Keep the shop's figure for its listing set; blank: read the products again."""

    def take_seqs(self, cart: int, count: int) -> None:
        """Record that a batch takes the next numbers; it marks whatever was booked so far."""

    def owe_mark(self, cart: int) -> None:
        """Require a mark: trade was booked, so the next post must advance the sequence number."""

    def switch(self, cart: int, synchronize: bool) -> None:
        """Switch real-time synchronization on or off."""

    def halt(self, cart: int, reason: str | None) -> None:
        """Stop posting for this reason; None: go on."""

    def report(
        self,
        cart: int,
        looked_at: datetime | None,
        in_step_at: datetime | None,
        trouble: str | None,
        trouble_since: datetime | None,
    ) -> None:
        """Keep the results of the latest looks."""
