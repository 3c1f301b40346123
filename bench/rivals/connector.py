"""A connector of an accounting program or an ERP: every minute it reads the new orders, then sends each count that changed.

It stands for the modules that connect one such program with shops through their interfaces (for Odoo, ERPNext, Dolibarr): absolute
counts, one SKU per request, only where the count is another than the one sent last. What was sold between the reading of the orders and
the sending is given back to the shop, until the next minute. A count that was never sent again is not compared with the shop's either,
so a write that a checkout destroyed stays lost until the SKU moves again.

Generous to it: it runs every minute (10 minutes is a usual default); an order is read when it is complete, and none is missed; a request
that failed is sent again in the next minute, and never given up; no request is held back by a limit of the shop's interface; a product
that is in stock again is switched on again.
"""

from __future__ import annotations

from .absolute import Absolute
from .day import Market


class Connector(Absolute):
    name = "absolute counts per changed SKU every minute"
    every_seconds = 60.0

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._sent = [dict(self.counts) for _ in self.shops]

    def send(self) -> None:
        for shop, sent in enumerate(self._sent):
            for sku, units in self.counts.items():
                if sent[sku] != units and self.put(shop, {sku: units}):
                    sent[sku] = units
