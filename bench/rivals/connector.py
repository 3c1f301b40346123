"""A connector of an accounting program or an ERP: every minute it reads the new orders, then sends each count that moved.

It stands for the modules that connect one such program with shops (for Odoo, ERPNext, Dolibarr): absolute counts, one SKU per request,
only of SKUs that were sold or received since. What was sold between the reading and the sending is given back to the shop, until the
next minute. What a race in a shop destroyed is made good by then, too: the sales are read, and their count is sent.

Generous to it: it runs every minute (10 is a usual default); an order is read when it is complete, and none is missed; a count is sent
even if it came back to what was sent last (some programs miss a sale in between); a request that failed is sent again in the next
minute, and never given up; the shop's interface has no limit; a product that is in stock again is switched on again.
"""

from __future__ import annotations

from .absolute import Absolute
from .day import Market


class Connector(Absolute):
    name = "absolute counts per changed SKU every minute"
    every_seconds = 60.0

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._due: list[set[int]] = [set() for _ in self.shops]  # SKUs that moved since each shop got them

    def book(self, sku: int, units: int) -> None:
        super().book(sku, units)
        for due in self._due:
            due.add(sku)

    def send(self) -> None:
        for shop, due in enumerate(self._due):
            for sku in sorted(due):
                if self.put(shop, {sku: self.counts[sku]}):
                    due.discard(sku)
