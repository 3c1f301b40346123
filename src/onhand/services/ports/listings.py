"""The port for the book of listings.

Path: ``storage.listings`` implements it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from onhand.domain.listings import Left, Listing, Tie
from onhand.domain.posts import Due
from onhand.domain.shop import Row
from onhand.domain.sketch import Cell, Sums


class ListingBook(Protocol):
    """Listings."""

    def of(self, cart: int, products: Sequence[int]) -> dict[int, Listing]:
        """Return the listings of these products, by product id."""

    def all(self, cart: int) -> list[Listing]:
        """Return all listings of a cart, deleted ones included, by product id."""

    def pages(self, cart: int) -> Iterator[list[Listing]]:
        """Return the same in pages, so that few are in memory at once. What a page holds may be changed before the next is read."""

    def by_id(self, listings: Sequence[int]) -> dict[int, Listing]:
        """Return these listings, by id."""

    def insert(self, cart: int, rows: Sequence[Row], ties: Mapping[int, Tie], aligned: bool) -> None:
        """Add listings whose counters are what the rows show."""

    def rebase(self, cart: int, rows: Sequence[Row]) -> None:
        """Take over what the rows show, counters included, and clear what was held, parked and switched off."""

    def describe(self, cart: int, rows: Sequence[Row], ties: Mapping[int, Tie]) -> None:
        """Take over everything the rows show but the counters. A listing whose item changed is not aligned any more."""

    def forget(self, cart: int, products: Sequence[int]) -> None:
        """Note that these products are gone from the shop."""

    def tie(self) -> None:
        """Tie the unmatched listings of all carts to the items that have their SKU by now."""

    def alike(self, keys: Sequence[str], items: Sequence[int]) -> list[Listing]:
        """Return listings of all carts that have one of these SKU keys, or are tied to one of these items by SKU or by choice."""

    def settle(self, listings: Sequence[int], chosen: int | None, ignored: bool) -> None:
        """Record which item a person wants a product tied to; ``retie`` has to follow."""

    def retie(self, ties: Mapping[int, Tie]) -> None:
        """Give listings, by id, another tie. They are not aligned any more, and nothing waits for them."""

    def leave(self, listing: int, left: Left | None) -> None:
        """Note where a listing was when it stopped being followed; None clears that."""

    def resume(self, listing: int) -> None:
        """Follow a listing again from where it stopped."""

    def align(self, cart: int, listings: Sequence[int]) -> None:
        """Note that both sides are, or are about to be made, equal for these."""

    def trade(self, cart: int, units: Mapping[int, int]) -> None:
        """Move counters by signed units per product, as trade does: the sum stays."""

    def drift(self, listing: int, amount: int, ordered: int, held: int) -> None:
        """Record a drift of the shop's sum. ``ordered`` of it was the counter, ``held`` of it waits for a person."""

    def lack_name(self, listing: int, units: int) -> None:
        """Change the number of units booked as sold that no order line explains yet."""

    def release(self, listing: int, amount: int) -> None:
        """Release ``amount`` held units, because a person decided about them."""

    def note_shop(self, listing: int, row: Row, modified: str | None, off_by_sale: bool, emptied: bool) -> None:
        """Record whether the shop has it switched on, and whether it went off with nothing left."""

    def switch_on(self, listings: Sequence[int], on: bool) -> None:
        """Record that a person wants these on again with the next post or, if not ``on``, left off, whatever switched them off."""

    def announce(self, items: Sequence[int]) -> set[int]:
        """Mark the listings of these items as news, parked ones too: their next post is another one. Return the carts that have some."""

    def announce_listings(self, listings: Sequence[int]) -> None:
        """Mark these listings as news."""

    def give_up(self, listings: Sequence[int]) -> None:
        """Note that the two sides are not equal for these after all: nothing is posted until they are aligned again."""

    def due(self, cart: int, limit: int) -> list[Due]:
        """Return listings with news, in item order, so that rows are always locked in one order."""

    def carrier(self, cart: int) -> Due | None:
        """Return any one listing that is kept in sync, to carry a mark."""

    def with_news(self) -> set[int]:
        """Return the carts that have something due, as ``due`` says."""

    def clear_news(self, listings: Sequence[int]) -> None:
        """Note that nothing is due for these any more."""

    def landed(self, cart: int, epoch: str, first: int, last: int) -> None:
        """Add the applied posts of a batch to the sums of their listings."""

    def park(self, listing: int, reason: str, at: datetime, person: str | None = None) -> None:
        """Post nothing for it until something new is booked or, if a person parked it, until it is released."""

    def unpark(self, listings: Sequence[int]) -> None:
        """Post for them again what is due by now."""

    def parked(self, cart: int) -> list[Listing]:
        """Return the parked listings of a cart."""

    def cells(self, cart: int, size: int) -> list[Cell]:
        """Return the cells over all listings, as ``Shop.cells`` does for the shop."""

    def sums(self, cart: int) -> Sums:
        """Return the five sums, added up from all listings."""
