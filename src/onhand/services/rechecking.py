"""Looks again at one difference when a person asks for its present state.

Path: the Differences screen and ``onhand recheck`` → ``recheck`` → the looks of a tick, which post nothing.
Promise: a difference is closed only if the shop shows its target and no unit waits for a decision.
Never: decides; ``reconciling`` books and names what the looks find, as at any tick.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from onhand.domain.carts import Cart
from onhand.domain.errors import Refused
from onhand.domain.listings import Listing, target
from onhand.domain.shop import Row

from . import aligning, settings
from .memory import Memory
from .ports import Books, House, Shop

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recheck:
    """The present state of a listing. Quantities in units; ``shows`` None: the product is gone."""

    shows: int | None
    agreed: int | None  # what both sides should hold; None: unknown
    wanted: int | None  # what the shop should show; None: no item is tied to it
    closed: bool
    says: str


def _agrees(listing: Listing, row: Row | None, wanted: int | None) -> bool:
    """Return whether a shop shows what the books say and what it should show."""
    if row is None or not listing.tracked or listing.held:
        return False
    return (row.quantity, row.ordered) == (listing.agreed, listing.ordered) and row.quantity == wanted


def recheck(house: House, cart: Cart, shop: Shop, memory: Memory, number: int, person: str) -> Recheck:
    """Look at the listing of a difference now; closes the difference if shop and books agree again.

    A stopped cart is read and nothing else. Raises Refused if the difference is closed, or is about the whole cart.
    """
    difference = house.store.read(lambda books: books.differences.get(number))
    if difference.closed_at is not None:
        raise Refused(f"Difference {number} is closed: {difference.note}.", difference=number)
    if difference.listing is None:
        raise Refused(
            f"Difference {number} is about the whole cart: Send QOH or Get QOH settles it.", difference=number
        )
    listing = _listing(house, difference.listing)
    if cart.halted is None:
        pace = house.store.read(lambda books: settings.pace_of(books, cart))
        aligning.look_at_all(house, cart, shop, memory, pace)
        if any(product == listing.product for product, _ in memory.suspicions):
            # What differs may be half of a sale that is being written: it counts if it is still there a settling time later.
            house.clock.sleep(pace.rules.settle_seconds)
            aligning.look_at_all(house, cart, shop, memory, pace)
    row = next(iter(shop.rows([listing.product])), None)
    at = house.clock.now()

    def write(books: Books) -> Recheck:
        now = books.listings.by_id([listing.id])[listing.id]
        item = books.items.by_id([now.item]).get(now.item) if now.item is not None else None
        wanted = target(item.on_hand, cart.settings.buffer) if item else None
        known = books.differences.get(number)
        shows = row.quantity if row else None
        if known.closed_at is None and _agrees(now, row, wanted):
            books.differences.close(number, at, f"both sides match again, checked by {person or 'a person'}")
            known = books.differences.get(number)
        closed = known.closed_at is not None
        says = f"Closed: {known.note}." if closed else _in_words(now, shows, wanted)
        return Recheck(shows, None if now.deleted else now.agreed, wanted, closed, says)

    found = house.store.write(write)
    log.info("difference.rechecked", cart=cart.name, difference=number, closed=found.closed, person=person)
    return found


def _listing(house: House, listing: int) -> Listing:
    return house.store.read(lambda books: books.listings.by_id([listing])[listing])


def _in_words(now: Listing, shows: int | None, wanted: int | None) -> str:
    if shows is None:
        return "The shop does not have the product any more. The next Send or Get of this cart closes this."
    if wanted is None:
        return f"The shop shows {shows:,}, and no item is linked to the product: link one, or correct its SKU."
    instead = f"The shop shows {shows:,} instead of {wanted:,}."
    if not now.tracked:
        why = f" ({now.problem.value})" if now.problem else ""
        return f"{instead} The product is not synced{why}: Send or Get its quantity."
    if now.held:
        return f"{instead} Decide about {now.held:+,}: keep our count, or use the shop's."
    if now.parked is not None:
        return f"{instead} It gets no updates: {now.parked}"
    return f"{instead} The update is sent as soon as the cart is synchronized."
