"""Performs acts that change identities: numbers of orders that begin again, a SKU that goes and comes back.

Path: ``acts`` lists them; ``start`` runs every program of a shop on the timeline.
Promise: as in ``acts``: an act draws only from its own seed.
Never: looks at the books to decide what to do, except to wait until a name was read again, and to read what people are told.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

from onhand.domain.errors import OnHandError
from onhand.domain.listings import Listing
from onhand.services.looking import CATALOGUE_SECONDS

from . import people
from .program import Killed
from .reading import differences_since
from .shop import Writer
from .timeline import Process
from .world import World

SEEN_SECONDS = CATALOGUE_SECONDS + 5  # after this time, a name that came and went is seen
SEEN_TRIES = 30
QUIET_SECONDS = 0.05  # how often to check that no checkout is in progress


def start(world: World, shop: int, process: Process, dies: Callable[[], bool] | None = None) -> None:
    """Run a program of a shop until its end, its own death, or the restoring of the shop from a backup."""
    sim = world.shops[shop]
    life = sim.lives
    world.time.start(process, lambda: sim.lives != life or (dies is not None and dies()))


def begin_numbers_again(world: World, shop: int, chance: Random) -> None:
    """Remove orders while no checkout is in progress, so that the numbers of orders and their lines begin again."""
    if world.time.processes:
        if world.time.now < world.phase_ends:
            world.time.at(world.time.now + QUIET_SECONDS, lambda: begin_numbers_again(world, shop, chance))
        return
    world.shops[shop].begin_numbers_again(all_orders=chance.random() < 0.5)
    left = world.shops[shop].tables.orders
    world.open_orders[shop] = [order for order in world.open_orders[shop] if order in left]
    world.time.operations += 1


def _send_if_told_to(world: World, cart: int, listing: Listing) -> None:
    """Press Send if an alignment met a product under another name, and people are told to send its quantity."""
    told = [
        found for found in differences_since(world, 0) if found["listing_id"] == listing.id and not found["closed_at"]
    ]
    renamed = listing.item is not None and any(found["cause"] == "renamed" for found in told)
    if renamed and world.cart(cart).halted is None:
        with suppress(Killed, OnHandError):
            world.press(cart, get=False)


def rename_and_back(world: World, shop: int, chance: Random) -> None:
    """Rename a product, sell it under the other name, and give it its own name again."""
    sku = chance.choice(world.skus)
    sim, product, cart = world.shops[shop], world.products[shop][sku], world.carts[shop]
    if product not in sim.tables.products or sim.tables.products[product].model != sku:
        return
    life = sim.lives
    world.unsure += 1
    world.phase.renamed.add((shop, product))

    def name(model: str) -> None:
        if sim.lives == life and product in sim.tables.products:
            sim.tables.products[product].model = model
            sim.touch(product, world.time.now)
            sim.saw(world.time.now, product, 0, Writer.FORM, frozenset())

    def sell() -> None:
        if sim.lives == life and product in sim.tables.products and sim.tables.products[product].status:
            family, own = world.plan.shops[shop].family, Random(chance.getrandbits(32))
            start(world, shop, people.sale(world.time, sim, family, [(product, own.choice((1, 2)))], own))

    def wait(left: int) -> None:
        known = {} if world.program.dead else world.program.read(lambda books: books.listings.of(cart, [product]))
        listing = known.get(product)
        if listing is not None:
            _send_if_told_to(world, cart, listing)
        if left and sim.lives == life and not (listing is not None and listing.tracked):
            world.time.at(world.time.now + 1.0, lambda: wait(left - 1))
        else:
            world.unsure -= 1

    def back() -> None:
        name(sku)
        world.time.at(world.time.now + SEEN_SECONDS, lambda: wait(SEEN_TRIES))

    name(f"{sku}-X")
    away = chance.uniform(1.0, 45.0)
    for _ in range(chance.randrange(3)):
        world.time.at(world.time.now + chance.uniform(0.0, away), sell)
    world.time.at(world.time.now + away, back)
