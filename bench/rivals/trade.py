"""Plans a day of trade from a seed: who comes to buy what and where, what is received, and which shop is down when.

The plan does not depend on how the counts are kept, so every way gets the same day.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from hashlib import sha256
from random import Random

SHOPS = 3
SKUS = 500
UNITS = (1, 1, 1, 2, 3)  # what a buyer wants of a product
UNITS_MEAN = sum(UNITS) / len(UNITS)
BURST_SHARE = (
    0.05  # part of those who come that bring others, who want the same product in the same shop at the same moment
)
BURST_MOST = 4  # others at most
BURST_SECONDS = 0.05
DELIVERIES = 8
OUTAGE_SECONDS = 600.0
OUTAGE_AT = 0.4  # of the day


@dataclass(frozen=True, slots=True)
class Buyer:
    """Someone who presses Confirm, if the shop shows enough. ``at`` is in seconds from the beginning of the day."""

    at: float
    shop: int
    sku: int
    units: int
    seed: int  # of the pauses between the statements of the checkout


@dataclass(frozen=True, slots=True)
class Delivery:
    """Goods that come in and are booked at once. ``units`` are (SKU, units)."""

    at: float
    units: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Trade:
    """One day. SKUs and shops are numbered from 0; SKU 0 sells best."""

    seed: int
    rate: int  # buyers an hour
    hours: float
    opening: tuple[int, ...]  # units on the shelf, by SKU
    buyers: tuple[Buyer, ...]
    deliveries: tuple[Delivery, ...]
    down_shop: int
    down_at: float

    @property
    def seconds(self) -> float:
        return self.hours * 3600

    @property
    def wanted(self) -> int:
        """Units that buyers want."""
        return sum(buyer.units for buyer in self.buyers)

    def digest(self) -> str:
        """A short name of everything that happens on this day."""
        return sha256(repr([getattr(self, field.name) for field in fields(self)]).encode()).hexdigest()[:16]


def plan(seed: int, rate: int, hours: float) -> Trade:
    """Return the day of this seed. Demand follows Zipf's law: the n-th best seller is wanted 1/n as often as the best.

    Of each SKU there is at first a fifth to nine tenths of what the day will ask for, and four in five get about as much again in one of
    the deliveries. So many of the best sellers are sold out for a part of the day, and of most others there are one to three.
    """
    chance = Random(f"trade {seed} {rate}")
    share = 1 / sum(1 / n for n in range(1, SKUS + 1))
    demand = [rate * hours * UNITS_MEAN * share / n for n in range(1, SKUS + 1)]
    seconds = hours * 3600
    return Trade(
        seed,
        rate,
        hours,
        opening=tuple(_some(chance, units) for units in demand),
        buyers=_buyers(chance, demand, rate, seconds),
        deliveries=_deliveries(chance, demand, seconds),
        down_shop=chance.randrange(SHOPS),
        down_at=OUTAGE_AT * seconds,
    )


def _some(chance: Random, demand: float) -> int:
    return 1 + int(demand * chance.uniform(0.2, 0.9))


def _buyers(chance: Random, demand: list[float], rate: int, seconds: float) -> tuple[Buyer, ...]:
    """Return as many buyers as the rate says, at random times."""
    buyers: list[Buyer] = []
    skus = range(len(demand))
    while len(buyers) < round(rate * seconds / 3600):
        at, shop, (sku,) = chance.uniform(0, seconds), chance.randrange(SHOPS), chance.choices(skus, demand)
        others = chance.randint(1, BURST_MOST) if chance.random() < BURST_SHARE else 0
        for n in range(1 + others):
            moment = at + (chance.uniform(0, BURST_SECONDS) if n else 0)
            buyers.append(Buyer(moment, shop, sku, chance.choice(UNITS), chance.getrandbits(32)))
    return tuple(sorted(buyers, key=lambda buyer: (buyer.at, buyer.seed)))


def _deliveries(chance: Random, demand: list[float], seconds: float) -> tuple[Delivery, ...]:
    received: list[list[tuple[int, int]]] = [[] for _ in range(DELIVERIES)]
    for sku, units in enumerate(demand):
        if chance.random() < 0.8:
            chance.choice(received).append((sku, _some(chance, units)))
    times = sorted(chance.uniform(0.05, 0.9) * seconds for _ in range(DELIVERIES))
    return tuple(Delivery(at, tuple(units)) for at, units in zip(times, received, strict=True) if units)
