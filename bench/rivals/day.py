"""Plays one day of trade with one way of keeping the counts, and measures the result.

The shelf is the truth: it loses units when a buyer presses Confirm and gains them when a delivery is booked. A shop is right about a SKU
while it offers what is on the shelf, and nothing if the shelf is oversold. What it offers is what its buyers see, so a shop that is down
offers nothing and cannot be wrong. Minutes are counted while buyers come; requests until the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from onhand.simulation import people
from onhand.simulation.timeline import Process, SimClock

from .shops import Headers, Road, Shop
from .trade import OUTAGE_SECONDS, SHOPS, SKUS, Buyer, Trade
from .turns import Turns

OPENS_AT = 60.0  # seconds of simulated time: by then everyone has begun
QUIET_SECONDS = 2400.0  # after the last buyer: time for the last import by hand, and for what it sends


class Market:
    """All that a keeper can reach: a clock and the roads to the shops."""

    def __init__(self, trade: Trade, time: Turns, headers: Headers, changed: Callable[[int, int], None]) -> None:
        self.trade, self.time, self.clock = trade, time, SimClock(time)
        self.shops = [Shop(number, trade, changed) for number in range(SHOPS)]
        self.roads = [Road(time, shop, trade.seed, headers) for shop in self.shops]
        self.left = [*trade.opening]  # on the shelf, by SKU; below zero: sold, and not there

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.time.run_until(self.time.now + seconds)


class Keeper(ABC):
    """Keeps the counts of one day. The opening counts are right everywhere, and the keeper knows them."""

    name: ClassVar[str]

    def __init__(self, market: Market) -> None:
        self.market = market
        self.decisions = 0  # what a person was asked and decided

    @abstractmethod
    def begin(self) -> None:
        """Get ready before the first buyer comes."""

    @abstractmethod
    def receive(self, units: Sequence[tuple[int, int]]) -> None:
        """Book a delivery of (SKU, units)."""

    def offers(self, shop: int, sku: int) -> int:
        """Return how many units this shop offers: what its database says."""
        return self.market.shops[shop].offered(sku)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one day. ``trade`` names the day, ``came`` are the units that its buyers wanted."""

    keeper: str
    rate: int
    trade: str
    came: int
    sold: int  # units
    oversold: int  # units sold that were not on the shelf
    raced: int  # of them, those sold while the same shop was still writing another sale of the same SKU
    wrong: int  # units by which the shops' offers differ from the shelf at the end, all shops and SKUs together
    wrong_minutes: float  # minutes during which a shop offered a wrong number of a SKU, all shops and SKUs together
    turned_away: int  # units on the shelf that a buyer did not get, because the shop showed too few
    requests: int
    bytes: int
    decisions: int  # that a person had to make


def play(trade: Trade, kind: Callable[[Market], Keeper], headers: Headers) -> Outcome:
    """Play one day with one keeper."""
    with Turns() as time:
        return _Day(trade, kind, headers, time).outcome()


class _Day:
    def __init__(self, trade: Trade, kind: Callable[[Market], Keeper], headers: Headers, time: Turns) -> None:
        self._trade, self._time = trade, time
        self._keeper: Keeper | None = None
        self._market = Market(trade, time, headers, self._changed)
        self._left = self._market.left
        self._down: set[int] = set()
        self._wrong_since: dict[tuple[int, int], float] = {}
        self._wrong_seconds = 0.0
        self._came = self._sold = self._oversold = self._raced = self._turned_away = 0
        self._checkouts: Counter[tuple[int, int]] = Counter()  # under way, by shop and SKU
        self._keeper = kind(self._market)

    def outcome(self) -> Outcome:
        keeper, roads, time = self._keeper, self._market.roads, self._time
        assert keeper is not None
        keeper.begin()
        time.run_until(OPENS_AT)
        for road in roads:
            road.begin_losing()
        begun = sum(road.requests for road in roads), sum(road.bytes for road in roads)
        self._plan()
        time.run_until(OPENS_AT + self._trade.seconds)
        minutes = (self._wrong_seconds + sum(time.now - since for since in self._wrong_since.values())) / 60
        time.run_until(time.now + QUIET_SECONDS)
        wrong = sum(
            abs(keeper.offers(shop, sku) - max(0, self._left[sku])) for shop in range(SHOPS) for sku in range(SKUS)
        )
        return Outcome(
            keeper.name,
            self._trade.rate,
            self._trade.digest(),
            self._came,
            self._sold,
            self._oversold,
            self._raced,
            wrong,
            minutes,
            self._turned_away,
            sum(road.requests for road in roads) - begun[0],
            sum(road.bytes for road in roads) - begun[1],
            keeper.decisions,
        )

    # What happens on the day

    def _plan(self) -> None:
        trade, at = self._trade, self._time.at
        for buyer in trade.buyers:
            at(OPENS_AT + buyer.at, lambda buyer=buyer: self._buy(buyer))
        for delivery in trade.deliveries:
            at(OPENS_AT + delivery.at, lambda units=delivery.units: self._receive(units))
        at(OPENS_AT + trade.down_at, lambda: self._go_down(trade.down_shop))

    def _buy(self, buyer: Buyer) -> None:
        self._came += buyer.units
        keeper, left = self._keeper, self._left[buyer.sku]
        assert keeper is not None
        if buyer.shop in self._down:
            return
        if keeper.offers(buyer.shop, buyer.sku) < buyer.units:
            self._turned_away += buyer.units if left >= buyer.units else 0
            return
        self._sold += buyer.units
        missing = max(0, buyer.units - max(0, left))
        self._oversold += missing
        self._raced += missing if self._checkouts[buyer.shop, buyer.sku] else 0
        self._left[buyer.sku] -= buyer.units
        self._moved(buyer.sku)
        self._time.start(self._checkout(buyer))

    def _checkout(self, buyer: Buyer) -> Process:
        shop = self._market.shops[buyer.shop]
        wanted = [(buyer.sku + 1, buyer.units)]
        self._checkouts[buyer.shop, buyer.sku] += 1
        yield from people.sale(self._time, shop, shop.kind, wanted, Random(buyer.seed))
        self._checkouts[buyer.shop, buyer.sku] -= 1
        shop.done.append((buyer.sku, buyer.units))

    def _receive(self, units: Sequence[tuple[int, int]]) -> None:
        assert self._keeper is not None
        for sku, number in units:
            self._left[sku] += number
        self._keeper.receive(units)
        for sku, _ in units:
            self._moved(sku)

    def _go_down(self, shop: int) -> None:
        self._down.add(shop)
        self._market.roads[shop].down_until = self._time.now + OUTAGE_SECONDS
        self._time.at(self._time.now + OUTAGE_SECONDS, lambda: self._come_back(shop))
        for sku in range(SKUS):
            self._changed(shop, sku)

    def _come_back(self, shop: int) -> None:
        self._down.discard(shop)
        for sku in range(SKUS):
            self._changed(shop, sku)

    # Right and wrong

    def _moved(self, sku: int) -> None:
        for shop in range(SHOPS):
            self._changed(shop, sku)

    def _changed(self, shop: int, sku: int) -> None:
        """Look again whether a shop is right about a SKU."""
        if self._keeper is None:
            return
        wrong = shop not in self._down and self._keeper.offers(shop, sku) != max(0, self._left[sku])
        since = self._wrong_since.get((shop, sku))
        if wrong and since is None:
            self._wrong_since[shop, sku] = self._time.now
        elif since is not None and not wrong:
            self._wrong_seconds += self._time.now - self._wrong_since.pop((shop, sku))
