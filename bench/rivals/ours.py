"""OnHand itself: its services, books and drivers, with nothing set but real-time synchronization.

As with the older product, somebody is there every hour: they look at Home and press what it offers, *Switch on* for a product that sold
out and is off although it is in stock again, and *Keep our count* for a difference that needs a decision.

Only the ground under it is simulated: see ``house``. What a request weighs is taken from the bodies that the real client writes and
reads, and from HTTP headers as they were measured.
"""

from __future__ import annotations

from collections.abc import Sequence

from onhand.domain.carts import Settings
from onhand.domain.differences import Remedy
from onhand.services import aligning, receiving, reconciling, settings, settling

from .day import Keeper, Market
from .house import House
from .shops import Road, sku_name

SEND_BATCH = 500
OPERATOR_SECONDS = 3600.0
DIFFERENCES_MAX = 1000


class OnHand(Keeper):
    name = "OnHand"

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        roads: dict[int, Road] = {}
        self._program = House(market, roads)
        settings.set_parameter(self._program.house, "SynchQOH", "True", "")
        for road in market.roads:
            shop = Settings(road.to.name, "")
            cart = self._program.write(lambda books, shop=shop: books.carts.add(shop, market.clock.now()))
            roads[cart] = road

    def begin(self) -> None:
        """Get the counts of the first shop, send them to the others, and switch all on: as the guide says."""
        program = self._program
        for number, cart in enumerate(program.roads):
            with program.at_cart(program.cart(cart)) as (wire, memory):
                if number == 0:
                    aligning.get_qoh(program.house, program.cart(cart), wire, memory, create=True, progress=_silent)
                else:
                    aligning.send_qoh(program.house, program.cart(cart), wire, memory, SEND_BATCH, progress=_silent)
            with program.at_cart(program.cart(cart)) as (wire, memory):
                aligning.enable(program.house, program.cart(cart), wire, memory, "", "")
        program.arrange()
        self.market.time.begin(self._operator)

    def receive(self, units: Sequence[tuple[int, int]]) -> None:
        lines = [(sku_name(sku), number) for sku, number in units]
        receiving.receive(self._program.house, lines, "", "clerk", "")

    def _operator(self) -> None:
        self.market.wait(OPERATOR_SECONDS / 2)
        while True:
            for cart in self._program.roads:
                self._switch_on(cart)
            self._decide()
            self.market.wait(OPERATOR_SECONDS)

    def _switch_on(self, cart: int) -> None:
        listings = self._program.read(lambda books: books.listings.all(cart))
        if off := [listing.product for listing in listings if listing.switched_off]:
            settling.switch_on(self._program.house, self._program.cart(cart), off, True, "clerk")
            self.decisions += len(off)

    def _decide(self) -> None:
        for row in self._program.read(lambda books: books.reports.differences(None, True, DIFFERENCES_MAX)):
            if row["remedy"] == Remedy.ASK:
                reconciling.decide(self._program.house, row["id"], True, "clerk")
                self.decisions += 1


def _silent(phase: str, done: int, of: int) -> None:
    """Show no progress."""
