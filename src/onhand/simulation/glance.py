"""Looks at the carts' states like people who open Home at any moment, and at what the shops show at the same moment.

Path: ``World`` calls ``look`` about once a second; ``checks`` reads what was found when all is quiet.
Promise: the word comes from the real ``standing`` and ``states``; whether it is true comes from the shop's tables and the network.
Never: changes anything, draws from a seed or asks the simulated clock, so that the world is the same without it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onhand.domain.listings import target
from onhand.domain.states import CartState, Watch, look_within, state
from onhand.services.settings import pace_of
from onhand.services.standing import facts_of
from onhand.storage.books import SqlBooks

from .timeline import EPOCH

if TYPE_CHECKING:
    from .world import World

EVERY_SECONDS = 0.9
SLACK_SECONDS = 2.0  # a request on its way when the last look grows too old


class Glance:
    """The state seen on Home, and since when a shop has shown something else than it should."""

    def __init__(self) -> None:
        self.lies: list[str] = []
        self._wrong_since: dict[tuple[int, int], float] = {}

    def look(self, world: World) -> None:
        """Compare each cart's state with its shop."""
        program = world.program
        if program.dead or world.disk.full:
            self._wrong_since.clear()
            return
        now = world.time.now
        pulses = {cart: driver.pulse for cart, driver in program.drivers.items()}
        watch = Watch(EPOCH + timedelta(seconds=now + world.clock.wrong_seconds), now, pulses)

        def read(books: SqlBooks) -> None:
            items = books.items.all()
            for number, cart_id in enumerate(world.carts):
                cart = books.carts.get(cart_id)
                word = state(facts_of(books, cart, watch, books.reports.cart_counts(cart_id)))
                within = look_within(pace_of(books, cart).tick_seconds) + SLACK_SECONDS
                answered = now - world.networks[cart_id].answered_at
                if word is CartState.IN_STEP and answered > within:
                    self.lies.append(f"shop {number} is called in step, and has not answered for {answered:.1f} s")
                for listing in books.listings.all(cart_id):
                    row = world.shops[number].tables.products.get(listing.product)
                    key = (number, listing.product)
                    if not listing.tracked or listing.item is None or row is None:
                        self._wrong_since.pop(key, None)
                        continue
                    shown = target(items[listing.item].on_hand, cart.settings.buffer) + listing.held
                    if row.quantity == shown or word is not CartState.IN_STEP:
                        self._wrong_since.pop(key, None)
                    elif now - self._wrong_since.setdefault(key, now) > within:
                        self.lies.append(
                            f"shop {number} is called in step, and has shown {row.quantity} of {listing.model} instead of {shown}"
                            f" for {now - self._wrong_since[key]:.1f} s"
                        )

        program.read(read)
