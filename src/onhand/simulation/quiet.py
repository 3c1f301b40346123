"""Decides whether a world is quiet, and keeps the state of the last quiet point.

Path: ``World`` waits until ``why_not_calm`` finds nothing, has itself checked, and keeps a ``snapshot`` for the next phase.
Promise: in sync means that each listing in each shop shows what the books say it should, and that OnHand says so too.
Never: judges what happened on the way; ``checks`` does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from onhand.domain.carts import Cart
from onhand.domain.listings import target
from onhand.storage.tables import differences

from .reading import misjudged, rows

if TYPE_CHECKING:
    from .world import World


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state at the last quiet point."""

    time: float
    on_hand: dict[str, int]
    people: Counter[str]
    returned: Counter[str]
    traded: list[Counter[int]]  # per shop: units by product
    drifts: list[int]  # per shop: how many drifts the witness had noted
    returns: list[int]  # per shop: how many returns
    vanished: list[int]  # per shop: how many lines were deleted before they were seen
    counted_edits: list[int]  # per shop: how many edits that moved the counter, too
    line_edits: list[int]  # per shop: how many lines were changed without their stock
    edits_back: list[int]  # per shop: how many of those lines came back
    edited: list[Counter[int]]  # per shop: units by product that left uncounted
    twice: list[Counter[int]]  # per shop: units by product that came back a second time
    misjudged: Counter[tuple[int, int]]
    movement: int
    difference: int


def snapshot(world: World) -> Snapshot:
    """Return what is true now."""
    return world.program.read(
        lambda books: Snapshot(
            time=world.time.now,
            on_hand={item.sku: item.on_hand for item in books.items.all().values()},
            people=Counter(world.booked),
            returned=Counter(world.returned),
            traded=[Counter(shop.traded) for shop in world.shops],
            drifts=[len(shop.drifts) for shop in world.shops],
            returns=[len(shop.returns) for shop in world.shops],
            vanished=[len(shop.vanished) for shop in world.shops],
            counted_edits=[len(shop.counted_edits) for shop in world.shops],
            line_edits=[len(shop.line_edits) for shop in world.shops],
            edits_back=[len(shop.edits_back) for shop in world.shops],
            edited=[Counter(shop.edited) for shop in world.shops],
            twice=[Counter(shop.twice) for shop in world.shops],
            misjudged=misjudged(world),
            movement=books.ledger.last(),
            difference=max([found["id"] for found in rows(world, select(differences.c.id))], default=0),
        )
    )


def untold(world: World) -> list[str]:
    """Return products that their shop switched off when they sold out, that are still off with new stock, and that no person heard of."""
    wrong = []
    for number, cart_id in enumerate(world.carts):
        if number in world.phase.restored or cart_id in world.phase.aside or world.phase.store_restored:
            continue
        on_hand = world.program.read(lambda books: {item.id: item.on_hand for item in books.items.all().values()})
        for listing in world.program.read(lambda books, cart=cart_id: books.listings.all(cart)):  # type: ignore[misc]
            row = world.shops[number].tables.products.get(listing.product)
            if row is None or row.status or not row.off_by_sale or not listing.tracked or listing.item is None:
                continue
            if target(on_hand[listing.item], world.cart(cart_id).settings.buffer) + listing.held > 0:
                told = listing.switched_off or listing.parked is not None
                if not told:
                    wrong.append(f"shop {number} switched {listing.model} off when it sold out, and nobody is told")
    return wrong


def why_not_calm(world: World) -> str:
    """Return the first thing that is not in sync yet; empty if every driven cart is in sync and says so."""
    for number, cart_id in enumerate(world.carts):
        cart = world.cart(cart_id)
        if cart.halted is not None or not cart.synchronize:
            continue  # it waits for the operator
        why = _not_driven_well(world, cart) or _shown_wrong(world, number, cart)
        if why:
            return why
    return ""


def _not_driven_well(world: World, cart: Cart) -> str:
    driver = world.program.drivers.get(cart.id)
    if driver is None:
        return f"{cart.name} is not driven"
    if driver.failing or not driver.pulse.in_step:
        return f"{cart.name} is not in step: {driver.pulse.trouble or world.program.memories[cart.id].suspicions}"
    return ""


def _shown_wrong(world: World, number: int, cart: Cart) -> str:
    """Return the first listing whose quantity in the shop is not its target."""
    products = world.shops[number].tables.products
    items = world.program.read(lambda books: books.items.all())
    for listing in world.program.read(lambda books: books.listings.all(cart.id)):
        if not listing.tracked or listing.parked is not None or listing.item is None:
            continue
        row = products.get(listing.product)
        wanted = target(items[listing.item].on_hand, cart.settings.buffer) + listing.held
        if row is None or row.quantity != wanted:
            return f"{cart.name} shows {row.quantity if row else None} of {listing.model}, wanted {wanted}"
    return ""
