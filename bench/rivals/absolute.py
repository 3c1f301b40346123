"""What the two rivals share that send absolute counts: their own count of each SKU, lowered by the orders they read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from onhand.domain.errors import Retriable

from .day import Keeper, Market
from .shops import Plain


class Absolute(Keeper):
    """Reads the new orders of all shops in turn, at fixed times, then sends counts. What was sold between the two is overwritten."""

    every_seconds: float

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self.shops = [Plain(road) for road in market.roads]
        self.counts = dict(enumerate(market.trade.opening))
        self._read = [0 for _ in self.shops]  # orders

    def begin(self) -> None:
        self.market.time.begin(self._work)

    def receive(self, units: Sequence[tuple[int, int]]) -> None:
        for sku, number in units:
            self.book(sku, number)

    def book(self, sku: int, units: int) -> None:
        """Change the count of a SKU."""
        self.counts[sku] += units

    def _work(self) -> None:
        due = self.market.time.now
        while True:
            due = max(due + self.every_seconds, self.market.time.now)
            self.market.time.run_until(due)
            for shop in range(len(self.shops)):
                self._read_orders(shop)
            self.send()

    def _read_orders(self, shop: int) -> None:
        try:
            lines = self.shops[shop].orders_after(self._read[shop])
        except Retriable:
            return  # the next time
        self._read[shop] += len(lines)
        for sku, units in lines:
            self.book(sku, -units)

    @abstractmethod
    def send(self) -> None:
        """Send what is to be sent now."""

    def put(self, shop: int, counts: Mapping[int, int]) -> bool:
        """Write counts into a shop, none below zero; return whether it answered."""
        try:
            self.shops[shop].put({sku: max(0, units) for sku, units in counts.items()})
        except Retriable:
            return False
        return True
